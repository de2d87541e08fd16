// Package convert turns records of one format into another by way of the hub: it finds out what a source is, streams its
// records through workers in bounded memory and in order, and keeps the ledger and the rejects (DESIGN.md sections 1 and 2).
//
// Data flows one way: a reader splits a source into records; workers turn each into the hub and on into the target; one
// writer puts what they made down in the order of the source. So the output is the same at every number of jobs.
package convert

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"time"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Format is one way in which records are written. Read and NewWorker are nil where the format cannot be read.
type Format struct {
	Name      string // as --from and --to say it
	Extension string // of the files that are written, with its dot
	Sniff     func(head []byte) bool
	Called    func(name string, head []byte) bool // for sources that only their names tell of, such as text of fixed width; nil: none
	Loose     func(head []byte) string            // its records may be spread over sources of this syntax, of which this is one; empty, or nil: never
	Read      func(r io.Reader, source string, o *Options) iter.Seq2[*Raw, error]
	NewWorker func(o *Options) Worker
	// ReadFiles is Read for a job, where the format must see its files whole. Join names, by name and first bytes, what a file is a part of, if
	// files of this format can be parts of one source; empty if it stands alone.
	ReadFiles func(files []*File, o *Options) iter.Seq2[*Raw, error]
	Join      func(name string, head []byte) string
	NewWriter func(o *Options) Writer // nil: cannot be written
	Tables    *Tables                 // set if the rows of all records go into the same files
	// Describe says of a record what it is, without a value of the patient's: counts by kind (a message type, a type of
	// resource), and other facts by name (version, bundle).
	Describe func(raw *Raw, o *Options) (Description, *diag.Finding)
}

// Description is what a record is.
type Description struct {
	Kinds map[string]int    // ORU^R01, Patient
	Facts map[string]string // version: 2.5.1
}

// Raw is a record as its reader found it, before it is understood.
type Raw struct {
	Index    int              // its position in the source, from 1; 0 is no record, only Findings about the source
	Bytes    func() []byte    // as they stand in the source
	Stream   func() io.Reader // the same where they are many; one of the two is there
	Size     int              // in bytes, more or less, for the bounds of memory
	Reject   *diag.Finding    // why it is no record at all
	Findings []*diag.Finding
	Data     any    // the format's own
	More     bool   // the record goes on with the next Raw
	Done     func() // called when it has been handed on, and all before it; may be nil

	piece   bool   // of a record, which is not rejected any more: some of it may be written
	release func() // when it has been handed on, and all before it
}

func (raw *Raw) stream() io.Reader {
	if raw.Stream != nil {
		return raw.Stream()
	}
	return bytes.NewReader(raw.Bytes())
}

// A Worker turns records of a format into the hub. It serves one goroutine, and may use its memory again for the next record.
type Worker interface {
	ToHub(raw *Raw) (*Record, error) // an error is a *diag.Finding, which rejects the record, or a fault of the program's tables
}

// A Writer turns a record of the hub into bytes. It serves one goroutine.
type Writer interface {
	FromHub(rec *Record) ([]Part, []*diag.Finding, error)
}

// Part is a piece of output: all of it, or of a large bundle as much as is held in one piece, of NDJSON the lines of one type of resource, of a table
// some of its rows.
type Part struct {
	Type  string
	Data  []byte
	Table any    // of a format of Tables, for its Gatherer
	Key   string // of the resource that the rows are of, where it may be of several records and its rows are wanted once
}

// Record is a record in the hub, with what became of its source's leaves.
type Record struct {
	*mapping.Record
	ID     string // what the source calls it: a control id, a bundle's id
	Key    string // what identifies it where nothing in it does
	Leaves func(f func(place func() string, s tree.State, why string))
	// Shared are leaves that other records of the source have too, those of one key together: an organization to which many lead. They count
	// once, in the first record that is written. Nil: there are none.
	Shared   func(f func(key uint64, place func() string, s tree.State, why string))
	Findings []*diag.Finding
	FromFHIR bool  // its leaves are the hub's own, so that the way to another format says what became of them
	Written  int64 // when it says that it was written, as Moment has it; 0 if it does not say
	Piece    bool  // it is a part of a larger record, some of which may be written
	LeftOut  int   // of how many resources a Writer of tables left out rows or cells, each with a finding

	whole  *rpb.Bundle // the bundle that it was, with its entries
	loose  bool        // its resources stood alone
	lost   []lostLeaf
	shares map[*mapping.Resource]uint64 // the keys of what other groups may have too
}

