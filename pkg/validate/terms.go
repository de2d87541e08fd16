package validate

import (
	"reflect"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/terminology"
)

// terms is what is known of code systems and value sets.
type terms struct{}

// holds reports whether a system has a code, and whether that is known.
func (t *terms) holds(system, code string, versioned bool) (holds, known bool) {
	return terminology.Holds(system, code)
}

type binding struct{}

func (v *Validator) bindingOf(t *plan.Type, e *plan.Element) *binding { return nil }

func (w *walker) bound(b *binding, p *typePlan, v reflect.Value) {}
