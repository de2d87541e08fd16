package conformance

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Verdict sums up what the official validator said of a set of files.
type Verdict struct {
	Files, Errors, Warnings int
	Kinds                   []*FindingKind // the most frequent first
	Totals                  string         // its own last line
}

// FindingKind is one kind of finding: a message id at a path without indexes.
type FindingKind struct {
	Level, ID, Path, Message string
	N                        int
	Files                    []string // examples, three at most
}

// RunReferee runs the official validator (shared referee/fhir) over files and folders, offline.
func RunReferee(shared string, paths []string) (*Verdict, error) {
	script := filepath.Join(shared, "referee", "fhir", "validate.sh")
	if _, err := os.Stat(script); err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	cmd := exec.Command("bash", append([]string{script}, paths...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	v := parseVerdict(out.String(), errs.String())
	if err != nil && v.Errors == 0 { // it failed, and not because of a finding
		return nil, fmt.Errorf("%w\n%s", err, lastLines(errs.String(), 20))
	}
	if v.Files == 0 {
		return nil, fmt.Errorf("the referee saw no file in %s", strings.Join(paths, " "))
	}
	return v, nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

var (
	indexes    = regexp.MustCompile(`\[\d+\]`)
	typeNotes  = regexp.MustCompile(`/\*([A-Za-z]+)/[^*]*\*/`) // Bundle.entry[0].resource/*Patient/ID*/.name
	refereeSum = regexp.MustCompile(`(?m)^pass \d+: (\d+) files,.*$`)
)

// parseVerdict reads the lines of validate.sh: FILE, level, message id, "line:column path", message, between tabs; and on the
// other stream one line a file and the totals.
func parseVerdict(out, errs string) *Verdict {
	v := &Verdict{}
	kinds := map[string]*FindingKind{}
	for _, line := range strings.Split(out, "\n") {
		c := strings.SplitN(line, "\t", 5)
		if len(c) < 5 {
			continue
		}
		switch c[1] {
		case "ERROR", "FATAL":
			v.Errors++
		default:
			v.Warnings++
		}
		_, path, _ := strings.Cut(c[3], " ")
		path = typeNotes.ReplaceAllString(indexes.ReplaceAllString(path, ""), "($1)")
		key := c[1] + c[2] + path
		k := kinds[key]
		if k == nil {
			k = &FindingKind{Level: c[1], ID: c[2], Path: path, Message: c[4]}
			kinds[key] = k
			v.Kinds = append(v.Kinds, k)
		}
		k.N++
		if f := filepath.Base(c[0]); len(k.Files) < 3 && !slices.Contains(k.Files, f) {
			k.Files = append(k.Files, f)
		}
	}
	slices.SortStableFunc(v.Kinds, func(a, b *FindingKind) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(b.N, a.N))
	})
	if m := refereeSum.FindStringSubmatch(errs); m != nil {
		v.Totals = m[0]
		v.Files, _ = strconv.Atoi(m[1]) // digits, says the pattern
	}
	return v
}

// Print writes the verdict: the total in one line, then the kinds.
func (v *Verdict) Print(w io.Writer, top int) {
	fmt.Fprintf(w, "referee: %d errors in %d files (%s)\n", v.Errors, v.Files, v.Totals)
	for i, k := range v.Kinds {
		if i == top {
			fmt.Fprintf(w, "  ... %d more kinds\n", len(v.Kinds)-top)
			break
		}
		fmt.Fprintf(w, "  %5d %s %s at %s\n        %s\n        %s\n", k.N, k.Level, k.ID, k.Path, clipTo(k.Message, 200), strings.Join(k.Files, " "))
	}
}

func clipTo(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n-3], "") + "..."
	}
	return s
}
