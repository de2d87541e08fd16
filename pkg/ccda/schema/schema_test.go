package schema

import "testing"

func TestTypes(t *testing.T) {
	doc := Root("ClinicalDocument")
	if doc == nil || Root("section") != nil {
		t.Fatal("the root")
	}
	title, _ := doc.Child("title")
	id, _ := doc.Child("id")
	component, ok := doc.Child("component")
	if !ok || id.Rank >= title.Rank || title.Rank >= component.Rank {
		t.Errorf("ranks %d %d %d", id.Rank, title.Rank, component.Rank)
	}
	name := Named("PN")
	given, _ := name.Child("given")
	family, _ := name.Child("family")
	valid, _ := name.Child("validTime")
	if given.Rank != family.Rank || valid.Rank <= given.Rank || !name.Mixed {
		t.Error("the parts of a name stand in any order, before validTime")
	}
	if !Named("PQ").Is(Named("ANY")) || Named("PQ").Is(Named("CD")) || !Named("CE").Is(Named("CD")) {
		t.Error("derivation")
	}
	race, _ := Named("POCD_MT000040.Patient").Child("sdtc:raceCode")
	if race.Type == nil || race.Type.Attribute("code") == nil {
		t.Error("sdtc:raceCode")
	}
	if a := Named("CS").Attribute("displayName"); a != nil {
		t.Error("CS has no displayName")
	}
}

// Every element of every type has a type, every attribute a known one, and each type's required elements exist.
func TestWhole(t *testing.T) {
	for name, typ := range load().types {
		for child, c := range typ.children {
			if c.Type == nil && child != "*" {
				t.Errorf("%s: %s has no type", name, child)
			}
		}
		for _, a := range typ.Attributes {
			if a.Type == nil {
				t.Errorf("%s: %s has no type", name, a.Name)
			}
		}
		for _, r := range typ.Required() {
			if _, ok := typ.Child(r); !ok {
				t.Errorf("%s: %s is required and unknown", name, r)
			}
		}
	}
	if n := len(load().types); n < 230 {
		t.Errorf("%d types", n)
	}
}

func TestValid(t *testing.T) {
	for _, c := range []struct {
		typ, text string
		want      bool
	}{
		{"bl", "true", true}, {"bl", "1", false}, {"bl", "TRUE", false},
		{"uid", "2.16.840.1.113883", true}, {"uid", "db734647-fc99-424c-a864-7e3cda82e703", true}, {"uid", "not an id", false}, {"uid", "", false},
		{"ts", "20260131", true}, {"ts", "202601311200-0500", true}, {"ts", "20260131120000.123+0100", true}, {"ts", "2026-01-31", false},
		{"real", "1.5", true}, {"real", "1,5", false}, {"real", "1e3", true},
		{"int", "-3", true}, {"int", "3.0", false},
		{"cs", "active", true}, {"cs", "two words", false},
		{"NullFlavor", "UNK", true}, {"NullFlavor", "XYZ", false},
		{"set_EntityNameUse", "L", true}, {"set_EntityNameUse", "L SRCH", true}, {"set_EntityNameUse", "L Q", false},
		{"xs:ID", "a1", true}, {"xs:ID", "1a", false}, {"xs:ID", "a b", false}, {"xs:ID", "_é", true},
		{"bin", "QUJD", true}, {"bin", "QUJ", false},
		{"xs:anyURI", "#a 1", true}, {"xs:anyURI", "a#b#c", false}, {"xs:anyURI", "a[1]", false}, {"xs:anyURI", "http://[::1]/a", true}, {"xs:anyURI", "tel:+1%2", false},
		{"xs:anyURI", "tel:+1(555)555-0100", true}, {"xs:anyURI", "1:2", false}, {"xs:anyURI", "a/1:2", true}, {"xs:anyURI", "a\tb", false}, {"xs:anyURI", "", true},
		{"x_ActClassDocumentEntryAct", "ACT", true}, {"x_ActClassDocumentEntryAct", "OBS", false},
	} {
		if got := load().simple(c.typ).Valid(c.text); got != c.want {
			t.Errorf("%s %q: %v", c.typ, c.text, got)
		}
	}
}
