package ccdafhir

import (
	"slices"
	"strings"
	"unicode"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	mpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/medication_request_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// That somebody has no allergy, no problem or no medication is in C-CDA the negation of a statement that names none: a negated "problem".
// FHIR says it with a code of its own, and denies nothing: read as "refuted: problem", or as "do not take: drug", it would mislead. The code
// stands first, before what the document says there, and goes back as the negation that it came from (C-CDA on FHIR, Allergies and Problems;
// US Core, Missing Data).

const (
	noKnownProblem    = "160245001"
	noKnownMedication = "787481004"
)

var noneDisplays = map[string]string{noKnownProblem: "No current problems or disability", noKnownMedication: "No known medications",
	"716186003": "No known allergy", "409137002": "No known drug allergy", "429625007": "No known food allergy",
	"428607008": "No known environmental allergy"}

// What a problem, and a drug, is called that is none in particular: SNOMED CT.
var (
	anyProblem = []string{"55607006", "64572001"}
	anyDrug    = []string{"410942007"}
)

// sayNone gives a concept the code for that there is none. The resource keeps that it came as a negation.
func sayNone(dst proto.Message, cc *dpb.CodeableConcept, code string) *dpb.CodeableConcept {
	extend(dst, textExtension(negationURL, "true"))
	if cc == nil {
		cc = &dpb.CodeableConcept{}
	}
	none := concept(snomed, code).Coding
	none[0].Display = &dpb.String{Value: noneDisplays[code]}
	cc.Coding = append(none, cc.Coding...)
	markDerived(cc)
	return cc
}

// writeNone takes that code out of what is written, and reports whether it still says that there is none.
func writeNone(c *mapping.Context, cc *dpb.CodeableConcept) bool {
	if cc == nil || len(cc.Coding) == 0 || !isDerived(cc) {
		return false
	}
	c.Take(cc.Coding[0])
	for _, x := range cc.Extension {
		if isMark(x) {
			c.Claim(x)
		}
	}
	return true
}

// noProblem reports a negated problem that is none in particular.
func noProblem(d *tree.Doc, n tree.Node) bool {
	return attrText(d, n, "negationInd") == "true" && slices.Contains(anyProblem, attrText(d, d.Child(n, "value"), "code"))
}

func readNoProblem(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*cpb.Condition)
	if !ok || !noProblem(c.Doc, n) {
		return false
	}
	d.Code = sayNone(dst, d.Code, noKnownProblem)
	if d.ClinicalStatus != nil && isDerived(d.ClinicalStatus) { // that there is none is so now, even if whoever asked is done with it
		d.ClinicalStatus = derivedConcept(conditionClinical, "active")
	}
	return true
}

// denials are words that deny wherever they stand, and openings those that do at the beginning: "NKDA", "Patient denies", "No known allergies". Elsewhere
// they are a part of a name: "Multivitamin without iron", "No-Spa".
var (
	denials  = []string{"none", "nil", "nka", "nkda", "nkma", "denies", "denied"}
	openings = []string{"no", "not", "without"}
)

// deniesInWords reports whether the words for which there is no code deny by themselves. What they stand in is denied once, whatever else says so.
func deniesInWords(c *mapping.Context, code tree.Node) bool {
	said := c.Doc.Child(code, "originalText")
	text := c.Doc.Text(said)
	if v := attr(c.Doc, c.Doc.Child(said, "reference"), "value"); text == "" && v != 0 {
		text, _ = referred(c, said, strings.TrimPrefix(c.Doc.Text(v), "#"))
	}
	words := strings.Fields(strings.ToLower(text))
	return len(words) > 0 && slices.Contains(openings, words[0]) || slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains(denials, strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) }))
	})
}

// noMedication reports a negated medication that is none in particular: its code is a null flavor, and beside it stands at most that it is a drug, or
// words that deny.
func noMedication(c *mapping.Context, n tree.Node) bool {
	d := c.Doc
	if attrText(d, n, "negationInd") != "true" || isProduct(d, n) || ofTemplate(d, n, immunizationActivity) {
		return false
	}
	product := d.Child(d.Child(n, "consumable"), "manufacturedProduct")
	material := d.Child(product, "manufacturedMaterial")
	code := d.Child(material, "code")
	if attr(d, code, "nullFlavor") == 0 || attr(d, code, "code") != 0 || d.Text(d.Child(material, "name")) != "" || d.Child(code, "originalText") != 0 && !deniesInWords(c, code) {
		return false
	}
	for k := d.First(code); k != 0; k = d.Next(k) {
		if d.Name(k) == "translation" && !slices.Contains(anyDrug, attrText(d, k, "code")) {
			return false
		}
	}
	return true
}

func readNoMedication(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*mpb.MedicationRequest)
	if !ok || d.GetMedication().GetCodeableConcept() == nil || !noMedication(c, n) {
		return false
	}
	sayNone(dst, d.Medication.GetCodeableConcept(), noKnownMedication)
	return true
}

// writeNoMedication writes the negation, before the row for the medication.
func writeNoMedication(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*mpb.MedicationRequest)
	if !ok {
		return false
	}
	for _, x := range d.Extension {
		if x.GetUrl().GetValue() == negationURL && x.GetValue().GetStringValue().GetValue() == "true" &&
			writeNone(c, d.GetMedication().GetCodeableConcept()) && set(c.Doc, n, "negationInd", "true") {
			c.Claim(x)
			return true
		}
	}
	return false
}
