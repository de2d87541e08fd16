package csvfhir

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/suggest"
)

// Findings of mappings of tables.
const (
	NoMapping     diag.ID = "CP-CSV-050"
	UnknownColumn diag.ID = "CP-CSV-051"
	RefusedColumn diag.ID = "CP-CSV-052"
	LeadsOut      diag.ID = "CP-CSV-053"
	LeadsNowhere  diag.ID = "CP-CSV-054"
	Nothing       diag.ID = "CP-CSV-055"
	SameKey       diag.ID = "CP-CSV-056"
	Disagree      diag.ID = "CP-CSV-057"
	NoStatus      diag.ID = "CP-CSV-063"
)

// record is the Data of a Raw: rows, or those of a store.
type record struct {
	rows  []*row
	store *grouped
	first int32 // of the rows in the store
}

// reading reads the tables of a source.
type reading struct {
	set   *Set
	o     *convert.Options
	yield func(*convert.Raw, error) bool
	index int
	ended bool

	tables       []*opened
	vocabularies []*convert.File // tables of concepts
	files        []*csvtab.File
	seen         map[*Table]*seen    // rows by what identifies them
	times        map[uint64]int      // how often one was seen again
	again        map[*opened]int     // keys that stand in several rows
	leads        map[*opened][]*seen // by ref column, the keys that it names
}

func (s *Set) readFiles(files []*convert.File, o *convert.Options) iter.Seq2[*convert.Raw, error] {
	return func(yield func(*convert.Raw, error) bool) {
		r := &reading{set: s, o: o, yield: yield, seen: map[*Table]*seen{}, times: map[uint64]int{}, again: map[*opened]int{}, leads: map[*opened][]*seen{}}
		err := r.read(files)
		for _, f := range r.files {
			f.Close()
		}
		if err != nil && !r.ended {
			yield(nil, err)
		}
	}
}

// give hands a record or findings on; false ends the reading.
func (r *reading) give(raw *convert.Raw) bool {
	if !r.ended && !r.yield(raw, nil) {
		r.ended = true
	}
	return !r.ended
}

func (r *reading) find(finds ...*diag.Finding) bool {
	return len(finds) == 0 || r.give(&convert.Raw{Findings: finds})
}

// refused is the Data of a Raw that is a whole table.
type refused struct{ table *csvtab.Table }

// refuse hands a whole file on as a record that is rejected; t may be nil.
func (r *reading) refuse(file *convert.File, t *csvtab.Table, f *diag.Finding) bool {
	r.index++
	return r.give(&convert.Raw{Index: r.index, Reject: f, Data: refused{t}, Stream: func() io.Reader { return &lateReader{open: file.Open} }})
}

// lateReader opens what it reads when it is first asked.
type lateReader struct {
	open func() (io.ReadCloser, error)
	r    io.ReadCloser
}

func (l *lateReader) Read(p []byte) (int, error) {
	if l.r == nil {
		var err error
		if l.r, err = l.open(); err != nil {
			return 0, err
		}
	}
	n, err := l.r.Read(p)
	if err != nil {
		l.r.Close()
	}
	return n, err
}

func (r *reading) read(files []*convert.File) error {
	for _, f := range files {
		if err := r.open(f, len(files) > 1); err != nil {
			return err
		}
		if r.ended {
			return nil
		}
	}
	// In the order of the head, whatever the files are called.
	place := func(x *opened) int { return slices.Index(x.Table.of.Tables, x.Table) }
	slices.SortStableFunc(r.tables, func(a, b *opened) int { return cmp.Compare(place(a), place(b)) })
	for i, x := range r.tables {
		x.index = i
	}
	if len(r.vocabularies) > 0 {
		if err := r.concepts(); err != nil || r.ended {
			return err
		}
	}
	group := false
	for _, x := range r.tables {
		group = group || x.record >= 0 && (!r.o.Apart() || x.Table.makes)
	}
	var err error
	if group {
		err = r.groups()
	} else {
		err = r.single()
	}
	if err != nil || r.ended {
		return err
	}
	r.find(r.ends()...)
	return nil
}

