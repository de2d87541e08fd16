package ccdafhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes what C-CDA on FHIR has no page for: insurance, care teams, advance directives, medication that was dispensed, and the
// narrative of a Composition that did not come as C-CDA.

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
			name := b.add(who, "assignedPerson/name")
			for _, part := range []string{"given", "family"} {
				b.null(name, part, "UNK")
			}
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

// nameOf is what a person or organization is called.
func (b *born) nameOf(r *mapping.Resource) string {
	e := elementOf(r.Msg)
	switch r.Type() {
	case "PractitionerRole":
		if who := b.follow(r, e.one("practitioner")); who != nil {
			return b.nameOf(who)
		}
		return ""
	case "Organization":
		return e.one("name").text()
	}
	name := e.one("name")
	words := []string{name.one("prefix").text()}
	for _, x := range name.all("given") {
		words = append(words, x.text())
	}
	return cmp.Or(strings.Join(strings.Fields(strings.Join(append(words, name.one("family").text()), " ")), " "), name.one("text").text())
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

// dispenses writes what was dispensed of a medication within its statement: Medication Dispense.
func (b *born) dispenses(n tree.Node, of *mapping.Resource) {
	for _, r := range b.c.Resources() {
		if r.Type() != "MedicationDispense" || b.c.Refused(r.Msg) || b.c.Placed(r) {
			continue
		}
		e := elementOf(r.Msg)
		if e.one("status").text() == "entered-in-error" {
			continue
		}
		if slices.ContainsFunc(e.all("authorizingPrescription"), func(x element) bool { return b.follow(r, x) == of }) {
			b.dispense(n, r)
			b.claim(e.all("authorizingPrescription")...)
		}
	}
}

var dispenseStates = map[string]string{"completed": "completed", "in-progress": "active", "preparation": "active", "on-hold": "active", "stopped": "aborted",
	"cancelled": "aborted", "declined": "aborted"}

func (b *born) dispense(n tree.Node, r *mapping.Resource) {
	e := elementOf(r.Msg)
	b.c.Place(r)
	k := b.act(b.related(n, "REFR", false), "supply", "SPLY", "EVN", r, "", entryTemplate("18", "2014-06-09"))
	state := cmp.Or(dispenseStates[e.one("status").text()], "completed")
	b.put(b.add(k, "statusCode"), "code", state)
	b.fold(e.one("status"), "C-CDA knows that a supply is completed or aborted")
	switch {
	case e.one("whenHandedOver").ok():
		b.time(b.add(k, "effectiveTime"), e.one("whenHandedOver"))
	case e.one("whenPrepared").ok():
		b.time(b.add(k, "effectiveTime"), e.one("whenPrepared"))
	default:
		b.null(k, "effectiveTime", "UNK")
	}
	if x := e.one("quantity"); x.ok() {
		b.quantity(k, "quantity", x)
	}
	what := e.one("medication")
	if what.ok() && what.t.Name == "Reference" {
		if to := b.follow(r, what); to != nil && to.Type() == "Medication" && !b.c.Refused(to.Msg) {
			b.c.Place(to)
			b.fold(what, "the medication stands there whole")
			what = elementOf(to.Msg).one("code")
		}
	}
	if what.ok() && what.t.Name == "CodeableConcept" {
		m := b.put(b.add(k, "product/manufacturedProduct"), "classCode", "MANU")
		b.template(m, entryTemplate("23", "2014-06-09"))
		b.concept(b.add(m, "manufacturedMaterial"), "code", what)
	}
	if who := e.one("performer.actor"); who.ok() {
		b.performer(k, r, who)
	}
}

// handedOut writes a dispense of a prescription that is not in the record: a medication that was taken from the shelf, with the supply.
func (b *born) handedOut(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	what := e.one("medication")
	if what.ok() && what.t.Name == "Reference" {
		if to := b.follow(r, what); to != nil && to.Type() == "Medication" {
			what = elementOf(to.Msg).one("code")
		}
	}
	id := p.row(cmp.Or(wordsOf(what), "unknown"), "dispensed", e.one("status").text(), e.one("whenHandedOver").text())
	k := b.act(b.entry(p), "substanceAdministration", "SBADM", "INT", r, "medication", entryTemplate("16", "2014-06-09"))
	b.link(k, id)
	b.put(b.add(k, "statusCode"), "code", "active")
	b.null(b.asValue(b.add(k, "effectiveTime"), "IVL_TS"), "low", "UNK")
	b.null(k, "doseQuantity", "UNK")
	b.c.Anew(func() { b.product(k, what, "23", r) })
	b.dispense(k, r)
}

// --- the narrative of a foreign Composition ---

// foreignText is the narrative of the sections of the record's Composition by the code of the section. Its ids would be those of other elements.
func (b *born) foreignText() (texts map[string][]element) {
	texts = map[string][]element{}
	var walk func(e element)
	walk = func(e element) {
		for _, s := range e.all("section") {
			if s.one("text.div").ok() {
				code := ""
				for _, x := range s.all("code") {
					for _, y := range x.all("coding") {
						if code == "" && y.one("system").text() == "http://loinc.org" {
							code = y.one("code").text()
						}
					}
				}
				texts[code] = append(texts[code], s)
			}
			walk(s)
		}
	}
	for _, r := range b.c.Resources() {
		if r.Type() == "Composition" && !r.Inside() && !b.c.Refused(r.Msg) && !statusFits(r, "entered-in-error") {
			b.fold(elementOf(r.Msg).one("status"), "what is written is a document of its own")
			walk(elementOf(r.Msg))
		}
	}
	return texts
}

// wordsOfSection is the narrative of sections for a document, and takes note that it is there.
func (b *born) wordsOfSection(list []element) string {
	var text strings.Builder
	for _, s := range list {
		text.WriteString(tidy(narrativeOf(s.one("text.div").text())))
		b.fold(s.one("text"), "the narrative of the section stands in the document's, without its ids")
		b.fold(s.one("title"), "a section has the title of its kind")
		b.claim(s.one("code"))
	}
	return text.String()
}

var (
	inline = []string{"content", "linkHtml", "sub", "sup", "br"}
	blocks = append([]string{"paragraph", "list", "table"}, inline...)
	rows   = []string{"tr"}
	// What may stand in what, of what HTML has too (NarrativeBlock.xsd); the narrative itself is "".
	holds = map[string][]string{"": blocks, "td": blocks, "th": inline, "item": blocks, "paragraph": inline, "content": inline, "linkHtml": {}, "sub": {},
		"sup": {}, "br": {}, "caption": {"linkHtml", "sub", "sup"}, "list": {"item"}, "table": {"caption", "thead", "tfoot", "tbody"}, "thead": rows, "tfoot": rows,
		"tbody": rows, "tr": {"th", "td"}}
	// The attributes that are kept of a narrative of other origin. Its ids would be those of other elements.
	keeps = map[string][]string{"list": {"listType"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "linkHtml": {"href"}, "content": {"styleCode"}}
)

// tidy makes a narrative of other origin one that CDA's schema takes: HTML allows more, so what may not stand where it stands is taken out,
// and what it holds remains.
func tidy(raw string) string {
	type open struct {
		name    string
		implied bool // not in the source: it ends with what is around it
		gone    bool // in the source, and not written
		from    int  // where it begins in what was written
		filled  bool
	}
	var b []byte
	stack := []open{{}}
	top := func() *open { // the innermost element that is written
		for i := len(stack) - 1; ; i-- {
			if !stack[i].gone {
				return &stack[i]
			}
		}
	}
	end := func() {
		o := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch {
		case o.gone:
		case !o.filled && o.name != "br" && o.name != "td" && o.name != "th":
			b = b[:o.from] // a table without rows is none
		default:
			b = append(append(append(b, "</"...), o.name...), '>')
		}
	}
	start := func(name string, implied bool, attributes [][2]string) {
		top().filled = true
		stack = append(stack, open{name: name, implied: implied, from: len(b)})
		b = append(append(b, '<'), name...)
		for _, a := range attributes {
			if slices.Contains(keeps[name], a[0]) && !strings.HasPrefix(a[1], "#") {
				b = append(append(append(b, ' '), a[0]...), `="`...)
				b = append(ccda.AppendEscaped(b, a[1], true), '"')
			}
		}
		b = append(b, '>')
	}
	for t := range ccda.Tokens(raw) {
		switch {
		case t.Start != "":
			if top().implied && top().name == "tbody" && t.Start != "tr" {
				end()
			}
			if top().name == "table" && t.Start == "tr" {
				start("tbody", true, nil)
			}
			if last := &stack[len(stack)-1]; last.name == "paragraph" && !last.gone && slices.Contains([]string{"paragraph", "list", "table"}, t.Start) {
				if !last.filled {
					b = b[:last.from]
				} else {
					b = append(b, "</paragraph>"...)
				}
				last.gone = true // its end is written already
			}
			if slices.Contains(holds[top().name], t.Start) {
				start(t.Start, false, t.Attributes)
			} else {
				stack = append(stack, open{name: t.Start, gone: true})
			}
		case t.End != "":
			if stack[len(stack)-1].implied {
				end()
			}
			if len(stack) > 1 {
				end()
			}
		case strings.TrimSpace(t.Text) == "" && !slices.Contains(inlineHolders, top().name):
		case slices.Contains(inlineHolders, top().name):
			top().filled = top().filled || strings.TrimSpace(t.Text) != ""
			b = ccda.AppendEscaped(b, t.Text, false)
		case top().name == "list":
			start("item", false, nil)
			top().filled = true
			b = ccda.AppendEscaped(b, t.Text, false)
			end()
		}
	}
	for len(stack) > 1 {
		end()
	}
	return string(b)
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
