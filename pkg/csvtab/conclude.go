package csvtab

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
)

// What the survey concludes from what it has counted: which rows are no data, how the dates of each column are read, and the findings.

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
	t.Count, t.Faults = s.rows, s.long.n+s.other.n+len(s.brokenRows)
	// Trailing columns without a name and a cell are delimiters at the end of each line.
	for n := len(t.Columns); n > 1 && t.Dialect.Header > 0 && s.columns[n-1].filled == 0 && isBlank(t.Columns[n-1].Written); n-- {
		t.Columns = t.Columns[:n-1]
	}
	s.lastPivot = s.pivot()
	for i := range t.Columns {
		c, col := &s.columns[i], &t.Columns[i]
		col.Filled = c.filled
		col.zeros = c.long > 0 && c.zeros.n == c.long && (c.long > 1 || c.id)
		col.exponents = c.exponents.n > 0
		col.letters = c.letters
		t.DecimalComma = t.DecimalComma || c.comma
		if col.Dates = s.decide(i); col.Dates != nil && col.Dates.Question != nil {
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
func (s *survey) decide(i int) *Dates {
	c := &s.columns[i]
	filled := c.filled - c.errors.n
	compact := c.compactOrder(s.o.Dates)
	dates := c.dates
	if compact == "" {
		dates -= c.compact
	}
	if dates == 0 || dates*2 <= filled-c.serial.n-c.partial.n || dates < c.serial.n {
		return nil
	}
	if dates == c.compact && !c.day && c.compact < 20 {
		return nil // eight digits, and nobody calls them a date
	}
	return s.order(i, s.o.Dates)
}

// order says how the dates of a column are to be read, in the order that was asked for if one was.
func (s *survey) order(i int, asked Order) *Dates {
	c, col := &s.columns[i], &s.t.Columns[i]
	compact := c.compactOrder(asked)
	d := &Dates{Pivot: s.lastPivot, Past: c.past, From1904: s.o.from1904, Compact: compact}
	d.Serials = c.serial.n > 0
	place := func(t tally) diag.Place { return s.place(t, i) }
	ask := func(id diag.ID, at tally, format string, args ...any) {
		d.Question = diag.New(id, place(at), format, args...)
	}
	switch {
	case c.numbers.n == 0:
	case asked != "":
		d.Order = asked
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
		ask(DatesAmbiguous, c.numbers, "column %s has %s that can be read with the month or with the day first, and none that says which%s: is it "+
			"--dates mdy or dmy?", col.Name, count(c.numbers.n-c.same, "date"), s.elsewhere(i))
	}
	if compact == "?" {
		d.Compact = ""
		if c.compactFirst13.n > 0 && c.compactSecond13.n > 0 {
			ask(DatesMixed, c.compactFirst13, "column %s holds dates of eight digits with the day first (row %d) and with the month first (row %d)",
				col.Name, c.compactFirst13.row, c.compactSecond13.row)
		} else {
			ask(DatesAmbiguous, c.eights, "column %s has dates of eight digits that can be read with the month or with the day first: is it --dates mdy or dmy?",
				col.Name)
		}
	}
	return d
}

// elsewhere says, for a person who is asked about a column, which order the dates of another have. It decides nothing: a table may well be
// put together from two sources.
func (s *survey) elsewhere(column int) string {
	for i := range s.columns {
		c := &s.columns[i]
		if i == column || i >= len(s.t.Columns) || c.dates*2 <= c.filled {
			continue
		}
		switch {
		case c.second13.n > 0 && c.first13.n == 0:
			return " (column " + s.t.Columns[i].Name + " has the month first)"
		case c.first13.n > 0 && c.second13.n == 0:
			return " (column " + s.t.Columns[i].Name + " has the day first)"
		}
	}
	return ""
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
		t.Findings = append(t.Findings, diag.New(NoHeader, s.place(tally{}, -1),
			"the first row holds values, not names: columns are called by their numbers, column_1 and so on"))
	}
	if n := t.Dialect.Skipped; n > 0 {
		t.Findings = append(t.Findings, diag.New(LinesBefore, s.place(tally{}, -1), "%s before the header left out", count(n, "line")))
	}
	rows := func(n int) string { return count(n, "row") }
	add(RowsAfter, s.footer, -1, "%s at the end left out: a total or a line about the report", rows(s.footer.n))
	add(HeaderAgain, s.again, -1, "%s that say the header again left out", rows(s.again.n))
	add(OtherTable, s.other, -1, "another table begins here, below a blank row: %s of it are not read under the names of the first", rows(s.other.n))
	add(OpenQuote, s.open, -1, "%s with a quote that nothing closes; it was taken away", rows(s.open.n))
	add(StrayQuote, s.stray, -1, "%s with a quote inside a cell that is not doubled; it was kept as text", rows(s.stray.n))
	add(LongRow, s.long, -1, "%s with more cells than the header has names: values stand in the wrong columns", rows(s.long.n))
	brokenRows := tally{n: len(s.brokenRows)}
	if brokenRows.n > 0 {
		brokenRows.row, brokenRows.line = s.broken[0].number, s.broken[0].line
		add(BrokenRow, brokenRows, -1, "%s that a line end within a cell has broken: put together they would be whole", rows(brokenRows.n))
	}
	short := s.short
	short.n -= brokenRows.n
	add(ShortRow, short, -1, "%s with fewer cells than the header has names; the last ones are taken as blank", rows(short.n))
	if last := &s.lastRow; last.number > 0 && last.number == s.last && t.Dialect.Comma != 0 && t.Dialect.Footer == 0 &&
		(last.open || s.lastShort && short.n <= 1+s.rows/5) {
		add(CutOff, tally{1, last.number, last.line}, -1, "")
	}
	add(BeyondLast, s.beyond, -1, "%s with text that stands in no column", rows(s.beyond.n))
	add(NoResult, s.noResult, -1, "%s without a stored value; they are blank", count(s.noResult.n, "formula"))
	for i := range t.Columns {
		c, col := &s.columns[i], &t.Columns[i]
		cells := func(n int) string { return count(n, "cell") }
		add(Unwrapped, c.wrapped, i, `%s in ="..." or behind an apostrophe, as spreadsheets keep text; read without`, cells(c.wrapped.n))
		add(ErrorValue, c.errors, i, "%s with an error of a spreadsheet in place of a value; read as missing", cells(c.errors.n))
		add(DamagedExponent, c.exponents, i, "%s that a spreadsheet has rounded to a number with an exponent; what stood there is lost", cells(c.exponents.n))
		if col.zeros {
			add(DamagedZeros, c.zeros, i, "%s of more than 15 digits with zeros from the sixteenth on, as a spreadsheet rounds them", cells(c.zeros.n))
		}
		if (c.zip4.n+c.zip5.n)*2 > c.filled {
			add(LostZeros, c.zip4, i, "%s of four digits: a leading zero was lost", count(c.zip4.n, "ZIP code"))
		}
		if d := col.Dates; d != nil {
			t.Findings = append(t.Findings, s.dateFindings(i, d)...)
			fails := c.none
			switch d.Order {
			case MDY:
				fails.plus(c.mdyFails)
			case DMY:
				fails.plus(c.dmyFails)
			}
			add(NoDate, fails, i, "%s without a date in a column of dates", cells(fails.n))
		}
	}
}

// dateFindings are what had to be concluded to read the dates of a column.
func (s *survey) dateFindings(i int, d *Dates) (finds []*diag.Finding) {
	c := &s.columns[i]
	if c.serial.n > 0 {
		finds = append(finds, diag.New(Serials, s.place(c.serial, i), "%s with a day as a spreadsheet counts them; read as dates", count(c.serial.n, "cell")))
	}
	if c.short.n > 0 && d.Question == nil {
		last := d.Pivot
		if !d.Past {
			last += future
		}
		finds = append(finds, diag.New(TwoDigitYears, s.place(c.short, i), "%s with years of two digits, read as %d to %d",
			count(c.short.n, "date"), last-99, last))
	}
	return finds
}
