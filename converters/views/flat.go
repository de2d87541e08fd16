package views

import (
	"cmp"
	"encoding/binary"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Flat writes a table for each type of resource, with a column for each leaf that any resource of the type has: name[0].given[0]. Which
// these are is known when all have been seen, so the rows wait in temporary files; in memory there are only the columns.
func Flat(to string, w csvtab.Writing) *convert.Format {
	extension := "." + to
	t := &convert.Tables{}
	if to == "xlsx" {
		t.Files = []string{"flat" + extension}
		t.Lost = func(*mapping.Leaf) (tree.State, string) { return tree.Carried, "" } // but for what is too long for a cell
	} else {
		t.Mine = func(name string) bool {
			typ, ok := strings.CutSuffix(name, extension)
			return ok && plan.ContainedType().ResourceAlt(typ) != nil
		}
	}
	t.Open = func(o *convert.Options, create func(string) (io.Writer, error)) (convert.Gatherer, error) {
		name := ""
		if t.Files != nil {
			name = t.Files[0]
		}
		book, err := openBook(to, name, w, o.TempDir, create)
		return &flatGatherer{book: book, temp: o.TempDir, types: map[string]*flatTable{}}, err
	}
	return &convert.Format{Name: to, Extension: extension, Tables: t, NewWriter: func(*convert.Options) convert.Writer {
		return &flatWriter{book: to == "xlsx", columns: map[*plan.Type]*flatColumn{}}
	}}
}

// flatColumn is a column of a flat table, and a step on the way to others. Each worker has its own, which grow with what it sees.
type flatColumn struct {
	path  string      // name[0].given[0]
	order string      // its elements' places in the specification and in their lists, so that columns sort as elements stand
	kind  csvtab.Kind // of a leaf
	below map[flatStep]*flatColumn
}

type flatStep struct {
	element, item int        // -1 is resourceType, before all elements
	alt           int        // of a choice, among its types
	typ           *plan.Type // of what may be of several
}

func (c *flatColumn) to(step flatStep, name string, list bool) *flatColumn {
	x := c.below[step]
	if x == nil {
		if c.path != "" {
			name = c.path + "." + name
		}
		if list {
			name += "[" + strconv.Itoa(step.item) + "]"
		}
		order := binary.BigEndian.AppendUint16([]byte(c.order), uint16(step.element+1))
		if list {
			order = binary.BigEndian.AppendUint32(order, uint32(step.item))
		}
		order = binary.BigEndian.AppendUint16(order, uint16(step.alt))
		x = &flatColumn{path: name, order: string(order)}
		if c.below == nil {
			c.below = map[flatStep]*flatColumn{}
		}
		c.below[step] = x
	}
	return x
}

// flatCell is a leaf of a resource.
type flatCell struct {
	column *flatColumn
	text   string
}

// flatWriter takes resources apart.
type flatWriter struct {
	book    bool
	columns map[*plan.Type]*flatColumn
	row     []flatCell

	rec   *convert.Record // at hand
	res   *mapping.Resource
	finds []*diag.Finding
}

func (w *flatWriter) FromHub(rec *convert.Record) ([]convert.Part, []*diag.Finding, error) {
	var parts []convert.Part
	w.rec, w.finds = rec, nil
	for _, r := range rec.Resources {
		if w.res = r; r.Inside() {
			continue // it stands in the row of the one that contains it
		}
		v := fhirpath.Of(r.Msg)
		root := w.columns[v.Type()]
		if root == nil {
			root = &flatColumn{}
			w.columns[v.Type()] = root
		}
		w.row = nil
		w.walk(root, v.Type(), v.Struct())
		parts = append(parts, convert.Part{Type: r.Type(), Table: w.row})
	}
	return parts, w.finds, nil
}

func (w *flatWriter) leaf(c *flatColumn, v fhirpath.Value) {
	if text, ok := v.Text(); ok {
		if w.book && !csvtab.FitsCell(text) {
			w.rec.LeftOut++
			w.rec.Claim(v.Struct(), tree.Declined, tooLongWhy)
			w.finds = append(w.finds, diag.New(csvtab.CellTooLong, diag.Place{Path: within(w.rec, w.res, w.res.Type()+"."+c.path)}, ""))
			return
		}
		if t := v.Type(); t != nil {
			// The leaves of a column have one type, so this writes for the first alone, before anybody else sees the column.
			if kind := leafKinds[t.Bases()[0]]; kind != c.kind {
				c.kind = kind
			}
		}
		w.row = append(w.row, flatCell{c, text})
	}
}

var leafKinds = map[string]csvtab.Kind{"boolean": csvtab.Boolean, "integer": csvtab.Number, "positiveInt": csvtab.Number, "unsignedInt": csvtab.Number,
	"decimal": csvtab.Number, "date": csvtab.Day, "dateTime": csvtab.DateTime, "instant": csvtab.DateTime}

func (w *flatWriter) walk(c *flatColumn, t *plan.Type, v reflect.Value) {
	if t.Kind == plan.Primitive {
		w.leaf(c, fhirpath.At(t, v))
	}
	for at, e := range t.Elements {
		n := e.Len(v)
		for i := range n {
			step := flatStep{element: at, item: i}
			switch e.Shape {
			case plan.ReferenceText:
				w.leaf(c.to(step, e.Name, false), fhirpath.ReferenceText(v))
			case plan.ChoiceOf:
				if x, a := e.Chosen(v); a != nil {
					step.typ, step.alt = a.Type(), slices.Index(e.Choice, a)
					w.walk(c.to(step, a.Name, false), a.Type(), x)
				}
			case plan.ResourceOf:
				if x, a := plan.ContainedType().Resource(v.Field(e.Index).Elem()); a != nil {
					step.typ = a.Type()
					w.resource(c.to(step, e.Name, false), a.Type(), x)
				}
			case plan.PackedOne, plan.PackedList:
				f := v.Field(e.Index)
				if e.Shape == plan.PackedList {
					f = f.Index(i)
				}
				packed, _ := f.Interface().(*anypb.Any)
				m, err := fhir.Unpack(packed)
				if err != nil {
					continue
				}
				if x := fhirpath.Of(m); x.Kind() == fhirpath.Node {
					step.typ = x.Type()
					w.resource(c.to(step, e.Name, e.Shape == plan.PackedList), x.Type(), x.Struct())
				}
			default:
				x := e.At(v, i)
				if ext, ok := x.Addr().Interface().(*dpb.Extension); ok && plan.IsInternal(ext) {
					continue
				}
				w.walk(c.to(step, e.Name, e.List), e.Type(), x)
			}
		}
	}
}

// resource walks a resource that stands in another.
func (w *flatWriter) resource(c *flatColumn, t *plan.Type, v reflect.Value) {
	w.row = append(w.row, flatCell{c.to(flatStep{element: -1}, "resourceType", false), t.Name})
	w.walk(c, t, v)
}

// flatGatherer keeps the rows of each type in a file until the columns are known.
type flatGatherer struct {
	book  book
	temp  string
	types map[string]*flatTable
}

type flatTable struct {
	rows    *spool
	columns []flatHead
	byPath  map[string]int
	known   map[*flatColumn]int // what workers call them
}

type flatHead struct {
	path, order string
	kind        csvtab.Kind
}

func (g *flatGatherer) Put(p convert.Part) error {
	t := g.types[p.Type]
	if t == nil {
		rows, err := newSpool(g.temp)
		if err != nil {
			return err
		}
		t = &flatTable{rows: rows, byPath: map[string]int{}, known: map[*flatColumn]int{}}
		g.types[p.Type] = t
	}
	row := p.Table.([]flatCell)
	t.rows.begin(len(row))
	for _, cell := range row {
		t.rows.cell(t.column(cell.column), cell.text)
	}
	return t.rows.err
}

// column is the number of a column, in the order in which they were seen.
func (t *flatTable) column(c *flatColumn) int {
	n, ok := t.known[c]
	if ok {
		return n
	}
	if n, ok = t.byPath[c.path]; !ok {
		n = len(t.columns)
		t.columns = append(t.columns, flatHead{c.path, c.order, c.kind})
		t.byPath[c.path] = n
	}
	t.known[c] = n
	return n
}

// Close writes the tables, by name.
func (g *flatGatherer) Close() error {
	var failed error
	for _, name := range slices.Sorted(maps.Keys(g.types)) {
		t := g.types[name]
		if failed == nil {
			failed = t.write(g.book, name)
		}
		t.rows.close()
	}
	if failed != nil {
		return failed
	}
	return g.book.close()
}

func (t *flatTable) write(b book, name string) error {
	order := make([]int, len(t.columns))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(strings.Compare(t.columns[i].order, t.columns[j].order), strings.Compare(t.columns[i].path, t.columns[j].path))
	})
	at := make([]int, len(order))
	var fields []csvtab.Field
	for i, n := range order {
		at[n] = i
		fields = append(fields, csvtab.Field{Name: t.columns[n].path, Kind: t.columns[n].kind})
	}
	rows, err := b.table(name, fields)
	if err != nil {
		return err
	}
	cells := make([]string, len(fields))
	return t.rows.each(func(row []spooled) error {
		clear(cells)
		for _, c := range row {
			cells[at[c.column]] = c.text
		}
		return rows.Row(cells)
	})
}
