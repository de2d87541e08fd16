package journal_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/seal"
)

const (
	pkgID  = "00112233445566778899aabbccddeeff"
	digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// sent is a log in which a package was sealed for a recipient, and the receipt that they give.
func sent(t testing.TB) (dir string, maple, lake *seal.Identity, r *journal.Receipt) {
	t.Helper()
	dir, maple = start(t, 1)
	lake, err := seal.Generate("Lakeside Cardiology")
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(dir, maple)
	if err != nil {
		t.Fatal(err)
	}
	body := journal.Body{Peer: journal.Peer{Name: lake.Name, Key: seal.FormatKey(lake.PublicKey()), Address: "1 Pier Road", City: "Lakeside"},
		Seq: 1, Purpose: "legal", Receipt: "requested", What: "file: 1 PDF", About: []journal.Patient{{Name: "Ann Lee", Birth: "1950-01-02", MRN: "77"}}}
	e, err := j.Append(now, journal.Sealing, pkgID, body)
	if err != nil {
		t.Fatal(err)
	}
	body.Sums, body.Cipher, body.Files, body.Bytes = digest, strings.Repeat("a", 64), 2, 100
	if _, err := j.Append(now, journal.Sealed, pkgID, body); err != nil {
		t.Fatal(err)
	}
	r = &journal.Receipt{Package: pkgID, Seq: 1, LogHead: e.Hash(), Sums: digest, Cipher: strings.Repeat("a", 64), Files: 2, Bytes: 100, Status: journal.StatusOpened,
		Time: now, By: journal.Signer{Name: lake.Name, Sign: seal.FormatKey(lake.PublicKey())}, To: journal.Signer{Name: maple.Name, Sign: seal.FormatKey(maple.PublicKey())},
		ByHead: digest, Tool: "test"}
	return dir, maple, lake, r
}

func TestReceipt(t *testing.T) {
	dir, maple, lake, r := sent(t)
	text, err := r.Encode(lake)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := journal.Seal(text, maple.Hybrid.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	header, _ := seal.ReadHeader(bytes.NewReader(sealed), int64(len(sealed)))
	keys, err := maple.Keys(header)
	if err != nil {
		t.Fatal(err)
	}
	got, err := journal.Unseal(sealed, keys)
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%v", err)
	}
	for n := range len(sealed) {
		broken := bytes.Clone(sealed)
		broken[n] ^= 1
		if _, err := journal.Unseal(broken, keys); err == nil {
			t.Fatalf("a bit flipped at %d goes unnoticed", n)
		}
		if _, err := journal.Unseal(sealed[:n], keys); err == nil {
			t.Fatalf("cut at %d it is read", n)
		}
	}
	back, err := journal.ParseReceipt(got)
	if err != nil || *back != *r {
		t.Fatalf("%+v %v", back, err)
	}
	j, err := journal.Open(dir, maple)
	if err != nil {
		t.Fatal(err)
	}
	none := func(journal.Peer, string) bool { return false }
	if b, to, err := j.Check(back, none); err != nil || b.Purpose != "legal" || to.Name != lake.Name {
		t.Errorf("%v", err)
	}
	mallory, _ := seal.Generate("Mallory")
	for _, tt := range []struct {
		name string
		edit func(*journal.Receipt) *seal.Identity
		want diag.ID
	}{
		{"another package", func(r *journal.Receipt) *seal.Identity { r.Package = strings.Repeat("b", 32); return lake }, "CP-PKG-062"},
		{"another number", func(r *journal.Receipt) *seal.Identity { r.Seq = 2; return lake }, "CP-PKG-063"},
		{"another head", func(r *journal.Receipt) *seal.Identity { r.LogHead = digest; return lake }, "CP-PKG-063"},
		{"other files", func(r *journal.Receipt) *seal.Identity { r.Sums = strings.Repeat("b", 64); return lake }, "CP-PKG-063"},
		{"another ciphertext", func(r *journal.Receipt) *seal.Identity { r.Cipher = strings.Repeat("b", 64); return lake }, "CP-PKG-063"},
		{"more files", func(r *journal.Receipt) *seal.Identity { r.Files++; return lake }, "CP-PKG-063"},
		{"fewer bytes", func(r *journal.Receipt) *seal.Identity { r.Bytes--; return lake }, "CP-PKG-063"},
		{"a stranger", func(r *journal.Receipt) *seal.Identity {
			r.By.Sign = seal.FormatKey(mallory.PublicKey())
			return mallory
		}, "CP-PKG-064"},
		{"signed by a stranger in their name", func(r *journal.Receipt) *seal.Identity { return mallory }, "CP-PKG-061"},
	} {
		x := *r
		text, err := (&x).Encode(tt.edit(&x))
		if err != nil {
			t.Fatal(err)
		}
		p, err := journal.ParseReceipt(text)
		if err == nil {
			_, _, err = j.Check(p, none)
		}
		var f *diag.Finding
		if !errors.As(err, &f) || f.ID != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	// New keys that are known to be the contact's.
	x := *r
	x.By.Sign = seal.FormatKey(mallory.PublicKey())
	if _, _, err := j.Check(&x, func(p journal.Peer, sign string) bool { return p.Name == lake.Name && sign == x.By.Sign }); err != nil {
		t.Errorf("rotated keys: %v", err)
	}
	// The signature of another kind.
	body := text[:bytes.Index(text, []byte("-----BEGIN"))]
	for _, namespace := range []string{seal.NamespacePackage, seal.NamespaceLog, seal.NamespaceCard} {
		if _, err := journal.ParseReceipt(append(bytes.Clone(body), seal.Sign(lake.Sign, namespace, body).Armor()...)); err == nil {
			t.Errorf("a signature of %s was taken", namespace)
		}
	}
	for _, bad := range []string{"", "{}", "-----BEGIN SSH SIGNATURE-----\n", string(text) + "x", strings.Replace(string(text), `"seq": 1`, `"seq": 1, "seq": 1`, 1),
		strings.Replace(string(text), "opened", "closed", 1)} {
		if _, err := journal.ParseReceipt([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestWitness: a log that was cut, or written anew, together with the copy of its newest entry, is found by a receipt.
func TestWitness(t *testing.T) {
	dir, maple, lake, r := sent(t)
	text, err := r.Encode(lake)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := journal.Seal(text, maple.Hybrid.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "r.age")
	os.WriteFile(elsewhere, sealed, 0o600)
	if err := journal.KeepReceipt(dir, r, sealed); err != nil {
		t.Fatal(err)
	}
	found := func() (ids []diag.ID) {
		t.Helper()
		list, err := journal.Witness(dir, maple, []string{elsewhere}, func(sign string) string { return "<" + sign + ">" })
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if f.ID == "CP-PKG-056" && !strings.Contains(f.Message(), "<"+seal.FormatKey(lake.PublicKey())+">") {
				t.Errorf("it does not tell who signed it: %v", f)
			}
			ids = append(ids, f.ID)
		}
		return ids
	}
	if ids := found(); len(ids) != 0 {
		t.Fatalf("a whole log: %v", ids)
	}
	good := lines(t, dir)
	for n := range good {
		write(t, dir, good[:n])
		head := ""
		if n > 0 {
			head = good[n-1]
		}
		os.WriteFile(filepath.Join(dir, journal.HeadFile), []byte(head), 0o600)
		want := 0
		if n < 2 { // the entry that announced the package is the second
			want = 2
		}
		if ids := found(); len(ids) != want || want > 0 && ids[0] != "CP-PKG-056" {
			t.Errorf("cut to %d: %v", n, ids)
		}
	}
	// Written anew by whoever has the key.
	again, _ := os.MkdirTemp(t.TempDir(), "")
	if err := journal.Start(again, maple, now, journal.Body{}); err != nil {
		t.Fatal(err)
	}
	add(t, again, maple, pkgID)
	write(t, dir, lines(t, again))
	if ids := found(); len(ids) != 2 {
		t.Errorf("written anew: %v", ids)
	}
}

func TestDeliveries(t *testing.T) {
	dir, maple, lake, r := sent(t)
	j, err := journal.Open(dir, maple)
	if err != nil {
		t.Fatal(err)
	}
	all, err := j.Deliveries()
	if err != nil || len(all) != 1 || all[0].Receipt != nil || all[0].Peer.Name != lake.Name {
		t.Fatalf("%v %v", all, err)
	}
	var page, text bytes.Buffer
	if all[0].WriteConfirmation(&page, maple.Name) != nil || !strings.Contains(page.String(), "NOT CONFIRMED") {
		t.Error("the page does not say that nothing is confirmed")
	}
	proof, _ := r.Encode(lake)
	if _, err := j.Append(now, journal.ReceiptAdded, pkgID, journal.Body{Peer: all[0].Peer, Proof: string(proof)}); err != nil {
		t.Fatal(err)
	}
	if all, err = j.Deliveries(); err != nil || all[0].Receipt == nil || !all[0].Receipt.Time.Equal(now) {
		t.Fatalf("%v %v", all, err)
	}
	page.Reset()
	all[0].Peer.Name = `<script>"&`
	if all[0].WriteConfirmation(&page, maple.Name) != nil || strings.Contains(page.String(), "<script>") || !strings.Contains(page.String(), "DELIVERED AND OPENED") {
		t.Error(page.String())
	}
	if all[0].WriteConfirmationText(&text, maple.Name) != nil || !strings.Contains(text.String(), "BEGIN SSH SIGNATURE") {
		t.Error(text.String())
	}
}

func TestPatients(t *testing.T) {
	for text, want := range map[string]journal.Patient{
		"Ann Lee, 1950-01-02":              {Name: "Ann Lee", Birth: "1950-01-02"},
		" Lee, Ann , 1950-01-02 , MRN 77 ": {Name: "Lee, Ann", Birth: "1950-01-02", MRN: "MRN 77"},
		"Ann Lee, 1950":                    {Name: "Ann Lee", Birth: "1950"},
	} {
		if got, err := journal.ParsePatient(text); err != nil || got != want {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "Ann Lee", "Ann Lee, 02/01/1950", "1950-01-02", ", 1950-01-02", "Ann\x1b, 1950-01-02", "Ann Lee, 1950-13-02"} {
		if _, err := journal.ParsePatient(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	p := journal.Patient{Name: "Ann Marie Lee-Smith", Birth: "1950-01-02", MRN: "A-77"}
	for query, want := range map[string]bool{"ann lee": true, "LEE, Ann": true, "ann, 1950-01-02": true, "ann 1951-01-02": false, "a-77": true, "A-7": false,
		"smith": true, "ann lee a-77": true, "bob": false, "": false, " ": false, "an": true, "nn": false} {
		if p.Matches(query) != want {
			t.Errorf("%q matches: %v", query, !want)
		}
	}
	people := journal.People([]journal.Patient{{Name: "Ann Lee"}, {Name: "ann lee", Birth: "1950-01-02"}, {Name: "Ann Lee", Birth: "1960-01-02"},
		{Name: "LEE, ANN", Birth: "1950-01-02", MRN: "7"}, {Name: "Ann L", Birth: "1950-01-02", MRN: "7"}})
	if len(people) != 3 {
		t.Errorf("%v", people)
	}
}

func TestAccounting(t *testing.T) {
	dir, maple, _, _ := sent(t)
	j, err := journal.Open(dir, maple)
	if err != nil {
		t.Fatal(err)
	}
	ann := []journal.Patient{{Name: "Ann Lee", Birth: "1950-01-02"}}
	for _, tt := range []struct {
		when time.Time
		body journal.Body
	}{
		{now.AddDate(-7, 0, 0), journal.Body{Peer: journal.Peer{Name: "Too long ago"}, Purpose: "legal", About: ann}},
		{now, journal.Body{Peer: journal.Peer{Name: "Treating"}, Purpose: "treatment", About: ann}},
		{now, journal.Body{Peer: journal.Peer{Name: "Authorized"}, Purpose: "legal", Basis: "authorization", About: ann}},
		{now, journal.Body{Peer: journal.Peer{Name: "Part 2"}, Purpose: "treatment", Part2: true, Basis: "part2-consent", About: ann}},
		{now, journal.Body{Peer: journal.Peer{Name: "=1+1"}, Also: []journal.Peer{{Name: "Second"}}, Purpose: "public-health", What: "\t=x", About: ann}},
		{now, journal.Body{Peer: journal.Peer{Name: "Another's"}, Purpose: "legal", About: []journal.Patient{{Name: "Bob", Birth: "1970-01-01"}}}},
		{now, journal.Body{Peer: journal.Peer{Name: "Nobody's"}, Purpose: "legal"}},
	} {
		if _, err := j.Append(tt.when, journal.Sealed, pkgID, tt.body); err != nil {
			t.Fatal(err)
		}
	}
	list, nameless, err := j.Accounting(func(p journal.Patient) bool { return p.Matches("Ann Lee") }, now.AddDate(-6, 0, 0))
	if err != nil || nameless != 1 {
		t.Fatalf("%d %v", nameless, err)
	}
	var got []string
	for _, d := range list {
		mark := ""
		if d.Required {
			mark = "!"
		}
		got = append(got, d.Name+mark)
	}
	if want := "Lakeside Cardiology! Treating Authorized Part 2! =1+1! Second!"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %s", got, want)
	}
	var b bytes.Buffer
	if err := journal.WriteCSV(&b, list); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 7 || rows[1][2] != "1 Pier Road, Lakeside" || rows[5][1] != "'=1+1" || rows[5][3] != "'\t=x" || rows[6][2] != "not known" {
		t.Errorf("%q %v", rows, err)
	}
	a := &journal.Account{From: "Maple <b>", Patients: ann, Since: now, Made: now, List: list, Nameless: nameless}
	b.Reset()
	if err := a.WriteHTML(&b); err != nil || strings.Contains(b.String(), "<b>") || !strings.Contains(b.String(), "Ann Lee, 1950-01-02") || strings.Contains(b.String(), "Bob") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// FuzzReceipt: what is read as a receipt was signed with the key that it names, in this form only.
func FuzzReceipt(f *testing.F) {
	_, _, lake, r := sent(f)
	good, err := r.Encode(lake)
	if err != nil {
		f.Fatal(err)
	}
	split := bytes.Index(good, []byte("-----BEGIN"))
	// The input is an edit, because the fuzzer cannot sign: where, how, or a text in the place of the JSON.
	f.Add([]byte{}, 0)
	f.Add([]byte("x"), 5)
	f.Add(good[:split], -1)
	f.Fuzz(func(t *testing.T, edit []byte, at int) {
		data := bytes.Clone(good)
		if at < 0 {
			data = append(bytes.Clone(edit), seal.Sign(lake.Sign, seal.NamespaceReceipt, edit).Armor()...)
		} else {
			for i, b := range edit {
				data[(at+i)%len(data)] ^= b
			}
		}
		p, err := journal.ParseReceipt(data)
		if err != nil {
			return
		}
		if at >= 0 && !bytes.Equal(data, good) {
			t.Errorf("a changed receipt was read: %q", data)
		}
		if _, err := p.Encode(lake); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
