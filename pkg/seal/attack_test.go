package seal_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

type member = packtest.Member

// parties are a sender who is pinned, an attacker who is not, and two recipients.
type parties struct{ maple, lake, other, mallory *seal.Identity }

func newParties(t testing.TB) *parties {
	t.Helper()
	make := func(name string) *seal.Identity {
		id, err := seal.Generate(name)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	return &parties{make("Maple Street Clinic"), make("Lakeside Cardiology"), make("Hilltop Family Practice"), make("Mallory")}
}

func (p *parties) pinned(k ed25519.PublicKey) bool { return k.Equal(p.maple.PublicKey()) }

func (p *parties) good() *packtest.Package {
	return &packtest.Package{Sign: p.maple.Sign, From: p.maple.Name, To: p.lake}
}

// openAll does what the command open does with a package, as Lakeside, into a new folder, and fails if a refusal leaves anything there.
func (p *parties) openAll(t testing.TB, sealed []byte, dir string) error {
	t.Helper()
	return openWith(t, sealed, dir, p.keys(t, sealed), p.pinned)
}

func (p *parties) keys(t testing.TB, sealed []byte) []seal.Key {
	h, err := seal.ReadHeader(bytes.NewReader(sealed), int64(len(sealed)))
	if err != nil {
		return nil
	}
	keys, err := p.lake.Keys(h)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func openWith(t testing.TB, sealed []byte, dir string, keys []seal.Key, pinned func(ed25519.PublicKey) bool) error {
	t.Helper()
	ctx := context.Background()
	pkg, err := seal.Open(bytes.NewReader(sealed), int64(len(sealed)), keys, seal.Trust{Pinned: pinned})
	if err == nil {
		err = pkg.Verify(ctx, nil)
	}
	if err != nil {
		if pkg != nil && pkg.Extract(ctx, nil, nil) == nil {
			t.Error("a package that was refused can be unpacked")
		}
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return pkg.Extract(ctx, root, nil)
}

// zip64 is the extra field of the long sizes.
func zip64(values ...byte) []byte { return append([]byte{1, 0, byte(len(values)), 0}, values...) }

// attacks are packages that a sender, or somebody with a sender's keys, could make: rightly signed for Lakeside unless the attack is on that.
var attacks = []struct {
	name string
	want diag.ID
	edit func(*packtest.Package, *parties)
}{
	{"parent", "CP-PKG-002", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/../../evil"}} }},
	{"absolute", "CP-PKG-002", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "/etc/evil"}} }},
	{"drive", "CP-PKG-002", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/C:/evil"}} }},
	{"backslash", "CP-PKG-002", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: `files/..\evil`}} }},
	{"device", "CP-PKG-002", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/aux.txt"}} }},
	{"bidi", "CP-PKG-002", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/cod\u202etxt.exe", Flags: 0x800}}
	}},
	{"control", "CP-PKG-002", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a\x1b[2J"}} }},
	{"not UTF-8", "CP-PKG-002", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { m[0].Name, m[0].Flags = "files/\xff", 0x800; return m }
	}},
	{"trailing dot", "CP-PKG-002", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a."}} }},
	{"decomposed", "CP-PKG-002", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/e\u0301", Flags: 0x800}} }},
	{"too deep", "CP-PKG-002", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/" + strings.Repeat("a/", 20) + "b"}}
	}},
	{"empty name", "CP-PKG-002", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { return append([]member{{Name: ""}}, m...) }
	}},
	{"twice", "CP-PKG-003", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a"}, {Name: "files/a"}} }},
	{"case", "CP-PKG-003", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/A"}, {Name: "files/a"}} }},
	{"case of a folder", "CP-PKG-003", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/A/x"}, {Name: "files/a/y"}} }},
	{"file and folder", "CP-PKG-003", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a"}, {Name: "files/a/b"}} }},
	{"folder and file", "CP-PKG-003", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a/b"}, {Name: "files/a"}} }},
	{"second manifest", "CP-PKG-003", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { return append([]member{{Name: "manifest.json"}}, m...) }
	}},
	{"symlink", "CP-PKG-004", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Data: []byte("/etc/passwd"), Mode: 0o120777}}
	}},
	{"unix folder", "CP-PKG-004", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", Mode: 0o040755}} }},
	{"device node", "CP-PKG-004", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", Mode: 0o020666}} }},
	{"DOS folder", "CP-PKG-004", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", DOS: 0x10}} }},
	{"folder by name", "CP-PKG-004", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a/"}} }},
	{"other local name", "CP-PKG-005", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", LocalName: "files/b"}}
	}},
	{"longer local name", "CP-PKG-001", func(a *packtest.Package, _ *parties) {
		// The data begin later than the directory implies, for whoever believes the local header.
		a.Files = []member{{Name: "files/a", LocalName: "files/ab"}}
	}},
	{"other local flags", "CP-PKG-005", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", LocalFlags: 1}} }},
	{"other local time", "CP-PKG-005", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", LocalTime: 7}} }},
	{"wrong CRC", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Data: []byte("x"), CRC: 1}}
	}},
	{"extra field", "CP-PKG-001", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Extra: []byte{0x75, 0x70, 1, 0, 0}}}
	}},
	{"needless long sizes", "CP-PKG-001", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Extra: zip64(1, 0, 0, 0, 0, 0, 0, 0)}}
	}},
	{"missing long sizes", "CP-PKG-001", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", Size: 0xffffffff}} }},
	{"member comment", "CP-PKG-001", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", Comment: "x"}} }},
	{"encrypted member", "CP-PKG-001", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", Flags: 1}} }},
	{"other method", "CP-PKG-001", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", Method: 93}} }},
	{"descriptor without marker", "CP-PKG-001", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", NoMarker: true}} }},
	{"gap", "CP-PKG-001", func(a *packtest.Package, _ *parties) { a.Files = []member{{Name: "files/a", Gap: []byte("hidden")}} }},
	{"hidden member", "CP-PKG-001", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { return append([]member{{Name: "files/0", Unlisted: true}}, m...) }
	}},
	{"overlap", "CP-PKG-001", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Data: []byte("x")}, {Name: "files/b", Data: []byte("x"), Offset: -40}}
	}},
	{"before", "CP-PKG-001", func(a *packtest.Package, _ *parties) {
		a.Zip = func(z *packtest.Zip) { z.Prefix = []byte("#!/bin/sh\n") }
	}},
	{"before the directory", "CP-PKG-001", func(a *packtest.Package, _ *parties) {
		a.Zip = func(z *packtest.Zip) { z.BeforeDirectory = []byte("x") }
	}},
	{"after the directory", "CP-PKG-001", func(a *packtest.Package, _ *parties) {
		a.Zip = func(z *packtest.Zip) { z.AfterDirectory = []byte("x") }
	}},
	{"zip comment", "CP-PKG-001", func(a *packtest.Package, _ *parties) { a.Zip = func(z *packtest.Zip) { z.Comment = "x" } }},
	{"wrong count", "CP-PKG-001", func(a *packtest.Package, _ *parties) { a.Zip = func(z *packtest.Zip) { z.Count = -1 } }},
	{"data after the stream", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Packed: []byte{3, 0, 'x'}}}
	}},
	{"not deflate", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Data: []byte("x"), Packed: []byte{7, 7, 7}}}
	}},
	{"bomb", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Data: make([]byte, 1<<20), Size: 10}}
	}},
	{"shorter than signed", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Data: []byte("x"), Size: 10}}
	}},
	{"huge by its own account", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "files/a", Data: make([]byte, 1000), Size: 0xfffffffe}}
	}},
	{"no payload folder", "CP-PKG-007", func(a *packtest.Package, _ *parties) {
		a.Files = []member{{Name: "a.txt"}}
	}},
	{"no signature", "CP-PKG-007", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { return m[:len(m)-1] }
	}},
	{"other order", "CP-PKG-007", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { n := len(m); m[n-4], m[n-3] = m[n-3], m[n-4]; return m }
	}},
	{"nothing", "CP-PKG-007", func(a *packtest.Package, _ *parties) { a.Late = func([]member) []member { return nil } }},
	{"file added later", "CP-PKG-013", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { return append([]member{{Name: "files/0"}}, m...) }
	}},
	{"file left out later", "CP-PKG-013", func(a *packtest.Package, _ *parties) { a.Late = func(m []member) []member { return m[1:] } }},
	{"file renamed later", "CP-PKG-013", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { m[0].Name = "files/A.txt"; return m }
	}},
	{"file not in the manifest", "CP-PKG-013", func(a *packtest.Package, _ *parties) {
		a.Manifest = func(m *pack.Manifest) { m.Files = m.Files[1:] }
	}},
	{"other file in the manifest", "CP-PKG-013", func(a *packtest.Package, _ *parties) {
		a.Manifest = func(m *pack.Manifest) { m.Files[0].Path = "files/0" }
	}},
	{"file changed later", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { m[0].Data = []byte("hallo\n"); return m }
	}},
	{"README changed later", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { m[2].Data = []byte("rm -rf\n"); return m }
	}},
	{"manifest changed later", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member {
			m[3].Data = bytes.Replace(m[3].Data, []byte("treatment"), []byte("emergency"), 1)
			return m
		}
	}},
	{"sums changed later", "CP-PKG-010", func(a *packtest.Package, _ *parties) {
		a.Late = func(m []member) []member { m[4].Data[0] ^= 1; return m }
	}},
	{"signed size differs", "CP-PKG-014", func(a *packtest.Package, _ *parties) { a.Manifest = func(m *pack.Manifest) { m.Files[0].Size++ } }},
	{"upper-case digest", "CP-PKG-008", func(a *packtest.Package, _ *parties) {
		a.Sums = func(s string) string { return strings.ToUpper(s[:64]) + s[64:] }
	}},
	{"binary digest line", "CP-PKG-008", func(a *packtest.Package, _ *parties) {
		a.Sums = func(s string) string { return strings.Replace(s, "  ", " *", 1) }
	}},
	{"no last line feed", "CP-PKG-008", func(a *packtest.Package, _ *parties) {
		a.Sums = func(s string) string { return strings.TrimSuffix(s, "\n") }
	}},
	{"carriage returns", "CP-PKG-008", func(a *packtest.Package, _ *parties) {
		a.Sums = func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	}},
	{"digest left out", "CP-PKG-014", func(a *packtest.Package, _ *parties) {
		a.Sums = func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return strings.Join(lines[:len(lines)-2], "")
		}
	}},
	{"attacker signs", "CP-PKG-016", func(a *packtest.Package, p *parties) { a.Sign = p.mallory.Sign }},
	{"attacker swaps the signature", "CP-PKG-016", func(a *packtest.Package, p *parties) {
		a.Late = func(m []member) []member {
			m[5].Data = seal.Sign(p.mallory.Sign, seal.NamespacePackage, m[4].Data).Armor()
			return m
		}
	}},
	{"manifest names another sender", "CP-PKG-011", func(a *packtest.Package, p *parties) {
		a.Manifest = func(m *pack.Manifest) { m.From.Sign = seal.FormatKey(p.mallory.PublicKey()) }
	}},
	{"signature over something else", "CP-PKG-010", func(a *packtest.Package, p *parties) {
		a.Armor = func(string) string {
			return string(seal.Sign(p.maple.Sign, seal.NamespacePackage, []byte("x")).Armor())
		}
	}},
	{"namespace of a card", "CP-PKG-009", func(a *packtest.Package, _ *parties) { a.Namespace = seal.NamespaceCard }},
	{"namespace of file", "CP-PKG-009", func(a *packtest.Package, _ *parties) { a.Namespace = "file" }},
	{"damaged armor", "CP-PKG-009", func(a *packtest.Package, _ *parties) {
		a.Armor = func(s string) string { return s[:40] + "\n" + s[40:] }
	}},
	{"text after the signature", "CP-PKG-009", func(a *packtest.Package, _ *parties) { a.Armor = func(s string) string { return s + "\n" } }},
	{"manifest with a double member", "CP-PKG-011", func(a *packtest.Package, _ *parties) {
		a.Text = func(s string) string { return strings.Replace(s, `"note"`, `"part2": true, "note"`, 1) + "" }
		a.Manifest = func(m *pack.Manifest) { m.Note = "x" }
	}},
	{"manifest with more after it", "CP-PKG-011", func(a *packtest.Package, _ *parties) { a.Text = func(s string) string { return s + "{}" } }},
	{"manifest in another case", "CP-PKG-011", func(a *packtest.Package, _ *parties) {
		a.Text = func(s string) string { return strings.Replace(s, `"purpose"`, `"Purpose"`, 1) }
	}},
	{"manifest not UTF-8", "CP-PKG-011", func(a *packtest.Package, _ *parties) {
		a.Text = func(s string) string { return strings.Replace(s, "Maple", "Map\xffe", 1) }
	}},
	{"terminal codes in a name", "CP-PKG-011", func(a *packtest.Package, _ *parties) { a.From = "Maple\x1b[2J" }},
	{"another format", "CP-PKG-012", func(a *packtest.Package, _ *parties) {
		a.Manifest = func(m *pack.Manifest) { m.Format = "chartpost-package-v2" }
	}},
	{"unknown crit", "CP-PKG-012", func(a *packtest.Package, _ *parties) {
		a.Manifest = func(m *pack.Manifest) { m.Crit = []string{"supersedes"} }
	}},
	{"forwarded", "CP-PKG-019", func(a *packtest.Package, p *parties) { a.To, a.For = p.other, p.lake.Hybrid.Recipient() }},
	{"names my other key", "CP-PKG-019", func(a *packtest.Package, p *parties) {
		k, _ := p.lake.Compat()
		a.For = k.Recipient() // the manifest names the hybrid one
	}},
	{"no recipient", "CP-PKG-011", func(a *packtest.Package, _ *parties) { a.Manifest = func(m *pack.Manifest) { m.To = nil } }},
}

