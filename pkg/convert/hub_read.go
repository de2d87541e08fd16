package convert

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"os"
	"slices"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
)

// How FHIR is read. The source is cut into JSON documents without looking into them; the workers decode. There are three exceptions:
//
//	resources that stand alone     are decoded here, for who refers to whom: a record is what belongs to a patient. Going to
//	                               NDJSON they go one by one, as any document.
//	a bundle of several patients   that is to become documents or messages is taken apart: see hub_split.go.
//	a bundle above maxWhole        is never held in memory on its way to NDJSON. It is read three times: to find its end, to
//	                               check it and note the names of its resources, and, in pieces, for the workers.

// maxWhole is the size above which a bundle goes to NDJSON in pieces.
const maxWhole = 4 << 20

// hubRecord is the Data of a Raw: one of text, resource, group, piece and part.
type hubRecord struct {
	text         []byte // a document
	line, column int    // where it begins
	resource     proto.Message
	group        *group
	piece        *piece
	part         *bundlePart
}

func (h hubRecord) at(record int) fhir.Options {
	return fhir.Options{Record: record, Line: h.line, Column: h.column}
}

// key is the digest of the bundle.
func (h hubRecord) key() string {
	if h.piece != nil {
		return h.piece.key
	}
	return digestOf(h.text)
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// piece is some entries of a large bundle.
type piece struct {
	*largeBundle
	first   bool // its leaves are those of the shell too
	entries []fhir.Entry
}

// largeBundle is what the pieces of a bundle share.
type largeBundle struct {
	shell *rpb.Bundle   // without entries
	lost  *fhir.Partial // of the shell, if it was not read whole
	kept  int           // entries that could be kept
	why   *diag.Finding // of the first that could not
	head  bool          // the first could not
	names *fhir.Names
	key   string
}

func readFHIR(r io.Reader, source string, o *Options) iter.Seq2[*Raw, error] {
	return func(yield func(*Raw, error) bool) {
		x := &fhirReading{source: source, o: o, in: r, yield: yield, whole: o.maxWhole}
		if x.whole == 0 {
			x.whole = maxWhole
		}
		if err := x.read(); err != nil {
			yield(nil, err)
		}
	}
}

type fhirReading struct {
	source string
	o      *Options
	in     io.Reader
	yield  func(*Raw, error) bool
	whole  int

	index  int
	keys   uint64     // of the ledger, that were given
	alone  *gathering // resources that stand alone
	unread bool       // a patient among them could not be read
	store  *store     // of the large bundle at hand
	err    error      // of store
}

// read ends early, without an error, when nobody wants more.
func (x *fhirReading) read() error {
	head, ok := x.in.(interface{ Peek(int) ([]byte, error) })
	in := x.in
	if !ok {
		b := bufio.NewReaderSize(x.in, SniffLen)
		head, in = b, b
	}
	begin, _ := head.Peek(SniffLen) // an error comes again
	group := !x.o.apart()
	opts := fhir.ReaderOptions{Source: x.source, Whole: true, Max: maxOr(x.o.MaxRecord, 1<<30)}
	if group && looseFHIR(begin) != "" {
		opts.Jobs = x.o.Jobs
	} else {
		opts.Texts = true
	}
	if !group {
		opts.Max, opts.Over = x.whole, x.over
	}
	for e, err := range fhir.NewReader(in, opts).All() {
		text := []byte(e.Text)
		switch {
		case err != nil:
			return err
		case x.err != nil:
			return x.err
		case e.Over && !group:
			if more, err := x.large(e); err != nil || !more {
				return err
			}
			continue
		case opts.Texts && group && looseFHIR(text) != "":
			e.Resource, e.Findings = fhir.Unmarshal(text, fhir.Options{Source: x.source, Record: e.Document, Line: e.Place.Line, Column: e.Place.Column})
		case opts.Texts && !e.Over:
			if done, more := x.split(text, e.Place); !more {
				return nil
			} else if done {
				continue
			}
			x.index++
			if !x.yield(&Raw{Index: x.index, Bytes: func() []byte { return text }, Size: len(text),
				Data: hubRecord{text: text, line: e.Place.Line, column: e.Place.Column}}, nil) {
				return nil
			}
			continue
		}
		lost := fhir.Lost(e.Findings)
		again := false
		if lost != nil && !e.Over {
			if part := fhir.Salvage(text, false, fhir.Options{Source: x.source, Record: e.Document, Line: e.Place.Line, Column: e.Place.Column}); part != nil && part.Resource != nil {
				e.Resource, e.Findings, lost = part.Resource, append(fhir.Soften(e.Findings), part.Findings...), nil
				again = true
			}
		}
		if lost == nil && e.Resource == nil {
			continue
		}
		if lost == nil && fhir.TypeOf(e.Resource) != "Bundle" {
			if err := x.gather(e); err != nil {
				return err
			}
			continue
		}
		if !e.Over {
			if done, more := x.split(text, e.Place); !more {
				return nil
			} else if done {
				continue
			}
		}
		x.index++
		raw := &Raw{Index: x.index, Bytes: func() []byte { return text }, Size: len(text), Data: hubRecord{resource: e.Resource}, Findings: e.Findings}
		if again { // a bundle, of which the worker keeps account
			raw.Data, raw.Findings = hubRecord{text: text, line: e.Place.Line, column: e.Place.Column}, nil
		}
		if lost != nil {
			x.unread = x.unread || typeOf(text) == "Patient"
			lost.Place.Record = x.index
			raw.Reject, raw.Findings, raw.Data = lost, nil, nil
		}
		if !x.yield(raw, nil) {
			return nil
		}
	}
	return x.groups()
}

func maxOr(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

func (x *fhirReading) gather(e fhir.Entry) error {
	if x.alone == nil {
		s, err := newStore(x.in, x.o.TempDir)
		if err != nil {
			return err
		}
		x.alone = newGathering(s)
	}
	return x.alone.add(e.Resource, e.Text, e.Offset, e.Findings)
}

// groups gives the records of what stands alone.
func (x *fhirReading) groups() error {
	g := x.alone
	if g == nil {
		return nil
	}
	if err := g.store.ready(); err != nil {
		return err
	}
	g.weave()
	g.keys = x.takeKeys(len(g.spans))
	g.unread = x.unread
	var held *Raw // the last one closes the store
	for members := range x.pieces(g) {
		if held != nil && !x.yield(held, nil) {
			return nil
		}
		x.index++
		group := &group{g, members}
		held = &Raw{Index: x.index, Data: hubRecord{group: group}, Stream: group.text, Size: group.size()}
		for _, i := range members {
			held.Findings = append(held.Findings, g.finds[i]...)
		}
	}
	held.release = g.store.close
	x.yield(held, nil)
	return nil
}

// nobodys is how many resources that belong to no patient are a record of tables, in which they are rows that ask for no others.
const nobodys = 1024

// pieces are the groups of a gathering.
func (x *fhirReading) pieces(g *gathering) iter.Seq[[]int32] {
	groups := g.byPatient()
	if x.o.tables == nil {
		return slices.Values(groups)
	}
	return func(yield func([]int32) bool) {
		for _, members := range groups {
			if slices.ContainsFunc(members, func(i int32) bool { return g.typeOf(i) == "Patient" }) {
				if !yield(members) {
					return
				}
				continue
			}
			for piece := range slices.Chunk(members, nobodys) {
				if !yield(piece) {
					return
				}
			}
		}
	}
}

// over keeps the text of a large document, if the source cannot be read again.
func (x *fhirReading) over(piece []byte) {
	if x.err != nil {
		return
	}
	if x.store == nil {
		if x.store, x.err = newStore(x.in, x.o.TempDir); x.err != nil {
			return
		}
	}
	if x.store.source == nil {
		x.err = x.store.write(piece)
	}
}

// until reads until somebody ends it.
func (x *fhirReading) until(r io.Reader) io.Reader {
	if x.o.ended == nil {
		return r
	}
	return readFunc(func(p []byte) (int, error) {
		if err := x.o.ended(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

const (
	pieceEntries = 256
	pieceBytes   = 256 << 10
)

// large gives a document that is too large to be held.
func (x *fhirReading) large(e fhir.Entry) (more bool, err error) {
	s := x.store
	x.store = nil
	var names *os.File
	release := func() {
		s.close()
		if names != nil {
			names.Close()
		}
	}
	if err := s.ready(); err != nil {
		return false, err
	}
	at := e.Offset
	if s.source == nil {
		at = 0
	}
	if names, err = safefile.Temp(x.o.TempDir); err != nil {
		return false, err
	}
	x.index++
	opts := fhir.ReaderOptions{Source: x.source, Jobs: x.o.Jobs, Max: x.o.MaxRecord, Record: x.index, Line: e.Place.Line, Column: e.Place.Column}
	b := &largeBundle{names: fhir.NewNames(names)}
	digest := sha256.New()
	var lost *diag.Finding
	var finds []*diag.Finding
	for p, err := range fhir.NewReader(io.TeeReader(x.until(s.section(at, e.Size)), digest), opts).All() {
		if err != nil {
			return false, err
		}
		if lost = fhir.Lost(p.Findings); lost != nil {
			if lost = b.salvage(&p, lost, x.index); lost != nil {
				break
			}
		}
		switch {
		case p.End:
			b.shell, finds = p.Bundle, p.Findings
		case p.Item != nil && p.Resource != nil:
			b.kept++
			id := fhir.IDOf(p.Resource)
			if id == "" {
				id = idOfURL(p.FullURL())
			}
			if err := b.names.Add(p.FullURL(), fhir.TypeOf(p.Resource), id, p.Index); err != nil {
				return false, err
			}
		case p.Item == nil: // a large resource that stands alone
			release()
			text := []byte(p.Text)
			return x.yield(&Raw{Index: x.index, Bytes: func() []byte { return text }, Size: len(text),
				Data: hubRecord{text: text, line: e.Place.Line, column: e.Place.Column}}, nil), nil
		}
	}
	if lost == nil {
		lost = b.empty()
	}
	if lost != nil {
		lost.Place.Record = x.index
		return x.yield(&Raw{Index: x.index, Reject: lost, Stream: func() io.Reader { return s.section(at, e.Size) }, release: release}, nil), nil
	}
	b.key = hex.EncodeToString(digest.Sum(nil))
	if err := b.names.Finish(func(typ string, entry int) string { return newID(b.key, typ, entry) }); err != nil {
		return false, err
	}
	opts.Texts, opts.Jobs = true, 1
	again := sha256.New()
	now := &piece{largeBundle: b, first: true}
	size := 0
	give := func(last bool) bool {
		raw := &Raw{Index: x.index, More: !last, piece: true, Data: hubRecord{piece: now}, Size: size}
		if now.first {
			raw.Findings = finds
		}
		if last {
			raw.release = release
		}
		now, size = &piece{largeBundle: b}, 0
		return x.yield(raw, nil)
	}
	for p, err := range fhir.NewReader(io.TeeReader(x.until(s.section(at, e.Size)), again), opts).All() {
		if err != nil {
			return false, err
		}
		if p.End {
			continue
		}
		if len(now.entries) == pieceEntries || size > pieceBytes {
			if !give(false) {
				return false, nil
			}
		}
		now.entries = append(now.entries, p)
		size += len(p.Text)
	}
	if hex.EncodeToString(again.Sum(nil)) != b.key {
		return false, errChanged
	}
	return give(true), nil
}
