package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes: a record becomes a document. Scopes go over the resources, rows over the elements; every element of a
// list goes through one row at most, every leaf that went into the document is claimed.
//
// Modifiers (law 3) are safe by rule and not by row: after a run, a modifier element that no row carried has its owner, the
// smallest thing that it modifies, refused, and the run is made again without that. So nothing is ever written without its
// modifier, whichever tables and rows it came through.

// back is what the way back needs.
type back struct {
	takes                 // elements of lists that a row took
	refused  map[any]bool // elements and resources that must not be written
	takenLog []any
	claimLog []claimUndo
	placeLog []*Resource
	within   *Resource                          // the resource whose contained ones a fragment means
	leading  map[*tag]map[*Resource][]*Resource // what leads where by a link tag; see leadingTo
}

// takes are the elements of lists that a row took. Of a long list it also knows how many elements at its beginning are
// taken: a report's 100,000 results would be gone over 100,000 times.
type takes struct {
	taken  map[any]bool
	begins map[list]int
	passed map[any]passed // the elements before begins
}

type list struct {
	owner any
	e     *plan.Element
}

type passed struct {
	list
	at int
}

const longList = 16

// firstFree is the index in a list before which every element is taken.
func (t *takes) firstFree(v reflect.Value, e *plan.Element) int {
	n := e.Len(v)
	if n < longList {
		return 0
	}
	l := list{v.Addr().Interface(), e}
	i := t.begins[l]
	if t.begins == nil {
		t.begins, t.passed = map[list]int{}, map[any]passed{}
	}
	for ; i < n; i++ {
		k := e.At(v, i).Addr().Interface()
		if !t.taken[k] {
			break
		}
		t.passed[k] = passed{l, i}
	}
	t.begins[l] = i
	return i
}

// free takes back that an element was taken.
func (t *takes) free(k any) {
	delete(t.taken, k)
	if p, ok := t.passed[k]; ok {
		delete(t.passed, k)
		t.begins[p.list] = min(t.begins[p.list], p.at)
	}
}

// FromFHIR writes a record as a document by the table of a name for a type, Bundle for a scope. The record's leaves know
// what became of them.
func (m *Map) FromFHIR(name, typ string, rec *Record) (*tree.Doc, error) {
	t := m.table(name, typ)
	if t == nil {
		return nil, fmt.Errorf("no table %s", Key{name, typ})
	}
	if err := m.compile(t); err != nil {
		return nil, err
	}
	refused := map[any]bool{}
	for {
		rec.index()
		doc := tree.New(m.Format, 256)
		c := &Context{Doc: doc, run: run{m: m, rec: rec, back: back{refused: refused}}}
		if t.info == nil {
			c.writeGroup(t, tree.Root, nil)
		} else {
			for _, r := range rec.Resources {
				if r.info == t.info && !refused[r.v.Addr().Interface()] {
					f := c.push(t)
					r.placed = c.writeTable(t, r.v, tree.Root, f.in)
					break
				}
			}
		}
		if c.err != nil {
			return nil, c.err
		}
		if !c.refuse() {
			return doc, nil
		}
	}
}

// refuse finds owners of modifiers that were written without them, and reports whether there are any that are new.
func (c *Context) refuse() (again bool) {
	for _, r := range c.rec.Resources {
		visit(r.v, r.info, func(v reflect.Value, ti *plan.Type) {
			for _, e := range ti.Elements {
				if !e.Modifier || e.Len(v) == 0 || c.isRefused(v) || e.List && e.Name == "modifierExtension" && e.Len(v) == 0 {
					continue
				}
				if c.carriedWhole(v, e) || !c.anyClaimed(v, ti) {
					continue
				}
				c.refused[v.Addr().Interface()] = true
				again = true
			}
		})
	}
	if !again { // what was refused says why
		for _, r := range c.rec.Resources {
			visit(r.v, r.info, func(v reflect.Value, ti *plan.Type) {
				if c.isRefused(v) {
					c.claimAll(v, ti, tree.Declined, "a modifier of it has no place in "+c.Doc.Format.Name+", and it is never written without")
				}
			})
		}
	}
	return again
}

