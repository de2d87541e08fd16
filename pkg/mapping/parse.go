package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The grammar (docs/rows.md). A file is lines; columns are separated by blanks outside quotes and brackets; # behind a blank
// begins a note, at the start of a line a comment.
//
//	file   = [ "---" YAML "---" ] { table | codes | system | let | change | comment }
//	table  = "table" NAME "->" TYPE {"|" TYPE}   { row | change | comment }
//	codes  = "codes" NAME [SYSTEM] ["from" SYSTEM]   { code | comment }
//	system = "system" NAME URI
//	let    = "let" NAME place
//	change = "drop" [TABLE"["TYPE"]"] place "->" target {clause}
//	       | "replace" [TABLE"["TYPE"]"] place "->" target {clause}, and on the next line the new row
//	row    = [">" | "<"] ["else"] place type target ["->" RESOURCE] {clause}
//	       | place "-" reason | "-" target reason | 'literal' type target | place type 'literal'
//	clause = ("with" | "if") test {"and" test}
//	code   = [">" | "<"] FROM TO | FROM "-" reason
//
// The parser goes on after a fault with the next line, and gives all faults of a file together.

// ParseFile reads a mapping file. The error is a Faults; the file then holds what could be read.
func ParseFile(name string, src []byte) (*File, error) {
	p := newParser(name, string(src), false)
	p.file()
	p.faults = append(p.faults, twice(p.f)...)
	return p.f, p.faults.err()
}

// IndexFile reads only the head, the names and the systems of a mapping file and leaves its rows and codes as text, which a
// Set parses when it is first asked for their table. It is for the built-in files, of which one conversion needs a part.
func IndexFile(name string, src []byte) (*File, error) {
	p := newParser(name, string(src), true)
	p.f.proven = true
	p.file()
	return p.f, p.faults.err()
}

type parser struct {
	f      *File
	text   string // the file, with \n at the end of lines
	start  int    // of the line at hand in text
	off    int    // of the next line
	line   int    // the number of the line at hand
	lazy   bool   // leave the rows and codes of a block as text
	block  block
	faults Faults

	s scanner

	table   *Table
	codes   *Codes
	replace *Change // waits for its row
	lost    bool    // the header of this block was faulty: its rows are not reported as rows outside a table
	lets    []let

	rows []Row  // room for rows to come, so that each is not an allocation
	cs   []Code // the same for codes
	strs []string
}

type let struct{ name, place string }

// block is where the lines of a block begin and end that are left as text.
type block struct{ line, start, end int }

func newParser(name, text string, lazy bool) *parser {
	text = strings.TrimPrefix(text, "\ufeff")
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	return &parser{f: &File{Name: name}, text: text, lazy: lazy}
}

func (p *parser) pos(column int) Pos { return Pos{p.f.Name, p.line, column} }

func (p *parser) fault(column int, hint, format string, args ...any) {
	p.faults = append(p.faults, &Fault{Pos: p.pos(column), Msg: fmt.Sprintf(format, args...), Hint: hint})
}

func (p *parser) reasonFault(column int, hint, msg string) {
	p.faults = append(p.faults, &Fault{ID: MapReason, Pos: p.pos(column), Msg: msg, Hint: hint})
}

// next gives the next line.
func (p *parser) next() (string, bool) {
	if p.off >= len(p.text) {
		return "", false
	}
	p.line++
	p.start = p.off
	rest := p.text[p.off:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		p.off += i + 1
		return rest[:i], true
	}
	p.off = len(p.text)
	return rest, true
}

func (p *parser) file() {
	if !p.readable() {
		return
	}
	p.head()
	p.lines()
}

// lines reads what is left of the text.
func (p *parser) lines() {
	for {
		line, ok := p.next()
		if !ok {
			break
		}
		switch {
		case len(line) > maxLine:
			p.fault(1, "is it a mapping file?", "the line has more than %d bytes", maxLine)
		case !p.lazy || !p.leave(line):
			p.oneLine(line)
		}
		if len(p.faults) >= MaxFaults {
			p.fault(1, "is it a mapping file?", "%d faults up to here; the rest is not looked at", len(p.faults))
			p.replace = nil
			break
		}
	}
	p.close()
}

// maxLine is the longest line that is looked into: what is wrong with a line is said with its words.
const maxLine = 16 << 10

// MaxFaults is how many faults of a file are told before it is given up.
const MaxFaults = 200

