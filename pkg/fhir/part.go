package fhir

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// How a resource is kept of which not all can be read. Its text becomes a tree (part_tree.go); of the tree the smallest things
// that hold a fault are left out, and with them whatever would say something else without them (part_rules.go); what is left is
// written as JSON and read by the codec, which must find nothing more: else the resource is not kept at all. So the codec's rules
// are never loosened, and a resource without faults is read as if this file did not exist.
//
// Left out is              a value that is not of its type, an element that FHIR has not, both of two that stand in one place
//  and with it             what the fault modifies: the datatype, the backbone element, else the resource
//                          what FHIR wants whole: an object without a required element, if the element cannot be stated as absent
//                          a bundle's entry without its resource, a contained resource that nothing refers to any more

// Partial is what was kept of a resource, or of a bundle's entry.
type Partial struct {
	Resource proto.Message     // nil if nothing could be kept
	Item     *rpb.Bundle_Entry // of an entry
	Lost     []LostLeaf
	Findings []*diag.Finding // what was left out beside the faults themselves
	Entries  []int           // of a bundle, the places of the entries that were kept
	Undone   bool            // a bundle of type document that lost what FHIR demands of one, or some of its resources

	moved   map[int]map[string][]int
	made    bool
	patient bool
}

// LostLeaf is a leaf that is not in the resource, with its place in the source.
type LostLeaf struct {
	At      string
	Why     string
	Invalid bool // it could not be read; else it was left out because of others
	Entry   int  // of the bundle, in which it is; -1 if it is in none
}

// Moved tells the places of list items in the source from those in what was kept: by the path of a list, where its items stood. entry is the place
// of the bundle's entry in the source, -1 of a resource that is in none.
func (p *Partial) Moved(entry int) map[string][]int {
	if p == nil {
		return nil
	}
	return p.moved[entry]
}

// DroppedPatient reports that a patient could not be kept. Other formats write what is about nobody that they know as about the one whom they know.
func (p *Partial) DroppedPatient() bool { return p.patient }

const (
	whyUnknown   = "FHIR R4 has no such element"
	whyNamespace = "it is not in FHIR's namespace, or FHIR has nothing there"
	whyTwice     = "the element stands twice, and none of the two is taken by guess"
	whyChoice    = "the element has values of two types, and none of the two is taken by guess"
	whyKind      = "it is not in the form that FHIR has for this element"
	whyValue     = "it is not a value of the element's type"
	whyCode      = "it is none of the codes that FHIR has for this element"
	whyNull      = "null is no value"
	whyEmpty     = "it is empty"
	whyStep      = "its array and that of the values differ in length"
	whyDeep      = "it is nested too deep"
	whyType      = "FHIR R4 has no such type of resource"
	whyNoType    = "it does not say which type of resource it is"
	whyPointless = "the contained resource that it leads to was left out"

	whyModifier = "a modifier of it cannot be read, and it is never written without"
	whyWhose    = "it cannot be read whom it is about"
	whyTogether = "a part of it cannot be read, without which the rest says something else"
	whyRequired = "a part of it cannot be read that FHIR demands"
	whyNothing  = "nothing else of it can be read"
	whyEntry    = "the resource of the entry was left out"
	whyAlone    = "what refers to it was left out"
	whyHead     = "the resource cannot be read with which such a bundle begins"
)

// What was left out beside what is at fault.
const (
	LeftOut diag.ID = "CP-FHIR-226"
	Absent  diag.ID = "CP-FHIR-227"
)

// Soften makes findings of the codec into those about a record that was read but for them.
func Soften(finds []*diag.Finding) []*diag.Finding {
	for _, f := range finds {
		if f.Severity() == diag.Reject && f.ID != "CP-FHIR-013" {
			f.Level = diag.Misread
		}
	}
	return finds
}

// sentinel is the url of the extensions that state absence until they are told from those of the source.
const sentinel = "https://chartpost.org/fhir/hub/could-not-be-read"

const absentURL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

// Salvage reads what can be read of a resource in which Unmarshal has lost something. It is nil if the grammar is broken or the type of the
// resource is not known. shell: it is a bundle without its entries.
func Salvage(b []byte, shell bool, opts ...Options) *Partial {
	at := start(opts)
	return salvage(b, part{at: at, ns: nil}, shell)
}

