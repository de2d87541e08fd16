// Package schema is the XML schema of CDA R2 with the SDTC extensions (CDA_SDTC.xsd of 2025-11) as Go values: the types of
// elements with their content in order, their attributes, and what the text of each may be.
//
// types.txt is made by internal/gen/cdaschema and read when it is first asked for. A block begins with a line
//
//	root NAME TYPE                                                the type of a document's root
//	type NAME [extension|restriction BASE] [mixed] [abstract]     then a line @NAME SIMPLE [required|prohibited] [default=V] [fixed=V]
//	                                                              for each attribute, then one of content
//	simple NAME restriction|union|list BASE... [FACET=V]...       then a line of codes, if they are enumerated
//
// where content is a regular expression over NAME=TYPE with blanks for sequence, | for choice and ? * + {least,most}.
// Elements of urn:hl7-org:sdtc have the prefix sdtc:, and * stands for any element of another namespace.
package schema

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed types.txt
var typesText string

// Type is what an element may hold.
type Type struct {
	Name       string
	Mixed      bool // text may stand between the elements
	Abstract   bool // xsi:type must say which type it is
	Attributes []Attribute
	Content    *Particle // nil: no elements

	base     *Type
	children map[string]Child
	required []string
	oneOf    [][]string
}

// Attribute is one that an element may have.
type Attribute struct {
	Name     string // with the prefix sdtc: or xml:
	Type     *Simple
	Required bool
	Fixed    string
	Default  string
}

// Child is an element that a type may hold.
type Child struct {
	Type *Type
	Rank int  // its place in the order; elements of one rank stand in any order
	Once bool // it may stand there once only
	// Choice is the same for the elements of which one may stand there, 0 for all others: an entry has one statement.
	Choice int
}

// Particle is a part of a content model.
type Particle struct {
	Name        string      // of an element; * is any of another namespace; "" is a group
	Type        *Type       // of an element
	Parts       []*Particle // of a group
	Choice      bool        // one of the parts, not all of them in order
	Least, Most int         // Most < 0: no limit

	typeName string
}

type dictionary struct {
	roots   map[string]string
	types   map[string]*Type
	simples map[string]*Simple
}

var load = sync.OnceValue(func() *dictionary {
	d := &dictionary{map[string]string{}, map[string]*Type{}, map[string]*Simple{}}
	type reading struct {
		t                    *Type
		base, how            string
		attributes, excluded []Attribute
		done                 bool
	}
	pending := map[string]*reading{}
	attrTypes := map[string]string{}
	var now *reading
	var simple *Simple
	for line := range strings.Lines(typesText) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || line[0] == '#':
		case word == "root":
			name, typ, _ := strings.Cut(rest, " ")
			d.roots[name] = typ
		case word == "type":
			f := strings.Fields(rest)
			now, simple = &reading{t: &Type{Name: f[0]}}, nil
			for i := 1; i < len(f); i++ {
				switch f[i] {
				case "extension", "restriction":
					now.how, now.base = f[i], f[i+1]
					i++
				case "mixed":
					now.t.Mixed = true
				case "abstract":
					now.t.Abstract = true
				}
			}
			pending[f[0]], d.types[f[0]] = now, now.t
		case word == "simple":
			simple, now = parseSimple(rest), nil
			d.simples[simple.Name] = simple
		case simple != nil:
			simple.codes = strings.Fields(line)
		case line[0] == '@':
			f := strings.Fields(line[1:])
			a := Attribute{Name: f[0]}
			prohibited := false
			for _, w := range f[2:] {
				if v, ok := strings.CutPrefix(w, "fixed="); ok {
					a.Fixed = v
				} else if v, ok := strings.CutPrefix(w, "default="); ok {
					a.Default = v
				}
				a.Required = a.Required || w == "required"
				prohibited = prohibited || w == "prohibited"
			}
			attrTypes[now.t.Name+a.Name] = f[1]
			if prohibited {
				now.excluded = append(now.excluded, a)
			} else {
				now.attributes = append(now.attributes, a)
			}
		default:
			now.t.Content, _ = parseParticle(line)
		}
	}
	for _, s := range d.simples {
		for _, name := range s.members {
			s.of = append(s.of, d.simple(name))
		}
	}
	var finish func(r *reading)
	finish = func(r *reading) {
		if r.done {
			return
		}
		r.done = true
		for i := range r.attributes {
			r.attributes[i].Type = d.simple(attrTypes[r.t.Name+r.attributes[i].Name])
		}
		if r.base != "" {
			b := pending[r.base]
			finish(b)
			r.t.base = b.t
			if r.how == "extension" && b.t.Content != nil {
				if r.t.Content == nil {
					r.t.Content = b.t.Content
				} else {
					r.t.Content = &Particle{Parts: []*Particle{b.t.Content, r.t.Content}, Least: 1, Most: 1}
				}
			}
			r.t.Mixed = r.t.Mixed || r.how == "extension" && b.t.Mixed
			r.t.Attributes = inherit(b.t.Attributes, r.attributes, r.excluded)
		} else {
			r.t.Attributes = r.attributes
		}
	}
	for _, r := range pending {
		finish(r)
	}
	for _, t := range d.types {
		t.children = map[string]Child{}
		rank := 0
		d.resolve(t, t.Content, &rank, false, false)
		t.require(t.Content)
	}
	return d
})

