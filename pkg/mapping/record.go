package mapping

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/parameters_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Extensions of Chartpost's own.
const (
	// ExplicitNullURL marks an element for which the source asks the receiver to delete what it holds (HL7 v2 "").
	ExplicitNullURL = "https://chartpost.org/fhir/StructureDefinition/explicit-null"
	// TranslationURL marks a coding of a concept whose own code is not there: what stands in another system only, as C-CDA has it.
	TranslationURL = "https://chartpost.org/fhir/StructureDefinition/translation"
	dataAbsentURL  = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
	alternateURL   = "http://hl7.org/fhir/StructureDefinition/alternate-codes"
)

// Record is what a document is in FHIR: resources that refer to one another, and the bundle that holds them.
type Record struct {
	Bundle    *rpb.Bundle // the bundle's own elements, without entries; nil if there are none
	Resources []*Resource
	Findings  []*diag.Finding
	Part      bool             // there are more entries of the bundle, in other records
	Moved     map[string][]int // Resource.Moved of the bundle's own elements

	byID      map[string]*Resource
	byText    map[string]*Resource         // to what references lead that name it otherwise than by its id: by their texts, or by what they say instead
	byRef     map[*dpb.Reference]*Resource // and by themselves, for those without a text
	named     []named                      // all of these
	byType    map[*plan.Type]*kin
	claims    map[plan.Place]claim // the leaves of the record, while it is written as a document
	added     map[plan.Place]bool  // what is no leaf of it, by AddCodings
	withheld  map[plan.Place]bool  // what no row sees when it is written
	follower  *run                 // see from
	additions []addition
	root      *Resource // wraps Bundle

	steps   int
	lent    *lent
	doc     *tree.Doc // that it was read from, for Project
	origins []cameFrom
	led     []cameFrom // in a trial: the references that arrows made
}

// Steps are how many tags, elements and resources were looked at to find what a row is about, when the record was last read from a document or
// written as one, beside the steps of the document (tree.Doc.Steps): for tests that the work grows as the record does.
func (rec *Record) Steps() int { return rec.steps }

// Resource is one resource of a record.
type Resource struct {
	Msg     proto.Message
	FullURL string // as a bundle gave it; empty for what the rows made
	ID      string
	Entry   int // which of the entries of the bundle that it was read from it is, from 1; 0 if there was none
	// Moved has, by the path of a list, where in its source the items stood of which there were more: see fhir.Partial.
	Moved map[string][]int
	url   string         // its fullUrl, if it was made of its identity
	ref   *dpb.Reference // the first reference to it whose text was written; the others share it

	nth, inKin      int // in its record and among those of its type, on the way back; while it is read, nth in the order of making
	info            *plan.Type
	v               reflect.Value
	at              tree.Node   // where in the source it began
	also            []tree.Node // where else it was said of the same thing
	inside          *Resource   // contained in that, or within it otherwise: see Add
	entered, placed bool
	bound           bool        // in scope, so that more may come to it
	made            bool        // by rows, in this run
	led             bool        // made where an arrow leads
	standIn         bool        // see LinkNamed
	called          *dpb.String // its name, if it is a stand-in that has one
}

// Type is the resource's type: Patient.
func (r *Resource) Type() string { return r.info.Name }

type claim struct {
	state tree.State
	why   string
	of    any // a pointer to what it is claimed of, which stays in memory as long as its address is asked for: in excerpts, by the record that absorbed them
}

// newResource makes a resource of a record that is being read.
func (x *run) newResource(ti *plan.Type, at tree.Node) *Resource {
	v := x.arena.Take(ti.Of())
	r := x.resources.Take()
	x.made++
	*r = Resource{Msg: plan.MessageOf(v), info: ti, v: v, at: at, made: true, nth: x.made}
	if len(ti.Required()) > 0 {
		x.wanting = append(x.wanting, made{v, ti})
	}
	return r
}

func wrapResource(m proto.Message) *Resource {
	v := reflect.ValueOf(m).Elem()
	r := &Resource{Msg: m, info: plan.Of(v.Type()), v: v}
	if r.info.ID >= 0 {
		if id, ok := v.Field(r.info.ID).Interface().(*dpb.Id); ok {
			r.ID = id.GetValue()
		}
	}
	return r
}

