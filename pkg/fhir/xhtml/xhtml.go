// Package xhtml checks the XHTML of FHIR R4's narratives (narrative.html#xhtml): a well-formed div of the XHTML namespace that holds
// the formatting elements and attributes of HTML 4.0, chapters 7 to 11 (but for 9.4) and 15, links and images, no script, form,
// frame, object or event handler, and something to read or to see.
package xhtml

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says what a fault is about.
type Kind uint8

const (
	Malformed Kind = iota + 1 // not well-formed XML
	Root                      // not one div in the namespace of XHTML
	Element                   // an element that a narrative cannot have
	Attribute                 // an attribute that it cannot have, or script within one that it can
	Blank                     // nothing to read or to see
)

// Fault is one thing that is wrong. It names elements and attributes, never the text.
type Fault struct {
	Kind   Kind
	Offset int // in bytes, where it begins
	Msg    string
}

func (f Fault) Error() string { return fmt.Sprintf("byte %d: %s", f.Offset, f.Msg) }

// Namespace is what the div must be in.
const Namespace = "http://www.w3.org/1999/xhtml"

// maxFaults is where Check stops, and maxNesting how deep elements may stand in one another.
const (
	maxFaults  = 20
	maxNesting = 500
)

// set is a list of names.
func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// elements that a narrative may have, by the chapter of HTML 4.0 that has them.
var elements = set(`div span h1 h2 h3 h4 h5 h6 address bdo
	em strong dfn code samp kbd var cite abbr acronym blockquote q sub sup p br pre
	ul ol li dl dt dd
	table caption thead tfoot tbody colgroup col tr th td
	tt i b big small hr
	a img map area`)

// attributes that every element may have, and those of certain elements.
var (
	common = set("title style class id lang xml:lang dir accesskey tabindex align valign width height char charoff")
	own    = map[string]map[string]bool{
		"a": set("href name charset type hreflang rel rev shape coords target"), "img": set("src alt longdesc border usemap ismap hspace vspace"),
		"map": set("name"), "area": set("shape coords href nohref alt"), "blockquote": set("cite"), "q": set("cite"), "pre": set("xml:space space"),
		"table": set("summary border frame rules cellspacing cellpadding bgcolor"), "col": set("span"), "colgroup": set("span"), "tr": set("bgcolor"),
		"th": set("abbr axis headers scope rowspan colspan nowrap bgcolor"), "td": set("abbr axis headers scope rowspan colspan nowrap bgcolor"),
		"ol": set("type start compact"), "ul": set("type compact"), "li": set("type value"), "dl": set("compact"), "br": set("clear"),
		"hr": set("noshade size"), "div": set("xmlns"), "bdo": set(""),
	}
	links = set("href src cite longdesc usemap") // hold a URL
)

// What may stand in what, as far as the official validator tells: parts of lists and tables stand in these alone, lists and tables
// hold nothing but their parts, and what is made for a line of text holds no block.
var (
	partOf = map[string]map[string]bool{"li": set("ul ol"), "dt": set("dl"), "dd": set("dl"), "caption": set("table"), "colgroup": set("table"),
		"col": set("colgroup table"), "thead": set("table"), "tfoot": set("table"), "tbody": set("table"), "tr": set("table thead tfoot tbody"),
		"th": set("tr"), "td": set("tr")}
	partsOnly = map[string]map[string]bool{"ul": set("li"), "ol": set("li"), "dl": set("dt dd"), "tr": set("th td"), "map": set("area"),
		"table": set("caption colgroup col thead tbody tfoot tr"), "thead": set("tr"), "tbody": set("tr"), "tfoot": set("tr")}
	blocks = set("div pre ul ol table")
	lines  = set(`p h1 h2 h3 h4 h5 h6 pre address caption dt dd span bdo em strong dfn code samp kbd var cite abbr acronym q sub sup tt i b big
		small a`)
)

// Check gives what is wrong with the text of Narrative.div, up to twenty faults; none if it is right.
func Check(s string) []Fault {
	x := &checker{s: s}
	x.document()
	return x.faults
}

type checker struct {
	s      string
	i      int
	open   []string
	seen   bool // something to read or to see
	faults []Fault
	halt   bool
}

func (x *checker) report(k Kind, at int, format string, args ...any) {
	if len(x.faults) < maxFaults {
		x.faults = append(x.faults, Fault{k, at, fmt.Sprintf(format, args...)})
	}
}

// malformed ends the check: what follows has no meaning.
func (x *checker) malformed(at int, format string, args ...any) {
	x.report(Malformed, at, format, args...)
	x.halt = true
}

func (x *checker) document() {
	roots := 0
	if !utf8.ValidString(x.s) {
		x.malformed(0, "not UTF-8")
	}
	for !x.halt && x.i < len(x.s) {
		at := x.i
		if x.s[x.i] != '<' {
			x.text()
			if len(x.open) == 0 && strings.TrimSpace(x.s[at:x.i]) != "" {
				x.malformed(at, "text outside the div")
			}
			continue
		}
		if len(x.open) == 0 && isNameStart(x.at(1)) {
			if roots++; roots > 1 {
				x.malformed(at, "more than one element at the top")
				break
			}
		}
		x.markup()
	}
	switch {
	case x.halt:
	case len(x.open) > 0:
		x.malformed(len(x.s), "<%s> is not closed", x.open[len(x.open)-1])
	case roots == 0:
		x.malformed(0, "no div")
	case !x.seen:
		x.report(Blank, 0, "nothing to read: no text and no image")
	}
}

