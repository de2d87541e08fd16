package mapping

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// A Type is a leaf type: it turns the text of a source leaf into FHIR's text for it, and back. A nil function leaves the
// text as it is. An error that is a Loss keeps what was returned and says what was left out; any other error says that the
// text is not of this type.
type Type struct {
	Read, Write func(c *Context, text string) (string, error)
	// Normal is the written form that the type declares for a text: what comes back in this form is carried. What comes
	// back in any other form than its own is folded.
	Normal func(text string) string
	// Form is Normal for a type whose form depends on more than the text, such as the order of dates in a column.
	Form func(c *Context, text string) string
	// Whole gives the text of a node that has parts although its type has none: a separator that nobody escaped stands in it. It comes
	// back in one part. Without a text, or without Whole, the first leaf alone is read.
	Whole func(d *tree.Doc, n tree.Node) string
}

// form is the written form that the type declares for a text, if it declares any.
func (t *Type) form(c *Context, text string) (string, bool) {
	switch {
	case t.Form != nil:
		return t.Form(c, text), true
	case t.Normal != nil:
		return t.Normal(text), true
	}
	return "", false
}

// Loss says what of a value could not be kept. With a text the value is folded, without one it is declined.
type Loss string

func (l Loss) Error() string { return string(l) }

// A Pair is a row written by hand, in both directions. Read fills dst, the message at the row's target, from the node and
// reports whether it carried anything; it marks the leaves that it read. Write does the reverse and claims the FHIR leaves
// that it wrote with Context.Claim.
//
// Parts, where a pair reads the instance itself, are the parts without which Read does nothing: where none of them is there, it is
// not called.
//
// Makes are the types of FHIR that it is for; nil: what else is there, its functions decline. Leads is, of a pair that makes a Reference, the type of
// resource to which it leads. A row whose target is something else does not compile.
type Pair struct {
	Parts []string
	Makes []string
	Leads string
	Read  func(c *Context, from tree.Node, dst proto.Message) bool
	Write func(c *Context, src proto.Message, to tree.Node) bool
}

// Types are the names in Go that rows may use: a Type, a Pair, a func(arg string) (Type, error) for date(01/02/2006), or a
// func(arg string) (Pair, error) for ref(people).
type Types map[string]any

// Map is a Set for one format, compiled table by table when they are first used. It is safe for concurrent use.
type Map struct {
	Format *tree.Format
	types  Types
	set    *Set

	scratch  sync.Pool    // of *scratch
	logs     sync.Pool    // of *logs
	claimed  atomic.Int64 // leaves of the record that was written last
	mu       sync.Mutex
	tables   map[Key]*table
	codes    map[string]*codes
	placeIDs map[string]int
	rowIDs   atomic.Uint32

	constants map[constantKey]reflect.Value

	tries  bool // there are rows that no test has held against the laws
	doubts sync.Once
	doubt  bool // see doubtful
}

type table struct {
	Key
	num  int // among its Map's
	pos  Pos
	rows int

	once      sync.Once
	sound     atomic.Bool // it is compiled, without a fault
	err       error
	info      *plan.Type // nil: a scope
	overtakes bool       // a row of a chain is written before one above it
	chains    [][]*row   // as read: else chains in order
	reads     [][]*row   // as read: what of the chains goes to FHIR
	probes    []probe    // what the rows' tests look at
	reach     tree.Names // one of these is there, or nothing can be carried
	consts    bool       // it has constants in FHIR
	back      []*row     // as written: most tags first
	slots     map[string]int
	idle      sync.Pool    // of *instance
	homes     []*plan.Type // of a scope: the resources that its rows name, the anchor first
	anchor    *row         // of a scope: the row that goes back first
	joins     []joint      // as homes
	selfs     []*row       // "- .[tags] reason": nothing of such an element is written
	leads     []*row       // of a Reference: ". -> TYPE", to what the reference itself leads
	turns     []*turn      // of a scope: groups that several rows read and write in turn
	visits    sync.Once
	visit     int    // of a scope: see visitHome
	looks     uint64 // see Context.looks; 0 if it is not known yet
}

// joint is how a scope finds the resource of one of its homes on the way back.
type joint struct {
	tags   []tag // that it must match
	single bool  // it is found by its links, and not made anew for each repetition or only led to
}