// open opens a file as tables: as the mappings say, where they are asked, of the kind of file that it seems to be. blind is that kind where the
// file's name alone tells.
func (s *Set) open(f *convert.File, run *convert.Options, ask bool) (tabs *csvtab.File, blind *Table, err error) {
	o := csvtab.Options{Encoding: run.Charset, Dates: csvtab.Order(run.Dates), MaxRow: run.MaxRecord, Sheets: run.Sheets}
	if ask {
		if blind = s.Blind(f.Name); blind != nil {
			blind.options(&o, run)
		} else if head, ok := sniffed(f); ok {
			if x := s.Find(path.Base(f.Name), anySheet, head); x != nil {
				x.Table.options(&o, run)
			}
		}
		for _, m := range s.Mappings {
			for _, t := range m.Tables {
				if t.Sheet != "" {
					o.Hidden = append(o.Hidden, t.Sheet)
				}
			}
		}
	}
	tabs, err = csvtab.Open(f.Path, csvtab.Source(f.Open), o)
	return tabs, blind, err
}

// open opens a file and finds out what its tables are.
func (r *reading) open(f *convert.File, several bool) error {
	switch name := r.set.vocabularyFile(f); name {
	case "":
	case vocabularyTables[0].name:
		r.vocabularies = append(r.vocabularies, f)
		return nil
	default:
		r.find(needless(name, f.Path))
		return nil
	}
	tabs, blind, err := r.set.open(f, r.o, true)
	if blind != nil {
		blind.of.used.Store(true)
	}
	var bad *diag.Finding
	if errors.As(err, &bad) {
		r.refuse(f, nil, bad)
		return nil
	} else if err != nil {
		return err
	}
	r.files = append(r.files, tabs)
	finds := slices.Clone(tabs.Findings)
	for _, t := range tabs.Tables {
		var x *Match
		if blind != nil {
			x = blind.blindMatch(t)
		} else {
			if x, err = r.set.FindIn(path.Base(f.Name), t); err != nil {
				return err
			}
		}
		open := questions(t) // those that no row asks matter to nobody
		var question *diag.Finding
		if x != nil {
			question = r.question(x, t)
		}
		finds = append(finds, slices.DeleteFunc(slices.Clone(t.Findings), func(f *diag.Finding) bool { return open[f] })...)
		if x == nil {
			what := NoMapping.Entry().What
			if t.Sheet != "" && len(tabs.Tables) > 1 {
				what = "no mapping knows the columns of this sheet; --sheet names those that are to be read"
			}
			if t.Count == 0 && !slices.ContainsFunc(t.Columns, func(c csvtab.Column) bool { return strings.TrimSpace(c.Written) != "" }) {
				finds = slices.DeleteFunc(finds, func(f *diag.Finding) bool { return f.ID == csvtab.NoRows })
				r.refuse(f, t, diag.New(convert.Empty, diag.Place{Source: f.Path, Path: sheetOf(t)}, ""))
				continue
			}
			r.refuse(f, t, diag.New(NoMapping, diag.Place{Source: f.Path, Path: sheetOf(t)}, "%s", what))
			continue
		}
		x.Table.of.used.Store(true)
		if question != nil {
			r.refuse(f, t, question)
			continue
		}
		if list := x.unmappedOf(t); len(list) > 0 {
			what := strings.Join(columnNames(x, t, list), ", ")
			switch r.unmapped(x) {
			case "refuse":
				r.refuse(f, t, diag.New(RefusedColumn, diag.Place{Source: f.Path, Path: sheetOf(t)}, "%s: no row knows %s", RefusedColumn.Entry().What, what))
				continue
			case "keep":
			default:
				finds = append(finds, unknownColumns(x, t, f.Path, what))
			}
		}
		o := newOpened(x, t)
		if several {
			o.label = f.Name
		}
		if t.Sheet != "" && len(tabs.Tables) > 1 {
			o.label = strings.TrimPrefix(o.label+", sheet "+t.Sheet, ", ")
		}
		if o.m, err = x.Table.of.compiled(mapping.Source{Format: "csv", Headers: t.Header()}, r.unmapped(x) == "keep"); err != nil {
			return err
		}
		r.tables = append(r.tables, o)
	}
	r.find(finds...)
	return nil
}

// unmappedOf are the columns that no row knows and in which something stands.
func (x *Match) unmappedOf(t *csvtab.Table) []string {
	return slices.DeleteFunc(x.Unmapped(), func(name string) bool { return t.Columns[slices.Index(x.Names, name)].Filled == 0 })
}

func unknownColumns(x *Match, t *csvtab.Table, source, names string) *diag.Finding {
	return diag.New(UnknownColumn, diag.Place{Source: source, Path: sheetOf(t)}, "the table is read as %s of %s; %s: %s",
		x.Table.Name, x.Table.of.label(), UnknownColumn.Entry().What, names)
}

