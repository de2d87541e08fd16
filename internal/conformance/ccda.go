package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/ccda"
)

// RoundTrip is how documents fared that went to FHIR and came back, before the referee for C-CDA.
type RoundTrip struct {
	Documents  int
	Valid      int            // to the schema, before
	Broken     []string       // valid before and not after
	Sample     int            // documents that the rules were run over
	Rules      map[string]int // rules broken after and not before, with the documents that break them
	WithBroken int            // documents of the sample that break such a rule
	Unnamed    int            // documents of the sample whose elements have no namespace: no rule applies to them, before
}

// documentPairs are the documents below two folders that have the same name but for its extension.
func documentPairs(sources, back string) ([][2]string, error) {
	originals := map[string]string{}
	stem := func(root, path string) string {
		rel, _ := filepath.Rel(root, path)
		return strings.TrimSuffix(rel, filepath.Ext(rel))
	}
	err := filepath.WalkDir(sources, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && filepath.Ext(path) != ".json" {
			originals[stem(sources, path)] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var pairs [][2]string
	err = filepath.WalkDir(back, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && originals[stem(back, path)] != "" {
			pairs = append(pairs, [2]string{originals[stem(back, path)], path})
		}
		return err
	})
	return pairs, err
}

// RunRoundTrip asks the referee about every document below two folders: the schema of all, the rules of every nth (0: of none).
func RunRoundTrip(shared, sources, back string, nth int) (*RoundTrip, error) {
	pairs, err := documentPairs(sources, back)
	if err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, errors.New("no document came back")
	}
	trip := &RoundTrip{Documents: len(pairs), Rules: map[string]int{}}
	referee := func(path string, rules bool) (map[string]bool, error) {
		args := []string{path}
		if !rules {
			args = []string{"-s", "none", path}
		}
		out, err := ccdaReferee(shared, args...)
		return parseRules(out), err
	}
	for i, pair := range pairs {
		rules := nth > 0 && i%nth == 0
		if rules && !named(pair[0]) {
			trip.Unnamed++
			rules = false
		}
		before, err := referee(pair[0], rules)
		if err != nil {
			return nil, err
		}
		after, err := referee(pair[1], rules)
		if err != nil {
			return nil, err
		}
		trip.add(pair[1], before, after, rules)
	}
	return trip, nil
}

// ccdaReferee gives the lines of the referee for C-CDA, the official schema and schematrons.
func ccdaReferee(shared string, args ...string) (string, error) {
	cmd := exec.Command("bash", append([]string{filepath.Join(shared, "referee", "ccda", "validate.sh")}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !strings.Contains(errs.String(), "xsd_errors=") {
		return "", fmt.Errorf("the referee for C-CDA: %w\n%s", err, lastLines(errs.String(), 5))
	}
	return out.String(), nil
}

// named reports a document whose elements are CDA's: those of the others no rule knows, but it knows them when they came back.
func named(path string) bool {
	b, err := os.ReadFile(path)
	return err == nil && bytes.Contains(b, []byte(ccda.V3))
}

// parseRules are the ids of the rules that the referee's lines name; XSD stands for the schema.
func parseRules(out string) map[string]bool {
	broken := map[string]bool{}
	for line := range strings.Lines(out) {
		f := strings.Split(line, "\t")
		switch {
		case len(f) < 5:
		case f[1] == "XSD":
			broken["XSD"] = true
		default:
			broken[f[2]] = true
		}
	}
	return broken
}

func (t *RoundTrip) add(path string, before, after map[string]bool, rules bool) {
	if !before["XSD"] {
		t.Valid++
		if after["XSD"] {
			t.Broken = append(t.Broken, path)
		}
	}
	if !rules {
		return
	}
	t.Sample++
	fresh := false
	for rule := range after {
		if rule != "XSD" && !before[rule] {
			t.Rules[rule]++
			fresh = true
		}
	}
	if fresh {
		t.WithBroken++
	}
}

// Check is an error if a document is no longer valid to the schema, or more documents of the sample than allowed break a rule.
func (t *RoundTrip) Check(most int) error {
	if len(t.Broken) > 0 || t.WithBroken > most {
		return fmt.Errorf("%d documents are no longer valid to the schema and %d newly break a rule; none and at most %d should", len(t.Broken), t.WithBroken, most)
	}
	return nil
}

// Print writes the figures and the rules that were broken most.
func (t *RoundTrip) Print(w io.Writer) {
	fmt.Fprintf(w, "ccda round trip: %d documents, %d of %d valid to the schema stay so; of a sample of %d, %d break a rule that they did not break before\n",
		t.Documents, t.Valid-len(t.Broken), t.Valid, t.Sample, t.WithBroken)
	if t.Unnamed > 0 {
		fmt.Fprintf(w, "  %d of the sample are not counted: their elements have no namespace\n", t.Unnamed)
	}
	for _, path := range t.Broken {
		fmt.Fprintf(w, "  no longer valid: %s\n", path)
	}
	names := make([]string, 0, len(t.Rules))
	for rule := range t.Rules {
		names = append(names, rule)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := t.Rules[b] - t.Rules[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, rule := range names[:min(len(names), 20)] {
		fmt.Fprintf(w, "  %3d documents newly break %s\n", t.Rules[rule], rule)
	}
}
