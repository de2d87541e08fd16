package csvfhir

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Types are what in the tables cannot be a row: what cells hold as leaf types, and pairs of functions for cells that say several things
// at once. docs/rows.md lists them for people who write mappings. ref belongs to each mapping; see ref.go.
var Types = withKinds(mapping.Types{
	"ST": text, "CODE": code, "URI": text,
	"NM": number, "INT": integer, "USD": dollars,
	"DATE": date(false), "DATETIME": date(false), "INSTANT": date(false), "BIRTH": date(true),
	"date":   dateIn,
	"YN":     words("Y", "N", yes, no),
	"GENDER": gender,
	"PHONE":  phone,
	"EMAIL":  email,
	"UID":    uid,

	"NAME":     inCell("HumanName", readName, writeName),
	"ADDRESS":  inCell("Address", readAddress, writeAddress),
	"QUANTITY": func(units string) (mapping.Pair, error) { return quantityPair(units), nil },
	"DOSE":     func(units string) (mapping.Pair, error) { return dosePair(units), nil },
	"RESULT":   func(units string) (mapping.Pair, error) { return resultPair(units), nil },
	"RANGE":    func(units string) (mapping.Pair, error) { return rangePair(units), nil },
	"MEASURE":  measurePair,
	"COLUMN":   mapping.Pair{Read: readColumn, Write: writeColumn},
})

// --- text ---

// text is any text as it is.
var text = mapping.Type{Read: func(c *mapping.Context, s string) (string, error) { return fit(s, c.Target()) }, Normal: strings.TrimSpace}

// code is a code: outer blanks say nothing.
var code = mapping.Type{Read: func(c *mapping.Context, s string) (string, error) { return fit(strings.TrimSpace(s), c.Target()) }, Normal: strings.TrimSpace}

// fit makes a text fit a FHIR type.
func fit(s, target string) (string, error) {
	if printableASCII(s) {
		switch target {
		case "code", "uri", "url", "canonical", "id", "oid", "uuid":
		default:
			if s[0] != ' ' && s[len(s)-1] != ' ' {
				return s, nil
			}
		}
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.TrimSpace(s))
	switch target {
	case "code":
		s = strings.Join(strings.Fields(s), " ")
	case "uri", "url", "canonical", "id", "oid", "uuid":
		if strings.ContainsAny(s, " \t\r\n") {
			return "", errors.New("a blank within a URI")
		}
	}
	if s == "" {
		return "", mapping.Loss("nothing but blanks")
	}
	if len(s) > plan.MaxString && target == "string" {
		return "", errors.New("longer than a string of FHIR may be, 1 MB")
	}
	return s, nil
}

// printableASCII reports a text of ASCII without control characters, which most are.
func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// uid is a UID of DICOM: an OID.
var uid = mapping.Type{
	Read: func(_ *mapping.Context, s string) (string, error) {
		if s = strings.TrimSpace(s); strings.Trim(s, "0123456789.") != "" || !strings.Contains(s, ".") {
			return "", errors.New("not a UID")
		}
		return "urn:oid:" + s, nil
	},
	Write: func(_ *mapping.Context, s string) (string, error) {
		if oid, ok := strings.CutPrefix(s, "urn:oid:"); ok {
			return oid, nil
		}
		return "", errors.New("not a UID")
	},
	Normal: strings.TrimSpace,
}

// --- numbers ---

// number is a decimal number. A comma is the decimal point where it cannot stand for thousands: 1,5 but not 1,500. A number with both marks
// has one meaning in every country: 1,334.88 and 1.334,88; and one mark that stands twice is not the decimal one: 1,234,567.
var number = mapping.Type{
	Read: func(c *mapping.Context, s string) (string, error) {
		n := numeral(s)
		if n == "" || doubtful(c, c.Leaf(), s) {
			return "", errors.New("not a number")
		}
		return n, nil
	},
	Normal: numeral,
}

