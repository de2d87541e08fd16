package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// ReceiptsDir is the folder beside the log that keeps the receipts as they came: what they repeat of the log is found even if the log
// is cut.
const ReceiptsDir = "receipts"

// Receipt says that a package arrived and was opened after everything in it had been verified (chartpost-receipt-v1, docs/format.md).
// It is signed by the recipient and sealed for the sender, whose number and log entry it repeats.
type Receipt struct {
	Format  string    `json:"format"`
	Package string    `json:"package"`  // its id
	Seq     int64     `json:"seq"`      // of the manifest
	LogHead string    `json:"log_head"` // of the manifest
	Sums    string    `json:"sums"`     // SHA-256 of SHA256SUMS
	Cipher  string    `json:"cipher"`   // SHA-256 of the package as it came
	Files   int       `json:"files"`
	Bytes   int64     `json:"bytes"`
	Status  string    `json:"status"` // StatusOpened
	Time    time.Time `json:"time"`
	By      Signer    `json:"by"`      // the recipient
	To      Signer    `json:"to"`      // the sender of the package
	ByHead  string    `json:"by_head"` // hash of the recipient's log entry that says so
	Tool    string    `json:"tool"`
}

// StatusOpened is the one status of a receipt: everything was verified, then unpacked.
const StatusOpened = "opened"

// Signer is somebody who signs.
type Signer struct {
	Name string `json:"name"`
	City string `json:"city,omitempty"`
	Sign string `json:"sign"`
}

const (
	maxReceipt = 64 << 10
	armorBegin = "-----BEGIN SSH SIGNATURE-----\n"
)

// Encode writes the receipt and signs it: JSON, a line feed, an SSHSIG in armor over everything before it.
func (r *Receipt) Encode(id *seal.Identity) ([]byte, error) {
	r.Format = seal.NamespaceReceipt
	if why := r.check(); why != "" {
		return nil, errors.New("receipt: " + why)
	}
	text, err := json.Marshal(r, jsontext.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	return append(text, seal.Sign(id.Sign, seal.NamespaceReceipt, text).Armor()...), nil
}

// ParseReceipt reads a receipt and checks that it is signed with the key that it names itself. Whose key that is, the caller knows.
func ParseReceipt(b []byte) (*Receipt, error) {
	bad := func(why string) error { return diag.New("CP-PKG-060", diag.Place{}, "the receipt: %s", why) }
	split := bytes.Index(b, []byte(armorBegin))
	if len(b) > maxReceipt || split < 0 {
		return nil, bad("it has no signature")
	}
	text := b[:split]
	sig, err := seal.ParseSignature(b[split:])
	if err != nil {
		return nil, bad(err.Error())
	}
	r := new(Receipt)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, bad("it is not the JSON that it must be")
	}
	if r.Format != seal.NamespaceReceipt {
		return nil, diag.New("CP-PKG-012", diag.Place{}, "the receipt is of another format than %s", seal.NamespaceReceipt)
	}
	if why := r.check(); why != "" {
		return nil, bad(why)
	}
	key, err := seal.ParseKey(r.By.Sign)
	if err != nil {
		return nil, bad("it names no key")
	}
	if sig.Verify(key, seal.NamespaceReceipt, text) != nil {
		return nil, diag.New("CP-PKG-061", diag.Place{}, "")
	}
	return r, nil
}

func (r *Receipt) check() string {
	isDigest := func(s string) bool {
		b, err := hex.DecodeString(s)
		return err == nil && len(b) == sha256.Size && strings.ToLower(s) == s
	}
	_, zone := r.Time.Zone()
	switch {
	case !pack.IsID(r.Package) || r.Seq < 1:
		return "it names no package"
	case !isDigest(r.LogHead) || !isDigest(r.Sums) || !isDigest(r.Cipher) || !isDigest(r.ByHead):
		return "a digest is missing"
	case r.Status != StatusOpened:
		return "its status is not known"
	case r.Time.IsZero() || zone != 0:
		return "it has no time in UTC"
	case r.Files < 1 || r.Bytes < 0:
		return "its counts are not right"
	case !pack.IsLine(r.By.Name) || r.By.City != "" && !pack.IsLine(r.By.City) || !pack.IsLine(r.To.Name) || r.To.City != "" && !pack.IsLine(r.To.City) || !pack.IsLine(r.Tool):
		return "a name is not one line"
	}
	return ""
}

// Seal encrypts a signed receipt for the sender of the package.
func Seal(text []byte, to ...age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Unseal decrypts a receipt. Errors are those of seal.Open for what is no age file or for somebody else, and findings.
func Unseal(sealed []byte, keys []seal.Key) ([]byte, error) {
	src := bytes.NewReader(sealed)
	if _, err := seal.ReadHeader(src, int64(len(sealed))); err != nil {
		return nil, err
	}
	ids := make([]age.Identity, len(keys))
	for i, k := range keys {
		ids[i] = k.Identity
	}
	r, err := age.Decrypt(src, ids...)
	if err != nil {
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) {
			return nil, seal.ErrNoIdentity
		}
		return nil, diag.New("CP-PKG-015", diag.Place{}, "the receipt was altered or cut short")
	}
	text, err := io.ReadAll(io.LimitReader(r, maxReceipt+1))
	if err != nil {
		return nil, diag.New("CP-PKG-015", diag.Place{}, "the receipt was altered or cut short")
	}
	return text, nil
}

