package ccdafhir

import (
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

// readMedication reads what is taken: C-CDA on FHIR, Medications, wants a Medication only of a product of which more than the code is known.
func readMedication(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d := c.Doc
	code := d.Child(d.Child(d.Child(d.Child(n, "consumable"), "manufacturedProduct"), "manufacturedMaterial"), "code")
	table := "Product_Code"
	if code == 0 || d.Empty(code) {
		table = "Product_Reference"
	}
	for _, p := range productPaths {
		if k := d.At(n, p); k != 0 && !d.Empty(k) {
			table = "Product_Reference"
		}
	}
	return c.ReadTable(table, n, dst)
}

func writeMedication(c *mapping.Context, src proto.Message, n tree.Node) bool {
	code := c.WriteTable("Product_Code", src, n)
	return c.WriteTable("Product_Reference", src, n) || code
}
