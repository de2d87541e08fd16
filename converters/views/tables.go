package views

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/sqlview"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Format writes the rows of views as csv, xlsx or ndjson: a file for each view, of xlsx one workbook with a sheet for each, which is
// called by name.
func Format(to, name string, list []*sqlview.View, w csvtab.Writing) (*convert.Format, error) {
	for i, v := range list {
		if j := slices.IndexFunc(list[:i], func(u *sqlview.View) bool { return sameFile(u.Name, v.Name) }); j >= 0 {
			return nil, fmt.Errorf("two views are called %s", v.Name)
		}
	}
	t := &convert.Tables{Whole: slices.ContainsFunc(list, func(v *sqlview.View) bool { return v.Record })}
	extension := "." + to
	for _, v := range list {
		t.Files = append(t.Files, v.Name+extension)
	}
	if to == "xlsx" {
		t.Files = []string{name + extension}
	}
	byType := map[string][]*sqlview.View{}
	for _, v := range list {
		byType[v.Resource] = append(byType[v.Resource], v)
	}
	t.Lost = func(l *mapping.Leaf) (tree.State, string) { return tree.Declined, lost(l, byType[l.Resource.Type()]) }
	t.Open = func(o *convert.Options, create func(string) (io.Writer, error)) (convert.Gatherer, error) {
		if to == "ndjson" {
			return openLines(list, create)
		}
		book, err := openBook(to, t.Files[0], w, o.TempDir, create)
		if err != nil {
			return nil, err
		}
		g := &gatherer{book: book, tables: map[string]csvtab.RowWriter{}, width: map[string]int{}, seen: distinct(list), once: seen{}}
		for _, v := range list {
			rows, err := book.table(v.Name, fields(v))
			if err != nil {
				return nil, err
			}
			g.tables[v.Name], g.width[v.Name] = rows, len(v.Columns)
		}
		return g, nil
	}
	return &convert.Format{Name: to, Extension: extension, Tables: t, NewWriter: func(*convert.Options) convert.Writer {
		x := &writer{lines: to == "ndjson", whole: t.Whole, runners: map[string][]*sqlview.Runner{}, c: fhirpath.NewContext(fhirpath.Env{})}
		for _, v := range list {
			r := v.NewRunner(x.c)
			r.Claim = x.claim
			x.runners[v.Resource] = append(x.runners[v.Resource], r)
		}
		return x
	}}, nil
}

// lost says why a leaf stands in no row.
func lost(l *mapping.Leaf, list []*sqlview.View) string {
	switch {
	case l.Resource.Inside():
		return "no view is run on a contained resource"
	case len(list) == 0:
		return "no view is for a " + l.Resource.Type()
	case l.Modifier:
		return "no column of the views shows it, though it changes what others mean"
	}
	return "no column of the views shows it"
}

// fields are the columns of a view for a table.
func fields(v *sqlview.View) []csvtab.Field {
	var list []csvtab.Field
	for _, c := range v.Columns {
		f := csvtab.Field{Name: c.Name}
		if !c.Collection {
			f.Kind = kinds[c.Kind()]
		}
		list = append(list, f)
	}
	return list
}

var kinds = map[sqlview.Kind]csvtab.Kind{sqlview.Boolean: csvtab.Boolean, sqlview.Integer: csvtab.Number, sqlview.Decimal: csvtab.Number,
	sqlview.Date: csvtab.Day, sqlview.DateTime: csvtab.DateTime}

// writer runs views over records.
type writer struct {
	lines   bool
	whole   bool
	c       *fhirpath.Context
	runners map[string][]*sqlview.Runner // by type of resource
	rec     *mapping.Record              // at hand
}

// claim takes note of a leaf that stands in a row.
func (w *writer) claim(v fhirpath.Value, col *sqlview.Column, asIs bool) {
	switch {
	case v.Kind() != fhirpath.Node:
	case asIs:
		w.rec.Claim(v.Struct(), tree.Carried, "")
	default:
		w.rec.Claim(v.Struct(), tree.Folded, "in the column "+col.Name+", together with others or in another form")
	}
}

