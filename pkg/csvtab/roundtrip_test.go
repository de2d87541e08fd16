package csvtab_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/internal/testshared"
	. "github.com/chartpost/chartpost/pkg/csvtab"
)

// read is all cells of the tables of a file.
func read(t testing.TB, data []byte, o Options) (header []string, rows [][]string) {
	t.Helper()
	f, err := Open("file", Bytes(data), o)
	if err != nil {
		t.Fatalf("%v\n%q", err, data)
	}
	for i, tab := range f.Tables {
		if i == 0 {
			header = tab.Header()
		}
		for r, err := range tab.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			if r.Fault != nil {
				t.Fatalf("%v\n%q", r.Fault, data)
			}
			var cells []string
			for _, c := range r.Cells {
				cells = append(cells, c.Text)
			}
			rows = append(rows, cells)
		}
	}
	return header, rows
}

// told is what a reader is told of a file that one of the writers has written.
func told(w Writing) Options {
	o := Options{Header: HeaderYes, Footer: true, Comma: w.Comma}
	if o.Comma == 0 {
		o.Comma = ','
	}
	return o
}

func writeCSV(t testing.TB, fields []Field, rows [][]string, o Writing) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, fields, o)
	for _, r := range rows {
		if err := w.Row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeXLSX(t testing.TB, fields []Field, rows [][]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWorkbook(&b, nil)
	s, err := w.Sheet("Sheet1", fields)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := s.Row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// writings are the ways to write a CSV that must come back as it was.
var writings = []Writing{{}, {Excel: true}, {Comma: ';'}, {Comma: '\t', CRLF: true}, {Comma: '|', QuoteAll: true}}

// awkward are texts that a writer or a reader could change.
var awkward = []string{"", "plain", "=1+1", "=\"00123\"", "'=\"00123\"", "+1 555 0100", "-5", "-5.50", "-x", "@cmd", "\tx", "'t Hooft", "'00123", "''00123", "'", "''", "'-", "'+1",
	"=cmd|' /C calc'!A0", "＝1+1", "00123", "1.23E+15", "1e6", "3/4", "1-2", "a,b", "a;b", "a|b", "a\tb", `say "hi"`, `"`, `""`, "6'1\"", "two\nlines", "two\r\nlines", "cr\rhere", " blank ", "\u00a0",
	"Müller", "\ufeffbom", "日本", "😀", "#N/A", "12345678901234567890", "2026-03-04", "2026-03-04T10:30:00", "2026-03-04T10:30:00Z", "TRUE", "_x0041_", "_x005F_", "\x01", "a\x1a", "0", "-0", "007",
	"0.10", "1.0", ".5", "5.", "9999999999999999", "123456789012345", "Total", "sep=;", "NaN", "<a&b>", "]]>", "&amp;"}

func TestRoundTrip(t *testing.T) {
	fields := []Field{{"Id", Text}, {"Words", Text}, {"Value", Number}, {"Day", Day}, {"Time", DateTime}, {"last", Text}}
	var rows [][]string
	for i, s := range awkward {
		if strings.Contains(s, "\x1a") && i == len(awkward)-1 {
			t.Fatal("the end of file of DOS must not stand last")
		}
		rows = append(rows, []string{fmt.Sprint("r", i), s, s, s, s, "x"})
	}
	names := []string{"Id", "Words", "Value", "Day", "Time", "last"}
	for _, o := range writings {
		data := writeCSV(t, fields, rows, o)
		header, got := read(t, data, told(o))
		if d := cmp.Diff(names, header); d != "" {
			t.Errorf("%+v: header %s", o, d)
		}
		if d := cmp.Diff(rows, got); d != "" {
			t.Errorf("%+v: (-written +read)\n%s", o, d)
		}
		// What has been read once is written as the same bytes again.
		if again := writeCSV(t, fields, got, o); !bytes.Equal(data, again) {
			t.Errorf("%+v: the second writing differs", o)
		}
	}
	data := writeXLSX(t, fields, rows)
	header, got := read(t, data, told(Writing{}))
	if d := cmp.Diff(names, header); d != "" {
		t.Errorf("xlsx: header %s", d)
	}
	if d := cmp.Diff(rows, got); d != "" {
		t.Errorf("xlsx: (-written +read)\n%s", d)
	}
	if !bytes.Equal(data, writeXLSX(t, fields, rows)) {
		t.Error("xlsx: the second writing differs")
	}
}

// TestSafe: no cell of a file that we write begins with what a spreadsheet runs, plain numbers aside.
func TestSafe(t *testing.T) {
	for _, s := range awkward {
		for _, kind := range []Kind{Text, Number} {
			data := string(writeCSV(t, []Field{{"a", Text}, {"b", kind}}, [][]string{{"x", s}}, Writing{}))
			cell := strings.TrimPrefix(strings.SplitN(data, "\n", 2)[1], "x,")
			cell = strings.TrimPrefix(cell, `"`)
			if cell == "" || !strings.ContainsRune("=+-@\t\r＝", rune([]rune(cell)[0])) {
				continue
			}
			if !slices.Contains([]string{"-5", "-5.50", "-0"}, s) {
				t.Errorf("%q is written as %q", s, cell)
			}
		}
	}
	raw := string(writeCSV(t, []Field{{"a", Text}}, [][]string{{"=1+1"}}, Writing{Raw: true}))
	if raw != "a\n=1+1\n" {
		t.Errorf("raw: %q", raw)
	}
}

func TestWriting(t *testing.T) {
	fields := []Field{{"Id", Text}, {"n", Number}}
	rows := [][]string{{"007", "-1"}, {"a,b", "+1"}, {`q"q`, ""}}
	for _, tt := range []struct {
		o    Writing
		want string
	}{
		{Writing{}, "Id,n\n007,-1\n\"a,b\",+1\n\"q\"\"q\",\n"},
		{Writing{Excel: true}, "\ufeffId,n\r\n\"=\"\"007\"\"\",-1\r\n\"a,b\",+1\r\n\"q\"\"q\",\r\n"},
		{Writing{Comma: ';', NoHeader: true}, "007;-1\n\"a,b\";+1\n\"q\"\"q\";\n"},
		{Writing{QuoteAll: true}, "\"Id\",\"n\"\n\"007\",\"-1\"\n\"a,b\",\"+1\"\n\"q\"\"q\",\"\"\n"},
	} {
		if got := string(writeCSV(t, fields, rows, tt.o)); got != tt.want {
			t.Errorf("%+v:\n got %q\nwant %q", tt.o, got, tt.want)
		}
	}
	if got := string(writeCSV(t, fields[:1], [][]string{{""}, {"x"}}, Writing{})); got != "Id\n\"\"\nx\n" {
		t.Errorf("a blank cell that is alone in its row: %q", got)
	}
	if got := string(writeCSV(t, fields, nil, Writing{})); got != "Id,n\n" {
		t.Errorf("no rows: %q", got)
	}
}

// TestSynthea: the files of the corpus come back cell by cell, by both writers.
func TestSynthea(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "corpus", "csv", "synthea", "*.csv"))
	if err != nil || len(files) != 16 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		header, rows := read(t, data, Options{})
		want := strings.Count(string(data), "\n") - 1
		if len(rows) != want {
			t.Errorf("%s: %d rows of %d", name, len(rows), want)
		}
		var fields []Field
		for _, h := range header {
			fields = append(fields, Field{Name: h})
		}
		for i, out := range [][]byte{writeCSV(t, fields, rows, Writing{}), writeCSV(t, fields, rows, Writing{Excel: true}), writeXLSX(t, fields, rows)} {
			h, got := read(t, out, Options{})
			if d := cmp.Diff(header, h); d != "" {
				t.Errorf("%s %d: %s", name, i, d)
			}
			if d := cmp.Diff(rows, got); d != "" {
				t.Errorf("%s %d: %s", name, i, d)
			}
		}
	}
}

