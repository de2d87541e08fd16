package mapping

import (
	"slices"
	"testing"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/tree"
)

// TestEachLeaf: the same leaves and places as Leaves, and which of them are modifiers.
func TestEachLeaf(t *testing.T) {
	rec := &Record{}
	for _, text := range []string{
		`{"resourceType":"Patient","id":"p","active":true,"name":[{"use":"old","family":"Example","given":["A","B"]}],"birthDate":"2001-02-03",
"_birthDate":{"extension":[{"url":"http://x.example","valueCode":"c"}]},"generalPractitioner":[{"reference":"Practitioner/1","display":"Dr. Example"}],
"contained":[{"resourceType":"Organization","id":"o","name":"N"}]}`,
		`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-8"}]},"valueQuantity":{"value":1.50,"comparator":"<"}}`,
		`{"resourceType":"Observation","id":"5e8f2b1c-7b3a-5c1d-8e2f-000000000000","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}`,
	} {
		m, finds := fhir.Unmarshal([]byte(text))
		if m == nil {
			t.Fatal(finds)
		}
		rec.Add(NewResource(m, ""))
	}
	var want, got, modifiers []string
	rec.Leaves(func(place func() string, _ tree.State, _ string) { want = append(want, place()) })
	rec.EachLeaf(func(l *Leaf) {
		got = append(got, l.Place())
		if l.Modifier {
			modifiers = append(modifiers, l.Place())
		}
	})
	if !slices.Equal(got, want) || len(want) < 20 {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if want := []string{"Patient.active", "Patient.name[0].use", "Observation.status", "Observation.value.ofType(Quantity).comparator",
		"Bundle.entry.resource.ofType(Observation)[1].status"}; !slices.Equal(modifiers, want) {
		t.Errorf("modifiers %q, want %q", modifiers, want)
	}
	rec.EachLeaf(func(l *Leaf) {
		if l.Modifier {
			rec.Claim(l.Value, tree.Carried, "")
			rec.Claim(l.Value, tree.Declined, "a state never falls")
		}
	})
	n := 0
	rec.EachLeaf(func(l *Leaf) {
		if (l.State == tree.Carried) != l.Modifier || l.Why != "" {
			t.Errorf("%s is %s", l.Place(), l.State)
		}
		n++
	})
	if n != len(want) {
		t.Errorf("%d leaves", n)
	}
}
