package suggest

import (
	"math/bits"
	"slices"
	"strings"
	"unicode"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// MaxDistance is how far two names may be apart, in edits for each letter of the longer one, and still be near: one letter in
// seven. Below seven letters there is no near name, for sex and set are not one word misspelt.
const MaxDistance = 0.15

// words are the ways in which one word is written in the headers of tables.
var words = map[string]string{
	"dt": "date", "no": "number", "num": "number", "nbr": "number", "nr": "number", "#": "number",
	"tel": "phone", "telephone": "phone", "ph": "phone", "phn": "phone", "addr": "address", "add": "address", "postcode": "zip", "zipcode": "zip",
	"desc": "description", "descr": "description", "qty": "quantity", "dx": "diagnosis", "cd": "code", "ident": "id", "identifier": "id",
	"med": "medication", "meds": "medication", "prov": "provider", "ins": "insurance", "org": "organization", "organisation": "organization",
	"imm": "immunization", "immunisation": "immunization", "mfr": "manufacturer", "mfg": "manufacturer", "exp": "expiration", "expiry": "expiration",
	"acct": "account", "coll": "collection", "ref": "reference", "tm": "time", "nm": "name", "ind": "indicator", "flg": "flag", "typ": "type",
	"hm": "home", "wk": "work", "mob": "mobile", "phys": "physician", "rslt": "result", "strt": "street", "pref": "preferred",
	"appt": "appointment", "sev": "severity", "vax": "vaccine", "vacc": "vaccine", "yyyy": "year", "mm": "month", "dd": "day",
	"birthdate": "birth date", "dateofbirth": "birth date", "firstname": "first name", "lastname": "last name",
}

// ofPatients are words before the others that say whose list it is.
var ofPatients = map[string]bool{"patient": true, "patients": true, "pt": true, "pat": true}

// ofRows are names of numbers that, without a word for whose they are, count the rows: the ID of a list of visits is a visit's, not a patient's.
var ofRows = map[string]bool{"id": true, "number": true, "identifier": true, "key": true, "code": true}

// Normal is a column's name as names are compared: in small letters, without blanks and punctuation, without what stands in
// brackets behind it, and with the usual short words written in full. "Pt. First-Name*" is patientfirstname.
func Normal(name string) string { return strings.Join(split(name), "") }

// short is the name without the word that says that it is a patient's: firstname.
func short(name string) string { return strings.Join(bare(split(name)), "") }

// bare are the words of a name without those that say that it is a patient's.
func bare(list []string) []string {
	for len(list) > 1 && ofPatients[list[0]] {
		list = list[1:]
	}
	return list
}

// shuffled are the words of a name in the order of the alphabet, without what says how the value is written: NAME_LAST is the last name,
// BIRTH_DT_TM the birth date, SEX_CD_DISP the sex.
func shuffled(list []string) string {
	list = slices.Clone(list)
	for n := len(list); n > 1; n = len(list) {
		last, before := list[n-1], list[n-2]
		if last != "disp" && last != "display" && (last != "time" || before != "date" || n == 2) {
			break
		}
		if list = list[:n-1]; last != "time" && before == "code" && n > 2 {
			list = list[:n-2]
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// aside is what stands in brackets behind a name.
func aside(name string) string {
	i := strings.IndexAny(name, "([")
	if i <= 0 || strings.TrimSpace(name[:i]) == "" {
		return ""
	}
	in := name[i+1:]
	if j := strings.IndexAny(in, ")]"); j >= 0 {
		in = in[:j]
	}
	return strings.ToLower(strings.TrimSpace(in))
}

// units are what is said behind the name of a column of numbers.
var units = map[string]bool{"in": true, "inch": true, "inches": true, "ft": true, "cm": true, "m": true, "mm": true, "lb": true, "lbs": true, "kg": true,
	"g": true, "oz": true, "mg": true, "mcg": true, "ug": true, "ml": true, "cc": true, "dl": true, "l": true, "%": true, "bpm": true, "mmhg": true, "f": true,
	"c": true, "°f": true, "°c": true, "iu": true, "units": true, "meq": true, "mmol": true, "min": true, "mins": true, "minutes": true, "days": true}

// unitOf is the unit that a column's name says in brackets: its cells are bare numbers, and whoever takes them without it loses it.
func unitOf(name string) string {
	in := aside(name)
	if whose[in] != "" && slices.Contains(split(name), "phone") {
		return ""
	}
	over, under, ratio := strings.Cut(in, "/")
	if units[in] || ratio && units[over] && (units[under] || under == "min" || under == "h" || under == "hr" || under == "day") {
		return in
	}
	return ""
}

// whose are the letters in brackets behind a telephone number: Tel. (H).
var whose = map[string]string{"h": "home", "home": "home", "c": "cell", "cell": "cell", "m": "mobile", "mobile": "mobile", "w": "work", "work": "work", "o": "office",
	"office": "office"}

// split takes a name apart into words.
func split(name string) []string {
	in := aside(name)
	if i := strings.IndexAny(name, "(["); i > 0 && strings.TrimSpace(name[:i]) != "" {
		name = name[:i] // DOB (MM/DD/YYYY), Weight [kg]
	}
	var list []string
	var word []rune
	end := func() {
		if len(word) == 0 {
			return
		}
		w := string(word)
		if full, ok := words[w]; ok {
			list = append(list, strings.Fields(full)...)
		} else {
			list = append(list, w)
		}
		word = word[:0]
	}
	rs := []rune(name)
	for i, r := range rs {
		switch {
		case r == '#':
			end()
			word = append(word, r)
			end()
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			if r != '\'' && r != '’' { // patient's
				end()
			}
			continue
		}
		if i > 0 {
			before := rs[i-1]
			next := i+1 < len(rs) && unicode.IsLower(rs[i+1])
			switch {
			case unicode.IsUpper(r) && (unicode.IsLower(before) || unicode.IsUpper(before) && next), // firstName, DOBDate
				unicode.IsDigit(r) != unicode.IsDigit(before): // address1
				end()
			}
		}
		word = append(word, unicode.ToLower(r))
	}
	end()
	if which := whose[in]; which != "" && slices.Contains(list, "phone") {
		list = append([]string{which}, list...)
	}
	return list
}

// forms are the ways in which a name is compared.
type forms struct {
	name, normal, bare, words, bareWords string
	in, bareIn                           letters // of normal and bare
}

// letters are those of a name, each a bit.
type letters uint64

func lettersOf(s string) (l letters) {
	for i := range len(s) {
		l |= 1 << (s[i] & 63)
	}
	return l
}

func formsOf(name string) forms {
	list := split(name)
	short := bare(list)
	f := forms{name: strings.ToLower(strings.TrimSpace(name)), normal: strings.Join(list, ""), bare: strings.Join(short, ""), words: shuffled(list),
		bareWords: shuffled(short)}
	f.in, f.bareIn = lettersOf(f.normal), lettersOf(f.bare)
	return f
}

// apart is how far two normal names, with their letters, are apart, from 0 to 1. Of names that are surely not near it says no more than that: each letter
// that one has and the other has not is an edit.
func apart(a string, in letters, b string, inB letters) float64 {
	longer := max(len(a), len(b))
	most := MaxDistance * float64(longer)
	if a == "" || b == "" || longer > maxNear || float64(longer-min(len(a), len(b))) > most ||
		float64(max(bits.OnesCount64(uint64(in&^inB)), bits.OnesCount64(uint64(inB&^in)))) > most {
		return 1
	}
	return float64(mapping.Distance(a, b)) / float64(longer)
}

// maxNear is the length beyond which a name is near no other.
const maxNear = 64
