package csvfhir

import (
	"slices"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/suggest"
)

const officeName = "office"

// Office is the built-in mapping of what offices keep in lists, with its kinds of list: what map suggest goes by.
func Office() (*mapping.File, []*suggest.Kind, error) {
	all, err := files()
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(all, func(f *mapping.File) bool { return f.Name == officeName+".map" })
	kinds, err := suggest.KindsOf(all[i], "Person")
	if err != nil {
		return nil, nil, err
	}
	for _, k := range kinds {
		for _, c := range k.Columns {
			c.Person = c.Person || k.Name == "people"
		}
	}
	return all[i], kinds, nil
}

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
func (x *Match) Mapping() string { return x.Table.of.Name }
