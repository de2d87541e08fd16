package validate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/diag"
)

// many writes n items, with a comma between them; %[1]d is the number of an item.
func many(n int, item string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, item, i)
	}
	return b.String()
}

// TestHostile: what is made to bring programs down is work in proportion to its size. What is counted is no time but the looks at elements and
// references, the steps of rules, and what is allocated: twice as much takes twice as many, and four times as many if each thing is held
// against each other. What nests is read again at some depths, never at all of them.
func TestHostile(t *testing.T) {
	const url = "urn:uuid:98549f1a-e0d5-4454-849c-f5b97d3ed290"
	for _, shape := range []struct {
		name   string
		n      int
		growth float64
		text   func(n int) string
	}{
		{"nested extensions", 25, 5, func(n int) string {
			return `{"resourceType":"Patient","extension":` + strings.Repeat(`[{"url":"http://a.test","extension":`, n) + `[{"url":"http://a.test","valueString":"x"}]` + strings.Repeat("}]", n) + `}`
		}},
		{"many extensions", 10000, 2.5, func(n int) string {
			return `{"resourceType":"Patient","extension":[` + many(n, `{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"city":"x%d"}}`) + `]}`
		}},
		{"many contained of one id", 1500, 2.5, func(n int) string {
			return `{"resourceType":"Patient","contained":[` + strings.ReplaceAll(many(n, `{"resourceType":"Patient","id":"a%d"}`), `"a`, `"a","language":"`) + `]}`
		}},
		{"many contained that are referred to", 1500, 2.5, func(n int) string {
			return `{"resourceType":"Patient","contained":[` + many(n, `{"resourceType":"Practitioner","id":"d%d"}`) + `],"generalPractitioner":[` + many(n, `{"reference":"#d%d"}`) + `]}`
		}},
		{"many references", 10000, 2.5, func(n int) string {
			return `{"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"` + url + `","resource":{"resourceType":"Composition","status":"final","type":{"text":"x"},"date":"2026-01-01",` +
				`"author":[{"display":"x"}],"title":"x","section":[{"title":"s","entry":[` + many(n, `{"reference":"urn:uuid:98549f1a-e0d5-4454-849c-%012d"}`) + `]}]}}]}`
		}},
		{"many entries", 1500, 2.5, func(n int) string {
			return `{"resourceType":"Bundle","type":"collection","entry":[` + many(n, `{"fullUrl":"urn:uuid:98549f1a-e0d5-4454-849c-%[1]012d","resource":{"resourceType":"Patient","link":[{"type":"seealso","other":{"reference":"urn:uuid:98549f1a-e0d5-4454-849c-%012[1]d"}}]}}`) + `]}`
		}},
		{"bundles in bundles", 7, 5, func(n int) string {
			return strings.Repeat(`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"`+url+`","resource":`, n) + `{"resourceType":"Patient","id":"p"}` + strings.Repeat(`}]}`, n)
		}},
	} {
		t.Run(shape.name, func(t *testing.T) {
			v, err := New(Options{Profiles: []string{"us-core"}, Jobs: 1})
			if err != nil {
				t.Fatal(err)
			}
			var all []*walker
			make := v.free.New
			v.free.New = func() any { // whichever are made and let go of
				w := make().(*walker)
				all = append(all, w)
				return w
			}
			measure := func(n int) (steps, allocated float64) {
				text := shape.text(n)
				check := func() {
					if _, err := v.Stream(t.Context(), strings.NewReader(text), "x", func(*diag.Finding) {}); err != nil {
						t.Fatal(err)
					}
				}
				check() // what is compiled once
				before := 0
				for _, w := range all {
					before += w.looks + w.paths.Steps()
				}
				check()
				after := 0
				for _, w := range all {
					after += w.looks + w.paths.Steps()
				}
				return float64(after - before), testing.AllocsPerRun(1, check)
			}
			steps, allocated := measure(shape.n)
			steps2, allocated2 := measure(2 * shape.n)
			t.Logf("%d: %.0f steps, %.0f allocations; %d: %.0f and %.0f", shape.n, steps, allocated, 2*shape.n, steps2, allocated2)
			if steps == 0 || steps2 > shape.growth*steps || allocated2 > shape.growth*allocated+1000 {
				t.Errorf("%d takes %.0f steps and %.0f allocations, twice as much %.0f and %.0f", shape.n, steps, allocated, steps2, allocated2)
			}
		})
	}
}

// TestUnknownURLs: a source that names one profile after the other that nobody knows does not fill the memory.
func TestUnknownURLs(t *testing.T) {
	l := newLibrary()
	for i := range maxCached + 10 {
		if l.structure(fmt.Sprintf("https://maple.example/%d", i)) != nil {
			t.Fatal(i)
		}
	}
	if len(l.structures) > maxCached {
		t.Errorf("%d URLs are remembered", len(l.structures))
	}
}
