package ccdafhir

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	apb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

const (
	derivedURL = ownExtensions + "derived" // the element says again what a statement within this one, or around it, says
	valueURL   = ownExtensions + "value"

	fromValueURL = ownExtensions + "from-value" // what an allergy is to is what the value of its observation says, and no substance

	snomed                = "http://snomed.info/sct"
	conditionClinical     = "http://terminology.hl7.org/CodeSystem/condition-clinical"
	conditionVerification = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
	conditionCategory     = "http://terminology.hl7.org/CodeSystem/condition-category"
	usCoreCategory        = "http://hl7.org/fhir/us/core/CodeSystem/condition-category"
	allergyClinical       = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
	allergyVerification   = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"

	entries           = "2.16.840.1.113883.10.20.22.4." // the templates of entries
	problemStatus     = entries + "6"
	severity          = entries + "8"
	reaction          = entries + "9"
	allergyStatus     = entries + "28"
	encounterDiagnose = entries + "80"
	criticality       = entries + "145"
)

// C-CDA on FHIR, ConceptMaps CF-ProblemStatus, CF-AllergyStatus and CF-ConditionClinicalStatus.
var (
	snomedStatus = map[string]string{"246455001": "recurrence", "263855007": "relapse", "277022003": "remission", "413322009": "resolved",
		"55561003": "active", "73425007": "inactive"}
	concernStatus = map[string]string{"active": "active", "aborted": "inactive", "completed": "inactive", "suspended": "inactive"}
)

// Sections and the category of their problems, CF-ProblemCategory.
var problemCategories = map[string][2]string{
	"46240-8": {conditionCategory, "encounter-diagnosis"},
	"11450-4": {conditionCategory, "problem-list-item"},
	"75310-3": {usCoreCategory, "health-concern"},
}

// markDerived marks an element that is read again from where it came from, and so is not written a second time. The mark holds a
// digest of the element: who changes the element in FHIR and leaves the mark is heard, for then it is written, or missed in the ledger.
func markDerived(m proto.Message) {
	bare := m
	if list := extensions(m); list != nil && slices.ContainsFunc(*list, plan.IsInternal) { // they stand elsewhere in what another program wrote
		bare = proto.Clone(m)
		dropInternal(bare)
	}
	extend(m, textExtension(derivedURL, digest(bare)))
}

// isMark reports the extension that markDerived puts.
func isMark(x *dpb.Extension) bool { return x.GetUrl().GetValue() == derivedURL }

func isDerived(m proto.Message) bool {
	list := extensions(m)
	if list == nil {
		return false
	}
	at := slices.IndexFunc(*list, isMark)
	if at < 0 {
		return false
	}
	said := (*list)[at].GetValue().GetStringValue().GetValue()
	bare := shallow(m)
	*extensions(bare) = slices.Concat((*list)[:at], (*list)[at+1:])
	if said == digest(bare) {
		return true
	}
	bare = proto.Clone(bare)
	if dropInternal(bare) && said == digest(bare) { // the hub's own marks come after it
		return true
	}
	return dropReferences(bare) && said == digest(bare) // where it leads was not known yet when it was marked
}

// shallow is another message with the same elements: to look at it without one of them. A clone, which has elements of its own, costs more than its digest.
func shallow(m proto.Message) proto.Message {
	from := reflect.ValueOf(m).Elem()
	to := reflect.New(from.Type())
	for i := range from.NumField() {
		if f := from.Field(i); f.CanInterface() { // what is protobuf's own is not exported
			to.Elem().Field(i).Set(f)
		}
	}
	return to.Interface().(proto.Message)
}

// dropInternal takes out the hub's own extensions at and below m, and reports whether there was one.
func dropInternal(m proto.Message) (any bool) {
	if list := extensions(m); list != nil {
		all := len(*list)
		*list = slices.DeleteFunc(*list, plan.IsInternal)
		any = len(*list) < all
	}
	eachMessage(m, func(x proto.Message) { any = dropInternal(x) || any })
	return any
}

