package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/ccda"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/validate"
	"github.com/chartpost/chartpost/pkg/validate/v2"
)

type validateOptions struct {
	from, format, suppress string
	out, charset, dates    string
	sheets                 []string
	profiles, terminology  []string
	maps, views            []string
	jobs                   int
	strict, json, quiet    bool
	values, mustSupport    bool
	force                  bool
}

func newValidateCommand(c *CLI) *cobra.Command {
	o := new(validateOptions)
	cmd := &cobra.Command{
		Use:   "validate IN...",
		Short: "Check FHIR records, C-CDA documents, HL7 v2 messages and tables: structure, rules, profiles, codes",
		Long: `Validate checks FHIR R4 records, C-CDA documents and HL7 v2 messages without a server and says what is wrong with them: what a
receiver will reject, what may be misread, and what is good to know. Each finding has its place as line, column and FHIRPath, XPath or
field (PID-5), and an id that explain tells more of. What cannot be checked here is said once at the end.

C-CDA documents are checked against the schema of CDA and the conformance statements of C-CDA R2.1 and its Companion Guide R4.1, for
the templates that they claim: what SHALL be is an error, what SHOULD be may be misread. The CONF number of a finding is explained too.

HL7 v2 messages are checked against the dictionary of the version that MSH-12 names: message structures, required segments and fields,
datatypes, and the codes of HL7's own tables.

--profile names profiles that every resource of their type must meet: us-core (6.1.0), us-core@7.0.0, the URL of a definition that
is known, a file with StructureDefinitions, or a folder or package (.tgz) of them. Profiles that a resource names in meta.profile
are checked where they are known. --terminology adds code systems and value sets: FHIR resources, or lists of codes as CSV.

Tables (CSV, fixed width, .xlsx) are checked against the mapping that reads them, built in or given with --map, or with --view against
the columns of views: first whether the columns are there, then every cell by row and column, then rows that are there twice. With -o
their rows go to a folder as NAME.good.csv, NAME.bad.csv with the reason of each, and NAME.duplicate.csv.

Exit status: 0 nothing that a receiver would reject, 1 something of that kind (with --strict also what may be misread), 3 an input
cannot be read.`,
		Example: "  chartpost validate bundle.json\n  chartpost validate export/ --profile us-core --format sarif\n  chartpost validate summary.xml\n  chartpost explain CONF:1198-7504",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runValidate(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.profiles, "profile", nil, "check this profile too: us-core, us-core@7.0.0, a URL, a file, a folder or a package; may be repeated")
	f.StringArrayVar(&o.terminology, "terminology", nil, "know these code systems and value sets too: a file or folder; may be repeated")
	f.BoolVar(&o.mustSupport, "must-support", false, "tell of elements that are not there and that a profile marks as must-support")
	f.StringVar(&o.format, "format", "text", "how findings are written: "+strings.Join(diag.WriterNames(), ", "))
	f.StringVar(&o.suppress, "suppress", "", "leave out the findings that this YAML file lists, each with its reason")
	f.StringVar(&o.from, "from", "auto", "format to read, where it is not recognised: fhir, ccda, hl7v2 or csv")
	f.StringArrayVar(&o.maps, "map", nil, "mapping that tables are checked against; may be repeated, the last wins")
	f.StringArrayVar(&o.views, "view", nil, "check tables against the columns of a view or set of views; may be repeated")
	f.StringVarP(&o.out, "output", "o", "", "folder for the good, bad and duplicate rows of tables")
	f.BoolVar(&o.force, "force", false, "overwrite files that are there")
	f.StringVar(&o.dates, "dates", "", "order of dates in tables: mdy, dmy or ymd")
	addSheetFlag(f, &o.sheets)
	f.StringVar(&o.charset, "encoding", "", "character set of tables")
	addJobsFlag(f, &o.jobs)
	f.BoolVar(&o.strict, "strict", false, "exit with 1 also for what may be misread")
	f.BoolVar(&o.json, "json", false, "the same as --format json")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print what will be rejected only, and no summary")
	f.BoolVar(&o.values, "show-values", false, "show the values that findings are about; they may be a patient's")
	return cmd
}

func (c *CLI) runValidate(ctx context.Context, o *validateOptions, args []string) error {
	if len(args) == 0 {
		return fail(exitUsage, errors.New("no input"), "name a file or folder, or - for standard input")
	}
	if o.json {
		o.format = "json"
	}
	switch {
	case !slices.Contains([]string{"auto", "fhir", "ccda", "hl7v2", "csv"}, o.from):
		return fail(exitUsage, fmt.Errorf("--from %s: validate reads fhir, ccda, hl7v2 and csv", o.from))
	case !slices.Contains([]string{"", "mdy", "dmy", "ymd"}, o.dates):
		return usagef("--dates %s: it is mdy, dmy or ymd", o.dates)
	case !slices.Contains(diag.WriterNames(), o.format):
		return usagef("--format %s: it is one of %s", o.format, strings.Join(diag.WriterNames(), ", "))
	}
	jobs, err := jobsOf(o.jobs)
	if err != nil {
		return err
	}
	o.jobs = jobs
	v, err := validate.New(validate.Options{Jobs: o.jobs, Profiles: o.profiles, Terminology: o.terminology, MustSupport: o.mustSupport})
	if err != nil {
		return fail(exitUsage, err)
	}
	var sup *validate.Suppressions
	if o.suppress != "" {
		now := time.Now
		if c.Now != nil {
			now = c.Now
		}
		if sup, err = validate.ReadSuppressions(o.suppress, now()); err != nil {
			return fail(exitUsage, err)
		}
	}
	sources, _, err := convert.Sources(args, c.In)
	if err != nil {
		return convertError(err)
	}
	if len(sources) == 0 {
		return noFile()
	}
	var size int64
	for _, s := range sources {
		if s.Size < 0 {
			size = -1
			break
		}
		size += s.Size
	}
	bar := c.bar("checking", size, o.quiet || o.format != "text")
	tables, err := c.newTableChecks(o)
	if err != nil {
		return err
	}
	defer tables.discard()
	run := &validateRun{o: o, sup: sup, bar: bar, tables: tables}
	wo := diag.WriteOptions{ShowValues: o.values, Version: c.Version, Across: o.format == "text" || o.format == "json"}
	if o.quiet {
		wo.Quietest = diag.Reject
	}
	var w diag.Writer
	if o.format == "text" || o.format == "json" {
		run.all = diag.NewCollector(wo)
		w = nil
	} else if w, err = diag.NewWriter(o.format, c.Out, wo); err != nil {
		return usagef("%s", err)
	}
	run.w = w
	docs, stop := context.WithCancel(ctx)
	defer stop()
	run.docs = newDocuments(docs, o, sources)
	for i, src := range sources {
		if err := run.source(ctx, v, i, src); err != nil {
			return err
		}
	}
	bar.done()
	if err := tables.finish(); err != nil {
		return fail(exitUnreadable, err)
	}
	for _, f := range v.Remarks() {
		run.report(f)
	}
	if sup != nil {
		for _, f := range sup.Remarks() {
			run.report(f)
		}
	}
	switch {
	case o.format == "json":
		err = c.printJSON(run.json())
	case w != nil:
		err = w.Close()
	default:
		_, err = io.WriteString(c.Out, run.text(c.colors(c.Out)))
	}
	if err != nil {
		return fail(exitUnreadable, err)
	}
	switch {
	case run.unreadable > 0:
		return fail(exitUnreadable, errors.New(""))
	case run.failed:
		return fail(exitFindings, errors.New(""))
	}
	return nil
}

// validateRun is one run of validate over all its sources.
type validateRun struct {
	o          *validateOptions
	sup        *validate.Suppressions
	bar        *bar
	w          diag.Writer
	all        *diag.Collector
	docs       *documents
	tables     *tableChecks
	counts     validate.Counts
	documents  int
	messages   int
	templates  map[string]int // of clinical documents, that there are no rules for
	files      int
	unreadable int
	failed     bool
	total      diag.Severities
}

func (r *validateRun) report(f *diag.Finding) {
	if r.sup != nil && r.sup.Covers(f) {
		return
	}
	if validate.Failed(f, r.o.strict) {
		r.failed = true
	}
	switch f.Severity() {
	case diag.Reject:
		r.total.Reject++
	case diag.Misread:
		r.total.Misread++
	default:
		r.total.Info++
	}
	if r.all != nil {
		_ = r.all.Write(f)
	} else {
		_ = r.w.Write(f)
	}
}

func (r *validateRun) source(ctx context.Context, v *validate.Validator, i int, src convert.Source) error {
	name := src.Path
	if name == "-" {
		name = src.Name
	}
	if e := r.docs.take(ctx, i); e.result != nil || e.err != nil {
		r.files++
		r.bar.add(src.Size)
		r.document(e.result, e.err, name)
		return ctx.Err()
	}
	in, err := src.Open()
	if err != nil {
		r.unreadable++
		r.report(diag.New("CP-CNV-002", diag.Place{Source: name}, "the input cannot be read: %s", convert.Plain(err)))
		return nil
	}
	defer in.Close()
	read := bufio.NewReaderSize(&counting{convert.Interruptible(ctx, src, in), r.bar.add}, convert.SniffLen)
	head, _ := read.Peek(convert.SniffLen)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if r.o.from == "ccda" || r.o.from == "auto" && ccda.Sniff(head) {
		r.files++
		res, err := r.docs.v.Stream(ctx, read, name)
		if ctx.Err() == nil {
			r.document(res, err, name)
		}
		return ctx.Err()
	}
	if r.o.from == "hl7v2" || r.o.from == "auto" && !validate.Sniff(head) && hl7v2.Sniff(head) {
		r.files++
		res, err := v2.Stream(ctx, read, name, r.report)
		r.messages += res.Messages
		r.counts.Unchecked.Other = sumCounts(r.counts.Unchecked.Other, res.Unchecked)
		if err != nil && ctx.Err() == nil {
			r.unreadable++
			r.report(diag.New("CP-CNV-006", diag.Place{Source: name}, "the input broke off while it was read: %s", convert.Plain(err)))
		}
		return ctx.Err()
	}
	if r.o.from == "csv" || r.o.from == "auto" && !validate.Sniff(head) && !convert.IsWebPage(head) && r.tables.reads(src, head) {
		r.files++
		if err := r.tables.check(src, read, name, r.report); err != nil {
			var e *exitError
			if errors.As(err, &e) {
				return err
			}
			r.unreadable++
			r.report(diag.New("CP-CNV-006", diag.Place{Source: name}, "the input broke off while it was read: %s", convert.Plain(err)))
		}
		return ctx.Err()
	}
	if r.o.from == "auto" && !validate.Sniff(head) {
		switch {
		case len(head) == 0:
			r.report(diag.New("CP-CNV-003", diag.Place{Source: name}, ""))
		default:
			r.report(convert.Unknown(diag.Place{Source: name}, head))
		}
		r.unreadable++
		return nil
	}
	r.files++
	n, err := v.Stream(ctx, read, name, r.report)
	r.counts.Resources += n.Resources
	r.counts.Unchecked.Add(n.Unchecked)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.unreadable++
		r.report(diag.New("CP-CNV-006", diag.Place{Source: name}, "the input broke off while it was read: %s", convert.Plain(err)))
	}
	return nil
}

