package ccdafhir

import (
	"slices"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Contradiction is the finding about codes of which not both can be true. All of them are kept; what FHIR can say once follows the first.
const Contradiction diag.ID = "CP-CDA-102"

// once are the coded elements that CDA allows once, and some senders write twice.
var once = []string{"statusCode", "administrativeGenderCode", "maritalStatusCode", "religiousAffiliationCode", "languageCode", "confidentialityCode"}

// noneCodes are the codes that say no: a statement that is negated may not hold one.
var noneCodes = []string{"716186003", "409137002", "429625007", "428607008", "1003774007", noKnownProblem, noKnownMedication}

// contradictions finds a code beside a null flavor, two codes for one thing, a negation of what already says no, and a problem or allergy
// that is active and has ended.
func contradictions(doc *ccda.Document) (finds []*diag.Finding) {
	d := doc.Doc
	report := func(n tree.Node, what string) {
		finds = append(finds, diag.New(Contradiction, doc.Place(n), "%s", what))
	}
	var walk func(n tree.Node, negated bool)
	walk = func(n tree.Node, negated bool) {
		name := d.Name(n)
		code := ""
		k := d.First(n)
		for ; k != 0 && d.Name(k)[0] == '@'; k = d.Next(k) { // attributes come first
			switch text := d.Text(k); {
			case text == "":
			case d.Name(k) == "@negationInd":
				negated = text == "true"
			case d.Name(k) == "@code":
				code = text
			}
		}
		if code != "" {
			switch {
			case attr(d, n, "nullFlavor") != 0:
				report(n, name+": a code, and that there is none")
			case negated && (name == "code" || name == "value" || name == "translation") && slices.Contains(noneCodes, code) &&
				attrText(d, n, "codeSystem") == snomedOID:
				report(n, name+": a code that says no, in a statement that is negated")
			case slices.Contains(once, name):
				for k := d.Next(n); k != 0; k = d.Next(k) {
					if d.Name(k) == name && attrText(d, k, "code") != "" && attrText(d, k, "code") != code {
						report(k, name+": two of them that differ")
						break
					}
				}
			}
		}
		if name == "observation" && attr(d, d.Child(d.Child(n, "effectiveTime"), "high"), "value") != 0 {
			for _, template := range []string{problemStatus, allergyStatus} {
				if s := snomedStatus[valueWithin(d, n, template)]; s == "active" || s == "recurrence" || s == "relapse" {
					report(n, "observation: an end, and a status by which it goes on")
				}
			}
		}
		for ; k != 0; k = d.Next(k) {
			if c := d.Name(k); c != "text" {
				walk(k, negated && !statementNames[c])
			}
		}
	}
	walk(doc.Root, false)
	return finds
}

// statementNames are the elements of CDA that are statements: what one denies it does not deny of another within it.
var statementNames = map[string]bool{"act": true, "observation": true, "procedure": true, "encounter": true, "organizer": true, "supply": true,
	"substanceAdministration": true}
