package convert

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/operation_outcome_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/parameters_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file is the hub's own format: FHIR R4 as JSON or XML, a bundle per record, and NDJSON, a resource a line.

// FHIR is the format of bundles.
func FHIR() *Format {
	return &Format{Name: "fhir", Extension: ".json", Sniff: sniffFHIR, Loose: looseFHIR, Read: readFHIR, NewWorker: newFHIRWorker,
		NewWriter: func(o *Options) Writer { return &bundleWriter{o: o} }, Describe: describeFHIR}
}

// NDJSON is the format of bulk data. It is read as FHIR is.
func NDJSON() *Format {
	return &Format{Name: "ndjson", Extension: ".ndjson", Read: readFHIR, NewWorker: newFHIRWorker,
		NewWriter: func(o *Options) Writer { return &linesWriter{} }}
}

// FHIRXML is the format of bundles in XML. It is read as FHIR is, which looks whether it is JSON or XML.
func FHIRXML() *Format {
	return &Format{Name: "fhir-xml", Extension: ".xml", Read: readFHIR, NewWorker: newFHIRWorker,
		NewWriter: func(o *Options) Writer { return &bundleWriter{o: o, xml: true} }}
}

// sniffFHIR looks for a JSON object that names its resourceType early, or that is cut off before it could, or for an element of
// FHIR's XML.
func sniffFHIR(head []byte) bool {
	if fhir.SniffXML(head) != "" {
		return true
	}
	head = bytes.TrimPrefix(head, []byte(utf8Mark))
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 || head[0] != '{' {
		return false
	}
	return bytes.Contains(head, []byte(`"resourceType"`))
}

// looseFHIR is the syntax, json or xml, of a source that begins with a resource that is no bundle: it stands alone, as in bulk data, and
// what it belongs to may be in another file. Of any other source it is empty.
func looseFHIR(head []byte) string {
	syntax, typ := "xml", fhir.SniffXML(head)
	if typ == "" {
		syntax, typ = "json", typeOfJSON(head)
	}
	if typ == "" || typ == "Bundle" {
		return ""
	}
	return syntax
}

// typeOf is the type of the resource with which a text begins.
func typeOf(text []byte) string {
	if t := fhir.SniffXML(text); t != "" {
		return t
	}
	return typeOfJSON(text)
}

// typeOfJSON is the type of the resource with which a text begins.
func typeOfJSON(head []byte) string {
	dec := jsontext.NewDecoder(bytes.NewReader(bytes.TrimPrefix(head, []byte(utf8Mark))), jsontext.AllowDuplicateNames(true))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return ""
	}
	for {
		name, err := dec.ReadToken()
		if err != nil || name.Kind() != '"' {
			return ""
		}
		if name.String() == "resourceType" {
			typ, err := dec.ReadToken()
			if err != nil || typ.Kind() != '"' {
				return ""
			}
			return typ.String()
		}
		if dec.SkipValue() != nil {
			return ""
		}
	}
}

func setID(m proto.Message, id string) {
	if id == "" {
		return
	}
	if i := plan.OfMessage(m).ID; i >= 0 {
		if f := reflect.ValueOf(m).Elem().Field(i); f.Type() == reflect.TypeFor[*dpb.Id]() {
			f.Set(reflect.ValueOf(&dpb.Id{Value: strings.Clone(id)}))
		}
	}
}

type fhirWorker struct {
	o *Options

	names *fhir.Names // of find
	find  *fhir.Finder
}

func newFHIRWorker(o *Options) Worker { return &fhirWorker{o: o} }

// finder is this worker's own for the names of a bundle.
func (w *fhirWorker) finder(names *fhir.Names) *fhir.Finder {
	if w.names != names {
		w.names, w.find = names, names.Finder()
	}
	return w.find
}

// onePage says that a bundle is a page of a server's answer and that the server has more of it: saved as a file it looks like a whole record.
func onePage(b *rpb.Bundle) *diag.Finding {
	for i, l := range b.GetLink() {
		if l.GetRelation().GetValue() == "next" {
			return diag.New(OnePage, diag.Place{Path: fmt.Sprintf("Bundle.link[%d]", i)}, "")
		}
	}
	return nil
}