// leave leaves a line of an open block as text, without looking further into it than to know that it is no keyword's.
func (p *parser) leave(line string) bool {
	if p.table == nil && p.codes == nil {
		return false
	}
	i := 0
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	if i == len(line) || line[i] == '#' {
		return true
	}
	switch line[i] {
	case 't', 'c', 's', 'l', 'd', 'r':
		if slices.Contains(keywords, word(line[i:])) {
			return false
		}
	}
	if p.block.line == 0 {
		p.block.line, p.block.start = p.line, p.start
	}
	p.block.end = p.off
	return true
}

// readable reports whether the bytes are text, and where they are not.
func (p *parser) readable() bool {
	if utf8.ValidString(p.text) && strings.IndexByte(p.text, 0) < 0 {
		return true
	}
	hint := "save the file as UTF-8"
	if strings.HasPrefix(p.text, "\xff\xfe") || strings.HasPrefix(p.text, "\xfe\xff") {
		p.line = 1
		p.faults = append(p.faults, &Fault{ID: MapEncoding, Pos: p.pos(1), Msg: "the file is in UTF-16", Hint: hint})
		return false
	}
	for at := 0; ; {
		line, ok := p.next()
		if !ok {
			break
		}
		if at = strings.IndexByte(line, 0); at < 0 && !utf8.ValidString(line) {
			for i, r := range line {
				if r == utf8.RuneError && !strings.HasPrefix(line[i:], "\ufffd") {
					at = i
					break
				}
			}
		}
		if at >= 0 {
			p.faults = append(p.faults, &Fault{ID: MapEncoding, Pos: p.pos(at + 1), Msg: "the line holds bytes that are not UTF-8 text", Hint: hint})
			if len(p.faults) == 20 {
				break // one line of another encoding says enough; twenty say it is the wrong file
			}
		}
	}
	return false
}

// close ends the block that is open. Comments and empty lines at its end belong to what follows.
func (p *parser) close() {
	if p.replace != nil {
		at := p.replace.Pos
		p.faults = append(p.faults, &Fault{Pos: at, Msg: "replace is not followed by the row that takes the other's place",
			Hint: "write the new row on the next line, or drop"})
		p.replace = nil
	}
	switch {
	case p.lazy && p.table != nil:
		p.table.lazy = &lazy[*Row]{text: p.text[p.block.start:p.block.end], line: p.block.line, lets: p.lets}
	case p.lazy && p.codes != nil:
		p.codes.lazy = &lazy[*Code]{text: p.text[p.block.start:p.block.end], line: p.block.line, lets: p.lets}
	case p.table != nil:
		p.table.Lines = p.moveComments(p.table.Lines)
	case p.codes != nil:
		p.codes.Lines = p.moveComments(p.codes.Lines)
	}
	if p.table != nil && p.table.block != nil {
		for _, x := range p.table.block[1:] {
			x.Rows, x.lazy = p.table.Rows, p.table.lazy
		}
	}
	p.table, p.codes, p.lost, p.block = nil, nil, false, block{}
}

func (p *parser) moveComments(lines []Item) []Item {
	n := len(lines)
	for n > 0 {
		if _, is := lines[n-1].(*Comment); !is {
			break
		}
		n--
	}
	p.f.Items = append(p.f.Items, lines[n:]...)
	return lines[:n]
}

// item adds a line to the block that is open, or to the file.
func (p *parser) item(x Item) {
	switch {
	case p.table != nil:
		p.table.Lines = append(p.table.Lines, x)
	case p.codes != nil:
		p.codes.Lines = append(p.codes.Lines, x)
	default:
		p.f.Items = append(p.f.Items, x)
	}
}

var keywords = []string{"table", "codes", "system", "let", "drop", "replace"}

