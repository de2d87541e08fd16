package cda

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/internal/squeezed"
	"github.com/chartpost/chartpost/pkg/tree"
)

// rules.txt is made by internal/gen/ccdarules. Its lines are
//
//	name ID WORDS             what a template is called; an ID that begins with a dot follows 2.16.840.1.113883.10.20
//	set OID NAME: CODES       a value set
//	source NAME               of which guide the patterns are that follow
//	pattern shall|should      rules of which at most one is for an element: the first that fits
//	rule CONTEXT              the elements that a rule is for, as paths that end in them
//	ID TEST [-- WORDS]        a statement about each such element; the ID holds its CONF number
//
// expr.go says what contexts and tests are.
//
//go:embed rules.txt.gz
var rulesText string

// rule is what a guide says of some elements.
type rule struct {
	number    int // rules are in the order of the table
	pattern   int
	should    bool
	source    string
	context   string
	contexts  []*path
	lines     []string // a statement each, until it is asked for
	compiled  sync.Once
	statement []*statement
}

// statement is one conformance statement.
type statement struct {
	id    string
	test  expr
	words string
	whole bool // it looks through the whole document, which is not done for ever
}

// conf is the CONF number of a statement's id: 1198-7504 of 1198-7504-c; the id itself, where it has none.
func conf(id string) string {
	a, rest, ok := strings.Cut(id, "-")
	b, _, _ := strings.Cut(rest, "-")
	if !ok || a == "" || strings.Trim(a+b, "0123456789") != "" {
		return id
	}
	return a + "-" + b
}

type table struct {
	names map[string]string // of templates, by root
	sets  map[string]*valueSet
	rules []*rule
	// Where to look for the rules that may be for an element of a name: those that begin with a template id by its root.
	byName map[string]*candidates
	known  map[templateID]bool // template ids with rules of their own
}

type candidates struct {
	plain  []candidate
	byRoot map[string][]candidate
}

type candidate struct {
	r *rule
	p *path
}

var loadTable = sync.OnceValue(func() *table {
	t := &table{names: map[string]string{}, sets: map[string]*valueSet{}, byName: map[string]*candidates{}, known: map[templateID]bool{}}
	if err := t.read(squeezed.Text(rulesText)); err != nil {
		panic(fmt.Sprintf("rules.txt: %v", err)) // a test reads every line of it
	}
	return t
})

func (t *table) read(s string) error {
	source, should, pattern := "", false, 0
	var r *rule
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "", "#":
		case "name":
			id, name, _ := strings.Cut(rest, " ")
			t.names[parseTemplate(id).root] = name
		case "set":
			head, codes, _ := strings.Cut(rest, ":")
			oid, name, _ := strings.Cut(head, " ")
			t.sets[oid] = &valueSet{oid, name, strings.Fields(codes)}
		case "source":
			source = rest
		case "pattern":
			should = rest == "should"
			pattern++
		case "rule":
			paths, err := parseContext(rest)
			if err != nil {
				return fmt.Errorf("%s: %w", rest, err)
			}
			r = &rule{number: len(t.rules), pattern: pattern, should: should, source: source, context: rest, contexts: paths}
			t.rules = append(t.rules, r)
			for _, p := range paths {
				t.index(r, p)
			}
		default:
			r.lines = append(r.lines, line)
		}
	}
	return nil
}

func (t *table) index(r *rule, p *path) {
	last := &p.steps[len(p.steps)-1]
	for _, id := range last.id {
		t.known[id] = true
	}
	c := t.byName[last.name]
	if c == nil {
		c = &candidates{byRoot: map[string][]candidate{}}
		t.byName[last.name] = c
	}
	if len(last.id) > 0 {
		c.byRoot[last.id[0].root] = append(c.byRoot[last.id[0].root], candidate{r, p})
	} else {
		c.plain = append(c.plain, candidate{r, p})
	}
}

// statements compiles a rule's tests when they are first wanted: most documents need a fifth of them.
func (t *table) statements(r *rule) []*statement {
	r.compiled.Do(func() {
		for _, line := range r.lines {
			s, err := t.statement(line)
			if err != nil {
				panic(fmt.Sprintf("rules.txt: %v", err))
			}
			r.statement = append(r.statement, s)
		}
	})
	return r.statement
}

func (t *table) statement(line string) (*statement, error) {
	id, test, _ := strings.Cut(line, " ")
	test, words, _ := strings.Cut(test, " -- ")
	e, err := parseExpr(test, t.sets)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return &statement{id, e, words, strings.Contains(test, "//")}, nil
}

// broken is a statement that does not hold of an element.
type broken struct {
	r *rule
	s *statement
	n tree.Node
}

// run looks at every element of a document and reports the statements that do not hold, in the order of the document.
func (t *table) run(m *machine, report func(broken)) (whole bool) {
	whole = true
	d := m.d
	claimed := map[templateID]bool{}
	for _, n := range m.each("templateId") {
		root := attribute(d, n, "@root")
		claimed[templateID{root, ""}] = true
		claimed[templateID{root, attribute(d, n, "@extension")}] = true
	}
	active := map[*candidates][]candidate{} // without those of templates that the document does not claim: most
	var found []*rule
	try := func(list []candidate, n tree.Node) {
		for _, c := range list {
			if !c.p.matches(m, n) {
				continue
			}
			at := len(found)
			for at > 0 && found[at-1].number > c.r.number {
				at--
			}
			if at > 0 && found[at-1] == c.r {
				continue
			}
			found = append(found, nil)
			copy(found[at+1:], found[at:])
			found[at] = c.r
		}
	}
	for n := tree.Root + 1; int(n) <= d.Len(); n++ {
		name := d.Name(n)
		if name[0] == '@' {
			continue
		}
		c := t.byName[name]
		if c == nil {
			continue
		}
		found = found[:0]
		m.current = n
		m.look(n)
		plain, ok := active[c]
		if !ok {
			for _, x := range c.plain {
				if x.p.claimed(claimed) {
					plain = append(plain, x)
				}
			}
			active[c] = plain
		}
		try(plain, n)
		for i := range m.ids {
			try(c.byRoot[m.ids[i].root], n)
		}
		for i, r := range found {
			if i > 0 && found[i-1].pattern == r.pattern {
				continue
			}
			for _, s := range t.statements(r) {
				if (!s.whole || m.steps >= 0) && s.test.truth(m, n) {
					continue
				}
				if s.whole && m.steps < 0 {
					whole = false
					continue
				}
				report(broken{r, s, n})
			}
		}
	}
	return whole
}
