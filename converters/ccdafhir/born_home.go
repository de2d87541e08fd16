package ccdafhir

import "github.com/chartpost/chartpost/pkg/mapping"

// This file says of what a document holds and FHIR reads as something else that it does (law 5): a document has one kind of statement where FHIR
// has several kinds of resources.

// comesBackAs says of resources of a type as what they come back, whatever they say.
var comesBackAs = map[string]string{
	"MedicationStatement": "a medication comes back as a MedicationRequest",
	"Medication":          "what a medication is comes back with each statement of it",
	"CarePlan":            "a plan comes back as what is planned",
	"Provenance":          "who wrote it and when comes back with the document and its statements",
	"Composition":         "a document has a header of its own",
}

// foldChanged folds what comes back as something else.
func (b *born) foldChanged() {
	for _, r := range b.c.Resources() {
		if r.Inside() {
			continue
		}
		e := elementOf(r.Msg)
		switch why := comesBackAs[r.Type()]; {
		case why != "":
			b.rec.Fold(r.Msg, why)
		case r.Type() == "DiagnosticReport" && b.inNotes(r):
			b.rec.Fold(r.Msg, "a report that is words alone comes back as a note (DocumentReference)")
		}
		for _, x := range e.all("presentedForm") {
			b.rec.Fold(x.msg(), "a printed report comes back as a note (DocumentReference)")
		}
		for _, x := range e.all("component") {
			b.rec.Fold(x.msg(), "a component comes back as an observation of its own")
		}
		if when := e.one("effective"); when.ok() && when.t.Name == "Period" && when.one("start").text() == when.one("end").text() {
			b.rec.Fold(when.msg(), "a span without length comes back as a point in time")
		}
		if r.Type() == "Patient" {
			for _, x := range e.all("contact") {
				b.rec.Fold(x.msg(), "somebody to turn to comes back as a related person")
			}
		}
	}
}

// inNotes reports a report that stands in the section of notes.
func (b *born) inNotes(r *mapping.Resource) bool { return b.sectionFor(r) == "notes" }
