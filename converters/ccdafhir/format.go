package ccdafhir

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Format is C-CDA as a format of convert, with the maps of a run.
func Format(maps *mapping.Maps) *convert.Format {
	return &convert.Format{
		Name: "ccda", Extension: ".xml", Sniff: ccda.Sniff, Read: read,
		NewWorker: func(o *convert.Options) convert.Worker {
			return &worker{o: o, maps: maps, parser: ccda.Parser{Options: ccda.Options{Charset: o.Charset, MaxDocument: o.MaxRecord}}}
		},
		NewWriter: func(o *convert.Options) convert.Writer { return &writer{o: o, maps: maps} },
		Describe:  describe,
	}
}

// read gives the one document of a source.
func read(r io.Reader, source string, o *convert.Options) iter.Seq2[*convert.Raw, error] {
	return func(yield func(*convert.Raw, error) bool) {
		limit := int64(o.MaxRecord)
		if limit <= 0 {
			limit = ccda.MaxDocument
		}
		var b strings.Builder // whose text is held once: the document's leaves are parts of it
		b.Grow(int(min(convert.SizeOf(r), limit+1)))
		if _, err := io.Copy(&b, io.LimitReader(r, limit+1)); err != nil {
			yield(nil, err)
			return
		}
		text := b.String()
		raw := &convert.Raw{Index: 1, Stream: func() io.Reader { return strings.NewReader(text) }, Size: len(text), Data: text}
		if int64(len(text)) > limit {
			raw.Reject = diag.New(ccda.TooLarge, diag.Place{Source: source, Record: 1}, "")
		}
		yield(raw, nil)
	}
}

// types are the document types of C-CDA R2.1 by the code of the document (1.1 to 1.3, LOINC).
var types = map[string]string{
	"34133-9": "Continuity of Care Document", "34117-2": "History and Physical", "11488-4": "Consultation Note", "18748-4": "Diagnostic Imaging Report",
	"28570-0": "Procedure Note", "11504-8": "Operative Note", "18842-5": "Discharge Summary", "11506-3": "Progress Note",
	"18761-7": "Transfer Summary", "57133-1": "Referral Note", "52521-2": "Care Plan",
}

// templates are the roots of the document types' template ids, for documents whose code is a more special one.
var templates = map[string]string{
	"2.16.840.1.113883.10.20.22.1.2": "34133-9", "2.16.840.1.113883.10.20.22.1.3": "34117-2", "2.16.840.1.113883.10.20.22.1.4": "11488-4",
	"2.16.840.1.113883.10.20.22.1.5": "18748-4", "2.16.840.1.113883.10.20.22.1.6": "28570-0", "2.16.840.1.113883.10.20.22.1.7": "11504-8",
	"2.16.840.1.113883.10.20.22.1.8": "18842-5", "2.16.840.1.113883.10.20.22.1.9": "11506-3", "2.16.840.1.113883.10.20.22.1.13": "18761-7",
	"2.16.840.1.113883.10.20.22.1.14": "57133-1", "2.16.840.1.113883.10.20.22.1.15": "52521-2",
}

const unstructured = "2.16.840.1.113883.10.20.22.1.10"

// kindOf says in words what a document is.
func kindOf(doc *ccda.Document) string {
	kind := types[attrText(doc.Doc, doc.Child(doc.Root, "code"), "code")]
	for k := doc.First(doc.Root); k != 0; k = doc.Next(k) {
		if doc.Name(k) != "templateId" {
			continue
		}
		root := attrText(doc.Doc, k, "root")
		if root == unstructured {
			return "Unstructured Document"
		}
		if code := templates[root]; code != "" {
			kind = types[code]
		}
	}
	if kind == "" {
		return "Clinical Document"
	}
	return kind
}

// describe says the type of a document and how many entries it has.
func describe(raw *convert.Raw, o *convert.Options) (convert.Description, *diag.Finding) {
	if raw.Reject != nil {
		return convert.Description{}, raw.Reject
	}
	parser := ccda.Parser{Options: ccda.Options{Charset: o.Charset, MaxDocument: o.MaxRecord}}
	doc, err := parser.ParseText(raw.Data.(string))
	if err != nil {
		var f *diag.Finding
		if errors.As(err, &f) {
			f.Place.Record = raw.Index
			return convert.Description{}, f
		}
		return convert.Description{}, diag.New(ccda.Malformed, diag.Place{Record: raw.Index}, "")
	}
	d := convert.Description{Kinds: map[string]int{kindOf(doc): 1}, Facts: map[string]string{}}
	if doc.Charset != "" {
		d.Facts["character set"] = doc.Charset
	}
	return d, nil
}

