package v2fhir

import (
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
	s := numbering{d, version, map[setIDKey]int{}}
	s.below(tree.Root, root, tree.Root)
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
	if def == nil || len(def.Fields) == 0 || def.Fields[0].Datatype != "SI" || s.d.Empty(k) {
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