// MaxSealedReceipt is more than any sealed receipt takes.
const MaxSealedReceipt = maxReceipt + 16<<10

// Check compares a receipt with the log: it is about a package that was sealed, says the same of it, and its signer is one of its
// recipients, or has another key of one of them, before or after a rotation, which same says.
func (j *Journal) Check(r *Receipt, same func(p Peer, sign string) bool) (*Body, *Peer, error) {
	e, b, err := j.Package(Sealed, r.Package)
	if err != nil {
		return nil, nil, err
	}
	if e == nil {
		return nil, nil, diag.New("CP-PKG-062", diag.Place{}, "")
	}
	// The entry that announced the package is the one whose hash went into the manifest.
	head, _, err := j.Package(Sealing, r.Package)
	if err != nil {
		return nil, nil, err
	}
	if head == nil || head.Hash() != r.LogHead || b.Seq != r.Seq || b.Sums != r.Sums || b.Cipher != r.Cipher ||
		b.Files != r.Files || b.Bytes != r.Bytes {
		return nil, nil, diag.New("CP-PKG-063", diag.Place{}, "")
	}
	peers := b.Peers()
	i := slices.IndexFunc(peers, func(p Peer) bool { return p.Key == r.By.Sign || same(p, r.By.Sign) })
	if i < 0 {
		return nil, nil, diag.New("CP-PKG-064", diag.Place{}, "")
	}
	return b, &peers[i], nil
}

// Delivery is one package for one recipient, and what is known of its arrival.
type Delivery struct {
	Package string    `json:"package"`
	Sealed  time.Time `json:"sealed"`
	Peer    Peer      `json:"to"`
	Body    *Body     `json:"-"`
	Receipt *Receipt  `json:"receipt"` // nil: none yet
	Added   time.Time `json:"added,omitzero"`
	Proof   string    `json:"-"`
}

// Deliveries lists the sealed packages, one entry a recipient, oldest first.
func (j *Journal) Deliveries() ([]*Delivery, error) {
	var all []*Delivery
	byPackage := map[string][]*Delivery{}
	for i := range j.entries {
		e := &j.entries[i]
		if e.Event != Sealed && e.Event != ReceiptAdded {
			continue
		}
		b, err := j.Body(e)
		if err != nil {
			return nil, err
		}
		if e.Event == Sealed {
			for _, p := range b.Peers() {
				d := &Delivery{Package: e.Package, Sealed: e.Time, Peer: p, Body: b}
				all, byPackage[e.Package] = append(all, d), append(byPackage[e.Package], d)
			}
			continue
		}
		r, err := ParseReceipt([]byte(b.Proof))
		if err != nil {
			return nil, err
		}
		for _, d := range byPackage[e.Package] {
			if d.Peer.Key == b.Key && d.Receipt == nil {
				d.Receipt, d.Added, d.Proof = r, e.Time, b.Proof
			}
		}
	}
	return all, nil
}

// KeepReceipt keeps a receipt as it came, beside the log.
func KeepReceipt(dir string, r *Receipt, sealed []byte) error {
	dir = filepath.Join(dir, ReceiptsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	by := sha256.Sum256([]byte(r.By.Sign))
	return safefile.Write(filepath.Join(dir, r.Package+"-"+hex.EncodeToString(by[:4])+".receipt.age"), sealed, 0o600)
}

// KeptReceipts are the files that KeepReceipt made.
func KeptReceipts(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, ReceiptsDir, "*.receipt.age"))
}

// Witness compares the log with the receipts that are kept beside it and with others that are given: each repeats the entry that announced
// its package, so that entry must still be there. It finds a log that was cut or written anew, however well it was done. Anybody can write a
// receipt about a package that never was, so the finding tells who signed it, as whose says.
func Witness(dir string, owner *seal.Identity, more []string, whose func(sign string) string) ([]*diag.Finding, error) {
	kept, err := KeptReceipts(dir)
	if err != nil {
		return nil, err
	}
	_, raw, err := read(dir, owner)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(raw))
	for _, l := range raw {
		if e, _, err := parse(l); err == nil {
			there[e.hash] = true
		}
	}
	var found []*diag.Finding
	for _, path := range append(kept, more...) {
		r, err := readReceipt(path, owner)
		var f *diag.Finding
		switch {
		case errors.As(err, &f):
			f.Place.Source = path
			found = append(found, f)
		case err != nil:
			return nil, err
		case !there[r.LogHead]:
			found = append(found, diag.New("CP-PKG-056", diag.Place{Source: path}, "package %s, number %d: the entry that announced it is not in the log, as a receipt of %s says",
				pack.ShortID(r.Package), r.Seq, whose(r.By.Sign)))
		}
	}
	return found, nil
}

func readReceipt(path string, owner *seal.Identity) (*Receipt, error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	header, err := seal.ReadHeader(bytes.NewReader(sealed), int64(len(sealed)))
	if err != nil {
		return nil, diag.New("CP-PKG-060", diag.Place{}, "the receipt is no age file")
	}
	keys, err := owner.Keys(header)
	if err != nil {
		return nil, err
	}
	text, err := Unseal(sealed, keys)
	if errors.Is(err, seal.ErrNoIdentity) || errors.Is(err, seal.ErrNotSealed) {
		return nil, diag.New("CP-PKG-060", diag.Place{}, "the receipt is not for this identity, or damaged")
	}
	if err != nil {
		return nil, err
	}
	return ParseReceipt(text)
}
