package csvfhir

import "testing"

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
