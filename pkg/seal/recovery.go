package seal

import (
	"fmt"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// RecoveryKeys are the keys in a folder that ReadingFiles made: they open what was sealed for whoever has them on the card, and cannot sign. If
// the files have a passphrase, ask is called for it, once.
func RecoveryKeys(dir string, ask func() (string, error)) ([]Key, error) {
	id := &Identity{dir: dir, secret: &passphrase{ask: ask}}
	var keys []Key
	for _, name := range []string{IdentityFile, CompatFile} {
		text, err := id.read(name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			if k, err := age.ParseHybridIdentity(line); err == nil {
				keys = append(keys, Key{k, k.Recipient().String()})
			} else if k, err := age.ParseX25519Identity(line); err == nil {
				keys = append(keys, Key{k, k.Recipient().String()})
			} else {
				return nil, fmt.Errorf("%s holds something else than a key of age", filepath.Join(dir, name))
			}
		}
		if strings.HasPrefix(string(text), identityHead) {
			return nil, fmt.Errorf("%s is an identity, not a recovery key", filepath.Join(dir, name))
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: %s holds no key", ErrNoFile, dir)
	}
	return keys, nil
}