func (p *parser) oneLine(line string) {
	p.s.reset(line)
	if p.s.end() {
		p.item(&Comment{Pos: p.pos(1)})
		return
	}
	at := p.s.at
	if line[at] == '#' {
		p.item(&Comment{Pos: p.pos(at + 1), Text: strings.TrimRight(line[at:], " \t")})
		return
	}
	switch word(line[at:]) {
	case "table":
		p.close()
		p.tableHeader()
	case "codes":
		p.close()
		p.codesHeader()
	case "system":
		p.close()
		p.system()
	case "let":
		p.close()
		p.let()
	case "drop", "replace":
		p.change()
	default:
		switch {
		case p.replace != nil:
			if r := p.row(); r != nil {
				p.replace.Row = r
			}
			p.replace = nil // a faulty row has been reported
		case p.table != nil:
			if r := p.row(); r != nil {
				if r.Else && len(p.table.Rows) == 0 {
					p.fault(r.Pos.Column, "", "else chains a row to the row above it, and there is none in this block")
				}
				p.table.Rows = append(p.table.Rows, r)
				p.table.Lines = append(p.table.Lines, r)
			}
		case p.codes != nil:
			p.code()
		case !p.lost:
			w := word(line[at:])
			hint := near(w, keywords)
			if hint == "" {
				hint = "begin with table NAME -> TYPE or codes NAME"
			}
			p.fault(at+1, hint, "%q stands outside a table", w)
			p.lost = true // once for a stretch of such lines
		}
	}
}

// word is the first word of a line, without looking into quotes or brackets.
func word(s string) string {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i]
	}
	return s
}

func (p *parser) tableHeader() {
	at := p.s.at + 1
	p.s.skip()
	t := &Table{Pos: p.pos(at)}
	p.lost = true
	const form = "table NAME -> TYPE, as in table PID -> Patient"
	name, ok := p.col()
	if !ok {
		p.fault(at, form, "the table has no name")
		return
	}
	names := strings.Split(name, "|")
	for i, from := 0, p.s.from; i < len(names); i++ {
		switch x := names[i]; {
		case x == "":
			p.fault(from+1, "several tables are separated by |", "a table of the block has no name")
			return
		case !p.name(x, from):
			return
		case slices.Contains(names[:i], x):
			p.fault(from+1, "", "the table %s stands twice in one block", x)
			return
		default:
			from += len(x) + 1
		}
	}
	t.Name = names[0]
	if arrow, ok := p.col(); !ok || arrow != "->" {
		p.fault(p.s.from+1, form, "-> and a type are missing behind table %s", name)
		return
	}
	var types string
	for c, ok := p.col(); ok; c, ok = p.col() {
		if types != "" && !strings.HasSuffix(types, "|") && !strings.HasPrefix(c, "|") {
			p.fault(p.s.from+1, "a note begins with #; several types are separated by |", "%q is too much behind the table's type", c)
			return
		}
		types += c
	}
	if p.s.bad != "" {
		p.scanFault()
		return
	}
	if types == "" {
		p.fault(p.s.at+1, form, "the type of table %s is missing", name)
		return
	}
	for typ := range strings.SplitSeq(types, "|") {
		if i := strings.IndexFunc(typ, func(r rune) bool { return r != '.' && !alnum(r) }); typ == "" || i >= 0 {
			p.fault(at, "a FHIR type as in Patient, HumanName, Patient.contact, or Bundle", "%q is no name of a type", typ)
			return
		}
		if slices.Contains(t.Types, typ) {
			p.fault(at, "", "the type %s stands twice in one table", typ)
			return
		}
		t.Types = append(t.Types, typ)
	}
	t.Note = p.s.note()
	p.table, p.lost = t, false
	p.f.Items = append(p.f.Items, t)
	if len(names) == 1 {
		return
	}
	t.block = []*Table{t}
	for _, name := range names[1:] {
		x := &Table{Pos: t.Pos, Name: name, Types: t.Types, Note: t.Note, again: true}
		t.block = append(t.block, x)
		p.f.Items = append(p.f.Items, x)
	}
}

func (p *parser) codesHeader() {
	at := p.s.at + 1
	p.s.skip()
	c := &Codes{Pos: p.pos(at)}
	p.lost = true
	const form = "codes NAME, codes NAME SYSTEM, or codes NAME SYSTEM from SYSTEM"
	name, ok := p.col()
	if !ok {
		p.fault(at, form, "the codes have no name")
		return
	}
	if !p.name(name, p.s.from) {
		return
	}
	c.Name = name
	w, ok := p.col()
	if ok && w != "from" {
		c.System = w
		w, ok = p.col()
	}
	if ok && w == "from" {
		if c.From, ok = p.col(); !ok {
			p.fault(p.s.at+1, form, "a system is missing behind from")
			return
		}
		w, ok = p.col()
	}
	if ok {
		p.fault(p.s.from+1, form, "%q is too much", w)
		return
	}
	if p.s.bad != "" {
		p.scanFault()
		return
	}
	c.Note = p.s.note()
	p.codes, p.lost = c, false
	p.f.Items = append(p.f.Items, c)
}

