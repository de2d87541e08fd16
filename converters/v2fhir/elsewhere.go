package v2fhir

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	aipb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	cmpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	conpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	drpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/diagnostic_report_go_proto"
	epb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"
	ipb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/immunization_go_proto"
	mhpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/message_header_go_proto"
	obpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	papb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	prpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/procedure_go_proto"
	vpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/valuesets_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file gives a message that is made of FHIR born elsewhere what HL7 v2 wants of every message and the record does not say. A
// record that came from a message has a MessageHeader that we made, and goes back as it came. That of another program says at most what event it
// was: nobody knows what its message had.

// whole is a record with what is asked of it once, for all messages that it becomes.
type whole struct {
	*convert.Record
	born    bool          // we have not made it of a message
	event   string        // of the message that it came from, as in ORU^R01
	control string        // MSH-10; of what no message made none, until what the message says makes it
	last    string        // the time that it says last
	dated   bool          // it says a time, or came from a message
	number  func() string // of a patient who has none: see numberOf
	result  string        // OBX-11 of results that say no status, and that no report has: R, entered and not verified
}

// day is that of a record that says no time: see convert.Options.Date.
func wholeOf(rec *convert.Record, day string) *whole {
	w := &whole{Record: rec, dated: true, born: !cameAsMessage(rec.Resources), event: eventOf(rec.Record), control: "-", result: "R",
		number: sync.OnceValue(func() string { return numberOf(rec) })}
	if w.born {
		w.last = lastTime(rec.Record)
		w.dated = w.last != "" || rec.Bundle.GetTimestamp() != nil
		w.last = cmp.Or(w.last, strings.ReplaceAll(day, "-", ""))
	} else {
		w.control = controlOf(rec)
	}
	for _, r := range rec.Resources {
		if c, ok := r.Msg.(*cmpb.Composition); ok {
			switch c.GetStatus().GetValue() {
			case cpb.CompositionStatusCode_FINAL, cpb.CompositionStatusCode_AMENDED:
				w.result = "F"
			case cpb.CompositionStatusCode_PRELIMINARY:
				w.result = "P"
			}
		}
	}
	return w
}

// hideRepeated keeps identifiers that several things of one kind bear out of the messages: senders repeat them, and who files by them (PRB-4,
// ORC-3, OBR-3) would take one thing for the other. Visits keep theirs, for what is told of one is often told in parts.
func hideRepeated(rec *mapping.Record) {
	bearers := map[string][]*dpb.Identifier{}
	for _, r := range rec.Resources {
		for _, id := range identifiersOf(r.Msg) {
			if id.GetValue().GetValue() != "" {
				name := r.Type() + "|" + id.GetSystem().GetValue() + "|" + id.GetValue().GetValue()
				bearers[name] = append(bearers[name], id)
			}
		}
	}
	for _, list := range bearers {
		for _, id := range list {
			if len(list) > 1 {
				rec.Withhold(id, "another thing of its kind has this number too, and a receiver would take one for the other")
			}
		}
	}
}

// identifiersOf are the numbers by which a receiver files a resource, none if it files it by none.
func identifiersOf(m proto.Message) []*dpb.Identifier {
	switch m := m.(type) {
	case *conpb.Condition:
		return m.Identifier
	case *ipb.Immunization:
		return m.Identifier
	case *drpb.DiagnosticReport:
		return m.Identifier
	case *prpb.Procedure:
		return m.Identifier
	case *aipb.AllergyIntolerance:
		return m.Identifier
	}
	return nil
}

// foldChanged folds what comes back of a message of a kind (MSH-9) in another form for what was filled in beside it, or is read by other rows.
func foldChanged(rec *mapping.Record, kind string) {
	for _, r := range rec.Resources {
		switch m := r.Msg.(type) {
		case *mhpb.MessageHeader:
			if said := m.GetEvent().GetCoding().GetDisplay(); said.GetValue() != kind {
				rec.Fold(said, "a message is what it is by its type and event")
			}
		case *obpb.Observation:
			if m.GetStatus().GetValue() == cpb.ObservationStatusCode_UNKNOWN {
				rec.Fold(m.Status, "OBX-11 must say a status, and says that of the report or of the document")
			}
		case *drpb.DiagnosticReport:
			if m.GetStatus().GetValue() == cpb.DiagnosticReportStatusCode_UNKNOWN {
				rec.Fold(m.Status, "OBR-25 must say a status, and says that of the results")
			}
			if p := m.GetEffective().GetPeriod(); timeOf(p.GetEnd()) == "" {
				rec.Fold(p, "OBR-7 alone comes back as a time")
			}
		case *papb.Patient:
			for _, contact := range m.Contact {
				if contact.Organization == nil && !slices.ContainsFunc(contact.Relationship, isNoPerson) {
					rec.Fold(contact, "somebody to turn to who is a person comes back as a related person")
				}
			}
		}
	}
}

