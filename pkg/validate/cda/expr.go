package cda

import (
	"fmt"
	"strconv"
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

// parser reads expressions.
type parser struct {
	s    string
	sets map[string]*valueSet
}

// parseExpr reads a test.
func parseExpr(s string, sets map[string]*valueSet) (e expr, err error) {
	p := &parser{s, sets}
	defer p.caught(&err)
	e = p.or()
	p.end()
	return e, nil
}

// parseContext reads the context of a rule: one path, or several with | between them.
func parseContext(s string) (paths []*path, err error) {
	p := &parser{s, nil}
	defer p.caught(&err)
	paths = p.union().paths
	p.end()
	return paths, nil
}

type syntax string

func (p *parser) caught(err *error) {
	switch r := recover().(type) {
	case nil:
	case syntax:
		*err = fmt.Errorf("%s before %.40q", string(r), p.s)
	default:
		panic(r)
	}
}

func (p *parser) end() {
	if p.space(); p.s != "" {
		panic(syntax("the expression goes on"))
	}
}

func (p *parser) space() { p.s = strings.TrimLeft(p.s, " ") }

// take eats a sign, or a word that ends there.
func (p *parser) take(s string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.s, s)
	if ok && nameByte(s[len(s)-1]) && rest != "" && nameByte(rest[0]) {
		ok = false
	}
	if ok {
		p.s = rest
	}
	return ok
}

func (p *parser) want(s string) {
	if !p.take(s) {
		panic(syntax(s + " is missing"))
	}
}

func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