func TestAttacks(t *testing.T) {
	p := newParties(t)
	if err := p.openAll(t, p.good().Build(t), t.TempDir()); err != nil {
		t.Fatalf("the package that every attack starts from: %v", err)
	}
	for _, tt := range attacks {
		t.Run(tt.name, func(t *testing.T) {
			a := p.good()
			tt.edit(a, p)
			dir := t.TempDir()
			err := p.openAll(t, a.Build(t), dir)
			var f *diag.Finding
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want the finding %s", err, tt.want)
			}
			if f.ID != tt.want {
				t.Errorf("got %v, want %s", f, tt.want)
			}
			for _, secret := range []string{"evil", "hello", "a.txt"} {
				if strings.Contains(f.Error(), secret) {
					t.Errorf("the finding repeats %q of the package: %v", secret, f)
				}
			}
			mustBeEmpty(t, dir)
		})
	}
}

func mustBeEmpty(t testing.TB, dir string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if path != dir {
			t.Errorf("%s was written", path)
		}
		return err
	})
}

// TestUnknownSenderName: what an unknown signer calls itself is told only if its signature is valid.
func TestUnknownSenderName(t *testing.T) {
	p := newParties(t)
	for _, tt := range []struct {
		edit func(*packtest.Package)
		want string
	}{
		{func(a *packtest.Package) { a.Sign = p.mallory.Sign }, "Maple Street Clinic"},
		{func(a *packtest.Package) {
			a.Sign = p.mallory.Sign
			a.Late = func(m []member) []member { m[4].Data[0] ^= 1; return m }
		}, ""},
		{func(a *packtest.Package) {
			a.Armor = func(string) string { return string(seal.Sign(p.mallory.Sign, seal.NamespacePackage, nil).Armor()) }
		}, ""},
	} {
		a := p.good()
		tt.edit(a)
		var u *seal.UnknownSender
		if err := p.openAll(t, a.Build(t), t.TempDir()); !errors.As(err, &u) || u.Name != tt.want {
			t.Errorf("got %v, %+v, want the name %q", err, u, tt.want)
		}
	}
}

