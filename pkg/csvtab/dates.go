package csvtab

import (
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
)

// Dates is how the dates of a column are to be read.
type Dates struct {
	Order    Order         // of its dates in numbers, 3/4/2026; empty if it has none, or if it is an open question
	Compact  Order         // of its dates of eight digits, 03042026; empty if it has none
	Question *diag.Finding // what --dates must answer before the column can be read; nil if nothing
	Pivot    int           // the last year that a two-digit year of the past can mean
	Past     bool          // the column's name says that its dates are of the past: of birth, of death
	Serials  bool          // a number in it is a day as a spreadsheet counts
	From1904 bool          // and counts them from 1904
}

// Date is a date, perhaps with a time, as precise as it was written.
type Date struct {
	Year, Month, Day int    // Month and Day are 0 if they were not written
	Hour, Minute     int    // -1 if no time was written
	Second           string // 07, 07.250; empty if no second was written
	Zone             string // Z, +01:00; empty if none was written
}

// HasTime reports whether a time of day was written.
func (d Date) HasTime() bool { return d.Hour >= 0 }

// Calendar is the date alone, as precise as it is: 2026, 2026-03, 2026-03-04.
func (d Date) Calendar() string {
	b := make([]byte, 0, 10)
	b = pad(b, d.Year, 4)
	if d.Month > 0 {
		b = pad(append(b, '-'), d.Month, 2)
		if d.Day > 0 {
			b = pad(append(b, '-'), d.Day, 2)
		}
	}
	return string(b)
}

// String is ISO 8601: the date, with the time and the offset that were written. Seconds that were not are 00.
func (d Date) String() string {
	if !d.HasTime() {
		return d.Calendar()
	}
	b := append(make([]byte, 0, 32), d.Calendar()...)
	b = pad(append(b, 'T'), d.Hour, 2)
	b = pad(append(b, ':'), d.Minute, 2)
	b = append(b, ':')
	if d.Second == "" {
		b = append(b, "00"...)
	}
	return string(append(append(b, d.Second...), d.Zone...))
}

func pad(b []byte, n, width int) []byte {
	for p := [...]int{0, 1, 10, 100, 1000}[width]; p > 0; p /= 10 {
		b = append(b, byte('0'+n/p%10))
	}
	return b
}

// shape is how a date is written.
type shape uint8

const (
	noDate   shape = iota
	plainDay       // with the year first, or the month in letters: it has one meaning
	numbers        // 3/4/2026, 3/4/26: it has two
	compact8       // 03042026, 20260304
	partial        // 2026, 3/2026
	serial         // 45306, 45306.5
)

// written is a date as it was written: for numbers its three numbers in their order.
type written struct {
	shape   shape
	n       [3]int
	short   bool // the year has two digits
	tiny    bool // the last number has one: it is a day
	date    Date // of plainDay and partial, and the time of numbers
	decimal string
}

// Spreadsheets count days from 1 = 1900-01-01. Outside of these, a number in a column of dates is none: 1927 to 2119.
const minSerial, maxSerial = 9863, 80353

// scanDate says how s is written. It looks at each byte once at most, mostly at the first.
func scanDate(s string) (w written) {
	s = trim(s)
	if len(s) < 4 || len(s) > 40 {
		return w
	}
	if s[0] > '9' || s[0] < '0' {
		if dayOrMonth(s) {
			return scanWords(s)
		}
		return w
	}
	w.date.Hour = -1
	n, i := number(s, 0)
	switch {
	case i == 4 && i < len(s) && (s[i] == '-' || s[i] == '/' || s[i] == '.'):
		sep := s[i]
		m, j := number(s, i+1)
		if j == i+1 || j > i+3 || m < 1 || m > 12 {
			return w
		}
		if w.date.Year, w.date.Month = n, m; j == len(s) {
			if sep == '-' && n >= 1850 && n <= 2100 {
				w.shape = partial
			}
			return w
		}
		if s[j] != sep {
			return w
		}
		d, k := number(s, j+1)
		if k == j+1 || k > j+3 || n < 1 || d < 1 || d > daysIn(n, m) { // there was no year 0, and FHIR has none
			return w
		}
		w.date.Day = d
		if timeOf(&w.date, s[k:]) {
			w.shape = plainDay
		}
	case i == 4 && i == len(s):
		if n >= 1850 && n <= 2100 {
			w.date.Year, w.shape = n, partial
		}
	case i <= 2 && i < len(s):
		return scanNumbers(s, n, i)
	case i == 8 && (i == len(s) || s[i] == ' ' || s[i] == 'T'):
		w.n = [3]int{n / 1000000, n / 10000 % 100, n % 10000}
		if timeOf(&w.date, s[i:]) {
			w.shape = compact8
		}
	case i == 12 || i == 14: // the form of HL7 v2
		y, m, d := atoi(s[:4]), atoi(s[4:6]), atoi(s[6:8])
		hh, mm := atoi(s[8:10]), atoi(s[10:12])
		if y < 1850 || y > 2100 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) || hh > 23 || mm > 59 {
			return w
		}
		w.date = Date{Year: y, Month: m, Day: d, Hour: hh, Minute: mm}
		rest := s[12:]
		if i == 14 {
			if atoi(s[12:14]) > 60 {
				return w
			}
			w.date.Second, rest = s[12:14], s[14:]
		}
		if rest == "" || zoneOf(&w.date, rest) {
			w.shape = plainDay
		}
	case i == 5:
		if n >= minSerial && n <= maxSerial && (i == len(s) || s[i] == '.' && isNumber(s, false)) {
			w.shape, w.n[0], w.decimal = serial, n, s[i:]
		}
	}
	return w
}