// name checks what a table or codes, whose name begins at from in the line, may be called.
func (p *parser) name(s string, from int) bool {
	if i := badInName(s); i >= 0 {
		p.fault(from+1+i, "a name holds letters, digits, _ . and -", "%q may not stand in the name %s", s[i:i+1], s)
		return false
	}
	return true
}

// badInName is where a name holds what it may not, -1 if it is sound.
func badInName(s string) int {
	for i := range len(s) {
		if c := s[i]; !alnum(rune(c)) && c != '.' && c != '-' {
			return i
		}
	}
	return -1
}

func alnum(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r >= 0x80
}

func (p *parser) system() {
	x := &System{Pos: p.pos(p.s.at + 1)}
	p.s.skip()
	const form = "system NAME URI; a row of a column named system begins with \"system\""
	var ok bool
	if x.Name, ok = p.col(); !ok {
		p.fault(x.Pos.Column, form, "the system has no name")
		return
	}
	if !p.name(x.Name, p.s.from) {
		return
	}
	if x.URI, ok = p.col(); !ok {
		p.fault(p.s.at+1, form, "the URI of system %s is missing", x.Name)
		return
	}
	if x.URI, ok = literal(x.URI); !ok {
		p.fault(p.s.from+1, "a URI needs no quotes", "the quotes of system %s are not one pair", x.Name)
		return
	}
	if !strings.Contains(x.URI, ":") {
		hint := "as in http://loinc.org"
		if strings.Trim(x.URI, "0123456789.") == "" {
			hint = "an OID is written urn:oid:" + x.URI
		}
		p.fault(p.s.from+1, hint, "%q is not a URI", x.URI)
		return
	}
	if p.rest(form) {
		x.Note = p.s.note()
		p.f.Items = append(p.f.Items, x)
	}
}

func (p *parser) let() {
	x := &Let{Pos: p.pos(p.s.at + 1)}
	p.s.skip()
	const form = "let NAME place; $NAME stands for the place in the rest of the file"
	var ok bool
	if x.Name, ok = p.col(); !ok {
		p.fault(x.Pos.Column, form, "let has no name")
		return
	}
	if i := strings.IndexFunc(x.Name, func(r rune) bool { return !alnum(r) && r != '-' }); i >= 0 {
		p.fault(p.s.from+1, "a name holds letters, digits, _ and -", "%q is no name for let", x.Name)
		return
	}
	if x.Place, ok = p.col(); !ok {
		p.fault(p.s.at+1, form, "the place that $%s stands for is missing", x.Name)
		return
	}
	place, ok := p.expand(x.Place, p.s.from+1)
	if !ok || !p.rest(form) {
		return
	}
	for _, l := range p.lets {
		if l.name == x.Name {
			p.faults = append(p.faults, &Fault{ID: MapTwice, Pos: x.Pos, Msg: "let " + x.Name + " stands twice in this file", Hint: "give one of them another name"})
			return
		}
	}
	x.Note = p.s.note()
	p.lets = append(p.lets, let{x.Name, place})
	p.f.Items = append(p.f.Items, x)
}

// rest reports whether nothing but a note is left of the line.
func (p *parser) rest(form string) bool {
	if c, ok := p.col(); ok {
		p.fault(p.s.from+1, form, "%q is too much; a note begins with #", c)
		return false
	}
	if p.s.bad != "" {
		p.scanFault()
		return false
	}
	return true
}

