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

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// BookFile is the contact book's name in its owner's folder.
const BookFile = "contacts.json"

// State is how far a contact is known.
type State string

// A new contact's words have not been compared yet.
const (
	New      State = "new"
	Verified State = "verified"
)

// Contact is somebody in the book.
type Contact struct {
	Name     string     `json:"name"` // as the owner of the book calls it
	State    State      `json:"state"`
	Added    time.Time  `json:"added"`
	Verified *time.Time `json:"verified,omitempty"`
	CardText string     `json:"card"`

	card *Card
}

// Card is the contact's card.
func (c *Contact) Card() *Card { return c.card }

// Book is a contact book.
type Book struct {
	Contacts []*Contact
	digest   string
}

type bookFile struct {
	Book      jsontext.Value `json:"book"`
	Signature []byte         `json:"signature"`
}

type bookBody struct {
	Format   string     `json:"format"`
	Contacts []*Contact `json:"contacts"`
}

// Errors of looking up and adding.
var (
	ErrNotFound  = errors.New("there is no such contact")
	ErrAmbiguous = errors.New("several contacts have such a name")
	ErrName      = errors.New("the contact cannot have this name")
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
	b := &Book{Contacts: body.Contacts, digest: bookDigest(f.Book)}
	for _, c := range b.Contacts {
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
	body, err := json.Marshal(bookBody{seal.NamespaceContacts, b.Contacts}, jsontext.WithIndent("  "))
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
	for _, c := range b.Contacts {
		s := slug(c.Name)
		if s == want {
			return c, nil
		}
		if want != "" && strings.HasPrefix(s, want+"-") {
			near = append(near, c)
		}
	}
	switch len(near) {
	case 0:
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

// ByCardName finds the contact whose own or given name is this one.
func (b *Book) ByCardName(name string) *Contact {
	s := slug(name)
	for _, c := range b.Contacts {
		if slug(c.Name) == s || slug(c.card.Name) == s {
			return c
		}
	}
	return nil
}

// Added says what adding a card did.
type Added int

// A card of the same keys with a higher sequence takes the old one's place and keeps its state: the words are the same.
const (
	AddedNew Added = iota
	AddedUpdate
	AddedNothing
)

// Add puts a card into the book under a name, by default the card's own. A card whose keys differ from those of a contact of that
// name is refused with CP-PKG-032: it may be somebody who pretends to be them.
func (b *Book) Add(card *Card, name string, now time.Time) (*Contact, Added, error) {
	changed := func(c *Contact) error {
		return diag.New("CP-PKG-032", diag.Place{}, "the card's keys are not those that you have for %s", c.Name)
	}
	for _, c := range b.Contacts {
		if c.card.sameKeys(card) {
			if name != "" && slug(name) != slug(c.Name) {
				return nil, 0, fmt.Errorf("%w: the card is in the book already, as %s", ErrName, c.Name)
			}
			if card.Sequence <= c.card.Sequence {
				return c, AddedNothing, nil
			}
			c.CardText, c.card = card.text, card
			return c, AddedUpdate, nil
		}
		// One key in common and another not is a change too.
		if c.card.Age == card.Age || c.card.AgeCompat == card.AgeCompat || c.card.Sign == card.Sign {
			return nil, 0, changed(c)
		}
	}
	if c := b.ByCardName(card.Name); c != nil && (name == "" || slug(name) == slug(c.Name)) {
		return nil, 0, changed(c)
	}
	if name == "" {
		name = card.Name
	}
	if slug(name) == "" || !pack.IsLine(name) {
		return nil, 0, fmt.Errorf("%w: it must be one line with a letter or a digit", ErrName)
	}
	if c := b.ByCardName(name); c != nil {
		return nil, 0, fmt.Errorf("%w: %s has it", ErrName, c.Name)
	}
	c := &Contact{Name: name, State: New, Added: now.UTC().Truncate(time.Second), CardText: card.text, card: card}
	b.Contacts = append(b.Contacts, c)
	slices.SortFunc(b.Contacts, func(x, y *Contact) int { return strings.Compare(slug(x.Name), slug(y.Name)) })
	return c, AddedNew, nil
}

// Verify marks a contact as verified if the words that its owner read aloud are those of its card.
func (c *Contact) Verify(typed string, now time.Time) error {
	if err := c.card.CheckWords(typed); err != nil {
		return err
	}
	t := now.UTC().Truncate(time.Second)
	c.State, c.Verified = Verified, &t
	return nil
}

// Remove takes a contact out of the book.
func (b *Book) Remove(c *Contact) {
	b.Contacts = slices.DeleteFunc(b.Contacts, func(x *Contact) bool { return x == c })
}
