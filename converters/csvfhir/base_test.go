package csvfhir

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
)

// registryBase is a registry whose lines are those of the built-in mapping but for two places, with a letter of its own.
const registryBase = `---
name: Maple State registry
version: "1"
base: registry
matches: {format: csv}
files:
  client:
    file: patients*.dat
    fixed:
      - phone 590-606
      - clinic_letter 586-586
---
table client -> Patient
clinic_letter  ST  extension(csv/clinic-letter).valueString
drop client_status -> extension(csv/client-status).valueString
`

// TestBase: a mapping on a base is the built-in one, but for the lines that it has itself.
func TestBase(t *testing.T) {
	set, err := NewSet(parsed(t, registryBase))
	if err != nil {
		t.Fatal(err)
	}
	mine := set.Mappings[0]
	if err := mine.Check(); err != nil {
		t.Fatal(err)
	}
	line := func(cells map[int]string) string {
		b := []byte(strings.Repeat(" ", 606))
		for at, text := range cells {
			copy(b[at-1:], text)
		}
		return string(b) + "\r\n"
	}
	text := line(map[int]string{1: "MS1", 25: "A", 26: "ANN", 76: "VALE", 121: "03141980", 553: "2175550199", 586: "Q", 590: "2175550101"})
	o := convert.Options{To: "ndjson", TempDir: t.TempDir()}
	out := convertTables(t, set, []*convert.File{inMemory("patients_2026.dat", text), inMemory("comment.txt", "MS1                     0304022019\r\n")}, &o, mine)
	all := strings.Join(out.lines, "\n")
	for _, part := range []string{`"value":"2175550101"`, `csv-clinic-letter","valueString":"Q"`, `"birthDate":"1980-03-14"`, `"active":true`, `"code":"03"`} {
		if !strings.Contains(all, part) {
			t.Errorf("the FHIR lacks %s:\n%s", part, all)
		}
	}
	for _, part := range []string{"2175550199", "csv-client-status"} {
		if strings.Contains(all, part) {
			t.Errorf("the FHIR has %s:\n%s", part, all)
		}
	}
	// What stands where the base has a column and this registry has none is in no column.
	if want := "CP-CSV-042 patients_2026.dat:1, row 1: 1 row with text that stands in no column"; !slices.Equal(out.findings, []string{want}) {
		t.Errorf("findings %v, want %s", out.findings, want)
	}
	if len(out.rejected)+len(out.ledger) > 0 {
		t.Errorf("rejected %v, not carried %v", out.rejected, out.ledger)
	}
}

// TestBaseNames: an office adds its own name of a column to the built-in lists, and an overlay's columns are known.
func TestBaseNames(t *testing.T) {
	set, err := NewSet(parsed(t, "---\nname: Maple\nbase: office\nmatches: {format: csv}\nfiles:\n  people:\n    columns: {mrn: [Our Number]}\n---\n",
		"---\nname: shoes\nmatches: {format: csv}\n---\ntable People -> Patient\n\"Shoe Size\"  ST  extension(csv/shoe).valueString\n"))
	if err != nil {
		t.Fatal(err)
	}
	x := set.Find("list.csv", "", []string{"Our Number", "Surname", "dob"})
	if x == nil || x.Table.of.BuiltIn || strings.Join(x.Names, ",") != "mrn,last_name,birth_date" {
		t.Errorf("%+v", x)
	}
	set, err = NewSet(parsed(t, "---\nname: shoes\nmatches: {format: csv}\n---\ntable People -> Patient\n\"Shoe Size\"  ST  extension(csv/shoe).valueString\n"))
	if err != nil {
		t.Fatal(err)
	}
	if x := set.Find("list.csv", "", []string{"MRN", "Last Name", "DOB", "shoe size"}); x == nil || len(x.Unmapped()) > 0 {
		t.Errorf("%+v", x)
	}
	for text, fault := range map[string]string{
		"---\nname: M\nbase: registre\nmatches: {format: csv}\n---\n":                                "there is no built-in mapping registre",
		"---\nname: M\nbase: registry\nmatches: {format: csv}\nfiles:\n  clients: {file: a*}\n---\n": "the base registry has no files clients",
	} {
		if _, err := NewSet(parsed(t, text)); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%v, want %s", err, fault)
		}
	}
}

// TestRegistryPlaces: the places that docs/lists.md tells are those that the mapping reads.
func TestRegistryPlaces(t *testing.T) {
	doc, err := os.ReadFile("../../docs/lists.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range all {
		if f.Name != "registry.map" {
			continue
		}
		for _, name := range f.Head.Names {
			for _, line := range f.Head.Files[name].Fixed {
				if n++; !strings.Contains(string(doc), line) {
					t.Errorf("docs/lists.md does not tell %s of %s", line, name)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("%d columns", n)
	}
}
