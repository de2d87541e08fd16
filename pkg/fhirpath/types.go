package fhirpath

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Type is a static type: one of the hub, or one of FHIRPath's system.
type Type struct {
	FHIR   *plan.Type
	System Kind // of a type of the system; else Nothing
}

// Types are the types that a value may have. None means that nothing is known: it may be anything.
type Types []Type

// TypesOf are the types of a type of the hub.
func TypesOf(t *plan.Type) Types {
	if t == nil || t.Kind == plan.Contained || t.Kind == plan.Packed {
		return nil
	}
	return Types{{FHIR: t}}
}

// NamedTypes finds a type by FHIR's name: Patient, HumanName, Encounter.participant. Resource, DomainResource, Element and
// BackboneElement stand for any type.
func NamedTypes(name string) (Types, error) {
	if isAbstract(name) {
		return nil, nil
	}
	t, err := plan.Named(name)
	if err != nil {
		return nil, err
	}
	return TypesOf(t), nil
}

// ElementTypes are the types that an element may have: of a choice each of its types.
func ElementTypes(e *plan.Element) Types {
	if e.Choice == nil {
		return TypesOf(e.Type())
	}
	var ts Types
	for _, a := range e.Choice {
		ts = append(ts, Type{FHIR: a.Type()})
	}
	return ts
}

func system(k Kind) Types { return Types{{System: k}} }

// only tells whether there is one type, of this kind of the system.
func (ts Types) only(k Kind) bool { return len(ts) == 1 && ts[0].System == k }

// join gives what may be of the one or the other.
func (ts Types) join(us Types) Types {
	if ts == nil || us == nil {
		return nil
	}
	out := slices.Clone(ts)
	for _, u := range us {
		if !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

func (t Type) String() string {
	if t.FHIR != nil {
		return t.FHIR.Name
	}
	return "System." + t.System.String()
}

func isAbstract(name string) bool {
	return name == "Element" || name == "BackboneElement" || name == "Resource" || name == "DomainResource"
}

// typeSpec is a type that an expression names.
type typeSpec struct {
	name   string // of FHIR
	system Kind   // of the system; Nothing for FHIR's, and for System.X that does not exist
	none   bool   // System.X that does not exist
}

var systemKinds = map[string]Kind{"String": String, "Boolean": Boolean, "Integer": Integer, "Decimal": Decimal, "Date": Date, "DateTime": DateTime,
	"Time": Time, "Quantity": Quantity}

// resolveType finds what a type specifier means. A name without namespace is FHIR's before the system's (3.1 of fhirpath.html).
func resolveType(spec string, pos int) typeSpec {
	name := spec
	namespace, rest, qualified := strings.Cut(spec, ".")
	switch {
	case qualified && namespace == "System":
		k, ok := systemKinds[rest]
		return typeSpec{system: k, none: !ok}
	case qualified && namespace == "FHIR":
		name = rest
	case qualified:
		fail(pos, "no namespace %s: it is FHIR or System", namespace)
	default:
		if k, ok := systemKinds[name]; ok && name != "Quantity" {
			return typeSpec{system: k}
		}
	}
	if !isTypeName(name) {
		fail(pos, "FHIR has no type %s%s", name, suggestType(name))
	}
	return typeSpec{name: name}
}

// suggestType is a hint at the type that may have been meant.
func suggestType(name string) string {
	names := plan.Resources()
	if extension, err := plan.Named("Extension"); err == nil {
		for _, a := range extension.Element("value").Choice { // all types of data
			names = append(names, a.Type().Name)
		}
	}
	return suggestLike(name, names)
}

// isTypeName tells whether FHIR has a type of exactly this name.
func isTypeName(name string) bool {
	if isAbstract(name) {
		return true
	}
	if name == "" || strings.Contains(name, ".") {
		return false
	}
	t, err := plan.Named(name)
	return err == nil && t.Bases()[0] == name && (t.Kind == plan.Primitive || t.Kind == plan.Complex || t.Kind == plan.Resource)
}

// matches tells whether a type is one that was named, or derived from it; with exact a primitive is only what it is called.
func (t Type) matches(s typeSpec, exact bool) bool {
	switch {
	case s.none:
		return false
	case s.system != Nothing || t.FHIR == nil:
		return t.FHIR == nil && t.System == s.system || t.System == Quantity && s.name == "Quantity"
	case exact && t.FHIR.Kind == plan.Primitive:
		return t.FHIR.Bases()[0] == s.name
	}
	return t.FHIR.Is(s.name)
}

func (v Value) matches(s typeSpec, exact bool) bool {
	if v.kind() == Node {
		return Type{FHIR: v.t}.matches(s, exact)
	}
	return Type{System: v.kind()}.matches(s, exact)
}

// of narrows types to those that match.
func (ts Types) of(s typeSpec) (out Types, possible bool) {
	if s.none {
		return nil, false
	}
	if s.system != Nothing {
		return system(s.system), ts == nil || slices.ContainsFunc(ts, func(t Type) bool { return t.System == s.system })
	}
	if ts == nil {
		if isAbstract(s.name) {
			return nil, true
		}
		t, err := plan.Named(s.name)
		return TypesOf(t), err == nil
	}
	for _, t := range ts {
		if t.matches(s, true) {
			out = append(out, t)
		}
	}
	return out, len(out) > 0
}

// Error is a fault of an expression: of its text when it is compiled, or of its meaning when it is run over data.
type Error struct {
	Source string // the expression
	Column int    // in Source, from 1, in bytes
	Place  string // the element that it was run on, as Context.Place writes it; empty for a fault of the text
	Msg    string // what is wrong, without any value of the data
}

func (e *Error) Error() string {
	if e.Place != "" {
		return fmt.Sprintf("column %d: %s (at %s)", e.Column, e.Msg, e.Place)
	}
	return fmt.Sprintf("column %d: %s", e.Column, e.Msg)
}
