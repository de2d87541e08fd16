package ccdafhir

import (
	"regexp"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	devpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/device_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// udiRoot is the root of unique device identifiers: FDA, C-CDA R2.1, Product Instance.
const udiRoot = "2.16.840.1.113883.3.3719"

// udiParts are the parts of a UDI in the form of GS1, which people read: (01) the device, (10) lot, (11) made, (17) expires, (21) serial number.
var udiParts = regexp.MustCompile(`\((01|10|11|17|21)\)([^()]+)`)

// readUDI reads the unique identifier of a device: US Core, Implantable Device. The identifier itself is kept by the row of the ids.
func readUDI(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*devpb.Device)
	if !ok {
		return false
	}
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		udi := attrText(c.Doc, k, "extension")
		if c.Doc.Name(k) != "id" || attrText(c.Doc, k, "root") != udiRoot || udi == "" {
			continue
		}
		carrier := &devpb.Device_UdiCarrier{CarrierHrf: &dpb.String{Value: udi}}
		for _, part := range udiParts.FindAllStringSubmatch(udi, -1) {
			switch value := part[2]; part[1] {
			case "01":
				carrier.DeviceIdentifier = &dpb.String{Value: value}
				carrier.Issuer = &dpb.Uri{Value: "http://hl7.org/fhir/NamingSystem/gs1-di"}
			case "10":
				d.LotNumber = &dpb.String{Value: value}
			case "11":
				d.ManufactureDate = udiDate(value)
			case "17":
				d.ExpirationDate = udiDate(value)
			case "21":
				d.SerialNumber = &dpb.String{Value: value}
			}
		}
		d.UdiCarrier = append(d.UdiCarrier, carrier)
		return true
	}
	return false
}

// udiDate is a date of GS1, YYMMDD, of which the day may be 00; nil if it is none. Devices with a UDI are of this century.
func udiDate(s string) *dpb.DateTime {
	if len(s) != 6 {
		return nil
	}
	text := "20" + s[:2] + "-" + s[2:4]
	if s[4:] != "00" {
		text += "-" + s[4:]
	}
	t := &dpb.DateTime{}
	if !hl7.Store(t, text) {
		return nil
	}
	return t
}
