package ccdafhir_test

import (
	"strings"
	"testing"
)

// TestBornObservations: what something was measured of comes back; what a statement has no place for is declined, and nobody is made a
// performer who is none; and the templates of the social history have what they want.
func TestBornObservations(t *testing.T) {
	const bundle = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}},
{"resource":{"resourceType":"Specimen","id":"s","identifier":[{"system":"urn:oid:1.2.3.4","value":"S1"}],"type":{"coding":[{"system":"http://snomed.info/sct","code":"122575003"}]},"subject":{"reference":"Patient/p"}}},
{"resource":{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"5811-5"}]},"subject":{"reference":"Patient/p"},"effectiveDateTime":"2020-01-02",
"performer":[{"reference":"Patient/p"}],"specimen":{"reference":"Specimen/s"},"valueQuantity":{"value":1.02},
"referenceRange":[{"high":{"value":1.03},"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/referencerange-meaning","code":"normal"}]}}]}},
{"resource":{"resourceType":"Observation","id":"q","status":"final","code":{"text":"Both"},"subject":{"reference":"Patient/p"},"hasMember":[{"reference":"Observation/o"}],"valueString":"yes"}},
{"resource":{"resourceType":"Observation","id":"t","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"social-history"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"72166-2"}]},"subject":{"reference":"Patient/p"},"effectivePeriod":{"start":"2010-01-01","end":"2019-01-01"},"valueString":"daily"}},
{"resource":{"resourceType":"Observation","id":"v","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"social-history"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"72166-2"}]},"subject":{"reference":"Patient/p"},"valueString":"never"}},
{"resource":{"resourceType":"Observation","id":"u","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"social-history"}]}],
"code":{"coding":[{"system":"http://snomed.info/sct","code":"228272008"}]},"subject":{"reference":"Patient/p"},"effectiveDateTime":"2020-01-02","valueString":"reads"}}]}`
	r := results(t, "fhir", "ccda", "", []byte(bundle))[0]
	doc := string(r.Parts[0].Data)
	for want, times := range map[string]int{`<id root="1.2.3.4" extension="S1"/>`: 1, `code="122575003"`: 1, `<interpretationCode code="N"`: 1, `<performer`: 0,
		`root="2.16.840.1.113883.10.20.22.4.78"`: 2, `<translation nullFlavor="OTH"/>`: 1} {
		if n := strings.Count(doc, want); n != times {
			t.Errorf("the document holds %s %d times, not %d:\n%s", want, n, times, doc)
		}
	}
	declined := map[string]bool{}
	for _, l := range r.Entry.Declined {
		declined[l.Why] = true
	}
	for _, want := range []string{"a performer of a statement is a person or organization that is assigned to it", "a statement of C-CDA does not say to which others it belongs"} {
		if !declined[want] {
			t.Errorf("nothing is declined because %s: %v", want, r.Entry.Declined)
		}
	}
	for _, l := range r.Entry.Unmapped {
		t.Errorf("%s is unmapped", l.At)
	}
	again := string(through(t, "ccda", "fhir", "", r.Parts[0].Data)[0])
	for _, want := range []string{`"resourceType":"Specimen"`, `"value":"S1"`, `"specimen":{`} {
		if !strings.Contains(again, want) {
			t.Errorf("what is read again should hold %s:\n%s", want, again)
		}
	}
}

// TestResultsOfUnknownState: the section of results that a document must have promises results of a known state, or says that there are none; those of an unknown
// one stand in a section beside it, that promises nothing. A kind of specimen whose code CDA cannot hold stands there in words.
func TestResultsOfUnknownState(t *testing.T) {
	doc := func(status string) string {
		r := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}},
{"resource":{"resourceType":"Specimen","id":"s","type":{"coding":[{"system":"https://maple.example/kinds","code":"THROAT SWAB","display":"Swab"}]},"subject":{"reference":"Patient/p"}}},
{"resource":{"resourceType":"Observation","id":"o","status":"`+status+`","code":{"coding":[{"system":"http://loinc.org","code":"5811-5"}]},"subject":{"reference":"Patient/p"},"specimen":{"reference":"Specimen/s"},"valueString":"seen"}}]}`))[0]
		return string(r.Parts[0].Data)
	}
	unknown, final := doc("unknown"), doc("final")
	for _, tt := range []struct {
		doc, want string
		times     int
	}{
		{unknown, `<code code="30954-2"`, 2}, {final, `<code code="30954-2"`, 1},
		{unknown, `<templateId root="2.16.840.1.113883.10.20.22.2.3" extension="2015-08-01"/>`, 1}, {final, `<templateId root="2.16.840.1.113883.10.20.22.2.3" extension="2015-08-01"/>`, 0},
		{unknown, `No results whose state is known`, 1}, {final, `No results whose state is known`, 0},
		{unknown, `<value xsi:type="ST">seen</value>`, 1}, {final, `<value xsi:type="ST">seen</value>`, 1},
		{final, "THROAT", 0}, {final, `<originalText>Swab</originalText>`, 1},
	} {
		if n := strings.Count(tt.doc, tt.want); n != tt.times {
			t.Errorf("the document holds %s %d times, not %d:\n%s", tt.want, n, tt.times, tt.doc)
		}
	}
	for _, part := range strings.Split(unknown, "</section>") {
		if strings.Contains(part, `<section nullFlavor`) && strings.Contains(part, "<entry") {
			t.Errorf("a section says that there is no information, and has entries:\n%s", part)
		}
	}
}
