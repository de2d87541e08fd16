package diag

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
)

// This file writes findings for people and for programs. Every command that reports findings does it with one of these writers,
// so they group, order and leave out values in the same way.

// WriteOptions say how findings are written. The zero value is ready.
type WriteOptions struct {
	ShowValues bool     // print Value too; it may be a patient's
	Quietest   Severity // what is less severe is left out; 0 leaves nothing out
	Places     int      // how many places of one finding are told before the rest is counted; 0 is 5, below 0 is all
	Color      bool     // of the text writer
	Version    string   // of the program, for SARIF
	Across     bool     // repeats in several sources are one finding, of the writers that group
}

// A Writer writes findings. Nothing may be lost by not calling Close, which tells what was counted.
type Writer interface {
	Write(*Finding) error
	Close() error
}

// WriterNames are the forms in which findings are written, as --format says them.
func WriterNames() []string { return []string{"text", "json", "outcome", "sarif"} }

// NewWriter makes the writer of a form.
//
// The text writer writes as findings come, so that a person sees them at once, and counts at Close what it held back. The others
// write one JSON document at Close, in which repeats of a finding are one with a count. It depends on the findings alone, not on
// the order in which they came. Their memory does not grow with the number of repeats.
func NewWriter(form string, w io.Writer, o WriteOptions) (Writer, error) {
	if o.Places == 0 {
		o.Places = 5
	}
	g := groups{o: o, of: map[groupKey]*Group{}, perID: map[ID]int{}}
	switch form {
	case "text":
		return &textWriter{w: w, o: o, seen: map[ID]int{}}, nil
	case "json":
		return &jsonWriter{groups: g, w: w}, nil
	case "outcome":
		return &outcomeWriter{groups: g, w: w}, nil
	case "sarif":
		return &sarifWriter{groups: g, w: w}, nil
	}
	return nil, fmt.Errorf("findings are not written as %q: it is one of %s", form, strings.Join(WriterNames(), ", "))
}

// textWriter prints each finding with its place, and of one id not more than Places of them.
type textWriter struct {
	w    io.Writer
	o    WriteOptions
	seen map[ID]int
	err  error
}

var severityColors = [...]string{Reject: "\x1b[31m", Misread: "\x1b[33m", Info: "\x1b[36m"}

func (t *textWriter) Write(f *Finding) error {
	s := f.Severity()
	if t.o.Quietest != 0 && s > t.o.Quietest {
		return t.err
	}
	if t.seen[f.ID]++; t.o.Places > 0 && t.seen[f.ID] > t.o.Places {
		return t.err
	}
	var b strings.Builder
	if at := f.Place.String(); at != "" {
		b.WriteString(Printable(at) + ": ")
	}
	if t.o.Color {
		b.WriteString(severityColors[s] + s.String() + "\x1b[0m")
	} else {
		b.WriteString(s.String())
	}
	fmt.Fprintf(&b, ": %s [%s]\n", Printable(f.Message()), f.ID)
	if t.o.ShowValues && f.Value != "" {
		fmt.Fprintf(&b, "  value: %q\n", f.Value)
	}
	if t.seen[f.ID] == 1 {
		if fix := f.ID.Entry().Fix; fix != "" {
			fmt.Fprintf(&b, "  %s\n", fix)
		}
	}
	if t.err == nil {
		_, t.err = io.WriteString(t.w, b.String())
	}
	return t.err
}

// Close says how many more there were.
func (t *textWriter) Close() error {
	ids := make([]ID, 0, len(t.seen))
	for id := range t.seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if n := t.seen[id] - t.o.Places; t.o.Places > 0 && n > 0 && t.err == nil {
			_, t.err = fmt.Fprintf(t.w, "and %d more of %s; chartpost explain %s tells more\n", n, id, id)
		}
	}
	return t.err
}

// Printable keeps what a file calls itself from steering a terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r) {
			return '?'
		}
		return r
	}, s)
}

// Group is a finding with all its repeats in one source: the same id in the same words.
type Group struct {
	ID       ID
	Severity Severity
	Source   string
	What     string
	Count    int
	First    []Finding // the first of them, by place

	Sources int // in how many sources, if those come one after another
	last    string
}

type groupKey struct {
	id           ID
	source, what string
	severity     Severity
}

type groups struct {
	o     WriteOptions
	of    map[groupKey]*Group
	perID map[ID]int
}

// maxGroups is how many wordings of one id, in how many sources, are told apart.
const maxGroups = 1000

