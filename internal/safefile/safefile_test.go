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
