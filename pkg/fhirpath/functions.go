package fhirpath

import (
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// function is a function of the language and how it is compiled.
type function struct {
	min, max int  // how many arguments it takes
	each     uint // a bit for each argument that is run for each item of the input, with that as $this
	types    bool // the first argument is the name of a type
	build    func(k *compiler, f *call) *node
}

// chapter is the functions of one chapter of a specification.
type chapter map[string]function

// chapters are all functions.
func chapters() []chapter {
	return []chapter{existence, filtering, subsetting, combining, conversion, manipulation, mathematics, navigation, utility, boundaries, fhirAdditions, viewAdditions}
}

// call is a function's use.
type call struct {
	name  string
	pos   int
	in    *node   // the input
	args  []*node // the arguments, but a type
	trees []*expr // the arguments as they were written
	typ   string  // the argument that is a type
	self  bool    // the input is $this, for nothing stands before the function
}

// arg is an argument, nil if it is not there.
func (f *call) arg(i int) *node {
	if i < len(f.args) {
		return f.args[i]
	}
	return nil
}

func (k *compiler) call(in *node, a *expr) *node {
	var fn function
	var names []string
	found := false
	for _, ch := range k.chapters {
		if fn, found = ch[a.name]; found {
			break
		}
	}
	if !found {
		for _, ch := range k.chapters {
			for name := range ch {
				names = append(names, name)
			}
		}
		fail(a.pos, "no function %s()%s", a.name, suggestFunction(a.name, names))
	}
	switch n := len(a.args); {
	case n < fn.min || n > fn.max && fn.min == fn.max:
		fail(a.pos, "%s() takes %d arguments, not %d", a.name, fn.min, n)
	case n > fn.max:
		fail(a.pos, "%s() takes %d to %d arguments, not %d", a.name, fn.min, fn.max, n)
	}
	f := &call{name: a.name, pos: a.pos, in: in, trees: a.args, self: a.on == nil}
	for i, x := range a.args {
		if fn.types && i == 0 {
			f.typ = typeArgument(x, a.name)
			continue
		}
		if a.name == "sort" && x.op == opNegate { // it says downwards, not the negative
			x = x.args[0]
		}
		sub := k
		if fn.each>>i&1 != 0 {
			inner := *k
			inner.this, inner.lambda = in.types, true
			if a.name == "repeat" || a.name == "aggregate" { // run on what they gave before, too
				inner.this = nil
			}
			sub = &inner
		}
		f.args = append(f.args, sub.expr(x))
	}
	return fn.build(k, f)
}

// typeArgument is the name of a type that stands where an argument does.
func typeArgument(x *expr, function string) string {
	if x.op != opMember || x.on != nil && (x.on.op != opMember || x.on.on != nil) {
		fail(x.pos, "%s() wants the name of a type", function)
	}
	if x.on != nil {
		return x.on.name + "." + x.name
	}
	return x.name
}

func suggestFunction(name string, names []string) string {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return "; did you mean " + n + "()?"
		}
	}
	slices.Sort(names)
	if hint, ok := strings.CutSuffix(suggestLike(name, names), "?"); ok {
		return hint + "()?"
	}
	return ""
}

// suggestLike is a hint at a name that begins alike: most short names are near to some other.
func suggestLike(name string, names []string) string {
	alike := func(n string) bool { return len(n) > 0 && len(name) > 0 && n[0]|0x20 == name[0]|0x20 }
	return plan.Suggest(name, slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !alike(n) }))
}

// over gives a node that puts the input on the stack and then works on it from base.
func (f *call) over(types Types, work func(c *Context, this Value, base int)) *node {
	return allNode(types, func(c *Context, this Value) {
		base := len(c.stack)
		f.in.all(c, this)
		work(c, this, base)
		if c.err != nil {
			c.stack = c.stack[:base]
		}
	})
}

// scalar is a function of one item and up to two arguments of one item each, all as values of the system. It is empty if the
// input or an argument is; several items are an error.
func (f *call) scalar(types Types, do func(c *Context, this, v Value, args [2]Value) (Value, bool)) *node {
	in, args, name, pos := f.in, f.args, f.name, f.pos
	return oneNode(types, func(c *Context, this Value) (Value, int) {
		v, n := in.one(c, this)
		switch {
		case n == 0:
			return v, 0
		case n > 1:
			c.fail(pos, this, "%s() wants one item", name)
			return v, 0
		}
		var xs [2]Value
		for i, a := range args {
			x, n := a.one(c, this)
			if n > 1 {
				c.fail(pos, this, "%s() wants arguments of one item", name)
			}
			if n != 1 {
				return v, 0
			}
			xs[i] = x.system(c)
		}
		r, ok := do(c, this, v.system(c), xs)
		if !ok || c.err != nil {
			return Value{}, 0
		}
		return r, 1
	})
}

// integerArgument is an argument that must be an integer.
func (f *call) integerArgument(c *Context, this Value, i int) (int64, bool) {
	v, n := f.args[i].one(c, this)
	if n == 0 {
		return 0, false
	}
	if v = v.system(c); n > 1 || v.kind() != Integer {
		c.fail(f.pos, this, "%s() wants an integer", f.name)
		return 0, false
	}
	return v.n, true
}
