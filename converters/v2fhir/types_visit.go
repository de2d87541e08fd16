package v2fhir

import (
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	epb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// dischargeURL holds a discharge before the admission.
const dischargeURL = "https://chartpost.org/fhir/StructureDefinition/PV1-45"

// discharge is PV1-45: the end of the visit. FHIR refuses a period that ends before it begins (per-1), so what a sender got
// wrong stands in an extension.
var discharge = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		e, ok := dst.(*epb.Encounter)
		if !ok {
			return false
		}
		p := &dpb.Period{}
		if !c.ReadTable("PV1_45", n, p) {
			return false
		}
		if e.Period == nil {
			e.Period = &dpb.Period{}
		}
		if ends := e.Period.GetStart() == nil || !before(p.End, e.Period.Start); ends {
			e.Period.End = p.End
			return true
		}
		e.Extension = append(e.Extension, &dpb.Extension{Url: &dpb.Uri{Value: dischargeURL},
			Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_DateTime{DateTime: p.End}}})
		return true
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		e, ok := src.(*epb.Encounter)
		if !ok {
			return false
		}
		for _, x := range e.Extension {
			if end := x.GetValue().GetDateTime(); end != nil && x.GetUrl().GetValue() == dischargeURL {
				if !c.WriteTable("PV1_45", &dpb.Period{End: end}, n) {
					return false
				}
				c.Claim(x)
				return true
			}
		}
		return e.Period != nil && c.WriteTable("PV1_45", e.Period, n)
	},
}

// before reports that a time, taken to its last moment, lies before another one's first.
func before(end, start *dpb.DateTime) bool {
	last := time.UnixMicro(end.GetValueUs())
	switch end.GetPrecision() {
	case dpb.DateTime_YEAR:
		last = last.AddDate(1, 0, 1)
	case dpb.DateTime_MONTH:
		last = last.AddDate(0, 1, 1)
	case dpb.DateTime_DAY:
		last = last.AddDate(0, 0, 1)
	}
	return end.GetValueUs() != 0 && start.GetValueUs() != 0 && last.Before(time.UnixMicro(start.GetValueUs()))
}
