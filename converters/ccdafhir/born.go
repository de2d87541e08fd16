package ccdafhir

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file makes a document of a record whose origin is not C-CDA: a bundle of FHIR, or a message that came through the hub.
// Such a record has no Composition whose sections say what stands where, so the frame is made here: the header, the sections
// that the type of document wants, one statement for each resource in the section of its kind, and the narrative. What is a
// datatype, a person or an organization is written by the same tables as on any way back.
//
// It is a pure function of the record: no clock, no random id.
//
//	born_sections.go                             the types of documents, and the sections
//	born_header.go, born_people.go               what stands above the body
//	born_statements.go                           which section takes a resource, and what all statements share
//	born_problems.go, born_medications.go, ...   a statement for each resource
//	born_narrative.go                            the narrative of a Composition that did not come as C-CDA
//	born_nodes.go, born_element.go               writing CDA, and reading FHIR by its names

// cameAsCCDA reports whether a record came as C-CDA: it has a Composition that says what only a document has, or resources that know the
// templates of the statements they were made of.
func cameAsCCDA(rec *mapping.Record) bool {
	document, own := false, false
	for _, r := range rec.Resources {
		composition := r.Type() == "Composition"
		document = document || composition
		for _, x := range elementOf(r.Msg).all("extension") {
			if ext, ok := x.msg().(*dpb.Extension); ok {
				url := ext.GetUrl().GetValue()
				own = own || url == templateURL || composition && strings.HasPrefix(url, ownExtensions)
			}
		}
	}
	return document && own
}

// born is one document in the making.
type born struct {
	c        *mapping.Context
	d        *tree.Doc
	kind     *bornDocument
	rec      *convert.Record
	patient  *mapping.Resource
	part     *bornPart                  // the section in the making
	reported map[*mapping.Resource]bool // observations that stand in the organizer of their report
	first    string                     // the earliest date of a statement
	last     string
}

// bornPart is a section in the making.
type bornPart struct {
	spec *bornSection
	n    tree.Node
	rows strings.Builder
	ids  int
}

// patientOf is the patient of a record: the first one, and one within another resource only if there is no other; nil if nobody is.
func patientOf(rec *mapping.Record) (inside *mapping.Resource) {
	for _, r := range rec.Resources {
		switch {
		case r.Type() != "Patient" || r.Wrapped():
		case !r.Inside():
			return r
		case inside == nil:
			inside = r
		}
	}
	return inside
}

// somebody reports that a record is about a person: its patient, or one who is not in it, whom a statement names all the same.
func somebody(rec *mapping.Record) bool {
	return patientOf(rec) != nil || slices.ContainsFunc(rec.Resources, func(r *mapping.Resource) bool {
		for _, name := range []string{"subject", "patient"} {
			x := elementOf(r.Msg).one(name)
			if !x.ok() {
				continue
			}
			if ref, ok := x.msg().(*dpb.Reference); ok && (ref.GetReference() != nil || ref.GetIdentifier() != nil || ref.GetDisplay() != nil) {
				return true
			}
		}
		return false
	})
}

// writeBorn writes a document for a record that did not come as C-CDA. It reports whether the record says a time; one that does not has the given
// day, which may be empty.
func writeBorn(c *mapping.Context, rec *convert.Record, kind *bornDocument, day string) (dated bool) {
	b := &born{c: c, d: c.Doc, kind: kind, rec: rec, reported: map[*mapping.Resource]bool{}}
	b.patient = patientOf(rec.Record)
	c.RestBy("BORN_REST")
	root := b.add(tree.Root, "ClinicalDocument")
	b.dates()
	if dated = b.last != ""; !dated {
		b.last = day
	}
	b.header(root)
	if kind.name == "unstructured" {
		b.unstructured(root)
	} else {
		b.body(root)
	}
	b.realm(root)
	b.foldLines()
	b.rest()
	b.foldChanged()
	return dated
}

// follow resolves a reference of a resource.
func (b *born) follow(from *mapping.Resource, e element) *mapping.Resource {
	if !e.ok() {
		return nil
	}
	ref, ok := e.msg().(*dpb.Reference)
	if !ok {
		return nil
	}
	return b.c.Resolve(from, ref)
}

// entry is a new entry of a section.
func (b *born) entry(p *bornPart) tree.Node {
	return b.put(b.add(p.n, "entry"), "typeCode", "DRIV")
}

