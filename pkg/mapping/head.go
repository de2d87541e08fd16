package mapping

import (
	"errors"
	"fmt"
	"io"
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
	among("dates", h.Options.Dates, "mdy", "dmy", "ymd")
	p.f.Head = h
}

var headFields = []string{"name", "version", "matches", "options", "format", "sender", "facility", "event", "headers", "zone", "dates", "encoding"}

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
