package ccdafhir_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// guideDocument holds a statement of each kind of which FHIR wants more than the statement itself says. The patient is invented.
const guideDocument = `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc">
<templateId root="2.16.840.1.113883.10.20.22.1.2"/><id root="1.2.3" extension="guide"/><effectiveTime value="20240102030405-0500"/>
<recordTarget><patientRole><id root="1.2.3.4" extension="p"/><patient><name><given>Ada</given><family>Sample</family></name>
<raceCode code="2106-3" codeSystem="2.16.840.1.113883.6.238" displayName="White"/><sdtc:raceCode code="2108-9" codeSystem="2.16.840.1.113883.6.238" displayName="European"/>
<ethnicGroupCode nullFlavor="ASKU"/></patient></patientRole></recordTarget>
<component><structuredBody>
<component><section><code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/><text>Asthma, and a second one</text>
<entry typeCode="DRIV"><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/><id root="1.2.3.9" extension="concern"/>
<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/><effectiveTime><low value="20200102"/></effectiveTime>
<author><time value="20200103"/><assignedAuthor><id root="1.2.3.5" extension="doc"/><assignedPerson><name><family>Writer</family></name></assignedPerson></assignedAuthor></author>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="1.2.3.9" extension="one"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><effectiveTime/><value xsi:type="CE" code="195967001" codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="1.2.3.9" extension="two"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><effectiveTime><low value="20200102"/></effectiveTime><value xsi:type="CD" code="38341003" codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>
</act></entry></section></component>
<component><section><code code="10160-0" codeSystem="2.16.840.1.113883.6.1"/><text>Pills</text>
<entry><substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><id root="1.2.3.9" extension="pill"/><statusCode code="active"/>
<effectiveTime xsi:type="IVL_TS"><low value="20230405"/></effectiveTime><doseQuantity value="1"/>
<consumable><manufacturedProduct classCode="MANU"><templateId root="2.16.840.1.113883.10.20.22.4.23"/><manufacturedMaterial><code code="313782" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable>
<entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.19"/><id root="1.2.3.9" extension="why"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><value xsi:type="CD" code="25064002" codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>
<entryRelationship typeCode="COMP"><substanceAdministration classCode="SBADM" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.147"/><code code="76662-6" codeSystem="2.16.840.1.113883.6.1"/><text>one when it hurts</text></substanceAdministration></entryRelationship>
<entryRelationship typeCode="REFR"><supply classCode="SPLY" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.17"/><id root="1.2.3.9" extension="order"/><statusCode code="completed"/><repeatNumber value="3"/><quantity value="20"/></supply></entryRelationship>
<entryRelationship typeCode="REFR"><supply classCode="SPLY" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.18"/><id root="1.2.3.9" extension="given"/><statusCode code="completed"/><effectiveTime value="20230406"/><quantity value="20"/></supply></entryRelationship>
<precondition typeCode="PRCN"><criterion><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><value xsi:type="CD" code="22253000" codeSystem="2.16.840.1.113883.6.96"/></criterion></precondition>
</substanceAdministration></entry></section></component>
<component><section><code code="10157-6" codeSystem="2.16.840.1.113883.6.1"/><text>Father</text>
<entry><organizer classCode="CLUSTER" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.45"/><id root="1.2.3.9" extension="father"/><statusCode code="completed"/>
<subject><relatedSubject classCode="PRS"><code code="FTH" codeSystem="2.16.840.1.113883.5.111"/><subject><administrativeGenderCode code="M" codeSystem="2.16.840.1.113883.5.1"/></subject></relatedSubject></subject>
<component><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.46"/><id root="1.2.3.9" extension="illness"/><code code="64572001" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
<value xsi:type="CD" code="22298006" codeSystem="2.16.840.1.113883.6.96"/>
<entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.31"/><code code="445518008" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><value xsi:type="PQ" value="57" unit="a"/></observation></entryRelationship>
</observation></component></organizer></entry></section></component>
<component><section><code code="48768-6" codeSystem="2.16.840.1.113883.6.1"/><text>Insured</text>
<entry><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.60"/><id root="1.2.3.9" extension="activity"/><code code="48768-6" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>
<entryRelationship typeCode="COMP"><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.61"/><id root="1.2.3.9" extension="policy"/><code code="81" codeSystem="2.16.840.1.113883.3.221.5"/><statusCode code="completed"/>
<performer typeCode="PRF"><assignedEntity><id root="1.2.3.6"/><code code="PAYOR" codeSystem="2.16.840.1.113883.5.110"/><representedOrganization><name>Sunflower Health Plan (fictitious)</name></representedOrganization></assignedEntity></performer>
<participant typeCode="COV"><participantRole><id root="1.2.3.7" extension="member 7"/><code code="SELF" codeSystem="2.16.840.1.113883.5.111"/></participantRole></participant>
</act></entryRelationship></act></entry></section></component>
<component><section><code code="34109-9" codeSystem="2.16.840.1.113883.6.1"/><text><content ID="n1">She feels well.</content></text>
<entry><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.202"/><code code="34109-9" codeSystem="2.16.840.1.113883.6.1"/><text><reference value="#n1"/></text><statusCode code="completed"/><effectiveTime value="20230407"/></act></entry></section></component>
</structuredBody></component></ClinicalDocument>`

