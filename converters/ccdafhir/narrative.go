package ccdafhir

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	compb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/ccda/schema"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// The narrative of a section (NarrativeBlock.xsd) and the XHTML of FHIR (R4, narrative.html) say the same with other names.
// What HTML has no name for becomes a span or a class that begins with cda-, so that it comes back.

var toHTML = map[string]string{"content": "span", "paragraph": "p", "list": "ul", "item": "li", "linkHtml": "a",
	"table": "table", "thead": "thead", "tbody": "tbody", "tfoot": "tfoot", "tr": "tr", "th": "th", "td": "td", "col": "col", "colgroup": "colgroup",
	"br": "br", "sub": "sub", "sup": "sup"}

var toCDA = map[string]string{"span": "content", "p": "paragraph", "ul": "list", "ol": "list", "li": "item", "a": "linkHtml",
	"table": "table", "thead": "thead", "tbody": "tbody", "tfoot": "tfoot", "tr": "tr", "th": "th", "td": "td", "col": "col", "colgroup": "colgroup",
	"br": "br", "sub": "sub", "sup": "sup", "caption": "caption",
	"b": "content", "strong": "content", "i": "content", "em": "content", "u": "content", "h1": "paragraph", "h2": "paragraph", "h3": "paragraph",
	"h4": "paragraph", "h5": "paragraph", "h6": "paragraph", "pre": "paragraph", "blockquote": "paragraph", "div": "paragraph", "small": "content",
	"big": "content", "tt": "content", "code": "content", "dl": "list", "dt": "item", "dd": "item", "hr": "br"}

// unnamed are the elements of CDA's narrative for which HTML has no name.
var unnamed = []string{"caption", "footnote", "footnoteRef", "renderMultiMedia"}

var styles = map[string]string{"b": "Bold", "strong": "Bold", "i": "Italics", "em": "Italics", "u": "Underline", "h1": "Bold", "h2": "Bold",
	"h3": "Bold", "h4": "Bold", "h5": "Bold", "h6": "Bold"}

// both are the attributes that the tables of CDA's narrative and of HTML share.
var both = []string{"summary", "width", "border", "frame", "rules", "cellspacing", "cellpadding", "align", "char", "charoff", "valign", "span",
	"abbr", "axis", "headers", "scope", "rowspan", "colspan", "href", "name", "title", "rel", "rev"}

const htmlHead = `<div xmlns="http://www.w3.org/1999/xhtml">`

// inBodies gives the tokens of a narrative or of XHTML, with a body around rows that stand in a table itself, and an item in a list that has but a
// caption: HTML allows that, and CDA's schema does not. What is not in the source is at -1. (In line, it and the tokenizer would be part of each
// that asks.)
//
//go:noinline
func inBodies(raw string) iter.Seq[ccda.Token] {
	const implied = "" // what is open is a body of ours
	return func(yield func(ccda.Token) bool) {
		var open []string
		captioned := false // what was said last in the list that is open is its caption
		top := func() string {
			if len(open) == 0 {
				return "-"
			}
			return open[len(open)-1]
		}
		for t := range ccda.Tokens(raw) {
			if top() == implied && (t.Start != "" && t.Start != "tr" || t.End != "") {
				open = open[:len(open)-1]
				if !yield(ccda.Token{End: "tbody", At: -1}) {
					return
				}
			}
			switch {
			case t.Start == "caption" || t.End == "caption":
				captioned = true
			case t.End == "list" && captioned:
				if !yield(ccda.Token{Start: "item", At: -1}) || !yield(ccda.Token{End: "item", At: -1}) {
					return
				}
				fallthrough
			case t.Start != "" || t.End != "":
				captioned = false
			}
			switch {
			case t.Start == "tr" && top() == "table":
				open = append(open, implied)
				if !yield(ccda.Token{Start: "tbody", At: -1}) {
					return
				}
				fallthrough
			case t.Start != "":
				open = append(open, t.Start)
			case t.End != "" && len(open) > 0:
				open = open[:len(open)-1]
			}
			if !yield(t) {
				return
			}
		}
	}
}

