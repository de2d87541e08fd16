package suggest

import (
	"strings"
	"unicode"

	"github.com/chartpost/chartpost/pkg/terminology"
)

// Content is a kind of text that can be told by its form.
type Content struct {
	Name string // in words, for people: dates
	One  string // a date
	Is   func(string) bool
	// Telling content is so seldom met by chance that it says by itself what a column holds.
	Telling bool
	// Loose content has other forms too: what is not of this one is no sign against a name.
	Loose bool
}

// Contents are all kinds, the most telling first.
var Contents = []*Content{
	{"e-mail addresses", "an e-mail address", isEmail, true, false},
	{"LOINC codes", "a LOINC code", isLOINC, true, false},
	{"SNOMED CT codes", "a SNOMED CT code", isSNOMED, true, false},
	{"NPI numbers", "an NPI number", func(s string) bool { return terminology.NPI(s) == "" }, true, false},
	{"social security numbers", "a social security number", isSSN, true, true},
	{"FHIR resources", "a FHIR resource", isFHIR, true, false},
	{"dates", "a date", IsDate, true, false},
	{"telephone numbers", "a telephone number", isPhone, true, false},
	{"ICD-10 codes", "an ICD-10 code", isICD10, true, false},
	{"NDC codes", "an NDC code", func(s string) bool { return strings.Contains(s, "-") && terminology.NDC(s) == "" }, true, false},
	{"administrative sexes", "an administrative sex", isSex, true, true},
	{"states", "a state", isState, true, true},
	{"ZIP codes", "a ZIP code", isZIP, true, true},
	{"CVX codes", "a CVX code", isCVX, false, false},
	{"numbers", "a number", isNumber, false, false},
	{namesOfPeople, "a person's name", isPersonName, false, true},
}

const namesOfPeople = "names of people"

// HoldsNames reports a column in nearly all of whose cells a person's whole name stands; none says that hardly any has one. Both are false of a
// column without values.
func HoldsNames(c *Column) (names, none bool) {
	if len(c.Values) == 0 {
		return false, false
	}
	x := share(c, contentNamed(namesOfPeople))
	return x >= agree, x < 1-agree
}

// OfPatients reports a column that is called Patient, and by that name may hold a name or a number.
func OfPatients(name string) bool { return ofPatients[Normal(name)] }

// isPersonName takes two words and more that begin with capitals, or that a comma separates.
func isPersonName(s string) bool {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
	for _, w := range words {
		for i, r := range w {
			if !unicode.IsLetter(r) && (i == 0 || !strings.ContainsRune(".'’-", r)) || i == 0 && unicode.IsLower(r) {
				return false
			}
		}
	}
	return len(words) >= 2 && len(words) <= 6
}

