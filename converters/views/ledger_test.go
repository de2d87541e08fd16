package views_test

import (
	"context"
	"os"
	"path/filepath"
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
