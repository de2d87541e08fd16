package sqlview

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// Parse reads a file of views: a ViewDefinition, or a Bundle or an array of them. A view without a name gets that of the file. There
// are no views if a finding rejects one; the others are advice.
func Parse(source, name string, src []byte) ([]*View, []*diag.Finding) {
	src = bytes.TrimPrefix(src, []byte("\ufeff")) // as editors of some systems write it
	p := &parser{lines: lines{source, src}}
	if len(bytes.TrimSpace(src)) == 0 {
		return nil, []*diag.Finding{diag.New(NoView, p.place(0, ""), "the file is empty")}
	}
	root, err := parseJSON(src)
	if err != nil {
		at := 0
		var s *jsontext.SyntacticError
		if errors.As(err, &s) {
			at, err = int(s.ByteOffset), s.Err
		}
		return nil, []*diag.Finding{diag.New(BadJSON, p.place(at, ""), "this is not JSON: %v", err)}
	}
	var views []*View
	for _, n := range definitions(root) {
		if v := p.view(n, name); v != nil {
			views = append(views, v)
		}
	}
	if len(views) == 0 && len(p.finds) == 0 {
		p.report(NoView, root, "", "there is no ViewDefinition in the file")
	}
	for i, v := range views {
		if j := slices.IndexFunc(views[:i], func(w *View) bool { return strings.EqualFold(v.Name, w.Name) }); j >= 0 {
			p.report(SameName, root, "", "two views are called %s", v.Name)
		}
	}
	if rejects(p.finds) {
		views = nil
	}
	return views, p.finds
}

func rejects(finds []*diag.Finding) bool {
	return slices.ContainsFunc(finds, func(f *diag.Finding) bool { return f.Severity() == diag.Reject })
}

// definitions are the ViewDefinitions of a file.
func definitions(root *node) []*node {
	switch {
	case root.kind == '[':
		return root.items
	case root.is("resourceType", "Bundle"):
		var list []*node
		if entries := root.member("entry"); entries != nil {
			for _, e := range entries.items {
				if r := e.member("resource"); r != nil {
					list = append(list, r)
				}
			}
		}
		return list
	}
	return []*node{root}
}

type parser struct {
	lines
	finds []*diag.Finding

	// Of the view at hand.
	v       *View
	at      *node
	options fhirpath.Options
	seen    map[string]bool // columns that have been named
	parts   int             // selects that iterate
	part    int             // the one around
	over    bool            // it, or one around it, iterates over %record
	needs   map[string]bool // types that %record is asked for; nil if it is asked for any
}

func (p *parser) report(id diag.ID, at *node, path, format string, args ...any) {
	p.finds = append(p.finds, diag.New(id, p.place(at.at, path), format, args...))
}

// elements are what the parts of a ViewDefinition may say: those of its own, and of the view what every canonical resource has.
var elements = map[string][]string{
	"ViewDefinition": {"resource", "select", "where", "constant", "name", "status", "title", "description", "fhirVersion", "profile", "resourceType", "id", "meta",
		"implicitRules", "language", "text", "contained", "extension", "modifierExtension", "url", "identifier", "version", "versionAlgorithmString",
		"versionAlgorithmCoding", "experimental", "date", "publisher", "contact", "useContext", "jurisdiction", "purpose", "copyright", "copyrightLabel"},
	"select":   {"column", "select", "forEach", "forEachOrNull", "repeat", "unionAll", "id", "extension", "modifierExtension"},
	"column":   {"name", "path", "type", "collection", "description", "tag", "id", "extension", "modifierExtension"},
	"where":    {"path", "description", "id", "extension", "modifierExtension"},
	"constant": {"name", "id", "extension", "modifierExtension"}, // and value[x]
}

