package convert

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/operation_outcome_go_proto"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// lines converts text and gives the parts of each record, and the entries of the ledger.
func runHub(t *testing.T, to string, o Options, text string) (out []string, entries []*Entry) {
	t.Helper()
	formats := map[string]*Format{"fhir": FHIR(), "ndjson": NDJSON()}
	o.To = to
	o.LedgerFull = true
	err := Run(context.Background(), formats["fhir"], formats[to], strings.NewReader(text), "test", &o, func(r *Result) error {
		if r.Index == 0 {
			return nil
		}
		s := ""
		for _, p := range r.Parts {
			s += string(p.Data)
		}
		out, entries = append(out, s), append(entries, r.Entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, entries
}

// TestOnePage: a bundle with a link to the next page is said to be one page, whether it is read whole or in pieces.
func TestOnePage(t *testing.T) {
	const bundle = `{"resourceType":"Bundle","type":"searchset","link":[{"relation":"self","url":"https://a.example/1"},{"relation":"%s","url":"https://a.example/2"}],` +
		`"entry":[{"fullUrl":"https://a.example/Patient/p","resource":{"resourceType":"Patient","id":"p","gender":"female"}},` +
		`{"fullUrl":"https://a.example/Patient/q","resource":{"resourceType":"Patient","id":"q","gender":"male"}}]}`
	for _, c := range []struct {
		relation string
		whole, n int
	}{{"next", 0, 1}, {"next", 100, 1}, {"previous", 0, 0}, {"previous", 100, 0}} {
		n := 0
		o := Options{To: "ndjson", maxWhole: c.whole, TempDir: t.TempDir()}
		err := Run(context.Background(), FHIR(), NDJSON(), strings.NewReader(fmt.Sprintf(bundle, c.relation)), "test", &o, func(r *Result) error {
			for _, f := range r.Findings {
				if f.ID == OnePage && f.Place.Path == "Bundle.link[1]" {
					n++
				}
			}
			return nil
		})
		if err != nil || n != c.n {
			t.Errorf("%v: said %d times, %v", c, n, err)
		}
	}
}

// TestFullURLs: each entry of a bundle that is made of resources which stood alone has a fullUrl of its own, whether a resource has an id
// or none; and so it is whatever the number of jobs.
func TestFullURLs(t *testing.T) {
	text := `{"resourceType":"Patient","id":"p"}
{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p"}}
{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p"}}
{"resourceType":"Observation","status":"final","code":{"text":"b"}}
`
	var first []string
	for _, jobs := range []int{1, 3} {
		out, _ := runHub(t, "fhir", Options{Jobs: jobs}, text)
		var urls []string
		for _, b := range out {
			var bundle struct {
				Entry []struct {
					FullURL  string `json:"fullUrl"`
					Resource struct{ ResourceType, ID string }
				}
			}
			if err := json.Unmarshal([]byte(b), &bundle); err != nil {
				t.Fatal(err)
			}
			for _, e := range bundle.Entry {
				if !strings.Contains(e.FullURL, ":") || slices.Contains(urls, e.FullURL) {
					t.Errorf("%s %s: fullUrl %q", e.Resource.ResourceType, e.Resource.ID, e.FullURL)
				}
				urls = append(urls, e.FullURL)
			}
		}
		if len(urls) != 4 {
			t.Fatalf("%d entries in %q", len(urls), out)
		}
		if first == nil {
			first = urls
		} else if !slices.Equal(first, urls) {
			t.Errorf("%q with %d jobs, else %q", urls, jobs, first)
		}
	}
}

func TestByPatient(t *testing.T) {
	text := `{"resourceType":"Organization","id":"o1","name":"shared, referred to by p1's doctor"}
{"resourceType":"Observation","id":"x","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p2"},"performer":[{"reference":"PractitionerRole/r1"}]}
{"resourceType":"Patient","id":"p1","generalPractitioner":[{"reference":"PractitionerRole/r1"}],"link":[{"other":{"reference":"Patient/p2"},"type":"seealso"}]}
{"resourceType":"PractitionerRole","id":"r1","organization":{"reference":"Organization/o1"}}
{"resourceType":"Patient","id":"p2"}
{"resourceType":"Provenance","id":"v","target":[{"reference":"Observation/x"}],"recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"reference":"Organization/o1"}}]}
{"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/p1"}},{"item":{"reference":"Patient/p2"}}]}
{"resourceType":"Location","id":"alone","name":"nobody's"}
`
	r := readFHIR(strings.NewReader(text), "test", &Options{To: "hl7v2"})
	var got []string
	for raw, err := range r {
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		text, err := io.ReadAll(raw.stream())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var x struct{ ID string }
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, x.ID)
		}
		got = append(got, fmt.Sprintf("%d: %s", raw.Index, strings.Join(ids, " ")))
	}
	want := []string{"1: o1 p1 r1 l", "2: o1 x r1 p2 v l", "3: alone"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestByPatientIsNotQuadratic: many patients that share one practitioner. What four times as many take is told by comparison, and often enough: a
// machine may be busy, or slow.
func TestByPatientIsNotQuadratic(t *testing.T) {
	takes := func(n int) time.Duration {
		var b strings.Builder
		b.WriteString(`{"resourceType":"Practitioner","id":"d"}` + "\n")
		for i := range n {
			fmt.Fprintf(&b, `{"resourceType":"Patient","id":"p%d","generalPractitioner":[{"reference":"Practitioner/d"}]}`+"\n", i)
		}
		begin := time.Now()
		groups := 0
		for _, err := range readFHIR(strings.NewReader(b.String()), "test", &Options{To: "hl7v2"}) {
			if err != nil {
				t.Fatal(err)
			}
			groups++
		}
		if groups != n {
			t.Errorf("%d groups", groups)
		}
		return time.Since(begin)
	}
	var few, many time.Duration
	for range 25 {
		if few, many = takes(5000), takes(20000); many < 10*few {
			return
		}
	}
	t.Errorf("5,000 patients took %s, 20,000 took %s", few, many)
}

func TestBundleToNDJSON(t *testing.T) {
	text := `{"resourceType":"Bundle","type":"searchset","total":2,"entry":[
{"fullUrl":"urn:uuid:0c3f2c1e-0000-4000-8000-000000000001","resource":{"resourceType":"Patient"},"search":{"mode":"match"}},
{"fullUrl":"http://x.example/fhir/Observation/7","resource":{"resourceType":"Observation","id":"7","status":"final","code":{"text":"a"},
 "subject":{"reference":"urn:uuid:0c3f2c1e-0000-4000-8000-000000000001"}}}]}`
	out, entries := runHub(t, "ndjson", Options{}, text)
	want := `{"resourceType":"Patient","id":"0c3f2c1e-0000-4000-8000-000000000001"}
{"resourceType":"Observation","id":"7","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/0c3f2c1e-0000-4000-8000-000000000001"}}
`
	if len(out) != 1 || out[0] != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	e := entries[0]
	var at []string
	for _, l := range e.Declined {
		at = append(at, l.At)
	}
	if want := []string{"Bundle.type", "Bundle.total", "Bundle.entry[0].search.mode"}; !slices.Equal(at, want) {
		t.Errorf("declined %q, want %q", at, want)
	}
	if e.Tally.Values() != e.Tally.Carried+len(e.Declined) {
		t.Errorf("%+v", e.Tally)
	}
}

func TestNDJSONToBundle(t *testing.T) {
	text := `{"resourceType":"Patient","id":"p1"}
{"resourceType":"Observation","id":"7","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p1"}}
`
	out, entries := runHub(t, "fhir", Options{}, text)
	if len(out) != 1 {
		t.Fatalf("%d records", len(out))
	}
	var b struct {
		Type  string
		Entry []struct {
			FullURL  string `json:"fullUrl"`
			Resource struct{ Subject struct{ Reference string } }
		}
	}
	if err := json.Unmarshal([]byte(out[0]), &b); err != nil {
		t.Fatal(err)
	}
	if b.Type != "collection" || len(b.Entry) != 2 || b.Entry[0].FullURL == "" || b.Entry[1].Resource.Subject.Reference != b.Entry[0].FullURL {
		t.Errorf("%+v", b)
	}
	if e := entries[0]; e.Tally.Values() != e.Tally.Carried || e.ID != "p1" {
		t.Errorf("%+v", e)
	}
}

func TestBundleToBundle(t *testing.T) {
	text := `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/1"}},{"fullUrl":"urn:uuid:0c3f2c1e-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","id":"a"},"request":{"method":"POST","url":"Patient"}}]}`
	out, entries := runHub(t, "fhir", Options{}, text)
	if len(out) != 1 || strings.TrimSpace(out[0]) != text {
		t.Errorf("a bundle of the same kind is not the same:\n%s\n%s", out, text)
	}
	if e := entries[0]; e.Tally.Values() != e.Tally.Carried || e.Tally.Carried != 6 {
		t.Errorf("%+v", e.Tally)
	}
	out, entries = runHub(t, "fhir", Options{BundleKind: "collection"}, text)
	if strings.Contains(out[0], "request") || !strings.Contains(out[0], `"type":"collection"`) || entries[0].Tally.Declined != 5 {
		t.Errorf("%s %+v", out[0], entries[0])
	}
	_, entries = runHub(t, "fhir", Options{BundleKind: "message"}, text)
	if entries[0].Rejected == nil {
		t.Error("a message without a MessageHeader")
	}
}

func TestSniffFHIR(t *testing.T) {
	for text, want := range map[string][2]bool{
		`{"resourceType":"Patient"}`:                                      {true, true},
		"\xef\xbb\xbf { \"id\":\"x\", \"resourceType\":\"Patient\"}":      {true, true},
		`{"resourceType":"Bundle","entry":[]}`:                            {true, false},
		`{"entry":[{"resource":{"resourceType":"Patient"}}],"resourceTyp`: {true, false},
		`{"a":1}`: {false, false},
		`[]`:      {false, false},
		``:        {false, false},
	} {
		if sniffFHIR([]byte(text)) != want[0] || (looseFHIR([]byte(text)) != "") != want[1] {
			t.Errorf("%s: fhir %v, loose %v", text, !want[0], !want[1])
		}
	}
}

// TestNoRecord: an OperationOutcome is told of where it stands alone, and not in a part of a bundle, of which nobody knows what else it holds.
func TestNoRecord(t *testing.T) {
	rec := mapping.NewRecord(nil, mapping.NewResource(&opb.OperationOutcome{}, ""))
	if list := noRecord(rec); len(list) != 1 || list[0].ID != OnlyOutcome {
		t.Errorf("findings %v", list)
	}
	if rec.Part = true; noRecord(rec) != nil {
		t.Errorf("findings of a part: %v", noRecord(rec))
	}
}
