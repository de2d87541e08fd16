package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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
	takes                       // elements of lists that a row took
	refused map[plan.Place]bool // elements and resources that must not be written
	logs
	within      *Resource                          // the resource whose contained ones a fragment means
	leading     map[*tag]map[*Resource][]*Resource // what leads where by a link tag; see leadingTo
	places      map[tree.Node]int                  // of groups that rows take turns to write: where their anchors stand in the record
	holders     map[*tag][]*Resource               // what has the element of a tag; see having
	found       int                                // instances of scopes that were written
	leftOut     []*row                             // rows of scopes that decline what nothing has placed
	unwritten   map[*Resource]bool                 // once all else is written; see isLeftOut
	following   []followed                         // the references that are being followed, from the outermost
	rests       map[*plan.Type]*table              // see restOf
	restTable   string                             // see RestBy
	tracks      []claimTrack                       // in a trial: by which rows leaves were written
	conditional []conditional                      // what foldConditional looks at
	element     element                            // of a list, which a pair writes
}

// logs are what attempts that come to nothing take back. One record after the other has the same memory for them: what a document takes and
// claims, one by one, had them grow through half a megabyte.
type logs struct {
	takenLog []reflect.Value
	claimLog []claimUndo
	placeLog []*Resource
}

// emptied are logs that hold nothing.
func (l logs) emptied() *logs {
	if cap(l.claimLog) > 1<<16 || cap(l.takenLog) > 1<<16 { // of a record far above the usual
		return &logs{}
	}
	clear(l.takenLog) // behind its end undo has cleared it
	clear(l.claimLog)
	clear(l.placeLog)
	return &logs{l.takenLog[:0], l.claimLog[:0], l.placeLog[:0]}
}

// element is one of a list, with what has the list.
type element struct {
	e *plan.Element
	v reflect.Value
	j int
}

// followed is a resource that is being written where something refers to it, and the row that does so.
type followed struct {
	row *row
	to  *Resource
}

// FromFHIR writes a record as a document by the table of a name for a type, Bundle for a scope. The record's leaves know
// what became of them.
func (m *Map) FromFHIR(name, typ string, rec *Record) (*tree.Doc, error) {
	return m.FromFHIRThen(name, typ, rec, func(*tree.Doc) {})
}

// FromFHIRThen is FromFHIR with what a document of a format says besides, which the rows do not know: finish adds it before the ledger asks which
// of the rows will read what they wrote.
func (m *Map) FromFHIRThen(name, typ string, rec *Record, finish func(d *tree.Doc)) (*tree.Doc, error) {
	doc, _, err := m.fromFHIR(name, typ, rec, false, writeAll, finish)
	return doc, err
}

// writeAll writes a record by a scope, or the first of its resources for which a table is.
func writeAll(c *Context, t *table) {
	if t.info == nil {
		c.writeGroup(t, tree.Root, nil)
		return
	}
	for _, r := range c.rec.Resources {
		if r.info == t.info && !c.isRefused(r.v) {
			f := c.push(t)
			r.placed = c.writeTable(t, r.v, tree.Root, f.in)
			break
		}
	}
}

// FromFHIRBy is FromFHIR with a function in the place of the scope: for a record that lacks the resource from which the scope's
// rows start, such as the Composition of a document. It writes what it wants with the tables of resources and datatypes, claims
// what it writes by itself, and may run several times, until nothing is written without its modifier.
func (m *Map) FromFHIRBy(name string, rec *Record, write func(c *Context)) (*tree.Doc, error) {
	doc, _, err := m.fromFHIR(name, "Bundle", rec, false, func(c *Context, t *table) {
		c.push(t)
		write(c)
	}, func(*tree.Doc) {})
	return doc, err
}