// isNoPerson reports a relationship by which NK1 is read as a contact and not as a person.
func isNoPerson(cc *dpb.CodeableConcept) bool {
	return slices.ContainsFunc(cc.Coding, func(x *dpb.Coding) bool {
		return slices.Contains([]string{"EMR", "E", "F", "I", "S"}, x.GetCode().GetValue())
	})
}

// timely is a record without what no receiver takes, for nobody knows when it was: one such vaccination would have a registry refuse all that
// stand beside it.
func timely(rec *mapping.Record) *mapping.Record {
	var places []int
	all := true
	for i, r := range rec.Resources {
		switch m := r.Msg.(type) {
		case *ipb.Immunization:
			var visit *epb.Encounter
			rec.LeadsTo(r, func(to *mapping.Resource) {
				if e, ok := to.Msg.(*epb.Encounter); ok {
					visit = e
				}
			})
			if givenAt(m, visit) == "" {
				rec.Decline(i, "a vaccination must say when it was given (RXA-3), and nobody knows it of this one")
				all = false
				continue
			}
		case *prpb.Procedure:
			if m.GetStatus().GetValue() == cpb.EventStatusCode_UNKNOWN && timeOf(m.GetPerformed().GetDateTime()) == "" && timeOf(m.GetPerformed().GetPeriod().GetStart()) == "" {
				rec.Decline(i, "a procedure must say when it was (PR1-5), and nobody knows it of this one")
				all = false
				continue
			}
		}
		if !r.Inside() {
			places = append(places, i)
		}
	}
	if all {
		return rec
	}
	return rec.Excerpt(places)
}

// givenAt is RXA-3 of a vaccination: when it was given; where that is not said the day of a visit of one day at which it was; and of one that was
// not given when that was written down, as CDC's guide has it of refusals. It is empty if nobody knows.
func givenAt(im *ipb.Immunization, visit *epb.Encounter) string {
	if at := timeOf(im.GetOccurrence().GetDateTime()); at != "" {
		return at
	}
	begun, ended := timeOf(visit.GetPeriod().GetStart()), timeOf(visit.GetPeriod().GetEnd())
	switch day := min(len(begun), len("20060102")); {
	case day == len("20060102") && strings.HasPrefix(ended, begun[:day]):
		return begun[:day]
	case im.GetStatus().GetValue() == vpb.ImmunizationStatusCodesValueSet_NOT_DONE:
		return timeOf(im.GetRecorded())
	}
	return ""
}

// birthplace is PID-23, which is a text, of an address in parts.
var birthplace = mapping.Pair{
	Read: nothing,
	Write: func(c *mapping.Context, src proto.Message, pid23 tree.Node) bool {
		a, ok := src.(*dpb.Address)
		if !ok || a.Text != nil {
			return false
		}
		var parts []string
		for _, x := range append(slices.Clone(a.Line), a.City, a.District, a.State, a.PostalCode, a.Country) {
			if text := x.GetValue(); text != "" {
				parts = append(parts, text)
				c.Claim(x)
			}
		}
		c.Doc.SetText(c.Doc.Leaf(pid23), strings.Join(parts, ", "))
		return len(parts) > 0
	},
}

// given is RXA-3 of a record that no message made, where the vaccination itself does not say it.
var given = mapping.Pair{
	Read: nothing,
	Write: func(c *mapping.Context, src proto.Message, rxa tree.Node) bool {
		im, ok := src.(*ipb.Immunization)
		at := leafAt(c.Doc, rxa, "3")
		if !ok || c.Doc.LeafText(at) != "" || ofMessage(c) {
			return false
		}
		var visit *epb.Encounter
		if im.Encounter != nil {
			if r := c.Follow(im.Encounter); r != nil {
				visit, _ = r.Msg.(*epb.Encounter)
			}
		}
		c.Doc.SetText(at, givenAt(im, visit))
		c.Doc.Mark(at, tree.Declined, mapping.ConstantLeaf)
		return true
	},
}

