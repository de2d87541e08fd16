package cda

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file says in words why a test does not hold of an element, from the test itself and from what is there: that a part is missing,
// stands there too often or is not what it must be. A statement for which that would not be clear has words of its own in the table.

// wording is one such answer.
type wording struct {
	t    *table
	m    *machine
	at   tree.Node // the element that the words are about
	id   diag.ID
	deep int
}

// why says why e does not hold of n.
func (w *wording) why(e expr, n tree.Node) string {
	w.at = n
	if w.deep++; w.deep > 12 {
		return "this must hold: " + w.must(e)
	}
	switch e := e.(type) {
	case andExpr:
		for _, p := range e.parts {
			if !p.truth(w.m, n) {
				return w.why(p, n)
			}
		}
	case orExpr:
		return w.neither(e, n)
	case *path:
		return w.nothing(e, n)
	case *union:
		w.id = ruleMissing
		return w.nouns(e, " or ") + " is missing"
	case countOf:
		return w.why(e.of, n)
	case notExpr:
		return w.not(e.of, n)
	case *compared:
		return w.count(e, n)
	case *equal:
		return w.unequal(e.p, n, e)
	case *within:
		w.id = ruleCode
		missing := *e.p
		if e.p.walk(w.m, n, finish{}, 1) == 0 {
			return w.noun(&missing) + " is missing; it must be " + codes(e.set)
		}
		w.at = w.first(e.p, n)
		return w.noun(e.p) + " must be " + codes(e.set)
	}
	return "this must hold: " + w.must(e)
}

// not says that something may not be so.
func (w *wording) not(e expr, n tree.Node) string {
	w.id = ruleMany
	switch e := e.(type) {
	case *path:
		w.at = w.first(e, n)
		return w.noun(e) + " may not stand here"
	case countOf:
		return w.nouns(e.of, " or ") + " may not stand here"
	case *compared:
		if of, ok := e.a.(countOf); ok && (e.op == "=" || e.op == ">") {
			return w.nouns(of.of, " or ") + " may not stand here"
		}
	}
	w.id = ruleOther
	return "it may not be that " + w.must(e)
}

// codes lists the codes of a value set, if they are few.
func codes(s *valueSet) string {
	if len(s.codes) > 12 {
		return "a code of the value set " + s.name + " (" + s.oid + ")"
	}
	return "one of " + strings.Join(s.codes, ", ")
}

// first is the first node of a path, or the last one on the way there is.
func (w *wording) first(p *path, n tree.Node) tree.Node {
	for i := len(p.steps); i > 0; i-- {
		found := tree.Node(0)
		q := path{p.from, p.steps[:i]}
		if q.walk(w.m, n, finish{first: &found}, 1) > 0 {
			return found
		}
	}
	return n
}

// neither says why none of several conditions holds. Most are a condition and what follows from it: not(A) or B.
func (w *wording) neither(e orExpr, n tree.Node) string {
	var left []expr
	when := ""
	for _, p := range e.parts {
		switch p := p.(type) {
		case notExpr:
			if len(e.parts) == 2 {
				when = w.given(p.of, e)
			}
			continue // it does not hold because that is there
		case *compared:
			if k, ok := p.b.(constant); ok && k == 0 && p.op == "=" {
				continue
			}
			if of, ok := p.a.(countOf); ok && isNull(of.of.paths[0]) {
				continue
			}
		case *path:
			if isNull(p) {
				continue
			}
		}
		left = append(left, p)
	}
	if len(left) == 1 {
		if and, ok := left[0].(andExpr); ok && len(and.parts) == 2 && and.parts[0].truth(w.m, n) { // (A and B) or not(A)
			return when + w.why(and.parts[1], n)
		}
		return when + w.why(left[0], n)
	}
	w.at = n
	if name, systems := w.oneSystem(left); name != "" {
		w.id = ruleCode
		w.at = w.first(left[0].(*path), n)
		return fmt.Sprintf("%s%s must be of %s", when, name, systems)
	}
	w.id = ruleOther
	if len(left) == 0 {
		return "this must hold: " + w.must(e)
	}
	parts := make([]string, len(left))
	for i, p := range left {
		parts[i] = w.must(p)
	}
	return when + "one of these must hold: " + strings.Join(parts, "; or ")
}