// TestBlocks: where blocks of the source end makes no difference. Rows of every length move the border through every kind of row.
func TestBlocks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pieces := append(slices.Clone(awkward), strings.Repeat("long ", 5000), strings.Repeat("ü\n", 9000), strings.Repeat(`"`, 3000))
	fields := []Field{{"Id", Text}, {"Words", Text}, {"last", Text}}
	for range 20 {
		var rows [][]string
		for i := range 300 {
			rows = append(rows, []string{fmt.Sprint("r", i), pieces[rnd.IntN(len(pieces))], pieces[rnd.IntN(len(pieces)-3)]})
			rows[i][2] += "."
		}
		for _, o := range writings[:2] {
			_, got := read(t, writeCSV(t, fields, rows, o), told(o))
			if d := cmp.Diff(rows, got); d != "" {
				t.Fatalf("(-written +read)\n%.2000s", d)
			}
		}
		var cut [][]string
		for _, r := range rows {
			if len(r[1]) < 30000 {
				cut = append(cut, r)
			}
		}
		if _, got := read(t, writeXLSX(t, fields, cut), told(Writing{})); !cmp.Equal(cut, got) {
			t.Fatal("xlsx differs")
		}
	}
}

// TestSepIsAColumn: a table of one column that is called sep=; comes back as one, and only the first line is looked at for it.
func TestSepIsAColumn(t *testing.T) {
	for _, excel := range []bool{false, true} {
		text := string(writeCSV(t, []Field{{Name: "sep=;"}}, [][]string{{"sep=;"}, {"sep=;"}}, Writing{Excel: excel}))
		if strings.Count(text, "sep=") != 4 || strings.Count(text, "sep=,") != 1 {
			t.Errorf("%q", text)
		}
	}
}
