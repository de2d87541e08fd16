package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/conformance"
	"github.com/chartpost/chartpost/internal/testshared"
)

// TestDifferences holds docs/ccda-differences.md against the guide's own examples: its tables are exactly the values of the examples that what
// we make of their other side does not have, and each has a reason.
func TestDifferences(t *testing.T) {
	shared := testshared.Dir(t)
	doc, err := os.ReadFile(filepath.Join(testshared.Root(), "docs", "ccda-differences.md"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.SplitSeq(string(doc), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) != 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[3] == "" {
			t.Errorf("no reason: %s", line)
		}
		listed = append(listed, strings.Join(cells[:3], " | "))
	}
	convert, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, side := range []struct {
		direction string
		compare   func(conformance.Pair, conformance.DocumentConverter) conformance.PairResult
	}{{"CDA->FHIR", conformance.CompareClinicalPair}, {"FHIR->CDA", conformance.CompareClinicalBackPair}} {
		pairs, err := conformance.ReadClinicalPairs(shared, side.direction)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pairs {
			if p.Suite != "guide" {
				continue
			}
			r := side.compare(p, convert)
			if r.Err != nil {
				t.Errorf("%s: %v", filepath.Base(p.Input), r.Err)
			}
			for _, m := range r.Misses {
				place := m.Resource + "." + m.Path
				if side.direction == "FHIR->CDA" {
					place = m.Path
				}
				found = append(found, strings.TrimSuffix(filepath.Base(p.Expected), filepath.Ext(p.Expected))+" | `"+place+"` | `"+m.Value+"`")
			}
		}
	}
	slices.Sort(listed)
	slices.Sort(found)
	if len(found) < 10 {
		t.Errorf("only %d differences were found", len(found))
	}
	for _, s := range found {
		if i := slices.Index(listed, s); i >= 0 {
			listed = slices.Delete(listed, i, i+1)
		} else {
			t.Errorf("it is not in docs/ccda-differences.md: | %s |", s)
		}
	}
	for _, s := range listed {
		t.Errorf("it is in docs/ccda-differences.md, and is no difference: %s", s)
	}
}
