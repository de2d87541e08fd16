package hl7v2

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Options of reading. The zero value is right for most.
type Options struct {
	Source     string // the input's name, for the places of findings
	Charset    string // what the bytes are, whatever MSH-18 says; a name of table 0211, or windows-1252, Shift_JIS, EUC-JP
	MaxMessage int    // bytes; a longer message is not read. 256 MiB if 0
}

// A Message is one that was parsed. It is valid until its Parser parses the next one; its strings stay valid.
type Message struct {
	*tree.Doc
	Delimiters Delimiters
	Charset    string // what the bytes were read as, in the words of table 0211
	Type       string // MSH-9.1
	Event      string // MSH-9.2, or EVN-1 where that is empty
	Structure  string // MSH-9.3 as it stands; after Group the id of the structure that the segments are grouped by, if any
	ControlID  string // MSH-10
	Version    string // MSH-12.1
	Findings   []*diag.Finding

	text    string  // the message in UTF-8; offsets count in it
	lines   []int32 // where its lines begin
	at      diag.Place
	set     *charset // of the bytes
	escapes *charset // of the bytes in \X..\ escapes
	counted map[diag.ID]int
}

// A Parser makes trees of records, one after the other, in the same memory. It is not for concurrent use.
type Parser struct {
	Options Options

	doc     *tree.Doc
	msg     Message
	delims  Delimiters
	classOf Delimiters // that class was made for
	class   [256]class
	charset *charset
	named   map[string]*charset
	counts  []nameCount
	wrapped struct{ known, cut bool } // of the message: see unwrap.go
	scratch []byte
	bytes   []byte
}

type nameCount struct {
	name string
	n    int
}

type class uint8

const (
	other class = iota
	fieldSep
	repetitionSep
	componentSep
	subcomponentSep
	escapeChar
	lineEnd
)

// Parse reads a message from its text with memory of its own.
func Parse(text string, o Options) (*Message, error) {
	return (&Parser{Options: o}).Parse(&Raw{Data: text, Line: 1, Column: 1, Record: 1})
}

// Parse reads a record. An error is a *diag.Finding that says why it cannot be read at all; what else is odd stands in the
// message's Findings.
func (p *Parser) Parse(raw *Raw) (*Message, error) {
	m := &p.msg
	*m = Message{lines: m.lines[:0], at: diag.Place{Source: p.Options.Source, Record: raw.Record, Line: max(raw.Line, 1), Column: max(raw.Column, 1)}}
	p.counts = p.counts[:0]
	p.wrapped.known = false
	if raw.Reject != nil {
		return nil, raw.Reject
	}
	m.Findings = append(m.Findings, raw.Findings...)
	text, skipped := p.decode(raw)
	m.text = text
	if len(text) < 4 || text[:3] != "MSH" || !separator(text[3]) {
		at := m.at
		if strings.Trim(text, " \t\r\n\x00\x1c") == "" {
			return nil, diag.New("CP-V2-002", at, "there is nothing in it")
		}
		return nil, diag.New("CP-V2-001", at, "")
	}
	if skipped > 0 {
		m.at.Column += skipped
		p.find("CP-V2-012", 0, "")
	}
	p.delimiters(text)
	m.Delimiters, m.escapes = p.delims, p.charset
	if p.doc == nil {
		p.doc = tree.New(Format, len(text)/8+64)
	} else {
		p.doc.Reset()
	}
	p.doc.Line, p.doc.Column = m.at.Line, m.at.Column
	m.Doc = p.doc
	p.segments(text)
	m.header(p)
	return m, nil
}

// separator reports whether c can be a field separator.
func separator(c byte) bool {
	return c > ' ' && c < 0x7f && !digit(c) && !upper(c&^0x20)
}

