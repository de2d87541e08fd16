package fhirpath

import "slices"

// Options change how an expression is compiled. The zero value is FHIRPath as FHIR R4 has it.
type Options struct {
	Variables map[string][]Value // %name: what stands for it
	Unset     []string           // names of variables that Context.SetVariable gives a value before each evaluation
	Resource  Types              // what %resource may be, where it is not the item that the expression is run on
	Subset    Subset
	JoinEmpty bool // join() of nothing is '', as SQL-on-FHIR has it, and not nothing
	Strict    bool // an expression that depends on the order of children() is an error
	Sure      bool // so is one that fails wherever it finds something: a comparison of what cannot be compared, a clock where there is none
}

// Subset says which part of FHIRPath an expression may use.
type Subset uint8

const (
	Full          Subset = iota
	Discriminator        // of slicing (profiling.html#discriminator): elements, $this, extension(url), ofType(type) and resolve()
)

// Expr is a compiled expression. It never changes: any number of goroutines may run it, each with a Context of its own.
type Expr struct {
	source string
	node   *node
}

// Compile compiles an expression that will be run on items of the given types; nil means that they may be of any.
// Its error is an *Error.
func Compile(source string, types Types, options ...Options) (x *Expr, err error) {
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case fault:
			x, err = nil, &Error{Source: source, Column: r.pos + 1, Msg: r.msg}
		default:
			panic(r)
		}
	}()
	tree := parse(source)
	if o.Subset == Discriminator {
		checkDiscriminator(tree)
	}
	k := &compiler{options: &o, this: types, root: types, resource: o.Resource, chapters: chapters(), shared: map[string]*node{}}
	if k.resource == nil && len(types) > 0 && !slices.ContainsFunc(types, func(t Type) bool { return !t.isResource() }) {
		k.resource = types
	}
	return &Expr{source, k.expr(tree)}, nil
}

// MustCompile is Compile for expressions that are known to be right.
func MustCompile(source string, types Types, options ...Options) *Expr {
	x, err := Compile(source, types, options...)
	if err != nil {
		panic(err)
	}
	return x
}

// String is the expression as it was written.
func (x *Expr) String() string { return x.source }

// Types are the types that the items may have that the expression gives; nil if that is not known.
func (x *Expr) Types() Types { return x.node.types }

// Single tells whether the expression can never give more than one item.
func (x *Expr) Single() bool { return x.node.single }

// Eval gives the items of an expression run on v. They are valid until the context is used again.
func (x *Expr) Eval(c *Context, v Value) ([]Value, error) {
	c.begin(v)
	x.node.all(c, v)
	if err := c.finish(x); err != nil {
		return nil, err
	}
	return c.stack, nil
}

// Truth is what a test gave: FHIRPath's three values.
type Truth int8

const (
	Unknown Truth = iota - 1 // the empty collection
	False
	True
)

func (t Truth) String() string { return [...]string{"empty", "false", "true"}[t+1] }

// Test gives the truth of an expression run on v; an item that is no Boolean is true (4.5 of N1).
func (x *Expr) Test(c *Context, v Value) (Truth, error) {
	c.begin(v)
	t := x.node.test(c, v)
	if c.err != nil {
		return Unknown, c.finish(x)
	}
	return Truth(t), nil
}

// Bool is Test for conditions: nothing is false.
func (x *Expr) Bool(c *Context, v Value) (bool, error) {
	t, err := x.Test(c, v)
	return t == True, err
}

// Exists tells whether the expression gives anything.
func (x *Expr) Exists(c *Context, v Value) (bool, error) {
	c.begin(v)
	found := x.node.any(c, v)
	return found, c.finish(x)
}
