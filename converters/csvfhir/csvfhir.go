// Package csvfhir holds the mappings between tables (delimited text and workbooks) and FHIR R4: .map files whose heads say which files
// their tables read (docs/rows.md, "The head of a CSV mapping").
//
// A record is a tree of rows: below the root a node for each row, named like the table that reads it, and below that its cells, named like
// the columns. Usually a record is one row. Ids come from key columns, so a row can refer to what another row makes without having seen it.
package csvfhir

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/suggest"
	"github.com/chartpost/chartpost/pkg/tree"
)

//go:embed *.map
var tables embed.FS

// files are the built-in files. Those without a head are common to all mappings.
var files = mapping.Embedded(tables)

// ScopeName is the table that says which resources the rows of a record make. A mapping that has none gets one by its head.
const ScopeName = "csv"

// A Mapping reads and writes the files of one CSV mapping.
type Mapping struct {
	Name    string // of its file, without .map
	File    *mapping.File
	Tables  []*Table // in the order of the head
	BuiltIn bool

	asks    bool        // its rows ask the vocabularies of OMOP
	used    atomic.Bool // something was read or written with it
	library *mapping.Library
	keeping *mapping.Library // the same with rows that keep what no other row knows; see keepRows
	types   mapping.Types
	format  *tree.Format

	mu   sync.Mutex
	maps map[*mapping.Set]*mapping.Map
}

// A Table is one kind of file of a mapping.
type Table struct {
	*mapping.TableFile
	Name    string
	Types   []string // what its rows make; Bundle if it is a scope
	Columns []string // that its rows name, in their order
	Refs    map[string]*Ref
	fills   map[string][]string // by element, as Patient.birthDate: the columns that go there

	of     *Mapping
	names  map[string]string // canonical names by what columns are called, normalised
	rank   map[string]int    // where such a name stands in the list of a column's other names, from 1
	known  map[string]bool
	dated  map[string]bool // columns that rows read as dates of the file's own form
	makes  bool            // its rows make more resources than their own
	main   string          // the type of resource that a row is first of all
	once   sync.Once
	idents map[string]string // by type: the system of the identifier that is the key
}

// A Ref is a column whose values are keys of another table.
type Ref struct {
	To   *Table
	Type string
}

// normal is a column's name without regard to case, blanks and punctuation, but for the sign of numbers. A name of nothing else stays as it is.
func normal(name string) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, strings.ReplaceAll(name, "#", "number"))
	if s == "" {
		return name
	}
	return s
}

// written is what the text of a mapping says, by the names of its tables.
type written struct {
	rows  map[string][]*mapping.Row
	types map[string][]string
	laid  map[string]*mapping.Row // the rows of overlays, by their column
}

// newMapping makes a mapping of a file with a head, over the common files; overlays are those of the run that are no mappings themselves.
func newMapping(f *mapping.File, common, overlays []*mapping.File) (*Mapping, error) {
	m := &Mapping{Name: strings.TrimSuffix(path.Base(f.Name), ".map"), File: f, maps: map[*mapping.Set]*mapping.Map{}}
	w := &written{rows: map[string][]*mapping.Row{}, types: map[string][]string{}, laid: map[string]*mapping.Row{}}
	heads, names := f.Head.Files, f.Head.Names
	for _, x := range f.Items {
		t, ok := x.(*mapping.Table)
		if !ok {
			continue
		}
		if len(heads) == 0 { // the form for one kind of file: its columns stand in matches, and its table is the first
			heads, names = map[string]*mapping.TableFile{t.Name: {Headers: f.Head.Matches.Headers}}, []string{t.Name}
		}
		if err := w.table(t); err != nil {
			return nil, err
		}
	}
	for _, rows := range w.rows {
		m.asks = m.asks || slices.ContainsFunc(rows, func(r *mapping.Row) bool { return r.Type == "VOCABULARY" })
	}
	for _, o := range overlays { // what they add to the tables is known too
		if err := w.overlay(o); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		t, err := m.newTable(name, heads[name], w.types[name])
		if err != nil {
			return nil, err
		}
		m.Tables = append(m.Tables, t)
	}
	for _, t := range m.Tables {
		if err := t.nameColumns(w); err != nil {
			return nil, err
		}
	}
	for _, t := range m.Tables {
		t.main = t.mainType(w.rows)
	}
	byName := map[string]*Table{}
	for _, t := range m.Tables {
		byName[t.Name] = t
	}
	m.types = maps.Clone(Types)
	m.types["ref"] = m.refType(byName)
	if err := m.refer(w, byName); err != nil {
		return nil, err
	}
	builtin := append(slices.Clone(common), f)
	if scope := m.scope(w.types); scope != nil {
		builtin = append(builtin, scope)
	}
	m.library = mapping.NewLibrary(builtin, overlays)
	m.keeping = mapping.NewLibrary(append(slices.Clip(builtin), m.keepRows()), overlays)
	m.format = Format
	return m, nil
}

