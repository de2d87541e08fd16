package suggest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNormal(t *testing.T) {
	for _, c := range []struct{ name, normal, short string }{
		{"DOB", "dob", "dob"},
		{"Date of Birth", "dateofbirth", "dateofbirth"},
		{"patient_first_name", "patientfirstname", "firstname"},
		{"Pt. FirstName*", "ptfirstname", "firstname"},
		{"PatientLastName", "patientlastname", "lastname"},
		{"DOB (MM/DD/YYYY)", "dob", "dob"},
		{"Weight [kg]", "weight", "weight"},
		{"Chart No.", "chartnumber", "chartnumber"},
		{"Chart #", "chartnumber", "chartnumber"},
		{"addr1", "address1", "address1"},
		{"Tel (home)", "homephone", "homephone"},
		{"Tel. (C)", "cellphone", "cellphone"},
		{"Temp (C)", "temp", "temp"},
		{"MRN", "mrn", "mrn"},
		{"CVXCode", "cvxcode", "cvxcode"},
		{"patient", "patient", "patient"},
		{"Patient's name", "patientsname", "name"},
		{"Vax Dt", "vaccinedate", "vaccinedate"},
		{"", "", ""},
		{"***", "", ""},
		{"(none)", "none", "none"},
	} {
		if got := Normal(c.name); got != c.normal {
			t.Errorf("Normal(%q) = %q, want %q", c.name, got, c.normal)
		}
		if got := short(c.name); got != c.short {
			t.Errorf("short(%q) = %q, want %q", c.name, got, c.short)
		}
	}
}

func TestApart(t *testing.T) {
	for _, c := range []struct {
		a, b string
		near bool
	}{
		{"lastname", "lstname", true},     // one of eight
		{"birthdate", "brithdate", true},  // two letters swapped
		{"sex", "set", false},             // one of three
		{"gender", "sender", false},       // one of six
		{"address1", "address2", true},    // why what is near is asked about
		{"phonehome", "phonework", false}, // another word
		{"", "a", false},
	} {
		if got := apart(c.a, lettersOf(c.a), c.b, lettersOf(c.b)) <= MaxDistance; got != c.near {
			t.Errorf("%s and %s: near %v, want %v", c.a, c.b, got, c.near)
		}
	}
}

func TestContents(t *testing.T) {
	for _, c := range []struct {
		content string
		yes, no []string
	}{
		{"dates", []string{"1980-02-29", "2/9/1980", "02/09/80", "9-Feb-1980", "Feb 9, 1980", "19800209", "02091980", "1980-02-09T10:00:00Z", "2/9/1980 10:15", "9.2.1980"},
			[]string{"", "12", "1980", "555-123-4567", "999-17-5017", "1.2.3.4", "13/13/1980", "99999999", "2-3", "Feb"}},
		{"telephone numbers", []string{"(555) 123-4567", "555-123-4567", "555.123.4567", "+1 555 123 4567", "5551234567", "555-1234", "555-123-4567 x12", "555-123-4567 ext. 12"},
			[]string{"", "1980-02-29", "02/09/1980", "999-17-5017", "1234567", "0123456789", "12.5", "555-123-4567 or home", "-71.15"}},
		{"e-mail addresses", []string{"ann@maple.example", "a.b+c@x.co"}, []string{"", "@maple.example", "ann@maple", "ann maple", "a@b@c.de", "a b@c.de"}},
		{"LOINC codes", []string{"8302-2", "718-7", "LA6576-8"}, []string{"", "8302-3", "8302", "abc"}},
		{"SNOMED CT codes", []string{"195662009", "111088007"}, []string{"", "195662008", "12345", "8302-2"}},
		{"NPI numbers", []string{"1234567893"}, []string{"", "1234567890", "5551234567"}},
		{"ICD-10 codes", []string{"E11.9", "E119", "I10", "S72.001A"}, []string{"", "ABC", "Ann", "10", "e11"}},
		{"CVX codes", []string{"08", "140", "8"}, []string{"", "1400", "A1"}},
		{"ZIP codes", []string{"02155", "02155-1234"}, []string{"", "2155", "021551", "02155 1234", "ABCDE"}},
		{"states", []string{"MA", "ny"}, []string{"", "XX", "A ", "Mass", "  "}},
		{"administrative sexes", []string{"M", "female", "U"}, []string{"", "Q", "married"}},
		{"social security numbers", []string{"999-17-5017"}, []string{"", "999175017", "99-917-5017"}},
		{"numbers", []string{"12", "<5", "1,234.5", "-3"}, []string{"", "POS", "1:40"}},
		{"NDC codes", []string{"0002-8215-01"}, []string{"", "0002821501", "x-y-z"}},
		{"FHIR resources", []string{`{"resourceType":"Patient"}`, `  { "id" : "x", "resourceType" : "Patient" }`}, []string{"", "{}", `"resourceType"`}},
	} {
		x := contentNamed(c.content)
		if x == nil {
			t.Errorf("no content %s", c.content)
			continue
		}
		for _, s := range c.yes {
			if !x.Is(s) {
				t.Errorf("%s: %q is not taken for one", c.content, s)
			}
		}
		for _, s := range c.no {
			if x.Is(s) {
				t.Errorf("%s: %q is taken for one", c.content, s)
			}
		}
	}
}

