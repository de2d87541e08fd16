package fhirpath

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Chapter 6 of N1: operators.

func (k *compiler) binary(a *expr) *node {
	left, right := k.expr(a.args[0]), k.expr(a.args[1])
	switch a.name {
	case "and", "or", "xor", "implies":
		return logical(a.name, left.test, right.test)
	case "=", "!=":
		equal := equality(left, right)
		if a.name == "=" {
			return testNode(equal)
		}
		return testNode(func(c *Context, this Value) truth { return equal(c, this).not() })
	case "~", "!~":
		want := a.name == "~"
		return testNode(func(c *Context, this Value) truth { return truthOf(c.equivalentNodes(this, left, right) == want) })
	case "<", ">", "<=", ">=":
		if k.options.Sure && neverCompared(left.types, right.types) {
			fail(a.pos, "%s cannot compare %s with %s", a.name, left.types[0], right.types[0])
		}
		return inequality(a.name, a.pos, left, right)
	case "in":
		return membership(left, right, a.pos, "in")
	case "contains":
		return membership(right, left, a.pos, "contains")
	case "|":
		return unionNode(left, right)
	case "&":
		return concatenation(left, right, a.pos)
	}
	return arithmetic(a.name, a.pos, left, right)
}

// logical is 6.5: and, or, xor, implies.
func logical(name string, left, right func(*Context, Value) truth) *node {
	switch name {
	case "and":
		return testNode(func(c *Context, this Value) truth {
			x := left(c, this)
			if x == no {
				return no
			}
			y := right(c, this)
			if y == no || x == yes {
				return y
			}
			return unknown
		})
	case "or":
		return testNode(func(c *Context, this Value) truth {
			x := left(c, this)
			if x == yes {
				return yes
			}
			y := right(c, this)
			if y == yes || x == no {
				return y
			}
			return unknown
		})
	case "xor":
		return testNode(func(c *Context, this Value) truth {
			x, y := left(c, this), right(c, this)
			if x == unknown || y == unknown {
				return unknown
			}
			return truthOf(x != y)
		})
	}
	return testNode(func(c *Context, this Value) truth {
		x := left(c, this)
		if x == no {
			return yes
		}
		y := right(c, this)
		if y == yes || x == yes {
			return y
		}
		return unknown
	})
}

// equality is 6.1.1.
func equality(left, right *node) func(c *Context, this Value) truth {
	if left.constant && !right.constant {
		left, right = right, left
	}
	if want, ok := right.value(String); ok && left.single {
		one, s := left.one, want.s
		return func(c *Context, this Value) truth {
			v, n := one(c, this)
			switch {
			case n == 0:
				return unknown
			case v.isReference():
				return truthOf(referenceIs(v.v, s))
			}
			return c.equal(v, want)
		}
	}
	if left.single && right.single {
		return func(c *Context, this Value) truth {
			x, n := left.one(c, this)
			if n == 0 {
				return unknown
			}
			y, m := right.one(c, this)
			if m == 0 {
				return unknown
			}
			return c.equal(x, y)
		}
	}
	return func(c *Context, this Value) truth {
		base := len(c.stack)
		left.all(c, this)
		mid := len(c.stack)
		right.all(c, this)
		x, y := c.stack[base:mid], c.stack[mid:]
		c.stack = c.stack[:base]
		if len(x) == 0 || len(y) == 0 {
			return unknown
		}
		if len(x) != len(y) {
			return no
		}
		all := yes
		for i := range x {
			switch c.equal(x[i], y[i]) {
			case no:
				return no
			case unknown:
				all = unknown
			}
		}
		return all
	}
}