// decode makes UTF-8 of a record's bytes, and cuts off what stands before MSH: marks, frames and blanks.
func (p *Parser) decode(raw *Raw) (text string, skipped int) {
	s := raw.Data
	p.msg.set, p.charset = utf8Set, utf8Set
	if raw.Encoding == "" {
		if enc := sniffWide(s); enc != "" {
			t, ok := wide(enc).decode(s)
			if !ok {
				p.find("CP-V2-015", 0, "some bytes are no characters of %s", enc)
			}
			s, raw = t, &Raw{Encoding: enc}
		}
	}
	s = strings.TrimPrefix(s, "\ufeff")
	t := strings.TrimLeft(s, "\x0b \t\r\n")
	if i := strings.LastIndexAny(s[:len(s)-len(t)], "\r\n\x0b"); i >= 0 {
		p.msg.at.Line += lineEnds(s[:i+1])
		p.msg.at.Column, skipped = 1, len(s)-len(t)-i-1
	} else {
		skipped = len(s) - len(t)
	}
	s = strings.TrimRight(t, "\x1c")
	declared := p.declared(s)
	set := p.named[declared]
	if set == nil {
		if set = lookupCharset(declared); set != nil {
			if p.named == nil {
				p.named = map[string]*charset{}
			}
			p.named[declared] = set
		}
	}
	m := &p.msg
	if p.Options.Charset != "" {
		if set = lookupCharset(p.Options.Charset); set == nil {
			set = utf8Set
			p.find("CP-V2-013", 0, "the character set %q of the options is not known", p.Options.Charset)
		}
	} else if set == nil && declared != "" {
		p.find("CP-V2-013", 0, "")
	}
	switch {
	case raw.Encoding != "":
		m.set = &charset{raw.Encoding, wide(raw.Encoding).enc}
		p.charset = utf16
		return s, skipped
	case isASCII(s) && set != iso2022jp:
		switch set {
		case nil:
			set = ascii
		case utf16, utf32s: // QUIRK: senders declare what they have in memory and send bytes
			set = utf8Set
		}
		m.set, p.charset = set, set
		return s, skipped
	case p.Options.Charset != "":
	case utf8.ValidString(s) && set != iso2022jp:
		if set != nil && set != utf8Set {
			p.find("CP-V2-016", 0, "MSH-18 declares %s, but the bytes are UTF-8 and are read so", set.name)
		}
		set = utf8Set
	case set == nil || set == ascii || set == utf8Set || set == utf16 || set == utf32s:
		p.find("CP-V2-014", 0, "")
		set = windows1252
	}
	if set == iso2022jp && strings.IndexByte(s, 0x1b) < 0 && !isASCII(s) {
		set = shiftJIS // the one-byte set JIS X 0201 is its half; others declare ISO IR87 and send it
		if utf8.ValidString(s) {
			p.find("CP-V2-016", 0, "MSH-18 declares a set of ISO 2022, but the bytes are UTF-8 and are read so")
			set = utf8Set
		}
	}
	m.set, p.charset = set, set
	t, ok := set.decode(s)
	if !ok {
		p.find("CP-V2-015", 0, "some bytes are no characters of %s", set.name)
	}
	return t, skipped
}

// declared is the first of MSH-18, or the Japanese set if any is one: those are switched to by escape sequences.
func (p *Parser) declared(s string) string {
	if len(s) < 4 {
		return ""
	}
	sep := s[3]
	rep := byte('~')
	if len(s) > 5 {
		rep = s[5]
	}
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		s = s[:i]
	}
	for range 17 {
		i := strings.IndexByte(s, sep)
		if i < 0 {
			return ""
		}
		s = s[i+1:]
	}
	if i := strings.IndexByte(s, sep); i >= 0 {
		s = s[:i]
	}
	for rest := s; rest != ""; {
		var one string
		if i := strings.IndexByte(rest, rep); i >= 0 {
			one, rest = rest[:i], rest[i+1:]
		} else {
			one, rest = rest, ""
		}
		if c := lookupCharset(one); c == iso2022jp {
			return one
		}
	}
	if i := strings.IndexByte(s, rep); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}

// sniffWide tells UTF-16 and UTF-32 by their marks, or by the zeros beside the first letters.
func sniffWide(s string) string {
	at := func(i int) byte {
		if i < len(s) {
			return s[i]
		}
		return 1
	}
	letter := func(c byte) bool { return c == 'M' || c == 'F' || c == 'B' || c == 0x0b || c == '\r' || c == '\n' }
	switch {
	case strings.HasPrefix(s, "\xff\xfe\x00\x00"):
		return "UTF-32LE"
	case strings.HasPrefix(s, "\x00\x00\xfe\xff"):
		return "UTF-32BE"
	case strings.HasPrefix(s, "\xff\xfe"):
		return "UTF-16LE"
	case strings.HasPrefix(s, "\xfe\xff"):
		return "UTF-16BE"
	case letter(at(0)) && at(1) == 0 && at(2) == 0 && at(3) == 0 && letter(at(4)^'M'^'S') && at(5) == 0:
		return "UTF-32LE"
	case letter(at(0)) && at(1) == 0 && at(2) != 0 && at(3) == 0:
		return "UTF-16LE"
	case at(0) == 0 && letter(at(1)) && at(2) == 0 && at(3) != 0:
		return "UTF-16BE"
	case at(0) == 0 && at(1) == 0 && at(2) == 0 && letter(at(3)) && at(4) == 0:
		return "UTF-32BE"
	}
	return ""
}

