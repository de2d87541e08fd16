package mapping

import (
	"cmp"
	"reflect"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file says why what is left of a record is not in the document, once all else is written: a resource that nothing has
// placed, by the scopes' rows "- TYPE reason"; an element that no row took, by the table REST of its type.

// RestTable is the name of tables of declined elements that hold wherever their type stands.
const RestTable = "REST"

// AnyResource stands for every type in a row "- Resource reason" of a scope.
const AnyResource = "Resource"

// leaveOut remembers a row of a scope that declines resources.
func (c *Context) leaveOut(r *row) {
	for _, have := range c.leftOut {
		if have == r {
			return
		}
	}
	c.leftOut = append(c.leftOut, r)
}

// RestBy names the tables that say in the place of RestTable why elements are left out: for one kind of document among several.
func (c *Context) RestBy(name string) { c.restTable, c.rests = name, nil }

func (c *Context) declineRest() {
	for _, res := range c.rec.Resources {
		if c.isLeftOut(res) {
			c.declineResource(res)
		}
		if c.within = res; res.inside != nil {
			c.within = res.inside
		}
		c.declineBelow(res.v, res.info)
	}
}

// isLeftOut reports a resource of which nothing was written. Each of many results may refer to one.
func (c *Context) isLeftOut(res *Resource) bool {
	if res.placed {
		return false
	}
	is, known := c.unwritten[res]
	if !known {
		if c.unwritten == nil {
			c.unwritten = map[*Resource]bool{}
		}
		is = !c.anyClaimed(res.v, res.info)
		c.unwritten[res] = is
	}
	return is
}

// declineBelow declines what is left of v and of all that is below it, of the extensions of primitives as well.
func (c *Context) declineBelow(v reflect.Value, ti *plan.Type) {
	if ti.Kind == plan.Packed || ti.Kind == plan.Contained {
		return
	}
	if ti.Prim == nil {
		c.declineElement(v, ti)
	}
	for _, e := range ti.Elements {
		if e.RefText {
			continue
		}
		for i := range e.Len(v) {
			if x, next := e.Item(v, i); next != nil {
				c.declineBelow(x, next)
			}
		}
	}
}

func (c *Context) declineResource(res *Resource) {
	for _, r := range c.leftOut {
		if c.within = res; r.dst.base == nil || r.dst.base == res.info && c.match(res.v, r.dst.tags) {
			c.claimAll(res.v, res.info, tree.Declined, r.Note)
			return
		}
	}
}

// restOf is the table REST of a type, nil if there is none. Every element of a record asks for one.
func (c *Context) restOf(ti *plan.Type) *table {
	t, known := c.rests[ti]
	if !known {
		if c.rests == nil {
			c.rests = map[*plan.Type]*table{}
		}
		t = c.m.table(cmp.Or(c.restTable, RestTable), ti.Name)
		c.rests[ti] = t
	}
	return t
}

func (c *Context) declineElement(v reflect.Value, ti *plan.Type) {
	if ref := plan.As[dpb.Reference](v); ref != nil {
		switch to := c.resolve(v); {
		case to == nil && fhir.ReferenceText(ref) == "":
		case to == nil:
			c.claim(v, tree.Declined, "it leads to nothing that is here")
		case c.isLeftOut(to):
			c.claim(v, tree.Declined, "what it leads to has no place in "+c.Doc.Format.Name)
		}
	}
	t := c.restOf(ti)
	if t == nil || !c.ready(t) {
		return
	}
	for _, r := range t.selfs {
		if c.match(v, r.dst.tags) {
			c.claimAll(v, ti, tree.Declined, r.Note)
		}
	}
	for _, r := range t.back {
		c.all(v, r.dst.steps, func(e reflect.Value) bool {
			c.claimAll(e, r.dst.end, tree.Declined, r.Note)
			return true
		})
	}
}
