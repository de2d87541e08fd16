package views

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/sqlview"
)

// This file is about views over the whole run (sqlview.WholeRunURL): a patient of twenty messages has one row.
//
// What a record says of a resource, a version of it, waits in a temporary file until all records have been read: the rows that the view
// gives for it, and if the view asks for %record the resources that it would ask for. In memory are some 70 bytes for each resource and 12
// for each version, and at the end what all records say of one patient.
//
// Versions are in the order of the time at which their records say that they were written, those that do not say it first, else in the
// order of the input. The row is that of the latest version, on a %record in which each resource stands once, as it was said last. What is blank in it
// is filled from the version before, but columns that are of one item (a name, an address) only together; and from nothing that is
// before a version which asks to delete something.

// version is what a record says of a resource.
type version struct {
	key      string // of the resource: Patient/1
	written  int64  // microseconds since 1970, 0 if it does not say
	deletes  bool   // it has explicit nulls
	cells    []string
	resource []byte // the resource itself and the others of %record, as JSON; none if the view does not ask for them
	others   []other
}

// other is a resource of %record.
type other struct {
	key     string
	written int64
	text    []byte
}

// versionOf makes a version of a resource, of which all belongs to it.
func (w *writer) versionOf(v *sqlview.View, res *mapping.Resource, all []fhirpath.Value, written int64) (*version, error) {
	text, err := fhir.Append(nil, res.Msg)
	if err != nil {
		return nil, err
	}
	x := &version{key: res.Type() + "/" + res.ID, written: cmp.Or(written, w.changed(fhirpath.Of(res.Msg))),
		deletes: bytes.Contains(text, []byte(`"`+mapping.ExplicitNullURL+`"`))}
	if !v.Record {
		return x, nil
	}
	x.resource = text
	for _, o := range all {
		m := o.Message()
		typ := fhir.TypeOf(m)
		if m == res.Msg || v.Needs != nil && !slices.Contains(v.Needs, typ) {
			continue
		}
		if text, err = fhir.Append(nil, m); err != nil {
			return nil, err
		}
		y := other{written: cmp.Or(w.changed(o), written), text: text}
		if id := fhir.IDOf(m); id != "" {
			y.key = typ + "/" + id
		}
		x.others = append(x.others, y)
	}
	return x, nil
}

// changed is when a resource says that it was changed last.
func (w *writer) changed(v fhirpath.Value) int64 {
	if w.lastUpdated == nil {
		x, err := fhirpath.Compile("meta.lastUpdated", nil, fhirpath.Options{})
		if err != nil {
			return 0
		}
		w.lastUpdated = x
	}
	items, err := w.lastUpdated.Eval(w.c, v)
	if err != nil || len(items) != 1 {
		return 0
	}
	text, _ := items[0].Text()
	return convert.Moment(text)
}

func (x *version) append(b []byte) []byte {
	b = binary.AppendVarint(b, x.written)
	b = binary.AppendUvarint(b, uint64(len(x.cells)))
	if x.deletes {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	for _, c := range x.cells {
		b = append(binary.AppendUvarint(b, uint64(len(c))), c...)
	}
	b = append(binary.AppendUvarint(b, uint64(len(x.resource))), x.resource...)
	for _, o := range x.others {
		b = append(binary.AppendUvarint(b, uint64(len(o.key))), o.key...)
		b = binary.AppendVarint(b, o.written)
		b = append(binary.AppendUvarint(b, uint64(len(o.text))), o.text...)
	}
	return b
}

var errSpool = errors.New("a temporary file does not hold what was written into it")

// parseVersion reads what append wrote.
func parseVersion(b []byte) (x *version, err error) {
	number := func() uint64 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			err, n, size = errSpool, 0, 0
		}
		b = b[size:]
		return n
	}
	signed := func() int64 {
		n, size := binary.Varint(b)
		if size <= 0 {
			err, n, size = errSpool, 0, 0
		}
		b = b[size:]
		return n
	}
	text := func() []byte {
		n := number()
		if n > uint64(len(b)) {
			err, n = errSpool, 0
		}
		s := b[:n]
		b = b[n:]
		return s
	}
	x = &version{written: signed()}
	n := number()
	x.deletes = len(b) > 0 && b[0] == 1
	b = b[min(1, len(b)):]
	for i := uint64(0); i < n && err == nil; i++ {
		x.cells = append(x.cells, string(text()))
	}
	x.resource = text()
	for len(b) > 0 && err == nil {
		x.others = append(x.others, other{string(text()), signed(), text()})
	}
	return x, err
}

