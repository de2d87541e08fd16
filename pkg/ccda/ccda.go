// Package ccda reads and writes clinical documents of HL7 CDA Release 2 (2005) with the SDTC extensions, C-CDA among them, as trees.
//
// # Terminology
//
// A document is one XML file whose root is ClinicalDocument. In its tree an element is a node called as in urn:hl7-org:v3,
// whatever prefix the source uses; one of urn:hl7-org:sdtc is called sdtc:raceCode, and one of another namespace has the
// prefix that Namespaces names. An attribute is a node called @root, @xsi:type or @sdtc:valueSet. The text of an element is
// its node's own, without the blanks around it; texts between elements are joined with a blank.
//
//	<id root="1.2.3"/>        id
//	<title>Summary</title>      @root "1.2.3"
//	                          title "Summary"
//
// The narrative, what stands in a section's text element, is one leaf: XML as the source has it, with the elements of
// urn:hl7-org:v3 unprefixed. Comments and processing instructions are not kept, nor are xmlns and xsi:schemaLocation,
// which are grammar.
//
// # What is refused
//
// A document type declaration, and with it every entity but the five of XML and character references; what is not well-formed;
// more than Options allow. The finding says where.
package ccda

import (
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Format is what the tree must know of CDA.
var Format = &tree.Format{Name: "ccda", Steps: "/", Place: place}

// The namespaces of CDA.
const (
	V3   = "urn:hl7-org:v3"
	SDTC = "urn:hl7-org:sdtc"
	XSI  = "http://www.w3.org/2001/XMLSchema-instance"
	xmlN = "http://www.w3.org/XML/1998/namespace"
)

// Findings of the codec.
const (
	Malformed  diag.ID = "CP-CDA-001" // not well-formed XML
	WrongRoot  diag.ID = "CP-CDA-002" // XML, but no clinical document
	HasDoctype diag.ID = "CP-CDA-003" // a document type declaration
	TooDeep    diag.ID = "CP-CDA-004" // more elements within one another than any document has
	TooLarge   diag.ID = "CP-CDA-005" // more bytes than allowed
	BadCharset diag.ID = "CP-CDA-006" // the bytes are not in the character set that the document names
	Outside    diag.ID = "CP-CDA-007" // elements without a namespace, read as those of CDA
	HTML       diag.ID = "CP-CDA-008" // a web page
	Undeclared diag.ID = "CP-CDA-010" // xsi or sdtc is used and not declared
)

// Limits when Options say nothing. No document of the corpora is deeper than 40.
const (
	maxDepth      = 200
	maxAttributes = 256
	MaxDocument   = 256 << 20 // bytes
)

// Options of a Parser. The zero value is what most want.
type Options struct {
	Source      string // the name in findings
	Charset     string // what the bytes are, whatever the document says
	MaxDocument int    // bytes; 0 is 256 MiB
}

// Document is a clinical document that has been read.
type Document struct {
	*tree.Doc
	Root       tree.Node         // its ClinicalDocument
	Namespaces map[string]string // of other namespaces: URI by prefix
	Charset    string            // as the document names it, or what its first bytes say
	Findings   []*diag.Finding

	text   string
	source string
	lines  []int32 // where they begin, once a position was asked for
}

// Position is the line and column of an offset, from 1, the column in bytes.
func (d *Document) Position(offset int) (line, column int) {
	if d.lines == nil {
		d.lines = make([]int32, 1, 1+strings.Count(d.text, "\n"))
		for i, at := 0, 0; ; at += i + 1 {
			if i = strings.IndexByte(d.text[at:], '\n'); i < 0 {
				break
			}
			d.lines = append(d.lines, int32(at+i+1))
		}
	}
	offset = min(offset, len(d.text))
	line, exact := slices.BinarySearch(d.lines, int32(offset))
	if exact {
		line++
	}
	return line, offset - int(d.lines[line-1]) + 1
}

// Inside is where the content of an element begins in the source, behind its start tag and blanks.
func (d *Document) Inside(n tree.Node) int {
	p := Parser{text: d.text, at: d.Offset(n), doc: d, tree: d.Doc}
	if _, _, err := p.tag(); err != nil {
		return d.Offset(n)
	}
	for p.at < len(d.text) && blank(d.text[p.at]) {
		p.at++
	}
	return p.at
}

// Place is where a node stands, for findings.
func (d *Document) Place(n tree.Node) diag.Place {
	p := diag.Place{Source: d.source, Path: d.PlaceOf(n)}
	p.Line, p.Column = d.Position(d.Offset(n))
	return p
}

// place writes /ClinicalDocument/component/structuredBody/component[3]/section/text: an ordinal of 1 is left out.
func place(d *tree.Doc, n tree.Node) string {
	if n <= tree.Root {
		return ""
	}
	var steps [64]tree.Node
	path := steps[:0]
	size := 0
	for ; n > tree.Root; n = d.Parent(n) {
		path = append(path, n)
		size += len(d.Name(n)) + 5
	}
	var b strings.Builder
	b.Grow(size)
	for i := len(path) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(d.Name(path[i]))
		if o := d.Ordinal(path[i]); o > 1 {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(o))
			b.WriteByte(']')
		}
	}
	return b.String()
}

// IsNarrative reports whether n is a section's text.
func IsNarrative(d *tree.Doc, n tree.Node) bool {
	return d.Name(n) == "text" && d.Name(d.Parent(n)) == "section"
}

// Sniff reports whether a source that begins so is, or wants to be, a clinical document.
func Sniff(head []byte) bool {
	text, _, err := decode(string(head), "")
	if err != nil {
		text = string(head)
	}
	for len(text) > 0 {
		i := strings.IndexByte(text, '<')
		if i < 0 || strings.TrimSpace(text[:i]) != "" {
			return false
		}
		text = text[i+1:]
		switch {
		case strings.HasPrefix(text, "?"):
			_, text, _ = strings.Cut(text, "?>")
		case strings.HasPrefix(text, "!--"):
			_, text, _ = strings.Cut(text, "-->")
		case strings.HasPrefix(text, "!DOCTYPE"): // what it declares has tags of its own; the parser refuses it
			if i := strings.IndexAny(text, "[>"); i >= 0 && text[i] == '[' {
				_, text, _ = strings.Cut(text, "]")
			}
			_, text, _ = strings.Cut(text, ">")
		default:
			name := text[:nameEnd(text)]
			_, local, ok := strings.Cut(name, ":")
			if !ok {
				local = name
			}
			return local == "ClinicalDocument"
		}
	}
	return false
}
