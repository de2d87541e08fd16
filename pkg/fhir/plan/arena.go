package plan

import (
	"reflect"
	"sync"
	"unsafe"
)

// Arena makes structs whose types are known at run time only, many at a time: one allocation for a run of structs of one type. Runs
// are as long as the pieces of work before had use for (see expected), since of what a run holds and nobody takes, memory is filled
// and looked through by the collector all the same. What is made of one run stays in memory as long as any of it does. It serves one
// goroutine. The zero value is ready.
type Arena struct {
	slabs []slab // by the numbers that StructOf gives
	used  []int  // those that are not empty
}

// Pool is an Arena of one type, which the program knows. A run is never shared between pieces of work that may part: each has
// a Pool of its own, or calls Part.
type Pool[T any] struct {
	free []T
	expected
}

// Take gives a new T.
func (p *Pool[T]) Take() *T {
	if len(p.free) == 0 {
		p.free = make([]T, p.run(maxRun))
	}
	x := &p.free[0]
	p.free = p.free[1:]
	p.taken++
	return x
}

// Part ends a piece of work: what is taken next shares no memory with what was taken before.
func (p *Pool[T]) Part() {
	p.free = nil
	p.part()
}

// expected is how many structs of a type a piece of work will need: the lesser of what the last two took. Records that follow one
// another are alike, and where they are not, runs grow by half.
type expected struct{ taken, last, expect int }

// run is how long the next run should be.
func (e *expected) run(most int) int {
	return max(min(max(e.expect-e.taken, e.taken/2), most), 1)
}

func (e *expected) part() {
	if e.taken == 0 {
		return
	}
	e.taken, e.last, e.expect = 0, e.taken, min(e.taken, e.last)
}

type slab struct {
	slice reflect.Type // kept when the slab is emptied: reflect looks it up in a map
	run   unsafe.Pointer
	next  int
	n     int
	expected
}

const (
	maxRun   = 32
	maxBytes = 8 << 10 // of a run
)

// Take gives a new struct of a type.
func (a *Arena) Take(of *Struct) reflect.Value {
	if of.slab >= len(a.slabs) {
		a.slabs = append(a.slabs, make([]slab, of.slab+32-len(a.slabs))...)
	}
	s := &a.slabs[of.slab]
	if s.next == s.n {
		if s.taken == 0 {
			a.used = append(a.used, of.slab)
		}
		n := s.expected.run(min(maxRun, maxBytes/int(of.size)))
		if n == 1 {
			s.taken++
			return reflect.New(of.Go).Elem()
		}
		if s.slice == nil {
			s.slice = reflect.SliceOf(of.Go)
		}
		s.run, s.n, s.next = reflect.MakeSlice(s.slice, n, n).UnsafePointer(), n, 0
	}
	v := of.at(unsafe.Add(s.run, uintptr(s.next)*of.size))
	s.next++
	s.taken++
	return v
}

// Part ends a piece of work: what is taken next shares no memory with what was taken before.
func (a *Arena) Part() {
	for _, i := range a.used {
		s := &a.slabs[i]
		s.run, s.n, s.next = nil, 0, 0
		s.part()
	}
	a.used = a.used[:0]
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
		s = newStruct(rt, len(structs.byGo))
		structs.byGo[rt] = s
	}
	return s
}
