package csvtab_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	. "github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
)

// FuzzRead: whatever the bytes are, Open refuses them with a finding or reads a table whose count is right, which reads the same
// twice, and which comes back as it was when it is written and read again.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "damaged", "*"))
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, byte(0))
	}
	f.Add([]byte("a;b\n1;2\n"), byte(';'))
	f.Add([]byte("sep=;\f\nM"), byte('1')) // a column that is called sep=;
	f.Add([]byte("0000-01-01"), byte(0))
	f.Add([]byte("50100\n\"=\"\""), byte(0)) // a row of nothing but a wrapped nothing is blank
	f.Fuzz(func(t *testing.T, data []byte, comma byte) {
		if len(data) > 1<<20 {
			return
		}
		o := Options{MaxUnpacked: 1 << 20, MaxRow: 1 << 20}
		if comma > ' ' && comma < utf8.RuneSelf && comma != '"' || comma == '\t' {
			o.Comma = comma
		}
		file, err := Open("fuzz", Bytes(data), o)
		if err != nil {
			if !errors.As(err, new(*diag.Finding)) {
				t.Fatalf("%v is no finding", err)
			}
			return
		}
		for _, tab := range file.Tables {
			rows := sane(t, tab)
			if len(tab.Columns) > 100 || len(rows) > 1000 {
				continue
			}
			back(t, tab, rows)
		}
		for _, x := range file.All() {
			if x.ID.Entry().Why == "" {
				t.Errorf("%s is in no list", x.ID)
			}
		}
	})
}

// sane reads a table twice and returns its rows without those at fault.
func sane(t *testing.T, tab *Table) (rows [][]string) {
	seen := map[string]bool{}
	for _, c := range tab.Columns {
		if c.Name == "" || seen[c.Name] {
			t.Fatalf("column %q", c.Name)
		}
		seen[c.Name] = true
	}
	n, faults, last := 0, 0, 0
	for r, err := range tab.Rows() {
		if err != nil {
			if errors.As(err, new(*diag.Finding)) {
				return nil
			}
			t.Fatal(err)
		}
		n++
		if r.Number <= last || len(r.Cells) != len(tab.Columns) {
			t.Fatalf("row %d after %d with %d cells of %d", r.Number, last, len(r.Cells), len(tab.Columns))
		}
		last = r.Number
		if r.Fault != nil {
			faults++
			continue
		}
		var cells []string
		for i, c := range r.Cells {
			if !utf8.ValidString(c.Text) {
				t.Fatalf("%q is not UTF-8", c.Text)
			}
			cells = append(cells, c.Text)
			if tab.Columns[i].Dates != nil {
				if d, ok := tab.Date(i, c.Text, false); ok && (d.Year < 1 || d.Month > 12 || d.Day > 31) {
					t.Fatalf("%q is %v", c.Text, d)
				}
			}
		}
		rows = append(rows, cells)
	}
	if n != tab.Count || faults != tab.Faults {
		t.Fatalf("%d rows and %d faults were counted, %d and %d came", tab.Count, tab.Faults, n, faults)
	}
	i := 0
	for r := range tab.Rows() {
		if r.Fault != nil {
			continue
		}
		for k, c := range r.Cells {
			if c.Text != rows[i][k] {
				t.Fatal("the second reading differs")
			}
		}
		i++
	}
	return rows
}

// back writes rows and reads them again.
func back(t *testing.T, tab *Table, rows [][]string) {
	var fields []Field
	for _, c := range tab.Columns {
		fields = append(fields, Field{Name: c.Name, Kind: Kind(len(c.Name) % 4)})
	}
	if len(rows) == 0 {
		return
	}
	for _, w := range writings {
		header, got := read(t, writeCSV(t, fields, rows, w), told(w))
		if d := cmp.Diff(tab.Header(), header); d != "" {
			t.Fatalf("%+v: header %s", w, d)
		}
		if d := cmp.Diff(rows, got); d != "" {
			t.Fatalf("%+v: (-written +read)\n%s", w, d)
		}
	}
	for _, r := range rows {
		for _, c := range r {
			if len(c) > 30000 {
				return
			}
		}
	}
	header, got := read(t, writeXLSX(t, fields, rows), Options{Header: HeaderYes, Footer: true})
	if d := cmp.Diff(tab.Header(), header); d != "" {
		t.Fatalf("xlsx: header %s", d)
	}
	if d := cmp.Diff(rows, got); d != "" {
		t.Fatalf("xlsx: (-written +read)\n%s", d)
	}
}

