package convert

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/internal/safefile"
)

// This file is for formats that must see a source whole before its first record: of a table, only the whole file says in which order its
// dates are. Several sources may be one for them: the files of a data set that refer to one another.

// File is a source that can be opened as often as it is wanted.
type File struct {
	Name string // relative to the folder or archive given, as Source.Name
	Path string // in the places of findings
	Size int64
	Open func() (io.ReadCloser, error)
}

// Spool makes a file of a stream that can be read once only: in memory if it is small, else in a temporary file in dir. done gives the space free.
func Spool(r io.Reader, name, dir string) (f *File, done func(), err error) {
	head, err := io.ReadAll(io.LimitReader(r, maxHeld))
	if err != nil {
		return nil, nil, err
	}
	if len(head) < maxHeld {
		return &File{Name: name, Path: name, Size: int64(len(head)), Open: func() (io.ReadCloser, error) { return opened(sliceAt(head), int64(len(head))), nil }}, func() {}, nil
	}
	tmp, err := safefile.Temp(dir)
	if err != nil {
		return nil, nil, err
	}
	done = func() { tmp.Close() }
	if _, err = tmp.Write(head); err == nil {
		_, err = io.Copy(tmp, r)
	}
	info, err2 := tmp.Stat()
	if err == nil {
		err = err2
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return &File{Name: name, Path: name, Size: info.Size(), Open: func() (io.ReadCloser, error) { return opened(tmp, info.Size()), nil }}, done, nil
}

// opened reads a part of something that stays open.
func opened(r io.ReaderAt, n int64) io.ReadCloser {
	return struct {
		*io.SectionReader
		io.Closer
	}{io.NewSectionReader(r, 0, n), io.NopCloser(nil)}
}

type sliceAt []byte

func (s sliceAt) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(s)) {
		return 0, io.EOF
	}
	n := copy(p, s[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readWhole gives the records of a source whose format reads whole files. in begins with what was peeked at.
func (j *Job) readWhole(ctx context.Context, in *input, stream io.Reader, failed func() error, yield func(*step) bool) bool {
	parts := in.src.Joined
	if parts == nil {
		parts = []Source{in.src}
	}
	var files []*File
	all := sha256.New()
	for _, p := range parts {
		f := &File{Name: p.Name, Path: p.Path, Size: p.Size}
		if p.Path == "-" {
			f.Path = p.Name
		}
		if p.Size < 0 { // it can be read once only, and has been opened
			spooled, done, err := Spool(stream, p.Name, j.Options.TempDir)
			if err != nil {
				if ctx.Err() != nil {
					return false
				}
				in.unread, in.why = BrokeOff, err
				return yield(&step{in: in, end: true})
			}
			defer done()
			f.Open, f.Size = spooled.Open, spooled.Size
		} else {
			f.Open = func() (io.ReadCloser, error) {
				r, err := p.Open()
				if err != nil {
					return nil, err
				}
				return j.watched(ctx, r), nil
			}
		}
		if j.Ledger != "" {
			sum, err := digest(f, all)
			if err != nil {
				in.unread, in.why = Unreadable, err
				return yield(&step{in: in, end: true})
			}
			if in.src.Joined != nil {
				in.info.Parts = append(in.info.Parts, SourcePart{p.Name, sum})
			}
		}
		files = append(files, f)
	}
	if j.Ledger != "" {
		in.info.SHA256 = hex.EncodeToString(all.Sum(nil))
	}
	if failed() != nil {
		in.info.SHA256, in.unread, in.why = "", BrokeOff, failed()
		return yield(&step{in: in, end: true})
	}
	for raw, err := range in.from.ReadFiles(files, j.Options) {
		if err != nil {
			if ctx.Err() != nil {
				return false
			}
			in.info.SHA256, in.unread, in.why = "", BrokeOff, err
			return yield(&step{in: in, end: true})
		}
		if !yield(&step{in: in, raw: raw}) {
			return false
		}
	}
	return yield(&step{in: in, end: true})
}

// digest gives the sha256 of a file, and adds its bytes to that of all.
func digest(f *File, all io.Writer) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	own := sha256.New()
	if _, err := io.Copy(io.MultiWriter(own, all), r); err != nil {
		return "", err
	}
	return hex.EncodeToString(own.Sum(nil)), nil
}

// watched counts what is read for the progress, and ends with ctx. A file on a disk stays one that can be read anywhere.
func (j *Job) watched(ctx context.Context, r io.ReadCloser) io.ReadCloser {
	w := &watchedReader{ReadCloser: r, ctx: ctx, add: j.Progress}
	if f, ok := r.(*os.File); ok {
		return &watchedFile{w, f}
	}
	return w
}

// passes is how often a whole file is read, more or less: to survey it and for its rows.
const passes = 2

type watchedReader struct {
	io.ReadCloser
	ctx  context.Context
	add  func(int64)
	rest int64
}

func (w *watchedReader) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.ReadCloser.Read(p)
	if w.add != nil && n > 0 {
		w.rest += int64(n)
		w.add(w.rest / passes)
		w.rest %= passes
	}
	return n, err
}

type watchedFile struct {
	*watchedReader
	f *os.File
}

func (w *watchedFile) ReadAt(p []byte, at int64) (int, error)       { return w.f.ReadAt(p, at) }
func (w *watchedFile) Seek(offset int64, whence int) (int64, error) { return w.f.Seek(offset, whence) }

// Together makes one source of those that a format reads as one, the tables of one practice; the others stay as they are.
func Together(list []Source, formats *Formats, o *Options) []Source {
	j := &Job{Formats: formats, Options: o, Sources: slices.Clone(list)}
	j.lookAll()
	j.joinWhole()
	return j.Sources
}

// RunTogether is Run of a source that Together made.
func RunTogether(ctx context.Context, src Source, to *Format, o *Options, emit func(*Result) error) error {
	if err := fit(src.from, to); err != nil {
		return err
	}
	var files []*File
	for _, p := range src.Joined {
		files = append(files, &File{Name: p.Name, Path: p.Path, Size: p.Size, Open: func() (io.ReadCloser, error) {
			r, err := p.Open()
			if err != nil {
				return nil, err
			}
			return (&Job{}).watched(ctx, r), nil
		}})
	}
	o = o.of(to)
	return run(ctx, &input{from: src.from, name: src.Name}, to, o, src.from.ReadFiles(files, o), emit)
}

// joinWhole makes one source of those whose format says that they are one.
func (j *Job) joinWhole() {
	groups := map[string][]Source{}
	var names []string
	var rest []Source
	for _, s := range j.Sources {
		if s.part == "" {
			rest = append(rest, s)
			continue
		}
		if groups[s.part] == nil {
			names = append(names, s.part)
		}
		groups[s.part] = append(groups[s.part], s)
	}
	slices.Sort(names)
	for _, key := range names {
		if list := groups[key]; len(list) > 1 {
			whole := join(list)
			whole.from = list[0].from
			rest = append(rest, whole)
		} else {
			rest = append(rest, list...)
		}
	}
	j.Sources = rest
	slices.SortStableFunc(j.Sources, func(a, b Source) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Path, b.Path)) })
}
