// Package contacts keeps whom packages are sent to and taken from: cards (chartpost-card-v1), their eight words, and the contact book
// (chartpost-contacts-v1), signed by its owner (docs/format.md).
package contacts

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"golang.org/x/text/unicode/norm"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// Card is what a practice gives to others: who it is, and the keys to seal for it and to check its signature with.
type Card struct {
	Name      string
	Person    string // whom to ask for; may be empty
	Address   string // street, for the accounting of disclosures; may be empty
	City      string // may be empty
	Phone     string // may be empty; never the number to verify the card by
	Created   time.Time
	Sequence  int       // 1 for the first card, one more for each that takes its place
	Previous  string    // digest of the card that it takes the place of; may be empty
	Revoked   bool      // the keys are not to be trusted any more
	Expires   time.Time // the day it ends; zero: never
	Age       string    // post-quantum hybrid recipient, or that of a plugin
	AgeCompat string    // X25519 recipient, ssh-ed25519 key, or that of a plugin
	Sign      string    // ssh-ed25519 key

	// Recovery keys, which the owner keeps elsewhere: whoever seals for the owner seals for them too. They may be empty.
	Recovery       string // post-quantum hybrid recipient
	RecoveryCompat string // X25519 recipient

	text         string
	introducedBy string // the signing key that signed beside the card's own; empty for most cards
}

const (
	cardHead    = "chartpost card v1"
	MaxCard     = 16 << 10 // no card is larger
	sigBegin    = "-----BEGIN SSH SIGNATURE-----\n"
	sigEnd      = "-----END SSH SIGNATURE-----\n"
	mustPrefix  = "must-"
	maxSequence = 1 << 30
	validMonths = 24 // how long a card is good for unless its owner says otherwise
)

// DefaultExpiry is the last day of a card that is made on this day.
func DefaultExpiry(created time.Time) time.Time { return day(created).AddDate(0, validMonths, 0) }

