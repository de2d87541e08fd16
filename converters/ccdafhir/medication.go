package ccdafhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

var productPaths = func() (paths []tree.Path) {
	for _, s := range []string{"manufacturerOrganization", "manufacturedMaterial/lotNumberText", "manufacturedLabeledDrug"} {
		p, err := ccda.Format.ParsePath("consumable/manufacturedProduct/" + s)
		if err != nil {
			panic(err)
		}
		paths = append(paths, p)
	}
	return paths
}()

// isProduct reports that more than the code is known of what is taken.
func isProduct(d *tree.Doc, n tree.Node) bool {
	code := d.Child(d.Child(d.Child(d.Child(n, "consumable"), "manufacturedProduct"), "manufacturedMaterial"), "code")
	return code == 0 || d.Empty(code) || slices.ContainsFunc(productPaths, func(p tree.Path) bool {
		k := d.At(n, p)
		return k != 0 && !d.Empty(k)
	})
}

// readMedication reads what is taken: C-CDA on FHIR, Medications, wants a Medication only of a product of which more than the code is known.
func readMedication(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	if isProduct(c.Doc, n) {
		return c.ReadTable("Product_Reference", n, dst)
	}
	return c.ReadTable("Product_Code", n, dst)
}

func writeMedication(c *mapping.Context, src proto.Message, n tree.Node) bool {
	code := c.WriteTable("Product_Code", src, n)
	return c.WriteTable("Product_Reference", src, n) || code
}

// readMeal reads the event of an EIVL: before breakfast, at bedtime.
func readMeal(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Timing_Repeat)
	k := attr(c.Doc, c.Doc.Child(n, "event"), "code")
	if !ok || k == 0 {
		return false
	}
	when := &dpb.Timing_Repeat_WhenCode{}
	if code := c.Code("EventTiming", c.Doc.Text(k)); code == "" || !hl7.Store(when, code) {
		c.Doc.Mark(k, tree.Invalid, "not one of the codes EventTiming")
		return false
	}
	d.When = append(d.When, when)
	c.Carry(k)
	return true
}

// writeMeal writes it back, where it is the only one: one of several would say less than all.
func writeMeal(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Timing_Repeat)
	if !ok || len(d.When) != 1 {
		return false
	}
	code := c.CodeBack("EventTiming", hl7.FHIRText(d.When[0]))
	if code == "" {
		return false
	}
	k := c.Doc.Child(n, "event")
	if k == 0 {
		k = c.Doc.Add(n, "event", "")
	}
	if !set(c.Doc, k, "code", code) {
		return false
	}
	c.ClaimValue(d.When[0])
	return true
}
