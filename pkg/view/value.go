package view

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Datatypes (datatypes.html) in words. A cell is a list of pieces; what is a code, a system or a note stands small behind its label.

type style uint8

const (
	plain   style = iota
	small         // codes
	flag          // what must not be overlooked; the word says it, the colour only repeats it
	newline       // a new line begins
	link          // a part to save: href is a data: address
	picture       // href is a data: address
)

type piece struct {
	text  string
	style style
	href  string
	name  string // of the file to save
}

type cell []piece

// The small functions below are called in hundreds of places; inlined, they would make the program 50 kB larger, and a page no sooner.

//go:noinline
func words(s string) cell {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	return cell{{text: s}}
}

// lead is a text that something follows.
//
//go:noinline
func lead(s string) cell { return cell{{text: s}} }

//go:noinline
func flagged(s string) cell { return cell{{text: s, style: flag}} }

// label is the text of a cell without its small parts.
func (c cell) label() string {
	var parts []string
	for _, p := range c {
		if p.text != "" && p.style != small && p.style != link && p.style != picture {
			parts = append(parts, p.text)
		}
	}
	return strings.Join(parts, " ")
}

// joined puts cells one after the other, each on a line.
//
//go:noinline
func joined(cells ...cell) cell { return between(piece{style: newline}, cells) }

// spaced puts cells one after the other on a line, with something between.
//
//go:noinline
func spaced(by string, cells ...cell) cell { return between(piece{text: by}, cells) }

// between puts cells one after the other with a piece between each two that are not empty.
func between(by piece, cells []cell) cell {
	var all cell
	for _, c := range cells {
		if len(c) == 0 {
			continue
		}
		if len(all) > 0 {
			all = append(all, by)
		}
		all = append(all, c...)
	}
	return all
}

// value gives the words for an element, by its name and its shape. r is the resource that it is in.
func (p *Page) value(r *resource, name string, v any) cell {
	switch v := v.(type) {
	case []any:
		cells := make([]cell, len(v))
		for i, x := range v {
			cells[i] = p.value(r, name, x)
		}
		return joined(cells...)
	case bool:
		if v {
			return words("yes")
		}
		return words("no")
	case json.Number:
		return words(v.String())
	case string:
		switch {
		case isTime(v):
			return words(spelled(v))
		case isCode(name):
			return words(plainWord(v))
		}
		return lines(v)
	case object:
		return p.structure(r, v)
	}
	return nil
}

// structure recognises a datatype by the members that only it has.
func (p *Page) structure(r *resource, x object) cell {
	has := func(name string) bool { _, ok := x[name]; return ok }
	alone := 0 // how many members a person would read
	for name := range x {
		if !technical[name] && !strings.HasPrefix(name, "_") {
			alone++
		}
	}
	_, refers := x["reference"].(string)
	var c cell
	switch {
	case has("coding"):
		c = concept(x)
	case refers || has("display") && !has("code") && (has("type") || has("identifier") || alone == 1):
		c = p.reference(r, x)
	case has("numerator") || has("denominator"):
		c = spaced(" / ", quantity(obj(x["numerator"])), quantity(obj(x["denominator"])))
	case has("low") || has("high"):
		c = spaced(" to ", quantity(obj(x["low"])), quantity(obj(x["high"])))
		if !has("low") {
			c = append(lead("up to "), c...)
		} else if !has("high") {
			c = append(lead("from "), c...)
		}
		c = spaced("; ", c, words(str(x["text"])), p.appliesTo(r, x))
	case has("appliesTo") || has("age") && has("type"):
		c = spaced("; ", words(str(x["text"])), p.appliesTo(r, x))
	case has("start") || has("end"):
		c = period(x)
	case has("family") || has("given"):
		c = words(humanName(x))
	case has("line") || has("city") || has("postalCode") || has("country"):
		c = words(address(x))
	case has("data") && has("contentType") || has("url") && has("contentType"):
		c = attachment(x)
	case has("value") && has("currency"):
		c = words(str(x["value"]) + " " + str(x["currency"]))
	case has("value") && alone == 1:
		c = words(str(x["value"]))
	case has("value") && (has("unit") || has("comparator") || has("code")):
		c = quantity(x)
	case has("value") && has("system") && isTelecom(str(x["system"])):
		c = telecom(x)
	case has("repeat"), has("event") && (has("code") || alone == 1):
		c = p.timing(r, x)
	case has("system") && has("code"):
		c = concept(object{"coding": []any{x}})
	case has("text") && (has("authorString") || has("authorReference") || has("time") || alone == 1):
		c = spaced(", ", lines(str(x["text"])), words(str(x["authorString"])), p.value(r, "", x["authorReference"]), p.value(r, "", x["time"]))
	case has("value") && (has("type") || has("system") || has("use")): // an identifier
		c = spaced(" ", concept(obj(x["type"])), words(str(x["value"])))
	default:
		c = p.members(r, x)
	}
	if m := modified(x); m != nil {
		c = spaced(" ", m, c)
	}
	return c
}

