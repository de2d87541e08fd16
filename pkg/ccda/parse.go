package ccda

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Parser reads documents. It serves one goroutine and uses its memory again, but for that of large documents: a Document is good until the
// next Parse.
type Parser struct {
	Options

	text string
	at   int // the offset that is looked at
	doc  *Document
	tree *tree.Doc

	bindings   []binding // of prefixes, the innermost last
	open       []opened
	names      map[string]string // of attributes and foreign elements, made once
	strange    int               // namespaces that the source gave no prefix
	plain      bool              // an element without a namespace was met
	unbound    bool              // a prefix that everybody knows was not declared
	scratch    []byte
	attributes []attribute
}

type binding struct{ prefix, uri string }

// opened is an element whose end is awaited.
type opened struct {
	name     string // as the source writes it
	node     tree.Node
	bindings int // how many were in force outside of it
	seen     []count
	more     map[string]int32 // of seen, once there are many
}

// count is how many children of a name an element has.
type count struct {
	name string
	n    int32
}

type attribute struct {
	name, value string
	at          int
}

// Parse reads one document. The error is a *diag.Finding.
func (p *Parser) Parse(source []byte) (*Document, error) { return p.ParseText(string(source)) }

// ParseText is Parse of bytes that are held as a string, which the document's texts are parts of if it is in UTF-8.
func (p *Parser) ParseText(source string) (*Document, error) {
	limit := p.MaxDocument
	if limit == 0 {
		limit = MaxDocument
	}
	if len(source) > limit {
		return nil, diag.New(TooLarge, diag.Place{Source: p.Source}, "")
	}
	text, charset, err := decode(source, p.Charset)
	if err != nil {
		place := diag.Place{Source: p.Source}
		var bad badByte
		if errors.As(err, &bad) {
			d := Document{text: source}
			place.Line, place.Column = d.Position(bad.at)
		}
		return nil, diag.New(BadCharset, place, "%s", err)
	}
	if p.tree == nil {
		p.tree = tree.New(Format, nodesIn(text))
		p.names = map[string]string{}
	} else {
		p.tree.Reset()
	}
	p.doc = &Document{Doc: p.tree, text: text, source: p.Source, Charset: charset, Namespaces: map[string]string{}}
	p.text, p.at, p.strange, p.plain, p.unbound = text, 0, 0, false, false
	p.bindings = append(p.bindings[:0], binding{"xml", xmlN})
	p.open = p.open[:0]
	if err := p.document(); err != nil {
		return nil, err
	}
	if p.plain {
		p.doc.Findings = append(p.doc.Findings, diag.New(Outside, p.doc.Place(p.doc.Root), ""))
	}
	if p.unbound {
		p.doc.Findings = append(p.doc.Findings, diag.New(Undeclared, p.doc.Place(p.doc.Root), ""))
	}
	doc := p.doc
	if p.doc, p.text = nil, ""; doc.Len() > largeTree {
		p.tree = nil // it lives as long as the document does
	}
	return doc, nil
}

// largeTree is the number of nodes from which on a tree is not kept for the next document.
const largeTree = 100_000

// nodesIn is how many nodes a document may have: its tags and attributes, those of the narrative too. Most have nearly as many, and a
// guess that is too high by half is half the memory of the tree.
func nodesIn(text string) int {
	return strings.Count(text, "<") - strings.Count(text, "</") + strings.Count(text, "=\"") + 8
}

func (p *Parser) fault(at int, format string, args ...any) error {
	return p.finding(Malformed, at, format, args...)
}

func (p *Parser) finding(id diag.ID, at int, format string, args ...any) error {
	place := diag.Place{Source: p.Source}
	place.Line, place.Column = p.doc.Position(at)
	if len(p.open) > 0 {
		place.Path = p.tree.PlaceOf(p.open[len(p.open)-1].node)
	}
	return diag.New(id, place, format, args...)
}

