package mapping

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
)

// A Set is what several mapping files say together: the built-in files, and over them the overlays, of which the last wins.
//
// Blocks of one table in several built-in files add up in the order of the files. An overlay's rows and codes stand before
// those of the overlays before it, and these before the built-in ones (in a scope behind them, but before Z*); drop and replace
// change what stands below.
// "table CWE -> Quantity|SimpleQuantity" is one table for each type.
//
// Tables and codes are put together when they are first asked for. A Set may be used by several goroutines. What it hands
// out belongs to it and must not be changed.
type Set struct {
	builtin, overlays []*File

	tables    map[Key]*tableEntry
	keys      []Key // in the order of their first block
	codes     map[string]*codesEntry
	codeNames []string
	systems   map[string]*System
	sysNames  []string
}

// Key names a table: PID[Patient].
type Key struct{ Name, Type string }

func (k Key) String() string { return k.Name + "[" + k.Type + "]" }

type tableEntry struct {
	key    Key
	parts  []*Table // the built-in blocks
	layers []layer  // one for each overlay that says something of this table

	once  sync.Once
	table *Table
	hits  map[*Change]int
	err   error
}

type layer struct {
	parts   []*Table
	changes []*Change
}

type codesEntry struct {
	parts, over []*Codes // over: the overlays' blocks, the one that wins first

	once  sync.Once
	codes *Codes
	err   error
}

// Merge puts built-in files and overlays together. The error is a Faults: overlays that drop or replace what is not there,
// that define something twice, or that disagree about a system. Rows of built-in files that were only indexed are not looked
// at before they are needed; Check looks at all.
func Merge(builtin, overlays []*File) (*Set, error) {
	s := &Set{builtin: builtin, overlays: overlays, tables: map[Key]*tableEntry{}, codes: map[string]*codesEntry{}, systems: map[string]*System{}}
	var faults Faults
	for _, f := range builtin {
		for _, x := range f.Items {
			switch x := x.(type) {
			case *Table:
				for _, typ := range x.Types {
					e := s.entry(Key{x.Name, typ})
					e.parts = append(e.parts, x)
				}
			case *Codes:
				e := s.codesEntry(x.Name)
				e.parts = append(e.parts, x)
			case *System:
				faults = s.addSystem(faults, x)
			case *Change:
				faults = append(faults, &Fault{Pos: x.Pos, Msg: "a built-in file changes no other", Hint: "change the row itself"})
			}
		}
	}
	var changes []*Change
	for _, f := range overlays {
		at := map[Key]int{} // this overlay's layer in each entry
		over := func(k Key) *layer {
			e := s.entry(k)
			i, ok := at[k]
			if !ok {
				i = len(e.layers)
				at[k] = i
				e.layers = append(e.layers, layer{})
			}
			return &e.layers[i]
		}
		change := func(x *Change) {
			known := false
			for _, typ := range x.Types {
				if k := (Key{x.Table, typ}); s.tables[k] != nil {
					known = true
					l := over(k)
					l.changes = append(l.changes, x)
				}
			}
			if known {
				changes = append(changes, x)
				return
			}
			faults = append(faults, &Fault{ID: MapNoRow, Pos: x.Pos, Hint: s.nearTable(x.Table, x.Types[0]),
				Msg: fmt.Sprintf("there is no table %s -> %s", x.Table, strings.Join(x.Types, "|"))})
		}
		var mine []*Codes
		for _, x := range f.Items {
			switch x := x.(type) {
			case *Table:
				for _, line := range x.Lines {
					if c, ok := line.(*Change); ok {
						change(c)
					}
				}
				if len(x.Rows) == 0 {
					continue // only changes
				}
				for _, typ := range x.Types {
					l := over(Key{x.Name, typ})
					l.parts = append(l.parts, x)
				}
			case *Codes:
				mine = append(mine, x)
			case *System:
				faults = s.addSystem(faults, x)
			case *Change:
				change(x)
			}
		}
		for _, x := range slices.Backward(mine) {
			e := s.codesEntry(x.Name)
			e.over = slices.Insert(e.over, 0, x)
		}
	}
	hits := map[*Change]int{}
	seen := map[*tableEntry]bool{}
	for _, c := range changes {
		for _, typ := range c.Types {
			e := s.tables[Key{c.Table, typ}]
			if e == nil || seen[e] {
				continue
			}
			seen[e] = true
			e.merge()
			faults = append(faults, FaultsOf(e.err)...)
			for c, n := range e.hits {
				hits[c] += n
			}
		}
	}
	for _, c := range changes {
		if hits[c] == 0 {
			faults = append(faults, s.noRow(c))
		}
	}
	for _, name := range s.codeNames {
		if e := s.codes[name]; len(e.over) > 0 {
			_, err := s.Codes(name)
			faults = append(faults, FaultsOf(err)...)
		}
	}
	return s, faults.err()
}

