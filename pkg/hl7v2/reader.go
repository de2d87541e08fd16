package hl7v2

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/transform"

	"github.com/chartpost/chartpost/pkg/diag"
)

// A Raw record is a message as it stands in its source, or lines that belong to none.
type Raw struct {
	Data     string        // its bytes, before any character set; of UTF-16 and UTF-32 the UTF-8 (Encoding says so)
	Encoding string        // UTF-16LE, UTF-16BE, UTF-32LE, UTF-32BE; else empty
	Record   int           // its position in the source, from 1; lines that were rejected count
	Offset   int64         // of its first byte in the source
	Line     int           // of its first byte, from 1
	Column   int           // of its first byte, from 1
	Framed   bool          // it came in an MLLP frame
	Batch    *Envelope     // the innermost batch or file that it is in, nil if none
	Reject   *diag.Finding // why it cannot be parsed: it is no message, or too long. Data then holds its beginning
	Findings []*diag.Finding
}

// Bytes are the bytes of the record in the encoding of the source.
func (r *Raw) Bytes() []byte {
	if r.Encoding == "" {
		return []byte(r.Data)
	}
	b, ok := wide(r.Encoding).encode([]byte(r.Data), 0)
	if !ok {
		return []byte(r.Data)
	}
	return b
}

// An Envelope is the header of a file or batch: FHS or BHS.
type Envelope struct {
	Name     string    // FHS or BHS
	Data     string    // the segment
	Line     int       // where it stands, from 1
	Parent   *Envelope // the file of a batch
	Messages int       // how many have been found in it so far
	Batches  int       // of a file
}

// Field is a field of the header as it stands: BHS-3 is the sending application, BHS-7 the time, BHS-11 the control id.
func (e *Envelope) Field(i int) string { return segmentField(e.Data, i) }

func segmentField(s string, i int) string {
	if len(s) < 4 {
		return ""
	}
	sep := s[3]
	if hs := s[1:3] == "HS"; hs && i == 1 {
		return s[3:4]
	} else if hs {
		i--
	}
	for range i {
		j := strings.IndexByte(s, sep)
		if j < 0 {
			return ""
		}
		s = s[j+1:]
	}
	if j := strings.IndexByte(s, sep); j >= 0 {
		s = s[:j]
	}
	return s
}

const (
	defaultMaxMessage = 256 << 20
	maxStray          = 1 << 20  // of lines outside messages in one record
	keepOfLong        = 64 << 10 // of a message that is too long
)

// A Reader finds the records of a source: one message or many, in batches and frames or not. It holds one record in
// memory, whatever the size of the source.
type Reader struct {
	src      io.Reader
	o        Options
	encoding string
	started  bool
	err      error // of src, io.EOF at its end

	buf     []byte
	pos     int    // in buf: where the next line begins
	rec     int    // in buf: where the record begins; -1 if there is none
	found   [4]int // in buf: the next \r, \n, 0x0B, 0x1C; -1 if none has been found
	scanned [4]int // in buf: up to where each has been looked for
	off     int64  // of buf[0] in the source, in its bytes
	line    int    // of pos
	col     int    // of pos
	mid     bool   // pos is within a line: another message stands before it

	record   int
	framed   bool
	file     *Envelope
	batch    *Envelope
	messages int
	pending  []*diag.Finding
}

// NewReader reads records from src.
func NewReader(src io.Reader, o Options) *Reader {
	if o.MaxMessage <= 0 {
		o.MaxMessage = defaultMaxMessage
	}
	return &Reader{src: src, o: o, rec: -1, line: 1, col: 1, found: [4]int{-1, -1, -1, -1}}
}

// Findings are those that stand after the last record, once Next has returned io.EOF.
func (r *Reader) Findings() []*diag.Finding { return r.pending }

// File is the file header that holds now, nil if there is none.
func (r *Reader) File() *Envelope { return r.file }

