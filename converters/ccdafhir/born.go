package ccdafhir

import (
	"cmp"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file makes a document of a record whose origin is not C-CDA: a bundle of FHIR, or a message that came through the hub.
// Such a record has no Composition whose sections say what stands where, so the frame is made here: the header, the sections
// that the type of document wants, one statement for each resource in the section of its kind, and the narrative. What is a
// datatype, a person or an organization is written by the same tables as on any way back.
//
// It is a pure function of the record: no clock, no random id.

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

// element is a part of a resource, found by FHIR's names.
type element struct {
	v reflect.Value
	t *plan.Type
}

func elementOf(m proto.Message) element {
	v := reflect.ValueOf(m).Elem()
	return element{v, plan.Of(v.Type())}
}

func (e element) ok() bool { return e.v.IsValid() && e.t != nil }

func (e element) msg() proto.Message { return e.v.Addr().Interface().(proto.Message) }

// all are the items of an element; of a choice what it holds.
func (e element) all(name string) (list []element) {
	if !e.ok() {
		return nil
	}
	f := e.t.Element(name)
	if f == nil {
		return nil
	}
	for i := range f.Len(e.v) {
		x, ti := f.At(e.v, i), f.Type()
		if f.Choice != nil {
			var a *plan.Alt
			if x, a = f.Chosen(e.v); a == nil {
				return list
			}
			ti = a.Type()
		}
		list = append(list, element{x, ti})
	}
	return list
}

// one is the first item at a path of names.
func (e element) one(path string) element {
	for name := range strings.SplitSeq(path, ".") {
		list := e.all(name)
		if len(list) == 0 {
			return element{}
		}
		e = list[0]
	}
	return e
}

// text is what a primitive says.
func (e element) text() string {
	if !e.ok() || e.t.Prim == nil || !e.t.Prim.HasValue(e.v) {
		return ""
	}
	return hl7.FHIRText(e.msg())
}

// has reports a code among those of a CodeableConcept or a list of them.
func (e element) has(name string, codes ...string) bool {
	for _, c := range e.all(name) {
		for _, x := range c.all("coding") {
			if slices.Contains(codes, x.one("code").text()) {
				return true
			}
		}
	}
	return false
}

// code is the first code of a CodeableConcept.
func (e element) code(name string) string { return e.one(name + ".coding.code").text() }

// born is one document in the making.
type born struct {
	c        *mapping.Context
	d        *tree.Doc
	kind     *bornDocument
	rec      *convert.Record
	patient  *mapping.Resource
	sections map[string]*bornPart
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

// writeBorn writes a document for a record that did not come as C-CDA.
func writeBorn(c *mapping.Context, rec *convert.Record, kind *bornDocument) {
	b := &born{c: c, d: c.Doc, kind: kind, rec: rec, sections: map[string]*bornPart{}, reported: map[*mapping.Resource]bool{}}
	for _, r := range c.Resources() {
		if r.Type() == "Patient" && !r.Inside() && b.patient == nil {
			b.patient = r
		}
	}
	root := b.add(tree.Root, "ClinicalDocument")
	b.dates()
	b.header(root)
	if kind.name == "unstructured" {
		b.unstructured(root)
	} else {
		b.body(root)
	}
	b.realm(root)
	b.rest()
}

// --- writing nodes ---

func (b *born) add(n tree.Node, path string) tree.Node {
	for name := range strings.SplitSeq(path, "/") {
		n = b.d.Add(n, name, "")
	}
	return n
}

// put sets attributes: name, value, name, value.
func (b *born) put(n tree.Node, pairs ...string) tree.Node {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			set(b.d, n, pairs[i], pairs[i+1])
		}
	}
	return n
}

func (b *born) null(n tree.Node, name, flavor string) tree.Node {
	return b.put(b.add(n, name), "nullFlavor", flavor)
}

func (b *born) template(n tree.Node, list ...templateOf) {
	for _, t := range list {
		b.put(b.add(n, "templateId"), "root", t.root)
		if t.version != "" {
			b.put(b.add(n, "templateId"), "root", t.root, "extension", t.version)
		}
	}
}

