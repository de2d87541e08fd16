package mapping

import (
	"reflect"
	"slices"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file says how often a scope is written on the way back, and with which resources.

// writeGroup writes the instances of a scope: one for each resource that anchors one, and one without an anchor for what
// else belongs here. r is the row that led here, nil at the root.
func (c *Context) writeGroup(t *table, n tree.Node, r *row) (any bool) {
	if !c.descend(t) {
		return false
	}
	defer func() { c.tables-- }()
	many := r != nil && r.Each
	if a := t.anchor; a != nil {
		if res := c.around(r, a.dst.base, a.dst.tags); res != nil && a.dst.arrow == nil {
			return c.writeInstance(t, n, r, res, nil)
		}
		for _, res := range c.anchors(t, a) {
			c.steps++
			if res.placed {
				continue
			}
			wrote := many && c.writeVisits(t, n, r, res)
			if any = wrote || c.writeInstance(t, n, r, res, nil) || any; any && !many {
				return any
			}
		}
	}
	for !any || many { // without an anchor
		at, said := c.begin(), len(c.rec.claims)
		ok := c.writeInstance(t, n, r, nil, nil)
		if ok && many && t.anchor != nil && len(c.rec.claims) == said {
			ok = false // it says again what was said, and would do so without end
		}
		if !c.end(at, ok) {
			break
		}
		if any && many && len(r.path) == 1 && c.visitHome(t) >= 0 {
			c.first(n, r.path[0].Name)
		}
		any = true
		if t.anchor == nil {
			break
		}
	}
	return any
}

// around is the resource of a type that the scope around has already, where r takes a scope in whole: what that adds to it is as if its rows
// stood there.
func (c *Context) around(r *row, home *plan.Type, tags []tag) *Resource {
	if r == nil || r.Each || len(r.path) > 0 || c.frame == nil {
		return nil
	}
	if res := c.frame.holds(home); res != nil && c.linked(res, tags) {
		return res
	}
	return nil
}

// first moves the last part of n that has a name before the others of that name: results without a patient that stood behind those
// of one would be read as his.
func (c *Context) first(n tree.Node, name string) {
	var parts []tree.Node
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		c.steps++
		if c.Doc.Name(k) == name {
			parts = append(parts, k)
		}
	}
	for _, k := range parts[:max(len(parts)-1, 0)] {
		c.Doc.Move(k, n)
	}
}

// visits says how a scope is written again for one anchor: once for each of the resources to which those of the scopes below
// lead (a patient's encounters, to which his reports lead), and once without any.
type visits struct {
	home  int // of these resources, among the scope's homes
	visit *Resource
}

// writeVisits writes a repeated scope for an anchor once for each of its visits under which something stands. It does nothing
// if the scope has none or the record only one and nothing without it: then the usual instance is the whole of it.
func (c *Context) writeVisits(t *table, n tree.Node, r *row, anchor *Resource) (any bool) {
	home := c.visitHome(t)
	if home < 0 {
		return false
	}
	list := slices.Clone(c.ofType(t.homes[home]))
	outer := c.takes
	for _, visit := range append(list, nil) { // the last is without any
		if visit != nil && (visit.placed || visit.inside != nil || c.isRefused(visit.v)) {
			continue
		}
		// What the anchor says is written each time, so nothing in it is taken yet.
		c.takes = takes{}
		any = c.writeInstance(t, n, r, anchor, &visits{home, visit}) || any
		c.takes = outer
	}
	return any
}

// visitHome is the home that is linked to another home and to which the scopes below lead; -1 if there is none.
func (c *Context) visitHome(t *table) int {
	t.visits.Do(func() { t.visit = c.findVisitHome(t) })
	return t.visit
}

func (c *Context) findVisitHome(t *table) int {
	for i, h := range t.homes {
		linked := func(g tag) bool { return g.link != nil && g.link != h && slices.Contains(t.homes, g.link) }
		if t.joins[i].single && slices.ContainsFunc(t.joins[i].tags, linked) && c.ledToBelow(t, h, 0) {
			return i
		}
	}
	return -1
}

// oneVisit is, of several visits that a scope could have, the one to which everything leads that the scopes below may hold. If
// there is none such, the scope goes without: a visit that stands there is the visit of all.
func (c *Context) oneVisit(t *table, home int, list []*Resource) []*Resource {
	var led []*Resource
	c.linksBelow(t, t.homes[home], 0, func(_ *row, res *plan.Type, tags []tag, g *tag) {
		for _, u := range c.ofType(res) {
			if u.placed || u.inside != nil || c.isRefused(u.v) || !c.linked(u, tags) {
				continue
			}
			var to *Resource
			c.all(u.v, g.path, func(e reflect.Value) bool {
				to = c.resolve(e)
				return to == nil
			})
			if !slices.Contains(led, to) {
				led = append(led, to)
			}
		}
	})
	if c.wantsNone(t, home) {
		led = append(led, nil)
	}
	switch {
	case len(led) == 0:
		return list[:1]
	case len(led) == 1 && slices.Contains(list, led[0]):
		return led
	}
	return nil
}

