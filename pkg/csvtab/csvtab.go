// Package csvtab reads and writes tables: delimited text (RFC 4180 and what offices make of it), text of fixed width, and workbooks
// of Office Open XML (ECMA-376, SpreadsheetML: .xlsx), as rows of cells that know their place.
//
// # Terminology
//
// A File holds one Table, a workbook one for each sheet that shows and has cells. A table has a header, which names its Columns, and
// Rows of data. Open reads the whole file once, in memory that does not grow with it, before the first row is given out: only the whole
// file says in what encoding it is, where the data ends, what order the dates of a column have, and which identifiers a spreadsheet
// has ruined. Rows then reads it again, row by row.
//
// A cell's text is what its writer meant by it: without quotes, without the ="..." and the apostrophe that keep a spreadsheet from
// taking an identifier for a number (both are counted in the findings), but with its blanks. Nothing is ever made a number here. A
// typed cell of a workbook has the text that a person sees: a date is 2026-03-04, a truth value TRUE or FALSE, a number is written
// plainly, with the zeros that its format puts before it.
//
// The row number of a place is what a spreadsheet shows beside the row: the header counts, and so does a blank row; a sep= line does
// not. A row over several lines, in quotes, is one row.
//
// # What is repaired, and what is not
//
// A quote that does not end a cell is taken as text; a quote that nothing closes is taken away; a row that is too short lacks its
// last cells. Each is a finding that names the row. A row that has more cells than the header, or was broken by a line end outside
// of quotes, has values in the wrong columns: its Fault says so, and nobody should use its cells.
package csvtab

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Findings of the codec.
const (
	Binary          diag.ID = "CP-CSV-001" // NUL bytes
	UnmarkedUTF16   diag.ID = "CP-CSV-002" // UTF-16 without a byte order mark
	EncodingGuessed diag.ID = "CP-CSV-003" // not UTF-8
	EncodingMixed   diag.ID = "CP-CSV-004" // UTF-8 and single bytes in one file
	EncodingUnknown diag.ID = "CP-CSV-005" // an option names an encoding that nobody knows
	EncodingWrong   diag.ID = "CP-CSV-006" // bytes without a character
	ForPeople       diag.ID = "CP-CNV-008" // a letter, a mail
	OldWorkbook     diag.ID = "CP-CSV-007" // .xls
	LockedWorkbook  diag.ID = "CP-CSV-008" // encrypted
	OtherWorkbook   diag.ID = "CP-CSV-009" // .ods, .numbers, .xlsb
	NoTable         diag.ID = "CP-CSV-010" // a web page, a PDF
	NoRows          diag.ID = "CP-CSV-011"
	OneColumn       diag.ID = "CP-CSV-012" // no delimiter was found
	DelimiterUnsure diag.ID = "CP-CSV-013"
	NoHeader        diag.ID = "CP-CSV-014"
	LinesBefore     diag.ID = "CP-CSV-015" // a title before the header
	RowsAfter       diag.ID = "CP-CSV-016" // totals, a footer
	SameName        diag.ID = "CP-CSV-017" // two columns of one name
	NoName          diag.ID = "CP-CSV-018" // a column without a name
	ShortRow        diag.ID = "CP-CSV-019"
	LongRow         diag.ID = "CP-CSV-020"
	BrokenRow       diag.ID = "CP-CSV-021" // a line end within a cell that is not quoted
	StrayQuote      diag.ID = "CP-CSV-022"
	OpenQuote       diag.ID = "CP-CSV-023" // a quote that nothing closes
	Unwrapped       diag.ID = "CP-CSV-024" // ="00123", '00123
	ErrorValue      diag.ID = "CP-CSV-025" // #N/A
	DamagedExponent diag.ID = "CP-CSV-026" // 1.23E+15
	DamagedZeros    diag.ID = "CP-CSV-027" // 123456789012345000
	LostZeros       diag.ID = "CP-CSV-028" // ZIP codes of four digits
	DatesAmbiguous  diag.ID = "CP-CSV-029"
	DatesMixed      diag.ID = "CP-CSV-030"
	TwoDigitYears   diag.ID = "CP-CSV-031"
	Serials         diag.ID = "CP-CSV-032"
	NoDate          diag.ID = "CP-CSV-033" // no date in a column of dates
	CutOff          diag.ID = "CP-CSV-034"
	TooLarge        diag.ID = "CP-CSV-035"
	HiddenSheet     diag.ID = "CP-CSV-036"
	HiddenRows      diag.ID = "CP-CSV-037"
	NoResult        diag.ID = "CP-CSV-038" // a formula without a value
	BadWorkbook     diag.ID = "CP-CSV-039"
	Bomb            diag.ID = "CP-CSV-040"
	NoSheet         diag.ID = "CP-CSV-041"
	BeyondLast      diag.ID = "CP-CSV-042" // text of fixed width between the columns or behind them
	BadColumns      diag.ID = "CP-CSV-043" // of fixed width
	Merged          diag.ID = "CP-CSV-044"
	CellTooLong     diag.ID = "CP-CSV-045" // for a spreadsheet
	HeaderLost      diag.ID = "CP-CSV-046" // the header that was asked for is not there
	OtherTable      diag.ID = "CP-CSV-060" // below the first in one file
	HeaderAgain     diag.ID = "CP-CSV-061" // on each page of a printed list
)

