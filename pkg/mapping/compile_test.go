package mapping_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// check compiles a mapping against the tree of ER7 and gives its faults, a line each.
func check(t *testing.T, text string) []string {
	t.Helper()
	f, err := mapping.ParseFile("case.map", []byte(text))
	if err != nil {
		return lines(err)
	}
	set, err := mapping.Merge([]*mapping.File{f}, nil)
	if err != nil {
		return lines(err)
	}
	types := maps.Clone(testTypes)
	types["PAIR"] = mapping.Pair{}
	return lines(mapping.New(er7Tree, types, set).Check())
}

// judge wants one fault, a part of which is given, or none.
func judge(t *testing.T, faults []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(faults) > 0:
		t.Errorf("refused: %s", strings.Join(faults, "\n"))
	case want != "" && (len(faults) != 1 || !strings.Contains(faults[0], want)):
		t.Errorf("got:\n%s\nwant: %s", strings.Join(faults, "\n"), want)
	}
}

func lines(err error) (list []string) {
	for _, f := range mapping.FaultsOf(err) {
		list = append(list, f.Error())
	}
	return list
}

const names = `
table XPN -> HumanName
1  ST  family
2  ST  given

table XTN -> ContactPoint
1  ST  value
`

// TestRivals has one mapping that is refused for each rule that makes two rows rivals, and beside it the ways out that are
// accepted: an else chain, tests that exclude one another, tags, one way.
func TestRivals(t *testing.T) {
	const head = "table PID -> Patient\n"
	tests := []struct {
		name, rows string
		fault      string // part of it; empty: accepted
	}{
		{"two rows, one place", "7 DT birthDate\n8 DT birthDate", "case.map:3:1: rival rows: this one and that of line 2 (case.map) can both claim birthDate"},
		{"an else chain", "7 DT birthDate\nelse 8 DT birthDate", ""},
		{"disjoint literals", "7 DT birthDate with 1=a\n8 DT birthDate with 1=b", ""},
		{"disjoint lists of literals", "7 DT birthDate with 1=a|b\n8 DT birthDate with 1=c|d", ""},
		{"literals that meet", "7 DT birthDate with 1=a|b\n8 DT birthDate with 1=b|c", "case.map:3:1: rival rows"},
		{"literals of other places", "7 DT birthDate with 1=a\n8 DT birthDate with 2=b", "case.map:3:1: rival rows"},
		{"there and not there", "7 DT birthDate if 1\n8 DT birthDate with no 1", ""},
		{"a value and not there", "7 DT birthDate with 1=a\n8 DT birthDate with no 1", ""},
		{"there, twice", "7 DT birthDate if 1\n8 DT birthDate if 1", "case.map:3:1: rival rows"},
		{"a value and not that", "7 DT birthDate if 1=a\n> 8 DT birthDate if 1!=a # one way", ""},
		{"a value and another one's not", "7 DT birthDate with 1=a\n8 DT birthDate with no 2 if 1!=b", "case.map:3:1: rival rows"},
		{"capitals alike", "7 DT birthDate if 1~=a|b\n8 DT birthDate if 1!~=A|B", ""},
		{"capitals alike, and a form of one", "7 DT birthDate if 1~=a\n8 DT birthDate if 1=A", "case.map:3:1: rival rows"},
		{"capitals alike, and not one form", "7 DT birthDate if 1~=a\n8 DT birthDate if 1!=a", "case.map:3:1: rival rows"},
		{"capitals alike are not written", "7 DT birthDate with 1~=a", "case.map:2:1: with 1~=a: only = and no can be written"},
		{"one of them one way", "7 DT birthDate\n> 8 DT birthDate # written back as PID-7", ""},
		{"tags that differ", "13 ST telecom[use=home].value\n14 ST telecom[use=work].value", ""},
		{"the same tag", "13 ST telecom[use=home].value\n14 ST telecom[use=home].value", "case.map:3:1: rival rows"},
		{"tests on the step", "13[1=a].2 ST telecom[use=home].value\n13[1=b].2 ST telecom[use=home].value", ""},
		{"two ordinals of one place", "13[1] ST telecom[use=home].value\n13[2] ST telecom[use=home].value", ""},
		{"an ordinal and all behind it", "13[1] ST telecom[use=home].value\n13[2-] ST telecom[use=home].value", ""},
		{"an ordinal among others", "13[2] ST gender.extension(x).valueString\n13[2-] ST gender.extension(x).valueString", "case.map:3:1: rival rows"},
		{"parts of one thing", "5.1 ST name.family\n5.2 ST name.given", ""},
		{"two tables, one leaf", "5 XPN name\n6.1 ST name.family", "case.map:3:1: rival rows: this one and that of line 2 (case.map) can both claim name.family"},
		{"two that each make new ones", "5 XPN[] name[use=usual]\n6 XPN[] name[use=old]", ""},
		{"one choice, two types", "29 DT deceasedDateTime\n30 ST deceasedBoolean", "case.map:3:1: rival rows: this one and that of line 2 (case.map) can both claim the choice deceased"},
		{"one choice in an else chain", "29 DT deceasedDateTime\nelse 30 ST deceasedBoolean", ""},
		{"a list of primitives", "5.2 ST name.given\n5.3 ST name.given", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			faults := check(t, head+test.rows+"\n"+names)
			judge(t, faults, test.fault)
		})
	}
	t.Run("two tables that a scope brings to one resource", func(t *testing.T) {
		faults := check(t, "table M -> Bundle\nPID PID Patient\nPD1 PD1 Patient\n\ntable PID -> Patient\n7 DT birthDate\n\ntable PD1 -> Patient\n3 DT birthDate\n")
		if len(faults) != 1 || !strings.Contains(faults[0], "case.map:3:1: rival rows: this one and that of line 2 (case.map) can both claim Patient.birthDate") {
			t.Error(faults)
		}
	})
	t.Run("a hint says the ways out", func(t *testing.T) {
		f, err := mapping.ParseFile("case.map", []byte(head+"7 DT birthDate\n8 DT birthDate\n"))
		if err != nil {
			t.Fatal(err)
		}
		set, err := mapping.Merge([]*mapping.File{f}, nil)
		if err != nil {
			t.Fatal(err)
		}
		faults := mapping.FaultsOf(mapping.New(er7Tree, testTypes, set).Check())
		if len(faults) != 1 || !strings.Contains(faults[0].Hint, "else") {
			t.Error(faults)
		}
	})
}

