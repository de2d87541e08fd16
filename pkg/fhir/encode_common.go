package fhir

import (
	"reflect"
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// The datatypes that most of a record is made of, extensions and codes above all, are written by their Go fields: to ask package reflect for
// each of their fields took half of the time that writing took. What of them is rare is left to the codec, and each element is written as
// the codec writes it (TestCommonTypes).

// common writes a datatype that has a writer of its own. known is false for others, and then nothing was written.
func (w *encoder) common(p any) (known, some bool, f *diag.Finding) {
	switch x := p.(type) {
	case *dpb.Extension:
		some, f = w.extension(x)
	case *dpb.Coding:
		some, f = w.coding(x)
	case *dpb.CodeableConcept:
		some, f = w.concept(x)
	case *dpb.Identifier:
		some, f = w.identifier(x)
	case *dpb.Reference:
		some, f = w.referring(x)
	default:
		return false, false, nil
	}
	return true, some, f
}

// typed writes a datatype by the codec of its type.
func (w *encoder) typed(c *codec, p any) (bool, *diag.Finding) {
	return w.object(c, reflect.ValueOf(p).Elem())
}

// open begins an object, and close ends it; one that holds nothing is taken back.
func (w *encoder) open() int {
	w.b = append(w.b, '{')
	return len(w.b)
}

func (w *encoder) close(start int) bool {
	n := len(w.b)
	if n == start {
		w.b = w.b[:start-1]
		return false
	}
	w.b[n-1] = '}' // over the last comma
	return true
}

// named writes a name with its colon.
func (w *encoder) named(name string) {
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

// primitive writes a primitive whose value is a text, with its id and extensions.
func (w *encoder) primitive(name, value string, id *dpb.String, ext []*dpb.Extension) *diag.Finding {
	if value != "" {
		w.named(name)
		if f := w.text(value); f != nil {
			return within(name, -1, f)
		}
		w.b = append(w.b, ',')
	}
	if id == nil && len(ext) == 0 {
		return nil
	}
	start := len(w.b)
	w.b = append(append(append(w.b, `"_`...), name...), '"', ':')
	ok, f := w.extended(id, ext)
	if f != nil {
		return within(name, -1, f)
	}
	if !ok {
		w.b = w.b[:start]
		return nil
	}
	w.b = append(w.b, ',')
	return nil
}

func (w *encoder) string(name string, x *dpb.String) *diag.Finding {
	if x == nil {
		return nil
	}
	return w.primitive(name, x.Value, x.Id, x.Extension)
}

func (w *encoder) uri(name string, x *dpb.Uri) *diag.Finding {
	if x == nil {
		return nil
	}
	return w.primitive(name, x.Value, x.Id, x.Extension)
}

func (w *encoder) code(name string, x *dpb.Code) *diag.Finding {
	if x == nil {
		return nil
	}
	return w.primitive(name, x.Value, x.Id, x.Extension)
}

// inside writes a datatype under its name.
func (w *encoder) inside(name string, some func() (bool, *diag.Finding)) *diag.Finding {
	start := len(w.b)
	w.named(name)
	ok, f := some()
	switch {
	case f != nil:
		return within(name, -1, f)
	case !ok:
		w.b = w.b[:start]
	default:
		w.b = append(w.b, ',')
	}
	return nil
}

// element writes the id and the extensions that every datatype may have.
func (w *encoder) element(id *dpb.String, ext []*dpb.Extension) *diag.Finding {
	if id != nil {
		if f := w.string("id", id); f != nil {
			return f
		}
	}
	if len(ext) == 0 {
		return nil
	}
	return w.extensions(ext)
}

func (w *encoder) extensions(ext []*dpb.Extension) *diag.Finding {
	return w.items("extension", len(ext), func(i int) (bool, *diag.Finding) {
		if plan.IsInternal(ext[i]) {
			return false, nil
		}
		return w.extension(ext[i])
	})
}

// items writes a list under a name, without the items of which there is nothing to write.
func (w *encoder) items(name string, n int, item func(i int) (bool, *diag.Finding)) *diag.Finding {
	start := len(w.b)
	w.named(name)
	w.b = append(w.b, '[')
	open := len(w.b)
	for i := range n {
		ok, f := item(i)
		if f != nil {
			return within(name, i, f)
		}
		if ok {
			w.b = append(w.b, ',')
		}
	}
	if len(w.b) == open {
		w.b = w.b[:start]
		return nil
	}
	w.b[len(w.b)-1] = ']'
	w.b = append(w.b, ',')
	return nil
}

func (w *encoder) extension(x *dpb.Extension) (bool, *diag.Finding) {
	start := w.open()
	f := w.element(x.Id, x.Extension)
	if f == nil {
		f = w.uri("url", x.Url)
	}
	if f == nil && x.Value != nil {
		f = w.extensionValue(x)
	}
	return w.close(start), f
}

func (w *encoder) extensionValue(x *dpb.Extension) *diag.Finding {
	switch v := x.Value.Choice.(type) {
	case *dpb.Extension_ValueX_StringValue:
		return w.string("valueString", v.StringValue)
	case *dpb.Extension_ValueX_Code:
		return w.code("valueCode", v.Code)
	case *dpb.Extension_ValueX_Uri:
		return w.uri("valueUri", v.Uri)
	case *dpb.Extension_ValueX_Identifier:
		if v.Identifier != nil {
			return w.inside("valueIdentifier", func() (bool, *diag.Finding) { return w.identifier(v.Identifier) })
		}
	case *dpb.Extension_ValueX_CodeableConcept:
		if v.CodeableConcept != nil {
			return w.inside("valueCodeableConcept", func() (bool, *diag.Finding) { return w.concept(v.CodeableConcept) })
		}
	case *dpb.Extension_ValueX_Coding:
		if v.Coding != nil {
			return w.inside("valueCoding", func() (bool, *diag.Finding) { return w.coding(v.Coding) })
		}
	case *dpb.Extension_ValueX_Reference:
		if v.Reference != nil {
			return w.inside("valueReference", func() (bool, *diag.Finding) { return w.referring(v.Reference) })
		}
	default:
		c := extensionCodec()
		e := &c.elems[len(c.elems)-1]
		k, p := e.chosen(reflect.ValueOf(x).Elem().Field(e.index))
		if k == nil {
			return nil
		}
		if f := w.member(k, p); f != nil {
			return within(k.name, -1, f)
		}
	}
	return nil
}

func (w *encoder) coding(x *dpb.Coding) (bool, *diag.Finding) {
	if x.UserSelected != nil {
		return w.typed(codingCodec(), x)
	}
	start := w.open()
	f := w.element(x.Id, x.Extension)
	if f == nil {
		f = w.uri("system", x.System)
	}
	if f == nil {
		f = w.string("version", x.Version)
	}
	if f == nil {
		f = w.code("code", x.Code)
	}
	if f == nil {
		f = w.string("display", x.Display)
	}
	return w.close(start), f
}

func (w *encoder) concept(x *dpb.CodeableConcept) (bool, *diag.Finding) {
	start := w.open()
	f := w.element(x.Id, x.Extension)
	if f == nil && len(x.Coding) > 0 {
		f = w.items("coding", len(x.Coding), func(i int) (bool, *diag.Finding) { return w.coding(x.Coding[i]) })
	}
	if f == nil {
		f = w.string("text", x.Text)
	}
	return w.close(start), f
}

func (w *encoder) identifier(x *dpb.Identifier) (bool, *diag.Finding) {
	if x.Use != nil || x.Period != nil || x.Assigner != nil {
		return w.typed(identifierCodec(), x)
	}
	start := w.open()
	f := w.element(x.Id, x.Extension)
	if f == nil && x.Type != nil {
		f = w.inside("type", func() (bool, *diag.Finding) { return w.concept(x.Type) })
	}
	if f == nil {
		f = w.uri("system", x.System)
	}
	if f == nil {
		f = w.string("value", x.Value)
	}
	return w.close(start), f
}

func (w *encoder) referring(x *dpb.Reference) (bool, *diag.Finding) {
	start := w.open()
	f := w.element(x.Id, x.Extension)
	if f == nil && x.Reference != nil {
		if f = w.reference(referenceKey(), x); f != nil {
			f = within("reference", -1, f)
		}
	}
	if f == nil {
		f = w.uri("type", x.Type)
	}
	if f == nil && x.Identifier != nil {
		f = w.inside("identifier", func() (bool, *diag.Finding) { return w.identifier(x.Identifier) })
	}
	if f == nil {
		f = w.string("display", x.Display)
	}
	return w.close(start), f
}

var (
	codingCodec     = sync.OnceValue(func() *codec { return codecOf(plan.Of(reflect.TypeFor[dpb.Coding]())) })
	identifierCodec = sync.OnceValue(func() *codec { return codecOf(plan.Of(reflect.TypeFor[dpb.Identifier]())) })
	referenceKey    = sync.OnceValue(func() *key { return codecOf(plan.Of(reflect.TypeFor[dpb.Reference]())).byName["reference"] })
)