const (
	loincOID      = "2.16.840.1.113883.6.1"
	snomedOID     = "2.16.840.1.113883.6.96"
	actCodeOID    = "2.16.840.1.113883.5.4"
	actClassOID   = "2.16.840.1.113883.5.6"
	refusalOID    = "2.16.840.1.113883.5.8"
	interpretOID  = "2.16.840.1.113883.5.83"
	alertValueOID = "2.16.840.1.113883.5.1063"
)

func (b *born) coded(n tree.Node, name, code, system, display string) tree.Node {
	return b.put(b.add(n, name), "code", code, "codeSystem", system, "displayName", display)
}

// concept writes a CodeableConcept or a Coding as name below n: what has no code that C-CDA can hold stands there as text.
func (b *born) concept(n tree.Node, name string, e element) tree.Node {
	k := b.add(n, name)
	if !e.ok() {
		return b.put(k, "nullFlavor", "UNK")
	}
	b.c.Anew(func() { b.c.WriteTable("CD", e.msg(), k) })
	if attr(b.d, k, "code") == 0 && attr(b.d, k, "nullFlavor") == 0 {
		flavor := "UNK"
		if b.d.Child(k, "translation") != 0 || len(e.all("coding")) > 0 {
			flavor = "OTH"
		}
		for a := b.d.First(k); a != 0; a = b.d.Next(a) { // what describes a code goes with it
			if name := b.d.Name(a); strings.HasPrefix(name, "@") && name != "@xsi:type" {
				b.d.SetText(a, "")
			}
		}
		b.put(k, "nullFlavor", flavor)
		if words := wordsOf(e); words != "" && b.d.Child(k, "originalText") == 0 {
			b.d.SetText(b.add(k, "originalText"), words)
		}
	}
	return k
}

// asValue gives a value its type.
func (b *born) asValue(k tree.Node, typ string) tree.Node { return b.put(k, "xsi:type", typ) }

// time writes a date, dateTime or instant as the value of n.
func (b *born) time(n tree.Node, e element) tree.Node {
	s := e.text()
	if s == "" {
		return b.put(n, "nullFlavor", "UNK")
	}
	b.c.Claim(e.msg())
	return b.put(n, "value", cdaTime(s))
}

func cdaTime(s string) string {
	date, clock, timed := strings.Cut(s, "T")
	out := strings.ReplaceAll(date, "-", "")
	if !timed {
		return out
	}
	zone := ""
	if rest, ok := strings.CutSuffix(clock, "Z"); ok {
		clock, zone = rest, "+0000"
	} else if i := strings.IndexAny(clock, "+-"); i >= 0 {
		clock, zone = clock[:i], strings.Replace(clock[i:], ":", "", 1)
	}
	return out + strings.ReplaceAll(clock, ":", "") + zone
}

// effective writes a time, which may be a dateTime or a Period, as effectiveTime: span wants low and high.
func (b *born) effective(n tree.Node, e element, span bool) tree.Node {
	k := b.add(n, "effectiveTime")
	switch {
	case !e.ok():
		if span {
			b.null(k, "low", "UNK")
		} else {
			b.put(k, "nullFlavor", "UNK")
		}
	case e.t.Name == "Period":
		b.time(b.add(k, "low"), e.one("start"))
		if end := e.one("end"); end.ok() {
			b.time(b.add(k, "high"), end)
		}
	case e.t.Prim == nil || e.t.Name == "string":
		b.fold(e, "a time in words stands in the narrative")
		b.put(k, "nullFlavor", "UNK")
	case span:
		b.time(b.add(k, "low"), e)
	default:
		b.time(k, e)
	}
	return k
}

// ids writes the identifiers of a resource, and where there is none its id.
func (b *born) ids(n tree.Node, r *mapping.Resource, part string) {
	e := elementOf(r.Msg)
	if part == "" {
		for _, x := range e.all("identifier") {
			if x.one("use").text() == "old" {
				continue
			}
			k := b.add(n, "id")
			b.c.Anew(func() { b.c.WriteTable("II", x.msg(), k) })
		}
		b.foreignIDs(n, e)
		for k := b.d.First(n); k != 0; k = b.d.Next(k) {
			if b.d.Name(k) == "id" && !b.d.Empty(k) {
				return
			}
		}
	}
	root := strings.ToLower(r.ID)
	if part != "" || !isUUID(root) {
		root = fhir.ID("statement", r.Type(), b.owner(), r.FullURL, r.ID, part)
	}
	b.put(b.add(n, "id"), "root", root)
	if id := e.one("id"); id.ok() && part == "" {
		b.fold(id, "it is the id of the statement")
	}
}