// SalvageEntry is Salvage for an entry of a bundle, of which UnmarshalEntry has lost something.
func SalvageEntry(b []byte, index int, opts ...Options) *Partial {
	at := start(opts)
	return salvage(b, part{kind: partEntry, index: index, at: at, ns: []binding{{"", fhirSpace}}}, false)
}

func salvage(b []byte, p part, shell bool) *Partial {
	x := newDecoder()
	if len(b) >= len(utf8Mark) && string(b[:len(utf8Mark)]) == string(utf8Mark) {
		b, p.at.column = b[len(utf8Mark):], p.at.column+len(utf8Mark)
	}
	if strings.Contains(string(b), sentinel) {
		return nil
	}
	var path []step
	entry := -1
	if p.kind == partEntry {
		path, entry = []step{{"Bundle", -1}, {"entry", p.index}}, p.index
	}
	n := x.treeOf(b, isXML(b), p, path...)
	if n == nil || n.kind != '{' {
		return nil
	}
	s := &sifter{decoder: x, out: &Partial{moved: map[int]map[string][]int{}}, shell: shell, entry: entry, seen: map[string]bool{}}
	if p.kind == partEntry {
		s.path = path
		s.part(entryCodec(), n, 1)
		if n.gone {
			s.out.Item = nil
		}
		s.collectEntry(n, p.index)
	} else {
		k := s.typeOf(n)
		if k == nil {
			return nil
		}
		s.path = []step{{k.name, -1}}
		s.resource(n, false, 0)
		s.collectRoot(n, k)
	}
	s.out.Findings = x.findings
	if n.gone {
		return s.out
	}
	text := n.append(nil)
	if p.kind == partEntry {
		item, finds := UnmarshalEntry(text, p.index)
		if item == nil || Lost(finds) != nil {
			return nil
		}
		s.out.Item, s.out.Resource = item, Unwrap(item.Resource)
	} else {
		m, finds := Unmarshal(text)
		if m == nil || Lost(finds) != nil {
			return nil
		}
		s.out.Resource = m
	}
	return s.out
}

// Made gives the extensions that state absence, which the source has not, and makes them such as FHIR knows.
func (p *Partial) Made() (list []*dpb.Extension) {
	if !p.made {
		return nil
	}
	m := p.Resource
	if p.Item != nil {
		m = p.Item
	}
	eachExtension(reflect.ValueOf(m).Elem(), plan.OfMessage(m), func(e *dpb.Extension) {
		if e.GetUrl().GetValue() == sentinel {
			e.Url.Value = absentURL
			list = append(list, e)
		}
	})
	return list
}

func eachExtension(v reflect.Value, t *plan.Type, f func(*dpb.Extension)) {
	if e, ok := v.Addr().Interface().(*dpb.Extension); ok {
		f(e)
	}
	if t.Kind == plan.Contained {
		if r, a := t.Resource(v); a != nil {
			eachExtension(r, a.Type(), f)
		}
		return
	}
	for _, e := range t.Elements {
		if e.RefText {
			if r, ok := v.Addr().Interface().(*dpb.Reference); ok && r.GetUri() != nil {
				eachExtension(reflect.ValueOf(r.GetUri()).Elem(), plan.OfMessage(r.GetUri()), f)
			}
			continue
		}
		for i := range e.Len(v) {
			if x, next := e.Item(v, i); next != nil && next.Kind != plan.Packed {
				eachExtension(x, next, f)
			}
		}
	}
}

// sifter leaves out of a tree what cannot be kept.
type sifter struct {
	*decoder
	out   *Partial
	shell bool
	entry int // at hand, of the bundle that is the source
	seen  map[string]bool

	within *frame
	inside bool // a contained resource, which the hub holds packed
}

// frame is the resource that contains others.
type frame struct {
	lost bool            // some of those contained
	led  bool            // a reference of which nobody knows where it led
	kept map[string]bool // the ids of the others
}

// hurt says what was lost of a value.
type hurt uint8

const (
	unhurt hurt = iota
	slight      // what never changes what the rest says: extensions, ids, the words beside a code
	excess      // what FHIR has not
	harmed
)