func (p *parser) or() expr {
	parts := []expr{p.and()}
	for p.take("or") {
		parts = append(parts, p.and())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return orExpr{parts}
}

func (p *parser) and() expr {
	parts := []expr{p.comparison()}
	for p.take("and") {
		parts = append(parts, p.comparison())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return andExpr{parts}
}

var operators = [...]string{"!=", "<=", ">=", "=", "<", ">"}

func (p *parser) comparison() expr {
	a := p.operand()
	if p.take("in") {
		p.space()
		i := 0
		for i < len(p.s) && (p.s[i] == '.' || '0' <= p.s[i] && p.s[i] <= '9') {
			i++
		}
		set := p.sets[p.s[:i]]
		if set == nil {
			panic(syntax("no value set is called so"))
		}
		p.s = p.s[i:]
		return &within{p.single(a), set}
	}
	for _, op := range operators {
		if !p.take(op) {
			continue
		}
		b := p.operand()
		if x, ok := a.(number); ok {
			y, ok := b.(number)
			if !ok {
				panic(syntax("a number is compared with none"))
			}
			return &compared{op, x, y}
		}
		if x, ok := a.(*union); ok && len(x.paths) == 1 && (op == "=" || op == "!=") {
			if y, ok := b.(*union); ok {
				return &equal{x.paths[0], op, p.single(y)}
			}
			if y, ok := b.(literal); ok {
				return &equal{x.paths[0], op, y}
			}
		}
		panic(syntax("a comparison that the rules do not know"))
	}
	if u, ok := a.(*union); ok && len(u.paths) == 1 {
		return u.paths[0]
	}
	e, ok := a.(expr)
	if !ok {
		panic(syntax("a value where a condition should be"))
	}
	return e
}

func (p *parser) single(a any) *path {
	if u, ok := a.(*union); ok && len(u.paths) == 1 {
		return u.paths[0]
	}
	panic(syntax("one path is wanted"))
}

func (p *parser) asText(a any) text {
	if u, ok := a.(*union); ok {
		return p.single(u)
	}
	t, ok := a.(text)
	if !ok {
		panic(syntax("a text is wanted"))
	}
	return t
}

// operand reads a literal, a number, a function, a group or paths.
func (p *parser) operand() any {
	p.space()
	switch {
	case p.s == "":
		panic(syntax("the expression ends"))
	case p.s[0] == '\'' || p.s[0] == '"':
		i := strings.IndexByte(p.s[1:], p.s[0])
		if i < 0 {
			panic(syntax("a quote is not closed"))
		}
		l := literal(p.s[1 : 1+i])
		p.s = p.s[i+2:]
		return l
	case '0' <= p.s[0] && p.s[0] <= '9':
		i := 0
		for i < len(p.s) && '0' <= p.s[i] && p.s[i] <= '9' {
			i++
		}
		n, _ := strconv.Atoi(p.s[:i])
		p.s = p.s[i:]
		return constant(n)
	case p.take("("):
		e := p.or()
		p.want(")")
		if of, ok := e.(*path); ok {
			return &union{[]*path{of}}
		}
		return e
	}
	for _, f := range functions {
		if !strings.HasPrefix(p.s, f) || !strings.HasPrefix(strings.TrimLeft(p.s[len(f):], " "), "(") {
			continue
		}
		p.s = p.s[len(f):]
		p.want("(")
		return p.function(f)
	}
	return p.union()
}

var functions = [...]string{"count", "not", "string-length", "starts-with", "contains", "concat", "normalize-space", "string"}

func (p *parser) function(name string) any {
	if name == "not" {
		e := p.or()
		p.want(")")
		return notExpr{e}
	}
	if name == "count" {
		u := p.union()
		p.want(")")
		return countOf{u}
	}
	var args []text
	for !p.take(")") {
		if len(args) > 0 {
			p.want(",")
		}
		args = append(args, p.asText(p.operand()))
	}
	switch {
	case name == "concat":
		return concat{args}
	case name == "normalize-space" && len(args) == 0:
		return normalized{&path{steps: []step{{name: "."}}}}
	case name == "normalize-space" && len(args) == 1:
		return normalized{args[0]}
	case name == "string" && len(args) == 1:
		return args[0]
	case name == "string-length" && len(args) == 1:
		return lengthOf{args[0]}
	case name == "starts-with" && len(args) == 2:
		return startsWith{args[0], args[1]}
	case name == "contains" && len(args) == 2:
		if l := wordIn(args[0], args[1]); l != nil {
			return l
		}
		return containing{args[0], args[1]}
	}
	panic(syntax("a function with other arguments"))
}

// wordIn reports that contains looks for a word in a list of them, as the rule does that every template id of a document is asked; ids
// hold no blanks.
func wordIn(of, what text) *listed {
	list, ok := of.(literal)
	if !ok {
		return nil
	}
	c, ok := what.(concat)
	if n := len(c.parts); !ok || n < 3 || c.parts[0] != literal(" ") || c.parts[n-1] != literal(" ") {
		return nil
	}
	l := &listed{words: map[string]bool{}, parts: c.parts[1 : len(c.parts)-1]}
	for w := range strings.FieldsSeq(string(list)) {
		l.words[w] = true
	}
	return l
}

func (p *parser) union() *union {
	u := &union{[]*path{p.path()}}
	for p.take("|") {
		u.paths = append(u.paths, p.path())
	}
	return u
}

func (p *parser) path() *path {
	q := &path{}
	switch {
	case p.take("$root"): // which the rules set to @root of the node that they are about
		return &path{from: current, steps: []step{newStep("@root")}}
	case p.take("current()"):
		q.from = current
		p.want("/")
	case p.take(".//"):
		q.from = below
	case p.take("//"):
		q.from = anywhere
	case p.take("/"):
		q.from = top
	}
	for {
		q.steps = append(q.steps, p.step())
		if !p.take("/") {
			return q
		}
	}
}

func newStep(name string) step { return step{name: name, names: tree.NamesOf(name)} }

func (p *parser) step() step {
	p.space()
	i := 0
	switch {
	case strings.HasPrefix(p.s, ".."):
		i = 2
	case strings.HasPrefix(p.s, "."), strings.HasPrefix(p.s, "*"):
		i = 1
	case strings.HasPrefix(p.s, "text()"):
		i = 6
	default:
		for i < len(p.s) && (nameByte(p.s[i]) || p.s[i] == ':' || i == 0 && p.s[i] == '@') {
			i++
		}
	}
	if i == 0 {
		panic(syntax("a name is missing"))
	}
	s := newStep(p.s[:i])
	p.s = p.s[i:]
	for {
		switch {
		case p.take("{"):
			id, rest, ok := strings.Cut(p.s, "}")
			if !ok {
				panic(syntax("} is missing"))
			}
			s.id = append(s.id, parseTemplate(id))
			p.s = rest
		case p.take("["):
			p.space()
			if n := strings.IndexByte(p.s, ']'); n > 0 && strings.Trim(p.s[:n], "0123456789") == "" {
				s.nth, _ = strconv.Atoi(p.s[:n])
				p.s = p.s[n+1:]
				continue
			}
			s.preds = append(s.preds, p.or())
			p.want("]")
		default:
			return s
		}
	}
}

// rootOfC is what the roots of most templates begin with.
const rootOfC = "2.16.840.1.113883.10.20"

func parseTemplate(s string) templateID {
	root, extension, _ := strings.Cut(s, ":")
	if strings.HasPrefix(root, ".") {
		root = rootOfC + root
	}
	return templateID{root, extension}
}
