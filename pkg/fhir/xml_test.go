package fhir

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/testshared"
)

const patientXML = `<Patient xmlns="http://hl7.org/fhir">`

// xmlCases are resources in XML, the findings that they give, and what they are in JSON.
var xmlCases = []struct {
	in   string
	want []string // id line:column path
	left string   // "" if nothing could be read
}{
	// What XML allows and FHIR uses.
	{patientXML + `</Patient>`, nil, `{"resourceType":"Patient"}`},
	{`<Patient xmlns="http://hl7.org/fhir"/>`, nil, `{"resourceType":"Patient"}`},
	{"\ufeff<?xml version='1.0' encoding=\"utf-8\"?>\n<!-- a > b --><?style none?>\n<Patient xmlns='http://hl7.org/fhir'\n\txmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='http://hl7.org/fhir ../x.xsd'>\n <id value='a' />\n</Patient>\n<!-- end -->\n",
		nil, `{"resourceType":"Patient","id":"a"}`},
	{`<f:Patient xmlns:f="http://hl7.org/fhir"><f:id value="a"></f:id><f:active value="true"/></f:Patient>`, nil, `{"resourceType":"Patient","id":"a","active":true}`},
	{patientXML + `<name><!-- x --><family value="A&amp;B &lt;&#67;&#x44;&gt; &quot;&apos;"/><given value="a&#10;b` + "\n\tc" + `"/></name></Patient>`, nil,
		`{"resourceType":"Patient","name":[{"family":"A&B <CD> \"'","given":["a\nb  c"]}]}`},
	{patientXML + `<name id="n"><given value="A" id="g"><extension url="http://x.example"><valueString value="v"/></extension></given><given value="B"/><given><extension url="http://x.example"><valueCode value="c"/></extension></given></name></Patient>`, nil,
		`{"resourceType":"Patient","name":[{"id":"n","given":["A","B",null],"_given":[{"id":"g","extension":[{"url":"http://x.example","valueString":"v"}]},null,{"extension":[{"url":"http://x.example","valueCode":"c"}]}]}]}`},
	{patientXML + `<birthDate><extension url="http://x.example"><valueBoolean value="false"/></extension></birthDate></Patient>`, nil,
		`{"resourceType":"Patient","_birthDate":{"extension":[{"url":"http://x.example","valueBoolean":false}]}}`},
	{`<Observation xmlns="http://hl7.org/fhir"><contained><Patient><id value="p"/></Patient></contained><status value="final"/><code><text value="c"/></code><subject><reference value="#p" id="r"><extension url="http://x.example"><valueString value="v"/></extension></reference></subject><valueQuantity><value value="1.50"/><comparator value="&lt;"/></valueQuantity></Observation>`, nil,
		`{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],"status":"final","code":{"text":"c"},"subject":{"reference":"#p","_reference":{"id":"r","extension":[{"url":"http://x.example","valueString":"v"}]}},"valueQuantity":{"value":1.50,"comparator":"<"}}`},
	{`<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="a"/><resource><Patient><active value="false"/></Patient></resource></parameter></Parameters>`, nil,
		`{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","active":false}}]}`},
	// The narrative is kept as it was written, and stands for itself.
	{patientXML + `<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml" class='x'><p>a &lt; b<br/>&#160;<!-- c --></p></div></text></Patient>`, nil,
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\" class='x'><p>a &lt; b<br/>&#160;<!-- c --></p></div>"}}`},
	{`<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text><status value="generated"/><h:div class="x"><h:p title="a > b">t<h:br/></h:p></h:div></text></Patient>`, nil,
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\" class=\"x\"><p title=\"a > b\">t<br/></p></div>"}}`},
	{patientXML + `<text><status value="generated"/><div>t</div></text></Patient>`, []string{"CP-FHIR-083 1:71 Patient.text.div"},
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">t</div>"}}`},
	{patientXML + `<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;b</div></text></Patient>`, []string{"CP-FHIR-082 1:114 Patient.text.div"}, `{"resourceType":"Patient","text":{"status":"generated"}}`},
	// Order, twice, unknown, empty.
	{patientXML + `<active value="true"/><id value="a"/><birthDate value="2000"/></Patient>`, []string{"CP-FHIR-084 1:60 Patient.id"}, `{"resourceType":"Patient","id":"a","active":true,"birthDate":"2000"}`},
	{patientXML + `<name><text value="a"/></name><active value="true"/><name><text value="b"/></name></Patient>`, []string{"CP-FHIR-084 1:68 Patient.active"}, `{"resourceType":"Patient","active":true,"name":[{"text":"a"},{"text":"b"}]}`},
	{patientXML + "\n<active value=\"true\"/>\n<active value=\"false\"/></Patient>", []string{"CP-FHIR-002 3:1 Patient.active"}, `{"resourceType":"Patient","active":true}`},
	{patientXML + `<surname value="x"><y/></surname><id value="a"/></Patient>`, []string{"CP-FHIR-003 1:38 Patient"}, `{"resourceType":"Patient","id":"a"}`},
	{patientXML + `<name use="home"><text value="a"/></name></Patient>`, []string{"CP-FHIR-003 1:49 Patient.name[0]"}, `{"resourceType":"Patient","name":[{"text":"a"}]}`},
	{patientXML + `<name/><meta></meta><birthDate/><gender value=""/></Patient>`, []string{"CP-FHIR-007 1:38 Patient.name[0]", "CP-FHIR-084 1:45 Patient.meta", "CP-FHIR-007 1:45 Patient.meta", "CP-FHIR-007 1:58 Patient.birthDate", "CP-FHIR-007 1:85 Patient.gender"}, `{"resourceType":"Patient"}`},
	{patientXML + `<name>Doe</name></Patient>`, []string{"CP-FHIR-085 1:44 Patient.name[0]", "CP-FHIR-007 1:38 Patient.name[0]"}, `{"resourceType":"Patient"}`},
	{patientXML + `<birthDate value="2000-13-01"/><active value="1"/><gender value="Male"/></Patient>`, []string{"CP-FHIR-009 1:56 Patient.birthDate", "CP-FHIR-084 1:69 Patient.active", "CP-FHIR-009 1:84 Patient.active", "CP-FHIR-010 1:103 Patient.gender"}, `{"resourceType":"Patient"}`},
	{patientXML + `<deceasedBoolean value="true"/><deceasedDateTime value="2000"/></Patient>`, []string{"CP-FHIR-011 1:69 Patient.deceasedDateTime"}, `{"resourceType":"Patient","deceasedBoolean":true}`},
	{patientXML + `<id value="a b"/></Patient>`, []string{"CP-FHIR-013 1:49 Patient.id"}, `{"resourceType":"Patient","id":"a b"}`},
	{patientXML + `<x:y xmlns:x="urn:x"><x:z/></x:y><id value="a"/></Patient>`, []string{"CP-FHIR-083 1:38 Patient"}, `{"resourceType":"Patient","id":"a"}`},
	{`<Patient><id value="a"/></Patient>`, []string{"CP-FHIR-083 1:1 Patient"}, `{"resourceType":"Patient","id":"a"}`},
	{`<Patient xmlns="urn:hl7-org:v3"><id value="a"/></Patient>`, []string{"CP-FHIR-083 1:1 "}, ""},
	{`<Pateint xmlns="http://hl7.org/fhir"/>`, []string{"CP-FHIR-005 1:1 "}, ""},
	{patientXML + `</Patient><Patient/>`, []string{"CP-FHIR-017 1:48 "}, `{"resourceType":"Patient"}`},
	{patientXML + `<contained/><contained><Patient><id value="a"/></Patient><Patient/></contained></Patient>`, []string{"CP-FHIR-007 1:38 Patient.contained[0]", "CP-FHIR-002 1:95 Patient.contained[0]"}, `{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"a"}]}`},
	// What XML does not allow. What came before is kept.
	{patientXML + "<id value=\"a\"/>\n<name><family value=\"x\"></name></Patient>", []string{"CP-FHIR-081 2:25 Patient.name[0].family"}, `{"resourceType":"Patient","id":"a","name":[{"family":"x"}]}`},
	{patientXML + `<id value="a"/><name`, []string{"CP-FHIR-081 1:53 Patient"}, `{"resourceType":"Patient","id":"a"}`},
	{patientXML + `<id value="a"/>`, []string{"CP-FHIR-081 1:53 Patient"}, `{"resourceType":"Patient","id":"a"}`},
	{patientXML + `<id value=a/></Patient>`, []string{"CP-FHIR-081 1:48 Patient"}, `{"resourceType":"Patient"}`},
	{patientXML + `<id value="a" value="b"/></Patient>`, []string{"CP-FHIR-081 1:59 Patient"}, `{"resourceType":"Patient"}`},
	{patientXML + `<q:id value="a"/></Patient>`, []string{"CP-FHIR-081 1:38 Patient"}, `{"resourceType":"Patient"}`},
	{patientXML + "<language value=\"\xff\"/></Patient>", []string{"CP-FHIR-081 1:55 "}, ""},
	{patientXML + `<language value="&#0;"/></Patient>`, []string{"CP-FHIR-082 1:55 Patient.language"}, `{"resourceType":"Patient"}`},
	{patientXML + `<language value="&secret;"/></Patient>`, []string{"CP-FHIR-082 1:55 Patient.language"}, `{"resourceType":"Patient"}`},
	{`<!DOCTYPE Patient [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + patientXML + `<language value="&a;"/></Patient>`, []string{"CP-FHIR-082 1:1 "}, ""},
	{`<`, []string{"CP-FHIR-081 1:1 "}, ""},
	{`</Patient>`, []string{"CP-FHIR-081 1:1 "}, ""},
	{`<!-- nothing -->`, []string{"CP-FHIR-081 1:17 "}, ""},
}