// mark tells of the leaves at and below n that nothing was told of.
func mark(n *node, why string, invalid bool) {
	if n.made || n.filler {
		return
	}
	if n.leaf() {
		if n.loss == nil {
			n.loss = &lossOf{why, invalid}
		}
		return
	}
	for _, k := range n.kids {
		mark(k, why, invalid)
	}
}

// lose leaves out what is at fault.
func (s *sifter) lose(n *node, why string) {
	n.gone = true
	mark(n, why, true)
}

// decline leaves out what something at fault belongs to.
func (s *sifter) decline(n *node, why string) {
	n.gone = true
	mark(n, why, false)
}

// typeOf finds the type of a resource; nil if it cannot be told.
func (s *sifter) typeOf(n *node) *key {
	var typ *node
	for _, k := range n.kids {
		if k.name == "resourceType" && !k.stray {
			if typ != nil {
				return nil
			}
			typ = k
		}
	}
	if typ == nil || n.stray {
		return nil
	}
	return resourceKeys()[typ.text()]
}

// resource sifts a resource; the path's last step is its place.
func (s *sifter) resource(n *node, contained bool, depth int) hurt {
	if !n.object() {
		if n.kind == 'n' {
			s.lose(n, whyNull)
		} else {
			s.lose(n, whyKind)
		}
		return harmed
	}
	k := s.typeOf(n)
	if k == nil {
		why := whyNoType
		if r := n.member("resourceType"); r != nil && r.kind == '"' {
			why = whyType
		}
		s.lose(n, why)
		s.named(n)
		return harmed
	}
	was, inside := s.within, s.inside
	if !contained {
		s.within = &frame{kept: map[string]bool{}}
	}
	s.inside = inside || contained
	h, why := s.object(k.codec(), n, depth)
	s.inside = inside
	if !contained {
		if h > unhurt && why == "" {
			s.orphans(n)
		}
		s.within = was
	}
	if why != "" {
		s.leave(n, why)
		s.named(n)
		return harmed
	}
	return h
}

// named notes that a patient is left out.
func (s *sifter) named(n *node) {
	if t := n.member("resourceType"); t != nil && t.text() == "Patient" && !s.inside {
		s.out.patient = true
	}
}

// leave declines an object because of a fault in it, and says so.
func (s *sifter) leave(n *node, why string) {
	s.decline(n, why)
	s.find(LeftOut, n.at, "", "%s", "left out: "+why)
}

// part sifts an object, and leaves it out if it must go.
func (s *sifter) part(c *codec, n *node, depth int) hurt {
	if !n.object() {
		if n.kind == 'n' {
			s.lose(n, whyNull)
		} else {
			s.lose(n, whyKind)
		}
		s.led(c)
		return harmed
	}
	h, why := s.object(c, n, depth)
	if h > slight {
		s.led(c)
	}
	if why != "" {
		switch {
		case n.gone:
		case why == whyEntry, why == whyNothing:
			s.decline(n, why)
		default:
			s.leave(n, why)
		}
		return harmed
	}
	return h
}

// led notes that of a reference something was lost.
func (s *sifter) led(c *codec) {
	if s.within != nil && c.typ.Name == "Reference" {
		s.within.led = true
	}
}

// slot is what stands in an object under one name, with and without _.
type slot struct {
	k          *key
	val, under *node
	twice      bool
}

