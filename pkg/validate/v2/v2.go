// Package v2 checks messages of HL7 v2 against the dictionary of their version (pkg/hl7v2/schema): message structures, segments,
// datatypes and HL7's own tables, and says what is wrong as findings.
//
// What makes a receiver answer with an error of table 0357 is of the first severity: a segment or field that must be there and is not
// (100, 101) and a value that is not of its datatype (102). What a receiver is told to pass over is of the second.
package v2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Findings.
const (
	segmentMissing   diag.ID = "CP-V2-050"
	segmentMany      diag.ID = "CP-V2-051"
	segmentUnknown   diag.ID = "CP-V2-052"
	fieldMissing     diag.ID = "CP-V2-053"
	fieldUnknown     diag.ID = "CP-V2-054"
	fieldMany        diag.ID = "CP-V2-055"
	valueForm        diag.ID = "CP-V2-056"
	codeUnknown      diag.ID = "CP-V2-057"
	componentUnknown diag.ID = "CP-V2-058"
	componentMissing diag.ID = "CP-V2-059"
	typeUnknown      diag.ID = "CP-V2-060"
	tooMany          diag.ID = "CP-V2-061"
	componentLater   diag.ID = "CP-V2-062"
)

// maxFindings is how many findings of one severity a message may have before the rest is left out.
const maxFindings = 500

// Result is what was looked at.
type Result struct {
	Messages  int
	Unchecked map[string]int // what could not be checked, in words
}

// Stream checks a source of messages. What it finds goes to report in the order of the messages. An error is one of reading.
func Stream(ctx context.Context, r io.Reader, source string, report func(*diag.Finding)) (Result, error) {
	res := Result{Unchecked: map[string]int{}}
	reader := hl7v2.NewReader(r, hl7v2.Options{Source: source})
	c := &checker{parser: hl7v2.Parser{Options: hl7v2.Options{Source: source}}, unchecked: res.Unchecked}
	for raw, err := range reader.All() {
		if err != nil {
			var f *diag.Finding
			if errors.As(err, &f) {
				report(f)
				return res, nil
			}
			return res, err
		}
		if err := ctx.Err(); err != nil {
			return res, err
		}
		res.Messages++
		for _, f := range c.record(raw) {
			report(f)
		}
	}
	for _, f := range reader.Findings() {
		report(f)
	}
	return res, nil
}

type checker struct {
	parser    hl7v2.Parser
	unchecked map[string]int

	m      *hl7v2.Message
	seg    tree.Node
	newest string // the datatype that the newest version gives to the field that is looked at
	found  []*diag.Finding
	counts [diag.Info + 1]int
}

// record checks one message.
func (c *checker) record(raw *hl7v2.Raw) []*diag.Finding {
	m, err := c.parser.Parse(raw)
	if err != nil {
		var f *diag.Finding
		if !errors.As(err, &f) {
			f = diag.New("CP-V2-002", diag.Place{Source: c.parser.Options.Source, Record: raw.Record}, "%s", err)
		}
		return append(slices.Clone(raw.Findings), f)
	}
	id := m.Group()
	c.m, c.found, c.counts = m, slices.Clone(m.Findings), [diag.Info + 1]int{}
	if id != "" {
		c.structure(id)
	}
	if m.Version != "" && !slices.Contains(schema.Versions(), m.Version) {
		c.unchecked["messages of a version that the dictionary has not: by the nearest that it has"]++
	}
	hl7v2.Segments(m.Doc, tree.Root, func(n tree.Node) bool {
		c.segment(n)
		return true
	})
	if slices.Max(c.counts[:]) > maxFindings {
		c.found = append(c.found, diag.New(tooMany, m.Place(m.First(tree.Root)), ""))
	}
	slices.SortStableFunc(c.found, func(a, b *diag.Finding) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column), cmp.Compare(a.ID, b.ID))
	})
	return c.found
}

// find reports a finding at a node; below is what is behind its place: -3 of a field that is not there.
func (c *checker) find(id diag.ID, n tree.Node, below, format string, args ...any) *diag.Finding {
	severity := id.Entry().Severity
	if c.counts[severity]++; c.counts[severity] > maxFindings {
		return &diag.Finding{ID: id}
	}
	f := diag.New(id, c.m.Place(n), format, args...)
	f.Place.Path += below
	if id == segmentMany || id == segmentUnknown { // which says more than that it does not belong there
		c.found = slices.DeleteFunc(c.found, func(o *diag.Finding) bool {
			return o.Place == f.Place && (o.ID == "CP-V2-023" || o.ID == "CP-V2-024")
		})
	}
	c.found = append(c.found, f)
	return f
}

