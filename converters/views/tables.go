package views

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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
	t := &convert.Tables{View: true, Whole: slices.ContainsFunc(list, func(v *sqlview.View) bool { return v.Record || v.Resolves })}
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
		return openTables(to, t.Files[0], list, w, o.TempDir, create)
	}
	return &convert.Format{Name: to, Extension: extension, Tables: t, NewWriter: func(*convert.Options) convert.Writer {
		x := &writer{lines: to == "ndjson", book: to == "xlsx", whole: t.Whole, runners: map[string][]*sqlview.Runner{}, c: fhirpath.NewContext(fhirpath.Env{})}
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
	case l.Resource.Wrapped():
		return "no view is run on what stands within a Bundle or Parameters"
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
	lines       bool // rows are lines of JSON
	book        bool // cells are those of a workbook, which are not of any length
	whole       bool
	c           *fhirpath.Context
	lastUpdated *fhirpath.Expr
	runners     map[string][]*sqlview.Runner // by type of resource

	// Of the view and the resource at hand.
	claims  []claimed
	tooLong []*sqlview.Column
}

// claimed is a leaf that stands in a row.
type claimed struct {
	v    fhirpath.Value
	col  *sqlview.Column
	asIs bool
}

// claim takes note of a leaf that stands in a row. What becomes of it is told when all rows of the resource are there.
func (w *writer) claim(v fhirpath.Value, col *sqlview.Column, asIs bool) {
	if v.Kind() == fhirpath.Node {
		w.claims = append(w.claims, claimed{v, col, asIs})
	}
}

// settle tells the ledger what stands in the rows of a resource; why is set if there are none, since the view failed.
func (w *writer) settle(rec *convert.Record, why string) {
	for _, c := range w.claims {
		switch {
		case why != "":
			rec.Claim(c.v.Struct(), tree.Declined, why)
		case slices.Contains(w.tooLong, c.col):
			rec.Claim(c.v.Struct(), tree.Declined, tooLongWhy)
		case c.asIs:
			rec.Claim(c.v.Struct(), tree.Carried, "")
		default:
			rec.Claim(c.v.Struct(), tree.Folded, "in the column "+c.col.Name+", together with others or in another form")
		}
	}
	w.claims, w.tooLong = w.claims[:0], w.tooLong[:0]
}

// FromHub gives the rows of a record: the cells of each view's rows, one row behind the other, or lines of JSON; of views over the whole
// run what they will want of it. A resource on which a view fails has no row in its table, and the others have theirs; one that stands alone is
// rejected.
func (w *writer) FromHub(rec *convert.Record) ([]convert.Part, []*diag.Finding, error) {
	defer w.c.Forget()
	var all members
	if w.whole {
		w.c.SetResolver(rec.Index())
		defer w.c.SetResolver(nil)
		all = membersOf(rec)
	}
	var parts []convert.Part
	var finds []*diag.Finding
	for _, res := range rec.Resources {
		if res.Inside() {
			continue
		}
		for _, r := range w.runners[res.Type()] {
			v := r.View()
			var record []fhirpath.Value
			if v.Record {
				record = all.of(res)
				r.SetRecord(record)
			}
			p := w.part(&parts, v, res)
			cells, data := p.Table, len(p.Data)
			var own []string // of a view over the whole run
			err := r.Run(fhirpath.Of(res.Msg), func(row sqlview.Row) error {
				switch {
				case v.WholeRun:
					own = appendCells(own, v, row, w.lines)
					finds = append(finds, w.shorten(rec, res, v, own[len(own)-len(row):])...)
				case w.lines:
					p.Data = append(v.AppendJSON(p.Data, row), '\n')
				default:
					all := appendCells(p.Table.([]string), v, row, false)
					finds = append(finds, w.shorten(rec, res, v, all[len(all)-len(row):])...)
					p.Table = all
				}
				return nil
			})
			var f *diag.Finding
			switch {
			case errors.As(err, &f) && (rec.Piece || !alone(rec)):
				p.Table, p.Data = cells, p.Data[:data]
				f.Place.Path = within(rec, res, f.Place.Path)
				finds = append(finds, f)
				rec.LeftOut++
				w.settle(rec, "no row is written, since the view "+v.Name+" failed on it")
				continue
			case err != nil:
				w.settle(rec, "")
				return nil, nil, err
			}
			w.settle(rec, "")
			if v.WholeRun && len(own) > 0 {
				x, err := w.versionOf(v, res, record, rec.Written)
				if err != nil {
					return nil, nil, err
				}
				x.cells, p.Table = own, x
			}
		}
	}
	return parts, finds, nil
}

// part is where the rows of a resource go: behind those of the same view, but where they are wanted once or wait for others apart from them.
func (w *writer) part(parts *[]convert.Part, v *sqlview.View, res *mapping.Resource) *convert.Part {
	key := ""
	if w.whole && !v.Record && !v.WholeRun && res.ID != "" { // whom several patients share belongs to the record of each
		key = res.Type() + "/" + res.ID
	}
	i := slices.IndexFunc(*parts, func(p convert.Part) bool { return p.Type == v.Name && p.Key == key })
	if i < 0 || key != "" || v.WholeRun {
		i = len(*parts)
		p := convert.Part{Type: v.Name, Key: key}
		if !v.WholeRun {
			p.Table = []string(nil)
		}
		*parts = append(*parts, p)
	}
	return &(*parts)[i]
}

const (
	tooLong    = "the column %s of the view %s is longer than a cell of a workbook can be, and left blank"
	tooLongWhy = "longer than a cell of a workbook can be"
)

// shorten takes out of a row of a workbook what is too long for a cell.
func (w *writer) shorten(rec *convert.Record, res *mapping.Resource, v *sqlview.View, row []string) (finds []*diag.Finding) {
	if !w.book {
		return nil
	}
	for i, cell := range row {
		if csvtab.FitsCell(cell) {
			continue
		}
		row[i] = ""
		rec.LeftOut++
		col := &v.Columns[i]
		if !slices.Contains(w.tooLong, col) {
			w.tooLong = append(w.tooLong, col)
		}
		finds = append(finds, diag.New(csvtab.CellTooLong, diag.Place{Path: within(rec, res, res.Type())}, tooLong, col.Name, v.Name))
	}
	return finds
}

// alone reports a record that is one resource.
func alone(rec *convert.Record) bool {
	n := 0
	for _, r := range rec.Resources {
		if !r.Inside() {
			n++
		}
	}
	return n < 2
}

// within is a place in a resource as one in its record.
func within(rec *convert.Record, res *mapping.Resource, place string) string {
	below := strings.TrimPrefix(place, res.Type())
	if res.Entry > 0 {
		return fmt.Sprintf("Bundle.entry[%d].resource%s", res.Entry-1, below)
	}
	n := 0
	for _, r := range rec.Resources {
		if r == res {
			break
		}
		if r.Type() == res.Type() {
			n++
		}
	}
	if n > 0 {
		return fmt.Sprintf("Bundle.entry.resource.ofType(%s)[%d]%s", res.Type(), n, below)
	}
	return place
}

// gatherer puts the rows of all records into their tables.
type gatherer struct {
	book   book // nil: the tables are files of lines
	tables []*table
	byName map[string]*table
	once   seen // resources whose rows are wanted once
}

// table is where the rows of a view go.
type table struct {
	view  *sqlview.View
	rows  csvtab.RowWriter
	lines io.Writer
	seen  seen      // of a view that is distinct
	whole *wholeRun // of a view over the whole run
	line  []byte
}

func openTables(to, file string, list []*sqlview.View, w csvtab.Writing, temp string, create func(string) (io.Writer, error)) (convert.Gatherer, error) {
	g := &gatherer{byName: map[string]*table{}, once: seen{}}
	var err error
	if to != "ndjson" {
		if g.book, err = openBook(to, file, w, temp, create); err != nil {
			return nil, err
		}
	}
	for _, v := range list {
		t := &table{view: v}
		if g.book == nil {
			t.lines, err = create(v.Name + ".ndjson")
		} else {
			t.rows, err = g.book.table(v.Name, fields(v))
		}
		if err == nil && v.WholeRun {
			t.whole, err = newWholeRun(v, to, temp, t.row)
		}
		if err != nil {
			return nil, err
		}
		if v.Distinct {
			t.seen = seen{}
		}
		g.tables = append(g.tables, t)
		g.byName[v.Name] = t
	}
	return g, nil
}

func (g *gatherer) Put(p convert.Part) error {
	if p.Key != "" && g.once.before(p.Type, p.Key) {
		return nil
	}
	t := g.byName[p.Type]
	if x, ok := p.Table.(*version); ok {
		return t.whole.put(x)
	}
	if t.lines != nil {
		return t.data(p.Data)
	}
	cells, _ := p.Table.([]string)
	for n := len(t.view.Columns); len(cells) > 0; cells = cells[n:] {
		if err := t.row(cells[:n]); err != nil {
			return err
		}
	}
	return nil
}

// row writes a row.
func (t *table) row(cells []string) error {
	if t.seen != nil && t.seen.before(cells...) {
		return nil
	}
	if t.lines == nil {
		return t.rows.Row(cells)
	}
	t.line = appendLine(t.line[:0], t.view, cells)
	_, err := t.lines.Write(t.line)
	return err
}

// data writes lines.
func (t *table) data(b []byte) error {
	if t.seen == nil {
		_, err := t.lines.Write(b)
		return err
	}
	for line := range bytes.Lines(b) {
		if t.seen.before(string(line)) {
			continue
		}
		if _, err := t.lines.Write(line); err != nil {
			return err
		}
	}
	return nil
}

func (g *gatherer) Close() error {
	for _, t := range g.tables {
		if t.whole != nil {
			if err := t.whole.close(); err != nil {
				return err
			}
		}
	}
	if g.book == nil {
		return nil
	}
	return g.book.close()
}

// Findings are what only the whole run shows.
func (g *gatherer) Findings() (finds []*diag.Finding) {
	for _, t := range g.tables {
		if t.whole != nil {
			finds = append(finds, t.whole.finds...)
		}
	}
	return finds
}

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
