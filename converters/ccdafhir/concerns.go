package ccdafhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	compb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// A concern is an act around the statements that matter: problems, allergies, medications at discharge, insurance policies. FHIR has no
// resource for it; C-CDA on FHIR makes a Condition of each Problem Observation and leaves the concern. So a section's entries lead to
// what is within, and the concern itself is an extension of the first of these references; those to the others say that they belong to it.

const concernURL = ownExtensions + "concern"

// concerns are the templates of such acts: Problem Concern, Allergy Concern, Hospital Discharge and Admission Diagnosis, Discharge and
// Admission Medication, Coverage Activity, Postprocedure, Preoperative and Encounter Diagnosis. The row for acts of other templates names them too.
var concerns = []string{entries + "3", entries + "30", entries + "33", entries + "34", entries + "35", entries + "36", entries + "60",
	entries + "51", entries + "65", entries + "80"}

// matters are the kinds of Related_Entry within a concern to which a section's entry leads.
var matters = []string{"condition", "allergy", "administration", "immunization", "coverage"}

func isConcern(d *tree.Doc, act tree.Node) bool {
	if act == 0 || attrText(d, act, "moodCode") != "EVN" || attrText(d, act, "negationInd") == "true" {
		return false
	}
	return ofTemplate(d, act, concerns...)
}

func readConcerns(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	s, ok := dst.(*compb.Composition_Section)
	if !ok {
		return false
	}
	any := false
	for e := c.Doc.First(n); e != 0; e = c.Doc.Next(e) {
		if c.Doc.Name(e) != "entry" || !isConcern(c.Doc, c.Doc.Child(e, "act")) {
			continue
		}
		x := &dpb.Extension{Url: &dpb.Uri{Value: concernURL}}
		if !c.ReadTable("ConcernEntry", e, x) {
			continue
		}
		any = true
		first := &dpb.Reference{Extension: []*dpb.Extension{x}}
		s.Entry = append(s.Entry, first)
		led := false
		for _, ref := range concernedBy(x) {
			to := first
			if led {
				to = &dpb.Reference{Extension: []*dpb.Extension{{Url: &dpb.Uri{Value: concernURL},
					Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}}}}
				s.Entry = append(s.Entry, to)
			}
			led = c.ReferAs(to, ref) || led
		}
	}
	return any
}

// concernedBy are the references to what matters within a concern.
func concernedBy(x *dpb.Extension) (refs []*dpb.Reference) {
	for _, y := range x.Extension {
		if y.GetUrl().GetValue() != "related" {
			continue
		}
		for _, z := range y.Extension {
			if ref := z.GetValue().GetReference(); ref != nil && slices.Contains(matters, z.GetUrl().GetValue()) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

func writeConcerns(c *mapping.Context, src proto.Message, n tree.Node) bool {
	s, ok := src.(*compb.Composition_Section)
	if !ok {
		return false
	}
	any, within := false, false
	for _, ref := range s.Entry {
		at := slices.IndexFunc(ref.Extension, func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == concernURL })
		if at < 0 {
			continue
		}
		x := ref.Extension[at]
		if x.Value == nil {
			e := c.Doc.Add(n, "entry", "")
			within = c.WriteTable("ConcernEntry", x, e)
			any = any || within
		}
		if within {
			c.Claim(x.Url)
			if x.Value != nil {
				c.Claim(x)
			}
			c.ClaimValue(ref)
		}
	}
	return any
}
