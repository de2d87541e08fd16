package fhir

import (
	"io"
	"iter"
	"reflect"
	"strings"
	"sync"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// ReaderOptions say how a Reader works. The zero value is ready.
type ReaderOptions struct {
	Source string // the input's name, for the places of findings
	Jobs   int    // how many goroutines decode; below 2 the caller's own does
	Whole  bool   // a Bundle is one Entry, with its entries, and not taken apart
	Max    int    // bytes that one resource, or with Whole one bundle, may have; 0 is 128 MiB
	Texts  bool   // nothing is decoded: of an Entry there are the text, the position and the place, and no findings but what is too large

	// Where the source begins in another that holds it: the record that it is, and its line and column, all from 1; 0 is 1.
	Record, Line, Column int

	// Over, if it is not nil, gets the text of what is over the limit, in pieces.
	Over func(piece []byte)

	// Each is called with every Entry where it was decoded, so by Jobs goroutines at once, before All gives it. Bundle is known only at
	// End. What it finds it adds to Findings, what it learns it leaves in Note.
	Each func(*Entry)
}

// Reader streams the resources of a source: those of a Bundle entry by entry, those of NDJSON, a single one, or several
// documents one behind the other, in JSON or in XML. It looks at what is there and needs no hint which of these it is.
//
// A part that cannot be read is an Entry with findings, and those after it are read. Memory is bounded whatever the size of
// the source: parts are decoded in batches of at most 64 KiB of JSON (or one part, if that is larger), of which there are
// eight for each job, and a batch is some eight times its JSON when decoded.
type Reader struct {
	split splitter
	opts  ReaderOptions
}

// NewReader makes a Reader of r, which it neither buffers twice nor closes.
func NewReader(r io.Reader, opts ReaderOptions) *Reader {
	if opts.Max <= 0 {
		opts.Max = 128 << 20
	}
	return &Reader{split: splitter{r: r, line: max(opts.Line, 1), col: max(opts.Column, 1), document: max(opts.Record, 1) - 1, max: opts.Max,
		whole: opts.Whole, passed: opts.Over, from: 1}, opts: opts}
}

// Entry is one resource of a source, with where it stood. It belongs to the caller, and shares memory with no other Entry but
// by Bundle.
type Entry struct {
	Resource proto.Message     // nil if none could be read, or a bundle's entry has none
	Item     *rpb.Bundle_Entry // the entry of a bundle, with the resource in it; nil outside of bundles
	Bundle   *rpb.Bundle       // all of the bundle but its entries; before End only what stands before them
	Index    int               // of a bundle's entry its position in the bundle, from 0; at End the number of entries
	Document int               // the position of the JSON document in the source, from 1
	End      bool              // no resource: the end of a bundle, with all that Bundle and its findings say
	Findings []*diag.Finding
	Place    diag.Place // where it begins
	Text     string     // the JSON or XML as it was, without what stands around it; at End that of the bundle without its entries
	Offset   int64      // of its first byte in the source
	Size     int64      // of its text in bytes, be it kept or not; 0 at End
	Over     bool       // it is over the limit, so there is no Text
	Note     any        // what ReaderOptions.Each left

	cut  int   // at End: how much of Text stood before the entries
	rest place // and where the remainder stands

	packed []packed
}

// Contained knows the contained resources of the entry as they were read, so that they are not unpacked again.
func (e *Entry) Contained() Contained {
	c := Contained{}
	for _, p := range e.packed {
		if c.known == nil {
			c.known = map[*anypb.Any]proto.Message{}
		}
		c.known[p.any] = p.m
	}
	return c
}

// LineColumn is the place, from 1, of a byte of Text in the source.
func (e *Entry) LineColumn(at int) (line, column int) {
	from, line, column := 0, e.Place.Line, e.Place.Column
	if e.cut > 0 && at >= e.cut {
		from, line, column = e.cut, e.rest.line, e.rest.column
	}
	if n := strings.Count(e.Text[from:at], "\n"); n > 0 {
		return line + n, at - strings.LastIndexByte(e.Text[:at], '\n')
	}
	return line, column + at - from
}

// Around is, at End, the text of the bundle before its entries and that behind them.
func (e *Entry) Around() (before, after string) { return e.Text[:e.cut], e.Text[e.cut:] }

// FullURL is the fullUrl of a bundle's entry.
func (e Entry) FullURL() string { return e.Item.GetFullUrl().GetValue() }

// All gives the entries in the order of the source. An error is one of reading it, and the last thing that comes.
// All can be ranged over once.
func (r *Reader) All() iter.Seq2[Entry, error] {
	if r.opts.Jobs < 2 {
		return r.alone
	}
	return r.together
}

// batch is a run of parts that one worker decodes.
type batch struct {
	parts   []part
	data    []byte
	entries []Entry
	ready   chan struct{}
}

const (
	batchParts = 64
	batchBytes = 64 << 10
	// batchesPerJob are under way for each job. With fewer, one slow batch at the head of the order keeps the other workers
	// waiting for room; with larger ones they wait for one another at the end.
	batchesPerJob = 6
)

// fill takes parts from the splitter until the batch is full; false if there were none.
func (b *batch) fill(s parts) bool {
	b.parts, b.data, b.entries = b.parts[:0], b.data[:0], b.entries[:0]
	var ends [batchParts]int
	for len(b.parts) < batchParts && len(b.data) < batchBytes {
		p, ok := s.next()
		if !ok {
			break
		}
		if p.shell != nil {
			shell := *p.shell // the splitter goes on with its own
			p.shell = &shell
		}
		b.data = append(b.data, p.data...)
		ends[len(b.parts)] = len(b.data)
		b.parts = append(b.parts, p)
	}
	from := 0
	for i := range b.parts {
		b.parts[i].data = b.data[from:ends[i]]
		from = ends[i]
	}
	return len(b.parts) > 0
}

// large reports a batch that holds a part far above the usual, of which only few are in memory at a time.
func (b *batch) large() bool { return len(b.data) > 1<<20 }

func (b *batch) decode(x *decoder, o *ReaderOptions) {
	for _, p := range b.parts {
		var e Entry
		if o.Texts && (p.kind == partResource || p.kind == partEntry) {
			e = Entry{Document: p.document, Index: p.index, Place: diag.Place{Source: o.Source, Record: p.document, Line: p.at.line, Column: p.at.column}, Text: p.text()}
		} else if e = x.entry(p, o.Source); o.Texts && e.End {
			e.Findings = nil
		}
		e.Offset, e.Size, e.Over = p.offset, p.size, p.kind == partTooLarge || p.kind == partEntryTooLarge
		if o.Each != nil && p.kind != partBegin {
			o.Each(&e)
		}
		b.entries = append(b.entries, e)
	}
}

// entry decodes one part.
func (x *decoder) entry(p part, source string) Entry {
	defer x.part()
	p.at.source = source
	e := Entry{Document: p.document, Index: p.index, Place: diag.Place{Source: source, Record: p.document, Line: p.at.line, Column: p.at.column}}
	read := func(b []byte) (reflect.Value, *key) {
		switch {
		case p.xml:
			if x.beginXML(b, p.at, p.ns) {
				return x.documentXML()
			}
		case x.begin(b, p.at):
			return x.resource()
		}
		return reflect.Value{}, nil
	}
	switch p.kind {
	case partResource:
		if v, k := read(p.data); k != nil {
			e.Resource = v.Addr().Interface().(proto.Message)
		}
		e.Text = x.s
	case partEntry:
		e.Place.Path = "Bundle.entry"
		if p.xml {
			if x.beginXML(p.data, p.at, p.ns, step{"Bundle", -1}, step{"entry", p.index}) {
				e.Item = x.entryXML()
				e.Resource = Unwrap(e.Item.GetResource())
			}
		} else if x.begin(p.data, p.at, step{"Bundle", -1}, step{"entry", p.index}) {
			if c := entryCodec(); x.s[x.i] != '{' {
				x.find("CP-FHIR-019", x.i, "", "%s stands where a Bundle has an entry", x.kind())
			} else {
				v := x.take(c.typ.Of())
				x.depth = 1
				x.object(c, v)
				e.Item = v.Addr().Interface().(*rpb.Bundle_Entry)
				e.Resource = Unwrap(e.Item.Resource)
			}
		}
		e.Place.Path = x.at()
		e.Text = p.textOf(x.s)
	case partBegin, partEnd, partBroken:
		e.End = true
		e.Index = p.shell.entries
		x.shell = p.shell
		if p.kind == partBegin {
			x.shell.entries = 1
		}
		x.shell.rest.source = source
		v, k := read(p.shell.text)
		e.Text, e.cut, e.rest = x.s, p.shell.cut, p.shell.rest
		if k != nil {
			e.Bundle, _ = v.Addr().Interface().(proto.Message).(*rpb.Bundle)
			if e.Bundle == nil {
				x.find("CP-FHIR-003", 0, "", "%s has no entries such as these; a Bundle has", k.name)
			}
		}
		if p.kind == partBroken {
			x.path = append(x.path[:0], step{"Bundle", -1}, step{"entry", p.shell.entries - 1})
			x.find("CP-FHIR-018", p.shell.cut, "", "")
		}
	case partTooLarge, partEntryTooLarge:
		x.base, x.s = p.at, ""
		if x.path = x.path[:0]; p.kind == partEntryTooLarge {
			x.path = append(x.path, step{"Bundle", -1}, step{"entry", p.index})
		}
		e.Place.Path = x.at()
		x.find("CP-FHIR-015", 0, "", "")
	}
	e.Findings, e.packed = x.findings, x.packed
	return e
}

var entryCodec = sync.OnceValue(func() *codec { return codecOf(plan.OfMessage(&rpb.Bundle_Entry{})) })

// give yields the entries of a batch; bundle is what is known of the bundle at hand.
func (b *batch) give(bundle **rpb.Bundle, yield func(Entry, error) bool) bool {
	for i, e := range b.entries {
		switch b.parts[i].kind {
		case partBegin: // its findings come again at the end
			*bundle = e.Bundle
			continue
		case partEntry, partEntryTooLarge:
			e.Bundle = *bundle
		}
		b.entries[i] = Entry{}
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

func (r *Reader) alone(yield func(Entry, error) bool) {
	var b batch
	var bundle *rpb.Bundle
	x, split := newDecoder(), r.split.parts()
	defer split.release()
	for b.fill(split) {
		b.decode(x, &r.opts)
		if !b.give(&bundle, yield) {
			return
		}
	}
	if err := split.failed(); err != nil {
		yield(Entry{}, err)
	}
}

// together splits in one goroutine, decodes in Jobs, and yields in the caller's.
func (r *Reader) together(yield func(Entry, error) bool) {
	var wg sync.WaitGroup
	split := r.split.parts()
	defer split.release()
	stop := make(chan struct{})
	// Each has room for all batches, so that only the number of free ones makes anybody wait.
	batches := batchesPerJob * r.opts.Jobs
	work, order, free := make(chan *batch, batches), make(chan *batch, batches), make(chan *batch, batches)
	large := make(chan struct{}, 2) // batches with a large part that are under way
	for range cap(free) {
		free <- &batch{}
	}
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		defer close(work)
		defer close(order)
		for {
			var b *batch
			select {
			case b = <-free:
			case <-stop:
				return
			}
			if !b.fill(split) {
				return
			}
			b.ready = make(chan struct{})
			if b.large() {
				select {
				case large <- struct{}{}:
				case <-stop:
					return
				}
			}
			select {
			case order <- b:
			case <-stop:
				return
			}
			select {
			case work <- b:
			case <-stop:
				return
			}
		}
	})
	for range r.opts.Jobs {
		wg.Go(func() {
			x := newDecoder()
			for b := range work {
				b.decode(x, &r.opts)
				close(b.ready)
			}
		})
	}
	var bundle *rpb.Bundle
	for b := range order {
		<-b.ready
		if !b.give(&bundle, yield) {
			return
		}
		if b.large() {
			b.data = nil
			<-large
		}
		free <- b
	}
	if err := split.failed(); err != nil {
		yield(Entry{}, err)
	}
}
