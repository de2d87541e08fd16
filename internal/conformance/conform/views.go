package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/internal/viewsuite"
)

// views runs the test suite of SQL on FHIR.
func views(args []string) error {
	f := flag.NewFlagSet("views", flag.ContinueOnError)
	out := f.String("report", "", "file for the report")
	if f.Parse(args) != nil || f.NArg() > 0 {
		return errUsage
	}
	shared := testshared.Find()
	if shared == "" {
		return noShared("views")
	}
	report, err := viewsuite.Run(filepath.Join(shared, "conformance", "sql-on-fhir", "tests"))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(report)) {
		for _, t := range report[name].Tests {
			if !t.Result.Passed {
				fmt.Printf("%s: %s: %s\n", name, t.Name, t.Result.Reason)
			}
		}
	}
	passed, all := report.Count()
	fmt.Printf("SQL on FHIR: %d of %d tests pass (%.1f %%)\n", passed, all, 100*float64(passed)/float64(all))
	if *out != "" {
		b, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*out, append(b, '\n'), 0o644); err != nil {
			return err
		}
	}
	if passed != all {
		return fmt.Errorf("%d tests of SQL on FHIR fail", all-passed)
	}
	return nil
}