// table takes the rows and the types of a table of the mapping's own file.
func (w *written) table(t *mapping.Table) error {
	list, err := t.AllRows()
	if err != nil {
		return err
	}
	w.rows[t.Name] = append(w.rows[t.Name], list...)
	for _, typ := range t.Types {
		if !slices.Contains(w.types[t.Name], typ) {
			w.types[t.Name] = append(w.types[t.Name], typ)
		}
	}
	return nil
}

// overlay takes the rows that an overlay adds.
func (w *written) overlay(o *mapping.File) error {
	for _, x := range o.Items {
		switch x := x.(type) {
		case *mapping.Table:
			list, err := x.AllRows()
			if err != nil {
				return err
			}
			w.rows[x.Name] = append(w.rows[x.Name], list...)
			for _, r := range list {
				w.laid[mapping.ColumnName(r.Place)] = r
			}
		case *mapping.Change:
			if x.Row != nil {
				w.rows[x.Table] = append(w.rows[x.Table], x.Row)
				w.laid[mapping.ColumnName(x.Row.Place)] = x.Row
			}
		}
	}
	return nil
}

// headFault is what is wrong with the head of a mapping.
func headFault(pos mapping.Pos, hint, format string, args ...any) *mapping.Fault {
	return &mapping.Fault{ID: mapping.MapHead, Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// newTable is a kind of file by what the head says of it; its rows make types.
func (m *Mapping) newTable(name string, head *mapping.TableFile, types []string) (*Table, error) {
	pos := m.File.Head.Pos
	t := &Table{
		TableFile: head, Name: name, Types: types, of: m, names: map[string]string{}, rank: map[string]int{}, known: map[string]bool{},
		dated: map[string]bool{}, Refs: map[string]*Ref{}, fills: map[string][]string{},
	}
	if len(t.Types) == 0 {
		return nil, mapping.Faults{headFault(pos, "write one: table "+name+" -> Patient", "there is no table %s for the files of that name", name)}
	}
	if slices.Contains(t.Types, "Bundle") {
		t.Types = []string{"Bundle"}
	}
	widths, _ := t.Widths() // those that are none are faults of the head
	for i, w := range widths {
		for _, x := range widths[:i] {
			if w.Start < x.Start+x.Len && x.Start < w.Start+w.Len {
				return nil, mapping.Faults{headFault(pos, "each has places of its own: mend one of them", "%s: %s and %s share characters",
					name, x.Name, w.Name)}
			}
		}
	}
	return t, nil
}

// nameColumns enters the columns that the rows and the head name, and the other names that they have.
func (t *Table) nameColumns(w *written) error {
	t.collect(w.rows, w.types, t.Name, map[string]bool{})
	for _, f := range t.Fixed {
		t.column(strings.TrimSpace(f[:strings.LastIndexByte(f, ' ')]))
	}
	for _, want := range t.Headers {
		for c := range strings.SplitSeq(want, "|") {
			t.column(c)
		}
	}
	for _, c := range slices.Concat(t.Order, t.Key, t.Unique, slices.Sorted(maps.Keys(t.TableFile.Columns)), slices.Sorted(maps.Keys(t.Split)),
		[]string{t.Record, t.Resource}) {
		t.column(c) // which passes over an empty name
	}
	for _, c := range slices.Sorted(maps.Keys(t.TableFile.Columns)) {
		for i, alias := range t.TableFile.Columns[c] {
			if _, ok := t.rank[normal(alias)]; !ok {
				t.rank[normal(alias)] = i + 1
			}
			if have, ok := t.names[normal(alias)]; ok && have != c {
				if r := w.laid[have]; r != nil {
					return mapping.Faults{headFault(r.Pos, "write "+c+": rows have the one name of a column",
						"%s is another name of the column %s of %s", have, c, t.Name)}
				}
				return mapping.Faults{headFault(t.of.File.Head.Pos, "a column is one thing: take the name out of one of the lists",
					"%s: %s is a name of %s and of %s", t.Name, alias, have, c)}
			}
			t.names[normal(alias)] = c
		}
	}
	return nil
}

// refer finds what the rows with ref(TABLE) refer to.
func (m *Mapping) refer(w *written, byName map[string]*Table) error {
	var faults mapping.Faults
	for _, t := range m.Tables {
		for _, r := range t.refRows(w.rows, t.Name, map[string]bool{}) {
			name, typ, _ := strings.Cut(r.Arg, "/")
			to := byName[name]
			if to == nil {
				var names []string
				for _, t := range m.Tables {
					names = append(names, t.Name)
				}
				faults = append(faults, headFault(r.Pos, "they are "+strings.Join(names, ", "), "ref(%s): the head knows no files %s", r.Arg, name))
				continue
			}
			if len(to.Key) != 1 {
				faults = append(faults, headFault(r.Pos, "say in the head which column identifies its rows: key: Id",
					"ref(%s): %s has no key of one column", r.Arg, name))
				continue
			}
			if typ == "" {
				typ = to.main
			}
			t.Refs[mapping.ColumnName(r.Place)] = &Ref{to, typ}
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// mainType is the type of resource that a table's row is first of all.
func (t *Table) mainType(rows map[string][]*mapping.Row) string {
	if t.Types[0] != "Bundle" {
		return t.Types[0]
	}
	for _, r := range rows[t.Name] {
		if r.Kind == mapping.MapRow && r.Target != "." {
			end := strings.IndexAny(r.Target, ".[ ")
			if end < 0 {
				end = len(r.Target)
			}
			return r.Target[:end]
		}
	}
	return ""
}

// scope is the table csv -> Bundle, where the mapping has none.
func (m *Mapping) scope(types map[string][]string) *mapping.File {
	if slices.Contains(types[ScopeName], "Bundle") {
		return nil
	}
	pos := m.File.Head.Pos
	t := &mapping.Table{Pos: pos, Name: ScopeName, Types: []string{"Bundle"}}
	list := slices.Clone(m.Tables)
	// Going back, a person who has a row of his own is written there before the rows that name him.
	slices.SortStableFunc(list, func(a, b *Table) int {
		switch {
		case a.makes == b.makes:
			return 0
		case b.makes:
			return -1
		}
		return 1
	})
	for _, x := range list {
		for _, typ := range x.Types {
			if typ == "Bundle" {
				typ = "."
			}
			t.Rows = append(t.Rows, &mapping.Row{Pos: pos, Kind: mapping.MapRow, Place: x.Name, Type: x.Name, Each: true, Target: typ})
		}
	}
	for _, r := range t.Rows {
		t.Lines = append(t.Lines, lineOf(r))
	}
	return &mapping.File{Name: m.File.Name, Items: []mapping.Item{t}}
}

// keepRows is, for each table of rows, the row that keeps what no other row has taken, where that was asked for, and writes it back. It stands behind
// all others.
func (m *Mapping) keepRows() *mapping.File {
	pos := m.File.Head.Pos
	f := &mapping.File{Name: m.File.Name}
	for _, x := range m.Tables {
		target := "extension"
		if x.Types[0] == "Bundle" {
			if x.main == "" {
				continue
			}
			target = x.main + ".extension"
		}
		r := &mapping.Row{Pos: pos, Kind: mapping.MapRow, Place: "*", Type: "COLUMN", Each: true, Target: target}
		f.Items = append(f.Items, &mapping.Table{Pos: pos, Name: x.Name, Types: x.Types, Rows: []*mapping.Row{r}, Lines: []mapping.Item{lineOf(r)}})
	}
	return f
}

func lineOf(r *mapping.Row) mapping.Item { return r }

// column enters a column that rows or the head name.
func (t *Table) column(name string) {
	name = mapping.ColumnName(name)
	if name == "" || name == "." || strings.HasSuffix(name, "*") || t.known[name] {
		return
	}
	t.known[name] = true
	t.Columns = append(t.Columns, name)
	if _, ok := t.names[normal(name)]; !ok {
		t.names[normal(name)] = name
	}
}

// collect enters the columns of a table's rows and of the tables that read parts of the same row.
func (t *Table) collect(rows map[string][]*mapping.Row, types map[string][]string, table string, seen map[string]bool) {
	if seen[table] {
		return
	}
	seen[table] = true
	for _, r := range rows[table] {
		if r.Kind == mapping.DeclineTarget {
			continue
		}
		t.makes = t.makes || strings.Contains(r.Target, "->")
		if r.Place == "." {
			t.collect(rows, types, r.Type, seen)
			continue
		}
		t.column(r.Place)
		if end := strings.IndexAny(r.Target+".", ".[("); r.Kind == mapping.MapRow {
			for _, typ := range types[table] {
				at := typ + "." + r.Target[:end]
				t.fills[at] = append(t.fills[at], mapping.ColumnName(r.Place))
			}
		}
		switch r.Type {
		case "DATE", "DATETIME", "INSTANT", "BIRTH", "PERIOD_END":
			t.dated[mapping.ColumnName(r.Place)] = true
		case "QUANTITY", "RESULT", "RANGE":
			t.column(r.Arg) // the column of units
		}
	}
	for _, r := range rows[table] { // what only tests name stands behind
		for _, test := range slices.Concat(r.With, r.If) {
			if x, err := Format.ParseTest(test); err == nil && len(x.Path) > 0 {
				t.column(x.Path[0].Name)
			}
		}
	}
	t.makes = t.makes || t.Types[0] == "Bundle"
}

// refRows are the rows of the type ref.
func (t *Table) refRows(rows map[string][]*mapping.Row, table string, seen map[string]bool) (list []*mapping.Row) {
	if seen[table] {
		return nil
	}
	seen[table] = true
	for _, r := range rows[table] {
		switch {
		case r.Type == "ref":
			list = append(list, r)
		case r.Place == ".":
			list = append(list, t.refRows(rows, r.Type, seen)...)
		}
	}
	return list
}

// compiled is the map of the mapping with the overlays that match a source.
func (m *Mapping) compiled(src mapping.Source, keep bool) (*mapping.Map, error) {
	library := m.library
	if keep {
		library = m.keeping
	}
	set, err := library.For(src)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	have := m.maps[set]
	if have == nil {
		have = mapping.New(m.format, m.types, set)
		m.maps[set] = have
	}
	return have, nil
}

// own is the map for what is made, not read.
func (m *Mapping) own() (*mapping.Map, error) {
	return m.compiled(mapping.Source{Format: "csv", Made: true}, true)
}

// Check compiles every table of the mapping.
func (m *Mapping) Check() error {
	x, err := m.own()
	if err != nil {
		return err
	}
	return x.Check()
}

// Rows are the tables of the mapping, with the overlays that go over it.
func (m *Mapping) Rows() (*mapping.Set, error) {
	return m.library.For(mapping.Source{Format: "csv", Made: true})
}

// Check compiles files over the built-in mappings, each for itself. One that is called like a built-in one is checked in its place.
func Check(given []*mapping.File) error {
	set, err := NewSet(given)
	if err != nil {
		return err
	}
	var faults mapping.Faults
	for _, m := range set.Mappings {
		if m.BuiltIn && len(set.overlays) == 0 && len(given) > 0 {
			continue
		}
		faults = append(faults, mapping.FaultsOf(m.Check())...)
	}
	if len(faults) == 0 {
		return nil
	}
	return faults
}

// A Set is the mappings of a run: those of --map before the built-in ones, the last first.
type Set struct {
	Mappings []*Mapping
	overlays []*mapping.File
}

// NewSet makes the mappings of a run. Of the files given, those whose format is csv and that have tables of their own are mappings; the
// others are overlays, over all mappings whose tables they name.
func NewSet(given []*mapping.File) (*Set, error) {
	all, err := files()
	if err != nil {
		return nil, err
	}
	s := &Set{}
	var common, mine, builtin []*mapping.File
	known := map[string]bool{}
	for _, f := range all {
		if f.Head == nil {
			common = append(common, f)
			for _, g := range given {
				if g.Head == nil && path.Base(g.Name) == f.Name {
					common[len(common)-1] = g
				}
			}
			continue
		}
		builtin = append(builtin, f)
		for _, x := range f.Items {
			if t, ok := x.(*mapping.Table); ok {
				known[t.Name] = true
			}
		}
	}
	for _, f := range given {
		switch {
		case f.Head != nil && f.Head.Matches.Format != "" && f.Head.Matches.Format != "csv", slices.Contains(common, f):
		case isMapping(f, known):
			mine = append(mine, f)
		default:
			s.overlays = append(s.overlays, f)
		}
	}
	for _, f := range slices.Backward(mine) {
		whole, over, err := onBase(f, builtin)
		if err != nil {
			return nil, err
		}
		m, err := newMapping(whole, common, over)
		if err != nil {
			return nil, err
		}
		s.Mappings = append(s.Mappings, m)
	}
	for _, f := range builtin {
		var over []*mapping.File
		for _, o := range s.overlays {
			if speaksOf(o, f) {
				over = append(over, o)
			}
		}
		m, err := newMapping(f, common, over)
		if err != nil {
			return nil, err
		}
		m.BuiltIn = true
		s.Mappings = append(s.Mappings, m)
	}
	return s, nil
}

// isMapping reports a file that is a mapping for itself: its head says which files it reads, or which columns a table has that no
// built-in mapping knows.
func isMapping(f *mapping.File, known map[string]bool) bool {
	if f.Head == nil || f.Head.Matches.Format != "csv" {
		return false
	}
	if len(f.Head.Files) > 0 || f.Head.Base != "" {
		return true
	}
	for _, x := range f.Items {
		if t, ok := x.(*mapping.Table); ok && !known[t.Name] {
			return true
		}
	}
	return false
}

// speaksOf reports an overlay that names a table or codes of a mapping.
func speaksOf(o, f *mapping.File) bool {
	names := map[string]bool{}
	for _, x := range f.Items {
		switch x := x.(type) {
		case *mapping.Table:
			names["t "+x.Name] = true
		case *mapping.Codes:
			names["c "+x.Name] = true
		}
	}
	for _, x := range o.Items {
		switch x := x.(type) {
		case *mapping.Table:
			if names["t "+x.Name] {
				return true
			}
		case *mapping.Change:
			if names["t "+x.Table] {
				return true
			}
		case *mapping.Codes:
			if names["c "+x.Name] {
				return true
			}
		}
	}
	return false
}

// Named finds a mapping by name, nil if there is none.
func (s *Set) Named(name string) *Mapping {
	for _, m := range s.Mappings {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Last is the mapping of a name, or without a name the last of those that were given; nil if there is none.
func (s *Set) Last(name string) *Mapping {
	if name != "" {
		return s.Named(name)
	}
	if len(s.Mappings) > 0 && !s.Mappings[0].BuiltIn {
		return s.Mappings[0]
	}
	return nil
}

// Used reports that a file of --map, by its name, has read or written something: as a mapping, or over one.
func (s *Set) Used(name string) bool {
	for _, m := range s.Mappings {
		if m.File.Name == name && m.used.Load() {
			return true
		}
	}
	return slices.ContainsFunc(s.Mappings, func(m *Mapping) bool { return m.used.Load() && m.library.Matched(name) })
}

// BuiltIn reports the name of a built-in mapping.
func BuiltIn(name string) bool {
	_, err := fs.Stat(tables, name+".map")
	return err == nil && name != "common"
}

// A Match is a kind of file that a table can be.
type Match struct {
	Table *Table
	Names []string // of the columns, as the rows have them; those that no row knows as the file has them
	Known int      // columns that rows know
}

// Find finds the kind of file that has these columns, and whose patterns fit the names of the file and, in a workbook, of the sheet: a mapping given
// before a built-in one, then that which knows most of the columns.
func (s *Set) Find(file, sheet string, columns []string) (best *Match) {
	for _, m := range s.Mappings {
		if best != nil && m.BuiltIn && !best.Table.of.BuiltIn {
			return best
		}
		for _, t := range m.Tables {
			if x := t.match(file, sheet, columns); x != nil && (best == nil || cmp.Or(cmp.Compare(x.Known, best.Known), cmp.Compare(len(t.Headers), len(best.Table.Headers))) > 0) {
				best = x
			}
		}
	}
	return best
}

// Called are the names that the rows of a mapping have for a column that people call so: DOB is birth_date.
func (m *Mapping) Called(column string) (names []string) {
	for _, t := range m.Tables {
		if name := t.canonical([]string{column})[0]; t.known[name] && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// FindIn is Find with a look at the cells where a name alone does not tell: a column called Patient may hold names or numbers, and one called Name,
// beside the first names, whole names or family names. Where the patient is a number, what is called Name is a patient's only if it holds names: in
// a list of visits it may be the hospital's.
func (s *Set) FindIn(file string, t *csvtab.Table) (*Match, error) {
	columns := t.Header()
	x := s.Find(file, t.Sheet, columns)
	if x != nil && x.Table.of.kind(x.Table.Name) == nil {
		return x, nil
	}
	said := slices.Clone(columns)
	changed, numbered := false, false
	for i, c := range columns {
		as := ""
		switch {
		case suggest.OfPatients(c):
			as = "full_name"
		case x == nil && (normal(c) == "nombre" || normal(c) == "nome"): // a first name only beside a last name
			as = "whole_name"
		case x != nil && x.Names[i] == "full_name" && (normal(c) == "name" || normal(c) == "nom") && slices.Contains(x.Names, "first_name") && !slices.Contains(x.Names, "last_name"):
			as = "last_name"
		default:
			continue
		}
		sample, err := sampleOf(t, i)
		if err != nil {
			return nil, err
		}
		names, none := suggest.HoldsNames(sample)
		switch {
		case as == "full_name" && names, as == "last_name" && none:
			said[i], changed = as, true
		case as == "whole_name" && names:
			said[i], changed = "full_name", true
		case as == "full_name" && none && (x == nil || !slices.Contains(x.Names, "mrn")):
			said[i], changed, numbered = "mrn", true, true
		}
	}
	if !changed {
		return x, nil
	}
	y := s.Find(file, t.Sheet, said)
	if y == nil || x != nil && y.Known < x.Known {
		y = x
	}
	if y != nil && numbered {
		if i := slices.Index(y.Names, "full_name"); i >= 0 && (normal(columns[i]) == "name" || normal(columns[i]) == "nom") {
			sample, err := sampleOf(t, i)
			if err != nil {
				return nil, err
			}
			if names, _ := suggest.HoldsNames(sample); !names {
				return nil, nil
			}
		}
	}
	return y, nil
}

// sampleOf is a column with its first values.
func sampleOf(t *csvtab.Table, column int) (*suggest.Column, error) {
	c := &suggest.Column{Name: t.Columns[column].Name}
	for r, err := range t.Rows() {
		if err != nil {
			return nil, err
		}
		if r.Fault == nil && !r.Cells[column].Blank() && r.Cells[column].Is&csvtab.IsError == 0 {
			c.Values = append(c.Values, strings.Clone(r.Cells[column].Text))
		}
		if len(c.Values) == 500 {
			break
		}
	}
	return c, nil
}

// anySheet stands for the name of a sheet where it does not matter.
const anySheet = "*"

// match holds a file against the head.
func (t *Table) match(file, sheet string, columns []string) *Match {
	if !t.fits(file) || t.Sheet != "" && sheet != anySheet && !csvtab.SheetIs(t.Sheet, sheet) {
		return nil
	}
	x := &Match{Table: t, Names: t.canonical(columns)}
	for _, want := range t.Headers {
		if !slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return slices.Contains(x.Names, t.names[normal(w)]) }) {
			return nil
		}
	}
	for _, c := range columns {
		for _, not := range t.Without {
			if normal(c) == normal(not) {
				return nil
			}
		}
	}
	if t.of.kind(t.Name) != nil && (x.ofOthers(columns) || x.ofAnything(file, sheet, columns)) {
		return nil
	}
	for _, name := range x.Names {
		if t.known[name] {
			x.Known++
		}
	}
	return x
}

// kind is a kind of list of the built-in office mapping, by which columns are known under more names than the head has; nil in other mappings.
func (m *Mapping) kind(name string) *suggest.Kind {
	if !m.BuiltIn || m.Name != officeName {
		return nil
	}
	x, err := office()
	i := slices.IndexFunc(x.kinds, func(k *suggest.Kind) bool { return k.Name == name })
	if err != nil || i < 0 {
		return nil
	}
	return x.kinds[i]
}

// fits holds a file's name against the pattern.
func (t *Table) fits(file string) bool {
	if t.File == "" {
		return true
	}
	ok, err := path.Match(strings.ToLower(t.File), strings.ToLower(path.Base(file)))
	return ok && err == nil
}

// canonical are the names that the rows have for columns. Of several columns of one name that has it which is written so, then the one whose name
// stands first in the list of other names, then the first. What offices keep in lists is known by more than the names in the head: by the same
// names with other words for the same, as map suggest knows them and is sure of.
func (t *Table) canonical(columns []string) []string {
	names := make([]string, len(columns))
	taken := map[string]bool{}
	for i, c := range columns {
		if name := t.names[normal(c)]; name == c && !taken[c] {
			names[i], taken[c] = c, true
		}
	}
	best := map[string]int{}
	for i, c := range columns {
		name, ok := t.names[normal(c)]
		if names[i] != "" || !ok || taken[name] {
			continue
		}
		if j, ok := best[name]; !ok || t.rank[normal(c)] < t.rank[normal(columns[j])] {
			best[name] = i
		}
	}
	for name, i := range best {
		names[i], taken[name] = name, true
	}
	if kind := t.of.kind(t.Name); kind != nil {
		var open []string
		var at []int
		for i, c := range columns {
			if names[i] == "" {
				open, at = append(open, c), append(at, i)
			}
		}
		for i, known := range suggest.ByNames(open, kind) {
			if known != nil && !taken[known.Name] {
				names[at[i]], taken[known.Name] = known.Name, true
			}
		}
	}
	for i, c := range columns {
		if names[i] == "" {
			names[i] = c
			for n := 2; taken[names[i]]; n++ { // a column that no row knows, called like one that a row knows
				names[i] = fmt.Sprintf("%s_%d", c, n)
			}
			taken[names[i]] = true
		}
	}
	return names
}

// blind reports a kind of file whose columns stand in the head alone.
func (t *Table) blind() bool { return len(t.Fixed) > 0 || t.Header == "none" }

// Blind finds a kind of file without a header by the file's name.
func (s *Set) Blind(file string) *Table {
	for _, m := range s.Mappings {
		for _, t := range m.Tables {
			if t.blind() && t.File != "" && t.fits(file) {
				return t
			}
		}
	}
	return nil
}

// Unmapped are the columns that no row knows.
func (x *Match) Unmapped() (list []string) {
	for _, name := range x.Names {
		if !x.Table.known[name] {
			list = append(list, name)
		}
	}
	return list
}
