package csvfhir

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Writer writes the tables of a mapping, as csv a file for each, as xlsx a sheet for each: the mapping backwards. Tables without a row are not
// written.
func Writer(m *Mapping, to string, style csvtab.Writing) *convert.Format {
	extension := "." + to
	t := &convert.Tables{Whole: true, Lost: func(*mapping.Leaf) (tree.State, string) { return tree.Unmapped, "" }}
	if to == "xlsx" {
		t.Files = []string{m.Name + extension}
	} else {
		for _, x := range m.Tables {
			t.Files = append(t.Files, x.Name+extension)
		}
	}
	m.used.Store(true)
	t.Open = func(o *convert.Options, create func(string) (io.Writer, error)) (convert.Gatherer, error) {
		g := &gatherer{m: m, dir: o.TempDir, tables: map[string]*waiting{}}
		if to == "xlsx" {
			w, err := create(t.Files[0])
			if err != nil {
				return nil, err
			}
			book := csvtab.NewWorkbook(w, func() (csvtab.Spool, error) { return safefile.Temp(o.TempDir) })
			g.begin = func(name string, fields []csvtab.Field) (csvtab.RowWriter, error) { return book.Sheet(name, fields) }
			g.end = book.Close
			return g, nil
		}
		g.begin = func(name string, fields []csvtab.Field) (csvtab.RowWriter, error) {
			w, err := create(name + extension)
			if err != nil {
				return nil, err
			}
			return csvtab.NewWriter(w, fields, style), nil
		}
		g.end = func() error { return nil }
		return g, nil
	}
	return &convert.Format{Name: to, Extension: extension, Tables: t,
		NewWriter: func(o *convert.Options) convert.Writer { return &writer{of: m} }}
}

// columns are those that a table is written with.
func (t *Table) columns() []string {
	if len(t.Order) > 0 {
		return t.Order
	}
	return t.Columns
}

// writer turns records of the hub into rows.
type writer struct{ of *Mapping }

func (w *writer) FromHub(rec *convert.Record) ([]convert.Part, []*diag.Finding, error) {
	m, err := w.of.own()
	if err != nil {
		return nil, nil, err
	}
	doc, err := m.FromFHIR(ScopeName, "Bundle", rec.Record)
	if err != nil {
		return nil, nil, err
	}
	var parts []convert.Part
	for n := doc.First(tree.Root); n != 0; n = doc.Next(n) {
		t := w.of.table(doc.Name(n))
		if t == nil || doc.Empty(n) {
			continue
		}
		if len(parts) == 0 || parts[len(parts)-1].Type != t.Name {
			parts = append(parts, convert.Part{Type: t.Name, Table: [][]string(nil)})
		}
		p := &parts[len(parts)-1]
		p.Table = append(p.Table.([][]string), t.cells(doc, n))
	}
	return parts, nil, nil
}

// table finds a kind of file by name.
func (m *Mapping) table(name string) *Table {
	if i := slices.IndexFunc(m.Tables, func(t *Table) bool { return t.Name == name }); i >= 0 {
		return m.Tables[i]
	}
	return nil
}

// cells are a row's cells in the order of the columns, those that no row of the mapping knows behind them with their names.
func (t *Table) cells(d *tree.Doc, n tree.Node) []string {
	columns := t.columns()
	row := make([]string, len(columns))
	for k := d.First(n); k != 0; k = d.Next(k) {
		text := d.LeafText(k)
		if text == "" {
			continue
		}
		i := slices.Index(columns, d.Name(k))
		switch {
		case i < 0:
			if !t.known[d.Name(k)] {
				row = append(row, d.Name(k), text)
			}
		case row[i] == "":
			row[i] = text
		default: // several values in a cell
			sep := t.Split[d.Name(k)]
			if sep == "" {
				sep = ";"
			}
			row[i] += sep + text
		}
	}
	return row
}

