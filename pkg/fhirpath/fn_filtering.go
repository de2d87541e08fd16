package fhirpath

// Chapter 5.2 of N1: filtering and projection. ofType is with the operators of types.

var filtering = chapter{
	"where":  {min: 1, max: 1, each: 1, build: buildWhere},
	"select": {min: 1, max: 1, each: 1, build: buildSelect},
	"repeat": {min: 1, max: 1, each: 1, build: buildRepeat},
	"ofType": {min: 1, max: 1, types: true, build: buildTypeOperator},
	"is":     {min: 1, max: 1, types: true, build: buildTypeOperator},
	"as":     {min: 1, max: 1, types: true, build: buildTypeOperator},
}

func buildTypeOperator(k *compiler, f *call) *node { return k.typeOperator(f.in, f.name, f.typ, f.pos) }

func buildWhere(_ *compiler, f *call) *node {
	in, criteria := f.in, f.args[0]
	n := f.over(in.types, func(c *Context, this Value, base int) {
		saved, kept := c.index, base
		for i, end := base, len(c.stack); i < end && c.step(this); i++ {
			c.index = int64(i - base)
			v := c.stack[i]
			if criteria.test(c, v) == yes {
				c.stack[kept] = v
				kept++
			}
		}
		c.stack, c.index = c.stack[:kept], saved
	})
	n.any = func(c *Context, this Value) bool { return c.some(in, criteria, this) }
	n.single, n.unordered = in.single, in.unordered
	return n
}

func buildSelect(_ *compiler, f *call) *node {
	projection := f.args[0]
	n := f.over(projection.types, func(c *Context, this Value, base int) {
		saved, end := c.index, len(c.stack)
		for i := base; i < end && c.step(this); i++ {
			c.index = int64(i - base)
			projection.all(c, c.stack[i])
		}
		c.index = saved
		c.drop(base, end)
	})
	n.single, n.unordered = f.in.single && projection.single, f.in.unordered
	return n
}

func buildRepeat(_ *compiler, f *call) *node {
	projection := f.args[0]
	return f.over(nil, func(c *Context, this Value, base int) {
		end := len(c.stack)
		for i := base; i < len(c.stack) && c.step(this); i++ {
			from := len(c.stack)
			projection.all(c, c.stack[i])
			kept := from
			for _, v := range c.stack[from:] {
				if !c.isKnown(v, c.stack[end:kept]) {
					c.stack[kept] = v
					kept++
				}
			}
			c.stack = c.stack[:kept]
		}
		c.drop(base, end)
	})
}

// isKnown tells whether v came up before in a repeat(): the same element, or an equal value.
func (c *Context) isKnown(v Value, items []Value) bool {
	if v.kind() != Node {
		return c.isOneOf(v, items)
	}
	at := v.v.Addr().Pointer()
	for i := range items {
		if items[i].kind() == Node && items[i].v.Addr().Pointer() == at {
			return true
		}
	}
	c.steps += len(items) / 8 // comparing addresses is little work, but not none
	return false
}
