package seal

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/chartpost/chartpost/internal/safefile"
)

// The two identity files. Stock age reads both: identity.txt from version 1.3, identity-compat.txt in any version. They are two because
// older versions refuse a file that holds a key they do not know.
const (
	IdentityFile = "identity.txt"
	CompatFile   = "identity-compat.txt"
)

const (
	identityHead = "# chartpost identity v1: "
	signLine     = "# chartpost-sign-key: "
)

// Identity is the secret half of a card: a key to sign with, a post-quantum hybrid key to open packages with, and a classic one for
// packages that were sealed with --compat.
type Identity struct {
	Name   string
	Sign   ed25519.PrivateKey
	Hybrid *age.HybridIdentity

	compat *age.X25519Identity
	dir    string
	secret *passphrase
}

// Errors that decide what a person has to do.
var (
	ErrNoFile     = errors.New("there is no identity yet")
	ErrExposed    = errors.New("other users of this computer could read the identity")
	ErrPassphrase = errors.New("the passphrase is wrong")
	ErrExists     = errors.New("there is an identity already")
)

// passphrase asks once, when it is first needed.
type passphrase struct {
	ask  func() (string, error)
	text string
	done bool
}

func (p *passphrase) get() (string, error) {
	if !p.done {
		if p.ask == nil {
			return "", errors.New("the identity is protected by a passphrase")
		}
		text, err := p.ask()
		if err != nil {
			return "", err
		}
		p.text, p.done = text, true
	}
	return p.text, nil
}

// Generate makes a new identity with three keys of its own.
func Generate(name string) (*Identity, error) {
	_, sign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	compat, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return &Identity{Name: name, Sign: sign, Hybrid: hybrid, compat: compat}, nil
}

// PublicKey is the key that others check my signatures with.
func (id *Identity) PublicKey() ed25519.PublicKey { return id.Sign.Public().(ed25519.PublicKey) }

// Save writes the two files into a folder, encrypted if there is a passphrase. It never replaces a file: with the old keys everything
// that was sealed for them would be lost. identity.txt is written last, and makes the identity.
func (id *Identity) Save(dir, passphrase string) error {
	sign, err := ssh.MarshalPrivateKey(id.Sign, "chartpost")
	if err != nil {
		return err
	}
	main := fmt.Sprintf("%s%s\n# public key: %s\n%s%s\n%s\n", identityHead, id.Name, id.Hybrid.Recipient(),
		signLine, base64.StdEncoding.EncodeToString(sign.Bytes), id.Hybrid)
	compat := fmt.Sprintf("%s%s, for packages that age before 1.3 can read\n# public key: %s\n%s\n", identityHead, id.Name,
		id.compat.Recipient(), id.compat)
	for _, f := range []struct{ name, text string }{{CompatFile, compat}, {IdentityFile, main}} {
		path := filepath.Join(dir, f.name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%w: %s", ErrExists, path)
		}
		data := []byte(f.text)
		if passphrase != "" {
			if data, err = lock(data, passphrase); err != nil {
				return err
			}
		}
		if err := safefile.Write(path, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// lock encrypts an identity file as age -p -a does.
func lock(data []byte, passphrase string) ([]byte, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	a := armor.NewWriter(&b)
	w, err := age.Encrypt(a, r)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := a.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Load reads identity.txt of a folder. ask is called for the passphrase if the file has one; it may be nil.
func Load(dir string, ask func() (string, error)) (*Identity, error) {
	id := &Identity{dir: dir, secret: &passphrase{ask: ask}}
	text, err := id.read(IdentityFile)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, IdentityFile)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, identityHead); ok {
			id.Name = name
		}
		if key, ok := strings.CutPrefix(line, signLine); ok {
			if id.Sign, err = parseSignKey(key); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	keys, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	hybrid, ok := keys[0].(*age.HybridIdentity)
	if !ok || len(keys) != 1 || id.Sign == nil {
		return nil, fmt.Errorf("%s does not hold one hybrid key and one signing key", path)
	}
	id.Hybrid = hybrid
	return id, nil
}

func parseSignKey(text string) (ed25519.PrivateKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("the signing key is damaged")
	}
	key, err := ssh.ParseRawPrivateKey(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: der}))
	if err != nil {
		return nil, errors.New("the signing key is damaged")
	}
	if k, ok := key.(*ed25519.PrivateKey); ok {
		return *k, nil
	}
	return nil, errors.New("the signing key is not an Ed25519 key")
}

// Compat is the classic key, read when it is first needed.
func (id *Identity) Compat() (*age.X25519Identity, error) {
	if id.compat != nil {
		return id.compat, nil
	}
	text, err := id.read(CompatFile)
	if err != nil {
		return nil, err
	}
	keys, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(id.dir, CompatFile), err)
	}
	k, ok := keys[0].(*age.X25519Identity)
	if !ok || len(keys) != 1 {
		return nil, fmt.Errorf("%s does not hold one X25519 key", filepath.Join(id.dir, CompatFile))
	}
	id.compat = k
	return k, nil
}

// read reads an identity file, decrypting it if it has a passphrase.
func (id *Identity) read(name string) ([]byte, error) {
	path := filepath.Join(id.dir, name)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is missing", ErrNoFile, path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkPrivate(f, id.dir); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	var src io.Reader
	switch {
	case bytes.HasPrefix(data, []byte(armor.Header)):
		src = armor.NewReader(bufio.NewReader(bytes.NewReader(data)))
	case bytes.HasPrefix(data, []byte(ageIntro)):
		src = bytes.NewReader(data)
	default:
		return data, nil
	}
	text, err := id.secret.get()
	if err != nil {
		return nil, err
	}
	s, err := age.NewScryptIdentity(text)
	if err != nil {
		return nil, ErrPassphrase // it is empty
	}
	r, err := age.Decrypt(src, s)
	if err != nil {
		if errors.Is(err, age.ErrIncorrectIdentity) {
			return nil, ErrPassphrase
		}
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	data, err = io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return data, nil
}
