package ccdafhir

import (
	"slices"
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	docpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/document_reference_go_proto"
	epb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// FHIR's profiles look for some things by codes of their own: C-CDA on FHIR, Vitals and Social History; US Core 6.1. They stand behind the
// document's codes, marked as derived, so that no row writes them.

const (
	loinc            = "http://loinc.org"
	pregnancy        = "2.16.840.1.113883.10.20.15.3.8"
	deliveryDate     = "11778-8"
	roleCodes        = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
	oxygenSaturation = "2708-6"
	pulseOximetry    = "59408-5"
)

var profileDisplays = map[string]string{"85353-1": "Vital signs, weight, height, head circumference, oxygen saturation and BMI panel",
	"82810-3": "Pregnancy status", oxygenSaturation: "Oxygen saturation in Arterial blood",
	pulseOximetry: "Oxygen saturation in Arterial blood by Pulse oximetry", deliveryDate: "Delivery date Estimated",
	"laboratory": "Laboratory", "vital-signs": "Vital Signs", "social-history": "Social History", "clinical-note": "Clinical Note",
	"LAB": "Laboratory", "AP": "Administering Provider", "409073007": "Education", "GUARD": "guardian"}

// derivedConcept is a concept of one code, one of those that stand in this program, marked as derived.
func derivedConcept(system, code string) *dpb.CodeableConcept {
	cc := concept(system, code)
	if words := profileDisplays[code]; words != "" {
		cc.Coding[0].Display = &dpb.String{Value: words}
	}
	sum, ok := digests.Load([2]string{system, code})
	if !ok {
		sum = digest(cc)
		digests.Store([2]string{system, code}, sum)
	}
	if s, ok := sum.(string); ok {
		extend(cc, textExtension(derivedURL, s))
	}
	return cc
}

// digests are those of the concepts that derivedConcept makes, by system and code.
var digests sync.Map

// profiled adds the code by which a profile finds an observation that was made of n.
func profiled(d *tree.Doc, n tree.Node, x *opb.Observation) {
	if x.Code == nil {
		if d.Name(n) == "organizer" && ofTemplate(d, n, vitalsOrganizer) { // one that has no code is a panel nonetheless
			x.Code = &dpb.CodeableConcept{}
			alsoCoded(x, vitalsPanel)
		}
		return
	}
	says := func(code string) bool {
		return slices.ContainsFunc(x.Code.Coding, func(c *dpb.Coding) bool {
			return c.GetSystem().GetValue() == loinc && c.GetCode().GetValue() == code
		})
	}
	want := ""
	switch {
	case d.Name(n) == "organizer":
		if ofTemplate(d, n, vitalsOrganizer) {
			want = vitalsPanel
		}
	case says(oxygenSaturation):
		want = pulseOximetry
	case says(pulseOximetry):
		want = oxygenSaturation
	case attrText(d, d.Child(n, "code"), "code") == "ASSERTION" && ofTemplate(d, n, pregnancy):
		want = "82810-3"
	}
	if want != "" && !says(want) {
		alsoCoded(x, want)
	}
}

const vitalsPanel = "85353-1"

// alsoCoded gives an observation a code of LOINC beside what its sender calls it.
func alsoCoded(x *opb.Observation, code string) {
	coding := &dpb.Coding{System: &dpb.Uri{Value: loinc}, Code: &dpb.Code{Value: code}, Display: &dpb.String{Value: profileDisplays[code]}}
	markDerived(coding)
	x.Code.Coding = append(x.Code.Coding, coding)
}

// delivery gives a pregnancy the date of delivery that an observation within it estimates.
func delivery(c *mapping.Context, n tree.Node, x *opb.Observation) {
	if !ofTemplate(c.Doc, n, pregnancy) {
		return
	}
	for _, ref := range related(x, "observation") {
		o, ok := c.Led(ref).(*opb.Observation)
		if !ok || conceptCode(o.GetCode(), loinc) != deliveryDate || o.GetValue().GetDateTime() == nil {
			continue
		}
		date, ok := proto.Clone(o.Value.GetDateTime()).(*dpb.DateTime)
		if !ok {
			continue
		}
		part := &opb.Observation_Component{Code: concept(loinc, deliveryDate),
			Value: &opb.Observation_Component_ValueX{Choice: &opb.Observation_Component_ValueX_DateTime{DateTime: date}}}
		part.Code.Coding[0].Display = &dpb.String{Value: profileDisplays[deliveryDate]}
		markDerived(part)
		x.Component = append(x.Component, part)
	}
}

// noteVisit leads a note to the encounter that it names, C-CDA on FHIR, Notes.
func noteVisit(c *mapping.Context, x *docpb.DocumentReference, said proto.Message) {
	d, ok := said.(*docpb.DocumentReference)
	if !ok {
		return
	}
	for _, ref := range related(x, "encounter") {
		if _, ok := c.Led(ref).(*epb.Encounter); !ok {
			continue
		}
		to := &dpb.Reference{}
		c.ReferAs(to, ref)
		if d.Context == nil {
			d.Context = &docpb.DocumentReference_Context{}
		}
		d.Context.Encounter = append(d.Context.Encounter, to)
	}
}

// readSecrecy says in FHIR's own element how confidential a document is, if its code is one of those that FHIR has.
func readSecrecy(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*cpb.Composition)
	code := attrText(c.Doc, c.Doc.Child(n, "confidentialityCode"), "code")
	if ok && slices.Contains([]string{"U", "L", "M", "N", "R", "V"}, code) {
		secrecy := &cpb.Composition_ConfidentialityCode{}
		if hl7.Store(secrecy, code) {
			markDerived(secrecy)
			d.Confidentiality = secrecy
		}
	}
	return false
}

