package ccdafhir

import (
	"cmp"

	"github.com/chartpost/chartpost/pkg/mapping"
)

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

var encounterStatus = map[string]string{"finished": "completed", "in-progress": "active", "arrived": "active", "triaged": "active", "onleave": "active",
	"planned": "active", "cancelled": "cancelled"}

func (b *born) encounter(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	state := e.one("status").text()
	mood, t := "EVN", entryTemplate("49", "2015-08-01")
	what := cmp.Or(wordsOf(e.one("type")), wordsOf(e.one("class")))
	cells := []string{what, wordsOf(e.one("reasonCode")), state, e.one("period.start").text(), e.one("period.end").text()}
	if state == "planned" {
		mood, t = "INT", entryTemplate("40", "2014-06-09")
		cells = []string{what, state, e.one("period.start").text()}
	}
	id := p.row(cells...)
	k := b.act(b.entry(p), "encounter", "ENC", mood, r, "", t)
	code := b.concept(k, "code", e.one("type"))
	if c := e.one("class.code"); c.ok() {
		if system := e.one("class.system"); system.ok() && system.text() != "http://terminology.hl7.org/CodeSystem/v3-ActCode" {
			b.concept(code, "translation", e.one("class")) // a code of another system is none of ActCode's
		} else {
			b.put(b.add(code, "translation"), "code", c.text(), "codeSystem", actCodeOID, "displayName", e.one("class.display").text())
			b.claim(system, c, e.one("class.display"))
		}
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
