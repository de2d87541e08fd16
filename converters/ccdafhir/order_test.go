package ccdafhir

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOrder: the statements of a section come back in their order, whatever rows read them, and FHIR has them so.
func TestOrder(t *testing.T) {
	const entries = "2.16.840.1.113883.10.20.22.4."
	plain := func(element, id, mood string) string {
		return `<entry><` + element + ` moodCode="` + mood + `"><id root="` + id + `"/><code code="2339-0" codeSystem="2.16.840.1.113883.6.1"/></` + strings.Fields(element)[0] + `></entry>`
	}
	problem := func(id string) string {
		return `<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><templateId root="` + entries + `4"/><id root="` + id + `"/><code code="55607006" codeSystem="2.16.840.1.113883.6.96"/>
<statusCode code="completed"/><effectiveTime><low value="20200101"/></effectiveTime><value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" codeSystem="2.16.840.1.113883.6.96" code="195967001"/></observation></entryRelationship>`
	}
	concern := `<entry><act classCode="ACT" moodCode="EVN"><templateId root="` + entries + `3"/><id root="1.2.3.4"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>` +
		problem("1.2.3.41") + problem("1.2.3.42") + `</act></entry>`
	list := plain(`act classCode="ACT"`, "1.2.3.1", "EVN") + plain(`observation classCode="OBS"`, "1.2.3.2", "EVN") + plain(`act classCode="ACT"`, "1.2.3.3", "INT") + concern +
		plain(`procedure classCode="PROC"`, "1.2.3.5", "EVN") + plain(`observation classCode="OBS"`, "1.2.3.6", "GOL") + plain(`act classCode="ACT"`, "1.2.3.7", "EVN") + plain(`observation classCode="OBS"`, "1.2.3.8", "EVN")
	doc := `<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/><effectiveTime value="20200101"/><component><structuredBody><component><section>
<code code="18776-5" codeSystem="2.16.840.1.113883.6.1"/><title>Plan</title><text>Nothing</text>` + list + `</section></component></structuredBody></component></ClinicalDocument>`
	k := kit(builtin(t))
	k.Same = sameOrder
	res, err := laws(k, []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Faults {
		t.Error(f)
	}
	var ids []string
	for _, m := range regexp.MustCompile(`<id root="1\.2\.3\.(\d+)"`).FindAllStringSubmatch(string(res.Back), -1) {
		ids = append(ids, m[1])
	}
	if want := []string{"1", "2", "3", "4", "41", "42", "5", "6", "7", "8"}; !slices.Equal(ids, want) {
		t.Errorf("came back as %v, want %v\n%s", ids, want, res.Back)
	}
}
