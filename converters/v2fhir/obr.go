package v2fhir

import (
	"google.golang.org/protobuf/proto"

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
