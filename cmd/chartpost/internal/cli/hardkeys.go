package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/chartpost/chartpost/pkg/seal"
)

// hardKeys are the flags for keys that are not made here: one of OpenSSH, or one that a plugin of age keeps, as on a YubiKey.
type hardKeys struct {
	sshKey          string
	plugin          string
	pluginRecipient string
}

func (k *hardKeys) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&k.sshKey, "ssh-key", "", "for developers: sign with the Ed25519 key of OpenSSH in `FILE`, and open with it what is sealed with --compat")
	f.StringVar(&k.plugin, "plugin", "", "open packages with the key of a plugin of age, as of a YubiKey, whose identity is in `FILE`")
	f.StringVar(&k.pluginRecipient, "plugin-recipient", "", "the `RECIPIENT` of that key, if the file does not tell it")
}

// use puts the keys into a new identity.
func (k *hardKeys) use(ctx context.Context, c *CLI, id *seal.Identity) error {
	if k.sshKey != "" {
		key, err := c.readSSHKey(ctx, k.sshKey)
		if err != nil {
			return err
		}
		id.UseSSH(key)
	}
	if k.plugin == "" {
		return nil
	}
	text, err := os.ReadFile(k.plugin)
	if err != nil {
		return fail(exitUnreadable, err)
	}
	if err := id.UsePlugin(string(text), k.pluginRecipient); err != nil {
		return fail(exitUsage, fmt.Errorf("%s: %w", k.plugin, err), "give the file that the plugin wrote, and if need be --plugin-recipient age1...")
	}
	return nil
}

// readSSHKey reads a private key of OpenSSH, asking for its passphrase if it has one.
func (c *CLI) readSSHKey(ctx context.Context, path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(exitUnreadable, err)
	}
	key, err := ssh.ParseRawPrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if c.Ask == nil {
			return nil, fail(exitUsage, fmt.Errorf("%s is protected by a passphrase, and there is no terminal to ask for it on", path),
				"make a copy without one: ssh-keygen -p -f COPY")
		}
		pass, err := c.Ask(ctx, fmt.Sprintf("Passphrase of %s:", path), true)
		if err != nil {
			return nil, err
		}
		if key, err = ssh.ParseRawPrivateKeyWithPassphrase(text, []byte(pass)); err != nil {
			return nil, fail(exitIdentity, errors.New("the passphrase of the SSH key is wrong"))
		}
	} else if err != nil {
		return nil, fail(exitUnreadable, fmt.Errorf("%s is not a private key of OpenSSH", path))
	}
	if k, ok := key.(*ed25519.PrivateKey); ok {
		return *k, nil
	}
	return nil, fail(exitUsage, fmt.Errorf("%s is not an Ed25519 key", path), "make one: ssh-keygen -t ed25519")
}