// eachMessage calls f for the messages directly below m. It goes by the plan: protobuf's own reflection took a tenth of the time in which a
// document is written.
func eachMessage(m proto.Message, f func(proto.Message)) {
	v := reflect.ValueOf(m).Elem()
	for _, e := range plan.Of(v.Type()).Elements {
		if e.Choice != nil || e.RefText {
			if x, a := e.Chosen(v); a != nil {
				f(plan.MessageOf(x))
			}
			continue
		}
		for i := range e.Len(v) {
			f(plan.MessageOf(e.At(v, i)))
		}
	}
}

// dropReferences takes out where the references at and below m lead, and reports whether there was one.
func dropReferences(m proto.Message) (any bool) {
	if ref, ok := m.(*dpb.Reference); ok {
		ref.Reference, ref.Type = nil, nil
		return true
	}
	eachMessage(m, func(x proto.Message) { any = dropReferences(x) || any })
	return any
}

// digest is a short sha256 of what an element says. No element of the hub holds a map, so its wire form has one order.
func digest(m proto.Message) string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil { // text that is no UTF-8, which no codec gives
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// concept is a CodeableConcept of one code.
func concept(system, code string) *dpb.CodeableConcept {
	return &dpb.CodeableConcept{Coding: []*dpb.Coding{{System: &dpb.Uri{Value: system}, Code: &dpb.Code{Value: code}}}}
}

func conceptCode(c *dpb.CodeableConcept, system string) string {
	for _, x := range c.GetCoding() {
		if x.GetSystem().GetValue() == system {
			return x.GetCode().GetValue()
		}
	}
	return ""
}

// reactionsOf calls f for the reactions of an allergy: what it manifests itself in, whatever their template (IHE has that of a problem).
func reactionsOf(d *tree.Doc, n tree.Node, f func(tree.Node)) {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) != "entryRelationship" {
			continue
		}
		if o := d.Child(k, "observation"); o != 0 && (attrText(d, k, "typeCode") == "MFST" || ofTemplate(d, o, reaction)) {
			f(o)
		}
	}
}

// within calls f for each observation of a template that an entryRelationship of n holds.
func within(d *tree.Doc, n tree.Node, template string, f func(tree.Node)) {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) != "entryRelationship" {
			continue
		}
		if o := d.Child(k, "observation"); o != 0 {
			if ofTemplate(d, o, template) {
				f(o)
			}
		}
	}
}

// valueWithin is the code of the value of the first observation of a template within n.
func valueWithin(d *tree.Doc, n tree.Node, template string) (code string) {
	within(d, n, template, func(o tree.Node) {
		if code == "" {
			code = attrText(d, d.Child(o, "value"), "code")
		}
	})
	return code
}

// endUnknown reports what has ended nobody knows when: C-CDA R2.1 says of problems and allergies that then, and only then, there is an end
// with the null flavor UNK.
func endUnknown(d *tree.Doc, n tree.Node) bool {
	return attrText(d, d.Child(d.Child(n, "effectiveTime"), "high"), "nullFlavor") == "UNK"
}

// clinicalStatus is what the status observation within a problem or an allergy says; else that it has ended; else the concern
// around it; else active (C-CDA on FHIR, Problems and Allergies).
func clinicalStatus(d *tree.Doc, n tree.Node, template string) string {
	if d.Name(n) == "act" { // itself a concern
		return cmp.Or(concernStatus[attrText(d, d.Child(n, "statusCode"), "code")], "active")
	}
	if s := snomedStatus[valueWithin(d, n, template)]; s != "" {
		return s
	}
	if attr(d, d.Child(d.Child(n, "effectiveTime"), "high"), "value") != 0 || endUnknown(d, n) {
		return "resolved"
	}
	if act := d.Parent(d.Parent(n)); act != 0 && d.Name(act) == "act" {
		if s := concernStatus[attrText(d, d.Child(act, "statusCode"), "code")]; s != "" {
			return s
		}
	}
	return "active"
}

