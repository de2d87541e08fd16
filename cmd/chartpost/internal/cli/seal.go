package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

type sealOptions struct {
	identityOptions
	patientOptions
	to             []string
	about          []string
	purpose        string
	what           string
	out            string
	name           string
	note           string
	unverified     string
	acceptRotation bool
	emergency      string
	consent        string
	expires        string
	supersedes     string
	replyTo        string
	part2          bool
	compat         bool
	requirePQ      bool
	pad            bool
	noReceipt      bool
	force          bool
	quiet          bool
}

func newSealCommand(c *CLI) *cobra.Command {
	o := new(sealOptions)
	cmd := &cobra.Command{
		Use:   "seal IN... --to NAME --purpose PURPOSE",
		Short: "Encrypt and sign files for a contact, or for a patient",
		Long: `Encrypt and sign files for one or more contacts, into one package that only they can open.

IN is a file, a folder (all files in it) or - for standard input. Without -o the package is
called chartpost-DATE-ID.zip.age and stands in the current folder: a name that tells nothing.

The log keeps whom the records are about, for the accounting of disclosures. FHIR, HL7 v2 and the
like say it themselves; otherwise give --about, or it is asked for. It stands nowhere but in the log,
which only you can read.

Several contacts can read one package; each sees the names of the others. If one of them can only be
reached in the form that any age opens, the package is in that form for all, which is not protected
against quantum computers.

--to-patient is for somebody who has no keys: the package opens with a passphrase of seven words, which
is shown once, with how to pass it on. Nobody else can open it, you neither: keep the originals. Beside
the files it holds record.html, the record as a page to read, as chartpost view makes it. With --html it
is one page that opens it in a browser, without any other program.

Purposes: ` + purposes() + `.`,
		Example: `  chartpost seal out/ --to lakeside --purpose treatment --note "before the visit on Tuesday"
  chartpost seal record.xml --to-patient "Ann Lee" --html -o /media/stick/
  chartpost seal scan.pdf --to lakeside --to hilltop --purpose treatment --about "Ann Lee, 1950-01-02, MRN 77"
  chartpost convert lab.hl7 --to fhir | chartpost seal - --name lab.json --to lakeside --purpose treatment -o - | ssh host 'cat > in/lab.zip.age'`,
		Args: someInput,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runSeal(cmd.Context(), o, args) },
	}
	o.identityOptions.addTo(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&o.to, "to", nil, "the contact's `NAME`; may be given several times")
	o.patientOptions.addTo(f)
	f.StringVar(&o.purpose, "purpose", "", "why the records are disclosed: `PURPOSE`")
	f.StringArrayVar(&o.about, "about", nil, "whom it is about, for the log: `'NAME, BIRTHDATE[, MRN]'`, or none; may be given several times")
	f.StringVar(&o.what, "what", "", "what is disclosed, for the log: a few `WORDS`")
	f.StringVarP(&o.out, "output", "o", "", "write the package to `FILE`, into a folder, or - for standard output")
	f.StringVar(&o.name, "name", "stdin", "what standard input is called in the package")
	f.StringVar(&o.note, "note", "", "a few words to the recipient, inside the package")
	f.BoolVar(&o.compat, "compat", false, "let age before 1.3 open it too; not protected against quantum computers")
	f.BoolVar(&o.requirePQ, "require-pq", false, "refuse what would not be protected against quantum computers")
	f.BoolVar(&o.part2, "part2", false, "the records are under 42 CFR Part 2; needs --consent")
	f.StringVar(&o.consent, "consent", "", "put a copy of the patient's consent, `FILE`, into the package")
	f.StringVar(&o.unverified, "unverified", "", "send to a contact who is not verified, for this `REASON`; it is logged")
	f.BoolVar(&o.acceptRotation, "accept-rotation", false, "send to a contact whose new keys the old ones introduced, before their words were heard; it is logged")
	f.StringVar(&o.emergency, "emergency", "", "it cannot wait, for this `REASON`: the contact need not be verified; it is logged and stands in the package")
	f.StringVar(&o.expires, "expires", "", "refuse to open it after `WHEN`: a day (2026-12-31), or 30d, 6m, 1y from today")
	f.StringVar(&o.supersedes, "supersedes", "", "it takes the place of the package `ID` that I sealed before")
	f.StringVar(&o.replyTo, "reply-to", "", "it answers the package `ID` that I opened")
	f.BoolVar(&o.pad, "pad", false, "hide the size: fill the package up by at most 12 per cent")
	f.BoolVar(&o.noReceipt, "no-receipt", false, "do not ask for a receipt")
	f.BoolVar(&o.force, "force", false, "replace FILE")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
	return cmd
}

