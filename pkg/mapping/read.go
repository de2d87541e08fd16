package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads: a document becomes a record. A row takes its place's nodes, puts what they say where its target leads,
// and raises their states; what does not come about is rolled back whole.

// Context is one conversion, in either direction, as leaf types and pairs see it.
type Context struct {
	Doc  *tree.Doc
	Zone *time.Location // for times without an offset; nil leaves their time of day out
	run
}

type run struct {
	m        *Map
	rec      *Record
	frame    *frame
	reading  bool
	fold     string // why what is being carried does not come back where it was; empty if it does
	err      error  // a table that does not compile
	target   *plan.Type
	leaf     tree.Node // the leaf that is being read
	normal   func(tree.Node, string)
	memo     map[any]any
	noBundle bool

	shared   map[sharedKey]reflect.Value
	refs     map[*dpb.Reference]*Resource
	refOrder []*dpb.Reference
	links    []pendingLink
	keyed    map[string][]*Resource // resources that arrows made, by what identifies them
	visited  []*frame               // instances of scopes that may be several for one anchor

	back       // what the way back needs
	tables int // depth
}

type pendingLink struct {
	v     reflect.Value
	tags  []tag
	frame *frame
}

// maxDepth bounds tables within tables, which a mapping could make endless.
const maxDepth = 64

// A frame is the resources in scope: one for each type that the table names, and those of the tables around it.
type frame struct {
	up  *frame
	t   *table
	res []*Resource // as t.homes
	in  *instance
}

func (f *frame) lookup(typ *plan.Type) *Resource {
	for ; f != nil; f = f.up {
		for i, h := range f.t.homes {
			if h == typ && f.res[i] != nil {
				return f.res[i]
			}
		}
	}
	return nil
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
	x.frame = &frame{x.frame, t, make([]*Resource, len(t.homes)), t.instance()}
	return x.frame
}

