package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/seal"
)

// Packages that open with a passphrase. Whoever gave the passphrase vouches for the sender, so the sender need not be a contact; but a
// contact's name under other keys, revoked keys and such that were given up are refused as ever. Everything else is checked as in any
// package: the signature, that it was made for a passphrase, the manifest, every digest.

// passphraseTries is how often a person may type it.
const passphraseTries = 3

// trustPassphrase is trust for a package with a passphrase. t holds the package's file.
func (c *CLI) trustPassphrase(ctx context.Context, o *openOptions, t *trusted) (*trusted, error) {
	book, err := c.bookIfAny(ctx, o, t)
	if err != nil {
		return nil, err
	}
	given, fromFile, err := o.given()
	if err != nil {
		return nil, err
	}
	if !fromFile && c.Ask == nil {
		return nil, fail(exitUsage, errors.New("the package opens with a passphrase, and there is no terminal to ask for it on"), "give it with --passphrase-file FILE")
	}
	for try := 1; ; try++ {
		if !fromFile {
			if given, err = c.Ask(ctx, "Passphrase of the package:", true); errors.Is(err, io.EOF) {
				return nil, explain(seal.ErrPassphrase)
			} else if err != nil {
				return nil, err
			}
		}
		if err = t.openWith(given, o.forwarded); err == nil {
			break
		}
		again := errors.Is(err, seal.ErrPassphrase) || errors.Is(err, contacts.ErrPassphraseWord)
		if fromFile || !again || try == passphraseTries {
			return nil, explain(err)
		}
		fmt.Fprintf(c.Err, "%v; once more, please\n", err)
	}
	if err := t.knows(book); err != nil {
		return nil, explain(err)
	}
	return t, t.inTime(o, c)
}

// bookIfAny unlocks the identity, if there is one, and gives its contacts.
func (c *CLI) bookIfAny(ctx context.Context, o *openOptions, t *trusted) (*contacts.Book, error) {
	h, err := c.unlock(ctx, &identityOptions{passphraseFile: o.identityPassphrase, passphraseFD: -1})
	if errors.Is(err, seal.ErrNoFile) {
		return new(contacts.Book), nil
	}
	if err != nil {
		return nil, err
	}
	t.home = h
	if t.journal, err = h.journal(); err != nil {
		return nil, err
	}
	return h.book()
}

func (t *trusted) openWith(typed string, forwarded bool) (err error) {
	words, err := contacts.ReadPassphrase(typed)
	if err != nil {
		return fmt.Errorf("%w: %w", seal.ErrPassphrase, err)
	}
	key, err := seal.PassphraseKey(words)
	if err != nil {
		return err
	}
	anybody := func(ed25519.PublicKey) bool { return true }
	t.Package, err = seal.Open(t.src, t.size, []seal.Key{key}, seal.Trust{Forwarded: forwarded, Pinned: anybody})
	return err
}

// knows finds out who the sender is, and refuses one who cannot be who they say.
func (t *trusted) knows(book *contacts.Book) error {
	if t.contact = book.ByKey(t.Sender); t.contact != nil {
		return nil
	}
	if t.home != nil && slices.ContainsFunc(t.home.id.SignKeys(), func(k ed25519.PublicKey) bool { return k.Equal(t.Sender) }) {
		t.mine = true
		return nil
	}
	if t.home != nil && contacts.LookAlike(t.home.id.Name, t.Manifest.From.Name) {
		return findingf("CP-PKG-017", "the package says that it is from yourself, but is signed with another key than yours")
	}
	return impostor(book, &seal.UnknownSender{Key: t.Sender, Name: t.Manifest.From.Name})
}

// sender is what the sender is called here, or calls itself.
func (t *trusted) sender() string {
	if t.contact != nil {
		return t.contact.Name
	}
	return t.Manifest.From.Name
}

func (t *trusted) city() string {
	if t.contact != nil {
		return t.contact.Card().City
	}
	return t.Manifest.From.City
}

// standing says how well the sender is known.
func (t *trusted) standing() string {
	switch {
	case t.contact != nil:
		return standing(t.contact)
	case t.mine:
		return "sealed by yourself"
	}
	return "so they say: not among your contacts; only whoever gave you the passphrase vouches for them"
}

// state is standing in a word, for the log and for programs.
func (t *trusted) state() string {
	switch {
	case t.contact != nil:
		return string(t.contact.State)
	case t.mine:
		return "own"
	}
	return "unknown"
}

// fresh reports whether the sender is one whom a person has to accept.
func (t *trusted) fresh() bool {
	return t.contact == nil && !t.mine || t.contact != nil && t.contact.State == contacts.New
}

// notVerified refuses such a sender where nobody can be asked.
func (t *trusted) notVerified() error {
	if t.contact == nil {
		return fail(exitUsage, errors.New("the sender is not among your contacts"), "if you trust whoever gave you the passphrase, use --yes")
	}
	return fail(exitUsage, fmt.Errorf("%s is not verified", t.contact.Name),
		fmt.Sprintf("call them at a number that you already had, and run: chartpost contact verify %q", t.contact.Name),
		"to take the package all the same, use --yes")
}

// seen says when the package was opened here first.
func (t *trusted) seen() (time.Time, bool) {
	if t.journal == nil {
		return time.Time{}, false
	}
	return t.journal.Seen(t.Manifest.ID)
}
