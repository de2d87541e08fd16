package ccdafhir

import (
	"reflect"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

const templateURL = "https://chartpost.org/fhir/StructureDefinition/template"

// extensions is the list of extensions of a message that has one.
func extensions(m proto.Message) *[]*dpb.Extension {
	switch x := m.(type) { // what is asked most
	case *dpb.CodeableConcept:
		return &x.Extension
	case *dpb.Reference:
		return &x.Extension
	case *dpb.DateTime:
		return &x.Extension
	}
	t := plan.OfMessage(m)
	if t.Extension < 0 {
		return nil
	}
	list, _ := reflect.ValueOf(m).Elem().Field(t.Extension).Addr().Interface().(*[]*dpb.Extension)
	return list
}

// readTemplates keeps the template ids of an element in extensions, in their order: a document goes back with those that it came
// with. The test that chose the row stamps one of them.
func readTemplates(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	list := extensions(dst)
	if list == nil {
		return false
	}
	any := false
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		if c.Doc.Name(k) != "templateId" {
			continue
		}
		x := sharedTemplate(c, k)
		if x == nil {
			x = readTemplate(c, k)
		}
		if x != nil {
			*list = append(*list, x)
			any = true
		}
	}
	return any
}

// sharedTemplate is the extension for the template id at a node, one for all that are alike; nil where each must be its own, or where an id is
// anything else than an OID with or without a version. Thousands of statements have a dozen template ids between them.
func sharedTemplate(c *mapping.Context, k tree.Node) *dpb.Extension {
	if !c.Alike() {
		return nil
	}
	type template struct{ root, version string }
	var t template
	for a := c.Doc.First(k); a != 0; a = c.Doc.Next(a) {
		switch c.Doc.Name(a) {
		case "@root":
			t.root = c.Doc.Text(a)
		case "@extension":
			t.version = c.Doc.Text(a)
		default:
			return nil
		}
	}
	if !namesSystem(t.root) || t.root == uriRootO {
		return nil
	}
	known := true
	x, _ := c.Memo(t, func() any {
		known = false
		return readTemplate(c, k)
	}).(*dpb.Extension)
	if known && x != nil {
		c.Carry(k)
	}
	return x
}

// readTemplate is the extension for the template id at a node, nil if it is none.
func readTemplate(c *mapping.Context, k tree.Node) *dpb.Extension {
	room := &templateRoom{}
	if !c.ReadTable("II", k, &room.id) {
		return nil
	}
	room.url.Value = templateURL
	room.choice.Identifier = &room.id
	room.value.Choice = &room.choice
	room.ext.Url, room.ext.Value = &room.url, &room.value
	return &room.ext
}

// templateRoom is all that one template id becomes: one piece of memory instead of five, for statements have two or three each.
type templateRoom struct {
	ext    dpb.Extension
	url    dpb.Uri
	value  dpb.Extension_ValueX
	choice dpb.Extension_ValueX_Identifier
	id     dpb.Identifier
}

// codeExtension is an extension whose value is a code.
func codeExtension(url, code string) *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: url}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Code{Code: &dpb.Code{Value: code}}}}
}

// textExtension is an extension whose value is a text, in one piece of memory.
func textExtension(url, text string) *dpb.Extension {
	room := &struct {
		ext    dpb.Extension
		url    dpb.Uri
		value  dpb.Extension_ValueX
		choice dpb.Extension_ValueX_StringValue
		text   dpb.String
	}{}
	room.text.Value = text
	room.choice.StringValue = &room.text
	room.value.Choice = &room.choice
	room.url.Value = url
	room.ext.Url, room.ext.Value = &room.url, &room.value
	return &room.ext
}

func writeTemplates(c *mapping.Context, src proto.Message, n tree.Node) bool {
	list := extensions(src)
	if list == nil {
		return false
	}
	var stamped []tree.Node // by the test that chose the row
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		if c.Doc.Name(k) == "templateId" {
			stamped = append(stamped, k)
		}
	}
	any := false
	for _, x := range *list {
		id := x.GetValue().GetIdentifier()
		if x.GetUrl().GetValue() != templateURL || id == nil {
			continue
		}
		var k tree.Node
		if len(stamped) > 0 {
			k, stamped = stamped[0], stamped[1:]
			for a := c.Doc.First(k); a != 0; a = c.Doc.Next(a) {
				c.Doc.SetText(a, "")
			}
		} else {
			k = c.Doc.Add(n, "templateId", "")
		}
		if c.WriteTable("II", id, k) {
			c.Claim(x)
			any = true
		}
	}
	return any
}

// writeBundle says of the bundle's type that the document has it.
func writeBundle(c *mapping.Context, _ proto.Message, _ tree.Node) bool {
	b := c.Bundle()
	if b == nil || b.Type == nil {
		return false
	}
	defer c.Fold("a document says it by being one")()
	c.Claim(b.Type)
	return true
}
