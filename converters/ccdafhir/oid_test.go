package ccdafhir

import "testing"

// TestIsOID: what FHIR's oid takes, and what is near it.
func TestIsOID(t *testing.T) {
	for s, want := range map[string]bool{"1.2": true, "2.16.840.1.113883.4.1": true, "0.0": true, "1.0.8": true, "2.999.10": true,
		"": false, "1": false, "1.": false, ".1": false, "1..2": false, "1.2.": false, "3.1": false, "10.1": false, "1.02": false, "1.00": false,
		"1.2a": false, "1.2 ": false, "1.-2": false, "a.1": false, "12": false, "1.2.x.3": false} {
		if got := isOID(s); got != want {
			t.Errorf("isOID(%q) is %t", s, got)
		}
	}
}

// TestNamesSystem: of those, FHIR's validator takes none of so few arcs.
func TestNamesSystem(t *testing.T) {
	for s, want := range map[string]bool{"1.2": false, "1.2.3": false, "2.999": false, "1.0.3166": false, "1.2.3.4": true, "2.16.840.1.113883.4.1": true, "1.2.3.x": false} {
		if got := namesSystem(s); got != want {
			t.Errorf("namesSystem(%q) is %t", s, got)
		}
	}
}
