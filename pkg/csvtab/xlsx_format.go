package csvtab

import (
	"math"
	"strconv"
	"strings"
)

// The formats of number cells (ECMA-376 part 1, 18.8.30): only what makes of a number something else than a number.

type formatKind uint8

const (
	formatPlain   formatKind = iota
	formatDay                // the number is a date
	formatMoment             // a date with a time
	formatTime               // a time of day
	formatMask               // digits in places: 00000, 000-00-0000
	formatPercent            // 0%
)

// format is what a cell's style says of its number.
type format struct {
	kind     formatKind
	mask     string
	decimals int // that are shown at least
}

// builtin are the formats that have a number only.
func builtin(id int) format {
	switch {
	case id == 2 || id == 4 || id == 39 || id == 40:
		return format{decimals: 2}
	case id == 9:
		return format{kind: formatPercent}
	case id == 10:
		return format{kind: formatPercent, decimals: 2}
	case id >= 14 && id <= 17 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 54 || id >= 57 && id <= 58:
		return format{kind: formatDay}
	case id >= 18 && id <= 21 || id >= 32 && id <= 35 || id >= 45 && id <= 47 || id >= 55 && id <= 56:
		return format{kind: formatTime}
	case id == 22:
		return format{kind: formatMoment}
	}
	return format{}
}

// parseFormat reads a format's code: its first section, without colours, conditions and locales.
func parseFormat(code string) format {
	if strings.EqualFold(code, "General") || code == "@" || len(code) > 255 {
		return format{}
	}
	var shown strings.Builder // letters and placeholders
	var mask strings.Builder  // with the characters that stand between
	elapsed := false
scan:
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '"':
			j := strings.IndexByte(code[i+1:], '"')
			if j < 0 {
				break scan
			}
			mask.WriteString(code[i+1 : i+1+j])
			i += j + 1
		case '[':
			j := strings.IndexByte(code[i:], ']')
			if j < 0 {
				break scan
			}
			in := strings.ToLower(code[i+1 : i+j])
			if strings.Trim(in, "h") == "" || strings.Trim(in, "m") == "" || strings.Trim(in, "s") == "" {
				elapsed = true
			}
			i += j
		case '\\':
			if i++; i < len(code) {
				mask.WriteByte(code[i])
			}
		case '_', '*':
			i++
		case ';':
			break scan
		default:
			shown.WriteByte(c)
			mask.WriteByte(c)
		}
	}
	s := strings.ToLower(shown.String())
	s = strings.ReplaceAll(strings.ReplaceAll(s, "am/pm", ""), "a/p", "")
	clock := strings.ContainsAny(s, "hs") || elapsed
	switch {
	case strings.Contains(s, "general"):
		return format{}
	case strings.ContainsAny(s, "yd") && clock:
		return format{kind: formatMoment}
	case strings.ContainsAny(s, "yd"), !clock && strings.Contains(s, "m"):
		return format{kind: formatDay}
	case clock:
		return format{kind: formatTime}
	}
	decimals := 0
	if _, after, ok := strings.Cut(s, "."); ok {
		for decimals < len(after) && after[decimals] == '0' {
			decimals++
		}
	}
	if strings.HasSuffix(s, "%") {
		return format{kind: formatPercent, decimals: decimals}
	}
	if m := mask.String(); strings.Trim(m, "0-() /.") == "" && strings.Count(m, "0") > 1 && !strings.Contains(m, ".") {
		return format{kind: formatMask, mask: m}
	}
	if strings.ContainsAny(s, "e?/") {
		return format{}
	}
	return format{decimals: decimals}
}

// numberText writes the value of a number cell as it stands in the file the way a person reads it: whole, not 1.5E-2, with the 15 digits
// that a spreadsheet has.
func numberText(v string) (string, float64, bool) {
	if len(v) <= 15 && isNumber(v, false) && !strings.ContainsAny(v, "eE") && v[0] != '.' && v[len(v)-1] != '.' {
		f, err := strconv.ParseFloat(v, 64)
		return v, f, err == nil
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return v, 0, false
	}
	if d := strings.TrimPrefix(v, "-"); isDigits(d) && len(d) < 30 {
		return v, f, true // more digits than a spreadsheet has, but they are there
	}
	if math.Abs(f) >= 1e40 || f != 0 && math.Abs(f) < 1e-30 {
		return v, f, true
	}
	g := strconv.FormatFloat(f, 'e', 14, 64) // 15 digits
	r, err := strconv.ParseFloat(g, 64)
	if err != nil {
		return v, f, true
	}
	return strconv.FormatFloat(r, 'f', -1, 64), f, true
}

// show writes the value of a number cell as its format shows it.
func (f format) show(v string, from1904 bool) (string, Trait) {
	s, n, ok := numberText(v)
	if !ok {
		return v, 0
	}
	switch f.kind {
	case formatDay, formatMoment, formatTime:
		if t, is := f.moment(n, from1904); t != "" {
			return t, is
		}
		return s, IsNumber
	case formatMask:
		if digits, ok := strings.CutPrefix(s, "-"); !ok && isDigits(digits) {
			return fillMask(f.mask, s), IsNumber
		}
		return s, IsNumber
	case formatPercent:
		p, _, _ := numberText(strconv.FormatFloat(n*100, 'g', -1, 64))
		return padDecimals(p, f.decimals) + "%", 0
	}
	return padDecimals(s, f.decimals), IsNumber
}

// padDecimals shows so many decimals at least. It never rounds.
func padDecimals(s string, n int) string {
	if n == 0 || !isNumber(s, false) || strings.ContainsAny(s, "eE") {
		return s
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if len(fraction) >= n {
		return s
	}
	return whole + "." + fraction + strings.Repeat("0", n-len(fraction))
}

// fillMask puts digits into the places of a mask, from its end; those that are too many stand before it.
func fillMask(mask, digits string) string {
	out := make([]byte, 0, len(mask)+len(digits))
	for i := len(mask) - 1; i >= 0; i-- {
		c := mask[i]
		if c == '0' {
			if n := len(digits); n > 0 {
				c, digits = digits[n-1], digits[:n-1]
			}
		}
		out = append(out, c)
	}
	for i := len(digits) - 1; i >= 0; i-- {
		out = append(out, digits[i])
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

// moment writes a number as the date that it is.
func (f format) moment(n float64, from1904 bool) (string, Trait) {
	if n < 0 || n >= 2958466 {
		return "", 0
	}
	day := math.Floor(n)
	sec := int(math.Round((n - day) * 86400))
	if sec == 86400 {
		day, sec = day+1, 0
	}
	clock := string(pad(append(pad(append(pad(nil, sec/3600, 2), ':'), sec/60%60, 2), ':'), sec%60, 2))
	if f.kind == formatTime && day == 0 {
		return clock, 0
	}
	if day == 0 && !from1904 {
		return "", 0 // what a formula makes of a blank cell
	}
	days := int(day) - 25569
	switch {
	case from1904:
		days += 1462
	case day < 60:
		days++ // QUIRK: before the 29th of February 1900, which Excel has and the calendar has not
	}
	y, m, d := civil(days)
	date := Date{Year: y, Month: m, Day: d, Hour: -1}.Calendar()
	if sec == 0 && f.kind == formatDay {
		return date, IsDate
	}
	return date + "T" + clock, IsDate
}
