package csvfhir

import (
	"errors"
	"fmt"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file makes references between rows. What a row of a table with a key makes has an id that depends on the key alone (DESIGN.md, law 4): on
// the identifier that the key becomes, as everywhere, so that a Patient has the same id whether he came by CSV or by HL7 v2. So a column that holds keys
// of another table leads to the id without that table's row. The key itself stands in the reference as its identifier: the way back needs no
// join either, and neither does a receiver who has the other resource by another way.

// refType is ref(people) and ref(labs/Patient).
func (m *Mapping) refType(tables map[string]*Table) func(string) (mapping.Pair, error) {
	return func(arg string) (mapping.Pair, error) {
		name, typ, _ := strings.Cut(arg, "/")
		to := tables[name]
		if to == nil {
			if name == "" {
				return mapping.Pair{}, errors.New("say to which files: ref(people)")
			}
			return mapping.Pair{}, fmt.Errorf("the head knows no files %s", name)
		}
		if len(to.Key) != 1 {
			return mapping.Pair{}, fmt.Errorf("the head names no column that is the key of %s", name)
		}
		if typ == "" {
			typ = to.main
		}
		ref := &Ref{to, typ}
		return mapping.Pair{
			Makes: []string{"Reference"}, Leads: typ,
			Read:  func(c *mapping.Context, n tree.Node, dst proto.Message) bool { return ref.read(c, n, dst) },
			Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool { return ref.write(c, src, n) },
		}, nil
	}
}

func (r *Ref) read(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	ref, ok := dst.(*dpb.Reference)
	key := cell(c, n)
	if !ok || key == "" {
		return false
	}
	id := &dpb.Identifier{Value: str(key)}
	if system := r.To.identSystem(r.Type); system != "" {
		id.System = &dpb.Uri{Value: system}
	}
	ref.Identifier = id
	c.Refer(ref, r.Type, r.To.keyID(r.Type, key))
	carryAs(c, n, key)
	return true
}

// write gives the key that a reference leads to: what it says itself, else what the resource says, else the id by which a table's key column is
// filled for what came from elsewhere.
func (r *Ref) write(c *mapping.Context, src proto.Message, n tree.Node) bool {
	ref, ok := src.(*dpb.Reference)
	if !ok {
		return false
	}
	system := r.To.identSystem(r.Type)
	if id := ref.GetIdentifier(); id.GetValue().GetValue() != "" && id.GetSystem().GetValue() == system {
		if !put(c, n, id.Value.Value) {
			return false
		}
		c.Claim(ref)
		return true
	}
	text := fhir.ReferenceText(ref)
	if to := c.Follow(ref); to != nil {
		if to.Type() != r.Type {
			return false
		}
		key := to.ID
		if list, ok := to.Msg.(interface{ GetIdentifier() []*dpb.Identifier }); ok {
			for _, id := range list.GetIdentifier() {
				if id.GetSystem().GetValue() == system && id.GetValue().GetValue() != "" {
					key = id.Value.Value
					break
				}
			}
		}
		if !put(c, n, key) {
			return false
		}
		c.ClaimReference(ref)
		return true
	}
	typ, id, ok := strings.Cut(text, "/")
	if !ok || typ != r.Type || strings.Contains(id, "/") || !put(c, n, id) {
		return false
	}
	c.ClaimReference(ref)
	return true
}

// keyID is the id of the resource of a type that the row with a key makes.
func (t *Table) keyID(typ, key string) string {
	if system := t.identSystem(typ); system != "" {
		return fhir.IdentifierID(typ, system, key)
	}
	return fhir.ID(typ, "record", t.keyText([]string{key}), "0")
}

// keyText is what identifies a row by its key.
func (t *Table) keyText(key []string) string {
	return fhir.ID("row", append([]string{t.of.label(), t.Name}, key...)...)
}

// label is what the mapping calls itself: ids depend on it where nothing else says what a row is.
func (m *Mapping) label() string {
	if m.File.Head.Name != "" {
		return m.File.Head.Name
	}
	return m.Name
}

// probe is a key that no file has.
const probe = "chartpost-key"

// identSystem is the system of the identifier that a table's key becomes in a resource of a type; empty if it becomes none. It is found by reading a
// row that holds nothing but a key.
func (t *Table) identSystem(typ string) string {
	t.once.Do(func() {
		t.idents = map[string]string{}
		m, err := t.of.own()
		if err != nil || len(t.Key) != 1 {
			return
		}
		d := tree.New(Format, 4)
		n := d.Add(tree.Root, t.Name, "")
		d.Add(n, t.Key[0], probe)
		rec, err := m.ToFHIR(ScopeName, "Bundle", d, mapping.ReadOptions{Relative: true, NoBundle: true})
		if err != nil {
			return
		}
		for _, r := range rec.Resources {
			var list []*dpb.Identifier
			switch x := r.Msg.(type) {
			case interface{ GetIdentifier() []*dpb.Identifier }:
				list = x.GetIdentifier()
			case interface{ GetIdentifier() *dpb.Identifier }:
				list = []*dpb.Identifier{x.GetIdentifier()}
			}
			for _, id := range list {
				if system := id.GetSystem().GetValue(); id.GetValue().GetValue() == probe && system != "" && t.idents[r.Type()] == "" {
					t.idents[r.Type()] = strings.Clone(system)
				}
			}
		}
	})
	return t.idents[typ]
}
