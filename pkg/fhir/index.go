package fhir

import (
	"cmp"
	"reflect"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Located is a resource and the URL that its bundle gives it, if any.
type Located struct {
	FullURL  string
	Resource proto.Message
}

// Index finds the resources of a record by the references between them, by the rules for bundles (bundle.html#references).
// It is for one goroutine.
type Index struct {
	Contained Contained // the contained resources that were looked into

	byURL map[string]proto.Message // fullUrl, without version
	byID  map[string]Located       // Type/id
	of    map[proto.Message]string // fullUrl
}

// NewIndex indexes resources. Of two with the same URL or the same type and id the first is found.
func NewIndex(all ...Located) *Index {
	x := &Index{byURL: make(map[string]proto.Message, len(all)), byID: make(map[string]Located, len(all)), of: make(map[proto.Message]string, len(all))}
	for _, l := range all {
		x.Add(l)
	}
	return x
}

// IndexBundle indexes the entries of a bundle.
func IndexBundle(b *rpb.Bundle) *Index {
	x := NewIndex()
	for _, e := range b.GetEntry() {
		if m := Unwrap(e.GetResource()); m != nil {
			x.Add(Located{e.GetFullUrl().GetValue(), m})
		}
	}
	return x
}

// Add indexes one more resource.
func (x *Index) Add(l Located) {
	if l.Resource == nil {
		return
	}
	x.of[l.Resource] = l.FullURL
	id := IDOf(l.Resource)
	u := urlOf(l.FullURL, id)
	if u != "" && x.byURL[u] == nil {
		x.byURL[u] = l.Resource
	}
	if id != "" {
		key := TypeOf(l.Resource) + "/" + id
		if x.byID[key].Resource == nil {
			x.byID[key] = l
		}
	}
}

// urlOf is the URL that references use: the fullUrl without version; without one a UUID's urn, as our own bundles call it.
func urlOf(fullURL, id string) string {
	u, _, _ := strings.Cut(fullURL, "/_history/")
	if u == "" && IsUUID(id) {
		u = "urn:uuid:" + id
	}
	return u
}

// IDOf is the id of a resource, empty if it has none.
func IDOf(m proto.Message) string {
	if r, ok := m.(interface{ GetId() *dpb.Id }); ok {
		return r.GetId().GetValue()
	}
	return ""
}

// Resolve finds what a reference leads to, nil if it is not in the record. within is the resource that has the reference, of a
// contained resource the one that contains it.
func (x *Index) Resolve(ref *dpb.Reference, within proto.Message) proto.Message {
	return x.Find(ReferenceText(ref), within)
}

// Find is Resolve for the text of a reference, or of a canonical or uri that leads to a resource of the record.
func (x *Index) Find(text string, within proto.Message) proto.Message {
	if text == "" {
		return nil
	}
	if id, ok := strings.CutPrefix(text, "#"); ok {
		return x.fragment(id, within)
	}
	text, _, _ = strings.Cut(text, "/_history/")
	text, fragment, inside := strings.Cut(text, "#")
	m := x.outer(text, within)
	if inside && m != nil {
		return x.fragment(fragment, m)
	}
	return m
}

func (x *Index) outer(text string, within proto.Message) proto.Message {
	return resolve(text, func() string { return x.of[within] }, func(url string) proto.Message { return x.byURL[url] },
		func(key string) (proto.Message, string) { l := x.byID[key]; return l.Resource, l.FullURL })
}

// resolve finds what the text of a reference leads to, by the rules for bundles: within is the fullUrl of the resource that has the
// reference, byURL finds by fullUrl without version, byID by Type/id and gives the fullUrl too. What they do not find is the zero T.
func resolve[T comparable](text string, within func() string, byURL func(string) T, byID func(string) (T, string)) (none T) {
	if m := byURL(text); m != none {
		return m
	}
	if strings.HasPrefix(text, "urn:") {
		return none
	}
	absolute := strings.Contains(text, "://")
	if !absolute {
		if base := RESTBase(within()); base != "" {
			if m := byURL(base + text); m != none {
				return m
			}
		}
		m, _ := byID(text)
		return m
	}
	// An absolute URL of a resource that the record has under no URL, or under a urn: by its ending.
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return none
	}
	j := strings.LastIndexByte(text[:i], '/')
	m, url := byID(text[j+1:])
	if RESTBase(url) != "" {
		return none // it lives on another server
	}
	return m
}

// ReferenceKey is what a reference of resources without fullUrls leads to: Type/id or a urn. ok is false for one that stays
// within its resource.
func ReferenceKey(text string) (key string, ok bool) {
	if text == "" || text[0] == '#' {
		return "", false
	}
	text, _, _ = strings.Cut(text, "/_history/")
	text, _, _ = strings.Cut(text, "#")
	if strings.HasPrefix(text, "urn:") || !strings.Contains(text, "://") {
		return text, true
	}
	i := strings.LastIndexByte(text, '/')
	j := strings.LastIndexByte(text[:max(i, 0)], '/')
	return text[j+1:], true
}

