package ccdafhir_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/converters/ccdafhir"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
)

// TestNobody wants no document of a record without a patient, whatever document is asked for, and no record of a document that says nothing.
func TestNobody(t *testing.T) {
	rejected := func(id diag.ID, list []*convert.Result) bool {
		var f *diag.Finding
		return len(list) == 1 && errors.As(list[0].Rejected, &f) && f.ID == id
	}
	for _, document := range ccdafhir.Documents() {
		const b = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Practitioner","id":"p","name":[{"family":"Testdoctor"}]}}]}`
		if !rejected(ccdafhir.AboutNobody, outcomes(t, "fhir", "ccda", document, []byte(b))) {
			t.Errorf("%s: a record about nobody is not rejected", document)
		}
	}
	if !rejected(ccdafhir.SaysNothing, outcomes(t, "ccda", "fhir", "", []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"/>`))) {
		t.Error("an empty document is not rejected")
	}
	inside := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Condition","id":"c","contained":[{"resourceType":"Patient","id":"p","name":[{"family":"Testperson"}]}],
"subject":{"reference":"#p"},"code":{"text":"Hay fever"}}`))
	if len(inside) != 1 || !bytes.Contains(inside[0].Parts[0].Data, []byte("<family>Testperson</family>")) {
		t.Error("a patient who is within a resource is nobody")
	}
	elsewhere := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"code":{"text":"Hay fever"}}`))
	if len(elsewhere) != 1 || !bytes.Contains(elsewhere[0].Parts[0].Data, []byte(`Hay fever`)) {
		t.Error("a patient who is not in the record is nobody")
	}
}

// TestPlacesOfParts holds parts of resources against the places that C-CDA has for them.
func TestPlacesOfParts(t *testing.T) {
	const b = `{"resourceType":"Bundle","type":"collection","entry":[
{"resource":{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:oid:1.2.3","value":"7","type":{"text":"A number"}}],"name":[{"family":"Testperson"}],
 "address":[{"city":"Testtown","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/geolocation","extension":[{"url":"latitude","valueDecimal":1.5}]}]}]}},
{"resource":{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"code":{"coding":[{"system":"http://snomed.info/sct","code":"195967001"}]}}},
{"resource":{"resourceType":"CarePlan","id":"cp","status":"active","intent":"plan","subject":{"reference":"Patient/p"},"category":[{"text":"Asthma plan"}],"addresses":[{"reference":"Condition/c"}],
 "goal":[{"reference":"Goal/g"}],"activity":[{"detail":{"status":"scheduled","code":{"text":"Walk"},"scheduledPeriod":{"start":"2031-02-03"}}}]}},
{"resource":{"resourceType":"Goal","id":"g","lifecycleStatus":"active","subject":{"reference":"Patient/p"},"description":{"coding":[{"system":"https://maple.example/goals","code":"no attack","display":"No attack"}]},"achievementStatus":{"text":"Getting better"},
 "target":[{"dueDate":"2031-04-05"}]}},
{"resource":{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","subject":{"reference":"Patient/p"},"medicationCodeableConcept":{"text":"Aspirin"},
 "dosageInstruction":[{"sequence":1,"text":"One a day","doseAndRate":[{"type":{"text":"ordered"},"doseQuantity":{"value":1}}]}],"dispenseRequest":{"validityPeriod":{"start":"2031-06-07","end":"2031-08-09"}}}},
{"resource":{"resourceType":"Device","id":"d","patient":{"reference":"Patient/p"},"deviceName":[{"name":"Walker 2000","type":"model-name"}],"lotNumber":"L1"}},
{"resource":{"resourceType":"DocumentReference","id":"dr","status":"current","subject":{"reference":"Patient/p"},"type":{"text":"Letter"},"content":[{"attachment":{"contentType":"text/plain",
 "url":"https://records.example/letter.txt"}}]}}]}`
	r := results(t, "fhir", "ccda", "", []byte(b))[0]
	text := string(r.Parts[0].Data)
	for _, want := range []string{`<low value="20310203"/>`, `<high value="20310405"/>`, `<low value="20310607"/>`, `<high value="20310809"/>`, `<manufacturerModelName>Walker 2000</manufacturerModelName>`,
		`https://records.example/letter.txt`, `Getting better`, `<originalText>No attack</originalText>`, `root="2.16.840.1.113883.10.20.22.4.19" extension="2014-06-09"`} {
		if n := strings.Count(text, want); n != 1 {
			t.Errorf("%s stands there %d times:\n%s", want, n, text)
		}
	}
	for _, l := range r.Entry.Unmapped {
		t.Errorf("%s is unmapped", l.At)
	}
	if !slices.ContainsFunc(r.Entry.Folded, func(l convert.Line) bool { return l.At == "Goal.description.coding[0].code" }) {
		t.Errorf("a code with a blank is not folded: %v", r.Entry.Folded)
	}
	for _, why := range []string{"an id of C-CDA does not say of what kind it is", "an address of C-CDA has no coordinates", "a medication of C-CDA has one dosage", "C-CDA has goals in a section of their own",
		"a product instance of C-CDA has the UDI, which says it", "a note of C-CDA is a text"} {
		said := false
		for _, l := range r.Entry.Declined {
			said = said || l.Why == why
		}
		if !said {
			t.Errorf("nothing is declined because %s", why)
		}
	}
}