// contentNamed finds a kind by its name; nil if there is none.
func contentNamed(name string) *Content {
	for _, c := range Contents {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isEmail(s string) bool {
	at := strings.IndexByte(s, '@')
	if at < 1 || strings.ContainsAny(s, " ,;<>()\"") || strings.IndexByte(s[at+1:], '@') >= 0 {
		return false
	}
	host := s[at+1:]
	dot := strings.LastIndexByte(host, '.')
	return dot > 0 && dot < len(host)-2
}

func isLOINC(s string) bool { return strings.Contains(s, "-") && terminology.LOINC(s) == "" }

// A SNOMED CT code of six digits can be met by chance among other numbers; codes of concepts in use have eight digits as a rule,
// but as many as 18.
func isSNOMED(s string) bool { return len(s) >= 6 && terminology.SNOMED(s) == "" }

func isSSN(s string) bool {
	return len(s) == 11 && s[3] == '-' && s[6] == '-' && digits(s[:3]+s[4:6]+s[7:])
}

func isFHIR(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "{") && strings.Contains(s, `"resourceType"`)
}

// isICD10 takes codes without their point too, as many exports have them.
func isICD10(s string) bool {
	return terminology.ICD10CM(s) == "" || len(s) > 3 && terminology.ICD10CM(s[:3]+"."+s[3:]) == ""
}

// isCVX takes codes that a spreadsheet has robbed of their zero too.
func isCVX(s string) bool { return terminology.CVX(s) == "" || len(s) == 1 && digits(s) }

func isZIP(s string) bool {
	if len(s) == 10 && s[5] == '-' {
		return digits(s[:5]) && digits(s[6:])
	}
	return len(s) == 5 && digits(s)
}

func isNumber(s string) bool {
	s = strings.TrimLeft(s, "<>=~ +-")
	whole, part, _ := strings.Cut(s, ".")
	whole = strings.ReplaceAll(whole, ",", "")
	return digits(whole+part) && len(s) > 0
}

// isPhone takes what people write for a telephone number of North America, with an extension or without, and international ones.
func isPhone(s string) bool {
	low := strings.ToLower(s)
	for _, x := range []string{"ext", "x"} {
		if main, more, ok := strings.Cut(low, x); ok {
			if !digits(strings.Trim(more, ". ")) {
				return false
			}
			low = main
			break
		}
	}
	n := 0
	for _, r := range low {
		switch {
		case r >= '0' && r <= '9':
			n++
		case !strings.ContainsRune("+-(). /", r):
			return false
		}
	}
	separated := strings.ContainsAny(strings.TrimSpace(low), "+-(). ")
	// Ten digits without anything between them may be an id: an area code never begins with 0 or 1.
	if n == 10 && !separated {
		return low[0] >= '2'
	}
	return separated && n >= 7 && n <= 15 && !IsDate(s) && !isSSN(s) && !isDecimal(s)
}

func isDecimal(s string) bool {
	return strings.Count(s, ".") == 1 && digits(strings.Replace(s, ".", "", 1))
}

var sexes = map[string]bool{"m": true, "f": true, "u": true, "o": true, "x": true, "male": true, "female": true, "unknown": true, "other": true,
	"man": true, "woman": true, "unk": true, "w": true, "d": true, "h": true, "männlich": true, "weiblich": true, "divers": true, "homme": true,
	"femme": true, "masculin": true, "féminin": true, "hombre": true, "mujer": true, "masculino": true, "femenino": true}

func isSex(s string) bool { return sexes[strings.ToLower(s)] }

// states are the postal codes of the United States, its territories and military mail (USPS Publication 28, appendix B).
const states = " AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI AA AE AP "

func isState(s string) bool {
	return len(s) == 2 && strings.Contains(states, " "+strings.ToUpper(s)+" ")
}

// IsDate takes days as people write them: with two separators, with the month in letters, or eight digits; a time of day may follow.
func IsDate(s string) bool {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, "T "); i >= 8 && strings.Contains(s[i:], ":") {
		s = s[:i]
	}
	if len(s) == 8 && digits(s) {
		year, month, day := s[:4], s[4:6], s[6:]
		return plausible(year, month, day) || plausible(s[4:], s[:2], s[2:4]) || plausible(s[4:], s[2:4], s[:2])
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '/' || r == '-' || r == '.' || r == ' ' || r == ',' })
	if len(parts) != 3 {
		return false
	}
	for i, p := range parts {
		if m := monthOf(p); m != "" {
			parts[i] = m
			rest := append(append([]string{}, parts[:i]...), parts[i+1:]...)
			return plausible(rest[1], m, rest[0]) || plausible(rest[0], m, rest[1])
		}
	}
	return plausible(parts[0], parts[1], parts[2]) || plausible(parts[2], parts[0], parts[1]) || plausible(parts[2], parts[1], parts[0])
}

func plausible(year, month, day string) bool {
	num := func(s string) int {
		if !digits(s) || len(s) > 4 {
			return -1
		}
		n := 0
		for _, c := range []byte(s) {
			n = n*10 + int(c-'0')
		}
		return n
	}
	y, m, d := num(year), num(month), num(day)
	if len(year) == 4 && (y < 1850 || y > 2200) || len(year) != 4 && len(year) != 2 || len(month) > 2 || len(day) > 2 {
		return false
	}
	return m >= 1 && m <= 12 && d >= 1 && d <= 31
}

func monthOf(s string) string {
	s = strings.ToLower(s)
	if len(s) < 3 {
		return ""
	}
	for i, m := range [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"} {
		if strings.HasPrefix(m, s) || s == "sept" && i == 8 {
			return string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10))
		}
	}
	return ""
}
