package ccdafhir_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
)

// TestWhatFHIRForbids: what CDA allows and FHIR does not is kept where FHIR has room, comes back, and nothing that FHIR demands is left without a value.
func TestWhatFHIRForbids(t *testing.T) {
	const (
		code  = `<code code="600-7" codeSystem="2.16.840.1.113883.6.1"/>`
		drug  = `<consumable><manufacturedProduct><manufacturedMaterial><code code="1191" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable>`
		vital = "2.16.840.1.113883.10.20.22.2.3.1"
	)
	dose := func(inner string) string {
		return `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><statusCode code="active"/>` + inner + drug + `</substanceAdministration>`
	}
	for _, tt := range []struct {
		name, entry       string
		fhir, never, back []string
	}{
		{"an id whose root FHIR cannot name", `<observation classCode="OBS" moodCode="EVN"><id root="2.999" extension="7"/>` + code + `<statusCode code="completed"/></observation>`,
			[]string{`"valueString":"2.999"`, `"value":"7"`}, []string{"urn:oid:2.999"}, []string{`<id root="2.999" extension="7"/>`}},
		{"code systems that FHIR cannot name", `<observation classCode="OBS" moodCode="EVN">` + code + `<statusCode code="completed"/><interpretationCode code="up" codeSystem="1.2.3"/><methodCode code="by-eye" codeSystem="WARD-LIST"/></observation>`,
			[]string{`"valueString":"1.2.3"`, `"valueString":"WARD-LIST"`, `"code":"by-eye"`}, []string{"urn:oid:1.2.3\""}, []string{`code="up" codeSystem="1.2.3"`, `code="by-eye" codeSystem="WARD-LIST"`}},
		{"a status that is none", `<observation classCode="OBS" moodCode="EVN">` + code + `<statusCode code="255594003"/></observation>`,
			[]string{`"status":"unknown"`}, []string{`"_status"`}, nil},
		{"a vaccination that goes on", `<substanceAdministration classCode="SBADM" moodCode="EVN" negationInd="false"><templateId root="2.16.840.1.113883.10.20.22.4.52"/><statusCode code="active"/><effectiveTime value="20200101"/>` + drug + `</substanceAdministration>`,
			[]string{`"resourceType":"Immunization"`, `"status":"completed"`}, []string{`"_status"`}, []string{`<statusCode code="active"/>`}},
		{"a vaccination without a status", `<substanceAdministration classCode="SBADM" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.52"/><effectiveTime value="20200101"/>` + drug + `</substanceAdministration>`,
			[]string{`"status":"completed"`, "status-inferred"}, []string{`"_status"`}, nil},
		{"a goal without a status", `<observation classCode="OBS" moodCode="GOL"><templateId root="2.16.840.1.113883.10.20.22.4.121"/>` + code + `</observation>`,
			[]string{`"lifecycleStatus":"proposed"`, "status-inferred"}, []string{`"_lifecycleStatus"`}, nil},
		{"a range whose ends are not to be compared", dose(`<doseQuantity xsi:type="IVL_PQ"><low value="300" unit="mg"/><high value="355"/></doseQuantity>`),
			[]string{"StructureDefinition/low", "StructureDefinition/high"}, []string{`"low":{`}, []string{`<low value="300" unit="mg"/>`, `<high value="355"/>`}},
		{"a range upside down", dose(`<doseQuantity xsi:type="IVL_PQ"><low value="2" unit="mg"/><high value="1" unit="mg"/></doseQuantity>`),
			[]string{"StructureDefinition/low"}, []string{`"low":{`}, []string{`<low value="2" unit="mg"/>`, `<high value="1" unit="mg"/>`}},
		{"a range as it should be", dose(`<doseQuantity xsi:type="IVL_PQ"><low value="1" unit="mg"/><high value="10" unit="mg"/></doseQuantity>`),
			[]string{`"low":{`}, []string{"StructureDefinition/low"}, []string{`<low value="1" unit="mg"/>`, `<high value="10" unit="mg"/>`}},
		{"the unit of both ends, said once", dose(`<doseQuantity xsi:type="IVL_PQ" unit="mg"><low value="1"/><high value="10"/></doseQuantity>`),
			[]string{`"low":{"value":1,"unit":"mg"`, `"high":{"value":10,"unit":"mg"`}, nil, []string{`<low value="1" unit="mg"/>`, `<high value="10" unit="mg"/>`}},
		{"an entry of which nothing is made", `<templateId root="1.2.3.4.5"/>`, []string{`"status":"empty"`}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := oneSection(vital, "30954-2", tt.entry)
			if strings.Contains(tt.name, "nothing") {
				doc = strings.Replace(doc, "<text>", "<!--<text>", 1)
				doc = strings.Replace(doc, "</text>", "</text>-->", 1)
			}
			r := results(t, "ccda", "fhir", "", []byte(doc))[0]
			holdsAndReturns(t, r.Parts[0].Data, tt.fhir, tt.never, tt.back)
		})
	}
}

// holdsAndReturns checks what a bundle holds, what it never holds, and what the document holds that it becomes.
func holdsAndReturns(t *testing.T, bundle []byte, wants, nevers, back []string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(string(bundle), want) {
			t.Errorf("FHIR does not hold %s:\n%s", want, bundle)
		}
	}
	for _, never := range nevers {
		if strings.Contains(string(bundle), never) {
			t.Errorf("FHIR holds %s:\n%s", never, bundle)
		}
	}
	doc := string(results(t, "fhir", "ccda", "", bundle)[0].Parts[0].Data)
	for _, want := range back {
		if !strings.Contains(doc, want) {
			t.Errorf("%s does not come back:\n%s", want, doc)
		}
	}
}

