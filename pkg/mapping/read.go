package mapping

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads: a document becomes a record. A row takes its place's nodes, puts what they say where its target leads,
// and raises their states; what does not come about is rolled back whole. The files read_*.go read what a row can lead to: a
// scope, a leaf, an element, a resource behind an arrow.

// Context is one conversion, in either direction, as leaf types and pairs see it.
type Context struct {
	Doc  *tree.Doc
	Zone *time.Location // for times without an offset; nil leaves their time of day out
	run
}

type run struct {
	m        *Map
	rec      *Record
	whole    string // see Context.Whole
	frame    *frame
	reading  bool
	fold     string // why what is being carried does not come back where it was; empty if it does
	err      error  // a table that does not compile
	same     *row   // that met what it says where its target leads
	target   *plan.Type
	leaf     tree.Node // the leaf that is being read
	normal   func(tree.Node, string)
	memo     map[any]any
	noBundle bool
	made     int  // resources so far
	steps    int  // see Record.Steps
	alike    bool // see ReadOptions.Shared
	trial    bool // see trial.go
	track    track
	several  []string        // identities that two of those have whom arrows made; see widened
	more     []reflect.Value // elements that a pair puts behind the one that it makes; see Another

	scratch     // what the way to FHIR needs
	back        // what the way back needs
	tables  int // depth
}

// maxDepth bounds tables within tables, which a record or a mapping could make endless.
const maxDepth = 64

// ReadOptions say how a document becomes a record.
type ReadOptions struct {
	Zone     *time.Location // for times without an offset
	Facility string         // what scopes identifiers that have no system: MSH-4, a custodian
	Key      string         // what identifies the record where nothing in it does: a digest of its bytes
	// Unite makes one resource of those that have one identity and do not contradict one another; Clash, if set, hears of those that do.
	Unite bool
	Clash func(at, first tree.Node, typ string, elements []string) // what at says of these elements is something else than what first says
	// Of a record whose parts identify themselves, as the rows of tables do: KeyOf is Key for the resource that was begun at a node, and IDOf the id
	// itself of one of a type; empty where they do not know. Both may be nil.
	KeyOf    func(at tree.Node) string
	IDOf     func(typ string, at tree.Node) string
	Relative bool // references are Type/id, as in NDJSON, and not urn:uuid:id, as within a bundle
	NoBundle bool // the record does not become a bundle, so that nothing can go into the bundle itself
	// Normal, if set, is told of each leaf that is carried in the normal form that its type declares, with that form.
	Normal func(leaf tree.Node, form string)
	// Origins keeps which element each leaf made, for Record.Project.
	Origins bool
	// Shared lets primitives that say the same be one struct, in this record and in others: a record that is only written as FHIR, and
	// never changed. On the way to another format each leaf must be its own, since it has a state of its own.
	Shared bool
	// Unread is for documents that are read by one table and have no states before: what cannot be read is then nothing to a test that asks
	// whether something stands there. That is known only afterwards, so that such a document is read again.
	Unread bool
	// Reuse is for those who call Record.Release: the memory of a record is used for another one.
	Reuse bool
}

