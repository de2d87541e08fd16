package mapping

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// This file is the shape of a .map file as it stands: what the parser makes, the formatter prints, the compiler reads and
// explain shows. Texts of places, tests and targets are kept as they were written; they are compiled when a table is first
// used, against the source's format and the hub's types.

// Pos is where something stands in a mapping file.
type Pos struct {
	File         string
	Line, Column int // from 1
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// File is one mapping file.
type File struct {
	Name  string
	Head  *Head // nil without a YAML head
	Items []Item

	proven bool // built in: its rows are held against the laws by tests
}

// An Item is a *Table, a *Codes, a *System, a *Let, a *Change or a *Comment (which an empty line is too).
type Item interface{ At() Pos }

// Head is the YAML head of an overlay or a CSV mapping, between two lines of ---.
type Head struct {
	Pos     Pos     `yaml:"-"`
	Name    string  `yaml:"name"`
	Version string  `yaml:"version"`
	Base    string  `yaml:"base"` // of a CSV mapping: the built-in one that it changes
	Matches Matches `yaml:"matches"`
	Options Options `yaml:"options"`
	Raw     string  `yaml:"-"` // the head as it stands, for the formatter

	// Files are those that a CSV mapping reads and writes, by the tables that read their rows. Names are in the order of the head.
	Files map[string]*TableFile `yaml:"files"`
	Names []string              `yaml:"-"`
}

// TableFile says which files a table of a CSV mapping is for, and how they are read (docs/csv.md).
type TableFile struct {
	Headers  []string            `yaml:"headers"`  // columns that must be there, in any order, by their names or aliases
	Without  []string            `yaml:"without"`  // columns that must not be there
	File     string              `yaml:"file"`     // a pattern for the file's name, as patients*.csv
	Sheet    string              `yaml:"sheet"`    // a pattern for the sheet's name in a workbook
	Columns  map[string][]string `yaml:"columns"`  // what else a column is called
	Order    []string            `yaml:"order"`    // the columns that are written, where that is not the order of the rows
	Key      Words               `yaml:"key"`      // the columns that together identify a row
	Unique   Words               `yaml:"unique"`   // the columns that no two rows share, where they are no key; for validate
	Record   string              `yaml:"record"`   // the column that says to which record a row belongs
	Resource string              `yaml:"resource"` // the column whose cells are whole resources of FHIR
	Split    map[string]string   `yaml:"split"`    // what stands between the values of a cell that holds several
	Dates    map[string]string   `yaml:"dates"`    // the order of dates in a column, where it is not the file's
	Fixed    []string            `yaml:"fixed"`    // of a file without separators: NAME FROM-TO, counted from 1
	Comma    string              `yaml:"comma"`    // what separates cells, where it is not to be guessed
	Header   string              `yaml:"header"`   // none: the first line is data, and the columns are those of order
}

// Words is one word or a list of them.
type Words []string

// UnmarshalYAML takes a single word as a list of one.
func (w *Words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = Words{n.Value}
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return err
	}
	*w = list
	return nil
}

// Matches says which sources a file is for. What is empty matches anything.
type Matches struct {
	Format   string   `yaml:"format"`   // hl7v2, ccda, csv
	Sender   string   `yaml:"sender"`   // MSH-3, a custodian's name or id
	Facility string   `yaml:"facility"` // MSH-4
	Event    string   `yaml:"event"`    // ORU^R01, ADT
	Headers  []string `yaml:"headers"`  // of CSV: the columns that must be there
}

// Options hold for the sources that a file matches, unless the command line says otherwise.
type Options struct {
	Zone     string `yaml:"zone"`
	Dates    string `yaml:"dates"`
	Encoding string `yaml:"encoding"`
	Unmapped string `yaml:"unmapped"` // of CSV: what becomes of columns that no row knows: keep, report, refuse
}

