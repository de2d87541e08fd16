package validate

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// How a resource is checked. The walk visits every element of a message once and knows nothing of profiles: it sees to what holds
// of the element's type wherever it stands. What each type demands is a typePlan, made when the type is first met. Where a walker
// stands is a stack of steps; it becomes a FHIRPath, and a line and column, only when something is found, so that a clean record
// costs neither memory nor text.

// shape says how an element stands in its struct.
type shape uint8

const (
	one shape = iota
	list
	choice
)

// typePlan is what is checked of a type.
type typePlan struct {
	typ     *plan.Type
	elems   []elemPlan
	special func(w *walker, v reflect.Value) // what no table says of this type
	ext     int                              // of a primitive the field of its extensions
	text    func(w *walker, text string)     // of a primitive: a check of its text
	rules   *rules                           // the invariants of the type
}

// elemPlan is what is checked of an element.
type elemPlan struct {
	elem     *plan.Element
	index    int
	shape    shape
	required bool
	coded    bool // a code of a required value set
	binding  *binding
	sub      atomic.Pointer[typePlan]
	rules    atomic.Pointer[rules] // of the element itself, with sub
	choices  sync.Map              // of a choice: *plan.Alt -> *altPlan
}

// plan gives what is checked of a type.
func (v *Validator) plan(t *plan.Type) *typePlan {
	if p, ok := v.plans.Load(t); ok {
		return p.(*typePlan)
	}
	have, _ := v.plans.LoadOrStore(t, v.build(t))
	return have.(*typePlan)
}

func (v *Validator) build(t *plan.Type) *typePlan {
	p := &typePlan{typ: t, special: special(t.Name), ext: t.Extension, rules: v.rulesOf(t)}
	if t.Kind == plan.Primitive {
		p.text = texts[t.Name]
		return p
	}
	p.elems = make([]elemPlan, len(t.Elements))
	n := 0
	for _, e := range t.Elements {
		if e.RefText {
			continue // with its Reference
		}
		x := &p.elems[n]
		n++
		x.elem, x.index, x.required, x.binding = e, e.Index, e.Required, v.bindingOf(t, e)
		switch {
		case e.List:
			x.shape = list
		case e.Choice != nil:
			x.shape = choice
		}
		if x.shape != choice {
			st := e.Type()
			x.coded = st.Kind == plan.Primitive && (st.Prim.Kind == plan.Code || x.binding != nil && x.binding.Strength == "required" && st.Prim.Name == "code")
		}
	}
	p.elems = p.elems[:n]
	return p
}

// step is one step of the path to where a walker stands.
type step struct {
	name string // as FHIRPath has it
	json string // as JSON has it, empty if the same: valueQuantity
	n    int    // which item of a list, or -1
	typ  *plan.Type
}

// walker checks one resource at a time. It is for one goroutine.
type walker struct {
	v     *Validator
	entry *fhir.Entry // where the resource stands
	fixed int         // how many steps lead to what entry.Text holds
	path  []step

	findings  []*diag.Finding
	given     int // how many findings the codec had made
	unchecked tally
	contained fhir.Contained
	root      proto.Message // the resource that is not contained
	resource  proto.Message // the one at hand
	index     *fhir.Index   // what references of the root lead to, where that is known
	refs      []use
	steps     []step // of refs
	wants     []want
	useOf     map[*dpb.Reference]int32 // which of refs it is; only where profiles ask for more than its type
	met       uint64                   // the profiles that references ask for and the entry's resource meets
	answers   map[asking]bool          // of contained resources
	waits     bool                     // the entry answers a questionnaire that may stand in the bundle
	fragments []string
	types     map[string]string // of what root contains, by id; nil until a reference asks
	divs      []div
	scan      textScan
	keep      bool // references are kept for the bundle
	shell     bool // the entries of the bundle at hand are checked elsewhere
	depth     int
	looks     int // at items of elements and at references, since it was made: for tests of growth

	paths   *fhirpath.Context
	stack   []item // items that profiles look at
	counts  []int  // of slices
	silent  int    // above 0 nothing is reported
	hits    int    // what would have been
	nesting int    // profiles within profiles
	mine    []*profile
	sorted  map[string][]*profile // the profiles of a guide that are meant for a resource, by what they look at
	key     []byte
}

func (w *walker) push(name string) { w.path = append(w.path, step{name, "", -1, nil}) }
func (w *walker) pop()             { w.path = w.path[:len(w.path)-1] }

