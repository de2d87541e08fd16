package v2fhir

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
	"github.com/chartpost/chartpost/pkg/tree"
)

var update = flag.Bool("update", false, "write what the cases of testdata/datatypes should say")

// mapWith makes a map of the tables and one more file.
func mapWith(t testing.TB, extra string) *mapping.Map {
	t.Helper()
	names, err := filepath.Glob("*.map")
	if err != nil {
		t.Fatal(err)
	}
	var files []*mapping.File
	add := func(name string, src []byte) {
		f, err := mapping.ParseFile(name, src)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		add(name, src)
	}
	add("test.map", []byte(extra))
	set, err := mapping.Merge(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	types := allTypes()
	return mapping.New(hl7v2.Format, types, set)
}

// TestDatatypes reads fields through the table of their datatype and writes them back. A file of testdata/datatypes begins
// with the row that reads the field ZZZ-1; each case is a field (NAME.hl7), what it becomes (NAME.json), what comes back
// (NAME.back, where that is another field) and what of it is not carried (NAME.ledger). --update writes the last three.
func TestDatatypes(t *testing.T) {
	names, err := filepath.Glob("testdata/datatypes/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases: ", err)
	}
	archives, rows := map[string]*txtar.Archive{}, "system t https://chartpost.org/fhir/StructureDefinition/t\n"
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		archives[name] = a
		head, _, _ := strings.Cut(string(a.Comment), "\n")
		rows += "table " + tableOf(name) + " -> Basic\nZZZ-1 " + head + "\n"
	}
	m := mapWith(t, rows)
	for _, name := range names {
		a := archives[name]
		files := map[string]string{}
		for _, f := range a.Files {
			files[f.Name] = string(f.Data)
		}
		o := mapping.ReadOptions{Key: "test", Facility: "GOOD HEALTH"}
		if strings.Contains(string(a.Comment), "\nzone ") {
			if o.Zone, err = time.LoadLocation("America/New_York"); err != nil {
				t.Fatal(err)
			}
		}
		out := &txtar.Archive{Comment: a.Comment}
		for _, f := range a.Files {
			label, ok := strings.CutSuffix(f.Name, ".hl7")
			if !ok {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar")+"/"+label, func(t *testing.T) {
				got, err := thereAndBack(m, tableOf(name), string(f.Data), o)
				if err != nil {
					t.Fatal(err)
				}
				out.Files = append(out.Files, f)
				for _, end := range []string{".json", ".back", ".ledger"} {
					if got[end] != "" {
						out.Files = append(out.Files, txtar.File{Name: label + end, Data: []byte(got[end])})
					}
					if have := files[label+end]; have != got[end] && !*update {
						t.Errorf("%s%s is\n%swant\n%s", label, end, got[end], have)
					}
				}
				if n := got["lost"]; n != "" {
					t.Errorf("carried, and did not come back: %s", n)
				}
				if n := got["unstable"]; n != "" {
					t.Errorf("FHIR is another the second time: %s", n)
				}
			})
		}
		if *update {
			if err := os.WriteFile(name, txtar.Format(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func parseField(field string) (*tree.Doc, error) {
	msg, err := hl7v2.Parse("MSH|^~\\&|TEST||||20260101||ZZZ^Z01|1|P|2.8\rZZZ|"+strings.TrimRight(field, "\n")+"\r", hl7v2.Options{})
	if err != nil {
		return nil, err
	}
	return msg.Doc, nil
}

// tableOf is the name of the table that a file of cases tests its datatype with.
func tableOf(file string) string {
	return "TEST_" + strings.ToUpper(strings.TrimSuffix(filepath.Base(file), ".txtar"))
}

func thereAndBack(m *mapping.Map, table, field string, o mapping.ReadOptions) (map[string]string, error) {
	got := map[string]string{}
	doc, err := parseField(field)
	if err != nil {
		return nil, err
	}
	normal := map[tree.Node]string{}
	o.Normal = func(n tree.Node, form string) { normal[n] = form }
	rec, err := m.ToFHIR(table, "Basic", doc, o)
	if err != nil {
		return nil, err
	}
	lines, err := maptest.Lines(rec)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		var b bytes.Buffer
		line = strings.ReplaceAll(line, "https://chartpost.org/fhir/StructureDefinition/", "cp/")
		if _, value, ok := strings.Cut(line, `{"url":"cp/t",`); ok && strings.HasPrefix(line, `{"resourceType":"Basic"`) {
			value, _, _ = strings.Cut(value, `}],"code":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason"`)
			line = "{" + value + "}" // the value alone
		}
		if err := json.Indent(&b, []byte(line), "", " "); err != nil {
			return nil, err
		}
		got[".json"] += compact(b.String()) + "\n"
	}
	again, err := maptest.Rebuild(rec)
	if err != nil {
		return nil, err
	}
	back, err := m.FromFHIR(table, "Basic", again)
	if err != nil {
		return nil, err
	}
	zzz := back.Child(tree.Root, "ZZZ")
	if s := fieldText(back, back.Child(zzz, "1")); s != strings.TrimRight(field, "\n") {
		got[".back"] = s + "\n"
	}
	come := map[string]string{}
	back.Leaves(func(n tree.Node, _ tree.State, _ string) { come[back.PlaceOf(n)] = back.Text(n) })
	doc.LeavesBelow(doc.Child(tree.Root, "ZZZ"), func(n tree.Node, s tree.State, why string) {
		at := doc.PlaceOf(n)
		if s != tree.Carried {
			got[".ledger"] += strings.TrimSpace(fmt.Sprintf("%s %s: %s", at, s, why)) + "\n"
			return
		}
		want := doc.Text(n)
		if form, ok := normal[n]; ok {
			want = form
		}
		if come[at] != want {
			got["lost"] += at + " "
		}
	})
	second, err := parseField(fieldText(back, back.Child(zzz, "1")))
	if err != nil {
		return nil, err
	}
	rec2, err := m.ToFHIR(table, "Basic", second, o)
	if err != nil {
		return nil, err
	}
	lines2, err := maptest.Lines(rec2)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(lines, lines2) {
		got["unstable"] = strings.Join(lines2, "\n")
	}
	return got, nil
}

// fieldText is a field in ER7.
func fieldText(d *tree.Doc, n tree.Node) string {
	msg := tree.New(hl7v2.Format, 16)
	if n == 0 {
		return ""
	}
	var copyTo func(to, from tree.Node)
	copyTo = func(to, from tree.Node) {
		for k := d.First(from); k != 0; k = d.Next(k) {
			copyTo(msg.Add(to, d.Name(k), d.Text(k)), k)
		}
	}
	head := msg.Add(tree.Root, "MSH", "")
	msg.SetSyntax(msg.Add(head, "1", "|"))
	msg.SetSyntax(msg.Add(head, "2", `^~\&`))
	seg := msg.Add(tree.Root, "ZZZ", "")
	for k := n; k != 0; k = d.Next(k) {
		copyTo(msg.Add(seg, d.Name(k), d.Text(k)), k)
	}
	out, _ := hl7v2.AppendMessage(nil, msg, hl7v2.PrintOptions{})
	_, field, _ := strings.Cut(strings.TrimRight(string(out), "\r\n"), "ZZZ|")
	return field
}

// compact keeps what fits a line together, so that the cases can be read.
func compact(s string) string {
	var out []string
	for _, line := range strings.Split(s, "\n") {
		out = append(out, line)
		for { // close what fits
			last := len(out) - 1
			trim := strings.TrimSpace(out[last])
			if trim == "" || !strings.ContainsAny(trim[:1], "]}") {
				break
			}
			open := last - 1
			indent := len(out[last]) - len(strings.TrimLeft(out[last], " "))
			for open >= 0 && len(out[open])-len(strings.TrimLeft(out[open], " ")) != indent {
				open--
			}
			if open < 0 {
				break
			}
			one := out[open]
			for _, l := range out[open+1:] {
				l = strings.TrimSpace(l)
				if strings.HasSuffix(one, ",") {
					one += " "
				}
				one += l
			}
			if len(one) > 130 {
				break
			}
			out = append(out[:open], one)
			break
		}
	}
	return strings.Join(out, "\n")
}

// TestFHIRBorn writes FHIR that no message made. What is left out of the field has no place in it, and is left out whole
// where it would say something else.
func TestFHIRBorn(t *testing.T) {
	cases := []struct{ row, value, want string }{
		{"CWE extension(t).valueCodeableConcept", `"valueCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin"}],"text":"Hb"}`, "718-7^Hemoglobin^LN^^^^^^Hb"},
		{"CWE extension(t).valueCodeableConcept", `"valueCodeableConcept":{"text":"Hb"}`, "^^^^^^^^Hb"},
		{"CWE extension(t).valueCodeableConcept", `"valueCodeableConcept":{"coding":[{"system":"http://example.org/codes","code":"a"}]}`, "a^^http://example.org/codes"},
		{"CWE+0002 extension(t).valueCodeableConcept", `"valueCodeableConcept":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"T"}]}`, "G"},
		{"CWE+0002 extension(t).valueCodeableConcept", `"valueCodeableConcept":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-NullFlavor","code":"UNK"}]}`, "U"},
		{"CWE+0074 extension(t).valueCodeableConcept", `"valueCodeableConcept":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}]}`, "LAB^^HL70074"},
		{"CWE+0004 extension(t).valueCoding", `"valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP","display":"inpatient"}`, "I^inpatient"},
		{"CWE extension(t).valueQuantity", `"valueQuantity":{"unit":"milligram","system":"http://unitsofmeasure.org","code":"mg"}`, "mg^milligram^UCUM"},
		{"CWE extension(t).valueQuantity", `"valueQuantity":{"unit":"pills"}`, "pills"},
		{"CX extension(t).valueIdentifier", `"valueIdentifier":{"use":"official","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:oid:1.2.3.4.5","value":"123"}`, "123^^^&1.2.3.4.5&ISO^MR"},
		{"CX extension(t).valueIdentifier", `"valueIdentifier":{"use":"old","value":"123"}`, ""},
		{"CX extension(t).valueIdentifier", `"valueIdentifier":{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR","display":"Medical record"}]},"system":"urn:oid:1.2.3.4.5","value":"123"}`, "123^^^&1.2.3.4.5&ISO^MR"},
		{"CX extension(t).valueIdentifier", `"valueIdentifier":{"system":"http://hl7.org/fhir/sid/us-ssn","value":"000-00-0000"}`, "000-00-0000^^^&2.16.840.1.113883.4.1&ISO"},
		{"CX extension(t).valueIdentifier", `"valueIdentifier":{"system":"http://example.org/mrn","value":"1"}`, "1^^^&http://example.org/mrn&URI"},
		{"XPN extension(t).valueHumanName", `"valueHumanName":{"use":"official","family":"Doe","given":["Jane","Q","R"],"prefix":["Dr"],"suffix":["Jr","MD"]}`, "Doe^Jane^Q R^Jr MD^Dr^^L"},
		{"XPN extension(t).valueHumanName", `"valueHumanName":{"use":"old","family":"Roe"}`, "Roe^^^^^^BAD"},
		{"XAD extension(t).valueAddress", `"valueAddress":{"use":"home","type":"postal","line":["1 Main St","Apt 2"],"city":"Town","district":"Kings","state":"NY","postalCode":"10001","country":"US"}`, "1 Main St^Apt 2^Town^NY^10001^US^H^^Kings"},
		{"XTN extension(t).valueContactPoint", `"valueContactPoint":{"system":"phone","value":"555-0100","use":"mobile"}`, "555-0100^PRS^PH"},
		{"XTN extension(t).valueContactPoint", `"valueContactPoint":{"system":"email","value":"jane@example.org"}`, "^^Internet^jane@example.org"},
		{"XTN extension(t).valueContactPoint", `"valueContactPoint":{"system":"phone","value":"555-0100","use":"old"}`, ""},
		{"DTM extension(t).valueDateTime", `"valueDateTime":"2020-03-14T10:11:12Z"`, "20200314101112+0000"},
		{"DTM extension(t).valueDateTime", `"valueDateTime":"2020-03-14T10:11:12.345-05:00"`, "20200314101112.345-0500"},
		{"DTM extension(t).valueDateTime", `"valueDateTime":"2020-03"`, "202003"},
		{"TX extension(t).valueString", `"valueString":"one\ntwo"`, "one\\.br\\two"},
		{"ED extension(t).valueAttachment", `"valueAttachment":{"contentType":"application/pdf","data":"JVBERi0="}`, "^application^pdf^Base64^JVBERi0="},
		{"SN extension(t).valueRange", `"valueRange":{"low":{"value":1},"high":{"value":2.50}}`, "^1^-^2.50"},
		{"CQ extension(t).valueQuantity", `"valueQuantity":{"value":5,"unit":"mL","system":"http://unitsofmeasure.org","code":"mL"}`, "5^mL&mL&UCUM"},
		{"CQ extension(t).valueQuantity", `"valueQuantity":{"value":5,"comparator":"<","unit":"mL"}`, ""},
	}
	rows := "system t https://chartpost.org/fhir/StructureDefinition/t\n"
	for i, c := range cases {
		rows += fmt.Sprintf("table BORN_%d -> Basic\nZZZ-1 %s\n", i, c.row)
	}
	m := mapWith(t, rows)
	for i, c := range cases {
		res, finds := fhir.Unmarshal([]byte(`{"resourceType":"Basic","code":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},"extension":[{"url":"https://chartpost.org/fhir/StructureDefinition/t",` + c.value + `}]}`))
		if len(finds) > 0 {
			t.Errorf("%s: %v", c.value, finds[0])
			continue
		}
		back, err := m.FromFHIR(fmt.Sprintf("BORN_%d", i), "Basic", mapping.NewRecord(nil, mapping.NewResource(res, "")))
		if err != nil {
			t.Errorf("%s: %v", c.value, err)
			continue
		}
		if got := fieldText(back, back.Child(back.Child(tree.Root, "ZZZ"), "1")); got != c.want {
			t.Errorf("%s\nis written %q, want %q", c.value, got, c.want)
		}
	}
}

func TestTablesCompile(t *testing.T) {
	if err := mapWith(t, "").Check(); err != nil {
		t.Error(err)
	}
}

// TestLongText: a text that no string of FHIR can be is no value, and the ledger says so.
func TestLongText(t *testing.T) {
	m := builtin(t)
	long := strings.Repeat("x", 1<<20+1)
	text := strings.ReplaceAll(wholeHead+"ORU^R01^ORU_R01|1|P|2.8\n"+wholePID+"OBR|1|P1|F1|1^Panel^L|||20240301|||||||||||"+long+"\nOBX|1|NM|2^Sodium^L||140||||||F\n", "\n", "\r")
	res, err := kit(m, "ORU_R01").Run([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Faults {
		t.Error(f)
	}
	if res.Tally.Invalid != 1 {
		t.Errorf("%d invalid values", res.Tally.Invalid)
	}
}
