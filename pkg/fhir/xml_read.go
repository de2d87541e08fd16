package fhir

import (
	"reflect"
	"strings"
	"unicode/utf8"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// How FHIR's XML is read (xml.html): by the same plans as JSON into the same structs, a tag at a time. What JSON says in one
// object under a name and _name stands here in one element: the value in an attribute, the extensions as children, the id in
// another attribute; a resource stands in an element of its own name. Reading goes on after what FHIR does not allow; after
// what XML does not allow, nothing is certain any more, and the resource keeps what came before.

// beginXML checks what a text must be before its tags are looked at.
func (x *decoder) beginXML(b []byte, at place, ns []binding, path ...step) bool {
	x.base, x.path, x.depth, x.findings, x.i = at, append(x.path[:0], path...), 0, nil, 0
	x.s = string(b)
	x.xml.reset(x.s, ns)
	if !utf8.ValidString(x.s) {
		i := strings.IndexRune(x.s, utf8.RuneError) // which stands for the first byte that is none, too
		x.find(notXML, i, "", "the text is not UTF-8 here, which FHIR's XML always is")
		return false
	}
	return true
}

// endXML reports why the scan ended before the document did, if it did.
func (x *decoder) endXML() {
	if f := x.xml.fault; f != nil {
		x.find(f.id, f.at, "", "%s", f.what)
	}
}

// documentXML reads the resource that the text is; the zero Value if there is none.
func (x *decoder) documentXML() (reflect.Value, *key) {
	defer x.endXML()
	t, ok := x.xml.next()
	if !ok {
		x.xml.fail(notXML, len(x.s), "there is no element here")
		return reflect.Value{}, nil
	}
	x.strayText()
	v, k := x.resourceXML(t)
	if x.xml.fault != nil {
		return v, k
	}
	if more, ok := x.xml.next(); ok {
		x.find("CP-FHIR-017", more.at, "", "")
	} else if x.xml.text >= 0 {
		x.find("CP-FHIR-017", x.xml.text, "", "")
	}
	return v, k
}

// entryXML reads the entry of a bundle that the text is.
func (x *decoder) entryXML() *rpb.Bundle_Entry {
	defer x.endXML()
	x.bare = false
	t, ok := x.xml.next()
	if !ok {
		return nil
	}
	x.bare = t.uri == "" // which the bundle was found to be
	if !x.fhirTag(t) {
		return nil
	}
	c := entryCodec()
	v := x.take(c.typ.Of())
	x.depth = 1
	x.elementXML(c, v, t)
	return v.Addr().Interface().(*rpb.Bundle_Entry)
}

// strayText reports text before the tag that was just scanned.
func (x *decoder) strayText() {
	if x.xml.text >= 0 {
		x.find("CP-FHIR-085", x.xml.text, "", "")
	}
}

// nextXML scans the next tag within t: a child, or false behind t's end or at a fault.
func (x *decoder) nextXML(t xmlTag) (child xmlTag, ok bool) {
	if t.kind == emptyTag {
		x.xml.leave(t)
		return child, false
	}
	child, ok = x.xml.next()
	if x.strayText(); !ok {
		x.xml.fail(notXML, len(x.s), "the text ends before the elements do")
		return child, false
	}
	if child.kind == endTag {
		x.xml.closes(t, child)
		return child, false
	}
	return child, true
}

func (x *decoder) skipXML(t xmlTag) { x.xml.skip(t, nil) }

// fhirTag reports that an element is FHIR's; another is passed over with a finding. What declares no namespace at all is taken for
// FHIR's, with a finding for the resource.
func (x *decoder) fhirTag(t xmlTag) bool {
	if t.uri == fhirSpace || t.uri == "" && x.bare {
		return true
	}
	x.find("CP-FHIR-083", t.at, "", "an element of another namespace stands here")
	x.skipXML(t)
	return false
}

// resourceXML reads a resource, whose start tag was scanned.
func (x *decoder) resourceXML(t xmlTag) (reflect.Value, *key) {
	root := len(x.path) == 0
	if root {
		x.bare = false
		if t.uri == "" && resourceKeys()[t.local] != nil {
			x.path = append(x.path, step{t.local, -1})
			x.find("CP-FHIR-083", t.at, "", "the resource declares no namespace")
			x.path = x.path[:0]
			x.bare = true
		}
	}
	if t.kind == endTag {
		x.xml.fail(notXML, t.at, "an end tag without a start tag")
		return reflect.Value{}, nil
	}
	if !x.fhirTag(t) {
		return reflect.Value{}, nil
	}
	k := resourceKeys()[t.local]
	if k == nil {
		x.find("CP-FHIR-005", t.at, t.local, "%s", "FHIR R4 has no such type of resource"+otherName(t.local, "", plan.Suggest(t.local, plan.Resources())))
		x.skipXML(t)
		return reflect.Value{}, nil
	}
	if root {
		x.push(t.local)
	}
	v := x.take(k.of)
	x.elementXML(k.codec(), v, t)
	if root && x.xml.fault == nil {
		x.pop()
	}
	return v, k
}

// innerXML reads the resource within an element such as Bundle.entry.resource or contained.
func (x *decoder) innerXML(t xmlTag) (v reflect.Value, rk *key) {
	x.attributesXML(nil, v, t)
	for {
		child, ok := x.nextXML(t)
		if !ok {
			break
		}
		if rk != nil {
			x.find("CP-FHIR-002", child.at, "", "a second resource within one element")
			x.skipXML(child)
			continue
		}
		if v, rk = x.resourceXML(child); x.xml.fault != nil {
			return v, rk
		}
	}
	if rk == nil && x.xml.fault == nil && len(x.findings) == 0 {
		x.find("CP-FHIR-007", t.at, "", "an element without a resource")
	}
	return v, rk
}

// attributesXML reads the attributes that an element of the type may have into v, and gives those that are its value.
func (x *decoder) attributesXML(c *codec, v reflect.Value, t xmlTag) []xmlAttr {
	var value []xmlAttr
	for i := range x.xml.attrs {
		a := x.xml.attrs[i]
		switch {
		case a.prefix == "xmlns" || a.prefix == "" && a.local == "xmlns":
			continue
		case a.prefix != "":
			uri, ok := x.xml.space(a.prefix)
			if !ok {
				x.xml.fail(notXML, a.at, "the prefix of an attribute is not declared")
			} else if uri != xsiSpace && uri != xmlSpace {
				x.find("CP-FHIR-083", a.at, "", "an attribute of another namespace stands here")
			}
			continue
		case a.local == "value" && c != nil && c.typ.Kind == plan.Primitive:
			value = x.xml.attrs[i : i+1]
			continue
		case a.local == "id" && c != nil && c.typ.Kind != plan.Resource, a.local == "url" && c != nil && c.typ.Go == extensionType:
			k := c.byName[a.local]
			if k == nil {
				break
			}
			x.push(a.local)
			if s, ok := x.xml.value(a); ok {
				if val, ok := x.parseXML(k, s, a.at); ok && v.IsValid() {
					if it, ok := x.itemOf(k, v); ok {
						store(k, it, val)
					}
				}
			}
			x.pop()
			continue
		}
		name := "the element"
		if c != nil {
			name = c.typ.Name
		}
		x.find("CP-FHIR-003", a.at, a.local, "%s has no such attribute", name)
	}
	return value
}

// elementXML reads the attributes and children of a resource, datatype or backbone element into v.
func (x *decoder) elementXML(c *codec, v reflect.Value, t xmlTag) {
	if x.depth == MaxDepth {
		x.find("CP-FHIR-014", t.at, "", "")
		x.skipXML(t)
		return
	}
	x.depth++
	had := len(x.xml.attrs) - (len(x.xml.ns) - t.scope)
	x.attributesXML(c, v, t)
	var seen [seenWords]uint64
	var last *key
	next, high, disorder, children := 0, -1, false, false
	for {
		child, ok := x.nextXML(t)
		if !ok {
			break
		}
		children = true
		div := child.local == "div" && c.typ.Name == "Narrative"
		if !div && !x.fhirTag(child) {
			continue
		}
		k := last
		if k == nil || k.name != child.local {
			k = c.find(child.local, &next)
		}
		if k == nil || k.name == "id" && c.typ.Kind != plan.Resource || k.name == "url" && c.typ.Go == extensionType {
			x.find("CP-FHIR-003", child.at, child.local, "%s has no such element%s", c.typ.Name, otherName(c.typ.Name, child.local, c.typ.Suggest(child.local)))
			x.skipXML(child)
			continue
		}
		last = k
		x.push(k.name)
		if k.n < high && !disorder {
			disorder = true
			x.find("CP-FHIR-084", child.at, "", "")
		}
		high = max(high, k.n)
		if bit := uint(k.n); !k.list && seen[bit/64]&(1<<(bit%64)) != 0 {
			x.find("CP-FHIR-002", child.at, "", "%s stands twice", k.name)
			x.skipXML(child)
		} else {
			seen[bit/64] |= 1 << (bit % 64)
			if k.list {
				x.path[len(x.path)-1].n = v.Field(k.index).Len()
			}
			x.memberXML(c, k, v, child)
		}
		if x.xml.fault != nil {
			return // the path stays where the fault is
		}
		x.pop()
	}
	x.depth--
	if !children && had <= 0 && c.typ.Kind != plan.Resource && x.xml.fault == nil {
		x.find("CP-FHIR-007", t.at, "", "an element without content")
	}
}

// memberXML reads one child element.
func (x *decoder) memberXML(c *codec, k *key, v reflect.Value, t xmlTag) {
	switch {
	case k.form == formReference:
		x.referenceXML(k, v, t)
	case k.form == formContained:
		if r, rk := x.innerXML(t); rk != nil {
			cr := x.take(k.of)
			x.hold(cr, r, rk)
			v.Field(k.index).Set(cr.Addr())
		}
	case k.form == formPacked:
		r, rk := x.innerXML(t)
		if rk == nil {
			return
		}
		f := v.Field(k.index)
		if packed := reflect.ValueOf(x.pack(r, rk)); k.list {
			f.Set(reflect.Append(f, packed))
		} else {
			f.Set(packed)
		}
	case k.form == formComplex:
		if it, ok := x.ownXML(k, v, t); ok {
			x.elementXML(k.codec(), it, t)
		}
	case k.name == "div" && c.typ.Name == "Narrative":
		if s, ok := x.divXML(t); ok {
			if it, ok := x.itemOf(k, v); ok {
				store(k, it, plan.Value{S: s})
			}
		}
	default:
		x.primitiveXML(k, v, t)
	}
}

// ownXML is the struct for an element: a new item of a list, or the one that stands there. Where a choice holds another type, the
// element is passed over.
func (x *decoder) ownXML(k *key, v reflect.Value, t xmlTag) (reflect.Value, bool) {
	if k.list {
		return x.append(k, v.Field(k.index)), true
	}
	it, ok := x.itemOf(k, v)
	if !ok {
		x.find("CP-FHIR-011", t.at, "", "%s[x] has values of two types", k.elem.Name)
		x.skipXML(t)
	}
	return it, ok
}

// primitiveXML reads a primitive.
func (x *decoder) primitiveXML(k *key, v reflect.Value, t xmlTag) {
	attrs := x.xml.attrs
	if t.kind == emptyTag && len(attrs) == 1 && attrs[0].local == "value" && attrs[0].prefix == "" { // nearly all
		x.xml.leave(t)
		s, ok := x.xml.value(attrs[0])
		if !ok {
			return
		}
		if val, ok := x.parseXML(k, s, attrs[0].at); ok {
			if it, ok := x.ownXML(k, v, xmlTag{kind: emptyTag, at: t.at, scope: len(x.xml.ns)}); ok {
				store(k, it, val)
			}
		}
		return
	}
	it, ok := x.ownXML(k, v, t)
	if !ok {
		return
	}
	if val, ok := x.extendedXML(k, it, t, k.prim().Name); ok {
		store(k, it, val)
	} else if k.prim().Extended(it) {
		k.prim().MarkNoValue(it)
	}
}

// extendedXML reads the attributes and the extensions of a primitive into it, and gives its value.
func (x *decoder) extendedXML(k *key, it reflect.Value, t xmlTag, name string) (val plan.Value, ok bool) {
	c := codecOf(plan.Of(it.Type()))
	some, ids := false, len(x.findings)
	if a := x.attributesXML(c, it, t); a != nil {
		some = true
		if s, good := x.xml.value(a[0]); good {
			val, ok = x.parseXML(k, s, a[0].at)
		}
	}
	for {
		child, more := x.nextXML(t)
		if !more {
			break
		}
		some = true
		if !x.fhirTag(child) {
			continue
		}
		if e := c.byName["extension"]; e != nil && child.local == "extension" {
			f := it.Field(e.index)
			x.path = append(x.path, step{"extension", f.Len()})
			x.elementXML(e.codec(), x.append(e, f), child)
			if x.xml.fault != nil {
				return val, ok
			}
			x.pop()
			continue
		}
		x.find("CP-FHIR-003", child.at, child.local, "a %s has no elements but extensions", name)
		x.skipXML(child)
	}
	if !some && x.xml.fault == nil && len(x.findings) == ids {
		x.find("CP-FHIR-007", t.at, "", "neither value nor extension")
	}
	return val, ok
}

// referenceXML reads Reference.reference.
func (x *decoder) referenceXML(k *key, v reflect.Value, t xmlTag) {
	r := v.Addr().Interface().(*dpb.Reference)
	text := x.strs.Take()
	r.Reference = &dpb.Reference_Uri{Uri: text}
	it := reflect.ValueOf(text).Elem()
	val, ok := x.extendedXML(k, it, t, "reference")
	id, ext := text.Id, text.Extension
	switch {
	case ok:
		SetReference(r, val.S)
		setReferenceExtras(r, id, ext)
	case id == nil && len(ext) == 0:
		r.Reference = nil
	default:
		stringPrim().MarkNoValue(it)
	}
}

// parseXML reads the text of a primitive's value.
func (x *decoder) parseXML(k *key, s string, at int) (val plan.Value, ok bool) {
	p := k.prim()
	switch {
	case s == "":
		x.find("CP-FHIR-007", at, "", "an empty text")
		return val, false
	case p.Kind == plan.String:
		if !p.WellFormed(s) {
			x.find("CP-FHIR-013", at, s, "not the form of a FHIR %s", p.Name)
		}
		val.S = s
		return val, true
	}
	val, err := p.Parse(s)
	if err != nil {
		x.badValue(p, s, at, err)
	}
	return val, err == nil
}

// divXML is the narrative's div as JSON has it: the XHTML as it was written, with its namespace.
func (x *decoder) divXML(t xmlTag) (string, bool) {
	if t.uri != xhtmlSpace {
		x.find("CP-FHIR-083", t.at, "", "the narrative's div is not in the namespace of XHTML")
	}
	own := false // it declares its namespace itself, and nothing within has a prefix from outside
	for _, a := range x.xml.attrs {
		own = own || a.prefix == "" && a.local == "xmlns"
	}
	if strings.IndexByte(t.raw, ':') >= 0 {
		own = false
	}
	from := t.at
	ok := x.xml.skip(t, func(k xmlTag) {
		if k.kind != endTag && k.uri != t.uri {
			x.find("CP-FHIR-083", k.at, "", "the narrative has an element of another namespace")
		}
		if strings.IndexByte(k.raw, ':') >= 0 {
			own = false
		}
	})
	switch {
	case !ok:
		return "", false
	case own:
		return x.s[from:x.xml.i], true
	}
	return plainDiv(x.s[from:x.xml.i]), true
}

// plainDiv writes a div whose namespace was declared outside, or has a prefix, so that it stands for itself.
func plainDiv(s string) string {
	var b strings.Builder
	for first := true; s != ""; {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		if s = s[i:]; strings.HasPrefix(s, "<!--") || strings.HasPrefix(s, "<![CDATA[") || strings.HasPrefix(s, "<?") {
			end := map[byte]string{'-': "-->", '[': "]]>"}[s[2]]
			if end == "" {
				end = "?>"
			}
			n := strings.Index(s, end) + len(end)
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		open := 1
		if s[1] == '/' {
			open = 2
		}
		to := nameEnd(s, open)
		_, local := cutPrefix(s[open:to])
		b.WriteString(s[:open] + local)
		if first {
			b.WriteString(` xmlns="` + xhtmlSpace + `"`)
			first = false
		}
		s = s[to:]
		for quote := byte(0); s != ""; { // to the tag's end, without declarations
			c := s[0]
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c <= ' ' && (strings.HasPrefix(s[1:], "xmlns:") || strings.HasPrefix(s[1:], "xmlns=")):
				v := strings.IndexAny(s, `"'`)
				s = s[v+1+strings.IndexByte(s[v+1:], s[v])+1:]
				continue
			}
			b.WriteByte(c)
			if s = s[1:]; c == '>' && quote == 0 {
				break
			}
		}
	}
	b.WriteString(s)
	return b.String()
}
