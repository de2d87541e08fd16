package ccdafhir

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/maptest"
	"github.com/chartpost/chartpost/pkg/tree"
)

func builtin(t testing.TB) *mapping.Map {
	t.Helper()
	ms, err := mapping.NewMaps(Tables(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ms.For(mapping.Source{Format: "ccda"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// corpus is every whole document of the shared corpus by its name.
func corpus(t testing.TB) map[string][]byte {
	return documentsIn(t, filepath.Join(testshared.Dir(t), "corpus", "ccda"))
}

// documentsIn is every whole document below a folder.
func documentsIn(t testing.TB, root string) map[string][]byte {
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) == ".tsv" {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && ccda.Sniff(b[:min(len(b), 4096)]) {
			name, _ := filepath.Rel(root, path)
			files[name] = b
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// kit is the kit of laws for C-CDA.
func kit(m *mapping.Map) *maptest.Kit {
	return &maptest.Kit{
		Map:   m,
		Table: func(*tree.Doc) (string, string) { return "ClinicalDocument", "Bundle" },
		Parse: func(b []byte) (*tree.Doc, error) {
			doc, err := new(ccda.Parser).Parse(b)
			if err != nil {
				return nil, err
			}
			assumeMoods(doc)
			return doc.Doc, nil
		},
		Print: func(d *tree.Doc) []byte {
			out, _ := ccda.AppendDocument(nil, d, nil)
			return out
		},
		Read:  mapping.ReadOptions{Key: "test", Facility: "test"},
		After: foldMisplaced,
		Same:  sameKind,
	}
}

// laws holds a document against the laws. One that lacks what CDA's schema demands comes back with it, with the null flavor NI, and
// so its FHIR says that too, and one that has what the schema forbids comes back without it; an empty element comes back with what FHIR
// knows of the same thing from another place. What came back is as the schema wants it and must be stable.
func laws(k *maptest.Kit, source []byte) (*maptest.Result, error) {
	res, err := k.Run(source)
	if err != nil || len(res.Faults) == 0 {
		return res, err
	}
	misplaced := false
	ccda.NoPlace(res.Doc, func(tree.Node, ccda.Unfit) { misplaced = true })
	for n := tree.Root; int(n) <= res.Doc.Len(); n++ {
		switch res.Doc.Name(n) {
		case "act", "observation", "organizer", "procedure", "encounter", "supply", "substanceAdministration":
			misplaced = misplaced || attr(res.Doc, n, "classCode") == 0 // it must be there, and says no more than the element's name does
		case "entryRelationship":
			misplaced = misplaced || attr(res.Doc, n, "typeCode") == 0
		}
	}
	misplaced = misplaced || slices.ContainsFunc(res.Record.Resources, func(r *mapping.Resource) bool {
		return slices.ContainsFunc(*extensions(r.Msg), func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == emptyURL })
	})
	unstable := func(f string) bool { return strings.HasPrefix(f, "FHIR is not stable") }
	if !slices.ContainsFunc(res.Faults, unstable) || !misplaced && bytes.Count(res.Back, []byte(`nullFlavor="NI"`)) <= bytes.Count(source, []byte(`nullFlavor="NI"`)) {
		return res, nil
	}
	again, err := k.Run(res.Back)
	if err != nil {
		return nil, err
	}
	res.Faults = append(slices.DeleteFunc(res.Faults, unstable), again.Faults...)
	return res, nil
}

// sameKind names the leaves of a document up to its normal form: what one row makes keeps its order, but what is of different kinds (what it is and its
// first template) comes back grouped by kind. An ordinal counts the siblings of one kind.
func sameKind(d *tree.Doc) func(tree.Node) string { return sameBut(d, false) }

// sameOrder is sameKind for documents with one statement in an entry, as the schema wants it: two in one come back in an entry each.
func sameOrder(d *tree.Doc) func(tree.Node) string { return sameBut(d, true) }

func sameBut(d *tree.Doc, entries bool) func(tree.Node) string {
	names := map[tree.Node]string{tree.Root: ""}
	counts := map[string]int{}
	kind := func(n tree.Node) string {
		s := d.Name(n)
		if entries && s == "entry" && d.Child(n, "observationMedia") == 0 { // a picture is in a list of its own
			return s
		}
		for depth := 0; depth < 2 && s != "ClinicalDocument"; depth++ {
			mood := strings.TrimPrefix(attrText(d, n, "moodCode"), "EVN") // a goal and a plan are other kinds than what has happened
			for k := d.First(n); k != 0; k = d.Next(k) {
				if d.Name(k) == "templateId" {
					return s + "{" + strings.TrimSpace(attrText(d, k, "root")) + mood + "}"
				}
			}
			inner := tree.Node(0)
			for k := d.First(n); k != 0; k = d.Next(k) {
				switch d.Name(k) {
				case "act", "observation", "procedure", "encounter", "organizer", "supply", "substanceAdministration", "observationMedia", "section":
					if inner == 0 || d.Name(k) > d.Name(inner) { // of several the last by name stays
						inner = k
					}
				}
			}
			if inner == 0 {
				break
			}
			n = inner
			s += "/" + d.Name(n)
		}
		if t := attr(d, n, "xsi:type"); t != 0 && d.Name(n) == "effectiveTime" && d.Name(d.Parent(n)) == "substanceAdministration" {
			s += "{" + d.Text(t) + "}"
		}
		return s
	}
	gone := func(n tree.Node) bool { // it does not come back, as the ledger says
		carried, misplaced := false, false
		d.LeavesBelow(n, func(_ tree.Node, s tree.State, why string) {
			carried, misplaced = carried || s == tree.Carried, misplaced || why == misplacedWhy
		})
		return misplaced && !carried
	}
	var walk func(n tree.Node)
	walk = func(n tree.Node) {
		for k := d.First(n); k != 0; k = d.Next(k) {
			at := names[n] + "/" + kind(k)
			if !gone(k) {
				counts[at]++
			}
			names[k] = fmt.Sprintf("%s[%d]", at, counts[at])
			walk(k)
		}
	}
	walk(tree.Root)
	return func(n tree.Node) string { return names[n] }
}

func TestTablesCompileTogether(t *testing.T) {
	if err := builtin(t).Check(); err != nil {
		for i, f := range mapping.FaultsOf(err) {
			if i > 60 {
				t.Fatal("and more")
			}
			t.Error(f)
		}
	}
}

// What TestLaws allows. The aims are 97 and 0.
const (
	leastKnown = 99.9
	mostBroken = 0
)

// TestLaws runs the laws over every document of the corpus. It prints the figures that the issue asks for, and fails where a
// law is broken.
func TestLaws(t *testing.T) {
	holdAgainstLaws(t, corpus(t), 60)
}

// TestLawsOfStrangers runs them over the documents of another folder, which CHARTPOST_STRANGERS names.
func TestLawsOfStrangers(t *testing.T) {
	root := os.Getenv("CHARTPOST_STRANGERS")
	if root == "" {
		t.Skip("CHARTPOST_STRANGERS names no folder of documents")
	}
	holdAgainstLaws(t, documentsIn(t, root), 1000)
}

// holdAgainstLaws prints the most frequent places too, so many of each kind.
func holdAgainstLaws(t *testing.T, files map[string][]byte, most int) {
	m := builtin(t)
	x := maptest.Survey{Short: func(at string) string {
		at = strings.ReplaceAll(at, "/ClinicalDocument/component/structuredBody/component/section", "~")
		return strings.ReplaceAll(at, "entryRelationship", "er")
	}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		k := kit(m)
		k.Same = sameOrder
		res, err := laws(k, files[name])
		if err != nil {
			if _, bad := new(ccda.Parser).Parse(files[name]); bad == nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if len(res.Record.Resources) > 0 { // else it is rejected
			x.Add(name, res)
		}
	}
	x.Log(t, most)
	// The tables are not whole yet: neither figure may become worse than it is, and each change that betters one says so here.
	if known := x.Known(); known < leastKnown || x.Broken > mostBroken {
		t.Errorf("%.2f %% of the values are known and %d documents break a law; at least %.2f %% and at most %d it should be", known, x.Broken, leastKnown, mostBroken)
	}
}
