package ccdafhir_test

import "testing"

// TestOlder holds statements of CCD 1.0, HITSP C32 and IHE against what FHIR has for them: they are what C-CDA's own are.
func TestOlder(t *testing.T) {
	const (
		ccd    = `<templateId root="2.16.840.1.113883.10.20.1.`
		pcc    = `<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.`
		snomed = `codeSystem="2.16.840.1.113883.6.96"`
		status = `<statusCode code="completed"/>`
		typed  = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type=`
	)
	observation := func(templates, id, inner string) string {
		return `<observation classCode="OBS" moodCode="EVN">` + templates + `<id root="` + id + `"/>` + inner + `</observation>`
	}
	related := func(typ, inner string) string {
		return `<entryRelationship typeCode="` + typ + `">` + inner + `</entryRelationship>`
	}
	concern := func(templates, inner string) string {
		return `<act classCode="ACT" moodCode="EVN">` + templates + `<id root="1.2.3.5"/><code nullFlavor="NA"/><statusCode code="active"/><effectiveTime><low value="2019"/></effectiveTime>` + related("SUBJ", inner) + `</act>`
	}
	to := func(code, name string) string {
		return `<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT"><code code="` + code + `" codeSystem="2.16.840.1.113883.6.88" displayName="` + name + `"/></playingEntity></participantRole></participant>`
	}
	onset := status + `<effectiveTime><low value="20200102"/></effectiveTime>`
	kind := func(code string) string { return `<code code="` + code + `" codeSystem="2.16.840.1.113883.5.4"/>` }
	allergyOfIHE := pcc + `5"/>` + pcc + `6"/>`
	allergyConcern := pcc + `5.1"/>` + pcc + `5.3"/>`
	drug := func(status, material, inner string) string {
		return `<substanceAdministration classCode="SBADM" moodCode="EVN">` + ccd + `24"/><id root="1.2.3.5"/>` + status + `<consumable><manufacturedProduct><manufacturedMaterial>` + material +
			`</manufacturedMaterial></manufacturedProduct></consumable>` + inner + `</substanceAdministration>`
	}
	const labeled = `<substanceAdministration classCode="SBADM" moodCode="EVN">` + ccd + `24"/><id root="1.2.3.5"/>` + status + `<consumable><manufacturedProduct><manufacturedLabeledDrug><name>Examplin 5 mg</name></manufacturedLabeledDrug></manufacturedProduct></consumable></substanceAdministration>`
	taken := func(code string) string {
		return related("REFR", observation(ccd+`47"/>`, "1.2.3.6", `<code code="33999-4" codeSystem="2.16.840.1.113883.6.1"/><value `+typed+`"CE" code="`+code+`" `+snomed+`/>`))
	}
	for _, tt := range []guidance{
		{"a problem of CCD 1.0", "1.11", "11450-4", concern(ccd+`27"/>`, observation(ccd+`28"/>`, "1.2.3.6", `<code code="64572001" `+snomed+`/>`+onset+`<value`+coded+`"195967001"/>`+
			related("REFR", observation(ccd+`50"/>`, "1.2.3.7", `<code code="33999-4" codeSystem="2.16.840.1.113883.6.1"/>`+status+`<value `+typed+`"CE" code="413322009" `+snomed+`/>`)))),
			[]string{`"resourceType":"Condition"`, `"code":"resolved"`, `"onsetDateTime":"2020-01-02"`, `"url":"https://chartpost.org/fhir/StructureDefinition/concern"`}, `"Basic"`,
			[]string{`code="195967001"`, `root="2.16.840.1.113883.10.20.1.28"`, `root="2.16.840.1.113883.10.20.1.50"`}},
		{"a problem of IHE", "1.11", "11450-4", concern(pcc+`5.1"/>`+pcc+`5.2"/>`, observation(pcc+`5"/>`, "1.2.3.6", `<code code="64572001" `+snomed+`/>`+onset+`<value`+coded+`"195967001"/>`)),
			[]string{`"resourceType":"Condition"`, `"code":"active"`, `"code":"problem-list-item"`}, `"Basic"`, []string{`code="195967001"`, `4.5.2"`}},
		{"what somebody has not, and until when", "1.11", "11450-4", concern(ccd+`27"/>`, `<observation classCode="OBS" moodCode="EVN" negationInd="true">`+ccd+`28"/><id root="1.2.3.6"/><code code="64572001" `+snomed+`/>`+status+
			`<effectiveTime><low nullFlavor="UNK"/><high value="20200102"/></effectiveTime><value`+coded+`"77386006"/></observation>`),
			[]string{`"code":"refuted"`, `"valueDateTime":"2020-01-02"`}, `"abatementDateTime"`, []string{`<high value="20200102"/>`, `negationInd="true"`}},
		{"an allergy of CCD 1.0", "1.2", "48765-2", concern(ccd+`27"/>`, observation(ccd+`18"/>`, "1.2.3.6", `<code code="416098002" `+snomed+`/>`+onset+to("70618", "Penicillin")+
			related("MFST", observation(ccd+`54"/>`, "1.2.3.7", kind("ASSERTION")+status+`<value`+coded+`"247472004"/>`))+
			related("REFR", observation(ccd+`39"/>`, "1.2.3.8", `<code code="33999-4" codeSystem="2.16.840.1.113883.6.1"/>`+status+`<value `+typed+`"CE" code="73425007" `+snomed+`/>`)))),
			[]string{`"resourceType":"AllergyIntolerance"`, `"type":"allergy"`, `"category":["medication"]`, `"code":"inactive"`, `"display":"Penicillin"`, `"manifestation":[{`}, `"Basic"`,
			[]string{`code="70618"`, `code="416098002"`, `code="247472004"`, `code="73425007"`}},
		{"an allergy of IHE is no problem too, nor is its reaction", "1.2", "48765-2", concern(allergyConcern, observation(allergyOfIHE, "1.2.3.6", kind("FALG")+onset+`<value`+coded+`"91935009"/>`+to("4850", "Peanut")+
			related("MFST", observation(pcc+`5"/>`, "1.2.3.7", `<code code="418799008" `+snomed+`/>`+status+`<value`+coded+`"39579001"/>`+
				related("SUBJ", observation(ccd+`55"/>`+pcc+`1"/>`, "1.2.3.8", kind("SEV")+status+`<value `+typed+`"CD" code="H" codeSystem="2.16.840.1.113883.5.1063"/>`)))))),
			[]string{`"resourceType":"AllergyIntolerance"`, `"category":["food"]`, `"display":"Peanut"`, `"severity":"severe"`, `"manifestation":[{`}, `"resourceType":"Condition"`,
			[]string{`code="91935009"`, `code="4850"`, `code="39579001"`, `code="FALG"`}},
		{"the severity of an allergy that bears the template of one", "1.2", "48765-2", concern(allergyConcern, observation(allergyOfIHE, "1.2.3.6", kind("DALG")+onset+to("1191", "Aspirin")+
			related("SUBJ", observation(ccd+`55"/>`+ccd+`28"/>`+allergyOfIHE, "1.2.3.8", kind("SEV")+status+`<value `+typed+`"CD" code="6736007" `+snomed+`/>`)))),
			[]string{`"type":"allergy"`, `"resourceType":"Observation"`, `"code":"6736007"`}, `"resourceType":"Condition"`, []string{`code="6736007"`, `code="1191"`}},
		{"that no allergies are known", "1.2", "48765-2", concern(allergyConcern, observation(allergyOfIHE, "1.2.3.6", kind("ALG")+onset+`<value`+coded+`"160244002" displayName="No known allergies"/>`)),
			[]string{`"resourceType":"AllergyIntolerance"`, `"url":"https://chartpost.org/fhir/StructureDefinition/from-value"`, `"display":"No known allergies"`}, `"refuted"`, []string{`code="160244002"`}},
		{"an allergy that names its substance in the value, which is denied", "1.2", "48765-2", concern(allergyConcern, `<observation classCode="OBS" moodCode="EVN" negationInd="true">`+allergyOfIHE+`<id root="1.2.3.6"/>`+kind("ALG")+onset+
			`<value`+coded+`"300916003" displayName="Latex allergy"/></observation>`), []string{`"code":"refuted"`, `"display":"Latex allergy"`}, `"716186003"`, []string{`code="300916003"`, `negationInd="true"`}},
		{"an allergy whose substance has a name alone", "1.2", "48765-2", concern(ccd+`27"/>`, observation(ccd+`18"/>`, "1.2.3.6", `<code code="419199007" `+snomed+`/>`+onset+
			`<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT"><code nullFlavor="UNK"/><name>bee stings</name></playingEntity></participantRole></participant>`)),
			[]string{`"text":"bee stings","_text":{"extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/derived"`}, "", []string{`<name>bee stings</name>`, `bee stings`}},
		{"what is denied in words is not denied twice", "1.2", "48765-2", concern(ccd+`27"/>`, `<observation classCode="OBS" moodCode="EVN" negationInd="true">`+ccd+`18"/><id root="1.2.3.6"/>`+kind("ASSERTION")+`<text>No known allergies</text>`+onset+
			`<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT"><code nullFlavor="UNK"/></playingEntity></participantRole></participant></observation>`),
			[]string{`"code":"refuted"`}, `"text":"No known allergies"`, []string{`No known allergies`, `negationInd="true"`}},
		{"a problem of which there is the text alone", "1.11", "11450-4", concern(ccd+`27"/>`, observation(ccd+`28"/>`, "1.2.3.6", `<code code="64572001" `+snomed+`/><text>Cough at night</text>`+onset+`<value `+typed+`"CD" nullFlavor="UNK"/>`)),
			[]string{`"text":"Cough at night","_text":`}, "", []string{`Cough at night`, `nullFlavor="UNK"/>`}},
		{"no drug allergies, by the code of the observation", "1.2", "48765-2", concern(ccd+`27"/>`, `<observation classCode="OBS" moodCode="EVN" negationInd="true">`+ccd+`18"/><id root="1.2.3.6"/><code code="416098002" `+snomed+`/>`+onset+`</observation>`),
			[]string{`"code":"409137002"`}, `"refuted"`, []string{`code="416098002"`, `negationInd="true"`}},
		{"no allergy to what the value names, whose kind has a code for none", "1.2", "48765-2", concern(ccd+`27"/>`, `<observation classCode="OBS" moodCode="EVN" negationInd="true">`+ccd+`18"/><id root="1.2.3.6"/><code code="419199007" `+snomed+`/>`+onset+
			`<value`+coded+`"300916003" displayName="Latex allergy"/></observation>`), []string{`"code":"refuted"`, `"display":"Latex allergy"`}, `"716186003"`, []string{`code="300916003"`, `negationInd="true"`}},
		{"no allergy to what the value names, beside a substance that is not known", "1.2", "48765-2", concern(ccd+`27"/>`, `<observation classCode="OBS" moodCode="EVN" negationInd="true">`+ccd+`18"/><id root="1.2.3.6"/><code code="419199007" `+snomed+`/>`+onset+
			`<value`+coded+`"300916003" displayName="Latex allergy"/><participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT"><code nullFlavor="NA"/></playingEntity></participantRole></participant></observation>`),
			[]string{`"code":"refuted"`, `"display":"Latex allergy"`}, `"716186003"`, []string{`code="300916003"`, `negationInd="true"`}},
		{"a vaccination of IHE", "1.6", "11369-6", `<substanceAdministration classCode="SBADM" moodCode="EVN">` + ccd + `24"/>` + pcc + `12"/><id root="1.2.3.6"/><code code="IMMUNIZ" codeSystem="2.16.840.1.113883.5.4"/>` + status +
			`<effectiveTime value="20200102"/><doseQuantity value="0.5" unit="mL"/><consumable><manufacturedProduct><manufacturedMaterial><templateId root="1.2.3.99"/><code code="88" codeSystem="2.16.840.1.113883.12.292"/><lotNumberText>L7</lotNumberText></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`,
			[]string{`"resourceType":"Immunization"`, `"status":"completed"`, `"lotNumber":"L7"`, `"occurrenceDateTime":"2020-01-02"`}, `"MedicationRequest"`, []string{`<lotNumberText>L7</lotNumberText>`, `root="1.2.3.99"`, `4.12"`}},
		{"a vaccination by its code, of a template that is nobody else's", "1.6", "11369-6", `<substanceAdministration classCode="SBADM" moodCode="EVN"><templateId root="1.2.3.98"/><id root="1.2.3.6"/><code code="IMMUNIZ" codeSystem="2.16.840.1.113883.5.4"/>` + status +
			`<effectiveTime value="20200102"/><consumable><manufacturedProduct><manufacturedMaterial><code code="88" codeSystem="2.16.840.1.113883.12.292"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`,
			[]string{`"resourceType":"Immunization"`, `"status":"completed"`}, `"MedicationRequest"`, []string{`root="1.2.3.98"/>
              <id root="1.2.3.6"/>`, `code="IMMUNIZ"`}},
		{"a vaccination that is intended, of such a template", "1.6", "11369-6", `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="1.2.3.98"/><id root="1.2.3.6"/><code code="IMMUNIZ" codeSystem="2.16.840.1.113883.5.4"/><statusCode code="active"/>
<consumable><manufacturedProduct><manufacturedMaterial><code code="88" codeSystem="2.16.840.1.113883.12.292"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`,
			[]string{`"resourceType":"MedicationRequest"`, `"intent":"order"`}, `"resourceType":"Immunization"`, []string{`root="1.2.3.98"`, `code="IMMUNIZ"`}},
		{"a vaccination that was refused", "1.6", "11369-6", `<substanceAdministration classCode="SBADM" moodCode="EVN" negationInd="true">` + pcc + `12"/><id root="1.2.3.6"/><code code="IMMUNIZ" codeSystem="2.16.840.1.113883.5.4"/>` + status +
			`<effectiveTime value="20200102"/><consumable><manufacturedProduct><manufacturedMaterial><code code="88" codeSystem="2.16.840.1.113883.12.292"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`,
			[]string{`"resourceType":"Immunization"`, `"status":"not-done"`}, `"status":"completed"`, []string{`negationInd="true"`}},
		{"vital signs of IHE, which are results of CCD 1.0 as well", "1.16", "8716-3", `<organizer classCode="CLUSTER" moodCode="EVN">` + ccd + `32"/>` + ccd + `35"/>` + pcc + `13.1"/><id root="1.2.3.5"/><code code="46680005" ` + snomed + `/>` + status +
			`<effectiveTime value="20200102"/><component>` + observation(ccd+`31"/>`+pcc+`13.2"/>`, "1.2.3.6", `<code code="8480-6" codeSystem="2.16.840.1.113883.6.1"/>`+status+`<effectiveTime value="20200102"/><value `+typed+`"PQ" value="132" unit="mm[Hg]"/>`) + `</component></organizer>`,
			[]string{`"hasMember":[{`, `"code":"vital-signs"`, `"value":132`}, `"DiagnosticReport"`, []string{`value="132"`, `code="46680005"`}},
		{"a battery of an IHE laboratory report", "1.14", "30954-2", `<organizer classCode="BATTERY" moodCode="EVN"><templateId root="1.3.6.1.4.1.19376.1.3.1.4"/><id root="1.2.3.5"/><code code="24357-6" codeSystem="2.16.840.1.113883.6.1"/>` + status +
			`<component>` + observation(`<templateId root="1.3.6.1.4.1.19376.1.3.1.6"/>`, "1.2.3.6", `<code code="718-7" codeSystem="2.16.840.1.113883.6.1"/>`+status+`<value `+typed+`"PQ" value="14" unit="g/dL"/>`) + `</component>
<component typeCode="COMP"><observationMedia classCode="OBS" moodCode="EVN" ID="graph"><value mediaType="image/png" representation="B64">iVBORw0K</value></observationMedia></component></organizer>`,
			[]string{`"resourceType":"DiagnosticReport"`, `"code":"laboratory"`, `"value":14`, `iVBORw0K`}, `"Basic"`, []string{`value="14"`, `ID="graph"`, `iVBORw0K`}},
		{"a relative's illness of CCD 1.0, in years that nobody says to be years", "1.4", "10157-6", `<organizer classCode="CLUSTER" moodCode="EVN">` + ccd + `23"/><id root="1.2.3.5"/>` + status + `<subject><relatedSubject classCode="PRS"><code code="FTH" codeSystem="2.16.840.1.113883.5.111"/></relatedSubject></subject>
<component>` + observation(ccd+`22"/>`, "1.2.3.6", kind("ASSERTION")+status+`<value`+coded+`"22298006"/>`+related("SUBJ", observation(ccd+`38"/>`, "1.2.3.7", `<code code="397659008" `+snomed+`/>`+status+`<value `+typed+`"INT" value="57"/>`))) + `</component></organizer>`,
			[]string{`"resourceType":"FamilyMemberHistory"`, `"code":"22298006"`}, `"onsetAge"`, []string{`code="FTH"`, `value="57"`}},
		{"how somebody gets on, in an organizer that has the template of results too", "22.2.14", "47420-5", `<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.66"/>
<templateId root="2.16.840.1.113883.10.20.22.4.1"/><id root="1.2.3.5"/><code code="d5" codeSystem="2.16.840.1.113883.6.254"/>` + status + `<component>` + observation("", "1.2.3.6", `<code code="57251-1" codeSystem="2.16.840.1.113883.6.1"/>`+status) + `</component></organizer>`,
			[]string{`"code":"57251-1"`}, `"code":"laboratory"`, []string{`code="57251-1"`}},
		{"a problem of eHDSI", "1.11", "11450-4", concern(pcc+`5.2"/>`, observation(`<templateId root="1.3.6.1.4.1.12559.11.10.1.3.1.3.7"/>`, "1.2.3.6", `<code code="404684003" `+snomed+`/>`+onset+`<value`+coded+`"195967001"/>`)),
			[]string{`"resourceType":"Condition"`, `"code":"active"`, `"onsetDateTime":"2020-01-02"`}, `"resourceType":"Observation"`, []string{`code="195967001"`}},
		{"an allergy of an Italian summary", "1.2", "48765-2", concern(`<templateId root="2.16.840.1.113883.2.9.10.1.4.3.1.1"/>`, observation(`<templateId root="2.16.840.1.113883.2.9.10.1.4.3.1.3"/>`, "1.2.3.6", `<code code="52473-6" codeSystem="2.16.840.1.113883.6.1"/>`+onset+to("4850", "Peanut"))),
			[]string{`"resourceType":"AllergyIntolerance"`, `"display":"Peanut"`}, `"resourceType":"Observation"`, []string{`code="4850"`, `root="2.16.840.1.113883.2.9.10.1.4.3.1.1"`}},
		{"a medication of C32 that is taken, whose entry is completed", "1.8", "10160-0", drug(status, `<code code="314076" codeSystem="2.16.840.1.113883.6.88"/>`, taken("55561003")),
			[]string{`"resourceType":"MedicationRequest"`, `"status":"active"`}, `"status":"completed"`, []string{`code="55561003"`, status + `
              <consumable>`}},
		{"one that is taken no longer, whose entry is active", "1.8", "10160-0", drug(`<statusCode code="active"/>`, `<code code="314076" codeSystem="2.16.840.1.113883.6.88"/>`, taken("73425007")),
			[]string{`"resourceType":"MedicationRequest"`, `"status":"stopped"`}, `"status":"active"`, []string{`code="73425007"`, `<statusCode code="active"/>`}},
		{"one that is paused", "1.8", "10160-0", drug(`<statusCode code="active"/>`, `<code code="314076" codeSystem="2.16.840.1.113883.6.88"/>`, taken("421139008")),
			[]string{`"resourceType":"MedicationRequest"`, `"status":"on-hold"`}, `"status":"active"`, []string{`code="421139008"`, `<statusCode code="active"/>`}},
		{"one that is taken no longer, since it is completed", "1.8", "10160-0", drug(status, `<code code="314076" codeSystem="2.16.840.1.113883.6.88"/>`, taken("392521001")),
			[]string{`"resourceType":"MedicationRequest"`, `"status":"completed"`}, `"status":"stopped"`, []string{`code="392521001"`}},
		{"one that was broken off, whatever else is said", "1.8", "10160-0", drug(`<statusCode code="aborted"/>`, `<code code="314076" codeSystem="2.16.840.1.113883.6.88"/>`, taken("55561003")),
			[]string{`"resourceType":"MedicationRequest"`, `"status":"stopped"`}, `"status":"active"`, []string{`code="55561003"`, `<statusCode code="aborted"/>`}},
		{"a labelled drug that has a name alone", "1.8", "10160-0", labeled,
			[]string{`"resourceType":"Medication"`, `"text":"Examplin 5 mg","_text":`}, "", []string{`<name>Examplin 5 mg</name>`}},
		{"what somebody thinks, in an organizer that has the template of results too", "22.2.56", "10190-7", `<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.75"/>
<templateId root="2.16.840.1.113883.10.20.22.4.1"/><id root="1.2.3.5"/><code code="d5" codeSystem="2.16.840.1.113883.6.254"/>` + status + `<component>` + observation("", "1.2.3.6", `<code code="57251-1" codeSystem="2.16.840.1.113883.6.1"/>`+status) + `</component></organizer>`,
			[]string{`"code":"57251-1"`}, `"code":"laboratory"`, []string{`code="57251-1"`}},
		{"results of an Italian letter", "22.2.3", "30954-2", `<organizer classCode="BATTERY" moodCode="EVN"><templateId root="2.16.840.1.113883.2.9.10.1.6.45"/><id root="1.2.3.5"/><code code="58410-2" codeSystem="2.16.840.1.113883.6.1"/>` + status +
			`<component>` + observation("", "1.2.3.6", `<code code="718-7" codeSystem="2.16.840.1.113883.6.1"/>`+status) + `</component></organizer>`,
			[]string{`"resourceType":"DiagnosticReport"`, `"code":"laboratory"`}, "", []string{`code="718-7"`, `root="2.16.840.1.113883.2.9.10.1.6.45"`}},
		{"vital signs of an Italian letter", "22.2.4", "8716-3", `<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.2.9.10.1.6.90"/><id root="1.2.3.5"/>` + status +
			`<component>` + observation("", "1.2.3.6", `<code code="8867-4" codeSystem="2.16.840.1.113883.6.1"/>`+status) + `</component></organizer>`,
			[]string{`"code":"vital-signs"`, `"code":"85353-1"`}, "", []string{`code="8867-4"`, `root="2.16.840.1.113883.2.9.10.1.6.90"`}},
		{"a drug that has a name alone", "1.8", "10160-0", drug(status, `<name>Examplin 5 mg</name>`, ""),
			[]string{`"resourceType":"Medication"`, `"text":"Examplin 5 mg","_text":{"extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/derived"`}, "", []string{`<name>Examplin 5 mg</name>`}},
		{"a drug whose code is not known", "1.8", "10160-0", drug(status, `<code nullFlavor="UNK"/><name>Examplin 5 mg</name>`, ""),
			[]string{`"medicationCodeableConcept":{`, `"text":"Examplin 5 mg","_text":`}, "", []string{`<name>Examplin 5 mg</name>`, `<code nullFlavor="UNK"/>`}},
		{"a reference to the plan that a prescription is of is no prescription", "1.8", "10160-0", `<substanceAdministration classCode="SBADM" moodCode="INT">` + ccd + `24"/><id root="1.2.3.5"/>` + status +
			`<consumable><manufacturedProduct><manufacturedMaterial><code code="C08CA01" codeSystem="2.16.840.1.113883.6.73" displayName="Amlodipine"/></manufacturedMaterial></manufacturedProduct></consumable>` +
			related("REFR", `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="1.3.6.1.4.1.19376.1.9.1.3.10"/><id root="1.2.3.6" extension="MTP-1"/><code code="MTPItem" codeSystem="1.3.6.1.4.1.19376.1.9.2.2"/>
<consumable><manufacturedProduct><manufacturedMaterial nullFlavor="NA"/></manufacturedProduct></consumable><reference typeCode="XCRPT"><externalDocument><id root="1.2.3.7"/></externalDocument></reference></substanceAdministration>`) + `</substanceAdministration>`,
			[]string{`"display":"Amlodipine"`, `"url":"sig"`, `"value":"MTP-1"`}, `"resourceType":"Medication"`, []string{`extension="MTP-1"`, `root="1.2.3.7"`, `nullFlavor="NA"`}},
	} {
		tt.hold(t)
	}
}