func wide(name string) *charset {
	switch name {
	case "UTF-16LE":
		return &charset{name, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)}
	case "UTF-16BE":
		return &charset{name, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}
	case "UTF-32LE":
		return &charset{name, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)}
	case "UTF-32BE":
		return &charset{name, utf32.UTF32(utf32.BigEndian, utf32.UseBOM)}
	}
	return utf8Set
}

func isASCII(s string) bool {
	for len(s) >= 8 {
		if (s[0]|s[1]|s[2]|s[3]|s[4]|s[5]|s[6]|s[7])&0x80 != 0 {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func lineEnds(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] == '\n' || s[i] == '\r' && (i+1 == len(s) || s[i+1] != '\n') {
			n++
		}
	}
	return n
}

// delimiters reads MSH-1 and MSH-2.
func (p *Parser) delimiters(s string) {
	d := Delimiters{Field: s[3]}
	enc := s[4:]
	if i := strings.IndexAny(enc, string(rune(d.Field))+"\r\n"); i >= 0 {
		enc = enc[:i]
	}
	switch {
	case enc == "":
		p.find("CP-V2-010", 0, "MSH-2 is empty; the recommended encoding characters are used")
		enc = `^~\&`
	case len(enc) == 5 && enc[2] == enc[3] && distinct(enc[:3]+enc[4:], d.Field): // QUIRK: ^~\\& comes from a string literal whose escape was written twice
		p.find("CP-V2-011", 0, "")
		enc = enc[:3] + enc[4:]
	case len(enc) > 5 || !distinct(enc, d.Field):
		p.find("CP-V2-010", 0, "MSH-2 does not hold two to five different punctuation marks; the recommended encoding characters are used")
		enc = `^~\&`
	}
	for i, c := range [...]*byte{&d.Component, &d.Repetition, &d.Escape, &d.Subcomponent, &d.Truncation} {
		if i < len(enc) && enc[i] != d.Field {
			*c = enc[i]
		}
	}
	if d.Component == 0 { // the field separator is the recommended one: nothing can be below
		d.Subcomponent = 0
	}
	p.delims = d
	if d != p.classOf {
		p.classOf = d
		p.class = [256]class{}
		for c, k := range map[byte]class{d.Repetition: repetitionSep, d.Component: componentSep, d.Subcomponent: subcomponentSep, d.Escape: escapeChar} {
			if c != 0 {
				p.class[c] = k
			}
		}
		p.class[d.Field], p.class['\r'], p.class['\n'] = fieldSep, lineEnd, lineEnd
	}
}

func distinct(enc string, field byte) bool {
	for i := range len(enc) {
		if !separator(enc[i]) || enc[i] == field || strings.IndexByte(enc[i+1:], enc[i]) >= 0 {
			return false
		}
	}
	return true
}

// header reports whether a segment begins s: its name, and then a separator or the end of the line.
func header(s string, sep byte) bool {
	return len(s) >= 3 && isSegmentName(s[:3]) && (len(s) == 3 || s[3] == sep || s[3] == '\r' || s[3] == '\n')
}

// segments reads the text line by line.
func (p *Parser) segments(s string) {
	m := &p.msg
	m.lines = append(m.lines, 0)
	for i := 0; i < len(s); {
		// A line begins at i.
		j := i
		for j < len(s) && blank(s[j]) {
			j++
		}
		switch {
		case j == len(s):
			return
		case s[j] == '\r' || s[j] == '\n':
			i = m.newLine(s, j) // a blank line
		case header(s[j:], p.delims.Field):
			if j > i {
				p.find("CP-V2-012", j, "")
			}
			i = p.segment(s, j)
		default:
			i = p.stray(s, i)
		}
	}
}

// blank reports whether c at the beginning of a line says nothing: blanks, frames, and what fills the end of a file.
func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == 0x0b || c == 0x1c || c == 0x1a || c == 0
}

// newLine steps over the line end at i and remembers where the next line begins.
func (m *Message) newLine(s string, i int) int {
	if s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n' {
		i++
	}
	m.lines = append(m.lines, int32(i+1))
	return i + 1
}

