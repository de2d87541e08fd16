package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/chartpost/chartpost/pkg/diag"
)

// reporter prints findings as they come: each once with its place, and what repeats grouped at the end, so that a batch of
// a million records with one fault does not print a million lines.
type reporter struct {
	w      io.Writer
	quiet  bool
	values bool
	seen   map[string]int
}

// maxShown is how many findings of one id are printed with their places before the rest is counted.
const maxShown = 5

func newReporter(w io.Writer, quiet, values bool) *reporter {
	return &reporter{w: w, quiet: quiet, values: values, seen: map[string]int{}}
}

func (r *reporter) finding(f *diag.Finding) {
	if r.quiet && f.Severity() != diag.Reject {
		return
	}
	key := string(f.ID)
	if r.seen[key]++; r.seen[key] > maxShown {
		return
	}
	fmt.Fprintf(r.w, "%s: %s: %s [%s]\n", f.Place, f.Severity(), f.Message(), f.ID)
	if r.values && f.Value != "" {
		fmt.Fprintf(r.w, "  value: %q\n", f.Value)
	}
	if r.seen[key] == 1 {
		if fix := f.ID.Entry().Fix; fix != "" {
			fmt.Fprintf(r.w, "  %s\n", fix)
		}
	}
}

// end says how many more there were.
func (r *reporter) end() {
	for _, key := range slices.Sorted(maps.Keys(r.seen)) {
		if n := r.seen[key] - maxShown; n > 0 {
			fmt.Fprintf(r.w, "and %d more of %s; chartpost explain %s tells more\n", n, key, key)
		}
	}
}
