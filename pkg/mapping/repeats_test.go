package mapping_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// TestRepeats has one mapping that is refused for each way in which a scope's rows claim one place again and again, and beside it the ways
// out that are accepted.
func TestRepeats(t *testing.T) {
	const tables = `
system x https://x.example/x

table T -> Observation
1        ST  code.text
'final'  ST  status

table T -> Specimen
1  ST  note.text

table T -> Encounter
1           ST  identifier.value
'finished'  ST  status

table T -> CodeableConcept
1  ST  text

table R -> DiagnosticReport
1        ST  code.text
'final'  ST  status

table P -> Patient
1  ST  name.text
`
	const group = "table M -> Bundle\nP P Patient\nR R DiagnosticReport[subject=Patient]\nG G[] .\n\ntable G -> Bundle\n" // 6 lines
	tests := []struct {
		name, rows string
		fault      string // part of it; empty: accepted
	}{
		{"one extension for all groups", group + "O T DiagnosticReport.extension(x).valueReference -> Observation",
			"case.map:7:1: G is read again and again (line 4 of case.map), and DiagnosticReport.extension(x).valueReference leads to one Observation: only the first is kept " +
				"(make an element for each: DiagnosticReport.extension(x)[].valueReference -> Observation)"},
		{"an extension for each group", group + "O T DiagnosticReport.extension(x)[].valueReference -> Observation", ""},
		{"one with a link", group + "O T DiagnosticReport.extension(x).valueReference -> Observation[subject=Patient]", "DiagnosticReport.extension(x)[].valueReference -> Observation[subject=Patient])"},
		{"an element found by its tag", group + "O T DiagnosticReport.performer[type=Organization] -> PractitionerRole\n\ntable T -> PractitionerRole\n1 ST code.text",
			"DiagnosticReport.performer[][type=Organization] -> PractitionerRole"},
		{"a list", group + "O T DiagnosticReport.result -> Observation", ""},
		{"one encounter for all groups", group + "O T DiagnosticReport.encounter -> Encounter", "case.map:7:1: G is read again and again"},
		{"one way", group + "> O T DiagnosticReport.encounter -> Encounter # written back elsewhere", ""},
		{"a resource of the group itself", group + "O T Observation[subject=Patient]\nV T Observation.encounter -> Encounter", ""},
		{"a resource that the group's arrow leads to", group + "O T DiagnosticReport.result -> Observation\nV T Observation.encounter -> Encounter", ""},
		{"what is no reference may be said again", group + "O T DiagnosticReport.code", ""},
		{"a group within the group", group + "H H .\n\ntable H -> Bundle\nV T DiagnosticReport.encounter -> Encounter", "case.map:10:1: H is read again and again (line 4 of case.map)"},
		{"a group that does not repeat", "table M -> Bundle\nR R DiagnosticReport\nG G .\n\ntable G -> Bundle\nV T DiagnosticReport.encounter -> Encounter", ""},
		{"all of it repeats", "table M -> Bundle\nK K[] .\n\ntable K -> Bundle\nR R DiagnosticReport\nG G .\n\ntable G -> Bundle\nV T DiagnosticReport.encounter -> Encounter", ""},
		{"a scope that contains itself", group + "G G[] .\nV T DiagnosticReport.encounter -> Encounter", "case.map:8:1: G is read again and again"},

		{"a segment that repeats into one place", "table M -> Bundle\nR R DiagnosticReport\nV T[] DiagnosticReport.encounter -> Encounter", "case.map:3:1: the type repeats, but DiagnosticReport.encounter -> Encounter has no list to repeat in"},
		{"a segment that repeats into one code", "table M -> Bundle\nR R DiagnosticReport\nV T[] DiagnosticReport.code", "case.map:3:1: the type repeats, but DiagnosticReport.code has no list to repeat in"},
		{"a resource for each repetition", "table M -> Bundle\nO T[] Observation", ""},

		{"one and many of a kind", "table M -> Bundle\nA T Specimen\nB T[] Specimen", "case.map:2:1: this row and that of line 3 both make a Specimen, and nothing tells on the way back which made it (give them tags, or mark one >)"},
		{"many and many of a kind", "table M -> Bundle\nA T[] Specimen\nB T[] Specimen", "case.map:3:1: this row and that of line 2 both make a Specimen"},
		{"many of two kinds", "table M -> Bundle\nA T[] Specimen[status=available]\nB T[] Specimen[status=unavailable]", ""},
		{"one and one of a kind are one", "table M -> Bundle\nA T Specimen\nB U Specimen\n\ntable U -> Specimen\n1 ST accessionIdentifier.value", ""},
		{"a row that adds to the last of many", "table M -> Bundle\nA T[] Specimen\nB T Specimen.type", "case.map:3:1: this row adds to the last Specimen alone of those that line 2 makes, one for each A (read both in a scope of their own: A  NAME[]  .)"},
		{"a row that makes what an arrow makes many of", group + "O T[] DiagnosticReport.result -> Observation\nV T Observation",
			"case.map:8:1: this row and that of line 7 both make a Observation"},
		{"a row that adds to the last of many that an arrow makes", group + "O T[] DiagnosticReport.result -> Observation\nV T Observation.code",
			"case.map:8:1: this row adds to the last Observation alone of those that line 7 makes, one for each O"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			faults := check(t, tc.rows+"\n"+tables)
			judge(t, faults, tc.fault)
		})
	}
}

