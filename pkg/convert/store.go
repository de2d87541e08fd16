package convert

import (
	"bufio"
	"errors"
	"hash/crc32"
	"io"
	"os"

	"github.com/chartpost/chartpost/internal/safefile"
)

// errChanged says that a source was not the same when it was read again.
var errChanged = errors.New("the input changed while it was read")

// rereadable is a source that can be read again, anywhere. A source's reader may be one.
type rereadable interface {
	again() (readerAtCloser, error)
}

type readerAtCloser interface {
	io.ReaderAt
	io.Closer
}

// maxHeld is how much text a store holds in memory.
const maxHeld = 16 << 20

// A store keeps texts of a source that are wanted again: a few in memory; more than that are read from the source again, or, where
// that can be read once only, lie in a temporary file. It is filled by one goroutine, then read by many.
type store struct {
	source readerAtCloser // nil if it can be read once only
	dir    string         // for the temporary file
	held   int64
	file   *os.File
	w      *bufio.Writer
	size   int64 // of the file
}

// newStore makes a store of texts of r.
func newStore(r io.Reader, dir string) (*store, error) {
	s := &store{dir: dir}
	if again, ok := r.(rereadable); ok {
		var err error
		if s.source, err = again.again(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// A span is where a text is kept.
type span struct {
	text string // if it is in memory
	at   int64
	n    int32
	sum  uint32 // CRC-32, to know that it is still the same
}

// put keeps a text, which stands at a place in the source.
func (s *store) put(text string, offset int64) (span, error) {
	if s.held+int64(len(text)) <= maxHeld {
		s.held += int64(len(text))
		return span{text: text, n: int32(len(text))}, nil
	}
	x := span{at: offset, n: int32(len(text)), sum: crc32.ChecksumIEEE([]byte(text))}
	if s.source != nil {
		return x, nil
	}
	x.at = s.size
	return x, s.write([]byte(text))
}

// write appends to the temporary file.
func (s *store) write(b []byte) error {
	if s.file == nil {
		f, err := safefile.Temp(s.dir)
		if err != nil {
			return err
		}
		s.file, s.w = f, bufio.NewWriterSize(f, 256<<10)
	}
	s.size += int64(len(b))
	_, err := s.w.Write(b)
	return err
}

// ready ends the filling.
func (s *store) ready() error {
	if s.w == nil {
		return nil
	}
	return s.w.Flush()
}

// get gives a text back.
func (s *store) get(x span) ([]byte, error) {
	if x.text != "" {
		return []byte(x.text), nil
	}
	b := make([]byte, x.n, x.n+1)
	var r io.ReaderAt = s.source
	if s.source == nil {
		r = s.file
	}
	if n, err := r.ReadAt(b, x.at); n < len(b) {
		if err == io.EOF {
			err = errChanged
		}
		return nil, err
	}
	if crc32.ChecksumIEEE(b) != x.sum {
		return nil, errChanged
	}
	return b, nil
}

// section is a part of the source, or of the temporary file if the source can be read once only.
func (s *store) section(at, n int64) *io.SectionReader {
	if s.source != nil {
		return io.NewSectionReader(s.source, at, n)
	}
	return io.NewSectionReader(s.file, at, n)
}

// close gives the space free.
func (s *store) close() {
	if s.source != nil {
		s.source.Close()
	}
	if s.file != nil {
		s.file.Close()
	}
}
