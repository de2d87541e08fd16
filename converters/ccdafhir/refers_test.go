package ccdafhir_test

import "testing"

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
