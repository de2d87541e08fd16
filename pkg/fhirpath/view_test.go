package fhirpath_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
)

// A runner of ViewDefinitions (SQL-on-FHIR v2) as small as can be, to judge expressions by what views make of them.

type selection struct {
	Column []struct {
		Name, Path string
		Collection bool
	}
	Select, UnionAll       []selection
	ForEach, ForEachOrNull *string
	Repeat                 []string
}

type viewDefinition struct {
	Resource string
	Constant []map[string]any
	Where    []struct{ Path string }
	selection
}

type viewRow map[string]any

type viewer struct {
	c       *fhirpath.Context
	options fhirpath.Options
}

func (w *viewer) eval(path string, v fhirpath.Value, types fhirpath.Types) ([]fhirpath.Value, fhirpath.Types, error) {
	x, err := fhirpath.Compile(path, types, w.options)
	if err != nil {
		return nil, nil, err
	}
	items, err := x.Eval(w.c, v)
	return slices.Clone(items), x.Types(), err
}

func jsonOf(v fhirpath.Value) any {
	s := v.System()
	switch s.Kind() {
	case fhirpath.Boolean:
		b, _ := s.Bool()
		return b
	case fhirpath.Integer, fhirpath.Decimal:
		text, _ := s.Text()
		var f float64
		_, _ = fmt.Sscan(text, &f)
		return f
	}
	text, _ := v.Text()
	return text
}

func (w *viewer) rows(s *selection, v fhirpath.Value, types fhirpath.Types, index int) (out []viewRow, err error) {
	foci, indexes, null := []fhirpath.Value{v}, []int{index}, false
	if path := s.ForEach; path != nil || s.ForEachOrNull != nil {
		if path == nil {
			path = s.ForEachOrNull
		}
		if foci, types, err = w.eval(*path, v, types); err != nil {
			return nil, err
		}
		if indexes = nil; len(foci) == 0 && s.ForEachOrNull != nil {
			foci, null = []fhirpath.Value{{}}, true
		}
	} else if s.Repeat != nil {
		foci, indexes = nil, nil
		var down func(v fhirpath.Value) error
		down = func(v fhirpath.Value) error {
			for _, path := range s.Repeat {
				found, _, err := w.eval(path, v, nil) // each path is run on what the others found, too
				if err != nil {
					return err
				}
				for _, f := range found {
					foci = append(foci, f)
					if err := down(f); err != nil {
						return err
					}
				}
			}
			return nil
		}
		if err := down(v); err != nil {
			return nil, err
		}
		types = nil
	}
	if null {
		types = nil
	}
	for i := range foci {
		at := i
		if indexes != nil {
			at = indexes[i]
		}
		part := []viewRow{{}}
		for _, col := range s.Column {
			w.c.SetVariable("rowIndex", fhirpath.NewInteger(int64(at)))
			items, _, err := w.eval(col.Path, foci[i], types)
			if err != nil {
				return nil, err
			}
			switch {
			case col.Collection:
				list := []any{}
				for _, x := range items {
					list = append(list, jsonOf(x))
				}
				part[0][col.Name] = list
			case len(items) > 1:
				return nil, fmt.Errorf("%s: several values", col.Name)
			case len(items) == 1:
				part[0][col.Name] = jsonOf(items[0])
			default:
				part[0][col.Name] = nil
			}
		}
		for j := range s.Select {
			more, err := w.rows(&s.Select[j], foci[i], types, at)
			if err != nil {
				return nil, err
			}
			part = cross(part, more)
		}
		if s.UnionAll != nil {
			var all []viewRow
			for j := range s.UnionAll {
				if !slices.Equal(columns(&s.UnionAll[j]), columns(&s.UnionAll[0])) {
					return nil, fmt.Errorf("a union of unlike columns")
				}
				more, err := w.rows(&s.UnionAll[j], foci[i], types, at)
				if err != nil {
					return nil, err
				}
				all = append(all, more...)
			}
			part = cross(part, all)
		}
		out = append(out, part...)
	}
	return out, nil
}

func cross(a, b []viewRow) (out []viewRow) {
	for _, x := range a {
		for _, y := range b {
			m := maps.Clone(x)
			maps.Copy(m, y)
			out = append(out, m)
		}
	}
	return out
}

func columns(s *selection) (names []string) {
	for _, c := range s.Column {
		names = append(names, c.Name)
	}
	for i := range s.Select {
		names = append(names, columns(&s.Select[i])...)
	}
	if len(s.UnionAll) > 0 {
		names = append(names, columns(&s.UnionAll[0])...)
	}
	return names
}

