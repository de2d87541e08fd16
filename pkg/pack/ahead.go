package pack

import "io"

// ahead reads r from its start to end in large pieces in its own goroutine, so that decryption runs beside inflating.
type ahead struct {
	full chan piece
	free chan []byte // a nil stands for a buffer that was never needed yet
	quit chan struct{}
	now  []byte // the rest of the piece being read
	held []byte // its whole buffer
	err  error
}

type piece struct {
	b   []byte
	err error
}

const (
	aheadSize  = 512 << 10
	aheadAlive = 3
)

func newAhead(r io.ReaderAt, end int64) *ahead {
	a := &ahead{full: make(chan piece, aheadAlive), free: make(chan []byte, aheadAlive), quit: make(chan struct{})}
	for range aheadAlive {
		a.free <- nil
	}
	go func() {
		defer close(a.full)
		for off := int64(0); off < end; {
			var b []byte
			select {
			case b = <-a.free:
			case <-a.quit:
				return
			}
			if b == nil {
				b = make([]byte, min(aheadSize, end-off))
			}
			b = b[:min(int64(len(b)), end-off)]
			err := readAt(r, b, off)
			a.full <- piece{b, err} // never blocks: there are no more pieces than places
			if err != nil {
				return
			}
			off += int64(len(b))
		}
	}()
	return a
}

func (a *ahead) Read(p []byte) (int, error) {
	if len(a.now) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		if a.held != nil {
			a.free <- a.held[:cap(a.held)]
			a.held = nil
		}
		next, ok := <-a.full
		if !ok {
			a.err = io.EOF
		} else {
			a.err = next.err
		}
		if a.err != nil {
			return 0, a.err
		}
		a.now, a.held = next.b, next.b
	}
	n := copy(p, a.now)
	a.now = a.now[n:]
	return n, nil
}

// stop ends the goroutine.
func (a *ahead) stop() { close(a.quit) }
