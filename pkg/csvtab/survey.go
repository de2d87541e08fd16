package csvtab

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The survey is the first pass over a table: it counts, for each column, what its cells look like, and finds the rows that are no
// data. What it keeps does not grow with the file.

// maxBroken is how many rows that a line end may have broken are remembered by their numbers; a file with more is no table of this width.
const maxBroken = 20000

// tally counts cells or rows of one kind and remembers the first.
type tally struct{ n, row, line int }

func (t *tally) add(r *rawRow) {
	if t.n++; t.n == 1 {
		t.row, t.line = r.number, r.line
	}
}

func (t *tally) plus(u tally) {
	if t.n == 0 {
		*t = u
		return
	}
	t.n += u.n
}

// column is what the survey counts of one.
type column struct {
	id, zip, past, future, day, amount bool // what its name says

	filled                            int
	wrapped, errors, exponents        tally
	long                              int
	zeros                             tally
	zip4, zip5                        tally
	dates                             int // cells that are one, serials and partial ones left out
	plain, numbers, first13, second13 tally
	same                              int // of numbers: 3/3/2026
	compact, compactYMD               int
	compactMDY, compactDMY            int
	compactFirst13, compactSecond13   tally
	eights                            tally // the first of compact
	serial, partial, none, short      tally
	maxYear                           int
	last                              [40]byte // the last text that was nothing but no date: the next is often the same
	lastLen                           int
	letters                           uint32 // cells of one letter: A is the lowest bit
	comma                             bool   // a number with a decimal comma: 5,4
	mdyFails, dmyFails, ymds          tally
}

type survey struct {
	t       *Table
	o       *Options
	lay     layout
	width   int
	columns []column

	rows, filled int // rows of data, cells that are not blank
	last         int // row number of the last row of data
	short, long  tally
	stray, open  tally
	beyond       tally
	broken       []brokenRow
	brokenRows   map[int]bool
	run          []brokenRow // short rows that follow one another
	runCells     int
	tail         []rawRow // rows that may be a footer
	afterBlank   bool
	seen         int   // row number of the row before
	again        tally // rows that say the header again
	second       int   // row number of the header of another table, 0 if there is none
	other        tally // its rows
	footer       tally
	footerCells  int
	noResult     tally
	lastShort    bool
	lastPivot    int
	lastRow      rawRow
}

type brokenRow struct{ number, line int }

// see counts one cell that is not blank.
func (c *column) see(s string, is Trait, r *rawRow) {
	c.filled++
	c0, n := s[0], len(s)
	if is != 0 {
		if c.typed(s, is, r) {
			return
		}
	} else if n == c.lastLen && string(c.last[:n]) == s {
		c.none.n++
		return
	}
	only := true // nothing else is counted of it
	switch c0 {
	case '=', '\'':
		only = false
		if in, ok := unwrap(s); ok {
			c.wrapped.add(r)
			if s = in; isBlank(s) {
				return
			}
			c0, n = s[0], len(s)
		}
	case '#':
		if isErrorValue(trim(s)) {
			c.errors.add(r)
			return
		}
	case ' ', '\t':
		only = false
		s = trim(s)
		c0, n = s[0], len(s)
	}
	if n == 1 && asciiLetter(c0) {
		c.letters |= letterBit(c0)
	}
	if digit(c0) {
		c.comma = c.comma || decimalComma(s)
		switch {
		case n >= 16:
			if long, zeros := longZeros(s); long {
				only = false
				c.long++
				if zeros {
					c.zeros.add(r)
				}
			}
		case n >= 5 && (s[n-3] == '+' || s[n-4] == '+'):
			if e := exponent(s); e >= 11 && !c.amount || e > 0 && c.id {
				only = false
				c.exponents.add(r)
			}
		case c.zip && n <= 5:
			only = false
			if n == 4 && isDigits(s) {
				c.zip4.add(r)
			} else if n == 5 && isDigits(s) {
				c.zip5.add(r)
			}
		}
	}
	if none := c.none.n; only && is == 0 && n <= len(c.last) {
		if c.date(s, r); c.none.n > none {
			c.lastLen = copy(c.last[:], s)
		}
		return
	}
	c.date(s, r)
}

// letterBit is the bit of a letter, large or small.
func letterBit(c byte) uint32 { return 1 << (c&^0x20 - 'A') }

