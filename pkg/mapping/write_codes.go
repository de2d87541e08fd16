package mapping

import (
	"reflect"
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes what codes stand for: bare codes, codings and concepts, with the original where FHIR kept it.

// original is the source's code that was kept beside a bare code.
func original(list []*dpb.Extension) (*dpb.Coding, *dpb.Extension) {
	for _, x := range list {
		if x.GetUrl().GetValue() == alternateURL {
			if cc := x.GetValue().GetCodeableConcept(); len(cc.GetCoding()) == 1 {
				return cc.GetCoding()[0], x
			}
		}
	}
	return nil, nil
}

func (c *Context) writeCode(r *row, e reflect.Value, ti *plan.Type, n tree.Node) bool {
	s := ti.Prim.Text(e)
	if s == "" {
		return false
	}
	from := ""
	var kept *dpb.Extension
	if ti.Extension >= 0 {
		list, _ := e.Field(ti.Extension).Interface().([]*dpb.Extension)
		if coding, x := original(list); x != nil && coding.GetSystem().GetValue() == r.codes.from {
			if l := r.codes.read[coding.GetCode().GetValue()]; l != nil && r.codes.to[l].code == s {
				from, kept = l.From, x
			}
		} else if x != nil && r.inChain && r.t.another(r, coding, s) {
			return false
		}
	}
	if from == "" {
		l := r.codes.bare[s]
		if l == nil {
			return false
		}
		from = l.From
	}
	if !c.put(r, n, from) {
		return false
	}
	c.claim(e, tree.Carried, "")
	if kept != nil {
		c.claimAll(reflect.ValueOf(kept).Elem(), plan.OfMessage(kept), tree.Carried, "")
	}
	return true
}

// another reports that a code was made by another row of a chain, which its original says: there it comes back as it was.
func (t *table) another(r *row, orig *dpb.Coding, made string) bool {
	for _, chain := range t.chains {
		if !slices.Contains(chain, r) {
			continue
		}
		return slices.ContainsFunc(chain, func(q *row) bool {
			if q == r || q.codes == nil || q.Direction == Forward || q.codes.from != orig.GetSystem().GetValue() {
				return false
			}
			l := q.codes.read[orig.GetCode().GetValue()]
			return l != nil && q.codes.to[l].code == made
		})
	}
	return false
}

func (c *Context) writeCoded(r *row, e reflect.Value, n tree.Node) bool {
	switch x := e.Addr().Interface().(type) {
	case *dpb.Coding:
		to := codedOf(x)
		if !r.codes.targets[to] && r.codes.write[to] == nil {
			return false
		}
		coding, kept := original(x.GetCode().GetExtension())
		from := ""
		if kept != nil && coding.GetSystem().GetValue() == r.codes.from {
			if l := r.codes.read[coding.GetCode().GetValue()]; l != nil && r.codes.to[l] == to {
				from = l.From
			}
		}
		if from == "" {
			kept = nil
			l := r.codes.write[to]
			if l == nil {
				return false
			}
			from = l.From
		}
		if !c.put(r, n, from) {
			return false
		}
		c.claimMsg(x.System)
		c.claimMsg(x.Code)
		if kept != nil {
			c.claimAll(reflect.ValueOf(kept).Elem(), plan.OfMessage(kept), tree.Carried, "")
		}
		return true
	case *dpb.CodeableConcept:
		var to, orig *dpb.Coding
		for _, coding := range x.Coding {
			if c.taken[plan.PlaceAt(coding)] {
				continue
			}
			switch {
			case r.codes.targets[codedOf(coding)] || r.codes.write[codedOf(coding)] != nil:
				if to == nil {
					to = coding
				}
			case r.codes.from != "" && coding.GetSystem().GetValue() == r.codes.from:
				if orig == nil {
					orig = coding
				}
			}
		}
		from := ""
		if orig != nil {
			if l := r.codes.read[orig.GetCode().GetValue()]; l != nil && (to == nil || r.codes.to[l] == codedOf(to)) {
				from = l.From
			} else {
				orig = nil
			}
		}
		if from == "" && to != nil {
			if l := r.codes.write[codedOf(to)]; l != nil {
				from = l.From
			}
		}
		if from == "" || !c.put(r, n, from) {
			return false
		}
		for _, coding := range []*dpb.Coding{to, orig} {
			if coding != nil {
				c.claimMsg(coding.System)
				c.claimMsg(coding.Code)
				c.take(reflect.ValueOf(coding).Elem())
			}
		}
		return true
	}
	return false
}

// writeTranslated writes a CodeableConcept of a row TABLE+CODES: a coding that the codes made stands only for the original
// beside it; alone, it is translated back, unless it is of the source's own system and the table writes that.
func (c *Context) writeTranslated(r *row, cc *dpb.CodeableConcept, k tree.Node) bool {
	table := func() bool { return c.writeNew(r.sub, reflect.ValueOf(cc).Elem(), k) }
	var made *dpb.Coding
	others := 0
	for _, coding := range cc.Coding {
		if c.taken[plan.PlaceAt(coding)] {
			continue
		}
		if t := codedOf(coding); made == nil && (r.codes.targets[t] || r.codes.write[t] != nil) && coding.GetVersion() == nil {
			made = coding
			continue
		}
		others++
	}
	if made == nil {
		return table()
	}
	to := codedOf(made)
	for _, coding := range cc.Coding {
		if l := r.codes.read[coding.GetCode().GetValue()]; coding != made && l != nil && r.codes.to[l] == to {
			c.take(reflect.ValueOf(made).Elem())
			c.claimMsg(made.System)
			c.claimMsg(made.Code)
			return table()
		}
	}
	if to.system == r.codes.source() {
		at := c.begin()
		if c.end(at, table() && c.says(k, made.Code.GetValue())) {
			c.claimMsg(made.System)
			c.claimMsg(made.Code)
			return true
		}
	}
	l := r.codes.write[to]
	if l == nil || others > 0 {
		return table()
	}
	c.take(reflect.ValueOf(made).Elem())
	if !c.putCode(k, l.From) {
		return false
	}
	c.claimMsg(made.System)
	c.claimMsg(made.Code)
	table()
	return true
}

// writeTranslatedCoding does the same for a Coding, whose original stands beside its code.
func (c *Context) writeTranslatedCoding(r *row, x *dpb.Coding, k tree.Node) bool {
	system, version, code := x.System, x.Version, x.Code
	defer func() { x.System, x.Version, x.Code = system, version, code }()
	table := func() bool {
		return c.writeNew(r.sub, reflect.ValueOf(x).Elem(), k)
	}
	to := codedOf(x)
	if orig, ext := original(code.GetExtension()); ext != nil {
		if l := r.codes.read[orig.GetCode().GetValue()]; l != nil && r.codes.to[l] == to {
			x.System, x.Version, x.Code = orig.System, orig.Version, orig.Code
			if !table() {
				return false
			}
			c.claimMsg(system)
			c.claimMsg(code)
			c.claimMsg(ext.Url)
			return true
		}
	}
	l := r.codes.write[to]
	if l == nil || to.system == r.codes.source() {
		return table()
	}
	if !c.putCode(k, l.From) {
		return false
	}
	x.System, x.Code = nil, nil
	table()
	c.claimMsg(system)
	c.claimMsg(code)
	return true
}

// putCode sets the first part of a node, which must be empty.
func (c *Context) putCode(k tree.Node, text string) bool {
	leaf := c.Doc.Leaf(k)
	if c.Doc.Text(leaf) != "" {
		return false
	}
	if c.Doc.Self != "" && c.Doc.First(leaf) != 0 {
		leaf = c.Doc.Add(leaf, c.Doc.Self, "")
	}
	c.Doc.SetText(leaf, text)
	return true
}

// says reports that a leaf at or below k has a text. What was claimed does not tell: a resource can be written several times.
func (c *Context) says(k tree.Node, text string) (found bool) {
	c.Doc.LeavesBelow(k, func(n tree.Node, _ tree.State, _ string) { found = found || c.Doc.Text(n) == text })
	return found
}