// members gives what an element of a resource's own kind holds, each member under its name.
func (p *Page) members(r *resource, x object) cell {
	var cells []cell
	for _, name := range slices.Sorted(maps.Keys(x)) {
		if technical[name] || strings.HasPrefix(name, "_") || name == "modifierExtension" {
			continue
		}
		v := p.value(r, name, x[name])
		if len(v) == 0 {
			continue
		}
		cells = append(cells, append(lead(title(name)+": "), v...))
	}
	return spaced("; ", cells...)
}

// technical are members that a person does not read. Their count stands at the end of the page.
var technical = map[string]bool{"id": true, "extension": true, "meta": true, "implicitRules": true, "language": true, "resourceType": true, "contained": true,
	"identifier": true, "userSelected": true, "fullUrl": true, "linkId": true, "sequence": true}

// modified says what a modifier extension says: it changes the meaning of what it stands on.
func modified(x object) cell {
	var cells []cell
	for _, e := range list(x["modifierExtension"]) {
		name := lastPart(str(obj(e)["url"]))
		value := ""
		for key, v := range obj(e) {
			if strings.HasPrefix(key, "value") {
				if value = str(v); value == "" {
					value = concept(obj(v)).label()
				}
			}
		}
		switch {
		case name == "negation" && value == "true":
			cells = append(cells, flagged("NOT: this is denied"))
		case name == "negation":
		case name == "mood":
			cells = append(cells, flagged("Not a fact: "+map[string]string{"INT": "intended", "RQO": "requested", "PRMS": "promised", "PRP": "proposed", "GOL": "a goal",
				"APT": "appointed", "ARQ": "an appointment asked for", "DEF": "a definition", "EVN.CRT": "a criterion"}[value]))
		default:
			cells = append(cells, flagged(strings.TrimSuffix("ATTENTION, "+title(name)+": "+value, ": ")))
		}
	}
	return spaced(" ", cells...)
}

// concept gives the label of a CodeableConcept and its codes, small.
func concept(x object) cell {
	text := strings.TrimSpace(str(x["text"]))
	var codes []string
	for _, c := range list(x["coding"]) {
		c := obj(c)
		if text == "" {
			text = strings.TrimSpace(str(c["display"]))
		}
		if code := str(c["code"]); code != "" {
			if name := systemName(str(c["system"])); name != "" {
				codes = append(codes, name+" "+code)
			}
		}
	}
	if text == "" {
		for _, c := range list(x["coding"]) {
			if code := str(obj(c)["code"]); code != "" {
				text = plainWord(code)
				break
			}
		}
	}
	out := words(text)
	if len(codes) > 0 {
		out = append(out, piece{text: strings.Join(codes, ", "), style: small})
	}
	return out
}

