package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// This file compiles places in FHIR to hops over the hub's struct fields, and walks them.
//
//	valueQuantity.value                          elements as JSON names them; a choice with its type
//	telecom[use=home]                            a tag: stamped when FHIR is made, looked for when it is read
//	participant[type=v3-ParticipationType#ATND]  a code with its system
//	Encounter[subject=Patient]                   a link: the reference must lead to that resource in scope
//	valueQuantity[comparator], [no comparator]   asked on the way back only, as is [x!=v]
//	coding[]                                     a new element of the list for each instance of the table
//	extension(us-core-race).valueString          short for extension[url=...]

// step is one hop: an element, of a choice one of its types.
type step struct {
	e    *plan.Element
	a    *plan.Alt // of a choice
	typ  *plan.Type
	tags []tag
	grow bool // the step makes a new element each time
	slot int  // where an instance remembers the element, -1 for a step that grows
	// FHIR wants something of the element that its tags do not say.
	wants bool
	id    int // of the element and its tags within the Map, for places that several tables share; 0 without tags
}

// tag is a predicate on an element.
type tag struct {
	path  []step
	typ   *plan.Type // at the end of path
	op    tagOp
	value plan.Value
	made  reflect.Value // a primitive with the value, which records share
	text  string
	link  *plan.Type // a reference must lead to the resource of this type that is in scope
}

type tagOp uint8

const (
	tagIs     tagOp = iota // stamped, and looked for
	tagNot                 // asked on the way back only
	tagThere               // asked on the way back only
	tagAbsent              // asked on the way back only
)

// target is a compiled place in FHIR.
type target struct {
	end     *plan.Type // what the path leads to; nil: a scope
	base    *plan.Type // in a scope: the resource that the path starts from
	arrow   *plan.Type // the resource that the reference at the end leads to
	steps   []step
	tags    []tag // on the base, or with ".[...]" on the table's own element
	grow    int   // the step that grows, -1 if none
	arrowed []tag // on the resource behind the arrow
	linked  bool  // one of these is a link
	text    string
	alone   string // see place
}

// place is the target as text without the marks that do not tell places apart: for rivals, and for each row of a table beside each other,
// so that it is made once.
func (t *target) place() string {
	if t.alone != "" || len(t.steps) == 0 && t.base == nil {
		return t.alone
	}
	var b strings.Builder
	if t.base != nil {
		b.WriteString(t.base.Name)
	}
	for i := range t.steps {
		s := &t.steps[i]
		b.WriteByte('.')
		b.WriteString(s.e.Name)
		for _, g := range s.tags {
			if g.op == tagIs {
				fmt.Fprintf(&b, "[%s=%s]", g.name(), g.text)
			}
		}
	}
	t.alone = b.String()
	return t.alone
}

// inList reports that a list is on the way to the place.
func (t *target) inList() bool {
	return slices.ContainsFunc(t.steps, func(s step) bool { return s.e.List })
}

// asks are the tags of the place that are asked on the way back alone, as text, and all of the resource behind its arrow.
func (t *target) asks() string {
	var b strings.Builder
	for i := range t.steps {
		asked := slices.DeleteFunc(slices.Clone(t.steps[i].tags), func(g tag) bool { return g.op == tagIs })
		b.WriteString("." + tagsText(asked))
	}
	return b.String() + "->" + tagsText(t.arrowed)
}

// tagsText are tags as text.
func tagsText(tags []tag) string {
	var b strings.Builder
	for i := range tags {
		g := &tags[i]
		fmt.Fprintf(&b, "[%d%s=%s]", g.op, g.name(), g.text)
	}
	return b.String()
}

func (g *tag) name() string {
	var names []string
	for i := range g.path {
		if s := &g.path[i]; s.a != nil {
			names = append(names, s.a.Name)
		} else {
			names = append(names, s.e.Name)
		}
	}
	return strings.Join(names, ".")
}