// at is a byte ahead of the cursor, 0 beyond the end.
func (x *checker) at(n int) byte {
	if x.i+n < len(x.s) {
		return x.s[x.i+n]
	}
	return 0
}

// text reads character data up to the next tag.
func (x *checker) text() {
	at, seen := x.i, x.seen
	x.seen = false
	defer func() {
		if n := len(x.open); x.seen && n > 0 && partsOnly[x.open[n-1]] != nil {
			x.report(Element, at, "text may not stand in <%s>", x.open[n-1])
		}
		x.seen = x.seen || seen
	}()
	for x.i < len(x.s) && x.s[x.i] != '<' && !x.halt {
		switch c := x.s[x.i]; {
		case c == '&':
			if r := x.entity(); r > ' ' && r != 0xa0 {
				x.seen = true
			}
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			x.malformed(x.i, "a control character")
		case c == ']' && strings.HasPrefix(x.s[x.i:], "]]>"):
			x.malformed(x.i, "]]> in text")
		default:
			r, n := utf8.DecodeRuneInString(x.s[x.i:])
			if r > ' ' && r != 0xa0 {
				x.seen = true
			}
			x.i += n
		}
	}
}

// entity reads a reference to a character. XML knows five names; those of HTML are unknown to it.
func (x *checker) entity() rune {
	at := x.i
	end := strings.IndexByte(x.s[at:min(len(x.s), at+12)], ';')
	if end < 0 {
		x.malformed(at, "& without a reference")
		return 0
	}
	name := x.s[at+1 : at+end]
	x.i = at + end + 1
	if digits, ok := strings.CutPrefix(name, "#"); ok {
		base := 10
		if hex, ok := strings.CutPrefix(digits, "x"); ok {
			digits, base = hex, 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if r := rune(n); err == nil && n <= utf8.MaxRune && utf8.ValidRune(r) && (r >= ' ' || r == '\t' || r == '\n' || r == '\r') {
			return r
		}
		x.malformed(at, "a reference to no character")
		return 0
	}
	switch name {
	case "lt", "gt", "amp", "quot", "apos":
		return '&'
	}
	if isName(name) {
		x.malformed(at, "&%s; is no entity of XML: write the character itself", name)
	} else {
		x.malformed(at, "& without a reference")
	}
	return 0
}

// markup reads a tag, a comment or a CDATA section.
func (x *checker) markup() {
	at, rest := x.i, x.s[x.i:]
	until := func(prefix, end string) string {
		n := strings.Index(rest[len(prefix):], end)
		if n < 0 {
			x.malformed(at, "%s is not closed", prefix)
			return ""
		}
		x.i += len(prefix) + n + len(end)
		return rest[len(prefix) : len(prefix)+n]
	}
	switch {
	case strings.HasPrefix(rest, "<!--"):
		if strings.Contains(until("<!--", "-->"), "--") {
			x.malformed(at, "-- within a comment")
		}
	case strings.HasPrefix(rest, "<![CDATA["):
		body := until("<![CDATA[", "]]>")
		if len(x.open) == 0 {
			x.malformed(at, "text outside the div")
		}
		x.seen = x.seen || strings.TrimSpace(body) != ""
	case strings.HasPrefix(rest, "<!"):
		x.malformed(at, "a declaration")
	case strings.HasPrefix(rest, "<?"): // which no browser looks at
		until("<?", "?>")
	case strings.HasPrefix(rest, "</"):
		x.i += 2
		name := x.name()
		x.blank()
		if x.at(0) != '>' || len(x.open) == 0 || x.open[len(x.open)-1] != name {
			x.malformed(at, "</%s> closes nothing that is open", name)
			return
		}
		x.i++
		x.open = x.open[:len(x.open)-1]
	case isNameStart(x.at(1)):
		x.i++
		x.element(at)
	default:
		x.malformed(at, "< without a tag")
	}
}

func (x *checker) element(at int) {
	name := x.name()
	top := len(x.open) == 0
	local, known := name, elements[name]
	if i := strings.IndexByte(name, ':'); i >= 0 { // a prefix would have to be declared, and xmlns:x is no attribute that may be
		local, known = name[i+1:], false
	}
	switch {
	case top && name != "div":
		x.report(Root, at, "<%s> where a div must be", name)
	case !known && !top:
		x.report(Element, at, "<%s> is not allowed in a narrative", name)
	case !top:
		x.placed(at, name, x.open[len(x.open)-1])
	}
	var xmlns, hasSource bool
	var seen []string
	for {
		spaced := x.blank()
		c := x.at(0)
		if x.halt || c == '>' || c == '/' {
			break
		}
		start := x.i
		if !spaced || !isNameStart(c) {
			x.malformed(start, "<%s> is not closed", name)
			return
		}
		attr := x.name()
		value, ok := x.value(name, attr)
		if !ok {
			return
		}
		for _, s := range seen {
			if s == attr {
				x.malformed(start, "<%s> has %s twice", name, attr)
				return
			}
		}
		seen = append(seen, attr)
		x.attribute(start, local, attr, value, top)
		xmlns = xmlns || attr == "xmlns" && value == Namespace
		hasSource = hasSource || attr == "src" && value != ""
	}
	if x.halt {
		return
	}
	if top && !xmlns {
		x.report(Root, at, "the div has no xmlns=%q", Namespace)
	}
	if name == "img" && hasSource {
		x.seen = true
	}
	if x.at(0) == '/' {
		if x.at(1) != '>' {
			x.malformed(at, "<%s> is not closed", name)
			return
		}
		x.i += 2
		return
	}
	x.i++
	if x.open = append(x.open, name); len(x.open) > maxNesting {
		x.malformed(at, "elements nested more than %d levels", maxNesting)
	}
}

// placed checks that an element may stand in another.
func (x *checker) placed(at int, name, parent string) {
	switch {
	case partOf[name] != nil && !partOf[name][parent] || partsOnly[parent] != nil && !partsOnly[parent][name]:
		x.report(Element, at, "<%s> may not stand in <%s>", name, parent)
	case blocks[name] && lines[parent]:
		x.report(Element, at, "<%s> is a block, and <%s> holds a line of text", name, parent)
	}
}

// value reads = and a quoted value.
func (x *checker) value(name, attr string) (string, bool) {
	at := x.i
	x.blank()
	if x.at(0) != '=' {
		x.malformed(at, "%s of <%s> has no value", attr, name)
		return "", false
	}
	x.i++
	x.blank()
	quote := x.at(0)
	if quote != '"' && quote != '\'' {
		x.malformed(x.i, "the value of %s is not in quotes", attr)
		return "", false
	}
	x.i++
	start := x.i
	for {
		switch c := x.at(0); {
		case x.i >= len(x.s):
			x.malformed(start, "the value of %s has no end", attr)
			return "", false
		case c == quote:
			x.i++
			return x.s[start : x.i-1], true
		case c == '<':
			x.malformed(x.i, "< in the value of %s", attr)
			return "", false
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			x.malformed(x.i, "a control character in the value of %s", attr)
			return "", false
		case c == '&':
			if x.entity(); x.halt {
				return "", false
			}
		default:
			x.i++
		}
	}
}

func (x *checker) attribute(at int, elem, name, value string, top bool) {
	switch {
	case name == "xmlns":
		if value != Namespace || !top && elem != "div" {
			x.report(Attribute, at, "another namespace than that of XHTML")
		}
		return
	case strings.HasPrefix(name, "xmlns:"), !common[name] && !own[elem][name]:
		x.report(Attribute, at, "%s of <%s> is not allowed in a narrative", name, elem)
		return
	}
	plain := strings.ToLower(unentity(value))
	switch {
	case links[name]:
		// Browsers skip white space and control characters within the scheme.
		scheme, _, ok := strings.Cut(strings.Map(visible, plain), ":")
		if ok && (scheme == "javascript" || scheme == "vbscript" || scheme == "livescript") {
			x.report(Attribute, at, "%s of <%s> runs a script", name, elem)
		}
	case name == "style":
		if p := strings.Map(visible, plain); strings.Contains(p, "expression(") || strings.Contains(p, "javascript:") || strings.Contains(p, "@import") ||
			strings.Contains(p, "behavior:") {
			x.report(Attribute, at, "style of <%s> runs a script or loads a style sheet", elem)
		}
	}
}

func visible(r rune) rune {
	if r <= ' ' {
		return -1
	}
	return r
}

// unentity gives an attribute's value without references.
func unentity(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '&' {
			b.WriteByte(s[i])
			i++
			continue
		}
		x := checker{s: s, i: i}
		r := x.entity()
		switch s[i:x.i] {
		case "&lt;":
			r = '<'
		case "&gt;":
			r = '>'
		case "&quot;":
			r = '"'
		case "&apos;":
			r = '\''
		}
		b.WriteRune(r)
		i = max(x.i, i+1)
	}
	return b.String()
}

// blank skips white space and tells whether there was any.
func (x *checker) blank() bool {
	at := x.i
	for x.i < len(x.s) && (x.s[x.i] == ' ' || x.s[x.i] == '\t' || x.s[x.i] == '\n' || x.s[x.i] == '\r') {
		x.i++
	}
	return x.i > at
}

func (x *checker) name() string {
	at := x.i
	for x.i < len(x.s) && isNameByte(x.s[x.i]) {
		x.i++
	}
	return x.s[at:x.i]
}

func isNameStart(c byte) bool {
	return c == '_' || c == ':' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

func isNameByte(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || c == '-' || c == '.'
}

func isName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != "" && isNameStart(s[0])
}
