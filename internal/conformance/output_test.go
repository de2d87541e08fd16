package conformance

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate"
)

// TestOutputIsValid: nothing that a converter writes would be rejected, for each source of the corpus that it can read.
func TestOutputIsValid(t *testing.T) {
	shared := testshared.Dir(t)
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := validate.New(validate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"fhir", "ndjson"} {
		target, err := formats.Named(to)
		if err != nil {
			t.Fatal(err)
		}
		records := 0
		err = filepath.WalkDir(filepath.Join(shared, "corpus/hl7v2"), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".hl7") {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			from := formats.Detect("", b[:min(len(b), convert.SniffLen)])
			if from == nil || from.NewWorker == nil {
				return nil
			}
			o := &convert.Options{From: from.Name, To: to, Zone: time.UTC, Jobs: 1}
			err = convert.Run(t.Context(), from, target, bytes.NewReader(b), path, o, func(r *convert.Result) error {
				var whole []byte
				for _, p := range r.Parts {
					whole = append(whole, p.Data...)
				}
				if len(whole) > 0 {
					records++
					_, err := v.Stream(t.Context(), bytes.NewReader(whole), filepath.Base(path), func(f *diag.Finding) {
						if f.Severity() == diag.Reject {
							t.Errorf("%s: %v", to, f)
						}
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
			var f *diag.Finding
			if errors.As(err, &f) {
				return nil // it cannot be read
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		t.Logf("%s: %d pieces of output", to, records)
		if records < 250 {
			t.Errorf("%s: only %d pieces of output", to, records)
		}
	}
}
