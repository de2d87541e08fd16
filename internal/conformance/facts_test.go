package conformance

import (
	"testing"

	"github.com/chartpost/chartpost/pkg/mapping"
)

const factTables = `table OBX -> Observation
3    CWE      code
.    OBX_ORG  performer -> Organization
.    OBX_ROL  performer -> PractitionerRole[code=v2-0912#MDIR]
21   EI       identifier[type=v2-0203#FILL]
30   ST       extension(kind).extension[url=sub].valueString

table OBX_ORG -> Organization
24   XAD      address

table OBX_ROL -> PractitionerRole
25   XCN      practitioner -> Practitioner

table CWE -> CodeableConcept
.    CWE_1    coding[]

table CWE_1 -> Coding
1    ST       code
.    SYSTEM_1 system

table EI -> Identifier
1    ST       value

table XPN -> HumanName
1.1  ST       family

system v2-0203  http://terminology.hl7.org/CodeSystem/v2-0203
system v2-0912  http://terminology.hl7.org/CodeSystem/v2-0912
system kind     http://hl7.org/fhir/StructureDefinition/kind
`

// TestFacts follows tables into one another and asks for rows as the guide writes them.
func TestFacts(t *testing.T) {
	file, err := mapping.ParseFile("facts.map", []byte(factTables))
	if err != nil {
		t.Fatal(err)
	}
	row := func(kind, m, place, path, assign, want string) GuideRow {
		n := mapName.FindStringSubmatch(m)
		return GuideRow{Kind: kind, Map: m, Source: n[1], Target: n[2], Place: place, FHIRPath: path, Assign: assign, Comment: want}
	}
	rows := []GuideRow{
		row("segment", "OBX[Observation]", "OBX-3", "code", "", covered),
		row("segment", "OBX[Observation]", "OBX-3", "code.coding.code", "", covered),
		row("segment", "OBX[Observation]", "OBX-3", "code.text", "", otherwise),
		row("segment", "OBX[Observation]", "OBX-24", "performer[2](Organization.address)", "", covered),
		row("segment", "OBX[Observation]", "OBX-24", "performer[2](Organization.telecom)", "", otherwise),
		row("segment", "OBX[Observation]", "OBX-25", "performer[2](PractitionerRole[1].practitioner)", "", covered),
		row("segment", "OBX[Observation]", "OBX-25", "performer[2](PractitionerRole[1].code.coding.code)", `"MDIR"`, covered),
		row("segment", "OBX[Observation]", "OBX-25", "performer[2](PractitionerRole[1].code.coding.code)", `"SPRF"`, otherwise),
		row("segment", "OBX[Observation]", "OBX-21", "identifier[1].type.coding.system", `"http://terminology.hl7.org/CodeSystem/v2-0203"`, covered),
		row("segment", "OBX[Observation]", "OBX-30", "extension[2].url", `"http://hl7.org/fhir/StructureDefinition/kind"`, covered),
		row("segment", "OBX[Observation]", "OBX-30", "extension[2].extension[1].url", `"sub"`, covered),
		row("segment", "OBX[Observation]", "OBX-30", "extension[2].extension[1].valueString", "", covered),
		row("segment", "OBX[Observation]", "OBX-40", "note", "", absent),
		row("datatype", "CWE[CodeableConcept]", "CWE.1", "coding[1].code", "", covered),
		row("datatype", "CWE[CodeableConcept]", "CWE.3", "coding[1].system", "", covered),
		row("datatype", "CE[CodeableConcept]", "CE.1", "coding[1].code", "", covered),
		row("datatype", "FN[HumanName]", "FN.1", "family", "", covered),
		row("datatype", "EI[Condition]", "EI.1", "identifier.value", "", otherwise), // no row gives a Condition an EI
		row("datatype", "EI[Observation]", "EI.1", "identifier.value", "", covered),
		row("datatype", "XPN[HumanName]", "XPN.2", "given", "", absent),
		row("datatype", "XAD[Address]", "XAD.1", "line", "", absent),
		row("datatype", "XCN[Practitioner]", "XCN.1", "identifier", "", absent),
	}
	list := Coverage(rows, []*mapping.File{file})
	for i, c := range list {
		if c.State != rows[i].Comment {
			t.Errorf("%s %s -> %s %s: %s, %s expected", c.Map, c.Place, c.FHIRPath, c.Assign, c.State, rows[i].Comment)
		}
	}
}
