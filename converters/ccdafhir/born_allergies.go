package ccdafhir

import (
	"strconv"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// bornNoKnown are the codes for that there is no allergy of a kind, and that kind: SNOMED CT, and the International Patient Summary's.
var bornNoKnown = map[string]string{"716186003": "419199007", "409137002": "416098002", "429625007": "414285001", "428607008": "426232007",
	"no-known-allergies": "419199007", "no-known-medication-allergies": "416098002", "no-known-food-allergies": "414285001",
	"no-known-environmental-allergies": "426232007"}

// noKnownLatex says that there is no allergy to one substance, which C-CDA negates like any other.
const noKnownLatex = "1003774007"

// anyOf is the first code of a concept that a table has, and what it has for it.
func anyOf(e element, table map[string]string) string {
	for _, x := range e.all("coding") {
		if to := table[x.one("code").text()]; to != "" {
			return to
		}
	}
	return ""
}

func (b *born) allergy(p *bornPart, r *mapping.Resource) {
	e := elementOf(r.Msg)
	var manifestations []string
	for _, x := range e.all("reaction") {
		for _, m := range x.all("manifestation") {
			manifestations = append(manifestations, words(wordsOf(m), x.one("severity").text()))
		}
	}
	id := p.row(wordsOf(e.one("code")), words(manifestations...), e.one("criticality").text(), words(e.code("clinicalStatus"), e.code("verificationStatus")), wordsOf(e.one("onset")))
	c := b.concern(b.entry(p), r, entryTemplate("30", "2015-08-01"))
	k := b.act(b.related(c, "SUBJ", false), "observation", "OBS", "EVN", r, "", entryTemplate("7", "2014-06-09"))
	kind, latex := anyOf(e.one("code"), bornNoKnown), e.has("code", noKnownLatex)
	none := kind != ""
	if (none || latex) != e.has("verificationStatus", "refuted") {
		b.put(k, "negationInd", "true")
	}
	b.coded(k, "code", "ASSERTION", actCodeOID, "Assertion")
	b.link(k, id)
	b.put(b.add(k, "statusCode"), "code", "completed")
	b.onset(k, e.one("onset"))
	intolerance, allergic := e.one("type").text() == "intolerance", e.one("type").text() == "allergy"
	if kind == "" {
		category := ""
		if list := e.all("category"); len(list) > 0 {
			category = list[0].text()
		}
		switch {
		case category == "medication" && intolerance:
			kind = "59037007"
		case category == "medication" && allergic:
			kind = "416098002"
		case category == "medication": // neither is said
			kind = "419511003"
		case category == "food" && intolerance:
			kind = "235719002"
		case category == "food" && allergic:
			kind = "414285001"
		case category == "food":
			kind = "418471000"
		case category == "environment" && allergic:
			kind = "426232007"
		case category == "environment":
			kind = "418038007"
		case allergic:
			kind = "419199007"
		default:
			kind = "420134006"
		}
	}
	b.asValue(b.coded(k, "value", kind, snomedOID, allergyKinds[kind]), "CD")
	b.fold(e.one("type"), "the kind of the allergy says it")
	for _, x := range e.all("category") {
		b.fold(x, "the kind of the allergy says it")
	}
	part := b.put(b.add(k, "participant"), "typeCode", "CSM")
	role := b.put(b.add(part, "participantRole"), "classCode", "MANU")
	entity := b.put(b.add(role, "playingEntity"), "classCode", "MMAT")
	switch {
	case none:
		b.null(entity, "code", "NA")
		b.fold(e.one("code"), "a negated allergy says it")
	case latex:
		b.coded(entity, "code", "111088007", snomedOID, "Latex")
		b.fold(e.one("code"), "a negated allergy says it")
	default:
		b.concept(entity, "code", e.one("code"))
	}
	for i, x := range e.all("reaction") {
		for j, m := range x.all("manifestation") {
			o := b.act(b.related(k, "MFST", true), "observation", "OBS", "EVN", r, "reaction "+strconv.Itoa(i)+"."+strconv.Itoa(j), entryTemplate("9", "2014-06-09"))
			b.coded(o, "code", "ASSERTION", actCodeOID, "Assertion")
			b.put(b.add(o, "statusCode"), "code", "completed")
			if t := x.one("onset"); t.ok() && j == 0 {
				b.effective(o, t, true)
			}
			b.asValue(b.concept(o, "value", m), "CD")
			if s, ok := bornSeverities[x.one("severity").text()]; ok {
				v := b.put(b.add(b.related(o, "SUBJ", true), "observation"), "classCode", "OBS", "moodCode", "EVN")
				b.template(v, entryTemplate("8", "2014-06-09"))
				b.coded(v, "code", "SEV", actCodeOID, "Severity")
				b.put(b.add(v, "statusCode"), "code", "completed")
				b.asValue(b.coded(v, "value", s[0], snomedOID, s[1]), "CD")
				b.claim(x.one("severity"))
			}
		}
	}
	if s, ok := bornCriticalities[e.one("criticality").text()]; ok {
		o := b.put(b.add(b.related(k, "SUBJ", true), "observation"), "classCode", "OBS", "moodCode", "EVN")
		b.template(o, entryTemplate("145", ""))
		b.coded(o, "code", "82606-5", loincOID, "Allergy or intolerance criticality")
		b.put(b.add(o, "statusCode"), "code", "completed")
		b.asValue(b.coded(o, "value", s[0], alertValueOID, s[1]), "CD")
		b.claim(e.one("criticality"))
	}
	b.clinical(k, e, "28")
	b.certainty(k, r, e)
	b.notes(k, e)
}

var allergyKinds = map[string]string{"59037007": "Drug intolerance", "416098002": "Allergy to drug", "235719002": "Food intolerance", "414285001": "Allergy to food",
	"426232007": "Environmental allergy", "419199007": "Allergy to substance", "420134006": "Propensity to adverse reaction",
	"419511003": "Propensity to adverse reactions to drug", "418471000": "Propensity to adverse reactions to food",
	"418038007": "Propensity to adverse reactions to substance"}

var bornSeverities = map[string][2]string{"mild": {"255604002", "Mild"}, "moderate": {"6736007", "Moderate"}, "severe": {"24484000", "Severe"}}

var bornCriticalities = map[string][2]string{"low": {"CRITL", "low criticality"}, "high": {"CRITH", "high criticality"}, "unable-to-assess": {"CRITU", "unable to assess criticality"}}
