package ccda

import (
	"iter"
	"strings"

	"github.com/chartpost/chartpost/pkg/tree"
)

// narrative reads what stands in the text of a section, up to its end tag, into n: as the source has it, unless its
// elements have prefixes, which nobody would bind any more.
func (p *Parser) narrative(n tree.Node) error {
	from, depth := p.at, len(p.open)
	prefixed := false
	for {
		i := strings.IndexByte(p.text[p.at:], '<')
		if i < 0 {
			return p.fault(len(p.text), "the document ends before %s does", p.open[len(p.open)-1].name)
		}
		if i > 0 {
			if _, err := p.unescape(p.text[p.at:p.at+i], p.at, false); err != nil {
				return err
			}
			p.at += i
		}
		var err error
		switch rest := p.text[p.at:]; {
		case strings.HasPrefix(rest, "</"):
			if len(p.open) == depth {
				raw := strings.Trim(p.text[from:p.at], " \t\r\n")
				if prefixed {
					raw = p.unprefixed(raw)
				}
				if raw != "" {
					p.tree.SetText(n, raw)
				}
				return p.end()
			}
			err = p.end()
		case strings.HasPrefix(rest, "<!--"):
			err = p.skip("-->", "a comment")
		case strings.HasPrefix(rest, "<![CDATA["):
			err = p.skip("]]>", "a CDATA section")
		case strings.HasPrefix(rest, "<?"):
			err = p.skip("?>", "a processing instruction")
		default:
			at, outside := p.at, len(p.bindings)
			var name string
			var empty bool
			if name, empty, err = p.tag(); err != nil {
				return err
			}
			if strings.IndexByte(name, ':') >= 0 {
				prefixed = true
			}
			if _, err = p.elementName(name, at); err != nil {
				return err
			}
			if empty {
				p.bindings = p.bindings[:outside]
			} else if len(p.open) == maxDepth {
				return p.finding(TooDeep, at, "")
			} else {
				p.push(opened{name: name, node: n, bindings: outside})
			}
		}
		if err != nil {
			return err
		}
	}
}

// unprefixed is a narrative without the prefixes of its elements. It was read before, so that it is well-formed.
func (p *Parser) unprefixed(raw string) string {
	var b strings.Builder
	b.Grow(len(raw))
	for {
		i := strings.IndexByte(raw, '<')
		if i < 0 {
			b.WriteString(raw)
			return b.String()
		}
		b.WriteString(raw[:i])
		raw = raw[i:]
		for _, q := range [...][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
			if strings.HasPrefix(raw, q[0]) {
				end := strings.Index(raw, q[1]) + len(q[1])
				b.WriteString(raw[:end])
				raw = raw[end:]
				break
			}
		}
		if !strings.HasPrefix(raw, "<") || strings.HasPrefix(raw, "<!") || strings.HasPrefix(raw, "<?") {
			continue
		}
		mark := "<"
		if strings.HasPrefix(raw, "</") {
			mark = "</"
		}
		raw = raw[len(mark):]
		e := nameEnd(raw)
		name := raw[:e]
		prefix, local, ok := strings.Cut(name, ":")
		if uri, bound := p.namespace(prefix); !ok {
			local = name
		} else if bound && uri != V3 {
			local = p.foreign(uri, prefix, local)
		}
		b.WriteString(mark)
		b.WriteString(local)
		raw = raw[e:]
	}
}

// Token is a piece of a narrative: a start tag with its attributes, an end tag, or text, resolved.
type Token struct {
	Start, End string // the name of an element that begins or ends
	Text       string
	Attributes [][2]string // of Start: name and value
	At         int         // where it begins, in bytes
}

// Tokens gives the pieces of a narrative that Parse has read, or any well-formed XML without a document type: it stops at the
// first fault. An empty element begins and ends. A token's attributes are good until the next.
func Tokens(raw string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		p := Parser{text: raw, doc: &Document{text: raw}}
		var attrs [][2]string
		for p.at < len(raw) {
			i := strings.IndexByte(raw[p.at:], '<')
			if i < 0 {
				i = len(raw) - p.at
			}
			if i > 0 {
				text, err := p.unescape(raw[p.at:p.at+i], p.at, false)
				if err != nil || !yield(Token{Text: text, At: p.at}) {
					return
				}
				p.at += i
				continue
			}
			switch rest := raw[p.at:]; {
			case strings.HasPrefix(rest, "</"):
				e := nameEnd(rest[2:])
				end := strings.IndexByte(rest, '>')
				if end < 0 || !yield(Token{End: rest[2 : 2+e], At: p.at}) {
					return
				}
				p.at += end + 1
			case strings.HasPrefix(rest, "<!--"):
				if p.skip("-->", "") != nil {
					return
				}
			case strings.HasPrefix(rest, "<![CDATA["):
				from := p.at + len("<![CDATA[")
				if p.skip("]]>", "") != nil || !yield(Token{Text: raw[from : p.at-3], At: from}) {
					return
				}
			case strings.HasPrefix(rest, "<?"):
				if p.skip("?>", "") != nil {
					return
				}
			default:
				at := p.at
				name, empty, err := p.tag()
				if err != nil {
					return
				}
				attrs = attrs[:0]
				for _, a := range p.attributes {
					attrs = append(attrs, [2]string{a.name, a.value})
				}
				if !yield(Token{Start: name, Attributes: attrs, At: at}) || empty && !yield(Token{End: name, At: at}) {
					return
				}
			}
		}
	}
}
