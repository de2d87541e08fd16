package mapping

import (
	"reflect"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file refuses: what would be written without its modifier is not written at all (law 3).

// refuse finds owners of modifiers that were written without them, and reports whether there are any that are new.
func (c *Context) refuse() (again bool) {
	for _, r := range c.rec.Resources {
		visit(r.v, r.info, func(v reflect.Value, ti *plan.Type) {
			for _, e := range ti.Elements {
				if !e.Modifier || e.Len(v) == 0 || c.isRefused(v) || e.List && e.Name == "modifierExtension" && e.Len(v) == 0 {
					continue
				}
				if c.carriedWhole(v, e) || !c.anyClaimed(v, ti) {
					continue
				}
				c.refused[plan.PlaceOf(v)] = true
				again = true
			}
		})
	}
	if !again { // what was refused says why
		for _, r := range c.rec.Resources {
			visit(r.v, r.info, func(v reflect.Value, ti *plan.Type) {
				if c.isRefused(v) {
					c.claimAll(v, ti, tree.Declined, "a modifier of it has no place in "+c.Doc.Format.Name+", and it is never written without")
				}
			})
		}
	}
	return again
}

// carriedWhole reports that every leaf of an element was written.
func (c *Context) carriedWhole(v reflect.Value, e *plan.Element) bool {
	ok := true
	for i := range e.Len(v) {
		if x, ti := e.Item(v, i); ti != nil {
			leaves(x, ti, func(leaf reflect.Value) {
				ok = ok && c.claimed(leaf) >= tree.Folded
			})
		}
	}
	return ok
}

// anyClaimed reports that something at or below v was written.
func (x *run) anyClaimed(v reflect.Value, ti *plan.Type) (any bool) {
	leaves(v, ti, func(leaf reflect.Value) {
		any = any || x.claimed(leaf) >= tree.Folded
	})
	return any
}

func (x *run) isRefused(v reflect.Value) bool {
	return len(x.refused) > 0 && x.refused[plan.PlaceOf(v)]
}
