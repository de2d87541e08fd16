package sqlview

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// Row is the cells of a row, in the order of the view's columns. It is valid until its function returns.
type Row []Cell

// Cell is what stands in a column of a row: nothing, one value, or with Column.Collection any number.
type Cell struct {
	Values []fhirpath.Value

	from []fhirpath.Value // what was read to compute it
	told bool             // Claim was told of it
}

// Empty reports that there is nothing.
func (c Cell) Empty() bool { return len(c.Values) == 0 }

// Text is the one value as FHIR writes it; of several an array of JSON.
func (c Cell) Text(col *Column) string {
	switch {
	case col.Collection:
		if len(c.Values) == 0 {
			return ""
		}
		return string(c.AppendJSON(nil, col))
	case len(c.Values) == 0:
		return ""
	}
	s, _ := c.Values[0].Text()
	return s
}

// AppendJSON appends the cell as JSON has it: numbers and booleans as such, everything else as texts, null for nothing; of a
// collection an array.
func (c Cell) AppendJSON(b []byte, col *Column) []byte {
	if !col.Collection {
		if len(c.Values) == 0 {
			return append(b, "null"...)
		}
		return appendValue(b, c.Values[0])
	}
	b = append(b, '[')
	for i, v := range c.Values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v)
	}
	return append(b, ']')
}

func appendValue(b []byte, v fhirpath.Value) []byte {
	s := v.System()
	switch s.Kind() {
	case fhirpath.Boolean:
		x, _ := s.Bool()
		return strconv.AppendBool(b, x)
	case fhirpath.Integer:
		n, _ := s.Int()
		return strconv.AppendInt(b, n, 10)
	case fhirpath.Decimal:
		// FHIR's decimals are numbers of JSON; what FHIRPath computes may end or begin otherwise.
		text, _ := s.Text()
		if jsontext.Value(text).IsValid() {
			return append(b, text...)
		}
	}
	text, ok := v.Text()
	if !ok {
		return append(b, "null"...)
	}
	quoted, err := jsontext.AppendQuote(b, text)
	if err != nil { // not UTF-8, which the hub does not hold
		return append(b, "null"...)
	}
	return quoted
}

// AppendJSON appends a row as an object of JSON, in the order of the columns.
func (v *View) AppendJSON(b []byte, row Row) []byte {
	b = append(b, '{')
	for i := range v.Columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), v.Columns[i].Name...), '"', ':') // which needs no escapes
		b = row[i].AppendJSON(b, &v.Columns[i])
	}
	return append(b, '}')
}

// Runner runs a view. It serves one goroutine.
type Runner struct {
	view *View
	c    *fhirpath.Context
	row  Row
	foci map[*selection][]fhirpath.Value
	err  error
	emit func(Row) error
	n    int // items that were visited for the resource

	cell  *Cell                  // that is being computed
	watch func(v fhirpath.Value) // adds to what was read for it

	// MaxItems is how many items a view may visit on one resource, so that one that multiplies lists by lists comes to an end.
	MaxItems int

	// Claim, if it is set, is told of the leaves that stand in the rows that are given: as they are, or as part of what a path computes.
	Claim func(v fhirpath.Value, col *Column, asIs bool)
}

// NewRunner makes a runner, which evaluates in a context; runners of one goroutine share it.
func (v *View) NewRunner(c *fhirpath.Context) *Runner {
	r := &Runner{view: v, c: c, row: make(Row, len(v.Columns)), foci: map[*selection][]fhirpath.Value{}, MaxItems: 10_000_000}
	r.watch = func(v fhirpath.Value) { r.cell.from = append(r.cell.from, v) }
	return r
}

// Run gives the rows of one resource, none if it is of another type or the view's conditions leave it out. An error that is a
// *diag.Finding is about the resource: the view cannot be run on it.
func (r *Runner) Run(resource fhirpath.Value, emit func(Row) error) error {
	if t := resource.Type(); t == nil || t.Name != r.view.Resource {
		return nil
	}
	r.c.SetScope(resource, resource)
	for _, x := range r.view.where {
		keep, err := r.keep(x, resource)
		if err != nil {
			return err
		}
		if !keep {
			return nil
		}
	}
	r.err, r.emit, r.n = nil, emit, 0
	r.selected(r.view.root, resource, 0, r.give)
	return r.err
}

// keep tells whether a condition holds.
func (r *Runner) keep(x *fhirpath.Expr, v fhirpath.Value) (bool, error) {
	items, err := x.Eval(r.c, v)
	if err != nil {
		return false, r.failed(err)
	}
	switch len(items) {
	case 0:
		return false, nil
	case 1:
		if b, ok := items[0].Bool(); ok {
			return b, nil
		}
	}
	return false, diag.New(FailedPath, diag.Place{Path: r.view.Resource}, "a condition of the view %s gives something else than true or false", r.view.Name)
}

func (r *Runner) give() bool {
	if r.Claim != nil {
		for i := range r.row {
			if c := &r.row[i]; !c.told {
				c.told = true
				r.claim(c, &r.view.Columns[i])
			}
		}
	}
	r.err = r.emit(r.row)
	return r.err == nil
}

