package validate

import (
	"reflect"
	"slices"
	"strings"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// What holds of a bundle as a whole (bundle.html). A bundle is checked while it streams: of each entry a few words are kept, of
// its fullUrl and id a hash, so that a bundle of any size takes some hundred bytes an entry. References to what came before are
// settled at once, the others when the bundle ends.

type bundle = *rpb.Bundle

// entryNote is what the checks of an entry leave for those of its bundle.
type entryNote struct {
	typ, id, url string
	version      string // meta.versionId
	has          entryHas
	mode         codes.SearchEntryModeCode_Value
	place        diag.Place
	refs         []use
	steps        []step
	wants        []want
	met          uint64 // the profiles that references may ask for and its resource meets
	asks         *qpb.Questionnaire
	waits        *fhir.Entry // with answers to a questionnaire that may stand in the bundle
	unchecked    tally
}

type entryHas uint8

const (
	hasResource entryHas = 1 << iota
	hasRequest
	hasResponse
	hasSearch
)

// noteOf gives what a bundle must know of an entry, but for its references.
func noteOf(e *rpb.Bundle_Entry, place diag.Place) entryNote {
	n := entryNote{url: e.GetFullUrl().GetValue(), place: place, mode: e.GetSearch().GetMode().GetValue()}
	if e.GetRequest() != nil {
		n.has |= hasRequest
	}
	if e.GetResponse() != nil {
		n.has |= hasResponse
	}
	if e.GetSearch() != nil {
		n.has |= hasSearch
	}
	if m := fhir.Unwrap(e.GetResource()); m != nil {
		n.has |= hasResource
		n.typ, n.id = fhir.TypeOf(m), fhir.IDOf(m)
		if x, ok := m.(interface{ GetMeta() *dpb.Meta }); ok {
			n.version = x.GetMeta().GetVersionId().GetValue()
		}
	}
	return n
}

// bundleEntry checks what an entry says of itself.
func (w *walker) bundleEntry(v reflect.Value) {
	e := v.Addr().Interface().(*rpb.Bundle_Entry)
	url := e.GetFullUrl().GetValue()
	if url == "" {
		return
	}
	if !absolute(url) {
		w.findAt("fullUrl", "CP-FHIR-131", "")
		return
	}
	m := fhir.Unwrap(e.GetResource())
	if m == nil {
		return
	}
	if typ := typeOfURL(url); typ != "" && strings.HasPrefix(url, "http") {
		if id := fhir.IDOf(m); id != "" && !strings.HasSuffix(strings.TrimSuffix(url, "/"), "/"+fhir.TypeOf(m)+"/"+id) {
			w.findAt("fullUrl", "CP-FHIR-132", "")
		}
	}
}

// bundleState is what is known of a bundle so far.
type bundleState struct {
	kind     codes.BundleTypeCode_Value // unknown as long as only what stands behind the entries says it
	entries  []entryFact
	byURL    map[uint64]int32 // the first entry with that fullUrl, and its number from 1
	byID     map[uint64]int32
	versions map[uint64]bool // fullUrls with meta.versionId
	pending  []pendingUse
	edges    [][2]int32
	report   func(*diag.Finding)
	twice    []int32

	v              *Validator
	questionnaires []*questionnaire
	waiting        []*fhir.Entry // answers to questionnaires that have not come
	unanswered     int           // more of them than can wait
}

type entryFact struct {
	typ          string // one of the types' own names
	line, column int32
	has          entryHas
	met          uint64
	mode         uint8
	named        bool // it has a fullUrl
	identified   bool // it has an id
}

// pendingUse is a reference whose target has not come yet.
type pendingUse struct {
	entry        int32
	url, id      uint64 // hashes of the fullUrl that it means, and of Type/id
	elem         *plan.Element
	n            *node // where it is a profile that demands something of it
	of           *profile
	typ          string // of a relative reference
	must         bool   // FHIR demands that it is in the bundle
	urn          bool
	line, column int32
	path         string
}

func newBundleState(v *Validator, report func(*diag.Finding)) *bundleState {
	return &bundleState{v: v, byURL: map[uint64]int32{}, byID: map[uint64]int32{}, versions: map[uint64]bool{}, report: report}
}

// hash is FNV-1a of 64 bits over texts one behind the other.
func hash(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * 1099511628211
		}
	}
	return h
}

