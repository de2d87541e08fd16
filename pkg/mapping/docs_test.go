package mapping_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// fenced is a block of the page: "```map xml" and what stands below it.
type fenced struct {
	info, text string
	line       int // of its first line of text
}

func fencedBlocks(page string) (blocks []fenced) {
	var b *fenced
	for i, l := range strings.Split(page, "\n") {
		switch {
		case b == nil && strings.HasPrefix(l, "```"):
			b = &fenced{info: strings.TrimPrefix(l, "```"), line: i + 2}
		case b != nil && l == "```":
			blocks = append(blocks, *b)
			b = nil
		case b != nil:
			b.text += l + "\n"
		}
	}
	return blocks
}

// TestRowsPage runs the examples of docs/rows.md. Those of one format are one mapping and compile together, a row within its table,
// an overlay by itself; those marked fault give the faults that stand below them.
func TestRowsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testshared.Root(), "docs", "rows.md"))
	if err != nil {
		t.Fatal(err)
	}
	types := mapping.Types{}
	for k, v := range testTypes {
		types[k] = v
	}
	types["Q"] = mapping.Type{}
	types["DATETIME"] = mapping.Type{} // that of tables of CSV, and the references between them
	types["ref"] = func(string) (mapping.Pair, error) { return mapping.Pair{}, nil }
	formats := map[string]*tree.Format{"map": er7Tree, "map xml": xmlTree, "map csv": csvTree}
	files := map[string][]*mapping.File{}
	blocks, overlays := fencedBlocks(string(page)), 0
	parse := func(name, text string, line int) *mapping.File {
		f, err := mapping.ParseFile(fmt.Sprintf("%s-%d.map", name, line), []byte(text))
		if err != nil {
			t.Errorf("the example at line %d: %v", line, err)
		}
		return f
	}
	for i, b := range blocks {
		switch {
		case formats[b.info] != nil:
			files[b.info] = append(files[b.info], parse("rows", b.text, b.line))
		case b.info == "map overlay": // it lies over the built-in tables: cmd/chartpost checks it there
			parse("overlay", b.text, b.line)
			overlays++
		case strings.HasPrefix(b.info, "map row "):
			files["map"] = append(files["map"], parse("rows", "table "+b.info[len("map row "):]+"\n"+b.text, b.line))
		case b.info == "map fault":
			_, err := mapping.ParseFile("mine.map", []byte(b.text))
			if err == nil {
				t.Errorf("the example at line %d has no fault", b.line)
				continue
			}
			if d := cmp.Diff(blocks[i+1].text, err.Error()+"\n"); d != "" {
				t.Errorf("the example at line %d: %s", b.line, d)
			}
		case b.info != "text":
			t.Errorf("line %d: an example of no known kind: %s", b.line, b.info)
		}
	}
	if len(files["map"]) < 5 || overlays == 0 {
		t.Fatalf("the page has lost its examples: %d", len(files["map"]))
	}
	check := func(what string, format *tree.Format, builtin []*mapping.File) {
		set, err := mapping.Merge(builtin, nil)
		if err == nil {
			err = mapping.New(format, types, set).Check()
		}
		if err != nil {
			t.Errorf("the examples of %s:\n%v", what, err)
		}
	}
	for info, format := range formats {
		check(info, format, files[info])
	}
}

// TestReadingOrder: the package's comment names every file of it, and no other.
func TestReadingOrder(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{"doc.go": true}
	for _, name := range regexp.MustCompile(`\w+\.go\b`).FindAllString(string(doc), -1) {
		named[name] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") && !named[name] {
			t.Errorf("doc.go does not say when to read %s", name)
		}
		delete(named, name)
	}
	for name := range named {
		t.Errorf("doc.go names %s, which is not there", name)
	}
}
