package plan

import (
	"reflect"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// everyType is all types of the hub that a resource can hold.
func everyType(t *testing.T, visit func(*Type)) {
	seen := map[*Type]bool{}
	var walk func(*Type)
	walk = func(x *Type) {
		if seen[x] || x.Kind == Packed {
			return
		}
		seen[x] = true
		visit(x)
		for _, e := range x.Elements {
			for _, a := range e.Choice {
				walk(a.Type())
			}
			if e.Choice == nil && !e.RefText {
				walk(e.Type())
			}
		}
	}
	for _, name := range Resources() {
		ty, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		walk(ty)
	}
	if len(seen) < 900 {
		t.Fatalf("only %d types were found", len(seen))
	}
}

// TestFields: what is put into each element of each type is in the field of that struct, and the other way about.
func TestFields(t *testing.T) {
	everyType(t, func(ty *Type) {
		if ty.Kind == Contained {
			return
		}
		for _, e := range ty.Elements {
			name := ty.Name + "." + e.Name
			v := reflect.New(ty.Go).Elem()
			field := v.Field(e.Index)
			alts := e.Choice
			for _, a := range e.refs {
				alts = append(alts, a)
			}
			if len(alts) > 0 {
				for i, a := range alts {
					if a.goType == reflect.TypeFor[anypb.Any]() {
						continue
					}
					item := a.New()
					e.Choose(v, a, item)
					f := field
					if e.Choice != nil {
						if f = field.Elem().Field(e.oneof); i == 0 && e.Len(v) != 1 {
							t.Errorf("%s is not there", name)
						}
					}
					if w := f.Elem().Elem(); w.Type() != a.Wrap || w.Field(0).Pointer() != item.UnsafeAddr() {
						t.Errorf("%s does not hold the %s that was put there", name, a.Name)
					}
					if got, b := e.Chosen(v); b != a || got != item {
						t.Errorf("%s is not found as %s", name, a.Name)
					}
					if e.Choice == nil {
						continue
					}
					other := alts[(i+1)%len(alts)]
					if e.Free(v) || e.Held(v, a) != item || other != a && e.Held(v, other).IsValid() {
						t.Errorf("%s does not say that it holds a %s", name, a.Name)
					}
				}
				continue
			}
			if e.Len(v) != 0 || e.At(v, 0).IsValid() {
				t.Errorf("%s holds something at first", name)
			}
			one, two := e.New(), e.New()
			e.Put(v, one)
			if e.Put(v, two); !e.List {
				if field.Pointer() != two.UnsafeAddr() || e.At(v, 0) != two || e.At(v, 1).IsValid() || e.Len(v) != 1 {
					t.Errorf("%s does not hold what was put there", name)
				}
			} else if field.Len() != 2 || field.Index(0).Pointer() != one.UnsafeAddr() || field.Index(1).Pointer() != two.UnsafeAddr() ||
				e.Len(v) != 2 || e.At(v, 0) != one || e.At(v, 1) != two || e.At(v, 2).IsValid() {
				t.Errorf("%s does not hold the list that was put there", name)
			}
			e.Remove(v)
			list := reflect.Append(reflect.New(reflect.SliceOf(reflect.PointerTo(e.goType))).Elem(), one.Addr())
			if e.List {
				field.Set(list)
			} else {
				field.Set(one.Addr())
			}
			if e.Len(v) != 1 || e.At(v, 0) != one {
				t.Errorf("%s: what reflect put there is not found", name)
			}
		}
	})
}

// TestMessage: a struct is the message that it is, and no other.
func TestMessage(t *testing.T) {
	code := &dpb.Coding{}
	v := reflect.ValueOf(code).Elem()
	if As[dpb.Coding](v) != code || As[dpb.CodeableConcept](v) != nil || PlaceOf(v) != PlaceAt(code) {
		t.Error("a Coding is not itself, or something else")
	}
	if m := MessageOf(v); m != proto.Message(code) {
		t.Errorf("a Coding is %T", m)
	}
}

// TestAgain: what an arena hands out is empty, also when it hands it out again, and of a work that grows and shrinks.
func TestAgain(t *testing.T) {
	var a Arena
	var p Pool[dpb.Uri]
	name := OfMessage(&dpb.HumanName{})
	given, family := name.Element("given"), name.Element("family")
	met, again := map[any]bool{}, 0 // by pointers, which keep in memory what was handed out: addresses alone would come again
	for work, n := range []int{1, 40, 3, 40, 40, 5000, 20000, 2, 0, 7} {
		now := map[any]bool{}
		for range n {
			v := a.Take(name.Of())
			if here := v.Addr().Interface(); now[here] {
				t.Fatalf("work %d: one struct was handed out twice", work)
			} else if now[here] = true; met[here] {
				again++
			}
			if !proto.Equal(MessageOf(v), &dpb.HumanName{}) {
				t.Fatalf("work %d: a struct is not empty", work)
			}
			for i := range 5 {
				s := a.Take(given.Of())
				given.Type().Prim.Store(s, Value{S: "Example"})
				if given.Put(v, s); given.Len(v) != i+1 {
					t.Fatalf("work %d: a list of %d has %d", work, i+1, given.Len(v))
				}
			}
			s := a.Take(family.Of())
			family.Type().Prim.Store(s, Value{S: "Maple"})
			family.Put(v, s)
			want := &dpb.HumanName{Family: &dpb.String{Value: "Maple"}}
			for range 5 {
				want.Given = append(want.Given, &dpb.String{Value: "Example"})
			}
			if !proto.Equal(MessageOf(v), want) {
				t.Fatalf("work %d: a name is not what was put there", work)
			}
			if u := p.Take(); u.Value != "" {
				t.Fatalf("work %d: a member of a pool is not empty", work)
			} else {
				u.Value = "urn:x"
			}
		}
		for here := range now {
			met[here] = true
		}
		a.Again()
		p.Again()
	}
	if again == 0 {
		t.Error("nothing was handed out again")
	}
}