// object sifts the members of an object, and says why it must go, if it must.
func (s *sifter) object(c *codec, n *node, depth int) (h hurt, why string) {
	n.of = c
	if depth >= MaxDepth {
		s.lose(n, whyDeep)
		return harmed, whyDeep
	}
	if len(n.kids) == 0 {
		s.lose(n, whyEmpty)
		return harmed, whyEmpty
	}
	refuse := func(w string) {
		if why == "" {
			why = w
		}
	}
	slots := make([]*slot, 0, len(n.kids))
	byKey := map[*key]*slot{}
	of := map[*plan.Element]*key{}
	var strange []string
	for _, m := range n.kids {
		bare := strings.TrimPrefix(m.name, "_")
		under := len(bare) < len(m.name)
		k := c.byName[bare]
		switch {
		case m.filler:
			continue
		case m.stray:
		case m.name == "resourceType" && c.typ.Kind == plan.Resource:
			continue
		case k != nil && (!under || k.form.primitive()):
			m.key = k
			x := byKey[k]
			if x == nil {
				x = &slot{k: k}
				byKey[k] = x
				slots = append(slots, x)
			}
			at := &x.val
			if under {
				at = &x.under
			}
			if *at != nil {
				x.twice = true
			}
			*at = m
			if k.alt != nil {
				if first := of[k.elem]; first != nil && first != k {
					x.twice, byKey[first].twice = true, true
				}
				of[k.elem] = k
			}
			continue
		}
		lost := whyUnknown
		if m.stray {
			lost = whyNamespace
		}
		s.lose(m, lost)
		if h = max(h, slight); m.name != "fhir_comments" {
			h = max(h, excess)
		}
		switch {
		case mayModify(c.typ, m):
			refuse(whyModifier)
		case c.typ.Go == extensionType, together[c.typ.Name] != nil && m.name != "fhir_comments": // it may be one of its parts
			refuse(whyTogether)
		default:
			strange = append(strange, bare)
		}
	}
	for _, e := range c.typ.Elements {
		if len(strange) == 0 {
			break
		}
		if slices.ContainsFunc(slots, func(x *slot) bool { return x.k.elem == e }) || !slices.ContainsFunc(strange, func(name string) bool { return isNearly(e, name) }) {
			continue
		}
		switch k := c.keyOf(e); {
		case e.Required:
			refuse(whyRequired)
		case slices.Contains(bound[c.typ.Name], e.Name):
			refuse(whyTogether)
		case slices.Contains(endings[c.typ.Name], e.Name) && !s.fill(n, &slot{k: k, val: n}):
			refuse(whyTogether)
		}
	}
	lose := func(x *slot, w string) {
		for _, m := range n.kids {
			if m.key == x.k {
				s.lose(m, w)
			}
		}
	}
	for pass := range 2 { // contained resources first: references lead to them
		for _, x := range slots {
			if (x.k.form == formPacked && x.k.name == "contained") != (pass == 0) {
				continue
			}
			s.push(x.k.name)
			part := harmed
			switch {
			case !x.twice:
				part = s.slot(c, x, depth)
			case x.k.alt != nil && of[x.k.elem] != nil && s.choices(slots, x.k.elem) > 1:
				lose(x, whyChoice)
			default:
				lose(x, whyTwice)
			}
			s.pop()
			if part == unhurt {
				continue
			}
			if slices.Contains(silent, x.k.elem.Name) && c.typ.Go != extensionType {
				h = max(h, slight)
				continue
			}
			if w, from := changes(c, x.k); w != "" && part >= from && !x.nothing() {
				refuse(w)
				part = harmed
			}
			h = max(h, part)
		}
	}
	if why != "" {
		return harmed, why
	}
	if h == unhurt {
		return unhurt, ""
	}
	if s.inside && c.typ.Kind == plan.Resource { // a contained resource is found by its id
		if id := n.member("id"); id == nil || id.gone {
			return harmed, whyRequired
		}
	}
	filled := map[*plan.Element]bool{}
	for _, x := range slots {
		e := x.k.elem
		ending := slices.Contains(endings[c.typ.Name], e.Name)
		switch {
		case !e.Required && !ending, !x.gone(), filled[e]:
		case s.fill(n, x):
			filled[e] = true
		case ending && s.inside:
			return harmed, whyTogether
		case ending: // of a type that has required elements itself
		default:
			return harmed, whyRequired
		}
	}
	if names := either[c.typ.Name]; names != nil && s.noneOf(n, names) {
		for _, x := range slots {
			if slices.Contains(names, x.k.name) && !filled[x.k.elem] && len(filled) == 0 && s.fill(n, x) {
				filled[x.k.elem] = true
			}
		}
		if len(filled) == 0 {
			return harmed, whyRequired
		}
	}
	left := 0
	for _, m := range n.kids {
		if m.gone || m.name == "resourceType" || m.name == "id" && c.typ.Kind != plan.Resource {
			continue
		}
		left++
	}
	switch {
	case c.typ.Go == extensionType: // its parts say one thing together
		return harmed, whyTogether
	case left == 0 && c.typ.Kind != plan.Resource:
		return harmed, whyNothing
	case c == entryCodec():
		if r := n.member("resource"); r != nil && r.gone {
			return harmed, whyEntry
		}
	case c.typ.Name == "Bundle":
		return h, s.bundle(n)
	}
	return h, ""
}

