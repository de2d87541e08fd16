package seal

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"io"

	"filippo.io/age"

	"github.com/chartpost/chartpost/pkg/pack"
)

// Sealing is what goes into a package.
type Sealing struct {
	Sign     ed25519.PrivateKey
	To       []age.Recipient
	Manifest *pack.Manifest // all but Files, which sealing fills in
	Sources  *pack.Sources
	Pad      bool        // hide the size
	Progress func(int64) // told of every stretch of payload; may be nil
}

// Sealed says what came out.
type Sealed struct {
	Sums   pack.Digest // of SHA256SUMS
	Cipher pack.Digest // of the whole package
	Size   int64       // of the whole package
}

// Seal writes a package to w in one pass and constant memory:
//
//	files -> SHA-256
//	      -> deflate, zip, age -> SHA-256 of the package -> w
//
// The four parts run side by side. Deflating and encrypting are one: of what does not compress there is little to deflate, of what does little to
// encrypt, and a chunk is encrypted while it is still near the processor. If sealing fails, what was written so far is useless and has to be removed.
func Seal(ctx context.Context, w io.Writer, s *Sealing) (*Sealed, error) {
	sealed, digest, size := new(Sealed), sha256.New(), new(counter)
	file := newAsync(io.MultiWriter(digest, size), w)
	err := encrypt(ctx, file, s, sealed)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	sealed.Size = int64(*size)
	digest.Sum(sealed.Cipher[:0])
	return sealed, nil
}

func encrypt(ctx context.Context, w io.Writer, s *Sealing, sealed *Sealed) error {
	cipher, err := age.Encrypt(w, s.To...)
	if err != nil {
		return err
	}
	if err := zipped(ctx, cipher, s, sealed); err != nil {
		return err // the last chunk is not written: what is there will not decrypt
	}
	return cipher.Close()
}

func zipped(ctx context.Context, w io.Writer, s *Sealing, sealed *Sealed) error {
	p := pack.NewWriter(w, s.Progress)
	if s.Pad {
		p.Pad()
	}
	if err := s.Sources.WriteTo(ctx, p); err != nil {
		p.Abort()
		return err
	}
	var err error
	sealed.Sums, err = p.Close(ctx, s.Manifest, pack.Readme, func(sums []byte) ([]byte, error) {
		return Sign(s.Sign, NamespacePackage, sums).Armor(), nil
	})
	return err
}

// counter counts what passes.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
