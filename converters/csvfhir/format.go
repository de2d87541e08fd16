package csvfhir

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// called reports a file that its own name calls a table: a text without names of columns that a mapping knows so, and whatever is called like a
// table, for which the codec has plainer words than that nobody knows its format.
func (s *Set) called(name string, head []byte) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv", ".tsv", ".xls", ".xlsx":
		return true
	}
	return !bytes.ContainsRune(head, 0) && s.Blind(name) != nil
}

// Reader is CSV as a format of convert that is read, with the mappings of a run.
func Reader(set *Set) *convert.Format {
	return &convert.Format{
		Name: "csv", Extension: ".csv", Sniff: csvtab.Sniff, Called: set.called, Join: set.join,
		ReadFiles: set.readFiles,
		Read: func(r io.Reader, source string, o *convert.Options) iter.Seq2[*convert.Raw, error] {
			return func(yield func(*convert.Raw, error) bool) {
				f, done, err := convert.Spool(r, source, o.TempDir)
				if err != nil {
					yield(nil, err)
					return
				}
				defer done()
				for raw, err := range set.readFiles([]*convert.File{f}, o) {
					if !yield(raw, err) {
						return
					}
				}
			}
		},
		NewWorker: func(o *convert.Options) convert.Worker {
			return &worker{o: o, doc: tree.New(Format, 64), zones: map[string]*time.Location{}}
		},
		Describe: describe,
	}
}

// describe says which table of which mapping a record's rows are of.
func describe(raw *convert.Raw, _ *convert.Options) (convert.Description, *diag.Finding) {
	if x, ok := raw.Data.(refused); ok && x.table != nil { // what it is can be said of a table that nobody knows
		d := convert.Description{Kinds: map[string]int{"row": x.table.Count}, Facts: map[string]string{"columns": fmt.Sprint(len(x.table.Columns))}}
		dialect(d.Facts, x.table)
		if raw.Reject.ID == NoMapping {
			d.Facts["mapping"] = "none"
		}
		return d, nil
	}
	if raw.Reject != nil {
		return convert.Description{}, raw.Reject
	}
	rows, err := raw.Data.(*record).load()
	if err != nil {
		return convert.Description{}, diag.New(convert.Fault, diag.Place{}, "")
	}
	d := convert.Description{Kinds: map[string]int{}, Facts: map[string]string{}}
	for _, x := range rows {
		d.Kinds[x.of.Table.Name]++
		d.Facts["mapping"] = x.of.Table.of.label()
		dialect(d.Facts, x.of.table)
	}
	return d, nil
}

// dialect says how a table is written.
func dialect(facts map[string]string, t *csvtab.Table) {
	if t.Dialect.Encoding != "" {
		facts["encoding"] = t.Dialect.Encoding
	}
	if c := t.Dialect.Comma; c != 0 && c != ',' {
		facts["delimiter"] = strings.Trim(fmt.Sprintf("%q", c), "'")
	}
}

// worker turns rows into the hub.
type worker struct {
	o     *convert.Options
	doc   *tree.Doc
	zones map[string]*time.Location
}

func (w *worker) ToHub(raw *convert.Raw) (*convert.Record, error) {
	data := raw.Data.(*record)
	rows, err := data.load()
	if err != nil {
		return nil, err
	}
	fill(w.doc, rows)
	first := rows[0]
	zone, err := w.zone(first.of)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(rows))
	of := func(at tree.Node) int { return w.doc.Ordinal(rowOf(w.doc, at)) - 1 }
	var clashes []*diag.Finding
	rec, err := first.of.m.ToFHIR(ScopeName, "Bundle", w.doc, mapping.ReadOptions{Zone: zone, Relative: w.o.Relative(), NoBundle: true, Origins: w.o.Origins(), Shared: w.o.OnlyFHIR(),
		KeyOf: func(at tree.Node) string {
			if at <= tree.Root {
				return ""
			}
			i := of(at)
			if keys[i] == "" {
				keys[i] = rows[i].keyed()
			}
			return keys[i]
		},
		IDOf: func(typ string, at tree.Node) string {
			if at <= tree.Root {
				return ""
			}
			return rows[of(at)].idOf(typ)
		},
		Unite: true,
		Clash: func(at, first tree.Node, typ string, elements []string) {
			x, y := rows[of(at)], rows[of(first)]
			what := Disagree.Entry().What
			if list := x.differs(y, typ, elements); len(list) > 0 {
				what = fmt.Sprintf("it says something else of one %s than %s: %s", typ, w.doc.PlaceOf(rowOf(w.doc, first)), strings.Join(list, ", "))
			}
			clashes = append(clashes, diag.New(Disagree, diag.Place{Source: x.of.file, Line: x.line, Path: w.doc.PlaceOf(rowOf(w.doc, at))}, "%s", what))
		},
	})
	if err != nil {
		return nil, err
	}
	at := diag.Place{Source: first.of.file, Line: first.line, Path: w.doc.PlaceOf(w.doc.First(tree.Root))}
	if f := addCells(rec, w.doc, rows); f != nil {
		return nil, f
	}
	if f := unsaid(w.doc, rows); f != nil {
		return nil, f
	}
	settle(w.doc)
	if len(rec.Resources) == 0 && w.doc.Tally().Declined == 0 {
		return nil, diag.New(Nothing, at, "")
	}
	key := ""
	if len(rows) == 1 || first.of.record < 0 {
		key = first.keyed()
	} else {
		key = fhir.ID("record", first.of.Table.of.label(), first.of.recordKey(first))
	}
	for _, f := range rec.Findings {
		if f.Place.Source == "" {
			f.Place.Source = first.of.file
		}
	}
	out := &convert.Record{Record: rec, Key: key, Findings: clashes, Leaves: convert.Leaves(w.doc)}
	if slices.ContainsFunc(rows, func(x *row) bool { return x.shared > 0 }) {
		out.Share(func(f func(key uint64, place func() string, s tree.State, why string)) {
			w.doc.Leaves(func(n tree.Node, s tree.State, why string) {
				f(rows[of(n)].shared, func() string { return w.doc.PlaceOf(n) }, s, why)
			})
		})
	}
	return out, nil
}

// zone is the zone of times without an offset: what the command line says, else the head of the mapping.
func (w *worker) zone(x *opened) (*time.Location, error) {
	name := x.Table.of.File.Head.Options.Zone
	if w.o.Zone != nil || name == "" {
		return w.o.Zone, nil
	}
	if z := w.zones[name]; z != nil {
		return z, nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%s: the head names no known time zone", x.Table.of.File.Name)
	}
	w.zones[name] = z
	return z, nil
}
