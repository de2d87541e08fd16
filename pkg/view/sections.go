package view

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// section is a part of the page, in the order of IPS 2.0: required, recommended, optional, then what an IPS does not have.
type section struct {
	id, title string
	kinds     []kind
}

// kind is a table of a section: the resources of a type (and of a class, where a type is in several sections), and its columns.
type kind struct {
	typ, class string
	caption    string
	columns    string // "Head=element,element; ...", an element with * is a choice; Head=! is what sections.go computes; the first names the row
	brief      bool   // no last column: what these hold beside is for machines
}

// Columns that are computed: see special.
var sections = []section{
	{"problems", "Problems", []kind{{typ: "Condition", caption: "Problems and diagnoses",
		columns: "Problem=code; Status=!status; Severity=severity; Began=onset*; Ended=abatement*; Recorded=recordedDate; By=recorder,asserter; Notes=note"}}},
	{"allergies", "Allergies and intolerances", []kind{{typ: "AllergyIntolerance", caption: "Allergies and intolerances",
		columns: "Allergy=code; Status=!status; Risk=criticality; Reaction=!reaction; Began=onset*; Recorded=recordedDate; By=recorder,asserter; Notes=note"}}},
	{"medications", "Medications", []kind{
		{typ: "MedicationStatement", caption: "Medicines that are taken", columns: "Medicine=medication*; How=!dosage; Status=!status; When=effective*; Stated=dateAsserted; By=informationSource; Notes=note"},
		{typ: "MedicationRequest", caption: "Medicines that were prescribed", columns: "Medicine=medication*; How=!dosage; Status=!status; Written=authoredOn; By=requester; Notes=note"},
		{typ: "MedicationAdministration", caption: "Medicines that were given", columns: "Medicine=medication*; How=!dosage; Status=!status; When=effective*; By=performer; Notes=note"},
		{typ: "MedicationDispense", caption: "Medicines that were dispensed", columns: "Medicine=medication*; How=!dosage; Status=!status; Amount=quantity; Handed over=whenHandedOver,whenPrepared; By=performer; Notes=note"}}},
	{"immunizations", "Immunizations", []kind{
		{typ: "Immunization", caption: "Immunizations", columns: "Vaccine=vaccineCode; Status=!status; Given=occurrence*; Dose=doseQuantity; Lot=lotNumber; By=performer; Notes=note"},
		{typ: "ImmunizationRecommendation", caption: "Immunizations that are due", columns: "Recommended=recommendation; On=date; By=authority"}}},
	{"results", "Results", []kind{
		{typ: "DiagnosticReport", caption: "Reports", columns: "Report=code; Status=!status; Conclusion=conclusion,conclusionCode; Taken=effective*; Issued=issued; By=performer,resultsInterpreter; Results=!results; Documents=presentedForm"},
		{typ: "Observation", class: "laboratory", caption: "Measurements", columns: resultColumns},
		{typ: "ImagingStudy", caption: "Pictures", columns: "Study=description,procedureCode,modality; Status=!status; When=started; Of=reasonCode; By=interpreter; Notes=note", brief: true},
		{typ: "Specimen", caption: "Samples", columns: "Sample=type; Status=!status; Taken=collection; Received=receivedTime; Notes=note"}}},
	{"procedures", "Procedures", []kind{{typ: "Procedure", caption: "Procedures",
		columns: "Procedure=code; Status=!status; When=performed*; For=reasonCode,reasonReference; Outcome=outcome; By=performer; Notes=note"}}},
	{"devices", "Devices", []kind{
		{typ: "DeviceUseStatement", caption: "Devices in use", columns: "Device=device; Status=!status; When=timing*; Notes=note"},
		{typ: "Device", class: "worn", caption: "Devices", columns: "Device=!name; Type=type; Maker=manufacturer; Model=modelNumber; Status=!status; Notes=note"}}},
	{"history", "History", []kind{{typ: "FamilyMemberHistory", caption: "Family", columns: "Relative=relationship,name; Status=!status; Had=condition; Born=born*; Died=deceased*; Notes=note"}}},
	{"plan", "Plan of care", []kind{
		{typ: "CarePlan", caption: "Plans", columns: "Plan=title,description,category; Status=!status; When=period; Activities=activity; By=author; Notes=note"},
		{typ: "Goal", caption: "Goals", columns: "Goal=description; Status=!status; By when=target; Began=start*; Notes=note"},
		{typ: "ServiceRequest", caption: "Orders and referrals", columns: "Ordered=code; Status=!status; When=occurrence*; Written=authoredOn; By=requester; Notes=note"},
		{typ: "SupplyRequest", caption: "Supplies ordered", columns: "Supply=item*; Status=!status; Quantity=quantity; When=occurrence*; Written=authoredOn; By=requester"},
		{typ: "Appointment", caption: "Appointments", columns: "Appointment=description,serviceType,appointmentType; Status=!status; Begins=start; Ends=end; With=participant"},
		{typ: "Task", caption: "Tasks", columns: "Task=description,code; Status=!status; When=executionPeriod; Written=authoredOn; Notes=note"}}},
	{"social", "Social history", []kind{{typ: "Observation", class: "social-history", caption: "Social history", columns: resultColumns}}},
	{"functional", "Functional status and questionnaires", []kind{
		{typ: "Observation", class: "functional", caption: "Functional status", columns: resultColumns},
		{typ: "QuestionnaireResponse", caption: "Questionnaires", columns: "Questionnaire=questionnaire; Status=!status; When=authored; Answers=item; By=author"}}},
	{"pregnancy", "Pregnancy", []kind{{typ: "Observation", class: "pregnancy", caption: "Pregnancy", columns: resultColumns}}},
	{"vitals", "Vital signs", []kind{{typ: "Observation", class: "vital-signs", caption: "Vital signs", columns: resultColumns}}},
	{"directives", "Advance directives and consents", []kind{{typ: "Consent", caption: "Advance directives and consents", columns: "About=category,scope; Status=!status; When=dateTime; Document=source*; Says=provision"}}},
	{"other", "Other observations", []kind{{typ: "Observation", class: "other", caption: "Other observations", columns: resultColumns}}},
	{"visits", "Visits", []kind{
		{typ: "Encounter", caption: "Visits", columns: "Visit=type,class; Status=!status; When=period; For=reasonCode,reasonReference; With=participant; Where=location,serviceProvider"},
		{typ: "EpisodeOfCare", caption: "Episodes of care", columns: "Episode=type; Status=!status; When=period; By=managingOrganization"}}},
	{"documents", "Documents", []kind{
		{typ: "DocumentReference", caption: "Documents", columns: "Document=description,type; Status=!status; When=date; By=author; Content=content"},
		{typ: "Media", caption: "Media", columns: "Media=content; Status=!status; Type=type; When=created*; Notes=note"},
		{typ: "Binary", caption: "Files", columns: "File=!binary", brief: true}}},
	{"people", "People and places", []kind{
		{typ: "CareTeam", caption: "Care team", columns: "Team=name,category; Status=!status; Members=participant; When=period"},
		{typ: "RelatedPerson", caption: "Family and contacts", columns: "Name=!name; Relationship=relationship; Contact=telecom; Address=address", brief: true},
		{typ: "Practitioner", caption: "Clinicians", columns: "Name=!name; Role=!role; Contact=telecom; Address=address", brief: true},
		{typ: "Organization", caption: "Organizations", columns: "Name=!name; Type=type; Contact=telecom; Address=address", brief: true},
		{typ: "Device", class: "system", caption: "Computer systems", columns: "Name=!name; Maker=manufacturer; Model=modelNumber", brief: true},
		{typ: "Location", caption: "Places", columns: "Name=!name; Type=type,physicalType; Contact=telecom; Address=address", brief: true}}},
	{"coverage", "Insurance and bills", []kind{
		{typ: "Coverage", caption: "Insurance", columns: "Payer=payor; Type=type; Status=!status; Number=subscriberId; When=period; Who=relationship", brief: true},
		{typ: "Claim", caption: "Claims", columns: "Claim=type; Status=!status; When=billablePeriod; Written=created; To=insurer; By=provider; Total=total", brief: true},
		{typ: "ExplanationOfBenefit", caption: "What the insurance paid", columns: "Claim=type; Status=!status; When=billablePeriod; Written=created; By=insurer; Paid=payment", brief: true},
		{typ: "Account", caption: "Accounts", columns: "Account=name,type; Status=!status; When=servicePeriod", brief: true}}},
}

