package ccdafhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes a statement for each resource: C-CDA R2.1, volume 2, chapter 3, and the pages FHIR to C-CDA of C-CDA on FHIR.

func entryTemplate(number, version string) templateOf { return templateOf{entryRoot + number, version} }

// sectionFor is the section that takes a resource, empty if none does.
func (b *born) sectionFor(r *mapping.Resource) string {
	e := elementOf(r.Msg)
	if e.has("verificationStatus", "entered-in-error") || e.one("status").text() == "entered-in-error" || e.one("lifecycleStatus").text() == "entered-in-error" {
		b.decline(r, "it was entered in error")
		return ""
	}
	switch r.Type() {
	case "AllergyIntolerance":
		return "allergies"
	case "Condition":
		if b.kind.name == "careplan" {
			return "concerns"
		}
		return "problems"
	case "MedicationRequest", "MedicationStatement":
		return "medications"
	case "Immunization":
		return "immunizations"
	case "Procedure":
		return "procedures"
	case "DiagnosticReport":
		if len(e.all("result")) == 0 {
			if e.one("conclusion").ok() {
				return "notes"
			}
			b.decline(r, "a report without results and conclusion")
			return ""
		}
		return "results"
	case "Observation":
		return sectionOfObservation(e)
	case "Encounter":
		return "encounters"
	case "CarePlan", "ServiceRequest":
		return "plan"
	case "Goal":
		return "goals"
	case "Device":
		if b.patient == nil || b.follow(r, e.one("patient")) != b.patient {
			return "" // not one of the patient's
		}
		return "equipment"
	case "DocumentReference":
		return "notes"
	case "Coverage":
		if b.patient == nil || b.follow(r, e.one("beneficiary")) != b.patient {
			return "" // not the patient's
		}
		if s := e.one("status").text(); s == "cancelled" || s == "draft" {
			b.decline(r, "an insurance that is not in force")
			return ""
		}
		return "payers"
	case "CareTeam":
		if !b.hasMembers(r) {
			b.decline(r, "a care team of which nobody is in the record")
			return ""
		}
		return "team"
	case "Consent":
		if !e.has("scope", "adr") || e.one("status").text() != "active" || e.one("provision.type").text() == "deny" {
			return ""
		}
		return "directives"
	case "MedicationDispense":
		for _, x := range e.all("authorizingPrescription") {
			if to := b.follow(r, x); to != nil && b.sectionFor(to) == "medications" {
				return "" // it stands within its prescription
			}
		}
		return "medications"
	case "FamilyMemberHistory":
		if len(e.all("condition")) == 0 {
			b.decline(r, "a relative of whom no condition is known")
			return ""
		}
		return "family"
	}
	return ""
}

func sectionOfObservation(e element) string {
	final := slices.Contains([]string{"final", "amended", "corrected"}, e.one("status").text())
	measured := e.one("value").ok() && e.one("value").t.Name == "Quantity" && !e.one("value.comparator").ok() && e.one("value.value").ok()
	parts := len(e.all("component")) > 0
	for _, x := range e.all("component") {
		parts = parts && x.one("value").ok() && x.one("value").t.Name == "Quantity" && !x.one("value.comparator").ok()
	}
	switch {
	case e.has("category", "vital-signs") && final && (measured || parts && !e.one("value").ok()):
		return "vitals"
	case e.has("category", "social-history") && final:
		return "social"
	case e.has("category", "survey") && final && !parts:
		return "functional"
	}
	return "results"
}

func (b *born) statements(p *bornPart, list []*mapping.Resource) {
	switch p.spec.key {
	case "vitals":
		b.vitals(p, list)
		return
	case "results":
		b.results(p, list)
		return
	}
	for _, r := range list {
		b.c.Place(r)
		switch r.Type() {
		case "AllergyIntolerance":
			b.allergy(p, r)
		case "Condition":
			b.problem(p, r)
		case "MedicationRequest", "MedicationStatement":
			b.medication(p, r)
		case "Immunization":
			b.immunization(p, r)
		case "Procedure":
			b.procedure(p, r)
		case "Observation":
			e := elementOf(r.Msg)
			id := p.row(wordsOf(e.one("code")), wordsOf(e.one("value")), dateOf(r))
			b.observation(b.entry(p), r, e, p.spec.key, id, "")
			for i, x := range e.all("component") {
				id := p.row(wordsOf(x.one("code")), wordsOf(x.one("value")), dateOf(r))
				b.observation(b.entry(p), r, x, p.spec.key, id, "component "+strconv.Itoa(i))
			}
		case "Encounter":
			b.encounter(p, r)
		case "CarePlan":
			b.carePlan(p, r)
		case "ServiceRequest":
			b.order(p, r)
		case "Goal":
			b.goal(p, r)
		case "Device":
			b.device(p, r)
		case "FamilyMemberHistory":
			b.relative(p, r)
		case "Coverage":
			b.coverage(p, r)
		case "CareTeam":
			b.careTeam(p, r)
		case "Consent":
			b.directive(p, r)
		case "MedicationDispense":
			b.handedOut(p, r)
		default:
			b.note(p, r)
		}
	}
}

// act begins a statement: class, mood, templates and ids.
func (b *born) act(n tree.Node, name, class, mood string, r *mapping.Resource, part string, list ...templateOf) tree.Node {
	k := b.put(b.add(n, name), "classCode", class, "moodCode", mood)
	b.template(k, list...)
	b.ids(k, r, part)
	return k
}

// related begins a statement within a statement.
func (b *born) related(n tree.Node, typ string, inverted bool) tree.Node {
	k := b.put(b.add(n, "entryRelationship"), "typeCode", typ)
	if inverted {
		b.put(k, "inversionInd", "true")
	}
	return k
}

func (b *born) status(n tree.Node, code string, e element) {
	if code == "" {
		b.null(n, "statusCode", "UNK")
	} else {
		b.put(b.add(n, "statusCode"), "code", code)
	}
	b.claim(e)
}

// author writes who recorded a statement, and when.
func (b *born) author(n tree.Node, r *mapping.Resource, who, when string) {
	e := elementOf(r.Msg)
	t := e.one(when)
	if !t.ok() {
		return
	}
	a := b.add(n, "author")
	b.template(a, entryTemplate("119", ""))
	b.time(b.add(a, "time"), t)
	if !b.assigned(a, "assignedAuthor", r, e.one(who)) {
		b.null(b.add(a, "assignedAuthor"), "id", "UNK")
	}
}

