package contacts_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/seal"
)

// rotate makes new keys and the card that introduces them.
func rotate(t testing.TB, id *seal.Identity, card *contacts.Card) (*seal.Identity, *contacts.Card) {
	t.Helper()
	next, err := id.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	c, err := card.Next(next, *card, id.Sign, now)
	if err != nil {
		t.Fatal(err)
	}
	return next, c
}

// renew makes the next card with the same keys.
func renew(t testing.TB, id *seal.Identity, card *contacts.Card, edit func(*contacts.Card)) *contacts.Card {
	t.Helper()
	c := *card
	if edit != nil {
		edit(&c)
	}
	next, err := card.Next(id, c, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func revoke(t testing.TB, id *seal.Identity, card *contacts.Card) *contacts.Card {
	t.Helper()
	c, err := card.Revocation(id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// world is a verified contact, and what its owner and others can send.
type world struct {
	t    *testing.T
	id   *seal.Identity
	card *contacts.Card
	book *contacts.Book
	k    *contacts.Contact
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, id: newIdentity(t, "Lakeside Cardiology"), book: new(contacts.Book)}
	w.card = newCard(t, w.id, contacts.Card{City: "Lakeside", Expires: contacts.DefaultExpiry(now)})
	var err error
	if w.k, _, err = w.book.Add(w.card, "", now); err != nil {
		t.Fatal(err)
	}
	w.verify()
	return w
}

func (w *world) verify() {
	w.t.Helper()
	if err := w.k.Verify(strings.Join(w.k.Card().Words(), " "), "", "", now); err != nil {
		w.t.Fatal(err)
	}
}

// TestCardsThatCome: every kind of card that can come for a contact: what it does, and what the contact is afterwards.
func TestCardsThatCome(t *testing.T) {
	for _, tt := range []struct {
		name  string
		card  func(*world) *contacts.Card
		as    string
		id    diag.ID // the refusal
		added contacts.Added
		state contacts.State
	}{
		{name: "the same", card: func(w *world) *contacts.Card { return w.card }, added: contacts.AddedNothing, state: contacts.Verified},
		{name: "newer", card: func(w *world) *contacts.Card { return renew(w.t, w.id, w.card, nil) }, added: contacts.AddedUpdate, state: contacts.Verified},
		{name: "newer, with one left out", card: func(w *world) *contacts.Card {
			return renew(w.t, w.id, renew(w.t, w.id, w.card, nil), nil)
		}, added: contacts.AddedUpdate, state: contacts.Verified},
		{name: "older", card: func(w *world) *contacts.Card {
			if _, _, err := w.book.Add(renew(w.t, w.id, w.card, nil), "", now); err != nil {
				w.t.Fatal(err)
			}
			return w.card
		}, added: contacts.AddedOlder, state: contacts.Verified},
		{name: "two of one number", card: func(w *world) *contacts.Card {
			if _, _, err := w.book.Add(renew(w.t, w.id, w.card, nil), "", now); err != nil {
				w.t.Fatal(err)
			}
			return renew(w.t, w.id, w.card, func(c *contacts.Card) { c.City = "Hilltop" })
		}, id: "CP-PKG-036", state: contacts.Verified},
		{name: "another line of cards", card: func(w *world) *contacts.Card {
			other := newCard(w.t, w.id, contacts.Card{City: "Hilltop"}) // number 1 as well
			return renew(w.t, w.id, other, nil)
		}, id: "CP-PKG-036", state: contacts.Verified},
		{name: "restored from a sheet", card: func(w *world) *contacts.Card {
			return newCard(w.t, w.id, contacts.Card{Sequence: 20261122})
		}, added: contacts.AddedUpdate, state: contacts.Verified},
		{name: "rotated", card: func(w *world) *contacts.Card { _, c := rotate(w.t, w.id, w.card); return c }, added: contacts.AddedRotation, state: contacts.Changed},
		{name: "rotated twice at once", card: func(w *world) *contacts.Card {
			id, c := rotate(w.t, w.id, w.card)
			_, c = rotate(w.t, id, c)
			return c
		}, id: "CP-PKG-032", state: contacts.Verified},
		{name: "rotated, one after the other", card: func(w *world) *contacts.Card {
			id, c := rotate(w.t, w.id, w.card)
			if _, _, err := w.book.Add(c, "", now); err != nil {
				w.t.Fatal(err)
			}
			_, c = rotate(w.t, id, c)
			return c
		}, added: contacts.AddedRotation, state: contacts.Changed},
		{name: "rolled back", card: func(w *world) *contacts.Card {
			_, c := rotate(w.t, w.id, w.card)
			if _, _, err := w.book.Add(c, "", now); err != nil {
				w.t.Fatal(err)
			}
			return renew(w.t, w.id, renew(w.t, w.id, w.card, nil), nil) // a thief of the old keys counts on
		}, id: "CP-PKG-035", state: contacts.Changed},
		{name: "the first card, where the second was added first", card: func(w *world) *contacts.Card {
			w.book.Remove(w.k)
			_, c := rotate(w.t, w.id, w.card)
			w.k, _, _ = w.book.Add(c, "", now)
			return w.card
		}, id: "CP-PKG-035", state: contacts.New},
		{name: "the first keys again, renewed beyond the second", card: func(w *world) *contacts.Card {
			w.book.Remove(w.k)
			_, c := rotate(w.t, w.id, w.card)
			w.k, _, _ = w.book.Add(c, "", now)
			return renew(w.t, w.id, renew(w.t, w.id, w.card, nil), nil)
		}, id: "CP-PKG-032", state: contacts.New},
		{name: "another rotation of the old keys", card: func(w *world) *contacts.Card {
			_, c := rotate(w.t, w.id, w.card)
			if _, _, err := w.book.Add(c, "", now); err != nil {
				w.t.Fatal(err)
			}
			_, c = rotate(w.t, w.id, renew(w.t, w.id, w.card, nil))
			return c
		}, id: "CP-PKG-032", state: contacts.Changed},
		{name: "rotation of an older card", card: func(w *world) *contacts.Card {
			for _, c := 0, w.card; c.Sequence < 4; {
				c = renew(w.t, w.id, c, nil)
				if _, _, err := w.book.Add(c, "", now); err != nil {
					w.t.Fatal(err)
				}
			}
			_, c := rotate(w.t, w.id, w.card)
			return c
		}, id: "CP-PKG-035", state: contacts.Verified},
		{name: "introduced by somebody else", card: func(w *world) *contacts.Card {
			_, c := rotate(w.t, newIdentity(w.t, w.id.Name), w.card)
			return c
		}, id: "CP-PKG-032", state: contacts.Verified},
		{name: "other keys", card: func(w *world) *contacts.Card { return newCard(w.t, newIdentity(w.t, w.id.Name), contacts.Card{}) }, id: "CP-PKG-032", state: contacts.Verified},
		{name: "other keys, as somebody else", as: "Somebody", card: func(w *world) *contacts.Card {
			return newCard(w.t, newIdentity(w.t, w.id.Name), contacts.Card{})
		}, added: contacts.AddedNew, state: contacts.Verified},
		{name: "revoked", card: func(w *world) *contacts.Card { return revoke(w.t, w.id, w.card) }, added: contacts.AddedRevocation, state: contacts.Revoked},
		{name: "revoked by somebody else", card: func(w *world) *contacts.Card {
			m := newIdentity(w.t, w.id.Name)
			return revoke(w.t, m, newCard(w.t, m, contacts.Card{}))
		}, added: contacts.AddedRevocation, state: contacts.Verified},
		{name: "newer, after it was revoked", card: func(w *world) *contacts.Card {
			w.book.Add(revoke(w.t, w.id, w.card), "", now)
			return renew(w.t, w.id, w.card, nil)
		}, id: "CP-PKG-018", state: contacts.Revoked},
		{name: "rotated, after it was revoked", card: func(w *world) *contacts.Card {
			w.book.Add(revoke(w.t, w.id, w.card), "", now)
			_, c := rotate(w.t, w.id, w.card)
			return c
		}, id: "CP-PKG-018", state: contacts.Revoked},
		{name: "old keys revoked, new ones not heard", card: func(w *world) *contacts.Card {
			_, c := rotate(w.t, w.id, w.card)
			w.book.Add(c, "", now)
			return revoke(w.t, w.id, w.card)
		}, added: contacts.AddedRevocation, state: contacts.Revoked},
		{name: "old keys revoked, new ones verified", card: func(w *world) *contacts.Card {
			_, c := rotate(w.t, w.id, w.card)
			w.book.Add(c, "", now)
			w.verify()
			return revoke(w.t, w.id, w.card)
		}, added: contacts.AddedRevocation, state: contacts.Verified},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			card, err := contacts.ParseCard([]byte(tt.card(w).Text())) // as it comes by mail
			if err != nil {
				t.Fatal(err)
			}
			before := w.k.CardText
			_, added, err := w.book.Add(card, tt.as, now)
			if tt.id != "" {
				if !hasID(err, tt.id) || w.k.CardText != before {
					t.Errorf("%v, want %s", err, tt.id)
				}
				// Contacts and dates, never raw keys.
				if strings.Contains(err.Error(), "AAAA") || strings.Contains(err.Error(), "age1") {
					t.Errorf("the error shows a key: %v", err)
				}
			} else if err != nil || added != tt.added {
				t.Errorf("%v %v, want %v", added, err, tt.added)
			}
			if w.k.State != tt.state {
				t.Errorf("the contact is %s, want %s", w.k.State, tt.state)
			}
			// Who may be sent to and read, by state.
			send, read := w.k.CheckSend(now), w.k.CheckRead(now)
			switch tt.state {
			case contacts.Verified:
				if send != nil || read != nil {
					t.Errorf("%v %v", send, read)
				}
			case contacts.Changed:
				if !errors.Is(send, contacts.ErrChanged) || read != nil {
					t.Errorf("%v %v", send, read)
				}
			case contacts.Revoked:
				if !hasID(send, "CP-PKG-018") || !hasID(read, "CP-PKG-018") {
					t.Errorf("%v %v", send, read)
				}
			}
			later := now.AddDate(3, 0, 0)
			if tt.state != contacts.Revoked && tt.name != "restored from a sheet" && !hasID(w.k.CheckRead(later), "CP-PKG-034") {
				t.Errorf("three years later: %v", w.k.CheckRead(later))
			}
			// The book comes back as it was.
			path := filepath.Join(t.TempDir(), contacts.BookFile)
			me := newIdentity(t, "Maple Street Clinic")
			data, err := w.book.Encode(me.Sign)
			if err != nil {
				t.Fatal(err)
			}
			if err := contacts.Save(path, data); err != nil {
				t.Fatal(err)
			}
			again, err := contacts.Load(path, me.PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			if k, err := again.Find("Lakeside Cardiology"); err != nil || k.State != tt.state || len(k.Former) != len(w.k.Former) || len(again.Revoked) != len(w.book.Revoked) {
				t.Errorf("read again: %+v %v", k, err)
			}
		})
	}
}

// TestRevokedKeysStay: a contact that was removed does not come back with revoked keys.
func TestRevokedKeysStay(t *testing.T) {
	w := newWorld(t)
	if k, _, err := w.book.Add(revoke(t, w.id, w.card), "", now); err != nil || k != w.k {
		t.Fatal(err)
	}
	if err := w.k.Verify(strings.Join(w.card.Words(), " "), "", "", now); !hasID(err, "CP-PKG-018") || w.k.State != contacts.Revoked {
		t.Errorf("verified all the same: %v", err)
	}
	w.book.Remove(w.k)
	if _, _, err := w.book.Add(w.card, "", now); !hasID(err, "CP-PKG-018") {
		t.Errorf("an old card of revoked keys: %v", err)
	}
	if _, _, err := w.book.Add(w.card, "Another Name", now); !hasID(err, "CP-PKG-018") {
		t.Errorf("under another name: %v", err)
	}
	if _, ok := w.book.IsRevoked(w.card.Sign); !ok {
		t.Error("forgotten")
	}
	if _, _, err := w.book.Add(newCard(t, newIdentity(t, w.id.Name), contacts.Card{}), "", now); err != nil {
		t.Errorf("their new card: %v", err)
	}
}

// TestRevokedForGood: a revocation takes the keys of before with it. A thief of the file has them too, and could else come back with their card
// once the contact was removed, as its owner is told to do.
func TestRevokedForGood(t *testing.T) {
	w := newWorld(t)
	id, next := rotate(t, w.id, w.card)
	for _, card := range []*contacts.Card{next, revoke(t, id, next)} {
		if _, _, err := w.book.Add(card, "", now); err != nil {
			t.Fatal(err)
		}
	}
	w.book.Remove(w.k)
	for name, card := range map[string]*contacts.Card{"of now": next, "of before": w.card, "of before, renewed": renew(t, w.id, w.card, nil)} {
		if _, _, err := w.book.Add(card, "", now); !hasID(err, "CP-PKG-018") {
			t.Errorf("the card %s: %v", name, err)
		}
	}
	if _, _, err := w.book.Add(newCard(t, newIdentity(t, "Lakeside Cardiology"), contacts.Card{}), "", now); err != nil {
		t.Errorf("new keys: %v", err)
	}
}

// TestForgedCards: second signatures and lines that do not belong there.
func TestForgedCards(t *testing.T) {
	w := newWorld(t)
	id, good := rotate(t, w.id, w.card)
	body, _, _ := strings.Cut(good.Text(), "-----BEGIN")
	armor := func(k *seal.Identity, namespace, text string) string {
		return string(seal.Sign(k.Sign, namespace, []byte(text)).Armor())
	}
	own := armor(id, seal.NamespaceCard, body)
	for _, tt := range []struct {
		name, text string
		id         diag.ID
	}{
		{"second signature of other text", body + own + armor(w.id, seal.NamespaceCard, body+"x"), "CP-PKG-031"},
		{"second signature of a package", body + own + armor(w.id, seal.NamespacePackage, body), "CP-PKG-031"},
		{"second signature of the book", body + own + armor(w.id, seal.NamespaceContacts, body), "CP-PKG-031"},
		{"signatures swapped", body + armor(w.id, seal.NamespaceCard, body) + own, "CP-PKG-031"},
		{"the same twice", body + own + own, "CP-PKG-030"},
		{"three", body + own + armor(w.id, seal.NamespaceCard, body) + own, "CP-PKG-030"},
		{"text between", body + own + "x\n" + armor(w.id, seal.NamespaceCard, body), "CP-PKG-030"},
		{"text behind", body + own + armor(w.id, seal.NamespaceCard, body) + "x", "CP-PKG-030"},
		{"no previous card", func() string {
			var lines []string
			for _, l := range strings.SplitAfter(body, "\n") {
				if !strings.HasPrefix(l, "previous: ") {
					lines = append(lines, l)
				}
			}
			b := strings.Join(lines, "")
			return b + armor(id, seal.NamespaceCard, b) + armor(w.id, seal.NamespaceCard, b)
		}(), "CP-PKG-030"},
		{"revoked with a second signature", func() string {
			b := strings.Replace(body, "expires: ", "revoked: yes\nexpires: ", 1)
			return b + armor(id, seal.NamespaceCard, b) + armor(w.id, seal.NamespaceCard, b)
		}(), "CP-PKG-030"},
		{"revoked: no", func() string {
			b := strings.Replace(body, "expires: ", "revoked: no\nexpires: ", 1)
			return b + armor(id, seal.NamespaceCard, b)
		}(), "CP-PKG-030"},
		{"huge", body + own + strings.Repeat("\n", 20<<10), "CP-PKG-030"},
		{"huge line", string(resign(id, strings.Replace(body, "name: ", "name: "+strings.Repeat("x", 300), 1))), "CP-PKG-030"},
		{"name in two forms", string(resign(id, strings.Replace(body, "Lakeside C", "Lakeside\u0301 C", 1))), "CP-PKG-030"},
		{"recovery of the wrong kind", string(resign(id, body+"recovery: "+w.card.AgeCompat+"\n")), "CP-PKG-030"},
		{"a plugin for recovery", string(resign(id, body+"recovery: age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t\n")), "CP-PKG-030"},
		{"sequence of zero", string(resign(id, strings.Replace(body, "sequence: 2", "sequence: 0", 1))), "CP-PKG-030"},
		{"sequence beyond all", string(resign(id, strings.Replace(body, "sequence: 2", "sequence: 99999999999", 1))), "CP-PKG-030"},
	} {
		if _, err := contacts.ParseCard([]byte(tt.text)); !hasID(err, tt.id) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.id)
		}
	}
	if _, err := contacts.ParseCard([]byte(strings.ReplaceAll(good.Text(), "\n", "\r\n"))); err != nil {
		t.Errorf("the good one, by mail: %v", err)
	}
}

