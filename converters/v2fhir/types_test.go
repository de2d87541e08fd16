package v2fhir

import (
	"strings"
	"testing"

	"github.com/chartpost/chartpost/converters/internal/hl7"
)

func TestSystemNames(t *testing.T) {
	for _, c := range []struct{ name, oid, code, uri, back string }{
		{"LN", "", "718-7", "http://loinc.org", "LN"},
		{"", "2.16.840.1.113883.6.1", "718-7", "http://loinc.org", "LN"},
		{"", "1.2.3.4", "x", "urn:oid:1.2.3.4", "1.2.3.4"},
		{"1.2.3.4", "", "x", "urn:oid:1.2.3.4", "1.2.3.4"},
		{"HL70136", "", "Y", "http://terminology.hl7.org/CodeSystem/v2-0136", "HL70136"},
		{"HL70136", "", "perhaps", "urn:id:HL70136", "HL70136"},
		{"UCUM", "", "mg", "http://unitsofmeasure.org", "UCUM"},
		{"UCUM", "", "mmHg", "urn:id:UCUM", "UCUM"},
		{"99 OWN", "", "x", "urn:id:99%20OWN", "99 OWN"},
		{"http://example.org/cs", "", "x", "http://example.org/cs", "http://example.org/cs"},
		{"", "no oid", "x", "", ""},
	} {
		if got := systemURI(c.name, c.oid, c.code); got != c.uri {
			t.Errorf("%q with code %q is %q, want %q", c.name, c.code, got, c.uri)
		}
		if got := systemName(c.uri); got != c.back {
			t.Errorf("%q comes back as %q, want %q", c.uri, got, c.back)
		}
	}
}

func TestNormalNumber(t *testing.T) {
	for text, want := range map[string]string{"5": "5", " +5 ": "5", "007": "7", "-0.50": "-0.50", ".5": "0.5", "5.": "5", "0": "0", "00": "0",
		"1e3": "1e3", "abc": "abc", "": "", "-": "-", "1,5": "1,5"} {
		if got := hl7.Number(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for _, c := range []struct{ typ, sub, want string }{{"application", "pdf", "application/pdf"}, {"AP", "PDF", "application/pdf"},
		{"PDF", "", "application/pdf"}, {"TEXT", "", "text/plain"}, {"IM", "jpg", "image/jpeg"}, {"", "text/html", "text/html"},
		{"application/pdf", "", "application/pdf"}, {"NS", "", ""}, {"", "", ""}, {"text", "a b", ""}, {"multipart", "related", "multipart/related"}} {
		if got := mediaType(c.typ, c.sub); got != c.want {
			t.Errorf("%q %q is %q, want %q", c.typ, c.sub, got, c.want)
		}
	}
}

// FuzzMoment: what is read as a time comes back in its normal form.
func FuzzMoment(f *testing.F) {
	for _, s := range []string{"2020", "20200314101112.1234-0500", "202003141011+00", "20200230", "+0000", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := hl7.ParseMoment(s, false)
		if err != nil {
			return
		}
		normal := hl7.Time.Normal(s)
		again, err := hl7.ParseMoment(normal, false)
		if err != nil || again != m {
			t.Fatalf("%q has the normal form %q, which is another time: %v", s, normal, err)
		}
		iso := m.ISODate()
		if m.Clock != "" && m.Zone != "" {
			clock, _ := m.ISOClock()
			iso += "T" + clock + m.Zone[:3] + ":" + m.Zone[3:]
		}
		if strings.ContainsAny(iso, " \x00") {
			t.Fatalf("%q becomes %q", s, iso)
		}
	})
}