func (s *sifter) choices(slots []*slot, e *plan.Element) (n int) {
	for _, x := range slots {
		if x.k.elem == e {
			n++
		}
	}
	return n
}

// noneOf reports that an object had some of the elements named, and has none of them any more.
func (s *sifter) noneOf(n *node, names []string) bool {
	had := false
	for _, m := range n.kids {
		bare := strings.TrimPrefix(m.name, "_")
		if !slices.ContainsFunc(names, func(name string) bool { return bare == name || m.gone && m.key == nil && strings.HasPrefix(bare, name) }) {
			continue
		}
		if had = true; !m.gone {
			return false
		}
	}
	return had
}

// keyOf is the key of an element, of a choice its first.
func (c *codec) keyOf(e *plan.Element) *key {
	for _, k := range c.keys {
		if k.elem == e {
			return k
		}
	}
	return nil
}

// nothing reports an array without items.
func (x *slot) nothing() bool { return x.under == nil && x.val != nil && x.val.list() && x.val.leaf() }

func (x *slot) gone() bool {
	return (x.val == nil || x.val.gone) && (x.under == nil || x.under.gone)
}

// bundle says why a bundle cannot be kept after its entries were sifted.
func (s *sifter) bundle(n *node) string {
	typ := ""
	if t := n.member("type"); t != nil && !t.gone {
		typ = t.text()
	}
	if typ == "document" {
		lost := func(name string) bool { m := n.member(name); return m != nil && m.gone }
		id := n.member("identifier")
		s.out.Undone = lost("timestamp") || lost("identifier") || id != nil && id.object() && (id.member("value") == nil || id.member("value").gone)
	}
	if s.shell {
		return ""
	}
	e := n.member("entry")
	if e == nil || e.leaf() {
		return ""
	}
	if e.gone {
		return whyNothing
	}
	if typ == "document" {
		for _, x := range e.kids {
			s.out.Undone = s.out.Undone || x.gone
		}
	}
	if (typ == "document" || typ == "message") && len(e.kids) > 0 && e.kids[0].gone {
		return whyHead
	}
	return ""
}

// slot sifts what stands under one name.
func (s *sifter) slot(c *codec, x *slot, depth int) hurt {
	k := x.k
	switch {
	case k.list && k.form.primitive():
		return s.primitives(x, depth)
	case k.list:
		return s.list(x, depth)
	case k.form.primitive():
		return s.primitive(c, x, depth)
	case k.form == formContained:
		return s.resource(x.val, false, depth+1)
	case k.form == formPacked:
		return s.resource(x.val, true, depth+1)
	}
	return s.part(k.codec(), x.val, depth+1)
}

// list sifts an array of objects.
func (s *sifter) list(x *slot, depth int) hurt {
	n := x.val
	contained := x.k.form == formPacked && x.k.name == "contained" && s.within != nil
	if !n.list() {
		if contained {
			s.within.lost = true
		}
		if n.kind == 'n' {
			s.lose(n, whyNull)
		} else {
			s.lose(n, whyKind)
		}
		return harmed
	}
	if len(n.kids) == 0 { // which says nothing
		if s.shell && x.k.name == "entry" && len(s.path) == 2 {
			n.gone, n.made = true, true
			return unhurt
		}
		s.lose(n, whyEmpty)
		return excess
	}
	h, left := unhurt, 0
	top := len(s.path) - 1
	bundle := x.k.name == "entry" && top == 1 && s.path[0].name == "Bundle"
	for i, item := range n.kids {
		s.path[top].n = i
		switch {
		case x.k.form == formPacked:
			h = max(h, s.resource(item, true, depth+1))
			if contained {
				id := ""
				if m := item.member("id"); m != nil {
					id = m.text()
				}
				if s.within.lost = s.within.lost || item.gone; !item.gone {
					s.within.kept[id] = true
				}
			}
		default:
			if bundle {
				s.entry = i
			}
			h = max(h, s.part(x.k.codec(), item, depth+1))
			if bundle && !item.gone {
				s.out.Entries = append(s.out.Entries, i)
			}
		}
		if !item.gone {
			left++
		}
	}
	s.path[top].n = -1
	if bundle {
		s.entry = -1
	}
	if left == 0 {
		n.gone = true
	}
	return h
}

