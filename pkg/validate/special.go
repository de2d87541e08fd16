package validate

import (
	"crypto/sha1"
	"crypto/subtle"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/fhir/xhtml"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/terminology"
)

// What FHIR says of single types in words, and not as a cardinality, a binding or an invariant.

// special is the check of a datatype or backbone element, nil if it has none.
func special(name string) func(w *walker, v reflect.Value) {
	switch name {
	case "Attachment":
		return func(w *walker, v reflect.Value) { w.attachment(v.Addr().Interface().(*dpb.Attachment)) }
	case "Identifier":
		return func(w *walker, v reflect.Value) { w.identifier(v.Addr().Interface().(*dpb.Identifier)) }
	case "Narrative":
		return func(w *walker, v reflect.Value) { w.narrative(v.Addr().Interface().(*dpb.Narrative)) }
	case "Extension":
		return func(w *walker, v reflect.Value) { w.extension(v.Addr().Interface().(*dpb.Extension)) }
	case "Coding":
		return func(w *walker, v reflect.Value) { w.coding(v.Addr().Interface().(*dpb.Coding)) }
	case "Quantity", "SimpleQuantity", "MoneyQuantity", "Age", "Duration", "Distance", "Count":
		return quantity
	case "SearchParameter":
		return func(w *walker, v reflect.Value) { w.searchParameter(v) }
	case "Bundle.entry":
		return (*walker).bundleEntry
	case "ValueSet.compose.include":
		return (*walker).includeSystem
	}
	return nil
}

// texts are checks of the text of primitives, beyond what the codec demands of them.
var texts = map[string]func(w *walker, s string){
	"uri":       (*walker).uri,
	"url":       (*walker).uri,
	"canonical": (*walker).canonical,
}

// uri checks those forms of a URI that have a grammar of their own, and that there are no blanks but those that the codec knows.
func (w *walker) uri(s string) {
	switch {
	case blanks(s):
		w.find("CP-FHIR-013", "a blank within a URI").WithValue(s)
	case strings.HasPrefix(s, "#"):
		w.fragments = append(w.fragments, s[1:])
	case strings.HasPrefix(s, "urn:oid:"):
		if !isOID(s[len("urn:oid:"):]) {
			w.find("CP-FHIR-013", "not the OID of anything behind urn:oid:").WithValue(s)
		}
	case strings.HasPrefix(s, "urn:uuid:"):
		rest, _, _ := strings.Cut(s[len("urn:uuid:"):], "#")
		if rest, _, _ = strings.Cut(rest, "|"); !fhir.IsUUID(rest) {
			w.find("CP-FHIR-013", "not a UUID in lower case behind urn:uuid:").WithValue(s)
		}
	}
}

// canonical checks that a canonical URL is absolute, or leads to a contained resource.
func (w *walker) canonical(s string) {
	if s == "" {
		return
	}
	if s[0] == '#' {
		w.fragments = append(w.fragments, s[1:])
		return
	}
	if !absolute(s) {
		w.find("CP-FHIR-107", "").WithValue(s)
		return
	}
	w.uri(s)
}

// absolute reports a URI with a scheme.
func absolute(s string) bool {
	i := strings.IndexByte(s, ':')
	if i < 1 {
		return false
	}
	for j := range i {
		c := s[j]
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || j > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return true
}

// blanks reports a text with a blank of Unicode in it.
func blanks(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x80 {
			return strings.ContainsFunc(s, unicode.IsSpace)
		}
	}
	return false
}

// absoluteSystem reports a URI that can name a system. The official validator takes these three kinds and no other.
func absoluteSystem(s string) bool {
	return strings.HasPrefix(s, "http:") || strings.HasPrefix(s, "https:") || strings.HasPrefix(s, "urn:")
}

// isOID checks the form of an OID that names something: those as short as 1.2.3 or 2.16 are arcs below which others are given out.
func isOID(s string) bool {
	if len(s) < 3 || s[0] < '0' || s[0] > '2' || s[1] != '.' || strings.LastIndexByte(s, '.') < 5 {
		return false
	}
	for arc := range strings.SplitSeq(s[2:], ".") {
		if arc == "" || arc[0] == '0' && len(arc) > 1 || strings.Trim(arc, "0123456789") != "" {
			return false
		}
	}
	return true
}

// attachment compares size and hash with the data.
func (w *walker) attachment(a *dpb.Attachment) {
	data := a.GetData().GetValue()
	if len(data) == 0 {
		return
	}
	if n := a.GetSize(); n != nil && int(n.GetValue()) != len(data) {
		w.findAt("size", "CP-FHIR-108", "size says %d bytes, data holds %d", n.GetValue(), len(data))
	}
	if h := a.GetHash().GetValue(); len(h) > 0 {
		if sum := sha1.Sum(data); subtle.ConstantTimeCompare(sum[:], h) == 0 {
			w.findAt("hash", "CP-FHIR-109", "")
		}
	}
}

