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

func (p *parties) all() *packtest.Parties {
	return &packtest.Parties{Maple: p.maple, Lake: p.lake, Other: p.other, Mallory: p.mallory}
}

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

func TestAttacks(t *testing.T) {
	p := newParties(t)
	if err := p.openAll(t, p.good().Build(t), t.TempDir()); err != nil {
		t.Fatalf("the package that every attack starts from: %v", err)
	}
	for _, tt := range packtest.Attacks {
		t.Run(tt.Name, func(t *testing.T) {
			a := p.good()
			tt.Edit(a, p.all())
			dir := t.TempDir()
			err := p.openAll(t, a.Build(t), dir)
			var f *diag.Finding
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want the finding %s", err, tt.Want)
			}
			if f.ID != tt.Want {
				t.Errorf("got %v, want %s", f, tt.Want)
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
