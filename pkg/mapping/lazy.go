package mapping

import (
	"strings"
	"sync"
)

// lazy is the text of a block whose lines are parsed when they are first asked for.
type lazy[T any] struct {
	text string
	line int   // the number of the text's first line
	lets []let // those that stand above the block

	once  sync.Once
	lines []T
	err   error
}

// parser reads the block's text, in the file that it was left in.
func (l *lazy[T]) parser(file string) *parser {
	return &parser{f: &File{Name: file}, text: l.text, line: l.line - 1, lets: l.lets}
}

// rows gives the table's rows, parsed if need be.
func (t *Table) rows() ([]*Row, error) {
	l := t.lazy
	if l == nil {
		return t.Rows, nil
	}
	l.once.Do(func() {
		p := l.parser(t.Pos.File)
		p.table = &Table{Pos: t.Pos, Name: t.Name, Types: t.Types}
		block := p.table
		p.rows = make([]Row, strings.Count(l.text, "\n")+1)
		p.lines()
		l.lines, l.err = block.Rows, p.faults.err()
	})
	return l.lines, l.err
}

// AllRows gives the table's rows, of a file that was only indexed too.
func (t *Table) AllRows() ([]*Row, error) { return t.rows() }

// lines gives the codes' lines, parsed if need be.
func (c *Codes) lines() ([]*Code, error) {
	l := c.lazy
	if l == nil {
		return c.Codes, nil
	}
	l.once.Do(func() {
		p := l.parser(c.Pos.File)
		p.codes = &Codes{Pos: c.Pos, Name: c.Name}
		block := p.codes
		p.cs = make([]Code, strings.Count(l.text, "\n")+1)
		p.lines()
		l.lines, l.err = block.Codes, p.faults.err()
	})
	return l.lines, l.err
}
