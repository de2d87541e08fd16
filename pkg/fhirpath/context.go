package fhirpath

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir"
)

// Env is what an evaluation asks the outside for. Every part may be missing: what needs it is then empty, or says so.
type Env struct {
	Resolver  Resolver        // resolve()
	ValueSets ValueSets       // memberOf()
	Profiles  Profiles        // conformsTo()
	Contained *fhir.Contained // remembers what was unpacked; one of the Context's own if nil
	Now       time.Time       // now(), today(), timeOfDay(); they are an error if it is zero, for law 4 knows no clock
	Trace     func(name string, items []Value)
	MaxSteps  int // of one evaluation; 20 million if zero
}

// Resolver finds what a reference, a canonical or a uri leads to; nil if it is not known. within is the resource that has the
// reference, of a contained resource the one that contains it. *fhir.Index is one.
type Resolver interface {
	Find(text string, within proto.Message) proto.Message
}

// ValueSets knows value sets. known is false if it cannot tell; memberOf() is then empty.
type ValueSets interface {
	MemberOf(v Value, url string) (member, known bool)
}

// Profiles knows profiles. known is false if it cannot tell; conformsTo() is then an error.
type Profiles interface {
	ConformsTo(v Value, url string) (conforms, known bool)
}

// DefaultSteps is how much one evaluation may do unless Env says otherwise: the visits of elements and the items of lambdas.
const DefaultSteps = 20_000_000

// maxItems is how many items an evaluation may hold at once.
const maxItems = 2_000_000

// maxText is how long a text that an expression makes may be.
const maxText = 16 << 20

// Context is the state of evaluations. It is for one goroutine, which uses it again and again.
type Context struct {
	env     Env
	own     fhir.Contained
	scope   scope
	stack   []Value
	found   Value // by a walk in mode walkOne
	n       int   // items found by a walk
	steps   int
	before  int     // steps of the evaluations before this one
	index   int64   // $index
	total   []Value // $total
	err     *Error
	at      Value // where err happened
	text    *strings.Builder
	memos   map[*node]*memo
	run     int // number of the evaluation, for memos
	units   map[string]unit
	regexps map[string]*pattern
	vars    map[string][]Value
	watch   func(Value)
}

// scope is what the environment variables stand for.
type scope struct{ resource, root, context Value }

// memo keeps what a part of an expression gave that is the same for all items of a lambda.
type memo struct {
	run   int
	items []Value
}

// NewContext makes a context.
func NewContext(env Env) *Context {
	if env.MaxSteps == 0 {
		env.MaxSteps = DefaultSteps
	}
	c := &Context{env: env, stack: make([]Value, 0, 256), text: new(strings.Builder)}
	if c.env.Contained == nil {
		c.env.Contained = &c.own
	}
	return c
}

// SetScope says what %resource and %rootResource are: for what stands in a contained resource, that and the one that contains it;
// elsewhere twice the same. Zero Values stand for the resource that an expression is run on.
func (c *Context) SetScope(resource, root Value) { c.scope.resource, c.scope.root = resource, root }

// Scope gives what SetScope set.
func (c *Context) Scope() (resource, root Value) { return c.scope.resource, c.scope.root }

// SetResolver changes the resolver, for the next document.
func (c *Context) SetResolver(r Resolver) { c.env.Resolver = r }

// SetVariable sets a variable that Options.Variables names, for what changes from item to item, such as %rowIndex.
func (c *Context) SetVariable(name string, items ...Value) {
	if c.vars == nil {
		c.vars = map[string][]Value{}
	}
	c.vars[name] = append(c.vars[name][:0], items...)
}

// Watch has f told of every primitive whose value an evaluation reads, to compute or to compare with; nil ends that.
func (c *Context) Watch(f func(Value)) { c.watch = f }

// read tells who watches that the text of an item was taken.
func (c *Context) read(v Value) {
	if c.watch != nil && v.isPrimitive() {
		c.watch(v)
	}
}

// Forget lets go of a document: of what was unpacked, if the Context itself remembered it, and of all items.
func (c *Context) Forget() {
	c.own = fhir.Contained{}
	if cap(c.stack) > 1<<14 { // one document that needed many must not make all others clear them
		c.stack = make([]Value, 0, 256)
	}
	clear(c.stack[:cap(c.stack)])
	c.stack, c.scope, c.found, c.at = c.stack[:0], scope{}, Value{}, Value{}
	clear(c.memos)
}

// begin starts an evaluation on v.
func (c *Context) begin(v Value) {
	c.before += c.steps
	c.stack, c.steps, c.err, c.index, c.total = c.stack[:0], 0, nil, 0, nil
	c.scope.context = v
	c.run++
}

// Steps is how much all evaluations did, in the unit of Env.MaxSteps: what tests of growth count, since time depends on the machine.
func (c *Context) Steps() int { return c.before + c.steps }

// fail notes the first fault of an evaluation; everything then comes to an end with nothing found.
func (c *Context) fail(pos int, at Value, format string, args ...any) {
	if c.err == nil {
		c.err, c.at = &Error{Column: pos + 1, Msg: fmt.Sprintf(format, args...)}, at
	}
}

// step counts what an evaluation does; false ends it.
func (c *Context) step(at Value) bool {
	if c.steps++; c.steps > c.env.MaxSteps {
		c.fail(0, at, "gave up after %d steps", c.env.MaxSteps)
	} else if len(c.stack) > maxItems {
		c.fail(0, at, "more than %d items", maxItems)
	}
	return c.err == nil
}

// finish gives the fault with its source and its place in the data.
func (c *Context) finish(x *Expr) error {
	if c.err == nil {
		return nil
	}
	err := c.err
	err.Source = x.source
	if err.Place = c.Place(c.at); err.Place == "" {
		err.Place = c.Place(c.scope.context)
	}
	return err
}

// push puts an item on the stack.
func (c *Context) push(v Value) { c.stack = append(c.stack, v) }

// pushMany puts items on the stack that were found before; they count as if they were found again.
func (c *Context) pushMany(at Value, items []Value) {
	c.steps += len(items)
	if c.step(at) {
		c.stack = append(c.stack, items...)
	}
}

// drop moves what lies above end down to base.
func (c *Context) drop(base, end int) {
	n := copy(c.stack[base:], c.stack[end:])
	c.stack = c.stack[:base+n]
}

// concat joins texts in memory that many of them share.
func (c *Context) concat(parts ...string) string {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > maxText {
		c.fail(0, Value{}, "a text of more than %d bytes", maxText)
		return ""
	}
	if c.text.Cap()-c.text.Len() < n {
		c.text = new(strings.Builder)
		c.text.Grow(max(4096, n))
	}
	at := c.text.Len()
	for _, p := range parts {
		c.text.WriteString(p)
	}
	return c.text.String()[at:]
}

// unpack opens a contained resource, once a document.
func (c *Context) unpack(a *anypb.Any) Value {
	m, err := c.env.Contained.Unpack(a)
	if err != nil {
		return Value{}
	}
	return Of(m)
}