// object reports what is no object of a kind, and members that it cannot have.
func (p *parser) object(n *node, kind, path string) bool {
	if n.kind != '{' {
		p.report(BadElement, n, path, "a %s is an object, not %s", kind, kindWords[n.kind])
		return false
	}
	for i, name := range n.names {
		base := strings.TrimPrefix(name, "_")
		if slices.Contains(elements[kind], base) || kind == "constant" && strings.HasPrefix(base, "value") {
			continue
		}
		p.report(BadElement, n.items[i], path+"."+name, "a %s has no %s%s", kind, diag.Printable(name), plan.Suggest(name, elements[kind]))
	}
	return true
}

// text is a member that is a text; wanted says that it must be there. A fault is reported, and gives the empty text.
func (p *parser) text(n *node, name, path string, wanted bool) (string, *node) {
	m := n.member(name)
	switch {
	case m == nil && wanted:
		p.report(BadElement, n, path, "%s is missing", name)
	case m == nil:
	case m.kind != '"':
		p.report(BadElement, m, path+"."+name, "%s is a text, not %s", name, kindWords[m.kind])
	case m.text == "":
		p.report(BadElement, m, path+"."+name, "%s is empty", name)
	default:
		return m.text, m
	}
	return "", nil
}

// list is a member that is an array of at least one.
func (p *parser) list(n *node, name, path string) []*node {
	m := n.member(name)
	switch {
	case m == nil:
		return nil
	case m.kind != '[':
		p.report(BadElement, m, path+"."+name, "%s is an array, not %s", name, kindWords[m.kind])
	case len(m.items) == 0:
		p.report(BadElement, m, path+"."+name, "%s is empty", name)
	default:
		return m.items
	}
	return nil
}

// isSQLName reports what a view, a column or a constant may be called.
func isSQLName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if !(c >= 'a' && c <= 'z' || i > 0 && (s[i] >= '0' && s[i] <= '9' || s[i] == '_')) {
			return false
		}
	}
	return s != ""
}

// SQLName makes a name of a text that may be none.
func SQLName(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80 && isSQLName("x"+string(r)) && (b.Len() > 0 || isSQLName(string(r))):
			b.WriteRune(r)
		case b.Len() > 0:
			b.WriteByte('_')
		}
	}
	if b.Len() == 0 {
		return "view"
	}
	return b.String()
}

func (p *parser) name(n *node, path string) string {
	s, m := p.text(n, "name", path, true)
	if m != nil && !isSQLName(s) {
		p.report(BadName, m, path+".name", "%s is no name for a column or constant", diag.Printable(s))
	}
	return s
}

const (
	rowIndex = "rowIndex"
	record   = "record"
)