// decimalComma recognises a number whose comma cannot stand before thousands: 5,4 and 0,125, but not 5,400.
func decimalComma(s string) bool {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return i > 0 && i < len(s) && s[i] == ',' && isDigits(s[i+1:]) && (len(s)-i != 4 || i == 1 && s[0] == '0')
}

func isDigits(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return s != ""
}

// typed counts a cell whose kind a workbook says. It reports whether that is all there is to say of it.
func (c *column) typed(s string, is Trait, r *rawRow) bool {
	switch {
	case is&IsError != 0:
		c.errors.add(r)
		return true
	case is&IsDate != 0:
		c.dates++
		c.plain.add(r)
		c.year(atoi(s))
		return true
	case is&IsBool != 0:
		return true
	}
	return false
}

func (c *column) year(y int) { c.maxYear = max(c.maxYear, y) }

// date counts what kind of date a cell holds.
func (c *column) date(s string, r *rawRow) {
	// 2026-03-04 and 2026-03-04T05:06:07Z, the most frequent forms, without taking them apart.
	if len(s) >= 10 && (len(s) == 10 || len(s) == 20 && isClock(s[10:])) && s[4] == '-' && s[7] == '-' &&
		digit(s[0]) && digit(s[1]) && digit(s[2]) && digit(s[3]) && digit(s[5]) && digit(s[6]) && digit(s[8]) && digit(s[9]) {
		m, d := int(s[5]-'0')*10+int(s[6]-'0'), int(s[8]-'0')*10+int(s[9]-'0')
		if m >= 1 && m <= 12 && d >= 1 && d <= 28 {
			c.dates++
			c.plain.add(r)
			c.year(atoi(s[:4]))
			return
		}
	}
	if surelyNoDate(s) {
		c.none.add(r)
		return
	}
	w := scanDate(s)
	switch w.shape {
	case noDate:
		c.none.add(r)
		return
	case plainDay:
		c.plain.add(r)
		if !w.short {
			c.year(w.date.Year)
		}
	case numbers:
		c.number(w, r)
	case compact8:
		c.eight(w, r)
	case partial:
		c.partial.add(r)
		return
	case serial:
		c.serial.add(r)
		return
	}
	c.dates++
	if w.short {
		c.short.add(r)
	}
}

// surelyNoDate sees words, codes and long numbers by their first bytes: most cells of a table are none of the forms that scanDate
// takes apart.
func surelyNoDate(s string) bool {
	if asciiLetter(s[0]) {
		return len(s) < 4 || !dayOrMonth(s)
	}
	n := 0
	for n < len(s) && n < 15 && digit(s[n]) {
		n++
	}
	switch n {
	case 1, 2:
		if n < len(s) && s[n] == '.' { // 72.5
			i := n + 1
			for i < len(s) && digit(s[i]) {
				i++
			}
			return i == len(s) && i <= n+4
		}
		return n == len(s) || asciiLetter(s[n]) && (n+3 > len(s) || !dayOrMonth(s[n:]))
	case 4: // 8302-2: no year, and too short for a day
		return len(s) < 8 && (s[0] < '1' || s[0] > '2')
	case 5:
		return n < len(s) && s[n] != '.'
	case 3, 6, 7, 9, 10, 11, 13, 15:
		return true
	}
	return false
}

// isClock recognises T05:06:07Z.
func isClock(s string) bool {
	return len(s) == 10 && s[0] == 'T' && s[3] == ':' && s[6] == ':' && s[9] == 'Z' && s[1] <= '1' && digit(s[1]) && digit(s[2]) &&
		digit(s[4]) && s[4] < '6' && digit(s[5]) && digit(s[7]) && s[7] < '6' && digit(s[8])
}

func (c *column) number(w written, r *rawRow) {
	c.numbers.add(r)
	a, b := w.n[0], w.n[1]
	if !w.short {
		c.year(w.n[2])
	}
	mdy, dmy := a >= 1 && a <= 12 && b <= 31 && !w.tiny, b <= 12 && a >= 1 && a <= 31 && !w.tiny
	switch {
	case a == b && !w.tiny:
		c.same++
	case !mdy && dmy:
		c.first13.add(r)
		c.mdyFails.add(r)
	case mdy && !dmy:
		c.second13.add(r)
		c.dmyFails.add(r)
	case !mdy && !dmy:
		if w.short && b >= 1 && b <= 12 && w.n[2] <= 31 {
			c.ymds.add(r)
		}
		c.mdyFails.add(r)
		c.dmyFails.add(r)
	}
}

