package csvtab

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/chartpost/chartpost/pkg/diag"
)

// The reader of workbooks. A sheet is read row by row, twice like a text; the texts that sheets share are held in memory.

const (
	maxShared  = 256 << 20 // bytes of shared texts
	maxTexts   = 1 << 24   // shared texts
	maxMembers = 10000
	maxInPlace = 512 << 20 // bytes of a workbook that must be read into memory
	maxStyles  = 1 << 16
)

type book struct {
	name   string
	z      *zip.Reader
	o      *Options
	styles []format
	shared []string
}

type sheetRef struct {
	name, part string
	hidden     bool
}

// fault is a workbook that cannot be read.
func (b *book) fault(err error, where string) error {
	at := diag.Place{Source: b.name}
	if errors.Is(err, errBomb) {
		return diag.New(Bomb, at, "")
	}
	damage := err == nil || errors.As(err, new(flate.CorruptInputError))
	for _, e := range []error{errXML, io.EOF, io.ErrUnexpectedEOF, zip.ErrFormat, zip.ErrChecksum, zip.ErrAlgorithm} {
		damage = damage || errors.Is(err, e)
	}
	if damage {
		return diag.New(BadWorkbook, at, "the workbook is damaged: %s", where)
	}
	return err
}

func openWorkbook(name string, src Source, o *Options) (*File, error) {
	at := diag.Place{Source: name}
	r, err := src()
	if err != nil {
		return nil, err
	}
	f := &File{Name: name, Format: "xlsx", closer: r}
	ra, size, err := readerAt(r)
	if err == nil && ra == nil {
		err = diag.New(Bomb, at, "")
	}
	b := &book{name: name, o: o}
	if err == nil {
		if b.z, err = zip.NewReader(ra, size); err != nil {
			err = b.fault(err, "it is no whole archive")
		}
	}
	if err == nil {
		err = b.open(f)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return f, nil
}

// readerAt reads r in place if it can be, else into memory; nil if it is too large for that.
func readerAt(r io.Reader) (io.ReaderAt, int64, error) {
	if ra, ok := r.(io.ReaderAt); ok {
		if s, ok := r.(io.Seeker); ok {
			size, err := s.Seek(0, io.SeekEnd)
			if err == nil {
				return ra, size, nil
			}
		}
	}
	b, err := io.ReadAll(io.LimitReader(r, maxInPlace+1))
	if err != nil || len(b) > maxInPlace {
		return nil, 0, err
	}
	return bytes.NewReader(b), int64(len(b)), nil
}

func (b *book) member(name string) *zip.File {
	for _, m := range b.z.File {
		if strings.EqualFold(strings.TrimPrefix(strings.ReplaceAll(m.Name, `\`, "/"), "/"), name) {
			return m
		}
	}
	return nil
}

// read opens a member; it ends with errBomb after more bytes than allowed.
func (b *book) read(m *zip.File, most int64) (io.ReadCloser, error) {
	r, err := m.Open()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&limited{r, min(b.o.MaxUnpacked, most) + 1}, r}, nil
}

// scan runs f for every element that begins in a small part. A part that is not there has none.
func (b *book) scan(name string, f func(*xmlScanner) error) error {
	m := b.member(name)
	if m == nil {
		return nil
	}
	r, err := b.read(m, 64<<20)
	if err != nil {
		return b.fault(err, name)
	}
	defer r.Close()
	for x := newXMLScanner(r); ; {
		tok, err := x.next()
		if err == io.EOF {
			return nil
		}
		if err == nil && tok == xmlStart {
			err = f(x)
		}
		if err != nil {
			return b.fault(err, name)
		}
	}
}

type relation struct{ kind, target string }

// relations are what a part refers to, by id.
func (b *book) relations(part string) (map[string]relation, error) {
	rels := map[string]relation{}
	dir, file := path.Split(part)
	err := b.scan(dir+"_rels/"+file+".rels", func(x *xmlScanner) error {
		if x.is("Relationship") && len(rels) < maxMembers {
			target := x.attr("Target")
			if strings.HasPrefix(target, "/") {
				target = target[1:]
			} else {
				target = path.Join(dir, target)
			}
			kind := x.attr("Type")
			rels[x.attr("Id")] = relation{kind[strings.LastIndexByte(kind, '/')+1:], target}
		}
		return nil
	})
	return rels, err
}

func (b *book) open(f *File) error {
	at := diag.Place{Source: b.name}
	if len(b.z.File) > maxMembers {
		return diag.New(Bomb, at, "")
	}
	b.z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	part := "xl/workbook.xml"
	root, err := b.relations("")
	if err != nil {
		return err
	}
	for _, r := range root {
		if r.kind == "officeDocument" {
			part = r.target
		}
	}
	m := b.member(part)
	switch {
	case strings.HasSuffix(part, ".bin") || b.member("xl/workbook.bin") != nil:
		return diag.New(OtherWorkbook, at, "the file is a binary workbook of Excel (.xlsb)")
	case b.member("content.xml") != nil:
		return diag.New(OtherWorkbook, at, "the file is a spreadsheet of LibreOffice or OpenOffice (.ods)")
	case b.member("Index/Document.iwa") != nil:
		return diag.New(OtherWorkbook, at, "the file is a spreadsheet of Numbers")
	case b.member("word/document.xml") != nil || b.member("ppt/presentation.xml") != nil:
		return diag.New(ForPeople, at, "the file is a document or a presentation, not a record that programs read")
	case m == nil:
		return b.fault(nil, "it has no list of sheets")
	case m.Flags&1 != 0:
		return diag.New(LockedWorkbook, at, "")
	}
	rels, err := b.relations(part)
	if err != nil {
		return err
	}
	var sheets []sheetRef
	opts := *b.o
	b.o = &opts
	err = b.scan(part, func(x *xmlScanner) error {
		switch {
		case x.is("workbookPr"):
			v := x.attr("date1904")
			opts.from1904 = v == "1" || v == "true"
		case x.is("sheet") && len(sheets) < maxMembers:
			state := x.attr("state")
			if r := rels[x.attr("id")]; r.kind == "worksheet" {
				sheets = append(sheets, sheetRef{x.attr("name"), r.target, state == "hidden" || state == "veryHidden"})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range rels {
		switch r.kind {
		case "styles":
			err = b.readStyles(r.target)
		case "sharedStrings":
			err = b.readShared(r.target)
		}
		if err != nil {
			return err
		}
	}
	chosen, hidden, err := choose(sheets, b.o, at)
	if err != nil {
		return err
	}
	for _, s := range chosen {
		m := b.member(s.part)
		if m == nil {
			return b.fault(nil, "a sheet is missing")
		}
		t, err := b.table(s, m)
		if err != nil {
			return err
		}
		if t != nil {
			f.Tables = append(f.Tables, t)
		}
	}
	if len(hidden) > 0 {
		f.Findings = append(f.Findings, diag.New(HiddenSheet, at, "%s not read, since hidden: %s", count(len(hidden), "sheet"),
			strings.Join(hidden, ", ")))
	}
	if len(f.Tables) == 0 {
		f.Findings = append(f.Findings, diag.New(NoRows, at, "none of the sheets that are read has cells"))
	}
	return nil
}

// choose gives the sheets that are to be read, in the order of the workbook, and the names of those that are left out since they are hidden.
func choose(sheets []sheetRef, o *Options, at diag.Place) (chosen []sheetRef, hidden []string, err error) {
	var showing []int
	for i, s := range sheets {
		if !s.hidden {
			showing = append(showing, i)
		}
	}
	wanted := map[int]bool{}
	for _, want := range o.Sheets {
		i := slices.IndexFunc(sheets, func(s sheetRef) bool { return strings.EqualFold(trim(want), trim(s.name)) })
		if n := atoi(want); i < 0 && n > 0 && n <= len(showing) && strconv.Itoa(n) == want {
			i = showing[n-1]
		}
		if i < 0 {
			var names []string
			for _, s := range sheets {
				names = append(names, s.name)
			}
			return nil, nil, diag.New(NoSheet, at, "the workbook has no sheet %s; its sheets are %s", want, strings.Join(names, ", "))
		}
		wanted[i] = true
	}
	for i, s := range sheets {
		switch {
		case len(o.Sheets) > 0 && !wanted[i]:
		case len(o.Sheets) == 0 && s.hidden && !slices.ContainsFunc(o.Hidden, func(name string) bool { return SheetIs(name, s.name) }):
			hidden = append(hidden, s.name)
		default:
			chosen = append(chosen, s)
		}
	}
	return chosen, hidden, nil
}

// SheetIs reports whether a pattern, in which * stands for any text, is for the sheet of a name, without regard to case and outer blanks.
func SheetIs(pattern, name string) bool {
	ok, err := path.Match(strings.ToLower(trim(pattern)), strings.ToLower(trim(name)))
	return ok && err == nil || strings.EqualFold(trim(pattern), trim(name))
}

func (b *book) readStyles(part string) error {
	codes := map[int]string{}
	within := false
	var ids []int
	err := b.scan(part, func(x *xmlScanner) error {
		switch {
		case x.is("numFmt"):
			if len(codes) < maxStyles {
				codes[atoi(x.attr("numFmtId"))] = x.attr("formatCode")
			}
		case x.is("cellXfs"):
			within = true
		case x.is("xf") && within:
			if len(ids) < maxStyles {
				ids = append(ids, atoi(x.attr("numFmtId")))
			}
		case x.is("cellStyles") || x.is("dxfs") || x.is("cellStyleXfs"):
			within = false
		}
		return nil
	})
	for _, id := range ids {
		f := builtin(id)
		if code, ok := codes[id]; ok {
			f = parseFormat(code)
		}
		b.styles = append(b.styles, f)
	}
	return err
}

// readShared reads the table of shared texts: one string, of which they are pieces.
func (b *book) readShared(part string) error {
	m := b.member(part)
	if m == nil {
		return nil
	}
	// Texts that are shared stand there once, so they do not shrink as what repeats itself does: a hundredfold is made to fill the memory.
	r, err := b.read(m, min(maxShared, 32<<20+100*int64(min(m.CompressedSize64, maxShared))))
	if err != nil {
		return b.fault(err, part)
	}
	defer r.Close()
	x := newXMLScanner(r)
	var all []byte
	var ends []int
	begin, phonetic, within := 0, 0, false
	for {
		tok, err := x.next()
		if err == io.EOF {
			break
		} else if err != nil {
			return b.fault(err, part)
		}
		switch tok {
		case xmlStart:
			switch {
			case x.is("si"):
				begin = len(all)
			case x.is("rPh"):
				phonetic++
			case x.is("t"):
				within = phonetic == 0
			}
		case xmlEnd:
			switch {
			case x.is("si"):
				all = unescapeX(all, begin)
				if ends = append(ends, len(all)); len(ends) > maxTexts {
					return b.fault(errBomb, part)
				}
			case x.is("rPh"):
				phonetic--
			case x.is("t"):
				within = false
			}
		case xmlText:
			if within {
				all = x.appendText(all)
			}
		}
	}
	texts := strings.ToValidUTF8(string(all), "\uFFFD")
	if len(texts) != len(all) { // the ends would be wrong
		return b.fault(errXML, part)
	}
	b.shared = make([]string, len(ends))
	from := 0
	for i, end := range ends {
		b.shared[i], from = texts[from:end], end
	}
	return nil
}

// table reads a sheet once. A sheet without cells is no table.
func (b *book) table(s sheetRef, m *zip.File) (*Table, error) {
	t := &Table{Source: b.name, Sheet: s.name}
	t.open = func() (rowSource, error) {
		r, err := b.read(m, b.o.MaxUnpacked)
		if err != nil {
			return nil, b.fault(err, "sheet "+s.name)
		}
		return &sheetReader{b: b, sheet: s.name, x: newXMLScanner(r), closer: r}, nil
	}
	src, err := t.open()
	if err != nil {
		return nil, err
	}
	rows, err := headOf(src, 200)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	width, _, _ := mode(rows)
	for _, r := range rows {
		width = max(width, len(r.cells)) // a sheet's rows end with their last cell
	}
	l := lay(rows, filledWidth(rows), b.o)
	var merges []merge
	err = t.read(b.o, l, rows, width, func(r rowSource) { r.(*sheetReader).merges = &merges })
	if err != nil {
		return nil, err
	}
	if two, ok := mergedHeader(rows, l, merges); ok {
		again := &Table{Source: t.Source, Sheet: t.Sheet, open: t.open}
		if err := again.read(b.o, two, rows, width, func(r rowSource) { r.(*sheetReader).merges = &merges }); err != nil {
			return nil, err
		}
		t = again
	}
	inData := 0
	for _, m := range merges {
		if m.last >= t.survey.lay.first && m.first <= t.survey.last && m.first > t.Dialect.Header {
			inData++
		}
	}
	if inData > 0 {
		t.Findings = append(t.Findings, diag.New(Merged, t.survey.place(tally{}, -1), "%s of cells in the data: only the first cell of each has a value",
			count(inData, "merge")))
	}
	return t, nil
}

// filledWidth is the number of cells that hold something in the fullest row, by which a title is told from a header.
func filledWidth(rows []rawRow) (n int) {
	for _, r := range rows {
		n = max(n, cellsOf(&r))
	}
	return n
}

// merge is a range of merged cells: rows from 1, columns from 0, both ends within.
type merge struct{ first, last, left, right int }

// mergedHeader lays a header out over two rows: under a name that stands over several columns there are names of their own.
func mergedHeader(rows []rawRow, l layout, merges []merge) (layout, bool) {
	i := slices.IndexFunc(rows, func(r rawRow) bool { return r.number == l.header })
	if l.header == 0 || i < 0 || i+1 == len(rows) || rows[i+1].number != l.header+1 {
		return l, false
	}
	top, sub := rows[i], rows[i+1]
	width := max(len(top.cells), len(sub.cells))
	for _, r := range rows {
		width = max(width, len(r.cells))
	}
	names := make([]string, width)
	text := func(r rawRow, i int) string {
		if i < len(r.cells) {
			return trim(r.cells[i].Text)
		}
		return ""
	}
	covered := make([]bool, width) // by a name over several columns
	for i := range names {
		names[i] = text(top, i)
	}
	wide := false
	for _, m := range merges {
		if m.first != l.header || m.left >= width {
			continue
		}
		if m.right > m.left && m.last == l.header {
			wide = true
			for c := m.left; c <= min(m.right, width-1); c++ {
				names[c], covered[c] = text(top, m.left), true
			}
		}
	}
	if !wide {
		return l, false
	}
	subs := 0
	for i := range names {
		switch classOf(text(sub, i)) {
		case valueCell:
			return l, false // data stands there
		case wordCell:
			if covered[i] {
				subs++
			}
			names[i] = strings.TrimSpace(names[i] + " " + text(sub, i))
		}
	}
	if subs == 0 {
		return l, false
	}
	l.header, l.headers, l.first, l.names = l.header+1, 2, l.header+2, names
	return l, true
}

// sheetReader reads the rows of a sheet.
type sheetReader struct {
	b        *book
	sheet    string
	x        *xmlScanner
	closer   io.Closer
	row      rawRow
	number   int
	done     bool
	value    []byte
	merges   *[]merge // where to put what is merged; nil in the second pass
	hidden   tally
	columns  int // that are hidden
	noResult tally
}

func (s *sheetReader) Close() error { return s.closer.Close() }

func (s *sheetReader) next() (*rawRow, bool, error) {
	if s.done {
		return nil, false, nil
	}
	for {
		tok, err := s.x.next()
		if err == io.EOF {
			s.done = true
			return nil, false, nil
		} else if err != nil {
			return nil, false, s.fault(err)
		}
		if tok != xmlStart {
			continue
		}
		switch {
		case s.x.is("row"):
			ok, err := s.readRow()
			if err != nil {
				return nil, false, s.fault(err)
			}
			if ok {
				return &s.row, true, nil
			}
		case s.x.is("col"):
			if truth(s.x.rawAttr("hidden")) {
				s.columns++
			}
		case s.x.is("mergeCell"):
			if s.merges != nil && len(*s.merges) < 1<<16 {
				if m, ok := parseMerge(s.x.attr("ref")); ok {
					*s.merges = append(*s.merges, m)
				}
			}
		}
	}
}

func (s *sheetReader) fault(err error) error { return s.b.fault(err, "sheet "+s.sheet) }

// finish gives the survey what is about the sheet and no cell.
func (s *sheetReader) finish(v *survey) {
	v.noResult = s.noResult
	if s.hidden.n > 0 || s.columns > 0 {
		v.t.Findings = append(v.t.Findings, diag.New(HiddenRows, v.place(s.hidden, -1), "%s and %s of columns hidden; they are read",
			count(s.hidden.n, "row"), count(s.columns, "range")))
	}
}

func truth(b []byte) bool { return string(b) == "1" || string(b) == "true" }

// readRow reads the row that has just begun. It is not ok if it has no cell with a value.
func (s *sheetReader) readRow() (ok bool, err error) {
	r := &s.row
	r.cells = r.cells[:0]
	if n := s.x.rawAttr("r"); n != nil {
		v := atoi(string(n))
		if v <= s.number {
			return false, errXML // rows come in order
		}
		s.number = v
	} else {
		s.number++
	}
	if s.number > maxSheetRows {
		return false, errXML
	}
	r.number, r.line, r.ended = s.number, s.number, true
	if truth(s.x.rawAttr("hidden")) {
		s.hidden.add(r)
	}
	depth, filled := s.x.depth, false
	for {
		tok, err := s.x.next()
		if err != nil {
			return false, noEOF(err)
		}
		if tok == xmlEnd && s.x.depth < depth {
			break
		}
		if tok != xmlStart || !s.x.is("c") {
			continue
		}
		c, col, err := s.readCell(r)
		if err != nil {
			return false, err
		}
		if c.Text == "" {
			continue
		}
		for len(r.cells) < col {
			r.cells = append(r.cells, Cell{})
		}
		if len(r.cells) == col {
			r.cells = append(r.cells, c)
		} else {
			r.cells[col] = c
		}
		filled = true
	}
	if r.raw = ""; filled && s.merges == nil { // nobody asks for it in the first pass
		r.raw = rawOf(r.cells)
	}
	return filled, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// rawOf writes cells as a line of CSV, for those who keep a row that was rejected.
func rawOf(cells []Cell) string {
	w := Writer{o: Writing{Comma: ','}}
	for i, c := range cells {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.cell(c.Text, Number, len(cells) == 1)
	}
	return string(w.buf)
}

// readCell reads the cell that has just begun.
func (s *sheetReader) readCell(r *rawRow) (c Cell, col int, err error) {
	x := s.x
	col = len(r.cells)
	ref, typ, xf := x.cellAttrs()
	if ref != nil {
		if col, err = columnOf(ref); err != nil {
			return c, 0, err
		}
	}
	if col >= maxSheetCols {
		return c, 0, errXML
	}
	kind, style := cellKind(typ), 0
	for _, d := range xf {
		if digit(d) && style < maxStyles {
			style = style*10 + int(d-'0')
		}
	}
	depth := x.depth
	v := s.value[:0]
	in, formula, phonetic := false, false, 0
	for {
		tok, err := x.next()
		if err != nil {
			return c, 0, noEOF(err)
		}
		switch tok {
		case xmlStart:
			switch {
			case x.is("v"):
				in = true
			case x.is("f"):
				formula = true
			case x.is("rPh"):
				phonetic++
			case x.is("t"):
				in = phonetic == 0
			}
		case xmlEnd:
			if x.depth < depth {
				s.value = v
				if len(v) == 0 {
					if formula {
						at := *r
						s.noResult.add(&at)
					}
					return Cell{}, col, nil
				}
				c, err = s.cell(v, kind, style)
				return c, col, err
			}
			switch {
			case x.is("v"), x.is("t"):
				in = false
			case x.is("rPh"):
				phonetic--
			}
		case xmlText:
			if in {
				v = x.appendText(v)
			}
		}
	}
}

// cellKind is the type of a cell as a constant, so that it costs no allocation.
func cellKind(b []byte) string {
	for _, k := range [...]string{"s", "inlineStr", "str", "b", "e", "d"} {
		if string(b) == k {
			return k
		}
	}
	return "n"
}

// cell makes of a cell's value what a person sees.
func (s *sheetReader) cell(v []byte, kind string, style int) (Cell, error) {
	switch kind {
	case "s":
		i, err := strconv.Atoi(string(bytes.TrimSpace(v)))
		if err != nil || i < 0 || i >= len(s.b.shared) {
			return Cell{}, errXML
		}
		return Cell{Text: s.b.shared[i]}, nil
	case "inlineStr", "str":
		return Cell{Text: strings.ToValidUTF8(string(unescapeX(v, 0)), "\uFFFD")}, nil
	case "b":
		if truth(bytes.TrimSpace(v)) {
			return Cell{"TRUE", IsBool}, nil
		}
		return Cell{"FALSE", IsBool}, nil
	case "e":
		return Cell{strings.ToValidUTF8(string(v), "\uFFFD"), IsError}, nil
	case "d":
		text := strings.ToValidUTF8(string(v), "\uFFFD")
		if scanDate(text).shape != plainDay {
			return Cell{Text: text}, nil
		}
		return Cell{text, IsDate}, nil
	}
	var f format
	if style < len(s.b.styles) {
		f = s.b.styles[style]
	}
	text, is := f.show(strings.ToValidUTF8(string(bytes.TrimSpace(v)), "\uFFFD"), s.b.o.from1904)
	return Cell{text, is}, nil
}

// columnOf is the column of a reference: 0 of A14.
func columnOf(ref []byte) (int, error) {
	n := 0
	for i, c := range ref {
		c &^= 0x20
		if c < 'A' || c > 'Z' {
			if i == 0 || i > 3 {
				return 0, errXML
			}
			break
		}
		n = n*26 + int(c-'A') + 1
		if n > maxSheetCols {
			return 0, errXML
		}
	}
	if n == 0 {
		return 0, errXML // r=""
	}
	return n - 1, nil
}

func parseMerge(ref string) (m merge, ok bool) {
	from, to, both := strings.Cut(strings.ReplaceAll(ref, "$", ""), ":")
	if !both {
		return m, false
	}
	left, err1 := columnOf([]byte(from))
	right, err2 := columnOf([]byte(to))
	m = merge{atoi(strings.TrimLeft(from, letters)), atoi(strings.TrimLeft(to, letters)), left, right}
	return m, err1 == nil && err2 == nil && m.first > 0 && m.first <= m.last && left <= right && right < maxSheetCols
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// String says what a merge is, for tests.
func (m merge) String() string { return fmt.Sprintf("%d-%d %d-%d", m.first, m.last, m.left, m.right) }
