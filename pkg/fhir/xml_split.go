package fhir

import (
	"bytes"
	"strings"
)

// xmlSplitter cuts a stream of FHIR's XML into the parts that are decoded on their own, as splitter does with JSON. It knows only
// tags; what stands in them is looked at where a part is decoded. An element that is not closed ends with the one around it, so
// that a fault in one entry does not reach the next.
type xmlSplitter struct {
	splitter
	name  []byte // of the tag at hand, as written
	empty bool   // it closes itself
	slash bool   // it is an end tag
	root  string // the bundle's name as written
	ns    []binding
	open  nameStack
}

// nameStack holds the names of the elements that are open, without an allocation for each.
type nameStack struct {
	names []byte
	ends  []int
}

func (n *nameStack) push(name []byte) {
	n.names = append(n.names, name...)
	n.ends = append(n.ends, len(n.names))
}

func (n *nameStack) at(i int) []byte {
	from := 0
	if i > 0 {
		from = n.ends[i-1]
	}
	return n.names[from:n.ends[i]]
}

// cut takes the i-th name and those above it away.
func (n *nameStack) cut(i int) {
	n.ends = n.ends[:i]
	if n.names = n.names[:0]; i > 0 {
		n.names = n.names[:n.ends[i-1]]
	}
}

// find is the index of the innermost element of a name, -1 if none is open.
func (n *nameStack) find(name []byte) int {
	for i := len(n.ends) - 1; i >= 0; i-- {
		if bytes.Equal(n.at(i), name) {
			return i
		}
	}
	return -1
}

// maxOpen is how many elements the splitter counts; the decoder reads far fewer.
const maxOpen = 4096

// to goes behind the next place where sep stands.
func (s *xmlSplitter) to(sep string) bool {
	for {
		if i := bytes.Index(s.buf[s.pos:], []byte(sep)); i >= 0 {
			s.pos += i + len(sep)
			return true
		}
		s.pos = max(s.pos, len(s.buf)-len(sep)+1)
		if !s.fill() {
			s.pos = len(s.buf)
			return false
		}
	}
}

// starts reports whether what follows pos begins so.
func (s *xmlSplitter) starts(with string) bool {
	for len(s.buf)-s.pos < len(with) && s.fill() {
	}
	return bytes.HasPrefix(s.buf[s.pos:], []byte(with))
}

type markup uint8

const (
	markupEnd markup = iota // of the source
	markupTag
	markupOther // a comment, a processing instruction, CDATA
	markupType  // a document type
)

// next passes over text up to the next <, and stands there; false at the end of the source.
func (s *xmlSplitter) toMarkup() bool {
	for {
		if i := bytes.IndexByte(s.buf[s.pos:], '<'); i >= 0 {
			s.pos += i
			return true
		}
		s.pos = len(s.buf)
		if !s.fill() {
			return false
		}
	}
}

// markup passes over what begins with the < at pos; of a tag it gives name, empty and slash.
func (s *xmlSplitter) markup() markup {
	end := ""
	switch {
	case s.starts("<!--"):
		s.pos += len("<!--")
		end = "-->"
	case s.starts("<?"):
		end = "?>"
	case s.starts("<![CDATA["):
		end = "]]>"
	case s.starts("<!"):
		return markupType
	}
	if end != "" {
		if !s.to(end) {
			return markupEnd
		}
		return markupOther
	}
	s.pos++
	s.name, s.empty, s.slash = s.name[:0], false, false
	named, quote, before := false, byte(0), byte('<')
	for {
		if s.pos == len(s.buf) && !s.fill() {
			return markupEnd
		}
		for ; s.pos < len(s.buf); s.pos++ {
			c := s.buf[s.pos]
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '>':
				s.pos++
				s.empty = before == '/' && !s.slash
				return markupTag
			case c == '<': // a tag that does not end: the next one begins
				return markupTag
			case c == '"' || c == '\'':
				named, quote = true, c
			case c == '/' && before == '<':
				s.slash = true
				before = '<'
				continue
			case c <= ' ' || c == '/':
				named = true
			case !named && len(s.name) < 128:
				s.name = append(s.name, c)
			}
			if before = c; quote != 0 {
				before = 0
			}
		}
	}
}

