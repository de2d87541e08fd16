package mapping_test

import (
	"testing"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// TestScopesComeBack holds documents of groups against their way there and back: each is written as it was read.
func TestScopesComeBack(t *testing.T) {
	for _, tt := range []struct{ name, tables, doc string }{
		{"groups that two rows read keep their order", `
table M -> Bundle
PID PID Patient
G[OBX] GO[] .
G[no OBX] GS[] .

table PID -> Patient
1 ST name.text

table GO -> Bundle
SPM SPM Observation[subject=Patient].note
OBX OBX Observation[subject=Patient]
'final' ST Observation.status

table GS -> Bundle
SPM SPM Specimen[subject=Patient]

table OBX -> Observation
1 ST code.text

table SPM -> Specimen
1 ST type.text

table SPM -> Annotation
1 ST text
`, "PID|Ann\nG\n  SPM|blood\nG\n  OBX|sodium\nG\n  SPM|urine\nG\n  OBX|glucose\nG\n  SPM|hair\n"},
		{"repetitions that two rows put into one list keep their order", `
table M -> Bundle
PID PID Patient

table PID -> Patient
1[1!=b] N[] name
> 1[1=b] N[] name # written back by the row for all others

table N -> HumanName
1 ST prefix
2 ST text
`, "PID|b^Roe~a^Doe~b^Poe\n"},
		{"statements that several rows put into one list, and write back, keep their order", `
table M -> Bundle
ORG ORG Organization

table ORG -> Organization
1 ST name
3[][1=p] P[] endpoint -> Endpoint[address=p]
3[][1=q] Q[] endpoint -> Endpoint[address=q]
3[][1=r] Q[] endpoint -> Endpoint[address=r]

table P -> Endpoint
2 ST name
'active' ST status

table Q -> Endpoint
2 ST header
'active' ST status
`, "ORG|x||r^one~p^two~q^three~p^four~r^five\n"},
		{"a scope that is taken in whole adds to what is around it", `
table M -> Bundle
G GROUP[] .

table GROUP -> Bundle
PRB PRB Condition
. SAID .

table SAID -> Bundle
NTE NTE Condition.note

table PRB -> Condition
1 ST code.text

table NTE -> Annotation
1 ST text
`, "G\n  PRB|Cough\n  NTE|since May\nG\n  PRB|Cold\n"},
		{"what is below a group of nothing waits for the group that has it", `
table M -> Bundle
PTH PATHWAYS[] .

table PATHWAYS -> Bundle
PTH PTH CarePlan
G GROUP[] .

table GROUP -> Bundle
PRB PRB CarePlan.addresses -> Condition
H GOAL[] .

table GOAL -> Bundle
GOL GOL Goal[addresses=Condition]

table PTH -> CarePlan
1 ST title
'active' ST status
'plan' ST intent

table PRB -> Condition
1 ST code.text

table GOL -> Goal
1 ST description.text
'active' ST lifecycleStatus
`, "PTH\n  PTH|one\n  G\n    PRB|Cough\nPTH\n  PTH|two\n  G\n    PRB|Cold\n    H\n      GOL|sleep\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := mapOf(t, er7Tree, tt.tables)
			if err := m.Check(); err != nil {
				t.Fatal(err)
			}
			rec, err := m.ToFHIR("M", "Bundle", parseER7(tt.doc), mapping.ReadOptions{Key: "case"})
			if err != nil {
				t.Fatal(err)
			}
			back, err := m.FromFHIR("M", "Bundle", rebuild(t, rec))
			if err != nil {
				t.Fatal(err)
			}
			if got := printER7(back); got != tt.doc {
				t.Errorf("came back as\n%s%s", got, printRecord(t, rec))
			}
		})
	}
}