// structure looks for what each group of the message must have and has not, by the structure of its version. The dictionary has slips
// (the groups of OML_O21 in 2.6 do not repeat and must all be there), so that the structure of all versions must agree.
func (c *checker) structure(id string) {
	part := schema.StructureIn(id, c.m.Version)
	if part == nil {
		return
	}
	c.group(tree.Root, part, schema.Structure(id))
}

// partOf is the part of a group that holds a segment, or is a group of that name; nil if there is none.
func partOf(group *schema.Part, name string) *schema.Part {
	if group == nil {
		return nil
	}
	for _, p := range group.Parts {
		if p.Name == name && name != "" || p.Choice && slices.ContainsFunc(p.Parts, func(q *schema.Part) bool { return q.Name == name }) {
			return p
		}
	}
	return nil
}

// demanded reports whether a part must be there, in its version and in all.
func demanded(p *schema.Part, all *schema.Part) bool {
	name := p.Name
	if p.Choice {
		name = p.Parts[0].Name
	}
	other := partOf(all, name)
	return p.Min > 0 && (all == nil || other != nil && other.Min > 0)
}

func (c *checker) group(n tree.Node, part, all *schema.Part) {
	d := c.m.Doc
	for _, p := range part.Parts {
		switch {
		case p.IsSegment():
			if demanded(p, all) && !c.below(n, p.Name) {
				c.missing(n, part, p.Name)
			}
		case p.Choice:
			if demanded(p, all) && !slices.ContainsFunc(p.Parts, func(q *schema.Part) bool { return c.below(n, q.Name) }) {
				names := make([]string, len(p.Parts))
				for i, q := range p.Parts {
					names[i] = q.Name
				}
				c.missing(n, part, strings.Join(names, " or "))
			}
		default:
			groups := 0
			for k := d.First(n); k != 0; k = d.Next(k) {
				if d.Name(k) == p.Name && !hl7v2.IsSegment(d, k) {
					groups++
					c.group(k, p, partOf(all, p.Name))
				}
			}
			if first := mustHold(p); groups == 0 && demanded(p, all) && first != "" && !c.below(n, first) {
				c.missing(n, part, first)
			}
		}
	}
	allowed := allowance(part)
	more := map[string]int{}
	if all != nil {
		more = allowance(all)
	}
	seen := map[string]int{}
	for k := d.First(n); k != 0; k = d.Next(k) {
		name := d.Name(k)
		if !hl7v2.IsSegment(d, k) {
			continue
		}
		most, ok := allowed[name]
		if other, known := more[name]; known && (other == 0 || other > most && most > 0) {
			most = other
		}
		if ok && most > 0 {
			if seen[name]++; seen[name] == most+1 {
				c.find(segmentMany, k, "", "%s stands more often in %s than its structure allows", name, c.groupName(n, part))
			}
		}
	}
}

// allowance is how often each segment may stand directly in a group; 0 is without limit.
func allowance(group *schema.Part) map[string]int {
	most := map[string]int{}
	count := func(p *schema.Part, limit int) {
		if have, ok := most[p.Name]; ok && (have == 0 || limit == 0) {
			most[p.Name] = 0
		} else {
			most[p.Name] = have + limit
		}
	}
	for _, p := range group.Parts {
		if p.IsSegment() {
			count(p, p.Max)
		} else if p.Choice {
			for _, q := range p.Parts {
				count(q, p.Max)
			}
		}
	}
	return most
}

// mustHold is the segment that a group must have, "" if it may be made of several.
func mustHold(p *schema.Part) string {
	for _, q := range p.Parts {
		switch {
		case q.Min == 0 || q.Choice:
		case q.IsSegment():
			return q.Name
		default:
			if s := mustHold(q); s != "" {
				return s
			}
		}
	}
	return ""
}

// below reports whether a segment stands in a group, at any depth: versions differ in their inner groups.
func (c *checker) below(n tree.Node, name string) bool {
	return !hl7v2.Segments(c.m.Doc, n, func(k tree.Node) bool { return c.m.Name(k) != name })
}

