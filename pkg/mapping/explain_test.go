package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const explained = `system us-race http://hl7.org/race

table PID -> Patient
1   -       set id is positional
5   XPN[]   name
8   0001    gender  # as the birth certificate has it
10  CWE     extension(us-race).valueCodeableConcept
> 30  ST    deceasedBoolean  with 29=Y  # back from 29
- id  made again

table XPN -> HumanName
1.1  ST  family
2    ST  given
table CWE -> CodeableConcept
1    ST  coding.code
table XPN -> Practitioner
1    ST  active

table OBX -> Observation
5  NM  valueQuantity.value  with 2=NM
5  ST  valueString          with 2=ST

table ORU_R01 -> Bundle
PID      PID  Patient
MSH-9.1  ID   'ORU'
OBSERVATION.OBX-14  DTM  DiagnosticReport.issued
NK1      XPN[]  DiagnosticReport.resultsInterpreter -> Practitioner

table concern -> AllergyIntolerance
act[@classCode='ACT']/templateId[@root='2.16.840.1']/@root  ID  '2.16.840.1'
"First Name"  ST  note.text
'active' ID clinicalStatus.text

codes 0001 from us-race
M  male
> A  other # as O
`

func TestExplain(t *testing.T) {
	s, err := Merge(files(t, true, explained), nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		at, query string
		want      []string // table and row
	}{
		{line(), "PID-8", []string{"PID[Patient] 8  0001  gender  # as the birth certificate has it"}},
		{line(), "PID-5", []string{"PID[Patient] 5  XPN[]  name"}},
		{line(), "pid-5", []string{"PID[Patient] 5  XPN[]  name"}},
		{line(), "XPN-2", []string{"XPN[HumanName] 2  ST  given"}},
		{line(), "XPN.2", []string{"XPN[HumanName] 2  ST  given"}},
		{line(), "patient.gender", []string{"PID[Patient] 8  0001  gender  # as the birth certificate has it"}},
		{line(), "Patient.name.famly", nil},
		{line(), "PID-5.1", []string{"PID[Patient] 5  XPN[]  name", "XPN[HumanName] 1.1  ST  family"}},
		{line(), "PID-5.1.2", []string{"PID[Patient] 5  XPN[]  name"}},
		{line(), "PID-10.1", []string{"PID[Patient] 10  CWE  extension(us-race).valueCodeableConcept", "CWE[CodeableConcept] 1  ST  coding.code"}},
		{line(), "PID-1", []string{"PID[Patient] 1  -  set id is positional"}},
		{line(), "PID-29", []string{"PID[Patient] > 30  ST  deceasedBoolean  with 29=Y  # back from 29"}},
		{line(), "PID-0", nil},
		{line(), "OBX-5", []string{"OBX[Observation] 5  NM  valueQuantity.value  with 2=NM", "OBX[Observation] 5  ST  valueString  with 2=ST"}},
		{line(), "OBX-14", []string{"ORU_R01[Bundle] OBSERVATION.OBX-14  DTM  DiagnosticReport.issued"}},
		{line(), "MSH-9", []string{"ORU_R01[Bundle] MSH-9.1  ID  'ORU'"}},
		{line(), "Patient.gender", []string{"PID[Patient] 8  0001  gender  # as the birth certificate has it"}},
		{line(), "Patient.name.family", []string{"PID[Patient] 5  XPN[]  name", "XPN[HumanName] 1.1  ST  family"}},
		{line(), "HumanName.given", []string{"XPN[HumanName] 2  ST  given"}},
		{line(), "Patient.id", []string{"PID[Patient] -  id  made again"}},
		{line(), "Observation.value[x]", []string{"OBX[Observation] 5  NM  valueQuantity.value  with 2=NM", "OBX[Observation] 5  ST  valueString  with 2=ST"}},
		{line(), "Observation.valueString", []string{"OBX[Observation] 5  ST  valueString  with 2=ST"}},
		{line(), "DiagnosticReport.issued", []string{"ORU_R01[Bundle] OBSERVATION.OBX-14  DTM  DiagnosticReport.issued"}},
		{line(), "0001", []string{" ", "PID[Patient] 8  0001  gender  # as the birth certificate has it"}},
		{line(), "OBX", []string{"OBX[Observation] 5  NM  valueQuantity.value  with 2=NM", "OBX[Observation] 5  ST  valueString  with 2=ST"}},
		{line(), "XPN[HumanName]", []string{"XPN[HumanName] 1.1  ST  family", "XPN[HumanName] 2  ST  given"}},
		{line(), "First Name", []string{"concern[AllergyIntolerance] \"First Name\"  ST  note.text"}},
		{line(), "2.16.840.1", []string{"concern[AllergyIntolerance] act[@classCode='ACT']/templateId[@root='2.16.840.1']/@root  ID  '2.16.840.1'"}},
		{line(), "us-race", []string{"PID[Patient] 10  CWE  extension(us-race).valueCodeableConcept"}},
		{line(), "active", []string{"concern[AllergyIntolerance] 'active'  ID  clinicalStatus.text"}},
		{line(), "nothing", nil},
		{line(), " ", nil},
	}
	for _, tt := range tests {
		var got []string
		for _, e := range s.Explain(tt.query) {
			got = append(got, e.Table+" "+e.Row)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s %s: %s", tt.at, tt.query, d)
		}
	}
	// The practitioner that NK1 makes is read by XPN -> Practitioner, not by XPN -> HumanName.
	var subs []string
	for _, e := range s.Explain("DiagnosticReport.resultsInterpreter.active") {
		subs = append(subs, e.Table)
	}
	if d := cmp.Diff([]string{"ORU_R01[Bundle]", "XPN[Practitioner]"}, subs); d != "" {
		t.Error(d)
	}
}