func day(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// NewCard makes the first card of an identity, or with a sequence in c one that takes the place of others that were lost.
func NewCard(id *seal.Identity, c Card, created time.Time) (*Card, error) {
	c.Name, c.Created, c.Previous = id.Name, created, ""
	c.Sequence = max(c.Sequence, 1)
	return issue(id, c, nil)
}

// Next makes the card that takes this one's place, with the particulars of c. If the identity has new keys since, old is the signing
// key of before, which introduces them.
func (c *Card) Next(id *seal.Identity, particulars Card, old ed25519.PrivateKey, created time.Time) (*Card, error) {
	particulars.Created, particulars.Sequence, particulars.Previous, particulars.Revoked = created, c.Sequence+1, c.Digest(), false
	return issue(id, particulars, old)
}

// Revocation makes the card that says that the keys of this one are not to be trusted any more. It is made with the keys and kept aside:
// who has lost them can still give it away.
func (c *Card) Revocation(id *seal.Identity) (*Card, error) {
	r := *c
	r.Revoked, r.Expires, r.Previous = true, time.Time{}, ""
	return issue(id, r, nil)
}

// issue writes and signs a card.
func issue(id *seal.Identity, c Card, introducer ed25519.PrivateKey) (*Card, error) {
	c.Age, c.AgeCompat, c.Sign = id.Recipient(), id.CompatRecipient(), seal.FormatKey(id.PublicKey())
	var b strings.Builder
	b.WriteString(cardHead + "\n")
	for _, f := range c.fields() {
		if v := f.get(); v != "" {
			if !f.set(v) {
				return nil, fmt.Errorf("the %s must be %s", f.key, f.form)
			}
			fmt.Fprintf(&b, "%s: %s\n", f.key, v)
		}
	}
	body := []byte(b.String())
	text := append(body, seal.Sign(id.Sign, seal.NamespaceCard, body).Armor()...)
	if introducer != nil {
		text = append(text, seal.Sign(introducer, seal.NamespaceCard, body).Armor()...)
	}
	return ParseCard(text)
}

// cardField is one line of a card.
type cardField struct {
	key      string
	required bool
	form     string // what it must be, in words
	get      func() string
	set      func(string) bool
}

// fields are a card's lines in their order.
func (c *Card) fields() []cardField {
	text := func(key string, required bool, p *string) cardField {
		return cardField{key, required, "one short line of plain text", func() string { return *p },
			func(s string) bool { *p = s; return pack.IsLine(s) && norm.NFC.IsNormalString(s) }}
	}
	day := func(key string, required bool, p *time.Time) cardField {
		return cardField{key, required, "a day, as 2026-11-22", func() string {
			if p.IsZero() {
				return ""
			}
			return p.UTC().Format(time.DateOnly)
		}, func(s string) bool {
			t, err := time.Parse(time.DateOnly, s)
			*p = t
			return err == nil
		}}
	}
	key := func(name string, required bool, p *string, kinds ...seal.Kind) cardField {
		return cardField{name, required, "a key", func() string { return *p }, func(s string) bool {
			*p = s
			return slices.Contains(kinds, seal.KindOf(s))
		}}
	}
	return []cardField{
		text("name", true, &c.Name),
		text("person", false, &c.Person),
		text("address", false, &c.Address),
		text("city", false, &c.City),
		text("phone", false, &c.Phone),
		day("created", true, &c.Created),
		{"sequence", true, "a number", func() string { return strconv.Itoa(c.Sequence) }, func(s string) bool {
			n, err := strconv.Atoi(s)
			c.Sequence = n
			return err == nil && n >= 1 && n < maxSequence && strconv.Itoa(n) == s
		}},
		{"previous", false, "a SHA-256", func() string { return c.Previous }, func(s string) bool {
			b, err := hex.DecodeString(s)
			c.Previous = s
			return err == nil && len(b) == sha256.Size && strings.ToLower(s) == s
		}},
		{"revoked", false, "yes", func() string {
			if c.Revoked {
				return "yes"
			}
			return ""
		}, func(s string) bool { c.Revoked = s == "yes"; return c.Revoked }},
		day("expires", false, &c.Expires),
		key("age", true, &c.Age, seal.Hybrid, seal.Plugin),
		key("age-compat", true, &c.AgeCompat, seal.Classic, seal.SSH, seal.Plugin),
		key("sign", true, &c.Sign, seal.SSH),
		key("recovery", false, &c.Recovery, seal.Hybrid),
		key("recovery-compat", false, &c.RecoveryCompat, seal.Classic),
	}
}

// IsCard reports whether a file begins as a card does.
func IsCard(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(head, []byte("\ufeff")), []byte(cardHead))
}

// ParseCard reads a card and checks that it is signed with its own key, which shows that it is whole, not whose it is; and if it was
// introduced by another key, that this one signed it too. Line ends that mail has changed are mended. Lines that this version does not know are passed over, unless their key begins with "must-".
func ParseCard(b []byte) (*Card, error) {
	bad := func(line int, format string, args ...any) error {
		return diag.New("CP-PKG-030", diag.Place{Line: line}, format, args...)
	}
	if len(b) > MaxCard {
		return nil, bad(0, "the card is larger than %d KiB", MaxCard>>10)
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	text := strings.TrimRight(strings.ReplaceAll(string(b), "\r\n", "\n"), " \t\n") + "\n"
	split := strings.Index(text, sigBegin)
	if split < 0 {
		return nil, bad(0, "the card has no signature; a part of it may be missing")
	}
	c := &Card{text: text}
	body, armor := text[:split], text[split:]
	var sigs []*seal.Signature
	for armor != "" {
		one, rest, _ := strings.Cut(armor, sigEnd)
		sig, err := seal.ParseSignature([]byte(one + sigEnd))
		if err != nil {
			return nil, bad(0, "%v", err)
		}
		sigs, armor = append(sigs, sig), rest
	}
	if len(sigs) > 2 {
		return nil, bad(0, "the card has more than two signatures")
	}
	fields := c.fields()
	next := 0
	line := 0
	for l := range strings.Lines(body) {
		line++
		l = strings.TrimSuffix(l, "\n")
		if line == 1 {
			if l != cardHead {
				return nil, bad(1, "the first line is not %q", cardHead)
			}
			continue
		}
		key, value, ok := strings.Cut(l, ": ")
		if !ok {
			return nil, bad(line, "the line is not a word, a colon and a text")
		}
		i := next
		for i < len(fields) && fields[i].key != key {
			i++
		}
		if i == len(fields) {
			for _, f := range fields {
				if f.key == key {
					return nil, bad(line, "the line %q is there twice or in the wrong place", key)
				}
			}
			if strings.HasPrefix(key, mustPrefix) {
				return nil, diag.New("CP-PKG-012", diag.Place{Line: line}, "the card asks for something that this version does not know")
			}
			continue
		}
		for ; next < i; next++ {
			if fields[next].required {
				return nil, bad(line, "the line %q is missing", fields[next].key)
			}
		}
		if !fields[i].set(value) {
			return nil, bad(line, "what stands after %q is not as it must be", key+":")
		}
		next = i + 1
	}
	for ; next < len(fields); next++ {
		if fields[next].required {
			return nil, bad(line, "the line %q is missing", fields[next].key)
		}
	}
	if err := sigs[0].Verify(c.SignKey(), seal.NamespaceCard, []byte(body)); err != nil {
		return nil, diag.New("CP-PKG-031", diag.Place{}, "")
	}
	if len(sigs) == 1 {
		return c, nil
	}
	old := sigs[1]
	switch {
	case old.Verify(old.Key, seal.NamespaceCard, []byte(body)) != nil:
		return nil, diag.New("CP-PKG-031", diag.Place{}, "the signature of the keys that introduce the card's is not valid")
	case c.Previous == "" || c.Revoked || old.Key.Equal(c.SignKey()):
		return nil, bad(0, "the card has a second signature, but takes the place of no card with other keys")
	}
	c.introducedBy = seal.FormatKey(old.Key)
	return c, nil
}

// Sniff reports whether a file begins as a card does.
func Sniff(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(head, []byte("\ufeff")), []byte(cardHead))
}

