// Package cda checks clinical documents of HL7 CDA Release 2 (2005) with the SDTC extensions against their schema, and against the
// conformance statements of C-CDA R2.1 (2015, errata to 2025) and its Companion Guide R4.1 for the templates that they claim, and says
// what is wrong as findings: where, what, why and how to mend it.
//
// What the schema forbids and what a guide says SHALL be is of the first severity, what it says SHOULD be of the second. The rules of
// a template are for the versions of it that a document claims: what is claimed and has no rules here is counted as not checked.
package cda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/ccda/schema"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Findings of the schema, of the document as a whole, and of the guides.
const (
	schemaUnknown     diag.ID = "CP-CDA-050"
	schemaOrder       diag.ID = "CP-CDA-051"
	schemaMissing     diag.ID = "CP-CDA-052"
	schemaMany        diag.ID = "CP-CDA-053"
	schemaAttribute   diag.ID = "CP-CDA-054"
	schemaNoAttribute diag.ID = "CP-CDA-055"
	schemaValue       diag.ID = "CP-CDA-056"
	schemaText        diag.ID = "CP-CDA-057"
	schemaType        diag.ID = "CP-CDA-058"
	schemaTwice       diag.ID = "CP-CDA-059"
	noNamespace       diag.ID = "CP-CDA-060"
	notDeclared       diag.ID = "CP-CDA-061"

	linkNowhere  diag.ID = "CP-CDA-070"
	nullAndValue diag.ID = "CP-CDA-071"
	idWithout    diag.ID = "CP-CDA-072"
	backwards    diag.ID = "CP-CDA-073"
	codeForm     diag.ID = "CP-CDA-074"
	codeUnknown  diag.ID = "CP-CDA-075"
	twoPatients  diag.ID = "CP-CDA-032"

	ruleMissing diag.ID = "CP-CDA-080"
	ruleMany    diag.ID = "CP-CDA-081"
	ruleValue   diag.ID = "CP-CDA-082"
	ruleCode    diag.ID = "CP-CDA-083"
	ruleOther   diag.ID = "CP-CDA-084"
	ruleTwin    diag.ID = "CP-CDA-085"
	ruleShould  diag.ID = "CP-CDA-090"

	notClaimed diag.ID = "CP-CDA-100"
	tooMany    diag.ID = "CP-CDA-101"
)

// maxFindings is how many findings of one severity a document may have before the rest is left out: what a receiver rejects is never
// crowded out by what is less.
const maxFindings = 5000

// Validator checks documents. It is safe for concurrent use.
type Validator struct {
	free sync.Pool // of *checker
}

// New makes a Validator.
func New() *Validator {
	v := &Validator{}
	v.free.New = func() any {
		return &checker{t: loadTable(), inner: tree.New(ccda.Format, 256), ids: map[string]bool{}, lexemes: map[lexeme]bool{}, codes: map[coded]checked{}}
	}
	return v
}

// Unchecked counts what could not be checked.
type Unchecked struct {
	Systems   map[string]int // codes whose system is not known in full here, by its URI, or its OID if it has none
	Templates map[string]int // claims of templates that there are no rules for here: their ids in words
	Other     map[string]int // in words
}

// Result is what was found in a document.
type Result struct {
	Findings  []*diag.Finding // by place
	Read      bool            // whether it could be read as a clinical document at all
	Unchecked Unchecked
}

// Stream reads a document to its end and checks it. An error is one of reading.
func (v *Validator) Stream(ctx context.Context, r io.Reader, source string) (*Result, error) {
	b, err := io.ReadAll(io.LimitReader(r, ccda.MaxDocument+1))
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return v.Document(b, source), nil
}

// Document checks a document. source is its name in the findings.
func (v *Validator) Document(b []byte, source string) *Result {
	c := v.free.Get().(*checker)
	defer v.done(c)
	return c.check(b, source)
}