// primitive sifts a value and what stands under its name with _.
func (s *sifter) primitive(c *codec, x *slot, depth int) hurt {
	h := unhurt
	if x.under != nil && s.extras(x.k, x.under, depth+1) {
		h = excess
	}
	if x.val == nil {
		if h > unhurt && x.under.gone {
			return harmed
		}
		return h
	}
	why := s.value(x.k, x.val)
	if why == "" && x.k.form == formReference && s.within != nil && s.within.lost {
		if id, ok := strings.CutPrefix(x.val.text(), "#"); ok && id != "" && !s.within.kept[id] {
			s.decline(x.val, whyPointless)
			return harmed
		}
	}
	if why != "" {
		if s.lose(x.val, why); x.k.form == formReference && s.within != nil {
			s.within.led = true
		}
		return harmed
	}
	return h
}

// extras sifts the id and extensions of a primitive; true if something of them is lost.
func (s *sifter) extras(k *key, n *node, depth int) bool {
	c := stringCodec()
	if k.form != formReference {
		c = k.codec()
	}
	return s.part(c, n, depth) > unhurt
}

func stringCodec() *codec { return codecOf(plan.Of(reflect.TypeFor[dpb.String]())) }

// primitives sifts an array of values and that of their extensions, which keep in step.
func (s *sifter) primitives(x *slot, depth int) hurt {
	h := unhurt
	for _, m := range []*node{x.val, x.under} {
		if m == nil {
			continue
		}
		switch {
		case m.kind == 'n':
			s.lose(m, whyNull)
		case !m.list():
			s.lose(m, whyKind)
		case len(m.kids) == 0:
			s.lose(m, whyEmpty)
		default:
			continue
		}
		h = harmed
	}
	var vals, unders []*node
	if x.val != nil && !x.val.gone {
		vals = x.val.kids
	}
	if x.under != nil && !x.under.gone {
		unders = x.under.kids
	}
	if vals != nil && unders != nil && len(vals) != len(unders) {
		for _, u := range unders { // null only keeps a place
			u.made = u.made || u.kind == 'n'
		}
		s.lose(x.under, whyStep)
		unders, h = nil, max(h, excess)
	}
	top := len(s.path) - 1
	some, more := false, false
	for i := range max(len(vals), len(unders)) {
		s.path[top].n = i
		extended := false
		if unders != nil {
			u := unders[i]
			if u.kind != 'n' && s.extras(x.k, u, depth+1) {
				h = max(h, excess)
			}
			u.null = u.gone || u.kind == 'n'
			extended = !u.null
		}
		valued := false
		if vals != nil {
			v := vals[i]
			switch {
			case v.kind == 'n' && extended:
			case v.kind == 'n' && v.made: // an element of XML of which nothing was kept
				h = harmed
			case v.kind == 'n':
				s.lose(v, whyNull)
				h = harmed
			default:
				if why := s.value(x.k, v); why != "" {
					s.lose(v, why)
					h = harmed
				} else {
					valued = true
				}
			}
			v.null = !valued
		}
		if valued || extended {
			for _, list := range [][]*node{vals, unders} {
				if list != nil {
					list[i].gone = false
				}
			}
		} else {
			for _, list := range [][]*node{vals, unders} {
				if list != nil {
					list[i].gone = true
				}
			}
		}
		some, more = some || valued, more || extended
	}
	s.path[top].n = -1
	if unders != nil && !more {
		x.under.gone = true
	}
	if vals != nil && !some { // extensions alone, or nothing
		x.val.gone = true
	}
	return h
}

