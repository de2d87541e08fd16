package csvtab

import (
	"bufio"
	"io"
	"slices"
	"strings"
)

// Kind is what the cells of a column that is written are.
type Kind uint8

const (
	Text     Kind = iota // an identifier, a code, words: never a number, even where it looks like one
	Number               // a number; what is none is written as text
	Day                  // a date, ISO 8601: 2026-03-04
	DateTime             // a date with a time, ISO 8601. With an offset it stays text in a workbook, whose dates know none
	Boolean              // true or false
)

// Field is a column to be written.
type Field struct {
	Name string
	Kind Kind
}

// A RowWriter takes the rows of one table: a CSV file, or a sheet of a workbook.
type RowWriter interface {
	// Row writes one row; its cells stand in the order of the fields, and "" is a blank cell. The slice may be used again.
	Row(cells []string) error
	// Close ends the table. It does not close what it is written to.
	Close() error
}

// Writing says how a CSV is written. The zero value writes UTF-8, commas, \n, quotes where they are needed, and neutralises formulas.
type Writing struct {
	Comma    byte // 0 is a comma
	Excel    bool // what Excel opens right: a byte order mark, \r\n, and identifiers that it would take for numbers as ="00123"
	CRLF     bool
	QuoteAll bool
	Raw      bool // write cells as they are, even if a spreadsheet would take one for a formula
	NoHeader bool
}

// Writer writes a CSV.
//
// A cell that a spreadsheet would run as a formula gets an apostrophe before it, which the reader takes away again; so does one that
// looks as if it had such an apostrophe. A plain negative number stays as it is, in a column of numbers +1 too.
type Writer struct {
	w      *bufio.Writer
	o      Writing
	fields []Field
	begun  bool
	told   bool // what the first line is, has been looked at
	end    string
	buf    []byte
}

// NewWriter writes the header, if any, with the first row or with Close.
func NewWriter(w io.Writer, fields []Field, o Writing) *Writer {
	if o.Comma == 0 {
		o.Comma = ','
	}
	end := "\n"
	if o.CRLF || o.Excel {
		end = "\r\n"
	}
	return &Writer{w: bufio.NewWriterSize(w, 64<<10), o: o, fields: fields, end: end}
}

func (w *Writer) begin() {
	w.begun = true
	if w.o.Excel {
		w.buf = append(w.buf, "\ufeff"...)
	}
	if w.o.NoHeader {
		return
	}
	for i, f := range w.fields {
		if i > 0 {
			w.buf = append(w.buf, w.o.Comma)
		}
		w.cell(f.Name, Text, len(w.fields) == 1)
	}
	w.buf = append(w.buf, w.end...)
}

// Row writes one row. Cells beyond the fields are text.
func (w *Writer) Row(cells []string) error {
	w.buf = w.buf[:0]
	if !w.begun {
		w.begin()
	}
	for i, c := range cells {
		if i > 0 {
			w.buf = append(w.buf, w.o.Comma)
		}
		kind := Text
		if i < len(w.fields) {
			kind = w.fields[i].Kind
		}
		w.cell(c, kind, len(cells) == 1)
	}
	w.buf = append(w.buf, w.end...)
	w.notSep()
	_, err := w.w.Write(w.buf)
	return err
}

// notSep puts a line that tells the delimiter before a first line that reads as one and is none: a table of one column that is called sep=;
func (w *Writer) notSep() {
	if w.told {
		return
	}
	w.told = true
	mark := 0
	if w.o.Excel {
		mark = len("\ufeff")
	}
	if _, _, ok := sepLine(string(w.buf[mark:])); ok {
		w.buf = slices.Insert(w.buf, mark, []byte("sep="+string(rune(w.o.Comma))+w.end)...)
	}
}

// cell appends one cell. alone is the only one of its row, which must not look like a blank line.
func (w *Writer) cell(s string, kind Kind, alone bool) {
	mark := ""
	if !w.o.Raw && s != "" {
		switch {
		case w.o.Excel && kind == Text && excelSpoils(s):
			w.quoted(`="` + s + `"`)
			return
		case (active(s) && !isNumber(s, kind == Number)) || hidden(s):
			mark = "'"
		}
	}
	if w.o.QuoteAll || alone && s == "" || needsQuotes(s, w.o.Comma) {
		w.quoted(mark + s)
		return
	}
	w.buf = append(append(w.buf, mark...), s...)
}

func (w *Writer) quoted(s string) {
	w.buf = append(w.buf, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		w.buf = append(append(w.buf, s[:i]...), `""`...)
		s = s[i+1:]
	}
	w.buf = append(append(w.buf, s...), '"')
}

// needsQuotes: delimiters of any dialect, so that sniffing finds the one in use; quotes, line ends, outer blanks.
func needsQuotes(s string, comma byte) bool {
	if s == "" {
		return false
	}
	if s[0] == ' ' || s[len(s)-1] == ' ' {
		return true
	}
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\n', '\r', '\t', ';', '|', ',', 0x1a:
			return true
		default:
			if c == comma {
				return true
			}
		}
	}
	return false
}

// excelSpoils reports whether Excel would show a text as another number, or as a date: leading zeros, more than 15 digits, an exponent,
// 1-2 or 3/4.
func excelSpoils(s string) bool {
	if len(s) < 2 || len(s) > 255 || strings.IndexByte(s, '"') >= 0 {
		return false
	}
	t := s
	if t[0] == '+' || t[0] == '-' {
		t = t[1:]
	}
	if t == "" || !digit(t[0]) {
		return false
	}
	digits, other := 0, 0
	for i := range len(t) {
		switch c := t[i]; {
		case digit(c):
			digits++
		case c == '-' || c == '/' || c|0x20 == 'e' || c == '+' || c == '.' || c == ':':
			other++
		default:
			return false
		}
	}
	return t[0] == '0' && digits > 1 || digits > 11 || other > 0 || s[0] == '+'
}

// Close writes the header if there was no row, and what is left.
func (w *Writer) Close() error {
	if !w.begun {
		w.buf = w.buf[:0]
		w.begin()
		w.notSep()
		if _, err := w.w.Write(w.buf); err != nil {
			return err
		}
	}
	return w.w.Flush()
}
