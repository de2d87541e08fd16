package fhirpath

import (
	"math/big"
	"strings"
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// isQuantity tells whether v is a quantity of the system, or one of FHIR's.
func (v Value) isQuantity() bool {
	return v.kind() == Quantity || v.kind() == Node && v.t.Kind == plan.Complex && v.t.Is("Quantity")
}

// quantityElements are the elements that say how much a Quantity of FHIR is, for each type that is one.
type quantityElements struct{ value, comparator, unit, code *plan.Element }

var quantityPlans sync.Map // *plan.Type -> *quantityElements

func quantityPlan(t *plan.Type) *quantityElements {
	if p, ok := quantityPlans.Load(t); ok {
		return p.(*quantityElements)
	}
	p := &quantityElements{t.Element("value"), t.Element("comparator"), t.Element("unit"), t.Element("code")}
	quantityPlans.Store(t, p)
	return p
}

// quantity is the value of a quantity and its unit as FHIRPath writes it: 'mg', or day for one of the calendar. A number is one of
// unit '1'. A Quantity with a comparator is no amount: ok is false.
func (v Value) quantity() (value, unit string, ok bool) {
	switch v.kind() {
	case Quantity:
		value, unit, _ = strings.Cut(v.s, " ")
		return value, unit, true
	case Integer, Decimal:
		return decimalText(v), "'1'", true
	}
	if !v.isQuantity() {
		return "", "", false
	}
	if q, is := v.v.Addr().Interface().(*dpb.Quantity); is {
		if q.GetComparator() != nil || q.GetValue() == nil {
			return "", "", false
		}
		value, unit = q.GetValue().GetValue(), q.GetCode().GetValue()
		if unit == "" {
			unit = q.GetUnit().GetValue()
		}
	} else {
		text := func(e *plan.Element) string {
			if e == nil || e.Len(v.v) == 0 {
				return ""
			}
			return e.Type().Prim.Text(e.At(v.v, 0))
		}
		p := quantityPlan(v.t)
		if p.comparator != nil && p.comparator.Len(v.v) > 0 {
			return "", "", false
		}
		if value, unit = text(p.value), text(p.code); unit == "" {
			unit = text(p.unit)
		}
	}
	if unit == "" {
		unit = "1"
	}
	return value, "'" + unit + "'", value != ""
}

// amount is a quantity in base units.
type amount struct {
	n   *big.Rat
	dim string
}

func (c *Context) amount(value, unit string) (a amount, ok bool) {
	u, ok := c.unit(unit)
	if !ok {
		return a, false
	}
	n, ok := ratOf(value)
	if !ok {
		return a, false
	}
	n.Mul(n, u.factor)
	if u.offset != nil {
		n.Add(n, u.offset)
	}
	return amount{n, u.dim}, true
}

// compareQuantities compares two amounts, in units that measure the same; ok is false for others.
func (c *Context) compareQuantities(a, b Value) (order int, ok bool) {
	av, au, ok1 := a.quantity()
	bv, bu, ok2 := b.quantity()
	if !ok1 || !ok2 {
		return 0, false
	}
	if au == bu {
		return compareDecimals(av, bv)
	}
	x, ok1 := c.amount(av, au)
	y, ok2 := c.amount(bv, bu)
	if !ok1 || !ok2 || x.dim != y.dim {
		return 0, false
	}
	return x.n.Cmp(y.n), true
}

// equivalentUnit are the units of UCUM that ~ takes for calendar units.
var equivalentUnit = map[string]string{"year": "'a'", "month": "'mo'"}

// equivalentQuantities is ~ (6.1.2 of N1): equal to the precision of the less precise.
func (c *Context) equivalentQuantities(a, b Value) bool {
	av, au, ok1 := a.quantity()
	bv, bu, ok2 := b.quantity()
	if !ok1 || !ok2 {
		return false
	}
	if u, ok := equivalentUnit[au]; ok && bu != au && bu[0] == '\'' {
		au = u
	}
	if u, ok := equivalentUnit[bu]; ok && bu != au && au[0] == '\'' {
		bu = u
	}
	if au == bu {
		return equivalentDecimals(av, bv)
	}
	x, ok1 := c.amount(av, au)
	y, ok2 := c.amount(bv, bu)
	if !ok1 || !ok2 || x.dim != y.dim {
		return false
	}
	// As precise as the less precise of the two, in its own unit.
	u, _ := c.unit(au)
	w, _ := c.unit(bu)
	step := new(big.Rat).Mul(u.factor, powerOfTen(-scaleOf(av)))
	if other := new(big.Rat).Mul(w.factor, powerOfTen(-scaleOf(bv))); other.Cmp(step) > 0 {
		step = other
	}
	d := x.n.Sub(x.n, y.n)
	return d.Abs(d).Cmp(step.Mul(step, big.NewRat(1, 2))) <= 0
}

// equivalentDecimals rounds both to the digits of the less precise.
func equivalentDecimals(a, b string) bool {
	x, ok1 := ratOf(a)
	y, ok2 := ratOf(b)
	if !ok1 || !ok2 {
		return false
	}
	n := min(scaleOf(a), scaleOf(b))
	return x.FloatString(n) == y.FloatString(n)
}
