package mapping

import (
	"cmp"
	"math"
	"reflect"
	"slices"

	"github.com/chartpost/chartpost/pkg/tree"
)

// This file keeps the order of groups of one name that several rows read, each by a table of its own: a medicine ordered after an examination
// stands behind it in the record and comes back behind it.
//
//	ORDER[ORDER_DETAIL.RXO]     ORM_MEDICATION[]  .
//	ORDER[no ORDER_DETAIL.RXO]  ORM_ORDER[]       .

// turn is the name of the groups for which rows take turns.
type turn struct{ name string }

// takeTurns finds the rows of a scope that do.
func (t *table) takeTurns() {
	by := map[string][]*row{}
	for _, chain := range t.chains {
		r := chain[0]
		if len(chain) == 1 && r.Kind == MapRow && r.Each && len(r.path) == 1 && r.path[0].Nth == 0 && r.dst.end == nil && r.dst.base == nil {
			by[r.path[0].Name] = append(by[r.path[0].Name], r)
		}
	}
	for name, rows := range by {
		if len(rows) > 1 {
			turn := &turn{name}
			for _, r := range rows {
				r.turn = turn
			}
			t.turns = append(t.turns, turn)
		}
	}
	slices.SortFunc(t.turns, func(a, b *turn) int { return cmp.Compare(a.name, b.name) })
}

// readTurns reads the groups of a turn in their order, each with the row that is for it.
func (c *Context) readTurns(turn *turn, chains [][]*row, x *facts, v reflect.Value, in *instance) (any bool) {
	type reader struct {
		r    *row
		next tree.Node
	}
	var list []reader
	for _, rows := range chains {
		if r := rows[0]; r.turn == turn && (!x.anew || c.applies(r, x)) && x.asks(c.Doc, r) {
			list = append(list, reader{r, c.Doc.FindIn(&x.index, x.n, &r.path[0])})
		}
	}
	gap := false // see readRow
	for k := c.Doc.First(x.n); k != 0; k = c.Doc.Next(k) {
		c.steps++
		for i := range list {
			q := &list[i]
			if q.next != k {
				continue
			}
			q.next = c.Doc.Find(x.n, k, &q.r.path[0])
			if c.Doc.Empty(k) {
				gap = true
				continue
			}
			late := gap && c.fold == ""
			if late {
				c.fold = gapWhy
			}
			any = c.readNode(q.r, k, x.n, v, in) || any
			if late {
				c.fold = ""
			}
		}
	}
	return any
}

// anchored takes note of where the anchor of a group stands in the record.
func (c *Context) anchored(group tree.Node, anchor *Resource) {
	if c.places == nil {
		c.places = map[tree.Node]int{}
	}
	delete(c.places, group) // of one that was taken back
	if anchor != nil {
		c.places[group] = anchor.nth
	}
}

// orderTurns puts the groups of a turn into the order of what anchors them. Those without an anchor stand behind them.
func (c *Context) orderTurns(turn *turn, n tree.Node) {
	var groups []tree.Node
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		c.steps++
		if c.Doc.Name(k) == turn.name {
			groups = append(groups, k)
		}
	}
	at := func(k tree.Node) int {
		if nth, ok := c.places[k]; ok {
			return nth
		}
		return math.MaxInt
	}
	byAnchor := func(a, b tree.Node) int { return cmp.Compare(at(a), at(b)) }
	if slices.IsSortedFunc(groups, byAnchor) {
		return
	}
	slices.SortStableFunc(groups, byAnchor)
	for _, k := range groups {
		c.Doc.Move(k, n)
	}
}
