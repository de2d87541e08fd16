package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Source is a file that goes into a package.
type Source struct {
	Name string // in the package
	Path string // on the disk; empty for a stream
	info fs.FileInfo
	r    io.Reader
}

// Sources collects what goes into a package, before any of it is read.
type Sources struct {
	list  []Source
	names *nameSet
	total int64
}

// Add adds a file under its own name, or all files under a folder under their names relative to it. Links, sockets and devices are
// refused: what they point to may not be what the sender means to give away.
func (s *Sources) Add(p string) error {
	info, err := os.Lstat(p)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return s.file(p, filepath.Base(p), info)
	}
	return filepath.WalkDir(p, func(q string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(p, q)
		if err != nil {
			return err
		}
		return s.file(q, rel, info)
	})
}

// AddUnder adds one file into a folder of the payload and returns its member's name.
func (s *Sources) AddUnder(dir, p string) (string, error) {
	info, err := os.Lstat(p)
	if err != nil {
		return "", err
	}
	rel := path.Join(dir, filepath.Base(p))
	if err := s.file(p, rel, info); err != nil {
		return "", err
	}
	return s.list[len(s.list)-1].Name, nil
}

// AddReader adds a stream of unknown length.
func (s *Sources) AddReader(name string, r io.Reader) error {
	return s.add(Source{Name: PayloadDir + name, r: r}, name)
}

func (s *Sources) file(p, rel string, info fs.FileInfo) error {
	switch t := info.Mode().Type(); {
	case t&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link; give the file that it points to", p)
	case t&fs.ModeSocket != 0:
		return fmt.Errorf("%s is a socket, not a file", p)
	case t&fs.ModeNamedPipe != 0:
		return fmt.Errorf("%s is a named pipe, not a file; to seal what it gives, use - and redirect it", p)
	case t != 0:
		return fmt.Errorf("%s is a device, not a file", p)
	}
	// Decomposed accents, as some macOS file systems give them, are the same name in another form.
	name := PayloadDir + norm.NFC.String(filepath.ToSlash(rel))
	return s.add(Source{Name: name, Path: p, info: info}, p)
}

func (s *Sources) add(src Source, shown string) error {
	if s.names == nil {
		s.names = newNameSet()
	}
	if len(s.list) == MaxFiles {
		return fmt.Errorf("there are more than %d files; a package holds no more", MaxFiles)
	}
	if err := CheckName(src.Name); err != nil {
		return fmt.Errorf("%s cannot be sealed under its name: %w", shown, err)
	}
	if err := s.names.add(src.Name); err != nil {
		return fmt.Errorf("%s cannot be sealed under its name: %w", shown, err)
	}
	if src.info != nil {
		s.total += src.info.Size()
	}
	s.list = append(s.list, src)
	return nil
}

// Files are the sources that are files on the disk.
func (s *Sources) Files() iter.Seq[Source] {
	return func(yield func(Source) bool) {
		for _, x := range s.list {
			if x.r == nil && !yield(x) {
				return
			}
		}
	}
}

// Size is the size that a file had when it was added.
func (src Source) Size() int64 { return src.info.Size() }

// Has reports whether a file has this name in the payload, or one that could be taken for it.
func (s *Sources) Has(name string) bool {
	return s.names != nil && s.names.files[fold(PayloadDir+name)]
}

// Len is the number of files.
func (s *Sources) Len() int { return len(s.list) }

// Total is their size, streams aside.
func (s *Sources) Total() int64 { return s.total }

// Contains reports whether a file on the disk is among the sources.
func (s *Sources) Contains(info fs.FileInfo) bool {
	return slices.ContainsFunc(s.list, func(x Source) bool { return x.info != nil && os.SameFile(x.info, info) })
}

// WriteTo writes all sources into a package, in the order of their names.
func (s *Sources) WriteTo(ctx context.Context, w *Writer) error {
	slices.SortStableFunc(s.list, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	for i := range s.list {
		if err := s.list[i].writeTo(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func (src *Source) writeTo(ctx context.Context, w *Writer) (err error) {
	if src.r != nil {
		_, err := w.Add(ctx, src.Name, src.r)
		return err
	}
	f, err := os.Open(src.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	changed := fmt.Errorf("%s was changed while it was being sealed", src.Path)
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(before, src.info) || before.Size() != src.info.Size() || !before.ModTime().Equal(src.info.ModTime()) {
		return changed
	}
	size, err := w.Add(ctx, src.Name, f)
	if err != nil {
		return err
	}
	after, err := f.Stat()
	if err != nil {
		return err
	}
	if size != before.Size() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return changed
	}
	return nil
}

// ErrNothing says that there is nothing to seal.
var ErrNothing = errors.New("there is no file to seal")
