package validate

import (
	"reflect"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/validate/invariant"
)

// Invariants: those of FHIR itself are bound to the types and elements of the walk, those of profiles to their nodes.

// rule is one invariant, ready to run.
type rule struct {
	key, human, expression string
	id                     diag.ID
	expr                   *fhirpath.Expr
	of                     string // the profile that demands it; empty for FHIR itself
}

// rules are the invariants of a type, an element or a node.
type rules struct {
	list []rule
	t    *plan.Type // of FHIR's own rules; of a profile's the type of the item at hand
}

// native are invariants that are checked without their expressions: those of bundles while they stream (see bundle.go), ele-1 and
// ext-1 which the codec and the walk see, the narrative's, and references to contained resources.
var native = map[string]bool{
	"bdl-1": true, "bdl-2": true, "bdl-3": true, "bdl-4": true, "bdl-7": true, "bdl-9": true, "bdl-10": true, "bdl-11": true, "bdl-12": true,
	"ele-1": true, "txt-1": true, "txt-2": true, "ref-1": true, "dom-3": true,
}

// faults are rules of profiles that are wrong as published: what they say, and what is run in its place.
var faults = map[string]struct{ was, run string }{
	// In words: if effective[x] is a dateTime. As published it gives nothing on a Period.
	"vs-1": {"($this as dateTime).toString().length() >= 8", "($this is dateTime) implies ($this as dateTime).toString().length() >= 8"},
	// An element that stands several times is no condition.
	"pd-1": {"telecom or endpoint", "telecom.exists() or endpoint.exists()"},
}

// ruleID is the finding for a rule that does not hold.
func ruleID(severity string, advice bool) diag.ID {
	switch {
	case advice:
		return "CP-FHIR-222"
	case severity == "error":
		return "CP-FHIR-220"
	}
	return "CP-FHIR-221"
}

// advice are rules of FHIR that are warnings in its definitions and best practice in its words.
var advice = map[string]bool{"dom-6": true}

func bind(bound []*invariant.Bound, t *plan.Type) *rules {
	var r rules
	for _, b := range bound {
		if b.Err != nil || b.Expr == nil || native[b.Key] {
			continue
		}
		r.list = append(r.list, rule{key: b.Key, human: b.Human, expression: b.Expression, id: ruleID(b.Severity.String(), advice[b.Key]), expr: b.Expr})
	}
	if len(r.list) == 0 {
		return nil
	}
	r.t = t
	return &r
}

// rulesOf are the invariants of all items of a type.
func (v *Validator) rulesOf(t *plan.Type) *rules {
	if t.Kind == plan.Contained || t.Kind == plan.Packed {
		return nil
	}
	return bind(invariant.OfType(t), t)
}

// rulesAt are the invariants of an element beside those of its type.
func (v *Validator) rulesAt(e *plan.Element, t *plan.Type) *rules {
	return bind(invariant.OfElement(e, t), t)
}

// addRules adds the constraints of a profile's element.
func (v *Validator) addRules(have *rules, list []Constraint, of string) *rules {
	r := &rules{}
	if have != nil {
		r.list = append(r.list, have.list...)
	}
	for _, c := range list {
		if c.Expression == "" || invariant.Find(c.Key) != nil && !strings.Contains(c.Key, "us-core") {
			continue // FHIR's own stand in snapshots too
		}
		if f, ok := faults[c.Key]; ok && f.was == c.Expression {
			c.Expression = f.run
		}
		x, err := fhirpath.Compile(c.Expression, nil)
		if err != nil {
			v.remark("CP-FHIR-214", "the rule %s of %s cannot be run: %s", c.Key, of, err)
			continue
		}
		r.list = append(r.list, rule{key: c.Key, human: c.Human, expression: c.Expression, id: ruleID(c.Severity, c.Advice()), expr: x, of: of})
	}
	if len(r.list) == 0 {
		return nil
	}
	return r
}

// invariants runs rules on a value.
func (w *walker) invariants(r *rules, t *plan.Type, v reflect.Value) {
	value := fhirpath.At(t, v)
	for i := range r.list {
		x := &r.list[i]
		holds, err := x.expr.Test(w.paths, value)
		switch {
		case err != nil:
			w.unchecked.note("rules that could not be run to their end: " + x.key)
		case holds != fhirpath.True: // what gives nothing does not hold
			if x.of != "" {
				w.find(x.id, "%s of %s: %s", x.key, x.of, x.human)
			} else {
				w.find(x.id, "%s: %s", x.key, x.human)
			}
		}
	}
}

// scope tells the rules which resource they run in.
func (w *walker) scope() {
	w.paths.SetScope(fhirpath.Of(w.resource), fhirpath.Of(w.root))
}

// Find resolves references for the rules, as far as what they lead to is at hand.
func (w *walker) Find(text string, within proto.Message) proto.Message {
	if w.index == nil {
		w.index = fhir.NewIndex(fhir.Located{Resource: w.root})
	}
	return w.index.Find(text, within)
}

// MemberOf tells the rules whether a code is in a value set.
func (w *walker) MemberOf(v fhirpath.Value, url string) (member, known bool) { return false, false }
