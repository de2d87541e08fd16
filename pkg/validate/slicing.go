package validate

import (
	"reflect"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// discriminator is one of the tests by which an item belongs to a slice.
type discriminator struct {
	kind    string
	path    []pathStep
	want    *node    // what the slice says of the element that the path leads to
	types   []string // of a type discriminator
	profile []*profile
	exists  bool
	blind   bool // nothing in the slice says what to look for
}

// pathStep is one step of a discriminator's path.
type pathStep struct {
	name string // an element, or $this, resolve(), ofType, extension
	arg  string
}

// parsePath reads the simple FHIRPath that a discriminator may be: a.b.extension('url').value.resolve().ofType(T).
func parsePath(s string) []pathStep {
	var steps []pathStep
	for s != "" {
		depth, quoted, i := 0, false, 0
		for ; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\'':
				quoted = !quoted
			case quoted:
			case c == '(':
				depth++
			case c == ')':
				depth--
			}
			if s[i] == '.' && depth == 0 && !quoted {
				break
			}
		}
		part := s[:i]
		s = strings.TrimPrefix(s[i:], ".")
		name, arg, call := strings.Cut(part, "(")
		if call {
			arg = strings.Trim(strings.TrimSuffix(arg, ")"), "'\" ")
		}
		if name != "$this" && name != "" {
			steps = append(steps, pathStep{strings.TrimSuffix(name, "[x]"), arg})
		}
	}
	return steps
}

// tests makes the discriminators of a slice, once.
func (v *Validator) tests(k, s *node) []discriminator {
	s.tested.Do(func() {
		slicing := k.slicing
		if slicing == nil && k.name == "extension" {
			slicing = &Slicing{Discriminator: []Discriminator{{"value", "url"}}}
		}
		if slicing == nil && len(s.types) > 0 {
			slicing = &Slicing{Discriminator: []Discriminator{{"type", "$this"}}}
		}
		if slicing == nil {
			s.tests = append(s.tests, discriminator{blind: true})
			return
		}
		for _, d := range slicing.Discriminator {
			x := discriminator{kind: d.Type, path: parsePath(d.Path)}
			x.want = v.wanted(s, x.path, 0)
			switch d.Type {
			case "exists":
				x.blind = x.want == nil
				x.exists = x.want != nil && x.want.lo > 0
			case "type":
				if x.want != nil {
					for _, t := range x.want.types {
						x.types = append(x.types, t.Code)
						for _, u := range t.Targets {
							x.types = append(x.types, u[strings.LastIndexByte(u, '/')+1:])
						}
					}
				}
				x.blind = len(x.types) == 0
			case "profile":
				if x.want != nil {
					for _, t := range x.want.types {
						for _, u := range append(t.Profile, t.Targets...) {
							if p := v.profileOf(u); p != nil {
								x.profile = append(x.profile, p)
							}
						}
					}
				}
				x.blind = len(x.profile) == 0
			default: // value, pattern
				x.blind = x.want == nil || !x.want.telling()
			}
			s.tests = append(s.tests, x)
		}
		if len(slicing.Discriminator) == 0 {
			s.tests = append(s.tests, discriminator{blind: true})
		}
	})
	return s.tests
}

// telling reports a node that says which values there may be.
func (n *node) telling() bool {
	if len(n.values) > 0 || n.binding != nil && n.binding.Strength == "required" {
		return true
	}
	for _, k := range n.kids {
		if k.telling() {
			return true
		}
	}
	for _, s := range n.slices {
		if s.lo > 0 && s.telling() {
			return true
		}
	}
	return false
}

