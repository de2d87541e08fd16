package ccda

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/tree"
)

// corpus is every file of the shared corpus that says it is a clinical document.
func corpus(t testing.TB) map[string][]byte {
	files := map[string][]byte{}
	root := filepath.Join(testshared.Dir(t), "corpus", "ccda")
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) == ".tsv" {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && Sniff(b[:min(len(b), 4096)]) {
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

// leaves are a tree's values by place, with the ordinals that a print in the schema's order may change left out.
func leaves(d *tree.Doc) []string {
	var all []string
	d.Leaves(func(n tree.Node, _ tree.State, _ string) {
		s := d.Text(n)
		for ; n > tree.Root; n = d.Parent(n) {
			s = d.Name(n) + "/" + s
		}
		all = append(all, s)
	})
	slices.Sort(all)
	return all
}

func TestCorpusThereAndBack(t *testing.T) {
	files := corpus(t)
	if len(files) < 300 {
		t.Fatalf("%d documents found", len(files))
	}
	var p, q Parser
	read, misplaced := 0, 0
	for name, b := range files {
		doc, err := p.Parse(b)
		if err != nil {
			var f *diag.Finding
			if !errors.As(err, &f) || f.Place.Line == 0 {
				t.Errorf("%s: %v is no finding with a line", name, err)
			}
			t.Logf("%s: %v", name, err)
			continue
		}
		read++
		out, finds := AppendDocument(nil, doc.Doc, doc.Namespaces)
		misplaced += len(finds)
		again, err := q.Parse(out)
		if err != nil {
			t.Errorf("%s: what was printed cannot be read: %v", name, err)
			continue
		}
		if twice, _ := AppendDocument(nil, again.Doc, again.Namespaces); !bytes.Equal(out, twice) {
			t.Errorf("%s: printing it again gives other bytes", name)
		}
		if len(finds) > 0 {
			continue
		}
		before, after := leaves(doc.Doc), leaves(again.Doc)
		for _, v := range before {
			i, ok := slices.BinarySearch(after, v)
			if !ok {
				t.Errorf("%s: lost %.200s", name, v)
				break
			}
			after = slices.Delete(after, i, i+1)
		}
		for _, v := range after { // what the schema demands
			if !strings.HasSuffix(v, "/@nullFlavor/NI") && !strings.Contains(v, "/typeId/@") {
				t.Errorf("%s: invented %.200s", name, v)
			}
		}
	}
	t.Logf("%d of %d read, %d misplaced", read, len(files), misplaced)
	if read < len(files)*99/100 {
		t.Errorf("only %d of %d documents can be read", read, len(files))
	}
}

func BenchmarkParse(b *testing.B) {
	files := corpus(b)
	var all [][]byte
	size := 0
	for _, x := range files {
		all = append(all, x)
		size += len(x)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var p Parser
	for b.Loop() {
		for _, x := range all {
			p.Parse(x)
		}
	}
}

func BenchmarkPrint(b *testing.B) {
	var docs []*Document
	size := 0
	for _, x := range corpus(b) {
		if doc, err := new(Parser).Parse(x); err == nil && size < 40<<20 {
			docs = append(docs, doc)
			size += len(x)
		}
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		for _, d := range docs {
			out, _ = AppendDocument(out[:0], d.Doc, d.Namespaces)
		}
	}
}
