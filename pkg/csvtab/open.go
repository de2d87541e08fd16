package csvtab

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chartpost/chartpost/pkg/diag"
)

func open(name string, src Source, o *Options) (*File, error) {
	r, err := src()
	if err != nil {
		return nil, err
	}
	head := make([]byte, sniffLen)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		r.Close()
		return nil, err
	}
	k := kindOf(head)
	if k == workbook {
		r.Close()
		return openWorkbook(name, src, o)
	}
	if k == oldWorkbook { // its directory may stand anywhere
		rest, err := io.ReadAll(io.LimitReader(r, 32<<20))
		if err != nil {
			r.Close()
			return nil, err
		}
		head = append(head, rest...)
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	if k == binary && o.Fixed != nil {
		k = text // some pad with NUL
	}
	if k != text {
		return nil, refusal(k, name, head)
	}
	t, err := openText(name, src, o, head)
	if err != nil {
		return nil, err
	}
	f := &File{Name: name, Format: "csv", Tables: []*Table{t}}
	if o.Fixed != nil {
		f.Format = "fixed"
	}
	return f, nil
}

var errNotUTF8 = errors.New("the text is not UTF-8")

// errNUL is where a NUL byte stands.
type errNUL struct{ line int }

func (errNUL) Error() string { return "a NUL byte" }

// textSource is how a text is opened for each pass.
type textSource struct {
	src  Source
	enc  *encoding
	mark int // bytes of the byte order mark
	sep  int // bytes of the sep= line, in UTF-8
	eol  byte
}

func (s *textSource) open(o *Options, comma byte, width int) (*textReader, error) {
	r, err := s.src()
	if err != nil {
		return nil, err
	}
	if s.mark > 0 {
		if _, err := io.CopyN(io.Discard, r, int64(s.mark)); err != nil {
			r.Close()
			return nil, err
		}
	}
	in := io.Reader(r)
	if s.enc != utf8Encoding {
		in = bufio.NewReaderSize(s.enc.reader(in), blockSize)
	}
	if s.sep > 0 {
		if _, err := io.CopyN(io.Discard, in, int64(s.sep)); err != nil {
			r.Close()
			return nil, err
		}
	}
	t := &textReader{r: in, closer: r, comma: comma, quote: '"', eol: s.eol, max: o.MaxRow, look: o.MaxRow, width: width, spans: o.Fixed,
		block: blockSize, quoteAt: -1}
	if o.Fixed != nil {
		t.gaps = between(o.Fixed)
	}
	if s.sep > 0 {
		t.lines = 1
	}
	return t, nil
}

func openText(name string, src Source, o *Options, head []byte) (*Table, error) {
	at := diag.Place{Source: name}
	if err := checkSpans(o.Fixed, at); err != nil {
		return nil, err
	}
	ts := &textSource{src: src}
	marked, mark := markOf(head)
	ts.enc, ts.mark = marked, mark
	var findings []*diag.Finding
	guessed := false
	switch {
	case marked != nil:
	case o.Encoding != "":
		if ts.enc = lookupEncoding(o.Encoding); ts.enc == nil {
			return nil, diag.New(EncodingUnknown, at, "no encoding is called %q here", o.Encoding)
		}
	default:
		if ts.enc = unmarked16(head); ts.enc != nil {
			guessed = true
			findings = append(findings, diag.New(UnmarkedUTF16, at, "the text has no byte order mark and was read as %s", ts.enc.name))
		} else {
			ts.enc = utf8Encoding
		}
	}
	for {
		t, err := surveyText(name, ts, o, head)
		var nul errNUL
		switch {
		case err == errNotUTF8 && marked == nil && o.Encoding == "":
			r, err := src()
			if err != nil {
				return nil, err
			}
			ts.enc, err = guess(r)
			r.Close()
			if err != nil {
				return nil, err
			}
			guessed = true
			if ts.enc == mixed {
				findings = append(findings, diag.New(EncodingMixed, at, ""))
			} else {
				findings = append(findings, diag.New(EncodingGuessed, at, "the text is not UTF-8 and was read as %s", ts.enc.name))
			}
			continue
		case err == errNotUTF8: // it says UTF-8, and is not: what is wrong is read as what it most likely is
			ts.enc = mixed
			findings = append(findings, diag.New(EncodingMixed, at, "the text is marked or named as UTF-8 and is not throughout"))
			continue
		case errors.As(err, &nul):
			at.Line = nul.line
			return nil, diag.New(Binary, at, "")
		case err == errTooLong:
			return nil, diag.New(TooLarge, at, "")
		case err != nil:
			return nil, err
		}
		t.Dialect.Encoding, t.Dialect.Guessed, t.Dialect.BOM = ts.enc.name, guessed, mark > 0
		t.Findings = append(findings, t.Findings...)
		return t, nil
	}
}

func checkSpans(spans []Span, at diag.Place) error {
	for i, s := range spans {
		if s.Start < 1 || s.Len < 1 || s.Start > 1<<20 || s.Len > 1<<20 {
			return diag.New(BadColumns, at, "column %s begins at %d and has %d characters", s.Name, s.Start, s.Len)
		}
		for _, x := range spans[:i] {
			if s.Start < x.Start+x.Len && x.Start < s.Start+s.Len {
				return diag.New(BadColumns, at, "columns %s and %s share characters", x.Name, s.Name)
			}
		}
	}
	return nil
}

