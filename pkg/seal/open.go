package seal

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"sync/atomic"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
)

// ErrNoIdentity says that none of the keys opens a package.
var ErrNoIdentity = errors.New("this package is not sealed for you")

// ErrKey says that a key that may open a package could not be asked: a plugin failed, or its device.
var ErrKey = errors.New("the key cannot be used")

// Key is a key that may open packages, and the recipient that others seal for to reach it.
type Key struct {
	Identity  age.Identity
	Recipient string
}

// Keys are the keys of an identity that can matter for a package with this header, the newest first.
func (id *Identity) Keys(h *Header) ([]Key, error) {
	var keys []Key
	for _, g := range id.Generations() {
		k, err := g.keys(h, id.UI)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k...)
	}
	return keys, nil
}

// UnknownSender is the refusal of a package whose signature is by a key that is not pinned. If the signature is valid, Name is what
// the signer calls itself; anybody can write any name.
type UnknownSender struct {
	Finding *diag.Finding
	Key     ed25519.PublicKey
	Name    string
}

func (u *UnknownSender) Error() string { return u.Finding.Error() }
func (u *UnknownSender) Unwrap() error { return u.Finding }

// Trust is what opening goes by.
type Trust struct {
	Pinned    func(ed25519.PublicKey) bool // whether a key is that of a contact
	Forwarded bool                         // take also what the sender signed for somebody else
}

// Package is a package whose signature, sender, manifest and recipient have passed. Verify must pass before Extract.
type Package struct {
	Manifest  *pack.Manifest
	Sender    ed25519.PublicKey
	Recipient string      // mine, to which it was encrypted; of a passphrase, what age calls it
	Sums      pack.Digest // of SHA256SUMS
	Forwarded bool        // it is signed for somebody else

	archive   *pack.Archive
	digests   map[string]pack.Digest
	signature pack.Digest
	verified  bool
}

// Open decides whom a package is from and whom it is for. It writes nothing. The order of trust:
//
//  1. one of the keys opens it, and its end is whole;
//  2. the zip has one reading and the parts of a package;
//  3. SHA256SUMS is signed by a key that is pinned; the key inside the signature only says which;
//  4. manifest.json has its digest and one reading, and names the signer;
//  5. members, SHA256SUMS and manifest list the same files;
//  6. the recipient of the key that opened it is in the manifest (but see Trust.Forwarded).
//
// Refusals are findings CP-PKG-nnn. ErrNotSealed and ErrNoIdentity are for what comes before any decryption; other errors are those of
// reading src.
func Open(src io.ReaderAt, size int64, keys []Key, trust Trust) (*Package, error) {
	in := &source{r: src}
	p, err := open(in, size, keys, trust)
	if ioErr := in.failed(); ioErr != nil {
		return nil, ioErr
	}
	return p, err
}

func open(in *source, size int64, keys []Key, trust Trust) (*Package, error) {
	if _, err := ReadHeader(in, size); err != nil {
		return nil, err
	}
	p := new(Package)
	ids := make([]age.Identity, len(keys))
	var unasked error
	for i, k := range keys {
		ids[i] = &noting{k, &p.Recipient, &unasked}
	}
	plain, n, err := age.DecryptReaderAt(in, size, ids...)
	if err != nil {
		var none *age.NoIdentityMatchError
		switch {
		case len(keys) == 1 && keys[0].Recipient == byPassphrase && errors.Is(err, age.ErrIncorrectIdentity):
			return nil, ErrPassphrase
		case errors.As(err, &none) || len(keys) == 0:
			return nil, ErrNoIdentity
		case unasked != nil:
			return nil, fmt.Errorf("%w: %w", ErrKey, unasked)
		case p.Recipient == "":
			return nil, fmt.Errorf("%w: its header is damaged", ErrNotSealed)
		}
		return nil, altered()
	}
	if p.archive, err = pack.Scan(&decrypted{plain, in}, n); err != nil {
		return nil, err
	}
	if err := p.archive.Layout(); err != nil {
		return nil, err
	}
	sums, err := p.trustSums(trust.Pinned)
	if err != nil {
		return nil, err
	}
	if err := p.trustManifest(); err != nil {
		return nil, err
	}
	if err := p.archive.Agree(sums, p.Manifest); err != nil {
		return nil, err
	}
	if p.Me() == nil {
		if !trust.Forwarded {
			return nil, refuse("CP-PKG-019", pack.ManifestName, "")
		}
		p.Forwarded = true
	}
	return p, nil
}

