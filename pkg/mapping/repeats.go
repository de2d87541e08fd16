package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// This file refuses rows of scopes that claim one place again and again: what several instances of a scope, or several repetitions of
// a segment, say of one thing, where FHIR or the way back has room for one of them alone.

// A loop is a scope that is read more than once, and the resources that the scopes around its repetition name.
type loop struct {
	by     *row // that repeats it, or a scope around it
	around []*plan.Type
}

// repeats finds the faults of all scopes.
func (m *Map) repeats() (faults Faults) {
	loops := map[*table]*loop{}
	for _, k := range m.set.Tables() {
		if t := m.table(k.Name, k.Type); k.Type == "Bundle" && m.compile(t) == nil {
			m.enter(t, nil, nil, nil, nil, loops)
		}
	}
	for _, k := range m.set.Tables() {
		t := m.table(k.Name, k.Type)
		if k.Type != "Bundle" || m.compile(t) != nil {
			continue
		}
		for _, chain := range t.chains {
			for _, r := range chain {
				if r.Kind != MapRow || r.Direction == Backward || r.dst.end == nil {
					continue
				}
				if l := loops[t]; l != nil && r.crowds(l) {
					faults = append(faults, l.fault(r))
				}
				if (r.makesMany() || r.Each && r.dst.base != nil && r.dst.arrow != nil) && r.Direction == Both {
					faults = append(faults, t.mixed(r)...)
				}
			}
		}
	}
	return faults
}

// enter goes through a scope and those below it. above are the scopes on the way to it, named the resources that they name, around those
// that are named above the row by that repeats it.
func (m *Map) enter(t *table, above []*table, by *row, around, named []*plan.Type, loops map[*table]*loop) {
	if slices.Contains(above, t) {
		return
	}
	if by != nil {
		l := loops[t]
		if l == nil {
			l = &loop{by: by}
			loops[t] = l
		}
		for _, x := range around {
			if !slices.Contains(l.around, x) {
				l.around = append(l.around, x)
			}
		}
	}
	above, named = append(slices.Clip(above), t), append(slices.Clip(named), t.homes...)
	for _, r := range t.back {
		if r.Kind != MapRow || r.dst.end != nil || r.sub == nil || m.compile(r.sub) != nil {
			continue
		}
		if r.Each {
			m.enter(r.sub, above, r, named, named, loops)
		} else {
			m.enter(r.sub, above, by, around, named, loops)
		}
	}
}

// crowds reports a row whose arrow leads to one resource from what is around the loop: each time that the scope is read.
func (r *row) crowds(l *loop) bool {
	return r.around && r.dst.arrow != nil && r.Direction == Both && slices.Contains(l.around, r.dst.base) &&
		!slices.ContainsFunc(r.dst.steps, func(s step) bool { return s.grow || s.e.List && len(s.tags) == 0 })
}

func (l *loop) fault(r *row) *Fault {
	path, arrow, _ := cutArrow(r.Target)
	f := &Fault{ID: MapCompile, Pos: r.Pos, Hint: "mark the row > and say what is left out",
		Msg: fmt.Sprintf("%s is read again and again (line %d of %s), and %s leads to one %s: only the first is kept", r.t.Name, l.by.Pos.Line, l.by.Pos.File, path, r.dst.arrow.Name)}
	for i := len(r.dst.steps) - 1; i >= 0; i-- {
		if r.dst.steps[i].e.List {
			f.Hint = fmt.Sprintf("make an element for each: %s -> %s", marked(path, i), arrow)
			break
		}
	}
	return f
}

// marked is a target with [] behind the i-th step below its resource.
func marked(path string, i int) string {
	rest, done := path, ""
	for n := -1; ; n++ {
		head, tail, more := cutTop(rest, '.')
		if n == i {
			name, _, _ := cutTags(head)
			return done + name + "[]" + head[len(name):] + strings.TrimPrefix(rest, head)
		}
		if !more {
			return path
		}
		done, rest = done+head+".", tail
	}
}

// mixed finds the rows of a scope that name the resources of one of its rows which makes one for each repetition. Each of these is written
// by that row alone. So is what an arrow makes for each repetition; another row that makes one of its own makes another one.
func (t *table) mixed(many *row) (faults Faults) {
	made, tags := many.dst.base, many.dst.tags
	if many.dst.arrow != nil {
		made, tags = many.dst.arrow, many.dst.arrowed
	}
	for _, chain := range t.chains {
		for _, r := range chain {
			if r == many || r.Kind != MapRow || r.Direction != Both || r.dst.base != made || sameChain(r, many) {
				continue
			}
			f := &Fault{ID: MapCompile, Pos: r.Pos}
			switch whole := len(r.dst.steps) == 0 && r.dst.arrow == nil; {
			case !whole:
				f.Msg = fmt.Sprintf("this row adds to the last %s alone of those that line %d makes, one for each %s", made.Name, many.Pos.Line, many.Place)
				f.Hint = fmt.Sprintf("read both in a scope of their own: %s  NAME[]  .", many.Place)
			case tagsText(r.dst.tags) != tagsText(tags), exclusive(r, many), r.makesMany() && r.rank < many.rank: // of two the second is at fault
				continue
			default:
				f.Msg = fmt.Sprintf("this row and that of line %d both make a %s, and nothing tells on the way back which made it", many.Pos.Line, made.Name)
				f.Hint = "give them tags, or mark one >"
			}
			faults = append(faults, f)
		}
	}
	return faults
}
