package v2fhir

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
	"github.com/chartpost/chartpost/pkg/tree"
)

// TestFacts holds cases that people have read (-update writes them: read the difference before it is committed), for what is wrong in the same way both ways passes every law. A case is a file
// of testdata: in.hl7, what it is in FHIR, what comes back, and what does not; or in.json, FHIR that comes from elsewhere, and
// the message that is made of it. A line "show: Patient, Encounter" before the files says which resources fhir.json holds, a
// line "structure: ADT_A01" which message is made of in.json.
func TestFacts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	m := builtin(t)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: a.Comment}
			want := map[string]string{}
			for _, f := range a.Files {
				want[f.Name] = string(f.Data)
			}
			add := func(name, text string) {
				got.Files = append(got.Files, txtar.File{Name: name, Data: []byte(text)})
			}
			if in, ok := want["in.hl7"]; ok {
				add("in.hl7", in)
				factsOfMessage(t, m, in, setting(string(a.Comment), "show"), add)
				lawful(t, m, strings.ReplaceAll(in, "\n", "\r"))
			} else if in, ok := want["in.json"]; ok {
				add("in.json", in)
				factsOfFHIR(t, m, in, setting(string(a.Comment), "structure"), add)
			} else {
				t.Fatal("neither in.hl7 nor in.json")
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, f := range got.Files {
				if string(f.Data) != want[f.Name] {
					t.Errorf("%s: %s is not as it was (go test -run TestFacts -update shows the difference in git):\n%s", name, f.Name, difference(want[f.Name], string(f.Data)))
				}
			}
		})
	}
}

// lawful holds a message against the laws: what people have read must not be carried in name only.
func lawful(t *testing.T, m *mapping.Map, text string) {
	t.Helper()
	msg, err := hl7v2.Parse(text, hl7v2.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := kit(m, msg.Group()).Run([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Faults {
		t.Error(f)
	}
}

// TestExamples holds the messages in examples against the laws.
func TestExamples(t *testing.T) {
	m := builtin(t)
	names, err := filepath.Glob("../../examples/*.hl7")
	if err != nil || len(names) == 0 {
		t.Fatal("no examples", err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for raw, err := range hl7v2.NewReader(f, hl7v2.Options{}).All() {
			if err != nil {
				t.Fatal(err)
			}
			lawful(t, m, raw.Data)
		}
	}
}

func setting(comment, name string) string {
	for line := range strings.Lines(comment) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func factsOfMessage(t *testing.T, m *mapping.Map, in, show string, add func(name, text string)) {
	msg, err := hl7v2.Parse(strings.ReplaceAll(in, "\n", "\r"), hl7v2.Options{})
	if err != nil {
		t.Fatal(err)
	}
	structure := msg.Group()
	rec, err := m.ToFHIR(structure, "Bundle", msg.Doc, mapping.ReadOptions{Key: "test", Facility: "test"})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := maptest.Lines(rec)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	types := strings.Split(strings.ReplaceAll(show, " ", ""), ",")
	for i, r := range rec.Resources {
		if show == "all" || slices.Contains(types, r.Type()) {
			b.Write(fhir.Indent(nil, []byte(lines[i])))
			b.WriteByte('\n')
		}
	}
	add("fhir.json", b.String())
	again, err := maptest.Rebuild(rec)
	if err != nil {
		t.Fatal(err)
	}
	back, err := m.FromFHIR(structure, "Bundle", again)
	if err != nil {
		t.Fatal(err)
	}
	add("back.hl7", printed(t, back, structure))
	b.Reset()
	msg.Leaves(func(n tree.Node, s tree.State, why string) {
		if s != tree.Carried {
			fmt.Fprintf(&b, "%s %s: %s\n", msg.PlaceOf(n), s, why)
		}
	})
	add("ledger", b.String())
}

func factsOfFHIR(t *testing.T, m *mapping.Map, in, structure string, add func(name, text string)) {
	rec := mapping.NewRecord(nil)
	for line := range strings.Lines(in) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		r, finds := fhir.Unmarshal([]byte(line))
		if len(finds) > 0 {
			t.Fatal(finds[0])
		}
		rec.Add(mapping.NewResource(r, ""))
	}
	back, err := m.FromFHIR(structure, "Bundle", rec)
	if err != nil {
		t.Fatal(err)
	}
	if back.Child(tree.Root, "MSH") == 0 { // convert fills the header
		back.Add(back.Add(tree.Root, "MSH", ""), "9", structure)
	}
	add("back.hl7", printed(t, back, structure))
	var b strings.Builder
	rec.Leaves(func(place func() string, s tree.State, why string) {
		if s != tree.Carried {
			fmt.Fprintf(&b, "%s %s: %s\n", place(), s, why)
		}
	})
	add("ledger", b.String())
}

func printed(t *testing.T, d *tree.Doc, structure string) string {
	out, finds := hl7v2.AppendMessage(nil, d, hl7v2.PrintOptions{Structure: structure})
	for _, f := range finds {
		t.Log(f)
	}
	return strings.ReplaceAll(string(out), "\r", "\n")
}

// difference is the first line that differs, with some before it.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return strings.Join(w[max(0, i-3):min(i, len(w))], "\n") + "\n- " + a + "\n+ " + b
		}
	}
	return ""
}

// TestTypesOfOBX2: the types that OBX_5 reads by are those that the rows of OBX-5 know, and all others have the row OBX_OTHER.
func TestTypesOfOBX2(t *testing.T) {
	text, err := os.ReadFile("obx.map")
	if err != nil {
		t.Fatal(err)
	}
	_, row, ok := strings.Cut(string(text), "OBX_OTHER")
	_, list, ok2 := strings.Cut(row, "2!=")
	if !ok || !ok2 {
		t.Fatal("obx.map has no row OBX_OTHER")
	}
	list, _, _ = strings.Cut(list, " ")
	known := strings.Split(list, "|")
	slices.Sort(known)
	var read []string
	for typ := range obxTables {
		if typ != "" {
			read = append(read, typ)
		}
	}
	slices.Sort(read)
	if !slices.Equal(known, read) {
		t.Errorf("obx.map knows %v,\nobx.go %v", known, read)
	}
}