// NewRecord makes a record of resources that came from elsewhere. Contained resources are unpacked and belong to it.
func NewRecord(bundle *rpb.Bundle, resources ...*Resource) *Record {
	rec := &Record{Bundle: bundle}
	for _, r := range resources {
		rec.Add(r)
	}
	return rec
}

// NewResource wraps a message with the fullUrl that its bundle gave it, if any.
func NewResource(m proto.Message, fullURL string) *Resource {
	r := wrapResource(m)
	r.FullURL = fullURL
	return r
}

// Add adds a resource and the resources within it: contained ones, those of the entries of a Bundle and of the parameters of Parameters. They
// belong to it and are written with it or not at all.
func (rec *Record) Add(r *Resource) {
	rec.Resources = append(rec.Resources, r)
	within := func(cr *rpb.ContainedResource) {
		if cr == nil {
			return
		}
		if v, a := plan.ContainedType().Resource(reflect.ValueOf(cr).Elem()); a != nil {
			in := wrapResource(v.Addr().Interface().(proto.Message))
			in.inside = r
			rec.Add(in)
		}
	}
	unpack := func(p *anypb.Any) {
		cr := &rpb.ContainedResource{}
		if p != nil && p.UnmarshalTo(cr) == nil {
			within(cr)
		}
	}
	if r.info.Contained >= 0 {
		packed, _ := r.v.Field(r.info.Contained).Interface().([]*anypb.Any)
		for _, p := range packed {
			unpack(p)
		}
	}
	switch m := r.Msg.(type) {
	case *rpb.Bundle:
		for _, e := range m.Entry {
			within(e.GetResource())
		}
	case *rpb.Bundle_Entry: // without its resource, which is one of the record
		within(m.GetResponse().GetOutcome())
	case *ppb.Parameters:
		var parameters func(list []*ppb.Parameters_Parameter)
		parameters = func(list []*ppb.Parameters_Parameter) {
			for _, x := range list {
				unpack(x.GetResource())
				parameters(x.GetPart())
			}
		}
		parameters(m.Parameter)
	}
}

// index makes ready for the way back, on which about so many leaves will be claimed.
func (rec *Record) index(claims int) {
	rec.byID, rec.byType, rec.claims = map[string]*Resource{}, map[*plan.Type]*kin{}, make(map[plan.Place]claim, min(claims, 32*len(rec.Resources)))
	for i, r := range rec.Resources {
		k := rec.byType[r.info]
		if k == nil {
			k = &kin{}
			rec.byType[r.info] = k
		}
		r.nth, r.placed, r.inKin = i, false, len(k.all)
		k.all = append(k.all, r)
		if r.inside != nil {
			rec.byID[fmt.Sprintf("%p#%s", r.inside, r.ID)] = r
			continue
		}
		if r.FullURL != "" {
			rec.byID[r.FullURL] = r
		}
		if r.ID != "" {
			rec.byID[r.info.Name+"/"+r.ID] = r
			rec.byID["urn:uuid:"+r.ID] = r
		}
	}
	for text, to := range rec.byText {
		if rec.holds(to) {
			rec.byID[text] = to
		}
	}
	if rec.Bundle != nil {
		rec.root = wrapResource(rec.Bundle)
		rec.root.Moved = rec.Moved
	}
}

// holds reports that a resource is one of the record, and not of another that it is an excerpt of.
func (rec *Record) holds(r *Resource) bool {
	return r.nth < len(rec.Resources) && rec.Resources[r.nth] == r
}

// kin are the record's resources of one type.
type kin struct {
	all    []*Resource
	begin  int         // before it all are placed
	placed []*Resource // in the order in which they were
}

// ofType are the record's resources of a type.
func (rec *Record) ofType(ti *plan.Type) []*Resource {
	if k := rec.byType[ti]; k != nil {
		return k.all
	}
	return nil
}

// unplaced are the resources from the first one on that is not placed yet.
func (k *kin) unplaced() []*Resource {
	if k == nil {
		return nil
	}
	for k.begin < len(k.all) && k.all[k.begin].placed {
		k.begin++
	}
	return k.all[k.begin:]
}

