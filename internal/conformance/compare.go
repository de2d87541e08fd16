package conformance

import (
	"cmp"
	"slices"
	"strings"
)

// Miss is an expected leaf that our output does not have.
type Miss struct {
	Resource string // the expected resource's type
	Path     string // below it, without indexes
	Value    string
	Ours     string // what ours has instead, in words
}

// Outcome is what a comparison of one expected bundle with ours found.
type Outcome struct {
	Found, Total int
	Misses       []Miss
}

// shared are the types of which one resource of ours may stand for several expected ones: who or what is referred to
// repeatedly is one resource in our output, and a resource a mention in that of others.
var shared = map[string]bool{
	"Patient": true, "RelatedPerson": true, "Practitioner": true, "PractitionerRole": true, "Organization": true,
	"Location": true, "Device": true, "Endpoint": true, "HealthcareService": true, "Medication": true, "Substance": true,
	"Account": true,
}

// compare looks for every leaf of the expected resources in ours. Each expected resource is paired with the most similar one
// of ours of its type; a leaf is found if the paired resource has it (as often as it is expected), a reference if ours
// refers, at the same path, to the resource that its target is paired with or to one that is as similar.
func compare(want, got []*resource) Outcome {
	c := newComparison(want, got)
	c.pair(false)
	c.pair(true) // again, now that references can be told apart
	var out Outcome
	for i, w := range c.want {
		var g *resource
		if j := c.paired[i]; j >= 0 {
			g = c.got[j]
		}
		used := make([]bool, gotLen(g))
		for _, l := range w.leaves {
			out.Total++
			if k := c.find(l, g, used); k >= 0 {
				used[k] = true
				out.Found++
				continue
			}
			out.Misses = append(out.Misses, Miss{w.typ, l.path, c.describe(l), c.instead(l, g)})
		}
	}
	return out
}

func gotLen(g *resource) int {
	if g == nil {
		return 0
	}
	return len(g.leaves)
}

type comparison struct {
	want, got       []*resource
	wantKey, gotKey map[string]int
	byType          map[string][]int   // of got
	paired          []int              // want -> got, -1: none
	weight          map[leaf]float64   // rarer leaves tell more
	plain           map[[2]int]float64 // how similar want and got are, references aside
}

func newComparison(want, got []*resource) *comparison {
	c := &comparison{want: want, got: got, wantKey: keys(want), gotKey: keys(got), byType: map[string][]int{}, paired: make([]int, len(want)),
		weight: map[leaf]float64{}, plain: map[[2]int]float64{}}
	for j, g := range got {
		c.byType[g.typ] = append(c.byType[g.typ], j)
	}
	for i, w := range want {
		c.paired[i] = -1
		for _, l := range w.leaves {
			c.weight[typed(w.typ, l)]++
		}
	}
	return c
}

// typed is the leaf as a key among the leaves of all resources of a type.
func typed(typ string, l leaf) leaf { return leaf{typ + "." + l.path, l.value, l.ref} }

func keys(list []*resource) map[string]int {
	m := map[string]int{}
	for i, r := range list {
		for _, k := range r.keys {
			if _, ok := m[k]; !ok {
				m[k] = i
			}
		}
	}
	return m
}

// pair assigns to every expected resource one of ours: the most similar pairs first, none of ours twice unless its type is
// shared. withRefs lets references count by what the pairing so far makes of their targets.
func (c *comparison) pair(withRefs bool) {
	type candidate struct {
		i, j  int
		score float64
	}
	var all []candidate
	score := map[[2]int]float64{}
	for i, w := range c.want {
		for _, j := range c.byType[w.typ] {
			s := c.similarity(w, c.got[j], withRefs)
			score[[2]int{i, j}] = s
			all = append(all, candidate{i, j, s})
		}
	}
	wantNth, gotNth := ordinals(c.want), ordinals(c.got)
	slices.SortStableFunc(all, func(a, b candidate) int {
		if d := cmp.Compare(b.score, a.score); d != 0 {
			return d
		}
		// Of equals those that stand at the same position in their bundles.
		da, db := abs(gotNth[a.j]-wantNth[a.i]), abs(gotNth[b.j]-wantNth[b.i])
		return cmp.Or(cmp.Compare(da, db), cmp.Compare(a.i, b.i), cmp.Compare(a.j, b.j))
	})
	paired, taken := make([]int, len(c.want)), make([]bool, len(c.got))
	for i := range paired {
		paired[i] = -1
	}
	for _, p := range all {
		if paired[p.i] < 0 && !taken[p.j] {
			paired[p.i], taken[p.j] = p.j, true
		}
	}
	for _, p := range all { // the best first
		if shared[c.want[p.i].typ] && (paired[p.i] < 0 || score[[2]int{p.i, paired[p.i]}] < p.score) {
			paired[p.i] = p.j
		}
	}
	c.paired = paired
	if !withRefs {
		c.plain = score
	}
}

