package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads leaves: texts, codes and explicit nulls.

// convert turns a leaf's text into FHIR's text, and says in which state that leaves the leaf.
func (c *Context) convert(r *row, leaf tree.Node, text string) (s string, state tree.State, why string, bad error) {
	state, why = c.state()
	c.target = r.dst.end
	if r.codes != nil {
		code, bare := r.codes.of(text)
		if !bare && state == tree.Carried {
			state, why = tree.Folded, blanksWhy
		}
		switch {
		case code == nil:
			return "", tree.Invalid, "", fmt.Errorf("not one of the codes %s", r.codes.name)
		case code.Declined:
			return "", tree.Declined, code.Note, nil
		}
		return r.codes.to[code].code, state, why, nil
	}
	if r.conv.Read == nil {
		return text, state, why, nil
	}
	c.leaf = leaf
	s, err := r.conv.Read(c, text)
	c.leaf = 0
	if err != nil {
		var loss Loss
		switch {
		case !errors.As(err, &loss):
			return "", tree.Invalid, "", err
		case s == "":
			return "", tree.Declined, string(loss), nil
		}
		return s, tree.Folded, string(loss), nil
	}
	if state == tree.Carried {
		back := s
		c.leaf = leaf
		if r.conv.Write != nil {
			if back, err = r.conv.Write(c, s); err != nil {
				c.leaf = 0
				return s, tree.Folded, "does not come back: " + err.Error(), nil
			}
		}
		if back != text {
			if form, ok := r.conv.form(c, text); !ok || back != form {
				state, why = tree.Folded, "comes back in another form"
			} else if c.normal != nil {
				c.normal(leaf, back)
			}
		}
		c.leaf = 0
	}
	return s, state, why, nil
}

func (c *Context) readLeaf(r *row, k tree.Node, base reflect.Value, in *instance) (bool, string) {
	leaf := c.Doc.Leaf(k)
	text := c.Doc.Text(leaf)
	if r.conv != nil && r.conv.Whole != nil && c.Doc.First(k) != 0 {
		if all := r.conv.Whole(c.Doc, k); all != "" && all != text {
			outer := c.fold
			c.fold = cmp.Or(outer, wholeWhy)
			ok, taken := c.readText(r, leaf, all, base, in)
			if ok {
				c.Doc.MarkAll(k, tree.Folded, c.fold)
			}
			c.fold = outer
			return ok, taken
		}
	}
	if text == "" {
		return false, ""
	}
	return c.readText(r, leaf, text, base, in)
}

var errTooLong = errors.New("longer than a string of FHIR may be, 1 MB")

const wholeWhy = "a text with separators that were not escaped: it comes back with them escaped"

// readText reads the text of a leaf.
func (c *Context) readText(r *row, leaf tree.Node, text string, base reflect.Value, in *instance) (bool, string) {
	s, state, why, err := c.convert(r, leaf, text)
	var val plan.Value
	if err == nil && s != "" {
		if val, err = r.dst.end.Prim.Parse(s); err != nil && state == tree.Folded {
			c.Doc.Mark(leaf, tree.Declined, why) // what is left is not what the element asks for
			return false, ""
		}
		if err == nil && len(s) > plan.MaxString && r.dst.end.Prim.Name == "string" {
			err = errTooLong
		}
	}
	if err != nil {
		c.Doc.Mark(leaf, tree.Invalid, err.Error())
		return false, ""
	}
	if s == "" {
		c.Doc.Mark(leaf, state, why)
		return false, ""
	}
	d := &r.dst
	e, how, ok := base, own, true
	if last := len(d.steps) - 1; last >= 0 {
		var parent reflect.Value
		if parent, how, ok = c.place(in, base, d.steps[:last], true); !ok {
			return false, r.Target + " holds another type"
		}
		st := &d.steps[last]
		if r.fillsList && d.grow < 0 { // lists of primitives grow with every row
			e = c.fresh(st)
			c.hang(parent, st, e)
			c.setLeaf(r, leaf, e, val, text, state, why)
			return true, ""
		}
		e, how = c.there(parent, st, how)
		if !e.IsValid() {
			if e, ok = c.add(parent, st); !ok {
				return false, r.Target + " holds another type"
			}
			c.remember(in, parent, st, e)
			c.setLeaf(r, leaf, e, val, text, state, why)
			return true, ""
		}
	}
	if have := d.end.Prim.Text(e); have != "" {
		if have != s {
			return false, "place taken: " + r.Target + " holds another value"
		}
		if state == tree.Carried && how == shared {
			state, why = tree.Folded, sharedWhy
		}
		c.Doc.Mark(leaf, state, why)
		c.came(leaf, e, d.end, true)
		c.same = r
		return true, ""
	}
	c.setLeaf(r, leaf, e, val, text, state, why)
	return true, ""
}

// setLeaf gives an element the value that a leaf's text became.
func (c *Context) setLeaf(r *row, leaf tree.Node, e reflect.Value, val plan.Value, text string, state tree.State, why string) {
	d := &r.dst
	d.end.Prim.Store(e, val)
	c.came(leaf, e, d.end, true)
	if r.codes != nil && r.codes.several {
		if code, _ := r.codes.of(text); code.Direction == Forward {
			c.keepOriginal(r, e, strings.Trim(text, " "))
		}
	}
	c.Doc.Mark(leaf, state, why)
}