// Write adds a finding to its group.
func (g *groups) Write(f *Finding) error {
	if g.o.Quietest != 0 && f.Severity() > g.o.Quietest {
		return nil
	}
	key := groupKey{f.ID, f.Place.Source, f.Message(), f.Severity()}
	if g.o.Across {
		key.source = ""
	}
	x := g.of[key]
	if x == nil && g.perID[f.ID] >= maxGroups {
		key = groupKey{id: f.ID, what: f.ID.Entry().What, severity: f.Severity()}
		x = g.of[key]
	}
	if x == nil {
		x = &Group{ID: f.ID, Severity: key.severity, Source: key.source, What: key.what}
		g.of[key] = x
		g.perID[f.ID]++
	}
	if x.Count++; x.last != f.Place.Source || x.Count == 1 {
		x.last = f.Place.Source
		x.Sources++ // sources come one after another
	}
	keep := *f
	if !g.o.ShowValues {
		keep.Value = ""
	}
	i, _ := slices.BinarySearchFunc(x.First, keep, func(a, b Finding) int {
		return cmp.Or(a.Place.Compare(b.Place), cmp.Compare(a.Value, b.Value))
	})
	if g.o.Places < 0 || i < g.o.Places {
		x.First = slices.Insert(x.First, i, keep)
		if g.o.Places > 0 && len(x.First) > g.o.Places {
			x.First = x.First[:g.o.Places]
		}
	}
	return nil
}

// Severities counts findings by severity.
type Severities struct {
	Reject  int `json:"reject"`
	Misread int `json:"misread"`
	Info    int `json:"info"`
}

// sorted are the groups: the most severe first, then by id and place.
func (g *groups) sorted() (list []*Group, n Severities) {
	for _, x := range g.of {
		list = append(list, x)
		switch x.Severity {
		case Reject:
			n.Reject += x.Count
		case Misread:
			n.Misread += x.Count
		case Info:
			n.Info += x.Count
		}
	}
	slices.SortFunc(list, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Source, b.Source),
			a.First[0].Place.Compare(b.First[0].Place), cmp.Compare(a.What, b.What))
	})
	return list, n
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// FindingsVersion is what the JSON of findings says that it is.
const FindingsVersion = "findings/1"

// JSON is findings as the json writer writes them, for those who put them into a larger document.
type JSON struct {
	Findings []JSONFinding `json:"findings"`
	Totals   Severities    `json:"totals"`
}

// JSONFinding is one group.
type JSONFinding struct {
	ID       ID          `json:"id"`
	Severity Severity    `json:"severity"`
	What     string      `json:"what"`
	Why      string      `json:"why,omitempty"`
	Fix      string      `json:"fix,omitempty"`
	Count    int         `json:"count"`
	Sources  int         `json:"sources,omitempty"` // where repeats in several sources are one
	Places   []JSONPlace `json:"places"`
}

// JSONPlace is a place in JSON; what is not known is left out.
type JSONPlace struct {
	Source string `json:"source,omitempty"`
	Record int    `json:"record,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	At     string `json:"at,omitempty"`
	Value  string `json:"value,omitempty"`
}

func (g *groups) json() JSON {
	list, n := g.sorted()
	doc := JSON{Findings: []JSONFinding{}, Totals: n}
	for _, x := range list {
		e := x.ID.Entry()
		f := JSONFinding{ID: x.ID, Severity: x.Severity, What: x.What, Why: e.Why, Fix: e.Fix, Count: x.Count}
		if g.o.Across {
			f.Sources = x.Sources
		}
		for _, y := range x.First {
			f.Places = append(f.Places, JSONPlace{y.Place.Source, y.Place.Record, y.Place.Line, y.Place.Column, y.Place.Path, y.Value})
		}
		doc.Findings = append(doc.Findings, f)
	}
	return doc
}

// A Collector groups findings and gives them as JSON.
type Collector struct{ groups }

// NewCollector makes one.
func NewCollector(o WriteOptions) *Collector {
	o.Places = cmp.Or(o.Places, 5)
	return &Collector{groups{o: o, of: map[groupKey]*Group{}, perID: map[ID]int{}}}
}

// JSON gives what was collected.
func (c *Collector) JSON() JSON { return c.json() }

type jsonWriter struct {
	groups
	w io.Writer
}

func (j *jsonWriter) Close() error {
	return writeJSON(j.w, struct {
		Chartpost string `json:"chartpost"`
		JSON
	}{FindingsVersion, j.json()})
}

// outcomeWriter writes an OperationOutcome of FHIR R4.
type outcomeWriter struct {
	groups
	w io.Writer
}

type outcomeIssue struct {
	Severity    string         `json:"severity"`
	Code        string         `json:"code"`
	Details     outcomeConcept `json:"details"`
	Diagnostics string         `json:"diagnostics,omitempty"`
	Location    []string       `json:"location,omitempty"`
	Expression  []string       `json:"expression,omitempty"`
}

type outcomeConcept struct {
	Coding []outcomeCoding `json:"coding,omitempty"`
	Text   string          `json:"text"`
}

type outcomeCoding struct {
	System string `json:"system"`
	Code   ID     `json:"code"`
}

// FindingSystem is the code system of the ids of findings in FHIR.
const FindingSystem = "https://chartpost.org/fhir/CodeSystem/finding"

func (o *outcomeWriter) Close() error {
	doc := struct {
		ResourceType string         `json:"resourceType"`
		Issue        []outcomeIssue `json:"issue"`
	}{"OperationOutcome", nil}
	list, _ := o.sorted()
	for _, x := range list {
		e := x.ID.Entry()
		i := outcomeIssue{Details: outcomeConcept{[]outcomeCoding{{FindingSystem, x.ID}}, x.What}}
		// The codes of http://hl7.org/fhir/issue-type.
		switch x.Severity {
		case Reject:
			i.Severity, i.Code = "error", "invalid"
		case Misread:
			i.Severity, i.Code = "warning", "business-rule"
		default:
			i.Severity, i.Code = "information", "informational"
		}
		i.Diagnostics = strings.TrimSpace(e.Why + "\n" + e.Fix)
		if x.Count > 1 {
			i.Diagnostics = strings.TrimSpace(fmt.Sprintf("%d times. %s", x.Count, i.Diagnostics))
		}
		for _, y := range x.First {
			at := y.Place.String()
			if y.Value != "" {
				at += fmt.Sprintf(": %q", y.Value)
			}
			if at != "" {
				i.Location = append(i.Location, at)
			}
			if fhirPath(y.Place.Path) { // the one place that FHIR wants as FHIRPath
				i.Expression = append(i.Expression, y.Place.Path)
			}
		}
		i.Expression = slices.Compact(i.Expression)
		doc.Issue = append(doc.Issue, i)
	}
	if doc.Issue == nil { // issue is 1..*
		doc.Issue = []outcomeIssue{{Severity: "information", Code: "informational", Details: outcomeConcept{Text: "nothing was found"}}}
	}
	return writeJSON(o.w, doc)
}

// fhirPath reports a path that begins with a type of resource: Patient.name[0].
func fhirPath(p string) bool {
	name, _, ok := strings.Cut(p, ".")
	if !ok || name == "" || name[0] < 'A' || name[0] > 'Z' {
		return false
	}
	return strings.IndexFunc(name[1:], unicode.IsLower) >= 0 && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
}

// sarifWriter writes SARIF 2.1.0 (OASIS), which code hosts and editors show beside the lines of a file.
type sarifWriter struct {
	groups
	w io.Writer
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID       ID        `json:"id"`
	Short    sarifText `json:"shortDescription"`
	Full     sarifText `json:"fullDescription"`
	Help     sarifText `json:"help"`
	Defaults struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	Message  *sarifText     `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
}