// FuzzRFC4180: what encoding/csv reads without complaint, and nothing in it is one of the habits of spreadsheets that are undone
// here, is read as the same cells.
func FuzzRFC4180(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a,\"b\nc\"\r\n\"d\"\"e\",f\n", "a,b\n\"x\ny\",\"z\"\n", "a,b\n\n,x\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\r\x00\x1a") {
			return
		}
		r := csv.NewReader(strings.NewReader(s))
		want, err := r.ReadAll()
		over := slices.ContainsFunc(want, func(row []string) bool { return strings.Contains(strings.Join(row, ""), "\n") })
		if over && (strings.Contains(s, `"",`) || strings.Contains(s, "\"\"\n")) {
			return // a row over several lines may be several rows, of which one has inches at the end of a cell: 6'1""
		}
		if err != nil || len(want) < 2 || len(want[0]) < 2 || strings.HasPrefix(strings.ToLower(s), "sep=") || strings.HasPrefix(strings.ToLower(s), `"sep=`) ||
			strings.HasPrefix(s, "\ufeff") || strings.HasPrefix(s, "PK") || strings.Contains(s, " \"") || strings.Contains(s, "\" ") || strings.Contains(s, "\t\"") || strings.Contains(s, "\"\t") {
			return
		}
		file, err := Open("fuzz", Bytes([]byte(s)), Options{Comma: ',', Header: HeaderNone, Footer: true})
		if err != nil {
			return // a web page, a PDF
		}
		tab := file.Tables[0]
		if len(tab.Columns) != len(want[0]) {
			return // most rows of a file without a header have another length
		}
		i := 0
		for r, err := range tab.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			for i < len(want) && saysNothing(want[i]) {
				i++
			}
			if i == len(want) {
				t.Fatalf("row %d is not there", r.Number)
			}
			for k, c := range r.Cells {
				if c.Is&WasWrapped == 0 && c.Text != want[i][k] {
					t.Fatalf("row %d: %q, want %q", r.Number, c.Text, want[i][k])
				}
			}
			i++
		}
	})
}

// FuzzWrite: every text comes back from every writer, and no CSV holds a cell that a spreadsheet would run.
func FuzzWrite(f *testing.F) {
	for _, s := range awkward {
		f.Add(s, "x", byte(0))
	}
	f.Fuzz(func(t *testing.T, a, b string, kind byte) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || strings.ContainsRune(a+b, 0) || len(a)+len(b) > 30000 {
			return
		}
		fields := []Field{{"Id", Text}, {"a", Kind(kind % 4)}, {"b", Text}, {"last", Text}}
		rows := [][]string{{"r1", a, b, "x"}, {"r2", b, a, "x"}}
		for _, w := range writings {
			data := writeCSV(t, fields, rows, w)
			if _, got := read(t, data, told(w)); !cmp.Equal(rows, got) {
				t.Fatalf("%+v: %q", w, data)
			}
			r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
			r.Comma = rune(told(w).Comma)
			plain, err := r.ReadAll()
			if err != nil {
				t.Fatalf("encoding/csv: %v", err)
			}
			for _, row := range plain[1:] {
				for i, c := range row {
					if c == "" || !strings.ContainsRune("=+-@\t\r\n", rune(c[0])) || w.Excel && strings.HasPrefix(c, `="`) {
						continue
					}
					if c != rows[0][i] && c != rows[1][i] || strings.Trim(c, "+-.0123456789eE") != "" {
						t.Fatalf("%+v: %q", w, c)
					}
				}
			}
		}
		if _, got := read(t, writeXLSX(t, fields, rows), Options{Header: HeaderYes, Footer: true}); !cmp.Equal(rows, got) {
			t.Fatalf("xlsx: %q", got)
		}
	})
}

// saysNothing reports a row of blanks, as they are or wrapped as a text: a tab behind an apostrophe, =" ".
func saysNothing(row []string) bool {
	return !slices.ContainsFunc(row, func(s string) bool {
		if in, ok := strings.CutPrefix(s, `="`); ok && strings.HasSuffix(in, `"`) {
			s = strings.TrimSuffix(in, `"`)
		} else if strings.HasPrefix(s, "'\t") || strings.HasPrefix(s, "'\n") {
			s = s[1:]
		}
		return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 || r == 0xfeff || r == 0x3000 }) != ""
	})
}
