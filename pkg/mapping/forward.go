package mapping

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/tree"
)

// This file makes tables ready for the way to FHIR. Of the rows that a table has, nine of ten find nothing in an instance, and of
// the rest most ask the same few places whether they are meant (OBX has forty rows for OBX-5, chosen by OBX-2). So what can be
// known of a row before it is tried is made a set of bits: the names that must stand below the instance, which the tree keeps with
// each node (tree.Names), and the tests that must hold, all tests of one place answered at one look.

// anyName is the set that every name is in.
const anyName = ^tree.Names(0)

// forward fills what of a table is for the way to FHIR alone.
func (t *table) forward(f *tree.Format) {
	tests := map[string]int{} // the bit of each test
	for _, rows := range t.chains {
		var ways []*row
		for _, r := range rows {
			if r.Direction == Backward || r.Kind == DeclineTarget {
				continue
			}
			r.foresee()
			t.collect(f, r, tests)
			ways = append(ways, r)
			switch {
			case r.Kind == ConstTarget:
				t.consts = true
			case r.some != 0:
				t.reach |= r.some
			case len(r.path) > 0 && !isPrefix(r.path[:1]):
				t.reach |= tree.NamesOf(r.path[0].Name)
			default:
				t.reach = anyName
			}
		}
		if len(ways) > 0 {
			t.reads = append(t.reads, ways)
		}
	}
}

// foresee finds the names that must be there for a row to take anything.
func (r *row) foresee() {
	r.text = r.readsText()
	if len(r.path) > 0 && !isPrefix(r.path[:1]) {
		r.need |= tree.NamesOf(r.path[0].Name)
	}
	for _, tests := range [][]tree.Test{r.with, r.iff} {
		for i := range tests {
			x := &tests[i]
			if len(x.Path) > 0 && !isPrefix(x.Path[:1]) && (x.Op == tree.Exists || x.Op == tree.Equal && !slices.Contains(x.Values, "")) {
				r.need |= tree.NamesOf(x.Path[0].Name)
			}
		}
	}
	for i := range r.path {
		r.pathTests = r.pathTests || slices.ContainsFunc(r.path[i].Tests, func(x tree.Test) bool { return x.Op == tree.Equal })
	}
	if r.pair != nil && len(r.path) == 0 && !r.inChain { // in a chain it ends the chain even so
		for _, name := range r.pair.Parts {
			r.some |= tree.NamesOf(name)
		}
	}
}

// probe is one place that tests of a table look at, and the tests that hold by what is there.
type probe struct {
	place  string
	path   tree.Path
	exists uint64            // those that hold if something is there
	gone   uint64            // those that hold if nothing is there
	texts  map[string]uint64 // those that hold for a text that tests name
	other  uint64            // those that hold for any other text
	fold   bool              // capitals make no difference to these
	nots   uint64            // those that hold only if they hold for every text there; for the others one is enough
}

// collect enters the tests of a row.
func (t *table) collect(f *tree.Format, r *row, tests map[string]int) {
	for _, x := range slices.Concat(r.with, r.iff) {
		key := f.TestString(&x)
		bit, known := tests[key]
		if !known {
			bit = len(tests)
			tests[key] = bit
		}
		if bit >= 64 {
			r.asked = append(r.asked, x)
			continue
		}
		place := f.PathString(x.Path)
		at := slices.IndexFunc(t.probes, func(p probe) bool { return p.place == place && p.fold == x.Fold })
		if at < 0 {
			at = len(t.probes)
			t.probes = append(t.probes, probe{place: place, path: x.Path, fold: x.Fold, texts: map[string]uint64{}})
		}
		r.when |= 1 << bit
		r.probes |= 1 << at
		if !known {
			t.probes[at].enter(&x, 1<<bit)
		}
	}
}

func (p *probe) enter(x *tree.Test, bit uint64) {
	switch x.Op {
	case tree.Exists:
		p.exists |= bit
		return
	case tree.Missing:
		p.gone |= bit
		return
	}
	for _, v := range x.Values {
		if _, ok := p.texts[v]; !ok {
			p.texts[v] = p.other // as every test so far has it for a text that it does not name
		}
	}
	for v, have := range p.texts {
		if slices.Contains(x.Values, v) == (x.Op == tree.Equal) {
			p.texts[v] = have | bit
		}
	}
	if x.Op == tree.NotEqual {
		p.other |= bit
		p.nots |= bit
	}
}

// ask looks at the probe's place below n and gives the tests that hold.
func (p *probe) ask(d *tree.Doc, x *facts) (hold uint64) {
	k := d.AtIn(&x.index, x.n, p.path)
	if p.exists|p.gone != 0 {
		there := k != 0 && d.There(k)
		if next := d.Next(k); k != 0 && !there && (len(p.path) > 1 || next != 0 && d.Name(next) == d.Name(k)) {
			d.EachIn(&x.index, x.n, p.path, func(m tree.Node) bool { // as in tree.Doc.Ask
				there = d.There(m)
				return !there
			})
		}
		if there {
			hold = p.exists
		} else {
			hold = p.gone
		}
	}
	if len(p.texts) == 0 {
		return hold
	}
	if k == 0 {
		return hold | p.holds("")
	}
	texts := p.holds(d.LeafText(k))
	// Of several nodes at the path one is enough, as in tree.Doc.Ask.
	if next := d.Next(k); len(p.path) > 1 || next != 0 && d.Name(next) == d.Name(k) {
		d.EachIn(&x.index, x.n, p.path, func(m tree.Node) bool {
			t := p.holds(d.LeafText(m))
			texts = (texts|t)&^p.nots | texts&t&p.nots
			return true
		})
	}
	return hold | texts
}

// holds are the tests that hold for a text.
func (p *probe) holds(text string) uint64 {
	if p.fold {
		text = strings.ToLower(text)
	}
	if known, ok := p.texts[text]; ok {
		return known
	}
	if known, ok := p.texts[strings.Trim(text, " ")]; ok { // as in tree.Doc.Ask
		return known
	}
	return p.other
}

// facts are what is known of the instance of a table that is being read.
type facts struct {
	t     *table
	n     tree.Node
	names tree.Names
	index tree.Index
	asked uint64 // the probes that were asked
	hold  uint64 // the tests that hold, of those
	anew  bool   // which rows apply is found out for this instance alone
}

// meant reports that the tests of a row hold, but for those of which asks knows.
func (x *facts) meant(d *tree.Doc, r *row) bool {
	for p := r.probes &^ x.asked; p != 0; p &= p - 1 {
		x.hold |= x.t.probes[bits.TrailingZeros64(p)].ask(d, x)
	}
	x.asked |= r.probes
	return r.when&^x.hold == 0
}

// asks reports that those tests of a row hold for which there are no bits.
func (x *facts) asks(d *tree.Doc, r *row) bool {
	for i := range r.asked {
		if _, ok := d.Ask(x.n, &r.asked[i]); !ok {
			return false
		}
	}
	return true
}

// idle reports that a row cannot take anything, whatever its tests say.
func (x *facts) idle(r *row) bool {
	return r.need&^x.names != 0 || r.some != 0 && r.some&x.names == 0
}

// applies reports that a row may take something.
func (c *Context) applies(r *row, x *facts) bool {
	return !x.idle(r) && x.meant(c.Doc, r) && !c.barren(r, x)
}
