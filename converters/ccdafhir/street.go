package ccdafhir

import (
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Documents of Europe have the street and the number of a house in elements of their own, where C-CDA has a line. FHIR has a line too: the parts
// are joined to one in their order, and stand in the extensions of ISO 21090 beside it, from which they come back.

const addressPart = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-"

// streetParts are the parts of an address that make a line.
var streetParts = []string{"buildingNumberSuffix", "careOf", "deliveryAddressLine", "deliveryInstallationArea", "deliveryInstallationQualifier",
	"deliveryInstallationType", "deliveryMode", "deliveryModeIdentifier", "direction", "houseNumber", "houseNumberNumeric", "postBox", "streetName",
	"streetNameBase", "streetNameType", "unitID", "unitType"}

func readStreet(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Address)
	if !ok {
		return false
	}
	line := &dpb.String{}
	var words []string
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		name, text := c.Doc.Name(k), c.Doc.Text(k)
		if text == "" || !slices.Contains(streetParts, name) {
			continue
		}
		words = append(words, text)
		x := textExtension(addressPart+name, text)
		line.Extension = append(line.Extension, x)
		c.CarryText(k)
		if a := attr(c.Doc, k, "partType"); a != 0 {
			c.Doc.Mark(a, tree.Declined, "the name of the element says it")
		}
	}
	if len(words) == 0 {
		return false
	}
	line.Value = strings.Join(words, " ")
	d.Line = append(d.Line, line)
	return true
}

// writeStreet writes a line in its parts, if they still make it.
func writeStreet(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Address)
	if !ok {
		return false
	}
	any := false
	for _, line := range slices.Clone(d.Line) {
		var words []string
		for _, x := range line.Extension {
			if name, ok := strings.CutPrefix(x.GetUrl().GetValue(), addressPart); ok && slices.Contains(streetParts, name) {
				words = append(words, x.GetValue().GetStringValue().GetValue())
			}
		}
		if len(words) == 0 || strings.Join(words, " ") != line.Value {
			continue
		}
		for _, x := range line.Extension {
			if name, ok := strings.CutPrefix(x.GetUrl().GetValue(), addressPart); ok && slices.Contains(streetParts, name) {
				c.Doc.Add(n, name, x.GetValue().GetStringValue().GetValue())
			}
		}
		c.Take(line)
		any = true
	}
	return any
}
