package views

import (
	"testing"

	"github.com/chartpost/chartpost/pkg/sqlview"
)

// TestSets: the built-in views compile without a finding.
func TestSets(t *testing.T) {
	for _, s := range Sets() {
		for _, f := range s.files {
			text, err := texts.ReadFile("sets/" + f + ".json")
			if err != nil {
				t.Fatal(err)
			}
			views, finds := sqlview.Parse(f+".json", f, text)
			if len(views) == 0 {
				t.Errorf("%s has no views", f)
			}
			for _, f := range finds {
				t.Errorf("%s", f)
			}
		}
		list, ok := Named(s.Name)
		names := map[string]bool{}
		for _, v := range list {
			if names[v.Name] {
				t.Errorf("%s has two views %s", s.Name, v.Name)
			}
			names[v.Name] = true
		}
		if !ok || s.What == "" {
			t.Errorf("%s is not to be had", s.Name)
		}
	}
}
