package mapping_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// chooser turns bytes into choices; when there are no more it chooses the first.
type chooser []byte

func (c *chooser) n(n int) int {
	if len(*c) == 0 || n < 2 {
		return 0
	}
	b := int((*c)[0])
	*c = (*c)[1:]
	return b % n
}

func (c *chooser) of(list []string) string { return list[c.n(len(list))] }

// fuzzTables are the tables that chosen rows name: datatypes of two parts, and persons and organizations behind arrows.
const fuzzTables = `
system x   https://x.example/x
system y   https://x.example/y
system s1  https://s.example/1

table C -> CodeableConcept
1 ST text
2 ST coding[system=s1].code

table K -> CodeableConcept
. K1 coding[]
. K2 coding[]

table K1 -> Coding
1 ST code

table K2 -> Coding
2 ST code
'false' ST userSelected

table I -> Identifier
1 ST value
2 ST type.text

table N -> HumanName
1 ST family
2 ST given

table U -> HumanName
1 ST family
2 use use

table X -> ContactPoint
1 ST value

table A -> Organization
1 ST name
2 ST alias

table A -> Practitioner
1 ST name.family
2 ST identifier[use=usual].value

table B -> Organization
1 ST name
2 ST type.text

codes use
en  official
fr  usual
`

// fuzzLeaves are targets that take a text, fuzzWholes those that take something of two parts, with their types.
var (
	fuzzLeaves = []string{"identifier.value", "identifier[use=usual].value", "identifier[][no type].value", "name.family", "name[use=official].family", "name[].given", "name.given", "name.text", "maritalStatus.text",
		"language", "telecom.value", "telecom[system=phone].value", "telecom[system=email,use=work].value", "extension(x).valueString", "extension(x)[].valueString",
		"extension(y).extension(a).valueString", "managingOrganization.display", "contact.name.text", "contact.name.family", "communication.language.text", "address.line", "address[use=home].city", "name.prefix"}
	fuzzWholes = []string{"N name", "N name[]", "N name[use=official]", "U name", "I identifier", "I identifier[]", "I identifier[use=usual]", "C maritalStatus", "K maritalStatus", "C communication.language",
		"K communication.language", "C communication[].language", "X telecom", "X telecom[system=phone]", "A managingOrganization -> Organization", "A generalPractitioner -> Organization", "B generalPractitioner -> Organization",
		"A generalPractitioner -> Practitioner", "A generalPractitioner[] -> Practitioner", "C extension(x).valueCodeableConcept", "A extension(x).valueReference -> Organization",
		"A contact.organization -> Organization", "N contact.name", "C contact.relationship", "N contact[].name", "A generalPractitioner -> Organization[active=true]"}
	fuzzConsts = []string{"'phone' ST telecom.system", "'en' ST language", "'true' ST active", "'home' ST address.use", "'x' ST extension(x).valueString"}
	fuzzTests  = []string{"", "", "", "", " with 9=en", " with 9=fr", " if 9=en", " if 9!=en", " if no 9", " with no 9", " with 9=en|fr"}
)

// fuzzRows writes rows of a table whose places are 1 to n, and 9 for tests.
func fuzzRows(c *chooser, n int, prefix string) string {
	var b strings.Builder
	for i := range n {
		row := fmt.Sprintf("%d ", i+1)
		each := []string{"", "", "[]"}[c.n(3)]
		if whole := c.n(2) == 1; whole {
			typ, target, _ := strings.Cut(c.of(fuzzWholes), " ")
			row += typ + each + " " + prefix + target
		} else {
			row += "ST" + each + " " + prefix + c.of(fuzzLeaves)
		}
		row += c.of(fuzzTests)
		switch c.n(8) {
		case 6:
			if i > 0 && prefix == "" {
				row = "else " + row
			}
		case 7:
			row = "> " + row + " # one way"
		}
		b.WriteString(row + "\n")
	}
	if c.n(4) == 3 && prefix == "" {
		b.WriteString(c.of(fuzzConsts) + "\n")
	}
	if prefix == "" {
		b.WriteString("9 ST photo[contentType='text/x'].title\n") // so that what if asks comes back
	}
	return b.String()
}

// fuzzSegment writes a segment of n fields and a ninth.
func fuzzSegment(c *chooser, name string, n int) string {
	values := []string{"", "en", "en^u", "fr^v", "fr", "^v", "en^v", "^en"}
	fields := make([]string, 9)
	for i := range n {
		fields[i] = c.of(values)
		for range c.n(3) {
			fields[i] += "~" + c.of(values)
		}
	}
	fields[8] = c.of([]string{"", "en", "fr", "de"})
	return name + "|" + strings.Join(fields, "|") + "\n"
}