// inherit is a base's attributes with those that the type declares anew in their places, and the new ones behind.
func inherit(base, own, excluded []Attribute) []Attribute {
	out := make([]Attribute, 0, len(base)+len(own))
	at := map[string]int{}
	for _, a := range excluded {
		at[a.Name] = -1
	}
	for _, a := range base {
		if at[a.Name] == 0 {
			out = append(out, a)
			at[a.Name] = len(out)
		}
	}
	for _, a := range own {
		if i := at[a.Name]; i > 0 {
			out[i-1] = a
		} else {
			out = append(out, a)
		}
	}
	return out
}

// resolve finds the types of a content model's elements and gives them their ranks. All elements of a group that repeats
// have one rank: they may stand in any order. Within is whether a group around repeats, chosen whether one around is a choice.
func (d *dictionary) resolve(t *Type, p *Particle, rank *int, within, chosen bool) {
	if p == nil {
		return
	}
	if p.Name != "" {
		if p.Type == nil && p.Name != "*" {
			p.Type = d.types[p.typeName]
			if s := d.simples[p.typeName]; p.Type == nil && s != nil {
				p.Type = &Type{Name: s.Name, Mixed: true, children: map[string]Child{}}
			}
		}
		if !within {
			*rank++
		}
		if _, ok := t.children[p.Name]; !ok {
			t.children[p.Name] = Child{Type: p.Type, Rank: *rank, Once: !within && p.Most == 1}
		}
		return
	}
	repeats := p.Most < 0 || p.Most > 1
	if repeats && !within {
		*rank++
	}
	for _, q := range p.Parts {
		d.resolve(t, q, rank, within || repeats, chosen || p.Choice)
	}
	if p.Choice && !chosen && !within && !repeats && !slices.ContainsFunc(p.Parts, func(q *Particle) bool { return !t.children[q.Name].Once }) {
		for _, q := range p.Parts {
			c := t.children[q.Name]
			c.Choice = *rank
			t.children[q.Name] = c
		}
	}
}

// require lists the elements without which a content model does not hold.
func (t *Type) require(p *Particle) {
	switch {
	case p != nil && p.Least > 0 && p.Choice && len(p.Parts) > 1:
		var names []string
		for _, q := range p.Parts {
			if q.Name == "" || q.Least == 0 {
				return // a group, or none of them will do
			}
			names = append(names, q.Name)
		}
		t.oneOf = append(t.oneOf, names)
	case p == nil || p.Least == 0:
	case p.Name != "":
		t.required = append(t.required, p.Name)
	default:
		for _, q := range p.Parts {
			t.require(q)
		}
	}
}

// Required are the elements that each element of the type must hold.
func (t *Type) Required() []string { return t.required }

// OneOf are the groups of which each element of the type must hold one.
func (t *Type) OneOf() [][]string { return t.oneOf }

// Root is the type of the element that a document begins with, nil if no document does.
func Root(name string) *Type { return load().types[load().roots[name]] }

// Named is the type that xsi:type calls so, nil if there is none.
func Named(name string) *Type { return load().types[name] }

// Child is the element of a name, with its type and its place in the order.
func (t *Type) Child(name string) (Child, bool) {
	c, ok := t.children[name]
	return c, ok
}

// Attribute is the attribute of a name, nil if there is none.
func (t *Type) Attribute(name string) *Attribute {
	for i := range t.Attributes {
		if t.Attributes[i].Name == name {
			return &t.Attributes[i]
		}
	}
	return nil
}

// Is reports whether t is u or is derived from it, as xsi:type must be.
func (t *Type) Is(u *Type) bool {
	for ; t != nil; t = t.base {
		if t == u {
			return true
		}
	}
	return false
}

// Derived is the type derived from t whose elements may have all of the names, the one with the fewest steps between; nil if
// there is none, or if two are as near as one another.
func (t *Type) Derived(names []string) *Type {
	var found *Type
	least, tied := 0, false
	for _, u := range load().types {
		steps := 0
		v := u
		for ; v != nil && v != t; v = v.base {
			steps++
		}
		if v == nil || steps == 0 || u.Abstract || least > 0 && steps > least {
			continue
		}
		if slices.ContainsFunc(names, func(name string) bool { _, ok := u.children[name]; return !ok }) {
			continue
		}
		tied = steps == least
		found, least = u, steps
	}
	if tied {
		return nil
	}
	return found
}

// parseParticle reads a content model up to the end of its group.
func parseParticle(s string) (*Particle, string) {
	p := &Particle{}
	if s[0] == '(' {
		s = s[1:]
		for s[0] != ')' {
			var q *Particle
			q, s = parseParticle(s)
			p.Parts = append(p.Parts, q)
			if s[0] == '|' {
				p.Choice = true
			}
			if s[0] == '|' || s[0] == ' ' {
				s = s[1:]
			}
		}
		s = s[1:]
	} else {
		i := strings.IndexByte(s, '=')
		p.Name, s = s[:i], s[i+1:]
		if i = strings.IndexAny(s, "?+{|) "); s[0] == '*' {
			i = 1
		} else if j := strings.IndexByte(s, '*'); j >= 0 && (i < 0 || j < i) {
			i = j
		}
		if i < 0 {
			i = len(s)
		}
		p.typeName, s = s[:i], s[i:]
	}
	p.Least, p.Most = 1, 1
	if s == "" {
		return p, s
	}
	switch s[0] {
	case '?':
		p.Least = 0
	case '*':
		p.Least, p.Most = 0, -1
	case '+':
		p.Most = -1
	case '{':
		end := strings.IndexByte(s, '}')
		least, most, two := strings.Cut(s[1:end], ",")
		p.Least, _ = strconv.Atoi(least)
		if p.Most = p.Least; two {
			p.Most = -1
			if most != "" {
				p.Most, _ = strconv.Atoi(most)
			}
		}
		return p, s[end+1:]
	default:
		return p, s
	}
	return p, s[1:]
}
