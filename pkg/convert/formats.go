package convert

import (
	"fmt"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
)

// Formats are the formats of a run, in the order in which sources are tried.
type Formats struct {
	List      []*Format
	Unmatched func() []*diag.Finding // after the run: overlays that matched nothing
	// MappedTables is the format that writes tables by a mapping backwards, as csv or xlsx: by that of a name, or by the last one given if it is
	// empty; nil if there is none such.
	MappedTables func(to, mapping string, w TableStyle) *Format
}

// TableStyle is how tables are written as text.
type TableStyle struct {
	Excel bool // so that Excel opens them right
	Raw   bool // without what keeps a spreadsheet from running a cell as a formula
}

// Named finds a format by name.
func (f *Formats) Named(name string) (*Format, error) {
	var names []string
	for _, x := range f.List {
		if x.Name == name {
			return x, nil
		}
		names = append(names, x.Name)
	}
	return nil, fmt.Errorf("there is no format %q: it is one of %s", name, strings.Join(names, ", "))
}

// SniffLen is how much of a source Detect wants to see.
const SniffLen = 64 << 10

// Detect finds the format of a source by its first bytes, and where they say nothing by its name; nil if it is of none.
func (f *Formats) Detect(name string, head []byte) *Format {
	for _, x := range f.List {
		if x.Sniff != nil && x.Sniff(head) {
			return x
		}
	}
	for _, x := range f.List {
		if len(head) > 0 && x.Called != nil && x.Called(name, head) {
			return x
		}
	}
	return nil
}
