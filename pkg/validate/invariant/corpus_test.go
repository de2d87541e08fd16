package invariant

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

type document struct {
	name string
	size int
	m    proto.Message
}

// documents reads the files of the shared corpus that match a pattern.
func documents(t testing.TB, pattern string) (out []document) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(testshared.Dir(t), pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := fhir.Unmarshal(b)
		if m == nil {
			t.Fatalf("%s cannot be read", name)
		}
		out = append(out, document{filepath.Base(name), len(b), m})
	}
	return out
}

// TestCompile binds every rule to every type and element that it is for: none but those in Faults fails, and none is left over.
func TestCompile(t *testing.T) {
	used := map[*Rule]bool{}
	seen := map[*plan.Type]bool{}
	note := func(bs []*Bound) {
		for _, b := range bs {
			used[b.Rule] = true
			if b.Err != nil {
				t.Errorf("%s at %s: %v", b.Key, b.Path, b.Err)
			}
		}
	}
	var visit func(*plan.Type)
	visit = func(x *plan.Type) {
		if seen[x] {
			return
		}
		seen[x] = true
		note(OfType(x))
		for _, e := range x.Elements {
			if e.Shape == plan.ResourceOf || e.Shape == plan.PackedList || e.Shape == plan.PackedOne {
				continue
			}
			for _, a := range e.Choice {
				note(OfElement(e, a.Type()))
				visit(a.Type())
			}
			if e.Choice == nil {
				note(OfElement(e, e.Type()))
				visit(e.Type())
			}
		}
	}
	for _, name := range plan.Resources() {
		x, err := plan.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		visit(x)
	}
	for _, name := range []string{"Age", "Count", "Distance", "Duration"} { // which extensions alone have
		x, _ := plan.Named(name)
		visit(x)
	}
	keys := map[string]bool{}
	for _, r := range Rules() {
		keys[r.Key] = true
		if !used[r] && r.Key != "cid-0" {
			t.Errorf("%s at %s is bound to nothing", r.Key, r.Path)
		}
		if r.Human == "" || r.Severity == 0 {
			t.Errorf("%s has no words or no severity", r.Key)
		}
	}
	if len(keys) != 237 || len(Rules()) != 239 {
		t.Errorf("%d keys, %d rules; R4 has 237 and 239", len(keys), len(Rules()))
	}
}

// accepted are errors that files of the corpus really have, by file and key.
var accepted = map[string]bool{}

// TestCorpus: on the official examples and the bundles of Synthea no rule of severity error fails, and none cannot be run.
func TestCorpus(t *testing.T) {
	k := NewChecker(fhirpath.Env{})
	warnings := map[string]int{}
	for _, pattern := range []string{"corpus/fhir/examples/*.json", "corpus/fhir/synthea/*.json"} {
		for _, d := range documents(t, pattern) {
			k.Check(d.m, func(v Violation) bool {
				switch {
				case v.Err != nil:
					t.Errorf("%s: %s at %s: %v", d.name, v.Rule.Key, v.Place, v.Err)
				case v.Rule.Severity == Error && !accepted[d.name+" "+v.Rule.Key]:
					t.Errorf("%s: %s at %s: %s", d.name, v.Rule.Key, v.Place, v.Rule.Human)
				default:
					warnings[v.Rule.Key]++
				}
				return true
			})
		}
	}
	if warnings["dom-6"] == 0 {
		t.Error("no resource of the corpus is without narrative: the rules do not run")
	}
	t.Logf("warnings: %v", warnings)
}

// BenchmarkSynthea is a whole pass of all rules over the bundles of Synthea, read beforehand.
func BenchmarkSynthea(b *testing.B) {
	docs := documents(b, "corpus/fhir/synthea/*.json")
	size := 0
	for _, d := range docs {
		size += d.size
	}
	k := NewChecker(fhirpath.Env{})
	pass := func() (n int) {
		for _, d := range docs {
			k.Check(d.m, func(Violation) bool { n++; return true })
		}
		return n
	}
	for _, mode := range []struct {
		name string
		skip func(*Rule) bool
	}{{"all", nil}, {"walk", func(*Rule) bool { return true }}} {
		b.Run(mode.name, func(b *testing.B) {
			k.Skip = mode.skip
			pass()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			start := cpuTime()
			for b.Loop() {
				pass()
			}
			if used := (cpuTime() - start).Seconds(); used > 0 {
				b.ReportMetric(float64(size)*float64(b.N)/1e6/used, "MB/cpu-s")
			}
		})
	}
}
