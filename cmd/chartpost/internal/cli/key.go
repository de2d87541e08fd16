package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/internal/safefile"
)

func newKeyCommand(c *CLI) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Keep my keys: backup, restore, rotate, passphrase, export",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	for _, add := range []func(*CLI) *cobra.Command{newKeyBackupCommand, newKeyTestBackupCommand, newKeyRestoreCommand, newKeyRotateCommand,
		newKeyPassphraseCommand, newKeyExportCommand, newKeyRevokeCommand, newKeyRecoveryCommand} {
		cmd.AddCommand(add(c))
	}
	return cmd
}

// outputOptions are the flags of what is written to a file, or to standard output.
type outputOptions struct {
	out   string
	force bool
}

func (o *outputOptions) addTo(cmd *cobra.Command, what string) {
	cmd.Flags().StringVarP(&o.out, "output", "o", "", "write "+what+" to `FILE`")
	cmd.Flags().BoolVar(&o.force, "force", false, "replace FILE")
}

// write writes it whole or not at all.
func (o *outputOptions) write(c *CLI, text string, perm fs.FileMode) error {
	if o.out == "" || o.out == "-" {
		if _, err := io.WriteString(c.Out, text); err != nil {
			return fail(exitUnreadable, err)
		}
		return nil
	}
	if _, err := os.Lstat(o.out); err == nil && !o.force {
		return fail(exitUsage, fmt.Errorf("%s is there already", o.out), "choose another name, or replace it with --force")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(exitUnreadable, err)
	}
	if err := safefile.Write(o.out, []byte(text), perm); err != nil {
		return fail(exitUnreadable, err)
	}
	return nil
}
