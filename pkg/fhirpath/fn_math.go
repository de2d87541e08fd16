package fhirpath

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Chapter 5.7 of N1: math.

var mathematics = chapter{
	"abs":      {build: buildAbs},
	"ceiling":  {build: rounded(func(r *big.Rat) *big.Int { return new(big.Int).Neg(floor(new(big.Rat).Neg(r))) })},
	"floor":    {build: rounded(floor)},
	"truncate": {build: rounded(func(r *big.Rat) *big.Int { return new(big.Int).Quo(r.Num(), r.Denom()) })},
	"round":    {max: 1, build: buildRound},
	"exp":      {build: onFloat(func(x, _ float64) float64 { return math.Exp(x) })},
	"ln":       {build: onFloat(func(x, _ float64) float64 { return math.Log(x) })},
	"log":      {min: 1, max: 1, build: onFloat(func(x, base float64) float64 { return math.Log(x) / math.Log(base) })},
	"power":    {min: 1, max: 1, build: buildPower},
	"sqrt":     {build: onFloat(func(x, _ float64) float64 { return math.Sqrt(x) })},
}

// number checks that an item is a number; a primitive without value is nothing.
func (f *call) number(c *Context, this, v Value) bool {
	if !v.isNumber() && !v.isPrimitive() {
		c.fail(f.pos, this, "%s() wants a number, not %s", f.name, v.TypeName())
	}
	return v.isNumber()
}

func buildAbs(_ *compiler, f *call) *node {
	return f.scalar(f.in.types, func(c *Context, this, v Value, _ [2]Value) (Value, bool) {
		if v.kind() != Quantity && !f.number(c, this, v) {
			return v, false
		}
		v.n, v.s = max(v.n, -v.n), strings.TrimPrefix(v.s, "-")
		return v, v.n <= maxInteger
	})
}

// floor of a number: the denominator is positive.
func floor(r *big.Rat) *big.Int { return new(big.Int).Div(r.Num(), r.Denom()) }

func rounded(do func(r *big.Rat) *big.Int) func(*compiler, *call) *node {
	return func(_ *compiler, f *call) *node {
		return f.scalar(system(Integer), func(c *Context, this, v Value, _ [2]Value) (Value, bool) {
			if !f.number(c, this, v) {
				return v, false
			}
			return integerFrom(v, do)
		})
	}
}

// integerFrom rounds a number; ok is false if it does not fit an Integer.
func integerFrom(v Value, do func(r *big.Rat) *big.Int) (Value, bool) {
	if v.kind() == Integer {
		return v, true
	}
	r, ok := ratOf(v.s)
	if !ok {
		return v, false
	}
	n := do(r)
	return integerOf(n.Int64()), n.IsInt64() && n.Int64() <= maxInteger && n.Int64() >= -maxInteger-1
}

func buildRound(_ *compiler, f *call) *node {
	return f.scalar(nil, func(c *Context, this, v Value, args [2]Value) (Value, bool) {
		if !f.number(c, this, v) {
			return v, false
		}
		if len(f.args) == 0 {
			return integerFrom(v, func(r *big.Rat) *big.Int { return floor(r.Add(r, big.NewRat(1, 2))) })
		}
		if args[0].kind() != Integer || args[0].n < 0 || args[0].n > 100 {
			c.fail(f.pos, this, "round() wants a number of digits from 0 to 100")
			return v, false
		}
		r, ok := ratOf(decimalText(v))
		if !ok {
			return v, false
		}
		return decimalOf(r.FloatString(int(args[0].n))), true
	})
}

// onFloat builds a function that is exact to the digits of a 64-bit float; what is no number is empty.
func onFloat(do func(x, y float64) float64) func(*compiler, *call) *node {
	return func(_ *compiler, f *call) *node {
		return f.scalar(system(Decimal), func(c *Context, this, v Value, args [2]Value) (Value, bool) {
			if !f.number(c, this, v) || len(f.args) > 0 && !f.number(c, this, args[0]) {
				return v, false
			}
			return decimalFrom(do(float(v), float(args[0])))
		})
	}
}

func float(v Value) float64 {
	x, _ := strconv.ParseFloat(decimalText(v), 64)
	return x
}

func decimalFrom(x float64) (Value, bool) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return Value{}, false
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return decimalOf(s), true
}

func buildPower(_ *compiler, f *call) *node {
	return f.scalar(nil, func(c *Context, this, v Value, args [2]Value) (Value, bool) {
		if !f.number(c, this, v) || !f.number(c, this, args[0]) {
			return v, false
		}
		x := math.Pow(float(v), float(args[0]))
		if v.kind() == Integer && args[0].kind() == Integer && args[0].n >= 0 {
			return integerOf(int64(x)), x <= maxInteger && x >= -maxInteger-1
		}
		return decimalFrom(x)
	})
}