// Two kinds of table, as a person would draw them.
var people, shots = func() (*Kind, *Kind) {
	one := func(k *Kind) *Kind {
		for _, c := range k.Columns[:2] {
			k.Needs = append(k.Needs, []*Known{c})
		}
		return k
	}
	return one(&Kind{Name: "people", Columns: []*Known{
			{Name: "Last Name", Names: []string{"last", "lname", "surname"}, Person: true},
			{Name: "DOB", Names: []string{"date of birth", "birthdate"}, Content: contentNamed("dates"), Person: true},
			{Name: "MRN", Names: []string{"chart number", "patient id"}, Person: true},
			{Name: "First Name", Names: []string{"first", "fname", "given name"}, Person: true},
			{Name: "Sex", Names: []string{"gender"}, Content: contentNamed("administrative sexes")},
			{Name: "ZIP", Names: []string{"postal code", "zip code"}, Content: contentNamed("ZIP codes")},
			{Name: "Phone", Names: []string{"home phone"}, Content: contentNamed("telephone numbers")},
			{Name: "Email", Names: []string{"e-mail"}, Content: contentNamed("e-mail addresses")},
		}}),
		one(&Kind{Name: "immunizations", Columns: []*Known{
			{Name: "Date", Names: []string{"vaccination date", "admin date"}, Content: contentNamed("dates")},
			{Name: "CVX", Names: []string{"vaccine code"}, Content: contentNamed("CVX codes")},
			{Name: "MRN", Names: []string{"patient id"}, Person: true},
			{Name: "Lot", Names: []string{"lot number"}},
			{Name: "Status", Names: []string{"completion"}},
		}})
}()

