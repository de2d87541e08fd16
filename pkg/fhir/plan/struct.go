package plan

import (
	"reflect"
	"sync"

	"google.golang.org/protobuf/proto"
)

// A Struct is a struct type of the hub.
type Struct struct {
	Go   reflect.Type
	slab int // its number for an Arena
}

var structs struct {
	sync.Mutex
	byGo map[reflect.Type]*Struct
}

// StructOf is what is known of a struct type. Each has a number, so that an Arena finds its free structs by index.
func StructOf(rt reflect.Type) *Struct {
	structs.Lock()
	defer structs.Unlock()
	if structs.byGo == nil {
		structs.byGo = map[reflect.Type]*Struct{}
	}
	s := structs.byGo[rt]
	if s == nil {
		s = &Struct{rt, len(structs.byGo)}
		structs.byGo[rt] = s
	}
	return s
}

// Place tells a struct from every other, as a key of maps and for comparing: its address. It does not keep the struct in memory, so whoever keeps
// a Place keeps the struct too: where another had its memory, the two would be one. (A pointer in an interface would; to hash those took a
// twentieth of the way back.)
type Place uintptr

// PlaceOf is where a struct stands.
func PlaceOf(v reflect.Value) Place { return Place(v.Addr().Pointer()) }

// PlaceAt is where a message stands.
func PlaceAt[T any](m *T) Place { return Place(reflect.ValueOf(m).Pointer()) }

// As is the message that v is, nil if it is of another type.
func As[T any](v reflect.Value) *T {
	m, _ := v.Addr().Interface().(*T)
	return m
}

// MessageOf is the message that v is.
func MessageOf(v reflect.Value) proto.Message { return v.Addr().Interface().(proto.Message) }
