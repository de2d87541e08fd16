package validate

import (
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// maxFindings is how many findings one resource may have before the rest is left out.
const maxFindings = 200

// find reports a finding where the walker stands.
func (w *walker) find(id diag.ID, format string, args ...any) *diag.Finding {
	if n := len(w.findings) - w.given; n >= maxFindings {
		if n == maxFindings {
			w.findings = append(w.findings, diag.New("CP-FHIR-016", w.entry.Place, ""))
		}
		return &diag.Finding{ID: id}
	}
	f := diag.New(id, w.place(w.path), format, args...)
	w.findings = append(w.findings, f)
	return f
}

// findAt is find at an element below where the walker stands.
func (w *walker) findAt(name string, id diag.ID, format string, args ...any) *diag.Finding {
	w.push(name)
	defer w.pop()
	return w.find(id, format, args...)
}

// place is where a path leads: as FHIRPath, and as line and column of the JSON where that is known.
func (w *walker) place(path []step) diag.Place {
	p := w.entry.Place
	p.Path = pathText(path)
	if w.entry.Text == "" {
		return p
	}
	at := locate(w.entry.Text, path[min(w.fixed, len(path)):])
	p.Line, p.Column = w.entry.LineColumn(at)
	return p
}

func (w *walker) at() string { return pathText(w.path) }

// pathText writes a path as FHIRPath: Observation.component[0].value.ofType(Quantity).
func pathText(path []step) string {
	var b []byte
	for i, s := range path {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, s.name...)
		if s.n >= 0 {
			b = strconv.AppendInt(append(b, '['), int64(s.n), 10)
			b = append(b, ']')
		}
		if s.json != "" {
			b = append(b, ".ofType("...)
			b = append(b, fhirType(s.json[len(s.name):])...)
			b = append(b, ')')
		}
	}
	return string(b)
}

// fhirType is the name of a type at the end of a JSON name: Quantity, dateTime.
func fhirType(s string) string {
	if t, err := plan.Named(s); err == nil {
		return t.Name
	}
	return s
}

// fhirPath makes of a path with JSON's names, as the codec writes it, one of FHIRPath. typ is the type of an entry's resource.
func fhirPath(path, typ string) string {
	if !strings.ContainsAny(path, ".") {
		return path
	}
	var out []string
	var t *plan.Type
	for i, s := range strings.Split(path, ".") {
		name, rest := s, ""
		if j := strings.IndexByte(s, '['); j >= 0 {
			name, rest = s[:j], s[j:]
		}
		if i == 0 {
			t, _ = plan.Named(name)
			out = append(out, s)
			continue
		}
		if t != nil && t.Kind == plan.Contained && typ != "" {
			t, _ = plan.Named(typ)
			typ = ""
		}
		if t == nil || t.Kind == plan.Contained || t.Kind == plan.Packed { // below it any type may stand
			out = append(out, choiceName(name)+rest)
			continue
		}
		e, a := t.Lookup(name)
		switch {
		case e == nil:
			t = nil
			out = append(out, s)
		case a != nil:
			t = a.Type()
			out = append(out, e.Name+rest, "ofType("+t.Name+")")
		default:
			t = e.Type()
			out = append(out, s)
		}
	}
	return strings.Join(out, ".")
}

// choiceName writes valueQuantity as value.ofType(Quantity) where the type of what has it is not known.
func choiceName(name string) string {
	if rest, ok := strings.CutPrefix(name, "value"); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
		if t, err := plan.Named(rest); err == nil && t.Kind != plan.Resource {
			return "value.ofType(" + t.Name + ")"
		}
	}
	return name
}

// locate finds the byte of a JSON text to which a path leads: the value, or, where the last steps are not there, what would hold
// them. The text is one that the codec has read; on any other it gives some place within it.
func locate(text string, path []step) int {
	c := cursor{s: text}
	c.space()
	at := c.i
	for _, s := range path {
		name := s.name
		if s.json != "" {
			name = s.json
		}
		if !c.member(name) {
			return at
		}
		at = c.i
		if s.n >= 0 && c.peek() == '[' {
			if !c.index(s.n) {
				return at
			}
			at = c.i
		}
	}
	return at
}

// cursor walks JSON without reading it.
type cursor struct {
	s string
	i int
}

func (c *cursor) peek() byte {
	if c.i < len(c.s) {
		return c.s[c.i]
	}
	return 0
}

func (c *cursor) space() {
	for c.i < len(c.s) && (c.s[c.i] <= ' ' || c.s[c.i] == ',' || c.s[c.i] == ':') {
		c.i++
	}
}

// member goes to the value of a member of the object at the cursor; of a primitive without value to its extensions.
func (c *cursor) member(name string) bool {
	if c.peek() != '{' {
		return false
	}
	c.i++
	under := -1
	for {
		c.space()
		if c.peek() != '"' {
			break
		}
		from := c.i + 1
		c.skip()
		if c.i > len(c.s) || from > c.i-1 {
			break
		}
		key := c.s[from : c.i-1]
		c.space()
		if key == name {
			return true
		}
		if strings.HasPrefix(key, "_") && key[1:] == name {
			under = c.i
		}
		c.skip()
	}
	if under >= 0 {
		c.i = under
		return true
	}
	return false
}

// index goes to an item of the array at the cursor.
func (c *cursor) index(n int) bool {
	c.i++
	for {
		c.space()
		if c.peek() == ']' || c.peek() == 0 {
			return false
		}
		if n == 0 {
			return true
		}
		n--
		from := c.i
		if c.skip(); c.i == from {
			return false
		}
	}
}

// skip passes over a value.
func (c *cursor) skip() {
	depth := 0
	for c.i < len(c.s) {
		switch c.s[c.i] {
		case '"':
			for c.i++; c.i < len(c.s) && c.s[c.i] != '"'; c.i++ {
				if c.s[c.i] == '\\' {
					c.i++
				}
			}
			c.i++
		case '{', '[':
			depth++
			c.i++
		case '}', ']':
			if depth == 0 {
				return
			}
			depth--
			c.i++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return
			}
			c.i++
			continue
		default:
			for c.i < len(c.s) && strings.IndexByte(",:{}[] \t\r\n\"", c.s[c.i]) < 0 {
				c.i++
			}
		}
		if depth == 0 {
			return
		}
	}
}
