package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/converters/csvfhir"
	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
)

func newMapCommand(c *CLI) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "map",
		Short: "Check, format and propose mapping files",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMapCheckCommand(c), newMapFmtCommand(c), newMapSuggestCommand(c))
	return cmd
}

type mapCheckOptions struct {
	json, quiet bool
}

func newMapCheckCommand(c *CLI) *cobra.Command {
	o := new(mapCheckOptions)
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check mapping files against the built-in tables and FHIR",
		Long: `Check reads mapping files, puts them over the built-in tables of their format in the order given,
and compiles every row against FHIR. It prints every fault with its file and line and what to write instead.
A folder stands for the .map files in it. Exit status: 0 no fault, 1 faults, 3 a file cannot be read.`,
		Example: "  chartpost map check maple.map",
		Args:    someInput,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runMapCheck(o, args) },
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "print faults only")
	return cmd
}

// mapFault is a fault as map check prints it.
type mapFault struct {
	ID       diag.ID       `json:"id"`
	Severity diag.Severity `json:"severity"`
	File     string        `json:"file"`
	Line     int           `json:"line,omitzero"`
	Column   int           `json:"column,omitzero"`
	What     string        `json:"what"`
	Hint     string        `json:"hint,omitzero"`
}

func (c *CLI) runMapCheck(o *mapCheckOptions, args []string) error {
	srcs, err := c.readMaps(args)
	if err != nil {
		return err
	}
	var files []*mapping.File
	var faults mapping.Faults
	rows := 0
	for _, src := range srcs {
		f, err := mapping.ParseFile(src.name, src.data)
		faults = append(faults, mapping.FaultsOf(err)...)
		files = append(files, f)
		rows += countRows(f)
	}
	if len(faults) == 0 {
		faults = checkMaps(files)
	}
	slices.SortStableFunc(faults, func(a, b *mapping.Fault) int {
		return cmp.Or(cmp.Compare(fileRank(srcs, a.Pos.File), fileRank(srcs, b.Pos.File)), cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	views := make([]mapFault, len(faults))
	for i, f := range faults {
		id := f.Finding().ID
		views[i] = mapFault{id, id.Entry().Severity, f.Pos.File, f.Pos.Line, f.Pos.Column, f.Msg, f.Hint}
	}
	if o.json {
		if err := c.printJSON(struct {
			Files  int        `json:"files"`
			Rows   int        `json:"rows"`
			Faults []mapFault `json:"faults"`
		}{len(files), rows, views}); err != nil {
			return err
		}
	} else {
		for _, f := range faults {
			printFault(c.Out, f)
		}
	}
	if len(faults) > 0 {
		return fail(exitFindings, fmt.Errorf("%s in %s", plural(len(faults), "fault"), plural(len(files), "mapping file")))
	}
	if !o.quiet && !o.json {
		fmt.Fprintf(c.Err, "%s, %s and lines of codes, no fault\n", plural(len(files), "mapping file"), plural(rows, "row"))
	}
	return nil
}

// printFault prints a fault with its place and what to write instead.
func printFault(w io.Writer, f *mapping.Fault) {
	x := f.Finding()
	fmt.Fprintf(w, "%s: %s [%s]\n", x.Place, f.Msg, x.ID)
	if f.Hint != "" {
		fmt.Fprintf(w, "  %s\n", f.Hint)
	}
}

// checkMaps compiles files over the built-in tables of their formats.
func checkMaps(files []*mapping.File) mapping.Faults {
	var faults mapping.Faults
	done := map[string]bool{}
	for _, f := range files {
		format := formatOf(f)
		if done[format] {
			continue
		}
		done[format] = true
		var mine []*mapping.File
		for _, g := range files {
			if formatOf(g) == format {
				mine = append(mine, g)
			}
		}
		if format == "csv" { // whose mappings stand each for itself
			faults = append(faults, mapping.FaultsOf(csvfhir.Check(mine))...)
			continue
		}
		b := mapping.Tables{Files: func() ([]*mapping.File, error) { return nil, nil }}
		for _, x := range converters.Mappings() {
			if x.Format.Name == format {
				b = x
			}
		}
		set, err := overlaid(b, mine)
		if err == nil {
			if b.Format != nil {
				err = mapping.New(b.Format, b.Types, set).Check()
			} else {
				err = set.Check()
			}
		}
		faults = append(faults, mapping.FaultsOf(err)...)
	}
	return faults
}

func countRows(f *mapping.File) (n int) {
	for _, x := range f.Items {
		switch x := x.(type) {
		case *mapping.Table:
			if x.Names() != nil {
				n += len(x.Rows)
			}
		case *mapping.Codes:
			n += len(x.Codes)
		case *mapping.Change:
			n++
		}
	}
	return n
}

// fileRank puts the files that were given before those that they go over, in the order given.
func fileRank(srcs []mapSource, name string) int {
	i := slices.IndexFunc(srcs, func(s mapSource) bool { return s.name == name })
	if i < 0 {
		return len(srcs)
	}
	return i
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.ContainsAny(stem[len(stem)-1:], "aeiou") { // entries, but days
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

type mapFmtOptions struct {
	write, check bool
}

func newMapFmtCommand(c *CLI) *cobra.Command {
	o := new(mapFmtOptions)
	cmd := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Print mapping files in their one layout",
		Long: `Fmt prints mapping files with their columns aligned; comments stay where they are. With -w it rewrites the files,
with --check it only names those whose layout is another, and exits with 1 if there are any.
A file with faults is not formatted: they are printed, and the exit status is 1.`,
		Example: "  chartpost map fmt -w maple.map",
		Args:    someInput,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runMapFmt(o, args) },
	}
	cmd.Flags().BoolVarP(&o.write, "write", "w", false, "rewrite the files in place")
	cmd.Flags().BoolVar(&o.check, "check", false, "name the files whose layout is another, and change nothing")
	cmd.MarkFlagsMutuallyExclusive("write", "check")
	return cmd
}

func (c *CLI) runMapFmt(o *mapFmtOptions, args []string) error {
	if o.write && slices.Contains(args, "-") {
		return usagef("standard input cannot be rewritten in place")
	}
	srcs, err := c.readMaps(args)
	if err != nil {
		return err
	}
	faulty, other := 0, 0
	for _, src := range srcs {
		f, err := mapping.ParseFile(src.name, src.data)
		if faults := mapping.FaultsOf(err); len(faults) > 0 {
			for _, x := range faults {
				printFault(c.Err, x)
			}
			faulty++
			continue
		}
		text := mapping.Format(f)
		same := bytes.Equal(text, src.data)
		switch {
		case o.check:
			if !same {
				fmt.Fprintln(c.Out, src.name)
				other++
			}
		case !o.write:
			if _, err := c.Out.Write(text); err != nil {
				return fail(exitUnreadable, err)
			}
		case !same:
			if err := rewrite(src.name, text); err != nil {
				return fail(exitUnreadable, err)
			}
		}
	}
	switch {
	case faulty > 0:
		return fail(exitFindings, fmt.Errorf("%s with faults, not formatted", plural(faulty, "mapping file")))
	case other > 0:
		return fail(exitFindings, fmt.Errorf("%s in another layout", plural(other, "mapping file")), "chartpost map fmt -w rewrites them")
	}
	return nil
}

// rewrite replaces a file whole or not at all, through a symbolic link.
func rewrite(name string, text []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return safefile.Write(name, text, info.Mode().Perm())
}