// TestTruncated cuts a package at every chunk of age and around it, and in the header.
func TestTruncated(t *testing.T) {
	p := newParties(t)
	a := p.good()
	a.Files = []member{{Name: "files/a", Data: random(300_000), Stored: true}}
	sealed := a.Build(t)
	header := len(sealed) - (len(sealed)-1)%65552
	cuts := map[int]bool{0: true, 1: true, 21: true, 100: true, 1500: true, len(sealed) - 1: true}
	for at := header % 65552; at < len(sealed); at += 65552 {
		for d := -17; d <= 17; d++ {
			cuts[max(at+d, 0)] = true
		}
	}
	for n := 1600; n < len(sealed); n += 7919 {
		cuts[n] = true
	}
	for n := range cuts {
		if n >= len(sealed) {
			continue
		}
		dir := t.TempDir()
		err := p.openAll(t, sealed[:n], dir)
		var f *diag.Finding
		switch {
		case errors.As(err, &f) && (f.ID == "CP-PKG-015" || f.ID == "CP-PKG-001"):
		case errors.Is(err, seal.ErrNotSealed) && n < 2000:
		default:
			t.Errorf("cut to %d of %d bytes: %v", n, len(sealed), err)
		}
		mustBeEmpty(t, dir)
	}
	if err := p.openAll(t, append(sealed[:len(sealed):len(sealed)], 0), t.TempDir()); err == nil {
		t.Error("a package with a byte more was opened")
	}
}

