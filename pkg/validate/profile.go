package validate

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// A profile is a tree of what it says beyond FHIR itself: an element of which it says nothing has no node. A differential is laid
// over a copy of the tree of its base, so no snapshot is ever made; where only a snapshot is given, the tree holds all of it. A
// node is checked against every item of its element, a slice against those items that its discriminators choose.

// profile is a StructureDefinition ready to check with.
type profile struct {
	url, name, typ, version string
	root                    *node
	bases                   []string
	whole                   bool // it speaks of the entries of a bundle
	sd                      *Structure
	use                     atomic.Bool // it was applied to something
	bit                     int         // of entryNote.met, from 1; 0: what refers to it is not checked
}

// node is what a profile says of an element, or of a slice of it.
type node struct {
	name      string // of a choice without its type: value
	id        string // Observation.category:us-core
	lo, hi    int
	types     []TypeRef
	values    []Typed // fixed, pattern, minValue, maxValue
	binding   *binding
	rules     *rules
	must      bool
	maxLength int
	kids      []*node
	slicing   *Slicing
	slices    []*node
	sliceName string
	tests     []discriminator // by which items belong to this slice
	nested    []*profile      // profiles of its types
	leadTo    []string        // of a Reference: the types of resource that it may lead to, nil if that is not known
	leadAny   []string        // those types of which any resource will do
	leadMeet  []*profile      // and the profiles that those of the other types must meet, any of them
	linked    sync.Once
	tested    sync.Once

	at atomic.Pointer[elementOf] // the element of the type that it was last asked for
}

type elementOf struct {
	t *plan.Type
	e *plan.Element
}

// element is the node's element in a type.
func (n *node) element(t *plan.Type) *plan.Element {
	if x := n.at.Load(); x != nil && x.t == t {
		return x.e
	}
	e := t.Element(n.name)
	n.at.Store(&elementOf{t, e})
	return e
}

func newNode(name, id string) *node { return &node{name: name, id: id, hi: math.MaxInt} }

func (n *node) clone() *node {
	x := &node{name: n.name, id: n.id, lo: n.lo, hi: n.hi, types: n.types, values: n.values, binding: n.binding, rules: n.rules, must: n.must,
		maxLength: n.maxLength, slicing: n.slicing, sliceName: n.sliceName}
	for _, k := range n.kids {
		x.kids = append(x.kids, k.clone())
	}
	for _, s := range n.slices {
		x.slices = append(x.slices, s.clone())
	}
	return x
}

func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// profileOf finds a profile, nil if it or its base is not known.
func (v *Validator) profileOf(url string) *profile {
	url = canonicalURL(url)
	if p, ok := v.compiled.Load(url); ok {
		return p.(*profile)
	}
	p := v.compile(url, 0)
	if p == nil && v.misses.Add(1) > maxCached {
		return nil
	}
	have, _ := v.compiled.LoadOrStore(strings.Clone(url), p)
	return have.(*profile)
}

// maxBases bounds how long the line of bases of a profile may be.
const maxBases = 32

func (v *Validator) compile(url string, depth int) *profile {
	s := v.lib.structure(url)
	if s == nil || depth > maxBases || s.Type == "" {
		return nil
	}
	t, err := plan.Named(s.Type)
	if err != nil {
		return nil
	}
	p := &profile{url: s.URL, name: s.Name, typ: s.Type, version: s.Version, sd: s}
	list := s.Differential.Element
	if s.Derivation == "specialization" {
		return nil // FHIR itself
	}
	p.root = newNode("", s.Type)
	if base := canonicalURL(s.Base); len(list) > 0 && base != coreURL+s.Type && base != "" {
		if b := v.compile(base, depth+1); b != nil {
			p.root = b.root.clone()
			p.bases = append(b.bases, b.url)
		} else if bs := v.lib.structure(base); bs == nil && !strings.HasPrefix(base, coreURL) {
			list = s.Snapshot.Element // its base is not here: what it has inherited stands in the snapshot, or nowhere
			if len(list) == 0 {
				return nil
			}
		}
	}
	if len(list) == 0 {
		list = s.Snapshot.Element
	}
	for i := range list {
		v.lay(p.root, t, &list[i], p.title())
	}
	p.whole = s.Type == "Bundle" && p.root.kid("entry") != nil
	return p
}

