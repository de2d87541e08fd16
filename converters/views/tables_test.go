package views_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/converters/views"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
)

// run writes what is in a folder as tables and gives the folder in which they are.
func run(t testing.TB, to *convert.Format, in string, o convert.Options) (string, *convert.Summary) {
	t.Helper()
	o.LedgerFull = true
	out, ledger := t.TempDir(), filepath.Join(t.TempDir(), "ledger.json")
	sum := runIn(t, to, in, out, ledger, &o)
	b, err := os.ReadFile(ledger)
	if err != nil || !json.Valid(b) {
		t.Errorf("the ledger is no JSON: %v", err)
	}
	if s := sum.Totals; s.Values != s.Carried+s.Folded+s.Declined+s.Unmapped+s.Invalid {
		t.Errorf("the ledger does not add up: %+v", s)
	}
	return out, sum
}

// runIn writes what is in a folder as tables into another, with a ledger if that has a name.
func runIn(t testing.TB, to *convert.Format, in, out, ledger string, o *convert.Options) *convert.Summary {
	t.Helper()
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	sources, many, err := convert.Sources([]string{in}, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.To = to.Name
	job := &convert.Job{Formats: formats, To: to, Options: o, Sources: sources, Many: many, Out: out + "/", Ledger: ledger}
	if err := job.Prepare(); err != nil {
		t.Fatal(err)
	}
	sum, err := job.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func format(t testing.TB, to, set string) *convert.Format {
	t.Helper()
	list, ok := views.Named(set)
	if !ok {
		t.Fatalf("no set %s", set)
	}
	f, err := views.Format(to, set, list, csvtab.Writing{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readCSV(t testing.TB, name string) [][]string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s: %v", name, err)
	}
	return rows
}

// TestSynthea: Synthea's files come back through FHIR cell by cell. The exceptions would be listed here; there are none.
func TestSynthea(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus/csv/synthea")
	out, sum := run(t, format(t, "csv", "synthea"), dir, convert.Options{Jobs: 2})
	if sum.Totals.Rejected > 0 || sum.Unreadable > 0 {
		t.Errorf("%+v", sum)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(files) != 16 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	cells, back := 0, 0
	for _, name := range files {
		base := filepath.Base(name)
		want, got := readCSV(t, name), readCSV(t, filepath.Join(out, base))
		if !slices.Equal(got[0], want[0]) {
			t.Errorf("%s: header %v, want %v", base, got[0], want[0])
			continue
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d rows, want %d", base, len(got), len(want))
		}
		for i := range min(len(got), len(want)) {
			for j, cell := range want[i] {
				if got[i][j] != cell && cell == "" {
					t.Errorf("%s: row %d: %s is %q, and was blank", base, i+1, want[0][j], got[i][j])
				}
				if cell == "" || i == 0 {
					continue
				}
				cells++
				if got[i][j] == cell {
					back++
				} else {
					t.Errorf("%s: row %d: %s is %q, and was %q", base, i+1, want[0][j], got[i][j], cell)
				}
			}
		}
	}
	t.Logf("%d of %d cells came back as they were", back, cells)
	if cells < 40000 || back*100 < cells*99 {
		t.Errorf("%d of %d cells came back", back, cells)
	}
	if sum.Totals.Values != cells { // of providers and organizations too, to which many patients lead
		t.Errorf("the ledger counts %d values, and there are %d cells", sum.Totals.Values, cells)
	}
}

// TestSyntheaBundles: the files come back from the bundles that are written of them too. A bundle holds what its record leads to, so that
// organizations and providers are in many; they are one row each.
func TestSyntheaBundles(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus/csv/synthea")
	bundles, _ := run(t, convert.FHIR(), dir, convert.Options{Jobs: 2})
	out, _ := run(t, format(t, "csv", "synthea"), bundles, convert.Options{Jobs: 2})
	for _, file := range []string{"patients", "organizations", "providers", "payers", "encounters", "observations"} {
		want, got := readCSV(t, filepath.Join(dir, file+".csv")), readCSV(t, filepath.Join(out, file+".csv"))
		for _, rows := range [][][]string{want, got} {
			slices.SortFunc(rows, slices.Compare)
		}
		if !slices.EqualFunc(want, got, slices.Equal) {
			t.Errorf("%s: %d rows, and they were %d", file, len(got), len(want))
		}
	}
}

// TestSyntheaNow: the headers are those that Synthea writes now (CSVConstants.java).
func TestSyntheaNow(t *testing.T) {
	list, _ := views.Named("synthea-4")
	got := map[string]string{}
	for _, v := range list {
		var names []string
		for _, c := range v.Columns {
			names = append(names, c.Name)
		}
		got[v.Name] = strings.Join(names, ",")
	}
	want := map[string]string{
		"patients":          "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,MIDDLE,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,FIPS,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE,INCOME",
		"allergies":         "START,STOP,PATIENT,ENCOUNTER,CODE,SYSTEM,DESCRIPTION,TYPE,CATEGORY,REACTION1,DESCRIPTION1,SEVERITY1,REACTION2,DESCRIPTION2,SEVERITY2",
		"medications":       "START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,PAYER_COVERAGE,DISPENSES,TOTALCOST,REASONCODE,REASONDESCRIPTION",
		"conditions":        "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION",
		"careplans":         "Id,START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,REASONCODE,REASONDESCRIPTION",
		"observations":      "DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE",
		"procedures":        "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION",
		"immunizations":     "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST",
		"encounters":        "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,BASE_ENCOUNTER_COST,TOTAL_CLAIM_COST,PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION",
		"imaging_studies":   "Id,DATE,PATIENT,ENCOUNTER,SERIES_UID,BODYSITE_CODE,BODYSITE_DESCRIPTION,MODALITY_CODE,MODALITY_DESCRIPTION,INSTANCE_UID,SOP_CODE,SOP_DESCRIPTION,PROCEDURE_CODE",
		"devices":           "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,UDI",
		"supplies":          "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,QUANTITY",
		"organizations":     "Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON,PHONE,REVENUE,UTILIZATION,NPI",
		"providers":         "Id,ORGANIZATION,NAME,GENDER,SPECIALITY,ADDRESS,CITY,STATE,ZIP,LAT,LON,ENCOUNTERS,PROCEDURES,NPI",
		"payers":            "Id,NAME,OWNERSHIP,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE,AMOUNT_COVERED,AMOUNT_UNCOVERED,REVENUE,COVERED_ENCOUNTERS,UNCOVERED_ENCOUNTERS,COVERED_MEDICATIONS,UNCOVERED_MEDICATIONS,COVERED_PROCEDURES,UNCOVERED_PROCEDURES,COVERED_IMMUNIZATIONS,UNCOVERED_IMMUNIZATIONS,UNIQUE_CUSTOMERS,QOLS_AVG,MEMBER_MONTHS",
		"payer_transitions": "PATIENT,MEMBERID,START_DATE,END_DATE,PAYER,SECONDARY_PAYER,PLAN_OWNERSHIP,OWNER_NAME",
		"claims": "Id,PATIENTID,PROVIDERID,PRIMARYPATIENTINSURANCEID,SECONDARYPATIENTINSURANCEID,DEPARTMENTID,PATIENTDEPARTMENTID,DIAGNOSIS1,DIAGNOSIS2,DIAGNOSIS3,DIAGNOSIS4,DIAGNOSIS5,DIAGNOSIS6,DIAGNOSIS7,DIAGNOSIS8," +
			"REFERRINGPROVIDERID,APPOINTMENTID,CURRENTILLNESSDATE,SERVICEDATE,SUPERVISINGPROVIDERID,STATUS1,STATUS2,STATUSP,OUTSTANDING1,OUTSTANDING2,OUTSTANDINGP,LASTBILLEDDATE1,LASTBILLEDDATE2,LASTBILLEDDATEP,HEALTHCARECLAIMTYPEID1,HEALTHCARECLAIMTYPEID2",
		"claims_transactions": "ID,CLAIMID,CHARGEID,PATIENTID,TYPE,AMOUNT,METHOD,FROMDATE,TODATE,PLACEOFSERVICE,PROCEDURECODE,MODIFIER1,MODIFIER2,DIAGNOSISREF1,DIAGNOSISREF2,DIAGNOSISREF3,DIAGNOSISREF4,UNITS,DEPARTMENTID,NOTES," +
			"UNITAMOUNT,TRANSFEROUTID,TRANSFERTYPE,PAYMENTS,ADJUSTMENTS,TRANSFERS,OUTSTANDING,APPOINTMENTID,LINENOTE,PATIENTINSURANCEID,FEESCHEDULEID,PROVIDERID,SUPERVISINGPROVIDERID",
		"patient_expenses": "PATIENT_ID,YEAR,PAYER_ID,HEALTHCARE_EXPENSES,INSURANCE_COSTS,COVERED_COSTS",
	}
	for name, columns := range want {
		if got[name] != columns {
			t.Errorf("%s: %s, want %s", name, got[name], columns)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d views, want %d", len(got), len(want))
	}
}

// TestFHIRBundles: Synthea's own bundles give the files too, with the ids and codes that they have.
func TestFHIRBundles(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus/fhir/synthea")
	out, _ := run(t, format(t, "csv", "synthea-4"), dir, convert.Options{Jobs: 2})
	patients := map[string]bool{}
	for i, row := range readCSV(t, filepath.Join(out, "patients.csv")) {
		if i > 0 {
			patients[row[0]] = true
		}
	}
	if len(patients) < 10 {
		t.Fatalf("%d patients", len(patients))
	}
	for _, file := range []string{"encounters", "conditions", "observations", "medications", "procedures", "immunizations", "careplans"} {
		rows := readCSV(t, filepath.Join(out, file+".csv"))
		if len(rows) < 10 {
			t.Errorf("%s has %d rows", file, len(rows))
		}
		for _, column := range []string{"PATIENT", "CODE", "DESCRIPTION"} {
			at, blank := slices.Index(rows[0], column), 0
			for i, row := range rows[1:] {
				if column == "PATIENT" && !patients[row[at]] {
					t.Fatalf("%s: row %d is of no patient", file, i+2)
				}
				if row[at] == "" {
					blank++
				}
			}
			if blank*20 > len(rows) {
				t.Errorf("%s: %s is blank in %d of %d rows", file, column, blank, len(rows)-1)
			}
		}
	}
}

// TestSameBytes: the same at every number of jobs, as CSV, as a workbook and as JSON, by views and flat (law 4).
func TestSameBytes(t *testing.T) {
	dir := t.TempDir() // a few bundles, of which each is several thousand rows
	names, err := filepath.Glob(filepath.Join(testshared.Dir(t), "corpus/fhir/synthea/*.json"))
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	for _, name := range names[:4] {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []string{"csv", "xlsx"} {
		for name, f := range map[string]*convert.Format{"views": format(t, to, "synthea"), "summary": format(t, to, "summary"), "flat": views.Flat(to, csvtab.Writing{})} {
			one, first := run(t, f, dir, convert.Options{Jobs: 1})
			four, second := run(t, f, dir, convert.Options{Jobs: 4})
			if first.Totals != second.Totals {
				t.Errorf("%s %s: %+v, with four jobs %+v", to, name, first.Totals, second.Totals)
			}
			files, err := os.ReadDir(one)
			if err != nil || len(files) == 0 {
				t.Fatalf("%s %s wrote %d files: %v", to, name, len(files), err)
			}
			for _, x := range files {
				a, err1 := os.ReadFile(filepath.Join(one, x.Name()))
				b, err2 := os.ReadFile(filepath.Join(four, x.Name()))
				if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
					t.Errorf("%s of %s differs", x.Name(), name)
				}
			}
		}
	}
}

// TestWorkbook: a workbook says what the CSV says.
func TestWorkbook(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus/fhir/synthea")
	text, _ := run(t, format(t, "csv", "synthea"), dir, convert.Options{Jobs: 2})
	book, _ := run(t, format(t, "xlsx", "synthea"), dir, convert.Options{Jobs: 2})
	b, err := os.ReadFile(filepath.Join(book, "synthea.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := csvtab.Open("synthea.xlsx", csvtab.Bytes(b), csvtab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cells := 0
	for _, table := range f.Tables {
		want := readCSV(t, filepath.Join(text, table.Sheet+".csv"))
		if !slices.Equal(table.Header(), want[0]) {
			t.Errorf("%s: %v, want %v", table.Sheet, table.Header(), want[0])
		}
		i := 0
		for row, err := range table.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			i++
			for j, cell := range row.Cells {
				if cell.Text != "" {
					cells++
				}
				if cell.Text != want[i][j] && !sameNumber(cell.Text, want[i][j]) {
					t.Fatalf("%s: row %d: %s differs: %q, want %q", table.Sheet, i+1, want[0][j], cell.Text, want[i][j])
				}
			}
		}
		if i != len(want)-1 {
			t.Errorf("%s has %d rows, want %d", table.Sheet, i, len(want)-1)
		}
	}
	if cells < 10000 {
		t.Errorf("%d cells", cells)
	}
}

// sameNumber: a workbook holds numbers in binary.
func sameNumber(a, b string) bool {
	var x, y float64
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && x == y
}
