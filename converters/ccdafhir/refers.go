package ccdafhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	compb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	docpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/document_reference_go_proto"
	gpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/goal_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// An Entry Reference, E.122, names another statement of the document by its id. The act stays where it stands, in an extension of the statement
// around it, from which it comes back; beside it that statement's resource leads to what was made of the other: by Goal.addresses, by the
// evidence of a health concern, else by an extension of ours. An id that two resources bear leads nowhere. An encounter that a statement names in the
// same way is that of its resource.

const (
	entryReference = entries + "122"
	refersURL      = ownExtensions + "refers-to"

	visitComponentURL = ownExtensions + "visit-component"
)

type statementID struct{ system, value string }

func readEntryReferences(c *mapping.Context, _ tree.Node, dst proto.Message) bool {
	document, ok := dst.(*compb.Composition)
	if !ok || !slices.ContainsFunc(c.Resources(), func(r *mapping.Resource) bool { return len(referredIDs(r.Msg))+len(visitIDs(r.Msg)) > 0 }) {
		return false
	}
	c.Elsewhere()
	by := map[statementID]*mapping.Resource{}
	name := func(ids []*dpb.Identifier, r *mapping.Resource) {
		for _, id := range ids {
			key := statementID{id.GetSystem().GetValue(), id.GetValue().GetValue()}
			if have, there := by[key]; key.value != "" && there && have != r {
				by[key] = nil
			} else if key.value != "" {
				by[key] = r
			}
		}
	}
	of := map[proto.Message]*mapping.Resource{}
	for _, r := range c.Resources() {
		switch of[r.Msg] = r; plan.OfMessage(r.Msg).Name {
		case "Composition", "Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "RelatedPerson":
		default:
			name(identifiersOf(r.Msg), r)
		}
	}
	eachSection(document.Section, func(s *compb.Composition_Section) {
		for _, ref := range s.Entry {
			for _, x := range ref.Extension {
				if matters := concernedBy(x); x.GetUrl().GetValue() == concernURL && len(matters) == 1 {
					if r := of[c.Led(matters[0])]; r != nil { // the one problem that is the concern
						name(idsWithin(x), r)
					}
				}
			}
		}
	})
	for _, r := range c.Resources() {
		for _, id := range referredIDs(r.Msg) {
			if to := by[statementID{id.GetSystem().GetValue(), id.GetValue().GetValue()}]; to != nil && to != r {
				referTo(c, r, to)
			}
		}
		for _, id := range visitIDs(r.Msg) {
			to := by[statementID{id.GetSystem().GetValue(), id.GetValue().GetValue()}]
			if to == nil || plan.OfMessage(to.Msg).Name == "Encounter" {
				visit(c, r, to, id)
			}
		}
	}
	return false
}

// visit lets a resource lead to an encounter, by its id alone where the document says no more of it.
func visit(c *mapping.Context, r, to *mapping.Resource, id *dpb.Identifier) {
	ref := &dpb.Reference{}
	var marked proto.Message = ref
	if d, ok := r.Msg.(*docpb.DocumentReference); ok {
		switch {
		case d.Context == nil:
			d.Context = &docpb.DocumentReference_Context{}
			marked = d.Context
		case isDerived(d.Context): // as a whole
			d.Context.Extension = slices.DeleteFunc(d.Context.Extension, isMark)
			marked = d.Context
		}
		d.Context.Encounter = append(d.Context.Encounter, ref)
	} else {
		m := r.Msg.ProtoReflect()
		f := m.Descriptor().Fields().ByName("encounter")
		if f == nil || f.IsList() || m.Has(f) {
			return
		}
		m.Set(f, protoreflect.ValueOfMessage(ref.ProtoReflect()))
	}
	if to != nil {
		c.ReferTo(ref, to)
	} else {
		ref.Identifier = proto.CloneOf(id)
	}
	markDerived(marked)
}

// visitIDs are the ids of encounters that a resource's statement names, by themselves or as a component of an organizer.
func visitIDs(m proto.Message) (ids []*dpb.Identifier) {
	for _, x := range slices.Concat(relatedAs(m, "visit"), partsAs(m, visitComponentURL, "visit")) {
		ids = append(ids, idsWithin(x)...)
	}
	return ids
}

// referTo lets a resource lead to another.
func referTo(c *mapping.Context, r, to *mapping.Resource) {
	ref := &dpb.Reference{}
	c.ReferTo(ref, to)
	switch d := r.Msg.(type) {
	case *gpb.Goal:
		switch plan.OfMessage(to.Msg).Name {
		case "Condition", "Observation", "MedicationStatement", "ServiceRequest":
			markDerived(ref)
			d.Addresses = append(d.Addresses, ref)
			return
		}
	case *cpb.Condition:
		if hasTemplate(d, entries+"132") || hasTemplate(d, entries+"136") {
			e := &cpb.Condition_Evidence{Detail: []*dpb.Reference{ref}}
			markDerived(e)
			d.Evidence = append(d.Evidence, e)
			return
		}
	}
	markDerived(ref)
	extend(r.Msg, &dpb.Extension{Url: &dpb.Uri{Value: refersURL}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Reference{Reference: ref}}})
}

// referredIDs are the ids that the Entry References within a resource's statement name.
func referredIDs(m proto.Message) (ids []*dpb.Identifier) {
	list := extensions(m)
	if list == nil || plan.OfMessage(m).Name == "Basic" {
		return nil
	}
	for _, act := range statementsWithin(*list) {
		if isTemplate(act.Extension, entryReference) {
			ids = append(ids, idsWithin(act)...)
		}
	}
	return ids
}

func idsWithin(x *dpb.Extension) (ids []*dpb.Identifier) {
	for _, y := range x.Extension {
		if id := y.GetValue().GetIdentifier(); id != nil && y.GetUrl().GetValue() == "identifier" {
			ids = append(ids, id)
		}
	}
	return ids
}

// identifiersOf are the identifiers of a resource.
func identifiersOf(m proto.Message) (ids []*dpb.Identifier) {
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByName("identifier")
	if f == nil {
		return nil
	}
	if !f.IsList() {
		if id, ok := r.Get(f).Message().Interface().(*dpb.Identifier); ok && r.Has(f) {
			ids = append(ids, id)
		}
		return ids
	}
	for i := range r.Get(f).List().Len() {
		if id, ok := r.Get(f).List().Get(i).Message().Interface().(*dpb.Identifier); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
