package v2fhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// obxTables are the tables that read one repetition of OBX-5 as a component, by OBX-2.
var obxTables = map[string]string{"NM": "OBX_NM", "SN": "OBX_SN", "ST": "OBX_ST", "TX": "OBX_ST", "FT": "OBX_ST",
	"CWE": "OBX_CWE", "CE": "OBX_CWE", "CNE": "OBX_CWE", "CF": "OBX_CWE", "IS": "OBX_CWE", "ID": "OBX_CWE",
	"DTM": "OBX_DTM", "TS": "OBX_DTM", "DT": "OBX_DTM", "TM": "OBX_TM", "DR": "OBX_DR", "NR": "OBX_NR", "": "OBX_ST",
	// These have rows of their own, for one value or for all.
	"VR": "", "NA": "", "MA": "", "ED": "", "RP": "", "EI": "", "CX": "", "CK": "", "XPN": "", "PN": "", "XAD": "", "AD": "", "SAD": "",
	"XTN": "", "TN": "", "XCN": "", "CN": "", "CNN": "", "XON": "", "PL": "", "HD": "", "CP": "", "MO": "", "CQ": "", "DLN": "",
	"GTS": "", "SI": "", "UD": ""}

// obxTable is the table that reads a repetition of OBX-5: what HL7 has no type for is a text.
func obxTable(typ string) string {
	if table, known := obxTables[typ]; known {
		return table
	}
	return "OBX_ST"
}

// obx5 is OBX-5 where it repeats: a component for each repetition, with the code of OBX-3 and, beside a number, the unit of
// OBX-6, which the table OBX keeps in an extension. Going back, components that have another code than their Observation
// are no repetitions of one value, and are left alone.
var obx5 = mapping.Pair{
	Read: func(c *mapping.Context, obx tree.Node, dst proto.Message) (any bool) {
		o, ok := dst.(*opb.Observation)
		typ := c.Doc.LeafText(c.Doc.Child(obx, "2"))
		table := obxTable(typ)
		if !ok || table == "" {
			return false
		}
		unit := obxUnit(o)
		empty := 0
		for k := range children(c.Doc, obx, "5") {
			if c.Doc.Empty(k) {
				empty++
				continue
			}
			for ; empty > 0; empty-- { // a blank line of a text: what stands behind it keeps its place
				blank := &opb.Observation_Component{}
				if o.Code != nil {
					blank.Code = proto.Clone(o.Code).(*dpb.CodeableConcept)
				}
				o.Component = append(o.Component, blank)
			}
			part := &opb.Observation_Component{}
			if !ofType(c.Doc, typ, k) { // a text, as the only value would be
				if !c.ReadTable("OBX_ST", k, part) {
					continue
				}
				c.ReadTable("OBX_TYPE", obx, o)
			} else if !c.ReadTable(table, k, part) {
				continue
			}
			if o.Code != nil {
				part.Code = proto.Clone(o.Code).(*dpb.CodeableConcept)
			}
			if q := part.GetValue().GetQuantity(); q != nil && unit != nil {
				proto.Merge(q, unit)
			}
			o.Component = append(o.Component, part)
			any = true
		}
		if k := c.Doc.Child(obx, "2"); any && k != 0 {
			c.Carry(c.Doc.Leaf(k))
		}
		return any
	},
	Write: func(c *mapping.Context, src proto.Message, obx tree.Node) (any bool) {
		o, ok := src.(*opb.Observation)
		table := obxTable(c.Doc.LeafText(c.Doc.Child(obx, "2")))
		if !ok || len(o.Component) == 0 || o.Value != nil {
			return false
		}
		for _, part := range o.Component {
			if !proto.Equal(part.Code, o.Code) {
				return false
			}
		}
		if c.Doc.Child(obx, "2") == 0 {
			typ := obxTypeOf(o.Component[max(slices.IndexFunc(o.Component, func(part *opb.Observation_Component) bool { return part.Value != nil }), 0)])
			if table = obxTable(typ); typ == "" {
				return false
			}
			c.Doc.SetText(c.Doc.Add(obx, "2", ""), typ)
		}
		unit := obxUnit(o)
		for _, part := range o.Component {
			at := c.Doc.Add(obx, "5", "")
			if !c.WriteTable(table, part, at) && !c.WriteTable("OBX_ST", part, at) && !proto.Equal(part, &opb.Observation_Component{Code: part.Code}) {
				continue
			}
			any = true
			if part.Code != nil {
				c.Claim(part.Code)
			}
			if q := part.GetValue().GetQuantity(); q != nil && unit != nil &&
				proto.Equal(&dpb.Quantity{Code: q.Code, System: q.System, Unit: q.Unit}, unit) {
				for _, m := range []proto.Message{q.Code, q.System, q.Unit} {
					c.Claim(m)
				}
			}
		}
		return any
	},
}

