package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"filippo.io/age/armor"
	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
	"github.com/chartpost/chartpost/pkg/seal/page"
)

type openOptions struct {
	identityOptions
	identityPassphrase string // a file, where the package has a passphrase of its own
	recovery           string // the folder of a recovery key
	recoveryPassphrase string // a file
	out                string
	below              string // a folder in which a new name is found
	receipt            string
	yes                bool
	again              bool
	forwarded          bool
	expired            bool
	noReceipt          bool
	quiet              bool
}

func newOpenCommand(c *CLI) *cobra.Command {
	o := new(openOptions)
	cmd := &cobra.Command{
		Use:   "open PACKAGE",
		Short: "Check a package that was sealed for me, and unpack it",
		Long: `Check a package that was sealed for you, and unpack it into a new folder.

Nothing is written before the signature, the sender, the recipient and every file have been
checked. PACKAGE is a file, or - for standard input. Without -o the folder is called
chartpost-DATE-ID and stands in the current folder. With -o - the one file of a package goes to
standard output.

A package that was sealed for a patient, or the page that holds one, opens with its passphrase, and needs no identity: then there is
no log either. Four letters of a word are enough. If you have an identity, its contacts and log are used,
and --passphrase-file is the package's.

If the sender asks for a receipt, it is written beside the folder: a file that only the sender can
read, for you to send back. It says that this package arrived whole and was opened, and is signed.`,
		Example: `  chartpost open chartpost-2026-11-22-6f30-27b0.zip.age
  cat lab.zip.age | chartpost open - -o - | chartpost convert - --to hl7v2`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			done, err := c.open(cmd.Context(), nil, o, args[0])
			if err == nil && o.out != "-" {
				fmt.Fprintln(c.Out, done.out)
			}
			if done != nil && done.receipt != "" && !o.quiet {
				fmt.Fprintf(c.Err, "Receipt:  %s, for %s\n", done.receipt, done.sender)
			}
			return err
		},
	}
	o.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.identityPassphrase, "identity-passphrase-file", "", "the identity's passphrase, where the package has one of its own: the first line of `FILE`")
	f.StringVar(&o.recovery, "recovery-key", "", "open it with the recovery key in the folder `DIR`; it is logged, and no receipt is made")
	f.StringVar(&o.recoveryPassphrase, "recovery-passphrase-file", "", "the recovery key's passphrase: the first line of `FILE`")
	f.StringVarP(&o.out, "output", "o", "", "unpack into the new folder `DIR`, or - for standard output")
	f.BoolVarP(&o.yes, "yes", "y", false, "take it even from a contact who is not verified")
	f.BoolVar(&o.again, "again", false, "open a package that was opened before; it is logged")
	f.BoolVar(&o.forwarded, "accept-forwarded", false, "open a package that its sender signed for somebody else; it is logged")
	f.BoolVar(&o.expired, "expired", false, "open a package that has expired; it is logged")
	f.StringVar(&o.receipt, "receipt", "", "write the receipt to `FILE`")
	f.BoolVar(&o.noReceipt, "no-receipt", false, "write no receipt")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
	return cmd
}

// opened is what became of a package.
type opened struct {
	out     string // the folder
	receipt string // the file; empty if there is none
	sender  string
	before  bool // another run unpacked it, so out says nothing
}

