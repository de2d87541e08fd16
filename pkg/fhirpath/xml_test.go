package fhirpath_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Inputs of the official tests are XML; this makes JSON of them by the hub's types.

type xmlNode struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []xmlNode  `xml:",any"`
	Inner    string     `xml:",innerxml"`
}

func (x *xmlNode) attr(name string) (string, bool) {
	for _, a := range x.Attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

func xmlToJSON(data []byte) ([]byte, error) {
	var x xmlNode
	if err := xml.NewDecoder(bytes.NewReader(data)).Decode(&x); err != nil {
		return nil, err
	}
	m, err := resourceJSON(&x)
	if err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

func resourceJSON(x *xmlNode) (map[string]any, error) {
	t, err := plan.Named(x.XMLName.Local)
	if err != nil {
		return nil, err
	}
	m, err := complexJSON(x, t)
	if err == nil {
		m["resourceType"] = t.Name
	}
	return m, err
}

func complexJSON(x *xmlNode, t *plan.Type) (map[string]any, error) {
	m := map[string]any{}
	for _, n := range []string{"id", "url"} {
		if v, ok := x.attr(n); ok {
			m[n] = v
		}
	}
	for i := range x.Children {
		c := &x.Children[i]
		name := c.XMLName.Local
		if name == "div" {
			m["div"] = `<div xmlns="http://www.w3.org/1999/xhtml">` + c.Inner + `</div>`
			continue
		}
		e, alt := t.Lookup(name)
		if e == nil {
			return nil, fmt.Errorf("%s has no %s", t.Name, name)
		}
		if e.Shape == plan.ResourceOf || e.Shape == plan.PackedOne || e.Shape == plan.PackedList {
			r, err := resourceJSON(&c.Children[0])
			if err != nil {
				return nil, err
			}
			put(m, name, r, e.List)
			continue
		}
		sub := e.Type()
		if alt != nil {
			sub = alt.Type()
		}
		inner, err := complexJSON(c, sub)
		if err != nil {
			return nil, err
		}
		if sub.Kind != plan.Primitive {
			put(m, name, inner, e.List)
			continue
		}
		var value, extra any
		if s, ok := c.attr("value"); ok {
			switch sub.Prim.Kind {
			case plan.Boolean, plan.Integer, plan.Unsigned, plan.Decimal:
				value = json.RawMessage(s)
			default:
				value = s
			}
		}
		if len(inner) > 0 {
			extra = inner
		}
		if value != nil || e.List {
			put(m, name, value, e.List)
		}
		if extra != nil || e.List {
			put(m, "_"+name, extra, e.List)
		}
	}
	for name, v := range m { // a list of extras without any
		if l, ok := v.([]any); ok && name[0] == '_' {
			some := false
			for _, x := range l {
				some = some || x != nil
			}
			if !some {
				delete(m, name)
			}
		}
	}
	return m, nil
}

func put(m map[string]any, name string, v any, list bool) {
	if !list {
		m[name] = v
		return
	}
	l, _ := m[name].([]any)
	m[name] = append(l, v)
}
