// Package schema is the dictionary of HL7 v2, versions 2.1 to 2.7.1, with what the guide HL7 v2-to-FHIR 1.0.0 says of 2.9:
// message structures with their groups, segments with their fields, datatypes with their components, and which trigger
// event has which structure.
//
// # One structure for all versions
//
// Structure gives one grammar for all versions of a message: the guide's (2.9) where it maps the message, else that of the
// newest version that has it, extended by whatever older versions had, so that every message that some version allows is
// allowed, and one table of rows serves them all. The groups have the names of the newest version. StructureIn gives the
// grammar of one version.
//
// The three text files are made by internal/gen/hl7schema. They are embedded compressed (make lists), and read when they are first
// asked for.
package schema

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/internal/squeezed"
)

var (
	//go:embed structures.txt.gz
	structuresList string
	//go:embed segments.txt.gz
	segmentsList string
	//go:embed datatypes.txt.gz
	datatypesList string
)

var versions = [...]string{"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.9"}

// Versions are those that the dictionary knows, in their order. Of 2.9 it knows what the guide maps.
func Versions() []string { return slices.Clone(versions[:]) }

// Nearest is the version of the dictionary that a version is read as: the last that is not later. 2.8 and all that follow
// are read as the last.
func Nearest(version string) string {
	if version == "" || later(version, "2.7.1") {
		return versions[len(versions)-1]
	}
	for i := len(versions) - 1; i > 0; i-- {
		if !later(versions[i], version) {
			return versions[i]
		}
	}
	return versions[0]
}

// Known reports whether HL7 has published such a version.
func Known(version string) bool {
	return slices.Contains(versions[:], version) || version == "2.8" || version == "2.8.1" || version == "2.8.2" || version == "2.9.1"
}

// later reports whether version a is later than b. The empty version is the latest.
func later(a, b string) bool {
	if a == "" || b == "" {
		return a == "" && b != ""
	}
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if m, n := number(x), number(y); m != n {
			return m > n
		}
	}
	return false
}

// number reads digits; anything else counts as 0.
func number(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > 1e6 {
			return 0
		}
		n = 10*n + int(s[i]-'0')
	}
	return n
}

// A Part of a message structure is a segment, a group with a name, or a choice between segments, which has none.
type Part struct {
	Name   string
	Min    int // 0 or 1
	Max    int // 1, or 0 without limit
	Choice bool
	Parts  []*Part // of a group or choice
}

// IsSegment reports whether the part is a single segment.
func (p *Part) IsSegment() bool { return p.Parts == nil }

