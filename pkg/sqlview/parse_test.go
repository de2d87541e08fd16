package sqlview_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/sqlview"
)

// TestFaults: each fault of a view is found, with its place, before anything is run. Each case marks it with §.
func TestFaults(t *testing.T) {
	const head = `{"resourceType":"ViewDefinition","resource":"Patient","select":[`
	for _, tt := range []struct{ name, view, want string }{
		{"cut off", `{"resource":"Patient",§`, "CP-CSV-100 this is not JSON: unexpected EOF"},
		{"a name twice", "{\"resource\":\"Patient\",\n§\"resource\":\"Patient\"}", `CP-CSV-100 this is not JSON: duplicate object member name`},
		{"two documents", `{} §{}`, "CP-CSV-100 this is not JSON: something stands behind the end"},
		{"too deep", strings.Repeat("[", 65) + "§" + strings.Repeat("[", 100), "CP-CSV-100 this is not JSON: nested deeper than 64 levels"},
		{"another resource", `§{"resourceType":"Patient"}`, "CP-CSV-101 this is no ViewDefinition"},
		{"no views", `§{"resourceType":"Bundle","entry":[]}`, "CP-CSV-101 there is no ViewDefinition in the file"},
		{"no resource", `§{"select":[{"column":[{"name":"a","path":"id"}]}]}`, "ViewDefinition: CP-CSV-102 resource is missing"},
		{"no select", `§{"resource":"Patient"}`, "ViewDefinition: CP-CSV-102 select is missing"},
		{"no column", `§{"resource":"Patient","select":[{"forEach":"name"}]}`, "ViewDefinition: CP-CSV-102 the view has no column"},
		{"unknown resource", `{"resource":§"Patiant","select":[]}`, "ViewDefinition.resource: CP-CSV-104 FHIR R4 has no resource Patiant; did you mean Patient?"},
		{"a datatype", `{"resource":§"HumanName","select":[]}`, "ViewDefinition.resource: CP-CSV-104 FHIR R4 has no resource HumanName"},
		{"misspelt", head + `{"forEachOrNul":§"name","column":[{"name":"a","path":"id"}]}]}`,
			"ViewDefinition.select[0].forEachOrNul: CP-CSV-102 a select has no forEachOrNul; did you mean forEachOrNull?"},
		{"a path on its line", head + "\n  {\"column\":[\n    {\"name\":\"a\", \"path\":\"name.§famly\"}]}]}",
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 HumanName has no element famly; did you mean family?"},
		{"a path that is none", head + `{"column":[{"name":"a","path":"id +§"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 "},
		{"a path with escapes", head + `{"column":[{"name":"a","path":§"\u0069d.famly"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 id has no element famly (character 4)"},
		{"a path below forEach", head + `{"forEach":"name","column":[{"name":"a","path":"§birthDate"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 HumanName has no element birthDate"},
		{"a faulty forEach alone", head + `{"forEach":"§nam","column":[{"name":"a","path":"family"}]}]}`,
			"ViewDefinition.select[0].forEach: CP-CSV-103 Patient has no element nam; did you mean name?"},
		{"both", head + `§{"forEach":"name","forEachOrNull":"given","column":[{"name":"a","path":"$this"}]}]}`,
			"ViewDefinition.select[0]: CP-CSV-102 a select has one of forEach, forEachOrNull and repeat"},
		{"a number", head + `{"forEach":§1}]}`, "ViewDefinition.select[0].forEach: CP-CSV-102 forEach is a text, not a number"},
		{"an object", `{"resource":"Patient","select":§{"column":[]}}`, "ViewDefinition.select: CP-CSV-102 select is an array, not an object"},
		{"a name", head + `{"column":[{"name":§"birth date","path":"birthDate"}]}]}`,
			"ViewDefinition.select[0].column[0].name: CP-CSV-105 birth date is no name for a column or constant"},
		{"twice", head + `{"column":[{"name":"a","path":"id"},{"name":§"a","path":"id"}]}]}`,
			"ViewDefinition.select[0].column[1].name: CP-CSV-110 two columns are called a"},
		{"twice, in a union", head + `{"column":[{"name":"a","path":"id"}],"unionAll":[{"column":[{"name":§"a","path":"id"}]}]}]}`,
			"ViewDefinition.select[0].unionAll[0].column[0].name: CP-CSV-110 two columns are called a"},
		{"twice, behind a union", head + `{"unionAll":[{"column":[{"name":"a","path":"id"}]},{"column":[{"name":"a","path":"id"}]}]},{"column":[{"name":§"a","path":"id"}]}]}`,
			"ViewDefinition.select[1].column[0].name: CP-CSV-110 two columns are called a"},
		{"a union", head + `{"unionAll":[{"column":[{"name":"a","path":"id"}]},§{"column":[{"name":"b","path":"id"}]}]}]}`,
			"ViewDefinition.select[0].unionAll[1]: CP-CSV-106 the columns b are not those of the first part: a"},
		{"a datatype in a cell", head + `{"column":[{"name":"a","path":§"name"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-109 the path gives HumanName, which is no single value; go on to one of its elements"},
		{"a condition", `{"resource":"Patient","where":[{"path":§"birthDate"}],"select":[{"column":[{"name":"a","path":"id"}]}]}`,
			"ViewDefinition.where[0].path: CP-CSV-108 the condition gives date, which is neither true nor false"},
		{"no such type", head + `{"column":[{"name":"a","path":"id","type":§"txt"}]}]}`,
			"ViewDefinition.select[0].column[0].type: CP-CSV-102 FHIR has no primitive type txt"},
		{"another type", head + `{"column":[{"name":"a","path":"birthDate","type":§"integer"}]}]}`,
			"ViewDefinition.select[0].column[0].type: CP-CSV-111 the path gives date, not integer"},
		{"a repeat that leads nowhere", head + `{"repeat":[§"item"],"column":[{"name":"a","path":"id"}]}]}`,
			"ViewDefinition.select[0].repeat[0]: CP-CSV-114 the path of a repeat leads nowhere from where it is followed"},
		{"a constant without value", `{"resource":"Patient","constant":[§{"name":"c"}],"select":[{"column":[{"name":"a","path":"id"}]}]}`,
			"ViewDefinition.constant[0]: CP-CSV-107 a constant has one value, and this has 0"},
		{"a constant of another type", `{"resource":"Patient","constant":[{"name":"c","valueDate":§"soon"}],"select":[{"column":[{"name":"a","path":"id"}]}]}`,
			"ViewDefinition.constant[0].valueDate: CP-CSV-107 this is no Date"},
		{"a constant's name", `{"resource":"Patient","constant":[§{"name":"rowIndex","valueInteger":1}],"select":[{"column":[{"name":"a","path":"id"}]}]}`,
			"ViewDefinition.constant[0]: CP-CSV-107 %rowIndex means something already"},
		{"two views", `§[` + head + `{"column":[{"name":"a","path":"id"}]}]},` + head + `{"column":[{"name":"a","path":"id"}]}]}]`,
			"CP-CSV-110 two views are called v"},
		{"empty", "§ \n", "CP-CSV-101 the file is empty"},
		{"with a byte order mark", "\ufeff\n" + head + `{"column":[{"name":"a","path":"§famly"}]}]}`, "ViewDefinition.select[0].column[0].path: CP-CSV-103 Patient has no element famly"},
		{"another edition", `{"resource":"Patient","fhirVersion":[§"5.0.0"],"select":[{"column":[{"name":"a","path":"id"}]}]}`,
			"ViewDefinition.fhirVersion: CP-CSV-116 the view is for another edition of FHIR; the records are R4"},
		{"this edition too", `{"resource":"Patient","fhirVersion":["5.0.0","4.0.1"],"select":[{"column":[{"name":"a","path":"id"}]}]}`, ""},
		{"a clock", head + `{"column":[{"name":"a","path":"§today() - birthDate"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 there is no clock for today(), so that the same input gives the same output; write the day itself, such as @2026-03-04"},
		{"a comparison that never is one", head + `{"column":[{"name":"a","path":"birthDate §> 5"}]}]}`, "ViewDefinition.select[0].column[0].path: CP-CSV-103 > cannot compare date with System.Integer"},
		{"a comparison", head + `{"column":[{"name":"a","path":"birthDate > '2020'"},{"name":"b","path":"birthDate < @2020-01-01T00:00:00Z"},{"name":"c","path":"name.count() >= 1.5"}]}]}`, ""},
		{"a key of no reference", head + `{"column":[{"name":"a","path":"maritalStatus.§getReferenceKey(Patient)"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 getReferenceKey() is for references, and this is CodeableConcept"},
		{"a key of a misspelt type", head + `{"column":[{"name":"a","path":"managingOrganization.§getReferenceKey(Organisation)"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 FHIR has no type Organisation; did you mean Organization?"},
		{"types with a namespace", head + `{"column":[{"name":"a","path":"managingOrganization.getReferenceKey(FHIR.Organization)","type":"http://hl7.org/fhirpath/System.String"},
{"name":"b","path":"birthDate","type":"FHIR.date"}]}]}`, ""},
		{"a choice as JSON has it", head + `{"column":[{"name":"a","path":"§deceasedBoolean"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 Patient has no element deceasedBoolean; write deceased.ofType(boolean)"},
		{"a misspelt function", head + `{"column":[{"name":"a","path":"name.§fisrt().family"}]}]}`, "ViewDefinition.select[0].column[0].path: CP-CSV-103 no function fisrt(); did you mean first()?"},
		{"a misspelt constant", `{"resource":"Patient","constant":[{"name":"official","valueCode":"official"}],"select":[{"column":[{"name":"a","path":"name.exists(use = §%offical)"}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 unknown variable %offical; did you mean official?"},
		{"double quotes", head + `{"column":[{"name":"a","path":§"gender = \"male\""}]}]}`,
			"ViewDefinition.select[0].column[0].path: CP-CSV-103 unexpected '\"'; a text stands in single quotes (character 10)"},
		{"two equals signs", head + `{"column":[{"name":"a","path":"gender =§= 'male'"}]}]}`, "ViewDefinition.select[0].column[0].path: CP-CSV-103 unexpected =; what is equal is said by one ="},
		{"well", head + `{"column":[{"name":"a","path":"id","type":"http://hl7.org/fhir/StructureDefinition/id","tag":[{"name":"x","value":"y"}]}]}]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, after, marked := strings.Cut(tt.view, "§")
			want := tt.want
			if marked {
				at := diag.Place{Source: "v.json", Line: strings.Count(before, "\n") + 1, Column: len(before) - strings.LastIndexByte(before, '\n')}
				sep := ", "
				if strings.HasPrefix(want, "CP-") {
					sep = ": "
				}
				want = at.String() + sep + want
			}
			views, finds := sqlview.Parse("v.json", "v", []byte(before+after))
			var list []string
			reject := false
			for _, f := range finds {
				list = append(list, fmt.Sprintf("%s: %s %s", f.Place, f.ID, f.Message()))
				reject = reject || f.Severity() == diag.Reject
			}
			got := strings.Join(list, "\n")
			if strings.HasSuffix(want, " ") && len(list) == 1 { // whatever FHIRPath says
				got = got[:min(len(got), len(want))]
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if reject == (len(views) > 0) {
				t.Errorf("%d views, rejected %v", len(views), reject)
			}
		})
	}
}

