package seal

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// failsAt fails from the n-th write on.
type failsAt struct{ n int }

var errFails = errors.New("it fails")

func (f *failsAt) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errFails
	}
	return len(p), nil
}

// TestAsync: every stage gets everything, in order, however it is cut.
func TestAsync(t *testing.T) {
	data := make([]byte, 40*asyncSize+123)
	rand.NewChaCha8([32]byte{1}).Read(data)
	for _, size := range []int{0, 1, asyncSize - 1, asyncSize, asyncSize + 1, len(data)} {
		for _, cut := range []int{asyncSize / 3, asyncSize, asyncSize + 1, 7 * asyncSize} {
			var one, two, three bytes.Buffer
			a := newAsync(&one, &two, &three)
			for i := 0; i < size; i += cut {
				if n, err := a.Write(data[i:min(i+cut, size)]); err != nil || n != min(cut, size-i) {
					t.Fatalf("%d %v", n, err)
				}
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			for i, got := range []*bytes.Buffer{&one, &two, &three} {
				if !bytes.Equal(got.Bytes(), data[:size]) {
					t.Errorf("stage %d: %d bytes in pieces of %d are %d, or others", i, size, cut, got.Len())
				}
			}
		}
	}
}

// TestAsyncFails: whatever write of whatever stage fails, it is told, and nothing hangs.
func TestAsyncFails(t *testing.T) {
	const pieces = 30
	data := make([]byte, pieces*asyncSize)
	for n := range pieces {
		for stage := range 3 {
			stages := []io.Writer{io.Discard, io.Discard, io.Discard}
			stages[stage] = &failsAt{n}
			a := newAsync(stages...)
			_, err := a.Write(data)
			if cerr := a.Close(); err == nil {
				err = cerr
			}
			if !errors.Is(err, errFails) {
				t.Errorf("write %d of stage %d: %v", n, stage, err)
			}
		}
	}
}
