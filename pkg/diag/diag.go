// Package diag holds the findings that every part of Chartpost reports: a stable id, a severity, a place in the source's
// own coordinates, what is wrong, why it matters and how to mend it.
//
// A finding never carries a value of the patient's in What, Why or Fix. Where a value helps, it stands in Value, which the
// writers leave out unless they are told to show values (DESIGN.md, law 9).
package diag

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Severity says what a finding means for the record. Its zero value is invalid on purpose.
type Severity uint8

const (
	Reject  Severity = iota + 1 // the receiver will reject the record, or it could not be read
	Misread                     // the record may be misread
	Info                        // for your information
)

var severityWords = [...]string{Reject: "reject", Misread: "misread", Info: "info"}

func (s Severity) String() string {
	if s < Reject || s > Info {
		return fmt.Sprintf("Severity(%d)", uint8(s))
	}
	return severityWords[s]
}

// MarshalText writes the severity as its word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, w := range severityWords {
		if w != "" && w == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("no severity is called %q", b)
}

// Place is where a finding stands. Every part may be missing.
type Place struct {
	Source string // the input's name as it was given, or its name within a folder or archive
	Record int    // the record's position in its source, from 1
	Line   int    // from 1
	Column int    // from 1, in bytes
	Path   string // in the source's own coordinates: PID-8, an XPath, a FHIRPath, "row 14, column DOB"
}

func (p Place) String() string {
	var b strings.Builder
	b.WriteString(p.Source)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
		if p.Column > 0 {
			fmt.Fprintf(&b, ":%d", p.Column)
		}
	}
	if p.Record > 1 || p.Record == 1 && p.Line == 0 && p.Path != "" {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "record %d", p.Record)
	}
	if p.Path != "" {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Path)
	}
	return b.String()
}

// Compare orders places as a reader meets them.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Source, q.Source), cmp.Compare(p.Record, q.Record), cmp.Compare(p.Line, q.Line),
		cmp.Compare(p.Column, q.Column), cmp.Compare(p.Path, q.Path))
}

// Finding is one thing that a person should know about a record. It is an error, so that codecs can return it.
type Finding struct {
	ID    ID
	Place Place
	What  string   // one sentence for this case, without the patient's values; the id's own words if empty
	Value string   // the offending text, shown only on request
	Level Severity // if it is not that of the id: of what was left out of a record that could be read otherwise
}

// New makes a finding; a format with arguments may name places, types and codes of the standard, never the patient's values.
func New(id ID, at Place, format string, args ...any) *Finding {
	f := &Finding{ID: id, Place: at}
	if format != "" {
		f.What = fmt.Sprintf(format, args...)
	}
	return f
}

// WithValue sets the offending text, which is shown only on request.
func (f *Finding) WithValue(v string) *Finding { f.Value = v; return f }

// Severity is that of the finding's id, or its own.
func (f *Finding) Severity() Severity {
	if f.Level != 0 {
		return f.Level
	}
	return f.ID.Entry().Severity
}

// Message is What, or the words of the id.
func (f *Finding) Message() string { return cmp.Or(f.What, f.ID.Entry().What) }

// Error gives the place and the message, without the value.
func (f *Finding) Error() string {
	at := f.Place.String()
	if at != "" {
		at += ": "
	}
	return fmt.Sprintf("%s%s [%s]", at, f.Message(), f.ID)
}

// Counts says how many there are of each kind, in the order of their names.
func Counts(of map[string]int) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		list = append(list, strconv.Itoa(of[name])+" "+name)
	}
	return strings.Join(list, ", ")
}