func (m *Map) fromFHIR(name, typ string, rec *Record, trial bool, write func(c *Context, t *table), finish func(d *tree.Doc)) (*tree.Doc, []claimTrack, error) {
	t := m.table(name, typ)
	if t == nil {
		return nil, nil, fmt.Errorf("no table %s", Key{name, typ})
	}
	if err := m.compile(t); err != nil {
		return nil, nil, err
	}
	refused := map[plan.Place]bool{}
	maps.Copy(refused, rec.withheld)
	for {
		rec.index(int(m.claimed.Load()))
		doc := tree.New(m.Format, min(256, 32*len(rec.Resources))) // a row of a table needs no room for a message
		c := &Context{Doc: doc, run: run{m: m, rec: rec, whole: name, trial: trial, back: back{refused: refused}}}
		if l, ok := m.logs.Get().(*logs); ok {
			c.logs = *l
		}
		write(c, t)
		m.claimed.Store(int64(len(rec.claims)))
		rec.steps = c.steps
		if c.err != nil {
			return nil, nil, c.err
		}
		again := c.refuse()
		if !again {
			finish(doc)
			c.foldConditional()
			c.declineRest()
		}
		m.logs.Put(c.logs.emptied())
		if !again {
			return doc, c.tracks, c.err
		}
	}
}

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
	if len(t.leads) > 0 && !c.leadsByOne(t.leads, v) {
		return false
	}
	any = c.writeRows(t, v, n, in)
	for _, turn := range t.turns {
		c.orderTurns(turn, n)
	}
	if any || n == tree.Root {
		for _, r := range t.back {
			if r.laterConst() && r.Direction != Forward && c.wouldMake(r, n) {
				c.writeRow(r, v, n, in)
			}
		}
		for _, chain := range t.chains {
			for _, r := range chain {
				if r.Kind == ConstSource && r.Direction != Forward {
					if k := c.Doc.Make(n, r.path, false); c.Doc.LeafText(k) == "" {
						leaf := c.Doc.Leaf(k)
						c.Doc.SetText(leaf, r.Literal)
						c.Doc.Mark(leaf, tree.Declined, ConstantLeaf) // no value of the record: who wants to tell them apart can
					}
				}
			}
		}
	}
	return any
}

// writeRows writes with the rows of a table. Of a chain one row is read, so that what a later one wrote is folded if one above it wrote too: those with
// more tags write first and do not know of it, so then all are written again.
func (c *Context) writeRows(t *table, v reflect.Value, n tree.Node, in *instance) (any bool) {
	var at attempt
	finds := len(c.rec.Findings)
	if t.overtakes {
		at = c.begin()
	}
	var late []*row
	for {
		for _, r := range t.back {
			if r.Direction == Forward || r.Kind == DeclineSource || r.Kind == ConstSource || r.laterConst() {
				continue
			}
			if turn := r.turn; turn != nil && len(turn.back) > 0 {
				if r == turn.back[0] { // the first writes for all
					any = c.writeTurns(turn, v, n, in) || any
				}
				continue
			}
			if fold := c.fold; fold == "" && slices.Contains(late, r) {
				c.fold = overtakenWhy
				any = c.writeRow(r, v, n, in) || any
				c.fold = fold
				continue
			}
			any = c.writeRow(r, v, n, in) || any
		}
		if !t.overtakes {
			return any
		}
		if late != nil {
			break
		}
		for _, r := range t.back {
			if in.made[r.rank] && slices.ContainsFunc(r.ahead, func(q *row) bool { return in.made[q.rank] }) {
				late = append(late, r)
			}
		}
		if late == nil {
			break
		}
		c.end(at, false)
		c.rec.Findings = c.rec.Findings[:finds]
		clear(in.slots)
		in.reset()
		at, any = c.begin(), false
	}
	c.end(at, true)
	return any
}

// leadsByOne reports that what a reference leads to is what one of the rows makes: what else a table says of a reference to another resource
// (how a component belongs to its organizer) is not written without that resource, for then no other row could write it.
func (c *Context) leadsByOne(rows []*row, ref reflect.Value) bool {
	to := c.resolve(ref)
	return to == nil || slices.ContainsFunc(rows, func(r *row) bool { return c.leadsTo(r, to) })
}

