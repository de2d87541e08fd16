package v2fhir

import (
	"errors"
	"reflect"
	"strings"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Times of HL7 v2 (chapter 2A: DT, DTM and its older name TS, TM) and of FHIR have different gaps: FHIR has no hour without
// minutes and seconds, and no time of day without an offset; HL7 v2 has both. A time without an offset never gets one by
// guess: with Context.Zone it has that zone's, else the date is kept, and of an instant nothing.
var dtm = mapping.Type{Read: readDTM, Write: writeDTM, Normal: normalDTM}

// moment is the parts of YYYY[MM[DD[HH[MM[SS[.S...]]]]]][+/-ZZZZ].
type moment struct {
	date, clock string // digits: YYYY[MM[DD]], HH[MM[SS]]
	frac        string // digits after the point
	zone        string // +HHMM
}

const noOffset = mapping.Loss("a time of day without an offset: FHIR keeps the date")

var errTime = errors.New("not a date or time of HL7 v2")

// parseMoment reads a date and time; with clock only the time of day, TM.
func parseMoment(s string, clock bool) (m moment, err error) {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, "+-"); i >= 0 {
		m.zone, s = s[i:], s[:i]
		z := strings.Replace(m.zone[1:], ":", "", 1)
		if len(z) == 2 {
			z += "00"
		}
		if len(z) != 4 || !digits(z) || z[:2] > "14" || z[2:] > "59" {
			return m, errTime
		}
		m.zone = m.zone[:1] + z
		if z == "0000" {
			m.zone = "+0000"
		}
		s = strings.TrimSpace(s)
	}
	s, m.frac, _ = strings.Cut(s, ".")
	if !digits(s) || m.frac != "" && !digits(m.frac) || len(s)%2 != 0 {
		return m, errTime
	}
	if clock {
		m.clock = s
	} else {
		m.date, m.clock = s[:min(len(s), 8)], s[min(len(s), 8):]
		if len(m.date) < 4 || m.clock != "" && len(m.date) < 8 || m.date[:4] == "0000" {
			return m, errTime
		}
		if len(m.date) > 4 {
			if _, err := time.Parse("20060102", (m.date + "01")[:8]); err != nil {
				return m, errTime
			}
		}
	}
	if len(m.clock) > 6 || m.frac != "" && len(m.clock) < 6 || clock && m.clock == "" {
		return m, errTime
	}
	for i, top := range []string{"23", "59", "59"} {
		if len(m.clock) >= 2*i+2 && m.clock[2*i:2*i+2] > top {
			return m, errTime
		}
	}
	return m, nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isoDate is FHIR's date.
func (m *moment) isoDate() string {
	s := m.date[:4]
	for i := 4; i < len(m.date); i += 2 {
		s += "-" + m.date[i:i+2]
	}
	return s
}

// isoClock is FHIR's time of day, which always has seconds; added says that some had to be added.
func (m *moment) isoClock() (s string, added bool) {
	full := (m.clock + "0000")[:6]
	s = full[:2] + ":" + full[2:4] + ":" + full[4:]
	if m.frac != "" {
		s += "." + m.frac
	}
	return s, len(m.clock) < 6
}

func readDTM(c *mapping.Context, s string) (string, error) {
	if c.Target() == "time" {
		return readClock(s)
	}
	m, err := parseMoment(s, false)
	if err != nil {
		return "", err
	}
	switch c.Target() {
	case "date":
		if m.clock != "" {
			return m.isoDate(), mapping.Loss("the time of day has no place in a date")
		}
		return m.isoDate(), nil
	case "instant":
		if len(m.clock) < 4 {
			return "", mapping.Loss("an instant wants a time of day")
		}
	}
	if m.clock == "" {
		if m.zone != "" {
			return m.isoDate(), mapping.Loss("a date has no offset in FHIR")
		}
		return m.isoDate(), nil
	}
	var loss error
	clock, added := m.isoClock()
	if added {
		loss = mapping.Loss("FHIR wants minutes and seconds: zeros are added")
	}
	if m.zone == "" {
		zone, ok := inZone(c, &m)
		switch {
		case ok:
			m.zone = zone
			if loss == nil {
				loss = mapping.Loss("comes back with the offset of the zone that was given")
			}
		case c.Target() == "instant":
			return "", mapping.Loss("a time without an offset is no instant")
		default:
			return m.isoDate(), noOffset
		}
	}
	return m.isoDate() + "T" + clock + m.zone[:3] + ":" + m.zone[3:], loss
}

func readClock(s string) (string, error) {
	m, err := parseMoment(s, true)
	if err != nil {
		return "", err
	}
	frac := m.frac
	m.frac = "" // QUIRK: the official validator takes no fraction of a second in a time
	clock, added := m.isoClock()
	switch {
	case frac != "":
		return clock, mapping.Loss("a fraction of a second is left out of a time")
	case m.zone != "":
		return clock, mapping.Loss("FHIR's time has no offset")
	case added:
		return clock, mapping.Loss("FHIR wants minutes and seconds: zeros are added")
	}
	return clock, nil
}

// inZone is the offset of a local time in the zone that was given. A time that does not exist there, or exists twice, has
// none.
func inZone(c *mapping.Context, m *moment) (offset string, ok bool) {
	if c.Zone == nil {
		return "", false
	}
	const layout = "20060102150405"
	local := m.date + (m.clock + "0000")[:6]
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

func writeDTM(c *mapping.Context, s string) (string, error) {
	date, clock, timed := strings.Cut(s, "T")
	if c.Target() == "time" {
		return strings.ReplaceAll(s, ":", ""), nil
	}
	out := strings.ReplaceAll(date, "-", "")
	if !timed {
		return out, nil
	}
	zone := ""
	if rest, ok := strings.CutSuffix(clock, "Z"); ok {
		clock, zone = rest, "+0000"
	} else if i := strings.IndexAny(clock, "+-"); i >= 0 {
		clock, zone = clock[:i], strings.Replace(clock[i:], ":", "", 1)
	}
	return out + strings.ReplaceAll(clock, ":", "") + zone, nil
}

// normalDTM is the form in which a time comes back: without blanks, with an offset of four digits.
func normalDTM(s string) string {
	m, err := parseMoment(s, false)
	if err != nil {
		if m, err = parseMoment(s, true); err != nil {
			return s
		}
	}
	out := m.date + m.clock
	if m.frac != "" {
		out += "." + m.frac
	}
	return out + m.zone
}

// LocalTime is a local time that the zone's clocks never or twice show.
const LocalTime diag.ID = "CP-V2-101"

// --- BIRTH ---

const birthTimeURL = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"

// readBirth reads a date that may have a time of day (PID-7): the date, and with an offset the extension for the time.
func readBirth(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Date)
	leaf := c.Doc.Leaf(n)
	if !ok || c.Doc.Text(leaf) == "" {
		return false
	}
	if s := c.Doc.Text(leaf); s == c.Doc.Null {
		return false
	}
	m, err := parseMoment(c.Doc.Text(leaf), false)
	if err != nil || !store(d, "date", m.isoDate()) {
		c.Doc.Mark(leaf, tree.Invalid, errTime.Error())
		return false
	}
	why := ""
	if m.clock != "" {
		clock, added := m.isoClock()
		if m.zone == "" {
			if zone, ok := inZone(c, &m); ok {
				m.zone, why = zone, "comes back with the offset of the zone that was given"
			}
		}
		dt := &dpb.DateTime{}
		if m.zone != "" && store(dt, "dateTime", m.isoDate()+"T"+clock+m.zone[:3]+":"+m.zone[3:]) {
			d.Extension = append(d.Extension, &dpb.Extension{Url: &dpb.Uri{Value: birthTimeURL},
				Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_DateTime{DateTime: dt}}})
			if added {
				why = "FHIR wants minutes and seconds: zeros are added"
			}
		} else {
			why = string(noOffset)
		}
	} else if m.zone != "" {
		why = "a date has no offset in FHIR"
	}
	carry(c, why, leaf)
	return true
}

