package v2fhir

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/hl7v2"
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
	m, err := ms.For(mapping.Source{Format: "hl7v2"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// message is one message of the corpus that the tables read.
type message struct {
	name, structure string
	raw             *hl7v2.Raw
}

// corpus gives every message of shared corpus/hl7v2 whose structure has a table.
func corpus(t testing.TB, m *mapping.Map) (list []message) {
	return messagesIn(t, m, filepath.Join(testshared.Dir(t), "corpus", "hl7v2"))
}

// messagesIn gives every message in the files of a folder whose structure has a table.
func messagesIn(t testing.TB, m *mapping.Map, dir string) (list []message) {
	var names []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(p) != ".tsv" && filepath.Ext(p) != ".md" {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, p := range names {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(dir, p)
		for raw, err := range hl7v2.NewReader(f, hl7v2.Options{}).All() {
			if err != nil {
				t.Fatal(rel, err)
			}
			if raw.Reject != nil {
				continue
			}
			msg, err := (&hl7v2.Parser{}).Parse(raw)
			if err != nil {
				continue
			}
			if id := arranged(m, raw, msg); id != "" {
				list = append(list, message{fmt.Sprintf("%s#%d", rel, raw.Record), id, raw})
			}
		}
		f.Close()
	}
	return list
}

// arranged gives the structure by which a message is read, empty if it is none of a person.
func arranged(m *mapping.Map, raw *hl7v2.Raw, msg *hl7v2.Message) string {
	if id := msg.Group(); id != "" && m.Set().Has(id, "Bundle") {
		return id
	}
	if msg, err := (&hl7v2.Parser{}).Parse(raw); err == nil && msg.Child(tree.Root, "PID") != 0 {
		return AnyStructure
	}
	return ""
}

// kit is the kit of laws for HL7 v2.
func kit(m *mapping.Map, structure string) *maptest.Kit {
	var parsed *hl7v2.Message
	return &maptest.Kit{
		Map:   m,
		After: func(*tree.Doc) { foldDisplaced(parsed) },
		Table: func(*tree.Doc) (string, string) { return structure, "Bundle" },
		Parse: func(b []byte) (*tree.Doc, error) {
			msg, err := hl7v2.Parse(string(b), hl7v2.Options{})
			if err != nil {
				return nil, err
			}
			if structure == AnyStructure {
				msg.GroupAs(structure)
			} else {
				msg.Group()
			}
			parsed = msg
			return msg.Doc, nil
		},
		Print: func(d *tree.Doc) []byte {
			setIDs(d, structure, "")
			out, _ := hl7v2.AppendMessage(nil, d, hl7v2.PrintOptions{Structure: structure})
			return out
		},
		Read: mapping.ReadOptions{Key: "test", Facility: "test", Unread: true},
	}
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

// TestLaws runs the laws over every message of the corpus that has one of our structures. It prints the figures that the
// issue asks for, and fails where a law is broken.
func TestLaws(t *testing.T) {
	m := builtin(t)
	list := corpus(t, m)
	if len(list) < 100 {
		t.Fatalf("only %d messages", len(list))
	}
	hold(t, m, list)
}

// TestStrangers runs the laws over messages of other collections than the shared corpus: `CHARTPOST_STRANGERS=DIR go test -run Strangers`
// reads every file below DIR/hl7v2. It is for finding what the corpus does not have.
func TestStrangers(t *testing.T) {
	dir := os.Getenv("CHARTPOST_STRANGERS")
	if dir == "" {
		t.Skip("CHARTPOST_STRANGERS names no folder of messages")
	}
	m := builtin(t)
	hold(t, m, messagesIn(t, m, filepath.Join(dir, "hl7v2")))
}

// hold holds messages against the laws.
func hold(t *testing.T, m *mapping.Map, list []message) {
	t.Helper()
	var all maptest.Survey
	each := map[string]*maptest.Survey{}
	for _, msg := range list {
		res, err := kit(m, msg.structure).Run([]byte(msg.raw.Data))
		if err != nil {
			t.Fatalf("%s: %v", msg.name, err)
		}
		if each[msg.structure] == nil {
			each[msg.structure] = new(maptest.Survey)
		}
		each[msg.structure].Add(msg.name, res)
		all.Add(msg.name, res)
	}
	for _, id := range slices.Sorted(maps.Keys(each)) {
		x := each[id]
		t.Logf("%-8s %4d messages, %4d break a law: %7d values, %.2f %% known", id, x.Documents, x.Broken, x.Tally.Values(), x.Known())
	}
	setIDs := 0
	for place, n := range all.Declined {
		if strings.Contains(place, "set id") {
			setIDs += n
			delete(all.Declined, place)
		}
	}
	all.Log(t, 60)
	if len(all.Faults) > 0 {
		t.Errorf("%d kinds of broken laws", len(all.Faults))
	}
	if x := all.Known(); x < 97 {
		t.Errorf("only %.2f %% of the values are carried, folded or declined", x)
	}
	if x := all.Share(all.Tally.Declined - setIDs); x > 5 {
		t.Errorf("%.2f %% of the values are declined", x)
	}
}
