package schema

import (
	"encoding/base64"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Simple is what the text of an attribute, or of an element without elements, may be.
type Simple struct {
	Name string

	kind    string // restriction, union, list; a type of XML Schema itself has none
	members []string
	of      []*Simple
	codes   []string
	pattern func() *regexp.Regexp
	facets  [][2]string
}

func parseSimple(line string) *Simple {
	f := strings.Fields(line)
	s := &Simple{Name: f[0]}
	for _, w := range f[1:] {
		switch name, v, ok := strings.Cut(w, "="); {
		case !ok && s.kind == "":
			s.kind = w
		case !ok:
			s.members = append(s.members, w)
		case name == "pattern":
			s.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^(?:" + v + ")$") })
		default:
			s.facets = append(s.facets, [2]string{name, v})
		}
	}
	return s
}

func (d *dictionary) simple(name string) *Simple {
	s := d.simples[name]
	if s == nil {
		s = &Simple{Name: name}
		d.simples[name] = s
	}
	return s
}

// Codes are those that an enumerated type allows, nil if it is none.
func (s *Simple) Codes() []string {
	if s.kind == "restriction" && len(s.codes) > 0 {
		return slices.Clone(s.codes)
	}
	if s.kind == "restriction" || s.kind == "list" {
		return s.of[0].Codes()
	}
	var all []string
	for _, m := range s.of {
		codes := m.Codes()
		if codes == nil {
			return nil
		}
		all = append(all, codes...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// IsUID reports whether s may be the root of an id: an OID, a UUID or a word.
func IsUID(s string) bool { return load().simple("uid").Valid(s) }

// Valid reports whether a text is one that the type allows.
func (s *Simple) Valid(text string) bool {
	switch s.kind {
	case "union":
		return slices.ContainsFunc(s.of, func(m *Simple) bool { return m.Valid(text) })
	case "list":
		for item := range strings.FieldsSeq(text) {
			if !s.of[0].Valid(item) {
				return false
			}
		}
		return true
	case "restriction":
		if s.collapses() {
			text = strings.Join(strings.Fields(text), " ")
		}
		if len(s.codes) > 0 {
			return slices.Contains(s.codes, text)
		}
		if s.pattern != nil && !s.pattern().MatchString(text) {
			return false
		}
		for _, f := range s.facets {
			if !facet(f[0], f[1], text) {
				return false
			}
		}
		return s.of[0].Valid(text)
	}
	return builtin(s.Name, text)
}

// collapses reports whether blanks at the ends do not count, as in all but strings.
func (s *Simple) collapses() bool {
	for s.kind == "restriction" {
		s = s.of[0]
	}
	return s.Name != "xs:string"
}

func facet(name, value, text string) bool {
	switch name {
	case "minLength", "maxLength":
		n, _ := strconv.Atoi(value)
		return name == "minLength" && len([]rune(text)) >= n || name == "maxLength" && len([]rune(text)) <= n
	case "minInclusive", "maxInclusive":
		limit, _ := strconv.ParseFloat(value, 64)
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		return err == nil && (name == "minInclusive" && v >= limit || name == "maxInclusive" && v <= limit)
	}
	return true
}

// builtin asks the types of XML Schema part 2 that the schema uses.
func builtin(name, text string) bool {
	if name == "xs:string" {
		return true
	}
	trimmed := strings.Trim(text, " \t\r\n")
	switch name {
	case "xs:boolean":
		return trimmed == "true" || trimmed == "false" || trimmed == "1" || trimmed == "0"
	case "xs:integer":
		digits := strings.TrimLeft(trimmed, "+-")
		return len(trimmed)-len(digits) <= 1 && digits != "" && strings.Trim(digits, "0123456789") == ""
	case "xs:decimal":
		digits := trimmed
		if digits != "" && (digits[0] == '-' || digits[0] == '+') {
			digits = digits[1:]
		}
		return strings.Trim(digits, "0123456789.") == "" && strings.Count(digits, ".") <= 1 && strings.Trim(digits, ".") != ""
	case "xs:double":
		if trimmed == "INF" || trimmed == "-INF" || trimmed == "NaN" {
			return true
		}
		v, err := strconv.ParseFloat(trimmed, 64)
		return strings.Trim(trimmed, "0123456789.eE+-") == "" && (err == nil || math.IsInf(v, 0))
	case "xs:base64Binary":
		plain := strings.Join(strings.Fields(text), "")
		_, err := base64.StdEncoding.Strict().DecodeString(plain)
		return err == nil
	case "xs:ID", "xs:IDREF":
		return IsNCName(trimmed)
	case "xs:IDREFS":
		for id := range strings.FieldsSeq(trimmed) {
			if !IsNCName(id) {
				return false
			}
		}
		return trimmed != ""
	case "xs:NMTOKEN":
		return isNmtoken(trimmed)
	case "xs:NMTOKENS":
		for w := range strings.FieldsSeq(trimmed) {
			if !isNmtoken(w) {
				return false
			}
		}
		return trimmed != ""
	case "xs:anyURI":
		return isURI(trimmed)
	}
	return true // xs:token: blanks collapse
}

// isURI reports whether s is a URI or a reference relative to one (RFC 3986), once what XML Schema allows in it beyond that is escaped: blanks and
// other characters, but no bracket outside of a host or a fragment, no second #, no % without its digits, and no first segment with a colon that is no scheme.
func isURI(s string) bool {
	if strings.ContainsAny(s, "\t\r\n") {
		return false
	}
	for i := range len(s) {
		if s[i] == '%' && (i+2 >= len(s) || strings.Trim(s[i+1:i+3], "0123456789abcdefABCDEF") != "") {
			return false
		}
	}
	s, fragment, _ := strings.Cut(s, "#")
	if strings.Contains(fragment, "#") {
		return false
	}
	if i := strings.IndexAny(s, ":/?"); i >= 0 && s[i] == ':' {
		scheme := strings.ToLower(s[:i])
		if scheme == "" || scheme[0] < 'a' || scheme[0] > 'z' || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+.-") != "" {
			return false
		}
		s = s[i+1:]
	}
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		s = rest[end:]
	}
	return !strings.ContainsAny(s, "[]")
}

// IsNCName reports whether s may be the value of an ID: a letter or _, then letters, digits, . - and _.
func IsNCName(s string) bool {
	for i, r := range s {
		if !nameChar(r) || r == ':' || i == 0 && (r == '-' || r == '.' || r == 0xB7 || '0' <= r && r <= '9' || 0x300 <= r && r <= 0x36F || r == 0x203F || r == 0x2040) {
			return false
		}
	}
	return s != ""
}

func isNmtoken(s string) bool {
	for _, r := range s {
		if !nameChar(r) {
			return false
		}
	}
	return s != ""
}

// nameChar is NameChar of XML 1.0, fifth edition, production 4a.
func nameChar(r rune) bool {
	switch {
	case r < 0x80:
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-' || r == '.' || r == ':'
	case r == 0xB7:
		return true
	case r < 0xC0, r == 0xD7, r == 0xF7, r == 0x37E, 0x2000 <= r && r <= 0x200B, 0x200E <= r && r <= 0x203E, 0x2041 <= r && r <= 0x206F:
		return false
	case 0x2190 <= r && r < 0x2C00, 0x2FF0 <= r && r <= 0x3000, 0xD800 <= r && r <= 0xF8FF, 0xFDD0 <= r && r <= 0xFDEF, r >= 0xFFFE && r <= 0xFFFF:
		return false
	}
	return r <= 0xEFFFF
}
