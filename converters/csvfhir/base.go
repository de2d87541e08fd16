package csvfhir

import (
	"maps"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/mapping"
)

// A mapping on a base is a built-in mapping with some lines of its head changed: another place of a column in a registry's file, another name of a
// column in an office's list. Its rows, if it has any, lie over those of the base as an overlay's do.

// onBase is the whole of a mapping that names a base, and what lies over it; a mapping without a base is whole.
func onBase(f *mapping.File, builtin []*mapping.File) (*mapping.File, []*mapping.File, error) {
	name := f.Head.Base
	if name == "" {
		return f, nil, nil
	}
	var names []string
	for _, b := range builtin {
		names = append(names, strings.TrimSuffix(b.Name, ".map"))
	}
	i := slices.Index(names, name)
	if i < 0 {
		return nil, nil, mapping.Faults{{ID: mapping.MapHead, Pos: f.Head.Pos, Msg: "base: there is no built-in mapping " + name, Hint: "they are " + strings.Join(names, ", ")}}
	}
	base := builtin[i]
	head := *f.Head
	head.Files, head.Names = maps.Clone(base.Head.Files), base.Head.Names
	for _, n := range f.Head.Names {
		of := base.Head.Files[n]
		if of == nil {
			return nil, nil, mapping.Faults{{ID: mapping.MapHead, Pos: f.Head.Pos, Msg: "the base " + name + " has no files " + n, Hint: "they are " + strings.Join(base.Head.Names, ", ")}}
		}
		head.Files[n] = changed(of, f.Head.Files[n])
	}
	o := &head.Options
	for _, x := range []struct {
		to   *string
		from string
	}{{&o.Zone, base.Head.Options.Zone}, {&o.Dates, base.Head.Options.Dates}, {&o.Encoding, base.Head.Options.Encoding}, {&o.Unmapped, base.Head.Options.Unmapped}} {
		if *x.to == "" {
			*x.to = x.from
		}
	}
	whole := &mapping.File{Name: f.Name, Head: &head, Items: base.Items}
	if len(f.Items) == 0 {
		return whole, nil, nil
	}
	return whole, []*mapping.File{{Name: f.Name, Head: &mapping.Head{Pos: f.Head.Pos, Matches: mapping.Matches{Format: "csv"}}, Items: f.Items}}, nil
}

// changed is an entry of the base's head with what a mapping's own says: places of columns and their names are added or take the place of those
// that are there, anything else is said anew.
func changed(base, own *mapping.TableFile) *mapping.TableFile {
	t := *base
	if len(own.Headers) > 0 {
		t.Headers = own.Headers
	}
	if len(own.Without) > 0 {
		t.Without = own.Without
	}
	for _, x := range []struct {
		to   *string
		from string
	}{{&t.File, own.File}, {&t.Sheet, own.Sheet}, {&t.Record, own.Record}, {&t.Resource, own.Resource}, {&t.Comma, own.Comma}, {&t.Header, own.Header}} {
		if x.from != "" {
			*x.to = x.from
		}
	}
	if len(own.Order) > 0 {
		t.Order = own.Order
	}
	if len(own.Key) > 0 {
		t.Key = own.Key
	}
	if len(own.Unique) > 0 {
		t.Unique = own.Unique
	}
	t.Split, t.Dates, t.Columns = merged(base.Split, own.Split), merged(base.Dates, own.Dates), maps.Clone(base.Columns)
	for c, names := range own.Columns {
		if t.Columns == nil {
			t.Columns = map[string][]string{}
		}
		t.Columns[c] = slices.Concat(names, t.Columns[c])
	}
	t.Fixed = slices.Clone(base.Fixed)
	for _, line := range own.Fixed {
		column := line[:strings.LastIndexByte(line, ' ')+1]
		if i := slices.IndexFunc(t.Fixed, func(have string) bool { return strings.HasPrefix(have, column) }); i >= 0 {
			t.Fixed[i] = line
		} else {
			t.Fixed = append(t.Fixed, line)
		}
	}
	return &t
}

func merged(a, b map[string]string) map[string]string {
	if len(b) == 0 {
		return a
	}
	m := maps.Clone(a)
	if m == nil {
		m = map[string]string{}
	}
	maps.Copy(m, b)
	return m
}
