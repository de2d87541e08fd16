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
//
// A piece of work ends with Part, if what was taken lives on, or with Again, if nobody holds any of it: then the same memory is handed
// out for the next one. To make and to collect the structs of a message anew took a quarter of the time that it took to map it.
type Arena struct {
	slabs []slab // by the numbers that StructOf gives
	used  []int  // those that are not empty
	lists Pool[unsafe.Pointer]
}

// Pool is an Arena of one type, which the program knows. A run is never shared between pieces of work that may part: each has
// a Pool of its own, or calls Part.
type Pool[T any] struct {
	run  []T
	next int
	expected
}

// Take gives a new T.
func (p *Pool[T]) Take() *T { return &p.List(1)[0] }

// List gives n new ones that stand side by side.
func (p *Pool[T]) List(n int) []T {
	if len(p.run)-p.next < n {
		var x T
		p.run, p.next = make([]T, max(n, p.expected.run(maxRun, maxKept/int(unsafe.Sizeof(x))))), 0
	}
	x := p.run[p.next : p.next+n : p.next+n]
	p.next += n
	p.taken += n
	return x
}

// Part ends a piece of work: what is taken next shares no memory with what was taken before.
func (p *Pool[T]) Part() {
	p.run, p.next = nil, 0
	p.part()
}

// Again ends a piece of work of which nobody holds anything.
func (p *Pool[T]) Again() {
	if p.again(p.next) {
		clear(p.run[:p.next])
	} else {
		p.run = nil
	}
	p.next = 0
}

// expected is how many structs of a type a piece of work will need: the lesser of what the last two took. Records that follow one
// another are alike, and where they are not, runs grow by half. Where the memory is used again it is what one took, and a quarter more.
type expected struct {
	taken, last, expect int
	kept                bool // what is expected will be used again
}

// run is how long the next run should be, which is no longer than most, or keep if it will be used again.
func (e *expected) run(most, keep int) int {
	if e.kept && e.taken == 0 {
		return max(min(e.expect, keep), 1)
	}
	return max(min(max(e.expect-e.taken, e.taken/2), most), 1)
}

func (e *expected) part() {
	if e.taken == 0 {
		return
	}
	e.taken, e.last, e.expect, e.kept = 0, e.taken, min(e.taken, e.last), false
}

// again reports whether the run that there is, of which so many were taken, held all that was taken.
func (e *expected) again(taken int) bool {
	if e.taken == taken {
		e.taken = 0
		return true
	}
	e.taken, e.last, e.expect, e.kept = 0, e.taken, e.taken+e.taken/4, true
	return false
}

type slab struct {
	slice reflect.Type // kept when the slab is emptied: reflect looks it up in a map
	size  uintptr      // of one struct
	run   unsafe.Pointer
	next  int
	n     int
	expected
}

const (
	maxRun   = 32
	maxBytes = 8 << 10   // of a run
	maxKept  = 128 << 10 // of one that is used again
)

// Take gives a new struct of a type.
func (a *Arena) Take(of *Struct) reflect.Value {
	if of.slab >= len(a.slabs) {
		a.slabs = append(a.slabs, make([]slab, of.slab+32-len(a.slabs))...)
	}
	s := &a.slabs[of.slab]
	if s.taken == 0 {
		a.used, s.size = append(a.used, of.slab), of.size
	}
	if s.next == s.n {
		s.next = 0
		if s.n = s.expected.run(min(maxRun, maxBytes/int(of.size)), maxKept/int(of.size)); s.n == 1 {
			s.run = reflect.New(of.Go).UnsafePointer()
		} else {
			if s.slice == nil {
				s.slice = reflect.SliceOf(of.Go)
			}
			s.run = reflect.MakeSlice(s.slice, s.n, s.n).UnsafePointer()
		}
	}
	v := of.at(unsafe.Add(s.run, uintptr(s.next)*of.size))
	s.next++
	s.taken++
	return v
}

// Put is Element.Put, with a list's memory out of the arena.
func (a *Arena) Put(e *Element, v, item reflect.Value) {
	if e.List {
		if list := items(v, e.offset); len(*list) == cap(*list) {
			longer := a.lists.List(max(2*len(*list), 1))
			*list = longer[:copy(longer, *list)]
		}
	}
	e.Put(v, item)
}

// Part ends a piece of work: what is taken next shares no memory with what was taken before.
func (a *Arena) Part() {
	for _, i := range a.used {
		s := &a.slabs[i]
		s.run, s.n, s.next = nil, 0, 0
		s.part()
	}
	a.used = a.used[:0]
	a.lists.Part()
}

// Again ends a piece of work of which nobody holds anything: its memory is emptied and handed out once more.
func (a *Arena) Again() {
	for _, i := range a.used {
		s := &a.slabs[i]
		if s.again(s.next) {
			empty(s.run, s.next, s.size)
		} else {
			s.run, s.n = nil, 0
		}
		s.next = 0
	}
	a.used = a.used[:0]
	a.lists.Again()
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