// leadsTo reports that a resource is what an arrow makes.
func (c *Context) leadsTo(r *row, to *Resource) bool {
	if to.info != r.dst.arrow {
		return false
	}
	within := c.within
	c.within = cmp.Or(to.inside, to)
	ok := c.match(to.v, r.dst.arrowed)
	c.within = within
	return ok
}

// ConstantLeaf is why a leaf of a document that was written has the state Declined: a row has it there whatever the record says.
const ConstantLeaf = "a constant"

// wouldMake reports that a constant would come of the document as it was written: only then it is said by the document.
func (c *Context) wouldMake(r *row, n tree.Node) bool { return c.hold(r.iff, n) }

func (c *Context) hold(tests []tree.Test, n tree.Node) bool {
	for i := range tests {
		if _, ok := c.Doc.Ask(n, &tests[i]); !ok {
			return false
		}
	}
	return true
}

// laterConst reports a constant within the element of a list: which element it belongs to, the other rows must have said.
func (r *row) laterConst() bool {
	return r.Kind == ConstTarget && len(r.iff) > 0 || r.Kind == ConstTarget && slices.ContainsFunc(r.dst.steps, func(s step) bool { return s.e.List })
}

// wanted reports that a row with a value leads to a list's element that a slot stands for: without it a constant has none.
func (t *table) wanted(slot int) bool {
	return slices.ContainsFunc(t.back, func(r *row) bool {
		return r.Kind == MapRow && slices.ContainsFunc(r.dst.steps, func(s step) bool { return s.e.List && s.slot == slot })
	})
}

func (c *Context) writeRow(r *row, v reflect.Value, n tree.Node, in *instance) bool {
	track, claims := c.track, len(c.claimLog)
	c.onRow(r)
	any := c.writeBy(r, v, n, in)
	c.track = track
	if r.conditional && len(c.claimLog) > claims {
		c.conditional = append(c.conditional, conditional{r, n, claims, len(c.claimLog)})
	}
	return any
}

