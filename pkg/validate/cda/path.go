package cda

import "github.com/chartpost/chartpost/pkg/tree"

// path leads from a node to others.
type path struct {
	from  origin
	steps []step
}

type origin uint8

const (
	here     origin = iota
	top             // / the document
	anywhere        // // any element of the document of the first step's name
	below           // .// any element below
	current         // current(): the node that the rule is about
)

type step struct {
	name  string // of a child; @name of an attribute; * any element; . the node; .. its parent; text() its text
	names tree.Names
	preds []expr
	id    []templateID // shorthands, which must all hold
	nth   int          // [1]: the first only
}

type templateID struct{ root, extension string }

func (t templateID) String() string {
	if t.extension == "" {
		return t.root
	}
	return t.root + ":" + t.extension
}

func (u *union) truth(m *machine, n tree.Node) bool { return u.count(m, n, 1) > 0 }

// count is how many nodes the paths lead to, no more than limit. The paths of a union lead to different nodes, as the rules have them:
// they differ in their last names, or in what they demand of a template id.
func (u *union) count(m *machine, n tree.Node, limit int) int {
	c := 0
	for _, p := range u.paths {
		if c += p.walk(m, n, finish{}, limit-c); c >= limit {
			return limit
		}
	}
	return c
}

func (p *path) truth(m *machine, n tree.Node) bool { return p.walk(m, n, finish{}, 1) > 0 }

// text is the string value of the first node.
func (p *path) text(m *machine, n tree.Node) string {
	var found tree.Node
	p.walk(m, n, finish{first: &found}, 1)
	if found == 0 {
		return ""
	}
	return value(m.d, found)
}

// value is the text of an attribute or an element, with that of the elements in it.
func value(d *tree.Doc, n tree.Node) string {
	if d.First(n) == 0 {
		return d.Text(n)
	}
	s := d.Text(n)
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k)[0] != '@' {
			s += value(d, k)
		}
	}
	return s
}

// maxCount is more than any limit that a rule compares with; what counts two lists counts so far.
const maxCount = 1 << 30

// finish is what is asked of a node at the end of a path.
type finish struct {
	e     *equal
	from  tree.Node // where the other side of e is looked up
	in    *valueSet
	first *tree.Node
}

func (f *finish) holds(m *machine, n tree.Node) bool {
	switch {
	case f.first != nil:
		*f.first = n
	case f.in != nil:
		return f.in.has(m.d.Text(n))
	case f.e != nil:
		v := value(m.d, n)
		if other, ok := f.e.want.(*path); ok { // some node of the other has the same text
			return other.walk(m, f.from, finish{e: &equal{op: f.e.op, want: literal(v)}}, 1) > 0
		}
		return (v == f.e.want.text(m, n)) == (f.e.op == "=")
	}
	return true
}

// walk counts the nodes to which a path leads and of which f holds, up to limit.
func (p *path) walk(m *machine, n tree.Node, f finish, limit int) int {
	switch p.from {
	case top:
		n = tree.Root
	case current:
		n = m.current
	case anywhere:
		c := 0
		for _, k := range m.each(p.steps[0].name) {
			if m.steps--; m.steps < 0 {
				break
			}
			if p.steps[0].fits(m, k) {
				if c += p.go1(m, k, 1, &f, limit-c); c >= limit {
					break
				}
			}
		}
		return c
	case below:
		return p.descend(m, n, &f, limit)
	}
	return p.go1(m, n, 0, &f, limit)
}

func (p *path) descend(m *machine, n tree.Node, f *finish, limit int) int {
	c := 0
	for k := m.d.First(n); k != 0 && c < limit; k = m.d.Next(k) {
		if m.d.Name(k)[0] == '@' {
			continue
		}
		if m.d.Name(k) == p.steps[0].name && p.steps[0].fits(m, k) {
			c += p.go1(m, k, 1, f, limit-c)
		}
		c += p.descend(m, k, f, limit-c)
	}
	return min(c, limit)
}