// open checks and unpacks one package. h is nil if the identity is not unlocked yet.
func (c *CLI) open(ctx context.Context, h *home, o *openOptions, path string) (*opened, error) {
	p, err := c.trust(ctx, h, o, path)
	if err != nil {
		return nil, err
	}
	defer p.close()
	_, seen := p.seen()
	if seen && !o.again {
		return p.replayed(ctx, o)
	}
	fresh := p.fresh()
	if fresh && !o.yes && c.Ask == nil {
		return nil, p.notVerified()
	}
	out, receipt, err := o.outputs(p, seen)
	if err != nil {
		return nil, err
	}
	if err := p.history(); err != nil {
		return nil, explain(err)
	}

	if out != "-" { // the signature has passed, so the sizes are true
		if err := c.room(filepath.Dir(out), p.Manifest.Total()); err != nil {
			return nil, err
		}
	}
	defer frugal()()
	cipher := p.hashCipher(ctx)
	progress, done := c.progress("checking", p.Manifest.Total(), o.quiet)
	err = p.Verify(ctx, progress)
	done()
	if err != nil {
		return nil, explain(err)
	}
	if !o.quiet {
		p.show(c.Err)
	}
	if fresh && !o.yes {
		if ok, err := c.confirm(ctx, "The sender is not verified. Open it all the same?"); err != nil {
			return nil, err
		} else if !ok {
			return nil, fail(exitRefused, errors.New("not opened"))
		}
	}

	again := o.again
	commit := func() error { return nil }
	progress, done = c.progress("unpacking", p.Manifest.Total(), o.quiet)
	if out == "-" {
		again = true // it cannot be taken back any more
		err = p.Stream(ctx, c.Out, progress)
	} else if dir, e := createPackageDir(out); e != nil {
		err = e
	} else {
		defer dir.discard() // after commit only the mark is left to remove
		commit, err = dir.commit, p.Extract(ctx, dir.Root, progress)
	}
	done()
	if err != nil {
		return nil, explain(err)
	}
	if p.home == nil {
		if err := commit(); err != nil {
			return nil, explain(err)
		}
		if !o.quiet {
			fmt.Fprintln(c.Err, "There is no identity here, so nothing of it is logged.")
		}
		return &opened{out: out, sender: p.sender()}, nil
	}
	body := p.body()
	sum := <-cipher
	body.Cipher = hex.EncodeToString(sum[:])
	e, err := p.enter(ctx, body, again, commit)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return p.replayed(ctx, o)
	}
	result := &opened{out: out, sender: p.sender()}
	if receipt == "" {
		return result, nil
	}
	if err := p.writeReceipt(receipt, e, body.Cipher); err != nil {
		return result, receiptUnwritten(err)
	}
	result.receipt = receipt
	return result, nil
}

// body is what the log tells of the package.
func (t *trusted) body() *journal.Body {
	m := t.Manifest
	body := t.home.body(t.contact)
	if t.contact == nil {
		body.Peer = journal.Peer{Name: t.sender(), City: m.From.City, Key: m.From.Sign, Card: m.From.Card, State: t.state()}
	}
	body.Purpose, body.Basis, body.Note, body.Part2, body.Seq = string(m.Purpose), m.Basis, m.Note, m.Part2, m.Seq
	body.Emergency, body.Supersedes, body.InReplyTo, body.Receipt = m.Emergency, m.Supersedes, m.InReplyTo, m.Receipt
	body.Files, body.Bytes, body.What, body.Sums = len(m.Files), m.Total(), describe(m.Files), hex.EncodeToString(t.Sums[:])
	body.Forwarded, body.Expired, body.Recovery = t.Forwarded, t.expired, t.recovered
	for _, f := range t.warnings {
		body.Warnings = append(body.Warnings, string(f.ID))
	}
	return &body
}

// enter gives what was unpacked its name and logs it, both while no other run can: of several that open one package at once, one enters it, and
// the others find that it was opened. again lets them; else the entry is nil.
func (t *trusted) enter(ctx context.Context, body *journal.Body, again bool, commit func() error) (*journal.Entry, error) {
	l, err := t.home.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer l.Unlock()
	if t.journal, err = t.home.journal(); err != nil {
		return nil, err
	}
	if _, body.Again = t.seen(); body.Again && !again {
		return nil, nil
	}
	top, err := t.highest()
	if err != nil {
		return nil, explain(err)
	}
	body.Top = max(top, t.Manifest.Seq)
	if err := commit(); err != nil {
		return nil, explain(err)
	}
	e, err := t.journal.Append(t.home.c.now(), journal.Opened, t.Manifest.ID, *body)
	if err != nil {
		return nil, fail(exitUnreadable, err)
	}
	return e, nil
}

// replayed refuses a package that was opened before. Of an inbox it is only done with, if an earlier run has unpacked this very file.
func (t *trusted) replayed(ctx context.Context, o *openOptions) (*opened, error) {
	if o.below != "" {
		if done, err := t.openedBefore(ctx, o); done != nil || err != nil {
			return done, err
		}
	}
	when, _ := t.seen()
	return nil, explain(findingf("CP-PKG-020", "the package was opened before, on %s", when.Format(time.DateOnly)))
}

func receiptUnwritten(err error) error {
	return fail(exitUnreadable, fmt.Errorf("the package is open, but the receipt cannot be written: %w", err), "open it once more with --again to make it")
}