// TestRefusals has a mapping for each other fault that the compiler finds.
func TestRefusals(t *testing.T) {
	tests := []struct{ name, text, fault string }{
		{"an element that does not exist", "table P -> Patient\n8 ST gendr", `case.map:2:1: Patient has no element gendr`},
		{"and what it may have meant", "table P -> Patient\n8 ST gendr", "gender"},
		{"a choice without its type", "table P -> Patient\n8 ST deceased", "case.map:2:1: Patient.deceased is a choice"},
		{"a type of resource", "table P -> Pateint\n8 ST gender", "case.map:1:1: table P: FHIR has no type Pateint"},
		{"a table, codes or type", "table P -> Patient\n5 XNP name", "case.map:2:1: there is no table, code list or type XNP"},
		{"a table for another type", "table P -> Patient\n5 XPN birthDate\n" + names, "case.map:2:1: table XPN makes HumanName, and birthDate is a date"},
		{"a code of a tag", "table P -> Patient\n13 ST telecom[use=hom].value", "home"},
		{"a constant that is no code", "table P -> Patient\n'femal' ST gender", "female"},
		{"a constant on what is no primitive", "table P -> Patient\n'x' ST name", "case.map:2:1: name is no primitive"},
		{"a pair for a group", "table M -> Bundle\nPID PAIR .", "case.map:2:1: PAIR fills an element"},
		{"a test that cannot be written", "table P -> Patient\n7 DT birthDate with 1!=a", "case.map:2:1: with 1!=a: only = and no can be written"},
		{"a place that is none", "table P -> Patient\n7..1 DT birthDate", "case.map:2:1: "},
		{"one way without a note", "table P -> Patient\n> 7 DT birthDate", "case.map:2:1: "},
		{"a code one way without a note", "table P -> Patient\n8 S gender\n\ncodes S\n  F female\n> W female", "case.map:6:1: "},
		{"declined without a reason", "table P -> Patient\n7 -", "case.map:2:1: "},
		{"a row that can never write", "table P -> Patient\n8 S gender\n\ncodes S\n> F female # so\n> W female # so", "case.map:2:1: the row can never write: no line of codes S goes back"},
		{"else without a row above", "table P -> Patient\nelse 7 DT birthDate", "case.map:2:1: "},
		{"a list mark where no list is", "table P -> Patient\n7 DT birthDate[]", "case.map:2:1: Patient.birthDate is no list"},
		{"a constant that must be a tag", "table P -> Patient\n5 ST telecom.value\n'phone' ST telecom.system", "case.map:3:1: telecom.system: a constant here is not asked by the rows beside it; say it in their tags: [system=phone]"},
		{"a step that repeats and a type that does not", "table P -> Patient\n5[].1 ST name.family", "case.map:2:1: 5[].1: a step bears [], so the type must too: ST[]"},
		{"a repetition without a list", "table P -> Patient\n7 DT[] birthDate", "case.map:2:1: the type repeats"},
		{"a link that FHIR does not let lead there", "table M -> Bundle\nP P Patient[generalPractitioner=Encounter]\n\ntable P -> Patient\n7 DT birthDate", "case.map:2:1: FHIR does not let generalPractitioner lead to a Encounter"},
		{"an arrow from what is no reference", "table P -> Patient\n7 X name -> Practitioner\n\ntable X -> Practitioner\n1 ST name.family", "case.map:2:1: name is no reference"},
		{"a code without its system", "table P -> Patient\n7 ST identifier[type=MR].value", "case.map:2:1: "},
		{"an extension of no known system", "table P -> Patient\n7 ST extension(foo/PID-7).valueString", "case.map:2:1: extension(foo/PID-7): no system of that name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			faults := check(t, test.text+"\n")
			if all := strings.Join(faults, "\n"); !strings.Contains(all, test.fault) {
				t.Errorf("got %q\nwant %q", all, test.fault)
			}
		})
	}
	t.Run("all faults are reported, not the first alone", func(t *testing.T) {
		if faults := check(t, "table P -> Patient\n8 ST gendr\n7 DT birthDat\n5 XNP name\n"); len(faults) != 3 {
			t.Error(faults)
		}
	})
}

