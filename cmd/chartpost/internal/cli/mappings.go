package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/pkg/mapping"
)

// errNoMapFile says that a folder holds no mapping.
var errNoMapFile = errors.New("the folder holds no .map file")

// mapSource is a mapping file as it was given.
type mapSource struct {
	name string
	data []byte
}

// readMaps reads mapping files; a folder stands for the .map files in it, - for standard input.
func (c *CLI) readMaps(args []string) ([]mapSource, error) {
	var all []mapSource
	for _, arg := range args {
		if arg == "-" {
			data, err := io.ReadAll(c.In)
			if err != nil {
				return nil, fail(exitUnreadable, err)
			}
			all = append(all, mapSource{"stdin", data})
			continue
		}
		names := []string{arg}
		if info, err := os.Stat(arg); err == nil && info.IsDir() {
			names = nil
			err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && filepath.Ext(path) == ".map" {
					names = append(names, path)
				}
				return err
			})
			if err == nil && names == nil {
				err = &fs.PathError{Op: "read", Path: arg, Err: errNoMapFile}
			}
			if err != nil {
				return nil, fail(exitUnreadable, err)
			}
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, fail(exitUnreadable, err)
			}
			all = append(all, mapSource{name, data})
		}
	}
	return all, nil
}

// overlaid puts mapping files over the built-in ones of a format. A file without a head that is called like a built-in one
// stands in its place, so that those who work on the built-in tables can check them.
func overlaid(b mapping.Tables, files []*mapping.File) (*mapping.Set, error) {
	builtin, err := b.Files()
	if err != nil {
		return nil, err
	}
	builtin = slices.Clone(builtin)
	var over []*mapping.File
	for _, f := range files {
		i := slices.IndexFunc(builtin, func(x *mapping.File) bool { return x.Name == filepath.Base(f.Name) })
		if i >= 0 && f.Head == nil {
			builtin[i] = f
		} else {
			over = append(over, f)
		}
	}
	return mapping.Merge(builtin, over)
}

// formatOf says which format's tables a file goes over: what its head says; a built-in table, which has none, that of its folder;
// else HL7 v2, which most overlays are for.
func formatOf(f *mapping.File) string {
	if f.Head != nil && f.Head.Matches.Format != "" {
		return strings.ToLower(f.Head.Matches.Format)
	}
	folder := filepath.Base(filepath.Dir(f.Name))
	for _, x := range converters.Mappings() {
		if strings.HasPrefix(folder, x.Format.Name) {
			return x.Format.Name
		}
	}
	if strings.HasPrefix(folder, "csv") {
		return "csv"
	}
	return "hl7v2"
}