// wanted is the node to which a path leads from a slice, through the profiles of its types; nil if the slice says nothing of it.
func (v *Validator) wanted(n *node, path []pathStep, depth int) *node {
	if depth > 8 {
		return nil
	}
	if len(path) == 0 {
		return n
	}
	s := path[0]
	switch s.name {
	case "resolve", "ofType":
		return v.wanted(n, path[1:], depth+1)
	case "extension":
		for _, k := range n.kids {
			if k.name != "extension" {
				continue
			}
			for _, sl := range k.slices {
				for _, t := range sl.types {
					for _, u := range t.Profile {
						if canonicalURL(u) == s.arg {
							return v.wanted(sl, path[1:], depth+1)
						}
					}
				}
			}
		}
		return nil
	}
	if k := n.kid(s.name); k != nil {
		if x := v.wanted(k, path[1:], depth+1); x != nil {
			return x
		}
	}
	for _, t := range n.types {
		for _, u := range append(t.Profile, t.Targets...) {
			if p := v.profileOf(u); p != nil {
				if x := v.wanted(p.root, path, depth+1); x != nil {
					return x
				}
			}
		}
	}
	return nil
}

// sliced tells the items of an element apart, and checks each slice.
func (w *walker) sliced(p *profile, k *node, e *plan.Element, from, to int) {
	n := len(k.slices)
	base := len(w.counts)
	for range n {
		w.counts = append(w.counts, 0)
	}
	last, unsure := -1, false
	rules := ""
	if k.slicing != nil {
		rules = k.slicing.Rules
	}
	for i := from; i < to; i++ {
		it := w.stack[i]
		w.step(e, it)
		found := -1
		for j, s := range k.slices {
			if strings.Contains(s.sliceName, "/") && !strings.HasPrefix(s.sliceName, k.sliceName+"/") {
				continue
			}
			ok, sure := w.belongs(k, s, it)
			unsure = unsure || !sure
			if !ok {
				continue
			}
			w.counts[base+j]++
			if found < 0 {
				found = j
			}
			w.node(p, s, it)
			if len(s.slices) > 0 { // re-slicing: the item is told apart once more
				from := len(w.stack)
				w.stack = append(w.stack, it)
				w.pop()
				w.sliced(p, s, e, from, from+1)
				w.step(e, it)
				w.stack = w.stack[:from]
			}
		}
		switch {
		case found >= 0:
			if k.slicing != nil && k.slicing.Ordered && found < last {
				w.profileFind(p, "CP-FHIR-206", "", "%s: the slice %s comes after %s", k.id, k.slices[found].sliceName, k.slices[last].sliceName)
			}
			last = max(last, found)
		case unsure:
		case rules == "closed":
			w.profileFind(p, "CP-FHIR-205", "", "%s: it belongs to none of the slices of %s, and others are not allowed", k.id, p.title())
		case p.typ == "Extension" && k.name == "extension":
			if x, ok := it.v.Addr().Interface().(*dpb.Extension); ok && !absolute(x.GetUrl().GetValue()) {
				w.profileFind(p, "CP-FHIR-210", "", "the extension %s has no part of this name", p.title())
			}
		}
		w.pop()
	}
	for j, s := range k.slices {
		c := w.counts[base+j]
		switch {
		case unsure && c < s.lo:
			w.unchecked.note("slices of profiles that cannot be told apart here")
		case c < s.lo && !w.lost(e):
			w.profileFind(p, "CP-FHIR-201", e.Name, "%s: there are %d, and %s demands at least %d", s.id, c, p.title(), s.lo)
		case c > s.hi:
			w.profileFind(p, "CP-FHIR-202", e.Name, "%s: there are %d, and %s allows %d at most", s.id, c, p.title(), s.hi)
		case c == 0 && s.must && w.v.opts.MustSupport && w.silent == 0:
			w.profileFind(p, "CP-FHIR-208", e.Name, "%s is not there, which systems that meet %s must be able to handle", s.id, p.title())
		}
	}
	w.counts = w.counts[:base]
}

