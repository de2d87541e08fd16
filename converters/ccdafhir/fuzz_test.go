package ccdafhir

import (
	"strings"
	"testing"
)

const tinyDocument = `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1.2.3" extension="a"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><effectiveTime value="20240102030405-0500"/>
<recordTarget><patientRole><id root="x y"/><patient><name use="SRCH"><given qualifier="CL">Ada</given></name></patient></patientRole></recordTarget>
<component><structuredBody><component><section><text><list><caption>c</caption><item ID="i1">one</item></list></text>
<entry><observation classCode="OBS" moodCode="EVN"><templateId root="1.2"/><code nullFlavor="UNK"/><text><reference value="#i1"/></text>
<effectiveTime><low value="20240102"/><high value="20230102"/></effectiveTime><value xsi:type="PQ" value="1" unit="mg"/></observation></entry>
</section></component></structuredBody></component></ClinicalDocument>`

// FuzzBothWays: whatever is read as a document becomes FHIR that another program reads, and comes back as a document; the ledger adds up.
func FuzzBothWays(f *testing.F) {
	f.Add([]byte(tinyDocument))
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text mediaType="text/plain" representation="B64">QQ==</text></nonXMLBody></component></ClinicalDocument>`))
	m := builtin(f)
	k := kit(m)
	f.Fuzz(func(t *testing.T, source []byte) {
		if _, err := k.Parse(source); err != nil {
			t.Skip()
		}
		res, err := k.Run(source)
		if err != nil {
			t.Fatal(err)
		}
		if res.Tally.Carried == 0 {
			t.Skip() // of nothing comes nothing back
		}
		for _, fault := range res.Faults {
			if strings.HasPrefix(fault, "what ") || strings.HasSuffix(fault, "without a reason") || strings.HasSuffix(fault, "in the ledger") {
				t.Error(fault) // the other laws hold for documents as senders write them
			}
		}
		if _, err := k.Parse(res.Back); err != nil {
			t.Error(err)
		}
	})
}

// The tiny document keeps the laws: an id without a system, a use that is none, an end before its start.
func TestTinyDocument(t *testing.T) {
	res, err := laws(kit(builtin(t)), []byte(tinyDocument))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range res.Faults {
		t.Error(fault)
	}
	if res.Tally.Unmapped > 0 || res.Tally.Invalid != 1 { // the use
		t.Errorf("%+v", res.Tally)
	}
}
