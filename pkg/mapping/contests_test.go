package mapping_test

import (
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/mapping"
)

const contestTables = `
system x  https://x.example/x

table N -> HumanName
1 ST family
2 ST given

table A -> Organization
1 ST name

table A -> Practitioner
1 ST name.family

table B -> Organization
2 ST name

table C -> Organization
1 ST name
2 ST alias
`

// TestConfused has one mapping that is refused for each form of two rows that the way back can never tell apart, and beside it the ways out.
func TestConfused(t *testing.T) {
	const never = "nothing tells them apart"
	tests := []struct {
		name, rows string
		fault      string // part of it; empty: accepted
	}{
		{"names, whole and whole", "1 N[] name\n2 N[] name", "case.map:6:1: going back, 1 (line 5 of case.map) takes every name, those of 2 (line 6 of case.map) too: " + never +
			" (give them tags that differ, as in name[NAME=VALUE], or mark this row > and say behind # where its values come back)"},
		{"names, whole and a part", "1 N[] name\n2 ST name.family", never},
		{"a part, and names that have more", "1 ST[] name.family\n2 N name", ""},
		{"a tag that both stamp", "1 N[] name[use=old]\n2 ST name[use=old].family", never},
		{"a tag that the first has not", "1 N[] name\n2 ST name[use=old].family", ""},
		{"a tag that the second has not", "1 N[] name[use=old]\n2 ST name.family", ""},
		{"one way", "1 N[] name\n> 2 ST name.family # comes back as 1", ""},
		{"a chain", "1 N[] name\nelse 2 N[] name", ""},
		{"one place, read in two ways", "1 N[] name if 3\n1[2] N name if no 3", ""},
		{"organizations and organizations", "1 A[] generalPractitioner -> Organization\n2 B[] generalPractitioner -> Organization", never},
		{"organizations and practitioners", "1 A[] generalPractitioner -> Organization\n2 A[] generalPractitioner -> Practitioner", ""},
		{"organizations with another tag", "1 A[] generalPractitioner -> Organization[type.text=a]\n2 A[] generalPractitioner -> Organization[type.text=b]", ""},
		{"extensions of one url", "1 ST[] extension(x).valueString\n2 ST extension(x).valueString", never},
		{"extensions of two types", "1 ST[] extension(x).valueString\n2 DT extension(x).valueDate", ""},
		{"a first that stamps", "1 N[] name with 3=a\n2 N[] name", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			faults := check(t, "table M -> Bundle\nP P Patient\n\ntable P -> Patient\n"+tc.rows+"\n"+contestTables)
			judge(t, faults, tc.fault)
		})
	}
	t.Run("segments of one resource", func(t *testing.T) {
		faults := check(t, "table M -> Bundle\nP P Patient\nQ[1=a] A[] Patient.generalPractitioner -> Organization\nR[1=a] B[] Patient.generalPractitioner -> Organization\n\ntable P -> Patient\n1 N name\n"+contestTables)
		if len(faults) != 1 || !strings.Contains(faults[0], "case.map:4:1: going back, Q[1=a] (line 3 of case.map) takes every generalPractitioner, those of R[1=a]") {
			t.Error(faults)
		}
	})
}

// TestTrial: what rows make of one list, and only values tell apart, is carried where it comes back by the row that read it, and folded where not.
func TestTrial(t *testing.T) {
	tests := []struct{ name, rows, doc, want string }{
		{"both are there: the first takes its own", "1 ST name[].family\n2 N name[]", "P|Lee|Doe^Ann\n", ""},
		{"the first is not there", "1 ST name[].family\n2 N name[]", "P||Doe^Ann\n",
			"P.2.1 folded: the way back takes it for what another row made\nP.2.2 folded: the way back does not find it\n"},
		{"told apart by what is in it", "1 ST name[].family\n2 ST name[].text", "P||Ann Doe\n", ""},
		{"a list within a shared element", "1 ST name.given\n2 N name", "P||Doe^Ann\n", "P.2.2 folded: the way back takes it for what another row made\n"},
		{"an organization that is there too", "1 A managingOrganization -> Organization\n2 A[] generalPractitioner -> Organization\n3 C extension(x).valueReference -> Organization\n4 B extension(x)[].valueReference -> Organization",
			"P|Clinic|||^Clinic\n", "P.4.2 folded: the way back takes it for what another row made\n"},
		{"what a row is stamped with", "1 ST name.text with 3=a\n2 ST name.family\n1 ST name.text with 3=b", "P|Ann Doe||b\n",
			"P.1 folded: the way back takes it for what another row made\nP.3 folded: the way back takes it for what another row made\n"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			m := mapOf(t, er7Tree, "table M -> Bundle\nP P Patient\n\ntable P -> Patient\n"+tc.rows+"\n"+contestTables)
			if err := m.Check(); err != nil {
				t.Fatal(err)
			}
			d := parseER7(tc.doc)
			if _, err := m.ToFHIR("M", "Bundle", d, mapping.ReadOptions{Key: "case"}); err != nil {
				t.Fatal(err)
			}
			if got := ledgerOf(d); got != tc.want {
				t.Errorf("ledger:\n%swant:\n%s", got, tc.want)
			}
		})
	}
}
