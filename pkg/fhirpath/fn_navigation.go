package fhirpath

// Chapter 5.8 of N1: tree navigation.

var navigation = chapter{
	"children":    {build: buildChildren},
	"descendants": {build: buildDescendants},
}

func buildChildren(_ *compiler, f *call) *node {
	in := f.in
	n := f.over(nil, func(c *Context, _ Value, base int) {
		end := len(c.stack)
		for i := base; i < end; i++ {
			c.children(c.stack[i], walkAll)
		}
		c.drop(base, end)
	})
	if in.single {
		n.count = func(c *Context, this Value) int {
			v, k := in.one(c, this)
			if c.n = 0; k > 0 {
				c.children(v, walkCount)
			}
			return c.n
		}
	}
	n.unordered = true
	return n
}

func buildDescendants(_ *compiler, f *call) *node {
	n := f.over(nil, func(c *Context, _ Value, base int) {
		end := len(c.stack)
		for i := base; i < end; i++ {
			c.descendants(c.stack[i])
		}
		c.drop(base, end)
	})
	n.unordered = true
	return n
}
