package validate

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/terminology"
)

// truth is what can be said of a code without a server.
type truth uint8

const (
	unknown truth = iota
	no
	yes
)

func known3(holds, known bool) truth {
	switch {
	case !known:
		return unknown
	case holds:
		return yes
	}
	return no
}

// codeSystem is a code system with all its codes.
type codeSystem struct {
	codes map[string]string // each with the one above it
	fold  bool              // upper and lower case are the same
	more  map[string][]string
	whole bool                // no codes are missing
	names map[string][]string // what the codes are called, folded
}

// name notes what a code is called.
func (x *codeSystem) name(code, name string) {
	if name = foldName(name); name == "" {
		return
	}
	if x.names == nil {
		x.names = map[string][]string{}
	}
	code = x.key(code)
	x.names[code] = append(x.names[code], name)
}

// called reports whether a code may be called so: true too where nothing is known of its names.
func (x *codeSystem) called(code, name string) bool {
	list := x.names[x.key(code)]
	return len(list) == 0 || slices.Contains(list, foldName(name))
}

// foldName takes out of a name what makes no other name of it: upper case, and how blanks are written.
func foldName(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

func newCodeSystem(s *CodeSystem) *codeSystem {
	x := &codeSystem{codes: map[string]string{}, fold: s.CaseSensitive != nil && !*s.CaseSensitive,
		whole: s.Content == "" || s.Content == "complete"}
	var add func(list []Concept, above string)
	add = func(list []Concept, above string) {
		for _, c := range list {
			x.set(c.Code, above)
			x.name(c.Code, c.Display)
			for _, d := range c.Designation {
				x.name(c.Code, d.Value)
			}
			for _, p := range c.Property {
				if (p.Code == "parent" || p.Code == "subsumedBy") && p.ValueCode != "" {
					if x.more == nil {
						x.more = map[string][]string{}
					}
					x.more[x.key(c.Code)] = append(x.more[x.key(c.Code)], x.key(p.ValueCode))
				}
			}
			add(c.Concept, c.Code)
		}
	}
	add(s.Concept, "")
	for _, c := range s.Codes {
		x.set(c, "")
	}
	return x
}

func (x *codeSystem) key(code string) string {
	if x.fold {
		return strings.ToLower(code)
	}
	return code
}

func (x *codeSystem) set(code, above string) { x.codes[x.key(code)] = x.key(above) }

func (x *codeSystem) holds(code string) bool {
	_, ok := x.codes[x.key(code)]
	return ok
}

// below reports that a code is, or is below, another.
func (x *codeSystem) below(code, top string) bool {
	code, top = x.key(code), x.key(top)
	seen := map[string]bool{}
	todo := []string{code}
	for len(todo) > 0 {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c == top {
			return true
		}
		if c == "" || seen[c] {
			continue
		}
		seen[c] = true
		todo = append(todo, x.codes[c])
		todo = append(todo, x.more[c]...)
	}
	return false
}

// system finds a code system, nil if its codes are not known.
func (l *library) system(url string) *codeSystem {
	return ready(l, l.systems, "CodeSystem", url, newCodeSystem)
}

// holds reports whether a code belongs to a code system.
func (l *library) holds(system, code string) truth {
	if x := l.system(system); x != nil {
		switch {
		case x.holds(code):
			return yes
		case x.whole:
			return no
		}
		return unknown
	}
	if strings.HasPrefix(system, "http://terminology.hl7.org/CodeSystem/v2-") { // of which R4 does not say that case counts
		if has, known := terminology.Holds(system, strings.ToUpper(code)); has && known {
			return yes
		}
	}
	switch system {
	case "urn:ietf:bcp:47":
		return known3(isLanguage(code), true)
	case "urn:ietf:bcp:13":
		return known3(isMIME(code), true)
	}
	return known3(terminology.Holds(system, code))
}

// isLanguage checks the form of a language tag (BCP 47): the language, then script, region, variants and extensions.
func isLanguage(s string) bool {
	for i, p := range strings.Split(s, "-") {
		n := len(p)
		for j := range n {
			c := p[j]
			if alpha := c|0x20 >= 'a' && c|0x20 <= 'z'; !alpha && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
		if n == 0 || n > 8 || i == 0 && (n == 1 && p != "x" && p != "i" || n > 3) {
			return false
		}
		if i == 1 && n == 2 && !regions()[strings.ToUpper(p)] {
			return false
		}
		if i == 0 && n == 2 && !languages()[strings.ToLower(p)] {
			return false
		}
	}
	return true
}

// languages are the codes of ISO 639-1, and regions those of ISO 3166-1 that begin a language tag's second part.
var languages = sync.OnceValue(func() map[string]bool {
	return words(`aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
	eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk
	kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om
	or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt
	tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu`)
})

var regions = sync.OnceValue(func() map[string]bool {
	return words(`AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
	CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG
	GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
	KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO
	NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
	SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW UK EU`)
})

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// isMIME checks the form of a media type: type/subtype with parameters.
func isMIME(s string) bool {
	s, _, _ = strings.Cut(s, ";")
	typ, sub, ok := strings.Cut(strings.TrimSpace(s), "/")
	return ok && token(typ) && token(sub)
}

func token(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// valueSet is a value set that can be asked.
type valueSet struct {
	url, name        string
	include, exclude []*include
}

type include struct {
	system string
	codes  map[string]bool // nil: all of the system
	filter []Filter
	sets   []string
}

// set finds a value set, nil if it is not known.
func (l *library) set(url string) *valueSet {
	return ready(l, l.sets, "ValueSet", canonicalURL(url), newValueSet)
}

// size is the number of codes of a value set that lists them; of others it is large.
func (l *library) size(url string) int {
	s := l.set(url)
	if s == nil {
		return math.MaxInt
	}
	n := 0
	for _, i := range s.include {
		if i.codes == nil {
			return math.MaxInt
		}
		n += len(i.codes)
	}
	return n
}

func newValueSet(s *ValueSet) *valueSet {
	x := &valueSet{url: s.URL, name: s.Name}
	if len(s.Compose.Include) == 0 {
		by := map[string]*include{}
		n := 0
		var add func(list []Contains)
		add = func(list []Contains) {
			for _, c := range list {
				if c.Code != "" && !c.Abstract {
					n++
					i := by[c.System]
					if i == nil {
						i = &include{system: c.System, codes: map[string]bool{}}
						by[c.System] = i
						x.include = append(x.include, i)
					}
					i.codes[c.Code] = true
				}
				add(c.Contains)
			}
		}
		add(s.Expansion.Contains)
		if n < s.Expansion.Total { // only a page of it
			x.include = append(x.include, &include{filter: []Filter{{}}})
		}
		return x
	}
	conv := func(list []Include) (out []*include) {
		for _, i := range list {
			y := &include{system: i.System, filter: i.Filter, sets: i.ValueSet}
			if len(i.Concept)+len(i.Codes) > 0 {
				y.codes = map[string]bool{}
				for _, c := range i.Concept {
					y.codes[c.Code] = true
				}
				for _, c := range i.Codes {
					y.codes[c] = true
				}
			}
			out = append(out, y)
		}
		return out
	}
	x.include, x.exclude = conv(s.Compose.Include), conv(s.Compose.Exclude)
	return x
}

// maxSets bounds how deep value sets may refer to one another.
const maxSets = 8

// member reports whether a code is in a value set. A code without a system, as those of the type code are, is in it if any part has it.
func (l *library) member(url, system, code string, bare bool) truth {
	return l.memberOf(url, system, code, bare, 0)
}

func (l *library) memberOf(url, system, code string, bare bool, depth int) truth {
	if depth > maxSets {
		return unknown
	}
	s := l.set(url)
	if s == nil {
		return unknown
	}
	return l.in(s, system, code, bare, depth)
}

// in reports whether a code is in a value set.
func (l *library) in(s *valueSet, system, code string, bare bool, depth int) truth {
	best := no
	for _, i := range s.include {
		switch l.part(i, system, code, bare, depth) {
		case yes:
			best = yes
		case unknown:
			if best == no {
				best = unknown
			}
		}
		if best == yes {
			break
		}
	}
	if best == no {
		return no
	}
	for _, e := range s.exclude {
		switch l.part(e, system, code, bare, depth) {
		case yes:
			return no
		case unknown:
			best = unknown
		}
	}
	return best
}

func (l *library) part(i *include, system, code string, bare bool, depth int) truth {
	if i.system != "" && i.system != system && !bare {
		return no
	}
	best := yes
	for _, u := range i.sets {
		switch l.memberOf(u, system, code, bare, depth+1) {
		case no:
			return no
		case unknown:
			best = unknown
		}
	}
	switch {
	case i.codes != nil:
		if i.codes[code] {
			return best
		}
		return no
	case len(i.filter) > 0:
		for _, f := range i.filter {
			switch l.filtered(i.system, code, f) {
			case no:
				return no
			case unknown:
				best = unknown
			}
		}
		return best
	case i.system != "":
		if l.holds(i.system, code) == no {
			return no
		}
		if bare && l.holds(i.system, code) == unknown {
			return unknown
		}
		return best
	case len(i.sets) > 0:
		return best
	}
	return unknown
}

func (l *library) filtered(system, code string, f Filter) truth {
	x := l.system(system)
	if f.Op == "regex" && f.Property == "code" {
		re, err := regexp.Compile("^(?:" + f.Value + ")$")
		if err != nil {
			return unknown
		}
		return known3(re.MatchString(code), true)
	}
	if x == nil || !x.whole {
		return unknown
	}
	if !x.holds(code) {
		return no
	}
	switch {
	case f.Op == "is-a" && f.Property == "concept":
		return known3(x.below(code, f.Value), true)
	case f.Op == "descendent-of" && f.Property == "concept":
		return known3(x.key(code) != x.key(f.Value) && x.below(code, f.Value), true)
	case f.Op == "is-not-a" && f.Property == "concept":
		return known3(!x.below(code, f.Value), true)
	case f.Op == "=" && f.Property == "parent":
		return known3(x.codes[x.key(code)] == x.key(f.Value), true)
	case f.Op == "in" && f.Property == "concept":
		for c := range strings.SplitSeq(f.Value, ",") {
			if x.key(strings.TrimSpace(c)) == x.key(code) {
				return yes
			}
		}
		return no
	}
	return unknown
}

// readCodes reads a list of codes: a table whose first line names its columns, with commas or tabs. One of them is the code, one
// may be the system; the name of the file may be the system's as well, with the slashes of its URI left out. A table of RF2 is
// known by its columns.
func (l *library) readCodes(name string, b []byte) error {
	r := csv.NewReader(bytes.NewReader(b))
	head, _, _ := bytes.Cut(b, []byte("\n"))
	if bytes.ContainsRune(head, '\t') {
		r.Comma = '\t'
	}
	r.LazyQuotes, r.FieldsPerRecord, r.Comment = true, -1, '#'
	first, err := r.Read()
	if err != nil {
		return &FileError{name, errors.New("there is nothing in it")}
	}
	at := map[string]int{}
	for i, c := range first {
		at[strings.ToLower(strings.TrimSpace(c))] = i
	}
	column := func(names ...string) int {
		for _, n := range names {
			if i, ok := at[n]; ok {
				return i
			}
		}
		return -1
	}
	code, system, active := column("code", "loinc_num", "cvxcode", "rxcui", "ndc"), column("system", "codesystem", "url"), column("active")
	var named []int // columns of what the codes are called
	for _, n := range []string{"display", "description", "name", "term", "long_common_name", "shortname", "displayname"} {
		if i, ok := at[n]; ok {
			named = append(named, i)
		}
	}
	uri := ""
	if code < 0 && column("moduleid") >= 0 && column("definitionstatusid") >= 0 { // a concept file of RF2
		code, uri = column("id"), "http://snomed.info/sct"
	}
	if _, ok := at["loinc_num"]; ok {
		uri = "http://loinc.org"
	}
	if code < 0 {
		return &FileError{name, errors.New("its first line names no column code")}
	}
	if uri == "" && system < 0 {
		base := strings.ToLower(strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)))
		if uri = listNames[base]; uri == "" {
			return &FileError{name, errors.New("its first line names no column system, and the file's name is none of loinc, snomed, rxnorm, cvx, icd10cm, ndc, cpt")}
		}
	}
	l.named = true
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || code >= len(row) {
			continue
		}
		if active >= 0 && active < len(row) && row[active] == "0" {
			continue
		}
		u := uri
		if system >= 0 && system < len(row) && row[system] != "" {
			u = strings.TrimSpace(row[system])
		}
		x := l.systems[u]
		if x == nil {
			x = &codeSystem{codes: map[string]string{}, whole: true}
			l.systems[strings.Clone(u)] = x
		}
		x.set(strings.Clone(strings.TrimSpace(row[code])), "")
		for _, i := range named {
			if i < len(row) {
				x.name(row[code], row[i])
			}
		}
	}
}