func TestExplainText(t *testing.T) {
	s, err := Merge(files(t, false, explained), nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ at, query, want string }{
		{line(), "PID-8", "PID-8 <-> Patient.gender\n  row   8  0001  gender  (PID[Patient], a.map:6)\n  note  as the birth certificate has it\n  codes 0001\n    M  male\n    > A  other  # as O"},
		{line(), "PID-30", "PID-30 -> Patient.deceasedBoolean\n  row   > 30  ST  deceasedBoolean  with 29=Y  (PID[Patient], a.map:8)\n  note  back from 29"},
		{line(), "PID-5", "PID-5 <-> Patient.name\n  row   5  XPN[]  name  (PID[Patient], a.map:5)\n  type  XPN[HumanName]: chartpost explain XPN"},
		{line(), "PID-1", "PID-1 is not taken over to FHIR\n  row   1  -  set id is positional  (PID[Patient], a.map:4)\n  note  set id is positional"},
		{line(), "Patient.id", "Patient.id is not taken over from FHIR\n  row   -  id  made again  (PID[Patient], a.map:9)\n  note  made again"},
		{line(), "MSH-9.1", "MSH-9.1 <-> 'ORU'\n  row   MSH-9.1  ID  'ORU'  (ORU_R01[Bundle], a.map:25)"},
		{line(), "active", "'active' <-> AllergyIntolerance.clinicalStatus.text\n  row   'active'  ID  clinicalStatus.text  (concern[AllergyIntolerance], a.map:32)"},
	}
	for _, tt := range tests {
		x := s.Explain(tt.query)
		if len(x) != 1 {
			t.Errorf("%s: %d explanations", tt.at, len(x))
			continue
		}
		if d := cmp.Diff(tt.want, strings.Join(x[0].Text(), "\n")); d != "" {
			t.Errorf("%s: %s", tt.at, d)
		}
	}
}

func TestSuggest(t *testing.T) {
	s, _ := Merge(files(t, false, explained), nil)
	for query, want := range map[string]string{
		"Patient.gendre":       "did you mean Patient.gender?",
		"PID-99":               "no row of PID names 99; chartpost explain PID shows all of them",
		"Patient.address.line": "no row names Patient.address.line; chartpost explain Patient shows what rows there are",
		"Pateint":              "did you mean Patient?",
		"PDI-3":                "did you mean PID?",
		"qqqqqqqq":             "",
	} {
		if got := s.Suggest(query); got != want {
			t.Errorf("%s: %q, not %q", query, got, want)
		}
	}
}

func TestExplainAll(t *testing.T) {
	s, _ := Merge(files(t, true, explained), nil)
	all := s.ExplainAll()
	if len(all) != 20 {
		t.Errorf("%d explanations, not one for each row and codes", len(all))
	}
	for _, e := range all {
		if e.At == "" || e.Source == "" || e.Way == "" {
			t.Errorf("%+v", e)
		}
	}
}