// All yields the records in order. An error of the source ends it.
func (r *Reader) All() iter.Seq2[*Raw, error] {
	return func(yield func(*Raw, error) bool) {
		for {
			raw, err := r.Next()
			if err == io.EOF || !yield(raw, err) || err != nil {
				return
			}
		}
	}
}

// A line of the source, without its end.
type line struct {
	data []byte // without blanks before it
	kind lineKind
	end  byte // what ends it: \n (or \r), 0x0B, 0x1C, 'M' where a message begins, 0 at the end of the source
	len  int  // with its end
	long bool // it is not whole: longer than a record may be
}

type lineKind uint8

const (
	blankLine lineKind = iota
	proseLine
	segmentLine
	messageStart
	fileStart
	batchStart
	batchEnd
	fileEnd
)

// Next returns the next record, io.EOF if there is none, or the error of the source. Records belong to the caller.
func (r *Reader) Next() (*Raw, error) {
	if !r.started {
		r.started = true
		r.start()
	}
	for {
		l, err := r.peek(maxStray)
		if err != nil {
			return nil, r.finish(err)
		}
		switch l.kind {
		case blankLine:
			r.frame(l)
			r.consume(l)
		case messageStart:
			return r.message(l)
		case fileStart, batchStart, batchEnd, fileEnd:
			r.envelope(l)
			r.frame(l)
			r.consume(l)
		default:
			return r.stray(l)
		}
	}
}

// start recognises the encodings that are not bytes.
func (r *Reader) start() {
	head := make([]byte, 8)
	n, err := io.ReadFull(r.src, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		r.err = err
	}
	r.src = io.MultiReader(bytes.NewReader(head[:n]), r.src)
	if r.encoding = sniffWide(string(head[:n])); r.encoding != "" {
		r.src = transform.NewReader(r.src, wide(r.encoding).enc.NewDecoder())
		if head[0] >= 0xfe || head[2] == 0xfe { // the mark
			r.off = r.width([]byte("M"))
		}
	}
	r.fill()
	if bytes.HasPrefix(r.buf, []byte("\ufeff")) {
		r.pos, r.col = 3, 4
	}
}

