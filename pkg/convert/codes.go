package convert

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/concept_map_go_proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
)

// This file is --codes: translations of codes from one system to another, which are added to the codes of a record and never take their place.

// Findings about files of codes.
const (
	CodesFault   diag.ID = "CP-CNV-013"
	CodesLeftOut diag.ID = "CP-CNV-014"
	CodesSystem  diag.ID = "CP-CNV-015"
	CodesUnused  diag.ID = "CP-CNV-016"
	CodesNoPlace diag.ID = "CP-CNV-017"
)

// Codes are translations of codes, of one file or several. They serve all workers of a run.
type Codes struct {
	to       map[code][]*translation
	files    []*codesFile
	Findings []*diag.Finding // what is odd in the files and does not hinder
	added    atomic.Int64    // codes
	lost     atomic.Int64    // of these, for which the output has no place
}

// code is a code as translations look for it: of its system by the one URI that stands for all its names.
type code struct{ system, code string }

// translation is what one code also is.
type translation struct {
	code
	display string
	met     atomic.Bool // a record had the code
}

type codesFile struct {
	name string
	list []*translation
}

// Read adds the translations of a file: CSV, or a ConceptMap of FHIR R4 in JSON or XML. What is wrong with it comes all at once, as mapping.Faults.
func (c *Codes) Read(name string, data []byte) error {
	if c.to == nil {
		c.to = map[code][]*translation{}
	}
	r := &codesReader{c: c, file: &codesFile{name: name}, systems: map[string]string{}}
	c.files = append(c.files, r.file)
	switch text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte(utf8Mark)), " \t\r\n"); {
	case len(text) == 0:
		r.fault(0, 0, "the file is empty", "")
	case text[0] == '{' || text[0] == '<':
		r.conceptMap(data)
	default:
		r.table(data)
	}
	if r.faults == nil && len(r.file.list) == 0 && r.leftOut == 0 {
		r.fault(0, 0, "there is no translation in it", "")
	}
	if r.faults != nil {
		return r.faults
	}
	return nil
}

// codesReader reads one file.
type codesReader struct {
	c       *Codes
	file    *codesFile
	systems map[string]string // by what the file calls them
	faults  mapping.Faults
	leftOut int
}

// fault tells of a fault. Where there are as many as of a mapping file, the file is given up: what it is full of is no translations.
func (r *codesReader) fault(line, column int, msg, hint string) {
	switch {
	case r.tooMany():
		return
	case len(r.faults) == mapping.MaxFaults:
		msg, hint = count(len(r.faults), "fault")+" up to here; the rest is not looked at", "is it a table of codes?"
	}
	r.faults = append(r.faults, &mapping.Fault{ID: CodesFault, Pos: mapping.Pos{File: r.file.name, Line: max(line, 1), Column: max(column, 1)}, Msg: msg, Hint: hint})
}

// tooMany reports a file that is given up.
func (r *codesReader) tooMany() bool { return len(r.faults) > mapping.MaxFaults }

func (r *codesReader) find(id diag.ID, at diag.Place, format string, args ...any) {
	at.Source = r.file.name
	r.c.Findings = append(r.c.Findings, diag.New(id, at, format, args...))
}

// add adds a translation, of which all parts are there.
func (r *codesReader) add(at diag.Place, from, to code, display string) {
	if _, problem := terminology.Check(to.system, to.code); problem != "" {
		r.leftOut++
		r.find(CodesLeftOut, at, "a translation is left out: of its target %s", problem)
		return
	}
	for _, t := range r.c.to[from] {
		if t.code == to {
			return // it is said twice
		}
	}
	t := &translation{code: to, display: display}
	r.c.to[from] = append(r.c.to[from], t)
	r.file.list = append(r.file.list, t)
}

