package convert

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file is about formats that have no output of their own for each record: the rows of all records of all sources go into the same
// tables.

// Tables says how such a format is written.
type Tables struct {
	Files []string               // what is written into a folder; nil if that is known at the end only
	Mine  func(name string) bool // of names in a folder: whether it may be a file that is written; nil: those of Files
	View  bool                   // what they do not show is left out by choice
	Whole bool                   // records are wanted as hl7v2 wants them, of bulk data a record for each patient; else resources go one by one
	// Open begins the tables of a run. create makes one of the files, or is the one output that there is.
	Open func(o *Options, create func(name string) (io.Writer, error)) (Gatherer, error)
	// Lost says what becomes of a leaf of the hub that no writer claimed, and why. It may be called by any goroutine. Nil: the tables have every leaf.
	Lost func(l *mapping.Leaf) (tree.State, string)
}

// A Gatherer puts down what the writers made of the records, in the order of the sources.
type Gatherer interface {
	Put(p Part) error
	Close() error // after the last record: the tables are whole
}

// A Reporter is a Gatherer that has findings of its own when it is closed. Each that rejects is about a resource that was left out.
type Reporter interface {
	Findings() []*diag.Finding
}

// of gives the options of a run that writes this format.
func (o *Options) of(to *Format) *Options {
	x := *o
	x.tables = to.Tables
	return &x
}

// apart reports that resources go one by one, so that none waits for another.
func (o *Options) apart() bool {
	return o.To == "ndjson" && o.tables == nil || o.tables != nil && !o.tables.Whole
}

// Apart reports that what is written wants resources one by one, so that records need not wait for one another.
func (o *Options) Apart() bool { return o.apart() }

// Origins reports that it must be known which element of the hub each leaf of a source made, for what is written shows a part of them.
func (o *Options) Origins() bool {
	return o.tables != nil && o.tables.Lost != nil || o.tables == nil && o.To != "ndjson" && !o.toBundles()
}

// lost says what becomes of a leaf of the hub that no writer claimed.
func (o *Options) lost(l *mapping.Leaf) (tree.State, string) {
	if o.tables != nil {
		return o.tables.Lost(l)
	}
	return tree.Unmapped, ""
}

// byID reports that a resource is found by its id alone.
func (o *Options) byID() bool { return o.To == "ndjson" || o.tables != nil }

// tableClash refuses to write tables where files of their names are, or that are no single table into a single output.
func (j *Job) tableClash() error {
	t := j.To.Tables
	if !j.dir {
		if len(t.Files) != 1 {
			return &UsageError{"these are several tables, and each is a file", "name a folder: -o FOLDER/"}
		}
		return nil
	}
	for name := range j.list(j.Out) {
		if !t.mine(name) {
			continue
		}
		p := filepath.Join(j.Out, name)
		if j.isInput(p) {
			return &UsageError{fmt.Sprintf("%s is input and output at once", p), "name another folder"}
		}
		if !j.Force {
			return &UsageError{fmt.Sprintf("%s is there already", p), "name another folder, or overwrite it with --force"}
		}
	}
	return nil
}

func (t *Tables) mine(name string) bool {
	if t.Mine != nil {
		return t.Mine(name)
	}
	return slices.ContainsFunc(t.Files, func(f string) bool { return strings.EqualFold(f, name) })
}

// namesTable reports that what -o says is the name of a file for the one output that there is, although there are several inputs.
func (j *Job) namesTable() bool {
	return j.To.Tables != nil && len(j.To.Tables.Files) == 1 && strings.EqualFold(filepath.Ext(j.Out), j.To.Extension)
}

// gather begins the tables of a job.
func (j *Job) gather(out io.Writer) (Gatherer, error) {
	return j.To.Tables.Open(j.Options, func(name string) (io.Writer, error) {
		if out != nil {
			return out, nil
		}
		if name == "" || !filepath.IsLocal(name) {
			return nil, errors.New("a table without a name")
		}
		return j.files.appendTo(filepath.Join(j.Out, name))
	})
}

// tableLeaves gives the leaves of a record of FHIR that is written as rows.
func (w *fhirWorker) tableLeaves(rec *Record, envelopes []envelope, f func(func() string, tree.State, string)) {
	const shell = "a table has rows of resources, and no bundle"
	if rec.Bundle != nil {
		mapping.NewRecord(nil, mapping.NewResource(rec.Bundle, "")).EachLeaf(func(l *mapping.Leaf) { f(l.Place, tree.Declined, shell) })
	}
	rec.Record.EachLeaf(func(l *mapping.Leaf) {
		s, why := w.tableState(l)
		f(l.Place, s, why)
	})
	for _, e := range envelopes {
		e.leaves(f, tree.Declined, shell)
	}
}

// tableState is what becomes of a leaf in tables.
func (w *fhirWorker) tableState(l *mapping.Leaf) (tree.State, string) {
	switch {
	case l.State != tree.Unmapped:
		return l.State, l.Why
	case w.o.tables.Lost == nil:
		return tree.Carried, ""
	}
	return w.o.tables.Lost(l)
}

// Index finds the resources of a record by what refers to them.
func (rec *Record) Index() *fhir.Index {
	x := fhir.NewIndex()
	for _, r := range rec.Resources {
		if !r.Inside() {
			x.Add(fhir.Located{FullURL: r.FullURL, Resource: r.Msg})
		}
	}
	return x
}
