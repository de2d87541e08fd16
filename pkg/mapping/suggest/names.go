package suggest

import (
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
	"appt": "appointment", "sev": "severity", "vax": "vaccine", "vacc": "vaccine", "yyyy": "year", "mm": "month", "dd": "day",
	"birthdate": "birth date", "dateofbirth": "birth date", "firstname": "first name", "lastname": "last name",
}

// ofPatients are words before the others that say whose list it is.
var ofPatients = map[string]bool{"patient": true, "patients": true, "pt": true, "pat": true}

// Normal is a column's name as names are compared: in small letters, without blanks and punctuation, without what stands in
// brackets behind it, and with the usual short words written in full. "Pt. First-Name*" is patientfirstname.
func Normal(name string) string { return strings.Join(split(name), "") }

// short is the name without the word that says that it is a patient's: firstname.
func short(name string) string {
	list := split(name)
	for len(list) > 1 && ofPatients[list[0]] {
		list = list[1:]
	}
	return strings.Join(list, "")
}

// split takes a name apart into words.
func split(name string) []string {
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
	return list
}

// apart is how far two normal names are apart, from 0 to 1.
func apart(a, b string) float64 {
	if a == "" || b == "" {
		return 1
	}
	return float64(mapping.Distance(a, b)) / float64(max(len(a), len(b)))
}
