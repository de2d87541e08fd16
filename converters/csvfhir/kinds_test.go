package csvfhir

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
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
	var all maptest.Survey
	for name, table := range examples {
		x, tab := exampleTable(t, s, name)
		if x.Table.Name != table {
			t.Errorf("%s is read as %s, not as %s", name, x.Table.Name, table)
			continue
		}
		if list := x.Unmapped(); len(list) > 0 {
			t.Errorf("%s: no row knows %v", name, list)
		}
		if rowLaws(t, &all, name, x, tab, 1000, true) == 0 {
			t.Errorf("%s has no rows", name)
		}
	}
	all.Log(t, 60)
	if x := all.Tally; len(all.Faults) > 0 || x.Folded > 0 || x.Unmapped > 0 || x.Invalid > 0 {
		t.Errorf("%d kinds of broken laws; %d values are folded, %d unmapped, %d invalid", len(all.Faults), x.Folded, x.Unmapped, x.Invalid)
	}
}

// TestStrangers holds rows of the tables below the folder CHARTPOST_STRANGERS, of those that are known without a mapping, against the laws. It is
// for finding what the examples do not have.
func TestStrangers(t *testing.T) {
	dir := os.Getenv("CHARTPOST_STRANGERS")
	if dir == "" {
		t.Skip("CHARTPOST_STRANGERS names no folder of tables")
	}
	s, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	var all maptest.Survey
	known, tables := 0, 0
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".csv", ".tsv"}, strings.ToLower(filepath.Ext(name))) {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := csvtab.Open(name, csvtab.Bytes(b), csvtab.Options{})
		if err != nil {
			return nil // no table
		}
		for _, tab := range f.Tables {
			tables++
			x, err := s.FindIn(filepath.Base(name), tab)
			if err != nil {
				return err
			}
			if x != nil {
				known++
				rowLaws(t, &all, name, x, tab, 50, false)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d tables are known", known, tables)
	all.Log(t, 60)
	if len(all.Faults) > 0 {
		t.Errorf("%d kinds of broken laws", len(all.Faults))
	}
}

// TestNotesInError: a note that is none any more is no current document, also for a reader who asks its status alone, nor is one a note that FHIR has as
// entered in error and no word of a list says so.
func TestNotesInError(t *testing.T) {
	set, _ := builtIn(t)
	list := "mrn,note_id,note_date,note_text,status\n1,N1,2026-01-02,All well,Signed\n1,N2,2026-01-03,Of another,ENTERED IN ERROR\n1,N3,2026-01-03,Of nobody,deleted\n1,N4,2026-01-03,Fine,\n"
	office := set.Named("office")
	out := convertTables(t, set, []*convert.File{inMemory("notes.csv", list)}, &convert.Options{To: "ndjson", TempDir: t.TempDir()}, office)
	all := strings.Join(out.lines, "\n")
	if strings.Count(all, `"status":"entered-in-error"`) != 2 || strings.Count(all, `"status":"current"`) != 2 {
		t.Error(all)
	}
	if rows := out.tables["note_list"]; len(rows) != 4 || rows[2]["status"] != "deleted" || rows[3]["status"] != "" {
		t.Errorf("back: %v", rows)
	}
	rec := recordOf(t, `{"resourceType":"DocumentReference","status":"entered-in-error","content":[{"attachment":{"contentType":"text/plain","data":"V2VsbC4="}}]}`)
	if rows := tablesOf(t, office, rec)["note_list"]; len(rows) != 0 {
		t.Errorf("a note in error is written as %v", rows)
	}
}

// rowLaws holds the first rows of a table against the laws, each for itself, and counts them. What cannot be read is a fault if whole.
func rowLaws(t *testing.T, all *maptest.Survey, name string, x *Match, tab *csvtab.Table, most int, whole bool) (n int) {
	t.Helper()
	m, err := x.Table.of.own()
	if err != nil {
		t.Fatal(err)
	}
	dates := csvtab.MDY // what the whole table says, one row alone may not
	for _, c := range tab.Columns {
		if c.Dates != nil && c.Dates.Order != "" {
			dates = c.Dates.Order
		}
	}
	for r, err := range tab.Rows() {
		if err != nil || r.Fault != nil {
			if whole {
				t.Errorf("%s: %v %v", name, err, r)
			}
			continue
		}
		if n++; n > most {
			break
		}
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
				f, err := csvtab.Open(name, csvtab.Bytes(b), csvtab.Options{Header: csvtab.HeaderYes, Comma: ',', Footer: true, Dates: dates})
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
				if d == nil {
					return nil, errors.New("no row")
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
			if whole {
				t.Errorf("%s, row %d: %v", name, r.Number, err)
			}
			continue
		}
		if unsaid(res.Doc, []*row{{of: newOpened(x, tab)}}) != nil {
			continue // such a row is rejected
		}
		if whole {
			kit.Deterministic(t, text.Bytes())
			if lines, err := maptest.Lines(res.Record); err != nil || strings.Contains(strings.Join(lines, ""), columnURL) {
				t.Errorf("%s, row %d: a column is kept, for no row reads it here (%v)", name, r.Number, err)
			}
		}
		all.Add(fmt.Sprintf("%s, row %d", name, r.Number), res)
	}
	return n
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