func (p *parser) change() {
	x := &Change{Pos: p.pos(p.s.at + 1)}
	kind := word(p.s.line[p.s.at:])
	if p.replace != nil {
		p.fault(x.Pos.Column, "write the new row between them", "%s follows a replace that has no row yet", kind)
		p.replace = nil
	}
	if p.table == nil {
		p.close() // codes end here
	}
	p.s.skip()
	form := kind + " PID[Patient] 8 -> gender; within table PID -> Patient: " + kind + " 8 -> gender"
	var w []string
	at := p.s.from
	for {
		c, ok := p.col()
		if !ok {
			if p.s.bad != "" {
				p.scanFault()
			} else {
				p.fault(x.Pos.Column, form, "%s without -> and a target", kind)
			}
			return
		}
		if c == "->" {
			break
		}
		if len(w) == 0 {
			at = p.s.from
		}
		w = append(w, c)
	}
	switch {
	case len(w) == 2:
		name, types, ok := strings.Cut(strings.TrimSuffix(w[0], "]"), "[")
		if !ok || name == "" || types == "" || !strings.HasSuffix(w[0], "]") {
			p.fault(at+1, form, "%q does not name a table and its type", w[0])
			return
		}
		x.Table, x.Types, x.whole = name, strings.Split(types, "|"), true
	case len(w) == 1 && p.table != nil && p.table.block != nil:
		p.fault(at+1, form, "%s in a block of several tables does not say which one it means", kind)
		return
	case len(w) == 1 && p.table != nil:
		x.Table, x.Types = p.table.Name, p.table.Types
	case len(w) == 1:
		p.fault(at+1, form, "%s does not say which table it means", kind)
		return
	default:
		p.fault(at+1, form, "%s needs one place before ->", kind)
		return
	}
	x.Place = w[len(w)-1]
	x.written = x.Place
	var ok bool
	if x.Place, ok = p.expand(x.Place, at+1); !ok {
		return
	}
	target, ok := p.col()
	if !ok {
		p.fault(p.s.at+1, form, "the target behind -> is missing")
		return
	}
	c, ok := p.col()
	if ok && c == "->" {
		res, is := p.col()
		if !is {
			p.fault(p.s.at+1, form, "the resource behind -> is missing")
			return
		}
		target += " -> " + res
		c, ok = p.col()
	}
	x.Target = target
	var r Row
	if !p.clauses(&r, c, ok) {
		return
	}
	x.With, x.If, x.tests = r.With, r.If, r.written
	x.Note = p.s.note()
	x.Replace = kind == "replace"
	if x.Replace {
		p.replace = x
	}
	p.item(x)
	if p.lazy && p.table != nil {
		p.fault(x.Pos.Column, "", "built-in files do not change one another")
	}
}

// col is the next column of the line; false at its end, before a note and at a fault, which is in p.s.bad.
func (p *parser) col() (string, bool) { return p.s.column() }

func (p *parser) scanFault() { p.fault(p.s.badAt+1, p.s.hint, "%s", p.s.bad) }

const rowForm = "a row is: place  type  target"

// row reads a row. It returns nil when it has reported a fault.
func (p *parser) row() *Row {
	if len(p.rows) == 0 {
		p.rows = make([]Row, 64)
	}
	r := &p.rows[0]
	*r = Row{Pos: p.pos(p.s.at + 1)}
	if !p.fillRow(r) {
		return nil
	}
	p.rows = p.rows[1:]
	return r
}