// escapedURL is a URL as it must be written: people link to files whose names have blanks.
func escapedURL(s string) string {
	var b []byte
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			if b == nil {
				b = append(make([]byte, 0, len(s)+8), s[:i]...)
			}
			b = fmt.Appendf(b, "%%%02X", c)
		} else if b != nil {
			b = append(b, c)
		}
	}
	if b == nil {
		return s
	}
	return string(b)
}

// html is a narrative as XHTML. lost reports that it does not come back as it was, its text aside. Of a link to what has no id anywhere, the place to which it
// leads is its title.
func html(raw string, leads func(id string) bool) (div string, lost bool) {
	b := append(make([]byte, 0, len(htmlHead)+len(raw)+len(raw)/8), htmlHead...)
	var attrs [][2]string
	var ends []string // what closes each element that is open
	var froms []int   // where it begins
	captions := 0     // tables in which a caption is one of HTML's
	table := 0        // where the outermost table that is open begins
	mute := !says(raw)
	for t := range inBodies(raw) {
		lost = lost || t.At < 0
		switch {
		case t.Start != "":
			name, class := toHTML[t.Start], ""
			if name == "p" && slices.Contains(ends, "p") {
				name = "span" // paragraphs do not nest, in neither
			}
			if t.Start == "caption" && captions > 0 && len(ends) > 0 && ends[len(ends)-1] == "table" {
				name = "caption"
			}
			if name == "" && slices.Contains(unnamed, t.Start) {
				name, class = "span", "cda-"+t.Start
			} else if name == "" { // QUIRK: an element that CDA's narrative does not have, such as a title within it; its text is kept
				name, lost = "span", true
			}
			if t.Start == "caption" && len(ends) > 0 && (ends[len(ends)-1] == "ul" || ends[len(ends)-1] == "ol") {
				name = "li" // a list of HTML holds nothing else
			}
			if t.Start == "list" && slices.Contains(t.Attributes, [2]string{"listType", "ordered"}) {
				name = "ol"
			}
			if name == "table" {
				if captions++; captions == 1 {
					table = len(b)
				}
			}
			froms = append(froms, len(b))
			b = append(append(b, '<'), name...)
			attrs = attrs[:0]
			for _, a := range t.Attributes {
				switch {
				case a[0] == "ID":
					id := ncName(a[1])
					attrs = append(attrs, [2]string{"id", id})
					lost = lost || id != a[1]
				case a[0] == "styleCode":
					class = strings.TrimSpace(class + " " + a[1])
				case a[0] == "listType" && (a[1] == "ordered" || a[1] == "unordered"):
					lost = lost || a[1] == "unordered"
				case a[0] == "referencedObject" || a[0] == "IDREF":
					attrs = append(attrs, [2]string{"title", a[1]})
				case a[0] == "href" && strings.HasPrefix(a[1], "#"):
					id := ncName(a[1][1:])
					lost = lost || id != a[1][1:]
					attrs = append(attrs, [2]string{"href", "#" + id})
					if !leads(id) {
						attrs[len(attrs)-1][0] = "title"
					}
				case a[0] == "href":
					url := escapedURL(a[1])
					attrs = append(attrs, [2]string{"href", url})
					lost = lost || url != a[1]
				case slices.Contains(both, a[0]):
					attrs = append(attrs, a)
				case a[0] != "xmlns":
					lost = true
				}
			}
			if class != "" {
				attrs = append(attrs, [2]string{"class", class})
			}
			for _, a := range attrs {
				b = append(append(append(b, ' '), a[0]...), `="`...)
				b = append(ccda.AppendEscaped(b, a[1], true), '"')
			}
			b = append(b, '>')
			ends = append(ends, name)
			if mute && t.Start == "renderMultiMedia" {
				b = ccda.AppendEscaped(b, value(t.Attributes, "referencedObject"), false) // FHIR wants a text that shows something (txt-2)
			}
		case t.End != "" && len(ends) > 0:
			name, from := ends[len(ends)-1], froms[len(froms)-1]
			ends, froms = ends[:len(ends)-1], froms[:len(froms)-1]
			if name == "table" {
				captions--
			}
			if slices.Contains(neverEmpty, t.End) && len(bytes.TrimSpace(b[from+bytes.IndexByte(b[from:], '>')+1:])) == 0 {
				b, lost = b[:from], true
				continue
			}
			b = append(append(append(b, "</"...), name...), '>')
		default:
			text := t.Text
			if len(b) == len(htmlHead) {
				text = strings.TrimLeft(text, " \t\r\n")
			}
			if captions > 0 && between(ends) && strings.TrimSpace(text) != "" { // QUIRK: a text between the cells of a table; it is shown before it
				before := append(ccda.AppendEscaped([]byte("<span>"), strings.TrimSpace(text), false), "</span>"...)
				b = slices.Insert(b, table, before...)
				for i := range froms {
					if froms[i] >= table {
						froms[i] += len(before)
					}
				}
				table += len(before)
				lost = true
				continue
			}
			b = ccda.AppendEscaped(b, text, false)
		}
	}
	return strings.ReplaceAll(string(append(bytes.TrimRight(b, " \t\r\n"), "</div>"...)), "<br></br>", "<br/>"), lost
}

