package csvtab

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/chartpost/chartpost/pkg/diag"
)

// The survey is the first pass over a table: it counts, for each column, what its cells look like, and finds the rows that are no data. What it keeps does
// not grow with the file.

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
	dead                              bool // it has shown that it holds no dates
	dates                             int  // cells that are one, serials and partial ones left out
	plain, numbers, first13, second13 tally
	same                              int // of numbers: 3/3/2026
	compact, compactYMD               int
	compactMDY, compactDMY            int
	compactFirst13, compactSecond13   tally
	eights                            tally // the first of compact
	serial, partial, none, short      tally
	maxYear                           int
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
	seen         int // row number of the row before
	footer       tally
	footerCells  int
	noResult     tally
	lastShort    bool
	lastPivot    int
	lastRow      rawRow
}

type brokenRow struct{ number, line int }

// hints is what a column's name says.
func (c *column) hints(name string) {
	words := strings.FieldsFunc(strings.ToLower(splitCase(name)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	has := func(list ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return containsWord(list, w) })
	}
	joined := strings.Join(words, "")
	c.id = has("id", "ids", "identifier", "mrn", "number", "no", "num", "nbr", "ssn", "npi", "ndc", "phone", "fax", "code", "account", "acct", "member", "policy", "chart", "upc",
		"serial", "lot", "accession", "udi", "uid", "guid", "key") || strings.HasSuffix(joined, "id") || strings.HasSuffix(joined, "code")
	c.zip = has("zip", "zipcode", "postal", "postcode") || joined == "zip4"
	c.past = has("birth", "dob", "born", "birthdate", "birthday", "death", "died", "deceased", "deathdate", "dod", "bdate") || strings.Contains(joined, "birth") ||
		strings.HasSuffix(joined, "dob")
	c.future = has("expiry", "expires", "expiration", "exp", "due", "next", "end", "until", "stop", "appointment", "appt", "scheduled", "valid", "thru", "through", "to") || c.past
	c.day = c.past || has("date", "dt", "day", "when", "on", "visit", "seen", "encounter", "admit", "admitted", "admission", "discharge", "discharged", "service", "collected",
		"start", "started", "onset", "created", "updated", "recorded", "given", "administered", "performed", "entered", "ordered", "resulted") || strings.HasSuffix(joined, "date") || strings.HasSuffix(joined, "dt") || strings.HasSuffix(joined, "dttm")
	c.amount = has("value", "result", "amount", "cost", "price", "charge", "balance", "total", "count", "quantity", "qty")
}

