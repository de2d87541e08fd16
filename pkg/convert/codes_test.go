package convert

import (
	"fmt"
	"strings"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// translated are the codings that a file adds to a concept with one coding.
func (c *Codes) translated(t *testing.T, coding string) string {
	t.Helper()
	m, finds := fhir.Unmarshal([]byte(`{"resourceType":"Observation","status":"final","code":{"coding":[` + coding + `]}}`))
	if finds != nil {
		t.Fatal(finds)
	}
	rec := mapping.NewRecord(nil, mapping.NewResource(m, ""))
	var list []string
	if _, err := c.apply(&Record{Record: rec}); err != nil {
		t.Fatal(err)
	}
	concept := m.(interface{ GetCode() *dpb.CodeableConcept }).GetCode()
	for _, x := range concept.GetCoding()[1:] {
		list = append(list, strings.TrimSpace(x.GetSystem().GetValue()+"#"+x.GetCode().GetValue()+" "+x.GetDisplay().GetValue()))
	}
	return strings.Join(list, ", ")
}

func codesFrom(t *testing.T, texts ...string) (*Codes, string) {
	t.Helper()
	c := new(Codes)
	var said []string
	for i, text := range texts {
		if err := c.Read(fmt.Sprintf("f%d", i+1), []byte(text)); err != nil {
			said = append(said, err.Error())
		}
	}
	for _, f := range c.Findings {
		said = append(said, fmt.Sprintf("%s %s %s", f.Place, f.ID, f.Message()))
	}
	return c, strings.Join(said, "\n")
}

// TestCodesTable: the columns by their names, systems by all of theirs, and what separates the cells.
func TestCodesTable(t *testing.T) {
	for _, tt := range []struct{ name, file, coding, want string }{
		{"HL7 v2's name", "system,code,target system,target code\nL,GLU,LN,2345-7\n", `{"system":"urn:id:L","code":"GLU"}`, "http://loinc.org#2345-7"},
		{"a URI", "System,Code,Target System,Target Code,Target Display\nhttp://loinc.org,2345-7,https://maple.example/lab,GLU,Glucose\n",
			`{"system":"http://loinc.org","code":"2345-7"}`, "https://maple.example/lab#GLU Glucose"},
		{"the record's OID", "system,code,target system,target code\nSCT,73211009,I10C,E11.9\n", `{"system":"urn:oid:2.16.840.1.113883.6.96","code":"73211009"}`, "http://hl7.org/fhir/sid/icd-10-cm#E11.9"},
		{"an OID", "system,code,target system,target code\n2.16.840.1.113883.6.1,2345-7,2.16.840.1.113883.3.9999,GLU\n",
			`{"system":"http://loinc.org","code":"2345-7"}`, "urn:oid:2.16.840.1.113883.3.9999#GLU"},
		{"a table of HL7 in which the code is not", "system,code,target system,target code\nHL70001,W,HL70001,F\n", `{"system":"urn:id:HL70001","code":"W"}`,
			"http://terminology.hl7.org/CodeSystem/v2-0001#F"},
		{"no system", "code,to system,to code\nGLU,LN,2345-7\n", `{"code":"GLU"}`, "http://loinc.org#2345-7"},
		{"no system, and the record has one", "code,to system,to code\nGLU,LN,2345-7\n", `{"system":"urn:id:L","code":"GLU"}`, ""},
		{"another system", "system,code,to system,to code\nL,GLU,LN,2345-7\n", `{"code":"GLU"}`, ""},
		{"a language, which has one system", "system,code,to system,to code\nurn:ietf:bcp:47,en,https://maple.example/lang,E\n", `{"system":"urn:ietf:bcp:47","code":"en"}`, ""},
		{"capitals count", "system,code,to system,to code\nL,GLU,LN,2345-7\n", `{"system":"urn:id:L","code":"glu"}`, ""},
		{"two targets, one twice", "system,code,to system,to code\nL,GLU,LN,2345-7\nL,GLU,LN,2345-7\nL,GLU,SCT,33747003\n", `{"system":"urn:id:L","code":"GLU"}`,
			"http://loinc.org#2345-7, http://snomed.info/sct#33747003"},
		{"not again what a translation is", "system,code,to system,to code\nL,GLU,LN,2345-7\nLN,2345-7,SCT,33747003\n", `{"system":"urn:id:L","code":"GLU"}`, "http://loinc.org#2345-7"},
		{"semicolons, quotation marks and a mark", "\ufeffsystem;code;to system;to code;to display\r\nL;GLU;LN;2345-7;\"Glucose; serum\"\r\n\r\n;;;;\r\n", `{"system":"urn:id:L","code":"GLU"}`,
			"http://loinc.org#2345-7 Glucose; serum"},
		{"tabs, and columns of one's own", "mine\tfrom_code\tfrom_system\tto_code\tto_system\nx\tGLU\tL\t2345-7\tLN\n", `{"system":"urn:id:L","code":"GLU"}`, "http://loinc.org#2345-7"},
		{"equivalences", "system,code,to system,to code,equivalence\nL,GLU,LN,2345-7,Equivalent\nL,GLU,SCT,33747003,wider\n", `{"system":"urn:id:L","code":"GLU"}`, "http://loinc.org#2345-7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := codesFrom(t, tt.file)
			if d := cmp.Diff(tt.want, c.translated(t, tt.coding)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestCodesFaults: each fault has its line and column, and what does not hinder is said.
func TestCodesFaults(t *testing.T) {
	const header = "system,code,target system,target code\n"
	concept := func(group string) string {
		return `{"resourceType":"ConceptMap","status":"active","group":[` + group + `]}`
	}
	for _, tt := range []struct{ name, file, want string }{
		{"empty", " \n", "f1:1:1: the file is empty"},
		{"a header and nothing else", header, "f1:1:1: there is no translation in it"},
		{"no columns", "a,b\n1,2\n", "f1:1:1: no column is called code (its first line is: system,code,target system,target code,target display)\n" +
			"f1:1:1: no column is called target system (its first line is: system,code,target system,target code,target display)\n" +
			"f1:1:1: no column is called target code (its first line is: system,code,target system,target code,target display)"},
		{"cells that are not there", header + "L,GLU,LN,2345-7\nL,,LN,\nL,K\n", "f1:3:3: the line has no code\nf1:3:7: the line has no target code\n" +
			"f1:4:1: the line has no target system\nf1:4:1: the line has no target code"},
		{"a quotation mark", header + "L,GL\"U,LN,2345-7\n", "f1:2:5: a quotation mark stands where none can be (a cell that holds quotation marks is put in quotation marks, and each of its own is doubled)"},
		{"no URI, and no text", header + "L,GLU,http://maple example/x,G\nL,K\x01,LN,2823-3\n", "f1:2:7: a URI holds no blanks\nf1:3:3: the cell holds a character that no text has"},
		{"not UTF-8", header + "L,GLU,LN,2345-7\nL,\xe9,LN,2345-7\n", "f1:3:1: the line is not UTF-8 (save the table as UTF-8)"},
		{"a check digit", header + "L,GLU,LN,2345-8\n", "f1:2:10 CP-CNV-014 a translation is left out: of its target the check digit of the LOINC number does not fit"},
		{"a code that the system has not", header + "L,X,HL70001,TT\n", "f1:2:13 CP-CNV-014 a translation is left out: of its target the code system has no such code"},
		{"a name that nobody knows", header + "OAK,GLU,LN,2345-7\nOAK,K,LN,2823-3\n99OAK,K,LN,2823-3\n",
			"f1:2:1 CP-CNV-015 OAK is no name of HL7 table 0396; it is taken for a sender's own system, as messages name it beside the code"},
		{"no JSON", "{\"resourceType\":\"ConceptMap\",\n\"status\":active}", "f1:2:10: JSON does not allow what stands here"},
		{"another resource", `{"resourceType":"Patient"}`, "f1:1:1: it is a Patient of FHIR, and no ConceptMap"},
		{"no target", concept(`{"element":[{"code":"GLU","target":[{"code":"2345-7","equivalence":"equal"}]}]}`),
			"f1:1:1: ConceptMap.group[0].element[0].target[0]: the group has no target, which is the system of the code"},
		{"equivalences", concept(`{"source":"urn:id:L","target":"http://loinc.org","element":[{"code":"A","target":[{"code":"2345-7","equivalence":"wider"},{"code":"2823-3","equivalence":"narrower"},
			{"equivalence":"unmatched"}]},{"code":"B","target":[{"code":"2345-7","equivalence":"equal","dependsOn":[{"property":"http://maple.example/p","value":"x"}]}]}]}`),
			"f1, ConceptMap.group[0].element[0].target[0] CP-CNV-014 3 translations left out: they say something else than their source (equivalence), or hold under a condition (dependsOn, product)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, said := codesFrom(t, tt.file)
			if d := cmp.Diff(tt.want, said); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestCodesManyFaults: a file that is no table of codes is given up, as a mapping file is.
func TestCodesManyFaults(t *testing.T) {
	const header = "system,code,target system,target code\n"
	for name, lines := range map[string]string{"no code": strings.Repeat("L,,LN,2345-7\n", 1000), "two faults a line": "L,,LN,2345-7\n" + strings.Repeat("L,,,2345-7\n", 1000),
		"two faults in the last line": strings.Repeat("L,,,2345-7\n", 1000)} {
		_, said := codesFrom(t, header+lines)
		list := strings.Split(said, "\n")
		if last := list[len(list)-1]; len(list) != mapping.MaxFaults+1 || !strings.HasSuffix(last, "200 faults up to here; the rest is not looked at (is it a table of codes?)") {
			t.Errorf("%s: %d faults, the last %s", name, len(list), last)
		}
	}
	if _, said := codesFrom(t, header+strings.Repeat("L,,LN,2345-7\n", mapping.MaxFaults)); strings.Count(said, "\n") != mapping.MaxFaults-1 || strings.Contains(said, "up to here") {
		t.Errorf("all of them are told of, and no more: %s", said)
	}
}

// TestCodesConceptMap: what means the same is added, by each of two files and in JSON as in XML.
func TestCodesConceptMap(t *testing.T) {
	c, said := codesFrom(t, `{"resourceType":"ConceptMap","status":"active","group":[{"source":"urn:id:L","target":"http://loinc.org","element":[{"code":"GLU","target":[
		{"code":"2345-7","display":"Glucose","equivalence":"equivalent"},{"code":"2339-0","equivalence":"relatedto"}]}]}]}`,
		`<ConceptMap xmlns="http://hl7.org/fhir"><status value="active"/><group><target value="http://snomed.info/sct"/><element><code value="GLU"/><target><code value="33747003"/><equivalence value="equal"/></target></element></group></ConceptMap>`)
	if !strings.Contains(said, "1 translation left out") {
		t.Error(said)
	}
	if got := c.translated(t, `{"system":"urn:id:L","code":"GLU"}`); got != "http://loinc.org#2345-7 Glucose" {
		t.Error(got)
	}
	if got := c.translated(t, `{"code":"GLU"}`); got != "http://snomed.info/sct#33747003" {
		t.Error(got)
	}
	if got := c.Result(); len(got) != 0 || c.Added() != 2 {
		t.Error(c.Added(), got)
	}
}

// TestCodesAreNoLeaves: what is added stands in contained resources too, behind what is there, once however often it is asked for, and is none of the record's leaves.
func TestCodesAreNoLeaves(t *testing.T) {
	const text = `{"resourceType":"Observation","contained":[{"resourceType":"Specimen","id":"s","type":{"coding":[{"system":"urn:id:L","code":"GLU"}]}}],` +
		`"status":"final","code":{"coding":[{"system":"urn:id:L","code":"GLU","userSelected":true},{"system":"urn:id:L","code":"K"}]},"specimen":{"reference":"#s"}}`
	const want = `{"resourceType":"Observation","contained":[{"resourceType":"Specimen","id":"s","type":{"coding":[{"system":"urn:id:L","code":"GLU"},{"system":"http://loinc.org","code":"2345-7","display":"Glucose"}]}}],` +
		`"status":"final","code":{"coding":[{"system":"urn:id:L","code":"GLU","userSelected":true},{"system":"urn:id:L","code":"K"},{"system":"http://loinc.org","code":"2345-7","display":"Glucose"}]},"specimen":{"reference":"#s"}}`
	c, said := codesFrom(t, "system,code,target system,target code,target display\nL,GLU,LN,2345-7,Glucose\n")
	if said != "" {
		t.Fatal(said)
	}
	m, finds := fhir.Unmarshal([]byte(text))
	if finds != nil {
		t.Fatal(finds)
	}
	rec := mapping.NewRecord(nil, mapping.NewResource(m, ""))
	leaves := func() string {
		var b strings.Builder
		rec.Leaves(func(place func() string, _ tree.State, _ string) { fmt.Fprintln(&b, place()) })
		b.WriteByte('\n')
		rec.EachLeaf(func(l *mapping.Leaf) { fmt.Fprintln(&b, l.Place()) })
		return b.String()
	}
	was := leaves()
	for range 2 {
		if _, err := c.apply(&Record{Record: rec}); err != nil {
			t.Fatal(err)
		}
		got, err := fhir.Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, string(got)); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(was, leaves()); d != "" {
			t.Fatal(d)
		}
	}
	if n := rec.UnplacedCodings(); n != 0 { // the second time nothing was added
		t.Error(n)
	}
}

// TestCodesAddedNowhere: nothing is added to what changes the meaning of a resource, nor within extensions, whose definitions may allow one coding.
func TestCodesAddedNowhere(t *testing.T) {
	const glu = `{"coding":[{"system":"urn:id:L","code":"GLU"}]}`
	const text = `{"resourceType":"Condition","extension":[{"url":"https://maple.example/x","valueCodeableConcept":` + glu + `}],"clinicalStatus":` + glu + `,"verificationStatus":` + glu +
		`,"subject":{"reference":"Patient/1"}}`
	c, _ := codesFrom(t, "system,code,target system,target code\nL,GLU,LN,2345-7\n")
	m, finds := fhir.Unmarshal([]byte(text))
	if finds != nil {
		t.Fatal(finds)
	}
	if n, err := c.apply(&Record{Record: mapping.NewRecord(nil, mapping.NewResource(m, ""))}); n != 0 || err != nil {
		t.Errorf("%d codes are added, %v", n, err)
	}
	if got, err := fhir.Append(nil, m); string(got) != text || err != nil {
		t.Errorf("it became %s, %v", got, err)
	}
}
