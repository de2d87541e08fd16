package mapping

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	locpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/location_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	papb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	prpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file follows references that name what they lead to by its number instead of an id: in transactions, and between servers. Where nobody in the
// record has the number, what the reference itself says of a person, an organization or a place (its number, its display) is all that the record
// says of who did a thing, and a document that left it out would be of nobody. Rows write resources; so a resource stands in for the one elsewhere.

// named is a reference that names its target so, and what it leads to.
type named struct {
	ref *dpb.Reference
	to  *Resource
}

// LinkNamed makes the references of a record lead to whom they name: to the one resource that has the number, else to a stand-in, which is
// no resource of the record for those who ask for its leaves. It is for records that are to be written as documents.
func (rec *Record) LinkNamed() {
	rec.index(0)
	var numbers numbered
	own := rec.Resources
	rec.byText, rec.byRef = map[string]*Resource{}, map[*dpb.Reference]*Resource{}
	x := run{rec: rec}
	for _, r := range own {
		if r.Wrapped() {
			continue
		}
		x.within = cmp.Or(r.inside, r)
		fhir.ReferencesTo(r.Msg, func(ref *dpb.Reference, targets []string) {
			text := fhir.ReferenceText(ref)
			if strings.HasPrefix(text, "#") || text == "" && ref.Identifier == nil && ref.Type == nil || x.resolve(reflect.ValueOf(ref).Elem()) != nil {
				return
			}
			typ, system, value := fhir.NumberOf(ref)
			if typ == "" && len(targets) == 1 && targets[0] != "Resource" {
				typ = targets[0]
			}
			if numbers == nil {
				numbers = numbersOf(own)
			}
			var to *Resource
			if system != "" && value != "" { // a number without a system may be anybody's
				to = numbers.find(typ, targets, system+"|"+value)
			}
			key := cmp.Or(text, typ+"?"+system+"|"+value+"|"+ref.GetDisplay().GetValue())
			if to == nil {
				to = rec.byText[key]
			}
			if to == nil {
				if to = standIn(typ, system, value, ref); to == nil {
					return
				}
				rec.Add(to)
			}
			rec.byText[key], rec.byRef[ref] = to, to
			rec.named = append(rec.named, named{ref, to})
		})
	}
	rec.byID, rec.byType, rec.claims, rec.root = nil, nil, nil, nil // there are more now
}

// numbered are resources by their numbers, with and without their types; nil of a number that several have.
type numbered map[string]*Resource

// find is whom a number leads to that has one of the types that the reference may lead to, nil if there are several.
func (numbers numbered) find(typ string, targets []string, number string) (to *Resource) {
	if len(targets) == 0 || slices.Contains(targets, "Resource") {
		return numbers[typ+"?"+number]
	}
	for _, t := range targets {
		if has := numbers[t+"?"+number]; has != nil && (typ == "" || typ == t) {
			if to != nil {
				return nil
			}
			to = has
		}
	}
	return to
}

func numbersOf(resources []*Resource) numbered {
	numbers := numbered{}
	for _, r := range resources {
		x, ok := r.Msg.(interface{ GetIdentifier() []*dpb.Identifier })
		if !ok || r.inside != nil {
			continue
		}
		for _, id := range x.GetIdentifier() {
			for _, typ := range []string{r.info.Name, ""} {
				key := typ + "?" + id.GetSystem().GetValue() + "|" + id.GetValue().GetValue()
				switch have, known := numbers[key]; {
				case !known:
					numbers[key] = r
				case have != nil && !have.isTwin(r):
					numbers[key] = nil
				}
			}
		}
	}
	return numbers
}

// isTwin reports a resource that is another one, or the same once more: by its id, or since one replaces the other.
func (r *Resource) isTwin(other *Resource) bool {
	if r == other || r.ID != "" && r.ID == other.ID && r.info == other.info {
		return true
	}
	x, ok := r.Msg.(*papb.Patient)
	y, also := other.Msg.(*papb.Patient)
	leads := func(p *papb.Patient, id string) bool {
		return slices.ContainsFunc(p.Link, func(l *papb.Patient_Link) bool {
			return id != "" && strings.TrimPrefix(fhir.ReferenceText(l.Other), "Patient/") == id
		})
	}
	return ok && also && (leads(x, other.ID) || leads(y, r.ID))
}

// standIn is a resource that says what a reference says of its target, nil if that is not much or the type is not known.
func standIn(typ, system, value string, ref *dpb.Reference) *Resource {
	id := ref.Identifier
	if id == nil && value != "" {
		id = &dpb.Identifier{Value: &dpb.String{Value: value}}
		if system != "" {
			id.System = &dpb.Uri{Value: system}
		}
	}
	var ids []*dpb.Identifier
	if id != nil {
		ids = []*dpb.Identifier{proto.Clone(id).(*dpb.Identifier)}
	}
	var name *dpb.String
	if text := ref.GetDisplay().GetValue(); text != "" {
		name = &dpb.String{Value: text}
	} else if id == nil {
		return nil
	}
	var m proto.Message
	switch typ {
	case "Practitioner", "PractitionerRole": // somebody in a role is somebody
		p := &prpb.Practitioner{Identifier: ids}
		if name != nil {
			p.Name = []*dpb.HumanName{{Text: name}}
		}
		m = p
	case "Organization":
		m = &opb.Organization{Identifier: ids, Name: name}
	case "Location":
		m = &locpb.Location{Identifier: ids, Name: name}
	default:
		return nil
	}
	r := wrapResource(m)
	r.standIn, r.called = true, name
	return r
}

// StandIn reports a resource that stands in for one elsewhere, of which a reference says a name or a number.
func (r *Resource) StandIn() bool { return r.standIn }

const (
	standsFor   = "the record says no more of what it leads to, which comes back as a resource"
	isItsNumber = "what it leads to says this number of itself"
)

// settleNamed says of the references in rec.named what became of what they say of their targets.
func (rec *Record) settleNamed() {
	// follow says of what the reference says that it is in the document where what its target has of it is.
	follow := func(said, has proto.Message, why string) {
		v, w := reflect.ValueOf(said), reflect.ValueOf(has)
		if !v.IsNil() && !w.IsNil() && rec.claims[plan.PlaceOf(w.Elem())].state >= tree.Folded {
			rec.Claim(v.Elem(), tree.Folded, why)
		}
	}
	for _, n := range rec.named {
		place := plan.PlaceAt(n.ref)
		written := rec.claims[place]
		if written.state < tree.Folded {
			continue // what it leads to has its place from another reference, or none
		}
		if n.to.standIn {
			written.state, written.why = tree.Folded, standsFor
			rec.claims[place] = written
			if n.to.called.GetValue() == n.ref.GetDisplay().GetValue() {
				follow(n.ref.Display, n.to.called, standsFor)
			}
		}
		id := n.ref.Identifier
		if id == nil {
			continue
		}
		for _, have := range n.to.Msg.(interface{ GetIdentifier() []*dpb.Identifier }).GetIdentifier() {
			if have.GetValue().GetValue() == id.GetValue().GetValue() && have.GetSystem().GetValue() == id.GetSystem().GetValue() {
				follow(id.Value, have.Value, isItsNumber)
				follow(id.System, have.System, isItsNumber)
			}
		}
	}
}
