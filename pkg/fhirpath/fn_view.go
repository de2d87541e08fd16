package fhirpath

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// The functions that SQL-on-FHIR v2 adds: keys that join the rows of one view with those of another.

var viewAdditions = chapter{
	"getResourceKey":  {build: buildResourceKey},
	"getReferenceKey": {max: 1, types: true, build: buildReferenceKey},
}

// resourceKey is Type/id, empty for a resource without id.
func resourceKey(c *Context, v Value) string {
	id := fhir.IDOf(v.Message())
	if id == "" {
		return ""
	}
	return c.concat(v.t.Name, "/", id)
}

func buildResourceKey(_ *compiler, f *call) *node {
	in := f.in
	return oneNode(system(String), func(c *Context, this Value) (Value, int) {
		v, n := in.one(c, this)
		if n != 1 || v.kind() != Node || v.t.Kind != plan.Resource {
			return v, 0
		}
		key := resourceKey(c, v)
		if c.watch != nil && key != "" {
			if e := v.t.Element("id"); e != nil {
				c.watch(nodeOf(e.Type(), e.At(v.v, 0)))
			}
		}
		return stringOf(key), min(len(key), 1)
	})
}

// buildReferenceKey gives the key of the resource that a Reference leads to: found through the resolver where there is one, so that
// references by urn:uuid meet the keys of their resources; else what the reference says, without a version.
func buildReferenceKey(_ *compiler, f *call) *node {
	in, typ := f.in, strings.TrimPrefix(f.typ, "FHIR.")
	if typ != "" && !isTypeName(typ) {
		fail(f.pos, "FHIR has no type %s%s", typ, suggestType(typ))
	}
	isReference := func(t Type) bool { return t.FHIR != nil && t.FHIR.Name == "Reference" }
	if len(in.types) > 0 && !slices.ContainsFunc(in.types, isReference) {
		fail(f.pos, "getReferenceKey() is for references, and this is %s", in.types[0])
	}
	return oneNode(system(String), func(c *Context, this Value) (Value, int) {
		v, n := in.one(c, this)
		if n > 1 {
			c.fail(f.pos, this, "getReferenceKey() wants one item")
		}
		if n != 1 || v.kind() != Node || v.t.Name != "Reference" || v.isReference() {
			return v, 0
		}
		text := c.referenceText(v.v)
		if r := ReferenceText(v.v); c.watch != nil && r.kind() != Nothing {
			c.watch(r)
		}
		if m := c.find(text); m != nil {
			if r := Of(m); typ == "" || r.t.Is(typ) {
				key := resourceKey(c, r)
				return stringOf(key), min(len(key), 1)
			}
			return v, 0
		}
		text, _, _ = strings.Cut(text, "/_history/")
		if typ != "" && !leadsTo(v, text, typ) {
			return v, 0
		}
		return stringOf(text), min(len(text), 1)
	})
}

func (c *Context) find(text string) proto.Message {
	if c.env.Resolver == nil || text == "" {
		return nil
	}
	return c.env.Resolver.Find(text, c.rootMessage())
}

// leadsTo tells by the text of a reference, and by its type, whether it leads to a type of resource.
func leadsTo(v Value, text, typ string) bool {
	if strings.HasPrefix(text, typ+"/") || strings.Contains(text, "/"+typ+"/") {
		return true
	}
	r, ok := v.v.Addr().Interface().(*dpb.Reference)
	return ok && r.GetType().GetValue() == typ
}
