package convert

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// fileSet is the files that a job writes. Each stands under a temporary name until it is finished, and is renamed then; of a
// job that fails or is interrupted those that were not finished are removed.
type fileSet struct {
	force bool
	open  map[string]*outFile
	order []string
	done  []string
}

type outFile struct {
	*os.File
	path, tmp string
	buf       *bufio.Writer
	device    bool // written as it is: /dev/stdout, a pipe
}

func (f *outFile) Write(p []byte) (int, error) {
	if f.buf != nil {
		return f.buf.Write(p)
	}
	return f.File.Write(p)
}

const partial = ".partial"

// create begins a file. It must not be there, unless the set may overwrite.
func (s *fileSet) create(path string) (*outFile, error) {
	if isDevice(path) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return s.add(&outFile{File: f, path: path, device: true}), nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); err == nil && !s.force {
		return nil, fmt.Errorf("%s is there already", path)
	}
	tmp := path + partial
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return s.add(&outFile{File: f, path: path, tmp: tmp}), nil
}

// appendTo is the file of a path, begun when it is first asked for.
func (s *fileSet) appendTo(path string) (*outFile, error) {
	if f := s.open[path]; f != nil {
		return f, nil
	}
	f, err := s.create(path)
	if err == nil {
		f.buf = bufio.NewWriterSize(f.File, 64<<10)
	}
	return f, err
}

func (s *fileSet) add(f *outFile) *outFile {
	if s.open == nil {
		s.open = map[string]*outFile{}
	}
	s.open[f.path] = f
	s.order = append(s.order, f.path)
	return f
}

// finish gives a file its name.
func (s *fileSet) finish(f *outFile) error {
	delete(s.open, f.path)
	s.order = s.order[:len(s.order)-1]
	return s.rename(f)
}

func (s *fileSet) rename(f *outFile) error {
	err := func() error {
		if f.buf != nil {
			if err := f.buf.Flush(); err != nil {
				return err
			}
		}
		return f.Close()
	}()
	if f.device {
		return err
	}
	if err == nil {
		err = os.Rename(f.tmp, f.path)
	}
	if err != nil {
		f.Close()
		os.Remove(f.tmp)
		return err
	}
	s.done = append(s.done, f.path)
	return nil
}

// drop gives up a file.
func (s *fileSet) drop(path string) {
	if f := s.open[path]; f != nil && !f.device {
		f.Close()
		os.Remove(f.tmp)
		delete(s.open, path)
	}
}

// commit gives all files that are still open their names.
func (s *fileSet) commit() (err error) {
	for _, path := range s.order {
		if f := s.open[path]; f != nil {
			delete(s.open, path)
			err = errors.Join(err, s.rename(f))
		}
	}
	s.order = nil
	return err
}

// discard removes what was not finished.
func (s *fileSet) discard() {
	for path, f := range s.open {
		f.Close()
		if !f.device {
			if err := os.Remove(f.tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
				continue
			}
		}
		delete(s.open, path)
	}
}
