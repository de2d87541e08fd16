package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/sshtest"
)

// TestDelivery: a package goes from one practice to the other by SFTP, its receipt comes back, and both logs know it. Nothing that
// crosses the server is plaintext.
func TestDelivery(t *testing.T) {
	dir := t.TempDir()
	maple, lake := twoPractices(t, dir)
	s := sshtest.New(t)
	for _, name := range []string{"in", "back"} {
		os.Mkdir(filepath.Join(s.Dir, name), 0o700)
	}
	os.Mkdir(filepath.Join(dir, "received"), 0o700)
	os.WriteFile(filepath.Join(dir, "lab.hl7"), []byte("MSH|^~\\&|LAB|MAPLE|||20261122||ORU^R01|1|P|2.5.1\r"), 0o600)
	at := func(folder string) string { return "sftp://maple@" + s.Addr + "/~/" + folder }
	login := []string{"--known-hosts", s.KnownHosts(t), "--ssh-key", s.Key}

	maple.run("seal", "lab.hl7", "--to", "lake", "--purpose", "treatment", "-o", "p.zip.age")
	stdout, _ := maple.run(append([]string{"send", "p.zip.age", "--via", at("in")}, login...)...)
	if strings.TrimSpace(stdout) != "sftp://"+s.Addr+"/in/p.zip.age" {
		t.Errorf("sent to %s", stdout)
	}
	stdout, stderr := lake.run(append([]string{"fetch", at("in"), "-o", "received", "--receipts", at("back")}, login...)...)
	opened := filepath.Join(dir, strings.TrimSpace(stdout), "files", "lab.hl7")
	if got, err := os.ReadFile(opened); err != nil || !bytes.HasPrefix(got, []byte("MSH|")) {
		t.Errorf("%v\n%s", err, stderr)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "in", "opened", "p.zip.age")); err != nil {
		t.Error(err)
	}
	_, stderr = maple.run(append([]string{"fetch", at("back"), "-o", "received"}, login...)...)
	if !strings.Contains(stderr, "lake opened package") {
		t.Error(stderr)
	}
	if stdout, _ := maple.run("receipt", "list"); stdout != "" {
		t.Errorf("not acknowledged: %s", stdout)
	}
	filepath.WalkDir(s.Dir, func(path string, d os.DirEntry, err error) error {
		if b, _ := os.ReadFile(path); bytes.Contains(b, []byte("MSH|")) || bytes.Contains(b, []byte("treatment")) || strings.HasSuffix(path, ".part") {
			t.Errorf("%s shows something, or was left", path)
		}
		return nil
	})
	nothingPartial(t, filepath.Join(dir, "received"))

	// A host that is not known, and one whose key is another.
	code, out := maple.status("send", "p.zip.age", "--via", at("in"), "--ssh-key", s.Key, "--known-hosts", filepath.Join(dir, "none"))
	if code != 6 || !strings.Contains(out, "is not known") || !strings.Contains(out, "--host-key SHA256:") {
		t.Errorf("status %d\n%s", code, out)
	}
	code, out = maple.status("send", "p.zip.age", "--via", at("in"), "--ssh-key", s.Key, "--host-key", "SHA256:abc")
	if code != 6 || !strings.Contains(out, "somebody may stand in between") {
		t.Errorf("status %d\n%s", code, out)
	}
	password := filepath.Join(dir, "password")
	os.WriteFile(password, []byte("sesame\n"), 0o600)
	os.Remove(filepath.Join(s.Dir, "in", "p.zip.age"))
	maple.run("send", "p.zip.age", "--via", at("in"), "--known-hosts", s.KnownHosts(t), "--password-file", password)
}