// surveyText sniffs the head of a text in the encoding that ts says, and reads it once.
func surveyText(name string, ts *textSource, o *Options, head []byte) (*Table, error) {
	var b bytes.Buffer
	body := head[ts.mark:]
	if ts.enc == utf8Encoding {
		if !validPrefix(body) {
			return nil, errNotUTF8
		}
		b.Write(body)
	} else if _, err := b.ReadFrom(ts.enc.reader(bytes.NewReader(body))); err != nil {
		return nil, err
	}
	s := b.String()
	if len(head) == sniffLen { // without the character that its end has cut
		for range utf8.UTFMax {
			if r, n := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && n == 1 {
				s = s[:len(s)-1]
			}
		}
	}
	t := &Table{Source: name, Dialect: Dialect{Quote: '"', LineEnd: lineEnd(s)}}
	at := diag.Place{Source: name}
	ts.sep, ts.eol = 0, eolOf(t.Dialect.LineEnd)
	comma := o.Comma
	var rows []rawRow
	width := len(o.Fixed)
	if o.Fixed == nil {
		if c, rest, ok := sepLine(s); ok {
			if comma == 0 {
				comma = c
			}
			t.Dialect.Sep, ts.sep = true, len(s)-len(rest)
			s = rest
		}
		g := sniffText(s, comma)
		rows, width, t.Dialect.Comma = g.rows, g.width, g.comma
		if comma != 0 {
			t.Dialect.Comma = comma
		}
		if g.single && comma == 0 {
			t.Findings = append(t.Findings, diag.New(OneColumn, at, ""))
		} else if g.rival != 0 {
			t.Findings = append(t.Findings, diag.New(DelimiterUnsure, at, "%s was taken for the delimiter; %s would fit as well",
				commaName(g.comma), commaName(g.rival)))
		}
	} else {
		t.Dialect.Quote = 0
		r, err := ts.open(o, 0, width)
		if err != nil {
			return nil, err
		}
		if rows, err = headOf(r, 100); err != nil {
			return nil, err
		}
	}
	so := *o
	if so.Fixed != nil && so.Header == HeaderAuto {
		so.Header = HeaderNone
	}
	t.open = func() (rowSource, error) {
		w := 0
		if t.survey != nil {
			w = t.survey.width
		}
		return ts.open(o, t.Dialect.Comma, w)
	}
	lay := lay(rows, width, &so)
	return t, t.read(&so, lay, rows, width, func(r rowSource) {
		tr := r.(*textReader)
		in := &inspector{t: tr, utf8: ts.enc == utf8Encoding}
		if ts.enc.order != 0 || ts.enc.table != nil || ts.enc.mixed {
			in.lossy = func() { t.wrongBytes++ }
		}
		tr.onBlock = in.block
	})
}

func commaName(c byte) string {
	switch c {
	case '\t':
		return "the tab"
	case 0x1f:
		return "the unit separator"
	}
	return "the character " + string(rune(c))
}

// headOf reads the first rows of a source and closes it.
func headOf(r rowSource, most int) (rows []rawRow, err error) {
	for len(rows) < most {
		row, ok, err := r.next()
		if err != nil {
			r.Close()
			return nil, err
		}
		if !ok {
			break
		}
		kept := *row
		kept.cells = slices.Clone(row.cells)
		rows = append(rows, kept)
	}
	return rows, r.Close()
}

// inspector looks at each block of a text in the first pass: it must be what its encoding says, and hold no NUL.
type inspector struct {
	t     *textReader
	utf8  bool
	rest  string // the beginning of a character that the block before has cut
	lossy func()
}

func (in *inspector) block(s string) error {
	if i := strings.IndexByte(s, 0); i >= 0 && in.t.spans == nil {
		return errNUL{in.t.lines + strings.Count(s[:i], string(rune(in.t.eol))) + 1}
	}
	if !in.utf8 {
		if strings.Contains(s, "\uFFFD") {
			in.lossy()
		}
		return nil
	}
	if in.rest != "" {
		s = in.rest + s
		in.rest = ""
	}
	if utf8.ValidString(s) {
		return nil
	}
	if !in.t.eof {
		for i := 1; i < utf8.UTFMax && i <= len(s); i++ {
			if tail := s[len(s)-i:]; utf8.RuneStart(tail[0]) {
				if !utf8.FullRuneInString(tail) && utf8.ValidString(s[:len(s)-i]) {
					in.rest = tail
					return nil
				}
				break
			}
		}
	}
	return errNotUTF8
}