const resultColumns = "What=code; Result=!result; Flag=!flag; Range=referenceRange; When=effective*; Status=!status; By=performer; Notes=note"

// unshown are resources that say how a record was made and carried, not what is in it.
var unshown = map[string]bool{"MessageHeader": true, "Provenance": true, "Basic": true, "OperationOutcome": true, "Composition": true, "Patient": true, "Bundle": true,
	"PractitionerRole": true, "Medication": true, "List": true, "Endpoint": true, "AuditEvent": true, "Linkage": true, "Parameters": true}

// flagWords are HL7's codes of interpretation that a person should see in words (v3-ObservationInterpretation), and whether they are a reason
// to look.
var flagWords = map[string]struct {
	words string
	look  bool
}{
	"H": {"High", true}, "HH": {"Critically high", true}, "L": {"Low", true}, "LL": {"Critically low", true}, "HU": {"Significantly high", true},
	"LU": {"Significantly low", true}, "A": {"Abnormal", true}, "AA": {"Critically abnormal", true}, "N": {"Normal", false},
	"POS": {"Positive", true}, "NEG": {"Negative", false}, "IND": {"Indeterminate", true}, "DET": {"Detected", true}, "ND": {"Not detected", false},
	"R": {"Resistant", true}, "S": {"Susceptible", false}, "I": {"Intermediate", true}, "<": {"Below what can be measured", true}, ">": {"Above what can be measured", true},
	"U": {"Significant change up", true}, "D": {"Significant change down", true}, "B": {"Better", false}, "W": {"Worse", true},
}

