package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// page makes the one page of some resources.
func page(t testing.TB, resources ...string) string {
	t.Helper()
	s := NewSet()
	s.AddSource(Source{Name: "a.json", Format: "FHIR"})
	for _, r := range resources {
		if err := s.Add([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := s.Pages()
	if err != nil || len(pages) != 1 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	return html(t, pages[0])
}

func html(t testing.TB, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if why := harmless(b.String()); why != "" {
		t.Fatal(why)
	}
	return b.String()
}

// What may stand in a page. A browser makes an element of nothing else, and of no attribute an action.
var (
	pageTags = strings.Fields(`html head meta title style body a p h1 h2 h3 h4 h5 h6 header dl dt dd nav ul ol li main section div table caption thead tbody tfoot tr th td
		small strong br hr img details summary code footer em sub sup span pre blockquote q cite dfn abbr`)
	pageAttrs = strings.Fields("lang charset http-equiv content name class href id aria-label aria-labelledby aria-hidden role tabindex scope colspan rowspan src alt download")
	tagForm   = regexp.MustCompile(`^</?([a-z][a-z0-9]*)((?: [a-z-]+="[^"<>]*")*)>`)
	attrForm  = regexp.MustCompile(` ([a-z-]+)="([^"]*)"`)
	dataForm  = regexp.MustCompile(`^data:(?:image|text|application)/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=]*$`)
)

// harmless says what in a page a browser could run or load, or where its elements are not nested; empty if nothing is.
func harmless(s string) string {
	s, ok := strings.CutPrefix(s, "<!DOCTYPE html>\n")
	if !ok {
		return "no DOCTYPE"
	}
	var open []string
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		s = s[i:]
		m := tagForm.FindStringSubmatch(s)
		if m == nil {
			return "not a tag: " + s[:min(len(s), 60)]
		}
		tag := m[1]
		if !slices.Contains(pageTags, tag) {
			return "element " + tag
		}
		for _, a := range attrForm.FindAllStringSubmatch(m[2], -1) {
			name, value := a[1], a[2]
			switch {
			case !slices.Contains(pageAttrs, name):
				return "attribute " + name
			case name == "src" && !dataForm.MatchString(value), name == "href" && !strings.HasPrefix(value, "#") && !dataForm.MatchString(value):
				return "address " + value[:min(len(value), 60)]
			case name == "href" && (strings.Contains(value, "html") || strings.Contains(value, "svg") || strings.Contains(value, "xml")) && !strings.HasPrefix(value, "data:application/vnd.") && strings.HasPrefix(value, "data:"):
				return "something to run: " + value[:30]
			}
		}
		if strings.HasPrefix(s, "</") {
			if len(open) == 0 || open[len(open)-1] != tag {
				return "not nested: </" + tag
			}
			open = open[:len(open)-1]
		} else if !void(tag) {
			open = append(open, tag)
		}
		s = s[len(m[0]):]
		if tag == "style" && !strings.HasPrefix(s, "</") {
			rest, ok := strings.CutPrefix(s, Style)
			if !ok {
				return "another style"
			}
			s = rest
		}
	}
	if len(open) > 0 {
		return "not closed: " + open[len(open)-1]
	}
	return ""
}

const ann = `{"resourceType":"Patient","id":"ann","name":[{"use":"official","family":"Example","given":["Ann"]}],"birthDate":"1950-01-02","gender":"female",
	"identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","value":"999-12-3456"},{"type":{"coding":[{"code":"MR"}]},"value":"77"}]}`

// TestMeaning: what turns a meaning around stands on the page, in words and with its flag.
func TestMeaning(t *testing.T) {
	for _, tt := range []struct {
		name, resource string
		want           []string
	}{
		{"refuted", `{"resourceType":"Condition","verificationStatus":{"coding":[{"code":"refuted"}]},"code":{"text":"Asthma"}}`,
			[]string{`<strong class="flag">Ruled out: the patient does not have it</strong>`}},
		{"entered in error", `{"resourceType":"AllergyIntolerance","verificationStatus":{"coding":[{"code":"entered-in-error"}]},"code":{"text":"Nuts"}}`,
			[]string{`<tr class="odd">`, `<strong class="flag">Entered in error: disregard</strong>`}},
		{"nothing of a kind", `{"resourceType":"Condition","verificationStatus":{"coding":[{"code":"refuted"}]},"code":{"coding":[{"system":"http://snomed.info/sct","code":"55607006","display":"No known health problems"}]}}`,
			[]string{`<th scope="row">No known problems</th><td>As stated</td>`}},
		{"no medicines", `{"resourceType":"MedicationRequest","status":"active","intent":"order","doNotPerform":true,"medicationReference":{"reference":"#m"},
			"contained":[{"resourceType":"Medication","id":"m","code":{"coding":[{"system":"http://snomed.info/sct","code":"410942007","display":"drug or medication"}]}}]}`,
			[]string{`<th scope="row">No known medicines</th><td>As stated</td>`}},
		{"denied twice", `{"resourceType":"Condition","verificationStatus":{"coding":[{"code":"refuted"}]},"code":{"text":"No asthma"}}`,
			[]string{`No asthma<br><strong class="flag">The record denies this itself`, `Ruled out`}},
		{"not given", `{"resourceType":"Immunization","status":"not-done","statusReason":{"text":"refused"},"vaccineCode":{"text":"Flu"}}`,
			[]string{`<strong class="flag">Not done</strong>, refused`}},
		{"not to be done", `{"resourceType":"MedicationRequest","status":"active","intent":"order","doNotPerform":true,"medicationCodeableConcept":{"text":"Aspirin"}}`,
			[]string{`<strong class="flag">DO NOT: this was asked not to be done</strong>, Active`}},
		{"denied", `{"resourceType":"Observation","status":"final","code":{"text":"Chest pain"},"modifierExtension":[{"url":"https://chartpost.org/fhir/StructureDefinition/negation","valueBoolean":true}]}`,
			[]string{`<strong class="flag">NOT: this is denied</strong>`}},
		{"another modifier", `{"resourceType":"Procedure","status":"completed","code":{"text":"Repair"},"modifierExtension":[{"url":"http://example.org/maybe","valueString":"perhaps"}]}`,
			[]string{`<strong class="flag">ATTENTION, Maybe: perhaps</strong>`}},
		{"a modifier within", `{"resourceType":"MedicationStatement","status":"active","medicationCodeableConcept":{"text":"A"},"dosage":[{"text":"1 daily","modifierExtension":[{"url":"x/not","valueBoolean":true}]}]}`,
			[]string{`<strong class="flag">ATTENTION, Not: true</strong> 1 daily`}},
		{"a result as it was flagged", `{"resourceType":"Observation","status":"final","code":{"text":"Glucose"},"valueQuantity":{"comparator":">","value":400.50,"unit":"mg/dL"},
			"referenceRange":[{"low":{"value":70,"unit":"mg/dL"},"high":{"value":99,"unit":"mg/dL"}}],"interpretation":[{"coding":[{"code":"HH"}]}]}`,
			[]string{`more than 400.50 mg/dL`, `<strong class="flag">Critically high</strong>`, `70 mg/dL to 99 mg/dL`}},
		{"no value", `{"resourceType":"Observation","status":"preliminary","code":{"text":"Glucose"},"dataAbsentReason":{"coding":[{"code":"asked-declined"}]}}`,
			[]string{`not known: Asked declined`, `<strong class="flag">Preliminary</strong>`}},
		{"an absent element", `{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"Flu"},"_occurrenceDateTime":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}`,
			[]string{`not known: Unknown`}},
		{"another subject", `{"resourceType":"Observation","status":"final","code":{"text":"Weight"},"subject":{"display":"the newborn"},"valueString":"3 kg"}`,
			[]string{`<small>Subject: </small>the newborn`}},
		{"a time of day", `{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"314076","display":"lisinopril 10 MG"}]},
			"dosageInstruction":[{"doseAndRate":[{"doseQuantity":{"value":1,"unit":"tablet"}}],"timing":{"repeat":{"frequency":2,"period":1,"periodUnit":"d","when":["HS"]}},"asNeededCodeableConcept":{"text":"pain"}}]}`,
			[]string{`1 tablet, 2 times every day, before sleep, as needed for pain`, `lisinopril 10 MG <small>RxNorm 314076</small>`}},
		{"a type that no section has", `{"resourceType":"NutritionOrder","status":"active","intent":"order","dateTime":"2026-03","allergyIntolerance":[{"display":"nuts"}],"oralDiet":{"instruction":"soft food"}}`,
			[]string{`Other parts of the record`, `Instruction: soft food`, `March 2026`, `nuts`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := page(t, ann, tt.resource)
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not on the page\n%s", want, got[strings.Index(got, "<main"):])
				}
			}
		})
	}
	// Nothing is concluded: a value out of its range has no flag if the record gives it none.
	got := page(t, ann, `{"resourceType":"Observation","status":"final","code":{"text":"Glucose"},"valueQuantity":{"value":400,"unit":"mg/dL"},"referenceRange":[{"high":{"value":99}}]}`)
	if strings.Contains(got[strings.Index(got, "<main"):], "flag") || !strings.Contains(got, "up to 99") {
		t.Error(got)
	}
}

