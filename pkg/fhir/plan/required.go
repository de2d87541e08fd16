package plan

import "sync"

// Wanted are the elements of a type that FHIR wants (min is 1 or more), or below which it wants something: where a required element
// may be missing, whoever looks for it looks only there. Extensions and contained resources are left out.
func (t *Type) Wanted() []*Element {
	t.wantedOnce.Do(func() {
		for _, e := range t.Elements {
			if e.RefText || e.Name == "extension" || e.Name == "contained" {
				continue
			}
			if e.Required && e.Choice == nil || e.Choice == nil && wants(e.Type()) {
				t.wanted = append(t.wanted, e)
				continue
			}
			for _, a := range e.Choice {
				if wants(a.Type()) {
					t.wanted = append(t.wanted, e)
					break
				}
			}
		}
	})
	return t.wanted
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

// search looks through all types below t; what was seen is looked through by the caller.
func search(t *Type, seen map[*Type]bool) bool {
	if seen[t] || t.Kind == Primitive || t.Kind == Packed || t.Kind == Contained {
		return false
	}
	seen[t] = true
	for _, e := range t.Elements {
		if e.RefText || e.Name == "extension" || e.Name == "contained" {
			continue
		}
		if e.Choice == nil && (e.Required || search(e.Type(), seen)) {
			return true
		}
		for _, a := range e.Choice {
			if search(a.Type(), seen) {
				return true
			}
		}
	}
	return false
}
