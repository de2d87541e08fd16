package conformance

import (
	"regexp"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// A fact is what the rows of our tables say between them of one place: a field of a segment or a component of a datatype, and
// where it goes within a resource or a datatype of FHIR. Tables are followed into one another, so that
//
//	table OBX -> Observation
//	.    OBX_ORG  performer -> Organization
//	table OBX_ORG -> Organization
//	24   XAD      address
//
// says of OBX-24 that it is performer.address of an Observation and address of an Organization.
type fact struct {
	source, number string // OBX and 24; no number is the whole
	target         string // Observation
	path           []string
	value          string // of a constant, or of what a tag stamps
	constant       bool
	further        bool       // below path stands what a pair of functions or a list of codes makes
	below          [][]string // the paths below it, of a table of a datatype
	declined       bool
	typ            string // of the element, where the path ends
	row            *mapping.Row
}

// sourceFrame is the segment or datatype that a table is about, with the field or component that its row has gone into.
type sourceFrame struct{ name, number string }

// targetFrame is a resource or datatype of FHIR, and how many steps of the path lead to it.
type targetFrame struct {
	name  string
	start int
}

// partOf are datatypes that stand within a component of others and have no table of their own.
var partOf = map[sourceFrame]string{{"XPN", "1"}: "FN", {"XCN", "2"}: "FN", {"XAD", "1"}: "SAD"}

// A pairPart is a component that a pair of functions reads, and what it makes of it below its target.
type pairPart struct {
	number string
	path   []string
	value  string // of a constant
}

// pairParts are the pairs whose targets hold several things, or whose components stand in functions and not in rows.
var pairParts = map[string][]pairPart{
	"SYSTEM_1":  {{"3", nil, ""}, {"14", nil, ""}},
	"SYSTEM_4":  {{"6", nil, ""}, {"17", nil, ""}},
	"SYSTEM_10": {{"12", nil, ""}, {"20", nil, ""}},
	"UNIT":      {{"1", []string{"code"}, ""}, {"1", []string{"unit"}, ""}, {"2", []string{"unit"}, ""}, {"3", []string{"system"}, ""}},
	"UID":       {{"", nil, ""}},
	"BIRTH": {{"", []string{"extension http://hl7.org/fhir/StructureDefinition/patient-birthTime", "value"}, ""},
		{"", []string{"extension http://hl7.org/fhir/StructureDefinition/patient-birthTime", "url"}, "http://hl7.org/fhir/StructureDefinition/patient-birthTime"}},
	"EI_SYSTEM": {{"3", nil, ""}},
	"EI_UID":    {{"3", []string{"system"}, ""}},
	"HD_UID":    {{"2", []string{"system"}, ""}},
	"CNN_UID":   {{"10", []string{"system"}, ""}},
	"HD_ID":     {{"2", []string{"value"}, ""}, {"3", []string{"type"}, ""}, {"3", []string{"system"}, "urn:ietf:rfc:3986"}},
	"ENDPOINT": {{"2", []string{"endpoint"}, ""}, {"3", []string{"endpoint", "extension data-absent-reason", "value"}, "unknown"},
		{"3", []string{"endpoint", "extension data-absent-reason", "url"}, ""}},
	"MSG":        {{"2", []string{"code"}, ""}, {"2", []string{"system"}, "http://terminology.hl7.org/CodeSystem/v2-0003"}, {"", []string{"display"}, ""}},
	"PV1_STATUS": {{"2", []string{"status"}, ""}, {"45", []string{"status"}, ""}},
	"NUMBER":     {{"1", []string{"value"}, ""}, {"4", []string{"value"}, ""}, {"7", []string{"value"}, ""}, {"12", []string{"value"}, ""}},
	"DATA":       {{"3", []string{"contentType"}, ""}, {"5", []string{"data"}, ""}},
	"MEDIA":      {{"3", []string{"contentType"}, ""}},
	"XPN_10":     {{"10", []string{"period"}, ""}},
	"XCN_17":     {{"17", []string{"period"}, ""}},
	"XAD_12":     {{"12", []string{"period"}, ""}},
	"VALUES":     {{"1", []string{"data"}, ""}, {"2", []string{"data"}, ""}, {"3", []string{"data"}, ""}, {"4", []string{"data"}, ""}},
}

// walker collects the facts of tables.
type walker struct {
	tables  map[string][]*mapping.Table
	codes   map[string]bool
	systems map[string]string
	sources map[string]bool // the segments and datatypes of the guide
	facts   []fact
	below   map[string][][]string // the paths of a table of a datatype, by its name and type
}

// factsOf follows every table of our files.
func factsOf(files []*mapping.File, sources map[string]bool) []fact {
	w := &walker{tables: map[string][]*mapping.Table{}, codes: map[string]bool{}, systems: map[string]string{}, sources: sources, below: map[string][][]string{}}
	for _, f := range files {
		for _, item := range f.Items {
			switch x := item.(type) {
			case *mapping.Table:
				w.tables[x.Name] = append(w.tables[x.Name], x)
			case *mapping.Codes:
				w.codes[x.Name] = true
			case *mapping.System:
				w.systems[x.Name] = x.URI
			}
		}
	}
	for _, f := range files {
		for _, item := range f.Items {
			if t, ok := item.(*mapping.Table); ok {
				for _, typ := range t.Types {
					w.root(t, typ)
				}
			}
		}
	}
	// What is made of every message, and by no row.
	w.facts = append(w.facts, fact{source: "MSH", target: "Bundle", path: []string{"type"}, constant: true, value: "message"})
	return w.facts
}

func (w *walker) root(t *mapping.Table, typ string) {
	if typ == "Bundle" {
		w.table(t, nil, nil, []targetFrame{{"Bundle", 0}}, nil, nil)
		return
	}
	p, err := plan.Named(typ)
	if err != nil {
		return
	}
	var src []sourceFrame
	if s := sourceName(t.Name, w.sources); w.sources[s] {
		src = []sourceFrame{{s, ""}}
	} else {
		return // what another table goes on with
	}
	tgt := []targetFrame{{typ, 0}}
	var path []string
	if whole, below, ok := strings.Cut(typ, "."); ok { // NK1 -> Patient.contact
		path = strings.Split(below, ".")
		tgt = []targetFrame{{whole, 0}, {typ, len(path)}}
	}
	w.table(t, p, src, tgt, path, nil)
}

// table adds the facts of the rows of a table within src and tgt. seen are the tables that led here.
func (w *walker) table(t *mapping.Table, typ *plan.Type, src []sourceFrame, tgt []targetFrame, path []string, seen []*mapping.Table) {
	if slices.Contains(seen, t) || len(seen) > 8 {
		return
	}
	seen = append(slices.Clip(seen), t)
	scope := typ == nil
	for _, r := range t.Rows {
		if r.Direction == mapping.Backward || r.Kind == mapping.ConstSource || r.Kind == mapping.DeclineTarget {
			continue
		}
		from := w.placed(r.Place, src, scope)
		if r.Kind == mapping.DeclineSource {
			w.add(fact{declined: true, row: r}, from, tgt, path)
			continue
		}
		w.row(r, typ, from, tgt, path, seen)
	}
}

// placed are the sources of a row's place.
func (w *walker) placed(place string, src []sourceFrame, scope bool) []sourceFrame {
	place = brackets.ReplaceAllString(place, "")
	if place == "." || place == "" {
		return src
	}
	if scope {
		seg, number, _ := strings.Cut(place, "-")
		seg = seg[strings.LastIndex(seg, ".")+1:]
		if len(seg) != 3 {
			return nil // a group
		}
		number, _, _ = strings.Cut(number, ".")
		return []sourceFrame{{seg, number}}
	}
	if len(src) == 0 {
		return src
	}
	number, sub, _ := strings.Cut(place, ".")
	out := slices.Clone(src)
	top := &out[len(out)-1]
	top.number = number
	if within := partOf[*top]; within != "" {
		out = append(out, sourceFrame{within, sub})
	}
	return out
}

var brackets = regexp.MustCompile(`\[[^\]]*\]`)

// row follows the target of a row, and the table that its type names.
func (w *walker) row(r *mapping.Row, typ *plan.Type, src []sourceFrame, tgt []targetFrame, path []string, seen []*mapping.Table) {
	path, tgt = slices.Clip(path), slices.Clip(tgt)
	base := fact{row: r}
	for _, part := range mapping.TargetParts(r.Target) {
		name, tags := part.Name, part.Tags
		if name == "extension" {
			for _, tag := range tags { // extension[url=code], as in extensions of extensions
				if url, ok := strings.CutPrefix(tag, "url="); ok {
					name = "extension(" + url + ")"
				}
			}
		}
		switch {
		case name == ".":
		case part.Arrow || typ == nil && name[0] >= 'A' && name[0] <= 'Z':
			p, err := plan.Named(name)
			if err != nil {
				return
			}
			if name != "Bundle" {
				tgt = append(tgt, targetFrame{name, len(path)})
			}
			typ = p
		default:
			if typ == nil {
				return
			}
			step, next := w.step(name, typ)
			if next == nil {
				return
			}
			if uri, ok := strings.CutPrefix(step, "extension "); ok {
				w.add(fact{row: r, constant: true, value: uri}, src, tgt, append(path, step, "url"))
			}
			path, typ = append(path, step), next
			if typ.Prim == nil {
				tgt = append(tgt, targetFrame{typ.Name, len(path)})
			}
		}
		around := src
		if s := sourceName(r.Type, w.sources); w.sources[s] {
			around = append(slices.Clip(src), sourceFrame{s, ""})
		}
		for _, tag := range tags {
			w.tag(tag, typ, base, around, tgt, path)
		}
	}
	if typ == nil {
		return // a scope within a scope has its own facts
	}
	if r.Kind == mapping.ConstTarget {
		base.constant, base.value = true, strings.Trim(r.Literal, "'")
		w.add(base, src, tgt, path)
		return
	}
	w.typed(r, base, typ, src, tgt, path, seen)
}

// typed adds what the type of a row makes of its place.
func (w *walker) typed(r *mapping.Row, base fact, typ *plan.Type, src []sourceFrame, tgt []targetFrame, path []string, seen []*mapping.Table) {
	if parts := pairParts[r.Type]; parts != nil {
		for _, p := range parts {
			from := src
			if p.number != "" && r.Place == "." && len(src) > 0 {
				from = slices.Clone(src)
				from[len(from)-1].number = p.number
			} else if p.number != "" && len(src) > 0 {
				from = append(slices.Clip(src), sourceFrame{r.Type, p.number})
			}
			at := append(slices.Clip(path), p.path...)
			w.add(fact{row: r, value: p.value, constant: p.value != ""}, from, tgt, at)
			if w.sources[r.Type] { // MSG is a datatype and a pair
				w.add(fact{row: r, value: p.value, constant: p.value != ""}, []sourceFrame{{r.Type, p.number}},
					append(slices.Clip(tgt), targetFrame{typ.Name, len(path)}), at)
			}
		}
	}
	followed := false
	for _, t := range w.tables[r.Type] {
		if !slices.Contains(t.Types, typ.Name) {
			continue
		}
		followed = true
		if !w.opens(r, t, src) {
			base.below = append(base.below, w.within(t, typ)...)
			continue
		}
		from := src
		if r.Place != "." && src[len(src)-1].number != "" {
			from = append(slices.Clip(src), sourceFrame{"?", ""}) // its fields are components
		}
		w.table(t, typ, from, append(slices.Clip(tgt), targetFrame{typ.Name, len(path)}), path, seen)
	}
	base.typ = typ.Name
	base.further = !followed && typ.Prim == nil || w.codes[r.Type]
	if typ.Prim != nil && len(src) > 0 && w.sources[r.Type] { // a leaf type that the guide has a map for: ST[CodeableConcept]
		w.add(base, []sourceFrame{{r.Type, "1"}, {r.Type, ""}}, append(slices.Clip(tgt), targetFrame{typ.Name, len(path)}), path)
	}
	w.add(base, src, tgt, path)
	if r.Codes != "" {
		base.further = true
		w.add(base, src, tgt, path)
	}
}

// opens says whether a table goes on with the thing that the row is in: that of ".", of a segment in a scope, and one that is ours
// alone, for a field. The datatype of a field has facts of its own.
func (w *walker) opens(r *mapping.Row, t *mapping.Table, src []sourceFrame) bool {
	if r.Place == "." {
		return true
	}
	s := sourceName(t.Name, w.sources)
	if len(src) == 0 {
		return false
	}
	top := src[len(src)-1]
	return s == top.name || top.number != "" && !w.sources[s]
}

// within are the paths that a table of a datatype makes.
func (w *walker) within(t *mapping.Table, typ *plan.Type) [][]string {
	key := t.Name + " " + typ.Name
	if have, ok := w.below[key]; ok {
		return have
	}
	w.below[key] = nil // a table within itself adds nothing
	one := &walker{tables: w.tables, codes: w.codes, systems: w.systems, sources: map[string]bool{"": true}, below: w.below}
	one.table(t, typ, []sourceFrame{{}}, []targetFrame{{typ.Name, 0}}, nil, nil)
	var list [][]string
	for _, f := range one.facts {
		if f.target != typ.Name || f.declined {
			continue
		}
		list = append(list, f.path)
		for _, b := range f.below {
			list = append(list, append(slices.Clip(f.path), b...))
		}
	}
	w.below[key] = list
	return list
}

// step is a step of a path with the type that it leads to; the types of a choice count as one.
func (w *walker) step(name string, typ *plan.Type) (string, *plan.Type) {
	if of, ok := strings.CutPrefix(name, "extension("); ok {
		t, err := plan.Named("Extension")
		if err != nil {
			return "", nil
		}
		return "extension " + w.uri(strings.TrimSuffix(of, ")")), t
	}
	e, alt := typ.Lookup(name)
	switch {
	case e == nil:
		return "", nil
	case alt != nil:
		return e.Name, alt.Type()
	case e.Choice != nil:
		return e.Name, nil
	}
	return e.Name, e.Type()
}

// uri is the URI that a name stands for.
func (w *walker) uri(name string) string {
	name = strings.Trim(name, "'")
	if u, ok := w.systems[name]; ok {
		return u
	}
	if of, rest, ok := strings.Cut(name, "/"); ok && w.systems[of] != "" {
		return w.systems[of] + rest
	}
	return name
}

// tag adds what a tag stamps: type=v2-0203#PLAC is type.coding.system and type.coding.code.
func (w *walker) tag(tag string, typ *plan.Type, base fact, src []sourceFrame, tgt []targetFrame, path []string) {
	key, value, ok := strings.Cut(tag, "=")
	if !ok || strings.HasSuffix(key, "!") || strings.HasPrefix(tag, "no ") || typ == nil {
		return
	}
	base.constant = true
	for _, part := range mapping.TargetParts(key) {
		step, next := w.step(part.Name, typ)
		if next == nil {
			return
		}
		if uri, ok := strings.CutPrefix(step, "extension "); ok {
			base.value = uri
			w.add(base, src, tgt, append(slices.Clip(path), step, "url"))
		}
		path, typ = append(slices.Clip(path), step), next
	}
	system, code, coded := strings.Cut(strings.Trim(value, "'"), "#")
	if !coded {
		base.value = w.uri(value)
		w.add(base, src, tgt, path)
		return
	}
	if typ.Name == "CodeableConcept" {
		path = append(path, "coding")
	}
	base.value = w.uri(system)
	w.add(base, src, tgt, append(slices.Clip(path), "system"))
	base.value = code
	w.add(base, src, tgt, append(slices.Clip(path), "code"))
}

// add adds a fact for each thing that the place belongs to and each thing of FHIR around the path.
func (w *walker) add(f fact, src []sourceFrame, tgt []targetFrame, path []string) {
	if len(src) == 0 && f.constant {
		src = []sourceFrame{{}} // a constant of a group, whichever of its segments is there
	}
	for _, s := range src {
		if s.name != "" && !w.sources[s.name] {
			continue
		}
		for _, t := range tgt {
			f.source, f.number, f.target, f.path = s.name, s.number, t.name, path[t.start:]
			w.facts = append(w.facts, f)
		}
	}
}
