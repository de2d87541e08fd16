package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// LedgerStats sums up ledgers ("chartpost": "ledger/1"): files, records, values by state and the places that lost most.
type LedgerStats struct {
	// KindOf tells the structure of a record, if it is not nil: by the source's path and the record's index from 1.
	KindOf func(path string, index int) string

	Files, Records, Rejected int
	Values                   map[string]int // by state, and "values" for all
	Places                   map[string]map[string]*PlaceCount
	Structures               map[string]*LedgerStats // of each message structure, with KindOf
	Unbalanced               []string                // records whose states do not add up to their values
}

// PlaceCount counts what happened at one place, without its positions.
type PlaceCount struct {
	N       int
	Sources map[string]bool
	Why     string
}

// states are those of a leaf that the ledger lists, in its order.
var states = []string{"folded", "declined", "unmapped", "invalid"}

type ledgerJSON struct {
	Source  struct{ Path, Format string }
	Records []recordJSON
	Sources []ledgerJSON
}

type recordJSON struct {
	Index                               int
	ID                                  string
	Values, Carried                     int
	Folded, Declined, Unmapped, Invalid []struct{ At, Why string }
	Rejected                            *struct{ At, Why string }
}

// Read adds the ledgers of a stream: a JSON object, one with sources, or one object a line.
func (s *LedgerStats) Read(r io.Reader) error {
	dec := json.NewDecoder(r)
	for {
		var l ledgerJSON
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		s.add(l)
	}
}

func (s *LedgerStats) add(l ledgerJSON) {
	for _, sub := range l.Sources {
		s.add(sub)
	}
	if l.Sources != nil {
		return // its own part is their sum
	}
	s.Files++
	for _, r := range l.Records {
		s.record(l.Source.Path, r)
		if s.KindOf == nil {
			continue
		}
		kind := cmp.Or(s.KindOf(l.Source.Path, r.Index), "unknown")
		if s.Structures == nil {
			s.Structures = map[string]*LedgerStats{}
		}
		if s.Structures[kind] == nil {
			s.Structures[kind] = &LedgerStats{}
		}
		s.Structures[kind].record(l.Source.Path, r)
	}
}

func (s *LedgerStats) record(source string, r recordJSON) {
	if r.Rejected != nil {
		s.Rejected++
		return
	}
	s.Records++
	if s.Values == nil {
		s.Values, s.Places = map[string]int{}, map[string]map[string]*PlaceCount{}
	}
	s.Values["values"] += r.Values
	s.Values["carried"] += r.Carried
	sum := r.Carried
	for i, list := range [][]struct{ At, Why string }{r.Folded, r.Declined, r.Unmapped, r.Invalid} {
		state := states[i]
		s.Values[state] += len(list)
		sum += len(list)
		if s.Places[state] == nil {
			s.Places[state] = map[string]*PlaceCount{}
		}
		for _, x := range list {
			at := generalPlace(x.At)
			p := s.Places[state][at]
			if p == nil {
				p = &PlaceCount{Sources: map[string]bool{}, Why: x.Why}
				s.Places[state][at] = p
			}
			p.N++
			p.Sources[source] = true
		}
	}
	if sum != r.Values {
		s.Unbalanced = append(s.Unbalanced, fmt.Sprintf("%s record %d: %d values, the states make %d", source, r.Index, r.Values, sum))
	}
}

// MessageKinds tells the structures of messages from their files below a folder.
func MessageKinds(dir string) func(path string, index int) string {
	known := map[string][]string{}
	return func(path string, index int) string {
		list, ok := known[path]
		if !ok {
			if b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path))); err == nil {
				list = structuresOf(b)
			}
			known[path] = list
		}
		if index < 1 || index > len(list) {
			return ""
		}
		return list[index-1]
	}
}

// structuresOf are the structures of a file's messages.
func structuresOf(file []byte) []string {
	var out []string
	for rest := file; ; {
		i := bytes.Index(rest, []byte("MSH"))
		if i < 0 {
			return out
		}
		if begins := i == 0 || bytes.IndexByte([]byte("\r\n\x0b\xbf"), rest[i-1]) >= 0; begins {
			line := rest[i:]
			if end := bytes.IndexAny(line, "\r\n"); end >= 0 {
				line = line[:end]
			}
			out = append(out, structureOf(line))
		}
		rest = rest[i+3:]
	}
}

var positions = regexp.MustCompile(`\[\d+\]|row \d+, `)

// generalPlace is a place without its positions: OBX-5.1 for OBX[3]-5[2].1.
func generalPlace(at string) string { return positions.ReplaceAllString(at, "") }

// Print writes the sums and the places with most unmapped values, then those of the other states.
func (s *LedgerStats) Print(w io.Writer, top int) {
	fmt.Fprintf(w, "files %d, records %d, rejected %d\n", s.Files, s.Records, s.Rejected)
	s.printValues(w, "")
	kinds := make([]string, 0, len(s.Structures))
	for k := range s.Structures {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Structures[b].Records, s.Structures[a].Records), cmp.Compare(a, b))
	})
	for _, k := range kinds {
		t := s.Structures[k]
		t.printValues(w, fmt.Sprintf("%s (records %d, rejected %d): ", k, t.Records, t.Rejected))
	}
	known, setIDs := s.Values["carried"]+s.Values["folded"]+s.Values["declined"], 0
	for _, p := range s.Places["declined"] {
		if strings.HasPrefix(p.Why, "set id") {
			setIDs += p.N
		}
	}
	rest := s.Values["declined"] - setIDs
	fmt.Fprintf(w, "carried, folded or declined %s; declined, set ids aside, %d (%s)\n", Share(known, s.Values["values"]), rest,
		Share(rest, s.Values["values"]))
	for _, state := range []string{"unmapped", "invalid", "declined", "folded"} {
		s.printPlaces(w, state, top)
	}
	for i, u := range s.Unbalanced {
		if i == 5 {
			fmt.Fprintf(w, "does not add up: %d more\n", len(s.Unbalanced)-5)
			break
		}
		fmt.Fprintf(w, "does not add up: %s\n", u)
	}
}

func (s *LedgerStats) printValues(w io.Writer, head string) {
	parts := []string{fmt.Sprintf("values %d", s.Values["values"])}
	for _, state := range append([]string{"carried"}, states...) {
		parts = append(parts, fmt.Sprintf("%s %d (%s)", state, s.Values[state], Share(s.Values[state], s.Values["values"])))
	}
	fmt.Fprintf(w, "%s%s\n", head, strings.Join(parts, ", "))
}

func (s *LedgerStats) printPlaces(w io.Writer, state string, top int) {
	places := make([]string, 0, len(s.Places[state]))
	for at := range s.Places[state] {
		places = append(places, at)
	}
	if len(places) == 0 {
		return
	}
	slices.SortFunc(places, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Places[state][b].N, s.Places[state][a].N), cmp.Compare(a, b))
	})
	fmt.Fprintf(w, "%s, by place:\n", state)
	for i, at := range places {
		if i == top {
			fmt.Fprintf(w, "         ... %d more places\n", len(places)-top)
			break
		}
		p := s.Places[state][at]
		why := ""
		if p.Why != "" {
			why = "  " + clip(p.Why)
		}
		fmt.Fprintf(w, "  %6d in %3d files  %s%s\n", p.N, len(p.Sources), at, why)
	}
}
