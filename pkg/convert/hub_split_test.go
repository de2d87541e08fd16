package convert

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/fhir"
)

// parts are the records of a text that is to become documents, a line each: the entries that belong to it, or why it is rejected.
func parts(t *testing.T, text string, jobs int) (list []string) {
	t.Helper()
	for raw, err := range readFHIR(strings.NewReader(text), "test", &Options{To: "ccda", Jobs: jobs}) {
		if err != nil {
			t.Fatal(err)
		}
		what := "whole"
		h, _ := raw.Data.(hubRecord)
		switch {
		case raw.Reject != nil:
			what = fmt.Sprintf("%s in record %d", raw.Reject.ID, raw.Reject.Place.Record)
		case h.part != nil:
			var at []string
			for _, e := range h.part.entries {
				at = append(at, fmt.Sprint(e.Index))
			}
			what = strings.Join(at, " ")
		case h.group != nil:
			what = fmt.Sprintf("%d alone", len(h.group.members))
		}
		list = append(list, fmt.Sprintf("%d: %s", raw.Index, what))
	}
	return list
}

// bundle is a bundle of a type; an entry is a resource, or all that stands in the entry.
func bundle(typ string, entries ...string) string {
	for i, e := range entries {
		if !strings.Contains(e, `"resource":`) && !strings.Contains(e, `"request":`) {
			e = `"resource":` + e
		}
		if !strings.HasPrefix(e, `{"resource":`) {
			e = "{" + e + "}"
		}
		entries[i] = e
	}
	return `{"resourceType":"Bundle","type":"` + typ + `","entry":[` + strings.Join(entries, ",\n") + "]}"
}

func patient(id string) string { return `{"resourceType":"Patient","id":"` + id + `"}` }

