package plan

import (
	"reflect"

	"google.golang.org/protobuf/proto"
)

// This file walks values: every function takes and gives the struct (a reflect.Value of Kind Struct, addressable), never the
// pointer to it. The zero Value means that nothing is there.

// Len is the number of items of e in v: of a list its length, else 0 or 1.
func (e *Element) Len(v reflect.Value) int {
	switch {
	case e.List:
		return len(*items(v, e.offset))
	case *pointer(v, e.offset) == nil:
		return 0
	}
	return 1
}

// At is the i-th item of e in v; of a choice what it holds, whichever type that is.
func (e *Element) At(v reflect.Value, i int) reflect.Value {
	if e.List {
		list := *items(v, e.offset)
		if i >= len(list) {
			return reflect.Value{}
		}
		return e.item.at(list[i])
	}
	p := *pointer(v, e.offset)
	if i > 0 || p == nil {
		return reflect.Value{}
	}
	if e.Choice != nil || e.RefText {
		x, _ := e.Chosen(v)
		return x
	}
	return e.item.at(p)
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
	if p := *pointer(v, e.offset); p == nil {
		return reflect.Value{}
	} else if w := member(p, e.oneofAt); a.holds(w) {
		return a.item.at(w.item())
	} else if w.tab == nil {
		return reflect.Value{}
	}
	if x, b := e.Chosen(v); b == a {
		return x
	}
	return reflect.Value{}
}

// Free reports that a choice holds nothing.
func (e *Element) Free(v reflect.Value) bool {
	p := *pointer(v, e.offset)
	if p == nil {
		return true
	}
	w := member(p, e.oneofAt)
	return w.tab == nil || w.item() == nil
}

// Append makes a new item of a list.
func (e *Element) Append(v reflect.Value) reflect.Value {
	x := e.New()
	e.Put(v, x)
	return x
}

// New makes an item of e that belongs to nothing yet; Put hangs it in.
func (e *Element) New() reflect.Value { return reflect.New(e.goType).Elem() }

// Put hangs an item that New made into v: at the end of a list, else in the place of what was there.
func (e *Element) Put(v, item reflect.Value) {
	if e.List {
		list := items(v, e.offset)
		*list = append(*list, address(item))
	} else {
		*pointer(v, e.offset) = address(item)
	}
}

// Set makes e hold a new empty item (not for lists, choices and Reference.reference).
func (e *Element) Set(v reflect.Value) reflect.Value {
	x := e.New()
	e.Put(v, x)
	return x
}

// New makes an item of this type that belongs to nothing yet.
func (a *Alt) New() reflect.Value { return reflect.New(a.goType).Elem() }

// Choose makes a choice, or Reference.reference, hold item as type a, in the place of what was there.
func (e *Element) Choose(v reflect.Value, a *Alt, item reflect.Value) {
	host := reflect.Value{}
	if e.Choice != nil && *pointer(v, e.offset) == nil {
		host = reflect.New(e.goType).Elem()
	}
	e.ChooseIn(v, host, a, reflect.New(a.Wrap).Elem(), item)
}

// ChooseIn is Choose with the structs that a choice stands in, which the caller has made: wrap of type Alt.Wrap, and where v
// has none yet, host of type GoType.
func (e *Element) ChooseIn(v, host reflect.Value, a *Alt, wrap, item reflect.Value) {
	*pointer(wrap, 0) = address(item)
	var w *wrapped
	if e.Choice == nil {
		w = member(address(v), e.offset)
	} else {
		f := pointer(v, e.offset)
		if *f == nil {
			*f = address(host)
		}
		w = member(*f, e.oneofAt)
	}
	a.wrapIn(w, func() reflect.Value {
		f := v.Field(e.Index)
		if e.Choice != nil {
			f = f.Elem().Field(e.oneof)
		}
		return f
	}, wrap)
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