// oneSystem reports alternatives that all ask for the code system of one element: its name, and the systems.
func (w *wording) oneSystem(alternatives []expr) (name, systems string) {
	var list []string
	for _, e := range alternatives {
		p, ok := e.(*path)
		if !ok || len(p.steps) != 1 || len(p.steps[0].preds) != 1 || name != "" && name != p.steps[0].name {
			return "", ""
		}
		eq, ok := p.steps[0].preds[0].(*equal)
		if !ok || eq.p.steps[0].name != "@codeSystem" {
			return "", ""
		}
		oid, ok := eq.want.(literal)
		if !ok {
			return "", ""
		}
		name = p.steps[0].name
		list = append(list, cmp.Or(systemName(string(oid)), string(oid)))
	}
	return name, strings.Join(list, ", ")
}

// isNull reports the path @nullFlavor.
func isNull(p *path) bool { return len(p.steps) == 1 && p.steps[0].name == "@nullFlavor" }

// given says the condition of what follows from it, unless that names the same place anyway.
func (w *wording) given(e expr, whole orExpr) string {
	if p, ok := e.(*path); ok {
		for _, q := range whole.parts {
			if q, ok := q.(*path); ok && len(q.steps) >= len(p.steps) {
				return ""
			}
		}
	}
	return "where " + w.must(e) + ", "
}

// nothing says why a path leads to nothing: that a step is missing, or what of it does not hold.
func (w *wording) nothing(p *path, n tree.Node) string {
	for i := len(p.steps); i > 0; i-- {
		bare := path{p.from, slices.Clone(p.steps[:i])}
		bare.steps[i-1].preds = nil
		found := tree.Node(0)
		if bare.walk(w.m, n, finish{first: &found}, 1) == 0 {
			continue
		}
		if i == len(p.steps) || len(p.steps[i-1].preds) > 0 {
			for _, e := range p.steps[i-1].preds {
				if !e.truth(w.m, found) {
					if !nests(e) {
						break
					}
					where := w.steps(bare.steps)
					return in(where, w.why(e, found))
				}
			}
		}
		if i < len(p.steps) {
			break
		}
	}
	w.id = ruleMissing
	return w.noun(p) + " is missing"
}

// in puts the place of something before it: "in effectiveTime: low is missing", "code must have the code X".
func in(where, what string) string {
	if where == "" || where == "this element" || where == "component/structuredBody" {
		return what
	}
	if rest, ok := strings.CutPrefix(what, "the attribute "); ok {
		return where + "/@" + rest
	}
	return "in " + where + ": " + what
}

// nests reports whether the words of an expression can stand behind those of the place that it is about.
func nests(e expr) bool {
	switch e := e.(type) {
	case *path:
		return e.from == here
	case *equal:
		return e.p.from == here
	case *compared, *within, andExpr, orExpr, notExpr:
		return true
	}
	return false
}

