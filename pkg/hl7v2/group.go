package hl7v2

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/tree"
)

// How a segment finds its group. The groups that are open form a stack, from the message to the innermost; each knows how
// far it has got in its structure. From the innermost outwards a segment is
//
//  1. put where the structure has it next: in the group itself, or in a group that it may begin, further on or repeated; with a finding
//     where it must be there and comes behind others of its group (the OBR behind its ORC, where that should follow it);
//  2. put into an open group that has it, though earlier or once only, with a finding; a segment that heads its group
//     begins the group again, and where that stands once in a group that repeats, it begins this (a second OBR without an ORC
//     is the next order). Notes, participations, roles and variances go back in the innermost group alone;
//  3. made the beginning of a group that should begin with another, with a finding. Notes, participations, roles and
//     variances are not: they say something of what stands before them;
//  4. kept in the innermost group, with a finding unless it is a Z segment.
//
// A segment never goes back into a group that is closed, so the order of the segments is that of the message.

// A plan is a structure as grouping needs it.
type plan struct {
	name    string
	repeats bool
	items   []item
	head    int      // the first item that must be there
	first   []string // the segments that may begin it
	all     []string // the segments that it holds at any depth
}

// An item is a segment, a choice of segments, or a group.
type item struct {
	segments []string
	repeats  bool
	optional bool
	group    *plan
}

func (it *item) starts(name string) bool {
	if it.group != nil {
		return slices.Contains(it.group.first, name)
	}
	return slices.Contains(it.segments, name)
}

func (it *item) holds(name string) bool {
	if it.group != nil {
		return slices.Contains(it.group.all, name)
	}
	return slices.Contains(it.segments, name)
}

var plans sync.Map // structure id -> *plan

func planOf(id string) *plan {
	if p, ok := plans.Load(id); ok {
		return p.(*plan)
	}
	part := schema.Structure(id)
	if part == nil {
		return nil
	}
	p := newPlan(part)
	plans.Store(id, p)
	return p
}

func newPlan(part *schema.Part) *plan {
	p := &plan{name: part.Name, repeats: part.Max == 0}
	begun := false
	for _, k := range part.Parts {
		it := item{repeats: k.Max == 0, optional: k.Min == 0}
		var first, all []string
		switch {
		case k.IsSegment():
			it.segments = []string{k.Name}
			first, all = it.segments, it.segments
		case k.Choice:
			for _, c := range k.Parts {
				it.segments = append(it.segments, c.Name)
			}
			first, all = it.segments, it.segments
		default:
			it.group = newPlan(k)
			first, all = it.group.first, it.group.all
			it.optional = it.optional || it.group.empty()
		}
		if !begun {
			p.first = append(p.first, first...)
			if begun = !it.optional; begun {
				p.head = len(p.items)
			}
		}
		if p.name == "PRIOR_RESULT" && k.Name == "ORDER_PRIOR" {
			// QUIRK: in the standard a prior result may lack its patient, visit and allergies, so that the ORC of the next order
			// would begin it. Senders put several orders into a message far more often than such a result.
			p.first = p.first[:len(p.first)-len(first)]
		}
		p.all = append(p.all, all...)
		p.items = append(p.items, it)
	}
	return p
}

// lacks reports the segment, or the beginning of the group, for want of which a group is headless: its first, or the first that it must
// have.
func (p *plan) lacks(name string) bool {
	head := &p.items[p.head]
	return p.items[0].starts(name) || head.group == nil && head.starts(name)
}

// empty reports whether nothing in the group must be there.
func (p *plan) empty() bool {
	for i := range p.items {
		if !p.items[i].optional {
			return false
		}
	}
	return true
}

// follower is a segment that speaks of what stands before it.
func follower(name string) bool {
	return name == "NTE" || name == "PRT" || name == "ROL" || name == "VAR" || name == "ARV" || name == "CTD"
}

// An open group.
type open struct {
	plan     *plan
	node     tree.Node
	item     int  // which of the group above it is
	at       int  // the item of its last part, -1 if it has none
	headless bool // it was begun by another segment than the one that should
	skipped  bool // what stands behind its head is there, and the head is not yet
}

// Group arranges the segments of the message below the groups of its structure, which it returns: the one that MSH-9.3
// names, else the one that goes with the type and the trigger event. If none is known the segments stay as they are, with a
// finding, and the result is empty.
func (m *Message) Group() string {
	id, ok := m.structureID()
	if !ok {
		m.Structure = ""
		return ""
	}
	m.arrange(id)
	return id
}

// GroupAs arranges the segments below the groups of the structure that is named, whatever the message says of itself. The segments
// must stand as they were parsed.
func (m *Message) GroupAs(id string) { m.arrange(id) }

