package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/tree"
)

// DocumentConverter turns clinical documents into FHIR, or FHIR into clinical documents, in this process.
type DocumentConverter func(source []byte, name, to string) ([]byte, error)

// clinicalSuite is the suite of a pair of conformance/ccda-fhir. Only the guide's own examples and what its work group recommends for a
// whole document are agreed by anybody; the others are what one program makes.
func clinicalSuite(source, expected string) string {
	switch {
	case strings.Contains(expected, "/Rec_Output/"):
		return "workgroup"
	case strings.Contains(expected, "/Raw_Output/"), strings.Contains(expected, "/OracleCerner/"):
		return "vendors"
	case strings.HasPrefix(source, "HL7/"):
		return "guide"
	}
	return strings.ToLower(path.Dir(source))
}

// ReadClinicalPairs reads the list of pairs of one direction, CDA->FHIR or FHIR->CDA.
func ReadClinicalPairs(shared, direction string) ([]Pair, error) {
	list, err := pairLines(filepath.Join(shared, "conformance", "ccda-fhir"), direction)
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	for _, l := range list {
		p := Pair{Suite: clinicalSuite(l.source, l.called), Input: l.one, Expected: l.other}
		if direction == "FHIR->CDA" {
			p.Input, p.Expected = l.other, l.one
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// CompareClinicalPair converts a pair's document, or the statement that it holds, and looks in the FHIR made of it for what is expected.
func CompareClinicalPair(p Pair, convert DocumentConverter) PairResult {
	res := PairResult{Pair: p}
	source, b, err := p.read()
	if err != nil {
		res.Err = err
		return res
	}
	want, err := readBundle(resourceOnly(withoutComments(b)))
	if err != nil {
		res.Err = fmt.Errorf("expected: %w", err)
		return res
	}
	want = withoutDialect(want, source)
	var got []*resource
	out, err := convert(wholeDocument(source), filepath.Base(p.Input), "fhir")
	if err == nil {
		got, err = readBundle(out)
	}
	if err != nil {
		res.Err, got = err, nil
	}
	res.Outcome = compare(want, got)
	return res
}

// CompareClinicalBackPair makes a document of a pair's FHIR and looks in it for every value of the expected statements: below an element
// of the same path, as often as it is expected, in whatever order.
func CompareClinicalBackPair(p Pair, convert DocumentConverter) PairResult {
	res := PairResult{Pair: p}
	source, b, err := p.read()
	if err != nil {
		res.Err = err
		return res
	}
	want, err := statementLeaves(wholeDocument(b))
	if err != nil {
		res.Err = fmt.Errorf("expected: %w", err)
		return res
	}
	var got []sourceValue
	out, err := convert(source, filepath.Base(p.Input), "ccda")
	if err == nil {
		got, err = statementLeaves(out)
	}
	if err != nil {
		res.Err = err
	}
	have, there := map[sourceValue]int{}, map[string]string{}
	for _, v := range got {
		have[v]++
		there[v.place] = v.text
	}
	for _, v := range want {
		res.Total++
		if have[v] > 0 {
			have[v]--
			res.Found++
			continue
		}
		m := Miss{Resource: "entry", Path: v.place, Value: v.text, Ours: "nothing there"}
		if t, ok := there[v.place]; ok {
			m.Ours = "there is: " + t
		}
		res.Misses = append(res.Misses, m)
	}
	return res
}

// statementLeaves are the values of all statements of a document by their paths within their entries, without ordinals. What the
// schema gives each element by default is said by nothing and by its default alike.
func statementLeaves(doc []byte) ([]sourceValue, error) {
	d, err := new(ccda.Parser).Parse(doc)
	if err != nil {
		return nil, err
	}
	var out []sourceValue
	d.Leaves(func(n tree.Node, _ tree.State, _ string) {
		at := ""
		for k := n; k != d.Root && k != tree.Root; k = d.Parent(k) {
			if d.Name(k) == "entry" {
				if d.Name(n) != "@typeCode" || d.Parent(n) != k { // DRIV: that the narrative was made of it
					out = append(out, sourceValue{strings.TrimPrefix(at, "/"), normalText(d.Text(n))})
				}
				return
			}
			at = "/" + d.Name(k) + at
		}
	})
	return out, nil
}

// withoutComments takes the comments out of JSON that has some, and commas before a closing bracket.
func withoutComments(b []byte) []byte {
	var out []byte
	quoted := false
	for i := 0; i < len(b); i++ {
		switch {
		case quoted && b[i] == '\\':
			out = append(out, b[i])
			i++
		case b[i] == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(b[i:], []byte("//")):
			for i < len(b) && b[i] != '\n' {
				i++
			}
			i--
			continue
		}
		if i < len(b) {
			out = append(out, b[i])
		}
	}
	return trailingComma.ReplaceAll(out, []byte("$1"))
}

var trailingComma = regexp.MustCompile(`,(\s*[\]}])`)

// resourceOnly is the resource of an entry of a bundle that stands alone.
func resourceOnly(b []byte) []byte {
	var entry struct{ Resource json.RawMessage }
	if json.NewDecoder(bytes.NewReader(b)).Decode(&entry) == nil && entry.Resource != nil {
		return entry.Resource
	}
	return b
}

// fragmentSections are the sections in which the statements of single examples stand, by a template within them: what a statement means
// depends on its section.
var fragmentSections = [][2]string{
	{"22.4.30\"", "48765-2"}, {"22.4.3\"", "11450-4"}, {"22.4.52\"", "11369-6"}, {"22.4.16\"", "10160-0"}, {"22.4.14\"", "47519-4"},
	{"22.4.49\"", "46240-8"}, {"22.4.1\"", "30954-2"}, {"22.4.26\"", "8716-3"}, {"22.4.78\"", "29762-2"},
}

// wholeDocument puts a document around a statement, or around a recordTarget, that stands alone.
func wholeDocument(b []byte) []byte {
	s := string(xmlHead.ReplaceAll(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), nil))
	s = strings.TrimSpace(s)
	if strings.Contains(s, "<ClinicalDocument") {
		return b
	}
	target := `<recordTarget><patientRole><id root="2.16.840.1.113883.19" extension="example"/></patientRole></recordTarget>`
	body := ""
	if strings.HasPrefix(s, "<recordTarget") {
		target = s
	} else {
		if !strings.HasPrefix(s, "<entry") {
			s = "<entry>" + s + "</entry>"
		}
		code := ""
		for _, f := range fragmentSections {
			if at := strings.Index(s, f[0]); code == "" && at >= 0 {
				code = f[1]
			}
		}
		body = `<component><structuredBody><component><section><code code="` + code +
			`" codeSystem="2.16.840.1.113883.6.1"/>` + s + `</section></component></structuredBody></component>`
	}
	return []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc">` +
		`<id root="2.16.840.1.113883.19.1"/><effectiveTime value="20240102030405+0000"/>` + target + body + `</ClinicalDocument>`)
}

var xmlHead = regexp.MustCompile(`^\s*<\?xml[^>]*\?>|<!--(?s:.*?)-->`)