// pregnancyCodes are the LOINC codes of pregnancy status, its outcome and its dates in the IPS.
var pregnancyCodes = map[string]bool{"82810-3": true, "11996-6": true, "11778-8": true, "11779-6": true, "11780-4": true, "11449-6": true, "11636-8": true, "11637-6": true,
	"11638-4": true, "11639-2": true, "11640-0": true, "11612-9": true, "11613-7": true, "11614-5": true, "33065-4": true}

// class says in which section an Observation or a Device stands.
func (p *Page) class(r *resource) string {
	if r.typ == "Device" {
		if p.worn[r] || r.object["patient"] != nil {
			return "worn"
		}
		return "system"
	}
	return p.observed(r, 0)
}

// observed is the class of an Observation: its own, else that of the one that it is a member of.
func (p *Page) observed(r *resource, depth int) string {
	for _, c := range list(obj(r.object["code"])["coding"]) {
		if code := str(obj(c)["code"]); str(obj(c)["system"]) == "http://loinc.org" {
			if pregnancyCodes[code] {
				return "pregnancy"
			}
			if code == "72166-2" {
				return "social-history"
			}
		}
	}
	for _, cat := range list(r.object["category"]) {
		for _, c := range list(obj(cat)["coding"]) {
			switch str(obj(c)["code"]) {
			case "vital-signs":
				return "vital-signs"
			case "social-history", "sdoh":
				return "social-history"
			case "laboratory", "imaging", "procedure":
				return "laboratory"
			case "survey", "functional-status", "cognitive-status", "disability-status", "activity", "exam":
				return "functional"
			}
		}
	}
	if p.reported[r] {
		return "laboratory"
	}
	if whole := p.whole[r]; whole != nil && depth < 8 {
		return p.observed(whole, depth+1)
	}
	return "other"
}

// row is a resource on the page.
type row struct {
	r     *resource
	cells []cell
	when  string
	odd   bool // entered in error: what it says does not hold
}

// column is a column of a kind.
type column struct {
	head     string
	elements []string
}

