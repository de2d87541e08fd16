package fhirpath

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
)

// Decimals stay the text they were written as, so that 1.50 keeps its precision. Arithmetic is exact: in int64 where it fits, else in
// big.Rat.

const (
	maxInteger = 1<<31 - 1 // Integers have 32 bits (4.1.3 of N1)
	maxDigits  = 1000      // of a number's text; what would have more is empty
	maxPower   = 400       // of ten, in FHIR's 1e400
)

// small gives a decimal as m * 10^-scale where m has at most 17 digits.
func small(s string) (m int64, scale int, ok bool) {
	i, negative := 0, false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative, i = s[0] == '-', 1
	}
	digits, point := 0, false
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
			if digits++; digits > 17 {
				return 0, 0, false
			}
			m = m*10 + int64(c-'0')
			if point {
				scale++
			}
		case c == '.' && !point:
			point = true
		default:
			return 0, 0, false
		}
	}
	if negative {
		m = -m
	}
	return m, scale, digits > 0
}

// ratOf reads a decimal, with FHIR's exponent, unless it is out of all proportion.
func ratOf(s string) (*big.Rat, bool) {
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(s[i+1:]); err != nil || exponent > maxPower || exponent < -maxPower {
			return nil, false
		}
		mantissa = s[:i]
	}
	if len(mantissa) > maxDigits || mantissa == "" || strings.Trim(mantissa, "0123456789.+-") != "" {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(mantissa)
	if ok && exponent != 0 {
		r.Mul(r, powerOfTen(exponent))
	}
	return r, ok
}

func powerOfTen(n int) *big.Rat {
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil)
	if n < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), p)
	}
	return new(big.Rat).SetInt(p)
}

// scaleOf is the number of digits behind the point.
func scaleOf(s string) int {
	if i := strings.IndexByte(s, '.'); i >= 0 {
		n := endOfDigits(s, i+1) - i - 1
		return n
	}
	return 0
}

var pow10 = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// compareDecimals compares two decimals; ok is false if one is none.
func compareDecimals(a, b string) (order int, ok bool) {
	m, p, ok1 := small(a)
	n, q, ok2 := small(b)
	if ok1 && ok2 {
		switch d := p - q; { // 17 digits by 10 still fit an int64: one more digit of scale each is what most comparisons need
		case d == 0:
			return cmp.Compare(m, n), true
		case d == 1:
			return cmp.Compare(m, n*10), true
		case d == -1:
			return cmp.Compare(m*10, n), true
		case d > 1 && d < 18 && max(n, -n) < pow10[18-d]:
			return cmp.Compare(m, n*pow10[d]), true
		case d < -1 && d > -18 && max(m, -m) < pow10[18+d]:
			return cmp.Compare(m*pow10[-d], n), true
		}
	}
	x, ok1 := ratOf(a)
	y, ok2 := ratOf(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	return x.Cmp(y), true
}

// ratText writes a number with at most places digits behind the point, without zeros at its end.
func ratText(r *big.Rat, places int) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(places), "0"), ".")
}

// decimalText is the text of a number: of an Integer or Decimal.
func decimalText(v Value) string {
	if v.kind() == Integer {
		return strconv.FormatInt(v.n, 10)
	}
	return v.s
}

func (v Value) isNumber() bool { k := v.kind(); return k == Integer || k == Decimal }

// compareNumbers compares Integers and Decimals.
func compareNumbers(a, b Value) (order int, ok bool) {
	if a.kind() == Integer && b.kind() == Integer {
		return cmp.Compare(a.n, b.n), true
	}
	return compareDecimals(decimalText(a), decimalText(b))
}

// calculate is + - * / div mod of two decimals; ok is false for a division by zero and for numbers without proportion.
func calculate(op, a, b string) (s string, ok bool) {
	x, ok1 := ratOf(a)
	y, ok2 := ratOf(b)
	if !ok1 || !ok2 {
		return "", false
	}
	scale := max(scaleOf(a), scaleOf(b))
	switch op {
	case "+":
		s = x.Add(x, y).FloatString(scale)
	case "-":
		s = x.Sub(x, y).FloatString(scale)
	case "*":
		s = x.Mul(x, y).FloatString(scaleOf(a) + scaleOf(b))
	default:
		if y.Sign() == 0 {
			return "", false
		}
		q := new(big.Rat).Quo(x, y)
		whole := new(big.Int).Quo(q.Num(), q.Denom())
		switch op {
		case "/":
			s = ratText(q, 18)
		case "div":
			s = whole.String()
		default:
			s = x.Sub(x, y.Mul(y, new(big.Rat).SetInt(whole))).FloatString(scale)
		}
	}
	return s, len(s) <= maxDigits
}
