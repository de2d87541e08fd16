package ccdafhir

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOlderTemplates holds the tables against the list of older templates: where a row names one of C-CDA's, it names those that mean the same.
func TestOlderTemplates(t *testing.T) {
	files, err := filepath.Glob("*.map")
	if err != nil || len(files) == 0 {
		t.Fatal("no tables", err)
	}
	lists, quoted, seen := regexp.MustCompile(`templateId/@root!?=('[0-9.]+'(?:\|'[0-9.]+')*)`), regexp.MustCompile(`[0-9.]+`), 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			for _, m := range lists.FindAllStringSubmatch(line, -1) {
				list := quoted.FindAllString(m[1], -1)
				for _, root := range list {
					for _, old := range older[root] {
						if seen++; !slices.Contains(list, old) {
							t.Errorf("%s:%d names %s without %s", f, i+1, root, old)
						}
					}
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d older templates were looked for", seen)
	}
}