// Options of a conversion. Overlays, Zone and BundleKind may be empty.
type Options struct {
	From, To   string
	Zone       *time.Location
	Overlays   *mapping.Library
	BundleKind string   // --bundle
	Message    string   // --message
	Version    string   // --version, of HL7 v2
	Document   string   // --document, of C-CDA
	Charset    string   // what the bytes are, whatever they say
	Dates      string   // --dates: the order of day and month in tables
	Date       string   // --date: the day, YYYY-MM-DD, of a document or message about a record that says no time; empty: none
	Sheets     []string // --sheet: those of a workbook; none: all that show
	Codes      *Codes   // --codes; nil: none
	Unmapped   string   // --unmapped: what becomes of columns that no mapping knows; keep, report or refuse
	Jobs       int
	MaxRecord  int // bytes; 0 is the format's own limit
	LedgerFull bool
	TempDir    string // for what does not fit into memory; empty is the system's

	maxWhole int          // other than the constant, for tests
	ended    func() error // why the reading of a large record should end; nil: never
	tables   *Tables      // of what is written, if those are tables
}

// DayOf is the finding about a document or message of a record that says no time: its day is that of --date, or it has none.
func (o *Options) DayOf(what string) *diag.Finding {
	if o.Date != "" {
		return diag.New(DatedByUser, diag.Place{}, "nothing in the record says when anything was: the %s has the day of --date", what)
	}
	return diag.New(Undated, diag.Place{}, "nothing in the record says when anything was: the %s has no date", what)
}

// Relative reports that references are Type/id.
func (o *Options) Relative() bool { return o.byID() }

// toBundles reports that bundles of FHIR are written, be it in JSON or XML.
func (o *Options) toBundles() bool { return o.To == "fhir" || o.To == "fhir-xml" }

// hub reports that records are written as FHIR.
func (o *Options) hub() bool { return o.toBundles() || o.To == "ndjson" }

// documents reports that records are written in a format of which each document or message is about one patient.
func (o *Options) documents() bool { return o.tables == nil && (o.To == "hl7v2" || o.To == "ccda") }

// OnlyFHIR reports that records are written as FHIR just as they were read, and nobody asks what became of their leaves after that: see
// mapping.ReadOptions.Shared.
func (o *Options) OnlyFHIR() bool { return o.tables == nil && o.hub() && o.Codes == nil }

// BundleType is the kind of bundle that a record becomes: what --bundle says, else what the format's records are.
func (o *Options) BundleType(natural fhir.BundleType) (fhir.BundleType, error) {
	if o.BundleKind == "" {
		return natural, nil
	}
	return fhir.ParseBundleType(o.BundleKind)
}

// Result is what became of one record, or of a piece of a large one, or findings about the source.
type Result struct {
	Index    int // 0 is no record
	Parts    []Part
	Entry    *Entry // the ledger's; nil if it is no record
	More     bool   // the next Result is of the same record, and adds to Parts and Entry
	Findings []*diag.Finding
	Rejected *diag.Finding
	Raw      func() io.Reader // of a rejected record
	LeftOut  int              // resources of which rows or cells are missing, each with a finding
}

// Run converts the records of one source and hands the results over in their order. It stops at the first error of emit or
// of reading, or when ctx ends.
func Run(ctx context.Context, from, to *Format, r io.Reader, source string, o *Options, emit func(*Result) error) error {
	if err := fit(from, to); err != nil {
		return err
	}
	o = o.of(to)
	return run(ctx, &input{from: from, name: source}, to, o, from.Read(r, source, o), emit)
}

