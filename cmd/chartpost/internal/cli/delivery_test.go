package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// TestPatientsInFiles: whom files are about is what they say themselves; what says nothing is no fault.
func TestPatientsInFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"lab.hl7": "MSH|^~\\&|LAB|M|||20261122||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||X9^^^A~77^^^M&2.999.1&ISO^MR||Example^Tansy^Q||19800203|F\r" +
			"OBR|1|||2345-7^Glucose^LN|||20261120\rOBX|1|NM|2345-7^Glucose^LN||94|mg/dL|||||F\r",
		"patient.json": `{"resourceType":"Patient","name":[{"use":"nickname","text":"Bas"},{"use":"official","family":"Example","given":["Basil"]}],"birthDate":"1970-01-01"}`,
		"bundle.json": `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","name":[{"text":"Rue Example"}],
			"identifier":[{"value":"1"},{"type":{"coding":[{"code":"MR"}]},"value":"2"}]}},{"resource":{"resourceType":"Patient","active":true}}]}`,
		"again.json":  `{"resourceType":"Patient","name":[{"text":"Rue Example"}],"identifier":[{"value":"2"}]}`,
		"broken.json": `{"resourceType":"Patient","name":`,
		"scan.pdf":    "%PDF-1.7",
		"empty":       "",
		"bad.hl7":     "MSH|^~\\&|LAB\rPID|1||\rZZZ|\r",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := new(pack.Sources)
	if err := s.Add(dir); err != nil {
		t.Fatal(err)
	}
	list, err := patientsIn(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := []journal.Patient{{Name: "Basil Example", Birth: "1970-01-01"}, {Name: "Rue Example", MRN: "2"}, {Name: "Tansy Q Example", Birth: "1980-02-03", MRN: "77"}}
	if len(list) != len(want) {
		t.Fatalf("%+v", list)
	}
	for i := range want {
		if list[i] != want[i] {
			t.Errorf("%+v, want %+v", list[i], want[i])
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := patientsIn(ctx, s); err == nil {
		t.Error("an interrupted search ended well")
	}
}

// TestAskAbout: on a terminal the patient is asked for, once, and only if no file says it.
func TestAskAbout(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	befriend(maple, lake)
	os.WriteFile(filepath.Join(dir, "scan.pdf"), []byte("%PDF-1.7"), 0o600)
	seal := func(args ...string) (int, string) {
		maple.asked = nil
		code, _, stderr := maple.run(append([]string{"seal", "scan.pdf", "--to", "lakeside", "--purpose", "legal"}, args...)...)
		return code, stderr
	}
	maple.answers = []string{"Ann Lee, 1950-01-02"}
	if code, stderr := seal("-o", "a.age"); code != 0 || len(maple.asked) != 1 || strings.Contains(stderr, "does not say whom") {
		t.Errorf("%d %q %s", code, maple.asked, stderr)
	}
	maple.answers = []string{""}
	if code, stderr := seal("-o", "b.age"); code != 0 || !strings.Contains(stderr, "does not say whom") {
		t.Errorf("%d %s", code, stderr)
	}
	maple.answers = []string{"Ann"}
	if code, _ := seal("-o", "c.age"); code != exitUsage {
		t.Errorf("%d", code)
	}
	maple.answers = []string{}
	if code, _ := seal("-o", "d.age", "--about", "Bob Ray, 1960-01-01"); code != 0 || len(maple.asked) != 0 {
		t.Errorf("%d %q", code, maple.asked)
	}
	maple.answers = nil
	_, stdout, _ := maple.run("log", "accounting", "--patient", "ann lee")
	if !strings.Contains(stdout, "file: 1 PDF") {
		t.Error(stdout)
	}
	// Nobody but the owner of the log learns of it. The names are whole: three letters are in some sealed files by chance.
	for name, about := range map[string]string{"a.age": "Ann Lee", "d.age": "Bob Ray"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || bytes.Contains(b, []byte(about)) {
			t.Errorf("%s holds the name (%v)", name, err)
		}
	}
	befriend(lake, maple)
	if code, _, stderr := lake.run("open", "a.age", "-o", "a"); code != 0 {
		t.Fatal(stderr)
	}
	for _, path := range tree(t, filepath.Join(dir, "a")) {
		if b, _ := os.ReadFile(path); bytes.Contains(b, []byte("Ann Lee")) {
			t.Errorf("%s holds the name", path)
		}
	}
}

// TestOverrides: each flag overrides one refusal and no other, and is logged.
func TestOverrides(t *testing.T) {
	dir := t.TempDir()
	maple, lake, hill := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology"), newPractice(t, dir, "Hilltop")
	befriend(lake, maple)
	build := func(edit func(*packtest.Package)) []byte {
		a := &packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity()}
		edit(a)
		return a.Build(t)
	}
	yesterday := lake.now.AddDate(0, 0, -1)
	expired := func(a *packtest.Package) {
		a.Manifest = func(m *pack.Manifest) { m.ID, m.Expires = strings.Repeat("e", 32), &yesterday }
	}
	forwarded := func(a *packtest.Package) {
		a.To, a.For = hill.identity(), lake.identity().Hybrid.Recipient()
		a.Manifest = func(m *pack.Manifest) { m.ID = strings.Repeat("f", 32) }
	}
	data := map[string][]byte{"expired": build(expired), "accept-forwarded": build(forwarded), "again": build(func(*packtest.Package) {})}
	if code, _, stderr := lake.runWith(bytes.NewReader(data["again"]), "open", "-", "-o", "first"); code != 0 {
		t.Fatal(stderr)
	}
	for name, b := range data {
		for _, flag := range []string{"", "expired", "accept-forwarded", "again"} {
			args := []string{"open", "-", "-o", name + "-" + flag}
			if flag != "" {
				args = append(args, "--"+flag)
			}
			code, _, stderr := lake.runWith(bytes.NewReader(b), args...)
			if want := map[bool]int{true: 0, false: exitRefused}[flag == name]; code != want {
				t.Errorf("%s with %q: status %d, want %d\n%s", name, flag, code, want, stderr)
			}
		}
	}
	_, stdout, _ := lake.run("log")
	for _, word := range []string{", expired\n", ", forwarded\n", ", again\n"} {
		if strings.Count(stdout, word) != 1 {
			t.Errorf("%q is in the log %d times\n%s", word, strings.Count(stdout, word), stdout)
		}
	}
}

// TestReceiptIsTold: a receipt that is taken for a package is known for what it is.
func TestReceiptIsTold(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	befriend(lake, maple)
	befriend(maple, lake)
	for _, args := range [][]string{{"seal", filepath.Join(lake.home, cardFile), "--to", "lakeside", "--purpose", "legal", "--about", "none", "-o", "p.age"}} {
		if code, _, stderr := maple.run(args...); code != 0 {
			t.Fatal(stderr)
		}
	}
	if code, _, stderr := lake.run("open", "p.age", "-o", "out", "--receipt", "r.age"); code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := maple.run("open", "r.age"); code != exitRefused || !strings.Contains(stderr, "chartpost receipt add r.age") {
		t.Errorf("%d %s", code, stderr)
	}
	if code, stdout, _ := maple.run("inspect", "r.age"); code != 0 || !strings.Contains(stdout, "a receipt: Lakeside Cardiology opened package ") {
		t.Errorf("%d %s", code, stdout)
	}
	if code, stdout, _ := maple.run("inspect", "--json", "r.age"); code != 0 || !strings.Contains(stdout, `"format": "chartpost-receipt-v1"`) {
		t.Errorf("%d %s", code, stdout)
	}
	if code, stdout, _ := lake.run("inspect", "r.age"); code != 0 || strings.Contains(stdout, "Maple") {
		t.Errorf("%d %s", code, stdout)
	}
}

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"30d": "2026-12-22", "6m": "2027-05-22", "1y": "2027-11-22", "2026-12-31": "2027-01-01"} {
		if got, err := parseWhen(text, now, 1); err != nil || got.Format(time.DateOnly) != want {
			t.Errorf("%s: %v %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"30d": "2026-10-23", "6y": "2020-11-22", "2020-01-01": "2020-01-01"} {
		if got, err := parseWhen(text, now, -1); err != nil || got.Format(time.DateOnly) != want {
			t.Errorf("back %s: %v %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "d", "3", "3dd", "-3d", "3w", "yesterday", "31.12.2026", "99999999d"} {
		if got, err := parseWhen(bad, now, 1); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// TestReceiptByWhom: a receipt counts if it is signed with a key of the recipient, also one of before or after a rotation, but not with one that
// the recipient revoked, nor by somebody who is called as the recipient was.
func TestReceiptByWhom(t *testing.T) {
	dir := t.TempDir()
	maple, lake, other := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology"), newPractice(t, dir, "Lakeside Imaging")
	befriend(maple, lake)
	befriend(lake, maple)
	must := func(p *practice, args ...string) {
		t.Helper()
		if code, _, stderr := p.run(args...); code != 0 {
			t.Fatalf("%q: %d %s", args, code, stderr)
		}
	}
	sent := func(name string) *journal.Receipt {
		t.Helper()
		must(maple, "seal", filepath.Join(lake.home, cardFile), "--to", "Lakeside Cardiology", "--purpose", "legal", "--about", "none", "-o", name+".age", "--accept-rotation")
		must(lake, "open", name+".age", "-o", name, "--receipt", name+".r")
		h := &home{c: maple.cli(nil, nil, nil), dir: maple.home, id: maple.identity()}
		r, err := h.readReceipt(filepath.Join(dir, name+".r"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	// add signs what a receipt says with another key, and gives it to the sender.
	add := func(r *journal.Receipt, by *seal.Identity) (int, string) {
		t.Helper()
		x := *r
		x.By.Sign = seal.FormatKey(by.PublicKey())
		text, err := x.Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := journal.Seal(text, maple.identity().Hybrid.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		code, _, stderr := maple.runWith(bytes.NewReader(sealed), "receipt", "add", "-")
		return code, stderr
	}
	before := lake.identity()
	first := sent("first")
	must(maple, "contact", "remove", "Lakeside Cardiology")
	must(maple, "contact", "add", filepath.Join(other.home, cardFile), "--as", "Lakeside Cardiology Imaging")
	if code, stderr := add(first, other.identity()); code != exitRefused || !strings.Contains(stderr, "CP-PKG-064") {
		t.Errorf("by another of such a name: %d %s", code, stderr)
	}
	must(maple, "contact", "remove", "Lakeside Cardiology Imaging")
	befriend(maple, lake)
	must(lake, "key", "rotate")
	must(maple, "contact", "add", filepath.Join(lake.home, cardFile))
	if code, stderr := add(first, lake.identity()); code != 0 {
		t.Errorf("with the new keys: %d %s", code, stderr)
	}
	if code, stderr := add(sent("second"), before); code != 0 {
		t.Errorf("with the old keys: %d %s", code, stderr)
	}
	// Of what a stranger says is missing in the log it is told that it was a stranger.
	x := *first
	x.LogHead, x.By.Sign = strings.Repeat("0", 64), seal.FormatKey(newPractice(t, dir, "Hilltop").identity().PublicKey())
	if text, err := x.Encode((&practice{t: t, home: filepath.Join(dir, "hilltop")}).identity()); err != nil {
		t.Fatal(err)
	} else if sealed, err := journal.Seal(text, maple.identity().Hybrid.Recipient()); err != nil {
		t.Fatal(err)
	} else if err := os.WriteFile(filepath.Join(dir, "stranger.age"), sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := maple.run("log", "verify", "stranger.age"); code != exitFindings || !strings.Contains(stdout, "not among your contacts") {
		t.Errorf("a stranger's receipt: %d %s", code, stdout)
	}
	third := sent("third")
	must(maple, "contact", "add", filepath.Join(lake.home, revocationFile))
	if code, stderr := add(third, lake.identity()); code != exitRefused || !strings.Contains(stderr, "CP-PKG-018") {
		t.Errorf("with keys that were revoked: %d %s", code, stderr)
	}
}