// between reports that what is open last holds rows and cells of a table, and no text.
func between(ends []string) bool {
	switch ends[len(ends)-1] {
	case "table", "thead", "tbody", "tfoot", "tr", "colgroup":
		return true
	}
	return false
}

// says reports whether a narrative has a text.
func says(raw string) bool {
	for t := range ccda.Tokens(raw) {
		if strings.TrimSpace(t.Text) != "" {
			return true
		}
	}
	return false
}

func value(attributes [][2]string, name string) string {
	for _, a := range attributes {
		if a[0] == name {
			return a[1]
		}
	}
	return ""
}

// neverEmpty are the elements that CDA's narrative wants something in.
var neverEmpty = []string{"list", "table", "thead", "tbody", "tfoot", "tr"}

// ncName is an id as an ID, in which XML allows fewer characters.
func ncName(s string) string {
	if s == "" || schema.IsNCName(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if r == ':' || !schema.IsNCName("a"+string(r)) {
			return '_'
		}
		return r
	}, s)
	if !schema.IsNCName(s) {
		s = "_" + s
	}
	return s
}

// narrativeOf is XHTML as a narrative.
func narrativeOf(div string) string {
	var b []byte
	type open struct {
		name  string
		inner string // a content with a style within it
		from  int    // where it begins, and its start tag ends
		head  int
	}
	var opened []open
	depth := 0
	for t := range inBodies(div) {
		switch {
		case t.Start != "":
			if depth++; depth == 1 {
				opened = append(opened, open{})
				continue // the div around all
			}
			o := open{name: toCDA[t.Start]}
			var class []string
			var attrs [][2]string
			for _, a := range t.Attributes {
				switch {
				case a[0] == "id":
					if id := ncName(a[1]); id != "" {
						attrs = append(attrs, [2]string{"ID", id})
					}
				case a[0] == "class":
					for w := range strings.FieldsSeq(a[1]) {
						if name, ok := strings.CutPrefix(w, "cda-"); ok && (t.Start == "span" || t.Start == "li") {
							o.name = name
						} else {
							class = append(class, w)
						}
					}
				case slices.Contains(both, a[0]):
					attrs = append(attrs, a)
				}
			}
			for i := range attrs {
				if attrs[i][0] == "title" && o.name == "renderMultiMedia" {
					attrs[i][0] = "referencedObject"
				} else if attrs[i][0] == "title" && o.name == "footnoteRef" {
					attrs[i][0] = "IDREF"
				} else if attrs[i][0] == "title" && o.name == "linkHtml" && strings.HasPrefix(attrs[i][1], "#") && value(t.Attributes, "href") == "" {
					attrs[i][0] = "href"
				}
			}
			if t.Start == "ol" {
				attrs = append(attrs, [2]string{"listType", "ordered"})
			}
			if style := styles[t.Start]; style != "" {
				if o.name == "content" {
					class = append(class, style)
				} else {
					o.inner = style
				}
			}
			if len(class) > 0 {
				attrs = append(attrs, [2]string{"styleCode", strings.Join(class, " ")})
			}
			if o.name == "paragraph" && slices.ContainsFunc(opened, func(x open) bool { return x.name == "paragraph" }) {
				o.name = "" // paragraphs do not nest
				if !bytes.HasSuffix(b, []byte{'>'}) {
					b = append(b, "<br/>"...)
				}
			}
			o.from, o.head = len(b), len(b)
			if o.name == "" {
				opened = append(opened, o)
				continue
			}
			b = append(append(b, '<'), o.name...)
			for _, a := range attrs {
				b = append(append(append(b, ' '), a[0]...), `="`...)
				b = append(ccda.AppendEscaped(b, a[1], true), '"')
			}
			b = append(b, '>')
			o.head = len(b)
			opened = append(opened, o)
			if o.inner != "" {
				b = append(append(append(b, `<content styleCode="`...), o.inner...), `">`...)
			}
		case t.End != "":
			depth--
			if len(opened) == 0 {
				continue
			}
			o := opened[len(opened)-1]
			opened = opened[:len(opened)-1]
			if slices.Contains(neverEmpty, o.name) && len(bytes.TrimSpace(b[o.head:])) == 0 {
				b = b[:o.from]
				continue
			}
			if o.name == "list" && !bytes.Contains(b[o.head:], []byte("<item")) {
				b = append(b, "<item></item>"...)
			}
			if o.name == "table" && !bytes.Contains(b[o.head:], []byte("<tbody")) {
				b = append(b, "<tbody><tr><td></td></tr></tbody>"...)
			}
			if o.inner != "" {
				b = append(b, "</content>"...)
			}
			if o.name != "" {
				b = append(append(append(b, "</"...), o.name...), '>')
			}
		case len(opened) > 0 && opened[len(opened)-1].name == "renderMultiMedia": // it holds no text: ours
		default:
			b = ccda.AppendEscaped(b, t.Text, false)
		}
	}
	return strings.ReplaceAll(strings.TrimSpace(string(b)), "<br></br>", "<br/>")
}

