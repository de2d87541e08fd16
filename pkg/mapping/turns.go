package mapping

import (
	"cmp"
	"math"
	"reflect"
	"slices"

	"github.com/chartpost/chartpost/pkg/tree"
)

// This file keeps the order of what stands under one name and several rows read: groups, each by a table of its own, and repetitions that go
// into one list. A medicine ordered after an examination stands behind it in the record and comes back behind it.
//
//	ORDER[ORDER_DETAIL.RXO]     ORM_MEDICATION[]  .
//	ORDER[no ORDER_DETAIL.RXO]  ORM_ORDER[]       .

// turn is for the rows that take turns.
type turn struct {
	group string // the name of the groups that they read, empty if they read repetitions
	back  []*row // those that write a list together, in the order in which they are asked; nil if one row of the list goes back
}

// takeTurns finds the rows of a table that do.
func (t *table) takeTurns() {
	by := map[string]*row{}     // the first row of each name and list
	back := map[string][]*row{} // of a list: the rows that go back
	for _, chain := range t.chains {
		r := chain[0]
		if len(chain) > 1 || r.Kind != MapRow || r.Direction == Backward || !r.Each || len(r.path) != 1 || r.path[0].Nth != 0 || r.dst.base != nil {
			continue
		}
		key, group := r.path[0].Name, r.path[0].Name
		if r.dst.end != nil {
			if len(r.path[0].Tests) == 0 || len(r.dst.steps) == 0 {
				continue
			}
			key, group = key+" "+r.dst.steps[0].e.Name, ""
		}
		if group == "" && r.Direction != Forward {
			if rows := back[key]; len(rows) > 0 && !(r.writesElements() && rows[0].writesElements()) {
				continue // the way back writes what comes by this row behind what comes by that one
			}
			back[key] = append(back[key], r)
		}
		first := by[key]
		if first == nil {
			by[key] = r
			continue
		}
		if first.turn == nil {
			first.turn = &turn{group: group}
			if group != "" {
				t.turns = append(t.turns, first.turn)
			}
		}
		r.turn = first.turn
	}
	for key, rows := range back {
		if turn := by[key].turn; len(rows) > 1 {
			for _, r := range t.back {
				if slices.Contains(rows, r) {
					turn.back = append(turn.back, r)
				}
			}
		}
	}
}

// writesElements reports a row that writes the elements of a list, each by itself: of several such rows each element asks for its own.
func (r *row) writesElements() bool {
	return len(r.dst.steps) == 1 && r.dst.grow == 0 && !r.conditional && len(r.ahead) == 0
}

// writeTurns writes a list in its order, each element by the first row that takes it.
func (c *Context) writeTurns(turn *turn, v reflect.Value, n tree.Node, in *instance) (any bool) {
	e := turn.back[0].dst.steps[0].e
	for j := c.firstFree(v, e); j < e.Len(v); j++ {
		for _, r := range turn.back {
			c.steps++
			if c.isTaken(e.At(v, j)) {
				break
			}
			track := c.track
			c.onRow(r)
			if c.match(v, r.dst.tags) && c.writeAt(r, in, v, 0, j, n) {
				c.claimTags(v, r.dst.tags)
				any = true
			}
			c.track = track
		}
	}
	return any
}

// readTurns reads what rows take turns for in its order, each with the row that is for it.
func (c *Context) readTurns(turn *turn, chains [][]*row, x *facts, v reflect.Value, in *instance) (any bool) {
	type reader struct {
		r    *row
		next tree.Node
	}
	var room [8]reader
	list := room[:0]
	for _, rows := range chains {
		if r := rows[0]; r.turn == turn && (!x.anew || c.applies(r, x)) && x.asks(c.Doc, r) {
			list = append(list, reader{r, c.Doc.FindIn(&x.index, x.n, &r.path[0])})
		}
	}
	gap := false // see readRow
	k := c.Doc.First(x.n)
	if k == 0 { // a leaf is its own only part
		k = x.n
	}
	for ; k != 0; k = c.Doc.Next(k) {
		c.steps++
		for i := range list {
			q := &list[i]
			if q.next != k {
				continue
			}
			q.next = c.Doc.Find(x.n, k, &q.r.path[0])
			if k != x.n && c.Doc.Empty(k) || q.r.text && c.Doc.LeafText(k) == "" {
				gap = gap || k != x.n
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
		if k == x.n {
			break
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
		if c.Doc.Name(k) == turn.group {
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
