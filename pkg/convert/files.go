package convert

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chartpost/chartpost/internal/safefile"
)

// fileSet is the files that a job writes. Each stands under a temporary name until it is whole, and is renamed then; of a job that
// fails or is interrupted those that were not whole are removed, and what a killed one left is removed by the next.
type fileSet struct {
	force bool
	input func(path string) bool // an input, which is never overwritten
	open  map[string]*outFile
	swept map[string]bool
	order []string // of open, as they were begun
	done  int      // files that got their names
	spare *bufio.Writer
}

// outFile is a file that is being written, or a device, which has no temporary name.
type outFile struct {
	path   string
	file   *safefile.File
	device *os.File
	buf    *bufio.Writer
}

func (f *outFile) Write(p []byte) (int, error) { return f.buf.Write(p) }

// create begins a file. It must not be there, unless the set may overwrite.
func (s *fileSet) create(path string) (*outFile, error) {
	if isDevice(path) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return s.add(&outFile{path: path, device: f, buf: bufio.NewWriterSize(f, 64<<10)}), nil
	}
	dir := filepath.Dir(path)
	if !s.swept[dir] {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if s.swept == nil {
			s.swept = map[string]bool{}
		}
		safefile.Sweep(dir)
		s.swept[dir] = true
	}
	if _, err := os.Lstat(path); err == nil && !s.force {
		return nil, fmt.Errorf("%s is there already", path)
	}
	if s.input != nil && s.input(path) {
		return nil, fmt.Errorf("%s is input and output at once", path)
	}
	tmp := path + safefile.Ours
	f, err := safefile.NewFile(path, tmp)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is in the way: another chartpost may be writing there", tmp)
	}
	if err != nil {
		return nil, err
	}
	return s.add(&outFile{path: path, file: f, buf: s.buffer(f)}), nil
}

// buffer is one for a file, the last one's if that is finished: most files are written one by one.
func (s *fileSet) buffer(w io.Writer) *bufio.Writer {
	b := s.spare
	if s.spare = nil; b == nil {
		return bufio.NewWriterSize(w, 16<<10)
	}
	b.Reset(w)
	return b
}

// appendTo is the file of a path, begun when it is first asked for.
func (s *fileSet) appendTo(path string) (*outFile, error) {
	if f := s.open[path]; f != nil {
		return f, nil
	}
	return s.create(path)
}

func (s *fileSet) add(f *outFile) *outFile {
	if s.open == nil {
		s.open = map[string]*outFile{}
	}
	s.open[f.path] = f
	s.order = append(s.order, f.path)
	return f
}

// write makes a whole file at once.
func (s *fileSet) write(path string, data ...[]byte) error {
	return s.make(path, func(w io.Writer) error {
		for _, p := range data {
			if _, err := w.Write(p); err != nil {
				return err
			}
		}
		return nil
	})
}

// copy makes a whole file of what r gives.
func (s *fileSet) copy(path string, r io.Reader) error {
	return s.make(path, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}

func (s *fileSet) make(path string, fill func(io.Writer) error) error {
	f, err := s.create(path)
	if err != nil {
		return err
	}
	if err := fill(f.buf); err != nil {
		return err
	}
	s.order = s.order[:len(s.order)-1] // create put it there
	return s.finish(f)
}

// finish gives a file its name.
func (s *fileSet) finish(f *outFile) error {
	delete(s.open, f.path)
	err := f.buf.Flush()
	if f.device != nil {
		return errors.Join(err, f.device.Close())
	}
	if err == nil {
		err = f.file.Commit(false)
	}
	if err != nil {
		f.file.Discard()
		return err
	}
	s.spare, f.buf = f.buf, nil
	s.done++
	return nil
}

// drop gives up a file.
func (s *fileSet) drop(path string) {
	if f := s.open[path]; f != nil && f.file != nil {
		f.file.Discard()
		delete(s.open, path)
	}
}

// flush writes out what is still in memory, so that commit has nothing left that could fail but the names.
func (s *fileSet) flush() error {
	for _, path := range s.order {
		if f := s.open[path]; f != nil {
			if err := f.buf.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// commit gives all files that are still open their names.
func (s *fileSet) commit() (err error) {
	for _, path := range s.order {
		if f := s.open[path]; f != nil {
			err = errors.Join(err, s.finish(f))
		}
	}
	s.order = nil
	return err
}

// discard removes what was not finished.
func (s *fileSet) discard() {
	for path, f := range s.open {
		if f.device != nil {
			f.device.Close()
		} else {
			f.file.Discard()
		}
		delete(s.open, path)
	}
	s.order = nil
}
