package csvfhir

import (
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/suggest"
)

const officeName = "office"

// Office is the built-in mapping of what offices keep in lists, with its kinds of list: what map suggest goes by.
func Office() (*mapping.File, []*suggest.Kind, error) {
	x, err := office()
	return x.file, x.kinds, err
}

type officeLists struct {
	file  *mapping.File
	kinds []*suggest.Kind
}

// office reads the lists once.
var office = sync.OnceValues(func() (x officeLists, err error) {
	all, err := files()
	if err != nil {
		return x, err
	}
	x.file = all[slices.IndexFunc(all, func(f *mapping.File) bool { return f.Name == officeName+".map" })]
	if x.kinds, err = suggest.KindsOf(x.file, "Person"); err != nil {
		return x, err
	}
	for _, k := range x.kinds {
		for _, c := range k.Columns {
			c.Person = c.Person || k.Name == "people"
		}
	}
	return x, nil
})

// ofOthers reports a list that has the columns of a list of patients and is of something else: one whose own number, in its first column, is a
// doctor's or an employee's, and one of diseases, tests or medicines, in which nothing but a column Name would be a patient's.
func (x *Match) ofOthers(columns []string) bool {
	has := func(name string) bool { return slices.Contains(x.Names, name) }
	if len(columns) == 0 || has("mrn") {
		return false
	}
	if staffNumbers[normal(columns[0])] {
		return true
	}
	i := slices.Index(x.Names, "full_name")
	if x.Table.Name == "people" || i < 0 || normal(columns[i]) != "name" && normal(columns[i]) != "nom" {
		return false
	}
	kind := x.Table.of.kind(x.Table.Name)
	return !slices.ContainsFunc(kind.Columns, func(k *suggest.Known) bool { return k.Person && k.Name != "full_name" && has(k.Name) })
}

// ofAnything reports a list of problems, appointments, visits or notes by nothing but columns that any list may have, a description with a date and a state: visits,
// tasks and orders have them too, and what somebody is to do for a patient is not what the patient has.
func (x *Match) ofAnything(file, sheet string, columns []string) bool {
	words := tellingWords[x.Table.Name]
	if words == nil {
		return false
	}
	tells := func(name string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(normal(name), w) })
	}
	if tells(path.Base(file)) || sheet != anySheet && tells(sheet) {
		return false
	}
	for i, name := range x.Names {
		if x.Table.known[name] && name != "mrn" && (tells(columns[i]) || slices.Contains(tellingColumns[x.Table.Name], name)) {
			return false
		}
	}
	return true
}

// tellingColumns are columns that no list has but one of this kind, whatever they are called.
var tellingColumns = map[string][]string{"appointments": {"appointment_id", "time", "room"}}

// tellingWords stand in the names of what only lists of a kind have. They are normal as names of columns are, of which they are parts.
var tellingWords = map[string][]string{
	"appointments": {"appointment", "appt", "termin", "rdv", "rendez", "cita", "turno", "booking", "visit", "consult"},
	"problems": {"problem", "diagn", "condition", "dx", "icd", "cim10", "cie10", "snomed", "sct", "onset", "abatement", "resol", "clinical",
		"verification", "certainty", "severity", "laterality", "bodysite", "begdate", "listtype", "issuetype", "comorbid", "disease", "disorder",
		"illness", "morbid", "patholog", "krankheit", "maladie", "antécédent", "enfermedad", "noted", "since", "pmh"},
	"visits": {"encounter", "admi", "discharge", "disch", "stay", "episode", "visit", "hospital", "inpatient", "arrival", "aufnahme", "entlass", "ankunft",
		"séjour", "entrée", "ingreso", "egreso", "atencion", "atención"},
	"note_list": {"note", "document", "report", "narrative", "transcri", "soap", "clinicaltext", "arztbrief", "befundtext", "verlauf", "compterendu", "nota", "evoluci"},
}

var staffNumbers = map[string]bool{"doctorid": true, "physicianid": true, "providerid": true, "practitionerid": true, "clinicianid": true, "nurseid": true,
	"staffid": true, "employeeid": true, "arztid": true, "médecinid": true, "idmedico": true, "idmédico": true}

// Suggested checks the text of a mapping as map check does, and that a file with these columns is one that it reads.
func Suggested(name string, text []byte, file string, columns []string) error {
	f, err := mapping.ParseFile(name, text)
	if err != nil {
		return err
	}
	all, err := files()
	if err != nil {
		return err
	}
	common := slices.DeleteFunc(slices.Clone(all), func(f *mapping.File) bool { return f.Head != nil })
	m, err := newMapping(f, common, nil)
	if err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	if !slices.ContainsFunc(m.Tables, func(t *Table) bool { return t.match(file, anySheet, columns) != nil }) {
		return mapping.Faults{{ID: mapping.MapHead, Pos: f.Head.Pos, Msg: "the head does not ask for the columns of " + file, Hint: "look at headers"}}
	}
	return nil
}

// Mapping is the name of the mapping that knows a table.
func (x *Match) Mapping() string { return x.Table.Mapping() }

// Mapping is the name of the mapping that has a kind of file.
func (t *Table) Mapping() string { return t.of.Name }