// Displaced are the segments that AppendMessage would write in another order among those of their name than the message has them in:
// what stands where the structure does not have it comes back where it has it.
func (m *Message) Displaced() (list []tree.Node) {
	printed := map[string][]tree.Node{}
	printOrderAs(m.Doc, m.Structure, func(n tree.Node) {
		name := m.Name(n)
		printed[name] = append(printed[name], n)
	})
	for _, nodes := range printed {
		if slices.IsSortedFunc(nodes, m.before) {
			continue
		}
		for i, n := range slices.SortedFunc(slices.Values(nodes), m.before) {
			if n != nodes[i] {
				list = append(list, n)
			}
		}
	}
	return list
}

// before compares segments by where they stand in the message.
func (m *Message) before(a, b tree.Node) int { return cmp.Compare(m.Offset(a), m.Offset(b)) }

func (m *Message) arrange(id string) {
	m.Structure = id
	g := grouping{m: m, open: append(make([]open, 0, 8), open{plan: planOf(id), node: tree.Root, at: -1})}
	d := m.Doc
	n := 0
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		n++
	}
	// The segments are taken from the front of the root one by one; what stays in the root goes to its end.
	for range n {
		k := d.First(tree.Root)
		d.Move(k, g.seat(k))
	}
}

func (m *Message) structureID() (string, bool) {
	msh := m.First(tree.Root)
	report := func(what string) {
		m.find("CP-V2-021", m.Offset(msh), "%s", what).Place.Path = "MSH-9.3"
	}
	byEvent, known := schema.StructureOf(m.Type, m.Event)
	named := strings.TrimSpace(m.Structure)
	if named != "" {
		if p := schema.Structure(named); p != nil {
			switch {
			case !known && m.Type != "" && !strings.HasPrefix(named, m.Type):
				report("MSH-9.3 names the structure of another message type, which is used")
			case known && p.Name != byEvent:
				report("MSH-9.3 names a structure that does not go with the message type and event; it is used")
			case p.Name != named:
				report("MSH-9.3 names " + named + ", which has the structure " + p.Name)
			}
			return p.Name, true
		}
		if known {
			report("MSH-9.3 names no structure that is known; that of the message type and event is used")
		}
	}
	if !known && m.Type != "" {
		m.find("CP-V2-020", m.Offset(msh), "").Place.Path = "MSH-9"
	}
	return byEvent, known
}

type grouping struct {
	m    *Message
	open []open
}

func (g *grouping) report(id diag.ID, n tree.Node) {
	m := g.m
	f := m.find(id, m.Offset(n), "")
	f.Place.Path = m.PlaceOf(n)
}

// seat finds the parent of a segment, making the groups that it needs.
func (g *grouping) seat(n tree.Node) tree.Node {
	name := g.m.Name(n)
	inner := g.open[len(g.open)-1].node
	if name[0] == 'Z' || name == StrayName {
		return inner
	}
	if i := g.ofOBR(n); i >= 0 {
		g.report("CP-V2-024", n)
		return g.put(len(g.open)-1, i, name)
	}
	for l := len(g.open) - 1; l >= 0; l-- {
		o := &g.open[l]
		if o.headless && o.plan.lacks(name) && !g.headsFirst(l, name) {
			o.headless = false
			g.open = g.open[:l+1]
			g.report("CP-V2-024", n)
			return o.node
		}
		if o.skipped && o.plan.items[o.plan.head].starts(name) && !g.headsFirst(l, name) {
			g.report("CP-V2-024", n)
			return g.put(l, o.plan.head, name)
		}
		if i := o.next(name, g.document(n)); i >= 0 {
			return g.put(l, i, name)
		}
	}
	for l := len(g.open) - 1; l >= 0; l-- {
		o := &g.open[l]
		if l > 0 && o.plan.items[0].group == nil && o.plan.items[0].starts(name) {
			g.report("CP-V2-024", n) // the group begins again, though it should not
			if up := &g.open[l-1]; l > 1 && up.item < len(g.open[l-2].plan.items) && up.at == o.item && !up.plan.items[o.item].repeats && up.plan.repeats {
				return g.put(l-2, up.item, name)
			}
			return g.put(l-1, o.item, name)
		}
		if follower(name) && l < len(g.open)-1 {
			continue
		}
		for i := range o.plan.items {
			if name == "NTE" && o.plan.items[i].group != nil {
				continue // a note that is out of its place is not one of a patient further up
			}
			if it := &o.plan.items[i]; i <= o.at && it.starts(name) {
				g.report("CP-V2-024", n)
				if l > 0 && it.group == nil && !it.optional && !it.repeats && o.plan.repeats && g.m.Child(o.node, name) != 0 {
					return g.put(l-1, o.item, name) // the second of what a group has once is in the next group: ORC RXE RXE
				}
				return g.put(l, i, name)
			}
		}
	}
	if !follower(name) {
		for l := len(g.open) - 1; l >= 0; l-- {
			o := &g.open[l]
			for i := o.at + 1; i < len(o.plan.items); i++ {
				if o.plan.items[i].holds(name) {
					g.report("CP-V2-025", n)
					return g.put(l, i, name)
				}
			}
		}
	}
	g.report("CP-V2-023", n)
	return inner
}

