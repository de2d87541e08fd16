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
	case "NAME":
		return contentNamed(namesOfPeople)
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

// ColumnContent is what a column of a table should hold, as its rows say.
type ColumnContent struct {
	Column  string
	System  string   // the name of the system whose codes or numbers stand in it; empty if no row says
	Content *Content // nil: any text
}

// ContentsOf are the contents of the columns of a kind of file.
func ContentsOf(f *mapping.File, name string) ([]ColumnContent, error) {
	w, err := walkerOf(f)
	if err != nil {
		return nil, err
	}
	var list []ColumnContent
	w.each(name, func(_ string, r *mapping.Row) {
		if r.Kind != mapping.MapRow || len(r.If) > 0 || len(r.With) > 0 {
			return // another row may read the same column as something else
		}
		x := ColumnContent{Column: mapping.ColumnName(r.Place), Content: contentOf(r)}
		if r.Type == "ST" || r.Type == "CODE" {
			x.System = systemOf(r.Target)
		}
		if x.System != "" || x.Content != nil {
			list = append(list, x)
		}
	})
	return list, nil
}

// systemOf is the system that a target's tags give the code or value at its end.
func systemOf(target string) string {
	rest, ok := strings.CutSuffix(target, ".code")
	if !ok {
		if rest, ok = strings.CutSuffix(target, ".value"); !ok {
			return ""
		}
	}
	open := strings.LastIndexByte(rest, '[')
	if open < 0 || !strings.HasSuffix(rest, "]") {
		return ""
	}
	for _, tag := range strings.Split(rest[open+1:len(rest)-1], ",") {
		if s, ok := strings.CutPrefix(tag, "system="); ok {
			return s
		}
	}
	return ""
}
