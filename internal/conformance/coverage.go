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

// ourTable is a table of ours with the source that the guide would name: PID of PIDAccount, OBX of OBX_5.
type ourTable struct {
	*mapping.Table
	source string
}

var (
	placeStart = regexp.MustCompile(`^(?:([A-Z][A-Z0-9]{2})(?:\[[^\]]*\])?-)?(\d+)`)
	nameStart  = regexp.MustCompile(`^[A-Z][A-Z0-9]*`)
	leadIndex  = regexp.MustCompile(`^\[[^\]]*\]\.?`) // [1].family: the instance's own
	rootStart  = regexp.MustCompile(`^[A-Za-z]+`)
)

// Coverage compares the guide's segment and datatype rows that have a target with our tables. It compares the field or
// component and the first element of the target; what a pair of functions does below that it cannot see.
func Coverage(rows []GuideRow, files []*mapping.File) []RowCoverage {
	sources := map[string]bool{}
	for _, r := range rows {
		sources[r.Source] = true
	}
	var tables []ourTable
	for _, f := range files {
		for _, item := range f.Items {
			if t, ok := item.(*mapping.Table); ok {
				tables = append(tables, ourTable{t, sourceName(t.Name, sources)})
			}
		}
	}
	var out []RowCoverage
	for _, r := range rows {
		if r.Kind == "message" || !r.HasTarget() {
			continue
		}
		c := RowCoverage{GuideRow: r, State: absent}
		number := fieldNumber(r.Place)
		for _, t := range tables {
			for _, row := range t.Rows {
				source, n := placeParts(row.Place)
				if source == "" {
					source = t.source
				}
				if source != r.Source || n != number && (n != "" || number != "") {
					continue
				}
				c.Ours = append(c.Ours, row)
				if s := rowState(r, t.Table, row); better(s, c.State) {
					c.State = s
				}
			}
		}
		out = append(out, c)
	}
	return out
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

// placeParts are the segment, if a place of ours names one, and the number of the field or component.
func placeParts(place string) (source, number string) {
	m := placeStart.FindStringSubmatch(place)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}

func rowState(r GuideRow, t *mapping.Table, row *mapping.Row) string {
	switch row.Kind {
	case mapping.DeclineSource:
		return declined
	case mapping.MapRow, mapping.ConstTarget:
	default:
		return absent
	}
	base, _, _ := strings.Cut(r.Target, "-")
	base, _, _ = strings.Cut(base, ".")
	typed := base == "" || slices.ContainsFunc(t.Types, func(s string) bool { return strings.EqualFold(s, base) })
	want, have := root(r.FHIRPath), root(row.Target)
	if typed && (want == have || have == "." || want == ".") {
		return covered
	}
	return otherwise
}

// root is the first element of a place in FHIR; the choices of value and of other elements count as one, "." is the thing
// itself. The guide's component[each] is what our pair makes of each repetition, by the same rows.
func root(path string) string {
	path = leadIndex.ReplaceAllString(path, "")
	path = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(path, "$this"), "component[each]"), ".")
	if path == "" || strings.HasPrefix(path, "$") {
		return "."
	}
	name := rootStart.FindString(path)
	for _, choice := range []string{"value", "effective", "occurrence", "onset", "deceased", "multipleBirth", "performed", "collected"} {
		if rest, ok := strings.CutPrefix(name, choice); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return choice
		}
	}
	return name
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