// document reads the prolog, the root and what may follow it.
func (p *Parser) document() error {
	for {
		i := strings.IndexByte(p.text[p.at:], '<')
		if i < 0 {
			i = len(p.text) - p.at
		}
		if i > 0 {
			if err := p.chars(p.text[p.at : p.at+i]); err != nil {
				return err
			}
			p.at += i
		}
		if p.at == len(p.text) {
			switch {
			case len(p.open) > 0:
				return p.fault(p.at, "the document ends before %s does", p.open[len(p.open)-1].name)
			case p.doc.Root == 0:
				return p.finding(WrongRoot, 0, "there is no element in it")
			}
			return nil
		}
		var err error
		switch rest := p.text[p.at:]; {
		case strings.HasPrefix(rest, "</"):
			err = p.end()
		case strings.HasPrefix(rest, "<!--"):
			err = p.skip("-->", "a comment")
		case strings.HasPrefix(rest, "<![CDATA["):
			err = p.cdata()
		case strings.HasPrefix(rest, "<?"):
			err = p.skip("?>", "a processing instruction")
		case strings.HasPrefix(rest, "<!DOCTYPE") || strings.HasPrefix(rest, "<!doctype"):
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(rest[9:min(len(rest), 40)])), "html") {
				return p.finding(HTML, p.at, "")
			}
			return p.finding(HasDoctype, p.at, "")
		default:
			err = p.start()
		}
		if err != nil {
			return err
		}
	}
}

func (p *Parser) skip(end, what string) error {
	i := strings.Index(p.text[p.at+2:], end)
	if i < 0 {
		return p.fault(p.at, "%s is not closed", what)
	}
	p.at += 2 + i + len(end)
	return nil
}

// chars takes text between tags.
func (p *Parser) chars(s string) error {
	at := p.at
	for len(s) > 0 && blank(s[0]) {
		s = s[1:]
		at++
	}
	for len(s) > 0 && blank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if s == "" {
		return nil
	}
	if len(p.open) == 0 {
		return p.fault(at, "text stands outside the document's root")
	}
	s, err := p.unescape(s, at, false)
	if err != nil {
		return err
	}
	p.addText(s)
	return nil
}

func (p *Parser) cdata() error {
	const mark = len("<![CDATA[")
	i := strings.Index(p.text[p.at+mark:], "]]>")
	if i < 0 {
		return p.fault(p.at, "a CDATA section is not closed")
	}
	if len(p.open) == 0 {
		return p.fault(p.at, "text stands outside the document's root")
	}
	s := p.text[p.at+mark : p.at+mark+i]
	if at := badChar(s); at >= 0 {
		return p.fault(p.at+mark+at, "a control character that XML does not allow")
	}
	if s = strings.Trim(s, " \t\r\n"); s != "" {
		p.addText(s)
	}
	p.at += mark + i + 3
	return nil
}