// base is the base of the server in a fullUrl that ends in Type/id, empty for others.
func base(url, typ string) string {
	if !strings.HasPrefix(url, "http") {
		return ""
	}
	i := strings.LastIndexByte(url, '/')
	if i <= 0 {
		return ""
	}
	j := strings.LastIndexByte(url[:i], '/')
	if url[j+1:i] != typ && plan.ContainedType().ResourceAlt(url[j+1:i]) == nil {
		return ""
	}
	return url[:j+1]
}

// add takes the next entry.
func (b *bundleState) add(n *entryNote, kind codes.BundleTypeCode_Value) {
	b.kind = kind
	i := int32(len(b.entries))
	f := entryFact{line: int32(n.place.Line), column: int32(n.place.Column), has: n.has, mode: uint8(n.mode), named: n.url != "", identified: n.id != "",
		met: n.met}
	if n.typ != "" {
		f.typ = n.typ
	}
	b.entries = append(b.entries, f)
	if n.url != "" {
		url, _, _ := strings.Cut(n.url, "/_history/")
		h := hash(url)
		if b.byURL[h] == 0 {
			b.byURL[h] = i + 1
		}
		v := hash(url, "\x00", n.version) // bdl-7
		if b.versions[v] {
			b.twice = append(b.twice, i)
		}
		b.versions[v] = true
	}
	if n.id != "" {
		if h := hash(n.typ, "/", n.id); b.byID[h] == 0 {
			b.byID[h] = i + 1
		}
	}
	for k := range n.refs {
		b.refer(i, n, &n.refs[k])
	}
	for k := range n.wants {
		b.demand(i, n, &n.wants[k])
	}
	if n.asks != nil || n.waits != nil {
		b.answer(n, b.report)
	}
}

// aim is what a reference means: the hashes of the fullUrl and of Type/id. It is false for one that leads to no entry whatever there is.
func (n *entryNote) aim(u *use) (url, id uint64, urn, ok bool) {
	if u.typ != "" {
		if base := base(n.url, n.typ); base != "" {
			url = hash(base, u.typ, "/", u.text)
		}
		return url, hash(u.typ, "/", u.text), false, n.url != ""
	}
	text, _, _ := strings.Cut(u.text, "/_history/")
	if text, _, _ = strings.Cut(text, "#"); !absolute(text) {
		return 0, 0, false, false // a conditional reference, or none that we know
	}
	return hash(text), 0, strings.HasPrefix(text, "urn:uuid:") || strings.HasPrefix(text, "urn:oid:"), true
}

// demand looks at what a profile demands of a reference.
func (b *bundleState) demand(i int32, n *entryNote, x *want) {
	u := &n.refs[x.use]
	url, _, _, _ := n.aim(u)
	if j := b.byURL[url]; j > 0 && url != 0 {
		if e := &b.entries[j-1]; e.typ == "" || x.n.allows(e.typ, e.met) {
			return
		}
	}
	p := pendingUse{entry: i, url: url, n: x.n, of: x.of, line: int32(u.line), column: int32(u.column), path: pathText(n.steps[u.from:u.to])}
	if a := plan.ContainedType().ResourceAlt(u.typ); a != nil {
		p.typ = a.Type().Name // which is no part of the record's text
	}
	b.pending = append(b.pending, p)
}

