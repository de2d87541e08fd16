package csvtab_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
)

var update = flag.Bool("update", false, "write the .want files anew")

// damaged is what offices really have: one file for each hazard, with the findings that it must bring. What is read of it stands beside
// it in a .want file.
var damaged = []struct {
	file    string
	o       Options
	finding []diag.ID // all of them, in order of their ids, each once
}{
	// Encodings.
	{"utf8-bom.csv", Options{}, nil},
	{"utf16le-bom.csv", Options{}, nil},
	{"utf16be-bom.csv", Options{}, nil},
	{"utf16le-bare.csv", Options{}, []diag.ID{UnmarkedUTF16}},
	{"windows1252.csv", Options{}, []diag.ID{EncodingGuessed}},
	{"macroman.csv", Options{}, []diag.ID{EncodingGuessed}},
	{"windows1252.csv", Options{Encoding: "windows-1252"}, nil},
	{"windows1252.csv", Options{Encoding: "utf-8"}, []diag.ID{EncodingMixed}},
	{"windows1252.csv", Options{Encoding: "klingon"}, []diag.ID{EncodingUnknown}},
	{"mixed.csv", Options{}, []diag.ID{EncodingMixed}},
	{"wrong-bom.csv", Options{}, []diag.ID{EncodingMixed}},
	{"nul.csv", Options{}, []diag.ID{Binary}},
	{"pipe-utf16-padded.csv", Options{}, []diag.ID{NoHeader}},

	// Dialects.
	{"semicolon.csv", Options{}, nil},
	{"tab.csv", Options{}, nil},
	{"pipe.csv", Options{}, nil},
	{"sep.csv", Options{}, nil},
	{"unsure.csv", Options{}, []diag.ID{DelimiterUnsure}},
	{"unsure.csv", Options{Comma: ';'}, nil},
	{"one-column.csv", Options{}, []diag.ID{OneColumn}},
	{"old-mac.csv", Options{}, nil},
	{"crlf-quoted-newline.csv", Options{}, nil},
	{"multi-value.csv", Options{}, nil},
	{"json-cell.csv", Options{}, nil},
	{"space-before-quote.csv", Options{}, nil},
	{"dos-eof.csv", Options{}, nil},

	// Dates.
	{"mdy.csv", Options{}, nil},
	{"dmy.csv", Options{}, nil},
	{"dates-ambiguous.csv", Options{}, []diag.ID{DatesAmbiguous}},
	{"dates-ambiguous.csv", Options{Dates: DMY}, nil},
	{"dates-elsewhere.csv", Options{}, []diag.ID{DatesAmbiguous}},
	{"dates-mixed.csv", Options{}, []diag.ID{DatesMixed}},
	{"dates-mdy-option.csv", Options{Dates: MDY}, []diag.ID{NoDate}},
	{"dates-same.csv", Options{}, nil},
	{"two-digit-years.csv", Options{}, []diag.ID{TwoDigitYears}},
	{"serials.csv", Options{}, []diag.ID{Serials}},
	{"no-date.csv", Options{}, []diag.ID{NoDate}},
	{"date-forms.csv", Options{}, nil},
	{"compact.txt", Options{}, nil},

	// What spreadsheets do to identifiers.
	{"leading-zeros.csv", Options{}, []diag.ID{LostZeros}},
	{"lost-zeros.csv", Options{}, []diag.ID{LostZeros}},
	{"exponent.csv", Options{}, []diag.ID{DamagedExponent}},
	{"rounded.csv", Options{}, []diag.ID{DamagedZeros}},
	{"not-rounded.csv", Options{}, nil},
	{"wrapped.csv", Options{}, []diag.ID{Unwrapped}},
	{"formula.csv", Options{}, []diag.ID{Unwrapped}},
	{"errors.csv", Options{}, []diag.ID{ErrorValue}},

	// Rows.
	{"short-rows.csv", Options{}, []diag.ID{ShortRow}},
	{"trailing-omitted.csv", Options{}, []diag.ID{ShortRow}},
	{"long-rows.csv", Options{}, []diag.ID{LongRow}},
	{"broken-row.csv", Options{}, []diag.ID{BrokenRow}},
	{"stray-quotes.csv", Options{}, []diag.ID{StrayQuote}},
	{"open-quote.csv", Options{}, []diag.ID{OpenQuote}},
	{"open-quote-last.csv", Options{}, []diag.ID{OpenQuote}},
	{"cut-off.csv", Options{}, []diag.ID{ShortRow, CutOff}},
	{"blank-rows.csv", Options{}, nil},
	{"two-tables.csv", Options{}, []diag.ID{OtherTable}},
	{"two-tables.csv", Options{Footer: true}, nil},
	{"pages.csv", Options{}, []diag.ID{HeaderAgain}},

	// Headers, titles, totals.
	{"headers.csv", Options{}, []diag.ID{SameName, NoName}},
	{"no-header.csv", Options{}, []diag.ID{NoHeader}},
	{"no-header.csv", Options{Header: HeaderNone}, nil},
	{"title.csv", Options{}, []diag.ID{LinesBefore}},
	{"title.csv", Options{Skip: 3, Header: HeaderYes}, []diag.ID{LinesBefore}},
	{"title.csv", Options{Skip: 9, Header: HeaderYes}, []diag.ID{HeaderLost}},
	{"titles-few-rows.csv", Options{}, []diag.ID{LinesBefore, RowsAfter}},
	{"group-names.csv", Options{}, nil},
	{"footer.csv", Options{}, []diag.ID{RowsAfter}},
	{"footer.csv", Options{Footer: true}, []diag.ID{ShortRow}},
	{"rows-affected.csv", Options{}, []diag.ID{RowsAfter}},
	{"remarks.csv", Options{}, []diag.ID{RowsAfter}},
	{"no-footer.csv", Options{}, nil},
	{"empty.csv", Options{}, []diag.ID{NoRows}},
	{"header-only.csv", Options{}, []diag.ID{NoRows}},

	// Fixed width.
	{"fixed.txt", Options{Fixed: spans}, []diag.ID{BeyondLast}},
	{"fixed.txt", Options{Fixed: []Span{{"A", 1, 5}, {"B", 5, 2}}}, []diag.ID{BadColumns}},

	// What is no table.
	{"excel2003.xls", Options{}, []diag.ID{NoTable}},
	{"web-page.xls", Options{}, []diag.ID{NoTable}},
	{"report.pdf", Options{}, []diag.ID{NoTable}},
	{"plain.zip", Options{}, []diag.ID{NoTable}},
	{"letter.docx", Options{}, []diag.ID{ForPeople}},
	{"letter.doc", Options{}, []diag.ID{ForPeople}},
	{"old-workbook.xls", Options{}, []diag.ID{OldWorkbook}},
	{"locked.xlsx", Options{}, []diag.ID{LockedWorkbook}},
	{"sheet.ods", Options{}, []diag.ID{OtherWorkbook}},
	{"binary.xlsb", Options{}, []diag.ID{OtherWorkbook}},
	{"numbers.numbers", Options{}, []diag.ID{OtherWorkbook}},

	// Workbooks.
	{"workbook.xlsx", Options{}, []diag.ID{ErrorValue}},
	{"workbook-1904.xlsx", Options{}, nil},
	{"workbook-numbers.xlsx", Options{}, []diag.ID{DamagedZeros}},
	{"workbook-hidden.xlsx", Options{}, []diag.ID{HiddenSheet, HiddenRows}},
	{"workbook-hidden.xlsx", Options{Sheets: []string{"old list"}}, nil},
	{"workbook-hidden.xlsx", Options{Sheets: []string{"2"}}, []diag.ID{NoRows}},
	{"workbook-hidden.xlsx", Options{Sheets: []string{"5"}}, []diag.ID{NoSheet}},
	{"workbook-hidden.xlsx", Options{Sheets: []string{"1"}}, []diag.ID{HiddenRows}},
	{"workbook-hidden.xlsx", Options{Hidden: []string{"old*"}}, []diag.ID{HiddenSheet, HiddenRows}},
	{"workbook-hidden.xlsx", Options{Sheets: []string{"none"}}, []diag.ID{NoSheet}},
	{"workbook-merged.xlsx", Options{}, []diag.ID{LinesBefore, Merged}},
	{"workbook-formulas.xlsx", Options{}, []diag.ID{NoResult}},
	{"workbook-notes.xlsx", Options{}, []diag.ID{NoName}},
	{"workbook-prefixed.xlsx", Options{}, nil},
	{"workbook-broken.xlsx", Options{}, []diag.ID{BadWorkbook}},
	{"workbook-doctype.xlsx", Options{}, []diag.ID{BadWorkbook}},
	{"workbook.xlsx", Options{MaxUnpacked: 100}, []diag.ID{Bomb}},
}

