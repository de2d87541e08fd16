package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
)

// reporter tells a person or a program what became of a run: findings as they come, and a summary at the end; as JSON all of it at
// the end. It writes to standard error, because standard output is for data.
type reporter struct {
	c      *CLI
	quiet  bool
	text   diag.Writer     // for a person
	all    *diag.Collector // for a program
	before func()          // takes the progress bar out of the way
}

func newReporter(c *CLI, asJSON, quiet, values bool) *reporter {
	o := diag.WriteOptions{ShowValues: values, Color: c.color()}
	if quiet {
		o.Quietest = diag.Reject
	}
	r := &reporter{c: c, quiet: quiet, before: func() {}}
	if asJSON {
		r.all = diag.NewCollector(o)
	} else if w, err := diag.NewWriter("text", c.Err, o); err == nil { // text is always there
		r.text = w
	}
	return r
}

// color reports that standard error is a terminal whose user has nothing against colours.
func (c *CLI) color() bool { return c.colors(c.Err) }

func (c *CLI) colors(w io.Writer) bool {
	return c.terminal(w) && c.Env("NO_COLOR") == ""
}

// finding reports one. That standard error takes no more is no reason to stop.
func (r *reporter) finding(f *diag.Finding) {
	if r.all != nil {
		_ = r.all.Write(f)
		return
	}
	r.before()
	_ = r.text.Write(f)
}

// end reports the rest, and the summary.
func (r *reporter) end(sum *convert.Summary) error {
	if r.all != nil {
		return writeLine(r.c.Err, struct {
			*convert.Summary
			Findings diag.JSON `json:"findings"`
		}{sum, r.all.JSON()})
	}
	if err := r.text.Close(); err != nil || r.quiet {
		return err
	}
	_, err := fmt.Fprint(r.c.Err, sum.String())
	return err
}

func writeLine(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