// numeral is the normal form of a number, empty if it is none that has one meaning.
func numeral(s string) string {
	s = strings.TrimSpace(s)
	if whole, frac, ok := strings.Cut(s, ","); ok {
		switch {
		case bothMarks(s) != "":
			s = bothMarks(s)
		case strings.Contains(frac, ",") && ungrouped(s, ",") != "": // one mark that stands twice is no decimal point
			s = ungrouped(s, ",")
		case len(frac) == 3 || strings.ContainsAny(frac, ",.") || strings.Contains(whole, "."):
			return ""
		default:
			s = whole + "." + frac
		}
	}
	n := hl7.Number(s)
	if strings.Trim(n, "-.0123456789eE+") != "" || !strings.ContainsAny(n, "0123456789") {
		return ""
	}
	return n
}

// bothMarks is a number with one mark before each three digits and the other before the decimals, as 1334.88; empty if it is none.
func bothMarks(s string) string {
	point := strings.LastIndexAny(s, ",.")
	if point < 0 {
		return ""
	}
	mark := ","
	if s[point] == ',' {
		mark = "."
	}
	whole := ungrouped(s[:point], mark)
	if whole == "" || s[point+1:] == "" || strings.Trim(s[point+1:], "0123456789") != "" {
		return ""
	}
	return whole + "." + s[point+1:]
}

// ungrouped is a whole number without the marks that stand before its last three digits and, before these, before each three or, as in India, each
// two: 1,234,567 or 12,34,567. It is empty if the number has none.
func ungrouped(s, mark string) string {
	groups := strings.Split(strings.TrimLeft(s, "+-"), mark)
	last := len(groups) - 1
	first := groups[0]
	if last == 0 || first == "" || len(first) > 3 || first[0] == '0' {
		return ""
	}
	size := len(groups[1])
	for i, g := range groups {
		if i > 0 && i < last && len(g) != size || i == last && len(g) != 3 || strings.Trim(g, "0123456789") != "" {
			return ""
		}
	}
	if size == 2 && (mark != "," || len(first) > 2) || size != 2 && size != 3 {
		return ""
	}
	return strings.ReplaceAll(s, mark, "")
}

// dollars is an amount in US dollars, for a place that says that currency: $1,334.88, -$20, USD 12. An amount of another currency is none.
var dollars = mapping.Type{
	Read: func(c *mapping.Context, s string) (string, error) {
		n := inDollars(s)
		if n == "" || doubtful(c, c.Leaf(), s) {
			return "", errors.New("not an amount in US dollars")
		}
		return n, nil
	},
	Normal: inDollars,
}

// inDollars is the normal form of an amount, empty if it is none in US dollars. Behind the sign of the currency a comma before three digits
// stands for thousands. Round brackets say that it is owed, as a minus does.
func inDollars(s string) string {
	s = strings.TrimSpace(s)
	owed := false
	if in, ok := strings.CutPrefix(s, "("); ok {
		if s, owed = strings.CutSuffix(in, ")"); !owed {
			return ""
		}
	} else if rest, ok := strings.CutPrefix(s, "-"); ok && strings.HasPrefix(strings.TrimLeft(rest, " US"), "$") {
		s, owed = rest, true
	}
	in := false
	for _, sign := range []string{"US$", "US $", "USD", "$"} {
		if rest, ok := strings.CutPrefix(s, sign); ok {
			s, in = strings.TrimSpace(rest), true
			break
		}
	}
	if rest, ok := strings.CutSuffix(s, "USD"); ok && !in {
		s, in = strings.TrimSpace(rest), true
	}
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		if owed {
			return ""
		}
		s, owed = rest, true
	}
	if whole := ungrouped(s, ","); in && whole != "" {
		s = whole
	}
	n := numeral(s)
	if owed && n != "" && strings.Trim(n, "0.") != "" {
		n = "-" + n
	}
	return n
}

// thousands is a number in which a point may stand before thousands: 11.200.
var thousands = regexp.MustCompile(`(^|\D)[1-9]\d{0,2}\.\d{3}(\D|$)`)

// doubtful reports a number that is eleven point two or eleven thousand two hundred, for its table has decimal commas elsewhere.
func doubtful(c *mapping.Context, leaf tree.Node, s string) bool {
	table, _ := columnAt(c, leaf)
	return table != nil && table.DecimalComma && thousands.MatchString(s) && bothMarks(strings.TrimSpace(s)) == ""
}

// integer is a number without decimals; 12.0 is what a spreadsheet makes of 12.
var integer = mapping.Type{
	Read: func(c *mapping.Context, s string) (string, error) {
		if n := whole(s); n != "" && !doubtful(c, c.Leaf(), s) {
			return n, nil
		}
		return "", errors.New("not a whole number")
	},
	Normal: whole,
}

