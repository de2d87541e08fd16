package hl7

import "strings"

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
