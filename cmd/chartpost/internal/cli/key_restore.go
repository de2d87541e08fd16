package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/seal"
)

type keyRestoreOptions struct {
	identityOptions
	sheetOptions
	particulars
	hardKeys
	oldCard      string
	noPassphrase bool
}

func newKeyRestoreCommand(c *CLI) *cobra.Command {
	o := new(keyRestoreOptions)
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Make the keys again from a printed sheet",
		Long: `Make the keys again from a printed sheet: type its words, or scan its code.

In an empty folder this makes a whole identity: the keys, a card that takes the place of the one that
your contacts have, and a new log. --card FILE is your card as you once gave it away; without it, say
--name and the rest again. Your contacts have to be added and verified anew.

In a folder where only the two files with the keys are missing, or were moved aside because their
passphrase was forgotten, it puts these back and leaves the rest as it is.`,
		Example: `  chartpost key restore --card maple.contact`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runKeyRestore(cmd.Context(), o, cmd.Flags().Changed)
		},
	}
	o.sheetOptions.addTo(cmd)
	o.particulars.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.oldCard, "card", "", "take name and address from `FILE`, my card as I gave it away")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "protect the keys with the passphrase in the first line of `FILE`")
	f.IntVar(&o.passphraseFD, "passphrase-fd", -1, "protect them with the one that is read from the open file number `N`")
	f.BoolVar(&o.noPassphrase, "no-passphrase", false, "do not ask for a passphrase; whoever can read your files can read the keys")
	o.hardKeys.addTo(cmd)
	return cmd
}

func (c *CLI) runKeyRestore(ctx context.Context, o *keyRestoreOptions, given func(string) bool) error {
	h, err := c.newHome(ctx)
	if err != nil {
		return err
	}
	defer h.held.Unlock()
	for _, name := range []string{seal.IdentityFile, seal.CompatFile} {
		if _, err := os.Lstat(filepath.Join(h.dir, name)); err == nil {
			return fail(exitUsage, fmt.Errorf("there are keys already: %s", filepath.Join(h.dir, name)),
				"move identity.txt and identity-compat.txt to a safe place first")
		}
	}
	rest := h.mustBeEmpty() != nil // card, contacts and log are still there
	card, before, err := o.oldParticulars(h, rest)
	if err != nil {
		return err
	}
	if err := o.fill(card, c.now(), given); err != nil {
		return err
	}
	if card.Name = strings.TrimSpace(card.Name); card.Name == "" {
		return usagef("key restore needs --name, the name of the practice, or --card")
	}
	typed, err := o.typed(ctx, c)
	if err != nil {
		return err
	}
	r, err := readBackup(card.Name, typed)
	if err != nil {
		return sheetError(err)
	}
	if h.id = r.Identity; r.NeedsSSH && o.sshKey == "" || r.NeedsPlugin && o.plugin == "" {
		return fail(exitUsage, errors.New("a part of the keys is not on the sheet"), "give it with --ssh-key FILE, or --plugin FILE")
	}
	if err := o.hardKeys.use(ctx, c, h.id); err != nil {
		return err
	}
	if before != nil && before.Sign != seal.FormatKey(h.id.PublicKey()) {
		return fail(exitRefused, errors.New("the card is not of the keys on this sheet"), "give the newest card that you gave away, or a newer sheet")
	}
	pass, err := c.newPassphrase(ctx, &o.identityOptions, o.noPassphrase)
	if err != nil {
		return err
	}
	if rest {
		err = h.putBack(pass)
	} else {
		if before == nil {
			// The number of the lost card is not known; this one is higher than any that was counted up.
			y, m, d := c.now().UTC().Date()
			card.Sequence = y*10_000 + int(m)*100 + d
		}
		err = h.create(ctx, *card, pass, true, before)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "The keys of %s are back, in %s\n", h.id.Name, h.dir)
	if !rest {
		fmt.Fprintf(c.Err, "  give your new card to all who had the old one: chartpost card -o %s.contact\n", contacts.Slug(h.id.Name))
		fmt.Fprintln(c.Err, "  its words are the same; your own contacts have to be added and verified again")
	}
	return nil
}

// oldParticulars is what is known of the identity that is restored, and its card if there is one.
func (o *keyRestoreOptions) oldParticulars(h *home, rest bool) (*contacts.Card, *contacts.Card, error) {
	path := o.oldCard
	if path == "" {
		if path = filepath.Join(h.dir, cardFile); !rest {
			return new(contacts.Card), nil, nil
		}
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && o.oldCard == "" {
		return new(contacts.Card), nil, nil
	}
	if err != nil {
		return nil, nil, fail(exitUnreadable, err)
	}
	before, err := contacts.ParseCard(text)
	if err != nil {
		return nil, nil, explain(err)
	}
	card := *before
	return &card, before, nil
}

// putBack writes the two files with the keys into a folder that holds all else, after looking that all else is theirs.
func (h *home) putBack(pass string) error {
	if _, err := h.card(); err != nil {
		return err
	}
	if _, err := h.book(); err != nil {
		return err
	}
	j, err := h.journal()
	if err != nil {
		return err
	}
	line, err := j.Line(h.c.now(), journal.Restored, "", h.body(nil))
	if err != nil {
		return err
	}
	files, err := h.id.Files(pass)
	if err != nil {
		return err
	}
	return h.replaceFiles(append(files, seal.File{Name: logLine, Data: line})...)
}