func readNarrative(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Narrative)
	if !ok || c.Doc.Text(n) == "" {
		return false
	}
	div, lost := html(c.Doc.Text(n), func(id string) bool { return narrativeIDs(c)[id] })
	if !visible(c.Doc.Text(n)) { // txt-2
		d.Extension = append(d.Extension, textExtension(referenceURL, c.Doc.Text(n)))
		c.CarryText(n)
		return nothing(d)
	}
	status := &dpb.Narrative_StatusCode{}
	if !hl7.Store(status, "additional") { // a narrative of its own right: it may say more than the entries
		return false
	}
	d.Status, d.Div = status, &dpb.Xhtml{Value: div}
	if lost {
		defer c.Fold("attributes of the narrative that HTML does not have")()
	}
	c.CarryText(n)
	c.Normal(n, func() string { return narrativeOf(div) })
	return true
}

// idsKey is the key under which the ids of a document's narratives are kept.
type idsKey struct{}

// narrativeIDs are the ids of all narratives of a document, as FHIR has them.
func narrativeIDs(c *mapping.Context) map[string]bool {
	ids, _ := c.Memo(idsKey{}, func() any {
		ids := map[string]bool{}
		for n := tree.Root; int(n) <= c.Doc.Len(); n++ {
			if c.Doc.Name(n) != "text" || !ccda.IsNarrative(c.Doc, n) {
				continue
			}
			for t := range ccda.Tokens(c.Doc.Text(n)) {
				if id := value(t.Attributes, "ID"); t.Start != "" && id != "" {
					ids[ncName(id)] = true
				}
			}
		}
		return ids
	}).(map[string]bool)
	return ids
}