func (k *kind) split() []column {
	var cols []column
	for _, c := range strings.Split(k.columns, "; ") {
		head, elements, _ := strings.Cut(c, "=")
		cols = append(cols, column{head, strings.Split(elements, ",")})
	}
	return cols
}

// element finds an element by its name, or a choice by its beginning with * behind it.
func element(x object, name string) (found string, v any) {
	base, choice := strings.CutSuffix(name, "*")
	if !choice {
		return name, x[name]
	}
	for _, key := range slices.Sorted(maps.Keys(x)) {
		if rest, ok := strings.CutPrefix(key, base); ok && rest != "" && unicode.IsUpper(rune(rest[0])) && isType(rest) {
			return key, x[key]
		}
	}
	return name, nil
}

// row makes the cells of a resource; the last one is what no column names.
func (p *Page) row(k *kind, cols []column, r *resource) row {
	out := row{r: r, odd: str(r.object["status"]) == "entered-in-error" || hasCode(r.object["verificationStatus"], "entered-in-error")}
	used := map[string]bool{}
	for _, name := range whose {
		// Whose it is says the top of the page, unless it is somebody else's.
		if to := p.set.find(r, str(obj(r.object[name])["reference"])); to != nil && to == p.patient {
			used[name] = true
		}
	}
	for _, col := range cols {
		var cells []cell
		for _, e := range col.elements {
			if special, ok := strings.CutPrefix(e, "!"); ok {
				cells = append(cells, p.special(special, r, used))
				continue
			}
			name, v := element(r.object, e)
			used[name] = true
			if out.when == "" && v != nil {
				out.when = sortTime(v)
			}
			cells = append(cells, p.value(r, name, v), absent(r.object, name, v))
		}
		c := joined(cells...)
		if len(out.cells) == 0 && len(c) == 0 {
			c = p.name(r)
		}
		if none := p.none(r); none != "" {
			if len(out.cells) == 0 {
				c = words(none)
			} else if col.head == "Status" {
				c = words("As stated")
			}
		} else if len(out.cells) == 0 && strings.HasPrefix(strings.ToLower(c.label()), "no ") && hasCode(r.object["verificationStatus"], "refuted") {
			c = joined(c, flagged("The record denies this itself: ask its author what is meant"))
		}
		out.cells = append(out.cells, c)
	}
	var more []cell
	if !k.brief {
		more = p.more(r, used)
	} else {
		for name, v := range r.object {
			if !used[name] && !technical[name] {
				p.hidden += leaves(v) - hidden(v)
			}
		}
	}
	p.hidden += hidden(r.object)
	// A statement that another is about stands with it: how severe a reaction was, the status of a problem.
	said := str(r.object["status"]) + "\n"
	for _, c := range out.cells {
		said += strings.ToLower(c.label()) + "\n"
	}
	for _, to := range p.related[r] {
		c := spaced(" ", p.special("result", to, map[string]bool{}), p.special("flag", to, map[string]bool{}), p.standing(to, true))
		name := concept(obj(to.object["code"]))
		if len(c) > 0 && strings.Contains(said, strings.ToLower(c.label())) || len(c) == 0 && strings.Contains(said, strings.ToLower(name.label())) {
			continue
		}
		if len(c) > 0 && !hasCode(to.object["code"], "ASSERTION") {
			name = append(name, piece{text: ": "})
		} else if len(c) > 0 {
			name = nil
		}
		more = append(more, append(name, c...))
	}
	out.cells = append(out.cells, joined(more...))
	return out
}

