package mapping

import (
	"io/fs"
	"sync"

	"github.com/chartpost/chartpost/pkg/tree"
)

// Tables are the built-in mapping of a format: its files, and the types in Go that their rows name.
type Tables struct {
	Format *tree.Format
	Types  Types
	Files  func() ([]*File, error)
}

// Embedded reads the .map files of an embedded folder, once. Their rows are parsed when they are first used.
func Embedded(folder fs.FS) func() ([]*File, error) {
	return sync.OnceValues(func() ([]*File, error) {
		names, err := fs.Glob(folder, "*.map")
		if err != nil {
			return nil, err
		}
		var files []*File
		for _, name := range names {
			src, err := fs.ReadFile(folder, name)
			if err != nil {
				return nil, err
			}
			f, err := IndexFile(name, src)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
		return files, nil
	})
}

// Maps gives the compiled map for each source of a run: the built-in tables, with the overlays that match the source. It is
// safe for concurrent use.
type Maps struct {
	tables  Tables
	library *Library
	mu      sync.Mutex
	of      map[*Set]*Map
}

// NewMaps makes the maps of a run with overlays, of which the last wins.
func NewMaps(t Tables, overlays []*File) (*Maps, error) {
	files, err := t.Files()
	if err != nil {
		return nil, err
	}
	return &Maps{tables: t, library: NewLibrary(files, overlays), of: map[*Set]*Map{}}, nil
}

// Library is the library that the maps are made of.
func (m *Maps) Library() *Library { return m.library }

// For is the map for a source.
func (m *Maps) For(src Source) (*Map, error) {
	set, err := m.library.For(src)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	have := m.of[set]
	if have == nil {
		have = New(m.tables.Format, m.tables.Types, set)
		m.of[set] = have
	}
	return have, nil
}