// TestForbiddenValues: what CDA's schema forbids is written as words, or not at all, and the ledger says so.
func TestForbiddenValues(t *testing.T) {
	r := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Bundle","type":"collection","entry":[
{"resource":{"resourceType":"Patient","id":"p","name":[{"family":"Testperson"}],"multipleBirthInteger":0}},
{"resource":{"resourceType":"Observation","id":"o","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],
 "subject":{"reference":"Patient/p"},"effectiveDateTime":"2024-03-01","valueString":"low","code":{"coding":[{"system":"http://loinc.org","code":"2345-7","display":"Glucose"},
 {"system":"https://maple.example/tests","code":"Glu P","display":"Glucose profile"}]}}}]}`))[0]
	text := regexp.MustCompile(`>\s+<`).ReplaceAllString(string(r.Parts[0].Data), "><")
	for _, no := range []string{"multipleBirthOrderNumber", `code="Glu P"`} {
		if strings.Contains(text, no) {
			t.Errorf("%s is there", no)
		}
	}
	if !strings.Contains(text, `<translation nullFlavor="OTH"><originalText>Glucose profile</originalText></translation>`) {
		t.Errorf("the words of the code are not there: %s", text)
	}
	if !slices.ContainsFunc(r.Entry.Folded, func(l convert.Line) bool { return strings.HasSuffix(l.At, "code.coding[1].code") }) {
		t.Errorf("the code is not folded: %v", r.Entry.Folded)
	}
}

// TestDayOfMessage: a message whose time has no offset, and that tells of nothing else with a time, becomes a document of its day.
func TestDayOfMessage(t *testing.T) {
	msg := "MSH|^~\\&|EHR|MAPLE|||20240301101500||ADT^A08^ADT_A01|1|P|2.5.1\rEVN|A08|20240301101500\rPID|1||7^^^MAPLE||Testperson^Ann\rPV1|1|N\r"
	text := string(results(t, "hl7v2", "ccda", "", []byte(msg))[0].Parts[0].Data)
	if n := strings.Count(text, `ime value="20240301"/>`); n < 2 {
		t.Errorf("the time of the document and of its author stand there %d times:\n%s", n, text)
	}
}

// TestPlannedVisit: a visit that is planned stands in the plan of treatment, for the section of encounters wants those that were (1198-8709).
func TestPlannedVisit(t *testing.T) {
	r := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Bundle","type":"collection","entry":[
{"resource":{"resourceType":"Patient","id":"p","name":[{"family":"Testperson"}]}},
{"resource":{"resourceType":"Encounter","id":"e","status":"planned","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},
 "type":[{"text":"Check-up"}],"subject":{"reference":"Patient/p"},"period":{"start":"2031-02-03"}}}]}`))[0]
	text := regexp.MustCompile(`>\s+<`).ReplaceAllString(string(r.Parts[0].Data), "><")
	_, plan, _ := strings.Cut(text, `<code code="18776-5"`)
	plan, _, _ = strings.Cut(plan, "</section>")
	for _, want := range []string{`<td>Check-up</td><td>planned</td><td>2031-02-03</td>`, `<encounter classCode="ENC" moodCode="INT">`} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan has no %s: %s", want, plan)
		}
	}
	if strings.Count(text, "<encounter ") != 1 {
		t.Errorf("the visit does not stand there once: %s", text)
	}
}