// carriedWhole reports that every leaf of an element was written.
func (c *Context) carriedWhole(v reflect.Value, e *plan.Element) bool {
	ok := true
	for i := range e.Len(v) {
		x, ti := e.At(v, i), e.Type()
		if e.Choice != nil {
			var a *plan.Alt
			if x, a = e.Chosen(v); a == nil {
				continue
			}
			ti = a.Type()
		}
		leaves(x, ti, func(leaf reflect.Value) {
			ok = ok && c.claimed(leaf) >= tree.Folded
		})
	}
	return ok
}

// anyClaimed reports that something at or below v was written.
func (c *Context) anyClaimed(v reflect.Value, ti *plan.Type) (any bool) {
	leaves(v, ti, func(leaf reflect.Value) {
		any = any || c.claimed(leaf) >= tree.Folded
	})
	return any
}

func (x *run) isRefused(v reflect.Value) bool {
	return len(x.refused) > 0 && x.refused[v.Addr().Interface()]
}

// --- attempts ---

type attempt struct {
	doc                   tree.Mark
	taken, claims, placed int
}

func (c *Context) begin() attempt {
	return attempt{c.Doc.Checkpoint(), len(c.takenLog), len(c.claimLog), len(c.placeLog)}
}

// end keeps or takes back everything since begin.
func (c *Context) end(a attempt, ok bool) bool {
	if ok {
		c.Doc.Commit(a.doc)
		return true
	}
	c.Doc.Rollback(a.doc)
	for _, k := range c.takenLog[a.taken:] {
		c.free(k)
	}
	for i := len(c.claimLog) - 1; i >= a.claims; i-- {
		if u := c.claimLog[i]; u.have.state == tree.Unmapped {
			delete(c.rec.claims, u.key)
		} else {
			c.rec.claims[u.key] = u.have
		}
	}
	for _, r := range c.placeLog[a.placed:] {
		r.placed = false
		c.rec.free(r)
	}
	c.takenLog, c.claimLog, c.placeLog = c.takenLog[:a.taken], c.claimLog[:a.claims], c.placeLog[:a.placed]
	return false
}

func (c *Context) take(v reflect.Value) {
	k := v.Addr().Interface()
	if !c.taken[k] {
		if c.taken == nil {
			c.taken = map[any]bool{}
		}
		c.taken[k] = true
		c.takenLog = append(c.takenLog, k)
	}
}

func (c *Context) isTaken(v reflect.Value) bool { return c.taken[v.Addr().Interface()] }

func (c *Context) setPlaced(r *Resource) {
	if !r.placed {
		r.placed = true
		c.placeLog = append(c.placeLog, r)
	}
}

// --- scopes ---

// writeGroup writes the instances of a scope: one for each resource that anchors one, and one without an anchor for what
// else belongs here. r is the row that led here, nil at the root.
func (c *Context) writeGroup(t *table, n tree.Node, r *row) (any bool) {
	if !c.descend(t) {
		return false
	}
	defer func() { c.tables-- }()
	many := r != nil && r.Each
	if a := t.anchor; a != nil {
		for _, res := range c.anchors(t, a) {
			if res.placed {
				continue
			}
			any = c.writeInstance(t, n, r, res) || any
			if any && !many {
				return any
			}
		}
	}
	for !any || many { // without an anchor
		if !c.writeInstance(t, n, r, nil) {
			break
		}
		any = true
		if t.anchor == nil {
			break
		}
	}
	return any
}

// anchors are the resources that could each make an instance of a scope, in the record's order.
func (c *Context) anchors(t *table, a *row) (list []*Resource) {
	if a.dst.arrow != nil && !t.makes(a.dst.base) && c.frame != nil {
		if owner := c.frame.lookup(a.dst.base); owner != nil {
			seen := map[*Resource]bool{}
			c.within = owner
			c.all(owner.v, a.dst.steps, func(ref reflect.Value) bool {
				if to := c.resolve(ref); to != nil && to.info == a.dst.arrow && !seen[to] {
					seen[to] = true
					list = append(list, to)
				}
				return true
			})
			return list
		}
	}
	for _, res := range c.candidates(a.dst.base, a.dst.tags) {
		if res.inside != nil && !slices.Contains(t.homes, res.inside.info) {
			continue // it is a part of something else, and nothing without that
		}
		if !c.isRefused(res.v) && c.linked(res, a.dst.tags) {
			list = append(list, res)
		}
	}
	return list
}