// noRecord says what in a record is none of a patient: the answer of a server that says how it went, and resources that hold others, which may be
// about anybody, or what a program was called with. They are written as FHIR as they are, and no document is made of what they hold.
func noRecord(rec *mapping.Record) (list []*diag.Finding) {
	outcomes := 0
	for _, r := range rec.Resources {
		if r.Inside() {
			continue
		}
		at := diag.Place{Path: r.Type()}
		if r.Entry > 0 {
			at.Path = fmt.Sprintf("Bundle.entry[%d].resource", r.Entry-1)
		}
		switch m := r.Msg.(type) {
		case *opb.OperationOutcome:
			outcomes++
		case *rpb.Bundle:
			list = append(list, diag.New(Wrapper, at, "a Bundle within the record, of %s", count(len(m.Entry), "entry")))
		case *ppb.Parameters:
			list = append(list, diag.New(Wrapper, at, "Parameters: what a program is called with, or answers"))
		}
	}
	if outcomes > 0 && outcomes == len(rec.Resources) && !rec.Part {
		list = append(list, diag.New(OnlyOutcome, diag.Place{Path: "OperationOutcome"}, ""))
	}
	return list
}

func (w *fhirWorker) ToHub(raw *Raw) (*Record, error) {
	h := raw.Data.(hubRecord)
	rec := mapping.NewRecord(nil)
	out := &Record{Record: rec, FromFHIR: true}
	var envelopes []envelope
	key := sync.OnceValue(h.key)
	add := func(i int, x *rpb.Bundle_Entry, p *fhir.Partial) {
		if m := fhir.Unwrap(x.GetResource()); m != nil {
			w.add(rec, m, x.GetFullUrl().GetValue(), key, i).Moved = p.Moved(i)
		}
		if x == nil {
			return
		}
		if x.Search != nil || x.Request != nil || x.Response != nil || x.Link != nil {
			envelopes = append(envelopes, envelope{index: i, entry: &rpb.Bundle_Entry{Link: x.Link, Search: x.Search, Request: x.Request, Response: x.Response}})
		}
	}
	var part *fhir.Partial
	if h.text != nil {
		m, finds := fhir.Unmarshal(h.text, h.at(raw.Index))
		if lost := fhir.Lost(finds); lost != nil {
			if part = fhir.Salvage(h.text, false, h.at(raw.Index)); part == nil || part.Resource == nil || !w.o.hub() && part.DroppedPatient() {
				return nil, lost
			}
			m, finds = part.Resource, append(fhir.Soften(finds), part.Findings...)
			out.keep(part, "", nil)
		}
		h.resource, out.Findings = m, finds
	}
	switch b, bundle := h.resource.(*rpb.Bundle); {
	case bundle:
		out.ID, out.whole = b.GetId().GetValue(), b
		rec.Bundle = &rpb.Bundle{Id: b.Id, Meta: b.Meta, ImplicitRules: b.ImplicitRules, Language: b.Language, Identifier: b.Identifier,
			Type: b.Type, Timestamp: b.Timestamp, Total: b.Total, Link: b.Link, Signature: b.Signature}
		rec.Moved = part.Moved(-1)
		for i, x := range b.Entry {
			if part != nil && part.Entries != nil {
				i = part.Entries[i]
			}
			add(i, x, part)
		}
		if part != nil && part.Undone && w.o.toBundles() {
			out.undo()
		}
	case h.resource != nil:
		r := mapping.NewResource(h.resource, "")
		r.Moved = part.Moved(-1)
		rec.Add(r)
		out.ID, out.loose = fhir.IDOf(h.resource), true
	case h.piece != nil:
		out.ID, out.whole, out.Piece = h.piece.shell.GetId().GetValue(), h.piece.shell, true
		rec.Part = true
		if h.piece.first {
			rec.Bundle = h.piece.shell
			if p := h.piece.lost; p != nil {
				rec.Moved = p.Moved(-1)
				out.keep(p, "", nil)
			}
		}
		for _, e := range h.piece.entries {
			x, part, finds, err := out.again(e, raw.Index)
			if err != nil {
				return nil, err
			}
			out.Findings = append(out.Findings, finds...)
			add(e.Index, x, part)
		}
	case h.part != nil:
		if err := h.part.addTo(out, add); err != nil {
			return nil, err
		}
	default:
		out.loose = true
		at := -1
		for x, err := range h.group.resources() {
			if err != nil {
				return nil, err
			}
			m := x.m
			r := mapping.NewResource(m, "")
			if at++; x.part != nil {
				r.Moved = x.part.Moved(-1)
				place := ""
				if len(h.group.members) > 1 {
					place = fmt.Sprintf("Bundle.entry[%d].resource", at)
				}
				out.keep(x.part, place, r)
			}
			rec.Add(r)
			if out.ID == "" && fhir.TypeOf(m) == "Patient" {
				out.ID = fhir.IDOf(m)
			}
		}
	}
	envelopes = out.ofEntries(envelopes)
	if out.whole != nil {
		inOrder(out.Findings)
	}
	if f := onePage(rec.Bundle); f != nil {
		out.Findings = append(out.Findings, f)
	}
	out.Findings = append(out.Findings, noRecord(rec)...)
	out.Written = out.whole.GetTimestamp().GetValueUs()
	if err := w.restyle(out, h); err != nil {
		return nil, err
	}
	out.Leaves = rec.Leaves
	if w.o.tables != nil {
		out.Leaves = func(f func(func() string, tree.State, string)) { w.tableLeaves(out, envelopes, f) }
	} else if w.o.toBundles() || w.o.To == "ndjson" { // nothing is mapped: the resources are carried as they are
		out.Leaves = func(f func(func() string, tree.State, string)) { w.leaves(out, envelopes, f) }
	} else if envelopes != nil {
		out.Leaves = func(f func(func() string, tree.State, string)) {
			rec.Leaves(f)
			for _, e := range envelopes {
				e.leaves(f, tree.Declined, w.beside())
			}
		}
	}
	switch {
	case h.group != nil:
		w.share(out, h.group.keys(), nil)
	case h.part != nil:
		w.sharePart(out, h.part, envelopes)
	}
	if w.o.documents() {
		rec.LinkNamed()
	}
	out.tellLost()
	return out, nil
}

