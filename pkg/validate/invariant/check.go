package invariant

import (
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// Violation is a rule that does not hold, or one that could not be run.
type Violation struct {
	Rule  *Rule
	Value fhirpath.Value
	Place string // Patient.contact[0], Bundle.entry[3].resource.name[0]
	Err   error  // why it could not be run; then nothing is known
}

// Checker runs all rules over documents, in one goroutine, which uses it again and again.
//
// A rule that gives nothing does not hold, as with the official validator: que-13 (repeats=true or initial.count() <= 1) gives nothing
// for two initial values where repeats is not said.
type Checker struct {
	// Skip leaves out a rule, if it is set; ele-1 too.
	Skip func(*Rule) bool

	env       fhirpath.Env
	c         *fhirpath.Context
	contained fhir.Contained
	given     bool // env has a resolver of the caller's
	trail     []frame
	root      string
	yield     func(Violation) bool
	stop      bool
	visits    map[*plan.Type]*visit
}

// frame is a step of the way to where the Checker stands.
type frame struct {
	name  string
	index int // of an item of a list, or -1
}

// NewChecker makes a Checker. Without a resolver in env, references are resolved within the document.
func NewChecker(env fhirpath.Env) *Checker {
	k := &Checker{env: env, given: env.Resolver != nil, visits: map[*plan.Type]*visit{}}
	if env.Contained == nil {
		k.env.Contained = &k.contained
	}
	k.c = fhirpath.NewContext(k.env)
	return k
}

// Check runs the rules over a document: a resource and all that is in it. yield gets what does not hold; false ends it.
func (k *Checker) Check(m proto.Message, yield func(Violation) bool) {
	k.CheckAt(m, "", yield)
}

// CheckAt is Check for a resource that stands somewhere, such as "Bundle.entry[3].resource"; places begin there.
func (k *Checker) CheckAt(m proto.Message, place string, yield func(Violation) bool) {
	v := fhirpath.Of(m)
	if v.Kind() != fhirpath.Node {
		return
	}
	if place == "" {
		place = v.Type().Name
	}
	k.root, k.yield, k.stop, k.trail = place, yield, false, k.trail[:0]
	if !k.given {
		k.c.SetResolver(&lazyIndex{m: v.Message()})
	}
	k.resource(v.Type(), v.Struct(), v)
	k.c.Forget()
	k.contained = fhir.Contained{}
}

// lazyIndex indexes a document when a reference is first resolved, which hardly any rule does.
type lazyIndex struct {
	m     proto.Message
	index *fhir.Index
}

// Find is fhirpath.Resolver.
func (x *lazyIndex) Find(text string, within proto.Message) proto.Message {
	if x.index == nil {
		if b, ok := x.m.(*rpb.Bundle); ok {
			x.index = fhir.IndexBundle(b)
		} else {
			x.index = fhir.NewIndex(fhir.Located{Resource: x.m})
		}
	}
	return x.index.Find(text, within)
}

// visit is what there is to do on the items of a type.
type visit struct {
	t      *plan.Type
	rules  []*Bound // but ele-1, which the walk itself sees
	fields []field
	id     int // index of the struct field of the id, or -1
}

type field struct {
	e     *plan.Element
	rules []*Bound // of the element, where its type is static
	next  atomic.Pointer[visit]
	prim  *plan.Prim
}

var visits sync.Map // *plan.Type -> *visit

// visit finds the visit of a type, without a lock after the first time.
func (k *Checker) visit(t *plan.Type) *visit {
	x := k.visits[t]
	if x == nil {
		x = visitOf(t)
		k.visits[t] = x
	}
	return x
}

func visitOf(t *plan.Type) *visit {
	if x, ok := visits.Load(t); ok {
		return x.(*visit)
	}
	x := &visit{t: t, id: t.ID, fields: make([]field, len(t.Elements))}
	for _, b := range OfType(t) {
		if b.Key != "ele-1" {
			x.rules = append(x.rules, b)
		}
	}
	for i, e := range t.Elements {
		f := &x.fields[i]
		f.e = e
		if e.Shape == plan.One || e.Shape == plan.List {
			f.rules = OfElement(e, e.Type())
			f.prim = e.Type().Prim
		}
	}
	have, _ := visits.LoadOrStore(t, x)
	return have.(*visit)
}

func (f *field) visit() *visit {
	x := f.next.Load()
	if x == nil {
		x = visitOf(f.e.Type())
		f.next.Store(x)
	}
	return x
}

// resource checks a resource that stands in root, or for itself.
func (k *Checker) resource(t *plan.Type, v reflect.Value, root fhirpath.Value) {
	resource, before := k.c.Scope()
	k.c.SetScope(fhirpath.At(t, v), root)
	k.element(k.visit(t), v, nil)
	k.c.SetScope(resource, before)
}

// element checks an element that is no primitive.
func (k *Checker) element(x *visit, v reflect.Value, own []*Bound) {
	k.run(x.rules, x.t, v)
	k.run(own, x.t, v)
	children := false
	for i := range x.fields {
		f := &x.fields[i]
		e := f.e
		at := v.Field(e.Index)
		if k.stop {
			return
		}
		if e.Shape == plan.List {
			n := at.Len()
			if n == 0 {
				continue
			}
			children = true
			next := f.visit()
			k.trail = append(k.trail, frame{e.Name, 0})
			for j := range n {
				k.trail[len(k.trail)-1].index = j
				k.item(next, f, at.Index(j).Elem())
			}
			k.trail = k.trail[:len(k.trail)-1]
			continue
		}
		if e.Shape == plan.PackedList {
			if at.Len() == 0 {
				continue
			}
			children = true
			k.trail = append(k.trail, frame{e.Name, 0})
			for j := range at.Len() {
				k.trail[len(k.trail)-1].index = j
				k.packed(at.Index(j).Interface().(*anypb.Any))
			}
			k.trail = k.trail[:len(k.trail)-1]
			continue
		}
		if at.IsNil() {
			continue
		}
		children = children || e.Index != x.id
		k.trail = append(k.trail, frame{e.Name, -1})
		switch e.Shape {
		case plan.One:
			k.item(f.visit(), f, at.Elem())
		case plan.ReferenceText:
			if w, a := e.Chosen(v); a != nil {
				k.primitive(k.visit(a.Type()), w)
			}
		case plan.ChoiceOf:
			if w, a := e.Chosen(v); a != nil {
				k.trail[len(k.trail)-1].name = a.Name
				k.chosen(e, a.Type(), w)
			}
		case plan.ResourceOf:
			if w, a := plan.ContainedType().Resource(at.Elem()); a != nil {
				k.resource(a.Type(), w, fhirpath.At(a.Type(), w))
			}
		case plan.PackedOne:
			k.packed(at.Interface().(*anypb.Any))
		}
		k.trail = k.trail[:len(k.trail)-1]
	}
	if !children {
		k.empty(x.t, v)
	}
}

// item checks an item of an element whose type is static.
func (k *Checker) item(x *visit, f *field, v reflect.Value) {
	if f.prim == nil {
		k.element(x, v, f.rules)
		return
	}
	if len(f.rules) > 0 {
		k.run(f.rules, x.t, v)
	}
	k.primitive(x, v)
}

func (k *Checker) chosen(e *plan.Element, t *plan.Type, v reflect.Value) {
	own := OfElement(e, t)
	if t.Prim == nil {
		k.element(k.visit(t), v, own)
		return
	}
	k.run(own, t, v)
	k.primitive(k.visit(t), v)
}

// primitive checks the extensions of a primitive, and that it has a value or such.
func (k *Checker) primitive(x *visit, v reflect.Value) {
	if len(x.rules) > 0 {
		k.run(x.rules, x.t, v)
	}
	if x.t.Extension < 0 {
		return
	}
	list := v.Field(x.t.Extension)
	n := list.Len()
	if n == 0 {
		if !x.t.Prim.HasValue(v) {
			k.empty(x.t, v)
		}
		return
	}
	shown := 0
	k.trail = append(k.trail, frame{"extension", 0})
	for i := range n {
		if p := list.Index(i); !plan.IsInternal(p.Interface().(*dpb.Extension)) {
			k.trail[len(k.trail)-1].index = shown
			k.element(k.visit(extensionType()), p.Elem(), nil)
			shown++
		}
	}
	k.trail = k.trail[:len(k.trail)-1]
	if shown == 0 && !x.t.Prim.HasValue(v) {
		k.empty(x.t, v)
	}
}

var extensionType = sync.OnceValue(func() *plan.Type { return plan.Of(reflect.TypeFor[dpb.Extension]()) })

// packed checks a contained resource.
func (k *Checker) packed(a *anypb.Any) {
	m, err := k.env.Contained.Unpack(a)
	if err != nil {
		return
	}
	v := fhirpath.Of(m)
	_, root := k.c.Scope()
	if k.trail[len(k.trail)-1].name == "resource" { // Parameters.parameter.resource stands for itself
		root = v
	}
	k.resource(v.Type(), v.Struct(), root)
}

var elementRule = sync.OnceValue(func() *Rule { return Find("ele-1")[0] })

// empty reports ele-1, which the walk sees without running its expression: hasValue() or (children().count() > id.count()).
func (k *Checker) empty(t *plan.Type, v reflect.Value) {
	if t.Kind == plan.Resource { // ele-1 is a rule for elements
		return
	}
	k.report(elementRule(), fhirpath.At(t, v), nil)
}

func (k *Checker) run(rules []*Bound, t *plan.Type, v reflect.Value) {
	for _, b := range rules {
		if k.stop || k.Skip != nil && k.Skip(b.Rule) {
			continue
		}
		value := fhirpath.At(t, v)
		if b.Err != nil {
			k.report(b.Rule, value, b.Err)
			continue
		}
		if holds, err := b.Expr.Test(k.c, value); err != nil || holds != fhirpath.True {
			k.report(b.Rule, value, err)
		}
	}
}

func (k *Checker) report(r *Rule, v fhirpath.Value, err error) {
	if k.stop || k.Skip != nil && k.Skip(r) {
		return
	}
	k.stop = !k.yield(Violation{Rule: r, Value: v, Place: k.place(), Err: err})
}

// place writes the trail.
func (k *Checker) place() string {
	b := append(make([]byte, 0, 64), k.root...)
	for _, f := range k.trail {
		b = append(append(b, '.'), f.name...)
		if f.index >= 0 {
			b = append(strconv.AppendInt(append(b, '['), int64(f.index), 10), ']')
		}
	}
	return string(b)
}