// IdentifierKeys are what references call a resource by its identifiers instead of its id. A number without a system may be anybody's.
func IdentifierKeys(m proto.Message) (keys []string) {
	x, ok := m.(interface{ GetIdentifier() []*dpb.Identifier })
	if !ok {
		return nil
	}
	for _, id := range x.GetIdentifier() {
		if system, value := id.GetSystem().GetValue(), id.GetValue().GetValue(); system != "" && value != "" {
			keys = append(keys, TypeOf(m)+"?"+system+"|"+value)
		}
	}
	return keys
}

// IdentifierKey is what a reference leads to that names a number with its system: see NumberOf.
func IdentifierKey(ref *dpb.Reference) (key string, ok bool) {
	typ, system, value := NumberOf(ref)
	return cmp.Or(typ, "Patient") + "?" + system + "|" + value, system != "" && value != "" // a patient is whom it matters most of
}

// IdentifierKeysOf are what such a reference may lead to that says no type: the same number of each of the types that it may lead to.
func IdentifierKeysOf(ref *dpb.Reference, targets []string) (keys []string) {
	typ, system, value := NumberOf(ref)
	switch {
	case system == "" || value == "":
		return nil
	case typ != "":
		targets = []string{typ}
	case len(targets) == 0 || targets[0] == "Resource":
		targets = []string{"Patient"} // of whom it matters most
	}
	for _, t := range targets {
		keys = append(keys, t+"?"+system+"|"+value)
	}
	return keys
}

// RESTBase is the base of the URL of a resource in a server, empty for a urn and the like.
func RESTBase(url string) string {
	if !strings.Contains(url, "://") {
		return ""
	}
	url, _, _ = strings.Cut(url, "/_history/")
	i := strings.LastIndexByte(url, '/')
	if i < 0 {
		return ""
	}
	j := strings.LastIndexByte(url[:i], '/')
	if plan.ContainedType().ResourceAlt(url[j+1:i]) == nil {
		return ""
	}
	return url[:j+1]
}

// fragment finds a contained resource; an empty id is the container itself.
func (x *Index) fragment(id string, within proto.Message) proto.Message {
	if id == "" || within == nil {
		return within
	}
	all, _ := x.Contained.Of(within)
	for _, m := range all {
		if IDOf(m) == id {
			return m
		}
	}
	return nil
}

// References calls do for each reference of a resource, not for those of resources contained in it.
func References(m proto.Message, do func(*dpb.Reference)) {
	ReferencesTo(m, func(r *dpb.Reference, _ []string) { do(r) })
}

// ReferencesTo gives them with the types of resource that each may lead to: see plan.Element.
func ReferencesTo(m proto.Message, do func(r *dpb.Reference, targets []string)) {
	references(reflect.ValueOf(m).Elem(), plan.OfMessage(m), nil, do)
}

func references(v reflect.Value, t *plan.Type, targets []string, do func(*dpb.Reference, []string)) {
	if t.Kind == plan.Primitive {
		if t.Extension >= 0 && v.Field(t.Extension).Len() == 0 {
			return
		}
	} else if r, ok := v.Addr().Interface().(*dpb.Reference); ok {
		do(r, targets)
	}
	for _, e := range t.Elements {
		if e.RefText || e.Name == "id" {
			continue
		}
		if e.Choice != nil {
			if x, a := e.Chosen(v); a != nil {
				references(x, a.Type(), a.Targets, do)
			}
			continue
		}
		n := e.Len(v)
		if n == 0 {
			continue
		}
		switch st := e.Type(); st.Kind {
		case plan.Packed:
		case plan.Contained:
			for i := range n {
				if r, a := st.Resource(e.At(v, i)); a != nil {
					references(r, a.Type(), nil, do)
				}
			}
		default:
			for i := range n {
				references(e.At(v, i), st, e.Targets, do)
			}
		}
	}
}

// Restyle writes the references of a resource, and of those contained in it, that lead to a resource of the index in another
// style, in the message itself. Others stay as they are.
func (x *Index) Restyle(m proto.Message, style RefStyle) error {
	return restyle(m, style, func(text string) (typ, id string) {
		if to := x.Find(text, m); to != nil {
			return TypeOf(to), IDOf(to)
		}
		return "", ""
	}, func(a *anypb.Any) { delete(x.Contained.known, a) })
}

func restyle(m proto.Message, style RefStyle, find func(text string) (typ, id string), changedContained func(*anypb.Any)) error {
	set := func(changed *bool) func(*dpb.Reference) {
		return func(r *dpb.Reference) {
			text := ReferenceText(r)
			if text == "" || strings.IndexByte(text, '#') >= 0 { // it stays within its resource, or leads into another
				return
			}
			if typ, id := find(text); id != "" {
				sid, ext := referenceExtras(r)
				RefTo(r, typ, id, style)
				setReferenceExtras(r, sid, ext)
				*changed = true
			}
		}
	}
	var changed bool
	References(m, set(&changed))
	t := plan.OfMessage(m)
	if t.Contained < 0 {
		return nil
	}
	packed, _ := reflect.ValueOf(m).Elem().Field(t.Contained).Interface().([]*anypb.Any)
	for _, a := range packed {
		inner, err := Unpack(a)
		if err != nil {
			return err
		}
		changed = false
		if References(inner, set(&changed)); changed {
			p, err := Pack(inner)
			if err != nil {
				return err
			}
			a.TypeUrl, a.Value = p.TypeUrl, p.Value
			changedContained(a)
		}
	}
	return nil
}
