package ccdafhir

import (
	"cmp"
	"slices"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

func (b *born) problemCode(n tree.Node) {
	k := b.coded(n, "code", "55607006", snomedOID, "Problem")
	b.put(b.add(k, "translation"), "code", "75326-9", "codeSystem", loincOID, "displayName", "Problem")
}

// certainty writes how sure one is of what a statement says.
func (b *born) certainty(n tree.Node, r *mapping.Resource, e element) {
	v := e.one("verificationStatus")
	var code, display string
	switch e.code("verificationStatus") {
	case "":
		return
	case "confirmed", "refuted":
		b.fold(v, "the statement says it")
		return
	case "provisional":
		code, display = "410592001", "Probably present"
	default:
		code, display = "410590009", "Known possible"
	}
	k := b.act(b.related(n, "REFR", false), "observation", "OBS", "EVN", r, "certainty")
	b.coded(k, "code", "408729009", snomedOID, "Finding context")
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.asValue(b.coded(k, "value", code, snomedOID, display), "CD")
	b.fold(v, "C-CDA knows fewer grades of certainty")
}

// concern writes the act around a problem or an allergy.
func (b *born) concern(n tree.Node, r *mapping.Resource, t templateOf) tree.Node {
	e := elementOf(r.Msg)
	k := b.act(n, "act", "ACT", "EVN", r, "concern", t)
	b.coded(k, "code", "CONC", actClassOID, "Concern")
	active := !e.has("clinicalStatus", "inactive", "remission", "resolved")
	from := cmp.Or(b.asserted(e), e.one("recordedDate").text(), timeText(e.one("onset"), "start"))
	when := b.add(k, "effectiveTime")
	if from != "" {
		b.put(b.add(when, "low"), "value", hl7.DTM(from))
	} else {
		b.null(when, "low", "UNK")
	}
	if active {
		b.put(b.add(k, "statusCode"), "code", "active")
	} else {
		b.put(b.add(k, "statusCode"), "code", "completed")
		if end := timeText(e.one("abatement"), "end"); end != "" {
			b.put(b.add(when, "high"), "value", hl7.DTM(end))
		} else {
			b.null(when, "high", "UNK")
		}
	}
	b.author(k, r, "recorder", "recordedDate")
	return k
}

// asserted is since when a problem is asserted, of FHIR's extension.
func (b *born) asserted(e element) string {
	for _, x := range e.all("extension") {
		if x.one("url").text() == "http://hl7.org/fhir/StructureDefinition/condition-assertedDate" {
			b.claim(x)
			return x.one("value").text()
		}
	}
	return ""
}

var bornClinicalStatus = map[string][2]string{
	"active": {"55561003", "Active"}, "inactive": {"73425007", "Inactive"}, "resolved": {"413322009", "Problem resolved"},
	"recurrence": {"246455001", "Recurrence"}, "relapse": {"263855007", "Relapse phase"}, "remission": {"277022003", "Remission phase"},
}

// clinical writes the clinical status of a problem or an allergy.
func (b *born) clinical(n tree.Node, e element, number string) {
	word := e.code("clinicalStatus")
	s, ok := bornClinicalStatus[word]
	if !ok {
		return
	}
	k := b.put(b.add(b.related(n, "REFR", number == "28"), "observation"), "classCode", "OBS", "moodCode", "EVN")
	b.template(k, entryTemplate(number, "2019-06-20"))
	b.coded(k, "code", "33999-4", loincOID, "Status")
	b.put(b.add(k, "statusCode"), "code", "completed")
	typ := "CD"
	if number == "28" { // Allergy Status Observation wants that one
		typ = "CE"
	}
	b.asValue(b.coded(k, "value", s[0], snomedOID, s[1]), typ)
	b.claimCode(e.one("clinicalStatus"))
}

// onset writes since when there is a problem or an allergy. The end of the time in which it began has no place: that of effectiveTime says that
// the problem is over.
func (b *born) onset(n tree.Node, e element) tree.Node {
	if !e.ok() || e.t.Name != "Period" {
		return b.effective(n, e, true)
	}
	b.declineOf(e.one("end"), "C-CDA says since when there is a problem, and not between which times it began")
	end := b.c.Fold("the time in which it began comes back as the time at which it began")
	defer end()
	if start := e.one("start"); start.ok() {
		return b.effective(n, start, true)
	}
	return b.effective(n, element{}, true)
}

func (b *born) problem(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	id := p.row(wordsOf(e.one("code")), words(e.code("clinicalStatus"), e.code("verificationStatus")), wordsOf(e.one("onset")), wordsOf(e.one("abatement")))
	n := b.entry(p)
	if p.spec.key == "concerns" {
		outer := b.act(n, "act", "ACT", "EVN", r, "health concern", entryTemplate("132", "2015-08-01"))
		b.coded(outer, "code", "75310-3", loincOID, "Health concerns")
		b.put(b.add(outer, "statusCode"), "code", "active")
		n = b.related(outer, "REFR", false)
		b.problemObservation(n, r, e, id)
		return
	}
	k := b.concern(n, r, entryTemplate("3", "2015-08-01"))
	b.problemObservation(b.related(k, "SUBJ", false), r, e, id)
}

// bornNoProblem are the codes for that there is no problem: SNOMED CT, and the International Patient Summary's.
var bornNoProblem = map[string]string{noKnownProblem: noKnownProblem, "no-known-problems": noKnownProblem}

func (b *born) problemObservation(n tree.Node, r *mapping.Resource, e element, id string) {
	k := b.act(n, "observation", "OBS", "EVN", r, "", entryTemplate("4", "2015-08-01"))
	none := anyOf(e.one("code"), bornNoProblem) != ""
	if none != e.has("verificationStatus", "refuted") {
		b.put(k, "negationInd", "true")
	}
	b.problemCode(k)
	b.link(k, id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	when := b.onset(k, e.one("onset"))
	b.abatement(when, e.one("abatement"))
	if none {
		b.asValue(b.coded(k, "value", anyProblem[0], snomedOID, "Problem"), "CD")
		b.fold(e.one("code"), "a negated problem says it")
	} else {
		b.asValue(b.concept(k, "value", e.one("code")), "CD")
	}
	for _, x := range e.all("bodySite") {
		b.concept(k, "targetSiteCode", x)
	}
	for _, x := range e.all("category") {
		b.fold(x, "its section says it")
	}
	if age := e.one("onset"); age.ok() && age.t.Name == "Age" {
		b.ageAtOnset(k, age)
	}
	b.clinical(k, e, "6")
	b.certainty(k, r, e)
	b.notes(k, e)
}

// ageAtOnset writes how old the patient was: Age Observation, which knows UCUM's units of time.
func (b *born) ageAtOnset(n tree.Node, age element) {
	if !slices.Contains([]string{"a", "mo", "wk", "d", "h", "min"}, age.one("code").text()) {
		return
	}
	k := b.put(b.add(b.related(n, "SUBJ", true), "observation"), "classCode", "OBS", "moodCode", "EVN")
	b.template(k, entryTemplate("31", ""))
	b.coded(k, "code", "445518008", snomedOID, "Age At Onset")
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.asValue(b.quantity(k, "value", age), "PQ")
}

// abatement is the end of a problem.
func (b *born) abatement(when tree.Node, e element) {
	switch {
	case !e.ok():
	case e.t.Name == "Period":
		if b.d.Child(when, "high") == 0 {
			b.time(b.add(when, "high"), e.one("end"))
		}
	case e.t.Prim != nil && e.t.Name != "string":
		if b.d.Child(when, "high") == 0 {
			b.time(b.add(when, "high"), e)
		}
	default:
		b.fold(e, "a time in words stands in the narrative")
	}
}