func (c *CLI) runSeal(ctx context.Context, o *sealOptions, args []string) error {
	m, err := o.manifest(c)
	if err != nil {
		return err
	}
	about, err := o.patients()
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
	if !o.quiet {
		c.remind(mine)
	}
	m.From = pack.Party{Name: mine.Name, City: mine.City, Sign: mine.Sign, Age: mine.Age, AgeCompat: mine.AgeCompat, Card: mine.Digest()}
	to, err := h.addressees(o)
	if err != nil {
		return err
	}
	if err := h.answers(o, m); err != nil {
		return err
	}
	sources, consent, err := c.sources(o, args)
	if err != nil {
		return err
	}
	if consent != "" {
		m.Consent, m.Basis = []string{consent}, "authorization"
	}
	if o.part2 {
		m.Basis, m.Notice = "part2-consent", pack.Part2Notice
	}
	if o.about == nil {
		if about, err = c.about(ctx, o, sources); err != nil {
			return err
		}
	}
	if to.patient != "" {
		about = to.isAbout(about, o)
	}
	if to.patient != "" {
		if err := c.addPage(ctx, sources, to, o.quiet); err != nil {
			return err
		}
	}
	if m.ID, err = pack.NewID(c.random()); err != nil {
		return err
	}
	out, err := c.packageOut(o, m, sources)
	if err != nil {
		return err
	}
	body := h.body(nil)
	body.Peer, body.Also = to.peers(o.why())
	body.About, body.What, body.Receipt = about, o.what, m.Receipt
	body.Purpose, body.Basis, body.Note, body.Part2 = string(m.Purpose), m.Basis, o.note, o.part2
	body.Emergency, body.Supersedes, body.InReplyTo = m.Emergency, m.Supersedes, m.InReplyTo
	if m.Expires != nil {
		body.Expires = m.Expires.Format(time.RFC3339)
	}
	m.To = to.parties
	if err := h.reserve(ctx, m, &body); err != nil {
		out.discard()
		return err
	}
	defer out.discard() // after commit it does nothing
	progress, done := c.progress("sealing", sources.Total(), o.quiet)
	sealed, err := seal.Seal(ctx, out, &seal.Sealing{Sign: h.id.Sign, To: to.keys, Manifest: m, Sources: sources, Pad: o.pad, Progress: progress})
	done()
	if err != nil {
		return explain(err)
	}
	// Logged before the package has its name: a disclosure without its entry would be worse than an entry without its package.
	body.Files, body.Bytes, body.Sums, body.Cipher = len(m.Files), m.Total(), hex.EncodeToString(sealed.Sums[:]), hex.EncodeToString(sealed.Cipher[:])
	if body.What == "" {
		body.What = describe(m.Files)
	}
	if err := out.Sync(); err != nil {
		return fail(exitUnreadable, err)
	}
	if _, err := h.log(ctx, journal.Sealed, m.ID, body); err != nil {
		return err
	}
	if err := o.keepPassphrase(to); err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return fail(exitUnreadable, err)
	}
	if !o.quiet {
		fmt.Fprintf(c.Err, "Sealed %s for %s, %s\n", count(len(m.Files), m.Total()), strings.Join(to.states(o.why()), "; "), m.Purpose)
		for _, line := range to.notes {
			fmt.Fprintln(c.Err, "  "+line)
		}
		if len(about) == 0 && len(o.about) == 0 {
			fmt.Fprintln(c.Err, "  the log does not say whom it is about; --about 'NAME, BIRTHDATE[, MRN]' does")
		}
	}
	if to.patient != "" && o.passphraseOut == "" {
		c.showPassphrase(to, out)
	}
	for _, name := range out.names() {
		fmt.Fprintln(c.Out, name)
	}
	return nil
}