// at is what stands in decoded JSON at a path of names and numbers.
func at(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i := int(step[0] - '0')
			if i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// The guide's words, and what the issue wants where it is silent: what FHIR asks of a resource stands in it, and comes back once.
func TestGuide(t *testing.T) {
	bundle := through(t, "ccda", "fhir", "", []byte(guideDocument))[0]
	var b struct {
		Entry []struct {
			FullURL  string
			Resource map[string]any
		}
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	by, urls, counts := map[string][]any{}, map[string]string{}, map[string]int{}
	for _, e := range b.Entry {
		typ := e.Resource["resourceType"].(string)
		by[typ] = append(by[typ], e.Resource)
		urls[e.FullURL] = typ
		counts[typ]++
	}
	for _, tt := range []struct {
		typ, path string
		want      any
	}{
		{"Condition", "0.recordedDate", "2020-01-03"}, // of the concern's author
		{"Condition", "0.extension.0.url", "https://chartpost.org/fhir/StructureDefinition/template"},
		{"MedicationRequest", "0.medicationCodeableConcept.coding.0.code", "313782"},
		{"MedicationRequest", "0.reasonCode.0.coding.0.code", "25064002"},
		{"MedicationRequest", "0.dosageInstruction.0.text", "one when it hurts"},
		{"MedicationRequest", "0.dosageInstruction.0.asNeededCodeableConcept.coding.0.code", "22253000"},
		{"MedicationRequest", "0.dispenseRequest.numberOfRepeatsAllowed", 2.0},
		{"MedicationRequest", "0.dispenseRequest.quantity.value", 20.0},
		{"MedicationDispense", "0.whenHandedOver", "2023-04-06"},
		{"FamilyMemberHistory", "0.relationship.coding.0.code", "FTH"},
		{"FamilyMemberHistory", "0.condition.0.code.coding.0.code", "22298006"},
		{"FamilyMemberHistory", "0.condition.0.onsetAge.value", 57.0},
		{"Coverage", "0.subscriberId", "member 7"},
		{"Coverage", "0.relationship.coding.0.code", "SELF"},
		{"DocumentReference", "0.content.0.attachment.data", "U2hlIGZlZWxzIHdlbGwu"},
		{"Patient", "0.extension.0.url", "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"},
		{"Patient", "0.extension.0.extension.0.valueCoding.code", "2106-3"},
		{"Patient", "0.extension.0.extension.1.url", "detailed"},
		{"Patient", "0.extension.0.extension.2.valueString", "White, European"},
	} {
		if got := at(by[tt.typ], tt.path); got != tt.want {
			t.Errorf("%s %s: %v, want %v", tt.typ, tt.path, got, tt.want)
		}
	}
	// The sections lead to the problems and the insurance, and the relative's illness is nobody else's.
	var led []string
	for i := range 6 {
		entries, _ := at(by["Composition"], "0.section."+string(rune('0'+i))+".entry").([]any)
		for _, e := range entries {
			ref, _ := at(e, "reference").(string)
			led = append(led, urls[ref])
		}
	}
	if want := []string{"Condition", "Condition", "MedicationRequest", "FamilyMemberHistory", "Coverage", "DocumentReference"}; !slices.Equal(led, want) {
		t.Errorf("the sections lead to %v, want %v", led, want)
	}
	if counts["Observation"] != 1 || counts["Basic"] > 1 || counts["MedicationRequest"] != 1 { // the indication; the order
		t.Errorf("%v", counts)
	}
	// And back: each statement once, nothing of it twice, the empty time still there.
	back := string(through(t, "fhir", "ccda", "", bundle)[0])
	for part, want := range map[string]int{`extension="concern"`: 1, `code="195967001"`: 1, `code="38341003"`: 1, `code="25064002"`: 1, `code="22253000"`: 1, `extension="member 7"`: 1,
		`<effectiveTime/>`: 1, `xsi:type="CE"`: 1, `<repeatNumber value="3"/>`: 1, `code="2106-3"`: 1, `<sdtc:raceCode`: 1, `Sunflower`: 1, `She feels well.`: 1, `code="FTH"`: 1} {
		if got := strings.Count(back, part); got != want {
			t.Errorf("%s stands there %d times, want %d", part, got, want)
		}
	}
	// Who changes what was derived hears of it.
	changed := strings.Replace(string(bundle), `"numberOfRepeatsAllowed":2`, `"numberOfRepeatsAllowed":9`, 1)
	quiet, loud := told(t, bundle), told(t, []byte(changed))
	if quiet >= loud {
		t.Errorf("the ledger tells of %d values, and after a change of one that was derived of %d", quiet, loud)
	}
}

// told counts the values of a bundle of which the ledger of the way to C-CDA says that they are not there.
func told(t *testing.T, bundle []byte) int {
	t.Helper()
	for _, r := range results(t, "fhir", "ccda", "", bundle) {
		return len(r.Entry.Unmapped) + len(r.Entry.Declined)
	}
	t.Fatal("nothing was written")
	return 0
}