// belongs reports whether an item belongs to a slice, and whether that could be told.
func (w *walker) belongs(k, s *node, it item) (ok, sure bool) {
	for i := range w.v.tests(k, s) {
		d := &s.tests[i]
		if d.blind {
			return false, false
		}
		from := len(w.stack)
		known := w.follow(d.path, it)
		to := len(w.stack)
		hit := false
		switch {
		case d.kind == "exists":
			hit = (to > from) == d.exists
		case !known:
			w.stack = w.stack[:from]
			return false, false
		default:
			for j := from; j < to && !hit; j++ {
				x := w.stack[j]
				switch d.kind {
				case "type":
					for _, t := range d.types {
						if t == x.t.Name || t == "BackboneElement" || t == "Resource" {
							hit = true
						}
					}
				case "profile":
					for _, p := range d.profile {
						hit = hit || w.meets(p, x)
					}
				default:
					hit = w.quietly(func() { w.alike(d.want, x) })
				}
			}
		}
		w.stack = w.stack[:from]
		if !hit {
			return false, true
		}
	}
	return true, true
}

// alike checks an item against the values that a node tells of, and against nothing else that it says.
func (w *walker) alike(n *node, it item) {
	for i := range n.values {
		w.value(nil, n, &n.values[i], it)
	}
	if n.binding != nil && n.binding.Strength == "required" && len(n.values) == 0 && !w.within(n.binding, it) {
		w.hits++
	}
	for _, k := range n.kids {
		if w.hits > 0 {
			return
		}
		if !k.telling() {
			continue
		}
		from := w.items(k.element(it.t), it.v)
		to := len(w.stack)
		if to == from && k.lo > 0 {
			w.hits++
		}
		for j := from; j < to; j++ {
			w.alike(k, w.stack[j])
		}
		w.slicesAlike(k, from, to)
		w.stack = w.stack[:from]
	}
}

// slicesAlike checks that each slice that must be there has an item alike among those of the stack.
func (w *walker) slicesAlike(k *node, from, to int) {
	for _, s := range k.slices {
		if s.lo == 0 || !s.telling() {
			continue
		}
		hit := false
		for j := from; j < to && !hit; j++ {
			hit = w.quietly(func() { w.alike(s, w.stack[j]) })
		}
		if !hit {
			w.hits++
		}
	}
}

// follow appends what a path leads to from an item to the stack; false if a reference on the way leads nowhere that is known.
func (w *walker) follow(path []pathStep, it item) bool {
	if len(path) == 0 {
		w.stack = append(w.stack, it)
		return true
	}
	s, rest := path[0], path[1:]
	known := true
	switch s.name {
	case "resolve":
		r, ok := it.v.Addr().Interface().(*dpb.Reference)
		if !ok {
			return true
		}
		m := w.resolve(r)
		if m == nil {
			if len(rest) == 0 {
				if t := referenceType(r); t != nil { // enough for its type
					w.stack = append(w.stack, item{reflect.Value{}, t, nil, -1})
					return true
				}
			}
			return false
		}
		return w.follow(rest, item{reflect.ValueOf(m).Elem(), plan.OfMessage(m), nil, -1})
	case "ofType":
		if it.t.Name == s.arg {
			return w.follow(rest, it)
		}
		return true
	case "extension":
		if s.arg != "" {
			from := w.items(it.t.Element("extension"), it.v)
			list := append([]item(nil), w.stack[from:]...)
			w.stack = w.stack[:from]
			for _, x := range list {
				if e, ok := x.v.Addr().Interface().(*dpb.Extension); ok && e.GetUrl().GetValue() == s.arg {
					known = w.follow(rest, x) && known
				}
			}
			return known
		}
	}
	if !it.v.IsValid() {
		return false
	}
	e := it.t.Element(s.name)
	if len(rest) == 0 {
		w.items(e, it.v)
		return true
	}
	from := w.items(e, it.v)
	list := append([]item(nil), w.stack[from:]...)
	w.stack = w.stack[:from]
	for _, x := range list {
		known = w.follow(rest, x) && known
	}
	return known
}
