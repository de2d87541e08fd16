package fhir

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// How FHIR's XML is written: as JSON is, by the same plans in the same order into one slice, and an element that turns out empty
// is taken back. The narrative is XHTML already and stands as it is.

// AppendXML appends the XML of a resource, one element without white space around its own and without a declaration, which UTF-8
// does not need, to dst. On error dst comes back as it was.
func AppendXML(dst []byte, m proto.Message) ([]byte, error) {
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
	w := xmlEncoder{b: dst}
	if f := w.resource(codecOf(t), reflect.ValueOf(m).Elem(), true); f != nil {
		f.Place.Path = t.Name + f.Place.Path
		return dst, f
	}
	return w.b, nil
}

type xmlEncoder struct{ b []byte }

// open writes a start tag without its >.
func (w *xmlEncoder) open(name string) {
	w.b = append(w.b, '<')
	w.b = append(w.b, name...)
}

// close ends an element whose start tag ended at from: with what stands behind it, or as an empty one.
func (w *xmlEncoder) close(name string, from int) {
	if len(w.b) == from {
		w.b = append(w.b[:from-1], "/>"...)
		return
	}
	w.b = append(w.b, "</"...)
	w.b = append(w.b, name...)
	w.b = append(w.b, '>')
}

func (w *xmlEncoder) resource(c *codec, v reflect.Value, root bool) *diag.Finding {
	w.open(c.typ.Name)
	if root {
		w.b = append(w.b, ` xmlns="`+fhirSpace+`"`...)
	}
	w.b = append(w.b, '>')
	from := len(w.b)
	if f := w.children(c, v); f != nil {
		return f
	}
	w.close(c.typ.Name, from)
	return nil
}

// element writes a datatype or backbone element under a name. It reports whether there was anything to write; if not, w.b is as
// before.
func (w *xmlEncoder) element(name string, c *codec, v reflect.Value) (bool, *diag.Finding) {
	start := len(w.b)
	w.open(name)
	bare := len(w.b)
	if f := w.attributes(c, v); f != nil {
		return false, f
	}
	some := len(w.b) > bare
	w.b = append(w.b, '>')
	from := len(w.b)
	if f := w.children(c, v); f != nil {
		return false, f
	}
	if !some && len(w.b) == from {
		w.b = w.b[:start]
		return false, nil
	}
	w.close(name, from)
	return true, nil
}

// attributes writes an element's id, and an extension's url.
func (w *xmlEncoder) attributes(c *codec, v reflect.Value) *diag.Finding {
	if i := c.typ.ID; i >= 0 {
		if id, ok := v.Field(i).Interface().(*dpb.String); ok && id.GetValue() != "" {
			if f := w.attribute("id", id.Value); f != nil {
				return within("id", -1, f)
			}
		}
	}
	if c.typ.Go == extensionType {
		if url := v.Addr().Interface().(*dpb.Extension).GetUrl().GetValue(); url != "" {
			if f := w.attribute("url", url); f != nil {
				return within("url", -1, f)
			}
		}
	}
	return nil
}

func (w *xmlEncoder) children(c *codec, v reflect.Value) *diag.Finding {
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
			if f := w.child(c, k, p); f != nil {
				return within(k.name, -1, f)
			}
		case k.list:
			for i := range field.Len() {
				if f := w.child(c, k, field.Index(i)); f != nil {
					return within(k.name, i, f)
				}
			}
		case field.IsNil():
		case k.name == "id" && c.typ.Kind != plan.Resource, k.name == "url" && c.typ.Go == extensionType: // an attribute
		case k.form == formReference:
			if f := w.reference(k, v.Addr().Interface().(*dpb.Reference)); f != nil {
				return within(k.name, -1, f)
			}
		default:
			if f := w.child(c, k, field); f != nil {
				return within(k.name, -1, f)
			}
		}
	}
	return nil
}

