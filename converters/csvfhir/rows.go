package csvfhir

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Format is what the tree must know of the rows of a record.
var Format = &tree.Format{Name: "csv", Place: place}

// place is where a cell stands: row 14, column DOB, with the file before it where the source has several.
func place(d *tree.Doc, n tree.Node) string {
	if n <= tree.Root {
		return ""
	}
	src, _ := d.Source.(*source)
	row := rowOf(d, n)
	at := "row " + strconv.Itoa(d.Ordinal(row))
	column := d.Name(n)
	if src != nil {
		x := src.rows[d.Ordinal(row)-1]
		at = "row " + strconv.Itoa(x.number)
		if x.of.label != "" {
			at = x.of.label + ", " + at
		}
		if i := d.Offset(n); i > 0 {
			column = x.of.table.Columns[i-1].Name
		}
	}
	if n == row {
		return at
	}
	if d.Ordinal(n) > 1 { // one of the values of a cell
		column += "[" + strconv.Itoa(d.Ordinal(n)) + "]"
	}
	return at + ", column " + column
}

// opened is a table that is being read.
type opened struct {
	*Match
	table *csvtab.Table
	label string // in places, where the source has several tables
	file  string // in findings
	m     *mapping.Map
	index int
	order []int // the columns in the order of their names, for what identifies a row

	record int   // the column that says to which record a row belongs, -1 if there is none
	key    []int // those of the key; nil if not all are there
	split  map[int]string
	refs   []refColumn

	concepts concepts // for which the concept ids of the rows stand; nil if nobody said
}

type refColumn struct {
	column int
	*Ref
}

// row is a row of a table, in memory of its own.
type row struct {
	of     *opened
	number int // as a spreadsheet counts
	line   int
	nth    int // how many rows before it are the same
	cells  []csvtab.Cell
	raw    string
	shared uint64 // it goes into every record that leads to it, and is called so; 0: it is of one record
}

// source is what leaf types know of a document: the Source of its tree.
type source struct{ rows []*row }

// columnOf is the table and column of the leaf that is being read.
func columnOf(c *mapping.Context) (*csvtab.Table, int) { return columnAt(c, c.Leaf()) }

// columnAt is the table and column of a leaf.
func columnAt(c *mapping.Context, leaf tree.Node) (*csvtab.Table, int) {
	src, _ := c.Doc.Source.(*source)
	if src == nil || leaf == 0 {
		return nil, 0
	}
	i := c.Doc.Offset(leaf)
	if i == 0 {
		return nil, 0
	}
	return src.rows[c.Doc.Ordinal(rowOf(c.Doc, leaf))-1].of.table, i - 1
}

// fill makes the tree of a record.
func fill(d *tree.Doc, rows []*row) {
	d.Reset()
	d.Source = &source{rows}
	for i, x := range rows {
		n := d.Add(tree.Root, x.of.Table.Name, "")
		d.SetOrdinal(n, i+1)
		for j := range x.cells {
			if !x.cells[j].Blank() {
				x.add(d, n, j)
			}
		}
	}
	d.Line = rows[0].line
}

// add adds a cell.
func (x *row) add(d *tree.Doc, n tree.Node, i int) {
	text := x.cells[i].Text
	if x.cells[i].Is&csvtab.IsError != 0 {
		k := d.Add(n, "#", text) // no row has a column of this name
		d.SetOffset(k, i+1)
		d.Mark(k, tree.Declined, "an error of the spreadsheet stands where the value was")
		return
	}
	if x.cells[i].Is&csvtab.IsDamaged != 0 {
		k := d.Add(n, "#", text)
		d.SetOffset(k, i+1)
		d.Mark(k, tree.Invalid, "a spreadsheet has rounded the identifier; the digits that are missing cannot be had again")
		return
	}
	sep := x.of.split[i]
	if sep == "" || !strings.Contains(text, sep) {
		d.SetOffset(d.Add(n, x.of.Names[i], text), i+1)
		return
	}
	nth := 0
	for part := range strings.SplitSeq(text, sep) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		nth++
		k := d.Add(n, x.of.Names[i], part)
		d.SetOrdinal(k, nth)
		d.SetOffset(k, i+1)
	}
}