func (s *Set) entry(k Key) *tableEntry {
	e := s.tables[k]
	if e == nil {
		e = &tableEntry{key: k}
		s.tables[k] = e
		s.keys = append(s.keys, k)
	}
	return e
}

func (s *Set) codesEntry(name string) *codesEntry {
	e := s.codes[name]
	if e == nil {
		e = &codesEntry{}
		s.codes[name] = e
		s.codeNames = append(s.codeNames, name)
	}
	return e
}

func (s *Set) addSystem(faults Faults, x *System) Faults {
	have := s.systems[x.Name]
	switch {
	case have == nil:
		s.systems[x.Name] = x
		s.sysNames = append(s.sysNames, x.Name)
	case have.URI != x.URI:
		return append(faults, &Fault{ID: MapTwice, Pos: x.Pos, Msg: fmt.Sprintf("system %s is %s in %s", x.Name, have.URI, have.Pos),
			Hint: "names of systems hold in all files: take another name"})
	}
	return faults
}

// Tables gives the keys of all tables, in the order of files and lines.
func (s *Set) Tables() []Key { return slices.Clone(s.keys) }

// Has reports whether there is such a table, without parsing it.
func (s *Set) Has(name, typ string) bool { return s.tables[Key{name, typ}] != nil }

// TypesOf gives the types for which there is a table of this name.
func (s *Set) TypesOf(name string) []string {
	var types []string
	for _, k := range s.keys {
		if k.Name == name {
			types = append(types, k.Type)
		}
	}
	return types
}

// Table gives a table with the rows of all files, nil if there is none. The error is a Faults.
func (s *Set) Table(name, typ string) (*Table, error) {
	e := s.tables[Key{name, typ}]
	if e == nil {
		return nil, nil
	}
	e.merge()
	return e.table, e.err
}

// HasCodes reports whether there are such codes, without parsing them.
func (s *Set) HasCodes(name string) bool { return s.codes[name] != nil }

// CodeNames gives the names of all codes, in the order of files and lines.
func (s *Set) CodeNames() []string { return slices.Clone(s.codeNames) }

// System gives the URI that a system's name stands for.
func (s *Set) System(name string) (uri string, ok bool) {
	x := s.systems[name]
	if x == nil {
		return "", false
	}
	return x.URI, true
}

// SystemNames gives the names of all systems, in the order of files and lines.
func (s *Set) SystemNames() []string { return slices.Clone(s.sysNames) }

// proven reports a file whose rows are held against the laws by tests, as those of the built-in files are.
func (s *Set) proven(file string) bool {
	in := func(f *File) bool { return f.Name == file && f.proven }
	return slices.ContainsFunc(s.builtin, in) || slices.ContainsFunc(s.overlays, in)
}

// allProven reports that all files are such.
func (s *Set) allProven() bool {
	foreign := func(f *File) bool { return !f.proven }
	return !slices.ContainsFunc(s.builtin, foreign) && !slices.ContainsFunc(s.overlays, foreign)
}

// Overlays gives the overlays, the last of which wins.
func (s *Set) Overlays() []*File { return s.overlays }

// Rows lists every row of every table in the order of Tables. Tables with faults give what could be read of them.
func (s *Set) Rows() iter.Seq2[Key, *Row] {
	return func(yield func(Key, *Row) bool) {
		for _, k := range s.keys {
			t, _ := s.Table(k.Name, k.Type)
			for _, r := range t.Rows {
				if !yield(k, r) {
					return
				}
			}
		}
	}
}

