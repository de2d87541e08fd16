package mapping

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// head reads the YAML head, if the file begins with one.
func (p *parser) head() {
	if strings.TrimRight(firstLine(p.text), " \t") != "---" {
		return
	}
	p.next()
	start, first := p.off, p.line
	for {
		end := p.off
		line, ok := p.next()
		if !ok {
			p.line = first
			p.faults = append(p.faults, &Fault{ID: MapHead, Pos: p.pos(1), Msg: "the head is not closed", Hint: "end it with a line of ---"})
			return
		}
		if strings.TrimRight(line, " \t") == "---" {
			p.decodeHead(p.text[start:end], first)
			return
		}
	}
}

func firstLine(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[:i]
	}
	return s
}

// decodeHead decodes the head's text, which stands below line first.
func (p *parser) decodeHead(text string, first int) {
	h := &Head{Pos: Pos{p.f.Name, first, 1}, Raw: text}
	fault := func(line int, hint, format string, args ...any) {
		p.faults = append(p.faults, &Fault{ID: MapHead, Pos: Pos{p.f.Name, line, 1}, Msg: fmt.Sprintf(format, args...), Hint: hint})
	}
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	err := d.Decode(h)
	var types *yaml.TypeError
	switch {
	case err == nil || errors.Is(err, io.EOF): // an empty head is one
	case errors.As(err, &types):
		for _, msg := range types.Errors {
			line, msg := yamlLine(msg)
			if field, rest, ok := strings.Cut(strings.TrimPrefix(msg, "field "), " not found in type "); ok {
				hint := near(field, headFields)
				if hint == "" {
					hint = "known are " + strings.Join(headFields, ", ")
				}
				_ = rest // a name of Go's
				fault(first+line, hint, "the head knows no %s", field)
				continue
			}
			if i := strings.Index(msg, " into mapping."); i >= 0 {
				msg = msg[:i] + " where lines of name: value are expected"
			}
			fault(first+line, "", "%s", msg)
		}
		return
	default:
		line, msg := yamlLine(strings.TrimPrefix(err.Error(), "yaml: "))
		fault(first+line, "the head is YAML: lines of name: value", "%s", msg)
		return
	}
	line := func(key string) int { // where a key stands, for what YAML cannot know
		for i, l := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(l), key+":") {
				return first + 1 + i
			}
		}
		return first
	}
	among := func(key, val string, known ...string) {
		for _, k := range known {
			if val == k {
				return
			}
		}
		if val == "" {
			return
		}
		hint := near(val, known)
		if hint == "" {
			hint = "known are " + strings.Join(known, ", ")
		}
		fault(line(key), hint, "%s: %s is not known", key, val)
	}
	among("format", h.Matches.Format, "hl7v2", "ccda", "csv", "fhir")
	among("dates", h.Options.Dates, dateOrders...)
	among("unmapped", h.Options.Unmapped, "keep", "report", "refuse")
	p.headFiles(h, text, first, fault)
	p.f.Head = h
}

var headFields = []string{"name", "version", "base", "matches", "options", "files", "format", "sender", "facility", "event", "headers", "zone", "dates", "encoding",
	"unmapped", "without", "file", "sheet", "columns", "order", "key", "unique", "record", "resource", "split", "fixed", "comma", "header"}

var dateOrders = []string{"mdy", "dmy", "ymd"}

