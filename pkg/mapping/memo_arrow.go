package mapping

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/chartpost/chartpost/pkg/tree"
)

// This file remembers, while one document is read, whom a text led to: the same laboratory and the same physician stand in each of
// a hundred results. To read them anew makes a resource that intern finds to be one of those that are there. So if a row reads at
// another place a text that it has read before, it refers to the resource that came of it, and marks the leaves as it did then.
//
// It is done only where reading the text again could come to nothing else: the reading did nothing beside making resources that
// are shared (effects), none of them has become another since (merges, bound), and each leaf has the state that it had then: states only
// rise, so of the same states and the same text the same states come. Nor is it done where somebody asks what came of each leaf (normal,
// origins).

// arrowed are the types of resource that this is done for: who and what is named again and again.
var arrowed = map[string]bool{"Practitioner": true, "PractitionerRole": true, "Organization": true, "Location": true, "Device": true}

type arrowMemo struct {
	to     *Resource
	marks  []memoMark
	met    []metNode
	merges int
}

// metNode is a resource that a text led to, and which of its nodes named it.
type metNode struct {
	res  *Resource
	node int
}

// meeting is a resource that intern gave, and the node that named it.
type meeting struct {
	res *Resource
	at  tree.Node
}

// lesson is what is to be remembered of a reading that is going on.
type lesson struct {
	key    string
	nodes  []tree.Node
	states []tree.State // of the nodes before; nil if they had none
	before effects
	met    int
}

// effects of reading that a resource which is read again must not have.
func (c *Context) arrowEffects() effects {
	return effects{findings: len(c.rec.Findings), links: c.joined, resources: c.apart, elsewhere: c.elsewhere, merges: c.merges}
}

// foretell gives what the row's arrow led to when it met the node's text before; if it has not, the lesson to learn, if there is one.
func (c *Context) foretell(r *row, k tree.Node) (known *arrowMemo, learn *lesson) {
	d := &r.dst
	if c.normal != nil || c.rec.doc != nil || r.t.info == nil || !arrowed[d.arrow.Name] || d.linked {
		return nil, nil
	}
	m := &c.memos
	m.begin(c, r, nameText, true)
	looks := anyName
	if r.sub != nil && len(r.path) == 0 && c.Doc.First(k) != 0 {
		looks = c.looks(r.sub, 0)
	}
	if looks == anyName {
		if !c.describe(k) {
			return nil, nil
		}
	} else {
		for j := c.Doc.First(k); j != 0; j = c.Doc.Next(j) {
			if tree.NamesOf(c.Doc.Name(j))&looks != 0 && !c.describe(j) {
				return nil, nil
			}
		}
	}
	if known = c.led[string(m.key)]; known != nil {
		if known.merges == c.merges && !slices.ContainsFunc(known.met, func(x metNode) bool { return x.res.bound }) {
			return known, nil
		}
		return nil, nil
	}
	learn = &lesson{key: string(m.key), nodes: slices.Clone(m.nodes), before: c.arrowEffects(), met: len(c.met)}
	if m.marked {
		learn.states = make([]tree.State, len(m.nodes))
		for i, n := range m.nodes {
			learn.states[i] = c.Doc.State(n)
		}
	}
	return nil, learn
}

// repeat does what reading the text again would do. The nodes are those that foretell found.
func (c *Context) repeat(known *arrowMemo) {
	for i, n := range c.memos.nodes {
		c.Doc.Mark(n, known.marks[i].state, known.marks[i].why)
	}
	for _, x := range known.met {
		at := c.memos.nodes[x.node]
		x.res.also = append(x.res.also, at)
		c.met = append(c.met, meeting{x.res, at})
	}
}

// learnArrow remembers where a text led to, if reading it again would do nothing else.
func (c *Context) learnArrow(l *lesson, to *Resource) {
	if c.arrowEffects() != l.before {
		return
	}
	x := &arrowMemo{to: to, merges: c.merges}
	for _, m := range c.met[l.met:] {
		node := slices.Index(l.nodes, m.at)
		if node < 0 || m.res.bound {
			return
		}
		x.met = append(x.met, metNode{m.res, node})
	}
	x.marks = make([]memoMark, len(l.nodes))
	for i, n := range l.nodes {
		x.marks[i] = memoMark{c.Doc.State(n), c.Doc.Why(n)}
		if l.states != nil && x.marks[i].state < l.states[i] {
			return // to be found among others lowered it
		}
	}
	c.led[l.key] = x
}

// looks is the set of the names that stand below an instance of a table and that reading it may look at.
func (c *Context) looks(t *table, depth int) tree.Names {
	if known := tree.Names(atomic.LoadUint64(&t.looks)); known != 0 {
		return known
	}
	all := tree.Names(0)
	add := func(p tree.Path) {
		if len(p) == 0 || strings.HasSuffix(p[0].Name, "*") {
			all = anyName
		} else {
			all |= tree.NamesOf(p[0].Name)
		}
	}
	if depth == maxDepth || !c.ready(t) {
		return anyName
	}
	for _, rows := range t.reads {
		for _, r := range rows {
			switch {
			case r.Kind == ConstTarget:
			case len(r.path) == 0 && r.sub != nil && r.codes == nil:
				all |= c.looks(r.sub, depth+1)
			default:
				add(r.path)
			}
			for _, tests := range [][]tree.Test{r.with, r.iff} {
				for i := range tests {
					add(tests[i].Path)
				}
			}
		}
	}
	atomic.StoreUint64(&t.looks, uint64(all))
	return all
}

// Elsewhere is for pairs on the way to FHIR that look at more than what stands at and below their node: what they make of it holds
// for that place alone.
func (c *Context) Elsewhere() { c.elsewhere++ }
