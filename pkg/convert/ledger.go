package convert

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/chartpost/chartpost/pkg/tree"
)

// LedgerVersion is what every ledger says that it is.
const LedgerVersion = "ledger/1"

// Line is one leaf of a ledger that was not simply carried.
type Line struct {
	At  string `json:"at"`
	Why string `json:"why,omitempty"`
}

// Entry is the ledger of one record. Values = Carried + all the lists.
type Entry struct {
	Index    int
	ID       string
	Tally    tree.Tally
	Folded   []Line
	Declined []Line
	Unmapped []Line
	Invalid  []Line
	Rejected *Line

	once []shared // what other records of the source have too
}

// shared is the part of an entry that is about a row or a resource of several records.
type shared struct {
	key uint64
	*Entry
}

// told knows what has been told of a source that several of its records have.
type told map[uint64]struct{}

// once adds to an entry what no entry before it has told.
func (t told) once(e *Entry) {
	for _, x := range e.once {
		if _, ok := t[x.key]; !ok {
			t[x.key] = struct{}{}
			e.join(x.Entry)
		}
	}
	e.once = nil
}

// MarshalJSON writes the entry as DESIGN.md section 2 has it: lists are there even when empty, a rejected record has none.
func (e *Entry) MarshalJSON() ([]byte, error) { return e.append(nil), nil }

