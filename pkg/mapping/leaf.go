package mapping

import (
	"reflect"
	"strconv"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file is for those who write records otherwise than by rows, and keep the account themselves.

// Leaf is a leaf of a record in the hub.
type Leaf struct {
	Resource *Resource
	Value    reflect.Value // the primitive's struct; of the text of a reference the Reference
	Modifier bool          // it stands in an element that FHIR flags as one that changes the meaning of others
	Place    func() string // valid until the next leaf
	State    tree.State    // what was claimed for it
	Why      string
}

// Claim says what became of a leaf that is written otherwise than by rows. A state only rises.
func (rec *Record) Claim(v reflect.Value, s tree.State, why string) {
	if rec.claims == nil {
		rec.claims = map[plan.Place]claim{}
	}
	key := plan.PlaceOf(v)
	if have := rec.claims[key]; s > have.state {
		rec.claims[key] = claim{s, why, v.Addr().Interface()}
	}
}

// EachLeaf gives the leaves of the record's resources, in their order: those that Leaves gives, without the bundle's own.
func (rec *Record) EachLeaf(f func(*Leaf)) {
	rec.settleNamed()
	w := newLeafWalk(rec, f)
	for _, r := range rec.Resources {
		w.resource(r)
	}
}

// BundleLeaves gives the leaves of the record's bundle itself, which Leaves gives before the others.
func (rec *Record) BundleLeaves(f func(*Leaf)) {
	rec.indexOnce()
	if rec.root != nil {
		newLeafWalk(rec, f).resource(rec.root)
	}
}

// leafWalk goes through the leaves of resources. Its path is made into text only where somebody asks for a place: to make it for each leaf of a
// document took a seventh of the time in which the document is written, and most are carried and not told of.
type leafWalk struct {
	rec   *Record
	f     func(*Leaf)
	leaf  Leaf
	count map[string]int // resources by their types
	nth   int            // among the record's resources of the type
	path  []pathStep
}

func newLeafWalk(rec *Record, f func(*Leaf)) *leafWalk {
	w := &leafWalk{rec: rec, f: f, count: map[string]int{}}
	w.leaf.Place = w.place
	return w
}

func (w *leafWalk) resource(r *Resource) {
	if r.standIn {
		return
	}
	if w.rec.Part && r.inside == nil { // it is called by its entry, and what it contains is counted within it
		clear(w.count)
	}
	w.leaf.Resource, w.nth = r, w.count[r.info.Name]
	if !w.rec.Part || r.inside != nil {
		w.count[r.info.Name]++
	}
	w.path = w.path[:0]
	w.walk(r.v, r.info, false)
}

type pathStep struct {
	e    *plan.Element
	item int
	typ  *plan.Type
}

// placeOf is where a resource stands, which is the nth of its type in the record. In a part of a bundle nobody knows how many were before, so that
// there the entries count.
func (rec *Record) placeOf(r *Resource, nth int) string {
	name := r.info.Name
	switch {
	case rec.Part && r.Entry > 0:
		return "Bundle.entry[" + strconv.Itoa(r.Entry-1) + "].resource"
	case rec.Part && r.inside != nil:
		return rec.placeOf(r.inside, 0) + ".contained.ofType(" + name + ")[" + strconv.Itoa(nth) + "]"
	case nth > 0:
		return "Bundle.entry.resource.ofType(" + name + ")[" + strconv.Itoa(nth) + "]"
	}
	return name
}

func (w *leafWalk) place() string {
	b := []byte(w.rec.placeOf(w.leaf.Resource, w.nth))
	from := len(b)
	for _, s := range w.path {
		b = append(append(b, '.'), s.e.Name...)
		switch {
		case s.e.Choice != nil:
			b = append(append(append(b, ".ofType("...), s.typ.Name...), ')')
		case s.e.List:
			if was := w.leaf.Resource.Moved; was != nil {
				if list := was[string(b[from:])]; s.item < len(list) {
					s.item = list[s.item]
				}
			}
			b = append(strconv.AppendInt(append(b, '['), int64(s.item), 10), ']')
		}
	}
	return string(b)
}

func (w *leafWalk) give(v reflect.Value, modifier bool) {
	if ours(v, w.leaf.Resource) || w.rec.added != nil && w.rec.added[plan.PlaceOf(v)] {
		return
	}
	w.leaf.Value, w.leaf.Modifier = v, modifier
	w.leaf.State, w.leaf.Why = tree.Unmapped, ""
	if w.rec.claims != nil {
		c := w.rec.claims[plan.PlaceOf(v)]
		w.leaf.State, w.leaf.Why = c.state, c.why
	}
	w.f(&w.leaf)
}

func (w *leafWalk) walk(v reflect.Value, ti *plan.Type, modifier bool) {
	if ti.Prim != nil && ti.Prim.HasValue(v) {
		w.give(v, modifier)
	}
	for _, e := range ti.Elements {
		n := e.Len(v)
		if n == 0 {
			continue
		}
		w.path = append(w.path, pathStep{e: e})

		if e.RefText {
			w.give(v, modifier)
			n = 0
		}
		for i := range n {
			x, next := withLeaves(e, v, i)
			if next == nil {
				continue
			}
			last := &w.path[len(w.path)-1]
			last.item, last.typ = i, next
			w.walk(x, next, modifier || e.Modifier)
		}
		w.path = w.path[:len(w.path)-1]
	}
}