// counting tells a progress bar how much was read.
type counting struct {
	r   io.Reader
	add func(int64)
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.add(int64(n))
	return n, err
}

// validatedRows counts the rows of tables.
type validatedRows struct {
	Checked   int `json:"checked"`
	Good      int `json:"good"`
	Bad       int `json:"bad"`
	Duplicate int `json:"duplicate"`
}

// validated is the report as JSON has it.
type validated struct {
	Chartpost string         `json:"chartpost"`
	Files     int            `json:"files"`
	Resources int            `json:"resources"`
	Documents int            `json:"documents,omitzero"`
	Messages  int            `json:"messages,omitzero"`
	Rows      *validatedRows `json:"rows,omitempty"`
	diag.JSON
	Suppressed int      `json:"suppressed,omitzero"`
	Unchecked  []string `json:"unchecked"`
}

func (r *validateRun) json() validated {
	x := validated{Chartpost: diag.FindingsVersion, Files: r.files, Resources: r.counts.Resources, Documents: r.documents, Messages: r.messages, JSON: r.all.JSON(), Unchecked: r.unchecked(false)}
	x.Totals = r.total
	if sum := r.tables.sum; sum.Tables > 0 {
		x.Rows = &validatedRows{sum.Rows, sum.Good, sum.Bad, sum.Same}
	}
	if r.sup != nil {
		x.Suppressed = r.sup.Count
	}
	return x
}

