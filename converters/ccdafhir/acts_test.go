package ccdafhir_test

import "testing"

// TestActs holds acts and supplies against what FHIR has for them: what is intended, what was done, what somebody is concerned about, and what
// only tells of the statement around it. None is a Basic.
func TestActs(t *testing.T) {
	const entries = "2.16.840.1.113883.10.20.22.4."
	snomed := func(code string) string { return `<code code="` + code + `" codeSystem="2.16.840.1.113883.6.96"/>` }
	act := func(mood, template, id, inner string) string {
		return `<act classCode="ACT" ` + mood + `><templateId root="` + entries + template + `"/><id root="` + id + `"/>` + inner + `</act>`
	}
	within := func(inner string) string {
		return `<entryRelationship typeCode="REFR">` + inner + `</entryRelationship>`
	}
	problem := `<observation classCode="OBS" moodCode="EVN"><templateId root="` + entries + `4"/><id root="1.2.3.9"/><code code="55607006" codeSystem="2.16.840.1.113883.6.96"/>
<statusCode code="completed"/><effectiveTime><low value="20200101"/></effectiveTime><value` + coded + `"195967001"/></observation>`
	medication := func(inner string) string {
		return `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="` + entries + `16"/><id root="1.2.3.5"/><statusCode code="active"/><consumable><manufacturedProduct>
<manufacturedMaterial><code code="1191" codeSystem="2.16.840.1.113883.6.88" displayName="Aspirin"/></manufacturedMaterial></manufacturedProduct></consumable>` + inner + `</substanceAdministration>`
	}
	intended, done := `moodCode="INT"`, `moodCode="EVN"`
	active := `<statusCode code="active"/>`
	for _, tt := range []guidance{
		{"an instruction", "22.2.45", "69730-0", act(intended, "20", "1.2.3.6", snomed("311401005")+`<text>Rest for a week</text>`+active),
			[]string{`"resourceType":"ServiceRequest"`, `"intent":"plan"`, `"patientInstruction":"Rest for a week"`, `"code":"409073007"`, `"code":"311401005"`}, `"Basic"`,
			[]string{`<act classCode="ACT" moodCode="INT">`, `Rest for a week`, `code="311401005"`}},
		{"an instruction that was given", "22.2.45", "69730-0", act(done, "20", "1.2.3.6", snomed("311401005")+`<statusCode code="completed"/>`),
			[]string{`"resourceType":"Procedure"`, `"status":"completed"`}, `"Basic"`, []string{`<act classCode="ACT" moodCode="EVN">`, `root="` + entries + `20"`}},
		{"what shall not be done", "22.2.10", "18776-5", act(intended+` negationInd="true"`, "39", "1.2.3.6", snomed("423171007")+active),
			[]string{`"resourceType":"ServiceRequest"`, `"doNotPerform":true`}, `"Basic"`, []string{`negationInd="true"`}},
		{"a promise of an unknown template", "22.2.10", "18776-5", act(`moodCode="PRMS"`, "99999", "1.2.3.6", snomed("423171007")+active),
			[]string{`"resourceType":"ServiceRequest"`, `"intent":"plan"`}, `"Basic"`, []string{`moodCode="PRMS"`, entries + "99999"}},
		{"an order of supply", "22.2.1.1", "10160-0", medication(within(`<supply classCode="SPLY" moodCode="INT"><templateId root="` + entries + `17"/><id root="1.2.3.6"/>` + active +
			`<effectiveTime><high value="20300101"/></effectiveTime><repeatNumber value="3"/><quantity value="30" unit="{tablet}"/>` +
			`<entryRelationship typeCode="SUBJ" inversionInd="true">` + act(intended, "20", "1.2.3.7", snomed("409073008")+`<text>Label in Spanish</text>`+active) + `</entryRelationship></supply>`)),
			[]string{`"resourceType":"SupplyRequest"`, `"deliverTo":{`, `"itemCodeableConcept":{`, `"numberOfRepeatsAllowed":2`, `"patientInstruction":"Label in Spanish"`, `"url":"supply-order"`}, `"409073007"`,
			[]string{`<supply classCode="SPLY" moodCode="INT">`, `<repeatNumber value="3"/>`, `<quantity value="30" unit="{tablet}"/>`, `code="1191"`, `Label in Spanish`}},
		{"when a drug was given, in what is called a rule of times", "22.2.1.1", "10160-0", medication(`<effectiveTime xsi:type="PIVL_TS" operator="A" value="20310203"/>`),
			[]string{`"event":["2031-02-03"]`}, `"Basic"`, []string{`<effectiveTime value="20310203"/>`}},
		{"a drug that stands in words alone", "22.2.1.1", "10160-0", `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="` + entries + `16"/><id root="1.2.3.5"/><text>Testol mixture, as before</text><statusCode code="active"/></substanceAdministration>`,
			[]string{`"medicationCodeableConcept":{"text":"Testol mixture, as before"`}, `"data-absent-reason"`, []string{`<text>Testol mixture, as before</text>`}},
		{"a supply of which little is known", "22.2.10", "18776-5", `<supply classCode="SPLY" moodCode="RQO"><templateId root="` + entries + `43"/><id root="1.2.3.6"/>` + active + `</supply>`,
			[]string{`"resourceType":"SupplyRequest"`, `"status":"active"`, `"quantity":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason"`}, `"Basic"`,
			[]string{`<supply classCode="SPLY" moodCode="RQO">`}},
		{"an intervention", "22.2.21.2.3", "62387-6", act(done, "131", "1.2.3.6", snomed("362956003")+`<statusCode code="completed"/>`+within(act(done, "12", "1.2.3.7", snomed("423171007")+`<statusCode code="completed"/>`))),
			[]string{`"resourceType":"Procedure"`, `"url":"procedure-act"`, `"code":"362956003"`, `"code":"423171007"`}, `"Basic"`, []string{`code="362956003"`, `code="423171007"`}},
		{"an intervention that did not take place", "22.2.21.2.3", "62387-6", act(done+` negationInd="true"`, "131", "1.2.3.6", snomed("362956003")+`<statusCode code="completed"/>`),
			[]string{`"resourceType":"Procedure"`, `"status":"not-done"`}, `"Basic"`, []string{`negationInd="true"`}},
		{"a planned intervention", "22.2.21.2.3", "62387-6", act(intended, "146", "1.2.3.6", snomed("362956003")+active+within(act(intended, "130", "1.2.3.7", snomed("61310001")+active))),
			[]string{`"resourceType":"ServiceRequest"`, `"url":"planned-act"`, `"code":"61310001"`}, `"Basic"`, []string{`code="362956003"`, `code="61310001"`}},
		{"a health concern", "22.2.58", "75310-3", act(done, "132", "1.2.3.6", `<code code="75310-3" codeSystem="2.16.840.1.113883.6.1"/>`+active+`<effectiveTime><low value="20200102"/></effectiveTime>`+within(problem)),
			[]string{`"code":"health-concern"`, `"code":"75310-3"`, `"evidence":[{`, `"valueDateTime":"2020-01-02"`, `"code":"active"`}, `"Basic"`, []string{`<low value="20200102"/>`, `code="195967001"`}},
		{"no concern any more", "22.2.58", "75310-3", act(done, "136", "1.2.3.6", snomed("281694009")+`<statusCode code="completed"/><effectiveTime><low value="20200102"/><high value="20210102"/></effectiveTime>`),
			[]string{`"code":"health-concern"`, `"code":"inactive"`}, `"abatement`, []string{`<high value="20210102"/>`, entries + "136"}},
		{"no concern", "22.2.58", "75310-3", act(done+` negationInd="true"`, "136", "1.2.3.6", snomed("281694009")+active),
			[]string{`"resourceType":"Condition"`, `"code":"refuted"`}, `"clinicalStatus"`, []string{`negationInd="true"`}},
		{"a relative's illness that is a concern", "22.2.58", "75310-3", act(done, "132", "1.2.3.6", `<code code="75310-3" codeSystem="2.16.840.1.113883.6.1"/>`+active+within(
			`<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="`+entries+`45"/><id root="1.2.3.7"/><statusCode code="completed"/><subject><relatedSubject classCode="PRS"><code code="MTH" codeSystem="2.16.840.1.113883.5.111"/>
</relatedSubject></subject></organizer>`)), []string{`"resourceType":"FamilyMemberHistory"`, `"url":"family"`}, `"Basic"`, []string{`code="MTH"`}},
		{"the diagnosis of a visit", "22.2.22.1", "46240-8", `<encounter classCode="ENC" moodCode="EVN"><templateId root="` + entries + `49"/><id root="1.2.3.5"/>` + snomed("185349003") + `<effectiveTime value="20200101"/>` +
			within(act(done, "80", "1.2.3.6", `<code code="29308-4" codeSystem="2.16.840.1.113883.6.1"/>`+active+`<entryRelationship typeCode="SUBJ">`+problem+`</entryRelationship>`)) + `</encounter>`,
			[]string{`"diagnosis":[{`, `"code":"encounter-diagnosis"`, `"url":"statement"`}, `"Basic"`, []string{`code="29308-4"`, `code="195967001"`}},
		{"a diagnosis before an operation", "22.2.34", "10219-4", act(done, "65", "1.2.3.6", `<code code="10219-4" codeSystem="2.16.840.1.113883.6.1" displayName="Before"/><entryRelationship typeCode="SUBJ">`+problem+`</entryRelationship>`),
			[]string{`"resourceType":"Condition"`, `"url":"https://chartpost.org/fhir/StructureDefinition/concern"`}, `"Basic"`, []string{`displayName="Before"`, `code="195967001"`}},
		{"a note of a procedure", "22.2.7.1", "47519-4", `<procedure classCode="PROC" moodCode="EVN"><templateId root="` + entries + `14"/><id root="1.2.3.5"/>` + snomed("233174007") + `<statusCode code="completed"/>` +
			within(act(done, "202", "1.2.3.6", `<code code="34109-9" codeSystem="2.16.840.1.113883.6.1"/><text>All well</text><statusCode code="completed"/>`)) + `</procedure>`,
			[]string{`"resourceType":"DocumentReference"`, `"url":"note"`}, `"Basic"`, []string{`All well`}},
	} {
		tt.hold(t)
	}
	// What denies, or is no fact, is no extension that readers may pass over.
	for _, tt := range []guidance{
		{"a comment that is denied", "22.2.1.1", "10160-0", medication(within(act(done+` negationInd="true"`, "64", "1.2.3.6", `<code code="48767-8" codeSystem="2.16.840.1.113883.6.1"/>`))),
			[]string{`"resourceType":"Basic"`, `"modifierExtension":[{"url":"https://chartpost.org/fhir/StructureDefinition/negation","valueBoolean":true}]`}, "", []string{`negationInd="true"`}},
		{"a diagnosis that is intended", "22.2.1.1", "10160-0", medication(within(act(intended, "80", "1.2.3.6", `<code code="29308-4" codeSystem="2.16.840.1.113883.6.1"/>`))),
			[]string{`"resourceType":"Basic"`, `"modifierExtension":[{"url":"https://chartpost.org/fhir/StructureDefinition/mood","valueCode":"INT"}]`}, "", []string{entries + "80"}},
	} {
		tt.hold(t)
	}
}