// worker turns documents into the hub.
type worker struct {
	o      *convert.Options
	maps   *mapping.Maps
	parser ccda.Parser
}

func (w *worker) ToHub(raw *convert.Raw) (*convert.Record, error) {
	doc, err := w.parser.ParseText(raw.Data.(string))
	if err != nil {
		return nil, err
	}
	m, err := w.maps.For(sourceOf(doc))
	if err != nil {
		return nil, err
	}
	finds := slices.Concat(doc.Findings, patients(doc), contradictions(doc), assumeMoods(doc))
	key := Key(raw.Data.(string))
	showRelatives := hideRelatives(doc)
	rec, err := m.ToFHIR("ClinicalDocument", "Bundle", doc.Doc, mapping.ReadOptions{Zone: w.o.Zone, Facility: custodian(doc), Key: key,
		Relative: w.o.Relative(), NoBundle: w.o.Relative(), Origins: w.o.Origins(), Shared: w.o.OnlyFHIR(), Reuse: w.o.OnlyFHIR()})
	if err != nil {
		return nil, err
	}
	if len(rec.Resources) == 0 {
		return nil, diag.New(SaysNothing, diag.Place{Path: doc.PlaceOf(doc.Root)}, "")
	}
	showRelatives()
	foldMisplaced(doc.Doc)
	stamp(rec)
	id := doc.Child(doc.Root, "id")
	return &convert.Record{Record: rec, ID: strings.Trim(attrText(doc.Doc, id, "root")+"|"+attrText(doc.Doc, id, "extension"), "|"), Key: key,
		Findings: finds, Leaves: convert.Leaves(doc.Doc), Written: convert.Moment(attrText(doc.Doc, doc.Child(doc.Root, "effectiveTime"), "value"))}, nil
}

// Findings about the patients of a document.
const (
	NoPatient    diag.ID = "CP-CDA-031"
	MorePatients diag.ID = "CP-CDA-032"
	AboutNobody  diag.ID = "CP-CDA-103" // a document shall be made and the record is about no person
	SaysNothing  diag.ID = "CP-CDA-104" // the document has neither header nor body
	OfAnother    diag.ID = "CP-CDA-106" // what no document of the patient tells of
)

// patients reports a document that is not about one patient.
func patients(doc *ccda.Document) (finds []*diag.Finding) {
	count := 0
	for k := doc.First(doc.Root); k != 0; k = doc.Next(k) {
		if doc.Name(k) != "recordTarget" {
			continue
		}
		if count++; count == 2 {
			finds = append(finds, diag.New(MorePatients, diag.Place{Path: doc.PlaceOf(k)}, ""))
		}
	}
	if count == 0 {
		finds = append(finds, diag.New(NoPatient, diag.Place{Path: doc.PlaceOf(doc.Root)}, ""))
	}
	return finds
}

// foldMisplaced says of what was read although the schema does not allow it where it stands that it does not come back there, and of a value that
// it does not allow that it is none.
func foldMisplaced(d *tree.Doc) {
	ccda.NoPlace(d, func(n tree.Node, why ccda.Unfit) {
		switch why {
		case ccda.NoRoom:
			d.Lower(n, tree.Folded, misplacedWhy)
		case ccda.Forbidden:
			d.Lower(n, tree.Invalid, "CDA's schema does not allow this value, so it is not written back")
		case ccda.Blanks:
			d.Lower(n, tree.Folded, "the blanks around it do not come back")
		}
	})
}

