package csvfhir

import (
	"testing"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// TestKindsCompile: every built-in mapping compiles whole, and its head names no column twice.
func TestKindsCompile(t *testing.T) {
	s, err := NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Mappings {
		t.Log(m.Name, len(m.Tables))
		for i, f := range mapping.FaultsOf(m.Check()) {
			if i < 30 {
				t.Errorf("%s: %v (%s)", m.Name, f, f.Hint)
			}
		}
	}
}