// writeInstance writes one instance of a scope.
func (c *Context) writeInstance(t *table, n tree.Node, r *row, anchor *Resource) bool {
	at := c.begin()
	up := c.frame
	f := c.push(t)
	if anchor != nil {
		for i, h := range t.homes {
			if h == anchor.info {
				f.res[i] = anchor
			}
		}
		if t.anchor.dst.arrow == nil {
			c.setPlaced(anchor)
		}
	}
	c.join(t, f)
	outer := n
	if r != nil && len(r.path) > 0 {
		n = c.Doc.Make(n, r.path, r.Each)
	}
	ok := c.writeTable(t, reflect.Value{}, n, f.in)
	if ok && r != nil {
		ok = c.stampWith(r, outer)
	}
	c.frame = up
	return c.end(at, ok)
}

// join finds the other resources of an instance: those that lead to one of its own or that one of them leads to. Where no
// anchor is, the first that is not placed yet begins.
func (c *Context) join(t *table, f *frame) {
	for range t.homes { // links may chain
		for j := range t.homes {
			if f.res[j] != nil || !t.joins[j].single {
				continue
			}
			tied, list := c.tied(t, f, j)
			if !tied {
				list = c.candidates(t.homes[j], t.joins[j].tags)
			}
			for _, u := range list {
				if !u.placed && u.inside == nil && !c.isRefused(u.v) && c.linked(u, t.joins[j].tags) {
					f.res[j] = u
					c.setPlaced(u)
					break
				}
			}
		}
	}
}

// tied are the resources of home j that a link ties to the resources which an instance has already, in the record's order,
// and whether the scope knows such links at all.
func (c *Context) tied(t *table, f *frame, j int) (tied bool, all []*Resource) {
	for i, other := range f.res {
		if other == nil || i == j {
			continue
		}
		for k := range t.joins[j].tags { // from there to here
			if g := &t.joins[j].tags[k]; g.link == other.info && g.op == tagIs {
				tied = true
				all = append(all, c.leadingTo(g, t.homes[j])[other]...)
			}
		}
		for k := range t.joins[i].tags { // from here to there
			if g := &t.joins[i].tags[k]; g.link == t.homes[j] && g.op == tagIs {
				tied = true
				c.within = other
				c.all(other.v, g.path, func(e reflect.Value) bool {
					if to := c.resolve(e); to != nil && to.info == t.homes[j] {
						all = append(all, to)
					}
					return true
				})
			}
		}
	}
	if len(all) > 1 {
		slices.SortFunc(all, func(a, b *Resource) int { return a.nth - b.nth })
	}
	return tied, all
}

// leadingTo are the resources of a type by where a link tag's reference leads; by nil those that have none.
func (c *Context) leadingTo(g *tag, home *plan.Type) map[*Resource][]*Resource {
	if by := c.leading[g]; by != nil {
		return by
	}
	by := map[*Resource][]*Resource{}
	for _, u := range c.rec.ofType(home) {
		none := true
		c.within = u
		c.all(u.v, g.path, func(e reflect.Value) bool {
			none = false
			to := c.resolve(e)
			if list := by[to]; to != nil && (len(list) == 0 || list[len(list)-1] != u) {
				by[to] = append(list, u)
			}
			return true
		})
		if none {
			by[nil] = append(by[nil], u)
		}
	}
	if c.leading == nil {
		c.leading = map[*tag]map[*Resource][]*Resource{}
	}
	c.leading[g] = by
	return by
}

// candidates are resources of a type, in the record's order: all that linked may find, and as few more as can be.
func (c *Context) candidates(home *plan.Type, tags []tag) []*Resource {
	best := c.rec.byType[home].unplaced()
	for i := range tags {
		g := &tags[i]
		if g.link == nil || g.op != tagIs || len(best) < longList {
			continue
		}
		to := c.frame.lookup(g.link)
		if to == nil {
			continue
		}
		by := c.leadingTo(g, home)
		switch lead, none := by[to], by[nil]; {
		case len(lead)+len(none) >= len(best):
		case len(none) == 0:
			best = lead
		case len(lead) == 0:
			best = none
		default:
			best = slices.Concat(lead, none)
			slices.SortFunc(best, func(a, b *Resource) int { return a.nth - b.nth })
		}
	}
	return best
}

