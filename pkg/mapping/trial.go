package mapping

import (
	"fmt"
	"hash/fnv"
	"reflect"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file tries records that were read by rows of which there is doubt (see doubtful): the record is written at once, and what does not
// come back by the way on which it came is folded. A way is the places of the rows that lead to a value, from the outermost, and of those that
// repeat the repetition. The document that is written for a trial is thrown away.

// What the ledger says of values that a trial found astray.
const (
	takenForOther = "the way back takes it for what another row made"
	notFoundAgain = "the way back does not find it"
)

// track is a way so far.
type track uint64

// on is the way that a row goes on.
func (w track) on(r *row) track {
	if len(r.path) == 0 && len(r.with) == 0 {
		return w
	}
	return w*1099511628211 ^ track(r.mark) // FNV-1a
}

// nth is the way to a repetition.
func (w track) nth(i int) track { return w*1099511628211 ^ track(i) }

// mark is what tells a row's place, and what it stands with, from those of other rows.
func (r *row) markOf() uint64 {
	h := fnv.New64a()
	for i := range r.path {
		fmt.Fprintf(h, "/%s", r.path[i].Name)
	}
	for i := range r.with {
		fmt.Fprintf(h, " %s %d %s", pathText(r.with[i].Path), r.with[i].Op, r.with[i].Values)
	}
	return h.Sum64()
}

// repetition is which of the nodes of its name k is.
func repetition(d *tree.Doc, k tree.Node) (n int) {
	for j := d.First(d.Parent(k)); j != 0; j = d.Next(j) {
		if d.Name(j) == d.Name(k) {
			n++
		}
		if j == k {
			break
		}
	}
	return n
}

// claimTrack is a leaf that was written, and by which rows.
type claimTrack struct {
	leaf  plan.Place
	track track
}

// onRow takes note that a row is read or written, and onNode of the node for which it is. The caller keeps the way that led there.
func (x *run) onRow(r *row) {
	if x.trial {
		x.track = x.track.on(r)
	}
}

func (c *Context) onNode(r *row, k tree.Node) {
	if c.trial && r.dst.end != nil && len(r.path) > 0 && (r.each || r.path[len(r.path)-1].Nth > 0) {
		c.track = c.track.nth(repetition(c.Doc, k))
	}
}

// tryBack writes the record that was read of a document and folds the document's leaves that do not come back by their ways.
func (m *Map) tryBack(t *table, rec *Record, doc *tree.Doc) error {
	back := &Record{Bundle: rec.Bundle}
	for _, r := range rec.Resources {
		back.Resources = append(back.Resources, NewResource(r.Msg, r.url))
	}
	_, tracks, err := m.fromFHIR(t.Name, t.Type, back, true, writeAll, func(*tree.Doc) {})
	if err != nil {
		return err
	}
	there := map[plan.Place]bool{}
	texts := map[plan.Place]primText{}
	each := func(v reflect.Value, ti *plan.Type) {
		key := plan.PlaceOf(v)
		there[key], texts[key] = true, primText{ti, ti.Prim.Text(v)}
	}
	for _, r := range rec.Resources {
		primitives(r.v, r.info, each)
	}
	if rec.root != nil {
		primitives(rec.root.v, rec.root.info, each)
	}
	written := map[claimTrack]bool{}
	said := map[primText]int{} // how often it was written
	for _, w := range tracks {
		written[w] = true
		said[texts[w.leaf]]++
	}
	good := map[tree.Node]bool{}
	why := map[tree.Node]string{}
	var parts []*cameFrom // of something that another made
	for i := range rec.origins {
		o := &rec.origins[i]
		if o.t.Prim != nil && !there[plan.PlaceOf(o.v)] {
			if o.exact { // else a pair that made nothing of it
				parts = append(parts, o)
			}
			continue
		}
		if !good[o.node] {
			why[o.node] = o.comesBack(back, there, written)
			good[o.node] = why[o.node] == ""
		}
		if o.t.Prim != nil && (why[o.node] == "" || why[o.node] == takenForOther) { // it is written, by whatever way
			said[texts[plan.PlaceOf(o.v)]]--
		}
	}
	for _, o := range parts {
		x := primText{o.t, o.text}
		if good[o.node] {
			continue
		}
		if good[o.node] = said[x] > 0; good[o.node] {
			said[x]--
		} else if why[o.node] == "" {
			why[o.node] = notFoundAgain
		}
	}
	for i := range rec.origins {
		if n := rec.origins[i].node; !good[n] && why[n] != "" {
			doc.LeavesBelow(n, func(leaf tree.Node, _ tree.State, _ string) { // of which a row may have made more
				if !good[leaf] {
					doc.LowerLeaf(leaf, tree.Folded, why[n])
				}
			})
		}
	}
	for i := range rec.led { // who stands behind the arrow may be named elsewhere too: here it is the reference that counts
		if o := &rec.led[i]; !written[claimTrack{plan.PlaceOf(o.v), o.track}] {
			doc.Lower(o.node, tree.Folded, takenForOther)
		}
	}
	return nil
}

// comesBack is why what a node made does not come back by the way on which it came; empty if it does. there are the elements of the record: what
// is not among them was made once more for something that is there.
func (o *cameFrom) comesBack(back *Record, there map[plan.Place]bool, written map[claimTrack]bool) string {
	known, found, other := false, false, false
	see := func(v reflect.Value) {
		key := plan.PlaceOf(v)
		known = known || there[key]
		found = found || written[claimTrack{key, o.track}]
		other = other || back.claims[key].state >= tree.Folded
	}
	if o.t.Prim != nil {
		see(o.v)
	} else {
		leaves(o.v, o.t, see)
	}
	switch {
	case found || !known || other && (!o.exact || o.paired): // a pair knows its own way
		return ""
	case other:
		return takenForOther
	}
	return notFoundAgain
}
