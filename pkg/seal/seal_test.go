package seal_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// sealing is a sealing of files for Lakeside.
func (p *parties) sealing(t testing.TB, dir string) *seal.Sealing {
	t.Helper()
	s := new(pack.Sources)
	if err := s.Add(dir); err != nil {
		t.Fatal(err)
	}
	to := p.lake.Hybrid.Recipient()
	return &seal.Sealing{Sign: p.maple.Sign, To: []age.Recipient{to}, Sources: s, Manifest: &pack.Manifest{
		Format: pack.Format, ID: "00112233445566778899aabbccddeeff", Seq: 1, Created: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		From:    pack.Party{Name: p.maple.Name, Sign: seal.FormatKey(p.maple.PublicKey()), Age: p.maple.Hybrid.Recipient().String()},
		To:      []pack.Party{{Name: p.lake.Name, Age: to.String()}},
		Purpose: "treatment", LogHead: strings.Repeat("0", 64), Receipt: "none", Tool: "test",
	}}
}

func TestSealAndOpen(t *testing.T) {
	p := newParties(t)
	src := t.TempDir()
	content := map[string][]byte{"a.txt": []byte("hello\n"), "empty": nil, "sub/big.bin": random(1_500_000), "sub/ü.txt": []byte("x")}
	for name, data := range content {
		os.MkdirAll(filepath.Dir(filepath.Join(src, name)), 0o700)
		if err := os.WriteFile(filepath.Join(src, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	sealed, err := seal.Seal(t.Context(), &out, p.sealing(t, src))
	if err != nil {
		t.Fatal(err)
	}
	if sealed.Cipher != sha256.Sum256(out.Bytes()) || sealed.Size != int64(out.Len()) {
		t.Error("digest or size of the package is wrong")
	}
	dir := t.TempDir()
	if err := p.openAll(t, out.Bytes(), dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range content {
		path := filepath.Join(dir, "files", name)
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %d bytes", name, err, len(got))
		}
		if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	// Whoever unzips it with other programs sees the same members, with a date that tells nothing.
	r, err := age.Decrypt(bytes.NewReader(out.Bytes()), p.lake.Hybrid)
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := io.ReadAll(r)
	z, err := zip.NewReader(bytes.NewReader(plain), int64(len(plain)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if f.ModTime().Year() != 1980 && f.ModTime().Year() != 1979 || f.Mode() != 0o600 || len(f.Extra) != 0 {
			t.Errorf("%s: %v %v %x", f.Name, f.ModTime(), f.Mode(), f.Extra)
		}
	}
	if got, want := strings.Join(names, " "), "files/a.txt files/empty files/sub/big.bin files/sub/ü.txt README.txt manifest.json SHA256SUMS SHA256SUMS.sig"; got != want {
		t.Errorf("members %s, want %s", got, want)
	}
}

// TestSealFails: an output that cannot take everything is an error, in whatever place.
func TestSealFails(t *testing.T) {
	p := newParties(t)
	src := t.TempDir()
	if err := os.WriteFile(filepath.Join(src, "big"), random(3_000_000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 100, 5000, 1 << 20, 3_000_000} {
		if _, err := seal.Seal(t.Context(), &small{room}, p.sealing(t, src)); !errors.Is(err, errDisk) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}

type small struct{ room int }

func (s *small) Write(b []byte) (int, error) {
	if len(b) > s.room {
		return s.room, errDisk
	}
	s.room -= len(b)
	return len(b), nil
}

func TestSignature(t *testing.T) {
	p := newParties(t)
	message := []byte("message\n")
	s := seal.Sign(p.maple.Sign, seal.NamespacePackage, message)
	got, err := seal.ParseSignature(s.Armor())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		key       ed25519.PublicKey
		namespace string
		message   string
		ok        bool
	}{
		{"good", p.maple.PublicKey(), seal.NamespacePackage, "message\n", true},
		{"other key", p.lake.PublicKey(), seal.NamespacePackage, "message\n", false},
		{"other namespace", p.maple.PublicKey(), seal.NamespaceCard, "message\n", false},
		{"other message", p.maple.PublicKey(), seal.NamespacePackage, "message", false},
	} {
		if err := got.Verify(tt.key, tt.namespace, []byte(tt.message)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if key, err := seal.ParseKey(seal.FormatKey(p.maple.PublicKey())); err != nil || !key.Equal(p.maple.PublicKey()) {
		t.Errorf("key does not come back: %v", err)
	}
	for _, bad := range []string{"", "ssh-ed25519", "ssh-ed25519 AAAA", seal.FormatKey(p.maple.PublicKey()) + " comment", "ssh-rsa AAAA"} {
		if _, err := seal.ParseKey(bad); err == nil {
			t.Errorf("%q was read as a key", bad)
		}
	}
}

// TestWeakKey: a key for which anybody can sign anything is none, so nobody can put one on a card to deny what they signed.
func TestWeakKey(t *testing.T) {
	message := []byte("anything\n")
	for _, text := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000", // of order 1
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 2
		"0000000000000000000000000000000000000000000000000000000000000000", // 4
		"0000000000000000000000000000000000000000000000000000000000000080", // 4
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // 8
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", // 8
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 1, written beyond the prime
	} {
		key, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := seal.ParseKey(seal.FormatKey(key)); err == nil {
			t.Errorf("%s was read as a key", text)
		}
	}
	weak, forged := append([]byte{1}, make([]byte, 31)...), append([]byte{1}, make([]byte, 63)...)
	if !ed25519.Verify(weak, message, forged) {
		t.Fatal("the forgery does not pass the library, so this shows nothing")
	}
	good := seal.Sign(newParties(t).maple.Sign, seal.NamespaceCard, message)
	blob := bytes.Replace(good.Blob(), good.Key, weak, 1)
	sig, err := seal.ParseBlob(append(blob[:len(blob)-len(forged)], forged...))
	if err != nil {
		t.Fatal(err)
	}
	if sig.Verify(weak, seal.NamespaceCard, message) == nil {
		t.Error("a forged signature verifies")
	}
}

// TestStockSignature: ssh-keygen verifies ours, and we verify its.
func TestStockSignature(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	p := newParties(t)
	dir := t.TempDir()
	write := func(name string, data []byte, perm os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, perm); err != nil {
			t.Fatal(err)
		}
		return path
	}
	message := []byte("abc  files/a\n")
	write("SHA256SUMS", message, 0o600)
	sig := write("SHA256SUMS.sig", seal.Sign(p.maple.Sign, seal.NamespacePackage, message).Armor(), 0o600)
	allowed := write("allowed_signers", []byte("maple "+seal.FormatKey(p.maple.PublicKey())+"\n"), 0o600)
	verify := exec.Command("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "maple", "-n", seal.NamespacePackage, "-s", sig)
	verify.Stdin = bytes.NewReader(message)
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("ssh-keygen refuses our signature: %v\n%s", err, out)
	}
	key := filepath.Join(dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sign := exec.Command("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", seal.NamespacePackage)
	sign.Stdin = bytes.NewReader(message)
	armored, err := sign.Output()
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.ParseSignature(armored)
	if err != nil {
		t.Fatalf("%v\n%s", err, armored)
	}
	pub, _ := os.ReadFile(key + ".pub")
	fields := strings.Fields(string(pub))
	k, err := seal.ParseKey(fields[0] + " " + fields[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(k, seal.NamespacePackage, message); err != nil {
		t.Errorf("we refuse a signature of ssh-keygen: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	for _, pass := range []string{"", "correct horse"} {
		id, err := seal.Generate("Maple Street Clinic")
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "home")
		os.Mkdir(dir, 0o700)
		if err := id.Save(dir, pass); err != nil {
			t.Fatal(err)
		}
		if err := id.Save(dir, pass); !errors.Is(err, seal.ErrExists) {
			t.Errorf("an identity was replaced: %v", err)
		}
		asked := 0
		got, err := seal.Load(dir, func() (string, error) { asked++; return pass, nil })
		if err != nil {
			t.Fatal(err)
		}
		compat, err := got.Compat()
		if err != nil {
			t.Fatal(err)
		}
		was, _ := id.Compat()
		if got.Name != id.Name || !got.Sign.Equal(id.Sign) || got.Hybrid.String() != id.Hybrid.String() || compat.String() != was.String() {
			t.Error("the identity does not come back as it was")
		}
		if want := len(pass) / max(len(pass), 1); asked != want {
			t.Errorf("the passphrase was asked for %d times, want %d", asked, want)
		}
		if pass != "" {
			if _, err := seal.Load(dir, func() (string, error) { return "wrong", nil }); !errors.Is(err, seal.ErrPassphrase) {
				t.Errorf("wrong passphrase: %v", err)
			}
			text, _ := os.ReadFile(filepath.Join(dir, seal.IdentityFile))
			if bytes.Contains(text, []byte("Maple")) || bytes.Contains(text, []byte("chartpost")) {
				t.Error("the protected identity shows something")
			}
			continue
		}
		if runtime.GOOS != "windows" {
			for _, name := range []string{seal.IdentityFile, seal.CompatFile} {
				path := filepath.Join(dir, name)
				info, err := os.Stat(path)
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v %v", name, info.Mode(), err)
				}
			}
			for path, mode := range map[string]os.FileMode{filepath.Join(dir, seal.IdentityFile): 0o640, dir: 0o750} {
				was, _ := os.Stat(path)
				os.Chmod(path, mode)
				if _, err := seal.Load(dir, nil); !errors.Is(err, seal.ErrExposed) {
					t.Errorf("%s with mode %v: %v", path, mode, err)
				}
				os.Chmod(path, was.Mode().Perm())
			}
		}
		os.Remove(filepath.Join(dir, seal.IdentityFile))
		if _, err := seal.Load(dir, nil); !errors.Is(err, seal.ErrNoFile) {
			t.Errorf("no identity: %v", err)
		}
	}
}

// FuzzSignature: what is read as a signature is written back as the same bytes, so there is one form of each.
func FuzzSignature(f *testing.F) {
	id, err := seal.Generate("x")
	if err != nil {
		f.Fatal(err)
	}
	good := seal.Sign(id.Sign, seal.NamespacePackage, []byte("message"))
	f.Add(good.Armor())
	f.Add(bytes.ReplaceAll(good.Armor(), []byte("\n"), []byte("\r\n")))
	f.Add(append(good.Armor(), '\n'))
	f.Add(good.Blob())
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := seal.ParseSignature(data); err == nil && !bytes.Equal(s.Armor(), data) {
			t.Errorf("%q reads as a signature and writes as %q", data, s.Armor())
		}
		if s, err := seal.ParseBlob(data); err == nil && !bytes.Equal(s.Blob(), data) {
			t.Errorf("%x reads as a signature and writes as %x", data, s.Blob())
		}
	})
}

func TestHeader(t *testing.T) {
	p := newParties(t)
	sealed := p.good().Build(t)
	h, err := seal.ReadHeader(bytes.NewReader(sealed), int64(len(sealed)))
	if err != nil || !h.PostQuantum() || h.Classic() || h.Passphrase() || h.Size != int64(len(sealed)) {
		t.Errorf("%+v %v", h, err)
	}
	if !seal.Sniff(sealed) || seal.Sniff([]byte("PK\x03\x04")) || !seal.Sniff([]byte("\n-----BEGIN AGE ENCRYPTED FILE-----\n")) {
		t.Error("Sniff is wrong")
	}
	// Every id that this package refuses with is in the list of findings.
	for _, tt := range packtest.Attacks {
		if strings.Contains(tt.Want.Entry().What, "not in the list") {
			t.Errorf("%s is not in the list", tt.Want)
		}
	}
}

// The benchmarks show what sealing and opening cost beside age alone, on data that does not compress and on text.
func benchData(b *testing.B, text bool) string {
	dir := b.TempDir()
	data := random(benchSize)
	if text {
		line := []byte(`{"resourceType":"Observation","status":"final","valueQuantity":{"value":`)
		for i := 0; i+len(line)+8 < len(data); i += len(line) + 8 {
			copy(data[i:], line)
			for j := range 8 {
				data[i+len(line)+j] = '0' + data[i+len(line)+j]%10
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "data"), data, 0o600); err != nil {
		b.Fatal(err)
	}
	return dir
}

const benchSize = 64 << 20

func BenchmarkAgeEncrypt(b *testing.B) {
	p := newParties(b)
	path := filepath.Join(benchData(b, false), "data")
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		w, err := age.Encrypt(io.Discard, p.lake.Hybrid.Recipient())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(w, f); err != nil {
			b.Fatal(err)
		}
		w.Close()
		f.Close()
	}
}

func BenchmarkSeal(b *testing.B) {
	for name, text := range map[string]bool{"random": false, "text": true} {
		b.Run(name, func(b *testing.B) {
			p := newParties(b)
			dir := benchData(b, text)
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := seal.Seal(b.Context(), io.Discard, p.sealing(b, dir)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAgeDecrypt(b *testing.B) {
	p := newParties(b)
	var sealed bytes.Buffer
	if _, err := seal.Seal(b.Context(), &sealed, p.sealing(b, benchData(b, false))); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		r, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), p.lake.Hybrid)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify is the first pass of opening; the second costs the same and the writing.
func BenchmarkVerify(b *testing.B) {
	for name, text := range map[string]bool{"random": false, "text": true} {
		b.Run(name, func(b *testing.B) {
			p := newParties(b)
			var sealed bytes.Buffer
			if _, err := seal.Seal(b.Context(), &sealed, p.sealing(b, benchData(b, text))); err != nil {
				b.Fatal(err)
			}
			keys := p.keys(b, sealed.Bytes())
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				pkg, err := seal.Open(bytes.NewReader(sealed.Bytes()), int64(sealed.Len()), keys, seal.Trust{Pinned: p.pinned})
				if err != nil {
					b.Fatal(err)
				}
				if err := pkg.Verify(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen is all of opening: both passes, and the files on the disk, synced.
func BenchmarkOpen(b *testing.B) {
	p := newParties(b)
	var sealed bytes.Buffer
	if _, err := seal.Seal(b.Context(), &sealed, p.sealing(b, benchData(b, false))); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.openAll(b, sealed.Bytes(), b.TempDir()); err != nil {
			b.Fatal(err)
		}
	}
}