// stamp gives the bundle of a document the time of its composition (bdl-10), if that says a second and an offset: without one it is
// no document but a collection.
func stamp(rec *mapping.Record) {
	if rec.Bundle == nil {
		return
	}
	for _, r := range rec.Resources {
		c, ok := r.Msg.(*cpb.Composition)
		if !ok || c.Date == nil {
			continue
		}
		if d := c.Date; d.Timezone != "" && (d.Precision == dpb.DateTime_SECOND || d.Precision == dpb.DateTime_MILLISECOND || d.Precision == dpb.DateTime_MICROSECOND) && d.ValueUs != 0 {
			precision := dpb.Instant_SECOND
			switch d.Precision {
			case dpb.DateTime_MILLISECOND:
				precision = dpb.Instant_MILLISECOND
			case dpb.DateTime_MICROSECOND:
				precision = dpb.Instant_MICROSECOND
			}
			rec.Bundle.Timestamp = &dpb.Instant{ValueUs: d.ValueUs, Timezone: d.Timezone, Precision: precision}
		}
		return
	}
}

// sourceOf is what a document says of itself, for overlays to match: its custodian and its type.
func sourceOf(doc *ccda.Document) mapping.Source {
	src := mapping.Source{Format: "ccda", Event: attrText(doc.Doc, doc.Child(doc.Root, "code"), "code")}
	if org := doc.At(doc.Root, custodianPath); org != 0 {
		src.Sender = append(src.Sender, doc.Text(doc.Child(org, "name")), attrText(doc.Doc, doc.Child(org, "id"), "root"))
	}
	return src
}

var custodianPath = func() tree.Path {
	p, err := ccda.Format.ParsePath("custodian/assignedCustodian/representedCustodianOrganization")
	if err != nil {
		panic(err)
	}
	return p
}()

// custodian is what scopes identifiers without a root.
func custodian(doc *ccda.Document) string {
	org := doc.At(doc.Root, custodianPath)
	if org == 0 {
		return ""
	}
	id := doc.Child(org, "id")
	return attrText(doc.Doc, id, "root") + "^" + attrText(doc.Doc, id, "extension") + "^" + doc.Text(doc.Child(org, "name"))
}

// Key identifies a document by its text where nothing in it does: the sha256 of its bytes, however its lines end.
func Key(text string) string {
	sum := sha256.New()
	var buf [16 << 10]byte // so that nothing of the size of a document is made
	n := 0
	add := func(part string) {
		for part != "" {
			if n == len(buf) {
				sum.Write(buf[:])
				n = 0
			}
			k := copy(buf[n:], part)
			n, part = n+k, part[k:]
		}
	}
	for {
		line, rest, more := strings.Cut(text, "\r\n")
		if add(line); !more {
			break
		}
		add("\n")
		text = rest
	}
	sum.Write(buf[:n])
	return hex.EncodeToString(sum.Sum(nil))
}

// writer turns records of the hub into documents.
type writer struct {
	o    *convert.Options
	maps *mapping.Maps
}

func (w *writer) FromHub(rec *convert.Record) ([]convert.Part, []*diag.Finding, error) {
	m, err := w.maps.For(mapping.Source{Format: "ccda", Made: true})
	if err != nil {
		return nil, nil, err
	}
	var doc *tree.Doc
	var others map[string]int
	dated := true
	if cameAsCCDA(rec.Record) {
		doc, err = m.FromFHIR("ClinicalDocument", "Bundle", rec.Record)
	} else {
		kind, known := bornDocument{}, false
		for _, d := range bornDocuments {
			if d.name == cmp.Or(w.o.Document, "ccd") {
				kind, known = d, true
			}
		}
		switch {
		case !known:
			return nil, nil, fmt.Errorf("no document %s", w.o.Document)
		case !somebody(rec.Record):
			return nil, nil, diag.New(AboutNobody, diag.Place{}, "")
		}
		part := *rec
		var patients []*mapping.Resource
		if p := patientOf(rec.Record); p != nil {
			patients = append(patients, p)
		}
		part.Record, others = convert.WithoutOthers(rec.Record, patients)
		doc, err = m.FromFHIRBy("ClinicalDocument", part.Record, func(c *mapping.Context) { dated = writeBorn(c, &part, &kind, w.o.Date) })
		if others != nil {
			rec.Absorb(part.Record)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	out, finds := ccda.AppendDocument(nil, doc, nil)
	if !dated {
		finds = append(finds, w.o.DayOf("document"))
	}
	if others != nil {
		finds = append(finds, diag.New(OfAnother, diag.Place{}, "about somebody or something else than the patient, and left out of the document: %s", diag.Counts(others)))
	}
	return []convert.Part{{Data: out}}, finds, nil
}