// fill reads more. It moves what is still needed to the front of the buffer if that is worth it.
func (r *Reader) fill() {
	keep := r.pos
	if r.rec >= 0 {
		keep = r.rec
	}
	if keep > 0 && keep >= cap(r.buf)/2 || keep > 0 && len(r.buf) == cap(r.buf) {
		r.off += r.width(r.buf[:keep])
		if rest := len(r.buf) - keep; cap(r.buf) > 4<<20 && rest < cap(r.buf)/8 {
			r.buf = append(make([]byte, 0, max(64<<10, 2*rest)), r.buf[keep:]...) // one long message, and short ones again
		} else {
			copy(r.buf, r.buf[keep:])
			r.buf = r.buf[:len(r.buf)-keep]
		}
		r.pos -= keep
		if r.rec >= 0 {
			r.rec -= keep
		}
		for i := range r.found {
			r.found[i] = max(r.found[i]-keep, -1)
			r.scanned[i] = max(r.scanned[i]-keep, 0)
		}
	}
	if len(r.buf) == cap(r.buf) {
		r.buf = append(make([]byte, 0, max(64<<10, 2*cap(r.buf))), r.buf...)
	}
	for range 100 {
		n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		if err != nil {
			r.err = err
			return
		}
		if n > 0 {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// width is how many bytes a piece of the buffer has in the source.
func (r *Reader) width(b []byte) int64 {
	switch {
	case r.encoding == "":
		return int64(len(b))
	case strings.HasPrefix(r.encoding, "UTF-32"):
		return 4 * int64(utf8.RuneCount(b))
	}
	n := int64(0)
	for _, c := range b {
		if c&0xC0 != 0x80 {
			n += 2
		}
		if c >= 0xF0 {
			n += 2
		}
	}
	return n
}

var ends = [4]byte{'\r', '\n', 0x0B, 0x1C}

// lineEnd finds what ends the line at pos: the nearest of ends. Each byte is looked at once for each of them.
func (r *Reader) lineEnd() (at int, ok bool) {
	at = len(r.buf)
	for i, c := range ends {
		if r.found[i] < r.pos {
			from := max(r.pos, r.scanned[i])
			r.found[i], r.scanned[i] = -1, len(r.buf)
			if j := bytes.IndexByte(r.buf[from:], c); j >= 0 {
				r.found[i], r.scanned[i] = from+j, from+j+1
			}
		}
		if r.found[i] >= 0 {
			at = min(at, r.found[i])
		}
	}
	return at, at < len(r.buf)
}

var joined = []byte(`MSH|^~\&`)

// peek looks at the line at pos. If it is longer than limit, together with its record so far, it is cut.
func (r *Reader) peek(limit int) (line, error) {
	for {
		from := r.pos
		if r.rec >= 0 {
			from = r.rec
		}
		at, ok := r.lineEnd()
		switch {
		case ok && r.buf[at] == '\r' && at+1 == len(r.buf) && r.err == nil: // is it CRLF?
		case ok:
			return r.classify(at), nil
		case r.err != nil && r.err != io.EOF:
			return line{}, r.err
		case r.err == io.EOF && r.pos == len(r.buf):
			return line{}, io.EOF
		case r.err == io.EOF:
			return r.classify(len(r.buf)), nil
		case len(r.buf)-from > limit:
			l := r.classify(len(r.buf))
			l.long = true
			return l, nil
		}
		r.fill()
	}
}

// classify makes a line of what stands between pos and at.
func (r *Reader) classify(at int) line {
	raw := r.buf[r.pos:at]
	l := line{len: at - r.pos}
	if at < len(r.buf) {
		switch l.end = r.buf[at]; l.end {
		case '\r':
			if l.len++; at+1 < len(r.buf) && r.buf[at+1] == '\n' {
				l.len++
			}
			l.end = '\n'
		default:
			l.len++
		}
	}
	if i := bytes.Index(raw, joined); i > 0 && len(bytes.TrimLeft(raw[:i], " \t")) > 0 {
		raw, l.len, l.end = raw[:i], i, 'M'
	}
	l.data = bytes.TrimLeft(raw, " \t")
	l.kind = kindOf(l.data)
	return l
}

func kindOf(b []byte) lineKind {
	if len(bytes.Trim(b, " \t\x00\x1a")) == 0 {
		return blankLine
	}
	if len(b) < 3 || !upper(b[0]) || !upper(b[1]) && !digit(b[1]) || !upper(b[2]) && !digit(b[2]) {
		return proseLine
	}
	if len(b) > 3 && !separator(b[3]) {
		return proseLine
	}
	switch string(b[:3]) {
	case "MSH":
		if len(b) == 3 {
			return proseLine
		}
		return messageStart
	case "FHS":
		return fileStart
	case "BHS":
		return batchStart
	case "BTS":
		return batchEnd
	case "FTS":
		return fileEnd
	}
	return segmentLine
}

// consume steps behind a line.
func (r *Reader) consume(l line) {
	r.pos += l.len
	r.mid = l.end == 'M'
	if l.end == '\n' {
		r.line++
		r.col = 1
	} else {
		r.col += int(r.width(r.buf[r.pos-l.len : r.pos]))
	}
}

// frame notes where MLLP frames begin and end.
func (r *Reader) frame(l line) {
	switch l.end {
	case 0x0B:
		r.framed = true
	case 0x1C:
		r.framed = false
	}
}

func (r *Reader) place() diag.Place {
	return diag.Place{Source: r.o.Source, Line: r.line, Column: r.col}
}

func (r *Reader) report(id diag.ID, format string, args ...any) {
	r.pending = append(r.pending, diag.New(id, r.place(), format, args...))
}

// begin makes the record that begins at pos.
func (r *Reader) begin() *Raw {
	r.record++
	r.rec = r.pos
	raw := &Raw{Encoding: r.encoding, Record: r.record, Offset: r.off + r.width(r.buf[:r.pos]), Line: r.line, Column: r.col, Framed: r.framed}
	raw.Findings, r.pending = r.pending, nil
	return raw
}

// end closes a record that ends at pos.
func (r *Reader) end(raw *Raw, keep int) *Raw {
	if keep > r.pos-r.rec {
		keep = r.pos - r.rec
	}
	raw.Data = string(r.buf[r.rec : r.rec+keep])
	r.rec = -1
	return raw
}

// message reads the message that begins at pos.
func (r *Reader) message(l line) (*Raw, error) {
	raw := r.begin()
	report := func(id diag.ID) {
		f := diag.New(id, r.place(), "")
		f.Place.Record = raw.Record
		raw.Findings = append(raw.Findings, f)
	}
	if r.mid {
		report("CP-V2-032")
	}
	if l.long {
		var err error
		if l, err = r.peek(r.o.MaxMessage); err != nil {
			r.rec = -1
			return nil, err
		}
	}
	if r.batch != nil {
		r.batch.Messages++
	} else if r.file != nil {
		r.file.Messages++
	}
	if raw.Batch = r.batch; raw.Batch == nil {
		raw.Batch = r.file
	}
	r.messages++
	sep, component := l.data[3], byte(0)
	if len(l.data) > 4 && separator(l.data[4]) && l.data[4] != sep {
		component = l.data[4]
	}
	length := 0 // up to the end of the last line that is not blank
	var tail struct {
		pos, line, col, length int
		blank, set             bool
		last, end              int // where the last segment stands in the record
	}
	blank := false
	first := true
	for {
		if !first {
			var err error
			if l, err = r.peek(r.o.MaxMessage); err != nil {
				if err != io.EOF {
					r.rec = -1
					return nil, err
				}
				if raw.Framed {
					report("CP-V2-028")
					r.framed = false
				}
				break
			}
		}
		if l.long || r.pos-r.rec+l.len > r.o.MaxMessage {
			return r.tooLong(raw)
		}
		if !first && l.kind >= messageStart {
			break
		}
		first = false
		switch l.kind {
		case blankLine:
			blank = true
		case proseLine:
			if !tail.set {
				tail.set, tail.blank, tail.pos, tail.line, tail.col, tail.length = true, blank, r.pos-r.rec, r.line, r.col, length
			}
			length = r.pos - r.rec + l.len
			blank = false
		default:
			tail.set, blank = false, false
			length = r.pos - r.rec + l.len
			tail.last, tail.end = r.pos-r.rec, length
		}
		r.frame(l)
		r.consume(l)
		if l.end == 0x0B || l.end == 0x1C || l.end == 'M' {
			if l.end != 'M' {
				if length == r.pos-r.rec {
					length-- // the mark is not the message's
				}
				if raw.Framed = l.end == 0x1C || raw.Framed; l.end == 0x0B && raw.Framed {
					report("CP-V2-028")
				}
			}
			break
		}
	}
	if tail.set && !raw.Framed {
		// Lines that are no segments end the message. Do they belong to it?
		rest := string(r.buf[r.rec+tail.pos : r.rec+length])
		last := bytes.TrimLeft(r.buf[r.rec+tail.last:r.rec+tail.end], " \t")
		if goesOn, _ := continues(rest, 0, sep, component, string(last[:3]), bytes.Count(last, []byte{sep})); tail.blank || !goesOn {
			r.pos, r.line, r.col, length = r.rec+tail.pos, tail.line, tail.col, tail.length
			r.found = [4]int{-1, -1, -1, -1}
			r.scanned = [4]int{}
		}
	}
	return r.end(raw, length), nil
}

// tooLong skips the rest of a message that is longer than the limit.
func (r *Reader) tooLong(raw *Raw) (*Raw, error) {
	keep := min(r.pos-r.rec+keepOfLong, len(r.buf)-r.rec, keepOfLong)
	raw.Reject = diag.New("CP-V2-003", diag.Place{Source: r.o.Source, Record: raw.Record, Line: raw.Line, Column: raw.Column},
		"the message is longer than the limit of %s bytes", strconv.Itoa(r.o.MaxMessage))
	raw.Data = string(r.buf[r.rec : r.rec+keep])
	r.rec = -1
	for first := true; ; first = false {
		l, err := r.peek(maxStray)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if l.kind >= messageStart && !first {
			break
		}
		r.frame(l)
		r.consume(l)
		if l.end == 0x0B || l.end == 0x1C || l.end == 'M' {
			break
		}
		if l.long {
			first = true // what follows is still this line
		}
	}
	return raw, nil
}

// stray reads lines outside of messages.
func (r *Reader) stray(l line) (*Raw, error) {
	raw := r.begin()
	raw.Reject = diag.New("CP-V2-004", diag.Place{Source: r.o.Source, Record: raw.Record, Line: r.line, Column: r.col}, "")
	length := 0
	for {
		if l.kind >= messageStart {
			break
		}
		if l.kind != blankLine {
			length = r.pos - r.rec + l.len
		}
		r.frame(l)
		r.consume(l)
		if l.end == 0x0B || l.end == 'M' || r.pos-r.rec > maxStray {
			break
		}
		var err error
		if l, err = r.peek(maxStray); err != nil {
			if err != io.EOF {
				r.rec = -1
				return nil, err
			}
			break
		}
	}
	if length == r.pos-r.rec && length > 0 && (l.end == 0x0B || l.end == 0x1C) && !l.long {
		length--
	}
	return r.end(raw, length), nil
}

// envelope reads the header or trailer of a file or batch.
func (r *Reader) envelope(l line) {
	data := string(l.data)
	switch l.kind {
	case fileStart:
		r.closeBatch()
		r.closeFile()
		r.file = &Envelope{Name: "FHS", Data: data, Line: r.line}
	case batchStart:
		r.closeBatch()
		r.batch = &Envelope{Name: "BHS", Data: data, Line: r.line, Parent: r.file}
		if r.file != nil {
			r.file.Batches++
		}
	case batchEnd:
		if r.batch == nil {
			r.report("CP-V2-009", "BTS stands without BHS")
			return
		}
		if n, err := strconv.Atoi(strings.TrimSpace(segmentField(data, 1))); err == nil && n != r.batch.Messages {
			r.report("CP-V2-007", "BTS-1 says %d messages, the batch has %d", n, r.batch.Messages)
		}
		r.count()
	case fileEnd:
		r.closeBatch()
		if r.file == nil {
			r.report("CP-V2-009", "FTS stands without FHS")
			return
		}
		if n, err := strconv.Atoi(strings.TrimSpace(segmentField(data, 1))); err == nil && n != r.file.Batches &&
			!(r.file.Batches == 0 && (n == 1 || n == r.file.Messages)) { // a file without BHS is one batch to some
			r.report("CP-V2-007", "FTS-1 says %d batches, the file has %d", n, r.file.Batches)
		}
		r.file = nil
	}
}

// count ends a batch and adds its messages to the file's.
func (r *Reader) count() {
	if r.file != nil {
		r.file.Messages += r.batch.Messages
	}
	r.batch = nil
}

func (r *Reader) closeBatch() {
	if r.batch != nil {
		r.report("CP-V2-008", "the batch that begins in line %d has no BTS", r.batch.Line)
		r.count()
	}
}

func (r *Reader) closeFile() {
	if r.file != nil {
		r.report("CP-V2-008", "the file that begins in line %d has no FTS", r.file.Line)
		r.file = nil
	}
}

// finish is called at the end of the source, or at its error.
func (r *Reader) finish(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	if r.messages >= 0 {
		r.closeBatch()
		r.closeFile()
		if r.messages == 0 {
			r.pending = append(r.pending, diag.New("CP-V2-002", diag.Place{Source: r.o.Source}, ""))
		}
		r.messages = -1 // say it once
	}
	return io.EOF
}
