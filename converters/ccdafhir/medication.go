package ccdafhir

import (
	"slices"

	"google.golang.org/protobuf/proto"

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