// see counts one cell that is not blank.
func (c *column) see(s string, is Trait, r *rawRow) {
	c.filled++
	if is != 0 {
		if c.typed(s, is, r) {
			return
		}
	}
	c0, n := s[0], len(s)
	switch c0 {
	case '=', '\'':
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
		s = trim(s)
		c0, n = s[0], len(s)
	}
	if digit(c0) {
		switch {
		case n >= 16:
			if long, zeros := longZeros(s); long {
				c.long++
				if zeros {
					c.zeros.add(r)
				}
			}
		case n >= 5 && (s[n-3] == '+' || s[n-4] == '+'):
			if e := exponent(s); e >= 11 && !c.amount || e > 0 && c.id {
				c.exponents.add(r)
			}
		case c.zip && n <= 5:
			if n == 4 && isDigits(s) {
				c.zip4.add(r)
			} else if n == 5 && isDigits(s) {
				c.zip5.add(r)
			}
		}
	}
	if !c.dead {
		c.date(s, r)
	}
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

// date counts what kind of date a cell holds, until it is plain that the column has none.
func (c *column) date(s string, r *rawRow) {
	// 2026-03-04 and 2026-03-04T05:06:07Z, the most frequent forms, without taking them apart.
	if len(s) >= 10 && (len(s) == 10 || len(s) == 20 && isClock(s[10:])) && s[4] == '-' && s[7] == '-' && digit(s[0]) && digit(s[1]) && digit(s[2]) && digit(s[3]) && digit(s[5]) && digit(s[6]) && digit(s[8]) && digit(s[9]) {
		m, d := int(s[5]-'0')*10+int(s[6]-'0'), int(s[8]-'0')*10+int(s[9]-'0')
		if m >= 1 && m <= 12 && d >= 1 && d <= 28 {
			c.dates++
			c.plain.add(r)
			c.year(atoi(s[:4]))
			return
		}
	}
	w := scanDate(s)
	switch w.shape {
	case noDate:
		c.none.add(r)
		if c.filled >= 200 && c.dates*4 < c.filled {
			c.dead = true
		}
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
	mdy, dmy := a >= 1 && a <= 12 && b <= 31, b <= 12 && a >= 1 && a <= 31
	switch {
	case a == b:
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

// totalWords begin a row of sums, footerWords a line about the report.
var (
	totalWords  = []string{"total", "totals", "grand total", "total:", "grand total:", "subtotal", "sub-total", "sum", "count", "record count"}
	footerWords = []string{"total", "grand total", "subtotal", "sub-total", "sum", "count", "record count", "records", "rows", "number of", "printed", "generated", "report", "page ",
		"end of", "exported", "confidential", "run date", "run by", "created by", "disclaimer", "note:", "***", "---", "===", "~~~", "filter"}
)

// footerLike reports whether a row at the end would be no data: a total, a count, a line about the report.
func (s *survey) footerLike(r *rawRow, filled int) bool {
	i := slices.IndexFunc(r.cells, func(c Cell) bool { return !isBlank(c.Text) })
	first := trim(r.cells[i].Text)
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
	if s.width >= 3 && len(r.cells) == 1 && (s.afterBlank || len(s.tail) > 0) {
		return true // a line of prose
	}
	if strings.HasPrefix(first, "(") && strings.HasSuffix(first, ")") {
		first = first[1 : len(first)-1]
	}
	if s.width >= 3 || len(r.cells) < s.width {
		for _, w := range footerWords {
			if len(first) >= len(w) && strings.EqualFold(first[:len(w)], w) {
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

// finish draws the conclusions.
func (s *survey) finish() {
	t := s.t
	if len(s.tail) == s.rows+len(s.tail) { // nothing but what looks like a footer: it is data
		s.flush()
	}
	for i := range s.tail {
		s.footer.add(&s.tail[i])
		s.footerCells += cellsOf(&s.tail[i])
	}
	t.Dialect.Footer = len(s.tail)
	s.tail = nil
	// Where many rows are short, their writer leaves out blank cells at the end; where few are, a line end broke those that fit together.
	if s.short.n*5 <= s.rows || s.rows < 6 {
		s.brokenRows = make(map[int]bool, len(s.broken))
		for _, b := range s.broken {
			s.brokenRows[b.number] = true
		}
	}
	t.Count, t.Faults = s.rows, s.long.n+len(s.brokenRows)
	// Trailing columns without a name and a cell are delimiters at the end of each line.
	for n := len(t.Columns); n > 1 && t.Dialect.Header > 0 && s.columns[n-1].filled == 0 && isBlank(t.Columns[n-1].Written); n-- {
		t.Columns = t.Columns[:n-1]
	}
	pivot := s.pivot()
	s.lastPivot = pivot
	for i := range t.Columns {
		c, col := &s.columns[i], &t.Columns[i]
		col.Filled = c.filled
		col.zeros = c.long > 0 && c.zeros.n == c.long && (c.long > 1 || c.id)
		col.exponents = c.exponents.n > 0
		if col.Dates = s.decide(i, pivot); col.Dates != nil && col.Dates.Question != nil {
			t.Findings = append(t.Findings, col.Dates.Question)
		}
	}
	s.report()
}

// pivot is the last year that a two-digit year of the past can mean.
func (s *survey) pivot() int {
	if s.o.Pivot > 0 {
		return s.o.Pivot
	}
	year := 0
	for i := range s.columns {
		if c := &s.columns[i]; c.day && !c.future && c.dates*2 > c.filled && c.maxYear >= 1950 && c.maxYear <= 2100 {
			year = max(year, c.maxYear)
		}
	}
	return cmp.Or(year, PivotYear)
}

// decide says how the dates of a column are to be read, if it is one of dates: if more than half of its cells are.
func (s *survey) decide(i, pivot int) *Dates {
	c := &s.columns[i]
	filled := c.filled - c.errors.n
	compact := c.compactOrder(s.o.Dates)
	dates := c.dates
	if compact == "" {
		dates -= c.compact
	}
	if dates == 0 || dates*2 <= filled-c.serial.n-c.partial.n || dates < c.serial.n || c.dead {
		return nil
	}
	if dates == c.compact && !c.day && c.compact < 20 {
		return nil // eight digits, and nobody calls them a date
	}
	return s.order(i, pivot, compact)
}

// order says how the dates of a column are to be read.
func (s *survey) order(i, pivot int, compact Order) *Dates {
	c, col := &s.columns[i], &s.t.Columns[i]
	d := &Dates{Pivot: pivot, Past: c.past, From1904: s.o.from1904, Compact: compact}
	d.Serials = c.serial.n > 0
	place := func(t tally) diag.Place { return s.place(t, i) }
	ask := func(id diag.ID, at tally, format string, args ...any) {
		d.Question = diag.New(id, place(at), format, args...)
	}
	switch {
	case c.numbers.n == 0:
	case s.o.Dates != "":
		d.Order = s.o.Dates
	case c.first13.n > 0 && c.second13.n > 0:
		ask(DatesMixed, c.numbers, "column %s holds dates with the day first (the first in row %d) and with the month first (row %d)",
			col.Name, c.first13.row, c.second13.row)
	case c.first13.n > 0:
		d.Order = DMY
	case c.second13.n > 0:
		d.Order = MDY
	case c.ymds.n == c.numbers.n:
		d.Order = YMD
	case c.same < c.numbers.n:
		ask(DatesAmbiguous, c.numbers, "column %s has %s that can be read with the month or with the day first, and none that says which: is it --dates mdy or dmy?",
			col.Name, count(c.numbers.n-c.same, "date"))
	}
	if compact == "?" {
		d.Compact = ""
		if c.compactFirst13.n > 0 && c.compactSecond13.n > 0 {
			ask(DatesMixed, c.compactFirst13, "column %s holds dates of eight digits with the day first (row %d) and with the month first (row %d)", col.Name,
				c.compactFirst13.row, c.compactSecond13.row)
		} else {
			ask(DatesAmbiguous, c.eights, "column %s has dates of eight digits that can be read with the month or with the day first: is it --dates mdy or dmy?", col.Name)
		}
	}
	return d
}

// compactOrder is the order of dates of eight digits: empty if they are none, ? if that is open.
func (c *column) compactOrder(asked Order) Order {
	fits := func(n int) bool { return n > 0 && n*20 >= c.compact*19 }
	switch {
	case c.compact == 0:
		return ""
	case asked != "" && (asked == YMD && fits(c.compactYMD) || asked == MDY && fits(c.compactMDY) || asked == DMY && fits(c.compactDMY)):
		return asked
	case fits(c.compactYMD):
		return YMD
	case fits(c.compactMDY) && (!fits(c.compactDMY) || c.compactSecond13.n > 0 && c.compactFirst13.n == 0):
		return MDY
	case fits(c.compactDMY) && (!fits(c.compactMDY) || c.compactFirst13.n > 0 && c.compactSecond13.n == 0):
		return DMY
	case fits(c.compactMDY) || fits(c.compactDMY) || c.compactFirst13.n > 0 && c.compactSecond13.n > 0 && fits(c.compactFirst13.n+c.compactMDY):
		return "?"
	}
	return ""
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// place is where the first of a tally stands; a column of -1 is the row.
func (s *survey) place(t tally, col int) diag.Place {
	if t.row == 0 {
		p := diag.Place{Source: s.t.Source}
		if col >= 0 {
			p.Path = "column " + s.t.Columns[col].Name
		}
		if s.t.Sheet != "" {
			p.Path = strings.TrimSuffix("sheet "+s.t.Sheet+", "+p.Path, ", ")
		}
		return p
	}
	return s.t.Place(&Row{Number: t.row, Line: t.line}, col)
}

// report makes the findings, each kind once for a column.
func (s *survey) report() {
	t := s.t
	add := func(id diag.ID, at tally, col int, format string, args ...any) {
		if at.n > 0 {
			t.Findings = append(t.Findings, diag.New(id, s.place(at, col), format, args...))
		}
	}
	if d := &t.Dialect; d.Header == 0 && s.o.Header == HeaderAuto && s.o.Fixed == nil {
		t.Findings = append(t.Findings, diag.New(NoHeader, s.place(tally{}, -1), "the first row holds values, not names: the columns are called column_1 to column_%d", len(t.Columns)))
	}
	if n := t.Dialect.Skipped; n > 0 {
		t.Findings = append(t.Findings, diag.New(LinesBefore, s.place(tally{}, -1), "%s before the header left out", count(n, "line")))
	}
	rows := func(n int) string { return count(n, "row") }
	add(RowsAfter, s.footer, -1, "%s at the end left out: a total or a line about the report", rows(s.footer.n))
	add(OpenQuote, s.open, -1, "%s with a quote that nothing closes; it was taken away", rows(s.open.n))
	add(StrayQuote, s.stray, -1, "%s with a quote inside a cell that is not doubled; it was kept as text", rows(s.stray.n))
	add(LongRow, s.long, -1, "%s with more cells than the header has names: their values stand in the wrong columns", rows(s.long.n))
	brokenRows := tally{n: len(s.brokenRows)}
	if brokenRows.n > 0 {
		brokenRows.row, brokenRows.line = s.broken[0].number, s.broken[0].line
		add(BrokenRow, brokenRows, -1, "%s that a line end within a cell has broken: with those beside them they would be whole", rows(brokenRows.n))
	}
	short := s.short
	short.n -= brokenRows.n
	add(ShortRow, short, -1, "%s with fewer cells than the header has names; the last ones are taken as blank", rows(short.n))
	if s.lastShort && s.lastRow.number == s.last && s.last > 0 && t.Dialect.Footer == 0 && t.Dialect.Comma != 0 && short.n <= 1+s.rows/5 || s.open.n > 0 && s.lastRow.open && s.lastRow.number == s.last {
		at := tally{1, s.lastRow.number, s.lastRow.line}
		add(CutOff, at, -1, "")
	}
	add(BeyondLast, s.beyond, -1, "%s with text behind the last column", rows(s.beyond.n))
	add(NoResult, s.noResult, -1, "%s without a stored value; they are blank", count(s.noResult.n, "formula"))
	for i := range t.Columns {
		c, col := &s.columns[i], &t.Columns[i]
		cells := func(n int) string { return count(n, "cell") }
		add(Unwrapped, c.wrapped, i, `%s in ="..." or behind an apostrophe, as spreadsheets keep text; read without`, cells(c.wrapped.n))
		add(ErrorValue, c.errors, i, "%s with an error of a spreadsheet in place of a value; read as missing", cells(c.errors.n))
		add(DamagedExponent, c.exponents, i, "%s that a spreadsheet has rounded to a number with an exponent; what stood there is lost", cells(c.exponents.n))
		if col.zeros {
			add(DamagedZeros, c.zeros, i, "%s of more than 15 digits that all end in zeros: a spreadsheet has rounded them", cells(c.zeros.n))
		}
		if c.zip4.n > 0 && c.zip4.n <= c.zip5.n || c.zip4.n > 0 && c.zip5.n == 0 && c.zip4.n*2 > c.filled {
			add(LostZeros, c.zip4, i, "%s of four digits: a leading zero was lost", count(c.zip4.n, "ZIP code"))
		}
		d := col.Dates
		if d == nil {
			continue
		}
		add(Serials, c.serial, i, "%s with a day as a spreadsheet counts them; read as dates", cells(c.serial.n))
		if c.short.n > 0 && d.Question == nil {
			last := d.Pivot
			if !d.Past {
				last += future
			}
			add(TwoDigitYears, c.short, i, "%s with years of two digits, read as %d to %d", count(c.short.n, "date"), last-99, last)
		}
		fails := c.none
		switch d.Order {
		case MDY:
			fails.plus(c.mdyFails)
		case DMY:
			fails.plus(c.dmyFails)
		}
		add(NoDate, fails, i, "%s that are no dates in a column of dates", cells(fails.n))
	}
}

// name names the columns from the rows of the header, or without one by their positions.
func (t *Table) name(header []string, width int, spans []Span) {
	seen := map[string]bool{}
	var same, blank []string
	for i := range width {
		written := ""
		if i < len(header) {
			written = header[i]
		}
		if spans != nil && t.Dialect.Header == 0 {
			written = spans[i].Name
		}
		clean := strings.Join(strings.FieldsFunc(written, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == 0xfeff }), " ")
		if in := clean; in != "" {
			if un, ok := unwrap(in); ok {
				clean = trim(un)
			}
		}
		name := clean
		if name == "" {
			name = "column_" + strconv.Itoa(i+1)
		}
		for n := 2; seen[name]; n++ {
			name = cmp.Or(clean, "column") + "_" + strconv.Itoa(n)
		}
		seen[name] = true
		t.Columns = append(t.Columns, Column{Name: name, Written: written})
		if clean == "" {
			blank = append(blank, name)
		} else if name != clean {
			same = append(same, name)
		}
	}
	t.same, t.blank = same, blank
}

func (t *Table) nameFindings() {
	if t.Dialect.Header == 0 {
		return
	}
	at := t.Place(&Row{Number: t.Dialect.Header, Line: t.headerLine}, -1)
	if len(t.same) > 0 {
		t.Findings = append(t.Findings, diag.New(SameName, at, "columns of one name: the later are called %s", strings.Join(t.same, ", ")))
	}
	var blank []string
	for _, b := range t.blank {
		if i := t.Column(b); i >= 0 && t.Columns[i].Filled > 0 {
			blank = append(blank, b)
		}
	}
	if len(blank) > 0 {
		t.Findings = append(t.Findings, diag.New(NoName, at, "%s without a name, called %s", count(len(blank), "column"), strings.Join(blank, ", ")))
	}
}
