package plan

import "reflect"

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
		p.run, p.next = make([]T, max(n, p.expected.run(maxRun, maxKept/int(reflect.TypeFor[T]().Size())))), 0
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
	slice reflect.Type  // kept when the slab is emptied: reflect looks it up in a map
	run   reflect.Value // a variable of this type, so that its length can be set
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
		a.used = append(a.used, of.slab)
	}
	if s.next == s.n {
		if s.slice == nil {
			s.slice = reflect.SliceOf(of.Go)
			s.run = reflect.New(s.slice).Elem()
		}
		size := int(of.Go.Size())
		s.n, s.next = s.expected.run(min(maxRun, maxBytes/size), maxKept/size), 0
		s.run.Set(reflect.MakeSlice(s.slice, s.n, s.n))
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
		s.run.SetZero()
		s.n, s.next = 0, 0
		s.part()
	}
	a.used = a.used[:0]
}

// Again ends a piece of work of which nobody holds anything: its memory is emptied and handed out once more.
func (a *Arena) Again() {
	for _, i := range a.used {
		s := &a.slabs[i]
		if s.again(s.next) {
			s.run.SetLen(s.next)
			s.run.Clear()
			s.run.SetLen(s.n)
		} else {
			s.run.SetZero()
			s.n = 0
		}
		s.next = 0
	}
	a.used = a.used[:0]
}
