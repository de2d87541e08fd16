package fhir

import (
	"fmt"
	"reflect"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Small makers for what code must say of FHIR outside of rows: pairs of functions, bundles, tests. An empty text makes nil, so
// that an element without a value is no element.

// String makes a string.
func String(s string) *dpb.String {
	if s == "" {
		return nil
	}
	return &dpb.String{Value: s}
}

// URI makes a uri.
func URI(s string) *dpb.Uri {
	if s == "" {
		return nil
	}
	return &dpb.Uri{Value: s}
}

// Code makes a code of an open value set; those that FHIR demands have types of their own.
func Code(s string) *dpb.Code {
	if s == "" {
		return nil
	}
	return &dpb.Code{Value: s}
}

// NewID makes the id of a resource.
func NewID(s string) *dpb.Id {
	if s == "" {
		return nil
	}
	return &dpb.Id{Value: s}
}

// Coding makes a Coding; nil if it would say nothing.
func Coding(system, code, display string) *dpb.Coding {
	if system == "" && code == "" && display == "" {
		return nil
	}
	return &dpb.Coding{System: URI(system), Code: Code(code), Display: String(display)}
}

// Concept makes a CodeableConcept with one coding; nil if it would say nothing.
func Concept(system, code, display string) *dpb.CodeableConcept {
	c := Coding(system, code, display)
	if c == nil {
		return nil
	}
	return &dpb.CodeableConcept{Coding: []*dpb.Coding{c}}
}

// TextConcept makes a CodeableConcept of a text.
func TextConcept(text string) *dpb.CodeableConcept {
	if text == "" {
		return nil
	}
	return &dpb.CodeableConcept{Text: String(text)}
}

// NewIdentifier makes an Identifier; nil if there is no value.
func NewIdentifier(system, value string) *dpb.Identifier {
	if value == "" {
		return nil
	}
	return &dpb.Identifier{System: URI(system), Value: String(value)}
}

// Ref makes a Reference of a text: Patient/1, urn:uuid:..., #x; nil if it is empty.
func Ref(text string) *dpb.Reference {
	if text == "" {
		return nil
	}
	r := &dpb.Reference{}
	SetReference(r, text)
	return r
}

// Decimal reads a decimal, which is kept as it is written.
func Decimal(text string) (*dpb.Decimal, error) { return parse[dpb.Decimal](text) }

// DateTime reads a dateTime: 2026, 2026-11, 2026-11-22, or to the second with an offset.
func DateTime(text string) (*dpb.DateTime, error) { return parse[dpb.DateTime](text) }

// Date reads a date.
func Date(text string) (*dpb.Date, error) { return parse[dpb.Date](text) }

// Instant reads an instant.
func Instant(text string) (*dpb.Instant, error) { return parse[dpb.Instant](text) }

// parse reads the text of a primitive.
func parse[T any](text string) (*T, error) {
	p := plan.Of(reflect.TypeFor[T]()).Prim
	v, err := p.Parse(text)
	if err != nil {
		return nil, err
	}
	x := new(T)
	p.Store(reflect.ValueOf(x).Elem(), v)
	return x, nil
}

// Quantity makes a Quantity of UCUM; the value is FHIR's text of a decimal.
func Quantity(value, unit, code string) (*dpb.Quantity, error) {
	d, err := Decimal(value)
	if err != nil {
		return nil, err
	}
	q := &dpb.Quantity{Value: d, Unit: String(unit)}
	if code != "" {
		q.System, q.Code = URI("http://unitsofmeasure.org"), Code(code)
	}
	return q, nil
}

// Extension makes an Extension whose value is a message of one of the types that FHIR allows there, such as *String, *Coding
// or *Reference. Without values it holds the parts, which are Extensions themselves.
func Extension(url string, value any, parts ...*dpb.Extension) (*dpb.Extension, error) {
	x := &dpb.Extension{Url: URI(url), Extension: parts}
	if value == nil {
		return x, nil
	}
	e := plan.Of(reflect.TypeFor[dpb.Extension]()).Element("value")
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		for _, a := range e.Choice {
			if a.GoType() == v.Type().Elem() {
				e.Choose(reflect.ValueOf(x).Elem(), a, v.Elem())
				return x, nil
			}
		}
	}
	return nil, fmt.Errorf("an extension cannot hold a %T", value)
}

// FindExtension is the first of the extensions with a url, nil if there is none.
func FindExtension(list []*dpb.Extension, url string) *dpb.Extension {
	for _, x := range list {
		if x.GetUrl().GetValue() == url {
			return x
		}
	}
	return nil
}
