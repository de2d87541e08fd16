package csvfhir

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
	"github.com/chartpost/chartpost/pkg/tree"
)

// examples are the files of examples/csv, by the table that reads them.
var examples = map[string]string{
	"patients.csv": "people", "appointments.csv": "appointments", "immunizations.csv": "vaccinations", "labs.csv": "labs", "vitals.csv": "vitals", "lab-upload.csv": "results", "problems.csv": "problems",
	"medications.csv": "meds", "allergies.csv": "allergy_list", "visits.csv": "visits", "notes.csv": "note_list",
	"omop/person.csv": "person", "omop/visit_occurrence.csv": "visit_occurrence", "omop/condition_occurrence.csv": "condition_occurrence",
	"omop/drug_exposure.csv": "drug_exposure", "omop/procedure_occurrence.csv": "procedure_occurrence", "omop/measurement.csv": "measurement",
	"omop/observation.csv": "observation", "omop/death.csv": "death", "omop/note.csv": "note", "omop/provider.csv": "provider", "omop/care_site.csv": "care_site",
	"registry/client.txt": "client", "registry/immunization.txt": "immunization", "registry/comment.txt": "comment",
}

// exampleTable opens an example and finds the table that reads it.
func exampleTable(t *testing.T, s *Set, name string) (*Match, *csvtab.Table) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../examples/csv", name))
	if err != nil {
		t.Fatal(err)
	}
	var o csvtab.Options
	blind := s.Blind(name)
	if blind != nil {
		for _, w := range must(blind.Widths()) {
			o.Fixed = append(o.Fixed, csvtab.Span{Name: w.Name, Start: w.Start + 1, Len: w.Len})
		}
		o.Dates = csvtab.Order(blind.of.File.Head.Options.Dates)
	}
	f, err := csvtab.Open(name, csvtab.Bytes(b), o)
	if err != nil {
		t.Fatal(err)
	}
	tab := f.Tables[0]
	if blind != nil {
		return blind.blindMatch(tab), tab
	}
	x := s.Find(filepath.Base(name), "", tab.Header())
	if x == nil {
		t.Fatalf("%s: no mapping knows it", name)
	}
	return x, tab
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

// TestKindsLaws holds every row of every example against the laws: nothing is lost in silence, all that is carried comes back, and FHIR is stable.
// Every column of an example is known to a row.
func TestKindsLaws(t *testing.T) {
	s, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	total := tree.Tally{}
	for name, table := range examples {
		x, tab := exampleTable(t, s, name)
		if x.Table.Name != table {
			t.Errorf("%s is read as %s, not as %s", name, x.Table.Name, table)
			continue
		}
		if list := x.Unmapped(); len(list) > 0 {
			t.Errorf("%s: no row knows %v", name, list)
		}
		m, err := x.Table.of.own()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for r, err := range tab.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			if r.Fault != nil {
				t.Errorf("%s: row %d: %v", name, r.Number, r.Fault)
				continue
			}
			n++
			one := func(table *csvtab.Table, match *Match, r *csvtab.Row) *tree.Doc {
				d := tree.New(Format, 64)
				fill(d, []*row{{of: newOpened(match, table), number: r.Number, line: r.Line, cells: slices.Clone(r.Cells)}})
				return d
			}
			var text bytes.Buffer // the row alone, as a file of its own
			w := csv.NewWriter(&text)
			cells := make([]string, len(r.Cells))
			for i := range cells {
				cells[i] = r.Cells[i].Text
			}
			w.Write(x.Names)
			w.Write(cells)
			w.Flush()
			kit := &maptest.Kit{
				Map:   m,
				Table: func(*tree.Doc) (string, string) { return ScopeName, "Bundle" },
				Parse: func(b []byte) (*tree.Doc, error) {
					f, err := csvtab.Open(name, csvtab.Bytes(b), csvtab.Options{Header: csvtab.HeaderYes, Comma: ',', Footer: true, Dates: "mdy"})
					if err != nil {
						return nil, err
					}
					var d *tree.Doc
					for again, err := range f.Tables[0].Rows() {
						if err != nil {
							return nil, err
						}
						names := x.Table.canonical(f.Tables[0].Header())
						d = one(f.Tables[0], &Match{Table: x.Table, Names: names}, again)
					}
					return d, nil
				},
				Print: func(d *tree.Doc) []byte { return printRow(d, x.Table.Name, x.Table.Columns) },
				Read:  mapping.ReadOptions{Key: "test", NoBundle: true},
				Same: func(d *tree.Doc) func(tree.Node) string {
					return func(n tree.Node) string { return d.Name(n) + "#" + string(rune('0'+d.Ordinal(n))) }
				},
			}
			res, err := kit.Run(text.Bytes())
			if err != nil {
				t.Errorf("%s, row %d: %v", name, r.Number, err)
				continue
			}
			for _, f := range res.Faults {
				t.Errorf("%s, row %d: %s", name, r.Number, f)
			}
			kit.Deterministic(t, text.Bytes())
			total = total.Plus(res.Tally)
			res.Doc.Leaves(func(n tree.Node, state tree.State, why string) {
				if state == tree.Unmapped || state == tree.Invalid {
					t.Errorf("%s, row %d: column %s is %s %s", name, r.Number, res.Doc.Name(n), state, why)
				}
			})
		}
		if n == 0 {
			t.Errorf("%s has no rows", name)
		}
	}
	t.Logf("%d values, %d carried, %d folded, %d declined", total.Values(), total.Carried, total.Folded, total.Declined)
	if total.Folded > 0 {
		t.Errorf("%d values are folded", total.Folded)
	}
}

// printRow writes the one row of a table as CSV with its header.
func printRow(d *tree.Doc, table string, columns []string) []byte {
	cells := map[string][]string{}
	names := slices.Clone(columns)
	for r := d.First(tree.Root); r != 0; r = d.Next(r) {
		if d.Name(r) != table {
			continue
		}
		for k := d.First(r); k != 0; k = d.Next(k) {
			if text := d.Text(k); text != "" {
				cells[d.Name(k)] = append(cells[d.Name(k)], text)
				if !slices.Contains(names, d.Name(k)) {
					names = append(names, d.Name(k))
				}
			}
		}
	}
	var line []string
	for _, n := range names {
		line = append(line, strings.Join(cells[n], ";"))
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(names)
	w.Write(line)
	w.Flush()
	return b.Bytes()
}