const coreURL = "http://hl7.org/fhir/StructureDefinition/"

// lay puts what an element of a differential says over the tree.
func (v *Validator) lay(root *node, t *plan.Type, e *Element, of string) {
	segments := segmentsOf(e)
	if len(segments) == 0 {
		return
	}
	n, id := root, segments[0]
	for _, s := range segments[1:] {
		name, slice, _ := strings.Cut(s, ":")
		id += "." + s
		var el *plan.Element
		var alt *plan.Alt
		if t != nil {
			if el = t.Element(strings.TrimSuffix(name, "[x]")); el == nil {
				el, alt = t.Lookup(name)
			}
		}
		choice := strings.HasSuffix(name, "[x]") || alt != nil
		base := strings.TrimSuffix(name, "[x]")
		if alt != nil {
			base, slice = el.Name, name
		}
		k := n.kid(base)
		if k == nil {
			k = newNode(base, strings.TrimSuffix(id, ":"+slice))
			n.kids = append(n.kids, k)
		}
		if el != nil && el.Choice == nil && !el.RefText {
			t = el.Type()
			if t.Kind == plan.Packed || t.Kind == plan.Contained {
				t = nil
			}
		} else {
			t = nil
		}
		if alt != nil {
			t = alt.Type()
		} else if choice && slice == "" && len(k.types) == 1 {
			t, _ = plan.Named(k.types[0].Code)
		}
		for _, part := range reslices(slice) {
			sl := (*node)(nil)
			for _, x := range k.slices {
				if x.sliceName == part {
					sl = x
				}
			}
			if sl == nil {
				sl = newNode(base, id)
				sl.sliceName = part
				if choice {
					if a := choiceSlice(el, part); a != nil {
						sl.types = []TypeRef{{Code: a.Type().Name}}
						if k.slicing == nil {
							k.slicing = &Slicing{Discriminator: []Discriminator{{"type", "$this"}}, Rules: "open"}
						}
					}
				}
				k.slices = append(k.slices, sl)
			}
			if choice && len(sl.types) == 1 {
				t, _ = plan.Named(sl.types[0].Code)
			}
			k = sl
		}
		n = k
	}
	v.say(n, e, of)
}

