// Package tree is the one shape that every source takes: an ER7 message, a CDA document and a CSV row are all trees of
// named nodes with text at the leaves, and every leaf carries its own ledger state.
//
// # Terminology
//
// A Doc is one arena: a document costs a handful of allocations whatever its size, and a Node is an index into it. A leaf
// is a node with text. In a Format with a Self name a leaf may be addressed as its own first part: PID-8 is PID-8.1 and
// PID-8.1.1. There a node holds either text or children, never both: Add pushes text that is in the way down into a child
// of the Self name.
//
// The text of a node aliases the source that the codec read it from; who keeps it beyond the document copies it.
//
// # Ledger states
//
// A state only ever rises: Unmapped < Invalid < Declined < Folded < Carried. What was tried and did not come about is
// taken back as a whole with Checkpoint and Rollback.
package tree

import (
	"fmt"
	"slices"
	"strings"
)

// State is what became of a leaf (DESIGN.md, law 1).
type State uint8

const (
	Unmapped State = iota // no row knows it
	Invalid               // it could not be read as its type
	Declined              // a row says why it is not there
	Folded                // it is in the output, but not so that it can be told apart on the way back
	Carried               // it is in the output and can be read back
)

var stateWords = [...]string{"unmapped", "invalid", "declined", "folded", "carried"}