// headsFirst reports that the group before the open one at level l, of the same kind, begins with the segment: the sender puts it first, and it
// begins the next group. ORC OBR OBR ORC OBR are three orders, of which the second has no ORC, and not that of the third.
func (g *grouping) headsFirst(l int, name string) bool {
	if l == 0 {
		return false
	}
	d, before := g.m.Doc, tree.Node(0)
	for k := d.First(g.open[l-1].node); k != 0 && k != g.open[l].node; k = d.Next(k) {
		if d.Name(k) == g.open[l].plan.name {
			before = k
		}
	}
	return before != 0 && d.Name(d.First(before)) == name
}

// ofOBR is the item of the innermost group for an ORC that follows its OBR, -1 for any other segment: analysers send OBR ORC OBX, where the
// structure has ORC OBR OBX. It is not that of the next order, for no OBR comes behind it.
func (g *grouping) ofOBR(n tree.Node) int {
	d := g.m.Doc
	o := &g.open[len(g.open)-1]
	if d.Name(n) != "ORC" || o.at < 0 || !o.plan.items[o.at].starts("OBR") {
		return -1
	}
	if k := d.Next(n); k == 0 || d.Name(k) == "OBR" {
		return -1
	}
	last := d.First(o.node)
	for d.Next(last) != 0 {
		last = d.Next(last)
	}
	i := slices.IndexFunc(o.plan.items[:o.at], func(it item) bool { return it.starts("ORC") })
	if d.Name(last) != "OBR" || i >= 0 && d.Child(o.node, o.plan.items[i].name()) != 0 {
		return -1
	}
	return i
}

// name is that of the node that the item makes.
func (it *item) name() string {
	if it.group != nil {
		return it.group.name
	}
	return it.segments[0]
}

// document reports an OBX that may be the document of an order, before its TXA or its OBR. Behind an ORC that has no OBR it is a result.
func (g *grouping) document(n tree.Node) bool {
	d := g.m.Doc
	if d.Name(n) != "OBX" {
		return false
	}
	for _, o := range g.open {
		if o.plan.name == "ORDER_OBSERVATION" && d.Child(o.node, "OBR") != 0 {
			return false
		}
	}
	k := d.Next(n)
	for k != 0 && d.Name(k) == "PRT" {
		k = d.Next(k)
	}
	return k != 0 && (d.Name(k) == "TXA" || d.Name(k) == "OBR")
}

// next is the item that takes the segment by the grammar, -1 if there is none. document says that it may be the document of an order.
func (o *open) next(name string, document bool) int {
	for i := max(o.at, 0); i < len(o.plan.items); i++ {
		it := &o.plan.items[i]
		if (i > o.at || it.repeats) && it.starts(name) && (document || it.group == nil || it.group.name != "ORDER_DOCUMENT") {
			return i
		}
	}
	return -1
}

// put closes what is above level l, steps to item i there, and opens the groups down to the segment.
func (g *grouping) put(l, i int, name string) tree.Node {
	g.open = g.open[:l+1]
	for {
		o := &g.open[len(g.open)-1]
		it := &o.plan.items[i]
		// A segment that must be there may come behind others of its group (SPM ORC OBR, in a group of SPM OBR ORC), but not behind what was
		// observed: that is the group of nobody, and what comes next is the next one.
		o.skipped = (o.skipped || o.at < o.plan.head) && i > o.plan.head && o.plan.items[o.plan.head].group == nil && !it.holds("OBX")
		o.at = max(o.at, i)
		if it.group == nil {
			return o.node
		}
		next := open{plan: it.group, node: g.m.Add(o.node, it.group.name, ""), item: i, at: -1, headless: !it.starts(name)}
		g.open = append(g.open, next)
		i = 0
		for pass := 0; pass < 2; pass++ { // by what may begin it, else by what is in it
			for i = 0; i < len(it.group.items); i++ {
				if k := &it.group.items[i]; pass == 0 && k.starts(name) || pass == 1 && k.holds(name) {
					pass = 2
					break
				}
			}
		}
	}
}
