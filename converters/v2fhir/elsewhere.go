package v2fhir

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	aipb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file gives a message that is made of FHIR born elsewhere what HL7 v2 wants of every message and the record does not say. A
// record that came from a message has a MessageHeader, and goes back as it came.

// bornElsewhere reports a record that no message made.
func bornElsewhere(rec *mapping.Record) bool { return noMessage(rec.Resources) }

func noMessage(list []*mapping.Resource) bool {
	return !slices.ContainsFunc(list, func(r *mapping.Resource) bool { return r.Type() == "MessageHeader" })
}

// declineOfPerson declines the observations that no vaccination has, where no message made the record: a message of vaccinations
// has them by the person as of 2.7 alone, and there may be hundreds.
func declineOfPerson(c *mapping.Context, _ proto.Message, _ tree.Node) bool {
	list := c.Resources()
	if !noMessage(list) {
		return false
	}
	for _, r := range list {
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

// nothing is the reading of a pair that is for the way back alone.
func nothing(*mapping.Context, tree.Node, proto.Message) bool { return false }

// nothingBack is the writing of a pair that is for reading alone.
func nothingBack(*mapping.Context, proto.Message, tree.Node) bool { return false }

// complete fills in MSH-7, EVN, PID-3, PID-5, PV1, ORC-1, what GOL, PRB, ROL, RXA, RXE and TXA must have, and the codes that a version wants, and
// puts results of no report below an OBR. last is the time that the record said last.
func complete(d *tree.Doc, rec *mapping.Record, structure, event, version, last string) {
	msh := d.Child(tree.Root, "MSH")
	when := leafAt(d, msh, "7")
	if d.LeafText(when) == "" {
		d.SetText(when, last)
	}
	if pid := d.Child(tree.Root, "PID"); pid != 0 { // the messages of a visit: ADT_A01, MDM_T02 and their like
		required := func(segment string) bool {
			part := schema.Structure(structure)
			return part != nil && part.Child(segment) != nil && part.Child(segment).Min > 0
		}
		if d.Child(tree.Root, "EVN") == 0 && required("EVN") {
			evn := d.Add(tree.Root, "EVN", "")
			d.SetText(leafAt(d, evn, "1"), event)
			d.SetText(leafAt(d, evn, "2"), d.LeafText(when))
		}
		if d.Child(tree.Root, "PV1") == 0 && required("PV1") {
			// The class of a patient who has no visit: N, not applicable, of table 0004.
			d.SetText(leafAt(d, d.Add(tree.Root, "PV1", ""), "2"), "N")
		}
	}
	person(d, tree.Root, rec)
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		if d.Name(k) == "PATIENT_RESULT" {
			belowAnOrder(d, k)
		}
	}
	problems(d, rec, d.LeafText(when))
	if part := schema.Structure(structure); part != nil {
		orders(d, tree.Root, part, structure == "VXU_V04")
		treatments(d, tree.Root, part)
	}
	document := false // what follows is its text
	hl7v2.Segments(d, tree.Root, func(n tree.Node) bool {
		switch d.Name(n) {
		case "ROL":
			fill(d, n, "2", "AD")
			if who := d.Child(n, "4"); who == 0 || d.Empty(who) {
				d.SetText(leafAt(d, n, "4.10"), "U")
			}
		case "GOL":
			fill(d, n, "1", "AD")
			fill(d, n, "2", d.LeafText(when))
		case "TXA":
			fill(d, n, "2", notStated)
			for _, r := range rec.Resources {
				if r.Type() == "DocumentReference" && r.Placed() {
					fill(d, n, "12", r.ID)
				}
			}
			document = true
		case "OBX":
			if document {
				fill(d, n, "11", "F") // the text that there is; the document's own status is TXA-17, which nobody knows where the record does not say it
			}
		}
		codes(d, n, version)
		return true
	})
}

// fill says something at a place of a segment where nothing is said yet.
func fill(d *tree.Doc, segment tree.Node, place, text string) {
	if leaf := leafAt(d, segment, place); d.LeafText(leaf) == "" {
		d.SetText(leaf, text)
	}
}

// codes gives the codes that a segment must have a text where the record has none.
func codes(d *tree.Doc, n tree.Node, version string) {
	s := schema.SegmentIn(d.Name(n), version)
	if s == nil || d.Empty(n) {
		return
	}
	for i, f := range s.Fields {
		if f.Usage != schema.Required || f.Datatype != "CE" && f.Datatype != "CWE" && f.Datatype != "CNE" {
			continue
		}
		number := hl7v2.Number(i + 1)
		if k := d.Child(n, number); k == 0 || d.Empty(k) {
			d.SetText(leafAt(d, n, number+".2"), notStated)
		}
	}
}

// problems gives every PRB what is to be done with it, when that was said, and a number: AD, add, of table 0287; the time of the message; and the
// id of the condition in the record.
func problems(d *tree.Doc, rec *mapping.Record, when string) {
	var list []tree.Node
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		if prb := d.Child(k, "PRB"); d.Name(k) == "PROBLEM" && prb != 0 {
			list = append(list, prb)
		}
	}
	var ids []string
	for _, r := range rec.Resources {
		if r.Type() == "Condition" && r.Placed() {
			ids = append(ids, r.ID)
		}
	}
	for i, prb := range list {
		fill(d, prb, "1", "AD")
		fill(d, prb, "2", when)
		if number := d.Child(prb, "4"); (number == 0 || d.Empty(number)) && len(ids) == len(list) { // they stand in the order of the record
			d.SetText(leafAt(d, prb, "4.1"), ids[i])
		}
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
// comes from, if there is nobody else whose it could be; and U, unspecified, of table 0200.
func person(d *tree.Doc, at tree.Node, rec *mapping.Record) {
	for k := d.First(at); k != 0; k = d.Next(k) {
		switch d.Name(k) {
		case "PATIENT", "PATIENT_RESULT":
			person(d, k, rec)
		case "PID":
			var ids []string
			for _, r := range rec.Resources {
				if r.Type() == "Patient" {
					ids = append(ids, r.ID)
				}
			}
			if c := d.Child(k, "3"); (c == 0 || d.Empty(c)) && len(ids) == 1 && ids[0] != "" {
				d.SetText(leafAt(d, k, "3.1"), ids[0])
			}
			if c := d.Child(k, "5"); c == 0 || d.Empty(c) {
				d.SetText(leafAt(d, k, "5.7"), "U")
			}
		}
	}
}

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
	d.SetText(leafAt(d, d.Add(order, "OBR", ""), "4.2"), "Observations")
	for _, from := range results {
		to := d.Add(order, "OBSERVATION", "")
		for k := d.First(from); k != 0; k = d.First(from) {
			d.Move(k, to)
		}
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
		l.us, l.text = us, hl7.DTM(hl7.FHIRText(m))
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