// openedBefore looks whether an earlier run has unpacked the very same file, and was stopped before it was done with it: then its receipt is
// made where it is missing. What it says was verified by that run. The result is nil if it was another file.
func (t *trusted) openedBefore(ctx context.Context, o *openOptions) (*opened, error) {
	sum := <-t.hashCipher(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cipher := hex.EncodeToString(sum[:])
	e, body, err := t.journal.Last(journal.Opened, func(_ *journal.Entry, b *journal.Body) bool { return b.Cipher == cipher })
	if e == nil || err != nil {
		return nil, err
	}
	_, receipt, err := o.outputs(t, true)
	if err != nil {
		return nil, err
	}
	done := &opened{sender: t.sender(), before: true}
	if receipt == "" || body.Recovery {
		return done, nil
	}
	if _, err := os.Lstat(receipt); errors.Is(err, fs.ErrNotExist) {
		if err := t.writeReceipt(receipt, e, cipher); err != nil {
			return done, receiptUnwritten(err)
		}
	}
	done.receipt = receipt
	return done, nil
}

// frugal keeps the memory of opening below 32 MiB: the buffers of the first pass are collected soon, where they could wait for the end of
// the second. There is little else to collect, so it costs no time. It returns what puts things back.
func frugal() func() {
	was := debug.SetGCPercent(25)
	return func() { debug.SetGCPercent(was) }
}

// outputs says where the package and its receipt go, and refuses names that are taken.
func (o *openOptions) outputs(p *trusted, again bool) (out, receipt string, err error) {
	m := p.Manifest
	if o.out == "-" {
		if len(m.Files) != 1 {
			return "", "", fail(exitUsage, fmt.Errorf("the package holds %d files; standard output takes one", len(m.Files)), "name a folder with -o")
		}
		out = "-"
	} else {
		if out = o.out; out == "" {
			out = m.BaseName()
		}
		out = filepath.Clean(out)
		if o.below != "" {
			out = freeName(filepath.Join(o.below, m.BaseName()))
			again = true // what a run that was stopped left may be replaced
		}
		if _, err := os.Lstat(out); err == nil {
			return "", "", fail(exitUsage, fmt.Errorf("%s is there already", out), "a package is unpacked into a new folder; name one with -o")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", "", fail(exitUnreadable, err)
		}
	}
	// Of a package that was meant for somebody else its sender shall hear from them; and a receipt says that a contact's own key opened it.
	if o.noReceipt || p.recovered || p.Forwarded || m.Receipt != pack.ReceiptRequested {
		return out, "", nil
	}
	if receipt = o.receipt; receipt == "" {
		receipt = filepath.Join(filepath.Dir(out), m.BaseName()+receiptEnding)
		if again { // an earlier one of the same package
			return out, receipt, nil
		}
	}
	if _, err := os.Lstat(receipt); err == nil {
		return "", "", fail(exitUsage, fmt.Errorf("%s is there already", receipt), "name another file with --receipt, or use --no-receipt")
	}
	return out, receipt, nil
}

// freeName is a name that is not taken: this one, or with a number.
func freeName(path string) string {
	name := path
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d", path, n)
	}
}

// trusted is a package whose signature, sender, manifest and recipient have passed; its files are not yet checked.
type trusted struct {
	*seal.Package
	home    *home             // nil if the package has a passphrase and nobody here an identity
	journal *journal.Journal  // nil likewise
	contact *contacts.Contact // nil if the package has a passphrase and its sender is no contact
	mine    bool              // I sealed it myself

	recovered bool // with the recovery key
	src       io.ReaderAt
	size      int64
	expired   bool
	warnings  []*diag.Finding
	close     func()
}

// trust reads a package as far as it can be trusted: everything but the digests of the files, and the list of seen packages.
func (c *CLI) trust(ctx context.Context, h *home, o *openOptions, path string) (_ *trusted, err error) {
	// What goes to standard output cannot be taken back, so it must be the very bytes that were checked.
	src, size, closeInput, err := openInput(c.In, path, o.out == "-")
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
		if h != nil { // of an inbox: nobody is there to type it
			return nil, fail(exitIdentity, errors.New("this package opens with a passphrase, not with an identity"), "open it with chartpost open")
		}
		return c.trustPassphrase(ctx, o, &trusted{src: src, size: size, close: closeInput})
	}
	if h == nil {
		if h, err = c.unlock(ctx, &o.identityOptions); err != nil {
			return nil, err
		}
	}
	keys, err := h.id.Keys(header)
	if err != nil {
		return nil, explain(err)
	}
	var recovery []seal.Key
	if o.recovery != "" {
		if recovery, err = c.recoveryKeys(ctx, o); err != nil {
			return nil, err
		}
		keys = recovery
	}
	book, err := h.book()
	if err != nil {
		return nil, err
	}
	j, err := h.journal()
	if err != nil {
		return nil, err
	}
	t := &trusted{home: h, journal: j, src: src, size: size, close: closeInput}
	t.Package, err = seal.Open(src, size, keys, seal.Trust{Forwarded: o.forwarded, Pinned: func(k ed25519.PublicKey) bool {
		t.contact = book.ByKey(k)
		return t.contact != nil
	}})
	if err != nil {
		var unknown *seal.UnknownSender
		if errors.As(err, &unknown) {
			err = unknownSender(book, unknown)
		}
		if errors.Is(err, seal.ErrNoIdentity) {
			if mine := t.sealedByMe(ctx); mine != nil {
				return nil, mine
			}
		}
		if path != "-" && h.isReceipt(path) {
			return nil, fail(exitRefused, fmt.Errorf("%s is a receipt, not a package", path), "add it with: chartpost receipt add "+path)
		}
		return nil, explain(err)
	}
	t.recovered = recovery != nil
	return t, t.inTime(o, c)
}

