package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
)

// A Fault is one thing that is wrong with a mapping file: where, what, and what to write instead.
type Fault struct {
	ID   diag.ID // MapSyntax if empty
	Pos  Pos
	Msg  string
	Hint string // what to do about it; may be empty
}

func (f *Fault) Error() string {
	at := f.Pos.String()
	if f.Pos.Column > 0 {
		at = fmt.Sprintf("%s:%d", at, f.Pos.Column)
	}
	if f.Hint == "" {
		return at + ": " + f.Msg
	}
	return at + ": " + f.Msg + " (" + f.Hint + ")"
}

// Finding is the fault in the form that every report of Chartpost has. A mapping file holds no patient's data, so its words
// may be quoted.
func (f *Fault) Finding() *diag.Finding {
	id := f.ID
	if id == "" {
		id = MapSyntax
	}
	what := f.Msg
	if f.Hint != "" {
		what += "; " + f.Hint
	}
	return diag.New(id, diag.Place{Source: f.Pos.File, Line: f.Pos.Line, Column: f.Pos.Column}, "%s", what)
}

// Faults are all that is wrong with one or more mapping files, in the order of files and lines.
type Faults []*Fault

func (f Faults) Error() string {
	var b strings.Builder
	for i, x := range f {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(x.Error())
	}
	return b.String()
}

// Unwrap gives the faults one by one to errors.As.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i, x := range f {
		errs[i] = x
	}
	return errs
}

// err is the faults as an error, nil if there are none.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// FaultsOf collects the faults within an error, however they are wrapped and joined; an error that is none of ours becomes a
// fault without a place.
func FaultsOf(err error) Faults {
	switch x := err.(type) {
	case nil:
		return nil
	case *Fault:
		return Faults{x}
	case Faults:
		return slices.Clone(x)
	case interface{ Unwrap() []error }:
		var all Faults
		for _, e := range x.Unwrap() {
			all = append(all, FaultsOf(e)...)
		}
		return all
	}
	var f *Fault
	if errors.As(err, &f) {
		return Faults{f}
	}
	return Faults{{Msg: err.Error()}}
}

// The findings of this package; pkg/diag has their words.
const (
	MapSyntax    diag.ID = "CP-MAP-001" // a line that cannot be read
	MapHead      diag.ID = "CP-MAP-002" // the YAML head
	MapReason    diag.ID = "CP-MAP-003" // a one-way row or code without a note, a declined one without a reason
	MapTwice     diag.ID = "CP-MAP-004" // a name, row or code that stands twice
	MapNoRow     diag.ID = "CP-MAP-005" // drop or replace names no row
	MapCompile   diag.ID = "CP-MAP-006" // a row that does not compile
	MapUnmatched diag.ID = "CP-MAP-007" // an overlay that matched nothing
	MapEncoding  diag.ID = "CP-MAP-008" // not UTF-8 text

	TooDeep diag.ID = "CP-CNV-011" // a record whose parts lie too deep within one another
)
