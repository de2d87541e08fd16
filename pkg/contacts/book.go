package contacts

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// BookFile is the contact book's name in its owner's folder.
const BookFile = "contacts.json"

// State is how far a contact is known.
type State string

// What a contact can be. Expired is never written into a book: the card's last day says it.
const (
	New      State = "new"      // its words have not been compared yet
	Verified State = "verified" // its words were typed in by somebody who heard them
	Changed  State = "changed"  // it was verified, and has new keys since, which the old ones introduced
	Expired  State = "expired"  // the last day of its card is over
	Revoked  State = "revoked"  // its owner says that the keys are not to be trusted
)

// Contact is somebody in the book.
type Contact struct {
	Name       string     `json:"name"` // as the owner of the book calls it
	State      State      `json:"state"`
	Added      time.Time  `json:"added"`
	Verified   *time.Time `json:"verified,omitempty"`    // when last; of a changed contact, with the keys of before
	VerifiedBy string     `json:"verified_by,omitempty"` // the user who typed the words
	Called     string     `json:"called,omitempty"`      // the number where they were heard
	Changed    *time.Time `json:"changed,omitempty"`     // when its keys changed last, or it was revoked
	// Consent says that no package goes to this contact without the patient's consent in it.
	Consent bool `json:"consent,omitempty"`
	// What the owner of the book knows better than the card.
	Address  string   `json:"address,omitempty"`
	City     string   `json:"city,omitempty"`
	Phone    string   `json:"phone,omitempty"`
	Former   []Former `json:"former,omitempty"` // keys of before, the newest last
	CardText string   `json:"card"`

	card *Card
}

// Former is a signing key that a contact had before.
type Former struct {
	Sign  string    `json:"sign"`
	Until time.Time `json:"until"` // when the card came that took its place
}

// Card is the contact's card.
func (c *Contact) Card() *Card { return c.card }

// PostalAddress is where the contact is, for the accounting of disclosures (45 CFR 164.528(b)(2)(ii)): what the owner of the book wrote
// down, else what the card says.
func (c *Contact) PostalAddress() (address, city string) {
	if c.Address != "" || c.City != "" {
		return c.Address, c.City
	}
	return c.card.Address, c.card.City
}

// StateAt is the contact's state on a day.
func (c *Contact) StateAt(now time.Time) State {
	if c.State != Revoked && c.card.Expired(now) {
		return Expired
	}
	return c.State
}

// CheckRead refuses a contact whose packages are not to be opened: a revoked or an expired one.
func (c *Contact) CheckRead(now time.Time) error {
	switch c.StateAt(now) {
	case Revoked:
		return diag.New("CP-PKG-018", diag.Place{}, "%s revoked their keys; you have known it since %s", c.Name, c.since().Format(time.DateOnly))
	case Expired:
		return diag.New("CP-PKG-034", diag.Place{}, "the card of %s expired on %s", c.Name, c.card.Expires.Format(time.DateOnly))
	}
	return nil
}

// CheckSend refuses a contact that packages are not to be sent to. Besides those of CheckRead, ErrNotVerified and ErrChanged are reasons
// that a person can overrule.
func (c *Contact) CheckSend(now time.Time) error {
	if err := c.CheckRead(now); err != nil {
		return err
	}
	switch c.State {
	case Verified:
		return nil
	case Changed:
		return fmt.Errorf("%w: %s, since %s", ErrChanged, c.Name, c.since().Format(time.DateOnly))
	}
	return fmt.Errorf("%w: %s", ErrNotVerified, c.Name)
}

func (c *Contact) since() time.Time {
	if c.Changed != nil {
		return *c.Changed
	}
	return c.Added
}

// Revocation is a key that its owner said is not to be trusted any more. It stays in the book when the contact is removed, so that an
// old card of a stolen key cannot come back as a new contact.
type Revocation struct {
	Sign string    `json:"sign"`
	Name string    `json:"name"` // on the card
	Told time.Time `json:"told"` // when the card that says so was added
}

// Book is a contact book.
type Book struct {
	Contacts []*Contact
	Revoked  []Revocation
	digest   string
}

type bookFile struct {
	Book      jsontext.Value `json:"book"`
	Signature []byte         `json:"signature"`
}

type bookBody struct {
	Format   string       `json:"format"`
	Contacts []*Contact   `json:"contacts"`
	Revoked  []Revocation `json:"revoked,omitempty"`
}

