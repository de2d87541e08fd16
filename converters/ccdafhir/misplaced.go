package ccdafhir

import (
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// What CDA's schema does not allow where it stands, an element of another namespace or one in the wrong place, and no row reads, is kept for people
// to read: its XML and its place, in extensions of the Composition. It does not come back, for the document would not be valid.

const (
	misplacedURL = ownExtensions + "misplaced"
	misplacedWhy = "CDA's schema does not allow it here, so it is not written back"
)

func readMisplaced(c *mapping.Context, _ tree.Node, dst proto.Message) bool {
	d := c.Doc
	unread := false
	d.Leaves(func(_ tree.Node, s tree.State, _ string) { unread = unread || s == tree.Unmapped })
	if !unread {
		return false
	}
	defer c.Fold(misplacedWhy)()
	any := false
	ccda.NoPlace(d, func(n tree.Node, _ ccda.Unfit) {
		unread = false
		d.LeavesBelow(n, func(_ tree.Node, s tree.State, _ string) { unread = unread || s == tree.Unmapped })
		if !unread {
			return
		}
		any = true
		setCode(dst, "status", "final") // as of every document, of one too that has nothing else
		extend(dst, &dpb.Extension{Url: &dpb.Uri{Value: misplacedURL}, Extension: []*dpb.Extension{
			textExtension("place", d.PlaceOf(n)), textExtension("element", strings.TrimSpace(string(ccda.AppendElement(nil, d, n))))}})
		d.LeavesBelow(n, func(leaf tree.Node, s tree.State, _ string) {
			if s == tree.Unmapped {
				d.Mark(leaf, tree.Folded, misplacedWhy)
			}
		})
	})
	return any
}

// writeMisplaced says of it that it does not come back.
func writeMisplaced(c *mapping.Context, src proto.Message, _ tree.Node) bool {
	any := false
	if list := extensions(src); list != nil {
		for _, x := range *list {
			if x.GetUrl().GetValue() == misplacedURL {
				c.Decline(x, "CDA's schema does not allow it where it stood")
				any = true
			}
		}
	}
	return any
}
