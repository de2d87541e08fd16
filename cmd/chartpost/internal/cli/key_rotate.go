package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/seal"
)

type keyRotateOptions struct {
	identityOptions
	hardKeys
	expires string
}

func newKeyRotateCommand(c *CLI) *cobra.Command {
	o := new(keyRotateOptions)
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Make new keys; the old ones stay for reading",
		Long: `Make new keys. The old ones stay in identity.txt, for reading what was sealed for them.

Your new card is signed by the old key too, so that your contacts go on reading what you send; before
they send to you again, they call you for the new eight words. Give the card to all of them:
chartpost card -o FILE. And print a new sheet: chartpost key backup.

If the old keys may be in other hands, this is not enough: give your contacts the revocation of the
old ones (chartpost key revoke), and begin anew with chartpost init in another folder.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runKeyRotate(cmd.Context(), o) },
	}
	o.addTo(cmd)
	return cmd
}

func (o *keyRotateOptions) addTo(cmd *cobra.Command) {
	o.identityOptions.addTo(cmd)
	cmd.Flags().StringVar(&o.expires, "expires", "", "the last `DAY` of the new card, as 2028-11-22, or never; without it two years from today")
	o.hardKeys.addTo(cmd)
}

func (c *CLI) runKeyRotate(ctx context.Context, o *keyRotateOptions) error {
	h, was, l, err := c.unlockCard(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	defer l.Unlock()
	next, err := h.id.Rotate()
	if err != nil {
		return err
	}
	next.Since = c.now()
	if err := o.hardKeys.use(ctx, c, next); err != nil {
		return err
	}
	if next.PublicKey().Equal(h.id.PublicKey()) {
		return usagef("this SSH key is in use already: name a new one")
	}
	card := *was
	if err := (&particulars{expires: o.expires}).fill(&card, c.now(), func(string) bool { return false }); err != nil {
		return err
	}
	issued, err := was.Next(next, card, h.id.Sign, c.now())
	if err != nil {
		return usagef("%v", err)
	}
	if err := h.rotate(next, issued); err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "%s has new keys. The old ones stay for reading.\n", h.id.Name)
	fmt.Fprintf(c.Err, "  give your new card to all contacts: chartpost card -o %s.contact\n", contacts.Slug(h.id.Name))
	fmt.Fprintln(c.Err, "  they read what you send at once, and call you for its words before they send to you")
	fmt.Fprintln(c.Err, "  print a new sheet, and keep a copy of the new revocation.contact")
	return nil
}

// rotate puts new keys in the place of the old ones: identity, card, revocation, contact book and log change as one.
func (h *home) rotate(next *seal.Identity, card *contacts.Card) error {
	revocation, err := card.Revocation(next)
	if err != nil {
		return err
	}
	book, err := h.book()
	if err != nil {
		return err
	}
	data, err := book.Encode(next.Sign)
	if err != nil {
		return err
	}
	j, err := h.journal()
	if err != nil {
		return err
	}
	body := h.body(nil)
	body.Book = book.Digest()
	body.Note = "new signing key: " + card.Sign
	line, err := j.Line(h.c.now(), journal.Rotated, "", body)
	if err != nil {
		return err
	}
	files, err := next.Files(h.id.Passphrase())
	if err != nil {
		return err
	}
	// The old revocation is still good: what the old keys sign can be revoked after them.
	former, err := os.ReadFile(filepath.Join(h.dir, revocationFile))
	if err == nil {
		files = append(files, seal.File{Name: formerRevocation(len(next.Former)), Data: former})
	}
	files = append(files, seal.File{Name: cardFile, Data: []byte(card.Text())}, seal.File{Name: revocationFile, Data: []byte(revocation.Text())},
		seal.File{Name: contacts.BookFile, Data: data}, seal.File{Name: logLine, Data: line})
	if err := h.replaceFiles(files...); err != nil {
		return err
	}
	h.id = next
	return nil
}

// formerRevocation is the file that revokes the keys of before the nth rotation.
func formerRevocation(n int) string { return fmt.Sprintf("revocation-%d.contact", n) }