// A Source opens the bytes of an input from their beginning. It is called once for every pass over the input; what it returns is read
// to its end or closed before. Where that is an io.ReaderAt and io.Seeker too, as a file is, a workbook is read in place, else in memory.
type Source func() (io.ReadCloser, error)

// Bytes is a Source in memory.
func Bytes(b []byte) Source { return At(bytes.NewReader(b), int64(len(b))) }

// At is a Source of so many bytes that can be read anywhere. It does not close r.
func At(r io.ReaderAt, size int64) Source {
	return func() (io.ReadCloser, error) { return section{io.NewSectionReader(r, 0, size)}, nil }
}

type section struct{ *io.SectionReader }

func (section) Close() error { return nil }

// HeaderMode says whether a table has a row of names.
type HeaderMode uint8

const (
	HeaderAuto HeaderMode = iota // find out
	HeaderYes                    // the first row after Skip that is not blank
	HeaderNone                   // there is none
)

// Order is the order of day, month and year in dates of numbers.
type Order string

// The orders, as --dates has them.
const (
	MDY Order = "mdy"
	DMY Order = "dmy"
	YMD Order = "ymd"
)

// Span is a column of fixed width: its characters are counted from 1.
type Span struct {
	Name       string
	Start, Len int
}

// Options say what Open shall not find out by itself. The zero value is what most want.
type Options struct {
	Encoding string     // utf-8, utf-16, utf-16le, utf-16be, windows-1252, macroman, ...; empty: find out
	Comma    byte       // the delimiter; 0: find out
	Header   HeaderMode // of a text of fixed width, HeaderAuto is HeaderNone
	Skip     int        // lines before the header, or the data, that are neither
	Fixed    []Span     // the columns of a text of fixed width
	Sheets   []string   // the sheets of a workbook to read, hidden or not, by name or by their number among those that show; empty: all that show
	Hidden   []string   // hidden sheets that are read beside those that show; * stands for any text
	Dates    Order      // of every column; empty: each column says so itself
	Footer   bool       // every row below the header is data, even where it looks like totals or like a header

	// Pivot is the last year that a two-digit year of a birth or another thing of the past can mean: 27 is 1927 if it is 2026. 0:
	// the latest year that the file's own dates have with four digits, but no earlier than PivotYear.
	Pivot int

	from1904 bool

	MaxRow      int   // bytes of a row; 0 is 16 MiB
	MaxUnpacked int64 // bytes of a member of a workbook; 0 is 4 GiB
}