func sheetOf(t *csvtab.Table) string {
	if t.Sheet == "" {
		return ""
	}
	return "sheet " + t.Sheet
}

// columnNames are names of columns as the file has them.
func columnNames(x *Match, t *csvtab.Table, canonical []string) (list []string) {
	for _, name := range canonical {
		list = append(list, t.Columns[slices.Index(x.Names, name)].Name)
	}
	return list
}

// unmapped is what becomes of columns that no row knows.
func (r *reading) unmapped(x *Match) string {
	return cmp.Or(r.o.Unmapped, x.Table.of.File.Head.Options.Unmapped, "report")
}

// questions are the findings of a table that ask how the dates of a column are to be read.
func questions(t *csvtab.Table) map[*diag.Finding]bool {
	asked := map[*diag.Finding]bool{}
	for i := range t.Columns {
		if d := t.Columns[i].Dates; d != nil && d.Question != nil {
			asked[d.Question] = true
		}
	}
	return asked
}

// question is what must be answered before the file can be read: in which order the dates of a column are that a row wants as dates.
func (r *reading) question(x *Match, t *csvtab.Table) *diag.Finding {
	for i := range t.Columns {
		if !x.Table.dated[x.Names[i]] {
			continue
		}
		order := cmp.Or(x.Table.Dates[x.Names[i]], r.o.Dates, x.Table.of.File.Head.Options.Dates)
		if d := t.AsDates(i, csvtab.Order(order)); d.Question != nil {
			return d.Question
		}
	}
	return nil
}

// options are what the head says of how a file is read; what the command line says comes first.
func (t *Table) options(o *csvtab.Options, run *convert.Options) {
	head := t.of.File.Head.Options
	o.Encoding = cmp.Or(run.Charset, head.Encoding)
	o.Dates = csvtab.Order(cmp.Or(run.Dates, head.Dates))
	switch t.Comma {
	case "":
	case "tab":
		o.Comma = '\t'
	default:
		o.Comma = t.Comma[0]
	}
	if t.Header == "none" {
		o.Header = csvtab.HeaderNone
	}
	widths, _ := t.Widths()
	for _, w := range widths {
		o.Fixed = append(o.Fixed, csvtab.Span{Name: w.Name, Start: w.Start + 1, Len: w.Len})
	}
}

// blindMatch gives the columns of a file without a header the names that the head has for them.
func (t *Table) blindMatch(tab *csvtab.Table) *Match {
	x := &Match{Table: t}
	for i := range tab.Columns {
		name := tab.Columns[i].Name
		if len(t.Fixed) == 0 && i < len(t.Order) {
			name = t.Order[i]
			tab.Columns[i].Name = name
		}
		x.Names = append(x.Names, name)
		if t.known[name] {
			x.Known++
		}
	}
	return x
}

// sniffed is the header of a text, as its first bytes show it.
func sniffed(f *convert.File) ([]string, bool) {
	r, err := f.Open()
	if err != nil {
		return nil, false
	}
	defer r.Close()
	head := make([]byte, convert.SniffLen)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, false
	}
	return headerOf(head[:n])
}

// headerOf is the header of a text, by its first bytes.
func headerOf(head []byte) ([]string, bool) {
	if len(head) == convert.SniffLen { // whole lines only
		head = head[:bytes.LastIndexByte(head, '\n')+1]
	}
	f, err := csvtab.Open("", csvtab.Bytes(head), csvtab.Options{})
	if err != nil || len(f.Tables) == 0 {
		return nil, false
	}
	defer f.Close()
	return f.Tables[0].Header(), true
}

// rows reads the rows of a table, with what tells those apart that are the same.
func (r *reading) rows(x *opened) iter.Seq2[*row, *diag.Finding] {
	return func(yield func(*row, *diag.Finding) bool) {
		known := r.seen[x.Table]
		if known == nil {
			known = &seen{}
			r.seen[x.Table] = known
		}
		leads := r.leads[x]
		if leads == nil {
			for range x.refs {
				leads = append(leads, &seen{})
			}
			r.leads[x] = leads
		}
		for tr, err := range x.table.Rows() {
			if err != nil {
				r.yieldError(err)
				return
			}
			y := &row{of: x, number: tr.Number, line: tr.Line, cells: slices.Clone(tr.Cells), raw: tr.Raw}
			if tr.Fault != nil {
				if !yield(y, tr.Fault) {
					return
				}
				continue
			}
			h := y.hash()
			if known.add(h) {
				r.times[h]++
				y.nth = r.times[h]
				if x.key != nil {
					r.again[x]++
				}
			}
			i := 0
			y.leads(func(ref *refColumn, key string) {
				for x.refs[i].column != ref.column {
					i++
				}
				leads[i].add(hash(key))
			})
			if !yield(y, nil) {
				return
			}
		}
	}
}

