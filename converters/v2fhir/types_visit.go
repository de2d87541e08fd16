package v2fhir

import (
	"slices"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	epb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"
	prpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/procedure_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// endOfVisit is the structure of the message that a visit has ended (A03).
const endOfVisit = "ADT_A03"

// dischargeURL holds a discharge that does not end the visit in FHIR.
const dischargeURL = "https://chartpost.org/fhir/StructureDefinition/PV1-45"

// visitStatus is what a PV1 says of the visit: PV1-45 ends it, unless the message takes the discharge back (A13), and so does a message of the
// end of a visit (A03), which may not know when it was; else PV1-2 speaks for itself (PatientClass[EncounterStatus]). FHIR wants a status: what
// the guide does not know is unknown.
func visitStatus(c *mapping.Context, pv1 tree.Node) cpb.EncounterStatusCode_Value {
	d := c.Doc
	if c.Whole() == endOfVisit {
		return cpb.EncounterStatusCode_FINISHED
	}
	if cancelsDischarge(d) {
		return cpb.EncounterStatusCode_IN_PROGRESS
	}
	if end := d.Child(pv1, "45"); end != 0 && d.LeafText(end) != "" && d.LeafText(end) != d.Null {
		return cpb.EncounterStatusCode_FINISHED
	}
	if class := d.Child(pv1, "2"); class != 0 {
		switch d.LeafText(class) {
		case "P":
			return cpb.EncounterStatusCode_PLANNED
		case "E", "I", "O", "R", "B", "C", "N":
			return cpb.EncounterStatusCode_IN_PROGRESS
		}
	}
	return cpb.EncounterStatusCode_UNKNOWN
}

// cancelsDischarge reports the event A13 (MSH-9.2).
func cancelsDischarge(d *tree.Doc) bool {
	msh := d.Child(tree.Root, "MSH")
	if msh == 0 {
		return false
	}
	event := d.Child(msh, "9")
	if event != 0 {
		event = d.Child(event, "2")
	}
	return event != 0 && d.LeafText(event) == "A13"
}

// status is Encounter.status. Going back it is written by what the PV1 says without it, and where that is something else the
// visit is not written: a planned one would come back as one in progress.
var status = mapping.Pair{
	Read: func(c *mapping.Context, pv1 tree.Node, dst proto.Message) bool {
		if e, ok := dst.(*epb.Encounter); ok {
			e.Status = &epb.Encounter_StatusCode{Value: visitStatus(c, pv1)}
		}
		return false // a status alone is no visit
	},
	Write: func(c *mapping.Context, src proto.Message, pv1 tree.Node) bool {
		e, ok := src.(*epb.Encounter)
		if !ok || e.Status == nil {
			return false
		}
		if !ofMessage(c) {
			classOf(c.Doc, pv1, e.Status.Value)
		}
		if e.Status.Value != visitStatus(c, pv1) {
			return false
		}
		c.Claim(e.Status)
		return true
	},
}

// classOf gives a visit the class that PV1-2 must say where the record says none: P, of one that is planned, and else U, unknown.
func classOf(d *tree.Doc, pv1 tree.Node, s cpb.EncounterStatusCode_Value) {
	class := leafAt(d, pv1, "2")
	if d.LeafText(class) != "" {
		return
	}
	if s == cpb.EncounterStatusCode_PLANNED {
		d.SetText(class, "P")
		return
	}
	d.SetText(class, "U")
	d.Mark(class, tree.Declined, mapping.ConstantLeaf)
}

// performed is Procedure.status of one that was done, which the time says at which it was (PR1-5). The guide has it come back as unknown.
var performed = mapping.Pair{
	Read: nothing,
	Write: func(c *mapping.Context, src proto.Message, pr1 tree.Node) bool {
		p, ok := src.(*prpb.Procedure)
		if !ok || p.GetStatus().GetValue() != cpb.EventStatusCode_COMPLETED || textAt(c.Doc, pr1, "5") == "" {
			return false
		}
		defer c.Fold("PR1-5 says that it was done, and comes back without a status")()
		c.Claim(p.Status)
		return true
	},
}

// participation is the type of an Encounter's participant as the guide has it: a code of v3-ParticipationType and its word, as the
// text or as the display of the coding. The word says no more than the code, and need not be there on the way back.
func participation(code, word string, display bool) mapping.Pair {
	wordOf := func(t *dpb.CodeableConcept) *dpb.String {
		if !display {
			return t.GetText()
		}
		if len(t.GetCoding()) > 0 {
			return t.Coding[0].GetDisplay()
		}
		return nil
	}
	return mapping.Pair{
		Read: func(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
			if p, ok := dst.(*epb.Encounter_Participant); ok && p.Individual != nil {
				coding := &dpb.Coding{System: &dpb.Uri{Value: participationType}, Code: &dpb.Code{Value: code}}
				t := &dpb.CodeableConcept{Coding: []*dpb.Coding{coding}}
				if display {
					coding.Display = str(word)
				} else {
					t.Text = str(word)
				}
				p.Type = []*dpb.CodeableConcept{t}
			}
			return false // a part that nobody takes is none
		},
		Write: func(c *mapping.Context, src proto.Message, _ tree.Node) bool {
			if p, ok := src.(*epb.Encounter_Participant); ok && len(p.Type) > 0 {
				if w := wordOf(p.Type[0]); w.GetValue() == word {
					c.Claim(w)
				}
			}
			return false // nothing of the message comes of it
		},
	}
}

const participationType = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

// dischargeOf is the extension that holds a discharge that is none.
func dischargeOf(e *epb.Encounter) *dpb.Extension {
	for _, x := range e.Extension {
		if x.GetValue().GetDateTime() != nil && x.GetUrl().GetValue() == dischargeURL {
			return x
		}
	}
	return nil
}

// discharge is PV1-45: the end of the visit. One that is taken back, or that lies before the admission, which FHIR refuses
// (per-1), is no end in FHIR and stands in an extension, as does what is no time.
var discharge = mapping.Pair{
	Read: func(c *mapping.Context, n tree.Node, dst proto.Message) bool {
		e, ok := dst.(*epb.Encounter)
		if !ok {
			return false
		}
		p := &dpb.Period{}
		if !c.ReadTable("END_OF_PERIOD", n, p) {
			return c.ReadTable("PV1_45_TEXT", n, dst) // it ends the visit, whenever that was
		}
		if cancelsDischarge(c.Doc) || hl7.Before(p.End, e.Period.GetStart()) {
			e.Extension = append(e.Extension, &dpb.Extension{Url: &dpb.Uri{Value: dischargeURL},
				Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_DateTime{DateTime: p.End}}})
			return true
		}
		if e.Period == nil {
			e.Period = &dpb.Period{}
		}
		e.Period.End = p.End
		return true
	},
	Write: func(c *mapping.Context, src proto.Message, n tree.Node) bool {
		e, ok := src.(*epb.Encounter)
		if !ok {
			return false
		}
		if x := dischargeOf(e); x != nil {
			if !c.WriteTable("END_OF_PERIOD", &dpb.Period{End: x.GetValue().GetDateTime()}, n) {
				return false
			}
			c.Claim(x)
			return true
		}
		if c.WriteTable("PV1_45_TEXT", src, n) {
			return true
		}
		// The end of a visit that is not finished is a plan, and PV1-45 would finish it.
		return e.Period.GetEnd() != nil && e.GetStatus().GetValue() == cpb.EncounterStatusCode_FINISHED && c.WriteTable("END_OF_PERIOD", e.Period, n)
	},
}