func (w *walker) identifier(x *dpb.Identifier) {
	s := x.GetSystem().GetValue()
	if s == "" {
		return
	}
	if !absoluteSystem(s) {
		w.findAt("system", "CP-FHIR-110", "identifier.system is not an absolute URI").WithValue(s)
		return
	}
	if s == "urn:ietf:rfc:3986" {
		if v := x.GetValue().GetValue(); v != "" && !absolute(v) {
			w.findAt("value", "CP-FHIR-111", "").WithValue(v)
		}
	}
}

func (w *walker) coding(x *dpb.Coding) {
	system, code := x.GetSystem().GetValue(), x.GetCode().GetValue()
	if n := len(w.path); n > 1 && system != "" && x.GetCode() == nil && len(x.GetExtension()) == 0 && w.path[n-2].typ != nil &&
		w.path[n-2].typ.Name == "CodeableConcept" && w.v.lib.holds(system, "") == no {
		w.find("CP-FHIR-125", "")
		return
	}
	w.code(system, code, x.GetVersion().GetValue() != "")
	if d := x.GetDisplay().GetValue(); d != "" && code != "" && w.v.lib.named {
		if s := w.v.lib.system(system); s != nil && s.holds(code) && !s.called(code, d) {
			w.findAt("display", "CP-FHIR-127", "").WithValue(d)
		}
	}
}

// code checks a code against its system, wherever it stands.
func (w *walker) code(system, code string, versioned bool) {
	switch {
	case system == "":
		if code != "" {
			w.find("CP-FHIR-112", "")
		}
		return
	case !absoluteSystem(system):
		if !strings.HasPrefix(system, "#") {
			w.findAt("system", "CP-FHIR-126", "").WithValue(system)
		}
		return
	case code == "":
		return
	}
	switch w.v.lib.holds(system, code) {
	case yes:
	case no:
		if versioned && !strings.HasPrefix(system, "http://hl7.org/fhir/") { // of an edition that may have had it
			w.unchecked.codes(system)
			return
		}
		what := "the code system has no such code"
		if s, ok := terminology.ByURI(system); ok && s.Name != "" {
			what = "the code system " + s.Name + " has no such code"
		}
		w.findAt("code", "CP-FHIR-113", "%s", what).WithValue(system + "#" + code)
	default:
		if how, problem := terminology.Check(system, code); problem != "" {
			w.findAt("code", "CP-FHIR-124", "%s", problem).WithValue(system + "#" + code)
		} else if how != terminology.ByList {
			w.unchecked.codes(system)
		}
	}
}

// quantities are Quantity and the types made of it.
type quantities interface {
	GetSystem() *dpb.Uri
	GetCode() *dpb.Code
}

func quantity(w *walker, v reflect.Value) {
	q, ok := v.Addr().Interface().(quantities)
	if !ok || q.GetCode() == nil {
		return
	}
	switch s := q.GetSystem().GetValue(); { // qty-3 speaks of its absence
	case s != "" && !absoluteSystem(s):
		w.findAt("system", "CP-FHIR-110", "the system of a unit is not an absolute URI").WithValue(s)
	case s != "":
		w.code(s, q.GetCode().GetValue(), false)
	}
}

// div is a narrative, for the links within it.
type div struct {
	text     string
	from, to int // its path, in steps
}

func (w *walker) keepDiv(text string) {
	from := len(w.steps)
	w.steps = append(w.steps, w.path...)
	w.divs = append(w.divs, div{text, from, len(w.steps)})
}

// links checks that the links of a resource's narratives to places within them lead somewhere.
func (w *walker) links(m proto.Message) {
	linked := false
	for _, d := range w.divs {
		linked = linked || strings.Contains(d.text, `="#`)
	}
	if !linked {
		return
	}
	ids := map[string]bool{}
	for _, d := range w.divs {
		for _, name := range []string{` id="`, ` name="`} {
			attributes(d.text, name, func(s string) { ids[s] = true })
		}
	}
	all, _ := w.contained.Of(m)
	for _, c := range all {
		ids[fhir.IDOf(c)] = true
	}
	path := w.path
	for _, d := range w.divs {
		for _, name := range []string{` href="#`, ` src="#`} {
			attributes(d.text, name, func(s string) {
				if s != "" && !ids[s] {
					w.path = w.steps[d.from:d.to]
					w.findAt("div", "CP-FHIR-120", "")
				}
			})
		}
	}
	w.path = path
}

// attributes finds the values of an attribute, which begins as name does.
func attributes(text, name string, do func(string)) {
	for {
		i := strings.Index(text, name)
		if i < 0 {
			return
		}
		text = text[i+len(name):]
		value, _, ok := strings.Cut(text, `"`)
		if !ok {
			return
		}
		do(value)
	}
}

// narrative checks the XHTML of a text.
func (w *walker) narrative(x *dpb.Narrative) {
	div := x.GetDiv().GetValue()
	if div == "" {
		return
	}
	w.keepDiv(div)
	w.textLinks(x, div)
	for _, f := range xhtml.Check(div) {
		if f.Kind == xhtml.Blank {
			w.findAt("div", "CP-FHIR-115", "")
		} else {
			w.findAt("div", "CP-FHIR-114", "%s", f.Msg)
		}
	}
}