// none says in words that there is nothing of a kind, which documents write as a denied "problem" or "medicine". Denied stood beside it, the
// words that some senders give such a code ("no known problems") would say the opposite.
func (p *Page) none(r *resource) string {
	snomed := func(v any, code string) bool {
		return slices.ContainsFunc(list(obj(v)["coding"]), func(c any) bool {
			return str(obj(c)["system"]) == "http://snomed.info/sct" && str(obj(c)["code"]) == code
		})
	}
	refuted := hasCode(r.object["verificationStatus"], "refuted")
	switch r.typ {
	case "Condition":
		if refuted && snomed(r.object["code"], "55607006") {
			return "No known problems"
		}
	case "AllergyIntolerance":
		if refuted && (snomed(r.object["code"], "419199007") || snomed(r.object["code"], "420134006")) {
			return "No known allergies"
		}
	case "MedicationRequest", "MedicationStatement":
		not := r.object["doNotPerform"] == true || r.object["status"] == "not-taken"
		_, v := element(r.object, "medication*")
		concept := obj(v)
		if m := p.set.find(r, str(concept["reference"])); m != nil {
			concept = obj(m.object["code"])
		}
		if not && snomed(concept, "410942007") {
			return "No known medicines"
		}
	}
	return ""
}

// more is what no column names, under the elements' own names.
func (p *Page) more(r *resource, used map[string]bool) []cell {
	switch { // what says no more than the section
	case r.typ == "Observation" && p.class(r) != "other":
		used["category"] = true
	case r.typ == "Immunization" && r.object["primarySource"] == true:
		used["primarySource"] = true
	}
	if t := str(r.object["effectiveDateTime"]); t != "" && spelled(t) == spelled(str(r.object["issued"])) {
		used["issued"] = true
	}
	var more []cell
	for _, name := range slices.Sorted(maps.Keys(r.object)) {
		if used[name] || technical[name] || name == "text" || name == "modifierExtension" || name == "encounter" || name == "context" || strings.HasPrefix(name, "_") {
			continue
		}
		if c := p.value(r, name, r.object[name]); len(c) > 0 {
			more = append(more, append(cell{{text: title(name) + ": ", style: small}}, c...))
		}
	}
	return more
}

// absent says why a value is not there, if the record does.
func absent(x object, name string, v any) cell {
	if v != nil {
		return nil
	}
	if base, choice := strings.CutSuffix(name, "*"); choice {
		for key := range x {
			if rest, ok := strings.CutPrefix(key, "_"+base); ok && isType(rest) {
				name = base + rest
			}
		}
	}
	for _, e := range list(obj(x["_"+name])["extension"]) {
		if lastPart(str(obj(e)["url"])) == "data-absent-reason" {
			return words("not known: " + plainWord(str(obj(e)["valueCode"])))
		}
	}
	return nil
}

// special computes the cells that are more than an element.
func (p *Page) special(what string, r *resource, used map[string]bool) cell {
	x := r.object
	use := func(names ...string) {
		for _, n := range names {
			used[n] = true
		}
	}
	switch what {
	case "name":
		use("name", "deviceName")
		return p.name(r)
	case "status":
		use("status", "clinicalStatus", "verificationStatus", "statusReason", "doNotPerform", "lifecycleStatus", "achievementStatus", "intent")
		return p.standing(r, false)
	case "role":
		var roles []cell
		for _, pr := range p.list {
			if pr.typ == "PractitionerRole" && p.set.find(pr, str(obj(pr.object["practitioner"])["reference"])) == r {
				c := spaced(", ", p.value(pr, "", pr.object["code"]), p.value(pr, "", pr.object["specialty"]), p.value(pr, "", pr.object["organization"]))
				if !slices.ContainsFunc(roles, func(o cell) bool { return o.label() == c.label() }) {
					roles = append(roles, c)
				}
			}
		}
		return joined(roles...)
	case "reaction":
		use("reaction")
		var all []cell
		for _, v := range list(x["reaction"]) {
			v := obj(v)
			c := spaced(", ", p.value(r, "", v["manifestation"]), p.value(r, "severity", v["severity"]), p.value(r, "", v["onset"]), words(str(v["description"])))
			all = append(all, spaced(": ", concept(obj(v["substance"])), c))
		}
		return joined(all...)
	case "dosage":
		use("dosage", "dosageInstruction")
		var all []cell
		for _, v := range slices.Concat(list(x["dosage"]), list(x["dosageInstruction"])) {
			all = append(all, p.dosage(r, obj(v)))
		}
		return joined(all...)
	case "result":
		name, v := element(x, "value*")
		use(name, "dataAbsentReason", "component", "hasMember")
		cells := []cell{p.value(r, name, v)}
		if why := concept(obj(x["dataAbsentReason"])); len(why) > 0 {
			cells = append(cells, append(lead("not known: "), why...))
		}
		for _, c := range list(x["component"]) {
			c := obj(c)
			name, v := element(c, "value*")
			part := spaced(" ", modified(c), p.value(r, name, v), concept(obj(c["dataAbsentReason"])), flagsOf(c))
			if rng := p.value(r, "", c["referenceRange"]); len(rng) > 0 {
				part = spaced("; range ", part, rng)
			}
			cells = append(cells, append(append(concept(obj(c["code"])), piece{text: ": "}), part...))
		}
		for _, m := range list(x["hasMember"]) {
			if c := p.inside(r, obj(m)); c != nil {
				cells = append(cells, c)
				continue
			}
			cells = append(cells, append(lead("with "), p.reference(r, obj(m))...))
		}
		return joined(cells...)
	case "flag":
		use("interpretation")
		return flagsOf(x)
	case "results":
		use("result")
		var cells []cell
		n := 0
		for _, m := range list(x["result"]) {
			if c := p.inside(r, obj(m)); c != nil {
				cells = append(cells, c)
			} else {
				n++
			}
		}
		if n > 0 {
			cells = append(cells, words(plural(n, "measurement")+" below"))
		}
		return joined(cells...)
	case "binary":
		use("contentType", "data")
		return attachment(object{"contentType": x["contentType"], "data": x["data"], "title": "file"})
	}
	return nil
}