func whole(s string) string {
	n, frac, _ := strings.Cut(numeral(s), ".")
	if strings.Trim(frac, "0") != "" {
		return ""
	}
	return n
}

// --- dates ---

var errDate = errors.New("not a date")

// date is a date or time as the file has it. The order of day and month is that of the column, which the codec found over the whole file; past
// says that a two-digit year is never later than the file. What is written is ISO 8601, which is also the normal form: 3/4/2026 of a column of
// month and day comes back as 2026-03-04.
func date(past bool) mapping.Type {
	return mapping.Type{
		Read: func(c *mapping.Context, s string) (string, error) {
			if isoFit(s, c.Target()) {
				return s, nil
			}
			d, err := parseDate(c, s, past)
			if err != nil {
				return "", err
			}
			return dateFor(c, d)
		},
		Form: func(c *mapping.Context, s string) string {
			d, err := parseDate(c, s, past)
			if err != nil {
				return s
			}
			return d.String()
		},
	}
}

// isoFit reports a date of FHIR's own form, which needs no more looking at than FHIR's own.
func isoFit(s, target string) bool {
	const day, second = "0000-00-00", "0000-00-00T00:00:00Z"
	like := day
	switch {
	case len(s) == len(second) && target != "date":
		like = second
	case len(s) != len(day) || target == "instant":
		return false
	}
	for i := range len(s) {
		if like[i] == '0' {
			if s[i]-'0' > 9 {
				return false
			}
		} else if s[i] != like[i] {
			return false
		}
	}
	return true
}

// parseDate reads a date as its column's dates are.
func parseDate(c *mapping.Context, s string, past bool) (d csvtab.Date, err error) {
	table, column := columnOf(c)
	if table == nil {
		return d, errDate
	}
	d, ok := table.Date(column, s, past)
	if !ok {
		if q := table.Columns[column].Dates; q != nil && q.Question != nil {
			return d, errors.New("the order of day and month is not known: say it with --dates")
		}
		return d, errDate
	}
	return d, nil
}

// dateFor is FHIR's text of a date, for the type that is wanted.
func dateFor(c *mapping.Context, d csvtab.Date) (string, error) {
	switch c.Target() {
	case "date":
		if d.HasTime() {
			return d.Calendar(), mapping.Loss("the time of day has no place in a date")
		}
	case "instant":
		if !d.HasTime() {
			return "", mapping.Loss("an instant wants a time of day")
		}
	case "time":
		if !d.HasTime() {
			return "", errDate
		}
		_, clock, _ := strings.Cut(d.String(), "T")
		return strings.TrimSuffix(clock, d.Zone), nil
	}
	if !d.HasTime() {
		return d.Calendar(), nil
	}
	var loss error
	if d.Second == "" {
		loss = mapping.Loss("FHIR wants seconds: zeros are added")
	}
	if d.Zone == "" {
		m := hl7.Moment{Date: strings.ReplaceAll(d.Calendar(), "-", ""), Clock: fmt.Sprintf("%02d%02d%s", d.Hour, d.Minute, (d.Second + "00")[:2])}
		zone, ok := hl7.InZone(c, &m)
		switch {
		case ok:
			d.Zone = zone[:3] + ":" + zone[3:]
			if loss == nil {
				loss = mapping.Loss("comes back with the offset of the zone that was given")
			}
		case c.Target() == "instant":
			return "", mapping.Loss("a time without an offset is no instant")
		default:
			return d.Calendar(), hl7.NoOffset
		}
	}
	return d.String(), loss
}