// keepOriginal keeps the source's code beside the one that it became, where several become the same.
func (c *Context) keepOriginal(r *row, e reflect.Value, text string) {
	addExtension(e, r.dst.end, alternate(r.codes.from, text))
}

// readCoded reads a code for a Coding or a CodeableConcept.
func (c *Context) readCoded(r *row, k tree.Node, base reflect.Value, in *instance) (bool, string) {
	leaf := c.Doc.Leaf(k)
	text := c.Doc.Text(leaf)
	code, bare := r.codes.of(text)
	text = strings.Trim(text, " ")
	switch {
	case text == "":
		return false, ""
	case code == nil:
		c.Doc.Mark(leaf, tree.Invalid, "not one of the codes "+r.codes.name)
		return false, ""
	case code.Declined:
		c.Doc.Mark(leaf, tree.Declined, code.Note)
		return false, ""
	}
	e, how, ok := c.place(in, base, r.dst.steps, true)
	if !ok {
		return false, r.Target + " holds another type"
	}
	to := r.codes.to[code]
	coding := to.coding()
	switch x := plan.MessageOf(e).(type) {
	case *dpb.Coding:
		if x.Code != nil {
			if codedOf(x) != to {
				return false, "place taken: " + r.Target + " holds another value"
			}
			break
		}
		x.System, x.Code = coding.System, coding.Code
		if code.Direction == Forward {
			x.Code.Extension = append(x.Code.Extension, alternate(r.codes.from, text))
		}
	case *dpb.CodeableConcept:
		if how != own && len(x.Coding) > 0 {
			if codedOf(x.Coding[0]) != to {
				return false, "place taken: " + r.Target + " holds another value"
			}
			break
		}
		x.Coding = append(x.Coding, coding)
		if code.Direction == Forward && r.codes.from != "" {
			x.Coding = append(x.Coding, &dpb.Coding{System: &dpb.Uri{Value: r.codes.from}, Code: &dpb.Code{Value: text}})
		}
	}
	s, why := c.state()
	if !bare && s == tree.Carried {
		s, why = tree.Folded, blanksWhy
	}
	c.Doc.Mark(leaf, s, why)
	c.came(leaf, e, r.dst.end, true)
	return true, ""
}

const blanksWhy = "comes back without the blanks about it"

// of is the line for a code, nil if there is none, and whether it stands there without blanks about it, which say nothing.
func (c *codes) of(text string) (code *Code, bare bool) {
	if code = c.read[text]; code != nil {
		return code, true
	}
	code = c.read[strings.Trim(text, " ")]
	return code, code == nil
}

func alternate(system, code string) *dpb.Extension {
	coding := &dpb.Coding{Code: &dpb.Code{Value: code}}
	if system != "" {
		coding.System = &dpb.Uri{Value: system}
	}
	return alternateCoding(coding)
}

func alternateCoding(coding *dpb.Coding) *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: alternateURL}, Value: &dpb.Extension_ValueX{
		Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: &dpb.CodeableConcept{Coding: []*dpb.Coding{coding}}}}}
}

func (c *Context) isNull(k tree.Node) bool {
	return c.Doc.First(k) == 0 && c.Doc.Null != "" && c.Doc.Text(k) == c.Doc.Null
}

// allNull reports a node of several parts of which explicit nulls are all that is there: a code without its words, or its words without a
// code, could not be told from that on the way back.
func (c *Context) allNull(k tree.Node) bool {
	any := false
	for m := c.Doc.First(k); m != 0 && c.Doc.Null != ""; m = c.Doc.Next(m) {
		switch {
		case c.isNull(m) || c.allNull(m):
			any = true
		case !c.Doc.Empty(m):
			return false
		}
	}
	return any
}

// readNull reads an explicit null: an element that says so and nothing else. A code of a list that FHIR closes cannot be without one of its
// codes: where that is so another row says it.
func (c *Context) readNull(r *row, k tree.Node, base reflect.Value, in *instance) (bool, string) {
	if ti := r.dst.end; ti.Prim != nil && ti.Prim.Kind == plan.Code && len(ti.Prim.Words()) > 0 {
		return false, "FHIR wants one of its codes here, and has none for an explicit null"
	}
	e, how, ok := c.place(in, base, r.dst.steps, false)
	if !ok {
		return false, r.Target + " holds another type"
	}
	ti := r.dst.end
	if e.IsValid() && (how != own || r.dst.grow < 0) && !isEmpty(e, ti) {
		return false, r.Target + " holds a value"
	}
	if e, _, ok = c.place(in, base, r.dst.steps, true); !ok { // with its tags, which say what there is nothing of
		return false, r.Target + " holds another type"
	}
	if !addExtension(e, ti, explicitNull()) {
		return false, "FHIR has no place for an explicit null here"
	}
	if ti.Prim != nil {
		ti.Prim.MarkNoValue(e)
	}
	s, why := c.state()
	c.Doc.MarkAll(k, s, why)
	return true, ""
}

// isEmpty reports that an element holds nothing.
func isEmpty(v reflect.Value, ti *plan.Type) bool {
	if ti.Prim != nil && ti.Prim.Text(v) != "" {
		return false
	}
	for _, e := range ti.Elements {
		if e.Len(v) > 0 {
			return false
		}
	}
	return true
}
