package fhirpath

import (
	"reflect"
	"strconv"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Place is where an item stands in the document, as findings write it: Patient.name[0].given[1], Bundle.entry[2].resource.status,
// Observation.valueQuantity. It is empty for values that were made, and for elements of another document.
//
// It looks through the whole of %rootResource, or of what the last expression was run on if there is none: it is for what is to be
// reported.
func (c *Context) Place(v Value) string {
	root := c.scope.root
	if root.kind() != Node {
		root = c.scope.context
	}
	return c.PlaceIn(root, v)
}

// PlaceIn is Place within another element than the root.
func (c *Context) PlaceIn(root, v Value) string {
	if v.kind() != Node || root.kind() != Node {
		return ""
	}
	s := placer{c: c, want: v.v.Addr().Pointer(), reference: v.isReference()}
	if !s.look([]byte(root.t.Name), root.t, root.v) {
		return ""
	}
	return string(s.found)
}

type placer struct {
	c         *Context
	want      uintptr
	reference bool
	found     []byte
}

// look searches v, whose path is path.
func (s *placer) look(path []byte, t *plan.Type, v reflect.Value) bool {
	if v.Addr().Pointer() == s.want {
		if s.reference {
			path = append(path, ".reference"...)
		}
		s.found = path
		return true
	}
	for _, e := range t.Elements {
		f := v.Field(e.Index)
		switch e.Shape {
		case plan.List:
			for i := range f.Len() {
				if s.look(item(path, e.Name, i), e.Type(), f.Index(i).Elem()) {
					return true
				}
			}
		case plan.One:
			if !f.IsNil() && s.look(element(path, e.Name), e.Type(), f.Elem()) {
				return true
			}
		case plan.ReferenceText:
			if x, a := e.Chosen(v); a != nil && s.look(element(path, e.Name), a.Type(), x) {
				return true
			}
		case plan.ChoiceOf:
			if x, a := e.Chosen(v); a != nil && s.look(element(path, a.Name), a.Type(), x) {
				return true
			}
		case plan.ResourceOf:
			if f.IsNil() {
				continue
			}
			if x, a := plan.ContainedType().Resource(f.Elem()); a != nil && s.look(element(path, e.Name), a.Type(), x) {
				return true
			}
		case plan.PackedOne:
			if a, _ := f.Interface().(*anypb.Any); a != nil && s.packed(element(path, e.Name), a) {
				return true
			}
		case plan.PackedList:
			for i := range f.Len() {
				if s.packed(item(path, e.Name, i), f.Index(i).Interface().(*anypb.Any)) {
					return true
				}
			}
		}
	}
	return false
}

func (s *placer) packed(path []byte, a *anypb.Any) bool {
	r := s.c.unpack(a)
	return r.kind() == Node && s.look(path, r.t, r.v)
}

func element(path []byte, name string) []byte {
	return append(append(path[:len(path):len(path)], '.'), name...)
}

func item(path []byte, name string, i int) []byte {
	return append(strconv.AppendInt(append(element(path, name), '['), int64(i), 10), ']')
}