// systemName is what people call a code system; empty for those of FHIR and HL7, whose codes are words.
func systemName(uri string) string {
	switch uri {
	case "http://loinc.org":
		return "LOINC"
	case "http://snomed.info/sct":
		return "SNOMED CT"
	case "http://www.nlm.nih.gov/research/umls/rxnorm":
		return "RxNorm"
	case "http://hl7.org/fhir/sid/cvx":
		return "CVX"
	case "http://hl7.org/fhir/sid/ndc":
		return "NDC"
	case "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10":
		return "ICD-10"
	case "http://hl7.org/fhir/sid/icd-9-cm":
		return "ICD-9"
	case "http://www.ama-assn.org/go/cpt":
		return "CPT"
	case "http://www.cms.gov/Medicare/Coding/ICD10", "http://www.icd10data.com/icd10pcs":
		return "ICD-10-PCS"
	case "http://fdasis.nlm.nih.gov":
		return "UNII"
	}
	return ""
}

func quantity(x object) cell {
	value := str(x["value"])
	unit := str(x["unit"])
	if unit == "" {
		unit = str(x["code"])
	}
	if c := str(x["comparator"]); c != "" {
		value = map[string]string{"<": "less than ", "<=": "at most ", ">=": "at least ", ">": "more than ", "ad": "enough for "}[c] + value
	}
	if unit == "1" || unit == "{1}" {
		unit = ""
	}
	return words(strings.TrimSpace(value + " " + unit))
}

func period(x object) cell {
	start, end := spelled(str(x["start"])), spelled(str(x["end"]))
	switch {
	case start == end:
		return words(start)
	case end == "":
		return words("since " + start)
	case start == "":
		return words("until " + end)
	}
	return words(start + " to " + end)
}

func humanName(x object) string {
	if t := str(x["text"]); t != "" && x["family"] == nil {
		return t
	}
	var parts []string
	for _, name := range []string{"prefix", "given", "family", "suffix"} {
		for _, v := range list(x[name]) {
			if s := strings.TrimSpace(str(v)); s != "" {
				parts = append(parts, s)
			}
		}
	}
	if len(parts) == 0 {
		return str(x["text"])
	}
	return strings.Join(parts, " ")
}

// bestName is the official or usual name of many.
func bestName(v any) string {
	best, rank := "", 0
	for _, n := range list(v) {
		r := map[string]int{"official": 5, "usual": 4, "": 3, "nickname": 2, "maiden": 1, "old": 1}[str(obj(n)["use"])] + 1
		if s := humanName(obj(n)); s != "" && r > rank {
			best, rank = s, r
		}
	}
	return best
}

func address(x object) string {
	var parts []string
	for _, l := range list(x["line"]) {
		parts = append(parts, str(l))
	}
	parts = append(parts, str(x["city"]), strings.TrimSpace(str(x["state"])+" "+str(x["postalCode"])), str(x["country"]))
	parts = slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(parts) == 0 {
		return str(x["text"])
	}
	return strings.Join(parts, ", ")
}

func isTelecom(system string) bool {
	switch system {
	case "phone", "fax", "email", "pager", "url", "sms", "other":
		return true
	}
	return false
}

func telecom(x object) cell {
	kind := str(x["system"])
	if kind == "phone" {
		kind = ""
	}
	c := words(strings.TrimSpace(kind + " " + str(x["value"])))
	if use := str(x["use"]); use != "" {
		c = append(c, piece{text: plainWord(use), style: small})
	}
	return c
}

// appliesTo says for whom a reference range holds.
func (p *Page) appliesTo(r *resource, x object) cell {
	return spaced(", ", concept(obj(x["type"])), p.value(r, "", x["appliesTo"]), p.value(r, "", x["age"]))
}

