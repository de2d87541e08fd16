package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

type sealOptions struct {
	identityOptions
	to         string
	purpose    string
	out        string
	note       string
	unverified string

	acceptRotation bool

	consent string
	part2   bool
	compat  bool
	force   bool
	quiet   bool
}

func newSealCommand(c *CLI) *cobra.Command {
	o := new(sealOptions)
	words := make([]string, 0, len(pack.Purposes()))
	for _, p := range pack.Purposes() {
		words = append(words, string(p))
	}
	cmd := &cobra.Command{
		Use:   "seal IN... --to NAME --purpose PURPOSE",
		Short: "Encrypt and sign files for one contact",
		Long: `Encrypt and sign files for one contact, into one package that only they can open.

IN is a file, a folder (all files in it) or - for standard input. Without -o the package is
called chartpost-DATE-ID.zip.age and stands in the current folder.

Purposes: ` + strings.Join(words, ", ") + `.`,
		Example: `  chartpost seal out/ --to lakeside --purpose treatment --note "before the visit on Tuesday"`,
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runSeal(cmd.Context(), o, args) },
	}
	o.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", "the contact's `NAME`")
	f.StringVar(&o.purpose, "purpose", "", "why the records are disclosed: `PURPOSE`")
	f.StringVarP(&o.out, "output", "o", "", "write the package to `FILE`, into a folder, or - for standard output")
	f.StringVar(&o.note, "note", "", "a few words to the recipient, inside the package")
	f.BoolVar(&o.compat, "compat", false, "let age before 1.3 open it too; not protected against quantum computers")
	f.BoolVar(&o.part2, "part2", false, "the records are under 42 CFR Part 2; needs --consent")
	f.StringVar(&o.consent, "consent", "", "put a copy of the patient's consent, `FILE`, into the package")
	f.StringVar(&o.unverified, "unverified", "", "send to a contact who is not verified, for this `REASON`; it is logged")
	f.BoolVar(&o.acceptRotation, "accept-rotation", false, "send to a contact whose new keys the old ones introduced, before their words were heard; it is logged")
	f.BoolVar(&o.force, "force", false, "replace FILE")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
	return cmd
}

func (c *CLI) runSeal(ctx context.Context, o *sealOptions, args []string) error {
	purpose, err := o.check()
	if err != nil {
		return err
	}
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	mine, err := h.card()
	if err != nil {
		return err
	}
	contact, err := h.recipient(o)
	if err != nil {
		return err
	}
	recipient, address, err := contact.Card().Recipient(o.compat)
	if err != nil {
		return explain(err)
	}
	sources, consent, err := c.sources(o, args)
	if err != nil {
		return err
	}

	m := &pack.Manifest{
		Format: pack.Format, Created: c.now().UTC().Truncate(time.Second),
		From: pack.Party{Name: mine.Name, City: mine.City, Sign: mine.Sign, Age: mine.Age, AgeCompat: mine.AgeCompat, Card: mine.Digest()},
		To:   []pack.Party{{Name: contact.Card().Name, City: contact.Card().City, Age: address}},
		Note: o.note, Purpose: purpose, Part2: o.part2, Receipt: "none", Tool: tool(c),
	}
	if m.ID, err = pack.NewID(c.random()); err != nil {
		return err
	}
	if consent != "" {
		m.Consent, m.Basis = []string{consent}, "authorization"
	}
	if o.part2 {
		m.Basis, m.Notice = "part2-consent", pack.Part2Notice
	}

	out, err := c.packageOut(o, m, sources)
	if err != nil {
		return err
	}
	body := h.body(contact)
	body.Purpose, body.Basis, body.Note, body.Part2 = string(purpose), m.Basis, o.note, o.part2
	body.Unverified = overruled(contact, o.unverified)
	if err := h.reserve(ctx, m, &body); err != nil {
		out.discard()
		return err
	}
	defer out.discard() // after commit it does nothing
	progress, done := c.progress("sealing", sources.Total(), o.quiet)
	sealed, err := seal.Seal(ctx, out, &seal.Sealing{Sign: h.id.Sign, To: []age.Recipient{recipient}, Manifest: m, Sources: sources, Progress: progress})
	done()
	if err != nil {
		return explain(err)
	}
	// Logged before the package has its name: a disclosure without its entry would be worse than an entry without its package.
	body.Files, body.Bytes, body.Sums, body.Cipher = len(m.Files), m.Total(), hex.EncodeToString(sealed.Sums[:]), hex.EncodeToString(sealed.Cipher[:])
	if err := out.Sync(); err != nil {
		return fail(exitUnreadable, err)
	}
	if err := h.log(ctx, journal.Sealed, m.ID, body); err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return fail(exitUnreadable, err)
	}
	if !o.quiet {
		state := "not verified: " + body.Unverified
		if contact.State == contacts.Verified {
			state = "verified " + contact.Verified.Format(time.DateOnly)
		}
		fmt.Fprintf(c.Err, "Sealed %s for %s (%s), %s\n", count(len(m.Files), m.Total()), place(contact.Name, contact.Card().City), state, purpose)
		if o.compat {
			fmt.Fprintln(c.Err, "  any version of age can open it; it is not protected against quantum computers")
		}
	}
	if out.name != "" {
		fmt.Fprintln(c.Out, out.name)
	}
	return nil
}