// ledTo reports that a scope has resources of a type from a reference of its own or an outer one alone: such a resource is
// never found by chance.
func (t *table) ledTo(home *plan.Type) bool {
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.Kind == MapRow && r.Direction != Forward && r.dst.arrow == home {
				return !t.makes(home)
			}
		}
	}
	return false
}

// homeTags are the tags with which a scope names a resource, and whether it makes one of them whole or in parts.
func (t *table) homeTags(home *plan.Type) (tags []tag, single bool) {
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.Kind != MapRow || r.Direction == Forward || r.dst.base != home {
				continue
			}
			if r.Each && r.dst.grow < 0 && r.dst.arrow == nil {
				continue
			}
			single = true
			if tags == nil {
				tags = r.dst.tags
			}
		}
	}
	return tags, single && (t.makes(home) || t.anchor != nil && t.anchor.dst.base == home && t.anchor.dst.arrow == nil || !t.usesOuter(home))
}

// usesOuter is for resources that a scope only adds to.
func (t *table) usesOuter(home *plan.Type) bool {
	return !t.makes(home) && len(t.homes) > 0 && t.homes[0] == home
}

// linked reports that a resource's links lead to the resources of the scopes around, where they lead anywhere, and that its
// other tags hold.
func (c *Context) linked(res *Resource, tags []tag) bool {
	c.within = res
	return c.match(res.v, tags)
}

// --- tables ---

// writeNew writes with an instance of its own.
func (c *Context) writeNew(t *table, v reflect.Value, n tree.Node) bool {
	if !c.ready(t) {
		return false
	}
	in := t.instance()
	ok := c.writeTable(t, v, n, in)
	t.release(in)
	return ok
}

func (c *Context) writeTable(t *table, v reflect.Value, n tree.Node, in *instance) (any bool) {
	if !c.descend(t) {
		return false
	}
	defer func() { c.tables-- }()
	for _, r := range t.selfs {
		if c.match(v, r.dst.tags) {
			c.claimAll(v, t.info, tree.Declined, r.Note)
			return false
		}
	}
	for _, r := range t.back {
		if r.Direction != Forward && r.Kind != DeclineSource && r.Kind != ConstSource {
			any = c.writeRow(r, v, n, in) || any
		}
	}
	if any || n == tree.Root {
		for _, chain := range t.chains {
			for _, r := range chain {
				if r.Kind == ConstSource && r.Direction != Forward {
					if k := c.Doc.Make(n, r.path, false); c.Doc.LeafText(k) == "" {
						c.Doc.SetText(c.Doc.Leaf(k), r.Literal)
					}
				}
			}
		}
	}
	return any
}

func (c *Context) writeRow(r *row, v reflect.Value, n tree.Node, in *instance) (any bool) {
	d := &r.dst
	if d.end == nil {
		return c.writeGroup(r.sub, n, r)
	}
	if d.base == nil {
		if !c.match(v, d.tags) {
			return false
		}
		if any = c.reach(r, in, v, 0, n); any {
			c.claimTags(v, d.tags)
		}
		return any
	}
	if d.base.Name == "Bundle" {
		if c.rec.root == nil {
			return false
		}
		return c.reach(r, in, c.rec.root.v, 0, n)
	}
	if r.Each && d.grow < 0 && d.arrow == nil { // a resource for each repetition
		for _, res := range c.candidates(d.base, d.tags) {
			if res.placed || res.inside != nil || c.isRefused(res.v) || !c.linked(res, d.tags) || !c.belongs(res, d.tags) {
				continue
			}
			at := c.begin()
			c.setPlaced(res)
			c.frame.bind(res)
			if c.end(at, c.reach(r, r.t.instance(), res.v, 0, n)) {
				any = true
				c.claimTags(res.v, d.tags)
			}
		}
		return any
	}
	res := c.frame.own(d.base)
	if res == nil && !r.t.makes(d.base) && c.frame.up != nil {
		res = c.frame.up.lookup(d.base)
	}
	if res == nil || c.isRefused(res.v) {
		return false
	}
	if c.within = res; !c.match(res.v, d.tags) {
		return false
	}
	if any = c.reach(r, in, res.v, 0, n); any {
		c.claimTags(res.v, d.tags)
	}
	return any
}