// cameAsMessage reports a record that we made of a message: its MessageHeader has what only a message has, such as the version (MSH-12).
func cameAsMessage(list []*mapping.Resource) bool {
	return slices.ContainsFunc(list, func(r *mapping.Resource) bool {
		h, ok := r.Msg.(*mhpb.MessageHeader)
		return ok && slices.ContainsFunc(h.Extension, func(x *dpb.Extension) bool { return strings.HasPrefix(x.GetUrl().GetValue(), cp) })
	})
}

// ofMessage is cameAsMessage for pairs, which ask it for each value.
func ofMessage(c *mapping.Context) bool {
	type key struct{}
	return c.Memo(key{}, func() any { return cameAsMessage(c.Resources()) }).(bool)
}

// declineOfPerson declines the observations that no vaccination has, where no message made the record: a message of vaccinations
// has them by the person as of 2.7 alone, and there may be hundreds.
func declineOfPerson(c *mapping.Context, _ proto.Message, _ tree.Node) bool {
	if ofMessage(c) {
		return false
	}
	for _, r := range c.Resources() {
		if r.Type() == "Observation" && !c.Placed(r) {
			c.Decline(r.Msg, "a message of vaccinations has no place for observations of the person before 2.7; ORU^R01 has")
			c.Place(r)
		}
	}
	return true
}

// confirmed is AllergyIntolerance.verificationStatus of an allergy that is confirmed: AL1 tells of no other ones, and says nothing of it.
var confirmed = mapping.Pair{
	Read: nothing,
	Write: func(c *mapping.Context, src proto.Message, _ tree.Node) bool {
		a, ok := src.(*aipb.AllergyIntolerance)
		if !ok || !slices.ContainsFunc(a.GetVerificationStatus().GetCoding(), func(x *dpb.Coding) bool { return x.GetCode().GetValue() == "confirmed" }) {
			return false
		}
		defer c.Fold("an allergy that a message tells of is a confirmed one, and comes back without the word")()
		c.Claim(a.VerificationStatus)
		return true
	},
}

// iamStatus is IAM-17 of a record that no message made, by what its statuses say together. One that was refuted has no word in table 0438, and
// is not written.
var iamStatus = mapping.Pair{
	Read: nothing,
	Write: func(c *mapping.Context, src proto.Message, iam tree.Node) bool {
		a, ok := src.(*aipb.AllergyIntolerance)
		if !ok || textAt(c.Doc, iam, "17.1") != "" || ofMessage(c) {
			return false
		}
		code, word := "", ""
		switch clinical, verified := allergyStatus(a); {
		case verified == "entered-in-error":
			code, word = "E", "Erroneous"
		case verified == "unconfirmed" && clinical == "active":
			code, word = "U", "Unconfirmed"
		case verified == "refuted" || verified == "unconfirmed":
			return false
		case clinical == "inactive" || clinical == "resolved":
			code, word = "I", "Confirmed but inactive"
		}
		if code == "I" || code == "" {
			end := c.Fold("IAM-17 says it in one code, and comes back as active or inactive")
			c.Claim(a.VerificationStatus)
			if code == "I" {
				c.Claim(a.ClinicalStatus)
			}
			end()
		}
		if code == "" {
			return true
		}
		c.Doc.SetText(leafAt(c.Doc, iam, "17.1"), code)
		c.Doc.SetText(leafAt(c.Doc, iam, "17.2"), word)
		c.Doc.SetText(leafAt(c.Doc, iam, "17.3"), "HL70438")
		return true
	},
}

// allergyStatus is the codes of the statuses of an allergy, empty where there is none.
func allergyStatus(a *aipb.AllergyIntolerance) (clinical, verified string) {
	code := func(cc *dpb.CodeableConcept) string {
		for _, x := range cc.GetCoding() {
			if text := x.GetCode().GetValue(); text != "" {
				return text
			}
		}
		return ""
	}
	return code(a.GetClinicalStatus()), code(a.GetVerificationStatus())
}

