package ccdafhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Race and ethnicity: C-CDA has raceCode and ethnicGroupCode, and more of them as sdtc:raceCode and sdtc:ethnicGroupCode; US Core has one
// extension of each with the OMB's categories, detailed codes and a text (C-CDA on FHIR, Patient).

const (
	usCore    = "http://hl7.org/fhir/us/core/StructureDefinition/"
	detailURL = ownExtensions + "detail" // the code stood in an sdtc element
)

var omb = []struct {
	element, url, own string
	categories        []string // CDC Race and Ethnicity, 2.16.840.1.113883.6.238
	most              int      // how many of them US Core allows
}{
	{"raceCode", usCore + "us-core-race", ownExtensions + "race", []string{"1002-5", "2028-9", "2054-5", "2076-8", "2106-3"}, 5},
	{"ethnicGroupCode", usCore + "us-core-ethnicity", ownExtensions + "ethnicity", []string{"2135-2", "2186-5"}, 1},
}

func readRace(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	patient := c.Doc.Child(n, "patient")
	any := false
	for _, kind := range omb {
		x := &dpb.Extension{Url: &dpb.Uri{Value: kind.url}}
		text, categories := "", 0
		for _, name := range []string{kind.element, "sdtc:" + kind.element} {
			plain := allBare(c.Doc, patient, name) // else all as they were written, in their order
			for k := c.Doc.First(patient); k != 0; k = c.Doc.Next(k) {
				if c.Doc.Name(k) != name || c.Doc.Empty(k) {
					continue
				}
				code := attrText(c.Doc, k, "code")
				part := "detailed"
				if slices.Contains(kind.categories, code) && categories < kind.most {
					part = "ombCategory"
				}
				// What is no bare code of the CDC's, a null flavor or one with translations, stands beside as it was written.
				if !plain || part == "detailed" && name == kind.element {
					any = readRaceAsIs(c, k, kind.own, name != kind.element, dst) || any
					continue
				}
				coding := &dpb.Coding{}
				if !c.ReadTable("CD", k, coding) {
					continue
				}
				if name != kind.element {
					extend(coding, &dpb.Extension{Url: &dpb.Uri{Value: detailURL},
						Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}})
				}
				if part == "ombCategory" {
					categories++
				}
				if said := coding.GetDisplay().GetValue(); said != "" {
					if text != "" {
						text += ", "
					}
					text += said
				}
				x.Extension = append(x.Extension, &dpb.Extension{Url: &dpb.Uri{Value: part},
					Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Coding{Coding: coding}}})
			}
		}
		if len(x.Extension) == 0 {
			continue
		}
		if text == "" {
			text = x.Extension[0].GetValue().GetCoding().GetCode().GetValue()
		}
		said := &dpb.String{Value: text}
		markDerived(said)
		x.Extension = append(x.Extension, &dpb.Extension{Url: &dpb.Uri{Value: "text"},
			Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{StringValue: said}}})
		extend(dst, x)
		any = true
	}
	return any
}

const cdcRace = "2.16.840.1.113883.6.238"

// allBare reports that all elements of a name are codes of the CDC without anything within them.
func allBare(d *tree.Doc, patient tree.Node, name string) bool {
	for n := d.First(patient); n != 0; n = d.Next(n) {
		if d.Name(n) != name || d.Empty(n) {
			continue
		}
		if attrText(d, n, "code") == "" || attrText(d, n, "codeSystem") != cdcRace || attr(d, n, "nullFlavor") != 0 {
			return false
		}
		for k := d.First(n); k != 0; k = d.Next(k) {
			if d.Name(k)[0] != '@' && !d.Empty(k) {
				return false
			}
		}
	}
	return true
}

func readRaceAsIs(c *mapping.Context, n tree.Node, url string, detail bool, dst proto.Message) bool {
	cc := &dpb.CodeableConcept{}
	if !c.ReadTable("CD", n, cc) {
		return false
	}
	if detail {
		url += "-detail"
	}
	extend(dst, &dpb.Extension{Url: &dpb.Uri{Value: url},
		Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: cc}}})
	return true
}

func writeRace(c *mapping.Context, src proto.Message, n tree.Node) bool {
	patient := c.Doc.Child(n, "patient")
	if patient == 0 {
		patient = c.Doc.Add(n, "patient", "")
	}
	any := false
	for _, kind := range omb {
		for _, x := range *extensions(src) {
			switch url := x.GetUrl().GetValue(); url {
			case kind.own, kind.own + "-detail":
				name := kind.element
				if url != kind.own {
					name = "sdtc:" + name
				}
				if cc := x.GetValue().GetCodeableConcept(); cc != nil && c.WriteTable("CD", cc, c.Doc.Add(patient, name, "")) {
					c.Claim(x.Url)
					any = true
				}
			case kind.url:
				any = writeOMB(c, x, patient, kind.element) || any
			}
		}
	}
	return any
}

// writeOMB writes US Core's extension: the first category as C-CDA's own element, what else there is as those of SDTC.
func writeOMB(c *mapping.Context, x *dpb.Extension, patient tree.Node, element string) bool {
	any := false
	for _, part := range x.Extension {
		value := part.GetValue()
		switch part.GetUrl().GetValue() {
		case "ombCategory", "detailed":
			coding := value.GetCoding()
			if coding == nil {
				continue
			}
			at := slices.IndexFunc(coding.Extension, func(y *dpb.Extension) bool { return y.GetUrl().GetValue() == detailURL })
			name := element
			if at >= 0 || part.Url.Value == "detailed" || c.Doc.Child(patient, element) != 0 {
				name = "sdtc:" + element
			}
			k := c.Doc.Add(patient, name, "")
			if sys := coding.GetSystem().GetValue(); sys == "http://terminology.hl7.org/CodeSystem/v3-NullFlavor" {
				if !set(c.Doc, k, "nullFlavor", coding.GetCode().GetValue()) { // US Core's unknown and asked but unknown
					continue
				}
				c.Claim(coding)
			} else if !c.WriteTable("CD", coding, k) {
				continue
			}
			if at >= 0 {
				c.Claim(coding.Extension[at])
			}
			c.Claim(part.Url)
			c.Claim(x.Url)
			any = true
		case "text":
			if text := value.GetStringValue(); text != nil && isDerived(text) {
				c.Claim(part)
			} else {
				c.Decline(part, "the codes say it")
			}
		}
	}
	return any
}