// done lets go of the document.
func (v *Validator) done(c *checker) {
	c.doc, c.result = nil, nil
	clear(c.found[:cap(c.found)])
	clear(c.refs[:cap(c.refs)])
	v.free.Put(c)
}

// checker checks one document after the other.
type checker struct {
	t       *table
	parser  ccda.Parser
	lexemes map[lexeme]bool
	codes   map[coded]checked
	names   []string
	inner   *tree.Doc // the narrative that is looked at

	doc    *ccda.Document
	within tree.Node // the section's text that inner is, 0 outside of narratives
	base   int       // where it begins
	found  []finding
	said   []said
	counts [diag.Info + 1]int // of what was found, by severity
	ids    map[string]bool
	refs   []reference
	result *Result
}

type finding struct {
	*diag.Finding
	offset int
}

func (c *checker) check(b []byte, source string) *Result {
	c.result = &Result{}
	c.parser.Source = source
	doc, err := c.parser.Parse(b)
	if err != nil {
		var f *diag.Finding
		if !errors.As(err, &f) {
			f = diag.New(ccda.Malformed, diag.Place{Source: source}, "%s", err)
		}
		c.result.Findings = []*diag.Finding{f}
		return c.result
	}
	c.result.Read = true
	c.doc, c.within, c.found, c.refs, c.said = doc, 0, c.found[:0], c.refs[:0], c.said[:0]
	c.counts = [diag.Info + 1]int{}
	clear(c.ids)
	for _, f := range doc.Findings {
		switch f.ID {
		case ccda.Outside:
			c.find(noNamespace, doc.Root, "")
		case ccda.Undeclared:
			c.find(notDeclared, doc.Root, "")
		default:
			c.found = append(c.found, finding{f, doc.Offset(doc.Root)})
		}
	}
	c.element(doc.Doc, doc.Root, schema.Root("ClinicalDocument"))
	c.sense()
	c.resolve()
	c.rules()
	return c.finish()
}

// finish puts the findings in the order of the document.
func (c *checker) finish() *Result {
	slices.SortStableFunc(c.found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.ID, b.ID), cmp.Compare(a.What, b.What))
	})
	out := make([]*diag.Finding, 0, len(c.found))
	for i, f := range c.found { // two guides may say the same
		if i > 0 && f.ID == c.found[i-1].ID && f.Place == c.found[i-1].Place && f.What == c.found[i-1].What {
			continue
		}
		out = append(out, f.Finding)
	}
	if slices.Max(c.counts[:]) > maxFindings {
		out = append(out, diag.New(tooMany, diag.Place{Source: c.parser.Source}, ""))
	}
	c.result.Findings = out
	return c.result
}

// find reports a finding at a node of the document, or of the narrative that is looked at.
func (c *checker) find(id diag.ID, n tree.Node, what string) *diag.Finding {
	severity := id.Entry().Severity
	if c.counts[severity]++; c.counts[severity] > maxFindings {
		return &diag.Finding{ID: id}
	}
	offset, path := 0, ""
	if c.within != 0 {
		offset = c.base + c.inner.Offset(n)
		path = c.doc.PlaceOf(c.within) + strings.TrimPrefix(c.inner.PlaceOf(n), "/text")
		n = c.within
	} else {
		offset = c.doc.Offset(n)
		path = c.doc.PlaceOf(n)
	}
	f := &diag.Finding{ID: id, What: what, Place: diag.Place{Source: c.parser.Source, Path: path + c.whereabouts(n)}}
	f.Place.Line, f.Place.Column = c.doc.Position(offset)
	c.found = append(c.found, finding{f, offset})
	return f
}

