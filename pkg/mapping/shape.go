package mapping

import (
	"math/bits"

	"github.com/chartpost/chartpost/pkg/tree"
)

// This file chooses the rows that are tried. Which names stand below an instance decides of most rows of its table that they take
// nothing, and the tests decide of most others; and the same few sets come again and again: the OBX of a laboratory are all filled
// alike. So what follows from a set of names, and from the tests that hold, is worked out when it is first met. Of the 120 chains of
// OBX it leaves ten.

// shape is what of a table's rows may take something in an instance below which certain names stand.
type shape struct {
	chains      [][]*row
	asked, hold uint64              // the probes that find nothing there, and the tests that hold for that
	probes      uint64              // those that its rows want to know of
	places      bool                // some of its rows have a place below the instance
	meant       map[uint64][][]*row // what is left of the chains, by the tests that hold
}

// shapes are the shapes of one table that a goroutine has met.
type shapes struct {
	names tree.Names // of last
	last  *shape
	all   map[tree.Names]*shape
}

// maxShapes bounds the shapes of a table, and the chains of a shape: the rows of a wide CSV file are filled in every way.
const maxShapes = 128

// rowsFor gives the chains of rows that apply to the instance that x is about, and makes x ready for them.
func (c *Context) rowsFor(x *facts) [][]*row {
	s := c.shape(x)
	if s == nil { // too many to remember
		x.anew = true
		c.Doc.Index(x.n, &x.index)
		return x.t.reads
	}
	if len(s.chains) == 0 {
		return nil
	}
	if s.probes == 0 {
		if s.places { // else nobody asks: an identifier is read by the one row that reads the whole of it
			c.Doc.Index(x.n, &x.index)
		}
		return s.chains
	}
	c.Doc.Index(x.n, &x.index)
	x.asked, x.hold = s.asked, s.hold
	for p := s.probes; p != 0; p &= p - 1 {
		x.hold |= x.t.probes[bits.TrailingZeros64(p)].ask(c.Doc, x)
	}
	chains, known := s.meant[x.hold]
	if !known {
		x.asked |= s.probes
		chains = choose(s.chains, func(r *row) bool { return x.meant(c.Doc, r) })
		if s.meant == nil {
			s.meant = map[uint64][][]*row{}
		}
		if len(s.meant) < maxShapes {
			s.meant[x.hold] = chains
		}
	}
	return chains
}

// shape is the shape of the instance that x is about; nil for one that is not to be remembered.
func (c *Context) shape(x *facts) *shape {
	if c.isNull(x.n) { // for which barren has another answer
		return nil
	}
	if x.t.num >= len(c.shapes) {
		c.shapes = append(c.shapes, make([]shapes, x.t.num+16-len(c.shapes))...)
	}
	of := &c.shapes[x.t.num]
	if of.last != nil && of.names == x.names {
		return of.last
	}
	s := of.all[x.names]
	if s == nil {
		if len(of.all) == maxShapes {
			return nil
		}
		s = c.newShape(x)
		if of = &c.shapes[x.t.num]; of.all == nil {
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
	s.chains = choose(x.t.reads, func(r *row) bool {
		failed := r.probes&^s.asked == 0 && r.when&^s.hold != 0
		return !failed && !x.idle(r) && !c.barren(r, x)
	})
	for _, rows := range s.chains {
		for _, r := range rows {
			s.probes |= r.probes &^ s.asked
			s.places = s.places || len(r.path) > 0
		}
	}
	return s
}

// choose keeps the rows of chains that f says yes to.
func choose(chains [][]*row, f func(*row) bool) (kept [][]*row) {
	for _, rows := range chains {
		var some []*row
		for _, r := range rows {
			if f(r) {
				some = append(some, r)
			}
		}
		if len(some) > 0 {
			kept = append(kept, some)
		}
	}
	return kept
}
