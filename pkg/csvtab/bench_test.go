package csvtab_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	. "github.com/chartpost/chartpost/pkg/csvtab"
)

// observations is Synthea's file of observations, so many times over.
func observations(b *testing.B, times int) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(testshared.Dir(b), "corpus", "csv", "synthea", "observations.csv"))
	if err != nil {
		b.Fatal(err)
	}
	head, rows, _ := bytes.Cut(data, []byte("\n"))
	return append(append(head, '\n'), bytes.Repeat(rows, times)...)
}

// BenchmarkRead reads a file with everything switched on, both passes, beside encoding/csv on the same bytes in the same run: at least
// half as fast is asked for.
func BenchmarkRead(b *testing.B) {
	plain := observations(b, 40)
	var quoted bytes.Buffer
	for line := range strings.Lines(string(plain)) {
		quoted.WriteString(`"` + strings.ReplaceAll(strings.TrimSuffix(line, "\n"), ",", `","`) + "\"\n")
	}
	for _, in := range []struct {
		name string
		data []byte
	}{{"observations", plain}, {"quoted", quoted.Bytes()}} {
		rows := bytes.Count(in.data, []byte("\n")) - 1
		rate := func(b *testing.B) {
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		}
		b.Run(in.name+"/csvtab", func(b *testing.B) {
			b.SetBytes(int64(len(in.data)))
			b.ReportAllocs()
			for b.Loop() {
				f, err := Open("observations.csv", Bytes(in.data), Options{})
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for _, err := range f.Tables[0].Rows() {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != rows {
					b.Fatal(n)
				}
			}
			rate(b)
		})
		for _, reuse := range []bool{false, true} {
			name := in.name + "/encoding-csv"
			if reuse {
				name += "-reuse"
			}
			b.Run(name, func(b *testing.B) {
				b.SetBytes(int64(len(in.data)))
				b.ReportAllocs()
				for b.Loop() {
					r := csv.NewReader(bytes.NewReader(in.data))
					r.ReuseRecord = reuse
					for {
						if _, err := r.Read(); err == io.EOF {
							break
						} else if err != nil {
							b.Fatal(err)
						}
					}
				}
				rate(b)
			})
		}
	}
}

// BenchmarkWrite writes the same rows as CSV and as a workbook.
func BenchmarkWrite(b *testing.B) {
	data := observations(b, 10)
	header, rows := read(b, data, Options{})
	var fields []Field
	for _, h := range header {
		fields = append(fields, Field{Name: h})
	}
	fields[0].Kind, fields[6].Kind = DateTime, Number
	write := func(b *testing.B, open func() (RowWriter, func() error)) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			w, end := open()
			for _, r := range rows {
				if err := w.Row(r); err != nil {
					b.Fatal(err)
				}
			}
			if err := end(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("csv", func(b *testing.B) {
		write(b, func() (RowWriter, func() error) {
			w := NewWriter(io.Discard, fields, Writing{})
			return w, w.Close
		})
	})
	b.Run("xlsx", func(b *testing.B) {
		write(b, func() (RowWriter, func() error) {
			w := NewWorkbook(io.Discard, nil)
			s, err := w.Sheet("observations", fields)
			if err != nil {
				b.Fatal(err)
			}
			return s, w.Close
		})
	})
}

// BenchmarkReadWorkbook reads a sheet, both passes; the rate is that of the CSV with the same rows.
func BenchmarkReadWorkbook(b *testing.B) {
	data := observations(b, 10)
	header, rows := read(b, data, Options{})
	var fields []Field
	for _, h := range header {
		fields = append(fields, Field{Name: h})
	}
	book := writeXLSX(b, fields, rows)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := Open("a.xlsx", Bytes(book), Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range f.Tables[0].Rows() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
