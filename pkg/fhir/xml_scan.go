package fhir

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chartpost/chartpost/pkg/diag"
)

// How XML is scanned. FHIR's XML uses little of XML 1.0: elements, attributes, namespaces, comments, character references and
// the five entities. So a cursor over the text is all it takes, three times as fast as encoding/xml, and every token knows its
// place. What XML allows beyond that and FHIR forbids, document types above all, is refused: nothing is ever expanded or fetched.

const (
	fhirSpace  = "http://hl7.org/fhir"
	xhtmlSpace = "http://www.w3.org/1999/xhtml"
	xsiSpace   = "http://www.w3.org/2001/XMLSchema-instance"
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
)

// maxNesting is how deep elements may be nested that are not FHIR's own: in a narrative, or in what is passed over.
const maxNesting = 256

// maxAttributes is how many attributes one element may have; FHIR's have three.
const maxAttributes = 64

type xmlScan struct {
	s     string
	i     int
	ns    []binding
	attrs []xmlAttr // of the start tag that was scanned last
	fault *xmlFault // why the text is no XML that can be read; once there is one, nothing is scanned any more
	text  int       // where text began that stands between elements, before the tag scanned last; -1 if there was none
}

type xmlFault struct {
	id   diag.ID
	at   int
	what string
}

// binding is a declaration of a namespace.
type binding struct{ prefix, uri string }

type xmlAttr struct {
	prefix, local string
	raw           string // the value as written
	at            int    // where the value begins
}

type tagKind uint8

const (
	startTag tagKind = iota
	emptyTag
	endTag
)

type xmlTag struct {
	kind       tagKind
	at         int    // of <
	raw        string // the name as written
	local, uri string
	scope      int // how many bindings hold outside of the element
}

func (x *xmlScan) reset(s string, ns []binding) {
	x.s, x.i, x.ns, x.fault, x.text = s, 0, append(x.ns[:0], ns...), nil, -1
}

func (x *xmlScan) fail(id diag.ID, at int, what string) {
	if x.fault == nil {
		x.fault = &xmlFault{id, min(at, len(x.s)), what}
	}
}

const notXML diag.ID = "CP-FHIR-081"

// next scans up to and over the next tag; comments and processing instructions are passed over. False at the end of the text or
// at a fault.
func (x *xmlScan) next() (t xmlTag, ok bool) {
	x.text = -1
	for x.fault == nil {
		n := strings.IndexByte(x.s[x.i:], '<')
		if n < 0 {
			x.between(x.i, len(x.s))
			x.i = len(x.s)
			return t, false
		}
		x.between(x.i, x.i+n)
		x.i += n
		switch rest := x.s[x.i:]; {
		case strings.HasPrefix(rest, "<!--"):
			x.skipTo(4, "-->", "a comment does not end")
		case strings.HasPrefix(rest, "<?"):
			x.skipTo(2, "?>", "a processing instruction does not end")
		case strings.HasPrefix(rest, "<![CDATA["):
			from := x.i + len("<![CDATA[")
			if x.skipTo(len("<![CDATA["), "]]>", "a CDATA section does not end") {
				x.between(from, x.i-len("]]>"))
			}
		case strings.HasPrefix(rest, "<!"):
			x.fail("CP-FHIR-082", x.i, "a document type or declaration")
		case strings.HasPrefix(rest, "</"):
			return x.end()
		default:
			return x.start()
		}
	}
	return t, false
}

// between takes note of text that stands between tags.
func (x *xmlScan) between(from, to int) {
	if x.text < 0 {
		for i := from; i < to; i++ {
			if x.s[i] > ' ' {
				x.text = i
				return
			}
		}
	}
}

func (x *xmlScan) skipTo(from int, end, what string) bool {
	n := strings.Index(x.s[x.i+from:], end)
	if n < 0 {
		x.fail(notXML, x.i, what)
		return false
	}
	x.i += from + n + len(end)
	return true
}

// nameEnd is the index behind a name that begins at i; i itself if none does.
func nameEnd(s string, i int) int {
	from := i
	for i < len(s) {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c == '_', c >= utf8.RuneSelf:
		case c >= '0' && c <= '9', c == '-', c == '.', c == ':':
			if i == from {
				return from
			}
		default:
			return i
		}
		i++
	}
	return i
}

