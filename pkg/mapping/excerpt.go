package mapping

import (
	"reflect"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes a record as several documents, each of a part of its resources, where no document of the format has a place for all.

// Excerpt is a record of those of a record's resources that stand at the given places of Resources, in rising order and without what is contained
// in others, with what they contain. They are the same resources: one excerpt after the other is written, and Absorb takes over what became of it
// before the next is.
func (rec *Record) Excerpt(places []int) *Record {
	rec.indexOnce() // later it would forget what has a place in the excerpt
	part := &Record{Bundle: rec.Bundle, added: rec.added, withheld: rec.withheld, byText: rec.byText, byRef: rec.byRef}
	for _, i := range places {
		owner := rec.Resources[i]
		part.Resources = append(part.Resources, owner)
		for i++; i < len(rec.Resources) && rec.Resources[i].isIn(owner); i++ { // Add puts them there
			part.Resources = append(part.Resources, rec.Resources[i])
		}
	}
	return part
}

// Absorb takes over what became of the leaves of an excerpt that was written: of a leaf that several excerpts have the best.
func (rec *Record) Absorb(part *Record) {
	if rec.indexOnce(); len(rec.claims) == 0 {
		rec.claims = make(map[plan.Place]claim, len(part.claims))
	}
	for place, c := range part.claims {
		if c.state > rec.claims[place].state {
			rec.claims[place] = c
		}
	}
	rec.Findings = append(rec.Findings, part.Findings...)
	rec.steps += part.steps
}

// Decline says why the resource at a place of Resources is in none of the excerpts, and what it contains.
func (rec *Record) Decline(place int, why string) {
	rec.indexOnce()
	x := run{rec: rec}
	r := rec.Resources[place]
	for i := place; i < len(rec.Resources) && (i == place || rec.Resources[i].isIn(r)); i++ {
		x.claimAll(rec.Resources[i].v, rec.Resources[i].info, tree.Declined, why)
	}
}

// DeclineElement says why an element of the record, at and below m, is in none of the excerpts.
func (rec *Record) DeclineElement(m proto.Message, why string) {
	rec.indexOnce()
	x := run{rec: rec}
	if v := reflect.ValueOf(m); !v.IsNil() {
		x.claimAll(v.Elem(), plan.OfMessage(m), tree.Declined, why)
	}
}

// Withhold says why an element of the record, at and below m, is in none of the excerpts, and keeps it from the rows.
func (rec *Record) Withhold(m proto.Message, why string) {
	rec.DeclineElement(m, why)
	if v := reflect.ValueOf(m); !v.IsNil() {
		if rec.withheld == nil {
			rec.withheld = map[plan.Place]bool{}
		}
		rec.withheld[plan.PlaceOf(v.Elem())] = true
	}
}

// Fold says of what is written of an element, at and below m, that it comes back in another form.
func (rec *Record) Fold(m proto.Message, why string) {
	rec.indexOnce()
	if v := reflect.ValueOf(m); !v.IsNil() {
		leaves(v.Elem(), plan.OfMessage(m), func(leaf reflect.Value) {
			if place, c := plan.PlaceOf(leaf), rec.claims[plan.PlaceOf(leaf)]; c.state == tree.Carried {
				c.state, c.why = tree.Folded, why
				rec.claims[place] = c
			}
		})
	}
}

// Adds reports that a leaf stands in the document of an excerpt and in that of none that was absorbed before.
func (rec *Record) Adds(part *Record) bool {
	for place, c := range part.claims {
		if c.state >= tree.Folded && rec.claims[place].state < tree.Folded {
			return true
		}
	}
	return false
}

func (rec *Record) indexOnce() {
	if rec.claims == nil {
		rec.index(0)
	}
}

// Placed reports a resource that got a place in the document as which a record with it was written last.
func (r *Resource) Placed() bool { return r.placed }

// from is a run that follows the references of a resource.
func (rec *Record) from(r *Resource) *run {
	rec.indexOnce()
	if rec.follower == nil {
		rec.follower = &run{rec: rec}
	}
	if rec.follower.within = r; r.inside != nil {
		rec.follower.within = r.inside
	}
	return rec.follower
}

// Resolve follows a reference of a resource within the record; nil if it leads out of it. typ is the type of what it leads to, also of that outside
// as the reference says it, empty where nobody knows.
func (rec *Record) Resolve(r *Resource, ref *dpb.Reference) (to *Resource, typ string) {
	if to = rec.from(r).resolve(reflect.ValueOf(ref).Elem()); to != nil {
		return to, to.Type()
	}
	typ, _, _ = fhir.NumberOf(ref)
	if plan.ContainedType().ResourceAlt(typ) == nil {
		typ = ""
	}
	return nil, typ
}

// LeadsTo calls f for each resource of the record to which a resource refers, once for each reference.
func (rec *Record) LeadsTo(r *Resource, f func(*Resource)) {
	x := rec.from(r)
	visit(r.v, r.info, func(v reflect.Value, _ *plan.Type) {
		if plan.As[dpb.Reference](v) == nil {
			return
		}
		if to := x.resolve(v); to != nil {
			f(to)
		}
	})
}

// Written reports a resource of which at least one leaf is in a document: of the record, or of an excerpt that it has absorbed.
func (rec *Record) Written(r *Resource) bool {
	x := run{rec: rec}
	return x.anyClaimed(r.v, r.info)
}
