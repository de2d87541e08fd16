package v2fhir

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	apb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/appointment_go_proto"
	hspb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/healthcare_service_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file reads and writes what of an appointment no row can say: the groups of its resources, its status, which the event and
// SCH-25 make between them, its beginning and end, which stand in one of several places, and its comment.
//
//	SIU     RESOURCES (RGS, and groups of AIS, AIG, AIL, AIP with their NTE)     SCH-25, MSH-9.2     TQ1-7, SCH-11.4, AIS-4
//	FHIR    participant, with the number of its group if there are several       status              start, end
//
// The rows keep SCH-11, SCH-25 and TQ1 as they are; status, start, end, serviceType and comment are what they come to, and are
// taken as said, going back, where the message that was written comes to the same.

// appointment is the pair for all of that, on the Appointment of the message.
var appointment = mapping.Pair{
	Read: func(c *mapping.Context, root tree.Node, dst proto.Message) bool {
		a, ok := dst.(*apb.Appointment)
		if !ok || c.Doc.Child(root, "SCH") == 0 && c.Doc.Child(root, "ARQ") == 0 && c.Doc.Child(root, "RESOURCES") == 0 && len(a.Participant) == 0 {
			return false // nothing is told of it; what is told without SCH or RGS, which must be there, is told all the same
		}
		readResources(c, root, a)
		a.Status = &apb.Appointment_StatusCode{Value: appointmentStatus(c, root)}
		a.ServiceType = servicesOf(a, func(ref *dpb.Reference) proto.Message { return c.Led(ref) })
		a.Start, a.End = appointmentTimes(c, root)
		if a.Start == nil && !slices.Contains(timeless, a.Status.Value) { // FHIR wants both (app-3)
			a.Start = unknownInstant()
		}
		if a.Start != nil && a.End == nil { // app-2
			a.End = unknownInstant()
		}
		if s := commentOf(c.Doc, root); s != "" {
			a.Comment = str(s)
		}
		return true
	},
	Write: func(c *mapping.Context, src proto.Message, root tree.Node) bool {
		a, ok := src.(*apb.Appointment)
		if !ok {
			return false
		}
		writeResources(c, root, a)
		writeAppointmentStatus(c, root, a)
		writeAppointmentTimes(c, root, a)
		writeComments(c, root, a)
		return true
	},
}

// timeless are the statuses of an appointment that may have no time.
var timeless = []cpb.AppointmentStatusCode_Value{cpb.AppointmentStatusCode_PROPOSED, cpb.AppointmentStatusCode_CANCELLED, cpb.AppointmentStatusCode_WAITLIST}

// --- The status ---

// eventStatus are the events that say by themselves what became of the appointment.
var eventStatus = map[string]cpb.AppointmentStatusCode_Value{
	"S15": cpb.AppointmentStatusCode_CANCELLED, "S17": cpb.AppointmentStatusCode_ENTERED_IN_ERROR, "S26": cpb.AppointmentStatusCode_NOSHOW,
}

// appointmentEvent is the event of the message that a record's appointment becomes.
func appointmentEvent(rec *mapping.Record) string {
	for _, r := range rec.Resources {
		if a, ok := r.Msg.(*apb.Appointment); ok {
			for event, status := range eventStatus {
				if a.GetStatus().GetValue() == status {
					return event
				}
			}
			break
		}
	}
	return "S12"
}

// appointmentStatus is what a message says of the appointment: the event that ends it, else SCH-25, else the status of its first service,
// else the event.
func appointmentStatus(c *mapping.Context, root tree.Node) cpb.AppointmentStatusCode_Value {
	d := c.Doc
	event := textAt(d, d.Child(root, "MSH"), "9.2")
	if textAt(d, d.Child(root, "MSH"), "9.1") == "SRM" { // what is asked of an appointment becomes of it when it is answered
		if event == "S01" {
			return cpb.AppointmentStatusCode_PROPOSED
		}
		return cpb.AppointmentStatusCode_PENDING
	}
	if s, ok := eventStatus[event]; ok {
		return s
	}
	if s, ok := statusWord(c, textAt(d, d.Child(root, "SCH"), "25.1")); ok {
		return s
	}
	for group := range children(d, root, "RESOURCES") {
		for service := range children(d, group, "SERVICE") {
			if s, ok := statusWord(c, textAt(d, d.Child(service, "AIS"), "10.1")); ok {
				return s
			}
		}
	}
	if event == "S16" {
		return cpb.AppointmentStatusCode_CANCELLED
	}
	return cpb.AppointmentStatusCode_BOOKED
}

