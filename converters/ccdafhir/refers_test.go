package ccdafhir_test

import (
	"strings"
	"testing"
)

// TestRefers holds Entry References, which name another statement by its id, against what FHIR makes of them.
func TestRefers(t *testing.T) {
	const (
		entries = "2.16.840.1.113883.10.20.22.4."
		snomed  = `codeSystem="2.16.840.1.113883.6.96"`
		next    = `</entry><entry>`
	)
	refers := func(typ, ids string) string {
		return `<entryRelationship typeCode="` + typ + `"><act classCode="ACT" moodCode="EVN"><templateId root="` + entries + `122"/>` + ids + `<code nullFlavor="NP"/><statusCode code="completed"/></act></entryRelationship>`
	}
	observation := func(id, inner string) string {
		return `<observation classCode="OBS" moodCode="EVN"><templateId root="` + entries + `2"/><id root="` + id + `"/><code code="2339-0" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>` + inner + `</observation>`
	}
	goal := `<observation classCode="OBS" moodCode="GOL"><templateId root="` + entries + `121"/><id root="1.2.3.5"/><code code="29463-7" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="active"/>`
	concern := func(template, id, inner string) string {
		return `<act classCode="ACT" moodCode="EVN"><templateId root="` + entries + template + `"/><id root="` + id + `"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>` + inner + `</act>`
	}
	problem := `<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><templateId root="` + entries + `4"/><id root="1.2.3.8"/><code code="64572001" ` + snomed + `/><statusCode code="completed"/>
<effectiveTime><low value="20200101"/></effectiveTime><value` + coded + `"195967001"/></observation></entryRelationship>`
	for _, tt := range []guidance{
		{"a goal and the concern that it is for", "22.2.60", "61146-7", goal + refers("REFR", `<id root="1.2.3.7"/>`) + `</observation>` + next + concern("3", "1.2.3.7", problem),
			[]string{`"addresses":[{"extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/derived"`}, "refers-to", []string{entries + "122", `code="195967001"`}},
		{"a health concern and what it came of", "22.2.58", "75310-3", concern("132", "1.2.3.5", refers("REFR", `<id root="1.2.3.7"/>`)) + next + observation("1.2.3.7", ""),
			[]string{`"evidence":[{`, `"detail":[{`}, "refers-to", []string{entries + "122"}},
		{"a result and its reason", "22.2.3.1", "30954-2", observation("1.2.3.5", refers("RSON", `<id root="1.2.3.7"/>`)) + next + observation("1.2.3.7", ""),
			[]string{`"url":"https://chartpost.org/fhir/StructureDefinition/refers-to","valueReference":{`}, "", []string{entries + "122", `root="1.2.3.5"`}},
		{"an id that nobody bears", "22.2.3.1", "30954-2", observation("1.2.3.5", refers("RSON", `<id root="1.2.3.9"/>`)) + next + observation("1.2.3.7", ""),
			nil, "refers-to", []string{entries + "122", `root="1.2.3.9"`}},
		{"an id that two bear", "22.2.3.1", "30954-2", observation("1.2.3.5", refers("RSON", `<id root="1.2.3.7"/>`)) + next + observation("1.2.3.7", "") + next +
			`<procedure classCode="PROC" moodCode="EVN"><templateId root="` + entries + `14"/><id root="1.2.3.7"/><code code="80146002" ` + snomed + `/><statusCode code="completed"/></procedure>`, nil, "refers-to", []string{entries + "122"}},
	} {
		tt.hold(t)
	}
}

// TestVisitNamed: a statement that names an encounter by its id leads to it, and there is no second encounter.
func TestVisitNamed(t *testing.T) {
	const visit = `<encounter classCode="ENC" moodCode="EVN"><id root="1.2.3.9" extension="V7"/>`
	doc := oneSection("2.16.840.1.113883.10.20.22.2.5.1", "11450-4", `<observation xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="1.2.3.6"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><value xsi:type="CD" code="195967001" codeSystem="2.16.840.1.113883.6.96"/>
<entryRelationship typeCode="SUBJ">`+visit+`</encounter></entryRelationship></observation></entry><entry>`+visit+`<code code="99213" codeSystem="2.16.840.1.113883.6.12"/><effectiveTime value="20260102"/></encounter>`)
	got := through(t, "ccda", "fhir", "", []byte(doc))[0]
	if strings.Count(string(got), `"resourceType":"Encounter"`) != 1 || !strings.Contains(string(got), `"encounter":{`) {
		t.Errorf("the problem does not lead to the one encounter:\n%s", got)
	}
	alone := string(through(t, "ccda", "fhir", "", []byte(strings.Replace(doc, `extension="V7"`, `extension="V8"`, 1)))[0])
	if !strings.Contains(alone, `"encounter":{"extension"`) || strings.Count(alone, `"value":"V8"`) != 2 || strings.Count(alone, `"resourceType":"Encounter"`) != 1 {
		t.Errorf("the problem does not name the encounter of which nothing else is said:\n%s", alone)
	}
	back := string(through(t, "fhir", "ccda", "", got)[0])
	if strings.Count(back, `extension="V7"`) != 2 || strings.Count(back, `code="99213"`) != 1 {
		t.Errorf("the encounter and its name do not come back:\n%s", back)
	}
	// nor is there one in a cluster of which it is a part
	cluster := through(t, "ccda", "fhir", "", []byte(oneSection("2.16.840.1.113883.10.20.22.2.17", "29762-2", `<organizer classCode="CLUSTER" moodCode="EVN"><id root="1.2.3.6"/><statusCode code="completed"/><component>`+visit+`</encounter></component></organizer>`)))[0]
	if strings.Contains(string(cluster), `"resourceType":"Encounter"`) || !strings.Contains(string(cluster), `"value":"V7"`) {
		t.Errorf("an encounter of which nothing is said is made:\n%s", cluster)
	}
	if back := string(through(t, "fhir", "ccda", "", cluster)[0]); !strings.Contains(back, `<id root="1.2.3.9" extension="V7"/>`) {
		t.Errorf("the name of the encounter does not come back:\n%s", back)
	}
}