// stray keeps a line that is no segment as it is.
func (p *Parser) stray(s string, i int) int {
	end := strings.IndexAny(s[i:], "\r\n")
	if end < 0 {
		end = len(s) - i
	}
	n := p.doc.Add(tree.Root, StrayName, s[i:i+end])
	p.doc.SetOffset(n, i)
	p.doc.SetOrdinal(n, p.count(StrayName))
	p.find("CP-V2-005", i, "").Place.Path = place(p.doc, n)
	if i += end; i < len(s) {
		i = p.msg.newLine(s, i)
	}
	return i
}

// continues reports whether the line that begins at i, which is no segment, belongs to the segment before it: a sender
// wrote a line end within a field. It does if one of the lines up to the next segment holds field or component separators, or if the
// segment's last field is a text that goes on; fields is how many the segment has so far. The answer is the same for all
// lines that begin before until.
func continues(s string, i int, sep, component byte, name string, fields int) (yes bool, until int) {
	open := name == "NTE" && fields >= 3 || name == "OBX" && fields >= 5 && fields < 11
	for j := i; j < len(s); {
		end := strings.IndexAny(s[j:], "\r\n")
		if end < 0 {
			end = len(s) - j
		}
		line := s[j : j+end]
		t := strings.TrimLeft(line, " \t")
		if header(t, sep) {
			return open, j
		}
		segment := len(t) > 3 && isSegmentName(t[:3]) && separator(t[3]) // with other separators
		if strings.IndexByte(line, sep) >= 0 || component != 0 && !segment && strings.IndexByte(line, component) >= 0 {
			return true, j
		}
		for j += end; j < len(s) && (s[j] == '\r' || s[j] == '\n'); j++ {
		}
	}
	return open && strings.Trim(s[i:], " \t\r\n\x1c\x1a\x00") != "", len(s)
}

// segment reads the segment that begins at i and returns where the next line begins.
func (p *Parser) segment(s string, i int) int {
	d, m, class := p.doc, &p.msg, &p.class
	name := s[i : i+3]
	seg := d.Add(tree.Root, name, "")
	d.SetOffset(seg, i)
	nth := p.count(name)
	d.SetOrdinal(seg, nth)
	if i += 3; i >= len(s) {
		return i
	}
	if s[i] != p.delims.Field {
		return m.newLine(s, i)
	}
	field := 1 // its number
	i++
	if name == "MSH" { // QUIRK: MSH-1 is the separator itself, and MSH-2 is not to be split
		end := strings.IndexAny(s[i:], "\r\n"+string(rune(p.delims.Field)))
		if end < 0 {
			end = len(s) - i
		}
		one := d.Add(seg, "1", s[i-1:i])
		d.SetOffset(one, i-1)
		d.SetSyntax(one)
		two := d.Add(seg, "2", s[i:i+end])
		d.SetOffset(two, i)
		d.SetSyntax(two)
		if nth > 1 {
			p.find("CP-V2-026", i, "").Place.Path = place(d, seg)
		}
		if i += end; i >= len(s) {
			return i
		}
		if s[i] != p.delims.Field {
			return m.newLine(s, i)
		}
		i++
		field = 3
	}
	var (
		start    = i            // of the token
		escaped  = false        // the token holds the escape character
		broken   = false        // a field has a line end in it
		until    = 0            // lines that begin before go on with this segment
		rep      = false        // the field has a repetition before this one
		fnode    = tree.Node(0) // the repetition, once it has parts
		cnode    = tree.Node(0) // the component, once it has parts
		c, sub   = 1, 1         // numbers of the component and subcomponent
		from     = i            // where the repetition begins
		cfrom    = i            // where the component begins
		faults   escapeFault
		faultsAt int
	)
	leaf := func(parent tree.Node, num int, end int) {
		text := s[start:end]
		if broken && strings.ContainsAny(text, "\r\n") {
			text = p.unwrap(text, seg, field, c, sub)
		}
		if escaped {
			escaped = false
			t, fault := p.unescape(text)
			if text = t; fault != 0 && faults&fault != fault {
				faults |= fault
				faultsAt = start
			}
		}
		n := d.Add(parent, Number(num), text)
		d.SetOffset(n, start)
		if text != "" && text[0] == ' ' && strings.Trim(text, " ") == "" {
			d.Mark(n, tree.Declined, "nothing but blanks") // chapter 2 lets them be left out, whatever the type
		}
	}
	// closeRepetition ends a repetition at end; keep makes a node even if it is empty.
	closeRepetition := func(end int, keep bool) {
		switch {
		case cnode != 0:
			leaf(cnode, sub, end)
		case fnode != 0:
			leaf(fnode, c, end)
		case keep || end > start:
			leaf(seg, field, end)
		}
		fnode, cnode, c, sub = 0, 0, 1, 1
	}
	done := false
	for !done {
		if i == len(s) {
			closeRepetition(i, true)
			break
		}
		k := class[s[i]]
		if k == other {
			i++
			continue
		}
		switch k {
		case escapeChar:
			escaped = true
			i++
		case subcomponentSep:
			if fnode == 0 {
				fnode = d.Add(seg, Number(field), "")
				d.SetOffset(fnode, from)
			}
			if cnode == 0 {
				cnode = d.Add(fnode, Number(c), "")
				d.SetOffset(cnode, cfrom)
			}
			if i > start {
				leaf(cnode, sub, i)
			}
			sub++
			i++
			start = i
		case componentSep:
			if fnode == 0 {
				fnode = d.Add(seg, Number(field), "")
				d.SetOffset(fnode, from)
			}
			if cnode != 0 {
				leaf(cnode, sub, i)
				cnode, sub = 0, 1
			} else if i > start {
				leaf(fnode, c, i)
			}
			c++
			i++
			start, cfrom = i, i
		case repetitionSep:
			closeRepetition(i, true)
			rep = true
			i++
			start, from, cfrom = i, i, i
		case fieldSep:
			closeRepetition(i, rep)
			rep = false
			field++
			i++
			start, from, cfrom = i, i, i
		case lineEnd:
			next := m.newLine(s, i)
			j := next
			for j < len(s) && (blank(s[j]) || class[s[j]] == lineEnd) {
				j++
			}
			goesOn := false
			if j < len(s) && s[j] > 0x1f && !header(s[j:], p.delims.Field) {
				if goesOn = next < until; !goesOn {
					goesOn, until = continues(s, next, p.delims.Field, p.delims.Component, name, field)
				}
			}
			if goesOn {
				if !broken {
					broken = true
					p.find("CP-V2-006", next, "").Place.Path = place(d, seg)
				}
				i = next
				continue
			}
			closeRepetition(i, true)
			i = next
			done = true
		}
	}
	if faults != 0 {
		p.escapeFindings(faults, faultsAt, seg)
	}
	return i
}