// row is a compiled row.
type row struct {
	*Row

	// What every reading asks of every row stands together: a document meets thousands of rows in turn, so that the cache holds few of them.
	kind      RowKind // Row.Kind, Each and Direction again
	way       Direction
	each      bool
	text      bool // see readsText
	pathTests bool // its path has tests, whose leaves are carried with it
	refill    bool // a later row of its chain for the same place: what it carries comes back elsewhere
	follows   bool // a row above makes every element of the list that it adds to, going back
	around    bool // of a scope: it adds to a resource that the scope itself does not make
	inChain   bool // of more than one row
	chained   bool // not the first of its chain
	fillsList bool // the last step of its target is a list of primitives
	atHome    bool // the rows of its scope make the resource that it adds to
	rank      int  // in its table
	path      tree.Path
	asked     []tree.Test // beyond the 64 that when has room for
	with      []tree.Test
	siblings  []*row // of a row that fills a list: the rows above that fill the same one element at a time
	turn      *turn  // of groups that it reads in turn with other rows
	ahead     []*row // rows above in its chain: what one of them wrote is read, and this row is not
	conv      *Type
	codes     *codes
	sub       *table
	pair      *Pair
	dst       target

	ifAhead     []*row // as ahead, of those with if
	conditional bool   // see write_conditional.go
	t           *table
	iff         []tree.Test
	value       plan.Value // of a constant in FHIR
	id          uint32     // in its Map
	mark        uint64     // of its place, see trial.go

	// On the way to FHIR: what must be there for the row to take anything, and what must hold; see forward.go.
	need, some   tree.Names
	when, probes uint64
}

// codes are compiled codes. A line's target may name a system of its own: v3-NullFlavor#UNK.
type codes struct {
	name, system, from string
	read               map[string]*Code
	to                 map[*Code]coded // what a line makes
	write              map[coded]*Code // the line that is written for a code
	bare               map[string]*Code
	targets            map[coded]bool // everything that is made
	several            bool           // some of its lines go to FHIR only
}

// coded is a code in its system.
type coded struct{ system, code string }

func codedOf(x *dpb.Coding) coded { return coded{x.GetSystem().GetValue(), x.GetCode().GetValue()} }

func (t coded) coding() *dpb.Coding {
	return &dpb.Coding{System: &dpb.Uri{Value: t.system}, Code: &dpb.Code{Value: t.code}}
}

// source is the system of the source's codes; that of the target where the codes stay what they are.
func (c *codes) source() string {
	if c.from != "" {
		return c.from
	}
	return c.system
}

// New makes a map of a set. Nothing is compiled yet.
func New(f *tree.Format, types Types, set *Set) *Map {
	return &Map{Format: f, types: types, set: set, tables: map[Key]*table{}, codes: map[string]*codes{}, placeIDs: map[string]int{},
		constants: map[constantKey]reflect.Value{}, tries: !set.allProven()}
}

// Set is what the map was made of.
func (m *Map) Set() *Set { return m.set }

