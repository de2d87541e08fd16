package csvfhir

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// TestCheck compiles every built-in mapping: every fault with its line.
func TestCheck(t *testing.T) {
	set, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range set.Mappings {
		if err := m.Check(); err != nil {
			t.Errorf("%s:\n%v", m.Name, err)
		}
	}
}

func parsed(t testing.TB, texts ...string) (files []*mapping.File) {
	t.Helper()
	for i, text := range texts {
		f, err := mapping.ParseFile(fmt.Sprintf("mine%d.map", i), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// people is a mapping of a list of patients and their shots.
const people = `---
name: Maple Street
version: "1"
matches: {format: csv}
files:
  people:
    headers: [MRN, DOB]
    columns: {DOB: [Birth Date], First Name: [fname]}
    key: MRN
    record: MRN
    split: {Phones: ";"}
  shots:
    headers: [Patient, Vaccine, Given]
    record: Patient
---
table people -> Patient
MRN           ST         identifier[system='https://maple.example/mrn'].value
"First Name"  ST         name.given
DOB           BIRTH      birthDate
Sex           GENDER     gender
Phones        PHONE[]    telecom[system=phone].value
"Shoe Size"   -          not a health fact

table shots -> Immunization
Patient       ref(people)  patient
Vaccine       ST           vaccineCode.text
Given         DATETIME     occurrenceDateTime
'completed'   ST           status
`

// results is a list of a laboratory, whose rows name the patient each time.
const results = `---
name: Maple Street results
matches: {format: csv}
files:
  results:
    headers: [MRN, Test, Result]
    record: MRN
  people:
    headers: [MRN, Address]
    key: MRN
    record: MRN
---
table results -> Observation
.        who              subject -> Patient
Test     ST               code.text
Result   RESULT(Units)    .
Range    RANGE(Units)     referenceRange
'final'  ST               status

table who -> Patient
MRN      ST               identifier[system='https://maple.example/mrn'].value
Name     NAME             name
DOB      BIRTH            birthDate

table people -> Patient
MRN      ST               identifier[system='https://maple.example/mrn'].value
Address  ADDRESS          address
`

const rounded = "invalid a spreadsheet has rounded the identifier; the digits that are missing cannot be had again"

// A testcase is tables that go to FHIR and back by a mapping.
type testcase struct {
	name     string
	mapping  string
	files    map[string]string
	options  convert.Options
	ledger   map[string]string // what is not carried
	findings []string          // their ids
	rejected []string
	fhir     []string // parts of lines that must be there
	back     map[string][]map[string]string
}

func (c *testcase) run(t *testing.T) {
	set, err := NewSet(parsed(t, c.mapping))
	if err != nil {
		t.Fatal(err)
	}
	mine := set.Mappings[0]
	if err := mine.Check(); err != nil {
		t.Fatal(err)
	}
	var files []*convert.File
	for name, text := range c.files {
		files = append(files, inMemory(name, text))
	}
	slices.SortFunc(files, func(a, b *convert.File) int { return strings.Compare(a.Name, b.Name) })
	o := c.options
	if o.To == "" {
		o.To = "fhir"
	}
	o.TempDir = t.TempDir()
	out := convertTables(t, set, files, &o, mine)
	if c.ledger == nil {
		c.ledger = map[string]string{}
	}
	if d := cmp.Diff(c.ledger, out.ledger); d != "" {
		t.Errorf("not carried (-want +got):\n%s", d)
	}
	var ids []string
	for _, f := range out.findings {
		id, _, _ := strings.Cut(f, " ")
		ids = append(ids, id)
	}
	if d := cmp.Diff(c.findings, ids); d != "" {
		t.Errorf("findings (-want +got):\n%s\n%s", d, strings.Join(out.findings, "\n"))
	}
	if d := cmp.Diff(c.rejected, out.rejected); d != "" {
		t.Errorf("rejected (-want +got):\n%s", d)
	}
	all := strings.Join(out.lines, "\n")
	for _, part := range c.fhir {
		if !strings.Contains(all, part) {
			t.Errorf("the FHIR lacks %s:\n%s", part, all)
		}
	}
	if c.back == nil {
		c.back = map[string][]map[string]string{}
	}
	if d := cmp.Diff(c.back, out.tables); d != "" {
		t.Errorf("what comes back (-want +got):\n%s", d)
	}
}

func TestTables(t *testing.T) {
	type row = map[string]string
	for _, c := range []testcase{
		{name: "a row is a record, with names of its own for columns", mapping: people, options: convert.Options{To: "ndjson"},
			files:  map[string]string{"list.csv": "fname,birth_date,MRN,sex,shoe size\nAnn,1960-03-04,00123,F,38\n"},
			ledger: map[string]string{"row 2, column shoe size": "declined not a health fact"},
			fhir:   []string{`"birthDate":"1960-03-04"`, `"value":"00123"`, `"gender":"female"`},
			back:   map[string][]row{"people": {{"MRN": "00123", "First Name": "Ann", "DOB": "1960-03-04", "Sex": "female"}}}},
		{name: "rows of one patient are a record, in whatever file", mapping: people,
			files: map[string]string{"p.csv": "MRN,DOB\n1,1960-03-04\n2,1961-03-04\n", "s.csv": "Patient,Vaccine,Given\n2,Flu,2020-01-02\n1,Tdap,2021-01-02\n2,MMR,2022-01-02\n"},
			fhir:  []string{`"patient":{"reference":"urn:uuid:Patient#1","identifier":{"system":"https://maple.example/mrn","value":"1"}}`},
			back: map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04"}, {"MRN": "2", "DOB": "1961-03-04"}},
				"shots": {{"Patient": "1", "Vaccine": "Tdap", "Given": "2021-01-02"}, {"Patient": "2", "Vaccine": "Flu", "Given": "2020-01-02"}, {"Patient": "2", "Vaccine": "MMR", "Given": "2022-01-02"}}}},
		{name: "a key that leads to no row", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "MRN,DOB\n1,1960-03-04\n", "s.csv": "Patient,Vaccine,Given\n2,Flu,2020-01-02\n2,Flu,2020-02-02\n"},
			findings: []string{"CP-CSV-054"},
			back: map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04"}},
				"shots": {{"Patient": "2", "Vaccine": "Flu", "Given": "2020-01-02"}, {"Patient": "2", "Vaccine": "Flu", "Given": "2020-02-02"}}}},
		{name: "a table alone, whose keys lead out", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"s.csv": "Patient,Vaccine,Given\n2,Flu,2020-01-02\n"},
			findings: []string{"CP-CSV-053"},
			fhir:     []string{`"reference":"Patient/`},
			back:     map[string][]row{"shots": {{"Patient": "2", "Vaccine": "Flu", "Given": "2020-01-02"}}}},
		{name: "several values in a cell", mapping: people, options: convert.Options{To: "ndjson"},
			files: map[string]string{"p.csv": "MRN,DOB,Phones\n1,1960-03-04,555-0100;555-0101\n"},
			fhir:  []string{`{"system":"phone","value":"555-0100"},{"system":"phone","value":"555-0101"}`},
			back:  map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04", "Phones": "555-0100;555-0101"}}}},
		{name: "a value within a cell that cannot be read moves those behind it", mapping: people, options: convert.Options{To: "ndjson"},
			files: map[string]string{"p.csv": "MRN,DOB,Phones\n1,1960-03-04,555-0100;none;555-0101\n"},
			ledger: map[string]string{"row 2, column Phones[2]": "invalid not a telephone number",
				"row 2, column Phones[3]": "folded a value before it in the cell is left out: it comes back in that one's place"},
			back: map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04", "Phones": "555-0100;555-0101"}}}},
		{name: "what a spreadsheet has rounded identifies nothing", mapping: people,
			files: map[string]string{"p.csv": "MRN,DOB,Sex\n1.00012E+11,1960-03-04,F\n1.00012E+11,1961-03-04,M\n",
				"s.csv": "Patient,Vaccine,Given\n1.00012E+11,Flu,2020-01-02\n"},
			findings: []string{"CP-CSV-026", "CP-CSV-026"},
			ledger:   map[string]string{"p.csv, row 2, column MRN": rounded, "p.csv, row 3, column MRN": rounded, "s.csv, row 2, column Patient": rounded},
			back: map[string][]row{"people": {{"DOB": "1960-03-04", "Sex": "female"}, {"DOB": "1961-03-04", "Sex": "male"}},
				"shots": {{"Vaccine": "Flu", "Given": "2020-01-02"}}}},
		{name: "dates that nobody asks for are no question", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "MRN,DOB,Next Visit\n1,1960-03-04,3/4/2026\n"},
			findings: []string{"CP-CSV-051"},
			ledger:   map[string]string{"row 2, column Next Visit": "unmapped "},
			back:     map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04"}}}},
		{name: "days as a spreadsheet counts them, throughout", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "MRN,DOB\n1,29294\n2,27753\n"},
			findings: []string{"CP-CSV-032"},
			back:     map[string][]row{"people": {{"MRN": "1", "DOB": "1980-03-14"}, {"MRN": "2", "DOB": "1975-12-25"}}}},
		{name: "a blank column is no loss", mapping: people, options: convert.Options{To: "ndjson"},
			files: map[string]string{"p.csv": "MRN,DOB,Remark\n1,1960-03-04,\n"},
			back:  map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04"}}}},
		{name: "what cannot be read", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "MRN,DOB,Sex\n1,1960-03-04,maybe\n2,1961-03-04,M\n3,1962-03-04,M\n4,1963-03-04,M\n5,someday,F\n6,1960-03-04,F\n7,1960-03-04,F\n"},
			ledger:   map[string]string{"row 2, column Sex": "invalid not a word for a gender", "row 6, column DOB": "invalid not a date"},
			findings: []string{"CP-CSV-033"},
			back: map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04"}, {"MRN": "2", "DOB": "1961-03-04", "Sex": "male"}, {"MRN": "3", "DOB": "1962-03-04", "Sex": "male"},
				{"MRN": "4", "DOB": "1963-03-04", "Sex": "male"}, {"MRN": "5", "Sex": "female"}, {"MRN": "6", "DOB": "1960-03-04", "Sex": "female"}, {"MRN": "7", "DOB": "1960-03-04", "Sex": "female"}}}},
		{name: "the order of dates is a question", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "MRN,DOB\n1,3/4/1960\n2,5/6/1961\n"},
			rejected: []string{"CP-CSV-029 p.csv:2, row 2, column DOB"}},
		{name: "the order of dates is told", mapping: people, options: convert.Options{To: "ndjson", Dates: "dmy"},
			files: map[string]string{"p.csv": "MRN,DOB\n1,3/4/1960\n2,5/6/1961\n"},
			back:  map[string][]row{"people": {{"MRN": "1", "DOB": "1960-04-03"}, {"MRN": "2", "DOB": "1961-06-05"}}}},
		{name: "a time without an offset keeps its date", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"s.csv": "Patient,Vaccine,Given\n2,Flu,2020-01-02 14:30\n"},
			findings: []string{"CP-CSV-053"},
			ledger:   map[string]string{"row 2, column Given": "folded a time of day without an offset: FHIR keeps the date"},
			back:     map[string][]row{"shots": {{"Patient": "2", "Vaccine": "Flu", "Given": "2020-01-02"}}}},
		{name: "columns that no row knows are reported", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "MRN,DOB,Eye Colour\n1,1960-03-04,green\n"},
			findings: []string{"CP-CSV-051"},
			ledger:   map[string]string{"row 2, column Eye Colour": "unmapped "},
			back:     map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04"}}}},
		{name: "columns that no row knows are kept", mapping: people, options: convert.Options{To: "ndjson", Unmapped: "keep"},
			files: map[string]string{"p.csv": "MRN,DOB,Eye Colour,Dog\n1,1960-03-04,green,\n2,1960-03-04,,Rex\n"},
			fhir:  []string{`{"url":"name","valueString":"Eye Colour"},{"url":"value","valueString":"green"}`},
			back:  map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04", "Eye Colour": "green"}, {"MRN": "2", "DOB": "1960-03-04", "Dog": "Rex"}}}},
		{name: "columns that no row knows are refused", mapping: people, options: convert.Options{To: "ndjson", Unmapped: "refuse"},
			files:    map[string]string{"p.csv": "MRN,DOB,Eye Colour\n1,1960-03-04,green\n"},
			rejected: []string{"CP-CSV-052 p.csv"}},
		{name: "columns that no mapping knows", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "Left,Right\n1,2\n"},
			rejected: []string{"CP-CSV-050 p.csv"}},
		{name: "two rows of one key", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "MRN,DOB\n1,1960-03-04\n1,1961-03-04\n"},
			findings: []string{"CP-CSV-056"},
			back:     map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04"}, {"MRN": "1", "DOB": "1961-03-04"}}}},
		{name: "an error of the spreadsheet is no value", mapping: people, options: convert.Options{To: "ndjson"},
			files:    map[string]string{"p.csv": "MRN,DOB,Sex\n1,1960-03-04,#N/A\n"},
			findings: []string{"CP-CSV-025"},
			ledger:   map[string]string{"row 2, column Sex": "declined an error of the spreadsheet stands where the value was"},
			back:     map[string][]row{"people": {{"MRN": "1", "DOB": "1960-03-04"}}}},
		{name: "rows that name the patient each time, and a list that does so too", mapping: results,
			files: map[string]string{"r.csv": "MRN,Name,DOB,Test,Result,Units,Range\n" +
				"7,\"Lee, Ann B.\",1960-03-04,Glucose,<5,mg/dL,70-99\n7,\"Lee, Ann B.\",1960-03-04,ANA,1:40,,\n7,\"Lee, Ann B.\",,Strep,POS,,\n8,Bo Roe,1961-03-04,K,\"4,5\",mmol/L,3.5-5.1\n",
				"p.csv": "MRN,Address\n7,\"12 Elm St, Springfield, IL 62704\"\n"},
			fhir: []string{`{"value":5,"comparator":"<","unit":"mg/dL"}`, `"valueRatio":{"numerator":{"value":1},"denominator":{"value":40}}`, `"valueString":"POS"`,
				`"name":[{"family":"Lee","given":["Ann","B."]}],"birthDate":"1960-03-04","address":[{"text":"12 Elm St, Springfield, IL 62704","line":["12 Elm St"],"city":"Springfield","state":"IL","postalCode":"62704"}]`},
			back: map[string][]row{"people": {{"MRN": "7", "Address": "12 Elm St, Springfield, IL 62704"}, {"MRN": "8"}},
				"results": {{"MRN": "7", "Name": "Lee, Ann B.", "DOB": "1960-03-04", "Test": "Glucose", "Result": "<5", "Units": "mg/dL", "Range": "70-99"},
					{"MRN": "7", "Name": "Lee, Ann B.", "DOB": "1960-03-04", "Test": "ANA", "Result": "1:40"},
					{"MRN": "7", "Name": "Lee, Ann B.", "DOB": "1960-03-04", "Test": "Strep", "Result": "POS"},
					{"MRN": "8", "Name": "Bo Roe", "DOB": "1961-03-04", "Test": "K", "Result": "4.5", "Units": "mmol/L", "Range": "3.5-5.1"}}}},
		{name: "rows that contradict one another", mapping: results,
			files:    map[string]string{"r.csv": "MRN,Name,DOB,Test,Result\n7,\"Lee, Ann\",1960-03-04,Glucose,5\n7,\"Lee, Ann\",1961-03-04,Glucose,6\n"},
			findings: []string{"CP-CSV-057"},
			back: map[string][]row{"people": {{"MRN": "7"}, {"MRN": "7"}}, "results": {{"MRN": "7", "Name": "Lee, Ann", "DOB": "1960-03-04", "Test": "Glucose", "Result": "5"},
				{"MRN": "7", "Name": "Lee, Ann", "DOB": "1961-03-04", "Test": "Glucose", "Result": "6"}}}},
	} {
		t.Run(c.name, c.run)
	}
}
