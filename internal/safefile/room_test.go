package safefile_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/chartpost/chartpost/internal/safefile"
)

func TestRoom(t *testing.T) {
	dir := t.TempDir()
	below := filepath.Join(dir, "not", "yet", "there")
	for _, d := range []string{dir, below, "", filepath.Join("also", "not", "there")} {
		if err := safefile.Room(d, 1); err != nil {
			t.Errorf("%q: %v", d, err)
		}
	}
	switch runtime.GOOS {
	case "linux", "darwin", "windows":
	default:
		t.Skip("the system does not tell")
	}
	var full *safefile.NoRoomError
	if err := safefile.Room(below, math.MaxInt64); !errors.As(err, &full) || full.Dir != dir || full.Free <= 0 || full.Free == full.Need {
		t.Errorf("%v", err)
	}
}

// TestTemp: what is written comes back, and the file has no name, in a folder or in none.
func TestTemp(t *testing.T) {
	dir, system := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", system)
	for _, where := range []string{dir, ""} {
		f, err := safefile.Temp(where)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("text"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2)
		if _, err := f.ReadAt(got, 1); err != nil || string(got) != "ex" {
			t.Errorf("%q %v", got, err)
		}
		if info, err := f.Stat(); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		for _, d := range []string{dir, system} {
			if entries, err := os.ReadDir(d); err != nil || runtime.GOOS != "windows" && len(entries) > 0 {
				t.Errorf("%v %v", entries, err)
			}
		}
		f.Close()
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v %v", entries, err)
	}
	if _, err := safefile.Temp(filepath.Join(dir, "missing")); err == nil {
		t.Error("a folder that is not there")
	}
}
