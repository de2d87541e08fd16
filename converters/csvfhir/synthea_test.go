package csvfhir

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
	"github.com/chartpost/chartpost/pkg/tree"
)

// folder gives the tables of a folder as files.
func folder(t testing.TB, dir string) (files []*convert.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no tables: %v", dir, err)
	}
	slices.Sort(names)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, inMemory(filepath.Base(name), string(b)))
	}
	return files
}

func inMemory(name, text string) *convert.File {
	return &convert.File{Name: name, Path: name, Size: int64(len(text)), Open: csvtab.Bytes([]byte(text))}
}

// run is a conversion of tables, as a job makes it, without one.
type run struct {
	records  []*convert.Record
	tally    tree.Tally
	ledger   map[string]string // what was not carried: at, and its state with the reason
	findings []string
	rejected []string
	lines    []string // of NDJSON
	tables   map[string][]map[string]string
}

// convertTables reads tables, and writes what they make as NDJSON and as tables of a mapping.
func convertTables(t testing.TB, set *Set, files []*convert.File, o *convert.Options, back *Mapping) *run {
	t.Helper()
	out := &run{ledger: map[string]string{}, tables: map[string][]map[string]string{}}
	format := Reader(set)
	worker := format.NewWorker(o)
	var again []*mapping.Record
	for raw, err := range set.readFiles(files, o) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range raw.Findings {
			out.findings = append(out.findings, string(f.ID)+" "+f.Place.String()+": "+f.What)
		}
		if raw.Index == 0 {
			continue
		}
		if raw.Reject != nil {
			out.rejected = append(out.rejected, string(raw.Reject.ID)+" "+raw.Reject.Place.String())
			continue
		}
		rec, err := worker.ToHub(raw)
		if err != nil {
			out.rejected = append(out.rejected, err.Error())
			continue
		}
		for _, f := range slices.Concat(rec.Findings, rec.Record.Findings) {
			out.findings = append(out.findings, string(f.ID)+" "+f.Place.String())
		}
		seen := map[string]bool{}
		rec.Leaves(func(place func() string, s tree.State, why string) {
			out.tally.Add(s)
			at := place()
			if seen[at] {
				t.Errorf("the place %s stands twice in a record", at)
			}
			seen[at] = true
			if s != tree.Carried {
				out.ledger[at] = s.String() + " " + why
			}
		})
		lines, err := maptest.Lines(rec.Record)
		if err != nil {
			t.Fatal(err)
		}
		out.lines = append(out.lines, lines...)
		out.records = append(out.records, rec)
		if back != nil {
			r, err := maptest.Rebuild(rec.Record)
			if err != nil {
				t.Fatalf("what was made is no FHIR: %v", err)
			}
			again = append(again, r)
		}
	}
	if back != nil {
		out.tables = tablesOf(t, back, again...)
	}
	return out
}