// settle corrects the account of cells that hold several values. Where one of them is not carried, those behind it come back a place further to the
// front: they are folded.
func settle(d *tree.Doc) {
	for n := d.First(tree.Root); n != 0; n = d.Next(n) {
		lost, of := false, 0
		for k := d.First(n); k != 0; k = d.Next(k) {
			if d.Offset(k) != of || d.Ordinal(k) < 2 {
				lost, of = false, d.Offset(k)
			}
			switch s := d.State(k); {
			case s == tree.Carried && lost:
				d.LowerLeaf(k, tree.Folded, "a value before it in the cell is left out: it comes back in that one's place")
			case s != tree.Carried && s != tree.Folded:
				lost = true
			}
		}
	}
}

// key is what a cell says that identifies something; empty if it says nothing, or what a spreadsheet has left of it: two numbers that it has
// rounded to 1.23E+15 are not one.
func (x *row) key(column int) string {
	if x.cells[column].Is&(csvtab.IsError|csvtab.IsDamaged) != 0 {
		return ""
	}
	return strings.TrimSpace(x.cells[column].Text)
}

// differs are the columns, as the file of x calls them, in which two rows say different things of the elements of a resource; where they have no
// such column in common, the elements.
func (x *row) differs(y *row, typ string, elements []string) (list []string) {
	text := func(r *row, column string) string {
		if i := slices.Index(r.of.Names, column); i >= 0 {
			return strings.TrimSpace(r.cells[i].Text)
		}
		return ""
	}
	for _, e := range elements {
		n := len(list)
		for _, c := range x.of.Table.fills[typ+"."+e] {
			if a, b := text(x, c), text(y, c); a != "" && b != "" && a != b {
				if name := x.of.table.Columns[slices.Index(x.of.Names, c)].Name; !slices.Contains(list, name) {
					list = append(list, name)
				}
			}
		}
		if len(list) == n {
			list = append(list, e)
		}
	}
	return list
}

// keyed is what identifies a row: its key, else all that it says, whatever the order of its columns; of rows that are the same, how many were
// before it.
func (x *row) keyed() string {
	s := ""
	if x.of.key != nil {
		values := make([]string, len(x.of.key))
		for i, k := range x.of.key {
			values[i] = x.key(k)
		}
		if strings.Join(values, "") != "" {
			s = x.of.Table.keyText(values)
		}
	}
	if s == "" {
		h := sha256.New()
		h.Write([]byte(x.of.Table.Name))
		var room [64]byte
		for _, i := range x.of.order {
			if x.cells[i].Blank() {
				continue
			}
			h.Write(append(strconv.AppendInt(append(room[:0], 0), int64(len(x.of.Names[i])), 10), ':'))
			h.Write([]byte(x.of.Names[i]))
			h.Write(append(strconv.AppendInt(room[:0], int64(len(x.cells[i].Text)), 10), ':'))
			h.Write([]byte(x.cells[i].Text))
		}
		s = hex.EncodeToString(h.Sum(room[:0])[:16])
	}
	if x.nth > 0 {
		s += "#" + strconv.Itoa(x.nth)
	}
	return s
}

// idOf is the id of a resource of a type that a row makes, if its key says so.
func (x *row) idOf(typ string) string {
	switch {
	case len(x.of.key) > 1: // no one column is an identifier of the row
		return fhir.ID(typ, "record", x.keyed(), "0")
	case len(x.of.key) == 0 || x.nth > 0 || typ != x.of.Table.main:
		return ""
	}
	key := x.key(x.of.key[0])
	if key == "" {
		return ""
	}
	return x.of.Table.keyID(typ, key)
}

// leads are the keys of other tables that a row names.
func (x *row) leads(f func(r *refColumn, key string)) {
	for i := range x.of.refs {
		r := &x.of.refs[i]
		if key := x.key(r.column); key != "" {
			f(r, key)
		}
	}
}

// newOpened makes ready what a match says of a table's columns.
func newOpened(match *Match, table *csvtab.Table) *opened {
	x := &opened{Match: match, table: table, file: table.Source, record: -1, split: map[int]string{}}
	at := func(column string) int { return slices.Index(x.Names, column) }
	for i := range x.Names {
		x.order = append(x.order, i)
	}
	slices.SortFunc(x.order, func(a, b int) int { return strings.Compare(x.Names[a], x.Names[b]) })
	t := match.Table
	if t.Record != "" {
		x.record = at(t.Record)
	}
	for _, k := range t.Key {
		i := at(k)
		if i < 0 {
			x.key = nil
			break
		}
		x.key = append(x.key, i)
	}
	for column, sep := range t.Split {
		if i := at(column); i >= 0 {
			x.split[i] = sep
		}
	}
	for i, name := range x.Names {
		if r := t.Refs[name]; r != nil {
			x.refs = append(x.refs, refColumn{i, r})
		}
	}
	return x
}
