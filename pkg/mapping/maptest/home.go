package maptest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// NotHome names the places of a record's values that its ledger calls carried and that the records which came home do not have: the same value,
// in the same element of a resource of the same type. Resources within others are left out, for at home they stand for themselves.
func NotHome(rec *mapping.Record, home ...*mapping.Record) (places []string) {
	have := map[string]bool{}
	for _, h := range home {
		h.EachLeaf(func(l *mapping.Leaf) { have[said(l)] = true })
	}
	rec.EachLeaf(func(l *mapping.Leaf) {
		if s := said(l); l.State == tree.Carried && !l.Resource.Inside() && s != "" && !have[s] {
			place, _, _ := strings.Cut(s, "=")
			places = append(places, place)
		}
	})
	slices.Sort(places)
	return slices.Compact(places)
}

var (
	rootOf = regexp.MustCompile(`^(Bundle\.entry\.resource\.ofType\(\w+\)|\w+)(\[\d+\])?\.`)
	moment = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?$`)
)

// said is what a leaf says of a resource of its type: the element, without its places in lists, and the value; empty of references, which each format
// writes in its own way. Times are compared to the minute, as the precisest that all formats keep is not the same.
func said(l *mapping.Leaf) string {
	ti := plan.Of(l.Value.Type())
	if ti.Prim == nil {
		return ""
	}
	text := strings.TrimSpace(ti.Prim.Text(l.Value))
	if m := moment.FindStringSubmatch(text); m != nil {
		text = m[1] + strings.Replace(m[4], "Z", "+00:00", 1)
	}
	return l.Resource.Type() + "." + Unnumbered(rootOf.ReplaceAllString(l.Place(), "")) + "=" + text
}
