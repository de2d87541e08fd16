package fhir

import (
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// What may not be written without what. FHIR flags the elements that change the meaning of others (plan.Type.Modifiers); an
// element that cannot be read takes along what it modifies. These lists are of what does so without a flag.

// together are datatypes whose values say something else if one of them is missing: 5 without its unit, up to 10 instead of 5 to 10, as needed that
// has become daily. The elements named may be missing.
var together = map[string][]string{
	"Quantity": {}, "SimpleQuantity": {}, "MoneyQuantity": {}, "Money": {}, "Age": {}, "Duration": {}, "Count": {}, "Distance": {},
	"Range": {}, "Ratio": {}, "SampledData": {}, "Timing": {}, "Timing.repeat": {}, "Narrative": {}, "Parameters.parameter": {}, "Observation.referenceRange": {},
	"Coding":             {"userSelected"},
	"Identifier":         {"type", "period", "assigner"},
	"ContactPoint":       {"period", "rank"},
	"Annotation":         {"author", "time"},
	"Dosage":             {"text", "additionalInstruction", "patientInstruction", "route", "method", "site"},
	"Dosage.doseAndRate": {"type"},
}

// either are elements of which FHIR wants one.
var either = map[string][]string{
	"Immunization.education":                    {"documentType", "reference"},
	"Composition.section":                       {"text", "entry", "section"},
	"Appointment.participant":                   {"type", "actor"},
	"Organization":                              {"name", "identifier"},
	"Patient.contact":                           {"name", "telecom", "address", "organization"},
	"Consent":                                   {"policyRule", "policy"},
	"MedicationAdministration.dosage":           {"dose", "rateRatio", "rateQuantity"},
	"ImmunizationRecommendation.recommendation": {"vaccineCode", "targetDisease"},
	"NutritionOrder":                            {"oralDiet", "supplement", "enteralFormula"},
	"InsurancePlan":                             {"name", "identifier"},
}

// whose are the elements of a resource that say whom it is about.
var whose = []string{"subject", "patient", "beneficiary", "focus", "relationship"}

// bound are elements by type without which the rest says something else, and which FHIR does not flag.
var bound = map[string][]string{
	"Consent":              {"provision"},
	"Consent.provision":    {"type"},
	"Group.characteristic": {"exclude", "value", "code"},
	"Bundle":               {"type"},
	"Bundle.entry":         {"request", "response"},
	"Attachment":           {"contentType"},
}

// endings are elements of which a missing one says something: that it goes on, or that nothing was found. If they cannot be read, that is stated.
var endings = map[string][]string{"Period": {"end"}, "Condition": {"abatement"}, "Observation": {"value"}, "Observation.component": {"value"}, "Appointment": {"start", "end"}}

// silent are elements that never change what the one says that they are in.
var silent = []string{"extension", "id", "display", "userSelected"}

// changes says why an element takes along the one that it is in, empty if it does not, and from what on.
func changes(c *codec, k *key) (why string, from hurt) {
	t, name := c.typ, k.elem.Name
	switch {
	case name == "modifierExtension":
		return whyModifier, slight
	case k.elem.Modifier:
		return whyModifier, excess
	case slices.Contains(bound[t.Name], name):
		return whyTogether, excess
	case t.Kind == plan.Resource && slices.Contains(whose, name):
		return whyWhose, harmed
	case t.Go == extensionType:
		return whyTogether, slight
	}
	if harmless, ok := together[t.Name]; ok && !slices.Contains(harmless, name) {
		return whyTogether, harmed
	}
	return "", 0
}

// isNearly reports that a name that FHIR has not is nearly that of an element: medication, which R4 has as medicationReference.
func isNearly(e *plan.Element, name string) bool {
	low, want := strings.ToLower(name), strings.ToLower(e.Name)
	return plan.Near(low, want) || strings.HasPrefix(low, want)
}

// otherModifiers are elements, in lower case, that other editions of FHIR flag as modifiers or that say whom a resource is about, and whose names do
// not tell.
var otherModifiers = []string{"taken", "animal", "reliability", "patient", "subject", "focus", "issubpotent", "certainty", "likelihood", "deceased", "mood", "intent"}

// tells are parts of names that speak of a status or of its denial.
var tells = []string{"status", "modif", "negat", "negate", "refus", "denied", "deny", "denies", "declin", "prohibit", "forbid", "forbidden", "cancel", "inactive", "active",
	"void", "error", "exclu", "absen", "wrong", "invalid", "delete", "retract", "revok", "withdraw", "ruledout", "refut", "rejected", "entered", "subpotent",
	"implicitrule", "mistake", "abort", "stopped", "contraindic", "unlikely", "uncertain", "notgiven", "nottaken", "notdone", "notperformed", "donot", "wasnot", "isnot"}

// mayModify reports an element that R4 has not, and that by its name may change the meaning of others: a modifier of another edition of FHIR, one of
// R4 in another spelling, or any word of denial.
func mayModify(t *plan.Type, n *node) bool {
	name := strings.TrimLeft(n.name, "_")
	low := strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80:
			return c
		}
		return -1
	}, name)
	if low == "fhircomments" {
		return false
	}
	for _, e := range t.Modifiers {
		m := strings.ToLower(e.Name)
		if e.Choice != nil && strings.HasPrefix(low, m) || plan.Near(low, m) {
			return true
		}
	}
	if slices.Contains(otherModifiers, low) || slices.ContainsFunc(tells, func(s string) bool { return strings.Contains(low, s) }) || saysNot(name) {
		return true
	}
	for _, k := range n.kids { // reasonNotGiven within explanation
		if k.name != "" && mayModify(t, k) {
			return true
		}
		if k.list() || k.name == "" {
			for _, m := range k.kids {
				if m.name != "" && mayModify(t, m) {
					return true
				}
			}
		}
	}
	return false
}

// saysNot reports a name in which not, no, non or never is a word: wasNotGiven, no_known, but not note.
func saysNot(name string) bool {
	var words []string
	from := 0
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == '_' || name[i] == '-' || name[i] == '.' || i > from && name[i] >= 'A' && name[i] <= 'Z' && name[i-1] >= 'a' && name[i-1] <= 'z' {
			words = append(words, strings.ToLower(strings.Trim(name[from:i], "_-.")))
			from = i
		}
	}
	return slices.ContainsFunc(words, func(w string) bool { return w == "not" || w == "no" || w == "non" || w == "never" || w == "without" })
}
