package sqlview

import (
	"slices"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// Findings about views and what they are run on.
const (
	BadJSON       diag.ID = "CP-CSV-100"
	NoView        diag.ID = "CP-CSV-101"
	BadElement    diag.ID = "CP-CSV-102"
	BadPath       diag.ID = "CP-CSV-103"
	BadResource   diag.ID = "CP-CSV-104"
	BadName       diag.ID = "CP-CSV-105"
	UnlikeUnion   diag.ID = "CP-CSV-106"
	BadConstant   diag.ID = "CP-CSV-107"
	NotBoolean    diag.ID = "CP-CSV-108"
	NoSingleValue diag.ID = "CP-CSV-109"
	SameName      diag.ID = "CP-CSV-110"
	OtherType     diag.ID = "CP-CSV-111"
	SeveralValues diag.ID = "CP-CSV-112"
	FailedPath    diag.ID = "CP-CSV-113"
	FindsNothing  diag.ID = "CP-CSV-114"
	Superseded    diag.ID = "CP-CSV-115"
	OtherVersion  diag.ID = "CP-CSV-116"
)

// Extensions of a view. By DistinctURL it leaves out rows that are the same as others; by WholeRunURL a resource that several records have is
// one in the table.
const (
	DistinctURL = "https://chartpost.org/fhir/StructureDefinition/view-distinct"
	WholeRunURL = "https://chartpost.org/fhir/StructureDefinition/view-whole-run"
)

// View is a ViewDefinition that has been read and compiled.
type View struct {
	Name     string // of the table
	Title    string // in words; may be empty
	Resource string // the type that it is run on
	Columns  []Column
	Record   bool     // a path uses %record
	Distinct bool     // a row that is the same as another is written once: DistinctURL says so
	WholeRun bool     // a resource that several records have is one, with the latest of its values: WholeRunURL says so
	Resolves bool     // a path follows references to other resources of the record
	Needs    []string // the types of resources that %record is asked for; nil if that may be any

	where []*fhirpath.Expr
	root  *selection
	index bool // a path uses %rowIndex
}

// Column is a column of a table.
type Column struct {
	Name        string
	Description string
	Type        string // FHIR's name, as the view says it, else as its path gives it; empty if neither tells
	Collection  bool   // a cell may hold several values
	Record      bool   // it is of %record
	Part        int    // columns of one part are of one item, such as a name; 0 is none
}

// selection is a select of a view, or the view itself: what it iterates over and what it says of each item.
type selection struct {
	each   *fhirpath.Expr   // forEach and forEachOrNull
	orNull bool             // forEachOrNull
	repeat []*fhirpath.Expr // repeat; none of the three: the item that it is run on

	first   int // its columns among the view's; those of what is below stand behind them
	cols    []Column
	paths   []*fhirpath.Expr
	selects []*selection // each row of one with each row of the others
	union   []*selection // the rows of one after those of the other, in the same columns

	order []*selection // selects, those that give one row before those that give many
}

// columns are those of a selection and what is below it.
func (s *selection) columns() []Column {
	list := slices.Clone(s.cols)
	for _, x := range s.selects {
		list = append(list, x.columns()...)
	}
	if len(s.union) > 0 {
		list = append(list, s.union[0].columns()...)
	}
	return list
}

// layout says where the columns of a selection stand, and gives the place behind them.
func (s *selection) layout(first int) int {
	s.first = first
	at := first + len(s.cols)
	for _, x := range s.selects {
		at = x.layout(at)
	}
	end := at
	for _, x := range s.union {
		end = x.layout(at)
	}
	// So that the single ones are not made anew for each row of the others; the order of the rows is the same.
	s.order = slices.Clone(s.selects)
	slices.SortStableFunc(s.order, func(a, b *selection) int {
		switch x, y := a.single(), b.single(); {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return end
}

// single tells whether a selection gives exactly one row for an item.
func (s *selection) single() bool {
	return s.each == nil && s.repeat == nil && s.union == nil && !slices.ContainsFunc(s.selects, func(x *selection) bool { return !x.single() })
}
