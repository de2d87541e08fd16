package ccdafhir

import (
	"iter"
	"reflect"
	"slices"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

const (
	ownExtensions = "https://chartpost.org/fhir/StructureDefinition/"
	statusURL     = ownExtensions + "status"          // statusCode as it stood there
	inferredURL   = ownExtensions + "status-inferred" // there was no statusCode
	moodURL       = ownExtensions + "mood"
	negationURL   = ownExtensions + "negation"
)

// A life says what statusCode, @moodCode and @negationInd of an act mean in a resource; C-CDA on FHIR, ConceptMaps CF-ProcedureStatus,
// CF-EncounterStatus, CF-ImmunizationStatus, CF-MedicationStatus and CF-MedActivityMood, and where they are silent FHIR's own
// definitions of the codes. The original is kept beside it.
type life struct {
	field   string
	codes   map[string]string // of statusCode
	back    map[string]string // "" is no statusCode
	unknown string            // for no statusCode, or one that FHIR does not know: what the mood alone says where FHIR has no code for that
	negated string            // the status of what was not done
	never   string            // the flag of what shall not be done
	intents map[string][]string
	moods   map[string]string
}

var lives = map[string]*life{
	"Procedure": {field: "status", unknown: "unknown", negated: "not-done",
		codes: map[string]string{"completed": "completed", "active": "in-progress", "aborted": "stopped", "cancelled": "not-done", "new": "preparation",
			"held": "on-hold", "suspended": "on-hold", "nullified": "entered-in-error"},
		back: map[string]string{"completed": "completed", "in-progress": "active", "stopped": "aborted", "not-done": "completed", "preparation": "new",
			"on-hold": "suspended", "entered-in-error": "nullified", "unknown": ""}},
	"Immunization": {field: "status", unknown: "completed", negated: "not-done", // an event has happened
		codes: map[string]string{"completed": "completed", "aborted": "not-done", "cancelled": "not-done", "held": "not-done", "new": "not-done",
			"obsolete": "not-done", "suspended": "not-done", "nullified": "entered-in-error"},
		back: map[string]string{"completed": "completed", "not-done": "completed", "entered-in-error": "nullified"}},
	"Encounter": {field: "status", unknown: "unknown",
		codes: map[string]string{"completed": "finished", "active": "in-progress", "cancelled": "cancelled", "new": "planned", "suspended": "onleave",
			"nullified": "entered-in-error"},
		back: map[string]string{"finished": "completed", "in-progress": "active", "arrived": "active", "triaged": "active", "cancelled": "cancelled",
			"planned": "active", "onleave": "suspended", "entered-in-error": "nullified", "unknown": ""}},
	"MedicationRequest": {field: "status", unknown: "unknown", never: "doNotPerform",
		codes: map[string]string{"active": "active", "suspended": "on-hold", "held": "on-hold", "aborted": "stopped", "completed": "completed",
			"cancelled": "cancelled", "new": "draft", "nullified": "entered-in-error"},
		back: map[string]string{"active": "active", "on-hold": "suspended", "stopped": "aborted", "completed": "completed", "cancelled": "cancelled",
			"draft": "new", "entered-in-error": "nullified", "unknown": ""},
		intents: map[string][]string{"EVN": {"plan"}, "INT": {"order", "plan"}, "RQO": {"order"}, "PRP": {"proposal"}, "PRMS": {"plan"}},
		moods:   map[string]string{"plan": "EVN", "order": "INT", "proposal": "PRP"}},
	"ServiceRequest": {field: "status", unknown: "unknown", never: "doNotPerform",
		codes: map[string]string{"active": "active", "completed": "completed", "suspended": "on-hold", "held": "on-hold", "aborted": "revoked",
			"cancelled": "revoked", "new": "draft", "nullified": "entered-in-error"},
		back: map[string]string{"active": "active", "completed": "completed", "on-hold": "suspended", "revoked": "cancelled", "draft": "new",
			"entered-in-error": "nullified", "unknown": ""},
		intents: map[string][]string{"INT": {"plan"}, "RQO": {"order"}, "PRP": {"proposal"}, "PRMS": {"plan"}, "ARQ": {"proposal"}, "APT": {"plan"}},
		moods:   map[string]string{"plan": "INT", "order": "RQO", "proposal": "PRP"}},
	"SupplyRequest": {field: "status", unknown: "unknown",
		codes: map[string]string{"active": "active", "completed": "completed", "suspended": "suspended", "held": "suspended", "aborted": "cancelled",
			"cancelled": "cancelled", "new": "draft", "nullified": "entered-in-error"},
		back: map[string]string{"active": "active", "completed": "completed", "suspended": "suspended", "cancelled": "cancelled", "draft": "new",
			"entered-in-error": "nullified", "unknown": ""}},
	"Goal": {field: "lifecycleStatus", unknown: "proposed",
		codes: map[string]string{"active": "active", "completed": "completed", "suspended": "on-hold", "held": "on-hold", "aborted": "cancelled",
			"cancelled": "cancelled", "new": "proposed", "nullified": "entered-in-error"},
		back: map[string]string{"active": "active", "completed": "completed", "on-hold": "suspended", "cancelled": "cancelled", "proposed": "new",
			"entered-in-error": "nullified", "planned": "active", "accepted": "active", "rejected": "cancelled"}},
}

// anyIntent is the intent of what is in a mood that CDA does not have.
var anyIntent = []string{"plan"}

// plannedMedication is Planned Medication Activity, E.42: an intent that nobody has ordered yet.
const (
	plannedMedication    = "2.16.840.1.113883.10.20.22.4.42"
	immunizationActivity = "2.16.840.1.113883.10.20.22.4.52"
)

// of says what a life makes of an act in a mood: its status without negation, "" for one that FHIR has no code for.
func (l *life) of(mood, status string, over bool) string {
	if l == lives["Encounter"] {
		switch {
		case mood != "" && mood != "EVN" && (status == "aborted" || status == "cancelled"):
			return "cancelled"
		case mood != "" && mood != "EVN":
			return "planned" // what is intended or asked for has not taken place, whatever the state of the plan
		case status == "" && over:
			return "finished"
		}
	}
	if s, ok := l.codes[status]; ok {
		return s
	}
	return l.unknown
}

// Before C-CDA a medication said by an observation within it whether it is taken: Medication Status, CCD 1.0. Its own statusCode is that of the
// entry then, and in a list of HITSP C32 always completed.
const (
	medicationStatusWithin = ccd1 + "47"
	observedURL            = ownExtensions + "status-observed"
)

// drugStatus is what such an observation makes of the status of a medication.
func drugStatus(d *tree.Doc, n tree.Node, l *life, status string) string {
	if l != lives["MedicationRequest"] || status != "completed" && status != "active" && status != "unknown" {
		return status
	}
	switch valueWithin(d, n, medicationStatusWithin) {
	case "55561003":
		return "active"
	case "421139008":
		return "on-hold"
	case "73425007", "392521001": // no longer active, prior history
		if status != "completed" {
			return "stopped"
		}
	}
	return status
}

// readLife reads statusCode, @moodCode and @negationInd of an act together, for together they say what became of it. The
// statusCode and the mood as they stood there are rows.
func readLife(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	l := lives[plan.OfMessage(dst).Name]
	if l == nil {
		return false
	}
	mood, code := attrText(c.Doc, n, "moodCode"), attrText(c.Doc, c.Doc.Child(n, "statusCode"), "code")
	negation := attr(c.Doc, n, "negationInd")
	negated := negation != 0 && c.Doc.Text(negation) == "true"
	time := c.Doc.Child(n, "effectiveTime")
	over := time != 0 && (isMoment(c.Doc, time) || isMoment(c.Doc, c.Doc.Child(time, "high")))
	status := l.of(mood, code, over)
	if negated && l.negated != "" {
		status = l.negated
	}
	if seen := drugStatus(c.Doc, n, l, status); seen != status {
		status = seen
		extend(dst, codeExtension(observedURL, seen))
	}
	any := false
	if status != "" && setCode(dst, l.field, status) {
		any = true
		if code == "" && status != "unknown" {
			extend(dst, &dpb.Extension{Url: &dpb.Uri{Value: inferredURL},
				Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}})
		}
	}
	if len(l.intents) > 0 {
		intents := l.intents[mood]
		if len(intents) == 0 { // FHIR has no code for a mood that nobody knows
			intents = anyIntent
		}
		intent := intents[0]
		if ofTemplate(c.Doc, n, plannedMedication) {
			intent = intents[len(intents)-1]
		}
		any = setCode(dst, "intent", intent) || any
	}
	switch {
	case negation == 0 || l.negated == "" && l.never == "":
	case l.never != "" && noMedication(c, n): // none.go says it
		c.Carry(negation)
		any = true
	default:
		if l.never != "" && (negated || c.Doc.Text(negation) == "false") {
			setCode(dst, l.never, strconv.FormatBool(negated))
		} else {
			extend(dst, textExtension(negationURL, c.Doc.Text(negation)))
		}
		c.Carry(negation)
		any = true
	}
	return any
}