func (r *reading) yieldError(err error) {
	if !r.ended {
		r.yield(nil, err)
		r.ended = true
	}
}

// hash is 64 bits of what identifies a row.
func (x *row) hash() uint64 {
	if x.of.key != nil {
		if len(x.of.key) == 1 {
			if key := x.key(x.of.key[0]); key != "" {
				return hash(key)
			}
		} else {
			values := make([]string, len(x.of.key))
			for i, k := range x.of.key {
				values[i] = x.key(k)
			}
			if strings.Join(values, "") != "" {
				return hash(values...)
			}
		}
	}
	h := uint64(0)
	for i := range x.cells {
		if !x.cells[i].Blank() {
			h += hash(x.of.Names[i], x.cells[i].Text)
		}
	}
	return h
}

// single gives each row as a record.
func (r *reading) single() error {
	for _, x := range r.tables {
		for y, fault := range r.rows(x) {
			r.index++
			raw := &convert.Raw{Index: r.index, Bytes: func() []byte { return y.text() }, Size: len(y.raw), Data: &record{rows: []*row{y}}, Reject: fault}
			if !r.give(raw) {
				return nil
			}
		}
		if r.ended {
			return nil
		}
	}
	return nil
}

// text is a row with the names of its columns above it: what a person can open.
func (x *row) text() []byte {
	var b bytes.Buffer
	names := make([]string, len(x.of.table.Columns))
	for i := range names {
		names[i] = x.of.table.Columns[i].Name
	}
	if x.of.table.Dialect.Comma != 0 {
		fields := make([]csvtab.Field, len(names))
		for i, name := range names {
			fields[i].Name = name
		}
		w := csvtab.NewWriter(&b, fields, csvtab.Writing{Comma: x.of.table.Dialect.Comma, Raw: true})
		if w.Close() != nil {
			return nil
		}
	}
	b.WriteString(x.raw)
	b.WriteByte('\n')
	return b.Bytes()
}

// ends are the findings about the whole: keys that stand twice, and references that lead nowhere.
func (r *reading) ends() (finds []*diag.Finding) {
	for _, x := range r.tables {
		if n := r.again[x]; n > 0 {
			finds = append(finds, diag.New(SameKey, diag.Place{Source: x.file}, "%s (%s, x%d)", SameKey.Entry().What, strings.Join(x.Table.Key, ", "), n))
		}
		for i, ref := range x.refs {
			made := r.seen[ref.To]
			lost := 0
			for _, h := range r.leads[x][i].slots {
				if h != 0 && (made == nil || !made.has(h)) {
					lost++
				}
			}
			if lost == 0 {
				continue
			}
			at := diag.Place{Source: x.file, Path: "column " + x.table.Columns[ref.column].Name}
			if made == nil {
				finds = append(finds, diag.New(LeadsOut, at, "%s (%s, x%d)", LeadsOut.Entry().What, ref.To.Name, lost))
			} else {
				finds = append(finds, diag.New(LeadsNowhere, at, "%s (%s, x%d)", LeadsNowhere.Entry().What, ref.To.Name, lost))
			}
		}
	}
	return finds
}

// --- records of several rows ---

// grouped is the rows of a source by record, and those that go into every record which leads to them.
type grouped struct {
	*store
	shared map[uint64]int32
}

type group struct {
	of    *Mapping
	first int32
	last  int32
	size  int
}

