package cda

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/ccda/schema"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// element checks an element of a declared type, and what is in it, against the schema.
func (c *checker) element(d *tree.Doc, n tree.Node, t *schema.Type) {
	if t == nil {
		return
	}
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) == "@xsi:type" {
			u := schema.Named(d.Text(k))
			switch {
			case u == nil:
				c.schemaFind(schemaType, k, "xsi:type of %s is no datatype of CDA", d.Name(n))
				return
			case !u.Is(t):
				c.schemaFind(schemaType, k, "xsi:type of %s is %s, and only %s or what is derived from it may stand there", d.Name(n), u.Name, t.Name)
				return
			}
			t = u
		}
	}
	if t.Abstract {
		c.schemaFind(schemaType, n, "%s must say with xsi:type which datatype it has", d.Name(n))
		return
	}
	c.attributes(d, n, t)
	names := c.names[:0]
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k)[0] != '@' {
			names = append(names, d.Name(k))
		}
	}
	if at, want, ok := t.Match(names); !ok {
		c.order(d, n, t, names, at, want)
	}
	c.names = names[:0]
	narrative := d == c.doc.Doc && ccda.IsNarrative(d, n)
	if !t.Mixed && !narrative && d.Text(n) != "" {
		c.schemaFind(schemaText, n, "text stands in %s, which holds none", d.Name(n))
	}
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k)[0] == '@' {
			continue
		}
		if child, ok := t.Child(d.Name(k)); ok {
			c.element(d, k, child.Type)
		}
	}
	if narrative {
		c.narrative(n, t)
	}
}

func (c *checker) attributes(d *tree.Doc, n tree.Node, t *schema.Type) {
	for k := d.First(n); k != 0; k = d.Next(k) {
		name := d.Name(k)
		if name[0] != '@' || strings.HasPrefix(name, "@xsi:") {
			continue
		}
		a := t.Attribute(name[1:])
		switch {
		case a == nil:
			c.schemaFind(schemaAttribute, k, "%s has no attribute %s", d.Name(n), name[1:])
		case a.Fixed != "" && d.Text(k) != a.Fixed:
			c.schemaFind(schemaValue, k, "the attribute %s of %s must be %s", name[1:], d.Name(n), a.Fixed)
		case !c.valid(a.Type, d.Text(k)):
			c.schemaFind(schemaValue, k, "%s", c.form(d, n, name[1:], a.Type)).WithValue(d.Text(k))
		case a.Type.Name == "xs:ID":
			c.identify(d.Text(k), k)
		}
	}
	for i := range t.Attributes {
		a := &t.Attributes[i]
		if a.Required && d.Child(n, "@"+a.Name) == 0 {
			c.schemaFind(schemaNoAttribute, n, "%s has no attribute %s, which it must have", d.Name(n), a.Name)
		}
	}
}

// form says what a value should look like.
func (c *checker) form(d *tree.Doc, n tree.Node, name string, s *schema.Simple) string {
	what := fmt.Sprintf("the attribute %s of %s ", name, d.Name(n))
	if codes := s.Codes(); len(codes) > 0 && len(codes) <= 12 {
		return what + "must be one of " + strings.Join(codes, ", ")
	} else if len(codes) > 0 {
		return what + "is no code of " + s.Name
	}
	form := map[string]string{
		"ts": "a time as CDA writes it, YYYYMMDDhhmmss+zzzz or a part of it from the left", "uid": "an OID, a UUID or another id without blanks",
		"bl": "true or false", "int": "a whole number", "real": "a number", "cs": "a code without blanks", "xs:ID": "a letter or _, then letters, digits, . - or _",
		"xs:IDREF": "an ID, which begins with a letter or _", "xs:IDREFS": "IDs with blanks between them", "url": "an address",
		"xs:NMTOKEN": "a word", "xs:NMTOKENS": "words", "bin": "base64", "st": "text that is not empty",
	}[s.Name]
	if form == "" {
		return what + "is not as its type " + s.Name + " must be"
	}
	return what + "must be " + form
}

