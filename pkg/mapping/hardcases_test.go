package mapping_test

import (
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Pairs that C-CDA needs beside its rows, as a format's types.go would have them.
var cdaTypes = mapping.Types{
	"Refills": mapping.Type{ // repeatNumber counts the first supply too
		Read:  func(_ *mapping.Context, s string) (string, error) { return count(s, -1) },
		Write: func(_ *mapping.Context, s string) (string, error) { return count(s, +1) },
	},
	"Narrative": mapping.Pair{Read: readNarrative, Write: writeNarrative},
	"ContextAuthor": mapping.Pair{
		// The author of the nearest act around: the context is conducted inwards.
		Read: func(c *mapping.Context, from tree.Node, dst proto.Message) bool {
			at := from
			for ; from != 0; from = c.Doc.Parent(from) {
				if k := c.Doc.Child(from, "author"); k != 0 {
					if from != at {
						defer c.Fold("written back in each entry")()
					}
					return c.ReadTable("Author", k, dst)
				}
			}
			return false
		},
		Write: func(c *mapping.Context, src proto.Message, to tree.Node) bool {
			return c.WriteTable("Author", src, c.Doc.Add(to, "author", ""))
		},
	},
}

func count(s string, by int) (string, error) {
	n, err := strconv.Atoi(s)
	return strconv.Itoa(n + by), err
}

// readNarrative reads what a reference into the narrative leads to.
func readNarrative(c *mapping.Context, from tree.Node, dst proto.Message) bool {
	ref := c.Doc.Child(from, "@value")
	if ref == 0 {
		return false
	}
	id, found := strings.TrimPrefix(c.Doc.Text(ref), "#"), tree.Node(0)
	c.Doc.Leaves(func(n tree.Node, _ tree.State, _ string) {
		if c.Doc.Name(n) == "@ID" && c.Doc.Text(n) == id {
			found = n
		}
	})
	if found == 0 {
		c.Doc.Mark(ref, tree.Invalid, "nothing in the narrative has this id")
		return false
	}
	dst.(*dpb.String).Value = c.Doc.Text(c.Doc.Parent(found))
	c.CarryText(c.Doc.Parent(found))
	defer c.Fold("ids of the narrative are made anew")()
	c.Carry(found)
	c.Carry(ref)
	return true
}

// writeNarrative appends to the section's narrative and refers to it.
func writeNarrative(c *mapping.Context, src proto.Message, to tree.Node) bool {
	section := to
	for c.Doc.Name(section) != "section" {
		section = c.Doc.Parent(section)
	}
	text := c.Doc.Child(section, "text")
	if text == 0 {
		text = c.Doc.Add(section, "text", "")
	}
	id := "n1"
	for k := c.Doc.First(text); k != 0; k = c.Doc.Next(k) {
		id = "n" + strconv.Itoa(c.Doc.Ordinal(k)+1)
	}
	content := c.Doc.Add(text, "content", "")
	c.Doc.SetText(content, src.(*dpb.String).GetValue())
	c.Doc.Add(content, "@ID", id)
	c.Doc.Add(to, "@value", "#"+id)
	c.Claim(src)
	return true
}
