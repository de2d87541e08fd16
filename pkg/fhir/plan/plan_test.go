package plan

import (
	"reflect"
	"strings"
	"testing"
	"time"

	apb "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
)

func TestNamed(t *testing.T) {
	for _, c := range []struct{ name, elem, want string }{
		{"Patient", "name", "HumanName"},
		{"Patient", "birthDate", "date"},
		{"Patient", "gender", "code"},
		{"Encounter.participant", "individual", "Reference"},
		{"Bundle.entry", "resource", "Resource"},
		{"Bundle.entry.request", "method", "code"},
		{"Reference", "reference", "string"},
		{"Extension", "url", "uri"},
		{"DiagnosticReport", "contained", "Resource"},
		{"Observation", "valueQuantity", "Quantity"},
		{"Observation", "effectiveDateTime", "dateTime"},
		{"Timing.repeat", "boundsPeriod", "Period"},
	} {
		ty, err := Named(c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		e, a := ty.Lookup(c.elem)
		if e == nil {
			t.Errorf("%s has no %s", c.name, c.elem)
			continue
		}
		got := ""
		if a != nil {
			got = a.Type().Name
		} else {
			got = e.Type().Name
		}
		if got != c.want {
			t.Errorf("%s.%s is a %s, want %s", c.name, c.elem, got, c.want)
		}
	}
	if _, err := Named("Patient.nam"); err == nil || !strings.Contains(err.Error(), "did you mean name") {
		t.Errorf("Patient.nam: %v", err)
	}
}

func TestModifiers(t *testing.T) {
	for _, c := range []string{"HumanName.use", "Quantity.comparator", "Observation.status", "Patient.active", "Patient.deceased", "AllergyIntolerance.verificationStatus"} {
		owner, name, _ := strings.Cut(c, ".")
		ty, err := Named(owner)
		if err != nil {
			t.Fatal(err)
		}
		if e := ty.Element(name); e == nil || !e.Modifier {
			t.Errorf("%s is not known as a modifier", c)
		}
	}
}

func TestPrimitives(t *testing.T) {
	for _, c := range []struct{ typ, text string }{
		{"dateTime", "2026"}, {"dateTime", "2026-11"}, {"dateTime", "2026-11-22"}, {"dateTime", "2026-11-22T23:59:59Z"},
		{"dateTime", "2026-11-22T23:59:59.5+05:00"}, {"dateTime", "2026-11-22T23:59:60-05:00"}, {"dateTime", "0001-01-01T00:00:00.123456789-00:00"},
		{"dateTime", "1969-12-31T23:59:59.999-11:30"}, {"date", "1899-12-31"}, {"date", "9999-12"},
		{"instant", "2026-11-22T00:00:00.000+14:00"}, {"time", "23:59:60"}, {"time", "01:02:03.4567"}, {"decimal", "1.00"}, {"decimal", "-1.0E+3"},
		{"boolean", "false"}, {"integer", "0"}, {"integer", "-2147483648"}, {"positiveInt", "1"}, {"unsignedInt", "0"},
		{"base64Binary", "aGVs bG8="}, {"base64Binary", "aGVsbG8="}, {"string", "Ärger"}, {"uri", "urn:x"},
	} {
		ty, err := Named(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		x, err := ty.Prim.Parse(c.text)
		if err != nil {
			t.Errorf("%s %q: %v", c.typ, c.text, err)
			continue
		}
		v := (&Alt{goType: ty.Go}).New()
		ty.Prim.Store(v, x)
		if got := ty.Prim.Text(v); got != c.text {
			t.Errorf("%s %q comes back as %q", c.typ, c.text, got)
		}
		if !ty.Prim.HasValue(v) {
			t.Errorf("%s %q has no value", c.typ, c.text)
		}
	}
	for _, c := range []struct{ typ, text string }{
		{"dateTime", "2026-13"}, {"dateTime", "2026-02-30"}, {"dateTime", "2026-11-22T10:00"}, {"dateTime", "2026-11-22T10:00:00"}, {"dateTime", "20261122"},
		{"date", "2026-11-22T00:00:00Z"}, {"instant", "2026-11-22"}, {"decimal", "01"}, {"decimal", "1."}, {"decimal", "+1"}, {"decimal", "NaN"},
		{"integer", "1.0"}, {"integer", "+1"}, {"positiveInt", "0"}, {"boolean", "TRUE"}, {"base64Binary", "a"}, {"string", ""}, {"time", "24:00:00"},
	} {
		ty, _ := Named(c.typ)
		if _, err := ty.Prim.Parse(c.text); err == nil {
			t.Errorf("%s %q is accepted", c.typ, c.text)
		}
	}
}

// TestCalendar compares the calendar with package time's, day by day over what FHIR can write.
func TestCalendar(t *testing.T) {
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()/86400, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix()/86400
	for n := first; n <= last; n++ {
		day := time.Unix(n*86400, 0).UTC()
		y, m, d := day.Date()
		if got := daysFromCivil(y, int(m), d); got != n {
			t.Fatalf("%v is day %d, want %d", day, got, n)
		}
		if gy, gm, gd := civil(n); gy != y || gm != int(m) || gd != d {
			t.Fatalf("day %d is %d-%d-%d, want %v", n, gy, gm, gd, day)
		}
		if d == 1 {
			if got, want := daysIn(y, int(m)), day.AddDate(0, 1, -1).Day(); got != want {
				t.Fatalf("%v has %d days, want %d", day, got, want)
			}
			if testing.Short() && m == 3 {
				n += 4 * 365 // stays within a few days of a month's begin and end in the long run
			}
		}
	}
}

// TestReferenceMembers compares the names of the members of Reference.reference with what their options say.
func TestReferenceMembers(t *testing.T) {
	e := Of(reflect.TypeFor[dpb.Reference]()).Element("reference")
	n := 0
	for _, name := range append(Resources(), "Resource", "DomainResource", "MetadataResource") {
		a := e.Member(name)
		if a == nil {
			t.Errorf("no member for %s", name)
			continue
		}
		if got := proto.GetExtension(a.Desc.Options(), apb.E_ReferencedFhirType); got != name {
			t.Errorf("the member for %s is that for %v", name, got)
		}
		n++
	}
	if e.Member("uri") == nil || e.Member("fragment") == nil || n+2 != len(e.refs) {
		t.Errorf("%d of %d members are known", n+2, len(e.refs))
	}
}

// TestLoad: Load gives back what Store took, and Text writes it as it was.
func TestLoad(t *testing.T) {
	for _, tt := range []struct{ typ, text string }{
		{"string", "a"}, {"boolean", "true"}, {"boolean", "false"}, {"integer", "-7"}, {"positiveInt", "7"}, {"decimal", "1.50"}, {"base64Binary", "aGk="},
		{"date", "2020-02"}, {"dateTime", "2020-02-03T04:05:06.789+01:00"}, {"dateTime", "2020"}, {"instant", "2020-02-03T04:05:06Z"}, {"time", "04:05:06.123456"},
	} {
		x, err := Named(tt.typ)
		if err != nil {
			t.Fatal(err)
		}
		want, err := x.Prim.Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		v := reflect.New(x.Go).Elem()
		x.Prim.Store(v, want)
		if got := x.Prim.Load(v); got != want {
			t.Errorf("%s %s: loaded %+v, stored %+v", tt.typ, tt.text, got, want)
		}
		if got := x.Prim.Text(v); got != tt.text {
			t.Errorf("%s %s: text %s", tt.typ, tt.text, got)
		}
	}
}

// TestBases: where a type stands in FHIR's hierarchy.
func TestBases(t *testing.T) {
	for name, want := range map[string]string{
		"Patient": "Patient DomainResource Resource", "Bundle": "Bundle Resource", "Patient.contact": "BackboneElement Element", "code": "code string Element",
		"HumanName": "HumanName Element", "Age": "Age Quantity Element", "SimpleQuantity": "Quantity Element", "Dosage": "Dosage BackboneElement Element",
		"Timing.repeat": "Element", "positiveInt": "positiveInt integer Element", "canonical": "canonical uri Element", "Extension": "Extension Element",
	} {
		x, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(x.Bases(), " "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		for _, b := range strings.Fields(want) {
			if !x.Is(b) {
				t.Errorf("%s is no %s", name, b)
			}
		}
		if x.Is("Observation") {
			t.Errorf("%s is an Observation", name)
		}
	}
}

// TestSymbols: elements by numbered name are the same as by name, for names that came before and after the table was made.
func TestSymbols(t *testing.T) {
	x, _ := Named("Patient")
	for _, name := range []string{"name", "photo", "no such element", "name"} {
		if got := x.ElementOf(SymbolOf(name)); got != x.Element(name) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
