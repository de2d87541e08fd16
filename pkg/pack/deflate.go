package pack

import (
	"io"

	"github.com/klauspost/compress/flate"
)

// deflater deflates (RFC 1951), but what looks like noise goes into stored blocks at once. Pictures, scans, and archives are most of what a
// large package holds; to search them in vain and to copy them to and fro takes as long as half of their encryption.
//
// The stream depends on nothing but on what is written and how it is cut into calls of Write.
type deflater struct {
	w     io.Writer
	f     *flate.Writer
	fresh bool // f has nothing behind it and nothing before it
	head  [5]byte
}

// storedSize is how much goes into one stored block, and is looked at together; a block could hold 65,535 bytes.
const storedSize = 32 << 10

func newDeflater(w io.Writer) (*deflater, error) {
	f, err := flate.NewWriter(w, flate.BestSpeed)
	return &deflater{w: w, f: f, fresh: true}, err
}

// Reset begins another stream.
func (d *deflater) Reset(w io.Writer) {
	d.f.Reset(w)
	d.w, d.fresh = w, true
}

func (d *deflater) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		q := p[:min(len(p), storedSize)]
		if isNoise(q) {
			err = d.store(q)
		} else {
			d.fresh = false
			_, err = d.f.Write(q)
		}
		n, p = n+len(q), p[len(q):]
	}
	return n, err
}

// store writes a stored block, before which f's output must end with a byte. What comes after it begins without a past: f would refer to
// what it saw last as if it stood right before.
func (d *deflater) store(p []byte) error {
	if !d.fresh {
		if err := d.f.Flush(); err != nil {
			return err
		}
		d.f.Reset(d.w)
		d.fresh = true
	}
	n := len(p)
	d.head = [5]byte{0, byte(n), byte(n >> 8), ^byte(n), ^byte(n >> 8)} // not the last block, stored, length, its complement
	if _, err := d.w.Write(d.head[:]); err != nil {
		return err
	}
	_, err := d.w.Write(p)
	return err
}

// Close writes the last block.
func (d *deflater) Close() error { return d.f.Close() }

const (
	sampleRuns = 32
	sampleRun  = 64
	sampleSize = sampleRuns * sampleRun
	// sampleTwins is how many pairs of equal bytes, counted in both directions, a sample of noise has on average.
	sampleTwins = sampleSize * (sampleSize - 1) / 256
)

// isNoise reports whether all bytes are about equally frequent in a piece, by runs of bytes from all over it. What deflate can shorten is not
// like that: in text and in lists of numbers equal bytes meet many times as often, in what is compressed or encrypted less than a tenth more often.
func isNoise(p []byte) bool {
	if len(p) < 2*sampleSize {
		return false // too short for the stored block to be worth it
	}
	var count [256]int32
	step := (len(p) - sampleRun) / (sampleRuns - 1)
	for i := range sampleRuns {
		for _, c := range p[i*step:][:sampleRun] {
			count[c]++
		}
	}
	twins := 0
	for _, n := range count {
		twins += int(n) * int(n-1)
	}
	return twins < sampleTwins*5/4
}