// ledToBelow reports that a row of a scope below has a link tag to a type that these scopes do not make themselves.
func (c *Context) ledToBelow(t *table, h *plan.Type, depth int) bool {
	found := false
	c.linksBelow(t, h, depth, func(*row, *plan.Type, []tag, *tag) { found = true })
	return found
}

// linksBelow calls f for every link tag to a type in the scopes below one, with its row, the resource that bears it, and all of
// the resource's tags.
func (c *Context) linksBelow(t *table, h *plan.Type, depth int, f func(r *row, res *plan.Type, tags []tag, g *tag)) {
	if depth == maxDepth {
		return
	}
	for _, r := range t.back {
		if r.Kind != MapRow || r.Direction == Forward || r.dst.end != nil || r.sub == nil || !c.ready(r.sub) {
			continue
		}
		below := r.sub
		if !slices.Contains(below.homes, h) {
			for _, q := range below.back {
				if q.Kind != MapRow || q.Direction == Forward {
					continue
				}
				for _, part := range []struct {
					res  *plan.Type
					tags []tag
				}{{q.dst.base, q.dst.tags}, {q.dst.arrow, q.dst.arrowed}} {
					for k := range part.tags {
						if g := &part.tags[k]; g.link == h && g.op == tagIs {
							f(q, part.res, part.tags, g)
						}
					}
				}
			}
			c.linksBelow(below, h, depth+1, f)
		}
	}
}

// wantsNone reports that a row of a scope could write a resource if the scope had no visit: it stands with no such segment.
func (c *Context) wantsNone(t *table, home int) bool {
	made := func(p tree.Path) bool {
		return slices.ContainsFunc(t.back, func(r *row) bool {
			return r.Kind == MapRow && r.dst.base == t.homes[home] && len(r.dst.steps) == 0 && len(r.path) == len(p) && r.path[len(p)-1].Name == p[len(p)-1].Name
		})
	}
	for _, r := range t.back {
		if r.Kind != MapRow || r.Direction == Forward || !r.Each || r.dst.base == nil || len(r.dst.steps) > 0 {
			continue
		}
		if !slices.ContainsFunc(r.with, func(q tree.Test) bool { return q.Op == tree.Missing && len(q.Path) > 0 && made(q.Path) }) {
			continue
		}
		for _, u := range c.ofType(r.dst.base) {
			if !u.placed && u.inside == nil && !c.isRefused(u.v) && c.linked(u, r.dst.tags) {
				return true
			}
		}
	}
	return false
}

// ofType are the record's resources of a type, for those who go over all of them.
func (c *Context) ofType(ti *plan.Type) []*Resource {
	list := c.rec.ofType(ti)
	c.steps += len(list)
	return list
}

// anchors are the resources that could each make an instance of a scope, in the record's order.
func (c *Context) anchors(t *table, a *row) (list []*Resource) {
	if a.dst.arrow != nil && !t.makes(a.dst.base) && c.frame != nil {
		if owner := c.frame.lookup(a.dst.base); owner != nil {
			seen := map[*Resource]bool{}
			c.within = owner
			c.all(owner.v, a.dst.steps, func(ref reflect.Value) bool {
				if to := c.resolve(ref); to != nil && to.info == a.dst.arrow && !seen[to] {
					seen[to] = true
					list = append(list, to)
				}
				return true
			})
			return list
		}
	}
	around := c.frame.lacking(a.dst.base)
	if a.dst.arrow != nil && around != nil && around.t.anchor.dst.arrow != nil && !around.t.makes(a.dst.base) {
		return nil // what leads there belongs to what the scope around has not
	}
	for _, res := range c.candidates(a.dst.base, a.dst.tags) {
		if around != nil && a.dst.arrow != nil && !c.linked(res, around.t.anchor.dst.tags) {
			continue // the scope around could not have it
		}
		if c.awaits(c.frame, res, a.dst.tags) {
			continue
		}
		if res.inside != nil && !slices.Contains(t.homes, res.inside.info) {
			continue // it is a part of something else, and nothing without that
		}
		if !c.isRefused(res.v) && c.linked(res, a.dst.tags) {
			list = append(list, res)
		}
	}
	return list
}

