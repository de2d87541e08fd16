package mapping

import (
	"reflect"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// This file ends a reading: links to what came later, ids that depend on nothing but what identifies a thing, references,
// and the statement that a required element is not there.

func (c *Context) finish(o ReadOptions) {
	for _, p := range c.links {
		if to := p.frame.lookup(p.tags[0].link); to != nil && to.entered {
			c.linkTo(p.v, &p.tags[0], to)
		}
	}
	used := map[string]bool{}
	for _, r := range c.rec.Resources {
		key := identityKey(r.Msg, o.Facility)
		if key == "" || used[key] {
			key = r.info.Name + "\x00" + o.Key + "\x00" + strconv.Itoa(int(r.at))
			for n := 1; used[key]; n++ {
				key = r.info.Name + "\x00" + o.Key + "\x00" + strconv.Itoa(int(r.at)) + "\x00" + strconv.Itoa(n)
			}
		}
		used[key] = true
		r.ID = resourceID(key)
		r.v.Field(r.info.ID).Set(reflect.ValueOf(&dpb.Id{Value: r.ID}))
	}
	for _, ref := range c.refOrder {
		to := c.refs[ref]
		if !o.Relative {
			ref.Reference = &dpb.Reference_Uri{Uri: &dpb.String{Value: "urn:uuid:" + to.ID}}
			continue
		}
		setRelative(ref, to)
	}
	for _, r := range c.rec.Resources {
		require(r.v, r.info)
	}
	if c.rec.Bundle != nil && proto.Size(c.rec.Bundle) == 0 {
		c.rec.Bundle, c.rec.root = nil, nil
	}
}

// setRelative makes a reference of the form Type/id, as the hub holds it: typed.
func setRelative(ref *dpb.Reference, to *Resource) {
	e := refElement()
	v := reflect.ValueOf(ref).Elem()
	if a := e.Member(to.info.Name); a != nil {
		id := a.New()
		id.Addr().Interface().(*dpb.ReferenceId).Value = to.ID
		e.Choose(v, a, id)
		return
	}
	ref.Reference = &dpb.Reference_Uri{Uri: &dpb.String{Value: to.info.Name + "/" + to.ID}}
}

// require puts data-absent-reason unknown where FHIR wants an element and none is.
func require(v reflect.Value, ti *plan.Type) {
	if ti.Prim != nil || ti.Kind == plan.Packed || ti.Kind == plan.Contained {
		return
	}
	for _, e := range ti.Elements {
		n := e.Len(v)
		if n == 0 {
			if e.Required && !e.RefText && e.Choice == nil && e.Name != "extension" {
				fill(v, e)
			}
			continue
		}
		if e.RefText || e.Name == "extension" || e.Name == "contained" {
			continue
		}
		for i := range n {
			if e.Choice != nil {
				if x, a := e.Chosen(v); a != nil {
					require(x, a.Type())
				}
				continue
			}
			require(e.At(v, i), e.Type())
		}
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
	if addExtension(item, ti, unknownMarker()) {
		if ti.Prim != nil {
			ti.Prim.MarkNoValue(item)
		}
		e.Put(v, item)
	}
}