// settleDemand looks at what a profile demands of a reference when all entries are known.
func (b *bundleState) settleDemand(p *pendingUse, place diag.Place) {
	typ, found := p.typ, false
	var met uint64
	if j := b.byURL[p.url]; j > 0 && p.url != 0 {
		typ, met, found = b.entries[j-1].typ, b.entries[j-1].met, true
	}
	switch {
	case typ == "" || found && p.n.allows(typ, met):
	case found && slices.Contains(p.n.leadTo, typ):
		b.report(diag.New("CP-FHIR-216", place, "the %s that it leads to does not meet %s, as %s demands", typ, p.n.meetNames(typ), p.of.title()))
	case found:
		b.report(diag.New("CP-FHIR-215", place, "it leads to %s, and %s allows %s", article(typ), p.of.title(), strings.Join(p.n.leadTo, ", ")))
	case !slices.Contains(p.n.leadTo, typ):
		b.report(diag.New("CP-FHIR-105", place, "it leads to %s, and %s allows %s", article(typ), p.of.title(), strings.Join(p.n.leadTo, ", ")))
	}
}

// linked reports a bundle of which the links between its entries matter, or may.
func (b *bundleState) linked() bool {
	return b.kind == codes.BundleTypeCode_DOCUMENT || b.kind == codes.BundleTypeCode_MESSAGE || b.kind == codes.BundleTypeCode_INVALID_UNINITIALIZED
}

func (b *bundleState) refer(i int32, n *entryNote, u *use) {
	p := pendingUse{entry: i, elem: u.elem, line: int32(u.line), column: int32(u.column)}
	if u.typ != "" && n.url == "" {
		if b.kind == codes.BundleTypeCode_BATCH_RESPONSE || b.kind == codes.BundleTypeCode_TRANSACTION_RESPONSE {
			return
		}
		f := diag.New("CP-FHIR-134", n.place, "")
		f.Place.Line, f.Place.Column, f.Place.Path = u.line, u.column, pathText(n.steps[u.from:u.to])
		b.report(f)
		return
	}
	if u.typ == "" && n.url != "" && bareName(u.text) {
		f := diag.New("CP-FHIR-225", n.place, "")
		f.Place.Line, f.Place.Column, f.Place.Path = u.line, u.column, pathText(n.steps[u.from:u.to])
		b.report(f)
		return
	}
	var ok bool
	if p.url, p.id, p.urn, ok = n.aim(u); !ok {
		return
	}
	if i == 0 && u.elem != nil {
		switch owner := u.elem.Owner.Name; {
		case owner == "Composition" && u.elem.Name == "subject", owner == "Composition.section" && u.elem.Name == "entry",
			owner == "MessageHeader" && u.elem.Name == "focus":
			p.must = true
		}
	}
	if j := b.byURL[p.url]; j > 0 && p.url != 0 {
		if b.linked() {
			b.edges = append(b.edges, [2]int32{i, j - 1})
		}
		if typ := b.entries[j-1].typ; typ == "" || u.elem == nil || allowed(u.elem.Targets, typ) {
			return
		}
	}
	p.path = pathText(n.steps[u.from:u.to])
	b.pending = append(b.pending, p)
}

// bareName reports a text that is neither a URL nor of the form Type/id, nor a search or a fragment: it leads nowhere.
func bareName(text string) bool { return text != "" && !strings.ContainsAny(text, ":/?#|") }

