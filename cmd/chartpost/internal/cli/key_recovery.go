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
	"github.com/chartpost/chartpost/pkg/seal"
)

// recoveryPublic is the public half of a recovery key, in the folder that is made for it.
const recoveryPublic = "recovery-public.txt"

type keyRecoveryOptions struct {
	identityOptions
	noPassphrase bool
}

func newKeyRecoveryCommand(c *CLI) *cobra.Command {
	o := new(keyRecoveryOptions)
	cmd := &cobra.Command{
		Use:   "recovery DIR",
		Short: "Make a recovery key for the office",
		Long: `Make a recovery key, into the new folder DIR: a second key that opens what is sealed for you, for the
day when yours is lost or its keeper has left. Put the folder on a medium that lies in a safe.

Then chartpost card renew --recovery DIR/recovery-public.txt puts it on your card. Whoever has that
card seals for both keys, and each package names the recovery key. It opens them with
chartpost open --recovery-key DIR, which uses the contacts and the log of whoever opens, or with age
alone: age -d -i DIR/identity.txt. It cannot sign.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.runKeyRecovery(cmd.Context(), o, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "protect the key with the passphrase in the first line of `FILE`")
	f.IntVar(&o.passphraseFD, "passphrase-fd", -1, "protect it with the one that is read from the open file number `N`")
	f.BoolVar(&o.noPassphrase, "no-passphrase", false, "do not ask for a passphrase")
	return cmd
}

func (c *CLI) runKeyRecovery(ctx context.Context, o *keyRecoveryOptions, dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return fail(exitUsage, fmt.Errorf("%s is there already", dir), "name a new folder")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail(exitUnreadable, err)
	}
	pass, err := c.newPassphrase(ctx, &o.identityOptions, o.noPassphrase)
	if err != nil {
		return err
	}
	id, err := seal.Generate("recovery key")
	if err != nil {
		return err
	}
	id.Since = c.now()
	files, err := id.ReadingFiles(pass)
	if err != nil {
		return err
	}
	files = append(files, seal.File{Name: recoveryPublic, Data: []byte("# recovery key of chartpost, the public half\n" + id.Recipient() + "\n" + id.CompatRecipient() + "\n")})
	// A folder of its own name at the end: whole or not there. What a killed run left of one is taken away.
	tmp := filepath.Clean(dir) + safefile.Partial
	for _, f := range files {
		os.Remove(filepath.Join(tmp, f.Name))
		os.Remove(filepath.Join(tmp, f.Name+safefile.Partial))
	}
	os.Remove(tmp)
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return fail(exitUnreadable, err)
	}
	defer os.RemoveAll(tmp)
	for _, f := range files {
		if err := safefile.Write(filepath.Join(tmp, f.Name), f.Data, 0o600); err != nil {
			return fail(exitUnreadable, err)
		}
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fail(exitUnreadable, err)
	}
	fmt.Fprintf(c.Err, "The recovery key stands in %s: move it to a medium that lies in a safe.\n", dir)
	fmt.Fprintf(c.Err, "  put it on your card: chartpost card renew --recovery %s\n", filepath.Join(dir, recoveryPublic))
	return nil
}
