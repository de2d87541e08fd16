package views_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// TestBounded: a view over bulk data holds none of it, however long it is.
func TestBounded(t *testing.T) {
	if os.Getenv("CHARTPOST_LARGE") == "" {
		t.Skip("set CHARTPOST_LARGE to write a million rows")
	}
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "Observation.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1_000_000 {
		fmt.Fprintf(f, `{"resourceType":"Observation","id":"o%d","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body Height"}]},"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"2023-10-10T04:17:47Z","valueQuantity":{"value":%d.5,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}`+"\n", i, i%1000, i)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]*convert.Format{"views": format(t, "csv", "synthea"), "flat": views.Flat("csv", csvtab.Writing{})} {
		out, sum := run(t, to, dir, convert.Options{Jobs: 2})
		if sum.Totals.Records != 1_000_000 {
			t.Errorf("%s: %+v in %s", name, sum.Totals, out)
		}
	}
}