// beside says why what an entry says beside its resource is not in a document.
func (w *fhirWorker) beside() string {
	return "it is about how the bundle came about, and " + w.o.To + " has no bundles"
}

// share tells the leaves of what other records have too apart from those of the record's own. keys are those of its resources, of what others do
// not have 0. more, if it is not nil, gives the leaves of what is no resource, those of the bundle first.
func (w *fhirWorker) share(rec *Record, keys []uint64, more func(f func(uint64, func() string, tree.State, string))) {
	of := map[*mapping.Resource]uint64{}
	rec.shares = of
	key, at := uint64(0), 0
	for _, r := range rec.Resources {
		if !r.Inside() { // else it stands behind the one that contains it
			key = keys[at]
			at++
		}
		if key > 0 {
			of[r] = key
		}
	}
	if len(of) == 0 && more == nil {
		return
	}
	rec.Share(func(f func(key uint64, place func() string, s tree.State, why string)) {
		rec.EachLeaf(func(l *mapping.Leaf) {
			s, why := l.State, l.Why
			switch {
			case w.o.tables != nil:
				s, why = w.tableState(l)
			case w.o.toBundles():
				s, why = tree.Carried, ""
			}
			f(of[l.Resource], l.Place, s, why)
		})
		if more != nil {
			more(f)
		}
	})
}

// add adds the resource of a bundle's entry.
func (w *fhirWorker) add(rec *mapping.Record, m proto.Message, fullURL string, key func() string, entry int) *mapping.Resource {
	r := mapping.NewResource(m, fullURL)
	r.Entry = entry + 1
	rec.Add(r)
	if w.o.byID() && r.ID == "" { // there a resource is found by its id alone
		if r.ID = idOfURL(fullURL); r.ID == "" {
			r.ID = newID(key(), r.Type(), entry)
		}
		setID(m, r.ID)
	}
	return r
}

// idOfURL is the last part of a fullUrl, if that can be an id.
func idOfURL(url string) string {
	if id := url[strings.LastIndexAny(url, ":/")+1:]; isID(id) {
		return id
	}
	return ""
}

// newID is the id of a resource that has none, by the digest of the bundle that it is in.
func newID(key, typ string, entry int) string {
	return fhir.ID(typ, "entry", key+"#"+strconv.Itoa(entry))
}

// envelope is what a bundle's entry says beside its resource.
type envelope struct {
	index int
	entry *rpb.Bundle_Entry // nil: nothing
	lost  []lostLeaf
}

// leaves gives the leaves of a record that stays FHIR. Lost is what a bundle says that is written as another or as none.
func (w *fhirWorker) leaves(rec *Record, envelopes []envelope, f func(func() string, tree.State, string)) {
	shell, why := tree.Carried, ""
	switch {
	case rec.whole == nil:
	case w.o.To == "ndjson":
		shell, why = tree.Declined, "NDJSON has resources and no bundle"
	case w.o.BundleKind != "":
		shell, why = tree.Declined, "the bundle becomes one of another kind"
	}
	rec.Record.Leaves(func(place func() string, _ tree.State, _ string) {
		if shell == tree.Carried || !strings.HasPrefix(place(), "Bundle.") || strings.HasPrefix(place(), "Bundle.entry") {
			f(place, tree.Carried, "")
			return
		}
		if at := place(); w.o.toBundles() && at != "Bundle.type" && at != "Bundle.total" && !strings.HasPrefix(at, "Bundle.link") && !strings.HasPrefix(at, "Bundle.signature") {
			f(place, tree.Carried, "")
			return
		}
		f(place, shell, why)
	})
	for _, e := range envelopes {
		e.leaves(f, shell, why)
	}
}

