package ccdafhir

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// An interval with one bound is in FHIR a Quantity with a comparator: C-CDA on FHIR, General Guidance, Ranges of Physical Quantities.
const inclusiveURL = ownExtensions + "inclusive" // @inclusive as it stood there

func readBound(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	q, ok := dst.(*dpb.Quantity)
	if !ok {
		return false
	}
	d := c.Doc
	bound, open, closed := d.Child(n, "high"), "<", "<="
	if bound == 0 {
		bound, open, closed = d.Child(n, "low"), ">", ">="
	}
	if !c.ReadTable("PQ", bound, q) {
		return false
	}
	comparator := closed
	if inclusive := attr(d, bound, "inclusive"); inclusive != 0 {
		if d.Text(inclusive) == "false" {
			comparator = open
		} else {
			extend(q, textExtension(inclusiveURL, d.Text(inclusive)))
		}
		c.Carry(inclusive)
	}
	q.Comparator = &dpb.Quantity_ComparatorCode{}
	return hl7.Store(q.Comparator, comparator)
}

func writeBound(c *mapping.Context, src proto.Message, n tree.Node) bool {
	q, ok := src.(*dpb.Quantity)
	if !ok || q.Comparator == nil {
		return false
	}
	comparator := hl7.FHIRText(q.Comparator)
	end := "low"
	if comparator[0] == '<' {
		end = "high"
	}
	k := c.Doc.Add(n, end, "")
	if !c.WriteTable("PQ", q, k) {
		return false
	}
	if len(comparator) == 1 {
		set(c.Doc, k, "inclusive", "false")
	}
	for _, x := range q.Extension {
		if x.GetUrl().GetValue() == inclusiveURL && set(c.Doc, k, "inclusive", x.GetValue().GetStringValue().GetValue()) {
			c.Claim(x)
		}
	}
	c.Claim(q.Comparator)
	return true
}

// readMarkdown is TEXT where FHIR has markdown.
func readMarkdown(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Markdown)
	text := &dpb.String{}
	if !ok || !c.ReadTable("TEXT", n, text) || text.Value == "" {
		return false
	}
	d.Value = text.Value
	return true
}
