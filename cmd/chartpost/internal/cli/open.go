package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age/armor"
	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/seal"
)

type openOptions struct {
	identityOptions
	out   string
	yes   bool
	again bool
	quiet bool
}

func newOpenCommand(c *CLI) *cobra.Command {
	o := new(openOptions)
	cmd := &cobra.Command{
		Use:   "open PACKAGE",
		Short: "Check a package that was sealed for me, and unpack it",
		Long: `Check a package that was sealed for you, and unpack it into a new folder.

Nothing is written before the signature, the sender, the recipient and every file have been
checked. PACKAGE is a file, or - for standard input. Without -o the folder is called
chartpost-DATE-ID and stands in the current folder.`,
		Example: `  chartpost open chartpost-2026-11-22-6f30-27b0.zip.age`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runOpen(cmd.Context(), o, args[0]) },
	}
	o.addTo(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "unpack into the new folder `DIR`")
	f.BoolVarP(&o.yes, "yes", "y", false, "take it even from a contact who is not verified")
	f.BoolVar(&o.again, "again", false, "open a package that was opened before; it is logged")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
	return cmd
}

func (c *CLI) runOpen(ctx context.Context, o *openOptions, path string) error {
	p, err := c.trust(ctx, &o.identityOptions, path)
	if err != nil {
		return err
	}
	defer p.close()
	if when, ok := p.journal.Seen(p.Manifest.ID); ok && !o.again {
		return explain(findingf("CP-PKG-020", "the package was opened before, on %s", when.Format(time.DateOnly)))
	}
	fresh := p.contact.State == contacts.New
	if fresh && !o.yes && c.Ask == nil {
		return fail(exitUsage, fmt.Errorf("%s is not verified", p.contact.Name),
			fmt.Sprintf("call them at a number that you already had, and run: chartpost contact verify %q", p.contact.Name),
			"to take the package all the same, use --yes")
	}
	out := o.out
	if out == "" {
		out = p.Manifest.BaseName()
	}
	out = filepath.Clean(out)
	if _, err := os.Lstat(out); err == nil {
		return fail(exitUsage, fmt.Errorf("%s is there already", out), "a package is unpacked into a new folder; name one with -o")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail(exitUnreadable, err)
	}

	progress, done := c.progress("checking", p.Manifest.Total(), o.quiet)
	err = p.Verify(ctx, progress)
	done()
	if err != nil {
		return explain(err)
	}
	if !o.quiet {
		p.show(c.Err)
	}
	if fresh && !o.yes {
		if ok, err := c.confirm(ctx, "The sender is not verified. Open it all the same?"); err != nil {
			return err
		} else if !ok {
			return fail(exitRefused, errors.New("not opened"))
		}
	}

	dir, err := createPackageDir(out)
	if err != nil {
		return err
	}
	defer dir.discard() // after commit only the mark is left to remove
	progress, done = c.progress("unpacking", p.Manifest.Total(), o.quiet)
	err = p.Extract(ctx, dir.Root, progress)
	done()
	if err != nil {
		return explain(err)
	}
	if err := dir.commit(); err != nil {
		return fail(exitUnreadable, err)
	}
	m := p.Manifest
	body := p.home.body(p.contact)
	body.Purpose, body.Basis, body.Note, body.Part2, body.Seq = string(m.Purpose), m.Basis, m.Note, m.Part2, m.Seq
	body.Files, body.Bytes, body.Sums, body.Again = len(m.Files), m.Total(), hex.EncodeToString(p.Sums[:]), o.again
	if err := p.home.log(ctx, journal.Opened, m.ID, body); err != nil {
		return err
	}
	fmt.Fprintln(c.Out, out)
	return nil
}

// trusted is a package whose signature, sender, manifest and recipient have passed; its files are not yet checked.
type trusted struct {
	*seal.Package
	home    *home
	journal *journal.Journal
	contact *contacts.Contact
	close   func()
}

// trust reads a package as far as it can be trusted: everything but the digests of the files, and the list of seen packages.
func (c *CLI) trust(ctx context.Context, o *identityOptions, path string) (_ *trusted, err error) {
	src, size, closeInput, err := openInput(c.In, path)
	if err != nil {
		return nil, explain(err)
	}
	defer func() {
		if err != nil {
			closeInput()
		}
	}()
	header, err := seal.ReadHeader(src, size)
	if err != nil {
		return nil, explain(fmt.Errorf("%s: %w", inputName(path), err))
	}
	if header.Passphrase() {
		return nil, fail(exitIdentity, errors.New("this package opens with a passphrase, not with an identity"),
			"open it with: age -d -o package.zip FILE")
	}
	h, err := c.unlock(ctx, o)
	if err != nil {
		return nil, err
	}
	keys, err := h.id.Keys(header)
	if err != nil {
		return nil, explain(err)
	}
	book, err := h.book()
	if err != nil {
		return nil, err
	}
	j, err := h.journal()
	if err != nil {
		return nil, err
	}
	t := &trusted{home: h, journal: j, close: closeInput}
	t.Package, err = seal.Open(src, size, keys, func(k ed25519.PublicKey) bool {
		t.contact = book.ByKey(k)
		return t.contact != nil
	})
	if err != nil {
		var unknown *seal.UnknownSender
		if errors.As(err, &unknown) {
			err = unknownSender(book, unknown)
		}
		return nil, explain(err)
	}
	now := c.now()
	if err := t.contact.CheckRead(now); err != nil {
		return nil, explain(err)
	}
	if e := t.Manifest.Expires; e != nil && now.After(*e) {
		return nil, explain(findingf("CP-PKG-021", "the package expired on %s", e.Format(time.DateOnly)))
	}
	return t, nil
}

