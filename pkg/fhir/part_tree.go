package fhir

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// A text of which not all can be read is made into a tree, JSON and XML into the same one, so that what must be left out can be
// looked for with all of it in sight. What is kept is written as JSON and read again as strictly as any.

// node is a value of the text.
type node struct {
	name string // of a member, with the _ of JSON
	kind byte   // { [ " t n, or 0 for a number
	raw  string // of a text (quoted) or literal
	kids []*node
	at   int // in the text

	stray  bool    // what FHIR has not, whatever its name
	made   bool    // no leaf: it was not in the text
	filler bool    // the same, of a statement that a value is absent
	gone   bool    // it is left out
	null   bool    // it is left out of an array in which others keep their places
	loss   *lossOf // of a leaf that is left out
	of     *codec  // of an object, once it was looked at
	key    *key    // of a member, once it was looked at
}

type lossOf struct {
	why     string
	invalid bool
}

func (n *node) object() bool { return n.kind == '{' }
func (n *node) list() bool   { return n.kind == '[' }

// leaf reports a value without others in it; what is empty counts as one, so that it is told of.
func (n *node) leaf() bool { return len(n.kids) == 0 }

// text is that of a text, empty if it is none.
func (n *node) text() string {
	if n.kind != '"' {
		return ""
	}
	b, _ := jsontext.AppendUnquote(nil, n.raw)
	return string(b)
}

func (n *node) member(name string) *node {
	for _, k := range n.kids {
		if k.name == name && !k.stray {
			return k
		}
	}
	return nil
}

// tree reads the value at the cursor. The grammar was checked.
func (x *decoder) tree(name string) *node {
	n := &node{name: name, kind: x.s[x.i], at: x.i}
	switch n.kind {
	case '{':
		x.i++
		if x.space(); x.s[x.i] == '}' {
			x.i++
			break
		}
		for {
			at := x.i
			name := strings.Clone(x.str())
			x.colon()
			k := x.tree(name)
			k.at = at
			n.kids = append(n.kids, k)
			if !x.more() {
				break
			}
		}
	case '[':
		x.i++
		if x.space(); x.s[x.i] == ']' {
			x.i++
			break
		}
		for {
			n.kids = append(n.kids, x.tree(""))
			if !x.more() {
				break
			}
		}
	case '"':
		from := x.i
		x.skipString()
		n.raw = x.s[from:x.i]
	default:
		n.raw = x.literal()
		switch n.kind {
		case 't', 'f':
			n.kind = 't'
		case 'n':
		default:
			n.kind = '0'
		}
	}
	return n
}

// append writes what is left of the tree.
func (n *node) append(b []byte) []byte {
	switch n.kind {
	case '{':
		b = append(b, '{')
		from := len(b)
		for _, k := range n.kids {
			if k.gone {
				continue
			}
			if len(b) > from {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), k.name...), `":`...)
			b = k.append(b)
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		from := len(b)
		for _, k := range n.kids {
			if k.gone {
				continue
			}
			if len(b) > from {
				b = append(b, ',')
			}
			if k.null {
				b = append(b, "null"...)
			} else {
				b = k.append(b)
			}
		}
		return append(b, ']')
	}
	return append(b, n.raw...)
}

// XML.

func quoted(s string) string {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		b, _ = jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
	}
	return string(b)
}

// resourceTreeXML is the tree of a resource whose start tag was scanned.
func (x *decoder) resourceTreeXML(t xmlTag, depth int) *node {
	n := &node{kind: '{', at: t.at}
	if len(x.path) == 0 && depth == 0 {
		x.bare = t.uri == "" && resourceKeys()[t.local] != nil
	}
	if t.kind == endTag {
		x.xml.fail(notXML, t.at, "an end tag without a start tag")
		return n
	}
	n.kids = append(n.kids, &node{name: "resourceType", kind: '"', raw: quoted(t.local), at: t.at})
	k := resourceKeys()[t.local]
	if k == nil || !x.isFHIR(t) {
		x.strangeXML(n, t, depth)
		if k != nil {
			n.stray = true
		}
		return n
	}
	x.elementTreeXML(k.codec(), n, t, depth)
	return n
}