// TestBitFlips flips bits in every region of a package: none of them may go unnoticed, nor write a file.
func TestBitFlips(t *testing.T) {
	p := newParties(t)
	for _, compat := range []bool{false, true} {
		a := p.good()
		if compat {
			k, err := p.lake.Compat()
			if err != nil {
				t.Fatal(err)
			}
			a.For = k.Recipient()
			a.Manifest = func(m *pack.Manifest) { m.To[0].Age = k.Recipient().String() }
		}
		sealed := a.Build(t)
		step := len(sealed) / 300
		for at := 0; at < len(sealed); at += step {
			broken := bytes.Clone(sealed)
			broken[at] ^= 1 << (at % 8)
			dir := t.TempDir()
			err := p.openAll(t, broken, dir)
			var f *diag.Finding
			if !errors.As(err, &f) && !errors.Is(err, seal.ErrNotSealed) && !errors.Is(err, seal.ErrNoIdentity) {
				t.Errorf("bit flipped at %d: %v", at, err)
			}
			mustBeEmpty(t, dir)
		}
	}
}

// TestFileSwappedBetweenPasses replaces the package after it was verified: the second pass hashes again.
func TestFileSwappedBetweenPasses(t *testing.T) {
	p := newParties(t)
	a, b := p.good(), p.good()
	a.Files = []member{{Name: "files/a", Data: random(200_000), Stored: true}}
	b.Files = []member{{Name: "files/a", Data: random(200_000), Stored: true}}
	one, two := a.Build(t), b.Build(t)
	src := &switching{data: one}
	pkg, err := seal.Open(src, int64(len(one)), p.keys(t, one), seal.Trust{Pinned: p.pinned})
	if err != nil {
		t.Fatal(err)
	}
	if err := pkg.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	src.data = two
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var f *diag.Finding
	if err := pkg.Extract(t.Context(), root, nil); !errors.As(err, &f) {
		t.Errorf("the swapped file was unpacked: %v", err)
	}
}

