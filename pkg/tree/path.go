package tree

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Path leads from a node to others below it: 5.1, effectiveTime/low/@value, a column. The empty path is the node itself.
type Path []Step

// A Step is a name, perhaps an ordinal among the nodes that the step would match, and what must hold there.
type Step struct {
	Name  string // a name; one that ends in * stands for all names that begin so, and is never made
	Nth   int    // from 1; 0 is any
	On    bool   // written [2-]: the Nth and all behind it
	Each  bool   // written name[]: of a place that repeats, the step that is made anew each time; without it the last
	Tests []Test
	bit   uint8 // of the name in Names, plus 1; 0 if it is not known
}

// A Test looks at a document (docs/rows.md). Read, it is asked; written, Equal is stamped with its first value, and the
// others are asked.
type Test struct {
	Path   Path
	Op     Op
	Values []string // of Equal and NotEqual
	Fold   bool     // the values are in lower case, and capitals make no difference; it is only ever asked
}

// Op is what a Test asks of the text at its path.
type Op uint8

const (
	Exists   Op = iota + 1 // something is there: a leaf at or below the path
	Missing                // nothing is there
	Equal                  // a text there is one of the values
	NotEqual               // no text there is one of the values; so it is where nothing is there
)

// step makes a step of a name.
func step(name string) Step {
	if name[len(name)-1] == '*' {
		return Step{Name: name}
	}
	return Step{Name: name, bit: bitOf(name) + 1}
}

func (s *Step) named(name string) bool {
	if last := len(s.Name) - 1; s.Name[last] == '*' {
		return strings.HasPrefix(name, s.Name[:last])
	}
	return name == s.Name
}

// Find returns the next child of n after k that a step matches, the first if k is 0, and 0 if there is none.
func (d *Doc) Find(n, k Node, s *Step) Node {
	if k == n && k != 0 {
		return 0 // a leaf was its own only part
	}
	if k == 0 {
		p := &d.nodes[n]
		if k = p.first; k == 0 {
			if d.Self != "" && s.Name == d.Self && s.Nth <= 1 && p.text != "" && d.holds(n, s.Tests) {
				return n
			}
			return 0
		}
		if s.bit != 0 && p.below>>(s.bit-1)&1 == 0 {
			return 0
		}
	} else {
		k = d.nodes[k].next
	}
	return d.find(n, k, s)
}

// find is the first of k and its younger siblings that a step matches.
func (d *Doc) find(n, k Node, s *Step) Node {
	for ; k != 0; k = d.nodes[k].next {
		d.steps++
		p := &d.nodes[k]
		if s.bit != 0 && p.bit != s.bit-1 || !s.named(d.Name(k)) {
			continue
		}
		if (s.Nth == 0 || d.inPosition(n, k, s)) && d.holds(k, s.Tests) {
			return k
		}
	}
	return 0
}

// FindIn is Find for the first child, where the children of n are indexed.
func (d *Doc) FindIn(x *Index, n Node, s *Step) Node {
	if s.bit == 0 {
		return d.Find(n, 0, s)
	}
	k := x[s.bit-1]
	if k == n {
		return d.Find(n, 0, s) // a leaf that is its own first part
	}
	return d.find(n, k, s)
}

// inPosition reports that k has the step's ordinal among those children of n that the step would match without it, or stands behind it
// where that is enough.
func (d *Doc) inPosition(n, k Node, s *Step) bool {
	at := 0
	for j := d.nodes[n].first; j != 0; j = d.nodes[j].next {
		d.steps++
		if !s.named(d.Name(j)) || !d.holds(j, s.Tests) {
			continue
		}
		if at++; at == s.Nth {
			return j == k || s.On
		} else if j == k {
			return false
		}
	}
	return false
}

func (d *Doc) holds(n Node, tests []Test) bool {
	for i := range tests {
		if _, ok := d.Ask(n, &tests[i]); !ok {
			return false
		}
	}
	return true
}

// At follows a path to the first node that it leads to, 0 if there is none.
func (d *Doc) At(n Node, p Path) Node {
	if len(p) == 0 {
		return n
	}
	return d.at(n, d.Find(n, 0, &p[0]), p)
}

