package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// An Explanation is one row, or one block of codes, that has to do with what was asked for.
type Explanation struct {
	Table  string   `json:"table,omitempty"` // OBX[Observation]
	Row    string   `json:"row,omitempty"`   // as it stands, two blanks between columns
	At     string   `json:"at"`              // file:line
	Source string   `json:"source"`          // OBX-5, a place in the source as people name it
	FHIR   string   `json:"fhir,omitempty"`  // Observation.valueQuantity
	Way    string   `json:"way"`             // both, to FHIR, from FHIR, not taken over ...
	Note   string   `json:"note,omitempty"`
	Via    string   `json:"via,omitempty"`   // of a row of a datatype's table: the row that uses the table, PID-5
	Type   string   `json:"type,omitempty"`  // the table that the row's type means: XPN[HumanName]
	Codes  string   `json:"codes,omitempty"` // the codes that the row, or this explanation, is about
	Lines  []string `json:"lines,omitempty"` // of the codes, with their first row only

	literal string // of a constant in the source
}

// What Way says of a declined row.
const (
	declinedTo   = "not taken over to FHIR"
	declinedFrom = "not taken over from FHIR"
)

// Explain finds the rows that an element of the source or of FHIR has to do with:
//
//	PID-8  OBX-5              a field
//	PID-5.1                   a component: the field's row, and those of its datatype's table for the component
//	Patient.gender            an element of FHIR; Patient.name.family with the rows of the datatype's table
//	PID  XPN  Observation     all rows of a table, or of all tables of a type
//	0001                      codes
//	@classCode  2.16.840...   a place, a constant or a system as it is written in rows
//
// Nothing found gives nil; Suggest then has a hint.
func (s *Set) Explain(query string) []*Explanation {
	query = strings.TrimSpace(query)
	if query == "" {
		return nil
	}
	if out := s.explain(query); out != nil {
		return out
	}
	if strings.Contains(query, "-") { // pid-8
		return s.explain(strings.ToUpper(query))
	}
	return s.explain(strings.ToUpper(query[:1]) + query[1:]) // patient.gender
}

func (s *Set) explain(query string) []*Explanation {
	x := newExplainer(s)
	if name, rest, ok := strings.Cut(query, "-"); ok && rest != "" && x.fields(name, rest) {
		return x.out
	}
	x.scopes(query)
	if base, path, ok := strings.Cut(query, "."); ok && path != "" {
		if path[0] <= '9' && x.fields(base, path) { // XPN.1
			return x.out
		}
		x.elements(base, path)
	}
	if len(x.out) == 0 {
		x.named(query)
	}
	if len(x.out) == 0 {
		x.written(query)
	}
	return x.out
}

// ExplainAll gives every row and all codes.
func (s *Set) ExplainAll() []*Explanation {
	x := newExplainer(s)
	for k, r := range s.Rows() {
		x.add(k, r, "")
	}
	for _, name := range s.codeNames {
		x.codes(name)
	}
	return x.out
}

// Suggest is a hint for a query that Explain finds nothing for, "" if nothing is near.
func (s *Set) Suggest(query string) string {
	var names []string
	for _, k := range s.keys {
		names = append(names, k.Name, k.Type)
	}
	names = append(names, s.codeNames...)
	name, sep, rest := query, "", ""
	if i := strings.IndexAny(query, "-."); i > 0 {
		name, sep, rest = query[:i], query[i:i+1], query[i+1:]
	}
	if types := s.TypesOf(name); len(types) > 0 && sep == "-" {
		return fmt.Sprintf("no row of %s names %s; chartpost explain %s shows all of them", name, rest, name)
	}
	if sep == "." {
		best, at := 4, ""
		for k, r := range s.Rows() {
			if e := fhirPath(k, r); strings.HasPrefix(e, name+".") {
				if d := Distance(e, query); d < best {
					best, at = d, e
				}
			}
		}
		if at != "" {
			return "did you mean " + at + "?"
		}
		if slices.Contains(names, name) {
			return fmt.Sprintf("no row names %s; chartpost explain %s shows what rows there are", query, name)
		}
	}
	return near(name, names)
}