// visible reports whether a narrative shows anything.
func visible(raw string) bool {
	for t := range ccda.Tokens(raw) {
		if t.Start == "renderMultiMedia" || strings.TrimSpace(t.Text) != "" {
			return true
		}
	}
	return false
}

const emptyDiv = htmlHead + "No text.</div>"

// nothing makes of a narrative one that says that there is none.
func nothing(d *dpb.Narrative) bool {
	status := &dpb.Narrative_StatusCode{}
	if !hl7.Store(status, "empty") {
		return false
	}
	d.Status, d.Div = status, &dpb.Xhtml{Value: emptyDiv}
	return true
}

// readSectionTexts gives each section that has nothing within it a narrative that says so (cmp-1): where it has entries, nothing was made of them.
func readSectionTexts(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
	d, ok := dst.(*compb.Composition)
	return ok && sectionTexts(d.Section)
}

func sectionTexts(list []*compb.Composition_Section) (any bool) {
	for _, s := range list {
		if s.Text == nil && len(s.Entry) == 0 && len(s.Section) == 0 {
			s.Text = &dpb.Narrative{}
			any = nothing(s.Text)
		}
		any = sectionTexts(s.Section) || any
	}
	return any
}

func writeNothing(*mapping.Context, proto.Message, tree.Node) bool { return false }

func readNothing(*mapping.Context, tree.Node, proto.Message) bool { return false }

func writeNarrative(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Narrative)
	if !ok || d.GetDiv().GetValue() == "" {
		return false
	}
	raw := narrativeOf(d.Div.Value)
	if d.Div.Value == emptyDiv && hl7.FHIRText(d.Status) == "empty" {
		raw = ""
		c.Claim(d.Div)
		c.Claim(d.Status)
		for _, x := range d.Extension {
			if kept := x.GetValue().GetStringValue(); kept != nil && x.GetUrl().GetValue() == referenceURL {
				raw = kept.Value
				c.Claim(x)
			}
		}
	}
	if raw == "" || c.Doc.Text(n) != "" {
		return false
	}
	c.Doc.SetText(n, raw)
	c.Claim(d.Div)
	if d.Status != nil {
		c.Claim(d.Status)
	}
	return true
}

// sectionOf is the section that n is in, 0 if none.
func sectionOf(d *tree.Doc, n tree.Node) tree.Node {
	for ; n > tree.Root; n = d.Parent(n) {
		if d.Name(n) == "section" {
			return n
		}
	}
	return 0
}

// narrativeKey is the key under which the texts of a section's narrative are kept while its document is read.
type narrativeKey struct{ section tree.Node }

// referred is the text of what in the narrative has an id.
func referred(c *mapping.Context, n tree.Node, id string) (string, bool) {
	c.Elsewhere()
	for s := sectionOf(c.Doc, n); s != 0; s = sectionOf(c.Doc, c.Doc.Parent(s)) {
		said, ok := c.Memo(narrativeKey{s}, func() any { return texts(c.Doc.Text(c.Doc.Child(s, "text"))) }).(*saidIn)
		if !ok {
			return "", false
		}
		if text, ok := said.of(id); ok {
			return text, true
		}
	}
	return "", false
}

// saidIn is the text of a narrative, blanks folded, and where in it the elements that have an ID begin and end. One text for all: tables have
// IDs within IDs.
type saidIn struct {
	text string
	ids  map[string]span
}

type span struct{ from, to int }

func (s *saidIn) of(id string) (string, bool) {
	at, ok := s.ids[id]
	return strings.Trim(s.text[at.from:at.to], " "), ok
}

