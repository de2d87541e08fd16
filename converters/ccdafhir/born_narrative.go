package ccdafhir

import (
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/ccda"
)

// This file writes the narrative of a Composition that did not come as C-CDA.

// foreignText is the narrative of the sections of the record's Composition by the code of the section. Its ids would be those of other elements.
func (b *born) foreignText() (texts map[string][]element) {
	texts = map[string][]element{}
	var walk func(e element)
	walk = func(e element) {
		for _, s := range e.all("section") {
			if s.one("text.div").ok() {
				code := ""
				for _, x := range s.all("code") {
					for _, y := range x.all("coding") {
						if code == "" && y.one("system").text() == "http://loinc.org" {
							code = y.one("code").text()
						}
					}
				}
				texts[code] = append(texts[code], s)
			}
			walk(s)
		}
	}
	for _, r := range b.c.Resources() {
		if r.Type() == "Composition" && !r.Inside() && !b.c.Refused(r.Msg) && !statusFits(r, "entered-in-error") {
			b.fold(elementOf(r.Msg).one("status"), "what is written is a document of its own")
			walk(elementOf(r.Msg))
		}
	}
	return texts
}

// wordsOfSection is the narrative of sections for a document, and takes note that it is there.
func (b *born) wordsOfSection(list []element) string {
	var text strings.Builder
	for _, s := range list {
		text.WriteString(tidy(narrativeOf(s.one("text.div").text())))
		b.fold(s.one("text"), "the narrative of the section stands in the document's, without its ids")
		b.fold(s.one("title"), "a section has the title of its kind")
		b.claimCode(s.one("code"))
	}
	return text.String()
}

var (
	inline = []string{"content", "linkHtml", "sub", "sup", "br"}
	blocks = append([]string{"paragraph", "list", "table"}, inline...)
	rows   = []string{"tr"}
	// What may stand in what, of what HTML has too (NarrativeBlock.xsd); the narrative itself is "".
	holds = map[string][]string{"": blocks, "td": slices.DeleteFunc(slices.Clone(blocks), func(s string) bool { return s == "table" }), "th": inline, "item": blocks, "paragraph": inline, "content": inline, "linkHtml": {}, "sub": {},
		"sup": {}, "br": {}, "caption": {"linkHtml", "sub", "sup"}, "list": {"item"}, "table": {"caption", "thead", "tfoot", "tbody"}, "thead": rows, "tfoot": rows,
		"tbody": rows, "tr": {"th", "td"}}
	// The attributes that are kept of a narrative of other origin. Its ids would be those of other elements.
	keeps = map[string][]string{"list": {"listType"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "linkHtml": {"href"}, "content": {"styleCode"}}
)

// tidy makes a narrative of other origin one that CDA's schema takes: HTML allows more, so what may not stand where it stands is taken out,
// and what it holds remains.
func tidy(raw string) string {
	type open struct {
		name   string
		gone   bool // in the source, and not written
		from   int  // where it begins in what was written
		filled bool
		bodies int // of a table
	}
	var b []byte
	stack := []open{{}}
	top := func() *open { // the innermost element that is written
		for i := len(stack) - 1; ; i-- {
			if !stack[i].gone {
				return &stack[i]
			}
		}
	}
	end := func() {
		o := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch {
		case o.gone:
		case !o.filled && o.name != "br" && o.name != "td" && o.name != "th":
			b = b[:o.from] // a table without rows is none
			if o.name == "tbody" {
				top().bodies--
			}
		case o.name == "table" && o.bodies == 0:
			b = append(b, "<tbody><tr><td></td></tr></tbody></table>"...)
		default:
			b = append(append(append(b, "</"...), o.name...), '>')
		}
	}
	start := func(name string, attributes [][2]string) {
		top().filled = true
		if name == "tbody" {
			top().bodies++
		}
		stack = append(stack, open{name: name, from: len(b)})
		b = append(append(b, '<'), name...)
		for _, a := range attributes {
			if slices.Contains(keeps[name], a[0]) && !strings.HasPrefix(a[1], "#") {
				b = append(append(append(b, ' '), a[0]...), `="`...)
				b = append(ccda.AppendEscaped(b, a[1], true), '"')
			}
		}
		b = append(b, '>')
	}
	for t := range inBodies(raw) {
		switch {
		case t.Start != "":
			if last := &stack[len(stack)-1]; last.name == "paragraph" && !last.gone && slices.Contains([]string{"paragraph", "list", "table"}, t.Start) {
				if !last.filled {
					b = b[:last.from]
				} else {
					b = append(b, "</paragraph>"...)
				}
				last.gone = true // its end is written already
			}
			if slices.Contains(holds[top().name], t.Start) {
				start(t.Start, t.Attributes)
			} else {
				if len(b) > 0 && b[len(b)-1] != '>' && b[len(b)-1] != ' ' && !slices.Contains(inline, t.Start) {
					b = append(b, ' ') // two cells are two words
				}
				stack = append(stack, open{name: t.Start, gone: true})
			}
		case t.End != "":
			if len(stack) > 1 {
				end()
			}
		case strings.TrimSpace(t.Text) == "" && !slices.Contains(inlineHolders, top().name):
		case slices.Contains(inlineHolders, top().name):
			top().filled = top().filled || strings.TrimSpace(t.Text) != ""
			b = ccda.AppendEscaped(b, t.Text, false)
		case top().name == "list":
			start("item", nil)
			top().filled = true
			b = ccda.AppendEscaped(b, t.Text, false)
			end()
		}
	}
	for len(stack) > 1 {
		end()
	}
	return string(b)
}
