package fhirpath

import (
	"reflect"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Kind says what a Value is: an element or resource of the hub, or a value of FHIRPath's own system.
type Kind uint8

const (
	Nothing  Kind = iota // the zero Value
	Node                 // an element or a resource
	String               // System.String
	Boolean              // System.Boolean
	Integer              // System.Integer
	Decimal              // System.Decimal
	Date                 // System.Date
	DateTime             // System.DateTime
	Time                 // System.Time
	Quantity             // System.Quantity
	TypeInfo             // what type() gives
)

var kindNames = [...]string{"nothing", "node", "String", "Boolean", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "TypeInfo"}

func (k Kind) String() string { return kindNames[k] }

// Value is one item of a collection. It is small and compared, copied and kept freely; a Node stays what it is as long as its
// message does. The fields fill eight machine words, so that a Value travels in registers.
type Value struct {
	t *plan.Type    // of a Node
	v reflect.Value // of a Node the struct; of the text of a Reference the Reference
	s string        // String, Decimal: the text; Quantity: the value, a blank, the unit as FHIRPath writes it; TypeInfo: System.String
	n int64         // Integer; Boolean (0, 1); of dates and times the microseconds of the wall clock since 1970
	m meta
}

// meta holds a Kind, a precision and a zone.
type meta uint64

const (
	precisionShift      = 8
	zoneShift           = 16
	zoned          meta = 1 << 32 // there is a zone
	reference      meta = 1 << 33 // a Node that is the text of a Reference
)

func (v Value) kind() Kind           { return Kind(v.m) }
func (v Value) precision() precision { return precision(v.m >> precisionShift) }
func (v Value) zoned() bool          { return v.m&zoned != 0 }
func (v Value) zone() int            { return int(int16(v.m >> zoneShift)) } // minutes east
func (v Value) isReference() bool    { return v.m&reference != 0 }

func (v Value) withPrecision(p precision) Value {
	v.m = v.m&^(0xff<<precisionShift) | meta(p)<<precisionShift
	return v
}

func (v Value) withZone(minutes int) Value {
	v.m = v.m&^(0xffff<<zoneShift) | meta(uint16(int16(minutes)))<<zoneShift | zoned
	return v
}

func stringOf(s string) Value  { return Value{s: s, m: meta(String)} }
func integerOf(n int64) Value  { return Value{n: n, m: meta(Integer)} }
func decimalOf(s string) Value { return Value{s: s, m: meta(Decimal)} }

func booleanOf(b bool) Value {
	v := Value{m: meta(Boolean)}
	if b {
		v.n = 1
	}
	return v
}

func quantityText(value, unit string) Value { return Value{s: value + " " + unit, m: meta(Quantity)} }

func nodeOf(t *plan.Type, v reflect.Value) Value { return Value{t: t, v: v, m: meta(Node)} }

// Of is the Value of a message: a resource, a datatype or a backbone element; of a ContainedResource what it holds. It is the zero
// Value if there is nothing.
func Of(m proto.Message) Value {
	if cr, ok := m.(*rpb.ContainedResource); ok {
		m = fhir.Unwrap(cr)
	}
	if m == nil {
		return Value{}
	}
	v := reflect.ValueOf(m)
	if v.IsNil() {
		return Value{}
	}
	return nodeOf(plan.OfMessage(m), v.Elem())
}

// At is the Value of a struct of the hub, as pkg/fhir/plan walks them.
func At(t *plan.Type, v reflect.Value) Value { return nodeOf(t, v) }

// ReferenceText is the Value of Reference.reference of a struct that is a Reference; the zero Value if it has none.
func ReferenceText(v reflect.Value) Value {
	e := referenceElement()
	if x, _ := e.Chosen(v); !x.IsValid() {
		return Value{}
	}
	return Value{t: e.Type(), v: v, m: meta(Node) | reference}
}

// NewString makes a String of the system, for constants.
func NewString(s string) Value { return stringOf(s) }

// NewInteger makes an Integer of the system.
func NewInteger(n int64) Value { return integerOf(n) }

// NewBoolean makes a Boolean of the system.
func NewBoolean(b bool) Value { return booleanOf(b) }

// NewDecimal makes a decimal of its text; ok is false if it is none.
func NewDecimal(s string) (v Value, ok bool) {
	_, ok = ratOf(s)
	return decimalOf(s), ok
}

// NewTemporal makes a Date, DateTime or Time (which begins with T) of FHIR's text.
func NewTemporal(s string) (v Value, ok bool) { return parseTemporal(s, false) }

// Kind is what the value is.
func (v Value) Kind() Kind { return v.kind() }

// Type is the type of a Node, else nil.
func (v Value) Type() *plan.Type { return v.t }

// Struct is the struct of a Node: of the text of a Reference the Reference.
func (v Value) Struct() reflect.Value { return v.v }

// Message is the message of a Node, nil for values of the system: of the text of a Reference the Reference.
func (v Value) Message() proto.Message {
	if v.kind() != Node {
		return nil
	}
	m, _ := v.v.Addr().Interface().(proto.Message)
	return m
}

// TypeName is the name of the type with its namespace: FHIR.HumanName, System.String.
func (v Value) TypeName() string {
	if v.kind() == Node {
		return "FHIR." + v.t.Bases()[0]
	}
	return "System." + v.kind().String()
}

// Int is the number of an Integer, and of a primitive that is one.
func (v Value) Int() (int64, bool) {
	v = v.System()
	return v.n, v.kind() == Integer
}

// Bool is the truth of a Boolean, and of a primitive that is one.
func (v Value) Bool() (value, ok bool) {
	v = v.System()
	return v.n != 0, v.kind() == Boolean
}

// Text is the value as FHIR writes it; ok is false for what has none, such as a HumanName or a primitive without value.
func (v Value) Text() (s string, ok bool) {
	switch v.kind() {
	case Node:
		switch {
		case v.isReference():
			r, _ := v.v.Addr().Interface().(*dpb.Reference)
			s = fhir.ReferenceText(r)
			return s, s != ""
		case v.t.Kind == plan.Primitive:
			return v.t.Prim.Text(v.v), v.t.Prim.HasValue(v.v)
		case v.isQuantity():
			if value, unit, ok := v.quantity(); ok {
				return value + " " + unit, true
			}
		}
		return "", false
	case String, Decimal, Quantity:
		return v.s, true
	case Boolean:
		return strconv.FormatBool(v.n != 0), true
	case Integer:
		return strconv.FormatInt(v.n, 10), true
	case Date, DateTime, Time:
		return v.temporalText(), true
	}
	return "", false
}

// isPrimitive tells whether v is a primitive element.
func (v Value) isPrimitive() bool { return v.kind() == Node && v.t.Kind == plan.Primitive }

// hasValue tells whether a primitive has a value beside its extensions.
func (v Value) hasValue() bool {
	switch {
	case v.kind() != Node:
		return v.kind() != Nothing
	case v.isReference():
		return referenceHasValue(v.v)
	}
	return v.t.Kind == plan.Primitive && v.t.Prim.HasValue(v.v)
}

// System is the value of a primitive as FHIRPath's system has it (6.2 of FHIR R4's fhirpath.html). Everything else, and a primitive
// without value, stays as it is.
func (v Value) System() Value { return v.system(nil) }

// system is System; the text of a reference is made in the context's memory, if there is one.
func (v Value) system(c *Context) Value {
	if v.kind() != Node || v.t.Kind != plan.Primitive {
		return v
	}
	if c != nil {
		c.read(v)
	}
	if v.isReference() {
		if !referenceHasValue(v.v) {
			return v
		}
		return stringOf(c.referenceText(v.v))
	}
	p := v.t.Prim
	if !p.HasValue(v.v) {
		return v
	}
	switch p.Kind {
	case plan.String, plan.Code, plan.Base64:
		return stringOf(p.Text(v.v))
	case plan.Decimal:
		return decimalOf(p.Text(v.v))
	case plan.Boolean:
		return booleanOf(p.Load(v.v).I != 0)
	case plan.Integer, plan.Unsigned:
		return integerOf(p.Load(v.v).I)
	}
	return temporalOf(p, v.v)
}
