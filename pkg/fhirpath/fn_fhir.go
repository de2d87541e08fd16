package fhirpath

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhir/xhtml"
)

// The functions that FHIR R4 adds (fhirpath.html, 6.3), but those that need a definition of the element that they are run on:
// elementDefinition, slice, checkModifiers; and subsumes, which needs a terminology server.

var fhirAdditions = chapter{
	"extension":  {min: 1, max: 1, build: buildExtension},
	"hasValue":   {build: buildHasValue},
	"getValue":   {build: buildGetValue},
	"resolve":    {build: buildResolve},
	"memberOf":   {min: 1, max: 1, build: buildMemberOf},
	"conformsTo": {min: 1, max: 1, build: buildConformsTo},
	"htmlChecks": {build: buildHTMLChecks(func(f xhtml.Fault) bool { return f.Kind != xhtml.Blank })},
	// Of R5: that there is something to read or to see.
	"htmlChecks2": {build: buildHTMLChecks(func(f xhtml.Fault) bool { return f.Kind == xhtml.Blank })},
}

func buildExtension(k *compiler, f *call) *node {
	if f.in.constant && len(f.in.items) == 0 {
		return f.in
	}
	s, types := k.stepTo(f.in.types, "extension", f.pos)
	if types == nil {
		types = extensionTypes()
	}
	s.ext = true
	if url, ok := f.args[0].value(String); ok {
		s.url = url.s
		return f.in.then(s, types)
	}
	all, url := f.in.then(s, types), f.args[0]
	return allNode(types, func(c *Context, this Value) {
		u, n := url.one(c, this)
		if n != 1 {
			return
		}
		want := c.textOf(u)
		base := len(c.stack)
		all.all(c, this)
		kept := base
		for _, v := range c.stack[base:] {
			if x, ok := v.v.Addr().Interface().(*dpb.Extension); ok && x.GetUrl().GetValue() == want {
				c.stack[kept] = v
				kept++
			}
		}
		c.stack = c.stack[:kept]
	})
}

func extensionTypes() Types {
	t, _ := plan.Named("Extension")
	return TypesOf(t)
}

func (t Type) isPrimitive() bool { return t.FHIR != nil && t.FHIR.Kind == plan.Primitive }

func buildHasValue(_ *compiler, f *call) *node {
	in := f.in
	if len(in.types) == 1 && in.types[0].FHIR != nil && !in.types[0].isPrimitive() {
		return constantNode(booleanOf(false))
	}
	return testNode(func(c *Context, this Value) truth {
		v, n := in.one(c, this)
		return truthOf(n == 1 && v.hasValue())
	})
}

func buildGetValue(_ *compiler, f *call) *node {
	in := f.in
	return oneNode(nil, func(c *Context, this Value) (Value, int) {
		v, n := in.one(c, this)
		if n != 1 || !v.hasValue() {
			return v, 0
		}
		return v.system(c), 1
	})
}

// rootMessage is the resource in which references are resolved.
func (c *Context) rootMessage() proto.Message {
	for _, v := range [...]Value{c.scope.root, c.scope.resource, c.scope.context} {
		if v.kind() == Node && v.t.Kind == plan.Resource {
			return v.Message()
		}
	}
	return nil
}

// resolve finds what a Reference, a uri or a canonical leads to.
func (c *Context) resolve(v Value) (Value, bool) {
	text := ""
	if v.kind() == Node && v.t.Name == "Reference" {
		text = c.referenceText(v.v)
	} else if w := v.system(c); w.kind() == String {
		text = w.s
	}
	if text == "" {
		return v, false
	}
	within := c.rootMessage()
	var m proto.Message
	switch id, fragment := strings.CutPrefix(text, "#"); {
	case c.env.Resolver != nil:
		m = c.env.Resolver.Find(text, within)
	case fragment && id == "":
		m = within
	case fragment && within != nil:
		all, _ := c.env.Contained.Of(within)
		for _, x := range all {
			if fhir.IDOf(x) == id {
				m = x
				break
			}
		}
	}
	if m == nil {
		return v, false
	}
	r := Of(m)
	return r, r.kind() != Nothing
}

func buildResolve(_ *compiler, f *call) *node {
	n := f.over(nil, func(c *Context, _ Value, base int) {
		kept := base
		for i := base; i < len(c.stack); i++ {
			if v, ok := c.resolve(c.stack[i]); ok {
				c.stack[kept] = v
				kept++
			}
		}
		c.stack = c.stack[:kept]
	})
	n.single = f.in.single
	return n
}

func buildMemberOf(_ *compiler, f *call) *node {
	in, url := f.in, f.args[0]
	return testNode(func(c *Context, this Value) truth {
		v, n := in.one(c, this)
		u, m := url.one(c, this)
		if n != 1 || m != 1 || c.env.ValueSets == nil {
			return unknown
		}
		member, known := c.env.ValueSets.MemberOf(v, c.textOf(u))
		if !known {
			return unknown
		}
		return truthOf(member)
	})
}

// coreDefinitions is where the definitions of FHIR's own types stand; to conform to one is to be of the type.
const coreDefinitions = "http://hl7.org/fhir/StructureDefinition/"

func buildConformsTo(_ *compiler, f *call) *node {
	in, url := f.in, f.args[0]
	return testNode(func(c *Context, this Value) truth {
		v, n := in.one(c, this)
		u, m := url.one(c, this)
		if n == 0 || m == 0 {
			return unknown
		}
		if n > 1 {
			c.fail(f.pos, this, "conformsTo() wants one item")
			return unknown
		}
		profile := c.textOf(u)
		if name, ok := strings.CutPrefix(profile, coreDefinitions); ok && isTypeName(name) {
			return truthOf(v.matches(typeSpec{name: name}, false))
		}
		if c.env.Profiles != nil {
			if conforms, known := c.env.Profiles.ConformsTo(v, profile); known {
				return truthOf(conforms)
			}
		}
		c.fail(f.pos, this, "conformsTo() does not know that profile")
		return unknown
	})
}

// buildHTMLChecks is true unless the narrative has a fault of a kind.
func buildHTMLChecks(counts func(xhtml.Fault) bool) func(*compiler, *call) *node {
	return func(_ *compiler, f *call) *node {
		in := f.in
		return testNode(func(c *Context, this Value) truth {
			v, n := in.one(c, this)
			if v = v.system(c); n != 1 || v.kind() != String {
				return unknown
			}
			return truthOf(!slices.ContainsFunc(xhtml.Check(v.s), counts))
		})
	}
}
