package conformance

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Structures are the message structures that Chartpost converts, on whose messages of the corpus the laws are measured.
var Structures = []string{"ADT_A01", "ORU_R01", "VXU_V04"}

// SelectCorpus copies the messages of certain structures from the shared corpus into a folder, under their names there, and
// returns how many of each there are.
func SelectCorpus(shared, dir string, structures []string) (map[string]int, error) {
	counts := map[string]int{}
	root := filepath.Join(shared, "corpus", "hl7v2")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".tsv" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s := structureOf(b)
		if !slices.Contains(structures, s) {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		counts[s]++
		return os.WriteFile(to, b, 0o644)
	})
	if err == nil && len(counts) == 0 {
		err = fmt.Errorf("no message of %v in %s", structures, root)
	}
	return counts, err
}
