package cli

import (
	"context"
	"encoding/pem"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/chartpost/chartpost/pkg/seal"
)

type keyExportOptions struct {
	identityOptions
	outputOptions
	ssh bool
	pub bool
}

func newKeyExportCommand(c *CLI) *cobra.Command {
	o := new(keyExportOptions)
	cmd := &cobra.Command{
		Use:   "export --ssh",
		Short: "Write my signing key for stock tools",
		Long: `Write your signing key as a key file of OpenSSH, for ssh-keygen -Y sign. It has no passphrase.

With --public it is only the public half, one line for allowed_signers. The keys to open packages
with need no export: identity.txt and identity-compat.txt are files of age.`,
		Example: `  chartpost key export --ssh -o maple-sign
  ssh-keygen -Y sign -f maple-sign -n chartpost-package-v1 SHA256SUMS`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runKeyExport(cmd.Context(), o) },
	}
	o.identityOptions.addTo(cmd)
	o.outputOptions.addTo(cmd, "the key")
	cmd.Flags().BoolVar(&o.ssh, "ssh", false, "as a key file of OpenSSH")
	cmd.Flags().BoolVar(&o.pub, "public", false, "only the public half, as ssh-ed25519 AAAA...")
	return cmd
}

func (c *CLI) runKeyExport(ctx context.Context, o *keyExportOptions) error {
	if !o.ssh {
		return usagef("key export needs --ssh, the one form there is")
	}
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	if o.pub {
		return o.write(c, seal.FormatKey(h.id.PublicKey())+" "+h.id.Name+"\n", 0o644)
	}
	block, err := ssh.MarshalPrivateKey(h.id.Sign, h.id.Name)
	if err != nil {
		return err
	}
	if err := o.write(c, string(pem.EncodeToMemory(block)), 0o600); err != nil {
		return err
	}
	fmt.Fprintln(c.Err, "Whoever has this file can sign as you. Delete it when you are done.")
	return nil
}
