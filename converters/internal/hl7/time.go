// Package hl7 is what the datatypes of HL7 v2 and of CDA (HL7 v3) have in common: their dates, times and numbers, and the periods of all formats.
package hl7

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// Time is the leaf type of HL7's dates and times: DT, DTM and its older name TS, and TM of HL7 v2 (chapter 2A), TS of CDA. They
// and FHIR's have different gaps: FHIR has no hour without minutes and seconds, and no time of day without an offset; HL7
// has both. A time without an offset never gets one by guess: with Context.Zone it has that zone's, else the date is kept,
// and of an instant nothing.
var Time = mapping.Type{Read: readTime, Write: WriteTime, Normal: normalTime}

// Moment is the parts of YYYY[MM[DD[HH[MM[SS[.S...]]]]]][+/-ZZZZ].
type Moment struct {
	Date, Clock string // digits: YYYY[MM[DD]], HH[MM[SS]]
	Frac        string // digits after the point
	Zone        string // +HHMM
}

// NoOffset is why a time becomes a date.
const NoOffset = mapping.Loss("a time of day without an offset: FHIR keeps the date")

// ErrTime says that a text is no date or time.
var ErrTime = errors.New("not a date or time of HL7")

// ParseMoment reads a date and time; with clock only the time of day, TM.
func ParseMoment(s string, clock bool) (m Moment, err error) {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, "+-"); i >= 0 {
		m.Zone, s = s[i:], s[:i]
		z := strings.Replace(m.Zone[1:], ":", "", 1)
		switch len(z) {
		case 2:
			z += "00"
		case 3: // QUIRK: -500, an hour without its zero
			z = "0" + z
		}
		if len(z) != 4 || !digits(z) || z[:2] > "14" || z[2:] > "59" {
			return m, ErrTime
		}
		m.Zone = m.Zone[:1] + z
		if z == "0000" {
			m.Zone = "+0000"
		}
		s = strings.TrimSpace(s)
	}
	s, m.Frac, _ = strings.Cut(s, ".")
	// QUIRK: 20200124205607123, a fraction of a second without its point, as some senders print the time of their clock.
	if full := len("20060102150405"); !clock && m.Frac == "" && len(s) > full && len(s) <= full+4 && digits(s) {
		s, m.Frac = s[:full], s[full:]
	}
	if !digits(s) || m.Frac != "" && !digits(m.Frac) || len(s)%2 != 0 {
		return m, ErrTime
	}
	if clock {
		m.Clock = s
	} else {
		m.Date, m.Clock = s[:min(len(s), 8)], s[min(len(s), 8):]
		if len(m.Date) < 4 || m.Clock != "" && len(m.Date) < 8 || m.Date[:4] == "0000" {
			return m, ErrTime
		}
		if len(m.Date) > 4 {
			if _, err := time.Parse("20060102", (m.Date + "01")[:8]); err != nil {
				return m, ErrTime
			}
		}
	}
	if len(m.Clock) > 6 || m.Frac != "" && len(m.Clock) < 6 || clock && m.Clock == "" {
		return m, ErrTime
	}
	for i, top := range []string{"23", "59", "59"} {
		if len(m.Clock) >= 2*i+2 && m.Clock[2*i:2*i+2] > top {
			return m, ErrTime
		}
	}
	return m, nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// ISODate is FHIR's date.
func (m *Moment) ISODate() string {
	s := m.Date[:4]
	for i := 4; i < len(m.Date); i += 2 {
		s += "-" + m.Date[i:i+2]
	}
	return s
}

// ISOClock is FHIR's time of day, which always has seconds; added says that some had to be added.
func (m *Moment) ISOClock() (s string, added bool) {
	full := (m.Clock + "0000")[:6]
	s = full[:2] + ":" + full[2:4] + ":" + full[4:]
	if m.Frac != "" {
		s += "." + m.Frac
	}
	return s, len(m.Clock) < 6
}

func readTime(c *mapping.Context, s string) (string, error) {
	if c.Target() == "time" {
		return readClock(s)
	}
	m, err := ParseMoment(s, false)
	if err != nil {
		return "", err
	}
	switch c.Target() {
	case "date":
		if m.Clock != "" {
			return m.ISODate(), mapping.Loss("the time of day has no place in a date")
		}
		return m.ISODate(), nil
	case "instant":
		if len(m.Clock) < 4 {
			return "", mapping.Loss("an instant wants a time of day")
		}
	}
	if m.Clock == "" {
		if m.Zone != "" {
			return m.ISODate(), mapping.Loss("a date has no offset in FHIR")
		}
		return m.ISODate(), nil
	}
	var loss error
	clock, added := m.ISOClock()
	if added {
		loss = mapping.Loss("FHIR wants minutes and seconds: zeros are added")
	}
	if m.Zone == "" {
		zone, ok := InZone(c, &m)
		switch {
		case ok:
			m.Zone = zone
			if loss == nil {
				loss = mapping.Loss("comes back with the offset of the zone that was given")
			}
		case c.Target() == "instant":
			return "", mapping.Loss("a time without an offset is no instant")
		default:
			return m.ISODate(), NoOffset
		}
	}
	return m.ISODate() + "T" + clock + m.Zone[:3] + ":" + m.Zone[3:], loss
}

