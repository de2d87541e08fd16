package csvtab

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/chartpost/chartpost/pkg/diag"
)

// Names of columns, and what the words in them say. A word only ever tips a balance: it never decides what a value is.

// headerWords are words of which column names are made.
var headerWords = wordList(`account address allergy birth chart city code comment county date description diagnosis dob dose drug email end
	first gender home id last medication middle mobile mrn name no notes number patient phone provider race reaction result severity sex ssn
	start state status stop street test time type unit units vaccine value work zip`)

// What a column holds whose name has one of these words.
var (
	idWords = wordList(`accession account acct chart code fax guid id identifier ids key lot member mrn nbr ndc no npi num number phone policy
		serial ssn udi uid upc`)
	zipWords  = wordList(`postal postcode zip zip4 zipcode`)
	pastWords = wordList(`bdate birth birthdate birthday born death deathdate deceased died dob dod
		geburtsdatum geburtstag sterbedatum todesdatum naissance décès nacimiento defunción`)  // what cannot be in the future
	futureWords = wordList(`appointment appt due end exp expiration expires expiry next scheduled stop through thru to until valid`)
	dayWords    = wordList(`administered admission admit admitted collected created date day discharge discharged dt encounter entered given
		on onset ordered performed recorded resulted seen service start started updated visit when datum fecha`)
	amountWords = wordList(`amount balance charge cost count price qty quantity result total value`)
)

func wordList(s string) map[string]bool {
	list := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		list[w] = true
	}
	return list
}

// hints is what a column's name says.
func (c *column) hints(name string) {
	words := strings.FieldsFunc(strings.ToLower(splitCase(name)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	has := func(list map[string]bool) bool {
		return slices.ContainsFunc(words, func(w string) bool { return list[w] })
	}
	joined := strings.Join(words, "")
	ends := func(list ...string) bool {
		return slices.ContainsFunc(list, func(w string) bool { return strings.HasSuffix(joined, w) })
	}
	c.id = has(idWords) || ends("id", "code")
	c.zip = has(zipWords)
	c.past = has(pastWords) || strings.Contains(joined, "birth") || ends("dob")
	c.future = c.past || has(futureWords)
	c.day = c.past || has(dayWords) || ends("date", "datum", "dt", "dttm")
	c.amount = has(amountWords)
}

// splitCase puts a blank where a capital follows a small letter: birthDate.
func splitCase(s string) string {
	var b strings.Builder
	lower := false
	for _, r := range s {
		if lower && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		b.WriteRune(r)
	}
	return b.String()
}

// name names the columns from the rows of the header, or without one by their positions.
func (t *Table) name(header []string, width int, spans []Span) {
	seen := map[string]bool{}
	var same, blank []string
	for i := range width {
		written := ""
		if i < len(header) {
			written = header[i]
		}
		if spans != nil && t.Dialect.Header == 0 {
			written = spans[i].Name
		}
		clean := strings.Join(strings.FieldsFunc(written, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == 0xfeff }), " ")
		if in := clean; in != "" {
			if un, ok := unwrap(in); ok {
				clean = trim(un)
			}
		}
		name := clean
		if name == "" {
			name = "column_" + strconv.Itoa(i+1)
		}
		for n := 2; seen[name]; n++ {
			name = cmp.Or(clean, "column") + "_" + strconv.Itoa(n)
		}
		seen[name] = true
		t.Columns = append(t.Columns, Column{Name: name, Written: written})
		if clean == "" {
			blank = append(blank, name)
		} else if name != clean {
			same = append(same, name)
		}
	}
	t.same, t.blank = same, blank
}

func (t *Table) nameFindings() {
	if t.Dialect.Header == 0 {
		return
	}
	at := t.Place(&Row{Number: t.Dialect.Header, Line: t.headerLine}, -1)
	if len(t.same) > 0 {
		t.Findings = append(t.Findings, diag.New(SameName, at, "columns of one name: the later are called %s", strings.Join(t.same, ", ")))
	}
	var blank []string
	for _, b := range t.blank {
		if i := t.Column(b); i >= 0 && t.Columns[i].Filled > 0 {
			blank = append(blank, b)
		}
	}
	if len(blank) > 0 {
		t.Findings = append(t.Findings, diag.New(NoName, at, "%s without a name, called %s", count(len(blank), "column"), strings.Join(blank, ", ")))
	}
}