func (b *born) body(root tree.Node) {
	body := b.add(root, "component/structuredBody")
	foreign := b.foreignText()
	parts := map[string][]*mapping.Resource{}
	for _, r := range b.c.Resources() {
		if r.Inside() || r.Type() == "Patient" || b.c.Refused(r.Msg) {
			continue
		}
		key := b.sectionFor(r)
		if key != "" {
			parts[key] = append(parts[key], r)
		}
		if key == "results" && len(elementOf(r.Msg).all("presentedForm")) > 0 {
			parts["notes"] = append(parts["notes"], r) // the report as it was printed stands beside its results
		}
	}
	for i := range bornSections {
		spec := &bornSections[i]
		must := slices.Contains(b.kind.sections, spec.key)
		list := parts[spec.key]
		said := foreign[spec.code]
		var facts []bornFact
		if spec.key == "social" {
			facts = b.facts()
		}
		if len(list) == 0 && len(facts) == 0 && !must && (len(said) == 0 || spec.template.root == "") {
			continue
		}
		if spec.key == "plan" && b.kind.name == "careplan" { // its section of interventions is another one
			continue
		}
		p := &bornPart{spec: spec, n: b.add(body, "component/section")}
		dates := map[*mapping.Resource]string{}
		for _, r := range list {
			dates[r] = dateOf(r)
		}
		slices.SortStableFunc(list, func(x, y *mapping.Resource) int { return cmp.Compare(dates[y], dates[x]) })
		b.part = p
		b.statements(p, list)
		b.writeFacts(p, facts)
		empty, proper := p.ids == 0, b.hasTemplates(p.n)
		t := spec.template
		if spec.full.root != "" && (proper || must && b.kind.required) {
			t = spec.full
		}
		if spec.key == "goals" && !empty && !proper { // the template promises goals that are still aimed at
			t = templateOf{}
			if must {
				b.without(body, spec, spec.template, spec.none)
			}
		}
		if spec.promises && empty && len(said) > 0 { // words alone are no entries
			t = templateOf{}
			if must {
				b.without(body, spec, spec.template, "")
			}
		}
		if !empty && !proper && t.root != "" && t == spec.full { // the template wants entries of a known state, or none
			t = spec.template
			b.without(body, spec, spec.full, spec.none)
		}
		b.template(p.n, t)
		if spec.full.root != "" && t == spec.full && (b.kind.name == "history" || b.kind.name == "discharge") {
			b.template(p.n, spec.template) // which the type of document asks for
		}
		code := b.coded(p.n, "code", spec.code, loincOID, spec.title)
		if spec.translation != "" {
			b.coded(code, "translation", spec.translation, loincOID, spec.title)
		}
		b.d.SetText(b.add(p.n, "title"), spec.title)
		text := "<paragraph>No information</paragraph>"
		if !empty {
			var head strings.Builder
			for _, c := range spec.columns {
				head.WriteString("<th>" + c + "</th>")
			}
			text = `<table border="1"><thead><tr>` + head.String() + "</tr></thead><tbody>" + p.rows.String() + "</tbody></table>"
		}
		if empty && (len(said) == 0 || t == spec.full) {
			b.put(p.n, "nullFlavor", "NI") // of the kind that the template wants
		}
		if len(said) > 0 {
			words := b.wordsOfSection(said)
			if empty {
				text = words
			} else {
				text += words
			}
			delete(foreign, spec.code)
		}
		b.d.SetText(b.add(p.n, "text"), text)
	}
	b.foreignSections(body, foreign)
}

// without writes the section that a document must have, where the entries that there are, such as goals of the past, stand in one beside it.
func (b *born) without(body tree.Node, spec *bornSection, t templateOf, words string) {
	n := b.put(b.add(body, "component/section"), "nullFlavor", "NI")
	b.template(n, t)
	b.coded(n, "code", spec.code, loincOID, spec.title)
	b.d.SetText(b.add(n, "title"), spec.title)
	b.d.SetText(b.add(n, "text"), "<paragraph>"+cmp.Or(words, "No information")+"</paragraph>")
}

// hasTemplates reports that a section has an entry that a template describes.
func (b *born) hasTemplates(section tree.Node) bool {
	for k := b.d.First(section); k != 0; k = b.d.Next(k) {
		for x := b.d.First(k); x != 0 && b.d.Name(k) == "entry"; x = b.d.Next(x) {
			if b.d.Child(x, "templateId") != 0 {
				return true
			}
		}
	}
	return false
}

const ofParts = "a document says in what language it is, and not its parts"