func TestXMLCases(t *testing.T) {
	for i, c := range xmlCases {
		m, finds := Unmarshal([]byte(c.in))
		var got []string
		for _, f := range finds {
			got = append(got, fmt.Sprintf("%s %d:%d %s", f.ID, f.Place.Line, f.Place.Column, f.Place.Path))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d: %s\nfindings %q\nwant     %q", i, c.in, got, c.want)
		}
		left := ""
		if m != nil {
			b, err := Append(nil, m)
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
			left = string(b)
		}
		if left != c.left {
			t.Errorf("%d: %s\nleaves %s\nwant   %s", i, c.in, left, c.left)
		}
	}
}

func TestXMLDepth(t *testing.T) {
	nested := func(n int) string {
		return patientXML + strings.Repeat(`<extension url="u">`, n) + `<valueCode value="c"/>` + strings.Repeat(`</extension>`, n) + `</Patient>`
	}
	if _, finds := Unmarshal([]byte(nested(MaxDepth - 1))); len(finds) > 0 {
		t.Error(finds)
	}
	for _, n := range []int{MaxDepth, 10000} {
		if _, finds := Unmarshal([]byte(nested(n))); len(finds) == 0 || finds[0].ID != "CP-FHIR-014" {
			t.Errorf("%d deep: %v", n, finds)
		}
	}
	deep := patientXML + `<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">` + strings.Repeat("<b>", 10000)
	if _, finds := Unmarshal([]byte(deep)); len(finds) == 0 || finds[0].ID != "CP-FHIR-014" {
		t.Errorf("a deep narrative: %v", finds)
	}
}

