package v2fhir

import (
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// minutesOf are the units of time that senders put into CQ.2, in minutes: UCUM, and the words of table 0335's neighbours.
var minutesOf = map[string]uint32{"": 1, "min": 1, "MIN": 1, "M": 1, "h": 60, "hr": 60, "H": 60, "d": 1440, "D": 1440, "wk": 10080, "W": 10080}

// minutes is CQ[unsignedInt], the offset of Timing.repeat in minutes (TQ1-5). A unit other than the minute is folded: the
// way back writes minutes.
var minutes = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		offset, ok := dst.(*dpb.UnsignedInt)
		if !ok {
			return false
		}
		number := c.Doc.Leaf(n)
		x, err := strconv.ParseUint(c.Doc.Text(number), 10, 24)
		if err != nil {
			return false
		}
		unit := tree.Node(0)
		if two := c.Doc.Child(n, "2"); two != 0 {
			unit = c.Doc.Leaf(two)
		}
		word := ""
		if unit != 0 {
			word = c.Doc.Text(unit)
		}
		factor, ok := minutesOf[word]
		if !ok {
			return false
		}
		offset.Value = uint32(x) * factor
		if factor == 1 && (word == "min" || word == "") && strconv.FormatUint(x, 10) == c.Doc.Text(number) {
			c.Carry(number)
			if unit != 0 {
				c.Carry(unit)
			}
			return true
		}
		c.Doc.Mark(number, tree.Folded, "written back in minutes")
		c.Doc.Mark(unit, tree.Folded, "written back in minutes")
		return true
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		offset, ok := src.(*dpb.UnsignedInt)
		if !ok {
			return false
		}
		c.Doc.SetText(c.Doc.Add(n, "1", ""), strconv.FormatUint(uint64(offset.Value), 10))
		c.Doc.SetText(c.Doc.Add(n, "2", ""), "min")
		c.Claim(offset)
		return true
	},
}