// end checks the bundle as a whole; shell is the bundle, with or without its entries.
func (b *bundleState) end(shell bundle, at diag.Place) {
	kind := shell.GetType().GetValue()
	b.kind = kind
	if at.Path == "" {
		at.Path = "Bundle"
	}
	at.Path = strings.TrimSuffix(at.Path, ".")
	say := func(id diag.ID, path, format string, args ...any) {
		p := at
		p.Path += path
		b.report(diag.New(id, p, format, args...))
	}
	entry := func(i int32, id diag.ID, path, format string, args ...any) {
		p := at
		p.Path += ".entry[" + itoa(int(i)) + "]" + path
		p.Line, p.Column = int(b.entries[i].line), int(b.entries[i].column)
		b.report(diag.New(id, p, format, args...))
	}
	is := func(kinds ...codes.BundleTypeCode_Value) bool {
		for _, k := range kinds {
			if k == kind {
				return true
			}
		}
		return false
	}
	const (
		document  = codes.BundleTypeCode_DOCUMENT
		message   = codes.BundleTypeCode_MESSAGE
		trans     = codes.BundleTypeCode_TRANSACTION
		transDone = codes.BundleTypeCode_TRANSACTION_RESPONSE
		batch     = codes.BundleTypeCode_BATCH
		batchDone = codes.BundleTypeCode_BATCH_RESPONSE
		history   = codes.BundleTypeCode_HISTORY
		search    = codes.BundleTypeCode_SEARCHSET
	)
	if kind == codes.BundleTypeCode_INVALID_UNINITIALIZED {
		return // which is said already
	}
	word := strings.ToLower(strings.ReplaceAll(kind.String(), "_", "-"))
	if shell.GetTotal() != nil && !is(search, history) {
		say("CP-FHIR-142", ".total", "total belongs to searches and histories only (bdl-1)")
	}
	if kind == document {
		if x := shell.GetIdentifier(); x.GetSystem().GetValue() == "" || x.GetValue().GetValue() == "" {
			say("CP-FHIR-142", "", "a document has an identifier with system and value (bdl-9)")
		}
		if shell.GetTimestamp() == nil {
			say("CP-FHIR-142", "", "a document has a timestamp (bdl-10)")
		}
	}
	for k, first := range map[codes.BundleTypeCode_Value]string{document: "Composition", message: "MessageHeader"} {
		if k == kind && (len(b.entries) == 0 || b.entries[0].typ != first) {
			say("CP-FHIR-141", "", "the first entry of a %s is a %s", word, first)
		}
	}
	b.links(shell, is(search, history), kind == search, say)
	modes := 0
	for n, e := range b.entries {
		i := int32(n)
		if (e.has&hasRequest != 0) != is(trans, batch, history) {
			if e.has&hasRequest != 0 {
				entry(i, "CP-FHIR-142", ".request", "an entry of a %s has no request (bdl-3)", word)
			} else {
				entry(i, "CP-FHIR-142", "", "each entry of a %s has a request (bdl-3)", word)
			}
		}
		if (e.has&hasResponse != 0) != is(transDone, batchDone, history) {
			if e.has&hasResponse != 0 {
				entry(i, "CP-FHIR-142", ".response", "an entry of a %s has no response (bdl-4)", word)
			} else {
				entry(i, "CP-FHIR-142", "", "each entry of a %s has a response (bdl-4)", word)
			}
		}
		if e.has&hasSearch != 0 && kind != search {
			entry(i, "CP-FHIR-142", ".search", "search belongs to the entries of a search only (bdl-2)")
		}
		if !e.named && !is(trans, transDone, batch, batchDone) && e.has&hasResource != 0 {
			entry(i, "CP-FHIR-130", "", "")
		}
		if kind == search && e.has&hasResource != 0 {
			mode := codes.SearchEntryModeCode_Value(e.mode)
			if mode != 0 {
				modes++
			}
			outcome := e.typ == "OperationOutcome"
			switch {
			case mode == codes.SearchEntryModeCode_OUTCOME && !outcome:
				entry(i, "CP-FHIR-144", ".resource", "an outcome is an OperationOutcome, and this is %s", article(e.typ))
			case mode == codes.SearchEntryModeCode_MATCH && outcome:
				entry(i, "CP-FHIR-144", ".resource", "an OperationOutcome is no match of a search")
			case mode != codes.SearchEntryModeCode_OUTCOME && !outcome && !e.identified:
				entry(i, "CP-FHIR-144", ".resource", "what a search finds has an id")
			}
		}
	}
	if kind == search && len(b.entries) > 0 && modes == 0 {
		say("CP-FHIR-145", "", "")
	}
	if kind != history {
		for _, i := range b.twice {
			entry(i, "CP-FHIR-133", ".fullUrl", "")
		}
	}
	b.settle(at, is(document, message))
	if is(document, message) {
		b.orphans(kind == document, entry)
	}
}

