package v2fhir

import (
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// more writes into the one component that a name or an address of a message has for them what FHIR says several times: the given names behind the
// first (XPN-3: "second and further given names"), suffixes, prefixes, and the lines behind the first.
//
//go:noinline
func more(given, suffix, prefix string) mapping.Pair {
	return mapping.Pair{Read: nothing, Write: func(c *mapping.Context, src proto.Message, n tree.Node) (any bool) {
		switch m := src.(type) {
		case *dpb.HumanName:
			any = together(c, n, given, " ", m.Given[min(1, len(m.Given)):])
			any = together(c, n, suffix, " ", m.Suffix) || any
			any = together(c, n, prefix, " ", m.Prefix) || any
		case *dpb.Address:
			any = together(c, n, "2", ", ", m.Line[min(1, len(m.Line)):])
		}
		return any
	}}
}

// together writes several texts as one. Those that say more of themselves have components of their own.
func together(c *mapping.Context, n tree.Node, place, between string, list []*dpb.String) bool {
	if len(list) < 2 {
		return false
	}
	var words []string
	for _, x := range list {
		if len(x.Extension) > 0 {
			return false
		}
		words = append(words, x.GetValue())
	}
	if !setPart(c, n, place, strings.Join(words, between)) {
		return false
	}
	defer c.Fold("a message has one component for them, and they come back as one")()
	for _, x := range list {
		c.Take(x)
	}
	return true
}