// Me is the recipient in the manifest whose key opened the package; nil if it is signed for somebody else.
func (p *Package) Me() *pack.Party {
	i := slices.IndexFunc(p.Manifest.To, func(to pack.Party) bool {
		return to.Age == p.Recipient || to.Passphrase && p.Recipient == byPassphrase
	})
	if i < 0 {
		return nil
	}
	return &p.Manifest.To[i]
}

// trustSums reads SHA256SUMS and its signature.
func (p *Package) trustSums(pinned func(ed25519.PublicKey) bool) ([]pack.Sum, error) {
	armored, err := p.archive.Text(p.archive.Tail(pack.SignatureName), pack.MaxSignature)
	if err != nil {
		return nil, err
	}
	text, err := p.archive.Text(p.archive.Tail(pack.SumsName), pack.MaxText)
	if err != nil {
		return nil, err
	}
	p.Sums, p.signature = sha256.Sum256(text), sha256.Sum256(armored)
	sig, err := ParseSignature(armored)
	if err != nil {
		return nil, refuse("CP-PKG-009", pack.SignatureName, "%v", err)
	}
	if sig.Namespace != NamespacePackage {
		return nil, refuse("CP-PKG-009", pack.SignatureName, "the signature was not made for a package")
	}
	known := pinned(sig.Key)
	valid := sig.Verify(sig.Key, NamespacePackage, text) == nil
	if known && !valid {
		return nil, refuse("CP-PKG-010", pack.SignatureName, "")
	}
	var sums []pack.Sum
	if valid {
		if sums, err = pack.ParseSums(text); err != nil {
			return nil, err
		}
		p.digests = make(map[string]pack.Digest, len(sums))
		for _, s := range sums {
			p.digests[s.Path] = s.Digest
		}
	}
	if !known {
		unknown := &UnknownSender{Finding: diag.New("CP-PKG-016", diag.Place{}, ""), Key: sig.Key}
		if valid && p.trustManifestOf(sig.Key) == nil {
			unknown.Name = p.Manifest.From.Name
		}
		return nil, unknown
	}
	p.Sender = sig.Key
	return sums, nil
}

func (p *Package) trustManifest() error { return p.trustManifestOf(p.Sender) }

// trustManifestOf reads the manifest and checks that it is the signed one and names the signer.
func (p *Package) trustManifestOf(signer ed25519.PublicKey) error {
	m := p.archive.Tail(pack.ManifestName)
	text, err := p.archive.Text(m, pack.MaxText)
	if err != nil {
		return err
	}
	if want, ok := p.digests[pack.ManifestName]; !ok || sha256.Sum256(text) != want {
		return refuse("CP-PKG-014", pack.ManifestName, "manifest.json is not the one that was signed")
	}
	if p.Manifest, err = pack.ParseManifest(text); err != nil {
		return err
	}
	if p.Manifest.From.Sign != FormatKey(signer) {
		return refuse("CP-PKG-011", pack.ManifestName, "the manifest names another sender than the one who signed")
	}
	return nil
}

// Verify reads the whole package and checks every digest. It writes nothing.
func (p *Package) Verify(ctx context.Context, progress func(int64)) error {
	err := p.archive.Each(ctx, func(*pack.Member) (io.WriteCloser, error) { return nowhere{}, nil }, p.check, progress)
	p.verified = err == nil
	return err
}

