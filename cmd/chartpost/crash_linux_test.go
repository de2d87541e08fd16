package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// small mounts a disk of n KiB, which needs root.
func small(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
}

// TestSmallDisk: a disk that is full ends every command with status 3, and leaves neither half a result nor a damaged log.
func TestSmallDisk(t *testing.T) {
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	small(t, disk, "1m")
	maple, lake := twoPractices(t, dir)
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	os.WriteFile(filepath.Join(dir, "a.bin"), data, 0o600)
	noise := filepath.Join(dir, "noise.bin")
	f, _ := os.Open("/dev/urandom")
	defer f.Close()
	random := make([]byte, 3<<20)
	f.Read(random)
	os.WriteFile(noise, random, 0o600)
	empty := func() {
		t.Helper()
		if left, _ := os.ReadDir(disk); len(left) != 0 {
			t.Errorf("left on the disk: %v", left)
		}
	}
	full := func(code int, out string) {
		t.Helper()
		if code != 3 || !strings.Contains(out, "space") && !strings.Contains(out, "has room for") {
			t.Errorf("status %d\n%s", code, out)
		}
	}
	code, out := maple.status("seal", noise, "--to", "lake", "--purpose", "treatment", "-o", filepath.Join(disk, "p.zip.age"))
	full(code, out)
	empty()
	if out, _ := maple.run("log"); strings.Contains(out, "sealed ") {
		t.Errorf("the log says that it was sealed:\n%s", out)
	}
	maple.run("log", "verify")
	maple.run("seal", noise, "--to", "lake", "--purpose", "treatment", "-o", "p.zip.age")
	code, out = lake.status("open", "p.zip.age", "-o", filepath.Join(disk, "out"))
	full(code, out)
	empty()
	code, out = maple.status("send", "p.zip.age", "--via", disk, "--retries", "0")
	full(code, out)
	empty()
	if out, _ := lake.run("log"); strings.Contains(out, "opened ") {
		t.Errorf("the log says that it was opened:\n%s", out)
	}

	// The folder of the identity on a disk without room: nothing is half done, and with room all goes on.
	home := filepath.Join(disk, "home")
	if err := os.CopyFS(home, os.DirFS(maple.home)); err != nil {
		t.Fatal(err)
	}
	filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
		if d.IsDir() {
			os.Chmod(path, 0o700)
		} else {
			os.Chmod(path, 0o600)
		}
		return nil
	})
	fill := filepath.Join(disk, "fill")
	b, err := os.Create(fill)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = b.Write(random[:4096])
	}
	b.Close()
	moved := &person{t, home, dir}
	code, out = moved.status("seal", "lake.contact", "--to", "lake", "--purpose", "treatment", "-o", "never.zip.age")
	full(code, out)
	if _, err := os.Stat(filepath.Join(dir, "never.zip.age")); err == nil {
		t.Error("it was sealed without an entry in the log")
	}
	os.Remove(fill)
	moved.run("log", "verify")
	moved.run("seal", "lake.contact", "--to", "lake", "--purpose", "treatment", "-o", "now.zip.age")
	moved.run("log", "verify")
	nothingPartial(t, home)
}
