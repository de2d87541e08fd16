package conformance

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// How a row of the guide is met by our tables.
const (
	covered   = "covered"   // the place is mapped to the element that the guide names
	otherwise = "otherwise" // the place is mapped, to another element
	declined  = "declined"  // our tables say why it is not there
	absent    = "absent"    // no row of ours knows the place
)

// RowCoverage is a row of the guide that gives a place a home in FHIR, and what our tables make of it.
type RowCoverage struct {
	GuideRow
	State string
	Ours  []*mapping.Row // of that place
}

// nameStart is the part of a table's name that may be the segment or datatype that it is about.
var nameStart = regexp.MustCompile(`^[A-Z][A-Z0-9]*`)

// Coverage compares the guide's segment and datatype rows that have a target with our tables: the segment's field or the
// datatype's component, the resource or datatype of FHIR, and the whole path within it. Conditions are not compared.
func Coverage(rows []GuideRow, files []*mapping.File) []RowCoverage {
	sources := map[string]bool{}
	for _, r := range rows {
		sources[r.Source] = true
	}
	all := newKnown(factsOf(files, sources), sources)
	urls := extensionURLs(rows)
	var out []RowCoverage
	for _, r := range rows {
		if r.Kind == "message" || !r.HasTarget() {
			continue
		}
		out = append(out, all.covers(r, guideSteps(r, urls)))
	}
	byUse(out)
	return out
}

// covers finds what our facts say of a row.
func (k *known) covers(r GuideRow, want []string) RowCoverage {
	c := RowCoverage{GuideRow: r, State: absent}
	number := fieldNumber(r.Place)
	value, constant := r.Constant()
	source := r.Source
	target := r.Target
	switch {
	case source == "NDL" && strings.HasPrefix(r.FHIRPath, "["):
		target = "Location" // the locations of the role are described in this map too
	case len(want) == 0 && r.TypeMap != "": // PID-21 is $this by CX[RelatedPerson-Mother]: the resource of that map
		if m := mapName.FindStringSubmatch(r.TypeMap); m != nil && m[2] != "" && m[2][0] <= 'Z' {
			target = m[2]
		}
	case source == "PL" && len(want) > 0 && want[0] == "location":
		want = want[1:]
	}
	if newer := newerType[source]; newer != "" && (len(k.of[source]) == 0 || strings.HasPrefix(r.Target, "Cod")) {
		source = newer
	}
	judge := func(f *fact) {
		here := f.number == number && f.source != ""
		if here && !slices.Contains(c.Ours, f.row) {
			c.Ours = append(c.Ours, f.row)
		}
		state := absent
		switch {
		case f.declined:
			state = declined
		case here:
			state = otherwise
		}
		if !f.declined && targets(target, f.target) {
			switch {
			case constant && f.constant && sameValue(value, f.value) && leads(want, f, true):
				state = covered // whichever place stands beside it
			case constant && f.constant:
			case here && leads(want, f, false), r.Kind == "datatype" && f.number == "" && !f.constant && leads(want, f, true):
				state = covered
			}
		}
		if (here || state == covered) && better(state, c.State) {
			c.State = state
		}
	}
	for i := range k.of[source] {
		judge(&k.of[source][i])
	}
	if constant {
		for i := range k.of[""] { // of groups
			judge(&k.of[""][i])
		}
	}
	if c.State != covered && r.Kind == "datatype" && k.used(r, source, number, want) {
		c.State = covered
	}
	return c
}

// known are our facts by their sources, and the rows that use a datatype.
type known struct{ of, uses map[string][]fact }

func newKnown(facts []fact, sources map[string]bool) *known {
	k := &known{map[string][]fact{}, map[string][]fact{}}
	for _, f := range facts {
		k.of[f.source] = append(k.of[f.source], f)
		if f.row == nil || f.typ == "" {
			continue
		}
		if s := sourceName(f.row.Type, sources); s != f.source {
			k.uses[s] = append(k.uses[s], f)
		}
	}
	return k
}