func TestBanner(t *testing.T) {
	got := page(t, ann)
	for _, want := range []string{"<h1>Ann Example</h1>", "2 January 1950", "ends in 3456", "77 <small>medical record number</small>", "<title>Health record: Ann Example, born 2 January 1950</title>",
		`<html lang="en">`, `href="#record"`, "Left out: 0 values"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not on the page\n%s", want, got)
		}
	}
	if strings.Contains(got, "999-12") {
		t.Error("the whole social security number is on the page")
	}
	if got := page(t, `{"resourceType":"Observation","status":"final","code":{"text":"Glucose"}}`); !strings.Contains(got, "names no patient") {
		t.Error(got)
	}
}

// TestPatients: each has a page of their own, with what is about nobody only where it is referred to.
func TestPatients(t *testing.T) {
	s := NewSet()
	s.AddSource(Source{Name: "all.ndjson"})
	for _, r := range []string{ann, `{"resourceType":"Patient","id":"bob","name":[{"text":"Bob Sample"}]}`,
		`{"resourceType":"Practitioner","id":"d","name":[{"text":"Doctor Dee"}]}`, `{"resourceType":"Practitioner","id":"e","name":[{"text":"Doctor Eff"}]}`,
		`{"resourceType":"Condition","id":"1","subject":{"reference":"Patient/ann"},"recorder":{"reference":"Practitioner/d"},"code":{"text":"Asthma"}}`,
		`{"resourceType":"Condition","id":"2","subject":{"reference":"http://example.org/fhir/Patient/bob/_history/3"},"recorder":{"reference":"Practitioner/e"},"code":{"text":"Gout"}}`,
		`{"resourceType":"Condition","id":"2","subject":{"reference":"Patient/bob"},"recorder":{"reference":"Practitioner/e"},"code":{"text":"Gout of the knee"}}`} {
		if err := s.Add([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	s.Leave(Left{Source: "all.ndjson", At: "row 3", State: "invalid", Why: "<b>no date</b>"})
	pages, err := s.Pages()
	if err != nil || len(pages) != 2 {
		t.Fatal(len(pages), err)
	}
	a, b := html(t, pages[0]), html(t, pages[1])
	for _, x := range []struct {
		page, has string
		not       []string
	}{{a, "Asthma", []string{"Gout", "Bob", "Doctor Eff"}}, {b, "Gout of the knee", []string{"Asthma", "Ann", "Doctor Dee", "Gout <"}}} {
		if !strings.Contains(x.page, x.has) || !strings.Contains(x.page, "<code>row 3</code>: &lt;b&gt;no date&lt;/b&gt;") {
			t.Error(x.page)
		}
		for _, not := range x.not {
			if strings.Contains(x.page, not) {
				t.Errorf("%q is on the other's page", not)
			}
		}
	}
	if html(t, pages[0]) != a {
		t.Error("a second time the page is another")
	}
	if _, err := NewSet().Pages(); err != ErrNothing {
		t.Error(err)
	}
}

// TestOneID: two inputs may call different things by one id.
func TestOneID(t *testing.T) {
	s := NewSet()
	add := func(r string) error { return s.Add([]byte(r)) }
	obs := `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"Weight"},"valueString":"%s"}`
	s.AddSource(Source{Name: "a"})
	for _, r := range []string{ann, fmt.Sprintf(obs, "1 kg"), fmt.Sprintf(obs, "2 kg")} {
		if err := add(r); err != nil {
			t.Fatal(err)
		}
	}
	s.AddSource(Source{Name: "b"})
	for _, r := range []string{strings.Replace(ann, `"gender"`, `"active":true,"gender"`, 1), fmt.Sprintf(obs, "3 kg"), fmt.Sprintf(obs, "3 kg")} {
		if err := add(r); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := s.Pages()
	if err != nil || len(pages) != 1 {
		t.Fatal(len(pages), err)
	}
	got := html(t, pages[0])
	if strings.Contains(got, "1 kg") || strings.Count(got, "2 kg") != 1 || strings.Count(got, "3 kg") != 1 {
		t.Error(got)
	}
	for _, other := range []string{strings.Replace(ann, "1950", "1951", 1), strings.Replace(ann, "female", "male", 1), strings.Replace(ann, `"family":"Example"`, `"family":"Sample"`, 1)} {
		if err := add(other); err != ErrTwo {
			t.Errorf("%v\n%s", err, other)
		}
	}
}

// TestNarrative: text, lists and tables of a sender stay, and nothing else of the markup.
func TestNarrative(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`<p class="x" id="y" style="color:red" onclick="alert(1)">a <b>b</b></p>`, `<p>a <strong>b</strong></p>`},
		{`<table border="1" onmouseover="x()"><tr><th colspan="2">h</th></tr><tr><td rowspan="999999">a</td><td>b</td></tr></table>`,
			`<table><tr><th colspan="2" scope="col">h</th></tr><tr><td>a</td><td>b</td></tr></table>`},
		{`<script>alert(1)</script>a`, `a`},
		{`<style>p{x:url(http://example.org)}</style><p>a</p>`, `<p>a</p>`},
		{`<script><b>x</b><i/></script><p>a</p>`, `<p>a</p>`},
		{`<iframe src="http://example.org">inside</iframe>`, `inside`},
		{`<a href="javascript:alert(1)">link</a>`, `link`},
		{`<img src="http://example.org/x.png" alt="a wound"/>`, `[picture: a wound]`},
		{`<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="x"/>`, `[picture: x]`},
		{`<img src="data:image/png;base64,iVBORw0KGgo=" alt="&quot;x&quot;"/>`, `<img src="data:image/png;base64,iVBORw0KGgo=" alt="&#34;x&#34;">`},
		{`&lt;script&gt;alert(1)&lt;/script&gt;`, `&lt;script&gt;alert(1)&lt;/script&gt;`},
		{`&#60;b&#x3e; &amp;amp;`, `&lt;b&gt; &amp;amp;`},
		{`<![CDATA[<b>]]>`, `&lt;b&gt;`},
		{`a<br/>b<hr/>c<br></br>d`, `a<br>b<hr>c<br>d`},
		{`<h1>t</h1><ul><li>a</li></ul>`, `<h4>t</h4><ul><li>a</li></ul>`},
		{`<!-- <script> --><p>a</p>`, `<p>a</p>`},
		{`<p title='a>b'>c</p>`, `<p>c</p>`},
		{`<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><text>a</text></svg>`, `a`},
		{`<p>never closed`, ` never closed`},
	} {
		w := new(writer)
		w.narrative(`<div xmlns="http://www.w3.org/1999/xhtml">` + tt.in + `</div>`)
		got := string(w.b)
		if strings.HasPrefix(tt.want, " ") {
			if !strings.Contains(got, tt.want[1:]) {
				t.Errorf("%s\n gives %s", tt.in, got)
			}
		} else if got != "<div>"+tt.want+"</div>" {
			t.Errorf("%s\n gives %s\n  want %s", tt.in, got, "<div>"+tt.want+"</div>")
		}
		if len(w.open) > 0 {
			t.Errorf("%s leaves %v open", tt.in, w.open)
		}
		if why := harmless("<!DOCTYPE html>\n" + got); why != "" {
			t.Errorf("%s: %s", tt.in, why)
		}
	}
}

// TestAttachments: what can be saved and seen, and what cannot.
func TestAttachments(t *testing.T) {
	doc := func(media, data string) string {
		return fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"contentType":%q,"data":%q,"title":"The ../letter: \"1\""}}]}`, media, data)
	}
	for media, want := range map[string]string{
		"application/pdf":           `<a href="data:application/pdf;base64,JVBERg==" download="The-letter-1.pdf">`,
		"image/png":                 `<img src="data:image/png;base64,JVBERg==" alt="The ../letter: &#34;1&#34;">`,
		"text/plain; charset=utf-8": `%PDF`,
		"text/html":                 `of a kind that is not shown here (text/html)`,
		"image/svg+xml":             `of a kind that is not shown here (image/svg&#43;xml)`,
	} {
		got := page(t, ann, doc(media, "JVBERg=="))
		if !strings.Contains(got, strings.ReplaceAll(want, "&#43;", "+")) {
			t.Errorf("%s: %q is not on the page\n%s", media, want, got[strings.Index(got, "<main"):])
		}
	}
	if got := page(t, ann, doc("application/pdf", "not base64")); strings.Contains(got, "<a href=\"data:") {
		t.Error("data that is none can be saved")
	}
	if got := page(t, ann, `{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"contentType":"application/pdf","url":"https://example.org/x.pdf"}}]}`); strings.Contains(got, "example.org") {
		t.Error("an address is on the page")
	}
}