// child writes what a pointer leads to, under its name.
func (w *xmlEncoder) child(c *codec, k *key, p reflect.Value) *diag.Finding {
	switch k.form {
	case formContained:
		v, a := plan.ContainedType().Resource(p.Elem())
		if a == nil {
			return nil
		}
		return w.inner(k.name, codecOf(a.Type()), v)
	case formPacked:
		m, err := Unpack(p.Interface().(*anypb.Any))
		if err != nil {
			return diag.New("CP-FHIR-020", diag.Place{}, "%s", err)
		}
		return w.inner(k.name, codecOf(plan.OfMessage(m)), reflect.ValueOf(m).Elem())
	case formComplex:
		if k.goType == extensionType && plan.IsInternal(p.Interface().(*dpb.Extension)) {
			return nil
		}
		_, f := w.element(k.name, k.codec(), p.Elem())
		return f
	}
	prim, v := k.prim(), p.Elem()
	if k.name == "div" && c.typ.Name == "Narrative" {
		return w.div(prim.Text(v))
	}
	start := len(w.b)
	w.open(k.name)
	bare := len(w.b)
	if f := w.value(k, prim, v); f != nil {
		return f
	}
	id, ext := prim.Extras(v)
	return w.extended(k.name, start, bare, id, ext)
}

func (w *xmlEncoder) inner(name string, c *codec, v reflect.Value) *diag.Finding {
	w.open(name)
	w.b = append(w.b, '>')
	f := w.resource(c, v, false)
	w.close(name, 0)
	return f
}

// value writes the attribute with a primitive's value, nothing if it has none.
func (w *xmlEncoder) value(k *key, prim *plan.Prim, v reflect.Value) *diag.Finding {
	switch prim.Kind {
	case plan.String, plan.Code:
		if s := prim.Text(v); s != "" {
			return w.attribute("value", s)
		}
	case plan.Decimal:
		if s := prim.Text(v); s != "" {
			if _, err := prim.Parse(s); err != nil {
				return diag.New("CP-FHIR-020", diag.Place{}, "%s", err)
			}
			return w.attribute("value", s)
		}
	default: // what needs no escapes
		at := len(w.b)
		w.b = append(w.b, ` value="`...)
		from := len(w.b)
		if w.b = prim.Append(w.b, v); len(w.b) == from {
			w.b = w.b[:at]
		} else if prim.Kind == plan.Base64 && !plainXML(w.b[from:]) { // with line breaks, as it was written
			s := string(w.b[from:])
			w.b = w.b[:at]
			return w.attribute("value", s)
		} else {
			w.b = append(w.b, '"')
		}
	}
	return nil
}

// extended ends a primitive's element: id, extensions. Where there is nothing at all, the element is taken back.
func (w *xmlEncoder) extended(name string, start, bare int, id *dpb.String, ext []*dpb.Extension) *diag.Finding {
	if id.GetValue() != "" {
		if f := w.attribute("id", id.Value); f != nil {
			return f
		}
	}
	some := len(w.b) > bare
	w.b = append(w.b, '>')
	from := len(w.b)
	for i, e := range ext {
		if e == nil || plan.IsInternal(e) {
			continue
		}
		if _, f := w.element("extension", extensionCodec(), reflect.ValueOf(e).Elem()); f != nil {
			return within("extension", i, f)
		}
	}
	if !some && len(w.b) == from {
		w.b = w.b[:start]
		return nil
	}
	w.close(name, from)
	return nil
}

func (w *xmlEncoder) reference(k *key, r *dpb.Reference) *diag.Finding {
	start := len(w.b)
	w.open(k.name)
	bare := len(w.b)
	if s := ReferenceText(r); s != "" {
		if f := w.attribute("value", s); f != nil {
			return f
		}
	}
	id, ext := referenceExtras(r)
	return w.extended(k.name, start, bare, id, ext)
}

// plainXML reports a text that stands in an attribute as it is.
func plainXML[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '&' || c == '<' || c == '>' || c == 0xEF {
			return false
		}
	}
	return true
}

