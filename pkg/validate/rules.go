package validate

import (
	"reflect"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

type rules struct{}

func (v *Validator) rulesOf(t *plan.Type) *rules                  { return nil }
func (v *Validator) rulesAt(t *plan.Type, e *plan.Element) *rules { return nil }
func (w *walker) invariants(r *rules, v reflect.Value)            {}

func (v *Validator) addRules(have *rules, list []Constraint, t *plan.Type) *rules { return have }
