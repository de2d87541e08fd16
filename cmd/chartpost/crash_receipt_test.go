package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// twoPractices are two who have verified each other.
func twoPractices(t *testing.T, dir string) (maple, lake *person) {
	t.Helper()
	maple, lake = &person{t, filepath.Join(dir, "maple"), dir}, &person{t, filepath.Join(dir, "lake"), dir}
	words := make([]string, 2)
	for i, p := range []*person{maple, lake} {
		name := filepath.Base(p.home)
		p.run("init", "--name", name, "--no-passphrase")
		_, stderr := p.run("card", "-o", name+".contact")
		words[i] = regexp.MustCompile(`words of this card: (.*)`).FindStringSubmatch(stderr)[1]
	}
	maple.run("contact", "add", "lake.contact")
	maple.run("contact", "verify", "lake", "--words", words[1])
	lake.run("contact", "add", "maple.contact")
	lake.run("contact", "verify", "maple", "--words", words[0])
	return maple, lake
}

// TestKilledReceipts kills what writes receipts, the log and folders of an inbox at random points: under final names only whole things exist
// afterwards, both logs are whole, and going on ends well.
func TestKilledReceipts(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	dir := t.TempDir()
	maple, lake := twoPractices(t, dir)
	for _, name := range []string{"in", "out"} {
		os.Mkdir(filepath.Join(dir, name), 0o700)
	}
	data := make([]byte, 1<<20)
	seed := rand.NewChaCha8([32]byte{})
	seed.Read(data)
	os.WriteFile(filepath.Join(dir, "a.bin"), data, 0o600)
	const rounds = 6
	killed := 0

	// seal, over and over: what stands under its name is whole.
	begin := time.Now()
	maple.run("seal", "a.bin", "--to", "lake", "--purpose", "treatment", "-o", "in/first.zip.age")
	usual := pace(time.Since(begin))
	for i := range rounds {
		if !usual.kill(maple, "seal", "a.bin", "--to", "lake", "--purpose", "treatment", "-o", fmt.Sprintf("in/%d.zip.age", i)) {
			killed++
		}
		maple.run("log", "verify")
	}
	packages, _ := filepath.Glob(filepath.Join(dir, "in", "*.zip.age"))

	// fetch: opens them with receipts, killed as often as it takes.
	for range 4 * rounds {
		cmd := lake.command("fetch", "in", "-o", "out", "-q")
		cmd.Start()
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(time.Second + 4*usual.moment()): // the inbox is watched for a second first
			cmd.Process.Kill()
			<-done
			killed++
		}
		lake.run("log", "verify")
	}
	lake.run("fetch", "in", "-o", "out")
	nothingPartial(t, filepath.Join(dir, "out"))
	opened, _ := filepath.Glob(filepath.Join(dir, "out", "chartpost-*", "files", "a.bin"))
	for _, path := range opened {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s is not whole: %v", path, err)
		}
	}
	if len(opened) < len(packages) {
		t.Errorf("%d packages, %d folders", len(packages), len(opened))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "in", "*.age")); len(left) != 0 {
		t.Errorf("left in the inbox: %v", left)
	}

	// receipt add: each receipt that stands under its name is a whole one.
	receipts, _ := filepath.Glob(filepath.Join(dir, "out", "*.receipt.age"))
	if len(receipts) != len(packages) {
		t.Fatalf("%d packages, %d receipts", len(packages), len(receipts))
	}
	for _, path := range receipts {
		if !usual.kill(maple, "receipt", "add", path) {
			killed++
		}
		maple.run("log", "verify", path)
	}
	maple.run(append([]string{"receipt", "add"}, receipts...)...)
	maple.run("log", "verify")
	nothingPartial(t, maple.home)
	nothingPartial(t, filepath.Join(maple.home, "receipts"))
	for _, name := range []string{"journal.head.partial", "contacts.json.partial"} { // of a run that was killed at the very end
		if err := os.WriteFile(filepath.Join(maple.home, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	maple.run(append([]string{"receipt", "add"}, receipts...)...) // which has nothing to write
	nothingPartial(t, maple.home)
	stdout, _ := maple.run("log", "--json")
	if n := strings.Count(stdout, `"event": "receipt-added"`); n != len(receipts) {
		t.Errorf("%d receipts in the log, not %d", n, len(receipts))
	}
	t.Logf("%d runs were killed before their end", killed)
	if killed == 0 {
		t.Error("no run was killed in time")
	}
}

// status runs the program and returns its exit status.
func (p *person) status(args ...string) (int, string) {
	p.t.Helper()
	cmd := p.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}
