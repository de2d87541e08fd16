package validate

import (
	"reflect"
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Demand is something that a profile demands of a resource and that is there: an element that must not be missing, or a value that
// is fixed.
type Demand struct {
	What  string  // Observation.category:us-core of USCoreLaboratoryResultObservationProfile
	Paths [][]any // where it stands in JSON: names and positions
	Value bool    // the values at the paths are fixed; else, without what stands there, too little is left
}

// Demands lists what the profiles of a resource demand of what is there, for tests that take it away.
func (v *Validator) Demands(m proto.Message) []Demand {
	w := v.free.Get().(*walker)
	defer v.free.Put(w)
	w.beginMessage(m)
	defer w.end()
	var list []Demand
	it := item{reflect.ValueOf(m).Elem(), plan.OfMessage(m), nil, -1}
	asked := v.asked[it.t.Name]
	for _, p := range w.profilesOf(m, it.t) {
		if x, ok := m.(interface{ GetMeta() *dpb.Meta }); !ok || len(asked) > 1 && !slices.ContainsFunc(x.GetMeta().GetProfile(), func(u *dpb.Canonical) bool {
			return canonicalURL(u.GetValue()) == p.url
		}) {
			continue // it is found by what would be taken away
		}
		d := demands{w: w, p: p}
		d.children(p.root, it, nil)
		list = append(list, d.list...)
	}
	return list
}

type demands struct {
	w    *walker
	p    *profile
	list []Demand
}

// children lists the demands on the elements of a value, which stands at a path.
func (d *demands) children(n *node, it item, path []any) {
	for _, k := range n.kids {
		e := k.element(it.t)
		if e == nil || e.RefText {
			continue
		}
		from := d.w.items(e, it.v)
		items := append([]item(nil), d.w.stack[from:]...)
		d.w.stack = d.w.stack[:from]
		d.node(k, e, items, path)
		for _, s := range k.slices {
			if s.lo == 0 {
				continue // without what tells the slice the item is no part of it
			}
			var mine []item
			for _, x := range items {
				d.w.step(e, x)
				if ok, sure := d.w.belongs(k, s, x); ok && sure {
					mine = append(mine, x)
				}
				d.w.pop()
			}
			d.node(s, e, mine, path)
		}
	}
}

func (d *demands) node(k *node, e *plan.Element, items []item, path []any) {
	at := func(x item) []any {
		name := e.Name
		if x.alt != nil {
			name = x.alt.Name
		}
		p := append(append([]any(nil), path...), name)
		if x.n >= 0 {
			p = append(p, x.n)
		}
		return p
	}
	if len(items) > 0 && len(items) == k.lo {
		d.list = append(d.list, Demand{What: k.id + " of " + d.p.title(), Paths: [][]any{at(items[0])}})
	}
	for _, x := range items {
		for _, t := range k.values {
			if t.Name == "fixed" && x.t.Kind == plan.Primitive && x.t.Prim.Kind == plan.String {
				d.list = append(d.list, Demand{What: "the value of " + k.id + " of " + d.p.title(), Paths: [][]any{at(x)}, Value: true})
			}
		}
		d.children(k, x, at(x))
	}
}
