package csvfhir

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
	"github.com/chartpost/chartpost/pkg/tree"
)

// kit holds rows against the laws of DESIGN.md. A source is the tables of one record, each behind a line "== NAME".
func kit(t testing.TB, m *Mapping) *maptest.Kit {
	t.Helper()
	x, err := m.own()
	if err != nil {
		t.Fatal(err)
	}
	return &maptest.Kit{
		Map:   x,
		Table: func(*tree.Doc) (string, string) { return ScopeName, "Bundle" },
		Read:  mapping.ReadOptions{NoBundle: true, Unite: true},
		Parse: func(b []byte) (*tree.Doc, error) { return parseRecord(m, b) },
		Print: func(d *tree.Doc) []byte { return printRecord(m, d) },
		Same: func(d *tree.Doc) func(tree.Node) string {
			number := map[tree.Node]string{} // a row is its number in its table
			count := map[string]int{}
			for n := d.First(tree.Root); n != 0; n = d.Next(n) {
				count[d.Name(n)]++
				number[n] = d.Name(n) + " " + strconv.Itoa(count[d.Name(n)])
			}
			return func(n tree.Node) string {
				nth := 0
				row := rowOf(d, n)
				for k := d.First(row); k != n; k = d.Next(k) {
					if d.Name(k) == d.Name(n) {
						nth++
					}
				}
				return fmt.Sprintf("%s %s %d", number[row], d.Name(n), nth)
			}
		},
	}
}

func parseRecord(m *Mapping, b []byte) (*tree.Doc, error) {
	d := tree.New(Format, 64)
	var rows []*row
	for part := range strings.SplitSeq(string(b), "== ") {
		name, text, _ := strings.Cut(part, "\n")
		table := m.table(name)
		if table == nil || text == "" {
			continue
		}
		f, err := csvtab.Open(name, csvtab.Bytes([]byte(text)), csvtab.Options{Comma: ',', Header: csvtab.HeaderYes, Footer: true})
		if err != nil {
			return nil, err
		}
		x := f.Tables[0]
		o := newOpened(&Match{Table: table, Names: table.canonical(x.Header())}, x)
		o.label = name
		for r, err := range x.Rows() {
			if err != nil {
				return nil, err
			}
			rows = append(rows, &row{of: o, number: r.Number, line: r.Line, cells: slices.Clone(r.Cells)})
		}
	}
	if len(rows) == 0 {
		return d, nil
	}
	fill(d, rows)
	return d, nil
}

func printRecord(m *Mapping, d *tree.Doc) []byte {
	var b bytes.Buffer
	for _, t := range m.Tables {
		var w *csvtab.Writer
		for n := d.First(tree.Root); n != 0; n = d.Next(n) {
			if d.Name(n) != t.Name || d.Empty(n) {
				continue
			}
			if w == nil {
				b.WriteString("== " + t.Name + "\n")
				var fields []csvtab.Field
				for _, c := range t.columns() {
					fields = append(fields, csvtab.Field{Name: c})
				}
				w = csvtab.NewWriter(&b, fields, csvtab.Writing{})
			}
			if err := w.Row(t.cells(d, n)[:len(t.columns())]); err != nil {
				panic(err)
			}
		}
		if w != nil {
			if err := w.Close(); err != nil {
				panic(err)
			}
		}
	}
	return b.Bytes()
}

