package hl7v2

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// corpus reads all HL7 v2 files of the shared corpus.
func corpus(t testing.TB) map[string][]byte {
	dir := filepath.Join(testshared.Dir(t), "corpus", "hl7v2")
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "INDEX.tsv" {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 600 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}

func names(files map[string][]byte) []string {
	var list []string
	for n := range files {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// normal makes all line ends CR, and leaves out blank lines, marks and frames.
func normal(b string) string {
	b = strings.TrimPrefix(b, "\ufeff")
	var out strings.Builder
	for line := range strings.FieldsFuncSeq(b, func(r rune) bool { return r == '\r' || r == '\n' || r == 0x0b || r == 0x1c }) {
		if strings.Trim(line, " \t\x1a\x00") != "" {
			out.WriteString(line)
			out.WriteByte('\r')
		}
	}
	return out.String()
}

// TestCorpus reads every message of the corpus, prints it, groups it and prints it again.
func TestCorpus(t *testing.T) {
	files := corpus(t)
	type tally struct {
		n       int
		example string
	}
	found := map[diag.ID]*tally{}
	note := func(name string, list []*diag.Finding) {
		for _, f := range list {
			if found[f.ID] == nil {
				found[f.ID] = &tally{example: fmt.Sprintf("%s %s: %s", name, f.Place, f.Message())}
			}
			found[f.ID].n++
		}
	}
	messages, strays, flat := 0, 0, map[string]int{}
	p := &Parser{}
	for _, name := range names(files) {
		source := files[name]
		r := NewReader(bytes.NewReader(source), Options{})
		var all strings.Builder // what came out, envelopes aside
		for raw, err := range r.All() {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if raw.Reject != nil {
				strays++
				note(name, []*diag.Finding{raw.Reject})
				all.WriteString(normal(raw.Data))
				continue
			}
			if got := string(source[raw.Offset : raw.Offset+int64(len(raw.Data))]); got != raw.Data {
				t.Errorf("%s: record %d does not stand at %d", name, raw.Record, raw.Offset)
			}
			m, err := p.Parse(raw)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			messages++
			want := normal(raw.Data)
			if got := normal(string(m.Append(nil))); got != want {
				t.Errorf("%s: printed differently\n%s", name, firstDifference(got, want))
			}
			leaves := places(t, name, m.Doc)
			if id := m.Group(); id == "" {
				flat[m.Type+"^"+m.Event]++
			}
			if got := normal(string(m.Append(nil))); got != want {
				t.Errorf("%s: printed differently when grouped\n%s", name, firstDifference(got, want))
			}
			if after := places(t, name, m.Doc); !slices.Equal(leaves, after) {
				t.Errorf("%s: the places changed when it was grouped", name)
			}
			note(name, m.Findings)
			all.WriteString(want)
		}
		note(name, r.Findings())
		want := ""
		for line := range strings.SplitSeq(normal(string(source)), "\r") {
			if k := kindOf([]byte(line)); line != "" && k != fileStart && k != batchStart && k != batchEnd && k != fileEnd {
				want += line + "\r"
			}
		}
		if got := all.String(); got != want {
			t.Errorf("%s: the records are not the file\n%s", name, firstDifference(got, want))
		}
	}
	t.Logf("%d files, %d messages, %d lines outside messages; without structure %v", len(files), messages, strays, flat)
	var ids []diag.ID
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		t.Logf("%s %4d  %s", id, found[id].n, found[id].example)
	}
	if messages < 668 {
		t.Errorf("only %d messages", messages)
	}
	for typ := range flat {
		if !slices.Contains([]string{"CUSTOM^PAT", "^"}, typ) {
			t.Errorf("no structure for %s", typ)
		}
	}
}

// places lists the places of all leaves and checks that no two are alike.
func places(t *testing.T, name string, d *tree.Doc) []string {
	var list []string
	seen := map[string]bool{}
	d.Leaves(func(n tree.Node, _ tree.State, _ string) {
		at := d.PlaceOf(n)
		if seen[at] {
			t.Errorf("%s: %s twice", name, at)
		}
		seen[at] = true
		list = append(list, at)
	})
	return list
}

func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	cut := func(s string) string { return s[max(0, i-40):min(len(s), i+60)] }
	return fmt.Sprintf("got  %q\nwant %q", cut(a), cut(b))
}
