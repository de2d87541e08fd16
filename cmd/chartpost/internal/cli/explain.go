package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/converters/csvfhir"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/validate/cda"
)

type explainOptions struct {
	all, json bool
	maps      []string
}

func newExplainCommand(c *CLI) *cobra.Command {
	o := new(explainOptions)
	cmd := &cobra.Command{
		Use:   "explain PLACE|ELEMENT|TABLE|FINDING",
		Short: "Show the mapping rows of a place, or a finding in words",
		Long: `Explain shows which rows of the mappings a place of the source (PID-8, PID-5.1), an element of FHIR (Patient.gender),
a table or datatype (OBX, XPN), codes (0001), a template id, or a column of tables by any of its names (DOB) has to do with: where it goes, which codes translate it,
what the row's note says, and the file and line of the row. A finding's id (CP-V2-001) is explained with its reason and remedy, and
the CONF number of a conformance statement of C-CDA (CONF:1198-7504) with what validate looks for.`,
		Example: "  chartpost explain PID-8\n  chartpost explain Patient.gender\n  chartpost explain CP-MAP-003\n  chartpost explain CONF:1198-7504",
		Args: func(cmd *cobra.Command, args []string) error {
			if o.all != (len(args) == 0) || len(args) > 1 {
				return errors.New("explain takes one place, element, table or finding, or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.runExplain(o, strings.Join(args, "")) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "list every row, all codes and all findings")
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	cmd.Flags().StringArrayVar(&o.maps, "map", nil, "put this overlay over the built-in tables; may be repeated, the last wins")
	return cmd
}

// explained is the answer as JSON has it.
type explained struct {
	Query    string             `json:"query,omitzero"`
	Rows     []explainedRow     `json:"rows"`
	Findings []explainedFinding `json:"findings"`
	Columns  []explainedColumn  `json:"columns,omitempty"` // of tables, where the query is another name for them

	Statements []cda.Rule `json:"statements,omitempty"` // of C-CDA
}

type explainedRow struct {
	Format string `json:"format"`
	*mapping.Explanation
}

// explainedColumn is what the rows of a mapping call a column that tables call otherwise.
type explainedColumn struct {
	Mapping string `json:"mapping"`
	Column  string `json:"column"`
}

type explainedFinding struct {
	ID       diag.ID       `json:"id"`
	Severity diag.Severity `json:"severity"`
	What     string        `json:"what"`
	Why      string        `json:"why"`
	Fix      string        `json:"fix"`
}

func (c *CLI) runExplain(o *explainOptions, query string) error {
	answer := explained{Query: query, Rows: []explainedRow{}, Findings: []explainedFinding{}}
	id := strings.ToUpper(query)
	for _, e := range diag.Entries() {
		if o.all || string(e.ID) == id {
			answer.Findings = append(answer.Findings, explainedFinding{e.ID, e.Severity, e.What, e.Why, e.Fix})
		}
	}
	query = strings.TrimSpace(query)
	if query == "" && !o.all {
		return usagef("explain takes one place, element, table or finding, or --all")
	}
	hints := []string{nearFinding(id)}
	_, isConf := cda.ConfNumber(query)
	if isConf {
		answer.Statements = cda.Explain(query)
		hints = append(hints, "validate checks the statements of C-CDA R2.1 and its Companion Guide R4.1 that a program can test")
	}
	if !strings.HasPrefix(id, "CP-") && !isConf {
		sets, err := c.explainSets(o.maps)
		if err != nil {
			return err
		}
		for _, s := range sets {
			rows := s.set.Explain(query)
			if o.all {
				rows = s.set.ExplainAll()
			}
			if len(rows) == 0 && s.mapping != nil {
				for _, name := range s.mapping.Called(query) {
					answer.Columns = append(answer.Columns, explainedColumn{s.mapping.Name, name})
					rows = append(rows, s.set.Explain(name)...)
				}
			}
			for _, r := range rows {
				answer.Rows = append(answer.Rows, explainedRow{s.format, r})
			}
			if hint := s.set.Suggest(query); !slices.Contains(hints, hint) {
				hints = append(hints, hint)
			}
		}
	}
	if len(answer.Rows)+len(answer.Findings)+len(answer.Statements) == 0 {
		hints = slices.DeleteFunc(hints, func(h string) bool { return h == "" })
		guess := func(h string) bool { return strings.HasPrefix(h, "did you mean") }
		lines := hints
		if slices.ContainsFunc(hints, guess) { // of one format; what the others do not have helps nobody
			lines = slices.DeleteFunc(hints, func(h string) bool { return !guess(h) })
		}
		return fail(exitUsage, fmt.Errorf("nothing is known of %s", query), lines...)
	}
	if o.json {
		return c.printJSON(answer)
	}
	var b strings.Builder
	for _, x := range answer.Columns {
		fmt.Fprintf(&b, "%s is a name of the column %s in the mapping %s\n\n", diag.Printable(query), x.Column, x.Mapping)
	}
	for i, r := range answer.Rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		for _, l := range r.Text() {
			b.WriteString(l)
			b.WriteByte('\n')
		}
	}
	for i, f := range answer.Findings {
		if i > 0 || len(answer.Rows) > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s (%s): %s\n  why   %s\n  mend  %s\n", f.ID, f.Severity, f.What, f.Why, f.Fix)
	}
	for i, s := range answer.Statements {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "CONF:%s (%s, %s): %s\n  demands  %s\n  test     %s\n", s.Conf, s.Level, s.Source, s.About, s.Demands, s.Test)
		if len(s.Context) <= 300 { // those of names and addresses are endless
			fmt.Fprintf(&b, "  of each  %s\n", s.Context)
		}
	}
	if _, err := fmt.Fprint(c.Out, b.String()); err != nil {
		return fail(exitUnreadable, err)
	}
	return nil
}

type formatSet struct {
	format  string
	set     *mapping.Set
	mapping *csvfhir.Mapping // of tables
}

// explainSets gives the tables of every format, with the overlays of that format over them.
func (c *CLI) explainSets(maps []string) ([]formatSet, error) {
	srcs, err := c.readMaps(maps)
	if err != nil {
		return nil, err
	}
	var files []*mapping.File
	var faults mapping.Faults
	for _, src := range srcs {
		f, err := mapping.ParseFile(src.name, src.data)
		faults = append(faults, mapping.FaultsOf(err)...)
		files = append(files, f)
	}
	if len(faults) == 0 {
		faults = checkMaps(files)
	}
	if len(faults) > 0 {
		for _, f := range faults {
			printFault(c.Err, f)
		}
		return nil, fail(exitFindings, fmt.Errorf("%s in %s: it explains nothing before they are mended", plural(len(faults), "fault"), plural(len(files), "mapping file")))
	}
	var sets []formatSet
	for _, b := range converters.Mappings() {
		var mine []*mapping.File
		for _, f := range files {
			if formatOf(f) == b.Format.Name {
				mine = append(mine, f)
			}
		}
		set, err := overlaid(b, mine)
		if err != nil {
			return nil, fail(exitUnreadable, err)
		}
		sets = append(sets, formatSet{b.Format.Name, set, nil})
	}
	var mine []*mapping.File
	for _, f := range files {
		if formatOf(f) == "csv" {
			mine = append(mine, f)
		}
	}
	tables, err := csvfhir.NewSet(mine)
	if err != nil {
		return nil, fail(exitUnreadable, err)
	}
	for _, m := range tables.Mappings {
		set, err := m.Rows()
		if err != nil {
			return nil, fail(exitUnreadable, err)
		}
		sets = append(sets, formatSet{"csv", set, m})
	}
	return sets, nil
}

// nearFinding is a hint at the findings of an area, for an id that is not in the list.
func nearFinding(id string) string {
	if !strings.HasPrefix(id, "CP-") {
		return ""
	}
	area, first, last := "", diag.ID(""), diag.ID("")
	if i := strings.LastIndexByte(id, '-'); i > 2 {
		area = id[:i+1]
	}
	for _, e := range diag.Entries() {
		if area != "" && strings.HasPrefix(string(e.ID), area) {
			if first == "" {
				first = e.ID
			}
			last = e.ID
		}
	}
	if first == "" {
		return "findings are called CP-V2-001, CP-CDA-001, CP-CSV-001, CP-FHIR-001, CP-PKG-001, CP-MAP-001, CP-CNV-001 and so on"
	}
	return fmt.Sprintf("there are %s to %s", first, last)
}
