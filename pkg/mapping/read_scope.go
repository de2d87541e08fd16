package mapping

import (
	"reflect"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads scopes: the resources that a message, a group or a document makes, and the links between them.

// A frame is the resources in scope: one for each type that the table names, those of the tables that stand in it whole, and those
// of the tables around it.
type frame struct {
	up    *frame
	t     *table
	res   []*Resource // as t.homes
	whole []*frame    // of the tables that a row without a place names (`. TABLE .`), as far as they have been gone through
	in    *instance
}

func (f *frame) lookup(typ *plan.Type) *Resource {
	for ; f != nil; f = f.up {
		if res := f.holds(typ); res != nil {
			return res
		}
	}
	return nil
}

// holds is the resource of a type in this frame and those that stand in it whole.
func (f *frame) holds(typ *plan.Type) *Resource {
	for i, h := range f.t.homes {
		if h == typ && f.res[i] != nil {
			return f.res[i]
		}
	}
	for _, in := range f.whole {
		if res := in.holds(typ); res != nil {
			return res
		}
	}
	return nil
}

// include keeps the frame of a scope that was gone through for a row, if the row names it whole: what it holds is in scope behind it.
func (f *frame) include(r *row, in *frame) {
	if f != nil && r != nil && len(r.path) == 0 && !r.Each {
		f.whole = append(f.whole, in)
	}
}

// own is the resource of a type that this very frame holds.
func (f *frame) own(typ *plan.Type) *Resource {
	for i, h := range f.t.homes {
		if h == typ {
			return f.res[i]
		}
	}
	return nil
}

func (f *frame) bind(r *Resource) {
	for ; f != nil; f = f.up {
		for i, h := range f.t.homes {
			if h == r.info {
				f.res[i] = r
				return
			}
		}
	}
}

func (x *run) push(t *table) *frame {
	f := x.frames.take()
	f.up, f.t, f.in = x.frame, t, x.instance(t)
	if n := len(t.homes); n <= cap(f.res) {
		f.res = f.res[:n]
	} else {
		f.res = make([]*Resource, n)
	}
	x.frame = f
	return f
}

// frames are those of a run; the next run has them again.
type frames struct {
	list []*frame
	n    int
}

func (l *frames) take() *frame {
	if l.n == len(l.list) {
		l.list = append(l.list, &frame{})
	}
	l.n++
	return l.list[l.n-1]
}

// part empties the frames.
func (l *frames) part() {
	for _, f := range l.list[:l.n] {
		clear(f.res)
		clear(f.whole)
		f.up, f.t, f.in, f.whole = nil, nil, nil, f.whole[:0]
	}
	l.n = 0
}

func (c *Context) readScope(r *row, k tree.Node) bool {
	t := r.sub
	if !c.ready(t) {
		return false
	}
	up := c.frame
	f := c.push(t)
	ok := c.readTable(t, k, reflect.Value{}, f.in)
	c.done(t, f.in)
	c.frame, f.in = up, nil
	if ok {
		up.include(r, f)
	}
	if ok && t.anchor != nil && c.visitHome(t) >= 0 {
		c.visited = append(c.visited, f)
	}
	return ok
}

// base is where a row's path starts: v, or in a scope the resource that it names, which is made if need be.
func (c *Context) base(r *row, v reflect.Value, k tree.Node) (*Resource, reflect.Value) {
	d := &r.dst
	if d.base == nil {
		return nil, v
	}
	if d.base.Name == "Bundle" {
		if c.rec.root == nil {
			c.rec.Bundle = &rpb.Bundle{}
			c.rec.root = wrapResource(c.rec.Bundle)
			c.rec.root.entered = true
		}
		return c.rec.root, c.rec.root.v
	}
	fresh := r.each && d.grow < 0 && d.arrow == nil
	if !fresh {
		res := c.frame.own(d.base)
		if res == nil && !r.atHome && c.frame.up != nil {
			res = c.frame.up.lookup(d.base)
		}
		if res != nil {
			return res, res.v
		}
	}
	res := c.newResource(d.base, k)
	return res, res.v
}

// saying is a row of a scope that put something into a resource which scopes around made.
type saying struct {
	row *row
	res *Resource
}

// repeated is a node whose value stood there already, put there by the same row in another instance of its scope.
type repeated struct {
	frame *frame
	res   *Resource
	node  tree.Node
}

// said takes note of what a row put into a resource of the scopes around. Whether the way back says again what several instances of the
// scope said alike is known once they are all read: only those come back that have a resource of their own.
func (c *Context) said(r *row, res *Resource, k tree.Node) {
	if c.sayings == nil {
		c.sayings = map[saying]*frame{}
	}
	key := saying{r, res}
	if first, known := c.sayings[key]; !known {
		c.sayings[key] = c.frame
	} else if first != c.frame && c.same == r {
		c.repeated = append(c.repeated, repeated{c.frame, res, k})
	}
	c.same = nil
}

// foldRepeated folds what instances of a scope say alike and the way back will not say again.
func (c *Context) foldRepeated() {
	for _, x := range c.repeated {
		if !x.frame.comesBack(x.res) {
			c.Doc.Lower(x.node, tree.Folded, sharedWhy)
		}
	}
}

// comesBack reports that the way back makes the instance of the scope again, or one around it within that of a resource: for its anchor.
func (f *frame) comesBack(res *Resource) bool {
	for ; f != nil && f.own(res.info) != res; f = f.up {
		a := f.t.anchor
		if a == nil {
			continue
		}
		home := a.dst.base
		if a.dst.arrow != nil && !f.t.makes(home) {
			home = a.dst.arrow
		}
		if f.own(home) != nil {
			return true
		}
	}
	return false
}

// makes reports that a scope's rows make a resource of the type whole, so that it is at home here.
func (t *table) makes(typ *plan.Type) bool {
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.dst.base == typ && len(r.dst.steps) == 0 && r.kind == MapRow {
				return true
			}
		}
	}
	return false
}