// valid is Simple.Valid, with the answers to short texts kept: roots and codes are the same over and over.
func (c *checker) valid(s *schema.Simple, text string) bool {
	if len(text) > 64 {
		return s.Valid(text)
	}
	key := lexeme{s, text}
	if ok, known := c.lexemes[key]; known {
		return ok
	}
	ok := s.Valid(text)
	if len(c.lexemes) >= maxLexemes {
		clear(c.lexemes)
	}
	key.text = strings.Clone(text)
	c.lexemes[key] = ok
	return ok
}

type lexeme struct {
	of   *schema.Simple
	text string
}

const maxLexemes = 1 << 14

// order says what is wrong with the order or number of an element's elements, of which the one at index at is the first that may not
// stand there and want are those that may.
func (c *checker) order(d *tree.Doc, n tree.Node, t *schema.Type, names []string, at int, want []string) {
	holder := d.Name(n)
	missing := func() string {
		for _, r := range t.Required() {
			if !slices.Contains(names, r) && slices.Contains(want, r) {
				return r
			}
		}
		return ""
	}
	if at >= len(names) {
		what := missing()
		if what == "" {
			what = strings.Join(want[:min(len(want), 6)], " or ")
		}
		c.schemaFind(schemaMissing, n, "%s is missing in %s", what, holder)
		return
	}
	name, i := names[at], 0
	where := n
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k)[0] != '@' {
			if i == at {
				where = k
				break
			}
			i++
		}
	}
	child, known := t.Child(name)
	switch {
	case !known && strings.IndexByte(name, ':') > 0 && !strings.HasPrefix(name, "sdtc:"):
		c.schemaFind(schemaUnknown, where, "an element of a namespace other than CDA's may not stand in %s", holder)
	case !known:
		c.schemaFind(schemaUnknown, where, "%s may not stand in %s", name, holder)
	case child.Once && slices.Contains(names[:at], name):
		c.schemaFind(schemaMany, where, "%s stands more than once in %s", name, holder)
	case missing() != "":
		c.schemaFind(schemaMissing, where, "%s is missing in %s, before %s", missing(), holder, name)
	default:
		for _, before := range names[:at] {
			if b, ok := t.Child(before); ok && b.Rank > child.Rank {
				c.schemaFind(schemaOrder, where, "%s must stand before %s in %s", name, before, holder)
				return
			}
		}
		c.schemaFind(schemaOrder, where, "%s may not stand here in %s, with what is there before it", name, holder)
	}
}

// narrative checks what a section's text holds.
func (c *checker) narrative(n tree.Node, t *schema.Type) {
	raw := c.doc.Text(n)
	if raw == "" {
		return
	}
	d := c.inner
	d.Reset()
	root := d.Add(tree.Root, "text", "")
	open := root
	c.base, c.within = c.doc.Inside(n), n
	type count struct {
		of   tree.Node
		name string
	}
	ordinals := map[count]int{}
	for token := range ccda.Tokens(raw) {
		switch {
		case token.Start != "":
			k := d.Add(open, token.Start, "")
			ordinals[count{open, token.Start}]++
			d.SetOrdinal(k, ordinals[count{open, token.Start}])
			d.SetOffset(k, token.At)
			open = k
			for _, a := range token.Attributes {
				if a[0] != "xmlns" && !strings.HasPrefix(a[0], "xmlns:") {
					d.SetOffset(d.Add(k, "@"+a[0], a[1]), token.At)
				}
			}
		case token.End != "":
			open = d.Parent(open)
		default:
			if s := strings.Trim(token.Text, " \t\r\n"); s != "" && d.Text(open) == "" {
				d.SetText(open, s) // that there is some is all that counts
			}
		}
	}
	c.element(d, root, t)
	c.links(d)
	c.within = 0
}

// schemaFind reports a breach of the schema at a node of the document, or of the narrative that is looked at.
func (c *checker) schemaFind(id diag.ID, n tree.Node, format string, args ...any) *diag.Finding {
	return c.find(id, n, fmt.Sprintf(format, args...))
}
