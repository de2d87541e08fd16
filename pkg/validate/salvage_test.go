package validate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
)

// good are resources of our own, where the examples of the specification are absent.
var good = []string{
	`{"resourceType":"Patient","id":"p","identifier":[{"system":"http://a.example/mrn","value":"7"}],"active":true,"name":[{"use":"official","family":"Ames","given":["Zoe","May"]}],"telecom":[{"system":"phone","value":"555-0100"}],"gender":"female","birthDate":"1970-01-02","address":[{"line":["1 Elm"],"city":"Ovid"}],"contact":[{"name":{"family":"Bell"}}],"communication":[{"language":{"text":"English"},"preferred":true}]}`,
	`{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin"}]},"subject":{"reference":"Patient/p"},"effectivePeriod":{"start":"2020-01-01","end":"2020-01-02"},"valueQuantity":{"value":7.1,"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"},"referenceRange":[{"low":{"value":6},"high":{"value":8}}],"component":[{"code":{"text":"x"},"valueString":"y"}]}`,
	`{"resourceType":"MedicationRequest","id":"m","contained":[{"resourceType":"Medication","id":"x","code":{"text":"tablet"}}],"status":"active","intent":"order","medicationReference":{"reference":"#x"},"subject":{"reference":"Patient/p"},"authoredOn":"2020-01-01","dosageInstruction":[{"text":"one a day","timing":{"repeat":{"frequency":1,"period":1,"periodUnit":"d"}},"asNeededBoolean":false}]}`,
	`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"http://a.example/Patient/q","resource":{"resourceType":"Patient","id":"q","gender":"male"}},{"fullUrl":"http://a.example/Condition/c","resource":{"resourceType":"Condition","id":"c","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},"code":{"text":"x"},"subject":{"reference":"Patient/q"},"onsetDateTime":"2019"}}]}`,
}

// leafAt is a leaf of JSON, by the object or array that holds it.
type leafAt struct {
	holder any
	key    any // a name or a number
}

func jsonLeaves(v any, add func(leafAt)) {
	each := func(holder, key, x any) {
		switch x.(type) {
		case map[string]any, []any:
			jsonLeaves(x, add)
		default:
			if key != "resourceType" {
				add(leafAt{holder, key})
			}
		}
	}
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			each(v, name, v[name])
		}
	case []any:
		for i, x := range v {
			each(v, i, x)
		}
	}
}

// TestOneBrokenLeaf: of a resource in which one leaf is broken the rest is kept, every leaf is there or told of, and what is kept breaks no
// rule that the whole did not.
func TestOneBrokenLeaf(t *testing.T) {
	texts := slices.Clone(good)
	if shared := testshared.Find(); shared != "" && !testing.Short() {
		names, _ := filepath.Glob(filepath.Join(shared, "corpus/fhir/examples/*.json"))
		for _, name := range names {
			if b, err := os.ReadFile(name); err == nil && len(b) < 20000 {
				texts = append(texts, string(b))
			}
		}
	}
	v, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	broken := func(text string) map[string]int {
		n := map[string]int{}
		m, _ := fhir.Unmarshal([]byte(text))
		for _, f := range v.Message(m, "", diag.Place{}) {
			if f.Severity() == diag.Reject {
				n[string(f.ID)+" "+f.Message()]++
			}
		}
		return n
	}
	count := func(text string) (n int) {
		var doc any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		jsonLeaves(doc, func(l leafAt) {
			if m, ok := l.holder.(map[string]any); ok && l.key == "fullUrl" && m[l.key.(string)] != nil {
				return // no leaf of the ledger
			}
			n++
		})
		return n
	}
	rng := rand.New(rand.NewPCG(12, 12))
	kept, gone := 0, 0
	for _, text := range texts {
		base := broken(text)
		for try := range 12 {
			var doc any
			if err := json.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatal(err)
			}
			var all []leafAt
			jsonLeaves(doc, func(l leafAt) { all = append(all, l) })
			l := all[rng.IntN(len(all))]
			switch holder := l.holder.(type) {
			case []any:
				holder[l.key.(int)] = map[string]any{"is": true}
			case map[string]any:
				name := l.key.(string)
				switch try % 3 {
				case 0:
					holder[name] = map[string]any{"is": true}
				case 1:
					holder[name+"zz"] = holder[name]
					delete(holder, name)
				default:
					holder[name] = []any{7}
				}
			}
			b, _ := json.Marshal(doc)
			what := fmt.Sprintf("%.40s, %v: %s", text, l.key, b)
			_, finds := fhir.Unmarshal(b)
			if fhir.Lost(finds) == nil {
				continue // it breaks nothing
			}
			p := fhir.Salvage(b, false)
			if p == nil {
				t.Errorf("nothing is known of it: %s", what)
				continue
			}
			if !slices.ContainsFunc(p.Lost, func(l fhir.LostLeaf) bool { return l.Invalid }) {
				t.Errorf("nothing is invalid: %s", what)
			}
			seen := map[string]bool{}
			for _, l := range p.Lost {
				if seen[l.At] {
					t.Errorf("%s twice: %s", l.At, what)
				}
				seen[l.At] = true
			}
			if p.Resource == nil {
				if gone++; len(p.Lost) != count(string(b)) && !strings.Contains(what, "fullUrl") {
					t.Errorf("%d leaves told of, of %d: %s", len(p.Lost), count(string(b)), what)
				}
				continue
			}
			kept++
			made := len(p.Made())
			out, err := fhir.Append(nil, p.Resource)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := count(string(out))-2*made+len(p.Lost), count(string(b)); got != want && !strings.Contains(what, "fullUrl") {
				t.Errorf("%d leaves kept or told of, of %d: %s\n%s\n%v", got, want, what, out, p.Lost)
			}
			for f, n := range broken(string(out)) {
				if n > base[f] && !profiled(f) {
					t.Errorf("%s: %s\n%s", f, what, out)
				}
			}
		}
	}
	if kept < 3*gone || kept == 0 {
		t.Errorf("%d kept, %d not", kept, gone)
	}
}

// profiled reports a finding about a profile that the resource claims, which the codec does not know, or about the name of a bundle's entry, which
// nobody can make up: what is missing there stays missing.
func profiled(f string) bool {
	return strings.Contains(f, "vitalsigns") || slices.Contains([]string{"CP-FHIR-130", "CP-FHIR-134", "CP-FHIR-144"}, f[:11])
}
