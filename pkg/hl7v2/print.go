package hl7v2

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/tree"
)

// PrintOptions of writing a tree that was built. The zero value is right for most.
type PrintOptions struct {
	// Structure whose order the segments take; that of MSH-9 if empty.
	Structure string
	// Charset to write in, a name of table 0211. If empty it is that of MSH-18, UTF-8 if that is ASCII or empty and not
	// enough.
	Charset string
}

// Append appends the message as ER7 with its own delimiters and in its own character set. What has not been changed since
// it was parsed is written as it was, but each segment ends in CR.
func (m *Message) Append(dst []byte) []byte {
	w := writer{d: m.Doc, dst: dst, delims: m.Delimiters, src: m.text, set: m.escapes, from: len(dst)}
	Segments(m.Doc, tree.Root, func(n tree.Node) bool {
		w.segment(n)
		return true
	})
	if b, ok := m.set.encode(w.dst, w.from); ok {
		return b
	}
	return w.dst // it was changed, and no longer fits: UTF-8
}

// AppendMessage appends a tree that was built as a message with the recommended delimiters. Segments stand in the order of
// the message structure, fields and components in that of their numbers; what is empty at the end is left out. Findings
// say what could not be written as it is.
func AppendMessage(dst []byte, d *tree.Doc, o PrintOptions) ([]byte, []*diag.Finding) {
	w := writer{d: d, dst: dst, delims: Recommended, from: len(dst), built: true}
	msh := find(d, tree.Root, "MSH")
	if msh == 0 {
		return dst, []*diag.Finding{diag.New("CP-V2-001", diag.Place{}, "")}
	}
	declared := w.text(msh, "18")
	set := lookupCharset(declared)
	var findings []*diag.Finding
	if o.Charset != "" {
		set = lookupCharset(o.Charset)
		if set == nil {
			findings = append(findings, diag.New("CP-V2-013", diag.Place{Path: "MSH-18"}, "the character set %q of the options is not known", o.Charset))
		}
	}
	if set == nil {
		set = ascii
	}
	if set == latin1 && o.Charset == "" {
		set = strictLatin1 // as others will read it
	}
	switch set {
	case utf16, utf32s:
		set = utf8Set // MLLP and files of messages are bytes
	}
	print := func(charset string) {
		w.dst, w.charset = w.dst[:w.from], charset
		w.findings = w.findings[:0]
		printOrderAs(d, o.Structure, func(n tree.Node) { w.segment(n) })
	}
	name := declared
	if o.Charset != "" && len(findings) == 0 {
		name = set.name
	}
	print(name)
	b, ok := set.encode(w.dst, w.from)
	if !ok {
		print(utf8Set.name)
		b = w.dst
		if declared != "" || o.Charset != "" {
			findings = append(findings, diag.New("CP-V2-030", diag.Place{Path: "MSH-18"}, ""))
		}
	}
	return b, append(findings, w.findings...)
}

func find(d *tree.Doc, n tree.Node, name string) (found tree.Node) {
	Segments(d, n, func(k tree.Node) bool {
		if d.Name(k) == name {
			found = k
		}
		return found == 0
	})
	return found
}

type writer struct {
	d        *tree.Doc
	dst      []byte
	from     int // where the message begins in dst
	delims   Delimiters
	src      string // the text that the tree was parsed from
	set      *charset
	parser   *Parser // to compare with the source
	built    bool    // the tree was built, not parsed
	charset  string  // of MSH-18, in a tree that was built
	findings []*diag.Finding
	order    []tree.Node
}

func (w *writer) text(n tree.Node, child string) string {
	if n = w.d.Child(n, child); n == 0 {
		return ""
	}
	return w.d.LeafText(n)
}

