package views

import (
	"io"
	"strings"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/csvtab"
)

// book is where tables are written: files of CSV, or the sheets of a workbook.
type book interface {
	table(name string, fields []csvtab.Field) (csvtab.RowWriter, error)
	close() error
}

func openBook(to, file string, o csvtab.Writing, temp string, create func(string) (io.Writer, error)) (book, error) {
	if to == "csv" {
		return &files{o: o, create: create}, nil
	}
	w, err := create(file)
	if err != nil {
		return nil, err
	}
	return &workbook{csvtab.NewWorkbook(w, func() (csvtab.Spool, error) { return safefile.Temp(temp) })}, nil
}

// workbook has its tables as sheets.
type workbook struct{ b *csvtab.Workbook }

func (b *workbook) table(name string, fields []csvtab.Field) (csvtab.RowWriter, error) {
	return b.b.Sheet(name, fields)
}

func (b *workbook) close() error { return b.b.Close() }

// files are tables of CSV.
type files struct {
	o      csvtab.Writing
	create func(string) (io.Writer, error)
	open   []csvtab.RowWriter
}

func (b *files) table(name string, fields []csvtab.Field) (csvtab.RowWriter, error) {
	w, err := b.create(name + ".csv")
	if err != nil {
		return nil, err
	}
	t := csvtab.NewWriter(w, fields, b.o)
	b.open = append(b.open, t)
	return t, nil
}

func (b *files) close() error {
	for _, t := range b.open {
		if err := t.Close(); err != nil {
			return err
		}
	}
	return nil
}

// sameFile tells whether two names are one to some file systems, and to workbooks.
func sameFile(a, b string) bool { return strings.EqualFold(a, b) }