func seen(id, reference string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"text":"a"},"subject":{` + reference + `}}`
}

func at(url, resource string) string { return `"fullUrl":"` + url + `","resource":` + resource }

// TestBundleByPatient: which bundles are a record for each patient, and what belongs to it.
func TestBundleByPatient(t *testing.T) {
	const (
		header      = `{"resourceType":"MessageHeader","id":"h","eventCoding":{"system":"https://x.example/events","code":"a"},"source":{"endpoint":"urn:x:y"}}`
		composition = `{"resourceType":"Composition","id":"c","status":"final","type":{"text":"a"},"date":"2026-01-01","author":[{"display":"a"}],"title":"a"}`
		numbered    = `{"resourceType":"Patient","identifier":[{"system":"urn:oid:1.2.3","value":"%s"}]}`
		linked      = `{"resourceType":"Patient","id":"%s","link":[{"other":{"reference":"Patient/%s"},"type":"%s"}]}`
		urn         = "urn:uuid:0c3f2c1e-0000-4000-8000-00000000000"
	)
	number, p3 := `"identifier":[{"system":"urn:oid:1.2.3","value":"1"}]`, patient("p3")
	p1, p2, o1, o2 := patient("p1"), patient("p2"), seen("o1", `"reference":"Patient/p1"`), seen("o2", `"reference":"Patient/p2"`)
	both := bundle("searchset", p1, p2, o1, o2)
	line := strings.ReplaceAll(both, "\n", "")
	many := []string{`{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[` +
		strings.TrimSuffix(strings.Repeat(`{"entity":{"reference":"Patient/p1"}},`, 3)+strings.Repeat(`{"entity":{"reference":"Patient/p2"}},`, 2), ",") + `]}`, p1, p2}
	for _, c := range []struct {
		name, text, want string
	}{
		{"by id", both, "1: 0 2|2: 1 3"},
		{"of no type", strings.Replace(both, `"type":"searchset",`, "", 1), "1: 0 2|2: 1 3"},
		{"by fullUrl, of two servers", bundle("batch", at("https://a.example/Patient/p", patient("p")), at("https://b.example/Patient/p", patient("p")),
			at("https://b.example/Observation/o", seen("o", `"reference":"Patient/p"`)), at("https://a.example/Observation/o", seen("o", `"reference":"Patient/p"`)),
			at("https://c.example/Observation/o", seen("o", `"reference":"https://b.example/Patient/p/_history/2"`))), "1: 0 3|2: 1 2 4"},
		{"by urn", bundle("transaction", at(urn+"1", `{"resourceType":"Patient"}`), at(urn+"2", `{"resourceType":"Patient"}`), seen("o", `"reference":"`+urn+`2"`)), "1: 0|2: 1 2"},
		{"by number", bundle("transaction", fmt.Sprintf(numbered, "1"), fmt.Sprintf(numbered, "2"), seen("a", `"reference":"Patient?identifier=urn:oid:1.2.3%7C1"`),
			seen("b", `"identifier":{"system":"urn:oid:1.2.3","value":"2"}`), seen("c", `"identifier":{"system":"urn:oid:1.2.4","value":"2"}`)), "1: 0 2|2: 1 3|3: 4"},
		{"by a number that two have", bundle("transaction", fmt.Sprintf(numbered, "1"), fmt.Sprintf(numbered, "1"), seen("a", `"reference":"Patient?identifier=urn:oid:1.2.3|1"`)), "1: 0|2: 1|3: 2"},
		{"by a number that one has by two names", bundle("collection", `{"resourceType":"Patient","id":"p1",`+number+`,"link":[{"other":{"reference":"Patient/p2"},"type":"replaces"}]}`,
			`{"resourceType":"Patient","id":"p2",`+number+`}`, p3, seen("a", `"identifier":{"system":"urn:oid:1.2.3","value":"1"}`)), "1: 0 1 3|2: 2"},
		{"somebody by a number without a type", bundle("transaction", fmt.Sprintf(numbered, "1"), fmt.Sprintf(numbered, "2"),
			`{"resourceType":"Practitioner","identifier":[{"system":"urn:oid:1.2.5","value":"9"}]}`,
			strings.Replace(seen("a", `"reference":"Patient?identifier=urn:oid:1.2.3|2"`), `"subject"`, `"performer":[{"identifier":{"system":"urn:oid:1.2.5","value":"9"}}],"subject"`, 1)), "1: 0|2: 1 2 3"},
		{"by a number and more", bundle("transaction", fmt.Sprintf(numbered, "1"), fmt.Sprintf(numbered, "2"), seen("a", `"reference":"Patient?identifier=urn:oid:1.2.3%7C2&active=true"`)), "1: 0|2: 1 2"},
		{"what is contained refers too", bundle("collection", p1, p2, `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p2"},`+
			`"contained":[{"resourceType":"PractitionerRole","id":"r","organization":{"reference":"Organization/g"}}],"performer":[{"reference":"#r"}]}`,
			`{"resourceType":"Organization","id":"g","name":"a"}`), "1: 0|2: 1 2 3"},
		{"whom several share", bundle("searchset", `{"resourceType":"Organization","id":"g","name":"a"}`, `{"resourceType":"Patient","id":"p1","managingOrganization":{"reference":"Organization/g"}}`,
			`{"resourceType":"Patient","id":"p2","managingOrganization":{"reference":"Organization/g"}}`, `{"resourceType":"Location","id":"l","name":"nobody's"}`), "1: 0 1|2: 0 2|3: 3"},
		{"entries without a resource", bundle("batch", p1, `"request":{"method":"DELETE","url":"Patient/9"}`, p2), "1: 0|2: 2"},
		{"one patient", bundle("searchset", p1, o1, o2), "1: whole"},
		{"no patient", bundle("searchset", o1, o2), "1: whole"},
		{"a patient in a patient's place only", bundle("searchset", p1, seen("o", `"reference":"Patient/p1","type":"Patient"`)), "1: whole"},
		{"one patient twice", bundle("history", p1, o1, p1), "1: whole"},
		{"one of two twice", bundle("history", at("https://a.example/Patient/p1", p1), o1, p2, at("https://a.example/Patient/p1", p1)), "1: 0 1 3|2: 2"},
		{"a document", bundle("document", composition, p1, p2), "1: whole"},
		{"a message", bundle("message", header, p1, p2), "1: whole"},
		{"what was a message", bundle("transaction", header, p1, p2), "1: whole"},
		{"what was a document", bundle("collection", composition, p1, p2), "1: whole"},
		{"an answer that begins with a document's head", bundle("searchset", composition, p1, p2), "1: 1|2: 2|3: 0"},
		{"one replaces the other", bundle("collection", fmt.Sprintf(linked, "p1", "p2", "replaces"), p2, o1, o2), "1: whole"},
		{"one of three is replaced", bundle("collection", fmt.Sprintf(linked, "p1", "p2", "replaced-by"), patient("p3"), p2, o1, o2), "1: 0 2 3 4|2: 1"},
		{"linked otherwise", bundle("collection", fmt.Sprintf(linked, "p1", "p2", "seealso"), p2, o1, o2), "1: 0 2|2: 1 3"},
		{"a list of few", bundle("collection", many...), "1: 0 1|2: 0 2"},
		{"a history that begins with a message", bundle("history", header, p1, p2), "1: 1|2: 2|3: 0"},
		{"one patient, in XML with blanks", `<f:Bundle xmlns:f="http://hl7.org/fhir"><f:type value="collection"/><f:entry><f:resource><f:Patient ><f:id value="p1"/></f:Patient ></f:resource></f:entry></f:Bundle>`, "1: whole"},
		{"in XML with a prefix", `<f:Bundle xmlns:f="http://hl7.org/fhir"><f:type value="collection"/><f:entry><f:resource><f:Patient><f:id value="p1"/></f:Patient></f:resource></f:entry>` +
			`<f:entry><f:resource><f:Patient><f:id value="p2"/></f:Patient ></f:resource></f:entry></f:Bundle>`, "1: 0|2: 1"},
		{"in XML", `<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><entry><resource><Patient><id value="p1"/></Patient></resource></entry>` +
			`<entry><resource><Patient><id value="p2"/></Patient></resource></entry></Bundle>`, "1: 0|2: 1"},
		{"several bundles, and what stands alone", line + "\n" + bundle("searchset", p1) + "\n" + line + "\n" + o1, "1: 0 2|2: 1 3|3: whole|4: 0 2|5: 1 3|6: 1 alone"},
		{"what stands alone first", o1 + "\n" + line, "1: 0 2|2: 1 3|3: 1 alone"},
		{"what is wrong is left out", bundle("searchset", p1, p2, o2, strings.Replace(o1, "final", "nothing known", 1)), "1: 0|2: 1 2"},
		{"what is wrong and whose is not known", bundle("searchset", p1, p2, o2, `{"resourceType":"Nothing"}`), "1: 0|2: 1 2"},
		{"what is wrong beside the entries", strings.Replace(both, `"entry"`, `"timestamp":"yesterday","entry"`, 1), "1: 0 2|2: 1 3"},
		{"a patient who cannot be read", bundle("searchset", p1, strings.Replace(p2, `"id"`, `"implicitRules":5,"id"`, 1), o1, o2), "1: whole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, jobs := range []int{1, 8} {
				if got := strings.Join(parts(t, c.text, jobs), "|"); got != c.want {
					t.Errorf("%d jobs: %s, want %s", jobs, got, c.want)
				}
			}
		})
	}
}