// TestXMLWritten: what XML cannot hold is not written.
func TestXMLWritten(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"resourceType":"Patient","name":[{"family":"a\nb\t\"<&>\u00e9"}]}`, patientXML + `<name><family value="a&#10;b&#9;&quot;&lt;&amp;&gt;é"/></name></Patient>`},
		{`{"resourceType":"Patient","text":{"status":"generated","div":"<div>a&nbsp;b</div>"}}`, patientXML + `<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">a` + "\u00a0" + `b</div></text></Patient>`},
		{`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a</div>"}}`, "[:0:0, Patient.text.div: CP-FHIR-086]"},
		{`{"resourceType":"Patient","text":{"status":"generated","div":"a < b"}}`, "Patient.text.div: CP-FHIR-086"},
		{`{"resourceType":"Patient","name":[{"family":"a\u0001b"}]}`, "Patient.name[0].family: CP-FHIR-086"},
		{`{"resourceType":"Patient","name":[{"family":"a\uffffb"}]}`, "Patient.name[0].family: CP-FHIR-086"},
	} {
		m, _ := Unmarshal([]byte(c.in))
		out, err := AppendXML(nil, m)
		if strings.HasSuffix(strings.Trim(c.want, "]"), "CP-FHIR-086") {
			if err == nil || len(out) > 0 {
				t.Errorf("%s is written: %s", c.in, out)
			}
		} else if err != nil || string(out) != c.want {
			t.Errorf("%s\nbecomes %s %v\nwant    %s", c.in, out, err, c.want)
		}
	}
	if _, err := AppendXML(nil, nil); err == nil {
		t.Error("nothing is written")
	}
}

