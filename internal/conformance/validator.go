package conformance

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/validate"
)

// ValidatorCase is one case of the official validator's test suite (FHIR/fhir-test-cases), with what became of it.
type ValidatorCase struct {
	Name, File, Module string
	Errors             int  // how many the suite expects
	Decidable          bool // the official validator decides it the same, offline and with no other file
	Ours               []*diag.Finding
}

// Rejected reports whether we find that the case will be rejected.
func (c *ValidatorCase) Rejected() bool {
	return slices.ContainsFunc(c.Ours, func(f *diag.Finding) bool { return f.Severity() == diag.Reject })
}

// Agrees reports whether we say of the case what the suite says: valid or not.
func (c *ValidatorCase) Agrees() bool { return c.Rejected() == (c.Errors > 0) }

// disagreements says of each case where we do not agree with the suite why.
//
//go:embed validator.tsv
var disagreements string

// Disagreements are the explained disagreements by the name of the case.
func Disagreements() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(disagreements) {
		if name, why, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && !strings.HasPrefix(line, "#") {
			m[name] = why
		}
	}
	return m
}

// ValidatorCases checks all cases of the suite.
func ValidatorCases(shared string) ([]*ValidatorCase, error) {
	dir := filepath.Join(shared, "conformance/fhir-test-cases")
	b, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		return nil, err
	}
	var list []struct {
		Name, File, Module string
		Errors             int
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	if b, err = os.ReadFile(filepath.Join(dir, "OFFLINE.tsv")); err != nil {
		return nil, err
	}
	decidable := map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if f := strings.Split(s.Text(), "\t"); len(f) == 6 {
			decidable[f[0]] = f[5] == "yes"
		}
	}
	v, err := validate.New(validate.Options{})
	if err != nil {
		return nil, err
	}
	var out []*ValidatorCase
	for _, x := range list {
		c := &ValidatorCase{Name: x.Name, File: x.File, Module: x.Module, Errors: x.Errors, Decidable: decidable[x.Name]}
		f, err := os.Open(filepath.Join(dir, x.File))
		if err != nil {
			return nil, err
		}
		_, err = v.Stream(context.Background(), f, x.File, func(f *diag.Finding) { c.Ours = append(c.Ours, f) })
		f.Close()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// ValidatorTable is the agreement by module, in text.
func ValidatorTable(cases []*ValidatorCase) string {
	type count struct{ all, agree, decidable, decided int }
	by := map[string]*count{}
	var total count
	for _, c := range cases {
		n := by[c.Module]
		if n == nil {
			n = &count{}
			by[c.Module] = n
		}
		for _, n := range []*count{n, &total} {
			n.all++
			if c.Agrees() {
				n.agree++
			}
			if c.Decidable {
				n.decidable++
				if c.Agrees() {
					n.decided++
				}
			}
		}
	}
	var names []string
	for n := range by {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "%-20s %16s %16s\n", "module", "decidable", "all")
	for _, n := range names {
		x := by[n]
		fmt.Fprintf(&b, "%-20s %7d of %4d  %7d of %4d\n", n, x.decided, x.decidable, x.agree, x.all)
	}
	fmt.Fprintf(&b, "%-20s %7d of %4d  %7d of %4d\n", "total", total.decided, total.decidable, total.agree, total.all)
	return b.String()
}