// static compiles the paths of a view, whatever the data.
func (w *viewer) static(s *selection, types fhirpath.Types) error {
	if path := s.ForEach; path != nil || s.ForEachOrNull != nil {
		if path == nil {
			path = s.ForEachOrNull
		}
		x, err := fhirpath.Compile(*path, types, w.options)
		if err != nil {
			return err
		}
		types = x.Types()
	}
	if s.Repeat != nil {
		types = nil
	}
	for _, c := range s.Column {
		if _, err := fhirpath.Compile(c.Path, types, w.options); err != nil {
			return err
		}
	}
	for _, list := range [][]selection{s.Select, s.UnionAll} {
		for i := range list {
			if err := w.static(&list[i], types); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *viewer) run(definition json.RawMessage, resources []fhirpath.Value) (rows []viewRow, err error) {
	var view viewDefinition
	if err := json.Unmarshal(definition, &view); err != nil {
		return nil, err
	}
	types, err := fhirpath.NamedTypes(view.Resource)
	if err != nil {
		return nil, err
	}
	w.options = fhirpath.Options{JoinEmpty: true, Unset: []string{"rowIndex"}, Variables: map[string][]fhirpath.Value{}}
	for _, k := range view.Constant {
		for name, x := range k {
			if typ, ok := strings.CutPrefix(name, "value"); ok {
				w.options.Variables[k["name"].(string)] = []fhirpath.Value{constantOf(typ, x)}
			}
		}
	}
	if err := w.static(&view.selection, types); err != nil {
		return nil, err
	}
	for _, x := range view.Where {
		e, err := fhirpath.Compile(x.Path, types, w.options)
		if err != nil {
			return nil, err
		}
		if ts := e.Types(); len(ts) == 1 && ts[0].System != fhirpath.Boolean && (ts[0].FHIR == nil || ts[0].FHIR.Name != "boolean") {
			return nil, fmt.Errorf("where wants a boolean")
		}
	}
next:
	for _, r := range resources {
		if r.Type().Name != view.Resource {
			continue
		}
		w.c.SetScope(r, r)
		for _, x := range view.Where {
			if ok, err := fhirpath.MustCompile(x.Path, types, w.options).Bool(w.c, r); err != nil {
				return nil, err
			} else if !ok {
				continue next
			}
		}
		more, err := w.rows(&view.selection, r, types, 0)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func constantOf(typ string, x any) fhirpath.Value {
	switch y := x.(type) {
	case bool:
		return fhirpath.NewBoolean(y)
	case float64:
		if typ == "Decimal" {
			v, _ := fhirpath.NewDecimal(fmt.Sprint(y))
			return v
		}
		return fhirpath.NewInteger(int64(y))
	}
	s, _ := x.(string)
	switch typ {
	case "Time":
		s = "T" + s
		fallthrough
	case "Date", "DateTime", "Instant":
		v, _ := fhirpath.NewTemporal(s)
		return v
	}
	return fhirpath.NewString(s)
}

// TestSQLOnFHIR runs the suite of SQL-on-FHIR v2.
func TestSQLOnFHIR(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "conformance/sql-on-fhir/tests/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no tests", err)
	}
	total := 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var suite struct {
			Resources []json.RawMessage
			Tests     []struct {
				Title       string
				View        json.RawMessage
				Expect      []viewRow
				ExpectError bool
			}
		}
		if err := json.Unmarshal(b, &suite); err != nil {
			t.Fatal(err)
		}
		var resources []fhirpath.Value
		for _, r := range suite.Resources {
			m, findings := fhir.Unmarshal(r)
			if m == nil {
				t.Fatalf("%s: %v", name, findings)
			}
			resources = append(resources, fhirpath.Of(m))
		}
		for _, x := range suite.Tests {
			total++
			at := filepath.Base(name) + ": " + x.Title
			w := &viewer{c: fhirpath.NewContext(fhirpath.Env{})}
			rows, err := w.run(x.View, resources)
			switch {
			case (err != nil) != x.ExpectError:
				t.Errorf("%s: %v", at, err)
			case err == nil && x.Expect != nil && !reflect.DeepEqual(lines(rows), lines(x.Expect)):
				t.Errorf("%s\n got %s\nwant %s", at, lines(rows), lines(x.Expect))
			}
		}
	}
	if total != 134 {
		t.Errorf("%d tests, want 134", total)
	}
}

func lines(rows []viewRow) (out []string) {
	for _, r := range rows {
		b, _ := json.Marshal(r)
		out = append(out, string(b))
	}
	slices.Sort(out)
	return out
}
