package convert

import (
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chartpost/chartpost/internal/safefile"
)

func TestOutputNames(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want []string
	}{
		{"relative", []string{"a/b.hl7", "c.hl7"}, []string{"a/b.json", "c.json"}},
		{"two of one stem", []string{"b.hl7", "b.txt", "c.txt"}, []string{"b.hl7.json", "b.txt.json", "c.json"}},
		{"upper and lower case", []string{"B.hl7", "b.txt"}, []string{"B.hl7.json", "b.txt.json"}},
		{"other folders", []string{"a/b.hl7", "b.hl7"}, []string{"a/b.json", "b.json"}},
		{"stdin", []string{"stdin", "stdin.hl7"}, []string{"stdin.json", "stdin.hl7.json"}},
		{"no extension", []string{"b", "c.d/e"}, []string{"b.json", "c.d/e.json"}},
		{"a name that is all extension", []string{"x/.hl7"}, []string{"x/.hl7.json"}},
		{"full names meet stems", []string{"b.hl7", "b.txt", "b.hl7.txt"}, []string{"b.hl7.json", "b.txt.json", "b.hl7.txt.json"}},
		{"numbers of another", []string{"b.hl7", "b-000001.hl7"}, []string{"b.json", "b-000001.hl7.json"}},
		{"numbers of nobody", []string{"b-000001.hl7"}, []string{"b-000001.json"}},
		{"the same in two places", []string{"x.hl7", "x.hl7"}, []string{"x.hl7.json", "x.hl7-2.json"}},
	} {
		var sources []Source
		for i, name := range tt.in {
			sources = append(sources, Source{Name: name, Path: string(rune('a'+i)) + "/" + name})
		}
		if got := OutputNames(sources, ".json"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		slices.Reverse(sources)
		got := OutputNames(sources, ".json")
		slices.Reverse(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s, in another order: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNumbered(t *testing.T) {
	for name, want := range map[string]string{"b.json": "b-000007.json", "a.b/c": "a.b/c-000007", "b.hl7.json": "b.hl7-000007.json", "x/.hl7": "x/.hl7-000007"} {
		if got := Numbered(name, 7); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestLongNames: a name stays within what file systems allow, with its number and endings, and differs from others that begin the same.
func TestLongNames(t *testing.T) {
	long := "a/" + strings.Repeat("ä", 124)
	in := []Source{{Name: long + "1.hl7", Path: "1"}, {Name: long + "2.hl7", Path: "2"}, {Name: "a/short.hl7", Path: "3"}}
	got := OutputNames(in, ".json")
	if got[0] == got[1] || got[2] != "a/short.json" {
		t.Errorf("%q", got)
	}
	for _, n := range append(got, RejectNames(in)...) {
		base := path.Base(Numbered(n, 1)) + reasonSuffix + safefile.Ours
		if len(base) > 255 || !utf8.ValidString(base) || !strings.HasPrefix(n, "a/") {
			t.Errorf("%d bytes: %q", len(base), base)
		}
	}
}