// ordinals are the positions of resources among those of their type.
func ordinals(list []*resource) []int {
	nth, out := map[string]int{}, make([]int, len(list))
	for i, r := range list {
		out[i] = nth[r.typ]
		nth[r.typ]++
	}
	return out
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// similarity weighs the leaves that two resources have in common: one that many expected resources of the type have tells little.
func (c *comparison) similarity(w, g *resource, withRefs bool) float64 {
	used := make([]bool, len(g.leaves))
	s := 0.0
	for _, l := range w.leaves {
		if l.ref && !withRefs {
			continue
		}
		if k := c.find(l, g, used); k >= 0 {
			used[k] = true
			s += 1 / c.weight[typed(w.typ, l)]
		}
	}
	return s
}

// find is the index of the leaf of ours that answers to an expected one, -1 if there is none.
func (c *comparison) find(l leaf, g *resource, used []bool) int {
	if g == nil {
		return -1
	}
	// The leaves are sorted by their paths.
	k, _ := slices.BinarySearchFunc(g.leaves, l.path, func(x leaf, path string) int { return strings.Compare(x.path, path) })
	for ; k < len(g.leaves) && g.leaves[k].path == l.path; k++ {
		x := g.leaves[k]
		if used[k] || x.ref != l.ref {
			continue
		}
		if !l.ref && x.value == l.value || l.ref && c.sameTarget(l.value, x.value) {
			return k
		}
	}
	return -1
}

// sameTarget says whether a reference of ours leads to what the expected one leads to.
func (c *comparison) sameTarget(want, got string) bool {
	i, ok := c.wantKey[want]
	j, there := c.gotKey[got]
	if !ok { // it leads out of the bundle: the type must do
		return refType(want) == refType(got) || refType(want) == "" || there && refType(want) == c.got[j].typ
	}
	ok = there
	if !ok || c.want[i].typ != c.got[j].typ {
		return false
	}
	p := c.paired[i]
	if p == j {
		return true
	}
	return p >= 0 && c.plain[[2]int{i, j}] >= c.plain[[2]int{i, p}]
}

func refType(ref string) string {
	t, _, ok := strings.Cut(ref, "/")
	if !ok {
		return ""
	}
	return t
}

// describe is a leaf's value in words: of a reference, what it leads to.
func (c *comparison) describe(l leaf) string {
	if !l.ref {
		return l.value
	}
	if i, ok := c.wantKey[l.value]; ok {
		return "-> " + c.want[i].typ + " " + identifying(c.want[i])
	}
	return "-> " + refType(l.value) + " (not in the bundle)"
}

// identifying is the leaf by which people know a resource.
func identifying(r *resource) string {
	for _, p := range []string{"identifier.value", "name", "name.family", "name.text", "code.coding.code", "code.text"} {
		for _, l := range r.leaves {
			if l.path == p {
				return l.value
			}
		}
	}
	return "(nameless)"
}

// instead says what ours has in a missed leaf's stead: no such resource, another value there, or the value at another place.
func (c *comparison) instead(l leaf, g *resource) string {
	if g == nil {
		if !l.ref {
			if at := c.elsewhere(l); at != "" {
				return "no such resource; the value is " + at
			}
		}
		return "no such resource"
	}
	var there []string
	for _, x := range g.leaves {
		if x.path == l.path && !slices.Contains(there, x.value) {
			v := x.value
			if x.ref {
				v = "-> another"
				if j, ok := c.gotKey[x.value]; ok {
					v = "-> " + c.got[j].typ + " " + identifying(c.got[j])
				}
			}
			there = append(there, v)
		}
	}
	if len(there) > 3 {
		there = append(there[:3], "...")
	}
	if !l.ref {
		for _, x := range g.leaves {
			if x.value == l.value && x.path != l.path {
				return "the value is at " + x.path + thereToo(there)
			}
		}
	}
	if len(there) > 0 {
		return "there is: " + strings.Join(there, " | ")
	}
	if !l.ref {
		if at := c.elsewhere(l); at != "" {
			return "the value is " + at
		}
	}
	return "nothing there"
}

func thereToo(there []string) string {
	if len(there) == 0 {
		return ""
	}
	return "; there is: " + strings.Join(there, " | ")
}

// elsewhere finds a value in any other resource of ours.
func (c *comparison) elsewhere(l leaf) string {
	if len(l.value) < 2 {
		return ""
	}
	for _, g := range c.got {
		for _, x := range g.leaves {
			if x.value == l.value {
				return "at " + g.typ + "." + x.path
			}
		}
	}
	return ""
}