func (p *Parser) escapeFindings(f escapeFault, at int, seg tree.Node) {
	path := place(p.doc, seg)
	for _, x := range [...]struct {
		f  escapeFault
		id diag.ID
	}{{unknownEscape, "CP-V2-017"}, {openEscape, "CP-V2-018"}, {badBytes, "CP-V2-015"}, {charsetEscape, "CP-V2-031"}} {
		if f&x.f != 0 {
			p.find(x.id, at, "").Place.Path = path
		}
	}
}

// count counts the segments of a name.
func (p *Parser) count(name string) int {
	if n := len(p.counts); n > 0 && p.counts[n-1].name == name {
		p.counts[n-1].n++
		return p.counts[n-1].n
	}
	for i := range p.counts {
		if p.counts[i].name == name {
			p.counts[i].n++
			n := p.counts[i].n
			last := len(p.counts) - 1
			p.counts[i], p.counts[last] = p.counts[last], p.counts[i] // the next one is likely to be its like
			return n
		}
	}
	p.counts = append(p.counts, nameCount{name, 1})
	return 1
}

// header reads what the message says of itself, and says what is missing.
func (m *Message) header(p *Parser) {
	msh := m.First(tree.Root)
	text := func(field, component string) string {
		n := m.Child(msh, field)
		if n == 0 {
			return ""
		}
		if m.First(n) == 0 {
			if component == "1" {
				return m.Text(n)
			}
			return ""
		}
		if n = m.Child(n, component); n == 0 {
			return ""
		}
		return m.LeafText(n)
	}
	m.Type, m.Event, m.Structure = text("9", "1"), text("9", "2"), text("9", "3")
	m.ControlID, m.Version = text("10", "1"), text("12", "1")
	m.Charset = m.set.name
	if m.Event == "" && m.Type != "" {
		if n := m.Child(tree.Root, "EVN"); n != 0 {
			if n = m.Child(n, "1"); n != 0 {
				m.Event = m.LeafText(n)
			}
		}
	}
	mshPath := func(f *diag.Finding, path string) {
		if f.Place.Path = path; path == "" {
			f.Place.Path = "MSH"
		}
	}
	if m.Type == "" {
		mshPath(p.find("CP-V2-019", 0, ""), "MSH-9")
	}
	switch {
	case m.Version == "":
		mshPath(p.find("CP-V2-022", 0, "MSH-12 names no version; the message is read as one of the latest"), "MSH-12")
	case !schema.Known(m.Version):
		mshPath(p.find("CP-V2-022", 0, "MSH-12 names a version that HL7 has not published; the message is read as one of the nearest"), "MSH-12")
	}
	m.cut(p)
}