// TestStrangers: views as others publish them give what they give there.
func TestStrangers(t *testing.T) {
	resources := map[string]string{
		"Patient": `{"resourceType":"Patient","id":"p","meta":{"tag":[{"code":"t"}]},"active":true,"gender":"female","birthDate":"1980-02","name":[{"use":"official","family":"Example","given":["Ann","Bea"]},{"use":"old","family":"Sample"}],
"address":[{"use":"home","line":["1 Oak St","Apt 2"],"city":"Sampletown"}],"multipleBirthInteger":2,
"extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"ombCategory","valueCoding":{"code":"2106-3"}}]}],
"contact":[{"relationship":[{"coding":[{"code":"N"}]}],"address":{"use":"work","line":["9 Elm St"]},"telecom":[{"value":"1"},{"value":"2"}]},{"gender":"male"}]}`,
		"Observation": `{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"subject":{"reference":"Patient/p"},"effectiveDateTime":"2026-03-04T10:11:12Z",
"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120.0,"unit":"mmHg"}},{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":80}}]}`,
		"QuestionnaireResponse": `{"resourceType":"QuestionnaireResponse","id":"q","status":"completed","item":[{"linkId":"1","item":[{"linkId":"1.1","answer":[{"valueString":"a","item":[{"linkId":"1.1.1"}]}]}]},{"linkId":"2"}]}`,
	}
	for _, tt := range []struct{ name, resource, rest, want string }{
		{"demographics", "Patient", `"select":[{"column":[{"name":"id","path":"getResourceKey()"},{"name":"gender","path":"gender"}]},
{"forEach":"name.where(use = 'official').first()","column":[{"name":"given_name","path":"given.join(' ')","description":"A single given name"},{"name":"family_name","path":"family"}]}]`,
			`{"id":"Patient/p","gender":"female","given_name":"Ann Bea","family_name":"Example"}`},
		{"addresses of patient and contacts", "Patient", `"select":[{"column":[{"name":"id","path":"getResourceKey()"}]},{"unionAll":[
{"forEach":"address","column":[{"name":"street","path":"line.join('\n')"},{"name":"use","path":"use"},{"name":"is_patient","path":"true"}]},
{"forEach":"contact.address","column":[{"name":"street","path":"line.join('\n')"},{"name":"use","path":"use"},{"name":"is_patient","path":"false"}]}]}]`,
			`{"id":"Patient/p","street":"1 Oak St\nApt 2","use":"home","is_patient":true}
{"id":"Patient/p","street":"9 Elm St","use":"work","is_patient":false}`},
		{"blood pressures", "Observation", `"constant":[{"name":"bp","valueCode":"85354-9"},{"name":"sbp","valueCode":"8480-6"},{"name":"dbp","valueCode":"8462-4"},{"name":"loinc","valueUri":"http://loinc.org"}],
"where":[{"path":"code.coding.exists(system=%loinc and code=%bp)"}],
"select":[{"column":[{"name":"id","path":"getResourceKey()"},{"name":"patient_id","path":"subject.getReferenceKey(Patient)"},{"name":"group_id","path":"subject.getReferenceKey(Group)"},{"name":"at","path":"effective.ofType(dateTime)","type":"dateTime","tag":[{"name":"ansi/type","value":"TIMESTAMP"}]}]},
{"forEach":"component.where(code.coding.exists(system=%loinc and code=%sbp)).first()","column":[{"name":"sbp","path":"value.ofType(Quantity).value"}]},
{"forEach":"component.where(code.coding.exists(system=%loinc and code=%dbp)).first()","column":[{"name":"dbp","path":"(value as Quantity).value.toString()"}]}]`,
			`{"id":"Observation/o","patient_id":"Patient/p","group_id":null,"at":"2026-03-04T10:11:12Z","sbp":120.0,"dbp":"80"}`},
		{"nested nothing", "Patient", `"select":[{"forEachOrNull":"contact","column":[{"name":"rel","path":"relationship.coding.code.first()"}],
"select":[{"forEachOrNull":"telecom","column":[{"name":"tel","path":"value"},{"name":"n","path":"%rowIndex"}]},{"forEachOrNull":"name.given","column":[{"name":"given","path":"$this"}]}]}]`,
			`{"rel":"N","tel":"1","n":0,"given":null}
{"rel":"N","tel":"2","n":1,"given":null}
{"rel":null,"tel":null,"n":0,"given":null}`},
		{"items at any depth", "QuestionnaireResponse", `"select":[{"repeat":["item","answer.item"],"column":[{"name":"id","path":"linkId"},{"name":"answer","path":"answer.value.ofType(string).first()"}]}]`,
			`{"id":"1","answer":null}
{"id":"1.1","answer":"a"}
{"id":"1.1.1","answer":null}
{"id":"2","answer":null}`},
		{"boundaries, extensions, collections, casts", "Patient", `"select":[{"column":[{"name":"lo","path":"birthDate.lowBoundary()"},{"name":"hi","path":"birthDate.highBoundary()"},
{"name":"race","path":"extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-race').extension('ombCategory').value.ofType(Coding).code.first()"},
{"name":"tags","path":"meta.tag.code","collection":true},{"name":"mb","path":"multipleBirth.ofType(integer)","type":"integer"},{"name":"mbb","path":"multipleBirth.ofType(boolean)"},
{"name":"adult","path":"iif(birthDate < @2004-01-01, 'adult', 'minor')"},{"name":"root","path":"%resource.id"}]}]`,
			`{"lo":"1980-02-01","hi":"1980-02-29","race":"2106-3","tags":["t"],"mb":2,"mbb":null,"adult":"adult","root":"p"}`},
	} {
		views, finds := sqlview.Parse("v.json", "v", []byte(`{"resourceType":"ViewDefinition","status":"active","fhirVersion":["4.0.1"],"resource":"`+tt.resource+`",`+tt.rest+`}`))
		if len(views) != 1 || len(finds) > 0 {
			t.Errorf("%s: %v", tt.name, finds)
			continue
		}
		m, lost := fhir.Unmarshal([]byte(resources[tt.resource]))
		if m == nil {
			t.Fatal(lost)
		}
		var rows []string
		err := views[0].NewRunner(fhirpath.NewContext(fhirpath.Env{})).Run(fhirpath.Of(m), func(r sqlview.Row) error {
			rows = append(rows, string(views[0].AppendJSON(nil, r)))
			return nil
		})
		if got := strings.Join(rows, "\n"); err != nil || got != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.name, err, got, tt.want)
		}
	}
}

