package v2fhir

import (
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// obr22 is OBR-22 as DiagnosticReport.issued, or what of it a report can hold.
var obr22 = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		return c.ReadTable("OBR_22_INSTANT", n, dst) || c.ReadTable("OBR_22_DATE", n, dst) || c.ReadTable("OBR_22_TEXT", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		return c.WriteTable("OBR_22_TEXT", src, n) || c.WriteTable("OBR_22_DATE", src, n) || c.WriteTable("OBR_22_INSTANT", src, n)
	},
}

// spm17 is SPM-17 as Specimen.collection.collected: a period if its end is a time, else the moment that its beginning is. An end that is no
// time stays unread, with a finding.
var spm17 = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		end := c.Doc.Child(n, "2")
		if end == 0 || c.Doc.Empty(end) {
			return c.ReadTable("SPM_17_TIME", n, dst)
		}
		if _, err := hl7.ParseMoment(c.Doc.LeafText(end), false); err != nil && c.Doc.LeafText(end) != c.Doc.Null {
			c.Doc.Mark(c.Doc.Leaf(end), tree.Invalid, err.Error())
			return c.ReadTable("SPM_17_TIME", n, dst)
		}
		return c.ReadTable("SPM_17_PERIOD", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		return c.WriteTable("SPM_17_PERIOD", src, n) || c.WriteTable("SPM_17_TIME", src, n)
	},
}