// belongs reports that a resource has no link to something that is not in this scope at all: it waits for the scope that has it.
func (c *Context) belongs(res *Resource, tags []tag) bool {
	for i := range tags {
		g := &tags[i]
		if g.link == nil || g.op != tagIs || c.frame.lookup(g.link) != nil {
			continue
		}
		elsewhere := false
		c.all(res.v, g.path, func(e reflect.Value) bool {
			elsewhere = c.resolve(e) != nil
			return !elsewhere
		})
		if elsewhere {
			return false
		}
	}
	return true
}

// reach follows the row's steps from step i and writes what they lead to.
func (c *Context) reach(r *row, in *instance, v reflect.Value, i int, n tree.Node) bool {
	d := &r.dst
	for ; i < len(d.steps); i++ {
		s := &d.steps[i]
		last := i == len(d.steps)-1
		if !s.e.List {
			if v = s.one(v); !v.IsValid() || c.isRefused(v) || !c.match(v, s.tags) {
				return false
			}
			if len(s.tags) > 0 {
				ok := c.reach(r, in, v, i+1, n)
				if ok {
					c.claimTags(v, s.tags)
				}
				return ok
			}
			continue
		}
		if s.slot >= 0 && !(last && r.fillsList) {
			if in.slots[s.slot].IsValid() {
				v = in.slots[s.slot]
				continue
			}
			for j := c.firstFree(v, s.e); j < s.e.Len(v); j++ {
				e := s.e.At(v, j)
				if c.isTaken(e) || c.isRefused(e) || !c.match(e, s.tags) || !c.get(e, d.steps[i+1:]).IsValid() {
					continue
				}
				at := c.begin()
				c.take(e)
				in.slots[s.slot] = e
				ok := c.reach(r, in, e, i+1, n)
				if c.end(at, ok) {
					c.claimTags(e, s.tags)
					return true
				}
				in.slots[s.slot] = reflect.Value{}
				if r.Kind == MapRow && r.sub == nil && r.pair == nil {
					break
				}
			}
			return false
		}
		any := false
		for j := c.firstFree(v, s.e); j < s.e.Len(v); j++ {
			e := s.e.At(v, j)
			if c.isTaken(e) || c.isRefused(e) || !c.match(e, s.tags) {
				continue
			}
			at := c.begin()
			c.take(e)
			if c.end(at, c.reach(r, in, e, i+1, n)) {
				any = true
				c.claimTags(e, s.tags)
				if !r.Each && r.Kind != DeclineTarget {
					return true
				}
			}
		}
		return any
	}
	return c.writeEnd(r, in, v, n)
}

// claimTags claims the leaves that tags stand for, and takes the list elements on their way.
func (c *Context) claimTags(v reflect.Value, tags []tag) {
	for i := range tags {
		g := &tags[i]
		if g.op != tagIs {
			continue
		}
		c.claimTag(v, g, g.path)
	}
}

func (c *Context) claimTag(v reflect.Value, g *tag, path []step) bool {
	if len(path) == 0 {
		if g.link != nil {
			if to := c.frame.lookup(g.link); to == nil || c.resolve(v) != to {
				return false
			}
		} else if g.typ.Prim.Text(v) != g.text {
			return false
		}
		c.claim(v, tree.Carried, "")
		return true
	}
	s := &path[0]
	if !s.e.List {
		if v = s.one(v); !v.IsValid() || !c.claimTag(v, g, path[1:]) {
			return false
		}
		c.claimTags(v, s.tags)
		return true
	}
	for j := range s.e.Len(v) {
		if e := s.e.At(v, j); c.match(e, s.tags) && c.claimTag(e, g, path[1:]) {
			c.take(e)
			c.claimTags(e, s.tags) // extension(x).valueCode=y: the url too
			return true
		}
	}
	return false
}

// writeEnd writes the element that a row's steps lead to.
func (c *Context) writeEnd(r *row, in *instance, e reflect.Value, n tree.Node) bool {
	if c.isRefused(e) {
		return false
	}
	ti := r.dst.end
	switch r.Kind {
	case ConstTarget:
		if ti.Prim.Text(e) != ti.Prim.TextOf(r.value) {
			return false
		}
		at := c.begin()
		if !c.end(at, c.stampWith(r, n)) {
			return false
		}
		if r.Direction == Backward {
			c.claim(e, tree.Folded, r.Note)
		} else {
			c.claim(e, tree.Carried, "")
		}
		return false
	case DeclineTarget:
		c.claimAll(e, ti, tree.Declined, r.Note)
		return true
	}
	if r.chained && slices.Contains(in.wrote, e.Addr().Interface()) {
		return false // by a row above of its chain
	}
	at := c.begin()
	ok := c.end(at, c.stampWith(r, n) && c.writeElem(r, e, ti, n))
	if ok && r.inChain {
		in.wrote = append(in.wrote, e.Addr().Interface())
	}
	return ok
}