// sealedByMe explains that a package which no key of mine opens is one that I made; nil if it is not.
func (t *trusted) sealedByMe(ctx context.Context) error {
	sum := <-t.hashCipher(ctx)
	cipher := hex.EncodeToString(sum[:])
	e, b, err := t.journal.Last(journal.Sealed, func(_ *journal.Entry, b *journal.Body) bool { return b.Cipher == cipher })
	if e == nil || err != nil {
		return nil
	}
	v := logView{Body: *b}
	return fail(exitIdentity, fmt.Errorf("%w: you sealed it yourself on %s, for %s", seal.ErrNoIdentity, e.Time.Format(time.DateOnly), v.names()),
		"only they can open it, you cannot: look into the originals")
}

// recoveryKeys reads the recovery key of --recovery-key.
func (c *CLI) recoveryKeys(ctx context.Context, o *openOptions) ([]seal.Key, error) {
	keys, err := seal.RecoveryKeys(o.recovery, func() (string, error) {
		if o.recoveryPassphrase != "" {
			return readPassphrase(o.recoveryPassphrase)
		}
		if c.Ask == nil {
			return "", fail(exitUsage, errors.New("the recovery key is protected by a passphrase, and there is no terminal to ask for it on"),
				"give it with --recovery-passphrase-file FILE")
		}
		return c.Ask(ctx, "Passphrase of the recovery key:", true)
	})
	if errors.Is(err, seal.ErrNoFile) {
		return nil, fail(exitIdentity, fmt.Errorf("there is no recovery key in %s", o.recovery), "name the folder that chartpost key recovery made")
	}
	return keys, explain(err)
}

// inTime refuses what has expired: the sender's card, or the package.
func (t *trusted) inTime(o *openOptions, c *CLI) error {
	now := c.now()
	if t.contact != nil {
		if err := t.contact.CheckRead(now); err != nil {
			return explain(err)
		}
	}
	if e := t.Manifest.Expires; e != nil && now.After(*e) {
		if !o.expired {
			return explain(findingf("CP-PKG-021", "the package expired on %s", e.Format(time.DateOnly)))
		}
		t.expired = true
	}
	return nil
}

// history looks the package up in the log: whether one before it is missing, a later one has been opened, or another stands in its place.
// None of it is a reason to refuse it: packages overtake each other.
func (t *trusted) history() error {
	m, warn := t.Manifest, func(id diag.ID, format string, args ...any) {
		t.warnings = append(t.warnings, diag.New(id, diag.Place{}, format, args...))
	}
	if t.journal == nil {
		return nil
	}
	top, err := t.highest()
	if err != nil {
		return err
	}
	if me := t.Me(); me != nil && me.Prev != "" {
		if _, ok := t.journal.Seen(me.Prev); !ok {
			warn("CP-PKG-022", "they sealed package %s for you before this one; it has not been opened here", pack.ShortID(me.Prev))
		}
	}
	if _, seen := t.journal.Seen(m.ID); m.Seq < top && !seen {
		warn("CP-PKG-023", "this is their package number %d; number %d has been opened already", m.Seq, top)
	}
	if e := t.journal.Replaced(m.ID); e != nil {
		b, err := t.journal.Body(e)
		if err != nil {
			return err
		}
		if t.ours(b) {
			warn("CP-PKG-024", "package %s, opened on %s, stands in the place of this one", pack.ShortID(e.Package), e.Time.Format(time.DateOnly))
		}
	}
	return nil
}