// PivotYear is what a file without four-digit years is read with. It is a constant and not the clock's year, so that the same file gives
// the same output next year.
const PivotYear = 2026

// File is an input that has been read once.
type File struct {
	Name     string
	Format   string // csv, fixed, xlsx
	Tables   []*Table
	Findings []*diag.Finding // those that are about no table: hidden sheets
	closer   io.Closer
}

// Close closes what a workbook holds open.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// All is every finding of the file and its tables.
func (f *File) All() []*diag.Finding {
	all := f.Findings
	for _, t := range f.Tables {
		all = append(all[:len(all):len(all)], t.Findings...)
	}
	return all
}

// Dialect is how a text has been read.
type Dialect struct {
	Encoding string // UTF-8, UTF-16LE, UTF-16BE, windows-1252, macintosh, ...
	Guessed  bool   // the encoding was
	BOM      bool   // it begins with a byte order mark
	Sep      bool   // it begins with a sep= line
	Comma    byte   // the delimiter; 0 for fixed width and workbooks
	Quote    byte   // what quotes cells
	LineEnd  string // of the first line
	Header   int    // the row number of the (last) header row, 0 if there is none
	Skipped  int    // rows before the header, or the data, that were left out
	Footer   int    // rows after the data that were left out
}

// Table is one table of a file.
type Table struct {
	Source   string // the file's name
	Sheet    string // of a workbook
	Dialect  Dialect
	Columns  []Column
	Count    int             // rows of data, those with a Fault included
	Faults   int             // rows with a Fault
	Findings []*diag.Finding // over the whole table, each kind once for a column, with a count

	// DecimalComma says that some number has a decimal comma, 5,4: then a point before three digits, 11.200, may be one of thousands.
	DecimalComma bool

	open   func() (rowSource, error)
	survey *survey

	rawHeader   string
	headerLine  int
	same, blank []string // names that were made
	wrongBytes  int      // blocks with bytes that have no character
}

// Column is a column of a table, as the whole table shows it.
type Column struct {
	Name    string // its name in the header without outer blanks; a second CODE is CODE_2, a nameless one column_3
	Written string // its name as it stands in the header
	Filled  int    // cells that are not blank
	Dates   *Dates // how its dates are to be read; nil if it is no column of dates

	zeros     bool // its long numbers have been rounded to 15 digits
	exponents bool // some of its identifiers have become numbers with an exponent

	letters uint32 // the cells of one letter that it has
}

// HasLetter reports whether some cell of the column is this letter and nothing else, large or small.
func (c *Column) HasLetter(letter byte) bool { return c.letters&letterBit(letter) != 0 }

// Row is a row of data. It and its Cells are good until the next row; their texts stay good, but each holds on to the block of the
// file that it stands in (64 KiB): who keeps few of them clones them.
type Row struct {
	Number int           // as a spreadsheet counts, from 1
	Line   int           // where it begins, from 1; in a workbook the row number
	Cells  []Cell        // one for each column of the table
	Raw    string        // as it stands in the source, in UTF-8, without its line end; of a workbook its cells as CSV
	Short  bool          // it lacked cells at its end
	Fault  *diag.Finding // why its cells cannot be trusted; nil if they can
}

// Cell is a cell of a row.
type Cell struct {
	Text string
	Is   Trait
}

// Trait is what is known of a cell beside its text.
type Trait uint8

const (
	WasWrapped Trait = 1 << iota // it stood as ="...", or behind an apostrophe
	IsError                      // an error of a spreadsheet: #N/A, #REF!. Its value is missing
	IsDamaged                    // an identifier that a spreadsheet has rounded: it cannot be recovered
	IsNumber                     // a number cell of a workbook
	IsDate                       // a date or date-time cell of a workbook; its text is ISO 8601 without an offset
	IsBool                       // a boolean cell of a workbook
)

// Blank reports whether the cell holds nothing but blanks.
func (c Cell) Blank() bool { return isBlank(c.Text) }

