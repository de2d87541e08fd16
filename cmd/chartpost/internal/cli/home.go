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
	cardFile       = "card.contact"       // my own card, beside my identity
	revocationFile = "revocation.contact" // says that its keys are not to be trusted any more
	lockWait       = 10 * time.Second
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
	passphraseFD   int
}

func (o *identityOptions) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.passphraseFile, "passphrase-file", "", "read the identity's passphrase from the first line of `FILE`")
	cmd.Flags().IntVar(&o.passphraseFD, "passphrase-fd", -1, "read the identity's passphrase from the open file number `N`")
}

// given is the passphrase of a file or descriptor, if one was named.
func (o *identityOptions) given() (string, bool, error) {
	switch {
	case o.passphraseFile != "" && o.passphraseFD >= 0:
		return "", false, usagef("--passphrase-file and --passphrase-fd exclude each other")
	case o.passphraseFile != "":
		text, err := readPassphrase(o.passphraseFile)
		return text, true, err
	case o.passphraseFD >= 0:
		f := os.NewFile(uintptr(o.passphraseFD), fmt.Sprintf("descriptor %d", o.passphraseFD))
		if f == nil {
			return "", false, usagef("there is no open file number %d", o.passphraseFD)
		}
		defer f.Close()
		text, err := firstLine(f)
		return text, true, err
	}
	return "", false, nil
}

// read gives the passphrase of the file or descriptor, or of the keyring unless it is to be left out, or asks for it. It says whether it is
// the keyring's.
func (o *identityOptions) read(ctx context.Context, c *CLI, dir string, noKeyring bool) (text string, keyring bool, err error) {
	if text, ok, err := o.given(); ok || err != nil {
		return text, false, err
	}
	if text, ok := c.fromKeyring(dir); ok && !noKeyring {
		return text, true, nil
	}
	if c.Ask == nil {
		return "", false, fail(exitUsage, errors.New("the identity is protected by a passphrase, and there is no terminal to ask for it on"),
			"give it with --passphrase-file FILE")
	}
	text, err = c.Ask(ctx, "Passphrase of your identity:", true)
	return text, false, err
}

func readPassphrase(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fail(exitUnreadable, err)
	}
	defer f.Close()
	return firstLine(f)
}

func firstLine(f *os.File) (string, error) {
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", fail(exitUnreadable, err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", usagef("the first line of %s is empty; it must hold the passphrase", f.Name())
	}
	return line, nil
}

// home is an unlocked identity with its folder.
type home struct {
	c    *CLI
	dir  string
	id   *seal.Identity
	held *safefile.Lock // of one that is being made
}

// unlock loads the identity.
func (c *CLI) unlock(ctx context.Context, o *identityOptions) (*home, error) {
	dir, err := c.homeDir()
	if err != nil {
		return nil, err
	}
	h := &home{c: c, dir: dir}
	if safefile.Pending(dir) {
		l, err := h.lock(ctx)
		if err != nil {
			return nil, err
		}
		err = h.finish()
		l.Unlock()
		if err != nil {
			return nil, fail(exitUnreadable, err)
		}
	}
	ring := false // whether the passphrase came from the keyring
	load := func(ask func() (string, error)) { h.id, err = seal.Load(dir, ask) }
	load(func() (text string, err error) {
		text, ring, err = o.read(ctx, c, dir, false)
		return text, err
	})
	if errors.Is(err, seal.ErrPassphrase) && ring && c.Ask != nil {
		// The keyring keeps an old one.
		load(func() (text string, err error) {
			text, _, err = o.read(ctx, c, dir, true)
			return text, err
		})
	}
	if err != nil {
		return nil, explain(err)
	}
	h.id.UI = c.pluginUI(ctx)
	return h, nil
}

// logLine is the file of a change that is not moved to its place, but appended to the log.
const logLine = "log-line"

// finish brings a change of several files to its end that a killed run began. The lock is held.
func (h *home) finish() error {
	return safefile.Finish(h.dir, func(name string, data []byte) (bool, error) {
		if name != logLine {
			return false, nil
		}
		return true, journal.AppendLine(h.dir, data)
	})
}

