package fhir

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/testshared"
)

func read(t testing.TB, in string) proto.Message {
	t.Helper()
	m, fs := Unmarshal([]byte(in))
	if len(fs) > 0 {
		t.Fatalf("%s: %v", in, fs[0])
	}
	return m
}

func text(t testing.TB, m proto.Message) string {
	t.Helper()
	b, err := Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestID(t *testing.T) {
	if got := uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://chartpost.org/fhir/id")).String(); got != Namespace {
		t.Errorf("the namespace is %s, want %s", Namespace, got)
	}
	if got := uuid.UUID(namespace).String(); got != Namespace {
		t.Errorf("the namespace's bytes are %s, want %s", got, Namespace)
	}
	if got, want := ID("Patient", "ab", "c"), uuid.NewSHA1(uuid.MustParse(Namespace), []byte("7:Patient2:ab1:c")).String(); got != want {
		t.Errorf("ID is %s, want %s", got, want)
	}
	seen := map[string]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"1:a"}, {"", "1:a"}} {
		id := ID("Patient", parts...)
		if other, ok := seen[id]; ok {
			t.Errorf("%q has the id of %s", parts, other)
		}
		seen[id] = strings.Join(parts, "|")
	}
}

func TestIdentityKey(t *testing.T) {
	id := func(kind, system, value, use string) string {
		var parts []string
		if use != "" {
			parts = append(parts, `"use":"`+use+`"`)
		}
		if kind != "" {
			parts = append(parts, `"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"`+kind+`"}]}`)
		}
		if system != "" {
			parts = append(parts, `"system":"`+system+`"`)
		}
		if value != "" {
			parts = append(parts, `"value":"`+value+`"`)
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	key := func(facility string, ids ...string) string {
		return IdentityKey(read(t, `{"resourceType":"Patient","identifier":[`+strings.Join(ids, ",")+`]}`), facility)
	}
	mr := key("", id("MR", "urn:a", "1", ""))
	for _, c := range []struct {
		name     string
		got      string
		same     string
		differs  string
		nothing  bool
		hasValue bool
	}{
		{name: "the kind is no part of it where there is a system", got: key("F", id("PI", "urn:a", "1", "")), same: mr},
		{name: "MR before others", got: key("", id("XX", "urn:b", "9", ""), id("PT", "urn:b", "8", ""), id("MR", "urn:a", "1", "")), same: mr},
		{name: "an account never", got: key("", id("AN", "urn:b", "9", ""), id("", "urn:a", "1", "")), same: mr},
		{name: "social security never", got: key("F", id("SS", "urn:b", "9", "")), nothing: true},
		{name: "a licence never", got: key("F", id("DL", "urn:b", "9", "")), nothing: true},
		{name: "a payer's number never", got: key("F", id("MB", "urn:b", "9", "")), nothing: true},
		{name: "old never", got: key("", id("MR", "urn:a", "2", "old"), id("MR", "urn:a", "1", "usual")), same: mr},
		{name: "with a system before without", got: key("F", id("MR", "", "7", ""), id("PI", "urn:a", "1", "")), same: mr},
		{name: "without system or facility", got: key("", id("MR", "", "7", "")), nothing: true},
		{name: "facilities differ", got: key("F", id("MR", "", "7", "")), differs: key("G", id("MR", "", "7", ""))},
		{name: "kinds differ within a facility", got: key("F", id("MR", "", "7", "")), differs: key("F", id("PI", "", "7", ""))},
		{name: "a system is no facility", got: key("urn:a", id("MR", "", "1", "")), differs: mr},
		{name: "no value", got: key("F", id("MR", "urn:a", "", "")), nothing: true},
	} {
		if c.nothing != (c.got == "") || c.same != "" && c.got != c.same || c.differs != "" && c.got == c.differs {
			t.Errorf("%s: %q", c.name, c.got)
		}
	}
	// An insurer with the number 1 is not the authority with the name 1.
	payer := `{"resourceType":"Organization","identifier":[{"extension":[{"url":"` + FieldURL + `","valueCode":"IN1-3"}],"value":"1"}]}`
	if a, b := IdentityKey(read(t, payer), "F"), IdentityKey(read(t, `{"resourceType":"Organization","identifier":[{"value":"1"}]}`), "F"); a == b || a == "" {
		t.Errorf("an organization of another field has the key %q too", a)
	}
	if a, b := mr, IdentityKey(read(t, `{"resourceType":"Practitioner","identifier":[{"system":"urn:a","value":"1"}]}`), ""); a == b {
		t.Error("a patient and a practitioner with one identifier have one key")
	}
	if IdentityKey(read(t, `{"resourceType":"Composition","identifier":{"system":"urn:a","value":"1"}}`), "") == "" {
		t.Error("a single identifier is not seen")
	}
	if IdentityKey(read(t, `{"resourceType":"Binary","contentType":"x"}`), "F") != "" {
		t.Error("a Binary has no identifier")
	}
	p := read(t, `{"resourceType":"Patient","id":"x"}`)
	if a, b := ResourceID(p, "F", "sha", "1"), ResourceID(p, "F", "sha", "2"); a == b || !IsUUID(a) {
		t.Errorf("ids by position are %s and %s", a, b)
	}
}

func TestBundle(t *testing.T) {
	const uid = "0d0f9c1e-6f4e-5a4b-9f0a-3f2b1c0d9e8f"
	p := read(t, `{"resourceType":"Patient","id":"`+uid+`"}`)
	o := read(t, `{"resourceType":"Organization","id":"1"}`)
	orgURL := FullURL("Organization", "1")
	if !IsUUID(strings.TrimPrefix(orgURL, "urn:uuid:")) {
		t.Errorf("the fullUrl is %s", orgURL)
	}
	b, err := NewBundle(Collection, p, o)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:` + uid + `","resource":{"resourceType":"Patient","id":"` + uid + `"}},` +
		`{"fullUrl":"` + orgURL + `","resource":{"resourceType":"Organization","id":"1"}}]}`
	if got := text(t, b); got != want {
		t.Errorf("the bundle is\n%s\nwant\n%s", got, want)
	}
	b, err = NewBundle(Transaction, p, read(t, `{"resourceType":"Basic"}`))
	if err != nil {
		t.Fatal(err)
	}
	want = `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:` + uid + `","resource":{"resourceType":"Patient","id":"` + uid + `"},"request":{"method":"PUT","url":"Patient/` + uid + `"}},` +
		`{"resource":{"resourceType":"Basic"},"request":{"method":"POST","url":"Basic"}}]}`
	if got := text(t, b); got != want {
		t.Errorf("the transaction is\n%s\nwant\n%s", got, want)
	}
	if _, err := NewBundle(Message, p); err == nil {
		t.Error("a message without a MessageHeader is made")
	}
	if _, err := NewBundle(Document); err == nil {
		t.Error("an empty document is made")
	}
	for _, word := range []string{"message", "document", "collection", "transaction", "batch"} {
		if bt, err := ParseBundleType(word); err != nil || bt.String() != word {
			t.Errorf("%s is %v, %v", word, bt, err)
		}
	}
	if _, err := ParseBundleType("searchset"); err == nil {
		t.Error("we do not make searchsets")
	}
}

// TestBundleWriter compares what is streamed with what Append writes of the whole.
func TestBundleWriter(t *testing.T) {
	for _, in := range []string{
		`{"resourceType":"Bundle","id":"x","identifier":{"value":"v"},"type":"collection","timestamp":"2026-11-22T10:00:00Z","entry":[{"resource":{"resourceType":"Patient","id":"a"}},{"fullUrl":"u","resource":{"resourceType":"Basic"}}],"signature":{"targetFormat":"f"}}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"x"}}]}`,
		`{"resourceType":"Bundle","type":"collection"}`,
		`{"resourceType":"Bundle","id":"x","signature":{"targetFormat":"f"}}`,
	} {
		b := read(t, in).(*rpb.Bundle)
		var out bytes.Buffer
		w := NewBundleWriter(&out, b)
		for _, e := range b.Entry {
			if err := w.AddEntry(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if out.String() != in {
			t.Errorf("the bundle\n%s\nis written as\n%s", in, out.String())
		}
	}
	var out bytes.Buffer
	w := NewBundleWriter(&out, read(t, `{"resourceType":"Bundle","type":"collection"}`).(*rpb.Bundle))
	if err := w.Add(read(t, `{"resourceType":"Patient","id":"a"}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(&ppb.Patient{Name: []*dpb.HumanName{{Text: String("\xff")}}}); err == nil || !strings.Contains(err.Error(), "Bundle.entry[1].resource.name[0].text") {
		t.Errorf("a text that is not UTF-8: %v", err)
	}
	if err := w.Add(&dpb.HumanName{}); err == nil {
		t.Error("a name is no resource")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, fs := Unmarshal(out.Bytes()); len(fs) > 0 {
		t.Errorf("%s: %v", out.String(), fs[0])
	}
	if err := NewBundleWriter(&out, read(t, `{"resourceType":"Bundle","type":"message"}`).(*rpb.Bundle)).Add(&ppb.Patient{}); err == nil {
		t.Error("a message begins with a Patient")
	}
}

func TestIndex(t *testing.T) {
	b := read(t, `{"resourceType":"Bundle","type":"collection","entry":[
		{"fullUrl":"http://a.test/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1","contained":[{"resourceType":"Organization","id":"o"}]}},
		{"fullUrl":"http://b.test/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1","active":true}},
		{"fullUrl":"http://b.test/fhir/Observation/2/_history/3","resource":{"resourceType":"Observation","id":"2"}},
		{"fullUrl":"urn:uuid:0d0f9c1e-6f4e-5a4b-9f0a-3f2b1c0d9e8f","resource":{"resourceType":"Encounter","id":"e"}},
		{"resource":{"resourceType":"Device","id":"7d0f9c1e-6f4e-5a4b-9f0a-3f2b1c0d9e8f"}}]}`).(*rpb.Bundle)
	x := IndexBundle(b)
	at := func(i int) proto.Message { return Unwrap(b.Entry[i].Resource) }
	contained, err := x.Contained.Of(at(0))
	if err != nil || len(contained) != 1 {
		t.Fatal(contained, err)
	}
	for _, c := range []struct {
		ref    string
		within proto.Message
		want   proto.Message
	}{
		{"http://a.test/fhir/Patient/1", nil, at(0)},
		{"http://b.test/fhir/Patient/1", nil, at(1)},
		{"http://b.test/fhir/Patient/1/_history/9", nil, at(1)},
		{"http://c.test/fhir/Patient/1", nil, nil}, // another server's
		{"Patient/1", nil, at(0)},
		{"Patient/1", at(2), at(1)}, // by the base of the resource that refers
		{"Patient/1/_history/4", at(2), at(1)},
		{"Observation/2", at(0), at(2)},
		{"urn:uuid:0d0f9c1e-6f4e-5a4b-9f0a-3f2b1c0d9e8f", nil, at(3)},
		{"Encounter/e", at(0), at(3)},
		{"http://c.test/fhir/Encounter/e", nil, at(3)},
		{"urn:uuid:7d0f9c1e-6f4e-5a4b-9f0a-3f2b1c0d9e8f", nil, at(4)},
		{"Device/7d0f9c1e-6f4e-5a4b-9f0a-3f2b1c0d9e8f", nil, at(4)},
		{"#o", at(0), contained[0]},
		{"#o", at(1), nil},
		{"#", at(1), at(1)},
		{"http://a.test/fhir/Patient/1#o", nil, contained[0]},
		{"Patient/2", nil, nil},
		{"", nil, nil},
		{"1", nil, nil},
	} {
		if got := x.Resolve(Ref(c.ref), c.within); got != c.want {
			t.Errorf("%s leads to %v", c.ref, got)
		}
	}
}

func TestRestyle(t *testing.T) {
	const uid = "0d0f9c1e-6f4e-5a4b-9f0a-3f2b1c0d9e8f"
	p := read(t, `{"resourceType":"Patient","id":"`+uid+`"}`)
	in := `{"resourceType":"Observation","id":"o","contained":[{"resourceType":"Condition","id":"c","subject":{"reference":"urn:uuid:` + uid + `"}}],` +
		`"extension":[{"url":"u","valueReference":{"reference":"urn:uuid:` + uid + `"}}],"status":"final","_status":{"extension":[{"url":"u","valueReference":{"reference":"urn:uuid:` + uid + `"}}]},` +
		`"subject":{"reference":"urn:uuid:` + uid + `","_reference":{"id":"i"}},"focus":[{"reference":"#c"},{"reference":"Patient/other"}]}`
	o := read(t, in)
	x := NewIndex(Located{"", p}, Located{"", o})
	if err := x.Restyle(o, RefRelative); err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, o), strings.ReplaceAll(in, "urn:uuid:", "Patient/"); got != want {
		t.Errorf("relative:\n%s\nwant\n%s", got, want)
	}
	if err := x.Restyle(o, RefURN); err != nil {
		t.Fatal(err)
	}
	if got := text(t, o); got != in {
		t.Errorf("and back:\n%s\nwant\n%s", got, in)
	}
}

func TestBuild(t *testing.T) {
	q, err := Quantity("1.50", "mg", "mg")
	if err != nil {
		t.Fatal(err)
	}
	x, err := Extension("http://x.test/e", nil, must(Extension("a", String("s")))(t), must(Extension("b", q))(t), must(Extension("c", Ref("Patient/1")))(t), must(Extension("d", Code("x")))(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &ppb.Patient{Extension: []*dpb.Extension{x}, Identifier: []*dpb.Identifier{NewIdentifier("urn:s", "v")}, MaritalStatus: Concept("urn:s", "c", ""),
		BirthDate: must(Date("2000-02"))(t), Gender: &ppb.Patient_GenderCode{Value: codes.AdministrativeGenderCode_MALE}, ManagingOrganization: Ref(""), Language: nil}
	want := `{"resourceType":"Patient","extension":[{"extension":[{"url":"a","valueString":"s"},{"url":"b","valueQuantity":{"value":1.50,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}},` +
		`{"url":"c","valueReference":{"reference":"Patient/1"}},{"url":"d","valueCode":"x"}],"url":"http://x.test/e"}],"identifier":[{"system":"urn:s","value":"v"}],"gender":"male","birthDate":"2000-02",` +
		`"maritalStatus":{"coding":[{"system":"urn:s","code":"c"}]}}`
	if got := text(t, p); got != want {
		t.Errorf("the patient is\n%s\nwant\n%s", got, want)
	}
	if FindExtension(p.Extension[0].Extension, "b").GetValue().GetQuantity() != q || FindExtension(p.Extension, "b") != nil {
		t.Error("FindExtension")
	}
	if _, err := Extension("u", &dpb.Narrative{}); err == nil {
		t.Error("an extension holds a Narrative")
	}
	if _, err := DateTime("22.11.2026"); err == nil {
		t.Error("a German date is a dateTime")
	}
	if Concept("", "", "") != nil || String("") != nil || TextConcept("") != nil || NewIdentifier("s", "") != nil {
		t.Error("nothing makes something")
	}
}

func must[T any](x T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// TestAppend asks what cannot be written, and that what is empty is left out.
func TestAppend(t *testing.T) {
	for _, c := range []struct {
		m    proto.Message
		want string
	}{
		{nil, "there is no resource"},
		{(*ppb.Patient)(nil), "there is no resource"},
		{&rpb.ContainedResource{}, "there is no resource"},
		{&dpb.HumanName{}, "HumanName is not a resource"},
		{&ppb.Patient{Extension: []*dpb.Extension{{Url: URI("u"), Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Decimal{Decimal: &dpb.Decimal{Value: "NaN"}}}}}}, "Patient.extension[0].valueDecimal: not a decimal"},
		{&ppb.Patient{Name: []*dpb.HumanName{{Given: []*dpb.String{{Value: "a"}, {Value: "\xff"}}}}}, "Patient.name[0].given[1]: a text that is not UTF-8"},
	} {
		dst := []byte("before")
		b, err := Append(dst, c.m)
		if err == nil || !strings.Contains(err.Error(), c.want) || string(b) != "before" {
			t.Errorf("%v: %q, %v", c.m, b, err)
		}
	}
	p := &ppb.Patient{Id: &dpb.Id{}, Name: []*dpb.HumanName{{}, {Given: []*dpb.String{{}, {Value: "a"}}, Family: &dpb.String{}}, {Period: &dpb.Period{}}}, Meta: &dpb.Meta{}, ManagingOrganization: &dpb.Reference{},
		Deceased: &ppb.Patient_DeceasedX{}, Gender: &ppb.Patient_GenderCode{}, Extension: []*dpb.Extension{{}}, BirthDate: &dpb.Date{}}
	if got, want := text(t, p), `{"resourceType":"Patient","name":[{"given":["a"]}]}`; got != want {
		t.Errorf("the empty patient is %s, want %s", got, want)
	}
	if got := text(t, &opb.Organization{}); got != `{"resourceType":"Organization"}` {
		t.Errorf("the empty organization is %s", got)
	}
	if got, want := text(t, Wrap(&opb.Organization{})), `{"resourceType":"Organization"}`; got != want {
		t.Errorf("within a ContainedResource: %s", got)
	}
}

func TestIndent(t *testing.T) {
	in := `{"resourceType":"Patient","name":[{"family":"A\\\"{[,:","given":["x","y"]}],"a":[],"b":{},"n":-1.5e3,"t":true}`
	want := "{\n  \"resourceType\": \"Patient\",\n  \"name\": [\n    {\n      \"family\": \"A\\\\\\\"{[,:\",\n      \"given\": [\n        \"x\",\n        \"y\"\n      ]\n    }\n  ],\n  \"a\": [],\n  \"b\": {},\n  \"n\": -1.5e3,\n  \"t\": true\n}"
	if got := string(Indent(nil, []byte(in))); got != want {
		t.Errorf("indented:\n%s\nwant\n%s", got, want)
	}
	if got := string(Indent(nil, []byte(want))); got != want {
		t.Errorf("indented again:\n%s", got)
	}
}

// TestAppendAllocates asks that writing allocates nothing but the output.
func TestAppendAllocates(t *testing.T) {
	names, _ := filepath.Glob(filepath.Join(testshared.Dir(t), "corpus/fhir/synthea/*.json"))
	raw, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	b := read(t, string(raw)).(*rpb.Bundle)
	buf := make([]byte, 0, 2*len(raw))
	for _, e := range b.Entry {
		m := Unwrap(e.Resource)
		if all, _ := new(Contained).Of(m); len(all) > 0 {
			continue // these must be unpacked
		}
		n := 1.0
		for try := 0; try < 20 && n > 0; try++ { // the collector may take what is kept for the next time
			n = testing.AllocsPerRun(3, func() { _, _ = Append(buf[:0], m) })
		}
		if n > 0 {
			t.Errorf("%s: %v allocations", TypeOf(m), n)
		}
	}
}