// nothing is the reading of a pair that is for the way back alone.
func nothing(*mapping.Context, tree.Node, proto.Message) bool { return false }

// nothingBack is the writing of a pair that is for reading alone.
func nothingBack(*mapping.Context, proto.Message, tree.Node) bool { return false }

// complete fills in MSH-7, EVN, PID-3, PID-5, ORC-1, what GOL, IAM, IN1, OBR, OBX, PRB, ROL, RXA, RXE and TXA must have, and the codes that a
// version wants, and puts results of no report below an OBR. rec is what the message is of.
func complete(d *tree.Doc, rec *mapping.Record, structure, event, version string, whole *whole) {
	msh := d.Child(tree.Root, "MSH")
	when := leafAt(d, msh, "7")
	if d.LeafText(when) == "" {
		d.SetText(when, whole.last)
	}
	if d.Child(tree.Root, "EVN") == 0 && demands(schema.Structure(structure), "EVN") {
		evn := d.Add(tree.Root, "EVN", "")
		d.SetText(leafAt(d, evn, "1"), event)
		d.SetText(leafAt(d, evn, "2"), d.LeafText(when))
	}
	person(d, tree.Root, whole)
	belowPatient(d, rec)
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		if d.Name(k) == "PATIENT_RESULT" {
			belowAnOrder(d, k)
			withOBR(d, k)
		}
	}
	reports(d, rec, whole)
	problems(d, rec, d.LeafText(when))
	if part := schema.Structure(structure); part != nil {
		orders(d, tree.Root, part, structure == "VXU_V04")
		treatments(d, tree.Root, part)
	}
	if structure == "VXU_V04" {
		var list []tree.Node
		for k := d.First(tree.Root); k != 0; k = d.Next(k) {
			if orc := d.Child(k, "ORC"); orc != 0 && d.Child(k, "RXA") != 0 {
				list = append(list, orc)
			}
		}
		giveIDs(d, rec, list, "Immunization", "3", "2")
	}
	document := false // what follows is its text
	hl7v2.Segments(d, tree.Root, func(n tree.Node) bool {
		if d.Empty(n) {
			return true
		}
		switch d.Name(n) {
		case "ROL":
			fill(d, n, "2", "AD")
			if who := d.Child(n, "4"); who == 0 || d.Empty(who) {
				d.SetText(leafAt(d, n, "4.10"), "U")
			}
		case "GOL":
			if id := d.Child(n, "4"); id == 0 || d.Empty(id) {
				fill(d, n, "4.1", shortened(saidBelow(d, n))) // those below problems stand in the order of these, not of the record
			}
			fill(d, n, "1", "AD")
			fill(d, n, "2", d.LeafText(when))
		case "IAM":
			fill(d, n, "6", "A")
		case "PV1":
			fill(d, n, "2", "U") // unknown, of table 0004
		case "DG1":
			fill(d, n, "6", "W") // a working diagnosis is the least that table 0052 can say
		case "PRT":
			fill(d, n, "2", "AD")
		case "FT1":
			fill(d, n, "6", "CG") // what FHIR calls a charge item is a charge
		case "RXD":
			fill(d, n, "7", shortened(saidBelow(d, n)))
		case "IN1":
			fill(d, n, "3", cmp.Or(textAt(d, n, "4.10"), textAt(d, n, "4.3"), textAt(d, n, "4.1"), notStated)) // what the company calls itself is what it is known by
		case "PID":
			socialSecurity(d, n)
		case "TXA":
			fill(d, n, "2", notStated)
			fill(d, n, "17", "DO") // documented: there is a document
			for _, r := range rec.Resources {
				if r.Type() == "DocumentReference" && r.Placed() {
					fill(d, n, "12", r.ID)
				}
			}
			fill(d, n, "12", shortened(documentSaid(d, n)))
			document = true
		case "OBX":
			if document {
				fill(d, n, "11", "F") // the text that there is; the document's own status is TXA-17
			}
			fill(d, n, "11", whole.result)
		}
		codes(d, n, version)
		return true
	})
}

// withPV1 gives a message of a patient the PV1 that its structure demands, where he has no visit. It says so, and comes back as none: hideNoVisit.
func withPV1(d *tree.Doc, structure string) {
	if d.Child(tree.Root, "PID") != 0 && d.Child(tree.Root, "PV1") == 0 && demands(schema.Structure(structure), "PV1") {
		d.SetText(leafAt(d, d.Add(tree.Root, "PV1", ""), "2"), noVisit)
	}
}

