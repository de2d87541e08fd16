package plan

import (
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/fhirpackage"
	"github.com/chartpost/chartpost/internal/testshared"
)

// TestOrder compares every type of the hub with its StructureDefinition in hl7.fhir.r4.core 4.0.1: the same elements, in the
// same order, lists where max is *, the same types where an element is a choice, and the same modifiers.
func TestOrder(t *testing.T) {
	type element struct {
		Path, Max, ContentReference string
		Min                         int
		IsModifier                  bool
		Type                        []struct{ Code string }
	}
	type definition struct {
		Kind, Derivation, Type, Name string
		BaseDefinition               string
		Abstract                     bool
		Snapshot                     struct{ Element []element }
	}
	types := 0
	for f, err := range fhirpackage.Files(filepath.Join(testshared.Dir(t), "conformance", "fhir-r4-core", "hl7.fhir.r4.core-4.0.1.tgz")) {
		if err != nil {
			t.Fatal(err)
		}
		if !f.Defines("StructureDefinition") {
			continue
		}
		var d definition
		if err := json.NewDecoder(f).Decode(&d); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if d.Kind != "resource" && d.Kind != "complex-type" || d.Derivation != "specialization" || d.Abstract {
			continue
		}
		if ty, err := Named(d.Type); err != nil {
			t.Errorf("%s: %v", d.Type, err)
		} else if base := path.Base(d.BaseDefinition); len(ty.Bases()) < 2 || ty.Bases()[0] != d.Type || ty.Bases()[1] != base {
			t.Errorf("%s: bases are %v, FHIR has %s", d.Type, ty.Bases(), base)
		}
		owners := map[string][]element{}
		var order []string
		for _, e := range d.Snapshot.Element {
			if i := strings.LastIndexByte(e.Path, '.'); i > 0 {
				if owners[e.Path[:i]] == nil {
					order = append(order, e.Path[:i])
				}
				owners[e.Path[:i]] = append(owners[e.Path[:i]], e)
			}
		}
		for _, owner := range order {
			ty, err := Named(owner)
			if err != nil {
				t.Errorf("%s: %v", owner, err)
				continue
			}
			types++
			var want, got []string
			for _, e := range owners[owner] {
				name := e.Path[strings.LastIndexByte(e.Path, '.')+1:]
				choice := strings.HasSuffix(name, "[x]")
				name = strings.TrimSuffix(name, "[x]")
				want = append(want, name)
				x := ty.Element(name)
				if x == nil {
					continue
				}
				if x.List != (e.Max == "*" || e.Max != "1" && e.Max != "0") {
					t.Errorf("%s: list is %v, max is %s", e.Path, x.List, e.Max)
				}
				if x.Modifier != e.IsModifier {
					t.Errorf("%s: modifier is %v", e.Path, x.Modifier)
				}
				if choice != (x.Choice != nil) {
					t.Errorf("%s: choice is %v", e.Path, x.Choice != nil)
				}
				if !choice {
					continue
				}
				var wantTypes, gotTypes []string
				for _, y := range e.Type {
					if owner == "Extension" && y.Code == "Meta" {
						continue // the hub's Extension cannot hold a Meta
					}
					wantTypes = append(wantTypes, name+upper(y.Code))
				}
				for _, a := range x.Choice {
					gotTypes = append(gotTypes, a.Name)
				}
				if !slices.Equal(wantTypes, gotTypes) {
					t.Errorf("%s: types are\n%v\nwant\n%v", e.Path, gotTypes, wantTypes)
				}
			}
			for _, e := range ty.Elements {
				got = append(got, e.Name)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: elements are\n%v\nwant\n%v", owner, got, want)
			}
		}
	}
	if types < 650 {
		t.Errorf("only %d types were compared", types)
	}
}