// check looks at what can be wrong with the flags alone.
func (o *sealOptions) check() (pack.Purpose, error) {
	switch {
	case o.to == "":
		return "", usagef("seal needs --to, the name of a contact")
	case o.purpose == "":
		return "", usagef("seal needs --purpose, the reason of the disclosure")
	case o.part2 && o.consent == "":
		return "", fail(exitUsage, errors.New("--part2 needs --consent FILE"), "42 CFR 2.32 wants a copy of the consent with the records")
	case !pack.IsText(o.note):
		return "", usagef("the note is too long, or holds control characters")
	case !pack.IsText(o.unverified):
		return "", usagef("the reason is too long, or holds control characters")
	}
	p, err := pack.ParsePurpose(o.purpose)
	if err != nil {
		return "", usagef("%v", err)
	}
	return p, nil
}

// recipient finds the contact to seal for and refuses one that is not verified.
func (h *home) recipient(o *sealOptions) (*contacts.Contact, error) {
	b, err := h.book()
	if err != nil {
		return nil, err
	}
	k, err := b.Find(o.to)
	if err != nil {
		return nil, explain(err)
	}
	if err := h.c.maySend(k, o.unverified, o.acceptRotation); err != nil {
		return nil, err
	}
	return k, nil
}

// sources collects the files to seal, and returns the member's name of the consent if there is one.
func (c *CLI) sources(o *sealOptions, args []string) (*pack.Sources, string, error) {
	s := new(pack.Sources)
	stdin := false
	for _, arg := range args {
		var err error
		if arg == "-" {
			if stdin {
				return nil, "", usagef("standard input was given twice")
			}
			stdin = true
			err = s.AddReader("stdin", c.In)
		} else {
			err = s.Add(arg)
		}
		if err != nil {
			return nil, "", explain(err)
		}
	}
	if s.Len() == 0 {
		return nil, "", explain(pack.ErrNothing)
	}
	if o.consent == "" {
		return s, "", nil
	}
	name, err := s.AddUnder("consent", o.consent)
	if err != nil {
		return nil, "", explain(fmt.Errorf("the consent: %w", err))
	}
	return s, name, nil
}

// packageOutput is where a package goes: a file that gets its name at the end, or standard output.
type packageOutput struct {
	io.Writer
	file *packageFile
	name string // empty for standard output
}

func (p *packageOutput) Sync() error {
	if p.file != nil {
		return p.file.Sync()
	}
	return nil
}

func (p *packageOutput) commit() error {
	if p.file != nil {
		return p.file.commit()
	}
	return nil
}

func (p *packageOutput) discard() {
	if p.file != nil {
		p.file.discard()
	}
}

func (c *CLI) packageOut(o *sealOptions, m *pack.Manifest, sources *pack.Sources) (*packageOutput, error) {
	name := o.out
	if name == "-" {
		if f, ok := c.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return nil, fail(exitUsage, errors.New("a package is not for the screen"), "redirect it, or name a file with -o")
		}
		return &packageOutput{Writer: c.Out}, nil
	}
	if info, err := os.Stat(name); name == "" || strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(filepath.Separator)) || err == nil && info.IsDir() {
		name = filepath.Join(name, m.BaseName()+".zip.age")
	}
	info, err := os.Lstat(name)
	switch {
	case err == nil && sources.Contains(info):
		return nil, usagef("%s would be sealed into itself", name)
	case err == nil && (!o.force || info.IsDir()):
		return nil, fail(exitUsage, fmt.Errorf("%s is there already", name), "choose another name, or replace it with --force")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fail(exitUnreadable, err)
	}
	f, err := createPackageFile(name)
	if err != nil {
		return nil, err
	}
	return &packageOutput{f, f, name}, nil
}

// reserve logs that a package is about to be sealed, which gives it its number and the head of the log.
func (h *home) reserve(ctx context.Context, m *pack.Manifest, body *journal.Body) error {
	l, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer l.Unlock()
	j, err := h.journal()
	if err != nil {
		return err
	}
	m.Seq = j.NextSeq()
	body.Seq = m.Seq
	e, err := j.Append(h.c.now(), journal.Sealing, m.ID, *body)
	if err != nil {
		return fail(exitUnreadable, err)
	}
	m.LogHead = e.Hash()
	return nil
}

// log appends an entry.
func (h *home) log(ctx context.Context, event journal.Event, id string, body journal.Body) error {
	l, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer l.Unlock()
	j, err := h.journal()
	if err != nil {
		return err
	}
	if _, err := j.Append(h.c.now(), event, id, body); err != nil {
		return fail(exitUnreadable, err)
	}
	return nil
}

// count says how much there is: "3 files, 1.2 MB".
func count(files int, bytes int64) string {
	word := "files"
	if files == 1 {
		word = "file"
	}
	return fmt.Sprintf("%d %s, %s", files, word, byteCount(bytes))
}

func byteCount(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	f, units := float64(n), []string{"kB", "MB", "GB", "TB"}
	for i, u := range units {
		if f /= 1000; f < 999.95 || i == len(units)-1 {
			return fmt.Sprintf("%.1f %s", f, u)
		}
	}
	return ""
}

func place(name, city string) string {
	if city == "" {
		return name
	}
	return name + ", " + city
}