type switching struct{ data []byte }

func (s *switching) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(s.data).ReadAt(p, off)
}

// TestReadError: a disk that fails is told from a package that was altered.
func TestReadError(t *testing.T) {
	p := newParties(t)
	sealed := p.good().Build(t)
	src := &failing{switching{sealed}, len(sealed) - 1} // the last chunk is read first
	_, err := seal.Open(src, int64(len(sealed)), p.keys(t, sealed), seal.Trust{Pinned: p.pinned})
	if !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
}

var errDisk = errors.New("the disk failed")

type failing struct {
	switching
	at int
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > int64(f.at) {
		return 0, errDisk
	}
	return f.switching.ReadAt(p, off)
}

// TestNotForMe: nobody's key opens it.
func TestNotForMe(t *testing.T) {
	p := newParties(t)
	a := p.good()
	a.To = p.other
	if err := p.openAll(t, a.Build(t), t.TempDir()); !errors.Is(err, seal.ErrNoIdentity) {
		t.Errorf("got %v", err)
	}
	if err := openWith(t, p.good().Build(t), t.TempDir(), nil, p.pinned); !errors.Is(err, seal.ErrNoIdentity) {
		t.Errorf("without keys: %v", err)
	}
	if err := p.openAll(t, []byte("MSH|^~\\&|"), t.TempDir()); !errors.Is(err, seal.ErrNotSealed) {
		t.Errorf("another file: %v", err)
	}
}

// TestManyMembers: the count is bounded before the directory is read.
func TestManyMembers(t *testing.T) {
	z := &packtest.Zip{}
	for i := range 70_000 {
		z.Members = append(z.Members, member{Name: fmt.Sprintf("files/%d", i), Stored: true})
	}
	if _, err := pack.Scan(bytes.NewReader(z.Bytes()), int64(len(z.Bytes()))); err == nil {
		t.Error("a zip whose count overflows 16 bits without the long form was read")
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return b
}
