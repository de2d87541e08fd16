package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/internal/testshared"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	os.WriteFile(path+safefile.Partial, []byte("left by a killed run"), 0o600)
	for _, text := range []string{"one", "two"} {
		if err := safefile.Write(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%q", got)
		}
	}
	if _, err := os.Lstat(path + safefile.Partial); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary file is still there: %v", err)
	}
	if err := safefile.Write(filepath.Join(dir, "missing", "a"), nil, 0o600); err == nil {
		t.Error("written into a folder that is not there")
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := safefile.Acquire(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := safefile.Acquire(t.Context(), path, 50*time.Millisecond); !errors.Is(err, safefile.ErrLocked) {
		t.Errorf("taken twice: %v", err)
	}
	l.Unlock()
	l, err = safefile.Acquire(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.Unlock()
}

func TestStale(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps open files by itself")
	}
	path := filepath.Join(t.TempDir(), "a.partial")
	f, err := safefile.Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := safefile.Create(path, 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	safefile.RemoveStale(path)
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("a file in use was removed: %v", err)
	}
	f.Close()
	safefile.RemoveStale(path)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file left behind was not removed: %v", err)
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	f, err := safefile.NewFile(path, path+safefile.Ours)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := safefile.NewFile(path, path+safefile.Ours); !errors.Is(err, fs.ErrExist) {
		t.Errorf("two write one file: %v", err)
	}
	f.WriteString("whole")
	safefile.Sweep(dir) // it is in use
	if _, err := os.Stat(path); err == nil {
		t.Error("it stands under its name before its end")
	}
	if err := f.Commit(true); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if b, err := os.ReadFile(path); string(b) != "whole" {
		t.Errorf("%q %v", b, err)
	}
	g, err := safefile.NewFile(path, path+safefile.Ours)
	if err != nil {
		t.Fatal(err)
	}
	g.Discard()
	// What a killed run left, and what others left.
	for _, name := range []string{"b" + safefile.Ours, "c.partial"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	safefile.Sweep(dir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != "a" || entries[1].Name() != "c.partial" {
		t.Errorf("%v %v", entries, err)
	}
}

// TestCreateWhileSwept: a file that was just created, and is not locked yet, may be taken for one that a killed run left. Whoever created it has
// one that stands all the same.
func TestCreateWhileSwept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+safefile.Partial)
	testshared.Meanwhile(t, func() { safefile.RemoveStale(path) })
	for n := range 3000 {
		f, err := safefile.Create(path, 0o600)
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		a, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.Lstat(path); err != nil || !os.SameFile(a, b) {
			t.Fatalf("%d: the file is gone: %v", n, err)
		}
		os.Remove(path)
		f.Close()
	}
}
