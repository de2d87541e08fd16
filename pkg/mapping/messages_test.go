package mapping_test

import "testing"

// TestMessages: what somebody gets wrong in a first row is said with what to write instead.
func TestMessages(t *testing.T) {
	const tables = "\nsystem maple  https://maple.example/fhir/\n\ntable C -> CodeableConcept\n1 ST text\n\ntable O -> Organization\n1 ST name\n"
	tests := []struct{ name, row, want string }{
		{"an element", "5 ST gendre", "Patient has no element gendre; did you mean gender?"},
		{"an extension's name", "5 ST extensoin(maple/x).valueString", "Patient has no element extensoin(maple/x); did you mean extension(...)?"},
		{"a system that there is not", "5 ST extension(mapel/x).valueString", "extension(mapel/x): no system of that name, and no URI: write a line system mapel URI; did you mean maple?"},
		{"a system in a tag", "5 ST identifier[system=mapel].value", "system=mapel: no system of that name, and no URI: write a line system mapel URI; did you mean maple?"},
		{"a text for a concept", "5 ST maritalStatus", "ST is a leaf type, and maritalStatus is a CodeableConcept: name a part of it, as in maritalStatus.text; tables make one: C"},
		{"a text for an organization", "5 ST managingOrganization -> Organization", "managingOrganization -> Organization is a Organization; tables make one: O"},
		{"a code in a tag", "5 ST telecom[use=hom].value", "use=hom: not a code of this element; did you mean home?"},
		{"a type", "5 SST language", "there is no table, code list or type SST; did you mean ST?"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			faults := check(t, "table P -> Patient\n"+tc.row+tables)
			judge(t, faults, tc.want)
		})
	}
	t.Run("a type of FHIR", func(t *testing.T) {
		faults := check(t, "table P -> Patint\n5 ST language\n")
		judge(t, faults, "FHIR has no type Patint; did you mean Patient?")
	})
}