// wholeRun is the table of a view over the whole run.
type wholeRun struct {
	view  *sqlview.View
	lines bool // cells are JSON
	book  bool // or those of a workbook
	emit  func(cells []string) error

	file  *os.File
	w     *bufio.Writer
	size  int64
	known map[[16]byte]int32 // resources, by digest of their key
	all   []struct{ first, last int32 }
	at    []int64 // of the versions
	next  []int32

	runner *sqlview.Runner
	c      *fhirpath.Context
	finds  []*diag.Finding

	several, superseded int // resources that several records have, and values that gave way
}

func newWholeRun(v *sqlview.View, to, dir string, emit func([]string) error) (*wholeRun, error) {
	f, err := safefile.Temp(dir)
	if err != nil {
		return nil, err
	}
	return &wholeRun{view: v, lines: to == "ndjson", book: to == "xlsx", emit: emit, file: f, w: bufio.NewWriterSize(f, 64<<10), known: map[[16]byte]int32{}}, nil
}

func (t *wholeRun) put(x *version) error {
	i := int32(len(t.at))
	t.at, t.next = append(t.at, t.size), append(t.next, -1)
	n := int32(-1)
	var digest [16]byte
	if x.key[len(x.key)-1] != '/' { // it has an id
		sum := sha256.Sum256([]byte(x.key))
		copy(digest[:], sum[:])
		if have, ok := t.known[digest]; ok {
			n = have
		}
	}
	if n < 0 {
		n = int32(len(t.all))
		t.all = append(t.all, struct{ first, last int32 }{i, i})
		if digest != [16]byte{} {
			t.known[digest] = n
		}
	} else {
		t.next[t.all[n].last] = i
		t.all[n].last = i
	}
	b := x.append(nil)
	t.size += int64(len(b))
	_, err := t.w.Write(b)
	return err
}

// close gives the rows.
func (t *wholeRun) close() error {
	defer t.file.Close()
	if err := t.w.Flush(); err != nil {
		return err
	}
	t.at = append(t.at, t.size)
	for _, x := range t.all {
		var list []*version
		for i := x.first; i >= 0; i = t.next[i] {
			b := make([]byte, t.at[i+1]-t.at[i])
			if _, err := t.file.ReadAt(b, t.at[i]); err != nil {
				return err
			}
			v, err := parseVersion(b)
			if err != nil {
				return err
			}
			list = append(list, v)
		}
		cells, err := t.join(list)
		if err != nil {
			return err
		}
		for n := len(t.view.Columns); len(cells) > 0; cells = cells[n:] {
			if err := t.emit(cells[:n]); err != nil {
				return err
			}
		}
	}
	if t.several > 0 {
		t.finds = append(t.finds, diag.New(sqlview.Superseded, diag.Place{}, "%d resources of the view %s stand in several records; %d of their values gave way to later ones",
			t.several, t.view.Name, t.superseded))
	}
	return nil
}

// join makes the rows of a resource of what the records say of it.
func (t *wholeRun) join(list []*version) ([]string, error) {
	if len(list) == 1 {
		return list[0].cells, nil
	}
	t.several++
	slices.SortStableFunc(list, func(a, b *version) int { return cmp.Compare(a.written, b.written) })
	last := list[len(list)-1]
	cells := last.cells
	if t.view.Record {
		var err error
		if cells, err = t.again(list); err != nil {
			var f *diag.Finding
			if !errors.As(err, &f) {
				return nil, err
			}
			t.finds = append(t.finds, f)
			return nil, nil
		}
	}
	n := len(t.view.Columns)
	if len(cells) != n {
		return cells, nil // none, or several, of which nobody knows which is which in the versions
	}
	row := slices.Clone(cells)
	stop := last.deletes
	for i := len(list) - 2; i >= 0; i-- {
		x := list[i]
		if len(x.cells) != n {
			continue
		}
		if !stop {
			t.fill(row, x.cells)
		}
		stop = stop || x.deletes
	}
	for _, x := range list[:len(list)-1] {
		for i, c := range x.cells {
			if i = i % n; !t.blank(c) && c != row[i] && !t.view.Columns[i].Record {
				t.superseded++
			}
		}
	}
	return row, nil
}