// equal compares two items.
func (c *Context) equal(a, b Value) truth {
	if a.isReference() && b.kind() == String {
		return truthOf(referenceIs(a.v, b.s))
	}
	if b.isReference() && a.kind() == String {
		return truthOf(referenceIs(b.v, a.s))
	}
	a, b = a.system(c), b.system(c)
	ka, kb := a.kind(), b.kind()
	switch {
	case ka == Node && kb == Node:
		return c.equalNodes(a, b)
	case ka == String && kb == String, ka == TypeInfo && kb == TypeInfo:
		return truthOf(a.s == b.s)
	case ka == Boolean && kb == Boolean:
		return truthOf(a.n == b.n)
	case a.isNumber() && b.isNumber():
		order, ok := compareNumbers(a, b)
		return truthOf(ok && order == 0)
	case a.isTemporal() && b.isTemporal():
		if (ka == Time) != (kb == Time) {
			return no
		}
		if order, ok := compareTemporal(a, b); ok {
			return truthOf(order == 0)
		}
		return unknown
	case a.isTemporal() && kb == String: // QUIRK: not in N1, but expressions of R4 compare dates with strings
		return truthOf(a.temporalText() == b.s)
	case b.isTemporal() && ka == String:
		return truthOf(b.temporalText() == a.s)
	case a.isQuantity() && b.isQuantity():
		if order, ok := c.compareQuantities(a, b); ok {
			return truthOf(order == 0)
		}
		return unknown
	case ka == Quantity && b.isNumber() || kb == Quantity && a.isNumber():
		order, ok := c.compareQuantities(a, b)
		return truthOf(ok && order == 0)
	}
	return no
}

// equalNodes compares two elements that are not primitives with a value: by all that is in them.
func (c *Context) equalNodes(a, b Value) truth {
	if a.v.Addr().Pointer() == b.v.Addr().Pointer() {
		return yes
	}
	if a.t != b.t || a.isReference() || b.isReference() {
		return no
	}
	c.steps += 10 // it goes through both
	if proto.Equal(a.Message(), b.Message()) {
		return yes
	}
	if a.isQuantity() && b.isQuantity() {
		if order, ok := c.compareQuantities(a, b); ok {
			return truthOf(order == 0)
		}
	}
	return no
}

// same is equality within sets: what is not known to be equal is not.
func (c *Context) same(a, b Value) bool { return c.equal(a, b) == yes }

// equivalentNodes is 6.1.2: the same items, in any order.
func (c *Context) equivalentNodes(this Value, left, right *node) bool {
	base := len(c.stack)
	left.all(c, this)
	mid := len(c.stack)
	right.all(c, this)
	x, y := c.stack[base:mid], c.stack[mid:]
	c.stack = c.stack[:base]
	if len(x) != len(y) {
		return false
	}
next:
	for i := range x {
		for j := i; j < len(y); j++ { // what has found its partner goes to the front
			if !c.step(this) {
				return false
			}
			if c.equivalent(x[i], y[j]) {
				y[i], y[j] = y[j], y[i]
				continue next
			}
		}
		return false
	}
	return true
}

func (c *Context) equivalent(a, b Value) bool {
	a, b = a.system(c), b.system(c)
	switch {
	case a.kind() == String && b.kind() == String:
		return a.s == b.s || normalized(a.s) == normalized(b.s)
	case a.isNumber() && b.isNumber():
		return equivalentDecimals(decimalText(a), decimalText(b))
	case a.isTemporal() && b.isTemporal():
		order, ok := compareTemporal(a, b)
		return ok && order == 0
	case a.isQuantity() && b.isQuantity():
		return c.equivalentQuantities(a, b) || c.same(a, b)
	}
	return c.same(a, b)
}

