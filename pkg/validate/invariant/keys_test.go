package invariant

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// pair is a line of testdata/*.ndjson. One with a type says what the lines after it are: their elements are laid over base, null takes
// one away. A datatype stands in an extension of a Basic, an ElementDefinition in the differential of a StructureDefinition.
type pair struct {
	Type string
	Base map[string]any

	Key   string
	Path  string         // which of the rules of a key that stands for several
	Good  map[string]any // breaks no rule of severity error, nor this one
	Bad   map[string]any // breaks this one
	Also  []string       // other errors that cannot be helped in bad
	Never string         // why no instance can break the rule: bad then holds, too

	at string // file:line
}

func pairs(t *testing.T) (out []pair) {
	t.Helper()
	files, _ := filepath.Glob("testdata/*.ndjson")
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var typ string
		var base map[string]any
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			p := pair{at: fmt.Sprintf("%s:%d", name, n)}
			d := json.NewDecoder(strings.NewReader(lines.Text()))
			d.DisallowUnknownFields()
			d.UseNumber()
			if err := d.Decode(&p); err != nil {
				t.Fatalf("%s: %v", p.at, err)
			}
			if p.Type != "" {
				typ, base = p.Type, p.Base
				continue
			}
			p.Type, p.Good, p.Bad = typ, over(base, p.Good), over(base, p.Bad)
			out = append(out, p)
		}
	}
	return out
}

func over(base, x map[string]any) map[string]any {
	m := maps.Clone(base)
	if m == nil {
		m = map[string]any{}
	}
	for k, v := range x {
		if m[k] = v; v == nil {
			delete(m, k)
		}
	}
	return m
}

// instance makes a resource of a fragment.
func instance(typ string, x map[string]any) map[string]any {
	switch {
	case typ == "ElementDefinition":
		x = over(map[string]any{"id": "X.a", "path": "X.a"}, x)
		return map[string]any{"resourceType": "StructureDefinition", "url": "http://example.org/X", "name": "X", "status": "draft", "kind": "complex-type",
			"abstract": true, "type": "X", "differential": map[string]any{"element": []any{map[string]any{"id": "X", "path": "X"}, x}}}
	case fhirpathResource(typ):
		x = maps.Clone(x)
		x["resourceType"] = typ
		return x
	}
	return map[string]any{"resourceType": "Basic", "extension": []any{map[string]any{"url": "http://example.org/x", "value" + typ: x}}}
}

func fhirpathResource(typ string) bool {
	types, err := fhirpath.NamedTypes(typ)
	return err == nil && types[0].FHIR.Is("Resource")
}

// violations runs the rules over a resource in JSON.
func violations(t *testing.T, at string, x map[string]any) (out []Violation) {
	t.Helper()
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	m, findings := fhir.Unmarshal(b)
	if len(findings) > 0 {
		t.Fatalf("%s: %s: %v", at, b, findings)
	}
	NewChecker(fhirpath.Env{}).Check(m, func(v Violation) bool {
		if v.Err != nil {
			t.Errorf("%s: %s: %v", at, v.Rule.Key, v.Err)
		}
		out = append(out, v)
		return true
	})
	return out
}

// TestKeys sees each rule hold on one instance and fail on another.
func TestKeys(t *testing.T) {
	seen := map[*Rule]bool{}
	for _, p := range pairs(t) {
		rules := Find(p.Key)
		if p.Path != "" {
			rules = slices.DeleteFunc(rules, func(r *Rule) bool { return r.Path != p.Path })
		}
		if len(rules) != 1 {
			t.Errorf("%s: %d rules %s", p.at, len(rules), p.Key)
			continue
		}
		rule := rules[0]
		if seen[rule] {
			t.Errorf("%s: %s again", p.at, p.Key)
		}
		seen[rule] = true
		for _, v := range violations(t, p.at, instance(p.Type, p.Good)) {
			if v.Rule == rule || v.Rule.Severity == Error {
				t.Errorf("%s: the good instance of %s breaks %s at %s", p.at, p.Key, v.Rule.Key, v.Place)
			}
		}
		broken := false
		var others []string
		for _, v := range violations(t, p.at, instance(p.Type, p.Bad)) {
			if v.Rule == rule {
				broken = true
			} else if v.Rule.Severity == Error && !slices.Contains(others, v.Rule.Key) {
				others = append(others, v.Rule.Key)
			}
		}
		if broken != (p.Never == "") {
			t.Errorf("%s: the bad instance of %s breaks it: %v", p.at, p.Key, broken)
		}
		slices.Sort(others)
		slices.Sort(p.Also)
		if !slices.Equal(others, p.Also) {
			t.Errorf("%s: the bad instance of %s also breaks %v, expected %v", p.at, p.Key, others, p.Also)
		}
	}
	for _, r := range Rules() {
		if !seen[r] && r.Key != "ele-1" && r.Key != "cid-0" {
			t.Errorf("%s at %s has no instances", r.Key, r.Path)
		}
	}
}

// TestEle1 has instances that JSON cannot hold: the codec refuses empty elements.
func TestEle1(t *testing.T) {
	for _, tt := range []struct {
		name  string
		m     *ppb.Patient
		place string // of the violation; empty if there is none
	}{
		{"a name with family", &ppb.Patient{Name: []*dpb.HumanName{{Family: &dpb.String{Value: "Lee"}}}}, ""},
		{"an empty name", &ppb.Patient{Name: []*dpb.HumanName{{}}}, "Patient.name[0]"},
		{"a name with an id alone", &ppb.Patient{Name: []*dpb.HumanName{{Id: &dpb.String{Value: "n"}}}}, "Patient.name[0]"},
		{"a family without value", &ppb.Patient{Name: []*dpb.HumanName{{Family: &dpb.String{}}}}, "Patient.name[0].family"},
		{"a family with an extension alone", &ppb.Patient{Name: []*dpb.HumanName{{Family: &dpb.String{Extension: []*dpb.Extension{{
			Url: &dpb.Uri{Value: "http://example.org/x"}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{StringValue: &dpb.String{Value: "v"}}}}}}}}}, ""},
		{"an empty patient", &ppb.Patient{}, ""},
	} {
		// The walk sees ele-1 for itself; the expression must say the same.
		own := 0
		x := fhirpath.MustCompile(elementRule().Expression, nil)
		c := fhirpath.NewContext(fhirpath.Env{})
		items, err := fhirpath.MustCompile("descendants()", nil).Eval(c, fhirpath.Of(tt.m))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range slices.Clone(items) {
			if ok, err := x.Bool(c, v); err != nil || !ok {
				own++
			}
		}
		if (own > 0) != (tt.place != "") {
			t.Errorf("%s: the expression of ele-1 fails on %d elements", tt.name, own)
		}
		var places []string
		NewChecker(fhirpath.Env{}).Check(tt.m, func(v Violation) bool {
			if v.Rule.Key == "ele-1" {
				places = append(places, v.Place)
			}
			return true
		})
		if strings.Join(places, " ") != tt.place {
			t.Errorf("%s: ele-1 fails at %v, want %s", tt.name, places, tt.place)
		}
	}
}