// number reads the digits at i, nine at most.
func number(s string, i int) (n, end int) {
	for end = i; end < len(s) && digit(s[end]) && end < i+15; end++ {
		if end < i+9 {
			n = n*10 + int(s[end]-'0')
		}
	}
	return n, end
}

func atoi(s string) (n int) {
	n, _ = number(s, 0)
	return n
}

// scanNumbers reads what begins with one or two digits, a: 3/4/2026, 4 Mar 2026, 3/2026.
func scanNumbers(s string, a, i int) (w written) {
	w.date.Hour = -1
	sep := s[i]
	if sep != '/' && sep != '-' && sep != '.' && sep != ' ' && !asciiLetter(sep) {
		return w
	}
	j := i
	for j < len(s) && (s[j] == ' ' || j == i && !asciiLetter(sep)) {
		j++
	}
	if j < len(s) && asciiLetter(s[j]) {
		if j+3 > len(s) || !dayOrMonth(s[j:]) {
			return w
		}
		// 4 Mar 2026, 04-MAR-26, 4th of March is nobody's export
		m, k := month(s, j)
		if m == 0 || a < 1 || a > 31 {
			return w
		}
		for k < len(s) && (s[k] == ' ' || s[k] == '-' || s[k] == '/' || s[k] == '.' || s[k] == ',') {
			k++
		}
		y, end := number(s, k)
		return w.named(a, m, y, end-k, s[end:])
	}
	if sep == ' ' || asciiLetter(sep) {
		return w
	}
	b, k := number(s, i+1)
	if k == i+1 {
		return w
	}
	if k == len(s) && k == i+5 && sep == '/' { // 3/2026
		if a >= 1 && a <= 12 && b >= 1850 && b <= 2100 {
			w.shape, w.date.Year, w.date.Month = partial, b, a
		}
		return w
	}
	if k > i+3 || k >= len(s) || s[k] != sep {
		return w
	}
	c, end := number(s, k+1)
	switch end - k - 1 {
	case 1:
		w.tiny, w.short = true, true
	case 2:
		w.short = true
	case 4:
	default:
		return w
	}
	if !timeOf(&w.date, s[end:]) {
		return w
	}
	w.n = [3]int{a, b, c}
	if b < 1 || b > 31 || a < 1 && !w.short || a > 31 && (!w.short || b > 12) || !w.short && (c < 1000) {
		return w
	}
	if a > 12 && b > 12 && a <= 31 && !w.short {
		return w
	}
	w.shape = numbers
	return w
}

// named fills a date whose month is in letters.
func (w written) named(d, m, y, digits int, rest string) written {
	w.date.Month, w.date.Day, w.date.Year = m, d, y
	switch digits {
	case 4:
		if d > daysIn(y, m) {
			return w
		}
	case 2:
		w.short = true
	default:
		return w
	}
	if timeOf(&w.date, rest) {
		w.shape = plainDay
	}
	return w
}

