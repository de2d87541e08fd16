package ccdafhir

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// element is a part of a resource, found by FHIR's names.
type element struct {
	v reflect.Value
	t *plan.Type
}

func elementOf(m proto.Message) element {
	v := reflect.ValueOf(m).Elem()
	return element{v, plan.Of(v.Type())}
}

func (e element) ok() bool { return e.v.IsValid() && e.t != nil }

func (e element) msg() proto.Message { return e.v.Addr().Interface().(proto.Message) }

// all are the items of an element; of a choice what it holds.
func (e element) all(name string) (list []element) {
	f, n := e.named(name)
	for i := range n {
		if x := e.item(f, i); x.ok() {
			list = append(list, x)
		}
	}
	return list
}

// one is the first item at a path of names.
func (e element) one(path string) element {
	for name := range strings.SplitSeq(path, ".") {
		f, n := e.named(name)
		if n == 0 {
			return element{}
		}
		e = e.item(f, 0)
	}
	return e
}

// named is the description of an element, and how many items it has.
func (e element) named(name string) (f *plan.Element, items int) {
	if e.ok() {
		f = e.t.Element(name)
	}
	if f == nil {
		return nil, 0
	}
	return f, f.Len(e.v)
}

func (e element) item(f *plan.Element, i int) element {
	if f.Choice == nil {
		return element{f.At(e.v, i), f.Type()}
	}
	if x, a := f.Chosen(e.v); a != nil {
		return element{x, a.Type()}
	}
	return element{}
}

// text is what a primitive says.
func (e element) text() string {
	if !e.ok() || e.t.Prim == nil || !e.t.Prim.HasValue(e.v) {
		return ""
	}
	return hl7.FHIRText(e.msg())
}

// has reports a code among those of a CodeableConcept or a list of them.
func (e element) has(name string, codes ...string) bool {
	for _, c := range e.all(name) {
		for _, x := range c.all("coding") {
			if slices.Contains(codes, x.one("code").text()) {
				return true
			}
		}
	}
	return false
}

// code is the first code of a CodeableConcept.
func (e element) code(name string) string { return e.one(name + ".coding.code").text() }

// wordsOf says in words what an element holds.
func wordsOf(e element) string {
	if !e.ok() {
		return ""
	}
	switch e.t.Name {
	case "CodeableConcept":
		if s := e.one("text").text(); s != "" {
			return s
		}
		for _, x := range e.all("coding") {
			if s := wordsOf(x); s != "" {
				return s
			}
		}
		return ""
	case "Coding":
		return cmp.Or(e.one("display").text(), e.one("code").text())
	case "Quantity", "SimpleQuantity", "Age", "Duration", "Count":
		sign := map[string]string{"<": "< ", ">": "> ", "<=": "<= ", ">=": ">= "}[e.one("comparator").text()]
		return strings.TrimSpace(sign + e.one("value").text() + " " + cmp.Or(e.one("unit").text(), e.one("code").text()))
	case "Range":
		return strings.TrimSpace(wordsOf(e.one("low")) + " - " + wordsOf(e.one("high")))
	case "Ratio":
		return wordsOf(e.one("numerator")) + " / " + wordsOf(e.one("denominator"))
	case "Period":
		return strings.Trim(e.one("start").text()+" - "+e.one("end").text(), " -")
	case "Reference":
		return e.one("display").text()
	}
	return e.text()
}

func dateOf(r *mapping.Resource) string {
	e := elementOf(r.Msg)
	for _, name := range []string{"effective", "onset", "occurrence", "performed", "authoredOn", "recordedDate", "period", "date", "issued", "started", "startDate", "created"} {
		x := e.one(name)
		if x.ok() && x.t.Name == "Period" {
			x = x.one("start")
		}
		if x.ok() && x.t.Prim != nil && x.t.Name != "string" {
			if s := x.text(); s != "" {
				return s
			}
		}
	}
	return ""
}

func statusFits(r *mapping.Resource, list ...string) bool {
	return slices.Contains(list, elementOf(r.Msg).one("status").text())
}

func timeText(e element, end string) string {
	if e.ok() && e.t.Name == "Period" {
		e = e.one(end)
	}
	if !e.ok() || e.t.Prim == nil || e.t.Name == "string" {
		return ""
	}
	return e.text()
}

func words(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), ", ")
}
