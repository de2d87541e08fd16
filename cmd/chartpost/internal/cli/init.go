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

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/seal"
)

type initOptions struct {
	identityOptions
	particulars
	noPassphrase bool
	keyring      bool
	hardKeys
}

func newInitCommand(c *CLI) *cobra.Command {
	o := new(initOptions)
	cmd := &cobra.Command{
		Use:   "init --name NAME",
		Short: "Make the keys and the card of this practice",
		Long: `Make the keys and the card of this practice.

The keys stand in two files, identity.txt and identity-compat.txt, in the folder
CHARTPOST_HOME, or in the folder of your system for settings. Print a sheet with
chartpost key backup: without the keys, packages that were sealed for you stay closed.

Beside them stands revocation.contact. It tells your contacts that your keys are not to be
trusted any more; keep a copy where you find it when the computer is gone.

An identity that is there is never replaced.`,
		Example: `  chartpost init --name "Maple Street Clinic" --address "12 Maple Street" --city Springfield`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runInit(cmd.Context(), o) },
	}
	o.particulars.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "protect the keys with the passphrase in the first line of `FILE`")
	f.IntVar(&o.passphraseFD, "passphrase-fd", -1, "protect them with the one that is read from the open file number `N`")
	f.BoolVar(&o.noPassphrase, "no-passphrase", false, "do not ask for a passphrase; whoever can read your files can read the keys")
	f.BoolVar(&o.keyring, "keyring", false, "keep the passphrase in the keyring of the system")
	o.hardKeys.addTo(cmd)
	return cmd
}

func (c *CLI) runInit(ctx context.Context, o *initOptions) (err error) {
	if o.card.Name == "" && c.Ask != nil {
		if o.card.Name, err = c.Ask(ctx, "Name of the practice:", false); err != nil {
			return err
		}
	}
	if o.card.Name = strings.TrimSpace(o.card.Name); o.card.Name == "" {
		return usagef("init needs --name, the name of the practice")
	}
	var card contacts.Card
	if err := o.fill(&card, c.now(), func(string) bool { return true }); err != nil {
		return err
	}
	id, err := seal.Generate(card.Name)
	if err != nil {
		return err
	}
	id.Since = c.now()
	if err := o.hardKeys.use(ctx, c, id); err != nil {
		return err
	}
	h, err := c.newHome(ctx)
	if err != nil {
		return err
	}
	defer h.held.Unlock()
	if err := h.mustBeEmpty(); err != nil {
		return err
	}
	pass, err := c.newPassphrase(ctx, &o.identityOptions, o.noPassphrase)
	if err != nil {
		return err
	}
	if o.keyring && pass == "" {
		return usagef("--keyring keeps a passphrase, and there is none")
	}
	h.id = id
	if err := h.create(ctx, card, pass, false, nil); err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "%s has an identity now, in %s\n", id.Name, h.dir)
	if o.keyring {
		if err := h.keep(pass); err != nil {
			fmt.Fprintf(c.Err, "  %v; you will be asked for the passphrase\n", err)
		}
	}
	if pass == "" {
		fmt.Fprintln(c.Err, "  it has no passphrase: whoever can read your files can open what is sealed for you")
	}
	fmt.Fprintln(c.Err, "  print a sheet that restores the keys, and keep it in a safe: chartpost key backup -o sheet.html")
	fmt.Fprintln(c.Err, "  keep a copy of revocation.contact elsewhere: it tells your contacts when the keys were stolen")
	fmt.Fprintf(c.Err, "  give your card to others: chartpost card -o %s.contact\n", contacts.Slug(id.Name))
	return nil
}

// newHome takes the folder of an identity that is about to be made, and its lock; the caller gives it back.
func (c *CLI) newHome(ctx context.Context) (*home, error) {
	dir, err := c.homeDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fail(exitUnreadable, err)
	}
	if err := seal.CheckPrivateDir(dir); err != nil {
		return nil, explain(err)
	}
	h := &home{c: c, dir: dir}
	if h.held, err = h.lock(ctx); err != nil {
		return nil, err
	}
	if err := h.finish(); err != nil {
		h.held.Unlock()
		return nil, fail(exitUnreadable, err)
	}
	return h, nil
}

// mustBeEmpty refuses a folder that holds anything of an identity: it was once used, or is somebody's log. Nothing of it is replaced,
// --force or not.
func (h *home) mustBeEmpty() error {
	for _, name := range []string{seal.IdentityFile, seal.CompatFile, cardFile, contacts.BookFile, journal.File, journal.HeadFile} {
		path := filepath.Join(h.dir, name)
		if _, err := os.Lstat(path); err == nil {
			return fail(exitUsage, fmt.Errorf("there is an identity already: %s", path),
				"it is never replaced, because packages sealed for it could not be opened any more",
				"for a second identity, set CHARTPOST_HOME to another folder",
				"to begin anew, move all files of this folder to a safe place first")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fail(exitUnreadable, err)
		}
	}
	return nil
}

// create writes all files of an identity, or none: its keys, card, revocation, an empty contact book, and a log that begins with a note.
// before is the card that the new one takes the place of, if there was one.
func (h *home) create(ctx context.Context, particulars contacts.Card, pass string, restored bool, before *contacts.Card) error {
	var card *contacts.Card
	var err error
	if before != nil {
		card, err = before.Next(h.id, particulars, nil, h.c.now())
	} else {
		card, err = contacts.NewCard(h.id, particulars, h.c.now())
	}
	if err != nil {
		return usagef("%v", err)
	}
	revocation, err := card.Revocation(h.id)
	if err != nil {
		return err
	}
	book := new(contacts.Book)
	data, err := book.Encode(h.id.Sign)
	if err != nil {
		return err
	}
	files, err := h.id.Files(pass)
	if err != nil {
		return err
	}
	body := h.body(nil)
	body.Book = book.Digest()
	if restored {
		body.Note = "the keys were restored from a sheet"
	}
	return h.replace(func(b *safefile.Batch) error {
		begin := journal.Start
		if restored {
			begin = journal.StartRestored
		}
		if err := begin(b.Dir(), h.id, h.c.now(), body); err != nil {
			return err
		}
		for _, f := range append(files, seal.File{Name: cardFile, Data: []byte(card.Text())}, seal.File{Name: revocationFile, Data: []byte(revocation.Text())},
			seal.File{Name: contacts.BookFile, Data: data}) {
			if err := b.Write(f.Name, f.Data, 0o600); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// newPassphrase reads or asks for the passphrase of an identity that is written; empty means none.
func (c *CLI) newPassphrase(ctx context.Context, o *identityOptions, none bool) (string, error) {
	text, given, err := o.given()
	switch {
	case none && (given || err != nil):
		return "", usagef("--no-passphrase and --passphrase-file exclude each other")
	case given || err != nil:
		return text, err
	case none || c.Ask == nil:
		return "", nil
	}
	for {
		pass, err := c.Ask(ctx, "Passphrase for the keys (empty for none):", true)
		if err != nil || pass == "" {
			return "", err
		}
		again, err := c.Ask(ctx, "The same once more:", true)
		if err != nil {
			return "", err
		}
		if pass == again {
			return pass, nil
		}
		fmt.Fprintln(c.Err, "These were two different ones.")
	}
}
