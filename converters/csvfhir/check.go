package csvfhir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/suggest"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file checks tables against the mapping that reads them, or against the columns of a view: first whether the columns are there, then what
// the rows hold, then which rows are there twice. What is wrong is said in the table's own words, by row and column.

// Findings of the check.
const (
	MissingColumns  diag.ID = "CP-CSV-080"
	OptionalColumns diag.ID = "CP-CSV-081"
	BadCell         diag.ID = "CP-CSV-082"
	BadCode         diag.ID = "CP-CSV-083"
	OddCell         diag.ID = "CP-CSV-084"
	BlankCell       diag.ID = "CP-CSV-085"
	SameRow         diag.ID = "CP-CSV-086"
	SameKeyOther    diag.ID = "CP-CSV-087"
	BadType         diag.ID = "CP-CSV-088"
)

// A Layout is the columns of a view, for tables that should look like what it makes.
type Layout struct {
	Name    string
	Columns []LayoutColumn
}

// LayoutColumn is a column of a view.
type LayoutColumn struct {
	Name string
	Type string // FHIR's; empty: any
	Many bool   // a cell may hold several values
}

// CheckOptions say how tables are checked. The zero value is ready.
type CheckOptions struct {
	Run     *convert.Options // encoding, dates, zone
	Layouts []Layout         // check against these, not against mappings
	// Lists opens the lists of rows: good, bad, duplicate. nil: none are written.
	Lists func(table, list string) (io.Writer, error)
}

// Checked counts what was checked.
type Checked struct{ Tables, Rows, Good, Bad, Same int }

// Check checks the tables of a file. What it finds goes to report in the order of the file. An error is one of reading or writing.
func (s *Set) Check(f *convert.File, o CheckOptions, report func(*diag.Finding)) (Checked, error) {
	var sum Checked
	if name := s.vocabularyFile(f); name != "" && len(o.Layouts) == 0 {
		report(needless(name, f.Path))
		return sum, nil
	}
	tabs, blind, err := s.open(f, o.Run, len(o.Layouts) == 0)
	var bad *diag.Finding
	if errors.As(err, &bad) {
		report(bad)
		return sum, nil
	} else if err != nil {
		return sum, err
	}
	defer tabs.Close()
	for _, x := range tabs.Findings {
		report(x)
	}
	for _, t := range tabs.Tables {
		sum.Tables++
		asked := questions(t) // they matter only where a row wants dates
		c := &checker{o: &o, t: t, at: diag.Place{Source: f.Path, Path: sheetOf(t)}, report: report}
		ok := false
		switch {
		case len(o.Layouts) > 0:
			ok = c.layout(f.Name)
		case blind != nil:
			ok = c.mapping(blind.blindMatch(t))
		default:
			x, err := s.FindIn(path.Base(f.Name), t)
			if err != nil {
				return sum, err
			}
			if x == nil {
				c.nearest(s)
			} else {
				ok = c.mapping(x)
			}
		}
		for _, x := range t.Findings {
			if !asked[x] && (x.ID != csvtab.NoDate || c.x == nil) { // with a mapping each such cell is named
				report(x)
			}
		}
		if !ok {
			continue
		}
		name := f.Name
		if t.Sheet != "" && len(tabs.Tables) > 1 {
			name = strings.TrimSuffix(name, path.Ext(name)) + "-" + t.Sheet + path.Ext(name)
		}
		if err := c.rows(name); err != nil {
			return sum, err
		}
		sum.Rows += c.n
		sum.Good += c.good
		sum.Bad += c.bad
		sum.Same += c.same
	}
	return sum, nil
}

// checker checks one table.
type checker struct {
	o      *CheckOptions
	t      *csvtab.Table
	at     diag.Place
	report func(*diag.Finding)

	x      *opened // nil with a layout
	doc    *tree.Doc
	cells  []cellCheck
	needs  [][]int // of each of these columns one must be filled
	unique []int   // the columns that no two rows share

	n, good, bad, same int
}

// cellCheck says what is wrong with a cell that is not blank.
type cellCheck struct {
	column int
	check  func(text string) (diag.ID, string)
}