// TestUnknownParts: what a document of the US realm must have of people, organizations and data, and the record does not say, is said to be
// unknown, and media types have no blanks (XSD).
func TestUnknownParts(t *testing.T) {
	const b = `{"resourceType":"Bundle","type":"collection","timestamp":"2031-02-03T04:05:06Z","entry":[
{"resource":{"resourceType":"Patient","id":"p","name":[{"family":"Testperson"}],"managingOrganization":{"reference":"Organization/o"}}},
{"resource":{"resourceType":"Organization","id":"o","name":"Maple Street","address":[{"city":"Testtown","country":"CA"}]}},
{"resource":{"resourceType":"Practitioner","id":"who","name":[{"family":"Testdoctor"}]}},
{"resource":{"resourceType":"CareTeam","id":"t","status":"active","subject":{"reference":"Patient/p"},"participant":[{"member":{"reference":"Practitioner/who"}}]}},
{"resource":{"resourceType":"DocumentReference","id":"d","status":"current","type":{"text":"Letter"},"subject":{"reference":"Patient/p"},
 "content":[{"attachment":{"contentType":"text/plain; charset=utf-8","data":"SGVsbG8="}}]}}]}`
	provider := regexp.MustCompile(`(?s)<providerOrganization>(.*?)</providerOrganization>`)
	for _, kind := range []string{"ccd", "unstructured"} {
		doc := regexp.MustCompile(`>\s+<`).ReplaceAllString(string(through(t, "fhir", "ccda", kind, []byte(b))[0]), "><")
		wants := []string{`<family>Testperson</family><given nullFlavor="UNK"/>`, `mediaType="text/plain;charset=utf-8"`}
		if kind == "ccd" {
			wants = append(wants, `<family>Testdoctor</family><given nullFlavor="UNK"/>`)
		}
		for _, want := range wants {
			if !strings.Contains(doc, want) {
				t.Errorf("%s: it does not hold %s", kind, want)
			}
		}
		m := provider.FindStringSubmatch(doc)
		if m == nil {
			t.Fatalf("%s: no organization keeps the patient", kind)
		}
		for _, want := range []string{"<id ", "<name>Maple Street</name>", `<telecom nullFlavor="UNK"/>`, "<addr>"} {
			if !strings.Contains(m[1], want) {
				t.Errorf("%s: the patient's organization is without %s: %s", kind, want, m[1])
			}
		}
	}
}

