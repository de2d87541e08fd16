package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/view"
)

type viewOptions struct {
	out, from, zone, charset string
	dates                    string
	maps, sheets             []string
	jobs                     int
	force, quiet, values     bool
	json                     bool
}

func newViewCommand(c *CLI) *cobra.Command {
	o := new(viewOptions)
	cmd := &cobra.Command{
		Use:   "view IN... [-o record.html]",
		Short: "Show a record as one page that anybody can read",
		Long: `Show a record, in any format that can be read, as one page: an HTML file that needs nothing beside itself, loads nothing and
runs nothing. Open it in a browser, print it, give it away.

What stands in the record stands on the page: problems, allergies, medicines and so on, newest first, the plain
words first and codes small. At its end is what the conversion left out, and why.

Several inputs become one page if they are about one patient. About several patients, -o must be a folder: it
gets a page for each, record-000001.html and so on, in the order in which they come.`,
		Example: "  chartpost view record.xml -o record.html\n  chartpost view lab.hl7 letter.xml -o record.html\n  chartpost view bundles/ -o pages/",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runView(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "write to `FILE`, or a page for each patient into a folder")
	f.StringVar(&o.from, "from", "auto", "format to read, where it is not recognised")
	f.StringVar(&o.zone, "tz", "", "time zone of times that have none, such as America/Chicago")
	f.StringArrayVar(&o.maps, "map", nil, "mapping file laid over the built-in tables; the last one wins")
	f.StringVar(&o.charset, "encoding", "", "character set of the input, whatever it says of itself")
	f.StringVar(&o.dates, "dates", "", "order of day and month in the dates of tables, where they do not say: mdy, dmy or ymd")
	addSheetFlag(f, &o.sheets)
	addJobsFlag(f, &o.jobs)
	f.BoolVar(&o.json, "json", false, "print findings and summary as one JSON object, on standard error")
	f.BoolVar(&o.force, "force", false, "overwrite files that are there")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	f.BoolVar(&o.values, "show-values", false, "show the values that findings are about; they may be a patient's")
	return cmd
}

func (c *CLI) runView(ctx context.Context, o *viewOptions, args []string) error {
	if len(args) == 0 {
		return fail(exitUsage, errors.New("no input"), "name a file or folder, or - for standard input")
	}
	opts := viewConversion(o.charset)
	if err := knownDates(o.dates); err != nil {
		return err
	}
	opts.Dates, opts.Sheets = o.dates, o.sheets
	if o.from != "auto" {
		opts.From = o.from
	}
	var err error
	if opts.Jobs, err = jobsOf(o.jobs); err != nil {
		return err
	}
	if opts.Zone, err = zoneOf(o.zone); err != nil {
		return err
	}
	overlays, err := c.overlays(o.maps)
	if err != nil {
		return err
	}
	formats, err := converters.Formats(overlays)
	if err != nil {
		return fail(exitUsage, err)
	}
	if opts.From != "" {
		if _, err := formats.Named(opts.From); err != nil {
			return fail(exitUsage, fmt.Errorf("--from: %w", err))
		}
	}
	sources, _, err := convert.Sources(args, c.In)
	if err != nil {
		return convertError(err)
	}
	report := newReporter(c, o.json, o.quiet, o.values)
	read := &recordReader{formats: formats, opts: opts, set: view.NewSet(), report: report.finding}
	for _, src := range sources {
		if info, err := os.Stat(o.out); err == nil && src.File != "" {
			if in, err := os.Stat(src.File); err == nil && os.SameFile(info, in) {
				return usagef("%s would be written over itself", o.out)
			}
		}
	}
	for _, src := range convert.Together(sources, formats, opts) {
		if err := read.source(ctx, src); errors.Is(err, view.ErrTwo) {
			return fail(exitUsage, fmt.Errorf("%w, the second in %s", err, src.Path), "show them one by one")
		} else if err != nil {
			return fail(exitUnreadable, err)
		}
	}
	pages, err := read.set.Pages()
	if closed := read.told(report, len(pages)); closed != nil {
		return fail(exitUnreadable, closed)
	}
	if err != nil {
		return fail(exitUnreadable, err, "nothing of the input could be read")
	}
	if err := c.writePages(o, pages); err != nil {
		return err
	}
	switch {
	case read.unreadable > 0:
		return fail(exitUnreadable, errors.New(""))
	case read.rejected > 0:
		return fail(exitPartial, errors.New(""))
	}
	return nil
}

// writePages writes one page to a stream or a file, or several into a folder. No name tells a patient's.
func (c *CLI) writePages(o *viewOptions, pages []*view.Page) error {
	info, err := os.Stat(o.out)
	folder := o.out != "" && (strings.HasSuffix(o.out, "/") || strings.HasSuffix(o.out, string(filepath.Separator)) || err == nil && info.IsDir())
	if len(pages) > 1 && !folder {
		return fail(exitUsage, fmt.Errorf("it holds the records of %d patients", len(pages)), "name a folder with -o DIR/ for a page of each")
	}
	if !folder {
		var b bytes.Buffer
		if _, err := pages[0].WriteTo(&b); err != nil {
			return err
		}
		return c.writeOut(o.out, o.force, b.Bytes())
	}
	names := make([]string, len(pages))
	for i := range pages {
		names[i] = filepath.Join(o.out, convert.Numbered("record.html", i+1))
		if len(pages) == 1 {
			names[i] = filepath.Join(o.out, "record.html")
		}
		if _, err := os.Lstat(names[i]); err == nil && !o.force {
			return fail(exitUsage, fmt.Errorf("%s is there already", names[i]), "choose another folder, or replace it with --force")
		}
	}
	if err := os.MkdirAll(o.out, 0o700); err != nil {
		return fail(exitUnreadable, err)
	}
	for i, p := range pages {
		var b bytes.Buffer
		if _, err := p.WriteTo(&b); err != nil {
			return err
		}
		if err := safefile.Write(names[i], b.Bytes(), 0o600); err != nil {
			return fail(exitUnreadable, err)
		}
	}
	if !o.quiet && !o.json {
		fmt.Fprintf(c.Err, "%s written to %s\n", plural(len(pages), "page"), o.out)
	}
	return nil
}

// recordReader reads records of any format into what a page shows: the hub's resources, and what the ledger says of the rest.
type recordReader struct {
	formats *convert.Formats
	opts    *convert.Options
	set     *view.Set
	report  func(*diag.Finding)
	known   bool // pass over what is of no known format

	unreadable, rejected int
}

// told ends the findings, for a program with a summary.
func (r *recordReader) told(report *reporter, pages int) error {
	if report.all == nil {
		return report.text.Close()
	}
	return writeLine(report.c.Err, struct {
		Pages      int       `json:"pages"`
		Unreadable int       `json:"unreadable"`
		Rejected   int       `json:"rejected"`
		Findings   diag.JSON `json:"findings"`
	}{pages, r.unreadable, r.rejected, report.all.JSON()})
}

// viewConversion is the conversion behind a page: to the hub, resource by resource, with everything that is left out.
func viewConversion(charset string) *convert.Options {
	return &convert.Options{To: "ndjson", Charset: charset, Jobs: runtime.GOMAXPROCS(0), LedgerFull: true}
}

// formatNames are the formats as people know them.
var formatNames = map[string]string{"hl7v2": "HL7 v2", "fhir": "FHIR", "ccda": "C-CDA", "csv": "CSV"}

// source reads one source. What cannot be read is a finding; an error is of the program or an interruption.
func (r *recordReader) source(ctx context.Context, src convert.Source) error {
	leave := func(f *diag.Finding) {
		r.unreadable++
		r.report(f)
		r.set.Leave(view.Left{Source: src.Name, At: src.Name, State: "rejected", Why: f.Message()})
	}
	unread := func(id diag.ID, format string, args ...any) {
		leave(diag.New(id, diag.Place{Source: src.Path}, format, args...))
	}
	if src.Joined != nil {
		return r.together(ctx, src, unread)
	}
	in, err := src.Open()
	if err != nil {
		unread(convert.Unreadable, "it cannot be read: %s", convert.Plain(err))
		return nil
	}
	defer in.Close()
	br := bufio.NewReaderSize(convert.Interruptible(ctx, src, in), convert.SniffLen)
	head, err := br.Peek(convert.SniffLen)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && err != io.EOF && len(head) == 0 {
		unread(convert.Unreadable, "it cannot be read: %s", convert.Plain(err))
		return nil
	}
	if len(head) == 0 && r.known {
		return nil
	}
	if len(head) == 0 {
		unread(convert.Empty, "")
		return nil
	}
	from := r.formats.Detect(src.Name, head)
	if r.opts.From != "" {
		if from, err = r.formats.Named(r.opts.From); err != nil {
			return err
		}
	}
	if r.known && (from == nil || from.NewWorker == nil) {
		return nil
	}
	if from == nil || from.NewWorker == nil {
		leave(convert.Unknown(diag.Place{Source: src.Path}, head))
		return nil
	}
	to, err := r.formats.Named("ndjson")
	if err != nil {
		return err
	}
	r.add(src, from.Name)
	return r.ended(ctx, unread, convert.Run(ctx, from, to, convert.Rereadable(br, src), src.Name, r.opts, r.taker(src, from.Name)))
}

// together reads tables that are one source, and refer to one another.
func (r *recordReader) together(ctx context.Context, src convert.Source, unread func(diag.ID, string, ...any)) error {
	to, err := r.formats.Named("ndjson")
	if err != nil {
		return err
	}
	var names []string
	for _, p := range src.Joined {
		names = append(names, p.Name)
	}
	src.Name = strings.Join(names, ", ")
	r.add(src, "csv")
	return r.ended(ctx, unread, convert.RunTogether(ctx, src, to, r.opts, r.taker(src, "csv")))
}

// add notes a source of the record, for its page.
func (r *recordReader) add(src convert.Source, format string) {
	name := formatNames[format]
	if name == "" {
		name = format
	}
	r.set.AddSource(view.Source{Name: src.Name, Format: name})
}

// taker takes up what became of the records of a source, with its findings.
func (r *recordReader) taker(src convert.Source, format string) func(*convert.Result) error {
	return func(res *convert.Result) error {
		for _, f := range res.Findings {
			r.report(f)
		}
		return r.result(src, format, res)
	}
}

// ended is how the reading of a source ended: what cannot be read is a finding, the rest is an error.
func (r *recordReader) ended(ctx context.Context, unread func(diag.ID, string, ...any), err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, view.ErrTwo):
		return err
	case err != nil:
		unread(convert.BrokeOff, "it broke off: %s", convert.Plain(err))
	}
	return nil
}

// result takes up what became of one record.
func (r *recordReader) result(src convert.Source, format string, res *convert.Result) error {
	if f := res.Rejected; f != nil {
		r.rejected++
		r.report(f)
		r.set.Leave(view.Left{Source: src.Name, At: fmt.Sprintf("record %d", res.Index), State: "rejected", Why: f.Message()})
		return nil
	}
	for _, part := range res.Parts {
		for line := range bytes.Lines(part.Data) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			if err := r.set.Add(line); err != nil {
				return err
			}
		}
	}
	e := res.Entry
	if e == nil {
		return nil
	}
	for _, l := range []struct {
		state string
		lines []convert.Line
	}{{"folded", e.Folded}, {"declined", e.Declined}, {"unmapped", e.Unmapped}, {"invalid", e.Invalid}} {
		for _, x := range l.lines {
			if format == "fhir" && strings.HasPrefix(x.At, "Bundle.") {
				continue // the envelope: a page has no more need of it than NDJSON
			}
			r.set.Leave(view.Left{Source: src.Name, At: x.At, State: l.state, Why: x.Why})
		}
	}
	return nil
}