// object checks the elements of a resource, a datatype or a backbone element.
func (w *walker) object(p *typePlan, v reflect.Value) {
	for i := range p.elems {
		e := &p.elems[i]
		f := v.Field(e.index)
		switch e.shape {
		case list:
			n := f.Len()
			if n == 0 {
				if e.required {
					w.missing(e)
				}
				continue
			}
			sp := w.subPlan(e)
			w.path = append(w.path, step{e.elem.Name, "", 0, sp.typ})
			top := len(w.path) - 1
			for j := range n {
				w.path[top].n = j
				w.item(e, sp, e.rules.Load(), f.Index(j).Elem())
			}
			w.pop()
		case one:
			if f.IsNil() {
				if e.required {
					w.missing(e)
				}
				continue
			}
			sp := w.subPlan(e)
			w.path = append(w.path, step{e.elem.Name, "", -1, sp.typ})
			w.item(e, sp, e.rules.Load(), f.Elem())
			w.pop()
		case choice:
			x, a := e.elem.Chosen(v)
			if a == nil {
				if e.required {
					w.missing(e)
				}
				continue
			}
			w.path = append(w.path, step{e.elem.Name, a.Name, -1, a.Type()})
			c := w.altPlan(e, a)
			w.item(e, c.plan, c.rules, x)
			w.pop()
		}
	}
	if p.special != nil {
		p.special(w, v)
	}
	if p.rules != nil {
		w.invariants(p.rules, p.typ, v)
	}
}

// altPlan is what is checked of one type of a choice.
type altPlan struct {
	plan  *typePlan
	rules *rules
}

func (w *walker) altPlan(e *elemPlan, a *plan.Alt) *altPlan {
	if x, ok := e.choices.Load(a); ok {
		return x.(*altPlan)
	}
	have, _ := e.choices.LoadOrStore(a, &altPlan{w.v.plan(a.Type()), w.v.rulesAt(e.elem, a.Type())})
	return have.(*altPlan)
}

func (w *walker) subPlan(e *elemPlan) *typePlan {
	p := e.sub.Load()
	if p == nil {
		p = w.v.plan(e.elem.Type())
		e.rules.Store(w.v.rulesAt(e.elem, p.typ))
		e.sub.Store(p)
	}
	return p
}

// item checks one item of an element.
func (w *walker) item(e *elemPlan, p *typePlan, own *rules, v reflect.Value) {
	w.looks++
	switch p.typ.Kind {
	case plan.Primitive:
		if p.ext >= 0 && v.Field(p.ext).Len() > 0 {
			w.primitiveExtensions(p, v)
			if e.coded && !p.typ.Prim.HasValue(v) && w.excused(p, v) {
				w.find("CP-FHIR-121", "a code is missing, and one of a value set is required, which no extension can stand for")
			}
		}
		if p.text != nil {
			p.text(w, p.typ.Prim.Text(v))
		}
		if p.rules != nil {
			w.invariants(p.rules, p.typ, v)
		}
	case plan.Contained:
		if r, a := p.typ.Resource(v); a != nil {
			w.inner(r, a.Type())
		}
		return
	case plan.Packed:
		m, err := w.contained.Unpack(v.Addr().Interface().(*anypb.Any))
		if err != nil {
			return // the codec has said so
		}
		w.inner(reflect.ValueOf(m).Elem(), plan.OfMessage(m))
		return
	default:
		if r, ok := v.Addr().Interface().(*dpb.Reference); ok {
			w.reference(e, r)
		}
		w.object(p, v)
	}
	if e.binding != nil {
		w.bound(e.binding, p, v)
	}
	if own != nil {
		w.invariants(own, p.typ, v)
	}
}

// primitiveExtensions checks the extensions of a primitive but those that stand in the hub alone.
func (w *walker) primitiveExtensions(p *typePlan, v reflect.Value) {
	_, all := p.typ.Prim.Extras(v)
	ep := w.v.plan(extensionType())
	w.path = append(w.path, step{"extension", "", 0, ep.typ})
	top, n := len(w.path)-1, 0
	for _, x := range all {
		if plan.IsInternal(x) {
			continue
		}
		w.path[top].n = n
		n++
		w.object(ep, reflect.ValueOf(x).Elem())
	}
	w.pop()
}

// excused reports a primitive with the extension data-absent-reason.
func (w *walker) excused(p *typePlan, v reflect.Value) bool {
	_, all := p.typ.Prim.Extras(v)
	return slices.ContainsFunc(all, func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == coreURL+"data-absent-reason" })
}

// extensionType describes extensions: asked for when first needed, since it makes the plans of nearly all types.
var extensionType = sync.OnceValue(func() *plan.Type { return plan.Of(reflect.TypeFor[dpb.Extension]()) })

// missing reports a required element that is not there, unless the codec has said that its value could not be read.
func (w *walker) missing(e *elemPlan) {
	at := w.at()
	name := e.elem.Name
	for _, f := range w.findings[:w.given] {
		if rest, ok := strings.CutPrefix(f.Place.Path, at+"."+name); ok && (rest == "" || rest[0] == '.' || rest[0] == '[' || e.elem.Choice != nil) {
			return
		}
	}
	if e.elem.Choice != nil {
		name += "[x]"
	}
	w.find("CP-FHIR-101", "%s is missing", name)
}
