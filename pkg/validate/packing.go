package validate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/terminology"
)

// This file makes the packs; nothing of it is in the program, only internal/gen/profiles calls it.

// MakePack writes the pack of a FHIR package. core is the package of R4 itself; pkg is that of a guide, or empty for R4's own
// pack. A pack holds profiles and extensions without what no check looks at, the bindings of FHIR's own elements, the value sets
// that any of these bind to as lists of codes, and the code systems that are not in pkg/terminology.
func MakePack(w io.Writer, core, pkg string) error {
	l := newLibrary()
	l.packs = nil
	if _, err := l.add(core); err != nil {
		return err
	}
	own := map[string]bool{}
	if pkg != "" {
		before := maps.Clone(l.structures)
		systems, lines := maps.Clone(l.systems), maps.Clone(l.lines)
		if _, err := l.add(pkg); err != nil {
			return err
		}
		for u, s := range l.structures {
			if before[u] != s {
				own["StructureDefinition "+u] = true
			}
		}
		for u, s := range l.systems {
			if systems[u] != s {
				own["CodeSystem "+u] = true
			}
		}
		for u, b := range l.lines {
			if !bytes.Equal(lines[u], b) {
				own[u] = true
			}
		}
	}
	mine := func(kind, url string) bool { return pkg == "" || own[kind+" "+url] }
	sets := map[string]bool{}
	var out [][]byte
	put := func(v any) error {
		b, err := json.Marshal(v, json.Deterministic(true))
		out = append(out, b)
		return err
	}
	bindings := Bindings{ResourceType: "Bindings", URL: "base", Of: map[string]Bind{}}
	for _, url := range slices.Sorted(maps.Keys(l.structures)) {
		s := l.structures[url]
		if s.Kind == "logical" || s.Kind == "primitive-type" || !mine("StructureDefinition", url) {
			continue
		}
		if s.Derivation != "constraint" {
			for i := range s.Snapshot.Element {
				bindBase(bindings.Of, s, &s.Snapshot.Element[i])
			}
			continue
		}
		based := l.structures[canonicalURL(s.Base)] != nil
		s.slim(based)
		s.ResourceType = "StructureDefinition"
		for _, e := range append(s.Differential.Element, s.Snapshot.Element...) {
			if e.Binding != nil {
				sets[canonicalURL(e.Binding.ValueSet)] = true
			}
		}
		if err := put(s); err != nil {
			return err
		}
	}
	if pkg == "" {
		for _, b := range bindings.Of {
			sets[canonicalURL(b.ValueSet)] = true
		}
		if err := put(bindings); err != nil {
			return err
		}
	}
	todo := slices.Sorted(maps.Keys(sets))
	for len(todo) > 0 {
		url := todo[0]
		todo = todo[1:]
		if !mine("ValueSet", url) {
			continue
		}
		s, ok := l.flat(url)
		if !ok {
			continue
		}
		for _, list := range [][]Include{s.Compose.Include, s.Compose.Exclude} {
			for i := range list {
				slices.Sort(list[i].Codes)
				for _, u := range list[i].ValueSet {
					if u = canonicalURL(u); !sets[u] {
						sets[u] = true
						todo = append(todo, u)
					}
				}
			}
		}
		if err := put(s); err != nil {
			return err
		}
	}
	for _, url := range slices.Sorted(maps.Keys(l.systems)) {
		x := l.systems[url]
		if x == nil || !x.whole || len(x.codes) == 0 || !mine("CodeSystem", url) {
			continue
		}
		if _, known := terminology.Holds(url, ""); known {
			continue
		}
		s := CodeSystem{ResourceType: "CodeSystem", URL: url, Codes: slices.Sorted(maps.Keys(x.codes))}
		if x.fold {
			s.CaseSensitive = new(bool)
		}
		if err := put(s); err != nil {
			return err
		}
	}
	if len(out) == 0 {
		return errors.New("there is no definition in it")
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, b := range out {
		if _, err := z.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	return z.Close()
}

// bindBase notes the binding of an element that a type of FHIR itself defines, unless the codec checks it.
func bindBase(of map[string]Bind, s *Structure, e *Element) {
	b := e.Binding
	if b == nil || b.ValueSet == "" || b.Strength != "required" && b.Strength != "extensible" {
		return
	}
	owner, name, ok := cutLast(strings.TrimSuffix(e.Path, "[x]"))
	if !ok {
		return
	}
	t, err := plan.Named(owner)
	if err != nil {
		return
	}
	el := t.Element(name)
	if el == nil {
		return
	}
	if el.Choice == nil {
		if st := el.Type(); st.Kind == plan.Primitive && st.Prim.Kind == plan.Code {
			return
		}
	}
	of[t.Name+"."+name] = *b
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}