func TestLookAlike(t *testing.T) {
	for _, pair := range [][2]string{
		{"Lakeside Cardiology", "lakeside  CARDIOLOGY"},
		{"Lakeside Cardiology", "Lakeside-Cardiology."},
		{"Lakeside Cardiology", "Lakeslde CardioIogy"},
		{"Lakeside Cardiology", "Lаkeside Cаrdiology"}, // Cyrillic а
		{"Lakeside Cardiology", "LΑKESIDE CΑRDIOLOGY"}, // Greek Α
		{"Lakeside Cardiology", "Ｌａｋｅｓｉｄｅ Cardiology"},
		{"Lakeside Cardiology", "Lakesidé Cardiology"},
		{"Modern Clinic", "Modem Clinic"},
		{"Modern Clinic", "Modeʀn Clinic"},             // a small capital R, which is no part of a pair
		{"Maple Street Clinic", "Μaple Street Clinic"}, // Greek Mu, whose small letter is drawn like a u
		{"Hilltop", "Ηilltop"},                         // Greek Eta, like an n
		{"North Clinic", "Νorth Clinic"},               // Greek Nu, like a v
		{"York Clinic", "Үork Clinic"},                 // Cyrillic straight U
		{"Catherine Clinic", "ϲatherine Clinic"},       // Greek lunate sigma
		{"Hilltop", "հilltօp"},                         // Armenian
		{"MAPLE", "ᎷᎪᏢᏞᎬ"},                             // Cherokee
		{"LAKE", "ꓡꓮꓗꓰ"},                               // Lisu
		{"Hill Clinic", "Hiǀǀ Clinic"},                 // a click of Khoisan languages
		{"Hill Clinic", "Hi|| Clinic"},
		{"Oak Clinic", "౦ak Clinic"},                         // Telugu zero
		{"Oak Clinic", "ഠak Clinic"},                         // Malayalam
		{"Lee Clinic", "Ⅼee Clinic"},                         // Roman numeral fifty
		{"Lakeside Cardiology", "Lakeside Cardiology\u3164"}, // Hangul filler, a letter that nobody sees
		{"Lakeside Cardiology", "Lakeside\u115f Cardiology"},
		{"Lakeside Cardiology", "Lakeside Cardiology\uffa0"},
		{"Lakeside Cardiology", "Lakeside\u2800Cardiology"}, // a Braille cell without dots
		{"Ann's Clinic", "Annʼs Clinic"},                    // an apostrophe that is a letter
		{"Clinic 10", "Clinic lO"},
		{"Straße", "STRASSE"},
	} {
		if !contacts.LookAlike(pair[0], pair[1]) {
			t.Errorf("%q and %q are told apart", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"Lakeside Cardiology", "Lakeside Dental"}, {"Hill Clinic", "Hall Clinic"}, {"Clinic 2", "Clinic 3"}, {"東京病院", "大阪病院"},
		{"ABC病院", "ABC医院"}, {"Клиника Север", "Клиника Запад"}, {"مستشفى", "Clinic"}, {"Ełk Clinic", "Etk Clinic"}, {"Zürich", "Munich"}, {"Day Clinic", "Bay Clinic"}} {
		if contacts.LookAlike(pair[0], pair[1]) {
			t.Errorf("%q is taken for %q", pair[0], pair[1])
		}
	}
}

func TestNamesThatImitate(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"Lakeslde Cardiology", "Lаkeside Cardiology", "Lakeside Cardioiogy"} {
		card := newCard(t, newIdentity(t, name), contacts.Card{})
		if _, _, err := w.book.Add(card, "", now); !hasID(err, "CP-PKG-037") {
			t.Errorf("%q: %v", name, err)
		}
		if _, _, err := w.book.Add(card, "LAKESIDE CARDIOLOGY!", now); err == nil {
			t.Errorf("%q was taken under the name that it imitates", name)
		}
	}
	// Nor can one who is a contact take the name of another later.
	id := newIdentity(t, "Hilltop")
	card := newCard(t, id, contacts.Card{})
	if _, _, err := w.book.Add(card, "", now); err != nil {
		t.Fatal(err)
	}
	renamed := renew(t, id, card, func(c *contacts.Card) { c.Name = "Lakeside CardioIogy" })
	if _, _, err := w.book.Add(renamed, "", now); !hasID(err, "CP-PKG-037") {
		t.Errorf("renamed: %v", err)
	}
	if _, added, err := w.book.Add(renew(t, id, card, func(c *contacts.Card) { c.Name = "Hilltop Clinic" }), "", now); err != nil || added != contacts.AddedUpdate {
		t.Errorf("a harmless new name: %v %v", added, err)
	}
}

