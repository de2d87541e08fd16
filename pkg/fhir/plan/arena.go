package plan

import (
	"reflect"
	"sync"
)

// Arena makes structs whose types are known at run time only, many at a time: one allocation for a run of structs of one type,
// each run longer than the last. What is made of one run stays in memory as long as any of it does. It serves one goroutine.
// The zero value is ready.
type Arena struct {
	slabs []slab // by the numbers that SlabOf gives
	used  []int  // those that are not empty
}

// Pool is an Arena of one type, which the program knows. A run is never shared between pieces of work that may part: each has
// a Pool of its own, or sets it to its zero value.
type Pool[T any] struct {
	free []T
	run  int
}

// Take gives a new T.
func (p *Pool[T]) Take() *T {
	if len(p.free) == 0 {
		p.run = min(p.run*2+2, maxRun)
		p.free = make([]T, p.run)
	}
	x := &p.free[0]
	p.free = p.free[1:]
	return x
}

type slab struct {
	slice reflect.Type // kept when the slab is emptied: reflect looks it up in a map
	run   reflect.Value
	next  int
	n     int
}

const (
	maxRun   = 32
	maxBytes = 8 << 10 // of a run
)

// Take gives a new struct of a type, whose number SlabOf gave.
func (a *Arena) Take(id int, rt reflect.Type) reflect.Value {
	if id >= len(a.slabs) {
		a.slabs = append(a.slabs, make([]slab, id+32-len(a.slabs))...)
	}
	s := &a.slabs[id]
	if s.next == s.n {
		if s.n == 0 {
			s.n, s.next = 1, 1
			a.used = append(a.used, id)
			return reflect.New(rt).Elem()
		}
		s.n = max(min(s.n*4, maxRun, maxBytes/int(rt.Size())), 1)
		if s.slice == nil {
			s.slice = reflect.SliceOf(rt)
		}
		s.run, s.next = reflect.MakeSlice(s.slice, s.n, s.n), 0
	}
	v := s.run.Index(s.next)
	s.next++
	return v
}

// Part ends a piece of work: what is taken next shares no memory with what was taken before.
func (a *Arena) Part() {
	for _, i := range a.used {
		a.slabs[i] = slab{slice: a.slabs[i].slice}
	}
	a.used = a.used[:0]
}

var slabTypes struct {
	sync.Mutex
	n    int
	byGo map[reflect.Type]int
}

// SlabOf numbers the struct types, so that an Arena finds its free structs of a type by index.
func SlabOf(rt reflect.Type) int {
	slabTypes.Lock()
	defer slabTypes.Unlock()
	if slabTypes.byGo == nil {
		slabTypes.byGo = map[reflect.Type]int{}
	}
	n, ok := slabTypes.byGo[rt]
	if !ok {
		n = slabTypes.n
		slabTypes.n++
		slabTypes.byGo[rt] = n
	}
	return n
}