// ToFHIR reads a document through the table of a name for a type, Bundle for a scope. The document's leaves know what
// became of them.
func (m *Map) ToFHIR(name, typ string, doc *tree.Doc, o ReadOptions) (*Record, error) {
	t := m.table(name, typ)
	if t == nil {
		return nil, fmt.Errorf("no table %s", Key{name, typ})
	}
	if err := m.compile(t); err != nil {
		return nil, err
	}
	rec := &Record{}
	trial := m.doubtful()
	if o.Origins || trial {
		rec.doc = doc
	}
	s, ok := m.scratch.Get().(*scratch)
	if !ok {
		s = newScratch()
	}
	c := &Context{Doc: doc, Zone: o.Zone, run: run{m: m, rec: rec, whole: name, scratch: *s, reading: true, normal: o.Normal, noBundle: o.NoBundle,
		alike: o.Shared && rec.doc == nil, trial: trial}}
	f := c.push(t)
	if t.info == nil {
		c.readTable(t, tree.Root, reflect.Value{}, f.in)
	} else {
		r := c.newResource(t.info, tree.Root)
		if c.readTable(t, tree.Root, r.v, f.in) {
			rec.Resources = append(rec.Resources, r)
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	if o.Unread && doc.Unread() {
		return m.ToFHIR(name, typ, doc, o) // with a run of its own: this one remembers how texts were read
	}
	c.finish(o)
	rec.steps = c.steps
	if trial {
		if err := m.tryBack(t, rec, doc); err != nil {
			return nil, err
		}
		if !o.Origins {
			rec.doc, rec.origins = nil, nil
		}
		rec.led = nil
	}
	if *s = c.scratch; s.again() {
		if o.Reuse {
			rec.lent = &lent{m, s}
		} else { // two records never share a run: the one would keep the other in memory, and that the one before it, and so on for ever
			s.runs.part()
			m.scratch.Put(s)
		}
	}
	return rec, nil
}

// Target is the FHIR type that a leaf type reads for or writes from: date, dateTime, instant, code.
func (c *Context) Target() string {
	if c.target == nil {
		return ""
	}
	return c.target.Name
}

// Leaf is the leaf that a leaf type is reading; 0 on the way back.
func (c *Context) Leaf() tree.Node { return c.leaf }

// Report adds a finding at the leaf that is being read.
func (c *Context) Report(id diag.ID, format string, args ...any) {
	at := diag.Place{Line: c.Doc.Line}
	if c.leaf != 0 {
		at.Path = c.Doc.PlaceOf(c.leaf)
	}
	c.rec.Findings = append(c.rec.Findings, diag.New(id, at, format, args...))
}

// ready compiles a table; a fault of the tables, which Check reports and a test calls, ends the run.
func (c *Context) ready(t *table) bool {
	if t.sound.Load() {
		return true
	}
	if err := c.m.compile(t); err != nil {
		c.fail(err)
		return false
	}
	return true
}

func (c *Context) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// descend goes into an instance of a table; c.tables-- leaves it. A record that is nested without end is rejected.
func (c *Context) descend(t *table) bool {
	if !c.ready(t) {
		return false
	}
	if c.tables == maxDepth {
		c.fail(diag.New(TooDeep, diag.Place{}, "%s: tables within tables, deeper than %d: %s, %s", TooDeep.Entry().What, maxDepth, t.pos, t.Name))
		return false
	}
	c.tables++
	return true
}

// readTable reads one instance of a table and reports whether anything was carried.
func (c *Context) readTable(t *table, n tree.Node, v reflect.Value, in *instance) (any bool) {
	if !c.descend(t) {
		return false
	}
	x := facts{t: t, n: n, names: c.Doc.Below(n)}
	chains := c.rowsFor(&x)
	for i, rows := range chains {
		if turn := rows[0].turn; turn == nil {
			any = c.readChain(rows, &x, v, in) || any
		} else if !slices.ContainsFunc(chains[:i], func(q []*row) bool { return q[0].turn == turn }) { // the first reads for all
			any = c.readTurns(turn, chains[i:], &x, v, in) || any
		}
	}
	c.tables--
	return any
}

// readChain reads with the first row of a chain that takes something.
func (c *Context) readChain(rows []*row, x *facts, v reflect.Value, in *instance) (any bool) {
	for i, r := range rows {
		if x.anew && !c.applies(r, x) || !x.asks(c.Doc, r) {
			continue
		}
		took, ok := c.readRow(r, x, v, in)
		if any = any || ok; !took {
			continue
		}
		for _, late := range rows[i+1:] {
			if (late.kind == MapRow || late.kind == DeclineSource) && (!x.anew || c.applies(late, x)) && x.asks(c.Doc, late) {
				c.Doc.Each(x.n, late.path, func(k tree.Node) bool {
					if late.Place != r.Place && late.Place != "." {
						c.Doc.MarkAll(k, tree.Declined, cmp.Or(r.Place, r.Target+" "+r.Literal)+" is there")
					}
					return true
				})
			}
		}
		break
	}
	return any
}

// barren reports a row that reads the instance itself by a table none of whose places is there: OBX-18 and OBX-23 to 25 make a
// device and an organization of an OBX, and mostly neither.
func (c *Context) barren(r *row, x *facts) bool {
	d := &r.dst
	if r.inChain || r.sub == nil || len(r.path) > 0 || d.end == nil || d.base != nil || len(d.tags) > 0 || !c.ready(r.sub) {
		return false
	}
	return r.sub.reach&x.names == 0 && (d.arrow != nil || !r.sub.consts) && !c.isNull(x.n)
}

// readRow reads with one row. took reports that its place was not empty, any that something was carried.
func (c *Context) readRow(r *row, x *facts, v reflect.Value, in *instance) (took, any bool) {
	switch {
	case r.kind == ConstTarget:
		return true, c.readConst(r, v, in)
	case len(r.path) == 0:
		if r.text && c.textless(r, x.n) {
			return false, false
		}
		return true, c.readNode(r, x.n, x.n, v, in)
	}
	more := r.each || r.kind == DeclineSource
	gap := false // an empty repetition before: the way back has nothing to put there
	visit := func(k tree.Node) bool {
		if k != x.n && c.Doc.Empty(k) || r.text && c.textless(r, k) {
			gap = gap || k != x.n
			return true
		}
		took = true
		late := gap && c.fold == ""
		if late {
			c.fold = gapWhy
		}
		any = c.readNode(r, k, x.n, v, in) || any
		if late {
			c.fold = ""
		}
		return more
	}
	if len(r.path) > 1 {
		c.Doc.EachIn(&x.index, x.n, r.path, visit)
		return took, any
	}
	s := &r.path[0]
	for k := c.Doc.FindIn(&x.index, x.n, s); k != 0 && visit(k); {
		k = c.Doc.Find(x.n, k, s)
	}
	return took, any
}

// readsText reports a row that reads the text of its place: what stands below is nothing to it.
func (r *row) readsText() bool {
	return r.kind == MapRow && (r.conv != nil || r.codes != nil && r.sub == nil)
}

// textless reports a place that a row which reads text finds nothing in: its first part is empty, and the row's type takes no other with it.
func (c *Context) textless(r *row, k tree.Node) bool {
	return c.Doc.LeafText(k) == "" && (r.conv == nil || r.conv.Whole == nil || c.Doc.First(k) == 0 || r.conv.Whole(c.Doc, k) == "")
}

const gapWhy = "written back one place earlier, after a gap"

// readNode reads one node of a row's place.
func (c *Context) readNode(r *row, k, n tree.Node, v reflect.Value, in *instance) bool {
	switch r.kind {
	case DeclineSource:
		c.Doc.MarkAll(k, tree.Declined, r.Note)
		return false
	case ConstSource:
		if leaf := c.Doc.Leaf(k); c.Doc.Text(leaf) == r.Literal {
			c.Doc.Mark(leaf, tree.Carried, "")
			c.Doc.MarkTests(k, r.path, tree.Carried, "")
		}
		return false
	}
	outer, track := c.fold, c.track
	if outer == "" {
		c.fold = r.foldOf(in)
	}
	c.onRow(r)
	c.onNode(r, k)
	mark, finds, came := c.Doc.Checkpoint(), len(c.rec.Findings), len(c.rec.origins)
	ok, why := c.carry(r, k, v, in)
	if why != "" { // the place is taken, by another value: all or nothing
		c.fold, c.track = outer, track
		c.Doc.Rollback(mark)
		c.rec.Findings, c.rec.origins = c.rec.Findings[:finds], c.rec.origins[:came]
		c.Doc.MarkAll(k, tree.Declined, why)
		return false
	}
	c.Doc.Commit(mark)
	if ok {
		if r.rank < len(in.made) {
			in.made[r.rank] = true
		}
		s, why := c.state()
		for i := range r.with {
			if r.with[i].Op == tree.Equal {
				c.Doc.MarkTest(n, &r.with[i], s, why)
				c.tested(n, &r.with[i], came)
			}
		}
		if r.pathTests {
			c.Doc.MarkTests(k, r.path, s, why)
		}
	}
	c.fold, c.track = outer, track
	return ok
}

// carry puts a node where the row's target leads. A reason means that something else stands there.
func (c *Context) carry(r *row, k tree.Node, v reflect.Value, in *instance) (ok bool, taken string) {
	d := &r.dst
	if d.end == nil { // a group: its own scope
		return c.readScope(r, k), ""
	}
	if d.base != nil && d.base.Name == "Bundle" && c.noBundle {
		return false, "there is no bundle to hold it"
	}
	res, base := c.base(r, v, k)
	if res != nil && r.each && d.grow < 0 && d.arrow == nil {
		in = c.instance(r.t) // a new resource for each: nothing is shared with the one before
		defer c.done(r.t, in)
	}
	if len(d.tags) > 0 && res == nil && !c.match(base, d.tags) {
		c.stamp(base, d.tags)
		if !c.match(base, d.tags) {
			return false, r.Target + " is something else"
		}
	}
	switch {
	case c.isNull(k) && r.pair == nil && len(d.steps) > 0:
		ok, taken = c.readNull(r, k, base, in)
	case d.end.Name == "CodeableConcept" && d.arrow == nil && r.pair == nil && len(d.steps) > 0 && c.allNull(k):
		outer := c.fold
		c.fold = cmp.Or(outer, "comes back as one explicit null")
		ok, taken = c.readNull(r, k, base, in)
		c.fold = outer
	case r.conv != nil, r.codes != nil && r.sub == nil && d.end.Prim != nil:
		ok, taken = c.readLeaf(r, k, base, in)
	case r.codes != nil && r.sub == nil:
		ok, taken = c.readCoded(r, k, base, in)
	case d.arrow != nil:
		ok, taken = c.readArrow(r, k, base, in)
	case r.pair != nil:
		ok, taken = c.readInto(r, k, base, in, func(e reflect.Value) bool {
			c.stranger(e, d.end)
			c.came(k, e, d.end, false)
			return r.pair.Read(c, k, plan.MessageOf(e))
		})
	default:
		ok, taken = c.readInto(r, k, base, in, func(e reflect.Value) bool {
			return c.readNew(r.sub, k, e)
		})
	}
	if ok && res != nil {
		c.enter(res, r)
		if r.around {
			c.said(r, res, k)
		}
	}
	return ok, taken
}

// readNew reads with an instance of its own.
func (c *Context) readNew(t *table, n tree.Node, v reflect.Value) bool {
	if !c.ready(t) {
		return false
	}
	in := c.instance(t)
	ok := c.readTable(t, n, v, in)
	c.done(t, in)
	return ok
}

// state is what becomes of a leaf that a row carries: what goes one way only, or comes back elsewhere, is folded.
func (c *Context) state() (tree.State, string) {
	if c.fold != "" {
		return tree.Folded, c.fold
	}
	return tree.Carried, ""
}

// foldOf is why what a row carries does not come back where it was.
func (r *row) foldOf(in *instance) string {
	switch {
	case r.way == Forward:
		return r.Note
	case r.refill:
		return "the way back fills the place of the row above: " + r.Target
	case r.follows:
		return "the way back has all of them in the place of the row above: " + r.Target
	}
	for _, q := range r.siblings { // rows above that fill the same list
		if !in.made[q.rank] {
			return gapWhy
		}
	}
	return ""
}

func (c *Context) readConst(r *row, v reflect.Value, in *instance) bool {
	if r.dst.base != nil {
		res := c.frame.lookup(r.dst.base)
		if res == nil {
			return false
		}
		v = res.v
	}
	if !c.match(v, r.dst.tags) {
		return false
	}
	last := len(r.dst.steps) - 1
	if last < 0 {
		return false
	}
	st := &r.dst.steps[last]
	parent, how, ok := c.place(in, v, r.dst.steps[:last], true)
	if !ok {
		return false
	}
	e, _ := c.there(parent, st, how)
	switch {
	case e.IsValid():
		if r.dst.end.Prim.Text(e) == "" && !hasExtensions(e, r.dst.end) {
			r.dst.end.Prim.Store(e, r.value)
		}
	default:
		if e, ok = c.add(parent, st); ok {
			c.remember(in, parent, st, e)
			r.dst.end.Prim.Store(e, r.value)
		}
	}
	return false // a constant alone makes nothing
}

func hasExtensions(v reflect.Value, ti *plan.Type) bool {
	return ti.Extension >= 0 && v.Field(ti.Extension).Len() > 0
}