// system is the URI of what a file calls a system: by its URI, its OID, or its name in HL7 v2. A name that nobody registered is that of a
// sender's own system, as messages have it in CWE.3.
func (r *codesReader) system(at diag.Place, called string) string {
	if uri, ok := r.systems[called]; ok || called == "" {
		return uri
	}
	uri := oneURI(called)
	switch {
	case uri != called:
	case strings.Trim(called, "0123456789.") == "" && strings.Contains(called, "."):
		uri = oneURI("urn:oid:" + called)
	case strings.Contains(called, "://") || strings.HasPrefix(called, "urn:"):
		if strings.Contains(called, " ") {
			r.fault(at.Line, at.Column, "a URI holds no blanks", "")
		}
		if _, ok := terminology.ByURI(called); !ok && strings.HasPrefix(called, "http://hl7.org/fhir/sid/") {
			r.find(CodesSystem, at, "")
		}
	default:
		s, ok := terminology.ByName(called)
		if uri = s.URI; !ok {
			uri = terminology.LocalURI(called)
			if called != "L" && !strings.HasPrefix(called, "99") { // HL7 table 0396 keeps these for codes of a site's own
				r.find(CodesSystem, at, "%s is no name of HL7 table 0396; it is taken for a sender's own system, as messages name it beside the code", called)
			}
		}
	}
	r.systems[called] = uri
	return uri
}

// oneURI is the URI that stands for all names of a system, in a record too.
func oneURI(uri string) string {
	if oid, ok := strings.CutPrefix(uri, "urn:oid:"); ok {
		if s, ok := terminology.ByOID(oid); ok {
			return s.URI
		}
	} else if name, ok := terminology.LocalName(uri); ok {
		if s, ok := terminology.ByName(name); ok {
			return s.URI
		}
	}
	return uri
}

// The columns of a table of codes, by their names without blanks and punctuation.
const (
	fromSystem = iota
	fromCode
	toSystem
	toCode
	toDisplay
	equivalence
)

var codesColumns = map[string]int{
	"system": fromSystem, "sourcesystem": fromSystem, "fromsystem": fromSystem,
	"code": fromCode, "sourcecode": fromCode, "fromcode": fromCode,
	"targetsystem": toSystem, "tosystem": toSystem,
	"targetcode": toCode, "tocode": toCode,
	"targetdisplay": toDisplay, "todisplay": toDisplay,
	"equivalence": equivalence,
}

const codesHeader = "its first line is: system,code,target system,target code,target display"

// table reads a CSV. What separates its cells is what makes the most columns of its header.
func (r *codesReader) table(data []byte) {
	data = bytes.TrimPrefix(data, []byte(utf8Mark))
	if !utf8.Valid(data) {
		for i, line := range bytes.Split(data, []byte("\n")) {
			if !utf8.Valid(line) {
				r.fault(i+1, 1, "the line is not UTF-8", "save the table as UTF-8")
				return
			}
		}
	}
	t, columns := codesTable(data)
	for _, want := range []struct {
		column int
		name   string
	}{{fromCode, "code"}, {toSystem, "target system"}, {toCode, "target code"}} {
		if _, ok := columns[want.column]; !ok {
			r.fault(1, 1, "no column is called "+want.name, codesHeader)
		}
	}
	if r.faults != nil {
		return
	}
	for !r.tooMany() {
		cells, err := t.Read()
		if err == io.EOF {
			return
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			r.fault(broken.Line, broken.Column, "a quotation mark stands where none can be", "a cell that holds quotation marks is put in quotation marks, and each of its own is doubled")
			return // nobody knows where the next line begins
		}
		blank := true
		for _, c := range cells {
			blank = blank && strings.TrimSpace(c) == ""
		}
		if blank {
			continue
		}
		r.line(t, columns, cells)
	}
}

