package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/pack"
)

// TestPassphrasePackages: a passphrase vouches for a sender who is no contact, and for nothing else.
func TestPassphrasePackages(t *testing.T) {
	dir := t.TempDir()
	maple, lake, thief := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology"), newPractice(t, dir, "Hilltop")
	befriend(lake, maple)
	words, err := contacts.NewPassphrase(nil)
	if err != nil {
		t.Fatal(err)
	}
	cheap, err := age.NewScryptRecipient(words)
	if err != nil {
		t.Fatal(err)
	}
	cheap.SetWorkFactor(10)
	os.WriteFile(filepath.Join(dir, "words"), []byte(words+"\n"), 0o600)
	patient := func(m *pack.Manifest) { m.To = []pack.Party{{Name: "Ann Example", Passphrase: true}} }
	for _, tt := range []struct {
		name  string
		edit  func(*packtest.Package)
		args  []string
		code  int
		words string // in what is said
	}{
		{"of a contact", func(p *packtest.Package) { p.Manifest = patient }, nil, exitOK, "verified"},
		{"of somebody unknown", func(p *packtest.Package) { p.Manifest, p.Sign, p.From = patient, thief.identity().Sign, "Hilltop" }, []string{"--yes"}, exitOK, "not among your contacts"},
		{"of somebody unknown, unasked", func(p *packtest.Package) { p.Manifest, p.Sign, p.From = patient, thief.identity().Sign, "Hilltop" }, nil, exitUsage, "--yes"},
		{"in a contact's name", func(p *packtest.Package) { p.Manifest, p.Sign = patient, thief.identity().Sign }, []string{"--yes"}, exitRefused, "CP-PKG-017"},
		{"in my own name", func(p *packtest.Package) {
			p.Manifest, p.Sign, p.From = patient, thief.identity().Sign, "Lakeside  Cardiology"
		}, []string{"--yes"}, exitRefused, "CP-PKG-017"},
		{"signed for a contact", func(p *packtest.Package) {}, []string{"--yes"}, exitRefused, "CP-PKG-019"},
		{"two recipients", func(p *packtest.Package) {
			p.Manifest = func(m *pack.Manifest) { m.To = append(m.To, pack.Party{Name: "Ann Example", Passphrase: true}) }
		}, []string{"--yes"}, exitRefused, "CP-PKG-011"},
		{"key and passphrase", func(p *packtest.Package) {
			p.Manifest = func(m *pack.Manifest) { m.To[0].Passphrase = true }
		}, []string{"--yes"}, exitRefused, "CP-PKG-011"},
		{"a receipt asked for", func(p *packtest.Package) {
			p.Manifest = func(m *pack.Manifest) { patient(m); m.Receipt = pack.ReceiptRequested }
		}, []string{"--yes"}, exitRefused, "CP-PKG-011"},
		{"another signature", func(p *packtest.Package) {
			p.Manifest, p.Sums = patient, func(s string) string { return strings.Replace(s, "0", "1", 1) }
		}, []string{"--yes"}, exitRefused, "CP-PKG-014"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity(), For: cheap}
			tt.edit(p)
			p.Files = []packtest.Member{{Name: "files/a.txt", Data: []byte("hello\n")}}
			os.WriteFile(filepath.Join(dir, "p.age"), p.Build(t), 0o600)
			code, _, stderr := lake.run(append([]string{"open", "p.age", "-o", "out", "--passphrase-file", "words", "--again"}, tt.args...)...)
			if code != tt.code || !strings.Contains(stderr, tt.words) {
				t.Errorf("status %d, want %d with %q\n%s", code, tt.code, tt.words, stderr)
			}
			if _, err := os.Lstat(filepath.Join(dir, "out")); (err == nil) != (tt.code == exitOK) {
				t.Errorf("the folder: %v", err)
			}
			os.RemoveAll(filepath.Join(dir, "out"))
			if left, _ := filepath.Glob(filepath.Join(dir, "*.partial")); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
	// The other way round: what is for a passphrase, sealed anew for a practice.
	p := &packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity(), Manifest: patient}
	os.WriteFile(filepath.Join(dir, "p.age"), p.Build(t), 0o600)
	if code, _, stderr := lake.run("open", "p.age", "-o", "out"); code != exitRefused || !strings.Contains(stderr, "CP-PKG-019") {
		t.Errorf("%d %s", code, stderr)
	}
}

// TestPassphraseIsAsked: on a terminal, three times, and a typo is told before it costs anything.
func TestPassphraseIsAsked(t *testing.T) {
	dir := t.TempDir()
	maple := newPractice(t, dir, "Maple Street Clinic")
	os.WriteFile(filepath.Join(dir, "a.txt"), []byte("hello\n"), 0o600)
	if code, _, stderr := maple.run("seal", "a.txt", "--to-patient", "Ann Example", "--passphrase-out", "w", "-o", "p.age"); code != 0 {
		t.Fatal(stderr)
	}
	words, _ := os.ReadFile(filepath.Join(dir, "w"))
	wrong := "aback abandon abate abbey abbot abide ability"
	maple.answers = []string{"zzzz zzzz zzzz zzzz zzzz zzzz zzzz", wrong, strings.TrimSpace(string(words))}
	if code, _, stderr := maple.run("open", "p.age", "-o", "out"); code != 0 || len(maple.asked) != 3 || !strings.Contains(stderr, "word 1 is not in the list") {
		t.Errorf("%d %q %s", code, maple.asked, stderr)
	}
	maple.answers, maple.asked = []string{wrong, "zzzz zzzz zzzz zzzz zzzz zzzz zzzz", "", string(words)}, nil
	if code, _, stderr := maple.run("open", "p.age", "-o", "again", "--again"); code != exitIdentity || len(maple.asked) != 3 {
		t.Errorf("%d %q %s", code, maple.asked, stderr)
	}
}
