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
	card           contacts.Card
	passphraseFile string
	noPassphrase   bool
}

func newInitCommand(c *CLI) *cobra.Command {
	o := new(initOptions)
	cmd := &cobra.Command{
		Use:   "init --name NAME",
		Short: "Make the keys and the card of this practice",
		Long: `Make the keys and the card of this practice.

The keys stand in two files, identity.txt and identity-compat.txt, in the folder
CHARTPOST_HOME, or in the folder of your system for settings. Keep a copy of them
in a safe place: without them, packages that were sealed for you stay closed.

An identity that is there is never replaced.`,
		Example: `  chartpost init --name "Maple Street Clinic" --city Springfield`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runInit(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.card.Name, "name", "", "the `NAME` of the practice, as others know it")
	f.StringVar(&o.card.Address, "address", "", "street and number, for the logs of those who send to you")
	f.StringVar(&o.card.City, "city", "", "city")
	f.StringVar(&o.card.Phone, "phone", "", "telephone number")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "protect the keys with the passphrase in the first line of `FILE`")
	f.BoolVar(&o.noPassphrase, "no-passphrase", false, "do not ask for a passphrase; whoever can read your files can read the keys")
	return cmd
}

func (c *CLI) runInit(ctx context.Context, o *initOptions) (err error) {
	if o.card.Name == "" && c.Ask != nil {
		if o.card.Name, err = c.Ask(ctx, "Name of the practice:", false); err != nil {
			return err
		}
		o.card.Name = strings.TrimSpace(o.card.Name)
	}
	if o.card.Name == "" {
		return usagef("init needs --name, the name of the practice")
	}
	if o.noPassphrase && o.passphraseFile != "" {
		return usagef("--no-passphrase and --passphrase-file exclude each other")
	}
	dir, err := c.homeDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(exitUnreadable, err)
	}
	if err := seal.CheckPrivateDir(dir); err != nil {
		return explain(err)
	}
	lock, err := safefile.Acquire(ctx, filepath.Join(dir, "lock"), lockWait)
	if err != nil {
		return fail(exitUnreadable, err)
	}
	defer lock.Unlock()
	// Whatever of an identity is there was once used, or is somebody's log: nothing of it is replaced, --force or not.
	for _, name := range []string{seal.IdentityFile, seal.CompatFile, cardFile, contacts.BookFile, journal.File, journal.HeadFile} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return fail(exitUsage, fmt.Errorf("there is an identity already: %s", path),
				"it is never replaced, because packages sealed for it could not be opened any more",
				"for a second identity, set CHARTPOST_HOME to another folder",
				"to begin anew, move all files of this folder to a safe place first")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fail(exitUnreadable, err)
		}
	}
	pass, err := c.newPassphrase(ctx, o)
	if err != nil {
		return err
	}

	id, err := seal.Generate(o.card.Name)
	if err != nil {
		return err
	}
	card, err := contacts.NewCard(id, o.card, c.now())
	if err != nil {
		return usagef("%v", err)
	}
	h := &home{c, dir, id}
	book := new(contacts.Book)
	data, err := book.Encode(id.Sign)
	if err != nil {
		return err
	}
	body := h.body(nil)
	body.Book = book.Digest()
	// The identity is written last: without it the rest is nothing. What an interrupted or failed run made is taken away again.
	var made []string
	defer func() {
		if err != nil {
			for _, name := range made {
				os.Remove(filepath.Join(dir, name))
			}
		}
	}()
	for _, step := range []struct {
		names []string
		do    func() error
	}{
		{[]string{cardFile}, func() error { return safefile.Write(filepath.Join(dir, cardFile), []byte(card.Text()), 0o600) }},
		{[]string{contacts.BookFile}, func() error { return contacts.Save(filepath.Join(dir, contacts.BookFile), data) }},
		{[]string{journal.File, journal.HeadFile}, func() error { return journal.Start(dir, id, c.now(), body) }},
		{[]string{seal.CompatFile, seal.IdentityFile}, func() error { return id.Save(dir, pass) }},
	} {
		made = append(made, step.names...)
		if err = step.do(); err != nil {
			return fail(exitUnreadable, err)
		}
		if err = ctx.Err(); err != nil {
			return err
		}
	}

	fmt.Fprintf(c.Err, "%s has an identity now, in %s\n", id.Name, dir)
	if pass == "" {
		fmt.Fprintln(c.Err, "  it has no passphrase: whoever can read your files can open what is sealed for you")
	}
	fmt.Fprintln(c.Err, "  keep a copy of identity.txt and identity-compat.txt in a safe place")
	fmt.Fprintf(c.Err, "  give your card to others: chartpost card -o %s.contact\n", contacts.Slug(id.Name))
	return nil
}

// newPassphrase reads or asks for the passphrase of a new identity; empty means none.
func (c *CLI) newPassphrase(ctx context.Context, o *initOptions) (string, error) {
	switch {
	case o.passphraseFile != "":
		return readPassphrase(o.passphraseFile)
	case o.noPassphrase || c.Ask == nil:
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
