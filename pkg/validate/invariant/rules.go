// Package invariant has the constraints of FHIR R4 (4.0.1): the 237 keys of the definitions of its types, with severity, words and
// expression, bound to the types and elements of the hub that they are rules for, and a walk that runs them all over a document.
//
// The table is made by internal/gen/invariants. An expression is compiled when its type is first met, for the hub's static type.
package invariant

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// Severity is FHIR's.
type Severity uint8

const (
	Error   Severity = iota + 1 // what violates it does not conform
	Warning                     // what violates it is no good practice
)

func (s Severity) String() string { return [...]string{"", "error", "warning"}[s] }

// Rule is one constraint.
type Rule struct {
	Key        string // dom-3; inv-1 stands for three different rules
	Severity   Severity
	Path       string // of the type or element that has it: Observation, Organization.telecom, RiskAssessment.prediction.probability[x]
	Human      string // in words
	Expression string // as it is run: as published, but for those in Faults
}

// Fault is a rule whose expression is wrong as published.
type Fault struct {
	Key        string
	Expression string // what is run in its place; empty if nothing is
	Why        string
}

// Faults are the rules of R4 that are wrong as published. All others compile, and a test has seen each hold and fail.
func Faults() []Fault {
	return []Fault{
		{"bdl-8", "fullUrl.empty() or fullUrl.contains('/_history/').not()", "published without (fullUrl.empty() or): an entry need not have a fullUrl, but a rule that gives nothing does not hold"},
		{"cid-0", "", "it is a rule for ChargeItemDefinition.name, and ChargeItemDefinition has no name"},
		{"eld-11", "binding.empty() or type.code.empty() or type.select((code = 'code') or (code = 'Coding') or (code='CodeableConcept') or " +
			"(code = 'Quantity') or (code = 'string') or (code = 'uri')).exists()", "run as published, it cannot fail: select() gives a Boolean for each type, and so exists() is true"},
		{"que-7", "operator = 'exists' implies (answer is boolean)", "published as (answer is Boolean): that is the type of FHIRPath's system, which no element has"},
		{"ref-1", "reference.empty() or reference.startsWith('#').not() or (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))",
			"published without (reference.empty() or): a Reference may have an identifier or a display alone, but a rule that gives nothing does not hold"},
		{"txt-2", "htmlChecks2()", "published as htmlChecks(), which txt-1 is; R5 says htmlChecks2(), which checks what txt-2 says in words"},
	}
}

//go:embed rules.tsv.gz
var packed []byte

// table is the rules as they were read.
type table struct {
	all    []*Rule
	byPath map[string][]*Rule
}

var load = sync.OnceValue(func() *table {
	t := &table{byPath: map[string][]*Rule{}}
	fixed := map[string]string{}
	for _, f := range Faults() {
		fixed[f.Key] = f.Expression
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		r := &Rule{Key: f[0], Severity: Error, Path: f[2], Human: f[3], Expression: f[4]}
		if f[1] == "warning" {
			r.Severity = Warning
		}
		if x, ok := fixed[r.Key]; ok {
			r.Expression = x
		}
		t.all = append(t.all, r)
		t.byPath[r.Path] = append(t.byPath[r.Path], r)
	}
	return t
})

// Rules are all rules, in the order of their paths.
func Rules() []*Rule { return load().all }

// Find gives the rules of a key: one, but three for inv-1; none if there is no such key.
func Find(key string) (found []*Rule) {
	for _, r := range load().all {
		if r.Key == key {
			found = append(found, r)
		}
	}
	return found
}

// Bound is a rule compiled for a type.
type Bound struct {
	*Rule
	Expr *fhirpath.Expr
	Err  error // why it could not be compiled
}

type boundKey struct {
	rule *Rule
	t    *plan.Type // nil for rules of abstract types, which are compiled once
}

var (
	bound        sync.Map // boundKey -> *Bound
	typeRules    sync.Map // *plan.Type -> []*Bound
	elementRules sync.Map // elementKey -> []*Bound
)

func bind(r *Rule, t *plan.Type) *Bound {
	var types fhirpath.Types
	key := boundKey{rule: r}
	switch r.Path {
	case "Element", "DomainResource", "Resource", "BackboneElement":
	default:
		key.t, types = t, fhirpath.TypesOf(t)
	}
	if b, ok := bound.Load(key); ok {
		return b.(*Bound)
	}
	b := &Bound{Rule: r}
	if b.Expr, b.Err = fhirpath.Compile(r.Expression, types); b.Err != nil && strings.HasSuffix(r.Path, "[x]") {
		// A rule for a choice speaks of elements that only some of its types have.
		b.Expr, b.Err = fhirpath.Compile(r.Expression, nil)
	}
	have, _ := bound.LoadOrStore(key, b)
	return have.(*Bound)
}

func bindAll(rules []*Rule, t *plan.Type, out []*Bound) []*Bound {
	for _, r := range rules {
		if r.Expression != "" {
			out = append(out, bind(r, t))
		}
	}
	return out
}

// OfType are the rules for all items of a type: its own, and those of the types that it is derived from.
func OfType(t *plan.Type) []*Bound {
	if x, ok := typeRules.Load(t); ok {
		return x.([]*Bound)
	}
	byPath := load().byPath
	var out []*Bound
	for _, base := range t.Bases() {
		out = bindAll(byPath[base], t, out)
	}
	if t.Name != t.Bases()[0] { // a backbone element is known by its path
		out = bindAll(byPath[t.Name], t, out)
	}
	have, _ := typeRules.LoadOrStore(t, out)
	return have.([]*Bound)
}

type elementKey struct {
	e *plan.Element
	t *plan.Type
}

// OfElement are the rules for the items of an element, beside those of their type t.
func OfElement(e *plan.Element, t *plan.Type) []*Bound {
	key := elementKey{e, t}
	if x, ok := elementRules.Load(key); ok {
		return x.([]*Bound)
	}
	path := e.Owner.Name + "." + e.Name
	if e.Choice != nil {
		path += "[x]"
	}
	var out []*Bound
	if path != t.Name {
		out = bindAll(load().byPath[path], t, nil)
	}
	have, _ := elementRules.LoadOrStore(key, out)
	return have.([]*Bound)
}