// segment writes one and its line end. In a tree that was built the fields may stand in any order, and what is empty is
// not written.
func (w *writer) segment(n tree.Node) {
	d := w.d
	name := d.Name(n)
	if name == StrayName {
		w.dst = append(append(w.dst, d.Text(n)...), '\r')
		return
	}
	msh := name == "MSH"
	if w.built && d.Empty(n) && !msh {
		return
	}
	w.dst = append(w.dst, name...)
	w.order = w.order[:0]
	at := 0
	if msh && w.built {
		w.dst = append(append(w.dst, w.delims.Field), w.delims.encoding()...)
		at = 2
	}
	charset := !msh || !w.built // it is written, or not wanted
	parts := w.parts(n)
	for j, k := range parts {
		i := atoi(d.Name(k))
		if i == 0 || w.built && (d.Empty(k) && !before(d, parts[j:]) || msh && (i < 3 || i == 18)) {
			continue
		}
		if msh && i < 3 { // as they stood
			w.dst = append(w.dst, d.Text(k)...)
			at = i
			continue
		}
		if !charset && i > 18 {
			charset, at = true, w.charsetField(at)
		}
		if i == at {
			w.dst = append(w.dst, w.delims.Repetition)
		}
		for ; at < i; at++ {
			w.dst = append(w.dst, w.delims.Field)
		}
		w.value(k, w.delims.Component)
	}
	if !charset {
		w.charsetField(at)
	}
	w.dst = append(w.dst, '\r')
}

// before reports an empty repetition that stands before one which is not: a blank line of a text, which keeps the others in their places.
func before(d *tree.Doc, parts []tree.Node) bool {
	for _, k := range parts[1:] {
		if d.Name(k) != d.Name(parts[0]) {
			return false
		}
		if !d.Empty(k) {
			return true
		}
	}
	return false
}

// charsetField writes MSH-18 after field at, and returns the field after which the next one stands.
func (w *writer) charsetField(at int) int {
	if w.charset == "" {
		return at
	}
	for ; at < 18; at++ {
		w.dst = append(w.dst, w.delims.Field)
	}
	w.dst = append(w.dst, w.charset...)
	return at
}

// parts are the children of n by number. They stand in w.order, which the caller cuts back.
func (w *writer) parts(n tree.Node) []tree.Node {
	d := w.d
	from := len(w.order)
	last, sorted := 0, true
	for k := d.First(n); k != 0; k = d.Next(k) {
		w.order = append(w.order, k)
		i := atoi(d.Name(k))
		sorted = sorted && i >= last
		last = i
	}
	list := w.order[from:]
	if !sorted {
		slices.SortStableFunc(list, func(a, b tree.Node) int { return atoi(d.Name(a)) - atoi(d.Name(b)) })
	}
	return list
}

// value writes a field or component; sep separates its parts.
func (w *writer) value(n tree.Node, sep byte) {
	d := w.d
	if d.First(n) == 0 {
		w.leaf(n)
		return
	}
	if sep == 0 { // nothing can be below
		leaves := 0
		d.LeavesBelow(n, func(tree.Node, tree.State, string) { leaves++ })
		if leaf := d.Leaf(n); leaves > 1 || d.Text(leaf) == "" {
			w.findings = append(w.findings, diag.New("CP-V2-029", diag.Place{Path: d.PlaceOf(n)}, ""))
		} else {
			w.leaf(leaf)
		}
		return
	}
	below := byte(0)
	if sep == w.delims.Component {
		below = w.delims.Subcomponent
	}
	at := 1
	mark := len(w.order)
	wrote := false
	for _, k := range w.parts(n) {
		i := atoi(d.Name(k))
		if i == 0 || w.built && d.Empty(k) {
			continue
		}
		if wrote && i == at {
			w.findings = append(w.findings, diag.New("CP-V2-029", diag.Place{Path: d.PlaceOf(k)}, "a component stands twice; the second one is not written"))
			continue
		}
		for ; at < i; at++ {
			w.dst = append(w.dst, sep)
		}
		w.value(k, below)
		wrote = true
	}
	w.order = w.order[:mark]
}

// leaf writes a text: as it stood in the source if it still says that.
func (w *writer) leaf(n tree.Node) {
	text := w.d.Text(n)
	if text == "" {
		return
	}
	if at := w.d.Offset(n); at > 0 && at < len(w.src) {
		if raw, ok := w.lexeme(text, at); ok {
			w.dst = append(w.dst, raw...)
			return
		}
	}
	w.dst = appendEscaped(w.dst, text, &w.delims)
}