// TestNothingIsLost: over FHIR's own examples, every text that a person reads is on the page of its resource.
func TestNothingIsLost(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus", "fhir", "examples")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no examples in " + dir)
	}
	texts, lost := 0, map[string]int{}
	for i, f := range files {
		if testing.Short() && i%20 != 0 {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var x struct {
			ResourceType string
			Entry        []struct{ Resource json.RawMessage }
		}
		if json.Unmarshal(data, &x) != nil || x.ResourceType == "Bundle" || unshown[x.ResourceType] || briefType(x.ResourceType) || strings.HasSuffix(x.ResourceType, "Definition") ||
			slices.Contains([]string{"ValueSet", "CodeSystem", "ConceptMap", "CapabilityStatement", "StructureMap", "ImplementationGuide", "TestScript", "TerminologyCapabilities"}, x.ResourceType) {
			continue
		}
		got := strings.ToLower(page(t, string(data)))
		var o object
		json.Unmarshal(data, &o)
		readable(o, "", func(name, text string) {
			texts++
			w := new(writer)
			w.text(strings.ToLower(strings.TrimSpace(strings.SplitN(text, "\n", 2)[0])))
			if !strings.Contains(got, string(w.b)) {
				lost[filepath.Base(f)+" "+name+" "+text]++
			}
		})
	}
	n := 0
	for _, k := range lost {
		n += k
	}
	t.Logf("%d of %d texts are not on their page", n, texts)
	if texts == 0 || n > 0 {
		t.Errorf("%d of %d texts are not on their page: %v", n, texts, lost)
	}
}

