package fhir

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// The splitter cuts a stream into the parts that are decoded on their own: resources, and the entries of bundles. It knows
// only brackets and texts; the grammar is checked where a part is decoded, by all workers at once. That is how it stays fast
// enough to feed them, and how a fault in one part does not reach the next.
//
//	{"resourceType":"Bundle","type":"collection","entry":[{...},{...}],"signature":{...}}
//	|------------------- shell --------------------------|part|,|part||----- shell -----|
//
// Where brackets do not match, the end of a part cannot be known. Then the document ends there; the next begins at a line
// that starts with { although JSON allows no { after what stands before: a broken line of NDJSON does not sink those after it.
//
// Invariant: buf[mark:] is what has not been handed out, line and column are those of buf[mark].
type splitter struct {
	r         io.Reader
	err       error // of r, once it has ended
	buf       []byte
	window    *[window]byte // which buf is as long as no part is larger
	mark, pos int
	line, col int
	base      int64        // of buf[0] in the source
	max       int          // bytes of one part
	whole     bool         // bundles are not taken apart
	passed    func([]byte) // gets what is over the limit; may be nil

	state    splitState
	document int
	from, to int   // the lines on which the document before began and ended
	lines    bool  // that was one line, and this document began on another
	start    place // where the part begins
	offset   int64 // the same in bytes
	entries  int
	shell    shell
	over     bool // the part is over the limit: it is passed over
	stack    []byte
}

type splitState uint8

const (
	betweenDocuments splitState = iota
	betweenEntries
	behindEntries
	brokenEntries
	broken // looking for where the next document may begin
)

// part is what the splitter cuts off.
type part struct {
	kind     partKind
	data     []byte // valid until the next part
	at       place
	index    int // of an entry, from 0
	shell    *shell
	document int
	offset   int64 // in the source
	size     int64 // even without data
	xml      bool
	ns       []binding // of XML: what the bundle around the part declares
}

// parts is a stream that was cut: JSON by a splitter, XML by an xmlSplitter.
type parts interface {
	next() (part, bool)
	failed() error
	release()
}

// parts looks at how the source begins and gives what cuts it.
func (s *splitter) parts() parts {
	at := 0
	for {
		b := bytes.TrimPrefix(s.buf, utf8Mark)
		if b = bytes.TrimLeft(b, " \t\r\n"); len(b) > 0 && (len(s.buf) >= len(utf8Mark) || b[0] != utf8Mark[0]) {
			if b[0] == '<' {
				return &xmlSplitter{splitter: *s}
			}
			return s
		}
		if at++; at > 16 || !s.fill() { // a long run of blanks
			return s
		}
	}
}

type partKind uint8

const (
	partResource partKind = iota + 1
	partBegin             // a bundle's shell up to its entries
	partEntry
	partEnd      // a bundle's whole shell
	partBroken   // the same, where the brackets do not match: no more entries
	partTooLarge // a resource over the limit, without its data
	partEntryTooLarge
)

// shell is a bundle without its entries, and where its two pieces stood.
type shell struct {
	text     []byte
	cut      int // length of the first piece
	at, rest place
	entries  int
}

// window is how much is read at once. A folder is thousands of small sources, so their windows are used again.
const window = 256 << 10

var windows = sync.Pool{New: func() any { return new([window]byte) }}

// release gives the window back, when nobody holds a part any more.
func (s *splitter) release() {
	if s.window != nil {
		windows.Put(s.window)
		s.window, s.buf = nil, nil
	}
}

