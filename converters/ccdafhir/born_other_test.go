package ccdafhir

import "testing"

// What HTML allows and CDA's schema does not is made right, and no word is lost.
func TestTidy(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"text", "so <content ID=\"a\" styleCode=\"Bold\">bold</content>", "so <content styleCode=\"Bold\">bold</content>"},
		{"rows without a body", "<table border=\"1\"><tr><td>a</td></tr><tr><td>b</td></tr></table>", "<table><tbody><tr><td>a</td></tr><tr><td>b</td></tr></tbody></table>"},
		{"a head and rows", "<table><thead><tr><th>h</th></tr></thead><tr><td>b</td></tr></table>",
			"<table><thead><tr><th>h</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>"},
		{"a table in a paragraph", "<paragraph>before<table><tbody><tr><td colspan=\"2\">a</td></tr></tbody></table>after</paragraph>",
			"<paragraph>before</paragraph><table><tbody><tr><td colspan=\"2\">a</td></tr></tbody></table>after"},
		{"a paragraph around a list", "<paragraph><list listType=\"ordered\"><item>one</item></list></paragraph>", "<list listType=\"ordered\"><item>one</item></list>"},
		{"a block in a span", "<content>a<paragraph>b</paragraph></content>", "<content>a b</content>"},
		{"a table in a cell", "<table><tbody><tr><td>5<table><tr><td>10</td><td>mg</td></tr></table></td></tr></tbody></table>", "<table><tbody><tr><td>5 10 mg</td></tr></tbody></table>"},
		{"a head without rows", "<table><thead><tr><th>h</th></tr></thead></table>", "<table><thead><tr><th>h</th></tr></thead><tbody><tr><td></td></tr></tbody></table>"},
		{"a table without rows", "x<table></table>", "x"},
		{"text in a list", "<list>loose<item>one</item></list>", "<list><item>loose</item><item>one</item></list>"},
		{"a link within", "<linkHtml href=\"#a\">here</linkHtml> <linkHtml href=\"https://maple.example/\">there</linkHtml>",
			"<linkHtml>here</linkHtml> <linkHtml href=\"https://maple.example/\">there</linkHtml>"},
		{"a break", "a<br></br>b", "a<br></br>b"},
	} {
		if got := tidy(tt.raw); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}