// statusWord is the status that a word of SCH-25 or AIS-10 stands for, however it is written.
func statusWord(c *mapping.Context, s string) (cpb.AppointmentStatusCode_Value, bool) {
	if s = strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(s)); s == "" {
		return 0, false
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	for _, codes := range []string{"0278", "SCH_25"} {
		if code := c.Code(codes, s); code != "" {
			return cpb.AppointmentStatusCode_Value(cpb.AppointmentStatusCode_Value_value[enumName(code)]), true
		}
	}
	return 0, false
}

// fillerWord is the word of table 0278 for a status, or that of senders where the table has none.
func fillerWord(c *mapping.Context, status cpb.AppointmentStatusCode_Value) string {
	code := strings.ReplaceAll(strings.ToLower(status.String()), "_", "-")
	return cmp.Or(c.CodeBack("0278", code), c.CodeBack("SCH_25", code))
}

// enumName is the name of a code of FHIR in the hub.
func enumName(code string) string { return strings.ToUpper(strings.ReplaceAll(code, "-", "_")) }

func writeAppointmentStatus(c *mapping.Context, root tree.Node, a *apb.Appointment) {
	if a.Status == nil {
		return
	}
	sch := c.Doc.Child(root, "SCH")
	if appointmentStatus(c, root) != a.Status.Value || textAt(c.Doc, sch, "25") == "" && textAt(c.Doc, c.Doc.Child(root, "MSH"), "9.2") == "" {
		if sch == 0 {
			sch = c.Doc.Add(root, "SCH", "")
		}
		c.Doc.SetText(leafAt(c.Doc, sch, "25.1"), fillerWord(c, a.Status.Value))
	}
	if appointmentStatus(c, root) == a.Status.Value {
		c.Claim(a.Status)
	}
}

// --- Beginning and end ---

// appointmentTimes are the beginning and the end, as far as they make instants: of TQ1, else SCH-11, else the first service or
// other resource that has a time. The end may be said by a duration.
func appointmentTimes(c *mapping.Context, root tree.Node) (start, end *dpb.Instant) {
	d := c.Doc
	var minutes float64
	sch := d.Child(root, "SCH")
	minutes = minutesIn(textAt(d, sch, "9.1"), cmp.Or(textAt(d, sch, "10.1"), textAt(d, sch, "9.2")))
	if tq1 := d.Child(root, "TQ1"); tq1 != 0 {
		start, end = instantAt(c, tq1, "7"), instantAt(c, tq1, "8")
	}
	if start == nil {
		start, end = instantAt(c, sch, "11.4"), instantAt(c, sch, "11.5")
	}
	for group := range children(d, root, "RESOURCES") {
		for _, kind := range resourceKinds {
			for k := range children(d, group, kind.group) {
				if start != nil {
					break
				}
				segment := d.Child(k, kind.segment)
				if start = instantAt(c, segment, kind.start); start != nil {
					if m := minutesIn(textAt(d, segment, kind.duration), textAt(d, segment, kind.units)); m > 0 {
						minutes = m
					}
				}
			}
		}
	}
	if start != nil && end == nil && minutes > 0 {
		end = proto.Clone(start).(*dpb.Instant)
		end.ValueUs += int64(minutes * 60e6)
	}
	return start, end
}