// textLinks checks that the places of a narrative to which the extension textLink binds data are there. R5 and the International Patient
// Summary define it; the official validator checks it in R4 too.
func (w *walker) textLinks(x *dpb.Narrative, div string) {
	for i, link := range x.GetExtension() {
		if link.GetUrl().GetValue() != coreURL+"textLink" {
			continue
		}
		for _, part := range link.GetExtension() {
			id := part.GetValue().GetStringValue().GetValue()
			if part.GetUrl().GetValue() != "htmlid" || id == "" || strings.Contains(div, ` id="`+id+`"`) || strings.Contains(div, ` id='`+id+`'`) {
				continue
			}
			w.path = append(w.path, step{"extension", "", i, extensionType()})
			w.find("CP-FHIR-120", "the extension names a place that the narrative does not have").WithValue(id)
			w.pop()
		}
	}
}

// searchParameter compiles the expression of a search parameter for the types that it searches.
func (w *walker) searchParameter(v reflect.Value) {
	t := plan.Of(v.Type())
	text := func(name string) (list []string) {
		from := w.items(t.Element(name), v)
		for _, it := range w.stack[from:] {
			list = append(list, it.t.Prim.Text(it.v))
		}
		w.stack = w.stack[:from]
		return list
	}
	x := text("expression")
	if len(x) == 0 {
		return
	}
	var types fhirpath.Types
	for _, b := range text("base") {
		bt, err := plan.Named(b)
		if err != nil || bt.Kind != plan.Resource {
			return // of an abstract type
		}
		types = append(types, fhirpath.TypesOf(bt)...)
	}
	if _, err := fhirpath.Compile(x[0], types); err != nil {
		w.findAt("expression", "CP-FHIR-146", "").WithValue(err.Error())
	}
}

func (w *walker) includeSystem(v reflect.Value) {
	x, ok := v.Addr().Interface().(interface{ GetSystem() *dpb.Uri })
	if ok {
		if s := x.GetSystem().GetValue(); s != "" && !absolute(s) {
			w.findAt("system", "CP-FHIR-110", "the system of a value set is not an absolute URI; a contained code system is named by its URL").WithValue(s)
		}
	}
}

// inner checks a resource within another: contained, in the entry of a bundle, or in a parameter.
func (w *walker) inner(v reflect.Value, t *plan.Type) {
	m := v.Addr().Interface().(proto.Message)
	resource, root := w.resource, w.root
	w.path[len(w.path)-1].typ = t
	top := w.path[len(w.path)-1]
	if w.depth++; w.depth > maxDepth {
		w.find("CP-FHIR-014", "")
	} else if top.name == "contained" && top.n >= 0 {
		w.resource = m
		if fhir.IDOf(m) == "" {
			w.find("CP-FHIR-104", "")
		}
		w.checkResource(m, t)
	} else {
		fragments, types, index := w.fragments, w.types, w.index
		w.root, w.resource, w.fragments, w.types, w.index = m, m, nil, nil, nil
		w.checkRoot(m, t)
		w.fragments, w.types, w.index = fragments, types, index
	}
	w.depth--
	w.resource, w.root = resource, root
	w.scope()
}

// maxDepth is how deep resources may be nested in one another.
const maxDepth = 16

// checkRoot checks a resource that is contained in none, with those that it contains.
func (w *walker) checkRoot(m proto.Message, t *plan.Type) {
	divs := len(w.divs)
	w.checkResource(m, t)
	all := w.divs
	w.divs = all[divs:]
	w.links(m)
	w.divs = all[:divs]
	w.checkContained(m)
}

// checkContained checks the resources that a resource contains for what holds of them together.
func (w *walker) checkContained(m proto.Message) {
	all, _ := w.contained.Of(m)
	if len(all) == 0 {
		return
	}
	asked := make(map[string]bool, len(w.fragments))
	for _, id := range w.fragments {
		asked[id] = true
	}
	seen := map[string]bool{}
	for i, c := range all {
		id := fhir.IDOf(c)
		w.path = append(w.path, step{"contained", "", i, nil})
		if id != "" && seen[id] {
			w.find("CP-FHIR-116", "")
		}
		if id != "" && !seen[id] && !asked[id] && !leadsOut(c) {
			w.find("CP-FHIR-117", "")
		}
		seen[id] = true
		w.pop()
	}
}

// leadsOut reports that a contained resource refers to the one that contains it.
func leadsOut(m proto.Message) bool {
	found := false
	fhir.References(m, func(r *dpb.Reference) { found = found || fhir.ReferenceText(r) == "#" })
	return found
}

// checkResource checks one resource without regard to what it stands in.
func (w *walker) checkResource(m proto.Message, t *plan.Type) {
	w.scope()
	w.object(w.v.plan(t), reflect.ValueOf(m).Elem())
	w.unchecked.resources++
	w.profiles(m, t)
	w.answered(m)
	if b, ok := m.(bundle); ok && !(w.shell && w.depth == 0) {
		w.wholeBundle(b)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