// timing says how often (Timing, datatypes.html#timing).
func (p *Page) timing(r *resource, x object) cell {
	if c := concept(obj(x["code"])); len(c) > 0 {
		return c
	}
	rep := obj(x["repeat"])
	var parts []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			parts = append(parts, s)
		}
	}
	upTo := func(a, b string) string {
		if b != "" && b != a {
			return a + " to " + b
		}
		return a
	}
	if rep["frequency"] != nil || rep["period"] != nil {
		n, every := upTo(str(rep["frequency"]), str(rep["frequencyMax"])), upTo(str(rep["period"]), str(rep["periodMax"]))
		unit := map[string]string{"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}[str(rep["periodUnit"])]
		if n == "" || n == "1" {
			n = "once"
		} else {
			n += " times"
		}
		switch every {
		case "":
		case "1":
			n += " every " + unit
		default:
			n += " every " + every + " " + unit + "s"
		}
		add(n)
	}
	for _, w := range list(rep["when"]) {
		add(whenWords(str(w)))
	}
	for _, d := range list(rep["dayOfWeek"]) {
		add("on " + map[string]string{"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday"}[str(d)])
	}
	for _, t := range list(rep["timeOfDay"]) {
		add("at " + str(t))
	}
	if n := str(rep["count"]); n != "" {
		add(n + " times in all")
	}
	for _, t := range list(x["event"]) {
		add(spelled(str(t)))
	}
	return spaced(", ", words(strings.Join(parts, ", ")), p.value(r, "", rep["boundsPeriod"]), p.value(r, "", rep["boundsDuration"]))
}

func whenWords(code string) string {
	if w := map[string]string{"MORN": "in the morning", "NOON": "at noon", "AFT": "in the afternoon", "EVE": "in the evening", "NIGHT": "at night",
		"PHS": "after sleep", "HS": "before sleep", "WAKE": "on waking", "C": "with a meal", "CM": "with breakfast", "CD": "with lunch", "CV": "with dinner",
		"AC": "before a meal", "ACM": "before breakfast", "ACD": "before lunch", "ACV": "before dinner", "PC": "after a meal", "PCM": "after breakfast",
		"PCD": "after lunch", "PCV": "after dinner"}[code]; w != "" {
		return w
	}
	return code
}

// reference names what is referred to.
func (p *Page) reference(r *resource, x object) cell {
	if d := str(x["display"]); d != "" {
		return words(d)
	}
	ref := str(x["reference"])
	if to := p.set.find(r, ref); to != nil {
		return p.name(to)
	}
	if v := str(obj(x["identifier"])["value"]); v != "" {
		return words(v)
	}
	if ref == "" {
		return nil
	}
	return cell{{text: "something that is not in this record", style: small}}
}

// name is what a resource is called.
func (p *Page) name(r *resource) cell {
	switch r.typ {
	case "Patient", "Practitioner", "RelatedPerson", "Person":
		if s := bestName(r.object["name"]); s != "" {
			return words(s)
		}
		return words(firstIdentifier(r.object))
	case "PractitionerRole":
		return spaced(", ", p.value(r, "", r.object["practitioner"]), p.value(r, "", r.object["organization"]))
	case "Medication":
		if c := concept(obj(r.object["code"])); len(c) > 0 {
			return c
		}
		return p.value(r, "", r.object["ingredient"])
	case "Encounter":
		return spaced(", ", p.value(r, "", r.object["type"]), p.value(r, "", r.object["period"]))
	case "Specimen":
		return concept(obj(r.object["type"]))
	case "Device":
		for _, n := range list(r.object["deviceName"]) {
			return words(str(obj(n)["name"]))
		}
		if c := concept(obj(r.object["type"])); len(c) > 0 {
			return c
		}
		return words(firstIdentifier(r.object))
	}
	if s := str(r.object["name"]); s != "" {
		return words(s)
	}
	for _, key := range []string{"code", "vaccineCode", "type", "class", "medicationCodeableConcept", "description", "title"} {
		if c := p.value(r, key, r.object[key]); len(c) > 0 {
			return c
		}
	}
	if r.typ == "Organization" || r.typ == "Location" {
		return words(firstIdentifier(r.object))
	}
	return words(title(r.typ))
}