// dayOrMonth reports whether s begins as the name of a month or a day of the week does: every word of every cell is asked.
func dayOrMonth(s string) bool {
	switch uint32(s[0]|0x20)<<16 | uint32(s[1]|0x20)<<8 | uint32(s[2]|0x20) {
	case 'j'<<16 | 'a'<<8 | 'n', 'f'<<16 | 'e'<<8 | 'b', 'm'<<16 | 'a'<<8 | 'r', 'a'<<16 | 'p'<<8 | 'r', 'm'<<16 | 'a'<<8 | 'y', 'j'<<16 | 'u'<<8 | 'n',
		'j'<<16 | 'u'<<8 | 'l', 'a'<<16 | 'u'<<8 | 'g', 's'<<16 | 'e'<<8 | 'p', 'o'<<16 | 'c'<<8 | 't', 'n'<<16 | 'o'<<8 | 'v', 'd'<<16 | 'e'<<8 | 'c',
		'm'<<16 | 'o'<<8 | 'n', 't'<<16 | 'u'<<8 | 'e', 'w'<<16 | 'e'<<8 | 'd', 't'<<16 | 'h'<<8 | 'u', 'f'<<16 | 'r'<<8 | 'i', 's'<<16 | 'a'<<8 | 't',
		's'<<16 | 'u'<<8 | 'n':
		return true
	}
	return false
}

// scanWords reads Mar 4, 2026 and Tuesday, March 4, 2026.
func scanWords(s string) (w written) {
	w.date.Hour = -1
	if i := strings.IndexAny(s, ", "); i > 0 && weekday(s[:i]) {
		if s = strings.TrimLeft(s[i:], ", "); s == "" {
			return w
		}
		if digit(s[0]) {
			n, i := number(s, 0)
			if i <= 2 && i < len(s) {
				return scanNumbers(s, n, i)
			}
			return w
		}
	}
	m, i := month(s, 0)
	if m == 0 {
		return w
	}
	for i < len(s) && (s[i] == ' ' || s[i] == '-' || s[i] == '.') {
		i++
	}
	d, j := number(s, i)
	if j == i || j > i+2 {
		if j == i+4 && j == len(s) { // March 2026
			w.shape, w.date.Year, w.date.Month = partial, d, m
		}
		return w
	}
	k := j
	for k < len(s) && (s[k] == ' ' || s[k] == ',' || s[k] == '-') {
		k++
	}
	if k == j || d < 1 || d > 31 {
		return w
	}
	y, end := number(s, k)
	return w.named(d, m, y, end-k, s[end:])
}

var months = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// month reads the name of a month or its first three letters at i.
func month(s string, i int) (m, end int) {
	var b [10]byte
	n := 0
	for end = i; end < len(s) && asciiLetter(s[end]); end++ {
		if n == len(b) {
			return 0, end
		}
		b[n] = s[end] | 0x20
		n++
	}
	word := string(b[:n])
	for m, name := range months {
		if n >= 3 && word == name[:min(3, len(name))] || word == name || word == "sept" && m == 8 {
			if end < len(s) && s[end] == '.' {
				end++
			}
			return m + 1, end
		}
	}
	return 0, end
}

func weekday(s string) bool {
	switch strings.ToLower(s) {
	case "mon", "tue", "wed", "thu", "fri", "sat", "sun", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday":
		return true
	}
	return false
}

// timeOf reads what stands behind a date: nothing, or a time of day.
func timeOf(d *Date, s string) bool {
	d.Hour = -1
	if s == "" {
		return true
	}
	if s[0] != 'T' && s[0] != ' ' && s[0] != ',' {
		return false
	}
	s = strings.TrimLeft(s, "T, ")
	h, i := number(s, 0)
	if i == 0 || i > 2 || i >= len(s) || s[i] != ':' {
		return false
	}
	m, j := number(s, i+1)
	if j != i+3 || m > 59 {
		return false
	}
	sec := ""
	if j < len(s) && s[j] == ':' {
		v, k := number(s, j+1)
		if k != j+3 || v > 60 {
			return false
		}
		if k < len(s) && (s[k] == '.' || s[k] == ',') {
			_, f := number(s, k+1)
			if f == k+1 || f > k+10 {
				return false
			}
			sec, j = s[j+1:k]+"."+s[k+1:f], f
		} else {
			sec, j = s[j+1:k], k
		}
	}
	s = strings.TrimLeft(s[j:], " ")
	if len(s) >= 2 && (s[1]|0x20 == 'm' || len(s) >= 4 && s[1] == '.') && (s[0]|0x20 == 'a' || s[0]|0x20 == 'p') {
		if h < 1 || h > 12 {
			return false
		}
		h %= 12
		if s[0]|0x20 == 'p' {
			h += 12
		}
		if s[1] == '.' {
			if !strings.EqualFold(s[1:4], ".m.") {
				return false
			}
			s = s[4:]
		} else {
			s = s[2:]
		}
		s = strings.TrimLeft(s, " ")
	}
	if h > 23 {
		return false
	}
	d.Hour, d.Minute, d.Second = h, m, sec
	if s != "" && !zoneOf(d, s) {
		d.Hour = -1
		return false
	}
	return true
}