// compileTarget compiles a place under root; in a scope (root nil) the first step names a resource.
func (m *Map) compileTarget(t *table, text string, each bool) (target, error) {
	d := target{text: text, grow: -1}
	path, arrow, hasArrow := cutArrow(text)
	root := t.info
	if root == nil && path != "." {
		head, rest, _ := cutTop(path, '.')
		name, tags, err := cutTags(head)
		if err != nil {
			return d, err
		}
		if root, err = plan.Named(name); err != nil {
			return d, err
		}
		if root.Kind != plan.Resource {
			return d, fmt.Errorf("%s is no resource; in a scope a target begins with one", name)
		}
		d.base = root
		if d.tags, err = m.compileTags(root, tags); err != nil {
			return d, err
		}
		path = rest
	} else if root != nil && strings.HasPrefix(path, ".[") {
		head, rest, _ := cutTop(path[1:], '.')
		_, tags, err := cutTags(head)
		if err != nil {
			return d, err
		}
		if d.tags, err = m.compileTags(root, tags); err != nil {
			return d, err
		}
		path = rest
	}
	d.end = root
	if path != "" && path != "." {
		var err error
		if d.steps, d.end, err = m.compileSteps(root, path); err != nil {
			return d, err
		}
	}
	if hasArrow {
		if d.end == nil || d.end.Name != "Reference" {
			return d, fmt.Errorf("%s is no reference, so nothing can stand behind an arrow", path)
		}
		name, tags, err := cutTags(arrow)
		if err != nil {
			return d, err
		}
		if d.arrow, err = plan.Named(name); err != nil {
			return d, err
		}
		if d.arrow.Kind != plan.Resource {
			return d, fmt.Errorf("%s is no resource", name)
		}
		if len(d.steps) == 0 { // the table is that of the reference itself, which does not know where it stands
		} else if e := d.steps[len(d.steps)-1].e; len(e.Targets) > 0 && !slices.Contains(e.Targets, name) && !slices.Contains(e.Targets, "Resource") {
			return d, fmt.Errorf("FHIR does not let %s lead to a %s: it may lead to %s", path, name, strings.Join(e.Targets, ", "))
		}
		if d.arrowed, err = m.compileTags(d.arrow, tags); err != nil {
			return d, err
		}
		d.linked = slices.ContainsFunc(d.arrowed, func(g tag) bool { return g.link != nil })
	}
	for i := range d.steps {
		if d.steps[i].grow {
			if d.grow >= 0 {
				return d, errors.New("only one step of a target can bear []")
			}
			d.grow = i
		}
	}
	if each && d.grow < 0 {
		for i := range d.steps {
			if d.steps[i].e.List {
				d.grow = i
			}
		}
		// A scope may name a resource for each repetition, which is one of its own; anything else needs a list.
		if whole := d.base != nil && len(d.steps) == 0; d.grow < 0 && !whole && path != "." {
			return d, fmt.Errorf("the type repeats, but %s has no list to repeat in", text)
		}
		if d.grow >= 0 {
			d.steps[d.grow].grow = true
		}
	}
	// Steps that do not grow remember their element by everything that leads to them.
	key := ""
	if d.base != nil {
		key = d.base.Name
		for _, g := range d.tags {
			if g.op == tagIs && g.link == nil {
				key += "[" + g.name() + "=" + g.text + "]"
			}
		}
	}
	for i := range d.steps {
		s := &d.steps[i]
		key += "." + s.name() // of a choice with its type: two of them are not one element
		tags := ""
		for _, g := range s.tags {
			if g.op == tagIs {
				tags += "[" + g.name() + "=" + g.text + "]"
			}
		}
		key += tags
		if s.slot = -1; !s.grow {
			if d.grow >= 0 && i > d.grow {
				continue // below a new element there is nothing to remember
			}
			n, ok := t.slots[key]
			if !ok {
				n = len(t.slots)
				t.slots[key] = n
			}
			s.slot = n
		}
		if tags != "" && s.e.List && !s.grow {
			s.id = m.placeID(s.e.Owner.Name + "." + s.e.Name + tags)
		}
	}
	return d, nil
}

