package v2fhir

import (
	"strings"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// The value of a ContactPoint is one of XTN's components 12, 1 and 4, or is made of 5 to 8, which stand in extensions of
// their own. For a telephone component 1 is the natural one, for an e-mail address 4: a value from there comes back there.
// Another one that was the value, or was there besides, stands in an extension of ours, and comes back from it.

func isEmail(equipment string) bool { return equipment == "Internet" || equipment == "X.400" }

// dial makes a number of components 5 to 8 as the guide does: +COUNTRY AREA LOCAL XEXTENSION.
func dial(c *mapping.Context, n tree.Node) string {
	local, _ := part(c, n, "7")
	if local == "" {
		return ""
	}
	s := local
	if area, _ := part(c, n, "6"); area != "" {
		s = area + " " + s
	}
	if country, _ := part(c, n, "5"); country != "" {
		s = "+" + strings.TrimPrefix(country, "+") + " " + s
	}
	if ext, _ := part(c, n, "8"); ext != "" {
		s += " X" + ext
	}
	return s
}

// assumed marks a system that the source does not name, and that is not written back.
func assumed() *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: cp + "assumed"}, Value: &dpb.Extension_ValueX{
		Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}}
}

func readNumber(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	t, ok := dst.(*dpb.ContactPoint)
	if !ok {
		return false
	}
	one, oneLeaf := part(c, n, "1")
	four, fourLeaf := part(c, n, "4")
	twelve, twelveLeaf := part(c, n, "12")
	equipment, _ := part(c, n, "3")
	made := dial(c, n)
	email := isEmail(equipment) || equipment == "" && four != "" && one == "" && twelve == "" && made == ""
	value, from := "", "1"
	switch {
	case email && four != "":
		value, from = four, "4"
	case email && one != "":
		value = one
	case twelve != "":
		value, from = twelve, "12"
	case made != "":
		value, from = made, ""
	case one != "":
		value = one
	case four != "":
		value, from = four, "4"
	}
	if value = printable(value); strings.TrimSpace(value) == "" {
		return false
	}
	t.Value = str(value)
	if t.System == nil {
		system := cpb.ContactPointSystemCode_PHONE
		if email || strings.Contains(value, "@") {
			system = cpb.ContactPointSystemCode_EMAIL
		}
		t.System = &dpb.ContactPoint_SystemCode{Value: system, Extension: []*dpb.Extension{assumed()}}
	}
	natural := "1"
	if t.System.GetValue() == cpb.ContactPointSystemCode_EMAIL {
		natural = "4"
	}
	for _, x := range []struct {
		name, text string
		leaf       tree.Node
	}{{"1", one, oneLeaf}, {"4", four, fourLeaf}, {"12", twelve, twelveLeaf}} {
		if x.text == "" {
			continue
		}
		if x.name != from || from != natural {
			t.Extension = append(t.Extension, stringExt("XTN-"+x.name, x.text))
		}
		carry(c, "", x.leaf)
	}
	return true
}

func writeNumber(c *mapping.Context, src proto.Message, n tree.Node) bool {
	t, ok := src.(*dpb.ContactPoint)
	if !ok || t.GetValue().GetValue() == "" {
		return false
	}
	value, there := t.GetValue().GetValue(), false
	for _, name := range []string{"1", "4", "12"} {
		s, x := extText(t.Extension, "XTN-"+name)
		if x == nil {
			continue
		}
		if !setPart(c, n, name, s) {
			return false
		}
		c.Claim(x)
		there = there || s == value
	}
	if there = there || dial(c, n) == value; !there {
		natural := "1"
		if t.GetSystem().GetValue() == cpb.ContactPointSystemCode_EMAIL {
			natural = "4"
		}
		if !setPart(c, n, natural, value) && !setPart(c, n, "12", value) {
			return false
		}
	}
	c.ClaimValue(t.Value)
	for _, x := range t.GetSystem().GetExtension() {
		if x.GetUrl().GetValue() == cp+"assumed" {
			claim(c, x)
			c.ClaimValue(t.System)
		}
	}
	if equipment, _ := part(c, n, "3"); equipment != "" && t.System != nil { // 3 says it, perhaps in words of its own
		c.ClaimValue(t.System)
	}
	return true
}
