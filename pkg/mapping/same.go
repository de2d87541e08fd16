package mapping

import (
	"cmp"
	"reflect"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file makes one resource of those that say things of one person or thing, in records whose parts repeat it: of the rows of a table of
// results each names the patient, and the table of patients names him once more.
//
// Two are one if they have one identity, and of every element that both have the one says all that the other says. The one that stays has what either
// has. Where they contradict one another both stay, and the source hears of it.

// saidTwice is why what a part says does not come back in its place: what an arrow leads to is written wherever it was said, anything else once.
const saidTwice = "written back where another says it of the same"

// sameThings unites the record's resources.
func (c *Context) sameThings(o *ReadOptions) {
	if len(c.rec.Resources) < 2 {
		return
	}
	first := map[string]*Resource{}
	gone := map[*Resource]*Resource{}
	for _, r := range c.rec.Resources {
		key := fhir.IdentityKey(r.Msg, cmp.Or(o.Facility, "the record")) // within it a number without a system is one thing's
		if key == "" {
			continue
		}
		id := ""
		if o.IDOf != nil {
			id = o.IDOf(r.info.Name, r.at)
		}
		have := first[key]
		switch {
		case have == nil:
			first[key] = r
			r.ID = id
		case id != "" && have.ID != "" && have.ID != id: // parts that their source tells apart
		case len(c.disagree(have.v, r.v, r.info)) == 0:
			if c.absorb(have, r); !r.led && !have.led {
				c.Doc.Lower(r.at, tree.Folded, saidTwice)
			}
			have.led = have.led && r.led
			if gone[r] = have; have.ID == "" && id != "" {
				have.ID, have.at = id, r.at
			}
		case o.Clash != nil:
			o.Clash(r.at, have.at, r.info.Name, c.disagree(have.v, r.v, r.info))
		}
	}
	c.replace(gone)
}

// disagree are the elements that two resources have, of which neither says all that the other says.
func (c *Context) disagree(a, b reflect.Value, ti *plan.Type) (names []string) {
	for _, e := range ti.Elements {
		if e.Len(b) > 0 && e.Len(a) > 0 && !c.saysAll(a, b, e) && !c.saysAll(b, a, e) {
			names = append(names, e.Name)
		}
	}
	return names
}

// saysAll reports that of an element a says all that b says, of a list in the same places.
func (c *Context) saysAll(a, b reflect.Value, e *plan.Element) bool {
	if e.Choice != nil {
		va, xa := e.Chosen(a)
		vb, xb := e.Chosen(b)
		return xa == xb && (xa == nil || c.covers(va, vb, xa.Type(), true))
	}
	if e.Len(a) < e.Len(b) {
		return false
	}
	for i := range e.Len(b) {
		if !c.covers(e.At(a, i), e.At(b, i), e.Type(), true) {
			return false
		}
	}
	return true
}

// absorb gives a what b says beyond it. What b holds goes over as it is, so that its references lead where they led.
func (c *Context) absorb(a, b *Resource) {
	for _, e := range a.info.Elements {
		if e.Len(b.v) > 0 && (e.Len(a.v) == 0 || !c.saysAll(a.v, b.v, e)) {
			a.v.Field(e.Index).Set(b.v.Field(e.Index))
		}
	}
	a.also = append(a.also, b.at)
}