// unknownSender says what the sender calls itself, and whether a contact has that name, with other keys.
func unknownSender(book *contacts.Book, u *seal.UnknownSender) error {
	if r, ok := book.IsRevoked(seal.FormatKey(u.Key)); ok {
		return findingf("CP-PKG-018", "the package is signed with keys that %s revoked; you have known it since %s", r.Name, r.Told.Format(time.DateOnly))
	}
	if k, f := book.ByFormerKey(u.Key); k != nil {
		return findingf("CP-PKG-017", "the package is signed with keys that %s gave up; you have had their new card since %s", k.Name, f.Until.Format(time.DateOnly))
	}
	if u.Name == "" {
		return u
	}
	if k := book.ByCardName(u.Name); k != nil {
		return findingf("CP-PKG-017", "the package says that it is from %s, but is signed with another key than the one on their card", k.Name)
	}
	f := diag.New("CP-PKG-016", diag.Place{}, "the sender, who calls itself %q, is not among your contacts", u.Name)
	return f
}

// show is the one screen that tells what is about to be opened.
func (t *trusted) show(w io.Writer) {
	m := t.Manifest
	fmt.Fprintf(w, "From:     %s (%s)\n", place(t.contact.Name, t.contact.Card().City), standing(t.contact))
	to := make([]string, len(m.To))
	for i, p := range m.To {
		to[i] = place(p.Name, p.City)
	}
	fmt.Fprintf(w, "To:       %s\n", strings.Join(to, "; "))
	fmt.Fprintf(w, "Sealed:   %s\n", m.Created.Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(w, "Purpose:  %s\n", m.Purpose)
	fmt.Fprintf(w, "Holds:    %s\n", count(len(m.Files), m.Total()))
	if m.Note != "" {
		fmt.Fprintf(w, "Note:     %s\n", strings.ReplaceAll(m.Note, "\n", "\n          "))
	}
	if m.Part2 {
		fmt.Fprintf(w, "Notice:   %s\n", m.Notice)
	}
	if len(m.Consent) > 0 {
		fmt.Fprintf(w, "Consent:  a copy is inside\n")
	}
}

func inputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// openInput opens a package for reading at any place. What cannot be read so, and the text form of age, is spooled to a temporary file
// first: as it is, encrypted.
func openInput(stdin io.Reader, path string) (io.ReaderAt, int64, func(), error) {
	r := stdin
	closeFile := func() {}
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, 0, nil, err
		}
		closeFile = func() { f.Close() }
		info, err := f.Stat()
		if err != nil || info.IsDir() {
			f.Close()
			if err == nil {
				err = fmt.Errorf("%s is a folder, not a package", path)
			}
			return nil, 0, nil, err
		}
		if info.Mode().IsRegular() {
			head := make([]byte, 64)
			n, err := f.ReadAt(head, 0)
			if err != nil && err != io.EOF {
				f.Close()
				return nil, 0, nil, err
			}
			if !seal.IsArmored(head[:n]) {
				return f, info.Size(), closeFile, nil
			}
		}
		r = f
	}
	defer closeFile()
	if r == nil {
		r = bytes.NewReader(nil)
	}
	br := bufio.NewReaderSize(r, 64<<10)
	head, err := br.Peek(64)
	if err != nil && err != io.EOF {
		return nil, 0, nil, err
	}
	r = br
	if seal.IsArmored(head) {
		r = armor.NewReader(br)
	}
	tmp, err := os.CreateTemp("", "chartpost-*.age")
	if err != nil {
		return nil, 0, nil, err
	}
	remove := func() { tmp.Close(); os.Remove(tmp.Name()) }
	if runtime.GOOS != "windows" {
		os.Remove(tmp.Name()) // it lives as long as it is open
	}
	size, err := io.Copy(tmp, r)
	if err != nil {
		remove()
		var broken *armor.Error
		if errors.As(err, &broken) {
			err = fmt.Errorf("%s: %w: its text form is damaged", inputName(path), seal.ErrNotSealed)
		}
		return nil, 0, nil, err
	}
	return tmp, size, remove, nil
}
