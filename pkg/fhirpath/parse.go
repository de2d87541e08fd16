package fhirpath

import (
	"strconv"
	"strings"
)

// op is the kind of an expression in the tree.
type op uint8

const (
	opLiteral  op = iota // lit
	opEmpty              // {}
	opThis               // $this, $index, $total: name
	opVariable           // %name
	opMember             // on.name; on is nil at the head of a path
	opCall               // on.name(args); on is nil for a function on $this
	opIndex              // on[args[0]]
	opBinary             // args[0] name args[1]
	opNegate             // -args[0]
	opType               // args[0] is typ, args[0] as typ
)

// expr is a node of the tree.
type expr struct {
	op   op
	pos  int
	name string
	typ  string // of opType, with its namespace if one was written
	on   *expr
	args []*expr
	lit  Value
}

type parser struct {
	toks  []token
	at    int
	depth int
}

// maxDepth is how deep parentheses, calls and operators may nest.
const maxDepth = 200

func parse(src string) *expr {
	p := &parser{toks: lex(src)}
	x := p.expression(1)
	if t := p.peek(); t.kind != tokEnd {
		fail(t.pos, "unexpected %s", t.text)
	}
	return x
}

func (p *parser) peek() token { return p.toks[p.at] }

func (p *parser) next() token {
	t := p.toks[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

// sees tells whether the next token is a symbol or keyword.
func (p *parser) sees(s string) bool {
	t := p.peek()
	return (t.kind == tokSymbol || t.kind == tokName) && t.text == s
}

func (p *parser) accept(s string) bool {
	if p.sees(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) want(s string) {
	if !p.accept(s) {
		fail(p.peek().pos, "want %s, found %s", s, p.peek().text)
	}
}

// precedence of the operators of two operands (6.9 of N1): what binds tighter has more.
var precedence = map[string]int{"implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4, "=": 5, "~": 5, "!=": 5, "!~": 5,
	"<": 6, ">": 6, "<=": 6, ">=": 6, "|": 7, "is": 8, "as": 8, "+": 9, "-": 9, "&": 9, "*": 10, "/": 10, "div": 10, "mod": 10}

// expression reads operators that bind at least as tight as least.
func (p *parser) expression(least int) *expr {
	if p.depth++; p.depth > maxDepth {
		fail(p.peek().pos, "an expression nested more than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	left := p.unary()
	for chain := 0; ; chain++ {
		t := p.peek()
		n := 0
		if t.kind == tokSymbol || t.kind == tokName {
			n = precedence[t.text]
		}
		if n == 0 || n < least {
			return left
		}
		if chain > 1000 { // the tree leans to the left, one level for each
			fail(t.pos, "more than 1000 operators in a row")
		}
		p.at++
		if t.text == "is" || t.text == "as" {
			left = &expr{op: opType, name: t.text, typ: p.typeSpecifier(), args: []*expr{left}, pos: t.pos}
		} else {
			left = &expr{op: opBinary, name: t.text, args: []*expr{left, p.expression(n + 1)}, pos: t.pos}
		}
	}
}

func (p *parser) typeSpecifier() string {
	t := p.next()
	if t.kind != tokName && t.kind != tokQuoted {
		fail(t.pos, "want a type, found %s", t.text)
	}
	if !p.accept(".") {
		return t.text
	}
	u := p.next()
	if u.kind != tokName && u.kind != tokQuoted {
		fail(u.pos, "want a type, found %s", u.text)
	}
	return t.text + "." + u.text
}

// unary reads signs; they bind less than a dot: -1.abs() is -(1.abs()).
func (p *parser) unary() *expr {
	t := p.peek()
	minus := p.sees("-")
	if !minus && !p.sees("+") {
		return p.postfix()
	}
	if p.depth++; p.depth > maxDepth {
		fail(t.pos, "an expression nested more than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	p.at++
	x := p.unary()
	if minus {
		x = &expr{op: opNegate, args: []*expr{x}, pos: t.pos}
	}
	return x
}

func (p *parser) postfix() *expr {
	x := p.primary()
	for chain := 0; ; chain++ {
		t := p.peek()
		if chain > 1000 {
			fail(t.pos, "a path of more than 1000 steps")
		}
		switch {
		case p.accept("."):
			x = p.invocation(x)
		case p.accept("["):
			x = &expr{op: opIndex, on: x, args: []*expr{p.expression(1)}, pos: t.pos}
			p.want("]")
		default:
			return x
		}
	}
}

// invocation is a name, a call or $this on something.
func (p *parser) invocation(on *expr) *expr {
	t := p.next()
	switch t.kind {
	case tokThis:
		if on != nil && t.text != "$this" {
			fail(t.pos, "%s stands for itself", t.text)
		}
		return &expr{op: opThis, name: t.text, on: on, pos: t.pos}
	case tokName, tokQuoted:
	default:
		fail(t.pos, "want a name, found %s", t.text)
	}
	if !p.accept("(") {
		return &expr{op: opMember, name: t.text, on: on, pos: t.pos}
	}
	x := &expr{op: opCall, name: t.text, on: on, pos: t.pos}
	for !p.sees(")") {
		x.args = append(x.args, p.expression(1))
		if !p.accept(",") {
			break
		}
		if p.sees(")") {
			fail(p.peek().pos, "want an argument, found )")
		}
	}
	p.want(")")
	return x
}

// calendarUnits are the keywords that may follow a number (4.1.8 of N1), each with its singular.
var calendarUnits = map[string]string{"year": "year", "years": "year", "month": "month", "months": "month", "week": "week", "weeks": "week",
	"day": "day", "days": "day", "hour": "hour", "hours": "hour", "minute": "minute", "minutes": "minute", "second": "second",
	"seconds": "second", "millisecond": "millisecond", "milliseconds": "millisecond"}

func (p *parser) primary() *expr {
	t := p.next()
	literal := func(v Value) *expr { return &expr{op: opLiteral, lit: v, pos: t.pos} }
	switch t.kind {
	case tokString:
		return literal(stringOf(t.text))
	case tokNumber:
		return literal(p.number(t))
	case tokTemporal:
		v, ok := parseTemporal(t.text, true)
		if !ok {
			fail(t.pos, "@%s is not a date, dateTime or time", t.text)
		}
		return literal(v)
	case tokVariable:
		return &expr{op: opVariable, name: t.text, pos: t.pos}
	case tokThis:
		return &expr{op: opThis, name: t.text, pos: t.pos}
	case tokName, tokQuoted:
		if t.kind == tokName && (t.text == "true" || t.text == "false") {
			return literal(booleanOf(t.text == "true"))
		}
		p.at--
		return p.invocation(nil)
	case tokSymbol:
		switch t.text {
		case "(":
			x := p.expression(1)
			p.want(")")
			return x
		case "{":
			p.want("}")
			return &expr{op: opEmpty, pos: t.pos}
		case "=":
			fail(t.pos, "unexpected =; what is equal is said by one =")
		}
	}
	fail(t.pos, "unexpected %s", t.text)
	return nil
}

// number reads what begins with a number: an integer, a decimal or a quantity.
func (p *parser) number(t token) Value {
	if len(t.text) > maxDigits {
		fail(t.pos, "a number of more than %d digits", maxDigits)
	}
	switch u := p.peek(); {
	case u.kind == tokString:
		p.at++
		return quantityText(t.text, "'"+u.text+"'")
	case u.kind == tokName && calendarUnits[u.text] != "":
		p.at++
		return quantityText(t.text, calendarUnits[u.text])
	case strings.IndexByte(t.text, '.') >= 0:
		return decimalOf(t.text)
	}
	n, err := strconv.ParseInt(t.text, 10, 64)
	if err != nil || n > maxInteger+1 { // 2147483648 may follow a minus sign
		fail(t.pos, "an integer beyond 2147483647")
	}
	return integerOf(n)
}
