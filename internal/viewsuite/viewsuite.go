// Package viewsuite runs the test suite of SQL on FHIR v2 (2.1.0-pre) over pkg/sqlview, and reports as its implementations do
// (test_report.schema.json of the suite's repository): by file, a result for each test.
package viewsuite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/fhirpath"
	"github.com/chartpost/chartpost/pkg/sqlview"
)

// Report is the results by file of the suite.
type Report map[string]*File

// File is the results of a file.
type File struct {
	Tests []Test `json:"tests"`
}

// Test is the result of a test.
type Test struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
}

// Result says whether a test passed, and if not, why.
type Result struct {
	Passed bool   `json:"passed"`
	Reason string `json:"reason,omitempty"`
}

// Count is how many tests passed, of how many.
func (r Report) Count() (passed, all int) {
	for _, f := range r {
		for _, t := range f.Tests {
			if all++; t.Result.Passed {
				passed++
			}
		}
	}
	return passed, all
}

type suite struct {
	Resources []json.RawMessage
	Tests     []struct {
		Title         string
		View          json.RawMessage
		Expect        *[]json.RawMessage
		ExpectColumns []string
		ExpectCount   *int
		ExpectError   bool
	}
}

// Run runs the files of a folder.
func Run(dir string) (Report, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no tests in %s", dir)
	}
	report := Report{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var s suite
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		var resources []fhirpath.Value
		for _, r := range s.Resources {
			m, finds := fhir.Unmarshal(r)
			if m == nil {
				return nil, fmt.Errorf("%s: %v", name, finds)
			}
			resources = append(resources, fhirpath.Of(m))
		}
		f := &File{Tests: []Test{}}
		for _, x := range s.Tests {
			rows, columns, err := run(x.View, resources)
			var reason string
			switch {
			case x.ExpectError && err == nil:
				reason = "no error"
			case x.ExpectError:
			case err != nil:
				reason = err.Error()
			case x.ExpectColumns != nil && !slices.Equal(x.ExpectColumns, columns):
				reason = fmt.Sprintf("columns %v, want %v", columns, x.ExpectColumns)
			case x.ExpectCount != nil && len(rows) != *x.ExpectCount:
				reason = fmt.Sprintf("%d rows, want %d", len(rows), *x.ExpectCount)
			case x.Expect != nil:
				reason, err = differ(rows, *x.Expect)
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", name, x.Title, err)
				}
			}
			f.Tests = append(f.Tests, Test{x.Title, Result{reason == "", reason}})
		}
		report[filepath.Base(name)] = f
	}
	return report, nil
}

func run(definition []byte, resources []fhirpath.Value) (rows []json.RawMessage, columns []string, err error) {
	views, finds := sqlview.Parse("view.json", "view", definition)
	if len(views) != 1 {
		var all []error
		for _, f := range finds {
			all = append(all, f)
		}
		return nil, nil, errors.Join(all...)
	}
	v := views[0]
	for _, c := range v.Columns {
		columns = append(columns, c.Name)
	}
	r := v.NewRunner(fhirpath.NewContext(fhirpath.Env{}))
	for _, x := range resources {
		err := r.Run(x, func(row sqlview.Row) error {
			rows = append(rows, v.AppendJSON(nil, row))
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return rows, columns, nil
}

// differ compares rows in any order; numbers by their value, and a member that is absent as null.
func differ(got, want []json.RawMessage) (string, error) {
	a, err := normal(got)
	if err != nil {
		return "", err
	}
	b, err := normal(want)
	if err != nil {
		return "", err
	}
	if !slices.Equal(a, b) {
		return fmt.Sprintf("rows [%s], want [%s]", strings.Join(a, " "), strings.Join(b, " ")), nil
	}
	return "", nil
}

func normal(rows []json.RawMessage) ([]string, error) {
	var list []string
	for _, r := range rows {
		dec := json.NewDecoder(bytes.NewReader(r))
		dec.UseNumber()
		var m map[string]any
		if err := dec.Decode(&m); err != nil {
			return nil, err
		}
		for k, v := range m {
			switch x := v.(type) {
			case nil:
				delete(m, k)
			case json.Number:
				if n, ok := new(big.Rat).SetString(x.String()); ok {
					m[k] = map[string]string{"number": n.RatString()}
				}
			}
		}
		b, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		list = append(list, string(b))
	}
	slices.Sort(list)
	return list, nil
}
