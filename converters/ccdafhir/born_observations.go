package ccdafhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes what was observed: results and vital signs in their organizers, and all other observations.

func sectionOfObservation(e element) string {
	final := slices.Contains([]string{"final", "amended", "corrected"}, e.one("status").text())
	quantity := func(x element) bool { // a vital sign has a unit
		v := x.one("value")
		return v.ok() && v.t.Name == "Quantity" && !v.one("comparator").ok() && (v.one("unit").ok() || v.one("code").ok())
	}
	measured := quantity(e) && e.one("value.value").ok()
	parts := len(e.all("component")) > 0
	for _, x := range e.all("component") {
		parts = parts && quantity(x)
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
	when := own.one("effective")
	smoking := section == "social" && e.has("code", "72166-2") && !(when.ok() && when.t.Name == "Period") // its template wants one moment
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
		t = ofKnownState(own)
	}
	k := b.act(n, "observation", "OBS", "EVN", r, part, t)
	if section == "vitals" && part != "" && !own.one("value").ok() { // of a panel no more is written
		b.authors(k, r)
	}
	if smoking {
		b.coded(k, "code", "72166-2", loincOID, "Tobacco smoking status NHIS")
		b.claimCode(e.one("code"))
	} else {
		code := b.concept(k, "code", e.one("code"))
		if section == "social" && attrText(b.d, code, "codeSystem") != loincOID && b.d.Child(code, "translation") == 0 {
			b.null(code, "translation", "OTH") // the template wants a code of LOINC beside one of another system
		}
	}
	b.link(k, row)
	b.stateOf(k, observationStatus, own.one("status"))
	b.effective(k, when, false)
	if v := e.one("value"); v.ok() {
		b.value(k, v)
	} else if section != "results" || part != "panel" {
		flavor := "UNK"
		if f, ok := absent[e.code("dataAbsentReason")]; ok {
			flavor = f
			b.fold(e.one("dataAbsentReason"), "the null flavour of the value says it")
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
		b.specimen(k, r, own.one("specimen"))
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

// specimen writes of what something was measured.
func (b *born) specimen(n tree.Node, r *mapping.Resource, ref element) {
	to := b.follow(r, ref)
	if to == nil || to.Type() != "Specimen" || b.c.Refused(to.Msg) {
		return
	}
	b.c.Place(to)
	k := b.add(b.d.Add(n, "specimen", ""), "specimenRole")
	b.c.Anew(func() { b.c.WriteTable("Material", to.Msg, b.d.Parent(k)) })
	if code := b.d.Child(b.d.Child(k, "specimenPlayingEntity"), "code"); code != 0 && strings.ContainsAny(attrText(b.d, code, "code"), blanks) {
		kind := elementOf(to.Msg).one("type")
		b.codeless(code, "OTH", wordsOf(kind))
		b.fold(kind, blankWhy)
	}
	b.foreignIDs(k, elementOf(to.Msg))
	if b.d.Child(k, "id") == 0 {
		b.ids(k, to, "")
	}
	b.claim(ref)
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
	switch x := e.one("type"); {
	case e.code("type") == "normal":
		b.put(b.add(k, "interpretationCode"), "code", "N", "codeSystem", "2.16.840.1.113883.5.83", "displayName", "Normal")
		b.fold(x, "a range of what is normal")
	default:
		b.declineOf(x, "C-CDA knows the ranges of what is normal")
	}
}

// results writes the reports with their results, and what belongs to no report in organizers of its own.
func (b *born) results(p *bornPart, list []*mapping.Resource) {
	for _, r := range list {
		if r.Type() != "DiagnosticReport" {
			continue
		}
		for _, x := range elementOf(r.Msg).all("result") {
			if to := b.follow(r, x); to != nil && to.Type() == "Observation" && !b.c.Refused(to.Msg) && b.sectionFor(to) == "results" {
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
		if r.Type() == "Observation" {
			b.ids(k, r, "organizer")
			b.c.Anew(func() { b.concept(k, "code", e.one("code")) })
			b.stateOf(k, observationStatus, e.one("status"))
			b.span(k, e.one("effective"))
			b.resultComponents(p, k, r)
			b.resultOrganizer(k, e)
			continue
		}
		b.ids(k, r, "")
		b.concept(k, "code", e.one("code"))
		b.stateOf(k, reportStatus, e.one("status"))
		b.span(k, e.one("effective"))
		for _, x := range e.all("performer") {
			b.performer(k, r, x)
		}
		for _, x := range e.all("specimen") {
			b.specimen(k, r, x)
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
			o := b.act(b.add(k, "component"), "observation", "OBS", "EVN", r, "conclusion", ofKnownState(e))
			b.coded(o, "code", "48767-8", loincOID, "Annotation comment")
			b.link(o, p.row("Conclusion", x.text(), "", dateOf(r)))
			b.stateOf(o, reportStatus, e.one("status"))
			b.effective(o, e.one("effective"), false)
			b.d.SetText(b.asValue(b.add(o, "value"), "ST"), x.text())
			b.fold(x, "a conclusion comes back as an observation of the report")
			any = true
		}
		if !any { // an organizer has something in it
			o := b.act(b.add(k, "component"), "observation", "OBS", "EVN", r, "empty", ofKnownState(e))
			b.concept(o, "code", e.one("code"))
			where := "its results are not here"
			if slices.ContainsFunc(e.all("result"), func(x element) bool { return b.follow(r, x) != nil }) {
				where = "see the other sections"
			}
			b.link(o, p.row(wordsOf(e.one("code")), where, e.one("status").text(), dateOf(r)))
			b.stateOf(o, reportStatus, e.one("status"))
			b.effective(o, e.one("effective"), false)
			b.asValue(b.null(o, "value", "NA"), "ST")
		}
		b.resultOrganizer(k, e)
		if x := e.one("issued"); x.ok() {
			b.c.Decline(x.msg(), "when a report was released has no place in a statement")
		}
	}
}

// ofKnownState is the template of a result that an observation or a report is: it wants to know its state.
func ofKnownState(e element) templateOf {
	if status := e.one("status").text(); observationStatus[status] == "" && reportStatus[status] == "" {
		return templateOf{}
	}
	return entryTemplate("2", "2015-08-01")
}

// resultOrganizer gives an organizer its template, which wants to know its state and that of a result in it.
func (b *born) resultOrganizer(n tree.Node, e element) {
	if reportStatus[e.one("status").text()] == "" {
		return
	}
	for k := b.d.First(n); k != 0; k = b.d.Next(k) {
		if b.d.Name(k) == "component" && b.d.Child(b.d.Child(k, "observation"), "templateId") != 0 {
			b.template(n, entryTemplate("1", "2015-08-01"))
			return
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