// Table is "table NAME -> TYPE|TYPE" with its rows. A block of several tables, "table NAME|NAME -> TYPE", is one for each name, with the same rows.
type Table struct {
	Pos   Pos
	Name  string
	Types []string // FHIR types; Bundle is a scope
	Note  string
	Rows  []*Row
	Lines []Item // the rows, changes and comments in their order, for the formatter

	block []*Table    // all tables of a block of several, of the first of them
	again bool        // it is a further one of such a block
	lazy  *lazy[*Row] // of a file that was only indexed: Rows and Lines are empty
}

// Names are the tables of the block that begins with this one, none for the further ones of a block.
func (t *Table) Names() (names []string) {
	switch {
	case t.again:
		return nil
	case t.block == nil:
		return []string{t.Name}
	}
	for _, x := range t.block {
		names = append(names, x.Name)
	}
	return names
}

// Direction keeps a row or a code to one way.
type Direction byte

const (
	Both     Direction = 0
	Forward  Direction = '>' // source to FHIR only
	Backward Direction = '<' // FHIR to source only
)

// RowKind says what a row does.
type RowKind uint8

const (
	MapRow        RowKind = iota + 1 // place type target
	DeclineSource                    // place - reason
	DeclineTarget                    // - target reason
	ConstTarget                      // 'literal' leaftype target
	ConstSource                      // place leaftype 'literal'
)

// Row is one line of a table.
type Row struct {
	Pos       Pos
	Direction Direction
	Else      bool
	Kind      RowKind
	Place     string   // in the source; "." is the instance itself
	Type      string   // a table, codes, a leaf type or a pair; without argument, codes and []
	Arg       string   // date(01/02/2006)
	Codes     string   // CWE+0078: the codes that add a translated coding
	Each      bool     // TYPE[]
	Target    string   // with its arrow, as written
	With, If  []string // tests, as written
	Literal   string   // of a constant
	Note      string   // after #; of a declined row the reason

	written *written // place and tests as they were before let was expanded; nil if that changed nothing
}

// written is what the formatter prints where the row says $NAME.
type written struct {
	Place    string
	With, If []string
}

// Codes is "codes NAME [SYSTEM] [from SYSTEM]" with its lines.
type Codes struct {
	Pos    Pos
	Name   string
	System string // of the target codes; a name or URI; may be empty where FHIR wants a bare code
	From   string // of the source codes; a name or URI
	Note   string
	Codes  []*Code
	Lines  []Item

	lazy *lazy[*Code]
}

// Code is one line of codes: FROM TO, or FROM - reason for a code that has no counterpart.
type Code struct {
	Pos       Pos
	Direction Direction
	From, To  string
	Declined  bool
	Note      string // of a declined code the reason
}

// System is "system NAME URI".
type System struct {
	Pos       Pos
	Name, URI string
	Note      string
}

// Let is "let NAME place": $NAME stands for the place in the rest of the file.
type Let struct {
	Pos         Pos
	Name, Place string
	Note        string
}

// Change is an overlay's "drop TABLE[TYPE] PLACE -> TARGET" or "replace TABLE[TYPE] PLACE -> TARGET", which names a built-in
// row; a replace is followed by the row that takes its place. Within a table's block TABLE[TYPE] is left out. A row of
// another kind is named by what stands in its columns: drop 1 -> -, drop - -> id, drop 'unknown' -> status.
type Change struct {
	Pos           Pos
	Replace       bool
	Table         string   // PID
	Types         []string // Patient
	Place, Target string
	With, If      []string // which row, where several have this place and target; may be left out
	Row           *Row     // of a replace
	Note          string

	whole   bool   // written with its TABLE[TYPE]
	written string // the place before let was expanded
	tests   *written
}

// Comment is a line that begins with #, or an empty line.
type Comment struct {
	Pos  Pos
	Text string
}

func (x *Table) At() Pos   { return x.Pos }
func (x *Row) At() Pos     { return x.Pos }
func (x *Codes) At() Pos   { return x.Pos }
func (x *Code) At() Pos    { return x.Pos }
func (x *System) At() Pos  { return x.Pos }
func (x *Let) At() Pos     { return x.Pos }
func (x *Change) At() Pos  { return x.Pos }
func (x *Comment) At() Pos { return x.Pos }