// lacking is the frame around that would have a resource of a type for its anchor, and is one without.
func (f *frame) lacking(typ *plan.Type) *frame {
	for ; f != nil; f = f.up {
		if a := f.t.anchor; a != nil && f.own(typ) == nil {
			home := a.dst.base
			if a.dst.arrow != nil && !f.t.makes(home) {
				home = a.dst.arrow
			}
			if home == typ {
				return f
			}
		}
	}
	return nil
}

// awaits reports that a link leads to what a scope around would have for its anchor, and has not: it waits for the instance that has it.
func (c *Context) awaits(from *frame, res *Resource, tags []tag) (waits bool) {
	for i := range tags {
		g := &tags[i]
		if waits || g.link == nil || g.op != tagIs || c.frame.lookup(g.link) != nil || from.lacking(g.link) == nil {
			continue
		}
		c.within = res
		c.all(res.v, g.path, func(e reflect.Value) bool {
			to := c.resolve(e)
			waits = to != nil && to.info == g.link
			return !waits
		})
	}
	return waits
}

// writeInstance writes one instance of a scope; again tells those of one anchor apart, and only what stands below makes one of
// them.
func (c *Context) writeInstance(t *table, n tree.Node, r *row, anchor *Resource, again *visits) bool {
	at := c.begin()
	up := c.frame
	f := c.push(t)
	if anchor != nil {
		for i, h := range t.homes {
			if h == anchor.info {
				f.res[i] = anchor
			}
		}
		if t.anchor.dst.arrow == nil {
			c.setPlaced(anchor)
		}
	}
	ok, outer := true, n
	if again != nil && again.visit != nil {
		c.frame.res[again.home] = nil
		if ok = c.linked(again.visit, t.joins[again.home].tags); ok {
			f.res[again.home] = again.visit
			c.setPlaced(again.visit)
		}
	}
	if ok {
		c.join(t, f, again)
		c.found++ // an instance of a scope below that one
		found := c.found
		if r != nil && len(r.path) > 0 {
			n = c.Doc.Make(n, r.path, r.Each)
			if r.turn != nil && r.turn.group != "" {
				c.anchored(n, anchor)
			}
		}
		ok = c.writeTable(t, reflect.Value{}, n, f.in)
		ok = ok && (again == nil || c.found > found)
		if !ok {
			c.found = found - 1
		}
	}
	if ok && r != nil {
		ok = c.stampWith(r, outer)
	}
	c.frame = up
	if ok {
		up.include(r, f)
	}
	return c.end(at, ok)
}

// join finds the other resources of an instance: those that lead to one of its own or that one of them leads to. Where no
// anchor is, the first that is not placed yet begins.
func (c *Context) join(t *table, f *frame, again *visits) {
	for range t.homes { // links may chain
		for j := range t.homes {
			if f.res[j] != nil || !t.joins[j].single || again != nil && j == again.home {
				continue
			}
			tied, list := c.tied(t, f, j)
			if !tied {
				list = c.candidates(t.homes[j], t.joins[j].tags)
			}
			joins := func(u *Resource) bool {
				c.steps++
				return !u.placed && u.inside == nil && !c.isRefused(u.v) && c.linked(u, t.joins[j].tags) && !c.awaits(f.up, u, t.joins[j].tags)
			}
			if i := slices.IndexFunc(list, joins); i >= 0 {
				if list = list[i:]; len(list) > 1 && j == c.visitHome(t) {
					rest := slices.DeleteFunc(slices.Clone(list), func(u *Resource) bool { return !joins(u) })
					if len(rest) > 1 {
						if list = c.oneVisit(t, j, rest); len(list) == 0 {
							continue
						}
					}
				}
				f.res[j] = list[0]
				c.setPlaced(list[0])
			}
		}
	}
}

// tied are the resources of home j that a link ties to the resources which an instance has already, in the record's order,
// and whether the scope knows such links at all.
func (c *Context) tied(t *table, f *frame, j int) (tied bool, all []*Resource) {
	for i, other := range f.res {
		if other == nil || i == j {
			continue
		}
		for k := range t.joins[j].tags { // from there to here
			if g := &t.joins[j].tags[k]; g.link == other.info && g.op == tagIs {
				tied = true
				all = append(all, c.leadingTo(g, t.homes[j])[other]...)
			}
		}
		for k := range t.joins[i].tags { // from here to there
			if g := &t.joins[i].tags[k]; g.link == t.homes[j] && g.op == tagIs {
				tied = true
				c.within = other
				c.all(other.v, g.path, func(e reflect.Value) bool {
					if to := c.resolve(e); to != nil && to.info == t.homes[j] {
						all = append(all, to)
					}
					return true
				})
			}
		}
	}
	if len(all) > 1 {
		slices.SortFunc(all, func(a, b *Resource) int { return a.nth - b.nth })
	}
	return tied, all
}