// writeLife writes them back: as they stood there where that still says what the resource says, else what says it best.
func writeLife(c *mapping.Context, src proto.Message, n tree.Node) bool {
	l := lives[plan.OfMessage(src).Name]
	if l == nil {
		return false
	}
	var code, mood string
	var inferred, negation, observed *dpb.Extension
	for _, x := range *extensions(src) {
		switch x.GetUrl().GetValue() {
		case statusURL:
			code = x.GetValue().GetCode().GetValue()
		case moodURL:
			mood = x.GetValue().GetCode().GetValue()
		case inferredURL:
			inferred = x
		case observedURL:
			observed = x
		case negationURL:
			negation = x
		}
	}
	any := false // whether anything was claimed: what a pair claims and does not write is not claimed
	if v := field(src, l.field); v != nil {
		status := hl7.FHIRText(v)
		negated := l.negated != "" && status == l.negated && (negation.GetValue().GetStringValue().GetValue() == "true" || l.of(mood, code, true) != status)
		switch {
		case negated:
			if set(c.Doc, n, "negationInd", "true") {
				any = true
				c.ClaimValue(v)
				if negation != nil {
					c.Claim(negation)
				}
			}
		case negation != nil && negation.GetValue().GetStringValue().GetValue() != "true":
			if set(c.Doc, n, "negationInd", negation.GetValue().GetStringValue().GetValue()) {
				any = true
				c.Claim(negation)
			}
		}
		stands := code != "" && (negated || l.of(mood, code, true) == status)
		back, known := l.back[status]
		switch {
		case stands:
			any = true
			c.ClaimValue(v)
		case observed != nil && observed.GetValue().GetCode().GetValue() == status: // the observation within it says so again
			any = true
			c.ClaimValue(v)
			c.Claim(observed)
		case inferred != nil && code == "":
			any = true
			c.ClaimValue(v)
			c.Claim(inferred)
		case known:
			if back == "" || setStatus(c.Doc, n, back) {
				any = true
				c.ClaimValue(v)
			}
		}
		if l == lives["Encounter"] && status == "planned" && mood == "" {
			any = set(c.Doc, n, "moodCode", "INT") || any
		}
	} else if negation != nil && set(c.Doc, n, "negationInd", negation.GetValue().GetStringValue().GetValue()) {
		any = true
		c.Claim(negation)
	}
	if len(l.intents) > 0 {
		if v := field(src, "intent"); v != nil {
			intent := hl7.FHIRText(v)
			if slices.Contains(l.intents[mood], intent) || mood != "" && len(l.intents[mood]) == 0 && slices.Contains(anyIntent, intent) {
				any = true
				c.ClaimValue(v)
			} else if to := l.moods[intent]; to != "" && set(c.Doc, n, "moodCode", to) {
				any = true
				c.ClaimValue(v)
			}
		}
	}
	if l.never != "" {
		if v, ok := field(src, l.never).(*dpb.Boolean); ok {
			value := "false"
			if v.Value {
				value = "true"
			}
			if set(c.Doc, n, "negationInd", value) {
				any = true
				c.ClaimValue(v)
			}
		}
	}
	return any
}