func writeAppointmentTimes(c *mapping.Context, root tree.Node, a *apb.Appointment) {
	sch := c.Doc.Child(root, "SCH")
	if a.Start.GetValueUs() == 0 && a.End.GetValueUs() == 0 {
		return
	}
	start, end := appointmentTimes(c, root)
	if sch == 0 && (start.GetValueUs() != a.Start.GetValueUs() || end.GetValueUs() != a.End.GetValueUs()) {
		sch = c.Doc.Add(root, "SCH", "")
	}
	if start.GetValueUs() != a.Start.GetValueUs() && c.Doc.Child(root, "TQ1") == 0 && textAt(c.Doc, sch, "11") == "" {
		c.Doc.SetText(leafAt(c.Doc, sch, "11.4"), shortFraction(hl7.DTM(hl7.FHIRText(a.Start))))
	}
	start, end = appointmentTimes(c, root)
	if a.End.GetValueUs() != end.GetValueUs() && textAt(c.Doc, sch, "11.5") == "" && c.Doc.Child(root, "TQ1") == 0 {
		c.Doc.SetText(leafAt(c.Doc, sch, "11.5"), shortFraction(hl7.DTM(hl7.FHIRText(a.End))))
		start, end = appointmentTimes(c, root)
	}
	if a.Start.GetValueUs() == start.GetValueUs() && a.Start != nil {
		c.ClaimValue(a.Start)
	}
	if a.End.GetValueUs() == end.GetValueUs() && a.End != nil {
		c.ClaimValue(a.End)
	}
}

// instantAt is the time at a place of a segment, nil if it makes no instant.
func instantAt(c *mapping.Context, segment tree.Node, place string) *dpb.Instant {
	m, err := hl7.ParseMoment(textAt(c.Doc, segment, place), false)
	if err != nil || len(m.Clock) < 4 {
		return nil
	}
	if m.Zone == "" {
		zone, ok := hl7.InZone(c, &m)
		if !ok {
			return nil
		}
		m.Zone = zone
	}
	clock, _ := m.ISOClock()
	t := &dpb.Instant{}
	if !hl7.Store(t, m.ISODate()+"T"+clock+m.Zone[:3]+":"+m.Zone[3:]) {
		return nil
	}
	return t
}

// minutesIn is a duration in minutes, 0 if its unit is not known. Without a unit it is none: HL7 has no default.
func minutesIn(number, unit string) float64 {
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || x <= 0 || x > 1e6 {
		return 0
	}
	switch strings.ToLower(strings.TrimSuffix(unit, "s")) {
	case "min", "m", "minute", "mn":
		return x
	case "h", "hr", "hour":
		return 60 * x
	case "", "sec", "second": // an s alone is cut to nothing
		if unit == "" {
			return 0
		}
		return x / 60
	case "d", "day":
		return 1440 * x
	}
	return 0
}

// unknownInstant stands where FHIR wants a time and the message has none that makes an instant.
func unknownInstant() *dpb.Instant {
	return &dpb.Instant{Extension: []*dpb.Extension{
		unknownExtension(),
		{Url: &dpb.Uri{Value: plan.NoValueURL}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}},
	}}
}

// --- The resources ---

// resourceKinds are the groups below RGS: what stands in them, and where it has its time, its duration and its status.
var resourceKinds = []resourceKind{
	{"SERVICE", "AIS", "HealthcareService", "4", "7", "8.1", "10.1"},
	{"GENERAL_RESOURCE", "AIG", "Device", "8", "11", "12.1", "14.1"},
	{"LOCATION_RESOURCE", "AIL", "Location", "6", "9", "10.1", "12.1"},
	{"PERSONNEL_RESOURCE", "AIP", "Practitioner", "6", "9", "10.1", "12.1"},
}

type resourceKind struct{ group, segment, actor, start, duration, units, status string }

// Extensions of Chartpost's own on participants.
const (
	resourceGroup = cp + "RGS"    // which of several groups it belongs to
	fieldURL      = fhir.FieldURL // the segment that it came from, where no actor tells
)

