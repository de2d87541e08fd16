package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/converters/csvfhir"
	"github.com/chartpost/chartpost/converters/views"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/sqlview"
)

// tables is the format of tables that a conversion writes; nil if it writes something else.
func (c *CLI) tables(o *convertOptions, formats *convert.Formats) (*convert.Format, error) {
	w := csvtab.Writing{Raw: o.rawCSV}
	switch o.application {
	case "":
	case "excel":
		w.Excel = true
	default:
		return nil, fail(exitUsage, fmt.Errorf("--for %s: no such program", o.application), "it is excel")
	}
	table := o.to == "csv" || o.to == "xlsx"
	switch {
	case (w.Raw || w.Excel) && o.to != "csv":
		return nil, usagef("--for and --raw-csv are about --to csv")
	case len(o.views) > 0 && !table && o.to != "ndjson":
		return nil, fail(exitUsage, fmt.Errorf("--view makes tables, and --to %s writes none", o.to), "write --to csv, --to xlsx or --to ndjson")
	case len(o.views) == 0 && !table:
		return nil, nil
	case len(o.views) == 0:
		if f := formats.MappedTables(o.to, o.mapping(), convert.TableStyle{Excel: w.Excel, Raw: w.Raw}); f != nil { // a mapping backwards
			return f, nil
		}
		return views.Flat(o.to, w), nil
	}
	var list []*sqlview.View
	name := ""
	for _, arg := range o.views {
		set, called, err := c.viewsOf(o, arg)
		if err != nil {
			return nil, err
		}
		list = append(list, set...)
		if name = called; len(o.views) > 1 {
			name = "views"
		}
	}
	f, err := views.Format(o.to, name, list, w)
	if err != nil {
		return nil, fail(exitUsage, err, "name each view once; a view is called as its name says, else as its file")
	}
	return f, nil
}

// mapping is the name of the built-in mapping that --map names last of all, if it does.
func (o *convertOptions) mapping() string {
	if n := len(o.maps); n > 0 && isBuiltInMap(o.maps[n-1]) {
		return o.maps[n-1]
	}
	return ""
}

// isBuiltInMap reports what --map says of a built-in mapping of tables, where no file is called so.
func isBuiltInMap(arg string) bool {
	_, err := os.Stat(arg)
	return err != nil && csvfhir.BuiltIn(arg)
}

// viewsOf are the views that an argument of --view names, and what they are called together.
func (c *CLI) viewsOf(o *convertOptions, arg string) ([]*sqlview.View, string, error) {
	if set, ok := views.Named(arg); ok {
		return set, arg, nil
	}
	src, err := os.ReadFile(arg)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(arg, `./\`) {
		return nil, "", fail(exitUsage, fmt.Errorf("--view %s: there is no such set of views, and no such file", arg), "the sets are "+views.SetNames())
	}
	if err != nil {
		return nil, "", fail(exitUnreadable, err)
	}
	name := strings.TrimSuffix(filepath.Base(arg), filepath.Ext(arg))
	list, finds := sqlview.Parse(arg, name, src)
	report := newReporter(c, o.json, o.quiet, o.values)
	for _, f := range finds {
		report.finding(f)
	}
	if report.all != nil && len(finds) > 0 {
		if err := writeLine(c.Err, map[string]diag.JSON{"findings": report.all.JSON()}); err != nil {
			return nil, "", fail(exitUnreadable, err)
		}
	}
	if slices.ContainsFunc(finds, func(f *diag.Finding) bool { return f.Severity() == diag.Reject }) {
		return nil, "", fail(exitUsage, fmt.Errorf("--view %s: nothing is converted with a faulty view", arg))
	}
	return list, sqlview.SQLName(name), nil
}
