package seal

import "io"

// async hands what is written to it to w in a goroutine of its own, in large pieces. Its buffers are the only memory it ever takes.
type async struct {
	now    []byte
	full   chan []byte
	free   chan []byte
	done   chan struct{}
	failed chan struct{}
	err    error // valid once failed or done is closed
}

const (
	asyncSize  = 512 << 10
	asyncAlive = 3
)

func newAsync(w io.Writer) *async {
	a := &async{full: make(chan []byte, asyncAlive), free: make(chan []byte, asyncAlive), done: make(chan struct{}), failed: make(chan struct{})}
	for range asyncAlive {
		a.free <- make([]byte, 0, asyncSize)
	}
	go func() {
		defer close(a.done)
		for b := range a.full {
			if a.err == nil {
				if _, a.err = w.Write(b); a.err != nil {
					close(a.failed)
				}
			}
			a.free <- b[:0]
		}
	}()
	return a
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

// Close writes the rest and waits for it. It must be called once, whatever happened before.
func (a *async) Close() error {
	if a.now != nil {
		a.full <- a.now
		a.now = nil
	}
	close(a.full)
	<-a.done
	return a.err
}
