package hl7

import (
	"strconv"
	"strings"
)

// Number is the normal form of a number (NM of HL7 v2, real and int of CDA): without plus, leading zeros, or a point without digits
// behind it. Whether it is one at all, the target says.
func Number(s string) string {
	s = strings.TrimSpace(s)
	sign := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = "-", rest
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	whole, frac, point := strings.Cut(s, ".")
	if strings.Trim(whole+frac, "0123456789") != "" || whole+frac == "" {
		return sign + s // no number of HL7 v2: whatever it is, the target says
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if point && frac != "" {
		whole += "." + frac
	}
	return sign + whole
}

// Plain is a number of FHIR without an exponent, which NM has none of: 1.50e+2 is 150. Digits that it says stay. What would need more than 40
// zeros stays as it is.
func Plain(s string) string {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s
	}
	exp, err := strconv.Atoi(s[i+1:])
	if err != nil || exp < -40 || exp > 40 {
		return s
	}
	digits, sign := strings.CutPrefix(s[:i], "-")
	whole, frac, _ := strings.Cut(digits, ".")
	for ; exp > 0; exp-- {
		if frac == "" {
			frac = "0"
		}
		whole, frac = whole+frac[:1], frac[1:]
	}
	for ; exp < 0; exp++ {
		if whole == "" {
			whole = "0"
		}
		whole, frac = whole[:len(whole)-1], whole[len(whole)-1:]+frac
	}
	if digits = whole; frac != "" {
		digits += "." + frac
	}
	if sign {
		digits = "-" + digits
	}
	return Number(digits)
}
