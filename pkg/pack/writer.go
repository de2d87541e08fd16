package pack

import (
	"archive/zip"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// dosEpoch is 1980-01-01 00:00, the earliest date that a zip can hold: packages do not tell when files were changed.
const dosEpoch = 1<<5 | 1

// Writer writes a package's zip in one pass: Add each file, then Close with the manifest.
type Writer struct {
	zip      *zip.Writer
	hash     *hasher
	names    *nameSet
	sums     []Sum
	files    []File
	total    int64
	progress func(int64)
	deflate  *deflater

	// For padding, which has to know where everything lies.
	pad     bool
	out     *written
	headers []*zip.FileHeader
	offsets []int64
}

// NewWriter begins a package. progress, which may be nil, is told of every stretch of payload written.
func NewWriter(w io.Writer, progress func(int64)) *Writer {
	out := &written{w: w}
	p := &Writer{zip: zip.NewWriter(out), hash: newHasher(), names: newNameSet(), progress: progress, out: out}
	// One compressor serves all members, one after the other: a new one for each would cost more than most files.
	p.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		if p.deflate == nil {
			var err error
			p.deflate, err = newDeflater(w)
			return p.deflate, err
		}
		p.deflate.Reset(w)
		return p.deflate, nil
	})
	for _, name := range tailNames {
		p.names.add(name)
	}
	return p
}

// Pad makes Close hide the size of the package. It stands before the first Add.
func (p *Writer) Pad() { p.pad = true }

// Add writes one file of the payload. Files must come in the order of their names.
func (p *Writer) Add(ctx context.Context, name string, r io.Reader) (size int64, err error) {
	if len(p.files) == MaxFiles {
		return 0, fmt.Errorf("a package holds at most %d files", MaxFiles)
	}
	if err := CheckName(name); err != nil {
		return 0, err
	}
	if err := p.names.add(name); err != nil {
		return 0, err
	}
	if n := len(p.files); n > 0 && cmp.Compare(p.files[n-1].Path, name) >= 0 {
		return 0, fmt.Errorf("files must be added in the order of their names")
	}
	sum, size, err := p.member(ctx, name, r, MaxTotal-p.total, p.progress)
	if err != nil {
		return size, err
	}
	if size > MaxTotal-p.total {
		return size, fmt.Errorf("a package holds at most %d bytes", int64(MaxTotal))
	}
	p.total += size
	p.sums = append(p.sums, Sum{name, sum})
	p.files = append(p.files, File{name, size, MediaType(name)})
	return size, nil
}

func (p *Writer) member(ctx context.Context, name string, r io.Reader, limit int64, progress func(int64)) (Digest, int64, error) {
	//lint:ignore SA1019 Modified would add an extended time beside the one that every package has
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, ModifiedDate: dosEpoch}
	h.SetMode(0o600)
	w, err := p.zip.CreateHeader(h)
	if err == nil {
		err = p.note(h)
	}
	if err != nil {
		return Digest{}, 0, err
	}
	return p.hash.copy(ctx, w, r, limit, progress)
}

// tailText is a member after the payload.
type tailText struct {
	name string
	text []byte
}

// Close writes the rest: m.Files is filled in, readme is made from the finished manifest, sign signs SHA256SUMS. It returns the
// digest of SHA256SUMS, by which a package is known in logs and receipts.
func (p *Writer) Close(ctx context.Context, m *Manifest, readme func(*Manifest) []byte, sign func(sums []byte) ([]byte, error)) (Digest, error) {
	defer p.hash.close()
	m.Files = p.files
	if err := m.Check(); err != nil {
		return Digest{}, err
	}
	manifest, err := m.Bytes()
	if err != nil {
		return Digest{}, err
	}
	if len(manifest) > MaxText {
		return Digest{}, fmt.Errorf("the list of files is too long for one package")
	}
	sum, err := p.text(ctx, ReadmeName, readme(m))
	if err != nil {
		return Digest{}, err
	}
	p.sums = append(p.sums, Sum{ReadmeName, sum})
	if p.pad {
		if sum, err = p.fill(manifest, sign); err != nil {
			return Digest{}, err
		}
		p.sums = append(p.sums, Sum{PaddingName, sum})
	}
	if sum, err = p.text(ctx, ManifestName, manifest); err != nil {
		return Digest{}, err
	}
	p.sums = append(p.sums, Sum{ManifestName, sum})
	sums := FormatSums(p.sums)
	digest, err := p.text(ctx, SumsName, sums)
	if err != nil {
		return Digest{}, err
	}
	signature, err := sign(sums)
	if err != nil {
		return Digest{}, err
	}
	if _, err := p.text(ctx, SignatureName, signature); err != nil {
		return Digest{}, err
	}
	return digest, p.zip.Close()
}

// fill writes the padding. The digests that are not known yet have the length of those that are, and so has the signature.
func (p *Writer) fill(manifest []byte, sign func([]byte) ([]byte, error)) (Digest, error) {
	sums := FormatSums(append(p.sums[:len(p.sums):len(p.sums)], Sum{Path: PaddingName}, Sum{Path: ManifestName}))
	signature, err := sign(sums)
	if err != nil {
		return Digest{}, err
	}
	n, err := p.padding([]tailText{{ManifestName, manifest}, {SumsName, sums}, {SignatureName, signature}})
	if err != nil {
		return Digest{}, err
	}
	return p.zeros(n)
}

// Abort ends a package that will not be finished.
func (p *Writer) Abort() { p.hash.close() }

func (p *Writer) text(ctx context.Context, name string, b []byte) (Digest, error) {
	if p.pad {
		w, err := p.store(name, int64(len(b)), crc32.ChecksumIEEE(b))
		if err == nil {
			_, err = w.Write(b)
		}
		return sha256.Sum256(b), err
	}
	//lint:ignore SA1019 Modified would add an extended time beside the one that every package has
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, ModifiedDate: dosEpoch}
	h.SetMode(0o600)
	w, err := p.zip.CreateHeader(h)
	if err != nil {
		return Digest{}, err
	}
	if err := ctx.Err(); err != nil {
		return Digest{}, err
	}
	_, err = w.Write(b)
	return sha256.Sum256(b), err
}

// zip64Limit is the size from which a member's sizes stand in the long form.
const zip64Limit = math.MaxUint32
