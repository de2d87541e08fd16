package v2fhir

import (
	"slices"
	"strconv"

	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/tree"
)

// setIDs numbers the segments that have a set id (OBX-1, NK1-1, AL1-1), which FHIR has none of: HL7 v2 wants it in many of them,
// and it says no more than the order. It counts where the segment, or the group that holds it once, repeats: OBX within an order,
// orders within a patient, patients within the message.
func setIDs(d *tree.Doc, structure, version string) {
	root := schema.Structure(structure)
	if root == nil {
		return
	}
	addHeads(d, tree.Root, root)
	s := numbering{d, version, map[setIDKey]int{}}
	s.below(tree.Root, root, tree.Root)
}

// heads are segments that may say nothing but that they are there, and without which what follows them would be read as of what stands before:
// with what may follow.
var heads = map[string][]string{"PID": {"NTE", "PRT"}, "SPM": {"NTE", "PRT"}, "OBR": {"NTE", "PRT", "OBSERVATION"}}

// addHeads gives a group with notes, participants or observations the segment that heads it, where the record had nothing to say in it. It is
// numbered 1.
func addHeads(d *tree.Doc, n tree.Node, group *schema.Part) {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if p := group.Child(d.Name(k)); p != nil && !p.IsSegment() {
			addHeads(d, k, p)
		}
	}
	at := slices.IndexFunc(group.Parts, func(p *schema.Part) bool { return p.Min > 0 }) // ORC may stand before OBR
	if at < 0 || heads[group.Parts[at].Name] == nil {
		return
	}
	name := group.Parts[at].Name
	head := d.Child(n, name)
	if head != 0 && !d.Empty(head) {
		return
	}
	for _, follower := range heads[name] {
		if k := d.Child(n, follower); k != 0 && !d.Empty(k) {
			if head == 0 {
				head = d.Add(n, name, "")
			}
			d.SetText(d.Leaf(d.Add(head, "1", "")), "1")
			return
		}
	}
}

type numbering struct {
	d       *tree.Doc
	version string
	counts  map[setIDKey]int
}

type setIDKey struct {
	at      tree.Node
	segment string
}

// below numbers what stands below n, a group or the message, whose segments that stand in it once are counted at at.
func (s *numbering) below(n tree.Node, group *schema.Part, at tree.Node) {
	parts := map[string]*schema.Part{}
	for _, p := range group.Parts {
		if p.Choice {
			for _, c := range p.Parts {
				parts[c.Name] = c
			}
			continue
		}
		parts[p.Name] = p
	}
	for k := s.d.First(n); k != 0; k = s.d.Next(k) {
		p := parts[s.d.Name(k)]
		switch {
		case p == nil:
		case !p.IsSegment():
			if p.Max == 0 {
				s.below(k, p, n)
			} else {
				s.below(k, p, at)
			}
		case p.Max == 0:
			s.number(k, p.Name, n)
		default:
			s.number(k, p.Name, at)
		}
	}
}

func (s *numbering) number(k tree.Node, segment string, at tree.Node) {
	def := schema.SegmentIn(segment, s.version)
	if def == nil || len(def.Fields) == 0 || def.Fields[0].Datatype != "SI" || s.d.Empty(k) || s.bare(k, segment) {
		return
	}
	key := setIDKey{at, segment}
	s.counts[key]++
	id := s.d.Child(k, "1")
	if id == 0 {
		id = s.d.Add(k, "1", "")
	}
	if s.d.Empty(id) {
		s.d.SetText(s.d.Leaf(id), strconv.Itoa(s.counts[key]))
	}
}

// bare reports a note without text, or an observation of nothing: there the number is what the segment says (nte.map, obx.map), and is
// not made up.
func (s *numbering) bare(k tree.Node, segment string) bool {
	switch segment {
	case "NTE":
		return s.lacks(k, "3")
	case "OBX":
		return s.lacks(k, "2") && s.lacks(k, "3") && s.lacks(k, "5") && s.lacks(k, "11")
	}
	return false
}

func (s *numbering) lacks(k tree.Node, field string) bool {
	f := s.d.Child(k, field)
	return f == 0 || s.d.Empty(f)
}