// value says what is wrong with a value.
func (s *sifter) value(k *key, n *node) string {
	p := stringPrim()
	if k.form != formReference {
		p = k.prim()
	}
	if n.kind == 'n' {
		return whyNull
	}
	switch p.Kind {
	case plan.Boolean:
		if n.kind != 't' {
			return whyKind
		}
		return ""
	case plan.Decimal, plan.Integer, plan.Unsigned:
		if n.kind != '0' {
			return whyKind
		}
		if p.Kind == plan.Decimal {
			return ""
		}
		if _, err := p.Parse(n.raw); err != nil {
			return whyValue
		}
		return ""
	}
	if n.kind != '"' {
		if len(n.kids) == 0 && n.kind == '{' {
			return whyEmpty
		}
		return whyKind
	}
	t := n.text()
	switch {
	case t == "":
		return whyEmpty
	case p.Kind == plan.String:
		return ""
	}
	if _, err := p.Parse(t); err != nil {
		if p.Kind == plan.Code {
			return whyCode
		}
		return whyValue
	}
	return ""
}

// fill states that an element is absent because it cannot be read, where FHIR allows that.
func (s *sifter) fill(n *node, x *slot) bool {
	k := x.k
	if s.inside || k.form == formContained || k.form == formPacked || k.form == formReference || k.name == "div" || k.name == "url" {
		return false
	}
	c := k.codec()
	if k.form == formComplex && (strings.Contains(c.typ.Name, ".") || c.typ.Kind == plan.Resource || len(c.typ.Required()) > 0) || k.form.primitive() && (k.prim().Kind == plan.Code || k.prim().Name == "code") {
		return false
	}
	text := func(name, s string) *node { return &node{name: name, kind: '"', raw: quoted(s), filler: true} }
	ext := &node{kind: '{', filler: true, kids: []*node{text("url", sentinel), text("valueCode", "error")}}
	f := &node{kind: '{', filler: true, kids: []*node{{name: "extension", kind: '[', filler: true, kids: []*node{ext}}}}
	if k.list {
		f = &node{kind: '[', filler: true, kids: []*node{f}}
	}
	if f.name = k.name; k.form.primitive() {
		f.name = "_" + k.name
	}
	n.kids = append(n.kids, f)
	s.out.made = true
	s.push(k.name)
	s.find(Absent, x.at(), "", "")
	s.pop()
	return true
}

func (x *slot) at() int {
	if x.val != nil {
		return x.val.at
	}
	return x.under.at
}

// orphans leaves out contained resources to which nothing leads any more.
func (s *sifter) orphans(n *node) {
	list := n.member("contained")
	if list == nil || list.gone {
		return
	}
	for again := true; again; {
		again = false
		before, after := map[string]bool{}, map[string]bool{}
		fragments(n, false, before, after)
		for i, r := range list.kids {
			id := ""
			if m := r.member("id"); m != nil {
				id = m.text()
			}
			if !r.gone && (before["#"+id] || s.within.led) && !after["#"+id] && !after["#"] {
				s.push("contained")
				s.path[len(s.path)-1].n = i
				s.leave(r, whyAlone)
				s.pop()
				again = true
			}
		}
	}
	for _, r := range list.kids {
		if !r.gone {
			return
		}
	}
	list.gone = true
}

// fragments are the texts that begin with #: those that were there, and those that are.
func fragments(n *node, gone bool, before, after map[string]bool) {
	gone = gone || n.gone || n.null
	if n.kind == '"' && strings.HasPrefix(n.raw, `"#`) {
		t := n.text()
		before[t] = true
		if !gone {
			after[t] = true
		}
	}
	for _, k := range n.kids {
		fragments(k, gone, before, after)
	}
}

// Places.

// collector writes down where the leaves are that were left out.
type collector struct {
	*sifter
	entryAt   int
	base, rel []byte
	moved     map[string][]int
}

func (s *sifter) collectRoot(n *node, k *key) {
	c := collector{sifter: s, entryAt: -1, base: []byte(k.name), moved: map[string][]int{}}
	c.walk(n, k.codec(), nil)
	if len(c.moved) > 0 {
		s.out.moved[-1] = c.moved
	}
}

func (s *sifter) collectEntry(n *node, index int) {
	c := collector{sifter: s, base: []byte("Bundle")}
	c.rel = append(strconv.AppendInt(append(c.rel, ".entry["...), int64(index), 10), ']')
	c.entry(n, index)
}