func (c *column) eight(w written, r *rawRow) {
	c.compact++
	c.eights.add(r)
	if y, m, d := compactParts(w, YMD); y >= 1850 && y <= 2100 && m >= 1 && m <= 12 && d >= 1 && d <= daysIn(y, m) {
		c.compactYMD++
		c.year(y)
	}
	y, m, d := compactParts(w, MDY)
	if y < 1850 || y > 2100 {
		return
	}
	mdy, dmy := m >= 1 && m <= 12 && d >= 1 && d <= daysIn(y, m), d >= 1 && d <= 12 && m >= 1 && m <= daysIn(y, d)
	if mdy {
		c.compactMDY++
	}
	if dmy {
		c.compactDMY++
	}
	if mdy && !dmy {
		c.compactSecond13.add(r)
	}
	if dmy && !mdy {
		c.compactFirst13.add(r)
	}
}

// row counts one row that the source has.
func (s *survey) row(r *rawRow) {
	filled := cellsOf(r)
	if r.number > s.seen+1 { // a sheet has no blank rows
		s.afterBlank = true
	}
	s.seen = r.number
	if filled == 0 {
		s.afterBlank = true
		return
	}
	if s.repeats(r) {
		s.again.add(r)
		s.afterBlank = false
		return
	}
	if s.second == 0 && s.afterBlank && s.begins(r, filled) {
		s.flush()
		s.second = r.number
	}
	if s.second > 0 {
		s.other.add(r)
		s.rows++
		s.last = r.number
		s.endRun()
		return
	}
	if !s.o.Footer && (filled < s.width || s.width <= 2) && s.footerLike(r, filled) && len(s.tail) < 12 {
		kept := *r
		kept.cells = slices.Clone(r.cells)
		s.tail = append(s.tail, kept)
		s.afterBlank = false
		return
	}
	s.flush()
	s.afterBlank = false
	s.data(r)
}

// repeats reports a row that says the header again, as each page of a printed list does.
func (s *survey) repeats(r *rawRow) bool {
	if s.o.Footer || s.lay.header == 0 || s.width < 2 || len(r.cells) < s.width || r.cells[0].Text != s.t.Columns[0].Written {
		return false
	}
	named := 0
	for i := range r.cells {
		written := ""
		if i < len(s.t.Columns) {
			written = s.t.Columns[i].Written
		}
		if r.cells[i].Text != written {
			return false
		}
		if !isBlank(written) {
			named++
		}
	}
	return named > 1
}

// begins reports the header of another table, below a blank row: nothing but names, of which one is that of the column in which it stands, or
// most have a word of which names are made.
func (s *survey) begins(r *rawRow, filled int) bool {
	if s.o.Footer || s.lay.header == 0 || s.rows == 0 || filled < 2 {
		return false
	}
	known, same := 0, false
	seen := map[string]bool{}
	for i := range r.cells {
		text := trim(r.cells[i].Text)
		switch classOf(text) {
		case blankCell:
			continue
		case valueCell:
			return false
		}
		key := strings.ToLower(text)
		if seen[key] {
			return false
		}
		seen[key] = true
		if namesColumn(text) {
			known++
		}
		same = same || i < s.width && strings.EqualFold(text, trim(s.t.Columns[i].Written))
	}
	return same && known > 0 || known*3 >= filled*2 && filled > 2
}

// flush counts rows as data that looked like a footer and were none, since data follows.
func (s *survey) flush() {
	for i := range s.tail {
		s.data(&s.tail[i])
	}
	s.tail = s.tail[:0]
}

func (s *survey) data(r *rawRow) {
	n := len(r.cells)
	s.rows++
	s.last = r.number
	if r.stray {
		s.stray.add(r)
	}
	if r.open {
		s.open.add(r)
	}
	if r.cut {
		s.beyond.add(r)
	}
	s.lastShort = n < s.width
	if !r.ended {
		s.lastRow = *r
	}
	if n > s.width && s.t.Dialect.Comma == 0 && s.tooLong(r) {
		s.grow(n) // a sheet keeps its columns apart: what stands beside the header has moved nothing
	}
	switch {
	case n > s.width && s.tooLong(r):
		s.long.add(r)
		s.endRun()
		return
	case n < s.width && s.t.Dialect.Comma != 0:
		s.short.add(r)
		s.brokenRun(r, n)
	default:
		s.endRun()
	}
	for i := range min(n, s.width) {
		c := &r.cells[i]
		if c.Text == "" || c.Text[0] <= ' ' && isBlank(c.Text) || c.Text[0] > 0x7e && isBlank(c.Text) {
			continue
		}
		s.filled++
		s.columns[i].see(c.Text, c.Is, r)
	}
}

