package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/conformance"
	"github.com/chartpost/chartpost/internal/testshared"
)

// TestGuideRows holds docs/hl7v2-differences.md against the v2-to-FHIR guide: of all its rows that have a target, in the maps that our
// structures need, the page lists exactly those which our tables do not meet, below the reason why. No place for which the guide has
// a target is declined.
func TestGuideRows(t *testing.T) {
	shared := testshared.Dir(t)
	rows, err := conformance.ReadGuideDir(shared)
	if err != nil {
		t.Fatal(err)
	}
	files, err := v2Tables()
	if err != nil {
		t.Fatal(err)
	}
	need := conformance.MapsOf(rows, conformance.Structures)
	var found []string
	all := 0
	for _, c := range conformance.Coverage(rows, files) {
		if !need[c.Map] {
			continue
		}
		all++
		if c.Declined() {
			t.Errorf("maps.tsv:%d: %s is declined, and the guide has a place for it: %s", c.Line, c.Place, c.FHIRPath)
		}
		if !c.Covered() {
			found = append(found, fmt.Sprintf("| `%s` | %s | `%s` |", c.Map, c.Place, strings.ReplaceAll(c.FHIRPath, "|", "/")))
		}
	}
	if all < 1000 {
		t.Errorf("the guide has only %d rows", all)
	}
	doc, err := os.ReadFile(filepath.Join(testshared.Root(), "docs", "hl7v2-differences.md"))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(doc), "\n## Pairs")
	if want := fmt.Sprintf("%d of %d rows", all-len(found), all); !strings.Contains(text, want) {
		t.Errorf("docs/hl7v2-differences.md should say that our tables meet %s", want)
	}
	var listed []string
	reason := ""
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "| `"):
			if reason == "" {
				t.Errorf("no reason stands above %s", line)
			}
			listed = append(listed, line)
		case strings.HasPrefix(line, "#"):
			reason = ""
		case line != "" && !strings.HasPrefix(line, "|"):
			reason = line
		}
	}
	slices.Sort(listed)
	for _, s := range found {
		if i, ok := slices.BinarySearch(listed, s); ok {
			listed = slices.Delete(listed, i, i+1)
		} else {
			t.Errorf("it is not in docs/hl7v2-differences.md: %s", s)
		}
	}
	for _, s := range listed {
		t.Errorf("it is in docs/hl7v2-differences.md, and is no difference: %s", s)
	}
}
