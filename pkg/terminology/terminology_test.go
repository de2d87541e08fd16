package terminology

import (
	"os"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/squeezed"
)

func TestSystems(t *testing.T) {
	for _, c := range []struct{ name, uri, oid, back string }{
		{"LN", "http://loinc.org", "2.16.840.1.113883.6.1", "LN"},
		{"SNOMED", "http://snomed.info/sct", "2.16.840.1.113883.6.96", "SCT"},
		{"RxNorm", "http://www.nlm.nih.gov/research/umls/rxnorm", "2.16.840.1.113883.6.88", "RXNORM"},
		{"snomed ct", "http://snomed.info/sct", "2.16.840.1.113883.6.96", "SCT"},
		{"HL70001", "http://terminology.hl7.org/CodeSystem/v2-0001", "2.16.840.1.113883.18.2", "HL70001"},
		{"Hl70136", "http://terminology.hl7.org/CodeSystem/v2-0136", "2.16.840.1.113883.12.136", "HL70136"},
		{"HL79876", "http://terminology.hl7.org/CodeSystem/v2-9876", "2.16.840.1.113883.12.9876", "HL79876"},
		{"HL70292", "http://hl7.org/fhir/sid/cvx", "2.16.840.1.113883.12.292", "CVX"},
		{"NULLFL", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "2.16.840.1.113883.5.1008", "NULLFL"},
	} {
		if s, ok := ByName(c.name); !ok || s.URI != c.uri || s.Name != c.back {
			t.Errorf("ByName(%s) = %+v, %v", c.name, s, ok)
		}
		if s, ok := ByURI(c.uri); !ok || s.Name != c.back {
			t.Errorf("ByURI(%s) = %+v, %v", c.uri, s, ok)
		}
		if s, ok := ByOID(c.oid); !ok || s.URI != c.uri {
			t.Errorf("ByOID(%s) = %+v, %v", c.oid, s, ok)
		}
	}
	for _, name := range []string{"", "L", "99LAB", "HL7", "HL712345", "HL7abcd"} {
		if s, ok := ByName(name); ok {
			t.Errorf("ByName(%q) = %+v", name, s)
		}
	}
}

func TestLocalNames(t *testing.T) {
	for _, name := range []string{"99LAB", "ISO+", "My codes", "a/b%c", "über"} {
		uri := LocalURI(name)
		if strings.ContainsAny(uri, " ü") {
			t.Errorf("%s is no URI", uri)
		}
		if back, ok := LocalName(uri); !ok || back != name {
			t.Errorf("%q came back as %q", name, back)
		}
	}
}

func TestListsAreUnambiguous(t *testing.T) {
	names, oids := map[string]string{}, map[string]string{}
	for _, row := range rows(systemsCSV) {
		if have, ok := names[row[0]]; ok && row[0] != "" {
			t.Errorf("%s names %s and %s", row[0], have, row[1])
		}
		names[row[0]] = row[1]
		if have, ok := oids[row[2]]; ok && row[2] != "" {
			t.Errorf("%s is %s and %s", row[2], have, row[1])
		}
		oids[row[2]] = row[1]
		if !strings.Contains(row[1], ":") {
			t.Errorf("%s is no absolute URI", row[1])
		}
	}
}

func TestHolds(t *testing.T) {
	for _, c := range []struct {
		uri, code string
		holds, ok bool
	}{
		{"http://terminology.hl7.org/CodeSystem/v2-0001", "F", true, true},
		{"http://terminology.hl7.org/CodeSystem/v2-0001", "ZZ", false, true},
		{"http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK", true, true},
		{"urn:iso:std:iso:3166", "US", true, true},
		{"urn:iso:std:iso:3166", "USA", true, true},
		{"urn:iso:std:iso:3166", "UNK", false, true},
		{"http://loinc.org", "1234-5", false, false},
		{"http://unitsofmeasure.org", "mg/dL", true, true},
		{"http://unitsofmeasure.org", "mmHg", false, true},
	} {
		if holds, ok := Holds(c.uri, c.code); holds != c.holds || ok != c.ok {
			t.Errorf("Holds(%s, %s) = %v, %v", c.uri, c.code, holds, ok)
		}
	}
}

func TestUCUM(t *testing.T) {
	for _, s := range []string{"mg/dL", "10*3/uL", "10^9/L", "mm[Hg]", "%", "/min", "kg/m2", "ug/kg/h", "{copies}/mL", "mL/min/{1.73_m2}", "[iU]/L", "meq/L",
		"10*6.mm", "1", "[degF]", "Cel", "m/s2", "(kg.m)/s2", "a", "/[HPF]", "g{creat}", "10*-6", "mmol/(8.h)", "[in_i'H2O]", "s-1"} {
		if !IsUCUM(s) {
			t.Errorf("%s is a unit", s)
		}
	}
	for _, s := range []string{"", "mmHg", "mm Hg", "x10^3/uL", "IU/L", "K/uL x", "mg/", "bpm", "lbs", "(kg", "kg)", "{a", "years", "[foo]", "mg//dL", "-1"} {
		if IsUCUM(s) {
			t.Errorf("%s is no unit", s)
		}
	}
}

func FuzzUCUM(f *testing.F) {
	f.Add("mg/dL")
	f.Add("((((m))))")
	f.Fuzz(func(t *testing.T, s string) {
		if IsUCUM(s) && strings.ContainsAny(s, " \t\n") && !strings.Contains(s, "{") {
			t.Errorf("%q has a blank", s)
		}
	})
}

// TestLists: what is embedded is what the source says.
func TestLists(t *testing.T) {
	if want, err := os.ReadFile("codes.csv"); err != nil || squeezed.Text(codesList) != string(want) {
		t.Errorf("codes.csv.gz is not current: run make lists (%v)", err)
	}
}
