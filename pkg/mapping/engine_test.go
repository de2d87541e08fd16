package mapping_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

var update = flag.Bool("update", false, "write what the engine does into the cases")

// testTypes are leaf types and pairs for the cases.
var testTypes = mapping.Types{
	"ST": mapping.Type{},
	"OID": mapping.Type{
		Read: func(_ *mapping.Context, s string) (string, error) { return "urn:oid:" + s, nil },
		Write: func(_ *mapping.Context, s string) (string, error) {
			oid, ok := strings.CutPrefix(s, "urn:oid:")
			if !ok {
				return "", fmt.Errorf("no OID")
			}
			return oid, nil
		},
	},
	"NM": mapping.Type{
		Read:   func(_ *mapping.Context, s string) (string, error) { return strings.TrimPrefix(s, "+"), nil },
		Normal: func(s string) string { return s },
	},
	"DT": mapping.Type{
		Read: func(c *mapping.Context, s string) (string, error) {
			if len(s) < 8 {
				return "", fmt.Errorf("not a date")
			}
			if len(s) > 8 && c.Zone == nil {
				return s[:4] + "-" + s[4:6] + "-" + s[6:8], mapping.Loss("the time of day has no offset")
			}
			return s[:4] + "-" + s[4:6] + "-" + s[6:8], nil
		},
		Write: func(_ *mapping.Context, s string) (string, error) { return strings.ReplaceAll(s, "-", ""), nil },
	},
	"date": func(layout string) (mapping.Type, error) {
		return mapping.Type{
			Read: func(_ *mapping.Context, s string) (string, error) {
				t, err := time.Parse(layout, s)
				return t.Format("2006-01-02"), err
			},
			Write: func(_ *mapping.Context, s string) (string, error) {
				t, err := time.Parse("2006-01-02", s)
				return t.Format(layout), err
			},
		}, nil
	},
}

// TestEngine runs the cases in testdata/engine: a mapping, a source, the FHIR that it becomes, what comes back, and the
// ledgers of both legs.
func TestEngine(t *testing.T) {
	cases, err := filepath.Glob("testdata/engine/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	get := func(name string) *txtar.File {
		for i := range a.Files {
			if a.Files[i].Name == name {
				return &a.Files[i]
			}
		}
		a.Files = append(a.Files, txtar.File{Name: name})
		return &a.Files[len(a.Files)-1]
	}
	check := func(name, got string) {
		f := get(name)
		if *update {
			f.Data = []byte(got)
		} else if want := string(f.Data); got != want {
			t.Errorf("%s:\n%swant:\n%s", name, got, want)
		}
	}
	var format *tree.Format
	var doc *tree.Doc
	var print func(*tree.Doc) string
	var parse func(string) *tree.Doc
	var born []byte // FHIR that no document made
	for _, f := range a.Files {
		switch f.Name {
		case "in.er7":
			format, doc, print = er7Tree, parseER7(string(f.Data)), printER7
		case "in.xml":
			format, doc, print = xmlTree, parseXML(string(f.Data)), printXML
		case "in.csv":
			format, doc, print = csvTree, parseCSV(string(f.Data)), printCSV
		case "in.fhir":
			format, born, print, parse = er7Tree, f.Data, printER7, parseER7
		case "in.fhir.xml":
			format, born, print, parse = xmlTree, f.Data, printXML, parseXML
		case "in.fhir.csv":
			format, born, print = csvTree, f.Data, printCSV
		}
	}
	root := strings.Fields(string(a.Comment))[0] // TABLE[TYPE]
	name, typ, _ := strings.Cut(strings.TrimSuffix(root, "]"), "[")
	m := mapOf(t, format, string(get("map").Data))
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	o := mapping.ReadOptions{Key: "case", Relative: true}
	if born != nil {
		rec := recordOf(t, string(born))
		back, err := m.FromFHIR(name, typ, rec)
		if err != nil {
			t.Fatal(err)
		}
		check("back", print(back))
		check("back.ledger", recordLedger(rec))
		if doc = back; parse != nil {
			doc = parse(print(back)) // and from here on as if the document had come first
		}
	}
	rec, err := m.ToFHIR(name, typ, doc, o)
	if err != nil {
		t.Fatal(err)
	}
	check("fhir", printRecord(t, rec))
	check("ledger", ledgerOf(doc))
	tally := doc.Tally()
	check("tally", fmt.Sprintf("%d values: %d carried, %d folded, %d declined, %d unmapped, %d invalid\n",
		tally.Values(), tally.Carried, tally.Folded, tally.Declined, tally.Unmapped, tally.Invalid))

	again := rebuild(t, rec)
	back, err := m.FromFHIR(name, typ, again)
	if err != nil {
		t.Fatal(err)
	}
	if born == nil {
		check("back", print(back))
		check("back.ledger", recordLedger(again))
	} else if one, two := print(doc), print(back); one != two {
		t.Errorf("the document after the round:\n%swas:\n%s", two, one)
	}
	switch format {
	case er7Tree:
		back = parseER7(print(back))
	case xmlTree:
		back = parseXML(print(back))
	}

	if *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Whatever the case shows: what is carried comes back, and FHIR is stable.
	carried := map[string]string{}
	doc.Leaves(func(n tree.Node, s tree.State, _ string) {
		if s == tree.Carried {
			carried[doc.PlaceOf(n)] = doc.Text(n)
		}
	})
	back.Leaves(func(n tree.Node, _ tree.State, _ string) {
		if at := back.PlaceOf(n); carried[at] == back.Text(n) {
			delete(carried, at)
		}
	})
	for at, text := range carried {
		t.Errorf("%s is carried and does not come back: %q", at, text)
	}
	rec2, err := m.ToFHIR(name, typ, back, o)
	if err != nil {
		t.Fatal(err)
	}
	if one, two := printRecord(t, rec), printRecord(t, rec2); one != two && !bytes.Contains(a.Comment, []byte("unstable")) {
		t.Errorf("FHIR after the round:\n%swas:\n%s", two, one)
	}
}

