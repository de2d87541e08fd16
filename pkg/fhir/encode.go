package fhir

import (
	"reflect"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// How writing works. The elements of a type are asked in order whether their field is set, and the output grows in one slice:
// nothing is allocated but its growth. An object that turns out empty, which FHIR forbids, is taken back. The message is only
// read, so that several writers may share one.

type encoder struct {
	b        []byte
	contains *Contained
}

// Append appends the JSON of a resource, without white space, to dst. On error dst comes back as it was.
func Append(dst []byte, m proto.Message) ([]byte, error) {
	return appendResource(dst, m, nil)
}

func appendResource(dst []byte, m proto.Message, c *Contained) ([]byte, error) {
	if cr, ok := m.(*rpb.ContainedResource); ok {
		m = Unwrap(cr)
	}
	if m == nil || reflect.ValueOf(m).IsNil() {
		return dst, diag.New("CP-FHIR-020", diag.Place{}, "there is no resource")
	}
	t := plan.OfMessage(m)
	if t.Kind != plan.Resource {
		return dst, diag.New("CP-FHIR-020", diag.Place{}, "%s is not a resource", t.Name)
	}
	w := encoder{b: dst, contains: c}
	if f := w.resource(codecOf(t), reflect.ValueOf(m).Elem()); f != nil {
		f.Place.Path = t.Name + f.Place.Path
		return dst, f
	}
	return w.b, nil
}

// Indent appends the JSON in src, which must be valid, over several lines with two blanks a level.
func Indent(dst, src []byte) []byte {
	depth := 0
	line := func() {
		dst = append(dst, '\n')
		for range depth {
			dst = append(dst, "  "...)
		}
	}
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			from := i
			for i++; src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
			dst = append(dst, src[from:i+1]...)
		case '{', '[':
			dst = append(dst, c)
			if i+1 < len(src) && src[i+1] == c+2 { // ']' and '}' stand two behind their openings
				i++
				dst = append(dst, c+2)
				continue
			}
			depth++
			line()
		case '}', ']':
			depth--
			line()
			dst = append(dst, c)
		case ',':
			dst = append(dst, c)
			line()
		case ':':
			dst = append(dst, ": "...)
		case ' ', '\t', '\r', '\n':
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func (w *encoder) resource(c *codec, v reflect.Value) *diag.Finding {
	w.b = append(w.b, `{"resourceType":"`...)
	w.b = append(w.b, c.typ.Name...)
	w.b = append(w.b, '"', ',')
	return w.members(c, v)
}

// object writes a datatype or backbone element. It reports whether there was anything to write; if not, w.b is as before.
func (w *encoder) object(c *codec, v reflect.Value) (bool, *diag.Finding) {
	start := len(w.b)
	w.b = append(w.b, '{')
	f := w.members(c, v)
	if len(w.b) == start+2 {
		w.b = w.b[:start]
		return false, f
	}
	return true, f
}

// members writes the elements with a comma behind each, and turns the last comma into the closing bracket.
func (w *encoder) members(c *codec, v reflect.Value) *diag.Finding {
	for i := range c.elems {
		e := &c.elems[i]
		field := v.Field(e.index)
		k := e.key
		switch {
		case k == nil: // a choice
			k, p := e.chosen(field)
			if k == nil {
				continue
			}
			if f := w.member(k, p); f != nil {
				return within(k.name, -1, f)
			}
		case k.list:
			if field.Len() == 0 {
				continue
			}
			if f := w.list(k, field); f != nil {
				return f
			}
		default:
			if field.IsNil() {
				continue
			}
			var f *diag.Finding
			if k.form == formReference {
				f = w.reference(k, v.Addr().Interface().(*dpb.Reference))
			} else {
				f = w.member(k, field)
			}
			if f != nil {
				return within(k.name, -1, f)
			}
		}
	}
	if n := len(w.b) - 1; w.b[n] == ',' {
		w.b[n] = '}'
	} else {
		w.b = append(w.b, '}')
	}
	return nil
}

// within puts a step before the path of a finding.
func within(name string, n int, f *diag.Finding) *diag.Finding {
	step := "." + name
	if n >= 0 {
		step += "[" + strconv.Itoa(n) + "]"
	}
	f.Place.Path = step + f.Place.Path
	return f
}

// member writes what a pointer leads to, under its name, with a comma behind.
func (w *encoder) member(k *key, p reflect.Value) *diag.Finding {
	start := len(w.b)
	if k.form.primitive() {
		var id *dpb.String
		var ext []*dpb.Extension
		w.b = append(w.b, k.quoted...)
		before := len(w.b)
		var f *diag.Finding
		id, ext, f = w.value(k, p)
		if f != nil {
			return f
		}
		if len(w.b) == before {
			w.b = w.b[:start]
		} else {
			w.b = append(w.b, ',')
		}
		if id == nil && len(ext) == 0 {
			return nil
		}
		return w.under(k, id, ext)
	}
	w.b = append(w.b, k.quoted...)
	ok, f := w.item(k, p)
	if f != nil {
		return f
	}
	if !ok {
		w.b = w.b[:start]
		return nil
	}
	w.b = append(w.b, ',')
	return nil
}

// under writes the id and extensions of a primitive.
func (w *encoder) under(k *key, id *dpb.String, ext []*dpb.Extension) *diag.Finding {
	start := len(w.b)
	w.b = append(w.b, k.under...)
	ok, f := w.extended(id, ext)
	if f != nil {
		return f
	}
	if !ok {
		w.b = w.b[:start]
		return nil
	}
	w.b = append(w.b, ',')
	return nil
}

// extended writes the object with the id and extensions of a primitive; false if there are none but the hub's own.
func (w *encoder) extended(id *dpb.String, ext []*dpb.Extension) (bool, *diag.Finding) {
	start := len(w.b)
	w.b = append(w.b, '{')
	if id.GetValue() != "" {
		w.b = append(w.b, `"id":`...)
		if f := w.text(id.Value); f != nil {
			return false, f
		}
		w.b = append(w.b, ',')
	}
	open := false
	for i, e := range ext {
		if plan.IsInternal(e) || e == nil {
			continue
		}
		if !open {
			w.b = append(w.b, `"extension":[`...)
			open = true
		}
		ok, f := w.extension(e)
		if f != nil {
			return false, within("extension", i, f)
		}
		if ok {
			w.b = append(w.b, ',')
		}
	}
	n := len(w.b) - 1
	if open && w.b[n] == ',' {
		w.b[n] = ']'
		w.b = append(w.b, '}')
		return true, nil
	}
	if id.GetValue() == "" {
		w.b = w.b[:start]
		return false, nil
	}
	w.b[n] = '}'
	return true, nil
}

// list writes the items of a list; of primitives the values, then what stands under _name.
func (w *encoder) list(k *key, field reflect.Value) *diag.Finding {
	if k.name == "extension" {
		if ext, ok := field.Addr().Interface().(*[]*dpb.Extension); ok {
			return w.extensions(*ext)
		}
	}
	n := field.Len()
	if !k.form.primitive() {
		return w.items(k.name, n, func(i int) (bool, *diag.Finding) {
			if k.goType == extensionType && plan.IsInternal(field.Index(i).Interface().(*dpb.Extension)) {
				return false, nil
			}
			return w.item(k, field.Index(i))
		})
	}
	start := len(w.b)
	w.b = append(append(w.b, k.quoted...), '[')
	values, extended := 0, false
	for i := range n {
		at := len(w.b)
		id, ext, f := w.value(k, field.Index(i))
		if f != nil {
			return within(k.name, i, f)
		}
		extended = extended || id != nil || len(ext) > 0
		if len(w.b) > at {
			values++
		} else if id != nil || len(ext) > 0 {
			w.b = append(w.b, "null"...)
		} else {
			continue // nothing at all
		}
		w.b = append(w.b, ',')
	}
	if values == 0 {
		w.b = w.b[:start]
	} else {
		w.b[len(w.b)-1] = ']'
		w.b = append(w.b, ',')
	}
	if !extended {
		return nil
	}
	start = len(w.b)
	w.b = append(append(w.b, k.under...), '[')
	some := false
	for i := range n {
		id, ext := k.prim().Extras(field.Index(i).Elem())
		ok, f := w.extended(id, ext)
		if f != nil {
			return within(k.name, i, f)
		}
		if some = some || ok; !ok {
			if !k.prim().HasValue(field.Index(i).Elem()) && id == nil && len(ext) == 0 {
				continue
			}
			w.b = append(w.b, "null"...)
		}
		w.b = append(w.b, ',')
	}
	if !some { // the extensions were the hub's own
		w.b = w.b[:start]
		return nil
	}
	w.b[len(w.b)-1] = ']'
	w.b = append(w.b, ',')
	return nil
}

// item writes a datatype, a backbone element or a resource.
func (w *encoder) item(k *key, p reflect.Value) (bool, *diag.Finding) {
	switch k.form {
	case formContained:
		v, a := plan.ContainedType().Resource(p.Elem())
		if a == nil {
			return false, nil
		}
		return true, w.resource(codecOf(a.Type()), v)
	case formPacked:
		m, err := w.unpack(p.Interface().(*anypb.Any))
		if err != nil {
			return false, diag.New("CP-FHIR-020", diag.Place{}, "%s", err)
		}
		return true, w.resource(codecOf(plan.OfMessage(m)), reflect.ValueOf(m).Elem())
	}
	if k.common {
		if known, some, f := w.common(p.Interface()); known {
			return some, f
		}
	}
	return w.object(k.codec(), p.Elem())
}

func (w *encoder) unpack(a *anypb.Any) (proto.Message, error) {
	if w.contains != nil {
		return w.contains.Unpack(a)
	}
	return Unpack(a)
}

// value writes the value of a primitive, nothing if it has none, and gives its id and extensions.
func (w *encoder) value(k *key, p reflect.Value) (id *dpb.String, ext []*dpb.Extension, f *diag.Finding) {
	switch k.form {
	case formString:
		x := p.Interface().(*dpb.String)
		if x.Value != "" {
			f = w.text(x.Value)
		}
		return x.Id, x.Extension, f
	case formURI:
		x := p.Interface().(*dpb.Uri)
		if x.Value != "" {
			f = w.text(x.Value)
		}
		return x.Id, x.Extension, f
	case formCode:
		x := p.Interface().(*dpb.Code)
		if x.Value != "" {
			f = w.text(x.Value)
		}
		return x.Id, x.Extension, f
	case formDecimal:
		x := p.Interface().(*dpb.Decimal)
		if x.Value != "" {
			if _, err := k.prim().Parse(x.Value); err != nil {
				return nil, nil, diag.New("CP-FHIR-020", diag.Place{}, "%s", err)
			}
			w.b = append(w.b, x.Value...)
		}
		return x.Id, x.Extension, nil
	}
	prim, v := k.prim(), p.Elem()
	switch prim.Kind {
	case plan.String:
		if s := prim.Text(v); s != "" {
			f = w.text(s)
		}
	case plan.Boolean, plan.Integer, plan.Unsigned:
		w.b = prim.Append(w.b, v)
	default: // what needs no escapes
		n := len(w.b)
		w.b = append(w.b, '"')
		if w.b = prim.Append(w.b, v); len(w.b) == n+1 {
			w.b = w.b[:n]
		} else {
			w.b = append(w.b, '"')
		}
	}
	id, ext = prim.Extras(v)
	return id, ext, f
}

// reference writes Reference.reference.
func (w *encoder) reference(k *key, r *dpb.Reference) *diag.Finding {
	start := len(w.b)
	w.b = append(w.b, k.quoted...)
	open := len(w.b)
	w.b = AppendReference(append(w.b, '"'), r)
	if len(w.b) == open+1 {
		w.b = w.b[:start]
	} else {
		if !plain(w.b[open+1:]) {
			s := string(w.b[open+1:])
			w.b = w.b[:open]
			if f := w.text(s); f != nil {
				return f
			}
		} else {
			w.b = append(w.b, '"')
		}
		w.b = append(w.b, ',')
	}
	id, ext := referenceExtras(r)
	if id == nil && len(ext) == 0 {
		return nil
	}
	return w.under(k, id, ext)
}

// plain reports a text that stands in JSON as it is.
func plain[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if special[s[i]] {
			return false
		}
	}
	return true
}

// special are the bytes that JSON escapes, and those of which only several make a character.
var special = func() (special [256]bool) {
	for c := range special {
		special[c] = c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf
	}
	return special
}()

// text writes a text of JSON.
func (w *encoder) text(s string) *diag.Finding {
	if !plain(s) {
		b, err := jsontext.AppendQuote(w.b, s)
		if err != nil {
			return diag.New("CP-FHIR-020", diag.Place{}, "a text that is not UTF-8")
		}
		w.b = b
		return nil
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
	return nil
}

var (
	extensionType  = reflect.TypeFor[dpb.Extension]()
	extensionCodec = sync.OnceValue(func() *codec { return codecOf(plan.Of(extensionType)) })
)