// TestHeaderThatFHIRForbids: a language that is none, documents related in ways that nobody knows, a link to a file with blanks, and an id that makes no document.
func TestHeaderThatFHIRForbids(t *testing.T) {
	doc := func(language, related, text, root string) []byte {
		return []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><templateId root="2.16.840.1.113883.10.20.22.1.1"/><id root="` + root + `" extension="9"/><effectiveTime value="20200102030405+0000"/>
<languageCode code="` + language + `"/><recordTarget><patientRole><id root="1.2.3.4" extension="7"/><patient><name><family>Testperson</family></name></patient></patientRole></recordTarget>` + related + `
<component><structuredBody><component><section><code code="30954-2" codeSystem="2.16.840.1.113883.6.1"/><title>Results</title><text>` + text + `</text></section></component></structuredBody></component></ClinicalDocument>`)
	}
	related := func(types ...string) (s string) {
		for _, typ := range types {
			s += `<relatedDocument typeCode="` + typ + `"><parentDocument><id root="1.2.3.5" extension="` + typ + `"/></parentDocument></relatedDocument>`
		}
		return s
	}
	for _, tt := range []struct {
		name              string
		doc               []byte
		fhir, never, back []string
		instant           bool
	}{
		{"a language without a code of ISO 639", doc("us-EN", "", "Nothing", "1.2.3.6"), []string{"StructureDefinition/language-code", `"us-EN"`, `"type":"document"`}, []string{`"language":"us-EN"`}, []string{`<languageCode code="us-EN"/>`}, true},
		{"a language of which FHIR has a shorter code", doc("isl-IS", "", "Nothing", "1.2.3.6"), []string{`"language":"is-IS"`}, nil, []string{`<languageCode code="is-IS"/>`}, true},
		{"a language with a region", doc("fi-FI", "", "Nothing", "1.2.3.6"), []string{`"language":"fi-FI"`}, []string{"language-code"}, []string{`<languageCode code="fi-FI"/>`}, true},
		{"a document that takes the place of another", doc("en", related("XFRM", "RPLC"), "Nothing", "1.2.3.6"), []string{`"code":"transforms"`, `"code":"replaces"`}, nil, []string{`typeCode="XFRM"`, `typeCode="RPLC"`}, true},
		{"a document related somehow", doc("en", related("LIKE"), "Nothing", "1.2.3.6"), []string{"StructureDefinition/related-document", `"LIKE"`}, []string{`"relatesTo"`}, nil, true},
		{"a guardian of whom nothing is known", []byte(strings.Replace(string(doc("en", "", "Nothing", "1.2.3.6")), "</name></patient>", `</name><guardian nullFlavor="NI"><guardianPerson nullFlavor="UNK"/></guardian></patient>`, 1)),
			[]string{"StructureDefinition/no-guardian"}, []string{`"contact"`}, []string{`<guardian nullFlavor="NI">`, `<guardianPerson nullFlavor="UNK"/>`}, true},
		{"a guardian of whom a number is known", []byte(strings.Replace(string(doc("en", "", "Nothing", "1.2.3.6")), "</name></patient>", `</name><guardian><id nullFlavor="UNK" root="2.999.4"/><guardianPerson/></guardian></patient>`, 1)),
			[]string{`"contact"`, `"code":"GUARD"`, `"name":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}`}, []string{`no-guardian"`}, []string{`<guardian>`, `<id nullFlavor="UNK" root="2.999.4"/>`}, true},
		{"a link to a file", doc("en", "", `<paragraph><linkHtml href="4 - letter.pdf">the letter</linkHtml></paragraph>`, "1.2.3.6"), []string{`href=\"4%20-%20letter.pdf\"`}, nil, []string{"the letter"}, true},
		{"an id that makes no document", doc("en", "", "Nothing", "1.2.3"), []string{`"type":"collection"`, `"valueString":"1.2.3"`}, []string{`"type":"document"`}, []string{`<id root="1.2.3" extension="9"/>`}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := results(t, "ccda", "fhir", "", tt.doc)[0]
			if said := slices.ContainsFunc(r.Findings, func(f *diag.Finding) bool { return f.ID == convert.NoInstant }); said == tt.instant {
				t.Errorf("that it is no document is said: %t", said)
			}
			holdsAndReturns(t, r.Parts[0].Data, tt.fhir, tt.never, tt.back)
		})
	}
}

// TestSeveralMeals: a dose at several meals is one in FHIR, and does not come back as a dose at the first of them.
func TestSeveralMeals(t *testing.T) {
	doc := oneSection("2.16.840.1.113883.10.20.22.2.1.1", "10160-0", `<substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.16"/><statusCode code="active"/>
<effectiveTime xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="SXPR_TS"><comp xsi:type="EIVL_TS"><event code="ACM"/></comp><comp xsi:type="EIVL_TS"><event code="ACV"/></comp></effectiveTime>
<consumable><manufacturedProduct><manufacturedMaterial><code code="1191" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`)
	r := results(t, "ccda", "fhir", "", []byte(doc))[0]
	if !strings.Contains(string(r.Parts[0].Data), `"when":["ACM","ACV"]`) {
		t.Errorf("the meals are not in FHIR:\n%s", r.Parts[0].Data)
	}
	back := results(t, "fhir", "ccda", "", r.Parts[0].Data)[0]
	if strings.Contains(string(back.Parts[0].Data), "<event") {
		t.Errorf("one of the meals comes back:\n%s", back.Parts[0].Data)
	}
	if len(back.Entry.Unmapped)+len(back.Entry.Declined)+len(back.Entry.Folded) < 2 {
		t.Errorf("the ledger does not name the meals: %+v", back.Entry)
	}
}
