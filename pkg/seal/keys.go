package seal

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha512"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/plugin"
)

// SeedSize is the size of what all keys of a generation are made from.
const SeedSize = 32

// Generation are the keys of an identity from one rotation to the next. All come from the seed, so that one short list of words
// restores them; none of them tells anything of the others. With a key of OpenSSH or of a plugin, that one takes the place of those it
// is for.
type Generation struct {
	Since  time.Time // the day they were made
	Sign   ed25519.PrivateKey
	Hybrid *age.HybridIdentity // the log is encrypted for it too

	seed      []byte
	compat    *age.X25519Identity
	ssh       bool   // Sign is a key of OpenSSH, which opens what is sealed with --compat too
	plugin    string // AGE-PLUGIN-NAME-1..., which opens packages in place of the others
	recipient string // that of the plugin
}

// What is mixed into the seed for each key (docs/format.md).
const (
	deriveSign   = "chartpost-key-v1 sign"
	deriveHybrid = "chartpost-key-v1 age-hybrid"
	deriveCompat = "chartpost-key-v1 age-x25519"
)

// newGeneration makes the keys that belong to a seed.
func newGeneration(seed []byte, since time.Time) (*Generation, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("a seed has %d bytes, not %d", SeedSize, len(seed))
	}
	derive := func(what string) ([]byte, error) { return hkdf.Key(sha512.New, seed, nil, what, SeedSize) }
	sign, err := derive(deriveSign)
	if err != nil {
		return nil, err
	}
	hybrid, err := derive(deriveHybrid)
	if err != nil {
		return nil, err
	}
	compat, err := derive(deriveCompat)
	if err != nil {
		return nil, err
	}
	g := &Generation{Since: since, Sign: ed25519.NewKeyFromSeed(sign), seed: seed}
	if g.Hybrid, err = age.ParseHybridIdentity(bech32("AGE-SECRET-KEY-PQ-", hybrid)); err != nil {
		return nil, err
	}
	if g.compat, err = age.ParseX25519Identity(bech32("AGE-SECRET-KEY-", compat)); err != nil {
		return nil, err
	}
	return g, nil
}

// PublicKey is the key that others check signatures of this generation with.
func (g *Generation) PublicKey() ed25519.PublicKey { return g.Sign.Public().(ed25519.PublicKey) }

// Recipient is what others seal for.
func (g *Generation) Recipient() string {
	if g.plugin != "" {
		return g.recipient
	}
	return g.Hybrid.Recipient().String()
}

// CompatRecipient is what others seal for with --compat.
func (g *Generation) CompatRecipient() string {
	switch {
	case g.plugin != "":
		return g.recipient
	case g.ssh:
		return FormatKey(g.PublicKey())
	}
	return g.compat.Recipient().String()
}

// keys are those that can open a package with this header.
func (g *Generation) keys(h *Header, ui *plugin.ClientUI) ([]Key, error) {
	keys := []Key{{g.Hybrid, g.Hybrid.Recipient().String()}}
	if h.Classic() {
		keys = append(keys, Key{g.compat, g.compat.Recipient().String()})
	}
	if g.ssh && h.has(keyType) {
		k, err := agessh.NewEd25519Identity(g.Sign)
		if err != nil {
			return nil, err
		}
		keys = append(keys, Key{k, g.CompatRecipient()})
	}
	if g.plugin != "" && !h.Passphrase() {
		k, err := plugin.NewIdentity(g.plugin, ui)
		if err != nil {
			return nil, err
		}
		keys = append(keys, Key{k, g.recipient})
	}
	return keys, nil
}

// UseSSH makes a key of OpenSSH the one to sign with, and to open what is sealed with --compat.
func (g *Generation) UseSSH(key ed25519.PrivateKey) { g.Sign, g.ssh = key, true }

// UsesSSH reports whether the signing key is one of OpenSSH, and UsesPlugin whether packages are opened by a plugin: those keys are not
// in the seed.
func (g *Generation) UsesSSH() bool    { return g.ssh }
func (g *Generation) UsesPlugin() bool { return g.plugin != "" }

// UsePlugin makes the key of a plugin the one that opens packages. text is an identity file as the plugin wrote it: one line
// AGE-PLUGIN-NAME-1..., and its recipient age1NAME1..., most often in a comment. recipient is needed where the file does not tell it.
func (g *Generation) UsePlugin(text, recipient string) error {
	var found []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' {
			found = append(found, line)
			continue
		}
		for _, word := range strings.Fields(line) {
			if recipient == "" && KindOf(word) == Plugin {
				recipient = word
			}
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("the file holds %d keys, not one", len(found))
	}
	name, _, err := plugin.ParseIdentity(found[0])
	if err != nil {
		return fmt.Errorf("the file does not hold the key of a plugin")
	}
	if recipient == "" {
		return fmt.Errorf("the file does not tell the recipient of the key of age-plugin-%s", name)
	}
	if KindOf(recipient) != Plugin {
		return ErrRecipient
	}
	g.plugin, g.recipient = found[0], recipient
	return nil
}
