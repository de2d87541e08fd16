// Package views writes FHIR R4 as tables by ViewDefinitions of SQL on FHIR v2 (2.1.0-pre): the built-in sets of views, and csv, xlsx and
// ndjson as formats of rows.
package views

import (
	"embed"
	"strings"

	"github.com/chartpost/chartpost/pkg/sqlview"
)

// Set is a built-in set of views.
type Set struct {
	Name  string
	What  string // in words
	files []string
}

// Sets are the built-in sets.
func Sets() []Set { return sets }

var sets = []Set{
	{"patients", "a list with a row for each patient", []string{"patients"}},
	{"summary", "a row for each patient, with problems, allergies, medications and counts", []string{"summary"}},
	{"synthea", "the 16 files of Synthea as it wrote them until 2023", []string{"synthea", "synthea_common"}},
	{"synthea-4", "the 19 files of Synthea as it writes them now", []string{"synthea-4", "synthea_common"}},
}

//go:embed sets/*.json
var texts embed.FS

// SetNames are the names of the built-in sets in words.
func SetNames() string {
	var names []string
	for _, s := range sets {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// Named are the views of a built-in set.
func Named(name string) (list []*sqlview.View, ok bool) {
	for _, s := range sets {
		if s.Name != name {
			continue
		}
		for _, f := range s.files {
			text, err := texts.ReadFile("sets/" + f + ".json")
			if err != nil {
				panic(err) // a fault of the build
			}
			views, _ := sqlview.Parse(f+".json", f, text) // a test finds what is wrong with it
			list = append(list, views...)
		}
		return list, true
	}
	return nil, false
}