// leaves gives its leaves, those of the outcome of a response as well.
func (e *envelope) leaves(f func(func() string, tree.State, string), s tree.State, why string) {
	defer func() {
		for i := range e.lost {
			f(e.lost[i].tell())
		}
	}()
	if e.entry == nil {
		return
	}
	mapping.NewRecord(nil, mapping.NewResource(e.entry, "")).EachLeaf(func(l *mapping.Leaf) {
		f(func() string {
			at, rest := l.Place(), ""
			if l.Resource.Inside() {
				_, rest, _ = strings.Cut(at, ".")
				rest = ".response.outcome." + rest
			} else {
				rest = strings.TrimPrefix(at, "Bundle.entry")
			}
			return fmt.Sprintf("Bundle.entry[%d]%s", e.index, rest)
		}, s, why)
	})
}

// restyle writes references in the style of the target: urn:uuid in bundles of what stood alone, Type/id in NDJSON.
func (w *fhirWorker) restyle(rec *Record, h hubRecord) error {
	style := fhir.RefURN
	switch {
	case w.o.byID() && rec.whole != nil:
		style = fhir.RefRelative
	case w.o.toBundles() && rec.loose:
	default:
		return nil
	}
	if h.piece != nil {
		find := w.finder(h.piece.names)
		for _, r := range rec.Resources {
			if r.Inside() {
				continue
			}
			if err := find.Restyle(r.Msg, r.FullURL, style); err != nil {
				return err
			}
		}
		return nil
	}
	index := fhir.NewIndex()
	for _, r := range rec.Resources {
		if !r.Inside() {
			index.Add(fhir.Located{FullURL: r.FullURL, Resource: r.Msg})
		}
	}
	for _, r := range rec.Resources {
		if r.Inside() {
			continue
		}
		if err := index.Restyle(r.Msg, style); err != nil {
			return err
		}
	}
	return nil
}

// isID reports what FHIR takes for an id.
func isID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.')
	}) < 0
}

// bundleWriter writes a record as one bundle, on one line of JSON or XML.
type bundleWriter struct {
	o   *Options
	xml bool
	buf bytes.Buffer
}

func (w *bundleWriter) FromHub(rec *Record) ([]Part, []*diag.Finding, error) {
	if rec.whole != nil && w.o.BundleKind == "" {
		write := fhir.Append
		if w.xml {
			write = fhir.AppendXML
		}
		data, err := write(nil, rec.whole)
		if err != nil {
			return nil, nil, err
		}
		return []Part{{Data: append(data, '\n')}}, nil, nil
	}
	natural := fhir.Collection
	resources := headFirst(rec.Resources)
	first := ""
	if len(resources) > 0 {
		first = resources[0].Type()
	}
	if !rec.FromFHIR && first == "MessageHeader" {
		natural = fhir.Message
	}
	id := rec.Bundle.GetIdentifier()
	stamped := rec.Bundle.GetTimestamp() != nil && id.GetSystem().GetValue() != "" && id.GetValue().GetValue() != "" // as a document must be
	if !rec.FromFHIR && first == "Composition" && stamped {
		natural = fhir.Document
	}
	kind, err := w.o.BundleType(natural)
	if err != nil {
		return nil, nil, err
	}
	var finds []*diag.Finding
	if first == "Composition" && !stamped && (kind == fhir.Document || kind == natural && !rec.FromFHIR) {
		finds = append(finds, diag.New(NoInstant, diag.Place{}, "it is a bundle of type %s", kind))
	}
	shell := &rpb.Bundle{}
	if b := rec.Bundle; b != nil { // to copy it by its wire form makes ready all types of resource, which takes 7 ms
		shell.Id, shell.Meta, shell.ImplicitRules, shell.Language, shell.Identifier = b.Id, b.Meta, b.ImplicitRules, b.Language, b.Identifier
		shell.Timestamp, shell.Total, shell.Link, shell.Signature = b.Timestamp, b.Total, b.Link, b.Signature
	}
	if rec.whole != nil { // what it says of the kind that it was
		shell.Total, shell.Link, shell.Signature = nil, nil, nil
	}
	if kind == fhir.Message && first != "MessageHeader" || kind == fhir.Document && first != "Composition" {
		return nil, nil, diag.New(NoBundle, diag.Place{}, "a %s bundle begins with a %s, and this record with none", kind,
			map[fhir.BundleType]string{fhir.Message: "MessageHeader", fhir.Document: "Composition"}[kind])
	}
	shell.Type = &rpb.Bundle_TypeCode{Value: codes.BundleTypeCode_Value(kind)}
	if shell.Id == nil && rec.Key != "" {
		shell.Id = &dpb.Id{Value: fhir.ID("Bundle", "record", rec.Key)}
	}
	w.buf.Reset()
	begin := fhir.NewBundleWriter
	if w.xml {
		begin = fhir.NewXMLBundleWriter
	}
	bw := begin(&w.buf, shell)
	var parts []Part
	for i, r := range resources {
		if r.Inside() {
			continue
		}
		url := r.FullURL
		if url == "" && rec.loose && fhir.IDOf(r.Msg) == "" { // an entry has a fullUrl: what it says and its place give it one
			text, err := fhir.Append(nil, r.Msg)
			if err != nil {
				return nil, nil, err
			}
			url = fhir.ResourceURL(r.Msg, "", digestOf(text), strconv.Itoa(i))
		}
		if err := bw.AddResource(url, r.Msg); err != nil {
			return nil, nil, err
		}
		if w.buf.Len() > largePart { // or the buffer of a large record would be twice its size, and a copy of it as large again
			parts = append(parts, Part{Data: bytes.Clone(w.buf.Bytes())})
			w.buf.Reset()
		}
	}
	if err := bw.Close(); err != nil {
		return nil, nil, err
	}
	w.buf.WriteByte('\n')
	return append(parts, Part{Data: bytes.Clone(w.buf.Bytes())}), finds, nil
}

