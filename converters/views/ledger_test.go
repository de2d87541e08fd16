package views_test

import (
	"context"
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
	"github.com/chartpost/chartpost/pkg/sqlview"
)

// states converts a text by a view and gives what the ledger says of the leaves that were not simply carried, and how many there are.
func states(t *testing.T, from, text, view string) (told map[string]string, e *convert.Entry) {
	t.Helper()
	list, finds := sqlview.Parse("v.json", "v", []byte(view))
	if len(list) == 0 {
		t.Fatal(finds)
	}
	to, err := views.Format("csv", "v", list, csvtab.Writing{})
	if err != nil {
		t.Fatal(err)
	}
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := formats.Named(from)
	if err != nil {
		t.Fatal(err)
	}
	told = map[string]string{}
	o := &convert.Options{To: "csv", LedgerFull: true, Jobs: 1}
	err = convert.Run(context.Background(), f, to, strings.NewReader(text), "test", o, func(r *convert.Result) error {
		if r.Entry == nil || r.Entry.Rejected != nil {
			return nil
		}
		e = r.Entry
		for _, l := range e.Folded {
			told[l.At] = "folded: " + l.Why
		}
		for _, l := range e.Declined {
			told[l.At] = "declined: " + l.Why
		}
		for _, l := range e.Unmapped {
			told[l.At] = "unmapped"
		}
		return nil
	})
	if err != nil || e == nil {
		t.Fatal(err)
	}
	return told, e
}

