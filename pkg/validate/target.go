package validate

import (
	"reflect"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// What profiles demand of the resources that references lead to: a type, and often a profile of that type. What a reference leads to
// in the same bundle may stand before or behind it, and is decoded elsewhere, so each entry notes which of the profiles that
// anything may ask for its resource meets (entryNote.met), and the bundle looks that up. A profile that was applied to the
// resource counts as met: its faults are told there, and need not be told again of every reference.

// want is what a profile demands of a reference.
type want struct {
	use int32 // which one of entryNote.refs
	n   *node
	of  *profile
}

// maxTargets is how many profiles of one type of resource references may ask for; further ones are not looked at.
const maxTargets = 64

// findTargets finds the profiles that references ask for, before anything is checked: which these are must not depend on the order
// in which goroutines meet them.
func (v *Validator) findTargets() {
	v.targets = map[string][]*profile{}
	seen := map[*profile]bool{}
	var visit func(p *profile)
	var nodes func(n *node)
	nodes = func(n *node) {
		v.link(n)
		for _, x := range n.leadMeet {
			if list := v.targets[x.typ]; x.bit == 0 && len(list) < maxTargets {
				v.targets[x.typ] = append(list, x)
				x.bit = len(list) + 1
			}
		}
		for _, x := range n.nested {
			visit(x)
		}
		for _, k := range n.kids {
			nodes(k)
		}
		for _, s := range n.slices {
			nodes(s)
		}
	}
	visit = func(p *profile) {
		if p != nil && !seen[p] {
			seen[p] = true
			nodes(p.root)
		}
	}
	for _, typ := range plan.Resources() {
		for _, a := range v.asked[typ] {
			visit(a.profile)
		}
	}
	given := v.lib.given() // which resources may name in meta.profile
	v.profiled = len(v.asked) > 0 || len(given) > 0
	for _, url := range given {
		visit(v.profileOf(url))
	}
}

// meetsTargets gives the profiles that references may ask for and that a resource meets; applied are those that it was checked
// against.
func (w *walker) meetsTargets(it item, applied []*profile) (met uint64) {
	for _, p := range w.v.targets[it.t.Name] {
		if slices.ContainsFunc(applied, func(a *profile) bool { return a == p || slices.Contains(a.bases, p.url) }) || w.meets(p, it) {
			met |= 1 << (p.bit - 1)
		}
	}
	return met
}

// allows reports whether a reference may lead to a resource of a type that meets some profiles.
func (n *node) allows(typ string, met uint64) bool {
	if slices.Contains(n.leadAny, typ) {
		return true
	}
	for _, p := range n.leadMeet {
		if p.typ == typ && (p.bit == 0 || met&(1<<(p.bit-1)) != 0) {
			return true
		}
	}
	return false
}

// meetNames names the profiles that what a reference leads to must meet.
func (n *node) meetNames(typ string) string {
	var names []string
	for _, p := range n.leadMeet {
		if p.typ == typ {
			names = append(names, p.title())
		}
	}
	return strings.Join(names, " or ")
}

// leads checks that a reference leads to a type of resource that a profile allows, and that what it leads to meets what is demanded
// of it. Where only the bundle knows what it leads to, that is looked at when it is there.
func (w *walker) leads(p *profile, n *node, it item) {
	if w.v.link(n); n.leadTo == nil {
		return
	}
	r, ok := it.v.Addr().Interface().(*dpb.Reference)
	if !ok {
		return
	}
	if f, ok := r.GetReference().(*dpb.Reference_Fragment); ok {
		w.leadsWithin(p, n, f.Fragment.GetValue())
		return
	}
	if i, kept := w.useOf[r]; kept {
		if w.silent == 0 {
			w.wants = append(w.wants, want{i, n, p})
		}
		return
	}
	if typ, _ := targetOf(r); typ != "" && !slices.Contains(n.leadTo, typ) {
		w.profileFind(p, "CP-FHIR-105", "reference", "%s: it leads to %s, and %s allows %s", n.id, article(typ), p.title(), strings.Join(n.leadTo, ", "))
	}
}

// asking is a question whether a contained resource meets a profile.
type asking struct {
	m proto.Message
	p *profile
}

// leadsWithin checks a reference to a contained resource. Each is compared with a profile once, and while it is, what leads back to it
// takes it for right.
func (w *walker) leadsWithin(p *profile, n *node, id string) {
	all, _ := w.contained.Of(w.root)
	at := slices.IndexFunc(all, func(m proto.Message) bool { return fhir.IDOf(m) == id })
	if at < 0 {
		return // which is said already
	}
	m := all[at]
	t := plan.OfMessage(m)
	switch {
	case !slices.Contains(n.leadTo, t.Name):
		w.profileFind(p, "CP-FHIR-215", "", "%s: it leads to %s, and %s allows %s", n.id, article(t.Name), p.title(), strings.Join(n.leadTo, ", "))
		return
	case slices.Contains(n.leadAny, t.Name):
		return
	}
	for _, x := range n.leadMeet {
		if x.typ != t.Name {
			continue
		}
		q := asking{m, x}
		ok, known := w.answers[q]
		if !known {
			if w.answers == nil {
				w.answers = map[asking]bool{}
			}
			w.answers[q] = true
			ok = w.meets(x, item{reflect.ValueOf(m).Elem(), t, nil, -1})
			w.answers[q] = ok
		}
		if ok {
			return
		}
	}
	w.profileFind(p, "CP-FHIR-216", "", "%s: the contained resource does not meet %s", n.id, n.meetNames(t.Name))
}
