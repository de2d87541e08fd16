package ccdafhir

import (
	"slices"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/tree"
)

// hideRelatives hides the statements about a relative that FHIR would have as the patient's: an observation may have somebody else in focus, and a
// family history tells of relatives; a problem, an allergy, a procedure, a medication and a report are the patient's own. What is returned puts them
// back. Who reads the narrative still finds them.
func hideRelatives(doc *ccda.Document) (show func()) {
	d := doc.Doc
	var hidden []tree.Node
	hide := func(n tree.Node) {
		if holder := d.Parent(n); slices.Contains([]string{"entryRelationship", "component", "entry"}, d.Name(holder)) {
			n = holder
		}
		d.LeavesBelow(n, func(leaf tree.Node, _ tree.State, _ string) { hidden = append(hidden, leaf) })
	}
	var walk func(tree.Node)
	walk = func(n tree.Node) {
		if d.Child(d.Child(n, "subject"), "relatedSubject") != 0 && relative(d, n) != "" {
			switch name := d.Name(n); {
			case name == "organizer" && ofTemplate(d, n, familyOrganizer):
				return
			case name == "section":
				for k := d.First(n); k != 0; k = d.Next(k) {
					if d.Name(k) == "entry" {
						hide(k)
					}
				}
			case name != "observation":
				hide(n)
				return
			case ofTemplate(d, n, problemObservation, allergyObservation):
				if concern := d.Parent(d.Parent(n)); ofTemplate(d, concern, problemConcern, allergyConcern) {
					n = concern // which is that of its observation
				}
				hide(n)
				return
			}
		}
		for k := d.First(n); k != 0; k = d.Next(k) {
			if d.Name(k)[0] != '@' {
				walk(k)
			}
		}
	}
	walk(tree.Root)
	putBack := d.Hide(hidden)
	return func() {
		putBack()
		for _, leaf := range hidden {
			d.Mark(leaf, tree.Declined, "it tells of a relative, and FHIR would have it as the patient's own")
		}
	}
}
