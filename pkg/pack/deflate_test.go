package pack

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"
)

// noise is the same for the same seed.
func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// prose compresses to a third or so.
func prose(n int) []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"glucose", "value", "system", "http://loinc.org", `"code":`, "patient", "2026-11-22", "{", "}", "\n", "reference", "mg/dL"}
	for b.Len() < n {
		fmt.Fprintf(&b, "%s %d ", words[r.IntN(len(words))], r.IntN(1000))
	}
	return b.Bytes()[:n]
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// TestIsNoise: what cannot be shortened is told from what can. The samples are the same in each run.
func TestIsNoise(t *testing.T) {
	random := noise(1, 1<<20)
	wave := make([]byte, 0, 1<<20) // 16-bit samples, as of sound, a curve or an uncompressed picture
	for i := range 1 << 19 {
		wave = binary.LittleEndian.AppendUint16(wave, uint16(int16(20000*math.Sin(float64(i)/50)+float64(random[i]))))
	}
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"random", random, true},
		{"gzip", gzipped(prose(1 << 20))[100:], true},
		{"prose", prose(1 << 20), false},
		{"base64", []byte(base64.StdEncoding.EncodeToString(random)), false},
		{"hex", []byte(hex.EncodeToString(random)), false},
		{"samples", wave, false},
		{"zeros", make([]byte, 1<<20), false},
		{"a quarter zeros", bytes.Repeat(append(random[:24<<10:24<<10], make([]byte, 8<<10)...), 30), false},
		{"every other byte zero", func() []byte {
			b := bytes.Clone(random)
			for i := 0; i < len(b); i += 2 {
				b[i] = 0
			}
			return b
		}(), false},
	} {
		for i := 0; i+storedSize <= len(c.data); i += storedSize {
			if got := isNoise(c.data[i : i+storedSize]); got != c.want {
				t.Errorf("%s, from %d: %v", c.name, i, got)
				break
			}
		}
	}
	for n := range 2 * sampleSize {
		if isNoise(random[:n]) {
			t.Fatalf("%d bytes are too few to tell", n)
		}
	}
}

// TestDeflater: what goes in comes out of any inflater, in every mixture of what is deflated and what is stored, however it is cut; the second
// stream of a deflater is what that of a new one is; and what cannot be shortened grows by less than a thousandth.
func TestDeflater(t *testing.T) {
	random, text := noise(2, 300<<10), prose(300<<10)
	mixed := func(pieces ...[]byte) []byte { return bytes.Join(pieces, nil) }
	again, err := newDeflater(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
		most int
	}{
		{"nothing", nil, 20},
		{"one byte", random[:1], 20},
		{"just below a sample", random[:2*sampleSize-1], 2*sampleSize + 50},
		{"just a sample", random[:2*sampleSize], 2*sampleSize + 50},
		{"random", random, len(random) + len(random)/1000},
		{"text", text, len(text) / 2},
		{"text, random, text", mixed(text[:100_000], random[:100_000], text[:100_000]), 100_000 + 2*100_000/2},
		// What stands behind the random part refers to nothing before it.
		{"the same text again", mixed(text[:40_000], random[:32<<10], text[:40_000], random[32<<10:70_000], text[:40_000]), 200_000},
		{"random and text by turns", func() (b []byte) {
			for i := range 40 {
				b = mixed(b, random[i*1000:][:20_000], text[i*5000:][:15_000])
			}
			return b
		}(), 40 * 36_000},
	} {
		for _, cut := range []int{1000, 4095, storedSize, storedSize + 1, 100_000, blockSize} {
			var out, second bytes.Buffer
			d, err := newDeflater(&out)
			if err != nil {
				t.Fatal(err)
			}
			again.Reset(&second)
			for _, d := range []*deflater{d, again} {
				for i := 0; i < len(c.data); i += cut {
					if n, err := d.Write(c.data[i:min(i+cut, len(c.data))]); err != nil || n != min(cut, len(c.data)-i) {
						t.Fatalf("%s: %d %v", c.name, n, err)
					}
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(out.Bytes(), second.Bytes()) {
				t.Errorf("%s in pieces of %d: another stream when used again", c.name, cut)
			}
			if cut >= storedSize && out.Len() > c.most {
				t.Errorf("%s in pieces of %d: %d bytes become %d", c.name, cut, len(c.data), out.Len())
			}
			rest := bytes.NewReader(out.Bytes())
			got, err := io.ReadAll(flate.NewReader(rest))
			if err != nil || !bytes.Equal(got, c.data) || rest.Len() != 0 {
				t.Errorf("%s in pieces of %d: %d bytes come back, %d are left, %v", c.name, cut, len(got), rest.Len(), err)
			}
		}
	}
}

// failing fails from the n-th write on.
type failing struct{ n int }

func (f *failing) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// TestDeflaterFails: no fault of what it writes to is lost.
func TestDeflaterFails(t *testing.T) {
	data := bytes.Join([][]byte{prose(100_000), noise(3, 100_000), prose(100_000)}, nil)
	for n := range 1000 {
		d, err := newDeflater(&failing{n})
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Write(data)
		if cerr := d.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			if n < 5 {
				t.Errorf("only %d writes", n)
			}
			return
		}
	}
	t.Error("it never comes to its end")
}

func FuzzDeflater(f *testing.F) {
	f.Add(uint64(1), uint16(5000))
	f.Fuzz(func(t *testing.T, seed uint64, cut uint16) {
		r := rand.New(rand.NewPCG(seed, 7))
		var data []byte
		for range r.IntN(12) {
			if n := r.IntN(60_000); r.IntN(2) == 0 {
				data = append(data, noise(byte(seed), n)...)
			} else {
				data = append(data, prose(n)...)
			}
		}
		var out bytes.Buffer
		d, err := newDeflater(&out)
		if err != nil {
			t.Fatal(err)
		}
		for i, step := 0, int(cut)+1; i < len(data); i += step {
			d.Write(data[i:min(i+step, len(data))])
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(flate.NewReader(&out)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes become %d, %v", len(data), len(got), err)
		}
	})
}