// fuzzCase is a mapping and a document, made of bytes: one segment, two that say things of one resource, or groups that repeat.
func fuzzCase(data []byte) (text, doc string) {
	c := chooser(data)
	switch kind := c.n(4); kind {
	case 0, 1:
		n := 1 + c.n(4)
		return "table M -> Bundle\nP P Patient\n\ntable P -> Patient\n" + fuzzRows(&c, n, ""), fuzzSegment(&c, "P", n)
	case 2:
		n, m := 1+c.n(2), 1+c.n(3)
		return "table M -> Bundle\nP P Patient\nQ Q Patient\n\ntable P -> Patient\n" + fuzzRows(&c, n, "") + "\ntable Q -> Patient\n" + strings.Replace(fuzzRows(&c, m, ""), "text/x", "text/y", 1),
			fuzzSegment(&c, "P", n) + fuzzSegment(&c, "Q", m)
	}
	return fuzzGroups(&c)
}

// fuzzGroups is a report with groups, whose segments make resources of their own or add to those around.
func fuzzGroups(c *chooser) (text, doc string) {
	targets := []string{"DiagnosticReport.result -> Observation", "DiagnosticReport.result[] -> Observation", "DiagnosticReport.result -> Observation[subject=Patient]",
		"DiagnosticReport.extension(x).valueReference -> Observation", "DiagnosticReport.extension(x)[].valueReference -> Observation", "DiagnosticReport.encounter -> Encounter",
		"DiagnosticReport.specimen -> Specimen", "Observation", "Observation[subject=Patient]", "Observation[status=final]", "Specimen", "Specimen[subject=Patient]", "DiagnosticReport.conclusionCode",
		"DiagnosticReport.identifier[use=usual]", "DiagnosticReport.identifier", "DiagnosticReport.identifier[]", "DiagnosticReport.performer -> Organization", "DiagnosticReport.performer -> Practitioner",
		"DiagnosticReport.category", "Patient.managingOrganization -> Organization", "Patient.generalPractitioner -> Organization", "Patient.maritalStatus", "Observation.method",
		"Observation.specimen -> Specimen", "Observation.performer -> Organization", "Specimen.type", "Observation.note", "Observation.bodySite"}
	names := []string{"O", "Q", "R"}[:1+c.n(3)]
	rows, outer := "", ""
	for _, s := range names {
		row := s + " T" + []string{"", "", "", "[]"}[c.n(4)] + " " + c.of(targets) + "\n"
		if c.n(6) == 5 {
			outer += row
		} else {
			rows += row
		}
	}
	if rows == "" {
		rows = "S T Observation.note\n"
	}
	each := []string{"[]", ""}[c.n(4)/3]
	text = "table M -> Bundle\nP P Patient\nD D DiagnosticReport\n" + outer + "G G" + each + " .\n\ntable G -> Bundle\n" + rows + `
table P -> Patient
1 ST name.text

table D -> DiagnosticReport
1 ST code.text
'final' ST status

table T -> Observation
1 ST code.text
2 ST valueString
'final' ST status

table T -> Specimen
1 ST note.text
2 ST type.text

table T -> Encounter
1 ST identifier.value
2 ST type.text
'finished' ST status

table T -> Organization
1 ST name
2 ST alias

table T -> Practitioner
1 ST name.family
2 ST identifier[use=usual].value

table T -> CodeableConcept
1 ST text
2 ST coding[system=s1].code

table T -> Identifier
1 ST value
2 ST type.text

table T -> Annotation
1 ST text
2 ST authorString
`
	segment := func(s, indent string) string {
		return indent + s + "|" + c.of([]string{"en", "fr", ""}) + "|" + c.of([]string{"u", "v", ""}) + "\n"
	}
	doc = "P|p\nD|a\n"
	for _, s := range names {
		if strings.Contains(outer, s+" T") {
			doc += segment(s, "")
		}
	}
	for range 1 + c.n(3) {
		doc += "G\n"
		for _, s := range names {
			for range c.n(3) {
				if strings.Contains(rows, s+" T") {
					doc += segment(s, "  ")
				}
			}
		}
	}
	return text, doc
}

// FuzzMap: whatever rows compile, the laws hold. What is called carried stands in the record, and comes back where it was; every leaf has one state, with a
// reason; what FHIR's ledger calls carried is there again after the way back and forth.
func FuzzMap(f *testing.F) {
	for i := range 1000 {
		f.Add(fuzzSeed(i))
	}
	f.Add(fuzzSeed(7118)) // chains of which two rows are written
	f.Add(fuzzSeed(38164))
	for _, i := range []int{1604, 1764, 4411, 9230, 27251} { // what rows ask for that the document does not say
		f.Add(fuzzSeed(i))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, source := fuzzCase(data)
		m := mapOf(t, er7Tree, text+fuzzTables)
		if m.Check() != nil {
			return
		}
		if fault := fuzzLaws(t, m, text, source); fault != "" {
			t.Errorf("%s\n%s\n%s", text, source, fault)
		}
	})
}