// used says whether a datatype's row that begins with the field which has the datatype, as CX[RelatedPerson-Mother] does with
// identifier, is what a row of ours for such a field makes of it.
func (k *known) used(r GuideRow, source, number string, want []string) bool {
	value, constant := r.Constant()
	for i := range k.uses[source] {
		u := &k.uses[source][i]
		if !targets(r.Target, u.target) || len(u.path) == 0 || len(u.path) > len(want) || !leads(want[:len(u.path)], u, true) {
			continue
		}
		for j := range k.of[source] {
			f := &k.of[source][j]
			if f.target != u.typ || f.declined || constant != f.constant || !constant && f.number != number || constant && !sameValue(value, f.value) {
				continue
			}
			if leads(want[len(u.path):], f, constant) {
				return true
			}
		}
	}
	return false
}

// newerType are the datatypes as which the older ones are read.
var newerType = map[string]string{"CE": "CWE", "CNE": "CWE", "CF": "CWE", "IS": "CWE", "ID": "CWE", "TS": "DTM"}

// targets says whether a map of the guide is about a thing of FHIR: Identifier-System about Identifier.
func targets(guide, ours string) bool {
	if guide == "Extension-Subidentifier" {
		return ours == "Observation" // it has the extension
	}
	guide, _, _ = strings.Cut(guide, "-")
	whole, _, _ := strings.Cut(guide, ".")
	switch ours {
	case "SimpleQuantity", "Duration", "Age":
		ours = "Quantity"
	}
	return strings.EqualFold(guide, ours) || whole == ours || guide == ""
}

// leads says whether a fact is of the element that the guide names, or of one within it; or of one around it whose inside a
// pair of functions makes.
func leads(want []string, f *fact, exact bool) bool {
	have := f.path
	for i := range min(len(want), len(have)) {
		if !sameStep(want[i], have[i]) {
			return false
		}
	}
	switch {
	case len(want) > len(have):
		return !exact && (f.further || slices.ContainsFunc(f.below, func(b []string) bool {
			return slices.EqualFunc(want[len(have):], b[:min(len(b), len(want)-len(have))], sameStep)
		}))
	case exact:
		return len(want) == len(have)
	}
	return !slices.ContainsFunc(have[len(want):], ownExtension)
}

// sameStep compares a step of the guide with one of ours. Extensions are compared by the last part of their URL, for the guide
// names some by the page that describes them.
func sameStep(want, have string) bool {
	w, isWant := strings.CutPrefix(want, "extension ")
	h, isHave := strings.CutPrefix(have, "extension ")
	if !isWant || !isHave {
		return want == have
	}
	return !ownExtension(have) && (w == "" || urlName(w) == urlName(h))
}

func ownExtension(step string) bool {
	return strings.HasPrefix(step, "extension https://chartpost.org/")
}

func urlName(s string) string {
	s = strings.TrimSuffix(s[strings.LastIndexByte(s, '/')+1:], ".html")
	return strings.ToLower(strings.TrimPrefix(s, "extension-"))
}

// sameValue compares constants; the guide writes some URLs with a slash at the end, or as its page has them.
func sameValue(guide, ours string) bool {
	trim := func(s string) string {
		return strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(strings.TrimRight(strings.TrimSpace(s), "/")), "https://"), "http://")
	}
	if strings.Contains(guide, "/StructureDefinition/") || strings.Contains(guide, "/extension-") {
		return urlName(guide) == urlName(ours) && !ownExtension("extension "+ours)
	}
	return trim(guide) == trim(ours)
}

// misspelt are words of the guide's paths that FHIR does not have.
var misspelt = map[string]string{
	"payer": "payor", "sytem": "system", "practioner": "practitioner", "organziation": "organization", "occurenceTiming": "occurrence",
	"occurneceTiming": "occurrence", "valuedateTime": "value", "orginal-sub-identiier": "original-sub-identifier",
}

// choices are the elements of which JSON's names say the type.
var choices = []string{"value", "effective", "occurrence", "occurred", "onset", "deceased", "multipleBirth", "performed", "collected", "bounds",
	"event", "quantity", "author", "fastingStatus", "medication", "additive", "asNeeded", "reported"}