// AtIn is At where the children of n are indexed.
func (d *Doc) AtIn(x *Index, n Node, p Path) Node {
	if len(p) == 0 {
		return n
	}
	return d.at(n, d.FindIn(x, n, &p[0]), p)
}

// at is At from the child k of n on, to which the path's first step leads.
func (d *Doc) at(n, k Node, p Path) Node {
	for ; k != 0; k = d.Find(n, k, &p[0]) {
		if m := d.At(k, p[1:]); m != 0 {
			return m
		}
	}
	return 0
}

// Each calls f for every node that a path leads to, in document order, until f returns false.
func (d *Doc) Each(n Node, p Path, f func(Node) bool) bool {
	if len(p) == 0 {
		return f(n)
	}
	return d.each(n, d.Find(n, 0, &p[0]), p, f)
}

// EachIn is Each where the children of n are indexed.
func (d *Doc) EachIn(x *Index, n Node, p Path, f func(Node) bool) bool {
	if len(p) == 0 {
		return f(n)
	}
	return d.each(n, d.FindIn(x, n, &p[0]), p, f)
}

func (d *Doc) each(n, k Node, p Path, f func(Node) bool) bool {
	for ; k != 0; k = d.Find(n, k, &p[0]) {
		if !d.Each(k, p[1:], f) {
			return false
		}
	}
	return true
}

// Ask reports whether a test holds at n, and the leaf that it looked at, if any.
func (d *Doc) Ask(n Node, t *Test) (Node, bool) {
	k := d.At(n, t.Path)
	if t.Op == Exists || t.Op == Missing {
		there := k != 0 && d.There(k)
		if k != 0 && !there && (len(t.Path) > 1 || d.nodes[k].next != 0 && d.nodes[d.nodes[k].next].name == d.nodes[k].name) {
			d.Each(n, t.Path, func(m Node) bool { // what an empty repetition stands before is there all the same
				if there = d.There(m); there {
					k = m
				}
				return !there
			})
		}
		if k != 0 {
			k = d.Leaf(k)
		}
		return k, there == (t.Op == Exists)
	}
	found := d.hasValue(k, t)
	// Of several nodes at the path one is enough, as in XPath: an act bears several template ids.
	if !found && k != 0 && (len(t.Path) > 1 || d.nodes[k].next != 0 && d.nodes[d.nodes[k].next].name == d.nodes[k].name) {
		d.Each(n, t.Path, func(m Node) bool {
			if found = d.hasValue(m, t); found {
				k = m
			}
			return !found
		})
	}
	if k != 0 {
		k = d.Leaf(k)
	}
	return k, found == (t.Op == Equal)
}

// hasValue reports whether the text of k, but for blanks about it, is one of the test's values; where nothing is, it is empty.
func (d *Doc) hasValue(k Node, t *Test) bool {
	text := ""
	if k != 0 {
		text = d.LeafText(k)
	}
	if t.Fold {
		text = strings.ToLower(text)
	}
	return slices.Contains(t.Values, text) || slices.Contains(t.Values, strings.Trim(text, " "))
}

// Stamp makes a test hold at n if it is an Equal and nothing stands there yet, and reports whether it holds.
func (d *Doc) Stamp(n Node, t *Test) bool {
	if _, ok := d.Ask(n, t); ok {
		return true
	}
	if t.Op != Equal || t.Values[0] == "" {
		return false
	}
	k := d.Make(n, t.Path, false)
	if d.LeafText(k) != "" {
		return false
	}
	d.SetText(d.Leaf(k), t.Values[0])
	return true
}

// Make returns the node that a path leads to, making and stamping what is missing; fresh makes anew the step that is marked
// to repeat, or else the last, and what is below it.
func (d *Doc) Make(n Node, p Path, fresh bool) Node {
	anew := len(p)
	if fresh {
		anew = max(p.each(), 0)
	}
	for i := range p {
		s := &p[i]
		k := Node(0)
		if i != anew {
			k = d.Find(n, 0, s)
			if k == n && i < len(p)-1 {
				k = 0 // a leaf that is its own first part must get that part to have parts below it
			}
		}
		if k == 0 {
			k = d.makeStep(n, s)
		}
		n = k
	}
	return n
}

// each is the index of the step that repeats: the one that is marked, else the last.
func (p Path) each() int {
	for i := range p {
		if p[i].Each {
			return i
		}
	}
	return len(p) - 1
}

