package ccdafhir_test

import (
	"strings"
	"testing"
)

// TestBornDirections: what is said of how to take a medication, and how old one was when a problem began, stands in statements of its own and
// comes back.
func TestBornDirections(t *testing.T) {
	const bundle = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}},
{"resource":{"resourceType":"Condition","id":"c","code":{"text":"Asthma"},"onsetAge":{"value":12,"unit":"a","system":"http://unitsofmeasure.org","code":"a"},"subject":{"reference":"Patient/p"}}},
{"resource":{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","medicationCodeableConcept":{"text":"Salbutamol"},"subject":{"reference":"Patient/p"},
"dosageInstruction":[{"text":"two puffs when needed","patientInstruction":"Shake before use","additionalInstruction":[{"coding":[{"system":"http://snomed.info/sct","code":"311504000"}]}]}]}}]}`
	r := results(t, "fhir", "ccda", "", []byte(bundle))[0]
	doc := string(r.Parts[0].Data)
	for _, want := range []string{`code="76662-6"`, `<td ID="medications-1-2">two puffs when needed</td>`, `<reference value="#medications-1-2"/>`, `code="311504000"`, `code="445518008"`} {
		if strings.Count(doc, want) != 1 {
			t.Errorf("the document should hold %s once:\n%s", want, doc)
		}
	}
	for _, l := range r.Entry.Folded {
		if strings.Contains(l.At, "dosageInstruction") || strings.Contains(l.At, "onset") {
			t.Errorf("%s is folded: %s", l.At, l.Why)
		}
	}
	again := string(through(t, "ccda", "fhir", "", r.Parts[0].Data)[0])
	for _, want := range []string{`"text":"two puffs when needed"`, `"patientInstruction":"Shake before use"`, `"code":"311504000"`, `"onsetAge":{`, `"value":12`} {
		if !strings.Contains(again, want) {
			t.Errorf("what is read again should hold %s:\n%s", want, again)
		}
	}
}
