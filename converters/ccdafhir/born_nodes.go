package ccdafhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file writes the nodes of CDA that all parts of a document share.

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

// data writes the data of an Attachment.
func (b *born) data(n tree.Node, a element) {
	is := a.one("contentType")
	text := strings.Join(strings.Fields(is.text()), "")
	b.put(n, "mediaType", text, "representation", "B64")
	b.d.SetText(n, a.one("data").text())
	b.claim(a.one("data"))
	if text == is.text() {
		b.claim(is)
	} else {
		b.fold(is, "CDA writes a media type without blanks")
	}
}

func (b *born) template(n tree.Node, list ...templateOf) {
	for _, t := range list {
		if t.root == "" {
			continue
		}
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
	end := func() {}
	if slices.ContainsFunc(append(e.all("coding"), e), func(x element) bool { return strings.ContainsAny(x.one("code").text(), blanks) }) {
		end = b.c.Fold(blankWhy)
	}
	b.c.Anew(func() { b.c.WriteTable("CD", e.msg(), k) })
	end()
	for _, x := range append(e.all("coding"), e) {
		system := x.one("system")
		if root, ok := strings.CutPrefix(system.text(), "urn:oid:"); ok {
			known, named := terminology.ByOID(root)
			if holds, all := terminology.Holds(known.URI, x.one("code").text()); named && known.URI != system.text() && (holds || !all) {
				b.rec.Fold(system.msg(), "it comes back by the URI that FHIR has for it")
			}
		}
	}
	b.wordsForBlanks(k)
	if attr(b.d, k, "code") == 0 && attr(b.d, k, "nullFlavor") == 0 {
		flavor := "UNK"
		if b.d.Child(k, "translation") != 0 || len(e.all("coding")) > 0 {
			flavor = "OTH"
		}
		b.codeless(k, flavor, wordsOf(e))
	}
	return k
}

const blankWhy = "CDA's schema allows no blank in a code: the words stand there"

// wordsForBlanks takes codes with a blank out of what was written as a CD: the words of a translation stand in its place.
func (b *born) wordsForBlanks(k tree.Node) {
	for t := b.d.First(k); t != 0; t = b.d.Next(t) {
		if a := attr(b.d, t, "code"); b.d.Name(t) == "translation" && a != 0 && strings.ContainsAny(b.d.Text(a), blanks) {
			b.codeless(t, "OTH", cmp.Or(attrText(b.d, t, "displayName"), b.d.Text(a)))
		}
	}
	if a := attr(b.d, k, "code"); a != 0 && strings.ContainsAny(b.d.Text(a), blanks) {
		b.d.SetText(a, "")
	}
}

// blanks are what no code of CDA may hold.
const blanks = " \t\r\n"

// codeless makes a code one that is not known, with the words that there are in its place. What describes a code goes with it.
func (b *born) codeless(k tree.Node, flavor, words string) {
	for a := b.d.First(k); a != 0; a = b.d.Next(a) {
		if name := b.d.Name(a); strings.HasPrefix(name, "@") && name != "@xsi:type" {
			b.d.SetText(a, "")
		}
	}
	b.put(k, "nullFlavor", flavor)
	if words != "" && b.d.Child(k, "originalText") == 0 {
		b.d.SetText(b.add(k, "originalText"), words)
	}
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
	return b.put(n, "value", hl7.DTM(s))
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
		if span {
			b.null(k, "low", "UNK")
		} else {
			b.put(k, "nullFlavor", "UNK")
		}
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

// claim takes note that an element is in the document: of a reference where it leads, for what else it says of that is not written.
func (b *born) claim(list ...element) {
	for _, e := range list {
		if !e.ok() {
			continue
		}
		if ref, ok := e.msg().(*dpb.Reference); ok && (ref.Reference != nil || b.c.Follow(ref) != nil) {
			b.c.ClaimReference(ref)
		} else {
			b.c.Claim(e.msg())
		}
	}
}

// claimCode takes note of the codes of a concept that stands in the document by a code of another system, with the words of that.
func (b *born) claimCode(e element) {
	for _, x := range e.all("coding") {
		system := x.one("system").text()
		if _, ok := terminology.ByURI(system); ok || strings.HasPrefix(system, "http://terminology.hl7.org/CodeSystem/") {
			b.claim(x.one("system"), x.one("code"))
		}
	}
	b.fold(e, "the document says it in a code of its own, with the words of that")
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

func escape(s string) string { return string(ccda.AppendEscaped(nil, s, false)) }

// row adds a row to the narrative of a section and gives the id by which an entry refers to it.
func (p *bornPart) row(cells ...string) string {
	id, _ := p.rowWith(-1, cells...)
	return id
}

// rowWith is row, and gives a cell an id of its own.
func (p *bornPart) rowWith(marked int, cells ...string) (id, cell string) {
	p.ids++
	id = p.spec.key + "-" + strconv.Itoa(p.ids)
	p.rows.WriteString(`<tr ID="` + id + `">`)
	for i, c := range cells {
		if i == marked {
			cell = id + "-" + strconv.Itoa(i+1)
			p.rows.WriteString(`<td ID="` + cell + `">` + escape(c) + "</td>")
		} else {
			p.rows.WriteString("<td>" + escape(c) + "</td>")
		}
	}
	p.rows.WriteString("</tr>")
	return id, cell
}

// aside adds a row of words that belong to the row above, and gives its id.
func (p *bornPart) aside(words string) string {
	p.ids++
	id := p.spec.key + "-" + strconv.Itoa(p.ids)
	p.rows.WriteString(`<tr ID="` + id + `"><td colspan="` + strconv.Itoa(len(p.spec.columns)) + `">` + escape(words) + "</td></tr>")
	return id
}

// link makes a statement refer to its row.
func (b *born) link(n tree.Node, id string) {
	b.put(b.add(n, "text/reference"), "value", "#"+id)
}

// clear empties a node, which is not printed then.
func (b *born) clear(n tree.Node) { emptied(b.d, n) }

// quantity writes a Quantity as PQ, or gives it up where C-CDA could not hold it.
func (b *born) quantity(n tree.Node, name string, e element) tree.Node {
	k := b.add(n, name)
	b.c.Anew(func() { b.c.WriteTable("PQ", e.msg(), k) })
	if attr(b.d, k, "value") == 0 {
		b.clear(k)
		b.put(k, "nullFlavor", "UNK")
	}
	if u := attr(b.d, k, "unit"); u != 0 && strings.ContainsAny(b.d.Text(u), " \t\r\n") {
		b.d.SetText(u, strings.Join(strings.Fields(b.d.Text(u)), "_"))
	}
	if unit := e.one("unit"); unit.text() == attrText(b.d, k, "unit") {
		b.claim(unit)
	} else {
		b.fold(unit, "a unit of C-CDA is one of UCUM, and its words stand in the narrative")
	}
	return k
}