// foreignIDs writes the identifiers whose system is neither an OID nor a UUID and has none: a root made of it stands in its place.
func (b *born) foreignIDs(n tree.Node, e element) {
	for _, x := range e.all("identifier") {
		system, value, use := x.one("system"), x.one("value"), x.one("use")
		if use.ok() && use.text() != "old" {
			b.fold(use, "an id of C-CDA is in use")
		}
		s := system.text()
		if s == "" || s == rfc3986 || value.text() == "" || use.text() == "old" {
			continue
		}
		if _, ok := uriRoot(s); ok {
			continue
		}
		if known, ok := terminology.ByURI(s); ok && known.OID != "" {
			continue
		}
		b.put(b.add(n, "id"), "root", fhir.ID("system", s), "extension", value.text(), "assigningAuthorityName", s)
		b.fold(system, "a system without an OID")
		b.fold(value, "a system without an OID")
	}
}

// owner is what makes ids of this record differ from those of others.
func (b *born) owner() string {
	if b.patient != nil && b.patient.ID != "" {
		return b.patient.ID
	}
	return b.rec.Key
}

func (b *born) fold(e element, why string) {
	if !e.ok() {
		return
	}
	end := b.c.Fold(why)
	b.c.Claim(e.msg())
	end()
}

// claim takes note that an element is in the document.
func (b *born) claim(list ...element) {
	for _, e := range list {
		if e.ok() {
			b.c.Claim(e.msg())
		}
	}
}

// declineOf is decline for a part of a resource.
func (b *born) declineOf(e element, why string) {
	if e.ok() {
		b.c.Decline(e.msg(), why)
	}
}

func (b *born) decline(r *mapping.Resource, why string) {
	b.c.Decline(r.Msg, why)
}

// --- words for the narrative ---

// wordsOf says in words what an element holds.
func wordsOf(e element) string {
	if !e.ok() {
		return ""
	}
	switch e.t.Name {
	case "CodeableConcept":
		if s := e.one("text").text(); s != "" {
			return s
		}
		for _, x := range e.all("coding") {
			if s := wordsOf(x); s != "" {
				return s
			}
		}
		return ""
	case "Coding":
		return cmp.Or(e.one("display").text(), e.one("code").text())
	case "Quantity", "SimpleQuantity", "Age", "Duration", "Count":
		sign := map[string]string{"<": "< ", ">": "> ", "<=": "<= ", ">=": ">= "}[e.one("comparator").text()]
		return strings.TrimSpace(sign + e.one("value").text() + " " + cmp.Or(e.one("unit").text(), e.one("code").text()))
	case "Range":
		return strings.TrimSpace(wordsOf(e.one("low")) + " - " + wordsOf(e.one("high")))
	case "Ratio":
		return wordsOf(e.one("numerator")) + " / " + wordsOf(e.one("denominator"))
	case "Period":
		return strings.Trim(e.one("start").text()+" - "+e.one("end").text(), " -")
	case "Reference":
		return e.one("display").text()
	}
	return e.text()
}

func escape(s string) string { return string(ccda.AppendEscaped(nil, s, false)) }

// row adds a row to the narrative of a section and gives the id by which an entry refers to it.
func (p *bornPart) row(cells ...string) string {
	p.ids++
	id := p.spec.key + "-" + strconv.Itoa(p.ids)
	p.rows.WriteString(`<tr ID="` + id + `">`)
	for _, c := range cells {
		p.rows.WriteString("<td>" + escape(c) + "</td>")
	}
	p.rows.WriteString("</tr>")
	return id
}

// link makes a statement refer to its row.
func (b *born) link(n tree.Node, id string) {
	b.put(b.add(n, "text/reference"), "value", "#"+id)
}

// --- the header ---

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

