package ccdafhir_test

import (
	"strings"
	"testing"
)

// TestBornNone: codes for that there is none become negations, and the same codes again.
func TestBornNone(t *testing.T) {
	const patient = `"reference":"Patient/p"`
	bundle := func(resource string) []byte {
		return []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}},{"resource":` + resource + `}]}`)
	}
	allergy := func(code string) string {
		return `{"resourceType":"AllergyIntolerance","id":"x","code":{"coding":[` + code + `]},"patient":{` + patient + `}}`
	}
	for _, tt := range []struct{ resource, doc, again string }{
		{allergy(`{"system":"http://snomed.info/sct","code":"716186003"}`), `<code nullFlavor="NA"/>`, `"code":"716186003"`},
		{allergy(`{"system":"http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips","code":"no-known-medication-allergies"}`), `<code nullFlavor="NA"/>`, `"code":"409137002"`},
		{allergy(`{"system":"http://snomed.info/sct","code":"1003774007"}`), `code="111088007"`, `"code":"refuted"`}, // of one substance
		{`{"resourceType":"Condition","id":"x","code":{"coding":[{"system":"http://snomed.info/sct","code":"160245001"}]},"subject":{` + patient + `}}`, `<value xsi:type="CD" code="55607006"`, `"code":"160245001"`},
		{`{"resourceType":"MedicationStatement","id":"x","status":"active","medicationCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"787481004"}]},"subject":{` + patient + `}}`,
			`<translation code="410942007"`, `"code":"787481004"`},
	} {
		doc := through(t, "fhir", "ccda", "", bundle(tt.resource))[0]
		if !strings.Contains(string(doc), tt.doc) || strings.Count(string(doc), `negationInd="true"`) != 1 {
			t.Errorf("the document should hold %s and one negation:\n%s", tt.doc, doc)
		}
		again := string(through(t, "ccda", "fhir", "", doc)[0])
		if !strings.Contains(again, tt.again) || strings.Contains(again, "doNotPerform") {
			t.Errorf("the bundle should hold %s:\n%s", tt.again, again)
		}
	}
}
