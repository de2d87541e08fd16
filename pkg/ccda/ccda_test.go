package ccda

import (
	"errors"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const head = `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc">`

// value is the text at an XPath below the root.
func value(t *testing.T, d *tree.Doc, path string) string {
	t.Helper()
	p, err := Format.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	n := d.At(d.First(tree.Root), p)
	if n == 0 {
		return "nothing there"
	}
	return d.Text(n)
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, body, path, want string }{
		{"attribute", head + `<id root="1.2.3"/></ClinicalDocument>`, "id/@root", "1.2.3"},
		{"quotes", head + `<id root='1.2.3' /></ClinicalDocument>`, "id/@root", "1.2.3"},
		{"text", head + "<title>\n  Visit of Ann  \n</title></ClinicalDocument>", "title", "Visit of Ann"},
		{"inner blanks stay", head + "<title>a  b</title></ClinicalDocument>", "title", "a  b"},
		{"references", head + `<title>A &amp; B &lt;&gt; &#65;&#x42; &quot;&apos;</title></ClinicalDocument>`, "title", `A & B <> AB "'`},
		{"CDATA", head + `<title>a <![CDATA[< b & c]]></title></ClinicalDocument>`, "title", "a < b & c"},
		{"line ends in attributes", head + "<id root=\"1\n2\t3\"/></ClinicalDocument>", "id/@root", "1 2 3"},
		{"line ends of Windows", head + "<title>a\r\nb</title></ClinicalDocument>", "title", "a\nb"},
		{"mixed", head + `<title>Dr. <given>Ann</given> Lee</title></ClinicalDocument>`, "title", "Dr. Lee"},
		{"comment", head + `<!-- <title>no</title> --><title>yes</title></ClinicalDocument>`, "title", "yes"},
		{"prefix", `<n:ClinicalDocument xmlns:n="urn:hl7-org:v3"><n:title>x</n:title></n:ClinicalDocument>`, "title", "x"},
		{"sdtc by another prefix", `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:e="urn:hl7-org:sdtc"><e:raceCode code="1"/></ClinicalDocument>`, "sdtc:raceCode/@code", "1"},
		{"sdtc attribute", head + `<code sdtc:valueSet="1.2"/></ClinicalDocument>`, "code/@sdtc:valueSet", "1.2"},
		{"type", `<c:ClinicalDocument xmlns:c="urn:hl7-org:v3" xmlns:i="` + XSI + `"><c:value i:type="c:PQ"/></c:ClinicalDocument>`, "value/@xsi:type", "PQ"},
		{"foreign", head + `<x:a xmlns:x="urn:x" b="1"/></ClinicalDocument>`, "x:a/@b", "1"},
		{"default namespace inside", head + `<a xmlns="urn:x" b="1"/></ClinicalDocument>`, "ns1:a/@b", "1"},
		{"narrative", head + `<component><section><text>
			<paragraph ID="a">One &amp; two</paragraph>
		</text></section></component></ClinicalDocument>`, "component/section/text", `<paragraph ID="a">One &amp; two</paragraph>`},
		{"narrative with prefixes", `<n:ClinicalDocument xmlns:n="urn:hl7-org:v3"><n:section><n:text><n:br/>a<!-- <n:x> --><n:sub>b</n:sub></n:text></n:section></n:ClinicalDocument>`,
			"section/text", `<br/>a<!-- <n:x> --><sub>b</sub>`},
		{"narrative as text", head + `<section><text>plain</text></section></ClinicalDocument>`, "section/text", "plain"},
		{"text that is no narrative", head + `<observation><text>see <reference value="#a"/></text></observation></ClinicalDocument>`, "observation/text/reference/@value", "#a"},
		{"beyond ASCII", head + `<title>Zoë ☤ 𝄞</title></ClinicalDocument>`, "title", "Zoë ☤ 𝄞"},
		{"no namespace", `<ClinicalDocument><title>x</title></ClinicalDocument>`, "title", "x"},
	} {
		doc, err := new(Parser).Parse([]byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := value(t, doc.Doc, c.path); got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.name, c.path, got, c.want)
		}
	}
}

