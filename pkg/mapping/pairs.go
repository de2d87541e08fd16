package mapping

import (
	"cmp"
	"fmt"
	"iter"
	"reflect"
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/tree"
)

// ReadTable is for pairs on the way to FHIR: it reads a node through the table of a name for dst's type, as a row would,
// and reports whether anything was carried.
func (c *Context) ReadTable(name string, n tree.Node, dst proto.Message) bool {
	t, v := c.pairTable(name, dst)
	return t != nil && c.readNew(t, n, v)
}

// WriteTable is for pairs on the way back: it writes src through the table of a name for its type, and reports whether
// anything was written.
func (c *Context) WriteTable(name string, src proto.Message, n tree.Node) bool {
	t, v := c.pairTable(name, src)
	return t != nil && c.writeNew(t, v, n)
}

// Code is for pairs: what the codes of a name make of a source's code, empty if nothing.
func (c *Context) Code(name, from string) string {
	t, err := c.m.codesNamed(name)
	if err != nil || t == nil {
		c.fail(cmp.Or(err, fmt.Errorf("no codes %s", name)))
		return ""
	}
	if l := t.read[from]; l != nil && !l.Declined {
		return t.to[l].code
	}
	return ""
}

// CodeBack is for pairs on the way back: the source's code that the codes of a name write for a code, empty if none.
func (c *Context) CodeBack(name, code string) string {
	t, err := c.m.codesNamed(name)
	if err != nil || t == nil {
		c.fail(cmp.Or(err, fmt.Errorf("no codes %s", name)))
		return ""
	}
	if l := t.bare[code]; l != nil {
		return l.From
	}
	return ""
}

func (c *Context) pairTable(name string, m proto.Message) (*table, reflect.Value) {
	typ := plan.OfMessage(m).Name
	t := c.m.table(name, typ)
	if t == nil {
		c.fail(fmt.Errorf("no table %s", Key{name, typ}))
	}
	return t, reflect.ValueOf(m).Elem()
}

// Led is for pairs on the way to FHIR: the resource to which a reference of the record leads, nil if none yet.
func (c *Context) Led(ref *dpb.Reference) proto.Message {
	if to := c.refs[ref]; to != nil {
		return to.Msg
	}
	return nil
}

// ReferAs is for pairs on the way to FHIR: ref will lead where another reference of the record does. It reports whether that leads
// anywhere.
func (c *Context) ReferAs(ref, other *dpb.Reference) bool {
	to := c.refs[other]
	if to != nil {
		c.refer(reflect.ValueOf(ref).Elem(), to)
	}
	return to != nil
}

// Alike is for pairs on the way to FHIR: elements without references that say the same may be one struct, see ReadOptions.Shared.
func (c *Context) Alike() bool { return c.alike }

// ReferTo is for pairs on the way to FHIR: ref will lead to a resource of the record.
func (c *Context) ReferTo(ref *dpb.Reference, to *Resource) { c.refer(reflect.ValueOf(ref).Elem(), to) }

// Add is for pairs on the way to FHIR: it puts a resource into the record that no row names, made of what from was made of.
func (c *Context) Add(m proto.Message, from *Resource) {
	r := wrapResource(m)
	c.made++
	r.at, r.made, r.nth = from.at, true, c.made
	c.stranger(r.v, r.info)
	c.enlist(r)
}

// Another is for pairs on the way to FHIR that make an element of a list: x is to stand behind it, in the same list.
func (c *Context) Another(x proto.Message) { c.more = append(c.more, reflect.ValueOf(x).Elem()) }

// Behind is for pairs on the way back that write an element of a list: the elements behind it. It is to be asked before anything else is written.
func (c *Context) Behind() iter.Seq[proto.Message] {
	at := c.element
	return func(yield func(proto.Message) bool) {
		for j := at.j + 1; j < at.e.Len(at.v); j++ {
			if !yield(plan.MessageOf(at.e.At(at.v, j))) {
				return
			}
		}
	}
}

