package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// TestDocsCommands: each command that a page shows has that name and those flags. Those in ```console blocks are run as well (cmd/chartpost).
func TestDocsCommands(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(testshared.Root(), "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, filepath.Join(testshared.Root(), "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			at := strings.Index(line, "chartpost ")
			if !strings.HasPrefix(line, "    chartpost ") && (!strings.HasPrefix(line, "$ ") || at < 0) || strings.HasPrefix(line, "    chartpost card v1") {
				continue
			}
			if line = line[at+len("chartpost "):]; strings.Contains(line, "$(") {
				continue
			}
			line, _, _ = strings.Cut(line, "  ") // what follows says what it does
			line, _, _ = strings.Cut(line, " | ")
			args := strings.Fields(strings.NewReplacer(`"`, "", "'", "").Replace(line))
			cmd, rest, err := Tree().Find(args)
			if err == nil {
				cmd.InitDefaultHelpFlag()
				cmd.InitDefaultVersionFlag()
				err = cmd.ParseFlags(rest)
			}
			if seen++; err != nil {
				t.Errorf("%s:%d: %v", filepath.Base(page), i+1, err)
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d commands", seen)
	}
}