// manifest looks at what can be wrong with the flags alone, and begins the manifest with what they say.
func (o *sealOptions) manifest(c *CLI) (*pack.Manifest, error) {
	if o.emergency != "" && o.purpose == "" {
		o.purpose = "emergency"
	}
	if err := o.checkPatient(); err != nil {
		return nil, err
	}
	switch {
	case len(o.to) == 0 && o.patient == "":
		return nil, fail(exitUsage, errors.New("seal needs --to, the name of a contact"), "for somebody without keys there is --to-patient NAME")
	case o.purpose == "":
		return nil, fail(exitUsage, errors.New("seal needs --purpose, the reason of the disclosure"), "one of "+purposes())
	case o.part2 && o.consent == "":
		return nil, fail(exitUsage, errors.New("--part2 needs --consent FILE"), "42 CFR 2.32 wants a copy of the consent with the records, or what it covers in clear words")
	case o.compat && o.requirePQ:
		return nil, usagef("--compat gives up what --require-pq asks for")
	case !pack.IsText(o.note):
		return nil, usagef("the note is too long, or holds control characters")
	case !pack.IsText(o.unverified):
		return nil, usagef("the reason is too long, or holds control characters")
	case o.emergency != "" && !pack.IsLine(o.emergency):
		return nil, usagef("the reason of the emergency must be one short line")
	case o.what != "" && !pack.IsLine(o.what):
		return nil, usagef("what is disclosed must be said in one short line")
	case pack.CheckName(pack.PayloadDir+o.name) != nil:
		return nil, usagef("--name: %v", pack.CheckName(pack.PayloadDir+o.name))
	}
	purpose, err := pack.ParsePurpose(o.purpose)
	if err != nil {
		return nil, usagef("%v", err)
	}
	now := c.now().UTC().Truncate(time.Second)
	m := &pack.Manifest{Format: pack.Format, Created: now, Note: o.note, Purpose: purpose, Part2: o.part2, Emergency: o.emergency,
		Receipt: pack.ReceiptRequested, Tool: tool(c)}
	if o.noReceipt || o.patient != "" { // a receipt is signed, and a passphrase signs nothing
		m.Receipt = pack.ReceiptNone
	}
	if o.expires != "" {
		end, err := parseWhen(o.expires, now, 1)
		if err != nil {
			return nil, usagef("--expires: %v", err)
		}
		if !end.After(now) {
			return nil, usagef("--expires: %s is over", o.expires)
		}
		m.Expires = &end
	}
	return m, nil
}

func purposes() string {
	words := make([]string, 0, len(pack.Purposes()))
	for _, p := range pack.Purposes() {
		words = append(words, string(p))
	}
	return strings.Join(words, ", ")
}

// patients reads --about.
func (o *sealOptions) patients() ([]journal.Patient, error) {
	var list []journal.Patient
	for _, text := range o.about {
		if text == "none" && len(o.about) == 1 {
			continue
		}
		p, err := journal.ParsePatient(text)
		if err != nil {
			return nil, usagef("--about: %v", err)
		}
		list = append(list, p)
	}
	return list, nil
}

// why is the reason for which it is sent to a contact who is not verified.
func (o *sealOptions) why() string {
	if strings.TrimSpace(o.unverified) != "" {
		return o.unverified
	}
	return o.emergency
}

// parseWhen reads a day, whose end it is, or a stretch of days, months or years from now: forward, or with sign -1 back.
func parseWhen(text string, now time.Time, sign int) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		if sign > 0 {
			t = t.AddDate(0, 0, 1)
		}
		return t, nil
	}
	if n, err := strconv.Atoi(strings.TrimRight(text, "dmy")); err == nil && n >= 0 && n < 10_000 {
		n *= sign
		switch strings.TrimLeft(text, "0123456789") {
		case "d":
			return now.AddDate(0, 0, n), nil
		case "m":
			return now.AddDate(0, n, 0), nil
		case "y":
			return now.AddDate(n, 0, 0), nil
		}
	}
	return time.Time{}, errors.New("it must be a day as 2026-12-31, or a number with d, m or y")
}

// addressees are whom a package is sealed for: contacts, or a patient.
type addressees struct {
	contacts []*contacts.Contact
	parties  []pack.Party
	keys     []age.Recipient
	notes    []string // what has to be said about it

	patient, passphrase string
}

// peers is what the log keeps of them.
func (a *addressees) peers(why string) (first journal.Peer, also []journal.Peer) {
	if a.patient != "" {
		return journal.Peer{Name: a.patient, State: journal.PatientState}, nil
	}
	for i, k := range a.contacts {
		p := peer(k)
		p.Unverified = overruled(k, why)
		if i == 0 {
			first = p
		} else {
			also = append(also, p)
		}
	}
	return first, also
}

// states says who they are and how far they are known.
func (a *addressees) states(why string) []string {
	if a.patient != "" {
		return []string{a.patient + " (a patient, with a passphrase)"}
	}
	list := make([]string, len(a.contacts))
	for i, k := range a.contacts {
		state := standing(k)
		if k.State != contacts.Verified {
			state = "not verified: " + overruled(k, why)
		}
		list[i] = fmt.Sprintf("%s (%s)", place(k.Name, k.Card().City), state)
	}
	return list
}

