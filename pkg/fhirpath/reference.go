package fhirpath

import (
	"reflect"
	"strings"
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Reference.reference is no field of the hub: its text is put together from one of 150 members. What can be said from the member
// alone is said without making the text.

var referenceElement = sync.OnceValue(func() *plan.Element { return plan.Of(reflect.TypeFor[dpb.Reference]()).Element("reference") })

// referenceMember is what holds the text and its extensions: a String, a Uri or a ReferenceId, with the kind of reference.
func referenceMember(v reflect.Value) (reflect.Value, *plan.Alt) { return referenceElement().Chosen(v) }

func referenceHasValue(v reflect.Value) bool {
	m, a := referenceMember(v)
	return a != nil && a.Type().Prim.HasValue(m)
}

// referenceParts are the pieces of the text: "", "#" or "Patient/"; then the id, uri or fragment; then "/_history/" and the version.
func referenceParts(v reflect.Value) (head, slash, id, history, version string) {
	r := v.Addr().Interface().(*dpb.Reference)
	switch m := r.Reference.(type) {
	case nil:
		return
	case *dpb.Reference_Uri:
		return "", "", m.Uri.GetValue(), "", ""
	case *dpb.Reference_Fragment:
		return "#", "", m.Fragment.GetValue(), "", ""
	}
	m, a := referenceMember(v)
	if a == nil {
		return
	}
	x := m.Addr().Interface().(*dpb.ReferenceId)
	if h := x.GetHistory().GetValue(); h != "" {
		return a.Name, "/", x.GetValue(), "/_history/", h
	}
	return a.Name, "/", x.GetValue(), "", ""
}

// referenceText is the text; with a context in its memory, else in its own.
func (c *Context) referenceText(v reflect.Value) string {
	head, slash, id, history, version := referenceParts(v)
	if head == "" {
		return id
	}
	if c == nil {
		return fhir.ReferenceText(v.Addr().Interface().(*dpb.Reference))
	}
	return c.concat(head, slash, id, history, version)
}

// referenceIs compares the text with another, and referenceHasPrefix its beginning; neither makes the text.
func referenceIs(v reflect.Value, s string) bool {
	head, slash, id, history, version := referenceParts(v)
	return len(s) == len(head)+len(slash)+len(id)+len(history)+len(version) && eatAll(s, head, slash, id, history, version)
}

func eatAll(s string, parts ...string) bool {
	for _, p := range parts {
		var ok bool
		if s, ok = strings.CutPrefix(s, p); !ok {
			return false
		}
	}
	return true
}

func referenceHasPrefix(v reflect.Value, prefix string) bool {
	head, slash, id, history, version := referenceParts(v)
	for _, p := range [...]string{head, slash, id, history, version} {
		if len(prefix) <= len(p) {
			return strings.HasPrefix(p, prefix)
		}
		if !strings.HasPrefix(prefix, p) {
			return false
		}
		prefix = prefix[len(p):]
	}
	return false
}
