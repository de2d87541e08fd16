package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/tree"
)

// This file refuses what is ambiguous: two rows that can claim one singular place in FHIR. They are looked for over all
// tables that a scope brings to one resource, and within every table of a resource that an arrow leads to.
//
// Two rows are no rivals if they are of one else chain, if their tests exclude one another (disjoint literals of one place,
// or p and no p), if their tags differ, or if all but one go forward only. A row that can never write is refused too.

// claimant is a leaf in FHIR that a row can fill, with the rows that lead to it, outermost first.
type claimant struct {
	path   string
	choice []string // the choices on the way, as "effective:DateTime"
	rows   []*row
}

const maxRivalDepth = 8

func (m *Map) rivals() (faults Faults) {
	seen := map[string]bool{}
	for _, k := range m.set.Tables() {
		t := m.table(k.Name, k.Type)
		byLeaf, byChoice := map[string][]claimant{}, map[string][]claimant{}
		m.claimants(t, "", nil, nil, 0, func(c claimant) {
			byLeaf[c.path] = append(byLeaf[c.path], c)
			for _, x := range c.choice {
				at, _, _ := strings.Cut(x, "|")
				byChoice[at] = append(byChoice[at], claimant{x, nil, c.rows})
			}
		})
		report := func(a, b claimant, what string) {
			ra, rb := parting(a.rows, b.rows)
			if ra == nil {
				return
			}
			key := ra.Pos.String() + rb.Pos.String()
			if seen[key] {
				return
			}
			seen[key] = true
			if m.proven(rb) && !m.proven(ra) { // who added a row mends that
				ra, rb = rb, ra
			}
			faults = append(faults, &Fault{ID: MapCompile, Pos: rb.Pos, Msg: fmt.Sprintf("rival rows: this one and that of line %d (%s) can both claim %s", ra.Pos.Line, ra.Pos.File, what),
				Hint: "chain them with else, let their tests exclude one another, give them tags, or mark one >"})
		}
		for path, list := range byLeaf {
			for i, a := range list {
				for _, b := range list[i+1:] {
					if rival(a.rows, b.rows) {
						report(a, b, strings.TrimPrefix(path, "."))
					}
				}
			}
		}
		for _, list := range byChoice {
			for i, a := range list {
				for _, b := range list[i+1:] {
					if a.path != b.path && rival(a.rows, b.rows) {
						report(a, b, "the choice "+strings.ReplaceAll(strings.TrimPrefix(a.path, "."), "|", " as "))
					}
				}
			}
		}
		for _, chain := range t.chains {
			for _, r := range chain {
				if r.Kind == MapRow && r.Direction != Forward && r.codes != nil && r.sub == nil && len(r.codes.write) == 0 {
					faults = append(faults, &Fault{ID: MapCompile, Pos: r.Pos, Msg: fmt.Sprintf("the row can never write: no line of codes %s goes back", r.codes.name),
						Hint: "mark the row >, or one line of each code without >"})
				}
			}
		}
	}
	slices.SortFunc(faults, func(a, b *Fault) int {
		if c := strings.Compare(a.Pos.File, b.Pos.File); c != 0 {
			return c
		}
		return a.Pos.Line - b.Pos.Line
	})
	return faults
}

// claimants calls f for every leaf that the rows of a table can fill in what the table makes; groups below a scope are
// looked at with it, since they may add to its resources.
func (m *Map) claimants(t *table, prefix string, choice []string, above []*row, depth int, f func(claimant)) {
	if depth > maxRivalDepth || m.compile(t) != nil {
		return
	}
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.Kind != MapRow || r.Direction == Backward || r.dst.end == nil {
				continue // sub-scopes have instances of their own, which are many
			}
			rows := append(slices.Clip(above), r)
			path, ch, singular := r.claimPath(prefix, choice)
			if !singular {
				continue
			}
			switch {
			case r.pair != nil && r.dst.arrow == nil && len(r.dst.steps) == 0:
				continue // a pair on a whole element fills what it knows of, which only its functions say
			case r.dst.arrow != nil || r.pair != nil:
				f(claimant{path, ch, rows})
			case r.sub != nil:
				m.claimants(r.sub, path, ch, rows, depth+1, f)
			default:
				f(claimant{path, ch, rows})
			}
		}
	}
}