// table finds a table by name and the type that it is to make, Bundle for a scope; nil if there is none.
func (m *Map) table(name, typ string) *table {
	if !m.set.Has(name, typ) {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := Key{name, typ}
	t := m.tables[k]
	if t == nil {
		t = &table{Key: k, num: len(m.tables)}
		m.tables[k] = t
	}
	return t
}

// codesNamed finds codes by name; nil if there are none.
func (m *Map) codesNamed(name string) (*codes, error) {
	if !m.set.HasCodes(name) {
		return nil, nil
	}
	m.mu.Lock()
	c := m.codes[name]
	m.mu.Unlock()
	if c != nil {
		return c, nil
	}
	src, err := m.set.Codes(name)
	if err != nil {
		return nil, err
	}
	n := len(src.Codes)
	c = &codes{name: name, read: make(map[string]*Code, n), to: make(map[*Code]coded, n), write: make(map[coded]*Code, n),
		bare: make(map[string]*Code, n), targets: make(map[coded]bool, n)}
	if src.System != "" {
		c.system = m.systemURI(src.System)
	}
	if src.From != "" {
		c.from = m.systemURI(src.From)
	}
	for _, l := range src.Codes { // what stands twice, Check reports
		t := coded{c.system, l.To}
		if system, code, ok := strings.Cut(l.To, "#"); ok && c.system != "" {
			t = coded{m.systemURI(system), code}
		}
		c.to[l] = t
		c.several = c.several || l.Direction == Forward
		if l.Direction != Backward && c.read[l.From] == nil {
			if c.read[l.From] = l; !l.Declined {
				c.targets[t] = true
			}
		}
		if l.Direction != Forward && !l.Declined {
			if c.write[t] == nil {
				c.write[t] = l
			}
			if c.bare[t.code] == nil {
				c.bare[t.code] = l
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if have := m.codes[name]; have != nil {
		return have, nil
	}
	m.codes[name] = c
	return c, nil
}

// systemURI is the URI of a system's name, of NAME/REST its URI with the rest, else the text itself.
func (m *Map) systemURI(s string) string {
	s = unquote(s)
	if uri, ok := m.set.System(s); ok {
		return uri
	}
	if name, rest, ok := strings.Cut(s, "/"); ok {
		if uri, ok := m.set.System(name); ok {
			return uri + rest
		}
	}
	return s
}

// Check compiles every table and reports every fault: a Faults.
func (m *Map) Check() error {
	faults := FaultsOf(m.set.Check())
	for _, k := range m.set.Tables() {
		faults = append(faults, FaultsOf(m.compile(m.table(k.Name, k.Type)))...)
	}
	if len(faults) == 0 {
		faults = slices.Concat(m.rivals(), m.confused(), m.unfilled(), m.repeats())
	}
	return unique(faults).err()
}

// compile compiles a table once.
func (m *Map) compile(t *table) error {
	if t.sound.Load() {
		return nil
	}
	t.once.Do(func() {
		t.err = m.compileTable(t)
		t.sound.Store(t.err == nil)
	})
	return t.err
}

func (m *Map) compileTable(t *table) error {
	t.slots = map[string]int{}
	src, err := m.set.Table(t.Name, t.Type)
	if err != nil {
		return err
	}
	t.pos, t.rows = src.Pos, len(src.Rows)
	if t.Type != "Bundle" {
		if t.info, err = plan.Named(t.Type); err != nil {
			return Faults{{ID: MapCompile, Pos: t.pos, Msg: fmt.Sprintf("table %s: %v", t.Name, err)}}
		}
	}
	var faults Faults
	for i, src := range src.Rows {
		r, err := m.compileRow(t, src)
		if err != nil {
			faults = append(faults, &Fault{ID: MapCompile, Pos: src.Pos, Msg: err.Error()})
			continue
		}
		r.rank = i
		switch {
		case r.Kind == DeclineTarget && len(r.dst.steps) == 0 && t.info != nil:
			t.selfs = append(t.selfs, r)
			continue
		case r.Else:
			if len(t.chains) == 0 {
				faults = append(faults, &Fault{Pos: src.Pos, Msg: "else chains to the row above, and there is none"})
				continue
			}
			last := len(t.chains) - 1
			r.chained, r.inChain, t.chains[last][0].inChain = true, true, true
			for _, q := range t.chains[last] {
				if q.dst.end != nil && r.dst.end != nil && q.Kind == MapRow && r.Kind == MapRow && q.dst.place() == r.dst.place() && q.Direction != Backward && (q.codes == nil || q.sub != nil) {
					r.refill = true
				}
			}
			for _, q := range t.chains[last] {
				if q.Kind == MapRow && q.Direction == Both && r.Kind == MapRow && !slices.EqualFunc(q.path, r.path, sameName) {
					if len(q.iff) > 0 {
						r.ifAhead = append(r.ifAhead, q)
					} else {
						r.ahead = append(r.ahead, q)
					}
				}
			}
			t.chains[last] = append(t.chains[last], r)
		default:
			t.chains = append(t.chains, []*row{r})
		}
		t.queue(r)
		t.back = append(t.back, r)
		if t.info != nil && r.Kind == MapRow && r.Direction != Forward && r.dst.base == nil && r.dst.arrow != nil && len(r.dst.steps) == 0 {
			t.leads = append(t.leads, r)
		}
		for _, res := range []*plan.Type{r.dst.base, r.dst.arrow} {
			if t.info == nil && res != nil && r.Kind == MapRow && !slices.Contains(t.homes, res) {
				t.homes = append(t.homes, res)
			}
		}
		if t.info == nil && t.anchor == nil && r.dst.base != nil && r.Kind == MapRow && r.Direction != Forward && r.dst.base.Name != "Bundle" && !r.makesMany() {
			t.anchor = r
		}
	}
	for _, home := range t.homes {
		tags, single := t.homeTags(home)
		t.joins = append(t.joins, joint{tags, single && home.Name != "Bundle" && !t.ledTo(home)})
	}
	for _, r := range t.back {
		r.atHome = r.dst.base != nil && t.makes(r.dst.base)
		r.around = r.dst.base != nil && r.dst.base.Name != "Bundle" && !r.atHome && !t.ledTo(r.dst.base)
	}
	t.forward(m.Format)
	// Going back, rows with more tags take their elements first, before them those whose place others stamp with one of several words, for what they
	// write may be another of these.
	stamped := t.stampedPlaces()
	slices.SortStableFunc(t.back, func(a, b *row) int {
		if len(stamped) > 0 {
			if x := a.isStamped(stamped); x != b.isStamped(stamped) {
				if x {
					return -1
				}
				return 1
			}
		}
		return b.tagCount() - a.tagCount()
	})
	for i, r := range t.back {
		t.overtakes = t.overtakes || slices.ContainsFunc(r.ahead, func(q *row) bool { return slices.Contains(t.back[i+1:], q) })
	}
	t.findConditional()
	t.takeTurns()
	return faults.err()
}

// queue finds the rows above that fill the same list as a row. Going back, each element goes to the first of them that has none yet, or
// that takes all: what the row made comes back in its place only behind what they made.
func (t *table) queue(r *row) {
	if r.Kind != MapRow || r.Direction != Both || !r.fillsList && r.dst.grow < 0 && !r.dst.inList() {
		return
	}
	for _, q := range t.back {
		if q.Kind != MapRow || q.Direction != Both || q.chained || q.dst.place() != r.dst.place() {
			continue
		}
		grows := (q.fillsList || q.dst.grow >= 0) && (r.fillsList || r.dst.grow >= 0)
		switch alike := q.Type == r.Type && q.dst.arrow == r.dst.arrow && q.dst.asks() == r.dst.asks(); {
		case q.dst.arrow != nil && !q.mayWrite(r): // the tags behind the arrows tell apart what they lead to
		case grows && !q.Each:
			r.siblings = append(r.siblings, q)
		case !alike || q.Place == r.Place: // what they make is told apart, or comes back where it was
		case !grows && q.dst.grow < 0 && r.dst.grow < 0: // parts of one element
		case q.Each:
			r.follows = true
		default:
			r.siblings = append(r.siblings, q)
		}
	}
}

// stampedPlaces are the places that rows stamp with the first of several words.
func (t *table) stampedPlaces() (places []string) {
	for _, r := range t.back {
		for i := range r.with {
			if x := &r.with[i]; x.Op == tree.Equal && len(x.Values) > 1 {
				places = append(places, pathText(x.Path))
			}
		}
	}
	return places
}

// isStamped reports a row of a single value whose place is among those that other rows stamp.
func (r *row) isStamped(places []string) bool {
	return r.Kind == MapRow && r.Direction != Forward && !r.Each && r.dst.end != nil && len(r.path) > 0 && slices.Contains(places, pathText(r.path))
}

// makesMany reports a row of a scope that makes a resource for each repetition: each of them is written by that row alone, so
// that none is what an instance of the scope hangs on.
func (r *row) makesMany() bool {
	return r.Each && r.dst.base != nil && r.dst.grow < 0 && r.dst.arrow == nil
}

func (r *row) tagCount() int {
	n := len(r.dst.tags) + len(r.dst.arrowed)
	for i := range r.dst.steps {
		n += len(r.dst.steps[i].tags)
	}
	return n
}

func (m *Map) compileRow(t *table, src *Row) (*row, error) {
	r := &row{Row: src, t: t, id: m.rowIDs.Add(1), kind: src.Kind, way: src.Direction, each: src.Each}
	var err error
	if src.Kind != DeclineTarget && src.Kind != ConstTarget {
		if r.path, err = m.Format.ParsePath(src.Place); err != nil {
			return nil, err
		}
		if r.path.Marked() && !src.Each {
			return nil, fmt.Errorf("%s: a step bears [], so the type must too: %s[]", src.Place, src.Type)
		}
		if m.Format.Valid != nil {
			names := make([]string, len(r.path))
			for i := range r.path {
				names[i] = r.path[i].Name
			}
			if !m.Format.Valid(names) {
				return nil, fmt.Errorf("%s is no place of %s", src.Place, m.Format.Name)
			}
		}
	}
	for _, s := range src.With {
		test, err := m.Format.ParseTest(s)
		if err != nil {
			return nil, err
		}
		if test.Op != tree.Equal && test.Op != tree.Missing || test.Fold {
			return nil, fmt.Errorf("with %s: only = and no can be written; a test that is only asked stands behind if", s)
		}
		r.with = append(r.with, test)
	}
	for _, s := range src.If {
		test, err := m.Format.ParseTest(s)
		if err != nil {
			return nil, err
		}
		r.iff = append(r.iff, test)
	}
	if m.tries {
		r.mark = r.markOf()
	}
	switch src.Kind {
	case DeclineSource:
		return r, nil
	case ConstSource:
		return r, nil
	}
	if src.Kind == DeclineTarget && t.info == nil && src.Target == AnyResource {
		return r, nil
	}
	if r.dst, err = m.compileTarget(t, src.Target, src.Each); err != nil {
		return nil, err
	}
	if t.Name == RestTable && src.Kind != DeclineTarget {
		return nil, fmt.Errorf("a table %s says why elements are left out, and nothing else", RestTable)
	}
	switch src.Kind {
	case DeclineTarget:
		if t.info == nil && (r.dst.base == nil || len(r.dst.steps) > 0) {
			return nil, fmt.Errorf("a scope declines whole resources: %s belongs into the table of its type", src.Target)
		}
		return r, nil
	case ConstTarget:
		if r.dst.end == nil || r.dst.end.Prim == nil {
			return nil, fmt.Errorf("%s is no primitive, so it holds no constant", src.Target)
		}
		text := src.Literal
		if k := r.dst.end.Name; k == "uri" || k == "canonical" || k == "url" {
			text = m.systemURI(text)
		}
		if r.value, err = r.dst.end.Prim.Parse(text); err != nil {
			hint := ""
			if r.dst.end.Prim.Kind == plan.Code {
				hint = plan.Suggest(text, r.dst.end.Prim.Words())
			}
			return nil, fmt.Errorf("%s: %w%s", tree.Quote(text), err, hint)
		}
		return r, r.tagWanted()
	}
	return r, m.bindType(r)
}

// tagWanted refuses a constant for what tells the elements of a list apart: it would be stamped when FHIR is made, but the rows
// beside it would write an e-mail address as a telephone number, and a code of one system as one of another. A tag is asked.
func (r *row) tagWanted() error {
	last := len(r.dst.steps) - 1
	if last < 0 || r.Direction != Both || r.Else || len(r.with)+len(r.iff) > 0 || r.dst.steps[last].e.Name != "system" {
		return nil
	}
	switch owner := r.dst.steps[last].e.Owner.Name; owner {
	case "Coding", "Identifier", "ContactPoint":
		return fmt.Errorf("%s: a constant here is not asked by the rows beside it; say it in their tags: [system=%s]", r.Target, tree.Quote(r.Literal))
	}
	return nil
}

// bindType finds what a row's type stands for: a table, codes, a leaf type or a pair, by its name and the target's type.
func (m *Map) bindType(r *row) error {
	want := "Bundle"
	switch {
	case r.dst.arrow != nil:
		want = r.dst.arrow.Name
	case r.dst.end != nil:
		want = r.dst.end.Name
	}
	hits := 0
	r.sub = m.table(r.Type, want)
	if r.sub != nil {
		hits++
	}
	leafy := r.dst.arrow == nil && r.dst.end != nil
	c, err := m.codesNamed(r.Type)
	if err != nil {
		return err
	}
	if c != nil && leafy && (r.dst.end.Prim != nil || want == "Coding" || want == "CodeableConcept") {
		r.codes = c
		hits++
	}
	switch x := m.types[r.Type].(type) {
	case Type:
		if leafy && r.dst.end.Prim != nil {
			r.conv = &x
			hits++
		}
	case func(string) (Type, error):
		if leafy && r.dst.end.Prim != nil {
			ty, err := x(r.Arg)
			if err != nil {
				return fmt.Errorf("%s(%s): %w", r.Type, r.Arg, err)
			}
			r.conv = &ty
			hits++
		}
	case Pair:
		r.pair = &x
		hits++
	case func(string) (Pair, error):
		pair, err := x(r.Arg)
		if err != nil {
			return fmt.Errorf("%s(%s): %w", r.Type, r.Arg, err)
		}
		r.pair = &pair
		hits++
	}
	if hits == 0 {
		return m.unknownType(r, want)
	}
	if r.pair != nil && r.sub == nil {
		if want == "Bundle" && r.dst.end == nil {
			return fmt.Errorf("%s fills an element, and %s is none: write which, as in Patient or Patient.name", r.Type, tree.Quote(r.Target))
		}
		if err := r.pairFits(want); err != nil {
			return err
		}
	}
	if hits > 1 {
		return fmt.Errorf("%s is both a table for %s and codes or a type in Go: give one another name", r.Type, want)
	}
	if r.Row.Codes != "" {
		if r.sub == nil || want != "CodeableConcept" && want != "Coding" {
			return fmt.Errorf("%s+%s: only a table for a CodeableConcept or a Coding can have codes beside it", r.Type, r.Row.Codes)
		}
		if r.codes, err = m.codesNamed(r.Row.Codes); err != nil {
			return err
		} else if r.codes == nil {
			return fmt.Errorf("there are no codes %s%s", r.Row.Codes, plan.Suggest(r.Row.Codes, m.set.CodeNames()))
		}
		if r.codes.system == "" {
			return fmt.Errorf("codes %s name no system, which a coding needs", r.Row.Codes)
		}
	}
	if r.codes != nil && r.sub == nil && r.dst.end.Prim == nil && r.codes.system == "" {
		return fmt.Errorf("codes %s name no system, which a %s needs", r.Type, want)
	}
	if last := len(r.dst.steps) - 1; last >= 0 && r.dst.steps[last].e.List && r.dst.end.Prim != nil {
		r.fillsList = true
	}
	return nil
}

// pairFits refuses a pair whose target is of another type than it makes, or a reference that must not lead where the pair's leads.
func (r *row) pairFits(want string) error {
	p := r.pair
	steps := r.dst.steps
	leads := func(e *plan.Element) bool {
		return p.Leads == "" || len(e.Targets) == 0 || slices.Contains(e.Targets, p.Leads) || slices.Contains(e.Targets, "Resource")
	}
	switch {
	case len(p.Makes) > 0 && !slices.Contains(p.Makes, want):
		return fmt.Errorf("%s makes %s, and %s is a %s%s", r.Type, strings.Join(p.Makes, " or "), r.Target, want, r.fitting(p, leads))
	case len(steps) > 0 && !leads(steps[len(steps)-1].e):
		return fmt.Errorf("FHIR does not let %s lead to a %s: it may lead to %s%s", r.Target, p.Leads,
			strings.Join(steps[len(steps)-1].e.Targets, ", "), r.fitting(p, leads))
	}
	return nil
}

// fitting names the elements of the resource that a pair could fill.
func (r *row) fitting(p *Pair, leads func(*plan.Element) bool) string {
	if len(r.dst.steps) == 0 || len(p.Makes) == 0 {
		return ""
	}
	owner := r.dst.steps[0].e.Owner
	var names []string
	for _, e := range owner.Elements {
		if t := e.Type(); t != nil && slices.Contains(p.Makes, t.Name) && leads(e) {
			names = append(names, e.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("; of %s that is %s", owner.Name, strings.Join(names, " or "))
}

// waysTo says what could fill an element of a type: a part of it, or the first tables that make it.
func (m *Map) waysTo(r *row, want string) string {
	hint := ""
	if r.dst.arrow == nil && r.dst.end != nil {
		for _, part := range []string{"text", "value", "display"} {
			if e, _ := r.dst.end.Lookup(part); e != nil && e.Choice == nil && e.Type().Prim != nil {
				hint = fmt.Sprintf(": name a part of it, as in %s.%s", r.Target, part)
				break
			}
		}
	}
	var names []string
	for _, k := range m.set.Tables() {
		if k.Type == want && len(names) < 4 && !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	if len(names) > 0 {
		hint += fmt.Sprintf("; tables make one: %s", strings.Join(names, ", "))
	}
	return hint
}

func (m *Map) unknownType(r *row, want string) error {
	if others := m.set.TypesOf(r.Type); len(others) > 0 {
		return fmt.Errorf("table %s makes %s, and %s is a %s", r.Type, strings.Join(others, ", "), r.Target, want)
	}
	if m.types[r.Type] != nil {
		return fmt.Errorf("%s is a leaf type, and %s is a %s%s", r.Type, r.Target, want, m.waysTo(r, want))
	}
	if m.set.HasCodes(r.Type) {
		return fmt.Errorf("%s are codes, and %s is a %s%s", r.Type, r.Target, want, m.waysTo(r, want))
	}
	names := m.set.CodeNames()
	for _, k := range m.set.Tables() {
		names = append(names, k.Name)
	}
	for n := range m.types {
		names = append(names, n)
	}
	slices.Sort(names)
	return fmt.Errorf("there is no table, code list or type %s%s", r.Type, plan.Suggest(r.Type, names))
}