// nearest says which columns are missing for the kind of table that this one is most like.
func (c *checker) nearest(s *Set) {
	var best *Table
	known := 1 // one column in common says nothing
	for _, m := range s.Mappings {
		if best != nil && m.BuiltIn && !best.of.BuiltIn {
			break
		}
		for _, t := range m.Tables {
			if t.blind() {
				continue
			}
			n := 0
			for _, name := range t.canonical(c.t.Header()) {
				if t.known[name] {
					n++
				}
			}
			if n > known || n == known && best == nil && !m.BuiltIn {
				best, known = t, n
			}
		}
	}
	if best == nil {
		c.report(diag.New(NoMapping, c.at, ""))
		return
	}
	names := best.canonical(c.t.Header())
	var missing []string
	for _, want := range best.Headers {
		if !slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return slices.Contains(names, best.names[normal(w)]) }) {
			missing = append(missing, strings.ReplaceAll(want, "|", " or "))
		}
	}
	if len(missing) == 0 { // a column that must not be there, or the file's name
		c.report(diag.New(NoMapping, c.at, ""))
		return
	}
	c.report(diag.New(MissingColumns, c.at, "as %s of the mapping %s the table lacks %s", best.Name, best.of.label(), strings.Join(missing, ", ")))
}

// mapping makes ready to check against a mapping.
func (c *checker) mapping(x *Match) bool {
	t := x.Table
	if list := x.unmappedOf(c.t); len(list) > 0 {
		c.report(unknownColumns(x, c.t, c.at.Source, strings.Join(columnNames(x, c.t, list), ", ")))
	}
	if !t.of.BuiltIn { // a mapping of one's own was written for this table; the built-in ones know far more names than any table has
		var absent []string
		for _, name := range t.Columns {
			if !slices.Contains(x.Names, name) {
				absent = append(absent, name)
			}
		}
		if len(absent) > 0 {
			c.report(diag.New(OptionalColumns, c.at, "%s: %s", OptionalColumns.Entry().What, strings.Join(absent, ", ")))
		}
	}
	if q := (&reading{o: c.o.Run}).question(x, c.t); q != nil {
		c.report(q)
		return false
	}
	c.x = newOpened(x, c.t)
	var err error
	if c.x.m, err = t.of.compiled(mapping.Source{Format: "csv", Headers: c.t.Header()}, false); err != nil {
		c.report(diag.New(NoMapping, c.at, "the mapping %s has faults: chartpost map check says which", t.of.label()))
		return false
	}
	c.doc = tree.New(Format, 64)
	for _, want := range t.Headers {
		var list []int
		for w := range strings.SplitSeq(want, "|") {
			if i := slices.Index(x.Names, t.names[normal(w)]); i >= 0 {
				list = append(list, i)
			}
		}
		// Longer lists of alternatives tell tables apart; a single row may well have none of them.
		if len(list) > 0 && strings.Count(want, "|") < 3 {
			c.needs = append(c.needs, list)
		}
	}
	unique := t.Unique
	if len(unique) == 0 {
		unique = t.Key
	}
	for _, k := range unique {
		i := slices.Index(x.Names, k)
		if i < 0 {
			c.unique = nil
			break
		}
		c.unique = append(c.unique, i)
	}
	systems := t.of.systems()
	kinds, err := suggest.ContentsOf(t.of.File, t.Name)
	if err != nil {
		return true // what does not parse was said above
	}
	for _, k := range kinds {
		i := slices.Index(x.Names, k.Column)
		if i < 0 {
			continue
		}
		if uri := systems[k.System]; uri != "" {
			if how, _ := terminology.Check(uri, "0"); how != terminology.NotChecked {
				c.cells = append(c.cells, cellCheck{i, func(text string) (diag.ID, string) {
					_, problem := terminology.Check(uri, strings.TrimSpace(text))
					return BadCode, problem
				}})
				continue
			}
		}
		if k.Content != nil && !k.Content.Loose && k.Content.Name != "dates" {
			c.cells = append(c.cells, cellCheck{i, func(text string) (diag.ID, string) {
				if k.Content.Is(strings.TrimSpace(text)) {
					return "", ""
				}
				return OddCell, "it does not look like " + k.Content.One
			}})
		}
	}
	return true
}

