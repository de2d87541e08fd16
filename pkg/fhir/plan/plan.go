// Package plan describes the types of FHIR R4 (4.0.1) as the hub holds them, the protobuf messages of google/fhir: elements
// by FHIR name, in the specification's order, with the struct fields where they stand.
//
// The codec, the rows and FHIRPath share this one description. Types are described when they are first asked for and never
// again; all of it is safe for concurrent use. There is no unsafe and no generated code: places are struct field indexes for
// package reflect.
//
// # Terminology
//
// A Type is a datatype, a backbone element, a resource or a primitive. An Element is one of its elements under its FHIR
// name; a choice (value[x]) is one Element with an Alt for each type that it may take. Reference.reference is no field of
// the hub's Reference but a oneof with a member for each type of resource; its Element has the Kind ReferenceText.
package plan

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	apb "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/runtime/protoimpl"
	"google.golang.org/protobuf/types/known/anypb"
)

// Kind says how a type is built.
type Kind uint8

const (
	Complex   Kind = iota + 1 // a datatype or backbone element
	Resource                  // a resource
	Primitive                 // a primitive type; Type.Prim tells which
	Contained                 // ContainedResource: one oneof with a member for each type of resource
	Packed                    // google.protobuf.Any: a contained resource, packed
)

// Type is what is known of one message type of the hub.
type Type struct {
	Name     string // FHIR's name: Patient, HumanName, Encounter.participant, dateTime; code for every type of code
	Kind     Kind
	Go       reflect.Type // the struct
	Desc     protoreflect.MessageDescriptor
	Prim     *Prim      // of a primitive
	Elements []*Element // in the specification's order; of a primitive: id, extension
	// Modifiers are those of them that FHIR flags as isModifier.
	Modifiers []*Element
	byName    map[string]*Element
	bases     []string
	bySymbol  atomic.Pointer[[]*Element]
	alts      map[string]*Alt // of ContainedResource: by resource type
	altOf     map[reflect.Type]*Alt
	oneof     int // of ContainedResource: the field of the oneof
	of        *Struct
	Codec     atomic.Value // what the codec of the hub has made of it

	referringOnce sync.Once
	referring     []*Element

	wantedOnce sync.Once
	wanted     []*Element
	required   []*Element

	// Places that every user of a plan needs, or -1.
	ID, Extension, Identifier, Meta, Contained int
}

// Element is one element of a type.
type Element struct {
	Name     string // as JSON has it; of a choice without its type: value
	Index    int    // the struct field
	List     bool
	Choice   []*Alt   // what a choice may be, in the specification's order; else nil
	RefText  bool     // Reference.reference
	Shape    Shape    // how its items stand in the struct
	Required bool     // min is 1 or more
	Modifier bool     // FHIR's isModifier
	Targets  []string // of a Reference, the types of resource that it may lead to; nil or "Resource": any
	Desc     protoreflect.FieldDescriptor

	goType reflect.Type // of the struct that the field or the list's items point to
	item   *Struct      // the same
	typ    atomic.Pointer[Type]
	oneof  int // of a choice: the field of the oneof within the struct that the field points to
	altOf  map[reflect.Type]*Alt
	refs   map[string]*Alt // of Reference.reference
	Owner  *Type
}

// Alt is one type that a choice may take, one type of resource that ContainedResource may hold, or one member of
// Reference.reference.
type Alt struct {
	Name    string   // valueQuantity; of a resource or a reference the type: Patient; "uri" and "fragment" of a reference
	Targets []string // as of an Element
	Wrap    reflect.Type
	Desc    protoreflect.FieldDescriptor
	goType  reflect.Type
	item    *Struct // the same
	wrap    *Struct // of Wrap
	typ     atomic.Pointer[Type]
}

// Type is the element's type: of a choice nil.
func (e *Element) Type() *Type {
	if e.Choice != nil {
		return nil
	}
	return load(&e.typ, e.goType)
}

// Type is the alternative's type.
func (a *Alt) Type() *Type { return load(&a.typ, a.goType) }

// GoType is the struct that the element's items are: of a choice the struct that holds its oneof.
func (e *Element) GoType() reflect.Type { return e.goType }

// Oneof is the field of a choice's oneof within the struct GoType.
func (e *Element) Oneof() int { return e.oneof }

// ByWrap finds the Alt of a choice or of Reference.reference by its wrapper's type (a struct).
func (e *Element) ByWrap(rt reflect.Type) *Alt { return e.altOf[rt] }

// Of is the struct that the element's items are: of a choice the struct that holds its oneof.
func (e *Element) Of() *Struct { return e.item }

// Of is the struct of the alternative.
func (a *Alt) Of() *Struct { return a.item }

// WrapOf is the struct that the oneof holds.
func (a *Alt) WrapOf() *Struct { return a.wrap }

