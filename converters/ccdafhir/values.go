package ccdafhir

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// An observation of CDA may have several values, FHIR's has one, and a component may not have the code of its observation (obs-7). The first is
// the value; each further one stands in an extension with its own type.

const furtherValueURL = ownExtensions + "further-value"

func readValues(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	any, first := false, tree.Node(0)
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		switch {
		case c.Doc.Name(k) != "value":
		case first == 0:
			if first = k; !anyCarried(c.Doc, k) {
				return false // the second would come back as the first
			}
		default:
			if x := (&dpb.Extension{Url: &dpb.Uri{Value: furtherValueURL}}); c.ReadTable("Value", k, x) {
				extend(dst, x)
				any = true
			}
		}
	}
	return any
}

// anyCarried reports that something at or below a node is in FHIR.
func anyCarried(d *tree.Doc, n tree.Node) (any bool) {
	d.LeavesBelow(n, func(_ tree.Node, s tree.State, _ string) { any = any || s == tree.Carried || s == tree.Folded })
	return any
}

func writeValues(c *mapping.Context, src proto.Message, n tree.Node) bool {
	list := extensions(src)
	if list == nil || c.Doc.Child(n, "value") == 0 {
		return false
	}
	any := false
	for _, x := range *list {
		if x.GetUrl().GetValue() == furtherValueURL && c.WriteTable("Value", x, c.Doc.Add(n, "value", "")) {
			c.Claim(x.Url)
			any = true
		}
	}
	return any
}