// line reads a line of a table.
func (r *codesReader) line(t *csv.Reader, columns map[int]int, cells []string) {
	line, _ := t.FieldPos(0)
	cell := func(k int) (text string, at diag.Place) {
		i, ok := columns[k]
		if !ok || i >= len(cells) {
			return "", diag.Place{Line: line, Column: 1}
		}
		l, c := t.FieldPos(i)
		if strings.ContainsFunc(cells[i], func(c rune) bool { return unicode.IsControl(c) && !unicode.IsSpace(c) }) {
			r.fault(l, c, "the cell holds a character that no text has", "")
		}
		return strings.Join(strings.Fields(cells[i]), " "), diag.Place{Line: l, Column: c}
	}
	need := func(k int, what string) (string, diag.Place) {
		text, at := cell(k)
		if text == "" {
			r.fault(at.Line, at.Column, "the line has no "+what, "")
		}
		return text, at
	}
	n := len(r.faults)
	from, _ := need(fromCode, "code")
	target, atSystem := need(toSystem, "target system")
	to, atCode := need(toCode, "target code")
	if len(r.faults) > n {
		return
	}
	if eq, at := cell(equivalence); eq != "" && !strings.EqualFold(eq, "equal") && !strings.EqualFold(eq, "equivalent") {
		r.leftOut++
		r.find(CodesLeftOut, at, "")
		return
	}
	source, at := cell(fromSystem)
	display, _ := cell(toDisplay)
	r.add(atCode, code{r.system(at, source), from}, code{r.system(atSystem, target), to}, display)
}

// codesTable is a table behind its first line, and the columns that are known of it by their kinds, with the delimiter that makes the most of them.
func codesTable(data []byte) (table *csv.Reader, columns map[int]int) {
	for _, comma := range ",;\t" {
		t := csv.NewReader(bytes.NewReader(data))
		t.Comma, t.FieldsPerRecord = comma, -1
		header, _ := t.Read()
		found := map[int]int{}
		for i, name := range header {
			if k, ok := codesColumns[plainName(name)]; ok {
				if _, twice := found[k]; !twice {
					found[k] = i
				}
			}
		}
		if len(found) > len(columns) {
			table, columns = t, found
		}
	}
	return table, columns
}

// plainName is a column's name without case, blanks and punctuation.
func plainName(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			return c
		}
		return -1
	}, s)
}

// conceptMap reads a ConceptMap of FHIR R4. Only targets that mean the same as the source are its translations (equal, equivalent), without
// conditions: a wider or a narrower one says something else of a record, and of one that says no the opposite way round.
func (r *codesReader) conceptMap(data []byte) {
	m, finds := fhir.Unmarshal(data, fhir.Options{Source: r.file.name})
	if f := fhir.Lost(finds); f != nil {
		r.fault(f.Place.Line, f.Place.Column, f.Message(), "")
		return
	}
	cm, ok := m.(*cpb.ConceptMap)
	if !ok {
		r.fault(1, 1, "it is a "+fhir.TypeOf(m)+" of FHIR, and no ConceptMap", "")
		return
	}
	other := 0
	var first diag.Place
	for i, g := range cm.GetGroup() {
		at := diag.Place{Path: "ConceptMap.group[" + strconv.Itoa(i) + "]"}
		target := r.system(at, g.GetTarget().GetValue())
		source := r.system(at, g.GetSource().GetValue())
		for j, e := range g.GetElement() {
			for k, t := range e.GetTarget() {
				at := diag.Place{Path: at.Path + ".element[" + strconv.Itoa(j) + "].target[" + strconv.Itoa(k) + "]"}
				eq := t.GetEquivalence().GetValue()
				switch {
				case eq == codes.ConceptMapEquivalenceCode_UNMATCHED || eq == codes.ConceptMapEquivalenceCode_DISJOINT || t.GetCode().GetValue() == "" || e.GetCode().GetValue() == "":
				case eq != codes.ConceptMapEquivalenceCode_EQUAL && eq != codes.ConceptMapEquivalenceCode_EQUIVALENT || t.GetDependsOn() != nil || t.GetProduct() != nil:
					if other++; other == 1 {
						first = at
					}
				case target == "":
					r.fault(1, 1, at.Path+": the group has no target, which is the system of the code", "")
					return
				default:
					r.add(at, code{source, e.GetCode().GetValue()}, code{target, t.GetCode().GetValue()}, t.GetDisplay().GetValue())
				}
			}
		}
	}
	if other > 0 {
		r.leftOut += other
		r.find(CodesLeftOut, first, "%s left out: they say something else than their source (equivalence), or hold under a condition (dependsOn, product)", count(other, "translation"))
	}
}

