package mapping

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// This file ends a reading: links to what came later, ids that depend on nothing but what identifies a thing, references,
// and the statement that a required element is not there.

func (c *Context) finish(o ReadOptions) {
	for i, at := 0, 0; i < len(c.rec.Resources); i++ { // a message begins with its header, a document with its composition
		if r := c.rec.Resources[i]; r.info.Name == "MessageHeader" || r.info.Name == "Composition" {
			copy(c.rec.Resources[at+1:i+1], c.rec.Resources[at:i])
			c.rec.Resources[at] = r
			at++
		}
	}
	for _, p := range c.links {
		if to := p.frame.lookup(p.tags[0].link); to != nil && to.entered {
			c.linkTo(p.v, &p.tags[0], to)
		}
	}
	c.foldRepeated()
	c.widened()
	c.unite()
	if o.Unite {
		c.sameThings(&o)
	}
	for _, r := range c.rec.Resources {
		key, place := o.Key, int(r.at)
		if o.KeyOf != nil {
			if k := o.KeyOf(r.at); k != "" {
				key, place = k, 0 // the same part says the same thing, wherever it stands
			}
		}
		if r.ID, r.url = "", ""; o.IDOf != nil {
			r.ID = o.IDOf(r.info.Name, r.at)
		}
		if r.ID == "" {
			r.url = fhir.ResourceURL(r.Msg, o.Facility, key, strconv.Itoa(place))
			r.ID = r.url[len("urn:uuid:"):]
		}
		for n := 1; c.used[r.ID]; n++ { // another thing that says it is the same, or a second one from the same place
			r.ID, r.url = fhir.ID(r.info.Name, "record", key, strconv.Itoa(place), strconv.Itoa(n)), ""
		}
		c.used[r.ID] = true
		id := c.ids.Take()
		id.Value = r.ID
		r.v.Field(r.info.ID).Set(reflect.ValueOf(id))
	}
	for _, ref := range c.refOrder {
		to := c.refs[ref]
		if to.ref != nil {
			ref.Reference = to.ref.Reference
			continue
		}
		if to.ref = ref; o.Relative {
			fhir.RefTo(ref, to.info.Name, to.ID, fhir.RefRelative)
			continue
		}
		uri, text := c.members.Take(), c.texts.Take()
		if text.Value = to.url; to.url == "" {
			text.Value = fhir.FullURL(to.info.Name, to.ID)
		}
		uri.Uri, ref.Reference = text, uri
	}
	for _, out := range c.outward {
		style := fhir.RefRelative
		if c.used[out.id] && !o.Relative {
			style = fhir.RefURN
		}
		fhir.RefTo(out.ref, out.typ, out.id, style)
	}
	for _, w := range c.wanting {
		demand(w.v, w.typ)
	}
	for _, w := range c.foreign {
		require(w.v, w.typ)
	}
	for _, r := range c.copied { // whatever the rows of a table made of an extension
		visit(r.v, r.info, func(v reflect.Value, ti *plan.Type) {
			if ti.Name == "Extension" {
				demand(v, ti)
			}
		})
	}
	if c.rec.Bundle != nil && isEmpty(c.rec.root.v, c.rec.root.info) {
		c.rec.Bundle, c.rec.root = nil, nil
	}
}

