package convert

import (
	"slices"
	"testing"
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
