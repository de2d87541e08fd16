package fhirpath

import "slices"

// sortKey is an argument of sort(): what to sort by.
type sortKey struct {
	by         *node
	descending bool
}

// buildSort sorts by each argument in turn; a minus sign before it sorts downwards. Items without a key come last, downwards
// first.
func buildSort(k *compiler, f *call) *node {
	var keys []sortKey
	for i, tree := range f.trees {
		keys = append(keys, sortKey{f.args[i], tree.op == opNegate})
	}
	if len(keys) == 0 {
		keys = []sortKey{{by: pathNode(nil, nil, f.in.types)}}
	}
	return f.over(f.in.types, func(c *Context, this Value, base int) {
		items := slices.Clone(c.stack[base:])
		slices.SortStableFunc(items, func(a, b Value) int {
			if !c.step(this) {
				return 0
			}
			for _, key := range keys {
				if order := c.compareBy(key, a, b); order != 0 {
					return order
				}
			}
			return 0
		})
		c.stack = append(c.stack[:base], items...)
	})
}

func (c *Context) compareBy(key sortKey, a, b Value) (order int) {
	x, n := key.by.one(c, a)
	y, m := key.by.one(c, b)
	if n == 0 || m == 0 {
		order = min(m, 1) - min(n, 1)
	} else {
		order, _, _ = c.compare(x, y)
	}
	if key.descending {
		return -order
	}
	return order
}