// documentSaid is what tells a document that has no number from others: whose it is, what TXA says of it, and its text.
func documentSaid(d *tree.Doc, txa tree.Node) string {
	var said strings.Builder
	if pid := d.Child(d.Parent(txa), "PID"); pid != 0 {
		said.WriteString(saidBelow(d, pid))
	}
	for k := txa; k != 0 && (k == txa || d.Name(k) != "TXA"); k = d.Next(k) {
		said.WriteString(saidBelow(d, k))
	}
	return said.String()
}

// saidBelow is what stands at and below a node.
func saidBelow(d *tree.Doc, n tree.Node) string {
	var said strings.Builder
	d.LeavesBelow(n, func(k tree.Node, _ tree.State, _ string) { said.WriteString(d.Text(k) + "|") })
	return said.String()
}

// fill says something at a place of a segment where nothing is said yet.
func fill(d *tree.Doc, segment tree.Node, place, text string) {
	if leaf := leafAt(d, segment, place); d.LeafText(leaf) == "" {
		d.SetText(leaf, text)
	}
}

// socialSecurity says of the patient's numbers which is that of social security: receivers know it by its kind (PID-3.5), not by its OID.
func socialSecurity(d *tree.Doc, pid tree.Node) {
	for k := d.First(pid); k != 0; k = d.Next(k) {
		if d.Name(k) == "3" && textAt(d, k, "4.2") == socialSecurityOID {
			fill(d, k, "5", "SS")
		}
	}
}

const socialSecurityOID = "2.16.840.1.113883.4.1"

// reports gives the OBR of results what a receiver files them by: a number of the filler (OBR-3), which is that of the report in the record, or of
// what the results say; the time of the results (OBR-7, OBR-8); the status that they have together (OBR-25), and to those that have none, its own.
func reports(d *tree.Doc, rec *mapping.Record, whole *whole) {
	var list, ofReports []tree.Node
	for group := d.First(tree.Root); group != 0; group = d.Next(group) {
		for k := d.First(group); k != 0 && d.Name(group) == "PATIENT_RESULT"; k = d.Next(k) {
			if obr := d.Child(k, "OBR"); d.Name(k) == "ORDER_OBSERVATION" && obr != 0 {
				list = append(list, k)
				if textAt(d, obr, "4.2") != ofNoReport {
					ofReports = append(ofReports, obr)
				}
			}
		}
	}
	giveIDs(d, rec, ofReports, "DiagnosticReport", "3", "2")
	for _, order := range list {
		obr := d.Child(order, "OBR")
		from, to, said := "", "", []byte(nil)
		final, timed := true, true
		hl7v2.Segments(d, order, func(n tree.Node) bool {
			if d.Name(n) == "OBX" {
				if at := textAt(d, n, "14"); at != "" {
					if from == "" || at < from {
						from = at
					}
					to = max(to, at)
				} else {
					timed = false // the time of the OBR would be taken for its own
				}
				switch status := textAt(d, n, "11"); status {
				case "":
					if s := textAt(d, obr, "25"); s == "F" || s == "C" {
						fill(d, n, "11", "F")
					} else {
						fill(d, n, "11", whole.result)
						final = final && whole.result == "F"
					}
				case "P", "R", "S", "I":
					final = false
				}
			}
			d.LeavesBelow(n, func(k tree.Node, _ tree.State, _ string) { said = append(append(said, d.Text(k)...), 0) })
			return true
		})
		if textAt(d, obr, "7") == "" && timed && from != "" {
			fill(d, obr, "7", from)
			if to != from {
				fill(d, obr, "8", to)
			}
		}
		if final {
			fill(d, obr, "25", "F")
		} else {
			fill(d, obr, "25", "P")
		}
		if textAt(d, obr, "2") == "" {
			fill(d, obr, "3", shortened(string(said)))
		}
	}
}

