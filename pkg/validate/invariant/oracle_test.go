package invariant

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	gofhir "github.com/gofhir/fhirpath"
	"github.com/gofhir/fhirpath/funcs"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// cannot are the keys that gofhir/fhirpath v1.4.0 cannot judge, each with the reason.
var cannot = map[string]string{
	"eld-19": "it refuses the regular expression", "eld-20": "it refuses the regular expression",
	"age-1": "it does not know %ucum", "cnt-3": "it does not know %ucum", "dis-1": "it does not know %ucum", "drt-1": "it does not know %ucum",
	"ras-1": "it does not know %ucum",
	"rng-2": "it cannot compare Quantities",
	"txt-1": "its htmlChecks is no check", "txt-2": "it has no htmlChecks2",
}

// oracle runs each rule on each complex element with both engines.
type oracle struct {
	t          *testing.T
	c          *fhirpath.Context
	contained  fhir.Contained
	theirs     map[string]*gofhir.Expression
	name       string
	n, no      int
	resource   gofhir.Collection
	root       gofhir.Collection
	ownRoot    fhirpath.Value
	complaints int
}

func (o *oracle) check(bounds []*Bound, t *plan.Type, v reflect.Value, m map[string]any) {
	data, err := json.Marshal(m)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, b := range bounds {
		if cannot[b.Key] != "" {
			continue
		}
		x := o.theirs[b.Expression]
		if x == nil {
			if x, err = gofhir.Compile(b.Expression); err != nil {
				o.t.Errorf("%s: gofhir: %v", b.Key, err)
				continue
			}
			o.theirs[b.Expression] = x
		}
		own, err := b.Expr.Test(o.c, fhirpath.At(t, v))
		if err != nil {
			o.t.Errorf("%s: %s: %v", o.name, b.Key, err)
			continue
		}
		out, err := x.EvaluateWithOptions(data, gofhir.WithVariable("resource", o.resource), gofhir.WithVariable("rootResource", o.root))
		their := fhirpath.Unknown
		if err == nil && len(out) == 1 {
			if their = fhirpath.False; out[0].String() == "true" {
				their = fhirpath.True
			}
		}
		o.n++
		if own == fhirpath.False {
			o.no++
		}
		if own != their {
			if o.complaints++; o.complaints < 20 {
				o.t.Errorf("%s: %s on %s: own %v, gofhir %v (%v): %s", o.name, b.Key, t.Name, own, their, err, data[:min(len(data), 300)])
			}
		}
	}
}

// document checks a resource that stands in root; root is zero for one that stands for itself.
func (o *oracle) document(t *plan.Type, v reflect.Value, m map[string]any, inner bool) {
	data, err := json.Marshal(m)
	if err != nil {
		o.t.Fatal(err)
	}
	resource, root, ownRoot := o.resource, o.root, o.ownRoot
	ownResource, _ := o.c.Scope()
	o.resource = gofhir.MustEvaluate(data, "$this")
	if !inner {
		o.root, o.ownRoot = o.resource, fhirpath.At(t, v)
	}
	o.c.SetScope(fhirpath.At(t, v), o.ownRoot)
	o.element(nil, t, v, m)
	o.resource, o.root, o.ownRoot = resource, root, ownRoot
	o.c.SetScope(ownResource, ownRoot)
}

func (o *oracle) element(e *plan.Element, t *plan.Type, v reflect.Value, m map[string]any) {
	o.check(OfType(t), t, v, m)
	if e != nil {
		o.check(OfElement(e, t), t, v, m)
	}
	for _, e := range t.Elements {
		switch e.Shape {
		case plan.PackedList:
			list, _ := m[e.Name].([]any)
			for i, a := range v.Field(e.Index).Interface().([]*anypb.Any) {
				r, err := o.contained.Unpack(a)
				if err != nil {
					o.t.Fatal(err)
				}
				w := fhirpath.Of(r)
				o.document(w.Type(), w.Struct(), list[i].(map[string]any), true)
			}
		case plan.ResourceOf:
			if x := e.At(v, 0); x.IsValid() {
				if w, a := plan.ContainedType().Resource(x); a != nil {
					o.document(a.Type(), w, m[e.Name].(map[string]any), false)
				}
			}
		case plan.ChoiceOf:
			if w, a := e.Chosen(v); a != nil && a.Type().Kind != plan.Primitive {
				o.element(e, a.Type(), w, m[a.Name].(map[string]any))
			}
		case plan.One, plan.List:
			if e.Type().Kind == plan.Primitive {
				continue
			}
			for i := range e.Len(v) {
				x := m[e.Name]
				if e.List {
					x = x.([]any)[i]
				}
				o.element(e, e.Type(), e.At(v, i), x.(map[string]any))
			}
		}
	}
}

// cutter takes pieces out of resources, always the same ones.
type cutter uint32

func (c *cutter) random(n int) int {
	*c = *c*1664525 + 1013904223
	return int(*c>>8) % n
}

// cut goes down at random and takes an element away.
func (c *cutter) cut(m map[string]any) {
	for range 6 {
		var keys []string
		for k := range m {
			if k != "resourceType" {
				keys = append(keys, k)
			}
		}
		if len(keys) == 0 {
			return
		}
		slices.Sort(keys)
		k := keys[c.random(len(keys))]
		next := m[k]
		if l, ok := next.([]any); ok && len(l) > 0 {
			next = l[c.random(len(l))]
		}
		down, ok := next.(map[string]any)
		if !ok || c.random(3) == 0 {
			delete(m, k)
			delete(m, "_"+k)
			return
		}
		m = down
	}
}

// TestOracle compares with gofhir/fhirpath on the official examples, whole and with pieces cut out.
func TestOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("the library is slow")
	}
	funcs.SetTraceLogger(funcs.NullTraceLogger{})
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "corpus/fhir/examples/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	cut := cutter(1)
	o := &oracle{t: t, theirs: map[string]*gofhir.Expression{}}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 12000 {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		for round := range 4 {
			if round > 0 {
				for range 4 {
					cut.cut(m)
				}
				if b, err = json.Marshal(m); err != nil {
					t.Fatal(err)
				}
			}
			r, findings := fhir.Unmarshal(b)
			if r == nil || fhir.Lost(findings) != nil {
				continue // the codec refuses what has become empty
			}
			o.name = fmt.Sprintf("%s round %d", filepath.Base(f), round)
			o.contained = fhir.Contained{}
			o.c = fhirpath.NewContext(fhirpath.Env{Contained: &o.contained})
			v := fhirpath.Of(r)
			o.document(v.Type(), v.Struct(), m, false)
		}
	}
	t.Logf("%d evaluations, %d of them false", o.n, o.no)
	if o.n < 10000 || o.no < 100 {
		t.Errorf("%d evaluations, %d of them false: too few to say anything", o.n, o.no)
	}
}
