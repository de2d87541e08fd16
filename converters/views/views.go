// Package views writes FHIR R4 as tables by ViewDefinitions of SQL on FHIR v2 (2.1.0-pre): the built-in sets of views, and csv, xlsx and
// ndjson as formats of rows.
package views

import (
	_ "embed" // the sets
	"strings"

	"github.com/chartpost/chartpost/pkg/sqlview"
)

// Set is a built-in set of views.
type Set struct {
	Name string
	What string // in words
	text string
}

// Sets are the built-in sets.
func Sets() []Set { return sets }

var (
	//go:embed sets/patients.json
	patients string
	//go:embed sets/summary.json
	summary string
)

var sets = []Set{
	{"patients", "a list with one row for each patient", patients},
	{"summary", "one row for each patient of a record, with problems, allergies, medications and counts", summary},
}

// SetNames are the names of the built-in sets in words.
func SetNames() string {
	var names []string
	for _, s := range sets {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// Named are the views of a built-in set.
func Named(name string) ([]*sqlview.View, bool) {
	for _, s := range sets {
		if s.Name == name {
			list, _ := sqlview.Parse(name, name, []byte(s.text)) // a test finds what is wrong with it
			return list, true
		}
	}
	return nil, false
}
