package convert

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
)

// Findings of the conversion of files.
const (
	UnknownFormat diag.ID = "CP-CNV-001"
	Unreadable    diag.ID = "CP-CNV-002"
	Empty         diag.ID = "CP-CNV-003"
)

// UsageError is an error in how a conversion was asked for.
type UsageError struct {
	Msg, Hint string
}

func (e *UsageError) Error() string { return e.Msg }

// Job is a conversion of several sources into files, or of one to standard output.
type Job struct {
	Formats  *Formats
	To       *Format
	Options  *Options
	Sources  []Source
	Many     bool   // outputs need a folder
	Out      string // a file, a folder, or empty for Stdout
	Stdout   io.Writer
	Ledger   string
	Rejects  string
	Force    bool
	Progress func(int64)         // bytes read; may be nil
	Report   func(*diag.Finding) // may be nil

	dir     bool
	names   []string // of the outputs, relative to Out
	files   *fileSet
	rejects *fileSet
}

// Summary is what a conversion did.
type Summary struct {
	Sources    int    `json:"sources"`
	Unreadable int    `json:"unreadable"` // sources that could not be read or are of no known format
	Totals     Totals `json:"totals"`
	Outputs    int    `json:"outputs"` // files written
}

// String is the summary in words.
func (s *Summary) String() string {
	var b strings.Builder
	t := s.Totals
	fmt.Fprintf(&b, "%s in, %s written", count(t.Records+t.Rejected, "record"), count(t.Records, "record"))
	if t.Rejected > 0 {
		fmt.Fprintf(&b, ", %d rejected", t.Rejected)
	}
	if s.Unreadable > 0 {
		fmt.Fprintf(&b, "; %s not read", count(s.Unreadable, "file"))
	}
	fmt.Fprintf(&b, "\n%s: %d carried, %d folded, %d declined, %d unmapped, %d invalid\n", count(t.Values, "value"), t.Carried, t.Folded, t.Declined, t.Unmapped, t.Invalid)
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// WriteJSON writes the summary as one line of JSON.
func (s *Summary) WriteJSON(w io.Writer) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// Prepare checks where the output goes, before anything is read or written.
func (j *Job) Prepare() error {
	if info, err := os.Stat(j.Out); j.Out != "" && err == nil && info.IsDir() {
		j.dir = true
	}
	if strings.HasSuffix(j.Out, "/") || strings.HasSuffix(j.Out, string(filepath.Separator)) || j.Many && j.Out != "" {
		j.dir = true
	}
	if j.Many && j.Out == "" {
		return &UsageError{"several inputs, a folder or an archive need a folder for the output", "say which: -o FOLDER/"}
	}
	if j.dir {
		if info, err := os.Stat(j.Out); err == nil && !info.IsDir() {
			return &UsageError{fmt.Sprintf("%s is a file, and a folder is needed", j.Out), "name another folder with -o"}
		}
	}
	if j.To.Name == "ndjson" && j.dir {
		j.names = nil
	} else {
		j.names = OutputNames(j.Sources, j.To.Extension)
	}
	single := []string{}
	if j.Out != "" && !j.dir {
		single = append(single, j.Out)
	}
	if j.Ledger != "" {
		single = append(single, j.Ledger)
	}
	for i, p := range single {
		for _, s := range j.Sources {
			if same(p, s.Path) {
				return &UsageError{fmt.Sprintf("%s is input and output at once", p), "name another file"}
			}
		}
		if i > 0 && same(p, single[0]) {
			return &UsageError{fmt.Sprintf("%s is named twice", p), "name another file for the ledger"}
		}
		if _, err := os.Lstat(p); err == nil && !j.Force && !isDevice(p) {
			return &UsageError{fmt.Sprintf("%s is there already", p), "name another file, or overwrite it with --force"}
		}
	}
	if j.dir {
		for i, name := range j.names {
			p := filepath.Join(j.Out, filepath.FromSlash(name))
			if same(p, j.Sources[i].Path) {
				return &UsageError{fmt.Sprintf("%s is input and output at once", p), "name another folder with -o"}
			}
			if _, err := os.Lstat(p); err == nil && !j.Force {
				return &UsageError{fmt.Sprintf("%s is there already", p), "name another folder, or overwrite it with --force"}
			}
		}
	}
	return nil
}

func same(a, b string) bool {
	if a == "" || b == "" || b == "-" {
		return false
	}
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

func isDevice(p string) bool {
	info, err := os.Stat(p)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

func (j *Job) report(f *diag.Finding) {
	if j.Report != nil && f != nil {
		j.Report(f)
	}
}

// Run converts. What it writes stands under its final names only when it ends well; an error or an interruption leaves none
// of the files that were not finished.
func (j *Job) Run(ctx context.Context) (sum *Summary, err error) {
	sum = &Summary{Sources: len(j.Sources)}
	j.files, j.rejects = &fileSet{force: j.Force}, &fileSet{force: j.Force}
	defer func() {
		if err != nil || ctx.Err() != nil {
			j.files.discard()
			j.rejects.discard()
		}
	}()
	var ledger *LedgerWriter
	var ledgerBuf *bufio.Writer
	if j.Ledger != "" {
		f, err := j.files.create(j.Ledger)
		if err != nil {
			return sum, err
		}
		ledgerBuf = bufio.NewWriterSize(f, 64<<10)
		ledger = NewLedgerWriter(ledgerBuf, j.Many, strings.HasSuffix(j.Ledger, ".ndjson"))
	}
	var out *bufio.Writer
	switch {
	case j.Out == "":
		out = bufio.NewWriterSize(j.Stdout, 64<<10)
	case !j.dir:
		f, err := j.files.create(j.Out)
		if err != nil {
			return sum, err
		}
		out = bufio.NewWriterSize(f, 64<<10)
	}
	for i, src := range j.Sources {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		if err := j.source(ctx, i, src, out, ledger, sum); err != nil {
			return sum, err
		}
	}
	if out != nil {
		if err := out.Flush(); err != nil {
			return sum, err
		}
	}
	if ledger != nil {
		if err := ledger.Close(); err != nil {
			return sum, err
		}
		if err := ledgerBuf.Flush(); err != nil {
			return sum, err
		}
	}
	if err := ctx.Err(); err != nil {
		return sum, err
	}
	if sum.Totals.Records == 0 && j.Out != "" && !j.dir {
		j.files.drop(j.Out) // nothing was written: no empty file either
	}
	if err := j.files.commit(); err != nil {
		return sum, err
	}
	sum.Outputs = len(j.files.done)
	return sum, j.rejects.commit()
}

// source converts one source.
func (j *Job) source(ctx context.Context, i int, src Source, out *bufio.Writer, ledger *LedgerWriter, sum *Summary) error {
	unread := func(id diag.ID, why error) error {
		sum.Unreadable++
		what := ""
		if why != nil {
			what = plain(why)
		}
		j.report(diag.New(id, diag.Place{Source: src.Path}, "%s", what))
		return nil
	}
	r, err := src.Open()
	if err != nil {
		return unread(Unreadable, err)
	}
	defer r.Close()
	hash := sha256.New()
	counted := &counter{r: io.TeeReader(r, hash), add: j.Progress}
	buffered := bufio.NewReaderSize(counted, SniffLen)
	head, err := buffered.Peek(SniffLen)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return unread(Unreadable, err)
	}
	var from *Format
	if j.Options.From != "" {
		if from, err = j.Formats.Named(j.Options.From); err != nil {
			return err
		}
	} else if from = j.Formats.Detect(head); from == nil {
		if len(head) == 0 {
			return unread(Empty, nil)
		}
		return unread(UnknownFormat, nil)
	}
	if ledger != nil {
		if err := ledger.Begin(j.To.Name); err != nil {
			return err
		}
	}
	sink := &sink{job: j, index: i, out: out}
	err = Run(ctx, from, j.To, buffered, src.Name, j.Options, func(res *Result) error {
		sum.Totals.Add(res.Entry)
		if ledger != nil {
			if err := ledger.Add(res.Entry); err != nil {
				return err
			}
		}
		for _, f := range res.Findings {
			j.report(f)
		}
		if res.Rejected != nil {
			j.report(res.Rejected)
			return j.reject(i, src, res)
		}
		return sink.put(res)
	})
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) && pe.Path == src.Path { // the source broke off
			return unread(Unreadable, err)
		}
		return err
	}
	if err := sink.close(); err != nil {
		return err
	}
	if ledger != nil {
		if _, err := io.Copy(io.Discard, buffered); err != nil {
			return unread(Unreadable, err)
		}
		return ledger.End(SourceInfo{Path: src.Name, Format: from.Name, SHA256: hex.EncodeToString(hash.Sum(nil))})
	}
	return nil
}

