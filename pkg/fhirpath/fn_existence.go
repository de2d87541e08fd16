package fhirpath

// Chapter 5.1 of N1: existence.

var existence = chapter{
	"empty":      {build: buildEmpty},
	"exists":     {max: 1, each: 1, build: buildExists},
	"not":        {build: buildNot},
	"all":        {min: 1, max: 1, each: 1, build: buildAll},
	"allTrue":    {build: booleans(func(trues, falses int) bool { return falses == 0 })},
	"anyTrue":    {build: booleans(func(trues, falses int) bool { return trues > 0 })},
	"allFalse":   {build: booleans(func(trues, falses int) bool { return trues == 0 })},
	"anyFalse":   {build: booleans(func(trues, falses int) bool { return falses > 0 })},
	"subsetOf":   {min: 1, max: 1, build: func(_ *compiler, f *call) *node { return subset(f.in, f.args[0]) }},
	"supersetOf": {min: 1, max: 1, build: func(_ *compiler, f *call) *node { return subset(f.args[0], f.in) }},
	"count":      {build: buildCount},
	"distinct":   {build: buildDistinct},
	"isDistinct": {build: buildIsDistinct},
}

func buildEmpty(_ *compiler, f *call) *node {
	found := f.in.any
	return testNode(func(c *Context, this Value) truth { return truthOf(!found(c, this)) })
}

func buildExists(_ *compiler, f *call) *node {
	found := f.in.any
	if f.arg(0) != nil {
		in, criteria := f.in, f.args[0]
		found = func(c *Context, this Value) bool { return c.some(in, criteria, this) }
	}
	return testNode(func(c *Context, this Value) truth { return truthOf(found(c, this)) })
}

// some tells whether the criteria hold for an item.
func (c *Context) some(in, criteria *node, this Value) (found bool) {
	if in.single {
		v, n := in.one(c, this)
		if n == 0 {
			return false
		}
		saved := c.index
		c.index = 0
		found = criteria.test(c, v) == yes
		c.index = saved
		return found
	}
	base, saved := len(c.stack), c.index
	in.all(c, this)
	for i, end := base, len(c.stack); i < end && !found && c.step(this); i++ {
		c.index = int64(i - base)
		found = criteria.test(c, c.stack[i]) == yes
	}
	c.stack, c.index = c.stack[:base], saved
	return found
}

func buildNot(_ *compiler, f *call) *node {
	test := f.in.test
	return testNode(func(c *Context, this Value) truth { return test(c, this).not() })
}

func buildAll(_ *compiler, f *call) *node {
	in, criteria := f.in, f.args[0]
	return testNode(func(c *Context, this Value) truth {
		base, saved := len(c.stack), c.index
		in.all(c, this)
		holds := yes
		for i, end := base, len(c.stack); i < end && holds == yes && c.step(this); i++ {
			c.index = int64(i - base)
			holds = truthOf(criteria.test(c, c.stack[i]) == yes)
		}
		c.stack, c.index = c.stack[:base], saved
		return holds
	})
}

// booleans builds a function of how many of the input are true and false.
func booleans(holds func(trues, falses int) bool) func(*compiler, *call) *node {
	return func(_ *compiler, f *call) *node {
		in, name, pos := f.in, f.name, f.pos
		return testNode(func(c *Context, this Value) truth {
			base := len(c.stack)
			in.all(c, this)
			var n [2]int
			for i := base; i < len(c.stack); i++ {
				v := c.stack[i].system(c)
				if v.kind() != Boolean {
					c.fail(pos, this, "%s() wants booleans", name)
					break
				}
				n[v.n]++
			}
			c.stack = c.stack[:base]
			return truthOf(holds(n[1], n[0]))
		})
	}
}

func subset(part, whole *node) *node {
	return testNode(func(c *Context, this Value) truth {
		base := len(c.stack)
		part.all(c, this)
		mid := len(c.stack)
		whole.all(c, this)
		small, large := c.stack[base:mid], c.stack[mid:]
		holds := yes
		for i := 0; i < len(small) && holds == yes; i++ {
			holds = truthOf(c.isOneOf(small[i], large))
		}
		c.stack = c.stack[:base]
		return holds
	})
}

// isOneOf tells whether items has one that equals v.
func (c *Context) isOneOf(v Value, items []Value) bool {
	for i := range items {
		if !c.step(v) {
			return false
		}
		if c.same(v, items[i]) {
			return true
		}
	}
	return false
}

func buildCount(_ *compiler, f *call) *node {
	count := f.in.count
	return oneNode(system(Integer), func(c *Context, this Value) (Value, int) { return integerOf(int64(count(c, this))), 1 })
}

func buildDistinct(_ *compiler, f *call) *node {
	n := f.over(f.in.types, func(c *Context, _ Value, base int) { c.distinct(base) })
	n.unordered = f.in.unordered
	return n
}

func buildIsDistinct(_ *compiler, f *call) *node {
	in := f.in
	return testNode(func(c *Context, this Value) truth {
		base := len(c.stack)
		in.all(c, this)
		twice := c.distinct(base)
		c.stack = c.stack[:base]
		return truthOf(!twice)
	})
}