func firstIdentifier(x object) string {
	for _, id := range list(x["identifier"]) {
		if v := str(obj(id)["value"]); strings.ContainsFunc(v, unicode.IsLetter) && !strings.Contains(v, ":") { // no OID, no address
			return v
		}
	}
	return ""
}

// lines keeps the lines of a text.
func lines(s string) cell {
	var c cell
	for l := range strings.Lines(strings.TrimSpace(s)) {
		c = joined(c, words(l))
	}
	return c
}

// isTime reports whether a text is a date or a time of FHIR, as no other text is.
func isTime(s string) bool {
	_, ok := spell(s)
	return ok && strings.Contains(s, "-")
}

// spelled writes a date, dateTime or instant so that nobody takes the month for the day. As much is said as is known.
func spelled(s string) string {
	if t, ok := spell(s); ok {
		return t
	}
	return s
}

func spell(s string) (string, bool) {
	for layout, out := range map[string]string{"2006": "2006", "2006-01": "January 2006", "2006-01-02": "2 January 2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(out), true
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		day := t.Format("2 January 2006, 15:04")
		if layout != time.RFC3339Nano {
			return day, true
		}
		if _, offset := t.Zone(); offset == 0 {
			return day + " (UTC)", true
		}
		return day + t.Format(" (UTC-07:00)"), true
	}
	return "", false
}

// isCode reports whether an element of a plain string type is a code, whose words are put apart.
func isCode(name string) bool {
	switch name {
	case "status", "intent", "priority", "gender", "criticality", "category", "use", "type", "mode", "kind", "lifecycleStatus", "severity", "deviceType":
		return true
	}
	return strings.HasSuffix(name, "Status") || strings.HasSuffix(name, "Code")
}

// plainWord makes words of a code: entered-in-error, IN_PROGRESS.
func plainWord(code string) string {
	if w := codeWords[code]; w != "" {
		return w
	}
	if strings.IndexFunc(code, unicode.IsLower) < 0 { // LA6576-8 is not to be taken apart
		return code
	}
	s := strings.ReplaceAll(code, "-", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// codeWords are codes that would be misread as they stand.
var codeWords = map[string]string{
	"entered-in-error": "Entered in error: disregard",
	"refuted":          "Ruled out: the patient does not have it",
	"not-done":         "Not done",
	"not-taken":        "Not taken",
	"on-hold":          "On hold",
	"differential":     "One of several possibilities",
	"unable-to-assess": "Unable to assess",
	"M":                "Male",
	"F":                "Female",
	"AMB":              "Ambulatory",
	"IMP":              "Inpatient",
	"EMER":             "Emergency",
	"HH":               "Home health",
	"VR":               "Virtual",
	"":                 "",
}

// title makes words of an element's name: bodySite, valueQuantity.
func title(name string) string {
	for i := 1; i < len(name); i++ {
		if unicode.IsUpper(rune(name[i])) && isType(name[i:]) {
			name = name[:i]
		}
	}
	var b strings.Builder
	for i, r := range strings.ReplaceAll(name, "-", " ") {
		switch {
		case i == 0:
			b.WriteRune(unicode.ToUpper(r))
		case unicode.IsUpper(r):
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isType reports whether the end of a choice element's name is a datatype.
func isType(s string) bool {
	switch s {
	case "Quantity", "CodeableConcept", "String", "Boolean", "Integer", "Range", "Ratio", "SampledData", "Time", "DateTime", "Date", "Period", "Age", "Reference", "Timing",
		"Decimal", "Code", "Uri", "Duration", "Instant", "Money", "Identifier", "Attachment":
		return true
	}
	return false
}

func lastPart(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
