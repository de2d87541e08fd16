package csvfhir

import (
	"fmt"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// measurePair is MEASURE(unit): what was measured in a column whose name says the unit, on an Observation or a component of one. FHIR's vital signs
// have numbers alone: a word (refused, n/a) says why there is none, and a number that cannot be read, or that has another unit, is invalid.
func measurePair(word string) (mapping.Pair, error) {
	words := unitsOf[word]
	if words == nil {
		return mapping.Pair{}, fmt.Errorf("MEASURE knows no unit %s", word)
	}
	unit := words[0]
	said := func(own string) bool {
		own = strings.ReplaceAll(own, " ", "")
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, own) })
	}
	return mapping.Pair{
		Makes: []string{"Observation", "Observation.component"},
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			s := cell(c, n)
			if s == "" {
				return false
			}
			sign, value, own, ok := parseQuantity(c, n, s)
			absent := &dpb.CodeableConcept{}
			switch {
			case ok && (own == "" || said(own)):
				q := &dpb.Quantity{}
				setQuantity(q, sign, value, unit)
				q.System, q.Code = &dpb.Uri{Value: ucum}, &dpb.Code{Value: unit}
				carryAs(c, n, strings.TrimSpace(sign+value))
				switch o := dst.(type) {
				case *opb.Observation:
					o.Value = &opb.Observation_ValueX{Choice: &opb.Observation_ValueX_Quantity{Quantity: q}}
				case *opb.Observation_Component:
					o.Value = &opb.Observation_Component_ValueX{Choice: &opb.Observation_Component_ValueX_Quantity{Quantity: q}}
				}
				return true
			case strings.ContainsAny(s, "0123456789"):
				c.Doc.Mark(c.Doc.Leaf(n), tree.Invalid, "not a number in "+unit)
				absent.Coding = []*dpb.Coding{{System: &dpb.Uri{Value: absentSystem}, Code: &dpb.Code{Value: "error"}}}
			default:
				absent.Text = str(s)
				carryAs(c, n, s)
			}
			switch o := dst.(type) {
			case *opb.Observation:
				o.DataAbsentReason = absent
			case *opb.Observation_Component:
				o.DataAbsentReason = absent
			}
			return true
		},
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
			var q *dpb.Quantity
			var absent *dpb.CodeableConcept
			switch o := src.(type) {
			case *opb.Observation:
				q, absent = o.GetValue().GetQuantity(), o.DataAbsentReason
			case *opb.Observation_Component:
				q, absent = o.GetValue().GetQuantity(), o.DataAbsentReason
			}
			if q == nil {
				if absent.GetText().GetValue() == "" || !put(c, n, absent.Text.Value) {
					return false
				}
				c.ClaimValue(absent.Text)
				return true
			}
			if q.GetCode().GetValue() != unit || q.GetSystem().GetValue() != ucum || q.GetValue().GetValue() == "" ||
				!put(c, n, comparatorSigns[q.GetComparator().GetValue()]+q.Value.Value) {
				return false
			}
			c.ClaimValue(q.Value)
			c.ClaimValue(q.Code)
			c.ClaimValue(q.System)
			if q.GetUnit().GetValue() == unit {
				c.ClaimValue(q.Unit)
			}
			if q.Comparator != nil {
				c.Claim(q.Comparator)
			}
			return true
		},
	}, nil
}

const absentSystem = "http://terminology.hl7.org/CodeSystem/data-absent-reason"

// unitsOf are the units that columns of vital signs have, by the word for each that rows use: UCUM's code, and how people write it in a cell.
var unitsOf = map[string][]string{
	"percent":   {"%"},
	"perMinute": {"/min", "bpm", "beats/min", "brpm", "breaths/min"},
	"mmHg":      {"mm[Hg]", "mmhg"},
	"degC":      {"Cel", "c", "°c", "ºc", "degc"},
	"degF":      {"[degF]", "f", "°f", "ºf", "degf"},
	"kg":        {"kg", "kgs"},
	"lb":        {"[lb_av]", "lb", "lbs", "pounds"},
	"cm":        {"cm"},
	"in":        {"[in_i]", "in", "inch", "inches"},
	"kgPerM2":   {"kg/m2", "kg/m²", "kg/m^2"},
}
