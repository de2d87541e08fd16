package conformance

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

const small = `{"resourceType":"Bundle","type":"message","identifier":{"value":"7"},"entry":[
 {"fullUrl":"urn:uuid:aa","resource":{"resourceType":"Patient","id":"aa","identifier":[{"system":"urn:oid:1.2","value":"42"}],
  "name":[{"family":"Example","given":["Ann","B"]}],"birthDate":"1980-05-06",
  "_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"1980-05-06T10:00:00-05:00"}]},
  "managingOrganization":{"reference":"urn:uuid:cc"}}},
 {"fullUrl":"urn:uuid:bb","resource":{"resourceType":"Observation","id":"bb","status":"final","code":{"coding":[{"code":"718-7"}]},
  "subject":{"reference":"Patient/aa"},"valueQuantity":{"value":13.50,"unit":"g/dL"}}},
 {"fullUrl":"urn:uuid:dd","resource":{"resourceType":"Observation","id":"dd","status":"final","code":{"coding":[{"code":"4544-3"}]},
  "subject":{"reference":"Patient/aa"},"valueQuantity":{"value":40,"unit":"%"}}},
 {"fullUrl":"urn:uuid:cc","resource":{"resourceType":"Organization","id":"cc","name":"Example Clinic"}},
 {"fullUrl":"urn:uuid:ee","resource":{"resourceType":"Organization","id":"ee","name":"Example Laboratory"}}]}`

// TestCompareSmall checks what counts as the same content, and that a change of content is seen.
func TestCompareSmall(t *testing.T) {
	want := mustRead(t, small)
	total := compare(want, mustRead(t, small)).Total
	if total != 21 {
		t.Errorf("the bundle has %d leaves, 21 expected", total)
	}
	for _, tt := range []struct {
		name     string
		old, new string
		misses   []string // type.path
		ours     string   // of the first miss
	}{
		{"same", "", "", nil, ""},
		{"another id", `"aa"`, `"zz"`, []string{"Observation.subject", "Observation.subject"}, "there is: -> another"}, // Patient/aa leads nowhere now
		{"another id everywhere", `aa`, `zz`, nil, ""},
		{"the moment in another zone", `10:00:00-05:00`, `15:00:00Z`, nil, ""},
		{"another moment", `10:00:00-05:00`, `10:00:00Z`, []string{"Patient.birthDate.extension(patient-birthTime).valueDateTime"},
			"there is: 1980-05-06T10:00:00Z"},
		{"the same number", `13.50`, `13.5`, nil, ""},
		{"another number", `13.50`, `13.6`, []string{"Observation.valueQuantity.value"}, "there is: 13.6"},
		{"another code", `718-7`, `718-8`, []string{"Observation.code.coding.code"}, "there is: 718-8"},
		{"order of a list", `"Ann","B"`, `"B","Ann"`, nil, ""},
		{"a value less", `"Ann","B"`, `"Ann"`, []string{"Patient.name.given"}, "there is: Ann"},
		{"another element", `"family"`, `"text"`, []string{"Patient.name.family"}, "the value is at name.text"},
		{"another type", `"Organization","id":"ee"`, `"Location","id":"ee"`, []string{"Organization.name"}, "there is: Example Clinic"},
		{"a reference that leads elsewhere", `"reference":"urn:uuid:cc"`, `"reference":"urn:uuid:ee"`,
			[]string{"Patient.managingOrganization"}, "there is: -> Organization Example Laboratory"},
		{"no bundle identifier", `"identifier":{"value":"7"},`, ``, []string{"Bundle.identifier.value"}, "nothing there"},
		{"another kind of bundle", `"type":"message"`, `"type":"collection"`, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := compare(want, mustRead(t, strings.ReplaceAll(small, tt.old, tt.new)))
			var got []string
			for _, m := range out.Misses {
				got = append(got, m.Resource+"."+m.Path)
			}
			if !slices.Equal(got, tt.misses) {
				t.Fatalf("misses %q, %q expected", got, tt.misses)
			}
			if len(got) > 0 && out.Misses[0].Ours != tt.ours {
				t.Errorf("ours: %q, %q expected", out.Misses[0].Ours, tt.ours)
			}
			if out.Found+len(out.Misses) != out.Total {
				t.Errorf("%d found and %d missed of %d", out.Found, len(out.Misses), out.Total)
			}
		})
	}
}

// TestCompareShared: where ours has one organisation for two mentions, both are found.
func TestCompareShared(t *testing.T) {
	want := mustRead(t, strings.ReplaceAll(small, "Example Laboratory", "Example Clinic"))
	got := mustRead(t, strings.Replace(small, `,
 {"fullUrl":"urn:uuid:ee","resource":{"resourceType":"Organization","id":"ee","name":"Example Laboratory"}}`, "", 1))
	if out := compare(want, got); len(out.Misses) > 0 || len(got) != 5 {
		t.Errorf("%d resources, misses: %v", len(got), out.Misses)
	}
	// But two results are two, however alike.
	one := strings.ReplaceAll(strings.ReplaceAll(small, "4544-3", "718-7"), `"value":40,"unit":"%"`, `"value":13.50,"unit":"g/dL"`)
	cut := one[:strings.Index(one, ` {"fullUrl":"urn:uuid:dd"`)] + one[strings.Index(one, ` {"fullUrl":"urn:uuid:cc"`):]
	if out := compare(mustRead(t, one), mustRead(t, cut)); len(out.Misses) != 5 {
		t.Errorf("an observation is missing: %d misses, 5 expected: %v", len(out.Misses), out.Misses)
	}
}