type explainer struct {
	s      *Set
	m      *Map // compiles targets, to know their types
	seen   map[*Row]bool
	listed map[string]bool // codes whose lines have been given
	out    []*Explanation
}

func newExplainer(s *Set) *explainer {
	return &explainer{s: s, m: New(nil, nil, s), seen: map[*Row]bool{}, listed: map[string]bool{}}
}

func (x *explainer) add(k Key, r *Row, via string) bool {
	if x.seen[r] && via == "" {
		return false
	}
	x.seen[r] = true
	e := &Explanation{Table: k.String(), Row: r.String(), At: r.Pos.String(), Source: sourcePlace(k, r), FHIR: fhirPath(k, r), Way: r.way(), Note: r.Note, Via: via, literal: r.Literal}
	for _, name := range [...]string{r.Codes, r.Type} {
		if c, _ := x.s.Codes(name); c != nil && e.Codes == "" {
			e.Codes = name
			e.Lines = x.lines(c)
		}
	}
	for _, sub := range x.subTables(k, r) {
		e.Type = sub.String()
	}
	x.out = append(x.out, e)
	return true
}

func (x *explainer) codes(name string) bool {
	c, _ := x.s.Codes(name)
	if c == nil {
		return false
	}
	x.out = append(x.out, &Explanation{Codes: name, At: c.Pos.String(), Source: "codes " + name, FHIR: x.s.uri(c.System), Way: "both", Note: c.Note, Lines: x.lines(c)})
	return true
}

// lines gives the lines of codes, once for an answer.
func (x *explainer) lines(c *Codes) []string {
	if x.listed[c.Name] {
		return nil
	}
	x.listed[c.Name] = true
	var lines []string
	for _, l := range c.Codes {
		lines = append(lines, l.String())
	}
	return lines
}

func (r *Row) way() string {
	switch {
	case r.Kind == DeclineSource:
		return declinedTo
	case r.Kind == DeclineTarget:
		return declinedFrom
	case r.Direction == Forward:
		return "to FHIR"
	case r.Direction == Backward:
		return "from FHIR"
	}
	return "both"
}

// fields explains PID-8 and PID-8.1: the rows of tables named PID, and of the tables that these rows use.
func (x *explainer) fields(name, rest string) bool {
	n := len(x.out)
	for _, k := range x.s.keys {
		if k.Name != name {
			continue
		}
		t, _ := x.s.Table(k.Name, k.Type)
		for _, r := range t.Rows {
			place := barePlace(r.Place)
			switch {
			case r.Place == "" || !related(place, rest):
			case len(place) >= len(rest): // PID-5 is asked for, and this is 5 or 5.1
				x.add(k, r, "")
			default: // PID-5.1 is asked for, and this is 5
				x.add(k, r, "")
				x.parts(k, r, rest[len(place)+1:])
			}
		}
	}
	x.scopes(name + "-" + rest)
	if len(x.out) > n {
		return true
	}
	for k, r := range x.s.Rows() { // a place that rows only look at, as OBX-2
		if k.Name == name && mentions(r, rest) {
			x.add(k, r, "")
		}
	}
	return len(x.out) > n
}

// parts adds the rows of the datatype's table that a row uses, those for one component.
func (x *explainer) parts(k Key, r *Row, component string) {
	for _, sub := range x.subTables(k, r) {
		t, _ := x.s.Table(sub.Name, sub.Type)
		for _, p := range t.Rows {
			if p.Place != "" && related(barePlace(p.Place), component) || p.Place == "." {
				x.add(sub, p, sourcePlace(k, r))
			}
		}
	}
}

