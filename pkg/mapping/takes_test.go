package mapping

import (
	"reflect"
	"runtime"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// TestFirstFree: what a row took of a long list is not gone over again, and is found again once it is free.
func TestFirstFree(t *testing.T) {
	name := &dpb.HumanName{}
	for range 2 * longList {
		name.Given = append(name.Given, &dpb.String{Value: "x"})
	}
	v := reflect.ValueOf(name).Elem()
	given := plan.OfMessage(name).Element("given")
	x := takes{taken: map[plan.Place]bool{}}
	want := func(i int) {
		t.Helper()
		if got := x.firstFree(v, given); got != i {
			t.Errorf("the first free one is %d, want %d", got, i)
		}
	}
	want(0)
	for i := range 10 {
		x.taken[plan.PlaceAt(name.Given[i])] = true
	}
	want(10)
	x.taken[plan.PlaceAt(name.Given[11])] = true
	want(10)
	x.free(plan.PlaceAt(name.Given[11])) // which was not passed
	want(10)
	x.free(plan.PlaceAt(name.Given[4]))
	want(4)
	x.taken[plan.PlaceAt(name.Given[4])] = true
	want(10)
}

// TestUnplaced: a resource that was placed and is so no more is found again.
func TestUnplaced(t *testing.T) {
	rec := NewRecord(nil)
	for range 4 {
		rec.Add(NewResource(&ppb.Patient{}, ""))
	}
	rec.index(0)
	k := rec.byType[rec.Resources[0].info]
	for _, r := range rec.Resources[:3] {
		rec.place(r)
	}
	if got := k.unplaced(); len(got) != 1 {
		t.Errorf("%d are not placed", len(got))
	}
	rec.free(rec.Resources[2])
	rec.free(rec.Resources[1])
	if got := k.unplaced(); len(got) != 3 || got[0] != rec.Resources[1] {
		t.Errorf("%d are left from the first that is not placed", len(got))
	}
}

// TestKept: what is told apart by its address stays in memory as long as that is asked for, also if nobody else holds it: a pair writes and
// reads messages that it makes for the moment, and the next one would have the address of the one before.
func TestKept(t *testing.T) {
	kept := func(what string, keep func(c *Context, v reflect.Value)) {
		rec := NewRecord(nil)
		rec.index(0)
		c := &Context{run: run{m: New(nil, nil, &Set{}), rec: rec, reading: true, scratch: *newScratch()}}
		gone := make(chan bool, 1)
		func() {
			x := &dpb.CodeableConcept{Text: &dpb.String{Value: "x"}}
			runtime.AddCleanup(x, func(gone chan bool) { gone <- true }, gone)
			keep(c, reflect.ValueOf(x).Elem())
		}()
		for range 3 {
			runtime.GC()
		}
		lives := make(chan bool)
		runtime.AddCleanup(&struct{ b [64]byte }{}, func(lives chan bool) { close(lives) }, lives) // what goes is told of by now
		runtime.GC()
		<-lives
		select {
		case <-gone:
			t.Errorf("%s: it is gone", what)
		default:
		}
		runtime.KeepAlive(c)
	}
	kept("an element that was taken", func(c *Context, v reflect.Value) { c.take(v) })
	kept("an element that was claimed, by the record", func(c *Context, v reflect.Value) {
		c.claim(v, tree.Carried, "")
		c.logs = logs{}
	})
	kept("the owner of an element that rows share", func(c *Context, v reflect.Value) {
		c.remember(&instance{}, v, &step{slot: -1, id: 1, typ: plan.OfMessage(&dpb.Coding{})}, reflect.ValueOf(&dpb.Coding{}).Elem())
	})
	kept("the owner of a long list", func(c *Context, v reflect.Value) {
		for range longList {
			x := plan.As[dpb.CodeableConcept](v)
			x.Coding = append(x.Coding, &dpb.Coding{})
		}
		c.firstFree(v, plan.Of(v.Type()).Element("coding"))
	})
}
