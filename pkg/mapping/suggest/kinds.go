package suggest

import (
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// KindsOf are the kinds of file of a mapping, with what its head calls their columns. person is the table that reads the patient of a row.
func KindsOf(f *mapping.File, person string) ([]*Kind, error) {
	w, err := walkerOf(f)
	if err != nil {
		return nil, err
	}
	var kinds []*Kind
	for _, name := range f.Head.Names {
		head := f.Head.Files[name]
		k := &Kind{Name: name}
		byName := map[string]*Known{}
		w.each(name, func(table string, r *mapping.Row) {
			column := mapping.ColumnName(r.Place)
			have := byName[column]
			if have == nil {
				have = &Known{Name: column, Names: head.Columns[column]}
				byName[column] = have
				k.Columns = append(k.Columns, have)
			}
			have.Person = have.Person || table == person
			if have.Content == nil {
				have.Content = contentOf(r)
			}
		})
		for _, want := range head.Headers {
			var list []*Known
			for _, column := range strings.Split(want, "|") {
				if c := byName[column]; c != nil {
					list = append(list, c)
				}
			}
			if len(list) > 0 {
				k.Needs = append(k.Needs, list)
			}
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

// A walker walks the rows that read one row of a file: those of its table and of the tables that these read the same row with.
type walker struct {
	tables map[string][]*mapping.Table
	rows   map[*mapping.Table][]*mapping.Row

	numbers string // the system of patients' numbers, for copies
}

func walkerOf(f *mapping.File) (*walker, error) {
	w := &walker{tables: map[string][]*mapping.Table{}, rows: map[*mapping.Table][]*mapping.Row{}}
	for _, x := range f.Items {
		if t, ok := x.(*mapping.Table); ok {
			rows, err := t.AllRows()
			if err != nil {
				return nil, err
			}
			w.tables[t.Name] = append(w.tables[t.Name], t)
			w.rows[t] = rows
		}
	}
	return w, nil
}

// each calls f for every row that names a column, with the table that it stands in.
func (w *walker) each(name string, f func(table string, r *mapping.Row)) {
	var seen []string
	var walk func(name string)
	walk = func(name string) {
		if slices.Contains(seen, name) {
			return
		}
		seen = append(seen, name)
		for _, t := range w.tables[name] {
			for _, r := range w.rows[t] {
				switch {
				case r.Kind == mapping.MapRow && r.Place == ".":
					walk(r.Type)
				case r.Kind == mapping.MapRow || r.Kind == mapping.DeclineSource:
					f(name, r)
				}
			}
		}
	}
	walk(name)
}

// contentOf is what stands in the column of a row, as far as its type or its place in FHIR says.
func contentOf(r *mapping.Row) *Content {
	switch r.Type {
	case "DATE", "DATETIME", "INSTANT", "BIRTH":
		return contentNamed("dates")
	case "SEX":
		return contentNamed("administrative sexes")
	case "FHIR":
		return contentNamed("FHIR resources")
	}
	for _, x := range []struct{ part, content string }{
		{"[system=phone", "telephone numbers"}, {"[system=email", "e-mail addresses"}, {"[system=us-npi", "NPI numbers"}, {"[system=us-ssn", "social security numbers"},
		{"[system=icd-10-cm]", "ICD-10 codes"}, {"[system=cvx]", "CVX codes"}, {"[system=loinc]", "LOINC codes"}, {"[system=sct]", "SNOMED CT codes"},
		{"[system=ndc]", "NDC codes"}, {"address.state", "states"}, {"address.postalCode", "ZIP codes"},
	} {
		if strings.Contains(r.Target, x.part) {
			return contentNamed(x.content)
		}
	}
	return nil
}
