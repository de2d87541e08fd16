package hl7

import (
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// PeriodEnd is the end of a period whose beginning was read before it, by a table whose row for the source is the end of a Period. One that
// lies before the beginning, which FHIR refuses (per-1), is no end in FHIR and stands in an extension of the period.
func PeriodEnd(table string) mapping.Pair {
	return mapping.Pair{
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			p, ok := dst.(*dpb.Period)
			read := &dpb.Period{}
			if !ok || !c.ReadTable(table, n, read) {
				return false
			}
			if Before(read.End, p.Start) {
				p.Extension = append(p.Extension, &dpb.Extension{Url: &dpb.Uri{Value: periodEnd},
					Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_DateTime{DateTime: read.End}}})
			} else {
				p.End = read.End
			}
			return true
		},
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
			p, ok := src.(*dpb.Period)
			if !ok {
				return false
			}
			for _, x := range p.Extension {
				if end := x.GetValue().GetDateTime(); end != nil && x.GetUrl().GetValue() == periodEnd {
					if !c.WriteTable(table, &dpb.Period{End: end}, n) {
						return false
					}
					c.Claim(x)
					return true
				}
			}
			return p.End != nil && c.WriteTable(table, p, n)
		},
	}
}

const periodEnd = "https://chartpost.org/fhir/StructureDefinition/period-end"

// Before reports that a time, taken to its last moment, lies before another one's first.
func Before(end, start *dpb.DateTime) bool {
	last := time.UnixMicro(end.GetValueUs())
	whole := true // last is the moment behind it
	switch end.GetPrecision() {
	case dpb.DateTime_YEAR:
		last = last.AddDate(1, 0, 0)
	case dpb.DateTime_MONTH:
		last = last.AddDate(0, 1, 0)
	case dpb.DateTime_DAY:
		last = last.AddDate(0, 0, 1)
	default:
		whole = false
	}
	begins := time.UnixMicro(start.GetValueUs())
	return end.GetValueUs() != 0 && start.GetValueUs() != 0 && (last.Before(begins) || whole && last.Equal(begins))
}
