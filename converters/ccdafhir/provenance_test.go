package ccdafhir_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const authored = `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><realmCode code="US"/><id root="1.2.3"/><effectiveTime value="20200101"/>
<recordTarget><patientRole><id root="1.2.3.4" extension="7"/></patientRole></recordTarget>
<author><time value="20200101"/><assignedAuthor><id root="1.2.3.8"/><assignedPerson><name><given>Doc</given><family>Testwriter</family></name></assignedPerson></assignedAuthor></author>
<component><structuredBody><component><section><code code="30954-2" codeSystem="2.16.840.1.113883.6.1"/><title>Results</title><text>Nothing</text>
<author><time value="20200101"/><assignedAuthor><id root="1.2.3.7"/></assignedAuthor></author>
ENTRIES</section></component></structuredBody></component></ClinicalDocument>`

func authorOf(id, time string) string {
	return `<author><time value="` + time + `"/><assignedAuthor><id root="` + id + `"/><assignedPerson><name><given>Ann</given><family>Testauthor</family></name></assignedPerson>
<representedOrganization><id root="1.2.3.10"/><name>Test Clinic</name></representedOrganization></assignedAuthor></author>`
}

func observed(id, author string) string {
	return `<entry><observation classCode="OBS" moodCode="EVN"><id root="` + id + `"/><code code="2339-0" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>` + author + `</observation></entry>`
}

// provenances are the Provenances of a bundle, and how often each resource that they lead to is led to.
func provenances(t *testing.T, bundle []byte) (list []map[string]any) {
	t.Helper()
	var b struct {
		Entry []struct{ Resource map[string]any }
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	for _, e := range b.Entry {
		if e.Resource["resourceType"] == "Provenance" {
			list = append(list, e.Resource)
		}
	}
	return list
}

// TestProvenance: an author of statements is one Provenance for each time, with all that he wrote then; one of the section or the document
// is none; and each comes back once.
func TestProvenance(t *testing.T) {
	concern := `<entry><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/><id root="1.2.3.30"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>` +
		authorOf("1.2.3.9", "20200105") + `<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="1.2.3.31"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><value xsi:type="CD" code="38341003" codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship></act></entry>`
	doc := strings.Replace(authored, "ENTRIES", observed("1.2.3.1", authorOf("1.2.3.9", "20200102101112-0500"))+observed("1.2.3.2", authorOf("1.2.3.9", "20200102101112-0500"))+
		observed("1.2.3.3", authorOf("1.2.3.9", "20200103"))+observed("1.2.3.4", "")+concern, 1)
	bundle := through(t, "ccda", "fhir", "", []byte(doc))[0]
	var got []string
	for _, p := range provenances(t, bundle) {
		targets, _ := p["target"].([]any)
		kind := "unknown"
		if s, ok := p["recorded"].(string); ok {
			kind = "recorded " + s
		} else if s, ok := p["occurredDateTime"].(string); ok {
			kind = "occurred " + s
		}
		agent, _ := p["agent"].([]any)
		who, _ := agent[0].(map[string]any)
		if who["who"] == nil || who["onBehalfOf"] == nil {
			t.Errorf("an agent without who or on whose behalf: %v", who)
		}
		got = append(got, strings.Repeat("*", len(targets))+" "+kind)
	}
	if have, want := strings.Join(got, ", "), "** recorded 2020-01-02T10:11:12-05:00, * occurred 2020-01-03, * occurred 2020-01-05"; have != want {
		t.Errorf("the Provenances are %s, not %s", have, want)
	}
	res := results(t, "fhir", "ccda", "", bundle)[0]
	back := string(res.Parts[0].Data)
	if n := strings.Count(back, "<author>"); n != 6 { // the document's, the section's, of three results, of the concern
		t.Errorf("%d authors come back, not 6:\n%s", n, back)
	}
	if x := res.Entry.Tally; x.Carried+x.Folded != x.Values() {
		t.Errorf("%d of %d values come back: %v %v", x.Carried+x.Folded, x.Values(), res.Entry.Declined, res.Entry.Unmapped)
	}
}

// TestProvenanceOfOthers: who wrote a statement of a document by a Provenance that came to it later is an author of it, and so is one of a
// bundle that was no document; one of the whole record is the document's.
func TestProvenanceOfOthers(t *testing.T) {
	const agent = `"agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/provenance-participant-type","code":"author"}]},"who":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00b1"},
"onBehalfOf":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00b2"}}]`
	const people = `{"fullUrl":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00b1","resource":{"resourceType":"Practitioner","id":"5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00b1","name":[{"family":"Testlater"}]}},
{"fullUrl":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00b2","resource":{"resourceType":"Organization","id":"5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00b2","name":"Later Clinic"}}`
	count := func(doc, what string, want int) {
		t.Helper()
		if n := strings.Count(doc, what); n != want {
			t.Errorf("%s stands there %d times, not %d:\n%s", what, n, want, doc)
		}
	}

	bundle := string(through(t, "ccda", "fhir", "", []byte(strings.Replace(authored, "ENTRIES", observed("1.2.3.1", ""), 1)))[0])
	_, url, _ := strings.Cut(bundle, `"resourceType":"Observation","id":"`)
	url, _, _ = strings.Cut(url, `"`)
	more := `{"resource":{"resourceType":"Provenance","target":[{"reference":"urn:uuid:` + url + `"}],"recorded":"2020-02-02T10:11:12-05:00",` + agent + `}},` + people
	doc := string(through(t, "fhir", "ccda", "", []byte(strings.TrimSuffix(strings.TrimSpace(bundle), "]}")+","+more+"]}"))[0])
	count(doc, "Testlater", 1)
	count(doc, "Later Clinic", 1)
	count(doc, `<time value="20200202101112-0500"/>`, 1)
	if n := len(provenances(t, through(t, "ccda", "fhir", "", []byte(doc))[0])); n != 1 {
		t.Errorf("of the author that was written %d Provenances are made", n)
	}

	born := `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c1","resource":{"resourceType":"Patient","id":"5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c1"}},
{"fullUrl":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c2","resource":{"resourceType":"Procedure","id":"5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c2","status":"completed","code":{"text":"Something"},"subject":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c1"}}},
{"fullUrl":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c3","resource":{"resourceType":"AllergyIntolerance","id":"5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c3","code":{"text":"Something"},"patient":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c1"},
"recordedDate":"2020-02-02","recorder":{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00b1"}}},
{"resource":{"resourceType":"Provenance","target":[TARGETS],"recorded":"2020-02-02T10:11:12-05:00",` + agent + `}},` + people + `]}`
	statements := `{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c2"},{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c3"}`
	doc = string(through(t, "fhir", "ccda", "", []byte(strings.Replace(born, "TARGETS", statements, 1)))[0])
	count(doc, "<author>", 3) // the program, of the procedure, and the recorder of the allergy once
	count(doc, "Testlater", 2)
	doc = string(through(t, "fhir", "ccda", "", []byte(strings.Replace(born, "TARGETS", statements+`,{"reference":"urn:uuid:5b0a3c1e-7f0e-4f6b-9a55-0d8d2f1c00c1"}`, 1)))[0])
	count(doc, "<author>", 3) // the program, the document's, and the recorder of the allergy
	head, body, _ := strings.Cut(doc, "<structuredBody>")
	count(head, "Testlater", 1)
	count(body, "Testlater", 1)
}