func (p *Parser) addText(s string) {
	n := p.open[len(p.open)-1].node
	if before := p.tree.Text(n); before != "" {
		s = before + " " + s
	}
	p.tree.SetText(n, s)
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// nameEnd is the length of the XML name that s begins with.
func nameEnd(s string) int {
	i := 0
	for i < len(s) && nameByte[s[i]] {
		i++
	}
	return i
}

// nameByte says of each byte whether it may be part of a name; beyond ASCII all may, which is more than XML allows.
var nameByte = func() (t [256]bool) {
	for c := range t {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' || c == ':' || c >= 0x80
	}
	return t
}()

func validName(s string) bool {
	if s == "" || '0' <= s[0] && s[0] <= '9' || s[0] == '-' || s[0] == '.' || s[0] == ':' || s[len(s)-1] == ':' {
		return false
	}
	return strings.Count(s, ":") <= 1
}

// tag reads a start tag at p.at up to its end: its name, its attributes into p.attributes, and whether it is an end as well.
// The bindings that it makes are in force when it returns.
func (p *Parser) tag() (name string, empty bool, err error) {
	start := p.at
	s := p.text
	i := start + 1
	e := nameEnd(s[i:])
	name = s[i : i+e]
	if !validName(name) {
		return "", false, p.fault(start, "< does not begin a tag here; in text it is written &lt;")
	}
	i += e
	p.attributes = p.attributes[:0]
	for {
		from := i
		for i < len(s) && blank(s[i]) {
			i++
		}
		if i >= len(s) {
			return "", false, p.fault(start, "the tag is not closed")
		}
		if s[i] == '>' {
			p.at = i + 1
			return name, false, nil
		}
		if s[i] == '/' {
			if i+1 >= len(s) || s[i+1] != '>' {
				return "", false, p.fault(i, "/ stands in a tag without > behind it")
			}
			p.at = i + 2
			return name, true, nil
		}
		if from == i {
			return "", false, p.fault(i, "a blank is missing before an attribute, or a character has no place in the tag")
		}
		e := nameEnd(s[i:])
		a := attribute{name: s[i : i+e], at: i}
		if !validName(a.name) {
			return "", false, p.fault(i, "a character has no place in the tag")
		}
		i += e
		for i < len(s) && blank(s[i]) {
			i++
		}
		if i >= len(s) || s[i] != '=' {
			return "", false, p.fault(a.at, "the attribute %s has no value", a.name)
		}
		i++
		for i < len(s) && blank(s[i]) {
			i++
		}
		if i >= len(s) || s[i] != '"' && s[i] != '\'' {
			return "", false, p.fault(a.at, "the value of %s is not in quotes", a.name)
		}
		e = strings.IndexByte(s[i+1:], s[i])
		if e < 0 {
			return "", false, p.fault(i, "the quote of %s is not closed", a.name)
		}
		v := s[i+1 : i+1+e]
		if j := strings.IndexByte(v, '<'); j >= 0 {
			return "", false, p.fault(i+1+j, "< stands in the value of %s, where it is written &lt;; perhaps a quote is missing", a.name)
		}
		if a.value, err = p.unescape(v, i+1, true); err != nil {
			return "", false, err
		}
		i += e + 2
		if len(p.attributes) == maxAttributes {
			return "", false, p.finding(TooDeep, a.at, "an element has more than %d attributes", maxAttributes)
		}
		for j := range p.attributes {
			if p.attributes[j].name == a.name {
				return "", false, p.fault(a.at, "the attribute %s stands twice", a.name)
			}
		}
		if a.name == "xmlns" {
			p.bindings = append(p.bindings, binding{"", a.value})
		} else if prefix, ok := strings.CutPrefix(a.name, "xmlns:"); ok {
			if a.value == "" {
				return "", false, p.fault(a.at, "the prefix %s is bound to nothing", prefix)
			}
			p.bindings = append(p.bindings, binding{prefix, a.value})
		}
		p.attributes = append(p.attributes, a)
	}
}

// namespace is the URI that a prefix is bound to. Documents put together by hand forget to declare xsi and sdtc; everybody
// knows what they mean.
func (p *Parser) namespace(prefix string) (string, bool) {
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == prefix {
			return p.bindings[i].uri, true
		}
	}
	switch prefix {
	case "":
		return "", true
	case "xsi":
		p.unbound = true
		return XSI, true
	case "sdtc":
		p.unbound = true
		return SDTC, true
	}
	return "", false
}

// elementName is what the tree calls an element.
func (p *Parser) elementName(name string, at int) (string, error) {
	prefix, local := "", name
	if i := strings.IndexByte(name, ':'); i >= 0 {
		prefix, local = name[:i], name[i+1:]
	}
	uri, ok := p.namespace(prefix)
	switch {
	case !ok:
		return "", p.fault(at, "the prefix %s is not bound to a namespace", prefix)
	case uri == V3:
		return local, nil
	case uri == "":
		p.plain = true
		return local, nil
	}
	return p.foreign(uri, prefix, local), nil
}

// foreign is the name of what is in another namespace, with a prefix that is that namespace's alone.
func (p *Parser) foreign(uri, prefix, local string) string {
	switch uri {
	case SDTC:
		prefix = "sdtc"
	case XSI:
		prefix = "xsi"
	case xmlN:
		prefix = "xml"
	default:
		for known, u := range p.doc.Namespaces {
			if u == uri {
				return p.intern(known + ":" + local)
			}
		}
		taken := func(s string) bool { return s == "" || s == "sdtc" || s == "xsi" || p.doc.Namespaces[s] != "" }
		for taken(prefix) {
			p.strange++
			prefix = "ns" + strconv.Itoa(p.strange)
		}
		p.doc.Namespaces[prefix] = uri
	}
	return p.intern(prefix + ":" + local)
}

