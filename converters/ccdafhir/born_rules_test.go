package ccdafhir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/converters/ccdafhir"
	"github.com/chartpost/chartpost/internal/conformance"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate/cda"
)

// TestBornKeepsItsPromises writes every type of document of records that hold every kind of resource, and checks each by C-CDA's rules. One
// cannot be kept: the schematron of Operative Notes looks for the service event where the schema does not allow one. `make conformance`
// asks the official schema and schematrons about all of them.
func TestBornKeepsItsPromises(t *testing.T) {
	kinds, err := os.ReadFile(filepath.Join("testdata", "born.json"))
	if err != nil {
		t.Fatal(err)
	}
	records := [][]byte{kinds}
	if dir := testshared.Find(); dir != "" {
		gathered, err := conformance.GatherExamples(dir, 8)
		if err != nil {
			t.Fatal(err)
		}
		if len(gathered) != 8 || len(gathered[0]) < 100_000 {
			t.Fatalf("%d records were gathered", len(gathered))
		}
		records = append(records, gathered...)
	}
	checker := cda.New()
	for i, record := range records {
		for k, kind := range ccdafhir.Documents() {
			if i > 0 && (i+k)%4 != 0 { // a quarter of them
				continue
			}
			docs := through(t, "fhir", "ccda", kind, record)
			if len(docs) != 1 {
				t.Fatalf("record %d as %s: %d documents", i, kind, len(docs))
			}
			for _, f := range checker.Document(docs[0], "").Findings {
				if f.Severity() == diag.Reject && !strings.Contains(f.What, "CONF:1198-8487") {
					t.Errorf("record %d as %s: %v", i, kind, f)
				}
			}
		}
	}
}