// element passes over the rest of an element whose start tag was passed over. outer is the name of the element around it: its end
// tag ends this one too, and is left to be read again.
func (s *xmlSplitter) element(outer string) ended {
	if s.empty {
		return endedWell
	}
	s.open.cut(0)
	s.open.push(s.name)
	how := endedWell
	for {
		if !s.toMarkup() {
			return endedAtEOF
		}
		from := s.pos - s.mark
		switch s.markup() {
		case markupEnd:
			return endedAtEOF
		case markupType:
			s.pos += 2
			how = endedBroken
		case markupTag:
			switch {
			case s.empty:
			case !s.slash:
				if len(s.open.ends) < maxOpen {
					s.open.push(s.name)
				}
			default:
				i := s.open.find(s.name)
				if i >= 0 {
					s.open.cut(i)
				} else if outer != "" && string(s.name) == outer {
					if !s.over {
						s.pos = s.mark + from
					}
					return endedBroken
				}
				if len(s.open.ends) == 0 {
					return how
				}
			}
		}
	}
}

func (s *xmlSplitter) xml(p part) part {
	p.xml, p.ns = true, s.ns
	return p
}

// next gives the next part; false at the end.
func (s *xmlSplitter) next() (part, bool) {
	for {
		switch s.state {
		case betweenDocuments:
			s.ns = nil
			if s.space() == 0 {
				s.here()
				return part{}, false
			}
			s.here()
			if s.document == 0 && s.starts(string(utf8Mark)) {
				s.pos += len(utf8Mark)
				s.document = -1
				continue
			}
			if p, ok := s.document1(); ok {
				return s.xml(p), true
			}
		case betweenEntries:
			if p, ok := s.entry(); ok {
				return s.xml(p), true
			}
		case behindEntries:
			s.state = betweenDocuments
			s.shell.entries = s.entries
			return s.xml(part{kind: partEnd, at: s.shell.at, document: s.document, shell: &s.shell}), true
		case brokenEntries:
			s.state = betweenDocuments
			if len(s.shell.text) == s.shell.cut {
				s.shell.rest = s.start
			}
			s.shell.text, s.shell.entries = append(s.shell.text, "</"+s.root+">"...), s.entries
			return s.xml(part{kind: partBroken, at: s.start, document: s.document, shell: &s.shell}), true
		}
	}
}

// document1 passes over what may stand before a document, and scans it: up to its end, or of a Bundle to its entries.
func (s *xmlSplitter) document1() (part, bool) {
	s.document = max(s.document, 0) + 1
	s.entries = 0
	s.here()
	if s.buf[s.pos] != '<' { // text that belongs to nothing
		if !s.toMarkup() {
			s.pos = len(s.buf)
		}
		return s.cut(partResource), true
	}
	for {
		switch s.markup() {
		case markupEnd:
			return s.cut(partResource), true
		case markupType: // nothing behind it has a certain meaning
			for s.pos = len(s.buf); s.fill(); s.pos = len(s.buf) {
			}
			return s.cut(partResource), true
		case markupOther:
			if s.space() == '<' {
				continue
			}
			if s.pos == len(s.buf) { // comments alone
				s.advance(s.pos)
				return part{}, false
			}
			if !s.toMarkup() {
				s.pos = len(s.buf)
			}
			return s.cut(partResource), true
		}
		break
	}
	_, local := cutPrefix(string(s.name))
	if s.whole || s.over || s.empty || s.slash || local != "Bundle" || !s.declares() {
		if !s.slash {
			s.element("")
		}
		return s.cut(partResource), true
	}
	s.root = string(s.name)
	s.shell = shell{at: s.start}
	for { // up to the first entry
		from, at := s.entryTag()
		switch {
		case s.over:
			s.element("")
			s.skipBundle()
			return s.cut(partResource), true
		case from < 0:
			return s.cut(partResource), true // no entries, or cut off before them
		case at:
			s.shell.text = append([]byte(nil), s.buf[s.mark:s.mark+from]...)
			s.shell.cut = from
			s.pos = s.mark + from
			s.here()
			s.state = betweenEntries
			begun := s.shell
			begun.text = append(append([]byte(nil), begun.text...), "</"+s.root+">"...)
			return part{kind: partBegin, at: s.shell.at, document: s.document, shell: &begun}, true
		}
		s.element(s.root)
	}
}