func (p *parser) fillRow(r *Row) bool {
	place, ok := p.col()
	if ok && (place == ">" || place == "<") {
		r.Direction = Direction(place[0])
		place, ok = p.col()
	}
	if ok && place == "else" {
		r.Else = true
		place, ok = p.col()
		if ok && (place == ">" || place == "<") {
			p.fault(p.s.from+1, "write "+place+" else", "%s stands before else", place)
			return false
		}
	}
	if !ok {
		return p.missing("the place is missing")
	}
	placeAt := p.s.from + 1
	if place == "-" {
		return p.declineTarget(r)
	}
	if place[0] == '\'' {
		r.Kind = ConstTarget
		if r.Literal, ok = unquoted(place); !ok {
			p.fault(placeAt, "a literal is one word in quotes", "%s is not a literal", place)
			return false
		}
	} else {
		r.Kind = MapRow
		if strings.HasSuffix(place, "[]") {
			p.fault(placeAt+len(place)-2, "write [] behind the type: "+place[:len(place)-2]+"  TYPE[]", "[] stands behind the type or a step of the target, not behind a place")
			return false
		}
		if r.Place, ok = p.expand(place, placeAt); !ok {
			return false
		}
		if r.Place != place {
			r.written = &written{Place: place}
		}
	}
	typ, ok := p.col()
	if !ok {
		hint := rowForm
		if r.Kind == MapRow {
			hint += "; or declined: " + place + "  -  reason"
		}
		return p.missingHint("the type and the target are missing", hint)
	}
	if typ == "-" {
		if r.Kind != MapRow {
			p.fault(p.s.from+1, "a constant has a type, as in 'final'  ID  status", "a constant cannot be declined")
			return false
		}
		return p.declineSource(r)
	}
	if !p.typ(r, typ) {
		return false
	}
	target, ok := p.col()
	if !ok {
		return p.missingHint("the target is missing", rowForm)
	}
	if target == "->" {
		hint := rowForm
		if s := near(place, []string{"table"}); s != "" {
			hint = s
		}
		p.fault(p.s.from+1, hint, "the target is missing before ->")
		return false
	}
	if target[0] == '\'' {
		if r.Kind == ConstTarget {
			p.fault(p.s.from+1, "a constant of FHIR: 'literal'  type  target; of the source: place  type  'literal'", "both sides are literals")
			return false
		}
		r.Kind = ConstSource
		if r.Literal, ok = unquoted(target); !ok {
			p.fault(p.s.from+1, "a literal is one word in quotes", "%s is not a literal", target)
			return false
		}
	} else if !p.target(target, p.s.from+1) {
		return false
	}
	if r.Kind != MapRow {
		if r.Literal == "" {
			p.fault(r.Pos.Column, "", "a constant without text does nothing")
			return false
		}
		if r.Each {
			p.fault(r.Pos.Column, "write the type without []", "a constant does not repeat")
			return false
		}
	}
	c, ok := p.col()
	if ok && c == "->" && r.Kind != ConstSource {
		at := p.s.from + 1
		res, is := p.col()
		if !is {
			p.fault(at, "as in performer -> Practitioner", "the resource behind -> is missing")
			return false
		}
		if !p.target(res, p.s.from+1) {
			return false
		}
		// The usual spacing needs no new text: the target with its arrow stands in the line as it should.
		if s := p.s.line[at-1-len(target)-1:]; len(s) > 0 && strings.HasPrefix(s, target+" -> "+res) {
			target = s[:len(target)+4+len(res)]
		} else {
			target += " -> " + res
		}
		c, ok = p.col()
	}
	if r.Kind != ConstSource {
		r.Target = target
	}
	if !p.clauses(r, c, ok) {
		return false
	}
	r.Note = p.s.note()
	if r.Direction != Both && r.Note == "" {
		p.reasonFault(r.Pos.Column, "say behind # why the value does not come back", "a row that goes one way needs a note")
		return false
	}
	return true
}

func (p *parser) missing(msg string) bool { return p.missingHint(msg, rowForm) }

func (p *parser) missingHint(msg, hint string) bool {
	if p.s.bad != "" {
		p.scanFault()
	} else {
		p.fault(p.s.at+1, hint, "%s", msg)
	}
	return false
}

func (p *parser) declineSource(r *Row) bool {
	r.Kind = DeclineSource
	if r.Note = p.s.reason(); r.Note == "" {
		p.reasonFault(r.Pos.Column, "say behind the - why the value is not taken over", "a declined place needs its reason")
		return false
	}
	return p.declined(r)
}

func (p *parser) declineTarget(r *Row) bool {
	r.Kind = DeclineTarget
	target, ok := p.col()
	if !ok || target == "-" {
		return p.missingHint("the element that is declined is missing", "-  target  reason")
	}
	if !p.target(target, p.s.from+1) {
		return false
	}
	r.Target = target
	if r.Note = p.s.reason(); r.Note == "" {
		p.reasonFault(r.Pos.Column, "say behind the target why it is not taken over", "a declined element needs its reason")
		return false
	}
	return p.declined(r)
}

func (p *parser) declined(r *Row) bool {
	if r.Direction != Both {
		p.fault(r.Pos.Column, "place  -  reason declines on the way to FHIR, -  target  reason on the way back",
			"%c says nothing on a declined row", r.Direction)
		return false
	}
	return true
}