// ours reports whether an entry is about a package of this sender.
func (t *trusted) ours(b *journal.Body) bool {
	return b.Key == seal.FormatKey(t.Sender) || t.contact != nil && b.Name == t.contact.Name
}

// highest is the highest number that was ever opened from this sender; 0 if none was.
func (t *trusted) highest() (int64, error) {
	_, last, err := t.journal.Last(journal.Opened, func(_ *journal.Entry, b *journal.Body) bool { return t.ours(b) })
	if last == nil || err != nil {
		return 0, err
	}
	return max(last.Top, last.Seq), nil
}

// hashCipher computes the digest of the package as it came, beside the checks.
func (t *trusted) hashCipher(ctx context.Context) <-chan pack.Digest {
	sum := make(chan pack.Digest, 1)
	go func() {
		h := sha256.New()
		buf := make([]byte, 256<<10)
		for off := int64(0); off < t.size && ctx.Err() == nil; {
			n, err := t.src.ReadAt(buf[:min(int64(len(buf)), t.size-off)], off)
			h.Write(buf[:n])
			off += int64(n)
			if n == 0 && err != nil {
				break // Verify meets the same error
			}
		}
		sum <- pack.Digest(h.Sum(nil))
	}()
	return sum
}

// writeReceipt writes the receipt, sealed for the sender as the package was for me.
func (t *trusted) writeReceipt(path string, e *journal.Entry, cipher string) error {
	mine, err := t.home.card()
	if err != nil {
		return err
	}
	m := t.Manifest
	r := &journal.Receipt{
		Package: m.ID, Seq: m.Seq, LogHead: m.LogHead, Sums: hex.EncodeToString(t.Sums[:]), Cipher: cipher, Files: len(m.Files), Bytes: m.Total(),
		Status: journal.StatusOpened, Time: e.Time, By: journal.Signer{Name: mine.Name, City: mine.City, Sign: mine.Sign},
		To: journal.Signer{Name: m.From.Name, City: m.From.City, Sign: m.From.Sign}, ByHead: e.Hash(), Tool: tool(t.home.c),
	}
	text, err := r.Encode(t.home.id)
	if err != nil {
		return err
	}
	to, err := t.contact.Card().Recipients(!seal.IsPostQuantum(t.Recipient), t.home.id.UI)
	if err != nil {
		return err
	}
	sealed, err := journal.Seal(text, to[0].Recipient)
	if err != nil {
		return err
	}
	// It begins as a package does, so other runs would take it for what a killed one left, if it were not locked.
	f, err := createPackageFile(path)
	if err != nil {
		return err
	}
	defer f.discard()
	if _, err := f.Write(sealed); err != nil {
		return err
	}
	return f.commit()
}

// unknownSender says what the sender calls itself, and whether a contact has that name, with other keys.
func unknownSender(book *contacts.Book, u *seal.UnknownSender) error {
	if err := impostor(book, u); err != nil || u.Name == "" {
		if err == nil {
			err = u
		}
		return err
	}
	return diag.New("CP-PKG-016", diag.Place{}, "the sender, who calls itself %q, is not among your contacts", u.Name)
}

// impostor refuses a sender who has keys that are known to be good no more, or the name of a contact with other keys.
func impostor(book *contacts.Book, u *seal.UnknownSender) error {
	if r, ok := book.IsRevoked(seal.FormatKey(u.Key)); ok {
		return findingf("CP-PKG-018", "the package is signed with keys that %s revoked; you have known it since %s", r.Name, r.Told.Format(time.DateOnly))
	}
	if k, f := book.ByFormerKey(u.Key); k != nil {
		return findingf("CP-PKG-017", "the package is signed with keys that %s gave up; you have had their new card since %s", k.Name, f.Until.Format(time.DateOnly))
	}
	if u.Name == "" {
		return nil
	}
	if k := book.ByCardName(u.Name); k != nil {
		return findingf("CP-PKG-017", "the package says that it is from %s, but is signed with another key than the one on their card", k.Name)
	}
	return nil
}

