package cli

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate"
	"github.com/chartpost/chartpost/pkg/validate/cda"
)

// outputCheck checks the FHIR or C-CDA that a conversion writes, record by record, for --validate.
type outputCheck struct {
	v        *validate.Validator
	docs     *cda.Validator
	rejected atomic.Int64 // findings of the first severity
}

func newOutputCheck(to *convert.Format) (*outputCheck, error) {
	if to.Name == "ccda" {
		return &outputCheck{docs: cda.New()}, nil
	}
	if to.Name != "fhir" && to.Name != "ndjson" {
		return nil, usagef("--validate checks FHIR and C-CDA, and --to %s writes neither", to.Name)
	}
	v, err := validate.New(validate.Options{Jobs: 1})
	if err != nil {
		return nil, fmt.Errorf("--validate: %w", err)
	}
	return &outputCheck{v: v}, nil
}

// over is the format with the check over its writers.
func (c *outputCheck) over(to *convert.Format) *convert.Format {
	x := *to
	x.NewWriter = func(o *convert.Options) convert.Writer { return &checkedWriter{to.NewWriter(o), c} }
	return &x
}

// checkedWriter writes as another does, and adds what is found in what it writes. Places are those of the output; the source and
// the record are added where all findings get them.
type checkedWriter struct {
	convert.Writer
	check *outputCheck
}

func (w *checkedWriter) FromHub(rec *convert.Record) ([]convert.Part, []*diag.Finding, error) {
	parts, list, err := w.Writer.FromHub(rec)
	if err != nil {
		return parts, list, err
	}
	for _, p := range parts {
		if w.check.docs != nil {
			for _, f := range w.check.docs.Document(p.Data, "").Findings {
				if f.Severity() != diag.Reject {
					continue // advice to those who wrote the source
				}
				w.check.rejected.Add(1)
				f.Place = diag.Place{Path: f.Place.Path}
				list = append(list, f)
			}
			continue
		}
		if b := bytes.TrimSpace(p.Data); len(b) == 0 || b[0] != '{' || b[len(b)-1] != '}' {
			continue // a piece of a bundle too large to be held
		}
		_, err := w.check.v.Stream(context.Background(), bytes.NewReader(p.Data), "", func(f *diag.Finding) {
			if f.ID == "CP-FHIR-222" {
				return // advice to those who wrote the source
			}
			if f.Severity() == diag.Reject {
				w.check.rejected.Add(1)
			}
			f.Place = diag.Place{Path: f.Place.Path}
			list = append(list, f)
		})
		if err != nil {
			return parts, list, err
		}
	}
	return parts, list, nil
}