// TestAloneByPatient: of resources that stand alone too a number leads to whom it is of, a contained resource refers, and who replaces another is one
// with him.
func TestAloneByPatient(t *testing.T) {
	const numbered = `{"resourceType":"Patient","id":"%s","identifier":[{"system":"urn:oid:1.2.3","value":"%s"}]%s}`
	of := func(number string) string {
		return seen("o", `"identifier":{"system":"urn:oid:1.2.3","value":"`+number+`"}`)
	}
	person := func(id, number, more string) string { return fmt.Sprintf(numbered, id, number, more) }
	replaces := `,"link":[{"other":{"reference":"Patient/a"},"type":"replaces"}]`
	for _, c := range []struct {
		name string
		list []string
		want string
	}{
		{"by number", []string{person("a", "1", ""), person("b", "2", ""), of("2")}, "1: 1 alone|2: 2 alone"},
		{"by a number that two have", []string{person("a", "1", ""), person("b", "1", ""), of("1")}, "1: 1 alone|2: 1 alone|3: 1 alone"},
		{"by a number that three have", []string{person("a", "1", ""), person("b", "1", ""), person("c", "1", ""), of("1")}, "1: 1 alone|2: 1 alone|3: 1 alone|4: 1 alone"},
		{"by a number of one who is there twice", []string{person("a", "1", ""), person("a", "1", ""), person("b", "2", ""), of("1")}, "1: 2 alone|2: 1 alone|3: 1 alone"},
		{"one replaces the other", []string{person("a", "1", ""), person("b", "1", replaces), person("c", "3", ""), of("1")}, "1: 3 alone|2: 1 alone"},
	} {
		if got := strings.Join(parts(t, strings.Join(c.list, "\n"), 1), "|"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestPartOfBundle: the text of a part, which is kept if it is rejected, is a bundle of its entries.
func TestPartOfBundle(t *testing.T) {
	text := bundle("searchset", patient("p1"), seen("o1", `"reference":"Patient/p1"`), patient("p2"), seen("o2", `"reference":"Patient/p2"`))
	n := 0
	for raw, err := range readFHIR(strings.NewReader(text), "test", &Options{To: "hl7v2"}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		b, err := io.ReadAll(raw.stream())
		if err != nil {
			t.Fatal(err)
		}
		m, finds := fhir.Unmarshal(b)
		if fhir.Lost(finds) != nil || strings.Count(string(b), "resourceType") != 3 || !strings.Contains(string(b), fmt.Sprintf(`"p%d"`, n)) || fhir.TypeOf(m) != "Bundle" {
			t.Errorf("%v\n%s", finds, b)
		}
	}
	if n != 2 {
		t.Errorf("%d records", n)
	}
}

// TestFindingsOfParts: what was found of a bundle is told with its first part, and of an entry with the first that has it, or with the first of all
// if nothing of its resource is left; and parts of two bundles about nobody are told apart.
func TestFindingsOfParts(t *testing.T) {
	list := func(status string) string {
		return `{"resourceType":"List","id":"l","language":" en","status":"` + status + `","mode":"working","entry":[{"item":{"reference":"Patient/p1"}},{"item":{"reference":"Patient/p2"}}]}`
	}
	records := func(text string) (all []*Raw) {
		for raw, err := range readFHIR(strings.NewReader(text), "test", &Options{To: "ccda"}) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, raw)
		}
		return all
	}
	ids := func(raw *Raw) (list []string) {
		for _, f := range raw.Findings {
			list = append(list, fmt.Sprintf("%s in record %d", f.ID, f.Place.Record))
		}
		return list
	}
	paged := func(text string) string {
		return strings.Replace(text, `"entry"`, `"link":[{"relation":"next","url":"https://x.example/2"}],"entry"`, 1)
	}
	all := records(paged(bundle("searchset", patient("p1"), patient("p2"), list("current"))))
	if len(all) != 2 || !slices.Equal(ids(all[0]), []string{string(OnePage) + " in record 1", "CP-FHIR-013 in record 1"}) || len(ids(all[1])) > 0 {
		t.Errorf("%q, %q", ids(all[0]), ids(all[1]))
	}
	all = records(paged(bundle("searchset", patient("p1"), patient("p2"), list("nothing known"))))
	if len(all) != 2 || all[0].Reject != nil || all[1].Reject != nil || len(ids(all[1])) > 0 {
		t.Fatalf("%d records, %q", len(all), ids(all[1]))
	}
	first := ids(all[0])
	for _, id := range []string{string(OnePage), "CP-FHIR-013", "CP-FHIR-226"} { // of a list without its status nothing is left
		if !slices.Contains(first, id+" in record 1") {
			t.Errorf("no %s in %q", id, first)
		}
	}
	keys := map[string]bool{}
	for _, code := range []string{"a", "b"} {
		all := records(bundle("searchset", patient("p1"), patient("p2"), strings.Replace(seen("o", `"display":"x"`), `"a"`, `"`+code+`"`, 1)))
		rec, err := (&fhirWorker{o: &Options{To: "ccda"}}).ToHub(all[2])
		if err != nil {
			t.Fatal(err)
		}
		keys[rec.Key] = true
	}
	if len(keys) != 2 || keys[""] {
		t.Errorf("%v", keys)
	}
}

// TestListsOfPatients: a list of many patients is in the record of none, or with each patient more each record would grow.
func TestListsOfPatients(t *testing.T) {
	for _, n := range []int{manyPatients, manyPatients + 1, 500} {
		w := &web{}
		for i := range int32(n) {
			w.node("Patient")
			w.refs = append(w.refs, newPair64(int32(n), i))
		}
		w.node("Group")
		groups := w.byPatient()
		sum := 0
		for _, g := range groups {
			sum += len(g)
		}
		want := n + 1
		if n <= manyPatients {
			want = 2 * n
		}
		if sum != want || w.several[n] != (n <= manyPatients) || n > manyPatients && !slices.Equal(groups[n], []int32{int32(n)}) {
			t.Errorf("%d patients: %d in %d groups, want %d", n, sum, len(groups), want)
		}
	}
}

// TestSharedOfGroups: of bulk data too a resource that is in the records of several patients counts once, whatever its type.
func TestSharedOfGroups(t *testing.T) {
	text := strings.Join([]string{patient("p1"), patient("p2"),
		`{"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/p1"}},{"item":{"reference":"Patient/p2"}}]}`}, "\n")
	_, entries := runHub(t, "fhir", Options{}, text)
	values := 0
	for _, e := range entries {
		values += e.Tally.Values()
	}
	if len(entries) != 2 || values != 2+4 { // of the list's two references one is ours: what stood alone is referred to by its fullUrl
		t.Errorf("%d records with %d values", len(entries), values)
	}
}