// everyTable has a row for each of Synthea's tables, in its columns of today; the persons are invented.
const everyTable = `== patients
Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,MIDDLE,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,FIPS,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE,INCOME
p1,1960-03-04,2020-01-02T03:04:05Z,999-00-1111,S1,X1,Ms.,Ann,Bea,Testcase,PhD,Sample,M,white,nonhispanic,F,Maple  Vermont  US,1 Elm St,Maple,Vermont,Elm County,50001,05001,44.1,-72.5,100.50,20.00,50000
== organizations
Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON,PHONE,REVENUE,UTILIZATION,NPI
o1,MAPLE CLINIC,2 Elm St,Maple,VT,05001,44.1,-72.5,802-555-0100,0.0,3,1234567893
== providers
Id,ORGANIZATION,NAME,GENDER,SPECIALITY,ADDRESS,CITY,STATE,ZIP,LAT,LON,ENCOUNTERS,PROCEDURES,NPI
d1,o1,Dee Testcase,M,GENERAL PRACTICE,2 Elm St,Maple,VT,05001,44.1,-72.5,3,4,1234567893
== payers
Id,NAME,OWNERSHIP,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE,AMOUNT_COVERED,AMOUNT_UNCOVERED,REVENUE,COVERED_ENCOUNTERS,UNCOVERED_ENCOUNTERS,COVERED_MEDICATIONS,UNCOVERED_MEDICATIONS,COVERED_PROCEDURES,UNCOVERED_PROCEDURES,COVERED_IMMUNIZATIONS,UNCOVERED_IMMUNIZATIONS,UNIQUE_CUSTOMERS,QOLS_AVG,MEMBER_MONTHS
y1,Maple Health,PRIVATE,3 Elm St,Maple,VT,05001,802-555-0101,1.00,2.00,3.00,1,2,3,4,5,6,7,8,9,NaN,12
y2,Elm Health,GOVERNMENT,4 Elm St,Maple,VT,05001,,,,,,,,,,,,,,0.5,
== encounters
Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,BASE_ENCOUNTER_COST,TOTAL_CLAIM_COST,PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION
e1,2020-01-02T03:04:05Z,2020-01-02T03:34:05Z,p1,o1,d1,y1,urgentcare,185345009,Encounter for symptom,10.00,20.50,0.00,195662009,Acute viral pharyngitis (disorder)
== conditions
START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION
2020-01-02,,p1,e1,http://snomed.info/sct,195662009,Acute viral pharyngitis (disorder)
2020-01-02,2020-02-02,p1,e1,SNOMED-CT,195662009,Acute viral pharyngitis (disorder)
== allergies
START,STOP,PATIENT,ENCOUNTER,CODE,SYSTEM,DESCRIPTION,TYPE,CATEGORY,REACTION1,DESCRIPTION1,SEVERITY1,REACTION2,DESCRIPTION2,SEVERITY2
2020-01-02,2021-01-02,p1,e1,111088007,Unknown,Latex (substance),allergy,drug,418290006,Itching (finding),MODERATE,271807003,Eruption of skin (disorder),MILD
== medications
START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,PAYER_COVERAGE,DISPENSES,TOTALCOST,REASONCODE,REASONDESCRIPTION
2020-01-02T03:04:05Z,2020-02-02T03:04:05Z,p1,y1,e1,665078,Loratadine 5 MG Chewable Tablet,7.24,0.00,3,21.72,195662009,Acute viral pharyngitis (disorder)
== careplans
Id,START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,REASONCODE,REASONDESCRIPTION
c1,2020-01-02,,p1,e1,384758001,Self-care interventions (procedure),195662009,Acute viral pharyngitis (disorder)
== procedures
START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION
2020-01-02T03:04:05Z,2020-01-02T03:14:05Z,p1,e1,http://snomed.info/sct,430193006,Medication Reconciliation (procedure),735.40,,
== observations
DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE
2020-01-02T03:04:05Z,p1,e1,vital-signs,8302-2,Body Height,127.9,cm,numeric
2020-01-02T03:04:05Z,p1,e1,survey,72166-2,Tobacco smoking status,Never smoker,,text
2020-01-02T03:04:05Z,p1,,,QALY,QALY,8.0,a,numeric
2020-01-02T03:04:05Z,p1,e1,laboratory,5767-9,Appearance of Urine,Cloudy,{nominal},text
== immunizations
DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST
2020-01-02T03:04:05Z,p1,e1,140,Influenza  seasonal  injectable  preservative free,140.52
== devices
START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,UDI
2020-01-02T03:04:05Z,,p1,e1,705643001,Coronary artery stent (physical object),(01)00000000000000(11)200102
== supplies
DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,QUANTITY
2020-01-02,p1,e1,409534002,Disposable air-purifying respirator (physical object),2
== imaging_studies
Id,DATE,PATIENT,ENCOUNTER,SERIES_UID,BODYSITE_CODE,BODYSITE_DESCRIPTION,MODALITY_CODE,MODALITY_DESCRIPTION,INSTANCE_UID,SOP_CODE,SOP_DESCRIPTION,PROCEDURE_CODE
i1,2020-01-02T03:04:05Z,p1,e1,1.2.840.99999999.1.1,51185008,Chest,DX,Digital Radiography,1.2.840.99999999.1.1.1,1.2.840.10008.5.1.4.1.1.1.1,Digital X-Ray Image Storage,399208008
== payer_transitions
PATIENT,MEMBERID,START_DATE,END_DATE,PAYER,SECONDARY_PAYER,PLAN_OWNERSHIP,OWNER_NAME
p1,m1,2019-01-02T03:04:05Z,2020-01-02T03:04:05Z,y1,y2,Guardian,Gil Testcase
p1,m1,2020-01-02T03:04:05Z,2021-01-02T03:04:05Z,y1,,Self,
== claims
Id,PATIENTID,PROVIDERID,PRIMARYPATIENTINSURANCEID,SECONDARYPATIENTINSURANCEID,DEPARTMENTID,PATIENTDEPARTMENTID,DIAGNOSIS1,DIAGNOSIS2,DIAGNOSIS3,DIAGNOSIS4,DIAGNOSIS5,DIAGNOSIS6,DIAGNOSIS7,DIAGNOSIS8,REFERRINGPROVIDERID,APPOINTMENTID,CURRENTILLNESSDATE,SERVICEDATE,SUPERVISINGPROVIDERID,STATUS1,STATUS2,STATUSP,OUTSTANDING1,OUTSTANDING2,OUTSTANDINGP,LASTBILLEDDATE1,LASTBILLEDDATE2,LASTBILLEDDATEP,HEALTHCARECLAIMTYPEID1,HEALTHCARECLAIMTYPEID2
l1,p1,d1,y1,y2,12,12,195662009,305058001,,160903007,,,,,d1,e1,2020-01-02T03:04:05Z,2020-01-02T03:04:05Z,d1,CLOSED,,CLOSED,0.0,,0.0,2020-01-03T03:04:05Z,,2020-01-03T03:04:05Z,2,0
l2,p1,d1,0,0,12,12,195662009,,,,,,,,,e1,2020-01-02T03:04:05Z,2020-01-02T03:04:05Z,d1,BILLED,,,10.0,,,2020-01-03T03:04:05Z,,,1,0
== claims_transactions
ID,CLAIMID,CHARGEID,PATIENTID,TYPE,AMOUNT,METHOD,FROMDATE,TODATE,PLACEOFSERVICE,PROCEDURECODE,MODIFIER1,MODIFIER2,DIAGNOSISREF1,DIAGNOSISREF2,DIAGNOSISREF3,DIAGNOSISREF4,UNITS,DEPARTMENTID,NOTES,UNITAMOUNT,TRANSFEROUTID,TRANSFERTYPE,PAYMENTS,ADJUSTMENTS,TRANSFERS,OUTSTANDING,APPOINTMENTID,LINENOTE,PATIENTINSURANCEID,FEESCHEDULEID,PROVIDERID,SUPERVISINGPROVIDERID
t1,l1,1,p1,CHARGE,85.55,,2020-01-02T03:04:05Z,2020-01-02T03:34:05Z,o1,185345009,25,59,1,2,3,4,1,12,Encounter for symptom,85.55,,,,,,,e1,,y1,1,d1,d1
t2,l1,2,p1,PAYMENT,,CASH,2020-01-02T03:04:05Z,2020-01-02T03:34:05Z,o1,185345009,,,1,,,,,12,,,1,p,85.55,0.00,0.00,0.00,e1,a line,y1,1,d1,d1
== patient_expenses
PATIENT_ID,YEAR,PAYER_ID,HEALTHCARE_EXPENSES,INSURANCE_COSTS,COVERED_COSTS
p1,2020,y1,100.50,10.00,90.50
`