// spans are the columns of an invented registry.
var spans = []Span{{"Record", 1, 24}, {"Last", 25, 10}, {"First", 35, 10}, {"DOB", 45, 8}, {"Sex", 53, 1}}

func TestDamaged(t *testing.T) {
	var want strings.Builder
	seen := map[string]bool{}
	for _, tt := range damaged {
		data, err := os.ReadFile(filepath.Join("testdata", "damaged", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		seen[tt.file] = true
		f, err := Open(tt.file, Bytes(data), tt.o)
		got := describe(t, &want, tt.file, tt.o, f, err)
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, tt.finding) {
			t.Errorf("%s: findings %v, want %v", tt.file, got, tt.finding)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "damaged", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !seen[filepath.Base(f)] {
			t.Errorf("%s is in no case", f)
		}
	}
	golden := filepath.Join("testdata", "damaged.want")
	if *update {
		if err := os.WriteFile(golden, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), want.String()); d != "" {
		t.Errorf("what is read has changed; -update writes it (-want +got):\n%s", d)
	}
}

// describe writes all that is known of a file, and returns its findings.
func describe(t *testing.T, w *strings.Builder, name string, o Options, f *File, err error) (ids []diag.ID) {
	t.Helper()
	fmt.Fprintf(w, "== %s", name)
	for _, x := range []struct {
		name string
		val  any
		set  bool
	}{{"encoding", o.Encoding, o.Encoding != ""}, {"delimiter", string(rune(o.Comma)), o.Comma != 0}, {"dates", o.Dates, o.Dates != ""}, {"header", o.Header, o.Header != 0},
		{"skip", o.Skip, o.Skip != 0}, {"sheet", strings.Join(o.Sheets, ", "), len(o.Sheets) > 0}, {"footer", "data", o.Footer}} {
		if x.set {
			fmt.Fprintf(w, " %s=%v", x.name, x.val)
		}
	}
	fmt.Fprintln(w)
	if err != nil {
		var finding *diag.Finding
		if !errors.As(err, &finding) {
			t.Fatalf("%s: %v", name, err)
		}
		fmt.Fprintf(w, "refused: %v\n\n", finding)
		return []diag.ID{finding.ID}
	}
	defer f.Close()
	for _, x := range f.All() {
		fmt.Fprintf(w, "%v\n", x)
		ids = append(ids, x.ID)
		if x.What == "" && x.ID.Entry().What == "" {
			t.Errorf("%s: %s has no words", name, x.ID)
		}
	}
	for _, tab := range f.Tables {
		d := tab.Dialect
		fmt.Fprintf(w, "%s %q %s guessed=%v bom=%v sep=%v delimiter=%q end=%q header=%d skipped=%d footer=%d rows=%d faults=%d\n", f.Format, tab.Sheet, d.Encoding,
			d.Guessed, d.BOM, d.Sep, d.Comma, d.LineEnd, d.Header, d.Skipped, d.Footer, tab.Count, tab.Faults)
		for _, c := range tab.Columns {
			fmt.Fprintf(w, "  column %q %d filled", c.Name, c.Filled)
			if x := c.Dates; x != nil {
				fmt.Fprintf(w, ", dates %s%s pivot=%d past=%v serials=%v question=%v", x.Order, x.Compact, x.Pivot, x.Past, x.Serials, x.Question != nil)
			}
			fmt.Fprintln(w)
		}
		n, faults := 0, 0
		for r, err := range tab.Rows() {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			n++
			if len(r.Cells) != len(tab.Columns) {
				t.Errorf("%s: row %d has %d cells, and there are %d columns", name, r.Number, len(r.Cells), len(tab.Columns))
			}
			fmt.Fprintf(w, "  %v:", tab.Place(r, -1))
			for i, c := range r.Cells {
				fmt.Fprintf(w, " %q", c.Text)
				for bit, word := range []string{"wrapped", "error", "damaged", "number", "date", "bool"} {
					if c.Is&(1<<bit) != 0 {
						fmt.Fprintf(w, " (%s)", word)
					}
				}
				if tab.Columns[i].Dates != nil && !c.Blank() {
					if d, ok := tab.Date(i, c.Text, false); ok {
						fmt.Fprintf(w, " = %v", d)
					} else {
						fmt.Fprint(w, " = no date")
					}
				}
			}
			if r.Short {
				fmt.Fprint(w, " short")
			}
			if r.Fault != nil {
				faults++
				fmt.Fprintf(w, " FAULT %s", r.Fault.ID)
			}
			fmt.Fprintln(w)
		}
		if n != tab.Count || faults != tab.Faults {
			t.Errorf("%s: %d rows and %d faults were counted, %d and %d came", name, tab.Count, tab.Faults, n, faults)
		}
	}
	fmt.Fprintln(w)
	return ids
}