// check compares a member's digest with the signed one. SHA256SUMS and its signature, which no line covers, must be those that were
// read first.
func (p *Package) check(m *pack.Member, sum pack.Digest) error {
	want, ok := p.digests[m.Name]
	switch m.Name {
	case pack.SumsName:
		want, ok = p.Sums, true
	case pack.SignatureName:
		want, ok = p.signature, true
	}
	if !ok || sum != want {
		return refuse("CP-PKG-014", fmt.Sprintf("member %d", m.Num), "")
	}
	return nil
}

// Extract writes all members below a folder, which has to be new and empty, and checks every digest once more. Files are made with
// O_EXCL and mode 0600 and synced, folders with mode 0700. If it fails, the folder has to be removed.
func (p *Package) Extract(ctx context.Context, root *os.Root, progress func(int64)) error {
	if !p.verified {
		return errors.New("a package must be verified before it is unpacked")
	}
	dirs := map[string]bool{".": true}
	err := p.archive.Each(ctx, func(m *pack.Member) (io.WriteCloser, error) {
		if dir := path.Dir(m.Name); !dirs[dir] {
			if err := root.MkdirAll(dir, 0o700); err != nil {
				return nil, err
			}
			for ; !dirs[dir]; dir = path.Dir(dir) {
				dirs[dir] = true
			}
		}
		f, err := root.OpenFile(m.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		return synced{f}, nil
	}, p.check, progress)
	if err != nil {
		return err
	}
	for dir := range dirs {
		if d, err := root.Open(dir); err == nil {
			_ = d.Sync() // where the system can
			d.Close()
		}
	}
	return nil
}

// Stream writes the content of the only file of the payload, and checks every digest once more.
func (p *Package) Stream(ctx context.Context, w io.Writer, progress func(int64)) error {
	if !p.verified || len(p.Manifest.Files) != 1 {
		return errors.New("a package must be verified, and hold one file, before it is streamed")
	}
	return p.archive.Each(ctx, func(m *pack.Member) (io.WriteCloser, error) {
		if m.Name == p.Manifest.Files[0].Path {
			return unclosed{w}, nil
		}
		return nowhere{}, nil
	}, p.check, progress)
}

type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// synced is a file whose content is on the disk once it is closed.
type synced struct{ *os.File }

func (s synced) Close() error {
	err := s.File.Sync()
	if cerr := s.File.Close(); err == nil {
		err = cerr
	}
	return err
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Close() error                { return nil }

// noting is an identity that notes when it has opened something, or that it is a plugin that could not be asked.
type noting struct {
	key    Key
	used   *string
	failed *error
}

func (n *noting) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	fileKey, err := n.key.Identity.Unwrap(stanzas)
	if err == nil {
		*n.used = n.key.Recipient
	} else if _, ok := n.key.Identity.(*plugin.Identity); ok && !errors.Is(err, age.ErrIncorrectIdentity) {
		*n.failed = err
	}
	return fileKey, err
}

// source is the file of a package. It keeps the errors of reading it apart from those of decrypting what was read.
type source struct {
	r   io.ReaderAt
	err atomic.Pointer[error]
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(p, off)
	if err != nil && err != io.EOF {
		s.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (s *source) failed() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}

// decrypted is the inside of a package. Whatever goes wrong there but reading the file is an alteration.
type decrypted struct {
	r  io.ReaderAt
	in *source
}

func (d *decrypted) ReadAt(p []byte, off int64) (int, error) {
	n, err := d.r.ReadAt(p, off)
	if err == nil || err == io.EOF {
		return n, err
	}
	if ioErr := d.in.failed(); ioErr != nil {
		return n, ioErr
	}
	return n, altered()
}

func altered() error { return refuse("CP-PKG-015", "", "") }

func refuse(id diag.ID, at, format string, args ...any) error {
	return diag.New(id, diag.Place{Path: at}, format, args...)
}