func (x *decoder) isFHIR(t xmlTag) bool { return t.uri == fhirSpace || t.uri == "" && x.bare }

// attributesTreeXML adds the attributes of the tag scanned last to n, and gives the text of the one that is its value.
func (x *decoder) attributesTreeXML(c *codec, n *node) (value *node) {
	for _, a := range x.xml.attrs {
		if a.prefix == "xmlns" || a.prefix == "" && a.local == "xmlns" {
			continue
		}
		if a.prefix != "" {
			if uri, ok := x.xml.space(a.prefix); !ok {
				x.xml.fail(notXML, a.at, "the prefix of an attribute is not declared")
				return nil
			} else if uri == xsiSpace || uri == xmlSpace {
				continue
			}
		}
		s, ok := x.xml.value(a)
		if !ok {
			return nil
		}
		k := &node{name: a.local, kind: '"', raw: quoted(s), at: a.at, stray: a.prefix != ""}
		switch {
		case k.stray || c == nil:
		case a.local == "value" && c.typ.Kind == plan.Primitive:
			value = k
			continue
		case a.local == "id" && c.typ.Kind != plan.Resource, a.local == "url" && c.typ.Go == extensionType:
		default:
			k.stray = true
		}
		n.kids = append(n.kids, k)
	}
	return value
}

// childrenXML calls f for the elements within t, whose tag was scanned last, and adds to n the text that stands between them.
func (x *decoder) childrenXML(n *node, t xmlTag, depth int, f func(xmlTag)) {
	if depth > maxNesting {
		x.xml.fail("CP-FHIR-014", t.at, "elements are nested deeper than Chartpost reads")
		return
	}
	for x.xml.fault == nil {
		child, ok := x.nextXML(t)
		if t.kind != emptyTag && x.xml.text >= 0 {
			at := x.xml.text
			n.kids = append(n.kids, &node{name: "text", kind: '"', raw: quoted("-"), at: at, stray: true})
		}
		if !ok {
			return
		}
		f(child)
	}
}

// strangeXML adds to n what stands in an element of which nothing is known.
func (x *decoder) strangeXML(n *node, t xmlTag, depth int) {
	x.attributesTreeXML(nil, n)
	x.childrenXML(n, t, depth, func(child xmlTag) {
		k := &node{name: child.local, kind: '{', at: child.at, stray: true}
		n.kids = append(n.kids, k)
		x.strangeXML(k, child, depth+1)
	})
}

func (x *decoder) elementTreeXML(c *codec, n *node, t xmlTag, depth int) {
	x.attributesTreeXML(c, n)
	x.childrenXML(n, t, depth, func(child xmlTag) {
		k := c.byName[child.local]
		div := child.local == "div" && c.typ.Name == "Narrative"
		if !div && !x.isFHIR(child) || k == nil || k.name == "id" && c.typ.Kind != plan.Resource || k.name == "url" && c.typ.Go == extensionType {
			s := &node{name: child.local, kind: '{', at: child.at, stray: k != nil}
			n.kids = append(n.kids, s)
			x.strangeXML(s, child, depth+1)
			return
		}
		val, under := x.memberTreeXML(c, k, child, depth+1)
		if val != nil {
			val.name = k.name
		}
		if under != nil {
			under.name = "_" + k.name
		}
		if !k.list {
			for _, m := range []*node{val, under} {
				if m != nil {
					n.kids = append(n.kids, m)
				}
			}
			return
		}
		x.intoList(n, k, val, under)
	})
}