var listNames = map[string]string{"loinc": "http://loinc.org", "snomed": "http://snomed.info/sct", "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
	"cvx": "http://hl7.org/fhir/sid/cvx", "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm", "ndc": "http://hl7.org/fhir/sid/ndc",
	"cpt": "http://www.ama-assn.org/go/cpt"}

// binding is the binding of an element to a value set.
type binding struct {
	Bind
	own bool // of a profile, not of FHIR itself
}

// bindingOf is the binding that FHIR itself demands of an element, nil where the codec has checked it or there is none.
func (v *Validator) bindingOf(t *plan.Type, e *plan.Element) *binding {
	b, ok := v.base()[t.Name+"."+e.Name]
	if !ok {
		return nil
	}
	if e.Choice == nil {
		if st := e.Type(); st.Kind == plan.Primitive && st.Prim.Kind == plan.Code {
			return nil
		}
	}
	return &binding{Bind: b}
}

// bound checks a coded value against a value set.
func (w *walker) bound(b *binding, p *typePlan, v reflect.Value) {
	l := w.v.lib
	best, any := no, false
	test := func(system, code string, bare bool) {
		any = true
		switch l.member(b.ValueSet, system, code, bare) {
		case yes:
			best = yes
		case unknown:
			if best == no {
				best = unknown
			}
		}
	}
	text, bare := false, false
	switch x := v.Addr().Interface().(type) {
	case *dpb.CodeableConcept:
		for _, c := range x.GetCoding() {
			if code := c.GetCode().GetValue(); code != "" && best != yes {
				test(c.GetSystem().GetValue(), code, false)
			}
		}
		text = x.GetText() != nil
		if !any && !text && b.Strength != "required" && absentReason(x.GetExtension()) { // no reason stands for a code that is required
			return
		}
	case *dpb.Coding:
		if code := x.GetCode().GetValue(); code != "" {
			test(x.GetSystem().GetValue(), code, false)
		}
	case *dpb.Quantity:
		if code := x.GetCode().GetValue(); code != "" {
			test(x.GetSystem().GetValue(), code, false)
		} else {
			return
		}
	default:
		if p.typ.Kind != plan.Primitive {
			return
		}
		s := p.typ.Prim.Text(v)
		if s == "" {
			if b.own && b.Strength == "required" {
				w.find("CP-FHIR-121", "a code is missing, and one of the value set %s is required", setName(b.ValueSet))
			}
			return
		}
		test("", s, true)
		bare = true
	}
	switch {
	case best == yes:
	case best == no && bare && b.Strength != "required" && p.typ.Prim.Name != "code" && p.typ.Prim.Name != "string": // a URI of one's own
	case best == no && bare && b.Strength != "required" && p.typ.Prim.Name == "code":
		w.find("CP-FHIR-113", "the code is not in the value set %s, and a bare code cannot be of another system", setName(b.ValueSet)).WithValue(p.typ.Prim.Text(v))
	case best == unknown:
		if l.set(b.ValueSet) == nil {
			w.unchecked.note("codes of value sets that are not here")
		} else {
			w.unchecked.note("codes of value sets that depend on a code system that is not here")
		}
	case b.Strength == "required" && !any:
		w.find("CP-FHIR-121", "a code is missing, and one of the value set %s is required", setName(b.ValueSet))
	case b.Strength == "required":
		w.find("CP-FHIR-121", "no code here is in the value set %s, which is required", setName(b.ValueSet))
	case any:
		w.find("CP-FHIR-122", "no code here is in the value set %s, from which one should come", setName(b.ValueSet))
	case text:
		w.find("CP-FHIR-123", "there is text but no code, and one of the value set %s should be there", setName(b.ValueSet))
	}
}

