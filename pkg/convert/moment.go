package convert

import (
	"strings"
	"time"
)

// Moment is the time that a text of HL7 v2 or CDA (20260312090500-0500) or of FHIR (2026-03-12T09:05:00-05:00) names, as microseconds
// since 1970. What lacks a part is its beginning, what lacks an offset is UTC: it is for the order of records, not for output. 0 is no
// time.
func Moment(text string) int64 {
	from := 0
	if len(text) > 4 && text[4] == '-' { // the date of FHIR has hyphens of its own
		from = min(10, len(text))
	}
	local, offset := text, ""
	if i := strings.IndexAny(text[from:], "+-Z"); i >= 0 {
		local, offset = text[:from+i], text[from+i:]
	}
	local, fraction, _ := strings.Cut(local, ".")
	digits := onlyDigits(local)
	const form, rest = "20060102150405", "00000101000000"
	if len(digits) < 4 || len(digits) > len(form) || len(digits)%2 != 0 {
		return 0
	}
	at, err := time.Parse(form, digits+rest[len(digits):])
	if err != nil {
		return 0
	}
	us := at.UnixMicro()
	fraction = (onlyDigits(fraction) + "000000")[:6]
	for i, scale := 0, int64(100_000); i < 6; i, scale = i+1, scale/10 {
		us += int64(fraction[i]-'0') * scale
	}
	if z := onlyDigits(offset); len(z) == 4 {
		minutes := int64(z[0]-'0')*600 + int64(z[1]-'0')*60 + int64(z[2]-'0')*10 + int64(z[3]-'0')
		if offset[0] == '+' {
			minutes = -minutes
		}
		us += minutes * 60_000_000
	}
	return us
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
