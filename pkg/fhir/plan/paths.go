package plan

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// This file has what paths ask of a type beyond its elements: what it is derived from, and its elements by numbered name.

// Shape says how the items of an element stand in the struct.
type Shape uint8

const (
	One           Shape = iota + 1 // a struct behind a pointer
	List                           // structs behind pointers, in a slice
	ChoiceOf                       // a choice: the oneof within the struct behind the pointer
	ResourceOf                     // ContainedResource: the oneof within it
	PackedOne                      // google.protobuf.Any
	PackedList                     // a slice of google.protobuf.Any
	ReferenceText                  // Reference.reference: a oneof of the Reference itself
)

func (e *Element) shape() Shape {
	switch {
	case e.goType == reflect.TypeFor[anypb.Any]() && e.List:
		return PackedList
	case e.goType == reflect.TypeFor[anypb.Any]():
		return PackedOne
	case e.goType == reflect.TypeFor[rpb.ContainedResource]():
		return ResourceOf
	case e.Choice != nil:
		return ChoiceOf
	case e.List:
		return List
	}
	return One
}

// Bases are the names of a type in FHIR's own hierarchy, its own name first: Patient, DomainResource, Resource; code, string,
// Element. A backbone element has no name there but BackboneElement, or Element within a datatype.
func (t *Type) Bases() []string { return t.bases }

// Is reports whether a type is one of FHIR's name or derived from it.
func (t *Type) Is(name string) bool { return slices.Contains(t.bases, name) }

// derived are the types whose base is another than Element and DomainResource.
var derived = map[string]string{"code": "string", "id": "string", "markdown": "string", "url": "uri", "canonical": "uri", "oid": "uri", "uuid": "uri",
	"positiveInt": "integer", "unsignedInt": "integer", "Age": "Quantity", "Count": "Quantity", "Distance": "Quantity", "Duration": "Quantity",
	"Timing": "BackboneElement", "Dosage": "BackboneElement", "ElementDefinition": "BackboneElement", "MarketingStatus": "BackboneElement", "Population": "BackboneElement",
	"ProdCharacteristic": "BackboneElement", "ProductShelfLife": "BackboneElement", "SubstanceAmount": "BackboneElement", "BackboneElement": "Element",
	"Bundle": "Resource", "Binary": "Resource", "Parameters": "Resource", "DomainResource": "Resource"}

// notTypes are messages of the hub that FHIR has as profiles, under the type that they are.
var notTypes = map[string]string{"SimpleQuantity": "Quantity", "MoneyQuantity": "Quantity"}

func basesOf(t *Type) []string {
	name := t.Name
	if n, ok := notTypes[name]; ok {
		name = n
	} else if strings.Contains(name, ".") && t.Kind == Complex {
		if name = "Element"; t.Desc.Fields().ByName("modifier_extension") != nil {
			name = "BackboneElement"
		}
	}
	root := "Element"
	if t.Kind == Resource {
		root = "Resource"
	}
	var out []string
	for n := name; ; {
		out = append(out, n)
		next, ok := derived[n]
		switch {
		case n == root:
			return out
		case ok:
			n = next
		case t.Kind == Resource:
			n = "DomainResource"
		default:
			n = root
		}
	}
}

// Symbol is the number of an element's name, the same for all types, for those who look up names when they run.
type Symbol int

var symbols struct {
	sync.Mutex
	byName map[string]Symbol
}

// SymbolOf gives the number of a name.
func SymbolOf(name string) Symbol {
	symbols.Lock()
	defer symbols.Unlock()
	s, ok := symbols.byName[name]
	if !ok {
		if symbols.byName == nil {
			symbols.byName = map[string]Symbol{}
		}
		s = Symbol(len(symbols.byName))
		symbols.byName[name] = s
	}
	return s
}

// ElementOf is Element by a numbered name.
func (t *Type) ElementOf(s Symbol) *Element {
	table := t.bySymbol.Load()
	if table == nil || int(s) >= len(*table) {
		table = t.fillSymbols()
	}
	return (*table)[s]
}

func (t *Type) fillSymbols() *[]*Element {
	symbols.Lock()
	defer symbols.Unlock()
	table := make([]*Element, len(symbols.byName))
	for name, s := range symbols.byName {
		table[s] = t.byName[name]
	}
	t.bySymbol.Store(&table)
	return &table
}