// FromHub gives the rows of a record: the cells of each view's rows, one row behind the other, or lines of JSON.
func (w *writer) FromHub(rec *convert.Record) ([]convert.Part, []*diag.Finding, error) {
	defer w.c.Forget()
	w.rec = rec.Record
	var all []fhirpath.Value
	if w.whole {
		index := rec.Index()
		w.c.SetResolver(index)
		defer w.c.SetResolver(nil)
		for _, r := range rec.Resources {
			if !r.Inside() {
				all = append(all, fhirpath.Of(r.Msg))
			}
		}
	}
	var parts []convert.Part
	for _, res := range rec.Resources {
		if res.Inside() {
			continue
		}
		for _, r := range w.runners[res.Type()] {
			if w.whole {
				r.SetRecord(belonging(rec, res, all))
			}
			v := r.View()
			key := ""
			if w.whole && !v.Record && res.ID != "" { // whom several patients share belongs to the record of each
				key = res.Type() + "/" + res.ID
			}
			i := slices.IndexFunc(parts, func(p convert.Part) bool { return p.Type == v.Name && p.Key == key })
			if i < 0 || key != "" {
				i = len(parts)
				parts = append(parts, convert.Part{Type: v.Name, Table: []string(nil), Key: key})
			}
			p := &parts[i]
			cells := p.Table.([]string)
			err := r.Run(fhirpath.Of(res.Msg), func(row sqlview.Row) error {
				if w.lines {
					p.Data = append(v.AppendJSON(p.Data, row), '\n')
					return nil
				}
				for i := range row {
					cells = append(cells, row[i].Text(&v.Columns[i]))
				}
				return nil
			})
			if err != nil {
				return nil, nil, err
			}
			p.Table = cells
		}
	}
	return parts, nil, nil
}

// gatherer puts the rows of all records into their tables.
type gatherer struct {
	book   book
	tables map[string]csvtab.RowWriter
	width  map[string]int
	seen   map[string]seen // of views that are distinct
	once   seen            // resources whose rows are wanted once
}

func (g *gatherer) Put(p convert.Part) error {
	if p.Key != "" && g.once.before(p.Type, p.Key) {
		return nil
	}
	rows, n := g.tables[p.Type], g.width[p.Type]
	seen := g.seen[p.Type]
	for cells := p.Table.([]string); len(cells) > 0; cells = cells[n:] {
		if seen != nil && seen.before(cells[:n]...) {
			continue
		}
		if err := rows.Row(cells[:n]); err != nil {
			return err
		}
	}
	return nil
}

func (g *gatherer) Close() error { return g.book.close() }

// seen knows the rows of a table by digest, so that one that comes again is left out.
type seen map[[16]byte]struct{}

func (s seen) before(row ...string) bool {
	h := sha256.New()
	for _, cell := range row {
		h.Write(binary.AppendUvarint(nil, uint64(len(cell))))
		io.WriteString(h, cell)
	}
	var key [16]byte
	copy(key[:], h.Sum(nil))
	_, ok := s[key]
	s[key] = struct{}{}
	return ok
}

// lines puts the rows of views into files of NDJSON.
type lines struct {
	files map[string]io.Writer
	seen  map[string]seen
	once  seen
}

func distinct(list []*sqlview.View) map[string]seen {
	m := map[string]seen{}
	for _, v := range list {
		if v.Distinct {
			m[v.Name] = seen{}
		}
	}
	return m
}

func openLines(list []*sqlview.View, create func(string) (io.Writer, error)) (convert.Gatherer, error) {
	g := lines{map[string]io.Writer{}, distinct(list), seen{}}
	for _, v := range list {
		w, err := create(v.Name + ".ndjson")
		if err != nil {
			return nil, err
		}
		g.files[v.Name] = w
	}
	return g, nil
}

func (g lines) Put(p convert.Part) error {
	if p.Key != "" && g.once.before(p.Type, p.Key) {
		return nil
	}
	seen, w := g.seen[p.Type], g.files[p.Type]
	if seen == nil {
		_, err := w.Write(p.Data)
		return err
	}
	for line := range bytes.Lines(p.Data) {
		if seen.before(string(line)) {
			continue
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

func (g lines) Close() error { return nil }