// claim tells what stands in a cell.
func (r *Runner) claim(c *Cell, col *Column) {
	computed := false
	for _, v := range c.Values {
		if v.Kind() == fhirpath.Node {
			r.Claim(v, col, true)
		} else {
			computed = true
		}
	}
	if !computed {
		return
	}
	asIs := false
	if len(c.from) == 1 && len(c.Values) == 1 { // a key ends with the id
		text, _ := c.Values[0].Text()
		leaf, ok := c.from[0].Text()
		asIs = ok && strings.HasSuffix(text, leaf)
	}
	for _, v := range c.from {
		r.Claim(v, col, asIs)
	}
}

// failed is what went wrong on the data.
func (r *Runner) failed(err error) error {
	var e *fhirpath.Error
	if !errors.As(err, &e) {
		return err
	}
	return diag.New(FailedPath, diag.Place{Path: e.Place}, "the view %s cannot be run here: %s (%s)", r.view.Name, e.Msg, e.Source)
}

// selected fills the cells of a selection for each of the items that it iterates over, and calls next when they are filled. index is
// %rowIndex around it. false ends it all.
func (r *Runner) selected(s *selection, v fhirpath.Value, index int, next func() bool) bool {
	if s.each == nil && s.repeat == nil {
		return r.item(s, v, index, next)
	}
	// Below it the context is used again, so the items are kept. A selection is never run within itself, so their room is its own.
	foci := r.foci[s][:0]
	var ok bool
	if s.each != nil {
		r.index(index)
		items, err := s.each.Eval(r.c, v)
		if ok = err == nil; !ok {
			r.err = r.failed(err)
		}
		foci = append(foci, items...)
	} else {
		foci, ok = r.repeat(s, v, foci, 0)
	}
	r.foci[s] = foci
	if !ok {
		return false
	}
	if len(foci) == 0 && s.orNull {
		return r.item(s, fhirpath.Value{}, 0, next)
	}
	for i, x := range foci {
		if !r.item(s, x, i, next) {
			return false
		}
	}
	return true
}

// visit counts; false ends it all.
func (r *Runner) visit(v fhirpath.Value) bool {
	if r.n++; r.n > r.MaxItems {
		r.err = diag.New(FailedPath, diag.Place{Path: r.c.Place(v)}, "the view %s visits more than %d items of one resource", r.view.Name, r.MaxItems)
		return false
	}
	return true
}

const maxRepeat = 1000

// repeat adds what the paths of a repeat find, each item before what is found from it.
func (r *Runner) repeat(s *selection, v fhirpath.Value, foci []fhirpath.Value, depth int) ([]fhirpath.Value, bool) {
	if depth > maxRepeat {
		r.err = diag.New(FailedPath, diag.Place{Path: r.c.Place(v)}, "the repeat of the view %s comes to no end", r.view.Name)
		return foci, false
	}
	for _, x := range s.repeat {
		items, err := x.Eval(r.c, v)
		if err != nil {
			r.err = r.failed(err)
			return foci, false
		}
		found := make([]fhirpath.Value, len(items))
		copy(found, items)
		for _, f := range found {
			ok := r.visit(f)
			if !ok {
				return foci, false
			}
			if foci, ok = r.repeat(s, f, append(foci, f), depth+1); !ok {
				return foci, false
			}
		}
	}
	return foci, true
}

func (r *Runner) index(i int) {
	if r.view.index {
		r.c.SetVariable(rowIndex, fhirpath.NewInteger(int64(i)))
	}
}

// item fills the cells of a selection for one item.
func (r *Runner) item(s *selection, v fhirpath.Value, index int, next func() bool) bool {
	if !r.visit(v) {
		return false
	}
	r.index(index)
	for i, x := range s.paths {
		at := s.first + i
		cell := &r.row[at]
		cell.from, cell.told = cell.from[:0], false
		if r.Claim != nil {
			r.cell = cell
			r.c.Watch(r.watch)
		}
		items, err := x.Eval(r.c, v)
		if r.Claim != nil {
			r.c.Watch(nil)
		}
		if err != nil {
			r.err = r.failed(err)
			return false
		}
		if col := &r.view.Columns[at]; len(items) > 1 && !col.Collection {
			r.err = diag.New(SeveralValues, diag.Place{Path: r.c.Place(items[1])}, "the column %s of the view %s has %d values for one row", col.Name, r.view.Name, len(items))
			return false
		}
		cell.Values = append(cell.Values[:0], items...)
	}
	return r.below(s, 0, v, index, next)
}

// below runs the selects of a selection from the i-th on, each within the rows of those before it, and then its union.
func (r *Runner) below(s *selection, i int, v fhirpath.Value, index int, next func() bool) bool {
	if i < len(s.order) {
		return r.selected(s.order[i], v, index, func() bool { return r.below(s, i+1, v, index, next) })
	}
	if len(s.union) == 0 {
		return next()
	}
	for _, x := range s.union {
		if !r.selected(x, v, index, next) {
			return false
		}
	}
	return true
}

// SetRecord says what %record is for the next resources.
func (r *Runner) SetRecord(resources []fhirpath.Value) { r.c.SetVariable(record, resources...) }

// View is the view that is run.
func (r *Runner) View() *View { return r.view }
