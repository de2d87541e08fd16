package pages

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// TestCurrent: docs/man and docs/completions are what the commands make.
func TestCurrent(t *testing.T) {
	files, err := Make()
	if err != nil {
		t.Fatal(err)
	}
	if files["man/chartpost-convert.1"] == nil || files["completions/chartpost.bash"] == nil {
		t.Fatal("pages are missing")
	}
	docs := filepath.Join(testshared.Root(), "docs")
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(docs, filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not current (%v): go run ./cmd/chartpost/internal/manpages docs", name, err)
		}
	}
	for _, dir := range []string{"man", "completions"} {
		entries, err := os.ReadDir(filepath.Join(docs, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if files[dir+"/"+e.Name()] == nil {
				t.Errorf("docs/%s/%s is of no command any more", dir, e.Name())
			}
		}
	}
}
