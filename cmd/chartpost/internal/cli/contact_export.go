package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/seal"
)

type contactExportOptions struct {
	identityOptions
	outputOptions
	signers bool
}

func newContactExportCommand(c *CLI) *cobra.Command {
	o := new(contactExportOptions)
	cmd := &cobra.Command{
		Use:   "export --allowed-signers",
		Short: "Write my verified contacts for ssh-keygen -Y verify",
		Long: `Write your verified contacts as a file of allowed signers of OpenSSH: with it ssh-keygen checks the
signature of a package without Chartpost. Contacts who are not verified, expired or revoked are not
in it, and each key is good for packages and receipts only.`,
		Example: `  chartpost contact export --allowed-signers -o allowed_signers
  ssh-keygen -Y verify -f allowed_signers -I maple-street-clinic -n chartpost-package-v1 -s SHA256SUMS.sig < SHA256SUMS`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runContactExport(cmd.Context(), o) },
	}
	o.identityOptions.addTo(cmd)
	o.outputOptions.addTo(cmd, "the list")
	cmd.Flags().BoolVar(&o.signers, "allowed-signers", false, "as allowed signers of OpenSSH")
	return cmd
}

func (c *CLI) runContactExport(ctx context.Context, o *contactExportOptions) error {
	if !o.signers {
		return usagef("contact export needs --allowed-signers, the one form there is")
	}
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	b, err := h.book()
	if err != nil {
		return err
	}
	var lines strings.Builder
	var left []string
	for _, k := range b.Contacts {
		if k.StateAt(c.now()) != contacts.Verified {
			left = append(left, fmt.Sprintf("%s (%s)", k.Name, k.StateAt(c.now())))
			continue
		}
		lines.WriteString(allowedSigner(k))
	}
	if err := o.write(c, lines.String(), 0o644); err != nil {
		return err
	}
	if len(left) > 0 {
		fmt.Fprintf(c.Err, "Left out: %s\n", strings.Join(left, ", "))
	}
	return nil
}

// allowedSigner is a contact's line of a file of allowed signers (ssh-keygen(1), ALLOWED SIGNERS). Its name is one word. The times there
// are local ones, so the day after the last is given, and ends the same instant or up to half a day off.
func allowedSigner(k *contacts.Contact) string {
	options := fmt.Sprintf(`namespaces="%s,%s"`, seal.NamespacePackage, seal.NamespaceReceipt)
	if e := k.Card().Expires; !e.IsZero() {
		options += fmt.Sprintf(`,valid-before="%s"`, e.AddDate(0, 0, 1).Format("20060102"))
	}
	return fmt.Sprintf("%s %s %s\n", contacts.Slug(k.Name), options, k.Card().Sign)
}
