package converters_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
)

// ledgerOf converts an example and gives what the ledger says of the leaves that were not simply carried.
func ledgerOf(t *testing.T, from, to, name string) (told map[string]string, e *convert.Entry) {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(testshared.Root(), "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err1 := formats.Named(from)
	out, err2 := formats.Named(to)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	told = map[string]string{}
	o := &convert.Options{From: from, To: to, LedgerFull: true, Jobs: 1}
	err = convert.Run(context.Background(), in, out, bytes.NewReader(src), name, o, func(r *convert.Result) error {
		if e = r.Entry; e == nil || e.Rejected != nil {
			t.Fatalf("%v", r.Rejected)
		}
		for state, list := range map[string][]convert.Line{"folded": e.Folded, "declined": e.Declined, "unmapped": e.Unmapped, "invalid": e.Invalid} {
			for _, l := range list {
				told[l.At] = state
			}
		}
		return nil
	})
	if err != nil || e == nil {
		t.Fatal(err)
	}
	return told, e
}

// TestLedgerOfBothLegs: from one format by way of FHIR into another, a leaf counts as carried if it is in what is written, not if it is in
// the FHIR that nobody sees (law 1).
func TestLedgerOfBothLegs(t *testing.T) {
	const carried = ""
	for _, tt := range []struct {
		from, to, name string
		want           map[string]string
	}{
		{"hl7v2", "ccda", "lab-oru-r01.hl7", map[string]string{
			"PID-5.1": carried, "PID-7": carried, "OBX-5": carried, "OBX-3.1": carried,
			"MSH-10":  "declined", // a document has its own id
			"PID-3.5": "unmapped"}},
		{"ccda", "hl7v2", "ccd.xml", map[string]string{
			"/ClinicalDocument/recordTarget/patientRole/patient/name/family":                                carried,
			"/ClinicalDocument/recordTarget/patientRole/patient/birthTime/@value":                           carried,
			"/ClinicalDocument/recordTarget/patientRole/patient/languageCommunication/preferenceInd/@value": "unmapped",
			"/ClinicalDocument/component/structuredBody/component/section/title":                            "declined"}},
	} {
		t.Run(tt.from+" to "+tt.to, func(t *testing.T) {
			first, leg := ledgerOf(t, tt.from, "fhir", tt.name)
			told, e := ledgerOf(t, tt.from, tt.to, tt.name)
			if e.Tally.Values() != leg.Tally.Values() || e.Tally.Carried+len(told) != e.Tally.Values() {
				t.Errorf("%+v, to FHIR %+v, %d told", e.Tally, leg.Tally, len(told))
			}
			for at := range first {
				if told[at] == carried {
					t.Errorf("%s is carried, and in FHIR it is %s", at, first[at])
				}
			}
			for at, want := range tt.want {
				if told[at] != want {
					t.Errorf("%s is %q, want %q", at, told[at], want)
				}
			}
		})
	}
}
