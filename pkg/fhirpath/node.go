package fhirpath

// truth is FHIRPath's three-valued logic; unknown is the empty collection.
type truth int8

const (
	unknown truth = iota - 1
	no
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	if t == unknown {
		return unknown
	}
	return 1 - t
}

// node is a compiled expression. Its five closures say the same in five ways; whoever builds a node gives at least one of all, one and
// test, and complete makes the others. Each is run on $this.
type node struct {
	pos       int
	types     Types
	single    bool // gives at most one item
	unordered bool // of children(): the order of its items has no meaning

	constant bool    // gives the same whatever it is run on:
	items    []Value // these

	path  bool // is steps from src, or from $this if src is nil
	src   *node
	steps []step

	all   func(c *Context, this Value)              // puts the items on the stack
	one   func(c *Context, this Value) (Value, int) // the first item, and how many there are, at least up to 2
	any   func(c *Context, this Value) bool         // whether there is an item
	test  func(c *Context, this Value) truth        // the truth that the one item is
	count func(c *Context, this Value) int          // how many there are
	bag   func(c *Context, this Value)              // of a union: all, with what is in it twice
}

func testNode(f func(c *Context, this Value) truth) *node { return (&node{test: f}).complete() }

func oneNode(types Types, f func(c *Context, this Value) (Value, int)) *node {
	return (&node{types: types, single: true, one: f}).complete()
}

func allNode(types Types, f func(c *Context, this Value)) *node {
	return (&node{types: types, all: f}).complete()
}

func constantNode(items ...Value) *node {
	n := &node{constant: true, items: items, single: len(items) < 2}
	for _, v := range items {
		n.types = append(n.types, Type{System: v.kind()})
	}
	if len(items) == 0 {
		n.types = Types{}
	}
	n.all = func(c *Context, this Value) { c.pushMany(this, items) }
	n.count = func(*Context, Value) int { return len(items) }
	n.any = func(*Context, Value) bool { return len(items) > 0 }
	n.one = func(*Context, Value) (Value, int) {
		if len(items) == 0 {
			return Value{}, 0
		}
		return items[0], len(items)
	}
	return n.complete()
}

// value is the one item of a constant.
func (n *node) value(k Kind) (Value, bool) {
	if !n.constant || len(n.items) != 1 || n.items[0].kind() != k {
		return Value{}, false
	}
	return n.items[0], true
}

// complete makes the closures that are missing.
func (n *node) complete() *node {
	switch {
	case n.all != nil:
		n.fromAll()
	case n.one != nil:
		one := n.one
		n.all = func(c *Context, this Value) {
			if v, k := one(c, this); k > 0 {
				c.push(v)
			}
		}
	default:
		test := n.test
		n.single, n.types = true, system(Boolean)
		n.one = func(c *Context, this Value) (Value, int) {
			if t := test(c, this); t != unknown {
				return Value{n: int64(t), m: meta(Boolean)}, 1
			}
			return Value{}, 0
		}
		n.all = func(c *Context, this Value) {
			if t := test(c, this); t != unknown {
				c.push(Value{n: int64(t), m: meta(Boolean)})
			}
		}
	}
	one := n.one
	if n.any == nil {
		n.any = func(c *Context, this Value) bool { _, k := one(c, this); return k > 0 }
	}
	if n.count == nil {
		n.count = func(c *Context, this Value) int { _, k := one(c, this); return k }
	}
	if n.test == nil {
		n.test = func(c *Context, this Value) truth {
			v, k := one(c, this)
			return c.truth(n.pos, this, v, k) // pos is set when the node is complete
		}
	}
	return n
}

func (n *node) fromAll() {
	all := n.all
	if n.one == nil {
		n.one = func(c *Context, this Value) (v Value, k int) {
			base := len(c.stack)
			all(c, this)
			if k = len(c.stack) - base; k > 0 {
				v = c.stack[base]
			}
			c.stack = c.stack[:base]
			return v, k
		}
	}
	if n.count == nil {
		n.count = func(c *Context, this Value) int {
			base := len(c.stack)
			all(c, this)
			k := len(c.stack) - base
			c.stack = c.stack[:base]
			return k
		}
	}
	if n.any == nil {
		count := n.count
		n.any = func(c *Context, this Value) bool { return count(c, this) > 0 }
	}
}

// truth is the singleton evaluation of collections (4.5 of N1) where a Boolean is wanted: an item that is no Boolean is true.
func (c *Context) truth(pos int, this, v Value, k int) truth {
	switch {
	case k == 0 || c.err != nil:
		return unknown
	case k > 1:
		c.fail(pos, this, "several items where one is wanted")
		return unknown
	}
	if v = v.system(c); v.kind() == Boolean {
		return truth(v.n)
	}
	return yes
}

// pathNode follows steps from src, or from $this if src is nil.
func pathNode(src *node, steps []step, types Types) *node {
	n := &node{path: true, src: src, steps: steps, types: types, single: src == nil || src.single}
	if src != nil {
		n.unordered = src.unordered
	}
	for i := range steps {
		if s := &steps[i]; s.named || s.elem != nil && s.item < 0 && s.elem.List {
			n.single = false
		}
	}
	switch {
	case src == nil && len(steps) == 0: // $this
		n.one = func(_ *Context, this Value) (Value, int) {
			if this.kind() == Nothing {
				return this, 0
			}
			return this, 1
		}
	case src == nil:
		n.all = func(c *Context, this Value) { c.walk(this, steps, walkAll) }
		n.any = func(c *Context, this Value) bool { return c.walk(this, steps, walkAny) }
		n.one = func(c *Context, this Value) (Value, int) {
			c.n = 0
			c.walk(this, steps, walkOne)
			return c.found, c.n
		}
		n.count = func(c *Context, this Value) int {
			c.n = 0
			c.walk(this, steps, walkCount)
			return c.n
		}
	case src.single:
		n.all = func(c *Context, this Value) {
			if v, k := src.one(c, this); k > 0 {
				c.walk(v, steps, walkAll)
			}
		}
		n.any = func(c *Context, this Value) bool {
			v, k := src.one(c, this)
			return k > 0 && c.walk(v, steps, walkAny)
		}
		n.one = func(c *Context, this Value) (Value, int) {
			v, k := src.one(c, this)
			if c.n = 0; k > 0 {
				c.walk(v, steps, walkOne)
			}
			return c.found, c.n
		}
	default:
		n.all = func(c *Context, this Value) {
			base := len(c.stack)
			src.all(c, this)
			end := len(c.stack)
			for i := base; i < end; i++ {
				c.walk(c.stack[i], steps, walkAll)
			}
			c.drop(base, end)
		}
		n.any = func(c *Context, this Value) (found bool) {
			base := len(c.stack)
			src.all(c, this)
			for i := base; i < len(c.stack) && !found; i++ {
				found = c.walk(c.stack[i], steps, walkAny)
			}
			c.stack = c.stack[:base]
			return found
		}
	}
	return n.complete()
}

// then adds a step to a path.
func (n *node) then(s step, types Types) *node {
	if n.path {
		return pathNode(n.src, append(n.steps[:len(n.steps):len(n.steps)], s), types)
	}
	return pathNode(n, []step{s}, types)
}