func TestSQLName(t *testing.T) {
	for in, want := range map[string]string{"patients": "patients", "my view.2": "my_view_2", "2nd": "nd", "": "view", "é": "view", "a-b": "a_b"} {
		if got := sqlview.SQLName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestRun: what goes wrong on data says where, and no value.
func TestRun(t *testing.T) {
	patient, _ := fhir.Unmarshal([]byte(`{"resourceType":"Patient","id":"p","birthDate":"2001-02-03","name":[{"family":"Testfamily"},{"family":"Other"}]}`))
	run := func(column string) (rows []string, err error) {
		views, finds := sqlview.Parse("v.json", "v", []byte(`{"resource":"Patient","select":[{"column":[`+column+`]}]}`))
		if len(views) != 1 {
			t.Fatal(finds)
		}
		err = views[0].NewRunner(fhirpath.NewContext(fhirpath.Env{})).Run(fhirpath.Of(patient), func(r sqlview.Row) error {
			rows = append(rows, string(views[0].AppendJSON(nil, r)))
			return nil
		})
		return rows, err
	}
	rows, err := run(`{"name":"id","path":"id"},{"name":"names","path":"name.family","collection":true},{"name":"n","path":"name.count()"},{"name":"d","path":"birthDate"},
		{"name":"none","path":"gender"},{"name":"no","path":"telecom.value","collection":true},{"name":"half","path":"1 / 4"},{"name":"b","path":"name.exists()"}`)
	want := []string{`{"id":"p","names":["Testfamily","Other"],"n":2,"d":"2001-02-03","none":null,"no":[],"half":0.25,"b":true}`}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("%v %v, want %v", rows, err, want)
	}
	for column, want := range map[string]string{
		`{"name":"n","path":"name.family"}`:                          "Patient.name[1].family: the column n of the view v has 2 values for one row [CP-CSV-112]",
		`{"name":"n","path":"name.family.single()"}`:                 "CP-CSV-113",
		`{"name":"n","path":"iif(name.family, 'a', 'b')"}`:           "CP-CSV-113",
		`{"name":"n","path":"(name.family | birthDate).toString()"}`: "CP-CSV-113",
	} {
		_, err := run(column)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Testfamily") {
			t.Errorf("%s: %v, want %s", column, err, want)
		}
	}
}

