package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/pkg/seal"
)

// TestDerivedKeys: the keys of a seed are for ever. These of a seed of zeros were computed with another program (HKDF and Bech32 by hand).
func TestDerivedKeys(t *testing.T) {
	backup := append([]byte{1, 0, 0x26, 0x4a}, make([]byte, seal.SeedSize)...)
	sum := sha256.Sum256(backup)
	r, err := seal.Restore("x", append(backup, sum[:4]...))
	if err != nil {
		t.Fatal(err)
	}
	compat, err := r.Compat()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct{ what, got, want string }{
		{"signing key", hex.EncodeToString(r.Sign.Seed()), "116c684950ef141a7d682e429412fa34d00a765c47a87abf98a00e70607d9b1a"},
		{"hybrid key", r.Hybrid.String(), "AGE-SECRET-KEY-PQ-1E586Y4PQR5PW8WLLWKRSDUPV9NMCR7AVN86LZ6R5LARD4RCJHSDQTWETT7"},
		{"classic key", compat.String(), "AGE-SECRET-KEY-1K3C3E3G3K529ME9QV2CGJQ0U50G0TZC4MEH2RU0JLYQJ867FY97QJZP6JC"},
		{"day", r.Since.Format(time.DateOnly), "2026-11-02"},
	} {
		if k.got != k.want {
			t.Errorf("the %s is %s, not %s", k.what, k.got, k.want)
		}
	}
}

func TestBackup(t *testing.T) {
	id, err := seal.Generate("Maple Street Clinic")
	if err != nil {
		t.Fatal(err)
	}
	for rotations := range 3 {
		b := id.Backup()
		if len(b) != seal.BackupSize(rotations+1) {
			t.Fatalf("%d bytes", len(b))
		}
		r, err := seal.Restore(id.Name, b)
		if err != nil {
			t.Fatal(err)
		}
		was, now := id.Generations(), r.Generations()
		if len(was) != len(now) {
			t.Fatalf("%d generations, not %d", len(now), len(was))
		}
		for i := range was {
			if was[i].Hybrid.String() != now[i].Hybrid.String() || !was[i].Sign.Equal(now[i].Sign) || was[i].CompatRecipient() != now[i].CompatRecipient() ||
				was[i].Since.Format(time.DateOnly) != now[i].Since.Format(time.DateOnly) {
				t.Errorf("generation %d is another one", i)
			}
		}
		for i := range b {
			bad := bytes.Clone(b)
			bad[i] ^= 1
			if _, err := seal.Restore(id.Name, bad); !errors.Is(err, seal.ErrBackup) {
				t.Fatalf("byte %d is wrong, and nobody notices: %v", i, err)
			}
		}
		for n := range b {
			if _, err := seal.Restore(id.Name, b[:n]); !errors.Is(err, seal.ErrBackup) {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
		if id, err = id.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRotatedIdentity: files of an identity with former keys come back as they were, and stock age can read the parts that are its.
func TestRotatedIdentity(t *testing.T) {
	old, err := seal.Generate("Maple Street Clinic")
	if err != nil {
		t.Fatal(err)
	}
	id, err := old.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "home")
	os.Mkdir(dir, 0o700)
	if err := id.Save(dir, ""); err != nil {
		t.Fatal(err)
	}
	got, err := seal.Load(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Former) != 1 || got.Former[0].Hybrid.String() != old.Hybrid.String() || got.Hybrid.String() != id.Hybrid.String() {
		t.Errorf("%+v", got)
	}
	if keys := got.SignKeys(); len(keys) != 2 || !keys[0].Equal(old.PublicKey()) || !keys[1].Equal(id.PublicKey()) {
		t.Errorf("%v", keys)
	}
	for _, name := range []string{seal.IdentityFile, seal.CompatFile} {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		if ids, err := age.ParseIdentities(bytes.NewReader(text)); err != nil || len(ids) != 2 {
			t.Errorf("age reads %s as %d keys: %v", name, len(ids), err)
		}
	}
	path := filepath.Join(dir, seal.IdentityFile)
	text, _ := os.ReadFile(path)
	lines := strings.SplitAfter(string(text), "\n")
	line := func(prefix string) string {
		for _, l := range lines {
			if strings.HasPrefix(l, prefix) {
				return l
			}
		}
		t.Fatalf("there is no line %s", prefix)
		return ""
	}
	for name, bad := range map[string]string{
		"no head":            strings.Join(lines[1:], ""),
		"no keys":            lines[0],
		"no seed":            strings.ReplaceAll(string(text), line("# chartpost-seed: "), ""),
		"two seeds":          strings.ReplaceAll(string(text), line("# chartpost-seed: "), line("# chartpost-seed: ")+line("# chartpost-seed: ")),
		"another seed":       strings.Replace(string(text), line("# chartpost-seed: "), "# chartpost-seed: "+strings.Repeat("A", 43)+"=\n", 1),
		"another sign key":   strings.Replace(string(text), line("# chartpost-sign-key: "), lines[len(lines)-4], 1),
		"another age key":    strings.Replace(string(text), line("AGE-SECRET-KEY-PQ-"), old.Hybrid.String()+"\n", 1),
		"a key before":       lines[0] + old.Hybrid.String() + "\n" + strings.Join(lines[1:], ""),
		"one key too many":   string(text) + old.Hybrid.String() + "\n",
		"a day that is none": strings.Replace(string(text), "# chartpost-key: ", "# chartpost-key: x", 1),
	} {
		os.WriteFile(path, []byte(bad), 0o600)
		if _, err := seal.Load(dir, nil); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "AGE-SECRET") || strings.Contains(err.Error(), strings.TrimSpace(strings.TrimPrefix(line("# chartpost-seed: "), "# chartpost-seed: "))) {
			t.Errorf("%s: the error tells a secret: %v", name, err)
		}
	}
	os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "\n", "\r\n")+"\r\n# a note\r\n"), 0o600)
	if _, err := seal.Load(dir, nil); err != nil {
		t.Errorf("edited with another editor: %v", err)
	}
}