// Marked reports that a step of the path says that it repeats.
func (p Path) Marked() bool { return slices.ContainsFunc(p, func(s Step) bool { return s.Each }) }

func (d *Doc) makeStep(n Node, s *Step) Node {
	if d.Self != "" && s.Name == d.Self && d.nodes[n].text != "" {
		k := d.Add(n, s.Name, "") // which pushes the text down before it
		d.unlink(k)
		d.nodes = d.nodes[:k]
		return d.nodes[n].first
	}
	k := d.Add(n, s.Name, "")
	for j := range s.Tests {
		d.Stamp(k, &s.Tests[j])
	}
	if s.Nth > 1 && d.holds(k, s.Tests) && !d.inPosition(n, k, s) {
		return d.makeStep(n, s) // the ones before it are not there yet, and are empty
	}
	return k
}

// MarkTests marks the leaves that the tests along a path which led to n were matched on.
func (d *Doc) MarkTests(n Node, p Path, s State, why string) {
	for i := len(p) - 1; i >= 0; i-- {
		for j := range p[i].Tests {
			if t := &p[i].Tests[j]; t.Op == Equal {
				d.MarkTest(n, t, s, why)
			}
		}
		if d.Self == "" || p[i].named(d.Name(n)) {
			n = d.nodes[n].parent
		}
	}
}

// MarkTest marks the leaf that an Equal test at n was matched on, and those that its path's own tests were: a value that is
// not the one written back is folded.
func (d *Doc) MarkTest(n Node, t *Test, s State, why string) {
	k, ok := d.Ask(n, t)
	if !ok || k == 0 || d.nodes[k].text == "" {
		return
	}
	if len(t.Path) > 1 {
		d.MarkTests(d.At(n, t.Path), t.Path, s, why)
	}
	if s == Carried && d.nodes[k].text != t.Values[0] {
		s, why = Folded, "written back as "+t.Values[0]
	}
	d.Mark(k, s, why)
}

// ParsePath reads a path in the format's own notation with XPath-like tests: 5.1, 4[2], act[@classCode='ACT']/id, and with []
// behind the name of the step that repeats: component[]/observation.
// "." is the empty path. An error says what is wrong and, where it helps, in which part.
func (f *Format) ParsePath(s string) (Path, error) {
	if s == "." {
		return nil, nil
	}
	if f.Steps == "" { // a name is a path: First Name
		if s = unquote(s); s == "" {
			return nil, fmt.Errorf("a column without a name")
		}
		return Path{step(s)}, nil
	}
	var p Path
	for s != "" {
		i := strings.IndexAny(s, f.Steps+"[")
		if i < 0 {
			i = len(s)
		}
		if i == 0 {
			return nil, fmt.Errorf("a step without a name before %q", s)
		}
		st := step(s[:i])
		s = s[i:]
		for strings.HasPrefix(s, "[") {
			end := Closing(s)
			if end < 0 {
				return nil, fmt.Errorf("the bracket of %s%s is not closed", st.Name, s)
			}
			in := s[1:end]
			s = s[end+1:]
			if in == "" {
				if st.Each || p.Marked() {
					return nil, fmt.Errorf("only one step of a place can bear []")
				}
				st.Each = true
				continue
			}
			number, on := strings.CutSuffix(in, "-")
			if n, err := strconv.Atoi(number); err == nil {
				if n < 1 {
					return nil, fmt.Errorf("%s[%s]: places are counted from 1", st.Name, in)
				}
				st.Nth, st.On = n, on
				continue
			}
			t, err := f.ParseTest(in)
			if err != nil {
				return nil, err
			}
			if t.Fold {
				return nil, fmt.Errorf("[%s]: what stands in brackets is written too, in one form; ~= stands behind if", in)
			}
			st.Tests = append(st.Tests, t)
		}
		p = append(p, st)
		if s != "" {
			if !strings.ContainsRune(f.Steps, rune(s[0])) {
				return nil, fmt.Errorf("%q follows a bracket where a separator should stand", s)
			}
			if s = s[1:]; s == "" {
				return nil, fmt.Errorf("the path ends in a separator")
			}
		}
	}
	return p, nil
}