func cutPrefix(name string) (prefix, local string) {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

func (x *xmlScan) end() (t xmlTag, ok bool) {
	t = xmlTag{kind: endTag, at: x.i}
	to := nameEnd(x.s, x.i+2)
	t.raw = x.s[x.i+2 : to]
	for to < len(x.s) && x.s[to] <= ' ' {
		to++
	}
	if to == len(x.s) || x.s[to] != '>' || t.raw == "" {
		x.fail(notXML, to, "an end tag is not closed")
		return t, false
	}
	x.i = to + 1
	return t, true
}

func (x *xmlScan) start() (t xmlTag, ok bool) {
	t = xmlTag{at: x.i, scope: len(x.ns)}
	s, i := x.s, nameEnd(x.s, x.i+1)
	if t.raw = s[x.i+1 : i]; t.raw == "" {
		x.fail(notXML, x.i, "a < that begins no tag; in a text it is written &lt;")
		return t, false
	}
	x.attrs = x.attrs[:0]
	for {
		from := i
		for i < len(s) && s[i] <= ' ' {
			i++
		}
		if i == len(s) {
			x.fail(notXML, t.at, "a tag does not end")
			return t, false
		}
		if s[i] == '>' {
			i++
			break
		}
		if s[i] == '/' && i+1 < len(s) && s[i+1] == '>' {
			t.kind = emptyTag
			i += 2
			break
		}
		to := nameEnd(s, i)
		if to == i || from == i {
			x.fail(notXML, i, "this is no attribute")
			return t, false
		}
		name := s[i:to]
		for i = to; i < len(s) && s[i] <= ' '; {
			i++
		}
		if i == len(s) || s[i] != '=' {
			x.fail(notXML, i, "an attribute has no value")
			return t, false
		}
		for i++; i < len(s) && s[i] <= ' '; {
			i++
		}
		if i == len(s) || s[i] != '"' && s[i] != '\'' {
			x.fail(notXML, i, "the value of an attribute stands in quotes")
			return t, false
		}
		n := strings.IndexByte(s[i+1:], s[i])
		if n < 0 {
			x.fail(notXML, i, "the value of an attribute does not end")
			return t, false
		}
		a := xmlAttr{raw: s[i+1 : i+1+n], at: i + 1}
		if a.prefix, a.local = cutPrefix(name); strings.IndexByte(a.raw, '<') >= 0 {
			x.fail(notXML, i, "the value of an attribute does not end, or a < in it is not written &lt;")
			return t, false
		}
		i += n + 2
		for j := range x.attrs {
			if x.attrs[j].local == a.local && x.attrs[j].prefix == a.prefix {
				x.fail(notXML, a.at, "an attribute stands twice")
				return t, false
			}
		}
		if len(x.attrs) == maxAttributes {
			x.fail(notXML, a.at, "an element with more attributes than are read")
			return t, false
		}
		x.attrs = append(x.attrs, a)
		switch {
		case a.prefix == "" && a.local == "xmlns":
			x.ns = append(x.ns, binding{"", a.raw})
		case a.prefix == "xmlns":
			x.ns = append(x.ns, binding{a.local, a.raw})
		}
	}
	x.i = i
	prefix, local := cutPrefix(t.raw)
	if t.local, ok = local, true; local == "" {
		ok = false
	} else {
		t.uri, ok = x.space(prefix)
	}
	if !ok {
		x.fail(notXML, t.at, "the prefix of an element is not declared")
	}
	return t, ok
}

// space is the namespace of a prefix. The empty prefix is always declared.
func (x *xmlScan) space(prefix string) (uri string, ok bool) {
	for j := len(x.ns) - 1; j >= 0; j-- {
		if x.ns[j].prefix == prefix {
			return x.ns[j].uri, true
		}
	}
	if prefix == "xml" {
		return xmlSpace, true
	}
	return "", prefix == ""
}

// leave is called behind an element's end.
func (x *xmlScan) leave(t xmlTag) { x.ns = x.ns[:t.scope] }

// closes reports that end is the end tag of t, and is a fault if it is not.
func (x *xmlScan) closes(t, end xmlTag) bool {
	if end.raw != t.raw {
		x.fail(notXML, end.at, "an end tag of another element than the one that is open")
		return false
	}
	x.leave(t)
	return true
}

// skip passes over the rest of an element whose start tag was scanned, and checks that it is well-formed. do, if there is one,
// is told of every tag within.
func (x *xmlScan) skip(t xmlTag, do func(xmlTag)) bool {
	if t.kind == emptyTag {
		x.leave(t)
		return true
	}
	open := []xmlTag{t}
	for len(open) > 0 {
		from := x.i
		k, ok := x.next()
		if !ok {
			x.fail(notXML, len(x.s), "the text ends before the elements do")
			return false
		}
		if do != nil {
			x.references(from, k.at)
			do(k)
		}
		switch k.kind {
		case startTag:
			if len(open) == maxNesting {
				x.fail("CP-FHIR-014", k.at, "")
				return false
			}
			open = append(open, k)
		case emptyTag:
			x.leave(k)
		case endTag:
			if !x.closes(open[len(open)-1], k) {
				return false
			}
			open = open[:len(open)-1]
		}
	}
	return x.fault == nil
}

// references checks the references in the text of a narrative, which is kept as it is.
func (x *xmlScan) references(from, to int) {
	for i := from; i < to; {
		n := strings.IndexByte(x.s[i:to], '&')
		if n < 0 {
			return
		}
		if i += n; inCDATA(x.s[from:i]) {
			i++
			continue
		}
		_, size := reference(x.s[i:to])
		if size == 0 {
			x.fail("CP-FHIR-082", i, "a & that begins no reference that XML has")
			return
		}
		i += size
	}
}

func inCDATA(s string) bool {
	i := strings.LastIndex(s, "<![CDATA[")
	c := strings.LastIndex(s, "<!--")
	return i >= 0 && !strings.Contains(s[i:], "]]>") || c >= 0 && !strings.Contains(s[c:], "-->")
}

// value is the value of an attribute: references resolved, white space as XML normalises it.
func (x *xmlScan) value(a xmlAttr) (string, bool) {
	i := 0
	for i < len(a.raw) && a.raw[i] >= ' ' && a.raw[i] != '&' {
		i++
	}
	if i == len(a.raw) {
		return a.raw, true
	}
	b := append(make([]byte, 0, len(a.raw)), a.raw[:i]...)
	for i < len(a.raw) {
		switch c := a.raw[i]; {
		case c == '&':
			r, size := reference(a.raw[i:])
			if size == 0 {
				x.fail("CP-FHIR-082", a.at+i, "a & that begins no reference that XML has")
				return "", false
			}
			b = utf8.AppendRune(b, r)
			i += size
			continue
		case c == '\r':
			if b = append(b, ' '); i+1 < len(a.raw) && a.raw[i+1] == '\n' {
				i++
			}
		case c == '\n' || c == '\t':
			b = append(b, ' ')
		case c < ' ':
			x.fail(notXML, a.at+i, "a control character, which XML cannot hold")
			return "", false
		default:
			b = append(b, c)
		}
		i++
	}
	return string(b), true
}

// reference reads what s begins with: one of the five entities or a character reference. A size of 0: it is neither.
func reference(s string) (r rune, size int) {
	end := strings.IndexByte(s[:min(len(s), 12)], ';')
	if end < 2 {
		return 0, 0
	}
	switch name := s[1:end]; {
	case name == "lt":
		r = '<'
	case name == "gt":
		r = '>'
	case name == "amp":
		r = '&'
	case name == "quot":
		r = '"'
	case name == "apos":
		r = '\''
	case name[0] == '#' && len(name) > 1:
		digits, base := name[1:], 10
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		n, err := strconv.ParseUint(digits, base, 21)
		if r = rune(n); err != nil || !isChar(r) {
			return 0, 0
		}
	default:
		return 0, 0
	}
	return r, end + 1
}

// isChar reports a character that XML 1.0 may hold.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r < 0xD800 || r > 0xDFFF && r < 0xFFFE || r > 0xFFFF && r <= utf8.MaxRune
}

// SniffXML is the type of the resource that a text in FHIR's XML begins with, by its first bytes; empty if it is nothing such.
func SniffXML(head []byte) string {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, utf8Mark), " \t\r\n")
	if !bytes.HasPrefix(head, []byte{'<'}) || bytes.IndexByte(head, 0) >= 0 { // before the text is copied: most is JSON
		return ""
	}
	var x xmlScan
	x.reset(string(head), nil)
	t, ok := x.next()
	if !ok || t.kind == endTag || x.text >= 0 {
		return ""
	}
	if t.uri == fhirSpace || t.uri == "" && resourceKeys()[t.local] != nil {
		return t.local
	}
	return ""
}