// inside shows an Observation that another resource contains, and which has therefore no row of its own; nil for any other.
func (p *Page) inside(r *resource, ref object) cell {
	o := p.set.find(r, str(ref["reference"]))
	if o == nil || o.typ != "Observation" || !strings.HasPrefix(str(ref["reference"]), "#") || o.object["hasMember"] != nil {
		return nil
	}
	used := map[string]bool{"code": true, "referenceRange": true, "effectiveDateTime": true}
	c := spaced(" ", p.special("result", o, used), p.special("flag", o, used), p.standing(o, true))
	if rng := p.value(o, "", o.object["referenceRange"]); len(rng) > 0 {
		c = spaced("; range ", c, rng)
	}
	return joined(append(append(concept(obj(o.object["code"])), piece{text: ": "}), c...), joined(p.more(o, used)...))
}

// standing says what a status means: whether it is so, was so, or is not so.
func (p *Page) standing(r *resource, onlyTurned bool) cell {
	x := r.object
	cells := []cell{modified(x)}
	if v, ok := x["doNotPerform"].(bool); ok && v {
		cells = append(cells, flagged("DO NOT: this was asked not to be done"))
	}
	for _, name := range []string{"clinicalStatus", "verificationStatus", "status", "lifecycleStatus", "achievementStatus"} {
		codes := []string{str(x[name])}
		c := words(plainWord(str(x[name])))
		if o := obj(x[name]); o != nil {
			c, codes = nil, nil
			for _, cd := range list(o["coding"]) {
				codes = append(codes, str(obj(cd)["code"]))
			}
			if len(codes) > 0 {
				c = words(plainWord(codes[0]))
			} else {
				c = words(str(o["text"]))
			}
		}
		turned := slices.ContainsFunc(codes, func(code string) bool { return turning[code] })
		if len(c) == 0 || !turned && (onlyTurned || name == "verificationStatus" && codes[0] == "confirmed" || name == "status" && r.typ == "Observation" && codes[0] == "final") {
			continue
		}
		if turned {
			for i := range c {
				c[i].style = flag
			}
		}
		cells = append(cells, c)
	}
	if onlyTurned {
		return spaced(", ", cells...)
	}
	if i := str(x["intent"]); i != "" && i != "order" && i != "plan" {
		cells = append(cells, words(plainWord(i)))
	}
	return spaced(", ", append(cells, p.value(r, "", x["statusReason"]))...)
}