// read is the first pass.
func (t *Table) read(o *Options, l layout, head []rawRow, width int, prepare func(rowSource)) error {
	t.Dialect.Header, t.Dialect.Skipped = l.header, l.skipped
	var names []string
	if l.header > 0 {
		for i := range head {
			if r := &head[i]; r.number == l.header {
				t.headerLine, t.rawHeader = r.line, r.raw
				if l.headers < 2 {
					for _, c := range r.cells {
						names = append(names, c.Text)
					}
				}
			}
		}
		if l.headers > 1 {
			names = l.names
		}
		// What stands in no column of most rows, and has no name, is no column: delimiters at the end of the header.
		for len(names) > max(width, 1) && isBlank(names[len(names)-1]) {
			names = names[:len(names)-1]
		}
		width = len(names)
	} else if o.Header == HeaderYes {
		return diag.New(HeaderLost, diag.Place{Source: t.Source}, "")
	}
	if width > maxSheetCols {
		return diag.New(TooLarge, diag.Place{Source: t.Source}, "the table has more than %d columns", maxSheetCols)
	}
	t.name(names, width, o.Fixed)
	s := &survey{t: t, o: o, lay: l, width: width, columns: make([]column, width)}
	for i := range s.columns {
		s.columns[i].hints(t.Columns[i].Name)
	}
	r, err := t.open()
	if err != nil {
		return err
	}
	if tr, ok := r.(*textReader); ok {
		tr.width = width
	}
	if prepare != nil {
		prepare(r)
	}
	for {
		row, ok, err := r.next()
		if err != nil {
			r.Close()
			return err
		}
		if !ok {
			break
		}
		if row.number < l.first || row.number <= l.header {
			continue
		}
		s.row(row)
	}
	if err := r.Close(); err != nil {
		return err
	}
	t.survey = s
	if w, ok := r.(interface{ finish(*survey) }); ok {
		w.finish(s)
	}
	s.finish()
	t.nameFindings()
	if s.rows == 0 {
		t.Findings = slices.DeleteFunc(t.Findings, func(f *diag.Finding) bool { return f.ID == NoHeader || f.ID == OneColumn })
		t.Findings = append(t.Findings, diag.New(NoRows, s.place(tally{}, -1), ""))
	}
	if t.wrongBytes > 0 {
		t.Findings = append(t.Findings, diag.New(EncodingWrong, s.place(tally{}, -1), ""))
	}
	slices.SortStableFunc(t.Findings, func(a, b *diag.Finding) int { return a.Place.Compare(b.Place) })
	return nil
}

// rows is the second pass.
func (t *Table) rows(yield func(*Row, error) bool) {
	src, err := t.open()
	if err != nil {
		yield(nil, err)
		return
	}
	defer src.Close()
	s := t.survey
	width := len(t.Columns)
	row := &Row{}
	for {
		r, ok, err := src.next()
		if err != nil {
			yield(nil, err)
			return
		}
		if !ok || r.number > s.last {
			return
		}
		if r.number < s.lay.first || r.number <= s.lay.header {
			continue
		}
		if s.again.n > 0 && s.repeats(r) {
			continue
		}
		row.Number, row.Line, row.Raw, row.Short, row.Fault = r.number, r.line, r.raw, false, nil
		n := len(r.cells)
		filled := false
		if s.second > 0 && r.number >= s.second {
			row.Fault = diag.New(OtherTable, t.Place(row, -1), "")
		} else if n > s.width && s.tooLong(r) {
			row.Fault = diag.New(LongRow, t.Place(row, -1), "%d cells, and the header has %d names: its values stand in the wrong columns", n, s.width)
			filled = true
		} else if n < s.width && t.Dialect.Comma != 0 {
			if row.Short = true; s.brokenRows[r.number] {
				row.Fault = diag.New(BrokenRow, t.Place(row, -1), "")
			}
		}
		for len(r.cells) < width {
			r.cells = append(r.cells, Cell{})
		}
		row.Cells = r.cells[:width] // the reader's own: what they say is changed in place
		for i := range row.Cells {
			if c := &row.Cells[i]; c.Text != "" && t.mean(c, i) {
				filled = true
			}
		}
		if filled && !yield(row, nil) {
			return
		}
	}
}

// mean makes of a cell as its source has it what its writer meant by it, and reports whether that is not blank.
func (t *Table) mean(c *Cell, i int) bool {
	s := c.Text
	c0 := s[0]
	if c0 > '9' && c0 < 0x7f && c0 != '=' {
		return true
	}
	switch {
	case c0 == '\'' || c0 == '=':
		if c.Is&(IsNumber|IsDate) == 0 {
			if in, ok := unwrap(s); ok {
				c.Text = in
				c.Is |= WasWrapped
				return !isBlank(in)
			}
		}
	case c0 == '#':
		if isErrorValue(trim(s)) {
			c.Is |= IsError
		}
	case digit(c0):
		if col := &t.Columns[i]; col.zeros || col.exponents {
			t.damaged(c, i)
		}
		return true
	case isBlank(s):
		return false
	}
	return true
}

func (t *Table) damaged(c *Cell, i int) {
	col, hint := &t.Columns[i], &t.survey.columns[i]
	s := trim(c.Text)
	if col.zeros {
		if long, zeros := longZeros(s); long && zeros {
			c.Is |= IsDamaged
		}
	}
	if col.exponents {
		if e := exponent(s); e >= 11 && !hint.amount || e > 0 && hint.id {
			c.Is |= IsDamaged
		}
	}
}
