package validate_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate"
)

// run checks a file and gives what was found.
func run(t testing.TB, v *validate.Validator, file string) []*diag.Finding {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []*diag.Finding
	if _, err := v.Stream(context.Background(), f, filepath.Base(file), func(f *diag.Finding) { list = append(list, f) }); err != nil {
		t.Fatal(err)
	}
	return list
}

func newValidator(t testing.TB, o validate.Options) *validate.Validator {
	t.Helper()
	v, err := validate.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func rejects(list []*diag.Finding) (out []*diag.Finding) {
	for _, f := range list {
		if f.Severity() == diag.Reject {
			out = append(out, f)
		}
	}
	return out
}

// refereed is what the official validator has against each file of the corpus.
func refereed(t *testing.T, dir string) map[string][]string {
	f, err := os.Open(filepath.Join(dir, "REFEREE.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := map[string][]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, ids, ok := strings.Cut(s.Text(), "\t"); ok && !strings.HasPrefix(name, "#") {
			found[name] = strings.Split(ids, ",")
		}
	}
	return found
}

// TestCorpus: a finding of the first severity in those files, and only in those, in which the official validator has an error.
func TestCorpus(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus/fhir")
	want := refereed(t, dir)
	v := newValidator(t, validate.Options{})
	files, _ := filepath.Glob(filepath.Join(dir, "*/*.json"))
	if len(files) < 222 {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range files {
		name, _ := filepath.Rel(dir, file)
		found := rejects(run(t, v, file))
		switch {
		case len(found) > 0 && want[name] == nil:
			for _, f := range found {
				t.Errorf("false alarm: %s: %v", name, f)
			}
		case len(found) == 0 && want[name] != nil:
			t.Errorf("missed: %s: %v", name, want[name])
		}
	}
}