// category is the category of a problem by where it stands.
func category(d *tree.Doc, n tree.Node) (c [2]string) {
	if d.Name(n) == "act" { // itself a concern
		return problemCategories["75310-3"]
	}
	for k := d.Parent(n); k != 0 && k != tree.Root; k = d.Parent(k) {
		switch d.Name(k) {
		case "act":
			if ofTemplate(d, k, encounterDiagnose) {
				return problemCategories["46240-8"]
			}
		case "section":
			return problemCategories[attrText(d, d.Child(k, "code"), "code")]
		}
	}
	return c
}

// negation reads @negationInd of a problem or an allergy: true is refuted.
func negation(c *mapping.Context, n tree.Node, dst proto.Message) (negated, any bool) {
	a := attr(c.Doc, n, "negationInd")
	if a == 0 {
		return false, false
	}
	negated = c.Doc.Text(a) == "true"
	if !negated {
		extend(dst, textExtension(negationURL, c.Doc.Text(a)))
	}
	c.Carry(a)
	return negated, true
}

// writeNegation writes it back. That there is none of a kind is negated only while the code still says so: who gives an allergy in its
// place has not denied that one.
func writeNegation(c *mapping.Context, src proto.Message, n tree.Node, verification *dpb.CodeableConcept, system string, code *dpb.CodeableConcept) bool {
	if conceptCode(verification, system) == "refuted" && len(verification.Coding) == 1 && set(c.Doc, n, "negationInd", "true") {
		c.Claim(verification)
		return true
	}
	if conceptCode(verification, system) == "confirmed" {
		defer c.Fold("a statement that is not negated says it")()
		c.Claim(verification)
	}
	for _, x := range *extensions(src) {
		if x.GetUrl().GetValue() != negationURL {
			continue
		}
		said := x.GetValue().GetStringValue().GetValue()
		if said == "true" && !writeNone(c, code) {
			continue
		}
		if set(c.Doc, n, "negationInd", said) {
			c.Claim(x)
			return true
		}
	}
	return false
}

// readCondition reads what Condition says of a problem's state.
func readCondition(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*cpb.Condition)
	if !ok {
		return false
	}
	negated, _ := negation(c, n, dst)
	if negated && !noProblem(c.Doc, n) {
		d.VerificationStatus = concept(conditionVerification, "refuted")
	} else {
		d.ClinicalStatus = derivedConcept(conditionClinical, clinicalStatus(c.Doc, n, problemStatus))
	}
	if to := category(c.Doc, n); to[1] != "" {
		d.Category = append(d.Category, derivedConcept(to[0], to[1]))
	}
	return true
}

func writeCondition(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*cpb.Condition)
	if !ok {
		return false
	}
	any := writeNegation(c, src, n, d.VerificationStatus, conditionVerification, d.Code)
	if d.ClinicalStatus != nil && isDerived(d.ClinicalStatus) {
		c.Claim(d.ClinicalStatus)
		any = true
	}
	for _, x := range d.Category {
		if isDerived(x) {
			c.Claim(x)
			any = true
		}
	}
	return any
}

