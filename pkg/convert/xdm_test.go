package convert

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const xdmMetadata = `<?xml version="1.0"?><rim:RegistryObjectList xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">
<rim:ExtrinsicObject><rim:Slot name="URI"><rim:ValueList><rim:Value>DOC00001.XML</rim:Value></rim:ValueList></rim:Slot></rim:ExtrinsicObject>
<rim:ExtrinsicObject><rim:Slot name="size"><rim:ValueList><rim:Value>12</rim:Value></rim:ValueList></rim:Slot>
<rim:Slot name="URI"><rim:ValueList><rim:Value>1|DOCS/A&amp;</rim:Value><rim:Value>2|B.XML</rim:Value></rim:ValueList></rim:Slot></rim:ExtrinsicObject>
</rim:RegistryObjectList>`

func TestXDM(t *testing.T) {
	tests := []struct {
		name    string
		members map[string]string
		want    []string
		bad     int
	}{
		{"named documents alone", map[string]string{"INDEX.HTM": "<html/>", "README.TXT": "read", "IHE_XDM/SUBSET01/METADATA.XML": xdmMetadata,
			"IHE_XDM/SUBSET01/doc00001.xml": "<a/>", "IHE_XDM/SUBSET01/CDA.XSL": "<x/>", "IHE_XDM/SUBSET01/DOCS/A&B.XML": "<b/>"},
			[]string{"IHE_XDM/SUBSET01/DOCS/A&B.XML", "IHE_XDM/SUBSET01/doc00001.xml"}, 0},
		{"a document that is missing", map[string]string{"IHE_XDM/SUBSET01/METADATA.XML": xdmMetadata, "IHE_XDM/SUBSET01/DOC00001.XML": "<a/>"},
			[]string{"IHE_XDM/SUBSET01/DOC00001.XML"}, 1},
		{"any other archive", map[string]string{"METADATA.XML": xdmMetadata, "a.xml": "<a/>"}, []string{"METADATA.XML", "a.xml"}, 0},
		{"no documents named", map[string]string{"IHE_XDM/S/METADATA.XML": "<x/>", "a.xml": "<a/>"}, []string{"IHE_XDM/S/METADATA.XML", "a.xml"}, 0},
	}
	for _, test := range tests {
		var names []string
		bad := 0
		file := filepath.Join(t.TempDir(), "record.zip")
		if err := os.WriteFile(file, zipOf(t, test.members, false), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, s := range archive(file) {
			r, err := s.Open()
			if err != nil {
				bad++
				continue
			}
			r.Close()
			names = append(names, s.Name)
		}
		if !slices.Equal(names, test.want) || bad != test.bad {
			t.Errorf("%s: %q and %d that cannot be read, want %q and %d", test.name, names, bad, test.want, test.bad)
		}
	}
}