func (p *parser) view(n *node, name string) *View {
	if n.kind != '{' || n.member("resourceType") != nil && !n.is("resourceType", "ViewDefinition") {
		p.report(NoView, n, "", "this is no ViewDefinition")
		return nil
	}
	before := len(p.finds)
	p.v, p.at, p.seen = &View{Name: name}, n, map[string]bool{}
	p.parts, p.part, p.over, p.needs = 0, 0, false, map[string]bool{}
	v := p.v
	if !p.object(n, "ViewDefinition", "ViewDefinition") {
		return nil
	}
	if s, m := p.text(n, "name", "ViewDefinition", false); m != nil {
		if v.Name = s; !isSQLName(s) {
			p.report(BadName, m, "ViewDefinition.name", "%s is no name for a view", diag.Printable(s))
		}
	} else {
		v.Name = SQLName(name)
	}
	v.Title, _ = p.text(n, "title", "ViewDefinition", false)
	for _, x := range p.list(n, "extension", "ViewDefinition") {
		if m := x.member("valueBoolean"); m != nil {
			v.Distinct = v.Distinct || x.is("url", DistinctURL) && m.kind == 't'
			v.WholeRun = v.WholeRun || x.is("url", WholeRunURL) && m.kind == 't'
		}
	}
	resource, at := p.text(n, "resource", "ViewDefinition", true)
	if at == nil {
		return nil
	}
	v.Resource = resource
	types, err := fhirpath.NamedTypes(resource)
	if err != nil || len(types) != 1 || types[0].FHIR.Kind != plan.Resource {
		p.report(BadResource, at, "ViewDefinition.resource", "FHIR R4 has no resource %s%s", diag.Printable(resource),
			plan.Suggest(resource, plan.Resources()))
		return nil
	}
	// QUIRK: join() of nothing is '' in the specification's test suite, and nothing in FHIRPath.
	p.version(n)
	p.options = fhirpath.Options{JoinEmpty: true, Sure: true, Unset: []string{rowIndex, record}, Variables: map[string][]fhirpath.Value{}}
	for i, c := range p.list(n, "constant", "ViewDefinition") {
		p.constant(c, fmt.Sprintf("ViewDefinition.constant[%d]", i))
	}
	for i, w := range p.list(n, "where", "ViewDefinition") {
		p.where(w, types, fmt.Sprintf("ViewDefinition.where[%d]", i))
	}
	v.root = &selection{}
	selects := p.list(n, "select", "ViewDefinition")
	if n.member("select") == nil {
		p.report(BadElement, n, "ViewDefinition", "select is missing")
	}
	for i, s := range selects {
		if x := p.selection(s, types, fmt.Sprintf("ViewDefinition.select[%d]", i)); x != nil {
			v.root.selects = append(v.root.selects, x)
		}
	}
	if rejects(p.finds[before:]) {
		return nil
	}
	if p.needs != nil {
		v.Needs = append([]string{}, slices.Sorted(maps.Keys(p.needs))...)
	}
	v.Columns = v.root.columns()
	v.root.layout(0)
	if len(v.Columns) == 0 {
		p.report(BadElement, n, "ViewDefinition", "the view has no column")
	}
	return v
}

// version reports a view that says that it is for other editions of FHIR only.
func (p *parser) version(n *node) {
	list := p.list(n, "fhirVersion", "ViewDefinition")
	for _, x := range list {
		if x.kind == '"' && (x.text == "4" || strings.HasPrefix(x.text, "4.0")) {
			return
		}
	}
	if len(list) > 0 {
		p.report(OtherVersion, list[0], "ViewDefinition.fhirVersion", "")
	}
}

// constant reads a constant: its name and one value of a primitive type.
func (p *parser) constant(n *node, path string) {
	if !p.object(n, "constant", path) {
		return
	}
	name := p.name(n, path)
	var value *node
	var typ string
	count := 0
	for i, member := range n.names {
		if t, ok := strings.CutPrefix(member, "value"); ok {
			value, typ = n.items[i], t
			count++
		}
	}
	switch {
	case count != 1:
		p.report(BadConstant, n, path, "a constant has one value, and this has %d", count)
		return
	case name == "":
		return
	case slices.Contains([]string{rowIndex, record, "resource", "rootResource", "context"}, name):
		p.report(BadConstant, n, path, "%%%s means something already", name)
		return
	case p.options.Variables[name] != nil:
		p.report(BadConstant, n, path, "two constants are called %s", name)
		return
	}
	v, ok := constantOf(typ, value)
	if !ok {
		p.report(BadConstant, value, path+".value"+typ, "this is no %s", typ)
		return
	}
	p.options.Variables[name] = []fhirpath.Value{v}
}

func constantOf(typ string, n *node) (v fhirpath.Value, ok bool) {
	switch typ {
	case "Boolean":
		return fhirpath.NewBoolean(n.kind == 't'), n.kind == 't' || n.kind == 'f'
	case "Decimal":
		if n.kind != '0' {
			return v, false
		}
		return fhirpath.NewDecimal(n.text)
	case "Integer", "PositiveInt", "UnsignedInt":
		var i int64
		if n.kind != '0' || strings.Trim(n.text, "-0123456789") != "" {
			return v, false
		}
		_, err := fmt.Sscan(n.text, &i)
		return fhirpath.NewInteger(i), err == nil && (typ == "Integer" || i > 0 || i == 0 && typ == "UnsignedInt")
	case "Integer64": // JSON has it as a text
		var i int64
		_, err := fmt.Sscan(n.text, &i)
		return fhirpath.NewInteger(i), err == nil
	}
	if n.kind != '"' {
		return v, false
	}
	switch typ {
	case "Date", "DateTime", "Instant":
		return fhirpath.NewTemporal(n.text)
	case "Time":
		return fhirpath.NewTemporal("T" + n.text)
	case "Base64Binary", "Canonical", "Code", "Id", "Markdown", "Oid", "String", "Uri", "Url", "Uuid":
		return fhirpath.NewString(n.text), true
	}
	return v, false
}