func TestCode(t *testing.T) {
	w := newWorld(t)
	code := w.card.Code()
	for _, r := range code {
		if !strings.ContainsRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", r) {
			t.Fatalf("%q does not fit into the alphabet of a QR code", code)
		}
	}
	fresh, _, err := new(contacts.Book).Add(w.card, "", now)
	if err != nil {
		t.Fatal(err)
	}
	other := newCard(t, newIdentity(t, "x"), contacts.Card{})
	for _, bad := range []string{"", "yes", other.Code(), code[:len(code)-1], strings.Join(w.card.Words(), " ")} {
		if err := fresh.VerifyCode(bad, "", now); !errors.Is(err, contacts.ErrWords) || fresh.State != contacts.New {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := fresh.VerifyCode(strings.ToLower(code)+"\r\n", "ann", now); err != nil || fresh.State != contacts.Verified || fresh.VerifiedBy != "ann" {
		t.Errorf("%v %+v", err, fresh)
	}
	if renew(t, w.id, w.card, nil).Code() != code {
		t.Error("a new card of the same keys has another code")
	}
}

func TestRecipients(t *testing.T) {
	id, rec := newIdentity(t, "Lakeside Cardiology"), newIdentity(t, "recovery key")
	card := newCard(t, id, contacts.Card{City: "Lakeside", Recovery: rec.Recipient(), RecoveryCompat: rec.CompatRecipient()})
	for _, compat := range []bool{false, true} {
		list, err := card.Recipients(compat, nil)
		if err != nil || len(list) != 2 || list[0].Name != "Lakeside Cardiology" || list[1].Name != "Lakeside Cardiology, recovery key" || list[1].City != "Lakeside" {
			t.Fatalf("%+v %v", list, err)
		}
		want := []string{id.Recipient(), rec.Recipient()}
		if compat {
			want = []string{id.CompatRecipient(), rec.CompatRecipient()}
		}
		if got := []string{list[0].Address, list[1].Address}; !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
	}
	if list, err := newCard(t, id, contacts.Card{Recovery: rec.Recipient()}).Recipients(true, nil); err != nil || len(list) != 1 {
		t.Errorf("kinds are mixed: %v %v", list, err)
	}
	if list, err := newCard(t, id, contacts.Card{}).Recipients(false, nil); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
}

func TestPhrase(t *testing.T) {
	for n := range 90 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i*151 + n)
		}
		words := contacts.Phrase(data)
		if len(words) != contacts.PhraseLen(n) {
			t.Fatalf("%d bytes: %d words", n, len(words))
		}
		got, err := contacts.ReadPhrase(strings.ToUpper(strings.Join(words, "\n 7. ")), n)
		if err != nil || !slices.Equal(got, data) {
			t.Errorf("%d bytes: %x %v", n, got, err)
		}
		if n > 0 {
			if _, err := contacts.ReadPhrase(strings.Join(words[1:], " "), n); err == nil {
				t.Error("a word is missing, and nobody notices")
			}
			words[len(words)/2] = "qqqq"
			if _, err := contacts.ReadPhrase(strings.Join(words, " "), n); err == nil || !strings.Contains(err.Error(), "not in the list") {
				t.Errorf("a word that is none: %v", err)
			}
		}
	}
}