// noSystem is the fault of a name that stands where a URI is wanted, and for none.
func (m *Map) noSystem(name string) error {
	word, _, _ := strings.Cut(name, "/")
	return fmt.Errorf("no system of that name, and no URI: write a line system %s URI%s", word, plan.Suggest(word, m.set.SystemNames()))
}

func (m *Map) placeID(key string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.placeIDs[key]
	if !ok {
		n = len(m.placeIDs) + 1
		m.placeIDs[key] = n
	}
	return n
}

func (m *Map) compileSteps(ti *plan.Type, path string) (steps []step, end *plan.Type, err error) {
	for path != "" {
		var head string
		head, path, _ = cutTop(path, '.')
		name, tags, err := cutTags(head)
		if err != nil {
			return nil, nil, err
		}
		grow := strings.HasPrefix(head[len(name):], "[]") // coding[][system=x]
		if url, ok := strings.CutPrefix(name, "extension("); ok {
			url = m.systemURI(strings.TrimSuffix(url, ")"))
			if !strings.Contains(url, ":") && !isSubExtension(url) {
				return nil, nil, fmt.Errorf("extension(%s): %w", url, m.noSystem(url))
			}
			name = "extension"
			if tags = "url='" + url + "'," + tags; strings.HasSuffix(tags, ",") {
				tags = tags[:len(tags)-1]
			}
		}
		e, a := ti.Lookup(name)
		if e == nil {
			if c := ti.Element(name); c != nil {
				return nil, nil, fmt.Errorf("%s.%s is a choice: say which type, as in %s", ti.Name, name, c.Choice[0].Name)
			}
			word, _, called := strings.Cut(name, "(")
			if hint := ti.Suggest(word); called && strings.Contains(hint, " extension?") {
				return nil, nil, fmt.Errorf("%s has no element %s%s", ti.Name, name, strings.Replace(hint, "extension?", "extension(...)?", 1))
			}
			return nil, nil, fmt.Errorf("%s has no element %s%s", ti.Name, name, ti.Suggest(name))
		}
		s := step{e: e, a: a, grow: grow, slot: -1}
		if s.typ = e.Type(); a != nil {
			s.typ = a.Type()
		}
		if grow && !e.List {
			return nil, nil, fmt.Errorf("%s.%s is no list, so it cannot bear []", ti.Name, name)
		}
		if s.tags, err = m.compileTags(s.typ, tags); err != nil {
			return nil, nil, err
		}
		s.wants = len(s.typ.Required()) > 0 && (s.typ.Name != "Extension" || !strings.HasPrefix(tags, "url="))
		steps, ti = append(steps, s), s.typ
	}
	return steps, ti, nil
}