// hideNoVisit hides a PV1 that says nothing but the class N, not applicable (table 0004), where nothing else of the message tells of a visit: senders,
// and we, write it where the structure demands a PV1 of a patient who has none, and no visit may come of it. What is returned puts it back.
func hideNoVisit(msg *hl7v2.Message) (show func()) {
	d := msg.Doc
	var hidden []tree.Node
	var look func(tree.Node)
	look = func(n tree.Node) {
		for k := d.First(n); k != 0; k = d.Next(k) {
			switch {
			case !hl7v2.IsSegment(d, k):
				if slices.Contains(holdVisits, d.Name(k)) {
					look(k)
				}
			case d.Name(k) == "PV1" && saysNoVisit(d, k) && !besideVisit(d, n):
				d.LeavesBelow(k, func(leaf tree.Node, _ tree.State, _ string) { hidden = append(hidden, leaf) })
			}
		}
	}
	if tellsOfNoVisit(msg.Type, msg.Event) {
		look(tree.Root)
	}
	putBack := d.Hide(hidden)
	return func() {
		putBack()
		for _, leaf := range hidden {
			if d.Text(leaf) == noVisit {
				d.Mark(leaf, tree.Folded, "that there is no visit, which FHIR says by having none")
			} else {
				d.Mark(leaf, tree.Declined, "set id is positional")
			}
		}
	}
}

// noVisit is the class of a patient who has no visit: not applicable, of table 0004.
const noVisit = "N"

// tellsOfNoVisit reports a message whose event does not say itself that there is a visit, as most of ADT do.
func tellsOfNoVisit(typ, event string) bool {
	return typ != "ADT" || slices.Contains(ofThePerson, event)
}

// ofThePerson are the events of ADT that tell of a person and not of a visit.
var ofThePerson = []string{"A08", "A18", "A24", "A28", "A29", "A30", "A31", "A34", "A35", "A36", "A37", "A39", "A40", "A41", "A43", "A46", "A47", "A48", "A49", "A60"}

// holdVisits are the groups in which a PV1 stands, or which hold such a group.
var holdVisits = []string{"PATIENT_RESULT", "PATIENT", "VISIT", "PATIENT_VISIT"}

// saysNoVisit reports a PV1 that holds nothing but its set id and N.
func saysNoVisit(d *tree.Doc, pv1 tree.Node) bool {
	no, more := false, false
	d.LeavesBelow(pv1, func(leaf tree.Node, _ tree.State, _ string) {
		switch {
		case leaf == d.Leaf(d.Child(pv1, "2")) && d.Text(leaf) == noVisit:
			no = true
		case leaf != d.Leaf(d.Child(pv1, "1")):
			more = true
		}
	})
	return no && !more
}

// besideVisit reports that a segment beside PV1 tells of a visit.
func besideVisit(d *tree.Doc, group tree.Node) bool {
	for k := d.First(group); k != 0; k = d.Next(k) {
		switch d.Name(k) {
		case "PV2", "DRG", "ACC", "UB1", "UB2":
			return true
		case "ROL":
			if textAt(d, k, "3.1") != "PP" { // a general practitioner is the patient's
				return true
			}
		}
	}
	return false
}