// Covered says that our tables do with the place what the guide does.
func (c RowCoverage) Covered() bool { return c.State == covered }

// Declined says that our tables leave the place out.
func (c RowCoverage) Declined() bool { return c.State == declined }

var (
	extensionSlice = regexp.MustCompile(`extension(\[\d+\])?:([a-z-]+)`)
	pathNoise      = regexp.MustCompile(`\[[^\]]*[\]}]|\[3|=.*$|\{|\}`)
	extensionStep  = regexp.MustCompile(`extension(\[\d+\])?`)
)

// extensionURLs are the URLs that the guide gives to extension[1] and so on, by the map and the path that leads there.
func extensionURLs(rows []GuideRow) map[string]string {
	urls := map[string]string{}
	for _, r := range rows {
		u, ok := r.Constant()
		at := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(r.FHIRPath, ")"), ".url"), ".uri")
		if !ok || at == r.FHIRPath {
			continue
		}
		if at = extensionSlice.ReplaceAllString(at, "extension$1"); urls[r.Map+" "+r.Place+" "+at] == "" {
			urls[r.Map+" "+r.Place+" "+at] = u
		}
	}
	return urls
}

// guideSteps cuts up a path of the guide: performer[2](PractitionerRole[1].practitioner) is performer, practitioner.
func guideSteps(r GuideRow, urls map[string]string) []string {
	path := strings.ReplaceAll(r.FHIRPath, "component[each]", "")
	if strings.Contains(path, "extension") && !strings.HasSuffix(path, ".url") {
		path = extensionSlice.ReplaceAllString(path, "extension$1.extension $2")
	} else {
		path = extensionSlice.ReplaceAllString(path, "extension$1")
	}
	// Each extension with its URL, by the path as it is written up to there; \x00 stands for it until the path is cut up.
	var found []string
	path = extensionPlaces(path, func(upTo string) { found = append(found, urls[r.Map+" "+r.Place+" "+upTo]) })
	path = pathNoise.ReplaceAllString(path, "")
	var steps []string
	for _, s := range strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '(' || c == ')' }) {
		s = strings.TrimSpace(s)
		n := len(steps)
		if good := misspelt[s]; good != "" {
			s = good
		}
		switch {
		case s == "\x00":
			s, found = "extension "+found[0], found[1:]
		case n > 0 && s == "uri" && strings.HasPrefix(steps[n-1], "extension "):
			s = "url"
		case n > 0 && s == "uri" && steps[n-1] == "coding":
			s = "system"
		case strings.HasPrefix(s, "extension "):
			if good := misspelt[s[len("extension "):]]; good != "" {
				s = "extension " + good
			}
		case s == "" || s == "$this" || s == "$value" || s == "reference" || s[0] >= 'A' && s[0] <= 'Z':
			continue
		}
		for _, choice := range choices {
			if rest, ok := strings.CutPrefix(s, choice); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
				s = choice
			}
		}
		steps = append(steps, s)
	}
	if n := len(steps); n > 1 && steps[n-2] == "coding" && steps[n-1] == "value" {
		steps[n-1] = "code"
	}
	return steps
}

// extensionPlaces puts \x00 in the place of each extension[n] and gives the path up to there; a slice has its name already.
func extensionPlaces(path string, found func(upTo string)) string {
	var b strings.Builder
	last := 0
	for _, m := range extensionStep.FindAllStringIndex(path, -1) {
		if strings.HasPrefix(path[m[1]:], " ") {
			continue
		}
		found(path[:m[1]])
		b.WriteString(path[last:m[0]] + "\x00")
		last = m[1]
	}
	return b.String() + path[last:]
}