// compile compiles a path; a fault is reported at its place in the file.
func (p *parser) compile(n *node, types fhirpath.Types, path string) *fhirpath.Expr {
	x, err := fhirpath.Compile(n.text, types, p.options)
	if err == nil {
		p.v.index = p.v.index || strings.Contains(n.text, "%"+rowIndex)
		p.v.Record = p.v.Record || ofRecord(n)
		p.v.Resolves = p.v.Resolves || strings.Contains(n.text, "resolve")
		p.need(n.text)
		return x
	}
	at, msg := n.at, err.Error()
	var fault *fhirpath.Error
	if errors.As(err, &fault) {
		if msg = fault.Msg; !n.escaped {
			at += fault.Column // behind the quotation mark
		} else {
			msg = fmt.Sprintf("%s (character %d)", msg, fault.Column)
		}
	}
	p.finds = append(p.finds, diag.New(BadPath, p.place(at, path), "%s", msg))
	return nil
}

// ofRecord tells whether a path uses %record.
func ofRecord(n *node) bool { return strings.Contains(n.text, "%"+record) }

// need takes note of the types of resources that a path asks %record for.
func (p *parser) need(path string) {
	parts := strings.Split(path, "%"+record)
	if len(parts) > 1 && strings.Contains(path, "resolve") {
		p.needs = nil // which may lead to any
	}
	for _, s := range parts[1:] {
		s, ok := strings.CutPrefix(s, ".ofType(")
		typ, _, closed := strings.Cut(s, ")")
		if typ = strings.TrimSpace(typ); !ok || !closed || plan.ContainedType().ResourceAlt(typ) == nil {
			p.needs = nil
		}
		if p.needs != nil {
			p.needs[typ] = true
		}
	}
}

// path compiles the text of a member that must be there.
func (p *parser) path(n *node, name string, types fhirpath.Types, path string) *fhirpath.Expr {
	_, m := p.text(n, name, path, true)
	if m == nil {
		return nil
	}
	return p.compile(m, types, path+"."+name)
}

func (p *parser) where(n *node, types fhirpath.Types, path string) {
	if !p.object(n, "where", path) {
		return
	}
	x := p.path(n, "path", types, path)
	if x == nil {
		return
	}
	boolean := func(t fhirpath.Type) bool {
		return t.System == fhirpath.Boolean || t.FHIR != nil && t.FHIR.Name == "boolean"
	}
	if ts := x.Types(); len(ts) > 0 && !slices.ContainsFunc(ts, boolean) {
		p.report(NotBoolean, n.member("path"), path+".path", "the condition gives %s, which is neither true nor false", ts[0])
		return
	}
	p.v.where = append(p.v.where, x)
}

