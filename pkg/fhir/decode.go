package fhir

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// How reading works. jsontext checks the grammar of a whole document once. What it has passed is then walked as text it is
// safe to trust: a cursor over a string, with no error to look for between the tokens, so that reading goes on after a value
// that FHIR does not allow. The texts of the hub are parts of that one string, and its structs come out of slabs, because
// allocations were most of the time: Synthea's bundles took 88 allocations per KB before, and wire-format protobuf takes 66.
//
// Invariants: x.i stands on the first byte of a token whenever a function begins, and behind its last when it returns.

// MaxDepth is how deep objects may be nested in a resource, counting the resource itself.
const MaxDepth = 64

// maxFindings is how many findings one resource may have before the rest is left out.
const maxFindings = 100

type decoder struct {
	s     string // the document, or the entry of a bundle
	i     int
	depth int
	path  []step
	gaps  []gap
	base  place  // where s stands in its source
	shell *shell // s is a bundle without its entries

	findings []*diag.Finding
	packed   []packed

	xml  xmlScan
	bare bool // the XML declares no namespace

	json    *jsontext.Decoder
	scratch []byte
	arena   plan.Arena

	strs  plan.Pool[dpb.String]
	uris  plan.Pool[dpb.Uri]
	codes plan.Pool[dpb.Code]
	exts  plan.Pool[dpb.Extension]
	times plan.Pool[dpb.DateTime]
	decs  plan.Pool[dpb.Decimal]
}

// place is a position in a source: the line and column, from 1, of the first byte of a part of it.
type place struct {
	source       string
	record       int
	line, column int
}

// step is one step of the path to where the decoder stands: an element, and which item of it, or -1.
type step struct {
	name string
	n    int
}

// take gives a struct of a type known at run time only.
func (x *decoder) take(of *plan.Struct) reflect.Value { return x.arena.Take(of) }

// part ends a resource: what comes next shares no memory with it.
func (x *decoder) part() {
	x.arena.Part()
	x.strs.Part()
	x.uris.Part()
	x.codes.Part()
	x.exts.Part()
	x.times.Part()
	x.decs.Part()
	x.s, x.findings, x.shell, x.packed = "", nil, nil, nil
	clear(x.xml.attrs)
	x.xml.reset("", nil)
}

var decoders = sync.Pool{New: func() any { return newDecoder() }}

func newDecoder() *decoder {
	return &decoder{json: jsontext.NewDecoder(bytes.NewBuffer(nil))}
}

// begin checks the grammar of b and makes it the text to walk; b is copied. It reports whether there is anything to walk.
func (x *decoder) begin(b []byte, at place, path ...step) bool {
	x.base, x.path, x.depth, x.findings, x.i = at, append(x.path[:0], path...), 0, nil, 0
	// Names that stand twice are found while walking, where the rest of the object can still be read.
	x.json.Reset(bytes.NewBuffer(b), jsontext.AllowDuplicateNames(true))
	_, err := x.json.ReadValue()
	end := x.json.InputOffset()
	x.s = string(b)
	if err == nil {
		if _, err = x.json.ReadToken(); err == io.EOF {
			x.space()
			return true
		}
		if n := int(end) + len(b[end:]) - len(bytes.TrimLeft(b[end:], " \t\r\n")); n < len(b) {
			x.path = x.path[:0]
			x.find("CP-FHIR-017", n, "", "")
			x.space()
			return true
		}
	}
	x.syntax(err)
	return false
}

// syntax reports what jsontext says of the grammar. Its own words may quote the text, so they stand in Value.
func (x *decoder) syntax(err error) {
	var se *jsontext.SyntacticError
	if !errors.As(err, &se) {
		x.find("CP-FHIR-001", len(x.s), "", "there is nothing here")
		return
	}
	at := min(int(se.ByteOffset), len(x.s))
	words := se.Err.Error()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		x.find("CP-FHIR-001", at, words, "the text ends before the JSON does")
	case strings.Contains(words, "UTF-8"):
		x.find("CP-FHIR-001", at, words, "the text is not UTF-8 here")
	case strings.Contains(words, "depth"):
		x.find("CP-FHIR-014", at, words, "")
	case strings.Contains(words, "surrogate"), strings.Contains(words, "escape"):
		x.find("CP-FHIR-001", at, words, "JSON has no such escape sequence")
	case strings.Contains(words, "in string"):
		x.find("CP-FHIR-001", at, words, "a line break or control character within a text must be escaped in JSON")
	default:
		x.find("CP-FHIR-001", at, words, "JSON does not allow what stands here")
	}
	f := x.findings[len(x.findings)-1]
	if len(x.path) > 0 {
		f.Place.Path += pointerPath(se.JSONPointer)
	}
}