func writeBirth(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Date)
	if !ok {
		return false
	}
	s := strings.ReplaceAll(fhirText(d, "date"), "-", "")
	for _, x := range d.Extension {
		if dt := x.GetValue().GetDateTime(); dt != nil && x.GetUrl().GetValue() == birthTimeURL {
			full, _ := writeDTM(c, fhirText(dt, "dateTime"))
			if strings.HasPrefix(full, s) {
				s = full
				c.Claim(x)
			}
		}
	}
	leaf := c.Doc.Leaf(n)
	if s == "" || c.Doc.Text(leaf) != "" && c.Doc.Text(leaf) != s {
		return false
	}
	c.Doc.SetText(leaf, s)
	c.ClaimValue(d)
	return true
}

// store puts FHIR's text into a primitive.
func store(m proto.Message, typ, s string) bool {
	t, err := plan.Named(typ)
	if err != nil {
		return false
	}
	v, err := t.Prim.Parse(s)
	if err != nil {
		return false
	}
	t.Prim.Store(reflect.ValueOf(m).Elem(), v)
	return true
}

// fhirText is FHIR's text of a primitive.
func fhirText(m proto.Message, typ string) string {
	t, err := plan.Named(typ)
	if err != nil {
		return ""
	}
	return t.Prim.Text(reflect.ValueOf(m).Elem())
}
