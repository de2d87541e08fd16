package csvfhir

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/csvtab"
)

// A store keeps rows that wait for the others of their record: a few in memory, more of them in a temporary file. In memory stay twelve
// bytes for each row. It is filled by one goroutine, then read by many.
type store struct {
	tables []*opened
	dir    string
	held   []byte
	file   *os.File
	w      *bufio.Writer
	size   int64
	off    []int64
	next   []int32 // the next row of the same record, 0 if there is none; rows count from 1
}

// maxHeld is how many bytes of rows are held in memory.
const maxHeld = 16 << 20

var errStore = errors.New("the temporary file of rows was changed")

// put keeps a row and gives its number, from 1.
func (s *store) put(x *row) (int32, error) {
	b := binary.AppendUvarint(nil, uint64(x.of.index))
	for _, n := range []int{x.number, x.line, x.nth, len(x.cells)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, c := range x.cells {
		b = append(binary.AppendUvarint(b, uint64(len(c.Text))), c.Text...)
		b = append(b, byte(c.Is))
	}
	b = append(binary.AppendUvarint(b, uint64(len(x.raw))), x.raw...)
	s.off, s.next = append(s.off, s.size), append(s.next, 0)
	s.size += int64(len(b))
	if s.file == nil && len(s.held)+len(b) <= maxHeld {
		s.held = append(s.held, b...)
		return int32(len(s.off)), nil
	}
	if s.file == nil {
		f, err := safefile.Temp(s.dir)
		if err != nil {
			return 0, err
		}
		s.file, s.w = f, bufio.NewWriterSize(f, 256<<10)
	}
	_, err := s.w.Write(b)
	return int32(len(s.off)), err
}

// ready ends the filling.
func (s *store) ready() error {
	s.off = append(s.off, s.size)
	if s.w == nil {
		return nil
	}
	return s.w.Flush()
}

func (s *store) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// bytes is how long a row is in the store.
func (s *store) bytes(i int32) int { return int(s.off[i] - s.off[i-1]) }

// get gives a row back.
func (s *store) get(i int32) (*row, error) {
	at, n := s.off[i-1], s.bytes(i)
	b := make([]byte, n)
	if int(at)+n <= len(s.held) {
		copy(b, s.held[at:])
	} else if _, err := s.file.ReadAt(b, at-int64(len(s.held))); err != nil && err != io.EOF {
		return nil, err
	}
	text := string(b)
	var bad bool
	number := func() int {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > uint64(1<<40) {
			bad = true
			return 0
		}
		b, text = b[n:], text[n:]
		return int(v)
	}
	word := func() (s string) {
		n := number()
		if bad || n > len(b) {
			bad = true
			return ""
		}
		s, b, text = text[:n], b[n:], text[n:]
		return s
	}
	table := number()
	if bad || table >= len(s.tables) {
		return nil, errStore
	}
	x := &row{of: s.tables[table], number: number(), line: number(), nth: number()}
	count := number()
	if bad || count > len(b) {
		return nil, errStore
	}
	x.cells = make([]csvtab.Cell, count)
	for i := range x.cells {
		x.cells[i].Text = word()
		if bad || len(b) == 0 {
			return nil, errStore
		}
		x.cells[i].Is = csvtab.Trait(b[0])
		b, text = b[1:], text[1:]
	}
	x.raw = word()
	if bad {
		return nil, errStore
	}
	return x, nil
}