func readResources(c *mapping.Context, root tree.Node, a *apb.Appointment) {
	groups := slices.Collect(children(c.Doc, root, "RESOURCES"))
	for i, group := range groups {
		x := &dpb.Extension{Url: &dpb.Uri{Value: cp + "resource-group"}}
		if rgs := c.Doc.Child(group, "RGS"); rgs != 0 && c.ReadTable("RGS", rgs, x) && len(x.Extension) > 0 {
			x.Extension = append(x.Extension, &dpb.Extension{Url: &dpb.Uri{Value: "1"}, Value: positive(i + 1)})
			a.Extension = append(a.Extension, x)
		}
		for _, kind := range resourceKinds {
			for k := range children(c.Doc, group, kind.group) {
				p := &apb.Appointment_Participant{}
				segment := c.Doc.Child(k, kind.segment)
				any := segment != 0 && c.ReadTable(kind.segment, segment, p)
				if any = c.ReadTable("RESOURCE_NTE", k, p) || any; !any {
					continue
				}
				if len(groups) > 1 {
					p.Extension = append(p.Extension, &dpb.Extension{Url: &dpb.Uri{Value: resourceGroup}, Value: positive(i + 1)})
				}
				if p.Actor == nil {
					p.Extension = append(p.Extension, &dpb.Extension{Url: &dpb.Uri{Value: fieldURL}, Value: &dpb.Extension_ValueX{
						Choice: &dpb.Extension_ValueX_Code{Code: &dpb.Code{Value: kind.segment}}}})
				}
				if p.Actor == nil && len(p.Type) == 0 { // FHIR wants one of them (app-1)
					p.Type = []*dpb.CodeableConcept{{Text: str(placeholder(kind))}}
				}
				p.Status = &apb.Appointment_Participant_StatusCode{Value: participantStatus(c, textAt(c.Doc, segment, kind.status))}
				endOf(p, minutesIn(textAt(c.Doc, segment, kind.duration), textAt(c.Doc, segment, kind.units)))
				a.Participant = append(a.Participant, p)
			}
		}
	}
	for _, p := range a.Participant {
		if p.Status == nil { // of whom the message says no more than that he takes part
			p.Status = &apb.Appointment_Participant_StatusCode{Value: cpb.ParticipationStatusCode_ACCEPTED}
		}
	}
}

// placeholder is the type of a participant of whom a segment says neither who nor what it is.
func placeholder(kind resourceKind) string {
	return strings.ToLower(strings.TrimSuffix(kind.group, "_RESOURCE"))
}

// participantStatus is the status of a participant by that of his resource: what was booked has accepted.
func participantStatus(c *mapping.Context, word string) cpb.ParticipationStatusCode_Value {
	switch s, _ := statusWord(c, word); s {
	case cpb.AppointmentStatusCode_CANCELLED, cpb.AppointmentStatusCode_ENTERED_IN_ERROR, cpb.AppointmentStatusCode_NOSHOW:
		return cpb.ParticipationStatusCode_DECLINED
	case cpb.AppointmentStatusCode_PENDING, cpb.AppointmentStatusCode_PROPOSED:
		return cpb.ParticipationStatusCode_TENTATIVE
	case cpb.AppointmentStatusCode_WAITLIST:
		return cpb.ParticipationStatusCode_NEEDS_ACTION
	}
	return cpb.ParticipationStatusCode_ACCEPTED
}

var participationWord = map[cpb.ParticipationStatusCode_Value]string{cpb.ParticipationStatusCode_ACCEPTED: "Booked",
	cpb.ParticipationStatusCode_DECLINED: "Cancelled", cpb.ParticipationStatusCode_TENTATIVE: "Pending", cpb.ParticipationStatusCode_NEEDS_ACTION: "Waitlist"}

// endOf says when a participation ends that has a beginning with a time of day and a duration.
func endOf(p *apb.Appointment_Participant, minutes float64) {
	start := p.GetPeriod().GetStart()
	if minutes <= 0 || start.GetPrecision() < dpb.DateTime_SECOND || start.GetValueUs() == 0 {
		return
	}
	p.Period.End = proto.Clone(start).(*dpb.DateTime)
	p.Period.End.ValueUs += int64(minutes * 60e6)
}

// servicesOf are the services of an appointment, each once: what the guide has AIS-3 for.
func servicesOf(a *apb.Appointment, led func(*dpb.Reference) proto.Message) (list []*dpb.CodeableConcept) {
	for _, p := range a.Participant {
		if p.Actor == nil {
			continue
		}
		if service, ok := led(p.Actor).(*hspb.HealthcareService); ok {
			for _, t := range service.Type {
				if !slices.ContainsFunc(list, func(o *dpb.CodeableConcept) bool { return proto.Equal(o, t) }) {
					list = append(list, proto.Clone(t).(*dpb.CodeableConcept))
				}
			}
		}
	}
	return list
}

