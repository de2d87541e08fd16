package cli

import (
	"context"
	"fmt"
	"path/filepath"
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
		Use:   "verify",
		Short: "Check that no entry of the log was edited, moved or removed",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return c.runLogVerify(cmd.Context(), v) },
	}
	v.addTo(verify)
	verify.Flags().BoolVar(&v.json, "json", false, "print as JSON")
	cmd.AddCommand(verify)
	return cmd
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

func (c *CLI) runLog(ctx context.Context, o *logOptions) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	j, err := h.journal()
	if err != nil {
		return err
	}
	entries := j.Entries()
	views := make([]logView, len(entries))
	for i := range entries {
		e := &entries[i]
		body, err := j.Body(e)
		if err != nil {
			return explain(diag.New("CP-PKG-054", diag.Place{Source: filepath.Join(h.dir, journal.File), Line: i + 1}, ""))
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
		if v.Again {
			what += ", again"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", v.Num, v.Time.Format("2006-01-02 15:04Z"), v.Event, id, v.Peer, what)
	}
	return w.Flush()
}

func (c *CLI) runLogVerify(ctx context.Context, o *logOptions) error {
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
	if book, err := h.book(); err != nil {
		var f *diag.Finding
		if !asFinding(err, &f) {
			return err
		}
		r.Findings = append(r.Findings, f)
	} else if r.LastBook != "" && r.LastBook != book.Digest() {
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
		fmt.Fprintf(c.Out, "the log is whole: %d entries, head %s\n", r.Entries, r.Head)
	}
	return nil
}
