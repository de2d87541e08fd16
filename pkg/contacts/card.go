// Package contacts keeps whom packages are sent to and taken from: cards (chartpost-card-v1), their eight words, and the contact book
// (chartpost-contacts-v1), signed by its owner (docs/format.md).
package contacts

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// Card is what a practice gives to others: who it is, and the keys to seal for it and to check its signature with.
type Card struct {
	Name      string
	Address   string // street, for the accounting of disclosures; may be empty
	City      string // may be empty
	Phone     string // may be empty; never the number to verify the card by
	Created   time.Time
	Sequence  int       // 1 for the first card, one more for each that takes its place
	Expires   time.Time // the day it ends; zero: never
	Age       string    // post-quantum hybrid recipient
	AgeCompat string    // X25519 recipient
	Sign      string    // ssh-ed25519 key

	text string
}

const (
	cardHead    = "chartpost card v1"
	maxCard     = 16 << 10
	sigBegin    = "-----BEGIN SSH SIGNATURE-----\n"
	mustPrefix  = "must-"
	maxSequence = 1 << 30
)

// NewCard makes the first card of an identity.
func NewCard(id *seal.Identity, c Card, created time.Time) (*Card, error) {
	compat, err := id.Compat()
	if err != nil {
		return nil, err
	}
	c.Name, c.Created, c.Sequence = id.Name, created, 1
	c.Age, c.AgeCompat, c.Sign = id.Hybrid.Recipient().String(), compat.Recipient().String(), seal.FormatKey(id.PublicKey())
	var b strings.Builder
	b.WriteString(cardHead + "\n")
	for _, f := range c.fields() {
		if v := f.get(); v != "" {
			if !f.set(v) {
				return nil, fmt.Errorf("the %s must be one short line of plain text", f.key)
			}
			fmt.Fprintf(&b, "%s: %s\n", f.key, v)
		}
	}
	b.Write(seal.Sign(id.Sign, seal.NamespaceCard, []byte(b.String())).Armor())
	return ParseCard([]byte(b.String()))
}

// cardField is one line of a card.
type cardField struct {
	key      string
	required bool
	get      func() string
	set      func(string) bool
}

// fields are a card's lines in their order.
func (c *Card) fields() []cardField {
	text := func(key string, required bool, p *string) cardField {
		return cardField{key, required, func() string { return *p }, func(s string) bool { *p = s; return pack.IsLine(s) }}
	}
	day := func(key string, required bool, p *time.Time) cardField {
		return cardField{key, required, func() string {
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
	key := func(name string, p *string, ok func(string) bool) cardField {
		return cardField{name, true, func() string { return *p }, func(s string) bool { *p = s; return ok(s) }}
	}
	return []cardField{
		text("name", true, &c.Name),
		text("address", false, &c.Address),
		text("city", false, &c.City),
		text("phone", false, &c.Phone),
		day("created", true, &c.Created),
		{"sequence", true, func() string { return strconv.Itoa(c.Sequence) }, func(s string) bool {
			n, err := strconv.Atoi(s)
			c.Sequence = n
			return err == nil && n >= 1 && n < maxSequence && strconv.Itoa(n) == s
		}},
		day("expires", false, &c.Expires),
		key("age", &c.Age, func(s string) bool { r, err := age.ParseHybridRecipient(s); return err == nil && r.String() == s }),
		key("age-compat", &c.AgeCompat, func(s string) bool { r, err := age.ParseX25519Recipient(s); return err == nil && r.String() == s }),
		key("sign", &c.Sign, func(s string) bool { _, err := seal.ParseKey(s); return err == nil }),
	}
}

// ParseCard reads a card and checks that it is signed with its own key, which shows that it is whole, not whose it is. Line ends that
// mail has changed are mended. Lines that this version does not know are passed over, unless their key begins with "must-".
func ParseCard(b []byte) (*Card, error) {
	bad := func(line int, format string, args ...any) error {
		return diag.New("CP-PKG-030", diag.Place{Line: line}, format, args...)
	}
	if len(b) > maxCard {
		return nil, bad(0, "the card is larger than %d KiB", maxCard>>10)
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	text := strings.TrimRight(strings.ReplaceAll(string(b), "\r\n", "\n"), " \t\n") + "\n"
	split := strings.Index(text, sigBegin)
	if split < 0 {
		return nil, bad(0, "the card has no signature; a part of it may be missing")
	}
	c := &Card{text: text}
	body, armor := text[:split], text[split:]
	sig, err := seal.ParseSignature([]byte(armor))
	if err != nil {
		return nil, bad(0, "%v", err)
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
	if err := sig.Verify(c.SignKey(), seal.NamespaceCard, []byte(body)); err != nil {
		return nil, diag.New("CP-PKG-031", diag.Place{}, "")
	}
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
	if compat {
		r, err := age.ParseX25519Recipient(c.AgeCompat)
		return r, c.AgeCompat, err
	}
	r, err := age.ParseHybridRecipient(c.Age)
	return r, c.Age, err
}

// Expired reports whether the card's last day is over.
func (c *Card) Expired(now time.Time) bool {
	return !c.Expires.IsZero() && now.UTC().After(c.Expires.AddDate(0, 0, 1))
}

// sameKeys reports whether two cards have all three keys in common.
func (c *Card) sameKeys(d *Card) bool {
	return c.Age == d.Age && c.AgeCompat == d.AgeCompat && c.Sign == d.Sign
}
