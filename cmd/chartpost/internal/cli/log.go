package cli

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
)

type logOptions struct {
	identityOptions
	json bool
}

func newLogCommand(c *CLI) *cobra.Command {
	o := new(logOptions)
	cmd := &cobra.Command{
		Use:   "log",
		Short: "List what was sent and received, or check the list",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return c.runLog(cmd.Context(), o) },
	}
	o.addTo(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	v := new(logOptions)
	verify := &cobra.Command{
		Use:   "verify [RECEIPT...]",
		Short: "Check that no entry of the log was edited, moved or removed",
		Long: `Check every entry of the log, its place in the chain and its signature, and that every entry which a
receipt repeats is still there: of the receipts that were added, and of those that are given, which
somebody who cuts the log cannot have taken away.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runLogVerify(cmd.Context(), v, args) },
	}
	v.addTo(verify)
	verify.Flags().BoolVar(&v.json, "json", false, "print as JSON")
	a := new(accountingOptions)
	accounting := &cobra.Command{
		Use:   "accounting --patient WHO",
		Short: "List what was disclosed about a patient, to whom and why",
		Long: `List what was disclosed about a patient: the accounting of disclosures that 45 CFR 164.528 gives them a
right to, for six years back. WHO is a name, or a part of it, with the birth date if several have that
name; or a medical record number.

Left out are, as the rule says, treatment, payment and operations, what went to the patient, and what
the patient authorized; --all lists them too.`,
		Example: `  chartpost log accounting --patient "Ann Lee, 1950-01-02"
  chartpost log accounting --patient "MRN-77" --since 6y -o accounting.html`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runLogAccounting(cmd.Context(), a) },
	}
	a.addTo(accounting)
	f := accounting.Flags()
	f.StringVar(&a.patient, "patient", "", "`WHO`: name, name and birth date, or medical record number")
	f.StringVar(&a.since, "since", "6y", "from `WHEN` on: a day, or 90d, 18m, 6y back from today")
	f.BoolVar(&a.all, "all", false, "list every disclosure, not only those that the rule asks for")
	f.StringVarP(&a.out, "output", "o", "", "write to `FILE`: a page if its name ends in .html, else CSV")
	f.BoolVar(&a.csv, "csv", false, "print as CSV")
	f.BoolVar(&a.json, "json", false, "print as JSON")
	f.BoolVar(&a.force, "force", false, "replace FILE")
	cmd.AddCommand(verify, accounting)
	return cmd
}

// unlockLog loads the identity and reads its log.
func (c *CLI) unlockLog(ctx context.Context, o *identityOptions) (*home, *journal.Journal, error) {
	h, err := c.unlock(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	j, err := h.journal()
	return h, j, err
}

// logView is an entry as it is listed.
type logView struct {
	Num     int64         `json:"n"`
	Time    time.Time     `json:"time"`
	Event   journal.Event `json:"event"`
	Package string        `json:"package,omitempty"`
	Hash    string        `json:"hash"`
	journal.Body
}

// names are all whom an entry is about.
func (v *logView) names() string {
	var names []string
	for _, p := range v.Peers() {
		names = append(names, p.Name)
	}
	return strings.Join(names, "; ")
}

func (c *CLI) runLog(ctx context.Context, o *logOptions) error {
	_, j, err := c.unlockLog(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	entries := j.Entries()
	views := make([]logView, len(entries))
	for i := range entries {
		e := &entries[i]
		body, err := j.Body(e)
		if err != nil {
			return explain(err)
		}
		views[i] = logView{e.Num, e.Time, e.Event, e.Package, e.Hash(), *body}
	}
	if o.json {
		return c.printJSON(views)
	}
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	for i := range views {
		v := &views[i]
		id := ""
		if len(v.Package) >= 8 {
			id = v.Package[:4] + "-" + v.Package[4:8]
		}
		what := v.Purpose
		if v.Files > 0 {
			what += ", " + count(v.Files, v.Bytes)
		}
		if v.Unverified != "" {
			what += ", not verified: " + v.Unverified
		} else if v.State == string(contacts.New) && v.Event == journal.Opened {
			what += ", not verified"
		}
		if v.Emergency != "" {
			what += ", emergency: " + v.Emergency
		}
		for _, x := range []struct {
			is   bool
			word string
		}{{v.Again, "again"}, {v.Forwarded, "forwarded"}, {v.Expired, "expired"}, {v.Recovery, "with the recovery key"}} {
			if x.is {
				what += ", " + x.word
			}
		}
		if v.Via != "" {
			what = v.Via
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", v.Num, v.Time.Format("2006-01-02 15:04Z"), v.Event, id, v.names(), what)
	}
	return w.Flush()
}

func (c *CLI) runLogVerify(ctx context.Context, o *logOptions, receipts []string) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	l, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer l.Unlock()
	r, err := journal.Verify(h.dir, h.id)
	if err != nil {
		return explain(err)
	}
	book, err := h.book()
	var damaged *diag.Finding
	if err != nil && !asFinding(err, &damaged) {
		return err
	}
	seen, err := journal.Witness(h.dir, h.id, receipts, func(sign string) string {
		if damaged == nil {
			if k := book.BySigner(sign); k != nil {
				return k.Name
			}
		}
		return "somebody who is not among your contacts, as anybody could write one"
	})
	if err != nil {
		return explain(err)
	}
	r.Findings = append(r.Findings, seen...)
	switch {
	case damaged != nil:
		r.Findings = append(r.Findings, damaged)
	case r.LastBook != "" && r.LastBook != book.Digest():
		r.Findings = append(r.Findings, diag.New("CP-PKG-055", diag.Place{Source: filepath.Join(h.dir, contacts.BookFile)}, ""))
	}
	if o.json {
		type finding struct {
			ID   diag.ID `json:"id"`
			File string  `json:"file"`
			Line int     `json:"line,omitempty"`
			What string  `json:"what"`
		}
		v := struct {
			Entries  int       `json:"entries"`
			Head     string    `json:"head"`
			Findings []finding `json:"findings"`
		}{r.Entries, r.Head, []finding{}}
		for _, f := range r.Findings {
			v.Findings = append(v.Findings, finding{f.ID, f.Place.Source, f.Place.Line, f.Message()})
		}
		if err := c.printJSON(v); err != nil {
			return err
		}
	} else {
		for _, f := range r.Findings {
			fmt.Fprintln(c.Out, f.Error())
		}
	}
	if n := len(r.Findings); n > 0 {
		word := "faults"
		if n == 1 {
			word = "fault"
		}
		return fail(exitFindings, fmt.Errorf("the log has %d %s", n, word), "keep the files as they are, and compare them with a backup")
	}
	if !o.json {
		fmt.Fprintf(c.Out, "the log is whole: %s, head %s\n", plural(r.Entries, "entry"), r.Head)
	}
	return nil
}

type accountingOptions struct {
	identityOptions
	patient, since, out   string
	all, csv, json, force bool
}

func (c *CLI) runLogAccounting(ctx context.Context, o *accountingOptions) error {
	if strings.TrimSpace(o.patient) == "" {
		return usagef("accounting needs --patient, a name or a medical record number")
	}
	now := c.now().UTC()
	since, err := parseWhen(o.since, now, -1)
	if err != nil {
		return usagef("--since: %v", err)
	}
	h, j, err := c.unlockLog(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	a := &journal.Account{From: h.id.Name, Since: since, Made: now, All: o.all}
	list, nameless, err := j.Accounting(func(p journal.Patient) bool { return p.Matches(o.patient) }, since)
	if err != nil {
		return explain(err)
	}
	a.Nameless = nameless
	for _, d := range list {
		for _, p := range d.Patients {
			if !slices.ContainsFunc(a.Patients, func(q journal.Patient) bool { return strings.EqualFold(q.String(), p.String()) }) {
				a.Patients = append(a.Patients, p)
			}
		}
		if o.all || d.Required {
			a.List = append(a.List, d)
		}
	}
	// What is handed to one patient must not tell of another.
	if people := journal.People(a.Patients); len(people) > 1 {
		return fail(exitUsage, fmt.Errorf("%d patients match", len(people)), "write more of the name, the birth date with it, or the medical record number")
	}
	if nameless > 0 {
		fmt.Fprintf(c.Err, "%s of this time without a word whom it is about; chartpost log lists all\n", plural(nameless, "sealed package"))
	}
	var b bytes.Buffer
	switch {
	case o.json:
		if a.List == nil {
			a.List = []journal.Disclosure{}
		}
		return c.printJSON(a.List)
	case isPage(o.out):
		err = a.WriteHTML(&b)
	case o.csv || o.out != "":
		err = journal.WriteCSV(&b, a.List)
	default:
		if len(a.List) == 0 {
			fmt.Fprintf(c.Err, "No disclosures of the kind since %s.\n", since.Format(time.DateOnly))
			return nil
		}
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, d := range a.List {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Date.Format(time.DateOnly), place(d.Name, d.Address), d.What, d.Purpose)
		}
		err = w.Flush()
	}
	if err != nil {
		return err
	}
	return c.writeOut(o.out, o.force, b.Bytes())
}