func (c *checker) groupName(n tree.Node, part *schema.Part) string {
	if n == tree.Root {
		return part.Name
	}
	return "the group " + part.Name
}

func (c *checker) missing(n tree.Node, part *schema.Part, name string) {
	first := tree.Node(0)
	hl7v2.Segments(c.m.Doc, n, func(k tree.Node) bool {
		first = k
		return false
	})
	if first != 0 {
		c.find(segmentMissing, first, "", "%s is missing in %s", name, c.groupName(n, part))
	}
}

// segment checks the fields of a segment.
func (c *checker) segment(n tree.Node) {
	d := c.m.Doc
	name := d.Name(n)
	if name == hl7v2.StrayName {
		return
	}
	if name[0] == 'Z' {
		c.unchecked["segments that a site defined (Z..): there is no dictionary of them"]++
		return
	}
	s := schema.SegmentIn(name, c.m.Version)
	if s == nil {
		c.find(segmentUnknown, n, "", "no version of HL7 has a segment %s", name)
		return
	}
	c.seg = n
	before, after := neighbours(name, c.m.Version)
	newest := schema.SegmentIn(name, "")
	for i := range s.Fields {
		f := &s.Fields[i]
		number := hl7v2.Number(i + 1)
		if name == "OBX" && i == 1 {
			continue // OBX-2, which must be there where OBX-5 is
		}
		if f.Usage == schema.Required && (needs(before, i) || needs(after, i)) && !c.filled(n, number) {
			c.find(fieldMissing, n, "-"+number, "%s-%s (%s) is missing", name, number, cmp.Or(f.Name, "a field"))
		}
	}
	last, count := "", 0
	for k := d.First(n); k != 0; k = d.Next(k) {
		number := d.Name(k)
		if name == "MSH" && (number == "1" || number == "2") || d.Empty(k) {
			continue
		}
		i := position(number)
		if i == 0 {
			continue
		}
		if i > len(s.Fields) || s.Fields[i-1].Datatype == "" || s.Fields[i-1].Usage == schema.Withdrawn {
			if number != last {
				c.find(fieldUnknown, k, "", "version %s has no field %s-%s", cmp.Or(c.m.Version, "unknown"), name, number)
			}
			last = number
			continue
		}
		f := &s.Fields[i-1]
		if number != last {
			last, count = number, 0
		}
		if count++; count == f.Max+1 && f.Max == 1 && once(before, after, i-1) {
			c.find(fieldMany, k, "", "%s-%s (%s) stands more than once", name, number, f.Name)
		}
		datatype := f.Datatype
		if name == "OBX" && i == 5 {
			datatype = c.valueType(n)
			if datatype == "" {
				continue
			}
		}
		c.newest = datatypeOf(newest, i-1)
		c.value(k, datatype, f.Table, 0)
	}
}

// neighbours are a segment in the versions before and after one. The dictionary has slips: what it says of one version alone is not held
// against a sender. Of 2.8 and later it knows what the guide says, which demands fields that 2.7 has withdrawn (PR1-2, MRG-2).
func neighbours(name, version string) (before, after *schema.Segment) {
	all := schema.Versions()
	i := slices.Index(all, schema.Nearest(version))
	if i > 0 {
		before = schema.SegmentIn(name, all[i-1])
	}
	if i+1 < len(all) {
		after = schema.SegmentIn(name, all[i+1])
	}
	return before, after
}

func needs(s *schema.Segment, i int) bool {
	return s != nil && i < len(s.Fields) && s.Fields[i].Usage == schema.Required
}

func once(before, after *schema.Segment, i int) bool {
	for _, s := range [...]*schema.Segment{before, after} {
		if s != nil && i < len(s.Fields) && s.Fields[i].Max != 1 {
			return false
		}
	}
	return true
}

// position is the number that a field or component is called by.
func position(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > 999 {
			return 0
		}
		n = 10*n + int(s[i]-'0')
	}
	return n
}

// filled reports whether a field has a value, or says that it has none: "" in quotes.
func (c *checker) filled(n tree.Node, number string) bool {
	d := c.m.Doc
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k) == number && !d.Empty(k) {
			return true
		}
	}
	return false
}

