package pack_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
)

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "files/a.txt", "files/Ü/é ñ.pdf", "files/.hidden", "files/console.txt", "files/COM.txt", "files/com10",
		"files/a b/c", "files/患者.json", "files/\u2764\ufe0f.txt", strings.Repeat("a", 200), strings.Repeat("a/", 15) + "a"} {
		if err := pack.CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", `a\b`, "C:", "a:b", "a*", "a?", `a"`, "a<", "a>", "a|b",
		"a\x00", "a\nb", "a\x7f", "a\u202eb", "a\u200bb", "a\u2028b", "\ufeffa", "\xff", "e\u0301", "a.", "a ", "a./b", "con", "CON.txt", "Nul", "aux .txt",
		"LPT1", "com¹.log", "conin$", "a\ufffdb", "a\u3164", "a\u115fb", "a\u2800b", strings.Repeat("a", 201), strings.Repeat("a/", 16) + "a", strings.Repeat("aaaaaaaaa/", 110) + "a"} {
		if err := pack.CheckName(bad); err == nil {
			t.Errorf("%q is allowed", bad)
		} else if len(bad) > 3 && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: the error repeats the name: %v", bad, err)
		}
	}
}

func manifest() *pack.Manifest {
	return &pack.Manifest{
		Format: pack.Format, ID: "00112233445566778899aabbccddeeff", Seq: 1, Created: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		From: pack.Party{Name: "Maple Street Clinic", Sign: "ssh-ed25519 x", Age: "age1pq1x"}, To: []pack.Party{{Name: "Lakeside Cardiology", Age: "age1x"}},
		Purpose: "treatment", LogHead: strings.Repeat("0", 64), Receipt: "none", Tool: "test", Files: []pack.File{{Path: "files/a", Size: 1, Media: "text/plain"}},
	}
}

func TestManifest(t *testing.T) {
	b, err := manifest().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	m, err := pack.ParseManifest(b)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := m.Bytes(); !bytes.Equal(b, again) {
		t.Error("a manifest does not come back as it was")
	}
	if got, want := m.BaseName(), "chartpost-2026-11-22-0011-2233"; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	// What a later version adds is passed over.
	more := bytes.Replace(b, []byte(`"seq"`), []byte(`"later": {"a": [1]}, "seq"`), 1)
	if _, err := pack.ParseManifest(more); err != nil {
		t.Errorf("an unknown member is refused: %v", err)
	}
	later := time.Now()
	for name, edit := range map[string]func(*pack.Manifest){
		"id":               func(m *pack.Manifest) { m.ID = strings.ToUpper(m.ID) },
		"short id":         func(m *pack.Manifest) { m.ID = "00" },
		"seq":              func(m *pack.Manifest) { m.Seq = 0 },
		"created":          func(m *pack.Manifest) { m.Created = time.Time{} },
		"zone":             func(m *pack.Manifest) { m.Created = m.Created.In(time.FixedZone("", 3600)) },
		"expires":          func(m *pack.Manifest) { e := later.In(time.FixedZone("", 60)); m.Expires = &e },
		"from":             func(m *pack.Manifest) { m.From.Name = "a\nb" },
		"city":             func(m *pack.Manifest) { m.From.City = " x" },
		"no key":           func(m *pack.Manifest) { m.From.Sign = "" },
		"no recipient":     func(m *pack.Manifest) { m.To = nil },
		"nameless":         func(m *pack.Manifest) { m.To[0].Name = "" },
		"purpose":          func(m *pack.Manifest) { m.Purpose = "fun" },
		"note":             func(m *pack.Manifest) { m.Note = "\x1b[31m" },
		"key":              func(m *pack.Manifest) { m.From.Age = "age1\u009b2J" },
		"compat key":       func(m *pack.Manifest) { m.From.AgeCompat = "age1\n" },
		"card":             func(m *pack.Manifest) { m.From.Card = "x" },
		"recipient's key":  func(m *pack.Manifest) { m.To[0].Age = "age1\u202e" },
		"recipient's sign": func(m *pack.Manifest) { m.To[0].Sign = "\x1b" },
		"gap":              func(m *pack.Manifest) { m.From.Name = "Maple" + strings.Repeat(" ", 60) + "From: Hilltop" },
		"other gap":        func(m *pack.Manifest) { m.Emergency = "now" + strings.Repeat("\u3000\u00a0", 30) + "From: Hilltop" },
		"unseen letter":    func(m *pack.Manifest) { m.From.Name = "Maple\u3164" },
		"bidi note":        func(m *pack.Manifest) { m.Note = "\u202e" },
		"receipt":          func(m *pack.Manifest) { m.Receipt = "" },
		"no files":         func(m *pack.Manifest) { m.Files = nil },
		"path":             func(m *pack.Manifest) { m.Files[0].Path = "files/../a" },
		"other folder":     func(m *pack.Manifest) { m.Files[0].Path = "a" },
		"size":             func(m *pack.Manifest) { m.Files[0].Size = -1 },
		"sizes":            func(m *pack.Manifest) { m.Files[0].Size = pack.MaxTotal + 1 },
		"part2":            func(m *pack.Manifest) { m.Part2 = true },
		"part2 no consent": func(m *pack.Manifest) { m.Part2, m.Notice = true, pack.Part2Notice },
		"consent":          func(m *pack.Manifest) { m.Consent = []string{"files/b"} },
		"log head":         func(m *pack.Manifest) { m.LogHead = "" },
	} {
		m := manifest()
		edit(m)
		b, err := m.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		var f *diag.Finding
		if _, err := pack.ParseManifest(b); !errors.As(err, &f) || f.ID != "CP-PKG-011" {
			t.Errorf("%s: %v", name, err)
		}
		if m.Check() == nil {
			t.Errorf("%s: could be written", name)
		}
	}
	for _, bad := range []string{"", "null", "[]", "{}", `{"format":"chartpost-package-v1","format":"x"}`, string(b) + "x"} {
		if _, err := pack.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestSameBytes: the inside of a package depends on nothing but what goes in.
func TestSameBytes(t *testing.T) {
	write := func() []byte {
		dir := t.TempDir()
		os.MkdirAll(filepath.Join(dir, "sub"), 0o755)
		os.WriteFile(filepath.Join(dir, "sub", "b.csv"), bytes.Repeat([]byte("x,y\n"), 100_000), 0o644)
		os.WriteFile(filepath.Join(dir, "a.hl7"), []byte("MSH|"), 0o600)
		os.Chtimes(filepath.Join(dir, "a.hl7"), time.Now(), time.Now().Add(-time.Hour))
		s := new(pack.Sources)
		if err := s.Add(dir); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		w := pack.NewWriter(&b, nil)
		if err := s.WriteTo(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Close(t.Context(), manifest(), pack.Readme, func(sums []byte) ([]byte, error) { return []byte("signature\n"), nil }); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	one, two := write(), write()
	if !bytes.Equal(one, two) {
		t.Error("two packages of the same files differ")
	}
	a, err := pack.Scan(bytes.NewReader(one), int64(len(one)))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Layout(); err != nil {
		t.Fatal(err)
	}
	text, err := a.Text(a.Tail(pack.ManifestName), pack.MaxText)
	if err != nil || !bytes.Contains(text, []byte(`"x-application/hl7-v2+er7"`)) {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := a.Text(a.Tail(pack.ManifestName), 10); err == nil {
		t.Error("the limit on a text is not kept")
	}
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	os.WriteFile(path("a"), []byte("x"), 0o600)
	os.Mkdir(path("other"), 0o700)
	os.WriteFile(path("other/a"), []byte("y"), 0o600)
	bad := map[string]string{}
	if runtime.GOOS != "windows" {
		os.Symlink("a", path("link"))
		bad["link"] = "symbolic link"
		os.WriteFile(path("a:b"), nil, 0o600)
		bad["a:b"] = "Windows"
		if l, err := net.Listen("unix", path("sock")); err == nil {
			defer l.Close()
			bad["sock"] = "socket"
		}
	}
	bad["missing"] = "missing"
	for name, want := range bad {
		if err := new(pack.Sources).Add(path(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := new(pack.Sources)
	if err := s.Add(path("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(path("other/a")); err == nil {
		t.Error("two files of one name were taken")
	}
	if name, err := s.AddUnder("consent", path("a")); err != nil || name != "files/consent/a" {
		t.Errorf("%s %v", name, err)
	}

	// A file that grows, shrinks or is replaced between the listing and the reading.
	for name, change := range map[string]func(){
		"grown":    func() { os.WriteFile(path("a"), []byte("xx"), 0o600) },
		"touched":  func() { os.Chtimes(path("a"), time.Now(), time.Now().Add(time.Hour)) },
		"replaced": func() { os.Rename(path("other/a"), path("a")) },
		"removed":  func() { os.Remove(path("a")) },
	} {
		os.WriteFile(path("a"), []byte("x"), 0o600)
		os.WriteFile(path("other/a"), []byte("y"), 0o600)
		s := new(pack.Sources)
		if err := s.Add(path("a")); err != nil {
			t.Fatal(err)
		}
		change()
		w := pack.NewWriter(io.Discard, nil)
		if err := s.WriteTo(t.Context(), w); err == nil {
			t.Errorf("%s: not noticed", name)
		}
		w.Abort()
	}
}

func TestWriterRefuses(t *testing.T) {
	w := pack.NewWriter(io.Discard, nil)
	defer w.Abort()
	add := func(name string) error { _, err := w.Add(t.Context(), name, strings.NewReader("x")); return err }
	if err := add("files/b"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"files/a", "files/b", "files/B", "files/../x", "manifest.json"} {
		if add(name) == nil {
			t.Errorf("%s was added", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Add(ctx, "files/c", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestLongZip reads a zip in the long form: with more members than 16 bits count and, if there is time, one larger than 32 bits tell.
func TestLongZip(t *testing.T) {
	size := int64(1000)
	if os.Getenv("CHARTPOST_SLOW") != "" {
		size = 1<<32 + 5
	} else {
		t.Log("set CHARTPOST_SLOW=1 to write and read a member of more than 4 GiB too")
	}
	var b bytes.Buffer
	w := pack.NewWriter(&b, nil)
	if _, err := w.Add(t.Context(), "files/big", io.LimitReader(zeros{}, size)); err != nil {
		t.Fatal(err)
	}
	for i := range 66_000 {
		if _, err := w.Add(t.Context(), fmt.Sprintf("files/c%06d", i), strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
	}
	m := manifest()
	if _, err := w.Close(t.Context(), m, pack.Readme, func([]byte) ([]byte, error) { return []byte("x"), nil }); err != nil {
		t.Fatal(err)
	}
	a, err := pack.Scan(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Members) != 66_005 || a.Members[0].Size != size {
		t.Errorf("%d members, the first of %d bytes", len(a.Members), a.Members[0].Size)
	}
	if err := each(a, io.Discard); err != nil {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type nop struct{ io.Writer }

func (nop) Close() error { return nil }

func each(a *pack.Archive, w io.Writer) error {
	return a.Each(context.Background(), func(*pack.Member) (io.WriteCloser, error) { return nop{w}, nil },
		func(*pack.Member, pack.Digest) error { return nil }, nil)
}

// FuzzScan: what the strict reader takes, archive/zip reads as the same names and contents. (The other way round does not hold.)
func FuzzScan(f *testing.F) {
	for _, z := range []packtest.Zip{{}, good, {Members: []packtest.Member{{Name: "files/\u00fc", Flags: 0x800}}, Comment: "x"}} {
		f.Add(z.Bytes())
	}
	f.Fuzz(sameAsStdlib)
}

var good = packtest.Zip{Members: []packtest.Member{
	{Name: "files/a", Data: []byte("x")}, {Name: "files/b", Data: bytes.Repeat([]byte("hello "), 50)}, {Name: "README.txt", Data: []byte("hello"), Stored: true}}}

// FuzzScanEdits changes a few bytes of a good zip, three bytes of input for each: where, where, how.
func FuzzScanEdits(f *testing.F) {
	base := good.Bytes()
	f.Add([]byte{})
	f.Add([]byte{0, 6, 8, 0, 30, 1})
	f.Fuzz(func(t *testing.T, edits []byte) {
		data := bytes.Clone(base)
		for ; len(edits) >= 3; edits = edits[3:] {
			data[(int(edits[0])<<8|int(edits[1]))%len(data)] ^= edits[2]
		}
		sameAsStdlib(t, data)
	})
}

func sameAsStdlib(t *testing.T, data []byte) {
	a, err := pack.Scan(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return
	}
	var ours bytes.Buffer
	if each(a, &ours) != nil {
		return
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		t.Fatalf("we read a zip that archive/zip does not: %v", err)
	}
	if len(z.File) != len(a.Members) {
		t.Fatalf("we read %d members, archive/zip %d", len(a.Members), len(z.File))
	}
	var theirs bytes.Buffer
	for i, f := range z.File {
		if f.Name != a.Members[i].Name {
			t.Fatalf("we read the name %q, archive/zip %q", a.Members[i].Name, f.Name)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatalf("we read a member that archive/zip does not: %v", err)
		}
		if _, err := io.Copy(&theirs, r); err != nil {
			t.Fatalf("we read a member that archive/zip does not: %v", err)
		}
	}
	if !bytes.Equal(ours.Bytes(), theirs.Bytes()) {
		t.Fatal("we read other content than archive/zip")
	}
}

// TestEveryBit flips every bit of a zip, one at a time: it is refused, or reads as archive/zip reads it.
func TestEveryBit(t *testing.T) {
	base := good.Bytes()
	sameAsStdlib(t, base)
	taken := 0
	for i := range base {
		for bit := range 8 {
			data := bytes.Clone(base)
			data[i] ^= 1 << bit
			sameAsStdlib(t, data)
			if a, err := pack.Scan(bytes.NewReader(data), int64(len(data))); err == nil && each(a, io.Discard) == nil {
				taken++
			}
		}
	}
	// What may vary: who made it, the version needed, permission bits and DOS attributes, internal attributes.
	if taken > len(base) {
		t.Errorf("%d of %d bits may be flipped", taken, 8*len(base))
	}
}

// FuzzSums: what is read is written back as the same bytes.
func FuzzSums(f *testing.F) {
	f.Add(pack.FormatSums([]pack.Sum{{Path: "files/a b"}, {Path: "README.txt", Digest: sha256.Sum256(nil)}}))
	f.Add([]byte(strings.Repeat("0", 64) + " *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := pack.ParseSums(data); err == nil && !bytes.Equal(pack.FormatSums(s), data) {
			t.Errorf("%q is written as %q", data, pack.FormatSums(s))
		}
	})
}

// FuzzManifest: what is read can be written, and is read as the same.
func FuzzManifest(f *testing.F) {
	b, _ := manifest().Bytes()
	f.Add(b)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := pack.ParseManifest(data)
		if err != nil {
			return
		}
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		one, err := m.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := pack.ParseManifest(one)
		if err != nil {
			t.Fatal(err)
		}
		if two, _ := again.Bytes(); !bytes.Equal(one, two) {
			t.Errorf("%s\n%s", one, two)
		}
	})
}

// FuzzName: a name that is allowed names a file inside the folder it is put into, on this system and by the rules of the others.
func FuzzName(f *testing.F) {
	for _, s := range []string{"files/a", "../a", `a\b`, "con", "a//b", "/a", "C:/a", "a/."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if pack.CheckName(name) != nil {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) || filepath.ToSlash(filepath.Clean(name)) != name {
			t.Errorf("%q is allowed", name)
		}
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if dir := filepath.Dir(name); dir != "." {
			if err := root.MkdirAll(dir, 0o700); err != nil {
				t.Fatalf("%q: %v", name, err)
			}
		}
		out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		out.Close()
	})
}