// TestEndlessTables: a table that includes itself without end is an error in either direction, and no panic.
func TestEndlessTables(t *testing.T) {
	m := mapOf(t, er7Tree, "table M -> Bundle\nPID P Patient\n\ntable P -> Patient\n. P .\n7 DT birthDate\n")
	if _, err := m.ToFHIR("M", "Bundle", parseER7("PID|||||||19700102\n"), mapping.ReadOptions{}); err == nil || !strings.Contains(err.Error(), "tables within tables") {
		t.Errorf("reading: %v", err)
	}
	rec := recordOf(t, `{"resourceType":"Patient","id":"p","birthDate":"1970-01-02"}`)
	if _, err := m.FromFHIR("M", "Bundle", rec); err == nil || !strings.Contains(err.Error(), "tables within tables") {
		t.Errorf("writing: %v", err)
	}
	groups := mapOf(t, er7Tree, "table M -> Bundle\n. M .\nPID P Patient\n\ntable P -> Patient\n7 DT birthDate\n")
	if _, err := groups.ToFHIR("M", "Bundle", parseER7("PID|||||||19700102\n"), mapping.ReadOptions{}); err == nil {
		t.Error("reading groups: no error")
	}
	if _, err := groups.FromFHIR("M", "Bundle", rec); err == nil {
		t.Error("writing groups: no error")
	}
}

