package mapping

import "github.com/chartpost/chartpost/pkg/tree"

// This file chooses the rows that are tried. Which names stand below an instance decides of most rows of its table that they take
// nothing, and of many tests whether they hold; and the same few sets of names come again and again: the OBX of a laboratory are all
// filled alike. So what follows from a set of names is worked out when it is first met. Of the 120 chains of OBX it leaves ten.

// shape is what of a table's rows may take something in an instance below which certain names stand.
type shape struct {
	chains      []chain
	asked, hold uint64 // the probes that find nothing there, and the tests that hold for that
}

// shapes are the shapes of one table that a goroutine has met.
type shapes struct {
	names tree.Names // of last
	last  *shape
	all   map[tree.Names]*shape
	whole *shape // all rows
}

// maxShapes bounds the shapes of a table: the rows of a wide CSV file are filled in every way.
const maxShapes = 256

// shape is the shape of the instance that x is about.
func (c *Context) shape(x *facts) *shape {
	if x.t.num >= len(c.shapes) {
		c.shapes = append(c.shapes, make([]shapes, x.t.num+16-len(c.shapes))...)
	}
	of := &c.shapes[x.t.num]
	if of.last != nil && of.names == x.names {
		if !c.isNull(x.n) {
			return of.last
		}
	}
	s := of.all[x.names]
	if c.isNull(x.n) || s == nil && len(of.all) == maxShapes {
		if x.whole = true; of.whole == nil {
			of.whole = &shape{chains: x.t.reads}
		}
		return of.whole
	}
	if s == nil {
		if s = c.newShape(x); of.all == nil {
			of.all = map[tree.Names]*shape{}
		}
		of.all[x.names] = s
	}
	of.names, of.last = x.names, s
	return s
}

// newShape finds the rows that may take something where the names of x stand.
func (c *Context) newShape(x *facts) *shape {
	s := &shape{}
	for i := range x.t.probes {
		p := &x.t.probes[i]
		if len(p.path) > 0 && !isPrefix(p.path[:1]) && tree.NamesOf(p.path[0].Name)&x.names == 0 {
			s.asked |= 1 << i
			if s.hold |= p.gone; len(p.texts) > 0 {
				s.hold |= p.holds("")
			}
		}
	}
	for _, ch := range x.t.reads {
		var rows []*row
		for _, r := range ch.rows {
			failed := r.probes&^s.asked == 0 && r.when&^s.hold != 0
			if !failed && !x.idle(r) && !c.barren(r, x) {
				rows = append(rows, r)
			}
		}
		if len(rows) > 0 {
			s.chains = append(s.chains, chain{rows: rows})
		}
	}
	return s
}
