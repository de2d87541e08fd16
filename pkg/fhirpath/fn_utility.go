package fhirpath

// Chapter 5.9 of N1: utility functions; 5.5.1, iif; 7.1, aggregate; and sort and type of the build after it.

var utility = chapter{
	"trace":     {min: 1, max: 2, each: 2, build: buildTrace},
	"now":       {build: buildClock(DateTime)},
	"today":     {build: buildClock(Date)},
	"timeOfDay": {build: buildClock(Time)},
	"iif":       {min: 2, max: 3, each: 7, build: buildIif},
	"aggregate": {min: 1, max: 2, each: 1, build: buildAggregate},
	"sort":      {max: 16, each: 1<<16 - 1, build: buildSort},
	"type":      {build: buildType},
}

// buildTrace hands its items to Env.Trace and lets them pass. Where only a count or a truth is wanted nothing is traced.
func buildTrace(_ *compiler, f *call) *node {
	name, _ := f.args[0].value(String)
	n, shown := *f.in, f.arg(1)
	n.path = false
	all := f.in.all
	n.all = func(c *Context, this Value) {
		base := len(c.stack)
		all(c, this)
		if c.env.Trace == nil {
			return
		}
		end := len(c.stack)
		if shown == nil {
			c.env.Trace(name.s, c.stack[base:end])
			return
		}
		for i := base; i < end; i++ {
			shown.all(c, c.stack[i])
		}
		c.env.Trace(name.s, c.stack[end:])
		c.stack = c.stack[:end]
	}
	return &n
}

// buildClock reads Env.Now: one moment for a whole evaluation and for many, as N1 demands.
func buildClock(k Kind) func(*compiler, *call) *node {
	return func(of *compiler, f *call) *node {
		if of.options.Sure {
			fail(f.pos, "there is no clock for %s(), so that the same input gives the same output; write the day itself, such as @2026-03-04", f.name)
		}
		return oneNode(system(k), func(c *Context, this Value) (Value, int) {
			now := c.env.Now
			if now.IsZero() {
				c.fail(f.pos, this, "%s() without a clock", f.name)
				return Value{}, 0
			}
			_, offset := now.Zone()
			us := now.UnixMicro() + int64(offset)*second
			us -= modulo(us, 1000)
			switch k {
			case Date:
				return temporal(Date, truncate(us, toDay), toDay), 1
			case Time:
				return temporal(Time, modulo(us, day), toFraction), 1
			}
			return temporal(DateTime, us, toFraction).withZone(offset / 60), 1
		})
	}
}

func buildIif(_ *compiler, f *call) *node {
	condition, then, otherwise := f.args[0], f.args[1], constantNode()
	if len(f.args) > 2 {
		otherwise = f.args[2]
	}
	if condition.constant && (len(condition.items) > 1 || len(condition.items) == 1 && condition.items[0].kind() != Boolean) {
		fail(f.pos, "iif() wants a boolean")
	}
	in, self := f.in, f.self
	n := allNode(then.types.join(otherwise.types), func(c *Context, this Value) {
		if !self {
			v, n := in.one(c, this)
			if n > 1 {
				c.fail(f.pos, this, "iif() wants one item")
				return
			}
			this = v // nothing, if there is none
		}
		if condition.test(c, this) == yes {
			then.all(c, this)
		} else if c.err == nil {
			otherwise.all(c, this)
		}
	})
	n.single = then.single && otherwise.single
	return n
}

func buildAggregate(_ *compiler, f *call) *node {
	in, aggregator, initial := f.in, f.args[0], f.arg(1)
	return allNode(nil, func(c *Context, this Value) {
		total, index := c.total, c.index
		base := len(c.stack)
		c.total = nil
		if initial != nil {
			initial.all(c, this)
			c.total = append(c.total, c.stack[base:]...)
			c.stack = c.stack[:base]
		}
		in.all(c, this)
		end := len(c.stack)
		for i := base; i < end && c.step(this); i++ {
			c.index = int64(i - base)
			aggregator.all(c, c.stack[i])
			if c.steps += len(c.stack) - end; len(c.stack)-end > c.env.MaxSteps {
				c.fail(f.pos, this, "gave up after %d steps", c.env.MaxSteps)
			}
			c.total = append([]Value(nil), c.stack[end:]...)
			c.stack = c.stack[:end]
		}
		c.stack = append(c.stack[:base], c.total...)
		c.total, c.index = total, index
	})
}

func buildType(_ *compiler, f *call) *node {
	in := f.in
	n := allNode(Types{{System: TypeInfo}}, func(c *Context, this Value) {
		base := len(c.stack)
		in.all(c, this)
		for i := base; i < len(c.stack); i++ {
			c.stack[i] = Value{s: c.stack[i].TypeName(), m: meta(TypeInfo)}
		}
	})
	n.single = in.single
	return n
}
