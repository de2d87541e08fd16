package mapping

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Format prints a file in its one canonical layout: rows in columns, aligned within each stretch that no empty line breaks;
// two blanks between columns; codes set in by two; one empty line before each block. Comments stay where they are. The head
// is kept as it is. Format of what it has printed is the same again, and means the same.
//
// The file must have been read by ParseFile without faults: what could not be read is not in it.
func Format(f *File) []byte {
	p := &printer{}
	if f.Head != nil {
		p.b.WriteString("---\n")
		p.b.WriteString(f.Head.Raw)
		p.b.WriteString("---\n")
		p.gap = true
	}
	for i := 0; i < len(f.Items); i++ {
		switch x := f.Items[i].(type) {
		case *Comment:
			// A comment right above a block belongs to it: the empty line that parts blocks stands above the comment.
			if x.Text != "" && p.headsBlock(f.Items[i:]) {
				p.part()
			}
			p.comment(x)
		case *Table:
			if x.again {
				continue
			}
			p.part()
			p.line(0, "table "+strings.Join(x.Names(), "|")+" -> "+strings.Join(x.Types, "|"), x.Note)
			p.block(0, x.Lines)
			p.after = true
		case *Codes:
			p.part()
			head := "codes " + x.Name
			if x.System != "" {
				head += " " + x.System
			}
			if x.From != "" {
				head += " from " + x.From
			}
			p.line(0, head, x.Note)
			p.block(2, x.Lines)
			p.after = true
		default: // systems, lets and changes between the blocks
			if p.after {
				p.part()
			}
			n := i + 1
			for n < len(f.Items) && sameKind(x, f.Items[n]) {
				n++
			}
			p.block(0, f.Items[i:n])
			i = n - 1
		}
	}
	return p.b.Bytes()
}

func sameKind(a, b Item) bool {
	switch a.(type) {
	case *System:
		_, ok := b.(*System)
		return ok
	case *Let:
		_, ok := b.(*Let)
		return ok
	case *Change:
		_, ok := b.(*Change)
		return ok
	}
	return false
}

type printer struct {
	b        bytes.Buffer
	gap      bool // an empty line is due before whatever comes next
	after    bool // the last thing printed was a block of rows
	comments bool // the last thing printed was a comment at the file's level
}

// headsBlock reports whether comments without an empty line lead to a table or codes.
func (p *printer) headsBlock(items []Item) bool {
	if p.comments {
		return false // the first of the comments has asked
	}
	for _, x := range items {
		switch x := x.(type) {
		case *Comment:
			if x.Text == "" {
				return false
			}
		case *Table, *Codes:
			return true
		default:
			return p.after
		}
	}
	return false
}

// part asks for an empty line, unless a comment stands right above.
func (p *printer) part() {
	if !p.comments {
		p.gap = true
	}
}

func (p *printer) comment(x *Comment) {
	if x.Text == "" {
		p.gap, p.comments, p.after = true, false, false
		return
	}
	p.line(0, x.Text, "")
	p.comments = true
}

func (p *printer) line(indent int, s, note string) {
	if p.gap && p.b.Len() > 0 {
		p.b.WriteByte('\n')
	}
	p.gap, p.after, p.comments = false, false, false
	for range indent {
		p.b.WriteByte(' ')
	}
	p.b.WriteString(s)
	if note != "" {
		p.b.WriteString("  # ")
		p.b.WriteString(note)
	}
	p.b.WriteByte('\n')
}

// cells are the columns of one line. Last is not padded to and does not widen its column: a reason.
type cells struct {
	col    [5]string // mark, else and place; type; target; clauses; note
	last   string    // behind the last column that is not empty
	indent int
	text   string // a comment
	blank  bool
	free   bool // stands for itself and widens no column
}

// widest is how wide each column may become. A longer text does not push those of the other lines to the right: its own line
// is out of step.
var widest = [...]int{36, 24, 56, 56}

func (p *printer) block(indent int, items []Item) {
	lines := make([]cells, 0, len(items))
	for _, x := range items {
		switch x := x.(type) {
		case *Row:
			lines = append(lines, rowCells(x, indent))
		case *Code:
			lines = append(lines, codeCells(x, indent))
		case *System:
			lines = append(lines, withNote(cells{col: [5]string{"system " + x.Name, codeText(x.URI)}}, x.Note))
		case *Let:
			lines = append(lines, withNote(cells{col: [5]string{"let " + x.Name, x.Place}}, x.Note))
		case *Change:
			c := withNote(cells{col: [5]string{x.text()}, free: true}, x.Note)
			lines = append(lines, c)
			if x.Row != nil {
				c := rowCells(x.Row, 2)
				c.free = true
				lines = append(lines, c)
			}
		case *Comment:
			lines = append(lines, cells{text: x.Text, blank: x.Text == ""})
		}
	}
	for len(lines) > 0 {
		n := 0
		for n < len(lines) && !lines[n].blank {
			n++
		}
		p.stretch(lines[:n])
		if n == len(lines) {
			return
		}
		p.gap = true
		lines = lines[n+1:]
	}
}