// Child is the part of a group with a name, nil if it has none.
func (p *Part) Child(name string) *Part {
	for _, k := range p.Parts {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Holds reports that the part is, or has at any depth, the segment or group of a name.
func (p *Part) Holds(name string) bool {
	return p.Name == name || slices.ContainsFunc(p.Parts, func(k *Part) bool { return k.Holds(name) })
}

// String writes the part as the dictionary does: PATIENT(PID PD1? NK1* (OBR|RXO))+.
func (p *Part) String() string {
	var b strings.Builder
	p.write(&b)
	return b.String()
}

func (p *Part) write(b *strings.Builder) {
	b.WriteString(p.Name)
	if p.Parts != nil {
		b.WriteByte('(')
		for i, k := range p.Parts {
			if i > 0 {
				b.WriteByte(" |"[btoi(p.Choice)])
			}
			k.write(b)
		}
		b.WriteByte(')')
	}
	switch {
	case p.Min == 0 && p.Max == 1:
		b.WriteByte('?')
	case p.Min == 0:
		b.WriteByte('*')
	case p.Max != 1:
		b.WriteByte('+')
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

type structureIndex struct {
	all   string            // the grammar in which all versions are read
	since map[string]string // a version and its grammar
	parts map[string]*Part  // read so far, by version; "*" for all
}

var structures = sync.OnceValue(func() *structureTable {
	t := &structureTable{index: map[string]*structureIndex{}, same: map[string]string{}}
	for line := range strings.Lines(squeezed.Text(structuresList)) {
		if line[0] == '#' {
			continue
		}
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		version, text, _ := strings.Cut(rest, "\t")
		if version == "=" {
			t.same[id] = text
			continue
		}
		x := t.index[id]
		if x == nil {
			x = &structureIndex{parts: map[string]*Part{}}
			t.index[id] = x
		}
		if version == "*" {
			x.all = text
		} else {
			if x.since == nil {
				x.since = map[string]string{}
			}
			x.since[version] = text
		}
	}
	return t
})

type structureTable struct {
	sync.Mutex
	index map[string]*structureIndex
	same  map[string]string // an event or another name of the structure
}

// Structures lists the ids of all message structures.
func Structures() []string {
	var ids []string
	for id := range structures().index {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Structure is the grammar of a message structure such as ORU_R01 in which all versions are read, nil if there is none.
// An event that has the structure of another (ADT_A08) yields that: the name of the Part is the structure's id. The Part is
// shared and must not be changed.
func Structure(id string) *Part { return structure(id, "*") }

// StructureIn is the grammar of a structure in one version: that of the nearest version before it that says something else
// than the one before, or the first that has it.
func StructureIn(id, version string) *Part {
	t := structures()
	if to, ok := t.same[id]; ok {
		id = to
	}
	x := t.index[id]
	if x == nil {
		return nil
	}
	best, first := "", ""
	for v := range x.since {
		if !later(v, version) && (best == "" || later(v, best)) {
			best = v
		}
		if first == "" || later(first, v) {
			first = v
		}
	}
	if best == "" {
		best = first
	}
	if best == "" {
		best = "*" // only the guide has it
	}
	return structure(id, best)
}

func structure(id, version string) *Part {
	t := structures()
	if to, ok := t.same[id]; ok {
		id = to
	}
	x := t.index[id]
	if x == nil {
		return nil
	}
	t.Lock()
	defer t.Unlock()
	if p := x.parts[version]; p != nil {
		return p
	}
	text := x.all
	if version != "*" {
		text = x.since[version]
	}
	p := &Part{Name: id, Min: 1, Max: 1, Parts: parseParts(&text)}
	x.parts[version] = p
	return p
}

// parseParts reads a grammar up to a closing bracket.
func parseParts(s *string) []*Part {
	var parts []*Part
	for *s != "" && (*s)[0] != ')' {
		if c := (*s)[0]; c == ' ' || c == '|' {
			*s = (*s)[1:]
			continue
		}
		i := strings.IndexAny(*s, " |()?*+")
		if i < 0 {
			i = len(*s)
		}
		p := &Part{Name: (*s)[:i], Min: 1, Max: 1}
		*s = (*s)[i:]
		if strings.HasPrefix(*s, "(") {
			*s = (*s)[1:]
			p.Parts = parseParts(s)
			*s = (*s)[1:]
			p.Choice = p.Name == ""
		}
		if *s != "" {
			switch (*s)[0] {
			case '?':
				p.Min = 0
			case '*':
				p.Min, p.Max = 0, 0
			case '+':
				p.Max = 0
			}
			if strings.IndexByte("?*+", (*s)[0]) >= 0 {
				*s = (*s)[1:]
			}
		}
		parts = append(parts, p)
	}
	return parts
}

// defaults are the events of messages that name none, as 2.1 and 2.2 allowed.
var defaults = map[string]string{"ACK": "ACK", "MCF": "ACK", "ORU": "ORU_R01", "ORM": "ORM_O01", "ORR": "ORR_O02", "DFT": "DFT_P03", "VXU": "VXU_V04",
	"RDE": "RDE_O11", "RDS": "RDS_O13", "RAS": "RAS_O17", "RGV": "RGV_O15", "OML": "OML_O21", "OMG": "OMG_O19", "OMP": "OMP_O09",
	"SIU": "SIU_S12", "UDM": "UDM_Q05", "DSR": "DSR_Q01", "ADR": "ADR_A19"}

// StructureOf is the id of the structure that a message type has with a trigger event (table 0354), and whether the
// dictionary knows it. A type that goes with a single event may come without.
func StructureOf(messageType, event string) (id string, ok bool) {
	t := structures()
	id = messageType + "_" + event
	if messageType == "ACK" { // an acknowledgment looks the same whatever it acknowledges
		return "ACK", true
	}
	if to, ok := t.same[id]; ok {
		return to, true
	}
	if _, ok := t.index[id]; ok {
		return id, true
	}
	if event == "" {
		id, ok = defaults[messageType]
		return id, ok
	}
	return "", false
}

// A Segment of one version.
type Segment struct {
	Name, Desc  string
	First, Last string // the versions between which the dictionary knows it
	Fields      []Field
}

// A Datatype of one version. A primitive one has no components.
type Datatype struct {
	Name, Desc  string
	First, Last string
	Components  []Field
}

// A Field of a segment, or a component of a datatype. A number that the version does not use has no name.
type Field struct {
	Name     string
	Datatype string
	Usage    Usage
	Max      int    // how often it may stand; 0 is without limit
	Length   int    // 0 if the version does not limit it
	Table    string // four digits, "" if it has none
}

// Usage says whether a field must be there.
type Usage byte

const (
	Optional    Usage = 'O' // it may be there
	Required    Usage = 'R' // it must be there
	Conditional Usage = 'C' // whether it must depends on other fields
	Withdrawn   Usage = 'X' // earlier versions had it
)

// SegmentIn looks up a segment in a version, or the nearest that has it; "" is the latest. Nil if there is no such segment.
// What it returns is shared and must not be changed.
func SegmentIn(name, version string) *Segment {
	return lookUp(&segments, segmentIndex(), name, version, func(text, version string) *Segment {
		s := &Segment{Name: name}
		s.First, s.Last, s.Desc, s.Fields = read(text, version)
		return s
	})
}

// DatatypeIn looks up a datatype in a version, or the nearest that has it; "" is the latest. Nil if there is none. What it
// returns is shared and must not be changed.
func DatatypeIn(name, version string) *Datatype {
	return lookUp(&datatypes, datatypeIndex(), name, version, func(text, version string) *Datatype {
		d := &Datatype{Name: name}
		d.First, d.Last, d.Desc, d.Components = read(text, version)
		return d
	})
}

// What has been read so far, by name and version.
var segments, datatypes sync.Map

// lookUp gives what known has of a name and a version, or makes it of the line that the index has, nil if it has none.
func lookUp[T any](known *sync.Map, index map[string]string, name, version string, make func(text, version string) *T) *T {
	text := index[name]
	if text == "" {
		return nil
	}
	key := [2]string{name, Nearest(version)}
	if have, ok := known.Load(key); ok {
		return have.(*T)
	}
	made := make(text, key[1])
	known.Store(key, made)
	return made
}

// Segments lists the names of all segments.
func Segments() []string { return names(segmentIndex()) }

// Datatypes lists the names of all datatypes.
func Datatypes() []string { return names(datatypeIndex()) }

func names(m map[string]string) []string {
	var list []string
	for n := range m {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

var segmentIndex = sync.OnceValue(func() map[string]string { return index(squeezed.Text(segmentsList)) })
var datatypeIndex = sync.OnceValue(func() map[string]string { return index(squeezed.Text(datatypesList)) })

// index cuts a file at its lines ">NAME".
func index(text string) map[string]string {
	m := map[string]string{}
	for {
		i := strings.Index(text, "\n>")
		if i < 0 {
			return m
		}
		text = text[i+2:]
		end := strings.Index(text, "\n>")
		if end < 0 {
			end = len(text) - 1
		}
		name, rest, _ := strings.Cut(text[:end], "\t")
		m[name] = rest
	}
}

// read picks what holds in a version from the lines of a segment or datatype (their form: internal/gen/hl7schema).
func read(text, version string) (first, last, desc string, fields []Field) {
	head, rest, _ := strings.Cut(text, "\n")
	h := strings.SplitN(head, "\t", 3)
	first, last, desc = h[0], h[1], h[2]
	if later(first, version) {
		version = first // the nearest
	}
	for line := range strings.Lines(rest) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		n := number(c[0])
		if later(c[1], version) {
			continue
		}
		for len(fields) < n {
			fields = append(fields, Field{Max: 1})
		}
		f := &fields[n-1]
		if len(c) > 2 && c[2] == "x" {
			*f = Field{Max: 1}
			continue
		}
		for i, v := range c[2:] {
			if v == "" {
				continue
			}
			none := v == "-"
			switch i {
			case 0:
				if f.Datatype = v; none {
					f.Datatype = ""
				}
			case 1:
				if f.Usage = Usage(v[0]); none {
					f.Usage = 0
				}
				f.Max = 1
				if len(v) > 1 {
					f.Max = number(v[1:])
				}
			case 2:
				f.Length = number(v) // "-" is 0
			case 3:
				if f.Table = v; none {
					f.Table = ""
				}
			case 4:
				if f.Name = v; none {
					f.Name = ""
				}
			}
		}
	}
	for len(fields) > 0 && fields[len(fields)-1] == (Field{Max: 1}) {
		fields = fields[:len(fields)-1]
	}
	return first, last, desc, fields
}
