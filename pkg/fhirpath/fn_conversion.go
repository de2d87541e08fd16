package fhirpath

import (
	"regexp"
	"strconv"
	"strings"
)

// Chapter 5.5 of N1: conversion. iif(), which converts nothing, is in fn_utility.go.

var conversion = conversions()

func conversions() chapter {
	ch := chapter{}
	for name, k := range systemKinds {
		to := convertTo(k)
		ch["to"+name] = function{build: func(_ *compiler, f *call) *node {
			return f.scalar(system(k), func(c *Context, _, v Value, _ [2]Value) (Value, bool) { return to(c, v) })
		}}
		ch["convertsTo"+name] = function{build: func(_ *compiler, f *call) *node {
			return f.scalar(system(Boolean), func(c *Context, _, v Value, _ [2]Value) (Value, bool) {
				_, ok := to(c, v)
				return booleanOf(ok), true
			})
		}}
	}
	toString := ch["toString"]
	toString.build = buildToString
	ch["toString"] = toString
	// A quantity converts to a unit, too.
	toQuantity, convertsTo := ch["toQuantity"], ch["convertsToQuantity"]
	toQuantity.max, toQuantity.build = 1, quantityIn(false)
	convertsTo.max, convertsTo.build = 1, quantityIn(true)
	ch["toQuantity"], ch["convertsToQuantity"] = toQuantity, convertsTo
	return ch
}

// buildToString gives the text of an element as it was written: more digits of a second than the system's value has, for instance.
func buildToString(_ *compiler, f *call) *node {
	in := f.in
	return oneNode(system(String), func(c *Context, this Value) (Value, int) {
		v, n := in.one(c, this)
		if n > 1 {
			c.fail(f.pos, this, "toString() wants one item")
		}
		if n != 1 {
			return v, 0
		}
		s, ok := v.Text()
		if !ok {
			return v, 0
		}
		c.read(v)
		return stringOf(s), 1
	})
}

// convertTo is the conversion to a type of the system; ok is false where there is none.
func convertTo(k Kind) func(c *Context, v Value) (Value, bool) {
	switch k {
	case String:
		return func(c *Context, v Value) (Value, bool) {
			s, ok := v.Text()
			c.read(v)
			return stringOf(s), ok
		}
	case Boolean:
		return toBoolean
	case Integer:
		return toInteger
	case Decimal:
		return toDecimal
	case Quantity:
		return toQuantity
	}
	return func(_ *Context, v Value) (Value, bool) { return toTemporal(v, k) }
}

func toBoolean(_ *Context, v Value) (Value, bool) {
	switch v.kind() {
	case Boolean:
		return v, true
	case Integer:
		return booleanOf(v.n == 1), v.n == 0 || v.n == 1
	case Decimal:
		one, _ := compareDecimals(v.s, "1")
		zero, ok := compareDecimals(v.s, "0")
		return booleanOf(one == 0), ok && (one == 0 || zero == 0)
	case String:
		switch strings.ToLower(v.s) {
		case "true", "t", "yes", "y", "1", "1.0":
			return booleanOf(true), true
		case "false", "f", "no", "n", "0", "0.0":
			return booleanOf(false), true
		}
	}
	return v, false
}

func toInteger(_ *Context, v Value) (Value, bool) {
	switch v.kind() {
	case Integer:
		return v, true
	case Boolean:
		return integerOf(v.n), true
	case String:
		n, err := strconv.ParseInt(v.s, 10, 32)
		return integerOf(n), err == nil
	}
	return v, false
}

var decimalForm = regexp.MustCompile(`^[+-]?\d+(\.\d+)?$`)

func toDecimal(_ *Context, v Value) (Value, bool) {
	switch v.kind() {
	case Decimal:
		return v, true
	case Integer:
		return decimalOf(decimalText(v)), true
	case Boolean:
		return decimalOf(strconv.FormatInt(v.n, 10) + ".0"), true
	case String:
		return decimalOf(strings.TrimPrefix(v.s, "+")), len(v.s) <= maxDigits && decimalForm.MatchString(v.s)
	}
	return v, false
}

func toTemporal(v Value, k Kind) (Value, bool) {
	if v.kind() == String {
		s := v.s
		if k == Time {
			s = "T" + strings.TrimPrefix(s, "T")
		}
		var ok bool
		if v, ok = parseTemporal(s, false); !ok {
			return v, false
		}
	}
	switch {
	case v.kind() == k:
		return v, true
	case v.kind() == Date && k == DateTime:
		return temporal(DateTime, v.n, v.precision()), true
	case v.kind() == DateTime && k == Date:
		return temporal(Date, truncate(v.n, toDay), min(toDay, v.precision())), true
	}
	return v, false
}

var quantityForm = regexp.MustCompile(`^([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?$`)

func toQuantity(_ *Context, v Value) (Value, bool) {
	switch v.kind() {
	case Quantity:
		return v, true
	case Integer, Decimal:
		return quantityText(decimalText(v), "'1'"), true
	case Boolean:
		return quantityText(strconv.FormatInt(v.n, 10)+".0", "'1'"), true
	case String:
		m := quantityForm.FindStringSubmatch(v.s)
		switch {
		case m == nil || len(v.s) > maxDigits:
			return v, false
		case m[2] != "":
			return quantityText(m[1], "'"+m[2]+"'"), true
		case m[3] == "":
			return quantityText(m[1], "'1'"), true
		}
		unit, ok := calendarUnits[m[3]]
		return quantityText(m[1], unit), ok
	case Node:
		value, unit, ok := v.quantity()
		return quantityText(value, unit), ok
	}
	return v, false
}

// quantityIn builds toQuantity(unit) and convertsToQuantity(unit).
func quantityIn(test bool) func(*compiler, *call) *node {
	return func(_ *compiler, f *call) *node {
		types := system(Quantity)
		if test {
			types = system(Boolean)
		}
		return f.scalar(types, func(c *Context, _, v Value, args [2]Value) (Value, bool) {
			q, ok := toQuantity(c, v)
			if u := args[0]; ok && u.kind() == String {
				q, ok = c.convert(q, "'"+u.s+"'")
			}
			if test {
				return booleanOf(ok), true
			}
			return q, ok
		})
	}
}

// convert gives a quantity in another unit.
func (c *Context) convert(q Value, unit string) (Value, bool) {
	value, from, ok := q.quantity()
	if !ok || from == unit {
		return q, ok
	}
	a, ok := c.amount(value, from)
	u, known := c.unit(unit)
	if !ok || !known || a.dim != u.dim {
		return q, false
	}
	if u.offset != nil {
		a.n.Sub(a.n, u.offset)
	}
	return quantityText(ratText(a.n.Quo(a.n, u.factor), 18), unit), true
}
