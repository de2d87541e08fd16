package hl7v2

import (
	"strings"
	"unicode/utf8"

	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/tree"
)

// A line end ends a segment, and no value has one (2.5.4). Where there is one within a field all the same, it was meant as a line of a text, or an
// editor has wrapped the message. What it was, the type of the value says:
//
//	FT, TX; ST in OBX-5; NTE-3; of unknown type    the line end stays
//	ST elsewhere                                   a blank, if there is none: Newborn|panel
//	any other type                                 nothing: its values have no blanks
//
// If all lines that are wrapped are of one length, the editor cuts within words, and nothing stands for the line end anywhere but in a text.

// unwrap is a value that goes over several lines, as it stands, without the line ends that are not its own.
func (p *Parser) unwrap(raw string, seg tree.Node, field, component, sub int) string {
	join := ""
	switch p.typeOf(seg, field, component, sub) {
	case "", "FT", "TX", "varies", "*":
		return raw
	case "ST":
		if !p.cut() {
			join = " "
		}
	}
	if text := joinLines(raw, join); text != "" {
		return text
	}
	return raw // nothing but line ends
}

// joinLines takes out the line ends, and puts join where neither line has a blank there.
func joinLines(raw, join string) string {
	var b strings.Builder
	for line := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if b.Len() > 0 && line[0] != ' ' && !strings.HasSuffix(b.String(), " ") {
			b.WriteString(join)
		}
		b.WriteString(line)
	}
	return b.String()
}

// typeOf is the primitive type of a value, and FT where a line end may be the value's own; empty if it is not known.
func (p *Parser) typeOf(seg tree.Node, field, component, sub int) string {
	d, name, typ := p.doc, p.doc.Name(seg), ""
	version := ""
	if msh := d.First(tree.Root); msh != 0 {
		if n := d.Child(msh, "12"); n != 0 {
			version = d.LeafText(n)
		}
	}
	switch {
	case name == "NTE" && field == 3:
		return "FT"
	case name == "OBX" && field == 5:
		if n := d.Child(seg, "2"); n != 0 {
			typ = d.LeafText(n)
		}
		if typ == "ST" {
			return "FT"
		}
	default:
		if s := schema.SegmentIn(name, version); s != nil && field <= len(s.Fields) {
			typ = s.Fields[field-1].Datatype
		}
	}
	for _, i := range [...]int{component, sub} {
		t := schema.DatatypeIn(typ, version)
		if t == nil || len(t.Components) == 0 {
			break
		}
		if i > len(t.Components) {
			return ""
		}
		typ = t.Components[i-1].Datatype
	}
	return typ
}

// cut reports that the lines of the message which a line that is no segment follows are all of one length, and several.
func (p *Parser) cut() bool {
	if !p.wrapped.known {
		p.wrapped.known = true
		lines, width, before := 0, 0, ""
		p.wrapped.cut = true
		for line := range strings.FieldsFuncSeq(p.msg.text, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if before != "" && !header(strings.TrimLeft(line, " \t"), p.delims.Field) {
				n := utf8.RuneCountInString(before)
				if lines++; lines > 1 && n != width {
					p.wrapped.cut = false
				}
				width = n
			}
			before = line
		}
		p.wrapped.cut = p.wrapped.cut && lines > 1
	}
	return p.wrapped.cut
}