// replaceFiles changes several files as one. The lock is held.
func (h *home) replaceFiles(files ...seal.File) error {
	return h.replace(func(b *safefile.Batch) error {
		for _, f := range files {
			if err := b.Write(f.Name, f.Data, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
}

// replace is replaceFiles for files that something else writes, into the folder of the batch. The lock is held.
func (h *home) replace(fill func(*safefile.Batch) error) error {
	b, err := safefile.NewBatch(h.dir)
	if err != nil {
		return fail(exitUnreadable, err)
	}
	defer b.Discard()
	if err := fill(b); err != nil {
		return explain(err)
	}
	if err := b.Commit(); err != nil {
		return fail(exitUnreadable, err)
	}
	if err := h.finish(); err != nil {
		return fail(exitUnreadable, err)
	}
	return nil
}

// lock keeps other runs from changing contacts and log meanwhile, and takes away what a killed one left half written of them: the next entry would
// replace it, but there may be none.
func (h *home) lock(ctx context.Context) (*safefile.Lock, error) {
	l, err := safefile.Acquire(ctx, filepath.Join(h.dir, "lock"), lockWait)
	if errors.Is(err, safefile.ErrLocked) {
		return nil, fail(exitUnreadable, errors.New("another chartpost is changing contacts or log"), "try again when it is done")
	}
	if err == nil && h.outdated() {
		l.Unlock()
		return nil, errOutdated()
	}
	if err == nil {
		for _, name := range []string{journal.HeadFile, contacts.BookFile} {
			os.Remove(filepath.Join(h.dir, name+safefile.Partial))
		}
	}
	return l, err
}

// outdated reports whether another run has rotated the keys since this one read them: what is signed from now on would be with the old ones, and
// writing them would lose the new ones. The card changes together with the keys.
func (h *home) outdated() bool {
	if h.id == nil {
		return false
	}
	text, err := os.ReadFile(filepath.Join(h.dir, cardFile))
	if err != nil {
		return false
	}
	card, err := contacts.ParseCard(text)
	return err == nil && card.Sign != seal.FormatKey(h.id.PublicKey())
}

func errOutdated() error {
	return fail(exitUnreadable, errors.New("the keys have been changed since this command began, or the card is not theirs"),
		"run it again; if it stays so, put card.contact back from a backup")
}

func (h *home) book() (*contacts.Book, error) {
	b, err := contacts.Load(filepath.Join(h.dir, contacts.BookFile), h.id.PublicKey())
	if err != nil && h.outdated() {
		err = errOutdated()
	}
	return b, explain(err)
}

func (h *home) journal() (*journal.Journal, error) {
	j, err := journal.Open(h.dir, h.id)
	if err != nil && h.outdated() {
		err = errOutdated()
	}
	if err != nil {
		return nil, explain(err)
	}
	return j, nil
}

// unlockContact loads the identity and finds a contact.
func (c *CLI) unlockContact(ctx context.Context, o *identityOptions, name string) (*home, *contacts.Contact, error) {
	h, err := c.unlock(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	b, err := h.book()
	if err != nil {
		return nil, nil, err
	}
	k, err := b.Find(name)
	return h, k, explain(err)
}

// unlockCard loads the identity and its card to change them: nobody else does meanwhile.
func (c *CLI) unlockCard(ctx context.Context, o *identityOptions) (*home, *contacts.Card, *safefile.Lock, error) {
	h, err := c.unlock(ctx, o)
	if err != nil {
		return nil, nil, nil, err
	}
	l, err := h.lock(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	card, err := h.card()
	if err != nil {
		l.Unlock()
		return nil, nil, nil, err
	}
	return h, card, l, nil
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

// changeBook changes the contact book and logs it, both or neither; the entry names the new book, so that chartpost log verify finds an
// older one that was put back. fresh allows a new book where there is none: whoever moved a damaged one aside begins again by adding
// contacts, which are new and have to be verified.
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
	line, err := j.Line(h.c.now(), event, "", body)
	if err != nil {
		return err
	}
	return h.replaceFiles(seal.File{Name: contacts.BookFile, Data: data}, seal.File{Name: logLine, Data: line})
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
	address, city := k.PostalAddress()
	return journal.Peer{Name: k.Name, City: city, Address: address, Key: card.Sign, Card: card.Digest(), State: string(k.State)}
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
		return fail(exitIdentity, err, `make one with: chartpost init --name "NAME OF YOUR PRACTICE"`,
			"if you have one on another computer, bring it here from its printed sheet: chartpost key restore --help")
	case errors.Is(err, seal.ErrExposed):
		return fail(exitIdentity, err, "make it yours alone: chmod 700 the folder, chmod 600 the files in it")
	case errors.Is(err, seal.ErrPassphrase):
		return fail(exitIdentity, err)
	case errors.Is(err, seal.ErrNoIdentity):
		return fail(exitIdentity, err, "your identity does not open it; ask the sender whom it was sealed for")
	case errors.Is(err, seal.ErrKey):
		return fail(exitIdentity, err, "plug the device in, and see that the program of the plugin is installed")
	case errors.Is(err, seal.ErrNotSealed):
		return fail(exitUnreadable, err, "chartpost inspect FILE says what it is; if it came by mail, ask the sender to attach the package itself")
	case errors.Is(err, contacts.ErrNotFound):
		return fail(exitUsage, err, "chartpost contact list shows whom you know")
	case errors.Is(err, contacts.ErrAmbiguous):
		return fail(exitUsage, err, "write more of the name")
	case errors.Is(err, contacts.ErrWords):
		return fail(exitRefused, err, diag.ID("CP-PKG-033").Entry().Fix)
	case errors.Is(err, pack.ErrSameName):
		return fail(exitUnreadable, err, "lay them in folders of their own within one folder, and seal that one: names below it are kept")
	case errors.Is(err, pack.ErrNothing), errors.Is(err, contacts.ErrName):
		return fail(exitUsage, err)
	}
	return fail(exitUnreadable, err)
}

// findingf makes a finding about a package, a card or the log.
func findingf(id diag.ID, format string, args ...any) error {
	return diag.New(id, diag.Place{}, format, args...)
}
