package v2fhir

import (
	"slices"
	"strings"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	drpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/document_reference_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads and writes the content of a document (MDM): data and pointers (ED, RP) are a content each, and a text, which is
// sent in an OBX for each line, is one content. What the OBX say beside their text stands in an extension for each.
//
//	OBX|1|TX|..||Seen today,     content  attachment text/plain "Seen today,\nin good health."
//	OBX|2|TX|..||in good health.          extension OBX, extension OBX
//	OBX|3|ED|..||^..^PDF^Base64^ content  attachment application/pdf
//	OBX|4|CWE|..||N^No                    extension OBX, with the code: something is said of the document

// besideURL holds what an OBX says beside OBX-5.
const besideURL = cp + "OBX"

// docDate is TXA-6 as DocumentReference.date, or the date alone.
var docDate = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		return c.ReadTable("TXA_6_INSTANT", n, dst) || c.ReadTable("TXA_6_DATE", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		return c.WriteTable("TXA_6_DATE", src, n) || c.WriteTable("TXA_6_INSTANT", src, n)
	},
}

// pointer is RP-1, a URI or another text.
var pointer = mapping.Pair{
	Parts: []string{"1"},
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		return c.ReadTable("RP_URL", n, dst) || c.ReadTable("RP_TEXT", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		return c.WriteTable("RP_TEXT", src, n) || c.WriteTable("RP_URL", src, n)
	},
}

// document is the pair for the OBX of a document.
var document = mapping.Pair{
	Read: func(c *mapping.Context, root tree.Node, dst proto.Message) bool {
		d, ok := dst.(*drpb.DocumentReference)
		if !ok || c.Doc.Child(root, "TXA") == 0 && c.Doc.Child(root, "OBSERVATION") == 0 {
			return false
		}
		var text *drpb.DocumentReference_Content // while the text goes on
		var lines []string
		for group := range children(c.Doc, root, "OBSERVATION") {
			obx := c.Doc.Child(group, "OBX")
			if obx == 0 {
				continue
			}
			switch textAt(c.Doc, obx, "2") {
			case "ED", "RP":
				content := &drpb.DocumentReference_Content{}
				if c.ReadTable("OBX", obx, content) {
					x := readBeside(c, group, obx)
					if content.GetAttachment().GetContentType().GetValue() == plainText && content.Attachment.Url == nil {
						x.Extension = append(x.Extension, sentAsED())
					}
					content.Extension = append(content.Extension, x)
					d.Content, text, lines = append(d.Content, content), nil, nil
				}
				continue
			case "CWE", "CE", "CNE", "CF": // what is said of the document by a code is no line of its text
				if x := readBeside(c, group, obx); len(d.Content) > 0 && c.ReadTable("OBX_FACT", obx, x) {
					last := d.Content[len(d.Content)-1]
					last.Extension = append(last.Extension, x)
					text, lines = nil, nil
					continue
				}
			}
			if text == nil {
				text = &drpb.DocumentReference_Content{Attachment: &dpb.Attachment{ContentType: &dpb.Attachment_ContentTypeCode{Value: plainText}}}
				d.Content = append(d.Content, text)
			}
			x := readBeside(c, group, obx)
			said, counts := linesOf(c, obx, "5", "lines")
			x.Extension = append(x.Extension, counts...)
			text.Extension = append(text.Extension, x)
			lines = append(lines, said...)
			text.Attachment.Data = &dpb.Base64Binary{Value: []byte(strings.Join(lines, "\n"))}
		}
		for _, content := range d.Content {
			if len(content.GetAttachment().GetData().GetValue()) == 0 && content.GetAttachment().GetUrl() == nil && content.Attachment != nil {
				content.Attachment.Data = nil // blank lines alone
				content.Attachment.Extension = append(content.Attachment.Extension, unknownExtension())
			}
		}
		if len(d.Content) == 0 { // a notification without its document: FHIR wants an attachment all the same
			d.Content = []*drpb.DocumentReference_Content{{Attachment: &dpb.Attachment{Extension: []*dpb.Extension{unknownExtension()}}}}
		}
		return true
	},
	Write: func(c *mapping.Context, src proto.Message, root tree.Node) (any bool) {
		d, ok := src.(*drpb.DocumentReference)
		if !ok {
			return false
		}
		for _, content := range d.Content {
			var beside, facts []*dpb.Extension
			for _, x := range content.Extension {
				switch {
				case x.GetUrl().GetValue() != besideURL:
				case isFact(x):
					facts = append(facts, x)
				default:
					beside = append(beside, x)
				}
			}
			a := content.GetAttachment()
			if a.GetContentType().GetValue() == plainText && a.GetUrl() == nil && len(beside) > 0 && !sentAsData(beside[0]) {
				any = writeLines(c, root, a, beside) || any
			} else {
				group := c.Doc.Add(root, "OBSERVATION", "")
				obx := c.Doc.Add(group, "OBX", "")
				if len(beside) == 1 {
					c.WriteTable("OBX_BESIDE", beside[0], obx)
					c.WriteTable("DOCUMENT_NTE", beside[0], group)
				}
				any = c.WriteTable("OBX", content, obx) || any
			}
			for _, x := range facts {
				group := c.Doc.Add(root, "OBSERVATION", "")
				obx := c.Doc.Add(group, "OBX", "")
				c.WriteTable("OBX_BESIDE", x, obx)
				any = c.WriteTable("OBX_FACT", x, obx) || any
				c.WriteTable("DOCUMENT_NTE", x, group)
			}
		}
		return any
	},
}