// TestLinkedPatient: a link to another record of the patient costs him nothing.
func TestLinkedPatient(t *testing.T) {
	const b = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p","gender":"male","birthDate":"2001-02-03",
"link":[{"other":{"reference":"Patient/elsewhere"},"type":"%s"}]}}]}`
	for _, kind := range []string{"seealso", "refer", "replaces"} {
		text := string(through(t, "fhir", "ccda", "ccd", []byte(fmt.Sprintf(b, kind)))[0])
		for _, want := range []string{`<administrativeGenderCode code="M"`, `<birthTime value="20010203"`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s is not there", kind, want)
			}
		}
	}
}

// TestDay: a document about a record that says no time has the day that was given, one that says a time has its own, and the time at which a server
// changed the record is one.
func TestDay(t *testing.T) {
	const b = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p","name":[{"family":"Testperson"}]%s}}%s]}`
	for _, tt := range []struct {
		day, updated, more, want string
		finding                  diag.ID
	}{
		{"", "", "", `<effectiveTime nullFlavor="UNK"/>`, convert.Undated},
		{"2031-02-03", "", "", `<effectiveTime value="20310203"/>`, convert.DatedByUser},
		{"2031-02-03", `,"meta":{"lastUpdated":"2030-01-02T03:04:05Z"}`, "", `<effectiveTime value="20300102030405+0000"/>`, ""},
		{"2031-02-03", `,"meta":{"lastUpdated":"2030-01-02T03:04:05Z"}`,
			`,{"resource":{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"code":{"text":"Cough"},"recordedDate":"2029-05-06"}}`, `<effectiveTime value="20290506"/>`, ""},
	} {
		r := outcomesBy(t, &convert.Options{From: "fhir", To: "ccda", Date: tt.day}, []byte(fmt.Sprintf(b, tt.updated, tt.more)))[0]
		if text := string(r.Parts[0].Data); !strings.Contains(text, tt.want) {
			t.Errorf("%s is not there: %s", tt.want, text)
		}
		got := diag.ID("")
		for _, f := range r.Findings {
			if f.ID == convert.Undated || f.ID == convert.DatedByUser {
				got = f.ID
			}
		}
		if got != tt.finding {
			t.Errorf("%+v: the finding is %q", tt, got)
		}
	}
}

// TestPartsThatTemplatesWant: a language of which only its mode is known, an address of six lines, a report of an unknown state without results, and
// the words of a Composition about goals that are not there promise nothing that they do not hold.
func TestPartsThatTemplatesWant(t *testing.T) {
	r := results(t, "fhir", "ccda", "", []byte(`{"resourceType":"Bundle","type":"collection","timestamp":"2031-02-03T04:05:06Z","entry":[
{"resource":{"resourceType":"Composition","id":"w","status":"final","type":{"text":"Summary"},"subject":{"reference":"Patient/p"},"date":"2031-02-03","author":[{"display":"A"}],"title":"Summary",
 "section":[{"title":"Goals","code":{"coding":[{"system":"http://loinc.org","code":"61146-7"}]},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">To walk</div>"}}]}},
{"resource":{"resourceType":"Patient","id":"p","name":[{"family":"Testperson"}],"address":[{"line":["One","Two","Three","Four","Five","Six"],"city":"Testtown","country":"CA"}],
 "communication":[{"language":{"coding":[{"code":"1"}]},"preferred":true}]}},
{"resource":{"resourceType":"DiagnosticReport","id":"d","status":"unknown","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}]}],"subject":{"reference":"Patient/p"},"code":{"text":"Panel"},"result":[{"reference":"Observation/elsewhere"}]}},
{"resource":{"resourceType":"DiagnosticReport","id":"pdf","status":"final","subject":{"reference":"Patient/p"},"code":{"text":"Biopsy"},"effectiveDateTime":"2031-01-02","presentedForm":[{"contentType":"text/plain","data":"YmVuaWdu"}]}}]}`))[0]
	text := regexp.MustCompile(`>\s+<`).ReplaceAllString(string(r.Parts[0].Data), "><")
	for _, want := range []string{"<streetAddressLine>Three</streetAddressLine><streetAddressLine>Four, Five, Six</streetAddressLine><city>", "<languageCommunication><languageCode nullFlavor=",
		"<td>Panel</td><td>its results are not here</td><td>unknown</td>", "<td>Biopsy</td><td>2031-01-02</td>", "YmVuaWdu", "<text>To walk</text>"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not there: %s", want, text)
		}
	}
	for _, no := range []string{`root="2.16.840.1.113883.10.20.22.2.60"`, `root="2.16.840.1.113883.10.20.22.4.2"`} {
		if strings.Contains(text, no) {
			t.Errorf("%s is there", no)
		}
	}
	folded := 0
	for _, l := range r.Entry.Folded {
		if strings.HasPrefix(l.At, "Patient.address.line[") || strings.Contains(l.At, "address[0].line") || strings.Contains(l.At, "address.line") {
			folded++
		}
	}
	if folded != 3 {
		t.Errorf("%d lines of the address are folded: %v", folded, r.Entry.Folded)
	}
}
