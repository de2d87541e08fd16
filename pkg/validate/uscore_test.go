package validate_test

import (
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/fhirpackage"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/validate"
)

// examples are the examples of a package of US Core, by file.
func examples(t testing.TB, file string) map[string][]byte {
	t.Helper()
	m := map[string][]byte{}
	for f, err := range fhirpackage.Files(filepath.Join(testshared.Dir(t), "conformance/us-core", file)) {
		if err != nil {
			t.Fatal(err)
		}
		if rest, ok := strings.CutPrefix(f.Name, "package/example/"); ok && strings.HasSuffix(rest, ".json") {
			if m[rest], err = io.ReadAll(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

func message(t testing.TB, v *validate.Validator, b []byte) []*diag.Finding {
	t.Helper()
	var list []*diag.Finding
	_, err := v.Stream(t.Context(), strings.NewReader(string(b)), "x", func(f *diag.Finding) { list = append(list, f) })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// faulty are the examples in which the official validator has errors too: bundles whose narratives link to what stood elsewhere,
// and whose fullUrls do not end as their resources are called.
var faulty = map[string]bool{"Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2.json": true, "Bundle-c887e62f-6166-419f-8268-b5ecd6c7b901.json": true,
	"Bundle-docref-example-2.json": true}

// guides are the built-in editions with their packages.
var guides = map[string]string{"us-core": "us_core_610.tgz", "us-core@7.0.0": "us_core_700.tgz"}

// TestUSCoreExamples: the examples of each package meet its profiles.
func TestUSCoreExamples(t *testing.T) {
	for name, file := range guides {
		v := newValidator(t, validate.Options{Profiles: []string{name}})
		all := examples(t, file)
		if len(all) < 150 {
			t.Fatalf("%s: %d examples", name, len(all))
		}
		for ex, b := range all {
			for _, f := range rejects(message(t, v, b)) {
				if !faulty[ex] {
					t.Errorf("%s: %s: %v", name, ex, f)
				}
			}
		}
	}
}

// TestUSCoreMutants takes away, one by one, every element that a profile demands of each example, and changes every value that it
// fixes: each mutant is caught.
func TestUSCoreMutants(t *testing.T) {
	for name, file := range guides {
		t.Run(name, func(t *testing.T) {
			v := newValidator(t, validate.Options{Profiles: []string{name}})
			mutants, caught := 0, 0
			missed := map[string]int{}
			all := examples(t, file)
			for _, ex := range sorted(all) {
				b := all[ex]
				m, found := fhir.Unmarshal(b)
				if m == nil || len(found) > 0 || strings.HasPrefix(ex, "Bundle-") {
					continue
				}
				var doc map[string]any
				if err := json.Unmarshal(b, &doc); err != nil {
					t.Fatal(err)
				}
				base := len(rejects(message(t, v, b)))
				for _, d := range v.Demands(m) {
					for _, path := range d.Paths {
						change, ok := mutate(doc, path, d.Value)
						if !ok {
							continue
						}
						mutants++
						out, err := json.Marshal(change)
						if err != nil {
							t.Fatal(err)
						}
						if len(rejects(message(t, v, out))) > base {
							caught++
						} else {
							missed[d.What]++
							if missed[d.What] == 1 {
								t.Errorf("%s: %s at %v is not caught", ex, d.What, path)
							}
						}
					}
				}
			}
			t.Logf("%d of %d mutants are caught", caught, mutants)
			if mutants < 600 {
				t.Errorf("only %d mutants", mutants)
			}
		})
	}
}

func sorted(m map[string][]byte) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// mutate copies a document without what stands at a path; with value, with another value there.
func mutate(doc any, path []any, value bool) (any, bool) {
	switch d := doc.(type) {
	case map[string]any:
		key, ok := path[0].(string)
		if !ok {
			return nil, false
		}
		under := "_" + key
		if d[key] == nil && d[under] == nil {
			return nil, false
		}
		out := map[string]any{}
		for k, x := range d {
			out[k] = x
		}
		if len(path) == 1 {
			if value {
				if s, ok := d[key].(string); ok {
					out[key] = s + "-mutant"
					return out, true
				}
				return nil, false
			}
			delete(out, key)
			delete(out, under)
			return out, len(out) > 0
		}
		x, ok := mutate(d[key], path[1:], value)
		if !ok {
			return nil, false
		}
		if empty(x) {
			delete(out, key)
		} else {
			out[key] = x
		}
		return out, true
	case []any:
		n, ok := path[0].(int)
		if !ok || n >= len(d) {
			return nil, false
		}
		out := slices.Clone(d)
		if len(path) == 1 {
			if value {
				if s, ok := d[n].(string); ok {
					out[n] = s + "-mutant"
					return out, true
				}
				return nil, false
			}
			return slices.Delete(out, n, n+1), true
		}
		x, ok := mutate(d[n], path[1:], value)
		if !ok {
			return nil, false
		}
		if empty(x) {
			return slices.Delete(out, n, n+1), true
		}
		out[n] = x
		return out, true
	}
	return nil, false
}

func empty(x any) bool {
	switch x := x.(type) {
	case map[string]any:
		return len(x) == 0
	case []any:
		return len(x) == 0
	}
	return false
}
