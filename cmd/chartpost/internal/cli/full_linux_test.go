package cli

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// smallDisk is a file system of so many MiB, which is full for real when it is full.
func smallDisk(t *testing.T, mib string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+mib+"m", "chartpost-test", dir).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("%v %s", err, out)
		}
	})
	return dir
}

// TestDiskFull: the disk is full in the middle of sealing, opening, or of the log, although the look ahead found room: nothing stands there
// under its name, nothing is left behind, and the log says no more than what happened.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t, "2")
	dir := t.TempDir()
	maple, lake := newPractice(t, dir, "Maple Street Clinic"), newPractice(t, dir, "Lakeside Cardiology")
	befriend(maple, lake)
	befriend(lake, maple)
	noise := make([]byte, 3<<20)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ { // it cannot be compressed
		noise[i] = byte(r.Uint32())
	}
	if err := os.WriteFile(filepath.Join(dir, "scan.pdf"), noise, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(p *practice, args ...string) (int, string) {
		t.Helper()
		var errOut bytes.Buffer
		c := p.cli(strings.NewReader(""), io.Discard, &errOut)
		c.Room = func(string, int64) error { return nil } // another program took it meanwhile
		p.t.Chdir(dir)
		code := c.Run(t.Context(), args)
		return code, errOut.String()
	}
	empty := func(what string) {
		t.Helper()
		if left, err := os.ReadDir(disk); err != nil || len(left) != 0 {
			t.Errorf("%s leaves %v %v", what, left, err)
		}
	}
	events := func(p *practice) string {
		t.Helper()
		_, stdout, _ := p.run("log")
		return stdout
	}
	seal := []string{"seal", "scan.pdf", "--purpose", "legal", "--about", "none"}
	for what, args := range map[string][]string{
		"sealing":           append(seal[:len(seal):len(seal)], "--to", "lakeside", "-o", filepath.Join(disk, "p.zip.age")),
		"sealing as a page": append(seal[:len(seal):len(seal)], "--to-patient", "Ann Example", "--html", "-o", filepath.Join(disk, "p.html")),
	} {
		if code, stderr := run(maple, args...); code != exitUnreadable || !strings.Contains(stderr, "no space left") {
			t.Errorf("%s: exit %d: %s", what, code, stderr)
		}
		empty(what)
	}
	if log := events(maple); strings.Contains(log, "sealed") {
		t.Errorf("the log tells of packages that are not there:\n%s", log)
	}
	if code, stderr := run(maple, append(seal, "--to", "lakeside", "-o", "p.zip.age")...); code != 0 {
		t.Fatal(stderr)
	}
	if code, stderr := run(lake, "open", "p.zip.age", "-o", filepath.Join(disk, "out")); code != exitUnreadable || !strings.Contains(stderr, "no space left") {
		t.Errorf("opening: exit %d: %s", code, stderr)
	}
	empty("opening")
	if log := events(lake); strings.Contains(log, "opened") {
		t.Errorf("the log tells of a package that was not opened:\n%s", log)
	}

	// A full disk under the log: nothing is sealed, and the log is as it was.
	home := filepath.Join(disk, "home")
	if out, err := exec.Command("cp", "-a", maple.home, home).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	maple.home = home
	before, _ := os.ReadFile(filepath.Join(home, "journal.jsonl"))
	fill(t, filepath.Join(disk, "filler"))
	if code, stderr := run(maple, append(seal, "--to", "lakeside", "-o", "q.zip.age")...); code != exitUnreadable || !strings.Contains(stderr, "the log cannot be written") {
		t.Errorf("logging: exit %d: %s", code, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "q*")); left != nil {
		t.Errorf("sealed without an entry: %v", left)
	}
	if after, _ := os.ReadFile(filepath.Join(home, "journal.jsonl")); !bytes.Equal(before, after) {
		t.Error("the log was changed")
	}
	os.Remove(filepath.Join(disk, "filler"))
	if code, stderr := run(maple, "log", "verify"); code != 0 {
		t.Errorf("the log afterwards: %d %s", code, stderr)
	}
	if code, stderr := run(maple, append(seal, "--to", "lakeside", "-o", "q.zip.age")...); code != 0 {
		t.Errorf("sealing afterwards: %d %s", code, stderr)
	}
}

// fill writes until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 16; size > 0; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}