// largePart is how many bytes of a bundle are held in one piece, more or less.
const largePart = 1 << 20

// headFirst puts what a bundle of messages or documents begins with before everything else.
func headFirst(all []*mapping.Resource) []*mapping.Resource {
	i := slices.IndexFunc(all, func(r *mapping.Resource) bool {
		return !r.Inside() && (r.Type() == "MessageHeader" || r.Type() == "Composition")
	})
	if i <= 0 {
		return all
	}
	return slices.Concat(all[i:i+1], all[:i], all[i+1:])
}

// linesWriter writes a record as NDJSON, its resources in their order. A run of resources of one type is a part.
type linesWriter struct{}

func (linesWriter) FromHub(rec *Record) ([]Part, []*diag.Finding, error) {
	var parts []Part
	for _, r := range rec.Resources {
		if r.Inside() {
			continue
		}
		last := len(parts) - 1
		if last < 0 || parts[last].Type != r.Type() {
			parts = append(parts, Part{Type: r.Type()})
			last++
		}
		data, err := fhir.Append(parts[last].Data, r.Msg)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.Type(), err)
		}
		parts[last].Data = append(data, '\n')
	}
	return parts, nil, nil
}

// describeFHIR counts resources by type.
func describeFHIR(raw *Raw, _ *Options) (Description, *diag.Finding) {
	if raw.Reject != nil {
		return Description{}, raw.Reject
	}
	d := Description{Kinds: map[string]int{}, Facts: map[string]string{"version": "R4"}}
	h := raw.Data.(hubRecord)
	if h.text != nil {
		m, finds := fhir.Unmarshal(h.text, h.at(raw.Index))
		if lost := fhir.Lost(finds); lost != nil {
			part := fhir.Salvage(h.text, false, h.at(raw.Index))
			if part == nil || part.Resource == nil {
				return Description{}, lost
			}
			m = part.Resource
		}
		h.resource = m
	}
	var shell *rpb.Bundle
	switch b, bundle := h.resource.(*rpb.Bundle); {
	case bundle:
		shell = b
		for _, x := range b.Entry {
			if m := fhir.Unwrap(x.GetResource()); m != nil {
				d.Kinds[fhir.TypeOf(m)]++
			}
		}
	case h.resource != nil:
		d.Kinds[fhir.TypeOf(h.resource)]++
	case h.piece != nil:
		shell = h.piece.shell
		for _, e := range h.piece.entries {
			if x, _ := fhir.UnmarshalEntry([]byte(e.Text), e.Index); x.GetResource() != nil {
				d.Kinds[fhir.TypeOf(fhir.Unwrap(x.Resource))]++
			}
		}
	default:
		for _, i := range h.group.members {
			d.Kinds[h.group.of.typeOf(i)]++
		}
	}
	if t := shell.GetType().GetValue(); t != 0 {
		d.Facts["bundle"] = strings.ReplaceAll(strings.ToLower(t.String()), "_", "-")
	}
	return d, nil
}
