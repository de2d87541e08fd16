package mapping

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// This file is the memory of a reading: what it needs only while it lasts, and the runs of structs that it hands out.

// scratch is the memory of a reading. Its maps and lists are used again for the next one; what it hands out stands in the record, and is
// used again only when the record is released.
type scratch struct {
	shared   map[sharedKey]sharedElement
	refs     map[*dpb.Reference]*Resource
	refOrder []*dpb.Reference
	outward  []outward
	links    []pendingLink
	keyed    map[string][]*Resource // resources that arrows made, by what identifies them
	used     map[string]bool        // ids
	frames   frames
	spare    [][]*instance     // of tables, by their numbers
	shapes   []shapes          // of tables, by their numbers
	visited  []*frame          // instances of scopes that may be several for one anchor
	wanting  []made            // elements of which FHIR wants something
	foreign  []made            // elements in which pairs made others
	copied   []*Resource       // that became copies of fuller ones
	sayings  map[saying]*frame // what scopes said first of resources around them
	repeated []repeated        // what they said again
	runs
	memos memos

	most [5]int // of its maps: how large they have been

	led map[string]*arrowMemo // whom texts led to
	met []meeting             // all that intern gave
	counts
}

// counts are what a reading did that reading the same text again might not do.
type counts struct {
	merges    int // resources that became others
	apart     int // resources that are shared with no other
	joined    int // links
	elsewhere int // looks at other places
}

// outward is a reference to a resource of which only type and id are known.
type outward struct {
	ref     *dpb.Reference
	typ, id string
}

// runs are the structs that a reading hands out, many made at a time.
type runs struct {
	arena     plan.Arena
	resources plan.Pool[Resource]
	ids       plan.Pool[dpb.Id]
	members   plan.Pool[dpb.Reference_Uri]
	texts     plan.Pool[dpb.String]
	uris      plan.Pool[dpb.Uri]
	codes     plan.Pool[dpb.Code]
	codings   plan.Pool[dpb.Coding]
	concepts  plan.Pool[dpb.CodeableConcept]
	lists     plan.Pool[*dpb.Coding]
}

func (r *runs) part() {
	r.arena.Part()
	r.resources.Part()
	r.ids.Part()
	r.members.Part()
	r.texts.Part()
	r.uris.Part()
	r.codes.Part()
	r.codings.Part()
	r.concepts.Part()
	r.lists.Part()
}

func (r *runs) again() {
	r.arena.Again()
	r.resources.Again()
	r.ids.Again()
	r.members.Again()
	r.texts.Again()
	r.uris.Again()
	r.codes.Again()
	r.codings.Again()
	r.concepts.Again()
	r.lists.Again()
}

// lent is the memory of a reading that its record still needs.
type lent struct {
	m *Map
	s *scratch
}

// Release ends a record that was read with ReadOptions.Reuse: its resources, and all that they are made of, are handed out again for
// another one. Whoever still holds one of them would see that one's content, so only he may call it who made bytes of the record and
// passed nothing else on.
func (rec *Record) Release() {
	if l := rec.lent; l != nil {
		*rec = Record{Findings: rec.Findings}
		l.s.runs.again()
		l.m.scratch.Put(l.s)
	}
}

func newScratch() *scratch {
	return &scratch{shared: map[sharedKey]sharedElement{}, refs: map[*dpb.Reference]*Resource{}, keyed: map[string][]*Resource{}, used: map[string]bool{},
		led: map[string]*arrowMemo{}}
}

// emptied is a map without what was in it. To empty one that was large once takes as long as if it were so still, so a small one
// takes its place.
func emptied[K comparable, V any](m map[K]V, most *int) map[K]V {
	if n := len(m); n > *most {
		*most = n
	} else if *most > 64 && n < *most/8 {
		*most = n
		return make(map[K]V, n)
	}
	clear(m)
	return m
}

// again empties the scratch for the next reading, and reports whether it is worth keeping: to empty the maps of a message of a
// hundred thousand results takes as long as to make them.
func (s *scratch) again() bool {
	if len(s.shared) > 4096 || len(s.refs) > 4096 || len(s.keyed) > 4096 || s.frames.n > 4096 {
		return false
	}
	s.shared = emptied(s.shared, &s.most[0])
	s.refs = emptied(s.refs, &s.most[1])
	clear(s.refOrder)
	clear(s.links)
	clear(s.outward)
	s.outward = s.outward[:0]
	s.keyed = emptied(s.keyed, &s.most[2])
	s.used = emptied(s.used, &s.most[3])
	s.frames.part()
	clear(s.visited)
	s.led = emptied(s.led, &s.most[4])
	clear(s.met)
	s.met, s.counts = s.met[:0], counts{}
	clear(s.wanting)
	clear(s.foreign)
	clear(s.copied)
	s.refOrder, s.links, s.visited, s.wanting, s.foreign = s.refOrder[:0], s.links[:0], s.visited[:0], s.wanting[:0], s.foreign[:0]
	s.copied = s.copied[:0]
	clear(s.sayings)
	clear(s.repeated)
	s.repeated = s.repeated[:0]
	return true
}