// subTables gives the table that a row's type means: the one for the type of its target.
func (x *explainer) subTables(k Key, r *Row) []Key {
	types := x.s.TypesOf(r.Type)
	if len(types) == 0 || r.Kind != MapRow {
		return nil
	}
	t := &table{Key: k, slots: map[string]int{}}
	if k.Type != "Bundle" {
		t.info, _ = plan.Named(k.Type)
	}
	d, err := x.m.compileTarget(t, r.Target, r.Each)
	typ := "Bundle"
	switch {
	case err != nil:
		return nil // map check says what is wrong with the row
	case d.arrow != nil:
		typ = d.arrow.Name
	case d.end != nil:
		typ = d.end.Name
	}
	if typ == "SimpleQuantity" && !slices.Contains(types, typ) {
		typ = "Quantity"
	}
	if !slices.Contains(types, typ) {
		return nil
	}
	return []Key{{r.Type, typ}}
}

// scopes adds the rows of scopes (and others) that name a place with its segment: MSH-9.1, GROUP.OBX-14.
func (x *explainer) scopes(query string) {
	for _, k := range x.s.keys {
		t, _ := x.s.Table(k.Name, k.Type)
		for _, r := range t.Rows {
			place := barePlace(r.Place)
			if i := strings.LastIndexByte(place, '.'); i >= 0 && strings.Contains(place[i:], "-") {
				place = place[i+1:]
			}
			if strings.Contains(place, "-") && strings.Contains(query, "-") && related(place, query) {
				x.add(k, r, "")
			}
		}
	}
}

// elements explains Patient.gender: the rows of tables for the type, and of scopes.
func (x *explainer) elements(base, path string) {
	for _, k := range x.s.keys {
		t, _ := x.s.Table(k.Name, k.Type)
		for _, r := range t.Rows {
			element, ok := strings.CutPrefix(fhirPath(k, r), base+".")
			if !ok || !relatedElement(element, path) {
				continue
			}
			rest := afterElement(element, path)
			subs := x.subTables(k, r)
			if rest == "" {
				x.add(k, r, "")
				continue
			}
			// The row has to do with it if its datatype's table knows the rest, or if there is no table to ask.
			asked := false
			for _, sub := range subs {
				t, _ := x.s.Table(sub.Name, sub.Type)
				for _, p := range t.Rows {
					if e, ok := strings.CutPrefix(fhirPath(sub, p), sub.Type+"."); ok && relatedElement(e, rest) {
						if !asked {
							x.add(k, r, "")
							asked = true
						}
						x.add(sub, p, sourcePlace(k, r))
					}
				}
			}
			if subs == nil {
				x.add(k, r, "")
			}
		}
	}
}

// named explains the name of a table, of a type or of codes.
func (x *explainer) named(query string) {
	for _, k := range x.s.keys {
		if k.Name == query || k.Type == query || k.String() == query {
			t, _ := x.s.Table(k.Name, k.Type)
			for _, r := range t.Rows {
				x.add(k, r, "")
			}
		}
	}
	if len(x.out) > 0 {
		return
	}
	x.codes(query)
	for k, r := range x.s.Rows() {
		if r.Type == query || r.Codes == query {
			x.add(k, r, "")
		}
	}
}

// written finds what is written in rows: a place, a column, a constant, a system.
func (x *explainer) written(query string) {
	for k, r := range x.s.Rows() {
		place := r.Place
		if place != "" && place[0] == '"' {
			place, _ = unquoted(place)
		}
		if place != "" && (place == query || barePlace(place) == query) || r.Literal == query ||
			strings.Contains(r.Place, "'"+query+"'") || mentionsWord(r.Target, query) {
			x.add(k, r, "")
		}
	}
}

// mentionsWord reports whether a target's brackets hold the word.
func mentionsWord(target, w string) bool {
	i := strings.Index(target, w)
	if i <= 0 {
		return false
	}
	end := i + len(w)
	return strings.ContainsRune("[(=,", rune(target[i-1])) && (end == len(target) || strings.ContainsRune("])#,/", rune(target[end])))
}

