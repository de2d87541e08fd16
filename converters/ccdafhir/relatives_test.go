package ccdafhir_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/converters/ccdafhir"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// TestRelatives: what a document says of a relative is nobody's in FHIR where FHIR would have it as the patient's own, and the ledger says so; what may
// have somebody else in focus stays, and the same of the patient.
func TestRelatives(t *testing.T) {
	const (
		template = `<templateId root="2.16.840.1.113883.10.20.22.4.`
		done     = `<statusCode code="completed"/>`
		snomed   = `codeSystem="2.16.840.1.113883.6.96"`
		typed    = `<value xsi:type="CD" code="195967001" ` + snomed + `/>`
	)
	observation := func(id, subject string) string {
		return `<observation classCode="OBS" moodCode="EVN">` + template + id + `"/><id root="1.2.3.6"/><code code="64572001" ` + snomed + `/>` + done + typed + subject + `</observation>`
	}
	problem := func(subject string) string {
		return `<entry><act classCode="ACT" moodCode="EVN">` + template + `3"/><id root="1.2.3.5"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>` +
			`<entryRelationship typeCode="SUBJ">` + observation("4", subject) + `</entryRelationship></act></entry>`
	}
	for _, tt := range []struct {
		name     string
		entry    func(subject string) string
		resource string
		focus    bool
	}{
		{"a problem in its concern", problem, "Condition", false},
		{"two problems in one concern", func(s string) string {
			return strings.Replace(problem(s), "</act>", `<entryRelationship typeCode="SUBJ">`+observation("4", s)+`</entryRelationship></act>`, 1)
		}, "Condition", false},
		{"a problem alone", func(s string) string { return `<entry>` + observation("4", s) + `</entry>` }, "Condition", false},
		{"a procedure", func(s string) string {
			return `<entry><procedure classCode="PROC" moodCode="EVN">` + template + `14"/><id root="1.2.3.5"/><code code="11466000" ` + snomed + `/>` + done + s + `</procedure></entry>`
		}, "Procedure", false},
		{"a medication", func(s string) string {
			return `<entry><substanceAdministration classCode="SBADM" moodCode="EVN">` + template + `16"/><id root="1.2.3.5"/>` + done + s + `<consumable><manufacturedProduct><manufacturedMaterial>` +
				`<code code="314076" codeSystem="2.16.840.1.113883.6.88"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration></entry>`
		}, "MedicationRequest", false},
		{"a report", func(s string) string {
			return `<entry><organizer classCode="BATTERY" moodCode="EVN">` + template + `1"/><id root="1.2.3.5"/>` + done + s + `<component>` + observation("2", "") + `</component></organizer></entry>`
		}, "DiagnosticReport", false},
		{"an observation", func(s string) string { return `<entry>` + observation("2", s) + `</entry>` }, "Observation", true},
		{"a family history", func(s string) string {
			return `<entry><organizer classCode="CLUSTER" moodCode="EVN">` + template + `45"/><id root="1.2.3.5"/>` + done + s + `<component>` + observation("46", "") + `</component></organizer></entry>`
		}, "FamilyMemberHistory", true},
		{"a whole section", func(s string) string { return s + `<entry>` + observation("2", "") + `</entry>` }, "Observation", false},
	} {
		for who, relative := range map[string]bool{`<relatedSubject classCode="PRS"><code code="MTH" codeSystem="2.16.840.1.113883.5.111" displayName="mother"/></relatedSubject>`: true,
			`<relatedSubject classCode="PAT"/>`: false, `<relatedSubject classCode="PRS"><code code="ONESELF"/></relatedSubject>`: false} {
			doc := oneSection("2.16.840.1.113883.10.20.22.2.5.1", "11450-4", "")
			doc = strings.Replace(doc, "</section>", tt.entry("<subject>"+who+"</subject>")+"</section>", 1)
			r := results(t, "ccda", "fhir", "", []byte(doc))[0]
			var bundle []byte
			for _, p := range r.Parts {
				bundle = append(bundle, p.Data...)
			}
			want := !relative || tt.focus
			if got := strings.Contains(string(bundle), `"resourceType":"`+tt.resource+`"`); got != want {
				t.Errorf("%s of %s: a %s is there: %v, want %v", tt.name, who, tt.resource, got, want)
			}
			if rest := strings.Contains(string(bundle), `"urn:oid:1.2.3.5"`) || strings.Contains(string(bundle), `"urn:oid:1.2.3.6"`); rest != want || !strings.Contains(string(bundle), `"title":"Section"`) {
				t.Errorf("%s of %s: of the statement something is there: %v, or the section is not", tt.name, who, rest)
			}
			parsed, err := new(ccda.Parser).Parse([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			values := 0
			parsed.Leaves(func(tree.Node, tree.State, string) { values++ })
			if n := r.Entry.Tally.Values(); n != values {
				t.Errorf("%s of %s: the ledger knows %d values, not %d", tt.name, who, n, values)
			}
			said := slices.ContainsFunc(r.Entry.Declined, func(l convert.Line) bool { return strings.Contains(l.Why, "it tells of a relative") })
			if said == want || !want && len(r.Entry.Unmapped) > 0 && tt.name != "a whole section" {
				t.Errorf("%s of %s: the ledger says so: %v; %v is unmapped", tt.name, who, said, r.Entry.Unmapped)
			}
		}
	}
}

// TestNoMoodOfNothing: a statement that a null flavour says there is none of has no mood either, and nobody is told so.
func TestNoMoodOfNothing(t *testing.T) {
	for inner, want := range map[string]bool{`classCode="OBS"`: true, `classCode="OBS" nullFlavor="NI"`: false, `classCode="OBS" moodCode="EVN"`: false} {
		doc := oneSection("2.16.840.1.113883.10.20.22.2.3.1", "30954-2", `<observation `+inner+`><id root="1.2.3.6"/><code code="718-7" codeSystem="2.16.840.1.113883.6.1"/></observation>`)
		r := results(t, "ccda", "fhir", "", []byte(doc))[0]
		if told := slices.ContainsFunc(r.Findings, func(f *diag.Finding) bool { return f.ID == ccdafhir.NoMood }); told != want {
			t.Errorf("%s: told %v, want %v", inner, told, want)
		}
	}
}
