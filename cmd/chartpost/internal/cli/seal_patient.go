package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/spf13/pflag"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
	"github.com/chartpost/chartpost/pkg/view"
)

// patientOptions are the flags of sealing for somebody who has no keys.
type patientOptions struct {
	patient       string
	passphraseOut string
	html          bool
}

func (o *patientOptions) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.patient, "to-patient", "", "seal for the patient `NAME`, with a passphrase that is shown once")
	f.BoolVar(&o.html, "html", false, "for a patient: write one page that opens the package in a browser")
	f.StringVar(&o.passphraseOut, "passphrase-out", "", "write the passphrase into the new `FILE` and do not show it")
}

// checkPatient looks at what can be wrong with the flags for a patient, and says what they leave open.
func (o *sealOptions) checkPatient() error {
	if o.patient == "" {
		if o.passphraseOut != "" || o.html {
			return usagef("--passphrase-out and --html go with --to-patient")
		}
		return nil
	}
	o.patient = strings.TrimSpace(o.patient)
	switch {
	case len(o.to) > 0:
		return fail(exitUsage, errors.New("--to and --to-patient exclude each other"), "a package with a passphrase has no second recipient; seal another one")
	case o.compat || o.acceptRotation || o.unverified != "":
		return fail(exitUsage, errors.New("--compat, --unverified and --accept-rotation are for contacts"), "any version of age opens what is sealed for a patient")
	case !pack.IsLine(o.patient):
		return usagef("--to-patient needs a name, on one short line")
	case o.quiet && o.passphraseOut == "":
		return fail(exitUsage, errors.New("with --quiet the passphrase would be lost"), "write it into a file with --passphrase-out FILE")
	case o.passphraseOut == "-":
		return usagef("--passphrase-out needs the name of a file")
	}
	if o.purpose == "" {
		o.purpose = "patient-request"
	}
	if o.passphraseOut == "" {
		return nil
	}
	if _, err := os.Lstat(o.passphraseOut); err == nil {
		return fail(exitUsage, fmt.Errorf("%s is there already", o.passphraseOut), "a passphrase is written into a new file")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail(exitUnreadable, err)
	}
	return nil
}

// addressees are the contacts of --to, or the patient of --to-patient.
func (h *home) addressees(o *sealOptions) (*addressees, error) {
	if o.patient == "" {
		return h.recipients(o)
	}
	words, err := contacts.NewPassphrase(h.c.random())
	if err != nil {
		return nil, err
	}
	r, err := seal.PassphraseRecipient(words)
	if err != nil {
		return nil, err
	}
	return &addressees{patient: o.patient, passphrase: words, keys: []age.Recipient{r}, parties: []pack.Party{{Name: o.patient, Passphrase: true}}}, nil
}

// isAbout compares whom the files are about with the patient they are sealed for, and says so where they may be another's: the slip that
// costs most. Somebody may ask for the record of a child or of a ward, so it is no refusal. Files that do not say it are taken to be about
// the patient. No name of those in the files is repeated.
func (a *addressees) isAbout(about []journal.Patient, o *sealOptions) []journal.Patient {
	if len(about) == 0 {
		if o.about != nil { // --about none
			return nil
		}
		return []journal.Patient{{Name: a.patient}}
	}
	people := journal.People(about)
	hers := slices.IndexFunc(people, func(p journal.Patient) bool {
		return p.Matches(a.patient) || journal.Patient{Name: a.patient}.Matches(p.Name)
	})
	switch {
	case len(people) > 1:
		a.notes = append(a.notes, fmt.Sprintf("CHECK: the files are about %d patients", len(people)))
	case hers < 0:
		a.notes = append(a.notes, fmt.Sprintf("CHECK: the files are about another patient than %s", a.patient))
	}
	return about
}

// keepPassphrase writes the passphrase to a file, if that was asked for, before the package has its name: a package that nobody can open
// would look like one that somebody can.
func (o *sealOptions) keepPassphrase(to *addressees) error {
	if to.patient == "" || o.passphraseOut == "" {
		return nil
	}
	if err := safefile.Write(o.passphraseOut, []byte(to.passphrase+"\n"), 0o600); err != nil {
		return fail(exitUnreadable, fmt.Errorf("the passphrase cannot be written: %w", err))
	}
	return nil
}

// showPassphrase is the one time that the passphrase is seen.
func (c *CLI) showPassphrase(to *addressees, out *packageOutput) {
	fmt.Fprintf(c.Err, `
  Passphrase:  %s

  It is shown this once and kept nowhere. Write it down for %s, and pass it on by another way
  than the file: by telephone, at a number that you already had, or on paper, by hand. Never in the
  message that brings the file: whoever has both can read the record.

`, to.passphrase, to.patient)
	name := "FILE"
	switch {
	case out.html != nil && out.html.beside != nil:
		fmt.Fprintf(c.Err, "  To open it: the page %s in a browser, with %s beside it.\n", out.name, out.html.sealedName)
		name = out.html.sealedName
	case out.html != nil:
		fmt.Fprintf(c.Err, "  To open it: the page in a browser. It can save the sealed file too, %s.\n", out.html.sealedName)
		name = out.html.sealedName
	case out.name != "":
		name = out.name
	}
	if out.html != nil {
		fmt.Fprint(c.Err, "  Mail programs hold back such pages, or warn of them: hand it over on a stick, or by a portal.\n")
	}
	fmt.Fprintf(c.Err, `  With Chartpost:  chartpost open %s
  With any age:    age -d -o record.zip %[1]s
                   the words in lower case with the hyphens, then unzip

  Without the passphrase nobody can open it, you neither: keep the originals.
`, name)
}

// addPage adds the record as a page to read, if the files hold one of one patient. What cannot be read as a record, such as a PDF, goes
// along as it is.
func (c *CLI) addPage(ctx context.Context, sources *pack.Sources, to *addressees, quiet bool) error {
	if sources.Has(pack.PageName) {
		return nil
	}
	formats, err := converters.Formats(nil)
	if err != nil {
		return err
	}
	read := &recordReader{formats: formats, opts: viewConversion(""), set: view.NewSet(), report: func(*diag.Finding) {}, known: true}
	total := int64(0)
	var list []convert.Source
	for src := range sources.Files() {
		if src.Size() > aboutFile || total+src.Size() > aboutTotal {
			continue
		}
		total += src.Size()
		open := func() (io.ReadCloser, error) { return os.Open(src.Path) }
		list = append(list, convert.Source{Name: strings.TrimPrefix(src.Name, pack.PayloadDir), Path: src.Path, Size: src.Size(), File: src.Path, Open: open})
	}
	for _, src := range convert.Together(list, formats, read.opts) {
		err := read.source(ctx, src)
		if errors.Is(err, view.ErrTwo) {
			to.notes = append(to.notes, "no page to read was made: the files call two patients by one id")
			return nil
		}
		if err != nil {
			return err
		}
	}
	pages, err := read.set.Pages()
	switch {
	case errors.Is(err, view.ErrNothing):
		to.notes = append(to.notes, "no page to read was made: no file is a record of a format that is known")
		return nil
	case err != nil:
		return err
	case len(pages) > 1:
		to.notes = append(to.notes, fmt.Sprintf("no page to read was made: the files are about %d patients", len(pages)))
		return nil
	}
	var b bytes.Buffer
	if _, err := pages[0].WriteTo(&b); err != nil {
		return err
	}
	return sources.AddReader(pack.PageName, &b)
}
