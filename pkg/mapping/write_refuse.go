package mapping

import (
	"reflect"
	"slices"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	papb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file refuses: what would be written without its modifier is not written at all (law 3).

// refuse finds owners of modifiers that were written without them, and reports whether there are any that are new.
func (c *Context) refuse() (again bool) {
	for _, r := range c.rec.Resources {
		visit(r.v, r.info, func(v reflect.Value, ti *plan.Type) {
			for _, e := range ti.Modifiers {
				if e.Len(v) == 0 || c.isRefused(v) {
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
	if !again && len(c.refused) > 0 { // what was refused says why
		for _, r := range c.rec.Resources {
			visit(r.v, r.info, func(v reflect.Value, ti *plan.Type) {
				if c.isRefused(v) && !c.rec.withheld[plan.PlaceOf(v)] {
					c.claimAll(v, ti, tree.Declined, "a modifier of it has no place in "+c.Doc.Format.Name+", and it is never written without")
				}
			})
		}
	}
	return again
}

// carriedWhole reports that an element was written, as far as it modifies what it belongs to: a modifier extension with all that it has. Of
// any other element the extensions are not asked for, which by FHIR's rule never change what it means, nor the words beside a code; and of a
// concept's codings, which say the same, one is enough.
func (c *Context) carriedWhole(v reflect.Value, e *plan.Element) bool {
	for i := range e.Len(v) {
		x, ti := e.Item(v, i)
		if ti == nil || isSideLink(x) {
			continue
		}
		ok := false
		if concept := plan.As[dpb.CodeableConcept](x); concept != nil && len(concept.Coding) > 0 {
			ok = slices.ContainsFunc(concept.Coding, func(coding *dpb.Coding) bool {
				return c.carriedMeaning(reflect.ValueOf(coding).Elem(), plan.OfMessage(coding))
			})
		} else if e.Name == "modifierExtension" {
			ok = true
			leaves(x, ti, func(leaf reflect.Value) { ok = ok && c.claimed(leaf) >= tree.Folded })
		} else {
			ok = c.carriedMeaning(x, ti)
		}
		if !ok {
			return false
		}
	}
	return true
}

// isSideLink reports a link of a patient to another record that leaves this one as it is. FHIR flags link as a modifier for the sake of
// replaced-by alone, which says that this record is used no more: of the patients that servers hold many have links of the other kinds.
func isSideLink(v reflect.Value) bool {
	link := plan.As[papb.Patient_Link](v)
	if link == nil {
		return false
	}
	switch link.GetType().GetValue() {
	case cpb.LinkTypeCode_REPLACES, cpb.LinkTypeCode_REFER, cpb.LinkTypeCode_SEEALSO:
		return true
	}
	return false
}

// carriedMeaning reports that all leaves of an element were written, but those of its extensions and of the words of codings.
func (c *Context) carriedMeaning(v reflect.Value, ti *plan.Type) bool {
	if ti.Prim != nil {
		return !ti.Prim.HasValue(v) || c.claimed(v) >= tree.Folded
	}
	if plan.As[dpb.Reference](v) != nil {
		return c.claimed(v) >= tree.Folded
	}
	for _, e := range ti.Elements {
		if e.Name == "extension" || e.Name == "display" || e.RefText {
			continue
		}
		for i := range e.Len(v) {
			if x, next := e.Item(v, i); next != nil && !c.carriedMeaning(x, next) {
				return false
			}
		}
	}
	return true
}

// anyClaimed reports that something at or below v was written.
func (x *run) anyClaimed(v reflect.Value, ti *plan.Type) bool {
	return anyLeaf(v, ti, func(leaf reflect.Value) bool { return x.claimed(leaf) >= tree.Folded })
}

func (x *run) isRefused(v reflect.Value) bool {
	return len(x.refused) > 0 && x.refused[plan.PlaceOf(v)]
}