func mustRead(t *testing.T, s string) []*resource {
	t.Helper()
	r, err := readBundle([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPairsAgainstThemselves: every expected bundle has all of its own content, in any order of its entries, and lacks what is
// taken out of it.
func TestPairsAgainstThemselves(t *testing.T) {
	pairs, err := ReadPairs(testshared.Dir(t), "hl7->fhir")
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) < 100 {
		t.Fatalf("%d pairs, more expected", len(pairs))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, p := range pairs {
		expected, err := os.ReadFile(p.Expected)
		if err != nil {
			t.Fatal(err)
		}
		itself := ComparePair(p, func(string, string) ([][]byte, error) { return [][]byte{expected}, nil })
		if itself.Err != nil || !itself.Passed() || itself.Total == 0 {
			t.Errorf("%s: %d of %d, %v %v", p, itself.Found, itself.Total, itself.Err, itself.Misses[:min(3, len(itself.Misses))])
			continue
		}
		if p.Structure == "" {
			t.Errorf("%s: no message structure", p)
		}
		shuffled := mutate(t, expected, func(entries []any) []any {
			rnd.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
			return entries
		})
		if r := ComparePair(p, func(string, string) ([][]byte, error) { return [][]byte{shuffled}, nil }); !r.Passed() {
			t.Errorf("%s in another order: %d of %d, %v", p, r.Found, r.Total, r.Misses[:min(3, len(r.Misses))])
		}
		cut := mutate(t, expected, func(entries []any) []any {
			return slices.DeleteFunc(entries, func(e any) bool {
				r, _ := e.(map[string]any)["resource"].(map[string]any)
				return r["resourceType"] == "MessageHeader"
			})
		})
		if r := ComparePair(p, func(string, string) ([][]byte, error) { return [][]byte{cut}, nil }); r.Passed() {
			t.Errorf("%s: nobody misses the MessageHeader", p)
		}
		if r := ComparePair(p, func(string, string) ([][]byte, error) { return nil, nil }); r.Found != 0 || r.Total != itself.Total {
			t.Errorf("%s against nothing: %d of %d", p, r.Found, r.Total)
		}
	}
}

func mutate(t *testing.T, bundle []byte, f func([]any) []any) []byte {
	t.Helper()
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(bundle, []byte("\xef\xbb\xbf"))))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	entries, _ := v["entry"].([]any)
	v["entry"] = f(entries)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBackPairsAgainstThemselves(t *testing.T) {
	pairs, err := ReadPairs(testshared.Dir(t), "fhir->hl7")
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) < 10 {
		t.Fatalf("%d pairs, more expected", len(pairs))
	}
	for _, p := range pairs {
		b, err := os.ReadFile(p.Expected)
		if err != nil {
			t.Fatal(err)
		}
		if r := CompareBackPair(p, func(string) ([]byte, error) { return b, nil }); !r.Passed() || r.Total == 0 {
			t.Errorf("%s: %d of %d", p, r.Found, r.Total)
		}
		b = bytes.Replace(b, []byte("PID|"), []byte("PIX|"), 1)
		if r := CompareBackPair(p, func(string) ([]byte, error) { return b, nil }); r.Passed() {
			t.Errorf("%s: nobody misses PID", p)
		}
	}
}

func TestNormal(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"2023-05-01T10:25:31-04:00", "2023-05-01T14:25:31Z"},
		{"2023-05-01T10:25:31.000-04:00", "2023-05-01T14:25:31Z"},
		{"2023-05-01T10:25-04:00", "2023-05-01T14:25:00Z"},
		{"2023-05-01", "2023-05-01"},
		{" a  b\n c ", "a b c"},
		{"urn:oid:2.999.1", "2.999.1"},
	} {
		if got := normalText(tt.in); got != tt.want {
			t.Errorf("normalText(%q) = %q, %q expected", tt.in, got, tt.want)
		}
	}
	for _, tt := range []struct{ in, want string }{{"1.50", "1.5"}, {"10", "10"}, {"1e2", "100"}, {"-0.10", "-0.1"}, {"0", "0"}} {
		if got := normalNumber(tt.in); got != tt.want {
			t.Errorf("normalNumber(%q) = %q, %q expected", tt.in, got, tt.want)
		}
	}
}

func TestShare(t *testing.T) {
	if got := Share(9999, 10000); got != "99.9 %" {
		t.Errorf("a share short of all: %s", got)
	}
	if got := Share(3, 3); got != "100.0 %" {
		t.Errorf("all: %s", got)
	}
}
