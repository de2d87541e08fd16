package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/seal"
)

// particulars are the flags that say what stands on a card beside its keys.
type particulars struct {
	card     contacts.Card
	expires  string
	recovery string
}

func (p *particulars) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.card.Name, "name", "", "the `NAME` of the practice, as others know it")
	f.StringVar(&p.card.Person, "person", "", "whom to ask for")
	f.StringVar(&p.card.Address, "address", "", "street and number, for the logs of those who send to you")
	f.StringVar(&p.card.City, "city", "", "city")
	f.StringVar(&p.card.Phone, "phone", "", "telephone number")
	f.StringVar(&p.expires, "expires", "", "the last `DAY` of the card, as 2028-11-22, or never; without it two years from today")
	f.StringVar(&p.recovery, "recovery", "", "let the recovery key whose public half is in `FILE` open what is sealed for you too, or none")
}

// fill completes a card with what the flags say; a flag that was not given leaves what is there.
func (p *particulars) fill(card *contacts.Card, now time.Time, given func(flag string) bool) error {
	for flag, to := range map[string][2]*string{"name": {&p.card.Name, &card.Name}, "person": {&p.card.Person, &card.Person},
		"address": {&p.card.Address, &card.Address}, "city": {&p.card.City, &card.City}, "phone": {&p.card.Phone, &card.Phone}} {
		if given(flag) {
			*to[1] = strings.TrimSpace(*to[0])
		}
	}
	switch p.expires {
	case "":
		card.Expires = contacts.DefaultExpiry(now)
	case "never":
		card.Expires = time.Time{}
	default:
		day, err := time.Parse(time.DateOnly, p.expires)
		if err != nil || !day.After(now) {
			return usagef("--expires wants a day to come, as 2028-11-22, or never")
		}
		card.Expires = day
	}
	if p.recovery == "" {
		return nil
	}
	card.Recovery, card.RecoveryCompat = "", ""
	if p.recovery == "none" {
		return nil
	}
	text, err := os.ReadFile(p.recovery)
	if err != nil {
		return fail(exitUnreadable, err)
	}
	return recoveryKeys(card, string(text), p.recovery)
}

// recoveryKeys reads the public half of a recovery key: a file of recipients as age reads it.
func recoveryKeys(card *contacts.Card, text, path string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		to := &card.Recovery
		switch seal.KindOf(line) {
		case seal.Hybrid:
		case seal.Classic:
			to = &card.RecoveryCompat
		default:
			if strings.HasPrefix(line, "AGE-") {
				return fail(exitUsage, fmt.Errorf("%s holds a secret key", path), "name the file with its public half; keep this one in a safe place")
			}
			return usagef("%s holds something else than recipients of age", path)
		}
		if *to != "" {
			return usagef("%s holds two recipients of one kind", path)
		}
		*to = line
	}
	if card.Recovery == "" && card.RecoveryCompat == "" {
		return usagef("%s holds no recipient of age", path)
	}
	return nil
}
