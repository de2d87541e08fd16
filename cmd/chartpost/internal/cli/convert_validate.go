package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate"
	"github.com/chartpost/chartpost/pkg/validate/cda"
	"github.com/chartpost/chartpost/pkg/validate/v2"
)

// outputCheck checks what a conversion writes, for --validate: records of FHIR, C-CDA and HL7 v2 one by one, tables when they are whole.
type outputCheck struct {
	// record checks the text of one record.
	record   func(data []byte, report func(*diag.Finding)) error
	tables   *tableChecks
	late     []*diag.Finding // of tables
	rejected atomic.Int64    // findings of the first severity
}

func (c *CLI) newOutputCheck(o *convertOptions, to *convert.Format) (*outputCheck, error) {
	switch {
	case to.Tables != nil && (to.Name == "csv" || to.Name == "xlsx") && (len(o.maps) > 0 || len(o.views) > 0):
		tables, err := c.newTableChecks(&validateOptions{maps: o.maps, views: o.views, dates: o.dates, charset: o.charset, quiet: true})
		return &outputCheck{tables: tables}, err
	case to.Tables != nil:
		return nil, usagef("--validate checks tables against the mapping or the views that they are written with: csv and xlsx with --map or --view")
	case to.Name == "ccda":
		docs := cda.New()
		return &outputCheck{record: func(data []byte, report func(*diag.Finding)) error {
			for _, f := range docs.Document(data, "").Findings {
				if f.Severity() == diag.Reject { // the rest is advice to those who wrote the source
					report(f)
				}
			}
			return nil
		}}, nil
	case to.Name == "hl7v2":
		return &outputCheck{record: func(data []byte, report func(*diag.Finding)) error {
			_, err := v2.Stream(context.Background(), bytes.NewReader(data), "", report)
			return err
		}}, nil
	}
	v, err := validate.New(validate.Options{Jobs: 1})
	if err != nil {
		return nil, fmt.Errorf("--validate: %w", err)
	}
	return &outputCheck{record: func(data []byte, report func(*diag.Finding)) error {
		_, err := v.Stream(context.Background(), bytes.NewReader(data), "", func(f *diag.Finding) {
			if f.ID != "CP-FHIR-222" { // advice to those who wrote the source
				report(f)
			}
		})
		return err
	}}, nil
}

// over is the format with the check over its writers.
func (c *outputCheck) over(to *convert.Format) *convert.Format {
	x := *to
	if c.tables == nil {
		x.NewWriter = func(o *convert.Options) convert.Writer { return &checkedWriter{to.NewWriter(o), c} }
		return &x
	}
	t := *to.Tables
	t.Open = func(o *convert.Options, create func(string) (io.Writer, error)) (convert.Gatherer, error) {
		g := &checkedTables{check: c, dir: o.TempDir}
		inner, err := to.Tables.Open(o, func(name string) (io.Writer, error) {
			w, err := create(name)
			if err != nil {
				return nil, err
			}
			return g.copy(w, name)
		})
		if err != nil {
			g.discard()
			return nil, err
		}
		g.Gatherer = inner
		return g, nil
	}
	x.Tables = &t
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
		if len(bytes.TrimSpace(p.Data)) == 0 {
			continue
		}
		err := w.check.record(p.Data, func(f *diag.Finding) {
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

// checkedTables writes tables as another does and keeps a copy of each, in files without a name, until all are whole and can be checked.
type checkedTables struct {
	convert.Gatherer
	check  *outputCheck
	dir    string
	copies []tableCopy
}

type tableCopy struct {
	name string
	f    *os.File
}

// copy writes to w and to a copy of it.
func (g *checkedTables) copy(w io.Writer, name string) (io.Writer, error) {
	f, err := safefile.Temp(g.dir)
	if err != nil {
		return nil, err
	}
	g.copies = append(g.copies, tableCopy{name, f})
	return io.MultiWriter(w, f), nil
}

func (g *checkedTables) discard() {
	for _, c := range g.copies {
		c.f.Close()
	}
	g.copies = nil
}

// Close ends the tables and checks them.
func (g *checkedTables) Close() error {
	defer g.discard()
	if err := g.Gatherer.Close(); err != nil {
		return err
	}
	for _, c := range g.copies {
		size, err := c.f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(c.f, 0, size)), nil }
		src := convert.Source{Name: c.name, Path: c.name, Size: size, Open: open}
		err = g.check.tables.check(src, io.NewSectionReader(c.f, 0, size), c.name, func(f *diag.Finding) {
			if f.Severity() == diag.Reject {
				g.check.rejected.Add(1)
			}
			g.check.late = append(g.check.late, f)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
