package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/internal/safefile"
)

type keyPassphraseOptions struct {
	identityOptions
	newFile string
	none    bool
	keyring bool
	forget  bool
}

func newKeyPassphraseCommand(c *CLI) *cobra.Command {
	o := new(keyPassphraseOptions)
	cmd := &cobra.Command{
		Use:   "passphrase",
		Short: "Give the keys a passphrase, change it, or take it away",
		Long: `Give the keys a passphrase, change it, or take it away with --none.

With --keyring the passphrase is kept in the keyring of the system (Secret Service, keychain,
Credential Manager), which gives it to your programs while you are logged in; --forget takes it out
again. The keys themselves never lie in the keyring.

--passphrase-file is for the passphrase of now, --new-passphrase-file for the one to come.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runKeyPassphrase(cmd.Context(), o) },
	}
	o.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.newFile, "new-passphrase-file", "", "protect the keys with the passphrase in the first line of `FILE`")
	f.BoolVar(&o.none, "none", false, "take the passphrase away; whoever can read your files can read the keys")
	f.BoolVar(&o.keyring, "keyring", false, "keep the passphrase in the keyring of the system")
	f.BoolVar(&o.forget, "forget", false, "take the passphrase out of the keyring")
	return cmd
}

func (c *CLI) runKeyPassphrase(ctx context.Context, o *keyPassphraseOptions) error {
	if o.none && (o.newFile != "" || o.keyring) || o.keyring && o.forget {
		return usagef("--none, --new-passphrase-file, --keyring and --forget do not go together so")
	}
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	pass := h.id.Passphrase()
	change := !o.forget && (!o.keyring || pass == "" || o.newFile != "")
	if change {
		if pass, err = o.next(ctx, c); err != nil {
			return err
		}
		l, err := h.lock(ctx)
		if err != nil {
			return err
		}
		defer l.Unlock()
		files, err := h.id.Files(pass)
		if err != nil {
			return err
		}
		if err := h.replaceFiles(files...); err != nil {
			return err
		}
	}
	if o.keyring {
		if pass == "" {
			return usagef("there is no passphrase to keep")
		}
		if err := h.keep(pass); err != nil {
			return fail(exitUnreadable, err)
		}
		fmt.Fprintln(c.Err, "The keyring keeps the passphrase now.")
		return nil
	}
	// A keyring with an old passphrase would be worse than none.
	if err := h.forget(); err != nil {
		return fail(exitUnreadable, err)
	}
	switch {
	case o.forget:
		fmt.Fprintln(c.Err, "The keyring does not keep the passphrase any more.")
	case pass == "":
		fmt.Fprintln(c.Err, "The keys have no passphrase any more: whoever can read your files can open what is sealed for you.")
	default:
		fmt.Fprintln(c.Err, "The keys have a new passphrase.")
		fmt.Fprintln(c.Err, "  copies of identity.txt from before still have the old one")
	}
	return nil
}

// next reads or asks for the passphrase to come.
func (o *keyPassphraseOptions) next(ctx context.Context, c *CLI) (string, error) {
	switch {
	case o.none:
		return "", nil
	case o.newFile == "" && c.Ask == nil:
		return "", fail(exitUsage, errors.New("there is no terminal to ask for the new passphrase on"), "give it with --new-passphrase-file FILE, or use --none")
	}
	return c.newPassphrase(ctx, &identityOptions{passphraseFile: o.newFile, passphraseFD: -1}, false)
}

// keep puts the passphrase into the keyring, and marks the folder.
func (h *home) keep(pass string) error {
	if err := h.c.keyring().Set(keyringAccount(h.dir), pass); err != nil {
		return err
	}
	return safefile.Write(filepath.Join(h.dir, keyringMark), nil, 0o600)
}

// forget takes the passphrase out of the keyring, if it is there.
func (h *home) forget() error {
	path := filepath.Join(h.dir, keyringMark)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := h.c.keyring().Delete(keyringAccount(h.dir)); err != nil {
		return err
	}
	return os.Remove(path)
}
