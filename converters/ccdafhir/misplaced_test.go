package ccdafhir_test

import (
	"strings"
	"testing"
)

// TestMisplaced: what the schema does not allow where it stands is kept for people to read, is told, and does not come back.
func TestMisplaced(t *testing.T) {
	doc := oneSection("2.16.840.1.113883.10.20.22.2.3.1", "30954-2", `<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.2"/><id root="1.2.3.6"/>
<code code="600-7" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/><value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="ST">seen
<lab:report xmlns:lab="urn:maple:lab" grade="2"><lab:line>A &amp; B</lab:line></lab:report></value><translation code="41852-5" shelf="3"/></observation>`)
	r := results(t, "ccda", "fhir", "", []byte(doc))[0]
	bundle := string(r.Parts[0].Data)
	for _, want := range []string{`"url":"https://chartpost.org/fhir/StructureDefinition/misplaced"`, `observation/translation"`, `\u003ctranslation code=\"41852-5\" shelf=\"3\"/\u003e`, `grade=\"2\"`, `A \u0026amp; B`} {
		if !strings.Contains(bundle, want) && !strings.Contains(bundle, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(want)) {
			t.Errorf("FHIR does not hold %s:\n%s", want, bundle)
		}
	}
	for _, l := range r.Entry.Unmapped {
		t.Errorf("%s is unmapped", l.At)
	}
	folded := 0
	for _, l := range r.Entry.Folded {
		if strings.Contains(l.Why, "schema does not allow") {
			folded++
		}
	}
	if folded != 4 {
		t.Errorf("%d values are folded, not 4: %v", folded, r.Entry.Folded)
	}
	back := results(t, "fhir", "ccda", "", r.Parts[0].Data)[0]
	if got := string(back.Parts[0].Data); strings.Contains(got, "lab:report") || strings.Contains(got, "translation") || !strings.Contains(got, "seen") {
		t.Errorf("what came back: %s", got)
	}
	for _, l := range back.Entry.Unmapped {
		t.Errorf("%s is unmapped on the way back", l.At)
	}
	if n := len(back.Entry.Declined); n == 0 {
		t.Error("nothing is declined on the way back")
	}
}