// selection reads a select, which is run on items of these types.
func (p *parser) selection(n *node, types fhirpath.Types, path string) *selection {
	if !p.object(n, "select", path) {
		return nil
	}
	s := &selection{}
	iterates, known := 0, true
	for _, name := range []string{"forEach", "forEachOrNull"} {
		if n.member(name) == nil {
			continue
		}
		iterates++
		if s.each = p.path(n, name, types, path); s.each == nil {
			known = false
			continue
		}
		s.orNull = name == "forEachOrNull"
		types = s.each.Types()
	}
	if m := n.member("repeat"); m != nil {
		iterates++
		if s.repeat, types = p.repeat(p.list(n, "repeat", path), types, path); s.repeat == nil {
			known = false
		}
	}
	if iterates > 1 {
		p.report(BadElement, n, path, "a select has one of forEach, forEachOrNull and repeat")
	}
	if !known { // what stands below would only repeat the fault
		return nil
	}
	if iterates > 0 {
		part, over := p.part, p.over
		defer func() { p.part, p.over = part, over }()
		p.parts++
		p.part = p.parts
		for _, name := range []string{"forEach", "forEachOrNull"} {
			if m := n.member(name); m != nil {
				p.over = p.over || ofRecord(m)
			}
		}
		for _, m := range p.list(n, "repeat", path) {
			p.over = p.over || ofRecord(m)
		}
	}
	for i, c := range p.list(n, "column", path) {
		p.column(s, c, types, fmt.Sprintf("%s.column[%d]", path, i))
	}
	for i, x := range p.list(n, "select", path) {
		if below := p.selection(x, types, fmt.Sprintf("%s.select[%d]", path, i)); below != nil {
			s.selects = append(s.selects, below)
		}
	}
	before := maps.Clone(p.seen)
	for i, x := range p.list(n, "unionAll", path) {
		at, seen := fmt.Sprintf("%s.unionAll[%d]", path, i), p.seen
		if i > 0 { // its columns are those of the first
			p.seen = maps.Clone(before)
		}
		below := p.selection(x, types, at)
		if i > 0 {
			p.seen = seen
		}
		if below == nil {
			continue
		}
		if s.union = append(s.union, below); len(s.union) > 1 {
			p.alike(x, at, s.union[0].columns(), below.columns())
		}
	}
	return s
}

// alike reports the parts of a union that differ in their columns.
func (p *parser) alike(n *node, path string, first, other []Column) {
	names := func(list []Column) (s []string) {
		for _, c := range list {
			s = append(s, c.Name)
		}
		return s
	}
	if a, b := names(first), names(other); !slices.Equal(a, b) {
		p.report(UnlikeUnion, n, path, "the columns %s are not those of the first part: %s", strings.Join(b, ", "), strings.Join(a, ", "))
		return
	}
	for i, c := range first {
		if o := other[i]; c.Type != "" && o.Type != "" && c.Type != o.Type || c.Collection != o.Collection {
			p.report(OtherType, n, path, "%s is not of the type that it has in the first part", c.Name)
		}
	}
}

// repeat compiles paths that are followed from the items of types, and from what they find, until they find nothing.
func (p *parser) repeat(list []*node, types fhirpath.Types, path string) ([]*fhirpath.Expr, fhirpath.Types) {
	for i, n := range list {
		if n.kind != '"' {
			p.report(BadElement, n, fmt.Sprintf("%s.repeat[%d]", path, i), "a path is a text, not %s", kindWords[n.kind])
			return nil, nil
		}
	}
	// What the paths may be run on grows by what they give, until it does not grow any more.
	const rounds = 10
	on, found := types, fhirpath.Types{}
	for round := 0; ; round++ {
		grown := false
		for _, n := range list {
			x, err := fhirpath.Compile(n.text, on, p.options)
			if err != nil {
				continue // perhaps the other paths lead to where this one fits
			}
			if x.Types() == nil || round == rounds {
				on, found = nil, nil
				break
			}
			for _, t := range x.Types() {
				if !slices.Contains(found, t) {
					found, grown = append(found, t), true
				}
				if !slices.Contains(on, t) {
					on = append(slices.Clip(on), t)
				}
			}
		}
		if !grown || on == nil {
			break
		}
	}
	var paths []*fhirpath.Expr
	for i, n := range list {
		at := fmt.Sprintf("%s.repeat[%d]", path, i)
		// QUIRK: the test suite has a repeat over an element that its resource does not have, which finds nothing and is no fault.
		types := on
		if _, err := fhirpath.Compile(n.text, on, p.options); err != nil {
			if _, err := fhirpath.Compile(n.text, nil, p.options); err == nil {
				p.report(FindsNothing, n, at, "")
				types = nil
			}
		}
		x := p.compile(n, types, at)
		if x == nil {
			return nil, nil
		}
		paths = append(paths, x)
	}
	if len(found) == 0 {
		found = nil
	}
	return paths, found
}