func writeResources(c *mapping.Context, root tree.Node, a *apb.Appointment) {
	var groups []tree.Node
	groupAt := func(i int) tree.Node {
		for len(groups) < min(max(i, 1), 999) {
			g := c.Doc.Add(root, "RESOURCES", "")
			c.Doc.SetText(leafAt(c.Doc, c.Doc.Add(g, "RGS", ""), "1"), strconv.Itoa(len(groups)+1))
			groups = append(groups, g)
		}
		return groups[max(i, 1)-1]
	}
	for _, x := range a.Extension {
		if x.GetUrl().GetValue() != cp+"resource-group" {
			continue
		}
		n, own := 1, x.Extension
		for _, y := range own {
			if y.GetUrl().GetValue() == "1" {
				n = int(y.GetValue().GetPositiveInt().GetValue())
				c.Claim(y)
			}
		}
		c.WriteTable("RGS", x, c.Doc.Child(groupAt(n), "RGS"))
	}
	for _, p := range a.Participant {
		kind, ok := kindOf(c, p)
		if !ok {
			if p.Actor != nil && p.Status.GetValue() == cpb.ParticipationStatusCode_ACCEPTED {
				c.Claim(p.Status) // the patient, a contact person: who is named takes part
			} else if p.Status != nil {
				c.Decline(p.Status, "a message does not say of the patient and of contact persons whether they have accepted")
			}
			continue
		}
		g := 1
		var marks []proto.Message
		for _, x := range p.Extension {
			switch x.GetUrl().GetValue() {
			case resourceGroup:
				g = int(x.GetValue().GetPositiveInt().GetValue())
				marks = append(marks, x)
			case fieldURL:
				marks = append(marks, x)
			}
		}
		writeResource(c, groupAt(g), p, kind, marks)
	}
	for _, s := range a.ServiceType {
		said := slices.ContainsFunc(servicesOf(a, func(ref *dpb.Reference) proto.Message {
			if r := c.Follow(ref); r != nil {
				return r.Msg
			}
			return nil
		}), func(o *dpb.CodeableConcept) bool { return proto.Equal(o, s) })
		if !said {
			ais := c.Doc.Add(c.Doc.Add(groupAt(1), "SERVICE", ""), "AIS", "")
			if !c.WriteTable("AIS", &hspb.HealthcareService{Type: []*dpb.CodeableConcept{s}}, ais) {
				continue
			}
		}
		c.Claim(s)
	}
}

func writeResource(c *mapping.Context, group tree.Node, p *apb.Appointment_Participant, kind resourceKind, marks []proto.Message) {
	k := c.Doc.Add(group, kind.group, "")
	segment := c.Doc.Add(k, kind.segment, "")
	if types := p.Type; p.Actor == nil && len(types) == 1 && proto.Equal(types[0], &dpb.CodeableConcept{Text: str(placeholder(kind))}) {
		c.Claim(types[0])
		p.Type = nil
		defer func() { p.Type = types }()
	}
	any := c.WriteTable(kind.segment, p, segment)
	if any = c.WriteTable("RESOURCE_NTE", p, k) || any; !any {
		return
	}
	claim(c, marks...)
	if p.Status != nil {
		if participantStatus(c, textAt(c.Doc, segment, kind.status)) != p.Status.Value && textAt(c.Doc, segment, kind.status) == "" {
			c.Doc.SetText(leafAt(c.Doc, segment, kind.status), participationWord[p.Status.Value])
		}
		if participantStatus(c, textAt(c.Doc, segment, kind.status)) == p.Status.Value {
			c.Claim(p.Status)
		} else {
			c.Decline(p.Status, "the status of the resource says something else")
		}
	}
	if end := p.GetPeriod().GetEnd(); end.GetValueUs() != 0 && p.Period.Start.GetValueUs() != 0 {
		if minutes := (end.ValueUs - p.Period.Start.ValueUs) / 60e6; minutes > 0 && textAt(c.Doc, segment, kind.duration) == "" {
			c.Doc.SetText(leafAt(c.Doc, segment, kind.duration), strconv.FormatInt(minutes, 10))
			c.Doc.SetText(leafAt(c.Doc, segment, kind.units), "min")
		}
		minutes := minutesIn(textAt(c.Doc, segment, kind.duration), textAt(c.Doc, segment, kind.units))
		if p.Period.Start.ValueUs+int64(minutes*60e6) == end.ValueUs {
			c.Claim(end)
		}
	}
}

