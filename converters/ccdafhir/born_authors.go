package ccdafhir

import (
	"slices"

	provpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/provenance_go_proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes who wrote what by the record's Provenances. One that leads to the patient is about the record as a whole: its authors
// are the document's, and no statement says them again.

// authors writes who wrote a statement, but for whom the resource names itself.
func (b *born) authors(n tree.Node, r *mapping.Resource) { b.authorsOf(n, r, false) }

func (b *born) authorsOf(n tree.Node, r *mapping.Resource, whole bool) {
	for _, w := range written(b.c)[r.Msg] {
		if b.ofWhole(w.by) != whole {
			continue
		}
		claimed := w.targets
		if whole {
			claimed = w.says.Target
		}
		for _, agent := range elementOf(w.says).all("agent") {
			if x, ok := agent.msg().(*provpb.Provenance_Agent); !ok || !isAuthor(x) || b.c.Refused(x) {
				continue
			}
			if !b.named(r, w.by, agent) && !b.agent(n, w.by, agent, whole) {
				continue
			}
			b.c.Place(w.by)
			b.claim(agent.one("type"))
			for _, t := range claimed {
				b.c.Claim(t)
			}
		}
	}
}

// ofWhole reports a Provenance of the whole record.
func (b *born) ofWhole(p *mapping.Resource) bool {
	return b.patient != nil && slices.ContainsFunc(written(b.c)[b.patient.Msg], func(w writing) bool { return w.by == p })
}

// named reports that a resource names an agent itself, with the time: that author is written by the statement.
func (b *born) named(r, p *mapping.Resource, agent element) bool {
	e := elementOf(r.Msg)
	when, who := e.one("recordedDate"), e.one("recorder")
	if !when.ok() {
		when, who = e.one("authoredOn"), e.one("requester")
	}
	if !when.ok() || !who.ok() {
		return false
	}
	person := b.personOf(b.follow(r, who))
	if person == nil || person != b.personOf(b.follow(p, agent.one("who"))) {
		return false
	}
	b.claim(agent.one("who"))
	return true
}

// personOf is the practitioner of a role, else the resource itself.
func (b *born) personOf(r *mapping.Resource) *mapping.Resource {
	if r != nil && r.Type() == "PractitionerRole" {
		if who := b.follow(r, elementOf(r.Msg).one("practitioner")); who != nil {
			return who
		}
	}
	return r
}

// agent writes an agent of a Provenance as an author. That of a document is a person.
func (b *born) agent(n tree.Node, p *mapping.Resource, agent element, whole bool) bool {
	if who := b.personOf(b.follow(p, agent.one("who"))); whole && (who == nil || who.Type() != "Practitioner") {
		return false
	}
	a := b.add(n, "author")
	if who := b.follow(p, agent.one("who")); who != nil && who.Type() == "Device" && !b.c.Refused(who.Msg) {
		b.c.Place(who)
		k := b.add(a, "assignedAuthor")
		b.c.Anew(func() { b.c.WriteTable("AuthorDevice", who.Msg, k) })
		if b.d.Child(k, "id") == 0 {
			b.ids(k, who, "")
		}
		b.claim(agent.one("who"))
	} else if !b.assigned(a, "assignedAuthor", p, agent.one("who")) {
		b.clear(a)
		return false
	}
	e := elementOf(p.Msg)
	when := e.one("occurred")
	if when.ok() && when.t.Name == "Period" {
		when = when.one("start")
	}
	if !when.ok() {
		when = e.one("recorded")
	}
	if !whole {
		b.template(a, entryTemplate("119", ""))
	}
	b.time(b.add(a, "time"), when)
	who := b.d.Child(a, "assignedAuthor")
	if org := b.follow(p, agent.one("onBehalfOf")); org != nil && org.Type() == "Organization" && b.d.Child(who, "representedOrganization") == 0 && !b.c.Refused(org.Msg) {
		b.organization(b.add(who, "representedOrganization"), org)
		b.claim(agent.one("onBehalfOf"))
	}
	if whole {
		b.noAddress(who)
	}
	return true
}