// stretch prints lines aligned among themselves.
func (p *printer) stretch(lines []cells) {
	var width [5]int
	for i := range lines {
		c := &lines[i]
		if c.free || c.text != "" {
			continue
		}
		for k := range 4 {
			later := c.last != "" && k < 1 // a reason begins where it begins
			for j := k + 1; j < 5; j++ {
				later = later || c.col[j] != ""
			}
			if w := utf8.RuneCountInString(c.col[k]); later && w <= widest[k] {
				width[k] = max(width[k], w)
			}
		}
	}
	var b strings.Builder
	for i := range lines {
		c := &lines[i]
		if c.text != "" {
			p.line(0, c.text, "")
			continue
		}
		b.Reset()
		width := width
		if c.free {
			width = [5]int{}
		}
		pad := 0 // owed before the next column
		put := func(s string) {
			if b.Len() > 0 {
				for range pad + 2 {
					b.WriteByte(' ')
				}
			}
			pad = 0
			b.WriteString(s)
		}
		n := len(c.col)
		for n > 0 && c.col[n-1] == "" {
			n--
		}
		for k, s := range c.col[:n] {
			if s != "" {
				put(s)
			} else if width[k] > 0 {
				pad += 2
			}
			pad += max(0, width[k]-utf8.RuneCountInString(s))
		}
		if c.last != "" {
			put(c.last)
		}
		p.line(c.indent, b.String(), "")
	}
}

func withNote(c cells, note string) cells {
	if note != "" {
		c.col[4] = "# " + note
	}
	return c
}

func rowCells(r *Row, indent int) cells {
	c := cells{indent: indent}
	place, with, ifs := r.asWritten()
	lead := ""
	if r.Direction != Both {
		lead = string(rune(r.Direction)) + " "
	}
	if r.Else {
		lead += "else "
	}
	switch r.Kind {
	case DeclineSource:
		c.col[0], c.col[1], c.last = lead+place, "-", r.Note
		return c
	case DeclineTarget:
		c.col[0], c.last = lead+"-", r.Target+"  "+r.Note
		return c
	case ConstTarget:
		place = quoted(r.Literal)
	}
	c.col[0] = lead + place
	c.col[1] = r.typeText()
	c.col[2] = r.Target
	if r.Kind == ConstSource {
		c.col[2] = quoted(r.Literal)
	}
	c.col[3] = clauseText(with, ifs)
	return withNote(c, r.Note)
}

// asWritten gives the place and tests with their $names.
func (r *Row) asWritten() (place string, with, ifs []string) {
	place, with, ifs = r.Place, r.With, r.If
	if w := r.written; w != nil {
		if w.Place != "" {
			place = w.Place
		}
		if w.With != nil {
			with = w.With
		}
		if w.If != nil {
			ifs = w.If
		}
	}
	return place, with, ifs
}

func (r *Row) typeText() string {
	s := r.Type
	if r.Arg != "" {
		s += "(" + r.Arg + ")"
	}
	if r.Codes != "" {
		s += "+" + r.Codes
	}
	if r.Each {
		s += "[]"
	}
	return s
}

func clauseText(with, ifs []string) string {
	s := ""
	if len(with) > 0 {
		s = "with " + strings.Join(with, " and ")
	}
	if len(ifs) > 0 {
		if s != "" {
			s += " "
		}
		s += "if " + strings.Join(ifs, " and ")
	}
	return s
}

// String is the row on one line, two blanks between its columns, with its note.
func (r *Row) String() string { return joined(rowCells(r, 0)) }

// String is the line of codes.
func (c *Code) String() string { return strings.TrimLeft(joined(codeCells(c, 0)), " ") }

func joined(c cells) string {
	var w []string
	for _, s := range c.col {
		if s != "" {
			w = append(w, s)
		}
	}
	if c.last != "" {
		w = append(w, c.last)
	}
	return strings.Join(w, "  ")
}

// text is the change without its note and row.
func (x *Change) text() string {
	s := "drop "
	if x.Replace {
		s = "replace "
	}
	if x.whole {
		s += x.Table + "[" + strings.Join(x.Types, "|") + "] "
	}
	place := x.Place
	if x.written != "" {
		place = x.written
	}
	s += place + " -> " + x.Target
	with, ifs := x.With, x.If
	if x.tests != nil {
		if x.tests.With != nil {
			with = x.tests.With
		}
		if x.tests.If != nil {
			ifs = x.tests.If
		}
	}
	if c := clauseText(with, ifs); c != "" {
		s += "  " + c
	}
	return s
}

func codeCells(x *Code, indent int) cells {
	lead := "  "
	if x.Direction != Both {
		lead = string(rune(x.Direction)) + " "
	}
	c := cells{col: [5]string{lead + codeText(x.From), codeText(x.To)}}
	if x.Declined {
		c.col[1], c.last = "-", x.Note
		return c
	}
	return withNote(c, x.Note)
}

// codeText is a code as it stands in a file: bare, or in quotes where it would be read as something else.
func codeText(s string) string {
	switch s {
	case "-", ">", "<", "else":
		return quoted(s)
	}
	for _, k := range keywords {
		if s == k {
			return quoted(s)
		}
	}
	if s == "" || s[0] == '#' || strings.ContainsAny(s, "'\"") {
		return quoted(s)
	}
	var sc scanner
	sc.reset(s)
	if c, ok := sc.column(); !ok || c != s {
		return quoted(s)
	}
	return s
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