// fill reads more; false at the end.
func (s *splitter) fill() bool {
	if s.err != nil {
		return false
	}
	if s.pos-s.mark > s.max {
		s.over = true
	}
	if s.over {
		s.pass()
		s.advance(s.pos)
	}
	if s.mark > 0 && s.mark >= cap(s.buf)/2 {
		n := copy(s.buf, s.buf[s.mark:])
		s.base += int64(s.mark)
		s.buf, s.pos, s.mark = s.buf[:n], s.pos-s.mark, 0
	}
	switch {
	case cap(s.buf) == 0:
		s.window = windows.Get().(*[window]byte)
		s.buf = s.window[:0]
	case len(s.buf) == cap(s.buf):
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), s.buf...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err != nil {
			s.err = err
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// pass hands on what is over the limit.
func (s *splitter) pass() {
	if s.passed != nil {
		s.passed(s.buf[s.mark:s.pos])
	}
}

// advance moves the mark, and counts lines on the way.
func (s *splitter) advance(to int) {
	passed := s.buf[s.mark:to]
	if n := bytes.Count(passed, newline); n > 0 {
		s.line += n
		s.col = len(passed) - bytes.LastIndexByte(passed, '\n')
	} else {
		s.col += len(passed)
	}
	s.mark = to
}

var newline = []byte("\n")

// space passes over white space and gives the byte behind it, 0 at the end.
func (s *splitter) space() byte {
	for {
		if s.pos == len(s.buf) && !s.fill() {
			return 0
		}
		if c := s.buf[s.pos]; c > ' ' {
			return c
		}
		s.pos++
	}
}

// ended says how a scan came out.
type ended uint8

const (
	endedWell ended = iota
	endedAtEOF
	endedBroken
)

// bounds are the bytes that begin or end a text, an object or an array.
var bounds = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// stops are the bytes that mean something in a text.
var stops = [256]bool{'"': true, '\\': true, '{': true}

// scan goes from pos to the end of a value; with open brackets, whose closing ones are given, to the last of these.
func (s *splitter) scan(open string) ended {
	stack := append(s.stack[:0], open...)
	defer func() { s.stack = stack }()
	text, escape := false, false
	for {
		if s.pos == len(s.buf) && !s.fill() {
			return endedAtEOF
		}
		b := s.buf
		for i := s.pos; i < len(b); i++ {
			c := b[i]
			if text {
				if !escape && !stops[c] {
					for i+1 < len(b) && !stops[b[i+1]] {
						i++
					}
					continue
				}
				switch {
				case escape:
					escape = false
				case c == '\\':
					escape = true
				case c == '"':
					if text = false; len(stack) == 0 {
						s.pos = i + 1
						return endedWell
					}
				case c == '{' && i > s.mark && b[i-1] == '\n': // a text cannot hold a line's end
					s.pos = i
					return endedBroken
				}
				continue
			}
			if len(stack) > 0 && !bounds[c] {
				for i+1 < len(b) && !bounds[b[i+1]] {
					i++
				}
				continue
			}
			switch c {
			case '"':
				text = true
			case '{', '[':
				if c == '{' && i > s.mark && b[i-1] == '\n' && len(stack) > 0 && s.resumes(i) {
					s.pos = i
					return endedBroken
				}
				stack = append(stack, c+2)
			case '}', ']':
				n := len(stack) - 1
				if n < 0 {
					s.pos = i
					return endedWell
				}
				if stack[n] != c {
					s.pos = i + 1
					return endedBroken
				}
				if stack = stack[:n]; n == 0 {
					s.pos = i + 1
					return endedWell
				}
			case ',', ':', ' ', '\t', '\r', '\n':
				if len(stack) == 0 {
					s.pos = i
					return endedWell
				}
			}
		}
		s.pos = len(b)
	}
}

// resumes reports that the { at the begin of a line, within a value, begins a new document: JSON has none there.
func (s *splitter) resumes(at int) bool {
	if s.lines {
		return true
	}
	for i := at - 1; i >= s.mark; i-- {
		if c := s.buf[i]; c > ' ' {
			return c != '[' && c != ',' && c != ':'
		}
	}
	return false
}

// cut makes a part of what stands between the mark and pos.
func (s *splitter) cut(kind partKind) part {
	p := part{kind: kind, at: s.start, index: s.entries, document: s.document, offset: s.offset, size: s.base + int64(s.pos) - s.offset}
	if s.over {
		s.pass()
		s.over = false
		if p.kind = partTooLarge; kind == partEntry {
			p.kind = partEntryTooLarge
		}
	} else {
		p.data = s.buf[s.mark:s.pos]
	}
	s.advance(s.pos)
	return p
}

// here begins a part at pos.
func (s *splitter) here() {
	s.advance(s.pos)
	s.start = place{line: s.line, column: s.col, record: s.document}
	s.offset = s.base + int64(s.mark)
}

// next gives the next part; false at the end, when s.err is io.EOF or what the source's Read said.
func (s *splitter) next() (part, bool) {
	for {
		switch s.state {
		case betweenDocuments:
			c := s.space()
			s.here()
			if c == 0 {
				return part{}, false
			}
			if s.document == 0 && c == utf8Mark[0] {
				for len(s.buf)-s.pos < len(utf8Mark) && s.fill() {
				}
				if bytes.HasPrefix(s.buf[s.pos:], utf8Mark) {
					s.pos += len(utf8Mark)
					s.document = -1 // so that the mark is taken once
					continue
				}
			}
			s.document = max(s.document, 0) + 1
			s.lines = s.document > 1 && s.from == s.to && s.line > s.to
			s.from, s.entries = s.line, 0
			s.here()
			return s.begin(), true
		case betweenEntries:
			if p, ok := s.entry(); ok {
				return p, true
			}
		case behindEntries:
			return s.end(), true
		case brokenEntries:
			s.state = broken
			s.shell.text, s.shell.rest, s.shell.entries = append(s.shell.text, "]}"...), s.start, s.entries
			return part{kind: partBroken, at: s.start, document: s.document, shell: &s.shell}, true
		case broken:
			s.resync()
		}
	}
}

// begin scans a document up to its end, or of a Bundle to its entries.
func (s *splitter) begin() part {
	if s.buf[s.pos] != '{' || s.whole {
		return s.resource("")
	}
	s.pos++
	bundle := false
	for {
		switch s.space() {
		case ',':
			s.pos++
			continue
		case '"':
		default: // the end, or something that is no JSON
			return s.resource("")
		}
		from := s.pos - s.mark
		if s.scan("") != endedWell || s.over {
			return s.resource("}")
		}
		name := string(s.buf[s.mark+from : s.pos])
		if s.space() != ':' {
			return s.resource("")
		}
		s.pos++
		c := s.space()
		if s.over {
			return s.resource("}")
		}
		from = s.pos - s.mark
		if name == `"entry"` && c == '[' {
			s.pos++
			if bundle || s.isBundle() {
				if s.over {
					return s.resource("}]")
				}
				return s.open()
			}
			s.pos = s.mark + from
		}
		if s.scan("") != endedWell || s.over {
			return s.resource("}")
		}
		if name == `"resourceType"` {
			if bundle = string(s.buf[s.mark+from:s.pos]) == `"Bundle"`; !bundle {
				return s.resource("")
			}
		}
	}
}

// resource scans a document that is decoded as a whole: from its start, or from pos, where the brackets in open are open, if
// it is over the limit and its start is gone.
func (s *splitter) resource(open string) part {
	if !s.over {
		s.pos, open = s.mark, ""
	}
	how := s.scan(open)
	if how == endedWell && s.pos == s.mark && !s.over {
		s.pos++ // a comma, colon or closing bracket
		how = endedBroken
	}
	p := s.cut(partResource)
	if s.to = s.line; how == endedBroken {
		s.state = broken
	}
	return p
}

// isBundle tells the entries of a Bundle from those of a List when resourceType comes later: pos is behind the bracket, and is
// so afterwards, unless the first entry is over the limit.
func (s *splitter) isBundle() bool {
	at := s.pos - s.mark
	if s.space() != '{' {
		s.pos = s.mark + at
		return false
	}
	from := s.pos - s.mark
	if s.scan("") != endedWell || s.over {
		if !s.over {
			s.pos = s.mark + at
		}
		return true
	}
	d := jsontext.NewDecoder(bytes.NewReader(s.buf[s.mark+from : s.pos]))
	s.pos = s.mark + at
	if _, err := d.ReadToken(); err != nil {
		return false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return false
		}
		switch name.String() {
		case "fullUrl", "resource", "search", "request", "response", "link":
			return true
		}
		if d.SkipValue() != nil {
			return false
		}
	}
	return false
}

// open stands behind the bracket of a bundle's entries.
func (s *splitter) open() part {
	s.shell = shell{text: append([]byte(nil), s.buf[s.mark:s.pos]...), cut: s.pos - s.mark, at: s.start}
	s.advance(s.pos)
	s.state = betweenEntries
	begun := s.shell
	begun.text = append(append([]byte(nil), begun.text...), "]}"...)
	return part{kind: partBegin, at: s.start, document: s.document, shell: &begun}
}

// entry scans the next entry; false behind the last.
func (s *splitter) entry() (part, bool) {
	c := s.space()
	for c == ',' {
		s.pos++
		c = s.space()
	}
	s.here()
	if c == ']' || c == 0 {
		s.state = behindEntries
		return part{}, false
	}
	how := s.scan("")
	if s.pos == s.mark && !s.over { // a closing brace or a colon where an entry should be
		s.pos++
		how = endedBroken
	}
	p := s.cut(partEntry)
	s.entries++
	if how != endedWell {
		s.state = brokenEntries
	}
	return p, true
}

// end scans the rest of a bundle, from the bracket behind its entries.
func (s *splitter) end() part {
	s.shell.rest, s.shell.entries = s.start, s.entries
	how := s.scan("}]")
	s.state = betweenDocuments
	if s.over {
		s.over = false
	} else {
		s.shell.text = append(s.shell.text, s.buf[s.mark:s.pos]...)
	}
	s.advance(s.pos)
	if s.to = s.line; how == endedBroken {
		s.state = broken
	}
	return part{kind: partEnd, at: s.shell.at, document: s.document, shell: &s.shell}
}

// resync passes over what is left of a document whose brackets do not match.
func (s *splitter) resync() {
	s.state = betweenDocuments
	for {
		if s.pos == len(s.buf) {
			// The last byte stays, to see whether a line ends there.
			if s.pos > s.mark {
				s.advance(s.pos - 1)
			}
			if !s.fill() {
				s.advance(s.pos)
				return
			}
		}
		if s.buf[s.pos] == '{' && s.pos > 0 && s.buf[s.pos-1] == '\n' {
			s.from, s.to = s.line, s.line // so that lines stay lines
			return
		}
		s.pos++
	}
}

// failed is what the source's Read said, nil at its end.
func (s *splitter) failed() error {
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}
