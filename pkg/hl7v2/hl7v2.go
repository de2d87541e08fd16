// Package hl7v2 reads and writes HL7 v2 messages in the vertical-bar encoding ER7 (HL7 v2.9 chapter 2) as trees.
//
// # Terminology
//
// A file holds messages, plainly one after the other, in batches (FHS, BHS, BTS, FTS) or in MLLP frames. A Reader finds
// them; each is a Raw record. A Parser makes a Message of it, whose tree has the segments below its root, in a segment its
// fields, a node for each repetition, then components, then subcomponents, all named by their numbers. Group puts the
// segments into the groups of the message's structure.
//
//	PID|1||123^^^A&1.2.3&ISO       PID
//	                                 1 "1"
//	                                 3
//	                                   1 "123"
//	                                   4
//	                                     1 "A"
//	                                     2 "1.2.3"
//	                                     3 "ISO"
//
// A field with one component, and a component with one subcomponent, is a leaf. MSH-1 and MSH-2 are in the tree but are
// grammar, not data. What is empty has no node, except at the end and between repetitions, where it says how far a sender
// wrote: with that and the offset of each leaf a message is printed as it was read, byte for byte, line ends aside. (Japanese
// character sets can write one text in several ways; there it is printed in the plainest.)
//
// # Escapes
//
// \F\ \S\ \T\ \R\ \E\ \P\ and \X..\ are decoded. Formatting commands (\.br\, \H\, \N\) and \Z..\ stay in the text as they
// are, written with a backslash whatever the message's escape character is; RenderText shows such text to people. An
// escape that nobody knows, or that is not closed, stays as it is.
package hl7v2

import (
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/tree"
)

// Format is what the tree must know of ER7. A segment's ordinal is its place among those of its name in the whole message.
var Format = &tree.Format{Name: "hl7v2", Steps: ".-", Self: "1", Null: `""`, Place: place, Valid: validPath}

// StrayName is the name of the node of a line within a message that is no segment.
const StrayName = "line"

// Delimiters are the characters of MSH-1 and MSH-2. A zero is one that the message does not have.
type Delimiters struct {
	Field, Component, Repetition, Escape, Subcomponent, Truncation byte
}

// Recommended are the delimiters that HL7 recommends, and that Chartpost writes.
var Recommended = Delimiters{Field: '|', Component: '^', Repetition: '~', Escape: '\\', Subcomponent: '&'}

// encoding writes MSH-2.
func (d *Delimiters) encoding() string {
	b := make([]byte, 0, 5)
	for _, c := range [...]byte{d.Component, d.Repetition, d.Escape, d.Subcomponent, d.Truncation} {
		if c == 0 {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

// numbers holds 000 to 999, so that the name of a field costs no allocation.
var numbers = func() string {
	b := make([]byte, 0, 3000)
	for i := range 1000 {
		b = append(b, byte('0'+i/100), byte('0'+i/10%10), byte('0'+i%10))
	}
	return string(b)
}()

// Number is the name of the i-th field, component or subcomponent.
func Number(i int) string {
	switch {
	case i < 0 || i > 999:
		return strconv.Itoa(i)
	case i < 10:
		return numbers[3*i+2 : 3*i+3]
	case i < 100:
		return numbers[3*i+1 : 3*i+3]
	}
	return numbers[3*i : 3*i+3]
}

// atoi reads a node's name as a number, 0 if it is none.
func atoi(s string) int {
	n := 0
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 || n > 1<<24 {
			return 0
		}
		n = n*10 + int(c)
	}
	return n
}

// isSegmentName reports whether s has the form of a segment's name. Groups may have it too (PSG).
func isSegmentName(s string) bool {
	return len(s) == 3 && upper(s[0]) && (upper(s[1]) || digit(s[1])) && (upper(s[2]) || digit(s[2]))
}

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }
func digit(c byte) bool { return '0' <= c && c <= '9' }

// IsSegment reports whether n is a segment: not a group, field or stray line.
func IsSegment(d *tree.Doc, n tree.Node) bool {
	if n <= tree.Root || !isSegmentName(d.Name(n)) {
		return false
	}
	k := d.First(n)
	return k == 0 || digit(d.Name(k)[0])
}

// Segments calls f for every segment and stray line at and below n, in document order, until f returns false.
func Segments(d *tree.Doc, n tree.Node, f func(tree.Node) bool) bool {
	if d.Name(n) == StrayName || IsSegment(d, n) {
		return f(n)
	}
	for k := d.First(n); k != 0; k = d.Next(k) {
		if !Segments(d, k, f) {
			return false
		}
	}
	return true
}

// place writes OBX[3]-5[2].1.2: the segment with its ordinal in the message, the field with its repetition, the
// component. Ordinals of 1 are left out, and so is a first component with nothing beside it. A group is written with those above it: PATIENT_RESULT.ORDER_OBSERVATION[2].
func place(d *tree.Doc, n tree.Node) string {
	if n <= tree.Root {
		return ""
	}
	var path [8]tree.Node
	steps := path[:0]
	top := n // the segment that n is in, if any
	for digit(first(d.Name(top))) && d.Parent(top) > tree.Root {
		steps = append(steps, top)
		top = d.Parent(top)
	}
	for len(steps) > 1 && d.Name(steps[0]) == "1" && alone(d, steps[0]) {
		steps = steps[1:] // a value with nothing beside it is the field's: X and X^ are the same
	}
	var b strings.Builder
	if !IsSegment(d, top) && d.Name(top) != StrayName {
		groupPlace(d, &b, top)
	} else {
		b.WriteString(d.Name(top))
		ordinal(&b, d.Ordinal(top))
	}
	for i := len(steps) - 1; i >= 0; i-- {
		k := steps[i]
		if i == len(steps)-1 {
			b.WriteByte('-')
		} else {
			b.WriteByte('.')
		}
		b.WriteString(d.Name(k))
		ordinal(&b, repetition(d, k))
	}
	return b.String()
}

// alone reports whether nothing but n below its parent holds text.
func alone(d *tree.Doc, n tree.Node) bool {
	for k := d.First(d.Parent(n)); k != 0; k = d.Next(k) {
		if k != n && !d.Empty(k) {
			return false
		}
	}
	return true
}

func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

func ordinal(b *strings.Builder, i int) {
	if i > 1 {
		b.WriteByte('[')
		b.WriteString(strconv.Itoa(i))
		b.WriteByte(']')
	}
}

// repetition counts: in a tree that was built, repetitions need not follow one another.
func repetition(d *tree.Doc, n tree.Node) int {
	at := 1
	for k := d.First(d.Parent(n)); k != n && k != 0; k = d.Next(k) {
		if d.Name(k) == d.Name(n) {
			at++
		}
	}
	return at
}

func groupPlace(d *tree.Doc, b *strings.Builder, n tree.Node) {
	if p := d.Parent(n); p > tree.Root {
		groupPlace(d, b, p)
		b.WriteByte('.')
	}
	b.WriteString(d.Name(n))
	ordinal(b, repetition(d, n))
}

// Renumber gives the segments of a tree that was built their ordinals in the order in which they would be printed, so that
// their places are unique.
func Renumber(d *tree.Doc) {
	counts := map[string]int{}
	printOrder(d, func(n tree.Node) {
		counts[d.Name(n)]++
		d.SetOrdinal(n, counts[d.Name(n)])
	})
}
