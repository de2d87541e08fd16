package ccdafhir

import (
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
			if e.one("conclusion").ok() || e.one("presentedForm").ok() {
				return "notes"
			}
			b.decline(r, "a report without results, conclusion and text")
			return ""
		}
		return "results"
	case "Observation":
		return sectionOfObservation(e)
	case "Encounter":
		if e.one("status").text() == "planned" { // the section of encounters is of those that were
			return "plan"
		}
		return "encounters"
	case "CarePlan", "ServiceRequest", "SupplyRequest":
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
		case "SupplyRequest":
			b.supplyOrder(p, r)
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
	if part == "" {
		b.authors(k, r)
	}
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
	to := b.follow(r, ref)
	if to == nil {
		return
	}
	if to.Type() == "Patient" || to.Type() == "RelatedPerson" || to.Type() == "CareTeam" {
		b.declineOf(ref, "a performer of a statement is a person or organization that is assigned to it")
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
		b.link(k, b.part.aside(words.text()))
		if text := words.text(); strings.Join(strings.Fields(text), " ") != text {
			b.fold(words, "the narrative tells no blanks and ends of lines apart")
		} else {
			b.claim(words)
		}
	}
}

// reasons writes why something was done, or what a plan is for: Indication.
func (b *born) reasons(n tree.Node, r *mapping.Resource) {
	e := elementOf(r.Msg)
	for i, x := range slices.Concat(e.all("reasonCode"), e.all("reasonReference"), e.all("addresses")) {
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