func TestParseFaults(t *testing.T) {
	deep := strings.Repeat("<component>", 10_000)
	many := " "
	for i := range 300 {
		many += "a" + strings.Repeat("b", i) + `="1" `
	}
	for _, c := range []struct {
		name, body   string
		id           diag.ID
		line, column int
	}{
		{"empty", "", WrongRoot, 1, 1},
		{"blank", " \n ", WrongRoot, 1, 1},
		{"text", "hello", Malformed, 1, 1},
		{"cut off", head + "\n<title>x", Malformed, 2, 9},
		{"crossed", head + "<a><b></a></b></ClinicalDocument>", Malformed, 1, len(head) + 7},
		{"too many ends", head + "</ClinicalDocument></x>", Malformed, 1, len(head) + 20},
		{"two roots", head + "</ClinicalDocument><x/>", Malformed, 1, len(head) + 20},
		{"attribute twice", head + `<id root="1" root="2"/></ClinicalDocument>`, Malformed, 1, len(head) + 14},
		{"no quotes", head + `<id root=1/></ClinicalDocument>`, Malformed, 1, len(head) + 5},
		{"no value", head + `<id root/></ClinicalDocument>`, Malformed, 1, len(head) + 5},
		{"open quote", head + `<id root="1/></ClinicalDocument>`, Malformed, 1, len(head) + 10},
		{"< in a value", head + `<id root="1<2"/></ClinicalDocument>`, Malformed, 1, len(head) + 12},
		{"bare &", head + `<title>A & B</title></ClinicalDocument>`, Malformed, 1, len(head) + 10},
		{"entity", head + `<title>&nbsp;</title></ClinicalDocument>`, Malformed, 1, len(head) + 8},
		{"number of no character", head + `<title>&#0;</title></ClinicalDocument>`, Malformed, 1, len(head) + 8},
		{"control character", head + "<title>a\x01</title></ClinicalDocument>", Malformed, 1, len(head) + 9},
		{"]]> in text", head + "<title>a]]></title></ClinicalDocument>", Malformed, 1, len(head) + 9},
		{"prefix", head + "<x:a/></ClinicalDocument>", Malformed, 1, len(head) + 1},
		{"comment", head + "<!-- </ClinicalDocument>", Malformed, 1, len(head) + 1},
		{"narrative crossed", head + "<section><text><b></text></section></ClinicalDocument>", Malformed, 1, len(head) + 19},
		{"narrative cut off", head + "<section><text><b>", Malformed, 1, len(head) + 19},
		{"not UTF-8", head + "<title>\n\xff</title></ClinicalDocument>", BadCharset, 2, 1},
		{"character set", `<?xml version="1.0" encoding="EBCDIC-X"?>` + head + "</ClinicalDocument>", BadCharset, 0, 0},
		{"another document", `<Bundle xmlns="http://hl7.org/fhir"/>`, WrongRoot, 1, 1},
		{"web page", "<!DOCTYPE html>\n<html></html>", HTML, 1, 1},
		{"web page without a doctype", "<html></html>", HTML, 1, 1},
		{"entity bomb", `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + head + "&a;</ClinicalDocument>", HasDoctype, 1, 1},
		{"external entity", `<!DOCTYPE x SYSTEM "file:///etc/passwd">` + head + "</ClinicalDocument>", HasDoctype, 1, 1},
		{"deep", head + deep, TooDeep, 1, len(head) + 199*len("<component>") + 1},
		{"deep narrative", head + "<section><text>" + strings.Repeat("<b>", 10_000), TooDeep, 1, len(head) + 15 + 197*3 + 1},
		{"attributes", head + "<a" + many + "/></ClinicalDocument>", TooDeep, 1, 0},
	} {
		_, err := new(Parser).Parse([]byte(c.body))
		var f *diag.Finding
		if !errors.As(err, &f) || f.ID != c.id {
			t.Errorf("%s: %v, want %s", c.name, err, c.id)
			continue
		}
		if f.Place.Line != c.line || c.column > 0 && f.Place.Column != c.column {
			t.Errorf("%s: at %d:%d, want %d:%d", c.name, f.Place.Line, f.Place.Column, c.line, c.column)
		}
	}
	if _, err := (&Parser{Options: Options{MaxDocument: 10}}).Parse([]byte(head)); err == nil || !strings.Contains(err.Error(), string(TooLarge)) {
		t.Errorf("a document over the limit: %v", err)
	}
}

func TestCharsets(t *testing.T) {
	const body = head + "<title>Zoë Müller</title></ClinicalDocument>"
	latin, _ := charmap.ISO8859_1.NewEncoder().String(`<?xml version="1.0" encoding="ISO-8859-1"?>` + body)
	windows, _ := charmap.Windows1252.NewEncoder().String(`<?xml version='1.0' encoding='windows-1252'?>` + body)
	big, _ := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(`<?xml version="1.0" encoding="UTF-16"?>` + body)
	little, _ := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String(body)
	for name, text := range map[string]string{"utf-8": body, "mark": "\uFEFF" + body, "latin": latin, "windows": windows, "big": big, "little": little} {
		doc, err := new(Parser).Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := value(t, doc.Doc, "title"); got != "Zoë Müller" {
			t.Errorf("%s: %q", name, got)
		}
		if !Sniff([]byte(text)[:min(len(text), 180)]) {
			t.Errorf("%s is not recognised", name)
		}
	}
	doc, err := (&Parser{Options: Options{Charset: "ISO-8859-1"}}).Parse([]byte(strings.Replace(latin, "ISO-8859-1", "UTF-8", 1)))
	if err != nil || value(t, doc.Doc, "title") != "Zoë Müller" {
		t.Errorf("a character set that the user names: %v", err)
	}
}

func TestPlace(t *testing.T) {
	doc, err := new(Parser).Parse([]byte(head + "\n<author/><participant/><author>\n<time value='2026'/></author></ClinicalDocument>"))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := Format.ParsePath("author[2]/time/@value")
	got := doc.Place(doc.At(doc.Root, p))
	if want := (diag.Place{Line: 3, Column: 7, Path: "/ClinicalDocument/author[2]/time/@value"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A name that many siblings bear is counted without looking at them all.
func TestOrdinalsOfManyNames(t *testing.T) {
	var b strings.Builder
	for range 3 {
		for i := range 60 {
			b.WriteString("<x" + strings.Repeat("y", i) + "/>")
		}
	}
	doc, err := new(Parser).Parse([]byte(head + b.String() + "</ClinicalDocument>"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for k := doc.First(doc.Root); k != 0; k = doc.Next(k) {
		at := doc.PlaceOf(k)
		if seen[at] {
			t.Fatalf("%s stands twice", at)
		}
		seen[at] = true
	}
	if !seen["/ClinicalDocument/x"+strings.Repeat("y", 59)+"[3]"] {
		t.Error("the third of the last name is not called so")
	}
}

func TestPrintInTheOrderOfTheSchema(t *testing.T) {
	d := tree.New(Format, 32)
	root := d.Add(tree.Root, "ClinicalDocument", "")
	set := func(path, text string) {
		p, err := Format.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		d.SetText(d.Make(root, p, false), text)
	}
	set("title", "A & B")
	set("id/@root", "1.2.3")
	set("templateId/@root", "2.16.840.1.113883.10.20.22.1.1")
	set("recordTarget/patientRole/id/@extension", "7\"<\n")
	set("nothing/@of", "this kind")
	out, finds := AppendDocument(nil, d, nil)
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="2.16.840.1.113883.10.20.22.1.1"/>
  <id root="1.2.3"/>
  <code nullFlavor="NI"/>
  <title>A &amp; B</title>
  <effectiveTime nullFlavor="NI"/>
  <confidentialityCode nullFlavor="NI"/>
  <recordTarget>
    <patientRole>
      <id extension="7&quot;&lt;&#10;"/>
    </patientRole>
  </recordTarget>
`
	if !strings.HasPrefix(string(out), want) {
		t.Errorf("printed\n%s\nwant it to begin\n%s", out, want)
	}
	if len(finds) != 1 || finds[0].ID != Misplaced {
		t.Errorf("findings %v", finds)
	}
	if strings.Contains(string(out), "this kind") {
		t.Error("what the schema does not allow was written")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + `<title>a&amp;b</title><section><text><br/>x</text></section></ClinicalDocument>`))
	f.Add([]byte(`<n:ClinicalDocument xmlns:n="urn:hl7-org:v3"><n:section><n:text><n:br/></n:text></n:section></n:ClinicalDocument>`))
	f.Add([]byte("<?xml version='1.0' encoding='ISO-8859-1'?><ClinicalDocument>\xe4<![CDATA[x]]><!-- --></ClinicalDocument>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := new(Parser).Parse(b)
		if err != nil {
			var f *diag.Finding
			if !errors.As(err, &f) {
				t.Fatalf("%v is no finding", err)
			}
			return
		}
		doc.Leaves(func(n tree.Node, _ tree.State, _ string) { doc.Place(n) })
		out, _ := AppendDocument(nil, doc.Doc, doc.Namespaces)
		again, err := new(Parser).Parse(out)
		if err != nil {
			t.Fatalf("what was printed cannot be read: %v\n%s", err, out)
		}
		if twice, _ := AppendDocument(nil, again.Doc, again.Namespaces); string(twice) != string(out) {
			t.Fatalf("printing it again gives other bytes:\n%s\n%s", out, twice)
		}
	})
}

// Positions are those that counting from the start gives, at each byte, line ends included.
func TestPosition(t *testing.T) {
	const source = "\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\">\r\n <title a=\"1\" > x</title>\n\n</ClinicalDocument>\n"
	doc, err := new(Parser).Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	line, column := 1, 1
	for i := range len(source) + 1 {
		if l, c := doc.Position(i); l != line || c != column {
			t.Errorf("byte %d is at %d:%d, not %d:%d", i, line, column, l, c)
		}
		if column++; i < len(source) && source[i] == '\n' {
			line, column = line+1, 1
		}
	}
	if at := doc.Inside(doc.Child(doc.Root, "title")); source[at] != 'x' {
		t.Errorf("the title begins at %d", at)
	}
}

func TestSniff(t *testing.T) {
	for head, want := range map[string]bool{
		"<ClinicalDocument xmlns=\"urn:hl7-org:v3\">":                              true,
		"\ufeff<?xml version=\"1.0\"?>\n<!-- a > b --><n:ClinicalDocument":         true,
		"<!DOCTYPE ClinicalDocument><ClinicalDocument>":                            true,
		"<!DOCTYPE x [<!ENTITY a \"b\"><!ENTITY c \"&a;\">] >\n<ClinicalDocument>": true,
		"<!DOCTYPE html><html>":                                                    false,
		"<Bundle xmlns=\"http://hl7.org/fhir\">":                                   false,
		"MSH|^~\\&":                                                                false,
		"":                                                                         false,
	} {
		if got := Sniff([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}

// TestPrintsNothingForbidden: what the schema does not allow in an attribute is left out with a finding, and so is an element that needs what nobody can make up.
func TestPrintsNothingForbidden(t *testing.T) {
	for _, tt := range []struct{ in, out, places string }{
		{`<low value="2026-01-02"/>`, `<low nullFlavor="UNK"/>`, "effectiveTime/low/@value"},
		{`<low value=" 20260102 "/>`, `<low value="20260102"/>`, ""},
		{`<low value="20260102"/><high value=""/>`, `<low value="20260102"/>`, ""},
	} {
		doc := `<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/><code code="a"/><effectiveTime value="2020"/><confidentialityCode code="N"/><documentationOf><serviceEvent classCode="ACT"><effectiveTime>` + tt.in + `</effectiveTime></serviceEvent></documentationOf></ClinicalDocument>`
		checkPrinted(t, doc, tt.out, tt.places)
	}
	entry := func(s string) string {
		return `<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/><component><structuredBody><component><section><code code="a"/><entry>` + s + `</entry></section></component></structuredBody></component></ClinicalDocument>`
	}
	for _, tt := range []struct{ in, out, places string }{
		{`<act classCode="TRNS" moodCode="EVN"><code code="a"/></act>`, `<act classCode="ACT" moodCode="EVN">`, "entry/act/@classCode"},
		{`<supply moodCode="EVN"><code code="a"/></supply>`, `<supply classCode="SPLY" moodCode="EVN">`, ""},
		{`<act classCode="ACT"><code code="a"/></act>`, `<code code="a"/>`, "section/entry"}, // nobody knows whether it has happened: neither the act nor an entry of nothing
		{`<act classCode="ACT" moodCode="EVN"><code code="a"/><entryRelationship typeCode="COMP"/></act>`, `<act classCode="ACT" moodCode="EVN">`, "act/entryRelationship"},
		{`<act classCode="ACT" moodCode="EVN"><code code="a"/><entryRelationship typeCode="WHY"><act classCode="ACT" moodCode="EVN"><code code="b"/></act></entryRelationship></act>`, `<entryRelationship typeCode="REFR">`, "entryRelationship/@typeCode"},
		{`<act classCode="ACT" moodCode="EVN"><code code="a"/><text><reference value="[5] #"/></text></act>`, `<reference nullFlavor="UNK"/>`, "reference/@value"},
		{`<substanceAdministration classCode="SBADM" moodCode="EVN"><text>given</text></substanceAdministration>`, `<manufacturedMaterial nullFlavor="NI"/>`, ""},
	} {
		checkPrinted(t, entry(tt.in), tt.out, tt.places)
	}
}

// checkPrinted holds a document that is printed against what it must hold, and against the places of the findings by their ends.
func checkPrinted(t *testing.T, doc, want, places string) {
	t.Helper()
	d, err := new(Parser).Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	out, finds := AppendDocument(nil, d.Doc, nil)
	if !strings.Contains(string(out), want) {
		t.Errorf("%s is not printed:\n%s", want, out)
	}
	n := 0
	NoPlace(d.Doc, func(_ tree.Node, why Unfit) {
		if why != Blanks {
			n++
		}
	})
	if found := len(finds) > 0; found != (places != "") || found && !strings.HasSuffix(finds[0].Place.Path, places) {
		t.Errorf("findings %v, not at %s", finds, places)
	} else if (n > 0) != found {
		t.Errorf("%d nodes have no place, and %d findings say so", n, len(finds))
	}
}