// TestAstray: a value that something wrote over, or that stands nowhere in the record, is found although its leaf is called carried.
func TestAstray(t *testing.T) {
	const text = "table P -> Patient\n1 ST language\n2 ST maritalStatus.text\n. Over maritalStatus\n4 ST name.text\n. Gone .\n"
	over, gone := false, false
	types := maps.Clone(testTypes)
	types["Over"] = mapping.Pair{Read: func(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
		if over {
			dst.(*dpb.CodeableConcept).Text = &dpb.String{Value: "something else"}
		}
		return over
	}, Write: func(*mapping.Context, proto.Message, tree.Node) bool { return false }}
	types["Gone"] = mapping.Pair{Read: func(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
		if gone {
			dst.(*rpb.Patient).Name = nil
		}
		return false
	}, Write: func(*mapping.Context, proto.Message, tree.Node) bool { return false }}
	m := mapWith(t, er7Tree, types, text)
	for _, c := range []struct {
		over, gone bool
		want       string
	}{{false, false, ""}, {true, false, "2 "}, {false, true, "4 "}, {true, true, "2 4 "}} {
		over, gone = c.over, c.gone
		d := parseSegment("P|en|M||Ann Example\n")
		rec, err := m.ToFHIR("P", "Patient", d, mapping.ReadOptions{Key: "case", Origins: true})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, n := range rec.Astray() {
			got += d.Name(n) + " "
		}
		if got != c.want || d.Tally().Carried != 3 {
			t.Errorf("over %v, gone %v: astray are %q, want %q (%+v)", c.over, c.gone, got, c.want, d.Tally())
		}
	}
}

// TestAstrayTests: what a row's test was matched on stands for what the row made, also where a pair fills it.
func TestAstrayTests(t *testing.T) {
	types := maps.Clone(testTypes)
	types["Filled"] = mapping.Pair{Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		dst.(*dpb.String).Value = c.Doc.Text(n)
		c.Carry(n)
		return true
	}, Write: func(*mapping.Context, proto.Message, tree.Node) bool { return false }}
	m := mapWith(t, er7Tree, types, "table P -> Patient\n4 Filled maritalStatus.text with 1=en\n")
	d := parseSegment("P|en|||Ann Example\n")
	rec, err := m.ToFHIR("P", "Patient", d, mapping.ReadOptions{Key: "case", Origins: true})
	if err != nil {
		t.Fatal(err)
	}
	if list := rec.Astray(); len(list) > 0 || d.Tally().Carried != 2 {
		t.Errorf("%d leaves are astray (%+v)", len(list), d.Tally())
	}
}

// parseSegment reads a segment that is the whole document.
func parseSegment(text string) *tree.Doc {
	d := parseER7(text)
	segment := d.First(tree.Root)
	for k := d.First(segment); k != 0; k = d.First(segment) {
		d.Move(k, tree.Root)
	}
	return d
}