func (p *Parser) intern(s string) string {
	if known, ok := p.names[s]; ok {
		return known
	}
	s = strings.Clone(s)
	p.names[s] = s
	return s
}

// attributeName is what the tree calls an attribute, "" for those that are grammar.
func (p *Parser) attributeName(a *attribute) (string, error) {
	i := strings.IndexByte(a.name, ':')
	if i < 0 {
		if a.name == "xmlns" {
			return "", nil
		}
		if known, ok := p.names[a.name]; ok { // kept under the bare name, so that the @ costs nothing
			return known, nil
		}
		name := "@" + a.name
		p.names[strings.Clone(a.name)] = name
		return name, nil
	}
	prefix, local := a.name[:i], a.name[i+1:]
	if prefix == "xmlns" {
		return "", nil
	}
	uri, ok := p.namespace(prefix)
	if !ok {
		return "", p.fault(a.at, "the prefix %s is not bound to a namespace", prefix)
	}
	if uri == XSI {
		switch local {
		case "schemaLocation", "noNamespaceSchemaLocation":
			return "", nil
		case "type":
			a.value = p.typeName(a.value)
			return "@xsi:type", nil
		}
	}
	if uri == V3 {
		return p.intern("@" + local), nil
	}
	return p.intern("@" + p.foreign(uri, prefix, local)), nil
}

// typeName is the value of xsi:type, a qualified name, as the tree has it: PQ, sdtc:NAME.
func (p *Parser) typeName(v string) string {
	v = strings.Trim(v, " \t\r\n")
	prefix, local, ok := strings.Cut(v, ":")
	if !ok {
		return v
	}
	switch uri, _ := p.namespace(prefix); uri {
	case V3:
		return local
	case SDTC:
		return p.intern("sdtc:" + local)
	}
	return v
}

func (p *Parser) start() error {
	at, outside := p.at, len(p.bindings)
	raw, empty, err := p.tag()
	if err != nil {
		return err
	}
	name, err := p.elementName(raw, at)
	if err != nil {
		return err
	}
	if len(p.open) == 0 {
		if p.doc.Root != 0 {
			return p.fault(at, "a second element stands behind the document's root")
		}
		if name != "ClinicalDocument" {
			if strings.EqualFold(name, "html") || strings.HasSuffix(strings.ToLower(name), ":html") {
				return p.finding(HTML, at, "")
			}
			return p.finding(WrongRoot, at, "its root is %s", raw)
		}
	} else if len(p.open) == maxDepth {
		return p.finding(TooDeep, at, "")
	}
	parent := tree.Root
	if len(p.open) > 0 {
		parent = p.open[len(p.open)-1].node
	}
	n := p.add(parent, name, "", at)
	if parent == tree.Root {
		p.doc.Root = n
	}
	for i := range p.attributes {
		a := &p.attributes[i]
		name, err := p.attributeName(a)
		if err != nil {
			return err
		}
		if name != "" {
			k := p.tree.Add(n, name, a.value)
			p.tree.SetOffset(k, a.at)
		}
	}
	if empty {
		p.bindings = p.bindings[:outside]
		return nil
	}
	p.push(opened{name: raw, node: n, bindings: outside})
	if name == "text" && p.tree.Name(parent) == "section" {
		return p.narrative(n)
	}
	return nil
}

// push keeps the memory of the element that was at this depth before.
func (p *Parser) push(o opened) {
	if len(p.open) < cap(p.open) {
		o.seen = p.open[:len(p.open)+1][len(p.open)].seen[:0]
	}
	p.open = append(p.open, o)
}

// add appends an element with its ordinal among those of its name.
func (p *Parser) add(parent tree.Node, name, text string, at int) tree.Node {
	n := p.tree.Add(parent, name, text)
	p.tree.SetOffset(n, at)
	if len(p.open) == 0 {
		return n
	}
	o := &p.open[len(p.open)-1]
	for i := range o.seen {
		if o.seen[i].name == name {
			o.seen[i].n++
			p.tree.SetOrdinal(n, int(o.seen[i].n))
			return n
		}
	}
	if len(o.seen) < 24 {
		o.seen = append(o.seen, count{name, 1})
		p.tree.SetOrdinal(n, 1)
		return n
	}
	if o.more == nil {
		o.more = map[string]int32{}
	}
	o.more[name]++
	p.tree.SetOrdinal(n, int(o.more[name]))
	return n
}