func absentReason(list []*dpb.Extension) bool {
	for _, x := range list {
		if strings.HasPrefix(x.GetUrl().GetValue(), "http") {
			return true
		}
	}
	return false
}

// setName is the end of a value set's URL, which people know it by.
func setName(url string) string {
	url = canonicalURL(url)
	return url[strings.LastIndexByte(url, '/')+1:]
}

// Flat resolves a value set as far as its code systems are known, for the packs: all codes of the systems that are known, the rest
// as it was. It is false if nothing of it can be told.
func (l *library) flat(url string) (ValueSet, bool) {
	var s ValueSet
	if !l.find("ValueSet", canonicalURL(url), &s) {
		return s, false
	}
	out := ValueSet{ResourceType: "ValueSet", URL: s.URL}
	flatten := func(list []Include) []Include {
		var to []Include
		for _, i := range list {
			x := l.system(i.System)
			if len(i.Filter) > 0 && x != nil && x.whole && !x.fold && len(i.ValueSet) == 0 {
				y := Include{System: i.System}
				all := true
				for c := range x.codes {
					ok := yes
					for _, f := range i.Filter {
						ok = min(ok, l.filtered(i.System, c, f))
						if l.filtered(i.System, c, f) == unknown {
							all = false
						}
					}
					if ok == yes {
						y.Codes = append(y.Codes, c)
					}
				}
				if all {
					to = append(to, y)
					continue
				}
			}
			y := Include{System: i.System, Filter: i.Filter, ValueSet: i.ValueSet}
			for _, c := range i.Concept {
				y.Codes = append(y.Codes, c.Code)
			}
			to = append(to, y)
		}
		return to
	}
	out.Compose.Include, out.Compose.Exclude = flatten(s.Compose.Include), flatten(s.Compose.Exclude)
	return out, true
}
