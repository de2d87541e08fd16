package convert

import "github.com/chartpost/chartpost/pkg/tree"

// Leaves are the values of a document with their places, as Record wants them.
func Leaves(d *tree.Doc) func(func(func() string, tree.State, string)) {
	return func(f func(func() string, tree.State, string)) {
		d.Leaves(func(n tree.Node, s tree.State, why string) { f(func() string { return d.PlaceOf(n) }, s, why) })
	}
}
