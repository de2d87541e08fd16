package csvfhir

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chartpost/chartpost/pkg/mapping/suggest"
)

// suggestedFor writes the mapping that is proposed for columns, with or without what is not sure; empty if they are of no kind.
func suggestedFor(t testing.TB, header []string, all bool) string {
	t.Helper()
	office, kinds, err := Office()
	if err != nil {
		t.Fatal(err)
	}
	var columns []suggest.Column
	for _, h := range header {
		columns = append(columns, suggest.Column{Name: h})
	}
	p := suggest.For(columns, kinds...)
	if p.Kind == nil {
		return ""
	}
	used := false
	for i := range p.Choices {
		used = used || p.Choices[i].Known != nil && (all || p.Choices[i].Sure())
	}
	if !used {
		return ""
	}
	text, err := suggest.Write("a practice: its \"list\"", "urn:id:Maple%20Street", office,
		[]suggest.Source{{Name: "list.csv", Headers: header, Proposal: p, Use: func(*suggest.Choice) bool { return all }}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSuggested: what is proposed for the headers of import templates and exports is a mapping that compiles and reads them.
func TestSuggested(t *testing.T) {
	for _, c := range []struct{ kind, header string }{
		{"people", "patient_first_name,patient_last_name,patient_dob,patient_sex,patient_phone,patient_email,patient_address,patient_city,patient_state,patient_zip"},
		{"people", "PatientLastName,PatientFirstName,DateOfBirth,Gender,SSN,HomePhone,CellPhone,MaritalStatus,Race,Ethnicity,PrimaryInsurance,MemberID"},
		{"people", "fname,lname,dob,sex,address1,address2,city,state,zip,insurance_payer_id,member_id,group_number"},
		{"people", "\"Name: last, first\",DOB,MRN,Sex"},
		{"people", "Chart #,Pt Last Name,Pt First Name,Birth Date,Sex,\"Odd \"\"name\"\" #1: {x}\",null,1st visit,Größe,-"},
		{"vaccinations", "Patient ID,Vaccine Name,CVX Code,Administered Date,Lot #,Exp Date,Manufacturer,Route,Site"},
		{"labs", "Patient Name,DOB,Test,Result,Units,Reference Range,Flag,Collection Date"},
		{"labs", "MRN,Component,Value,UOM,Ref Low,Ref High,Abnormal,Collected"},
		{"problems", "Pt ID,Diagnosis,ICD-10 Code,Onset,Status"},
		{"meds", "Patient,MRN,Drug Name,Sig,Qty Dispensed,Refills,Start Date,Stop Date,Prescriber,NDC"},
		{"allergy_list", "MRN,Allergy,Reaction,Severity,Onset,Status"},
		{"appointments", "Appt Date,Appt Time,Patient Name,DOB,Provider,Visit Type,Appt Status,Length"},
	} {
		header := splitHeader(c.header)
		for _, all := range []bool{false, true} {
			text := suggestedFor(t, header, all)
			if text == "" {
				t.Errorf("%s: nothing is proposed", c.header)
				continue
			}
			if !strings.Contains(text, "\n  "+c.kind+":\n") {
				t.Errorf("%s is not taken for %s:\n%s", c.header, c.kind, text)
			}
			if err := Suggested("x.map", []byte(text), "list.csv", header); err != nil {
				t.Errorf("%s: %v\n%s", c.header, err, text)
			}
		}
	}
}

// splitHeader splits a line of CSV.
func splitHeader(line string) (list []string) {
	quoted, cell := false, ""
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"' && quoted && i+1 < len(line) && line[i+1] == '"':
			cell += `"`
			i++
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ',' && !quoted:
			list, cell = append(list, cell), ""
		default:
			cell += line[i : i+1]
		}
	}
	return append(list, cell)
}

// FuzzSuggested: whatever the columns are called, what is proposed is a mapping that reads them.
func FuzzSuggested(f *testing.F) {
	f.Add("MRN,Last Name,DOB,Sex")
	f.Add("Patient,Test,Result,\"a: b\",# c,'d',[e],\tf,Units,Lot #")
	f.Add("Pt ID,CVX,Date,null,~,yes,*x,&y,!z,%,@")
	f.Fuzz(func(t *testing.T, line string) {
		header := splitHeader(line)
		seen := map[string]bool{}
		for _, h := range header {
			if seen[h] || strings.TrimSpace(h) != h || h == "" || !utf8.ValidString(h) {
				return // the codec gives no such names
			}
			seen[h] = true
		}
		for _, all := range []bool{false, true} {
			if text := suggestedFor(t, header, all); text != "" {
				if err := Suggested("x.map", []byte(text), "list.csv", header); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
			}
		}
	})
}