// stampWith makes the tests hold that a row stands with.
func (c *Context) stampWith(r *row, n tree.Node) bool {
	for i := range r.with {
		if !c.Doc.Stamp(n, &r.with[i]) {
			return false
		}
	}
	return true
}

func (c *Context) writeElem(r *row, e reflect.Value, ti *plan.Type, n tree.Node) bool {
	if x := findExtension(e, ti, ExplicitNullURL); x != nil && c.Doc.Null != "" && r.pair == nil {
		k := c.Doc.Leaf(c.Doc.Make(n, r.path, r.Each))
		if c.Doc.Text(k) != "" {
			return false
		}
		c.Doc.SetText(k, c.Doc.Null)
		c.claimAll(reflect.ValueOf(x).Elem(), plan.OfMessage(x), tree.Carried, "")
		return true
	}
	switch {
	case r.conv != nil:
		return c.writeLeaf(r, e, ti, n)
	case r.codes != nil && r.sub == nil && ti.Prim != nil:
		return c.writeCode(r, e, ti, n)
	case r.codes != nil && r.sub == nil:
		return c.writeCoded(r, e, n)
	case r.dst.arrow != nil:
		return c.writeArrow(r, e, n)
	}
	k := n
	switch {
	case len(r.path) == 0:
	case r.pair != nil && isPrefix(r.path): // the pair makes the node under its own name
		k = c.Doc.Make(n, r.path[:len(r.path)-1], false)
	default:
		k = c.Doc.Make(n, r.path, r.Each)
	}
	if r.pair != nil {
		return r.pair.Write(c, e.Addr().Interface().(proto.Message), k)
	}
	if r.codes != nil {
		switch x := e.Addr().Interface().(type) {
		case *dpb.CodeableConcept:
			return c.writeTranslated(r, x, k)
		case *dpb.Coding:
			return c.writeTranslatedCoding(r, x, k)
		}
	}
	return c.writeNew(r.sub, e, k)
}

// isPrefix reports a place that stands for several names, whose node its pair makes.
func isPrefix(p tree.Path) bool {
	name := p[len(p)-1].Name
	return name[len(name)-1] == '*'
}

// put sets the text of a row's place; false if another text stands there.
func (c *Context) put(r *row, n tree.Node, text string) bool {
	k := c.Doc.Leaf(c.Doc.Make(n, r.path, r.Each))
	if have := c.Doc.Text(k); have != "" {
		return have == text
	}
	if c.Doc.First(k) != 0 && c.Doc.Self != "" {
		k = c.Doc.Add(k, c.Doc.Self, "")
	}
	c.Doc.SetText(k, text)
	return true
}

func (c *Context) writeLeaf(r *row, e reflect.Value, ti *plan.Type, n tree.Node) bool {
	s := ti.Prim.Text(e)
	if s == "" {
		return false
	}
	state, why := tree.Carried, ""
	if r.conv.Write != nil {
		c.target = ti
		out, err := r.conv.Write(c, s)
		var loss Loss
		if errors.As(err, &loss) {
			if state, why = tree.Folded, string(loss); out == "" {
				c.claim(e, tree.Declined, why)
				return false
			}
		} else if err != nil {
			return false
		}
		s = out
	}
	if s == "" {
		return false
	}
	if !c.put(r, n, s) {
		return false
	}
	c.claim(e, state, why)
	return true
}

// original is the source's code that was kept beside a bare code.
func original(list []*dpb.Extension) (*dpb.Coding, *dpb.Extension) {
	for _, x := range list {
		if x.GetUrl().GetValue() == alternateURL {
			if cc := x.GetValue().GetCodeableConcept(); len(cc.GetCoding()) == 1 {
				return cc.GetCoding()[0], x
			}
		}
	}
	return nil, nil
}

