package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
)

type cardOptions struct {
	identityOptions
	outputOptions
	qr   bool
	page bool
}

func newCardCommand(c *CLI) *cobra.Command {
	o := new(cardOptions)
	cmd := &cobra.Command{
		Use:   "card",
		Short: "Print the card that I give to others, and its eight words",
		Long: `Print the card that others need to send to you and to know your signature.

A card is no secret. Send it by mail or hand it over. When they call you to check it,
read them the eight words that this command shows.

--qr shows its QR code as well, and --page writes a page to print with that code. Whoever gets the
page from your own hands can check the card by it: chartpost contact verify NAME --code FILE.`,
		Example: `  chartpost card -o maple.contact
  chartpost card --page -o card.html`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runCard(cmd.Context(), o) },
	}
	o.identityOptions.addTo(cmd)
	o.outputOptions.addTo(cmd, "the card")
	cmd.Flags().BoolVar(&o.qr, "qr", false, "show the QR code of the card")
	cmd.Flags().BoolVar(&o.page, "page", false, "write a page to print instead of the card")
	cmd.AddCommand(newCardRenewCommand(c))
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
	out := card.Text()
	if o.page {
		if out, err = cardPage(card); err != nil {
			return err
		}
	}
	if err := o.write(c, out, 0o644); err != nil {
		return err
	}
	if o.qr {
		code, err := qrCode(card.Code())
		if err != nil {
			return err
		}
		fmt.Fprint(c.Err, qrTerminal(code))
	}
	if o.page {
		return nil // it is given away; the words go another way
	}
	fmt.Fprintf(c.Err, "The words of this card: %s\n", strings.Join(card.Words(), " "))
	fmt.Fprintln(c.Err, "  read them to whoever calls you to check the card; never send them together with it")
	c.remind(card)
	return nil
}

// soon is how long before its last day a card should be renewed.
const soon = 60 * 24 * time.Hour

// remind says when my own card is about to expire.
func (c *CLI) remind(card *contacts.Card) {
	switch {
	case card.Expired(c.now()):
		fmt.Fprintf(c.Err, "Your card expired on %s: nobody can send to you or open what you send. Renew it: chartpost card renew\n", card.Expires.Format(time.DateOnly))
	case card.Expired(c.now().Add(soon)):
		fmt.Fprintf(c.Err, "Your card expires on %s. Renew it, and give it to your contacts: chartpost card renew\n", card.Expires.Format(time.DateOnly))
	}
}

// cardPage is the card to print and hand over: who it is, and a code that tells its keys from any others. The words are not on it,
// because they must not travel with the card.
func cardPage(card *contacts.Card) (string, error) {
	code, err := qrCode(card.Code())
	if err != nil {
		return "", err
	}
	s := newSheet(card.Name)
	s.printf("<div class=\"two\"><div>%s</div><div>", qrSVG(code))
	rows := [][2]string{{"Ask for", card.Person}, {"Address", card.Address}, {"City", card.City}, {"Telephone", card.Phone},
		{"Card number", fmt.Sprint(card.Sequence)}, {"Made", card.Created.Format(time.DateOnly)}}
	if !card.Expires.IsZero() {
		rows = append(rows, [2]string{"Good until", card.Expires.Format(time.DateOnly)})
	}
	s.rows(rows)
	s.printf("</div></div>\n")
	s.paragraph("We receive and send health records with Chartpost. Ask us for our card, the file " + contacts.Slug(card.Name) + ".contact, and add it: chartpost contact add FILE.")
	s.paragraph("If you have this page from our own hands, the code on it tells that the card is ours: scan it into a file, and run " +
		fmt.Sprintf("chartpost contact verify %q --code FILE. Otherwise call us at a number that you already had, and let us read you eight words.", card.Name))
	s.printf(`<p class="small">The code says: <code>%s</code></p>`, text(card.Code()))
	return s.end(), nil
}
