package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/seal"
)

// memoryKeyring stands in for the system's.
type memoryKeyring map[string]string

func (m memoryKeyring) Get(account string) (string, error) {
	if s, ok := m[account]; ok {
		return s, nil
	}
	return "", errNoKeyring
}
func (m memoryKeyring) Set(account, secret string) error { m[account] = secret; return nil }
func (m memoryKeyring) Delete(account string) error      { delete(m, account); return nil }

// TestSheetTyped types a sheet on a terminal, line by line, as it is printed, and with a slip.
func TestSheetTyped(t *testing.T) {
	dir := t.TempDir()
	maple := newPractice(t, dir, "Maple Street Clinic")
	words := contacts.Phrase(maple.identity().Backup())
	lines := func(words []string) []string {
		return []string{strings.Join(words[:10], " "), "  11 " + strings.ToUpper(strings.Join(words[10:20], "  12 ")), words[20][:4], strings.Join(words[21:], ", "), ""}
	}
	maple.answers = lines(words)
	if code, _, stderr := maple.run("key", "test-backup"); code != 0 || !strings.Contains(stderr, "restores your keys") {
		t.Errorf("%d %s", code, stderr)
	}
	if last := maple.asked[len(maple.asked)-2]; strings.TrimSpace(last) != "22:" {
		t.Errorf("it asks for word %q", last)
	}
	slip := append([]string{words[1], words[0]}, words[2:]...)
	if words[0] == words[1] {
		slip[0] = "zebra"
	}
	maple.answers = lines(slip)
	if code, _, stderr := maple.run("key", "test-backup"); code != exitRefused || !strings.Contains(stderr, "word by word") {
		t.Errorf("two words the other way round: %d %s", code, stderr)
	}
	maple.answers = []string{strings.ToLower(backupCode(maple.identity()))}
	if code, _, stderr := maple.run("key", "test-backup"); code != 0 {
		t.Errorf("scanned: %d %s", code, stderr)
	}
	// The wrong sheet is told from a damaged one.
	other := newPractice(t, dir, "Hilltop")
	maple.answers = []string{backupCode(other.identity())}
	if code, _, stderr := maple.run("key", "test-backup"); code != exitRefused || !strings.Contains(stderr, "of another identity") {
		t.Errorf("another sheet: %d %s", code, stderr)
	}
	// A new home asks for the words and a passphrase.
	third := &practice{t: t, dir: dir, home: filepath.Join(dir, "third"), now: maple.now, answers: append(lines(words), "one", "one")}
	if code, _, stderr := third.run("key", "restore", "--name", "Maple Street Clinic"); code != 0 {
		t.Fatalf("%d %s", code, stderr)
	}
	id, err := seal.Load(third.home, func() (string, error) { return "one", nil })
	if err != nil || id.Hybrid.String() != maple.identity().Hybrid.String() || !id.Sign.Equal(maple.identity().Sign) {
		t.Errorf("%v", err)
	}
}

// TestKeyring: the passphrase alone lies in the keyring, and only where the folder says so; a wrong or lost one there does no harm.
func TestKeyring(t *testing.T) {
	dir := t.TempDir()
	ring := memoryKeyring{}
	p := &practice{t: t, dir: dir, home: filepath.Join(dir, "maple"), now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), ring: ring, answers: []string{"one", "one"}}
	if code, _, stderr := p.run("init", "--name", "Maple Street Clinic", "--keyring"); code != 0 || len(ring) != 1 {
		t.Fatalf("%d %s %v", code, stderr, ring)
	}
	for account, secret := range ring {
		if account != p.home || secret != "one" {
			t.Errorf("%s: %s", account, secret)
		}
	}
	p.answers, p.asked = nil, nil
	if code, _, stderr := p.run("card"); code != 0 || len(p.asked) > 0 {
		t.Errorf("%d %s", code, stderr)
	}
	p.answers = []string{"two", "two"}
	if code, _, stderr := p.run("key", "passphrase"); code != 0 || len(ring) != 0 {
		t.Errorf("a new passphrase: %d %s, the keyring has %v", code, stderr, ring)
	}
	p.answers = []string{"two"}
	if code, _, stderr := p.run("card"); code != 0 {
		t.Errorf("%d %s", code, stderr)
	}
	// A keyring that is closed is asked, and then the person.
	if err := os.WriteFile(filepath.Join(p.home, keyringMark), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.answers = []string{"two"}
	if code, _, stderr := p.run("card"); code != 0 {
		t.Errorf("%d %s", code, stderr)
	}
	// One with an old passphrase does not lock anybody out.
	ring[p.home] = "one"
	p.answers = []string{"two"}
	if code, _, stderr := p.run("card"); code != 0 || len(p.answers) != 0 {
		t.Errorf("%d %s", code, stderr)
	}
	if _, err := ring.Get("x"); !errors.Is(err, errNoKeyring) {
		t.Error(err)
	}
}

// TestRemind: whose card is about to end, or has ended, is told so.
func TestRemind(t *testing.T) {
	p := newPractice(t, t.TempDir(), "Maple Street Clinic")
	for _, tt := range []struct {
		day  time.Time
		want string
	}{
		{p.now, ""},
		{time.Date(2028, 9, 1, 0, 0, 0, 0, time.UTC), ""},
		{time.Date(2028, 10, 1, 0, 0, 0, 0, time.UTC), "expires on 2028-11-22"},
		{time.Date(2028, 11, 24, 0, 0, 0, 0, time.UTC), "expired on 2028-11-22"},
	} {
		p.now = tt.day
		code, _, stderr := p.run("card")
		if code != 0 || strings.Contains(stderr, "Your card") != (tt.want != "") || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: %d %s", tt.day, code, stderr)
		}
	}
	if code, _, stderr := p.run("card", "renew"); code != 0 || !strings.Contains(stderr, "good until 2030-11-24") {
		t.Errorf("%d %s", code, stderr)
	}
}

// TestQR: a code is drawn as it is, with its quiet frame, on the terminal and on the page.
func TestQR(t *testing.T) {
	code, err := qrCode("CHARTPOST:TEST")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSuffix(qrTerminal(code), "\n"), "\n")
	if want := (code.Size + 2*quiet + 1) / 2; len(rows) != want {
		t.Errorf("%d rows, want %d", len(rows), want)
	}
	for i, row := range rows {
		for j, r := range []rune(row) {
			up, down := strings.ContainsRune("█▀", r), strings.ContainsRune("█▄", r)
			x, y := j-quiet, 2*i-quiet
			for k, light := range []bool{up, down} {
				dark := x >= 0 && x < code.Size && y+k >= 0 && y+k < code.Size && code.Black(x, y+k)
				if light == dark {
					t.Fatalf("module %d %d is drawn wrong", x, y+k)
				}
			}
		}
	}
	svg := qrSVG(code)
	if n := strings.Count(svg, "M"); n < code.Size || strings.Contains(svg, "script") {
		t.Errorf("%d runs of dark modules", n)
	}
	if _, err := qrCode("lower case"); err == nil {
		t.Error("a text that does not fit into the alphabet was taken")
	}
	if _, err := qrCode(strings.Repeat("A", 5000)); err == nil {
		t.Error("a text that is too long was taken")
	}
}