// C-CDA on FHIR, ConceptMaps CF-AllergyIntoleranceType, CF-AllergyIntoleranceCategory, CF-NoKnownAllergies, CF-Criticality and CF-Severity.
// Codes that FHIR knows no type or no category of have none.
var (
	// The codes of letters are those of IHE: v3 ObservationIntoleranceType.
	allergyTypes = map[string]string{"235719002": "intolerance", "59037007": "intolerance", "414285001": "allergy", "416098002": "allergy",
		"419199007": "allergy", "ALG": "allergy", "DALG": "allergy", "EALG": "allergy", "FALG": "allergy", "DINT": "intolerance", "EINT": "intolerance",
		"FINT": "intolerance", "OINT": "intolerance", "DNAINT": "intolerance", "ENAINT": "intolerance", "FNAINT": "intolerance"}
	allergyCategories = map[string]string{"235719002": "food", "414285001": "food", "418471000": "food", "416098002": "medication",
		"419511003": "medication", "59037007": "medication", "DALG": "medication", "DINT": "medication", "DNAINT": "medication", "EALG": "environment",
		"EINT": "environment", "ENAINT": "environment", "FALG": "food", "FINT": "food", "FNAINT": "food"}
	// What says that it is an adverse reaction or that somebody is prone to one, and not to what.
	anyAllergy = []string{"235719002", "59037007", "414285001", "416098002", "419199007", "418471000", "419511003", "420134006", "418038007", "426232007",
		"232347008", "282100009", "281647001", "473010000", "473011001", "64970000", "106190000", "609328004", "29736007"}
	// The last one is none of the guide's.
	noKnown = map[string]string{"414285001": "429625007", "416098002": "409137002", "419199007": "716186003", "426232007": "428607008"}

	criticalities = map[string]string{"CRITH": "high", "CRITL": "low", "CRITU": "unable-to-assess"}
	severities    = map[string]string{"255604002": "mild", "6736007": "moderate", "24484000": "severe", "L": "mild", "M": "moderate", "H": "severe"}
)

// substance is the entity that an allergy is to, 0 if it names none.
func substance(d *tree.Doc, n tree.Node) tree.Node {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) == "participant" && attrText(d, k, "typeCode") == "CSM" {
			return d.Child(d.Child(k, "participantRole"), "playingEntity")
		}
	}
	return 0
}

// hasSubstance reports whether an allergy says what it is to. Words such as "No known allergies" do not.
func hasSubstance(c *mapping.Context, n tree.Node) bool {
	code := c.Doc.Child(substance(c.Doc, n), "code")
	return code != 0 && (attrText(c.Doc, code, "code") != "" || c.Doc.Child(code, "translation") != 0 || c.Doc.Child(code, "originalText") != 0 && !deniesInWords(c, code))
}

// valueNames reports whether the value of an allergy says what it is to, and not only that it is one.
func valueNames(d *tree.Doc, n tree.Node) bool {
	code := attrText(d, d.Child(n, "value"), "code")
	return code != "" && !slices.Contains(anyAllergy, code)
}

// allergyKind is the code of an allergy's kind.
func allergyKind(d *tree.Doc, n tree.Node) string {
	return kindSaid(attrText(d, d.Child(n, "value"), "code"), attrText(d, d.Child(n, "code"), "code"))
}

// kindSaid is which of two codes says the kind: C-CDA has it in the value, and before it the observation's code had it.
func kindSaid(value, code string) string {
	if allergyTypes[value] == "" && allergyCategories[value] == "" && noKnown[value] == "" && (allergyTypes[code] != "" || allergyCategories[code] != "") {
		return code
	}
	return value
}

// kindWritten is the same of what is written: the code of a resource's extensions for value and code.
func kindWritten(d *apb.AllergyIntolerance) string {
	said := map[string]string{}
	for _, x := range d.Extension {
		if cc := x.GetValue().GetCodeableConcept(); len(cc.GetCoding()) > 0 {
			said[x.GetUrl().GetValue()] = cc.Coding[0].GetCode().GetValue()
		}
	}
	return kindSaid(said[valueURL], said[ownExtensions+"code"])
}

// readNoAllergy gives the code for that somebody has no allergy of a kind, beside what its substance says of itself. An allergy without a
// substance is to what its value says: penicillin allergy, no known allergies.
func readNoAllergy(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*apb.AllergyIntolerance)
	if value := c.Doc.Child(n, "value"); ok && d.Code == nil && valueNames(c.Doc, n) {
		cc := &dpb.CodeableConcept{}
		if c.ReadTable("CD", value, cc) {
			extend(cc, &dpb.Extension{Url: &dpb.Uri{Value: fromValueURL}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}})
			markDerived(cc)
			d.Code = cc
			return true
		}
	}
	none := noKnown[allergyKind(c.Doc, n)]
	if !ok || none == "" || attrText(c.Doc, n, "negationInd") != "true" || hasSubstance(c, n) || valueNames(c.Doc, n) {
		return false
	}
	d.Code = sayNone(dst, d.Code, none)
	return true
}