// entry walks an entry of the bundle: its resource has places of its own.
func (c *collector) entry(n *node, index int) {
	in := collector{sifter: c.sifter, entryAt: index, base: append(append([]byte(nil), c.base...), c.rel...), moved: map[string][]int{}}
	for _, m := range n.kids {
		if m.name != "resource" || m.stray {
			continue
		}
		if m.loss != nil {
			continue
		}
		if k := c.typeOf(m); k != nil {
			r := collector{sifter: c.sifter, entryAt: index, base: append(append([]byte(nil), in.base...), ".resource"...), moved: in.moved}
			r.walk(m, k.codec(), nil)
		} else {
			r := collector{sifter: c.sifter, entryAt: index, base: append(append([]byte(nil), in.base...), ".resource"...), moved: map[string][]int{}}
			r.walk(m, nil, nil)
		}
	}
	if len(in.moved) > 0 {
		c.out.moved[index] = in.moved
	}
	rest := collector{sifter: c.sifter, entryAt: index, base: in.base, moved: map[string][]int{}}
	rest.members(n, entryCodec(), "resource")
}

func (c *collector) tell(n *node) {
	if n.loss == nil {
		return
	}
	at := string(c.base) + string(c.rel)
	if !n.loss.invalid && strings.HasSuffix(at, ".fullUrl") { // which is no leaf
		return
	}
	for i := 1; c.seen[at]; i++ {
		at = string(c.base) + string(c.rel) + "[" + strconv.Itoa(i) + "]"
	}
	c.seen[at] = true
	c.out.Lost = append(c.out.Lost, LostLeaf{At: at, Why: n.loss.why, Invalid: n.loss.invalid, Entry: c.entryAt})
}

func (c *collector) walk(n *node, of *codec, k *key) {
	switch {
	case n.filler:
	case n.leaf():
		c.tell(n)
	case n.list():
		c.list(n, of, k)
	default:
		c.members(n, of, "")
	}
}

func (c *collector) members(n *node, of *codec, but string) {
	rel := len(c.rel)
	for _, m := range n.kids {
		if m.name == "resourceType" && (of == nil || of.typ.Kind == plan.Resource) || but != "" && m.name == but && !m.stray && m.loss == nil {
			continue
		}
		var k *key
		var next *codec
		if of != nil && !m.stray {
			k = of.byName[strings.TrimPrefix(m.name, "_")]
		}
		c.rel = append(c.rel, '.')
		switch {
		case k == nil:
			c.rel = append(c.rel, strangeName(m.name)...)
		case k.alt != nil:
			next = k.codec()
			c.rel = append(append(append(append(c.rel, k.elem.Name...), ".ofType("...), next.typ.Name...), ')')
		default:
			c.rel = append(c.rel, k.name...)
			if k.form != formContained && k.form != formPacked && k.form != formReference {
				next = k.codec()
			} else if k.form == formReference {
				next = stringCodec()
			}
		}
		if k != nil && (k.form == formContained || k.form == formPacked) && !m.list() {
			if r := c.typeOf(m); r != nil {
				next = r.codec()
			}
		}
		c.walk(m, next, k)
		c.rel = c.rel[:rel]
	}
}

func (c *collector) list(n *node, of *codec, k *key) {
	rel := len(c.rel)
	bundle := k != nil && k.name == "entry" && string(c.base) == "Bundle" && string(c.rel) == ".entry" && n.list()
	var kept []int
	some := false
	for i, m := range n.kids {
		c.rel = append(strconv.AppendInt(append(c.rel, '['), int64(i), 10), ']')
		next := of
		if k != nil && k.form == formPacked {
			next = nil
			if r := c.typeOf(m); r != nil && m.object() {
				next = r.codec()
			}
		}
		if bundle && m.object() && !m.leaf() {
			c.entry(m, i)
		} else {
			was := c.entryAt
			if bundle {
				c.entryAt = i
			}
			c.walk(m, next, nil)
			c.entryAt = was
		}
		c.rel = c.rel[:rel]
		if m.gone {
			some = true
		} else {
			kept = append(kept, i)
		}
	}
	if some && !n.gone && !bundle {
		c.moved[string(c.rel)] = kept
	}
}

// strangeName is a name that FHIR has not, if it can be none of a patient's values: they stand where names should in what programs write wrongly.
func strangeName(s string) string {
	if len(s) < 40 && s != "" && strings.Trim(s, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return strings.TrimPrefix(s, "_")
	}
	return "other"
}