// grow adds columns that the header has no names for.
func (s *survey) grow(n int) {
	t := s.t
	for i := s.width; i < n; i++ {
		name := "column_" + strconv.Itoa(i+1)
		for t.Column(name) >= 0 {
			name += "_"
		}
		t.Columns = append(t.Columns, Column{Name: name})
		t.blank = append(t.blank, name)
		s.columns = append(s.columns, column{})
	}
	s.width = n
}

func (s *survey) tooLong(r *rawRow) bool {
	return slices.ContainsFunc(r.cells[s.width:], func(c Cell) bool { return !isBlank(c.Text) })
}

// brokenRun: rows that follow one another and make one of the right length together, but for the cell that the line end is in.
func (s *survey) brokenRun(r *rawRow, n int) {
	at := brokenRow{r.number, r.line}
	if len(s.run) > 0 && s.runCells+n-1 <= s.width {
		s.run, s.runCells = append(s.run, at), s.runCells+n-1
	} else {
		s.run, s.runCells = append(s.run[:0], at), n
	}
	if s.runCells == s.width && len(s.run) > 1 && len(s.broken) < maxBroken {
		s.broken = append(s.broken, s.run...)
		s.endRun()
	}
}

func (s *survey) endRun() { s.run, s.runCells = s.run[:0], 0 }

// totalWords are all that the first cell of a row of sums says; countWords stand before a colon, a number or "of"; remarkWords
// begin a line about the report.
var (
	totalWords  = []string{"total", "totals", "grand total", "total:", "grand total:", "subtotal", "sub-total", "sum", "count", "record count"}
	countWords  = []string{"total", "grand total", "sum", "count", "record count", "records", "rows", "number", "page", "filter", "note", "report", "end"}
	remarkWords = []string{"total records", "total rows", "total patients", "printed", "generated", "exported", "confidential", "run date", "run by",
		"created by", "end of report", "report generated", "report date", "disclaimer", "***", "---", "===", "~~~"}
)

// startsWith reports whether s begins with one of the words, and what follows it. Summers is no sum.
func startsWith(s string, words []string) (rest string, ok bool) {
	for _, w := range words {
		if len(s) < len(w) || !strings.EqualFold(s[:len(w)], w) {
			continue
		}
		if rest = s[len(w):]; rest == "" || !asciiLetter(rest[0]) && rest[0] < utf8.RuneSelf || !asciiLetter(w[0]) {
			return rest, true
		}
	}
	return "", false
}

// footerLike reports whether a row at the end would be no data: a total, a count, a line about the report.
func (s *survey) footerLike(r *rawRow, filled int) bool {
	i := slices.IndexFunc(r.cells, func(c Cell) bool { return !isBlank(c.Text) })
	first := trim(r.cells[i].Text)
	if last := first[len(first)-1]; digit(first[0]) && (digit(last) || last == 'Z') && strings.IndexByte(first, ' ') < 0 {
		return false // nearly every row: a date, a number
	}
	if filled < s.width || s.width == 2 {
		for _, w := range totalWords {
			if strings.EqualFold(first, w) {
				return true
			}
		}
	}
	if filled > max(1, s.width/2) || s.width == 2 && len(r.cells) == 2 {
		return false
	}
	if s.width >= 3 && len(r.cells) == 1 && (s.afterBlank || len(s.tail) > 0) && strings.Contains(first, " ") {
		return true // a line of prose
	}
	if strings.HasPrefix(first, "(") && strings.HasSuffix(first, ")") {
		first = first[1 : len(first)-1]
	}
	if s.width >= 3 || len(r.cells) < s.width {
		if _, ok := startsWith(first, remarkWords); ok {
			return true
		}
		if rest, ok := startsWith(first, countWords); ok {
			rest = strings.TrimLeft(rest, " ")
			if rest == "" || rest[0] == ':' || rest[0] == '=' || digit(rest[0]) || strings.HasPrefix(rest, "of ") {
				return true
			}
		}
	}
	// 214 records, 3 rows affected
	if _, end := number(first, 0); end > 0 && end < len(first) {
		rest := strings.ToLower(strings.TrimLeft(first[end:], " "))
		return strings.HasPrefix(rest, "row") || strings.HasPrefix(rest, "record") || strings.HasPrefix(rest, "patient") && len(r.cells) == 1
	}
	return false
}
