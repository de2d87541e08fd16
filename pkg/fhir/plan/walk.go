package plan

import (
	"reflect"

	"google.golang.org/protobuf/proto"
)

// This file walks values: every function takes and gives the struct (a reflect.Value of Kind Struct, addressable), never the
// pointer to it. The zero Value means that nothing is there.

// Len is the number of items of e in v: of a list its length, else 0 or 1.
func (e *Element) Len(v reflect.Value) int {
	f := v.Field(e.Index)
	switch {
	case e.List:
		return f.Len()
	case f.IsNil():
		return 0
	}
	return 1
}

// At is the i-th item of e in v; of a choice what it holds, whichever type that is.
func (e *Element) At(v reflect.Value, i int) reflect.Value {
	f := v.Field(e.Index)
	if e.List {
		if i >= f.Len() {
			return reflect.Value{}
		}
		return f.Index(i).Elem()
	}
	if i > 0 || f.IsNil() {
		return reflect.Value{}
	}
	if e.Choice != nil {
		x, _ := e.Chosen(v)
		return x
	}
	if e.RefText {
		return f.Elem().Elem().Field(0).Elem()
	}
	return f.Elem()
}

// Item is the i-th item of e in v with its type, which is nil if there is none: of a choice what it holds, as which type.
func (e *Element) Item(v reflect.Value, i int) (reflect.Value, *Type) {
	if e.Choice == nil {
		return e.At(v, i), e.Type()
	}
	x, a := e.Chosen(v)
	if a == nil {
		return reflect.Value{}, nil
	}
	return x, a.Type()
}

// Chosen is what a choice holds, and as which type; of Reference.reference its member.
func (e *Element) Chosen(v reflect.Value) (reflect.Value, *Alt) {
	f := v.Field(e.Index)
	if f.IsNil() {
		return reflect.Value{}, nil
	}
	if e.Choice != nil {
		if f = f.Elem().Field(e.oneof); f.IsNil() {
			return reflect.Value{}, nil
		}
	}
	w := f.Elem().Elem()
	p := w.Field(0)
	if p.IsNil() {
		return reflect.Value{}, nil
	}
	return p.Elem(), e.altOf[w.Type()]
}

// Held is what a choice holds as type a; the zero Value if it holds nothing or another type.
func (e *Element) Held(v reflect.Value, a *Alt) reflect.Value {
	if x, b := e.Chosen(v); b == a {
		return x
	}
	return reflect.Value{}
}

// Free reports that a choice holds nothing.
func (e *Element) Free(v reflect.Value) bool {
	_, a := e.Chosen(v)
	return a == nil
}

// Append makes a new item of a list.
func (e *Element) Append(v reflect.Value) reflect.Value {
	p := reflect.New(e.goType)
	push(v.Field(e.Index), p)
	return p.Elem()
}

// push appends to a list, which reflect.Append does with an allocation more.
func push(list, item reflect.Value) {
	n := list.Len()
	list.Grow(1)
	list.SetLen(n + 1)
	list.Index(n).Set(item)
}

// New makes an item of e that belongs to nothing yet; Put hangs it in.
func (e *Element) New() reflect.Value { return reflect.New(e.goType).Elem() }

// Put hangs an item that New made into v: at the end of a list, else in the place of what was there.
func (e *Element) Put(v, item reflect.Value) {
	if f := v.Field(e.Index); e.List {
		push(f, item.Addr())
	} else {
		f.Set(item.Addr())
	}
}

// Set makes e hold a new empty item (not for lists, choices and Reference.reference).
func (e *Element) Set(v reflect.Value) reflect.Value {
	p := reflect.New(e.goType)
	v.Field(e.Index).Set(p)
	return p.Elem()
}

// New makes an item of this type that belongs to nothing yet.
func (a *Alt) New() reflect.Value { return reflect.New(a.goType).Elem() }

// Choose makes a choice, or Reference.reference, hold item as type a, in the place of what was there.
func (e *Element) Choose(v reflect.Value, a *Alt, item reflect.Value) {
	host := reflect.Value{}
	if e.Choice != nil && v.Field(e.Index).IsNil() {
		host = reflect.New(e.goType).Elem()
	}
	e.ChooseIn(v, host, reflect.New(a.Wrap).Elem(), item)
}

// ChooseIn is Choose with the structs that a choice stands in, which the caller has made: wrap of type Alt.Wrap, and where v
// has none yet, host of type GoType.
func (e *Element) ChooseIn(v, host, wrap, item reflect.Value) {
	wrap.Field(0).Set(item.Addr())
	f := v.Field(e.Index)
	if e.Choice != nil {
		if f.IsNil() {
			f.Set(host.Addr())
		}
		f = f.Elem().Field(e.oneof)
	}
	f.Set(wrap.Addr())
}

// Remove takes e away from v.
func (e *Element) Remove(v reflect.Value) { v.Field(e.Index).SetZero() }

// Resource is the resource within a ContainedResource and its type; the zero Value if there is none.
func (t *Type) Resource(v reflect.Value) (reflect.Value, *Alt) {
	f := v.Field(t.oneof)
	if f.IsNil() {
		return reflect.Value{}, nil
	}
	w := f.Elem().Elem()
	if w.Field(0).IsNil() {
		return reflect.Value{}, nil
	}
	return w.Field(0).Elem(), t.altOf[w.Type()]
}

// Wrap makes a ContainedResource around a resource, whose type is found by the message.
func Wrap(m proto.Message) proto.Message {
	t := ContainedType()
	a := t.alts[OfMessage(m).Name]
	if a == nil {
		return nil
	}
	w := reflect.New(a.Wrap)
	w.Elem().Field(0).Set(reflect.ValueOf(m))
	cr := reflect.New(t.Go)
	cr.Elem().Field(t.oneof).Set(w)
	return cr.Interface().(proto.Message)
}

// Member is the member of Reference.reference for a type of resource, nil if there is none.
func (e *Element) Member(typ string) *Alt { return e.refs[typ] }
