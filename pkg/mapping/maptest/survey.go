package maptest

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/chartpost/chartpost/pkg/tree"
)

// A Survey counts what the laws saw of many documents: how many values are in which state and how many documents break a law, and at which
// places, ordinals aside. The zero value is ready.
type Survey struct {
	Documents int
	Broken    int // documents that break a law
	Tally     tree.Tally

	Unmapped, Invalid, Declined map[string]int // by place, the latter two with the reason
	Faults                      map[string]int // laws broken, in words

	// Short makes a place shorter; nil: it stays as it is.
	Short func(place string) string

	example map[string]string // a document for each fault
}

var ordinals = regexp.MustCompile(`\[\d+\]|resource \d+|row \d+, `)

// Add counts a document.
func (s *Survey) Add(name string, res *Result) {
	if s.Faults == nil {
		s.Unmapped, s.Invalid, s.Declined, s.Faults, s.example = map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]string{}
	}
	s.Documents++
	s.Tally = s.Tally.Plus(res.Tally)
	if len(res.Faults) > 0 {
		s.Broken++
	}
	for _, f := range res.Faults {
		f = Unnumbered(f)
		s.Faults[f]++
		if s.example[f] == "" {
			s.example[f] = name
		}
	}
	res.Doc.Leaves(func(n tree.Node, state tree.State, why string) {
		if state != tree.Unmapped && state != tree.Invalid && state != tree.Declined {
			return
		}
		at := Unnumbered(res.Doc.PlaceOf(n))
		if s.Short != nil {
			at = s.Short(at)
		}
		switch state {
		case tree.Unmapped:
			s.Unmapped[at]++
		case tree.Invalid:
			s.Invalid[at+": "+why]++
		case tree.Declined:
			s.Declined[at+": "+why]++
		}
	})
}

// Share is n of all values, in percent.
func (s *Survey) Share(n int) float64 { return 100 * float64(n) / float64(max(s.Tally.Values(), 1)) }

// Known is the share of the values that are carried, folded or declined.
func (s *Survey) Known() float64 {
	return s.Share(s.Tally.Carried + s.Tally.Folded + s.Tally.Declined)
}

// Log prints the figures and the most frequent places of each kind.
func (s *Survey) Log(t testing.TB, most int) {
	t.Helper()
	x := s.Tally
	t.Logf("%d documents, %d break a law: %d values, %d carried, %d folded, %d declined, %d unmapped, %d invalid", s.Documents, s.Broken, x.Values(), x.Carried, x.Folded, x.Declined, x.Unmapped, x.Invalid)
	t.Logf("known %.2f %%, declined %.2f %%, invalid %.2f %%", s.Known(), s.Share(x.Declined), s.Share(x.Invalid))
	Top(t, "unmapped", s.Unmapped, most, nil)
	Top(t, "invalid", s.Invalid, 20, nil)
	Top(t, "declined", s.Declined, 20, nil)
	Top(t, "broken laws", s.Faults, most, s.example)
}

// Top prints the most frequent of m, each with its example.
func Top(t testing.TB, what string, m map[string]int, n int, example map[string]string) {
	t.Helper()
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b)) })
	for i, k := range keys {
		if i == n {
			t.Logf("%s: and %d more kinds", what, len(keys)-n)
			break
		}
		t.Logf("%s: %5d %s %s", what, m[k], k, example[k])
	}
}

// Unnumbered is a place, or words with places, without ordinals.
func Unnumbered(s string) string { return ordinals.ReplaceAllString(s, "") }