// systems are the URIs of the names of systems in a mapping.
func (m *Mapping) systems() map[string]string {
	uris := map[string]string{}
	all, _ := files()
	for _, f := range append(slices.Clone(all), m.File) {
		if f.Head != nil && f != m.File {
			continue
		}
		for _, x := range f.Items {
			if s, ok := x.(*mapping.System); ok {
				uris[s.Name] = s.URI
			}
		}
	}
	return uris
}

// layout makes ready to check against the view that is called like the file, or whose columns the table has most of.
func (c *checker) layout(file string) bool {
	header := c.t.Header()
	at := func(name string) int {
		if i := slices.Index(header, name); i >= 0 {
			return i
		}
		return slices.IndexFunc(header, func(h string) bool { return normal(h) == normal(name) })
	}
	base := strings.TrimSuffix(path.Base(file), path.Ext(file))
	var best *Layout
	most := 0
	for i := range c.o.Layouts {
		l := &c.o.Layouts[i]
		n := 0
		for _, col := range l.Columns {
			if at(col.Name) >= 0 {
				n++
			}
		}
		n *= 2
		if strings.EqualFold(l.Name, base) || strings.EqualFold(l.Name, c.t.Sheet) {
			n++
		}
		if n > most {
			best, most = l, n
		}
	}
	if best == nil {
		c.report(diag.New(NoMapping, c.at, "no view has a column of this table"))
		return false
	}
	var missing []string
	known := map[int]bool{}
	for _, col := range best.Columns {
		i := at(col.Name)
		if i < 0 {
			missing = append(missing, col.Name)
			continue
		}
		known[i] = true
		if is := typeCheck(c.t, i, col.Type); is != nil && !col.Many {
			words := "it is no " + col.Type
			c.cells = append(c.cells, cellCheck{i, func(text string) (diag.ID, string) {
				if is(strings.TrimSpace(text)) {
					return "", ""
				}
				return BadType, words
			}})
		}
	}
	if len(missing) > 0 {
		c.report(diag.New(MissingColumns, c.at, "as %s the table lacks %s", best.Name, strings.Join(missing, ", ")))
	}
	var more []string
	for i, h := range header {
		if !known[i] {
			more = append(more, h)
		}
	}
	if len(more) > 0 {
		c.report(diag.New(UnknownColumn, c.at, "columns that the view %s has not: %s", best.Name, strings.Join(more, ", ")))
	}
	return true
}