func writeSecrecy(c *mapping.Context, src proto.Message, _ tree.Node) bool {
	d, ok := src.(*cpb.Composition)
	if !ok || d.Confidentiality == nil || !isDerived(d.Confidentiality) {
		return false
	}
	c.Claim(d.Confidentiality)
	return true
}

// readGuardian says of a contact that it is the guardian: C-CDA on FHIR, Patient.
func readGuardian(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
	d, ok := dst.(*ppb.Patient_Contact)
	if ok && !slices.ContainsFunc(d.Relationship, func(cc *dpb.CodeableConcept) bool { return conceptCode(cc, roleCodes) == "GUARD" }) {
		d.Relationship = append(d.Relationship, derivedConcept(roleCodes, "GUARD"))
	}
	return false
}

// readEffective reads when something was: an interval that ends when it begins is a time, C-CDA on FHIR, Results and Vitals.
func readEffective(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d := c.Doc
	k := d.Child(n, "effectiveTime")
	low, high := attrText(d, d.Child(k, "low"), "value"), attrText(d, d.Child(k, "high"), "value")
	if low == "" || kept(c, low) != kept(c, high) || !onlyBounds(d, k) {
		return c.ReadTable("Effective", n, dst)
	}
	if !c.ReadTable("Effective_Low", n, dst) {
		return false
	}
	c.ReadTable("Effective_High", n, dst.ProtoReflect().New().Interface())
	return true
}

// kept is what FHIR keeps of a time: of one without an offset, where no zone is given, the date. From midnight to the last second of a day is that day.
func kept(c *mapping.Context, s string) string {
	if m, err := hl7.ParseMoment(s, false); err == nil && m.Zone == "" && c.Zone == nil && len(s) > 8 {
		return s[:8]
	}
	return s
}

// onlyBounds reports that an interval has a low and a high with their values, and nothing else but its type.
func onlyBounds(d *tree.Doc, n tree.Node) bool {
	for k := d.First(n); k != 0; k = d.Next(k) {
		switch d.Name(k) {
		case "@xsi:type":
		case "low", "high":
			for j := d.First(k); j != 0; j = d.Next(j) {
				if d.Name(j) != "@value" {
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}

func writeEffective(c *mapping.Context, src proto.Message, n tree.Node) bool {
	if c.WriteTable("Effective_Low", src, n) {
		k := c.Doc.Child(n, "effectiveTime")
		return set(c.Doc, c.Doc.Add(k, "high", ""), "value", attrText(c.Doc, c.Doc.Child(k, "low"), "value"))
	}
	return c.WriteTable("Effective", src, n)
}
