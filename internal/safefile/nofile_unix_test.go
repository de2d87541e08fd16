//go:build unix

package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/chartpost/chartpost/internal/safefile"
)

// TestNoFile: a pipe, and with it a device, stays what it is, whether it is named itself or through a link.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link} {
		if err := safefile.Write(path, []byte("x"), 0o600); !errors.Is(err, safefile.ErrNoFile) {
			t.Errorf("Write: %v", err)
		}
		if f, err := safefile.NewFile(path, path+safefile.Ours); !errors.Is(err, safefile.ErrNoFile) {
			t.Errorf("NewFile: %v, %v", f, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) != 2 {
		t.Errorf("%v is left", list)
	}
}
