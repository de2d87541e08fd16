package ccda

import (
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/ccda/schema"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Misplaced is an element or attribute that the schema does not allow where it stands.
const Misplaced diag.ID = "CP-CDA-009"

// AppendDocument prints a tree as a document in UTF-8: attributes and elements in the order of the schema, what is empty left
// out, two blanks a level. What the schema demands and the tree does not have is written with the null flavor NI, no information. What the schema does not allow is left out with a finding, an element,
// an attribute or what stands in one, but elements of other namespaces stay where the schema has room for them. Namespaces are those that Parse found: URI by prefix.
func AppendDocument(dst []byte, d *tree.Doc, namespaces map[string]string) ([]byte, []*diag.Finding) {
	p := newPrinter(d)
	p.b = dst
	p.b = append(p.b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		if t := schema.Root(d.Name(k)); t != nil {
			p.element(k, t, 0, rootNamespaces(namespaces))
		} else if p.full[k] {
			p.misplaced(k)
		}
	}
	return p.b, p.finds
}

// AppendElement prints a node and what is below it as it is, for people to read: nothing is sorted, demanded or left out, and no namespace declared. A
// node may be an attribute, too.
func AppendElement(dst []byte, d *tree.Doc, n tree.Node) []byte {
	p := &printer{d: d, b: dst}
	if isAttribute(d.Name(n)) {
		p.attribute(d.Name(n)[1:], d.Text(n))
		return p.b
	}
	p.full = make([]bool, d.Len()+1)
	p.fill(n)
	p.element(n, nil, 0, "")
	return p.b
}

// rootNamespaces are the declarations of the root.
func rootNamespaces(others map[string]string) string {
	s := ` xmlns="` + V3 + `" xmlns:sdtc="` + SDTC + `" xmlns:xsi="` + XSI + `"`
	prefixes := make([]string, 0, len(others))
	for prefix := range others {
		prefixes = append(prefixes, prefix)
	}
	slices.Sort(prefixes)
	for _, prefix := range prefixes {
		s += ` xmlns:` + prefix + `="` + string(AppendEscaped(nil, others[prefix], true)) + `"`
	}
	return s
}

type printer struct {
	d     *tree.Doc
	b     []byte
	full  []bool // of each node: there is text at or below it
	order []ranked
	finds []*diag.Finding
	valid map[lexeme]bool // what Simple.Valid has said of short texts: roots and codes are the same over and over
}

// lexeme is a text in an attribute of a type.
type lexeme struct {
	of   *schema.Simple
	text string
}

func newPrinter(d *tree.Doc) *printer {
	p := &printer{d: d, full: make([]bool, d.Len()+1), valid: map[lexeme]bool{}}
	p.fill(tree.Root)
	return p
}

// ranked is an element that is to be printed: a node, or the name of one that must be there and is not.
type ranked struct {
	n    tree.Node
	rank int
	typ  *schema.Type
	name string
}

// Keep says of an element of a document that is to be printed that it stands there though it is empty.
func Keep(d *tree.Doc, n tree.Node) { d.Mark(n, tree.Carried, "") }

// fill finds out once which nodes hold anything, or are kept.
func (p *printer) fill(n tree.Node) bool {
	full := p.d.Text(n) != "" || p.d.State(n) == tree.Carried && !isAttribute(p.d.Name(n))
	for k := p.d.First(n); k != 0; k = p.d.Next(k) {
		if p.fill(k) {
			full = true
		}
	}
	p.full[n] = full
	return full
}

func (p *printer) misplaced(n tree.Node) {
	p.finds = append(p.finds, diag.New(Misplaced, diag.Place{Path: p.d.PlaceOf(n)}, ""))
}

func isAttribute(name string) bool { return len(name) > 0 && name[0] == '@' }

// foreign reports whether a name is of neither CDA nor its extensions.
func foreign(name string) bool {
	return strings.IndexByte(name, ':') > 0 && !strings.HasPrefix(name, "sdtc:")
}

func (p *printer) indent(level int) {
	for range level {
		p.b = append(p.b, "  "...)
	}
}

// element prints n, whose type is t; nil is one of another namespace, below which anything goes.
func (p *printer) element(n tree.Node, t *schema.Type, level int, namespaces string) {
	d := p.d
	name := d.Name(n)
	p.indent(level)
	p.b = append(p.b, '<')
	p.b = append(p.b, name...)
	p.b = append(p.b, namespaces...)
	said, refused := len(p.b), false // whether it says anything, and whether it would have
	if u, x := p.named(n, t); u != nil {
		t = u
		p.attribute("xsi:type", d.Text(x))
	} else if x != 0 && t != nil {
		if d.Text(x) != "" {
			p.misplaced(x)
		}
	} else if u := p.derived(n, t); u != nil {
		t = u
		p.attribute("xsi:type", u.Name)
	}
	if t != nil {
		for i := range t.Attributes {
			a := &t.Attributes[i]
			if text := p.permitted(a, p.attributeNode(n, a.Name)); text != "" {
				p.attribute(a.Name, text)
			} else if said, _ := general(t, a); said != "" {
				p.attribute(a.Name, said)
			}
		}
	}
	base := len(p.order)
	defer func() { p.order = p.order[:base] }()
	for k := d.First(n); k != 0; k = d.Next(k) {
		if !p.full[k] {
			continue
		}
		switch name := d.Name(k); {
		case name == "@xsi:type":
		case isAttribute(name):
			switch {
			case t == nil || name == "@xsi:nil" || strings.HasPrefix(name, "@xml:") && t.Attribute(name[1:]) == nil:
				p.attribute(name[1:], d.Text(k))
			default:
				if a := t.Attribute(name[1:]); a == nil || p.permitted(a, k) == "" {
					p.misplaced(k)
				}
				refused = true
			}
		case t == nil:
			p.order = append(p.order, ranked{n: k})
		default:
			c, ok := t.Child(name)
			if !ok && foreign(name) {
				c, ok = t.Child("*")
			}
			if !ok || c.Once && p.before(k, t, c) || p.lacks(k, c.Type) {
				p.misplaced(k)
				continue
			}
			rank := c.Rank
			if name == "center" { // an interval begins with its low end or its middle, and its width comes behind
				if low, ok := t.Child("low"); ok {
					rank = low.Rank
				}
			}
			p.order = append(p.order, ranked{n: k, rank: rank, typ: c.Type})
		}
	}
	if t != nil {
		p.require(n, t, base)
	}
	below := p.order[base:]
	slices.SortStableFunc(below, func(a, b ranked) int { return a.rank - b.rank })
	text := d.Text(n)
	if text == "" && len(below) == 0 {
		if refused && len(p.b) == said && t.Attribute("nullFlavor") != nil {
			p.attribute("nullFlavor", "UNK") // what is known of it the schema does not allow
		}
		p.b = append(p.b, "/>\n"...)
		return
	}
	p.b = append(p.b, '>')
	if text != "" {
		if IsNarrative(d, n) {
			p.b = append(p.b, text...)
		} else {
			p.b = AppendEscaped(p.b, text, false)
		}
	}
	if len(below) > 0 {
		p.b = append(p.b, '\n')
		for i := range len(below) {
			if r := p.order[base+i]; r.n != 0 { // the slice may have moved
				p.element(r.n, r.typ, level+1, "")
			} else {
				p.unknown(r.name, r.typ, level+1)
			}
		}
		p.indent(level)
	}
	p.b = append(p.b, "</"...)
	p.b = append(p.b, name...)
	p.b = append(p.b, ">\n"...)
}

// before reports whether another element that holds anything takes n's place: one of its name that stands before it, or one of those of
// which its parent's type may hold one. Of these the last by name stays, whatever their order: it says the most (assignedPerson and not
// assignedAuthoringDevice, an observation and not an act), and a document that is made of FHIR does not know which stood first.
func (p *printer) before(n tree.Node, parent *schema.Type, c schema.Child) bool {
	name, passed := p.d.Name(n), false
	for k := p.d.First(p.d.Parent(n)); k != 0 && (!passed || c.Choice > 0); k = p.d.Next(k) {
		switch other := p.d.Name(k); {
		case k == n:
			passed = true
		case !p.full[k] || isAttribute(other):
		case other == name:
			if !passed {
				return true
			}
		case c.Choice > 0 && other > name:
			if x, ok := parent.Child(other); ok && x.Choice == c.Choice {
				return true
			}
		}
	}
	return false
}

// derived is the type that xsi:type must name so that what stands below n may stand there: the schema gives the time of a supply a
// type without low and high. It is nil where n's own type will do or where there is no one type that would.
func (p *printer) derived(n tree.Node, t *schema.Type) *schema.Type {
	if t == nil {
		return nil
	}
	fits := true
	for k := p.d.First(n); k != 0 && fits; k = p.d.Next(k) {
		if name := p.d.Name(k); p.full[k] && !isAttribute(name) && !foreign(name) {
			_, fits = t.Child(name)
		}
	}
	if fits {
		return nil
	}
	var names []string
	for k := p.d.First(n); k != 0; k = p.d.Next(k) {
		if name := p.d.Name(k); p.full[k] && !isAttribute(name) && !foreign(name) {
			names = append(names, name)
		}
	}
	return t.Derived(names)
}

// named is the type that an element says to be of (xsi:type, at x), nil if it says none that the schema allows in the place of t.
func (p *printer) named(n tree.Node, t *schema.Type) (u *schema.Type, x tree.Node) {
	if x = p.d.Child(n, "@xsi:type"); x != 0 && t != nil {
		if u = schema.Named(p.d.Text(x)); u == nil || !u.Is(t) {
			u = nil
		}
	}
	return u, x
}

// permitted is what is printed of what stands in an attribute, empty if the schema does not allow it: blanks around it may be all that is wrong.
func (p *printer) permitted(a *schema.Attribute, k tree.Node) string {
	if k == 0 {
		return ""
	}
	text := p.d.Text(k)
	if text == "" || p.allows(a, text) {
		return text
	}
	if text = strings.TrimSpace(text); !p.allows(a, text) {
		return ""
	}
	return text
}

// allows reports whether the schema allows a text in an attribute.
func (p *printer) allows(a *schema.Attribute, text string) bool {
	if a.Fixed != "" || len(text) > 64 {
		return (a.Fixed == "" || text == a.Fixed) && a.Type.Valid(text)
	}
	key := lexeme{a.Type, text}
	ok, known := p.valid[key]
	if !known {
		ok = a.Type.Valid(text)
		p.valid[key] = ok
	}
	return ok
}

// generals are the codes of attributes that must be there which say no more than the element's name does.
var generals = map[string]string{
	"POCD_MT000040.Act@classCode": "ACT", "POCD_MT000040.Encounter@classCode": "ENC", "POCD_MT000040.Observation@classCode": "OBS",
	"POCD_MT000040.ObservationMedia@classCode": "OBS", "POCD_MT000040.Organizer@classCode": "CLUSTER", "POCD_MT000040.Procedure@classCode": "PROC",
	"POCD_MT000040.EntryRelationship@typeCode": "REFR", "POCD_MT000040.Reference@typeCode": "REFR", "POCD_MT000040.Performer1@typeCode": "PRF",
	"sdtc:ActReference@classCode": "ACT",
}

// general is what stands in an attribute that must be there where nothing that the schema allows is known; wants is false where it need not be. Whether
// something has happened or is planned, or who somebody is, has no general code.
func general(t *schema.Type, a *schema.Attribute) (said string, wants bool) {
	switch {
	case !a.Required:
		return "", false
	case a.Fixed != "":
		return a.Fixed, true
	}
	return generals[t.Name+"@"+a.Name], true
}

// lacks reports whether an element cannot be printed, for want of an attribute or an element that must be there and that nobody can make up.
func (p *printer) lacks(n tree.Node, t *schema.Type) bool {
	if t == nil {
		return false
	}
	d := p.d
	if u, _ := p.named(n, t); u != nil {
		t = u
	}
	if t.Abstract {
		return true
	}
	for i := range t.Attributes {
		a := &t.Attributes[i]
		said, wants := general(t, a)
		if !wants || said != "" {
			continue
		}
		if p.permitted(a, p.attributeNode(n, a.Name)) == "" {
			return true
		}
	}
	if len(t.Required()) == 0 && len(t.OneOf()) == 0 {
		return false
	}
	has := func(name string) bool {
		for k := d.First(n); k != 0; k = d.Next(k) {
			if c, ok := t.Child(name); ok && p.full[k] && d.Name(k) == name && !p.lacks(k, c.Type) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(t.Required(), func(name string) bool {
		c, _ := t.Child(name)
		return unknowable(c.Type) && !has(name)
	}) || slices.ContainsFunc(t.OneOf(), func(names []string) bool { return !slices.ContainsFunc(names, has) && pick(t, names) == "" })
}

// pick is the one of which unknown prints that nothing is known of it where one of several must be there: the last by name, which is a material and no
// labeled drug, a person and no device, a structured body. A reference to nothing is none, nor is an entry of nothing.
func pick(t *schema.Type, names []string) (last string) {
	for _, name := range names {
		if c, _ := t.Child(name); name > last && !unknowable(c.Type) && !strings.HasPrefix(name, "external") && name != "regionOfInterest" {
			last = name
		}
	}
	return last
}

// unknowable reports whether unknown cannot print an element of a type.
func unknowable(t *schema.Type) bool {
	for i := range t.Attributes {
		if said, wants := general(t, &t.Attributes[i]); wants && said == "" && !strings.HasSuffix(t.Name, ".typeId") {
			return true
		}
	}
	return slices.ContainsFunc(t.OneOf(), func(names []string) bool { return pick(t, names) == "" }) || slices.ContainsFunc(t.Required(), func(name string) bool {
		c, _ := t.Child(name)
		return unknowable(c.Type)
	})
}

// Unfit says what the schema does not allow of a node.
type Unfit byte

const (
	NoRoom    Unfit = iota + 1 // that it stands there: it is not printed
	Forbidden                  // what stands in the attribute: it is not printed
	Blanks                     // the blanks around what stands in the attribute: it is printed without
)

// NoPlace gives the nodes of a document that AppendDocument would leave out or change, because the schema does not allow them as they stand there.
func NoPlace(d *tree.Doc, yield func(n tree.Node, why Unfit)) {
	p := newPrinter(d)
	// The elements that the schema allows below those that are being looked at: each is looked up once.
	type allowed struct {
		n     tree.Node
		child schema.Child
		ok    bool
	}
	var below []allowed
	fits := func(n tree.Node, t *schema.Type) (fit bool) {
		fit = true
		for k := d.First(n); k != 0; k = d.Next(k) {
			if name := d.Name(k); p.full[k] && !isAttribute(name) {
				c, ok := t.Child(name)
				if !ok {
					if !foreign(name) {
						fit = false
					} else {
						c, ok = t.Child("*")
					}
				}
				below = append(below, allowed{k, c, ok})
			}
		}
		return fit
	}
	var walk func(n tree.Node, t *schema.Type)
	walk = func(n tree.Node, t *schema.Type) {
		if t == nil {
			return
		}
		base := len(below)
		u, named := p.named(n, t)
		if u != nil {
			t = u
		} else if named != 0 {
			yield(named, NoRoom)
		}
		if !fits(n, t) && named == 0 {
			if u := p.derived(n, t); u != nil {
				t, below = u, below[:base]
				fits(n, t)
			}
		}
		at := base
		for k := d.First(n); k != 0; k = d.Next(k) {
			switch name := d.Name(k); {
			case !p.full[k]:
			case isAttribute(name):
				if a := t.Attribute(name[1:]); a != nil {
					switch text := d.Text(k); p.permitted(a, k) {
					case text:
					case "":
						yield(k, Forbidden)
					default:
						yield(k, Blanks)
					}
				} else if name != "@xsi:type" && name != "@xsi:nil" && !strings.HasPrefix(name, "@xml:") {
					yield(k, NoRoom)
				}
			default:
				x := below[at]
				if at++; !x.ok || x.child.Once && p.before(k, t, x.child) || p.lacks(k, x.child.Type) {
					yield(k, NoRoom)
					continue
				}
				walk(k, x.child.Type)
			}
		}
		below = below[:base]
	}
	for k := d.First(tree.Root); k != 0; k = d.Next(k) {
		walk(k, schema.Root(d.Name(k)))
	}
}

// require adds to what is printed below n the elements that must be there: those that the tree has without anything in them, and
// for the others one that says that nothing is known.
func (p *printer) require(n tree.Node, t *schema.Type, base int) {
	has := func(name string) bool {
		return slices.ContainsFunc(p.order[base:], func(r ranked) bool { return r.n != 0 && p.d.Name(r.n) == name })
	}
	for _, name := range demanded(t, has) {
		if has(name) {
			continue
		}
		c, _ := t.Child(name)
		p.order = append(p.order, ranked{n: p.d.Child(n, name), rank: c.Rank, typ: c.Type, name: name})
	}
}

// demanded are the elements that an element of a type must hold: those that its type requires, and of several of which it must hold one that
// which is printed where it has none.
func demanded(t *schema.Type, has func(name string) bool) []string {
	names := t.Required()
	for _, group := range t.OneOf() {
		if !slices.ContainsFunc(group, has) {
			names = append(slices.Clone(names), pick(t, group))
		}
	}
	return names
}

// unknown prints an element of which nothing is known but that it must be there.
func (p *printer) unknown(name string, t *schema.Type, level int) {
	p.indent(level)
	p.b = append(p.b, '<')
	p.b = append(p.b, name...)
	for i := range t.Attributes {
		switch a := &t.Attributes[i]; {
		case name == "typeId" && a.Name == "extension":
			p.attribute(a.Name, "POCD_HD000040") // CDA R2, 4.2.1.2: the one value that it may have
		case name != "typeId" && a.Name == "nullFlavor":
			p.attribute(a.Name, "NI")
		default:
			if said, _ := general(t, a); said != "" {
				p.attribute(a.Name, said)
			}
		}
	}
	below := demanded(t, func(string) bool { return false })
	if len(below) == 0 {
		p.b = append(p.b, "/>\n"...)
		return
	}
	p.b = append(p.b, ">\n"...)
	for _, name := range below {
		c, _ := t.Child(name)
		p.unknown(name, c.Type, level+1)
	}
	p.indent(level)
	p.b = append(p.b, "</"...)
	p.b = append(p.b, name...)
	p.b = append(p.b, ">\n"...)
}

// attributeNode is n's attribute of a name without its @.
func (p *printer) attributeNode(n tree.Node, name string) tree.Node {
	for k := p.d.First(n); k != 0; k = p.d.Next(k) {
		if s := p.d.Name(k); isAttribute(s) && s[1:] == name {
			return k
		}
	}
	return 0
}

func (p *printer) attribute(name, value string) {
	p.b = append(p.b, ' ')
	p.b = append(p.b, name...)
	p.b = append(p.b, `="`...)
	p.b = AppendEscaped(p.b, value, true)
	p.b = append(p.b, '"')
}

// AppendEscaped writes text so that a reader gets it back: in attributes line ends and tabs as numbers too. What XML cannot
// hold becomes U+FFFD.
func AppendEscaped(b []byte, s string, attr bool) []byte {
	from := 0
	for i, r := range s {
		ref := ""
		switch {
		case r == '&':
			ref = "&amp;"
		case r == '<':
			ref = "&lt;"
		case r == '>':
			ref = "&gt;"
		case r == '"' && attr:
			ref = "&quot;"
		case r == '\r':
			ref = "&#13;"
		case r == '\n' && attr:
			ref = "&#10;"
		case r == '\t' && attr:
			ref = "&#9;"
		case !allowed(r):
			ref = "\uFFFD"
		default:
			continue
		}
		b = append(b, s[from:i]...)
		b = append(b, ref...)
		if from = i + 1; !allowed(r) {
			from = i + len(string(r))
		}
	}
	return append(b, s[from:]...)
}