// count says how often something stands there, and how often it should.
func (w *wording) count(c *compared, n tree.Node) string {
	of, isCount := c.a.(countOf)
	k, isConstant := c.b.(constant)
	if l, ok := c.a.(lengthOf); ok && isConstant {
		w.id = ruleOther
		if p, ok := l.of.(*path); ok {
			w.at = w.first(p, n)
			switch {
			case c.op == ">=" && strings.HasSuffix(p.steps[len(p.steps)-1].name, "@value") && precision[int(k)] != "":
				return w.noun(p) + " must be precise to the " + precision[int(k)]
			case c.op == ">=":
				return w.noun(p) + " must have at least " + strconv.Itoa(int(k)) + " characters"
			}
			return w.noun(p) + " is too long"
		}
	}
	if other, ok := c.b.(countOf); ok && isCount && c.op != ">" && c.op != ">=" {
		w.id = ruleMissing
		if rest := beyond(of.of.paths[0], other.of.paths[0]); rest != nil {
			return fmt.Sprintf("not every %s has %s", w.noun(of.of.paths[0]), w.noun(rest))
		}
	}
	if !isCount || !isConstant {
		w.id = ruleOther
		return "this must hold: " + w.must(c)
	}
	got := of.of.count(w.m, n, maxCount)
	what := w.nouns(of.of, " or ")
	least := int(k)
	if c.op == ">" {
		least++
	}
	switch {
	case c.op == "=" && k == 0:
		w.id = ruleMany
		w.at = w.first(of.of.paths[0], n)
		return what + " may not stand here"
	case (c.op == "=" || c.op == ">" || c.op == ">=") && got < least:
		w.id = ruleMissing
		if got > 0 {
			return fmt.Sprintf("%s stands here %s; %d are needed", what, times(got), least)
		}
		return what + " is missing"
	case c.op == "=" || c.op == "<" || c.op == "<=":
		w.id = ruleMany
		most := int(k)
		if c.op == "<" {
			most--
		}
		return fmt.Sprintf("%s stands here %s; it may %s", what, times(got), times(most))
	}
	w.id = ruleOther
	return "this must hold: " + w.must(c)
}

// beyond is what a path goes on with behind another, nil if it is not a longer one.
func beyond(short, long *path) *path {
	n := len(short.steps)
	if len(long.steps) <= n || short.from != long.from {
		return nil
	}
	for i := range n {
		if long.steps[i].name != short.steps[i].name || len(long.steps[i].preds) > 0 {
			return nil
		}
	}
	return &path{here, long.steps[n:]}
}

// precision is what a time of so many characters is precise to.
var precision = map[int]string{4: "year", 6: "month", 8: "day", 10: "hour", 12: "minute", 14: "second"}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// unequal says that a text is not the one that it must be.
func (w *wording) unequal(p *path, n tree.Node, e *equal) string {
	w.id = ruleValue
	want := "the same as " + w.other(e.want)
	if l, ok := e.want.(literal); ok {
		want = w.named(p, string(l))
	}
	if e.op == "!=" {
		w.at = w.first(p, n)
		return w.noun(p) + " must be other than " + want
	}
	if p.walk(w.m, n, finish{}, 1) == 0 {
		w.at = w.first(p, n)
		return w.noun(p) + " is missing; it must be " + want
	}
	w.at = w.first(p, n)
	return w.noun(p) + " must be " + want
}

func (w *wording) other(t text) string {
	if p, ok := t.(*path); ok {
		return w.noun(p)
	}
	return "another"
}

// named writes a literal, and what it is called if it is the OID of a code system.
func (w *wording) named(p *path, v string) string {
	switch p.steps[len(p.steps)-1].name {
	case "@codeSystem":
		if name := systemName(v); name != "" {
			return v + " (" + name + ")"
		}
	case "@root":
		if name := cmp.Or(w.t.names[v], systemName(v)); name != "" {
			return v + " (" + name + ")"
		}
	}
	return cmp.Or(v, "empty")
}