// merge puts the blocks of a table together.
func (e *tableEntry) merge() {
	e.once.Do(func() {
		t := &Table{Name: e.key.Name, Types: []string{e.key.Type}}
		e.table = t
		var faults Faults
		add := func(parts []*Table) (rows []*Row) {
			for _, x := range parts {
				if t.Pos.Line == 0 {
					t.Pos = x.Pos
				}
				if t.Note == "" {
					t.Note = x.Note
				}
				r, err := x.rows()
				faults = append(faults, FaultsOf(err)...)
				if len(parts) == 1 {
					return r
				}
				rows = append(rows, r...)
			}
			return rows
		}
		t.Rows = add(e.parts)
		var first *Row // of the overlay below
		for _, l := range e.layers {
			rows := slices.Clone(t.Rows)
			for _, c := range l.changes {
				if e.hits == nil {
					e.hits = map[*Change]int{}
				}
				var n int
				rows, n, faults = c.apply(rows, faults)
				e.hits[c] += n
			}
			mine := add(l.parts)
			at := 0
			if e.key.Type == "Bundle" {
				at = besides(rows, first)
			}
			if len(mine) > 0 {
				first = mine[0]
			}
			t.Rows = slices.Insert(rows, at, mine...)
		}
		e.err = faults.err()
	})
}

// besides is where an overlay's rows stand in a scope: behind the built-in rows, since the first of these are the scope's anchor and
// the order of its resources, but before a row for any name (Z*), which would take theirs, and before the overlay below.
func besides(rows []*Row, below *Row) int {
	at := len(rows)
	for i, r := range rows {
		step := r.Place
		if j := strings.IndexAny(step, ".-[/"); j >= 0 {
			step = step[:j]
		}
		if r == below || strings.HasSuffix(step, "*") {
			at = i
			break
		}
	}
	for at > 0 && at < len(rows) && rows[at].Else {
		at-- // not into a chain
	}
	return at
}

// apply drops or replaces the rows that a change names.
func (c *Change) apply(rows []*Row, faults Faults) ([]*Row, int, Faults) {
	var hit []int
	for i, r := range rows {
		if c.names(r) {
			hit = append(hit, i)
		}
	}
	if len(hit) == 0 {
		return rows, 0, faults
	}
	if c.Replace {
		fault := &Fault{ID: MapNoRow, Pos: c.Pos}
		switch old := rows[hit[0]]; {
		case len(hit) > 1:
			fault.Msg = fmt.Sprintf("%d rows go from %s to %s (%s and %s)", len(hit), c.Place, c.Target, rows[hit[0]].Pos, rows[hit[1]].Pos)
			fault.Hint = "add the row's with or if: " + c.Place + " -> " + c.Target + "  " + clauseText(old.With, old.If)
		case c.Row == nil:
			return rows, len(hit), faults // the parser has said so
		case c.Row.Else && !old.Else:
			fault.Pos = c.Row.Pos
			fault.Msg = "else would chain the new row to the row above the one that it replaces"
			fault.Hint = "write the row without else, as the row that it replaces"
		default:
			rows[hit[0]] = c.Row
			return rows, 1, faults
		}
		return rows, len(hit), append(faults, fault)
	}
	for _, i := range slices.Backward(hit) {
		if !rows[i].Else && i+1 < len(rows) && rows[i+1].Else {
			next := *rows[i+1] // the chain goes on and now begins here
			next.Else = false
			rows[i+1] = &next
		}
		rows = slices.Delete(rows, i, i+1)
	}
	return rows, len(hit), faults
}

// names reports whether the change means the row.
func (c *Change) names(r *Row) bool {
	return sameText(c.Place, r.first()) && sameText(c.Target, r.third()) &&
		(c.With == nil && c.If == nil || slices.Equal(c.With, r.With) && slices.Equal(c.If, r.If))
}

// first is what stands in the row's first column, direction and else aside.
func (r *Row) first() string {
	switch r.Kind {
	case ConstTarget:
		return quoted(r.Literal)
	case DeclineTarget:
		return "-"
	}
	return r.Place
}