// isFact reports an OBX that says something of the document by a code: it stands with the content that it stood behind.
func isFact(beside *dpb.Extension) bool {
	return slices.ContainsFunc(beside.Extension, func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == cp+"OBX-5" })
}

// documentEvent is the event of the message that a record's document becomes: what it is to the one before it, else a new one.
func documentEvent(rec *mapping.Record) string {
	for _, r := range rec.Resources {
		d, ok := r.Msg.(*drpb.DocumentReference)
		if !ok {
			continue
		}
		for _, to := range d.RelatesTo {
			switch to.GetCode().GetValue() {
			case cpb.DocumentRelationshipTypeCode_REPLACES:
				return "T10"
			case cpb.DocumentRelationshipTypeCode_APPENDS:
				return "T06"
			}
		}
		break
	}
	return "T02"
}

// readBeside keeps what an OBX and its group say beside OBX-5.
func readBeside(c *mapping.Context, group, obx tree.Node) *dpb.Extension {
	x := &dpb.Extension{Url: &dpb.Uri{Value: besideURL}}
	c.ReadTable("OBX_BESIDE", obx, x)
	c.ReadTable("DOCUMENT_NTE", group, x)
	return x
}

// plainText is what lines of text become. Data of this type, however they were named, must say that they are none: sentAsED.
const plainText = "text/plain"

func sentAsED() *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: cp + "OBX-2"}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Code{Code: &dpb.Code{Value: "ED"}}}}
}

// sentAsData reports an OBX that said that it holds data, though they are a text.
func sentAsData(beside *dpb.Extension) bool {
	return slices.ContainsFunc(beside.Extension, func(x *dpb.Extension) bool { return proto.Equal(x, sentAsED()) })
}

// linesOf are the lines of a text of which a field of a segment holds some, mostly one: its repetitions, and what a command for a line break
// divides. counts says, in extensions of a URL, how many each repetition has where it is not one line.
func linesOf(c *mapping.Context, segment tree.Node, field, url string) (lines []string, counts []*dpb.Extension) {
	var each []int
	last, end := 0, 0
	for k := range children(c.Doc, segment, field) {
		var parts []string
		var leaves []tree.Node
		c.Doc.LeavesBelow(k, func(leaf tree.Node, _ tree.State, _ string) {
			parts, leaves = append(parts, c.Doc.Text(leaf)), append(leaves, leaf)
		})
		raw := strings.Join(parts, "^")
		text := printable(lineEnds.Replace(raw))
		why := ""
		if len(parts) > 1 {
			why = "the components of a text run together"
		} else if textLine(text) != raw {
			why = "comes back in another form"
		}
		carry(c, why, leaves...)
		said := strings.Split(text, "\n")
		lines, each = append(lines, said...), append(each, len(said))
		if !c.Doc.Empty(k) {
			last = len(each)
			end = len(lines)
		}
	}
	lines, each = lines[:end], each[:last] // empty repetitions at the end say nothing, and are not written
	if len(each) == 1 && each[0] == 1 {
		return lines, nil
	}
	if len(each) == 0 {
		lines, each = []string{""}, []int{0} // a blank line
	}
	for _, n := range each {
		counts = append(counts, &dpb.Extension{Url: &dpb.Uri{Value: url}, Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_UnsignedInt{UnsignedInt: &dpb.UnsignedInt{Value: uint32(n)}}}})
	}
	return lines, counts
}

