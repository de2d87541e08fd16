package pack

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
)

// Content is hashed on one core while another deflates, inflates or encrypts it:
//
//	reader --> buffers --> hasher's goroutine (SHA-256)
//	                  \--> the destination, in the caller's goroutine
//
// A buffer goes back into use when both are done with it.
//
// What is known to be small takes none of this: it is hashed where it is read.
const (
	blockSize   = 128 << 10
	blocksAlive = 4
	smallSize   = 32 << 10
)

// hasher computes SHA-256 in its own goroutine. Close ends it.
type hasher struct {
	work  chan hashJob
	free  chan []byte // a nil stands for a buffer that was never needed yet
	out   chan Digest
	small []byte
}

type hashJob struct {
	block []byte
	reset bool
	sum   bool
}

func newHasher() *hasher {
	h := &hasher{work: make(chan hashJob, blocksAlive), free: make(chan []byte, blocksAlive), out: make(chan Digest)}
	for range blocksAlive {
		h.free <- nil
	}
	go h.run(sha256.New())
	return h
}

func (h *hasher) run(state hash.Hash) {
	for job := range h.work {
		switch {
		case job.reset:
			state.Reset()
		case job.sum:
			var d Digest
			state.Sum(d[:0])
			h.out <- d
		default:
			state.Write(job.block)
			h.free <- job.block[:blockSize]
		}
	}
}

func (h *hasher) close() { close(h.work) }

// copy copies src to dst until its end and returns the digest and the length of what was copied. It never copies more than limit
// bytes: where src holds more, it returns limit+1 as the length, for the caller to refuse.
func (h *hasher) copy(ctx context.Context, dst io.Writer, src io.Reader, limit int64, progress func(int64)) (d Digest, n int64, err error) {
	if limit < smallSize {
		return h.copySmall(ctx, dst, src, limit, progress)
	}
	h.work <- hashJob{reset: true}
	for {
		if err := ctx.Err(); err != nil {
			return d, n, err
		}
		block := <-h.free
		if block == nil {
			block = make([]byte, blockSize)
		}
		if rest := limit + 1 - n; rest < blockSize {
			block = block[:max(rest, 0)]
		}
		k, rerr := io.ReadFull(src, block)
		n += int64(k)
		if n > limit {
			h.free <- block[:blockSize]
			return d, limit + 1, nil
		}
		if k == 0 {
			h.free <- block[:blockSize]
		} else {
			// Both only read the block. The destination is done with it before the next turn of this loop, but the hasher may
			// give it back while it is still being written out, so the write comes first.
			if _, err := dst.Write(block[:k]); err != nil {
				h.free <- block[:blockSize]
				return d, n, err
			}
			h.work <- hashJob{block: block[:k]}
			if progress != nil {
				progress(int64(k))
			}
		}
		if rerr == io.EOF || rerr == io.ErrUnexpectedEOF {
			break
		}
		if rerr != nil {
			return d, n, rerr
		}
	}
	h.work <- hashJob{sum: true}
	return <-h.out, n, nil
}

func (h *hasher) copySmall(ctx context.Context, dst io.Writer, src io.Reader, limit int64, progress func(int64)) (d Digest, n int64, err error) {
	if err := ctx.Err(); err != nil {
		return d, 0, err
	}
	if h.small == nil {
		h.small = make([]byte, smallSize)
	}
	k, err := io.ReadFull(src, h.small[:limit+1])
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		return d, int64(k), err // nil if there is more than limit bytes
	}
	if _, err := dst.Write(h.small[:k]); err != nil {
		return d, 0, err
	}
	if progress != nil {
		progress(int64(k))
	}
	return sha256.Sum256(h.small[:k]), int64(k), nil
}