func TestSniffXML(t *testing.T) {
	for in, want := range map[string]string{
		patientXML: "Patient", "\ufeff\n<?xml version='1.0'?><!-- c --><f:Bundle xmlns:f='http://hl7.org/fhir'>": "Bundle", "<Patient>": "Patient",
		"<ClinicalDocument xmlns='urn:hl7-org:v3'>": "", "<html>": "", "": "", "{": "", "<Patient": "", "x<Patient>": "", "<!DOCTYPE Patient><Patient>": "", "\xff\xfe<\x00P\x00": "",
	} {
		if got := SniffXML([]byte(in)); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestXMLReader(t *testing.T) {
	p := func(id string) string {
		return `<Patient xmlns="http://hl7.org/fhir"><id value="` + id + `"/></Patient>`
	}
	const open = `<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/>`
	e := func(id string) string {
		return `<entry><resource><Patient><id value="` + id + `"/></Patient></resource></entry>`
	}
	for _, c := range []struct {
		name, in string
		opts     ReaderOptions
		want     []string
	}{
		{"one", p("a"), ReaderOptions{}, []string{"1:1:1 Patient/a"}},
		{"mark and header", "\ufeff<?xml version='1.0'?>\n" + p("a") + "\n", ReaderOptions{}, []string{"1:1:4 Patient/a"}},
		{"one behind the other", p("a") + "\n<?xml version='1.0'?>" + p("b"), ReaderOptions{}, []string{"1:1:1 Patient/a", "2:2:1 Patient/b"}},
		{"bundle", open + "\n" + e("a") + "\n <!-- <entry> -->" + e("b") + "\n<signature><data value=\"YQ==\"/></signature></Bundle>", ReaderOptions{},
			[]string{"1:2:1 entry 0 Patient/a", "1:3:18 entry 1 Patient/b", "1:1:1 end of 2 collection signed"}},
		{"bundle, whole", open + e("a") + "</Bundle>", ReaderOptions{Whole: true}, []string{"1:1:1 Bundle/"}},
		{"bundle without entries", open + "</Bundle>", ReaderOptions{}, []string{"1:1:1 Bundle/"}},
		{"prefixes", `<f:Bundle xmlns:f="http://hl7.org/fhir"><f:entry><f:resource><f:Patient><f:id value="a"/></f:Patient></f:resource></f:entry></f:Bundle>`, ReaderOptions{},
			[]string{"1:1:41 entry 0 Patient/a", "1:1:1 end of 1"}},
		{"an entry that is not closed", open + e("a") + `<entry><resource><Patient><id value="b"></Patient></resource></entry>` + e("c") + "</Bundle>", ReaderOptions{},
			[]string{"1:1:63 entry 0 Patient/a", "1:1:133 entry 1 Patient/b [CP-FHIR-081 1:173 Bundle.entry[1].resource.id]", "1:1:202 entry 2 Patient/c", "1:1:1 end of 3 collection"}},
		{"the last entry is not closed", open + e("a") + `<entry><resource></Bundle>`, ReaderOptions{},
			[]string{"1:1:63 entry 0 Patient/a", "1:1:133 entry 1 [CP-FHIR-081 1:150 Bundle.entry[1].resource]", "1:1:1 end of 2 collection"}},
		{"cut off", open + e("a") + `<entry><resource>`, ReaderOptions{},
			[]string{"1:1:63 entry 0 Patient/a", "1:1:133 entry 1 [CP-FHIR-081 1:150 Bundle.entry[1].resource]", "1:1:150 end of 2 collection [CP-FHIR-018 1:150 Bundle.entry[1]]"}},
		{"cut off behind an entry", open + e("a"), ReaderOptions{}, []string{"1:1:63 entry 0 Patient/a", "1:1:133 end of 1 collection [CP-FHIR-018 1:133 Bundle.entry[0]]"}},
		{"a document type", "<!DOCTYPE x>" + p("a"), ReaderOptions{}, []string{"1:1:1 [CP-FHIR-082 1:1 ]"}},
		{"too large an entry", open + e("a") + e(strings.Repeat("x", 300)) + e("b") + "</Bundle>", ReaderOptions{Max: 200},
			[]string{"1:1:63 entry 0 Patient/a", "1:1:133 entry 1 [CP-FHIR-015 1:133 Bundle.entry[1]]", "1:1:502 entry 2 Patient/b", "1:1:1 end of 3 collection"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{"": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in))} {
				if name == "" && c.opts.Max > 0 {
					continue // the limit is looked at when more is read
				}
				var got []string
				for e, err := range NewReader(r, c.opts).All() {
					got = append(got, say(e, err))
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			}
		})
	}
}

// TestXMLStream: a bundle in XML streams as it does in JSON, in one goroutine and in several.
func TestXMLStream(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "corpus/fhir/synthea/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no bundles", err)
	}
	for _, f := range files[:min(len(files), 6)] {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := Unmarshal(data)
		whole := m.(*rpb.Bundle)
		xml, err := AppendXML(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		for _, jobs := range []int{1, 3} {
			n := 0
			for e, err := range NewReader(iotest.HalfReader(bytes.NewReader(xml)), ReaderOptions{Jobs: jobs}).All() {
				switch {
				case err != nil || len(e.Findings) > 0:
					t.Fatal(err, e.Findings)
				case e.End:
					shell := proto.Clone(whole).(*rpb.Bundle)
					if shell.Entry = nil; !proto.Equal(shell, e.Bundle) {
						t.Errorf("%s: the bundle differs", filepath.Base(f))
					}
				default:
					if !proto.Equal(whole.Entry[n], e.Item) {
						t.Errorf("%s: entry %d differs", filepath.Base(f), n)
					}
					n++
				}
			}
			if n != len(whole.Entry) {
				t.Errorf("%s: %d entries of %d", filepath.Base(f), n, len(whole.Entry))
			}
		}
	}
}

