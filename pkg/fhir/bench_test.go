package fhir

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/testshared"
)

// The benchmarks read and write Synthea's bundles (shared corpus/fhir/synthea), compact, with us, with google/fhir's
// jsonformat and with encoding/json into any: run them together to compare. MB/s is of compact JSON.
//
//	go test -run - -bench 'Read|Write|Stream' -cpu 1,2 ./pkg/fhir
//
// What was learnt from the profiles, in the order of what it brought: structs out of runs instead of one by one (88 allocations
// a KB became 15), texts as parts of one string, one check of the grammar and then a cursor without errors, no lookup of a name
// that is the next one anyway, type assertions instead of reflect.Value.Set for the commonest primitives, civil dates by
// arithmetic instead of package time. What remains is allocation and the collector, a third, then the check of the grammar, a fifth.

type bench struct {
	docs  [][]byte
	msgs  []proto.Message
	bytes int64
}

var loadBench = sync.OnceValue(func() *bench {
	dir := testshared.Find()
	if dir == "" {
		return nil
	}
	names, _ := filepath.Glob(filepath.Join(dir, "corpus/fhir/synthea/*.json"))
	b := &bench{}
	for _, n := range names {
		raw, err := os.ReadFile(n)
		if err != nil {
			return nil
		}
		var c bytes.Buffer
		if json.Compact(&c, raw) != nil {
			return nil
		}
		m, _ := Unmarshal(c.Bytes())
		b.docs, b.msgs, b.bytes = append(b.docs, c.Bytes()), append(b.msgs, m), b.bytes+int64(c.Len())
	}
	return b
})

func synthea(b *testing.B) *bench {
	x := loadBench()
	if x == nil || len(x.docs) == 0 {
		b.Skip("no shared corpora here: set CHARTPOST_SHARED")
	}
	b.SetBytes(x.bytes)
	b.ReportAllocs()
	b.ResetTimer()
	return x
}

func BenchmarkRead(b *testing.B) {
	b.Run("chartpost", func(b *testing.B) {
		x := synthea(b)
		for b.Loop() {
			for _, d := range x.docs {
				if _, f := Unmarshal(d); len(f) > 0 {
					b.Fatal(f[0])
				}
			}
		}
	})
	b.Run("jsonformat", func(b *testing.B) {
		u, err := jsonformat.NewUnmarshallerWithoutValidation("UTC", fhirversion.R4)
		if err != nil {
			b.Fatal(err)
		}
		x := synthea(b)
		for b.Loop() {
			for _, d := range x.docs {
				if _, err := u.Unmarshal(d); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		x := synthea(b)
		for b.Loop() {
			for _, d := range x.docs {
				var v any
				if err := json.Unmarshal(d, &v); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	b.Run("chartpost", func(b *testing.B) {
		x := synthea(b)
		var buf []byte
		for b.Loop() {
			for _, m := range x.msgs {
				var err error
				if buf, err = Append(buf[:0], m); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("jsonformat", func(b *testing.B) {
		w, err := jsonformat.NewMarshaller(false, "", "", fhirversion.R4)
		if err != nil {
			b.Fatal(err)
		}
		x := synthea(b)
		for b.Loop() {
			for _, m := range x.msgs {
				b.StopTimer()
				cr := Wrap(proto.Clone(m)) // it changes what it writes
				b.StartTimer()
				if _, err := w.Marshal(&rpb.ContainedResource{OneofResource: cr.OneofResource}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		x := loadBench()
		if x == nil {
			b.Skip("no shared corpora here: set CHARTPOST_SHARED")
		}
		var vs []any
		for _, d := range x.docs {
			var v any
			if err := json.Unmarshal(d, &v); err != nil {
				b.Fatal(err)
			}
			vs = append(vs, v)
		}
		synthea(b)
		for b.Loop() {
			for _, v := range vs {
				if _, err := json.Marshal(v); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkStream reads the bundles entry by entry, and writes them, on as many cores as -cpu says.
func BenchmarkStream(b *testing.B) {
	b.Run("read", func(b *testing.B) {
		x := synthea(b)
		for b.Loop() {
			for e, err := range NewReader(readers(x.docs), ReaderOptions{Jobs: runtime.GOMAXPROCS(0)}).All() {
				if err != nil || len(e.Findings) > 0 {
					b.Fatal(err, e.Findings)
				}
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		x := synthea(b)
		b.SetBytes(x.bytes / int64(len(x.docs)))
		var n atomic.Int64
		b.RunParallel(func(p *testing.PB) {
			var buf []byte
			for p.Next() {
				var err error
				if buf, err = Append(buf[:0], x.msgs[int(n.Add(1))%len(x.msgs)]); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func readers(docs [][]byte) io.Reader {
	var rs []io.Reader
	for _, d := range docs {
		rs = append(rs, bytes.NewReader(d), strings.NewReader("\n"))
	}
	return io.MultiReader(rs...)
}
