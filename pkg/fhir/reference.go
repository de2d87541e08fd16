package fhir

import (
	"reflect"
	"strings"
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// refMembers are the members of Reference.reference by the type of resource.
var refMembers = sync.OnceValue(func() *plan.Element {
	return plan.Of(reflect.TypeFor[dpb.Reference]()).Element("reference")
})

// SetReference makes r lead to what a text says: #x and Type/id become the hub's own members, as jsonformat has them;
// everything else is kept as it is.
func SetReference(r *dpb.Reference, text string) {
	if len(text) > 1 && text[0] == '#' {
		r.Reference = &dpb.Reference_Fragment{Fragment: &dpb.String{Value: text[1:]}}
		return
	}
	if typ, rest, ok := strings.Cut(text, "/"); ok && typ != "" && typ[0] >= 'A' && typ[0] <= 'Z' {
		id, version, versioned := strings.Cut(rest, "/_history/")
		if id != "" && strings.IndexByte(id, '/') < 0 && versioned == (version != "") && strings.IndexByte(version, '/') < 0 && setTyped(r, typ, id, version) {
			return
		}
	}
	r.Reference = &dpb.Reference_Uri{Uri: &dpb.String{Value: text}}
}

// setTyped makes r lead to Type/id; false if FHIR has no such type.
func setTyped(r *dpb.Reference, typ, id, version string) bool {
	x := &dpb.ReferenceId{Value: id}
	if version != "" {
		x.History = &dpb.Id{Value: version}
	}
	switch typ { // what most references of a record lead to
	case "Patient":
		r.Reference = &dpb.Reference_PatientId{PatientId: x}
	case "Encounter":
		r.Reference = &dpb.Reference_EncounterId{EncounterId: x}
	case "Practitioner":
		r.Reference = &dpb.Reference_PractitionerId{PractitionerId: x}
	case "Organization":
		r.Reference = &dpb.Reference_OrganizationId{OrganizationId: x}
	case "Observation":
		r.Reference = &dpb.Reference_ObservationId{ObservationId: x}
	default:
		e := refMembers()
		a := e.References()[typ]
		if a == nil || a.GoType() != reflect.TypeFor[dpb.ReferenceId]() {
			return false
		}
		e.Choose(reflect.ValueOf(r).Elem(), a, reflect.ValueOf(x).Elem())
	}
	return true
}

// ReferenceText is what Reference.reference says in JSON: Patient/1, #x, urn:uuid:...; empty if it says nothing.
func ReferenceText(r *dpb.Reference) string { return string(appendReference(nil, r)) }

// appendReference appends the text of Reference.reference as it is, without quotes.
func appendReference(b []byte, r *dpb.Reference) []byte {
	typ := ""
	var id *dpb.ReferenceId
	switch m := r.GetReference().(type) {
	case nil:
		return b
	case *dpb.Reference_Uri:
		return append(b, m.Uri.GetValue()...)
	case *dpb.Reference_Fragment:
		if m.Fragment.GetValue() == "" && len(m.Fragment.GetExtension()) > 0 {
			return b
		}
		return append(append(b, '#'), m.Fragment.GetValue()...)
	case *dpb.Reference_PatientId:
		typ, id = "Patient", m.PatientId
	case *dpb.Reference_EncounterId:
		typ, id = "Encounter", m.EncounterId
	case *dpb.Reference_PractitionerId:
		typ, id = "Practitioner", m.PractitionerId
	case *dpb.Reference_OrganizationId:
		typ, id = "Organization", m.OrganizationId
	case *dpb.Reference_ObservationId:
		typ, id = "Observation", m.ObservationId
	default:
		v, a := refMembers().Chosen(reflect.ValueOf(r).Elem())
		if a == nil {
			return b
		}
		typ, id = a.Name, v.Addr().Interface().(*dpb.ReferenceId)
	}
	if id.GetValue() == "" {
		return b
	}
	b = append(append(append(b, typ...), '/'), id.GetValue()...)
	if h := id.GetHistory().GetValue(); h != "" {
		b = append(append(b, "/_history/"...), h...)
	}
	return b
}
