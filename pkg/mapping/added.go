package mapping

import (
	"reflect"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file adds to a record what its source does not say: translations of its codes. They are written like anything else, and are no leaves.

// addition is what was added to one concept.
type addition struct {
	concept *dpb.CodeableConcept
	own     int           // its codings without the added ones
	more    []*dpb.Coding // those: the record tells them apart by their addresses, also when they are taken back
	in      *Resource
	gone    bool
}

// AddCodings asks f of each CodeableConcept of the record, also in what is contained, which codings to put behind its own, and says how many
// there are. It asks nobody of an element that changes the meaning of others (Condition.clinicalStatus), where whoever finds what he does not
// know must not use the rest, nor of what stands in extensions, whose definitions may allow one coding and no other.
func (rec *Record) AddCodings(f func(*dpb.CodeableConcept) []*dpb.Coding) (n int, err error) {
	rec.additions = nil
	changed := map[*Resource]bool{}
	for _, r := range rec.Resources {
		if r.Wrapped() {
			continue // it is not what the record says
		}
		m := rec.addCodings(r, r.v, r.info, f)
		n += m
		changed[r] = m > 0
	}
	at := map[*Resource]int{}
	for _, r := range rec.Resources {
		owner := r.inside
		if owner == nil || owner.info.Contained < 0 {
			continue
		}
		if changed[r] { // contained ones are held packed, in the order in which they stand behind their owner
			packed, _ := owner.v.Field(owner.info.Contained).Interface().([]*anypb.Any)
			if packed[at[owner]], err = fhir.Pack(r.Msg); err != nil {
				return n, err
			}
		}
		at[owner]++
	}
	return n, nil
}

func (rec *Record) addCodings(r *Resource, v reflect.Value, ti *plan.Type, f func(*dpb.CodeableConcept) []*dpb.Coding) (n int) {
	if concept := plan.As[dpb.CodeableConcept](v); concept != nil {
		more := f(concept)
		if len(more) == 0 {
			return 0
		}
		if rec.added == nil {
			rec.added = map[plan.Place]bool{}
		}
		for _, x := range more {
			e := reflect.ValueOf(x).Elem()
			leaves(e, plan.Of(e.Type()), func(leaf reflect.Value) { rec.added[plan.PlaceOf(leaf)] = true })
		}
		have := concept.Coding
		rec.additions = append(rec.additions, addition{concept: concept, own: len(have), more: more, in: r})
		concept.Coding = append(have[:len(have):len(have)], more...) // what stands behind it in memory may be another's
		return len(more)
	}
	for _, e := range ti.Elements {
		if e.RefText || e.Modifier || e.Name == "extension" {
			continue
		}
		for i := range e.Len(v) {
			x, next := e.Item(v, i)
			if next != nil && next.Prim == nil && next.Kind != plan.Packed && next.Kind != plan.Contained {
				n += rec.addCodings(r, x, next, f)
			}
		}
	}
	return n
}

// Claims are what became of a record's leaves when it was written.
type Claims map[plan.Place]claim

// Afresh makes ready to write a record again as a document, and gives what became of its leaves before.
func (rec *Record) Afresh() Claims {
	was := rec.claims
	rec.claims = nil
	return was
}

// Restore takes back what Afresh gave.
func (rec *Record) Restore(c Claims) { rec.claims = c }

// TakeBack takes added codings away for which leaves of the record lost their places in the document, which is to be written again then: first
// those that stand beside such leaves, else those of their resources, else all. It says how many.
func (rec *Record) TakeBack(before Claims) (n int) {
	lower, resources := map[plan.Place]bool{}, map[*Resource]bool{}
	rec.EachLeaf(func(l *Leaf) {
		if p := plan.PlaceOf(l.Value); l.State < before[p].state {
			lower[p], resources[l.Resource] = true, true
		}
	})
	if len(lower) == 0 {
		return 0
	}
	take := func(which func(a *addition) bool) {
		for i := range rec.additions {
			if a := &rec.additions[i]; !a.gone && which(a) {
				a.gone = true
				n += len(a.concept.Coding) - a.own
				a.concept.Coding = a.concept.Coding[:a.own:a.own]
			}
		}
	}
	for _, which := range []func(a *addition) bool{
		func(a *addition) (yes bool) {
			v := reflect.ValueOf(a.concept).Elem()
			leaves(v, plan.Of(v.Type()), func(leaf reflect.Value) { yes = yes || lower[plan.PlaceOf(leaf)] })
			return yes
		},
		func(a *addition) bool { return resources[a.in] },
		func(*addition) bool { return true },
	} {
		if take(which); n > 0 {
			break
		}
	}
	return n
}

// UnplacedCodings counts the added codings for which the document had no place.
func (rec *Record) UnplacedCodings() (n int) {
	for _, a := range rec.additions {
		for _, x := range a.concept.Coding[a.own:] {
			if rec.claims[plan.PlaceAt(x.Code)].state < tree.Folded {
				n++
			}
		}
	}
	return n
}

// Added says that extensions are no leaves of the record: they state what its source does not.
func (rec *Record) Added(list []*dpb.Extension) {
	if len(list) > 0 && rec.added == nil {
		rec.added = map[plan.Place]bool{}
	}
	for _, x := range list {
		e := reflect.ValueOf(x).Elem()
		leaves(e, plan.Of(e.Type()), func(leaf reflect.Value) { rec.added[plan.PlaceOf(leaf)] = true })
	}
}