// TestTwoCodesOfOne: two mentions of a thing by codes of which FHIR has one are not one thing, for one of the codes would not come back.
func TestTwoCodesOfOne(t *testing.T) {
	m := mapOf(t, er7Tree, `table P -> Patient
2    DOC  generalPractitioner -> Practitioner
3    DOC  generalPractitioner[] -> Practitioner

table DOC -> Practitioner
1    ST   identifier[system=http://maple.example/].value
2    G    gender

codes G
  O  other
> A  other  # written back as O
`)
	for source, want := range map[string]int{"P||7^O|7^A\n": 2, "P||7^A|7^O\n": 2, "P||7^A|7^A\n": 1, "P||7^O|7^O\n": 1} {
		rec, err := m.ToFHIR("P", "Patient", parseSegment(source), mapping.ReadOptions{Key: "case"})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(rec.Resources) - 1; got != want {
			t.Errorf("%q is of %d practitioners, not %d", source, got, want)
		}
	}
}

// TestExcerptStaysPlaced: what has a place in the document of an excerpt has it still when the record says of another resource that it has none.
func TestExcerptStaysPlaced(t *testing.T) {
	m := mapOf(t, er7Tree, "table M -> Bundle\nP  P  Patient\n\ntable P -> Patient\n5  ST  name.text\n")
	named := func(s string) *mapping.Resource {
		return mapping.NewResource(&rpb.Patient{Name: []*dpb.HumanName{{Text: &dpb.String{Value: s}}}}, "")
	}
	rec := mapping.NewRecord(nil, named("Ann"), named("Bob"))
	part := rec.Excerpt([]int{0})
	if _, err := m.FromFHIR("M", "Bundle", part); err != nil {
		t.Fatal(err)
	}
	rec.Decline(1, "there is one place")
	rec.Absorb(part)
	var got []string
	rec.Leaves(func(place func() string, s tree.State, why string) {
		got = append(got, fmt.Sprintf("%s %s %s", place(), s, why))
	})
	want := []string{"Patient.name[0].text carried ", "Bundle.entry.resource.ofType(Patient)[1].name[0].text declined there is one place"}
	if !slices.Equal(got, want) || !rec.Resources[0].Placed() || rec.Resources[1].Placed() {
		t.Errorf("%q, placed %v and %v", got, rec.Resources[0].Placed(), rec.Resources[1].Placed())
	}
}

// TestWithheld: what is withheld of a record is in none of its excerpts, for the reason that was given, and stays in the record; what stands beside
// it is written.
func TestWithheld(t *testing.T) {
	m := mapOf(t, er7Tree, "table M -> Bundle\nP  P  Patient\n\ntable P -> Patient\n3  CX  identifier\n5  ST  name.text\n\ntable CX -> Identifier\n1  ST  value\n2  ST  system\n")
	number := &dpb.Identifier{Value: &dpb.String{Value: "7"}}
	ann := &rpb.Patient{Identifier: []*dpb.Identifier{number}, Name: []*dpb.HumanName{{Text: &dpb.String{Value: "Ann"}}}}
	rec := mapping.NewRecord(nil, mapping.NewResource(ann, ""))
	rec.Withhold((*dpb.Identifier)(nil), "there is none")
	rec.Withhold(number, "two have it")
	part := rec.Excerpt([]int{0})
	d, err := m.FromFHIR("M", "Bundle", part)
	if err != nil {
		t.Fatal(err)
	}
	rec.Absorb(part)
	written := ""
	d.Leaves(func(n tree.Node, _ tree.State, _ string) { written += d.Text(n) })
	var got []string
	rec.Leaves(func(place func() string, s tree.State, why string) {
		got = append(got, fmt.Sprintf("%s %s %s", place(), s, why))
	})
	want := []string{"Patient.identifier[0].value declined two have it", "Patient.name[0].text carried "}
	if !slices.Equal(got, want) || written != "Ann" || len(ann.Identifier) != 1 {
		t.Errorf("%q is written; %q", written, got)
	}
}