type sarifResult struct {
	Rule      ID              `json:"ruleId"`
	Index     int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
	Related   []sarifLocation `json:"relatedLocations,omitempty"`
	Count     int             `json:"occurrenceCount"`
}

func (s *sarifWriter) Close() error {
	type driver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	type tool struct {
		Driver driver `json:"driver"`
	}
	type run struct {
		Tool    tool          `json:"tool"`
		Columns string        `json:"columnKind"`
		Results []sarifResult `json:"results"`
	}
	r := run{Tool: tool{driver{"chartpost", s.o.Version, "https://github.com/chartpost/chartpost", []sarifRule{}}}, Columns: "utf16CodeUnits", Results: []sarifResult{}}
	list, _ := s.sorted()
	levels := [...]string{Reject: "error", Misread: "warning", Info: "note"}
	for _, x := range list {
		e := x.ID.Entry()
		rules := r.Tool.Driver.Rules
		if len(rules) == 0 || rules[len(rules)-1].ID != x.ID {
			rule := sarifRule{ID: x.ID, Short: sarifText{e.What}, Full: sarifText{cmp.Or(e.Why, e.What)}, Help: sarifText{cmp.Or(e.Fix, e.What)}}
			rule.Defaults.Level = levels[e.Severity]
			rules = append(rules, rule)
			r.Tool.Driver.Rules = rules
		}
		result := sarifResult{Rule: x.ID, Index: len(rules) - 1, Level: levels[x.Severity], Message: sarifText{x.What}, Count: x.Count}
		for i, y := range x.First {
			l := sarifLocation{}
			if y.Place.Source != "" && y.Place.Source != "-" {
				l.Physical = &sarifPhysical{}
				l.Physical.Artifact.URI = uri(y.Place.Source)
				if y.Place.Line > 0 { // columns are bytes here and UTF-16 units there, so they are left out
					l.Physical.Region = &sarifRegion{Line: y.Place.Line}
				}
			}
			name := Place{Record: y.Place.Record, Path: y.Place.Path}.String()
			if name != "" {
				l.Logical = []sarifLogical{{name}}
			}
			if y.Value != "" {
				l.Message = &sarifText{y.Value}
			}
			if i == 0 {
				result.Locations = []sarifLocation{l}
			} else {
				result.Related = append(result.Related, l)
			}
		}
		r.Results = append(r.Results, result)
	}
	return writeJSON(s.w, struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []run{r}})
}

// uri is a file's name as a relative URI reference.
func uri(name string) string {
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/!$&'()+,;=@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