// Of is the struct of the type.
func (t *Type) Of() *Struct { return t.of }

// GoType is the struct of the alternative.
func (a *Alt) GoType() reflect.Type { return a.goType }

// Oneof is the field of ContainedResource's oneof.
func (t *Type) Oneof() int { return t.oneof }

func load(p *atomic.Pointer[Type], rt reflect.Type) *Type {
	t := p.Load()
	if t == nil {
		t = Of(rt)
		p.Store(t)
	}
	return t
}

var types sync.Map // reflect.Type -> *Type

// met are types by their address, which only says where to look: a conversion asks for the same two hundred again and again, and to hash
// an interface for the map of all took a fiftieth of its time.
var met [1024]atomic.Pointer[Type]

// Of describes a struct type of the hub.
func Of(rt reflect.Type) *Type {
	at := &met[reflect.ValueOf(rt).Pointer()/64%uintptr(len(met))]
	if t := at.Load(); t != nil && t.Go == rt {
		return t
	}
	t, ok := types.Load(rt)
	if !ok {
		t, _ = types.LoadOrStore(rt, build(rt))
	}
	at.Store(t.(*Type))
	return t.(*Type)
}

// OfMessage describes the type of a message.
func OfMessage(m proto.Message) *Type { return Of(reflect.TypeOf(m).Elem()) }

// Named finds a type by FHIR's name: Patient, HumanName, dateTime, Encounter.participant, Bundle.entry.request.
func Named(name string) (*Type, error) {
	head, rest, _ := strings.Cut(name, ".")
	if head == "" {
		return nil, fmt.Errorf("a type without a name")
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("google.fhir.r4.core." + strings.ToUpper(head[:1]) + head[1:]))
	if err != nil {
		return nil, fmt.Errorf("FHIR has no type %s%s", head, Suggest(head, typeNames()))
	}
	t := Of(reflect.TypeOf(mt.Zero().Interface()).Elem())
	for rest != "" {
		head, rest, _ = strings.Cut(rest, ".")
		e := t.Element(strings.ToLower(head[:1]) + head[1:])
		if e == nil || e.Type() == nil {
			return nil, fmt.Errorf("%s has no element %s that is a type of its own%s", t.Name, head, t.Suggest(head))
		}
		t = e.Type()
	}
	return t, nil
}

// typeNames are the names of FHIR's types, in alphabetical order.
func typeNames() (names []string) {
	const core = "google.fhir.r4.core"
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		if d := mt.Descriptor(); d.ParentFile() == d.Parent() && d.ParentFile().Package() == core {
			names = append(names, string(d.Name()))
		}
		return true
	})
	slices.Sort(names)
	return names
}

// ContainedType is the type of ContainedResource.
func ContainedType() *Type { return containedType() }

// Resources are the names of all types of resource, sorted.
func Resources() []string { return slices.Sorted(maps.Keys(ContainedType().alts)) }

var containedType = sync.OnceValue(func() *Type { return Of(reflect.TypeFor[rpb.ContainedResource]()) })

// Element finds an element by name, a choice by its name without type; nil if there is none.
func (t *Type) Element(name string) *Element { return t.byName[name] }

// Lookup finds an element by the name that JSON has: valueQuantity is the choice value with its Alt.
func (t *Type) Lookup(name string) (*Element, *Alt) {
	if e := t.byName[name]; e != nil {
		if e.Choice != nil {
			return nil, nil
		}
		return e, nil
	}
	for _, e := range t.Elements {
		if e.Choice != nil && strings.HasPrefix(name, e.Name) {
			for _, a := range e.Choice {
				if a.Name == name {
					return e, a
				}
			}
		}
	}
	return nil, nil
}

// AltOf finds the Alt for a type that a choice may take, by the type's name: Quantity, dateTime; nil if it may not.
func (e *Element) AltOf(typeName string) *Alt {
	for _, a := range e.Choice {
		if a.Name == e.Name+upper(typeName) {
			return a
		}
	}
	return nil
}

// ResourceAlt is the member of ContainedResource for a type of resource, nil if there is none.
func (t *Type) ResourceAlt(name string) *Alt { return t.alts[name] }

// Suggest is "; did you mean X?" for the element whose name is nearest, or nothing.
func (t *Type) Suggest(name string) string {
	var names []string
	for _, e := range t.Elements {
		if e.Choice == nil {
			names = append(names, e.Name)
		}
		for _, a := range e.Choice {
			names = append(names, a.Name)
		}
	}
	return Suggest(name, names)
}