// leadingTo are the resources of a type by where a link tag's reference leads; by nil those that have none.
func (c *Context) leadingTo(g *tag, home *plan.Type) map[*Resource][]*Resource {
	if by := c.leading[g]; by != nil {
		return by
	}
	by := map[*Resource][]*Resource{}
	for _, u := range c.ofType(home) {
		none := true
		c.within = u
		c.all(u.v, g.path, func(e reflect.Value) bool {
			none = false
			to := c.resolve(e)
			if list := by[to]; to != nil && (len(list) == 0 || list[len(list)-1] != u) {
				by[to] = append(list, u)
			}
			return true
		})
		if none {
			by[nil] = append(by[nil], u)
		}
	}
	if c.leading == nil {
		c.leading = map[*tag]map[*Resource][]*Resource{}
	}
	c.leading[g] = by
	return by
}

// having are the resources of a type that have what a tag asks to be there. A message of 5,000 orders without a specimen went over all its
// results for each order, to find the one that is about a specimen.
func (c *Context) having(g *tag, home *plan.Type) []*Resource {
	list, known := c.holders[g]
	if !known {
		for _, u := range c.ofType(home) {
			c.within = u
			if c.get(u.v, g.path).IsValid() {
				list = append(list, u)
			}
		}
		if c.holders == nil {
			c.holders = map[*tag][]*Resource{}
		}
		c.holders[g] = list
	}
	return list
}

// plainPath reports steps that lead to the same place wherever they are taken: without tags, which may be links.
func plainPath(path []step) bool {
	return !slices.ContainsFunc(path, func(s step) bool { return len(s.tags) > 0 })
}

// candidates are resources of a type, in the record's order: all that linked may find, and as few more as can be.
func (c *Context) candidates(home *plan.Type, tags []tag) []*Resource {
	best := c.rec.byType[home].unplaced()
	for i := range tags {
		g := &tags[i]
		if len(best) < longList {
			break
		}
		if g.op == tagThere {
			if plainPath(g.path) {
				if having := c.having(g, home); len(having) < len(best) {
					best = having
				}
			}
			continue
		}
		if g.link == nil || g.op != tagIs {
			continue
		}
		to := c.frame.lookup(g.link)
		if to == nil {
			continue
		}
		by := c.leadingTo(g, home)
		switch lead, none := by[to], by[nil]; {
		case len(lead)+len(none) >= len(best):
		case len(none) == 0:
			best = lead
		case len(lead) == 0:
			best = none
		default:
			best = slices.Concat(lead, none)
			c.steps += len(best)
			slices.SortFunc(best, func(a, b *Resource) int { return a.nth - b.nth })
		}
	}
	return best
}

// ledTo reports that a scope has resources of a type from a reference of its own or an outer one alone: such a resource is
// never found by chance.
func (t *table) ledTo(home *plan.Type) bool {
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.Kind == MapRow && r.Direction != Forward && r.dst.arrow == home {
				return !t.makes(home)
			}
		}
	}
	return false
}

// homeTags are the tags with which a scope names a resource, and whether it makes one of them whole or in parts.
func (t *table) homeTags(home *plan.Type) (tags []tag, single bool) {
	for _, chain := range t.chains {
		for _, r := range chain {
			if r.Kind != MapRow || r.Direction == Forward || r.dst.base != home {
				continue
			}
			if r.Each && r.dst.grow < 0 && r.dst.arrow == nil {
				continue
			}
			single = true
			if tags == nil {
				tags = r.dst.tags
			}
		}
	}
	return tags, single && (t.makes(home) || t.anchor != nil && t.anchor.dst.base == home && t.anchor.dst.arrow == nil || !t.usesOuter(home))
}

// usesOuter is for resources that a scope only adds to.
func (t *table) usesOuter(home *plan.Type) bool {
	return !t.makes(home) && len(t.homes) > 0 && t.homes[0] == home
}

// linked reports that a resource's links lead to the resources of the scopes around, where they lead anywhere, and that its
// other tags hold.
func (c *Context) linked(res *Resource, tags []tag) bool {
	c.within = res
	return c.match(res.v, tags)
}

// belongs reports that a resource has no link to something that is not in this scope at all: it waits for the scope that has it.
func (c *Context) belongs(res *Resource, tags []tag) bool {
	for i := range tags {
		g := &tags[i]
		if g.link == nil || g.op != tagIs || c.frame.lookup(g.link) != nil {
			continue
		}
		elsewhere := false
		c.all(res.v, g.path, func(e reflect.Value) bool {
			elsewhere = c.resolve(e) != nil
			return !elsewhere
		})
		if elsewhere {
			return false
		}
	}
	return true
}
