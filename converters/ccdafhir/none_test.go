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

// TestDenialsInWords: a negated allergy or medication whose words deny it too says that there is none, once; words that name a thing are what is denied.
func TestDenialsInWords(t *testing.T) {
	const head = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" moodCode="EVN" negationInd="true"><templateId root="2.16.840.1.113883.10.20.22.4.`
	allergy := func(words string) string {
		return oneSection("2.16.840.1.113883.10.20.22.2.6.1", "48765-2", `<observation classCode="OBS" `+head+`7"/><id root="1.2.3.6"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
<statusCode code="completed"/><value xsi:type="CD" code="419199007" codeSystem="2.16.840.1.113883.6.96"/><participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">
<code nullFlavor="NI"><originalText>`+words+`</originalText></code></playingEntity></participantRole></participant></observation>`)
	}
	drug := func(words string) string {
		return oneSection("2.16.840.1.113883.10.20.22.2.1.1", "10160-0", `<substanceAdministration classCode="SBADM" `+head+`16"/><id root="1.2.3.7"/><statusCode code="active"/>
<consumable><manufacturedProduct classCode="MANU"><manufacturedMaterial><code nullFlavor="NI"><originalText>`+words+`</originalText></code></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`)
	}
	for _, tt := range []struct{ doc, want, not string }{
		{allergy("No Known Allergies"), `"code":"716186003"`, `"code":"refuted"`},
		{allergy("NKDA"), `"code":"716186003"`, `"code":"refuted"`},
		{allergy("Latex"), `"code":"refuted"`, `"code":"716186003"`},
		{drug("Not on any medication"), `"code":"787481004"`, `"doNotPerform":true`},
		{drug("Aspirin"), `"doNotPerform":true`, `"code":"787481004"`},
		{drug("No-Spa"), `"doNotPerform":true`, `"code":"787481004"`},
		{drug("Multivitamin without iron"), `"doNotPerform":true`, `"code":"787481004"`},
		{drug("Patient denies: NONE."), `"code":"787481004"`, `"doNotPerform":true`},
	} {
		got := string(through(t, "ccda", "fhir", "", []byte(tt.doc))[0])
		if !strings.Contains(got, tt.want) || strings.Contains(got, tt.not) {
			t.Errorf("the bundle should hold %s and not %s:\n%s", tt.want, tt.not, got)
		}
		if back := string(through(t, "fhir", "ccda", "", []byte(got))[0]); strings.Count(back, `negationInd="true"`) != 1 {
			t.Errorf("the negation does not come back once:\n%s", back)
		}
	}
}

// TestGoalSaysWhatIsAimedAt: the value of a goal is what is aimed at: in words the description, else the target.
func TestGoalSaysWhatIsAimedAt(t *testing.T) {
	goal := func(value string) string {
		return oneSection("2.16.840.1.113883.10.20.22.2.60", "61146-7", `<observation xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" classCode="OBS" moodCode="GOL"><templateId root="2.16.840.1.113883.10.20.22.4.121"/><id root="1.2.3.6"/>
<code code="29463-7" codeSystem="2.16.840.1.113883.6.1" displayName="Body weight"/><statusCode code="active"/>`+value+`</observation>`)
	}
	for _, tt := range []struct{ value, want string }{
		{`<value xsi:type="ST">Walk to the shop again</value>`, `"text":"Walk to the shop again"`},
		{`<value xsi:type="PQ" value="70" unit="kg"/>`, `"detailQuantity":{"value":70`},
		{`<value xsi:type="IVL_PQ"><low value="65" unit="kg"/><high value="70" unit="kg"/></value>`, `"detailRange":{"low":{"value":65`},
		{`<value xsi:type="CD" code="43994002" codeSystem="2.16.840.1.113883.6.96" displayName="Weight loss"/>`, `"detailCodeableConcept":{`},
	} {
		got := string(through(t, "ccda", "fhir", "", []byte(goal(tt.value)))[0])
		if strings.Count(got, tt.want) != 1 || strings.Contains(got, `"measure":`) == strings.Contains(tt.value, "ST") {
			t.Errorf("the bundle should hold %s:\n%s", tt.want, got)
		}
		res := through(t, "fhir", "ccda", "", []byte(got))[0]
		if strings.Count(string(res), "<value ") != 1 || strings.Contains(string(res), "originalText") {
			t.Errorf("what is derived comes back:\n%s", res)
		}
	}
}

// TestNoProblemIsSoNow: that there is no problem is active, though the concern around it is closed.
func TestNoProblemIsSoNow(t *testing.T) {
	doc := strings.Replace(problemDocument, `<statusCode code="active"/>`, `<statusCode code="completed"/>`, 1)
	got := string(through(t, "ccda", "fhir", "", []byte(doc))[0])
	if !strings.Contains(got, `"code":"160245001"`) || !strings.Contains(got, `"code":"active"`) || strings.Contains(got, `"code":"inactive"`) {
		t.Errorf("no problem is not active:\n%s", got)
	}
}

// TestPlannedObservationSaysMore: the value of a planned observation in words is a note on the order.
func TestPlannedObservationSaysMore(t *testing.T) {
	doc := oneSection("2.16.840.1.113883.10.20.22.2.10", "18776-5", `<observation xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" classCode="OBS" moodCode="RQO"><templateId root="2.16.840.1.113883.10.20.22.4.44"/><id root="1.2.3.6"/>
<code code="399208008" codeSystem="2.16.840.1.113883.6.96" displayName="Chest X-ray"/><statusCode code="active"/><value xsi:type="ST">Both views, before the next visit</value></observation>`)
	got := through(t, "ccda", "fhir", "", []byte(doc))[0]
	if !strings.Contains(string(got), `"note":[{`) || strings.Count(string(got), "Both views, before the next visit") != 2 {
		t.Errorf("the words are no note:\n%s", got)
	}
	if back := string(through(t, "fhir", "ccda", "", got)[0]); strings.Count(back, "Both views") != 1 {
		t.Errorf("the words do not come back once:\n%s", back)
	}
}