// isSubExtension reports the url of an extension within an extension, which is a plain word.
func isSubExtension(url string) bool {
	for _, r := range url {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return url != ""
}

func (m *Map) compileTags(ti *plan.Type, text string) ([]tag, error) {
	var tags []tag
	for text != "" {
		var one string
		one, text, _ = cutTop(text, ',')
		one = strings.TrimSpace(one)
		path, want, hasValue := cutTop(one, '=')
		g := tag{}
		switch {
		case hasValue && strings.HasSuffix(path, "!"):
			g.op, path = tagNot, path[:len(path)-1]
		case !hasValue && strings.HasPrefix(path, "no "):
			g.op, path = tagAbsent, strings.TrimSpace(path[3:])
		case !hasValue:
			g.op = tagThere
		}
		quoted := strings.HasPrefix(strings.TrimSpace(want), "'")
		want = unquote(want)
		steps, end, err := m.compileSteps(ti, path)
		if err != nil {
			return nil, err
		}
		g.path, g.typ, g.text = steps, end, want
		switch {
		case g.op == tagThere || g.op == tagAbsent:
		case end.Name == "Reference":
			if g.link, err = plan.Named(want); err != nil {
				return nil, err
			}
			if g.op == tagNot {
				return nil, fmt.Errorf("%s: a link cannot be asked with !=", one)
			}
			if e := steps[len(steps)-1].e; len(e.Targets) > 0 && !slices.Contains(e.Targets, want) && !slices.Contains(e.Targets, "Resource") {
				return nil, fmt.Errorf("FHIR does not let %s lead to a %s: it may lead to %s", path, want, strings.Join(e.Targets, ", "))
			}
		case end.Name == "CodeableConcept" || end.Name == "Coding":
			sys, code, ok := strings.Cut(want, "#")
			if !ok {
				return nil, fmt.Errorf("%s: a code needs its system, as in SYSTEM#%s", one, want)
			}
			at := path
			if end.Name == "CodeableConcept" {
				at += ".coding"
			}
			op := "="
			if g.op == tagNot {
				op = "!="
			}
			more, err := m.compileTags(ti, fmt.Sprintf("%s.system%s'%s',%s.code%s'%s'", at, op, m.systemURI(sys), at, op, code))
			if err != nil {
				return nil, err
			}
			tags = append(tags, more...)
			continue
		case end.Prim == nil:
			return nil, fmt.Errorf("%s: a %s cannot be compared with a word", one, end.Name)
		default:
			if end.Name == "uri" || end.Name == "canonical" || end.Name == "url" {
				if g.text = m.systemURI(want); steps[len(steps)-1].e.Name == "system" && !quoted && !strings.ContainsAny(g.text, ":.") {
					return nil, fmt.Errorf("%s: %w", one, m.noSystem(want))
				}
			}
			if g.value, err = end.Prim.Parse(g.text); err != nil {
				hint := ""
				if end.Prim.Kind == plan.Code {
					hint = plan.Suggest(g.text, end.Prim.Words())
				}
				return nil, fmt.Errorf("%s: %w%s", one, err, hint)
			}
			g.made = m.constant(end, g.value)
		}
		tags = append(tags, g)
	}
	return tags, nil
}

// constant is a primitive of the value. There is one for all places that say the same.
func (m *Map) constant(ti *plan.Type, x plan.Value) reflect.Value {
	key := constantKey{ti, x}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.constants[key]
	if !ok {
		v = reflect.New(ti.Go).Elem()
		ti.Prim.Store(v, x)
		m.constants[key] = v
	}
	return v
}

type constantKey struct {
	typ   *plan.Type
	value plan.Value
}

// cutArrow cuts a target at its arrow.
func cutArrow(s string) (path, arrow string, found bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case !quoted && s[i] == '-' && i+1 < len(s) && s[i+1] == '>':
			return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+2:]), true
		}
	}
	return strings.TrimSpace(s), "", false
}

// TargetPart is one step of a target as it is written, or the resource behind its arrow.
type TargetPart struct {
	Name  string   // "." for the table's own element
	Tags  []string // what stands in its brackets
	Arrow bool     // the resource behind the arrow
}

// TargetParts cuts a target up: identifier[type=v2-0203#PLAC].assigner -> Organization.
func TargetParts(target string) (parts []TargetPart) {
	add := func(text string, arrow bool) {
		name, tags, err := cutTags(text)
		if err != nil {
			name = text
		}
		p := TargetPart{Name: cmp.Or(name, "."), Arrow: arrow}
		for tags != "" {
			var tag string
			tag, tags, _ = cutTop(tags, ',')
			p.Tags = append(p.Tags, tag)
		}
		parts = append(parts, p)
	}
	path, arrow, hasArrow := cutArrow(target)
	if strings.HasPrefix(path, ".") {
		path = path[1:]
		if path == "" {
			add("", false)
		}
	}
	for path != "" {
		var head string
		head, path, _ = cutTop(path, '.')
		add(head, false)
	}
	if hasArrow {
		add(arrow, true)
	}
	return parts
}

