package csvtab_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

func TestTree(t *testing.T) {
	f, err := Open("a.csv", Bytes([]byte("MRN,Name,Note\n\n00123,\"Probe\nTesta\", \n00124,Max,x\n")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	tab := f.Tables[0]
	d := tree.New(Format, 8)
	var got []string
	for r, err := range tab.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		tab.Tree(d, r)
		d.Leaves(func(n tree.Node, _ tree.State, _ string) {
			got = append(got, fmt.Sprintf("%d %s %q", d.Line, d.PlaceOf(n), d.Text(n)))
		})
	}
	want := []string{`3 row 3, column MRN "00123"`, `3 row 3, column Name "Probe\nTesta"`, `5 row 4, column MRN "00124"`, `5 row 4, column Name "Max"`, `5 row 4, column Note "x"`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
}

// TestAgain: rows can be read as often as one likes, side by side and not to the end.
func TestAgain(t *testing.T) {
	for _, data := range [][]byte{[]byte("a,b\n1,2\n3,4\n5,6\n"), writeXLSX(t, []Field{{"a", Text}, {"b", Number}}, [][]string{{"1", "2"}, {"3", "4"}, {"5", "6"}})} {
		f, err := Open("a", Bytes(data), Options{Header: HeaderYes})
		if err != nil {
			t.Fatal(err)
		}
		tab := f.Tables[0]
		for r, err := range tab.Rows() {
			if err != nil || r.Cells[0].Text != "1" {
				t.Fatal(r, err)
			}
			break
		}
		for r := range tab.Rows() {
			if r.Raw != "1,2" || tab.RawHeader() != "a,b" {
				t.Errorf("raw: %q below %q", r.Raw, tab.RawHeader())
			}
			break
		}
		n := 0
		for range tab.Rows() {
			for range tab.Rows() {
				n++
			}
		}
		if n != 9 {
			t.Errorf("%d rows", n)
		}
	}
}

// TestKept: texts stay good when the row has gone.
func TestKept(t *testing.T) {
	var b strings.Builder
	b.WriteString("Id,Words\n")
	for i := range 20000 {
		fmt.Fprintf(&b, "%d,word %d\n", i, i)
	}
	f, err := Open("a.csv", Bytes([]byte(b.String())), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for r := range f.Tables[0].Rows() {
		kept = append(kept, r.Cells[1].Text)
	}
	for i, s := range kept {
		if s != fmt.Sprint("word ", i) {
			t.Fatalf("row %d: %q", i, s)
		}
	}
}

type failing struct {
	io.Reader
	err    error
	closed *int
}

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

func (f failing) Close() error {
	*f.closed++
	return nil
}

// TestSource: an error of the source comes out as it is, and everything that was opened is closed.
func TestSource(t *testing.T) {
	broken := errors.New("the disk is gone")
	opened, closed := 0, 0
	src := func() (io.ReadCloser, error) {
		opened++
		return failing{strings.NewReader("a,b\n1,2\n"), broken, &closed}, nil
	}
	if _, err := Open("a.csv", src, Options{}); err != broken {
		t.Errorf("error %v", err)
	}
	passes := 0
	src = func() (io.ReadCloser, error) {
		opened++
		err := io.EOF
		if passes++; passes == 3 {
			err = broken
		}
		return failing{strings.NewReader("a,b\n1,2\n"), err, &closed}, nil
	}
	f, err := Open("a.csv", src, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range f.Tables[0].Rows() {
		last = err
	}
	if last != broken {
		t.Errorf("error %v", last)
	}
	// A workbook from a stream that cannot be read anywhere is read in memory.
	data := writeXLSX(t, []Field{{"a", Text}}, [][]string{{"x"}})
	f, err = Open("a.xlsx", func() (io.ReadCloser, error) {
		opened++
		return failing{bytes.NewReader(data), io.EOF, &closed}, nil
	}, Options{Header: HeaderYes})
	if err != nil || f.Tables[0].Count != 1 {
		t.Fatal(f, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if opened != closed {
		t.Errorf("%d opened, %d closed", opened, closed)
	}
}

// endless is a source of so many rows that holds none of them.
type endless struct {
	rows, at int
	rest     []byte
	row      func(b []byte, i int) []byte
}

func (e *endless) Read(p []byte) (int, error) {
	for len(e.rest) == 0 {
		if e.at == e.rows {
			return 0, io.EOF
		}
		e.rest = e.row(e.rest[:0], e.at)
		e.at++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (*endless) Close() error { return nil }

// TestMemory: the memory does not grow with the rows. (Ten million of them take the same; this many do for a test.)
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const rows = 300_000
	src := func() (io.ReadCloser, error) {
		return &endless{rows: rows, row: func(b []byte, i int) []byte {
			if i == 0 {
				return append(b, "Id,DOB,Words,Value\n"...)
			}
			return fmt.Appendf(b, "%09d,%d/%d/1980,\"words, %d\",%d.5\n", i, i%12+1, i%28+1, i, i)
		}}, nil
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f, err := Open("a.csv", src, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, most := 0, uint64(0)
	for r, err := range f.Tables[0].Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := f.Tables[0].Date(1, r.Cells[1].Text, true); !ok {
			t.Fatal(r)
		}
		if n++; n%50000 == 0 {
			runtime.GC() // what is still referred to counts, not what a busy machine has yet to collect
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}
	if n != rows-1 {
		t.Errorf("%d rows", n)
	}
	if most > before.HeapAlloc+16<<20 {
		t.Errorf("%d MB", (most-before.HeapAlloc)>>20)
	}
}

// TestQuadratic: a file in which every row has a quote that nothing closes is read in the time of its rows.
func TestQuadratic(t *testing.T) {
	var b strings.Builder
	b.WriteString("Id,Words\n")
	for i := range 100000 {
		fmt.Fprintf(&b, "%d,\"open %d\n", i, i)
	}
	f, err := Open("a.csv", Bytes([]byte(b.String())), Options{})
	if err != nil {
		t.Fatal(err)
	}
	tab := f.Tables[0]
	if tab.Count != 100000 || tab.Faults != 0 {
		t.Errorf("%d rows, %d faults", tab.Count, tab.Faults)
	}
	for r, err := range tab.Rows() {
		if err != nil || r.Cells[1].Text != fmt.Sprint("open ", r.Number-2) {
			t.Fatal(r, err)
		}
	}
}

// TestLimits: what would fill the memory is refused.
func TestLimits(t *testing.T) {
	for name, data := range map[string]string{
		"columns": strings.Repeat("a,", 20000) + "\n" + strings.Repeat("b,", 20000) + "\n",
		"row":     "a,b\n1,2\n" + strings.Repeat("x", 2<<20) + ",y\n",
	} {
		_, err := Open("a.csv", Bytes([]byte(data)), Options{MaxRow: 1 << 20})
		var finding *diag.Finding
		if !errors.As(err, &finding) || finding.ID != TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSniff(t *testing.T) {
	for _, tt := range []struct {
		head string
		want bool
	}{
		{"MRN,Name\n1,Testa\n2,Max\n", true},
		{"MRN;Name\n1;Testa\n", true},
		{"MRN\tName\n1\tTesta\n", true},
		{"sep=|\na|b\n", true},
		{"\ufeffMRN,Name,DOB\n", true},
		{"\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00\n\x00", true},
		{"a,b,c\nM\xfcller,1,2\n", true},
		{"PK\x03\x04\x14\x00\x00\x00\x08\x00........................[Content_Types].xml", true},
		{"MSH|^~\\&|A|B|C|D|20260304||ADT^A01|1|P|2.5\rPID|1||x\r", false},
		{`{"resourceType":"Patient","id":"x"}` + "\n" + `{"resourceType":"Patient","id":"y"}`, false},
		{"<?xml version=\"1.0\"?>\n<ClinicalDocument a=\"1,2\"/>", false},
		{"Dear Testa,\nthank you, and see you.\nYours\n", false},
		{"one word\n", false},
		{"Maple Street\nReport\nGenerated today\n\nMRN,Name,DOB\n1,Testa,2001-02-03\n", true},
		{"Dear Testa,\nI saw you, and Max, too.\nIt rained.\nWe ate.\nBring bread, salt, oil.\nYours\n", false},
		{"", false},
		{"\x00\x01\x02,\n", false},
		{"%PDF-1.7,\n1,2\n", false},
	} {
		if got := Sniff([]byte(tt.head)); got != tt.want {
			t.Errorf("%.30q: %v", tt.head, got)
		}
	}
}

// TestNames: findings name places and columns, never what stands in a cell (DESIGN.md, law 9).
func TestNames(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "damaged", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var findings []*diag.Finding
		f, err := Open(filepath.Base(name), Bytes(b), Options{})
		if errors.As(err, new(*diag.Finding)) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		findings = append(findings, f.All()...)
		for _, tab := range f.Tables {
			for r := range tab.Rows() {
				if r.Fault != nil {
					findings = append(findings, r.Fault)
				}
				for _, c := range r.Cells {
					for _, x := range findings {
						if len(c.Text) > 4 && strings.Contains(strings.TrimPrefix(x.Error(), filepath.Base(name)), c.Text) {
							t.Errorf("%s: %v holds %q", name, x, c.Text)
						}
					}
				}
			}
		}
	}
}