// recordOf is a record of FHIR in JSON, a resource a line.
func recordOf(t testing.TB, text string) *mapping.Record {
	t.Helper()
	rec := mapping.NewRecord(nil)
	for line := range strings.Lines(text) {
		msg, finds := fhir.Unmarshal([]byte(line))
		if len(finds) > 0 {
			t.Fatalf("%v in %s", finds, line)
		}
		rec.Add(mapping.NewResource(msg, ""))
	}
	return rec
}

func mapOf(t testing.TB, format *tree.Format, text string) *mapping.Map {
	t.Helper()
	types := maps.Clone(testTypes)
	maps.Copy(types, cdaTypes)
	return mapWith(t, format, types, text)
}

// mapWith is a map of the tables of a text with these types.
func mapWith(t testing.TB, format *tree.Format, types mapping.Types, text string) *mapping.Map {
	t.Helper()
	f, err := mapping.ParseFile("case.map", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	set, err := mapping.Merge([]*mapping.File{f}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return mapping.New(format, types, set)
}

func printRecord(t testing.TB, rec *mapping.Record) string {
	t.Helper()
	var b strings.Builder
	for _, r := range rec.Resources {
		out, err := fhir.Append(nil, r.Msg)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(short(rec, out))
		b.WriteByte('\n')
	}
	return b.String()
}

// short replaces ids by the resource's type and place in the record, which people can read.
func short(rec *mapping.Record, out []byte) []byte {
	for i, r := range rec.Resources {
		out = bytes.ReplaceAll(out, []byte(r.ID), fmt.Appendf(nil, "#%d", i+1))
	}
	return out
}

func ledgerOf(doc *tree.Doc) string {
	var b strings.Builder
	doc.Leaves(func(n tree.Node, s tree.State, why string) {
		if s != tree.Carried {
			fmt.Fprintf(&b, "%s %s", doc.PlaceOf(n), s)
			if why != "" {
				fmt.Fprintf(&b, ": %s", why)
			}
			b.WriteByte('\n')
		}
	})
	return b.String()
}

func recordLedger(rec *mapping.Record) string {
	var b strings.Builder
	rec.Leaves(func(place func() string, s tree.State, why string) {
		if s != tree.Carried {
			fmt.Fprintf(&b, "%s %s", place(), s)
			if why != "" {
				fmt.Fprintf(&b, ": %s", why)
			}
			b.WriteByte('\n')
		}
	})
	return b.String()
}

// rebuild writes a record as JSON and reads it again, as another program would.
func rebuild(t testing.TB, rec *mapping.Record) *mapping.Record {
	t.Helper()
	again := mapping.NewRecord(rec.Bundle)
	for _, r := range rec.Resources {
		out, err := fhir.Append(nil, r.Msg)
		if err != nil {
			t.Fatal(err)
		}
		m, finds := fhir.Unmarshal(out)
		if len(finds) > 0 {
			t.Fatalf("%v in %s", finds, out)
		}
		again.Add(mapping.NewResource(m, ""))
	}
	return again
}