func (c *Context) writeCode(r *row, e reflect.Value, ti *plan.Type, n tree.Node) bool {
	s := ti.Prim.Text(e)
	if s == "" {
		return false
	}
	from := ""
	var kept *dpb.Extension
	if ti.Extension >= 0 {
		list, _ := e.Field(ti.Extension).Interface().([]*dpb.Extension)
		if coding, x := original(list); x != nil && coding.GetSystem().GetValue() == r.codes.from {
			if l := r.codes.read[coding.GetCode().GetValue()]; l != nil && r.codes.to[l].code == s {
				from, kept = l.From, x
			}
		}
	}
	if from == "" {
		l := r.codes.bare[s]
		if l == nil {
			return false
		}
		from = l.From
	}
	if !c.put(r, n, from) {
		return false
	}
	c.claim(e, tree.Carried, "")
	if kept != nil {
		c.claimAll(reflect.ValueOf(kept).Elem(), plan.OfMessage(kept), tree.Carried, "")
	}
	return true
}

func (c *Context) writeCoded(r *row, e reflect.Value, n tree.Node) bool {
	switch x := e.Addr().Interface().(type) {
	case *dpb.Coding:
		to := codedOf(x)
		if !r.codes.targets[to] && r.codes.write[to] == nil {
			return false
		}
		coding, kept := original(x.GetCode().GetExtension())
		from := ""
		if kept != nil && coding.GetSystem().GetValue() == r.codes.from {
			if l := r.codes.read[coding.GetCode().GetValue()]; l != nil && r.codes.to[l] == to {
				from = l.From
			}
		}
		if from == "" {
			kept = nil
			l := r.codes.write[to]
			if l == nil {
				return false
			}
			from = l.From
		}
		if !c.put(r, n, from) {
			return false
		}
		c.claimMsg(x.System)
		c.claimMsg(x.Code)
		if kept != nil {
			c.claimAll(reflect.ValueOf(kept).Elem(), plan.OfMessage(kept), tree.Carried, "")
		}
		return true
	case *dpb.CodeableConcept:
		var to, orig *dpb.Coding
		for _, coding := range x.Coding {
			if c.taken[coding] {
				continue
			}
			switch {
			case r.codes.targets[codedOf(coding)] || r.codes.write[codedOf(coding)] != nil:
				if to == nil {
					to = coding
				}
			case r.codes.from != "" && coding.GetSystem().GetValue() == r.codes.from:
				if orig == nil {
					orig = coding
				}
			}
		}
		from := ""
		if orig != nil {
			if l := r.codes.read[orig.GetCode().GetValue()]; l != nil && (to == nil || r.codes.to[l] == codedOf(to)) {
				from = l.From
			} else {
				orig = nil
			}
		}
		if from == "" && to != nil {
			if l := r.codes.write[codedOf(to)]; l != nil {
				from = l.From
			}
		}
		if from == "" || !c.put(r, n, from) {
			return false
		}
		for _, coding := range []*dpb.Coding{to, orig} {
			if coding != nil {
				c.claimMsg(coding.System)
				c.claimMsg(coding.Code)
				c.take(reflect.ValueOf(coding).Elem())
			}
		}
		return true
	}
	return false
}

// writeTranslated writes a CodeableConcept of a row TABLE+CODES: a coding that the codes made stands only for the original
// beside it; alone, it is translated back, unless it is of the source's own system and the table writes that.
func (c *Context) writeTranslated(r *row, cc *dpb.CodeableConcept, k tree.Node) bool {
	table := func() bool { return c.writeNew(r.sub, reflect.ValueOf(cc).Elem(), k) }
	var made *dpb.Coding
	others := 0
	for _, coding := range cc.Coding {
		if c.taken[coding] {
			continue
		}
		if t := codedOf(coding); made == nil && (r.codes.targets[t] || r.codes.write[t] != nil) && coding.GetVersion() == nil {
			made = coding
			continue
		}
		others++
	}
	if made == nil {
		return table()
	}
	to := codedOf(made)
	for _, coding := range cc.Coding {
		if l := r.codes.read[coding.GetCode().GetValue()]; coding != made && l != nil && r.codes.to[l] == to {
			c.take(reflect.ValueOf(made).Elem())
			c.claimMsg(made.System)
			c.claimMsg(made.Code)
			return table()
		}
	}
	if to.system == r.codes.source() {
		at := c.begin()
		if c.end(at, table() && c.claimed(reflect.ValueOf(made.Code).Elem()) >= tree.Folded) {
			return true
		}
	}
	l := r.codes.write[to]
	if l == nil || others > 0 {
		return table()
	}
	c.take(reflect.ValueOf(made).Elem())
	if !c.putCode(k, l.From) {
		return false
	}
	c.claimMsg(made.System)
	c.claimMsg(made.Code)
	table()
	return true
}