// dateIn is date(01/02/2006): dates in one form and no other, as Go's package time writes it.
func dateIn(layout string) (mapping.Type, error) {
	if layout == "" {
		return mapping.Type{}, errors.New("say in which form: date(01/02/2006)")
	}
	probe := time.Date(1987, 11, 23, 14, 35, 46, 0, time.UTC)
	if t, err := time.Parse(layout, probe.Format(layout)); err != nil || t.Year() != 1987 {
		return mapping.Type{}, errors.New("the form has no year of four digits: it is written with 2006, 01, 02, 15, 04 and 05")
	}
	timed := strings.Contains(layout, "15") || strings.Contains(layout, "03")
	zoned := strings.Contains(layout, "Z07") || strings.Contains(layout, "-07")
	return mapping.Type{
		Read: func(c *mapping.Context, s string) (string, error) {
			t, err := time.Parse(layout, strings.TrimSpace(s))
			if err != nil {
				return "", errDate
			}
			d := csvtab.Date{Year: t.Year(), Month: int(t.Month()), Day: t.Day(), Hour: -1}
			if timed {
				d.Hour, d.Minute, d.Second = t.Hour(), t.Minute(), fmt.Sprintf("%02d", t.Second())
			}
			if zoned {
				d.Zone = t.Format("Z07:00")
			}
			return dateFor(c, d)
		},
		Write: func(_ *mapping.Context, s string) (string, error) {
			for _, form := range []string{"2006-01-02", time.RFC3339Nano} {
				if t, err := time.Parse(form, s); err == nil {
					out := t.Format(layout)
					if form != "2006-01-02" && !timed {
						return out, mapping.Loss("the column has dates without a time")
					}
					return out, nil
				}
			}
			return "", errors.New("the column wants a whole date")
		},
		Normal: func(s string) string {
			t, err := time.Parse(layout, strings.TrimSpace(s))
			if err != nil {
				return s
			}
			return t.Format(layout)
		},
	}, nil
}

// --- words ---

var (
	yes = []string{"y", "yes", "true", "t", "1", "x"}
	no  = []string{"n", "no", "false", "f", "0"}
)

// words is a boolean in words; what is written is the first of each.
func words(y, n string, yes, no []string) mapping.Type {
	norm := func(s string) string {
		s = strings.ToLower(strings.TrimSpace(s))
		for _, w := range yes {
			if s == w {
				return y
			}
		}
		for _, w := range no {
			if s == w {
				return n
			}
		}
		return ""
	}
	return mapping.Type{
		Read: func(_ *mapping.Context, s string) (string, error) {
			switch norm(s) {
			case "":
				return "", errors.New("neither yes nor no")
			case y:
				return "true", nil
			}
			return "false", nil
		},
		Write: func(_ *mapping.Context, s string) (string, error) {
			if s == "true" {
				return y, nil
			}
			return n, nil
		},
		Normal: norm,
	}
}

var genders = map[string]string{"m": "male", "male": "male", "man": "male", "boy": "male", "f": "female", "female": "female", "woman": "female", "girl": "female",
	"o": "other", "other": "other", "x": "other", "nonbinary": "other", "non-binary": "other",
	"u": "unknown", "unk": "unknown", "unknown": "unknown", "unspecified": "unknown", "not specified": "unknown"}

// gender is FHIR's administrative gender, in the words and letters that offices use. It comes back as FHIR's word.
var gender = mapping.Type{
	Read: func(_ *mapping.Context, s string) (string, error) {
		if g := genders[strings.ToLower(strings.TrimSpace(s))]; g != "" {
			return g, nil
		}
		return "", errors.New("not a word for a gender")
	},
	Normal: func(s string) string { return genders[strings.ToLower(strings.TrimSpace(s))] },
}

// phone is a telephone number as it is; what a spreadsheet made of it, 5551234567.0, is one again.
var phone = mapping.Type{
	Read: func(c *mapping.Context, s string) (string, error) {
		s = phoneForm(s)
		if !strings.ContainsAny(s, "0123456789") {
			return "", errors.New("not a telephone number")
		}
		return fit(s, c.Target())
	},
	Normal: phoneForm,
}

func phoneForm(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 4 && s[:4] == "tel:" {
		s = s[4:]
	}
	if digits, ok := strings.CutSuffix(s, ".0"); ok && strings.Trim(digits, "0123456789") == "" {
		s = digits
	}
	return s
}

var email = mapping.Type{
	Read: func(c *mapping.Context, s string) (string, error) {
		s = strings.TrimSpace(s)
		if at := strings.IndexByte(s, '@'); at < 1 || at == len(s)-1 || strings.ContainsAny(s, " \t,;") {
			return "", errors.New("not an e-mail address")
		}
		return fit(s, c.Target())
	},
	Normal: strings.TrimSpace,
}