// column reads a column of a select.
func (p *parser) column(s *selection, n *node, types fhirpath.Types, path string) {
	if !p.object(n, "column", path) {
		return
	}
	c := Column{Name: p.name(n, path)}
	if c.Name != "" && p.seen[c.Name] {
		p.report(SameName, n.member("name"), path+".name", "two columns are called %s", c.Name)
	}
	p.seen[c.Name] = true
	c.Description, _ = p.text(n, "description", path, false)
	typ, at := p.text(n, "type", path, false)
	if m := n.member("collection"); m != nil {
		if c.Collection = m.kind == 't'; m.kind != 't' && m.kind != 'f' {
			p.report(BadElement, m, path+".collection", "collection is true or false, not %s", kindWords[m.kind])
		}
	}
	x := p.path(n, "path", types, path)
	if x == nil {
		return
	}
	c.Record, c.Part = p.over || ofRecord(n.member("path")), p.part
	got := x.Types()
	if len(got) > 0 && !slices.ContainsFunc(got, holdsOne) {
		p.report(NoSingleValue, n.member("path"), path+".path", "the path gives %s, which is no single value; go on to one of its elements", got[0])
		return
	}
	if len(got) == 1 {
		c.Type = typeName(got[0])
	}
	if at != nil {
		// A type is a name or a canonical of FHIR's.
		typ = typ[strings.LastIndexByte(typ, '/')+1:]
		typ = strings.TrimPrefix(typ, "FHIR.")
		if s, ok := strings.CutPrefix(typ, "System."); ok && s != "" { // of FHIRPath, as StructureDefinitions have it
			typ = strings.ToLower(s[:1]) + s[1:]
		}
		want, err := fhirpath.NamedTypes(typ)
		switch {
		case typ == "integer64": // of FHIR R5
		case err != nil || len(want) != 1 || !holdsOne(want[0]):
			p.report(BadElement, at, path+".type", "FHIR has no primitive type %s", diag.Printable(typ))
		case c.Type != "" && kindOf(c.Type) != kindOf(typ):
			p.report(OtherType, at, path+".type", "the path gives %s, not %s", c.Type, typ)
		}
		c.Type = typ
	}
	s.cols, s.paths = append(s.cols, c), append(s.paths, x)
}

// holdsOne tells whether a type has single values that a cell can hold.
func holdsOne(t fhirpath.Type) bool {
	return t.FHIR == nil && t.System != fhirpath.TypeInfo || t.FHIR != nil && t.FHIR.Kind == plan.Primitive
}

// typeName is FHIR's name of a type.
func typeName(t fhirpath.Type) string {
	if t.FHIR != nil {
		return t.FHIR.Bases()[0]
	}
	switch t.System {
	case fhirpath.DateTime:
		return "dateTime"
	case fhirpath.Quantity:
		return "string"
	}
	return strings.ToLower(t.System.String())
}

// Kind is the sort of values of a column.
type Kind uint8

// Kinds of values.
const (
	Text Kind = iota
	Boolean
	Integer
	Decimal
	Date
	DateTime // with or without a time of day
	Time
)

// Kind is the sort of values of the column, by its type.
func (c Column) Kind() Kind { return kindOf(c.Type) }

func kindOf(typ string) Kind { return kinds[fhirpath.PrimitiveKind(typ)] }

// kinds are those of columns; what is not among them is Text.
var kinds = map[fhirpath.Kind]Kind{fhirpath.Boolean: Boolean, fhirpath.Integer: Integer, fhirpath.Decimal: Decimal, fhirpath.Date: Date,
	fhirpath.DateTime: DateTime, fhirpath.Time: Time}