// cutTop cuts at a separator outside brackets, parentheses and quotes.
func cutTop(s string, sep byte) (before, after string, found bool) {
	depth, quoted := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '(':
			depth++
		case c == ']' || c == ')':
			depth--
		case c == sep && depth == 0:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// cutTags cuts a step into its name and what stands in its brackets; [] is no tag.
func cutTags(s string) (name, tags string, err error) {
	from := 0
	if strings.HasPrefix(s, "extension(") {
		if from = strings.IndexByte(s, ')'); from < 0 {
			return "", "", fmt.Errorf("%s: a parenthesis is not closed", s)
		}
	}
	i := strings.IndexByte(s[from:], '[')
	if i < 0 {
		return s, "", nil
	}
	name, rest := s[:from+i], s[from+i:]
	for rest != "" {
		end := tree.Closing(rest)
		if end < 0 || rest[0] != '[' {
			return "", "", fmt.Errorf("%s: a bracket is not closed", s)
		}
		if in := rest[1:end]; in != "" {
			if tags != "" {
				tags += ","
			}
			tags += in
		}
		rest = rest[end+1:]
	}
	return name, tags, nil
}

func unquote(s string) string {
	if s = strings.TrimSpace(s); len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	}
	return s
}

// --- walking; values are the structs, the zero Value is nothing ---

// instance is one reading or writing of a table: it remembers the elements that its rows share.
type instance struct {
	slots []reflect.Value
	dirty []int        // the slots that remember filled
	made  []bool       // by row: it gave something
	wrote []plan.Place // on the way back: the leaves that rows of else chains wrote
}

func (t *table) instance() *instance {
	if in, ok := t.idle.Get().(*instance); ok {
		return in
	}
	return &instance{slots: make([]reflect.Value, len(t.slots)), made: make([]bool, t.rows)}
}

// instance is one for a reading, which keeps those that it has done with.
func (x *run) instance(t *table) *instance {
	if t.num < len(x.spare) {
		if list := x.spare[t.num]; len(list) > 0 {
			last := len(list) - 1
			x.spare[t.num] = list[:last]
			return list[last]
		}
	}
	return t.instance()
}

// done is release for an instance of a reading, whose slots were filled by remember alone: of a hundred that a segment has, ten are.
func (x *run) done(t *table, in *instance) {
	for _, i := range in.dirty {
		in.slots[i] = reflect.Value{}
	}
	in.reset()
	if t.num >= len(x.spare) {
		x.spare = append(x.spare, make([][]*instance, t.num+16-len(x.spare))...)
	}
	x.spare[t.num] = append(x.spare[t.num], in)
}

// release gives an instance back that nobody holds any more: one for each datatype that is read made a quarter of all
// allocations.
func (t *table) release(in *instance) {
	clear(in.slots)
	in.reset()
	t.idle.Put(in)
}

func (in *instance) reset() {
	in.dirty = in.dirty[:0]
	clear(in.made)
	clear(in.wrote)
	in.wrote = in.wrote[:0]
}

// one is the element of v at a step that is no list, or the only type of choice that the step speaks of.
func (s *step) one(v reflect.Value) reflect.Value {
	if s.a != nil {
		return s.e.Held(v, s.a)
	}
	return s.e.At(v, 0)
}

// get follows steps to what is there, in a list to the first element with the tags.
func (x *run) get(v reflect.Value, steps []step) reflect.Value {
	for i := range steps {
		s := &steps[i]
		if !s.e.List {
			if v = s.one(v); !v.IsValid() || x.isRefused(v) || !x.match(v, s.tags) {
				return reflect.Value{}
			}
			continue
		}
		found := reflect.Value{}
		for j := range s.e.Len(v) {
			x.steps++
			if e := s.e.At(v, j); !x.isRefused(e) && x.match(e, s.tags) {
				if end := x.get(e, steps[i+1:]); end.IsValid() {
					found = end
					break
				}
			}
		}
		return found
	}
	return v
}

