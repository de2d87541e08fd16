package csvfhir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/fhir"
)

// BenchmarkObservations is the way of the most frequent table of all: reading it, mapping its rows, writing them as NDJSON, and back to rows.
func BenchmarkObservations(b *testing.B) {
	text, err := os.ReadFile(filepath.Join(testshared.Dir(b), "corpus", "csv", "synthea", "observations.csv"))
	if err != nil {
		b.Fatal(err)
	}
	set, synthea := builtIn(b)
	files := []*convert.File{inMemory("observations.csv", string(text))}
	o := &convert.Options{To: "ndjson"}
	each := func(f func(raw *convert.Raw)) (n int) {
		for raw, err := range set.readFiles(files, o) {
			if err != nil {
				b.Fatal(err)
			}
			if raw.Index > 0 {
				n++
				f(raw)
			}
		}
		return n
	}
	bench := func(name string, f func(raw *convert.Raw)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				rows += each(f)
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	worker := Reader(set).NewWorker(o)
	bench("read", func(*convert.Raw) {})
	bench("map", func(raw *convert.Raw) {
		if _, err := worker.ToHub(raw); err != nil {
			b.Fatal(err)
		}
	})
	var out []byte
	bench("ndjson", func(raw *convert.Raw) {
		rec, err := worker.ToHub(raw)
		if err != nil {
			b.Fatal(err)
		}
		out = out[:0]
		for _, r := range rec.Resources {
			if out, err = fhir.Append(out, r.Msg); err != nil {
				b.Fatal(err)
			}
		}
	})
	rows := &writer{of: synthea}
	bench("back", func(raw *convert.Raw) {
		rec, err := worker.ToHub(raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := rows.FromHub(rec); err != nil {
			b.Fatal(err)
		}
	})
}
