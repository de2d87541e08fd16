package fhirpath

import (
	"math/big"
	"time"
)

// Of the build after N1: precision, lowBoundary, highBoundary and comparable.

var boundaries = chapter{
	"precision":    {build: buildPrecision},
	"lowBoundary":  {max: 1, build: buildBoundary(true)},
	"highBoundary": {max: 1, build: buildBoundary(false)},
	"comparable":   {min: 1, max: 1, build: buildComparable},
}

// digits is how many digits a date or time of a precision has: 4 for a year, 17 for a dateTime with milliseconds.
var digits = [...]int64{toYear: 4, toMonth: 6, toDay: 8, toHour: 10, toMinute: 12, toSecond: 14, toFraction: 17}

func buildPrecision(_ *compiler, f *call) *node {
	return f.scalar(system(Integer), func(c *Context, this, v Value, _ [2]Value) (Value, bool) {
		switch {
		case v.isNumber():
			return integerOf(int64(scaleOf(decimalText(v)))), true
		case v.kind() == Time:
			return integerOf(digits[v.precision()] - digits[toDay]), true
		case v.isTemporal():
			return integerOf(digits[v.precision()]), true
		}
		return v, false
	})
}

func buildComparable(_ *compiler, f *call) *node {
	return f.scalar(system(Boolean), func(c *Context, this, v Value, args [2]Value) (Value, bool) {
		if !v.isQuantity() || !args[0].isQuantity() {
			return v, false
		}
		_, ok := c.compareQuantities(v, args[0])
		return booleanOf(ok), true
	})
}

// buildBoundary gives the least or the greatest value that a number, date or time can stand for, as precise as it was written, in as
// many digits as the argument says.
func buildBoundary(low bool) func(*compiler, *call) *node {
	return func(_ *compiler, f *call) *node {
		return f.scalar(nil, func(c *Context, this, v Value, args [2]Value) (Value, bool) {
			want := int64(-1)
			if len(f.args) > 0 {
				if args[0].kind() != Integer {
					c.fail(f.pos, this, "%s() wants an integer", f.name)
					return v, false
				}
				if want = args[0].n; want < 0 {
					return v, false
				}
			}
			switch {
			case v.isNumber():
				s, ok := decimalBoundary(decimalText(v), want, low)
				return decimalOf(s), ok
			case v.isQuantity():
				value, unit, ok := v.quantity()
				if !ok {
					return v, false
				}
				s, ok := decimalBoundary(value, want, low)
				return quantityText(s, unit), ok
			case v.isTemporal():
				return v.boundary(want, low)
			}
			return v, false
		})
	}
}

// decimalBoundary goes half a unit of the last digit down or up, and rounds outwards.
func decimalBoundary(s string, places int64, low bool) (string, bool) {
	if places < 0 {
		places = 8
	}
	r, ok := ratOf(s)
	if !ok || places > 31 {
		return "", false
	}
	half := powerOfTen(-scaleOf(s))
	half.Mul(half, big.NewRat(1, 2))
	if low {
		r.Sub(r, half)
	} else {
		r.Add(r, half)
	}
	scale := powerOfTen(int(places))
	r.Mul(r, scale)
	n := floor(r)
	if !low && !r.IsInt() {
		n.Add(n, big.NewInt(1))
	}
	return new(big.Rat).Quo(new(big.Rat).SetInt(n), scale).FloatString(int(places)), true
}

// boundary of a date or time. One without zone has been somewhere between +14:00 and -12:00.
func (v Value) boundary(want int64, low bool) (Value, bool) {
	if want < 0 {
		want = map[Kind]int64{Date: 8, DateTime: 17, Time: 9}[v.kind()]
	}
	if v.kind() == Time {
		want += digits[toDay]
	}
	to := precision(0)
	for p, n := range digits {
		if n == want {
			to = precision(p)
		}
	}
	if to == 0 || v.kind() == Date && to > toDay || v.kind() == Time && to < toHour {
		return v, false
	}
	if from := v.precision(); to > from && !low {
		t := time.UnixMicro(v.n).UTC()
		switch from {
		case toYear:
			t = t.AddDate(1, 0, 0)
		case toMonth:
			t = t.AddDate(0, 1, 0)
		case toDay:
			t = t.AddDate(0, 0, 1)
		case toHour:
			t = t.Add(time.Hour)
		case toMinute:
			t = t.Add(time.Minute)
		case toSecond:
			t = t.Add(time.Second)
		}
		v.n = t.Add(-time.Millisecond).UnixMicro()
	}
	v = v.withPrecision(to)
	if to > toDay && !v.zoned() && v.kind() == DateTime {
		if low {
			return v.withZone(14 * 60), true
		}
		return v.withZone(-12 * 60), true
	}
	return v, true
}