// FuzzWords: whatever is typed as words never passes but for the words, and the error never tells one.
func FuzzWords(f *testing.F) {
	card := newCard(f, newIdentity(f, "Lakeside Cardiology"), contacts.Card{})
	words := card.Words()
	f.Add(strings.Join(words, " "))
	f.Add(strings.Join(words[1:], "-") + " x")
	f.Add("1. abate 2) ABLE\tzoom")
	f.Fuzz(func(t *testing.T, typed string) {
		err := card.CheckWords(typed)
		got := contacts.SplitWords(typed)
		right := len(got) == len(words)
		for i := 0; right && i < len(words); i++ {
			right = got[i] == words[i] || len(got[i]) >= 4 && strings.HasPrefix(words[i], got[i])
		}
		if (err == nil) != right {
			t.Errorf("%q: %v", typed, err)
		}
		if n := len(got); n > 0 && n < 100 {
			if data, err := contacts.ReadPhrase(typed, n*11/8); err == nil {
				if again, err := contacts.ReadPhrase(strings.Join(contacts.Phrase(data), " "), len(data)); err != nil || !slices.Equal(again, data) {
					t.Errorf("%q reads as %x and again as %x: %v", typed, data, again, err)
				}
			}
		}
	})
}

// FuzzNames: a name that passes as another's is refused for other keys, whatever letters it is made of; and looking alike holds both ways.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"Lakeside Cardiology", "Lаkeside", "ﬁrst", "İstanbul", "ǅ", "a\u0301", "rnrn", "vvv", "", "\u202e"} {
		f.Add(s, s)
	}
	f.Add("\xf7ǅ", "ǅ")
	f.Add("d²", "d")
	f.Fuzz(func(t *testing.T, a, b string) {
		if contacts.LookAlike(a, b) != contacts.LookAlike(b, a) {
			t.Errorf("%q and %q: one looks like the other, but not the other way round", a, b)
		}
		if contacts.Slug(a) == contacts.Slug(b) && contacts.Slug(a) != "" && !contacts.LookAlike(a, b) {
			t.Errorf("%q and %q have one slug and do not look alike", a, b)
		}
	})
}
