package plan

import (
	"reflect"
	"sync"
)

// Arena makes structs whose types are known at run time only, many at a time: one allocation for a run of structs of one type. Runs
// are as long as the pieces of work before had use for (see expected), since of what a run holds and nobody takes, memory is filled
// and looked through by the collector all the same. What is made of one run stays in memory as long as any of it does. It serves one
// goroutine. The zero value is ready.
type Arena struct {
	slabs []slab // by the numbers that SlabOf gives
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
	slice reflect.Type  // kept when the slab is emptied: reflect looks it up in a map
	run   reflect.Value // not used for a run of one
	next  int
	n     int
	expected
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
		if s.taken == 0 {
			a.used = append(a.used, id)
		}
		n := s.expected.run(min(maxRun, maxBytes/int(rt.Size())))
		if n == 1 {
			s.taken++
			return reflect.New(rt).Elem()
		}
		if s.slice == nil {
			s.slice = reflect.SliceOf(rt)
		}
		s.run, s.n, s.next = reflect.MakeSlice(s.slice, n, n), n, 0
	}
	v := s.run.Index(s.next)
	s.next++
	s.taken++
	return v
}

// Part ends a piece of work: what is taken next shares no memory with what was taken before.
func (a *Arena) Part() {
	for _, i := range a.used {
		s := &a.slabs[i]
		s.run, s.n, s.next = reflect.Value{}, 0, 0
		s.part()
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