// readAllergy reads what AllergyIntolerance says of an allergy's type and state. That somebody has no allergy of a kind has a code
// of its own; "no allergy to" one substance is refuted.
func readAllergy(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*apb.AllergyIntolerance)
	if !ok {
		return false
	}
	doc := c.Doc
	kind := allergyKind(doc, n)
	negated, _ := negation(c, n, dst)
	known := hasSubstance(c, n) || valueNames(doc, n)
	status := "active"
	switch clinicalStatus(doc, n, allergyStatus) {
	case "inactive", "remission":
		status = "inactive"
	case "resolved":
		status = "resolved"
	}
	d.ClinicalStatus = derivedConcept(allergyClinical, status)
	if negated && (known || noKnown[kind] == "") {
		d.VerificationStatus = concept(allergyVerification, "refuted")
	}
	if t := allergyTypes[kind]; t != "" {
		setCode(d, "type", t)
	}
	if t := allergyCategories[kind]; t != "" {
		cat := &apb.AllergyIntolerance_CategoryCode{}
		if hl7.Store(cat, t) {
			d.Category = append(d.Category, cat)
		}
	}
	if t := criticalities[valueWithin(doc, n, criticality)]; t != "" && setCode(d, "criticality", t) {
		markDerived(d.Criticality)
	}
	whole := severities[valueWithin(doc, n, severity)] // which C-CDA discourages: it holds for each reaction that says none
	reactionsOf(doc, n, func(o tree.Node) {
		v := doc.Child(o, "value")
		if v == 0 || attr(doc, v, "code") == 0 {
			return
		}
		cc := &dpb.CodeableConcept{}
		if !c.ReadTable("CD", v, cc) {
			return
		}
		r := &apb.AllergyIntolerance_Reaction{Manifestation: []*dpb.CodeableConcept{cc}}
		if s := cmp.Or(severities[valueWithin(doc, o, severity)], whole); s != "" {
			setCode(r, "severity", s)
		}
		at := doc.Child(o, "effectiveTime")
		if s, _ := hl7.Time.Read(c, cmp.Or(attrText(doc, doc.Child(at, "low"), "value"), attrText(doc, at, "value"))); s != "" {
			if onset := (&dpb.DateTime{}); hl7.Store(onset, s) {
				r.Onset = onset
			}
		}
		markDerived(r)
		d.Reaction = append(d.Reaction, r)
	})
	return true
}

func writeAllergy(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*apb.AllergyIntolerance)
	if !ok {
		return false
	}
	any := writeNegation(c, src, n, d.VerificationStatus, allergyVerification, d.Code)
	claim := func(m proto.Message) {
		c.Claim(m)
		any = true
	}
	if d.ClinicalStatus != nil && isDerived(d.ClinicalStatus) {
		claim(d.ClinicalStatus)
	}
	kind := kindWritten(d)
	if d.Type != nil && kind != "" && hl7.FHIRText(d.Type) == allergyTypes[kind] {
		claim(d.Type)
	}
	for _, x := range d.Category {
		if kind != "" && hl7.FHIRText(x) == allergyCategories[kind] {
			claim(x)
		}
	}
	if d.Code != nil && isDerived(d.Code) && slices.ContainsFunc(d.Code.Extension, func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == fromValueURL }) {
		claim(d.Code)
	}
	if d.Criticality != nil && isDerived(d.Criticality) {
		claim(d.Criticality)
	}
	for _, x := range d.Reaction {
		if isDerived(x) {
			claim(x)
		}
	}
	return any
}