// rest says of everything that no section took why it is not there; of parts of what stands there rest.map says it.
func (b *born) rest() {
	if bundle := b.c.Bundle(); bundle != nil {
		for _, name := range []string{"meta", "link", "total", "signature"} {
			for _, x := range elementOf(bundle).all(name) {
				b.c.Decline(x.msg(), "it is about the bundle in its server, not about the patient")
			}
		}
		if x := elementOf(bundle).one("language"); x.ok() {
			b.c.Decline(x.msg(), ofParts)
		}
		if x := elementOf(bundle).one("identifier"); x.ok() {
			b.c.Decline(x.msg(), "a document that is made of a bundle has a number of its own")
		}
	}
	for _, r := range b.c.Resources() {
		e := elementOf(r.Msg)
		if m := e.one("meta"); m.ok() {
			b.c.Decline(m.msg(), "it is about the resource in its server, not about the patient")
		}
		if t := e.one("text"); t.ok() && t.t.Name == "Narrative" {
			b.c.Decline(t.msg(), "the narrative of the section is made of the statements")
		}
		if x := e.one("language"); x.ok() {
			b.c.Decline(x.msg(), ofParts)
		}
		if x := e.one("implicitRules"); x.ok() {
			b.c.Decline(x.msg(), "a rule of another system")
		}
		for _, name := range []string{"subject", "patient", "beneficiary"} {
			x := e.one(name)
			if b.patient != nil && b.c.Placed(r) && b.follow(r, x) == b.patient {
				b.claim(x)
			}
		}
		if x := e.one("encounter"); x.ok() {
			b.c.Decline(x.msg(), "a statement of C-CDA does not name the encounter that it belongs to")
		}
		for _, name := range []string{"hasMember", "derivedFrom", "basedOn", "partOf", "focus", "device"} {
			for _, x := range e.all(name) {
				b.c.Decline(x.msg(), "a statement of C-CDA does not say to which others it belongs")
			}
		}
		for _, x := range e.all("extension") {
			b.c.Decline(x.msg(), "an extension that the document has no place for")
		}
		if id := e.one("id"); id.ok() {
			b.c.Decline(id.msg(), "the document has an id of another kind in its place")
		}
		switch {
		case b.c.Placed(r) && r.Type() != "Provenance":
		case outside[r.Type()] != "":
			b.decline(r, outside[r.Type()])
		case r.Type() == "Composition":
			b.decline(r, "the header of the document is made anew")
		case r.Type() == "Practitioner" || r.Type() == "PractitionerRole" || r.Type() == "Organization" || r.Type() == "Medication":
			b.decline(r, "no statement of the document refers to it")
		default:
			b.decline(r, "no section of the document takes it")
		}
	}
	if b.kind.name == "unstructured" {
		for _, r := range b.c.Resources() {
			b.decline(r, "the body of an unstructured document holds text, not statements")
		}
	}
}

// outside are the kinds of resources that no section of these documents takes.
var outside = map[string]string{
	"Claim": "billing is no part of a clinical document", "ExplanationOfBenefit": "billing is no part of a clinical document",
	"ClaimResponse": "billing is no part of a clinical document", "Account": "billing is no part of a clinical document",
	"ImagingStudy":  "the series of a study are no part of a clinical document",
	"MessageHeader": "the envelope of a message is no part of a clinical document", "Provenance": onlyAuthors,
	"AuditEvent":       "the history of a resource in its server is no part of a clinical document",
	"OperationOutcome": "it is about an operation, not about the patient", "Parameters": "it is about an operation, not about the patient",
}

// unstructured writes the one text of an unstructured document: a document that the record refers to, else the record in words.
func (b *born) unstructured(root tree.Node) {
	n := b.add(root, "component/nonXMLBody/text")
	for _, r := range b.c.Resources() {
		if r.Type() != "DocumentReference" {
			continue
		}
		a := elementOf(r.Msg).one("content.attachment")
		if data := a.one("data"); data.ok() && statusFits(r, "current") {
			b.data(n, a)
			b.c.Place(r)
			b.claim(elementOf(r.Msg).one("status"))
			return
		}
	}
	var lines []string
	for _, r := range b.c.Resources() {
		e := elementOf(r.Msg)
		words := cmp.Or(wordsOf(e.one("code")), wordsOf(e.one("vaccineCode")), wordsOf(e.one("medication")), wordsOf(e.one("type")))
		if words == "" || outside[r.Type()] != "" || !statusIsSafe(e) {
			continue
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", r.Type(), words, wordsOf(e.one("value")), dateOf(r))))
	}
	if len(lines) == 0 {
		lines = []string{"No information"}
	}
	b.put(n, "mediaType", "text/plain")
	b.d.SetText(n, strings.Join(lines, "\n"))
}

// statusIsSafe reports that nothing turns what a resource says into its opposite.
func statusIsSafe(e element) bool {
	switch e.one("status").text() {
	case "entered-in-error", "not-done", "cancelled", "stopped":
		return false
	}
	return !e.has("verificationStatus", "refuted", "entered-in-error") && e.one("doNotPerform").text() != "true"
}
