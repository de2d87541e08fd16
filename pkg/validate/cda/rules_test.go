package cda

import (
	"os"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/squeezed"
	"github.com/chartpost/chartpost/pkg/ccda"
)

// Every statement of the table compiles, and its words can be made.
func TestTable(t *testing.T) {
	tab := loadTable()
	n := 0
	w := wording{t: tab}
	for _, r := range tab.rules {
		for _, s := range tab.statements(r) {
			n++
			if words := w.must(s.test); words == "" || strings.Contains(words, "the condition holds") && s.words == "" {
				t.Errorf("%s: %q says nothing", s.id, words)
			}
		}
	}
	t.Logf("%d rules, %d statements, %d template ids, %d names, %d value sets", len(tab.rules), n, len(tab.known), len(tab.names), len(tab.sets))
	if n < 4000 || len(tab.known) < 200 {
		t.Error("the table has shrunk")
	}
}

func TestTableIsCurrent(t *testing.T) {
	b, err := os.ReadFile("rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	if squeezed.Text(rulesText) != string(b) {
		t.Error("rules.txt.gz is not rules.txt: make lists")
	}
}

func TestConf(t *testing.T) {
	for id, want := range map[string]string{
		"1198-7504": "1198-7504", "1198-7504-c": "1198-7504", "4515-133-branch-128-c": "4515-133", "81-180-CL": "81-180", twin: twin,
	} {
		if got := conf(id); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
	for s, want := range map[string]bool{"CONF:1198-7504": true, "conf:81-1": true, "1198-7504": true, "PID-8": false, "1198": false, "1198-": false, "CP-CDA-001": false} {
		if _, ok := ConfNumber(s); ok != want {
			t.Errorf("%s: %v", s, ok)
		}
	}
	if list := Explain("CONF:1198-7485"); len(list) != 1 || list[0].Level != "SHALL" || list[0].About != "Allergy Concern Act" || !strings.Contains(list[0].Demands, "statusCode") {
		t.Errorf("%+v", list)
	}
}

const small = `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc">
<id root="1.2" extension="7"/><code code="A" codeSystem="9"/><title>T x</title>
<author><assignedAuthor><id root="5"/><id root="6" extension="e"/><name>plain</name></assignedAuthor></author>
<author><assignedAuthor><id root="6" extension="e"/><representedOrganization/></assignedAuthor></author>
<component><structuredBody><component><section><templateId root="2.16.840.1.113883.10.20.22.2.8"/><templateId root="1.1" extension="E"/><text>n</text>
<entry><observation classCode="OBS"><templateId root="1.1" extension="E"/><value xsi:type="PQ" value="1"/></observation></entry>
<entry><observation classCode="OBS"><value xsi:type="CD" code=""/></observation></entry></section></component></structuredBody></component></ClinicalDocument>`

func TestExpressions(t *testing.T) {
	doc, err := new(ccda.Parser).Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]*valueSet{"9.9": {"9.9", "Letters", []string{"A", "B"}}}
	m := newMachine(doc.Doc, 1<<20)
	m.current = doc.Root
	for _, c := range []struct {
		test string
		want bool
	}{
		{"count(id)=1", true}, {"count(id) > 0", true}, {"count(id)=0", false}, {"count(id) < 2", true}, {"count(id)>=1", true}, {"count(id)!=1", false},
		{"count(author)=2", true}, {"count(author)=1", false}, {"count(author) < 2", false},
		{"id", true}, {"nothing", false}, {"not(nothing)", true}, {"id and code", true}, {"id and nothing", false}, {"nothing or code", true},
		{"@classCode", false}, {"id[@root]", true}, {"id[@root='1.2']", true}, {"id[@root='1.3']", false}, {"id[@root!='1.3']", true},
		{"id[@root='1.2'][@extension='7']", true}, {"id[@root='1.2' and @extension='8']", false}, {"id/@root='1.2'", true},
		{"code[@code in 9.9]", true}, {"code[@codeSystem in 9.9]", false}, {"code[@code and @code in 9.9]", true},
		{"author/assignedAuthor[count(id)=2]", true}, {"author/assignedAuthor[count(id)=3]", false},
		{"count(author/assignedAuthor)=count(author/assignedAuthor/id)", false}, {"count(author/assignedAuthor)<=count(author/assignedAuthor/id)", true},
		{"count(author/assignedAuthor/name | author/assignedAuthor/representedOrganization)=2", true},
		{"component/structuredBody[count(component[count(section{.22.2.8})=1])=1]", true},
		{"component/structuredBody[count(component[count(section{1.1:E})=1])=1]", true},
		{"component/structuredBody[count(component[count(section{1.1:F})=1])=1]", false},
		{"component/structuredBody/component/section{1.1}", true},
		{"//templateId[@root='1.1']", true}, {"count(//templateId[@root='1.1'][@extension='E'])=2", true}, {"//templateId[@root='1.9']", false},
		{"//none:ClinicalDocument/id", false}, {"/ClinicalDocument/id", true}, {"count(.//observation)=2", true},
		{"component/structuredBody/component[1]/section", true}, {"author[2]/assignedAuthor/representedOrganization", true}, {"author[3]", false},
		{"string-length(id/@root)=3", true}, {"string-length(id/@root) >= 4", false}, {"string-length(nothing/@root)=0", true},
		{"starts-with(id/@root, '1.')", true}, {"starts-with(id/@root, '2')", false}, {"contains(id/@root,'.')", true},
		{"id[contains(' 1.2:7 ', concat(' ', @root, ':', @extension, ' '))]", true},
		{"title='T x'", true}, {"title[text()[normalize-space()]]", true}, {"id[not(text()[normalize-space()])]", true}, {"count(*)=7", false}, {"count(*)=6", true},
		{"component/structuredBody/component/section/entry/observation/value[@xsi:type='PQ'][@value]", true},
		{"component/structuredBody/component/section/entry/observation/value[../@classCode='OBS']", true},
		{"component/structuredBody/component/section/entry/observation/value/@xsi:type='CD'", true},
		{"component/structuredBody/component/section/entry/observation/value[@code]", true}, // empty, and there
		{"//assignedAuthor[id[@root = current()/author/assignedAuthor/id/@root and @extension = current()/author/assignedAuthor/id/@extension]]/representedOrganization", true},
		{"(id and not(nothing)) or not(id)", true}, {"not (nothing/id) or nothing", true},
	} {
		e, err := parseExpr(c.test, sets)
		if err != nil {
			t.Errorf("%s: %v", c.test, err)
			continue
		}
		if got := e.truth(m, doc.Root); got != c.want {
			t.Errorf("%s: %v", c.test, got)
		}
	}
	for _, bad := range []string{"", "count(", "id[", "id]", "id = 5", "@code in 1.1", "id and", "foo()", "'x", "id{1", "count(id)='x'", "5"} {
		if _, err := parseExpr(bad, sets); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// Of a pattern the first rule that fits an element is the one that holds, whatever names it.
func TestFirstRule(t *testing.T) {
	tab := &table{names: map[string]string{}, sets: map[string]*valueSet{}, byName: map[string]*candidates{}, known: map[templateID]bool{}}
	if err := tab.read(`source test
pattern shall
rule observation{1.1:E}
1-1 nothing
rule observation
1-2 nothing
pattern should
rule entry/observation | observation[value]
2-1 nothing
`); err != nil {
		t.Fatal(err)
	}
	doc, err := new(ccda.Parser).Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	m := newMachine(doc.Doc, 1<<20)
	tab.run(m, func(b broken) { got = append(got, b.s.id) })
	if s := strings.Join(got, " "); s != "1-1 2-1 1-2 2-1" {
		t.Error(s)
	}
}

// A rule that would look through the document too often is given up, and does not report what it has not seen.
func TestBudget(t *testing.T) {
	tab := &table{names: map[string]string{}, sets: map[string]*valueSet{}, byName: map[string]*candidates{}, known: map[templateID]bool{}}
	if err := tab.read("source test\npattern shall\nrule observation\n1-1 //observation[nothing]\n1-2 nothing\n"); err != nil {
		t.Fatal(err)
	}
	doc, err := new(ccda.Parser).Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	m := newMachine(doc.Doc, 3)
	whole := tab.run(m, func(b broken) { got = append(got, b.s.id) })
	if s := strings.Join(got, " "); whole || s != "1-1 1-2 1-2" {
		t.Errorf("%v %s", whole, s)
	}
}
