package fhirpath

// Chapter 5.3 of N1: subsetting. The indexer is in compile.go.

var subsetting = chapter{
	"single":    {build: buildSingle},
	"first":     {build: buildFirst},
	"last":      {build: buildLast},
	"tail":      {build: buildTail},
	"skip":      {min: 1, max: 1, build: buildSkip},
	"take":      {min: 1, max: 1, build: buildTake},
	"intersect": {min: 1, max: 1, build: buildIntersect},
	"exclude":   {min: 1, max: 1, build: buildExclude},
}

func buildSingle(_ *compiler, f *call) *node {
	in, pos := f.in, f.pos
	return oneNode(in.types, func(c *Context, this Value) (Value, int) {
		v, n := in.one(c, this)
		if n > 1 {
			c.fail(pos, this, "single() on several items")
			return v, 0
		}
		return v, n
	})
}

func buildFirst(k *compiler, f *call) *node {
	k.ordered(f.in, f.pos, "first()")
	return nth(f.in, 0)
}

func buildLast(k *compiler, f *call) *node {
	k.ordered(f.in, f.pos, "last()")
	in := f.in
	return oneNode(in.types, func(c *Context, this Value) (v Value, n int) {
		base := len(c.stack)
		in.all(c, this)
		if end := len(c.stack); end > base {
			v, n = c.stack[end-1], 1
		}
		c.stack = c.stack[:base]
		return v, n
	})
}

func buildTail(k *compiler, f *call) *node {
	k.ordered(f.in, f.pos, "tail()")
	return f.over(f.in.types, func(c *Context, _ Value, base int) { c.drop(base, min(base+1, len(c.stack))) })
}

func buildSkip(k *compiler, f *call) *node {
	k.ordered(f.in, f.pos, "skip()")
	return f.over(f.in.types, func(c *Context, this Value, base int) {
		n, ok := f.integerArgument(c, this, 0)
		if !ok {
			n = 0 // N1 leaves it open; nothing to skip is nothing skipped
		}
		c.drop(base, base+int(max(0, min(n, int64(len(c.stack)-base)))))
	})
}

func buildTake(k *compiler, f *call) *node {
	k.ordered(f.in, f.pos, "take()")
	return f.over(f.in.types, func(c *Context, this Value, base int) {
		n, _ := f.integerArgument(c, this, 0)
		c.stack = c.stack[:base+int(max(0, min(n, int64(len(c.stack)-base))))]
	})
}

func buildIntersect(_ *compiler, f *call) *node {
	other := f.args[0]
	return f.over(f.in.types, func(c *Context, this Value, base int) {
		c.keep(base, other, this, true)
		c.distinct(base)
	})
}

func buildExclude(_ *compiler, f *call) *node {
	other := f.args[0]
	return f.over(f.in.types, func(c *Context, this Value, base int) { c.keep(base, other, this, false) })
}

// keep leaves of the items above base those that are in another collection, or those that are not.
func (c *Context) keep(base int, other *node, this Value, common bool) {
	mid := len(c.stack)
	other.all(c, this)
	kept := base
	for i := base; i < mid; i++ {
		if c.isOneOf(c.stack[i], c.stack[mid:]) == common {
			c.stack[kept] = c.stack[i]
			kept++
		}
	}
	c.stack = c.stack[:kept]
}