func (c *Context) writeBy(r *row, v reflect.Value, n tree.Node, in *instance) (any bool) {
	d := &r.dst
	if r.Kind == DeclineTarget && r.t.info == nil {
		c.leaveOut(r)
		return false
	}
	if d.end == nil {
		return !c.contradicted(r, n) && c.writeGroup(r.sub, n, r)
	}
	for _, q := range r.ahead {
		if in.made[q.rank] {
			return false
		}
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
			c.steps++
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
	if res == nil && !r.atHome && c.frame.up != nil {
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
			if r.Kind == ConstTarget && r.t.wanted(s.slot) {
				return false
			}
			for j := c.firstFree(v, s.e); j < s.e.Len(v); j++ {
				c.steps++
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
			c.steps++
			if c.writeAt(r, in, v, i, j, n) {
				any = true
				if !r.Each && r.Kind != DeclineTarget {
					return true
				}
			}
		}
		return any
	}
	return c.writeEnd(r, in, v, n)
}

// writeAt follows the row's steps from step i, a list, by one of its elements.
func (c *Context) writeAt(r *row, in *instance, v reflect.Value, i, j int, n tree.Node) bool {
	s := &r.dst.steps[i]
	e := s.e.At(v, j)
	if c.isTaken(e) || c.isRefused(e) || !c.match(e, s.tags) {
		return false
	}
	at := c.begin()
	c.take(e)
	if r.pair != nil {
		c.element = element{s.e, v, j}
	}
	if !c.end(at, c.reach(r, in, e, i+1, n)) {
		return false
	}
	c.claimTags(e, s.tags)
	return true
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
		return r.laterConst() // which keeps the element; a constant alone makes nothing
	case DeclineTarget:
		c.claimAll(e, ti, tree.Declined, r.Note)
		return true
	}
	if r.chained && slices.Contains(in.wrote, plan.PlaceOf(e)) {
		return false // by a row above of its chain
	}
	at := c.begin()
	if r.Direction == Backward && c.fold == "" {
		c.fold = r.Note
		defer func() { c.fold = "" }()
	}
	track := c.track
	ok := c.end(at, c.stampWith(r, n) && c.writeElem(r, e, ti, n))
	c.track = track
	if ok && r.inChain {
		in.wrote, in.made[r.rank] = append(in.wrote, plan.PlaceOf(e)), true
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
	if x := c.nullOf(r, e, ti); x != nil {
		if c.nullOfOther(r, e) {
			return false
		}
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
	c.onNode(r, k)
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

// nullOf is the extension by which an element says that the source had an explicit null, where the format has one and the row writes it.
func (c *Context) nullOf(r *row, e reflect.Value, ti *plan.Type) *dpb.Extension {
	if c.Doc.Null == "" || r.pair != nil || ti.Extension < 0 || e.Field(ti.Extension).Len() == 0 {
		return nil
	}
	return findExtension(e, ti, ExplicitNullURL)
}

// nullOfOther reports that an explicit null bears the tags of another row of its list. One that leads nowhere has none of the tags behind an
// arrow, by which its row comes first.
func (c *Context) nullOfOther(r *row, e reflect.Value) bool {
	last := len(r.dst.steps) - 1
	return len(r.dst.arrowed) > 0 && slices.ContainsFunc(r.t.back, func(q *row) bool {
		if q == r || q.Direction == Forward || q.dst.base != r.dst.base || len(q.dst.steps) != last+1 {
			return false
		}
		for i := range q.dst.steps {
			if q.dst.steps[i].e != r.dst.steps[i].e {
				return false
			}
		}
		tags := q.dst.steps[last].tags
		return len(tags) > len(r.dst.steps[last].tags) && c.match(e, tags)
	})
}

// isPrefix reports a place that stands for several names, whose node its pair makes.
func isPrefix(p tree.Path) bool {
	name := p[len(p)-1].Name
	return name[len(name)-1] == '*'
}

// put sets the text of a row's place; false if another text stands there.
func (c *Context) put(r *row, n tree.Node, text string) bool {
	k := c.Doc.Make(n, r.path, r.Each)
	c.onNode(r, k)
	k = c.Doc.Leaf(k)
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

func (c *Context) writeArrow(r *row, ref reflect.Value, n tree.Node) bool {
	to := c.resolve(ref)
	// An organization may be a part of itself, by way of others or not: it is written once within itself. Nor is the chain endless.
	if to == nil || c.isRefused(to.v) || !c.leadsTo(r, to) || slices.Contains(c.following, followed{r, to}) || c.tables > maxDepth/2 {
		return false
	}
	within := c.within
	c.within = cmp.Or(to.inside, to)
	defer func() { c.within = within }()
	c.following = append(c.following, followed{r, to})
	defer func() { c.following = c.following[:len(c.following)-1] }()
	if r.t.info == nil {
		c.frame.bind(to)
	}
	k := n
	if len(r.path) > 0 {
		k = c.Doc.Make(n, r.path, r.Each)
		c.onNode(r, k)
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

// Take is Claim for an element that a row would write too: the pair has said it another way, so that no row finds it any more.
func (c *Context) Take(m proto.Message) {
	if v := reflect.ValueOf(m); !v.IsNil() {
		c.take(v.Elem())
		c.claimAll(v.Elem(), plan.OfMessage(m), tree.Carried, "")
	}
}

// ClaimValue is Claim for the value of a primitive alone, without its extensions.
func (c *Context) ClaimValue(m proto.Message) {
	if v := reflect.ValueOf(m); !v.IsNil() {
		c.claim(v.Elem(), tree.Carried, "")
	}
}

// ClaimReference is Claim for where a reference leads, without what else it says.
func (c *Context) ClaimReference(ref *dpb.Reference) {
	c.claim(reflect.ValueOf(ref).Elem(), tree.Carried, "")
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