// recipients finds the contacts to seal for, and refuses those who may not be sealed for. age does not mix keys that are protected against
// quantum computers with others, so one that is not makes all of them classic.
func (h *home) recipients(o *sealOptions) (*addressees, error) {
	b, err := h.book()
	if err != nil {
		return nil, err
	}
	a := new(addressees)
	compat := o.compat
	for _, name := range o.to {
		k, err := h.recipient(b, name, o)
		if err != nil {
			return nil, err
		}
		if slices.Contains(a.contacts, k) {
			return nil, usagef("%s was given twice", k.Name)
		}
		a.contacts = append(a.contacts, k)
		_, address, err := k.Card().Recipient(o.compat)
		if err != nil {
			return nil, explain(err)
		}
		if !seal.IsPostQuantum(address) && !o.compat {
			if o.requirePQ {
				return nil, fail(exitUsage, fmt.Errorf("%s cannot be reached with protection against quantum computers", k.Name), "leave out --require-pq, or ask them for a new card")
			}
			compat = true
			a.notes = append(a.notes, k.Name+" cannot be reached with protection against quantum computers, so nobody's copy of it is protected")
		}
	}
	if o.compat {
		a.notes = append(a.notes, "any version of age can open it; it is not protected against quantum computers")
	}
	// Each contact's own key first, in the order of the contacts; then the recovery keys that their cards name.
	var recovery []contacts.Recipient
	add := func(r contacts.Recipient) {
		a.keys = append(a.keys, r.Recipient)
		a.parties = append(a.parties, pack.Party{Name: r.Name, City: r.City, Age: r.Address})
	}
	for _, k := range a.contacts {
		list, err := k.Card().Recipients(compat, h.id.UI)
		if err != nil {
			return nil, explain(err)
		}
		add(list[0])
		recovery = append(recovery, list[1:]...)
		if len(list) > 1 {
			a.notes = append(a.notes, k.Name+" can open it with their recovery key too")
		}
	}
	for _, r := range recovery {
		if !slices.ContainsFunc(a.parties, func(p pack.Party) bool { return p.Age == r.Address }) {
			add(r)
		}
	}
	return a, nil
}

// recipient finds one contact to seal for and refuses one that is not verified.
func (h *home) recipient(b *contacts.Book, name string, o *sealOptions) (*contacts.Contact, error) {
	k, err := b.Find(name)
	if err != nil {
		return nil, explain(err)
	}
	if err := h.c.maySend(k, o.why(), o.acceptRotation); err != nil {
		return nil, err
	}
	if k.Consent && o.consent == "" {
		return nil, fail(exitUsage, fmt.Errorf("%s wants the patient's consent in every package", k.Name), "add it with --consent FILE",
			fmt.Sprintf("if that is no longer so: chartpost contact set %q --consent optional", k.Name))
	}
	return k, nil
}

// answers finds the packages that --supersedes and --reply-to name.
func (h *home) answers(o *sealOptions, m *pack.Manifest) error {
	if o.supersedes == "" && o.replyTo == "" {
		return nil
	}
	j, err := h.journal()
	if err != nil {
		return err
	}
	if m.Supersedes, err = findPackage(j, o.supersedes, journal.Sealed); err != nil {
		return usagef("--supersedes: %v", err)
	}
	if m.InReplyTo, err = findPackage(j, o.replyTo, journal.Opened); err != nil {
		return usagef("--reply-to: %v", err)
	}
	return nil
}

// findPackage finds the package in the log whose file this is, or whose id begins so, written with hyphens or without, as 6f30-27b0 or
// as in a file's name.
func findPackage(j *journal.Journal, id string, event journal.Event) (string, error) {
	if id == "" {
		return "", nil
	}
	if cipher, err := digestOf(id); err == nil {
		e, _, err := j.Last(event, func(_ *journal.Entry, b *journal.Body) bool { return b.Cipher == cipher })
		if err != nil {
			return "", err
		}
		if e != nil {
			return e.Package, nil
		}
	}
	want := strings.TrimSuffix(filepath.Base(id), ".zip.age")
	if rest, ok := strings.CutPrefix(want, "chartpost-"); ok && len(rest) > len("2026-11-22-") {
		want = rest[len("2026-11-22-"):]
	}
	want = strings.ToLower(strings.ReplaceAll(want, "-", ""))
	found := ""
	for _, e := range j.Entries() {
		if e.Event != event || len(want) < 4 || !strings.HasPrefix(e.Package, want) || e.Package == found {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("several packages begin with %s; write more of it", id)
		}
		found = e.Package
	}
	if found == "" {
		return "", fmt.Errorf("no package %s was %s here; chartpost log lists them", id, event)
	}
	return found, nil
}