// pointerPath writes a JSON Pointer as the rest of a path.
func pointerPath(p jsontext.Pointer) string {
	var b strings.Builder
	for t := range p.Tokens() {
		if _, err := strconv.Atoi(t); err == nil {
			b.WriteString("[" + t + "]")
		} else if len(t) < 40 && strings.Trim(t, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
			b.WriteString("." + strings.TrimPrefix(t, "_"))
		} else {
			break // not a name of FHIR's: it might be data
		}
	}
	return b.String()
}

// find reports a finding at a place in the text.
func (x *decoder) find(id diag.ID, at int, value, format string, args ...any) {
	switch n := len(x.findings); {
	case n == maxFindings:
		id, value, format, args = "CP-FHIR-016", "", "", nil
	case n > maxFindings:
		return
	}
	base, from := x.base, 0
	if x.shell != nil && at >= x.shell.cut { // behind the entries
		from = x.shell.cut
		base.line, base.column = x.shell.rest.line, x.shell.rest.column
	}
	p := diag.Place{Source: base.source, Record: base.record, Line: base.line, Column: base.column, Path: x.at()}
	if n := strings.Count(x.s[from:at], "\n"); n > 0 {
		p.Line += n
		p.Column = at - strings.LastIndexByte(x.s[:at], '\n')
	} else {
		p.Column += at - from
	}
	x.findings = append(x.findings, diag.New(id, p, format, args...).WithValue(value))
}

// at writes the path.
func (x *decoder) at() string {
	var b []byte
	for i, s := range x.path {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, s.name...)
		if s.n >= 0 {
			b = strconv.AppendInt(append(b, '['), int64(s.n), 10)
			b = append(b, ']')
		}
	}
	return string(b)
}

func (x *decoder) push(name string) { x.path = append(x.path, step{name, -1}) }
func (x *decoder) pop()             { x.path = x.path[:len(x.path)-1] }

// The cursor.

func (x *decoder) space() {
	for x.i < len(x.s) && x.s[x.i] <= ' ' {
		x.i++
	}
}

// str reads a text; escapes are rare, so nearly always it is a part of x.s.
func (x *decoder) str() string {
	from := x.i + 1
	n := strings.IndexByte(x.s[from:], '"')
	s := x.s[from : from+n]
	if strings.IndexByte(s, '\\') < 0 {
		x.i = from + n + 1
		return s
	}
	x.skipString()
	x.scratch, _ = jsontext.AppendUnquote(x.scratch[:0], x.s[from-1:x.i])
	return string(x.scratch)
}

func (x *decoder) skipString() {
	for x.i++; x.s[x.i] != '"'; x.i++ {
		if x.s[x.i] == '\\' {
			x.i++
		}
	}
	x.i++
}

// literal reads a number, true, false or null.
func (x *decoder) literal() string {
	from := x.i
	for x.i < len(x.s) {
		if c := x.s[x.i]; c <= ' ' || c == ',' || c == '}' || c == ']' {
			break
		}
		x.i++
	}
	return x.s[from:x.i]
}

// skip passes over a value.
func (x *decoder) skip() {
	depth := 0
	for {
		switch x.s[x.i] {
		case '"':
			x.skipString()
		case '{', '[':
			depth++
			x.i++
		case '}', ']':
			depth--
			x.i++
		case ' ', '\t', '\r', '\n', ',', ':':
			x.i++
			continue
		default:
			x.literal()
		}
		if depth == 0 {
			return
		}
	}
}

// colon passes over the colon behind a name.
func (x *decoder) colon() {
	x.space()
	x.i++
	x.space()
}

// more stands behind an item of an object or array and passes over the comma, or over the bracket at the end.
func (x *decoder) more() bool {
	x.space()
	c := x.s[x.i]
	x.i++
	if c == ',' {
		x.space()
		return true
	}
	return false
}

