package fhirpath

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// step is one step of a path.
type step struct {
	elem   *plan.Element // the element, where the type of the item before it is known
	symbol plan.Symbol   // else its name's number
	named  bool          // by symbol
	filter bool          // keeps items that match want
	want   typeSpec      // of a choice the one type, and of a filter
	narrow bool          // want is set on a choice
	exact  bool          // want is matched as ofType() does, not as is()
	ext    bool          // extension: the hub's own are hidden
	url    string        // of extension(url)
	item   int           // the one item of a list that is wanted, or -1
}

func elementStep(e *plan.Element) step {
	return step{elem: e, item: -1, ext: e.Name == "extension" && e.Owner.Kind == plan.Primitive}
}

func namedStep(name string) step {
	return step{symbol: plan.SymbolOf(name), named: true, item: -1, ext: name == "extension"}
}

// mode says what a walk does with the items that it comes to.
type mode uint8

const (
	walkAll   mode = iota // puts them on the stack
	walkAny               // stops at the first
	walkOne               // keeps the first in found, stops at the second
	walkCount             // counts them in n
)

func (c *Context) arrive(v Value, m mode) (stop bool) {
	switch m {
	case walkAll:
		c.push(v)
		return false
	case walkAny:
		return true
	case walkOne:
		if c.n++; c.n == 1 {
			c.found = v
			return false
		}
		return true
	}
	c.n++
	return false
}

// walk follows steps from v. It returns true to stop: something was found and is enough, or the evaluation is at its end.
func (c *Context) walk(v Value, steps []step, m mode) (stop bool) {
	if !c.step(v) {
		return m != walkAny
	}
	for i := range steps {
		s := &steps[i]
		if s.filter {
			if !v.matches(s.want, s.exact) {
				return false
			}
			continue
		}
		e := s.elem
		if v.kind() != Node {
			return false
		}
		if s.named || v.isReference() {
			if v.isReference() { // its id and extensions are the member's
				x, a := referenceMember(v.v)
				if a == nil {
					return false
				}
				v = nodeOf(a.Type(), x)
				if e != nil {
					e = v.t.Element(e.Name)
				}
			}
			if s.named {
				e = v.t.ElementOf(s.symbol)
			}
			if e == nil {
				return false
			}
		}
		f := v.v.Field(e.Index)
		switch e.Shape {
		case plan.One:
			if f.IsNil() {
				return false
			}
			v = nodeOf(e.Type(), f.Elem())
		case plan.List:
			n := f.Len()
			if n == 0 {
				return false
			}
			t := e.Type()
			if s.item >= 0 {
				if s.item >= n {
					return false
				}
				v = nodeOf(t, f.Index(s.item).Elem())
				continue
			}
			rest := steps[i+1:]
			for j := range n {
				x := f.Index(j)
				if s.ext && !isExtension(x.Interface().(*dpb.Extension), s.url) {
					continue
				}
				w := nodeOf(t, x.Elem())
				if len(rest) > 0 {
					if c.walk(w, rest, m) {
						return true
					}
				} else if !c.step(w) || c.arrive(w, m) {
					return true
				}
			}
			return false
		case plan.ChoiceOf:
			x, a := e.Chosen(v.v)
			if a == nil {
				return false
			}
			v = nodeOf(a.Type(), x)
			if s.narrow && !v.matches(s.want, s.exact) {
				return false
			}
		case plan.ResourceOf:
			if f.IsNil() {
				return false
			}
			x, a := plan.ContainedType().Resource(f.Elem())
			if a == nil {
				return false
			}
			v = nodeOf(a.Type(), x)
		case plan.ReferenceText:
			if f.IsNil() {
				return false
			}
			v = Value{t: e.Type(), v: v.v, m: meta(Node) | reference}
		case plan.PackedOne:
			a, _ := f.Interface().(*anypb.Any)
			if a == nil {
				return false
			}
			if v = c.unpack(a); v.kind() == Nothing {
				return false
			}
		case plan.PackedList:
			for j := range f.Len() {
				if s.item >= 0 && j != s.item {
					continue
				}
				if w := c.unpack(f.Index(j).Interface().(*anypb.Any)); w.kind() != Nothing && c.walk(w, steps[i+1:], m) {
					return true
				}
			}
			return false
		}
	}
	return c.arrive(v, m)
}

// isExtension hides the hub's own extensions, and those of another url if one is wanted.
func isExtension(x *dpb.Extension, url string) bool {
	if url != "" {
		return x.GetUrl().GetValue() == url
	}
	return !plan.IsInternal(x)
}

// children goes to all children of v.
func (c *Context) children(v Value, m mode) (stop bool) {
	if v.kind() != Node {
		return false
	}
	if v.isReference() {
		x, a := referenceMember(v.v)
		if a == nil {
			return false
		}
		v = nodeOf(a.Type(), x)
	}
	for _, e := range v.t.Elements {
		f := v.v.Field(e.Index)
		switch e.Shape { // most are absent
		case plan.List:
			n := f.Len()
			if n == 0 {
				continue
			}
			if m == walkCount && (e.Name != "extension" || v.t.Kind != plan.Primitive) {
				c.n += n
				continue
			}
		case plan.PackedList:
			if f.Len() == 0 {
				continue
			}
		default:
			if f.IsNil() {
				continue
			}
			if m == walkCount {
				c.n++
				continue
			}
		}
		s := [1]step{elementStep(e)}
		if c.walk(v, s[:], m) {
			return true
		}
	}
	return false
}

// descendants puts all that is below v on the stack, breadth first.
func (c *Context) descendants(v Value) {
	at := len(c.stack)
	c.children(v, walkAll)
	for ; at < len(c.stack) && c.err == nil; at++ {
		c.children(c.stack[at], walkAll)
	}
}
