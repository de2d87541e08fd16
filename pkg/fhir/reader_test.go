package fhir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/testshared"
)

// say writes an entry in one line: what the table below compares.
func say(e Entry, err error) string {
	if err != nil {
		return "error " + err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d:%d", e.Document, e.Place.Line, e.Place.Column)
	switch {
	case e.End:
		fmt.Fprintf(&b, " end of %d", e.Index)
		if e.Bundle.GetType() != nil {
			b.WriteString(" " + strings.ToLower(e.Bundle.GetType().GetValue().String()))
		}
		if e.Bundle.GetSignature() != nil {
			b.WriteString(" signed")
		}
	case e.Item != nil || e.Bundle != nil:
		fmt.Fprintf(&b, " entry %d", e.Index)
	}
	if e.Resource != nil {
		id := reflect.ValueOf(e.Resource).MethodByName("GetId").Call(nil)[0].MethodByName("GetValue").Call(nil)[0].String()
		b.WriteString(" " + TypeOf(e.Resource) + "/" + id)
	}
	for _, f := range e.Findings {
		fmt.Fprintf(&b, " [%s %d:%d %s]", f.ID, f.Place.Line, f.Place.Column, f.Place.Path)
	}
	return b.String()
}

func TestReader(t *testing.T) {
	const pat = `{"resourceType":"Patient","id":"%s"}`
	p := func(id string) string { return fmt.Sprintf(pat, id) }
	for _, c := range []struct {
		name, in string
		opts     ReaderOptions
		want     []string
	}{
		{"nothing", "", ReaderOptions{}, nil},
		{"blank", " \n\t\n", ReaderOptions{}, nil},
		{"one", p("a"), ReaderOptions{}, []string{"1:1:1 Patient/a"}},
		{"mark", "\xef\xbb\xbf" + p("a"), ReaderOptions{}, []string{"1:1:4 Patient/a"}},
		{"pretty", "\n{\n  \"resourceType\" : \"Patient\",\n  \"id\" : \"a\"\n}\n", ReaderOptions{}, []string{"1:2:1 Patient/a"}},
		{"ndjson", p("a") + "\n" + p("b") + "\r\n\n" + p("c"), ReaderOptions{}, []string{"1:1:1 Patient/a", "2:2:1 Patient/b", "3:4:1 Patient/c"}},
		{"one behind the other", p("a") + p("b"), ReaderOptions{}, []string{"1:1:1 Patient/a", "2:1:36 Patient/b"}},
		{"broken line", p("a") + "\n" + `{"resourceType":"Patient","id":"b` + "\n" + p("c"), ReaderOptions{},
			[]string{"1:1:1 Patient/a", "2:2:1 [CP-FHIR-001 2:34 ]", "3:3:1 Patient/c"}},
		{"broken first line", `{"resourceType":"Patient","id":"b"` + "\n" + p("c"), ReaderOptions{}, []string{"1:1:1 [CP-FHIR-001 2:1 ]", "2:2:1 Patient/c"}},
		{"line cut behind a comma", p("a") + "\n" + `{"resourceType":"Patient","name":[{"family":"x"},` + "\n" + p("c"), ReaderOptions{},
			[]string{"1:1:1 Patient/a", "2:2:1 [CP-FHIR-001 3:1 ]", "3:3:1 Patient/c"}},
		{"wrong bracket", p("a") + "\n" + `{"resourceType":"Patient","name":[{"family":"x"}}}` + "\n" + p("c"), ReaderOptions{},
			[]string{"1:1:1 Patient/a", "2:2:1 [CP-FHIR-001 2:49 ]", "3:3:1 Patient/c"}},
		{"no JSON", "MSH|^~\\&|\r", ReaderOptions{}, []string{"1:1:1 [CP-FHIR-001 1:1 ]"}},
		{"bundle", `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":` + p("a") + "},\n" + `{"resource":` + p("b") + `}]}`, ReaderOptions{},
			[]string{"1:1:55 entry 0 Patient/a", "1:2:1 entry 1 Patient/b", "1:1:1 end of 2 collection"}},
		{"type last", `{"entry":[{"resource":` + p("a") + `}],"id":"x","resourceType":"Bundle","type":"batch"}`, ReaderOptions{},
			[]string{"1:1:11 entry 0 Patient/a", "1:1:1 end of 1 batch"}},
		{"a List has entries too", `{"entry":[{"item":{"reference":"Patient/1"}}],"id":"x","resourceType":"List","status":"current","mode":"working"}`, ReaderOptions{}, []string{"1:1:1 List/x"}},
		{"no entries", `{"resourceType":"Bundle","id":"x","type":"collection"}`, ReaderOptions{}, []string{"1:1:1 Bundle/x"}},
		{"empty entries", `{"resourceType":"Bundle","id":"x","type":"collection","entry":[]}`, ReaderOptions{}, []string{"1:1:1 end of 0 collection [CP-FHIR-007 1:63 Bundle.entry]"}},
		{"bundles, one a line", `{"resourceType":"Bundle","entry":[{"resource":` + p("a") + `}]}` + "\n" + `{"resourceType":"Bundle","entry":[{"resource":` + p("b") + `}]}`, ReaderOptions{},
			[]string{"1:1:35 entry 0 Patient/a", "1:1:1 end of 1", "2:2:35 entry 0 Patient/b", "2:2:1 end of 1"}},
		{"faults go on", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"a","active":null}},7,{"resource":` + p("b") + `}],` + "\n" + ` "type":"Batch"}`, ReaderOptions{},
			[]string{"1:1:35 entry 0 Patient/a [CP-FHIR-006 1:91 Bundle.entry[0].resource.active]", "1:1:98 entry 1 [CP-FHIR-019 1:98 Bundle.entry[1]]", "1:1:100 entry 2 Patient/b",
				"1:1:1 end of 3 [CP-FHIR-010 2:9 Bundle.type]"}},
		{"bundle cut off", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":` + p("a") + `},{"resource":{"resourceType":"Pat`, ReaderOptions{},
			[]string{"1:1:50 entry 0 Patient/a", "1:1:99 entry 1 [CP-FHIR-001 1:131 Bundle.entry[1].resource.resourceType]", "1:1:99 end of 2 batch [CP-FHIR-018 1:99 Bundle.entry[1]]"}},
		{"bundle with a wrong bracket", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":` + p("a") + `]},{"resource":` + p("b") + "}]}\n" + p("c"), ReaderOptions{},
			[]string{"1:1:50 entry 0 [CP-FHIR-001 1:97 Bundle.entry[0]]", "1:1:50 end of 1 batch [CP-FHIR-018 1:50 Bundle.entry[0]]", "2:2:1 Patient/c"}},
		{"whole", `{"resourceType":"Bundle","id":"x","entry":[{"resource":` + p("a") + `}]}`, ReaderOptions{Whole: true}, []string{"1:1:1 Bundle/x"}},
		{"too large", p("a") + "\n" + p(strings.Repeat("b", 600<<10)) + "\n" + p("c"), ReaderOptions{Max: 1000}, []string{"1:1:1 Patient/a", "2:2:1 [CP-FHIR-015 2:1 ]", "3:3:1 Patient/c"}},
		{"entry too large", `{"resourceType":"Bundle","entry":[{"resource":` + p(strings.Repeat("b", 600<<10)) + `},{"resource":` + p("c") + `}],"signature":{"targetFormat":"x"}}`, ReaderOptions{Max: 1000},
			[]string{"1:1:35 entry 0 [CP-FHIR-015 1:35 Bundle.entry[0]]", "1:1:614483 entry 1 Patient/c", "1:1:1 end of 2 signed"}},
		{"two resources within a line too large", `{"id":"` + strings.Repeat("b", 600<<10) + `","resourceType":"Patient"}` + p("c"), ReaderOptions{Max: 1000}, []string{"1:1:1 [CP-FHIR-015 1:1 ]", "2:1:614435 Patient/c"}},
		{"escapes", `{"resourceType":"Patient","id":"a","name":[{"text":"\\\"{[\\"}]}` + p("b"), ReaderOptions{}, []string{"1:1:1 Patient/a", "2:1:65 Patient/b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, way := range []struct {
				name string
				wrap func(io.Reader) io.Reader
				jobs int
			}{{"at once", func(r io.Reader) io.Reader { return r }, 1}, {"byte by byte", iotest.OneByteReader, 1}, {"three jobs", iotest.HalfReader, 3}} {
				if len(c.in) > 1<<18 && way.name == "byte by byte" {
					continue
				}
				c.opts.Jobs = way.jobs
				var got []string
				for e, err := range NewReader(way.wrap(strings.NewReader(c.in)), c.opts).All() {
					got = append(got, say(e, err))
				}
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("%s:\n%s\nwant\n%s", way.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			}
		})
	}
}

