package views

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"

	"github.com/chartpost/chartpost/internal/safefile"
)

// spool keeps rows in a temporary file: of each the number of its cells, and of each cell the number of its column, its length and its text.
type spool struct {
	file *os.File
	w    *bufio.Writer
	buf  [binary.MaxVarintLen64]byte
	err  error
}

type spooled struct {
	column int
	text   string
}

func newSpool(dir string) (*spool, error) {
	f, err := safefile.Temp(dir)
	if err != nil {
		return nil, err
	}
	return &spool{file: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (s *spool) number(n int) {
	if s.err == nil {
		_, s.err = s.w.Write(binary.AppendUvarint(s.buf[:0], uint64(n)))
	}
}

func (s *spool) begin(cells int) { s.number(cells) }

func (s *spool) cell(column int, text string) {
	s.number(column)
	s.number(len(text))
	if s.err == nil {
		_, s.err = s.w.WriteString(text)
	}
}

// each gives the rows, which are valid until f returns.
func (s *spool) each(f func([]spooled) error) error {
	if s.err == nil {
		s.err = s.w.Flush()
	}
	if s.err != nil {
		return s.err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(s.file, 64<<10)
	var row []spooled
	var text []byte
	for {
		n, err := binary.ReadUvarint(r)
		if err == io.EOF {
			return nil
		}
		row = row[:0]
		for range n {
			var column, size uint64
			if err == nil {
				column, err = binary.ReadUvarint(r)
			}
			if err == nil {
				size, err = binary.ReadUvarint(r)
			}
			if err == nil {
				if uint64(cap(text)) < size {
					text = make([]byte, size)
				}
				text = text[:size]
				_, err = io.ReadFull(r, text)
			}
			row = append(row, spooled{int(column), string(text)})
		}
		if err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
}

func (s *spool) close() { s.file.Close() }