func TestFor(t *testing.T) {
	dates, phones := []string{"1980-02-09", "1991-12-31", "2001-05-05"}, []string{"555-123-4567", "(555) 123-4568", "555-123-4569"}
	mails := []string{"a@maple.example", "b@maple.example", "c@maple.example"}
	for _, c := range []struct {
		name    string
		columns []Column
		want    string
	}{
		{"names in other forms", []Column{{"patient_id", nil}, {"patient_first_name", nil}, {"LAST", nil}, {"Birth Date", dates}, {"GENDER", nil}},
			"people: patient_id=MRN patient_first_name=First Name LAST=Last Name Birth Date=DOB GENDER=Sex"},
		{"the other kind", []Column{{"Patient ID", nil}, {"Vax Code", []string{"08", "140", "21"}}, {"Admin Dt", dates}, {"Lot #", nil}},
			"immunizations: Patient ID=MRN Vax Code=CVX Admin Dt=Date Lot #=Lot"},
		{"a near name is no sure one", []Column{{"MRN", nil}, {"Lastname", nil}, {"Brithdate", dates}, {"Firstt name", nil}},
			"people: MRN=MRN Lastname=Last Name Brithdate~DOB(by a near name) Firstt name~First Name(by a near name)"},
		{"what the content says", []Column{{"MRN", nil}, {"Last", nil}, {"DOB", dates}, {"Contact 1", mails}, {"Contact 2", phones}},
			"people: MRN=MRN Last=Last Name DOB=DOB Contact 1~Email(by content) Contact 2~Phone(by content)"},
		{"two of one content are not told apart", []Column{{"MRN", nil}, {"Last", nil}, {"DOB", dates}, {"Contact 1", phones}, {"Contact 2", phones}},
			"people: MRN=MRN Last=Last Name DOB=DOB Contact 1? Contact 2?"},
		{"the content speaks against the name", []Column{{"MRN", nil}, {"Last", nil}, {"DOB", phones}},
			"people: MRN=MRN Last=Last Name DOB~DOB(doubtful)"},
		{"two columns of one name", []Column{{"MRN", nil}, {"Last", nil}, {"DOB", dates}, {"Home Phone", phones}, {"Phone", phones}},
			"people: MRN=MRN Last=Last Name DOB=DOB Home Phone? Phone=Phone"},
		{"a patient's status is not the vaccination's", []Column{{"Vaccination Date", dates}, {"CVX", nil}, {"Patient Status", nil}, {"Patient MRN", nil}},
			"immunizations: Vaccination Date=Date CVX=CVX Patient Status? Patient MRN=MRN"},
		{"a foreign postal code is no doubt", []Column{{"Last", nil}, {"DOB", dates}, {"Postal Code", []string{"K1A 0B1", "K1A 0B2", "K1A 0B3"}}}, "people: Last=Last Name DOB=DOB Postal Code=ZIP"},
		{"nothing known", []Column{{"Colour", nil}, {"Length", nil}}, "none: Colour? Length?"},
		{"too little of a kind", []Column{{"First", nil}, {"Email", mails}}, "none: First? Email?"},
		{"what is missing", []Column{{"Chart No", nil}, {"First", nil}, {"Last", nil}, {"Zip Code", []string{"02155", "02156", "02157"}}, {"email", mails}},
			"people: Chart No=MRN First=First Name Last=Last Name Zip Code=ZIP email=Email missing DOB"},
	} {
		p := For(c.columns, people, shots)
		if got := shown(p); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func shown(p *Proposal) string {
	s := "none:"
	if p.Kind != nil {
		s = p.Kind.Name + ":"
	}
	for _, c := range p.Choices {
		switch {
		case c.Known == nil:
			s += fmt.Sprintf(" %s?", c.Column.Name)
		case c.Sure():
			s += fmt.Sprintf(" %s=%s", c.Column.Name, c.Known.Name)
		default:
			s += fmt.Sprintf(" %s~%s(%s)", c.Column.Name, c.Known.Name, c.How)
		}
	}
	for _, m := range p.Missing {
		s += " missing " + m[0].Name
	}
	return s
}

// TestWhyWithoutValues: what is said of a column names no value (law 9).
func TestWhyWithoutValues(t *testing.T) {
	values := []string{"secret-1", "secret-2", "secret-3"}
	p := For([]Column{{"MRN", values}, {"Last", values}, {"DOB", values}, {"Phone", values}, {"Home Phone", values}, {"Emial", values}}, people)
	for _, c := range p.Choices {
		if strings.Contains(c.Why, "secret") {
			t.Errorf("%s: %s", c.Column.Name, c.Why)
		}
	}
	if !slices.ContainsFunc(p.Choices, func(c Choice) bool { return c.How == Doubtful && c.Why != "" }) {
		t.Error("nothing is doubtful, so nothing was tested")
	}
}
