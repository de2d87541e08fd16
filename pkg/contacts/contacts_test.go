package contacts_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/seal"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newIdentity(t testing.TB, name string) *seal.Identity {
	t.Helper()
	id, err := seal.Generate(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newCard(t testing.TB, id *seal.Identity, c contacts.Card) *contacts.Card {
	t.Helper()
	card, err := contacts.NewCard(id, c, now)
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// resign signs an edited card anew.
func resign(id *seal.Identity, text string) []byte {
	body, _, _ := strings.Cut(text, "-----BEGIN")
	return append([]byte(body), seal.Sign(id.Sign, seal.NamespaceCard, []byte(body)).Armor()...)
}

func hasID(err error, id diag.ID) bool {
	var f *diag.Finding
	return errors.As(err, &f) && f.ID == id
}

func TestCard(t *testing.T) {
	id := newIdentity(t, "Lakeside Cardiology")
	card := newCard(t, id, contacts.Card{Address: "1 Shore Road", City: "Lakeside", Phone: "+1 555 0100"})
	text := card.Text()
	got, err := contacts.ParseCard([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "Lakeside Cardiology" || got.Address != "1 Shore Road" || got.City != "Lakeside" || got.Phone != "+1 555 0100" ||
		got.Sequence != 1 || !got.Created.Equal(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) || got.Expired(now.AddDate(50, 0, 0)) ||
		!got.SignKey().Equal(id.PublicKey()) || got.Digest() != card.Digest() {
		t.Errorf("%+v", got)
	}
	// Mail programs change line ends and add blank lines.
	for _, mail := range []string{strings.ReplaceAll(text, "\n", "\r\n"), text + "\n\n", "\ufeff" + text} {
		if c, err := contacts.ParseCard([]byte(mail)); err != nil || c.Digest() != card.Digest() {
			t.Errorf("%q: %v", mail[:10], err)
		}
	}
	// A line of a later version is passed over; one that must be understood is not.
	if _, err := contacts.ParseCard(resign(id, strings.Replace(text, "sequence", "motto: health\nsequence", 1))); err != nil {
		t.Errorf("an unknown line: %v", err)
	}
	if _, err := contacts.ParseCard(resign(id, strings.Replace(text, "sequence", "must-revoke: yes\nsequence", 1))); !hasID(err, "CP-PKG-012") {
		t.Errorf("a line that must be understood: %v", err)
	}
	c, err := contacts.ParseCard(resign(id, strings.Replace(text, "sequence: 1", "sequence: 2\nexpires: 2027-01-31", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if c.Expired(time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC)) || !c.Expired(time.Date(2027, 2, 1, 1, 0, 0, 0, time.UTC)) {
		t.Error("the last day is wrong")
	}

	for name, bad := range map[string][]byte{
		"empty":          nil,
		"no signature":   []byte(text[:strings.Index(text, "-----BEGIN")]),
		"cut":            []byte(text[:len(text)-40]),
		"other head":     resign(id, strings.Replace(text, "card v1", "card v2", 1)),
		"no name":        resign(id, strings.Replace(text, "name: Lakeside Cardiology\n", "", 1)),
		"name twice":     resign(id, strings.Replace(text, "name: ", "name: x\nname: ", 1)),
		"order":          resign(id, strings.Replace(strings.Replace(text, "city: Lakeside\n", "", 1), "name:", "city: x\nname:", 1)),
		"terminal codes": resign(id, strings.Replace(text, "Lakeside C", "Lakeside\x1b[2J C", 1)),
		"bidi":           resign(id, strings.Replace(text, "Lakeside C", "Lakeside\u202e C", 1)),
		"date":           resign(id, strings.Replace(text, "2026-11-22", "22.11.2026", 1)),
		"sequence":       resign(id, strings.Replace(text, "sequence: 1", "sequence: 01", 1)),
		"age":            resign(id, strings.Replace(text, "age: age1pq1", "age: age1pq1x", 1)),
		"compat":         resign(id, strings.Replace(text, "age-compat: ", "age-compat: x", 1)),
		"no key":         resign(id, strings.Replace(text, "sign: ssh-ed25519 ", "sign: ", 1)),
		"no colon":       resign(id, strings.Replace(text, "sequence", "hello\nsequence", 1)),
		"too long":       []byte(text + strings.Repeat("\n", 20_000)),
	} {
		if _, err := contacts.ParseCard(bad); !hasID(err, "CP-PKG-030") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, bad := range map[string][]byte{
		"edited":        []byte(strings.Replace(text, "1 Shore", "2 Shore", 1)),
		"signed by me":  resign(newIdentity(t, "Mallory"), text),
		"for a package": nil,
	} {
		if name == "for a package" {
			body, _, _ := strings.Cut(text, "-----BEGIN")
			bad = append([]byte(body), seal.Sign(id.Sign, seal.NamespacePackage, []byte(body)).Armor()...)
		}
		if _, err := contacts.ParseCard(bad); !hasID(err, "CP-PKG-031") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []contacts.Card{{City: "a\nb"}, {Address: strings.Repeat("x", 300)}, {Phone: "\x1b"}} {
		if _, err := contacts.NewCard(id, c, now); err == nil {
			t.Errorf("a card was made of %+v", c)
		}
	}
	if _, err := contacts.NewCard(newIdentity(t, "two\nlines"), contacts.Card{}, now); err == nil {
		t.Error("a name of two lines was taken")
	}
}

func TestWordList(t *testing.T) {
	data, err := os.ReadFile("words.txt")
	if err != nil {
		t.Fatal(err)
	}
	prefix := map[string]bool{}
	n := 0
	last := ""
	for line := range strings.Lines(string(data)) {
		w := strings.TrimSpace(line)
		if w == "" || w[0] == '#' {
			continue
		}
		n++
		if len(w) < 4 || len(w) > 7 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q", w)
		}
		if prefix[w[:4]] {
			t.Errorf("two words begin with %s", w[:4])
		}
		prefix[w[:4]] = true
		if w <= last {
			t.Errorf("%s is out of order", w)
		}
		last = w
	}
	if n != 2048 {
		t.Errorf("%d words", n)
	}
}

func TestWords(t *testing.T) {
	id := newIdentity(t, "Lakeside Cardiology")
	card := newCard(t, id, contacts.Card{})
	words := card.Words()
	if len(words) != contacts.WordCount {
		t.Fatalf("%q", words)
	}
	short := make([]string, len(words))
	for i, w := range words {
		short[i] = w[:4]
	}
	for _, typed := range []string{strings.Join(words, " "), strings.ToUpper(strings.Join(words, ", ")), strings.Join(short, "\n"), " " + strings.Join(words, "-") + "."} {
		if err := card.CheckWords(typed); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
	swapped := append([]string{words[1], words[0]}, words[2:]...)
	if words[0] == words[1] {
		swapped[0] = "zebra"
	}
	fourth := func(w string) string { // not by replacing text: a word may stand within another
		return strings.Join(slices.Replace(slices.Clone(words), 3, 4, w), " ")
	}
	for _, typed := range []string{"", words[0], strings.Join(words[:7], " "), strings.Join(append(words, "x"), " "), strings.Join(swapped, " "),
		fourth(words[3][:3]), fourth(words[3] + "s")} {
		err := card.CheckWords(typed)
		if !errors.Is(err, contacts.ErrWords) {
			t.Errorf("%q: %v", typed, err)
			continue
		}
		for _, w := range words {
			if len(w) > 4 && !strings.Contains(typed, w) && strings.Contains(err.Error(), " "+w) {
				t.Errorf("the error tells a word: %v", err)
			}
		}
	}
	// Name and address do not change the words; each key does.
	if got := newCard(t, id, contacts.Card{City: "Lakeside"}).Words(); strings.Join(got, " ") != strings.Join(words, " ") {
		t.Error("the words depend on the city")
	}
	other := newCard(t, newIdentity(t, "x"), contacts.Card{})
	for name, edit := range map[string]func(*contacts.Card){
		"age":        func(c *contacts.Card) { c.Age = other.Age },
		"age-compat": func(c *contacts.Card) { c.AgeCompat = other.AgeCompat },
		"sign":       func(c *contacts.Card) { c.Sign = other.Sign },
	} {
		c := *card
		edit(&c)
		if strings.Join(c.Words(), " ") == strings.Join(words, " ") {
			t.Errorf("the words do not cover %s", name)
		}
	}
	// The words of a card are for ever: a change of the list or of the way would show here.
	fixed := contacts.Card{Age: "a", AgeCompat: "b", Sign: "c"}
	if got := strings.Join(fixed.Words(), " "); got != fixedWords {
		t.Errorf("the words of a fixed card are now %q", got)
	}
}

func TestBook(t *testing.T) {
	me := newIdentity(t, "Maple Street Clinic")
	lake, lakeside := newIdentity(t, "Lakeside Cardiology"), newIdentity(t, "Lakeside Dental")
	path := filepath.Join(t.TempDir(), contacts.BookFile)
	save := func(b *contacts.Book) {
		t.Helper()
		data, err := b.Encode(me.Sign)
		if err != nil {
			t.Fatal(err)
		}
		if err := contacts.Save(path, data); err != nil {
			t.Fatal(err)
		}
	}
	b := new(contacts.Book)
	save(b)
	card := newCard(t, lake, contacts.Card{City: "Lakeside"})
	k, added, err := b.Add(card, "", now)
	if err != nil || added != contacts.AddedNew || k.State != contacts.New {
		t.Fatalf("%v %v %v", k, added, err)
	}
	if _, added, err := b.Add(card, "", now); err != nil || added != contacts.AddedNothing {
		t.Errorf("the same card again: %v %v", added, err)
	}
	if _, _, err := b.Add(card, "Somebody Else", now); !errors.Is(err, contacts.ErrName) {
		t.Errorf("the same card under another name: %v", err)
	}
	if err := k.Verify("one two three four five six seven eight", "", "", now); !errors.Is(err, contacts.ErrWords) || k.State != contacts.New {
		t.Errorf("wrong words: %v %v", err, k.State)
	}
	if err := k.Verify(strings.Join(card.Words(), " "), "ann", "+1 555 0100", now); err != nil || k.State != contacts.Verified {
		t.Errorf("right words: %v %v", err, k.State)
	}
	save(b)
	digest := b.Digest()
	if b, err = contacts.Load(path, me.PublicKey()); err != nil {
		t.Fatal(err)
	}
	if len(b.Contacts) != 1 || b.Contacts[0].State != contacts.Verified || b.Contacts[0].Card().City != "Lakeside" || b.Digest() != digest {
		t.Errorf("%+v", b.Contacts[0])
	}

	// Somebody else's keys under a known name, whole or in part, are a hard stop.
	fake := newIdentity(t, "lakeside cardiology ")
	fake.Name = "Lakeside  cardiology"
	if _, _, err := b.Add(newCard(t, fake, contacts.Card{}), "", now); !hasID(err, "CP-PKG-032") {
		t.Errorf("other keys under the name: %v", err)
	}
	mixed := strings.Replace(newCard(t, fake, contacts.Card{}).Text(), fake.Hybrid.Recipient().String(), card.Age, 1)
	if c, err := contacts.ParseCard(resign(fake, mixed)); err != nil {
		t.Fatal(err)
	} else if _, _, err := b.Add(c, "Mallory", now); !hasID(err, "CP-PKG-032") {
		t.Errorf("one of the keys: %v", err)
	}
	// The same keys with a newer card keep their state.
	newer, err := contacts.ParseCard(resign(lake, strings.Replace(strings.Replace(card.Text(), "sequence: 1", "sequence: 2", 1), "city: Lakeside", "city: Hilltop", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if k, added, err := b.Add(newer, "", now); err != nil || added != contacts.AddedUpdate || k.State != contacts.Verified || k.Card().City != "Hilltop" {
		t.Errorf("newer card: %v %v %v", k, added, err)
	}
	if _, added, err := b.Add(card, "", now); err != nil || added != contacts.AddedOlder || b.Contacts[0].Card().City != "Hilltop" {
		t.Errorf("the older card again: %v %v", added, err)
	}

	if _, _, err := b.Add(newCard(t, lakeside, contacts.Card{}), "", now); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Lakeside Cardiology": "Lakeside Cardiology", "LAKESIDE cardiology": "Lakeside Cardiology", "lakeside-dental": "Lakeside Dental"} {
		if k, err := b.Find(name); err != nil || k.Name != want {
			t.Errorf("%s: %v %v", name, k, err)
		}
	}
	for name, want := range map[string]error{"lakeside": contacts.ErrAmbiguous, "lake": contacts.ErrNotFound, "": contacts.ErrNotFound, "cardiology": contacts.ErrNotFound} {
		if _, err := b.Find(name); !errors.Is(err, want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := b.Find("lake"); err == nil || !strings.Contains(err.Error(), "as in Lakeside Cardiology, Lakeside Dental") {
		t.Errorf("the beginning of a word: %v", err)
	}
	if b.ByKey(lake.PublicKey()) == nil || b.ByKey(me.PublicKey()) != nil {
		t.Error("ByKey is wrong")
	}
	b.Remove(b.ByKey(lake.PublicKey()))
	if len(b.Contacts) != 1 {
		t.Error("not removed")
	}
	if k, err := b.Find("lakeside"); err != nil || k.Name != "Lakeside Dental" {
		t.Errorf("first word: %v", err)
	}

	data, _ := os.ReadFile(path)
	for name, edit := range map[string]func([]byte) []byte{
		"state": func(d []byte) []byte { return bytes.Replace(d, []byte(`"verified"`), []byte(`"new"`), 1) },
		"name": func(d []byte) []byte {
			return bytes.Replace(d, []byte("Lakeside Cardiology"), []byte("Lakeside Cardiolog"), 1)
		},
		"blank":      func(d []byte) []byte { return bytes.Replace(d, []byte(`{"book":{`), []byte(`{"book":{ `), 1) },
		"no sig":     func(d []byte) []byte { i := bytes.LastIndex(d, []byte(`,"sig`)); return append(d[:i:i], '}') },
		"not JSON":   func([]byte) []byte { return []byte("hello") },
		"empty":      func([]byte) []byte { return nil },
		"two books":  func(d []byte) []byte { return append([]byte(`{"book":{},`), d[1:]...) },
		"more":       func(d []byte) []byte { return append(d[:len(d):len(d)], "{}"...) },
		"added some": func(d []byte) []byte { return append([]byte(`{"x":1,`), d[1:]...) },
	} {
		os.WriteFile(path, edit(bytes.Clone(data)), 0o600)
		if _, err := contacts.Load(path, me.PublicKey()); !hasID(err, "CP-PKG-040") {
			t.Errorf("%s: %v", name, err)
		}
	}
	os.WriteFile(path, data, 0o600)
	if _, err := contacts.Load(path, ed25519.PublicKey(lake.PublicKey())); !hasID(err, "CP-PKG-040") {
		t.Errorf("another owner: %v", err)
	}
	os.Remove(path)
	if _, err := contacts.Load(path, me.PublicKey()); !hasID(err, "CP-PKG-040") {
		t.Errorf("missing: %v", err)
	}
}

// FuzzCard: a card that is read is signed with its own key, and its text reads as the same card.
func FuzzCard(f *testing.F) {
	id := newIdentity(f, "Lakeside Cardiology")
	text := newCard(f, id, contacts.Card{City: "Lakeside"}).Text()
	f.Add([]byte(text))
	f.Add([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	f.Add(resign(id, strings.Replace(text, "sequence", "x: y\nsequence", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := contacts.ParseCard(data)
		if err != nil {
			return
		}
		again, err := contacts.ParseCard([]byte(c.Text()))
		if err != nil || *again != *c {
			t.Errorf("%v\n%+v\n%+v", err, c, again)
		}
	})
}

// fixedWords are those of a card with the keys a, b and c.
const fixedWords = "toggle humor enact hazard swim amber rush arrive"

// TestPassphrase: seven words, each bit of which is random, and the ways in which people type them.
func TestPassphrase(t *testing.T) {
	zero, err := contacts.NewPassphrase(bytes.NewReader(make([]byte, 10)))
	if err != nil || zero != strings.Repeat("aback-", 6)+"aback" {
		t.Fatal(zero, err)
	}
	// The 77th bit counts.
	if p, err := contacts.NewPassphrase(bytes.NewReader([]byte{9: 1 << 3})); err != nil || !strings.HasSuffix(p, "-abandon") {
		t.Error(p, err)
	}
	if _, err := contacts.NewPassphrase(bytes.NewReader(make([]byte, 9))); err == nil {
		t.Error("a passphrase of 72 bits")
	}
	seen := map[string]bool{}
	for range 100 {
		p, err := contacts.NewPassphrase(nil)
		if err != nil || seen[p] || strings.Count(p, "-") != contacts.PassphraseWords-1 {
			t.Fatal(p, err)
		}
		seen[p] = true
		for _, typed := range []string{p, strings.ToUpper(p), " " + strings.ReplaceAll(p, "-", "  ") + "\n", "1. " + strings.ReplaceAll(p, "-", ", 2. ")} {
			if got, err := contacts.ReadPassphrase(typed); err != nil || got != p {
				t.Errorf("%q gives %q %v, want %q", typed, got, err, p)
			}
		}
	}
	if _, err := contacts.ReadPassphrase("aback abandon abate abbey abbot abide qqqq"); err == nil || err.Error() != "word 7 is not in the list of words" {
		t.Error(err)
	}
	if got, err := contacts.ReadPassphrase(" what age made \n"); err != nil || got != "what age made" {
		t.Errorf("%q %v", got, err)
	}
}
