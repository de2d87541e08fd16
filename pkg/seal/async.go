package seal

import (
	"io"
	"sync"
)

// async passes what is written to it through stages, in large pieces. Each stage sees every piece, in order, in a goroutine of its own, so that
// one works on a piece while the next is at the piece before. Its buffers are the only memory it ever takes.
type async struct {
	now    []byte
	full   chan []byte
	free   chan []byte
	done   chan struct{}
	once   sync.Once
	failed chan struct{}
	err    error // of the first write that failed; valid once failed is closed
}

const asyncSize = 64 << 10

// newAsync makes the stages. There are two buffers for each, and one for whoever writes.
func newAsync(stages ...io.Writer) *async {
	alive := 4*len(stages) + 1
	a := &async{full: make(chan []byte, alive), free: make(chan []byte, alive), done: make(chan struct{}), failed: make(chan struct{})}
	for range alive {
		a.free <- make([]byte, 0, asyncSize)
	}
	in := a.full
	for _, w := range stages {
		out := make(chan []byte, alive)
		go a.run(w, in, out)
		in = out
	}
	go func() {
		for b := range in {
			a.free <- b[:0]
		}
		close(a.done)
	}()
	return a
}

// run is one stage: it writes what comes in and passes it on. Once a stage has failed none writes.
func (a *async) run(w io.Writer, in <-chan []byte, out chan<- []byte) {
	defer close(out)
	for b := range in {
		select {
		case <-a.failed:
		default:
			if _, err := w.Write(b); err != nil {
				a.once.Do(func() { a.err = err; close(a.failed) })
			}
		}
		out <- b // there is room for all
	}
}

func (a *async) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if a.now == nil {
			a.now = <-a.free
		}
		k := min(cap(a.now)-len(a.now), len(p))
		a.now = append(a.now, p[:k]...)
		n, p = n+k, p[k:]
		if len(a.now) == cap(a.now) {
			a.full <- a.now
			a.now = nil
			select {
			case <-a.failed:
				return n, a.err
			default:
			}
		}
	}
	return n, nil
}

// Close passes the rest on and waits for the last stage. It must be called once, whatever happened before.
func (a *async) Close() error {
	if a.now != nil {
		a.full <- a.now
		a.now = nil
	}
	close(a.full)
	<-a.done
	select {
	case <-a.failed:
		return a.err
	default:
		return nil
	}
}
