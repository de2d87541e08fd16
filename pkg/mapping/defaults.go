package mapping

import (
	"fmt"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// This file refuses tables that can leave a code empty which FHIR wants and binds to its own codes (a status, an intent): nothing
// can stand there but one of these codes, not even a data-absent-reason, so a row must say which where the source is silent.

func (m *Map) unfilled() (faults Faults) {
	seen := map[string]bool{}
	report := func(r *row, ti *plan.Type, e *plan.Element) {
		key := r.Pos.String() + e.Name
		if seen[key] {
			return
		}
		seen[key] = true
		faults = append(faults, &Fault{ID: MapCompile, Pos: r.Pos, Msg: fmt.Sprintf("%s.%s can stay empty: FHIR wants one of its codes there", ti.Name, e.Name),
			Hint: fmt.Sprintf("end its chain with a constant that has no test, as in 'unknown'  ID  %s", e.Name)})
	}
	for _, k := range m.set.Tables() {
		t := m.table(k.Name, k.Type)
		if m.compile(t) != nil {
			continue
		}
		for _, chain := range t.chains {
			for _, r := range chain {
				if r.Kind != MapRow || r.Direction == Backward {
					continue
				}
				made, tags := r.dst.arrow, r.dst.arrowed
				if made == nil && t.info == nil && len(r.dst.steps) == 0 {
					made, tags = r.dst.base, r.dst.tags
				}
				if made == nil || made.Name == "Bundle" {
					continue
				}
				for _, e := range made.Elements {
					if !e.Required || e.Choice != nil || e.RefText || e.Type().Prim == nil || e.Type().Prim.Kind != plan.Code || len(e.Type().Prim.Words()) == 0 {
						continue
					}
					if !stampsElement(tags, e) && !m.fills(r, e, 0) && (r.dst.arrow != nil && r.Each || !m.scopeFills(t, made, e)) {
						report(r, made, e)
					}
				}
			}
		}
	}
	return faults
}

func stampsElement(tags []tag, e *plan.Element) bool {
	for i := range tags {
		if g := &tags[i]; g.op == tagIs && g.path[0].e == e {
			return true
		}
	}
	return false
}

// fills reports that the table of a row always gives an element a value. What a pair does, only its functions say.
func (m *Map) fills(r *row, e *plan.Element, depth int) bool {
	if r.pair != nil {
		return true
	}
	if r.sub == nil || depth == maxRivalDepth || m.compile(r.sub) != nil {
		return false
	}
	for _, chain := range r.sub.chains {
		for _, q := range chain {
			switch {
			case q.Direction == Backward:
			case q.always(e):
				return true
			case q.Kind == MapRow && q.dst.arrow == nil && len(q.dst.steps) == 0 && m.fills(q, e, depth+1):
				return true
			}
		}
	}
	return false
}

// always reports a constant for an element that nothing keeps from being there.
func (r *row) always(e *plan.Element) bool {
	return r.Kind == ConstTarget && r.Direction != Backward && len(r.with) == 0 && len(r.iff) == 0 && len(r.dst.steps) == 1 && r.dst.steps[0].e == e
}

// scopeFills reports that another row of a scope for the same resource always gives the element a value.
func (m *Map) scopeFills(t *table, res *plan.Type, e *plan.Element) bool {
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.dst.base != res || r.Direction == Backward {
				continue
			}
			if r.always(e) || r.Kind == MapRow && len(r.dst.steps) == 0 && r.dst.arrow == nil && m.fills(r, e, 0) {
				return true
			}
		}
	}
	return false
}