// whereabouts says in which section, and in which of its entries, a node stands, for people who do not read XPath.
func (c *checker) whereabouts(n tree.Node) string {
	d := c.doc.Doc
	entry := tree.Node(0)
	for ; n > tree.Root; n = d.Parent(n) {
		switch d.Name(n) {
		case "entry":
			entry = n
		case "section":
			s := " (" + c.sectionName(n)
			if entry != 0 {
				s += fmt.Sprintf(", entry %d", d.Ordinal(entry))
			}
			return s + ")"
		}
	}
	return ""
}

// sectionName is what the guide calls a section, by its template or else its code.
func (c *checker) sectionName(n tree.Node) string {
	d := c.doc.Doc
	code := ""
	for k := d.First(n); k != 0; k = d.Next(k) {
		switch d.Name(k) {
		case "templateId":
			if name := c.t.names[attribute(d, k, "@root")]; name != "" {
				name, _, _ = strings.Cut(name, " (entries")
				return strings.TrimSuffix(name, " Section")
			}
		case "code":
			if v := attribute(d, k, "@code"); terminology.LOINC(v) == "" && attribute(d, k, "@codeSystem") == "2.16.840.1.113883.6.1" {
				code = "section " + v
			}
		}
	}
	return cmp.Or(code, "section without a known template")
}

// rules runs the statements of the guides.
func (c *checker) rules() {
	d := c.doc.Doc
	m := c.machine()
	whole := c.t.run(m, func(b broken) {
		level := diag.Reject
		if b.r.should {
			level = diag.Misread
		}
		if c.counts[level] > maxFindings {
			return
		}
		if len(c.said) > 0 && c.said[0].n != b.n {
			c.say()
		}
		c.broken(m, b)
	})
	c.say()
	if !whole {
		c.result.Unchecked.note("rules that would look through the whole document too often")
	}
	c.claims(d)
}

func (c *checker) machine() *machine {
	return newMachine(c.doc.Doc, 1<<22+64*c.doc.Len())
}

// said is what was found to be wrong with one element, before what is said twice is said once.
type said struct {
	n, at   tree.Node
	id      diag.ID
	subject string
	what    string
	confs   []string
}

// broken puts a statement that does not hold into words. Several guides, templates and statements ask for the same: it is said once, with
// all their numbers, and what SHALL be is not said again as what SHOULD be.
func (c *checker) broken(m *machine, b broken) {
	m.current = b.n
	w := wording{t: c.t, m: m, at: b.n, id: ruleOther}
	what := b.s.words
	if what == "" {
		what = w.why(b.s.test, b.n)
	}
	s := said{n: b.n, at: w.at, id: w.id, what: what, confs: []string{conf(b.s.id)}}
	switch {
	case b.s.id == twin:
		s.id, s.confs = ruleTwin, nil
		s.subject = cmp.Or(c.t.names[attribute(m.d, b.n, "@root")], attribute(m.d, b.n, "@root"))
	case b.r.should:
		s.id = ruleShould
		s.what = strings.ReplaceAll(strings.ReplaceAll(what, " must ", " should "), "may not", "should not")
	}
	for i := range c.said {
		o := &c.said[i]
		if o.at != s.at || o.what != s.what || len(o.confs) == 0 || len(s.confs) == 0 {
			continue
		}
		if (o.id == ruleShould) == (s.id == ruleShould) {
			if !slices.Contains(o.confs, s.confs[0]) {
				o.confs = append(o.confs, s.confs[0])
			}
			return
		}
		if s.id == ruleShould {
			return
		}
		s.subject = c.t.subject(b.r, m, b.n)
		*o = s
		return
	}
	if s.subject == "" {
		s.subject = c.t.subject(b.r, m, b.n)
	}
	c.said = append(c.said, s)
}

// twin is the statement of the schematron of R2.1 that has no CONF number.
const twin = "hasCompatibleR1.1TemplateId"

