package validate_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate"
)

// BenchmarkSynthea checks Synthea's bundles, reading included, with the invariants and with US Core besides.
func BenchmarkSynthea(b *testing.B) {
	files, _ := filepath.Glob(filepath.Join(testshared.Dir(b), "corpus/fhir/synthea/*.json"))
	var texts [][]byte
	size := int64(0)
	for _, f := range files {
		t, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		texts = append(texts, t)
		size += int64(len(t))
	}
	for _, c := range []struct {
		name string
		o    validate.Options
	}{
		{"R4", validate.Options{Jobs: 1}},
		{"USCore", validate.Options{Jobs: 1, Profiles: []string{"us-core"}}},
		{"USCore/all", validate.Options{Jobs: runtime.GOMAXPROCS(0), Profiles: []string{"us-core"}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			v := newValidator(b, c.o)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, t := range texts {
					if _, err := v.Stream(context.Background(), bytes.NewReader(t), "x", func(*diag.Finding) {}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
