package pack

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
)

// Padding hides how large a package is but for its order of magnitude: the zip grows to the next size that Padmé allows (Nikitin et al.,
// "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019, section 4), by at most 12 per cent.
//
// The size of the whole zip must be known before the padding is written, so in a padded package every member from README.txt on is stored
// and not deflated.

// maxPadding is what one stored member can hold. It suffices up to a payload of 256 GiB.
const maxPadding = max32 - 1

// padme is the next size from n on that shows only the exponent of n and the first few bits of it.
func padme(n int64) int64 {
	if n < 2 {
		return n
	}
	e := bits.Len64(uint64(n)) - 1
	s := bits.Len64(uint64(e))
	mask := int64(1)<<max(e-s, 0) - 1
	return (n + mask) &^ mask
}

// zipSize foretells how large the zip will be: what is written up to now, members that will be stored, and the directory.
type zipSize struct {
	offset    int64 // where the next member begins
	directory int64
	count     int
}

// central counts the entry of the directory for a member (APPNOTE 4.3.12, and 4.5.3 with all three fields, as archive/zip writes it).
func (z *zipSize) central(name string, size, packed, offset int64) {
	z.directory += int64(lenCentral + len(name))
	if size >= max32 || packed >= max32 || offset >= max32 {
		z.directory += 28
	}
	z.count++
}

// stored counts a stored member.
func (z *zipSize) stored(name string, size int64) {
	z.central(name, size, size, z.offset)
	z.offset += int64(lenLocal+len(name)) + size
}

func (z *zipSize) total() int64 {
	n := z.offset + z.directory + lenEnd
	if z.count >= max16 || z.directory >= max32 || z.offset >= max32 {
		n += lenEnd64 + lenLocator64
	}
	return n
}

// padding is how many zeros the zip needs, given what is written and the sizes of what follows the padding.
func (p *Writer) padding(rest []tailText) (int64, error) {
	if err := p.zip.Flush(); err != nil {
		return 0, err
	}
	now := zipSize{offset: p.out.n}
	for i, h := range p.headers {
		now.central(h.Name, int64(h.UncompressedSize64), int64(h.CompressedSize64), p.offsets[i])
	}
	size := func(n int64) int64 {
		z := now
		z.stored(PaddingName, n)
		for _, t := range rest {
			z.stored(t.name, int64(len(t.text)))
		}
		return z.total()
	}
	// Where the padding makes a number in the directory long, the zip grows by more than it; then the next size is tried.
	for want := padme(size(0)); ; want = padme(want + 1) {
		if n := want - size(0); n > maxPadding {
			return 0, fmt.Errorf("a package of more than 256 GiB cannot be padded")
		} else if size(n) == want {
			return n, nil
		}
	}
}

// store writes a member whose content is known beforehand, without deflating it.
func (p *Writer) store(name string, size int64, crc uint32) (io.Writer, error) {
	//lint:ignore SA1019 Modified would add an extended time beside the one that every package has
	h := &zip.FileHeader{Name: name, Method: zip.Store, ModifiedDate: dosEpoch, CRC32: crc, UncompressedSize64: uint64(size), CompressedSize64: uint64(size)}
	h.SetMode(0o600)
	w, err := p.zip.CreateRaw(h)
	if err != nil {
		return nil, err
	}
	return w, p.note(h)
}

// note remembers where a member lies whose header has just been written.
func (p *Writer) note(h *zip.FileHeader) error {
	if !p.pad {
		return nil
	}
	if err := p.zip.Flush(); err != nil {
		return err
	}
	p.headers, p.offsets = append(p.headers, h), append(p.offsets, p.out.n-int64(lenLocal+len(h.Name)))
	return nil
}

// zeros writes the padding and returns its digest.
func (p *Writer) zeros(n int64) (Digest, error) {
	block := make([]byte, blockSize)
	each := func(f func([]byte) error) error {
		for left := n; left > 0; left -= min(left, blockSize) {
			if err := f(block[:min(left, blockSize)]); err != nil {
				return err
			}
		}
		return nil
	}
	crc := uint32(0)
	_ = each(func(b []byte) error { crc = crc32.Update(crc, crc32.IEEETable, b); return nil })
	w, err := p.store(PaddingName, n, crc)
	if err != nil {
		return Digest{}, err
	}
	sum := sha256.New()
	err = each(func(b []byte) error {
		sum.Write(b)
		_, err := w.Write(b)
		return err
	})
	return Digest(sum.Sum(nil)), err
}

// written counts what goes out.
type written struct {
	w io.Writer
	n int64
}

func (w *written) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	w.n += int64(n)
	return n, err
}
