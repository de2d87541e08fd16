package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/pkg/seal/page"
)

// person is somebody with an identity, who runs the program as a process of its own.
type person struct {
	t    *testing.T
	home string
	dir  string
}

func (p *person) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), runAsChartpost+"=1", "CHARTPOST_HOME="+p.home)
	return cmd
}

// run runs the program to its end.
func (p *person) run(args ...string) (stdout, stderr string) {
	p.t.Helper()
	cmd := p.command(args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		p.t.Fatalf("chartpost %q: %v\n%s", args, err, errOut.String())
	}
	return out.String(), errOut.String()
}

// kill runs the program and kills it after a while, if it has not ended by then.
func (p *person) kill(after time.Duration, args ...string) (ended bool) {
	p.t.Helper()
	cmd := p.command(args...)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			p.t.Fatalf("chartpost %q: %v", args, err)
		}
		return true
	case <-time.After(after):
		cmd.Process.Kill()
		<-done
		return false
	}
}

// pace is how long a command usually takes, and kills it at random points of that. Where it came too late the machine has become faster since, and
// the next kill comes sooner: so some always come in time.
type pace time.Duration

func (d *pace) kill(p *person, args ...string) (ended bool) {
	p.t.Helper()
	if ended = p.kill(d.moment(), args...); ended {
		*d = max(*d/2, 1)
	}
	return ended
}

func (d *pace) moment() time.Duration { return time.Duration(rand.Int64N(int64(*d))) }

// TestKilled kills seal and open at random points. Under final names only whole results exist afterwards, the log is whole, and the next
// run takes the rest away.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	dir := t.TempDir()
	maple, lake := twoPractices(t, dir)
	records := filepath.Join(dir, "records")
	os.Mkdir(records, 0o700)
	content := map[string][]byte{}
	seed := rand.NewChaCha8([32]byte{})
	for _, name := range []string{"a", "b", "c", "d"} {
		content[name] = make([]byte, 8<<20)
		seed.Read(content[name])
		if err := os.WriteFile(filepath.Join(records, name), content[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}

	begin := time.Now()
	maple.run("seal", "records", "--to", "lake", "--purpose", "treatment", "-o", "first.zip.age")
	usual := pace(time.Since(begin))
	killed := 0
	for i := range 8 {
		name := "sealed.zip.age"
		os.Remove(filepath.Join(dir, name))
		ended := usual.kill(maple, "seal", "records", "--to", "lake", "--purpose", "treatment", "-o", name)
		if !ended {
			killed++
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			out := filepath.Join(dir, "whole")
			lake.run("open", name, "-o", out)
			same(t, out, content)
			os.RemoveAll(out)
		} else if ended {
			t.Errorf("round %d: seal ended well without a package", i)
		}
		maple.run("log", "verify")
	}
	os.Remove(filepath.Join(dir, "sealed.zip.age"))
	maple.run("seal", "records", "--to", "lake", "--purpose", "treatment", "-o", "sealed.zip.age")
	nothingPartial(t, dir)

	begin = time.Now()
	lake.run("open", "first.zip.age", "-o", "out")
	usual = pace(time.Since(begin))
	for i := range 8 {
		out := filepath.Join(dir, "out")
		os.RemoveAll(out)
		ended := usual.kill(lake, "open", "first.zip.age", "-o", "out", "--again")
		if !ended {
			killed++
		}
		if _, err := os.Stat(out); err == nil {
			same(t, out, content)
		} else if ended {
			t.Errorf("round %d: open ended well without a folder", i)
		}
		lake.run("log", "verify")
	}
	os.RemoveAll(filepath.Join(dir, "out"))
	lake.run("open", "first.zip.age", "-o", "out", "--again")
	nothingPartial(t, dir)
	t.Logf("%d of 16 runs were killed before their end", killed)
	if killed == 0 {
		t.Error("no run was killed in time")
	}
}

// TestKilledPage kills the sealing of a page: under its name only a whole one exists afterwards.
func TestKilledPage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	dir := t.TempDir()
	maple, _ := twoPractices(t, dir)
	scan := make([]byte, 6<<20)
	rand.NewChaCha8([32]byte{}).Read(scan)
	os.WriteFile(filepath.Join(dir, "scan.pdf"), scan, 0o600)
	seal := []string{"seal", "scan.pdf", "--to-patient", "Ann Example", "--about", "none", "--html", "-q", "--force", "-o", "page.html", "--passphrase-out", "words"}
	begin := time.Now()
	maple.run(seal...)
	usual := pace(time.Since(begin))
	killed := 0
	for round := range 6 {
		os.Remove(filepath.Join(dir, "page.html"))
		os.Remove(filepath.Join(dir, "words"))
		if !usual.kill(maple, seal...) {
			killed++
		}
		f, err := os.Open(filepath.Join(dir, "page.html"))
		if err != nil {
			continue
		}
		if _, err := page.Package(f); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		f.Close()
		if words, err := os.ReadFile(filepath.Join(dir, "words")); err != nil || len(words) == 0 {
			t.Errorf("round %d: a page without its passphrase: %v", round, err)
		}
	}
	os.Remove(filepath.Join(dir, "words"))
	maple.run(seal...)
	maple.run("log", "verify")
	nothingPartial(t, dir)
	t.Logf("%d of 6 runs were killed before their end", killed)
}