// typ takes a type apart: NAME, NAME(argument), NAME+CODES, and [] behind any of them.
func (p *parser) typ(r *Row, s string) bool {
	at := p.s.from + 1
	if rest, ok := strings.CutSuffix(s, "[]"); ok {
		r.Each, s = true, rest
	}
	if i := strings.IndexByte(s, '['); i >= 0 {
		hint := "the type's table is chosen by the target: write " + s[:i]
		if strings.HasSuffix(s, "[]") {
			hint = "write [] once"
		}
		p.fault(at+i, hint, "%q may not stand behind a type", s[i:])
		return false
	}
	if i := strings.IndexByte(s, '('); i >= 0 {
		if s[len(s)-1] != ')' {
			p.fault(at+i, "as in date(01/02/2006)", "%s: the argument stands at the end of a type", s)
			return false
		}
		r.Arg, s = s[i+1:len(s)-1], s[:i]
	} else if i := strings.IndexByte(s, '+'); i >= 0 {
		if r.Codes, s = s[i+1:], s[:i]; r.Codes == "" {
			p.fault(at+i, "as in CWE+0004", "the codes behind + are missing")
			return false
		}
	}
	if s == "" || s[0] == '\'' || s[0] == '"' {
		p.fault(at, rowForm, "the type has no name")
		return false
	}
	for _, name := range [...]string{s, r.Codes} {
		if i := badInName(name); i >= 0 {
			p.fault(at, rowForm, "%s is no name of a type, table or codes", name)
			return false
		}
	}
	r.Type = s
	return true
}

// target looks for [] where it may not stand; the rest is the compiler's.
func (p *parser) target(s string, at int) bool {
	i := strings.Index(s, "[]")
	if i < 0 {
		return true
	}
	if i == 0 || s[i-1] == ']' || s[i-1] == '.' {
		p.fault(at+i, "write it behind the step's name, before its tags: coding[][system=x]", "[] is misplaced")
		return false
	}
	if j := strings.Index(s[i+2:], "[]"); j >= 0 {
		p.fault(at+i+2+j, "mark the one step that gets a new element", "[] stands twice in one target")
		return false
	}
	return true
}

// clauses reads with and if; c is the column behind the target, if there is one.
func (p *parser) clauses(r *Row, c string, ok bool) bool {
	for ok {
		at := p.s.from + 1
		if c != "with" && c != "if" {
			hint := near(c, []string{"with", "if", "and"})
			if hint == "" {
				hint = "a note begins with #"
			}
			p.fault(at, hint, "%q stands where with, if or a note is expected", c)
			return false
		}
		dst := &r.If
		if c == "with" {
			dst = &r.With
		}
		if *dst != nil {
			p.fault(at, "join tests by and", "%s stands twice", c)
			return false
		}
		first := len(p.strs)
		which := c
		for {
			test := ""
			glue := false // the next column goes on with the test: a = b
			for c, ok = p.col(); ok && c != "and" && c != "with" && c != "if"; c, ok = p.col() {
				switch {
				case test == "":
					test = c
				case test == "no":
					if strings.ContainsRune(c, '=') && !strings.ContainsAny(c, "[(") {
						p.fault(p.s.from+1, "write p!=value, or no p", "no asks whether a place is empty and takes no value")
						return false
					}
					test += " " + c
				case glue || c[0] == '=' || c[0] == '|' || strings.HasPrefix(c, "!="):
					test += c
				default:
					hint := near(c, []string{"and", "with", "if"})
					if hint == "" {
						hint = "join tests by and; a value with a blank stands in 'quotes'; a note begins with #"
					}
					p.fault(p.s.from+1, hint, "%q is not part of the test %s", c, test)
					return false
				}
				glue = c[len(c)-1] == '|' || strings.IndexByte(test, '=') == len(test)-1
			}
			if p.s.bad != "" {
				p.scanFault()
				return false
			}
			if test == "" || test == "no" {
				p.fault(p.s.at+1, "as in "+which+" 2=NM, "+which+" no 3", "a test is missing")
				return false
			}
			p.strs = append(p.strs, test)
			if !ok || c != "and" {
				break
			}
		}
		if !p.tests(r, dst, which, first, at) {
			return false
		}
	}
	if p.s.bad != "" {
		p.scanFault()
		return false
	}
	return true
}

// tests moves the tests read since first to dst, with lets expanded.
func (p *parser) tests(r *Row, dst *[]string, which string, first, at int) bool {
	n := len(p.strs)
	expanded := false
	for _, t := range p.strs[first:n] {
		x, ok := p.expand(t, at)
		if !ok {
			p.strs = p.strs[:first]
			return false
		}
		expanded = expanded || x != t
		p.strs = append(p.strs, x)
	}
	if !expanded {
		*dst = p.strs[first:n:n]
		p.strs = p.strs[:n]
	} else {
		*dst = p.strs[n:len(p.strs):len(p.strs)]
		if r.written == nil {
			r.written = &written{}
		}
		if which == "with" {
			r.written.With = p.strs[first:n:n]
		} else {
			r.written.If = p.strs[first:n:n]
		}
	}
	if cap(p.strs)-len(p.strs) < 8 {
		p.strs = make([]string, 0, 128)
	}
	return true
}

