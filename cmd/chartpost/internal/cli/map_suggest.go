package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/converters/csvfhir"
	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/mapping/suggest"
	"github.com/chartpost/chartpost/pkg/terminology"
)

type mapSuggestOptions struct {
	out, name, as, dates, encoding string
	sheets                         []string
	yes, force, json, quiet        bool
}

func newMapSuggestCommand(c *CLI) *cobra.Command {
	o := new(mapSuggestOptions)
	cmd := &cobra.Command{
		Use:   "suggest FILE...",
		Short: "Propose a mapping for tables that no mapping knows",
		Long: `Suggest looks at the columns of tables (.csv, .txt, .xlsx; a folder or .zip of them), by name and by what stands in them, and proposes
what they are: patients, appointments, vaccinations, laboratory results, problems, medications or allergies. It says what it is
sure of and what not, and writes the mapping file. A column whose name is only near, or that only its content speaks for, is
written as a comment unless you say yes to it, on a terminal or with --yes. No value of a table is printed or written.

Name the practice with --name: its patients' numbers then have a system of their own, so that the same number in another list, or
in next month's export, is the same patient, and the same number of another practice is not.

The mapping goes to the file of -o, else to standard output; what is said about it, to standard error. Check it with map check,
change what is wrong, and convert with it: chartpost convert FILE --map NAME.map.

Exit status: 0 a mapping was written; 1 the tables are of no kind that is known; 3 a file cannot be read.`,
		Example: "  chartpost map suggest patients.csv -o maple.map\n  chartpost convert patients.csv --map maple.map --to ndjson",
		Args:    someInput,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runMapSuggest(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "mapping file to write")
	f.StringVar(&o.name, "name", "", "name of the mapping, such as the practice's")
	f.StringVar(&o.as, "as", "", "what the tables are, where that is not found out: people, appointments, vaccinations, labs, problems, meds or allergy_list")
	f.BoolVar(&o.yes, "yes", false, "use what is not sure too")
	f.StringVar(&o.dates, "dates", "", "order of dates: mdy, dmy or ymd")
	addSheetFlag(f, &o.sheets)
	f.StringVar(&o.encoding, "encoding", "", "character set of the tables")
	f.BoolVar(&o.force, "force", false, "overwrite the file that is there")
	f.BoolVar(&o.json, "json", false, "print the proposal as JSON on standard output; the mapping goes to -o")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	return cmd
}

// addSheetFlag adds --sheet, which says what of a workbook is read.
func addSheetFlag(f *pflag.FlagSet, to *[]string) {
	f.StringArrayVar(to, "sheet", nil, "sheet of a workbook to read, by name or number, hidden or not, where not all that show; may be repeated")
}

// suggestSample is how many values of a column are looked at.
const suggestSample = 500

// suggested is a table with its proposal, as --json prints it.
type suggested struct {
	File    string            `json:"file"`
	Kind    string            `json:"kind,omitzero"`
	Mapping string            `json:"mapping,omitzero"` // that is built in and knows the table
	Columns []suggestedColumn `json:"columns"`
	Missing []string          `json:"missing,omitzero"`
	Rivals  []string          `json:"rivals,omitzero"`
	Left    string            `json:"left,omitzero"` // why it was not looked at
}

type suggestedColumn struct {
	Name string `json:"name"`
	Is   string `json:"is,omitzero"`
	Sure bool   `json:"sure"`
	Used bool   `json:"used"`
	Why  string `json:"why,omitzero"`
	Look string `json:"holds,omitzero"`
}

// suggesting is a run of map suggest: what of each table is told, and what goes into the mapping.
type suggesting struct {
	c       *CLI
	o       *mapSuggestOptions
	kinds   []*suggest.Kind // that a table can be
	formats *convert.Formats
	set     *csvfhir.Set // the mappings that are built in
	shown   []suggested
	list    []suggest.Source
	unknown int // tables that the mapping says nothing of
}

func (c *CLI) runMapSuggest(ctx context.Context, o *mapSuggestOptions, args []string) error {
	if err := knownDates(o.dates); err != nil {
		return err
	}
	if o.out != "" && !o.force {
		if _, err := os.Lstat(o.out); err == nil {
			return usagef("%s is there; --force overwrites it", o.out)
		}
	}
	office, kinds, err := csvfhir.Office()
	if err != nil {
		return err
	}
	if kinds, err = kindsOf(kinds, o.as); err != nil {
		return err
	}
	set, err := csvfhir.NewSet(nil)
	if err != nil {
		return err
	}
	srcs, _, err := convert.Sources(args, c.In)
	if err != nil {
		return convertError(err)
	}
	formats, err := converters.Formats(nil)
	if err != nil {
		return err
	}
	g := &suggesting{c: c, o: o, kinds: kinds, formats: formats, set: set}
	if len(srcs) == 0 {
		return noFile()
	}
	for _, src := range srcs {
		switch err := g.source(ctx, src); {
		case err == nil:
		case len(srcs) > 1 && isUnreadable(err): // what else lies in a folder
			g.shown = append(g.shown, suggested{File: src.Path, Columns: []suggestedColumn{}, Left: strings.TrimPrefix(err.Error(), src.Path+": ")})
		default:
			return err
		}
	}
	if o.json {
		if err := c.printJSON(struct {
			Tables []suggested `json:"tables"`
		}{g.shown}); err != nil {
			return err
		}
	} else if !o.quiet {
		for i := range g.shown {
			printSuggested(c.Err, &g.shown[i])
		}
	}
	switch {
	case len(g.list) > 0:
	case g.unknown == 0 && slices.ContainsFunc(g.shown, func(s suggested) bool { return s.Mapping != "" }):
		return nil // every table is known without a mapping of one's own
	default:
		return fail(exitFindings, errors.New("no mapping was written: the columns are not those of any list that is known"),
			"say with --as what the table is, or write the mapping by hand: docs/rows.md")
	}
	text, err := g.mapping(office)
	if err != nil {
		return err
	}
	switch {
	case o.out != "":
		if err := safefile.Write(o.out, text, 0o644); err != nil {
			return fail(exitUnreadable, err)
		}
		if !o.quiet && !o.json {
			fmt.Fprintf(c.Err, "wrote %s; look through it, then: chartpost convert %s --map %s --to ndjson\n", o.out, args[0], o.out)
		}
	case !o.json:
		if _, err := c.Out.Write(text); err != nil {
			return fail(exitUnreadable, err)
		}
	}
	if g.unknown > 0 {
		return fail(exitFindings, fmt.Errorf("%s not in the mapping", plural(g.unknown, "table")))
	}
	return nil
}

// isUnreadable reports an error of one input that says nothing of the others.
func isUnreadable(err error) bool {
	var e *exitError
	return errors.As(err, &e) && e.code == exitUnreadable
}

// kindsOf are the kinds, or the one named as.
func kindsOf(kinds []*suggest.Kind, as string) ([]*suggest.Kind, error) {
	if as == "" {
		return kinds, nil
	}
	var names []string
	for _, k := range kinds {
		if k.Name == as {
			return []*suggest.Kind{k}, nil
		}
		names = append(names, k.Name)
	}
	return nil, usagef("--as %s: it is one of %s", as, strings.Join(names, ", "))
}

// source looks at the tables of one source.
func (g *suggesting) source(ctx context.Context, src convert.Source) error {
	if t := g.set.Blind(src.Name); t != nil && g.o.as == "" {
		g.shown = append(g.shown, suggested{File: src.Path, Mapping: t.Mapping(), Kind: t.Name, Columns: []suggestedColumn{}})
		return nil
	}
	file, done, err := openTables(src, g.formats, csvtab.Options{Encoding: g.o.encoding, Dates: csvtab.Order(g.o.dates), Sheets: g.o.sheets})
	if err != nil {
		return fail(exitUnreadable, fmt.Errorf("%s: %w", src.Path, plainFinding(err)))
	}
	defer done()
	for _, t := range file.Tables {
		name := src.Path
		if t.Sheet != "" && len(file.Tables) > 1 {
			name += ", sheet " + t.Sheet
		}
		if g.o.as == "" {
			x, err := g.set.FindIn(path.Base(src.Name), t)
			if err != nil {
				return fail(exitUnreadable, fmt.Errorf("%s: %w", name, err))
			}
			if x != nil && len(x.Unmapped()) == 0 {
				g.shown = append(g.shown, suggested{File: name, Mapping: x.Mapping(), Kind: x.Table.Name, Columns: []suggestedColumn{}})
				continue
			}
		}
		if err := g.table(ctx, name, t); err != nil {
			return err
		}
	}
	return nil
}

// table proposes what a table that no built-in mapping knows is, and asks about what is not sure.
func (g *suggesting) table(ctx context.Context, name string, t *csvtab.Table) error {
	columns, err := sampled(t)
	if err != nil {
		return fail(exitUnreadable, fmt.Errorf("%s: %w", name, err))
	}
	p := suggest.For(columns, g.kinds...)
	x := suggested{File: name, Missing: missingOf(p), Columns: []suggestedColumn{}}
	if p.Kind != nil {
		x.Kind = p.Kind.Name
	}
	for _, r := range p.Rivals {
		x.Rivals = append(x.Rivals, r.Name)
	}
	used := false
	agreed := map[*suggest.Choice]bool{}
	for i := range p.Choices {
		ch := &p.Choices[i]
		if ch.Known != nil && !ch.Sure() {
			if agreed[ch], err = g.c.useChoice(ctx, g.o, name, ch); err != nil {
				return err
			}
		}
		y := suggestedColumn{Name: ch.Column.Name, Sure: ch.Sure(), Used: ch.Sure() || agreed[ch], Why: ch.Why}
		if ch.Known != nil {
			y.Is = ch.Known.Name
		}
		if ch.Looks != nil && ch.Looks.Telling {
			y.Look = ch.Looks.Name
		}
		used = used || y.Used
		x.Columns = append(x.Columns, y)
	}
	g.shown = append(g.shown, x)
	if p.Kind == nil || !used {
		g.unknown++
		return nil
	}
	g.list = append(g.list, suggest.Source{
		Name: path.Base(name), Headers: t.Header(), Dates: datesOf(t, g.o.dates), Proposal: p,
		Use: func(ch *suggest.Choice) bool { return agreed[ch] },
	})
	return nil
}

// mapping is the text of the mapping, which was read again: what is written must be read.
func (g *suggesting) mapping(office *mapping.File) ([]byte, error) {
	title, numbers := g.o.name, ""
	if title == "" {
		title = strings.TrimSuffix(g.list[0].Name, path.Ext(g.list[0].Name))
	} else {
		numbers = terminology.LocalURI(g.o.name)
	}
	text, err := suggest.Write(title, numbers, office, g.list)
	if err != nil {
		return nil, err
	}
	for _, s := range g.list {
		if err := csvfhir.Suggested("suggested.map", text, s.Name, s.Headers); err != nil {
			return nil, fmt.Errorf("the proposal for %s is no mapping: %w", s.Name, err)
		}
	}
	return text, nil
}

// useChoice asks about a choice that is not sure.
func (c *CLI) useChoice(ctx context.Context, o *mapSuggestOptions, file string, ch *suggest.Choice) (bool, error) {
	switch {
	case o.yes:
		return true, nil
	case c.Ask == nil || o.json || o.quiet:
		return false, nil
	}
	return c.confirm(ctx, fmt.Sprintf("%s: is the column %q the %s? (%s)", file, ch.Column.Name, ch.Known.Name, ch.Why))
}

// openTables opens a source as tables. done closes it.
func openTables(src convert.Source, formats *convert.Formats, o csvtab.Options) (*csvtab.File, func(), error) {
	open := csvtab.Source(src.Open)
	free := func() {}
	if src.File == "" { // a stream is read once only
		r, err := src.Open()
		if err != nil {
			return nil, nil, err
		}
		defer r.Close()
		f, done, err := convert.Spool(r, src.Name, "")
		if err != nil {
			return nil, nil, err
		}
		open, free = f.Open, done
	}
	name := src.Path
	if name == "-" {
		name = src.Name
	}
	if err := noTable(src.Name, open, formats); err != nil {
		free()
		return nil, nil, err
	}
	f, err := csvtab.Open(name, open, o)
	if err != nil {
		free()
		return nil, nil, err
	}
	return f, func() { f.Close(); free() }, nil
}

// noTable says what a source is that needs no mapping of tables: nothing, or a record of another format.
func noTable(name string, open csvtab.Source, formats *convert.Formats) error {
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	head := make([]byte, convert.SniffLen)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if n == 0 {
		return errors.New("it is empty")
	}
	if f := formats.Detect(name, head[:n]); f != nil && formatNames[f.Name] != "" && f.Name != "csv" {
		return fmt.Errorf("it is %s, not a table, and needs no mapping", formatNames[f.Name])
	}
	return nil
}

// plainFinding is a finding as the text of an error.
func plainFinding(err error) error {
	if errors.As(err, new(*fs.PathError)) {
		return err
	}
	var f *diag.Finding
	if errors.As(err, &f) {
		return errors.New(f.Message())
	}
	return errors.New(convert.Plain(err))
}

// sampled are the columns of a table with some of their values, none of them twice in a row.
func sampled(t *csvtab.Table) ([]suggest.Column, error) {
	columns := make([]suggest.Column, len(t.Columns))
	for i := range columns {
		columns[i].Name = t.Columns[i].Name
	}
	n := 0
	for r, err := range t.Rows() {
		if err != nil {
			return nil, err
		}
		if r.Fault != nil {
			continue
		}
		for i := range r.Cells {
			if i == len(columns) || r.Cells[i].Blank() || r.Cells[i].Is&csvtab.IsError != 0 || len(columns[i].Values) == suggestSample {
				continue
			}
			columns[i].Values = append(columns[i].Values, strings.Clone(r.Cells[i].Text))
		}
		if n++; n == 20*suggestSample {
			break
		}
	}
	return columns, nil
}

// datesOf is the order of all dates of a table that have one; empty if they differ or say it themselves.
func datesOf(t *csvtab.Table, given string) string {
	if given != "" {
		return given
	}
	order := ""
	for i := range t.Columns {
		d := t.Columns[i].Dates
		if d == nil || d.Order == "" {
			continue
		}
		if order != "" && order != string(d.Order) {
			return ""
		}
		order = string(d.Order)
	}
	return order
}

func missingOf(p *suggest.Proposal) (list []string) {
	for _, m := range p.Missing {
		var names []string
		for _, k := range m {
			names = append(names, k.Name)
		}
		list = append(list, strings.Join(names, " or "))
	}
	return list
}

func printSuggested(w io.Writer, s *suggested) {
	switch {
	case s.Left != "":
		fmt.Fprintf(w, "%s: left out: %s\n", diag.Printable(s.File), diag.Printable(s.Left))
		return
	case s.Mapping != "":
		fmt.Fprintf(w, "%s: the built-in mapping %s knows it as %s; it needs no mapping of its own\n", diag.Printable(s.File), s.Mapping, s.Kind)
		return
	case s.Kind == "":
		fmt.Fprintf(w, "%s: no list that is known\n", diag.Printable(s.File))
	default:
		fmt.Fprintf(w, "%s: %s\n", diag.Printable(s.File), s.Kind)
	}
	group := func(head string, take func(y *suggestedColumn) bool, line func(y *suggestedColumn) string) {
		first := true
		for i := range s.Columns {
			if y := &s.Columns[i]; take(y) {
				if first {
					fmt.Fprintf(w, "  %s:\n", head)
					first = false
				}
				fmt.Fprintf(w, "    %s\n", diag.Printable(line(y)))
			}
		}
	}
	is := func(y *suggestedColumn) string { return y.Name + " is " + y.Is }
	group("sure", func(y *suggestedColumn) bool { return y.Sure }, is)
	group("taken on your word", func(y *suggestedColumn) bool { return !y.Sure && y.Used }, is)
	group("not sure, written as a comment", func(y *suggestedColumn) bool { return !y.Used && y.Is != "" },
		func(y *suggestedColumn) string { return is(y) + "? " + y.Why })
	group("unknown, goes to the ledger", func(y *suggestedColumn) bool { return y.Is == "" }, func(y *suggestedColumn) string {
		switch {
		case y.Why != "":
			return y.Name + ": " + y.Why
		case y.Look != "":
			return y.Name + ": holds " + y.Look
		}
		return y.Name
	})
	for _, m := range s.Missing {
		fmt.Fprintf(w, "  missing: %s\n", m)
	}
	if len(s.Rivals) > 0 {
		fmt.Fprintf(w, "  it could as well be %s: say which with --as\n", strings.Join(s.Rivals, " or "))
	}
}
