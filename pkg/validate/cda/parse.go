package cda

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/tree"
)

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
