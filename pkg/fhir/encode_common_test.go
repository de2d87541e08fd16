package fhir

import (
	"testing"

	codes "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// TestCommonTypes compares the writers of single types with the codec, which knows all types alike.
func TestCommonTypes(t *testing.T) {
	said := func(s string) *dpb.String { return &dpb.String{Value: s} }
	uri := func(s string) *dpb.Uri { return &dpb.Uri{Value: s} }
	noted := []*dpb.Extension{{Url: uri("urn:x:note"), Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Code{Code: &dpb.Code{Value: "c"}}}}}
	internal := []*dpb.Extension{{Url: uri(plan.NoValueURL)}}
	value := func(v *dpb.Extension_ValueX) *dpb.Extension { return &dpb.Extension{Url: uri("urn:x"), Value: v} }
	coding := &dpb.Coding{Id: said("i"), Extension: noted, System: uri("urn:s"), Version: said("1"), Code: &dpb.Code{Value: "a \"b\" \\ \u00e9 \x01", Extension: noted},
		Display: &dpb.String{Id: said("d"), Extension: internal}}
	concept := &dpb.CodeableConcept{Coding: []*dpb.Coding{coding, {}, {Display: said("only")}}, Text: &dpb.String{Extension: noted}}
	id := &dpb.Identifier{Type: concept, System: uri("urn:s"), Value: said("7"), Extension: append(internal, noted...)}
	ref := &dpb.Reference{Reference: &dpb.Reference_PatientId{PatientId: &dpb.ReferenceId{Value: "p", Extension: noted}}, Type: uri("Patient"), Identifier: id,
		Display: said("\u2028")}
	for _, m := range []proto.Message{
		coding, concept, id, ref,
		&dpb.Coding{}, &dpb.CodeableConcept{}, &dpb.Identifier{}, &dpb.Reference{}, &dpb.Extension{},
		&dpb.Coding{System: uri("urn:s"), UserSelected: &dpb.Boolean{Value: true}},
		&dpb.CodeableConcept{Coding: []*dpb.Coding{{}}, Extension: internal},
		&dpb.Identifier{Use: &dpb.Identifier_UseCode{Value: codes.IdentifierUseCode_OLD}, Value: said("8"), Assigner: ref, Period: &dpb.Period{}},
		&dpb.Reference{Reference: &dpb.Reference_Uri{Uri: said("urn:uuid:1")}},
		&dpb.Reference{Reference: &dpb.Reference_Fragment{Fragment: said("x")}, Extension: noted},
		&dpb.Extension{Id: said("e"), Extension: []*dpb.Extension{value(nil), {Extension: noted}}, Url: uri("urn:outer")},
		value(&dpb.Extension_ValueX{}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{StringValue: &dpb.String{Value: "s", Extension: internal}}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Uri{Uri: uri("urn:v")}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Identifier{Identifier: id}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Identifier{}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Coding{Coding: coding}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: concept}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Reference{Reference: ref}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}),
		value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Quantity{Quantity: &dpb.Quantity{Value: &dpb.Decimal{Value: "1.0"}}}}),
	} {
		var own, all encoder
		known, some, f := own.common(m)
		want, g := all.typed(codecOf(plan.OfMessage(m)), m)
		if !known || f != nil || g != nil || some != want || string(own.b) != string(all.b) {
			t.Errorf("%s: %v %v %v\n%s\nis by the codec %v %v\n%s", plan.OfMessage(m).Name, known, some, f, own.b, want, g, all.b)
		}
	}
	for _, m := range []proto.Message{
		&dpb.CodeableConcept{Coding: []*dpb.Coding{{}, {Code: &dpb.Code{Value: "\xff"}}}},
		&dpb.Extension{Extension: []*dpb.Extension{value(&dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Reference{Reference: &dpb.Reference{Display: said("\xff")}}})}},
		&dpb.Identifier{Type: &dpb.CodeableConcept{Text: said("\xff")}},
		&dpb.Reference{Reference: &dpb.Reference_Uri{Uri: said("\xff")}},
	} {
		var own, all encoder
		_, _, f := own.common(m)
		_, g := all.typed(codecOf(plan.OfMessage(m)), m)
		if f == nil || g == nil || f.Place.Path != g.Place.Path {
			t.Errorf("%s: %v, by the codec %v", plan.OfMessage(m).Name, f, g)
		}
	}
}
