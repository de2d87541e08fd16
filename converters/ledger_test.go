package converters_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/converters/views"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
)

// formatsNamed are the formats of a conversion.
func formatsNamed(t *testing.T, from, to string) (in, out *convert.Format) {
	t.Helper()
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err1 := formats.Named(from)
	out, err2 := formats.Named(to)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return in, out
}

// ledgerOf converts an example and gives what the ledger says of the leaves that were not simply carried.
func ledgerOf(t *testing.T, from, to, name string) (told map[string]string, e *convert.Entry) {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(testshared.Root(), "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	in, out := formatsNamed(t, from, to)
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
			"MSH-10":  "declined",   // a document has its own id
			"PID-3.5": "declined"}}, // an id has no type
		{"ccda", "hl7v2", "ccd.xml", map[string]string{
			"/ClinicalDocument/recordTarget/patientRole/patient/name/family":                                carried,
			"/ClinicalDocument/recordTarget/patientRole/patient/birthTime/@value":                           carried,
			"/ClinicalDocument/recordTarget/patientRole/patient/languageCommunication/preferenceInd/@value": "declined", // PID-15 is one language
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

// TestTablesToDocuments: Synthea's tables become documents that are valid to CDA's schema, with the patients, problems and results that
// the tables have, and those come back as tables.
func TestTablesToDocuments(t *testing.T) {
	shared := testshared.Dir(t)
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not here")
	}
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	convertAll := func(from string, to *convert.Format) (string, *convert.Summary) {
		sources, many, err := convert.Sources([]string{from}, nil)
		if err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		job := &convert.Job{Formats: formats, To: to, Options: &convert.Options{To: to.Name, Jobs: 2}, Sources: sources, Many: many, Out: out + "/"}
		if err := job.Prepare(); err != nil {
			t.Fatal(err)
		}
		sum, err := job.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return out, sum
	}
	ccda, err := formats.Named("ccda")
	if err != nil {
		t.Fatal(err)
	}
	documents, sum := convertAll(filepath.Join(shared, "corpus/csv/synthea"), ccda)
	names, err := filepath.Glob(filepath.Join(documents, "*.xml"))
	if err != nil || len(names) != sum.Totals.Records || len(names) < 27 {
		t.Fatalf("%d documents of %d records: %v", len(names), sum.Totals.Records, err)
	}
	xsd := filepath.Join(shared, "referee/ccda/xsd/infrastructure/cda/CDA_SDTC.xsd")
	if b, err := exec.Command(xmllint, append([]string{"--nonet", "--huge", "--noout", "--schema", xsd}, names...)...).CombinedOutput(); err != nil {
		t.Errorf("%v: %.2000s", err, b)
	}
	list, _ := views.Named("synthea")
	to, err := views.Format("csv", "synthea", list, csvtab.Writing{})
	if err != nil {
		t.Fatal(err)
	}
	back, _ := convertAll(documents, to)
	for file, column := range map[string]string{"conditions": "CODE", "immunizations": "CODE", "procedures": "CODE"} {
		want, got := cells(t, filepath.Join(shared, "corpus/csv/synthea", file+".csv"), column), cells(t, filepath.Join(back, file+".csv"), column)
		if !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s: %d of them come back, and they were %d", file, len(got), len(want))
		}
	}
}

// cells are those of a column of a table, sorted.
func cells(t *testing.T, file, column string) (list []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatal(file, err)
	}
	at := slices.Index(rows[0], column)
	for _, row := range rows[1:] {
		list = append(list, row[at])
	}
	slices.Sort(list)
	return list
}