// normalized is a string for ~: without case, with single blanks.
func normalized(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// inequality is 6.2.
func inequality(op string, pos int, left, right *node) *node {
	var holds func(order int) bool
	switch op {
	case "<":
		holds = func(order int) bool { return order < 0 }
	case ">":
		holds = func(order int) bool { return order > 0 }
	case "<=":
		holds = func(order int) bool { return order <= 0 }
	default:
		holds = func(order int) bool { return order >= 0 }
	}
	return testNode(func(c *Context, this Value) truth {
		x, n := left.one(c, this)
		y, m := right.one(c, this)
		switch {
		case n > 1 || m > 1:
			c.fail(pos, this, "%s wants one item on each side", op)
			return unknown
		case n == 0 || m == 0:
			return unknown
		}
		order, ok, comparable := c.compare(x, y)
		if !comparable {
			c.fail(pos, this, "%s cannot compare %s with %s", op, x.TypeName(), y.TypeName())
		}
		if !ok {
			return unknown
		}
		return truthOf(holds(order))
	})
}

// neverCompared tells whether no item of the one types can be compared with one of the others.
func neverCompared(left, right Types) bool {
	for _, t := range left {
		for _, u := range right {
			if comparableKinds(t.kind(), u.kind()) {
				return false
			}
		}
	}
	return len(left) > 0 && len(right) > 0
}

// kind is the sort of values of the system that items of a type are, Nothing if they are none.
func (t Type) kind() Kind {
	switch {
	case t.FHIR == nil:
		return t.System
	case t.FHIR.Kind == plan.Primitive:
		return PrimitiveKind(t.FHIR.Bases()[0])
	case slices.Contains(t.FHIR.Bases(), "Quantity"):
		return Quantity
	}
	return Nothing
}

// PrimitiveKind is the sort of values of the system that those of one of FHIR's primitive types are: String for all that are written as texts.
func PrimitiveKind(typ string) Kind {
	switch typ {
	case "boolean":
		return Boolean
	case "integer", "positiveInt", "unsignedInt", "integer64":
		return Integer
	case "decimal":
		return Decimal
	case "date":
		return Date
	case "dateTime", "instant":
		return DateTime
	case "time":
		return Time
	}
	return String
}

// comparableKinds is what compare takes for comparable.
func comparableKinds(a, b Kind) bool {
	temporal := func(k Kind) bool { return k == Date || k == DateTime || k == Time }
	number := func(k Kind) bool { return k == Integer || k == Decimal || k == Quantity }
	switch {
	case a == String && b == String, number(a) && number(b), temporal(a) && b == String, a == String && temporal(b):
		return true
	}
	return temporal(a) && temporal(b) && (a == Time) == (b == Time)
}

// compare orders two items; ok is false where that is open, comparable where their types make no sense together.
func (c *Context) compare(a, b Value) (order int, ok, comparable bool) {
	a, b = a.system(c), b.system(c)
	ka, kb := a.kind(), b.kind()
	switch {
	case ka == String && kb == String:
		return strings.Compare(a.s, b.s), true, true
	case a.isNumber() && b.isNumber():
		order, ok = compareNumbers(a, b)
		return order, ok, true
	case a.isTemporal() && b.isTemporal():
		if (ka == Time) != (kb == Time) {
			return 0, false, false
		}
		order, ok = compareTemporal(a, b)
		return order, ok, true
	case a.isTemporal() && kb == String, b.isTemporal() && ka == String: // QUIRK: see equal
		x, y, ok1, ok2 := a, b, true, true
		if ka == String {
			x, ok1 = parseTemporal(a.s, false)
		} else {
			y, ok2 = parseTemporal(b.s, false)
		}
		if !ok1 || !ok2 {
			return 0, false, false
		}
		order, ok = compareTemporal(x, y)
		return order, ok, true
	case a.isQuantity() && (b.isQuantity() || b.isNumber()), a.isNumber() && b.isQuantity():
		order, ok = c.compareQuantities(a, b)
		return order, ok, true
	}
	return 0, false, a.isPrimitive() || b.isPrimitive() // a primitive without value is as good as nothing
}

// membership is 6.4: in and contains. The items of a union need not be made distinct for it.
func membership(item, set *node, pos int, name string) *node {
	all := set.all
	if set.bag != nil {
		all = set.bag
	}
	return testNode(func(c *Context, this Value) truth {
		x, n := item.one(c, this)
		switch {
		case n == 0:
			return unknown
		case n > 1:
			c.fail(pos, this, "%s wants one item", name)
			return unknown
		}
		x = x.system(c)
		if set.constant {
			for i := range set.items {
				if c.same(x, set.items[i]) {
					return yes
				}
			}
			return no
		}
		base := len(c.stack)
		all(c, this)
		found := no
		for i := base; i < len(c.stack) && found == no; i++ {
			if !c.step(this) {
				break
			}
			found = truthOf(c.same(x, c.stack[i]))
		}
		c.stack = c.stack[:base]
		return found
	})
}

// unionNode is 6.3 of the collections: | and union().
func unionNode(left, right *node) *node {
	n := &node{types: left.types.join(right.types)}
	if left.constant && len(left.items) == 0 {
		n.types = right.types
	} else if right.constant && len(right.items) == 0 {
		n.types = left.types
	}
	first, second := left.all, right.all
	if left.bag != nil {
		first = left.bag
	}
	if right.bag != nil {
		second = right.bag
	}
	n.bag = func(c *Context, this Value) {
		first(c, this)
		second(c, this)
	}
	n.all = func(c *Context, this Value) {
		base := len(c.stack)
		n.bag(c, this)
		c.distinct(base)
	}
	n.any = func(c *Context, this Value) bool { return left.any(c, this) || right.any(c, this) }
	if left.constant && right.constant {
		c := NewContext(Env{})
		n.all(c, Value{})
		return constantNode(c.stack...)
	}
	return n.complete()
}

// distinct removes what is on the stack above base twice, and tells whether anything was.
func (c *Context) distinct(base int) (twice bool) {
	items := c.stack[base:]
	if len(items) < 2 {
		return false
	}
	if len(items) > 16 && c.distinctTexts(base) {
		return len(c.stack)-base < len(items)
	}
	n := 0
next:
	for _, v := range items {
		if c.steps += n; !c.step(v) {
			break
		}
		for i := range items[:n] {
			if c.same(v, items[i]) {
				continue next
			}
		}
		items[n] = v
		n++
	}
	c.stack = c.stack[:base+n]
	return n < len(items)
}

// distinctTexts is distinct for many items that are all texts; false if they are not.
func (c *Context) distinctTexts(base int) bool {
	items := c.stack[base:]
	for i := range items {
		if items[i].system(nil).kind() != String {
			return false
		}
	}
	seen := make(map[string]struct{}, len(items))
	n := 0
	for _, v := range items {
		s := v.system(c).s
		if _, ok := seen[s]; !ok {
			seen[s] = struct{}{}
			items[n] = v
			n++
		}
	}
	c.stack = c.stack[:base+n]
	return true
}

// concatenation is 6.6.9: &, to which nothing is ”.
func concatenation(left, right *node, pos int) *node {
	return oneNode(system(String), func(c *Context, this Value) (Value, int) {
		x, n := left.one(c, this)
		y, m := right.one(c, this)
		if n > 1 || m > 1 {
			c.fail(pos, this, "& wants one item on each side")
			return Value{}, 0
		}
		var s, t string
		if n > 0 {
			s = c.textOf(x)
		}
		if m > 0 {
			t = c.textOf(y)
		}
		return stringOf(c.concat(s, t)), 1
	})
}

// textOf is the text of an item, in the context's memory if it must be made.
func (c *Context) textOf(v Value) string {
	if w := v.system(c); w.kind() == String {
		return w.s
	}
	s, _ := v.Text()
	return s
}

// arithmetic is 6.6: + - * / div mod.
func arithmetic(op string, pos int, left, right *node) *node {
	return oneNode(arithmeticTypes(op, left, right), func(c *Context, this Value) (Value, int) {
		x, n := left.one(c, this)
		y, m := right.one(c, this)
		switch {
		case n > 1 || m > 1:
			c.fail(pos, this, "%s wants one item on each side", op)
			return Value{}, 0
		case n == 0 || m == 0:
			return Value{}, 0
		}
		x, y = x.system(c), y.system(c)
		v, ok, known := c.calculate(op, x, y)
		if !known && !x.isPrimitive() && !y.isPrimitive() {
			c.fail(pos, this, "%s is not for %s and %s", op, x.TypeName(), y.TypeName())
		}
		if !ok {
			return Value{}, 0
		}
		return v, 1
	})
}

func arithmeticTypes(op string, left, right *node) Types {
	if left.types.only(String) {
		return system(String)
	}
	if left.types.only(Integer) && right.types.only(Integer) && op != "/" {
		return system(Integer)
	}
	return nil
}

// calculate does what an operator of arithmetic does to two items; ok is false for an empty result, known where their types make no
// sense together.
func (c *Context) calculate(op string, a, b Value) (v Value, ok, known bool) {
	ka, kb := a.kind(), b.kind()
	switch {
	case ka == Integer && kb == Integer && op != "/":
		v, ok = calculateIntegers(op, a.n, b.n)
		return v, ok, true
	case a.isNumber() && b.isNumber():
		s, ok := calculate(op, decimalText(a), decimalText(b))
		if op == "div" && ok {
			n, _, fits := small(s)
			return integerOf(n), fits && max(n, -n) <= maxInteger, true
		}
		return decimalOf(s), ok, true
	case ka == String && kb == String && op == "+":
		return stringOf(c.concat(a.s, b.s)), true, true
	case a.isTemporal() && b.isQuantity() && (op == "+" || op == "-"):
		value, unit, ok := b.quantity()
		if !ok {
			return v, false, true
		}
		return addTime(a, value, unit, op == "-")
	case a.isQuantity() && b.isQuantity(), a.isQuantity() && b.isNumber() && (op == "*" || op == "/"), a.isNumber() && b.isQuantity() && op == "*":
		v, ok = c.calculateQuantities(op, a, b)
		return v, ok, op != "div" && op != "mod"
	}
	return v, false, false
}

func calculateIntegers(op string, a, b int64) (v Value, ok bool) {
	var n int64
	switch op {
	case "+":
		n = a + b
	case "-":
		n = a - b
	case "*":
		n = a * b // of 32 bits each
	default:
		if b == 0 {
			return v, false
		}
		if n = a % b; op == "div" {
			n = a / b
		}
	}
	return integerOf(n), n <= maxInteger && n >= -maxInteger-1
}

func (c *Context) calculateQuantities(op string, a, b Value) (v Value, ok bool) {
	av, au, ok1 := a.quantity()
	bv, bu, ok2 := b.quantity()
	if !ok1 || !ok2 {
		return v, false
	}
	if op == "+" || op == "-" {
		if au == bu {
			s, ok := calculate(op, av, bv)
			return quantityText(s, au), ok
		}
		ua, ok1 := c.unit(au)
		ub, ok2 := c.unit(bu)
		if !ok1 || !ok2 || ua.dim != ub.dim || ua.offset != nil || ub.offset != nil {
			return v, false
		}
		// In the unit that is finer (6.6.3 of N1).
		unit, to := au, ua
		if ua.factor.Cmp(ub.factor) > 0 {
			unit, to = bu, ub
		}
		x, okX := c.amount(av, au)
		y, okY := c.amount(bv, bu)
		if !okX || !okY {
			return v, false
		}
		s, ok := calculate(op, ratText(x.n.Quo(x.n, to.factor), 18), ratText(y.n.Quo(y.n, to.factor), 18))
		return quantityText(s, unit), ok
	}
	x, ok1 := c.amount(av, au)
	y, ok2 := c.amount(bv, bu)
	if !ok1 || !ok2 || op == "/" && y.n.Sign() == 0 {
		return v, false
	}
	sign := "."
	if op == "/" {
		x.n.Quo(x.n, y.n)
		sign = "/"
	} else {
		x.n.Mul(x.n, y.n)
	}
	u, ok := parseUnit(group(x.dim) + sign + group(y.dim))
	s := ratText(x.n, 18)
	return quantityText(s, "'"+u.dim+"'"), ok && len(s) <= maxDigits
}

// group sets parentheses around a product of units.
func group(dim string) string {
	if strings.ContainsAny(dim, "./") {
		return "(" + dim + ")"
	}
	return dim
}
