package cda

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/diag"
)

// example is a document without a fault of the first severity, but one: a link that leads nowhere is of the second.
func example(t testing.TB) string {
	b, err := os.ReadFile(filepath.Join(testshared.Root(), "examples", "ccd.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFindings(t *testing.T) {
	good := example(t)
	base := map[string]bool{}
	for _, f := range New().Document([]byte(good), "").Findings {
		base[string(f.ID)+f.What] = true
		if f.Severity() == diag.Reject {
			t.Errorf("the example: %v", f)
		}
	}
	for _, c := range []struct {
		name, from, to string // the first from becomes to
		id             diag.ID
		what, at       string // of a finding: part of its words, and of its place
	}{
		// The schema.
		{"unknown element", "<city>", "<town/><city>", schemaUnknown, "town may not stand in addr", "/addr/town"},
		{"unknown namespace", "<title>", `<x:y xmlns:x="urn:x"/><title>`, schemaUnknown, "namespace other than CDA's may not stand in ClinicalDocument", "/x:y"},
		{"order", "<realmCode code=\"US\"/>\n  <typeId root=\"2.16.840.1.113883.1.3\" extension=\"POCD_HD000040\"/>", "<typeId root=\"2.16.840.1.113883.1.3\" extension=\"POCD_HD000040\"/><realmCode code=\"US\"/>",
			schemaOrder, "realmCode must stand before typeId in ClinicalDocument", ":3:"},
		{"missing element", `<effectiveTime value="20260304101500-0500"/>`, "", schemaMissing, "effectiveTime is missing in ClinicalDocument, before confidentialityCode", ":13:"},
		{"missing at the end", "<structuredBody>", "</component><component><structuredBody>", schemaMissing, " is missing in component", "/component"},
		{"twice", "<title>", "<title>a</title><title>", schemaMany, "title stands more than once in ClinicalDocument", "/title[2]"},
		{"attribute", `code="N"`, `cod="N"`, schemaAttribute, "confidentialityCode has no attribute cod", "/@cod"},
		{"no attribute", `<observation classCode="OBS" moodCode="EVN"`, `<observation moodCode="EVN"`, schemaNoAttribute, "observation has no attribute classCode", "(Allergies and Intolerances, entry 1)"},
		{"time", `value="19810409"`, `value="1981-04-09"`, schemaValue, "value of birthTime must be a time", "birthTime/@value"},
		{"class", `moodCode="EVN"`, `moodCode="EVENT"`, schemaValue, "moodCode", "/@moodCode"},
		{"text", "<patient>", "<patient>Fern", schemaText, "text stands in patient", "/patient"},
		{"type", `xsi:type="`, `xsi:type="X`, schemaType, "is no datatype of CDA", "/@xsi:type"},
		{"type that does not fit", `<effectiveTime value="20260304101500-0500"/>`, `<effectiveTime xsi:type="CD" value="20260304101500-0500"/>`, schemaType, "effectiveTime is CD, and only TS", ""},
		{"narrative element", "<td>Penicillin G</td>", "<td><div>Penicillin G</div></td>", schemaUnknown, "div may not stand in td", "section/text/table/tbody/tr/td/div (Allergies"},
		{"narrative order", "<thead>", "<tbody/><thead>", schemaOrder, "thead must stand before tbody in table", "text/table/thead"},
		{"narrative attribute", `<td>Penicillin G</td>`, `<td width="10" colour="red">Penicillin G</td>`, schemaAttribute, "td has no attribute colour", "td"},
		{"ID twice", `<td>Penicillin G</td>`, `<td ID="allergies-1">Penicillin G</td>`, schemaTwice, "", "/td"},
		{"no namespace", `xmlns="urn:hl7-org:v3" `, "", noNamespace, "", "/ClinicalDocument"},
		{"xsi not declared", ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`, "", notDeclared, "", "/ClinicalDocument"},
		// Sense.
		{"dangling link", `value="#allergies-1"`, `value="#allergies-9"`, linkNowhere, "reference refers to text", "/reference"},
		{"dangling link in the narrative", "<td>Penicillin G</td>", `<td><linkHtml href="#gone">Penicillin G</linkHtml></td>`, linkNowhere, "linkHtml in the narrative", ":110:"},
		{"null and value", `<birthTime value="19810409"/>`, `<birthTime nullFlavor="UNK" value="19810409"/>`, nullAndValue, "birthTime has a nullFlavor and value", ""},
		{"id without root", `<id root="2.16.840.1.113883.19.5" extension="EX-4711"/>`, `<id extension="EX-4711"/>`, idWithout, "", "patientRole/id"},
		{"two patients", "  <author>", `<recordTarget><patientRole><id nullFlavor="NI"/></patientRole></recordTarget><author>`, twoPatients, "", "/recordTarget[2]"},
		{"backwards", `<effectiveTime value="20260304101500-0500"/>`, `<effectiveTime><low value="2026"/><high value="20251231"/></effectiveTime>`, backwards, "effectiveTime ends before it begins", ""},
		{"code form", `code="34133-9"`, `code="34133-8"`, codeForm, "LOINC: the check digit", "/code"},
		{"code unknown", `code="N" codeSystem="2.16.840.1.113883.5.25"`, `code="Q" codeSystem="2.16.840.1.113883.5.25"`, codeUnknown, "confidentialityCode", ""},
		// The guides.
		{"missing part", `<raceCode nullFlavor="UNK"/>`, "", ruleMissing, "in recordTarget/patientRole/patient: raceCode is missing (SHALL, CONF:1198-5322)", "/patient"},
		{"missing section", "2.16.840.1.113883.10.20.22.2.4.1\" extension", "2.16.840.1.113883.10.20.22.2.4.9\" extension", ruleMissing, "Continuity of Care Document: the Vital Signs Section (entries required) is missing (SHALL, CONF:1198-30689", "/structuredBody"},
		{"too many", `<templateId root="2.16.840.1.113883.10.20.22.4.30" extension="2015-08-01"/>`, `<templateId root="2.16.840.1.113883.10.20.22.4.30" extension="2015-08-01"/><templateId root="2.16.840.1.113883.10.20.22.4.30" extension="2015-08-01"/>`,
			ruleMany, "stands here twice", "entry/act (Allergies and Intolerances, entry 1)"},
		{"value", `code="CONC"`, `code="CON"`, ruleValue, "Allergy Concern Act: code/@code must be CONC (SHALL, CONF:1198-19158)", "act/code/@code"},
		{"value set", `<statusCode code="active"/>`, `<statusCode code="held"/>`, ruleCode, "must be one of", "statusCode"},
		{"condition", "<country>US</country>", "", ruleOther, "", ""},
		{"twin", `<templateId root="2.16.840.1.113883.10.20.22.4.30"/>`, "", ruleTwin, "Allergy Concern Act: a template of R2.1 must stand beside its twin of R1.1", "templateId"},
		{"should", `<telecom value="tel:+1-555-555-0142" use="HP"/>`, `<telecom value="tel:+1-555-555-0142"/>`, ruleShould, "(SHOULD, CONF:1198-5375", "telecom"},
	} {
		if c.name == "condition" { // an address of the US without its state
			c.from, c.to, c.what, c.at = "<state>IL</state>", "", "state is missing, which an address in the US must have", "/addr"
		}
		if !strings.Contains(good, c.from) {
			t.Errorf("%s: the example has no %s", c.name, c.from)
			continue
		}
		bad := strings.Replace(good, c.from, c.to, 1)
		r := New().Document([]byte(bad), "x.xml")
		found := false
		for _, f := range r.Findings {
			if f.ID == c.id && strings.Contains(f.What, c.what) && strings.Contains(f.Place.String(), c.at) && !base[string(f.ID)+f.What] {
				found = true
				if f.Place.Line == 0 || f.Place.Column == 0 {
					t.Errorf("%s: no place", c.name)
				}
			}
		}
		if !found {
			t.Errorf("%s: not found; there is", c.name)
			for _, f := range r.Findings {
				if !base[string(f.ID)+f.What] {
					t.Logf("    %v", f)
				}
			}
		}
	}
}

// No finding quotes what the document says (law 9): each value of the example is replaced by one that can be told, and faults are put in.
func TestNoValues(t *testing.T) {
	bad := example(t)
	for _, r := range [][2]string{
		{"Exampleton", "Zyxwv"}, {"EX-4711", "Zyxwv"}, {`value="19810409"`, `value="Zyxwv"`}, {`code="CONC"`, `code="Zyxwv"`}, {`value="#allergies-1"`, `value="#Zyxwv"`},
		{"<patient>", "<patient>Zyxwv"}, {`code="N"`, `code="Zyxwv Zyxwv"`}, {`<tr ID="allergies-1">`, `<tr ID="Zyxwv" styleCode="Zyxwv"><td ID="Zyxwv"/>`}, {"34133-9", "Zyxwv"},
		{`extension="2015-08-01"/>`, `extension="Zyxwv"/>`}, {"2.16.840.1.113883.19.5", "Zyxwv"}, {"<state>IL", "<state>Zyxwv"},
	} {
		bad = strings.Replace(bad, r[0], r[1], 1)
	}
	r := New().Document([]byte(bad), "x.xml")
	if len(r.Findings) < 10 {
		t.Errorf("%d findings", len(r.Findings))
	}
	for _, f := range r.Findings {
		if strings.Contains(f.What+f.Place.Path, "Zyxwv") {
			t.Errorf("%v", f)
		}
	}
	for what := range r.Unchecked.Templates {
		if strings.Contains(what, "Zyxwv") {
			t.Error(what)
		}
	}
}

// Whatever comes in, there is a finding with an id of the list and no crash.
func TestBadInput(t *testing.T) {
	deep := strings.Repeat("<component>", 10000)
	for name, c := range map[string]struct {
		source string
		id     diag.ID
	}{
		"nothing":     {"", ccda.WrongRoot},
		"text":        {"This is a letter.", ccda.Malformed},
		"cut off":     {example(t)[:9000], ccda.Malformed},
		"web page":    {"<!DOCTYPE html><html><body>Log in</body></html>", ccda.HTML},
		"entity bomb": {`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ClinicalDocument xmlns="urn:hl7-org:v3">&b;</ClinicalDocument>`, ccda.HasDoctype},
		"deep":        {`<ClinicalDocument xmlns="urn:hl7-org:v3">` + deep, ccda.TooDeep},
		"other XML":   {`<feed/>`, ccda.WrongRoot},
		"FHIR":        {`<Bundle xmlns="http://hl7.org/fhir"/>`, ccda.WrongRoot},
		"Latin-1":     {"<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><title>\xe9</title></ClinicalDocument>", ccda.BadCharset},
		"empty":       {`<ClinicalDocument xmlns="urn:hl7-org:v3"/>`, schemaMissing},
		"no patient":  {`<ClinicalDocument xmlns="urn:hl7-org:v3" classCode="DOCCLIN" moodCode="EVN"><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><id root="1.2"/><code/><effectiveTime/><confidentialityCode/><author/></ClinicalDocument>`, schemaMissing},
		"many":        {`<ClinicalDocument xmlns="urn:hl7-org:v3">` + strings.Repeat("<id/>", 20000) + `</ClinicalDocument>`, tooMany},
	} {
		r := New().Document([]byte(c.source), name)
		found := false
		for _, f := range r.Findings {
			found = found || f.ID == c.id
			if f.ID.Entry().Why == "" {
				t.Errorf("%s: %s is not in the list", name, f.ID)
			}
		}
		if !found {
			t.Errorf("%s: no %s in %v", name, c.id, r.Findings[:min(3, len(r.Findings))])
		}
		if len(r.Findings) > 3*maxFindings+1 {
			t.Errorf("%s: %d findings", name, len(r.Findings))
		}
	}
}

// What a receiver rejects is told, however much there is of what is less.
func TestCrowd(t *testing.T) {
	s := example(t)
	i, j := strings.Index(s, "<entry"), strings.Index(s, "</entry>")
	entry := s[i : j+len("</entry>")]
	bad := s[:i] + strings.Repeat(entry, 6000) + strings.Replace(entry, `code="CONC"`, `code="CON"`, 1) + s[j+len("</entry>"):]
	r := New().Document([]byte(bad), "")
	found, more := false, false
	for _, f := range r.Findings {
		found = found || f.ID == ruleValue && strings.Contains(f.Place.Path, "entry 6001")
		more = more || f.ID == tooMany
	}
	if !found || !more || len(r.Findings) > 2*maxFindings {
		t.Errorf("the fault found: %v; that there is more: %v; %d findings", found, more, len(r.Findings))
	}
}

// What a document claims and nobody checks is told: R1.1 is not passed off as R2.1.
func TestUnchecked(t *testing.T) {
	old := example(t)
	for _, v := range []string{"2015-08-01", "2014-06-09", "2019-06-20"} {
		for _, line := range strings.SplitAfter(old, "\n") {
			if strings.Contains(line, `extension="`+v) {
				old = strings.Replace(old, line, "", 1)
			}
		}
	}
	r := New().Document([]byte(old), "")
	if n := r.Unchecked.Templates["Allergy Concern Act (2.16.840.1.113883.10.20.22.4.30, without a version, as in C-CDA R1.1)"]; n != 1 {
		t.Errorf("%d of %v", n, r.Unchecked.Templates)
	}
	for _, f := range r.Findings {
		if strings.HasPrefix(f.What, "Allergy Concern Act") {
			t.Errorf("%v", f)
		}
	}
	if r := New().Document([]byte(example(t)), ""); r.Unchecked.Templates["Allergy Concern Act (2.16.840.1.113883.10.20.22.4.30, without a version, as in C-CDA R1.1)"] != 0 || r.Unchecked.Systems["http://snomed.info/sct"] == 0 {
		t.Errorf("%v", r.Unchecked)
	}
	if r := New().Document([]byte(small), ""); r.Findings[0].ID == notClaimed {
		t.Error("a template is claimed")
	}
	if r := New().Document([]byte(strings.ReplaceAll(small, "2.16.840.1.113883.10.20.22.2.8", "1.9")), ""); !strings.Contains(fmt.Sprint(r.Findings), string(notClaimed)) {
		t.Error("no template is claimed, and nothing says so")
	}
}

// The same document gives the same findings, from whichever goroutine, one after another or at once.
func TestSame(t *testing.T) {
	v := New()
	say := func(source string) string {
		var b strings.Builder
		for _, f := range v.Document([]byte(source), "x").Findings {
			b.WriteString(f.Error() + "\n")
		}
		return b.String()
	}
	bad := strings.Replace(example(t), `code="CONC"`, `code="CON"`, 1)
	want := say(bad)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				say(small)
				if say(bad) != want {
					t.Error("other findings")
				}
			}
		})
	}
	wg.Wait()
}