// byUse judges the maps to one primitive (CWE[code]: CWE.1 is the value) by the rows that go through them: such a map is met
// where one of these is, and the others are judged for themselves.
func byUse(list []RowCoverage) {
	users := map[string][]int{}
	for i, c := range list {
		if c.TypeMap != "" {
			users[strings.ToLower(c.TypeMap)] = append(users[strings.ToLower(c.TypeMap)], i)
		}
	}
	for i := range list {
		c := &list[i]
		if c.State == covered || c.Target == "" || c.Target[0] >= 'A' && c.Target[0] <= 'Z' || c.Condition != "" || len(guideSteps(c.GuideRow, nil)) > 0 {
			continue
		}
		used := users[strings.ToLower(c.Map)]
		met := 0
		for _, u := range used {
			if list[u].State == covered {
				met++
			}
		}
		if met > 0 {
			c.State = covered
		}
	}
}

// better orders the states.
func better(a, b string) bool {
	order := []string{absent, declined, otherwise, covered}
	return slices.Index(order, a) > slices.Index(order, b)
}

// sourceName is the segment or datatype that a table of ours is about. Its name begins with it; a word of another kind may follow.
func sourceName(table string, sources map[string]bool) string {
	run := nameStart.FindString(table)
	if len(run) < len(table) && table[len(run)] >= 'a' && table[len(run)] <= 'z' {
		run = run[:max(0, len(run)-1)] // the last capital begins the next word
	}
	for n := len(run); n > 0; n-- {
		if sources[run[:n]] {
			return run[:n]
		}
	}
	return run
}

// fieldNumber is 5 of PID-5 and of CWE.5, empty for the whole.
func fieldNumber(place string) string {
	if i := strings.LastIndexAny(place, "-."); i >= 0 {
		return rootDigits(place[i+1:])
	}
	return ""
}

func rootDigits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// MapsOf are the names of the guide's maps that messages of certain structures need: segment maps and, through them, datatype maps.
func MapsOf(rows []GuideRow, structures []string) map[string]bool {
	need := map[string]bool{}
	for _, r := range rows {
		if r.Kind == "message" && slices.Contains(structures, r.Map) && r.TypeMap != "" {
			need[r.TypeMap] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for _, r := range rows {
			if r.Kind != "message" && need[r.Map] && r.TypeMap != "" && !need[r.TypeMap] {
				need[r.TypeMap], grown = true, true
			}
		}
	}
	return need
}

// PrintCoverage writes one line for each map that some structure needs and the total; verbose lists the rows that are not covered.
func PrintCoverage(w io.Writer, list []RowCoverage, need map[string]bool, verbose bool) {
	type sum struct{ covered, otherwise, declined, absent int }
	add := func(s *sum, state string) {
		switch state {
		case covered:
			s.covered++
		case otherwise:
			s.otherwise++
		case declined:
			s.declined++
		default:
			s.absent++
		}
	}
	line := func(name string, s sum) {
		n := s.covered + s.otherwise + s.declined + s.absent
		fmt.Fprintf(w, "guide %s: %d of %d, %s", name, s.covered, n, Share(s.covered, n))
		if s.covered < n {
			fmt.Fprintf(w, " (mapped otherwise %d, declined %d, absent %d)", s.otherwise, s.declined, s.absent)
		}
		fmt.Fprintln(w)
	}
	var order []string
	sums := map[string]*sum{}
	var total sum
	for _, c := range list {
		if !need[c.Map] {
			continue
		}
		if sums[c.Map] == nil {
			sums[c.Map] = &sum{}
			order = append(order, c.Map)
		}
		add(sums[c.Map], c.State)
		add(&total, c.State)
	}
	if verbose {
		for _, name := range order {
			line(name, *sums[name])
			for _, c := range list {
				if c.Map != name || c.State == covered {
					continue
				}
				fmt.Fprintf(w, "  %-9s %s\n", c.State, clipTo(c.String(), 170))
				for i, o := range c.Ours {
					if i == 4 {
						fmt.Fprintf(w, "            ours: ... %d more\n", len(c.Ours)-i)
						break
					}
					fmt.Fprintf(w, "            ours: %s: %s %s %s\n", o.Pos, o.Place, o.Type, o.Target)
				}
			}
		}
	}
	line("rows with a target", total)
}