// turning are the codes of a status that turn the meaning of what they stand on.
var turning = map[string]bool{"entered-in-error": true, "refuted": true, "not-done": true, "not-taken": true, "cancelled": true, "revoked": true, "rejected": true,
	"stopped": true, "draft": true, "proposed": true, "unconfirmed": true, "differential": true, "preliminary": true, "noshow": true}

func hasCode(v any, code string) bool {
	return slices.ContainsFunc(list(obj(v)["coding"]), func(c any) bool { return str(obj(c)["code"]) == code })
}

// flagsOf says what the record itself makes of a result.
func flagsOf(x object) cell {
	var all []cell
	for _, v := range list(x["interpretation"]) {
		v := obj(v)
		done := false
		for _, c := range list(v["coding"]) {
			if f, ok := flagWords[str(obj(c)["code"])]; ok && !done {
				done = true
				c := words(f.words)
				if f.look {
					c = flagged(f.words)
				}
				if own := str(v["text"]); own != "" && !strings.EqualFold(own, f.words) {
					c = spaced(" ", c, words("("+own+")"))
				}
				all = append(all, c)
			}
		}
		if !done {
			all = append(all, flagged(concept(v).label()))
		}
	}
	return spaced(", ", all...)
}

// dosage says how a medicine is taken: the prescriber's own words, and what else is said and not in them.
func (p *Page) dosage(r *resource, d object) cell {
	var parts []cell
	said := ""
	if t := str(d["text"]); t != "" {
		said = strings.ToLower(t)
		parts = append(parts, lines(t))
	}
	add := func(c cell) {
		if said == "" || !strings.Contains(said, strings.ToLower(c.label())) {
			parts = append(parts, c)
		}
	}
	for _, dr := range list(d["doseAndRate"]) {
		dr := obj(dr)
		dose, dv := element(dr, "dose*")
		rate, rv := element(dr, "rate*")
		add(p.value(r, dose, dv))
		add(p.value(r, rate, rv))
	}
	rate, rv := element(d, "rate*")
	add(p.value(r, rate, rv))
	for _, name := range []string{"dose", "route", "site", "method", "timing", "maxDosePerPeriod", "maxDosePerAdministration", "maxDosePerLifetime"} {
		if v := p.value(r, name, d[name]); len(v) > 0 {
			if strings.HasPrefix(name, "max") {
				v = append(lead("at most "), v...)
			}
			add(v)
		}
	}
	if name, v := element(d, "asNeeded*"); v != nil {
		if b, ok := v.(bool); !ok {
			parts = append(parts, append(lead("as needed for "), p.value(r, name, v)...))
		} else if b {
			parts = append(parts, words("as needed"))
		}
	}
	if t := str(d["patientInstruction"]); t != "" {
		parts = append(parts, lines(t))
	}
	parts = append(parts, p.value(r, "", d["additionalInstruction"]))
	c := spaced(", ", parts...)
	if m := modified(d); m != nil {
		c = spaced(" ", m, c)
	}
	return c
}

// sortTime is what a row is sorted by.
func sortTime(v any) string {
	switch v := v.(type) {
	case string:
		if isTime(v) || len(v) == 4 && v >= "1000" && v <= "9999" {
			return v
		}
	case object:
		return cmp.Or(str(v["start"]), str(v["end"]))
	}
	return ""
}

// hidden counts the values of a resource that the page does not show because no person reads them.
func hidden(v any) (n int) {
	switch v := v.(type) {
	case object:
		for name, x := range v {
			if technical[name] {
				n += leaves(x)
			} else if !strings.HasPrefix(name, "_") && name != "modifierExtension" {
				n += hidden(x)
			}
		}
	case []any:
		for _, x := range v {
			n += hidden(x)
		}
	}
	return n
}

func leaves(v any) (n int) {
	switch v := v.(type) {
	case object:
		for name, x := range v {
			if name != "resourceType" {
				n += leaves(x)
			}
		}
	case []any:
		for _, x := range v {
			n += leaves(x)
		}
	default:
		return 1
	}
	return n
}