// Errors of looking up and adding.
var (
	ErrNotFound  = errors.New("there is no such contact")
	ErrAmbiguous = errors.New("several contacts have such a name")
	ErrName      = errors.New("the contact cannot have this name")

	ErrNotVerified = errors.New("the contact is not verified")
	ErrChanged     = errors.New("the contact has new keys, which have not been verified yet")
)

// Load reads a book and checks that its owner signed it.
func Load(path string, owner ed25519.PublicKey) (*Book, error) {
	changed := func(format string, args ...any) error {
		return diag.New("CP-PKG-040", diag.Place{Source: path}, format, args...)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, changed("the contact book is missing")
	}
	if err != nil {
		return nil, err
	}
	var f bookFile
	if err := json.Unmarshal(data, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, changed("the contact book is not the JSON that it must be")
	}
	sig, err := seal.ParseBlob(f.Signature)
	if err != nil || sig.Verify(owner, seal.NamespaceContacts, f.Book) != nil {
		return nil, changed("")
	}
	var body bookBody
	if err := json.Unmarshal(f.Book, &body); err != nil || body.Format != seal.NamespaceContacts {
		return nil, changed("the contact book is of another format")
	}
	b := &Book{Contacts: body.Contacts, Revoked: body.Revoked, digest: bookDigest(f.Book)}
	for _, c := range b.Contacts {
		if c == nil || !slices.Contains([]State{New, Verified, Changed, Revoked}, c.State) {
			return nil, changed("a contact in it has a state that this version does not know")
		}
		if c.card, err = ParseCard([]byte(c.CardText)); err != nil {
			return nil, changed("the card of a contact in it is damaged")
		}
	}
	return b, nil
}

func bookDigest(body []byte) string {
	d := sha256.Sum256(body)
	return hex.EncodeToString(d[:])
}

// Digest names the state of the book: the SHA-256 of what its owner signed. It changes with Encode.
func (b *Book) Digest() string { return b.digest }

// Encode signs the book. What it returns is to be written with Save; the digest is known before, for the log.
func (b *Book) Encode(owner ed25519.PrivateKey) ([]byte, error) {
	body, err := json.Marshal(bookBody{seal.NamespaceContacts, b.Contacts, b.Revoked}, jsontext.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	b.digest = bookDigest(body)
	// Written by hand, because what is signed are these very bytes, white space included.
	data := append([]byte(`{"book":`), body...)
	data = append(data, `,"signature":"`...)
	data = base64.StdEncoding.AppendEncode(data, seal.Sign(owner, seal.NamespaceContacts, body).Blob())
	return append(data, "\"}\n"...), nil
}

// Save writes an encoded book.
func Save(path string, data []byte) error { return safefile.Write(path, data, 0o600) }

// Find looks a contact up by name: the whole name in any case, else its first words. "lakeside" finds Lakeside Cardiology if no other
// contact's name begins with that word.
func (b *Book) Find(name string) (*Contact, error) {
	want := slug(name)
	var near []*Contact
	var like []string // their names begin so, but not with that word
	for _, c := range b.Contacts {
		s := slug(c.Name)
		if s == want {
			return c, nil
		}
		if want != "" && strings.HasPrefix(s, want+"-") {
			near = append(near, c)
		} else if want != "" && strings.HasPrefix(s, want) {
			like = append(like, c.Name)
		}
	}
	switch len(near) {
	case 0:
		if like != nil {
			return nil, fmt.Errorf("%w: %q; write the whole word, as in %s", ErrNotFound, name, strings.Join(like, ", "))
		}
		return nil, fmt.Errorf("%w: %q", ErrNotFound, name)
	case 1:
		return near[0], nil
	}
	names := make([]string, len(near))
	for i, c := range near {
		names[i] = c.Name
	}
	return nil, fmt.Errorf("%w: %s", ErrAmbiguous, strings.Join(names, ", "))
}

// slug is a name for comparing and for file names: letters and digits in lower case, everything else a hyphen.
func slug(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "-")
}

// Slug is the name of a contact's card file without its ending.
func Slug(name string) string { return slug(name) }

// ByKey finds the contact that signs with a key.
func (b *Book) ByKey(key ed25519.PublicKey) *Contact {
	for _, c := range b.Contacts {
		if c.card.SignKey().Equal(key) {
			return c
		}
	}
	return nil
}

// ByFormerKey finds the contact that signed with a key until its keys changed.
func (b *Book) ByFormerKey(key ed25519.PublicKey) (*Contact, Former) {
	sign := seal.FormatKey(key)
	for _, c := range b.Contacts {
		for _, f := range c.Former {
			if f.Sign == sign {
				return c, f
			}
		}
	}
	return nil, Former{}
}