// must says a condition as a clause.
func (w *wording) must(e expr) string {
	switch e := e.(type) {
	case andExpr:
		return w.join(e.parts, " and ")
	case orExpr:
		return w.either(e)
	case notExpr:
		if p, ok := e.of.(*path); ok {
			return "there is no " + strings.TrimPrefix(w.noun(p), "the ")
		}
		return "it is not so that " + w.must(e.of)
	case *path:
		return w.noun(e) + " is there"
	case *union:
		return w.nouns(e, " or ") + " is there"
	case countOf:
		return w.nouns(e.of, " or ") + " is there"
	case *equal:
		if name := w.rootName(e); name != "" && e.p.from == anywhere {
			return "the " + name + " is there"
		}
		is := " is "
		if e.op == "!=" {
			is = " is not "
		}
		if l, ok := e.want.(literal); ok {
			return w.noun(e.p) + is + w.named(e.p, string(l))
		}
		return w.noun(e.p) + is + "the same as " + w.other(e.want)
	case *within:
		return w.noun(e.p) + " is " + codes(e.set)
	case startsWith:
		return fmt.Sprintf("%s begins with %s", w.texts(e.of), w.texts(e.with))
	case containing:
		return fmt.Sprintf("%s contains %s", w.texts(e.of), w.texts(e.what))
	case *compared:
		of, ok := e.a.(countOf)
		k, isConstant := e.b.(constant)
		if ok && isConstant {
			what := w.nouns(of.of, " or ")
			switch {
			case e.op == "=" && k == 0:
				return "there is no " + strings.TrimPrefix(what, "the ")
			case e.op == "=" && k == 1:
				return what + " is there once"
			case e.op == ">" && k == 0:
				return what + " is there"
			case e.op == "<" && k == 2, e.op == "<=" && k == 1:
				return what + " is there no more than once"
			case e.op == "=":
				return fmt.Sprintf("%s is there %s", what, times(int(k)))
			case e.op == ">=":
				return fmt.Sprintf("%s is there at least %s", what, times(int(k)))
			case e.op == "<=":
				return fmt.Sprintf("%s is there no more than %s", what, times(int(k)))
			}
		}
		other, ok2 := e.b.(countOf)
		if ok && ok2 {
			as := map[string]string{"=": "as many", "<=": "no more", ">=": "no fewer", "<": "fewer", ">": "more"}[e.op]
			than := "than"
			if as == "as many" {
				than = "as"
			}
			return fmt.Sprintf("there are %s %s %s %s", as, w.nouns(of.of, " or "), than, w.nouns(other.of, " or "))
		}
		if l, ok := e.a.(lengthOf); ok && isConstant {
			return fmt.Sprintf("%s has %s %d characters", w.texts(l.of), map[string]string{">=": "at least", ">": "more than", "<": "fewer than", "<=": "at most"}[e.op], int(k))
		}
	}
	return "the condition holds"
}

// either says alternatives; not(A) or B, and (A and B) or not(A), as what follows from A.
func (w *wording) either(e orExpr) string {
	if len(e.parts) == 2 {
		for i, p := range e.parts {
			not, ok := p.(notExpr)
			if !ok {
				continue
			}
			rest := e.parts[1-i]
			if and, ok := rest.(andExpr); ok && len(and.parts) == 2 && w.must(and.parts[0]) == w.must(not.of) {
				rest = and.parts[1]
			}
			return "where " + w.must(not.of) + ": " + w.must(rest)
		}
	}
	return w.join(e.parts, " or ")
}

func (w *wording) join(parts []expr, with string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = w.must(p)
	}
	return strings.Join(out, with)
}

func (w *wording) texts(t text) string {
	switch t := t.(type) {
	case *path:
		return w.noun(t)
	case literal:
		return string(t)
	case normalized:
		return w.texts(t.of)
	}
	return "the text"
}

func (w *wording) nouns(u *union, with string) string {
	out := make([]string, len(u.paths))
	for i, p := range u.paths {
		out[i] = w.noun(p)
	}
	return strings.Join(out, with)
}

// noun names what a path leads to: effectiveTime/low; entryRelationship (typeCode SUBJ, with an Allergy Observation).
func (w *wording) noun(p *path) string {
	s := w.steps(p.steps)
	switch p.from {
	case anywhere:
		if last := p.steps[len(p.steps)-1]; last.name == "templateId" {
			for _, e := range last.preds {
				if name := w.rootName(e); name != "" {
					return "the " + name
				}
			}
		}
		return s + " anywhere in the document"
	case below:
		return s + " within"
	}
	return s
}

// rootName is the name of the template that a condition @root='...' asks for.
func (w *wording) rootName(e expr) string {
	if e, ok := e.(*equal); ok && e.op == "=" && e.p.steps[len(e.p.steps)-1].name == "@root" {
		if l, ok := e.want.(literal); ok {
			return w.t.names[string(l)]
		}
	}
	return ""
}