// TestPartOfItself: organizations that are parts of one another are written, each once within the other; a document that is nested without end
// is rejected as one record, and does not end the run.
func TestPartOfItself(t *testing.T) {
	m := mapOf(t, xmlTree, "table O -> Bundle\norg Org[] Organization\n\ntable Org -> Organization\nname/@v ST name\nwhole Org partOf -> Organization\n")
	rec := recordOf(t, `{"resourceType":"Organization","id":"a","name":"A","partOf":{"reference":"Organization/b"}}
{"resourceType":"Organization","id":"b","name":"B","partOf":{"reference":"Organization/a"}}`)
	doc, err := m.FromFHIR("O", "Bundle", rec)
	if err != nil {
		t.Fatal(err)
	}
	want := `<org><name v="A"/><whole><name v="B"/><whole><name v="A"/></whole></whole></org>`
	if got := strings.NewReplacer("\n", "", "  ", "").Replace(printXML(doc)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	deep := strings.Repeat("<whole>", 100) + `<name v="C"/>` + strings.Repeat("</whole>", 100)
	_, err = m.ToFHIR("O", "Bundle", parseXML("<org>"+deep+"</org>"), mapping.ReadOptions{})
	var f *diag.Finding
	if !errors.As(err, &f) || f.ID != mapping.TooDeep {
		t.Errorf("nested without end: %v", err)
	}
}

// TestMapIsShared: one map serves many goroutines from its first use on, when its tables are compiled.
func TestMapIsShared(t *testing.T) {
	const text = "table M -> Bundle\nPID P Patient\n\ntable P -> Patient\n5 XPN[] name\n8 S gender\n13 XTN telecom[use=home]\n14 XTN telecom[use=work]\n\ncodes S\n  F female\n" + names
	m := mapOf(t, er7Tree, text)
	done := make(chan string)
	const workers = 8
	for range workers {
		go func() {
			out := ""
			for range 20 {
				rec, err := m.ToFHIR("M", "Bundle", parseER7("PID|||||A^B~C^D|||F|||||1|2\n"), mapping.ReadOptions{Key: "k"})
				if err != nil {
					out = err.Error()
					break
				}
				doc, err := m.FromFHIR("M", "Bundle", rec)
				if err != nil {
					out = err.Error()
					break
				}
				if out = printER7(doc); out != "PID|||||A^B~C^D|||F|||||1|2\n" {
					break
				}
			}
			done <- out
		}()
	}
	for range workers {
		if out := <-done; out != "PID|||||A^B~C^D|||F|||||1|2\n" {
			t.Error(out)
		}
	}
}

// TestManyResults: what a group has thousands of goes there and back whole, each in its place.
func TestManyResults(t *testing.T) {
	m := mapOf(t, er7Tree, `table M -> Bundle
ORDER  ORDER[]  .

table ORDER -> Bundle
OBR   OBR      DiagnosticReport
G     RESULT[]  .

table RESULT -> Bundle
OBX   OBX      DiagnosticReport.result -> Observation

table OBR -> DiagnosticReport
4     ST       code.text
'final'  ST  status

table OBX -> Observation
3     ST       code.text
'final'  ST  status
`)
	var b strings.Builder
	for i := range 3 {
		fmt.Fprintf(&b, "ORDER\n  OBR||||report %d\n", i)
		for j := range 700 {
			fmt.Fprintf(&b, "  G\n    OBX|||result %d of %d\n", j, i)
		}
	}
	rec, err := m.ToFHIR("M", "Bundle", parseER7(b.String()), mapping.ReadOptions{Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := m.FromFHIR("M", "Bundle", rebuild(t, rec))
	if err != nil {
		t.Fatal(err)
	}
	if got := printER7(doc); got != b.String() {
		t.Errorf("%d bytes come back of %d", len(got), b.Len())
	}
}

// TestUnfilled: a code that FHIR wants and binds must have a value whatever the source says.
func TestUnfilled(t *testing.T) {
	tests := []struct {
		name, scope, rows string
		fault             string
	}{
		{"nothing", "OBX OBX Observation", "3 ST code.text", "case.map:2:1: Observation.status can stay empty"},
		{"a place that may be empty", "OBX OBX Observation", "3 ST code.text\n11 ST status", "case.map:2:1: Observation.status can stay empty"},
		{"a constant with a test", "OBX OBX Observation", "3 ST code.text\n'final' ST status if 5", "case.map:2:1: Observation.status can stay empty"},
		{"a constant behind the place", "OBX OBX Observation", "3 ST code.text\n11 ST status\n'unknown' ST status", ""},
		{"the end of a chain", "OBX OBX Observation", "3 ST code.text\n11 ST status\nelse 'unknown' ST status", ""},
		{"a constant on the way back", "OBX OBX Observation", "3 ST code.text\n< 'final' ST status # is meant", "case.map:2:1: Observation.status can stay empty"},
		{"a constant in the scope", "OBX OBX Observation\n'unknown' ST Observation.status", "3 ST code.text", ""},
		{"a tag of the scope", "OBX OBX Observation[status=final]", "3 ST code.text", ""},
		{"what an arrow leads to, and a constant in the scope", "OBR OBR DiagnosticReport\nOBX OBX DiagnosticReport.result -> Observation\n'unknown' ST Observation.status", "3 ST code.text", ""},
		{"what an arrow leads to again and again, and a constant in the scope", "OBR OBR DiagnosticReport\nOBX OBX[] DiagnosticReport.result -> Observation\n'unknown' ST Observation.status", "3 ST code.text",
			"case.map:3:1: Observation.status can stay empty"},
		{"what an arrow leads to", "OBR OBR DiagnosticReport\nOBX OBX DiagnosticReport.result -> Observation", "3 ST code.text", "case.map:3:1: Observation.status can stay empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(check(t, "table M -> Bundle\n"+tt.scope+"\n\ntable OBX -> Observation\n"+tt.rows+"\n\ntable OBR -> DiagnosticReport\n4 ST code.text\n'final' ST status\n"), "\n")
			if tt.fault == "" && got != "" || !strings.Contains(got, tt.fault) {
				t.Errorf("faults: %q, want %q", got, tt.fault)
			}
		})
	}
}

// TestLeftOut: what may say why something is left out, and where.
func TestLeftOut(t *testing.T) {
	tests := []struct{ name, text, fault string }{
		{"a resource in a scope", "table M -> Bundle\nPID PID Patient\n- Claim no place for claims\n- Resource no place\n\ntable PID -> Patient\n3 ST identifier.value\n", ""},
		{"an element in a scope", "table M -> Bundle\nPID PID Patient\n- Patient.name why not\n\ntable PID -> Patient\n3 ST identifier.value\n", "a scope declines whole resources"},
		{"an element of a type", "table REST -> Reference\n- display it says nothing more\n", ""},
		{"a value in REST", "table REST -> Reference\n1 ST display\n", "says why elements are left out, and nothing else"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(check(t, tt.text), "\n"); tt.fault == "" && got != "" || !strings.Contains(got, tt.fault) {
				t.Errorf("faults: %q, want %q", got, tt.fault)
			}
		})
	}
}

// TestTargetParts: a target is cut at the dots that are not within brackets, parentheses or quotes.
func TestTargetParts(t *testing.T) {
	for target, want := range map[string][]string{
		"name.family":                           {"name", "family"},
		"identifier[][no type,no system].value": {"identifier", "value"},
		"performer[extension(a.b).valueCode=X.Y] -> Organization[type=s#c]": {"performer", "Organization"},
		"extension(https://a.example/b.c/d).valueString":                    {"extension(https://a.example/b.c/d)", "valueString"},
		".[physicalType.text='point of care']":                              {"."},
		".":                                                                 {"."},
	} {
		var got []string
		for _, p := range mapping.TargetParts(target) {
			got = append(got, p.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", target, got)
		}
	}
}
