package v2fhir

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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

var numbers = regexp.MustCompile(`\[\d+\]|resource \d+`)

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
	total := map[string]tree.Tally{}
	count, broken := map[string]int{}, map[string]int{}
	unmapped, invalid, declined, faults := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	example := map[string]string{}
	setIDs := 0
	for _, msg := range list {
		k := kit(m, msg.structure)
		res, err := k.Run([]byte(msg.raw.Data))
		if err != nil {
			t.Fatalf("%s: %v", msg.name, err)
		}
		count[msg.structure]++
		total[msg.structure] = total[msg.structure].Plus(res.Tally)
		if len(res.Faults) > 0 {
			broken[msg.structure]++
		}
		for _, f := range res.Faults {
			f = numbers.ReplaceAllString(f, "")
			faults[f]++
			if example[f] == "" {
				example[f] = msg.name
			}
		}
		res.Doc.Leaves(func(n tree.Node, s tree.State, why string) {
			at := numbers.ReplaceAllString(res.Doc.PlaceOf(n), "")
			switch s {
			case tree.Unmapped:
				unmapped[at]++
			case tree.Invalid:
				invalid[at+": "+why]++
			case tree.Declined:
				if strings.Contains(why, "set id") {
					setIDs++
				} else {
					declined[at+": "+why]++
				}
			}
		})
	}
	all := tree.Tally{}
	for _, id := range slices.Sorted(maps.Keys(total)) {
		x := total[id]
		all = all.Plus(x)
		t.Logf("%-8s %4d messages, %4d break a law: %7d values, %d carried, %d folded, %d declined, %d unmapped, %d invalid", id, count[id], broken[id], x.Values(), x.Carried, x.Folded, x.Declined, x.Unmapped, x.Invalid)
	}
	share := func(n int) float64 { return 100 * float64(n) / float64(all.Values()) }
	t.Logf("known %.2f %%, declined without set ids %.2f %%, invalid %.2f %%", share(all.Carried+all.Folded+all.Declined), share(all.Declined-setIDs), share(all.Invalid))
	top(t, "unmapped", unmapped, 20, nil)
	top(t, "invalid", invalid, 20, nil)
	top(t, "declined", declined, 20, nil)
	top(t, "broken laws", faults, 60, example)
	if len(faults) > 0 {
		t.Errorf("%d kinds of broken laws", len(faults))
	}
	if x := share(all.Carried + all.Folded + all.Declined); x < 97 {
		t.Errorf("only %.2f %% of the values are carried, folded or declined", x)
	}
	if x := share(all.Declined - setIDs); x > 5 {
		t.Errorf("%.2f %% of the values are declined", x)
	}
}

func top(t *testing.T, what string, m map[string]int, n int, example map[string]string) {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b)) })
	for i, k := range keys {
		if i == n {
			t.Logf("%s: and %d more kinds", what, len(keys)-n)
			break
		}
		t.Logf("%s: %5d %s %s", what, m[k], k, example[k])
	}
}
