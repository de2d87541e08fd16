package terminology

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed ucum.csv
var ucumCSV string

type units struct {
	prefixes      []string
	metric, plain map[string]bool
}

var loadUnits = sync.OnceValue(func() *units {
	u := &units{metric: map[string]bool{}, plain: map[string]bool{}}
	for _, row := range rows(ucumCSV) {
		switch row[0] {
		case "prefix":
			u.prefixes = append(u.prefixes, row[1])
		case "metric":
			u.metric[row[1]] = true
		default:
			u.plain[row[1]] = true
		}
	}
	return u
})

// IsUCUM reports whether a text is a unit of UCUM in its case-sensitive form (UCUM 1.9, section 2.1):
//
//	term      = ["/"] component {("." | "/") component}
//	component = simple [annotation] | annotation | factor | "(" term ")"
//	simple    = [prefix] atom [exponent]
func IsUCUM(s string) bool {
	rest, ok := loadUnits().term(s, 0)
	return ok && rest == ""
}

func (u *units) term(s string, depth int) (rest string, ok bool) {
	s = strings.TrimPrefix(s, "/")
	for {
		if s, ok = u.component(s, depth); !ok {
			return s, false
		}
		if s == "" || s[0] != '.' && s[0] != '/' {
			return s, true
		}
		s = s[1:]
	}
}

func (u *units) component(s string, depth int) (rest string, ok bool) {
	if s == "" || depth > 50 {
		return s, false
	}
	if s[0] == '(' {
		if rest, ok = u.term(s[1:], depth+1); !ok || rest == "" || rest[0] != ')' {
			return rest, false
		}
		if rest = rest[1:]; strings.HasPrefix(rest, "{") {
			return annotation(rest) // QUIRK: the grammar has none here; HL7's list of common units has g/(8.h){shift}
		}
		return rest, true
	}
	if s[0] == '{' {
		return annotation(s)
	}
	n := 0 // a unit ends where an operator, a parenthesis or an annotation begins; not within [..]
	for depth := 0; n < len(s) && (depth > 0 || !strings.ContainsRune("./(){", rune(s[n]))); n++ {
		switch s[n] {
		case '[':
			depth++
		case ']':
			depth--
		}
	}
	if !u.simple(s[:n]) {
		return s, false
	}
	if s = s[n:]; strings.HasPrefix(s, "{") {
		return annotation(s)
	}
	return s, true
}

func annotation(s string) (rest string, ok bool) {
	i := strings.IndexByte(s, '}')
	if i < 0 {
		return s, false
	}
	for _, c := range []byte(s[1:i]) {
		if c < ' ' || c > '~' || c == '{' {
			return s, false
		}
	}
	return s[i+1:], true
}

func (u *units) simple(s string) bool {
	if digits(s) || u.atom(s) {
		return true
	}
	i := len(s)
	for i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
		i--
	}
	if i == len(s) {
		return false
	}
	if i > 0 && (s[i-1] == '-' || s[i-1] == '+') {
		i--
	}
	return i > 0 && u.atom(s[:i])
}

func (u *units) atom(s string) bool {
	if u.metric[s] || u.plain[s] {
		return true
	}
	for _, p := range u.prefixes {
		if rest, ok := strings.CutPrefix(s, p); ok && u.metric[rest] {
			return true
		}
	}
	return false
}