// kindOf is the segment of a participant, by who it is, or by what it says of itself where that is nobody. The patient and the
// contact persons of SCH have none.
func kindOf(c *mapping.Context, p *apb.Appointment_Participant) (resourceKind, bool) {
	name := ""
	if p.Actor != nil {
		if r := c.Follow(p.Actor); r != nil {
			name = r.Type()
		}
	}
	if name == "PractitionerRole" {
		name = "Practitioner"
	}
	for _, t := range p.Type {
		if s := t.GetText().GetValue(); name == "Practitioner" && (s == "placer contact" || s == "filler contact") {
			return resourceKind{}, false
		}
		for _, x := range t.GetCoding() {
			if x.GetSystem().GetValue() == "http://terminology.hl7.org/CodeSystem/provenance-participant-type" && x.GetCode().GetValue() == "enterer" {
				return resourceKind{}, false
			}
		}
	}
	for _, x := range p.Extension {
		if x.GetUrl().GetValue() == fieldURL && p.Actor == nil {
			segment := x.GetValue().GetCode().GetValue()
			i := slices.IndexFunc(resourceKinds, func(k resourceKind) bool { return k.segment == segment })
			if i >= 0 {
				return resourceKinds[i], true
			}
		}
	}
	i := slices.IndexFunc(resourceKinds, func(k resourceKind) bool { return k.actor == name })
	if i < 0 {
		return resourceKind{}, false
	}
	return resourceKinds[i], true
}

// --- The comment ---

// commentOf is what the notes of the appointment and of its services say, one below the other (NTE[Appointment-Comment]).
func commentOf(d *tree.Doc, root tree.Node) string {
	var lines []string
	add := func(n tree.Node) {
		for nte := range children(d, n, "NTE") {
			if s := strings.TrimSpace(textAt(d, nte, "3")); s != "" {
				lines = append(lines, strings.ReplaceAll(s, `\.br\`, "\n"))
			}
		}
	}
	add(root)
	for group := range children(d, root, "RESOURCES") {
		for service := range children(d, group, "SERVICE") {
			add(service)
		}
	}
	return strings.Join(lines, "\n")
}

// writeComments claims the comment that the notes say, and makes notes of what no note said.
func writeComments(c *mapping.Context, root tree.Node, a *apb.Appointment) {
	said := a.Comment.GetValue() == commentOf(c.Doc, root)
	note := func(s *dpb.String, kind string) {
		if s.GetValue() == "" {
			return
		}
		nte := c.Doc.Add(root, "NTE", "")
		if !c.WriteTable("NTE", &dpb.Annotation{Text: &dpb.Markdown{Value: s.Value}}, nte) {
			return
		}
		if kind != "" {
			c.Doc.SetText(leafAt(c.Doc, nte, "4.1"), kind)
		}
		c.ClaimValue(s)
	}
	if a.Description != nil || a.PatientInstruction != nil {
		defer c.Fold("all notes of an appointment come back as its comment")()
	}
	if a.Comment != nil && said {
		c.ClaimValue(a.Comment)
	} else {
		note(a.Comment, "")
	}
	note(a.Description, "GR") // general reason, of table 0364
	note(a.PatientInstruction, "PI")
}

// --- Small things ---

// children are the nodes of a name below n.
func children(d *tree.Doc, n tree.Node, name string) iter.Seq[tree.Node] {
	return func(yield func(tree.Node) bool) {
		for k := d.First(n); k != 0; k = d.Next(k) {
			if d.Name(k) == name && !yield(k) {
				return
			}
		}
	}
}

// textAt is the text at a place of a segment, empty if there is none; nothing is made.
func textAt(d *tree.Doc, segment tree.Node, place string) string {
	if segment == 0 {
		return ""
	}
	p, err := hl7v2.Format.ParsePath(place)
	if err != nil {
		panic("v2fhir: " + err.Error()) // a literal of this package
	}
	k := d.At(segment, p)
	if k == 0 {
		return ""
	}
	if s := d.LeafText(k); s != d.Null {
		return s
	}
	return ""
}

func positive(n int) *dpb.Extension_ValueX {
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_PositiveInt{PositiveInt: &dpb.PositiveInt{Value: uint32(n)}}}
}