// blank tells whether a cell holds nothing.
func (t *wholeRun) blank(cell string) bool {
	return cell == "" || t.lines && (cell == "null" || cell == "[]")
}

// fill fills what is blank from an earlier row: parts as a whole.
func (t *wholeRun) fill(row, from []string) {
	cols := t.view.Columns
	for i := range cols {
		if cols[i].Record || !t.blank(row[i]) {
			continue
		}
		whole := cols[i].Part == 0 || !slices.ContainsFunc(indexes(cols, cols[i].Part), func(j int) bool { return !t.blank(row[j]) })
		if !whole {
			continue
		}
		if cols[i].Part == 0 {
			row[i] = from[i]
			continue
		}
		for _, j := range indexes(cols, cols[i].Part) {
			if !cols[j].Record {
				row[j] = from[j]
			}
		}
	}
}

// indexes are the columns of a part.
func indexes(cols []sqlview.Column, part int) (list []int) {
	for i := range cols {
		if cols[i].Part == part {
			list = append(list, i)
		}
	}
	return list
}

// again runs the view on the latest version, with all that the versions say as %record.
func (t *wholeRun) again(list []*version) ([]string, error) {
	if t.runner == nil {
		t.c = fhirpath.NewContext(fhirpath.Env{})
		t.runner = t.view.NewRunner(t.c)
	}
	defer t.c.Forget()
	last := list[len(list)-1]
	index := fhir.NewIndex()
	var record []fhirpath.Value
	add := func(text []byte) (proto.Message, error) {
		m, finds := fhir.Unmarshal(text)
		if m == nil || fhir.Lost(finds) != nil {
			return nil, errSpool // we wrote it
		}
		index.Add(fhir.Located{Resource: m})
		record = append(record, fhirpath.Of(m))
		return m, nil
	}
	res, err := add(last.resource)
	if err != nil {
		return nil, err
	}
	for _, o := range latest(list) {
		if _, err := add(o.text); err != nil {
			return nil, err
		}
	}
	t.c.SetResolver(index)
	t.runner.SetRecord(record)
	var cells []string
	err = t.runner.Run(fhirpath.Of(res), func(row sqlview.Row) error {
		cells = appendCells(cells, t.view, row, t.lines)
		for i, c := range cells[len(cells)-len(row):] {
			if t.book && !csvtab.FitsCell(c) {
				cells[len(cells)-len(row)+i] = ""
				t.finds = append(t.finds, diag.New(csvtab.CellTooLong, diag.Place{Path: t.view.Resource}, tooLong, t.view.Columns[i].Name, t.view.Name))
			}
		}
		return nil
	})
	return cells, err
}

// latest are the other resources of all versions: each once, as it was said last, where it was said first. What two records say in the same words under
// different ids is one: messages repeat allergies and diagnoses without saying which they are.
func latest(list []*version) (all []other) {
	byKey := map[string]int{}
	words := map[[32]byte]int{} // by words: the version that has them first
	for n, x := range list {
		for _, o := range x.others {
			if i, ok := byKey[o.key]; ok && o.key != "" {
				if o.written >= all[i].written {
					all[i] = o
				}
				continue
			}
			_, id, _ := bytes.Cut([]byte(o.key), []byte{'/'})
			sum := sha256.Sum256(bytes.Replace(o.text, []byte(`"id":"`+string(id)+`"`), nil, 1))
			if first, ok := words[sum]; ok && first < n {
				continue
			} else if !ok {
				words[sum] = n
			}
			if o.key != "" {
				byKey[o.key] = len(all)
			}
			all = append(all, o)
		}
	}
	return all
}

// appendCells appends the cells of a row, as a table or as JSON has them.
func appendCells(cells []string, v *sqlview.View, row sqlview.Row, lines bool) []string {
	if cells == nil {
		cells = make([]string, 0, len(row))
	}
	for i := range row {
		if lines {
			cells = append(cells, string(row[i].AppendJSON(nil, &v.Columns[i])))
		} else {
			cells = append(cells, row[i].Text(&v.Columns[i]))
		}
	}
	return cells
}

// appendLine appends a row of JSON cells as a line.
func appendLine(b []byte, v *sqlview.View, cells []string) []byte {
	b = append(b, '{')
	for i, c := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(append(b, '"'), v.Columns[i].Name...), '"', ':'), c...)
	}
	return append(b, '}', '\n')
}
