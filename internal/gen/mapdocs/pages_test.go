package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/mapping"
)

var updateFlag = flag.Bool("update", false, "write the pages")

// TestPages: the pages of docs/mappings say what the mapping files say now.
func TestPages(t *testing.T) {
	root := testshared.Root()
	pages, err := build(os.DirFS(filepath.Join(root, "converters")))
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 2 {
		t.Fatal("no mapping files")
	}
	dir := filepath.Join(root, "docs", "mappings")
	if *updateFlag {
		if err := update(dir, pages); err != nil {
			t.Fatal(err)
		}
	}
	have, err := existing(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if d := cmp.Diff(string(have[name]), string(text)); d != "" {
			t.Errorf("docs/mappings/%s is not what the rows say; make maps writes it:\n%.2000s", name, d)
		}
	}
	for name := range have {
		if pages[name] == nil {
			t.Errorf("docs/mappings/%s has no mapping file", name)
		}
	}
}

// TestLayout: the mapping files are laid out as chartpost map fmt does.
func TestLayout(t *testing.T) {
	root := testshared.Root()
	for _, pattern := range []string{"converters/*/*.map", "examples/*/*.map"} {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(names) == 0 {
			t.Fatal("no mapping files", err)
		}
		for _, name := range names {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := mapping.ParseFile(filepath.Base(name), src)
			if err != nil {
				t.Error(err)
			} else if !bytes.Equal(mapping.Format(f), src) {
				t.Errorf("%s is laid out otherwise; make maps lays it out", name)
			}
		}
	}
}
