// Package maptest holds the laws of DESIGN.md as a kit that the tables of every format must pass.
package maptest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// A Kit is what the laws must know of a format.
type Kit struct {
	Map   *mapping.Map
	Table func(*tree.Doc) (name, typ string)     // the table that reads a document
	Parse func([]byte) (*tree.Doc, error)        // a document of its own memory
	Print func(*tree.Doc) []byte                 // what FromFHIR made
	Write func(*mapping.Record) (string, string) // the table that writes a record; nil: the one that read it
	Read  mapping.ReadOptions
	// After marks what the format knows of a document beside the tables once it was read; nil: nothing.
	After func(*tree.Doc)
	// Same names a leaf so that it has that name again when it comes back, in the format's written normal form; nil: its place.
	Same func(*tree.Doc) func(tree.Node) string
}

// Result is what the laws saw of one document.
type Result struct {
	Tally  tree.Tally
	Record *mapping.Record
	Doc    *tree.Doc
	Faults []string // laws broken, in words, with places and without values
	Back   []byte   // what came back, printed
}

// Run holds one document against the laws: the ledger adds up and its places are unique, every carried leaf stands in the record and comes
// back, FHIR is stable over the way back, and what is remembered of texts that were read before changes nothing.
func (k *Kit) Run(source []byte) (*Result, error) {
	doc, err := k.Parse(source)
	if err != nil {
		return nil, err
	}
	res := &Result{Doc: doc}
	fault := func(format string, args ...any) { res.Faults = append(res.Faults, fmt.Sprintf(format, args...)) }
	name, typ := k.Table(doc)
	normal := map[tree.Node]string{}
	o := k.Read
	o.Normal = func(n tree.Node, form string) { normal[n] = form }
	if res.Record, err = k.Map.ToFHIR(name, typ, doc, o); err != nil {
		return nil, err
	}
	if k.After != nil {
		k.After(doc)
	}
	res.Tally = doc.Tally()

	// Law 1: places are unique, and what is not carried says why.
	type leaf struct {
		n     tree.Node
		text  string
		state tree.State
	}
	leaves := map[string]leaf{}
	doc.Leaves(func(n tree.Node, s tree.State, why string) {
		at := doc.PlaceOf(n)
		if _, ok := leaves[at]; ok {
			fault("the place %s stands twice in the ledger", at)
		}
		text := doc.Text(n)
		if form, ok := normal[n]; ok {
			text = form
		}
		leaves[at] = leaf{n, text, s}
		if why == "" && (s == tree.Folded || s == tree.Declined || s == tree.Invalid) {
			fault("%s is %s without a reason", at, s)
		}
	})
	if err := k.again(source, res, fault); err != nil {
		return nil, err
	}

	// Law 5: there and back.
	again, err := Rebuild(res.Record)
	if err != nil {
		fault("what was made is no FHIR: %v", err)
		return res, nil
	}
	wname, wtyp := name, typ
	if k.Write != nil {
		wname, wtyp = k.Write(again)
	}
	back, err := k.Map.FromFHIR(wname, wtyp, again)
	if err != nil {
		return nil, err
	}
	printed := k.Print(back)
	res.Back = printed
	second, err := k.Parse(printed)
	if err != nil {
		fault("what came back is not read: %v", err)
		return res, nil
	}
	same := k.Same
	if same == nil {
		same = func(d *tree.Doc) func(tree.Node) string { return func(n tree.Node) string { return whole(d, n) } }
	}
	came := map[string]string{}
	name2 := same(second)
	second.Leaves(func(n tree.Node, _ tree.State, _ string) { came[name2(n)] = second.Text(n) })
	name1 := same(doc)
	var lost []string
	for at, l := range leaves {
		if have := came[name1(l.n)]; l.state == tree.Carried && have != l.text {
			what := "does not come back"
			if have != "" {
				what = "comes back as something else"
			}
			lost = append(lost, fmt.Sprintf("%s is carried and %s", at, what))
		}
	}
	slices.Sort(lost)
	res.Faults = append(res.Faults, lost...)
	rec2, err := k.Map.ToFHIR(name, typ, second, k.Read)
	if err != nil {
		return nil, err
	}
	one, err1 := Lines(res.Record)
	two, err2 := Lines(rec2)
	if err1 != nil || err2 != nil {
		fault("FHIR is not written: %v %v", err1, err2)
		return res, nil
	}
	if at := firstDifference(one, two); at != "" {
		fault("FHIR is not stable: %s", at)
	}
	return res, nil
}

