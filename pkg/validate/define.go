package validate

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The definitions that checks are made from, as FHIR's JSON has them, but for what no check looks at. Definitions come from users
// and from the packs of this package, which hold the same JSON without everything else (see internal/gen/profiles).

// Structure is a StructureDefinition.
type Structure struct {
	ResourceType      string    `json:"resourceType"`
	URL               string    `json:"url"`
	Version           string    `json:"version,omitzero"`
	Name              string    `json:"name,omitzero"`
	Kind              string    `json:"kind,omitzero"`
	Abstract          bool      `json:"abstract,omitzero"`
	Type              string    `json:"type,omitzero"`
	Base              string    `json:"baseDefinition,omitzero"`
	Derivation        string    `json:"derivation,omitzero"`
	Context           []Context `json:"context,omitempty"`
	ContextInvariants []string  `json:"contextInvariant,omitempty"`
	Differential      Elements  `json:"differential,omitzero"`
	Snapshot          Elements  `json:"snapshot,omitzero"`
}

// Context says where an extension may stand.
type Context struct {
	Type       string `json:"type"`
	Expression string `json:"expression"`
}

// Elements are the elements of a differential or snapshot.
type Elements struct {
	Element []Element `json:"element,omitempty"`
}

// Element is an ElementDefinition.
type Element struct {
	ID          string       `json:"id,omitzero"`
	Path        string       `json:"path,omitzero"`
	SliceName   string       `json:"sliceName,omitzero"`
	Slicing     *Slicing     `json:"slicing,omitzero"`
	Min         *int         `json:"min,omitzero"`
	Max         string       `json:"max,omitzero"`
	Content     string       `json:"contentReference,omitzero"`
	Type        []TypeRef    `json:"type,omitempty"`
	Binding     *Bind        `json:"binding,omitzero"`
	Constraint  []Constraint `json:"constraint,omitempty"`
	MustSupport bool         `json:"mustSupport,omitzero"`
	MaxLength   int          `json:"maxLength,omitzero"`

	Rest jsontext.Value `json:",embed"` // fixed[x], pattern[x], minValue[x], maxValue[x], and what nobody looks at
}

// Slicing says how the items of a list are told apart.
type Slicing struct {
	Discriminator []Discriminator `json:"discriminator,omitempty"`
	Ordered       bool            `json:"ordered,omitzero"`
	Rules         string          `json:"rules,omitzero"`
}

// Discriminator is one of the things by which items are told apart.
type Discriminator struct {
	Type string `json:"type"`
	Path string `json:"path"`
}

// TypeRef is a type that an element may have.
type TypeRef struct {
	Code    string   `json:"code,omitzero"`
	Profile []string `json:"profile,omitempty"`
	Targets []string `json:"targetProfile,omitempty"`
}

// Bind is the binding of an element to a value set.
type Bind struct {
	Strength string `json:"strength"`
	ValueSet string `json:"valueSet,omitzero"`
}

// Constraint is an invariant.
type Constraint struct {
	Key        string `json:"key"`
	Severity   string `json:"severity"`
	Human      string `json:"human"`
	Expression string `json:"expression,omitzero"`
	Source     string `json:"source,omitzero"`
	Extension  []struct {
		URL          string `json:"url"`
		ValueBoolean bool   `json:"valueBoolean,omitzero"`
	} `json:"extension,omitempty"`
}

// Advice reports a rule that is marked as best practice.
func (c *Constraint) Advice() bool {
	for _, x := range c.Extension {
		if x.URL == "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice" && x.ValueBoolean {
			return true
		}
	}
	return false
}

// ValueSet is a ValueSet, or one of a pack: with the codes of an include as one list.
type ValueSet struct {
	ResourceType string  `json:"resourceType"`
	URL          string  `json:"url"`
	Version      string  `json:"version,omitzero"`
	Name         string  `json:"name,omitzero"`
	Compose      Compose `json:"compose,omitzero"`
	Expansion    struct {
		Contains []Contains `json:"contains,omitempty"`
		Total    int        `json:"total,omitzero"`
	} `json:"expansion,omitzero"`
}

// Compose is how a value set is made.
type Compose struct {
	Include []Include `json:"include,omitempty"`
	Exclude []Include `json:"exclude,omitempty"`
}