// plain is an error without the path that the finding names already.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// sink puts the records of one source where they belong.
type sink struct {
	job   *Job
	index int
	out   *bufio.Writer

	n     int
	first *Result // held back: a source of one record has no number in its name
}

func (s *sink) put(res *Result) error {
	j := s.job
	s.n++
	switch {
	case s.out != nil:
		for _, p := range res.Parts {
			if _, err := s.out.Write(p.Data); err != nil {
				return err
			}
		}
		return nil
	case j.To.Name == "ndjson":
		for _, p := range res.Parts {
			f, err := j.files.appendTo(filepath.Join(j.Out, p.Type+j.To.Extension))
			if err != nil {
				return err
			}
			if _, err := f.Write(p.Data); err != nil {
				return err
			}
		}
		return nil
	}
	if s.n == 1 {
		s.first = res
		return nil
	}
	if s.first != nil {
		if err := s.write(Numbered(j.names[s.index], s.first.Index), s.first); err != nil {
			return err
		}
		s.first = nil
	}
	return s.write(Numbered(j.names[s.index], res.Index), res)
}

func (s *sink) close() error {
	if s.first == nil {
		return nil
	}
	name := s.job.names[s.index]
	if s.first.Index > 1 { // others were rejected before it
		name = Numbered(name, s.first.Index)
	}
	return s.write(name, s.first)
}

