package hl7v2

import (
	"strings"
)

// Text is what a leaf says: escapes are decoded, but formatting commands and \Z..\ are kept, always between backslashes.
// Text that reads as such a command and is none has an E after its first backslash (once more if it has one already):
//
//	ER7                 text
//	a\F\b               a|b
//	a\.br\b             a\.br\b
//	a\E\.br\E\b         a\E.br\b
//	a\Q\b               a\Q\b       nobody knows it, so it stands for itself
//
// So unescape(escape(text)) == text for every text, and escape(unescape(s)) means what s means.

// kept is the length of the command that s begins with and that stays in the text, 0 if there is none.
func kept(s string, esc byte) int {
	if len(s) < 3 || s[0] != esc {
		return 0
	}
	switch s[1] {
	case 'H', 'N':
		if s[2] == esc {
			return 3
		}
	case 'Z', '.':
		for i := 2; i < len(s) && i < 40; i++ {
			c := s[i]
			if c == esc {
				if i == 2 || s[1] == '.' && !formatting(s[2:i]) {
					return 0
				}
				return i + 1
			}
			if s[1] == 'Z' && !digit(c) && !upper(c&^0x20) {
				return 0
			}
		}
	}
	return 0
}

// marked is the length of what s begins with if it is text that reads as a command and has been marked as text.
func marked(s string) int {
	if len(s) < 4 || s[0] != '\\' || s[1] != 'E' {
		return 0
	}
	n := 1
	for n < len(s) && s[n] == 'E' {
		n++
	}
	if k := kept(`\`+s[n:], '\\'); k > 0 {
		return n - 1 + k
	}
	return 0
}

// formatting reports whether s is the inside of a formatting command without its full stop (2.7.6): br, sp2, in+3, ti-4,
// sk5, fi, nf, ce.
func formatting(s string) bool {
	if len(s) < 2 {
		return false
	}
	switch s[:2] {
	case "br", "fi", "nf", "ce":
		return len(s) == 2
	case "sp", "in", "ti", "sk":
		n := strings.TrimLeft(s[2:], "+- ")
		return len(s)-len(n) <= 4 && len(n) <= 4 && strings.Trim(n, "0123456789") == ""
	}
	return false
}

func hex(s string, min, max int) bool {
	if len(s) < min || len(s) > max || len(s)%2 != 0 {
		return false
	}
	for i := range len(s) {
		if unhex(s[i]) > 15 {
			return false
		}
	}
	return true
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// What unescape found that a person should know.
type escapeFault uint8

const (
	unknownEscape escapeFault = 1 << iota // an escape sequence that nobody knows
	openEscape                            // an escape character without its partner
	badBytes                              // bytes in \X..\ that the character set does not have
	charsetEscape                         // a switch to a character set that is not known
)

// unescape decodes the escapes of a token that holds the escape character. The result is never empty.
func (p *Parser) unescape(s string) (string, escapeFault) {
	d := &p.delims
	esc := d.Escape
	out := p.scratch[:0]
	var fault escapeFault
	closed := -1 // where what nobody knows ends
	lone := -1   // where the last backslash stands that is no command's
	backslash := func() bool {
		// Would the lone backslash before and this one enclose what reads as a command? Then the first is marked.
		if lone < 0 || len(out)-lone > 80 {
			return false
		}
		if in := string(out[lone:]) + `\`; kept(in, '\\') != len(in) && marked(in) != len(in) {
			return false
		}
		out = append(out, 0)
		copy(out[lone+2:], out[lone+1:])
		out[lone+1] = 'E'
		return true
	}
	literal := func(c byte) { // a character that is text
		if c == '\\' {
			was := backslash()
			if lone = len(out); was {
				lone = -1 // this one ends the marked text
			}
		}
		out = append(out, c)
	}
	literals := func(text string) {
		for i := range len(text) {
			literal(text[i])
		}
	}
	for i := 0; i < len(s); {
		c := s[i]
		if c != esc {
			literal(c) // which may be a backslash, where the message has another escape character
			i++
			continue
		}
		end := strings.IndexByte(s[i+1:], esc)
		if end < 0 {
			if i != closed {
				fault |= openEscape
			}
			literal(esc)
			i++
			continue
		}
		body := s[i+1 : i+1+end]
		var char byte
		if len(body) == 1 {
			switch body[0] {
			case 'F':
				char = d.Field
			case 'S':
				char = d.Component
			case 'T':
				char = d.Subcomponent
			case 'R':
				char = d.Repetition
			case 'E':
				char = d.Escape
			case 'P':
				char = d.Truncation
			}
		}
		if char == 0 && body == "T" { // QUIRK: senders that declare no subcomponent separator still escape it
			char = '&'
		}
		switch {
		case char != 0:
			literal(char)
			i += end + 2
			continue
		case len(body) > 2 && body[0] == 'X' && hex(body[1:], 2, len(body)):
			var n int
			var ok bool
			n, p.bytes = hexRun(s[i:], esc, p.bytes[:0])
			var text string
			if text, ok = p.decodeBytes(p.bytes); !ok {
				fault |= badBytes
			}
			literals(text)
			i += n
			continue
		case body != "" && (body[0] == 'C' && hex(body[1:], 4, 4) || body[0] == 'M' && hex(body[1:], 4, 6)):
			if text, ok := p.switched(body, s[i+end+2:]); ok {
				literals(text)
				i = len(s)
				continue
			}
			fault |= charsetEscape
		}
		if n := kept(s[i:], esc); n > 0 {
			backslash()
			lone = -1
			out = append(out, '\\')
			out = append(out, s[i+1:i+n-1]...)
			out = append(out, '\\')
			i += n
			continue
		}
		// Not an escape: the character stands for itself, and what follows may be one.
		fault |= unknownEscape
		closed = i + 1 + end
		literal(esc)
		i++
	}
	p.scratch = out
	if len(out) == 0 {
		return s, fault
	}
	return string(out), fault
}

// hexRun joins the bytes of the \X..\ escapes that s begins with, and says how long they are.
func hexRun(s string, esc byte, b []byte) (int, []byte) {
	n := 0
	for len(s)-n > 3 && s[n] == esc && s[n+1] == 'X' {
		end := strings.IndexByte(s[n+1:], esc)
		if end < 3 || !hex(s[n+2:n+1+end], 2, end) {
			break
		}
		for i := n + 2; i < n+1+end; i += 2 {
			b = append(b, unhex(s[i])<<4|unhex(s[i+1]))
		}
		n += end + 2
	}
	return n, b
}

// appendEscaped writes a text as ER7.
func appendEscaped(dst []byte, text string, d *Delimiters) []byte {
	if !needsEscape(text, d) {
		return append(dst, text...)
	}
	if d.Escape == 0 { // nothing can be escaped: the separators become blanks, which print reports
		for i := range len(text) {
			if c := text[i]; d.is(c) || c < ' ' {
				dst = append(dst, ' ')
			} else {
				dst = append(dst, c)
			}
		}
		return dst
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c == '\\' {
			if n := kept(text[i:], '\\'); n > 0 {
				dst = append(dst, d.Escape)
				dst = append(dst, text[i+1:i+n-1]...)
				dst = append(dst, d.Escape)
				i += n
				continue
			}
			if n := marked(text[i:]); n > 0 {
				dst = appendChar(dst, '\\', d)
				dst = append(dst, text[i+2:i+n-1]...)
				dst = appendChar(dst, '\\', d)
				i += n
				continue
			}
		}
		dst = appendChar(dst, c, d)
		i++
	}
	return dst
}

func appendChar(dst []byte, c byte, d *Delimiters) []byte {
	code := byte(0)
	switch c {
	case d.Escape:
		code = 'E'
	case d.Field:
		code = 'F'
	case d.Component:
		code = 'S'
	case d.Subcomponent:
		code = 'T'
	case d.Repetition:
		code = 'R'
	case d.Truncation:
		code = 'P'
	}
	switch {
	case code != 0 && c != 0:
		return append(dst, d.Escape, code, d.Escape)
	case c < ' ' && c != '\t' || c == 0x7f:
		const digits = "0123456789ABCDEF"
		return append(dst, d.Escape, 'X', digits[c>>4], digits[c&15], d.Escape)
	}
	return append(dst, c)
}

func (d *Delimiters) is(c byte) bool {
	return c != 0 && (c == d.Field || c == d.Component || c == d.Repetition || c == d.Escape || c == d.Subcomponent || c == d.Truncation)
}

func needsEscape(s string, d *Delimiters) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f || c == '\\' || d.is(c) {
			return true
		}
	}
	return false
}

// RenderText shows text with formatting commands (FT, TX) as people read it: \.br\ and \.sp\ are line ends, \.in\ and \.ti\
// and \.sk\ blanks, highlighting and what a program of one site means by \Z..\ is left out.
func RenderText(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var b strings.Builder
	indent, next := 0, 0 // of all lines, of the next one
	newLine := func() {
		b.WriteByte('\n')
		b.WriteString(strings.Repeat(" ", max(indent+next, 0)))
		next = 0
	}
	for i := 0; i < len(text); {
		if n := marked(text[i:]); n > 0 {
			b.WriteByte('\\')
			b.WriteString(text[i+2 : i+n])
			i += n
			continue
		}
		n := kept(text[i:], '\\')
		if n == 0 {
			b.WriteByte(text[i])
			i++
			continue
		}
		if text[i+1] == '.' {
			arg := atoi(strings.TrimLeft(text[i+4:i+n-1], "+- "))
			if strings.Contains(text[i+4:i+n-1], "-") {
				arg = -arg
			}
			arg = min(max(arg, -200), 200)
			switch text[i+2 : i+4] {
			case "br", "ce":
				newLine()
			case "sp":
				for range max(arg, 1) {
					newLine()
				}
			case "in":
				indent = min(max(indent+arg, 0), 200)
			case "ti":
				next = arg
			case "sk":
				b.WriteString(strings.Repeat(" ", max(arg, 1)))
			}
		}
		i += n
	}
	return b.String()
}

// FormatText writes plain text with line ends as FT and TX have it: a line end becomes \.br\, and what would read as a
// command is marked as text. RenderText gives the text back, unless a backslash stands shortly before a line end and reads as
// a command with it.
func FormatText(text string) string {
	if !strings.ContainsAny(text, "\\\r\n") {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n', '\r':
			b.WriteString(`\.br\`)
		case '\\':
			if n := max(kept(text[i:], '\\'), marked(text[i:])); n > 0 {
				b.WriteString(`\E`)
				b.WriteString(text[i+1 : i+n])
				i += n - 1
				continue
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
