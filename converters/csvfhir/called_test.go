package csvfhir_test

import (
	"testing"

	"github.com/chartpost/chartpost/converters"
)

// TestCalled: files of fixed width have no header, so that only their names tell; bytes that say something come before a name.
func TestCalled(t *testing.T) {
	formats, err := converters.Formats(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, head, want string }{
		{"client.txt", "000000000000000000001001A\r\n", "csv"},
		{"in/Immunizations_2026.TXT", "000000000000000000001001\r\n", "csv"},
		{"client.txt", "MSH|^~\\&|A|B\r", "hl7v2"},
		{"client.txt", "", ""},
		{"client.txt", "\x00\x01\x02", ""},
		{"letter.txt", "Dear colleague\r\n", ""},
		{"names.csv", "Name\r\nAnn\r\n", "csv"}, // called like a table: the codec says what is wrong with it
		{"list.XLS", "<html><table><tr><td>MRN</td></tr></table></html>", "csv"},
		{"bundle.csv", `{"resourceType":"Bundle","type":"collection"}`, "fhir"},
	} {
		got := ""
		if f := formats.Detect(c.name, []byte(c.head)); f != nil {
			got = f.Name
		}
		if got != c.want {
			t.Errorf("%s, %q: %q, want %q", c.name, c.head, got, c.want)
		}
	}
}
