package fhirpath

// Chapter 5.4 of N1: combining.

var combining = chapter{
	"union": {min: 1, max: 1, build: func(_ *compiler, f *call) *node { return unionNode(f.in, f.args[0]) }},
	// The second argument of combine() is of the build after N1: whether the order is kept, which it always is here.
	"combine": {min: 1, max: 2, build: buildCombine},
}

func buildCombine(_ *compiler, f *call) *node {
	first, second := f.in, f.args[0]
	n := allNode(first.types.join(second.types), func(c *Context, this Value) {
		first.all(c, this)
		second.all(c, this)
	})
	n.any = func(c *Context, this Value) bool { return first.any(c, this) || second.any(c, this) }
	return n
}
