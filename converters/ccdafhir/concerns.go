package ccdafhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// A concern is an act around the statements that matter: problems, allergies, medications at discharge, insurance policies. FHIR has no
// resource for it; C-CDA on FHIR makes a Condition of each Problem Observation and leaves the concern. So a section's entries lead to
// what is within, and the concern itself is an extension of the first of these references; those to the others say that they belong to it.

const concernURL = ownExtensions + "concern"

// matters are the kinds of Related_Entry within a concern to which a section's entry leads.
var matters = []string{"condition", "allergy", "administration", "immunization", "coverage"}

// readConcern reads the entry of a concern: a reference to the first of what matters within, and one to each of the others.
func readConcern(c *mapping.Context, entry tree.Node, dst proto.Message) bool {
	first, ok := dst.(*dpb.Reference)
	if !ok {
		return false
	}
	x := &dpb.Extension{Url: &dpb.Uri{Value: concernURL}}
	if !c.ReadTable("ConcernEntry", entry, x) {
		return false
	}
	first.Extension = append(first.Extension, x)
	led := false
	for _, ref := range concernedBy(x) {
		to := first
		if led {
			to = &dpb.Reference{Extension: []*dpb.Extension{{Url: &dpb.Uri{Value: concernURL},
				Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}}}}
			c.Another(to)
		}
		led = c.ReferAs(to, ref) || led
	}
	return true
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

// concernOf is the extension by which a reference has a concern, without a value, or says that it belongs to the one before it.
func concernOf(ref *dpb.Reference) *dpb.Extension {
	at := slices.IndexFunc(ref.Extension, func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == concernURL })
	if at < 0 {
		return nil
	}
	return ref.Extension[at]
}

// writeConcern writes a concern. The references behind it that belong to it are said by what stands within.
func writeConcern(c *mapping.Context, src proto.Message, entry tree.Node) bool {
	ref, ok := src.(*dpb.Reference)
	if !ok {
		return false
	}
	x, behind := concernOf(ref), c.Behind()
	if x == nil || x.Value != nil || !c.WriteTable("ConcernEntry", x, entry) {
		return false
	}
	c.Claim(x.Url)
	c.ClaimValue(ref)
	for m := range behind {
		other, ok := m.(*dpb.Reference)
		if !ok {
			break
		}
		y := concernOf(other)
		if y != nil && y.Value == nil {
			break
		}
		if y != nil {
			c.Claim(y)
			c.ClaimValue(other)
		}
	}
	return true
}
