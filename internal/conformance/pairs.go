package conformance

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Converter makes FHIR of one HL7 v2 file: a JSON bundle for each message. zone is the zone for times without offset.
type Converter func(path, zone string) ([][]byte, error)

// Pair is a message and the FHIR that another project expects of it.
type Pair struct {
	Suite     string
	Input     string // a file
	Expected  string // a file
	Zone      string // of the times without an offset, as the suite's own run had it
	Structure string // ADT_A01; of MSH-9.3, else of the message type and trigger
}

// suites are the sources of the pairs. The zone is that which the project's own run gave to times without an offset; it is
// passed to ours as --tz, because without it a time without an offset becomes a date.
var suites = []struct{ source, name, zone string }{
	{"CDCgov/prime-reportstream", "reportstream", "UTC"},
	{"CDCgov/trusted-intermediary", "trusted-intermediary", "UTC"},
	{"microsoft/FHIR-Converter", "microsoft", "Asia/Kolkata"},
}

// suiteOf is the suite's name and zone for a source of PAIRS.tsv; a source that came later is named by itself.
func suiteOf(source string) (name, zone string) {
	for _, s := range suites {
		if s.source == source {
			return s.name, s.zone
		}
	}
	return path.Base(source), "UTC"
}

// A pairLine is a line of a PAIRS.tsv: two files that say the same, and the project that says so.
type pairLine struct {
	one, other string // paths; HL7 v2 has what is converted first, C-CDA the document
	called     string // what the list calls the other
	source     string
}

// pairLines reads the lines of one direction from the PAIRS.tsv of a folder.
func pairLines(dir, direction string) ([]pairLine, error) {
	b, err := os.ReadFile(filepath.Join(dir, "PAIRS.tsv"))
	if err != nil {
		return nil, err
	}
	var list []pairLine
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		c := strings.Split(line, "\t")
		if i == 0 || len(c) < 4 || c[2] != direction {
			continue
		}
		list = append(list, pairLine{filepath.Join(dir, filepath.FromSlash(c[0])), filepath.Join(dir, filepath.FromSlash(c[1])), c[1], c[3]})
	}
	return list, nil
}

