package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/seal"
)

type cardRenewOptions struct {
	identityOptions
	particulars
}

func newCardRenewCommand(c *CLI) *cobra.Command {
	o := new(cardRenewOptions)
	cmd := &cobra.Command{
		Use:   "renew",
		Short: "Make my next card: for two more years, with another address, with a recovery key",
		Long: `Make your next card, with the same keys. What no flag changes stays as it is, but for the last day:
that is two years from today unless --expires says otherwise.

The words stay the same, so your contacts add the new card and need not call you again. New keys
are made by chartpost key rotate.`,
		Example: `  chartpost card renew --address "3 Elm Street" --city Springfield
  chartpost card -o maple.contact`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runCardRenew(cmd.Context(), o, cmd.Flags().Changed)
		},
	}
	o.identityOptions.addTo(cmd)
	o.particulars.addTo(cmd)
	return cmd
}

func (c *CLI) runCardRenew(ctx context.Context, o *cardRenewOptions, given func(string) bool) error {
	h, was, l, err := c.unlockCard(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	defer l.Unlock()
	changed := *was
	if err := o.fill(&changed, c.now(), given); err != nil {
		return err
	}
	card, err := was.Next(h.id, changed, nil, c.now())
	if err != nil {
		return usagef("%v", err)
	}
	j, err := h.journal()
	if err != nil {
		return err
	}
	body := h.body(nil)
	body.Note = fmt.Sprintf("my card number %d: %s", card.Sequence, card.Digest())
	line, err := j.Line(c.now(), journal.CardChanged, "", body)
	if err != nil {
		return err
	}
	if err := h.replaceFiles(seal.File{Name: cardFile, Data: []byte(card.Text())}, seal.File{Name: logLine, Data: line}); err != nil {
		return err
	}
	until := "without an end"
	if !card.Expires.IsZero() {
		until = "until " + card.Expires.Format(time.DateOnly)
	}
	fmt.Fprintf(c.Err, "You have card number %d now, good %s\n", card.Sequence, until)
	fmt.Fprintf(c.Err, "  give it to all contacts: chartpost card -o %s.contact\n", contacts.Slug(card.Name))
	return nil
}