// readMood keeps the mood of what is planned. Which of several moods an act is in chose the row, so going back one of them stands there
// already.
func readMood(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	mood := attr(c.Doc, n, "moodCode")
	if mood == 0 {
		return false
	}
	extend(dst, codeExtension(moodURL, c.Doc.Text(mood)))
	c.Carry(mood)
	return true
}

// writeMood writes it back where the intent still says so.
func writeMood(c *mapping.Context, src proto.Message, n tree.Node) bool {
	l, intent := lives[plan.OfMessage(src).Name], ""
	if v := field(src, "intent"); v != nil {
		intent = hl7.FHIRText(v)
	}
	mood := attr(c.Doc, n, "moodCode")
	for _, x := range *extensions(src) {
		said := x.GetValue().GetCode().GetValue()
		if x.GetUrl().GetValue() != moodURL || said == "" || len(l.intents) > 0 && intent != "" && !slices.Contains(l.intents[said], intent) {
			continue
		}
		if mood != 0 {
			c.Doc.SetText(mood, "")
		}
		if set(c.Doc, n, "moodCode", said) {
			c.Claim(x)
			return true
		}
	}
	if mood != 0 && l.moods[intent] != "" {
		c.Doc.SetText(mood, "") // LIFE says it
	}
	return false
}