// BySigner finds the contact that signs with a key, or did before a rotation.
func (b *Book) BySigner(sign string) *Contact {
	i := slices.IndexFunc(b.Contacts, func(c *Contact) bool { return c.signed(sign) })
	if i < 0 {
		return nil
	}
	return b.Contacts[i]
}

// SameOwner reports whether two signing keys are those of one contact, now or before a rotation.
func (b *Book) SameOwner(x, y string) bool {
	c := b.BySigner(x)
	return c != nil && c.signed(y)
}

// signed reports whether a signing key is or was the contact's.
func (c *Contact) signed(sign string) bool {
	return c.card.Sign == sign || slices.ContainsFunc(c.Former, func(f Former) bool { return f.Sign == sign })
}

// IsRevoked says whether a key's owner revoked it, and what the book knows of that.
func (b *Book) IsRevoked(sign string) (Revocation, bool) {
	i := slices.IndexFunc(b.Revoked, func(r Revocation) bool { return r.Sign == sign })
	if i < 0 {
		return Revocation{}, false
	}
	return b.Revoked[i], true
}

// ByCardName finds the contact whose own or given name is this one, or could be taken for it.
func (b *Book) ByCardName(name string) *Contact {
	for _, c := range b.Contacts {
		if LookAlike(c.Name, name) || LookAlike(c.card.Name, name) {
			return c
		}
	}
	return nil
}

// Added says what adding a card did.
type Added int

// What a card can be to the book.
const (
	AddedNew        Added = iota // a new contact
	AddedUpdate                  // a newer card with the same keys, which keeps the state: the words are the same
	AddedNothing                 // the card is there already
	AddedOlder                   // there is a newer one, which stays
	AddedRotation                // new keys, introduced by the old ones
	AddedRevocation              // the owner revoked the keys
)

// Add puts a card into the book under a name, by default the card's own. Keys that differ from those of a contact are refused
// (CP-PKG-032), unless the contact's keys introduced them: it may be somebody who pretends to be them.
//
// The contact is nil if a key was revoked that no contact has.
func (b *Book) Add(card *Card, name string, now time.Time) (*Contact, Added, error) {
	now = now.UTC().Truncate(time.Second)
	if card.Revoked {
		return b.revoke(card, now), AddedRevocation, nil
	}
	for _, sign := range []string{card.Sign, card.introducedBy} {
		if r, ok := b.IsRevoked(sign); ok {
			return nil, 0, diag.New("CP-PKG-018", diag.Place{}, "the keys of this card were revoked by their owner, who was called %s; you have known it since %s",
				r.Name, r.Told.Format(time.DateOnly))
		}
	}
	for _, c := range b.Contacts {
		rotated := card.introducedBy == c.card.Sign && c.State != Revoked
		if c.card.sameKeys(card) || rotated {
			if name != "" && slug(name) != slug(c.Name) {
				return nil, 0, fmt.Errorf("%w: the card is in the book already, as %s", ErrName, c.Name)
			}
			added, err := b.replace(c, card, now)
			return c, added, err
		}
		// Their card of before, of keys that this book has known, or that introduced those it knows.
		if slices.ContainsFunc(c.Former, func(f Former) bool { return f.Sign == card.Sign }) ||
			c.card.introducedBy == card.Sign && card.Sequence < c.card.Sequence {
			return nil, 0, older(c)
		}
		// One key in common and another not is a change too.
		if c.card.Age == card.Age || c.card.AgeCompat == card.AgeCompat || c.card.Sign == card.Sign {
			return nil, 0, otherKeys(c, card)
		}
	}
	if err := b.nameIsFree(card, name); err != nil {
		return nil, 0, err
	}
	if name == "" {
		name = card.Name
	}
	name = norm.NFC.String(name)
	if slug(name) == "" || !pack.IsLine(name) {
		return nil, 0, fmt.Errorf("%w: it must be one line with a letter or a digit", ErrName)
	}
	c := &Contact{Name: name, State: New, Added: now, CardText: card.text, card: card}
	b.Contacts = append(b.Contacts, c)
	slices.SortFunc(b.Contacts, func(x, y *Contact) int { return strings.Compare(slug(x.Name), slug(y.Name)) })
	return c, AddedNew, nil
}

