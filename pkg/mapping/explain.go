package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// An Explanation is one row, or one block of codes, that has to do with what was asked for.
type Explanation struct {
	Table  string   `json:"table,omitempty"` // OBX[Observation]
	Row    string   `json:"row,omitempty"`   // as it stands, two blanks between columns
	At     string   `json:"at"`              // file:line
	Source string   `json:"source"`          // OBX-5, a place in the source as people name it
	FHIR   string   `json:"fhir,omitempty"`  // Observation.valueQuantity
	Way    string   `json:"way"`             // both, to FHIR, from FHIR, declined
	Note   string   `json:"note,omitempty"`
	Via    string   `json:"via,omitempty"`   // of a row of a datatype's table: the row that uses the table, PID-5
	Codes  string   `json:"codes,omitempty"` // the codes that the row, or this explanation, is about
	Lines  []string `json:"lines,omitempty"` // of the codes
}

// Explain finds the rows that an element of the source or of FHIR has to do with:
//
//	PID-8  PID-8.1  OBX-5     a field or component; rows of the datatype's table are given one level deep
//	Patient.gender            an element of FHIR
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
	x := &explainer{s: s, seen: map[*Row]bool{}}
	if name, rest, ok := strings.Cut(query, "-"); ok && rest != "" && x.fields(name, rest) {
		return x.out
	}
	x.scopes(query)
	if base, path, ok := strings.Cut(query, "."); ok && path != "" {
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
	x := &explainer{s: s, seen: map[*Row]bool{}}
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
				if d := distance(e, query); d < best {
					best, at = d, e
				}
			}
		}
		if at != "" {
			return "did you mean " + at + "?"
		}
	}
	return near(name, names)
}

type explainer struct {
	s    *Set
	seen map[*Row]bool
	out  []*Explanation
}

func (x *explainer) add(k Key, r *Row, via string) bool {
	if x.seen[r] && via == "" {
		return false
	}
	x.seen[r] = true
	e := &Explanation{Table: k.String(), Row: r.String(), At: r.Pos.String(), Source: sourcePlace(k, r), FHIR: fhirPath(k, r), Way: r.way(), Note: r.Note, Via: via}
	for _, name := range [...]string{r.Codes, r.Type} {
		if c, _ := x.s.Codes(name); c != nil && e.Codes == "" {
			e.Codes = name
			for _, line := range c.Codes {
				e.Lines = append(e.Lines, line.String())
			}
		}
	}
	x.out = append(x.out, e)
	return true
}

func (x *explainer) codes(name string) bool {
	c, _ := x.s.Codes(name)
	if c == nil {
		return false
	}
	e := &Explanation{Codes: name, At: c.Pos.String(), Source: "codes " + name, FHIR: x.s.uri(c.System), Way: "both", Note: c.Note}
	for _, line := range c.Codes {
		e.Lines = append(e.Lines, line.String())
	}
	x.out = append(x.out, e)
	return true
}

func (r *Row) way() string {
	switch {
	case r.Kind == DeclineSource:
		return "declined to FHIR"
	case r.Kind == DeclineTarget:
		return "declined from FHIR"
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
				if mentions(r, rest) && !x.seen[r] {
					x.add(k, r, "")
				}
			case len(place) >= len(rest): // PID-5 is asked for, and this is 5 or 5.1
				x.add(k, r, "")
				x.parts(k, r, "")
			default: // PID-5.1 is asked for, and this is 5
				x.add(k, r, "")
				x.parts(k, r, rest[len(place)+1:])
			}
		}
	}
	x.scopes(name + "-" + rest)
	return len(x.out) > n
}

// parts adds the rows of the datatype's table that a row uses: all of them, or those for one component.
func (x *explainer) parts(k Key, r *Row, component string) {
	for _, sub := range x.subTables(r) {
		t, _ := x.s.Table(sub.Name, sub.Type)
		for _, p := range t.Rows {
			if component == "" || p.Place != "" && related(barePlace(p.Place), component) || p.Place == "." {
				x.add(sub, p, sourcePlace(k, r))
			}
		}
	}
}