// attribute writes name="s".
func (w *xmlEncoder) attribute(name, s string) *diag.Finding {
	w.b = append(w.b, ' ')
	w.b = append(w.b, name...)
	w.b = append(w.b, `="`...)
	if plainXML(s) && utf8.ValidString(s) {
		w.b = append(append(w.b, s...), '"')
		return nil
	}
	for i, r := range s {
		switch r {
		case '"':
			w.b = append(w.b, "&quot;"...)
		case '&':
			w.b = append(w.b, "&amp;"...)
		case '<':
			w.b = append(w.b, "&lt;"...)
		case '>':
			w.b = append(w.b, "&gt;"...)
		case '\n', '\r', '\t': // which a reader would take for blanks
			w.b = append(w.b, "&#"...)
			w.b = append(strconv.AppendInt(w.b, int64(r), 10), ';')
		default:
			if !isChar(r) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
				return diag.New("CP-FHIR-086", diag.Place{}, "a character that XML does not have")
			}
			w.b = utf8.AppendRune(w.b, r)
		}
	}
	w.b = append(w.b, '"')
	return nil
}

// div writes the narrative's XHTML, which must be one well-formed element.
func (w *xmlEncoder) div(s string) *diag.Finding {
	if s == "" {
		return nil
	}
	for _, form := range []func(string) string{func(s string) string { return s }, numericEntities} {
		text := form(s)
		var x xmlScan
		x.reset(text, []binding{{"", fhirSpace}})
		t, ok := x.next()
		if !ok || t.kind == endTag || t.local != "div" || !x.skip(t, func(xmlTag) {}) {
			continue
		}
		if rest := strings.TrimSpace(text[x.i:]); rest != "" || strings.IndexFunc(text, func(r rune) bool { return !isChar(r) }) >= 0 {
			continue
		}
		at := t.at
		w.b = append(w.b, text[at:at+1+len(t.raw)]...)
		if t.uri == fhirSpace { // which the div would be taken for
			w.b = append(w.b, ` xmlns="`+xhtmlSpace+`"`...)
		}
		w.b = append(w.b, strings.TrimRight(text[at+1+len(t.raw):], " \t\r\n")...)
		return nil
	}
	return diag.New("CP-FHIR-086", diag.Place{Path: ".div"}, "the narrative is no well-formed XHTML")
}

// numericEntities writes the entities that HTML has and XML has not as the characters that they are.
func numericEntities(s string) string {
	return htmlEntities().Replace(s)
}

// The entities that narratives of real records hold; what else HTML has is left, and then the narrative is no XML.
var htmlEntities = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("&nbsp;", "\u00a0", "&copy;", "©", "&reg;", "®", "&deg;", "°", "&micro;", "µ", "&plusmn;", "±", "&middot;", "·",
		"&frac12;", "½", "&frac14;", "¼", "&frac34;", "¾", "&sup2;", "²", "&sup3;", "³", "&times;", "×", "&divide;", "÷", "&laquo;", "«", "&raquo;", "»",
		"&ndash;", "–", "&mdash;", "—", "&lsquo;", "‘", "&rsquo;", "’", "&ldquo;", "“", "&rdquo;", "”", "&bull;", "•", "&hellip;", "…", "&trade;", "™",
		"&larr;", "←", "&rarr;", "→", "&uarr;", "↑", "&darr;", "↓", "&le;", "≤", "&ge;", "≥", "&ne;", "≠", "&euro;", "€", "&alpha;", "α", "&beta;", "β",
		"&agrave;", "à", "&aacute;", "á", "&acirc;", "â", "&atilde;", "ã", "&auml;", "ä", "&aring;", "å", "&aelig;", "æ", "&ccedil;", "ç", "&egrave;", "è",
		"&eacute;", "é", "&ecirc;", "ê", "&euml;", "ë", "&iacute;", "í", "&icirc;", "î", "&iuml;", "ï", "&ntilde;", "ñ", "&oacute;", "ó", "&ocirc;", "ô",
		"&otilde;", "õ", "&ouml;", "ö", "&oslash;", "ø", "&uacute;", "ú", "&ucirc;", "û", "&uuml;", "ü", "&szlig;", "ß", "&para;", "¶", "&sect;", "§")
})
