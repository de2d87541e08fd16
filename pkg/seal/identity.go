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
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"filippo.io/age/plugin"
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
	sinceLine    = "# chartpost-key: "
	seedLine     = "# chartpost-seed: "
	signLine     = "# chartpost-sign-key: "
	sshLine      = "# chartpost-ssh"
	pluginLine   = "# chartpost-plugin: "
)

// Identity is the secret half of a card: a key to sign with, a post-quantum hybrid key to open packages with, and a classic one for
// packages that were sealed with --compat. What came before a rotation is kept for reading.
type Identity struct {
	Name string
	*Generation
	Former []*Generation    // newest first
	UI     *plugin.ClientUI // what a plugin may ask; nil if there is nobody to ask

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
	seed := make([]byte, SeedSize)
	rand.Read(seed)
	g, err := newGeneration(seed, time.Now())
	if err != nil {
		return nil, err
	}
	return &Identity{Name: name, Generation: g}, nil
}

// Rotate makes the identity that follows: new keys, and the old ones for reading.
func (id *Identity) Rotate() (*Identity, error) {
	next, err := Generate(id.Name)
	if err != nil {
		return nil, err
	}
	next.Former = append([]*Generation{id.Generation}, id.Former...)
	next.UI, next.secret = id.UI, id.secret
	return next, nil
}

// Compat is the classic key.
func (id *Identity) Compat() (*age.X25519Identity, error) { return id.compat, nil }

// Generations are all keys, the newest first.
func (id *Identity) Generations() []*Generation {
	return append([]*Generation{id.Generation}, id.Former...)
}

// SignKeys are the keys that others check my signatures with, now and before, the oldest first.
func (id *Identity) SignKeys() []ed25519.PublicKey {
	var keys []ed25519.PublicKey
	for _, g := range slices.Backward(id.Generations()) {
		keys = append(keys, g.PublicKey())
	}
	return keys
}

// Readers open what was encrypted to me myself, before a rotation or after it.
func (id *Identity) Readers() []age.Identity {
	var list []age.Identity
	for _, g := range id.Generations() {
		list = append(list, g.Hybrid)
	}
	return list
}

// File is an identity file as it is written.
type File struct {
	Name string
	Data []byte
}

// Files are the two identity files, encrypted if there is a passphrase; identity.txt, which makes the identity, is the last.
func (id *Identity) Files(passphrase string) ([]File, error) {
	var main, compat strings.Builder
	fmt.Fprintf(&main, "%s%s\n", identityHead, id.Name)
	for _, g := range id.Generations() {
		if err := g.write(&main); err != nil {
			return nil, err
		}
	}
	if id.ssh {
		// age takes the key file of OpenSSH as an identity file, and nothing beside it.
		block, err := ssh.MarshalPrivateKey(id.Sign, id.Name)
		if err != nil {
			return nil, err
		}
		compat.Write(pem.EncodeToMemory(block))
	} else {
		fmt.Fprintf(&compat, "%s%s, for packages that age before 1.3 can read\n", identityHead, id.Name)
		for _, g := range id.Generations() {
			switch {
			case g.plugin != "":
				fmt.Fprintf(&compat, "# public key: %s\n%s\n", g.recipient, g.plugin)
			case !g.ssh:
				fmt.Fprintf(&compat, "# public key: %s\n%s\n", g.compat.Recipient(), g.compat)
			}
		}
	}
	files := []File{{CompatFile, []byte(compat.String())}, {IdentityFile, []byte(main.String())}}
	return files, protect(files, passphrase)
}

// ReadingFiles are two files that open packages with stock age, and cannot sign: those of a recovery key.
func (id *Identity) ReadingFiles(passphrase string) ([]File, error) {
	files := []File{
		{CompatFile, fmt.Appendf(nil, "# %s, for packages that age before 1.3 can read\n# public key: %s\n%s\n", id.Name, id.compat.Recipient(), id.compat)},
		{IdentityFile, fmt.Appendf(nil, "# %s\n# public key: %s\n%s\n", id.Name, id.Hybrid.Recipient(), id.Hybrid)},
	}
	return files, protect(files, passphrase)
}

// protect encrypts files if there is a passphrase.
func protect(files []File, passphrase string) (err error) {
	if passphrase == "" {
		return nil
	}
	for i := range files {
		if files[i].Data, err = lock(files[i].Data, passphrase); err != nil {
			return err
		}
	}
	return nil
}