// tablesOf are the tables that a mapping writes of records.
func tablesOf(t testing.TB, m *Mapping, records ...*mapping.Record) map[string][]map[string]string {
	t.Helper()
	texts, tables := map[string]*bytes.Buffer{}, map[string][]map[string]string{}
	g := &gatherer{m: m, dir: t.TempDir(), tables: map[string]*waiting{}, end: func() error { return nil }}
	g.begin = func(name string, fields []csvtab.Field) (csvtab.RowWriter, error) {
		texts[name] = &bytes.Buffer{}
		return csvtab.NewWriter(texts[name], fields, csvtab.Writing{}), nil
	}
	rows := &writer{of: m}
	for _, rec := range records {
		parts, _, err := rows.FromHub(&convert.Record{Record: rec})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if err := g.Put(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	for name, b := range texts {
		tables[name] = rowsOf(t, b.String())
	}
	return tables
}

// recordOf is a record of a resource that no table wrote.
func recordOf(t testing.TB, resource string) *mapping.Record {
	t.Helper()
	m, finds := fhir.Unmarshal([]byte(resource))
	if f := fhir.Lost(finds); f != nil {
		t.Fatal(f)
	}
	return mapping.NewRecord(nil, mapping.NewResource(m, ""))
}

// rowsOf reads a table as maps from column to cell.
func rowsOf(t testing.TB, text string) (list []map[string]string) {
	t.Helper()
	f, err := csvtab.Open("", csvtab.Bytes([]byte(text)), csvtab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range f.Tables[0].Rows() {
		if err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, c := range r.Cells {
			if !c.Blank() {
				row[f.Tables[0].Columns[i].Name] = strings.Clone(c.Text)
			}
		}
		list = append(list, row)
	}
	return list
}

func builtIn(t testing.TB, given ...string) (*Set, *Mapping) {
	t.Helper()
	set, err := NewSet(parsed(t, given...))
	if err != nil {
		t.Fatal(err)
	}
	return set, set.Named("synthea")
}

// TestSyntheaOtherRace: other races are none of OMB's categories, which US Core binds ombCategory to.
func TestSyntheaOtherRace(t *testing.T) {
	set, synthea := builtIn(t)
	text := "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE\n" +
		"0a1b2c3d-0000-4000-8000-000000000001,1980-02-03,,,,,,Ada,Example,,,,other,nonhispanic,F,,,,,,,,,,\n"
	out := convertTables(t, set, []*convert.File{inMemory("patients.csv", text)}, &convert.Options{To: "ndjson", TempDir: t.TempDir()}, synthea)
	all := strings.Join(out.lines, "\n")
	if !strings.Contains(all, `"detailed","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2131-1"}`) || len(out.ledger) > 0 {
		t.Errorf("not a detailed race: %s, %v", all, out.ledger)
	}
	if rows := out.tables["patients"]; len(rows) != 1 || rows[0]["RACE"] != "other" {
		t.Errorf("back: %v", rows)
	}
	// Synthea's own FHIR has it as a category.
	rec := recordOf(t, `{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[`+
		`{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2131-1"}},{"url":"text","valueString":"Other"}]}]}`)
	if rows := tablesOf(t, synthea, rec)["patients"]; len(rows) != 1 || rows[0]["RACE"] != "other" {
		t.Errorf("of Synthea's FHIR: %v", rows)
	}
	// Older files say hispanic, which is no race of the CDC's: the text alone says it.
	out = convertTables(t, set, []*convert.File{inMemory("patients.csv", strings.Replace(text, ",other,", ",hispanic,", 1))}, &convert.Options{To: "ndjson", TempDir: t.TempDir()}, synthea)
	if rows := out.tables["patients"]; len(rows) != 1 || rows[0]["RACE"] != "hispanic" {
		t.Errorf("back: %v", rows)
	}
}

// TestSynthea takes the tables of the shared corpus to FHIR and back, row by row and in records of patients: every cell is carried and
// comes back as it was.
func TestSynthea(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus", "csv", "synthea")
	for _, to := range []string{"ndjson", "fhir"} {
		t.Run(to, func(t *testing.T) {
			set, synthea := builtIn(t)
			out := convertTables(t, set, folder(t, dir), &convert.Options{To: to, TempDir: t.TempDir()}, synthea)
			if len(out.rejected) > 0 || len(out.ledger) > 0 {
				t.Errorf("rejected: %v, not carried: %v", out.rejected, out.ledger)
			}
			cells, same := 0, 0
			for _, f := range folder(t, dir) {
				name := strings.TrimSuffix(f.Name, ".csv")
				x := synthea.table(name)
				if x == nil {
					t.Errorf("%s: no table", f.Name)
					continue
				}
				r, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				var text bytes.Buffer
				text.ReadFrom(r)
				var want []map[string]string
				for _, row := range rowsOf(t, text.String()) {
					canonical := map[string]string{}
					for column, cell := range row {
						canonical[x.canonical([]string{column})[0]] = cell
					}
					want = append(want, canonical)
				}
				got := out.tables[name]
				if len(got) != len(want) {
					t.Errorf("%s: %d rows came back of %d", f.Name, len(got), len(want))
				}
				left := map[string]int{}
				for _, row := range got {
					left[key(row, want[0])]++
				}
				for _, row := range want {
					cells += len(row)
					if k := key(row, want[0]); left[k] > 0 {
						left[k]--
						same += len(row)
					}
				}
			}
			t.Logf("%d of %d cells come back in rows that are as they were; %d records", same, cells, len(out.records))
			if cells < 40000 || float64(same) < 0.99*float64(cells) {
				t.Errorf("%d of %d cells come back in rows that are as they were", same, cells)
			}
		})
	}
}

// key is a row with the columns that the source's table has; columns that are made beside them do not count.
func key(row, _ map[string]string) string {
	var b strings.Builder
	for _, c := range slices.Sorted(maps.Keys(row)) {
		if c == "SYSTEM" && row[c] == "http://snomed.info/sct" {
			continue // of tables that do not say it
		}
		fmt.Fprintf(&b, "%s=%s\n", c, row[c])
	}
	return b.String()
}
