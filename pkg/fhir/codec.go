package fhir

import (
	"reflect"
	"sync/atomic"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// This file turns the description of a type (pkg/fhir/plan) into what the JSON codec needs of it: for each name that JSON may
// have the way to its struct field. A codec is made when its type is first met, and shared by all readers and writers.

// form says how the value of a key is read and written. The primitives that make up nearly all of real records have a form of
// their own, so that their structs are reached by type assertion; all others go through package reflect.
type form uint8

const (
	formComplex form = iota
	formContained
	formPacked
	formReference // Reference.reference
	formString    // from here on primitives
	formURI
	formCode
	formID
	formCanonical
	formMarkdown
	formBoolean
	formDecimal
	formDateTime
	formInstant
	formDate
	formPositiveInt
	formPrimitive // any other
)

func (f form) primitive() bool { return f >= formReference }

var formOf = map[reflect.Type]form{
	reflect.TypeFor[dpb.String]():      formString,
	reflect.TypeFor[dpb.Uri]():         formURI,
	reflect.TypeFor[dpb.Code]():        formCode,
	reflect.TypeFor[dpb.Id]():          formID,
	reflect.TypeFor[dpb.Canonical]():   formCanonical,
	reflect.TypeFor[dpb.Markdown]():    formMarkdown,
	reflect.TypeFor[dpb.Boolean]():     formBoolean,
	reflect.TypeFor[dpb.Decimal]():     formDecimal,
	reflect.TypeFor[dpb.DateTime]():    formDateTime,
	reflect.TypeFor[dpb.Instant]():     formInstant,
	reflect.TypeFor[dpb.Date]():        formDate,
	reflect.TypeFor[dpb.PositiveInt](): formPositiveInt,
}

// codec is a type as JSON has it.
type codec struct {
	typ    *plan.Type
	keys   []*key // in the specification's order, of a choice all its alternatives in theirs
	byName map[string]*key
	elems  []element
}

// key is a name that JSON may have in an object of a type.
type key struct {
	name   string // valueQuantity
	quoted string // "valueQuantity":
	under  string // "_valueQuantity":
	n      int    // its place among the keys of its type
	index  int    // struct field
	list   bool
	form   form
	common bool // of a type that has a writer of its own
	elem   *plan.Element
	alt    *plan.Alt    // of a choice
	ptr    reflect.Type // of a choice, to the struct that its oneof holds
	goType reflect.Type
	of     *plan.Struct // the struct of the items
	wraps  *plan.Struct // of a choice, what ptr points to
	sub    atomic.Pointer[codec]
}

// element is one element of a type, for writing.
type element struct {
	*key             // nil for a choice
	index, oneof int // struct fields
	alts         map[reflect.Type]*key
}

// chosen is what a choice holds, a pointer, and under which key; nil if it holds nothing.
func (e *element) chosen(field reflect.Value) (*key, reflect.Value) {
	if field.IsNil() {
		return nil, reflect.Value{}
	}
	o := field.Elem().Field(e.oneof)
	if o.IsNil() {
		return nil, reflect.Value{}
	}
	w := o.Elem()
	p := w.Elem().Field(0)
	if p.IsNil() {
		return nil, reflect.Value{}
	}
	return e.alts[w.Type()], p
}

// codecOf gives the codec of a type. Two that are made at the same time are alike.
func codecOf(t *plan.Type) *codec {
	if c, ok := t.Codec.Load().(*codec); ok {
		return c
	}
	t.Codec.CompareAndSwap(nil, newCodec(t))
	return t.Codec.Load().(*codec)
}

// codec is that of the key's items.
func (k *key) codec() *codec {
	c := k.sub.Load()
	if c == nil {
		if k.alt != nil {
			c = codecOf(k.alt.Type())
		} else {
			c = codecOf(k.elem.Type())
		}
		k.sub.Store(c)
	}
	return c
}

func newCodec(t *plan.Type) *codec {
	c := &codec{typ: t, byName: map[string]*key{}}
	for _, e := range t.Elements {
		if e.Choice == nil {
			k := c.add(e, nil, e.Name, e.GoType())
			c.elems = append(c.elems, element{key: k, index: e.Index})
			continue
		}
		x := element{index: e.Index, oneof: e.Oneof(), alts: map[reflect.Type]*key{}}
		for _, a := range e.Choice {
			k := c.add(e, a, a.Name, a.GoType())
			x.alts[k.ptr] = k
		}
		c.elems = append(c.elems, x)
	}
	return c
}

func (c *codec) add(e *plan.Element, a *plan.Alt, name string, goType reflect.Type) *key {
	k := &key{name: name, quoted: `"` + name + `":`, under: `"_` + name + `":`, n: len(c.keys), index: e.Index, list: e.List, elem: e, alt: a,
		goType: goType, of: plan.StructOf(goType)}
	if a != nil {
		k.ptr, k.wraps = reflect.PointerTo(a.Wrap), a.WrapOf()
	}
	if e.RefText {
		k.form = formReference
	} else if f, ok := formOf[goType]; ok {
		k.form = f
	} else {
		k.form = formOther(goType)
	}
	switch goType {
	case extensionType, reflect.TypeFor[dpb.Coding](), reflect.TypeFor[dpb.CodeableConcept](), reflect.TypeFor[dpb.Identifier](), reflect.TypeFor[dpb.Reference]():
		k.common = true
	}
	c.keys = append(c.keys, k)
	c.byName[name] = k
	return k
}

// prim is the primitive type of the key's items.
func (k *key) prim() *plan.Prim { return k.codec().typ.Prim }

// formOther tells primitives and resources from datatypes without describing what nobody may ask for.
func formOther(rt reflect.Type) form {
	switch {
	case rt == reflect.TypeFor[rpb.ContainedResource]():
		return formContained
	case rt == reflect.TypeFor[anypb.Any]():
		return formPacked
	case plan.IsPrimitive(rt):
		return formPrimitive
	}
	return formComplex
}

// find looks a name up, which is nearly always the one after the last or soon after it.
func (c *codec) find(name string, next *int) *key {
	for i := *next; i < len(c.keys) && i < *next+6; i++ {
		if c.keys[i].name == name {
			*next = i + 1
			return c.keys[i]
		}
	}
	k := c.byName[name]
	if k != nil {
		*next = k.n + 1
	}
	return k
}