// replace gives a contact the card that follows the one it has: of the same keys, or of new ones that the old ones introduced.
func (b *Book) replace(c *Contact, card *Card, now time.Time) (Added, error) {
	was := c.card
	rotated := !was.sameKeys(card)
	switch {
	case card.text == was.text:
		return AddedNothing, nil
	case card.Sequence < was.Sequence && rotated:
		return 0, older(c)
	case card.Sequence < was.Sequence:
		return AddedOlder, nil
	case card.Sequence == was.Sequence, card.Sequence == was.Sequence+1 && card.Previous != "" && card.Previous != was.Digest():
		return 0, diag.New("CP-PKG-036", diag.Place{}, "there are two different cards number %d of %s", min(card.Sequence, was.Sequence), c.Name)
	}
	if other := b.ByCardName(card.Name); other != nil && other != c && !LookAlike(card.Name, was.Name) {
		return 0, diag.New("CP-PKG-037", diag.Place{}, "%s calls itself %q now, which could be taken for %s", c.Name, card.Name, other.Name)
	}
	c.CardText, c.card = card.text, card
	if !rotated {
		return AddedUpdate, nil
	}
	c.Former = append(c.Former, Former{was.Sign, now})
	c.Changed = &now
	if c.State == Verified {
		c.State = Changed
	}
	return AddedRotation, nil
}

// revoke takes note that the keys of a card are not to be trusted any more. A contact whose new keys were introduced by them, and not
// verified since, is revoked with them: whoever stole the old keys may have introduced the new ones.
//
// The keys that the contact had before go with those of now: they stand in the same file, and were given up. So none of them can come back
// as a new contact when this one is removed.
func (b *Book) revoke(card *Card, now time.Time) *Contact {
	revoke := func(sign string) {
		if _, known := b.IsRevoked(sign); !known {
			b.Revoked = append(b.Revoked, Revocation{sign, card.Name, now})
		}
	}
	revoke(card.Sign)
	for _, c := range b.Contacts {
		introduced := c.State != Verified && slices.ContainsFunc(c.Former, func(f Former) bool { return f.Sign == card.Sign })
		if c.card.Sign != card.Sign && !introduced {
			continue
		}
		if c.card.Sign == card.Sign {
			for _, f := range c.Former {
				revoke(f.Sign)
			}
		}
		if c.State != Revoked {
			c.State, c.Changed = Revoked, &now
		}
		return c
	}
	return nil
}

func older(c *Contact) error {
	return diag.New("CP-PKG-035", diag.Place{}, "the card is older than the one you have of %s: they have had other keys since %s", c.Name,
		c.since().Format(time.DateOnly))
}

func otherKeys(c *Contact, card *Card) error {
	text := "the card's keys are not those that you have for %s, since %s"
	if card.introducedBy != "" {
		text += ", nor did those introduce them"
	}
	return diag.New("CP-PKG-032", diag.Place{}, text, c.Name, c.card.Created.Format(time.DateOnly))
}

// nameIsFree refuses a card whose name is that of a contact with other keys, or could be taken for it. Whoever adds it under a name of
// its own has seen that it is somebody else.
func (b *Book) nameIsFree(card *Card, name string) error {
	if c := b.ByCardName(card.Name); c != nil && (name == "" || LookAlike(name, c.Name)) {
		if slug(card.Name) == slug(c.Name) || slug(card.Name) == slug(c.card.Name) {
			return otherKeys(c, card)
		}
		return diag.New("CP-PKG-037", diag.Place{}, "the name %q could be taken for that of %s", card.Name, c.Name)
	}
	if name == "" {
		return nil
	}
	if c := b.ByCardName(name); c != nil {
		return fmt.Errorf("%w: %s has it, or one that could be taken for it", ErrName, c.Name)
	}
	return nil
}

// Verify marks a contact as verified if the words that its owner read aloud are those of its card. by is the user who typed them, called
// the telephone number; either may be empty.
func (c *Contact) Verify(typed, by, called string, now time.Time) error {
	if err := c.card.CheckWords(typed); err != nil {
		return err
	}
	return c.verified(by, called, now)
}

// VerifyCode marks a contact as verified by the code of the card that its owner handed over on paper.
func (c *Contact) VerifyCode(code, by string, now time.Time) error {
	if err := c.card.CheckCode(code); err != nil {
		return err
	}
	return c.verified(by, "", now)
}

func (c *Contact) verified(by, called string, now time.Time) error {
	if c.State == Revoked {
		return c.CheckRead(now)
	}
	t := now.UTC().Truncate(time.Second)
	c.State, c.Verified, c.VerifiedBy, c.Called = Verified, &t, by, called
	return nil
}

// Remove takes a contact out of the book.
func (b *Book) Remove(c *Contact) {
	b.Contacts = slices.DeleteFunc(b.Contacts, func(x *Contact) bool { return x == c })
}