func TestReaderFails(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		broken := errors.New("the disk is gone")
		in := io.MultiReader(strings.NewReader(`{"resourceType":"Patient","id":"a"}`+"\n"), iotest.ErrReader(broken))
		var got []string
		for e, err := range NewReader(in, ReaderOptions{Jobs: jobs}).All() {
			got = append(got, say(e, err))
		}
		if want := []string{"1:1:1 Patient/a", "error the disk is gone"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%d jobs: %q, want %q", jobs, got, want)
		}
	}
}

// TestReaderStops leaves the loop early; nothing may go on behind it.
func TestReaderStops(t *testing.T) {
	before := runtime.NumGoroutine()
	in := &endless{line: []byte(`{"resourceType":"Patient","id":"a"}` + "\n"), left: 1 << 40}
	n := 0
	for range NewReader(in, ReaderOptions{Jobs: 4}).All() {
		if n++; n == 1000 {
			break
		}
	}
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// TestReaderWhole reads Synthea's bundles entry by entry and as a whole, and compares.
func TestReaderWhole(t *testing.T) {
	names, _ := filepath.Glob(filepath.Join(testshared.Dir(t), "corpus/fhir/synthea/*.json"))
	if len(names) == 0 {
		t.Fatal("no bundles")
	}
	for _, name := range names[:4] {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		whole, findings := Unmarshal(b)
		if len(findings) > 0 {
			t.Fatal(findings[0])
		}
		got := &rpb.Bundle{}
		for e, err := range NewReader(bytes.NewReader(b), ReaderOptions{Jobs: 3}).All() {
			if err != nil || len(e.Findings) > 0 {
				t.Fatal(err, e.Findings)
			}
			if e.End {
				entries := got.Entry
				got = e.Bundle
				got.Entry = entries
				continue
			}
			if !strings.HasPrefix(e.Text, "{") || !bytes.Contains(b, []byte(e.Text)) {
				t.Errorf("entry %d: its text is not that of the source", e.Index)
			}
			got.Entry = append(got.Entry, e.Item)
		}
		if !proto.Equal(whole, got) {
			t.Errorf("%s: the entries do not make up the bundle", filepath.Base(name))
		}
	}
}

// endless gives a head, then the same line until so many bytes are given, then a tail.
type endless struct {
	head, line, tail []byte
	left             int64
	rest             []byte
	headed, tailed   bool
}

func (e *endless) Read(b []byte) (int, error) {
	if len(e.rest) == 0 {
		switch {
		case !e.headed:
			e.headed, e.rest = true, e.head
		case e.left > 0:
			e.rest = e.line
			e.left -= int64(len(e.line))
		case !e.tailed:
			e.tailed, e.rest = true, e.tail
		default:
			return 0, io.EOF
		}
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestMemory streams a large bundle and a large NDJSON (1 GB with CHARTPOST_LARGE set, else 100 MB, in short mode 20 MB) and
// looks at the heap on the way.
func TestMemory(t *testing.T) {
	size := int64(100 << 20)
	if testing.Short() {
		size = 20 << 20
	}
	if os.Getenv("CHARTPOST_LARGE") != "" {
		size = 1 << 30
	}
	obs := `{"resourceType":"Observation","id":"o-1","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],` +
		`"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body height"}],"text":"Body height"},"subject":{"reference":"Patient/p-1"},` +
		`"effectiveDateTime":"2026-11-22T10:00:00+01:00","valueQuantity":{"value":170.5,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}`
	for _, c := range []struct {
		name string
		in   *endless
	}{
		{"bundle", &endless{head: []byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + obs + `}`), line: []byte(",\n" + `{"fullUrl":"urn:uuid:1","resource":` + obs + `}`), tail: []byte("]}")}},
		{"ndjson", &endless{line: []byte(obs + "\n")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.left = size
			runtime.GC()
			var m runtime.MemStats
			peak, n := uint64(0), 0
			var out []byte
			start := time.Now()
			for e, err := range NewReader(c.in, ReaderOptions{Jobs: 8}).All() {
				if err != nil || len(e.Findings) > 0 {
					t.Fatal(err, e.Findings)
				}
				if e.Resource != nil {
					if out, err = Append(out[:0], e.Resource); err != nil {
						t.Fatal(err)
					}
				}
				if n++; n%20000 == 0 {
					runtime.GC() // what is still referred to counts, not what a busy machine has yet to collect
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapInuse)
				}
			}
			runtime.ReadMemStats(&m)
			t.Logf("%d MB, %d entries, 8 jobs: peak of the heap %d MB, of the process's memory %d MB, %.0f MB/s", size>>20, n, peak>>20, m.Sys>>20, float64(size)/1e6/time.Since(start).Seconds())
			if peak > 150<<20 {
				t.Errorf("the heap grew to %d MB", peak>>20)
			}
			if n < int(size)/1000 {
				t.Errorf("only %d entries", n)
			}
		})
	}
}