// TestLedger: each leaf of a source in FHIR, in a message and in a document is told by its own place, modifiers by name (laws 1 and 3).
func TestLedger(t *testing.T) {
	message, err := os.ReadFile(filepath.Join(testshared.Root(), "examples/lab-oru-r01.hl7"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(testshared.Root(), "examples/ccd.xml"))
	if err != nil {
		t.Fatal(err)
	}
	const (
		absent   = "declined: no column of the views shows it"
		modifier = "declined: no column of the views shows it, though it changes what others mean"
		carried  = ""
	)
	for _, tt := range []struct {
		name, from, text, view string
		want                   map[string]string
	}{
		{"FHIR", "fhir", `{"resourceType":"Bundle","type":"collection","entry":[
{"resource":{"resourceType":"Patient","id":"p","active":false,"name":[{"use":"old","family":"Exampleton","given":["A","B"]}],"birthDate":"2001-02-03",
 "contained":[{"resourceType":"Organization","id":"o","name":"N"}],"managingOrganization":{"reference":"#o"}}},
{"resource":{"resourceType":"Observation","id":"x","status":"final","code":{"text":"T"},"subject":{"reference":"Patient/p"}}}]}`,
			`{"resource":"Patient","select":[{"column":[{"name":"key","path":"getResourceKey()"},{"name":"family","path":"name.family"},{"name":"given","path":"name.given.join(' ')"}]}]}`,
			map[string]string{
				"Bundle.type": "declined: a table has rows of resources, and no bundle", "Patient.id": carried, "Patient.name[0].family": carried,
				"Patient.name[0].given[0]": "folded: in the column given, together with others or in another form",
				"Patient.name[0].given[1]": "folded: in the column given, together with others or in another form",
				"Patient.name[0].use":      modifier, "Patient.active": modifier, "Patient.birthDate": absent, "Patient.managingOrganization.reference": absent,
				"Organization.name":  "declined: no view is run on a contained resource",
				"Observation.status": "declined: no view is for a Observation", "Observation.code.text": "declined: no view is for a Observation",
			}},
		{"rows that are not there", "fhir", `{"resourceType":"Patient","id":"p","gender":"male"}`,
			`{"resource":"Patient","select":[{"column":[{"name":"g","path":"gender"}]},{"forEach":"name","column":[{"name":"f","path":"family"}]}]}`,
			map[string]string{"Patient.gender": absent, "Patient.id": absent}},
		{"HL7 v2", "hl7v2", string(message),
			`{"resource":"Observation","where":[{"path":"value.ofType(Quantity).exists()"}],"select":[{"column":[{"name":"code","path":"code.coding.first().code"},
{"name":"value","path":"value.ofType(Quantity).value"}]}]}`,
			map[string]string{"OBX-3.1": carried, "OBX-5": carried, "OBX-2": carried, "OBX-11": modifier, "OBX-3.2": absent, "OBX-6.1": absent, "OBX-6.2": absent, "PID-8": "declined: no view is for a Patient",
				"PID-5.1": "declined: no view is for a Patient", "OBX-1": "declined: set id is positional"}},
		{"HL7 v2, the patient", "hl7v2", string(message),
			`{"resource":"Patient","select":[{"column":[{"name":"born","path":"birthDate"},{"name":"sex","path":"gender"},{"name":"family","path":"name.first().family"}]}]}`,
			map[string]string{"PID-5.1": carried, "PID-7": carried, "PID-8": carried, "PID-5.2": absent, "OBX-5": "declined: no view is for a Observation"}},
		{"C-CDA", "ccda", string(document),
			`{"resource":"Patient","select":[{"column":[{"name":"sex","path":"gender"},{"name":"family","path":"name.first().family"}]}]}`,
			map[string]string{
				"/ClinicalDocument/recordTarget/patientRole/patient/name/family":      carried,
				"/ClinicalDocument/recordTarget/patientRole/patient/birthTime/@value": absent,
				"/ClinicalDocument/component/structuredBody/component/section/title":  "declined: no view is for a Composition",
				"/ClinicalDocument/recordTarget/patientRole/addr/city":                absent,
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told, e := states(t, tt.from, tt.text, tt.view)
			if n := e.Tally.Carried + len(told); n != e.Tally.Values() {
				t.Errorf("%d leaves, %d told", e.Tally.Values(), n)
			}
			for at, want := range tt.want {
				if got := told[at]; got != want {
					t.Errorf("%s: %q, want %q", at, got, want)
				}
			}
		})
	}
}

// TestShared: a doctor of two patients belongs to the record of each, and stands in the table once; what belongs to nobody is there too.
func TestShared(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Patient.ndjson": `{"resourceType":"Patient","id":"p1","generalPractitioner":[{"reference":"Practitioner/d"}]}
{"resourceType":"Patient","id":"p2","generalPractitioner":[{"reference":"Practitioner/d"}]}
`,
		"Practitioner.ndjson": `{"resourceType":"Practitioner","id":"d"}
{"resourceType":"Practitioner","id":"alone"}
`,
		"Condition.ndjson": `{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/p1"},"code":{"text":"Testitis"}}
{"resourceType":"Condition","id":"c2","subject":{"reference":"Patient/p2"},"code":{"text":"Sampleosis"},"verificationStatus":{"coding":[{"code":"refuted"}]}}
{"resourceType":"Condition","id":"c3","subject":{"reference":"Patient/p1"},"code":{"text":"Exampleemia"}}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const text = `[{"name":"counts","resource":"Patient","select":[{"column":[{"name":"id","path":"id"},{"name":"n","path":"%record.ofType(Condition).count()"}]}]},
{"name":"doctors","resource":"Practitioner","select":[{"column":[{"name":"id","path":"id"}]}]}]`
	for to, want := range map[string]map[string]string{
		"csv":    {"counts": "id,n\np1,2\np2,1\n", "doctors": "id\nd\nalone\n"},
		"ndjson": {"counts": `{"id":"p1","n":2}` + "\n" + `{"id":"p2","n":1}` + "\n", "doctors": `{"id":"d"}` + "\n" + `{"id":"alone"}` + "\n"},
	} {
		list, finds := sqlview.Parse("v.json", "v", []byte(text))
		if len(list) != 2 {
			t.Fatal(finds)
		}
		f, err := views.Format(to, "v", list, csvtab.Writing{})
		if err != nil {
			t.Fatal(err)
		}
		out, _ := run(t, f, dir, convert.Options{Jobs: 2})
		for name, rows := range want {
			if b, err := os.ReadFile(filepath.Join(out, name+"."+to)); err != nil || string(b) != rows {
				t.Errorf("%s.%s: %s %v, want %s", name, to, b, err, rows)
			}
		}
	}
	out, sum := run(t, format(t, "csv", "summary"), dir, convert.Options{Jobs: 2})
	_, apart := run(t, views.Flat("csv", csvtab.Writing{}), dir, convert.Options{Jobs: 2})
	// Once each: 2 ids and 2 references of patients, 2 ids of practitioners, and of conditions id, subject and text, and a code.
	if there := 2 + 2 + 2 + 9 + 1; sum.Totals.Values != there || apart.Totals.Values != there {
		t.Errorf("%d and %d values, and there are %d", sum.Totals.Values, apart.Totals.Values, there)
	}
	rows := readCSV(t, filepath.Join(out, "summary.csv"))
	for i, want := range []string{"", "Testitis; Exampleemia", ""} {
		if at := slices.Index(rows[0], "problems"); i > 0 && rows[i][at] != want { // what is refuted is no problem
			t.Errorf("problems %q, want %q", rows[i][at], want)
		}
	}
}
