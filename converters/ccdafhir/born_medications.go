package ccdafhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes what was prescribed, taken, dispensed and injected.

var medicationStatus = map[string]string{"active": "active", "on-hold": "suspended", "cancelled": "cancelled", "completed": "completed", "stopped": "aborted",
	"draft": "held", "intended": "active", "not-taken": "completed"}

func (b *born) medication(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	dosages := e.all("dosageInstruction")
	mood := "INT"
	if r.Type() == "MedicationStatement" {
		dosages, mood = e.all("dosage"), "EVN"
	}
	what := b.drug(r, e)
	state := e.one("status").text()
	var sig []string
	for _, d := range dosages {
		sig = append(sig, d.one("text").text())
	}
	directions := strings.TrimSpace(strings.Join(slices.DeleteFunc(sig, func(s string) bool { return s == "" }), "; "))
	id, cell := p.rowWith(1, cmp.Or(wordsOf(what), "unknown"), directions, words(state, b.no(e)), dateOf(r))
	k := b.act(b.entry(p), "substanceAdministration", "SBADM", mood, r, "", entryTemplate("16", "2014-06-09"))
	none := what.ok() && anyOf(what, bornNoMedication) != ""
	if none != (e.one("doNotPerform").text() == "true" || state == "not-taken") {
		b.put(k, "negationInd", "true")
	}
	b.asked(e.one("doNotPerform"))
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
	if none {
		b.fold(what, "a negated medication says it")
		b.noProduct(k)
	} else {
		b.product(k, what, "23", r)
	}
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
	if directions != "" {
		b.sig(k, mood, cell)
	}
	b.instructions(k, dosage)
	b.supply(k, r)
	b.dispenses(k, r)
	b.reasons(k, r)
	b.notes(k, e)
	for i, d := range dosages {
		if len(dosages) == 1 {
			b.claim(d.one("text"))
			continue
		}
		b.fold(d.one("text"), "the directions stand together")
		if i > 0 {
			b.declineOf(d.one("patientInstruction"), "a medication of C-CDA has one dosage")
		}
	}
}

// sig writes the directions as a text: Medication Free Text Sig. They stand in the narrative.
func (b *born) sig(n tree.Node, mood, cell string) {
	k := b.put(b.add(b.related(n, "COMP", false), "substanceAdministration"), "classCode", "SBADM", "moodCode", mood)
	b.template(k, entryTemplate("147", ""))
	b.coded(k, "code", "76662-6", loincOID, "Instructions Medication")
	b.link(k, cell)
	b.null(b.put(b.add(k, "consumable/manufacturedProduct"), "classCode", "MANU"), "manufacturedLabeledDrug", "NA")
}

// instructions writes what the patient is told beside the directions: Instruction.
func (b *born) instructions(n tree.Node, dosage element) {
	act := func() tree.Node {
		k := b.put(b.add(b.related(n, "SUBJ", true), "act"), "classCode", "ACT", "moodCode", "INT")
		b.template(k, entryTemplate("20", "2014-06-09"))
		return k
	}
	for _, x := range dosage.all("additionalInstruction") {
		k := act()
		b.concept(k, "code", x)
		b.put(b.add(k, "statusCode"), "code", "completed")
	}
	if x := dosage.one("patientInstruction"); x.text() != "" {
		k := act()
		b.coded(k, "code", "311401005", snomedOID, "Patient education")
		b.link(k, b.part.aside(x.text()))
		b.put(b.add(k, "statusCode"), "code", "completed")
		b.claim(x)
	}
}

// asked takes note of doNotPerform, which negationInd says where it is true.
func (b *born) asked(e element) {
	if e.text() == "false" {
		b.fold(e, "a statement that is not negated says it")
	} else {
		b.claim(e)
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
	valid := e.one("validityPeriod")
	if !repeats.ok() && !quantity.ok() && !valid.ok() {
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
	if valid.ok() {
		b.asValue(b.effective(k, valid, true), "IVL_TS")
	}
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
	b.fold(e.one("frequency"), "once in a period is what an interval says")
	b.claim(period, unit)
}

// bornNoMedication are the codes for that nothing is taken: SNOMED CT, and the International Patient Summary's.
var bornNoMedication = map[string]string{noKnownMedication: noKnownMedication, "no-known-medications": noKnownMedication}

// noProduct writes that no drug is meant in particular: C-CDA's way to say of a negated medication that there is none.
func (b *born) noProduct(n tree.Node) {
	p := b.put(b.add(n, "consumable/manufacturedProduct"), "classCode", "MANU")
	b.template(p, entryTemplate("23", "2014-06-09"))
	code := b.null(b.add(p, "manufacturedMaterial"), "code", "OTH")
	b.coded(code, "translation", anyDrug[0], snomedOID, "Drug or medicament")
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

// drug is what a statement says of its medication: a concept, or that of the Medication to which it refers.
func (b *born) drug(r *mapping.Resource, e element) element {
	what := e.one("medication")
	if what.ok() && what.t.Name == "Reference" {
		if to := b.follow(r, what); to != nil && to.Type() == "Medication" && !b.c.Refused(to.Msg) {
			b.c.Place(to)
			b.fold(what, "the medication stands there whole")
			return elementOf(to.Msg).one("code")
		}
	}
	return what
}

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
	what := b.drug(r, e)
	m := b.put(b.add(k, "product/manufacturedProduct"), "classCode", "MANU")
	b.template(m, entryTemplate("23", "2014-06-09"))
	if what.ok() && what.t.Name == "CodeableConcept" {
		b.concept(b.add(m, "manufacturedMaterial"), "code", what)
	} else {
		b.null(b.add(m, "manufacturedMaterial"), "code", "UNK")
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
