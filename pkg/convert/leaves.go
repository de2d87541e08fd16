package convert

import "github.com/chartpost/chartpost/pkg/tree"

// Leaves are the values of a document with their places, as Record wants them. What gives a place is good until the next leaf: most are
// counted and no more.
func Leaves(d *tree.Doc) func(func(func() string, tree.State, string)) {
	return func(f func(func() string, tree.State, string)) {
		var at tree.Node
		place := func() string { return d.PlaceOf(at) }
		d.Leaves(func(n tree.Node, s tree.State, why string) {
			at = n
			f(place, s, why)
		})
	}
}

// Share tells leaves with a key apart from those without one, which are the record's own. each gives them all, those of one key together.
func (rec *Record) Share(each func(f func(key uint64, place func() string, s tree.State, why string))) {
	rec.Leaves = func(f func(func() string, tree.State, string)) {
		each(func(key uint64, place func() string, s tree.State, why string) {
			if key == 0 {
				f(place, s, why)
			}
		})
	}
	rec.Shared = func(f func(uint64, func() string, tree.State, string)) {
		each(func(key uint64, place func() string, s tree.State, why string) {
			if key > 0 {
				f(key, place, s, why)
			}
		})
	}
}