// Suggest is "; did you mean X?" for the nearest of the names, or nothing where none is near.
func Suggest(name string, names []string) string {
	best, dist := "", len(name)/3+2
	for _, n := range names {
		if d := distance(strings.ToLower(n), strings.ToLower(name)); d < dist {
			best, dist = n, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// Near reports names that are equal but for a slip of the pen: one letter of five, two of nine.
func Near(a, b string) bool {
	n := min(len(a), len(b))
	return a == b || n >= 5 && distance(a, b) <= 1+n/9
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// IsPrimitive reports whether a struct of the hub is a primitive type, without describing it.
func IsPrimitive(rt reflect.Type) bool {
	if rt == reflect.TypeFor[dpb.ReferenceId]() {
		return true
	}
	m, ok := reflect.New(rt).Interface().(proto.Message)
	return ok && kindOf(m.ProtoReflect().Descriptor()) == apb.StructureDefinitionKindValue_KIND_PRIMITIVE_TYPE
}

func kindOf(md protoreflect.MessageDescriptor) apb.StructureDefinitionKindValue {
	return proto.GetExtension(md.Options(), apb.E_StructureDefinitionKind).(apb.StructureDefinitionKindValue)
}

const corePrefix = "google.fhir.r4.core."

func build(rt reflect.Type) *Type {
	t := &Type{Go: rt, of: StructOf(rt), ID: -1, Extension: -1, Identifier: -1, Meta: -1, Contained: -1, oneof: -1}
	if rt == reflect.TypeFor[anypb.Any]() {
		t.Name, t.Kind, t.Desc = "Resource", Packed, (&anypb.Any{}).ProtoReflect().Descriptor()
		t.bases = []string{"Resource"}
		return t
	}
	md := reflect.New(rt).Interface().(proto.Message).ProtoReflect().Descriptor()
	t.Desc = md
	name := strings.TrimPrefix(string(md.FullName()), corePrefix)
	t.Name, t.Kind = typeName(md), Complex
	switch kindOf(md) {
	case apb.StructureDefinitionKindValue_KIND_PRIMITIVE_TYPE:
		t.Kind = Primitive
	case apb.StructureDefinitionKindValue_KIND_RESOURCE:
		t.Kind = Resource
	}
	if md.Name() == "ContainedResource" {
		t.Name, t.Kind, t.bases = "Resource", Contained, []string{"Resource"}
		t.alts, t.altOf = map[string]*Alt{}, map[reflect.Type]*Alt{}
		t.oneof = oneofField(rt, md.Oneofs().Get(0))
		ws := wrappers(rt)
		for i := range md.Fields().Len() {
			a := newAlt(ws, md.Fields().Get(i))
			a.Name = string(a.Desc.Message().Name())
			t.alts[a.Name], t.altOf[a.Wrap] = a, a
		}
		return t
	}
	if t.Kind == Primitive || name == "ReferenceId" {
		t.Kind = Primitive
		t.Prim = buildPrim(rt, md)
		t.Name = t.Prim.Name
	}
	t.bases = basesOf(t)
	index := map[protoreflect.FieldNumber]int{}
	for i := range rt.NumField() {
		if n := fieldNumber(rt.Field(i)); n > 0 {
			index[n] = i
		}
	}
	t.byName = map[string]*Element{}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if fd.Message() == nil || fd.ContainingOneof() != nil {
			continue // a primitive's own value, or a member of Reference.reference
		}
		if t.Kind == Primitive && fd.Name() != "id" && fd.Name() != "extension" {
			continue // the version in a reference
		}
		e := &Element{Name: fd.JSONName(), Index: index[fd.Number()], List: fd.IsList(), Desc: fd, Owner: t, oneof: -1}
		e.Required = proto.GetExtension(fd.Options(), apb.E_ValidationRequirement).(apb.Requirement) == apb.Requirement_REQUIRED_BY_FHIR
		e.Targets, _ = proto.GetExtension(fd.Options(), apb.E_ValidReferenceType).([]string)
		e.goType = rt.Field(e.Index).Type.Elem()
		if e.List {
			e.goType = e.goType.Elem()
		}
		e.item = StructOf(e.goType)
		if sub := fd.Message(); proto.GetExtension(sub.Options(), apb.E_IsChoiceType).(bool) {
			e.oneof = oneofField(e.goType, sub.Oneofs().Get(0))
			e.altOf = map[reflect.Type]*Alt{}
			ws := wrappers(e.goType)
			for j := range sub.Fields().Len() {
				a := newAlt(ws, sub.Fields().Get(j))
				a.Name = e.Name + upper(a.Desc.JSONName())
				a.Targets, _ = proto.GetExtension(a.Desc.Options(), apb.E_ValidReferenceType).([]string)
				e.Choice = append(e.Choice, a)
				e.altOf[a.Wrap] = a
			}
		}
		e.Shape = e.shape()
		t.add(e)
		if e.Required && t.Kind != Primitive {
			t.required = append(t.required, e)
		}
	}
	if rt == reflect.TypeFor[dpb.Reference]() {
		t.addReferenceText(md)
	}
	if rt == reflect.TypeFor[dpb.Extension]() { // the hub has url before extension
		slices.SortStableFunc(t.Elements, func(a, b *Element) int { return cmp.Compare(extensionOrder[a.Name], extensionOrder[b.Name]) })
	}
	for e, at := range map[string]*int{"id": &t.ID, "extension": &t.Extension, "identifier": &t.Identifier, "meta": &t.Meta, "contained": &t.Contained} {
		if x := t.byName[e]; x != nil {
			*at = x.Index
		}
	}
	for _, name := range modifiers[t.Name] {
		if e := t.byName[name]; e != nil {
			e.Modifier = true
		}
	}
	for _, e := range t.Elements {
		if e.Modifier {
			t.Modifiers = append(t.Modifiers, e)
		}
	}
	return t
}

var extensionOrder = map[string]int{"id": 1, "extension": 2, "url": 3, "value": 4}

// typeName is FHIR's name of a type. A backbone element is called after the element that has it, which the hub's message is
// not always: Contract.term.offer is the message Contract.Term.ContractOffer.
func typeName(md protoreflect.MessageDescriptor) string {
	parent, ok := md.Parent().(protoreflect.MessageDescriptor)
	if !ok {
		return string(md.Name())
	}
	for i := range parent.Fields().Len() {
		if fd := parent.Fields().Get(i); fd.Message() == md {
			return typeName(parent) + "." + fd.JSONName()
		}
	}
	return typeName(parent) + "." + lower(string(md.Name()))
}

func (t *Type) add(e *Element) {
	t.Elements = append(t.Elements, e)
	t.byName[e.Name] = e
}

// addReferenceText adds Reference.reference, which comes after id and extension.
func (t *Type) addReferenceText(md protoreflect.MessageDescriptor) {
	o := md.Oneofs().ByName("reference")
	e := &Element{Name: "reference", Index: oneofField(t.Go, o), RefText: true, Shape: ReferenceText, Owner: t, goType: reflect.TypeFor[dpb.String](), altOf: map[reflect.Type]*Alt{}, refs: map[string]*Alt{}}
	e.oneof, e.item = e.Index, StructOf(e.goType)
	ws := wrappers(t.Go)
	for i := range o.Fields().Len() {
		a := newAlt(ws, o.Fields().Get(i))
		// Its options say the same, but to read 150 of them takes milliseconds.
		if a.Name = string(a.Desc.Name()); a.goType == reflect.TypeFor[dpb.ReferenceId]() {
			a.Name = upper(strings.TrimSuffix(a.Desc.JSONName(), "Id"))
		}
		e.altOf[a.Wrap], e.refs[a.Name] = a, a
	}
	at := 0
	for i, x := range t.Elements {
		if x.Name == "id" || x.Name == "extension" {
			at = i + 1
		}
	}
	t.Elements = append(t.Elements[:at:at], append([]*Element{e}, t.Elements[at:]...)...)
	t.byName[e.Name] = e
}

func oneofField(rt reflect.Type, o protoreflect.OneofDescriptor) int {
	for i := range rt.NumField() {
		if rt.Field(i).Tag.Get("protobuf_oneof") == string(o.Name()) {
			return i
		}
	}
	return -1
}

// wrappers are the structs that the members of a message's oneofs are wrapped in, by field number. The generated code lists
// them; to set each member once, which would find them too, takes 20 ms for all types of resource.
func wrappers(rt reflect.Type) map[protoreflect.FieldNumber]reflect.Type {
	ws := map[protoreflect.FieldNumber]reflect.Type{}
	mi, _ := reflect.New(rt).Interface().(proto.Message).ProtoReflect().Type().(*protoimpl.MessageInfo)
	for _, w := range mi.OneofWrappers {
		t := reflect.TypeOf(w).Elem()
		ws[fieldNumber(t.Field(0))] = t
	}
	return ws
}

// fieldNumber is the number that the tag of a struct field gives.
func fieldNumber(f reflect.StructField) protoreflect.FieldNumber {
	_, rest, _ := strings.Cut(f.Tag.Get("protobuf"), ",")
	rest, _, _ = strings.Cut(rest, ",")
	n, _ := strconv.Atoi(rest)
	return protoreflect.FieldNumber(n)
}

func newAlt(ws map[protoreflect.FieldNumber]reflect.Type, fd protoreflect.FieldDescriptor) *Alt {
	w := ws[fd.Number()]
	a := &Alt{Wrap: w, Desc: fd, goType: w.Field(0).Type.Elem(), wrap: StructOf(w)}
	a.item = StructOf(a.goType)
	return a
}
