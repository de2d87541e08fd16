package plan

import (
	"reflect"
	"sync/atomic"
	"unsafe"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
)

// This file reads and writes the fields of the hub's structs by their offsets. It is the only one of the hub that is unsafe.
//
// Package reflect looks up and checks at each step what is known when a type is described: that the field is exported, that its type is
// that of what is put into it, what the type of a pointer to a struct is. To map a message is a thousand such steps, and they were a sixth
// of its time. The values that are handed about are still reflect's, so that nobody else needs to know of this.
//
// What makes it sound:
//   - A field is named by an offset that reflect gave for that very struct type, and by the kind that it has there: a pointer to a struct, a
//     slice of such pointers, an interface that holds one, or one of the kinds that Prim knows. TestFields compares each field of each type
//     with reflect.
//   - Pointers are stored as unsafe.Pointer, never as numbers, so the collector sees each of them.
//   - An interface is two words: what it says of its type, and the pointer. The first is never made here but taken from an interface that Go
//     has made of the same two types.

// A Struct is a struct type of the hub.
type Struct struct {
	Go   reflect.Type
	ptr  unsafe.Pointer // what an interface without methods says of its type when it holds a pointer to the struct
	size uintptr
	slab int // its number for an Arena
}

type eface struct{ word, data unsafe.Pointer }

func newStruct(rt reflect.Type, slab int) *Struct {
	zero := reflect.Zero(reflect.PointerTo(rt)).Interface()
	return &Struct{Go: rt, ptr: (*eface)(unsafe.Pointer(&zero)).word, size: rt.Size(), slab: slab}
}

// at is the struct that p points to; the zero Value for nil.
func (s *Struct) at(p unsafe.Pointer) reflect.Value {
	x := eface{s.ptr, p}
	return reflect.ValueOf(*(*any)(unsafe.Pointer(&x))).Elem()
}

// address is where a struct stands.
func address(v reflect.Value) unsafe.Pointer { return unsafe.Pointer(v.UnsafeAddr()) }

// Place tells a struct from every other, as a key of maps and for comparing.
type Place unsafe.Pointer

// PlaceOf is where a struct stands.
func PlaceOf(v reflect.Value) Place { return Place(address(v)) }

// PlaceAt is where a message stands.
func PlaceAt[T any](m *T) Place { return Place(m) }

// As is the message that v is, nil if it is of another type.
func As[T any](v reflect.Value) *T {
	if v.Type() != reflect.TypeFor[T]() {
		return nil
	}
	return (*T)(address(v))
}

// Message is the message of this type that v is.
func (t *Type) Message(v reflect.Value) proto.Message {
	x := eface{t.of.ptr, address(v)}
	return (*(*any)(unsafe.Pointer(&x))).(proto.Message)
}

// empty clears n structs of a size that stand at p, as words of which some are pointers: the collector is told of those that vanish.
func empty(p unsafe.Pointer, n int, size uintptr) {
	clear(unsafe.Slice((*unsafe.Pointer)(p), uintptr(n)*size/unsafe.Sizeof(p)))
}

// offset is where a field begins in its struct; less than 0 if there is none.
type offset int

// pointer is a field that is a pointer or an interface: nothing is there if its first word is nil.
func pointer(v reflect.Value, at offset) *unsafe.Pointer {
	return (*unsafe.Pointer)(unsafe.Add(address(v), at))
}

// items is a field that is a slice of pointers.
func items(v reflect.Value, at offset) *[]unsafe.Pointer {
	return (*[]unsafe.Pointer)(unsafe.Add(address(v), at))
}

// extensions is a field that is a list of extensions.
func extensions(v reflect.Value, at offset) *[]*dpb.Extension {
	return (*[]*dpb.Extension)(unsafe.Add(address(v), at))
}

// scalar is a field of a primitive.
func scalar[T bool | int32 | uint32 | int64 | string | []byte](v reflect.Value, at offset) *T {
	return (*T)(unsafe.Add(address(v), at))
}

// wrapped is what an interface of a oneof holds: a pointer to a struct of one field, a pointer itself.
type wrapped struct{ tab, wrap unsafe.Pointer }

// member is the interface of a oneof at an offset of p.
func member(p unsafe.Pointer, at offset) *wrapped { return (*wrapped)(unsafe.Add(p, at)) }

// item is what the wrapper holds.
func (w *wrapped) item() unsafe.Pointer { return *(*unsafe.Pointer)(w.wrap) }

// holds reports that a oneof holds this alternative, and that it is known for sure: what its interface says of the type is known from the
// first one that was met.
func (a *Alt) holds(w *wrapped) bool { return w.tab != nil && atomic.LoadPointer(&a.tab) == w.tab }

// wrapIn puts wrap, a struct of the type Alt.Wrap, into the oneof f of a struct, which stands at w.
func (a *Alt) wrapIn(w *wrapped, f func() reflect.Value, wrap reflect.Value) {
	if tab := atomic.LoadPointer(&a.tab); tab != nil {
		w.tab, w.wrap = tab, address(wrap)
		return
	}
	f().Set(wrap.Addr())
	atomic.StorePointer(&a.tab, w.tab)
}