// TestWebDelivery: HTTP PUT, with a token from a file, of which nothing is shown or logged.
func TestWebDelivery(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only there can a test name its own root certificates")
	}
	dir := t.TempDir()
	maple, _ := twoPractices(t, dir)
	var got []byte
	var auth string
	broken := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth = r.Header.Get("Authorization")
		if r.Header.Get("Test-Break") != "" && !broken {
			broken = true
			io.CopyN(io.Discard, r.Body, 1)
			panic(http.ErrAbortHandler)
		}
		got, _ = io.ReadAll(r.Body)
		if auth == "" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	roots := filepath.Join(dir, "roots.pem")
	os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)
	t.Setenv("SSL_CERT_FILE", roots)
	os.WriteFile(filepath.Join(dir, "headers"), []byte("# for the store\nAuthorization: Bearer token-of-the-store\n"), 0o600)
	maple.run("seal", "lake.contact", "--to", "lake", "--purpose", "treatment", "-o", "p.zip.age")
	code, out := maple.status("send", "p.zip.age", "--via", server.URL+"/x?sig=signature-of-the-store", "--retries", "0")
	if code != 6 || !strings.Contains(out, "403 Forbidden") || strings.Contains(out, "signature-of-the-store") {
		t.Errorf("status %d\n%s", code, out)
	}
	stdout, stderr := maple.run("send", "p.zip.age", "--via", server.URL+"/x?sig=signature-of-the-store", "--header-file", "headers")
	log, _ := maple.run("log", "--json")
	for _, secret := range []string{"signature-of-the-store", "token-of-the-store"} {
		if strings.Contains(stdout+stderr+log, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	whole := func() {
		t.Helper()
		if want, _ := os.ReadFile(filepath.Join(dir, "p.zip.age")); !bytes.Equal(got, want) || auth != "Bearer token-of-the-store" {
			t.Error("it is not what was sent")
		}
	}
	whole()
	// A try that breaks off is told, and that the next one begins anew.
	got = nil
	os.WriteFile(filepath.Join(dir, "headers"), []byte("Authorization: Bearer token-of-the-store\nTest-Break: once\n"), 0o600)
	if _, stderr = maple.run("send", "p.zip.age", "--via", server.URL+"/x", "--header-file", "headers"); !strings.Contains(stderr, "s, from the beginning (") || !strings.Contains(stderr, "in vain: the web has no way to go on with a file)") {
		t.Error(stderr)
	}
	whole()
}

// TestWatch: packages are opened as they come, as a fax machine does; a file that is still being written is let alone.
func TestWatch(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no way to send Ctrl-C to one process")
	}
	// A file that does not grow from one look to the next is taken for whole. Where this test itself was kept waiting for so long between two
	// writes, nothing is told by that, and there must be more time between two looks.
	for _, every := range []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute} {
		if watchOnce(t, every) {
			return
		}
	}
	t.Fatal("this machine stood still for two minutes, between two writes of five")
}

// watchOnce has an inbox looked at so often; false means that the machine was too slow for that.
func watchOnce(t *testing.T, every time.Duration) bool {
	t.Helper()
	dir := t.TempDir()
	maple, lake := twoPractices(t, dir)
	for _, name := range []string{"in", "received"} {
		os.Mkdir(filepath.Join(dir, name), 0o700)
	}
	maple.run("seal", "lake.contact", "--to", "lake", "--purpose", "treatment", "-o", "p.zip.age", "-q")
	whole, err := os.ReadFile(filepath.Join(dir, "p.zip.age"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := lake.command("watch", "in", "-o", "received", "--every", every.String())
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	defer func() {
		if !ended {
			cmd.Process.Kill()
			cmd.Wait()
		}
	}()
	last := time.Now()
	slow, err := os.Create(filepath.Join(dir, "in", "slow.zip.age"))
	if err != nil {
		t.Fatal(err)
	}
	const parts = 5
	for i := range parts { // by a program that does not rename
		time.Sleep(every * 7 / 10)
		slow.Write(whole[len(whole)*i/parts : len(whole)*(i+1)/parts])
		if now := time.Now(); now.Sub(last) >= every {
			slow.Close()
			return false
		} else {
			last = now
		}
	}
	slow.Close()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "in", "opened", "slow.zip.age")); err == nil {
			break
		}
		if time.Now().After(end) {
			cmd.Process.Kill()
			cmd.Wait()
			ended = true
			t.Fatalf("it was not opened\n%s", errOut.String())
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "received", "*.receipt.age")); len(left) != 1 {
		t.Errorf("receipts: %v", left)
	}
	cmd.Process.Signal(os.Interrupt)
	err = cmd.Wait()
	ended = true
	var e *exec.ExitError
	if !errors.As(err, &e) || e.ExitCode() != 130 {
		t.Errorf("%v\n%s", err, errOut.String())
	}
	if strings.Contains(errOut.String(), "refused") || strings.Count(out.String(), "chartpost-") != 1 {
		t.Errorf("%s%s", out.String(), errOut.String())
	}
	return true
}