// ParseTest reads what stands in a path's brackets or after a row's with or if: PATH, no PATH, PATH=a|b, PATH!=a|b,
// and PATH~=a|b, PATH!~=a|b, to which capitals make no difference.
func (f *Format) ParseTest(s string) (t Test, err error) {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "no "); ok {
		t.Op, s = Missing, strings.TrimSpace(rest)
	} else if i := topIndex(s, '='); i >= 0 {
		t.Op = Equal
		path, vals := s[:i], s[i+1:]
		path, t.Fold = strings.CutSuffix(path, "~")
		if p, ok := strings.CutSuffix(path, "!"); ok {
			t.Op, path = NotEqual, p
		}
		for vals != "" || t.Values == nil {
			var v string
			if v, vals, err = literal(strings.TrimSpace(vals)); err != nil {
				return t, fmt.Errorf("%s: %w", s, err)
			}
			if t.Fold {
				v = strings.ToLower(v)
			}
			t.Values = append(t.Values, v)
			if vals = strings.TrimSpace(vals); vals != "" {
				if vals[0] != '|' || len(vals) == 1 {
					return t, fmt.Errorf("%s: %q is left over after the value", s, vals)
				}
				vals = vals[1:]
			}
		}
		s = strings.TrimSpace(path)
	} else {
		t.Op = Exists
	}
	t.Path, err = f.ParsePath(s)
	return t, err
}

// literal cuts a word, or 'quoted' with a doubled quote inside, from the front of s.
func literal(s string) (v, rest string, err error) {
	if s == "" {
		return "", "", fmt.Errorf("a value is missing; an empty one is ''")
	}
	if s[0] != '\'' {
		if i := strings.IndexByte(s, '|'); i >= 0 {
			return strings.TrimSpace(s[:i]), s[i:], nil
		}
		return s, "", nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
		} else if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
		} else {
			return b.String(), s[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("the quote of %s is not closed", s)
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// Closing is the index of the bracket that closes the one that s begins with, -1 if none does.
func Closing(s string) int {
	depth, quoted := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// topIndex is the index of the first c outside brackets and quotes, -1 if there is none.
func topIndex(s string, c byte) int {
	depth, quoted := 0, false
	for i := range len(s) {
		switch b := s[i]; {
		case b == '\'' || b == '"':
			quoted = !quoted
		case quoted:
		case b == '[':
			depth++
		case b == ']':
			depth--
		case b == c && depth == 0:
			return i
		}
	}
	return -1
}

// String writes the path as ParsePath reads it, with the format's first separator.
func (f *Format) PathString(p Path) string {
	if len(p) == 0 {
		return "."
	}
	if f.Steps == "" {
		if strings.ContainsAny(p[0].Name, " \t#,'[]=|") {
			return `"` + p[0].Name + `"`
		}
		return p[0].Name
	}
	var b strings.Builder
	for i, s := range p {
		if i > 0 {
			b.WriteByte(f.Steps[0])
		}
		b.WriteString(s.Name)
		if s.Each {
			b.WriteString("[]")
		}
		for j := range s.Tests {
			fmt.Fprintf(&b, "[%s]", f.TestString(&s.Tests[j]))
		}
		if s.Nth > 0 && s.On {
			fmt.Fprintf(&b, "[%d-]", s.Nth)
		} else if s.Nth > 0 {
			fmt.Fprintf(&b, "[%d]", s.Nth)
		}
	}
	return b.String()
}

// TestString writes a test as ParseTest reads it.
func (f *Format) TestString(t *Test) string {
	p := f.PathString(t.Path)
	switch t.Op {
	case Exists:
		return p
	case Missing:
		return "no " + p
	}
	vals := make([]string, len(t.Values))
	for i, v := range t.Values {
		vals[i] = Quote(v)
	}
	op := "="
	if t.Fold {
		op = "~="
	}
	if t.Op == NotEqual {
		op = "!" + op
	}
	return p + op + strings.Join(vals, "|")
}

// Quote writes a literal: a plain word as it is, anything else in single quotes.
func Quote(v string) string {
	if v != "" && v != "-" && !strings.ContainsAny(v, " \t,|]=#'\"") {
		return v
	}
	return "'" + strings.ReplaceAll(v, "'", "''") + "'"
}
