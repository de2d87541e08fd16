package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// TestCodesCostNothing: what --codes adds to each code there is takes the place of no value, in any format, and the output is as valid as it was. The
// codes of the examples that rows look for (Observation.category) and those that FHIR flags as modifiers are among them.
func TestCodesCostNothing(t *testing.T) {
	root, dir := testshared.Root(), t.TempDir()
	inputs := []string{filepath.Join(root, "examples/ccd.xml"), filepath.Join(root, "examples/lab-oru-r01.hl7"), filepath.Join(root, "examples/shots-vxu-v04.hl7"),
		filepath.Join(root, "examples/visit-adt-a08.hl7")}
	run := func(args ...string) {
		t.Helper()
		if status, _, stderr := chartpost(t, dir, nil, args...); status != 0 {
			t.Fatalf("%v: %d\n%s", args, status, stderr)
		}
	}
	run(append([]string{"convert", "--to", "ndjson", "-o", "plain/"}, inputs...)...)
	var codes strings.Builder
	codes.WriteString("system,code,target system,target code\n")
	all := map[string]bool{}
	var walk func(x any)
	walk = func(x any) {
		switch x := x.(type) {
		case map[string]any:
			list, _ := x["coding"].([]any)
			for _, c := range list {
				c, _ := c.(map[string]any)
				system, _ := c["system"].(string)
				code, _ := c["code"].(string)
				if line := fmt.Sprintf("%q,%q,https://maple.example/codes,C%d\n", system, code, len(all)); code != "" && !all[system+"#"+code] {
					all[system+"#"+code] = true
					codes.WriteString(line)
				}
			}
			for _, y := range x {
				walk(y)
			}
		case []any:
			for _, y := range x {
				walk(y)
			}
		}
	}
	for _, text := range contents(t, filepath.Join(dir, "plain")) {
		for line := range strings.Lines(text) {
			var x any
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			walk(x)
		}
	}
	if len(all) < 50 {
		t.Fatalf("only %d codes", len(all))
	}
	if err := os.WriteFile(filepath.Join(dir, "codes.csv"), []byte(codes.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	lost := func(name string) map[string]bool {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var ledger struct {
			Records []struct {
				Folded, Declined, Unmapped, Invalid []struct{ At string }
			}
		}
		if err := json.Unmarshal(text, &ledger); err != nil {
			t.Fatal(err)
		}
		list := map[string]bool{}
		for i, r := range ledger.Records {
			for state, lines := range map[string][]struct{ At string }{"folded": r.Folded, "unmapped or declined": append(r.Declined, r.Unmapped...), "invalid": r.Invalid} {
				for _, l := range lines {
					list[fmt.Sprintf("record %d, %s %s", i, l.At, state)] = true
				}
			}
		}
		return list
	}
	for i, in := range inputs {
		run("convert", in, "--to", "fhir", "-o", fmt.Sprintf("%d.json", i))
		for _, from := range []string{in, fmt.Sprintf("%d.json", i)} {
			for _, to := range []string{"hl7v2", "ccda", "fhir"} {
				name := fmt.Sprintf("%d%s-%s", i, filepath.Ext(from), to)
				run("convert", from, "--to", to, "-o", name+".0", "--ledger", name+".0.ledger")
				run("convert", from, "--to", to, "-o", name+".1", "--ledger", name+".1.ledger", "--codes", "codes.csv")
				was := lost(name + ".0.ledger")
				for at := range lost(name + ".1.ledger") {
					if !was[at] {
						t.Errorf("%s: %s", name, at)
					}
				}
				plain, _ := os.ReadFile(filepath.Join(dir, name+".0"))
				if text, err := os.ReadFile(filepath.Join(dir, name+".1")); err != nil || len(text) <= len(plain) {
					t.Errorf("%s: nothing was added", name)
				}
				before, _, _ := chartpost(t, dir, nil, "validate", name+".0")
				if status, stdout, _ := chartpost(t, dir, nil, "validate", name+".1"); status > before {
					t.Errorf("%s is not valid\n%s", name, stdout)
				}
			}
		}
	}
}