func (s State) String() string {
	if int(s) < len(stateWords) {
		return stateWords[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Node is a place in a Doc; 0 is no place, Root the whole.
type Node int32

// Root is the node that holds the others.
const Root Node = 1

// A node has the 64 bytes that a processor fetches at once: a document has a million of them.
type node struct {
	text                      string
	below                     Names // of its children
	parent, first, last, next Node
	prev                      Node  // the elder sibling
	name                      int32 // index in names.list
	ordinal                   int32 // among what the codec counts together, from 1
	offset                    int32 // in the source, in bytes
	why                       int32 // index in Doc.whys
	state                     State
	flags                     uint8
	bit                       uint8 // of its name in Names
}

const (
	syntax uint8 = 1 << iota // its text is grammar, not data: no leaf
	asked                    // a test has found something there
	unread                   // its text could not be read, see Doc.Unread
)

// A Format is what the tree must know of a grammar: a few facts, and no code but the way to write a place.
type Format struct {
	Name  string                   // hl7v2, ccda, csv
	Steps string                   // the bytes that separate the steps of a path: ".-" for ER7, "/" for XML, none for CSV
	Self  string                   // what a leaf is called as its own first part: "1" in ER7; "" if it is not one
	Null  string                   // the text of an explicit null: `""` in ER7; "" if the format has none
	Place func(*Doc, Node) string  // a leaf's place in the source's own coordinates: PID-5[2].3, an XPath, a column
	Valid func(path []string) bool // whether a path of step names may exist at all; nil: any may
}

// Doc is a source as a tree.
type Doc struct {
	*Format
	Line, Column int // where the document begins in its source, from 1; 0 if unknown
	Source       any // what the codec knows of the source beside the text, for its leaf types: the order of a column's dates
	nodes        []node
	names        names
	whys         []string         // the first is none
	reasons      map[string]int32 // their indices
	undo         []undo
	texts        []oldText
	marks        int  // open checkpoints
	steps        int  // looks at a child, see Steps
	invalid      bool // a leaf was marked so
}

// undo is what a node's state was, and why. A large document has one for each leaf, so that they are small.
type undo struct {
	n   Node
	was uint32
}

const stateBits = 3

func (p *node) undo(n Node) undo { return undo{n, uint32(p.why)<<stateBits | uint32(p.state)} }

func (u undo) put(p *node) { p.state, p.why = State(u.was&(1<<stateBits-1)), int32(u.was>>stateBits) }

type oldText struct {
	n    Node
	text string
}

// New makes an empty document with room for so many nodes.
func New(f *Format, capacity int) *Doc {
	d := &Doc{Format: f, nodes: make([]node, 2, capacity+2), whys: make([]string, 1, 4), reasons: map[string]int32{}}
	d.names.reset()
	return d
}

// Reset empties the document and keeps its memory for the next one. Strings from Text stay valid.
func (d *Doc) Reset() {
	clear(d.nodes)
	clear(d.whys)
	clear(d.reasons)
	d.nodes, d.whys, d.undo, d.texts = d.nodes[:2], d.whys[:1], d.undo[:0], d.texts[:0]
	d.marks, d.steps, d.Line, d.Column, d.Source, d.invalid = 0, 0, 0, 0, nil, false
	if len(d.names.list) > maxNames {
		d.names.reset()
	}
}

// names are the names of a document's nodes, each of them once. They stay for the documents that follow, which have the same.
type names struct {
	list []string // the first is that of Root: none
	ids  map[string]int32
	last [256]int32 // by their places in Names and their lengths: the map is asked for few
}

// maxNames is how many names are kept: no format has so many.
const maxNames = 4096

func (x *names) reset() {
	*x = names{list: append(x.list[:0:0], ""), ids: map[string]int32{"": 0}}
}

// id is the index of a name, which has this place in Names.
func (x *names) id(name string, bit uint8) int32 {
	last := &x.last[int(bit)|len(name)&3<<6]
	if i := *last; x.list[i] == name {
		return i
	}
	i, ok := x.ids[name]
	if !ok {
		name = strings.Clone(name) // which would keep the source in memory
		i = int32(len(x.list))
		x.list = append(x.list, name)
		x.ids[name] = i
	}
	*last = i
	return i
}

// Len is the number of nodes, Root included.
func (d *Doc) Len() int { return len(d.nodes) - 1 }

// Add appends a child. Its ordinal is one more than its elder sibling's if that has the same name, else 1; a codec that
// counts otherwise says so with SetOrdinal.
func (d *Doc) Add(parent Node, name, text string) Node {
	if p := &d.nodes[parent]; d.Self != "" && p.text != "" {
		own := *p // push the text down
		if d.marks > 0 {
			d.texts = append(d.texts, oldText{parent, own.text})
			d.undo = append(d.undo, own.undo(parent))
		}
		own.bit = bitOf(d.Self)
		own.name = d.names.id(d.Self, own.bit)
		own.parent, own.first, own.last, own.next, own.prev, own.below, own.ordinal = parent, 0, 0, 0, 0, 0, 1
		p.text, p.state, p.why = "", Unmapped, 0
		n := Node(len(d.nodes))
		d.nodes = append(d.nodes, own)
		p = &d.nodes[parent]
		p.first, p.last = n, n
		p.below |= 1 << own.bit
	}
	n, bit := Node(len(d.nodes)), bitOf(name)
	id := d.names.id(name, bit)
	d.nodes = append(d.nodes, node{name: id, text: text, parent: parent, ordinal: 1, bit: bit})
	p := &d.nodes[parent]
	p.below |= 1 << bit
	if p.last == 0 {
		p.first, p.last = n, n
		return n
	}
	elder := &d.nodes[p.last]
	if elder.name == id {
		d.nodes[n].ordinal = elder.ordinal + 1
	}
	d.nodes[n].prev = p.last
	elder.next, p.last = n, n
	return n
}

// unlink takes n out of its parent's children.
func (d *Doc) unlink(n Node) {
	x := &d.nodes[n]
	if x.prev == 0 {
		d.nodes[x.parent].first = x.next
	} else {
		d.nodes[x.prev].next = x.next
	}
	if x.next == 0 {
		d.nodes[x.parent].last = x.prev
	} else {
		d.nodes[x.next].prev = x.prev
	}
	x.next, x.prev = 0, 0
}

// Move hangs n with all below it at the end of parent's children. A codec uses it to group what it has read.
func (d *Doc) Move(n, parent Node) {
	d.unlink(n)
	d.nodes[n].parent = parent
	d.nodes[parent].below |= 1 << d.nodes[n].bit
	if p := &d.nodes[parent]; p.last == 0 {
		p.first, p.last = n, n
	} else {
		d.nodes[n].prev = p.last
		d.nodes[p.last].next, p.last = n, n
	}
}

// Names is a set of names that may hold more than was put into it: what is not in it is surely not there.
type Names uint64

// NamesOf is the set of one name.
func NamesOf(name string) Names { return 1 << bitOf(name) }

// bitOf is the place of a name in Names. The numbers of fields up to 63 have one each.
func bitOf(name string) uint8 {
	h := uint(0)
	for i := range len(name) {
		h = h*10 + uint(name[i]-'0')
	}
	return uint8(h & 63)
}

// Below is the set of the names of the node's children; a leaf that may be addressed as its own first part has that part. It
// costs nothing to ask, so that rows whose place is not there are passed over: nine of ten.
func (d *Doc) Below(n Node) Names {
	p := &d.nodes[n]
	if p.first == 0 && d.Self != "" && p.text != "" {
		return NamesOf(d.Self)
	}
	return p.below
}

// Index is where among a node's children the first of each name may stand, for those who ask for most of them: to look at twenty
// children for each of twenty names was a quarter of the time that a segment took.
type Index [64]Node

// Index indexes the children of n.
func (d *Doc) Index(n Node, x *Index) {
	*x = Index{}
	p := &d.nodes[n]
	if p.first == 0 && d.Self != "" && p.text != "" {
		x[bitOf(d.Self)] = n
	}
	for k := p.first; k != 0; k = d.nodes[k].next {
		d.steps++
		if q := &d.nodes[k]; x[q.bit] == 0 {
			x[q.bit] = k
		}
	}
}

// Steps are how many children were looked at so far, for tests that the work grows as the document does.
func (d *Doc) Steps() int { return d.steps }

func (d *Doc) Name(n Node) string   { return d.names.list[d.nodes[n].name] }
func (d *Doc) Text(n Node) string   { return d.nodes[n].text }
func (d *Doc) Parent(n Node) Node   { return d.nodes[n].parent }
func (d *Doc) First(n Node) Node    { return d.nodes[n].first }
func (d *Doc) Next(n Node) Node     { return d.nodes[n].next }
func (d *Doc) Ordinal(n Node) int   { return int(d.nodes[n].ordinal) }
func (d *Doc) Offset(n Node) int    { return int(d.nodes[n].offset) }
func (d *Doc) State(n Node) State   { return d.nodes[n].state }
func (d *Doc) Why(n Node) string    { return d.whys[d.nodes[n].why] }
func (d *Doc) IsSyntax(n Node) bool { return d.nodes[n].flags&syntax != 0 }

func (d *Doc) SetOrdinal(n Node, i int) { d.nodes[n].ordinal = int32(i) }
func (d *Doc) SetOffset(n Node, i int)  { d.nodes[n].offset = int32(i) }
func (d *Doc) SetSyntax(n Node)         { d.nodes[n].flags |= syntax }
func (d *Doc) isLeaf(n *node) bool      { return n.text != "" && n.flags&syntax == 0 }
func (d *Doc) PlaceOf(n Node) string    { return d.Format.Place(d, n) }

// Child is the node's first child of a name, 0 if there is none.
func (d *Doc) Child(n Node, s string) Node {
	bit := bitOf(s)
	for k := d.nodes[n].first; k != 0; k = d.nodes[k].next {
		d.steps++
		if d.nodes[k].bit == bit && d.Name(k) == s {
			return k
		}
	}
	return 0
}

// SetText sets the text of n, which must have no children in a format with a Self name.
func (d *Doc) SetText(n Node, s string) {
	if d.marks > 0 {
		d.texts = append(d.texts, oldText{n, d.nodes[n].text})
	}
	d.nodes[n].text = s
}

// Hide takes their texts from leaves, so that no row reads them, until show puts them back.
func (d *Doc) Hide(leaves []Node) (show func()) {
	said := make([]string, len(leaves))
	for i, n := range leaves {
		said[i] = d.nodes[n].text
		d.SetText(n, "")
	}
	return func() {
		for i, n := range slices.Backward(leaves) { // of one that is named twice the first time counts
			d.SetText(n, said[i])
		}
	}
}

// Empty reports whether n holds no text at any depth.
func (d *Doc) Empty(n Node) bool {
	if d.nodes[n].text != "" {
		return false
	}
	for k := d.nodes[n].first; k != 0; k = d.nodes[k].next {
		if !d.Empty(k) {
			return false
		}
	}
	return true
}

// Blank reports whether n holds nothing but blanks at any depth, which say no more than nothing does, or what could not be read.
func (d *Doc) Blank(n Node) bool {
	if p := &d.nodes[n]; p.text != "" && p.flags&unread == 0 && (p.text[0] != ' ' || strings.Trim(p.text, " ") != "") {
		return false
	}
	for k := d.nodes[n].first; k != 0; k = d.nodes[k].next {
		if !d.Blank(k) {
			return false
		}
	}
	return true
}

// There reports whether something stands at n, and takes note that a test has asked.
func (d *Doc) There(n Node) bool {
	if d.Blank(n) {
		return false
	}
	d.nodes[n].flags |= asked
	return true
}

// Unread is for a document that was read whole: did a test find something where nothing but texts stand that could not be read? Then those
// are blank from now on, and stay Invalid; every other leaf is as if it had not been read, and the document is to be read again.
func (d *Doc) Unread() bool {
	again := false
	if !d.invalid {
		return false
	}
	d.unread(Root, &again)
	for i := range d.nodes {
		if p := &d.nodes[i]; again && p.state == Invalid {
			p.flags |= unread
		} else if again {
			p.state, p.why = Unmapped, 0
		}
		d.nodes[i].flags &^= asked
	}
	return again
}

// unread reports whether n has texts, and whether none of them could be read; again becomes true where a test has asked for such a node.
func (d *Doc) unread(n Node, again *bool) (texts, none bool) {
	p := &d.nodes[n]
	texts, none = d.isLeaf(p), !d.isLeaf(p) || p.state == Invalid
	for k := p.first; k != 0; k = d.nodes[k].next {
		t, u := d.unread(k, again)
		texts, none = texts || t, none && u
	}
	if texts && none && p.flags&asked != 0 {
		*again = true
	}
	return texts, none
}

// Leaf is the node that holds n's text: n, or where a leaf is its own first part, that part at any depth.
func (d *Doc) Leaf(n Node) Node {
	for d.Self != "" && d.nodes[n].text == "" {
		k := d.Child(n, d.Self)
		if k == 0 {
			break
		}
		n = k
	}
	return n
}

// LeafText is the text of Leaf(n).
func (d *Doc) LeafText(n Node) string { return d.nodes[d.Leaf(n)].text }

// Mark raises the state of n. The first reason for a state stands.
func (d *Doc) Mark(n Node, s State, why string) {
	p := &d.nodes[n]
	if s <= p.state {
		return
	}
	if d.marks > 0 {
		d.undo = append(d.undo, p.undo(n))
	}
	p.state, p.why, d.invalid = s, 0, d.invalid || s == Invalid
	if s != Carried && why != "" {
		p.why = d.reason(why)
	}
}

// reason is the index of a reason. A document has a few of them, for hundreds of thousands of leaves.
func (d *Doc) reason(why string) int32 {
	if last := len(d.whys) - 1; last > 0 && d.whys[last] == why {
		return int32(last)
	}
	i, ok := d.reasons[why]
	if !ok {
		i = int32(len(d.whys))
		d.whys = append(d.whys, why)
		d.reasons[why] = i
	}
	return i
}

// Lower takes back a state of the leaves at and below n that is better than s: what was read will not be written where it was.
func (d *Doc) Lower(n Node, s State, why string) {
	d.LowerLeaf(n, s, why)
	for k := d.nodes[n].first; k != 0; k = d.nodes[k].next {
		d.Lower(k, s, why)
	}
}

// LowerLeaf lowers the state of n alone, if it is a leaf.
func (d *Doc) LowerLeaf(n Node, s State, why string) {
	if p := &d.nodes[n]; d.isLeaf(p) && p.state > s {
		if d.marks > 0 { // Mark would remember the state below
			d.undo = append(d.undo, p.undo(n))
		}
		p.state = 0
		d.Mark(n, s, why)
	}
}

// MarkAll raises the state of every leaf at and below n.
func (d *Doc) MarkAll(n Node, s State, why string) {
	if d.isLeaf(&d.nodes[n]) {
		d.Mark(n, s, why)
	}
	for k := d.nodes[n].first; k != 0; k = d.nodes[k].next {
		d.MarkAll(k, s, why)
	}
}

// Mark is a point to which a document can go back.
type Mark struct{ undo, texts, nodes int }

// Checkpoint begins an attempt. It ends with Rollback or Commit of its mark; attempts nest.
func (d *Doc) Checkpoint() Mark {
	d.marks++
	return Mark{len(d.undo), len(d.texts), len(d.nodes)}
}

// Rollback takes back every state and text that was set and every node that was added since the checkpoint. Nodes must not
// have been moved since.
func (d *Doc) Rollback(m Mark) {
	for i := len(d.undo) - 1; i >= m.undo; i-- {
		u := d.undo[i]
		u.put(&d.nodes[u.n])
	}
	for i := len(d.texts) - 1; i >= m.texts; i-- {
		d.nodes[d.texts[i].n].text = d.texts[i].text
	}
	for n := Node(len(d.nodes) - 1); n >= Node(m.nodes); n-- {
		d.unlink(n)
	}
	clear(d.nodes[m.nodes:])
	d.undo, d.texts, d.nodes = d.undo[:m.undo], d.texts[:m.texts], d.nodes[:m.nodes]
	d.marks--
}

// Commit keeps what was done since the checkpoint.
func (d *Doc) Commit(Mark) {
	if d.marks--; d.marks == 0 {
		d.undo, d.texts = d.undo[:0], d.texts[:0]
	}
}

// Leaves calls f for every leaf, in document order.
func (d *Doc) Leaves(f func(n Node, s State, why string)) { d.leaves(Root, f) }

func (d *Doc) leaves(n Node, f func(Node, State, string)) {
	if p := &d.nodes[n]; d.isLeaf(p) {
		f(n, p.state, d.whys[p.why])
	}
	for k := d.nodes[n].first; k != 0; k = d.nodes[k].next {
		d.leaves(k, f)
	}
}

// LeavesBelow calls f for every leaf at and below n, in document order.
func (d *Doc) LeavesBelow(n Node, f func(n Node, s State, why string)) { d.leaves(n, f) }

// Tally counts leaves by state: what the ledger's totals are made of.
type Tally struct {
	Carried, Folded, Declined, Unmapped, Invalid int
}

// Add counts one leaf.
func (t *Tally) Add(s State) {
	switch s {
	case Carried:
		t.Carried++
	case Folded:
		t.Folded++
	case Declined:
		t.Declined++
	case Unmapped:
		t.Unmapped++
	case Invalid:
		t.Invalid++
	}
}

// Values is the sum of all states.
func (t *Tally) Values() int { return t.Carried + t.Folded + t.Declined + t.Unmapped + t.Invalid }

// Plus is the sum of two tallies.
func (t Tally) Plus(u Tally) Tally {
	return Tally{t.Carried + u.Carried, t.Folded + u.Folded, t.Declined + u.Declined, t.Unmapped + u.Unmapped, t.Invalid + u.Invalid}
}

// Tally counts the document's leaves by state.
func (d *Doc) Tally() (t Tally) {
	d.Leaves(func(_ Node, s State, _ string) { t.Add(s) })
	return t
}

// String draws the tree, a node a line, for tests and for people who debug a mapping.
func (d *Doc) String() string {
	var b strings.Builder
	d.draw(&b, Root, 0)
	return b.String()
}

func (d *Doc) draw(b *strings.Builder, n Node, depth int) {
	p := &d.nodes[n]
	if n != Root {
		fmt.Fprintf(b, "%s%s", strings.Repeat("  ", depth-1), d.Name(n))
		if p.text != "" {
			fmt.Fprintf(b, " %q %s", p.text, p.state)
			if w := d.whys[p.why]; w != "" {
				fmt.Fprintf(b, " (%s)", w)
			}
		}
		b.WriteByte('\n')
	}
	for k := p.first; k != 0; k = d.nodes[k].next {
		d.draw(b, k, depth+1)
	}
}