// add makes a new element of v at a step. It fails where a choice holds another type already.
func (x *run) add(v reflect.Value, s *step) (reflect.Value, bool) {
	if !s.free(v) {
		return reflect.Value{}, false
	}
	e := x.fresh(s)
	x.hang(v, s, e)
	if len(s.tags) > 0 {
		x.stamp(e, s.tags)
	}
	return e, true
}

// free reports that v does not hold another type of a choice.
func (s *step) free(v reflect.Value) bool { return s.a == nil || s.e.Free(v) }

// fresh makes an element for a step, which belongs to nothing yet.
func (x *run) fresh(s *step) reflect.Value {
	v := x.arena.Take(s.typ.Of())
	if s.wants && x.reading {
		x.wanting = append(x.wanting, made{v, s.typ})
	}
	return v
}

// hang puts an element that fresh made into v.
func (x *run) hang(v reflect.Value, s *step, e reflect.Value) {
	if s.a == nil {
		s.e.Put(v, e)
		return
	}
	host := reflect.Value{}
	if s.e.Len(v) == 0 {
		host = x.arena.Take(s.e.Of())
	}
	s.e.ChooseIn(v, host, x.arena.Take(s.a.WrapOf()), e)
}

// place is where a target leads in v: what is there already or, with make, made now. The step that grows is made anew.
// how says by whom what is there was made.
func (x *run) place(in *instance, v reflect.Value, steps []step, make bool) (e reflect.Value, how origin, ok bool) {
	for i := range steps {
		s := &steps[i]
		var next reflect.Value
		if s.slot >= 0 && in.slots[s.slot].IsValid() {
			v = in.slots[s.slot]
			if how == foreign {
				how = own // whoever made what is around it
			}
			continue
		}
		if next, how = x.there(v, s, how); !next.IsValid() {
			if !make {
				return reflect.Value{}, own, true
			}
			if next, ok = x.add(v, s); !ok {
				return reflect.Value{}, own, false
			}
			if s.typ.Prim != nil && s.typ.Prim.ZeroIsValue() {
				s.typ.Prim.MarkNoValue(next) // it is on the way to an extension: whoever has a value for it says so
			}
			x.remember(in, v, s, next)
		}
		v = next
	}
	return v, how, true
}

// there is the element at a step that others made, and who made the most foreign of the way to it.
func (x *run) there(v reflect.Value, s *step, how origin) (reflect.Value, origin) {
	switch {
	case s.grow:
	case !s.e.List:
		if e := s.one(v); e.IsValid() {
			return e, max(how, foreign)
		}
	case s.id > 0:
		if made := x.shared[sharedKey{plan.PlaceOf(v), s.id}]; made.e != nil {
			return reflect.ValueOf(made.e).Elem(), shared
		}
	}
	return reflect.Value{}, how
}

// origin is who made the elements on the way to a place.
type origin uint8

const (
	own     origin = iota // this instance, or they are made now
	foreign               // another instance made one of them
	shared                // another made an element of a list with these tags, which goes back through one row alone
)

const sharedWhy = "the way back writes it once, by another row"

// remember keeps an element that an instance made.
func (x *run) remember(in *instance, owner reflect.Value, s *step, e reflect.Value) {
	if s.slot >= 0 && s.typ.Prim == nil {
		in.slots[s.slot] = e
		in.dirty = append(in.dirty, s.slot)
	}
	if s.id > 0 && x.reading {
		x.shared[sharedKey{plan.PlaceOf(owner), s.id}] = sharedElement{e.Addr().Interface(), owner.Addr().Interface()}
	}
}

type sharedKey struct {
	owner plan.Place
	id    int
}

// sharedElement has pointers to the element and to what it is an element of.
type sharedElement struct {
	e     any
	owner any // which stays in memory, though a pair made it for the moment: another in its place would have its elements
}

