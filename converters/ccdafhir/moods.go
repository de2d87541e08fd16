package ccdafhir

import (
	"cmp"
	"slices"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// NoMood is the finding about a statement that does not say whether it tells what was, what shall be or what is aimed at.
const NoMood diag.ID = "CP-CDA-105"

// moodless are the statements that CDA's schema wants a moodCode of. An organizer is left alone: what it holds says its own.
var moodless = []string{"act", "observation", "procedure", "encounter", "substanceAdministration", "supply"}

// plannedTemplates are those of what is not an event: the planned statements E.39 to E.44 and E.120, supply order, instruction.
var plannedTemplates = []string{entries + "39", entries + "40", entries + "41", entries + "42", entries + "43", entries + "44", entries + "120", entries + "17", entries + "20"}

const (
	goalTemplate = entries + "121"
	planSection  = "18776-5"
	goalSection  = "61146-7"
)

// assumeMoods gives a statement without a moodCode the one that its template, else its section says, else that of an event: most statements are
// events, and a result must not become a plan. The mood is none of the document's values.
func assumeMoods(doc *ccda.Document) (finds []*diag.Finding) {
	d := doc.Doc
	var walk func(n tree.Node, section string)
	walk = func(n tree.Node, section string) {
		switch name := d.Name(n); {
		case name == "section":
			section = cmp.Or(attrText(d, d.Child(n, "code"), "code"), section) // a part of a section is of its kind
		case slices.Contains(moodless, name) && attr(d, n, "moodCode") == 0 && attr(d, n, "nullFlavor") == 0:
			mood := "EVN"
			switch {
			case name == "observation" && (ofTemplate(d, n, goalTemplate) || section == goalSection):
				mood = "GOL"
			case section == planSection, ofTemplate(d, n, plannedTemplates...):
				mood = "INT"
			}
			if set(d, n, "moodCode", mood) {
				d.SetSyntax(attr(d, n, "moodCode"))
				finds = append(finds, diag.New(NoMood, doc.Place(n), "%s has no moodCode, and is read as %s", name, mood))
			}
		}
		for k := d.First(n); k != 0; k = d.Next(k) {
			if d.Name(k)[0] != '@' {
				walk(k, section)
			}
		}
	}
	walk(tree.Root, "")
	return finds
}
