package mapping

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/tree"
)

// This file remembers codes. A laboratory sends the same few hundred codes and units all day, and to read a CWE through its tables
// costs twenty times as much as to copy what was made of the same text the last time. What is remembered is what one row made of
// one text, and the states of its leaves; it is used again only where reading did nothing else. It holds for one goroutine, as long
// as the memory of its readings, and never more than twice memoSize texts of at most memoText bytes: when the young are memoSize, the
// old are forgotten and the young become the old; what is used again becomes young again. Where somebody asks what came of each leaf (normal,
// origins), each is read.

const (
	memoSize = 4096
	memoText = 256
	nameText = 4096 // of whom or what an arrow leads to: a physician with the address and the telephones of the practice
)

// memos are what rows made of texts.
type memos struct {
	zone       *time.Location // with which they were read
	young, old map[string]*memo

	key    []byte      // of the node that is being read
	most   int         // how long it may be
	states bool        // whether it holds the states of the nodes
	nodes  []tree.Node // at and below it
	marked bool        // one of them has a state already
}

type memo struct {
	made  proto.Message
	marks []memoMark // of nodes, in their order
}

type memoMark struct {
	state tree.State
	why   string
}

// effects are what a reading may do beside filling its element.
type effects struct{ findings, resources, refs, links, shared, elsewhere, merges int }

func (c *Context) effects() effects {
	return effects{findings: len(c.rec.Findings), resources: len(c.rec.Resources), refs: len(c.refOrder), links: len(c.links),
		shared: len(c.shared), elsewhere: c.elsewhere}
}

// memorable reports that what a row makes of a node may be remembered; then the node's key is ready. Where somebody asks what came of
// each leaf (normal, origins), it may not: a copy does not say which part of it each leaf made.
func (c *Context) memorable(r *row, k tree.Node) bool {
	if r.pair != nil || r.sub == nil || c.normal != nil || c.rec.doc != nil || r.dst.end.Name != "CodeableConcept" && r.dst.end.Name != "Coding" {
		return false
	}
	m := &c.memos
	m.begin(c, r, memoText, false)
	return c.describe(k)
}

// begin begins the key of what a row reads, of so many bytes at the most; with states it says which the nodes have that have one already.
func (m *memos) begin(c *Context, r *row, most int, states bool) {
	m.most, m.states = most, states
	m.key, m.nodes, m.marked = append(append(m.key[:0], c.fold...), 0, byte(r.id), byte(r.id>>8), byte(r.id>>16)), m.nodes[:0], false
}

// describe appends the names and texts at and below n to the key.
func (c *Context) describe(n tree.Node) bool {
	m, text := &c.memos, c.Doc.Text(n)
	if m.nodes = append(m.nodes, n); len(m.key)+len(text) > m.most {
		return false
	}
	state := c.Doc.State(n)
	m.marked = m.marked || state != tree.Unmapped
	if m.states && state != tree.Unmapped {
		m.key = append(m.key, '!', byte('0'+state))
	}
	m.key = append(append(m.key, c.Doc.Name(n)...), ' ')
	m.key = append(append(strconv.AppendInt(m.key, int64(len(text)), 10), ':'), text...)
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		m.key = append(m.key, '(')
		if !c.describe(k) {
			return false
		}
		m.key = append(m.key, ')')
	}
	return true
}

// recall gives a copy of what the row made of the node's text before, and marks the leaves as it did then.
func (c *Context) recall() (e reflect.Value, ok bool) {
	if c.memos.zone != c.Zone {
		return e, false
	}
	m := c.memos.young[string(c.memos.key)]
	if m == nil {
		if m = c.memos.old[string(c.memos.key)]; m == nil {
			return e, false
		}
		c.memos.enter(string(c.memos.key), m)
	}
	for i, n := range c.memos.nodes {
		c.Doc.Mark(n, m.marks[i].state, m.marks[i].why)
	}
	switch x := m.made.(type) {
	case *dpb.CodeableConcept:
		return reflect.ValueOf(c.copyConcept(x)).Elem(), true
	case *dpb.Coding:
		return reflect.ValueOf(c.copyCoding(x)).Elem(), true
	}
	return e, false
}

// learn remembers what the row made of the node's text, if that was all that it did.
func (c *Context) learn(key string, nodes []tree.Node, e reflect.Value, before effects) {
	made, _ := e.Addr().Interface().(proto.Message)
	if c.effects() != before || !plain(made) {
		return
	}
	if c.memos.zone != c.Zone {
		c.memos = memos{zone: c.Zone}
	}
	x := &memo{made: proto.Clone(made), marks: make([]memoMark, len(nodes))}
	unalias(x.made)
	for i, n := range nodes {
		x.marks[i] = memoMark{c.Doc.State(n), c.Doc.Why(n)}
	}
	c.memos.enter(key, x)
}

func (m *memos) enter(key string, x *memo) {
	if len(m.young) == memoSize || m.young == nil {
		m.young, m.old = map[string]*memo{}, m.young
	}
	m.young[key] = x
}

// plain reports a concept or coding of nothing but texts, which copyConcept and copyCoding copy whole.
func plain(m proto.Message) bool {
	switch x := m.(type) {
	case *dpb.CodeableConcept:
		for _, y := range x.Coding {
			if !plain(y) {
				return false
			}
		}
		return x.Id == nil && len(x.Extension) == 0 && bare(x.Text)
	case *dpb.Coding:
		return x.Id == nil && len(x.Extension) == 0 && x.UserSelected == nil && bare(x.Version) && bare(x.Display) &&
			(x.System == nil || x.System.Id == nil && len(x.System.Extension) == 0) && (x.Code == nil || x.Code.Id == nil && len(x.Code.Extension) == 0)
	}
	return false
}

// unalias copies the texts of a plain message, which are parts of the source's text: a memo must not keep that in memory.
func unalias(m proto.Message) {
	switch x := m.(type) {
	case *dpb.CodeableConcept:
		for _, y := range x.Coding {
			unalias(y)
		}
		unalias(x.Text)
	case *dpb.Coding:
		if x.System != nil {
			x.System.Value = strings.Clone(x.System.Value)
		}
		if x.Code != nil {
			x.Code.Value = strings.Clone(x.Code.Value)
		}
		unalias(x.Version)
		unalias(x.Display)
	case *dpb.String:
		if x != nil {
			x.Value = strings.Clone(x.Value)
		}
	}
}

func bare(s *dpb.String) bool { return s == nil || s.Id == nil && len(s.Extension) == 0 }

func (x *run) copyConcept(from *dpb.CodeableConcept) *dpb.CodeableConcept {
	to := x.concepts.Take()
	if n := len(from.Coding); n > 0 {
		to.Coding = x.lists.List(n)
		for i, y := range from.Coding {
			to.Coding[i] = x.copyCoding(y)
		}
	}
	to.Text = x.copyString(from.Text)
	return to
}

func (x *run) copyCoding(from *dpb.Coding) *dpb.Coding {
	to := x.codings.Take()
	if x.alike {
		to.System, to.Version, to.Code, to.Display = from.System, from.Version, from.Code, from.Display
		return to
	}
	if from.System != nil {
		to.System = x.uris.Take()
		to.System.Value = from.System.Value
	}
	if from.Code != nil {
		to.Code = x.codes.Take()
		to.Code.Value = from.Code.Value
	}
	to.Version, to.Display = x.copyString(from.Version), x.copyString(from.Display)
	return to
}

func (x *run) copyString(from *dpb.String) *dpb.String {
	if from == nil || x.alike {
		return from
	}
	to := x.texts.Take()
	to.Value = from.Value
	return to
}
