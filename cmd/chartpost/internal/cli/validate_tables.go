package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/converters/csvfhir"
	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
)

// tableChecks checks tables for validate: against the mappings that read them, or against the columns of views.
type tableChecks struct {
	load func() (*csvfhir.Set, error) // the mappings, when a table first asks for them
	opts csvfhir.CheckOptions

	out   string // folder for the lists of good, bad and duplicate rows; empty: none
	files []*listFile
	sum   csvfhir.Checked
}

type listFile struct {
	*safefile.File
	path string
}

// newTableChecks makes ready what the options say of tables.
func (c *CLI) newTableChecks(o *validateOptions) (*tableChecks, error) {
	overlays, err := c.overlays(o.maps)
	if err != nil {
		return nil, err
	}
	t := &tableChecks{out: o.out}
	t.load = sync.OnceValues(func() (*csvfhir.Set, error) { return csvfhir.NewSet(overlays) })
	if len(overlays) > 0 { // what is wrong with them is said before anything is read
		if _, err := t.load(); err != nil {
			return nil, fail(exitUsage, err)
		}
	}
	t.opts.Run = &convert.Options{Charset: o.charset, Dates: o.dates, Sheets: o.sheets}
	for _, arg := range o.views {
		list, _, err := c.viewsOf(&convertOptions{quiet: o.quiet, values: o.values}, arg)
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			l := csvfhir.Layout{Name: v.Name}
			for _, col := range v.Columns {
				l.Columns = append(l.Columns, csvfhir.LayoutColumn{Name: col.Name, Type: col.Type, Many: col.Collection})
			}
			t.opts.Layouts = append(t.opts.Layouts, l)
		}
	}
	if t.out != "" {
		if info, err := os.Stat(t.out); err == nil && !info.IsDir() {
			return nil, usagef("-o %s: it is a file, and the lists of rows need a folder", t.out)
		}
		t.opts.Lists = func(table, list string) (io.Writer, error) { return t.create(table, list, o.force) }
	}
	return t, nil
}

// create makes the file of a list: patients.csv has patients.good.csv, patients.bad.csv and patients.duplicate.csv.
func (t *tableChecks) create(table, list string, force bool) (io.Writer, error) {
	ext := path.Ext(table)
	name := strings.TrimSuffix(table, ext) + "." + list
	if ext = strings.ToLower(ext); ext == ".xlsx" || ext == "" {
		ext = ".csv"
	}
	to := filepath.Join(t.out, filepath.FromSlash(name)+ext)
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, errors.New("its name leads out of the folder")
	}
	if _, err := os.Lstat(to); err == nil && !force {
		return nil, usagef("%s is there; --force overwrites it", to)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return nil, err
	}
	tmp := to + safefile.Partial
	safefile.RemoveStale(tmp)
	f, err := safefile.NewFile(to, tmp)
	if err != nil {
		return nil, err
	}
	x := &listFile{f, to}
	t.files = append(t.files, x)
	return f, nil
}

// reads reports a source that is a table, by its first bytes or its name.
func (t *tableChecks) reads(src convert.Source, head []byte) bool {
	if len(head) == 0 || csvtab.Sniff(head) {
		return len(head) > 0
	}
	set, err := t.load() // only for what nothing else reads
	if err != nil {
		return false
	}
	formats := convert.Formats{List: []*convert.Format{csvfhir.Reader(set)}}
	return formats.Detect(src.Name, head) != nil
}

// check checks the tables of a source.
func (t *tableChecks) check(src convert.Source, stream io.Reader, name string, report func(*diag.Finding)) error {
	f := &convert.File{Name: src.Name, Path: name, Size: src.Size, Open: src.Open}
	if src.Size < 0 { // it can be read once only
		spooled, done, err := convert.Spool(stream, src.Name, "")
		if err != nil {
			return err
		}
		defer done()
		f.Open = spooled.Open
	}
	set, err := t.load()
	if err != nil {
		return fail(exitUsage, err)
	}
	sum, err := set.Check(f, t.opts, report)
	t.sum.Tables += sum.Tables
	t.sum.Rows += sum.Rows
	t.sum.Good += sum.Good
	t.sum.Bad += sum.Bad
	t.sum.Same += sum.Same
	return err
}

// finish gives the lists their names.
func (t *tableChecks) finish() error {
	for i, f := range t.files {
		if err := f.Commit(i == len(t.files)-1); err != nil {
			return err
		}
	}
	t.files = nil
	return nil
}

// discard removes lists that are not whole.
func (t *tableChecks) discard() {
	for _, f := range t.files {
		f.Discard()
	}
}

// summary says how many rows there were.
func (t *tableChecks) summary() string {
	s := plural(t.sum.Rows, "row")
	if t.sum.Rows == 0 {
		return s
	}
	return fmt.Sprintf("%s (%d good, %d bad, %d there twice)", s, t.sum.Good, t.sum.Bad, t.sum.Same)
}
