package conformance

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Observed lists what the projects of the pairs make of each place of a message: where a value of an expected bundle stands at
// one place only of its message, the place and the path are counted together. Equal values at two places are left out, so a
// place that is missing here is not therefore unmapped.
func Observed(w io.Writer, pairs []Pair) error {
	type key struct{ place, path string }
	counts := map[key]map[string]int{}
	for _, p := range pairs {
		source, err := os.ReadFile(p.Input)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(p.Expected)
		if err != nil {
			return err
		}
		list, err := readBundle(b)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Expected, err)
		}
		at := index(sourceValues(source))
		for _, r := range withoutDialect(list, source) {
			for _, l := range r.leaves {
				place := at.placesOf(l.value)
				if l.ref || place == "" || strings.Contains(place, " ") {
					continue
				}
				k := key{place, r.typ + "." + l.path}
				if counts[k] == nil {
					counts[k] = map[string]int{}
				}
				counts[k][p.Suite]++
			}
		}
	}
	keys := make([]key, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(comparePlaces(a.place, b.place), cmp.Compare(a.path, b.path)) })
	for _, k := range keys {
		fmt.Fprintf(w, "%-14s %-70s", k.place, k.path)
		for _, s := range suites {
			if n := counts[k][s.name]; n > 0 {
				fmt.Fprintf(w, " %s %d", s.name, n)
			}
		}
		fmt.Fprintln(w)
	}
	return nil
}

// comparePlaces orders OBX-2 before OBX-10.
func comparePlaces(a, b string) int {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '.' })
	}
	x, y := split(a), split(b)
	for i := range min(len(x), len(y)) {
		if c := cmp.Or(cmp.Compare(len(x[i]), len(y[i])), cmp.Compare(x[i], y[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}