// run converts the records of one input.
func run(ctx context.Context, in *input, to *Format, o *Options, records iter.Seq2[*Raw, error], emit func(*Result) error) error {
	steps := func(yield func(*step) bool) {
		for raw, err := range records {
			if !yield(&step{in: in, raw: raw, err: err}) || err != nil {
				return
			}
		}
	}
	t := told{}
	return pipe(ctx, to, o, steps, func(s *step, res *Result) error {
		if s.err != nil {
			return s.err
		}
		if res.Entry != nil {
			t.once(res.Entry)
		}
		return emit(res)
	})
}

// fit reports formats that cannot be converted into one another.
func fit(from, to *Format) error {
	if from.Read == nil || from.NewWorker == nil {
		return fmt.Errorf("%s cannot be read", from.Name)
	}
	if to.NewWriter == nil {
		return fmt.Errorf("%s cannot be written", to.Name)
	}
	return nil
}

// A step is what the reader hands on, in the order of the sources: the begin of a source, its records, its end.
type step struct {
	in    *input
	raw   *Raw
	begin bool
	end   bool
	err   error        // which ends it all
	done  chan *Result // of a record, when its worker has done
	cost  int          // how much of the room it takes
}

func (s *step) release() {
	if s.raw != nil && s.raw.release != nil {
		s.raw.release()
	}
	if s.raw != nil && s.raw.Done != nil {
		s.raw.Done()
	}
}

const (
	// How many records may be in memory for each job. Results are handed on in order: while one record takes long, the other workers
	// need others to go on with (with 3, two jobs were idle for a fifth of the time).
	readAhead   = 16
	largeRecord = 256 << 10 // bytes that count as one more
	veryLarge   = 8 << 20   // bytes of which the memory is taken back before the record is written
)