// intoList puts an item into the arrays of an element, which keep in step.
func (x *decoder) intoList(n *node, k *key, val, under *node) {
	hole := func(at int) *node { return &node{kind: 'n', raw: "null", at: at, made: true} }
	vals, unders := n.member(k.name), n.member("_"+k.name)
	at := 0
	for _, m := range []*node{val, under} {
		if m != nil {
			at, m.name = m.at, ""
		}
	}
	if vals == nil {
		vals = &node{name: k.name, kind: '[', at: at}
		n.kids = append(n.kids, vals)
	}
	if under != nil && unders == nil {
		unders = &node{name: "_" + k.name, kind: '[', at: at}
		for range vals.kids {
			unders.kids = append(unders.kids, hole(at))
		}
		n.kids = append(n.kids, unders)
	}
	if unders != nil {
		if under == nil {
			under = hole(at)
		}
		unders.kids = append(unders.kids, under)
	}
	if val == nil {
		val = hole(at)
	}
	vals.kids = append(vals.kids, val)
}

// memberTreeXML is one child element: of a primitive its value, and what JSON has under its name with _.
func (x *decoder) memberTreeXML(c *codec, k *key, t xmlTag, depth int) (val, under *node) {
	switch {
	case k.form == formContained || k.form == formPacked:
		in := &node{kind: '[', at: t.at}
		x.attributesTreeXML(nil, in)
		x.childrenXML(in, t, depth, func(child xmlTag) { in.kids = append(in.kids, x.resourceTreeXML(child, depth+1)) })
		if len(in.kids) == 1 {
			return in.kids[0], nil
		}
		return in, nil
	case k.form == formComplex:
		n := &node{kind: '{', at: t.at}
		x.elementTreeXML(k.codec(), n, t, depth)
		return n, nil
	case k.name == "div" && c.typ.Name == "Narrative":
		if s, ok := x.divXML(t); ok {
			return &node{kind: '"', raw: quoted(s), at: t.at}, nil
		}
		return nil, nil
	}
	pc, prim := k.codec(), k.prim()
	if k.form == formReference {
		prim = stringPrim()
		pc = codecOf(plan.OfMessage(x.strs.Take()))
	}
	under = &node{kind: '{', at: t.at}
	if val = x.attributesTreeXML(pc, under); val != nil {
		val.at = t.at
		switch s := val.text(); prim.Kind {
		case plan.Boolean:
			if s == "true" || s == "false" {
				val.kind, val.raw = 't', s
			}
		case plan.Decimal, plan.Integer, plan.Unsigned:
			if _, err := prim.Parse(s); err == nil && jsontext.Value(s).Kind() == '0' && jsontext.Value(s).IsValid() {
				val.kind, val.raw = '0', s
			}
		}
	}
	x.childrenXML(under, t, depth, func(child xmlTag) {
		e := pc.byName["extension"]
		if e == nil || child.local != "extension" || !x.isFHIR(child) {
			s := &node{name: child.local, kind: '{', at: child.at, stray: true}
			under.kids = append(under.kids, s)
			x.strangeXML(s, child, depth+1)
			return
		}
		item := &node{kind: '{', at: child.at}
		x.elementTreeXML(e.codec(), item, child, depth+1)
		x.intoList(under, e, item, nil)
	})
	if len(under.kids) == 0 {
		if val != nil {
			return val, nil
		}
		under.kind = '{'
		return under, nil // an empty element
	}
	return val, under
}

// treeOf makes the tree of a text: of a resource, or of a bundle's entry. Nil if its grammar is broken.
func (x *decoder) treeOf(b []byte, xml bool, p part, path ...step) *node {
	if !xml {
		if !x.begin(b, p.at, path...) || len(x.findings) > 0 {
			return nil
		}
		return x.tree("")
	}
	if !x.beginXML(b, p.at, p.ns, path...) {
		return nil
	}
	x.bare = false
	t, ok := x.xml.next()
	if !ok || x.xml.text >= 0 {
		return nil
	}
	var n *node
	if len(path) > 0 {
		x.bare = t.uri == ""
		if t.kind == endTag || !x.isFHIR(t) {
			return nil
		}
		n = &node{kind: '{', at: t.at}
		x.elementTreeXML(entryCodec(), n, t, 1)
	} else {
		n = x.resourceTreeXML(t, 0)
	}
	if x.xml.fault != nil {
		return nil
	}
	if _, more := x.xml.next(); more || x.xml.text >= 0 || x.xml.fault != nil {
		return nil
	}
	x.findings = []*diag.Finding(nil)
	return n
}
