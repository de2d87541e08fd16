package v2fhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	drpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/diagnostic_report_go_proto"
	spb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/specimen_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// obr22 is OBR-22 as DiagnosticReport.issued, or what of it a report can hold.
var obr22 = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		return c.ReadTable("OBR_22_INSTANT", n, dst) || c.ReadTable("OBR_22_DATE", n, dst) || c.ReadTable("OBR_22_TEXT", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		return c.WriteTable("OBR_22_TEXT", src, n) || c.WriteTable("OBR_22_DATE", src, n) || c.WriteTable("OBR_22_INSTANT", src, n)
	},
}

// spm17 is SPM-17 as Specimen.collection.collected: a period if its end is a time, else the moment that its beginning is. An end that is no
// time stays unread, with a finding.
var spm17 = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		end := c.Doc.Child(n, "2")
		if end == 0 || c.Doc.Empty(end) {
			return c.ReadTable("SPM_17_TIME", n, dst)
		}
		if _, err := hl7.ParseMoment(c.Doc.LeafText(end), false); err != nil && c.Doc.LeafText(end) != c.Doc.Null {
			c.Doc.Mark(c.Doc.Leaf(end), tree.Invalid, err.Error())
			return c.ReadTable("SPM_17_TIME", n, dst)
		}
		return c.ReadTable("SPM_17_PERIOD", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		return c.WriteTable("SPM_17_PERIOD", src, n) || c.WriteTable("SPM_17_TIME", src, n)
	},
}

// sameSpecimen gives the report of an order without a specimen, in results by specimen, the one of the order before it, below which it
// stands: SPM OBR OBX OBR OBX. Going back it is not written again where it is the last that was written.
var sameSpecimen = mapping.Pair{
	Read: func(c *mapping.Context, order tree.Node, dst proto.Message) (any bool) {
		report, ok := dst.(*drpb.DiagnosticReport)
		if !ok {
			return false
		}
		d := c.Doc
		var of tree.Node // the last order before this one that has a specimen
		for k := d.First(d.Parent(order)); k != 0 && k != order; k = d.Next(k) {
			if d.Name(k) != d.Name(order) || d.Child(k, "SPECIMEN") == 0 {
				continue
			}
			spm, obr := d.Child(d.Child(k, "SPECIMEN"), "SPM"), d.Child(k, "OBR")
			if spm == 0 || obr != 0 && d.Offset(spm) > d.Offset(obr) {
				return false // in other results the specimen stands behind the order that it is of
			}
			of = k
		}
		if of == 0 {
			return false
		}
		var before *drpb.DiagnosticReport // the report of that order: the last with a specimen that an SPM tells of
		for _, r := range c.Resources() {
			if other, ok := r.Msg.(*drpb.DiagnosticReport); ok && other != report && slices.ContainsFunc(other.Specimen, func(ref *dpb.Reference) bool { return ofSPM(c, ref) }) {
				before = other
			}
		}
		for _, ref := range before.GetSpecimen() {
			if ofSPM(c, ref) {
				to := &dpb.Reference{}
				any = c.ReferAs(to, ref) || any
				report.Specimen = append(report.Specimen, to)
			}
		}
		return any
	},
	Write: func(c *mapping.Context, src proto.Message, order tree.Node) bool {
		report, ok := src.(*drpb.DiagnosticReport)
		d := c.Doc
		msh := d.Child(tree.Root, "MSH")
		if !ok || msh == 0 || d.Child(msh, "9") == 0 {
			return false
		}
		if event := d.Child(d.Child(msh, "9"), "2"); event == 0 || d.Text(event) != "R22" && d.Text(event) != "R23" {
			return false
		}
		var last *mapping.Resource // the specimen that was written last
		for _, r := range c.Resources() {
			if _, ok := r.Msg.(*spb.Specimen); ok && c.Placed(r) && !fromField(r.Msg) {
				last = r
			}
		}
		below := false
		for _, ref := range report.Specimen {
			to := c.Follow(ref)
			if to == nil || fromField(to.Msg) {
				continue
			}
			if !c.Placed(to) {
				return false
			}
			below = below || to == last
		}
		if !below {
			return false // another specimen stands between: it is written again
		}
		for _, ref := range report.Specimen {
			if to := c.Follow(ref); to != nil && !fromField(to.Msg) {
				c.ClaimReference(ref)
				c.Take(ref)
			}
		}
		return true
	},
}

// ofSPM reports a reference to a specimen that an SPM tells of, and not an OBR.
func ofSPM(c *mapping.Context, ref *dpb.Reference) bool {
	specimen := c.Led(ref)
	return specimen != nil && !fromField(specimen)
}

// fromField reports a specimen that a field of another segment tells of.
func fromField(m proto.Message) bool {
	specimen, ok := m.(*spb.Specimen)
	return ok && slices.ContainsFunc(specimen.Extension, func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == fieldURL })
}
