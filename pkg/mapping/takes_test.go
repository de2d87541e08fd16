package mapping

import (
	"reflect"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
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