// settle looks at the references whose targets had not come when they did.
func (b *bundleState) settle(at diag.Place, whole bool) {
	for _, p := range b.pending {
		place := at
		place.Line, place.Column, place.Path = int(p.line), int(p.column), p.path
		j := int32(0)
		if p.url != 0 {
			j = b.byURL[p.url]
		}
		if p.of != nil {
			b.settleDemand(&p, place)
			continue
		}
		if j > 0 {
			b.edges = append(b.edges, [2]int32{p.entry, j - 1})
			if t := b.entries[j-1].typ; p.elem != nil && t != "" && !allowed(p.elem.Targets, t) {
				b.report(diag.New("CP-FHIR-102", place, "the reference leads to %s; here it may lead to %s", article(t), strings.Join(p.elem.Targets, ", ")))
			}
			continue
		}
		near := p.id != 0 && b.byID[p.id] > 0
		if near {
			b.edges = append(b.edges, [2]int32{p.entry, b.byID[p.id] - 1})
		}
		switch {
		case near && whole:
			b.report(diag.New("CP-FHIR-137", place, ""))
		case near:
			b.report(diag.New("CP-FHIR-136", place, ""))
		case whole && p.must:
			b.report(diag.New("CP-FHIR-138", place, ""))
		case p.urn:
			b.report(diag.New("CP-FHIR-135", place, ""))
		}
	}
}

// orphans finds the entries to which no links lead from the first one, in either direction.
func (b *bundleState) orphans(document bool, entry func(i int32, id diag.ID, path, format string, args ...any)) {
	if len(b.entries) == 0 {
		return
	}
	root := make([]int32, len(b.entries)) // a union of all that is linked, whichever way
	for i := range root {
		root[i] = int32(i)
	}
	find := func(i int32) int32 {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	for _, e := range b.edges {
		root[find(e[0])] = find(e[1])
	}
	first := find(0)
	for i := range b.entries {
		if find(int32(i)) == first || b.entries[i].typ == "Provenance" {
			continue
		}
		if document {
			entry(int32(i), "CP-FHIR-139", "", "")
		} else {
			entry(int32(i), "CP-FHIR-140", "", "")
		}
	}
}

// links checks the links of a bundle.
func (b *bundleState) links(shell bundle, paged, search bool, say func(id diag.ID, path, format string, args ...any)) {
	seen := map[string]bool{}
	for i, l := range shell.GetLink() {
		r := l.GetRelation().GetValue()
		at := ".link[" + itoa(i) + "].relation"
		switch r {
		case "first", "previous", "prev", "next", "last":
			if !paged {
				say("CP-FHIR-143", at, "the link %s belongs to searches and histories only", r)
			}
		case "self":
		default:
			continue
		}
		if paged && seen[r] {
			say("CP-FHIR-143", at, "the link %s stands twice", r)
		}
		seen[r] = true
	}
}

// wholeBundle checks a bundle that was not taken apart: within another resource, or given as a message.
func (w *walker) wholeBundle(m bundle) {
	b := newBundleState(w.v, func(f *diag.Finding) {
		if len(w.findings)-w.given < maxFindings {
			w.findings = append(w.findings, f)
		}
	})
	path := len(w.path)
	for i, e := range m.GetEntry() {
		w.path = append(w.path, step{"entry", "", i, nil})
		n := noteOf(e, w.place(w.path))
		if r := fhir.Unwrap(e.GetResource()); r != nil {
			w.push("resource")
			n.steps = append(n.steps, w.path...)
			line, column := n.place.Line, n.place.Column
			fhir.References(r, func(x *dpb.Reference) {
				w.looks++
				if u, ok := looseUse(x); ok {
					u.from, u.to, u.line, u.column = 0, len(n.steps), line, column
					n.refs = append(n.refs, u)
				}
			})
		}
		w.path = w.path[:path]
		b.add(&n, m.GetType().GetValue())
	}
	b.end(m, w.place(w.path))
}

// looseUse is a reference without the element that holds it.
func looseUse(r *dpb.Reference) (use, bool) {
	text := fhir.ReferenceText(r)
	if text == "" || text[0] == '#' {
		return use{}, false
	}
	if _, uri := r.GetReference().(*dpb.Reference_Uri); uri {
		return use{text: text}, true
	}
	typ, id, _ := strings.Cut(text, "/")
	id, _, _ = strings.Cut(id, "/_history/")
	return use{typ: typ, text: id}, true
}

var _ proto.Message = bundle(nil)