// holds is the step in a component or the like that is there for nothing but to hold it.
func holds(s *step) *path {
	if s.name != "component" || len(s.preds) != 1 || len(s.id) > 0 {
		return nil
	}
	c, ok := s.preds[0].(*compared)
	if !ok {
		return nil
	}
	if of, ok := c.a.(countOf); ok && len(of.of.paths) == 1 {
		return of.of.paths[0]
	}
	return nil
}

func (w *wording) steps(steps []step) string {
	if inner := holds(&steps[len(steps)-1]); inner != nil && len(steps) == 1 {
		return "the " + w.noun(inner)
	}
	if len(steps) == 1 && strings.HasPrefix(steps[0].name, "@") {
		return "the attribute " + steps[0].name[1:]
	}
	var b strings.Builder
	var notes []string
	for i := range steps {
		s := &steps[i]
		if i > 0 {
			b.WriteByte('/')
		}
		switch {
		case s.name == ".." && i == 0:
			b.WriteString("(what holds it)")
		case s.name == "." && len(steps) == 1:
			b.WriteString("this element")
		case s.name == "*":
			b.WriteString("any element")
		case s.name == "text()":
			b.WriteString("text")
		case len(s.id) > 0 && i == len(steps)-1:
			name := w.template(s.id[0])
			b.WriteString(name)
			if !strings.Contains(strings.ToLower(name), s.name) {
				b.WriteString(" [" + s.name + "]")
			}
		case len(s.id) > 0:
			b.WriteString(s.name + " [" + w.template(s.id[0]) + "]")
		default:
			b.WriteString(s.name)
		}
		for _, e := range s.preds {
			notes = append(notes, w.note(e))
		}
	}
	if len(notes) > 0 {
		b.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return b.String()
}

// note says what is demanded of something in brackets behind its name.
func (w *wording) note(e expr) string {
	switch e := e.(type) {
	case *equal:
		if l, ok := e.want.(literal); ok && e.op == "=" && len(e.p.steps) == 1 && strings.HasPrefix(e.p.steps[0].name, "@") {
			return e.p.steps[0].name[1:] + " " + w.named(e.p, string(l))
		}
	case *compared:
		of, ok := e.a.(countOf)
		k, isConstant := e.b.(constant)
		if ok && isConstant && (e.op == "=" && k == 1 || e.op == ">" && k == 0) {
			return "with " + w.nouns(of.of, " or ")
		}
	case *path:
		return "with " + strings.TrimPrefix(w.noun(e), "the ")
	case andExpr:
		parts := make([]string, len(e.parts))
		for i, p := range e.parts {
			parts[i] = w.note(p)
		}
		return strings.Join(parts, ", ")
	case orExpr:
		parts := make([]string, len(e.parts))
		for i, p := range e.parts {
			parts[i] = w.note(p)
		}
		return strings.Join(parts, " or ")
	case notExpr:
		if p, ok := e.of.(*path); ok {
			return "without " + strings.TrimPrefix(w.noun(p), "the ")
		}
	}
	return w.must(e)
}

// template is what a template is called.
func (w *wording) template(id templateID) string {
	return cmp.Or(w.t.names[id.root], id.String())
}

// subject is what the rule of a statement is about: the name of the template that its context begins with.
func (t *table) subject(r *rule, m *machine, n tree.Node) string {
	for _, p := range r.contexts {
		if m != nil {
			if m.look(n); !p.matches(m, n) {
				continue
			}
		}
		for i := range p.steps {
			if len(p.steps[i].id) > 0 {
				name := cmp.Or(t.names[p.steps[i].id[0].root], p.steps[i].id[0].String())
				if i < len(p.steps)-1 {
					rest := make([]string, 0, len(p.steps)-i)
					for _, s := range p.steps[i+1:] {
						rest = append(rest, s.name)
					}
					name += ", " + strings.Join(rest, "/")
				}
				return name
			}
		}
	}
	return "C-CDA"
}
