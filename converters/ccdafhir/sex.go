package ccdafhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Birth sex, gender identity, sex and tribal affiliation are in C-CDA observations of the social history, in US Core extensions of the
// patient (C-CDA on FHIR, Social History). The observation is kept whole, as an Observation; the extension says it again.
type factOfPatient struct {
	template, url string
	coded         bool // the value is a CodeableConcept, else a code
}

var aboutPatient = []factOfPatient{
	{"2.16.840.1.113883.10.20.22.4.200", usCore + "us-core-birthsex", false},
	{"2.16.840.1.113883.10.20.34.3.45", usCore + "us-core-genderIdentity", true},
	{"2.16.840.1.113883.10.20.22.4.507", usCore + "us-core-sex", false},
}

var entryPath = func() tree.Path {
	p, err := ccda.Format.ParsePath("component/structuredBody/component/section/entry/observation")
	if err != nil {
		panic(err)
	}
	return p
}()

func readSex(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	p, ok := dst.(*ppb.Patient)
	if !ok {
		return false
	}
	d := c.Doc
	root := d.Parent(d.Parent(n))
	if d.Name(root) != "ClinicalDocument" {
		return false
	}
	c.Elsewhere()
	defer c.Fold(derivedWhy)()
	d.Each(root, entryPath, func(o tree.Node) bool {
		if attrText(d, o, "negationInd") != "true" && attrText(d, o, "moodCode") == "EVN" {
			readFact(c, o, p)
		}
		return true
	})
	return false
}

// readFact reads an observation about the patient into its extension, unless there is one already.
func readFact(c *mapping.Context, o tree.Node, p *ppb.Patient) {
	d := c.Doc
	value := d.Child(o, "value")
	for _, kind := range aboutPatient {
		if !ofTemplate(d, o, kind.template) || slices.ContainsFunc(p.Extension, func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == kind.url }) {
			continue
		}
		x := &dpb.Extension{Url: &dpb.Uri{Value: kind.url}}
		if kind.coded {
			cc := &dpb.CodeableConcept{}
			if value == 0 || !c.ReadTable("CD", value, cc) {
				continue
			}
			markDerived(cc)
			x.Value = &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: cc}}
		} else {
			said := attrText(d, value, "code")
			if said == "" {
				said = attrText(d, value, "nullFlavor")
			}
			if said == "" {
				continue
			}
			code := &dpb.Code{Value: said}
			markDerived(code)
			x.Value = &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Code{Code: code}}
		}
		p.Extension = append(p.Extension, x)
	}
}

func writeSex(c *mapping.Context, src proto.Message, _ tree.Node) bool {
	p, ok := src.(*ppb.Patient)
	if !ok {
		return false
	}
	any := false
	for _, x := range p.Extension {
		if slices.ContainsFunc(aboutPatient, func(kind factOfPatient) bool { return kind.url == x.GetUrl().GetValue() }) && claimValue(x) {
			c.Claim(x)
			any = true
		}
	}
	return any
}
