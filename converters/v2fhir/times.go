package v2fhir

import (
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// dtm is DTM.
var dtm = mapping.Type{Read: hl7.Time.Read, Normal: hl7.Time.Normal, Write: func(c *mapping.Context, s string) (string, error) {
	text, err := hl7.Time.Write(c, s)
	if short := shortFraction(text); err == nil && short != text {
		return short, mapping.Loss("the fraction of a second has four digits")
	}
	return text, err
}}

// shortFraction is a time of HL7 with the four digits that the fraction of a second may have.
func shortFraction(text string) string {
	dot := strings.IndexByte(text, '.')
	if dot < 0 {
		return text
	}
	end := len(text)
	if i := strings.IndexAny(text, "+-"); i >= 0 {
		end = i
	}
	return text[:min(dot+1+len("0000"), end)] + text[end:]
}

// timeOf is a dateTime in the form of DTM, empty if it has no value.
func timeOf(t *dpb.DateTime) string {
	if t == nil {
		return ""
	}
	return shortFraction(hl7.DTM(hl7.FHIRText(t)))
}

// day is a DT, in which senders put times of day that come back to them. Of a record that no message made it has the day.
var day = mapping.Type{Read: dtm.Read, Normal: dtm.Normal, Write: func(c *mapping.Context, s string) (string, error) {
	text, err := dtm.Write(c, s)
	if digits := len("20060102"); err == nil && len(text) > digits && !ofMessage(c) {
		return text[:digits], mapping.Loss("a day stands there, without the time of day")
	}
	return text, err
}}

// ndl is who stands in an NDL, with the times and places of it, or in an XCN that was sent in its stead.
var ndl = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		who, begun := c.Doc.Child(n, "1"), c.Doc.Child(n, "2")
		if begun != 0 && (who == 0 || c.Doc.Child(who, "2") == 0) {
			s := c.Doc.LeafText(begun)
			if _, err := hl7.ParseMoment(s, false); err != nil && strings.Trim(s, " ") != "" && s != c.Doc.Null {
				return c.ReadTable("NDL_XCN", n, dst)
			}
		}
		return c.ReadTable("NDL_PARTS", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		return c.WriteTable("NDL_XCN", src, n) || c.WriteTable("NDL_PARTS", src, n)
	},
}

// rangeOf is the range of time of a name or an address: its period, unless other components have said that already. One that could not be read
// has said nothing.
func rangeOf(table, place string) mapping.Pair {
	return mapping.Pair{Parts: []string{place},
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			said := false // not by an interface: the linker would keep that method of all types
			switch x := dst.(type) {
			case *dpb.HumanName:
				said = x.Period != nil
			case *dpb.Address:
				said = x.Period != nil
			}
			if said {
				return c.ReadTable(table+"_BESIDE", n, dst)
			}
			return c.ReadTable(table+"_ALONE", n, dst)
		},
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
			return c.WriteTable(table+"_BESIDE", src, n)
		},
	}
}

// The extensions that hold the time of a birth: FHIR's own may stand at Patient.birthDate alone, so other persons have one of ours.
const (
	birthTimeURL      = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
	otherBirthTimeURL = "https://chartpost.org/fhir/StructureDefinition/birthTime"
)

// birth is the pair for a date that may have a time of day (PID-7): the date, and with an offset the extension url for the time.
func birth(url string) mapping.Pair {
	return mapping.Pair{Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool { return readBirth(c, n, dst, url) },
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool { return writeBirth(c, src, n, url) }}
}

func readBirth(c *mapping.Context, n tree.Node, dst proto.Message, url string) bool {
	d, ok := dst.(*dpb.Date)
	leaf := c.Doc.Leaf(n)
	if !ok || c.Doc.Text(leaf) == "" {
		return false
	}
	if s := c.Doc.Text(leaf); s == c.Doc.Null {
		return false
	}
	m, err := hl7.ParseMoment(c.Doc.Text(leaf), false)
	if err != nil || !hl7.Store(d, m.ISODate()) {
		c.Doc.Mark(leaf, tree.Invalid, hl7.ErrTime.Error())
		return false
	}
	why := ""
	if m.Clock != "" {
		clock, added := m.ISOClock()
		if m.Zone == "" {
			if zone, ok := hl7.InZone(c, &m); ok {
				m.Zone, why = zone, "comes back with the offset of the zone that was given"
			}
		}
		dt := &dpb.DateTime{}
		if m.Zone != "" && hl7.Store(dt, m.ISODate()+"T"+clock+m.Zone[:3]+":"+m.Zone[3:]) {
			d.Extension = append(d.Extension, &dpb.Extension{Url: &dpb.Uri{Value: url},
				Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_DateTime{DateTime: dt}}})
			if added {
				why = "FHIR wants minutes and seconds: zeros are added"
			}
		} else {
			why = string(hl7.NoOffset)
		}
	} else if m.Zone != "" {
		why = "a date has no offset in FHIR"
	}
	carry(c, why, leaf)
	return true
}

func writeBirth(c *mapping.Context, src proto.Message, n tree.Node, url string) bool {
	d, ok := src.(*dpb.Date)
	if !ok {
		return false
	}
	s := strings.ReplaceAll(hl7.FHIRText(d), "-", "")
	for _, x := range d.Extension {
		if dt := x.GetValue().GetDateTime(); dt != nil && x.GetUrl().GetValue() == url {
			full, _ := hl7.WriteTime(c, hl7.FHIRText(dt))
			if strings.HasPrefix(full, s) {
				s = full
				c.Claim(x)
			}
		}
	}
	leaf := c.Doc.Leaf(n)
	if s == "" || c.Doc.Text(leaf) != "" && c.Doc.Text(leaf) != s {
		return false
	}
	c.Doc.SetText(leaf, s)
	c.ClaimValue(d)
	return true
}
