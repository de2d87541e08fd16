package cli

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	agetest "c2sp.org/CCTV/age"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// tree lists all that is in a folder.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestAttacks opens every package of the attack corpus with the command: status 5, the cause named, and nothing written anywhere.
func TestAttacks(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	hill, mallory := newPractice(t, dir, "Hilltop"), newPractice(t, dir, "Mallory")
	befriend(lake, maple)
	p := &packtest.Parties{Maple: maple.identity(), Lake: lake.identity(), Other: hill.identity(), Mallory: mallory.identity()}
	before, log := tree(t, dir), entries(t, lake)
	for _, tt := range packtest.Attacks {
		t.Run(tt.Name, func(t *testing.T) {
			lake.t = t
			a := &packtest.Package{Sign: p.Maple.Sign, From: "Maple Street Clinic", To: p.Lake}
			tt.Edit(a, p)
			data := a.Build(t)
			want := tt.Want
			if want == "CP-PKG-016" && tt.Name == "attacker signs" {
				want = "CP-PKG-017" // a stranger under the name of a contact
			}
			outs := []string{"out", "-"}
			if len(a.Files) != 1 {
				outs = outs[:1] // only one file goes to standard output
			}
			for _, out := range outs {
				code, stdout, stderr := lake.runWith(bytes.NewReader(data), "open", "-", "-o", out, "--yes")
				if code != exitRefused || !strings.Contains(stderr, "["+string(want)+"]") || stdout != "" {
					t.Errorf("status %d, want %d and %s\n%s%s", code, exitRefused, want, stdout, stderr)
				}
			}
			if after := tree(t, dir); len(after) != len(before) {
				t.Errorf("something was written: %q", after)
			}
		})
	}
	lake.t = t
	if n := entries(t, lake); n != log {
		t.Errorf("%d entries were logged", n-log)
	}
}

// TestAgeVectors opens every test vector of C2SP CCTV with the command. None is for the identity, and what a passphrase opens is no package, so
// each is refused as no age file, as one for somebody else, or after decryption; and none writes anything. (Package seal opens them with their own keys.)
func TestAgeVectors(t *testing.T) {
	dir := t.TempDir()
	lake := newPractice(t, dir, "Lakeside Cardiology")
	os.WriteFile(filepath.Join(dir, "words"), nil, 0o600)
	before := tree(t, dir)
	vectors, err := fs.ReadDir(agetest.Vectors, ".")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[int]int{}
	for _, v := range vectors {
		data, err := fs.ReadFile(agetest.Vectors, v.Name())
		if err != nil {
			t.Fatal(err)
		}
		head, data, ok := bytes.Cut(data, []byte("\n\n"))
		if !ok {
			t.Fatalf("%s has no body", v.Name())
		}
		// Those with a passphrase are given theirs, the first if there are several.
		words := "none"
		for line := range strings.Lines(string(head) + "\n") {
			if p, ok := strings.CutPrefix(strings.TrimSpace(line), "passphrase: "); ok && words == "none" {
				words = p
			}
		}
		os.WriteFile(filepath.Join(dir, "words"), []byte(words+"\n"), 0o600)
		code, stdout, stderr := lake.runWith(bytes.NewReader(data), "open", "-", "-o", "out", "--yes", "--passphrase-file", "words")
		codes[code]++
		if code != exitUnreadable && code != exitIdentity && code != exitRefused || stdout != "" || stderr == "" {
			t.Errorf("%s: status %d\n%s%s", v.Name(), code, stdout, stderr)
		}
	}
	if len(vectors) < 100 || codes[exitUnreadable] == 0 || codes[exitIdentity] == 0 {
		t.Errorf("%d vectors, statuses %v", len(vectors), codes)
	}
	if after := tree(t, dir); len(after) != len(before) {
		t.Errorf("something was written: %q", after)
	}
}