// say reports what was found wrong with an element.
func (c *checker) say() {
	for _, s := range c.said {
		if len(s.confs) == 0 {
			c.find(s.id, s.at, s.subject+": "+s.what)
			continue
		}
		level := "SHALL"
		if s.id == ruleShould {
			level = "SHOULD"
		}
		c.find(s.id, s.at, fmt.Sprintf("%s: %s (%s, CONF:%s)", s.subject, s.what, level, strings.Join(s.confs, ", ")))
	}
	c.said = c.said[:0]
}

// Statement is one conformance statement that does not hold of an element of a document.
type Statement struct {
	ID     string // with the CONF number: 1198-7504, 1198-7504-c
	Should bool
	Path   string // of the element
}

// Statements are all that do not hold of a document, each by itself, as a schematron tells them: for those who compare. ok is false if the
// document cannot be read.
func (v *Validator) Statements(b []byte) (all []Statement, ok bool) {
	c := v.free.Get().(*checker)
	defer v.done(c)
	doc, err := c.parser.Parse(b)
	if err != nil {
		return nil, false
	}
	c.doc = doc
	c.t.run(c.machine(), func(b broken) {
		all = append(all, Statement{b.s.id, b.r.should, doc.PlaceOf(b.n)})
	})
	return all, true
}

// claims counts the template ids that no rule is for.
func (c *checker) claims(d *tree.Doc) {
	any := false
	for n := tree.Root + 1; int(n) <= d.Len(); n++ {
		if d.Name(n) != "templateId" {
			continue
		}
		id := templateID{attribute(d, n, "@root"), attribute(d, n, "@extension")}
		if c.t.known[id] {
			any = true
			continue
		}
		if id.root == "" || c.sibling(n, id) {
			continue
		}
		name := c.t.names[id.root]
		version := "another version"
		switch {
		case id.extension == "":
			version = "without a version, as in C-CDA R1.1"
		case dated(id.extension):
			version = "version " + id.extension
		}
		switch {
		case name != "":
			name += " (" + id.root + ", " + version + ")"
		case dated(id.extension):
			name = id.root + ", " + version
		default:
			name = id.root
		}
		c.result.Unchecked.Templates = add(c.result.Unchecked.Templates, name)
	}
	if !any {
		c.find(notClaimed, c.doc.Root, "")
	}
}

// dated reports the extension of a template id that is a date, as those of the guides are.
func dated(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && strings.Trim(s, "0123456789-") == ""
}

// sibling reports whether the element of a template id claims another version of the same template, whose rules are here.
func (c *checker) sibling(n tree.Node, id templateID) bool {
	d := c.doc.Doc
	for k := d.First(d.Parent(n)); k != 0; k = d.Next(k) {
		if d.Name(k) == "templateId" && attribute(d, k, "@root") == id.root && c.t.known[templateID{id.root, attribute(d, k, "@extension")}] {
			return true
		}
	}
	return false
}

func (u *Unchecked) note(what string) { u.Other = add(u.Other, what) }

// maxCounted is how many different things are told apart before they are counted as one.
const maxCounted = 1000

func add(m map[string]int, what string) map[string]int {
	if m == nil {
		m = map[string]int{}
	}
	if _, ok := m[what]; !ok && len(m) >= maxCounted {
		what = "others"
	} else if !ok {
		what = strings.Clone(what)
	}
	m[what]++
	return m
}

// systemName is what people call the code system of an OID.
func systemName(oid string) string {
	if s, ok := terminology.ByOID(oid); ok {
		return cmp.Or(titles[s.URI], s.Name)
	}
	return ""
}

// titles are the names of systems that are better known by another than HL7's.
var titles = map[string]string{
	"http://loinc.org": "LOINC", "http://snomed.info/sct": "SNOMED CT", "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
	"http://hl7.org/fhir/sid/cvx": "CVX", "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM", "http://www.ama-assn.org/go/cpt": "CPT",
	"http://hl7.org/fhir/sid/ndc": "NDC", "http://unitsofmeasure.org": "UCUM", "http://hl7.org/fhir/sid/us-npi": "NPI",
}