// gatherer puts the rows of all records into their tables. Of what several records have, such as an organization, a row is written once. The columns
// that no row of the mapping knows stand behind the others; which they are is known when all rows have been seen, so rows wait in temporary files.
type gatherer struct {
	m      *Mapping
	dir    string
	tables map[string]*waiting
	begin  func(name string, fields []csvtab.Field) (csvtab.RowWriter, error)
	end    func() error // after the last table
}

// waiting is the rows of a table that is to be written.
type waiting struct {
	of    *Table
	rows  spool
	extra []string // columns that no row of the mapping knows, in the order in which they came
	keys  seen
}

func (g *gatherer) Put(p convert.Part) error {
	t := g.m.table(p.Type)
	w := g.tables[t.Name]
	if w == nil {
		w = &waiting{of: t, rows: spool{dir: g.dir}}
		g.tables[t.Name] = w
	}
	width := len(t.columns())
	for _, row := range p.Table.([][]string) {
		if w.twice(row) {
			continue
		}
		for i := width; i+1 < len(row); i += 2 {
			if !slices.Contains(w.extra, row[i]) {
				w.extra = append(w.extra, row[i])
			}
		}
		if err := w.rows.put(row); err != nil {
			return err
		}
	}
	return nil
}

// twice reports a row with a key that stands in the table already, of a table whose rows go into several records.
func (w *waiting) twice(row []string) bool {
	if len(w.of.Key) != 1 || w.of.Record != "" {
		return false
	}
	i := slices.Index(w.of.columns(), w.of.Key[0])
	return i >= 0 && row[i] != "" && w.keys.add(hash(row...))
}

// Close writes the tables, in the order of the head.
func (g *gatherer) Close() error {
	for _, t := range g.m.Tables {
		w := g.tables[t.Name]
		if w == nil {
			continue
		}
		var fields []csvtab.Field
		for _, c := range slices.Concat(t.columns(), w.extra) {
			fields = append(fields, csvtab.Field{Name: c})
		}
		out, err := g.begin(t.Name, fields)
		if err != nil {
			return err
		}
		width := len(t.columns())
		cells := make([]string, len(fields))
		for row, err := range w.rows.all() {
			if err != nil {
				return err
			}
			clear(cells)
			copy(cells, row[:width])
			for i := width; i+1 < len(row); i += 2 {
				cells[width+slices.Index(w.extra, row[i])] = row[i+1]
			}
			if err := out.Row(cells); err != nil {
				return err
			}
		}
		if err := out.Close(); err != nil {
			return err
		}
	}
	return g.end()
}

// spool keeps rows: a few in memory, more of them in a temporary file.
type spool struct {
	dir  string
	held bytes.Buffer
	file *os.File
	buf  []byte
}

// maxSpool is how many bytes of a table's rows are held in memory.
const maxSpool = 1 << 20

func (s *spool) put(row []string) error {
	s.buf = binary.AppendUvarint(s.buf[:0], uint64(len(row)))
	for _, cell := range row {
		s.buf = append(binary.AppendUvarint(s.buf, uint64(len(cell))), cell...)
	}
	s.held.Write(s.buf)
	if s.held.Len() < maxSpool {
		return nil
	}
	if s.file == nil {
		var err error
		if s.file, err = safefile.Temp(s.dir); err != nil {
			return err
		}
	}
	_, err := s.held.WriteTo(s.file)
	return err
}

// all gives the rows back, once.
func (s *spool) all() iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		var r io.Reader = &s.held
		if s.file != nil {
			defer s.file.Close()
			if _, err := s.file.Seek(0, io.SeekStart); err != nil {
				yield(nil, err)
				return
			}
			r = io.MultiReader(s.file, &s.held)
		}
		in := bufio.NewReaderSize(r, 256<<10)
		for {
			n, err := binary.ReadUvarint(in)
			if err == io.EOF {
				return
			}
			var row []string
			for range n {
				size, err2 := binary.ReadUvarint(in)
				if err = errors.Join(err, err2); err != nil {
					break
				}
				cell := make([]byte, size)
				if _, err = io.ReadFull(in, cell); err != nil {
					break
				}
				row = append(row, string(cell))
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
