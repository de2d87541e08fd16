package fhir

import (
	"net/url"
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
		a := e.Member(typ)
		if a == nil || a.GoType() != reflect.TypeFor[dpb.ReferenceId]() {
			return false
		}
		e.Choose(reflect.ValueOf(r).Elem(), a, reflect.ValueOf(x).Elem())
	}
	return true
}

// RefStyle is how references between the resources of a record are written.
type RefStyle uint8

const (
	RefURN      RefStyle = iota // urn:uuid:<id>, as in bundles
	RefRelative                 // Type/<id>, as in NDJSON and on a server
)

// RefTo makes ref lead to the resource of a type with an id.
func RefTo(ref *dpb.Reference, typ, id string, style RefStyle) {
	if style == RefURN {
		ref.Reference = &dpb.Reference_Uri{Uri: &dpb.String{Value: FullURL(typ, id)}}
	} else if id == "" || !setTyped(ref, typ, id, "") {
		ref.Reference = &dpb.Reference_Uri{Uri: &dpb.String{Value: typ + "/" + id}}
	}
}

// FullURL is the fullUrl of a resource in our bundles: urn:uuid:<id>. An id that is no UUID gets one that depends on nothing
// but the type and the id.
func FullURL(typ, id string) string {
	if !IsUUID(id) {
		id = ID("fullUrl", typ, id)
	}
	return urn + id
}

// IsUUID reports the form of a UUID in lower case, which urn:uuid needs in FHIR. Formats that take capitals ask for it in lower case.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// ReferenceText is what Reference.reference says in JSON: Patient/1, #x, urn:uuid:...; empty if it says nothing.
func ReferenceText(r *dpb.Reference) string { return string(AppendReference(nil, r)) }

// NumberOf is what a reference says instead of an id: the type of what it leads to, as far as it says one, and the system and value of its number, as in
// Patient?identifier=SYSTEM|VALUE, which transactions have, or in the identifier of a reference that has no text. A reference to an id has a type alone.
func NumberOf(ref *dpb.Reference) (typ, system, value string) {
	text := ReferenceText(ref)
	typ = ref.GetType().GetValue()
	if path, query, ok := strings.Cut(text, "?identifier="); ok {
		typ = path
		id, _, _ := strings.Cut(query, "&")
		if plain, err := url.QueryUnescape(id); err == nil {
			id = plain
		}
		if system, value, ok = strings.Cut(id, "|"); !ok {
			system, value = "", id
		}
	} else if text == "" {
		id := ref.GetIdentifier()
		system, value = id.GetSystem().GetValue(), id.GetValue().GetValue()
	} else if path, _, _ := strings.Cut(text, "/_history/"); typ == "" && strings.Contains(path, "/") {
		parts := strings.Split(path, "/")
		typ = parts[len(parts)-2]
	}
	return typ[strings.LastIndexByte(typ, '/')+1:], system, value
}

// AppendReference is ReferenceText for those who only look at it: a reference is asked for many times, and with a buffer of the caller's no text is made.
func AppendReference(b []byte, r *dpb.Reference) []byte {
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

// referenceExtras are the id and extensions of Reference.reference, which the hub keeps at the oneof's member.
func referenceExtras(r *dpb.Reference) (*dpb.String, []*dpb.Extension) {
	switch m := r.Reference.(type) {
	case nil:
	case *dpb.Reference_Uri:
		return m.Uri.GetId(), m.Uri.GetExtension()
	case *dpb.Reference_Fragment:
		return m.Fragment.GetId(), m.Fragment.GetExtension()
	default:
		if v, a := refMembers().Chosen(reflect.ValueOf(r).Elem()); a != nil {
			x := v.Addr().Interface().(*dpb.ReferenceId)
			return x.Id, x.Extension
		}
	}
	return nil, nil
}

func setReferenceExtras(r *dpb.Reference, id *dpb.String, ext []*dpb.Extension) {
	if id == nil && len(ext) == 0 {
		return
	}
	v, a := refMembers().Chosen(reflect.ValueOf(r).Elem())
	if a == nil {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *dpb.String:
		x.Id, x.Extension = id, ext
	case *dpb.ReferenceId:
		x.Id, x.Extension = id, ext
	}
}
