package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/internal/safefile"
)

type cardOptions struct {
	identityOptions
	out   string
	force bool
}

func newCardCommand(c *CLI) *cobra.Command {
	o := new(cardOptions)
	cmd := &cobra.Command{
		Use:   "card",
		Short: "Print the card that I give to others, and its eight words",
		Long: `Print the card that others need to send to you and to know your signature.

A card is no secret. Send it by mail or hand it over. When they call you to check it,
read them the eight words that this command shows.`,
		Example: `  chartpost card -o maple.contact`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runCard(cmd.Context(), o) },
	}
	o.addTo(cmd)
	cmd.Flags().StringVarP(&o.out, "output", "o", "", "write the card to `FILE`")
	cmd.Flags().BoolVar(&o.force, "force", false, "replace FILE")
	return cmd
}

func (c *CLI) runCard(ctx context.Context, o *cardOptions) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	card, err := h.card()
	if err != nil {
		return err
	}
	if o.out == "" || o.out == "-" {
		if _, err := io.WriteString(c.Out, card.Text()); err != nil {
			return fail(exitUnreadable, err)
		}
	} else {
		if _, err := os.Lstat(o.out); err == nil && !o.force {
			return fail(exitUsage, fmt.Errorf("%s is there already", o.out), "choose another name, or replace it with --force")
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail(exitUnreadable, err)
		}
		if err := safefile.Write(o.out, []byte(card.Text()), 0o644); err != nil {
			return fail(exitUnreadable, err)
		}
	}
	words := card.Words()
	fmt.Fprintf(c.Err, "The words of this card: %s\n", strings.Join(words, " "))
	fmt.Fprintln(c.Err, "  read them to whoever calls you to check the card; never send them together with it")
	return nil
}