func readClock(s string) (string, error) {
	m, err := ParseMoment(s, true)
	if err != nil {
		return "", err
	}
	frac := m.Frac
	m.Frac = "" // QUIRK: the official validator takes no fraction of a second in a time
	clock, added := m.ISOClock()
	switch {
	case frac != "":
		return clock, mapping.Loss("a fraction of a second is left out of a time")
	case m.Zone != "":
		return clock, mapping.Loss("FHIR's time has no offset")
	case added:
		return clock, mapping.Loss("FHIR wants minutes and seconds: zeros are added")
	}
	return clock, nil
}

// InZone is the offset of a local time in the zone that was given. A time that does not exist there, or exists twice, has
// none.
func InZone(c *mapping.Context, m *Moment) (offset string, ok bool) {
	if c.Zone == nil {
		return "", false
	}
	const layout = "20060102150405"
	local := m.Date + (m.Clock + "0000")[:6]
	utc, err := time.Parse(layout, local)
	if err != nil {
		return "", false
	}
	var at []time.Time // the moments that this clock shows
	for _, probe := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, sec := utc.Add(probe).In(c.Zone).Zone()
		t := utc.Add(-time.Duration(sec) * time.Second).In(c.Zone)
		if t.Format(layout) == local && (len(at) == 0 || !at[0].Equal(t)) {
			at = append(at, t)
		}
	}
	if len(at) != 1 {
		which := "does not exist"
		if len(at) > 1 {
			which = "exists twice"
		}
		c.Report(LocalTime, "the local time %s in the zone %s: only its date is kept", which, c.Zone)
		return "", false
	}
	if _, sec := at[0].Zone(); sec%60 != 0 {
		return "", false // an offset with seconds, before standard time, is none of FHIR's
	}
	return at[0].Format("-0700"), true
}

// WriteTime is FHIR's date, dateTime, instant or time as HL7 writes it.
func WriteTime(c *mapping.Context, s string) (string, error) {
	if c.Target() == "time" {
		return strings.ReplaceAll(s, ":", ""), nil
	}
	return DTM(s), nil
}

// DTM writes a date or dateTime of FHIR as HL7 v2 and CDA have it.
func DTM(s string) string {
	date, clock, timed := strings.Cut(s, "T")
	out := strings.ReplaceAll(date, "-", "")
	if !timed {
		return out
	}
	zone := ""
	if rest, ok := strings.CutSuffix(clock, "Z"); ok {
		clock, zone = rest, "+0000"
	} else if i := strings.IndexAny(clock, "+-"); i >= 0 {
		clock, zone = clock[:i], strings.Replace(clock[i:], ":", "", 1)
	}
	return out + strings.ReplaceAll(clock, ":", "") + zone
}

// normalTime is the form in which a time comes back: without blanks, with an offset of four digits.
func normalTime(s string) string {
	m, err := ParseMoment(s, false)
	if err != nil {
		if m, err = ParseMoment(s, true); err != nil {
			return s
		}
	}
	out := m.Date + m.Clock
	if m.Frac != "" {
		out += "." + m.Frac
	}
	return out + m.Zone
}

// LocalTime is a local time that the zone's clocks never or twice show.
const LocalTime diag.ID = "CP-V2-101"

// Store puts FHIR's text into a primitive, and reports whether it is one of that type.
func Store(m proto.Message, s string) bool {
	t := plan.OfMessage(m)
	if t == nil || t.Prim == nil {
		return false
	}
	v, err := t.Prim.Parse(s)
	if err != nil {
		return false
	}
	t.Prim.Store(reflect.ValueOf(m).Elem(), v)
	return true
}

// FHIRText is FHIR's text of a primitive.
func FHIRText(m proto.Message) string {
	v := reflect.ValueOf(m)
	if v.IsNil() {
		return ""
	}
	t := plan.OfMessage(m)
	if t == nil || t.Prim == nil {
		return ""
	}
	return t.Prim.Text(v.Elem())
}