// append is MarshalJSON without package reflect, which took as long for an entry as to find the leaves that it names.
func (e *Entry) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"index":`...), int64(e.Index), 10)
	if e.Rejected != nil {
		return append(e.Rejected.append(append(b, `,"rejected":`...)), '}')
	}
	b = appendText(append(b, `,"id":`...), e.ID)
	b = strconv.AppendInt(append(b, `,"values":`...), int64(e.Tally.Values()), 10)
	b = strconv.AppendInt(append(b, `,"carried":`...), int64(e.Tally.Carried), 10)
	b = appendLines(append(b, `,"folded":`...), e.Folded)
	b = appendLines(append(b, `,"declined":`...), e.Declined)
	b = appendLines(append(b, `,"unmapped":`...), e.Unmapped)
	b = appendLines(append(b, `,"invalid":`...), e.Invalid)
	return append(b, '}')
}

func appendLines(b []byte, list []Line) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = list[i].append(b)
	}
	return append(b, ']')
}

func (l *Line) append(b []byte) []byte {
	b = appendText(append(b, `{"at":`...), l.At)
	if l.Why != "" {
		b = appendText(append(b, `,"why":`...), l.Why)
	}
	return append(b, '}')
}

// appendText appends a text of JSON as encoding/json writes it, which nearly always is the text as it stands.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, err := json.Marshal(s)
			if err != nil { // there is no text that it does not write
				quoted = []byte(`""`)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// newEntry counts the leaves of a record, and with full lists those that were not simply carried.
func newEntry(index int, rec *Record, full bool) *Entry {
	e := &Entry{Index: index, ID: rec.ID}
	rec.Leaves(func(place func() string, s tree.State, why string) { e.tell(place, s, why, full) })
	if rec.Shared != nil {
		rec.Shared(func(key uint64, place func() string, s tree.State, why string) {
			if n := len(e.once); n == 0 || e.once[n-1].key != key {
				e.once = append(e.once, shared{key, &Entry{}})
			}
			e.once[len(e.once)-1].tell(place, s, why, full)
		})
	}
	return e
}

// tell counts a leaf.
func (e *Entry) tell(place func() string, s tree.State, why string, full bool) {
	e.Tally.Add(s)
	if !full || s == tree.Carried {
		return
	}
	l := Line{At: place(), Why: why}
	switch s {
	case tree.Folded:
		e.Folded = append(e.Folded, l)
	case tree.Declined:
		e.Declined = append(e.Declined, l)
	case tree.Unmapped:
		l.Why = ""
		e.Unmapped = append(e.Unmapped, l)
	case tree.Invalid:
		e.Invalid = append(e.Invalid, l)
	}
}

// join adds what became of another piece of the same record.
func (e *Entry) join(more *Entry) {
	e.Tally = e.Tally.Plus(more.Tally)
	e.Folded = append(e.Folded, more.Folded...)
	e.Declined = append(e.Declined, more.Declined...)
	e.Unmapped = append(e.Unmapped, more.Unmapped...)
	e.Invalid = append(e.Invalid, more.Invalid...)
}

// Totals are the sums of a ledger. Records counts what was written, Rejected the rest.
type Totals struct {
	Records  int `json:"records"`
	Values   int `json:"values"`
	Carried  int `json:"carried"`
	Folded   int `json:"folded"`
	Declined int `json:"declined"`
	Unmapped int `json:"unmapped"`
	Invalid  int `json:"invalid"`
	Rejected int `json:"rejected"`
}

// Add adds the entry of one record.
func (t *Totals) Add(e *Entry) {
	if e.Rejected != nil {
		t.Rejected++
		return
	}
	t.Records++
	t.Values += e.Tally.Values()
	t.Carried += e.Tally.Carried
	t.Folded += e.Tally.Folded
	t.Declined += e.Tally.Declined
	t.Unmapped += e.Tally.Unmapped
	t.Invalid += e.Tally.Invalid
}

// Plus is the sum of two.
func (t Totals) Plus(u Totals) Totals {
	return Totals{t.Records + u.Records, t.Values + u.Values, t.Carried + u.Carried, t.Folded + u.Folded, t.Declined + u.Declined,
		t.Unmapped + u.Unmapped, t.Invalid + u.Invalid, t.Rejected + u.Rejected}
}

// SourceInfo is what a ledger says of its source.
type SourceInfo struct {
	Path   string       `json:"path"`
	Format string       `json:"format"`           // empty if it is not known
	SHA256 string       `json:"sha256"`           // empty if the source could not be read
	Parts  []SourcePart `json:"parts,omitempty"`  // the files that are one source together
	Unread string       `json:"unread,omitempty"` // why nothing, or not all of it, was read
}

// SourcePart is one file of a source that is several.
type SourcePart struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// LedgerWriter writes ledgers, one for each source, in memory that does not grow with them: entries go out as they come.
// A single source makes one JSON object; several make NDJSON, or one object whose sources hold the ledgers.
type LedgerWriter struct {
	w       io.Writer
	lines   bool // NDJSON
	many    bool
	sources int
	entries int
	total   Totals
	sum     Totals
	buf     []byte
	err     error
}

// NewLedgerWriter makes a writer for one source or many; lines is for a file that ends .ndjson.
func NewLedgerWriter(w io.Writer, many, lines bool) *LedgerWriter {
	return &LedgerWriter{w: w, many: many, lines: many && lines}
}

func (l *LedgerWriter) put(s string) {
	if l.err == nil {
		_, l.err = io.WriteString(l.w, s)
	}
}

func (l *LedgerWriter) value(v any) {
	if l.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		l.err = err
		return
	}
	_, l.err = l.w.Write(b)
}

// Begin begins the ledger of a source. What it says of the source itself comes at its end, where its sha256 is known.
func (l *LedgerWriter) Begin(target string) error {
	switch {
	case l.many && !l.lines && l.sources == 0:
		l.put(`{"chartpost":"` + LedgerVersion + `","sources":[` + "\n")
	case l.many && !l.lines:
		l.put(",\n")
	}
	l.sources++
	l.entries, l.total = 0, Totals{}
	l.put(`{"chartpost":"` + LedgerVersion + `","target":`)
	l.value(map[string]string{"format": target})
	l.put(`,"records":[`)
	return l.err
}

// Add adds the entry of a record.
func (l *LedgerWriter) Add(e *Entry) error {
	if l.entries++; l.entries > 1 {
		l.put(",")
	}
	if !l.lines {
		l.put("\n")
	}
	if l.err == nil {
		l.buf = e.append(l.buf[:0])
		_, l.err = l.w.Write(l.buf)
	}
	l.total.Add(e)
	return l.err
}

// End ends the ledger of a source.
func (l *LedgerWriter) End(src SourceInfo) error {
	l.put(`],"source":`)
	l.value(src)
	l.put(`,"totals":`)
	l.value(l.total)
	l.put("}")
	if l.lines || !l.many {
		l.put("\n")
	}
	l.sum = l.sum.Plus(l.total)
	return l.err
}

// Close ends the whole.
func (l *LedgerWriter) Close() error {
	if l.many && !l.lines {
		if l.sources == 0 {
			l.put(`{"chartpost":"` + LedgerVersion + `","sources":[`)
		}
		l.put("\n],\"totals\":")
		l.value(l.sum)
		l.put("}\n")
	}
	return l.err
}
