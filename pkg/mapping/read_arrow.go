package mapping

import (
	"reflect"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads the resources behind arrows: persons and organisations that many places of a document name, and that the
// record has once.

// readArrow reads the resource that a reference leads to.
func (c *Context) readArrow(r *row, k tree.Node, base reflect.Value, in *instance) (bool, string) {
	d := &r.dst
	known, learn := c.foretell(r, k)
	if known != nil {
		if ref, _, _ := c.place(in, base, d.steps, false); !ref.IsValid() || c.resolve(ref) == nil {
			ref, _, ok := c.place(in, base, d.steps, true)
			if !ok {
				return false, r.Target + " holds another type"
			}
			c.repeat(known)
			c.refer(ref, known.to)
			return true, ""
		}
	}
	to := c.newResource(d.arrow, k)
	to.led = true
	var ok bool
	if r.pair != nil {
		c.stranger(to.v, to.info)
		ok = r.pair.Read(c, k, to.Msg)
	} else {
		ok = c.readNew(r.sub, k, to.v)
	}
	if !ok {
		return false, ""
	}
	c.stamp(to.v, d.arrowed)
	ref, how, ok := c.place(in, base, d.steps, true)
	if !ok {
		return false, r.Target + " holds another type"
	}
	if held := c.resolve(ref); held != nil && (how != own || d.grow < 0) { // never two persons in one
		if held.info == to.info && c.covers(held.v, to.v, to.info, false) {
			c.same = r
			return true, ""
		}
		return false, "place taken: " + r.Target + " leads to another"
	}
	if d.linked {
		c.apart++
		c.enlist(to)
	} else {
		at := to.at
		to = c.intern(to)
		c.met = append(c.met, meeting{to, at})
	}
	if learn != nil {
		c.learnArrow(learn, to)
	}
	c.refer(ref, to)
	if c.trial {
		c.rec.led = append(c.rec.led, cameFrom{node: k, v: ref, t: d.end, track: c.track})
	}
	if c.frame != nil && r.t.info == nil {
		c.frame.bind(to)
		to.bound = true
	}
	c.link(to.v, d.arrowed)
	return true, ""
}

func (c *Context) enlist(r *Resource) {
	r.entered = true
	c.rec.Resources = append(c.rec.Resources, r)
}

// intern is for what is only referred to, a person or an organisation: it returns the resource of the record that is the
// same thing, else adds this one. Two with one identifier are the same where neither contradicts the other, and the fuller
// stays; two without identifiers only where they say the same.
func (c *Context) intern(r *Resource) *Resource {
	id := fhir.IdentityKey(r.Msg, "the record")
	key := r.info.Name + id
	if id == "" { // those that say the same have the same sum: thousands that differ are not compared with one another
		key += strconv.FormatUint(content(r.v, r.info, 0), 36) + c.whither(r)
	}
	for _, have := range c.keyed[key] {
		if c.covers(have.v, r.v, r.info, true) && c.covers(r.v, have.v, r.info, true) { // mostly
			have.also = append(have.also, r.at)
			return have
		}
		wider, narrower := c.covers(have.v, r.v, r.info, false), c.covers(r.v, have.v, r.info, false)
		switch {
		case wider && (narrower || id != ""):
			if !c.covers(have.v, r.v, r.info, true) {
				c.Doc.Lower(r.at, tree.Folded, otherOrder)
			}
			have.also = append(have.also, r.at)
			return have
		case narrower && id != "":
			if !c.covers(r.v, have.v, r.info, true) {
				for _, at := range append(have.also, have.at) {
					c.Doc.Lower(at, tree.Folded, otherOrder)
				}
			}
			have.also = append(have.also, r.at)
			proto.Reset(have.Msg)
			proto.Merge(have.Msg, r.Msg)
			c.stranger(have.v, have.info)
			c.copied = append(c.copied, have)
			c.merges++
			c.moveRefs(r, have)
			return have
		}
	}
	c.keyed[key] = append(c.keyed[key], r)
	if id != "" && len(c.keyed[key]) == 2 {
		c.several = append(c.several, key)
	}
	c.enlist(r)
	return r
}

// widened unites what intern kept apart and a fuller one, which came later and took the place of another, says too: of an organization with a kind,
// the same with a telephone, and the same with both, one is left.
func (c *Context) widened() {
	gone := map[*Resource]*Resource{}
	for _, key := range c.several {
		list := c.keyed[key]
		for _, r := range list {
			for _, have := range list {
				if have == r || gone[have] != nil || !c.covers(have.v, r.v, r.info, false) {
					continue
				}
				have.also = append(append(have.also, r.at), r.also...)
				if !c.covers(have.v, r.v, r.info, true) {
					for _, at := range append(r.also, r.at) {
						c.Doc.Lower(at, tree.Folded, otherOrder)
					}
				}
				gone[r] = have
				break
			}
		}
	}
	c.replace(gone)
}

// content is a sum over what an element says, in any order: of equal elements it is equal. What references lead to does not
// count.
func content(v reflect.Value, ti *plan.Type, seed uint64) (sum uint64) {
	if ti.Prim != nil {
		h := seed
		for _, b := range []byte(ti.Prim.Text(v)) {
			h = (h ^ uint64(b)) * 1099511628211 // FNV-1a
		}
		sum += h * h
	}
	for i, e := range ti.Elements {
		if e.RefText {
			continue
		}
		for j := range e.Len(v) {
			if x, next := e.Item(v, j); next != nil && next.Kind != plan.Packed && next.Kind != plan.Contained {
				sum += content(x, next, (seed^uint64(i+1))*1099511628211)
			}
		}
	}
	return sum
}

// whither names what the single references of a resource lead to: of two that say the same it is the same. A role of a person says
// nothing else, and a large document has thousands of them.
func (x *run) whither(r *Resource) string {
	var b []byte
	for i, e := range r.info.Elements {
		if e.List || e.Choice != nil || e.Targets == nil || e.Len(r.v) == 0 {
			continue
		}
		if ref := plan.As[dpb.Reference](e.At(r.v, 0)); ref != nil && x.refs[ref] != nil {
			b = append(b, ' ')
			b = strconv.AppendInt(b, int64(i), 36)
			b = append(b, ' ')
			b = strconv.AppendInt(b, int64(x.refs[ref].nth), 36)
		}
	}
	return string(b)
}

// moveRefs is for a resource whose content was copied into another: its references must lead where they led.
func (c *Context) moveRefs(from, to *Resource) {
	var old, fresh []*dpb.Reference
	collect := func(list *[]*dpb.Reference) func(reflect.Value, *plan.Type) {
		return func(v reflect.Value, _ *plan.Type) {
			if p := plan.As[dpb.Reference](v); p != nil {
				*list = append(*list, p)
			}
		}
	}
	visit(from.v, from.info, collect(&old))
	visit(to.v, to.info, collect(&fresh))
	for i := range min(len(old), len(fresh)) {
		if res := c.refs[old[i]]; res != nil {
			c.refer(reflect.ValueOf(fresh[i]).Elem(), res)
		}
	}
}

// visit calls f for every element at and below v that is no primitive.
func visit(v reflect.Value, ti *plan.Type, f func(reflect.Value, *plan.Type)) {
	if ti.Prim != nil || ti.Kind == plan.Packed || ti.Kind == plan.Contained {
		return
	}
	f(v, ti)
	for _, e := range ti.Elements {
		if e.RefText {
			continue
		}
		for i := range e.Len(v) {
			if x, next := e.Item(v, i); next != nil {
				visit(x, next, f)
			}
		}
	}
}

// otherOrder is why what is read of a thing does not come back in its place.
const otherOrder = "written back in the order in which another place says it of the same"

// covers reports that a says all that b says: every element of b is in a, in lists at any place, or in the same place.
func (x *run) covers(a, b reflect.Value, ti *plan.Type, inPlace bool) bool {
	x.steps++
	if ti.Prim != nil && ti.Prim.Text(a) != ti.Prim.Text(b) && ti.Prim.Text(b) != "" {
		return false
	}
	if ti.Prim != nil && ti.Prim.Text(b) != "" && (findExtension(a, ti, alternateURL) == nil) != (findExtension(b, ti, alternateURL) == nil) {
		return false // two codes of the source of which FHIR has one
	}
	if ti.Kind == plan.Packed || ti.Kind == plan.Contained {
		return proto.Equal(plan.MessageOf(a), plan.MessageOf(b))
	}
	if ref := plan.As[dpb.Reference](b); ref != nil { // while FHIR is made, references lead to resources and have no text yet
		if to := x.refs[ref]; to != nil && x.refs[plan.As[dpb.Reference](a)] != to {
			return false
		}
	}
	for _, e := range ti.Elements {
		n := e.Len(b)
		if n == 0 {
			continue
		}
		if e.RefText {
			continue
		}
		extends := e.Name == "extension" && ti.Name != "Extension"
		if e.Choice != nil {
			va, xa := e.Chosen(a)
			vb, ya := e.Chosen(b)
			if xa != ya || xa != nil && !x.covers(va, vb, xa.Type(), inPlace) {
				return false
			}
			continue
		}
		for i := range n {
			found := false
			said := func(j int) bool {
				va, vb := e.At(a, j), e.At(b, i)
				// An extension says one thing as a whole: unknown because nobody was asked is not simply unknown.
				return x.covers(va, vb, e.Type(), inPlace) && (!extends || x.covers(vb, va, e.Type(), inPlace))
			}
			if m := e.Len(a); inPlace {
				found = i < m && said(i)
			} else {
				for j := range m {
					if found = said(j); found {
						break
					}
				}
			}
			if !found {
				return false
			}
		}
	}
	return true
}
