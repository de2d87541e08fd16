package ccdafhir_test

import (
	"strings"
	"testing"
)

// TestForbidden: a value that CDA's schema does not allow is invalid in the ledger, with its place, and is not written back. What must be there and says no more
// than the element's name does is written; a statement of which nobody knows whether it has happened is not.
func TestForbidden(t *testing.T) {
	const code = `<code code="600-7" codeSystem="2.16.840.1.113883.6.1"/>`
	doc := oneSection("2.16.840.1.113883.10.20.22.2.17", "29762-2", `<act classCode="TRNS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.12"/><id root="4711"/><id root="&amp;WARD" extension="12"/>`+code+`
<effectiveTime><low value="2026-01-02"/></effectiveTime>
<participant typeCode="LOC"><participantRole classCode=" WHERE "><id root="1.2.3.8"/></participantRole></participant>
<entryRelationship><observation moodCode="EVN"><id root="1.2.3.7"/>`+code+`</observation></entryRelationship>
<entryRelationship typeCode="COMP"><observation classCode="OBS" moodCode="LATER"><id root="1.2.3.9"/>`+code+`</observation></entryRelationship>
<entryRelationship typeCode="COMP"><observation classCode="OBS" moodCode="EVN"><templateId root=" 1.2.3.10"/><id root="1.2.3.11"/>`+code+`</observation></entryRelationship></act>`)
	r := results(t, "ccda", "fhir", "", []byte(doc))[0]
	bundle := string(r.Parts[0].Data)
	for _, want := range []string{`"TRNS"`, `"4711"`, `"\u0026WARD"`} { // for people to read
		if !strings.Contains(bundle, want) && !strings.Contains(bundle, strings.ReplaceAll(want, `\u0026`, "&")) {
			t.Errorf("FHIR does not hold %s:\n%s", want, bundle)
		}
	}
	var at []string
	for _, l := range r.Entry.Invalid {
		at = append(at, l.At[strings.LastIndex(l.At, "/act")+1:])
	}
	want := "act/@classCode act/id/@root act/id[2]/@root act/effectiveTime/low/@value act/participant/participantRole/@classCode"
	if got := strings.Join(at, " "); got != want {
		t.Errorf("invalid are %s, not %s", got, want)
	}
	back := string(results(t, "fhir", "ccda", "", r.Parts[0].Data)[0].Parts[0].Data)
	for _, want := range []string{`<act classCode="ACT" moodCode="EVN">`, `<id nullFlavor="UNK" extension="4711"/>`, `extension="12"`, `<entryRelationship typeCode="REFR">`,
		`<observation classCode="OBS" moodCode="EVN">`, `<templateId root="1.2.3.10"/>`} {
		if !strings.Contains(back, want) {
			t.Errorf("%s does not come back:\n%s", want, back)
		}
	}
	for _, forbidden := range []string{"TRNS", "WARD", "WHERE", "LATER", "1.2.3.9"} {
		if strings.Contains(back, forbidden) {
			t.Errorf("%s comes back:\n%s", forbidden, back)
		}
	}
}

// TestForbiddenNarrative: what the narrative of a source has and the schema forbids comes back as it allows, with the links to it.
func TestForbiddenNarrative(t *testing.T) {
	doc := strings.Replace(oneSection("2.16.840.1.113883.10.20.22.2.3.1", "30954-2", `<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.3.6"/>
<code code="600-7" codeSystem="2.16.840.1.113883.6.1"/><text><reference value="#blood count"/></text><statusCode code="completed"/></observation>`),
		"</title><text>", `</title><text><table ID="blood count"><tr><td>5.1</td></tr><tr></tr></table><list></list><list><caption>Nothing in it</caption></list>`, 1)
	if !strings.Contains(doc, "blood count\"><tr>") {
		t.Fatal(doc)
	}
	r := results(t, "ccda", "fhir", "", []byte(doc))[0]
	back := string(results(t, "fhir", "ccda", "", r.Parts[0].Data)[0].Parts[0].Data)
	for _, want := range []string{`<table ID="blood_count"><tbody><tr><td>5.1</td></tr></tbody></table>`, `value="#blood_count"`, `<list><caption>Nothing in it</caption><item></item></list>`} {
		if !strings.Contains(back, want) {
			t.Errorf("%s does not come back:\n%s", want, back)
		}
	}
	for _, forbidden := range []string{"<list></list>", "<tr></tr>", "blood count"} {
		if strings.Contains(back, forbidden) {
			t.Errorf("%s comes back:\n%s", forbidden, back)
		}
	}
	if !strings.Contains(string(r.Parts[0].Data), `5.1`) {
		t.Error("the text of the narrative is not in FHIR")
	}
}
