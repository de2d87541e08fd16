package sqlview_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/internal/viewsuite"
)

// TestSuite runs the whole test suite of SQL on FHIR v2.
func TestSuite(t *testing.T) {
	report, err := viewsuite.Run(filepath.Join(testshared.Dir(t), "conformance/sql-on-fhir/tests"))
	if err != nil {
		t.Fatal(err)
	}
	passed, all := report.Count()
	for file, f := range report {
		for _, x := range f.Tests {
			if !x.Result.Passed {
				t.Errorf("%s: %s: %s", file, x.Name, x.Result.Reason)
			}
		}
	}
	if all != 134 || passed != 134 {
		t.Errorf("%d of %d tests pass, want 134 of 134", passed, all)
	}
	if b, err := json.Marshal(report); err != nil || len(b) < 1000 {
		t.Errorf("no report: %v", err)
	}
}
