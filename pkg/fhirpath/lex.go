package fhirpath

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokenKind is the kind of a token; its text is what parse needs: of strings and delimited identifiers what they stand for.
type tokenKind uint8

const (
	tokEnd      tokenKind = iota
	tokName               // identifier, keywords among them
	tokQuoted             // `delimited identifier`
	tokString             // 'string'
	tokNumber             // 1, 1.5
	tokTemporal           // @2020-01-01, @T12:00: without the @
	tokVariable           // %name: without the %
	tokThis               // $this, $index, $total
	tokSymbol             // operators and punctuation
)

type token struct {
	kind tokenKind
	text string
	pos  int // byte offset
}

// maxSource is the length in bytes that an expression may have; R4's longest has 700.
const maxSource = 64 << 10

// fault is what lex, parse and compile panic with; Compile makes an *Error of it.
type fault struct {
	pos int
	msg string
}

func fail(pos int, format string, args ...any) {
	panic(fault{pos, fmt.Sprintf(format, args...)})
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// lex cuts an expression into tokens, the last of which is tokEnd.
func lex(s string) []token {
	if len(s) > maxSource {
		fail(0, "an expression of more than %d bytes", maxSource)
	}
	var out []token
	for i := 0; ; {
		i = skipBlank(s, i)
		if i == len(s) {
			return append(out, token{tokEnd, "the end", i})
		}
		t := token{pos: i}
		switch c := s[i]; {
		case isLetter(c):
			t.kind = tokName
			i = endOfName(s, i)
			t.text = s[t.pos:i]
		case c == '`':
			t.kind = tokQuoted
			t.text, i = unquote(s, i)
		case c == '\'':
			t.kind = tokString
			t.text, i = unquote(s, i)
		case isDigit(c):
			t.kind = tokNumber
			i = endOfDigits(s, i)
			if i+1 < len(s) && s[i] == '.' && isDigit(s[i+1]) {
				i = endOfDigits(s, i+1)
			}
			t.text = s[t.pos:i]
		case c == '@':
			t.kind = tokTemporal
			i = endOfTemporal(s, i+1)
			t.text = s[t.pos+1 : i]
		case c == '%':
			t.kind = tokVariable
			if i++; i < len(s) && (s[i] == '`' || s[i] == '\'') {
				t.text, i = unquote(s, i)
				break
			}
			from := i
			for i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || s[i] == '-') { // R4 writes %vs-name bare
				i++
			}
			if t.text = s[from:i]; t.text == "" {
				fail(t.pos, "%% without a name")
			}
		case c == '$':
			t.kind = tokThis
			i = endOfName(s, i+1)
			if t.text = s[t.pos:i]; t.text != "$this" && t.text != "$index" && t.text != "$total" {
				fail(t.pos, "%s is none of $this, $index, $total", t.text)
			}
		default:
			t.kind, t.text = tokSymbol, symbolAt(s, i)
			i += len(t.text)
		}
		out = append(out, t)
	}
}

// skipBlank skips white space and comments.
func skipBlank(s string, i int) int {
	for i < len(s) {
		switch {
		case s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r':
			i++
		case strings.HasPrefix(s[i:], "//"):
			n := strings.IndexByte(s[i:], '\n')
			if n < 0 {
				return len(s)
			}
			i += n
		case strings.HasPrefix(s[i:], "/*"):
			n := strings.Index(s[i+2:], "*/")
			if n < 0 {
				fail(i, "a comment that does not end")
			}
			i += n + 4
		default:
			return i
		}
	}
	return i
}

func endOfName(s string, i int) int {
	for i < len(s) && (isLetter(s[i]) || isDigit(s[i])) {
		i++
	}
	return i
}

func endOfDigits(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

// endOfTemporal finds the end of a date, dateTime or time by its grammar, so that @2014-01-01.year and @T10-1 end where they must.
func endOfTemporal(s string, i int) int {
	group := func(sep byte, digits int) bool { // takes sep and digits, if they are there
		if i < len(s) && s[i] == sep && endOfDigits(s, i+1)-i-1 >= digits {
			i += 1 + digits
			return true
		}
		return false
	}
	isTime := i < len(s) && s[i] == 'T'
	if !isTime {
		i = endOfDigits(s, i)
		month := group('-', 2)
		if !month || !group('-', 2) { // the day
			if i < len(s) && s[i] == 'T' {
				i++
			}
			return i
		}
		if i == len(s) || s[i] != 'T' {
			return i
		}
	}
	if i++; i < len(s) && isDigit(s[i]) {
		i = min(i+2, endOfDigits(s, i))
		minutes := group(':', 2)
		if minutes && group(':', 2) && group('.', 1) { // seconds, and a part of one
			i = endOfDigits(s, i)
		}
		switch {
		case isTime: // has no zone
		case i < len(s) && s[i] == 'Z':
			i++
		case i+6 <= len(s) && (s[i] == '+' || s[i] == '-') && s[i+3] == ':' && endOfDigits(s, i+1) == i+3 && endOfDigits(s, i+4) >= i+6:
			i += 6
		}
	}
	return i
}

func symbolAt(s string, i int) string {
	if i+1 < len(s) {
		switch s[i : i+2] {
		case "!=", "!~", "<=", ">=":
			return s[i : i+2]
		}
	}
	if strings.IndexByte(".[](){}+-*/&|<>=~,", s[i]) < 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		hint := ""
		if r == '"' {
			hint = "; a text stands in single quotes"
		}
		fail(i, "unexpected %q%s", r, hint)
	}
	return s[i : i+1]
}

// unquote reads a string, a delimited identifier or a variable's name from its opening quote.
func unquote(s string, i int) (text string, end int) {
	start, quote := i, s[i]
	var b []byte
	for i++; i < len(s); i++ {
		switch c := s[i]; c {
		case quote:
			return string(b), i + 1
		case '\\':
			if i++; i == len(s) {
				break
			}
			switch c := s[i]; c {
			case 'n':
				b = append(b, '\n')
			case 'r':
				b = append(b, '\r')
			case 't':
				b = append(b, '\t')
			case 'f':
				b = append(b, '\f')
			case '\\', '/', '\'', '"', '`':
				b = append(b, c)
			case 'u':
				n, err := strconv.ParseUint(s[min(i+1, len(s)):min(i+5, len(s))], 16, 32)
				if err != nil || i+5 > len(s) {
					fail(i-1, `\u without four hexadecimal digits`)
				}
				b = utf8.AppendRune(b, rune(n))
				i += 4
			default:
				// QUIRK: 5.6.9 of N1 knows no other escape, but regular expressions of R4's invariants are written '\d' (eld-19).
				b = append(b, '\\', c)
			}
		default:
			b = append(b, c)
		}
	}
	fail(start, "a quote that does not end")
	return "", 0
}