func briefType(typ string) bool {
	for _, s := range sections {
		for _, k := range s.kinds {
			if k.typ == typ && k.brief {
				return true
			}
		}
	}
	return false
}

// readable calls do with each text that stands for itself: labels, names, notes.
func readable(v any, name string, do func(name, text string)) {
	switch v := v.(type) {
	case object:
		_, hasText := v["text"].(string)
		for key, x := range v {
			if technical[key] || key == "text" && obj(x) != nil || strings.HasPrefix(key, "_") || key == "encounter" || key == "context" || key == "category" || key == "data" || key == "hash" || key == "url" ||
				key == "coding" && hasText || key == "modifierExtension" {
				continue
			}
			if key == "coding" { // one label stands for all codes
				if cs := list(x); len(cs) > 0 {
					readable(obj(cs[0])["display"], name, do)
				}
				continue
			}
			readable(x, key, do)
		}
	case []any:
		for _, x := range v {
			readable(x, name, do)
		}
	case string:
		switch name {
		case "display", "text", "description", "note", "comment", "title", "conclusion", "patientInstruction", "valueString", "instruction", "family", "given", "city", "lotNumber", "unit":
			if strings.TrimSpace(v) != "" && !isTime(v) {
				do(name, v)
			}
		}
	}
}

// FuzzPage: whatever stands in a resource, the page is the same tags and nothing that a browser runs or loads.
func FuzzPage(f *testing.F) {
	f.Add("Condition", "code", `{"text":"<script>alert(1)</script>"}`)
	f.Add("Observation", "valueString", `"a\u202eb\u0000\"' onload=x"`)
	f.Add("DocumentReference", "content", `[{"attachment":{"contentType":"text/html","data":"PHNjcmlwdD4=","title":"</style><script>"}}]`)
	f.Add("Composition", "section", `[{"title":"<b>","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><table><tr><td onclick=\"x\">&lt;</td></tr></table></div>"}}]`)
	f.Add("Patient", "name", `[{"text":"\"><img src=x>"}]`)
	f.Add("MedicationRequest", "dosageInstruction", `[{"timing":{"repeat":{"frequency":2,"when":["<"]}},"asNeededBoolean":true}]`)
	f.Add("Immunization", "contained", `[{"id":"x","resourceType":"Practitioner"}]`)
	f.Fuzz(func(t *testing.T, typ, name, value string) {
		var v any
		d := json.NewDecoder(strings.NewReader(value))
		d.UseNumber()
		if d.Decode(&v) != nil {
			t.Skip()
		}
		data, err := json.Marshal(object{"resourceType": typ, name: v, "status": "final"})
		s := NewSet()
		if err != nil || s.Add(data) != nil {
			t.Skip()
		}
		pages, err := s.Pages()
		if err != nil {
			t.Fatal(err)
		}
		html(t, pages[0])
	})
}