// Text is the card as it is given away.
func (c *Card) Text() string { return c.text }

// Digest names the card: the SHA-256 of its text, in hexadecimal.
func (c *Card) Digest() string {
	d := sha256.Sum256([]byte(c.text))
	return hex.EncodeToString(d[:])
}

// SignKey is the key that the owner of the card signs with.
func (c *Card) SignKey() ed25519.PublicKey {
	k, _ := seal.ParseKey(c.Sign) // ParseCard has checked it
	return k
}

// Recipient is what to seal for: the hybrid recipient, or the classic one.
func (c *Card) Recipient(compat bool) (age.Recipient, string, error) {
	list, err := c.Recipients(compat, nil)
	if err != nil {
		return nil, "", err
	}
	return list[0].Recipient, list[0].Address, nil
}

// Recipient is a key to seal for, with what the manifest says of it.
type Recipient struct {
	age.Recipient
	Name, City string
	Address    string // the key as it is written
}

// Recipients are all keys to seal for: the owner's, and the recovery key if there is one of the same kind, which age does not mix.
// ui is what a plugin may ask; it may be nil.
func (c *Card) Recipients(compat bool, ui *plugin.ClientUI) ([]Recipient, error) {
	address, recovery := c.Age, c.Recovery
	if compat {
		address = c.AgeCompat
	}
	if !seal.IsPostQuantum(address) {
		recovery = c.RecoveryCompat
	}
	var list []Recipient
	for _, a := range []string{address, recovery} {
		if a == "" || len(list) > 0 && a == address {
			continue
		}
		r, err := seal.ParseRecipient(a, ui)
		if err != nil {
			return nil, err
		}
		name := c.Name
		if len(list) > 0 {
			name = recoveryName(name)
		}
		list = append(list, Recipient{r, name, c.City, a})
	}
	return list, nil
}

// recoveryName is what the manifest calls a recovery key.
func recoveryName(name string) string {
	if full := name + ", recovery key"; pack.IsLine(full) {
		return full
	}
	return "recovery key"
}

// Expired reports whether the card's last day is over.
func (c *Card) Expired(now time.Time) bool {
	return !c.Expires.IsZero() && now.UTC().After(c.Expires.AddDate(0, 0, 1))
}

// sameKeys reports whether two cards have all three keys in common.
func (c *Card) sameKeys(d *Card) bool {
	return c.Age == d.Age && c.AgeCompat == d.AgeCompat && c.Sign == d.Sign
}