func same(t *testing.T, out string, content map[string][]byte) {
	t.Helper()
	for name, want := range content {
		if got, err := os.ReadFile(filepath.Join(out, "files", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s under its final name is not whole: %v", name, err)
		}
	}
}

func nothingPartial(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".partial") {
			t.Errorf("%s was not taken away", e.Name())
		}
	}
}

// TestInterrupted: Ctrl-C ends with status 130 and leaves nothing.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no way to send Ctrl-C to one process")
	}
	dir := t.TempDir()
	maple := &person{t, filepath.Join(dir, "maple"), dir}
	lake := &person{t, filepath.Join(dir, "lake"), dir}
	maple.run("init", "--name", "maple")
	lake.run("init", "--name", "lake")
	lake.run("card", "-o", "lake.contact")
	maple.run("contact", "add", "lake.contact")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := maple.command("seal", "-", "--to", "lake", "--purpose", "treatment", "--unverified", "test", "-o", "out.zip.age")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // feeds it without end
		block := make([]byte, 1<<20)
		for ctx.Err() == nil {
			if _, err := in.Write(block); err != nil {
				return
			}
		}
	}()
	for { // until it is at work
		if info, err := os.Stat(filepath.Join(dir, "out.zip.age.partial")); err == nil && info.Size() > 0 {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("it does not begin")
		}
		time.Sleep(5 * time.Millisecond)
	}
	cmd.Process.Signal(os.Interrupt)
	err = cmd.Wait()
	var e *exec.ExitError
	if !errors.As(err, &e) || e.ExitCode() != 130 {
		t.Errorf("%v", err)
	}
	nothingPartial(t, dir)
	if _, err := os.Stat(filepath.Join(dir, "out.zip.age")); err == nil {
		t.Error("a package was made")
	}
}

// TestDiskFull: an output that takes no more is an error with status 3, and leaves nothing.
func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	dir := t.TempDir()
	maple, lake := &person{t, filepath.Join(dir, "maple"), dir}, &person{t, filepath.Join(dir, "lake"), dir}
	maple.run("init", "--name", "maple")
	lake.run("init", "--name", "lake")
	lake.run("card", "-o", "lake.contact")
	maple.run("contact", "add", "lake.contact")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	cmd := maple.command("seal", "lake.contact", "--to", "lake", "--purpose", "treatment", "--unverified", "test", "-o", "-")
	cmd.Stdout = full
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Run()
	var e *exec.ExitError
	if !errors.As(err, &e) || e.ExitCode() != 3 || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("%v %s", err, stderr.String())
	}
	stdout, _ := maple.run("log")
	if !strings.Contains(stdout, "sealing") || strings.Contains(stdout, "sealed ") {
		t.Errorf("the log says that it was sealed:\n%s", stdout)
	}
}