// pipe converts the records among steps and hands all steps on in their order. Steps of all sources share the workers, so that
// many small sources keep them as busy as one large one. It stops at the first error of emit, or when ctx ends.
//
// With more than one job, steps run in a goroutine of their own and emit in the caller's. Of records that are read and not yet
// handed on there are at most readAhead for each job.
func pipe(ctx context.Context, to *Format, o *Options, steps iter.Seq[*step], emit func(*step, *Result) error) error {
	jobs := max(o.Jobs, 1)
	if jobs == 1 {
		w := workers{to: to, o: o}
		for s := range steps {
			if err := ctx.Err(); err != nil {
				return err
			}
			var res *Result
			var err error
			if s.raw != nil {
				if res, err = w.convert(s); err != nil {
					return err
				}
			}
			if err := emit(s, res); err != nil {
				return err
			}
			s.release()
		}
		return ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Each has room for all steps that are under way, so that only room makes anybody wait: where a step was handed from hand to hand, a worker stood
	// idle for a seventh of the time, until the reader had its turn.
	work, order := make(chan *step, readAhead*jobs), make(chan *step, 3*readAhead*jobs) // a source of one record is three steps
	room := make(chan struct{}, readAhead*jobs)
	for range jobs {
		go func() {
			w := workers{to: to, o: o}
			for s := range work {
				if ctx.Err() != nil { // nobody waits for what is left
					return
				}
				res, err := w.convert(s)
				if err != nil {
					cancel(err)
				}
				s.done <- res
			}
		}()
	}
	go func() {
		defer close(order)
		defer close(work)
		for s := range steps {
			if s.raw != nil {
				s.done = make(chan *Result, 1)
				s.cost = min(1+s.raw.Size/largeRecord, cap(room))
				for range s.cost {
					select {
					case room <- struct{}{}:
					case <-ctx.Done():
						return
					}
				}
			}
			select {
			case order <- s:
			case <-ctx.Done():
				return
			}
			if s.raw == nil {
				continue
			}
			select {
			case work <- s:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		var s *step
		var res *Result
		select { // whatever the reader is busy with, an interruption does not wait for it
		case s = <-order:
		case <-ctx.Done():
		}
		if s == nil {
			return context.Cause(ctx)
		}
		if s.raw != nil {
			select {
			case res = <-s.done:
			case <-ctx.Done():
			}
			if res == nil {
				return context.Cause(ctx)
			}
		}
		if err := emit(s, res); err != nil {
			return err
		}
		if s.raw != nil {
			for range s.cost {
				<-room
			}
			s.release()
		}
	}
}

// workers are the pairs of one goroutine, by the format that they read.
type workers struct {
	to    *Format
	o     *Options
	pairs map[*Format]*pair
}

func (w *workers) convert(s *step) (*Result, error) {
	p := w.pairs[s.in.from]
	if p == nil {
		if w.pairs == nil {
			w.pairs = map[*Format]*pair{}
		}
		p = newPair(s.in.from, w.to, w.o)
		w.pairs[s.in.from] = p
	}
	return p.convert(s.raw, s.in.name)
}

// pair is a worker and a writer, which serve one goroutine.
type pair struct {
	in       Worker
	out      Writer
	from, to *Format
	o        *Options
}

func newPair(from, to *Format, o *Options) *pair {
	return &pair{from.NewWorker(o), to.NewWriter(o), from, to, o}
}

func (p *pair) again() *pair { return newPair(p.from, p.to, p.o) }

// convert converts one record. An error is a fault of the program's tables; what is wrong with the record rejects it, and so does a
// fault that shows with this record only, so that it does not sink the others.
func (p *pair) convert(raw *Raw, source string) (res *Result, err error) {
	at := func(f *diag.Finding) *diag.Finding {
		if f.Place.Source == "" {
			f.Place.Source = source
		}
		if f.Place.Record == 0 {
			f.Place.Record = raw.Index
		}
		return f
	}
	reject := func(f *diag.Finding) (*Result, error) {
		at(f)
		for _, other := range raw.Findings {
			at(other)
		}
		if raw.piece {
			return nil, f
		}
		return &Result{Index: raw.Index, Findings: slices.Clip(raw.Findings), Rejected: f, Raw: raw.stream,
			Entry: &Entry{Index: raw.Index, Rejected: &Line{At: f.Place.Path, Why: f.Message()}}}, nil
	}
	if raw.Index == 0 {
		for _, f := range raw.Findings {
			if f.Place.Source == "" {
				f.Place.Source = source
			}
		}
		return &Result{Findings: raw.Findings}, nil
	}
	defer func() {
		if x := recover(); x != nil {
			f := diag.New(Fault, diag.Place{}, "")
			// What it says may quote the record, but for what the runtime says.
			if x, ok := x.(runtime.Error); ok {
				f.What = fmt.Sprintf("%s: %s", Fault.Entry().What, x.Error())
			}
			*p = *p.again() // nobody knows what state it left
			res, err = reject(f)
		}
	}()
	if raw.Reject != nil {
		return reject(raw.Reject)
	}
	rec, err := p.in.ToHub(raw)
	if f, ok := err.(*diag.Finding); ok {
		return reject(f)
	} else if err != nil {
		return nil, err
	}
	var entry *Entry
	if !rec.FromFHIR && !p.o.Origins() { // what became of its leaves is known, and nobody asks for them again: its tree is free while it is written
		entry = newEntry(raw.Index, rec, p.o.LedgerFull)
		rec.Leaves = nil
		if raw.Size > veryLarge {
			runtime.GC() // what it took to read the record is more than what is to come, and would stand beside it
		}
	}
	var parts []Part
	var finds []*diag.Finding
	if p.o.Codes != nil {
		parts, finds, err = p.o.Codes.write(rec, p.out, p.o)
	} else {
		parts, finds, err = p.out.FromHub(rec)
	}
	if f, ok := err.(*diag.Finding); ok {
		res, err := reject(f)
		for _, f := range rec.Findings { // they may say why
			if res != nil {
				res.Findings = append(res.Findings, at(f))
			}
		}
		return res, err
	} else if err != nil {
		return nil, err
	}
	if p.o.Origins() && !rec.FromFHIR {
		rec.Record.Project(p.o.lost)
	}
	if entry == nil {
		entry = newEntry(raw.Index, rec, p.o.LedgerFull)
	}
	res = &Result{Index: raw.Index, Parts: parts, Entry: entry, More: raw.More, Findings: slices.Clip(raw.Findings),
		LeftOut: rec.LeftOut}
	for _, f := range slices.Concat(rec.Findings, rec.Record.Findings, finds) {
		res.Findings = append(res.Findings, at(f))
	}
	rec.Record.Release()
	return res, nil
}