// mentions reports whether a row's tests look at a place.
func mentions(r *Row, place string) bool {
	for _, t := range slices.Concat(r.With, r.If) {
		t = strings.TrimPrefix(t, "no ")
		if i := strings.IndexAny(t, "=!~["); i >= 0 {
			t = t[:i]
		}
		if t == place {
			return true
		}
	}
	return false
}

// related reports whether two places are the same or one is a part of the other.
func related(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a != "" && strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '.' || b[len(a)] == '/')
}

// relatedElement is related for elements of FHIR: value[x] and value stand for each of their types.
func relatedElement(element, path string) bool {
	path = strings.TrimSuffix(path, "[x]")
	if related(element, path) {
		return true
	}
	return strings.HasPrefix(element, path) && len(element) > len(path) && 'A' <= element[len(path)] && element[len(path)] <= 'Z' && path == "value"
}

// afterElement is what the path asks for below the element.
func afterElement(element, path string) string {
	if len(path) > len(element)+1 && strings.HasPrefix(path, element+".") {
		return path[len(element)+1:]
	}
	return ""
}

// barePath is a target without tags, [] and its arrow.
func barePath(s string) string {
	s, _, _ = strings.Cut(s, " -> ")
	return barePlace(s)
}

// barePlace is a place without brackets and what stands in them.
func barePlace(s string) string {
	if strings.IndexByte(s, '[') < 0 {
		return s
	}
	var b strings.Builder
	depth := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// sourcePlace names the row's place as people do: PID-8, MSH-9.1, an XPath, a column.
func sourcePlace(k Key, r *Row) string {
	switch {
	case r.Kind == ConstTarget:
		return "'" + r.Literal + "'"
	case r.Place == "" || r.Place == ".":
		return k.Name
	case '0' <= r.Place[0] && r.Place[0] <= '9':
		if strings.ContainsFunc(k.Name, func(c rune) bool { return 'a' <= c && c <= 'z' }) {
			break
		}
		return k.Name + "-" + r.Place
	}
	return r.Place
}

// fhirPath names the row's element with its type: Patient.gender.
func fhirPath(k Key, r *Row) string {
	if r.Target == "" {
		return ""
	}
	p := barePath(r.Target)
	switch {
	case k.Type == "Bundle":
		return strings.Trim(p, ".")
	case p == "" || p == ".":
		return k.Type
	}
	return k.Type + "." + strings.TrimPrefix(p, ".")
}

// Text renders an explanation as lines for people.
func (e *Explanation) Text() []string {
	var out []string
	if e.Row == "" {
		out = append(out, fmt.Sprintf("%s  (%s)", e.Source, e.At))
	} else {
		to, what := e.FHIR, e.Source
		if to == "" {
			to = "'" + e.literal + "'"
		}
		switch e.Way {
		case "both":
			what += " <-> " + to
		case "to FHIR":
			what += " -> " + to
		case "from FHIR":
			what += " <- " + to
		case declinedTo:
			what += " is " + e.Way
		default:
			what = to + " is " + e.Way
		}
		row, _, _ := strings.Cut(e.Row, "  # ")
		out = append(out, what, fmt.Sprintf("  row   %s  (%s, %s)", row, e.Table, e.At))
	}
	if e.Type != "" {
		name, _, _ := strings.Cut(e.Type, "[")
		out = append(out, "  type  "+e.Type+": chartpost explain "+name)
	}
	if e.Via != "" {
		out = append(out, "  part of "+e.Via)
	}
	if e.Note != "" {
		out = append(out, "  note  "+e.Note)
	}
	if e.Codes != "" {
		if e.Row != "" {
			out = append(out, "  codes "+e.Codes)
		}
		for _, l := range e.Lines {
			out = append(out, "    "+l)
		}
	}
	return out
}