// A rowSource yields the rows of a table, from its first line on.
type rowSource interface {
	// next reads the next row that has a line of its own, blank or not. ok is false at the end.
	next() (r *rawRow, ok bool, err error)
	Close() error
}

// Header is the names of the columns.
func (t *Table) Header() []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// RawHeader is the header as it stands in the source, without its line end; empty if there is none.
func (t *Table) RawHeader() string { return t.rawHeader }

// Column is the index of the column of a name, -1 if there is none.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Place is where a cell stands; a column of -1 is the whole row.
func (t *Table) Place(r *Row, column int) diag.Place {
	p := diag.Place{Source: t.Source, Line: r.Line, Path: "row " + strconv.Itoa(r.Number)}
	if t.Sheet != "" {
		p.Line, p.Path = 0, "sheet "+t.Sheet+", "+p.Path
	}
	if column >= 0 && column < len(t.Columns) {
		p.Path += ", column " + t.Columns[column].Name
	}
	return p
}

// Date reads the text of a cell as the column's dates are read. born says that it is of the past, so that a two-digit year is never
// later than the pivot; a column whose name says so (BIRTHDATE, DOB, deceased) needs no telling. ok is false if it is no date, or
// if the column's order is an open question.
func (t *Table) Date(column int, text string, born bool) (d Date, ok bool) {
	c := &t.Columns[column]
	if c.Dates == nil {
		return parseDate(text, &Dates{Pivot: PivotYear}, born)
	}
	return parseDate(text, c.Dates, born)
}

// AsDates says how the dates of a column are to be read that somebody who knows the table says holds dates, even if most of its cells are
// none. With an order, which answers the question that they may leave open, they are read so. From then on Date reads the column as
// this says; it is not to be called while rows are read.
func (t *Table) AsDates(column int, order Order) *Dates {
	c, s := &t.Columns[column], t.survey
	if c.Dates == nil { // only now it is known that the column is one of dates
		c.Dates = s.order(column, order)
		t.Findings = append(t.Findings, s.dateFindings(column, c.Dates)...)
	} else if order != "" {
		c.Dates = s.order(column, order)
	}
	return c.Dates
}

// Rows reads the rows of data in order; blank rows, and what Dialect says was skipped, are left out. An error of the source ends it.
func (t *Table) Rows() iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) { t.rows(yield) }
}

// Format is what the tree must know of tables. A row is a document whose Root has the row number as its ordinal, and the sheet, if
// any, as its name; the cells are its children, named as the columns.
var Format = &tree.Format{Name: "csv", Place: place}

func place(d *tree.Doc, n tree.Node) string {
	if n < tree.Root {
		return ""
	}
	at := "row " + strconv.Itoa(d.Ordinal(tree.Root))
	if n > tree.Root {
		at += ", column " + d.Name(n)
	}
	return at
}

// Tree fills d, which must be of Format, with the cells of a row that are not blank.
func (t *Table) Tree(d *tree.Doc, r *Row) {
	d.Reset()
	d.Line, d.Column = r.Line, 1
	d.SetOrdinal(tree.Root, r.Number)
	for i := range r.Cells {
		if !r.Cells[i].Blank() {
			d.Add(tree.Root, t.Columns[i].Name, r.Cells[i].Text)
		}
	}
}

// Open reads a file once and says what is in it. A file that holds no table is a *diag.Finding as the error.
func Open(name string, src Source, o Options) (*File, error) {
	if o.MaxRow <= 0 {
		o.MaxRow = 16 << 20
	}
	if o.MaxUnpacked <= 0 {
		o.MaxUnpacked = 4 << 30
	}
	if o.Dates != "" && o.Dates != MDY && o.Dates != DMY && o.Dates != YMD {
		return nil, fmt.Errorf("dates are mdy, dmy or ymd, not %q", o.Dates)
	}
	return open(name, src, &o)
}
