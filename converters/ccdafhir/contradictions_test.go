package ccdafhir_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/converters/ccdafhir"
	"github.com/chartpost/chartpost/pkg/diag"
)

// TestContradictions: codes of which not both can be true are a finding with its place, and the document converts all the same.
func TestContradictions(t *testing.T) {
	for _, tt := range []struct{ name, from, to, what string }{
		{"none", "", "", ""},
		{"a code and a null flavor", `<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code`, `<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" nullFlavor="UNK" code`,
			"value: a code, and that there is none"},
		{"two genders", `</name></patient>`, `</name><administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><administrativeGenderCode code="M" codeSystem="2.16.840.1.113883.5.1"/></patient>`,
			"administrativeGenderCode: two of them that differ"},
		{"two states", `<statusCode code="active"/>`, `<statusCode code="active"/><statusCode code="aborted"/>`, "statusCode: two of them that differ"},
		{"the negation of none", `code="416098002"`, `code="716186003"`, "value: a code that says no, in a statement that is negated"},
		{"active and ended", `</observation>`, `<entryRelationship typeCode="REFR" inversionInd="true"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.28"/>
<code code="33999-4" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/><value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CE" code="55561003" codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship></observation>`,
			"observation: an end, and a status by which it goes on"},
	} {
		doc := strings.Replace(allergyDocument, tt.from, tt.to, 1)
		if tt.name == "active and ended" {
			i := strings.LastIndex(doc, `<low value="20200101"/>`)
			if j := strings.Index(doc, `<entryRelationship typeCode="SUBJ">`); j >= 0 {
				i = j + strings.Index(doc[j:], `<low value="20200101"/>`)
			}
			doc = doc[:i] + `<low value="20200101"/><high value="20200301"/>` + doc[i+len(`<low value="20200101"/>`):]
		}
		r := results(t, "ccda", "fhir", "", []byte(doc))[0]
		finds := slices.DeleteFunc(slices.Clone(r.Findings), func(f *diag.Finding) bool { return f.ID != ccdafhir.Contradiction })
		switch {
		case tt.what == "" && len(finds) > 0:
			t.Errorf("%s: %v", tt.name, finds)
		case tt.what != "" && (len(finds) != 1 || !strings.Contains(finds[0].What, tt.what) || finds[0].Place.Path == ""):
			t.Errorf("%s: %v, want %s", tt.name, finds, tt.what)
		}
	}
}