// TestSpoolIsSealed: what is spooled of standard input is the package as it came, and it has no name where it can have none.
func TestSpoolIsSealed(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	befriend(lake, maple)
	data := (&packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity()}).Build(t)
	src, size, closeInput, err := openInput(bytes.NewReader(data), "-", false)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, size)
	if _, err := src.ReadAt(got, 0); err != nil && size != int64(len(data)) || !bytes.Equal(got, data) {
		t.Errorf("%v", err)
	}
	closeInput()
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestAttacksAreCounted: docs/security.md says how many there are.
func TestAttacksAreCounted(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testshared.Root(), "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := fs.ReadDir(agetest.Vectors, ".")
	if err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]int{"hostile packages": len(packtest.Attacks), "vectors of C2SP CCTV": len(vectors)} {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^\| %s.* \| %d \|$`, what, n)).Match(text) {
			t.Errorf("docs/security.md does not say that there are %d %s", n, what)
		}
	}
}

// TestOpenedAtOnce: while one run asks whether to open a package, another opens it. The first refuses it then as it would have before, and
// leaves nothing; standard output cannot be taken back, so the log says there that it was the second time.
func TestOpenedAtOnce(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	if code, _, stderr := lake.run("contact", "add", filepath.Join(maple.home, cardFile)); code != 0 {
		t.Fatal(stderr)
	}
	for n, tt := range []struct {
		out  string
		code int
		want string // in the log
	}{{"second", exitRefused, ""}, {"-", exitOK, ", again\n"}} {
		a := &packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity(), Files: []packtest.Member{{Name: "files/a.txt", Data: []byte("hello\n")}}}
		a.Manifest = func(m *pack.Manifest) { m.ID, m.Seq = strings.Repeat("ab"[n:n+1], 32), int64(n+1) }
		if err := os.WriteFile(filepath.Join(dir, "p.age"), a.Build(t), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		c := lake.cli(nil, &out, &errOut)
		c.Ask = func(context.Context, string, bool) (string, error) {
			if code, _, stderr := lake.run("open", "p.age", "-o", "first"+tt.want, "--yes", "--no-receipt"); code != 0 {
				t.Errorf("the run in between: %d %s", code, stderr)
			}
			return "y", nil
		}
		t.Chdir(dir)
		code := c.Run(context.Background(), []string{"open", "p.age", "-o", tt.out, "--no-receipt"})
		if code != tt.code || (code != exitOK) != strings.Contains(errOut.String(), "CP-PKG-020") {
			t.Errorf("%s: %d %s", tt.out, code, errOut.String())
		}
		if list, _ := filepath.Glob(filepath.Join(dir, "second*")); len(list) != 0 {
			t.Errorf("%q was written", list)
		}
		_, log, _ := lake.run("log")
		if got := strings.Count(log, ", again\n"); got != n {
			t.Errorf("%s: %d openings of the log are again\n%s", tt.out, got, log)
		}
	}
}

// TestNamesOfFilesOnScreen: whoever can put a file into an inbox chooses its name, and a server what it answers: neither steers the terminal
// of whoever looks.
func TestNamesOfFilesOnScreen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such names there")
	}
	dir := t.TempDir()
	lake := newPractice(t, dir, "Lakeside Cardiology")
	inbox := filepath.Join(dir, "inbox")
	if err := os.Mkdir(inbox, 0o700); err != nil {
		t.Fatal(err)
	}
	evil := filepath.Join(inbox, "a\x1b[2J\u009b31m\u202e\nFrom: Maple.age")
	if err := os.WriteFile(evil, []byte("hello"), 0o600); err != nil {
		t.Skip("the file system takes no such names")
	}
	for _, args := range [][]string{{"inspect", evil}, {"inspect", inbox}, {"open", evil}, {"receipt", "add", evil}, {"contact", "add", evil}, {"fetch", inbox, "-o", dir}} {
		_, stdout, stderr := lake.run(args...)
		if text := stdout + stderr; !strings.Contains(text, "a?[2J") || strings.ContainsAny(text, "\x1b\u009b\u202e") {
			t.Errorf("%q prints %q", args, text)
		}
	}
	list, _ := filepath.Glob(filepath.Join(inbox, "refused", "*.txt"))
	if len(list) != 1 {
		t.Fatalf("%q", list)
	}
	if text, err := os.ReadFile(list[0]); err != nil || strings.ContainsAny(string(text), "\x1b\u009b\u202e") {
		t.Errorf("%q %v", text, err)
	}
}

// TestIndented: what a sender wrote never begins a line of the screen, however long it is.
func TestIndented(t *testing.T) {
	long := "see page 2" + strings.Repeat(" ", 60) + "From:     Hilltop (verified 2026-11-22)\n" + strings.Repeat("x", 200) + "\tTo: me\nkept  as it is\n"
	lines := strings.Split(indented(long), "\n")
	for i, line := range lines {
		if len(line) > 78 || i > 0 && !strings.HasPrefix(line, "          ") {
			t.Errorf("%q", line)
		}
	}
	if got := strings.Fields(indented(long)); len(got) != 16 || lines[len(lines)-2] != "          kept  as it is" {
		t.Errorf("%q", got)
	}
}

// TestCardWithMyKey: a card that holds the key of whoever adds it is refused: what is sealed for it would open here and not at its owner's.
func TestCardWithMyKey(t *testing.T) {
	dir := t.TempDir()
	maple, mallory := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Hilltop")
	card, err := os.ReadFile(filepath.Join(mallory.home, cardFile))
	if err != nil {
		t.Fatal(err)
	}
	theirs, mine := mallory.identity(), maple.identity()
	for _, swap := range [][2]string{{"age: " + theirs.Recipient(), "age: " + mine.Recipient()}, {"age-compat: " + theirs.CompatRecipient(), "age-compat: " + mine.CompatRecipient()}} {
		body, _, _ := strings.Cut(strings.Replace(string(card), swap[0], swap[1], 1), "-----BEGIN")
		text := body + string(seal.Sign(theirs.Sign, seal.NamespaceCard, []byte(body)).Armor())
		if code, _, stderr := maple.runWith(strings.NewReader(text), "contact", "add", "-"); code != exitRefused || !strings.Contains(stderr, "CP-PKG-032") {
			t.Errorf("%d %s", code, stderr)
		}
	}
}

// TestOpenWhileSwept: other runs in the same folder take away what killed ones left there, and nothing of those that are at work.
func TestOpenWhileSwept(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	befriend(lake, maple)
	testshared.Meanwhile(t, func() { sweep(dir) })
	for n := range 30 {
		a := &packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity()}
		a.Manifest = func(m *pack.Manifest) {
			m.ID, m.Seq, m.Receipt = fmt.Sprintf("%032x", n), int64(n+1), pack.ReceiptRequested
		}
		if code, _, stderr := lake.runWith(bytes.NewReader(a.Build(t)), "open", "-", "-o", fmt.Sprint(n), "--receipt", fmt.Sprint(n, ".receipt.age")); code != 0 {
			t.Fatalf("%d: %d %s", n, code, stderr)
		}
	}
}

// TestKeysRotatedMeanwhile: while one run asks or waits, another makes new keys. The first neither writes the old ones back nor takes the
// contact book, which the new ones sign, for one that somebody changed.
func TestKeysRotatedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	befriend(lake, maple)
	rotate := func() {
		t.Helper()
		if code, _, stderr := lake.run("key", "rotate"); code != 0 {
			t.Fatal(stderr)
		}
	}
	var out, errOut bytes.Buffer
	c := lake.cli(nil, &out, &errOut)
	asked := 0
	c.Ask = func(context.Context, string, bool) (string, error) {
		if asked++; asked == 1 {
			rotate()
		}
		return "seven plain words", nil
	}
	if code := c.Run(context.Background(), []string{"key", "passphrase"}); code != exitUnreadable || !strings.Contains(errOut.String(), "keys have been changed") {
		t.Errorf("%d %s", code, errOut.String())
	}
	if n := len(lake.identity().Generations()); n != 2 {
		t.Errorf("there are %d sets of keys", n)
	}

	inbox := filepath.Join(dir, "inbox")
	if err := os.Mkdir(inbox, 0o700); err != nil {
		t.Fatal(err)
	}
	a := &packtest.Package{Sign: maple.identity().Sign, From: "Maple Street Clinic", To: lake.identity()}
	if err := os.WriteFile(filepath.Join(inbox, "p.age"), a.Build(t), 0o600); err != nil {
		t.Fatal(err)
	}
	errOut.Reset()
	in, err := c.newInbox(context.Background(), &fetchOptions{identityOptions: identityOptions{passphraseFD: -1}, out: dir}, inbox)
	if err != nil {
		t.Fatal(err)
	}
	defer in.box.Close()
	rotate()
	items, err := in.box.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := in.all(context.Background(), items); err != nil || n.left != 1 || !strings.Contains(errOut.String(), "keys have been changed") {
		t.Errorf("%v %v %s", n, err, errOut.String())
	}
	if _, err := os.Lstat(filepath.Join(inbox, "p.age")); err != nil {
		t.Error(err)
	}
}

// TestOpenMyOwn: whoever tries to open what they sealed for somebody else is told so.
func TestOpenMyOwn(t *testing.T) {
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	befriend(maple, lake)
	if code, _, stderr := maple.run("seal", filepath.Join(lake.home, cardFile), "--to", "lakeside", "--purpose", "legal", "--about", "none", "-o", "p.age"); code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := maple.run("open", "p.age"); code != exitIdentity || !strings.Contains(stderr, "you sealed it yourself on 2026-11-22, for Lakeside Cardiology") {
		t.Errorf("%d %s", code, stderr)
	}
}
