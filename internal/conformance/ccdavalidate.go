package conformance

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate/cda"
)

// CCDAAgreement is how our check of clinical documents compares with the official schema and schematrons.
type CCDAAgreement struct {
	Documents int
	Same      int            // documents of which both say the same: valid to the schema or not, and the same statements broken at the same places
	Explained int            // of them those that differ in what ccdavalidate.tsv explains
	Schema    []string       // documents of which only one says that they are valid to the schema
	Ours      map[string]int // statements that only we find broken, by id, without the explained ones
	Theirs    map[string]int // statements that only the schematrons find broken
}

// explainedStatements says of each statement on which we do not agree with the schematrons why.
//
//go:embed ccdavalidate.tsv
var explainedStatements string

// ExplainedStatements are the explained differences by "ours" or "theirs", a blank and the id of the statement.
func ExplainedStatements() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(explainedStatements) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 && f[0] != "#" {
			m[f[0]+" "+f[1]] = f[2]
		}
	}
	return m
}

// CompareCCDA asks both about every nth clinical document below a folder.
func CompareCCDA(shared, dir string, nth int) (*CCDAAgreement, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) == ".tsv" {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && ccda.Sniff(b[:min(len(b), 4096)]) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, errors.New("no clinical document in " + dir)
	}
	a := &CCDAAgreement{Ours: map[string]int{}, Theirs: map[string]int{}}
	v := cda.New()
	for i, path := range paths {
		if i%nth != 0 {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		out, err := ccdaReferee(shared, path)
		if err != nil {
			return nil, err
		}
		a.add(path, ourStatements(v, b), refereeStatements(out))
	}
	return a, nil
}

// ourStatements are what we find broken: "XSD", and of each statement its id and its place.
func ourStatements(v *cda.Validator, b []byte) map[string]bool {
	broken := map[string]bool{}
	r := v.Document(b, "")
	for _, f := range r.Findings {
		if !r.Read || f.ID >= "CP-CDA-050" && f.ID < "CP-CDA-070" { // those of the schema
			broken["XSD"] = true
		}
	}
	if !r.Read || slices.ContainsFunc(r.Findings, func(f *diag.Finding) bool { return f.ID == "CP-CDA-060" }) {
		return broken // to the schematrons elements without a namespace are none of CDA's
	}
	statements, _ := v.Statements(b)
	for _, s := range statements {
		if !s.Should {
			broken[s.ID+" "+strings.ReplaceAll(s.Path, "sdtc:", "")] = true
		}
	}
	return broken
}

var first = regexp.MustCompile(`\[1\]`)

// refereeStatements are the same of the referee's lines.
func refereeStatements(out string) map[string]bool {
	broken := map[string]bool{}
	for line := range strings.Lines(out) {
		f := strings.Split(line, "\t")
		switch {
		case len(f) < 5:
		case f[1] == "XSD":
			broken["XSD"] = true
		case f[1] == "ERROR" && f[2] != "xslt": // what is not well-formed has no statements
			broken[strings.TrimPrefix(f[2], "a-")+" "+first.ReplaceAllString(f[3], "")] = true
		}
	}
	return broken
}

func (a *CCDAAgreement) add(path string, ours, theirs map[string]bool) {
	a.Documents++
	same, explained := true, false
	known := ExplainedStatements()
	if ours["XSD"] != theirs["XSD"] {
		a.Schema = append(a.Schema, path)
		same = false
	}
	for _, side := range []struct {
		name       string
		have, lack map[string]bool
		count      map[string]int
	}{{"ours", ours, theirs, a.Ours}, {"theirs", theirs, ours, a.Theirs}} {
		for s := range side.have {
			if side.lack[s] || s == "XSD" {
				continue
			}
			id, _, _ := strings.Cut(s, " ")
			if known[side.name+" "+id] != "" {
				explained = true
				continue
			}
			side.count[id]++
			same = false
		}
	}
	if same {
		a.Same++
		if explained {
			a.Explained++
		}
	}
}

// Print writes the line of the figure, and what is not explained.
func (a *CCDAAgreement) Print(w io.Writer) {
	fmt.Fprintf(w, "ccda-validate: %d of %d, %.1f %%\n", a.Same, a.Documents, 100*float64(a.Same)/float64(max(1, a.Documents)))
	fmt.Fprintf(w, "  of them %d differ in statements that internal/conformance/ccdavalidate.tsv explains\n", a.Explained)
	for _, path := range a.Schema {
		fmt.Fprintf(w, "  the schema: %s\n", path)
	}
	for _, side := range []struct {
		name  string
		count map[string]int
	}{{"only ours", a.Ours}, {"only theirs", a.Theirs}} {
		for _, id := range slices.Sorted(maps.Keys(side.count)) {
			fmt.Fprintf(w, "  %s: %s in %d places\n", side.name, id, side.count[id])
		}
	}
}