// digestOf is the SHA-256 of a file.
func digestOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// about says whom the files are about: what they say themselves, else what the person says who is asked for it.
func (c *CLI) about(ctx context.Context, o *sealOptions, sources *pack.Sources) ([]journal.Patient, error) {
	list, err := patientsIn(ctx, sources)
	if err != nil || len(list) > 0 || c.Ask == nil {
		return list, err
	}
	question := "Whom is it about, for the log? NAME, BIRTHDATE[, MRN]; nothing if it is about no patient:"
	if o.patient != "" {
		question = fmt.Sprintf("Whom is it about, for the log? NAME, BIRTHDATE[, MRN]; nothing if it is about %s:", o.patient)
	}
	text, err := c.Ask(ctx, question, false)
	if errors.Is(err, io.EOF) || err == nil && strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := journal.ParsePatient(text)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return []journal.Patient{p}, nil
}

// describe says what files are, by their kinds: "2 HL7 v2, 1 PDF".
func describe(files []pack.File) string {
	names := map[string]string{"application/json": "JSON", "application/x-ndjson": "NDJSON", "application/xml": "XML", "application/pdf": "PDF",
		"x-application/hl7-v2+er7": "HL7 v2", "text/csv": "CSV", "text/plain": "text", "text/html": "page", "application/dicom": "DICOM"}
	n := map[string]int{}
	for _, f := range files {
		kind := names[f.Media]
		switch main, _, _ := strings.Cut(f.Media, "/"); {
		case kind != "":
		case main == "image":
			kind = "image"
		default:
			kind = "other"
		}
		n[kind]++
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d %s", n[kind], kind))
	}
	word := "files"
	if len(files) == 1 {
		word = "file"
	}
	return word + ": " + strings.Join(parts, ", ")
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
			err = s.AddReader(o.name, c.In)
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
	html *htmlOutput
	name string // empty for standard output
}

// names are the files that came to be.
func (p *packageOutput) names() (names []string) {
	if p.name != "" {
		names = append(names, p.name)
	}
	if p.html != nil && p.html.beside != nil {
		names = append(names, filepath.Join(p.html.dir, p.html.sealedName))
	}
	return names
}

func (p *packageOutput) Sync() error {
	if p.html != nil {
		return p.html.Sync()
	}
	if p.file != nil {
		return p.file.Sync()
	}
	return nil
}

func (p *packageOutput) commit() error {
	if p.html != nil {
		return p.html.commit()
	}
	if p.file != nil {
		return p.file.commit()
	}
	return nil
}

func (p *packageOutput) discard() {
	if p.html != nil {
		p.html.discard()
	}
	if p.file != nil {
		p.file.discard()
	}
}

func (c *CLI) packageOut(o *sealOptions, m *pack.Manifest, sources *pack.Sources) (*packageOutput, error) {
	name := o.out
	if o.html {
		h, err := c.newHTMLOutput(o, m, sources)
		if err != nil {
			return nil, err
		}
		return &packageOutput{Writer: h, html: h, name: h.name}, nil
	}
	if name == "-" {
		if c.screen(c.Out) {
			return nil, fail(exitUsage, errors.New("a package is not for the screen"), "redirect it, or name a file with -o")
		}
		return &packageOutput{Writer: c.Out}, nil
	}
	if info, err := os.Stat(name); name == "" || strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(filepath.Separator)) || err == nil && info.IsDir() {
		name = filepath.Join(name, m.BaseName()+".zip.age")
	}
	if err := o.free(name, sources); err != nil {
		return nil, err
	}
	f, err := createPackageFile(name)
	if err != nil {
		return nil, err
	}
	return &packageOutput{Writer: f, file: f, name: name}, nil
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
	for i, p := range body.Peers() {
		if p.Key == "" {
			continue // whoever has a passphrase does not tell one package from another
		}
		before, _, err := j.Last(journal.Sealed, func(_ *journal.Entry, b *journal.Body) bool {
			return slices.ContainsFunc(b.Peers(), func(q journal.Peer) bool { return q.Key == p.Key })
		})
		if err != nil {
			return explain(err)
		}
		if before != nil {
			m.To[i].Prev = before.Package
		}
	}
	e, err := j.Append(h.c.now(), journal.Sealing, m.ID, *body)
	if err != nil {
		return fail(exitUnreadable, err)
	}
	m.LogHead = e.Hash()
	return nil
}

// log appends an entry.
func (h *home) log(ctx context.Context, event journal.Event, id string, body journal.Body) (*journal.Entry, error) {
	l, err := h.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer l.Unlock()
	j, err := h.journal()
	if err != nil {
		return nil, err
	}
	e, err := j.Append(h.c.now(), event, id, body)
	if err != nil {
		return nil, fail(exitUnreadable, err)
	}
	return e, nil
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
