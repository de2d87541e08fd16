package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file looks for rows that make elements of one list which the way back may take for one another: a telephone number alone, and
// one with all that a table says of it. What can never be told apart is refused: the first row takes every element, of the second too.
// What depends on the values is a doubt; a record that is read by rows of which there is doubt is tried (see trial.go).
//
// An element is seen as a spot: what stands in it, and which rows lead there. Tables below a spot are opened only when they are
// compared, for there is no end of them in a document.

// spot is an element that rows fill.
type spot struct {
	parts  map[string]*spot // elements that are no list, by name
	lists  map[string][]*filler
	ends   []*row        // rows that end here with a value
	consts []*row        // rows that end here with a constant
	tables []opening     // of rows that read tables into the element, and are not opened yet
	firsts map[*row]bool // the rows of the table in question through which all this comes
}

// opening is a table that is read into an element.
type opening struct {
	sub   *table
	first *row
	id    string
	depth int // tables above it
}

// filler is what makes elements of a list: a row that makes a new one each time, or rows that share one.
type filler struct {
	key   string
	tags  []tag
	grows bool
	ways  []way
	spot  *spot
}

// way is a row of the table in question, or one below it, by which a list's elements are made.
type way struct{ first, row *row }

// contest is two rows of a table that make elements of one list, of which the way back asks the first before the second, or that fill one
// element, one at a time.
type contest struct {
	list          string
	first, second *row
	by            *row // of a table below the second: the row that makes the element
	sure          bool // every element of the second goes through the first
}

const maxOpened = 6

func newSpot() *spot { return &spot{firsts: map[*row]bool{}} }

func (s *spot) part(name string) *spot {
	p := s.parts[name]
	if p == nil {
		if s.parts == nil {
			s.parts = map[string]*spot{}
		}
		p = newSpot()
		s.parts[name] = p
	}
	return p
}

func (s *spot) filler(name, key string, st *step) *filler {
	for _, f := range s.lists[name] {
		if f.key == key {
			return f
		}
	}
	if s.lists == nil {
		s.lists = map[string][]*filler{}
	}
	f := &filler{key: key, tags: st.tags, grows: st.grow, spot: newSpot()}
	s.lists[name] = append(s.lists[name], f)
	return f
}

// enter puts the rows of a table into a spot. id tells the table's instances apart, which share no elements of lists; first is the row of
// the table in question by which they come, nil if these are its own rows.
func (m *Map) enterRows(t *table, at *spot, id string, first *row, depth int) {
	if depth > maxOpened || m.compile(t) != nil {
		return
	}
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.Kind != MapRow && r.Kind != ConstTarget || r.dst.end == nil || r.makesMany() {
				continue
			}
			from := first
			if from == nil {
				from = r
			}
			r.enter(at, id, from, depth)
		}
	}
}

func (r *row) enter(p *spot, id string, first *row, depth int) {
	if r.dst.base != nil {
		p = p.part(r.dst.base.Name)
		p.firsts[first] = true
	}
	for i := range r.dst.steps {
		s := &r.dst.steps[i]
		if !s.e.List {
			p = p.part(s.name())
		} else {
			key := fmt.Sprintf("%s/%d", id, s.slot)
			switch {
			case s.grow || s.slot < 0 || i == len(r.dst.steps)-1 && r.fillsList:
				key = fmt.Sprintf("%s row %d", id, r.id)
			case s.id > 0:
				key = fmt.Sprintf("shared %d", s.id)
			}
			f := p.filler(s.name(), key, s)
			f.ways = append(f.ways, way{first, r})
			p = f.spot
		}
		p.firsts[first] = true
	}
	switch {
	case r.Kind == ConstTarget:
		p.consts = append(p.consts, r)
	case r.sub != nil && r.dst.arrow == nil && r.pair == nil:
		p.tables = append(p.tables, opening{r.sub, first, fmt.Sprintf("%s.%d", id, r.id), depth + 1})
	default:
		p.ends = append(p.ends, r)
	}
}

func (s *step) name() string {
	if s.a != nil {
		return s.a.Name
	}
	return s.e.Name
}

// open enters the rows of the tables that are read into a spot.
func (m *Map) open(s *spot) {
	for len(s.tables) > 0 {
		list := s.tables
		s.tables = nil
		for _, o := range list {
			m.enterRows(o.sub, s, o.id, o.first, o.depth)
		}
	}
}