// again reads the document twice more. Of two values that claim one place one would be gone, although both are carried: so with the origins
// of the elements each carried leaf must still be what it made. And without anything to be told, when texts that were read before are
// remembered, it becomes the same, leaf by leaf.
func (k *Kit) again(source []byte, first *Result, fault func(format string, args ...any)) error {
	read := func(o mapping.ReadOptions) (*mapping.Record, *tree.Doc, error) {
		doc, err := k.Parse(source)
		if err != nil {
			return nil, nil, err
		}
		name, typ := k.Table(doc)
		rec, err := k.Map.ToFHIR(name, typ, doc, o)
		return rec, doc, err
	}
	o := k.Read
	o.Origins = true
	rec, doc, err := read(o)
	if err != nil {
		return err
	}
	for _, n := range rec.Astray() {
		fault("%s is carried, and the record does not say it", doc.PlaceOf(n))
	}
	if rec, doc, err = read(k.Read); err != nil {
		return err
	}
	if k.After != nil {
		k.After(doc)
	}
	states := map[string]tree.State{}
	first.Doc.Leaves(func(n tree.Node, s tree.State, _ string) { states[first.Doc.PlaceOf(n)] = s })
	doc.Leaves(func(n tree.Node, s tree.State, _ string) {
		if at := doc.PlaceOf(n); states[at] != s {
			fault("%s is %s, and %s where texts are remembered", at, states[at], s)
		}
	})
	one, err := Lines(first.Record)
	if err != nil {
		return err
	}
	two, err := Lines(rec)
	if err != nil {
		return err
	}
	if at := firstDifference(one, two); at != "" {
		fault("FHIR differs where texts are remembered: %s", at)
	}
	return nil
}

// whole is a leaf's place where a leaf is its own first part: PID-5.1.1 is PID-5, for the way back may add a component.
func whole(d *tree.Doc, n tree.Node) string {
	at := d.PlaceOf(n)
	for d.Self != "" && strings.HasSuffix(at, "."+d.Self) {
		at = strings.TrimSuffix(at, "."+d.Self)
	}
	return at
}

// Rebuild writes a record as JSON and reads it again, as another program would.
func Rebuild(rec *mapping.Record) (*mapping.Record, error) {
	again := mapping.NewRecord(rec.Bundle)
	for _, r := range rec.Resources {
		out, err := fhir.Append(nil, r.Msg)
		if err != nil {
			return nil, err
		}
		m, finds := fhir.Unmarshal(out)
		if len(finds) > 0 {
			return nil, finds[0]
		}
		again.Add(mapping.NewResource(m, "urn:uuid:"+r.ID))
	}
	return again, nil
}

// Lines is a record as JSON, a resource a line, with ids by place so that equal records have equal lines.
func Lines(rec *mapping.Record) ([]string, error) {
	var lines []string
	var pairs []string
	for i, r := range rec.Resources {
		pairs = append(pairs, r.ID, fmt.Sprintf("%s#%d", r.Type(), i+1))
	}
	names := strings.NewReplacer(pairs...)
	for _, r := range rec.Resources {
		out, err := fhir.Append(nil, r.Msg)
		if err != nil {
			return nil, err
		}
		lines = append(lines, names.Replace(string(out)))
	}
	return lines, nil
}

// firstDifference says where two records differ, without their values.
func firstDifference(one, two []string) string {
	for i := range max(len(one), len(two)) {
		switch {
		case i >= len(one):
			return fmt.Sprintf("a resource more: %s", typeOf(two[i]))
		case i >= len(two):
			return fmt.Sprintf("a resource less: %s", typeOf(one[i]))
		case one[i] != two[i]:
			at := 0
			for at < min(len(one[i]), len(two[i])) && one[i][at] == two[i][at] {
				at++
			}
			key := one[i][:at]
			if q := strings.LastIndex(key, `":`); q >= 0 {
				key = key[:q]
				key = key[strings.LastIndexByte(key, '"')+1:]
			}
			return fmt.Sprintf("resource %d, %s, near %s", i+1, typeOf(one[i]), key)
		}
	}
	return ""
}

func typeOf(line string) string {
	rest, _ := strings.CutPrefix(line, `{"resourceType":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// Deterministic holds one document against law 4: the same bytes each time.
func (k *Kit) Deterministic(t testing.TB, source []byte) {
	t.Helper()
	var first []byte
	for range 2 {
		doc, err := k.Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		name, typ := k.Table(doc)
		rec, err := k.Map.ToFHIR(name, typ, doc, k.Read)
		if err != nil {
			t.Fatal(err)
		}
		var out []byte
		for _, r := range rec.Resources {
			if out, err = fhir.Append(out, r.Msg); err != nil {
				t.Fatal(err)
			}
		}
		if first == nil {
			first = out
		} else if !bytes.Equal(first, out) {
			t.Error("the same source gives other bytes the second time")
		}
	}
}