// unite makes one resource of the anchors that say the same in several instances of a scope, if the way back writes them apart
// again: each has a visit of its own, or all but one have.
func (c *Context) unite() {
	of := func(f *frame, home *plan.Type) *Resource {
		if r := f.own(home); r != nil && r.entered {
			return r
		}
		return nil
	}
	same := map[string][]*frame{}
	var order []string
	for _, f := range c.visited {
		if a := of(f, f.t.anchor.dst.base); a != nil {
			if id := fhir.IdentityKey(a.Msg, "the record"); id != "" {
				if same[id] == nil {
					order = append(order, id)
				}
				same[id] = append(same[id], f)
			}
		}
	}
	gone := map[*Resource]*Resource{}
	for _, id := range order {
		list := same[id]
		if len(list) < 2 {
			continue
		}
		first := of(list[0], list[0].t.anchor.dst.base)
		none := 0
		for _, f := range list {
			a := of(f, f.t.anchor.dst.base)
			if a != first && (a.info != first.info || !c.covers(first.v, a.v, a.info, true) || !c.covers(a.v, first.v, a.info, true)) {
				none = 2
			}
			if of(f, f.t.homes[c.visitHome(f.t)]) == nil {
				none++
			}
		}
		if none < 2 {
			for _, f := range list[1:] {
				if a := of(f, f.t.anchor.dst.base); a != first {
					gone[a] = first
				}
			}
		}
	}
	c.replace(gone)
}

// replace takes resources out of the record for others, to which what led to them leads.
func (c *Context) replace(gone map[*Resource]*Resource) {
	if len(gone) == 0 {
		return
	}
	c.rec.Resources = slices.DeleteFunc(c.rec.Resources, func(r *Resource) bool { return gone[r] != nil })
	for ref, to := range c.refs {
		for gone[to] != nil {
			to = gone[to]
			c.refs[ref] = to
		}
	}
}

// made is an element of a reading.
type made struct {
	v   reflect.Value
	typ *plan.Type
}

// demand puts data-absent-reason unknown where FHIR wants an element of v itself and none is.
func demand(v reflect.Value, ti *plan.Type) {
	for _, e := range ti.Required() {
		switch {
		case e.Name == "extension" || e.Len(v) > 0:
		case e.Choice == nil:
			fill(v, e)
		case ti.Name != "Extension": // which has a value or extensions
			fillChoice(v, e)
		}
	}
}

// require is demand for everything at and below v but extensions, to which a pair gives their url. What the rows made needs it not: of
// each element that they made, a reading remembers whether FHIR wants something of it.
func require(v reflect.Value, ti *plan.Type) {
	if ti.Prim != nil || ti.Kind == plan.Packed || ti.Kind == plan.Contained {
		return
	}
	demand(v, ti)
	for _, e := range ti.Wanted() {
		if e.Choice != nil {
			if x, a := e.Chosen(v); a != nil {
				require(x, a.Type())
			}
			continue
		}
		for i := range e.Len(v) {
			require(e.At(v, i), e.Type())
		}
	}
}

// stranger takes note of an element that something else than rows may have filled: a pair, a merge.
func (x *run) stranger(v reflect.Value, ti *plan.Type) {
	if ti.Prim != nil {
		return
	}
	for i := len(x.foreign) - 1; i >= max(0, len(x.foreign)-8); i-- { // several pairs of a table fill one element
		if x.foreign[i].v == v {
			return
		}
	}
	x.foreign = append(x.foreign, made{v, ti})
}

// fillChoice says of a choice what fill says, with the first of its types.
func fillChoice(v reflect.Value, e *plan.Element) {
	a := e.Choice[0]
	item, ti := a.New(), a.Type()
	if addExtension(item, ti, unknownMarker()) {
		if ti.Prim != nil {
			ti.Prim.MarkNoValue(item)
		}
		e.Choose(v, a, item)
	}
}

func fill(v reflect.Value, e *plan.Element) {
	ti := e.Type()
	item := e.New()
	if ti.Prim == nil && strings.Contains(ti.Name, ".") { // a backbone element: its own required elements say it
		require(item, ti)
		if !isEmpty(item, ti) {
			e.Put(v, item)
			return
		}
	}
	if ti.Prim != nil && ti.Prim.Kind == plan.Code { // FHIR wants one of its codes, and many sets have one for this
		if unknown, err := ti.Prim.Parse("unknown"); err == nil {
			ti.Prim.Store(item, unknown)
			e.Put(v, item)
			return
		}
	}
	if addExtension(item, ti, unknownMarker()) {
		if ti.Prim != nil {
			ti.Prim.MarkNoValue(item)
		}
		e.Put(v, item)
	}
}
