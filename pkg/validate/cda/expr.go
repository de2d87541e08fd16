package cda

import (
	"strings"

	"github.com/chartpost/chartpost/pkg/tree"
)

// This file is the part of XPath 1.0 in which the rules are written, with two shorthands of ours:
//
//	entry[count(act{.22.4.30:2015-08-01})=1]      {R} and {R:E}: has the template id with that root, and extension if one is named;
//	                                              what R begins with a dot follows 2.16.840.1.113883.10.20
//	statusCode[@code in 2.16.840.1.113883.1.2]    the codes of a value set
//
// Names are those of urn:hl7-org:v3, with sdtc: those of SDTC; none: is a name that nothing has. An expression is compiled to nodes
// that answer over the tree without making lists: a path counts what it leads to and stops when it knows enough.

// expr is an expression that is true or false of a node.
type expr interface {
	truth(m *machine, n tree.Node) bool
}

// number is an expression that counts; text one that gives a string.
type number interface {
	number(m *machine, n tree.Node) int
}

type text interface {
	text(m *machine, n tree.Node) string
}

type (
	andExpr  struct{ parts []expr }
	orExpr   struct{ parts []expr }
	notExpr  struct{ of expr }
	countOf  struct{ of *union }
	compared struct { // of two numbers
		op   string
		a, b number
	}
	equal struct { // some node of the path has a text that is, or is not, the one wanted
		p    *path
		op   string // = or !=
		want text   // a literal, or a path any of whose nodes will do
	}
	within struct { // some node of the path has a code of a value set
		p   *path
		set *valueSet
	}
	constant   int
	literal    string
	lengthOf   struct{ of text }
	startsWith struct{ of, with text }
	containing struct{ of, what text }
	listed     struct { // contains(' a b ', concat(' ', ..., ' ')): one of the words of a list
		words map[string]bool
		parts []text // of the word
	}
	concat     struct{ parts []text }
	normalized struct{ of text }
	union      struct{ paths []*path }
)

// machine is what expressions ask while they look at one document.
type machine struct {
	d       *tree.Doc
	current tree.Node
	named   map[string][]tree.Node // elements by name, of the names that // looks for
	steps   int                    // what // may still look at
	ids     []templateID           // of the element that rules are looked for, of
	scratch []byte
}

func newMachine(d *tree.Doc, steps int) *machine {
	return &machine{d: d, named: map[string][]tree.Node{}, steps: steps}
}

func (m *machine) each(name string) []tree.Node {
	if list, ok := m.named[name]; ok {
		return list
	}
	var list []tree.Node
	for n := tree.Root + 1; int(n) <= m.d.Len(); n++ {
		if m.d.Name(n) == name {
			list = append(list, n)
		}
	}
	m.named[name] = list
	return list
}

func (e andExpr) truth(m *machine, n tree.Node) bool {
	for _, p := range e.parts {
		if !p.truth(m, n) {
			return false
		}
	}
	return true
}

func (e orExpr) truth(m *machine, n tree.Node) bool {
	for _, p := range e.parts {
		if p.truth(m, n) {
			return true
		}
	}
	return false
}

func (e notExpr) truth(m *machine, n tree.Node) bool { return !e.of.truth(m, n) }

func (e countOf) truth(m *machine, n tree.Node) bool { return e.of.count(m, n, 1) > 0 }
func (e countOf) number(m *machine, n tree.Node) int { return e.of.count(m, n, maxCount) }

func (c constant) number(*machine, tree.Node) int { return int(c) }

func (l lengthOf) number(m *machine, n tree.Node) int { return len([]rune(l.of.text(m, n))) }

func (c *compared) truth(m *machine, n tree.Node) bool {
	var a, b int
	if k, ok := c.b.(constant); ok {
		b = int(k)
		if of, ok := c.a.(countOf); ok {
			a = of.of.count(m, n, b+1) // more cannot change the answer
		} else {
			a = c.a.number(m, n)
		}
	} else {
		a, b = c.a.number(m, n), c.b.number(m, n)
	}
	switch c.op {
	case "=":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

func (e *equal) truth(m *machine, n tree.Node) bool {
	return e.p.walk(m, n, finish{e: e, from: n}, 1) > 0
}

func (e *within) truth(m *machine, n tree.Node) bool {
	return e.p.walk(m, n, finish{in: e.set}, 1) > 0
}

func (l literal) text(*machine, tree.Node) string { return string(l) }
func (l literal) truth(*machine, tree.Node) bool  { return l != "" }

func (c concat) text(m *machine, n tree.Node) string {
	var b strings.Builder
	for _, p := range c.parts {
		b.WriteString(p.text(m, n))
	}
	return b.String()
}

func (s normalized) text(m *machine, n tree.Node) string {
	return strings.Join(strings.Fields(s.of.text(m, n)), " ")
}

func (s normalized) truth(m *machine, n tree.Node) bool { return s.text(m, n) != "" }

func (s startsWith) truth(m *machine, n tree.Node) bool {
	return strings.HasPrefix(s.of.text(m, n), s.with.text(m, n))
}

func (l *listed) truth(m *machine, n tree.Node) bool {
	b := m.scratch[:0]
	for _, p := range l.parts {
		b = append(b, p.text(m, n)...)
	}
	m.scratch = b
	return l.words[string(b)]
}

func (s containing) truth(m *machine, n tree.Node) bool {
	return strings.Contains(s.of.text(m, n), s.what.text(m, n))
}

// valueSet is a list of codes.
type valueSet struct {
	oid, name string
	codes     []string
}

func (s *valueSet) has(code string) bool {
	for _, c := range s.codes {
		if c == code {
			return true
		}
	}
	return false
}
