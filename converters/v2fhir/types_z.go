package v2fhir

import (
	"bytes"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	basicpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/basic_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Names of Chartpost's own that the Z segments use.
const (
	segmentSystem = "https://chartpost.org/fhir/CodeSystem/v2-segment"
	segmentURL    = "https://chartpost.org/fhir/StructureDefinition/v2-segment"
	segmentNote   = "kept as it stands, in a Basic resource"
)

// zSegment keeps a Z segment as it stands: its name is the code of a Basic, its ER7 with the recommended delimiters an
// extension. Nobody but the site knows what it says, so its values are folded.
var zSegment = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		b, ok := dst.(*basicpb.Basic)
		if !ok {
			return false
		}
		name := c.Doc.Name(n)
		text, ok := segmentText(c.Doc, n)
		if !ok {
			return false
		}
		b.Code = &dpb.CodeableConcept{Coding: []*dpb.Coding{{System: &dpb.Uri{Value: segmentSystem}, Code: &dpb.Code{Value: name}}}}
		b.Extension = append(b.Extension, &dpb.Extension{Url: &dpb.Uri{Value: segmentURL}, Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_StringValue{StringValue: &dpb.String{Value: text}}}})
		c.Doc.MarkAll(n, tree.Folded, segmentNote)
		return true
	},
	Write: func(c *mapping.Context, src proto.Message, to tree.Node) bool {
		b, ok := src.(*basicpb.Basic)
		if !ok || len(b.GetCode().GetCoding()) != 1 {
			return false
		}
		code := b.GetCode().GetCoding()[0]
		if code.GetSystem().GetValue() != segmentSystem || !isZSegment(code.GetCode().GetValue()) {
			return false
		}
		for _, x := range b.Extension {
			text := x.GetValue().GetStringValue().GetValue()
			if x.GetUrl().GetValue() != segmentURL || !strings.HasPrefix(text, code.GetCode().GetValue()) {
				continue
			}
			if !writeSegment(c.Doc, to, text) {
				return false
			}
			c.Claim(b.Code)
			c.Claim(x)
			return true
		}
		return false
	},
}

// kept keeps a segment of the standard whose fields are the affair of the sites, as those of a query are (QPD), as Z segments are kept.
var kept = mapping.Pair{
	Read: zSegment.Read,
	Write: func(c *mapping.Context, src proto.Message, to tree.Node) bool {
		b, ok := src.(*basicpb.Basic)
		if !ok || len(b.GetCode().GetCoding()) != 1 {
			return false
		}
		code, name := b.GetCode().GetCoding()[0], c.Doc.Name(to)
		if code.GetSystem().GetValue() != segmentSystem || code.GetCode().GetValue() != name {
			return false
		}
		for _, x := range b.Extension {
			text := x.GetValue().GetStringValue().GetValue()
			if x.GetUrl().GetValue() != segmentURL || !strings.HasPrefix(text, name) || strings.ContainsAny(text, "\r\n") {
				continue
			}
			m, err := hl7v2.Parse("MSH|^~\\&|\r"+text+"\r", hl7v2.Options{})
			if err != nil {
				return false
			}
			segment := m.Child(tree.Root, name)
			if segment == 0 || m.Empty(segment) {
				return false
			}
			for k := m.First(segment); k != 0; k = m.Next(k) {
				copyNode(c.Doc, to, m.Doc, k)
			}
			c.Claim(b.Code)
			c.Claim(x)
			return true
		}
		return false
	},
}

// isZSegment reports the name of a segment that sites define: Z and two letters or digits.
func isZSegment(name string) bool {
	if len(name) != 3 || name[0] != 'Z' {
		return false
	}
	for _, c := range name[1:] {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// segmentText is a segment in ER7. FHIR wants a string without blanks at its ends, so what a segment ends in is cut.
func segmentText(d *tree.Doc, n tree.Node) (string, bool) {
	one := tree.New(hl7v2.Format, 64)
	one.Add(tree.Root, "MSH", "")
	copyNode(one, tree.Root, d, n)
	b, _ := hl7v2.AppendMessage(nil, one, hl7v2.PrintOptions{Charset: "UNICODE UTF-8"})
	_, line, ok := bytes.Cut(b, []byte("\r"))
	text := strings.TrimSpace(string(line))
	return text, ok && text != ""
}

// writeSegment puts a segment in ER7 below a node.
func writeSegment(d *tree.Doc, to tree.Node, text string) bool {
	if strings.ContainsAny(text, "\r\n") {
		return false
	}
	m, err := hl7v2.Parse("MSH|^~\\&|\r"+text+"\r", hl7v2.Options{})
	if err != nil {
		return false
	}
	for n := m.First(tree.Root); n != 0; n = m.Next(n) {
		if isZSegment(m.Name(n)) {
			copyNode(d, to, m.Doc, n)
			return true
		}
	}
	return false
}

// copyNode adds a copy of a node of another document, with all below it.
func copyNode(dst *tree.Doc, to tree.Node, src *tree.Doc, n tree.Node) {
	k := dst.Add(to, src.Name(n), src.Text(n))
	for m := src.First(n); m != 0; m = src.Next(m) {
		copyNode(dst, k, src, m)
	}
}