// match asks the tags of an element. While FHIR is made only stamped tags count.
func (x *run) match(v reflect.Value, tags []tag) bool {
	for i := range tags {
		g := &tags[i]
		x.steps++
		if x.reading && g.op != tagIs {
			continue
		}
		if g.op == tagThere || g.op == tagAbsent {
			if x.get(v, g.path).IsValid() != (g.op == tagThere) {
				return false
			}
			continue
		}
		if g.link != nil {
			if to := x.frame.lookup(g.link); to != nil && !x.leads(v, g, to) || to == nil && x.misses(v, g, tags) {
				return false
			}
			continue
		}
		if x.anyText(v, g.path, g.typ, g.text) != (g.op == tagIs) {
			return false
		}
	}
	return true
}

// leads reports whether one of the references at a link tag leads to a resource. Going back it must: what does not lead there
// and stands in its scope would be read with that link, which nobody made (law 3).
func (x *run) leads(v reflect.Value, g *tag, to *Resource) bool {
	any, met := false, false
	x.all(v, g.path, func(e reflect.Value) bool {
		any = true
		met = met || x.resolve(e) == to
		return !met
	})
	return met || x.reading && !any
}

// misses reports that an element leads to a resource of the record that is not in scope, where it may not go without: results
// of a patient are never written as if they were nobody's, and what its tags want to have such a link (focus, focus=Specimen)
// never as if it stood by another (law 3).
func (x *run) misses(v reflect.Value, g *tag, tags []tag) (missed bool) {
	wanted := func(t tag) bool {
		return t.op == tagThere && len(t.path) == 1 && len(g.path) == 1 && t.path[0].e == g.path[0].e
	}
	if x.reading || g.link.Name != "Patient" && !slices.ContainsFunc(tags, wanted) {
		return false
	}
	x.all(v, g.path, func(e reflect.Value) bool {
		to := x.resolve(e)
		missed = to != nil && to.info == g.link
		return !missed
	})
	return missed
}

// anyText reports whether one of the primitives that a path leads to has this text.
func (x *run) anyText(v reflect.Value, path []step, typ *plan.Type, text string) (found bool) {
	x.all(v, path, func(e reflect.Value) bool {
		found = typ.Prim.Text(e) == text
		return !found
	})
	return found
}

// all calls f for everything that a path leads to, until f returns false.
func (x *run) all(v reflect.Value, path []step, f func(reflect.Value) bool) bool {
	x.steps++
	if len(path) == 0 {
		return f(v)
	}
	s := &path[0]
	if !s.e.List {
		if v = s.one(v); v.IsValid() && x.match(v, s.tags) {
			return x.all(v, path[1:], f)
		}
		return true
	}
	for j := range s.e.Len(v) {
		if e := s.e.At(v, j); x.match(e, s.tags) && !x.all(e, path[1:], f) {
			return false
		}
	}
	return true
}

// stamp makes the tags true on an element where nothing stands yet; links wait for linkUp.
func (x *run) stamp(v reflect.Value, tags []tag) {
	var parent reflect.Value // tags of one place go into one element: type.coding.system, type.coding.code
	for i := range tags {
		g := &tags[i]
		if g.op != tagIs || g.link != nil {
			continue
		}
		if x.anyText(v, g.path, g.typ, g.text) && !parent.IsValid() {
			continue
		}
		at, last := v, len(g.path)-1
		if i > 0 && parent.IsValid() && samePath(tags[i-1].path[:len(tags[i-1].path)-1], g.path[:last]) {
			at = parent
		} else {
			for j := range g.path[:last] {
				s := &g.path[j]
				next := reflect.Value{}
				if !s.e.List {
					next = s.one(at)
				}
				if !next.IsValid() {
					var ok bool
					if next, ok = x.add(at, s); !ok {
						return
					}
				}
				at = next
			}
		}
		parent = at
		if s := &g.path[last]; s.e.List || !s.one(at).IsValid() {
			if x.alike && len(s.tags) == 0 {
				if s.free(at) {
					x.hang(at, s, g.made)
				}
			} else if e, ok := x.add(at, s); ok {
				g.typ.Prim.Store(e, g.value)
			}
		}
	}
}

func samePath(a, b []step) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].e != b[i].e || a[i].a != b[i].a {
			return false
		}
	}
	return len(a) > 0
}