// TestXMLBundleWriter: a bundle written entry by entry is the bundle written at once.
func TestXMLBundleWriter(t *testing.T) {
	for _, in := range []string{
		`{"resourceType":"Bundle","type":"collection"}`,
		`{"resourceType":"Bundle","type":"collection","signature":{"when":"2020-01-02T03:04:05Z","who":{"reference":"Patient/a"},"data":"YQ=="}}`,
		`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"a"}},{"resource":{"resourceType":"Patient","id":"b"}}]}`,
		`{"resourceType":"Bundle","id":"x","type":"collection","entry":[{"resource":{"resourceType":"Patient"}}],"signature":{"data":"YQ=="}}`,
	} {
		whole := read(t, in).(*rpb.Bundle)
		want, err := AppendXML(nil, whole)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := NewXMLBundleWriter(&out, whole)
		if err := w.AddEntry(&rpb.Bundle_Entry{}); err == nil {
			t.Error("an empty entry is written")
		}
		for _, e := range whole.Entry {
			if err := w.AddEntry(e); err != nil {
				t.Error(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if out.String() != string(want) {
			t.Errorf("%s\nwant\n%s", out.String(), want)
		}
	}
}

// FuzzXML: whatever it is, reading ends; what was read without a loss is written, and comes back the same.
func FuzzXML(f *testing.F) {
	for _, c := range xmlCases {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !isXML(bytes.TrimPrefix(b, utf8Mark)) {
			return
		}
		for e, err := range NewReader(bytes.NewReader(b), ReaderOptions{}).All() {
			_ = say(e, err)
		}
		m, finds := Unmarshal(b)
		if m == nil || Lost(finds) != nil {
			return
		}
		out, err := AppendXML(nil, m)
		if err != nil {
			if strings.Contains(string(b), "div") {
				return
			}
			t.Fatalf("%v", err)
		}
		back, finds := Unmarshal(out)
		if Lost(finds) != nil || !proto.Equal(m, back) {
			t.Errorf("%s\ncomes back otherwise: %v", out, finds)
		}
	})
}

func BenchmarkXML(b *testing.B) {
	x := loadBench()
	if x == nil {
		b.Skip("no shared corpora here")
	}
	var docs [][]byte
	size := int64(0)
	for _, m := range x.msgs {
		d, err := AppendXML(nil, m)
		if err != nil {
			b.Fatal(err)
		}
		docs, size = append(docs, d), size+int64(len(d))
	}
	b.Run("read", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, d := range docs {
				if m, finds := Unmarshal(d); m == nil || len(finds) > 0 {
					b.Fatal(finds)
				}
			}
		}
	})
	b.Run("readJSON", func(b *testing.B) {
		b.SetBytes(x.bytes)
		b.ReportAllocs()
		for b.Loop() {
			for _, d := range x.docs {
				if m, finds := Unmarshal(d); m == nil || len(finds) > 0 {
					b.Fatal(finds)
				}
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		var out []byte
		var err error
		for b.Loop() {
			for _, m := range x.msgs {
				if out, err = AppendXML(out[:0], m); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("writeJSON", func(b *testing.B) {
		b.SetBytes(x.bytes)
		b.ReportAllocs()
		var out []byte
		var err error
		for b.Loop() {
			for _, m := range x.msgs {
				if out, err = Append(out[:0], m); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
