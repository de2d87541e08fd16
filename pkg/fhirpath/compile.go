package fhirpath

import (
	"maps"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// compiler turns a tree into nodes.
type compiler struct {
	options  *Options
	this     Types // of $this
	root     Types // of %context
	resource Types // of %resource
	lambda   bool  // within an argument that is run for each item
	chapters []chapter
	shared   map[string]*node // what goes through whole resources, by its text: run once, wherever it stands
}

func (k *compiler) expr(a *expr) *node {
	if a.op == opCall && a.name == "descendants" && isFree(a) {
		key := treeText(a)
		if key == "" {
			return k.plain(a)
		}
		n := k.shared[key]
		if n == nil {
			n = memoNode(k.plain(a))
			k.shared[key] = n
		}
		return n
	}
	if k.lambda && isHeavy(a) && isFree(a) {
		outside := *k
		outside.lambda = false
		return memoNode(outside.expr(a))
	}
	return k.plain(a)
}

// treeText is a path of variables and elements as a text, empty for anything else.
func treeText(a *expr) string {
	switch {
	case a.op == opVariable:
		return "%" + a.name
	case a.on == nil || len(a.args) > 0 || a.op != opMember && a.op != opCall:
		return ""
	}
	on := treeText(a.on)
	if on == "" {
		return ""
	}
	if a.op == opCall {
		return on + "." + a.name + "()"
	}
	return on + ".`" + a.name + "`"
}

func (k *compiler) plain(a *expr) *node {
	n := k.build(a)
	n.pos = a.pos
	return n
}

func (k *compiler) build(a *expr) *node {
	switch a.op {
	case opLiteral:
		return constantNode(a.lit.checked(a.pos))
	case opEmpty:
		return constantNode()
	case opThis:
		return k.thisNode(a)
	case opVariable:
		return k.variable(a)
	case opMember:
		if a.on == nil {
			return k.head(a)
		}
		return k.member(k.expr(a.on), a)
	case opCall:
		in := pathNode(nil, nil, k.this)
		if a.on != nil {
			in = k.expr(a.on)
		}
		return k.call(in, a)
	case opIndex:
		return k.indexer(a)
	case opNegate:
		return k.negate(a)
	case opType:
		return k.typeOperator(k.expr(a.args[0]), a.name, a.typ, a.pos)
	}
	return k.binary(a)
}

// checked refuses the one integer that only a minus sign makes right.
func (v Value) checked(pos int) Value {
	if v.kind() == Integer && v.n > maxInteger {
		fail(pos, "an integer beyond 2147483647")
	}
	return v
}

func (k *compiler) thisNode(a *expr) *node {
	if a.on != nil { // x.$this is x
		return k.expr(a.on)
	}
	switch a.name {
	case "$index":
		return oneNode(system(Integer), func(c *Context, _ Value) (Value, int) { return integerOf(c.index), 1 })
	case "$total":
		return allNode(nil, func(c *Context, this Value) { c.pushMany(this, c.total) })
	}
	return pathNode(nil, nil, k.this)
}

// externalConstants are the environment variables that are texts (6.1 of fhirpath.html).
var externalConstants = map[string]string{"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}

func (k *compiler) variable(a *expr) *node {
	name := a.name
	if items, ok := k.options.Variables[name]; ok {
		return constantNode(items...)
	}
	if slices.Contains(k.options.Unset, name) {
		return allNode(nil, func(c *Context, _ Value) { c.stack = append(c.stack, c.vars[name]...) })
	}
	if s, ok := externalConstants[name]; ok {
		return constantNode(stringOf(s))
	}
	if vs, ok := strings.CutPrefix(name, "vs-"); ok {
		return constantNode(stringOf("http://hl7.org/fhir/ValueSet/" + vs))
	}
	if ext, ok := strings.CutPrefix(name, "ext-"); ok {
		return constantNode(stringOf("http://hl7.org/fhir/StructureDefinition/" + ext))
	}
	in := func(types Types, f func(s *scope) Value) *node {
		return oneNode(types, func(c *Context, _ Value) (Value, int) {
			v := f(&c.scope)
			if v.kind() == Nothing { // nobody said: then it is the resource that the expression is run on
				v = c.scope.context
				if v.kind() == Nothing || !(Type{FHIR: v.t}).isResource() {
					return v, 0
				}
			}
			return v, 1
		})
	}
	switch name {
	case "resource":
		return in(k.resource, func(s *scope) Value { return s.resource })
	case "rootResource":
		return in(nil, func(s *scope) Value { return s.root })
	case "context":
		return in(k.root, func(s *scope) Value { return s.context })
	}
	fail(a.pos, "unknown variable %%%s%s", name, plan.Suggest(name, slices.Sorted(maps.Keys(k.options.Variables))))
	return nil
}

func (t Type) isResource() bool { return t.FHIR != nil && t.FHIR.Kind == plan.Resource }

// head is a name at the beginning of a path: an element of $this, or the type that $this is.
func (k *compiler) head(a *expr) *node {
	this := pathNode(nil, nil, k.this)
	if c := a.name[:min(1, len(a.name))]; c >= "A" && c <= "Z" && isTypeName(a.name) {
		spec := typeSpec{name: a.name}
		is := func(t Type) bool { return t.matches(spec, false) }
		switch {
		case k.this == nil:
			types, _ := Types(nil).of(spec)
			return this.then(step{filter: true, want: spec, item: -1}, types)
		case !slices.ContainsFunc(k.this, func(t Type) bool { return !is(t) }):
			return this
		case slices.ContainsFunc(k.this, is):
			types, _ := k.this.of(spec)
			return this.then(step{filter: true, want: spec, item: -1}, types)
		}
	}
	return k.member(this, a)
}

func (k *compiler) member(in *node, a *expr) *node {
	if in.constant && len(in.items) == 0 {
		return in
	}
	if in.types.only(TypeInfo) && (a.name == "name" || a.name == "namespace") {
		return oneNode(system(String), func(c *Context, this Value) (Value, int) {
			v, n := in.one(c, this)
			namespace, name, _ := strings.Cut(v.s, ".")
			if a.name == "namespace" {
				name = namespace
			}
			return stringOf(name), n
		})
	}
	s, types := k.stepTo(in.types, a.name, a.pos)
	return in.then(s, types)
}

// stepTo is the step to an element, and the types that it may have.
func (k *compiler) stepTo(types Types, name string, pos int) (step, Types) {
	if types == nil {
		return namedStep(name), nil
	}
	var found []*plan.Element
	out := Types{}
	for _, t := range types {
		if t.FHIR == nil {
			continue
		}
		if e := t.FHIR.Element(name); e != nil {
			found = append(found, e)
			out = out.join(ElementTypes(e))
		}
	}
	switch {
	case len(found) == 0 && len(types) == 0:
		fail(pos, "nothing has an element %s", name)
	case len(found) == 0:
		t := types[0]
		hint := ""
		if t.FHIR != nil {
			if e, alt := t.FHIR.Lookup(name); alt != nil {
				hint = "; write " + e.Name + ".ofType(" + alt.Type().Name + ")"
			} else {
				hint = t.FHIR.Suggest(name)
			}
		}
		fail(pos, "%s has no element %s%s", t, name, hint)
	case len(types) == 1:
		return elementStep(found[0]), out
	}
	return namedStep(name), out
}

func (k *compiler) indexer(a *expr) *node {
	in, i := k.expr(a.on), k.expr(a.args[0])
	k.ordered(in, a.pos, "[ ]")
	if v, ok := i.value(Integer); ok {
		return nth(in, v.n)
	}
	pos := a.pos
	return oneNode(in.types, func(c *Context, this Value) (v Value, n int) {
		x, m := i.one(c, this)
		if x = x.system(c); m != 1 || x.kind() != Integer {
			if m > 0 {
				c.fail(pos, this, "[ ] wants one integer")
			}
			return v, 0
		}
		return c.nth(in, this, x.n)
	})
}

func (c *Context) nth(in *node, this Value, i int64) (v Value, n int) {
	base := len(c.stack)
	in.all(c, this)
	if i >= 0 && i < int64(len(c.stack)-base) {
		v, n = c.stack[base+int(i)], 1
	}
	c.stack = c.stack[:base]
	return v, n
}

// nth is the i-th item: of a list at the end of a path without a walk over the others.
func nth(in *node, i int64) *node {
	if last := len(in.steps) - 1; in.path && last >= 0 && i >= 0 && i < 1<<30 {
		s := in.steps[last]
		before := pathNode(in.src, in.steps[:last], nil)
		if before.single && s.elem != nil && s.elem.Shape == plan.List && s.item < 0 && !s.ext && s.url == "" {
			s.item = int(i)
			return pathNode(in.src, append(in.steps[:last:last], s), in.types)
		}
	}
	if i == 0 {
		if in.single {
			return in
		}
		return oneNode(in.types, func(c *Context, this Value) (Value, int) {
			v, n := in.one(c, this)
			return v, min(n, 1)
		})
	}
	return oneNode(in.types, func(c *Context, this Value) (Value, int) { return c.nth(in, this, i) })
}

// ordered refuses, with Options.Strict, what depends on an order that children() does not have.
func (k *compiler) ordered(in *node, pos int, name string) {
	if k.options.Strict && in.unordered {
		fail(pos, "%s depends on an order that children() and descendants() do not have", name)
	}
}

func (k *compiler) negate(a *expr) *node {
	if x := a.args[0]; x.op == opLiteral && (x.lit.isNumber() || x.lit.kind() == Quantity) {
		return constantNode(x.lit.negated())
	}
	in, pos := k.expr(a.args[0]), a.pos
	return oneNode(in.types, func(c *Context, this Value) (Value, int) {
		v, n := in.one(c, this)
		if n == 0 {
			return v, 0
		}
		if v = v.system(c); n > 1 || !v.isNumber() && v.kind() != Quantity {
			c.fail(pos, this, "- wants one number")
			return v, 0
		}
		return v.negated(), 1
	})
}

func (v Value) negated() Value {
	v.n = -v.n
	if v.s != "" {
		if rest, ok := strings.CutPrefix(v.s, "-"); ok {
			v.s = rest
		} else {
			v.s = "-" + v.s
		}
	}
	return v
}

// typeOperator is the operators is and as, and the functions is(), as() and ofType().
func (k *compiler) typeOperator(in *node, name, spec string, pos int) *node {
	want := resolveType(spec, pos)
	if name == "is" {
		return testNode(func(c *Context, this Value) truth {
			v, n := in.one(c, this)
			switch {
			case n == 0:
				return unknown
			case n > 1:
				c.fail(pos, this, "is wants one item")
				return unknown
			}
			return truthOf(v.matches(want, false))
		})
	}
	types, possible := in.types.of(want)
	if !possible {
		return constantNode()
	}
	if last := len(in.steps) - 1; in.path && last >= 0 && want.system == Nothing {
		if s := in.steps[last]; s.elem != nil && s.elem.Shape == plan.ChoiceOf && !s.narrow {
			s.want, s.narrow, s.exact = want, true, true
			return asOne(pathNode(in.src, append(in.steps[:last:last], s), types), in, want, name, pos)
		}
	}
	return asOne(in.then(step{filter: true, want: want, exact: true, item: -1}, types), in, want, name, pos)
}

// asOne makes as() an error on several items.
//
// QUIRK: 6.3.3 of N1 demands it, but dom-3 of R4 says descendants().as(canonical). It is an error where the types of the items are
// known, and a filter, as ofType() is, where they are not.
func asOne(n, in *node, want typeSpec, name string, pos int) *node {
	if name != "as" || in.single || in.types == nil {
		return n
	}
	return oneNode(n.types, func(c *Context, this Value) (Value, int) {
		v, k := in.one(c, this)
		if k > 1 {
			c.fail(pos, this, "as wants one item; use ofType for several")
		}
		if k != 1 || !v.matches(want, true) {
			return v, 0
		}
		return v, 1
	})
}

// isFree tells whether an expression is the same for all items of a lambda around it: it uses neither $this nor $index nor $total.
func isFree(a *expr) bool {
	switch a.op {
	case opThis:
		return false
	case opMember:
		return a.on != nil && isFree(a.on)
	case opCall:
		if a.on == nil || !isFree(a.on) {
			return false
		}
		if a.name == "where" || a.name == "select" || a.name == "all" || a.name == "exists" || a.name == "repeat" {
			return true // their argument is run on items of what stands before it
		}
		if a.name == "ofType" || a.name == "as" || a.name == "is" {
			return true
		}
	case opIndex:
		if !isFree(a.on) {
			return false
		}
	}
	return !slices.ContainsFunc(a.args, func(x *expr) bool { return !isFree(x) })
}

// isHeavy tells whether an expression goes through whole resources.
func isHeavy(a *expr) bool {
	if a.op == opCall && (a.name == "descendants" || a.name == "repeat" || a.name == "resolve") {
		return true
	}
	return a.on != nil && isHeavy(a.on) || slices.ContainsFunc(a.args, isHeavy)
}

// memoNode runs a node once an evaluation.
func memoNode(n *node) *node {
	m := &node{types: n.types, single: n.single, unordered: n.unordered}
	m.all = func(c *Context, this Value) { c.pushMany(this, c.memo(m, n.all)) }
	m.count = func(c *Context, this Value) int { return len(c.memo(m, n.all)) }
	if n.bag != nil {
		key := &node{}
		m.bag = func(c *Context, this Value) { c.pushMany(this, c.memo(key, n.bag)) }
	}
	return m.complete()
}

func (c *Context) memo(key *node, all func(*Context, Value)) []Value {
	m := c.memos[key]
	if m == nil {
		if c.memos == nil || len(c.memos) > 10000 {
			c.memos = map[*node]*memo{}
		}
		m = &memo{}
		c.memos[key] = m
	}
	if m.run != c.run {
		base := len(c.stack)
		all(c, Value{})
		m.items = append(m.items[:0], c.stack[base:]...)
		c.stack = c.stack[:base]
		m.run = c.run
	}
	return m.items
}

// checkDiscriminator refuses what a discriminator may not use.
func checkDiscriminator(a *expr) {
	switch a.op {
	case opMember:
	case opThis:
		if a.name != "$this" {
			fail(a.pos, "a discriminator cannot use %s", a.name)
		}
	case opCall:
		switch {
		case a.name == "resolve" && len(a.args) == 0:
		case a.name == "extension" && len(a.args) == 1 && a.args[0].op == opLiteral:
		case a.name == "ofType" && len(a.args) == 1:
		default:
			fail(a.pos, "a discriminator cannot use %s()", a.name)
		}
	default:
		fail(a.pos, "a discriminator is a path of elements, extension(url), ofType(type) and resolve()")
	}
	if a.on != nil {
		checkDiscriminator(a.on)
	}
}