// apply adds to each concept of a record the translations of its codes, behind what is there and no code twice. What it adds is no leaf of the
// record: it comes from the file.
func (c *Codes) apply(rec *Record) (n int, err error) {
	n, err = rec.AddCodings(func(concept *dpb.CodeableConcept) []*dpb.Coding {
		var more []*dpb.Coding
		for _, x := range concept.GetCoding() {
			if x.GetSystem().GetValue() == "urn:ietf:bcp:47" {
				return nil // of languages FHIR allows codings of this system and no other (all-languages is a maximal value set)
			}
			for _, t := range c.to[codeOf(x)] {
				t.met.Store(true)
				if hasCode(concept.Coding, t.code) || hasCode(more, t.code) {
					continue
				}
				y := &dpb.Coding{System: &dpb.Uri{Value: t.system}, Code: &dpb.Code{Value: t.code.code}}
				for _, e := range x.GetExtension() { // where the concept's own code is not there, its translation is not it either
					if e.GetUrl().GetValue() == mapping.TranslationURL {
						y.Extension = []*dpb.Extension{{Url: &dpb.Uri{Value: mapping.TranslationURL}, Value: &dpb.Extension_ValueX{
							Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}}}
					}
				}
				if t.display != "" {
					y.Display = &dpb.String{Value: t.display}
				}
				more = append(more, y)
			}
		}
		return more
	})
	c.added.Add(int64(n))
	return n, err
}

// write writes a record with the translations of its codes. As a document it is written without them first: a code more can make a concept
// another one to the rows, and what is added must never cost a value of the record. So it is added where nothing is lost by it.
func (c *Codes) write(rec *Record, to Writer, o *Options) (parts []Part, finds []*diag.Finding, err error) {
	said, leftOut := len(rec.Record.Findings), rec.LeftOut
	var plain mapping.Claims
	if !o.hub() && o.tables == nil {
		if parts, finds, err = to.FromHub(rec); err != nil {
			return parts, finds, err
		}
		plain = rec.Afresh()
	}
	n, err := c.apply(rec)
	if err != nil {
		return nil, nil, err
	}
	if n == 0 && plain != nil {
		rec.Restore(plain)
		return parts, finds, nil
	}
	lost := 0
	for {
		rec.Record.Findings, rec.LeftOut = rec.Record.Findings[:said], leftOut
		if parts, finds, err = to.FromHub(rec); err != nil || plain == nil {
			return parts, finds, err
		}
		n := rec.TakeBack(plain)
		if n == 0 {
			break
		}
		lost += n
		rec.Afresh()
	}
	c.lost.Add(int64(lost + rec.UnplacedCodings()))
	return parts, finds, nil
}

// Added is how many codes were added.
func (c *Codes) Added() int { return int(c.added.Load()) }

// Result says, after the run, what was of no use.
func (c *Codes) Result() (list []*diag.Finding) {
	for _, f := range c.files {
		unmet := 0
		for _, t := range f.list {
			if !t.met.Load() {
				unmet++
			}
		}
		if unmet > 0 {
			list = append(list, diag.New(CodesUnused, diag.Place{Source: f.name}, "of %s %d are of codes that no record has", count(len(f.list), "translation"), unmet))
		}
	}
	if n := int(c.lost.Load()); n > 0 {
		has := "has"
		if n > 1 {
			has = "have"
		}
		list = append(list, diag.New(CodesNoPlace, diag.Place{}, "%s %s no place in what was written, of those that were added", count(n, "code"), has))
	}
	return list
}

func codeOf(x *dpb.Coding) code {
	return code{oneURI(x.GetSystem().GetValue()), x.GetCode().GetValue()}
}

func hasCode(list []*dpb.Coding, c code) bool {
	for _, x := range list {
		if codeOf(x) == c {
			return true
		}
	}
	return false
}
