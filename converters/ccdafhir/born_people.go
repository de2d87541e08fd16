package ccdafhir

import (
	"cmp"
	"strings"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

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
		if b.d.Name(n) == "representedCustodianOrganization" { // of a custodian CDA allows fewer elements
			for k := b.d.First(n); k != 0; k = b.d.Next(k) {
				if b.d.Name(k) == "standardIndustryClassCode" {
					b.clear(k)
				}
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
	if to.Type() == "PractitionerRole" && b.d.Child(k, "code") == 0 {
		e := elementOf(to.Msg)
		x, special := e.one("code"), e.one("specialty")
		if !x.one("coding").ok() {
			x = special
		}
		if x.one("coding").ok() {
			b.concept(k, "code", x)
		}
		if special.ok() {
			b.rec.Fold(special.msg(), "a specialty comes back as the code of a role")
		}
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

// nameOf is what a person or organization is called.
func (b *born) nameOf(r *mapping.Resource) string {
	e := elementOf(r.Msg)
	switch r.Type() {
	case "PractitionerRole":
		if who := b.follow(r, e.one("practitioner")); who != nil {
			return b.nameOf(who)
		}
		return ""
	case "Organization":
		return e.one("name").text()
	}
	name := e.one("name")
	words := []string{name.one("prefix").text()}
	for _, x := range name.all("given") {
		words = append(words, x.text())
	}
	return cmp.Or(strings.Join(strings.Fields(strings.Join(append(words, name.one("family").text()), " ")), " "), name.one("text").text())
}