// codes gives the codes that a segment must have a text where the record has none, and the people no name, and writes numbers (NM) without an exponent.
func codes(d *tree.Doc, n tree.Node, version string) {
	s := schema.SegmentIn(d.Name(n), version)
	if s == nil || d.Empty(n) {
		return
	}
	for i, f := range s.Fields {
		k := d.Child(n, hl7v2.Number(i+1))
		typ := f.Datatype
		if d.Name(n) == "OBX" && i+1 == 5 {
			typ = textAt(d, n, "2")
		}
		switch {
		case k == 0:
		case typ == "NM":
			withoutExponent(d, k)
		case typ == "SN":
			withoutExponent(d, d.Child(k, "2"))
			withoutExponent(d, d.Child(k, "4"))
		}
		text, at := notStated, ".2"
		switch f.Datatype {
		case "CE", "CWE", "CNE":
		case "XCN":
			text, at = "U", ".10" // somebody whose name is unspecified: table 0200
		case "XPN":
			text, at = "U", ".7"
		default:
			continue
		}
		if f.Usage == schema.Required && (k == 0 || d.Empty(k)) {
			d.SetText(leafAt(d, n, hl7v2.Number(i+1)+at), text)
		}
	}
}

// withoutExponent writes a number as NM has it.
func withoutExponent(d *tree.Doc, n tree.Node) {
	if n == 0 {
		return
	}
	if text := d.LeafText(n); strings.ContainsAny(text, "eE") {
		d.SetText(d.Leaf(n), hl7.Plain(text))
	}
}

// problems gives every PRB what is to be done with it, when that was said, and a number: AD, add, of table 0287; the time of the message; and the
// id of the condition in the record.
func problems(d *tree.Doc, rec *mapping.Record, when string) {
	var list []tree.Node
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		if prb := d.Child(k, "PRB"); d.Name(k) == "PROBLEM" && prb != 0 {
			onceBelow(d, k)
			fill(d, prb, "1", "AD")
			fill(d, prb, "2", when)
			list = append(list, prb)
		}
	}
	giveIDs(d, rec, list, "Condition", "4")
}

// giveIDs gives segments that have none the ids in the record of what they tell of: one for each, in the order of the record; and one that is made
// of what they say where nobody can tell which has which, or what they tell of has none.
func giveIDs(d *tree.Doc, rec *mapping.Record, list []tree.Node, typ string, places ...string) {
	var ids []string
	for _, r := range rec.Resources {
		if r.Type() == typ && r.Placed() {
			ids = append(ids, r.ID)
		}
	}
	for i, n := range list {
		if !slices.ContainsFunc(places, func(p string) bool { k := d.Child(n, p); return k != 0 && !d.Empty(k) }) {
			id := ""
			if len(ids) == len(list) {
				id = ids[i]
			}
			d.SetText(leafAt(d, n, places[0]+".1"), cmp.Or(id, shortened(saidBelow(d, n))))
		}
	}
}

// onceBelow leaves one of the observations below a problem that say the same, for one to which the problem leads in two ways.
func onceBelow(d *tree.Doc, problem tree.Node) {
	seen := map[string]bool{}
	for k := d.First(problem); k != 0; k = d.Next(k) {
		if d.Name(k) != "PROBLEM_OBSERVATION" {
			continue
		}
		said := ""
		d.LeavesBelow(k, func(n tree.Node, _ tree.State, _ string) { said += d.PlaceOf(n)[len("OBX"):] + "|" + d.Text(n) + "|" })
		if seen[said] {
			d.LeavesBelow(k, func(n tree.Node, _ tree.State, _ string) { d.SetText(n, "") })
		}
		seen[said] = true
	}
}

// treatments gives what was given (RXA) and what is to be given (RXE) the fields that every version wants: an end, which is the beginning
// of what takes no time; an amount, 999 where nobody knows it (RXA-6); and a route and a timing of which nothing is stated.
func treatments(d *tree.Doc, n tree.Node, part *schema.Part) {
	if rxa := d.Child(n, "RXA"); rxa != 0 {
		if end := leafAt(d, rxa, "4"); d.LeafText(end) == "" {
			d.SetText(end, textAt(d, rxa, "3"))
		}
		if amount := leafAt(d, rxa, "6"); d.LeafText(amount) == "" {
			d.SetText(amount, "999")
		}
	}
	if rxe := d.Child(n, "RXE"); rxe != 0 && part.Child("RXE") != nil {
		if p := part.Child("RXR"); p != nil && p.Min > 0 && d.Child(n, "RXR") == 0 {
			d.SetText(leafAt(d, d.Add(n, "RXR", ""), "1.2"), notStated)
		}
		if p := part.Child("TIMING_ENCODED"); p != nil && p.Min > 0 && d.Child(n, "TIMING_ENCODED") == 0 && d.Child(n, "TIMING") == 0 {
			d.SetText(leafAt(d, d.Add(d.Add(n, "TIMING_ENCODED", ""), "TQ1", ""), "1"), "1")
		}
	}
	for k := d.First(n); k != 0; k = d.Next(k) {
		if p := part.Child(d.Name(k)); p != nil && !p.IsSegment() && !d.Empty(k) {
			treatments(d, k, p)
		}
	}
}