// lexeme is the token at an offset of the source if it still stands for the text.
func (w *writer) lexeme(text string, at int) (string, bool) {
	src := w.src
	if end := at + len(text); strings.HasPrefix(src[at:], text) && (end == len(src) || w.ends(src[end]) && !w.goesOn(end)) {
		return text, true
	}
	if w.parser == nil {
		w.parser = &Parser{delims: w.delims, charset: w.set}
	}
	for i := at; i <= len(src); i++ {
		if i < len(src) && (!w.ends(src[i]) || w.goesOn(i)) {
			continue
		}
		if t, _ := w.parser.unescape(src[at:i]); t == text {
			return src[at:i], true
		}
		if strings.ContainsAny(src[at:i], "\r\n") {
			for _, join := range [...]string{"", " "} {
				if t, _ := w.parser.unescape(joinLines(src[at:i], join)); t == text {
					return src[at:i], true
				}
			}
		}
		if i == len(src) || src[i] != '\r' && src[i] != '\n' {
			return "", false
		}
	}
	return "", false
}

// goesOn reports a line end of the source behind which a separator stands: it belongs to the token before.
func (w *writer) goesOn(i int) bool {
	rest := strings.TrimLeft(w.src[i:], "\r\n")
	return len(rest) < len(w.src)-i && rest != "" && w.ends(rest[0])
}

func (w *writer) ends(c byte) bool {
	d := &w.delims
	return c == '\r' || c == '\n' || c == d.Field || c != 0 && (c == d.Component || c == d.Repetition || c == d.Subcomponent) // 0: there is none
}

// printOrder calls f for the segments of a tree that was built in the order in which they are printed.
func printOrder(d *tree.Doc, f func(tree.Node)) { printOrderAs(d, "", f) }

func printOrderAs(d *tree.Doc, structure string, f func(tree.Node)) {
	if structure == "" {
		if msh := find(d, tree.Root, "MSH"); msh != 0 {
			if n := d.Child(msh, "9"); n != 0 {
				if k := d.Child(n, "3"); k != 0 && schema.Structure(d.Text(k)) != nil {
					structure = d.Text(k)
				} else {
					event := ""
					if k := d.Child(n, "2"); k != 0 {
						event = d.LeafText(k)
					}
					structure, _ = schema.StructureOf(d.LeafText(n), event)
				}
			}
		}
	}
	ordered(d, tree.Root, planOf(structure), f)
}

// ordered visits the segments below n: by the plan's items, MSH first, and what the plan does not have after what stands
// before it.
func ordered(d *tree.Doc, n tree.Node, p *plan, f func(tree.Node)) {
	type child struct {
		n     tree.Node
		rank  int
		after int // of what has the same rank
		plan  *plan
	}
	var list []child
	rank, last := 0, -1 // last is the rank of the last segment that the plan has
	for k := d.First(n); k != 0; k = d.Next(k) {
		name := d.Name(k)
		c := child{n: k, rank: rank}
		segment := name == StrayName || IsSegment(d, k)
		known := !segment
		if name == "MSH" && segment {
			c.rank = -1
		} else if p != nil {
			for i := range p.items {
				it := &p.items[i]
				if segment && it.group == nil && slices.Contains(it.segments, name) || !segment && it.group != nil && it.group.name == name {
					c.rank, known = i, true
					if i >= rank { // of two places for one name (ROL after PID, after PV1) the next one
						break
					}
				}
			}
			if !segment {
				if i := c.rank; i >= 0 && i < len(p.items) && p.items[i].group != nil && p.items[i].group.name == name {
					c.plan = p.items[i].group
				}
			}
			if !known && n != tree.Root && c.rank <= p.head { // what begins a group comes first, or the rest would be read as of the group before
				c.rank, c.after = p.head, 1
			}
			rank = max(c.rank, 0)
			if segment && known && !d.Empty(k) {
				last = max(last, c.rank)
			} else if !known && n != tree.Root {
				c.after = 1
			}
		}
		list = append(list, c)
	}
	for i := range list { // behind a group it would be read as of that group, and not of the one around
		if c := &list[i]; last >= 0 && c.after > 0 && p.items[c.rank].group != nil {
			c.rank = last
		}
	}
	slices.SortStableFunc(list, func(a, b child) int { return cmp.Or(a.rank-b.rank, a.after-b.after) })
	for _, c := range list {
		if d.Name(c.n) == StrayName || IsSegment(d, c.n) {
			f(c.n)
		} else {
			ordered(d, c.n, c.plan, f)
		}
	}
}
