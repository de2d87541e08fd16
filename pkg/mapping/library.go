package mapping

import (
	"slices"
	"sync"

	"github.com/chartpost/chartpost/pkg/diag"
)

// A Library is the built-in files of a format and the overlays of a run. It gives each source the Set of the built-in files
// and of those overlays whose heads match it.
type Library struct {
	builtin, overlays []*File

	mu   sync.Mutex
	sets map[string]*librarySet // by the overlays that matched, one byte each
	used []bool
}

type librarySet struct {
	set *Set
	err error
}

// NewLibrary makes a library. The last overlay wins.
func NewLibrary(builtin, overlays []*File) *Library {
	return &Library{builtin: builtin, overlays: overlays, sets: map[string]*librarySet{}, used: make([]bool, len(overlays))}
}

// For gives the Set for a source: the same pointer for all sources that the same overlays match, so that what is compiled
// from it can be kept. It may be called by several goroutines.
func (l *Library) For(src Source) (*Set, error) {
	var room [16]byte
	match := room[:0]
	for _, f := range l.overlays {
		b := byte('-')
		if f.Head.Match(src) {
			b = '+'
		}
		match = append(match, b)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sets[string(match)]
	if s == nil {
		s = &librarySet{}
		var over []*File
		for i, f := range l.overlays {
			if match[i] == '+' {
				over = append(over, f)
				l.used[i] = true
			}
		}
		s.set, s.err = Merge(l.builtin, over)
		l.sets[string(match)] = s
	}
	return s.set, s.err
}

// Unmatched gives a finding for each overlay whose head matched none of the sources that any of the maps of a run was asked
// about. The maps were made with the same overlays.
func Unmatched(of ...*Maps) []*diag.Finding {
	var all []*diag.Finding
	for i, f := range of[0].library.overlays {
		if !slices.ContainsFunc(of, func(m *Maps) bool { return m.library.matched(i) }) {
			all = append(all, diag.New(MapUnmatched, diag.Place{Source: f.Name}, "the mapping %s matched none of the sources%s", f.label(), f.Head.wants()))
		}
	}
	return all
}

// Matched reports whether an overlay of a name matched a source.
func (l *Library) Matched(name string) bool {
	for i, f := range l.overlays {
		if f.Name == name && l.matched(i) {
			return true
		}
	}
	return false
}

// matched reports whether the i-th overlay matched a source.
func (l *Library) matched(i int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.used[i]
}

// label is what the file calls itself, else its name.
func (f *File) label() string {
	if f.Head != nil && f.Head.Name != "" {
		return f.Head.Name
	}
	return f.Name
}

// wants says what a head asks for.
func (h *Head) wants() string {
	if h == nil {
		return ""
	}
	s := ""
	for _, x := range [...]struct{ name, value string }{{"format", h.Matches.Format}, {"sender", h.Matches.Sender},
		{"facility", h.Matches.Facility}, {"event", h.Matches.Event}} {
		if x.value != "" {
			s += ", " + x.name + " " + x.value
		}
	}
	if len(h.Matches.Headers) > 0 {
		s += ", its columns"
	}
	if s != "" {
		s = ": it is for" + s[1:]
	}
	return s
}