// headFiles checks what the head says of files, and keeps their order, which YAML's mappings do not.
func (p *parser) headFiles(h *Head, text string, first int, fault func(line int, hint, format string, args ...any)) {
	if len(h.Files) == 0 {
		return
	}
	var root yaml.Node
	if yaml.Unmarshal([]byte(text), &root) != nil || len(root.Content) == 0 {
		return
	}
	top := root.Content[0].Content
	for i := 0; i+1 < len(top); i += 2 {
		if top[i].Value != "files" {
			continue
		}
		for k := 0; k+1 < len(top[i+1].Content); k += 2 {
			name, line := top[i+1].Content[k].Value, first+top[i+1].Content[k].Line
			h.Names = append(h.Names, name)
			f := h.Files[name]
			if f == nil {
				f = &TableFile{}
				h.Files[name] = f
			}
			if h.Matches.Format != "csv" {
				fault(line, "write format: csv under matches", "files are of CSV mappings")
			}
			if f.Header != "" && f.Header != "none" {
				fault(line, "it is none, or left out", "header: %s is not known", f.Header)
			}
			if _, err := f.Widths(); err != nil {
				fault(line, "write NAME FROM-TO, as in - Last 25-44", "fixed: %v", err)
			}
			if f.Header == "none" && len(f.Order) == 0 && h.Base == "" {
				fault(line, "list the columns behind order:", "a file without a header needs the names of its columns")
			}
			if len(f.Headers) == 0 && len(f.Fixed) == 0 && f.File == "" && h.Base == "" {
				fault(line, "list the columns that must be there behind headers:", "nothing says which files %s is for", name)
			}
			if len([]rune(f.Comma)) > 1 && f.Comma != "tab" {
				fault(line, "it is one character, or tab", "comma: %q is more than one character", f.Comma)
			}
			if _, err := path.Match(f.File, ""); err != nil {
				fault(line, "* stands for any text and ? for one character", "file: %s is no pattern", f.File)
			}
			if _, err := path.Match(f.Sheet, ""); err != nil {
				fault(line, "* stands for any text and ? for one character", "sheet: %s is no pattern", f.Sheet)
			}
			for column, order := range f.Dates {
				if !slices.Contains(dateOrders, order) {
					fault(line, "it is mdy, dmy or ymd", "dates: the order of %s is not known", column)
				}
			}
			for column, sep := range f.Split {
				if sep == "" {
					fault(line, "say what stands between the values, as in ';'", "split: nothing separates the values of %s", column)
				}
			}
		}
	}
}

// A Width is where a column stands in the lines of a file without separators, in characters from 0.
type Width struct {
	Name       string
	Start, Len int
}

// Widths are the columns of a file without separators.
func (f *TableFile) Widths() (list []Width, err error) {
	for _, line := range f.Fixed {
		i := strings.LastIndexByte(line, ' ')
		if i < 0 {
			return nil, fmt.Errorf("%s has no width", line)
		}
		name, places := strings.TrimSpace(line[:i]), line[i+1:]
		from, to, ok := strings.Cut(places, "-")
		if !ok {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || a < 1 || b < a || b > 1<<20 || name == "" {
			return nil, fmt.Errorf("%s is not a name with the places from and to", line)
		}
		list = append(list, Width{name, a - 1, b - a + 1})
	}
	return list, nil
}

// yamlLine cuts the "line 3: " from the front of an error's text.
func yamlLine(msg string) (int, string) {
	if num, rest, ok := strings.Cut(strings.TrimPrefix(msg, "line "), ": "); ok {
		if n, err := strconv.Atoi(num); err == nil {
			return n, rest
		}
	}
	return 1, msg
}

// Source is what is known of a source when its mapping is chosen; a head is matched against it.
type Source struct {
	Format   string   // hl7v2, ccda, csv
	Sender   []string // the sender's names: the components of MSH-3, a custodian's name and ids
	Facility []string // the components of MSH-4
	Event    string   // MSH-9.1^MSH-9.2, as in ORU^R01
	Headers  []string // the columns of a CSV

	// Made says that a document of the format is made, not read: nobody has sent it, so that what a head asks of sender,
	// facility and columns does not stand against it.
	Made bool
}

// Match reports whether a file with this head is for a source. Without a head it is for every one. Names are compared
// without regard to case and outer blanks; an event may be only its first part (ADT); headers must all be there.
func (h *Head) Match(src Source) bool {
	if h == nil {
		return true
	}
	m := &h.Matches
	if m.Format != "" && m.Format != src.Format ||
		!src.Made && (m.Sender != "" && !contains(src.Sender, m.Sender) || m.Facility != "" && !contains(src.Facility, m.Facility)) {
		return false
	}
	if m.Event != "" && !same(m.Event, src.Event) {
		if first, _, _ := strings.Cut(src.Event, "^"); !same(m.Event, first) {
			return false
		}
	}
	for _, want := range m.Headers {
		if !src.Made && !contains(src.Headers, want) {
			return false
		}
	}
	return true
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if same(x, s) {
			return true
		}
	}
	return false
}

func same(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

// ColumnName is the name of a column as a row writes it: without the quotes that names with blanks need.
func ColumnName(place string) string {
	if n := len(place); n >= 2 && place[0] == '"' && place[n-1] == '"' {
		return place[1 : n-1]
	}
	return place
}
