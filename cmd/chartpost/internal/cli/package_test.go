package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// practice is somebody with an identity; run runs commands as them, in the folder of the test.
type practice struct {
	t       *testing.T
	home    string
	dir     string
	now     time.Time
	answers []string // to questions; without any there is no terminal
	asked   []string
	ring    Keyring // the system's keyring; none by default
}

func newPractice(t *testing.T, dir, name string) *practice {
	t.Helper()
	p := &practice{t: t, dir: dir, home: filepath.Join(dir, contacts.Slug(name)), now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	if code, _, stderr := p.run("init", "--name", name); code != 0 {
		t.Fatalf("init: %d %s", code, stderr)
	}
	return p
}

func (p *practice) run(args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	return p.runWith(nil, args...)
}

func (p *practice) runWith(in io.Reader, args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	var out, errOut bytes.Buffer
	c := p.cli(in, &out, &errOut)
	p.t.Chdir(p.dir)
	code = c.Run(context.Background(), args)
	return code, out.String(), errOut.String()
}

func (p *practice) cli(in io.Reader, out, errOut io.Writer) *CLI {
	c := &CLI{In: in, Out: out, Err: errOut, Version: "test", Now: func() time.Time { return p.now }, Env: func(name string) string {
		if name == "CHARTPOST_HOME" {
			return p.home
		}
		return ""
	}}
	if c.Keyring = p.ring; c.Keyring == nil {
		c.Keyring = memoryKeyring{}
	}
	if p.answers != nil {
		c.Ask = func(_ context.Context, question string, secret bool) (string, error) {
			p.asked = append(p.asked, question)
			if len(p.answers) == 0 {
				return "", io.EOF
			}
			a := p.answers[0]
			p.answers = p.answers[1:]
			return a, nil
		}
	}
	return c
}

func (p *practice) identity() *seal.Identity {
	p.t.Helper()
	id, err := seal.Load(p.home, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// befriend makes b a verified contact of a.
func befriend(a, b *practice) {
	a.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.home, cardFile))
	if err != nil {
		a.t.Fatal(err)
	}
	card, err := contacts.ParseCard(text)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, args := range [][]string{{"contact", "add", filepath.Join(b.home, cardFile)}, {"contact", "verify", card.Name, "--words", strings.Join(card.Words(), " ")}} {
		if code, _, stderr := a.run(args...); code != 0 {
			a.t.Fatalf("%q: %d %s", args, code, stderr)
		}
	}
}

// TestOpenRefuses: what the command makes of refusals that package seal's attack corpus covers, and those that are its own: its status,
// the cause named, nothing written, nothing logged.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	maple, lake, hill := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology"), newPractice(t, dir, "Hilltop")
	befriend(lake, maple)
	before := entries(t, lake)
	yesterday := lake.now.AddDate(0, 0, -1)
	for _, tt := range []struct {
		name string
		edit func(*packtest.Package) []byte
		code int
		want string
	}{
		{"forwarded", func(a *packtest.Package) []byte {
			a.To, a.For = hill.identity(), lake.identity().Hybrid.Recipient()
			return nil
		}, exitRefused, "CP-PKG-019"},
		{"not for me", func(a *packtest.Package) []byte { a.To = hill.identity(); return nil }, exitIdentity, "not sealed for you"},
		{"unknown sender", func(a *packtest.Package) []byte { a.Sign, a.From = hill.identity().Sign, "Hilltop"; return nil }, exitRefused, "CP-PKG-016"},
		{"changed sender", func(a *packtest.Package) []byte { a.Sign = hill.identity().Sign; return nil }, exitRefused, "CP-PKG-017"},
		{"expired", func(a *packtest.Package) []byte {
			a.Manifest = func(m *pack.Manifest) { m.Expires = &yesterday }
			return nil
		}, exitRefused, "CP-PKG-021"},
		{"changed file", func(a *packtest.Package) []byte {
			a.Late = func(m []packtest.Member) []packtest.Member { m[0].Data = []byte("hallo\n"); return m }
			return nil
		}, exitRefused, "CP-PKG-014"},
		{"parent", func(a *packtest.Package) []byte { a.Files = []packtest.Member{{Name: "files/../../evil"}}; return nil }, exitRefused, "CP-PKG-002"},
		{"not a package", func(*packtest.Package) []byte {
			return packtest.Encrypt(t, []byte("hello"), lake.identity().Hybrid.Recipient())
		}, exitRefused, "CP-PKG-001"},
		{"not sealed", func(*packtest.Package) []byte { return []byte("hello") }, exitUnreadable, "not a sealed package"},
		{"empty", func(*packtest.Package) []byte { return []byte{} }, exitUnreadable, "not a sealed package"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity()}
			data := tt.edit(a)
			if data == nil {
				data = a.Build(t)
			}
			lake.t = t
			for _, args := range [][]string{{"open", "-", "-o", "out", "--yes"}} {
				code, stdout, stderr := lake.runWith(bytes.NewReader(data), args...)
				if code != tt.code || !strings.Contains(stderr, tt.want) || stdout != "" {
					t.Errorf("%q: status %d, want %d\n%s%s", args, code, tt.code, stdout, stderr)
				}
			}
			for _, name := range []string{"out", "out.partial", "evil"} {
				if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
					t.Errorf("%s was written", name)
				}
			}
			lake.t = t
			if n := entries(t, lake); n != before {
				t.Errorf("the refusal was logged as if it were opened: %d entries, not %d", n, before)
			}
		})
	}
}

