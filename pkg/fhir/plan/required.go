package plan

import (
	"reflect"
	"slices"
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

// Required are the elements of a type itself that FHIR wants (min is 1 or more); a primitive has none.
func (t *Type) Required() []*Element { return t.required }

// Wanted are the elements of a type that FHIR wants (min is 1 or more), and those below which it wants something: whoever looks for what
// is missing looks only there. Primitives, Reference.reference and contained resources are left out, and extensions: all that FHIR wants
// of one is its url, and since every element may have some, nearly every element would have to be looked at for that.
func (t *Type) Wanted() []*Element {
	t.wantedOnce.Do(func() {
		for _, e := range t.Elements {
			if e.wanted(func(t *Type) bool { return wants(t) }) {
				t.wanted = append(t.wanted, e)
			}
		}
	})
	return t.wanted
}

// wanted reports that an element is required, or that something below it is.
func (e *Element) wanted(below func(*Type) bool) bool {
	if e.RefText || e.Name == "contained" || e.goType == extensionType {
		return false
	}
	if e.Required {
		return true
	}
	if e.Choice == nil {
		return below(e.Type())
	}
	for _, a := range e.Choice {
		if below(a.Type()) {
			return true
		}
	}
	return false
}

var wanting sync.Map // *Type -> bool

// wants reports that something is required in a type or below it.
func wants(t *Type) bool {
	if known, ok := wanting.Load(t); ok {
		return known.(bool)
	}
	found := search(t, map[*Type]bool{})
	wanting.Store(t, found)
	return found
}

// search looks through all types below t; those that were seen, the caller looks through.
func search(t *Type, seen map[*Type]bool) bool {
	if seen[t] || t.Kind == Primitive || t.Kind == Packed || t.Kind == Contained {
		return false
	}
	seen[t] = true
	for _, e := range t.Elements {
		if e.wanted(func(t *Type) bool { return search(t, seen) }) {
			return true
		}
	}
	return false
}

// EachReference calls f for the references at and below v, those in extensions aside.
func (t *Type) EachReference(v reflect.Value, f func(*dpb.Reference)) {
	if t.Go == referenceType {
		f(v.Addr().Interface().(*dpb.Reference))
		return
	}
	for _, e := range t.referringElements() {
		if e.Choice != nil {
			if x, a := e.Chosen(v); a != nil {
				a.Type().EachReference(x, f)
			}
			continue
		}
		for i := range e.Len(v) {
			e.Type().EachReference(e.At(v, i), f)
		}
	}
}

var (
	referenceType = reflect.TypeFor[dpb.Reference]()
	extensionType = reflect.TypeFor[dpb.Extension]()
)

// referringElements are the elements that are references or below which there may be some, extensions and contained resources aside.
// Most datatypes have none: to look at everything that a resource holds took a fiftieth of the time that a document took.
func (t *Type) referringElements() []*Element {
	t.referringOnce.Do(func() {
		for _, e := range t.Elements {
			if e.refers(func(t *Type) bool { return leads(t, map[*Type]bool{}) }) {
				t.referring = append(t.referring, e)
			}
		}
	})
	return t.referring
}

// refers reports that an element is a reference, or that there may be one below it.
func (e *Element) refers(below func(*Type) bool) bool {
	if e.RefText || e.Name == "extension" {
		return false
	}
	if e.Choice == nil {
		return below(e.Type())
	}
	return slices.ContainsFunc(e.Choice, func(a *Alt) bool { return below(a.Type()) })
}

// leads reports that there may be a reference at or below a type.
func leads(t *Type, seen map[*Type]bool) bool {
	if t.Go == referenceType {
		return true
	}
	if seen[t] || t.Kind == Primitive || t.Kind == Packed || t.Kind == Contained {
		return false
	}
	seen[t] = true
	return slices.ContainsFunc(t.Elements, func(e *Element) bool { return e.refers(func(t *Type) bool { return leads(t, seen) }) })
}