// place takes note that a resource has its place, free that it has not, which is the one that got it last of those that have.
func (rec *Record) place(r *Resource) {
	r.placed = true
	if k := rec.byType[r.info]; k != nil {
		k.placed = append(k.placed, r)
	}
}

func (rec *Record) free(r *Resource) {
	r.placed = false
	if k := rec.byType[r.info]; k != nil {
		k.begin, k.placed = min(k.begin, r.inKin), k.placed[:len(k.placed)-1]
	}
}

// resolve follows a reference within the record.
func (x *run) resolve(ref reflect.Value) *Resource {
	r := plan.As[dpb.Reference](ref)
	if r == nil {
		return nil
	}
	if x.reading {
		return x.refs[r]
	}
	var room [96]byte
	text := fhir.AppendReference(room[:0], r) // which is made into a string only where what follows needs one
	if len(text) == 0 {
		if to := x.rec.byRef[r]; to != nil && x.rec.holds(to) {
			return to
		}
		return nil
	}
	if text[0] == '#' { // contained
		return x.rec.byID[fmt.Sprintf("%p%s", x.within, string(text))]
	}
	if to := x.rec.byID[string(text)]; to != nil {
		return to
	}
	if i := bytes.Index(text, []byte("/_history/")); i >= 0 {
		text = text[:i]
	}
	if to := x.rec.byID[string(text)]; to != nil {
		return to
	}
	if parts := strings.Split(string(text), "/"); len(parts) > 2 && bytes.Contains(text, []byte("://")) { // absolute: by its ending
		if to := x.rec.byID[strings.Join(parts[len(parts)-2:], "/")]; to != nil && fhir.RESTBase(to.FullURL) == "" { // else it lives on another server
			return to
		}
	}
	return nil
}

// refer makes a reference lead to a resource of the record that is being made.
func (x *run) refer(ref reflect.Value, to *Resource) {
	r := plan.As[dpb.Reference](ref)
	known := len(x.refs)
	if x.refs[r] = to; len(x.refs) > known {
		x.refOrder = append(x.refOrder, r)
	}
}

// --- claims: what becomes of FHIR's leaves on the way back ---

func (x *run) claim(v reflect.Value, s tree.State, why string) {
	if s == tree.Carried && x.fold != "" {
		s, why = tree.Folded, x.fold
	}
	key := plan.PlaceOf(v)
	if x.trial && s == tree.Carried {
		x.tracks = append(x.tracks, claimTrack{key, x.track})
	}
	have := x.rec.claims[key]
	if s > have.state || s == tree.Carried && have.state == s { // that a second row carries it is in the log too: see foldConditional
		x.claimLog = append(x.claimLog, claimUndo{key, have})
	}
	if s > have.state {
		x.rec.claims[key] = claim{s, why, v.Addr().Interface()}
	}
}

type claimUndo struct {
	key  plan.Place
	have claim
}

// claimAll claims every leaf at and below v.
func (x *run) claimAll(v reflect.Value, ti *plan.Type, s tree.State, why string) {
	leaves(v, ti, func(leaf reflect.Value) { x.claim(leaf, s, why) })
}

// claimed is the state of a leaf.
func (x *run) claimed(v reflect.Value) tree.State { return x.rec.claims[plan.PlaceOf(v)].state }

// Leaves calls f for every leaf of the record after it was written as a document: every primitive with a value and every
// reference, but not resourceType nor the ids, references and fullUrls that Chartpost made.
func (rec *Record) Leaves(f func(place func() string, s tree.State, why string)) {
	rec.indexOnce()
	rec.settleNamed()
	w := newLeafWalk(rec, func(l *Leaf) { f(l.Place, l.State, l.Why) })
	if rec.root != nil {
		w.resource(rec.root)
	}
	for _, r := range rec.Resources {
		w.resource(r)
	}
}

// ours reports a resource's id, or a reference, that Chartpost made: a UUID of version 5.
func ours(leaf reflect.Value, r *Resource) bool {
	switch p := leaf.Addr().Interface().(type) {
	case *dpb.Id:
		return isUUID5(p.GetValue())
	case *dpb.Reference:
		var room [96]byte
		text := fhir.AppendReference(room[:0], p)
		return isUUID5(text[bytes.LastIndexAny(text, ":/")+1:])
	}
	return false
}

