package ccdafhir

import (
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

const genderURL = "https://chartpost.org/fhir/StructureDefinition/administrative-gender"

var genders = []struct {
	code string
	fhir cpb.AdministrativeGenderCode_Value
}{{"M", cpb.AdministrativeGenderCode_MALE}, {"F", cpb.AdministrativeGenderCode_FEMALE}, {"UN", cpb.AdministrativeGenderCode_OTHER}, {"UNK", cpb.AdministrativeGenderCode_UNKNOWN}}

// readGender reads administrativeGenderCode: FHIR's code, and the whole of it in an extension beside it, where it has more than the
// code.
func readGender(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	p, ok := dst.(*ppb.Patient)
	if !ok {
		return false
	}
	code := attrText(c.Doc, n, "code")
	if code == "" {
		code = attrText(c.Doc, n, "nullFlavor")
	}
	gender := &ppb.Patient_GenderCode{}
	for _, g := range genders {
		if g.code == code {
			gender.Value = g.fhir
		}
	}
	whole := &dpb.CodeableConcept{}
	if !c.ReadTable("CD", n, whole) {
		return false
	}
	if gender.Value == 0 { // a code that is none of HL7's says nothing that FHIR's could
		gender.Value = cpb.AdministrativeGenderCode_UNKNOWN
	}
	gender.Extension = append(gender.Extension, &dpb.Extension{Url: &dpb.Uri{Value: genderURL},
		Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: whole}}})
	p.Gender = gender
	return true
}

func writeGender(c *mapping.Context, src proto.Message, n tree.Node) bool {
	p, ok := src.(*ppb.Patient)
	if !ok || p.Gender == nil {
		return false
	}
	for _, x := range p.Gender.Extension {
		if whole := x.GetValue().GetCodeableConcept(); whole != nil && x.GetUrl().GetValue() == genderURL {
			if !c.WriteTable("CD", whole, n) {
				return false
			}
			c.Claim(x)
			c.ClaimValue(p.Gender)
			return true
		}
	}
	for _, g := range genders {
		if g.fhir == p.Gender.Value {
			name := "code"
			if g.code == "UNK" {
				name = "nullFlavor"
			} else if !set(c.Doc, n, "codeSystem", "2.16.840.1.113883.5.1") {
				return false
			}
			if !set(c.Doc, n, name, g.code) {
				return false
			}
			c.ClaimValue(p.Gender)
			return true
		}
	}
	return false
}