// show is the one screen that tells what is about to be opened.
func (t *trusted) show(w io.Writer) {
	m := t.Manifest
	fmt.Fprintf(w, "From:     %s\n", indented(place(t.sender(), t.city())+" ("+t.standing()+")"))
	to := make([]string, len(m.To))
	for i, p := range m.To {
		to[i] = place(p.Name, p.City)
	}
	fmt.Fprintf(w, "To:       %s\n", indented(strings.Join(to, "; ")))
	fmt.Fprintf(w, "Sealed:   %s\n", m.Created.Format("2006-01-02 15:04 MST"))
	if t.Forwarded {
		fmt.Fprintf(w, "Notice:   it was sealed for them, not for you; who passed it on is not known\n")
	}
	fmt.Fprintf(w, "Package:  %s, their number %d\n", pack.ShortID(m.ID), m.Seq)
	if m.Supersedes != "" {
		fmt.Fprintf(w, "Replaces: %s\n", t.known(m.Supersedes))
	}
	if m.InReplyTo != "" {
		fmt.Fprintf(w, "Answers:  %s\n", pack.ShortID(m.InReplyTo))
	}
	if m.Expires != nil {
		word := "Expires:  %s\n"
		if t.expired {
			word = "Expired:  %s\n"
		}
		fmt.Fprintf(w, word, m.Expires.Format("2006-01-02 15:04 MST"))
	}
	fmt.Fprintf(w, "Purpose:  %s\n", m.Purpose)
	if m.Emergency != "" {
		fmt.Fprintf(w, "Urgent:   %s\n", indented(m.Emergency))
	}
	fmt.Fprintf(w, "Holds:    %s\n", count(len(m.Files), m.Total()))
	if m.Note != "" {
		fmt.Fprintf(w, "Note:     %s\n", indented(m.Note))
	}
	if m.Part2 {
		fmt.Fprintf(w, "Notice:   %s\n", indented(m.Notice))
	}
	if len(m.Consent) > 0 {
		fmt.Fprintf(w, "Consent:  a copy is inside\n")
	}
	for _, f := range t.warnings {
		fmt.Fprintf(w, "Warning:  %s\n", f.Error())
	}
}

// indented lays out what the sender wrote so that none of it stands at the left edge of a screen, where it could pass for a line of ours: a
// terminal would break a long line there.
func indented(text string) string {
	const width = 68
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if utf8.RuneCountInString(line) > width || strings.Contains(line, "\t") {
			line = strings.Join(strings.Fields(line), " ")
		}
		rest := []rune(line)
		for len(rest) > width {
			n := width
			for n > 0 && rest[n] != ' ' {
				n--
			}
			if n == 0 {
				n = width // one long word
			}
			lines, rest = append(lines, string(rest[:n])), rest[n:]
			if rest[0] == ' ' {
				rest = rest[1:]
			}
		}
		lines = append(lines, string(rest))
	}
	return strings.Join(lines, "\n          ")
}

// known names a package, and says when it was opened.
func (t *trusted) known(id string) string {
	if t.journal == nil {
		return pack.ShortID(id)
	}
	if when, ok := t.journal.Seen(id); ok {
		return pack.ShortID(id) + ", opened on " + when.Format(time.DateOnly)
	}
	return pack.ShortID(id) + ", which was not opened here"
}

func inputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// pageInput is the package that stands in a page for a patient.
func pageInput(f *os.File, path string) (io.ReaderAt, int64, func(), error) {
	sealed, err := page.Package(f)
	if errors.Is(err, page.ErrBeside) {
		return nil, 0, nil, fail(exitUsage, fmt.Errorf("%s: %w", path, err), "open the file that came with the page, its name ends in .zip.age")
	}
	if err != nil {
		return nil, 0, nil, fmt.Errorf("%s: %w", path, err)
	}
	return bytes.NewReader(sealed), int64(len(sealed)), func() {}, nil
}

// openInput opens a package for reading at any place. What cannot be read so, and the text form of age, is spooled to a temporary file
// first: as it is, encrypted. own spools everything, so that nobody can change it.
func openInput(stdin io.Reader, path string, own bool) (io.ReaderAt, int64, func(), error) {
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
			head := make([]byte, 512)
			n, err := f.ReadAt(head, 0)
			if err != nil && err != io.EOF {
				f.Close()
				return nil, 0, nil, err
			}
			if page.Sniff(head[:n]) {
				defer closeFile()
				return pageInput(f, path)
			}
			if !seal.IsArmored(head[:n]) && !own {
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
	tmp, err := safefile.Temp("")
	if err != nil {
		return nil, 0, nil, err
	}
	size, err := io.Copy(tmp, r)
	if err != nil {
		tmp.Close()
		var broken *armor.Error
		if errors.As(err, &broken) {
			err = fmt.Errorf("%s: %w: its text form is damaged", inputName(path), seal.ErrNotSealed)
		}
		return nil, 0, nil, err
	}
	return tmp, size, func() { tmp.Close() }, nil
}