func (s *sink) write(name string, res *Result) error {
	f, err := s.job.files.create(filepath.Join(s.job.Out, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	for _, p := range res.Parts {
		if _, err := f.Write(p.Data); err != nil {
			return err
		}
	}
	return s.job.files.finish(f)
}

// reject keeps a rejected record and its reason.
func (j *Job) reject(i int, src Source, res *Result) error {
	if j.Rejects == "" {
		return nil
	}
	name := Numbered(strings.TrimSuffix(src.Name, path.Ext(src.Name))+path.Ext(src.Name), res.Index)
	p := filepath.Join(j.Rejects, filepath.FromSlash(name))
	f, err := j.rejects.create(p)
	if err != nil {
		return err
	}
	if _, err := f.Write(res.Raw()); err != nil {
		return err
	}
	if err := j.rejects.finish(f); err != nil {
		return err
	}
	why, err := j.rejects.create(p + ".reason.json")
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(struct {
		ID     diag.ID `json:"id"`
		Source string  `json:"source"`
		Record int     `json:"record"`
		Line   int     `json:"line,omitzero"`
		Column int     `json:"column,omitzero"`
		At     string  `json:"at,omitzero"`
		What   string  `json:"what"`
		Why    string  `json:"why,omitzero"`
		Fix    string  `json:"fix,omitzero"`
	}{res.Rejected.ID, src.Name, res.Index, res.Rejected.Place.Line, res.Rejected.Place.Column, res.Rejected.Place.Path,
		res.Rejected.Message(), res.Rejected.ID.Entry().Why, res.Rejected.ID.Entry().Fix}, "", "  ")
	if err != nil {
		return err
	}
	if _, err := why.Write(append(b, '\n')); err != nil {
		return err
	}
	return j.rejects.finish(why)
}

type counter struct {
	r   io.Reader
	add func(int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.add != nil && n > 0 {
		c.add(int64(n))
	}
	return n, err
}