// code reads a line of codes.
func (p *parser) code() {
	if len(p.cs) == 0 {
		p.cs = make([]Code, 64)
	}
	c := &p.cs[0]
	*c = Code{Pos: p.pos(p.s.at + 1)}
	from, ok := p.col()
	if ok && (from == ">" || from == "<") {
		c.Direction = Direction(from[0])
		from, ok = p.col()
	}
	const form = "a line of codes is: from  to; or declined: from  -  reason"
	if !ok {
		p.missingHint("the codes are missing", form)
		return
	}
	fromAt := p.s.from + 1
	to, ok := p.col()
	if !ok {
		hint := form
		if c.Direction != Both {
			hint = fmt.Sprintf("the code %c itself is written '%c'", c.Direction, c.Direction)
		}
		p.missingHint("the code that "+from+" stands for is missing", hint)
		return
	}
	toAt := p.s.from + 1
	var is bool
	if c.From, is = literal(from); !is || c.From == "" || from == "-" {
		p.fault(fromAt, "a code with blanks stands in 'quotes'", "%s is not a code", from)
		return
	}
	if to == "-" {
		c.Declined = true
		if c.Note = p.s.reason(); c.Note == "" {
			p.reasonFault(c.Pos.Column, "say behind the - why it has no counterpart", "a declined code needs its reason")
			return
		}
		if c.Direction != Both {
			p.fault(c.Pos.Column, form, "%c says nothing on a declined code", c.Direction)
			return
		}
	} else {
		if c.To, is = literal(to); !is || c.To == "" {
			p.fault(toAt, "a code with blanks stands in 'quotes'", "%s is not a code", to)
			return
		}
		if !p.rest("a code with blanks stands in 'quotes'") {
			return
		}
		c.Note = p.s.note()
		if c.Direction != Both && c.Note == "" {
			p.reasonFault(c.Pos.Column, "say behind # what it is written back as", "a code that goes one way needs a note")
			return
		}
	}
	p.cs = p.cs[1:]
	p.codes.Codes = append(p.codes.Codes, c)
	p.codes.Lines = append(p.codes.Lines, c)
}

// literal is a word, or what stands in quotes.
func literal(s string) (string, bool) {
	if s[0] == '\'' || s[0] == '"' {
		return unquoted(s)
	}
	return s, true
}

// unquoted takes the quotes from 'text' or "text", in which a doubled quote stands for one.
func unquoted(s string) (string, bool) {
	q := s[0]
	if len(s) < 2 || s[len(s)-1] != q {
		return "", false
	}
	in := s[1 : len(s)-1]
	if strings.IndexByte(in, q) < 0 {
		return in, true
	}
	var b strings.Builder
	for i := 0; i < len(in); i++ {
		if in[i] == q {
			if i++; i == len(in) || in[i] != q {
				return "", false
			}
		}
		b.WriteByte(in[i])
	}
	return b.String(), true
}

// maxPlace bounds what a let in a let in a let can grow to.
const maxPlace = 4096

// expand puts places for the $names that let has given.
func (p *parser) expand(s string, at int) (string, bool) {
	i := strings.IndexByte(s, '$')
	if i < 0 {
		return s, true
	}
	var b strings.Builder
	done := 0
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '$':
			end := i + 1
			for end < len(s) && (alnum(rune(s[end])) || s[end] == '-') {
				end++
			}
			name := s[i+1 : end]
			k := slices.IndexFunc(p.lets, func(l let) bool { return l.name == name })
			if k < 0 {
				names := make([]string, len(p.lets))
				for j, l := range p.lets {
					names[j] = l.name
				}
				hint := near(name, names)
				if hint == "" {
					hint = "let " + name + " PLACE must stand above; a $ of the source's own stands in quotes"
				}
				p.fault(at+i, hint, "$%s is not known here", name)
				return s, false
			}
			b.WriteString(s[done:i])
			b.WriteString(p.lets[k].place)
			if b.Len() > maxPlace {
				p.fault(at+i, "", "with what let gives, the place is longer than %d bytes", maxPlace)
				return s, false
			}
			done, i = end, end-1
		}
	}
	b.WriteString(s[done:])
	return b.String(), true
}
