package cli

import (
	"errors"
	"os"
	"path/filepath"
)

// Keyring is the system's store for secrets. It holds nothing but the passphrase of an identity, under the folder of that identity.
type Keyring interface {
	Get(account string) (string, error)
	Set(account, secret string) error
	Delete(account string) error
}

// errNoKeyring says that there is no keyring here, or that it does not answer.
var errNoKeyring = errors.New("this system has no keyring that Chartpost can use")

// keyringMark is an empty file beside the identity: its passphrase lies in the keyring. Without it the keyring is not asked, because
// some show a window when they are.
const keyringMark = "keyring"

func (c *CLI) keyring() Keyring {
	if c.Keyring != nil {
		return c.Keyring
	}
	return systemKeyring()
}

// fromKeyring is the passphrase of the identity in a folder, if it was put into the keyring.
func (c *CLI) fromKeyring(dir string) (string, bool) {
	if _, err := os.Lstat(filepath.Join(dir, keyringMark)); err != nil {
		return "", false
	}
	text, err := c.keyring().Get(keyringAccount(dir))
	return text, err == nil && text != ""
}

func keyringAccount(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