// TestFormerKeysOpen: what was sealed for keys of before a rotation is opened after it, and named as addressed to me.
func TestFormerKeysOpen(t *testing.T) {
	p := newParties(t)
	sealed := p.good().Build(t)
	next, err := p.lake.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	p.lake = next
	if err := p.openAll(t, sealed, t.TempDir()); err != nil {
		t.Errorf("%v", err)
	}
}

func TestKinds(t *testing.T) {
	id, err := seal.Generate("x")
	if err != nil {
		t.Fatal(err)
	}
	yubikey := "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"
	for s, want := range map[string]seal.Kind{
		id.Recipient(): seal.Hybrid, id.CompatRecipient(): seal.Classic, seal.FormatKey(id.PublicKey()): seal.SSH, yubikey: seal.Plugin,
		"":                                    seal.NoRecipient,
		strings.ToUpper(id.Recipient()):       seal.NoRecipient,
		strings.ToUpper(yubikey):              seal.NoRecipient,
		id.CompatRecipient() + "x":            seal.NoRecipient,
		seal.FormatKey(id.PublicKey()) + " c": seal.NoRecipient,
		id.Hybrid.String():                    seal.NoRecipient,
	} {
		if got := seal.KindOf(s); got != want {
			t.Errorf("%.30s is of kind %d, not %d", s, got, want)
		}
		if _, err := seal.ParseRecipient(s, nil); (err == nil) != (want != seal.NoRecipient) {
			t.Errorf("%.30s: %v", s, err)
		}
	}
}

