package mapping

import (
	"fmt"
	"reflect"

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

func (c *Context) pairTable(name string, m proto.Message) (*table, reflect.Value) {
	typ := plan.OfMessage(m).Name
	t := c.m.table(name, typ)
	if t == nil {
		c.fail(fmt.Errorf("no table %s", Key{name, typ}))
	}
	return t, reflect.ValueOf(m).Elem()
}

// Memo is for pairs on the way to FHIR: what compute gives for a key is computed once for a document. The key's type is the pair's own.
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

// Fold is for pairs on the way to FHIR: until the function that it returns is called, what is carried is folded, for the reason
// given, because the way back writes it elsewhere.
func (c *Context) Fold(why string) (end func()) {
	if c.fold != "" {
		return func() {}
	}
	c.fold = why
	return func() { c.fold = "" }
}

// Normal is for pairs on the way to FHIR: it declares the written form in which a leaf that they carry comes back. The form is
// only asked for where somebody compares.
func (c *Context) Normal(leaf tree.Node, form func() string) {
	if c.normal != nil {
		c.normal(leaf, form())
	}
}