// write writes the lines of a generation.
func (g *Generation) write(b *strings.Builder) error {
	sign, err := ssh.MarshalPrivateKey(g.Sign, "chartpost")
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%s%s\n", sinceLine, g.Since.UTC().Format(time.DateOnly))
	fmt.Fprintf(b, "%s%s\n", seedLine, base64.StdEncoding.EncodeToString(g.seed))
	fmt.Fprintf(b, "%s%s\n", signLine, base64.StdEncoding.EncodeToString(sign.Bytes))
	if g.ssh {
		fmt.Fprintln(b, sshLine)
	}
	if g.plugin != "" {
		fmt.Fprintf(b, "%s%s\n%s\n", pluginLine, g.recipient, g.plugin)
	}
	fmt.Fprintf(b, "# public key: %s\n%s\n", g.Hybrid.Recipient(), g.Hybrid)
	return nil
}

// Save writes the two files into a folder, encrypted if there is a passphrase. It never replaces a file: with the old keys everything
// that was sealed for them would be lost. identity.txt is written last, and makes the identity.
func (id *Identity) Save(dir, passphrase string) error {
	files, err := id.Files(passphrase)
	if err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%w: %s", ErrExists, path)
		}
		if err := safefile.Write(path, f.Data, 0o600); err != nil {
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
	if err := id.parse(string(text)); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, IdentityFile), err)
	}
	return id, nil
}

// Passphrase is the one that Load was given; empty if the identity has none.
func (id *Identity) Passphrase() string {
	if id.secret == nil {
		return ""
	}
	return id.secret.text
}

// parse reads the text of identity.txt: its first line, and for each generation the lines that write writes. Comments that it does not
// know are passed over; secret keys are not, because they would be lost with the next rotation.
func (id *Identity) parse(text string) error {
	var ok bool
	first, rest, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if id.Name, ok = strings.CutPrefix(first, identityHead); !ok {
		return fmt.Errorf("the first line does not begin with %q", strings.TrimSpace(identityHead))
	}
	var blocks []*block
	for line := range strings.Lines(rest) {
		line = strings.TrimSuffix(line, "\n")
		if since, ok := strings.CutPrefix(line, sinceLine); ok {
			blocks = append(blocks, &block{since: since})
			continue
		}
		if line == "" || len(blocks) == 0 && line[0] == '#' {
			continue
		}
		if len(blocks) == 0 {
			return errors.New("a key stands before the line that says since when it is used")
		}
		if err := blocks[len(blocks)-1].take(line); err != nil {
			return err
		}
	}
	if len(blocks) == 0 {
		return errors.New("it holds no keys")
	}
	for i, b := range blocks {
		g, err := b.generation()
		if err != nil {
			return err
		}
		if i == 0 {
			id.Generation = g
		} else {
			id.Former = append(id.Former, g)
		}
	}
	return nil
}

// block is what stands of one generation in identity.txt.
type block struct {
	since, seed, sign, hybrid, plugin, recipient string
	ssh                                          bool
}

func (b *block) take(line string) error {
	set := func(p *string, v string) error {
		if *p != "" {
			return errors.New("a line stands there twice")
		}
		*p = v
		return nil
	}
	for _, f := range []struct {
		prefix string
		p      *string
	}{{seedLine, &b.seed}, {signLine, &b.sign}, {pluginLine, &b.recipient}} {
		if v, ok := strings.CutPrefix(line, f.prefix); ok {
			return set(f.p, v)
		}
	}
	switch {
	case line == sshLine:
		b.ssh = true
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		return set(&b.plugin, line)
	case line[0] != '#':
		return set(&b.hybrid, line)
	}
	return nil
}

func (b *block) generation() (*Generation, error) {
	since, err := time.Parse(time.DateOnly, b.since)
	if err != nil {
		return nil, errors.New("the day since when the keys are used is not one")
	}
	seed, err := base64.StdEncoding.DecodeString(b.seed)
	if err != nil {
		return nil, errors.New("the seed is damaged")
	}
	g, err := newGeneration(seed, since)
	if err != nil {
		return nil, err
	}
	sign, err := parseSignKey(b.sign)
	switch {
	case err != nil:
		return nil, err
	case b.ssh:
		g.UseSSH(sign)
	case !sign.Equal(g.Sign):
		return nil, errors.New("the signing key is not that of the seed")
	}
	if g.Hybrid.String() != b.hybrid {
		return nil, errors.New("the hybrid key is not that of the seed")
	}
	if b.plugin != "" {
		if err := g.UsePlugin(b.plugin, b.recipient); err != nil {
			return nil, err
		}
	}
	return g, nil
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
