package v2fhir

import (
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// sharedRoute is the route of an administration that has none of its own: several RXA one behind another share the RXR behind the last of them.
// Going back each has its own.
var sharedRoute = mapping.Pair{
	Read: func(c *mapping.Context, group tree.Node, dst proto.Message) bool {
		for k := group; k != 0 && c.Doc.Name(k) == c.Doc.Name(group); k = c.Doc.Next(k) {
			if route := c.Doc.Child(k, "RXR"); route != 0 {
				return c.ReadTable("RXR", route, dst)
			}
			if c.Doc.Child(k, "OBSERVATION") != 0 || c.Doc.Child(k, "RXC") != 0 {
				break // what stands behind RXR has come without it
			}
		}
		return false
	},
	Write: nothingBack,
}
