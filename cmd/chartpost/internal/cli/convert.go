package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // --tz means the same on every machine

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/converters/ccdafhir"
	"github.com/chartpost/chartpost/converters/views"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/mapping"
)

const outputFormats = "fhir, fhir-xml, ndjson, hl7v2, ccda, csv or xlsx"

type convertOptions struct {
	from, to, out       string
	ledger, rejects     string
	zone                string
	maps, views, codes  []string
	application         string
	rawCSV              bool
	bundle, message     string
	version, charset    string
	document            string
	dates, unmapped     string
	date                string
	sheets              []string
	jobs                int
	strict, force       bool
	json, quiet, values bool
	validate            bool
}

func newConvertCommand(c *CLI) *cobra.Command {
	o := new(convertOptions)
	cmd := &cobra.Command{
		Use:   "convert IN... --to FORMAT [-o PATH]",
		Short: "Convert records between formats, and say what did not survive",
		Long: `Convert turns records of one format into another. An input is a file, a folder, a .zip archive, or - for standard input;
its format is recognised. Each value of the source ends as carried, folded, declined, unmapped or invalid; --ledger
writes what became of each that was not simply carried. Findings and a summary go to standard error.

Formats: hl7v2, ccda (a document), fhir (a bundle per record, in JSON), fhir-xml (the same in XML), ndjson (a resource a line),
csv and xlsx (tables). --view makes the tables: a file of ViewDefinitions of SQL on FHIR v2, or a built-in set (see docs/views.md);
-o FOLDER/ then holds a file for each view over all inputs, of xlsx a workbook with a sheet for each, and with --to ndjson
each row is an object a line. Without --view there is a table for each type of resource, with a column for each leaf.
A record that did not come as C-CDA becomes the document that --document names, by default a continuity of care document (ccd).
One that did not come as a message becomes as many HL7 v2 messages as it takes, in one file; --message asks for one of a kind.
--codes adds translations of codes, behind those of the record (docs/codes.md).
Without -o the output goes to standard output. Several inputs, a folder or an archive need -o FOLDER/; there a/b.hl7 becomes
a/b.json, or a/b-000001.json and so on if it holds several records.
Exit status: 0 all was written; 1 with --strict, if a value is unmapped or invalid; 2 usage; 3 an input cannot be read or is
of no known format, or nothing could be written; 7 some records were rejected, the others written.`,
		Example: `  chartpost convert lab.hl7 --to fhir -o lab.json --ledger lab.ledger.json
  chartpost convert inbox/ --to ndjson -o bulk/ --rejects rejects/ --tz America/Chicago
  chartpost convert lab.json --to hl7v2`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runConvert(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", "format to write: "+outputFormats)
	f.StringVar(&o.from, "from", "auto", "format to read, where it is not recognised")
	f.StringVarP(&o.out, "output", "o", "", "file or folder to write")
	f.StringVar(&o.ledger, "ledger", "", "file for what became of every value")
	f.StringVar(&o.rejects, "rejects", "", "folder for records that could not be converted, each with its reason")
	f.StringVar(&o.zone, "tz", "", "time zone of times that have none, such as America/Chicago")
	f.StringArrayVar(&o.maps, "map", nil, "mapping file laid over the built-in tables, the last one wins; with --to csv the mapping of tables to write by, or the name of a built-in one")
	f.StringArrayVar(&o.codes, "codes", nil, "translations of codes, which are added beside the codes of each record: a table (CSV) or a ConceptMap of FHIR")
	f.StringArrayVar(&o.views, "view", nil, "tables to write with csv, xlsx or ndjson: a file of ViewDefinitions, or "+views.SetNames())
	f.StringVar(&o.application, "for", "", "program that is to open a CSV: excel (byte order mark, CRLF, identifiers that stay texts)")
	f.BoolVar(&o.rawCSV, "raw-csv", false, "write CSV cells as they are, even those that a spreadsheet would run as a formula")
	f.StringVar(&o.bundle, "bundle", "", "kind of bundle: message, collection, transaction, batch or document")
	f.StringVar(&o.message, "message", "", "HL7 v2 message to write, such as ORU^R01")
	f.StringVar(&o.version, "version", "", "HL7 v2 version to write in MSH-12")
	f.StringVar(&o.document, "document", "", "C-CDA document to write of records of another origin: "+strings.Join(ccdafhir.Documents(), ", "))
	f.StringVar(&o.charset, "encoding", "", "character set of the input, whatever it says of itself")
	f.StringVar(&o.dates, "dates", "", "order of day and month in the dates of tables, where they do not say: mdy, dmy or ymd")
	f.StringVar(&o.date, "date", "", "day (YYYY-MM-DD) of a document or message about a record in which nothing says a time; all others keep theirs")
	addSheetFlag(f, &o.sheets)
	f.StringVar(&o.unmapped, "unmapped", "", "columns of tables that the mapping does not know: keep, report or refuse")
	addJobsFlag(f, &o.jobs)
	f.BoolVar(&o.validate, "validate", false, "check what is written, as validate does; with --strict exit with 1 for what a receiver would reject")
	f.BoolVar(&o.strict, "strict", false, "exit with 1 if a value is unmapped or invalid")
	f.BoolVar(&o.force, "force", false, "overwrite files that are there")
	f.BoolVar(&o.json, "json", false, "print findings and summary as one JSON object, on standard error")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	f.BoolVar(&o.values, "show-values", false, "show the values that findings are about; they may be a patient's")
	return cmd
}

func (c *CLI) runConvert(ctx context.Context, o *convertOptions, args []string) error {
	if len(args) == 0 {
		return fail(exitUsage, errors.New("no input"), "name a file or folder, or - for standard input")
	}
	if o.to == "" {
		return fail(exitUsage, errors.New("--to is missing"), "say what to write: --to fhir, --to fhir-xml, --to ndjson, --to hl7v2, --to ccda, --to csv or --to xlsx")
	}
	opts := convert.Options{To: o.to, BundleKind: o.bundle, Message: o.message, Version: o.version, Document: o.document, Charset: o.charset, Jobs: o.jobs,
		Dates: o.dates, Date: o.date, Sheets: o.sheets, Unmapped: o.unmapped, LedgerFull: o.ledger != ""}
	if o.from != "auto" {
		opts.From = o.from
	}
	if o.document != "" && !slices.Contains(ccdafhir.Documents(), o.document) {
		return fail(exitUsage, fmt.Errorf("--document %s: no such document", o.document), "it is one of "+strings.Join(ccdafhir.Documents(), ", "))
	}
	if err := o.fitting(); err != nil {
		return err
	}
	if err := knownDates(o.dates); err != nil {
		return err
	}
	if o.unmapped != "" && !slices.Contains([]string{"keep", "report", "refuse"}, o.unmapped) {
		return usagef("--unmapped %s: it is keep, report or refuse", o.unmapped)
	}
	var err error
	if opts.Jobs, err = jobsOf(o.jobs); err != nil {
		return err
	}
	if opts.Zone, err = zoneOf(o.zone); err != nil {
		return err
	}
	if _, err := opts.BundleType(0); err != nil {
		return fail(exitUsage, err)
	}
	overlays, err := c.overlays(o.maps)
	if err != nil {
		return err
	}
	if opts.Codes, err = c.codes(o.codes); err != nil {
		return err
	}
	formats, err := converters.Formats(overlays)
	if err != nil {
		return fail(exitUsage, err)
	}
	to, err := c.tables(o, formats)
	if to == nil && err == nil {
		if to, err = formats.Named(o.to); err != nil {
			err = usagef("--to: there is no format %q: it is one of %s", o.to, outputFormats)
		}
	}
	if err != nil {
		return err
	}
	var check *outputCheck
	if o.validate {
		if check, err = c.newOutputCheck(o, to); err != nil {
			return err
		}
		to = check.over(to)
	}
	if opts.From != "" {
		if _, err := formats.Named(opts.From); err != nil {
			return fail(exitUsage, fmt.Errorf("--from: %w", err))
		}
	}
	sources, many, err := convert.Sources(args, c.In)
	if err != nil {
		return convertError(err)
	}
	if len(sources) == 0 {
		return noFile()
	}
	job := &convert.Job{Formats: formats, To: to, Options: &opts, Sources: sources, Many: many, Out: o.out, Stdout: c.Out,
		Ledger: o.ledger, Rejects: o.rejects, Force: o.force}
	if err := job.Prepare(); err != nil {
		return convertError(err)
	}
	var size int64
	for _, s := range sources {
		if s.Size < 0 {
			size = -1
			break
		}
		size += s.Size
	}
	if dir := job.Folder(); dir != "" {
		if err := c.room(dir, leastOutput(o.to, size)); err != nil {
			return err
		}
	}
	bar := c.bar("converting", size, o.quiet || o.json)
	report := newReporter(c, o.json, o.quiet, o.values)
	report.before = bar.hide
	job.Progress, job.Report = bar.add, report.finding
	if opts.Codes != nil {
		for _, f := range opts.Codes.Findings {
			report.finding(f)
		}
	}
	sum, err := job.Run(ctx)
	bar.done()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fail(exitUnreadable, err)
	}
	for _, f := range formats.Unmatched() {
		report.finding(f)
	}
	if opts.Codes != nil {
		for _, f := range opts.Codes.Result() {
			report.finding(f)
		}
	}
	if check != nil {
		for _, f := range check.late {
			report.finding(f)
		}
	}
	if err := report.end(sum); err != nil {
		return fail(exitUnreadable, err)
	}
	err = convertStatus(sum, o.strict)
	if n := check; err == nil && n != nil && o.strict && n.rejected.Load() > 0 {
		err = fail(exitFindings, fmt.Errorf("a receiver would reject what was written, for %d findings", n.rejected.Load()))
	}
	return err
}

// messageType is what --message can say: a type and an event, and a structure behind them.
var messageType = regexp.MustCompile(`^(?i)[A-Z][A-Z0-9]{2}[\^_][A-Z0-9]{3}([\^_][A-Z0-9_]*)?$`)

// fitting refuses options that the format to write knows nothing of, and words that they do not take.
func (o *convertOptions) fitting() error {
	switch {
	case o.message != "" && o.to != "hl7v2":
		return usagef("--message is about --to hl7v2")
	case o.version != "" && o.to != "hl7v2":
		return usagef("--version is about --to hl7v2")
	case o.document != "" && o.to != "ccda":
		return usagef("--document is about --to ccda")
	case o.date != "" && o.to != "ccda" && o.to != "hl7v2":
		return usagef("--date is about --to ccda and --to hl7v2")
	case o.date != "" && !isDay(o.date):
		return usagef("--date %s: it is a day, such as 2026-11-22", o.date)
	case o.bundle != "" && o.to != "fhir" && o.to != "fhir-xml":
		return usagef("--bundle is about --to fhir and --to fhir-xml")
	case o.message != "" && !messageType.MatchString(o.message):
		return fail(exitUsage, fmt.Errorf("--message %s: no such message", o.message), "it is a type and an event, such as ORU^R01 or ADT^A08")
	case o.version != "" && !schema.Known(o.version):
		return fail(exitUsage, fmt.Errorf("--version %s: HL7 v2 has no such version", o.version), "it is one of "+strings.Join(schema.Versions(), ", "))
	}
	return nil
}

// isDay reports a day as FHIR writes it.
func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// leastOutput is what a conversion of so many bytes writes at the least: a look ahead that spares hours of work that must fail. HL7 v2
// is a tenth of the FHIR that says the same; FHIR is some seven times its HL7 v2, and half of itself without its white space.
func leastOutput(to string, size int64) int64 {
	if to == "fhir" || to == "ndjson" {
		return size / 4
	}
	return size / 20
}

// convertError gives an error of convert its exit status.
func convertError(err error) error {
	var u *convert.UsageError
	if errors.As(err, &u) {
		return fail(exitUsage, err, u.Hint)
	}
	return fail(exitUnreadable, err)
}

// convertStatus is the exit status of a conversion that ended: what came first of 3, 7 and 1.
func convertStatus(sum *convert.Summary, strict bool) error {
	switch {
	case sum.Unreadable > 0 || sum.Totals.Records == 0:
		return fail(exitUnreadable, errors.New(""))
	case sum.Totals.Rejected+sum.LeftOut > 0:
		return fail(exitPartial, errors.New(""))
	case strict && sum.Totals.Unmapped+sum.Totals.Invalid > 0:
		return fail(exitFindings, fmt.Errorf("%d values are unmapped and %d invalid", sum.Totals.Unmapped, sum.Totals.Invalid))
	}
	return nil
}

// addJobsFlag is the flag of every command that reads records.
func addJobsFlag(f *pflag.FlagSet, jobs *int) {
	f.IntVar(jobs, "jobs", 0, "records to work on at the same time, by default one for each processor; the output is the same")
}

// jobsOf is how many records are worked on at the same time.
func jobsOf(n int) (int, error) {
	switch {
	case n < 0:
		return 0, usagef("--jobs %d: at least one", n)
	case n == 0:
		return runtime.GOMAXPROCS(0), nil
	}
	return n, nil
}

// knownDates refuses what --dates does not know.
func knownDates(order string) error {
	if !slices.Contains([]string{"", "mdy", "dmy", "ymd"}, order) {
		return usagef("--dates %s: it is mdy, dmy or ymd", order)
	}
	return nil
}

// zoneOf is the time zone that --tz names; nil if none was named.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fail(exitUsage, fmt.Errorf("--tz %s: no such time zone", name), "zones have names such as America/Chicago or UTC")
	}
	return zone, nil
}

// codes reads the files of --codes; nil if there are none.
func (c *CLI) codes(names []string) (*convert.Codes, error) {
	if len(names) == 0 {
		return nil, nil
	}
	all := new(convert.Codes)
	var faults []error
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, fail(exitUnreadable, err)
		}
		if err := all.Read(name, src); err != nil {
			faults = append(faults, err)
		}
	}
	if faults != nil {
		return nil, fail(exitUsage, errors.Join(faults...), "chartpost explain CP-CNV-013 tells more")
	}
	return all, nil
}

// overlays reads the files of --map.
func (c *CLI) overlays(names []string) ([]*mapping.File, error) {
	var files []*mapping.File
	for _, name := range names {
		if isBuiltInMap(name) {
			continue // it is there already
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, fail(exitUnreadable, err)
		}
		f, err := mapping.ParseFile(filepath.Base(name), src)
		if err != nil {
			return nil, fail(exitUsage, err, "chartpost map check "+name+" tells more")
		}
		files = append(files, f)
	}
	if len(files) > 0 {
		if faults := checkMaps(files); len(faults) > 0 {
			return nil, fail(exitUsage, faults, "chartpost map check tells more")
		}
	}
	return files, nil
}
