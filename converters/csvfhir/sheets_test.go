package csvfhir

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
)

// workbook makes a workbook of sheets, whose first lines are their names and whose cells bars separate; a name that begins with - is hidden.
func workbook(t *testing.T, sheets ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := csvtab.NewWorkbook(&b, nil)
	var hidden []string
	for _, text := range sheets {
		lines := strings.Split(text, "\n")
		name, hide := strings.CutPrefix(lines[0], "-")
		if hide {
			hidden = append(hidden, name)
		}
		var fields []csvtab.Field
		for _, n := range strings.Split(lines[1], "|") {
			fields = append(fields, csvtab.Field{Name: n})
		}
		s, err := w.Sheet(name, fields)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines[2:] {
			if err := s.Row(strings.Split(line, "|")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// A sheet is hidden by an attribute that the writer has no use for.
	in, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, m := range in.File {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name == "xl/workbook.xml" {
			for _, name := range hidden {
				text = bytes.Replace(text, []byte(`name="`+name+`"`), []byte(`name="`+name+`" state="hidden"`), 1)
			}
		}
		to, err := z.Create(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// bySheet are two mappings' kinds of which only the sheets' names say which is which.
const bySheet = `---
name: Two sheets
matches: {format: csv}
options: {dates: dmy}
files:
  people:
    sheet: patients*
    headers: [No, Date]
    key: No
    record: No
  shots:
    sheet: Shots
    headers: [No, Date]
    record: No
---
table people -> Patient
No    ST    identifier[system='https://maple.example/mrn'].value
Date  BIRTH birthDate

table shots -> Immunization
No           ref(people)  patient
Date         DATETIME     occurrenceDateTime
'flu'        ST           vaccineCode.text
'completed'  ST           status
`

// TestSheets: the sheets of a workbook are tables of one input, as files of a folder are. Those that are hidden are read if somebody names them.
func TestSheets(t *testing.T) {
	book := workbook(t, "Read me\nThis is a list\nof patients", "Patients 2026\nNo|Date\n1|3/4/1960\n2|5/6/1961", "-shots\nNo|Date\n2|7/8/2020", "-Lookup\nCode|Word\nA|Active")
	set, err := NewSet(parsed(t, bySheet))
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Mappings[0].Check(); err != nil {
		t.Fatal(err)
	}
	type row = map[string]string
	patients := []row{{"No": "1", "Date": "1960-04-03"}, {"No": "2", "Date": "1961-06-05"}}
	shots := []row{{"No": "2", "Date": "2020-08-07"}}
	for _, c := range []struct {
		sheets   []string
		back     map[string][]row
		findings string
		rejected []string
	}{
		{nil, map[string][]row{"people": patients, "shots": shots}, "1 sheet not read, since hidden: Lookup", []string{"CP-CSV-050 book.xlsx, sheet Read me"}},
		{[]string{"patients 2026"}, map[string][]row{"people": patients}, "", nil},
		{[]string{"2", "SHOTS"}, map[string][]row{"people": patients, "shots": shots}, "", nil},
		{[]string{"Lookup"}, map[string][]row{}, "", []string{"CP-CSV-050 book.xlsx, sheet Lookup"}},
		{[]string{"3"}, map[string][]row{}, "", []string{"CP-CSV-041 book.xlsx"}}, // only two show
	} {
		o := convert.Options{To: "fhir", Sheets: c.sheets, TempDir: t.TempDir()}
		out := convertTables(t, set, []*convert.File{inMemory("book.xlsx", book)}, &o, set.Mappings[0])
		if d := cmp.Diff(c.back, out.tables); d != "" {
			t.Errorf("%v (-want +got):\n%s", c.sheets, d)
		}
		if d := cmp.Diff(c.rejected, out.rejected); d != "" {
			t.Errorf("%v, rejected (-want +got):\n%s", c.sheets, d)
		}
		if got := strings.Join(out.findings, "\n"); c.findings != "" && !strings.Contains(got, c.findings) || c.findings == "" && strings.Contains(got, "CP-CSV-036") {
			t.Errorf("%v: findings %s", c.sheets, got)
		}
	}
}