// declares takes note of the namespaces that the root declares, so that its entries can be read on their own.
func (s *xmlSplitter) declares() bool {
	var x xmlScan
	x.reset(string(s.buf[s.mark:s.pos]), nil)
	t, ok := x.next()
	if s.ns = append([]binding(nil), x.ns...); !ok || t.kind != startTag {
		return false
	}
	return t.uri == fhirSpace || t.uri == ""
}

// entryTag goes behind the next tag in the bundle. from is where that begins, from the mark, -1 behind the bundle's end tag or at
// the end of the source; entry says that it begins an entry.
func (s *xmlSplitter) entryTag() (from int, entry bool) {
	for s.toMarkup() {
		from = s.pos - s.mark
		switch s.markup() {
		case markupType:
			s.pos += 2
		case markupTag:
			if s.slash {
				if string(s.name) == s.root {
					return -1, false
				}
				continue
			}
			_, local := cutPrefix(string(s.name))
			return from, local == "entry"
		}
	}
	return -1, false
}

// skipBundle passes over the rest of a bundle that is not read.
func (s *xmlSplitter) skipBundle() {
	for {
		if from, _ := s.entryTag(); from < 0 {
			return
		}
		s.element(s.root)
	}
}

// entry scans the next entry; false behind the last.
func (s *xmlSplitter) entry() (part, bool) {
	s.here()
	for {
		from, entry := s.entryTag()
		switch {
		case entry && !s.over:
			s.pos = s.mark + from
			s.rest()
			s.here()
			s.markup()
			fallthrough
		case entry:
			how := s.element(s.root)
			p := s.cut(partEntry)
			s.entries++
			if how == endedAtEOF {
				s.here()
				s.state = brokenEntries
			}
			return p, true
		case from >= 0: // another element of the bundle
			s.element(s.root)
		default:
			s.rest()
			if s.state = behindEntries; !strings.HasSuffix(strings.TrimRight(string(s.shell.text), " \t\r\n>"), "/"+s.root) {
				s.here()
				s.state = brokenEntries
			}
			return part{}, false
		}
	}
}

// rest adds what stands between the mark and pos, behind an entry, to the bundle's shell.
func (s *xmlSplitter) rest() {
	text := s.buf[s.mark:s.pos]
	if s.over {
		s.over = false
		text = nil
	}
	if len(s.shell.text) == s.shell.cut { // the second piece begins here
		s.shell.rest = s.start
		if blank := bytes.TrimLeft(text, " \t\r\n"); len(blank) == 0 {
			return
		}
	}
	s.shell.text = append(s.shell.text, text...)
}

// text is the part as UnmarshalEntry and Unmarshal take it.
func (p *part) text() string { return p.textOf(string(p.data)) }

// textOf is s, the text of the part. An entry in XML whose bundle declares more than FHIR's namespace takes the declarations with it.
func (p *part) textOf(s string) string {
	if !p.xml || p.kind != partEntry || len(p.ns) == 1 && p.ns[0] == (binding{"", fhirSpace}) {
		return s
	}
	to := nameEnd(s, 1)
	if !strings.HasPrefix(s, "<") || to == 1 {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:to])
	own, _, _ := strings.Cut(s[to:], ">")
	for _, n := range p.ns {
		name := "xmlns"
		if n.prefix != "" {
			name += ":" + n.prefix
		}
		if quote := `"`; !strings.Contains(own, name+"=") {
			if strings.Contains(n.uri, quote) {
				quote = "'"
			}
			b.WriteString(" " + name + "=" + quote + n.uri + quote)
		}
	}
	b.WriteString(s[to:])
	return b.String()
}