// obxUnread is a result that is not of the type that OBX-2 names (<5, POS and ^31.3 as NM, about May as DT): it is a text in FHIR, before the rows
// of its type find nothing in it. Going back the extension for OBX-2 has the type, and OBX_OTHER or SNTEXT writes the text.
var obxUnread = mapping.Pair{
	Read: func(c *mapping.Context, obx tree.Node, dst proto.Message) bool {
		value := c.Doc.Child(obx, "5")
		typ := cmp.Or(c.Doc.LeafText(c.Doc.Child(obx, "2")), "NM") // what has a unit and no type is a number
		return value != 0 && !ofType(c.Doc, typ, value) && c.ReadTable("OBX_TEXT", obx, dst)
	},
	Write: nothingBack,
}

// ofType reports a number or time that is one, and what is neither by its type.
func ofType(d *tree.Doc, typ string, value tree.Node) bool {
	is := func(name string, ok func(s string) bool) bool {
		k := d.Child(value, name)
		if k == 0 && name == "1" {
			k = value
		}
		s := ""
		if k != 0 {
			s = d.LeafText(k)
		}
		return s == "" || s == d.Null || ok(s)
	}
	number := func(s string) bool {
		_, err := decimalType().Parse(hl7.Number(s))
		return err == nil
	}
	if d.LeafText(value) == "" && !d.Empty(value) && slices.Contains([]string{"NM", "DT", "DTM", "TS", "TM"}, typ) {
		return false // what it says stands in a part that the type has not
	}
	switch typ {
	case "NM":
		return is("1", number)
	case "SN":
		four := d.Child(value, "4")
		two := four != 0 && !d.Empty(four) // a ratio or a range, whatever stands before it
		return (two || is("1", func(s string) bool { return slices.Contains([]string{"<", "<=", ">", ">=", "=", "<>"}, s) })) && is("2", number) && is("4", number)
	case "DT", "DTM", "TS", "TM":
		return is("1", func(s string) bool {
			_, err := hl7.ParseMoment(s, typ == "TM")
			return err == nil
		})
	}
	return true
}

// obxUnit is the unit that the extension for OBX-6 holds.
func obxUnit(o *opb.Observation) *dpb.Quantity {
	for _, x := range o.Extension {
		if x.GetUrl().GetValue() != obx6URL {
			continue
		}
		cc := x.GetValue().GetCodeableConcept()
		if len(cc.GetCoding()) == 0 {
			return nil
		}
		first := cc.Coding[0]
		if whole := first.GetCode().GetValue() + "^" + first.GetDisplay().GetValue(); first.System == nil && isPowerOfTen(whole) {
			return &dpb.Quantity{Unit: &dpb.String{Value: whole}}
		}
		q := &dpb.Quantity{Code: first.Code, System: first.System, Unit: first.Display}
		if q.Unit == nil && q.Code != nil {
			q.Unit = &dpb.String{Value: q.Code.Value}
		}
		if q.System == nil { // FHIR wants no code without its system
			q.Code = nil
		}
		return q
	}
	return nil
}

const obx6URL = "https://chartpost.org/fhir/StructureDefinition/OBX-6"

// obxTypeOf is the type for OBX-2 of a component that came from no message.
func obxTypeOf(part *opb.Observation_Component) string {
	switch part.GetValue().GetChoice().(type) {
	case *opb.Observation_Component_ValueX_Quantity:
		if part.GetValue().GetQuantity().Comparator != nil {
			return "SN"
		}
		return "NM"
	case *opb.Observation_Component_ValueX_CodeableConcept:
		return "CWE"
	case *opb.Observation_Component_ValueX_StringValue:
		return "ST"
	case *opb.Observation_Component_ValueX_Range, *opb.Observation_Component_ValueX_Ratio:
		return "SN"
	case *opb.Observation_Component_ValueX_Time:
		return "TM"
	case *opb.Observation_Component_ValueX_DateTime:
		return "DTM"
	case *opb.Observation_Component_ValueX_Period:
		return "DR"
	}
	return ""
}