// ReadPairs reads the list of pairs of one direction, hl7->fhir or fhir->hl7.
func ReadPairs(shared, direction string) ([]Pair, error) {
	list, err := pairLines(filepath.Join(shared, "conformance", "hl7v2-fhir"), direction)
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	for _, l := range list {
		p := Pair{Input: l.one, Expected: l.other}
		p.Suite, p.Zone = suiteOf(l.source)
		message := p.Input
		if direction == "fhir->hl7" {
			message = p.Expected
		}
		if b, err := os.ReadFile(message); err == nil {
			p.Structure = structureOf(b)
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// sharedStructure is table 0354 for the trigger events of the pairs and the corpus that share a structure; a sender that names
// the event's own structure is led there too.
var sharedStructure = map[string]string{
	"ADT_A04": "ADT_A01", "ADT_A08": "ADT_A01", "ADT_A13": "ADT_A01", "ADT_A14": "ADT_A05", "ADT_A28": "ADT_A05", "ADT_A31": "ADT_A05",
	"ADT_A07": "ADT_A06", "ADT_A10": "ADT_A09", "ADT_A11": "ADT_A09",
}

// structureOf reads the message structure from MSH-9.
func structureOf(msg []byte) string {
	for _, v := range sourceValues(msg) {
		if v.place == "MSH-9" {
			parts := strings.Split(v.text, "^")
			s := ""
			switch {
			case len(parts) > 2 && strings.Contains(parts[2], "_"):
				s = parts[2]
			case len(parts) > 1:
				s = parts[0] + "_" + parts[1]
			}
			return cmp.Or(sharedStructure[s], s)
		}
	}
	return ""
}

// read gives what is converted, and what is expected of it.
func (p Pair) read() (source, expected []byte, err error) {
	if source, err = os.ReadFile(p.Input); err == nil {
		expected, err = os.ReadFile(p.Expected)
	}
	return source, expected, err
}

// PairResult is what became of one pair.
type PairResult struct {
	Pair
	Outcome
	Err error // ours could not be had; nothing is found then
}

// Passed says that all of the expected content was found.
func (r PairResult) Passed() bool { return r.Err == nil && r.Found == r.Total }

// ComparePair converts a pair's message and compares the content.
func ComparePair(p Pair, convert Converter) PairResult {
	res := PairResult{Pair: p}
	source, b, err := p.read()
	if err != nil {
		res.Err = err
		return res
	}
	want, err := readBundle(b)
	if err != nil {
		res.Err = fmt.Errorf("expected: %w", err)
		return res
	}
	want = withoutDialect(want, source)
	ours, err := convert(p.Input, p.Zone)
	var got []*resource
	for _, o := range ours {
		g, e := readBundle(o)
		if e != nil {
			err = fmt.Errorf("ours: %w", e)
			break
		}
		got = append(got, g...)
	}
	if err != nil {
		res.Err, got = err, nil
	}
	res.Outcome = compare(want, got)
	at := index(sourceValues(source))
	for i := range res.Misses {
		if from := at.placesOf(res.Misses[i].Value); from != "" {
			res.Misses[i].Ours += "  [" + from + "]"
		}
	}
	return res
}

// withoutDialect takes out of an expected bundle what is not content of the message:
//
//   - the Provenance of ReportStream's own transformation and the organisation that made it;
//   - the moment of the conversion, which no message holds;
//   - the display of a coding that the message does not have: it was looked up in a code system, and the code says it;
//   - the Provenance that ReportStream gives each patient, which says no more than that it was converted (the guide makes one
//     only of PID-33 and PID-34);
//   - Microsoft's description of a location, which joins what its other elements say with dashes;
//   - references to resources of which nothing is said: an empty PID makes an empty Patient there, and none here.
//
// Extensions and systems of their own, narratives, ids, and versions of resources are left out when the bundle is read.
func withoutDialect(list []*resource, source []byte) []*resource {
	drop := map[string]bool{}
	for _, r := range list {
		if r.typ != "Provenance" {
			continue
		}
		if r.has("activity.coding.code", "UPDATE") && !slices.ContainsFunc(r.leaves, func(l leaf) bool { return strings.HasPrefix(l.path, "agent.") }) {
			drop[r.keys[0]] = true
		}
		if !r.has("activity.coding.code", "v2-FHIR transformation") {
			continue
		}
		drop[r.keys[0]] = true
		for _, l := range r.leaves {
			if l.path == "agent.who" {
				for _, o := range list {
					if slices.Contains(o.keys, l.value) {
						drop[o.keys[0]] = true
					}
				}
			}
		}
	}
	empty := map[string]bool{}
	for _, r := range list {
		for _, k := range r.keys {
			empty[k] = len(r.leaves) == 0
		}
	}
	text := strings.ToLower(strings.Join(strings.Fields(string(source)), " "))
	var out []*resource
	for _, r := range list {
		if len(r.keys) > 0 && drop[r.keys[0]] {
			continue
		}
		kept := &resource{typ: r.typ, keys: r.keys}
		for _, l := range r.leaves {
			switch {
			case l.ref && empty[l.value]:
			case r.typ == "Provenance" && l.path == "recorded" && !dateIn(text, l.value):
			case r.typ == "Location" && l.path == "description" && strings.Contains(l.value, "--") && !strings.Contains(text, strings.ToLower(l.value)):
			case strings.HasSuffix(l.path, ".display") && !l.ref && !strings.Contains(text, strings.ToLower(l.value)):
			default:
				kept.leaves = append(kept.leaves, l)
			}
		}
		out = append(out, kept)
	}
	return out
}

func (r *resource) has(path, value string) bool {
	return slices.Contains(r.leaves, leaf{path, value, false})
}

// dateIn says whether the message holds the date of a moment, or that of the day before or after in another zone.
func dateIn(text, value string) bool {
	return len(value) < 10 || strings.Contains(text, strings.ReplaceAll(value[:7], "-", ""))
}

// sourceValue is a value of the message with its place: a field, a component or a subcomponent.
type sourceValue struct{ place, text string }

// sourceValues cuts a message up. It is no parser: it serves to point at the likely source of a missed value.
func sourceValues(msg []byte) []sourceValue {
	msg = bytes.TrimPrefix(msg, []byte("\xef\xbb\xbf"))
	var out []sourceValue
	for _, seg := range strings.FieldsFunc(string(msg), func(r rune) bool { return r == '\r' || r == '\n' }) {
		if len(seg) < 4 {
			continue
		}
		name, first := seg[:3], 0
		fields := strings.Split(seg, "|")
		if name == "MSH" {
			first = 1 // MSH-1 is the separator itself
		}
		for f, field := range fields[1:] {
			at := fmt.Sprintf("%s-%d", name, f+1+first)
			if field == "" || at == "MSH-2" {
				continue
			}
			out = append(out, sourceValue{at, field})
			for _, rep := range strings.Split(field, "~") {
				comps := strings.Split(rep, "^")
				for k, comp := range comps {
					if comp == "" {
						continue
					}
					if len(comps) > 1 {
						out = append(out, sourceValue{fmt.Sprintf("%s.%d", at, k+1), comp})
					} else if rep != field {
						out = append(out, sourceValue{at, rep})
					}
					if subs := strings.Split(comp, "&"); len(subs) > 1 {
						for n, sub := range subs {
							if sub != "" {
								out = append(out, sourceValue{fmt.Sprintf("%s.%d.%d", at, k+1, n+1), sub})
							}
						}
					}
				}
			}
		}
	}
	return out
}

var fhirDate = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d)?)?(T|$)`)

// byText finds the places of a value.
type byText map[string][]string

// index makes values findable by their normalised text, and dates by their first eight digits.
func index(values []sourceValue) byText {
	m := byText{}
	for _, v := range values {
		t := strings.ToLower(normalText(v.text))
		if !slices.Contains(m[t], v.place) {
			m[t] = append(m[t], v.place)
		}
		if len(v.text) > 8 && !strings.Contains(v.text, "^") && digits(v.text[:8]) && !slices.Contains(m[v.text[:8]], v.place) {
			m[v.text[:8]] = append(m[v.text[:8]], v.place)
		}
	}
	return m
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// placesOf names the places of the message that hold a value, four at most; a moment is looked for by its date.
func (m byText) placesOf(v string) string {
	if len(v) == 0 || strings.HasPrefix(v, "-> ") {
		return ""
	}
	places := m[strings.ToLower(v)]
	if len(places) == 0 && fhirDate.MatchString(v) {
		places = m[strings.ReplaceAll(v[:min(len(v), 10)], "-", "")]
	}
	if len(places) > 4 {
		places = append(slices.Clone(places[:4]), "...")
	}
	return strings.Join(places, " ")
}

// Report prints the lines of a run: for each suite its pairs and its values, and with top > 0 the most frequent misses of each.
func Report(w io.Writer, kind string, results []PairResult, top int) {
	var order []string
	bySuite := map[string][]PairResult{}
	for _, r := range results {
		if _, ok := bySuite[r.Suite]; !ok {
			order = append(order, r.Suite)
		}
		bySuite[r.Suite] = append(bySuite[r.Suite], r)
	}
	for _, name := range order {
		list := bySuite[name]
		reportLines(w, kind+" "+name, list)
		byStructure := map[string][]PairResult{}
		for _, r := range list {
			byStructure[r.Structure] = append(byStructure[r.Structure], r)
		}
		if len(byStructure) > 1 {
			for _, s := range Structures {
				if len(byStructure[s]) > 0 {
					reportLines(w, kind+" "+name+"/"+s, byStructure[s])
				}
			}
		}
		if top > 0 {
			reportMisses(w, list, top)
		}
	}
}

// Share is a share in percent with one digit, cut off, so that only all is 100.0 %.
func Share(part, whole int) string {
	if whole == 0 {
		return "none"
	}
	return fmt.Sprintf("%d.%d %%", part*1000/whole/10, part*1000/whole%10)
}

func reportLines(w io.Writer, name string, list []PairResult) {
	passed, found, total := 0, 0, 0
	for _, r := range list {
		if r.Passed() {
			passed++
		}
		found, total = found+r.Found, total+r.Total
	}
	fmt.Fprintf(w, "%s pairs: %d of %d, %s\n", name, passed, len(list), Share(passed, len(list)))
	fmt.Fprintf(w, "%s values: %d of %d, %s\n", name, found, total, Share(found, total))
}

// reportMisses prints the most frequent missed paths with up to three examples each.
func reportMisses(w io.Writer, list []PairResult, top int) {
	type group struct {
		path     string
		n        int
		files    map[string]bool
		examples []string
	}
	groups := map[string]*group{}
	failed := 0
	bw := bufio.NewWriter(w)
	defer bw.Flush()
	for _, r := range list {
		if r.Err != nil {
			failed++
			if failed <= 10 {
				fmt.Fprintf(bw, "  not converted: %s: %v\n", filepath.Base(r.Input), r.Err)
			}
		}
		for _, m := range r.Misses {
			p := m.Resource + "." + m.Path
			g := groups[p]
			if g == nil {
				g = &group{path: p, files: map[string]bool{}}
				groups[p] = g
			}
			g.n++
			g.files[r.Expected] = true
			ex := fmt.Sprintf("%s: %s  //  %s", filepath.Base(r.Expected), clip(m.Value), m.Ours)
			if len(g.examples) < 3 && !slices.ContainsFunc(g.examples, func(e string) bool { return afterName(e) == afterName(ex) }) {
				g.examples = append(g.examples, ex)
			}
		}
	}
	if failed > 10 {
		fmt.Fprintf(bw, "  not converted: %d more\n", failed-10)
	}
	all := make([]*group, 0, len(groups))
	for _, g := range groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *group) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.path, b.path)) })
	for i, g := range all {
		if i == top {
			fmt.Fprintf(bw, "  ... %d more paths\n", len(all)-top)
			break
		}
		fmt.Fprintf(bw, "  %5d in %2d files  %s\n", g.n, len(g.files), g.path)
		for _, e := range g.examples {
			fmt.Fprintf(bw, "                      %s\n", e)
		}
	}
}

func afterName(e string) string { _, s, _ := strings.Cut(e, ": "); return s }

func clip(s string) string { return clipTo(s, 90) }
