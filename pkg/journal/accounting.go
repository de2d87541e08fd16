package journal

import (
	"encoding/csv"
	"io"
	"strings"
	"time"
)

// Disclosure is one line of an accounting of disclosures, with what 45 CFR 164.528(b)(2) asks for: the date, who received it and their
// address, what it was, and why.
type Disclosure struct {
	Date      time.Time `json:"date"`
	Name      string    `json:"recipient"`
	Address   string    `json:"address"` // empty if it is not known
	What      string    `json:"what"`
	Purpose   string    `json:"purpose"`
	Basis     string    `json:"basis,omitempty"`
	Emergency string    `json:"emergency,omitempty"`
	Part2     bool      `json:"part2,omitempty"`
	Required  bool      `json:"required"` // whether the rule asks for it
	Package   string    `json:"package"`
	Patients  []Patient `json:"patients"` // those that were asked for
}

// Accounting lists what was disclosed about the patients that match, since a time, oldest first. nameless counts the disclosures in that
// time of which the log does not say whom they were about.
func (j *Journal) Accounting(match func(Patient) bool, since time.Time) (list []Disclosure, nameless int, err error) {
	for i := range j.entries {
		e := &j.entries[i]
		if e.Event != Sealed || e.Time.Before(since) {
			continue
		}
		b, err := j.Body(e)
		if err != nil {
			return nil, 0, err
		}
		if len(b.About) == 0 {
			nameless++
			continue
		}
		var about []Patient
		for _, p := range b.About {
			if match(p) {
				about = append(about, p)
			}
		}
		if len(about) == 0 {
			continue
		}
		for _, p := range b.Peers() {
			list = append(list, Disclosure{
				Date: e.Time, Name: p.Name, Address: joined(", ", p.Address, p.City), What: b.What, Purpose: b.Purpose, Basis: b.Basis,
				Emergency: b.Emergency, Part2: b.Part2, Required: required(b), Package: e.Package, Patients: about,
			})
		}
	}
	return list, nameless, nil
}

// required says whether an accounting has to hold a disclosure. 45 CFR 164.528(a)(1) leaves out treatment, payment and operations (i), what
// went to the individual (ii), and what was authorized (iv). 42 CFR 2.25 asks for records under Part 2 that went out with consent.
func required(b *Body) bool {
	switch {
	case b.State == PatientState: // what goes to the patient, 42 CFR 2.23
		return false
	case b.Part2:
		return true
	case b.Basis == "authorization":
		return false
	}
	switch b.Purpose {
	case "treatment", "payment", "operations", "patient-request":
		return false
	}
	return true
}

func joined(by string, parts ...string) string {
	var all []string
	for _, p := range parts {
		if p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, by)
}

var accountingHead = []string{"date", "recipient", "address", "what", "purpose", "basis", "emergency", "42 CFR part 2", "accounting required", "package"}

func (d *Disclosure) row() []string {
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	address := d.Address
	if address == "" {
		address = "not known"
	}
	return []string{d.Date.Format(time.DateOnly), d.Name, address, d.What, d.Purpose, d.Basis, d.Emergency, yes(d.Part2), yes(d.Required), d.Package}
}

// WriteCSV writes an accounting as RFC 4180, so that no cell is taken for a formula.
func WriteCSV(w io.Writer, list []Disclosure) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(accountingHead); err != nil {
		return err
	}
	for i := range list {
		row := list[i].row()
		for k := range row {
			row[k] = harmless(row[k])
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// harmless keeps spreadsheets from running a cell: what begins as a formula does gets an apostrophe before it, as OWASP advises.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
