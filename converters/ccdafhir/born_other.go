package ccdafhir

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes what C-CDA on FHIR has no page for: insurance, care teams, advance directives, relatives, devices and notes.

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
	b.fold(udi, "it stands in the narrative")
	playing := b.add(role, "playingDevice")
	b.concept(playing, "code", e.one("type"))
	for _, x := range append(e.all("deviceName"), element{}) {
		what := x.one("name")
		if !x.ok() {
			what = e.one("modelNumber")
		}
		if what.text() != "" {
			b.d.SetText(b.add(playing, "manufacturerModelName"), what.text())
			b.claim(what)
			b.fold(x.one("type"), "C-CDA does not say what kind of name it is")
			break
		}
	}
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
	if r.Type() != "DiagnosticReport" {
		b.noteOf(p, r, e.one("type"), e.one("content.attachment"), "")
		return
	}
	forms := e.all("presentedForm")
	if len(forms) == 0 {
		forms = []element{{}}
	}
	for i, form := range forms {
		part := "form " + strconv.Itoa(i)
		if i == 0 && len(e.all("result")) == 0 {
			part = "" // the note is the report
		}
		b.noteOf(p, r, e.one("code"), form, part)
	}
}

// noteOf writes a text of a kind that a resource has attached. Where it is a part, the resource stands in the document besides.
func (b *born) noteOf(p *bornPart, r *mapping.Resource, what, attached element, part string) {
	e := elementOf(r.Msg)
	title, link := attached.one("title"), attached.one("url")
	conclusion := e.one("conclusion")
	if part != "" {
		conclusion = element{}
	}
	text := cmp.Or(conclusion.text(), e.one("description").text(), title.text(), wordsOf(what), "A document")
	id := p.row(words(text, link.text()), dateOf(r))
	b.fold(link, "it stands in the narrative")
	if text == title.text() {
		b.fold(title, "it stands in the narrative")
	}
	k := b.act(b.entry(p), "act", "ACT", "EVN", r, part, entryTemplate("202", "2016-11-01"))
	code := b.coded(k, "code", "34109-9", loincOID, "Note")
	if what.ok() {
		b.concept(code, "translation", what)
	}
	said := b.add(k, "text")
	if attached.one("data").ok() {
		b.data(said, attached)
	}
	b.put(b.add(said, "reference"), "value", "#"+id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.fold(e.one("status"), "a note of a document stands")
	b.fold(conclusion, "it stands in the narrative")
	b.fold(e.one("description"), "it stands in the narrative")
	when := e.one("date")
	if r.Type() == "DiagnosticReport" {
		when = e.one("effective")
	}
	b.effective(k, when, false)
	a := b.add(k, "author")
	b.template(a, entryTemplate("119", ""))
	if s := dateOf(r); s != "" {
		b.put(b.add(a, "time"), "value", hl7.DTM(s))
	} else {
		b.null(a, "time", "UNK")
	}
	if !b.assigned(a, "assignedAuthor", r, e.one("author")) {
		b.null(b.add(a, "assignedAuthor"), "id", "UNK")
	}
}

const roleCodeOID = "2.16.840.1.113883.5.110"

// coverage writes an insurance: Coverage Activity with a Policy Activity.
func (b *born) coverage(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	payor := b.follow(r, e.one("payor"))
	name := wordsOf(e.one("payor"))
	if payor != nil && payor.Type() == "Organization" {
		name = cmp.Or(elementOf(payor.Msg).one("name").text(), name)
	}
	subscriber := e.one("subscriberId")
	id := p.row(cmp.Or(name, "unknown"), wordsOf(e.one("type")), subscriber.text(), wordsOf(e.one("period")))
	act := b.act(b.entry(p), "act", "ACT", "EVN", r, "activity", entryTemplate("60", "2015-08-01"))
	b.coded(act, "code", "48768-6", loincOID, "Payment sources")
	b.put(b.add(act, "statusCode"), "code", "completed")
	b.fold(e.one("status"), "an insurance of a document is in force in its time")
	k := b.act(b.related(act, "COMP", false), "act", "ACT", "EVN", r, "", entryTemplate("61", "2015-08-01"))
	kind := b.concept(k, "code", e.one("type"))
	if b.d.Child(kind, "translation") == 0 {
		b.null(kind, "translation", "UNK") // must be there
	}
	b.link(k, id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	// The payer.
	part := b.put(b.add(k, "performer"), "typeCode", "PRF")
	b.template(part, entryTemplate("87", ""))
	who := b.add(part, "assignedEntity")
	b.null(who, "id", "UNK")
	b.coded(who, "code", "PAYOR", roleCodeOID, "Payor")
	b.noAddress(who)
	org := b.add(who, "representedOrganization")
	if payor != nil && payor.Type() == "Organization" {
		b.organization(org, payor)
		b.claim(e.one("payor"))
	} else if name != "" {
		b.d.SetText(b.add(org, "name"), name)
		b.claim(e.one("payor.display"))
	} else {
		b.null(org, "name", "UNK")
	}
	// The patient, as the payer knows him.
	covered := b.put(b.add(k, "participant"), "typeCode", "COV")
	b.template(covered, entryTemplate("89", ""))
	if when := e.one("period"); when.ok() {
		t := b.add(covered, "time")
		for _, end := range [][2]string{{"low", "start"}, {"high", "end"}} {
			if x := when.one(end[1]); x.ok() {
				b.time(b.add(t, end[0]), x)
			}
		}
	}
	role := b.put(b.add(covered, "participantRole"), "classCode", "PAT")
	if subscriber.ok() {
		b.put(b.add(role, "id"), "root", b.memberRoot(r, payor), "extension", subscriber.text())
		b.claim(subscriber)
	} else {
		b.null(role, "id", "UNK")
	}
	b.concept(role, "code", e.one("relationship"))
	// What the policy is: the title of the plan.
	plan := b.related(k, "REFR", false)
	about := b.put(b.add(plan, "act"), "classCode", "ACT", "moodCode", "DEF")
	b.ids(about, r, "plan")
	b.null(about, "code", "UNK")
	words := wordsOf(e.one("class.name"))
	b.d.SetText(b.add(about, "text"), cmp.Or(words, wordsOf(e.one("type")), name, "Health plan"))
	b.claim(e.one("class.name"))
}

// memberRoot is the root of the numbers of a payer's members: the payer's own, or one made of it.
func (b *born) memberRoot(r, payor *mapping.Resource) string {
	if payor != nil {
		return fhir.ID("members", payor.Type(), payor.ID)
	}
	return fhir.ID("members", b.owner(), r.ID)
}

// careTeam writes who cares for the patient: Care Team Organizer with a Care Team Member Act each.
func (b *born) careTeam(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	k := b.act(b.entry(p), "organizer", "CLUSTER", "EVN", r, "", entryTemplate("500", "2022-06-01"))
	code := b.coded(k, "code", "86744-0", loincOID, "Care team")
	if name := e.one("name"); name.ok() {
		b.d.SetText(b.add(code, "originalText"), name.text())
		b.claim(name)
	}
	state := map[string]string{"inactive": "completed", "suspended": "suspended", "proposed": "new"}[e.one("status").text()]
	b.status(k, cmp.Or(state, "active"), e.one("status"))
	b.since(k, e.one("period"))
	for i, x := range e.all("participant") {
		to := b.follow(r, x.one("member"))
		if to == nil || to == b.patient || !slices.Contains([]string{"Practitioner", "PractitionerRole", "Organization"}, to.Type()) {
			continue
		}
		id := p.row(cmp.Or(b.nameOf(to), wordsOf(x.one("member")), "unknown"), wordsOf(x.one("role")), wordsOf(x.one("period")))
		act := b.act(b.add(k, "component"), "act", "PCPR", "EVN", r, "member "+strconv.Itoa(i), entryTemplate("500.1", "2022-06-01"))
		b.coded(act, "code", "85847-2", loincOID, "Patient Care team information")
		b.link(act, id)
		b.put(b.add(act, "statusCode"), "code", cmp.Or(state, "active"))
		b.since(act, x.one("period"))
		perform := b.put(b.add(act, "performer"), "typeCode", "PRF")
		if role := x.one("role"); role.ok() {
			b.concept(perform, "sdtc:functionCode", role)
		}
		if !b.assigned(perform, "assignedEntity", r, x.one("member")) {
			b.null(b.add(perform, "assignedEntity"), "id", "UNK")
		}
		if who := b.d.Child(perform, "assignedEntity"); b.d.Child(who, "assignedPerson") == 0 {
			b.unknown(b.add(who, "assignedPerson/name"), "family", "given")
		}
	}
}

// since writes a Period as effectiveTime, whose start must be there.
func (b *born) since(n tree.Node, e element) {
	when := b.add(n, "effectiveTime")
	if start := e.one("start"); start.ok() {
		b.time(b.add(when, "low"), start)
	} else {
		b.null(when, "low", "UNK")
	}
	if end := e.one("end"); end.ok() {
		b.time(b.add(when, "high"), end)
	}
}

// hasMembers reports a care team of which somebody stands in the record.
func (b *born) hasMembers(r *mapping.Resource) bool {
	return slices.ContainsFunc(elementOf(r.Msg).all("participant"), func(x element) bool {
		to := b.follow(r, x.one("member"))
		return to != nil && slices.Contains([]string{"Practitioner", "PractitionerRole", "Organization"}, to.Type())
	})
}

// directive writes an advance directive: Advance Directive Observation.
func (b *born) directive(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	what := e.one("category")
	id := p.row(cmp.Or(wordsOf(what), "Advance directive"), e.one("status").text(), dateOf(r))
	k := b.act(b.entry(p), "observation", "OBS", "EVN", r, "", entryTemplate("48", "2015-08-01"))
	code := b.coded(k, "code", "371538006", snomedOID, "Advance directive status")
	b.coded(code, "translation", "75320-2", loincOID, "Advance directive")
	b.link(k, id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.fold(e.one("status"), "a directive of a document stands")
	b.fold(e.one("scope"), "the section says it")
	when := b.add(k, "effectiveTime")
	period := e.one("provision.period")
	switch {
	case period.one("start").ok():
		b.time(b.add(when, "low"), period.one("start"))
	case e.one("dateTime").ok():
		b.time(b.add(when, "low"), e.one("dateTime"))
	default:
		b.null(when, "low", "UNK")
	}
	if period.one("end").ok() {
		b.time(b.add(when, "high"), period.one("end"))
	} else {
		b.null(when, "high", "NA")
	}
	b.asValue(b.concept(k, "value", what), "CD")
}

// inlineHolders are the elements that hold text.
var inlineHolders = []string{"", "td", "th", "item", "paragraph", "content", "linkHtml", "sub", "sup", "caption"}

// foreignSections writes the sections of a foreign Composition that no section of the document has taken: their code, title and narrative.
func (b *born) foreignSections(body tree.Node, texts map[string][]element) {
	var codes []string
	for code := range texts {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		for _, s := range texts[code] {
			n := b.add(body, "component/section")
			if c := s.one("code"); c.ok() {
				b.concept(n, "code", c)
				b.claim(c)
			}
			if t := s.one("title"); t.ok() {
				b.d.SetText(b.add(n, "title"), t.text())
				b.claim(t)
			}
			b.d.SetText(b.add(n, "text"), tidy(narrativeOf(s.one("text.div").text())))
			b.fold(s.one("text"), "the narrative of the section stands in the document's, without its ids")
		}
	}
}
