package mapping

import (
	"reflect"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads tables and pairs into elements.

// readInto reads a table or pair into the element where the target leads. What another instance made there is never mixed
// with: it must be the same, or the row is declined whole.
func (c *Context) readInto(r *row, k tree.Node, base reflect.Value, in *instance, read func(reflect.Value) bool) (bool, string) {
	outer := c.fold
	ok, taken := c.readElement(r, k, base, in, read)
	c.fold = outer
	return ok, taken
}

func (c *Context) readElement(r *row, k tree.Node, base reflect.Value, in *instance, read func(reflect.Value) bool) (bool, string) {
	d := &r.dst
	last := len(d.steps) - 1
	if last < 0 {
		return read(base), ""
	}
	st := &d.steps[last]
	have, how, ok := c.place(in, base, d.steps, false)
	if !ok {
		return false, r.Target + " holds another type"
	}
	if have.IsValid() && how == shared && c.fold == "" {
		c.fold = sharedWhy
	}
	if have.IsValid() && how == own && !st.grow {
		return read(have), "" // made by a sibling row of this instance: they are parts of one thing
	}
	outer := c.more
	c.more = nil
	e, ok := c.readFresh(r, st, k, read)
	more := c.more
	if c.more = outer; !ok {
		return false, ""
	}
	if have.IsValid() && !st.grow {
		if c.covers(have, e, d.end, false) {
			c.same = r
			return true, ""
		}
		return false, "place taken: " + r.Target + " holds another"
	}
	parent, _, ok := c.place(in, base, d.steps[:last], true)
	if !ok {
		return false, r.Target + " holds another type"
	}
	if st.a != nil {
		if _, a := st.e.Chosen(parent); a != nil {
			return false, r.Target + " holds another type"
		}
	}
	c.hang(parent, st, e)
	c.remember(in, parent, st, e)
	for _, x := range more {
		c.hang(parent, st, x)
	}
	return true, ""
}

// readFresh reads into a new element, or copies what was made of the same text before.
func (c *Context) readFresh(r *row, st *step, k tree.Node, read func(reflect.Value) bool) (e reflect.Value, ok bool) {
	memorable := c.memorable(r, k)
	var key string
	var nodes []tree.Node
	var before effects
	if memorable {
		if e, ok = c.recall(); ok {
			return e, true
		}
		if memorable = !c.memos.marked; memorable { // else nobody knows which states come of this reading
			key, nodes, before = string(c.memos.key), slices.Clone(c.memos.nodes), c.effects() // reading reads codes within codes
		}
	}
	e = c.fresh(st)
	c.stamp(e, st.tags)
	if !read(e) {
		return e, false
	}
	if r.codes != nil {
		c.translate(r, c.Doc.LeafText(k), plan.MessageOf(e))
	}
	if memorable {
		c.learn(key, nodes, e, before)
	}
	return e, true
}

// translate adds what codes make of a code: to a CodeableConcept as its first coding, in a Coding it takes the place of the
// original, which then stands beside the code. Where the source has its code in another place than the first (an alternate coding
// alone), it is the first that was made, which is where it comes back; and where blanks stand about it, it is what was made without them.
func (c *Context) translate(r *row, text string, e any) {
	var first string
	switch x := e.(type) {
	case *dpb.CodeableConcept:
		if len(x.Coding) > 0 {
			first = x.Coding[0].GetCode().GetValue()
		}
	case *dpb.Coding:
		first = x.GetCode().GetValue()
	}
	if _, ok := e.(*dpb.CodeableConcept); ok && text == "" || strings.Trim(text, " ") == first {
		text = first
	}
	code := r.codes.read[text]
	if code == nil || code.Declined {
		return
	}
	to := r.codes.to[code]
	switch x := e.(type) {
	case *dpb.CodeableConcept:
		for _, have := range x.Coding {
			if codedOf(have) == to {
				return
			}
		}
		x.Coding = append([]*dpb.Coding{to.coding()}, x.Coding...)
	case *dpb.Coding:
		if codedOf(x) == to || x.Code == nil {
			return
		}
		kept := &dpb.Coding{System: x.System, Version: x.Version, Code: x.Code}
		made := to.coding()
		x.System, x.Version, x.Code = made.System, nil, made.Code
		x.Code.Extension = append(x.Code.Extension, alternateCoding(kept))
	}
}
