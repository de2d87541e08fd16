package ccdafhir

import (
	"math/big"
	"slices"
	"strings"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes the header of a document: C-CDA R2.1, 1.1.

// dates finds the earliest and the newest date of what the record says happened.
func (b *born) dates() {
	for _, r := range b.c.Resources() {
		if r.Type() == "Patient" || r.Type() == "Claim" || r.Type() == "ExplanationOfBenefit" {
			continue
		}
		e := elementOf(r.Msg)
		for _, name := range []string{"effective", "issued", "authoredOn", "recordedDate", "occurrence", "performed", "date", "started", "onset", "period"} {
			x := e.one(name)
			if x.ok() && x.t.Name == "Period" {
				x = x.one("start")
			}
			if !x.ok() || x.t.Prim == nil || x.t.Name == "string" {
				continue
			}
			s := x.text()
			if len(s) < 4 || s[0] < '0' || s[0] > '9' {
				continue
			}
			if b.first == "" || s < b.first {
				b.first = s
			}
			if s > b.last {
				b.last = s
			}
		}
	}
	if bundle := b.c.Bundle(); bundle != nil {
		if t := elementOf(bundle).one("timestamp"); t.ok() {
			b.last = t.text()
		}
	}
	if b.last != "" {
		return
	}
	for _, r := range b.c.Resources() { // nothing says when it was, but when it was written down or sent may be known: the day of a message without an offset
		if r.Type() != "Provenance" {
			continue
		}
		for _, name := range []string{"occurred", "recorded"} {
			if x := elementOf(r.Msg).one(name); x.ok() && x.t.Prim != nil && x.text() > b.last {
				b.last = x.text()
			}
		}
	}
	if b.last != "" {
		return
	}
	if bundle := b.c.Bundle(); bundle != nil { // or since when their server has it so
		b.last = lastUpdated(elementOf(bundle))
	}
	if b.last != "" {
		return
	}
	for _, r := range b.c.Resources() {
		b.last = max(b.last, lastUpdated(elementOf(r.Msg)))
	}
}

// lastUpdated is when a server last changed a resource, as far as it says so.
func lastUpdated(e element) string {
	if m := e.one("meta"); m.ok() {
		if x := m.one("lastUpdated"); x.ok() && x.t.Prim != nil {
			return x.text()
		}
	}
	return ""
}

func (b *born) header(root tree.Node) {
	b.put(b.add(root, "realmCode"), "code", "US")
	b.put(b.add(root, "typeId"), "root", "2.16.840.1.113883.1.3", "extension", "POCD_HD000040")
	b.template(root, templateOf{"2.16.840.1.113883.10.20.22.1.1", "2015-08-01"}, templateOf{"2.16.840.1.113883.10.20.22.1." + b.kind.template, "2015-08-01"})
	id := b.add(root, "id")
	bundle := b.c.Bundle()
	if bundle != nil && bundle.Identifier != nil {
		b.c.WriteTable("II", bundle.Identifier, id)
	}
	if b.d.Empty(id) {
		root := fhir.ID("ClinicalDocument", b.kind.name, b.owner(), b.rec.ID, b.last)
		if b.kind.name == "imaging" { // which wants an OID: the one that ITU-T X.667 makes of a UUID
			n, _ := new(big.Int).SetString(strings.ReplaceAll(root, "-", ""), 16)
			root = "2.25." + n.String()
		}
		b.put(id, "root", root)
	}
	b.coded(root, "code", b.kind.code, loincOID, b.kind.display)
	b.d.SetText(b.add(root, "title"), b.kind.title)
	when := b.add(root, "effectiveTime")
	b.moment(when)
	if bundle != nil {
		b.claim(elementOf(bundle).one("timestamp"))
		b.fold(elementOf(bundle).one("type"), "a document says it by being one")
		if e := elementOf(bundle).one("id"); e.ok() {
			b.c.Decline(e.msg(), "the id of a bundle in its server says nothing of the patient")
		}
	}
	b.put(b.add(root, "confidentialityCode"), "code", "N", "codeSystem", "2.16.840.1.113883.5.25")
	b.put(b.add(root, "languageCode"), "code", "en-US")
	b.recordTarget(root)

	author := b.add(root, "author")
	b.moment(b.add(author, "time"))
	a := b.add(author, "assignedAuthor")
	b.put(b.add(a, "id"), "root", fhir.ID("author", "chartpost"))
	b.noAddress(a)
	device := b.add(a, "assignedAuthoringDevice")
	b.d.SetText(b.add(device, "manufacturerModelName"), "Chartpost")
	b.d.SetText(b.add(device, "softwareName"), "Chartpost")

	keeper := b.custodian()
	b.organization(b.add(a, "representedOrganization"), keeper)
	if b.patient != nil {
		b.authorsOf(root, b.patient, true)
	}
	org := b.add(root, "custodian/assignedCustodian/representedCustodianOrganization")
	b.organization(org, keeper)
	had := map[string]bool{}
	for k := b.d.First(org); k != 0; k = b.d.Next(k) { // a custodian has one of each
		name := b.d.Name(k)
		if (name == "addr" || name == "telecom" || name == "name") && !b.d.Empty(k) {
			if had[name] {
				b.clear(k)
			}
			had[name] = true
		}
	}

	switch b.kind.name {
	case "referral":
		to := b.add(root, "informationRecipient/intendedRecipient")
		b.null(b.add(to, "informationRecipient"), "name", "UNK")
	case "consultation":
		order := b.add(root, "inFulfillmentOf/order")
		b.null(order, "id", "UNK")
	}
	if b.kind.service != "" {
		b.service(root)
	}
	if b.kind.encounter {
		b.encompassing(root)
	}
}

// moment writes the time of the document, that of the latest statement in it. It has to say a day (81-10127), so that of a year or a
// month it is the last one: no statement is later.
func (b *born) moment(n tree.Node) {
	last := b.last
	if t, err := time.Parse("2006", last); err == nil {
		last = t.AddDate(1, 0, -1).Format(time.DateOnly)
	} else if t, err := time.Parse("2006-01", last); err == nil {
		last = t.AddDate(0, 1, -1).Format(time.DateOnly)
	}
	if last == "" {
		b.put(n, "nullFlavor", "UNK")
		return
	}
	b.put(n, "value", hl7.DTM(last))
}

// noAddress writes that address and number are not known, where they must be there.
func (b *born) noAddress(n tree.Node) {
	if b.d.Child(n, "addr") == 0 {
		b.null(n, "addr", "UNK")
	}
	if b.d.Child(n, "telecom") == 0 {
		b.null(n, "telecom", "UNK")
	}
}

func (b *born) recordTarget(root tree.Node) {
	n := b.add(root, "recordTarget/patientRole")
	if b.patient == nil {
		b.null(n, "id", "UNK")
		b.noAddress(n)
		p := b.add(n, "patient")
		for _, name := range []string{"name", "administrativeGenderCode", "birthTime", "raceCode", "ethnicGroupCode"} {
			b.null(p, name, "UNK")
		}
		return
	}
	e := elementOf(b.patient.Msg)
	b.c.Place(b.patient)
	restore := b.asWritten()
	b.c.WriteTable("PatientRole", b.patient.Msg, n)
	restore()
	b.foreignIDs(n, e)
	if b.d.Child(n, "id") == 0 {
		b.ids(n, b.patient, "")
	}
	b.noAddress(n)
	p := b.d.Child(n, "patient")
	if p == 0 {
		p = b.add(n, "patient")
	}
	b.contacts(root, p, e)
	for _, name := range []string{"name", "administrativeGenderCode", "birthTime", "raceCode", "ethnicGroupCode"} {
		if b.d.Child(p, name) == 0 {
			b.null(p, name, "UNK")
		}
	}
	if a := e.one("active"); a.text() == "true" {
		b.fold(a, "the subject of a document is a record in use")
	}
}

// asWritten makes the patient such as the document wants him until restore is called. The US realm wants names of parts alone: a text
// beside parts is not written, one without parts stands as the family name.
func (b *born) asWritten() (restore func()) {
	patient, ok := b.patient.Msg.(*ppb.Patient)
	if !ok {
		return func() {}
	}
	var undo []func()
	for _, name := range patient.Name {
		text, family := name.Text, name.Family
		if text.GetValue() == "" {
			continue
		}
		name.Text = nil
		if family == nil && len(name.Given) == 0 {
			name.Family = &dpb.String{Value: text.Value}
		}
		undo = append(undo, func() {
			name.Text, name.Family = text, family
			b.fold(elementOf(name).one("text"), "a patient's name is written in its parts")
		})
	}
	if all := patient.Contact; b.kind.name == "consultation" { // whose schematron takes every participant for somebody to call back
		patient.Contact = slices.DeleteFunc(slices.Clone(all), func(x *ppb.Patient_Contact) bool { return !elementOf(x).has("relationship", "GUARD") })
		undo = append(undo, func() {
			for _, x := range all {
				if !slices.Contains(patient.Contact, x) {
					b.c.Decline(x, "a consultation note names only whom to call back")
				}
			}
			patient.Contact = all
		})
	}
	return func() {
		for _, f := range undo {
			f()
		}
	}
}

// contacts sets the persons around the patient right: the table of the patient writes each as a guardian, which only some are.
func (b *born) contacts(root, p tree.Node, e element) {
	for k := b.d.First(p); k != 0; k = b.d.Next(k) {
		if b.d.Name(k) == "guardian" {
			b.clear(k)
		}
	}
	for _, x := range e.all("contact") {
		if b.c.Refused(x.msg()) || b.kind.name == "consultation" && !x.has("relationship", "GUARD") {
			continue
		}
		var n tree.Node
		person, org := "guardianPerson", "guardianOrganization"
		if x.has("relationship", "GUARD") {
			n = b.add(p, "guardian")
		} else {
			class := "PRS"
			switch {
			case x.has("relationship", "C", "ECON"):
				class = "ECON"
			case x.has("relationship", "N", "NOK"):
				class = "NOK"
			}
			part := b.put(b.add(root, "participant"), "typeCode", "IND")
			n = b.put(b.add(part, "associatedEntity"), "classCode", class)
			person, org = "associatedPerson", "scopingOrganization"
		}
		if list := x.all("relationship"); len(list) > 0 {
			b.concept(n, "code", list[0])
		}
		if a := x.one("address"); a.ok() {
			b.c.Anew(func() { b.c.WriteTable("AD", a.msg(), b.add(n, "addr")) })
		}
		for _, t := range x.all("telecom") {
			b.c.Anew(func() { b.c.WriteTable("TEL", t.msg(), b.add(n, "telecom")) })
		}
		if name := x.one("name"); name.ok() {
			b.c.Anew(func() { b.c.WriteTable("EN", name.msg(), b.add(n, person+"/name")) })
		}
		if to := b.follow(b.patient, x.one("organization")); to != nil && to.Type() == "Organization" {
			b.organization(b.add(n, org), to)
		} else if !x.one("name").ok() {
			b.null(b.add(n, person), "name", "UNK")
		}
	}
}

// custodian is the organization that keeps the record: the patient's, else the one that most of the encounters were at.
func (b *born) custodian() *mapping.Resource {
	var first *mapping.Resource
	count := map[*mapping.Resource]int{}
	var best *mapping.Resource
	for _, r := range b.c.Resources() {
		switch r.Type() {
		case "Composition":
			if to := b.follow(r, elementOf(r.Msg).one("custodian")); to != nil && to.Type() == "Organization" {
				return to
			}
		case "Patient":
			if to := b.follow(r, elementOf(r.Msg).one("managingOrganization")); r == b.patient && to != nil && to.Type() == "Organization" {
				return to
			}
		case "Organization":
			if first == nil && !r.StandIn() {
				first = r
			}
		case "Encounter":
			if to := b.follow(r, elementOf(r.Msg).one("serviceProvider")); to != nil && to.Type() == "Organization" {
				if count[to]++; best == nil || count[to] > count[best] {
					best = to
				}
			}
		}
	}
	if best != nil {
		return best
	}
	return first
}

// service writes what the document is about.
func (b *born) service(root tree.Node) {
	doc := b.add(root, "documentationOf")
	b.put(doc, "typeCode", "DOC")
	s := b.put(b.add(doc, "serviceEvent"), "classCode", b.kind.service)
	if b.kind.service == "PROC" {
		b.operation(s)
	}
	when := b.add(s, "effectiveTime")
	for _, end := range [][2]string{{"low", b.first}, {"high", b.last}} {
		if toDay := len(end[1]) >= len("2006-01-02"); toDay { // which procedure and operative notes want
			b.put(b.add(when, end[0]), "value", hl7.DTM(end[1]))
		} else {
			b.null(when, end[0], "UNK")
		}
	}
	if b.kind.performer == "" {
		return
	}
	p := b.put(b.add(s, "performer"), "typeCode", b.kind.performer)
	a := b.add(p, "assignedEntity")
	for _, r := range b.c.Resources() {
		if r.Type() == "Practitioner" && !b.c.Refused(r.Msg) {
			b.person(a, r)
			break
		}
	}
	if b.d.Child(a, "id") == 0 {
		b.null(a, "id", "UNK")
	}
	b.noAddress(a)
	if b.d.Child(a, "code") == 0 {
		b.null(a, "code", "UNK")
	}
	if b.d.Child(a, "assignedPerson") == 0 {
		b.null(b.add(a, "assignedPerson"), "name", "UNK")
	}
}

// operation says which procedure a document is about: the newest.
func (b *born) operation(s tree.Node) {
	var newest *mapping.Resource
	for _, r := range b.c.Resources() {
		if r.Type() == "Procedure" && statusFits(r, "completed", "in-progress") && (newest == nil || dateOf(r) > dateOf(newest)) {
			newest = r
		}
	}
	if newest == nil {
		b.coded(s, "code", "71388002", snomedOID, "Procedure")
		return
	}
	k := b.concept(s, "code", elementOf(newest.Msg).one("code"))
	if !slices.Contains([]string{snomedOID, "2.16.840.1.113883.6.12", "2.16.840.1.113883.6.104", "2.16.840.1.113883.6.4"}, attrText(b.d, k, "codeSystem")) {
		b.clear(k)
		b.coded(s, "code", "71388002", snomedOID, "Procedure")
	}
}

// realm writes what the addresses, the names of persons and the patient's organization of the US realm must have and nothing is known of.
func (b *born) realm(n tree.Node) {
	known := !b.d.Empty(n) && attr(b.d, n, "nullFlavor") == 0 && b.d.Text(n) == ""
	switch name := b.d.Name(n); {
	case name == "addr" && known:
		b.unknown(n, "streetAddressLine", "city")
		if c := b.d.Text(b.d.Child(n, "country")); b.d.Child(n, "country") == 0 || c == "" || c == "US" || c == "USA" {
			b.unknown(n, "state", "postalCode")
		}
		b.fourLines(n)
	case name == "languageCommunication":
		b.unknown(n, "languageCode")
	case name == "name" && known: // 81-9371: of a person all parts, or a text
		b.unknown(n, "family", "given")
	case name == "providerOrganization":
		b.unknown(n, "id", "name", "telecom", "addr")
	}
	for k := b.d.First(n); k != 0; k = b.d.Next(k) {
		b.realm(k)
	}
}

// fourLines puts all lines of an address from the fourth on into one: it has four at most (81-7291).
func (b *born) fourLines(addr tree.Node) {
	n, fourth := 0, tree.Node(0)
	for k := b.d.First(addr); k != 0; k = b.d.Next(k) {
		if b.d.Name(k) != "streetAddressLine" || b.d.Empty(k) {
			continue
		}
		if n++; n == maxLines {
			fourth = k
		} else if n > maxLines {
			b.d.SetText(fourth, b.d.Text(fourth)+", "+b.d.Text(k))
			b.clear(k)
		}
	}
}

const maxLines = 4

// foldLines says of the lines of addresses that share one that they do.
func (b *born) foldLines() {
	for _, r := range b.c.Resources() {
		for _, a := range elementOf(r.Msg).all("address") {
			lines := a.all("line")
			for i := maxLines - 1; i < len(lines) && len(lines) > maxLines; i++ {
				b.rec.Fold(lines[i].msg(), "an address of C-CDA has four lines, and the last of them all further ones")
			}
		}
	}
}

// unknown says of children that must be there and are not that nobody knows them.
func (b *born) unknown(n tree.Node, names ...string) {
	for _, name := range names {
		if k := b.d.Child(n, name); k == 0 || b.d.Empty(k) {
			b.null(n, name, "UNK")
		}
	}
}

func (b *born) encompassing(root tree.Node) {
	n := b.add(root, "componentOf/encompassingEncounter")
	var newest *mapping.Resource
	for _, r := range b.c.Resources() {
		if r.Type() == "Encounter" && (newest == nil || dateOf(r) > dateOf(newest)) && statusFits(r, "finished", "in-progress", "arrived", "triaged", "onleave") {
			newest = r
		}
	}
	when := b.add(n, "effectiveTime")
	if newest == nil {
		b.null(n, "id", "UNK")
		b.null(when, "low", "UNK")
		b.null(when, "high", "UNK")
	} else {
		b.ids(n, newest, "")
		for _, x := range [][2]string{{"low", "start"}, {"high", "end"}} {
			if s := elementOf(newest.Msg).one("period." + x[1]).text(); s != "" {
				b.put(b.add(when, x[0]), "value", hl7.DTM(s))
			} else {
				b.null(when, x[0], "UNK")
			}
		}
	}
	if b.kind.name == "discharge" {
		b.null(n, "sdtc:dischargeDispositionCode", "UNK")
		b.null(n, "dischargeDispositionCode", "UNK")
	}
	b.null(b.add(n, "location/healthCareFacility"), "id", "UNK")
}