// obxPart writes a component of a panel, which has a code of its own, as an observation below it: a group behind that of the
// panel, with the panel's number and its own in OBX-4, and the panel's status and time.
var obxPart = mapping.Pair{
	Read: nothing,
	Write: func(c *mapping.Context, src proto.Message, group tree.Node) bool {
		part, ok := src.(*opb.Observation_Component)
		panel := c.Doc.Child(group, "OBX")
		if !ok || panel == 0 {
			return false
		}
		list := c.Doc.Parent(group)
		number := func(obx tree.Node) string {
			if k := c.Doc.Child(obx, "4"); k != 0 {
				return c.Doc.LeafText(k)
			}
			return ""
		}
		of := number(panel)
		if of == "" {
			of = strconv.Itoa(c.Doc.Ordinal(group))
		}
		n := 1
		for k := c.Doc.Next(group); k != 0; k = c.Doc.Next(k) {
			if obx := c.Doc.Child(k, "OBX"); obx != 0 && strings.HasPrefix(number(obx), of+".") {
				n++
			}
		}
		obx := c.Doc.Add(c.Doc.Add(list, c.Doc.Name(group), ""), "OBX", "")
		if !c.WriteTable("OBX_COMPONENT", part, obx) {
			return false
		}
		if c.Doc.Child(panel, "5") != 0 && slices.Equal(parts(c.Doc, c.Doc.Child(panel, "3")), parts(c.Doc, c.Doc.Child(obx, "3"))) {
			return false // a repetition of OBX-5, which OBX_5 has written
		}
		if c.Doc.Child(panel, "4") == 0 {
			c.Doc.Add(panel, "4", of)
		}
		c.Doc.SetText(c.Doc.Add(obx, "4", ""), of+"."+strconv.Itoa(n))
		for _, field := range []string{"11", "14"} {
			if k := c.Doc.Child(panel, field); k != 0 {
				c.Doc.SetText(c.Doc.Add(obx, field, ""), c.Doc.LeafText(k))
			}
		}
		return true
	},
}

// refRange writes the ends of a reference range that has no text as the text of OBX-7, after the standard's forms: 3.5-5.0, >3.5,
// <5.0. Units that are not those of the value stand behind it. A range that is for some patients alone is not written.
var refRange = mapping.Pair{
	Read: nothing,
	Write: func(c *mapping.Context, src proto.Message, to tree.Node) bool {
		var list []*opb.Observation_ReferenceRange
		var value *dpb.Quantity
		switch o := src.(type) {
		case *opb.Observation:
			list, value = o.ReferenceRange, o.GetValue().GetQuantity()
		case *opb.Observation_Component:
			list, value = o.ReferenceRange, o.GetValue().GetQuantity()
		}
		if len(list) == 0 || c.Doc.LeafText(to) != "" {
			return false
		}
		r := list[0]
		if r.Text != nil || r.AppliesTo != nil || r.Age != nil || r.Type != nil && !isNormal(r.Type) {
			return false
		}
		low, high := r.GetLow().GetValue().GetValue(), r.GetHigh().GetValue().GetValue()
		text := low + "-" + high
		switch {
		case low == "" && high == "":
			return false
		case strings.HasPrefix(low, "-") || strings.HasPrefix(high, "-"):
			return false // the dash would be a sign or a range
		case high == "":
			text = ">" + low // the standard has no sign for "or equal"
		case low == "":
			text = "<" + high
		}
		unit := ""
		for _, q := range []*dpb.SimpleQuantity{r.Low, r.High} {
			if q == nil || q.Unit == nil && q.Code == nil || value != nil && q.GetCode().GetValue() == value.GetCode().GetValue() && q.GetUnit().GetValue() == value.GetUnit().GetValue() {
				continue
			}
			of := cmp.Or(q.GetUnit().GetValue(), q.GetCode().GetValue())
			if unit != "" && unit != of {
				return false
			}
			unit = of
		}
		if unit != "" {
			text += " " + unit
		}
		c.Doc.SetText(c.Doc.Leaf(to), text)
		c.Claim(r)
		return true
	},
}

// isNormal reports the meaning that a reference range has where it says none.
func isNormal(cc *dpb.CodeableConcept) bool {
	return len(cc.Coding) == 1 && cc.Coding[0].GetCode().GetValue() == "normal" && cc.Coding[0].GetSystem().GetValue() == "http://terminology.hl7.org/CodeSystem/referencerange-meaning"
}