func entries(t *testing.T, p *practice) int {
	t.Helper()
	j, err := journal.Open(p.home, p.identity())
	if err != nil {
		t.Fatal(err)
	}
	return len(j.Entries())
}

// TestExpiredCard: neither sent to nor taken from.
func TestExpiredCard(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	path := filepath.Join(maple.home, cardFile)
	text, _ := os.ReadFile(path)
	body, _, _ := strings.Cut(strings.Replace(string(text), "expires: 2028-11-22\n", "expires: 2027-01-31\n", 1), "-----BEGIN")
	os.WriteFile(path, append([]byte(body), seal.Sign(maple.identity().Sign, seal.NamespaceCard, []byte(body)).Armor()...), 0o600)
	befriend(lake, maple)
	lake.now = time.Date(2027, 2, 1, 12, 0, 0, 0, time.UTC)
	data := (&packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity()}).Build(t)
	for _, args := range [][]string{{"open", "-", "-o", "out"}, {"seal", path, "--to", "maple", "--purpose", "treatment"}} {
		if code, _, stderr := lake.runWith(bytes.NewReader(data), args...); code != exitRefused || !strings.Contains(stderr, "CP-PKG-034") {
			t.Errorf("%q: %d %s", args, code, stderr)
		}
	}
	if code, stdout, _ := lake.run("contact", "list"); code != 0 || !strings.Contains(stdout, "expired") {
		t.Errorf("%s", stdout)
	}
}