func (p *Parser) end() error {
	i := p.at + 2
	e := nameEnd(p.text[i:])
	name := p.text[i : i+e]
	for i += e; i < len(p.text) && blank(p.text[i]); i++ {
	}
	if i >= len(p.text) || p.text[i] != '>' {
		return p.fault(p.at, "the end tag is not closed")
	}
	if len(p.open) == 0 {
		return p.fault(p.at, "%s ends where nothing is open", name)
	}
	o := &p.open[len(p.open)-1]
	if o.name != name {
		return p.fault(p.at, "%s ends where %s is open", name, o.name)
	}
	p.bindings = p.bindings[:o.bindings]
	p.open = p.open[:len(p.open)-1]
	p.at = i + 1
	return nil
}

// unescape resolves references; in attributes it also makes blanks of tabs and line ends (XML 1.0, 3.3.3).
func (p *Parser) unescape(s string, at int, attr bool) (string, error) {
	clean := true
	for i := range len(s) {
		if doubtful[s[i]] { // few are
			if c := s[i]; attr && c != '>' || c != '>' && c != '\n' && c != '\t' || c == '>' && !attr && i >= 2 && s[i-1] == ']' && s[i-2] == ']' {
				clean = false
				break
			}
		}
	}
	if clean {
		return s, nil
	}
	if i := badChar(s); i >= 0 {
		return "", p.fault(at+i, "a control character that XML does not allow")
	}
	if !attr {
		if i := strings.Index(s, "]]>"); i >= 0 {
			return "", p.fault(at+i, "]]> stands in text, where its > is written &gt;")
		}
		if !strings.ContainsAny(s, "&\r") {
			return s, nil
		}
	}
	b := p.scratch[:0]
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '&':
			r, n := reference(s[i:])
			if n == 0 {
				end := i + 1 + nameEnd(s[i+1:])
				if end > i+1 && end < len(s) && s[end] == ';' {
					return "", p.fault(at+i, "the entity %s is not defined: only &amp; &lt; &gt; &quot; &apos; and character numbers are", s[i:end+1])
				}
				return "", p.fault(at+i, "& does not begin a reference; in text it is written &amp;")
			}
			b = utf8.AppendRune(b, r)
			i += n
		case c == '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				i++
				continue
			}
			c = '\n'
			fallthrough
		case attr && (c == '\n' || c == '\t'):
			if attr {
				c = ' '
			}
			b = append(b, c)
			i++
		default:
			b = append(b, c)
			i++
		}
	}
	p.scratch = b
	return string(b), nil
}

// doubtful are the bytes that may have to be replaced, or refused: control characters, & and the > of ]]>, and what the characters from
// U+F000 on begin with, two of which XML does not allow.
var doubtful = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c == '&' || c == '>' || c >= 0xEF
	}
	return t
}()

// reference reads the reference that s begins with: the character and the length, 0 if it is none.
func reference(s string) (rune, int) {
	end := strings.IndexByte(s[:min(len(s), 12)], ';')
	if end < 0 {
		return 0, 0
	}
	switch name := s[1:end]; name {
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	default:
		if len(name) < 2 || name[0] != '#' {
			return 0, 0
		}
		base, digits := 10, name[1:]
		if digits[0] == 'x' {
			base, digits = 16, digits[1:]
		}
		v, err := strconv.ParseUint(digits, base, 32)
		if err != nil || !allowed(rune(v)) || v > utf8.MaxRune {
			return 0, 0
		}
		return rune(v), end + 1
	}
}

// allowed is Char of XML 1.0, production 2.
func allowed(r rune) bool {
	return r >= 0x20 && r < 0xD800 || r == '\t' || r == '\n' || r == '\r' || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
}

// badChar is the index of the first character that XML does not allow, -1 if there is none.
func badChar(s string) int {
	for i, r := range s {
		if !allowed(r) {
			return i
		}
	}
	return -1
}
