package validate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/chartpost/chartpost/pkg/diag"
)

// Suppressions are findings that somebody has judged and does not want to see again, each with the reason and a date until which
// the judgement holds:
//
//	suppress:
//	  - id: CP-FHIR-113
//	    path: Observation.category*      # any place if it is missing; * is anything but a dot's end of the pattern
//	    source: legacy-*.json            # any source if it is missing
//	    reason: the old system's category, mapped by the receiver
//	    expires: 2027-06-30
type Suppressions struct {
	Count int // findings that were left out
	rules []suppression
	file  string
	now   time.Time
}

type suppression struct {
	ID      string `yaml:"id"`
	Path    string `yaml:"path"`
	Source  string `yaml:"source"`
	Reason  string `yaml:"reason"`
	Expires string `yaml:"expires"`
	line    int
	expired bool
	used    int
}

// ReadSuppressions reads a file of them. now decides which have expired.
func ReadSuppressions(file string, now time.Time) (*Suppressions, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--suppress: %w", err)
	}
	var doc struct {
		Suppress []yaml.Node `yaml:"suppress"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--suppress %s: %w", file, err)
	}
	s := &Suppressions{file: file, now: now}
	for _, n := range doc.Suppress {
		var x suppression
		if err := n.Decode(&x); err != nil {
			return nil, fmt.Errorf("--suppress %s:%d: %w", file, n.Line, err)
		}
		x.line = n.Line
		for i := 0; i+1 < len(n.Content); i += 2 {
			switch n.Content[i].Value {
			case "id", "path", "source", "reason", "expires":
			default:
				return nil, fmt.Errorf("--suppress %s:%d: there is no %s; there are id, path, source, reason and expires", file, n.Content[i].Line,
					n.Content[i].Value)
			}
		}
		if !known(diag.ID(x.ID)) {
			return nil, fmt.Errorf("--suppress %s:%d: there is no finding %q", file, x.line, x.ID)
		}
		if strings.TrimSpace(x.Reason) == "" {
			return nil, fmt.Errorf("--suppress %s:%d: a reason is missing", file, x.line)
		}
		end, err := time.Parse(time.DateOnly, x.Expires)
		if err != nil {
			return nil, fmt.Errorf("--suppress %s:%d: expires is missing or no date such as 2027-06-30", file, x.line)
		}
		x.expired = now.After(end.AddDate(0, 0, 1))
		for _, p := range []string{x.Path, x.Source} {
			if _, err := path.Match(pattern(p), ""); err != nil {
				return nil, fmt.Errorf("--suppress %s:%d: %q is no pattern", file, x.line, p)
			}
		}
		s.rules = append(s.rules, x)
	}
	return s, nil
}

func known(id diag.ID) bool {
	for _, e := range diag.Entries() {
		if e.ID == id {
			return true
		}
	}
	return false
}

// pattern makes * the only sign of a pattern that means something: brackets belong to places, and a slash is a letter as others.
func pattern(p string) string {
	return strings.NewReplacer("[", `\[`, "]", `\]`, "?", `\?`, "/", "\x00").Replace(p)
}

func matches(p, s string) bool {
	if p == "" {
		return true
	}
	ok, _ := path.Match(pattern(p), strings.ReplaceAll(s, "/", "\x00"))
	return ok
}

// Covers reports that a finding is not to be seen, and counts it.
func (s *Suppressions) Covers(f *diag.Finding) bool {
	for i := range s.rules {
		x := &s.rules[i]
		if !x.expired && x.ID == string(f.ID) && (matches(x.Path, f.Place.Path) || matches(x.Path, withoutIndexes(f.Place.Path))) && matches(x.Source, f.Place.Source) {
			x.used++
			s.Count++
			return true
		}
	}
	return false
}

// withoutIndexes is a path as a definition has it: Observation.category.
func withoutIndexes(p string) string {
	var b strings.Builder
	in := false
	for _, r := range p {
		switch {
		case r == '[':
			in = true
		case r == ']' && in:
			in = false
		case !in:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Remarks say which suppressions have expired or were of no use.
func (s *Suppressions) Remarks() []*diag.Finding {
	var list []*diag.Finding
	for _, x := range s.rules {
		at := diag.Place{Source: s.file, Line: x.line}
		switch {
		case x.expired:
			list = append(list, diag.New("CP-FHIR-160", at, "the suppression of %s expired on %s", x.ID, x.Expires))
		case x.used == 0:
			list = append(list, diag.New("CP-FHIR-161", at, "the suppression of %s covers nothing", x.ID))
		}
	}
	return list
}
