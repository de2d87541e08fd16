package convert

import (
	"bytes"

	"github.com/chartpost/chartpost/pkg/diag"
)

// Findings of files that are of no format. What they are instead is said where their first bytes tell, since people save and attach what
// they have: the page of a portal, the picture of a fax, a package that was not opened.
const (
	WebPage   diag.ID = "CP-CDA-008"
	ForPeople diag.ID = "CP-CNV-008"
	Sealed    diag.ID = "CP-CNV-009"
	Packed    diag.ID = "CP-CNV-010"
)

// Unknown says what a source of no known format is, by its first bytes, and of a source in XML what its root is.
func Unknown(at diag.Place, head []byte) *diag.Finding {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(utf8Mark)), " \t\r\n")
	if isWebPage(text) {
		return diag.New(WebPage, at, "")
	}
	for _, k := range kinds {
		b := head
		if k.text {
			b = text
		}
		if len(b) > k.at && bytes.HasPrefix(b[k.at:], []byte(k.begins)) {
			what := ""
			if k.what != "" {
				what = "the file is " + k.what + ", not a record that programs read"
			}
			return diag.New(k.id, at, "%s", what)
		}
	}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return diag.New(UnknownFormat, at, "the format of the input is not known: the text is in UTF-16, as Windows PowerShell writes it; save it as UTF-8")
	}
	if bytes.HasPrefix(text, []byte("[")) && bytes.Contains(text, []byte(`"resourceType"`)) {
		return diag.New(UnknownFormat, at, "the format of the input is not known: it is a list of FHIR resources in brackets; write them as a Bundle, or one behind another")
	}
	if bytes.HasPrefix(text, []byte("{")) {
		return diag.New(UnknownFormat, at, "the format of the input is not known: it is JSON without resourceType, and no resource of FHIR")
	}
	if root := rootOf(text); root != "" {
		return diag.New(UnknownFormat, at, "the format of the input is not known: it is XML, and its root is %s", root)
	}
	return diag.New(UnknownFormat, at, "")
}

// kinds are what files begin with that are met where records are looked for.
var kinds = []struct {
	id     diag.ID
	at     int
	begins string
	text   bool // after blanks too
	what   string
}{
	{ForPeople, 0, "%PDF-", true, "a PDF document"},
	{ForPeople, 0, `{\rtf`, true, "a document of a word processor"},
	{ForPeople, 0, "\xff\xd8\xff", false, "a picture"},
	{ForPeople, 0, "\x89PNG\r\n\x1a\n", false, "a picture"},
	{ForPeople, 0, "GIF8", false, "a picture"},
	{ForPeople, 0, "II*\x00", false, "a picture, as fax machines send them"},
	{ForPeople, 0, "MM\x00*", false, "a picture, as fax machines send them"},
	{ForPeople, 128, "DICM", false, "a DICOM image"},
	{Sealed, 0, "age-encryption.org/", false, ""},
	{Sealed, 0, "-----BEGIN AGE ENCRYPTED FILE-----", true, ""},
	{Packed, 0, "\x1f\x8b", false, ""},
	{Packed, 0, "7z\xbc\xaf\x27\x1c", false, ""},
	{Packed, 0, "Rar!\x1a\x07", false, ""},
	{Packed, 0, "\x28\xb5\x2f\xfd", false, ""},
	{Packed, 0, "BZh", false, ""},
	{Packed, 0, "\xfd7zXZ\x00", false, ""},
	{Packed, 257, "ustar", false, ""},
}

// IsWebPage reports a source that begins as a web page does.
func IsWebPage(head []byte) bool {
	return isWebPage(bytes.TrimLeft(bytes.TrimPrefix(head, []byte(utf8Mark)), " \t\r\n"))
}

func isWebPage(text []byte) bool {
	s := bytes.ToLower(text[:min(len(text), 20)])
	return bytes.HasPrefix(s, []byte("<!doctype html")) || bytes.HasPrefix(s, []byte("<html"))
}

// rootOf is the name of the first element of a text in XML, empty if that is none.
func rootOf(text []byte) string {
	for len(text) > 1 && text[0] == '<' && (text[1] == '?' || text[1] == '!') {
		end := bytes.Index(text, []byte(">"))
		if bytes.HasPrefix(text, []byte("<!--")) {
			if end = bytes.Index(text, []byte("-->")); end >= 0 {
				end += 2
			}
		}
		if end < 0 {
			return ""
		}
		// Behind [ the types follow, pages of them in what phones export; the name of the root stands before.
		if root, ok := bytes.CutPrefix(text[:end], []byte("<!DOCTYPE ")); ok && bytes.Contains(root, []byte("[")) {
			text = append([]byte("<"), bytes.TrimLeft(root, " \t\r\n")...)
			break
		}
		text = bytes.TrimLeft(text[end+1:], " \t\r\n")
	}
	if len(text) < 2 || text[0] != '<' {
		return ""
	}
	name := text[1:]
	end := bytes.IndexFunc(name, func(r rune) bool {
		return r >= 0x80 || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == ':' || r == '-' || r == '.')
	})
	if end < 1 || end > 64 || bytes.IndexByte([]byte(" \t\r\n/>"), name[end]) < 0 {
		return ""
	}
	return string(name[:end])
}