// notStated stands, as the text of a code, where a message must have one and the record has none.
const notStated = "not stated"

// orders gives every ORC an order control, and an ORC to the groups that must have one: RE, what was observed or performed, of table 0119,
// which asks nobody for anything. Vaccinations must have one as of 2.5, so the structure of all versions does not say it.
func orders(d *tree.Doc, n tree.Node, part *schema.Part, vaccinations bool) {
	if p := part.Child("ORC"); p != nil {
		orc := d.Child(n, "ORC")
		if orc == 0 && (p.Min > 0 || vaccinations) {
			orc = d.Add(n, "ORC", "")
		}
		if orc != 0 {
			if control := leafAt(d, orc, "1"); d.LeafText(control) == "" {
				d.SetText(control, "RE")
			}
		}
	}
	for k := d.First(n); k != 0; k = d.Next(k) {
		if p := part.Child(d.Name(k)); p != nil && !p.IsSegment() && !d.Empty(k) {
			orders(d, k, p, vaccinations)
		}
	}
}

// person gives the patient of the message a number and a name where he has none: his id in the record, which is his number where it
// comes from, if there is nobody else whose it could be, or where he has no id one that is made of all that the record says; and U, unspecified,
// of table 0200.
func person(d *tree.Doc, at tree.Node, whole *whole) {
	for k := d.First(at); k != 0; k = d.Next(k) {
		switch d.Name(k) {
		case "PATIENT", "PATIENT_RESULT":
			person(d, k, whole)
		case "PID":
			var patients []*mapping.Resource
			for _, r := range whole.Resources {
				if r.Type() == "Patient" {
					patients = append(patients, r)
				}
			}
			if c := d.Child(k, "3"); (c == 0 || d.Empty(c)) && len(patients) == 1 {
				d.SetText(leafAt(d, k, "3.1"), cmp.Or(patients[0].ID, whole.number()))
			}
			if c := d.Child(k, "5"); c == 0 || d.Empty(c) {
				d.SetText(leafAt(d, k, "5.7"), "U")
			}
		}
	}
}

// numberOf is a number made of all that a record says: no other record has it, so nobody takes its patient for another one.
func numberOf(rec *convert.Record) string {
	var said []byte
	for _, r := range rec.Resources {
		if more, err := fhir.Append(said, r.Msg); err == nil { // what cannot be written says nothing
			said = more
		}
	}
	return shortened(string(said))
}

// ofNoReport is the text of OBR-4 above results that no report has.
const ofNoReport = "Observations"

// belowAnOrder moves results that stand by the patient alone, which no version before 2.6 knows and none knows without a report,
// below an OBR that says no more than that they are observations, behind the reports that there are.
func belowAnOrder(d *tree.Doc, group tree.Node) {
	patient := d.Child(group, "PATIENT")
	if patient == 0 {
		return
	}
	var results []tree.Node
	for k := d.First(patient); k != 0; k = d.Next(k) {
		if d.Name(k) == "PATIENT_OBSERVATION" {
			results = append(results, k)
		}
	}
	if len(results) == 0 {
		return
	}
	order := d.Add(group, "ORDER_OBSERVATION", "")
	d.SetText(leafAt(d, d.Add(order, "OBR", ""), "4.2"), ofNoReport)
	for _, from := range results {
		to := d.Add(order, "OBSERVATION", "")
		for k := d.First(from); k != 0; k = d.First(from) {
			d.Move(k, to)
		}
	}
}

