package csvtab

import (
	"strings"
)

// isBlank reports whether there is nothing but blanks, the no-break space among them.
func isBlank(s string) bool {
	if s == "" {
		return true
	}
	return !plain(s[0]) && trim(s) == ""
}

// trim cuts the outer blanks, control characters, no-break spaces and byte order marks.
func trim(s string) string {
	if s == "" || plain(s[0]) && plain(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 || r == 0xfeff || r == 0x3000 })
}

func plain(c byte) bool { return c > ' ' && c < 0x7f }

func digit(c byte) bool { return c-'0' <= 9 }

// isErrorValue knows the errors that a spreadsheet writes into cells in place of a value.
func isErrorValue(s string) bool {
	if len(s) < 4 || s[0] != '#' {
		return false
	}
	switch s {
	case "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!",
		"#UNKNOWN!", "#GETTING_DATA", "#EXTERNAL!", "#BUSY!", "#PYTHON!":
		return true
	}
	return false
}

// active reports whether a spreadsheet would take a cell that begins so for a formula (OWASP, CSV Injection). The wide forms are what
// Japanese spreadsheets take for the same.
func active(s string) bool {
	if s == "" {
		return false
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return true
	case 0xef:
		return strings.HasPrefix(s, "＝") || strings.HasPrefix(s, "＋") || strings.HasPrefix(s, "－") || strings.HasPrefix(s, "＠")
	}
	return false
}

// hidden reports whether a spreadsheet's apostrophe stands before the text: before what it would take for a formula or a number, or
// before another such apostrophe. The name 't Hooft begins with an apostrophe of its own.
func hidden(s string) bool {
	for s != "" && s[0] == '\'' {
		s = s[1:]
		if active(s) || s != "" && digit(s[0]) {
			return true
		}
	}
	return false
}

// unwrap takes away the ="..." or the apostrophe that keeps a spreadsheet from taking a text for a number or a formula. It undoes
// neutralise.
func unwrap(s string) (string, bool) {
	switch s[0] {
	case '\'':
		if hidden(s) {
			return s[1:], true
		}
	case '=':
		if len(s) >= 3 && s[1] == '"' && s[len(s)-1] == '"' {
			in := s[2 : len(s)-1]
			if strings.IndexByte(in, '"') < 0 {
				return in, true
			}
			if bare := strings.ReplaceAll(in, `""`, ""); strings.IndexByte(bare, '"') < 0 {
				return strings.ReplaceAll(in, `""`, `"`), true
			}
		}
	}
	return s, false
}

// isNumber reports whether s is a plain number: -12.5, 1e6. sign says whether a plus before it is one too.
func isNumber(s string, plus bool) bool {
	if s != "" && (s[0] == '-' || plus && s[0] == '+') {
		s = s[1:]
	}
	digits := 0
	for s != "" && digit(s[0]) {
		s, digits = s[1:], digits+1
	}
	if s != "" && s[0] == '.' {
		s = s[1:]
		for s != "" && digit(s[0]) {
			s, digits = s[1:], digits+1
		}
	}
	if digits == 0 {
		return false
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '-' || s[0] == '+') {
			s = s[1:]
		}
		if s == "" {
			return false
		}
		for s != "" && digit(s[0]) {
			s = s[1:]
		}
	}
	return s == ""
}

// exponent is the power of ten of a number that a spreadsheet shows because it is too long for it: 15 of 1.23E+15; -1 if s is none.
func exponent(s string) int {
	n := len(s)
	if n < 5 || !digit(s[n-1]) || !digit(s[n-2]) {
		return -1
	}
	i := n - 2
	if digit(s[i-1]) {
		i--
	}
	if i < 3 || s[i-1] != '+' || s[i-2]|0x20 != 'e' || !isNumber(s[:i-2], false) {
		return -1
	}
	e := 0
	for _, c := range []byte(s[i:]) {
		e = e*10 + int(c-'0')
	}
	return e
}

// longZeros reports whether s is a whole number of more than 15 digits, and whether those beyond the fifteenth are zeros, as in what a
// spreadsheet has rounded.
func longZeros(s string) (long, zeros bool) {
	if len(s) < 16 || len(s) > 40 {
		return false, false
	}
	zeros = true
	for i := range len(s) {
		if !digit(s[i]) {
			return false, false
		}
		if i >= 15 && s[i] != '0' {
			zeros = false
		}
	}
	return s[0] != '0', zeros
}
