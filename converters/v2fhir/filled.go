package v2fhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file tells what a message that is made of FHIR born elsewhere holds beyond the record (laws 1 and 3: what is made up can be told
// from what was carried), and when there is no message to be made.

// saidLeaves are the leaves of a message that say what the record says: all that rows have written but their constants.
func saidLeaves(d *tree.Doc) map[tree.Node]bool {
	said := map[tree.Node]bool{}
	d.Leaves(func(n tree.Node, _ tree.State, why string) {
		// A sign between two numbers, as in SN-3, is how the message writes what the record says.
		if why != mapping.ConstantLeaf || strings.Trim(d.Text(n), "-:/") == "" {
			said[n] = true
		}
	})
	return said
}

// filledIn are the places of a message that the record has not said. What the user asked for (the type of the message, its version) is not
// made up.
func (w *writer) filledIn(d *tree.Doc, structure string, said map[tree.Node]bool) []string {
	places := addedPlaces(d, structure, said)
	if w.o.Message != "" {
		places = slices.DeleteFunc(places, func(p string) bool { return p == "MSH-9" })
	}
	if w.o.Version != "" {
		places = slices.DeleteFunc(places, func(p string) bool { return p == "MSH-12" })
	}
	return places
}

// leftOut is the finding that counts the resources of a record that stand in none of its messages, by type, nil if there are none. Those that
// only lead to others, or say how a document is arranged, are not missed.
func leftOut(rec *mapping.Record) *diag.Finding {
	count := map[string]int{}
	for _, r := range rec.Resources {
		if !r.Inside() && !slices.Contains(notMissed, r.Type()) && !rec.Written(r) {
			count[r.Type()]++
		}
	}
	if len(count) == 0 {
		return nil
	}
	return diag.New(LeftOut, diag.Place{}, "HL7 v2 has no place for it in these messages, and it is left out: %s", diag.Counts(count))
}

// notMissed are the types that say nothing of a patient by themselves.
var notMissed = []string{"Composition", "Provenance", "MessageHeader", "Bundle", "OperationOutcome", "Practitioner", "PractitionerRole", "Organization", "Location",
	"HealthcareService", "Endpoint", "Device", "Binary", "Medication", "Substance", "Schedule", "Slot"}

// addedPlaces are the places of the leaves that are not among those that were said, in the order of the message. A field of which
// nothing was said is one place, and one that was added to each segment of its name is NK1[*]-1.
func addedPlaces(d *tree.Doc, structure string, said map[tree.Node]bool) (places []string) {
	type field struct {
		segment, name string
		number        int
		places        []string
	}
	var fields []*field
	byName := map[string]*field{}
	count := map[string]int{} // segments, by name
	var walk func(n tree.Node)
	walk = func(n tree.Node) {
		for k := d.First(n); k != 0; k = d.Next(k) {
			segment := d.Name(k)
			if len(segment) != 3 || schema.SegmentIn(segment, "") == nil {
				walk(k) // a group
				continue
			}
			if d.Empty(k) {
				continue
			}
			count[segment]++
			for f := d.First(k); f != 0; f = d.Next(f) {
				var added []string
				whole := true
				d.LeavesBelow(f, func(n tree.Node, _ tree.State, _ string) {
					if said[n] {
						whole = false
					} else {
						added = append(added, d.PlaceOf(n))
					}
				})
				if len(added) == 0 {
					continue
				}
				if whole {
					added = []string{d.PlaceOf(f)}
				}
				name := segment + "[*]-" + d.Name(f)
				x := byName[name]
				if x == nil {
					number, _ := strconv.Atoi(d.Name(f)) // a field's name is its number
					x = &field{segment: segment, name: name, number: number}
					byName[name] = x
					fields = append(fields, x)
				}
				x.places = append(x.places, added...)
			}
		}
	}
	walk(tree.Root)
	order := segmentOrder(schema.Structure(structure), nil)
	slices.SortStableFunc(fields, func(a, b *field) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.segment), slices.Index(order, b.segment)), cmp.Compare(a.number, b.number))
	})
	for _, f := range fields {
		if n := len(f.places); n > 1 && n == count[f.segment] {
			places = append(places, f.name)
		} else {
			places = append(places, slices.Compact(f.places)...) // in groups of their own each is the first of its name
		}
	}
	return places
}

