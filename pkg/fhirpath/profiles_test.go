package fhirpath_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/fhirpackage"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// misspelt are invariants of US Core that do not compile, for an element that their type does not have.
var misspelt = map[string]string{
	"us-core-3": "valueQuantity, where the element is value and the rule stands on it",
	"us-core-4": "valueCodeableConcept, where the element is value and the rule stands on it",
}

// TestProfiles compiles the discriminators of every profile at hand for the type of what they slice, and the invariants of US Core.
func TestProfiles(t *testing.T) {
	discriminators, invariants := 0, 0
	failed := map[string]bool{}
	for _, name := range []string{"fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz", "us-core/us_core_311.tgz", "us-core/us_core_610.tgz", "us-core/us_core_700.tgz"} {
		eachProfile(t, filepath.Join(testshared.Dir(t), "conformance", name), func(d profile) {
			types, err := fhirpath.NamedTypes(d.Type)
			if err != nil || d.Kind == "logical" {
				return
			}
			for _, e := range d.Snapshot.Element {
				p := strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(e.Path, d.Type), "."), "[x]", "")
				at := types
				if p != "" {
					if x, err := fhirpath.Compile("$this."+p, types); err == nil {
						at = x.Types()
					} else {
						at = nil
					}
				}
				if e.Slicing != nil {
					for _, s := range e.Slicing.Discriminator {
						discriminators++
						if _, err := fhirpath.Compile(s.Path, at, fhirpath.Options{Subset: fhirpath.Discriminator}); err != nil {
							t.Errorf("%s %s: %s: %v", d.Name, e.Path, s.Path, err)
						}
					}
				}
				for _, c := range e.Constraint {
					if !strings.HasPrefix(c.Key, "us-core") {
						continue
					}
					invariants++
					_, err := fhirpath.Compile(c.Expression, at)
					if failed[c.Key] = failed[c.Key] || err != nil; err != nil && misspelt[c.Key] == "" {
						t.Errorf("%s %s %s: %s: %v", d.Name, e.Path, c.Key, c.Expression, err)
					}
				}
			}
		})
	}
	for key := range misspelt {
		if !failed[key] {
			t.Errorf("%s compiles: it is not misspelt", key)
		}
	}
	if discriminators < 1000 || invariants < 40 {
		t.Errorf("%d discriminators, %d invariants: too few", discriminators, invariants)
	}
}

type profile struct {
	Name, Type, Kind string
	Snapshot         struct {
		Element []struct {
			Path       string
			Slicing    *struct{ Discriminator []struct{ Type, Path string } }
			Constraint []struct{ Key, Expression string }
		}
	}
}

func eachProfile(t *testing.T, name string, do func(profile)) {
	for f, err := range fhirpackage.Files(name) {
		if err != nil {
			t.Fatal(err)
		}
		if !f.Defines("StructureDefinition") {
			continue
		}
		var d profile
		if err := json.NewDecoder(f).Decode(&d); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		do(d)
	}
}