// third is what stands for the target when a row is named.
func (r *Row) third() string {
	switch r.Kind {
	case ConstSource:
		return quoted(r.Literal)
	case DeclineSource:
		return "-"
	}
	return r.Target
}

// sameText compares two columns: a bare word may have been written in quotes.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	x, ok := literal(a)
	y, is := literal(b)
	return ok && is && x == y && (a[0] == '\'') == (b[0] == '\'')
}

func (s *Set) noRow(c *Change) *Fault {
	f := &Fault{ID: MapNoRow, Pos: c.Pos, Msg: fmt.Sprintf("%s[%s] has no row from %s to %s", c.Table, strings.Join(c.Types, "|"), c.Place, c.Target)}
	var same []string
	best, at := 6, ""
	for _, typ := range c.Types {
		t, _ := s.Table(c.Table, typ)
		if t == nil {
			continue
		}
		for _, r := range t.Rows {
			text := r.first() + " -> " + r.third()
			if sameText(c.Place, r.first()) {
				if sameText(c.Target, r.third()) {
					text += "  " + clauseText(r.With, r.If)
				}
				same = append(same, text)
			} else if d := Distance(c.Place+" -> "+c.Target, text); d < best {
				best, at = d, text
			}
		}
	}
	switch {
	case len(same) > 0:
		f.Hint = "its rows from there: " + strings.Join(slices.Compact(same), ", ")
	case at != "":
		f.Hint = "did you mean " + at + "?"
	}
	return f
}

// nearTable is a hint at a table of a similar name or of another type.
func (s *Set) nearTable(name, typ string) string {
	if types := s.TypesOf(name); len(types) > 0 {
		return fmt.Sprintf("there is %s -> %s", name, strings.Join(types, ", "))
	}
	var names []string
	for _, k := range s.keys {
		if k.Type == typ {
			names = append(names, k.Name)
		}
	}
	return near(name, names)
}

// Codes gives codes with the lines of all files, nil if there are none of the name. The error is a Faults.
//
// A code that an overlay translates is taken out of the lines below; where an overlay takes the way back of a code, the line
// below it goes only forward. So of the lines that Codes gives, no two of one Set disagree because of an overlay.
func (s *Set) Codes(name string) (*Codes, error) {
	e := s.codes[name]
	if e == nil {
		return nil, nil
	}
	e.once.Do(func() { e.merge(s) })
	return e.codes, e.err
}

func (e *codesEntry) merge(s *Set) {
	c := &Codes{}
	e.codes = c
	var faults Faults
	from := map[string]bool{}
	back := map[string]*Code{}
	for i, x := range slices.Concat(e.over, e.parts) {
		if i == 0 {
			c.Pos, c.Name = x.Pos, x.Name
		}
		for _, side := range [...]struct{ dst, src *string }{{&c.System, &x.System}, {&c.From, &x.From}} {
			if *side.dst == "" {
				*side.dst = *side.src
			} else if *side.src != "" && s.uri(*side.dst) != s.uri(*side.src) {
				at := x.Pos
				if len(e.over) > 0 {
					at = c.Pos // the overlay's
				}
				faults = append(faults, &Fault{ID: MapTwice, Pos: at, Msg: fmt.Sprintf("codes %s are of system %s and of %s", x.Name, *side.dst, *side.src),
					Hint: "leave the system out, or give the codes another name"})
			}
		}
		if c.Note == "" {
			c.Note = x.Note
		}
		lines, err := x.lines()
		faults = append(faults, FaultsOf(err)...)
		if len(e.over) == 0 {
			if len(e.parts) == 1 {
				c.Codes = lines
			} else {
				c.Codes = append(c.Codes, lines...)
			}
			continue
		}
		// Only a block that stands above takes something from this one: within a block, twice is a fault.
		for _, k := range lines {
			switch taker := back[k.To]; {
			case i > 0 && from[k.From] && k.Direction != Backward:
				continue
			case i > 0 && taker != nil && k.Direction == Both && !k.Declined:
				k = &Code{Pos: k.Pos, Direction: Forward, From: k.From, To: k.To, Note: k.Note}
				if k.Note == "" {
					k.Note = fmt.Sprintf("%s says what %s is written back as", taker.Pos, k.To)
				}
			case i > 0 && taker != nil && k.Direction == Backward:
				continue
			}
			c.Codes = append(c.Codes, k)
		}
		for _, k := range lines {
			if k.Direction != Backward {
				from[k.From] = true
			}
			if k.Direction != Forward && !k.Declined && back[k.To] == nil {
				back[k.To] = k
			}
		}
	}
	e.err = faults.err()
}

