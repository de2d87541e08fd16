package journal

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/chartpost/chartpost/pkg/pack"
)

// Patient is whom a disclosure is about. It stands nowhere but in the encrypted part of the log.
type Patient struct {
	Name  string `json:"name"`
	Birth string `json:"birth,omitempty"` // YYYY, YYYY-MM or YYYY-MM-DD
	MRN   string `json:"mrn,omitempty"`
}

func (p Patient) String() string {
	s := p.Name
	for _, part := range []string{p.Birth, p.MRN} {
		if part != "" {
			s += ", " + part
		}
	}
	return s
}

// ParsePatient reads "NAME, BIRTHDATE[, MRN]". The date tells where the name ends, so the name may hold commas.
func ParsePatient(text string) (Patient, error) {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	for i := 1; i < len(parts); i++ {
		if !isBirthDate(parts[i]) {
			continue
		}
		p := Patient{strings.Join(parts[:i], ", "), parts[i], strings.Join(parts[i+1:], ", ")}
		if !pack.IsLine(p.Name) || p.MRN != "" && !pack.IsLine(p.MRN) {
			break
		}
		return p, nil
	}
	return Patient{}, errors.New("whom it is about must be written as NAME, BIRTHDATE[, MRN], the date as YYYY-MM-DD")
}

func isBirthDate(s string) bool {
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Year() > 1800
		}
	}
	return false
}

// Matches reports whether what somebody asks for is this patient: an MRN in full, or words that all begin words of the name, with a birth
// date among them or without. Case does not matter, nor the order of the words.
func (p Patient) Matches(query string) bool {
	query = strings.TrimSpace(query)
	if query == "" {
		return false
	}
	if p.MRN != "" && strings.EqualFold(query, p.MRN) {
		return true
	}
	names := words(p.Name)
	for _, part := range strings.FieldsFunc(query, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		switch {
		case isBirthDate(part):
			if p.Birth != part {
				return false
			}
		case p.MRN != "" && strings.EqualFold(part, p.MRN):
		default:
			for _, w := range words(part) {
				if !beginsOne(names, w) {
					return false
				}
			}
		}
	}
	return true
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func beginsOne(names []string, w string) bool {
	for _, n := range names {
		if strings.HasPrefix(n, w) {
			return true
		}
	}
	return false
}

// People are the different patients among those of a list. Two entries are of one patient if they give one name or one record number,
// and nothing else that both say differs but the name. Of each, the fullest entry stands for it.
func People(list []Patient) []Patient {
	agree := func(a, b string) bool { return a == "" || b == "" || strings.EqualFold(a, b) }
	size := func(p Patient) int { return len(p.Birth) + len(p.MRN) }
	var people []Patient
next:
	for _, p := range list {
		for i, q := range people {
			same := strings.EqualFold(p.Name, q.Name) || p.MRN != "" && strings.EqualFold(p.MRN, q.MRN)
			if same && agree(p.Birth, q.Birth) && agree(p.MRN, q.MRN) {
				if size(p) > size(q) {
					people[i] = p
				}
				continue next
			}
		}
		people = append(people, p)
	}
	return people
}
