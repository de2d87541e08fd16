package ccdafhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes what is planned, ordered and aimed at.

var planStatus = map[string]string{"draft": "new", "active": "active", "on-hold": "suspended", "revoked": "aborted", "completed": "completed"}

// carePlan writes the activities of a plan. Only what is in force has the template of a planned act, which allows no other state.
func (b *born) carePlan(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	what := e.one("category")
	if list := e.all("category"); len(list) > 0 {
		what = list[len(list)-1]
	}
	state := e.one("status").text()
	id := p.row(cmp.Or(e.one("title").text(), wordsOf(what)), state, wordsOf(e.one("period")))
	k := b.planned(b.entry(p), r, "", state, "INT")
	b.concept(k, "code", what)
	b.link(k, id)
	b.planState(k, state, e.one("status"))
	b.fold(e.one("intent"), "the mood of the statement says it")
	b.effective(k, e.one("period"), true)
	b.reasons(k, r)
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
		if when := d.one("scheduled"); when.ok() && when.t.Name == "Period" {
			b.effective(a, when, true)
		}
		b.asked(d.one("doNotPerform"))
	}
	b.notes(k, e)
}

var activityStatus = map[string]string{"completed": "completed", "cancelled": "cancelled", "stopped": "aborted", "on-hold": "suspended"}

// moodOf is the mood of what is to be done: what has been ordered is no mere intention.
func moodOf(intent string) string {
	switch {
	case intent == "proposal":
		return "PRP"
	case strings.HasSuffix(intent, "order"):
		return "RQO"
	}
	return "INT"
}

func (b *born) planned(n tree.Node, r *mapping.Resource, part, state, mood string) tree.Node {
	if state == "active" {
		return b.act(n, "act", "ACT", mood, r, part, entryTemplate("39", "2014-06-09"))
	}
	return b.act(n, "act", "ACT", mood, r, part)
}

func (b *born) planState(n tree.Node, state string, e element) {
	code := planStatus[state]
	if code == "" {
		b.null(n, "statusCode", "UNK")
	} else {
		b.put(b.add(n, "statusCode"), "code", code)
	}
	b.claim(e)
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
	mood := moodOf(e.one("intent").text())
	k := b.planned(b.entry(p), r, "", state, mood)
	b.concept(k, "code", e.one("code"))
	b.link(k, id)
	b.planState(k, state, e.one("status"))
	if intent := e.one("intent"); slices.Contains(lives["ServiceRequest"].intents[mood], intent.text()) {
		b.claim(intent)
	} else {
		b.fold(intent, "the mood of the statement says whether it is a plan, a proposal or an order, and no more")
	}
	b.asked(e.one("doNotPerform"))
	if when.ok() {
		b.effective(k, when, false)
	}
	if x := e.one("priority"); actPriority[x.text()] != "" {
		b.put(b.add(k, "priorityCode"), "code", actPriority[x.text()], "codeSystem", "2.16.840.1.113883.5.7")
		b.fold(x, "it stands there in C-CDA's codes of how urgent an act is")
	}
	b.author(k, r, "requester", "authoredOn")
	b.reasons(k, r)
	b.notes(k, e)
}

// actPriority is a priority of FHIR in the codes of ActPriority.
var actPriority = map[string]string{"routine": "R", "urgent": "UR", "asap": "A", "stat": "S"}

// supplyOrder writes what shall be supplied: Planned Supply, E.43.
func (b *born) supplyOrder(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	state := e.one("status").text()
	what := e.one("item")
	var item *mapping.Resource
	if what.ok() && what.t.Name == "Reference" {
		switch item = b.follow(r, what); {
		case item != nil && item.Type() == "Medication" && !b.c.Refused(item.Msg):
			b.c.Place(item)
			b.fold(what, "the medication stands there whole")
			what = elementOf(item.Msg).one("code")
		case item != nil && item.Type() == "Device" && !b.c.Refused(item.Msg):
			b.fold(what, "the device stands there with its type")
			what = elementOf(item.Msg).one("type")
		default:
			what = element{}
		}
	}
	id := p.row(words(cmp.Or(wordsOf(what), wordsOf(e.one("category"))), wordsOf(e.one("quantity"))), state, dateOf(r))
	var list []templateOf
	if state == "active" {
		list = append(list, entryTemplate("43", "2014-06-09"))
	}
	k := b.act(b.entry(p), "supply", "SPLY", "INT", r, "", list...)
	b.link(k, id)
	b.planState(k, state, e.one("status"))
	switch when := e.one("occurrence"); {
	case when.ok() && when.t.Name == "Period":
		b.asValue(b.effective(k, when, true), "IVL_TS")
	case when.ok() && when.t.Prim != nil:
		b.asValue(b.effective(k, when, false), "TS")
	}
	if x := e.one("quantity"); x.ok() {
		b.quantity(k, "quantity", x)
	}
	if what.ok() && what.t.Name == "CodeableConcept" {
		m := b.put(b.add(k, "product/manufacturedProduct"), "classCode", "MANU")
		if item != nil && item.Type() == "Medication" {
			b.template(m, entryTemplate("23", "2014-06-09"))
		}
		b.concept(b.add(m, "manufacturedMaterial"), "code", what)
	}
	b.author(k, r, "requester", "authoredOn")
	b.reasons(k, r)
	if to := e.one("deliverTo"); b.patient != nil && b.follow(r, to) == b.patient {
		b.claim(to)
	}
}

func (b *born) goal(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	state := e.one("lifecycleStatus").text()
	id := p.row(wordsOf(e.one("description")), words(state, wordsOf(e.one("achievementStatus"))), wordsOf(e.one("start")))
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
	b.fold(e.one("achievementStatus"), "how far a goal is reached stands in the narrative")
	start, due := e.one("start"), e.one("target.due")
	if start.ok() && start.t.Prim == nil {
		start = element{}
	}
	if due.ok() && due.t.Prim == nil {
		due = element{}
	}
	if start.ok() || due.ok() {
		when := b.effective(k, start, true)
		if due.ok() {
			b.time(b.add(when, "high"), due)
		}
	}
	if x := e.one("target.detail"); x.ok() {
		b.value(k, x)
	}
	b.notes(k, e)
}