var severityHeads = [...]string{diag.Reject: "will be rejected", diag.Misread: "may be misread", diag.Info: "for your information"}

// text is the report for people: the most severe first, repeats of the same words as one.
func (r *validateRun) text(color bool) string {
	groups := r.all.JSON().Findings
	var b strings.Builder
	last := diag.Severity(0)
	fixed := map[diag.ID]bool{}
	for _, g := range groups {
		if g.Severity != last {
			if last != 0 {
				b.WriteByte('\n')
			}
			last = g.Severity
			head := severityHeads[last]
			if color {
				head = [...]string{diag.Reject: "\x1b[31m", diag.Misread: "\x1b[33m", diag.Info: "\x1b[36m"}[last] + head + "\x1b[0m"
			}
			b.WriteString(head + ":\n")
		}
		fmt.Fprintf(&b, "  %s [%s]", diag.Printable(g.What), g.ID)
		if g.Count > 1 {
			fmt.Fprintf(&b, " x%d", g.Count)
			if g.Sources > 1 {
				fmt.Fprintf(&b, " in %d files", g.Sources)
			}
		}
		b.WriteByte('\n')
		for i, p := range g.Places {
			if i == 3 {
				break
			}
			at := diag.Place{Source: p.Source, Line: p.Line, Column: p.Column, Path: p.At}
			if p.Line == 0 {
				at.Record = p.Record
			}
			fmt.Fprintf(&b, "    %s\n", diag.Printable(at.String()))
			if p.Value != "" {
				fmt.Fprintf(&b, "      value: %q\n", p.Value)
			}
		}
		if g.Fix != "" && !fixed[g.ID] {
			fixed[g.ID] = true
			fmt.Fprintf(&b, "    > %s\n", g.Fix)
		}
	}
	if r.o.quiet {
		return b.String()
	}
	if last != 0 {
		b.WriteByte('\n')
	}
	var what []string
	for _, x := range []struct {
		n    int
		word string
	}{{r.counts.Resources, "resource"}, {r.documents, "document"}, {r.messages, "message"}} {
		if x.n > 0 {
			what = append(what, plural(x.n, x.word))
		}
	}
	if r.tables.sum.Tables > 0 {
		what = append(what, r.tables.summary())
	}
	if len(what) == 0 {
		what = append(what, "0 resources")
	}
	fmt.Fprintf(&b, "%s, %s: ", plural(r.files, "file"), strings.Join(what, ", "))
	if r.total == (diag.Severities{}) {
		b.WriteString("nothing found")
	} else {
		fmt.Fprintf(&b, "%d will be rejected, %d may be misread, %d for your information", r.total.Reject, r.total.Misread, r.total.Info)
	}
	if r.sup != nil && r.sup.Count > 0 {
		fmt.Fprintf(&b, "; %d suppressed", r.sup.Count)
	}
	if r.unreadable > 0 {
		fmt.Fprintf(&b, "; %s not read", plural(r.unreadable, "file"))
	}
	b.WriteByte('\n')
	if list := r.unchecked(true); len(list) > 0 {
		b.WriteString("not checked:\n")
		for _, l := range list {
			fmt.Fprintf(&b, "  %s\n", diag.Printable(l))
		}
	}
	return b.String()
}

// unchecked says in words what could not be checked; briefly for people, who do not want to read of every local code system.
func (r *validateRun) unchecked(brief bool) []string {
	list := []string{}
	u := r.counts.Unchecked
	others, codes := 0, 0
	for _, s := range slices.Sorted(maps.Keys(u.Systems)) {
		name := validate.SystemName(s)
		if brief && name == s {
			others++
			codes += u.Systems[s]
			continue
		}
		list = append(list, fmt.Sprintf("%s of %s: that it has them", plural(u.Systems[s], "code"), name))
	}
	if others > 0 {
		list = append(list, fmt.Sprintf("%s of other code systems (%d): that they have them", plural(codes, "code"), others))
	}
	list = append(list, r.uncheckedTemplates(brief)...)
	for _, s := range slices.Sorted(maps.Keys(u.Profiles)) {
		list = append(list, fmt.Sprintf("%s against the profile %s: its definition is not here", plural(u.Profiles[s], "resource"), s))
	}
	for _, s := range slices.Sorted(maps.Keys(u.Other)) {
		list = append(list, fmt.Sprintf("%s (%d)", s, u.Other[s]))
	}
	return list
}
