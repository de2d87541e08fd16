package v2fhir

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/chartpost/chartpost/pkg/convert"
)

// BenchmarkFolder is a conversion of the corpus as a folder of files with one message each, into a folder of bundles with a ledger, on
// one core and on all: what a person types, but for the start of the program.
func BenchmarkFolder(b *testing.B) {
	for _, jobs := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run("jobs="+strconv.Itoa(jobs), func(b *testing.B) {
			list, _, o, format := runCorpus(b)
			if o.Jobs = jobs; jobs == 1 {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the collector too
			}
			in, out := filepath.Join(b.TempDir(), "in"), filepath.Join(b.TempDir(), "out")
			if err := os.MkdirAll(in, 0o700); err != nil {
				b.Fatal(err)
			}
			for i, msg := range list {
				if err := os.WriteFile(filepath.Join(in, fmt.Sprintf("%05d.hl7", i)), []byte(msg.raw.Data), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			perMessage(b, len(list), func() {
				sources, many, err := convert.Sources([]string{in}, nil)
				if err != nil {
					b.Fatal(err)
				}
				j := &convert.Job{Formats: &convert.Formats{List: []*convert.Format{format, convert.FHIR()}}, To: convert.FHIR(), Options: o, Sources: sources,
					Many: many, Out: out, Stdout: io.Discard, Ledger: filepath.Join(out, "ledger.json"), Force: true}
				if err := j.Prepare(); err != nil {
					b.Fatal(err)
				}
				sum, err := j.Run(context.Background())
				if err != nil || sum.Outputs < len(list)*9/10 {
					b.Fatal(sum, err)
				}
			})
		})
	}
}
