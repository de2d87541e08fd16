package v2fhir

import (
	"fmt"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// TestDivideGrowth: to write the messages of a patient with twice as many visits is twice the work. What is counted is no time but the looks at
// elements and resources, and the allocations.
func TestDivideGrowth(t *testing.T) {
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	visits := func(n int) *mapping.Record {
		list := []string{annLee}
		for i := range n {
			of := fmt.Sprintf(`%s,"encounter":{"reference":"urn:uuid:v%d"}`, ofAnn, i)
			day := fmt.Sprintf("%d-01-%02d", 1900+i/28, i%28+1)
			list = append(list,
				fmt.Sprintf(`{"resourceType":"Encounter","id":"v%d","status":"finished","class":{"code":"AMB"},%s,"identifier":[{"value":"V%d"}],"period":{"start":"%s","end":"%[4]s"}}`, i, ofAnn, i, day),
				fmt.Sprintf(`{"resourceType":"Condition","id":"c%d","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"resolved"}]},"code":{"text":"Cold"},%s}`, i, of),
				fmt.Sprintf(`{"resourceType":"DiagnosticReport","id":"r%d","status":"final","code":{"text":"Panel"},%s,"result":[{"reference":"urn:uuid:o%[1]d"}]}`, i, of),
				fmt.Sprintf(`{"resourceType":"Observation","id":"o%d","status":"final","code":{"text":"Sodium"},%s,"valueQuantity":{"value":%d}}`, i, of, i),
				fmt.Sprintf(`{"resourceType":"Procedure","id":"p%d","status":"completed","code":{"text":"Cast"},%s,"performedDateTime":"%s"}`, i, of, day),
				fmt.Sprintf(`{"resourceType":"AllergyIntolerance","id":"a%d","patient":{"reference":"urn:uuid:ann"},"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},"code":{"text":"Allergen %[1]d"},"onsetDateTime":"%sT10:00:00Z"}`, i, day),
				fmt.Sprintf(`{"resourceType":"MedicationRequest","id":"m%d","status":"active","intent":"order","medicationCodeableConcept":{"text":"Aspirin"},%s}`, i, of))
		}
		return recordOf(t, list...)
	}
	measure := func(n int) (messages, steps int, allocs float64) {
		rec := visits(n)
		w := Format(ms).NewWriter(&convert.Options{}).(*writer)
		list, err := w.messages(wholeOf(&convert.Record{Record: rec, FromFHIR: true}, ""))
		if err != nil {
			t.Fatal(err)
		}
		steps = rec.Steps()
		for _, m := range list {
			steps += m.doc.Steps()
		}
		return len(list), steps, testing.AllocsPerRun(1, func() {
			if _, _, err := Format(ms).NewWriter(&convert.Options{}).FromHub(&convert.Record{Record: visits(n), FromFHIR: true}); err != nil {
				t.Fatal(err)
			}
		})
	}
	const few, factor = 25, 8
	messages, steps, allocs := measure(few)
	messages2, steps2, allocs2 := measure(few * factor)
	t.Logf("%d messages: %d steps and %.0f allocations each; %d: %d and %.0f", messages, steps/messages, allocs/float64(messages), messages2, steps2/messages2, allocs2/float64(messages2))
	if messages2 < factor*messages-factor {
		t.Fatalf("%d messages of %d visits, %d of %d", messages, few, messages2, few*factor)
	}
	if steps2 > (factor+1)*steps || allocs2 > (factor+1)*allocs {
		t.Errorf("%d times as many visits take %d steps and %.0f allocations, and not about %d and %.0f", factor, steps2, allocs2, factor*steps, factor*allocs)
	}
}
