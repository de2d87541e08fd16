package mapping

import (
	"reflect"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file follows a record that was read from a document on to what shows only a part of it, such as the tables of a view: what
// became of the document's leaves is then decided by what became of the elements that they made.

// cameFrom says which element of the hub a node of the document made.
type cameFrom struct {
	node   tree.Node
	v      reflect.Value
	t      *plan.Type
	exact  bool   // the node is a leaf, and the element is its value or has it
	text   string // of a primitive, what the leaf made it say
	track  track  // by which rows, in a trial
	paired bool   // a test's leaf, of what a pair made
}

// came takes note of an origin, where somebody will ask.
func (c *Context) came(n tree.Node, v reflect.Value, t *plan.Type, exact bool) {
	if c.rec.doc != nil {
		o := cameFrom{node: n, v: v, t: t, exact: exact, track: c.track}
		if t.Prim != nil {
			o.text = t.Prim.Text(v)
		}
		c.rec.origins = append(c.rec.origins, o)
	}
}

// tested takes note that what a row's test at n was matched on goes with what the row made: the origins from the i-th on.
func (c *Context) tested(n tree.Node, t *tree.Test, i int) {
	if c.rec.doc == nil {
		return
	}
	if k, ok := c.Doc.Ask(n, t); ok && k != 0 {
		for _, o := range c.rec.origins[i:] {
			if !o.exact && o.t.Prim != nil {
				o.text = o.t.Prim.Text(o.v) // a table or a pair has filled it since
			}
			o.paired, o.node, o.exact = o.paired || !o.exact, k, true
			c.rec.origins = append(c.rec.origins, o)
		}
	}
}

// primText is what a primitive says.
type primText struct {
	t    *plan.Type
	text string
}

// Astray are the leaves of the document that are carried, and that the record does not say: the element that they made says something else
// by now, or stands nowhere in the record, where no other of its type says the same. There are none, if the engine is right. Nothing is known
// of a record that was read without ReadOptions.Origins.
func (rec *Record) Astray() (list []tree.Node) {
	if rec.doc == nil {
		return nil
	}
	there, said := map[plan.Place]bool{}, map[primText]bool{}
	each := func(v reflect.Value, ti *plan.Type) {
		there[plan.PlaceOf(v)], said[primText{ti, ti.Prim.Text(v)}] = true, true
	}
	for _, r := range rec.Resources {
		primitives(r.v, r.info, each)
	}
	if rec.root != nil {
		primitives(rec.root.v, rec.root.info, each)
	}
	good, bad := map[tree.Node]bool{}, map[tree.Node]bool{}
	for _, o := range rec.origins {
		switch {
		case !o.exact || o.t.Prim == nil || rec.doc.State(o.node) != tree.Carried:
		case there[plan.PlaceOf(o.v)] && o.t.Prim.Text(o.v) == o.text, !there[plan.PlaceOf(o.v)] && said[primText{o.t, o.text}]:
			good[o.node] = true
		default:
			bad[o.node] = true
		}
	}
	rec.doc.Leaves(func(n tree.Node, _ tree.State, _ string) {
		if bad[n] && !good[n] {
			list = append(list, n)
		}
	})
	return list
}

// primitives calls f for every primitive at and below v, with its value or without, and those that are no leaves too.
func primitives(v reflect.Value, ti *plan.Type, f func(reflect.Value, *plan.Type)) {
	if ti.Prim != nil {
		f(v, ti)
	}
	for _, e := range ti.Elements {
		for i := range e.Len(v) {
			if x, next := e.Item(v, i); next != nil && !e.RefText && next.Kind != plan.Packed && next.Kind != plan.Contained {
				primitives(x, next, f)
			}
		}
	}
}

// Project lowers the document's leaves to what Claim was told of the elements that they made. lost says what becomes of an element
// that nobody claimed. The record must have been read with ReadOptions.Origins; of another nothing is known, and nothing changes.
func (rec *Record) Project(lost func(l *Leaf) (tree.State, string)) {
	if rec.doc == nil {
		return
	}
	const (
		part    = "a part of what it became is written"
		nothing = "nothing of what it became is written"
	)
	d := rec.doc
	reached := map[plan.Place]claim{}
	also := map[tree.Node]claim{} // of resources, by where else they were said
	rec.EachLeaf(func(l *Leaf) {
		c := claim{state: l.State, why: l.Why}
		if c.state == tree.Unmapped {
			c.state, c.why = lost(l)
		}
		reached[plan.PlaceOf(l.Value)] = c
		some := c
		if some.state > tree.Folded {
			some.state, some.why = tree.Folded, part
		}
		for _, n := range l.Resource.also {
			if have, ok := also[n]; !ok || some.state > have.state {
				also[n] = some
			}
		}
	})
	byNode := map[tree.Node][]cameFrom{}
	for _, o := range rec.origins {
		byNode[o.node] = append(byNode[o.node], o)
	}
	// of is what became of a leaf by the origins of a node at or above it: of several elements that one is meant which says the same. Where the leaf alone
	// made them, as Male makes the code and is kept beside it, another that is written says a part of it.
	of := func(n tree.Node, list []cameFrom, own bool) (best claim, known bool) {
		text, whole, same, some := d.Text(n), true, false, false
		for _, o := range list {
			leaves(o.v, o.t, func(v reflect.Value) {
				c, ok := reached[plan.PlaceOf(v)]
				some = some || ok && c.state == tree.Carried
				if !ok || same && !o.exact {
					return
				}
				if whole = whole && c.state == tree.Carried; !o.exact {
					if t := plan.Of(v.Type()); t.Prim != nil && t.Prim.Text(v) == text {
						best, known, same = c, true, true
						return
					}
					if c.state == tree.Carried {
						c.state, c.why = tree.Folded, part
					}
				}
				if !known || c.state > best.state {
					best, known = c, true
				}
			})
		}
		switch {
		case known && whole:
			best = claim{state: tree.Carried}
		case own && same && some && best.state < tree.Folded:
			best = claim{state: tree.Folded, why: part}
		}
		return best, known
	}
	var lower []tree.Node
	var to []claim
	d.Leaves(func(n tree.Node, s tree.State, _ string) {
		if s <= tree.Declined {
			return
		}
		c, known := claim{}, false
		for up := n; !known; up = d.Parent(up) {
			if list := byNode[up]; list != nil {
				c, known = of(n, list, up == n)
			}
			if !known {
				c, known = also[up]
			}
			if up == tree.Root {
				break
			}
		}
		if !known {
			c = claim{state: tree.Declined, why: nothing}
		}
		if c.state < s {
			lower, to = append(lower, n), append(to, c)
		}
	})
	for i, n := range lower {
		d.LowerLeaf(n, to[i].state, to[i].why)
	}
}
