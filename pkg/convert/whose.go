package convert

import (
	"cmp"
	"reflect"
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	papb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// This file keeps out of a document or a message what is about somebody else than its patient (law 3): what stands in it is the patient's, whatever
// FHIR said. A resource is about somebody else if it names one, and none of those whom it names is the patient:
//
//	who is not in the record         by id, by a number, or by words alone, of which nobody knows whose they are
//	another patient                  but one whom the patient replaces, or who is here twice, is the patient
//	a group, a device, a place       water of a well has results too
//	somebody else by its focus       a relative, a donor: the subject is then only whose record it is in
//
// One that names nobody is the patient's, as web.byPatient has it.

// OfAnother is why it is not there.
const OfAnother = "it is about somebody or something else than the patient, and would stand there as the patient's"

// aboutElements are those by which resources name whom they are about.
var aboutElements = []string{"subject", "patient", "beneficiary", "individual", "for", "focus"}

// WithoutOthers is a record without what is about somebody else than its patients, which it declines: see the top of this file. patients are those
// whose document or message it becomes; if there are none it is about the one who is named first. The record itself is returned if all is theirs, else
// an Excerpt, and how many resources of each type are left out.
func WithoutOthers(rec *mapping.Record, patients []*mapping.Resource) (*mapping.Record, map[string]int) {
	w := whose{rec: rec, patients: patients}
	var places []int
	out := map[string]int{}
	for i, r := range rec.Resources {
		switch {
		case r.Inside():
		case w.isAnothers(r):
			rec.Decline(i, OfAnother)
			out[r.Type()]++
		default:
			places = append(places, i)
		}
	}
	if len(out) == 0 {
		return rec, nil
	}
	return rec.Excerpt(places), out
}

// whose tells what is a patient's.
type whose struct {
	rec      *mapping.Record
	patients []*mapping.Resource
	named    string // the patient, where none is here
}

func (w *whose) isAnothers(r *mapping.Resource) bool {
	if r.Type() == "Patient" {
		return false // it has no place of its own in what is about another
	}
	v := reflect.ValueOf(r.Msg).Elem()
	t := plan.Of(v.Type())
	for _, name := range aboutElements {
		e := t.Element(name)
		if e == nil || e.Choice != nil {
			continue
		}
		any, met := false, false
		for i := range e.Len(v) {
			ref := plan.As[dpb.Reference](e.At(v, i))
			if ref == nil {
				continue
			}
			_, typ := w.rec.Resolve(r, ref)
			his := w.isPatient(r, ref)
			if name == "focus" && !his && slices.Contains(anothers, typ) {
				return true
			}
			any, met = true, met || his || name == "focus"
		}
		if any && !met {
			return true
		}
	}
	return false
}

// anothers are the types of those who have results of their own, and no type: of words, or a link to nobody knows what. A finding, a specimen or a
// device in focus is the patient's.
var anothers = []string{"", "Patient", "RelatedPerson", "Person", "Group", "Practitioner", "PractitionerRole", "Location"}

// isPatient reports a reference to a patient whom the record is about.
func (w *whose) isPatient(from *mapping.Resource, ref *dpb.Reference) bool {
	to, typ := w.rec.Resolve(from, ref)
	if to != nil {
		return slices.ContainsFunc(w.patients, func(p *mapping.Resource) bool { return w.same(p, to) })
	}
	if len(w.patients) > 0 {
		return false
	}
	if typ != "" && typ != "Patient" {
		return false
	}
	key, ok := fhir.IdentifierKey(ref)
	if !ok {
		key, _ = fhir.ReferenceKey(fhir.ReferenceText(ref))
	}
	key = cmp.Or(key, ref.GetIdentifier().GetValue().GetValue(), ref.GetDisplay().GetValue())
	w.named = cmp.Or(w.named, key)
	return key == w.named
}

// same reports two resources of one person: of whom one replaces the other, who is here twice by his id or number, or of whom each statement
// contains a copy.
func (w *whose) same(a, b *mapping.Resource) bool {
	x, ok := a.Msg.(*papb.Patient)
	y, also := b.Msg.(*papb.Patient)
	switch {
	case a == b:
		return true
	case !ok || !also:
		return false
	case !a.Inside() && !b.Inside():
		return a.ID != "" && a.ID == b.ID && (a.FullURL == b.FullURL || a.FullURL == "" || b.FullURL == "") || w.replaces(a, x, b) || w.replaces(b, y, a)
	}
	keys := fhir.IdentifierKeys(x)
	for _, key := range fhir.IdentifierKeys(y) {
		if slices.Contains(keys, key) {
			return true
		}
	}
	x, y = proto.Clone(x).(*papb.Patient), proto.Clone(y).(*papb.Patient)
	x.Id, y.Id = nil, nil
	return proto.Equal(x, y)
}

func (w *whose) replaces(from *mapping.Resource, p *papb.Patient, to *mapping.Resource) bool {
	return slices.ContainsFunc(replaced(p), func(ref *dpb.Reference) bool {
		other, _ := w.rec.Resolve(from, ref)
		return other == to
	})
}