func (b *born) moment(n tree.Node) {
	if b.last == "" {
		b.put(n, "nullFlavor", "UNK")
		return
	}
	b.put(n, "value", cdaTime(b.last))
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
	b.c.WriteTable("PatientRole", b.patient.Msg, n)
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

// contacts sets the persons around the patient right: the table of the patient writes each as a guardian, which only some are.
func (b *born) contacts(root, p tree.Node, e element) {
	for k := b.d.First(p); k != 0; k = b.d.Next(k) {
		if b.d.Name(k) == "guardian" {
			b.clear(k)
		}
	}
	for _, x := range e.all("contact") {
		if b.c.Refused(x.msg()) {
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
			if first == nil {
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

// organization writes one with what US realm wants of it.
func (b *born) organization(n tree.Node, r *mapping.Resource) {
	if r != nil && !b.c.Refused(r.Msg) {
		b.c.Place(r)
		b.c.Anew(func() { b.c.WriteTable("Organization", r.Msg, n) })
		b.foreignIDs(n, elementOf(r.Msg))
		if b.d.Child(n, "id") == 0 {
			b.ids(n, r, "")
		}
		if a := elementOf(r.Msg).one("active"); a.text() == "true" {
			b.fold(a, "an organization of a document is a record in use")
		}
		for k := b.d.First(n); k != 0; k = b.d.Next(k) { // of a custodian CDA allows fewer elements
			if b.d.Name(k) == "standardIndustryClassCode" {
				b.clear(k)
			}
		}
	} else {
		b.null(n, "id", "UNK")
	}
	if b.d.Child(n, "name") == 0 {
		b.null(n, "name", "UNK")
	}
	b.noAddress(n)
}

// clear empties a node, which is not printed then.
func (b *born) clear(n tree.Node) {
	b.d.SetText(n, "")
	for k := b.d.First(n); k != 0; k = b.d.Next(k) {
		b.clear(k)
	}
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
	if b.first == "" {
		b.null(when, "low", "UNK")
		b.null(when, "high", "UNK")
	} else {
		b.put(b.add(when, "low"), "value", cdaTime(b.first))
		b.put(b.add(when, "high"), "value", cdaTime(b.last))
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

// realm writes what the addresses of the US realm must have and nothing is known of.
func (b *born) realm(n tree.Node) {
	if b.d.Name(n) == "addr" && !b.d.Empty(n) && attr(b.d, n, "nullFlavor") == 0 && b.d.Text(n) == "" {
		want := []string{"streetAddressLine", "city"}
		if c := b.d.Text(b.d.Child(n, "country")); b.d.Child(n, "country") == 0 || c == "" || c == "US" || c == "USA" {
			want = append(want, "state", "postalCode")
		}
		for _, name := range want {
			if k := b.d.Child(n, name); k == 0 || b.d.Empty(k) {
				b.null(n, name, "UNK")
			}
		}
	}
	for k := b.d.First(n); k != 0; k = b.d.Next(k) {
		b.realm(k)
	}
}

// person writes a practitioner into an assigned entity or author.
func (b *born) person(n tree.Node, r *mapping.Resource) {
	b.c.Place(r)
	b.c.Anew(func() { b.c.WriteTable("Person", r.Msg, n) })
	b.foreignIDs(n, elementOf(r.Msg))
	if b.d.Child(n, "id") == 0 {
		b.ids(n, r, "")
	}
	if a := elementOf(r.Msg).one("active"); a.text() == "true" {
		b.fold(a, "a person of a document is a record in use")
	}
}

// assigned writes who a reference leads to into an assigned entity or author; name is the element around it.
func (b *born) assigned(n tree.Node, path string, from *mapping.Resource, ref element) bool {
	to := b.follow(from, ref)
	if to == nil || b.c.Refused(to.Msg) {
		return false
	}
	org := to
	var who *mapping.Resource
	switch to.Type() {
	case "Practitioner":
		who, org = to, nil
	case "PractitionerRole":
		e := elementOf(to.Msg)
		who, org = b.follow(to, e.one("practitioner")), b.follow(to, e.one("organization"))
		b.c.Place(to)
		b.claim(e.one("practitioner"), e.one("organization"))
	case "Organization":
	default:
		return false
	}
	if who == nil && org == nil {
		return false
	}
	k := b.add(n, path)
	if who != nil && who.Type() == "Practitioner" && !b.c.Refused(who.Msg) {
		b.person(k, who)
	}
	if org != nil && org.Type() == "Organization" && !b.c.Refused(org.Msg) {
		o := b.add(k, "representedOrganization")
		b.organization(o, org)
	}
	if b.d.Child(k, "id") == 0 {
		b.null(k, "id", "UNK")
	}
	b.claim(ref)
	return true
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
				b.put(b.add(when, x[0]), "value", cdaTime(s))
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

// --- the body ---

// entry is a new entry of a section.
func (b *born) entry(p *bornPart) tree.Node {
	return b.put(b.add(p.n, "entry"), "typeCode", "DRIV")
}

func dateOf(r *mapping.Resource) string {
	e := elementOf(r.Msg)
	for _, name := range []string{"effective", "onset", "occurrence", "performed", "authoredOn", "recordedDate", "period", "date", "issued", "started", "startDate", "created"} {
		x := e.one(name)
		if x.ok() && x.t.Name == "Period" {
			x = x.one("start")
		}
		if x.ok() && x.t.Prim != nil && x.t.Name != "string" {
			if s := x.text(); s != "" {
				return s
			}
		}
	}
	return ""
}

func statusFits(r *mapping.Resource, list ...string) bool {
	return slices.Contains(list, elementOf(r.Msg).one("status").text())
}

func (b *born) body(root tree.Node) {
	body := b.add(root, "component/structuredBody")
	foreign := b.foreignText()
	parts := map[string][]*mapping.Resource{}
	for _, r := range b.c.Resources() {
		if r.Inside() || r.Type() == "Patient" || b.c.Refused(r.Msg) {
			continue
		}
		if key := b.sectionFor(r); key != "" {
			parts[key] = append(parts[key], r)
		}
	}
	for i := range bornSections {
		spec := &bornSections[i]
		must := slices.Contains(b.kind.sections, spec.key)
		list := parts[spec.key]
		said := foreign[spec.code]
		if len(list) == 0 && !must && (len(said) == 0 || spec.template.root == "") {
			continue
		}
		if spec.key == "plan" && b.kind.name == "careplan" { // its section of interventions is another one
			continue
		}
		p := &bornPart{spec: spec, n: b.add(body, "component/section")}
		slices.SortStableFunc(list, func(x, y *mapping.Resource) int { return cmp.Compare(dateOf(y), dateOf(x)) })
		b.statements(p, list)
		empty := p.ids == 0
		t := spec.template
		if spec.full.root != "" && (!empty || must && b.kind.required) {
			t = spec.full
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
		} else if len(said) == 0 || t == spec.full {
			b.put(p.n, "nullFlavor", "NI")
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

// rest says of everything that no section took why it is not there.
func (b *born) rest() {
	for _, r := range b.c.Resources() {
		e := elementOf(r.Msg)
		if m := e.one("meta"); m.ok() {
			b.c.Decline(m.msg(), "it is about the resource in its server, not about the patient")
		}
		if t := e.one("text"); t.ok() && t.t.Name == "Narrative" {
			b.c.Decline(t.msg(), "the narrative of the section is made of the statements")
		}
		if x := e.one("implicitRules"); x.ok() {
			b.c.Decline(x.msg(), "a rule of another system")
		}
		for _, name := range []string{"subject", "patient", "beneficiary"} {
			x := e.one(name)
			if b.patient != nil && b.follow(r, x) == b.patient {
				b.claim(x)
			}
		}
		if x := e.one("encounter"); x.ok() {
			b.c.Decline(x.msg(), "a statement of C-CDA does not name the encounter that it belongs to")
		}
		for _, x := range e.all("extension") {
			b.c.Decline(x.msg(), "an extension that the document has no place for")
		}
		if id := e.one("id"); id.ok() {
			b.c.Decline(id.msg(), "the document has an id of another kind in its place")
		}
		switch {
		case b.c.Placed(r):
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
	"MessageHeader": "the envelope of a message is no part of a clinical document", "Provenance": "the history of a resource in its server is no part of a clinical document",
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
			b.put(n, "mediaType", a.one("contentType").text(), "representation", "B64")
			b.d.SetText(n, data.text())
			b.c.Place(r)
			b.claim(data, a.one("contentType"), elementOf(r.Msg).one("status"))
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