// groups gives the rows of one record together. Rows of files without a record column, in a mapping where others have one, go into each record
// that leads to them; those to which none leads are records of their own.
func (r *reading) groups() error {
	g := &grouped{store: &store{tables: r.tables, dir: r.o.TempDir}, shared: map[uint64]int32{}}
	var list []*group
	byKey := map[string]*group{}
	led := map[uint64]bool{}
	joins := map[*Mapping]bool{}
	for _, x := range r.tables {
		joins[x.Table.of] = joins[x.Table.of] || x.record >= 0
	}
	type waiting struct {
		at   int32
		hash uint64
		grp  *group
	}
	var shared []waiting
	for _, x := range r.tables {
		for y, fault := range r.rows(x) {
			if fault != nil {
				r.index++
				if !r.give(&convert.Raw{Index: r.index, Bytes: func() []byte { return y.text() }, Size: len(y.raw), Reject: fault}) {
					return nil
				}
				continue
			}
			i, err := g.put(y)
			if err != nil {
				return err
			}
			y.leads(func(ref *refColumn, key string) {
				if ref.To.Record == "" {
					led[hash(ref.To.Name, key)] = true
				}
			})
			own := func() *group {
				return &group{of: x.Table.of, first: i, last: i, size: len(y.raw)}
			}
			switch key := x.recordKey(y); {
			case key != "":
				key = x.Table.of.Name + "\x00" + key
				if have := byKey[key]; have != nil {
					g.next[have.last-1] = i
					have.last = i
					have.size += len(y.raw)
				} else {
					have = own()
					byKey[strings.Clone(key)] = have
					list = append(list, have)
				}
			case x.record < 0 && x.Table.Record == "" && joins[x.Table.of] && len(x.key) == 1:
				h := hash(x.Table.Name, y.key(x.key[0]))
				if _, ok := g.shared[h]; ok {
					list = append(list, own()) // another with the same key
					break
				}
				g.shared[h] = i
				shared = append(shared, waiting{i, h, own()})
			default:
				list = append(list, own())
			}
		}
		if r.ended {
			return nil
		}
	}
	for _, w := range shared {
		if !led[w.hash] {
			list = append(list, w.grp)
		}
	}
	if err := g.ready(); err != nil {
		return err
	}
	defer func() {
		if r.ended {
			g.close()
		}
	}()
	for i, x := range list {
		r.index++
		first := x.first
		raw := &convert.Raw{Index: r.index, Bytes: func() []byte { return g.text(first) }, Size: x.size, Data: &record{store: g, first: first}}
		if i == len(list)-1 {
			raw.Done = g.close
		}
		if !r.give(raw) {
			return nil
		}
	}
	return nil
}

// recordKey says to which record a row belongs; empty if it does not say.
func (x *opened) recordKey(y *row) string {
	if x.record < 0 {
		return ""
	}
	return y.key(x.record)
}

// text is the rows of a record as they stand in their files.
func (g *grouped) text(first int32) []byte {
	var b []byte
	var of *opened
	for i := first; i != 0; i = g.next[i-1] {
		y, err := g.get(i)
		if err != nil {
			return b
		}
		if text := y.text(); of != y.of {
			b = append(b, text...)
		} else {
			b = append(append(b, y.raw...), '\n')
		}
		of = y.of
	}
	return b
}

// load reads the rows of a record, with the shared ones to which they lead.
func (rec *record) load() ([]*row, error) {
	if rec.store == nil {
		return rec.rows, nil
	}
	g := rec.store
	var rows []*row
	for i := rec.first; i != 0; i = g.next[i-1] {
		y, err := g.get(i)
		if err != nil {
			return nil, err
		}
		rows = append(rows, y)
	}
	have := map[int32]bool{rec.first: true}
	for n := 0; n < len(rows); n++ {
		var failed error
		rows[n].leads(func(ref *refColumn, key string) {
			i, ok := g.shared[hash(ref.To.Name, key)]
			if !ok || have[i] || failed != nil {
				return
			}
			have[i] = true
			y, err := g.get(i)
			if failed = err; err == nil {
				y.shared = uint64(i)
				rows = append(rows, y)
			}
		})
		if failed != nil {
			return nil, failed
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int { return cmp.Compare(a.of.index, b.of.index) })
	return rows, nil
}

// join is what a file is a part of: the mapping that knows it, if that has several kinds of file or joins rows.
func (s *Set) join(name string, head []byte) string {
	var t *Table
	if t = s.Blind(name); t == nil {
		columns, ok := headerOf(head)
		if !ok {
			return ""
		}
		x := s.Find(path.Base(name), anySheet, columns)
		if i := slices.IndexFunc(columns, suggest.OfPatients); x == nil && i >= 0 { // which may turn out to hold names
			columns = slices.Clone(columns)
			columns[i] = "full_name"
			x = s.Find(path.Base(name), anySheet, columns)
		}
		if x == nil {
			if m := s.vocabularyOf(); m != nil && vocabularyTable(columns) != "" {
				return s.joined(m)
			}
			return ""
		}
		t = x.Table
	}
	if len(t.of.Tables) == 1 && t.Record == "" {
		return ""
	}
	return s.joined(t.of)
}

// joined is what the files of a mapping are a part of.
func (s *Set) joined(m *Mapping) string {
	return fmt.Sprintf("%d %s", slices.Index(s.Mappings, m), m.Name)
}