// zoneOf reads an offset: Z, UTC, +01:00, +0100, +01.
func zoneOf(d *Date, s string) bool {
	if s == "Z" || s == "z" || s == "UTC" || s == "GMT" {
		d.Zone = "Z"
		return true
	}
	if s[0] != '+' && s[0] != '-' {
		return false
	}
	h, i := number(s, 1)
	m := 0
	switch {
	case i == 5 && i == len(s):
		h, m = h/100, h%100
	case i == 3 && i == len(s):
	case i == 3 && len(s) == 6 && s[3] == ':':
		var j int
		if m, j = number(s, 4); j != 6 {
			return false
		}
	default:
		return false
	}
	if h > 14 || m > 59 {
		return false
	}
	b := pad([]byte{s[0]}, h, 2)
	d.Zone = string(pad(append(b, ':'), m, 2))
	return true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// future is how far beyond the pivot a two-digit year may lie that is not of the past: an appointment, the end of a card.
const future = 20

// parseDate reads a date as its column is read.
func parseDate(s string, how *Dates, past bool) (Date, bool) {
	w := scanDate(s)
	d := w.date
	y, m, day := d.Year, d.Month, d.Day
	switch w.shape {
	case partial:
		return d, true
	case plainDay:
	case numbers:
		if w.tiny && how.Order != YMD {
			return d, false
		}
		switch how.Order {
		case MDY:
			m, day, y = w.n[0], w.n[1], w.n[2]
		case DMY:
			day, m, y = w.n[0], w.n[1], w.n[2]
		case YMD:
			if !w.short {
				return d, false
			}
			y, m, day = w.n[0], w.n[1], w.n[2]
		default:
			// In a column without an order only a date that reads the same either way, 3/3/2026, has a meaning.
			if w.n[0] != w.n[1] || how.Question != nil {
				return d, false
			}
			m, day, y = w.n[0], w.n[1], w.n[2]
		}
	case compact8:
		c := how.Compact
		if c == "" {
			c = YMD
		}
		y, m, day = compactParts(w, c)
		if y < 1850 || y > 2100 {
			return d, false
		}
	case serial:
		if !how.Serials {
			return d, false
		}
		return serialDate(w.n[0], w.decimal, how.From1904)
	default:
		return d, false
	}
	if w.short {
		pivot := how.Pivot
		if !past && !how.Past {
			pivot += future
		}
		y = pivot - (pivot%100-y+100)%100 // the latest year that is not after the pivot and ends so
	}
	if m < 1 || m > 12 || day < 1 || day > daysIn(y, m) {
		return d, false
	}
	d.Year, d.Month, d.Day = y, m, day
	return d, true
}

// compactParts takes eight digits apart.
func compactParts(w written, o Order) (y, m, d int) {
	a, b, c := w.n[0], w.n[1], w.n[2]
	switch o {
	case MDY:
		return c, a, b
	case DMY:
		return c, b, a
	}
	return a*100 + b, c / 100, c % 100
}

// serialDate is the day that a spreadsheet shows for a number. QUIRK: Excel has a 29th of February 1900, as Lotus 1-2-3 had;
// numbers before it are not read here at all.
func serialDate(n int, decimal string, from1904 bool) (Date, bool) {
	if from1904 {
		n += 1462
	}
	y, m, d := civil(n - 25569)
	date := Date{Year: y, Month: m, Day: d, Hour: -1}
	if strings.Trim(decimal, ".0") == "" {
		return date, true
	}
	// The fraction of the day, to a second.
	ms := int64(0)
	scale := int64(86400 * 1000)
	var num, den int64 = 0, 1
	for _, c := range []byte(decimal[1:]) {
		if !digit(c) || den >= 1e10 {
			break
		}
		num, den = num*10+int64(c-'0'), den*10
	}
	if den > 1e10/2 { // keep the product within 64 bits
		num, den = num/100, den/100
	}
	ms = (num*scale + den/2) / den
	sec := (ms + 500) / 1000
	if sec >= 86400 {
		y, m, d = civil(n + 1 - 25569)
		date.Year, date.Month, date.Day, sec = y, m, d, 0
	}
	date.Hour, date.Minute = int(sec/3600), int(sec/60%60)
	date.Second = string(pad(nil, int(sec%60), 2))
	return date, true
}

// civil is the date so many days after 1970-01-01 (Howard Hinnant's algorithm, on eras of 400 years).
func civil(days int) (y, m, d int) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

// daysSince1970 is the way back.
func daysSince1970(y, m, d int) int {
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	mp := m - 3
	if m <= 2 {
		mp = m + 9
	}
	doy := (153*mp+2)/5 + d - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}