// choiceSlice is the alternative that a slice of a choice is named after: valueQuantity.
func choiceSlice(e *plan.Element, name string) *plan.Alt {
	if e == nil {
		return nil
	}
	for _, a := range e.Choice {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// reslices are the slices that a name leads through: of a/b first a, then a/b.
func reslices(name string) []string {
	if name == "" {
		return nil
	}
	var list []string
	for i := range len(name) {
		if name[i] == '/' {
			list = append(list, name[:i])
		}
	}
	return append(list, name)
}

// segmentsOf are the steps of an element's id, or of its path and slice name where the id says less.
func segmentsOf(e *Element) []string {
	path := strings.Split(e.Path, ".")
	if id := splitID(e.ID); len(id) == len(path) {
		return id
	}
	if e.SliceName != "" && len(path) > 0 {
		path[len(path)-1] += ":" + e.SliceName
	}
	return path
}

// splitID splits at the dots that stand in no slice's name in brackets.
func splitID(id string) []string { return strings.Split(id, ".") }

// say puts what an element definition says into its node.
func (v *Validator) say(n *node, e *Element, of string) {
	lo, hi := e.limits()
	if lo >= 0 {
		n.lo = lo
	}
	if hi >= 0 {
		n.hi = hi
	}
	if len(e.Type) > 0 {
		n.types = e.Type
	}
	if e.Slicing != nil {
		n.slicing = e.Slicing
	}
	if list := e.typed(); len(list) > 0 {
		n.values = append(slices.Clone(n.values), list...)
	}
	if b := e.Binding; b != nil && b.ValueSet != "" && (b.Strength == "required" || b.Strength == "extensible") {
		n.binding = &binding{Bind: *b, own: true}
	}
	if e.MaxLength > 0 {
		n.maxLength = e.MaxLength
	}
	n.must = n.must || e.MustSupport
	if len(e.Constraint) > 0 {
		n.rules = v.addRules(n.rules, e.Constraint, of)
	}
}

// item is one item of an element.
type item struct {
	v   reflect.Value
	t   *plan.Type
	alt *plan.Alt
	n   int // its position in a list, or -1
}

// items appends the items of an element of v, as people see them, to the walker's stack and gives where they begin.
func (w *walker) items(e *plan.Element, v reflect.Value) int {
	from := len(w.stack)
	switch {
	case e == nil:
	case e.RefText || e.Choice != nil:
		if x, a := e.Chosen(v); a != nil {
			w.stack = append(w.stack, item{x, a.Type(), a, -1})
		}
	default:
		t := e.Type()
		c := e.Len(v)
		n := 0
		for i := range c {
			x := e.At(v, i)
			it := item{x, t, nil, -1}
			switch t.Kind {
			case plan.Contained:
				r, a := t.Resource(x)
				if a == nil {
					continue
				}
				it.v, it.t = r, a.Type()
			case plan.Packed:
				m, err := w.contained.Unpack(anyOf(x))
				if err != nil {
					continue
				}
				it.v, it.t = reflect.ValueOf(m).Elem(), plan.OfMessage(m)
			}
			if e.Owner.Kind == plan.Primitive && isInternal(x) {
				continue
			}
			if e.List {
				it.n = n
			}
			n++
			w.stack = append(w.stack, it)
		}
	}
	return from
}

// children checks the elements of a value against the kids of a node.
func (w *walker) children(p *profile, n *node, t *plan.Type, v reflect.Value) {
	for _, k := range n.kids {
		if w.silent > 0 && w.hits > 0 {
			return // nobody wants to know how often
		}
		e := k.element(t)
		if e == nil {
			continue // an element of a type that this choice has not taken
		}
		w.element(p, k, e, v)
	}
}

// element checks the items of one element.
func (w *walker) element(p *profile, k *node, e *plan.Element, v reflect.Value) {
	from := w.items(e, v)
	to := len(w.stack)
	defer func() { w.stack = w.stack[:from] }()
	count := to - from
	if count < k.lo && !w.lost(e) {
		w.profileFind(p, "CP-FHIR-201", e.Name, "%s: there are %d, and %s demands at least %d", k.id, count, p.title(), k.lo)
	}
	if count > k.hi {
		w.profileFind(p, "CP-FHIR-202", e.Name, "%s: there are %d, and %s allows %d at most", k.id, count, p.title(), k.hi)
	}
	if k.must && count == 0 && w.v.opts.MustSupport && w.silent == 0 {
		w.profileFind(p, "CP-FHIR-208", e.Name, "%s is not there, which systems that meet %s must be able to handle", k.id, p.title())
	}
	for i := from; i < to; i++ {
		it := w.stack[i]
		w.step(e, it)
		w.node(p, k, it)
		w.pop()
	}
	if len(k.slices) > 0 {
		w.sliced(p, k, e, from, to)
	}
}

// lost reports an element whose value the codec could not read, and has said so.
func (w *walker) lost(e *plan.Element) bool {
	if w.given == 0 {
		return false
	}
	at := w.at() + "." + e.Name
	for _, f := range w.findings[:w.given] {
		if rest, ok := strings.CutPrefix(f.Place.Path, at); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// step leads to an item of an element.
func (w *walker) step(e *plan.Element, it item) {
	s := step{e.Name, "", it.n, it.t}
	if it.alt != nil && e.Choice != nil {
		s.json = it.alt.Name
	}
	w.path = append(w.path, s)
}

// node checks one item against a node.
func (w *walker) node(p *profile, n *node, it item) {
	if len(n.types) > 0 {
		w.typed(p, n, it)
	}
	for i := range n.values {
		w.value(p, n, &n.values[i], it)
	}
	if n.maxLength > 0 && it.t.Kind == plan.Primitive && len([]rune(it.t.Prim.Text(it.v))) > n.maxLength {
		w.profileFind(p, "CP-FHIR-207", "", "%s: longer than the %d characters that %s allows", n.id, n.maxLength, p.title())
	}
	if n.binding != nil {
		if w.silent > 0 {
			if n.binding.Strength == "required" && !w.within(n.binding, it) {
				w.hits++
			}
		} else {
			w.bound(n.binding, w.v.plan(it.t), it.v)
		}
	}
	if n.rules != nil && w.silent == 0 {
		w.invariants(n.rules, it.t, it.v)
	}
	if len(n.kids) > 0 {
		w.children(p, n, it.t, it.v)
	}
}

// typed checks an item against the types that a node allows, and against their profiles.
func (w *walker) typed(p *profile, n *node, it item) {
	name := it.t.Name
	switch name {
	case "SimpleQuantity", "MoneyQuantity":
		name = "Quantity"
	}
	if it.t.Kind == plan.Complex && strings.Contains(name, ".") {
		name = "BackboneElement"
	}
	ok := false
	profiles := false
	for i := range n.types {
		t := &n.types[i]
		code := strings.TrimPrefix(t.Code, "http://hl7.org/fhirpath/System.")
		if code != t.Code || code == name || code == "BackboneElement" || code == "Element" || code == "Resource" || code == "DomainResource" {
			ok = true
		}
		if code == name {
			profiles = profiles || len(t.Profile) > 0
		}
	}
	if !ok && it.t.Prim != nil && it.alt == nil {
		ok = true // the hub's own names for primitives
	}
	if !ok {
		w.profileFind(p, "CP-FHIR-203", "", "%s: of the type %s, and %s allows %s", n.id, name, p.title(), typeNames(n.types))
		return
	}
	if name == "Reference" {
		w.leads(p, n, it)
	}
	if !profiles || name == "Extension" && w.silent == 0 { // an extension's definition is checked wherever the extension stands
		return
	}
	w.v.link(n)
	var mine []*profile
	for _, x := range n.nested {
		if x.typ == name {
			mine = append(mine, x)
		}
	}
	switch len(mine) {
	case 0:
	case 1:
		w.against(mine[0], it)
	default:
		for _, x := range mine {
			if w.meets(x, it) {
				return
			}
		}
		w.profileFind(p, "CP-FHIR-209", "", "%s: it meets none of the %d profiles that %s allows here", n.id, len(mine), p.title())
	}
}

// link finds what the types of a node lead to, once.
func (v *Validator) link(n *node) {
	n.linked.Do(func() {
		known := true
		for _, t := range n.types {
			for _, u := range t.Profile {
				if x := v.profileOf(u); x != nil {
					n.nested = append(n.nested, x)
				}
			}
			if t.Code != "Reference" {
				continue
			}
			for _, u := range t.Targets {
				typ, core := strings.CutPrefix(canonicalURL(u), coreURL)
				if core && plan.ContainedType().ResourceAlt(typ) != nil {
					n.leadAny = append(n.leadAny, typ)
				} else {
					x := v.profileOf(u)
					if known = known && x != nil; x == nil {
						continue // Resource, or a profile that is not here
					}
					n.leadMeet = append(n.leadMeet, x)
					typ = x.typ
				}
				if !slices.Contains(n.leadTo, typ) {
					n.leadTo = append(n.leadTo, typ)
				}
			}
			known = known && len(t.Targets) > 0
		}
		if !known {
			n.leadTo, n.leadAny, n.leadMeet = nil, nil, nil
		}
	})
}

// maxProfiles bounds how deep profiles may lead to profiles.
const maxProfiles = 24

// against checks an item against all of a profile.
func (w *walker) against(p *profile, it item) {
	if w.nesting >= maxProfiles {
		return
	}
	w.nesting++
	w.node(p, p.root, it)
	w.nesting--
}

// meets reports whether an item meets a profile, without a word.
func (w *walker) meets(p *profile, it item) bool {
	return w.quietly(func() { w.against(p, it) })
}

// quietly runs checks and reports whether they found nothing.
func (w *walker) quietly(do func()) bool {
	hits := w.hits
	w.silent++
	w.hits = 0
	do()
	ok := w.hits == 0
	w.silent--
	w.hits = hits
	return ok
}

// profileFind reports what a profile says, at an element below where the walker stands or, without a name, there.
func (w *walker) profileFind(p *profile, id diag.ID, name, format string, args ...any) {
	if w.silent > 0 {
		w.hits++
		return
	}
	if name != "" {
		w.findAt(name, id, format, args...)
		return
	}
	w.find(id, format, args...)
}

// title is how findings call a profile.
func (p *profile) title() string {
	if p.name != "" {
		return p.name
	}
	return p.url[strings.LastIndexByte(p.url, '/')+1:]
}

func typeNames(types []TypeRef) string {
	var names []string
	for _, t := range types {
		if !slices.Contains(names, t.Code) {
			names = append(names, t.Code)
		}
	}
	return strings.Join(names, ", ")
}