// Include is a part of a value set.
type Include struct {
	System   string    `json:"system,omitzero"`
	Concept  []Concept `json:"concept,omitempty"`
	Codes    []string  `json:"codes,omitempty"`
	Filter   []Filter  `json:"filter,omitempty"`
	ValueSet []string  `json:"valueSet,omitempty"`
}

// Filter chooses codes of a code system.
type Filter struct {
	Property string `json:"property"`
	Op       string `json:"op"`
	Value    string `json:"value"`
}

// Contains is a code of an expansion.
type Contains struct {
	System   string     `json:"system,omitzero"`
	Code     string     `json:"code,omitzero"`
	Abstract bool       `json:"abstract,omitzero"`
	Contains []Contains `json:"contains,omitempty"`
}

// CodeSystem is a CodeSystem, or one of a pack: with its codes as one list.
type CodeSystem struct {
	ResourceType  string    `json:"resourceType"`
	URL           string    `json:"url"`
	Version       string    `json:"version,omitzero"`
	Name          string    `json:"name,omitzero"`
	CaseSensitive *bool     `json:"caseSensitive,omitzero"`
	Content       string    `json:"content,omitzero"`
	Supplements   string    `json:"supplements,omitzero"`
	Concept       []Concept `json:"concept,omitempty"`
	Codes         []string  `json:"codes,omitempty"`
}

// Concept is a code of a code system, with those below it.
type Concept struct {
	Code        string    `json:"code"`
	Display     string    `json:"display,omitzero"`
	Concept     []Concept `json:"concept,omitempty"`
	Designation []struct {
		Value string `json:"value,omitzero"`
	} `json:"designation,omitempty"`
	Property []struct {
		Code      string `json:"code"`
		ValueCode string `json:"valueCode,omitzero"`
	} `json:"property,omitempty"`
}

// Bindings are the bindings of FHIR's own elements, by path; in a pack alone.
type Bindings struct {
	ResourceType string          `json:"resourceType"`
	URL          string          `json:"url"`
	Of           map[string]Bind `json:"of"`
}

// limits are min and max of an element; below 0 where they are not said.
func (e *Element) limits() (lo, hi int) {
	lo, hi = -1, -1
	if e.Min != nil {
		lo = *e.Min
	}
	switch e.Max {
	case "":
	case "*":
		hi = math.MaxInt
	default:
		if n, err := strconv.Atoi(e.Max); err == nil {
			hi = n
		}
	}
	return lo, hi
}

// Typed is a member of an element whose name ends in a type: fixedUri, patternCodeableConcept.
type Typed struct {
	Name  string // fixed, pattern, minValue, maxValue
	Type  string // Uri, CodeableConcept
	Value jsontext.Value

	tree *tree
}

// typed lists the members of Rest that matter to a check.
func (e *Element) typed() []Typed {
	if len(e.Rest) == 0 {
		return nil
	}
	var all map[string]jsontext.Value
	if json.Unmarshal(e.Rest, &all) != nil {
		return nil
	}
	var list []Typed
	for _, k := range slices.Sorted(maps.Keys(all)) {
		v := all[k]
		for _, name := range []string{"fixed", "pattern", "minValue", "maxValue"} {
			if t, ok := strings.CutPrefix(k, name); ok && t != "" && t[0] >= 'A' && t[0] <= 'Z' {
				list = append(list, Typed{name, t, v, parseTree(v)})
			}
		}
	}
	return list
}

// slim leaves in a definition what checks look at: of an element's other members those that typed knows, of a profile the
// differential if its base is known.
func (s *Structure) slim(based bool) {
	if based && len(s.Differential.Element) > 0 {
		s.Snapshot = Elements{}
	} else {
		s.Differential = Elements{}
	}
	for _, list := range [][]Element{s.Differential.Element, s.Snapshot.Element} {
		for i := range list {
			e := &list[i]
			rest := map[string]jsontext.Value{}
			for _, t := range e.typed() {
				rest[t.Name+t.Type] = t.Value
			}
			e.Rest = nil
			if len(rest) > 0 {
				e.Rest, _ = json.Marshal(rest, json.Deterministic(true))
			}
			if e.Binding != nil && e.Binding.Strength != "required" && e.Binding.Strength != "extensible" {
				e.Binding = nil
			}
			for j := range e.Constraint {
				e.Constraint[j].Source = ""
			}
		}
	}
}