// segmentOrder adds the segments of a structure, or of a group of it, to a list in their order.
func segmentOrder(part *schema.Part, list []string) []string {
	if part == nil {
		return list
	}
	if part.IsSegment() {
		return append(list, part.Name)
	}
	for _, p := range part.Parts {
		list = segmentOrder(p, list)
	}
	return list
}

// subjects are what a message must hold, a group or a segment, to be one of its type: what it tells of.
var subjects = map[string]string{"SIU": "SCH", "MDM": "TXA", "ORM": "ORDER", "OML": "ORDER", "OMG": "ORDER", "OMP": "ORDER", "RDE": "ORDER",
	"RDS": "ORDER", "RAS": "ORDER", "RGV": "ORDER", "OMI": "ORDER", "OMS": "ORDER", "OMN": "ORDER", "OMD": "ORDER", "OMB": "ORDER", "BPS": "ORDER", "BTS": "ORDER",
	"SRM": "ARQ", "DFT": "FINANCIAL", "PPR": "PROBLEM", "PGL": "GOAL", "ORU": "ORDER_OBSERVATION", "OUL": "ORDER"}

// demanded are segments that nobody can fill in and that are what a message tells of where its structure demands them: the number that was (MRG), the
// state of a bed (NPU), a clinical pathway (PTH).
var demanded = []string{"MRG", "NPU", "PTH"}

// lacksSubject reports a message without what a message of its type, or of its structure, tells of: also the second of two patients.
func lacksSubject(d *tree.Doc, typ string, structure *schema.Part) bool {
	if name := subjects[typ]; name != "" && !holds(d, tree.Root, name) {
		return true
	}
	if structure == nil {
		return false
	}
	patients, there := 0, 0
	for _, p := range structure.Parts {
		if p.Name == "PID" {
			patients++
		}
	}
	hl7v2.Segments(d, tree.Root, func(n tree.Node) bool {
		if d.Name(n) == "PID" {
			there++
		}
		return true
	})
	return patients == 2 && there == 1 || slices.ContainsFunc(demanded, func(name string) bool {
		return demandsWithin(structure, name) && !holds(d, tree.Root, name)
	})
}

// holds reports a group or segment with a name that is not empty, at any depth.
func holds(d *tree.Doc, n tree.Node, name string) bool {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) == name && !d.Empty(k) || holds(d, k, name) {
			return true
		}
	}
	return false
}

// lacksPerson reports a message, or a group of it, without the PID that the structure demands there.
func lacksPerson(d *tree.Doc, n tree.Node, part *schema.Part) bool {
	if part == nil {
		return false
	}
	for _, p := range part.Parts {
		if p.Name == "PID" && p.Min > 0 {
			if pid := d.Child(n, "PID"); pid == 0 || d.Empty(pid) {
				return true
			}
		}
		if p.IsSegment() || p.Choice {
			continue
		}
		there := false
		for k := d.First(n); k != 0; k = d.Next(k) {
			if d.Name(k) == p.Name && !d.Empty(k) {
				there = true
				if lacksPerson(d, k, p) {
					return true
				}
			}
		}
		if !there && p.Min > 0 && demandsWithin(p, "PID") {
			return true
		}
	}
	return false
}

// demands reports that a structure or a group must have a segment of its own. No structure (nil) demands nothing.
func demands(group *schema.Part, name string) bool {
	return group != nil && slices.ContainsFunc(group.Parts, func(p *schema.Part) bool { return p.Min > 0 && p.Name == name })
}

// demandsWithin is demands, also of a group that it must have.
func demandsWithin(group *schema.Part, name string) bool {
	return demands(group, name) || slices.ContainsFunc(group.Parts, func(p *schema.Part) bool {
		return p.Min > 0 && !p.IsSegment() && !p.Choice && demandsWithin(p, name)
	})
}