// ReadOptions say how a document becomes a record.
type ReadOptions struct {
	Zone     *time.Location // for times without an offset
	Facility string         // what scopes identifiers that have no system: MSH-4, a custodian
	Key      string         // what identifies the record where nothing in it does: a digest of its bytes
	Relative bool           // references are Type/id, as in NDJSON, and not urn:uuid:id, as within a bundle
	NoBundle bool           // the record does not become a bundle, so that nothing can go into the bundle itself
	// Normal, if set, is told of each leaf that is carried in the normal form that its type declares, with that form.
	Normal func(leaf tree.Node, form string)
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
	c := &Context{Doc: doc, Zone: o.Zone, run: run{m: m, rec: rec, reading: true, normal: o.Normal, noBundle: o.NoBundle}}
	f := c.push(t)
	if t.info == nil {
		c.readTable(t, tree.Root, reflect.Value{}, f.in)
	} else {
		r := newResource(t.info, tree.Root)
		if c.readTable(t, tree.Root, r.v, f.in) {
			rec.Resources = append(rec.Resources, r)
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	c.finish(o)
	return rec, nil
}

// Target is the FHIR type that a leaf type reads for or writes from: date, dateTime, instant, code.
func (c *Context) Target() string {
	if c.target == nil {
		return ""
	}
	return c.target.Name
}

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

// descend goes into an instance of a table; c.tables-- leaves it. A table that contains itself without end ends the run.
func (c *Context) descend(t *table) bool {
	if !c.ready(t) {
		return false
	}
	if c.tables == maxDepth {
		c.fail(fmt.Errorf("%s: table %s: tables within tables, deeper than %d", t.pos, t.Name, maxDepth))
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
	bits := t.present(c.Doc, n)
	for _, chain := range t.chains {
		if len(chain) == 1 && chain[0].need&^bits != 0 {
			continue
		}
		any = c.readChain(chain, bits, n, v, in) || any
	}
	c.tables--
	return any
}

// readChain reads with the first row of a chain that takes something.
func (c *Context) readChain(chain []*row, bits uint64, n tree.Node, v reflect.Value, in *instance) (any bool) {
	for i, r := range chain {
		if r.need&^bits != 0 || r.Direction == Backward || r.Kind == DeclineTarget || !c.asks(n, r) {
			continue
		}
		took, ok := c.readRow(r, n, v, in)
		if any = any || ok; !took {
			continue
		}
		for _, late := range chain[i+1:] {
			if late.Direction != Backward && (late.Kind == MapRow || late.Kind == DeclineSource) && c.asks(n, late) {
				c.Doc.Each(n, late.path, func(k tree.Node) bool {
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

func (c *Context) asks(n tree.Node, r *row) bool {
	for i := range r.with {
		if _, ok := c.Doc.Ask(n, &r.with[i]); !ok {
			return false
		}
	}
	for i := range r.iff {
		if _, ok := c.Doc.Ask(n, &r.iff[i]); !ok {
			return false
		}
	}
	return true
}

// readRow reads with one row. took reports that its place was not empty, any that something was carried.
func (c *Context) readRow(r *row, n tree.Node, v reflect.Value, in *instance) (took, any bool) {
	if r.Kind == ConstTarget {
		return true, c.readConst(r, v, in)
	}
	gap := false // an empty repetition before: the way back has nothing to put there
	c.Doc.Each(n, r.path, func(k tree.Node) bool {
		if k != n && c.Doc.Empty(k) || r.readsText() && c.Doc.LeafText(k) == "" {
			gap = gap || k != n
			return true
		}
		took = true
		if gap && c.fold == "" {
			c.fold = gapWhy
			defer func() { c.fold = "" }()
		}
		any = c.readNode(r, k, n, v, in) || any
		return r.Each || r.Kind == DeclineSource
	})
	return took, any
}

// readsText reports a row that reads the text of its place: what stands below is nothing to it.
func (r *row) readsText() bool {
	return r.Kind == MapRow && (r.conv != nil || r.codes != nil && r.sub == nil)
}

const gapWhy = "written back one place earlier, after a gap"

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
	e, _, ok := c.place(in, v, r.dst.steps, true)
	if ok && r.dst.end.Prim.Text(e) == "" && !hasExtensions(e, r.dst.end) {
		r.dst.end.Prim.Store(e, r.value)
	}
	return false // a constant alone makes nothing
}

func hasExtensions(v reflect.Value, ti *plan.Type) bool {
	return ti.Extension >= 0 && v.Field(ti.Extension).Len() > 0
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
	case r.Direction == Forward:
		return r.Note
	case r.refill:
		return "the way back fills the place of the row above: " + r.Target
	}
	for _, q := range r.siblings { // rows above that fill the same list
		if !in.made[q.rank] {
			return gapWhy
		}
	}
	return ""
}

// readNode reads one node of a row's place.
func (c *Context) readNode(r *row, k, n tree.Node, v reflect.Value, in *instance) bool {
	switch r.Kind {
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
	if c.fold == "" {
		if c.fold = r.foldOf(in); c.fold != "" {
			defer func() { c.fold = "" }()
		}
	}
	mark, finds := c.Doc.Checkpoint(), len(c.rec.Findings)
	ok, why := c.carry(r, k, v, in)
	if why != "" { // the place is taken, by another value: all or nothing
		c.Doc.Rollback(mark)
		c.rec.Findings = c.rec.Findings[:finds]
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
			}
		}
		c.Doc.MarkTests(k, r.path, s, why)
	}
	return ok
}

// carry puts a node where the row's target leads. A reason means that something else stands there.
func (c *Context) carry(r *row, k tree.Node, v reflect.Value, in *instance) (ok bool, taken string) {
	d := &r.dst
	if d.end == nil { // a group: its own scope
		return c.readScope(r.sub, k), ""
	}
	if d.base != nil && d.base.Name == "Bundle" && c.noBundle {
		return false, "there is no bundle to hold it"
	}
	res, base := c.base(r, v, k)
	if res != nil && r.Each && d.grow < 0 && d.arrow == nil {
		in = r.t.instance() // a new resource for each: nothing is shared with the one before
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
	case r.conv != nil, r.codes != nil && r.sub == nil && d.end.Prim != nil:
		ok, taken = c.readLeaf(r, k, base, in)
	case r.codes != nil && r.sub == nil:
		ok, taken = c.readCoded(r, k, base, in)
	case d.arrow != nil:
		ok, taken = c.readArrow(r, k, base, in)
	case r.pair != nil:
		ok, taken = c.readInto(r, k, base, in, func(e reflect.Value) bool {
			return r.pair.Read(c, k, e.Addr().Interface().(proto.Message))
		})
	default:
		ok, taken = c.readInto(r, k, base, in, func(e reflect.Value) bool {
			return c.readNew(r.sub, k, e)
		})
	}
	if ok && res != nil {
		c.enter(res, d.tags)
	}
	return ok, taken
}

// readNew reads with an instance of its own.
func (c *Context) readNew(t *table, n tree.Node, v reflect.Value) bool {
	if !c.ready(t) {
		return false
	}
	in := t.instance()
	ok := c.readTable(t, n, v, in)
	t.release(in)
	return ok
}

func (c *Context) readScope(t *table, k tree.Node) bool {
	if !c.ready(t) {
		return false
	}
	up := c.frame
	f := c.push(t)
	ok := c.readTable(t, k, reflect.Value{}, f.in)
	c.frame = up
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
	fresh := r.Each && d.grow < 0 && d.arrow == nil
	if !fresh {
		res := c.frame.own(d.base)
		if res == nil && !r.t.makes(d.base) && c.frame.up != nil {
			res = c.frame.up.lookup(d.base)
		}
		if res != nil {
			return res, res.v
		}
	}
	res := newResource(d.base, k)
	return res, res.v
}

// makes reports that a scope's rows make a resource of the type whole, so that it is at home here.
func (t *table) makes(typ *plan.Type) bool {
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.dst.base == typ && len(r.dst.steps) == 0 && r.Kind == MapRow {
				return true
			}
		}
	}
	return false
}

// enter brings a resource into scope and record once something is in it, with its tags and links.
func (c *Context) enter(res *Resource, tags []tag) {
	if !res.entered {
		res.entered = true
		c.frame.bind(res)
		c.rec.Resources = append(c.rec.Resources, res)
	}
	c.stamp(res.v, tags)
	c.link(res.v, tags)
}

// link sets the references of link tags, now or when the whole document has been read.
func (c *Context) link(v reflect.Value, tags []tag) {
	for i := range tags {
		if g := &tags[i]; g.link != nil && g.op == tagIs {
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

func (c *Context) isNull(k tree.Node) bool {
	return c.Doc.Null != "" && c.Doc.LeafText(k) == c.Doc.Null && c.Doc.First(k) == 0
}

// readNull reads an explicit null: an element that says so and nothing else.
func (c *Context) readNull(r *row, k tree.Node, base reflect.Value, in *instance) (bool, string) {
	e, how, ok := c.place(in, base, r.dst.steps, false)
	if !ok {
		return false, r.Target + " holds another type"
	}
	ti := r.dst.end
	if e.IsValid() && (how != own || r.dst.grow < 0) && !isEmpty(e, ti) {
		return false, r.Target + " holds a value"
	}
	if e, _, ok = c.place(in, base, r.dst.steps, true); !ok { // with its tags, which say what there is nothing of
		return false, r.Target + " holds another type"
	}
	if !addExtension(e, ti, explicitNull()) {
		return false, "FHIR has no place for an explicit null here"
	}
	if ti.Prim != nil {
		ti.Prim.MarkNoValue(e)
	}
	s, why := c.state()
	c.Doc.MarkAll(k, s, why)
	return true, ""
}

// isEmpty reports that an element holds nothing.
func isEmpty(v reflect.Value, ti *plan.Type) bool {
	if ti.Prim != nil && ti.Prim.Text(v) != "" {
		return false
	}
	for _, e := range ti.Elements {
		if e.Len(v) > 0 {
			return false
		}
	}
	return true
}

// convert turns a leaf's text into FHIR's text, and says in which state that leaves the leaf.
func (c *Context) convert(r *row, leaf tree.Node, text string) (s string, state tree.State, why string, bad error) {
	state, why = c.state()
	c.target, c.leaf = r.dst.end, leaf
	defer func() { c.leaf = 0 }()
	if r.codes != nil {
		code := r.codes.read[text]
		switch {
		case code == nil:
			return "", tree.Invalid, "", fmt.Errorf("not one of the codes %s", r.codes.name)
		case code.Declined:
			return "", tree.Declined, code.Note, nil
		}
		return r.codes.to[code].code, state, why, nil
	}
	if r.conv.Read == nil {
		return text, state, why, nil
	}
	s, err := r.conv.Read(c, text)
	var loss Loss
	if errors.As(err, &loss) {
		if s == "" {
			return "", tree.Declined, string(loss), nil
		}
		return s, tree.Folded, string(loss), nil
	}
	if err != nil {
		return "", tree.Invalid, "", err
	}
	if state == tree.Carried {
		back := s
		if r.conv.Write != nil {
			if back, err = r.conv.Write(c, s); err != nil {
				return s, tree.Folded, "does not come back: " + err.Error(), nil
			}
		}
		switch {
		case back == text:
		case r.conv.Normal == nil || back != r.conv.Normal(text):
			state, why = tree.Folded, "comes back in another form"
		case c.normal != nil:
			c.normal(leaf, back)
		}
	}
	return s, state, why, nil
}

func (c *Context) readLeaf(r *row, k tree.Node, base reflect.Value, in *instance) (bool, string) {
	leaf := c.Doc.Leaf(k)
	text := c.Doc.Text(leaf)
	if text == "" {
		return false, ""
	}
	s, state, why, err := c.convert(r, leaf, text)
	var val plan.Value
	if err == nil && s != "" {
		if val, err = r.dst.end.Prim.Parse(s); err != nil && state == tree.Folded {
			c.Doc.Mark(leaf, tree.Declined, why) // what is left is not what the element asks for
			return false, ""
		}
	}
	if err != nil {
		c.Doc.Mark(leaf, tree.Invalid, err.Error())
		return false, ""
	}
	if s == "" {
		c.Doc.Mark(leaf, state, why)
		return false, ""
	}
	d := &r.dst
	var e reflect.Value
	if last := len(d.steps) - 1; r.fillsList && d.grow < 0 { // lists of primitives grow with every row
		parent, _, ok := c.place(in, base, d.steps[:last], true)
		if !ok {
			return false, r.Target + " holds another type"
		}
		st := &d.steps[last]
		e = st.e.Append(parent)
	} else {
		var ok, fresh bool
		var how origin
		switch d.end.Prim.Kind { // whose zero is a value too: what is made now has none
		case plan.Boolean, plan.Integer, plan.Unsigned:
			e, _, _ = c.place(in, base, d.steps, false)
			fresh = !e.IsValid()
		}
		if e, how, ok = c.place(in, base, d.steps, true); !ok {
			return false, r.Target + " holds another type"
		}
		if have := d.end.Prim.Text(e); have != "" && !fresh {
			if have != s {
				return false, "place taken: " + r.Target + " holds another value"
			}
			if state == tree.Carried && how == shared {
				state, why = tree.Folded, sharedWhy
			}
			c.Doc.Mark(leaf, state, why)
			return true, ""
		}
	}
	d.end.Prim.Store(e, val)
	if r.codes != nil && r.codes.read[text].Direction == Forward {
		c.keepOriginal(r, e, text)
	}
	c.Doc.Mark(leaf, state, why)
	return true, ""
}

// keepOriginal keeps the source's code beside the one that it became, where several become the same.
func (c *Context) keepOriginal(r *row, e reflect.Value, text string) {
	addExtension(e, r.dst.end, alternate(r.codes.from, text))
}

// readCoded reads a code for a Coding or a CodeableConcept.
func (c *Context) readCoded(r *row, k tree.Node, base reflect.Value, in *instance) (bool, string) {
	leaf := c.Doc.Leaf(k)
	text := c.Doc.Text(leaf)
	code := r.codes.read[text]
	switch {
	case text == "":
		return false, ""
	case code == nil:
		c.Doc.Mark(leaf, tree.Invalid, "not one of the codes "+r.codes.name)
		return false, ""
	case code.Declined:
		c.Doc.Mark(leaf, tree.Declined, code.Note)
		return false, ""
	}
	e, how, ok := c.place(in, base, r.dst.steps, true)
	if !ok {
		return false, r.Target + " holds another type"
	}
	to := r.codes.to[code]
	coding := to.coding()
	switch x := e.Addr().Interface().(type) {
	case *dpb.Coding:
		if x.Code != nil {
			if codedOf(x) != to {
				return false, "place taken: " + r.Target + " holds another value"
			}
			break
		}
		x.System, x.Code = coding.System, coding.Code
		if code.Direction == Forward {
			x.Code.Extension = append(x.Code.Extension, alternate(r.codes.from, text))
		}
	case *dpb.CodeableConcept:
		if how != own && len(x.Coding) > 0 {
			if codedOf(x.Coding[0]) != to {
				return false, "place taken: " + r.Target + " holds another value"
			}
			break
		}
		x.Coding = append(x.Coding, coding)
		if code.Direction == Forward && r.codes.from != "" {
			x.Coding = append(x.Coding, &dpb.Coding{System: &dpb.Uri{Value: r.codes.from}, Code: &dpb.Code{Value: text}})
		}
	}
	s, why := c.state()
	c.Doc.Mark(leaf, s, why)
	return true, ""
}

func alternate(system, code string) *dpb.Extension {
	coding := &dpb.Coding{Code: &dpb.Code{Value: code}}
	if system != "" {
		coding.System = &dpb.Uri{Value: system}
	}
	return alternateCoding(coding)
}

func alternateCoding(coding *dpb.Coding) *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: alternateURL}, Value: &dpb.Extension_ValueX{
		Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: &dpb.CodeableConcept{Coding: []*dpb.Coding{coding}}}}}
}

// readInto reads a table or pair into the element where the target leads. What another instance made there is never mixed
// with: it must be the same, or the row is declined whole.
func (c *Context) readInto(r *row, k tree.Node, base reflect.Value, in *instance, read func(reflect.Value) bool) (bool, string) {
	d := &r.dst
	last := len(d.steps) - 1
	if last < 0 {
		return read(base), ""
	}
	st := &d.steps[last]
	have, how, ok := c.place(in, base, d.steps, false)
	if !ok {
		return false, r.Target + " holds another type"
	}
	if have.IsValid() && how == shared && c.fold == "" {
		c.fold = sharedWhy
		defer func() { c.fold = "" }()
	}
	if have.IsValid() && how == own && !st.grow {
		return read(have), "" // made by a sibling row of this instance: they are parts of one thing
	}
	var e reflect.Value
	if st.a != nil {
		e = st.a.New()
	} else {
		e = st.e.New()
	}
	c.stamp(e, st.tags)
	if !read(e) {
		return false, ""
	}
	if r.codes != nil {
		c.translate(r, c.Doc.LeafText(k), e.Addr().Interface())
	}
	if have.IsValid() && !st.grow {
		if c.covers(have, e, d.end) {
			return true, ""
		}
		return false, "place taken: " + r.Target + " holds another"
	}
	parent, _, ok := c.place(in, base, d.steps[:last], true)
	if !ok {
		return false, r.Target + " holds another type"
	}
	if st.a != nil {
		if _, a := st.e.Chosen(parent); a != nil {
			return false, r.Target + " holds another type"
		}
		st.e.Choose(parent, st.a, e)
	} else {
		st.e.Put(parent, e)
	}
	c.remember(in, parent, st, e)
	return true, ""
}

// translate adds what codes make of a code: to a CodeableConcept as its first coding, in a Coding it takes the place of the
// original, which then stands beside the code.
func (c *Context) translate(r *row, text string, e any) {
	code := r.codes.read[text]
	if code == nil || code.Declined {
		return
	}
	to := r.codes.to[code]
	switch x := e.(type) {
	case *dpb.CodeableConcept:
		for _, have := range x.Coding {
			if codedOf(have) == to {
				return
			}
		}
		x.Coding = append([]*dpb.Coding{to.coding()}, x.Coding...)
	case *dpb.Coding:
		if codedOf(x) == to || x.Code == nil {
			return
		}
		kept := &dpb.Coding{System: x.System, Version: x.Version, Code: x.Code}
		made := to.coding()
		x.System, x.Version, x.Code = made.System, nil, made.Code
		x.Code.Extension = append(x.Code.Extension, alternateCoding(kept))
	}
}

// readArrow reads the resource that a reference leads to.
func (c *Context) readArrow(r *row, k tree.Node, base reflect.Value, in *instance) (bool, string) {
	d := &r.dst
	to := newResource(d.arrow, k)
	var ok bool
	if r.pair != nil {
		ok = r.pair.Read(c, k, to.Msg)
	} else {
		ok = c.readNew(r.sub, k, to.v)
	}
	if !ok {
		return false, ""
	}
	c.stamp(to.v, d.arrowed)
	ref, how, ok := c.place(in, base, d.steps, true)
	if !ok {
		return false, r.Target + " holds another type"
	}
	if held := c.resolve(ref); held != nil && (how != own || d.grow < 0) { // never two persons in one
		if c.covers(held.v, to.v, to.info) {
			return true, ""
		}
		return false, "place taken: " + r.Target + " leads to another"
	}
	if hasLink(d.arrowed) {
		c.enlist(to)
	} else {
		to = c.intern(to)
	}
	c.refer(ref, to)
	if c.frame != nil && r.t.info == nil {
		c.frame.bind(to)
	}
	c.link(to.v, d.arrowed)
	return true, ""
}

func hasLink(tags []tag) bool {
	return slices.ContainsFunc(tags, func(g tag) bool { return g.link != nil })
}

func (c *Context) enlist(r *Resource) {
	r.entered = true
	c.rec.Resources = append(c.rec.Resources, r)
}

// intern is for what is only referred to, a person or an organisation: it returns the resource of the record that is the
// same thing, else adds this one. Two with one identifier are the same where neither contradicts the other, and the fuller
// stays; two without identifiers only where they say the same.
func (c *Context) intern(r *Resource) *Resource {
	id := fhir.IdentityKey(r.Msg, "the record")
	key := r.info.Name + id
	if id == "" { // those that say the same have the same sum: thousands that differ are not compared with one another
		key += strconv.FormatUint(content(r.v, r.info, 0), 36)
	}
	if c.keyed == nil {
		c.keyed = map[string][]*Resource{}
	}
	for _, have := range c.keyed[key] {
		wider, narrower := c.covers(have.v, r.v, r.info), c.covers(r.v, have.v, r.info)
		switch {
		case wider && (narrower || id != ""):
			return have
		case narrower && id != "":
			proto.Reset(have.Msg)
			proto.Merge(have.Msg, r.Msg)
			c.moveRefs(r, have)
			return have
		}
	}
	c.keyed[key] = append(c.keyed[key], r)
	c.enlist(r)
	return r
}

// content is a sum over what an element says, in any order: of equal elements it is equal. What references lead to does not
// count.
func content(v reflect.Value, ti *plan.Type, seed uint64) (sum uint64) {
	if ti.Prim != nil {
		h := seed
		for _, b := range []byte(ti.Prim.Text(v)) {
			h = (h ^ uint64(b)) * 1099511628211 // FNV-1a
		}
		sum += h * h
	}
	for i, e := range ti.Elements {
		if e.RefText {
			continue
		}
		for j := range e.Len(v) {
			x, next := e.At(v, j), e.Type()
			if e.Choice != nil {
				var a *plan.Alt
				if x, a = e.Chosen(v); a == nil {
					continue
				}
				next = a.Type()
			}
			if next.Kind != plan.Packed && next.Kind != plan.Contained {
				sum += content(x, next, (seed^uint64(i+1))*1099511628211)
			}
		}
	}
	return sum
}

// moveRefs is for a resource whose content was copied into another: its references must lead where they led.
func (c *Context) moveRefs(from, to *Resource) {
	var old, fresh []*dpb.Reference
	collect := func(list *[]*dpb.Reference) func(reflect.Value, *plan.Type) {
		return func(v reflect.Value, _ *plan.Type) {
			if p, ok := v.Addr().Interface().(*dpb.Reference); ok {
				*list = append(*list, p)
			}
		}
	}
	visit(from.v, from.info, collect(&old))
	visit(to.v, to.info, collect(&fresh))
	for i := range min(len(old), len(fresh)) {
		if res := c.refs[old[i]]; res != nil {
			c.refer(reflect.ValueOf(fresh[i]).Elem(), res)
		}
	}
}

// visit calls f for every element at and below v that is no primitive.
func visit(v reflect.Value, ti *plan.Type, f func(reflect.Value, *plan.Type)) {
	if ti.Prim != nil || ti.Kind == plan.Packed || ti.Kind == plan.Contained {
		return
	}
	f(v, ti)
	for _, e := range ti.Elements {
		if e.RefText {
			continue
		}
		for i := range e.Len(v) {
			next := e.Type()
			x := e.At(v, i)
			if e.Choice != nil {
				var a *plan.Alt
				if x, a = e.Chosen(v); a == nil {
					continue
				}
				next = a.Type()
			}
			visit(x, next, f)
		}
	}
}

// covers reports that a says all that b says: every element of b is in a, in lists at any place.
func (x *run) covers(a, b reflect.Value, ti *plan.Type) bool {
	if ti.Prim != nil && ti.Prim.Text(a) != ti.Prim.Text(b) && ti.Prim.Text(b) != "" {
		return false
	}
	if ti.Kind == plan.Packed || ti.Kind == plan.Contained {
		return proto.Equal(a.Addr().Interface().(proto.Message), b.Addr().Interface().(proto.Message))
	}
	if ref, ok := b.Addr().Interface().(*dpb.Reference); ok { // while FHIR is made, references lead to resources and have no text yet
		if to := x.refs[ref]; to != nil && x.refs[a.Addr().Interface().(*dpb.Reference)] != to {
			return false
		}
	}
	for _, e := range ti.Elements {
		n := e.Len(b)
		if n == 0 {
			continue
		}
		if e.RefText {
			continue
		}
		if e.Choice != nil {
			va, xa := e.Chosen(a)
			vb, ya := e.Chosen(b)
			if xa != ya || xa != nil && !x.covers(va, vb, xa.Type()) {
				return false
			}
			continue
		}
		for i := range n {
			found := false
			for j := range e.Len(a) {
				if x.covers(e.At(a, j), e.At(b, i), e.Type()) {
					found = true
					break
				}
			}
			if !found {
				return false
			}
		}
	}
	return true
}
