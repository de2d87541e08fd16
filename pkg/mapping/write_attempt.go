package mapping

import (
	"reflect"
	"slices"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file keeps what a run has taken, claimed and placed, so that an attempt which comes to nothing leaves nothing.

// takes are the elements of lists that a row took, which takenLog keeps in memory. Of a long list it also knows how many elements at its beginning are
// taken: a report's 100,000 results would be gone over 100,000 times.
type takes struct {
	taken  map[plan.Place]bool
	begins map[list]int
	passed map[plan.Place]passed // the elements before begins
}

type list struct {
	owner any // a pointer: an owner that a pair made for the moment stays in memory
	e     *plan.Element
}

type passed struct {
	list
	at int
}

const longList = 16

// firstFree is the index in a list before which every element is taken.
func (t *takes) firstFree(v reflect.Value, e *plan.Element) int {
	n := e.Len(v)
	if n < longList {
		return 0
	}
	l := list{v.Addr().Interface(), e}
	i := t.begins[l]
	if t.begins == nil {
		t.begins, t.passed = map[list]int{}, map[plan.Place]passed{}
	}
	for ; i < n; i++ {
		k := plan.PlaceOf(e.At(v, i))
		if !t.taken[k] {
			break
		}
		t.passed[k] = passed{l, i}
	}
	t.begins[l] = i
	return i
}

// free takes back that an element was taken.
func (t *takes) free(k plan.Place) {
	delete(t.taken, k)
	if p, ok := t.passed[k]; ok {
		delete(t.passed, k)
		t.begins[p.list] = min(t.begins[p.list], p.at)
	}
}

type attempt struct {
	doc                                        tree.Mark
	taken, claims, placed, tracks, conditional int
}

func (c *Context) begin() attempt {
	return attempt{c.Doc.Checkpoint(), len(c.takenLog), len(c.claimLog), len(c.placeLog), len(c.tracks), len(c.conditional)}
}

// end keeps or takes back everything since begin.
func (c *Context) end(a attempt, ok bool) bool {
	if ok {
		c.Doc.Commit(a.doc)
		return true
	}
	c.Doc.Rollback(a.doc)
	for _, v := range c.takenLog[a.taken:] {
		c.free(plan.PlaceOf(v))
	}
	for i := len(c.claimLog) - 1; i >= a.claims; i-- {
		if u := c.claimLog[i]; u.have.state == tree.Unmapped {
			delete(c.rec.claims, u.key)
		} else {
			c.rec.claims[u.key] = u.have
		}
	}
	for _, r := range slices.Backward(c.placeLog[a.placed:]) {
		c.rec.free(r)
	}
	clear(c.takenLog[a.taken:])
	clear(c.claimLog[a.claims:])
	clear(c.placeLog[a.placed:])
	c.takenLog, c.claimLog, c.placeLog = c.takenLog[:a.taken], c.claimLog[:a.claims], c.placeLog[:a.placed]
	c.tracks, c.conditional = c.tracks[:a.tracks], c.conditional[:a.conditional]
	return false
}

func (c *Context) take(v reflect.Value) {
	k := plan.PlaceOf(v)
	if !c.taken[k] {
		if c.taken == nil {
			c.taken = map[plan.Place]bool{}
		}
		c.taken[k] = true
		c.takenLog = append(c.takenLog, v)
	}
}

func (c *Context) isTaken(v reflect.Value) bool { return c.taken[plan.PlaceOf(v)] }

func (c *Context) setPlaced(r *Resource) {
	if !r.placed {
		c.rec.place(r)
		c.placeLog = append(c.placeLog, r)
	}
}
