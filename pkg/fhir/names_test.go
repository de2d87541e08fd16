package fhir

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

// TestNames: names find what an index of the same resources finds, and write references the same.
func TestNames(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/names")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	type res struct{ url, typ, id string }
	long := "http://" + strings.Repeat("long", 300) + ".example/fhir/Patient/l"
	all := []res{{"urn:uuid:0c3f2c1e-0000-4000-8000-000000000001", "Patient", "p"}, {"http://a.example/fhir/Patient/q/_history/2", "Patient", "q"}, {"", "Patient", "r"},
		{"", "Patient", "0c3f2c1e-0000-4000-8000-000000000009"}, {"http://b.example/fhir/Patient/q", "Patient", "q"}, {"", "Patient", "p"}, {long, "Patient", "l"}}
	for i := range 500 {
		all = append(all, res{fmt.Sprintf("http://a.example/fhir/Group/%d", i), "Group", fmt.Sprint(i)})
	}
	names, index := NewNames(file), NewIndex()
	for i, r := range all {
		m, finds := Unmarshal(fmt.Appendf(nil, `{"resourceType":%q,"id":%q}`, r.typ, r.id))
		if m == nil {
			t.Fatal(finds)
		}
		index.Add(Located{r.url, m})
		if err := names.Add(r.url, r.typ, r.id, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := names.Add("http://a.example/x_y", "Device", "", 7); err != nil {
		t.Fatal(err)
	}
	if err := names.Finish(func(typ string, entry int) string { return fmt.Sprint("new-", typ, "-", entry) }); err != nil {
		t.Fatal(err)
	}
	find := names.Finder()
	refer := func(to string) proto.Message {
		m, finds := Unmarshal(fmt.Appendf(nil, `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":%q}}`, to))
		if m == nil {
			t.Fatal(finds)
		}
		return m
	}
	texts := []string{"urn:uuid:0c3f2c1e-0000-4000-8000-000000000001", "urn:uuid:0c3f2c1e-0000-4000-8000-000000000009", "urn:uuid:0c3f2c1e-0000-4000-8000-00000000000a",
		"Patient/p", "Patient/q", "Patient/r", "Patient/q/_history/1", "http://a.example/fhir/Patient/q", "http://b.example/fhir/Patient/q", "http://c.example/fhir/Patient/q",
		"http://c.example/fhir/Patient/p", "#in", "Patient/p#in", "Nobody/1", "Group/77", "http://a.example/fhir/Group/499", "http://a.example/fhir/Group/500", "x", "http://", long}
	changed := 0
	for _, within := range []string{"", "http://a.example/fhir/Observation/o", "http://b.example/fhir/Observation/o", "urn:uuid:0c3f2c1e-0000-4000-8000-00000000000b"} {
		for _, text := range texts {
			for range 2 { // found, and remembered
				want, got := refer(text), refer(text)
				index.of[want] = within
				if err := index.Restyle(want, RefRelative); err != nil {
					t.Fatal(err)
				}
				if err := find.Restyle(got, within, RefRelative); err != nil {
					t.Fatal(err)
				}
				if !proto.Equal(want, got) {
					a, _ := Append(nil, want)
					b, _ := Append(nil, got)
					t.Errorf("%s within %q: %s, want %s", text, within, b, a)
				}
				if !proto.Equal(got, refer(text)) {
					changed++
				}
			}
		}
	}
	if changed < 20 {
		t.Errorf("only %d references were written anew", changed)
	}
	m := refer("http://a.example/x_y")
	if err := find.Restyle(m, "", RefRelative); err != nil {
		t.Fatal(err)
	}
	if b, _ := Append(nil, m); !strings.Contains(string(b), `"Device/new-Device-7"`) {
		t.Errorf("%s", b)
	}
	file.Close()
	if err := names.Finder().Restyle(refer("Patient/p"), "", RefRelative); err == nil {
		t.Error("a file that cannot be read is no error")
	}
}

// TestTexts: without decoding, a reader gives the same parts with their places, and where they stand; what is over the limit is passed on.
func TestTexts(t *testing.T) {
	in := "\xef\xbb\xbf " + `{"resourceType":"Patient","id":"a"}` + "\n" + `{"resourceType":"Bundle","entry":[{"fullUrl":"x:1","resource":{"resourceType":"Patient","id":"b"}}, {"fullUrl":"x:2"}]}` + "\n"
	for _, whole := range []bool{false, true} {
		var offs []string
		for e, err := range NewReader(strings.NewReader(in), ReaderOptions{Texts: true, Whole: whole}).All() {
			if err != nil || e.Resource != nil || len(e.Findings) > 0 {
				t.Fatal(e, err)
			}
			if e.End {
				continue
			}
			if got := in[e.Offset : e.Offset+e.Size]; got != e.Text {
				t.Errorf("%q stands there, not %q", got, e.Text)
			}
			offs = append(offs, fmt.Sprintf("%d:%d:%d", e.Document, e.Place.Line, e.Place.Column))
		}
		want := "1:1:5 2:2:35 2:2:101"
		if whole {
			want = "1:1:5 2:2:1"
		}
		if got := strings.Join(offs, " "); got != want {
			t.Errorf("whole %v: %s, want %s", whole, got, want)
		}
	}
	var passed strings.Builder
	long := `{"resourceType":"Patient","id":"` + strings.Repeat("x", 700<<10) + `"}`
	text := strings.NewReader(`{"resourceType":"Patient"}` + "\n" + long + "\n" + `{"resourceType":"Patient"}`)
	var over []bool
	for e, err := range NewReader(io.LimitReader(text, 1<<30), ReaderOptions{Texts: true, Whole: true, Max: 1000, Over: func(b []byte) { passed.Write(b) }}).All() {
		if err != nil {
			t.Fatal(err)
		}
		if over = append(over, e.Over); e.Over && (e.Size != int64(len(long)) || e.Offset != 27) {
			t.Errorf("%d bytes at %d", e.Size, e.Offset)
		}
	}
	if passed.String() != long || fmt.Sprint(over) != "[false true false]" {
		t.Errorf("%d bytes passed, %v", passed.Len(), over)
	}
}