// uri is what a system's name stands for, or the URI that it is.
func (s *Set) uri(name string) string {
	name = strings.Trim(name, "'")
	if uri, ok := s.System(name); ok {
		return uri
	}
	return name
}

// Check parses every block and gives all faults of all files: what does not parse, what stands twice, codes that disagree. That
// rows fit their tables is for Compile to say.
func (s *Set) Check() error {
	var faults Faults
	for _, f := range s.builtin {
		faults = append(faults, twice(f)...)
	}
	for _, k := range s.keys {
		_, err := s.Table(k.Name, k.Type)
		faults = append(faults, FaultsOf(err)...)
	}
	for _, name := range s.codeNames {
		c, err := s.Codes(name)
		faults = append(faults, FaultsOf(err)...)
		faults = append(faults, FaultsOf(c.Check())...)
	}
	return unique(faults).err()
}

// unique leaves out faults that were met twice, as those of a table of two types.
func unique(faults Faults) Faults {
	seen := map[*Fault]bool{}
	return slices.DeleteFunc(faults, func(f *Fault) bool {
		if seen[f] {
			return true
		}
		seen[f] = true
		return false
	})
}

// Check finds codes that stand twice: one code translated twice, or two codes written for one without saying which.
func (c *Codes) Check() error {
	var faults Faults
	lines, err := c.lines()
	faults = append(faults, FaultsOf(err)...)
	from := make(map[string]*Code, len(lines))
	back := make(map[string]*Code, len(lines))
	for _, k := range lines {
		if k.Direction != Backward {
			if have := from[k.From]; have != nil {
				hint := "remove one of them"
				if have.To != k.To {
					hint = "a code has one translation; mark a line < if it is only for the way back"
				}
				faults = append(faults, &Fault{ID: MapTwice, Pos: k.Pos, Msg: fmt.Sprintf("the code %s of %s stands twice (%s)", k.From, c.Name, have.Pos), Hint: hint})
			} else {
				from[k.From] = k
			}
		}
		if k.Direction != Forward && !k.Declined {
			if have := back[k.To]; have != nil {
				if have.From != k.From {
					faults = append(faults, &Fault{ID: MapTwice, Pos: k.Pos, Msg: fmt.Sprintf("%s of %s would be written back as %s and as %s (%s)", k.To, c.Name, have.From, k.From, have.Pos),
						Hint: "mark the one that is not written > and say so behind #"})
				}
			} else {
				back[k.To] = k
			}
		}
	}
	return faults.err()
}

// twice finds what one file defines twice. Two blocks of a table are no fault if their types differ, or the tables that stand in them: the rows
// that all share stand in one, and what each has for itself in another.
func twice(f *File) Faults {
	var faults Faults
	seen := map[string]Pos{}
	for _, x := range f.Items {
		var what, hint string
		switch x := x.(type) {
		case *Table:
			if x.again {
				continue
			}
			what, hint = "table "+strings.Join(x.Names(), "|")+" -> "+strings.Join(x.Types, "|"), "put the rows together in one block"
		case *Codes:
			what, hint = "codes "+x.Name, "put the lines together in one block"
		case *System:
			what, hint = "system "+x.Name, "remove one of them"
		default:
			continue
		}
		if at, ok := seen[what]; ok {
			faults = append(faults, &Fault{ID: MapTwice, Pos: x.At(), Msg: fmt.Sprintf("%s stands twice in this file (line %d)", what, at.Line), Hint: hint})
			continue
		}
		seen[what] = x.At()
	}
	return faults
}
