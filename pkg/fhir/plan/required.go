package plan

import "sync"

// Required are the elements of a type itself that FHIR wants (min is 1 or more); a primitive has none.
func (t *Type) Required() []*Element { return t.required }

// Wanted are the elements of a type that FHIR wants (min is 1 or more), and those below which it wants something: whoever looks for what
// is missing looks only there. Primitives, Reference.reference and contained resources are left out.
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
	if e.RefText || e.Name == "contained" {
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
