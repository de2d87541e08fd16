package mapping

import (
	"slices"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file folds what rows wrote and will not read again, for the document does not say what they ask for: `if 9=en`, `with no 9`. Another row may
// write that at any time, so it is looked at when all is written.

// conditional is a row that wrote and reads only if the document says something else too, for which node, and its claims in the log.
type conditional struct {
	r        *row
	n        tree.Node
	from, to int
}

const (
	readOtherwiseWhy = "written to a place that is read as something else there"
	overtakenWhy     = "written, but of a chain of rows one is read, and that is another"
)

// findConditional finds the rows of a table that ask for something which they do not write themselves. Where a table has some, all its rows are
// looked at if it has constants, which are read where anything else is.
func (t *table) findConditional() {
	some := false
	for _, r := range t.back {
		missing := slices.ContainsFunc(r.with, func(x tree.Test) bool { return x.Op == tree.Missing })
		r.conditional = len(r.iff) > 0 || len(r.ifAhead) > 0 || missing
		some = some || r.conditional
	}
	if some && t.info != nil && slices.ContainsFunc(t.back, func(r *row) bool { return r.Kind == ConstTarget }) {
		for _, r := range t.back {
			r.conditional = true
		}
	}
}

// reads reports that the tests of a row hold in the document as it was written.
func (c *Context) reads(r *row, n tree.Node) bool { return c.hold(r.iff, n) && c.hold(r.with, n) }

// contradicted reports that the document says already what keeps a row from reading: a group is left to the row that will read it.
func (c *Context) contradicted(r *row, n tree.Node) bool {
	for i := range r.iff {
		if leaf, ok := c.Doc.Ask(n, &r.iff[i]); !ok && leaf != 0 && c.Doc.LeafText(leaf) != "" {
			return true
		}
	}
	return false
}

func (c *Context) foldConditional() {
	if len(c.conditional) == 0 {
		return
	}
	type rowAt struct {
		r *row
		n tree.Node
	}
	type tableAt struct {
		t *table
		n tree.Node
	}
	chains := map[rowAt]bool{} // what is read of chains
	some := map[tableAt]bool{} // where anything but a constant is read
	var folded []bool          // by the place in the log; most documents have none
	why := map[plan.Place]string{}
	fold := func(q conditional, because string) {
		if folded == nil {
			folded = make([]bool, len(c.claimLog))
		}
		for i, u := range c.claimLog[q.from:q.to] {
			folded[q.from+i], why[u.key] = true, because
		}
	}
	for _, q := range c.conditional {
		if q.r.Kind == ConstTarget {
			continue
		}
		reads := c.reads(q.r, q.n)
		if reads && q.r.inChain {
			chains[rowAt{q.r, q.n}] = true
		}
		if reads || slices.ContainsFunc(q.r.t.back, func(p *row) bool { return p.readsFor(q.r) && c.reads(p, q.n) }) {
			some[tableAt{q.r.t, q.n}] = true
		} else {
			fold(q, readOtherwiseWhy)
		}
	}
	for _, q := range c.conditional {
		switch {
		case q.r.Kind == ConstTarget && !some[tableAt{q.r.t, q.n}]:
			fold(q, readOtherwiseWhy)
		case slices.ContainsFunc(q.r.ifAhead, func(p *row) bool { return chains[rowAt{p, q.n}] }):
			fold(q, overtakenWhy)
		}
	}
	if len(why) == 0 {
		return
	}
	for i, u := range c.claimLog {
		if !folded[i] {
			delete(why, u.key) // another row wrote it too, and reads it
		}
	}
	for key, because := range why {
		if x := c.rec.claims[key]; x.state == tree.Carried {
			x.state, x.why = tree.Folded, because
			c.rec.claims[key] = x
		}
	}
}

// readsFor reports that a row makes what another one writes, of the same place: it says no less of it.
func (p *row) readsFor(r *row) bool {
	if p == r || p.Kind != MapRow || p.Direction == Backward || p.dst.base != r.dst.base || p.dst.arrow != r.dst.arrow || len(p.dst.steps) != len(r.dst.steps) ||
		p.Type != r.Type || p.Arg != r.Arg || p.sub != r.sub || !slices.EqualFunc(p.path, r.path, sameName) || !saysTags(p.dst.tags, r.dst.tags) {
		return false
	}
	for i := range r.dst.steps {
		if a, b := &p.dst.steps[i], &r.dst.steps[i]; a.e != b.e || a.a != b.a || !saysTags(a.tags, b.tags) {
			return false
		}
	}
	return true
}

// saysTags reports that tags stamp all that others stamp.
func saysTags(tags, others []tag) bool {
	for i := range others {
		o := &others[i]
		if o.op == tagIs && !slices.ContainsFunc(tags, func(g tag) bool {
			return g.op == tagIs && g.text == o.text && g.link == o.link && samePath(g.path, o.path)
		}) {
			return false
		}
	}
	return true
}
