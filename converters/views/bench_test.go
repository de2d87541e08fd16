package views_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/converters/views"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
)

// BenchmarkViews writes Synthea's bundles as tables on one core: reading, running and accounting, without the writing of files. The
// rate is rows and bytes of the source.
func BenchmarkViews(b *testing.B) {
	names, err := filepath.Glob(filepath.Join(testshared.Dir(b), "corpus/fhir/synthea/*.json"))
	if err != nil || len(names) == 0 {
		b.Fatal(err)
	}
	var text strings.Builder
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		text.Write(src)
		text.WriteByte('\n')
	}
	widths := map[string]map[string]int{}
	for _, set := range views.Sets() {
		widths[set.Name] = map[string]int{}
		list, _ := views.Named(set.Name)
		for _, v := range list {
			widths[set.Name][v.Name] = len(v.Columns)
		}
	}
	for _, x := range []struct {
		name string
		to   *convert.Format
	}{{"synthea", format(b, "csv", "synthea")}, {"lines", format(b, "ndjson", "synthea")}, {"patients", format(b, "csv", "patients")}, {"summary", format(b, "csv", "summary")},
		{"flat", views.Flat("csv", csvtab.Writing{})}} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(text.Len()))
			rows := 0
			for b.Loop() {
				o := &convert.Options{To: x.to.Name, Jobs: 1}
				err := convert.Run(context.Background(), convert.FHIR(), x.to, strings.NewReader(text.String()), "bench", o, func(r *convert.Result) error {
					if r.Rejected != nil {
						return r.Rejected
					}
					for _, p := range r.Parts {
						cells, of := p.Table.([]string)
						switch {
						case len(p.Data) > 0:
							rows += bytes.Count(p.Data, []byte{'\n'})
						case of && len(cells) > 0:
							rows += len(cells) / widths[x.name][p.Type]
						case !of:
							rows++
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// TestBounded: a view over bulk data holds none of it, however long it is. CHARTPOST_LARGE makes it a million rows, 330 MB, and the limit
// is the same.
func TestBounded(t *testing.T) {
	rows := 50_000
	if os.Getenv("CHARTPOST_LARGE") != "" {
		rows = 1_000_000
	}
	const limit = 16 << 20 // of what is in use after a collection; the text of 50,000 rows is 16 MB
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "Observation.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range rows {
		fmt.Fprintf(w, `{"resourceType":"Observation","id":"o%d","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body Height"}]},"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"2023-10-10T04:17:47Z","valueQuantity":{"value":%d.5,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}`+"\n", i, i%1000, i)
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for name, to := range map[string]*convert.Format{"views": format(t, "csv", "synthea"), "flat": views.Flat("csv", csvtab.Writing{})} {
		runtime.GC()
		metrics.Read(sample)
		before, most := sample[0].Value.Uint64(), uint64(0)
		done, watched := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(watched)
			for {
				select {
				case <-done:
					return
				case <-time.After(20 * time.Millisecond):
					metrics.Read(sample)
					most = max(most, sample[0].Value.Uint64())
				}
			}
		}()
		sum := runIn(t, to, dir, t.TempDir(), "", &convert.Options{Jobs: 2})
		close(done)
		<-watched
		if sum.Totals.Records != rows {
			t.Errorf("%s: %+v", name, sum.Totals)
		}
		t.Logf("%s: %d rows, %.1f MB in use beyond the %.1f before", name, rows, float64(max(most, before)-before)/1e6, float64(before)/1e6)
		if most > before+limit {
			t.Errorf("%s: %d bytes in use for %d rows, %d before", name, most, rows, before)
		}
	}
}