// writeTranslatedCoding does the same for a Coding, whose original stands beside its code.
func (c *Context) writeTranslatedCoding(r *row, x *dpb.Coding, k tree.Node) bool {
	system, version, code := x.System, x.Version, x.Code
	defer func() { x.System, x.Version, x.Code = system, version, code }()
	table := func() bool {
		return c.writeNew(r.sub, reflect.ValueOf(x).Elem(), k)
	}
	to := codedOf(x)
	if orig, ext := original(code.GetExtension()); ext != nil {
		if l := r.codes.read[orig.GetCode().GetValue()]; l != nil && r.codes.to[l] == to {
			x.System, x.Version, x.Code = orig.System, orig.Version, orig.Code
			if !table() {
				return false
			}
			c.claimMsg(system)
			c.claimMsg(code)
			c.claimMsg(ext.Url)
			return true
		}
	}
	l := r.codes.write[to]
	if l == nil || to.system == r.codes.source() {
		return table()
	}
	if !c.putCode(k, l.From) {
		return false
	}
	x.System, x.Code = nil, nil
	table()
	c.claimMsg(system)
	c.claimMsg(code)
	return true
}

// putCode sets the first part of a node, which must be empty.
func (c *Context) putCode(k tree.Node, text string) bool {
	leaf := c.Doc.Leaf(k)
	if c.Doc.Text(leaf) != "" {
		return false
	}
	if c.Doc.Self != "" && c.Doc.First(leaf) != 0 {
		leaf = c.Doc.Add(leaf, c.Doc.Self, "")
	}
	c.Doc.SetText(leaf, text)
	return true
}

func (c *Context) writeArrow(r *row, ref reflect.Value, n tree.Node) bool {
	to := c.resolve(ref)
	if to == nil || to.info != r.dst.arrow || c.isRefused(to.v) {
		return false
	}
	within := c.within
	c.within = to
	if to.inside != nil {
		c.within = to.inside
	}
	defer func() { c.within = within }()
	if !c.match(to.v, r.dst.arrowed) {
		return false
	}
	if r.t.info == nil {
		c.frame.bind(to)
	}
	k := n
	if len(r.path) > 0 {
		k = c.Doc.Make(n, r.path, r.Each)
	}
	c.setPlaced(to)
	// What is referred to from several places is written in each of them: nothing in it is taken yet.
	outer := c.takes
	c.takes = takes{}
	defer func() { c.takes = outer }()
	var ok bool
	if r.pair != nil {
		ok = r.pair.Write(c, to.Msg, k)
	} else {
		ok = c.writeNew(r.sub, to.v, k)
	}
	if ok {
		c.claim(ref, tree.Carried, "")
		c.claimTags(to.v, r.dst.arrowed)
	}
	return ok
}

func (c *Context) claimMsg(m proto.Message) {
	if v := reflect.ValueOf(m); !v.IsNil() {
		c.claim(v.Elem(), tree.Carried, "")
	}
}

// Claim is for pairs on the way back: every leaf at and below m went into the document.
func (c *Context) Claim(m proto.Message) {
	if v := reflect.ValueOf(m); !v.IsNil() {
		c.claimAll(v.Elem(), plan.OfMessage(m), tree.Carried, "")
	}
}

// ClaimValue is Claim for the value of a primitive alone, without its extensions.
func (c *Context) ClaimValue(m proto.Message) {
	if v := reflect.ValueOf(m); !v.IsNil() {
		c.claim(v.Elem(), tree.Carried, "")
	}
}

// Carry is for pairs on the way to FHIR: every leaf at and below n is in the record.
func (c *Context) Carry(n tree.Node) {
	s, why := c.state()
	c.Doc.MarkAll(n, s, why)
}

// CarryText is Carry for the text of n alone, without what stands below: the text of an element and not its attributes.
func (c *Context) CarryText(n tree.Node) {
	s, why := c.state()
	c.Doc.Mark(n, s, why)
}
