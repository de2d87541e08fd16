package v2fhir

import (
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	drpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/diagnostic_report_go_proto"
	srpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/service_request_go_proto"
	spb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/specimen_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// either reads a place by the first of several tables whose type its value has, and writes it by the last of them that can: obr22 is OBR-22 as
// DiagnosticReport.issued, or what of it a report can hold; msa2 is MSA-2 as MessageHeader.response.identifier, which has the form of an id of
// FHIR, or beside it; fc2 is FC.2, a time or what people write there.
func either(tables ...string) mapping.Pair {
	return mapping.Pair{
		Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
			return slices.ContainsFunc(tables, func(t string) bool { return c.ReadTable(t, n, dst) })
		},
		Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
			for _, t := range slices.Backward(tables) {
				if c.WriteTable(t, src, n) {
					return true
				}
			}
			return false
		},
	}
}

var (
	obr22 = either("OBR_22_INSTANT", "OBR_22_DATE", "OBR_22_TEXT")
	msa2  = either("MSA_2_ID", "MSA_2_TEXT")
	fc2   = either("FC_2_TIME", "FC_2_TEXT")
)

// obr15 is OBR-15, the source of the specimen. Most senders have a code there, its words and its system (01^Plasma, SWAB^Swab^HL70487), where the
// standard has a source, its additives and how it was taken: a specimen of a swab in which there is a swab would be another.
var obr15 = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		if !sourceCode(c.Doc, n) {
			return c.ReadTable("SPS", n, dst)
		}
		defer c.Fold("a code where a source and its additives should stand: it comes back as the source")()
		return c.ReadTable("SPS_CODE", n, dst)
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool { return c.WriteTable("SPS", src, n) },
}

// sourceCode reports a code with its words, and maybe the name of its system: sources by table 0070 are letters, so what has a digit is none, and
// what names a system of the standard or a local one (L, 99LAB) in the third component says how to read the others.
func sourceCode(d *tree.Doc, n tree.Node) bool {
	said := [4]string{}
	for k := d.First(n); k != 0; k = d.Next(k) {
		i, _ := strconv.Atoi(d.Name(k))
		if d.Empty(k) {
			continue
		}
		if i < 1 || i > 3 || d.First(k) != 0 {
			return false
		}
		said[i] = d.Text(k)
	}
	code, words, system := said[1], said[2], said[3]
	if code == "" || words == "" || strings.Contains(code, " ") {
		return false
	}
	_, known := terminology.ByName(system)
	named := known || system == "L" || strings.HasPrefix(system, "99")
	return named || strings.ContainsAny(code, "0123456789") && !strings.Contains(system, " ")
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

// sameSpecimen gives an order, or its report, without a specimen, in a message by specimen, the one of the order before it, below which it
// stands: SPM OBR OBX OBR OBX. In other messages the specimen stands behind the order that it is of. Going back it is not written again
// where it is the last that was written.
var sameSpecimen = mapping.Pair{
	Read: func(c *mapping.Context, _ tree.Node, dst proto.Message) (any bool) {
		own := specimensOf(dst)
		if own == nil || !bySpecimen(c.Doc) {
			return false
		}
		// That order, or its report, is the last of the record, which has the specimen already if it stands below the same one.
		before := c.Latest(func(m proto.Message) bool {
			return m != dst && m.ProtoReflect().Descriptor() == dst.ProtoReflect().Descriptor()
		})
		if before == nil {
			return false
		}
		for _, ref := range *specimensOf(before.Msg) {
			if ofSPM(c, ref) {
				to := &dpb.Reference{}
				any = c.ReferAs(to, ref) || any
				*own = append(*own, to)
			}
		}
		return any
	},
	Write: func(c *mapping.Context, src proto.Message, order tree.Node) bool {
		own := specimensOf(src)
		if own == nil || !bySpecimen(c.Doc) {
			return false
		}
		last := c.LatestPlaced(&spb.Specimen{}, func(m proto.Message) bool { return !fromField(m) })
		below := false
		for _, ref := range *own {
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
		for _, ref := range *own {
			if to := c.Follow(ref); to != nil && !fromField(to.Msg) {
				c.ClaimReference(ref)
				c.Take(ref)
			}
		}
		return true
	},
}

// specimensOf are the specimens of an order or a report, nil of anything else.
func specimensOf(m proto.Message) *[]*dpb.Reference {
	switch x := m.(type) {
	case *drpb.DiagnosticReport:
		return &x.Specimen
	case *srpb.ServiceRequest:
		return &x.Specimen
	}
	return nil
}

// bySpecimen reports a message whose orders stand below their specimens: OUL_R22 and OUL_R23, OML_O33 and OML_O35, ORL_O34 and ORL_O36.
func bySpecimen(d *tree.Doc) bool {
	msh := d.Child(tree.Root, "MSH")
	if msh == 0 || d.Child(msh, "9") == 0 {
		return false
	}
	event := d.Child(d.Child(msh, "9"), "2")
	return event != 0 && slices.Contains([]string{"R22", "R23", "O33", "O34", "O35", "O36"}, d.Text(event))
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