// performer writes who did it.
func (b *born) performer(n tree.Node, r *mapping.Resource, ref element) {
	if !ref.ok() || b.follow(r, ref) == nil {
		return
	}
	k := b.put(b.add(n, "performer"), "typeCode", "PRF")
	if !b.assigned(k, "assignedEntity", r, ref) {
		b.null(b.add(k, "assignedEntity"), "id", "UNK")
	}
}

// notes writes the notes of a resource as comments.
func (b *born) notes(n tree.Node, e element) {
	for _, x := range e.all("note") {
		words := x.one("text")
		if words.text() == "" {
			continue
		}
		k := b.put(b.add(b.related(n, "SUBJ", true), "act"), "classCode", "ACT", "moodCode", "EVN")
		b.template(k, entryTemplate("64", ""))
		b.coded(k, "code", "48767-8", loincOID, "Annotation comment")
		b.d.SetText(b.add(k, "text"), words.text())
		b.claim(words)
	}
}

// reasons writes why something was done: Indication.
func (b *born) reasons(n tree.Node, r *mapping.Resource) {
	e := elementOf(r.Msg)
	for i, x := range append(e.all("reasonCode"), e.all("reasonReference")...) {
		value := x
		ref := x.t.Name == "Reference"
		if ref {
			to := b.follow(r, x)
			if to == nil || to.Type() != "Condition" {
				continue
			}
			value = elementOf(to.Msg).one("code")
		}
		k := b.act(b.related(n, "RSON", false), "observation", "OBS", "EVN", r, "reason "+strconv.Itoa(i), entryTemplate("19", "2014-06-09"))
		b.problemCode(k)
		b.put(b.add(k, "statusCode"), "code", "completed")
		b.asValue(b.concept(k, "value", value), "CD")
		if ref {
			b.fold(x, "the reason stands there with its code")
		}
	}
}

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
		b.put(b.add(when, "low"), "value", cdaTime(from))
	} else {
		b.null(when, "low", "UNK")
	}
	if active {
		b.put(b.add(k, "statusCode"), "code", "active")
	} else {
		b.put(b.add(k, "statusCode"), "code", "completed")
		if end := timeText(e.one("abatement"), "end"); end != "" {
			b.put(b.add(when, "high"), "value", cdaTime(end))
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

func timeText(e element, end string) string {
	if e.ok() && e.t.Name == "Period" {
		e = e.one(end)
	}
	if !e.ok() || e.t.Prim == nil || e.t.Name == "string" {
		return ""
	}
	return e.text()
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
	b.claim(e.one("clinicalStatus"))
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

func (b *born) problemObservation(n tree.Node, r *mapping.Resource, e element, id string) {
	k := b.act(n, "observation", "OBS", "EVN", r, "", entryTemplate("4", "2015-08-01"))
	if e.has("verificationStatus", "refuted") {
		b.put(k, "negationInd", "true")
	}
	b.problemCode(k)
	b.link(k, id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	when := b.effective(k, e.one("onset"), true)
	b.abatement(when, e.one("abatement"))
	b.asValue(b.concept(k, "value", e.one("code")), "CD")
	for _, x := range e.all("bodySite") {
		b.concept(k, "targetSiteCode", x)
	}
	for _, x := range e.all("category") {
		b.fold(x, "its section says it")
	}
	b.clinical(k, e, "6")
	b.certainty(k, r, e)
	b.notes(k, e)
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

func words(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), ", ")
}

var bornNoKnown = map[string]string{"716186003": "419199007", "409137002": "416098002", "429625007": "414285001", "428607008": "426232007", "1003774007": "419199007"}

func (b *born) allergy(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	var manifestations []string
	for _, x := range e.all("reaction") {
		for _, m := range x.all("manifestation") {
			manifestations = append(manifestations, words(wordsOf(m), x.one("severity").text()))
		}
	}
	id := p.row(wordsOf(e.one("code")), words(manifestations...), e.one("criticality").text(), words(e.code("clinicalStatus"), e.code("verificationStatus")), wordsOf(e.one("onset")))
	c := b.concern(b.entry(p), r, entryTemplate("30", "2015-08-01"))
	k := b.act(b.related(c, "SUBJ", false), "observation", "OBS", "EVN", r, "", entryTemplate("7", "2014-06-09"))
	kind := bornNoKnown[e.code("code")]
	if kind != "" != e.has("verificationStatus", "refuted") {
		b.put(k, "negationInd", "true")
	}
	b.coded(k, "code", "ASSERTION", actCodeOID, "Assertion")
	b.link(k, id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.effective(k, e.one("onset"), true)
	intolerance, allergic := e.one("type").text() == "intolerance", e.one("type").text() == "allergy"
	if kind == "" {
		category := ""
		if list := e.all("category"); len(list) > 0 {
			category = list[0].text()
		}
		switch {
		case category == "medication" && intolerance:
			kind = "59037007"
		case category == "medication" && allergic:
			kind = "416098002"
		case category == "medication": // neither is said
			kind = "419511003"
		case category == "food" && intolerance:
			kind = "235719002"
		case category == "food" && allergic:
			kind = "414285001"
		case category == "food":
			kind = "418471000"
		case category == "environment" && allergic:
			kind = "426232007"
		case category == "environment":
			kind = "418038007"
		case allergic:
			kind = "419199007"
		default:
			kind = "420134006"
		}
	}
	b.asValue(b.coded(k, "value", kind, snomedOID, allergyKinds[kind]), "CD")
	b.fold(e.one("type"), "the kind of the allergy says it")
	for _, x := range e.all("category") {
		b.fold(x, "the kind of the allergy says it")
	}
	part := b.put(b.add(k, "participant"), "typeCode", "CSM")
	role := b.put(b.add(part, "participantRole"), "classCode", "MANU")
	entity := b.put(b.add(role, "playingEntity"), "classCode", "MMAT")
	if bornNoKnown[e.code("code")] != "" {
		b.null(entity, "code", "NA")
		b.fold(e.one("code"), "a negated allergy says it")
	} else {
		b.concept(entity, "code", e.one("code"))
	}
	for i, x := range e.all("reaction") {
		for j, m := range x.all("manifestation") {
			o := b.act(b.related(k, "MFST", true), "observation", "OBS", "EVN", r, "reaction "+strconv.Itoa(i)+"."+strconv.Itoa(j), entryTemplate("9", "2014-06-09"))
			b.coded(o, "code", "ASSERTION", actCodeOID, "Assertion")
			b.put(b.add(o, "statusCode"), "code", "completed")
			if t := x.one("onset"); t.ok() && j == 0 {
				b.effective(o, t, true)
			}
			b.asValue(b.concept(o, "value", m), "CD")
			if s, ok := bornSeverities[x.one("severity").text()]; ok {
				v := b.put(b.add(b.related(o, "SUBJ", true), "observation"), "classCode", "OBS", "moodCode", "EVN")
				b.template(v, entryTemplate("8", "2014-06-09"))
				b.coded(v, "code", "SEV", actCodeOID, "Severity")
				b.put(b.add(v, "statusCode"), "code", "completed")
				b.asValue(b.coded(v, "value", s[0], snomedOID, s[1]), "CD")
				b.claim(x.one("severity"))
			}
		}
	}
	if s, ok := bornCriticalities[e.one("criticality").text()]; ok {
		o := b.put(b.add(b.related(k, "SUBJ", true), "observation"), "classCode", "OBS", "moodCode", "EVN")
		b.template(o, entryTemplate("145", ""))
		b.coded(o, "code", "82606-5", loincOID, "Allergy or intolerance criticality")
		b.put(b.add(o, "statusCode"), "code", "completed")
		b.asValue(b.coded(o, "value", s[0], alertValueOID, s[1]), "CD")
		b.claim(e.one("criticality"))
	}
	b.clinical(k, e, "28")
	b.certainty(k, r, e)
	b.notes(k, e)
}

var allergyKinds = map[string]string{"59037007": "Drug intolerance", "416098002": "Allergy to drug", "235719002": "Food intolerance", "414285001": "Allergy to food",
	"426232007": "Environmental allergy", "419199007": "Allergy to substance", "420134006": "Propensity to adverse reaction",
	"419511003": "Propensity to adverse reactions to drug", "418471000": "Propensity to adverse reactions to food",
	"418038007": "Propensity to adverse reactions to substance"}

var bornSeverities = map[string][2]string{"mild": {"255604002", "Mild"}, "moderate": {"6736007", "Moderate"}, "severe": {"24484000", "Severe"}}

var bornCriticalities = map[string][2]string{"low": {"CRITL", "low criticality"}, "high": {"CRITH", "high criticality"}, "unable-to-assess": {"CRITU", "unable to assess criticality"}}

var medicationStatus = map[string]string{"active": "active", "on-hold": "suspended", "cancelled": "cancelled", "completed": "completed", "stopped": "aborted",
	"draft": "held", "intended": "active", "not-taken": "completed"}

func (b *born) medication(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	dosages := e.all("dosageInstruction")
	mood := "INT"
	if r.Type() == "MedicationStatement" {
		dosages, mood = e.all("dosage"), "EVN"
	}
	what := e.one("medication")
	if what.ok() && what.t.Name == "Reference" {
		if to := b.follow(r, what); to != nil && to.Type() == "Medication" && !b.c.Refused(to.Msg) {
			b.c.Place(to)
			b.fold(what, "the medication stands there whole")
			what = elementOf(to.Msg).one("code")
		}
	}
	state := e.one("status").text()
	var sig []string
	for _, d := range dosages {
		sig = append(sig, d.one("text").text())
	}
	id := p.row(cmp.Or(wordsOf(what), "unknown"), strings.TrimSpace(strings.Join(sig, "; ")), words(state, b.no(e)), dateOf(r))
	k := b.act(b.entry(p), "substanceAdministration", "SBADM", mood, r, "", entryTemplate("16", "2014-06-09"))
	if e.one("doNotPerform").text() == "true" || state == "not-taken" {
		b.put(k, "negationInd", "true")
	}
	b.claim(e.one("doNotPerform"))
	b.link(k, id)
	b.status(k, medicationStatus[state], e.one("status"))
	b.fold(e.one("intent"), "the mood of the statement says it")
	var dosage element
	if len(dosages) > 0 {
		dosage = dosages[0]
	}
	timing := dosage.one("timing")
	bounds := timing.one("repeat.bounds")
	if bounds.ok() && bounds.t.Name != "Period" {
		bounds = element{}
	}
	if t := e.one("effective"); t.ok() {
		bounds = t
	}
	b.asValue(b.effective(k, bounds, true), "IVL_TS")
	b.interval(k, timing.one("repeat"))
	if x := dosage.one("route"); x.ok() {
		b.concept(k, "routeCode", x)
	}
	if x := dosage.one("site"); x.ok() {
		b.concept(k, "approachSiteCode", x)
	}
	if x := dosage.one("doseAndRate.dose"); x.ok() && x.t.Name != "Range" {
		b.quantity(k, "doseQuantity", x)
	} else {
		b.null(k, "doseQuantity", "UNK")
	}
	if x := dosage.one("doseAndRate.rate"); x.ok() && x.t.Name != "Range" && x.t.Name != "Ratio" {
		b.quantity(k, "rateQuantity", x)
	}
	b.product(k, what, "23", r)
	b.author(k, r, "requester", "authoredOn")
	if x := dosage.one("asNeeded"); x.ok() {
		if x.t.Name == "boolean" {
			if x.text() == "true" {
				c := b.precondition(k)
				b.asValue(b.null(c, "value", "UNK"), "CD")
			}
			b.claim(x)
		} else {
			b.asValue(b.concept(b.precondition(k), "value", x), "CD")
		}
	}
	b.supply(k, r)
	b.dispenses(k, r)
	b.reasons(k, r)
	b.notes(k, e)
	for _, d := range dosages {
		b.fold(d.one("text"), "the directions stand in the narrative")
		b.fold(d.one("patientInstruction"), "the directions stand in the narrative")
	}
}

func (b *born) no(e element) string {
	if e.one("doNotPerform").text() == "true" {
		return "not to be taken"
	}
	return ""
}

func (b *born) precondition(n tree.Node) tree.Node {
	k := b.put(b.add(n, "precondition"), "typeCode", "PRCN")
	c := b.add(k, "criterion")
	b.template(c, entryTemplate("25", "2014-06-09"))
	b.coded(c, "code", "ASSERTION", actCodeOID, "Assertion")
	return c
}

// supply is what a request says of dispensing: Medication Supply Order.
func (b *born) supply(n tree.Node, r *mapping.Resource) {
	e := elementOf(r.Msg).one("dispenseRequest")
	repeats, quantity := e.one("numberOfRepeatsAllowed"), e.one("quantity")
	if !repeats.ok() && !quantity.ok() {
		return
	}
	k := b.act(b.related(n, "REFR", false), "supply", "SPLY", "INT", r, "supply", entryTemplate("17", "2014-06-09"))
	b.put(b.add(k, "statusCode"), "code", cmp.Or(medicationStatus[elementOf(r.Msg).one("status").text()], "active"))
	if i, err := strconv.Atoi(repeats.text()); err == nil {
		b.put(b.add(k, "repeatNumber"), "value", strconv.Itoa(i+1)) // C-CDA counts the first one too
		b.claim(repeats)
	}
	if quantity.ok() {
		b.quantity(k, "quantity", quantity)
	}
}

// quantity writes a Quantity as PQ, or gives it up where C-CDA could not hold it.
func (b *born) quantity(n tree.Node, name string, e element) tree.Node {
	k := b.add(n, name)
	b.c.Anew(func() { b.c.WriteTable("PQ", e.msg(), k) })
	if attr(b.d, k, "value") == 0 {
		b.clear(k)
		b.put(k, "nullFlavor", "UNK")
	}
	if u := attr(b.d, k, "unit"); u != 0 && strings.ContainsAny(b.d.Text(u), " \t\r\n") {
		b.d.SetText(u, strings.Join(strings.Fields(b.d.Text(u)), "_"))
	}
	b.claim(e.one("unit"))
	return k
}

var moments = []string{"AC", "ACD", "ACM", "ACV", "C", "CD", "CM", "CV", "HS", "PC", "PCD", "PCM", "PCV", "WAKE"}

// interval writes how often: PIVL_TS for so many times in a period, EIVL_TS for a moment of the day.
func (b *born) interval(n tree.Node, e element) {
	count, period, unit := e.one("frequency").text(), e.one("period"), e.one("periodUnit")
	if when := e.all("when"); len(when) == 1 && slices.Contains(moments, when[0].text()) {
		k := b.put(b.asValue(b.add(n, "effectiveTime"), "EIVL_TS"), "operator", "A")
		b.put(b.add(k, "event"), "code", when[0].text())
		b.claim(when[0])
		return
	}
	if !period.ok() || !unit.ok() || e.one("frequencyMax").ok() || e.one("periodMax").ok() {
		return
	}
	times, err := strconv.Atoi(cmp.Or(count, "1"))
	length, err2 := strconv.ParseFloat(period.text(), 64)
	if err != nil || err2 != nil || times < 1 || length <= 0 {
		return
	}
	value, u := period.text(), unit.text()
	if times > 1 {
		smaller := map[string]struct {
			unit string
			many float64
		}{"d": {"h", 24}, "wk": {"d", 7}, "h": {"min", 60}, "min": {"s", 60}}
		whole := func(x float64) bool { return x == float64(int(x)) }
		each := length / float64(times)
		if s, ok := smaller[u]; !whole(each) && ok {
			each, u = each*s.many, s.unit
			if s, ok := smaller[u]; !whole(each) && ok {
				each, u = each*s.many, s.unit
			}
		}
		if !whole(each) {
			return // it stands in the narrative
		}
		value = strconv.FormatFloat(each, 'f', -1, 64)
	}
	k := b.put(b.asValue(b.add(n, "effectiveTime"), "PIVL_TS"), "operator", "A")
	if times > 1 {
		b.put(k, "institutionSpecified", "true")
	}
	b.put(b.add(k, "period"), "value", value, "unit", u)
	if times > 1 {
		for _, x := range []string{"frequency", "period", "periodUnit"} {
			b.fold(e.one(x), "so many times in a period is an interval")
		}
		return
	}
	b.claim(e.one("frequency"), period, unit)
}

func (b *born) product(n tree.Node, what element, number string, r *mapping.Resource) {
	p := b.put(b.add(n, "consumable/manufacturedProduct"), "classCode", "MANU")
	b.template(p, entryTemplate(number, "2014-06-09"))
	m := b.add(p, "manufacturedMaterial")
	if what.ok() && what.t.Name == "CodeableConcept" {
		b.concept(m, "code", what)
	} else {
		b.null(m, "code", "UNK")
	}
	e := elementOf(r.Msg)
	if lot := e.one("lotNumber"); lot.ok() {
		b.d.SetText(b.add(m, "lotNumberText"), lot.text())
		b.claim(lot)
	}
	if to := b.follow(r, e.one("manufacturer")); to != nil && to.Type() == "Organization" && !b.c.Refused(to.Msg) {
		o := b.add(p, "manufacturerOrganization")
		b.organization(o, to)
		b.claim(e.one("manufacturer"))
	}
}

func (b *born) immunization(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	state := e.one("status").text()
	id := p.row(wordsOf(e.one("vaccineCode")), words(state, wordsOf(e.one("statusReason"))), dateOf(r))
	k := b.act(b.entry(p), "substanceAdministration", "SBADM", "EVN", r, "", entryTemplate("52", "2015-08-01"))
	if state == "not-done" {
		b.put(k, "negationInd", "true")
	} else {
		b.put(k, "negationInd", "false")
	}
	b.link(k, id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.claim(e.one("status"))
	b.effective(k, e.one("occurrence"), false)
	if x := e.one("protocolApplied.doseNumber"); x.ok() && x.t.Name == "positiveInt" {
		b.put(b.add(k, "repeatNumber"), "value", x.text())
		b.claim(x)
	}
	if x := e.one("route"); x.ok() {
		b.concept(k, "routeCode", x)
	}
	if x := e.one("site"); x.ok() {
		b.concept(k, "approachSiteCode", x)
	}
	if x := e.one("doseQuantity"); x.ok() {
		b.quantity(k, "doseQuantity", x)
	}
	b.product(k, e.one("vaccineCode"), "54", r)
	for _, x := range e.all("performer") {
		b.performer(k, r, x.one("actor"))
	}
	if x := e.one("statusReason"); x.ok() && state == "not-done" {
		o := b.act(b.related(k, "RSON", false), "observation", "OBS", "EVN", r, "refusal", entryTemplate("53", ""))
		b.concept(o, "code", x)
		b.put(b.add(o, "statusCode"), "code", "completed")
	}
	b.declineOf(e.one("primarySource"), "a statement of C-CDA does not say whose record it is from")
	b.reasons(k, r)
	b.notes(k, e)
}

var procedureStatus = map[string]string{"completed": "completed", "not-done": "completed", "in-progress": "active", "on-hold": "active", "preparation": "active", "stopped": "aborted"}

func (b *born) procedure(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	state := e.one("status").text()
	id := p.row(wordsOf(e.one("code")), state, wordsOf(e.one("performed")))
	k := b.act(b.entry(p), "procedure", "PROC", "EVN", r, "", entryTemplate("14", "2014-06-09"))
	if state == "not-done" {
		b.put(k, "negationInd", "true")
	}
	b.concept(k, "code", e.one("code"))
	b.link(k, id)
	code := procedureStatus[state]
	switch state {
	case "on-hold", "preparation":
		b.put(b.add(k, "statusCode"), "code", code)
		b.fold(e.one("status"), "C-CDA knows fewer states of a procedure")
	default:
		b.status(k, code, e.one("status"))
	}
	b.effective(k, e.one("performed"), false)
	for _, x := range e.all("bodySite") {
		b.concept(k, "targetSiteCode", x)
	}
	for _, x := range e.all("performer") {
		b.performer(k, r, x.one("actor"))
	}
	b.reasons(k, r)
	b.notes(k, e)
}

var observationStatus = map[string]string{"final": "completed", "amended": "completed", "corrected": "completed", "preliminary": "active", "registered": "active", "cancelled": "aborted"}

var reportStatus = map[string]string{"final": "completed", "amended": "completed", "corrected": "completed", "appended": "completed", "preliminary": "active",
	"registered": "active", "partial": "active", "cancelled": "aborted"}

func (b *born) stateOf(n tree.Node, codes map[string]string, e element) {
	code := codes[e.text()]
	if code == "" {
		b.null(n, "statusCode", "UNK")
	} else {
		b.put(b.add(n, "statusCode"), "code", code)
	}
	switch e.text() {
	case "final", "cancelled", "unknown":
		b.claim(e)
	default:
		b.fold(e, "C-CDA knows fewer states of a result")
	}
}

// observation writes one observation, or a component of one, for a section.
func (b *born) observation(n tree.Node, r *mapping.Resource, e element, section, row, part string) {
	own := elementOf(r.Msg)
	if part == "" && !e.one("value").ok() && len(e.all("component")) > 0 {
		part = "panel"
	}
	smoking := section == "social" && e.has("code", "72166-2")
	var t templateOf
	switch {
	case section == "vitals":
		t = entryTemplate("27", "2014-06-09")
	case smoking:
		t = entryTemplate("78", "2014-06-09")
	case section == "social":
		t = entryTemplate("38", "2015-08-01")
	case section == "functional":
		t = entryTemplate("69", "")
	default:
		t = entryTemplate("2", "2015-08-01")
	}
	k := b.act(n, "observation", "OBS", "EVN", r, part, t)
	if smoking {
		b.coded(k, "code", "72166-2", loincOID, "Tobacco smoking status NHIS")
		b.claim(e.one("code"))
	} else {
		b.concept(k, "code", e.one("code"))
	}
	b.link(k, row)
	b.stateOf(k, observationStatus, own.one("status"))
	b.effective(k, own.one("effective"), false)
	if v := e.one("value"); v.ok() {
		b.value(k, v)
	} else if section != "results" || part != "panel" {
		flavor := "UNK"
		if f, ok := absent[e.code("dataAbsentReason")]; ok {
			flavor = f
			b.claim(e.one("dataAbsentReason"))
		}
		typ := "ST"
		if smoking {
			typ = "CD"
		}
		b.asValue(b.null(k, "value", flavor), typ)
	} else {
		b.asValue(b.null(k, "value", "NA"), "ST")
	}
	for _, x := range e.all("interpretation") {
		b.concept(k, "interpretationCode", x)
	}
	if x := own.one("method"); x.ok() && part == "" && section != "social" {
		b.concept(k, "methodCode", x)
	}
	if x := own.one("bodySite"); x.ok() && part == "" {
		b.concept(k, "targetSiteCode", x)
	}
	for _, x := range e.all("referenceRange") {
		b.referenceRange(k, x)
	}
	if part == "" || part == "panel" {
		for _, x := range own.all("performer") {
			b.performer(k, r, x)
		}
		b.notes(k, own)
	}
	for _, x := range own.all("category") {
		b.fold(x, "its section says it")
	}
	if x := own.one("issued"); x.ok() && x.text() == own.one("effective").text() {
		b.fold(x, "it is the time of the observation")
	} else if x.ok() {
		b.c.Decline(x.msg(), "when a result was released has no place in a statement")
	}
}

var absent = map[string]string{"unknown": "UNK", "asked-unknown": "ASKU", "temp-unknown": "NAV", "not-asked": "NASK", "asked-declined": "ASKU", "masked": "MSK",
	"not-applicable": "NA", "unsupported": "OTH", "negative-infinity": "NINF", "positive-infinity": "PINF", "not-permitted": "NP"}

// value writes what was observed, as the datatype that holds it.
func (b *born) value(n tree.Node, e element) {
	switch e.t.Name {
	case "Quantity":
		sign := e.one("comparator").text()
		if sign == "" {
			b.asValue(b.quantity(n, "value", e), "PQ")
			return
		}
		k := b.asValue(b.add(n, "value"), "IVL_PQ")
		end := "low"
		if strings.HasPrefix(sign, "<") {
			end = "high"
		}
		q := b.quantity(k, end, e)
		inclusive := "false"
		if strings.HasSuffix(sign, "=") {
			inclusive = "true"
		}
		b.put(q, "inclusive", inclusive)
		b.claim(e.one("comparator"))
	case "CodeableConcept":
		b.asValue(b.concept(n, "value", e), "CD")
	case "Range":
		b.rangeOf(b.add(n, "value"), e)
	case "Period":
		k := b.asValue(b.add(n, "value"), "IVL_TS")
		b.time(b.add(k, "low"), e.one("start"))
		b.time(b.add(k, "high"), e.one("end"))
	case "Ratio":
		k := b.asValue(b.add(n, "value"), "RTO_PQ_PQ")
		b.quantity(k, "numerator", e.one("numerator"))
		b.quantity(k, "denominator", e.one("denominator"))
	case "integer":
		b.put(b.asValue(b.add(n, "value"), "INT"), "value", e.text())
		b.claim(e)
	case "boolean":
		b.put(b.asValue(b.add(n, "value"), "BL"), "value", e.text())
		b.claim(e)
	case "dateTime":
		b.time(b.asValue(b.add(n, "value"), "TS"), e)
	case "string", "time":
		k := b.asValue(b.add(n, "value"), "ST")
		b.d.SetText(k, e.text())
		b.claim(e)
	default:
		b.asValue(b.null(n, "value", "OTH"), "ST")
	}
}

func (b *born) rangeOf(k tree.Node, e element) {
	b.asValue(k, "IVL_PQ")
	if x := e.one("low"); x.ok() {
		b.quantity(k, "low", x)
	}
	if x := e.one("high"); x.ok() {
		b.quantity(k, "high", x)
	}
}

func (b *born) referenceRange(n tree.Node, e element) {
	k := b.add(n, "referenceRange/observationRange")
	if x := e.one("text"); x.ok() {
		b.d.SetText(b.add(k, "text"), x.text())
		b.claim(x)
	}
	if e.one("low").ok() || e.one("high").ok() {
		b.rangeOf(b.add(k, "value"), e)
	} else {
		v := b.asValue(b.add(k, "value"), "ST")
		b.d.SetText(v, cmp.Or(e.one("text").text(), "unknown"))
	}
}

// results writes the reports with their results, and what belongs to no report in organizers of its own.
func (b *born) results(p *bornPart, list []*mapping.Resource) {
	for _, r := range list {
		if r.Type() != "DiagnosticReport" {
			continue
		}
		for _, x := range elementOf(r.Msg).all("result") {
			if to := b.follow(r, x); to != nil && to.Type() == "Observation" && !b.c.Refused(to.Msg) && sectionOfObservation(elementOf(to.Msg)) == "results" &&
				b.sectionFor(to) == "results" && !b.reported[to] {
				b.reported[to] = true
			}
		}
	}
	done := map[*mapping.Resource]bool{}
	for _, r := range list {
		e := elementOf(r.Msg)
		if r.Type() == "Observation" && b.reported[r] {
			continue
		}
		b.c.Place(r)
		k := b.put(b.add(b.entry(p), "organizer"), "classCode", "CLUSTER", "moodCode", "EVN")
		b.template(k, entryTemplate("1", "2015-08-01"))
		if r.Type() == "Observation" {
			b.ids(k, r, "organizer")
			b.c.Anew(func() { b.concept(k, "code", e.one("code")) })
			b.stateOf(k, observationStatus, e.one("status"))
			b.span(k, e.one("effective"))
			b.resultComponents(p, k, r)
			continue
		}
		b.ids(k, r, "")
		b.concept(k, "code", e.one("code"))
		b.stateOf(k, reportStatus, e.one("status"))
		b.span(k, e.one("effective"))
		for _, x := range e.all("performer") {
			b.performer(k, r, x)
		}
		for _, x := range e.all("category") {
			b.fold(x, "its section says it")
		}
		any := false
		for _, x := range e.all("result") {
			to := b.follow(r, x)
			if to == nil || !b.reported[to] || done[to] {
				if to != nil {
					b.c.Decline(x.msg(), "the result stands in another section or report")
				}
				continue
			}
			done[to], any = true, true
			b.claim(x.one("reference"))
			b.fold(x, "the organizer of a report holds its results")
			b.c.Place(to)
			b.resultComponents(p, k, to)
		}
		if x := e.one("conclusion"); x.ok() {
			o := b.act(b.add(k, "component"), "observation", "OBS", "EVN", r, "conclusion", entryTemplate("2", "2015-08-01"))
			b.coded(o, "code", "48767-8", loincOID, "Annotation comment")
			b.link(o, p.row("Conclusion", x.text(), "", dateOf(r)))
			b.stateOf(o, reportStatus, e.one("status"))
			b.effective(o, e.one("effective"), false)
			b.d.SetText(b.asValue(b.add(o, "value"), "ST"), x.text())
			b.claim(x)
			any = true
		}
		if !any { // an organizer has something in it
			o := b.act(b.add(k, "component"), "observation", "OBS", "EVN", r, "empty", entryTemplate("2", "2015-08-01"))
			b.concept(o, "code", e.one("code"))
			b.link(o, p.row(wordsOf(e.one("code")), "see the other sections", e.one("status").text(), dateOf(r)))
			b.stateOf(o, reportStatus, e.one("status"))
			b.effective(o, e.one("effective"), false)
			b.asValue(b.null(o, "value", "NA"), "ST")
		}
		if x := e.one("issued"); x.ok() {
			b.c.Decline(x.msg(), "when a report was released has no place in a statement")
		}
	}
}

// span writes a time as low and high, which an organizer wants.
func (b *born) span(n tree.Node, e element) {
	when := b.effective(n, e, true)
	if b.d.Child(when, "high") == 0 {
		if low := b.d.Child(when, "low"); low != 0 && attrText(b.d, low, "value") != "" {
			b.put(b.add(when, "high"), "value", attrText(b.d, low, "value"))
		} else {
			b.null(when, "high", "UNK")
		}
	}
}

// resultComponents writes an observation and its components into an organizer.
func (b *born) resultComponents(p *bornPart, n tree.Node, r *mapping.Resource) {
	e := elementOf(r.Msg)
	id := p.row(wordsOf(e.one("code")), words(wordsOf(e.one("value")), wordsOf(e.one("interpretation"))), e.one("status").text(), dateOf(r))
	b.observation(b.add(n, "component"), r, e, "results", id, "")
	for i, x := range e.all("component") {
		id := p.row(wordsOf(x.one("code")), wordsOf(x.one("value")), e.one("status").text(), dateOf(r))
		b.observation(b.add(n, "component"), r, x, "results", id, "component "+strconv.Itoa(i))
	}
}

// vitals writes the vital signs of one time in one organizer.
func (b *born) vitals(p *bornPart, list []*mapping.Resource) {
	for len(list) > 0 {
		when := dateOf(list[0])
		i := 1
		for i < len(list) && dateOf(list[i]) == when {
			i++
		}
		r := list[0]
		k := b.put(b.add(b.entry(p), "organizer"), "classCode", "CLUSTER", "moodCode", "EVN")
		b.template(k, entryTemplate("26", "2015-08-01"))
		b.ids(k, r, "vital signs")
		code := b.coded(k, "code", "46680005", snomedOID, "Vital signs")
		b.put(b.add(code, "translation"), "code", "74728-7", "codeSystem", loincOID, "displayName", "Vital signs")
		b.put(b.add(k, "statusCode"), "code", "completed")
		b.span(k, elementOf(r.Msg).one("effective"))
		for _, r := range list[:i] {
			b.c.Place(r)
			e := elementOf(r.Msg)
			if e.one("value").ok() {
				b.observation(b.add(k, "component"), r, e, "vitals", p.row(wordsOf(e.one("code")), wordsOf(e.one("value")), dateOf(r)), "")
			} else {
				b.fold(e.one("code"), "the measurements of a panel stand side by side")
			}
			for i, x := range e.all("component") {
				id := p.row(wordsOf(x.one("code")), wordsOf(x.one("value")), dateOf(r))
				b.observation(b.add(k, "component"), r, x, "vitals", id, "component "+strconv.Itoa(i))
			}
		}
		list = list[i:]
	}
}

var encounterStatus = map[string]string{"finished": "completed", "in-progress": "active", "arrived": "active", "triaged": "active", "onleave": "active",
	"planned": "active", "cancelled": "cancelled"}

func (b *born) encounter(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	state := e.one("status").text()
	id := p.row(cmp.Or(wordsOf(e.one("type")), wordsOf(e.one("class"))), wordsOf(e.one("reasonCode")), state, e.one("period.start").text(), e.one("period.end").text())
	mood, t := "EVN", entryTemplate("49", "2015-08-01")
	if state == "planned" {
		mood, t = "INT", entryTemplate("40", "2014-06-09")
	}
	k := b.act(b.entry(p), "encounter", "ENC", mood, r, "", t)
	code := b.concept(k, "code", e.one("type"))
	if c := e.one("class.code"); c.ok() {
		b.put(b.add(code, "translation"), "code", c.text(), "codeSystem", actCodeOID, "displayName", e.one("class.display").text())
		b.claim(e.one("class"))
	}
	b.link(k, id)
	if code := encounterStatus[state]; code != "" {
		b.put(b.add(k, "statusCode"), "code", code)
	} else {
		b.null(k, "statusCode", "UNK")
	}
	if state == "finished" || state == "cancelled" || state == "planned" {
		b.claim(e.one("status"))
	} else {
		b.fold(e.one("status"), "C-CDA knows fewer states of an encounter")
	}
	b.effective(k, e.one("period"), true)
	if x := e.one("hospitalization.dischargeDisposition"); x.ok() {
		b.concept(k, "sdtc:dischargeDispositionCode", x)
	}
	for _, x := range e.all("participant") {
		b.performer(k, r, x.one("individual"))
	}
	b.declineOf(e.one("serviceProvider"), "the custodian is the organization that keeps the record")
	b.reasons(k, r)
}

var planStatus = map[string]string{"draft": "active", "active": "active", "on-hold": "suspended", "revoked": "aborted", "completed": "completed"}

// carePlan writes the activities of a plan. Only what is still planned has the template of a planned act.
func (b *born) carePlan(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	what := e.one("category")
	if list := e.all("category"); len(list) > 0 {
		what = list[len(list)-1]
	}
	state := e.one("status").text()
	id := p.row(cmp.Or(e.one("title").text(), wordsOf(what)), state, wordsOf(e.one("period")))
	k := b.planned(b.entry(p), r, "", state)
	b.concept(k, "code", what)
	b.link(k, id)
	b.planState(k, state, e.one("status"))
	b.fold(e.one("intent"), "the mood of the statement says it")
	b.effective(k, e.one("period"), true)
	for i, x := range e.all("activity") {
		d := x.one("detail")
		if !d.ok() || d.one("doNotPerform").text() == "true" {
			continue
		}
		id := p.row(wordsOf(d.one("code")), d.one("status").text(), "")
		a := b.act(b.related(k, "COMP", false), "act", "ACT", "INT", r, "activity "+strconv.Itoa(i))
		b.concept(a, "code", d.one("code"))
		b.link(a, id)
		b.put(b.add(a, "statusCode"), "code", cmp.Or(activityStatus[d.one("status").text()], "active"))
		b.fold(d.one("status"), "C-CDA knows fewer states of a plan")
		b.claim(d.one("doNotPerform"))
	}
	b.notes(k, e)
}

var activityStatus = map[string]string{"completed": "completed", "cancelled": "cancelled", "stopped": "aborted", "on-hold": "suspended"}

func (b *born) planned(n tree.Node, r *mapping.Resource, part, state string) tree.Node {
	if state == "active" || state == "draft" {
		return b.act(n, "act", "ACT", "INT", r, part, entryTemplate("39", "2014-06-09"))
	}
	return b.act(n, "act", "ACT", "INT", r, part)
}

func (b *born) planState(n tree.Node, state string, e element) {
	code := planStatus[state]
	if code == "" {
		b.null(n, "statusCode", "UNK")
	} else {
		b.put(b.add(n, "statusCode"), "code", code)
	}
	if state == "draft" {
		b.fold(e, "C-CDA knows fewer states of a plan")
	} else {
		b.claim(e)
	}
}

func (b *born) order(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	if e.one("doNotPerform").text() == "true" {
		b.decline(r, "a planned act of C-CDA cannot be prohibited")
		return
	}
	state := e.one("status").text()
	when := e.one("occurrence")
	if !when.ok() || when.t.Name == "Timing" {
		when = element{}
	}
	id := p.row(wordsOf(e.one("code")), state, dateOf(r))
	k := b.planned(b.entry(p), r, "", state)
	b.concept(k, "code", e.one("code"))
	b.link(k, id)
	b.planState(k, state, e.one("status"))
	b.fold(e.one("intent"), "the mood of the statement says it")
	b.claim(e.one("doNotPerform"))
	if when.ok() {
		b.effective(k, when, false)
	}
	b.author(k, r, "requester", "authoredOn")
	b.reasons(k, r)
	b.notes(k, e)
}

func (b *born) goal(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	state := e.one("lifecycleStatus").text()
	id := p.row(wordsOf(e.one("description")), words(state, e.code("achievementStatus")), wordsOf(e.one("start")))
	var list []templateOf
	if state == "active" || state == "accepted" || state == "planned" || state == "proposed" {
		list = append(list, entryTemplate("121", ""))
	}
	k := b.act(b.entry(p), "observation", "OBS", "GOL", r, "", list...)
	b.concept(k, "code", e.one("description"))
	b.link(k, id)
	switch state {
	case "completed":
		b.put(b.add(k, "statusCode"), "code", "completed")
	case "cancelled", "rejected":
		b.put(b.add(k, "statusCode"), "code", "cancelled")
	case "on-hold":
		b.put(b.add(k, "statusCode"), "code", "suspended")
	default:
		b.put(b.add(k, "statusCode"), "code", "active")
	}
	b.fold(e.one("lifecycleStatus"), "C-CDA knows fewer states of a goal")
	if x := e.one("start"); x.ok() && x.t.Prim != nil {
		b.effective(k, x, true)
	}
	if x := e.one("target.detail"); x.ok() {
		b.value(k, x)
	}
	b.notes(k, e)
}

// relative writes a relative with the conditions known of them: Family History Organizer.
func (b *born) relative(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	k := b.act(b.entry(p), "organizer", "CLUSTER", "EVN", r, "", entryTemplate("45", "2015-08-01"))
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.fold(e.one("status"), "C-CDA knows one state of a family history")
	who := b.put(b.add(k, "subject/relatedSubject"), "classCode", "PRS")
	b.concept(who, "code", e.one("relationship"))
	sex := b.add(who, "subject/administrativeGenderCode")
	switch e.code("sex") {
	case "male":
		b.put(sex, "code", "M", "codeSystem", "2.16.840.1.113883.5.1")
	case "female":
		b.put(sex, "code", "F", "codeSystem", "2.16.840.1.113883.5.1")
	default:
		b.put(sex, "nullFlavor", "UNK")
	}
	if e.code("sex") == "male" || e.code("sex") == "female" {
		b.claim(e.one("sex"))
	}
	for i, x := range e.all("condition") {
		id := p.row(wordsOf(e.one("relationship")), wordsOf(x.one("code")))
		o := b.act(b.add(k, "component"), "observation", "OBS", "EVN", r, "condition "+strconv.Itoa(i), entryTemplate("46", "2015-08-01"))
		code := b.coded(o, "code", "64572001", snomedOID, "Disease")
		b.put(b.add(code, "translation"), "code", "75315-2", "codeSystem", loincOID, "displayName", "Condition Family member")
		b.link(o, id)
		b.put(b.add(o, "statusCode"), "code", "completed")
		b.asValue(b.concept(o, "value", x.one("code")), "CD")
	}
	b.notes(k, e)
}

// device writes a device of the patient's: Non-Medicinal Supply Activity with a Product Instance.
func (b *born) device(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	name := cmp.Or(wordsOf(e.one("type")), e.one("deviceName.name").text())
	udi := e.one("udiCarrier.deviceIdentifier")
	id := p.row(name, udi.text())
	k := b.act(b.entry(p), "supply", "SPLY", "EVN", r, "supply", entryTemplate("50", "2014-06-09"))
	b.link(k, id)
	state := "completed"
	if e.one("status").text() == "active" {
		state = "active"
	}
	b.put(b.add(k, "statusCode"), "code", state)
	b.fold(e.one("status"), "the state of the supply says it")
	part := b.put(b.add(k, "participant"), "typeCode", "PRD")
	role := b.put(b.add(part, "participantRole"), "classCode", "MANU")
	b.template(role, entryTemplate("37", ""))
	if text := e.one("udiCarrier.carrierHRF"); text.ok() {
		b.put(b.add(role, "id"), "root", "2.16.840.1.113883.3.3719", "extension", text.text(), "assigningAuthorityName", "FDA")
		b.claim(text)
	} else {
		b.ids(role, r, "")
	}
	b.concept(b.add(role, "playingDevice"), "code", e.one("type"))
	scoping := b.add(role, "scopingEntity")
	b.put(b.add(scoping, "id"), "root", "2.16.840.1.113883.3.3719")
	if m := e.one("manufacturer"); m.ok() {
		b.d.SetText(b.add(scoping, "desc"), m.text())
		b.claim(m)
	}
}

// note writes a text: Note Activity.
func (b *born) note(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	state := e.one("status").text()
	if r.Type() == "DocumentReference" && state != "current" {
		b.decline(r, "a document that another one takes the place of")
		return
	}
	what := e.one("type")
	if r.Type() == "DiagnosticReport" {
		what = e.one("code")
	}
	text := cmp.Or(e.one("conclusion").text(), e.one("description").text(), wordsOf(what), "A document")
	id := p.row(text, dateOf(r))
	k := b.act(b.entry(p), "act", "ACT", "EVN", r, "", entryTemplate("202", "2016-11-01"))
	code := b.coded(k, "code", "34109-9", loincOID, "Note")
	if what.ok() {
		b.concept(code, "translation", what)
	}
	words := b.add(k, "text")
	if a := e.one("content.attachment"); a.one("data").ok() {
		b.put(words, "mediaType", a.one("contentType").text(), "representation", "B64")
		b.d.SetText(words, a.one("data").text())
		b.claim(a.one("data"), a.one("contentType"))
	}
	b.put(b.add(words, "reference"), "value", "#"+id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.fold(e.one("status"), "a note of a document stands")
	b.fold(e.one("conclusion"), "it stands in the narrative")
	b.fold(e.one("description"), "it stands in the narrative")
	when := e.one("date")
	if r.Type() == "DiagnosticReport" {
		when = e.one("effective")
	}
	b.effective(k, when, false)
	a := b.add(k, "author")
	b.template(a, entryTemplate("119", ""))
	if s := dateOf(r); s != "" {
		b.put(b.add(a, "time"), "value", cdaTime(s))
	} else {
		b.null(a, "time", "UNK")
	}
	if !b.assigned(a, "assignedAuthor", r, e.one("author")) {
		b.null(b.add(a, "assignedAuthor"), "id", "UNK")
	}
}
