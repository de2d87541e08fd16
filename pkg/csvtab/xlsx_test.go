package csvtab_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
)

// pack makes a workbook of one sheet from its parts.
func pack(t testing.TB, sheet, shared, styles string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	const rels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	const kind = `Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/`
	for _, m := range [][2]string{
		{"[Content_Types].xml", "<Types/>"},
		{"_rels/.rels", rels + `<Relationship Id="r" ` + kind + `officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", rels + `<Relationship Id="a" ` + kind + `worksheet" Target="sheet.xml"/><Relationship Id="b" ` + kind +
			`sharedStrings" Target="shared.xml"/><Relationship Id="c" ` + kind + `styles" Target="styles.xml"/></Relationships>`},
		{"xl/sheet.xml", sheet},
		{"xl/shared.xml", shared},
		{"xl/styles.xml", styles},
	} {
		w, err := z.Create(m[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFormats: what the formats of cells make of their numbers is what a person sees.
func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		code, value, want string
		is                Trait
	}{
		{"General", "1", "1", IsNumber},
		{"General", "0.10000000000000001", "0.1", IsNumber},
		{"General", "1.5E-2", "0.015", IsNumber},
		{"General", "-1.5e3", "-1500", IsNumber},
		{"General", "123456789012345678", "123456789012345678", IsNumber},
		{"General", "1.23456789012346E+17", "123456789012346000", IsNumber},
		{"General", "abc", "abc", 0},
		{"0.00", "1.5", "1.50", IsNumber},
		{"0.00", "1.5678", "1.5678", IsNumber},
		{"#,##0.00", "1234.5", "1234.50", IsNumber},
		{"0%", "0.5", "50%", 0},
		{"0.0%", "0.975", "97.5%", 0},
		{"00000", "2138", "02138", IsNumber},
		{"00000", "-5", "-5", IsNumber},
		{"000-00-0000", "12345678", "012-34-5678", IsNumber},
		{`00000\-0000`, "21381234", "02138-1234", IsNumber},
		{"00", "12345", "12345", IsNumber},
		{"yyyy-mm-dd", "45306", "2024-01-15", IsDate},
		{"m/d/yy", "45306", "2024-01-15", IsDate},
		{"m/d/yy", "45306.5", "2024-01-15T12:00:00", IsDate},
		{"m/d/yy h:mm", "45306", "2024-01-15T00:00:00", IsDate},
		{"m/d/yy h:mm AM/PM", "45306.999999", "2024-01-16T00:00:00", IsDate},
		{"[$-409]mmmm d, yyyy;@", "45306", "2024-01-15", IsDate},
		{`"Day" d`, "45306", "2024-01-15", IsDate},
		{`0 "days"`, "5", "5", IsNumber},
		{"[Red]0.0", "5", "5.0", IsNumber},
		{"h:mm", "0.25", "06:00:00", 0},
		{"[h]:mm", "45306.25", "2024-01-15T06:00:00", IsDate},
		{"mmm-yy", "1", "1900-01-01", IsDate},
		{"mmm-yy", "59", "1900-02-28", IsDate},
		{"mmm-yy", "61", "1900-03-01", IsDate},
		{"mmm-yy", "0", "0", IsNumber},
		{"mmm-yy", "-1", "-1", IsNumber},
		{"mmm-yy", "9999999", "9999999", IsNumber},
		{"0.00E+00", "12345", "12345", IsNumber},
		{"# ?/?", "0.5", "0.5", IsNumber},
		{"@", "00123", "00123", IsNumber},
	} {
		code := strings.NewReplacer("&", "&amp;", `"`, "&quot;").Replace(tt.code)
		sheet := `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Id</t></is></c><c r="B1" t="inlineStr"><is><t>Name</t></is></c></row><row r="2"><c r="A2"><v>1</v></c><c r="B2" s="0"><v>` + tt.value +
			`</v></c></row></sheetData></worksheet>`
		f, err := Open("a.xlsx", Bytes(pack(t, sheet, "<sst/>", `<styleSheet><numFmts><numFmt numFmtId="170" formatCode="`+code+`"/></numFmts><cellXfs><xf numFmtId="170"/></cellXfs></styleSheet>`)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range f.Tables[0].Rows() {
			if err != nil {
				t.Fatal(err)
			}
			if c := r.Cells[1]; c.Text != tt.want || c.Is != tt.is {
				t.Errorf("%s as %s: %q %d, want %q %d", tt.value, tt.code, c.Text, c.Is, tt.want, tt.is)
			}
		}
	}
}

// TestOthers: workbooks that other programs have written (excelize 2.11: shared strings, styles, a stream of inline strings).
func TestOthers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "others", "*.xlsx"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(filepath.Base(name), Bytes(data), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, tab := range f.Tables {
			fmt.Fprintf(&got, "%s %q\n", tab.Sheet, tab.Header())
			for r, err := range tab.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "%d", r.Number)
				for _, c := range r.Cells {
					fmt.Fprintf(&got, " %q", c.Text)
				}
				fmt.Fprintln(&got)
			}
		}
		golden := strings.TrimSuffix(name, ".xlsx") + ".want"
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestSheets(t *testing.T) {
	var b bytes.Buffer
	w := NewWorkbook(&b, nil)
	names := []string{"patients", "PATIENTS", "a/b:c*?[d]", "'quoted'", "", "history", strings.Repeat("long name ", 5), "😀" + strings.Repeat("x", 40), "a\x00b"}
	var sheets []*Sheet
	for _, n := range names {
		s, err := w.Sheet(n, []Field{{"Id", Text}})
		if err != nil {
			t.Fatal(err)
		}
		sheets = append(sheets, s)
	}
	for i := range 10 { // one row here, one there
		for _, s := range sheets {
			if err := s.Row([]string{fmt.Sprint("r", i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := sheets[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := sheets[0].Row(nil); err == nil {
		t.Error("a closed sheet takes a row")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open("a.xlsx", Bytes(b.Bytes()), Options{Header: HeaderYes})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tab := range f.Tables {
		got = append(got, tab.Sheet)
		if tab.Count != 10 {
			t.Errorf("%s: %d rows", tab.Sheet, tab.Count)
		}
	}
	want := []string{"patients", "PATIENTS (2)", "a_b_c___d_", "quoted", "_", "history_", "long name long name long name l", "😀" + strings.Repeat("x", 29), "a_b"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// Limits.
	long, err := NewWorkbook(io.Discard, nil).Sheet("s", []Field{{"Id", Text}})
	if err != nil {
		t.Fatal(err)
	}
	var finding *diag.Finding
	if err := long.Row([]string{strings.Repeat("x", 32768)}); !errors.As(err, &finding) || finding.ID != CellTooLong || finding.Place.Path != "sheet s, row 2, column Id" {
		t.Errorf("%v", err)
	}
	if err := long.Row([]string{strings.Repeat("x", 32767)}); err != nil {
		t.Error(err)
	}
	if _, err := NewWorkbook(io.Discard, nil).Sheet("s", make([]Field, 16385)); err == nil {
		t.Error("too many columns")
	}
}

// TestManyRows: a sheet that is full goes on in another.
func TestManyRows(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "a.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	spools := 0
	w := NewWorkbook(file, func() (Spool, error) {
		spools++
		return os.CreateTemp(t.TempDir(), "spool")
	})
	s, err := w.Sheet("list", []Field{{"Id", Number}})
	if err != nil {
		t.Fatal(err)
	}
	const rows = 1<<20 + 5
	cell := []string{"1"}
	for range rows {
		if err := s.Row(cell); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open("a.xlsx", func() (io.ReadCloser, error) { return os.Open(file.Name()) }, Options{Header: HeaderYes})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if len(f.Tables) != 2 || f.Tables[0].Count+f.Tables[1].Count != rows || f.Tables[1].Sheet != "list (2)" || spools != 2 {
		t.Errorf("%d tables, %d spools", len(f.Tables), spools)
	}
}

// TestNowhere: a workbook whose directory names a place behind its end is damaged, and no input that simply ends.
func TestNowhere(t *testing.T) {
	b := pack(t, `<worksheet/>`, "", "")
	for i := 0; ; i++ {
		at := bytes.Index(b[i:], []byte("PK\x01\x02"))
		if at < 0 {
			break
		}
		i += at
		copy(b[i+42:], "\xff\xff\xff\x00") // where the member begins
	}
	var bad *diag.Finding
	if _, err := Open("a.xlsx", Bytes(b), Options{}); !errors.As(err, &bad) || bad.ID != BadWorkbook {
		t.Errorf("%v", err)
	}
}

// FuzzSheet: whatever the XML of a workbook holds, it is refused with a finding or read as a table that reads the same twice.
func FuzzSheet(f *testing.F) {
	f.Add(`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c t="inlineStr"><is><t>x&amp;_x000D_</t></is></c></row><row><c s="1"><v>45306.5</v></c><c t="b"><v>1</v></c></row></sheetData>`+
		`<mergeCells><mergeCell ref="A1:B1"/></mergeCells></worksheet>`, `<sst><si><t>Id</t></si><si><r><t>a</t></r><rPh><t>b</t></rPh></si></sst>`,
		`<styleSheet><numFmts><numFmt numFmtId="170" formatCode="yyyy"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs></styleSheet>`)
	f.Add(`<x:worksheet><x:sheetData><x:row r="3"><x:c r="C3" t="e"><x:v>#N/A</x:v></x:c></x:row></x:sheetData></x:worksheet>`, "<sst/>", "")
	f.Add(`<worksheet><![CDATA[x]]><!-- > --><sheetData><row r="1"><c r="A1"><f>B1</f></c><c r='B1' t="d"><v>2026-03-04</v></c></row></sheetData></worksheet>`, "", "")
	f.Add(`<worksheet><sheetData><row r="1"><c r=""><v>1</v></c></row></sheetData></worksheet>`, "", "") // fuzzing found it: a panic
	f.Fuzz(func(t *testing.T, sheet, shared, styles string) {
		file, err := Open("fuzz.xlsx", Bytes(pack(t, sheet, shared, styles)), Options{MaxUnpacked: 1 << 20})
		if err != nil {
			if !errors.As(err, new(*diag.Finding)) {
				t.Fatalf("%v is no finding", err)
			}
			return
		}
		for _, tab := range file.Tables {
			if rows := sane(t, tab); len(tab.Columns) <= 30 && len(rows) <= 100 {
				back(t, tab, rows)
			}
		}
	})
}