// isMoment reports that a TS says a time.
func isMoment(d *tree.Doc, n tree.Node) bool {
	_, err := hl7.ParseMoment(attrText(d, n, "value"), false)
	return err == nil
}

func setStatus(d *tree.Doc, n tree.Node, code string) bool {
	k := d.Child(n, "statusCode")
	if k == 0 {
		k = d.Add(n, "statusCode", "")
	}
	return set(d, k, "code", code)
}

// field is a singular element of a resource, nil if it is not there.
func field(m proto.Message, name string) proto.Message {
	e := plan.OfMessage(m).Element(name)
	if e == nil {
		return nil
	}
	v := e.At(reflect.ValueOf(m).Elem(), 0)
	if !v.IsValid() {
		return nil
	}
	x, _ := v.Addr().Interface().(proto.Message)
	return x
}

// setCode sets an element that is a code or another primitive.
func setCode(m proto.Message, name, code string) bool {
	e := plan.OfMessage(m).Element(name)
	if e == nil {
		return false
	}
	t := e.Type()
	value, err := t.Prim.Parse(code)
	if err != nil {
		return false
	}
	t.Prim.Store(e.Set(reflect.ValueOf(m).Elem()), value)
	return true
}

func extend(m proto.Message, x *dpb.Extension) {
	if list := extensions(m); list != nil {
		*list = append(*list, x)
	}
}

// templatesOf gives the roots of an act's template ids.
func templatesOf(d *tree.Doc, n tree.Node) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := d.First(n); k != 0; k = d.Next(k) {
			if d.Name(k) == "templateId" && !yield(attrText(d, k, "root")) {
				return
			}
		}
	}
}

// ofTemplate reports that an act has one of several template ids, or an older one of theirs.
func ofTemplate(d *tree.Doc, n tree.Node, roots ...string) bool {
	for root := range templatesOf(d, n) {
		if slices.ContainsFunc(roots, func(r string) bool { return r == root || slices.Contains(older[r], root) }) {
			return true
		}
	}
	return false
}