// TestSSHIdentity: a key of OpenSSH signs, and opens what is sealed for it.
func TestSSHIdentity(t *testing.T) {
	_, key, _ := ed25519.GenerateKey(nil)
	id, err := seal.Generate("Developer")
	if err != nil {
		t.Fatal(err)
	}
	id.UseSSH(key)
	dir := filepath.Join(t.TempDir(), "home")
	os.Mkdir(dir, 0o700)
	if err := id.Save(dir, ""); err != nil {
		t.Fatal(err)
	}
	if id, err = seal.Load(dir, nil); err != nil {
		t.Fatal(err)
	}
	if !id.Sign.Equal(key) || id.CompatRecipient() != seal.FormatKey(id.PublicKey()) || !id.UsesSSH() {
		t.Error("it does not come back as it was")
	}
	r, err := seal.ParseRecipient(id.CompatRecipient(), nil)
	if err != nil {
		t.Fatal(err)
	}
	mustOpenPlain(t, id, packtest.Encrypt(t, []byte("hello"), r))
	if b, err := seal.Restore("Developer", id.Backup()); err != nil || !b.NeedsSSH || b.NeedsPlugin {
		t.Errorf("%+v %v", b, err)
	}
}

// mustOpenPlain opens an age file with the keys that the identity has for its header.
func mustOpenPlain(t *testing.T, id *seal.Identity, data []byte) {
	t.Helper()
	h, err := seal.ReadHeader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := id.Keys(h)
	if err != nil {
		t.Fatal(err)
	}
	var ids []age.Identity
	for _, k := range keys {
		ids = append(ids, k.Identity)
	}
	out, err := age.Decrypt(bytes.NewReader(data), ids...)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(out); err != nil || string(text) != "hello" {
		t.Errorf("%q %v", text, err)
	}
}

// runAsPlugin makes the test binary age-plugin-fake.
const runAsPlugin = "CHARTPOST_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsPlugin) != "" {
		os.Exit(packtest.FakePlugin())
	}
	os.Exit(m.Run())
}

// TestPlugin: the key of a plugin, which asks for a PIN, opens packages in place of ours.
func TestPlugin(t *testing.T) {
	if filepath.Separator == '\\' {
		t.Skip("the plugin of this test is a shell script")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	script := "#!/bin/sh\n" + runAsPlugin + "=1 exec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "age-plugin-fake"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	recipient, file := packtest.FakePluginKey(t)
	id, err := seal.Generate("Maple Street Clinic")
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{"empty": "", "no recipient": strings.Replace(file, recipient, "", 1), "our own": id.Hybrid.String() + "\n",
		"two": file + file} {
		if err := id.UsePlugin(bad, ""); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := id.UsePlugin(strings.Replace(file, recipient, "", 1), recipient); err != nil {
		t.Errorf("the recipient beside it: %v", err)
	}
	if err := id.UsePlugin(file, ""); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "home")
	os.Mkdir(dir, 0o700)
	if err := id.Save(dir, ""); err != nil {
		t.Fatal(err)
	}
	if id, err = seal.Load(dir, nil); err != nil {
		t.Fatal(err)
	}
	if id.Recipient() != recipient || id.CompatRecipient() != recipient || !id.UsesPlugin() {
		t.Errorf("%s", id.Recipient())
	}
	r, err := seal.ParseRecipient(recipient, &plugin.ClientUI{})
	if err != nil {
		t.Fatal(err)
	}
	// Without the program it says so.
	t.Setenv("PATH", t.TempDir())
	if _, err := age.Encrypt(io.Discard, r); err == nil || !strings.Contains(err.Error(), "plugin") {
		t.Errorf("without the plugin: %v", err)
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+"/usr/bin:/bin")
	sealed := packtest.Encrypt(t, []byte("hello"), r)
	pin := "1234"
	id.UI = &plugin.ClientUI{
		DisplayMessage: func(string, string) error { return nil },
		RequestValue:   func(string, string, bool) (string, error) { return pin, nil },
		Confirm:        func(string, string, string, string) (bool, error) { return false, nil },
		WaitTimer:      func(string) {},
	}
	mustOpenPlain(t, id, sealed)
	pin = "0000"
	h, _ := seal.ReadHeader(bytes.NewReader(sealed), int64(len(sealed)))
	keys, err := id.Keys(h)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) < 2 || keys[len(keys)-1].Recipient != recipient {
		t.Fatalf("the key of the plugin is not asked: %d keys", len(keys))
	}
	if _, err := age.Decrypt(bytes.NewReader(sealed), keys[len(keys)-1].Identity); err == nil {
		t.Error("opened with a wrong PIN")
	}
}
