package csvtab

import (
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// The reader of delimited text.
//
// The source, in UTF-8, is read in blocks, each of which becomes one string: cells are pieces of it, so a row costs no allocation and its
// cells stay good. A row that is not whole in its block moves to the front of the next. Where the next quote stands is remembered, so a
// row without one, nearly every row, is found and split with the vectorised IndexByte alone; that is what makes two passes over a file
// cheaper than one of encoding/csv.

const blockSize = 64 << 10

// rawRow is a row as it stands in the source.
type rawRow struct {
	number int // of the row, from 1
	line   int
	raw    string
	cells  []Cell // as the source has them: only a workbook says what they are
	stray  bool   // a quote that does not end a cell was taken as text
	open   bool   // a quote that nothing closes was taken away
	ended  bool   // by a line end
	cut    bool   // text of fixed width stands in no column
}

var errTooLong = errors.New("the row is too long")

type textReader struct {
	r        io.Reader // UTF-8, without a mark
	comma    byte
	quote    byte // 0: none
	eol      byte
	max      int // bytes of a row
	unclosed int // up to where of text no quote closes a cell that began before
	look     int // how far the end of a quoted cell is looked for
	width    int // cells that a row ought to have; 0: not known
	block    int // bytes to read at a time
	buf      []byte
	text     string
	pos      int
	eof      bool
	lenient  bool // two quotes at the end of a cell are one of text and one that ends it
	quoteAt  int  // where the next quote stands; len(text) if there is none
	row      rawRow
	lines    int // line ends before pos
	rows     int
	onBlock  func(text string) error // looks at each block of text before it is read
	closer   io.Closer
	spans    []Span
	gaps     []Span // what stands between them and behind them
	runeEnds []int  // scratch of fixed width
}

func (t *textReader) Close() error {
	if t.closer == nil {
		return nil
	}
	return t.closer.Close()
}

// fill reads the next block behind what is left of this one.
func (t *textReader) fill() error {
	rest := t.text[t.pos:]
	if len(rest) > t.max {
		return errTooLong
	}
	size := max(t.block, 2*len(rest))
	if cap(t.buf) < size {
		t.buf = make([]byte, size)
	}
	b := t.buf[:size]
	n := copy(b, rest)
	m, err := io.ReadFull(t.r, b[n:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		t.eof, err = true, nil
	}
	if err != nil {
		return err
	}
	if cap(t.buf) > 4<<20 && len(rest) < t.block/2 {
		t.buf = nil // one long row, and short ones again
	}
	t.text = string(b[:n+m])
	t.unclosed -= t.pos
	t.pos, t.quoteAt = 0, -1
	if t.onBlock != nil {
		if err := t.onBlock(t.text[n:]); err != nil {
			return err
		}
	}
	return nil
}

// next reads the next line, or the next row if quotes make it longer.
func (t *textReader) next() (*rawRow, bool, error) {
	r := &t.row
	for {
		if t.pos == len(t.text) && t.eof {
			return nil, false, nil
		}
		rest := t.text[t.pos:]
		end := strings.IndexByte(rest, t.eol)
		r.ended = end >= 0
		if end < 0 {
			if !t.eof {
				if err := t.fill(); err != nil {
					return nil, false, err
				}
				continue
			}
			end = len(rest)
		}
		if t.quoteAt < t.pos {
			t.quoteAt = len(t.text)
			if t.quote != 0 {
				if i := strings.IndexByte(rest, t.quote); i >= 0 {
					t.quoteAt = t.pos + i
				}
			}
		}
		r.stray, r.open, r.cut = false, false, false
		r.line = t.lines + 1
		if t.quoteAt < t.pos+end && t.spans == nil {
			size, more := t.quoted(rest, end)
			if more {
				if err := t.fill(); err != nil {
					return nil, false, err
				}
				continue
			}
			r.raw = rest[:size]
			if size > end {
				t.lines += strings.Count(r.raw, string(rune(t.eol)))
			}
			end = size
		} else {
			r.raw = rest[:end]
			line := chomp(r.raw, t.eol)
			if t.spans != nil {
				t.fixed(line)
			} else {
				t.plain(line)
			}
		}
		t.pos += end
		if t.pos < len(t.text) { // the line end
			t.pos++
			t.lines++
			r.ended = true
		} else {
			r.ended = false
		}
		r.raw = chomp(r.raw, t.eol)
		if t.pos == len(t.text) && t.eof && r.raw == "\x1a" { // the end of file of DOS
			return nil, false, nil
		}
		t.rows++
		r.number = t.rows
		return r, true, nil
	}
}

// chomp takes away the carriage returns before a line feed.
func chomp(s string, eol byte) string {
	if eol == '\n' {
		for s != "" && s[len(s)-1] == '\r' {
			s = s[:len(s)-1]
		}
	}
	return s
}

// plain splits a line without quotes.
func (t *textReader) plain(line string) {
	cells := t.row.cells[:0]
	for {
		i := strings.IndexByte(line, t.comma)
		if i < 0 {
			break
		}
		cells = append(cells, Cell{Text: line[:i]})
		line = line[i+1:]
	}
	t.row.cells = append(cells, Cell{Text: line})
}

// quoted splits the row at the beginning of text, which has a quote in its first line, of so many bytes. It returns the bytes of the row
// without its line end, or more if the text ends before the row does.
func (t *textReader) quoted(text string, first int) (size int, more bool) {
	size, more, odd := t.split(text)
	lines := size > first
	if more && len(text) <= t.max && !t.eof {
		return 0, true
	}
	if !more && (!lines || !odd && (t.width == 0 || len(t.row.cells) == t.width)) {
		if lines && t.width > 1 && t.inches(text[:size]) {
			t.splitLine(chomp(text[:first], t.eol))
			t.row.stray = true
			return first, false
		}
		return size, false
	}
	// A row over several lines with something wrong in it. If its first line alone makes a row, with one quote in it that nothing
	// closes, then that quote swallowed the lines that follow.
	whole := append([]Cell(nil), t.row.cells...)
	stray, open := t.row.stray, t.row.open
	t.splitLine(chomp(text[:first], t.eol))
	if more || open || t.width > 0 && len(t.row.cells) == t.width {
		t.row.open = true
		return first, false
	}
	t.row.cells, t.row.stray, t.row.open = append(t.row.cells[:0], whole...), stray, open
	return size, false
}

// inches recognises rows that RFC 4180 makes one of: "6'1"" for 6'1", the quote at the end of the cell not doubled. It then is the
// doubled quote that a later row closes. If every line by itself makes a row when such a quote is text, each of them is one.
func (t *textReader) inches(text string) bool {
	q := string(rune(t.quote))
	if !strings.Contains(text, q+q+string(rune(t.comma))) && !strings.Contains(text, q+q+string(rune(t.eol))) {
		return false
	}
	kept := append([]Cell(nil), t.row.cells...)
	stray, all := t.row.stray, true
	for all && text != "" {
		line, rest, _ := strings.Cut(text, string(rune(t.eol)))
		t.splitLine(chomp(line, t.eol))
		all, text = len(t.row.cells) == t.width && !t.row.open, rest
	}
	t.row.cells, t.row.stray, t.row.open = append(t.row.cells[:0], kept...), stray, false
	return all
}

// split splits the row at the beginning of text by the rules of RFC 4180, section 2; a quote that does not end a cell is text. odd
// reports that a cell over several lines has such a quote, or that one is never closed.
func (t *textReader) split(text string) (size int, more, odd bool) {
	r := &t.row
	r.stray, r.open = false, false
	cells := r.cells[:0] // of its own: each append to r's would go through memory
	quote, comma, i := t.quote, t.comma, 0
	for {
		// One cell, which begins at i. Nearly always, where it is quoted, the next quote ends it.
		for i < len(text) && text[i] == quote {
			q := strings.IndexByte(text[i+1:], quote)
			if q < 0 {
				break
			}
			q += i + 1
			if q+1 < len(text) && text[q+1] == comma {
				cells = append(cells, Cell{Text: text[i+1 : q]})
				i = q + 2
				continue
			}
			a := q + 1
			if a+1 < len(text) && text[a] == '\r' && t.eol == '\n' {
				a++
			}
			if a < len(text) && text[a] == t.eol {
				cells = append(cells, Cell{Text: text[i+1 : q]})
				r.cells = cells
				return a, false, odd
			}
			break
		}
		j := i
		for j < len(text) && (text[j] == ' ' || text[j] == '\t') && text[j] != t.comma {
			j++
		}
		if j < len(text) && text[j] == t.quote {
			end, after, stray, ok, more := t.closing(text, j+1)
			if more {
				r.cells = cells
				return 0, true, false
			}
			if ok && (j == i || !stray) { // after blanks only a whole quoted cell is one
				s := text[j+1 : end]
				if strings.IndexByte(s, t.quote) >= 0 {
					q := string(rune(t.quote))
					s = strings.ReplaceAll(s, q+q, q)
				}
				r.stray = r.stray || stray
				odd = odd || stray && strings.IndexByte(s, t.eol) >= 0
				cells = append(cells, Cell{Text: s})
				if after == len(text) || text[after] == t.eol {
					r.cells = cells
					return after, false, odd
				}
				i = after + 1
				continue
			}
			if !ok && j == i { // nothing closes it: the rest of the file would be in it
				r.open = true
				cells = append(cells, Cell{Text: text[j+1:]})
				r.cells = cells
				return len(text), false, true
			}
		}
		end, stop := i, false
		for ; end < len(text); end++ {
			c := text[end]
			if c == t.comma {
				break
			}
			if c == t.eol {
				stop = true
				break
			}
		}
		if end == len(text) && !t.eof {
			r.cells = cells
			return 0, true, false
		}
		s := text[i:end]
		if stop || end == len(text) {
			s = chomp(s, t.eol)
		}
		if strings.IndexByte(s, t.quote) >= 0 && !strings.HasPrefix(s, `="`) {
			r.stray = true
		}
		cells = append(cells, Cell{Text: s})
		if stop || end == len(text) {
			r.cells = cells
			return end, false, odd
		}
		i = end + 1
	}
}

// closing finds the quote that closes a cell whose text begins at start: the first that a delimiter or a line end follows, perhaps after
// blanks. after is where that stands. more reports that the text ends too early to know.
//
// It looks no further than t.look, and not again at what has been looked at in vain: in a file where each row has a quote that nothing
// closes, each search would else go to the end of it.
func (t *textReader) closing(text string, start int) (end, after int, stray, ok, more bool) {
	i := min(max(start, t.unclosed-t.pos), len(text))
	for {
		q := strings.IndexByte(text[i:], t.quote)
		if q < 0 {
			if more = !t.eof && len(text)-start < t.look; !more {
				t.unclosed = t.pos + len(text)
			}
			return 0, 0, stray, false, more
		}
		q += i
		if q-start > t.look {
			t.unclosed = t.pos + q
			return 0, 0, stray, false, false
		}
		a := q + 1
		if a < len(text) && text[a] == t.quote {
			if b := a + 1; !t.lenient || q == start || b < len(text) && text[b] != t.comma && text[b] != t.eol {
				i = a + 1
				continue
			}
			q, a, stray = a, a+1, true // 6'1"", the first of the two is text
		}
		for a < len(text) && (text[a] == ' ' || text[a] == '\t' || text[a] == '\r') && text[a] != t.comma && text[a] != t.eol {
			a++
		}
		if a == len(text) {
			return q, a, stray, t.eof, !t.eof
		}
		if text[a] == t.comma || text[a] == t.eol {
			return q, a, stray, true, false
		}
		stray = true
		i = q + 1
	}
}

// splitLine splits one line alone. A quote that nothing in it closes is taken away.
func (t *textReader) splitLine(line string) {
	sub := textReader{comma: t.comma, quote: t.quote, eol: t.eol, eof: true, look: len(line), lenient: true}
	sub.row.cells = t.row.cells[:0]
	sub.split(line)
	if !sub.row.open {
		t.row.cells, t.row.stray, t.row.open = sub.row.cells, sub.row.stray, false
		return
	}
	// The last cell is all behind the open quote: its delimiters count again.
	last := len(sub.row.cells) - 1
	tail, stray := sub.row.cells[last].Text, sub.row.stray
	head := append([]Cell(nil), sub.row.cells[:last]...)
	sub.row.cells = sub.row.cells[:0]
	if strings.IndexByte(tail, t.quote) >= 0 {
		sub.splitLine(tail)
	} else {
		sub.plain(tail)
	}
	t.row.cells = append(head, sub.row.cells...)
	t.row.stray, t.row.open = stray || sub.row.stray, true
}

// fixed splits a line of fixed width. Columns are counted in characters.
func (t *textReader) fixed(line string) {
	cells := t.row.cells[:0]
	ascii := true
	for i := range len(line) {
		if line[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	ends, n := t.runeEnds[:0], len(line)
	if !ascii {
		for i := range line {
			ends = append(ends, i)
		}
		n = len(ends)
		ends = append(ends, len(line))
		t.runeEnds = ends
	}
	at := func(s *Span) string {
		from, to := min(s.Start-1, n), min(s.Start-1+s.Len, n)
		if !ascii {
			from, to = ends[from], ends[to]
		}
		return strings.Trim(line[from:to], " \x00")
	}
	for i := range t.spans {
		cells = append(cells, Cell{Text: at(&t.spans[i])})
	}
	t.row.cells = cells
	for i := range t.gaps {
		t.row.cut = t.row.cut || !isBlank(at(&t.gaps[i]))
	}
}

// between are the places of a line in which no column stands.
func between(spans []Span) (gaps []Span) {
	spans = slices.SortedFunc(slices.Values(spans), func(a, b Span) int { return a.Start - b.Start })
	next := 1
	for _, s := range spans {
		if s.Start > next {
			gaps = append(gaps, Span{Start: next, Len: s.Start - next})
		}
		next = max(next, s.Start+s.Len)
	}
	return append(gaps, Span{Start: next, Len: 1 << 30})
}
