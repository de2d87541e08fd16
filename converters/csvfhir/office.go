package csvfhir

import (
	"slices"
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
