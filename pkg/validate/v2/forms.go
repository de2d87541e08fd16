package v2

import "strings"

// form is what a primitive datatype may look like (HL7 v2.7.1, chapter 2A), in the widest sense that any version gives it.
type form struct {
	valid func(string) bool
	words string
}

var forms = map[string]form{
	"DT":  {isDate, "YYYYMMDD, or a part of it from the left"},
	"TM":  {isTime, "HHMMSS.ssss+ZZZZ, or a part of it from the left"},
	"DTM": {isDateTime, "YYYYMMDDHHMMSS.ssss+ZZZZ, or a part of it from the left"},
	"NM":  {isNumber, "a number, with a point for its fraction"},
	"SI":  {isSequence, "a whole number of up to four digits"},
}

func isDate(s string) bool { return (len(s) == 4 || len(s) == 6 || len(s) == 8) && onCalendar(s) }

// onCalendar reports digits YYYY, YYYYMM or YYYYMMDD that are a year, month or day.
func onCalendar(s string) bool {
	if !digits(s) || s[:4] == "0000" {
		return false
	}
	if len(s) == 4 {
		return true
	}
	month := number(s[4:6])
	if month < 1 || month > 12 {
		return false
	}
	if len(s) == 6 {
		return true
	}
	last := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if year := number(s[:4]); month == 2 && (year%4 == 0 && year%100 != 0 || year%400 == 0) {
		last = 29
	}
	day := number(s[6:8])
	return 1 <= day && day <= last
}

func isTime(s string) bool {
	s, ok := withoutOffset(s)
	return ok && isClock(s)
}

// isClock reports HH, HHMM, HHMMSS or HHMMSS.s to .ssss.
func isClock(s string) bool {
	s, fraction, ok := strings.Cut(s, ".")
	if ok && (len(s) != 6 || len(fraction) < 1 || len(fraction) > 4 || !digits(fraction)) {
		return false
	}
	if len(s) != 2 && len(s) != 4 && len(s) != 6 || !digits(s) {
		return false
	}
	for i, most := range [...]int{23, 59, 59} {
		if 2*i < len(s) && number(s[2*i:2*i+2]) > most {
			return false
		}
	}
	return true
}

func isDateTime(s string) bool {
	s, ok := withoutOffset(s)
	if !ok || len(s) < 4 {
		return false
	}
	if len(s) <= 8 {
		return isDate(s)
	}
	return onCalendar(s[:8]) && isClock(s[8:])
}

// withoutOffset cuts +ZZZZ or -ZZZZ off.
func withoutOffset(s string) (string, bool) {
	i := strings.LastIndexAny(s, "+-")
	if i < 0 {
		return s, true
	}
	z := s[i+1:]
	return s[:i], len(z) == 4 && digits(z) && number(z[:2]) <= 23 && number(z[2:]) <= 59
}

func isNumber(s string) bool {
	s = strings.TrimSpace(s)
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	return whole+fraction != "" && digits(whole+fraction)
}

func isSequence(s string) bool { return s != "" && len(s) <= 4 && digits(s) }

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func number(s string) int {
	n := 0
	for i := range len(s) {
		n = 10*n + int(s[i]-'0')
	}
	return n
}