// belowPatient puts reports that do not say whose they are below the patient of a record about one: the receiver of a message would have to guess.
func belowPatient(d *tree.Doc, rec *mapping.Record) {
	patients := 0
	for _, r := range rec.Resources {
		if r.Type() == "Patient" {
			patients++
		}
		if report, ok := r.Msg.(*drpb.DiagnosticReport); ok && report.Subject != nil || patients > 1 {
			return // it may be somebody who is not in the record
		}
	}
	var of, ofNobody []tree.Node
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		if d.Name(k) == "PATIENT_RESULT" && !d.Empty(k) {
			if p := d.Child(k, "PATIENT"); p != 0 && !d.Empty(p) {
				of = append(of, k)
			} else {
				ofNobody = append(ofNobody, k)
			}
		}
	}
	if len(of) != 1 {
		return
	}
	for _, group := range ofNobody {
		for k := d.First(group); k != 0; k = d.First(group) {
			d.Move(k, of[0])
		}
	}
}

// withOBR gives the orders of a patient that have none an OBR, which stands first in a group of results: that of a report which names no patient
// stands in a group without one, and an order that no report is of has none.
func withOBR(d *tree.Doc, group tree.Node) {
	for order := d.First(group); order != 0; order = d.Next(order) {
		if d.Name(order) != "ORDER_OBSERVATION" || d.Child(order, "OBR") != 0 || d.Empty(order) {
			continue
		}
		text := notStated
		if d.Child(order, "OBSERVATION") != 0 {
			text = ofNoReport
		}
		d.SetText(leafAt(d, d.Add(order, "OBR", ""), "4.2"), text)
	}
}

// leafAt is the leaf at a place of a segment, which is made if it is not there.
func leafAt(d *tree.Doc, segment tree.Node, place string) tree.Node {
	p, err := hl7v2.Format.ParsePath(place)
	if err != nil {
		panic("v2fhir: " + err.Error()) // a literal of this file
	}
	return d.Leaf(d.Make(segment, p, false))
}

// happened are the elements of resources that say when something happened or was written down, as the hub names them.
var happened = map[protoreflect.Name]bool{"issued": true, "effective": true, "occurrence": true, "performed": true, "recorded_date": true,
	"recorded": true, "authored_on": true, "date": true, "onset": true}

// lastTime is the time of a message about a record, without a clock, in the form of DTM: the last meta.lastUpdated, of the bundle or
// else of its resources; where none has it, the last time at which something in it happened or was written down, visits included.
// It is empty if there is none.
func lastTime(rec *mapping.Record) string {
	var l latest
	if rec.Bundle != nil {
		l.of(rec.Bundle.GetMeta().GetLastUpdated())
	}
	for _, of := range []func(protoreflect.Message){
		func(m protoreflect.Message) {
			if f := m.Descriptor().Fields().ByName("meta"); m.Has(f) {
				l.below(m.Get(f).Message())
			}
		},
		func(m protoreflect.Message) {
			m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
				if happened[f.Name()] || f.Name() == "period" && m.Descriptor().Name() == "Encounter" {
					l.value(f, v)
				}
				return true
			})
		},
	} {
		for _, r := range rec.Resources {
			if l.text == "" || l.open {
				l.open = true
				of(r.Msg.ProtoReflect())
			}
		}
		l.open = false
	}
	return l.text
}

// latest keeps the last of the times that it meets.
type latest struct {
	us   int64
	text string
	open bool // the times of one kind are still being read
}

func (l *latest) of(m proto.Message) {
	var us int64
	switch t := m.(type) {
	case *dpb.Instant:
		us = t.GetValueUs()
	case *dpb.DateTime:
		us = t.GetValueUs()
	}
	if us != 0 && (l.text == "" || us > l.us) {
		l.us, l.text = us, shortFraction(hl7.DTM(hl7.FHIRText(m)))
	}
}

func (l *latest) below(m protoreflect.Message) {
	if name := m.Descriptor().Name(); name == "Instant" || name == "DateTime" {
		l.of(m.Interface())
		return
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Name() != "extension" {
			l.value(f, v)
		}
		return true
	})
}

func (l *latest) value(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch {
	case f.Message() == nil || f.IsMap():
	case f.IsList():
		for i := range v.List().Len() {
			l.below(v.List().Get(i).Message())
		}
	default:
		l.below(v.Message())
	}
}