func TestStream(t *testing.T) {
	v := New()
	ctx, cancel := context.WithCancel(t.Context())
	if r, err := v.Stream(ctx, strings.NewReader(example(t)), "x"); err != nil || !r.Read {
		t.Errorf("%v %v", r, err)
	}
	cancel()
	if _, err := v.Stream(ctx, strings.NewReader(small), "x"); err == nil {
		t.Error("it goes on when nobody wants it")
	}
}

// corpus is every clinical document of the shared corpus.
func corpus(t testing.TB) (docs [][]byte, size int64) {
	root := filepath.Join(testshared.Dir(t), "corpus", "ccda")
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) == ".tsv" {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && ccda.Sniff(b[:min(len(b), 4096)]) {
			docs = append(docs, b)
			size += int64(len(b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return docs, size
}

func BenchmarkCorpus(b *testing.B) {
	docs, size := corpus(b)
	v := New()
	b.Run("one", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, d := range docs {
				v.Document(d, "")
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			var wg sync.WaitGroup
			next := make(chan []byte)
			for range runtime.GOMAXPROCS(0) {
				wg.Go(func() {
					for d := range next {
						v.Document(d, "")
					}
				})
			}
			for _, d := range docs {
				next <- d
			}
			close(next)
			wg.Wait()
		}
	})
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(example(f)))
	f.Add([]byte(small))
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><component><structuredBody><component><section><text><table><tr ID="a"/></table></text></section></component></structuredBody></component></ClinicalDocument>`))
	v := New()
	f.Fuzz(func(t *testing.T, b []byte) {
		r := v.Document(b, "x")
		if !r.Read && len(r.Findings) == 0 {
			t.Error("it cannot be read, and nothing says why")
		}
		for i, x := range r.Findings {
			if x.ID.Entry().Why == "" || x.Place.Source != "x" || r.Read && x.ID != tooMany && x.Place.Line == 0 {
				t.Errorf("%v", x)
			}
			if i > 0 && x.ID != tooMany && x.Place.Line < r.Findings[i-1].Place.Line {
				t.Error("out of order")
			}
		}
	})
}

func FuzzExpr(f *testing.F) {
	t := loadTable()
	for i, r := range t.rules {
		if i%40 == 0 && len(r.lines) > 0 {
			_, test, _ := strings.Cut(r.lines[0], " ")
			f.Add(test)
		}
	}
	doc, err := new(ccda.Parser).Parse([]byte(small))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t2 *testing.T, s string) {
		e, err := parseExpr(s, t.sets)
		if err != nil {
			return
		}
		m := newMachine(doc.Doc, 1<<12)
		m.current = doc.Root
		if !e.truth(m, doc.Root) {
			(&wording{t: t, m: m}).why(e, doc.Root)
		}
	})
}