// cut looks for signs that the message was cut off: its last segment has no line end and lacks a field that the version
// requires, and the newest version too. A sender who leaves that field out of a segment before always does.
func (m *Message) cut(p *Parser) {
	s := m.text
	if s == "" || s[len(s)-1] == '\r' || s[len(s)-1] == '\n' {
		return
	}
	last := tree.Node(0)
	for k := m.First(tree.Root); k != 0; k = m.Next(k) {
		last = k
	}
	if last == 0 || !isSegmentName(m.Name(last)) {
		return
	}
	seg, now := schema.SegmentIn(m.Name(last), m.Version), schema.SegmentIn(m.Name(last), "")
	if seg == nil || now == nil {
		return
	}
	fields := func(segment tree.Node) (have int) {
		for k := m.First(segment); k != 0; k = m.Next(k) {
			have = max(have, atoi(m.Name(k)))
		}
		return have
	}
	have, usual := fields(last), len(seg.Fields)
	for k := m.First(tree.Root); k != last; k = m.Next(k) {
		if m.Name(k) == seg.Name {
			usual = min(usual, fields(k))
		}
	}
	for i := have; i < min(usual, len(now.Fields)); i++ {
		if seg.Fields[i].Usage == schema.Required && now.Fields[i].Usage == schema.Required {
			p.find("CP-V2-027", m.Offset(last), "the message ends within its last segment, before the required %s-%d", seg.Name, i+1).Place.Path = place(m.Doc, last)
			return
		}
	}
}

// most is how many findings of one id a message bears; the last one says how many more there were.
const most = 20

// find reports a finding at an offset of the text.
func (p *Parser) find(id diag.ID, offset int, format string, args ...any) *diag.Finding {
	return p.msg.find(id, offset, format, args...)
}

func (m *Message) find(id diag.ID, offset int, format string, args ...any) *diag.Finding {
	f := diag.New(id, m.placeAt(offset), format, args...)
	if m.counted == nil {
		m.counted = map[diag.ID]int{}
	}
	m.counted[id]++
	switch n := m.counted[id]; {
	case n < most:
		m.Findings = append(m.Findings, f)
	case n == most:
		m.Findings = append(m.Findings, f)
	default:
		for i := len(m.Findings) - 1; i >= 0; i-- {
			if m.Findings[i].ID == id {
				m.Findings[i].What = fmt.Sprintf("%s (and %d more like it)", id.Entry().What, n-most)
				break
			}
		}
	}
	return f
}

// placeAt is the place in the source of an offset in the text.
func (m *Message) placeAt(offset int) diag.Place {
	at := m.at
	if i := sort.Search(len(m.lines), func(i int) bool { return int(m.lines[i]) > offset }) - 1; i > 0 {
		at.Line += i
		at.Column = 1 + m.width(m.text[m.lines[i]:min(offset, len(m.text))])
	} else {
		at.Column += m.width(m.text[:min(offset, len(m.text))])
	}
	return at
}

// width is how many bytes a piece of the text had in the source.
func (m *Message) width(s string) int {
	if m.set == nil || m.set.enc == nil || isASCII(s) && m.set.enc != nil && !strings.HasPrefix(m.set.name, "UTF-") {
		return len(s)
	}
	switch {
	case strings.HasPrefix(m.set.name, "UTF-16"):
		n := 0
		for _, r := range s {
			if n += 2; r > 0xffff {
				n += 2
			}
		}
		return n
	case strings.HasPrefix(m.set.name, "UTF-32"):
		return 4 * utf8.RuneCountInString(s)
	}
	if b, ok := m.set.encode([]byte(s), 0); ok {
		return len(b)
	}
	return utf8.RuneCountInString(s)
}

// Place is where a node stands in the source: line, column and its place in the message.
func (m *Message) Place(n tree.Node) diag.Place {
	at := m.placeAt(m.Offset(n))
	at.Path = m.PlaceOf(n)
	return at
}