// FuzzNarrative: whatever a sender wrote, the elements nest and none is of another kind than those that are known.
func FuzzNarrative(f *testing.F) {
	for _, s := range []string{"<p>a</p>", "<p", "</div></div><script>", "<table><tr><td>a</table>", `<img src="data:image/png;base64,AAAA" alt="<"/>`, "<a b='", "&#x110000;&#0;&x;", "<![CDATA[", "<!--"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, div := range []string{s, `<div xmlns="http://www.w3.org/1999/xhtml">` + s + `</div>`} {
			w := new(writer)
			w.narrative(div)
			if len(w.open) > 0 {
				t.Fatalf("open: %v", w.open)
			}
			if why := harmless("<!DOCTYPE html>\n" + string(w.b)); why != "" {
				t.Fatal(why)
			}
		}
	})
}

func BenchmarkPage(b *testing.B) {
	s := NewSet()
	size := 0
	for i := range 1000 {
		r := fmt.Sprintf(`{"resourceType":"Observation","id":"%d","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2345-7","display":"Glucose"}]},"effectiveDateTime":"2026-01-%02d",
			"valueQuantity":{"value":%d,"unit":"mg/dL"}}`, i, 1+i%28, 70+i%200)
		size += len(r)
		if err := s.Add([]byte(r)); err != nil {
			b.Fatal(err)
		}
	}
	pages, _ := s.Pages()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pages[0].WriteTo(new(bytes.Buffer)); err != nil {
			b.Fatal(err)
		}
	}
}
