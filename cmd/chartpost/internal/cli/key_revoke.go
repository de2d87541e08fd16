package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
)

type keyRevokeOptions struct {
	outputOptions
	former int
}

func newKeyRevokeCommand(c *CLI) *cobra.Command {
	o := new(keyRevokeOptions)
	cmd := &cobra.Command{
		Use:   "revoke",
		Short: "Write the card that tells others not to trust my keys any more",
		Long: `Write the card that tells others not to trust your keys any more, because they were stolen or lost.

It was made with the keys, so it needs no passphrase. Give it to all contacts; they add it like any
other card. It cannot be taken back: afterwards make a new identity with chartpost init in another
folder, and give out its card. Nothing changes here before that.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runKeyRevoke(o) },
	}
	o.addTo(cmd, "the card")
	cmd.Flags().IntVar(&o.former, "former", 0, "revoke the keys from before the rotation number `N` instead of those of now")
	return cmd
}

func (c *CLI) runKeyRevoke(o *keyRevokeOptions) error {
	dir, err := c.homeDir()
	if err != nil {
		return err
	}
	name := revocationFile
	if o.former > 0 {
		name = formerRevocation(o.former)
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return fail(exitIdentity, fmt.Errorf("there is no %s in %s", name, dir), "it is made with the keys; look for the copy that you keep elsewhere")
	}
	if err != nil {
		return fail(exitUnreadable, err)
	}
	card, err := contacts.ParseCard(text)
	if err != nil {
		return explain(err)
	}
	if err := o.write(c, card.Text(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "Who adds this card will not trust the keys of %s any more. That cannot be taken back.\n", card.Name)
	return nil
}