// texts is the text of a narrative and of each element of it that has an ID. The first of an ID is meant.
func texts(raw string) *saidIn {
	ids := map[string]span{}
	type open struct {
		id   string
		from int
	}
	var opened []open
	b := make([]byte, 0, len(raw)/2)
	blank := func() {
		if len(b) == 0 || b[len(b)-1] != ' ' {
			b = append(b, ' ')
		}
	}
	for t := range ccda.Tokens(raw) {
		switch {
		case t.Start != "":
			blank()
			o := open{from: len(b)}
			for _, a := range t.Attributes {
				if a[0] == "ID" {
					o.id = a[1]
				}
			}
			opened = append(opened, o)
		case t.End != "" && len(opened) > 0:
			o := opened[len(opened)-1]
			opened = opened[:len(opened)-1]
			if _, taken := ids[o.id]; o.id != "" && !taken {
				ids[o.id] = span{o.from, len(b)}
			}
			blank()
		default:
			text := t.Text
			for text != "" {
				i := strings.IndexFunc(text, unicode.IsSpace)
				if i < 0 {
					i = len(text)
				}
				b = append(b, text[:i]...)
				if text = text[i:]; text != "" {
					blank()
					text = strings.TrimLeftFunc(text, unicode.IsSpace)
				}
			}
		}
	}
	return &saidIn{string(b), ids}
}

const referenceURL = "https://chartpost.org/fhir/StructureDefinition/narrative"

// ownTextURL marks a text that stands in the element itself and beside it refers to the narrative.
const ownTextURL = extensionBase + "own-text"

// readText reads a text: what stands there, else that to which it refers in the narrative, and beside it the reference itself, so that
// it comes back.
func readText(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.String)
	v := attr(c.Doc, c.Doc.Child(n, "reference"), "value")
	own := c.Doc.Text(n)
	if !ok || v == 0 && own == "" {
		return false
	}
	if own != "" {
		d.Value = own
		c.CarryText(n)
	}
	if v == 0 {
		return true
	}
	ref := c.Doc.Text(v)
	if own == "" {
		id := strings.TrimPrefix(ref, "#") // QUIRK: some senders write the id alone
		if s, found := referred(c, n, id); found && s != "" {
			d.Value = s
		}
	}
	if id, local := strings.CutPrefix(ref, "#"); local && id != "" && !schema.IsNCName(id) {
		defer c.Fold("CDA's schema allows no such id")()
		ref = "#" + ncName(id) // as that in the narrative
	}
	extend(d, textExtension(referenceURL, ref))
	if own != "" {
		extend(d, &dpb.Extension{Url: &dpb.Uri{Value: ownTextURL}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}})
	}
	c.Carry(v)
	return true
}

func writeText(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.String)
	if !ok {
		return false
	}
	var ref, own *dpb.Extension
	for _, x := range d.Extension {
		switch x.GetUrl().GetValue() {
		case referenceURL:
			ref = x
		case ownTextURL:
			own = x
		}
	}
	any := false
	if said := ref.GetValue().GetStringValue().GetValue(); said != "" {
		k := c.Doc.Child(n, "reference")
		if k == 0 {
			k = c.Doc.Add(n, "reference", "")
		}
		if id, local := strings.CutPrefix(said, "#"); local && id != "" && !schema.IsNCName(id) { // as narrativeOf writes it
			said = "#" + ncName(id)
			defer c.Fold("CDA's schema allows no such id")()
		}
		if !set(c.Doc, k, "value", said) {
			return false
		}
		c.Claim(ref)
		any = true
	}
	switch {
	case d.Value == "":
	case any && own == nil:
		c.ClaimValue(d) // it stands in the narrative, which comes back as it was
	case c.Doc.Text(n) != "" && c.Doc.Text(n) != d.Value:
		return any
	default:
		c.Doc.SetText(n, d.Value)
		c.ClaimValue(d)
		if own != nil {
			c.Claim(own)
		}
		any = true
	}
	return any
}
