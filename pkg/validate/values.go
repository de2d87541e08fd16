package validate

import (
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Values that a profile gives are kept as JSON and compared with the hub by walking both.

// tree is a value of JSON: an object, a list, or the text of a primitive.
type tree struct {
	object []member
	list   []*tree
	text   string
}

type member struct {
	name  string
	value *tree
}

func parseTree(v jsontext.Value) *tree {
	switch v.Kind() {
	case '{':
		var m map[string]jsontext.Value
		if json.Unmarshal(v, &m) != nil {
			return nil
		}
		t := &tree{object: []member{}}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			t.object = append(t.object, member{k, parseTree(m[k])})
		}
		return t
	case '[':
		var l []jsontext.Value
		if json.Unmarshal(v, &l) != nil {
			return nil
		}
		t := &tree{list: []*tree{}}
		for _, x := range l {
			t.list = append(t.list, parseTree(x))
		}
		return t
	case '"':
		var s string
		_ = json.Unmarshal(v, &s)
		return &tree{text: s}
	}
	return &tree{text: strings.TrimSpace(string(v))}
}

// value checks an item against fixed[x], pattern[x], minValue[x] or maxValue[x].
func (w *walker) value(p *profile, n *node, x *Typed, it item) {
	if it.alt != nil && !strings.EqualFold(it.t.Name, x.Type) && len(n.types) != 1 {
		return // of another type of the choice
	}
	ok := true
	switch x.Name {
	case "fixed":
		ok = w.matches(x.tree, it.t, it.v, true)
	case "pattern":
		ok = w.matches(x.tree, it.t, it.v, false)
	default:
		ok = within(x, it)
	}
	if ok {
		return
	}
	if w.silent > 0 {
		w.hits++
		return
	}
	switch x.Name {
	case "fixed":
		w.profileFind(p, "CP-FHIR-204", "", "%s: not the value that %s fixes", n.id, p.title())
	case "pattern":
		w.profileFind(p, "CP-FHIR-204", "", "%s: it does not hold what %s demands", n.id, p.title())
	case "minValue":
		w.profileFind(p, "CP-FHIR-207", "", "%s: less than %s allows", n.id, p.title())
	default:
		w.profileFind(p, "CP-FHIR-207", "", "%s: more than %s allows", n.id, p.title())
	}
}

// matches compares a value of the hub with one of JSON: exactly, or that all of the latter is in the former.
func (w *walker) matches(x *tree, t *plan.Type, v reflect.Value, exact bool) bool {
	if x == nil {
		return true
	}
	if t.Kind == plan.Primitive {
		if x.object != nil || x.list != nil {
			return true
		}
		text := t.Prim.Text(v)
		if t.Prim.Kind == plan.Decimal && text != x.text {
			return sameNumber(text, x.text)
		}
		return text == x.text
	}
	if x.object == nil {
		return false
	}
	found := 0
	for _, m := range x.object {
		name, want := m.name, m.value
		under := strings.HasPrefix(name, "_")
		e, a := t.Lookup(strings.TrimPrefix(name, "_"))
		if e == nil || under {
			continue
		}
		found++
		from := w.items(e, v)
		have := w.stack[from:]
		ok := true
		switch {
		case a != nil:
			ok = len(have) == 1 && have[0].alt == a && w.matches(want, have[0].t, have[0].v, exact)
		case want.list != nil:
			if exact && len(have) != len(want.list) {
				ok = false
				break
			}
			for i, y := range want.list {
				one := false
				for j, h := range have {
					if (!exact || i == j) && w.matches(y, h.t, h.v, exact) {
						one = true
						break
					}
				}
				if !one {
					ok = false
					break
				}
			}
		default:
			ok = len(have) == 1 && w.matches(want, have[0].t, have[0].v, exact)
		}
		w.stack = w.stack[:from]
		if !ok {
			return false
		}
	}
	if exact {
		n := 0
		for _, e := range t.Elements {
			from := w.items(e, v)
			if len(w.stack) > from {
				n++
			}
			w.stack = w.stack[:from]
		}
		return n == found
	}
	return true
}

func sameNumber(a, b string) bool {
	x, ok := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	return ok && ok2 && len(a)+len(b) < 200 && x.Cmp(y) == 0
}

// within checks a primitive against minValue or maxValue. Dates and times are compared where their texts are of the same form.
func within(x *Typed, it item) bool {
	if it.t.Kind != plan.Primitive {
		return true
	}
	limit, text := x.tree.text, it.t.Prim.Text(it.v)
	c := 0
	switch it.t.Prim.Kind {
	case plan.Integer, plan.Unsigned, plan.Decimal:
		if len(limit)+len(text) > 200 {
			return true
		}
		a, ok := new(big.Rat).SetString(text)
		b, ok2 := new(big.Rat).SetString(limit)
		if !ok || !ok2 {
			return true
		}
		c = a.Cmp(b)
	case plan.Date, plan.DateTime, plan.Instant, plan.Time:
		n := min(len(text), len(limit), 10)
		c = strings.Compare(text[:n], limit[:n])
	default:
		return true
	}
	return x.Name == "minValue" && c >= 0 || x.Name == "maxValue" && c <= 0
}

// within reports, without a word, whether a coded value is or may be in the value set of a binding.
func (w *walker) within(b *binding, it item) bool {
	l := w.v.lib
	if !it.v.IsValid() {
		return false
	}
	switch x := it.v.Addr().Interface().(type) {
	case *dpb.CodeableConcept:
		for _, c := range x.GetCoding() {
			if l.member(b.ValueSet, c.GetSystem().GetValue(), c.GetCode().GetValue(), false) == yes {
				return true
			}
		}
		return false
	case *dpb.Coding:
		return l.member(b.ValueSet, x.GetSystem().GetValue(), x.GetCode().GetValue(), false) == yes
	case *dpb.Quantity:
		return l.member(b.ValueSet, x.GetSystem().GetValue(), x.GetCode().GetValue(), false) != no
	}
	if it.t.Kind == plan.Primitive {
		return l.member(b.ValueSet, "", it.t.Prim.Text(it.v), true) == yes
	}
	return true
}

// resolve finds what a reference leads to: a contained resource, or one of the bundle that is checked as a whole.
func (w *walker) resolve(r *dpb.Reference) proto.Message {
	text := fhir.ReferenceText(r)
	if id, ok := strings.CutPrefix(text, "#"); ok {
		if id == "" {
			return w.root
		}
		all, _ := w.contained.Of(w.root)
		for _, m := range all {
			if fhir.IDOf(m) == id {
				return m
			}
		}
		return nil
	}
	if w.index == nil {
		return nil
	}
	return w.index.Find(text, w.root)
}

// referenceType is the type of resource that a reference names, nil if it names none.
func referenceType(r *dpb.Reference) *plan.Type {
	name := r.GetType().GetValue()
	if name == "" {
		text := fhir.ReferenceText(r)
		if t, _, ok := strings.Cut(text, "/"); ok && plan.ContainedType().ResourceAlt(t) != nil {
			name = t
		} else {
			name = typeOfURL(text)
		}
	}
	if name == "" || plan.ContainedType().ResourceAlt(name) == nil {
		return nil
	}
	t, err := plan.Named(name)
	if err != nil {
		return nil
	}
	return t
}

func anyOf(v reflect.Value) *anypb.Any { return v.Addr().Interface().(*anypb.Any) }

func isInternal(v reflect.Value) bool {
	x, ok := v.Addr().Interface().(*dpb.Extension)
	return ok && plan.IsInternal(x)
}
