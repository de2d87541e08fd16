package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

const (
	cardFile = "card.contact" // my own card, beside my identity
	lockWait = 10 * time.Second
)

// homeDir is where identity, contacts and log lie.
func (c *CLI) homeDir() (string, error) {
	if dir := c.Env("CHARTPOST_HOME"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", usagef("there is no folder for settings: set CHARTPOST_HOME")
	}
	return filepath.Join(dir, "chartpost"), nil
}

func (c *CLI) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *CLI) random() io.Reader {
	if c.Rand != nil {
		return c.Rand
	}
	return rand.Reader
}

// identityOptions are the flags of every command that uses the identity.
type identityOptions struct {
	passphraseFile string
}

func (o *identityOptions) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.passphraseFile, "passphrase-file", "", "read the identity's passphrase from the first line of `FILE`")
}

// read gives the passphrase of the file, or asks for it.
func (o *identityOptions) read(ctx context.Context, c *CLI, question string) (string, error) {
	if o.passphraseFile != "" {
		return readPassphrase(o.passphraseFile)
	}
	if c.Ask == nil {
		return "", fail(exitUsage, errors.New("the identity is protected by a passphrase, and there is no terminal to ask for it on"),
			"give it with --passphrase-file FILE")
	}
	return c.Ask(ctx, question, true)
}

func readPassphrase(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fail(exitUnreadable, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", fail(exitUnreadable, err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", usagef("the first line of %s is empty; it must hold the passphrase", path)
	}
	return line, nil
}

// home is an unlocked identity with its folder.
type home struct {
	c   *CLI
	dir string
	id  *seal.Identity
}

// unlock loads the identity.
func (c *CLI) unlock(ctx context.Context, o *identityOptions) (*home, error) {
	dir, err := c.homeDir()
	if err != nil {
		return nil, err
	}
	id, err := seal.Load(dir, func() (string, error) { return o.read(ctx, c, "Passphrase of your identity:") })
	if err != nil {
		return nil, explain(err)
	}
	return &home{c, dir, id}, nil
}

// lock keeps other runs from changing contacts and log meanwhile.
func (h *home) lock(ctx context.Context) (*safefile.Lock, error) {
	l, err := safefile.Acquire(ctx, filepath.Join(h.dir, "lock"), lockWait)
	if errors.Is(err, safefile.ErrLocked) {
		return nil, fail(exitUnreadable, errors.New("another chartpost is changing contacts or log"), "try again when it is done")
	}
	return l, err
}

func (h *home) book() (*contacts.Book, error) {
	b, err := contacts.Load(filepath.Join(h.dir, contacts.BookFile), h.id.PublicKey())
	return b, explain(err)
}

func (h *home) journal() (*journal.Journal, error) {
	j, err := journal.Open(h.dir, h.id)
	if err != nil {
		return nil, explain(err)
	}
	return j, nil
}

// card is my own card.
func (h *home) card() (*contacts.Card, error) {
	path := filepath.Join(h.dir, cardFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(exitIdentity, fmt.Errorf("your card cannot be read: %w", err))
	}
	card, err := contacts.ParseCard(b)
	if err != nil {
		return nil, explain(err)
	}
	if card.Sign != seal.FormatKey(h.id.PublicKey()) || card.Age != h.id.Recipient() {
		return nil, fail(exitRefused, fmt.Errorf("%s is not the card of your identity", path), "put the file back from a backup")
	}
	return card, nil
}

// changeBook changes the contact book and logs it. The log comes first and names the book that is about to be written: if the
// run is stopped in between, chartpost log verify tells that the book is older than the log. fresh allows a new book where there is none:
// whoever moved a damaged one aside begins again by adding contacts, which are new and have to be verified.
func (h *home) changeBook(ctx context.Context, fresh bool, change func(*contacts.Book) (journal.Event, *contacts.Contact, error)) error {
	l, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer l.Unlock()
	path := filepath.Join(h.dir, contacts.BookFile)
	b, err := h.book()
	if _, missing := os.Lstat(path); fresh && errors.Is(missing, fs.ErrNotExist) {
		fmt.Fprintln(h.c.Err, "The contact book was missing; this begins a new one.")
		b, err = new(contacts.Book), nil
	}
	if err != nil {
		return err
	}
	j, err := h.journal()
	if err != nil {
		return err
	}
	event, contact, err := change(b)
	if err != nil || event == "" {
		return explain(err)
	}
	data, err := b.Encode(h.id.Sign)
	if err != nil {
		return err
	}
	body := h.body(contact)
	body.Book = b.Digest()
	if _, err := j.Append(h.c.now(), event, "", body); err != nil {
		return fail(exitUnreadable, err)
	}
	if err := contacts.Save(path, data); err != nil {
		return fail(exitUnreadable, fmt.Errorf("the contact book cannot be written: %w", err))
	}
	return nil
}

// body begins the body of a log entry about a contact, which may be nil.
func (h *home) body(contact *contacts.Contact) journal.Body {
	b := journal.Body{By: userName(h.c.Env), Tool: tool(h.c)}
	if contact != nil {
		b.Peer = peer(contact)
	}
	return b
}

// peer is what the log keeps of a contact.
func peer(k *contacts.Contact) journal.Peer {
	card := k.Card()
	p := journal.Peer{Name: k.Name, Key: card.Sign, Card: card.Digest(), State: string(k.State)}
	p.Address, p.City = k.PostalAddress()
	return p
}

func tool(c *CLI) string { return "chartpost " + c.Version }

func userName(env func(string) string) string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return env("USER")
}

// explain gives the errors of sealing their exit status and hints.
func explain(err error) error {
	var known *exitError
	var finding *diag.Finding
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &finding):
		var hints []string
		if fix := finding.ID.Entry().Fix; fix != "" {
			hints = append(hints, fix)
		}
		return fail(exitRefused, err, hints...)
	case errors.Is(err, seal.ErrNoFile):
		return fail(exitIdentity, err, `make one with: chartpost init --name "NAME OF YOUR PRACTICE"`)
	case errors.Is(err, seal.ErrExposed):
		return fail(exitIdentity, err, "make it yours alone: chmod 700 the folder, chmod 600 the files in it")
	case errors.Is(err, seal.ErrPassphrase):
		return fail(exitIdentity, err)
	case errors.Is(err, seal.ErrNoIdentity):
		return fail(exitIdentity, err, "your identity does not open it; ask the sender whom it was sealed for")
	case errors.Is(err, seal.ErrNotSealed):
		return fail(exitUnreadable, err)
	case errors.Is(err, contacts.ErrNotFound):
		return fail(exitUsage, err, "chartpost contact list shows whom you know")
	case errors.Is(err, contacts.ErrAmbiguous):
		return fail(exitUsage, err, "write more of the name")
	case errors.Is(err, contacts.ErrWords):
		return fail(exitRefused, err, diag.ID("CP-PKG-033").Entry().Fix)
	case errors.Is(err, pack.ErrNothing), errors.Is(err, contacts.ErrName):
		return fail(exitUsage, err)
	}
	return fail(exitUnreadable, err)
}

// findingf makes a finding about a package, a card or the log.
func findingf(id diag.ID, format string, args ...any) error {
	return diag.New(id, diag.Place{}, format, args...)
}