func isUUID5[T string | []byte](s T) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[14] == '5' && s[18] == '-' && s[23] == '-'
}

// leaves finds the leaves at and below v: primitives with a value, and references. What stands in the hub alone, and the
// data-absent-reason of an element that must be there and is not, are no leaves: see withLeaves. leafWalk is for those who ask for places.
func leaves(v reflect.Value, ti *plan.Type, f func(leaf reflect.Value)) {
	anyLeaf(v, ti, func(leaf reflect.Value) bool {
		f(leaf)
		return false
	})
}

// anyLeaf reports that a leaf at or below v is what is asked for, and asks of no other behind it.
func anyLeaf(v reflect.Value, ti *plan.Type, is func(leaf reflect.Value) bool) bool {
	if ti.Prim != nil && ti.Prim.HasValue(v) && is(v) {
		return true
	}
	for _, e := range ti.Elements {
		if e.RefText {
			if !v.Field(e.Index).IsNil() && is(v) {
				return true
			}
			continue
		}
		for i := range e.Len(v) {
			if x, next := withLeaves(e, v, i); next != nil && anyLeaf(x, next, is) {
				return true
			}
		}
	}
	return false
}

// withLeaves is the i-th item of an element and its type, nil where no leaf of the resource stands at or below it: contained resources are records
// of their own.
func withLeaves(e *plan.Element, v reflect.Value, i int) (reflect.Value, *plan.Type) {
	x, next := e.Item(v, i)
	if next == nil || next.Kind == plan.Packed || next.Kind == plan.Contained {
		return x, nil
	}
	if e.Name == "extension" {
		if ext := plan.As[dpb.Extension](x); ext != nil && (plan.IsInternal(ext) || isUnknownMarker(ext)) {
			return x, nil
		}
	}
	return x, next
}

// isUnknownMarker reports the data-absent-reason that stands where FHIR wants an element and the source has none.
func isUnknownMarker(x *dpb.Extension) bool {
	return x.GetUrl().GetValue() == dataAbsentURL && x.GetValue().GetCode().GetValue() == "unknown"
}

// Tally counts the leaves of a record that was written as a document.
func (rec *Record) Tally() (t tree.Tally) {
	rec.Leaves(func(_ func() string, s tree.State, _ string) { t.Add(s) })
	return t
}

func explicitNull() *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: ExplicitNullURL},
		Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}}
}

func unknownMarker() *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: dataAbsentURL},
		Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Code{Code: &dpb.Code{Value: "unknown"}}}}
}

// addExtension appends an extension to an element that may have some.
func addExtension(v reflect.Value, ti *plan.Type, x *dpb.Extension) bool {
	if ti.Extension < 0 {
		return false
	}
	list, _ := v.Field(ti.Extension).Addr().Interface().(*[]*dpb.Extension)
	if list == nil {
		return false
	}
	*list = append(*list, x)
	return true
}

// findExtension is the element's extension of a URL, nil if it has none.
func findExtension(v reflect.Value, ti *plan.Type, url string) *dpb.Extension {
	if ti.Extension < 0 {
		return nil
	}
	list, _ := v.Field(ti.Extension).Interface().([]*dpb.Extension)
	for _, x := range list {
		if x.GetUrl().GetValue() == url {
			return x
		}
	}
	return nil
}

// Inside reports a resource that is contained in another, or within it otherwise.
func (r *Resource) Inside() bool { return r.inside != nil }

// Wrapped reports a resource within a Bundle or Parameters that is a resource of the record: what another record holds, or what a program is
// called with, and not what this record says of its patient.
func (r *Resource) Wrapped() bool {
	for r = r.inside; r != nil; r = r.inside {
		switch r.Msg.(type) {
		case *rpb.Bundle, *ppb.Parameters:
			return true
		}
	}
	return false
}

// isIn reports a resource within another, at any depth.
func (r *Resource) isIn(owner *Resource) bool {
	for r = r.inside; r != nil; r = r.inside {
		if r == owner {
			return true
		}
	}
	return false
}