// claimPath is where a row's target leads as text, and whether that is a singular place.
func (r *row) claimPath(prefix string, choice []string) (string, []string, bool) {
	var b strings.Builder
	b.WriteString(prefix)
	tags := func(list []tag) {
		for i := range list {
			if g := &list[i]; g.link == nil {
				b.WriteString([...]string{tagIs: "[" + g.name() + "=" + g.text + "]", tagNot: "[" + g.name() + "!=" + g.text + "]",
					tagThere: "[" + g.name() + "]", tagAbsent: "[no " + g.name() + "]"}[g.op])
			}
		}
	}
	if r.dst.base != nil {
		if r.Each && r.dst.grow < 0 && r.dst.arrow == nil {
			return "", nil, false // a resource for each
		}
		b.WriteString(r.dst.base.Name)
		tags(r.dst.tags)
	} else {
		tags(r.dst.tags)
	}
	for i := range r.dst.steps {
		s := &r.dst.steps[i]
		if s.grow || s.e.List && len(s.tags) == 0 && s.typ.Prim != nil {
			return "", nil, false
		}
		b.WriteByte('.')
		b.WriteString(s.e.Name)
		if s.a != nil {
			choice = append(slices.Clip(choice), b.String()+"|"+s.typ.Name)
			b.WriteString(s.typ.Name)
		}
		tags(s.tags)
	}
	return b.String(), choice, true
}

// parting are the rows where two ways to a leaf part.
func parting(a, b []*row) (*row, *row) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i], b[i]
		}
	}
	return nil, nil
}

// rival reports that two ways to one leaf can both be taken.
func rival(a, b []*row) bool {
	ra, rb := parting(a, b)
	if ra == nil || ra.t != rb.t {
		return false
	}
	for _, rows := range [][]*row{a, b} {
		for _, r := range rows {
			if r.Direction == Forward {
				return false
			}
		}
	}
	if sameChain(ra, rb) {
		return false
	}
	return !exclusive(ra, rb)
}

func sameChain(a, b *row) bool {
	for _, chain := range a.t.chains {
		if slices.Contains(chain, a) {
			return slices.Contains(chain, b)
		}
	}
	return false
}

// exclusive reports that the tests of two rows cannot both hold.
func exclusive(a, b *row) bool {
	for _, x := range slices.Concat(a.with, a.iff) {
		for _, y := range slices.Concat(b.with, b.iff) {
			if excludes(&x, &y, a) || excludes(&y, &x, a) {
				return true
			}
		}
	}
	// A test on the step of the place itself: PRT[4.1=PP] and PRT[4.1!=PP].
	for i := range min(len(a.path), len(b.path)) {
		if a.path[i].Name != b.path[i].Name {
			break
		}
		if apart(&a.path[i], &b.path[i]) || apart(&b.path[i], &a.path[i]) {
			return true
		}
		for _, x := range a.path[i].Tests {
			for _, y := range b.path[i].Tests {
				if excludes(&x, &y, a) || excludes(&y, &x, a) {
					return true
				}
			}
		}
	}
	return false
}

// apart reports that one step names a repetition before all those that the other one may lead to.
func apart(first, other *tree.Step) bool {
	return first.Nth > 0 && !first.On && first.Nth < other.Nth
}

func excludes(x, y *tree.Test, r *row) bool {
	if pathText(x.Path) != pathText(y.Path) {
		return false
	}
	in := func(v string) bool { // one of y's values
		return slices.ContainsFunc(y.Values, func(w string) bool { return v == w || (x.Fold || y.Fold) && strings.EqualFold(v, w) })
	}
	switch {
	case x.Op == tree.Equal && y.Op == tree.Equal:
		return !slices.ContainsFunc(x.Values, in)
	case x.Op == tree.Equal && y.Op == tree.NotEqual:
		return (y.Fold || !x.Fold) && !slices.ContainsFunc(x.Values, func(v string) bool { return !in(v) })
	case x.Op == tree.Exists && y.Op == tree.Missing:
		return true
	case x.Op == tree.Equal && y.Op == tree.Missing:
		return !slices.Contains(x.Values, "")
	}
	return false
}

func pathText(p tree.Path) string {
	var b strings.Builder
	for i := range p {
		b.WriteByte('/')
		b.WriteString(p[i].Name)
		for _, t := range p[i].Tests {
			fmt.Fprintf(&b, "[%s%d%s]", pathText(t.Path), t.Op, t.Values)
		}
	}
	return b.String()
}