// go1 takes the steps from the i-th on.
func (p *path) go1(m *machine, n tree.Node, i int, f *finish, limit int) int {
	if limit <= 0 {
		return 0
	}
	if i == len(p.steps) {
		if f.holds(m, n) {
			return 1
		}
		return 0
	}
	s := &p.steps[i]
	switch s.name {
	case ".":
		if s.fits(m, n) {
			return p.go1(m, n, i+1, f, limit)
		}
		return 0
	case "..":
		if n = m.d.Parent(n); n > tree.Root && s.fits(m, n) {
			return p.go1(m, n, i+1, f, limit)
		}
		return 0
	case "text()":
		if m.d.Text(n) != "" && s.fits(m, n) {
			return p.go1(m, n, i+1, f, limit)
		}
		return 0
	case "*":
		c := 0
		for k := m.d.First(n); k != 0 && c < limit; k = m.d.Next(k) {
			if m.d.Name(k)[0] != '@' && s.fits(m, k) {
				c += p.go1(m, k, i+1, f, limit-c)
			}
		}
		return c
	}
	if m.d.Below(n)&s.names == 0 {
		return 0
	}
	c, nth := 0, 0
	for k := m.d.First(n); k != 0 && c < limit; k = m.d.Next(k) {
		if m.d.Name(k) != s.name {
			continue
		}
		if nth++; s.nth > 0 && nth != s.nth {
			continue
		}
		if s.fits(m, k) {
			c += p.go1(m, k, i+1, f, limit-c)
		}
	}
	return c
}

// fits reports whether a node meets what a step demands beyond its name.
func (s *step) fits(m *machine, n tree.Node) bool {
	for _, id := range s.id {
		if !hasTemplate(m.d, n, id) {
			return false
		}
	}
	for _, e := range s.preds {
		if !e.truth(m, n) {
			return false
		}
	}
	return true
}

var templateIDs = tree.NamesOf("templateId")

func hasTemplate(d *tree.Doc, n tree.Node, id templateID) bool {
	if d.Below(n)&templateIDs == 0 {
		return false
	}
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) == "templateId" && attribute(d, k, "@root") == id.root && (id.extension == "" || attribute(d, k, "@extension") == id.extension) {
			return true
		}
	}
	return false
}

// attribute is the text of an attribute, "" if it is not there.
func attribute(d *tree.Doc, n tree.Node, name string) string {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) == name {
			return d.Text(k)
		}
	}
	return ""
}

// matches reports whether a path, as the context of a rule, fits a node: its last step is the node, the one before its parent. The
// template ids of the node are those of the machine.
func (p *path) matches(m *machine, n tree.Node) bool {
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		if n <= tree.Root || m.d.Name(n) != s.name {
			return false
		}
		if i == len(p.steps)-1 {
			for _, id := range s.id {
				if !m.claims(id) {
					return false
				}
			}
			for _, e := range s.preds {
				if !e.truth(m, n) {
					return false
				}
			}
		} else if !s.fits(m, n) {
			return false
		}
		n = m.d.Parent(n)
	}
	return true
}

// look makes the template ids of a node those of the machine.
func (m *machine) look(n tree.Node) {
	m.ids = m.ids[:0]
	if m.d.Below(n)&templateIDs == 0 {
		return
	}
	for k := m.d.First(n); k != 0; k = m.d.Next(k) {
		if m.d.Name(k) == "templateId" {
			m.ids = append(m.ids, templateID{attribute(m.d, k, "@root"), attribute(m.d, k, "@extension")})
		}
	}
}

func (m *machine) claims(id templateID) bool {
	for i := range m.ids {
		if m.ids[i].root == id.root && (id.extension == "" || m.ids[i].extension == id.extension) {
			return true
		}
	}
	return false
}

// claimed reports whether a document claims all template ids that a context asks for.
func (p *path) claimed(ids map[templateID]bool) bool {
	for i := range p.steps {
		for _, id := range p.steps[i].id {
			if !ids[id] {
				return false
			}
		}
	}
	return true
}