// subTables gives the tables that a row's type can mean. The row's target decides between them when it is compiled; here a
// table is taken whose type's name ends the target's last step (valueQuantity), else all.
func (x *explainer) subTables(r *Row) []Key {
	types := x.s.TypesOf(r.Type)
	if len(types) == 0 || r.Kind != MapRow {
		return nil
	}
	target, arrow, _ := strings.Cut(r.Target, " -> ")
	if arrow == "" {
		arrow = target
	}
	arrow, _, _ = strings.Cut(arrow, "[")
	last := barePath(target)
	last = last[strings.LastIndexByte(last, '.')+1:]
	var keys []Key
	for _, typ := range types {
		if typ == arrow || strings.HasSuffix(last, typ) {
			return []Key{{r.Type, typ}}
		}
		keys = append(keys, Key{r.Type, typ})
	}
	return keys
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
			full := fhirPath(k, r)
			typ, element, _ := strings.Cut(full, ".")
			if typ != base || element == "" && k.Type != "Bundle" {
				continue
			}
			switch {
			case element == "":
			case relatedElement(element, path):
				x.add(k, r, "")
				if rest := afterElement(element, path); rest != "" {
					for _, sub := range x.subTables(r) {
						t, _ := x.s.Table(sub.Name, sub.Type)
						for _, p := range t.Rows {
							if _, e, _ := strings.Cut(fhirPath(sub, p), "."); e != "" && relatedElement(e, rest) {
								x.add(sub, p, sourcePlace(k, r))
							}
						}
					}
				}
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
	x.codes(query)
	for k, r := range x.s.Rows() {
		if r.Type == query || r.Codes == query {
			x.add(k, r, "")
		}
	}
}

// written finds what is written in rows: a place, a column, a constant, a system.
func (x *explainer) written(query string) {
	uri, isName := x.s.System(query)
	for k, r := range x.s.Rows() {
		place := r.Place
		if bare, ok := literal(place + " "); ok && place != "" {
			place = strings.TrimSpace(bare)
		}
		if place != "" && (place == query || unquoteColumn(place) == query || barePlace(place) == query) ||
			r.Literal == query || strings.Contains(r.Place, "'"+query+"'") || mentionsWord(r.Target, query) || isName && strings.Contains(r.Target, uri) {
			x.add(k, r, "")
		}
	}
}

func unquoteColumn(s string) string {
	if len(s) > 1 && s[0] == '"' {
		if c, ok := unquoted(s); ok {
			return c
		}
	}
	return s
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
		if i := strings.IndexAny(t, "=!["); i >= 0 {
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

// barePlace is a place without what stands in its brackets.
func barePlace(s string) string {
	if strings.IndexByte(s, '[') < 0 {
		return s
	}
	return stripBrackets(s, '[', ']')
}

// barePath is a target without tags, [] and its arrow.
func barePath(s string) string {
	s, _, _ = strings.Cut(s, " -> ")
	return stripBrackets(s, '[', ']')
}

func stripBrackets(s string, open, shut byte) string {
	var b strings.Builder
	depth := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == open:
			depth++
		case c == shut:
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
	case r.Place == "":
		return k.Name
	case r.Place == ".":
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

// Text renders an explanation in lines for a terminal; width of nothing is assumed.
func (e *Explanation) Text() []string {
	var out []string
	if e.Row == "" {
		out = append(out, fmt.Sprintf("%s  (%s)", e.Source, e.At))
	} else {
		to := e.FHIR
		if to == "" {
			to = "-"
		}
		arrow := map[string]string{"both": "<->", "to FHIR": "->", "from FHIR": "<-"}[e.Way]
		if arrow == "" {
			arrow = e.Way
			to = strings.TrimSuffix(" "+to, " -")
			out = append(out, fmt.Sprintf("%s %s%s", e.Source, arrow, to))
		} else {
			out = append(out, fmt.Sprintf("%s %s %s", e.Source, arrow, to))
		}
		row, _, _ := strings.Cut(e.Row, "  # ")
		out = append(out, fmt.Sprintf("  row   %s  (%s, %s)", row, e.Table, e.At))
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