// maker is the frame around this one whose table makes a resource of the type and has none yet, else this one.
func (f *frame) maker(typ *plan.Type) *frame {
	for g := f.up; g != nil; g = g.up {
		if g.t.makes(typ) && g.own(typ) == nil {
			return g
		}
	}
	return f
}

// enter brings the resource of a row into scope and record once something is in it, with its tags and links. One that a scope only adds to
// belongs to the scope around it that makes it, whose later rows find it there: an appointment of which the patient is told first.
func (c *Context) enter(res *Resource, r *row) {
	tags := r.dst.tags
	if !res.entered {
		res.entered, res.bound = true, true
		c.apart++
		f := c.frame
		if !r.atHome {
			f = f.maker(res.info)
		}
		f.bind(res)
		c.rec.Resources = append(c.rec.Resources, res)
	}
	c.stamp(res.v, tags)
	c.link(res.v, tags)
}

type pendingLink struct {
	v     reflect.Value
	tags  []tag
	frame *frame
}

// link sets the references of link tags, now or when the whole document has been read.
func (c *Context) link(v reflect.Value, tags []tag) {
	for i := range tags {
		if g := &tags[i]; g.link != nil && g.op == tagIs {
			c.joined++
			if to := c.frame.lookup(g.link); to != nil && to.entered {
				c.linkTo(v, g, to)
			} else {
				c.links = append(c.links, pendingLink{v, tags[i : i+1], c.frame})
			}
		}
	}
}

func (c *Context) linkTo(v reflect.Value, g *tag, to *Resource) {
	if to.v == v {
		return
	}
	met := false
	c.all(v, g.path, func(e reflect.Value) bool {
		met = c.resolve(e) == to
		return !met
	})
	if met {
		return
	}
	at := v
	for i := range g.path {
		s := &g.path[i]
		var next reflect.Value
		if !s.e.List {
			next = s.one(at)
		}
		if !next.IsValid() {
			var ok bool
			if next, ok = c.add(at, s); !ok {
				return
			}
		} else if i == len(g.path)-1 {
			return // another reference stands there
		}
		at = next
	}
	c.refer(at, to)
}