// textLine is a text as OBX-5 has it.
func textLine(s string) string { return strings.ReplaceAll(s, "\n", `\.br\`) }

// writeLines writes a text in as many OBX as it came in, the last of which takes what is left.
func writeLines(c *mapping.Context, root tree.Node, a *dpb.Attachment, beside []*dpb.Extension) bool {
	var lines []string
	if data := a.GetData().GetValue(); len(data) > 0 {
		lines = strings.Split(string(data), "\n")
	}
	for i, x := range beside {
		group := c.Doc.Add(root, "OBSERVATION", "")
		obx := c.Doc.Add(group, "OBX", "")
		c.WriteTable("OBX_BESIDE", x, obx)
		c.WriteTable("DOCUMENT_NTE", x, group)
		counts := lineCounts(c, x.Extension, "lines")
		if len(counts) == 0 {
			counts = []int{1}
		}
		lines = setLines(c.Doc, obx, "5", lines, counts, i == len(beside)-1)
	}
	if a.Data != nil {
		c.ClaimValue(a.Data)
	}
	c.Claim(a.ContentType)
	return true
}

// lineCounts are the counts of linesOf.
func lineCounts(c *mapping.Context, list []*dpb.Extension, url string) (counts []int) {
	for _, y := range list {
		if n := y.GetValue().GetUnsignedInt(); n != nil && y.GetUrl().GetValue() == url {
			counts = append(counts, int(n.GetValue()))
			c.Claim(y)
		}
	}
	return counts
}

// setLines writes lines as the repetitions of a field, of which each has so many, and the last all that are left if nothing else is to have
// them. It returns what is left.
func setLines(d *tree.Doc, segment tree.Node, field string, lines []string, counts []int, all bool) []string {
	take := func(n int) string {
		n = min(max(n, 0), len(lines))
		s := strings.Join(lines[:n], "\n")
		lines = lines[n:]
		return s
	}
	for j, n := range counts {
		if n == 0 {
			take(1) // a blank line
			continue
		}
		if all && j == len(counts)-1 {
			n = len(lines)
		}
		s := take(n)
		if s == "" && len(counts) == 1 {
			continue
		}
		// A blank line among others is a repetition too: what stands behind it keeps its place.
		if k := d.Add(segment, field, ""); s != "" {
			d.SetText(d.Leaf(k), textLine(s))
		}
	}
	return lines
}

// noteLines is NTE-3 where it repeats: lines of one note, after the guide, which wants line feeds between them.
var noteLines = mapping.Pair{
	Read: func(c *mapping.Context, nte tree.Node, dst proto.Message) bool {
		note, ok := dst.(*dpb.Annotation)
		if !ok || note.Text != nil {
			return false
		}
		lines, counts := linesOf(c, nte, "3", noteLinesURL)
		note.Text = &dpb.Markdown{Value: strings.Join(lines, "\n")}
		note.Extension = append(note.Extension, counts...)
		return true
	},
	Write: func(c *mapping.Context, src proto.Message, nte tree.Node) bool {
		note, ok := src.(*dpb.Annotation)
		if !ok || note.GetText().GetValue() == "" || c.Doc.Child(nte, "3") != 0 {
			return false
		}
		counts := lineCounts(c, note.Extension, noteLinesURL)
		if len(counts) == 0 {
			return false
		}
		setLines(c.Doc, nte, "3", strings.Split(note.Text.Value, "\n"), counts, true)
		c.ClaimValue(note.Text)
		return true
	},
}

const noteLinesURL = cp + "NTE-3"

// unknownExtension says that the source does not have what FHIR wants.
func unknownExtension() *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: "http://hl7.org/fhir/StructureDefinition/data-absent-reason"},
		Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Code{Code: &dpb.Code{Value: "unknown"}}}}
}