// fuzzSeed is bytes without pattern, the same ones every time.
func fuzzSeed(i int) []byte {
	data := make([]byte, 48)
	x := uint64(i)*0x9E3779B97F4A7C15 + 1
	for j := range data {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		data[j] = byte(x >> 32)
	}
	return data
}

// fuzzLaws holds a document against the laws, and says which it breaks.
func fuzzLaws(t *testing.T, m *mapping.Map, text, source string) string {
	o := mapping.ReadOptions{Key: "case", Relative: true, Origins: true}
	read := func(source string) (*tree.Doc, *mapping.Record) {
		d := parseER7(source)
		rec, err := m.ToFHIR("M", "Bundle", d, o)
		if err != nil {
			t.Fatal(err)
		}
		return d, rec
	}
	d, rec := read(source)
	faults := ""
	for _, n := range rec.Astray() {
		faults += d.PlaceOf(n) + " is carried, and the record does not say it\n"
	}
	again := rebuild(t, rec)
	back, err := m.FromFHIR("M", "Bundle", again)
	if err != nil {
		t.Fatal(err)
	}
	printed := printER7(back)
	d2, rec2 := read(printed)
	came := map[string]int{}
	d2.Leaves(func(n tree.Node, _ tree.State, _ string) { came[flatPlace(d2, n)+d2.Text(n)]++ })
	d.Leaves(func(n tree.Node, s tree.State, why string) {
		if (s == tree.Folded || s == tree.Declined || s == tree.Invalid) && why == "" {
			faults += d.PlaceOf(n) + " is " + s.String() + " without a reason\n"
		}
		if s == tree.Carried {
			key := flatPlace(d, n) + d.Text(n)
			if came[key]--; came[key] < 0 {
				faults += d.PlaceOf(n) + " is carried and does not come back\n"
			}
		}
	})
	// Of scopes another row may read what was written: then FHIR's ledger says what was written, and not that it is read again. So it is with a
	// constant of one table where another one says something else of the same patient, and what keeps the constant is not there.
	asks := strings.Contains(text, " if ") || strings.Contains(text, " no 9")
	if !strings.Contains(text, "G G") && !(asks && strings.Contains(text, "\ntable Q") && strings.Contains(text, "\n'")) {
		said, left := map[string]int{}, map[string]int{}
		for _, l := range recordLeaves(rec2) {
			said[l]++
			left[l]++
		}
		merged := len(rec2.Resources) < len(again.Resources) // two that only something differs in which was not carried are one
		for _, l := range carriedLeaves(again) {
			if left[l]--; left[l] < 0 && !(merged && said[l] > 0) {
				faults += "FHIR: " + l + " is carried and is not there again\n"
			}
		}
	}
	if faults == "" {
		return ""
	}
	return faults + printRecord(t, rec) + "back:\n" + printed + "ledger:\n" + ledgerOf(d) + "FHIR's ledger:\n" + recordLedger(again) + printRecord(t, rec2)
}

// flatPlace is a leaf's place without regard to which of several of one name it stands in, and where a leaf is its own first part.
func flatPlace(d *tree.Doc, n tree.Node) string {
	s := ""
	for ; n != tree.Root && n != 0; n = d.Parent(n) {
		s = d.Name(n) + "." + s
	}
	for strings.HasSuffix(s, ".1.") && strings.Count(strings.TrimPrefix(s, "G."), ".") > 2 {
		s = strings.TrimSuffix(s, "1.")
	}
	return s
}

var (
	brackets = regexp.MustCompile(`\[[0-9]+\]`)
	entries  = regexp.MustCompile(`^Bundle\.entry\.resource\.ofType\((\w+)\)`)
)

// flatLeaf is a leaf of FHIR by its place, without regard to which of several it is, and its text.
func flatLeaf(l *mapping.Leaf) string {
	if ti := plan.Of(l.Value.Type()); ti.Prim != nil {
		return entries.ReplaceAllString(brackets.ReplaceAllString(l.Place(), ""), "$1") + "=" + ti.Prim.Text(l.Value)
	}
	return l.Resource.Type()
}

func recordLeaves(rec *mapping.Record) (list []string) {
	rec.EachLeaf(func(l *mapping.Leaf) { list = append(list, flatLeaf(l)) })
	return list
}

func carriedLeaves(rec *mapping.Record) (list []string) {
	rec.EachLeaf(func(l *mapping.Leaf) {
		if l.State == tree.Carried {
			list = append(list, flatLeaf(l))
		}
	})
	return slices.Clip(list)
}
