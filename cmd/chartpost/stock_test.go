package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// stockAge builds the age of go.mod's version, which knows hybrid recipients; the system's is often older.
func stockAge(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds age")
	}
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "filippo.io/age").Output()
	if err != nil {
		t.Skipf("no go command: %v", err)
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "install", "filippo.io/age/cmd/age@"+strings.TrimSpace(string(version)))
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("age cannot be built here: %v\n%s", err, out)
	}
	return filepath.Join(dir, "age")
}

// sh runs a line of shell, with age at the front of the path.
func sh(t *testing.T, dir, age, line string) string {
	t.Helper()
	cmd := exec.Command("sh", "-ec", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(age)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// TestStockTools: stock tools alone open what is sealed for quantum computers too, check it, and make a package that Chartpost takes.
func TestStockTools(t *testing.T) {
	for _, tool := range []string{"unzip", "ssh-keygen", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	age := stockAge(t)
	dir := t.TempDir()
	maple, lake := twoPractices(t, dir)
	os.WriteFile(filepath.Join(dir, "lab.hl7"), []byte("MSH|^~\\&|LAB|MAPLE|||20261122||ORU^R01|1|P|2.5.1\r"), 0o600)
	for _, pad := range []bool{false, true} {
		args := []string{"seal", "lab.hl7", "--to", "lake", "--purpose", "treatment", "-o", "p.zip.age", "--force", "-q"}
		if pad {
			args = append(args, "--pad")
		}
		maple.run(args...)
		os.RemoveAll(filepath.Join(dir, "out"))
		// The four steps of the README in the package.
		out := sh(t, dir, age, `age -d -i lake/identity.txt -o p.zip p.zip.age
			unzip -q p.zip -d out
			rm p.zip
			sed -n 's/^sign: /sender /p' maple.contact > out/allowed_signers
			cd out
			ssh-keygen -Y verify -f allowed_signers -I sender -n chartpost-package-v1 -s SHA256SUMS.sig < SHA256SUMS
			sha256sum -c --strict SHA256SUMS
			cmp files/lab.hl7 ../lab.hl7`)
		if !strings.Contains(out, `Good "chartpost-package-v1" signature`) || !strings.Contains(out, "files/lab.hl7: OK") {
			t.Errorf("padded %v:\n%s", pad, out)
		}
	}

	// A receipt, too.
	lake.run("open", "p.zip.age", "-o", "ours", "--receipt", "r.age")
	out := sh(t, dir, age, `age -d -i maple/identity.txt r.age > r.txt
		sed '/BEGIN SSH/,$d' r.txt > r.json
		sed -n '/BEGIN SSH/,$p' r.txt > r.sig
		sed -n 's/^sign: /recipient /p' lake.contact > allowed
		ssh-keygen -Y verify -f allowed -I recipient -n chartpost-receipt-v1 -s r.sig < r.json`)
	if !strings.Contains(out, `Good "chartpost-receipt-v1" signature`) {
		t.Error(out)
	}

	// And a package that was made without Chartpost, by whoever has the keys.
	if _, err := exec.LookPath("zip"); err != nil {
		t.Log("zip is not installed: no package is made with stock tools")
		return
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "out", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`"id": "[0-9a-f]{32}"`)
	manifest = id.ReplaceAll(manifest, []byte(`"id": "0123456789abcdef0123456789abcdef"`))
	os.WriteFile(filepath.Join(dir, "out", "manifest.json"), manifest, 0o600)
	sh(t, dir, age, `{ echo -----BEGIN OPENSSH PRIVATE KEY-----; sed -n 's/^# chartpost-sign-key: //p' maple/identity.txt | fold -w 70; echo; echo -----END OPENSSH PRIVATE KEY-----; } | grep . > key
		chmod 600 key
		cd out
		rm SHA256SUMS SHA256SUMS.sig padding.bin allowed_signers
		sha256sum files/lab.hl7 README.txt manifest.json > SHA256SUMS
		ssh-keygen -q -Y sign -f ../key -n chartpost-package-v1 SHA256SUMS
		zip -qXD ../made.zip files/lab.hl7 README.txt manifest.json SHA256SUMS SHA256SUMS.sig
		cd ..
		age -r "$(sed -n 's/^age: //p' lake.contact)" -o made.zip.age made.zip`)
	lake.run("open", "made.zip.age", "-o", "made")
	got, err := os.ReadFile(filepath.Join(dir, "made", "files", "lab.hl7"))
	if err != nil || !bytes.HasPrefix(got, []byte("MSH|")) {
		t.Errorf("%v", err)
	}
}

// TestNpmAge: age-encryption, the implementation of age for browsers, opens what is sealed here for each kind of recipient, and what it
// seals is opened here.
func TestNpmAge(t *testing.T) {
	tool := filepath.Join(testshared.Root(), "internal", "gen", "agejs")
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat(filepath.Join(tool, "node_modules", "age-encryption")); err != nil {
		t.Skip("age-encryption is not installed: npm ci in " + tool)
	}
	dir := t.TempDir()
	maple, lake := twoPractices(t, dir)
	node := func(args ...string) {
		t.Helper()
		cmd := exec.Command("node", append([]string{filepath.Join(tool, "interop.mjs")}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	line := func(file, begin string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(string(data)) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(l), begin); ok {
				return rest
			}
		}
		t.Fatalf("%s has no line that begins with %q", file, begin)
		return ""
	}
	os.WriteFile(filepath.Join(dir, "lab.hl7"), []byte("MSH|^~\\&|LAB|MAPLE|||20261122||ORU^R01|1|P|2.5.1\r"), 0o600)
	for _, tt := range []struct {
		name, secret, to string
		seal, open       []string
	}{
		{"hybrid", "AGE-SECRET-KEY-PQ-1" + line("lake/identity.txt", "AGE-SECRET-KEY-PQ-1"), line("lake.contact", "age: "), []string{"--to", "lake"}, nil},
		{"X25519", "AGE-SECRET-KEY-1" + line("lake/identity-compat.txt", "AGE-SECRET-KEY-1"), line("lake.contact", "age-compat: "), []string{"--to", "lake", "--compat"}, nil},
		{"passphrase", "", "", []string{"--to-patient", "Ann Example", "--passphrase-out", "words"}, []string{"--passphrase-file", "words"}},
	} {
		maple.run(append([]string{"seal", "lab.hl7", "--purpose", "treatment", "--about", "none", "-q", "-o", tt.name + ".zip.age"}, tt.seal...)...)
		if tt.secret == "" {
			words, err := os.ReadFile(filepath.Join(dir, "words"))
			if err != nil {
				t.Fatal(err)
			}
			tt.secret = strings.TrimSpace(string(words))
			tt.to = tt.secret
		}
		node("open", tt.secret, tt.name+".zip.age", "plain.zip")
		node("seal", tt.to, "plain.zip", "back.zip.age")
		lake.run(append([]string{"open", "back.zip.age", "-o", tt.name, "-q"}, tt.open...)...)
		if got, err := os.ReadFile(filepath.Join(dir, tt.name, "files", "lab.hl7")); err != nil || !bytes.HasPrefix(got, []byte("MSH|")) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
