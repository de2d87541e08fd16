package ccdafhir

// This file writes what FHIR says of the patient in extensions and C-CDA in observations of the social history.

// bornFact is such an extension, and the observation that it becomes.
type bornFact struct {
	value                   element
	template                templateOf
	code, display, rowTitle string
}

var bornFacts = map[string]bornFact{
	usCore + "us-core-birthsex": {template: entryTemplate("200", "2016-06-01"), code: "76689-9", display: "Sex Assigned At Birth", rowTitle: "Birth sex"},
	usCore + "us-core-genderIdentity": {template: templateOf{"2.16.840.1.113883.10.20.34.3.45", "2022-06-01"}, code: "76691-5", display: "Gender identity",
		rowTitle: "Gender identity"},
}

func (b *born) facts() (list []bornFact) {
	if b.patient == nil {
		return nil
	}
	for _, x := range elementOf(b.patient.Msg).all("extension") {
		if f, ok := bornFacts[x.one("url").text()]; ok && x.one("value").ok() {
			f.value = x.one("value")
			list = append(list, f)
			b.claim(x.one("url"))
		}
	}
	return list
}

func (b *born) writeFacts(p *bornPart, facts []bornFact) {
	for _, f := range facts {
		id := p.row(f.rowTitle, wordsOf(f.value), "")
		k := b.act(b.entry(p), "observation", "OBS", "EVN", b.patient, f.rowTitle, f.template)
		b.coded(k, "code", f.code, loincOID, f.display)
		b.link(k, id)
		b.put(b.add(k, "statusCode"), "code", "completed")
		b.null(k, "effectiveTime", "UNK")
		switch {
		case f.value.t.Name == "CodeableConcept":
			b.asValue(b.concept(k, "value", f.value), "CD")
		case f.value.text() == "M" || f.value.text() == "F":
			b.asValue(b.coded(k, "value", f.value.text(), "2.16.840.1.113883.5.1", ""), "CD")
			b.claim(f.value)
		default:
			b.asValue(b.null(k, "value", "UNK"), "CD")
			b.claim(f.value)
		}
	}
}
