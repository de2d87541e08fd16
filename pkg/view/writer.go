package view

import (
	"strings"
	"unicode/utf8"
)

// writer writes HTML. Tags and attributes are this package's own; every text and every value of an attribute is escaped here and nowhere else.
type writer struct {
	b    []byte
	open []string
}

// void elements have no end.
func void(tag string) bool { return tag == "br" || tag == "hr" || tag == "img" || tag == "meta" }

// start opens an element, with pairs of attribute and value. An attribute whose name begins with ? is left out if its value is empty.
func (w *writer) start(tag string, attrs ...string) {
	w.b = append(append(w.b, '<'), tag...)
	for i := 0; i+1 < len(attrs); i += 2 {
		name, optional := strings.CutPrefix(attrs[i], "?")
		if optional && attrs[i+1] == "" {
			continue
		}
		w.b = append(append(append(w.b, ' '), name...), '=', '"')
		w.text(attrs[i+1])
		w.b = append(w.b, '"')
	}
	w.b = append(w.b, '>')
	if !void(tag) {
		w.open = append(w.open, tag)
	}
}

// end closes the innermost element.
func (w *writer) end() {
	tag := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	w.b = append(append(append(w.b, '<', '/'), tag...), '>')
}

// element writes an element that holds text only.
func (w *writer) element(tag, text string, attrs ...string) {
	w.start(tag, attrs...)
	w.text(text)
	w.end()
}

// line ends a line of the source, for whoever reads it.
func (w *writer) line() { w.b = append(w.b, '\n') }

// text escapes. Characters that HTML cannot hold, and those that turn the direction of what follows, become U+FFFD: a dose must not read
// backwards.
func (w *writer) text(s string) {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '&':
				w.b = append(w.b, "&amp;"...)
			case c == '<':
				w.b = append(w.b, "&lt;"...)
			case c == '>':
				w.b = append(w.b, "&gt;"...)
			case c == '"':
				w.b = append(w.b, "&#34;"...)
			case c == '\'':
				w.b = append(w.b, "&#39;"...)
			case c == '\r':
			case c < ' ' && c != '\n' && c != '\t' || c == 0x7f:
				w.b = append(w.b, "\ufffd"...)
			default:
				w.b = append(w.b, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1, r >= 0x80 && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfffe, r == 0xffff:
			w.b = append(w.b, "\ufffd"...)
		default:
			w.b = append(w.b, s[i:i+n]...)
		}
		i += n
	}
}