// TestMaxItems: lists multiplied by lists come to an end.
func TestMaxItems(t *testing.T) {
	patient, _ := fhir.Unmarshal([]byte(`{"resourceType":"Patient","name":[{"family":"A"},{"family":"B"}]}`))
	selects := ""
	for range 40 {
		selects += `{"forEach":"name"},`
	}
	views, finds := sqlview.Parse("v.json", "v", []byte(`{"resource":"Patient","select":[`+selects+`{"forEach":"telecom","column":[{"name":"v","path":"value"}]}]}`))
	if len(views) != 1 {
		t.Fatal(finds)
	}
	r := views[0].NewRunner(fhirpath.NewContext(fhirpath.Env{}))
	r.MaxItems = 1000
	err := r.Run(fhirpath.Of(patient), func(sqlview.Row) error { return nil })
	if f, ok := err.(*diag.Finding); !ok || f.ID != sqlview.FailedPath {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"resourceType":"ViewDefinition","resource":"Patient","constant":[{"name":"u","valueCode":"official"}],"where":[{"path":"active"}],
"select":[{"column":[{"name":"id","path":"getResourceKey()"}]},{"forEachOrNull":"name.where(use = %u)","column":[{"name":"f","path":"family","type":"string"}],
"select":[{"forEach":"given","column":[{"name":"g","path":"$this"},{"name":"i","path":"%rowIndex"}]}]},
{"unionAll":[{"forEach":"telecom","column":[{"name":"v","path":"value"}]},{"forEach":"contact.telecom","column":[{"name":"v","path":"value"}]}]}]}`))
	f.Add([]byte(`{"resource":"QuestionnaireResponse","select":[{"repeat":["item","answer.item"],"column":[{"name":"l","path":"linkId","collection":true}]}]}`))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resource":"Patient","select":[{"column":[{"name":"a","path":"1/0"}]}]}}]}`))
	patient, _ := fhir.Unmarshal([]byte(`{"resourceType":"Patient","id":"p","active":true,"name":[{"use":"official","family":"F","given":["A","B"]},{"family":"G"}],
"telecom":[{"value":"1"}],"contact":[{"telecom":[{"value":"2"}]}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		views, finds := sqlview.Parse("v.json", "v", src)
		if rejected := slices.ContainsFunc(finds, func(f *diag.Finding) bool { return f.Severity() == diag.Reject }); rejected == (len(views) > 0) {
			t.Fatalf("%d views and findings %v", len(views), finds)
		}
		for _, find := range finds {
			if find.Place.Line < 1 || find.Place.Column < 1 || find.Place.Line > strings.Count(string(src), "\n")+1 {
				t.Errorf("a finding at %s", find.Place)
			}
		}
		for _, v := range views {
			r := v.NewRunner(fhirpath.NewContext(fhirpath.Env{MaxSteps: 10_000}))
			r.MaxItems = 10_000
			n := 0
			_ = r.Run(fhirpath.Of(patient), func(row sqlview.Row) error {
				if len(row) != len(v.Columns) {
					t.Errorf("%d cells, %d columns", len(row), len(v.Columns))
				}
				if b := v.AppendJSON(nil, row); !json.Valid(b) {
					t.Errorf("no JSON: %s", b)
				}
				if n++; n > 1000 {
					return fmt.Errorf("enough")
				}
				return nil
			})
		}
	})
}