// TestLaws holds each row of Synthea's tables, of today and of the shared corpus, against the laws, and all of today's together.
func TestLaws(t *testing.T) {
	_, synthea := builtIn(t)
	k := kit(t, synthea)
	law := func(t *testing.T, name, source string) {
		t.Helper()
		res, err := k.Run([]byte(source))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, f := range res.Faults {
			t.Errorf("%s: %s", name, f)
		}
		if n := res.Tally.Values() - res.Tally.Carried; n != 0 {
			t.Errorf("%s: %d values are not carried:\n%s", name, n, res.Doc)
		}
		if t.Failed() {
			t.Fatalf("what came back:\n%s", res.Back)
		}
	}
	law(t, "all", everyTable)
	k.Deterministic(t, []byte(everyTable))
	kinds := 0
	for part := range strings.SplitSeq(everyTable, "== ") {
		if part == "" {
			continue
		}
		kinds++
		name, text, _ := strings.Cut(part, "\n")
		law(t, name, "== "+part)
		header, rest, _ := strings.Cut(text, "\n")
		for line := range strings.Lines(rest) {
			law(t, name, "== "+name+"\n"+header+"\n"+line)
		}
	}
	if kinds != len(synthea.Tables) {
		t.Errorf("%d of %d tables are tried", kinds, len(synthea.Tables))
	}
	rows := 0
	for _, f := range folder(t, filepath.Join(testshared.Dir(t), "corpus", "csv", "synthea")) {
		header := ""
		for raw, err := range (&Set{Mappings: []*Mapping{synthea}}).readFiles([]*convert.File{f}, &convert.Options{To: "ndjson"}) {
			if err != nil {
				t.Fatal(err)
			}
			if raw.Index == 0 || raw.Index%7 != 1 { // a part of them: TestSynthea takes all of them there and back
				continue
			}
			x := raw.Data.(*record).rows[0]
			if header == "" {
				header = "== " + x.of.Table.Name + "\n"
			}
			law(t, f.Name, header+string(x.text()))
			rows++
		}
	}
	if rows < 500 {
		t.Errorf("only %d rows of the corpus", rows)
	}
}
