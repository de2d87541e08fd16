package convert

import (
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/diag"
)

func TestUnknown(t *testing.T) {
	for _, c := range []struct{ head, want string }{
		{"%PDF-1.7\n", "CP-CNV-008 the file is a PDF document, not a record that programs read"},
		{"\r\n%PDF-1.4", "CP-CNV-008 the file is a PDF document, not a record that programs read"},
		{`{\rtf1\ansi`, "CP-CNV-008 the file is a document of a word processor, not a record that programs read"},
		{"\xff\xd8\xff\xe0\x00\x10JFIF", "CP-CNV-008 the file is a picture, not a record that programs read"},
		{"II*\x00\x08", "CP-CNV-008 the file is a picture, as fax machines send them, not a record that programs read"},
		{strings.Repeat("\x00", 128) + "DICM\x02\x00", "CP-CNV-008 the file is a DICOM image, not a record that programs read"},
		{"age-encryption.org/v1\n-> X25519 ", "CP-CNV-009 "},
		{"-----BEGIN AGE ENCRYPTED FILE-----\n", "CP-CNV-009 "},
		{"\x1f\x8b\x08\x00", "CP-CNV-010 "},
		{"out.hl7" + strings.Repeat("\x00", 250) + "ustar\x0000", "CP-CNV-010 "},
		{"<!DOCTYPE html><html>", "CP-CDA-008 "},
		{"\xef\xbb\xbf \n<HTML lang=en>", "CP-CDA-008 "},
		{"<?xml version=\"1.0\"?>\n<!-- a > b --><n:Foo-Bar xmlns:n='x'>", "CP-CNV-001 the format of the input is not known: it is XML, and its root is n:Foo-Bar"},
		{"<foo/>", "CP-CNV-001 the format of the input is not known: it is XML, and its root is foo"},
		{"<ContinuityOfCareRecord>", "CP-CNV-001 the format of the input is not known: it is XML, and its root is ContinuityOfCareRecord"},
		{"<?xml version=\"1.0\"?>\n<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Record*)>\n", "CP-CNV-001 the format of the input is not known: it is XML, and its root is HealthData"},
		{"<!DOCTYPE foo SYSTEM \"foo.dtd\">\n<foo>", "CP-CNV-001 the format of the input is not known: it is XML, and its root is foo"},
		{"<foo", "CP-CNV-001 "},
		{"< 5 is not XML", "CP-CNV-001 "},
		{"<!-- ", "CP-CNV-001 "},
		{"\xff\xfe{\x00", "CP-CNV-001 the format of the input is not known: the text is in UTF-16, as Windows PowerShell writes it; save it as UTF-8"},
		{` [{"resourceType":"Patient"}]`, "CP-CNV-001 the format of the input is not known: it is a list of FHIR resources in brackets; write them as a Bundle, or one behind another"},
		{`{"id":"1"}`, "CP-CNV-001 the format of the input is not known: it is JSON without resourceType, and no resource of FHIR"},
		{"[1]", "CP-CNV-001 "},
		{"Dear colleague", "CP-CNV-001 "},
		{"", "CP-CNV-001 "},
	} {
		f := Unknown(diag.Place{Source: "x"}, []byte(c.head))
		if got := string(f.ID) + " " + f.What; got != c.want || f.Place.Source != "x" {
			t.Errorf("%q: %q, want %q", c.head, got, c.want)
		}
	}
}