// typeCheck says whether a text is a value of a type of FHIR; nil if any text is.
func typeCheck(t *csvtab.Table, column int, typ string) func(string) bool {
	date := func(timed bool) func(string) bool {
		return func(s string) bool {
			d, ok := t.Date(column, s, false)
			return ok && (!timed || d.HasTime())
		}
	}
	switch typ {
	case "date", "dateTime":
		return date(false)
	case "instant":
		return date(true)
	case "integer", "integer64":
		return func(s string) bool { return whole(s) != "" }
	case "positiveInt", "unsignedInt":
		return func(s string) bool { return whole(s) != "" && s[0] != '-' }
	case "decimal":
		return func(s string) bool { return numeral(s) != "" }
	case "boolean":
		return func(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }
	case "id":
		return func(s string) bool {
			return len(s) <= 64 && strings.Trim(s, "-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
		}
	case "uri", "url", "canonical", "oid", "uuid":
		return func(s string) bool { return !strings.ContainsAny(s, " \t\r\n") }
	}
	return nil
}

// marks are rows by their position.
type marks []uint64

func (m *marks) set(i int) {
	for i/64 >= len(*m) {
		*m = append(*m, 0)
	}
	(*m)[i/64] |= 1 << (i % 64)
}

func (m marks) has(i int) bool { return i/64 < len(m) && m[i/64]&(1<<(i%64)) != 0 }

// maxAgain is how many rows that are there again are told the number of the first.
const maxAgain = 1 << 20

// rows checks the rows, and writes the lists of the good, the bad, and those that are there twice.
func (c *checker) rows(name string) error {
	var rows, keys seen
	var bad, same marks
	again := map[uint64]int{} // by what identifies a row that is there again: the first one's number
	i := 0
	for r, err := range c.t.Rows() {
		if err != nil {
			return err
		}
		wrong := c.row(r)
		if r.Fault == nil {
			h := c.hash(r)
			k, keyed := c.keyHash(r)
			double := rows.add(h)
			if keyed && keys.add(k) && !double {
				double, h = true, k
			}
			if double && len(again) < maxAgain {
				again[h] = 0
			}
			if double && !wrong {
				same.set(i)
				c.same++
			} else if !wrong {
				c.good++
			}
		}
		if wrong {
			bad.set(i)
			c.bad++
		}
		i++
	}
	c.n = i
	if len(again) == 0 && c.o.Lists == nil {
		return nil
	}
	return c.second(name, bad, same, again)
}

// second reads the rows again: only now it is known which are there twice.
func (c *checker) second(name string, bad, same marks, again map[uint64]int) error {
	out := &lists{c: c, name: name}
	i := 0
	for r, err := range c.t.Rows() {
		if err != nil {
			return err
		}
		switch {
		case bad.has(i):
			err = out.write("bad", r, c.why(r), "reason")
		case same.has(i):
			id, first := SameRow, again[c.hash(r)]
			if first == 0 {
				k, _ := c.keyHash(r)
				if n, ok := again[k]; ok {
					id, first = SameKeyOther, n
				}
			}
			at, reason, what := c.t.Place(r, -1), "the same as another row", id.Entry().What
			if id == SameKeyOther {
				reason = "the key of another row"
				what = fmt.Sprintf("%s (%s)", what, strings.Join(c.uniqueNames(), ", "))
			}
			if first > 0 {
				at.Path += ", as row " + strconv.Itoa(first)
				reason = strings.Replace(reason, "another row", "row "+strconv.Itoa(first), 1)
			}
			c.report(diag.New(id, at, "%s", what))
			err = out.write("duplicate", r, reason, "reason")
		default:
			err = out.write("good", r, "", "")
		}
		if err != nil {
			return err
		}
		if r.Fault == nil {
			c.first(again, c.hash(r), r.Number)
			if k, ok := c.keyHash(r); ok {
				c.first(again, k, r.Number)
			}
		}
		i++
	}
	return nil
}

// first takes note of the first row that says what others say again.
func (c *checker) first(again map[uint64]int, h uint64, number int) {
	if n, ok := again[h]; ok && n == 0 {
		again[h] = number
	}
}

func (c *checker) uniqueNames() []string {
	var names []string
	for _, u := range c.unique {
		names = append(names, c.t.Columns[u].Name)
	}
	return names
}

// hash is 64 bits of all that a row says.
func (c *checker) hash(r *csvtab.Row) uint64 {
	h := uint64(1)
	for i := range r.Cells {
		if !r.Cells[i].Blank() {
			h += hash(strconv.Itoa(i), strings.TrimSpace(r.Cells[i].Text))
		}
	}
	return h
}

// keyHash is 64 bits of the columns that no two rows share, if they are filled.
func (c *checker) keyHash(r *csvtab.Row) (uint64, bool) {
	if len(c.unique) == 0 {
		return 0, false
	}
	parts := []string{"key"}
	for _, i := range c.unique {
		if r.Cells[i].Blank() {
			return 0, false
		}
		parts = append(parts, strings.TrimSpace(r.Cells[i].Text))
	}
	return hash(parts...), true
}

// row checks a row and reports what is wrong. It says whether a receiver would refuse it.
func (c *checker) row(r *csvtab.Row) bool {
	bad := false
	for _, f := range c.finds(r) {
		bad = bad || f.Severity() == diag.Reject
		c.report(f)
	}
	return bad
}

// why is what is wrong with a bad row, in words.
func (c *checker) why(r *csvtab.Row) string {
	var words []string
	for _, f := range c.finds(r) {
		if f.Severity() == diag.Reject {
			words = append(words, f.Message())
		}
	}
	return strings.Join(words, "; ")
}

// finds are the findings of a row.
func (c *checker) finds(r *csvtab.Row) (finds []*diag.Finding) {
	if r.Fault != nil {
		return []*diag.Finding{r.Fault}
	}
	add := func(id diag.ID, column int, why, value string) {
		finds = append(finds, diag.New(id, c.t.Place(r, column), "column %s: %s", c.t.Columns[column].Name, why).WithValue(value))
	}
	for _, list := range c.needs {
		if !slices.ContainsFunc(list, func(i int) bool { return i < len(r.Cells) && !r.Cells[i].Blank() }) {
			var names []string
			for _, i := range list {
				names = append(names, c.t.Columns[i].Name)
			}
			finds = append(finds, diag.New(BlankCell, c.t.Place(r, list[0]), "column %s is blank", strings.Join(names, " and ")))
		}
	}
	if c.x != nil {
		y := &row{of: c.x, number: r.Number, line: r.Line, cells: r.Cells}
		fill(c.doc, []*row{y})
		rec, err := c.x.m.ToFHIR(ScopeName, "Bundle", c.doc, mapping.ReadOptions{Zone: c.o.Run.Zone, Relative: true, NoBundle: true, Key: "row"})
		if err != nil {
			return append(finds, diag.New(convert.Fault, c.t.Place(r, -1), ""))
		}
		if f := addCells(rec, c.doc, []*row{y}); f != nil {
			f.Place.Source = c.at.Source
			finds = append(finds, f)
		}
		c.doc.Leaves(func(n tree.Node, state tree.State, why string) {
			if i := c.doc.Offset(n); state == tree.Invalid && i > 0 {
				add(BadCell, i-1, why, c.doc.Text(n))
			}
		})
		if len(rec.Resources) == 0 && len(finds) == 0 && c.doc.Tally().Declined == 0 {
			finds = append(finds, diag.New(Nothing, c.t.Place(r, -1), ""))
		}
	}
	for _, k := range c.cells {
		if k.column >= len(r.Cells) || r.Cells[k.column].Blank() || r.Cells[k.column].Is&csvtab.IsError != 0 {
			continue
		}
		if id, why := k.check(r.Cells[k.column].Text); why != "" {
			add(id, k.column, why, r.Cells[k.column].Text)
		}
	}
	return finds
}

// lists are the files of rows that are written.
type lists struct {
	c    *checker
	name string
	open map[string]io.Writer
}

// write writes a row to a list, as it stands in the source; before it its number and the reason, if it has one.
func (l *lists) write(list string, r *csvtab.Row, reason, column string) error {
	if l.c.o.Lists == nil {
		return nil
	}
	comma := l.c.t.Dialect.Comma
	fixed := comma == 0 && l.c.t.Sheet == ""
	if comma == 0 {
		comma = ','
	}
	w := l.open[list]
	if w == nil {
		var err error
		if w, err = l.c.o.Lists(l.name, list); err != nil {
			return err
		}
		if l.open == nil {
			l.open = map[string]io.Writer{}
		}
		l.open[list] = w
		if !fixed {
			names := l.c.t.Header()
			if reason != "" {
				names = append([]string{"row", column}, names...)
			}
			if _, err := w.Write(joined(comma, slices.Values(names))); err != nil {
				return err
			}
		}
	}
	var b []byte
	switch {
	case reason == "":
	case fixed: // the reason stands behind, where no column is
		_, err := w.Write([]byte(r.Raw + " # row " + strconv.Itoa(r.Number) + ": " + reason + "\n"))
		return err
	default:
		b = bytes.TrimSuffix(joined(comma, slices.Values([]string{strconv.Itoa(r.Number), reason})), []byte("\n"))
		b = append(b, comma)
	}
	b = append(append(b, r.Raw...), '\n')
	_, err := w.Write(b)
	return err
}

// joined is a line of cells.
func joined(comma byte, cells iter.Seq[string]) []byte {
	var b bytes.Buffer
	first := true
	for s := range cells {
		if !first {
			b.WriteByte(comma)
		}
		first = false
		if strings.ContainsAny(s, "\"\r\n") || strings.IndexByte(s, comma) >= 0 {
			s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		b.WriteString(s)
	}
	b.WriteByte('\n')
	return b.Bytes()
}
