package ccdafhir_test

import (
	"strings"
	"testing"
)

// TestBornSupplies: what shall be supplied to the patient is a Planned Supply, by a code, a medication or a device; one that is over has no template,
// one that was entered in error is not written, and each comes back.
func TestBornSupplies(t *testing.T) {
	const head = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}},
{"resource":{"resourceType":"Medication","id":"m","code":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"314076"}]}}}`
	supply := func(inner string) string {
		return `,{"resource":{"resourceType":"SupplyRequest","id":"s` + inner[len(inner)-1:] + `",` + inner[:len(inner)-1] + `,"quantity":{"value":3},"deliverTo":{"reference":"Patient/p"}}}`
	}
	bundle := head + supply(`"status":"active","itemCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"58938008","display":"Wheelchair"}]},"occurrencePeriod":{"start":"2026-03-10"},"priority":"urgent"1`) +
		supply(`"status":"completed","itemReference":{"reference":"Medication/m"},"occurrenceDateTime":"2026-03-11"2`) +
		supply(`"status":"entered-in-error","itemCodeableConcept":{"text":"Crutches"}3`) + `]}`
	r := results(t, "fhir", "ccda", "", []byte(bundle))[0]
	doc := string(r.Parts[0].Data)
	for want, times := range map[string]int{`<supply classCode="SPLY" moodCode="INT">`: 2, `root="2.16.840.1.113883.10.20.22.4.43"`: 2, `code="58938008"`: 1, `code="314076"`: 1, `<quantity value="3"/>`: 2,
		`<statusCode code="completed"/>`: 1, `<low value="20260310"/>`: 2, `<td>Wheelchair, 3</td>`: 1, "Crutches": 0} {
		if n := strings.Count(doc, want); n != times {
			t.Errorf("the document holds %s %d times, not %d:\n%s", want, n, times, doc)
		}
	}
	for _, l := range r.Entry.Unmapped {
		t.Errorf("%s is unmapped", l.At)
	}
	again := string(through(t, "ccda", "fhir", "", r.Parts[0].Data)[0])
	for want, times := range map[string]int{`"resourceType":"SupplyRequest"`: 2, `"deliverTo":{`: 2, `"code":"58938008"`: 1, `"code":"314076"`: 1} {
		if n := strings.Count(again, want); n < times {
			t.Errorf("what is read again holds %s %d times, not %d:\n%s", want, n, times, again)
		}
	}
}

// TestBornPriority: how urgent an order is stands in its priorityCode, between its time and who wrote it.
func TestBornPriority(t *testing.T) {
	order := func(priority string) string {
		return `,{"resource":{"resourceType":"ServiceRequest","id":"o-` + priority + `","status":"active","intent":"order","subject":{"reference":"Patient/p"},"code":{"text":"X-ray"},"occurrenceDateTime":"2031-02-03","priority":"` + priority + `"}}`
	}
	r := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}}`+
		order("routine")+order("urgent")+order("asap")+order("stat")+`]}`))[0]
	doc := strings.Join(strings.Fields(string(r.Parts[0].Data)), " ")
	for _, code := range []string{"R", "UR", "A", "S"} {
		if want := `<effectiveTime value="20310203"/> <priorityCode code="` + code + `" codeSystem="2.16.840.1.113883.5.7"`; strings.Count(doc, want) != 1 {
			t.Errorf("the document does not hold %s once:\n%s", want, doc)
		}
	}
	for _, l := range r.Entry.Unmapped {
		t.Errorf("%s is unmapped", l.At)
	}
}