// TestQuestions: what is asked on a terminal, and what the answers do.
func TestQuestions(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	card, err := contacts.ParseCard([]byte(read(t, filepath.Join(maple.home, cardFile))))
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := lake.run("contact", "add", filepath.Join(maple.home, cardFile)); code != 0 {
		t.Fatal(stderr)
	}
	data := (&packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity()}).Build(t)
	os.WriteFile(filepath.Join(dir, "p.zip.age"), data, 0o600)

	// A sender who is not verified: no, then yes.
	lake.answers = []string{"n"}
	if code, _, stderr := lake.run("open", "p.zip.age", "-o", "out"); code != exitRefused || !strings.Contains(stderr, "(not verified)") {
		t.Errorf("no: %d %s", code, stderr)
	}
	if _, err := os.Lstat(filepath.Join(dir, "out")); err == nil || len(lake.asked) != 1 {
		t.Errorf("no: %v, asked %q", err, lake.asked)
	}
	lake.answers = []string{"yes"}
	if code, _, stderr := lake.run("open", "p.zip.age", "-o", "out"); code != 0 {
		t.Errorf("yes: %d %s", code, stderr)
	}
	// The words are asked for, and typed; there is nothing to agree to.
	lake.answers, lake.asked = []string{"yes"}, nil
	if code, _, stderr := lake.run("contact", "verify", "maple"); code != exitRefused || !strings.Contains(stderr, "1 words") {
		t.Errorf("a yes instead of words: %d %s", code, stderr)
	}
	lake.answers = []string{strings.Join(card.Words(), " ")}
	code, _, stderr := lake.run("contact", "verify", "maple")
	if code != 0 {
		t.Errorf("words: %d %s", code, stderr)
	}
	for i, w := range card.Words()[1:] { // one of them may stand in any sentence
		if strings.Contains(stderr+strings.Join(lake.asked, ""), card.Words()[i]+" "+w) {
			t.Errorf("the words are shown to whoever has to hear them: %s", stderr)
		}
	}
	// A passphrase, twice, after a slip.
	third := &practice{t: t, dir: dir, home: filepath.Join(dir, "third"), now: lake.now, answers: []string{"Hilltop", "one", "two", "one", "one"}}
	if code, _, stderr := third.run("init"); code != 0 || !strings.Contains(stderr, "two different ones") {
		t.Fatalf("%d %s", code, stderr)
	}
	third.answers = []string{"wrong"}
	if code, _, _ := third.run("card"); code != exitIdentity {
		t.Errorf("wrong passphrase: %d", code)
	}
	third.answers = []string{"one"}
	if code, _, stderr := third.run("card"); code != 0 {
		t.Errorf("right passphrase: %d %s", code, stderr)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestInspectPackage(t *testing.T) {
	dir := t.TempDir()
	maple, lake, hill := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology"), newPractice(t, dir, "Hilltop")
	befriend(lake, maple)
	good := func() *packtest.Package {
		return &packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity()}
	}
	path := filepath.Join(dir, "p.zip.age")
	inspect := func(p *practice, data []byte, json bool) (string, error) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := p.cli(nil, &out, io.Discard).inspectPackage(t.Context(), path, "", inspectPackageOptions{json: json})
		return out.String(), err
	}
	data := good().Build(t)
	if !isPackage(data) {
		t.Error("a package is not known as one")
	}
	nobody := &practice{t: t, home: filepath.Join(dir, "nobody")}
	for _, tt := range []struct {
		name    string
		who     *practice
		json    bool
		want    []string
		notWant string
	}{
		{"mine", lake, false, []string{"protected against quantum computers", "From:     Maple Street Clinic (verified 2026-11-22)", "files/a.txt  6 bytes"}, "Opened"},
		{"mine, JSON", lake, true, []string{`"format": "chartpost-package-v1"`, `"opens": true`, `"path": "files/a.txt"`}, `"why"`},
		{"somebody else's", hill, false, []string{"protected against quantum computers", "not shown: this package is not sealed for you"}, "Maple"},
		{"somebody else's, JSON", hill, true, []string{`"mlkem768x25519"`, `"opens": false`}, "manifest"},
		{"without identity", nobody, false, []string{"not shown"}, "Maple"},
	} {
		out, err := inspect(tt.who, data, tt.json)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, w := range tt.want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: %q is not in\n%s", tt.name, w, out)
			}
		}
		if strings.Contains(out, tt.notWant) {
			t.Errorf("%s: %q is in\n%s", tt.name, tt.notWant, out)
		}
	}
	bad := good()
	bad.Late = func(m []packtest.Member) []packtest.Member { m[0].Data = []byte("hallo\n"); return m }
	out, err := inspect(lake, bad.Build(t), false)
	var f *diag.Finding
	if exitCode(err) != exitRefused || !errors.As(err, &f) || f.ID != "CP-PKG-014" || strings.Contains(out, "files/") {
		t.Errorf("changed: %v\n%s", err, out)
	}
	if _, err := inspect(lake, []byte("hello"), false); exitCode(err) != exitUnreadable {
		t.Errorf("not a package: %v", err)
	}
}

// TestSweep: what a killed run left is taken away; what is in use, or is not ours, is not.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		os.MkdirAll(filepath.Dir(path(name)), 0o700)
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.zip.age.partial", "age-encryption.org/v1\n-> X25519 x\n")
	write("b.zip.age.partial", "")
	write("mine.partial", "my notes")
	write("empty.partial", "")
	write("c.partial/.chartpost", "")
	write("c.partial/content/files/a", "secret")
	os.Mkdir(path("d.partial"), 0o700)
	write("e.partial/notes", "mine")
	write("f.partial/.chartpost", "")
	write("f.partial/notes", "mine")
	used, err := createPackageDir(path("used"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := createPackageFile(path("used.zip.age"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := createPackageDir(path("used")); err == nil {
		t.Error("two runs unpack into one folder")
	}
	if _, err := createPackageFile(path("used.zip.age")); err == nil {
		t.Error("two runs write one package")
	}
	for name, want := range map[string]bool{
		"a.zip.age.partial": false, "b.zip.age.partial": false, "mine.partial": true, "empty.partial": true, "c.partial": false, "d.partial": false, "e.partial": true,
		"f.partial": true, "f.partial/notes": true, "used.partial": true, "used.zip.age.partial": true,
	} {
		if runtime.GOOS == "windows" && strings.HasPrefix(name, "used") {
			continue
		}
		if _, err := os.Lstat(path(name)); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", name, err == nil, want)
		}
	}
	write("named.partial", "")
	if f, err := createPackageFile(path("named")); err != nil {
		t.Errorf("what an early kill left is in the way: %v", err)
	} else {
		f.discard()
	}
	file.discard()
	if err := used.commit(); err != nil {
		t.Error(err)
	}
	used.discard()
	for name, want := range map[string]bool{"used": true, "used.partial": false, "used.zip.age": false, "used.zip.age.partial": false} {
		if _, err := os.Lstat(path(name)); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", name, err == nil, want)
		}
	}
}

func TestByteCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 999_949: "999.9 kB", 999_960: "1.0 MB", 5_400_000_000: "5.4 GB", 1 << 62: "4611686.0 TB"} {
		if got := byteCount(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