// contests calls f for what rows of a table contest.
func (m *Map) contests(t *table, f func(contest)) {
	root := newSpot()
	m.enterRows(t, root, "", nil, 0)
	var look func(s *spot, path string, depth int)
	look = func(s *spot, path string, depth int) {
		if depth > 0 && len(s.firsts) < 2 || depth > maxOpened {
			return // whatever stands there comes by one row: it is another table's matter
		}
		m.open(s)
		for i, q := range s.ends {
			for _, r := range s.ends[i+1:] {
				if q.Direction == Both && r.Direction == Both && !q.sameNames(r) && q.mayWrite(r) || len(q.with)+len(r.with) > 0 {
					f(contest{strings.TrimPrefix(path, "."), q, r, r, false})
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.lists)) {
			list := s.lists[name]
			for _, x := range list {
				for _, y := range list {
					if x != y {
						m.contest(t, x, y, path+"."+name, f)
					}
				}
			}
			for _, x := range list {
				look(x.spot, path+"."+name, depth+1)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.parts)) {
			look(s.parts[name], path+"."+name, depth+1)
		}
	}
	look(root, "", 0)
}

// contest looks for rows of x that the way back asks before rows of y.
func (m *Map) contest(t *table, x, y *filler, path string, f func(contest)) {
	accepts := 0 // not known yet, 1 no, 2 yes
	for _, q := range x.ways {
		if q.first.Direction == Forward || q.row.Direction == Forward {
			continue
		}
		for _, r := range y.ways {
			if q.first == r.first || r.first.Direction != Both || r.row.Direction != Both || sameChain(q.first, r.first) ||
				slices.Index(t.back, q.first) > slices.Index(t.back, r.first) {
				continue
			}
			if accepts == 0 {
				if accepts = 1; m.accepts(x, y, 0) {
					accepts = 2
				}
			}
			if accepts == 1 {
				return
			}
			sure := q.first == q.row && q.row.Each && x.grows && q.row.takesAll(r.row) && !q.row.sameNames(r.first) && m.covers(x, y, 0)
			f(contest{path[1:], q.first, r.first, r.row, sure})
			break
		}
	}
}

// takesAll reports that a row writes whatever it finds of what another made: it stamps no tests, which may fail, and its tags are the other's.
func (q *row) takesAll(r *row) bool {
	return len(q.with) == 0 && (len(q.dst.tags) == 0 || tagsText(q.dst.tags) == tagsText(r.dst.tags)) &&
		(len(q.dst.arrowed) == 0 || tagsText(q.dst.arrowed) == tagsText(r.dst.arrowed))
}

// sameNames reports that two rows read and write one place, or differ in tests and ordinals of its steps alone: what the one takes for the other comes
// back where it was, with what the tests look at.
func (q *row) sameNames(r *row) bool {
	return q.Type == r.Type && slices.EqualFunc(q.path, r.path, sameName)
}

func sameName(a, b tree.Step) bool { return a.Name == b.Name }

// accepts reports that a row of x may take an element that y makes: its tags may hold there, and it writes something that stands there.
func (m *Map) accepts(x, y *filler, depth int) bool {
	for i := range x.tags {
		if g := &x.tags[i]; g.link == nil && !m.allows(y, g) {
			return false
		}
	}
	return m.overlap(x.spot, y.spot, depth)
}

// allows reports that a tag may hold of an element that y makes.
func (m *Map) allows(y *filler, g *tag) bool {
	if h := y.stamps(g); h != nil {
		switch g.op {
		case tagIs:
			return h.text == g.text
		case tagNot:
			return h.text != g.text
		default:
			return g.op == tagThere
		}
	}
	return g.op == tagNot || g.op == tagAbsent || m.holds(y.spot, g.path, g)
}

// stamps is the tag by which y makes what another tag asks, nil if there is none.
func (y *filler) stamps(g *tag) *tag {
	for i := range y.tags {
		if h := &y.tags[i]; h.op == tagIs && h.link == nil && (h.name() == g.name() || g.op >= tagThere && len(h.path) > len(g.path) && samePath(h.path[:len(g.path)], g.path)) {
			return h
		}
	}
	return nil
}

// holds reports that what a tag asks can stand below a spot, by what rows make there.
func (m *Map) holds(s *spot, path []step, g *tag) bool {
	m.open(s)
	made := func(r *row) bool { return r.Direction != Backward }
	if len(path) == 0 {
		if g.op == tagThere || len(s.ends)+len(s.consts) == 0 {
			return s.anything()
		}
		return slices.ContainsFunc(s.ends, func(r *row) bool { return made(r) && (r.codes == nil || r.codes.makes(g.text)) }) ||
			slices.ContainsFunc(s.consts, func(r *row) bool { return made(r) && r.dst.end.Prim.TextOf(r.value) == g.text })
	}
	if slices.ContainsFunc(s.ends, made) { // codes that make a whole concept, a pair
		return true
	}
	st := &path[0]
	if !st.e.List {
		p := s.parts[st.name()]
		return p != nil && m.holds(p, path[1:], g)
	}
	return slices.ContainsFunc(s.lists[st.name()], func(f *filler) bool {
		return m.holds(f.spot, path[1:], g) || slices.ContainsFunc(f.tags, func(h tag) bool {
			return h.op == tagIs && samePath(h.path, path[1:]) && (g.op == tagThere || h.text == g.text)
		})
	})
}

func (c *codes) makes(text string) bool {
	for t := range c.targets {
		if t.code == text {
			return true
		}
	}
	return false
}

func (s *spot) anything() bool {
	return len(s.ends)+len(s.consts)+len(s.parts)+len(s.lists)+len(s.tables) > 0
}

// overlap reports that rows of a write something that rows of b make.
func (m *Map) overlap(a, b *spot, depth int) bool {
	if depth > maxOpened {
		return true
	}
	for _, x := range a.tables {
		if slices.ContainsFunc(b.tables, func(y opening) bool { return x.sub == y.sub }) {
			return true
		}
	}
	m.open(a)
	m.open(b)
	for _, q := range a.ends {
		if q.Direction == Forward {
			continue
		}
		if slices.ContainsFunc(b.ends, func(r *row) bool { return r.Direction != Backward && q.mayWrite(r) }) ||
			q.dst.end.Prim == nil && q.dst.arrow == nil && len(b.parts)+len(b.lists) > 0 {
			return true
		}
	}
	if len(a.parts)+len(a.lists) > 0 && slices.ContainsFunc(b.ends, func(r *row) bool { return r.dst.end.Prim == nil && r.dst.arrow == nil }) {
		return true
	}
	for name, p := range a.parts {
		if q := b.parts[name]; q != nil && m.overlap(p, q, depth+1) {
			return true
		}
	}
	for name, list := range a.lists {
		for _, x := range list {
			if slices.ContainsFunc(b.lists[name], func(y *filler) bool { return m.accepts(x, y, depth+1) }) {
				return true
			}
		}
	}
	return false
}

// mayWrite reports that a row may write a value that another makes at the same place.
func (q *row) mayWrite(r *row) bool {
	switch {
	case q.dst.arrow != r.dst.arrow:
		return false
	case q.dst.arrow != nil:
		for i := range q.dst.arrowed {
			g := &q.dst.arrowed[i]
			for j := range r.dst.arrowed {
				h := &r.dst.arrowed[j]
				if same := g.text == h.text; h.op == tagIs && g.link == nil && h.link == nil && g.name() == h.name() && (g.op == tagIs && !same || g.op == tagNot && same || g.op == tagAbsent) {
					return false
				}
			}
		}
		return true
	case q.pair != nil && r.pair != nil:
		return q.Type == r.Type
	case q.codes != nil && r.codes != nil && q.sub == nil && r.sub == nil:
		for t := range r.codes.targets {
			if q.codes.write[t] != nil || q.dst.end.Prim != nil && q.codes.bare[t.code] != nil {
				return true
			}
		}
		return false
	}
	return true
}

// covers reports that x surely takes every element that y makes, with all that is in it.
func (m *Map) covers(x, y *filler, depth int) bool {
	for i := range x.tags {
		g := &x.tags[i]
		switch h := y.stamps(g); {
		case g.link != nil:
			return false
		case h == nil:
			if there := (tag{op: tagThere, path: g.path}); g.op != tagAbsent || m.allows(y, &there) {
				return false
			}
		case g.op == tagIs && h.text != g.text || g.op == tagNot && h.text == g.text || g.op == tagAbsent:
			return false
		}
	}
	return m.contains(x.spot, y.spot, depth)
}

// contains reports that rows of a write all that rows of b make.
func (m *Map) contains(a, b *spot, depth int) bool {
	if depth > maxOpened {
		return false
	}
	same := func(y opening) bool {
		return slices.ContainsFunc(a.tables, func(x opening) bool { return x.sub == y.sub })
	}
	if len(b.tables) > 0 && len(b.ends)+len(b.parts)+len(b.lists) == 0 && !slices.ContainsFunc(b.tables, func(y opening) bool { return !same(y) }) {
		return true
	}
	m.open(a)
	m.open(b)
	for _, r := range b.ends {
		if r.Direction != Backward && !slices.ContainsFunc(a.ends, func(q *row) bool {
			return q.Direction != Forward && q.takesAll(r) && q.mayWrite(r) && (q.Type == r.Type || q.conv != nil && r.conv != nil || q.dst.arrow != nil)
		}) {
			return false
		}
	}
	for name, p := range b.parts {
		if q := a.parts[name]; p.anything() && (q == nil || !m.contains(q, p, depth+1)) {
			return false
		}
	}
	for name, list := range b.lists {
		for _, y := range list {
			if !slices.ContainsFunc(a.lists[name], func(x *filler) bool { return m.covers(x, y, depth+1) }) {
				return false
			}
		}
	}
	return true
}

// confused are the faults of rows that the way back can never tell apart.
func (m *Map) confused() (faults Faults) {
	for _, k := range m.set.Tables() {
		t := m.table(k.Name, k.Type)
		if m.compile(t) != nil {
			continue
		}
		seen := map[*row]bool{}
		m.contests(t, func(x contest) {
			if !x.sure || seen[x.second] {
				return
			}
			seen[x.second] = true
			at := x.second
			if m.set.proven(at.Pos.File) { // who added a row mends that
				at = x.first
			}
			list := x.list[strings.LastIndexByte(x.list, '.')+1:]
			faults = append(faults, &Fault{ID: MapCompile, Pos: at.Pos,
				Msg: fmt.Sprintf("going back, %s (line %d of %s) takes every %s, those of %s (line %d of %s) too: nothing tells them apart",
					x.first.Place, x.first.Pos.Line, x.first.Pos.File, list, x.second.Place, x.second.Pos.Line, x.second.Pos.File),
				Hint: fmt.Sprintf("give them tags that differ, as in %s[NAME=VALUE], or mark this row > and say behind # where its values come back", list)})
		})
	}
	return faults
}

// doubtful reports that the way back may confuse what a row makes that no test has held against the laws: one of an overlay, or of a mapping of
// somebody's own.
func (m *Map) doubtful() bool {
	if !m.tries {
		return false
	}
	m.doubts.Do(func() {
		for _, k := range m.set.Tables() {
			t := m.table(k.Name, k.Type)
			if m.compile(t) != nil || m.doubt {
				continue
			}
			m.contests(t, func(x contest) {
				m.doubt = m.doubt || !m.proven(x.first) || !m.proven(x.second) || !m.proven(x.by)
			})
		}
		m.doubt = m.doubt || m.crossed()
	})
	return m.doubt
}

func (m *Map) proven(r *row) bool { return m.set.proven(r.Pos.File) }

// crossed reports that a scope's row, which no test has held against the laws, adds to a list of what a scope around it makes, or makes resources
// of a type that another scope's row makes.
func (m *Map) crossed() bool {
	makers := map[*plan.Type][]*row{}
	for _, k := range m.set.Tables() {
		t := m.table(k.Name, k.Type)
		if k.Type != "Bundle" || m.compile(t) != nil {
			continue
		}
		for _, r := range t.back {
			if r.Kind != MapRow || r.Direction != Both || r.dst.end == nil {
				continue
			}
			if r.around && r.dst.inList() && !m.proven(r) {
				return true
			}
			made := r.dst.arrow
			if made == nil && len(r.dst.steps) == 0 {
				made = r.dst.base
			}
			if made != nil {
				makers[made] = append(makers[made], r)
			}
		}
	}
	for _, rows := range makers {
		if len(rows) > 1 && slices.ContainsFunc(rows, func(r *row) bool { return !m.proven(r) }) {
			return true
		}
	}
	return false
}