// kind is what the value at the cursor is, for findings.
func (x *decoder) kind() string {
	switch x.s[x.i] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// wrongKind reports a value of another JSON type than want, and passes over it.
func (x *decoder) wrongKind(want string) {
	if x.s[x.i] == 'n' {
		x.find("CP-FHIR-006", x.i, "", "")
	} else {
		before := ""
		if n := len(x.path); n > 0 {
			before = otherBefore(x.path[n-1].name, x.s[x.i])
		}
		x.find("CP-FHIR-008", x.i, "", "%s stands where FHIR has %s%s", x.kind(), want, before)
	}
	x.skip()
}

// Resources.

// resourceKeys finds the member of ContainedResource for a type of resource.
var resourceKeys = sync.OnceValue(func() map[string]*key {
	t := plan.ContainedType()
	keys := map[string]*key{}
	for _, name := range plan.Resources() {
		a := t.ResourceAlt(name)
		keys[name] = &key{name: name, alt: a, index: t.Oneof(), goType: a.GoType(), of: a.Of(),
			ptr: reflect.PointerTo(a.Wrap), wraps: a.WrapOf()}
	}
	return keys
})

// resource reads the resource at the cursor; the zero Value if it cannot be one. The path's last step is the place of the
// resource; an empty path begins with its type.
func (x *decoder) resource() (reflect.Value, *key) {
	if x.s[x.i] != '{' {
		x.wrongKind("a resource, which is an object")
		return reflect.Value{}, nil
	}
	name, at := x.resourceType()
	if at < 0 {
		x.find("CP-FHIR-004", x.i, "", "")
		x.skip()
		return reflect.Value{}, nil
	}
	k := resourceKeys()[name]
	if k == nil {
		x.find("CP-FHIR-005", at, name, "%s", "FHIR R4 has no such type of resource"+otherName(name, "", plan.Suggest(name, plan.Resources())))
		x.skip()
		return reflect.Value{}, nil
	}
	root := len(x.path) == 0
	if root {
		x.push(name)
	}
	v := x.take(k.of)
	x.object(k.codec(), v)
	if root {
		x.pop()
	}
	return v, k
}

// resourceType looks for the type of the resource at the cursor, wherever it stands, and leaves the cursor there.
func (x *decoder) resourceType() (name string, at int) {
	const want = `"resourceType"`
	start := x.i
	defer func() { x.i = start }()
	x.i++
	x.space()
	if x.s[x.i] == '}' {
		return "", -1
	}
	for {
		found := strings.HasPrefix(x.s[x.i:], want)
		x.skipString()
		x.colon()
		if found {
			if x.s[x.i] != '"' {
				return "", -1
			}
			at := x.i
			return x.str(), at
		}
		x.skip()
		if !x.more() {
			return "", -1
		}
	}
}

// seenWords bounds the keys of a type: two bits each, for the value and for what stands under _name.
const seenWords = 7

// object reads the members of an object into v.
func (x *decoder) object(c *codec, v reflect.Value) {
	if x.s[x.i] != '{' {
		x.wrongKind("an object")
		return
	}
	if x.depth == MaxDepth {
		x.find("CP-FHIR-014", x.i, "", "")
		x.skip()
		return
	}
	start := x.i
	x.i++
	x.space()
	if x.s[x.i] == '}' {
		x.find("CP-FHIR-007", start, "", "an empty object")
		x.i++
		return
	}
	x.depth++
	var seen [seenWords]uint64
	next, typed, unders, gaps := 0, false, false, len(x.gaps)
	for {
		at := x.i
		name := x.str()
		x.colon()
		under := name != "" && name[0] == '_'
		bare := name
		if under {
			bare = name[1:]
		}
		k := c.find(bare, &next)
		switch {
		case k != nil && (!under || k.form.primitive()):
			bit := uint(k.n) * 2
			if under {
				bit++
				unders = true
			}
			x.push(k.name)
			if seen[bit/64]&(1<<(bit%64)) != 0 {
				x.find("CP-FHIR-002", at, "", "%s stands twice", name)
				x.skip()
			} else {
				seen[bit/64] |= 1 << (bit % 64)
				x.member(k, v, under)
			}
			x.pop()
		case name == "resourceType" && c.typ.Kind == plan.Resource:
			if typed {
				x.find("CP-FHIR-002", at, "", "resourceType stands twice")
			}
			typed = true
			x.skip()
		default:
			x.find("CP-FHIR-003", at, name, "%s has no such element%s", c.typ.Name, otherName(c.typ.Name, bare, c.typ.Suggest(bare)))
			x.skip()
		}
		if !x.more() {
			break
		}
	}
	x.depth--
	if unders || len(x.gaps) > gaps {
		x.settle(c, v, &seen, x.gaps[gaps:])
		x.gaps = x.gaps[:gaps]
	}
}

// gap is a place in a list of primitives where no value stands.
type gap struct {
	k     *key
	index int
	at    int
}

// settle ends an object in which something stood under _name, or a null in a list of primitives: what has extensions and no
// value is marked so, what has neither is a finding.
func (x *decoder) settle(c *codec, v reflect.Value, seen *[seenWords]uint64, gaps []gap) {
	for _, k := range c.keys {
		bit := uint(k.n) * 2
		if seen[bit/64]>>(bit%64)&3 != 2 {
			continue // no _name, or both
		}
		switch {
		case k.list:
			for i := range v.Field(k.index).Len() {
				gaps = append(gaps, gap{k, i, -1})
			}
		case k.form == formReference:
			if r := v.Addr().Interface().(*dpb.Reference); r.GetUri() != nil {
				stringPrim().MarkNoValue(reflect.ValueOf(r.GetUri()).Elem())
			}
		default:
			if it, ok := k.existing(v); ok && k.prim().Extended(it) {
				k.prim().MarkNoValue(it)
			}
		}
	}
	for _, g := range gaps {
		it := v.Field(g.k.index).Index(g.index).Elem()
		if g.k.prim().Extended(it) {
			g.k.prim().MarkNoValue(it)
		} else if g.at >= 0 {
			x.push(g.k.name)
			x.path[len(x.path)-1].n = g.index
			x.find("CP-FHIR-006", g.at, "", "null stands for a value that has no extensions either")
			x.pop()
		}
	}
}

var stringPrim = sync.OnceValue(func() *plan.Prim { return plan.Of(reflect.TypeFor[dpb.String]()).Prim })

// member reads the value of one key into v.
func (x *decoder) member(k *key, v reflect.Value, under bool) {
	switch {
	case k.list:
		x.list(k, v, under)
	case k.form == formReference:
		x.reference(k, v, under)
	case k.form == formComplex:
		if x.s[x.i] != '{' {
			x.wrongKind("an object")
		} else if it, ok := x.item(k, v); ok {
			x.object(k.codec(), it)
		}
	case k.form == formContained:
		if r, rk := x.resource(); rk != nil {
			cr := x.take(k.of)
			x.hold(cr, r, rk)
			v.Field(k.index).Set(cr.Addr())
		}
	case k.form == formPacked:
		if r, rk := x.resource(); rk != nil {
			v.Field(k.index).Set(reflect.ValueOf(x.pack(r, rk)))
		}
	case under:
		if x.s[x.i] != '{' {
			x.wrongKind("an object with id or extensions")
		} else if it, ok := x.item(k, v); ok {
			x.object(k.codec(), it)
		}
	default:
		x.single(k, v)
	}
}

// single reads a primitive that is no list.
func (x *decoder) single(k *key, v reflect.Value) {
	if k.alt == nil {
		// The hot ones with little of package reflect. (Addr of a field would look for the type of its pointer in a map.)
		switch k.form {
		case formString:
			if s, ok := x.text(k); ok {
				f := v.Field(k.index)
				if f.IsNil() {
					f.Set(reflect.ValueOf(x.strs.Take()))
				}
				f.Interface().(*dpb.String).Value = s
			}
			return
		case formURI:
			if s, ok := x.text(k); ok {
				f := v.Field(k.index)
				if f.IsNil() {
					f.Set(reflect.ValueOf(x.uris.Take()))
				}
				f.Interface().(*dpb.Uri).Value = s
			}
			return
		case formCode:
			if s, ok := x.text(k); ok {
				f := v.Field(k.index)
				if f.IsNil() {
					f.Set(reflect.ValueOf(x.codes.Take()))
				}
				f.Interface().(*dpb.Code).Value = s
			}
			return
		}
	}
	if val, ok := x.value(k); ok {
		if it, ok := x.item(k, v); ok {
			store(k, it, val)
		}
	}
}

// existing is what stands in v for a key that is no list.
func (k *key) existing(v reflect.Value) (reflect.Value, bool) {
	f := v.Field(k.index)
	if f.IsNil() {
		return reflect.Value{}, false
	}
	if k.alt == nil {
		return f.Elem(), true
	}
	o := f.Elem().Field(k.elem.Oneof())
	if o.IsNil() || o.Elem().Type() != k.ptr {
		return reflect.Value{}, false
	}
	return o.Elem().Elem().Field(0).Elem(), true
}

// item is the struct in v for a key that is no list, made if it is not there; false, with a finding, if a choice holds another
// type.
func (x *decoder) item(k *key, v reflect.Value) (reflect.Value, bool) {
	it, ok := x.itemOf(k, v)
	if !ok {
		x.find("CP-FHIR-011", x.i, "", "%s[x] has values of two types", k.elem.Name)
		if x.s[x.i] == '{' {
			x.skip()
		}
	}
	return it, ok
}

// itemOf is item without the finding.
func (x *decoder) itemOf(k *key, v reflect.Value) (reflect.Value, bool) {
	f := v.Field(k.index)
	if k.alt == nil {
		if f.IsNil() {
			f.Set(x.take(k.of).Addr())
		}
		return f.Elem(), true
	}
	if f.IsNil() {
		f.Set(x.take(k.elem.Of()).Addr())
	}
	o := f.Elem().Field(k.elem.Oneof())
	if o.IsNil() {
		it, w := x.take(k.of), x.take(k.wraps)
		w.Field(0).Set(it.Addr())
		o.Set(w.Addr())
		return it, true
	}
	if o.Elem().Type() != k.ptr {
		return reflect.Value{}, false
	}
	return o.Elem().Elem().Field(0).Elem(), true
}

// list reads an array.
func (x *decoder) list(k *key, v reflect.Value, under bool) {
	if x.s[x.i] != '[' {
		x.wrongKind("an array")
		return
	}
	start := x.i
	x.i++
	x.space()
	if x.s[x.i] == ']' {
		if x.shell == nil || x.shell.entries == 0 || len(x.path) != 2 || k.name != "entry" {
			x.find("CP-FHIR-007", start, "", "an empty array")
		}
		x.i++
		return
	}
	f := v.Field(k.index)
	had, n := f.Len(), 0
	for top := len(x.path) - 1; ; n++ {
		x.path[top].n = n
		x.listItem(k, f, n, under)
		if !x.more() {
			break
		}
	}
	x.path[len(x.path)-1].n = -1
	n++
	if k.form.primitive() && had > 0 && n != had {
		x.find("CP-FHIR-012", start, "", "%d items here, %d in the other array", n, had)
	}
	// What stands in the longer array alone: extensions without a value.
	from, to := had, n
	if !under {
		from, to = n, had
	}
	if had > 0 && k.form.primitive() {
		for i := from; i < to; i++ {
			x.gaps = append(x.gaps, gap{k, i, -1})
		}
	}
}

func (x *decoder) listItem(k *key, f reflect.Value, n int, under bool) {
	if k.form.primitive() {
		if n >= f.Len() {
			x.append(k, f)
		}
		switch it := f.Index(n).Elem(); {
		case x.s[x.i] == 'n':
			if !under {
				x.gaps = append(x.gaps, gap{k, n, x.i})
			}
			x.i += len("null")
		case under:
			x.object(k.codec(), it)
		default:
			if val, ok := x.value(k); ok {
				store(k, it, val)
			}
		}
		return
	}
	switch k.form {
	case formPacked:
		if r, rk := x.resource(); rk != nil {
			f.Grow(1)
			f.SetLen(f.Len() + 1)
			f.Index(f.Len() - 1).Set(reflect.ValueOf(x.pack(r, rk)))
		}
	default:
		if x.s[x.i] != '{' {
			x.wrongKind("an object")
			return
		}
		x.object(k.codec(), x.append(k, f))
	}
}

// append makes a new item of a list.
func (x *decoder) append(k *key, f reflect.Value) reflect.Value {
	n := f.Len()
	f.Grow(1)
	f.SetLen(n + 1)
	it := x.take(k.of)
	f.Index(n).Set(it.Addr())
	return it
}

// text reads the value of a primitive whose kind is String.
func (x *decoder) text(k *key) (string, bool) {
	if x.s[x.i] != '"' {
		x.wrongKind("a text")
		return "", false
	}
	at := x.i
	s := x.str()
	if s == "" {
		x.find("CP-FHIR-007", at, "", "an empty text")
		return "", false
	}
	if p := k.prim(); !p.WellFormed(s) {
		x.find("CP-FHIR-013", at, s, "not the form of a FHIR %s", p.Name)
	}
	return s, true
}

// value reads the value of a primitive.
func (x *decoder) value(k *key) (val plan.Value, ok bool) {
	at, p := x.i, k.prim()
	c := x.s[at]
	switch p.Kind {
	case plan.String:
		val.S, ok = x.text(k)
		return val, ok
	case plan.Boolean:
		if c != 't' && c != 'f' {
			x.wrongKind("true or false")
			return val, false
		}
		if x.literal(); c == 't' {
			val.I = 1
		}
		return val, true
	case plan.Decimal, plan.Integer, plan.Unsigned:
		if c != '-' && (c < '0' || c > '9') {
			x.wrongKind("a number")
			return val, false
		}
		s := x.literal()
		if p.Kind == plan.Decimal { // which is JSON's number, and that jsontext has checked
			val.S = s
			return val, true
		}
		val, err := p.Parse(s)
		if err != nil {
			x.find("CP-FHIR-009", at, s, "%s", err)
		}
		return val, err == nil
	}
	if c != '"' {
		x.wrongKind("a text")
		return val, false
	}
	s := x.str()
	if s == "" {
		x.find("CP-FHIR-007", at, "", "an empty text")
		return val, false
	}
	val, err := p.Parse(s)
	if err != nil {
		x.badValue(p, s, at, err)
	}
	return val, err == nil
}

// badValue reports a text that is not of its type.
func (x *decoder) badValue(p *plan.Prim, s string, at int, err error) {
	if p.Kind == plan.Code {
		x.find("CP-FHIR-010", at, s, "%s%s", err, plan.Suggest(s, p.Words()))
	} else {
		x.find("CP-FHIR-009", at, s, "%s", err)
	}
}

// store puts a value into a primitive's struct.
func store(k *key, it reflect.Value, val plan.Value) {
	switch k.form {
	case formString:
		it.Addr().Interface().(*dpb.String).Value = val.S
	case formURI:
		it.Addr().Interface().(*dpb.Uri).Value = val.S
	case formCode:
		it.Addr().Interface().(*dpb.Code).Value = val.S
	case formDecimal:
		it.Addr().Interface().(*dpb.Decimal).Value = val.S
	case formBoolean:
		it.Addr().Interface().(*dpb.Boolean).Value = val.I != 0
	case formDateTime:
		if val.Lexical == "" {
			d := it.Addr().Interface().(*dpb.DateTime)
			d.ValueUs, d.Timezone, d.Precision = val.I, val.Zone, dpb.DateTime_Precision(val.Precision)
			return
		}
		k.prim().Store(it, val)
	default:
		k.prim().Store(it, val)
	}
}

// hold puts a resource into a ContainedResource.
func (x *decoder) hold(cr, r reflect.Value, k *key) {
	w := x.take(k.wraps)
	w.Field(0).Set(r.Addr())
	cr.Field(k.index).Set(w.Addr())
}

// pack makes what the hub holds of a contained resource.
func (x *decoder) pack(r reflect.Value, k *key) *anypb.Any {
	a, err := Pack(r.Addr().Interface().(proto.Message))
	if err != nil { // a text that is not UTF-8, which jsontext has excluded
		x.find("CP-FHIR-001", x.i, "", "%s", "a contained resource that the hub cannot hold")
		return &anypb.Any{}
	}
	x.packed = append(x.packed, packed{a, r.Addr().Interface().(proto.Message)})
	return a
}

// packed is a contained resource as the hub holds it, and as it was read.
type packed struct {
	any *anypb.Any
	m   proto.Message
}

// reference reads Reference.reference, or what stands under _reference, which the hub keeps in the same message.
func (x *decoder) reference(k *key, v reflect.Value, under bool) {
	r := v.Addr().Interface().(*dpb.Reference)
	if under {
		if x.s[x.i] != '{' {
			x.wrongKind("an object with id or extensions")
			return
		}
		if r.Reference == nil {
			r.Reference = &dpb.Reference_Uri{Uri: x.strs.Take()}
		}
		it := v.Field(k.index).Elem().Elem().Field(0).Elem()
		x.object(codecOf(plan.Of(it.Type())), it)
		return
	}
	s, ok := x.text(k)
	if !ok {
		return
	}
	id, ext := referenceExtras(r) // _reference came first
	SetReference(r, s)
	setReferenceExtras(r, id, ext)
}