// valueType is the datatype of OBX-5, which OBX-2 names; "" if it cannot be told.
func (c *checker) valueType(n tree.Node) string {
	d := c.m.Doc
	two := d.Child(n, "2")
	if two == 0 || d.LeafText(two) == "" {
		c.find(fieldMissing, n, "-2", "OBX-2 (Value Type) is missing, and OBX-5 has a value")
		return ""
	}
	name := d.LeafText(two)
	if schema.DatatypeIn(name, c.m.Version) == nil {
		c.find(typeUnknown, two, "", "").WithValue(name)
		return ""
	}
	return name
}

// value checks a field, component or subcomponent against its datatype. depth is 0 for a field.
func (c *checker) value(n tree.Node, datatype, table string, depth int) {
	d := c.m.Doc
	dt := schema.DatatypeIn(datatype, c.m.Version)
	if dt == nil || datatype == "VARIES" {
		return
	}
	if len(dt.Components) == 0 || depth > 2 {
		for k := d.First(n); k != 0; k = d.Next(k) {
			if position(d.Name(k)) > 1 && !d.Empty(k) {
				c.excess(k, datatype, position(d.Name(k)), 1, depth)
				break
			}
		}
		c.leaf(n, datatype, table)
		return
	}
	if d.First(n) == 0 || d.Self != "" && d.Text(n) != "" { // its first component alone
		c.component(n, dt, 1, table, depth)
		return
	}
	for k := d.First(n); k != 0; k = d.Next(k) {
		i := position(d.Name(k))
		switch {
		case d.Empty(k) || i == 0:
		case i > len(dt.Components):
			c.excess(k, datatype, i, len(dt.Components), depth)
		default:
			c.component(k, dt, i, table, depth)
		}
	}
	for i := range dt.Components {
		if f := &dt.Components[i]; f.Usage == schema.Required && d.Child(n, hl7v2.Number(i+1)) == 0 {
			c.find(componentMissing, n, "."+hl7v2.Number(i+1), "component %d (%s) of %s is missing", i+1, cmp.Or(f.Name, "a component"), datatype)
		}
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// datatypeOf is the datatype that the newest version gives to a field, by its place from 0; empty if it has none.
func datatypeOf(newest *schema.Segment, i int) string {
	if newest == nil || i >= len(newest.Fields) {
		return ""
	}
	return newest.Fields[i].Datatype
}

// excess reports a component that the datatype of the version has not. Where a later version has it there (a CWE in the place of a
// CE), it is one that guides for older versions adopt.
func (c *checker) excess(k tree.Node, datatype string, i, most, depth int) {
	if datatype == "NA" || datatype == "MA" { // as many as there are
		return
	}
	if later := schema.DatatypeIn(c.newest, ""); depth == 0 && later != nil && c.newest != datatype && i <= len(later.Components) {
		c.find(componentLater, k, "", "%s has %s, %s of a later version more", datatype, plural(most, "component"), c.newest)
		return
	}
	c.find(componentUnknown, k, "", "%s has %s", datatype, plural(most, "component"))
}

func (c *checker) component(n tree.Node, dt *schema.Datatype, i int, table string, depth int) {
	f := &dt.Components[i-1]
	datatype := f.Datatype
	if dt.Name == "TS" && i == 1 {
		datatype = "DTM" // which versions before 2.5 call ST
	}
	if i > 1 || f.Table != "" {
		table = f.Table
	}
	c.value(n, datatype, table, depth+1)
}

// leaf checks a primitive value.
func (c *checker) leaf(n tree.Node, datatype, table string) {
	text := c.m.LeafText(n)
	if strings.Trim(text, " ") == "" || text == `""` {
		return
	}
	if form, ok := forms[datatype]; ok && !form.valid(text) {
		c.find(valueForm, n, "", "the value is no %s: %s", datatype, form.words).WithValue(text)
	}
	if datatype != "ID" || table == "" || table == "0396" { // to which every site may add
		return
	}
	code := strings.Trim(text, " ")
	if code[0] == 'Z' && (table == "0003" || table == "0076" || table == "0354") { // a site's own messages and events
		return
	}
	system, _ := terminology.ByName("HL7" + table)
	if holds, ok := terminology.Holds(system.URI, code); ok && !holds {
		c.find(codeUnknown, n, "", "table %s of HL7 has no such code", table).WithValue(text)
	}
}