// Memo is for pairs: what compute gives for a key is computed once for a document. The key's type is the pair's own.
func (c *Context) Memo(key any, compute func() any) any {
	v, ok := c.memo[key]
	if !ok {
		if c.memo == nil {
			c.memo = map[any]any{}
		}
		v = compute()
		c.memo[key] = v
	}
	return v
}

// Refer is for pairs on the way to FHIR: it makes a reference lead to the resource of a type and id, which may be in the record or not.
// If it is, the reference is written as any other of the record, else as Type/id.
func (c *Context) Refer(ref *dpb.Reference, typ, id string) {
	c.outward = append(c.outward, outward{ref, typ, id})
}

// Fold is for pairs on the way to FHIR: until the function that it returns is called, what is carried is folded, for the reason
// given, because the way back writes it elsewhere.
func (c *Context) Fold(why string) (end func()) {
	if c.fold != "" {
		return func() {}
	}
	c.fold = why
	return func() { c.fold = "" }
}

// Whole is the name of the table by which the whole document is read or written: a message's structure.
func (c *Context) Whole() string { return c.whole }

// Normal is for pairs on the way to FHIR: it declares the written form in which a leaf that they carry comes back. The form is
// only asked for where somebody compares.
func (c *Context) Normal(leaf tree.Node, form func() string) {
	if c.normal != nil {
		c.normal(leaf, form())
	}
}

// Resources are those of the record: on the way to FHIR what it has so far.
func (c *Context) Resources() []*Resource {
	c.steps += len(c.rec.Resources)
	return c.rec.Resources
}

// Latest is for pairs on the way to FHIR: of the record so far, the last resource that ok agrees to, nil if there is none.
func (c *Context) Latest(ok func(m proto.Message) bool) *Resource {
	for _, r := range slices.Backward(c.rec.Resources) {
		if c.steps++; ok(r.Msg) {
			return r
		}
	}
	return nil
}

// LatestPlaced is for pairs on the way back: of the resources of m's type, the one that was placed last of those that ok agrees to, nil if
// there is none.
func (c *Context) LatestPlaced(m proto.Message, ok func(m proto.Message) bool) *Resource {
	if k := c.rec.byType[plan.OfMessage(m)]; k != nil {
		for _, r := range slices.Backward(k.placed) {
			if c.steps++; ok(r.Msg) {
				return r
			}
		}
	}
	return nil
}

// Bundle is the record's bundle without its entries, nil if there is none.
func (c *Context) Bundle() *rpb.Bundle { return c.rec.Bundle }

// Follow is Resolve for a reference of the resource that a row is writing.
func (c *Context) Follow(ref *dpb.Reference) *Resource { return c.resolve(reflect.ValueOf(ref).Elem()) }

// Resolve follows a reference of a resource within the record; nil if it leads out of it.
func (c *Context) Resolve(from *Resource, ref *dpb.Reference) *Resource {
	within := c.within
	c.within = from
	if from != nil && from.inside != nil {
		c.within = from.inside
	}
	defer func() { c.within = within }()
	return c.resolve(reflect.ValueOf(ref).Elem())
}

// Place takes note that a resource has its place in the document.
func (c *Context) Place(r *Resource) { c.setPlaced(r) }

// Placed reports that a resource has its place in the document.
func (c *Context) Placed(r *Resource) bool { return r.placed }

// Refused reports that m must not be written: a modifier of it has no place.
func (c *Context) Refused(m proto.Message) bool { return c.isRefused(reflect.ValueOf(m).Elem()) }

// Decline says why what is at and below m is not in the document, where nothing else has taken it.
func (c *Context) Decline(m proto.Message, why string) {
	if v := reflect.ValueOf(m); !v.IsNil() {
		c.claimAll(v.Elem(), plan.OfMessage(m), tree.Declined, why)
	}
}

// Anew runs f with nothing taken yet: what f writes may have been written elsewhere too.
func (c *Context) Anew(f func()) {
	outer := c.takes
	c.takes = takes{}
	defer func() { c.takes = outer }()
	f()
}
