package convert

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Findings of the conversion of files.
const (
	UnknownFormat diag.ID = "CP-CNV-001"
	Unreadable    diag.ID = "CP-CNV-002"
	Empty         diag.ID = "CP-CNV-003"
	NoBundle      diag.ID = "CP-CNV-004"
	Fault         diag.ID = "CP-CNV-005"
	BrokeOff      diag.ID = "CP-CNV-006"
	NoInstant     diag.ID = "CP-CNV-007"
	OnePage       diag.ID = "CP-CNV-012"
	Wrapper       diag.ID = "CP-CNV-018"
	OnlyOutcome   diag.ID = "CP-CNV-019"
	Undated       diag.ID = "CP-FHIR-223"
	DatedByUser   diag.ID = "CP-FHIR-224"
)

const reasonSuffix = ".reason.json"

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

	dir         bool
	names       []string // of the outputs, relative to Out
	rejectNames []string
	inputs      map[string]bool
	listed      map[string]map[string]bool // what stands in folders that are written to
	files       *fileSet
	ledgers     *fileSet
	rejects     *fileSet
	rejected    map[string]bool
}

// Summary is what a conversion did.
type Summary struct {
	Sources    int    `json:"sources"`
	Unreadable int    `json:"unreadable"` // sources that could not be read or are of no known format
	Totals     Totals `json:"totals"`
	Outputs    int    `json:"outputs"`             // files written
	CodesAdded int    `json:"codesAdded,omitzero"` // by Options.Codes
	LeftOut    int    `json:"leftOut,omitzero"`    // resources of which rows or cells are missing in tables, each with a finding

	view bool // it wrote the tables of views
}

// String is the summary in words. Of views, whoever has never heard of a ledger wants to know what is in the tables.
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
	if s.LeftOut > 0 {
		fmt.Fprintf(&b, "; not all of %s written", count(s.LeftOut, "resource"))
	}
	if s.CodesAdded > 0 {
		fmt.Fprintf(&b, "; %s added", count(s.CodesAdded, "code"))
	}
	if s.view {
		fmt.Fprintf(&b, "\n%s: %d are in the tables, %d are not, since no column shows them; --ledger FILE lists them", count(t.Values, "value"), t.Carried+t.Folded, t.Declined)
		if t.Unmapped+t.Invalid > 0 {
			fmt.Fprintf(&b, "\n%d unmapped, %d invalid", t.Unmapped, t.Invalid)
		}
		b.WriteByte('\n')
		return b.String()
	}
	fmt.Fprintf(&b, "\n%s: %d carried, %d folded, %d declined, %d unmapped, %d invalid\n", count(t.Values, "value"), t.Carried, t.Folded, t.Declined, t.Unmapped, t.Invalid)
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if stem, ok := strings.CutSuffix(what, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Prepare checks where the output goes, before anything is read or written.
func (j *Job) Prepare() error {
	if j.Out == "-" {
		j.Out = ""
	}
	if j.Ledger == "-" {
		return &UsageError{"the ledger needs a file", "name one: --ledger FILE"}
	}
	info, err := os.Stat(filepath.Clean(j.Out)) // with a slash behind it, a file would be an error of the system
	j.dir = j.Out != "" && (err == nil && info.IsDir() || endsInSlash(j.Out) || j.Many && !j.namesTable())
	if j.Many && j.Out == "" {
		return &UsageError{"several inputs, a folder or an archive need a folder for the output", "say which: -o FOLDER/"}
	}
	if j.dir && err == nil && !info.IsDir() {
		return &UsageError{fmt.Sprintf("%s is a file, and a folder is needed", j.Out), "name another folder with -o"}
	}
	j.leaveOutOwn()
	j.join()
	j.names, j.rejectNames = OutputNames(j.Sources, j.To.Extension), RejectNames(j.Sources)
	j.inputs, j.listed, j.rejected = map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}
	for _, s := range j.Sources {
		for _, p := range append([]Source{s}, s.Joined...) {
			if p.Path != "-" {
				j.inputs[resolved(p.Path)] = true
			}
		}
	}
	var single []string
	if j.Out != "" && !j.dir {
		single = append(single, j.Out)
	}
	if j.Ledger != "" {
		single = append(single, j.Ledger)
	}
	for i, p := range single {
		if j.isInput(p) || slices.ContainsFunc(j.Sources, func(s Source) bool { return same(p, s.Path) }) {
			return &UsageError{fmt.Sprintf("%s is input and output at once", p), "name another file"}
		}
		if i > 0 && (same(p, single[0]) || resolved(p) == resolved(single[0])) {
			return &UsageError{fmt.Sprintf("%s is named twice", p), "name another file for the ledger"}
		}
		info, err := os.Lstat(p)
		if err == nil && info.IsDir() {
			return &UsageError{fmt.Sprintf("%s is a folder, and a file is needed", p), "name a file"}
		}
		if err == nil && !j.Force && !isDevice(p) {
			return &UsageError{fmt.Sprintf("%s is there already", p), "name another file, or overwrite it with --force"}
		}
	}
	if info, err := os.Stat(j.Rejects); j.Rejects != "" && err == nil && !info.IsDir() {
		return &UsageError{fmt.Sprintf("%s is a file, and rejects need a folder", j.Rejects), "name another folder with --rejects"}
	}
	if j.To.Tables != nil {
		if err := j.tableClash(); err != nil {
			return err
		}
	} else if j.dir && j.To.Name == "ndjson" {
		for name := range j.list(j.Out) {
			if typ, ok := strings.CutSuffix(name, ".ndjson"); ok && plan.ContainedType().ResourceAlt(typ) != nil && !j.Force {
				return &UsageError{fmt.Sprintf("%s is there already", filepath.Join(j.Out, name)), "name another folder, or overwrite it with --force"}
			}
		}
	} else if j.dir {
		if err := j.free(j.Out, j.names); err != nil {
			return err
		}
	}
	if j.Rejects != "" {
		return j.free(j.Rejects, j.rejectNames)
	}
	return nil
}

// free refuses names below a folder that are inputs, or there already. A source of several records has its outputs numbered.
func (j *Job) free(dir string, names []string) error {
	for _, name := range names {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if j.isInput(p) {
			return &UsageError{fmt.Sprintf("%s is input and output at once", p), "name another folder"}
		}
		if j.Force {
			continue
		}
		have := j.list(filepath.Dir(p))
		base := filepath.Base(p)
		if !have[base] {
			if base = strings.TrimSuffix(base, filepath.Ext(base)) + "-#" + filepath.Ext(base); !have[base] {
				continue
			}
			base = strings.Replace(base, "-#", "-…", 1)
		}
		return &UsageError{fmt.Sprintf("%s is there already", filepath.Join(filepath.Dir(p), base)), "name another folder, or overwrite it with --force"}
	}
	return nil
}

// list is the names in a folder; b-000001.json is there as b-#.json too.
func (j *Job) list(dir string) map[string]bool {
	if have, ok := j.listed[dir]; ok {
		return have
	}
	have := map[string]bool{}
	entries, err := os.ReadDir(dir)
	if err != nil { // it is made when it is needed
		j.listed[dir] = have
		return have
	}
	for _, e := range entries {
		have[e.Name()] = true
		ext := filepath.Ext(e.Name())
		if stem, ok := cutNumber(strings.TrimSuffix(e.Name(), ext)); ok {
			have[stem+"-#"+ext] = true
		}
	}
	j.listed[dir] = have
	return have
}

// leaveOutOwn takes what runs like this one wrote below an input folder from the inputs: else a second run would convert the first
// one's output.
func (j *Job) leaveOutOwn() {
	var own []string
	if j.dir {
		own = append(own, j.Out)
	}
	if j.Rejects != "" {
		own = append(own, j.Rejects)
	}
	files := map[string]bool{}
	for _, p := range []string{j.Ledger, j.Out} {
		if p != "" {
			files[resolved(p)] = true
		}
	}
	for i, p := range own {
		own[i] = resolved(filepath.Clean(p)) + string(filepath.Separator)
	}
	j.Sources = slices.DeleteFunc(slices.Clone(j.Sources), func(s Source) bool {
		if s.root == "" {
			return false
		}
		at, root := resolved(s.Path), resolved(s.root)+string(filepath.Separator)
		return files[at] || slices.ContainsFunc(own, func(dir string) bool {
			return dir != root && strings.HasPrefix(dir, root) && strings.HasPrefix(at, dir)
		})
	})
}

// join makes one source of those whose resources may refer to one another: bulk data in several files. Going to NDJSON resources
// go one by one.
func (j *Job) join() {
	if !j.Many {
		return
	}
	j.Sources = slices.Clone(j.Sources)
	j.lookAll()
	j.joinWhole()
	if j.Options.of(j.To).apart() {
		return
	}
	parts := map[string][]Source{}
	var rest []Source
	for _, s := range j.Sources {
		if s.loose != "" {
			parts[s.loose] = append(parts[s.loose], s)
		} else {
			rest = append(rest, s)
		}
	}
	for _, syntax := range slices.Sorted(maps.Keys(parts)) {
		if list := parts[syntax]; len(list) > 1 {
			rest = append(rest, join(list))
		} else {
			rest = append(rest, list...)
		}
	}
	j.Sources = rest
	slices.SortStableFunc(j.Sources, func(a, b Source) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Path, b.Path)) })
}

// lookAll looks at each source.
func (j *Job) lookAll() {
	head := make([]byte, SniffLen)
	for i := range j.Sources {
		j.look(&j.Sources[i], head)
	}
}

// look finds what the first bytes of a source say of it. head is room for them. Where they say nothing, or it can be read once only,
// its reading will tell.
func (j *Job) look(s *Source, head []byte) {
	if s.Size < 0 {
		return
	}
	r, err := s.Open()
	if err != nil {
		return
	}
	defer r.Close()
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return
	}
	from, err := j.format(s.Name, head[:n])
	if err != nil || from == nil {
		return
	}
	s.from = from
	if from.Join != nil {
		s.part = from.Join(s.Name, head[:n])
	}
	if from.Loose != nil {
		s.loose = from.Loose(head[:n])
	}
}

// format is what --from says, else what the first bytes are, or the name says.
func (j *Job) format(name string, head []byte) (*Format, error) {
	if j.Options.From != "" {
		return j.Formats.Named(j.Options.From)
	}
	return j.Formats.Detect(name, head), nil
}

// Folder is where the output goes; empty if that is a stream or a device. It need not be there yet.
func (j *Job) Folder() string {
	switch {
	case j.Out == "" || isDevice(j.Out):
		return ""
	case j.dir:
		return j.Out
	}
	return filepath.Dir(j.Out)
}

// tempDir is where temporary files go: beside the output, where there is room for it, else where the system has them.
func (j *Job) tempDir() string {
	dir := j.Folder()
	if info, err := os.Stat(dir); dir == "" || err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

func endsInSlash(p string) bool {
	return strings.HasSuffix(p, "/") || strings.HasSuffix(p, string(filepath.Separator))
}

// resolved is a path by the real folder that it stands in. A rename replaces a name, so names are what counts.
func resolved(p string) string {
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(p)); err == nil {
		p = filepath.Join(dir, filepath.Base(p))
	}
	return p
}

func (j *Job) isInput(p string) bool { return j.inputs[resolved(p)] }

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

// Run converts. What it writes stands under its final name only when it is whole; an error or an interruption leaves nothing of
// the files that were not.
func (j *Job) Run(ctx context.Context) (sum *Summary, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends what still waits for input
	sum = &Summary{Sources: len(j.Sources), view: j.To.Tables != nil && j.To.Tables.View}
	for _, s := range j.Sources {
		sum.Sources += max(len(s.Joined)-1, 0)
	}
	j.files, j.ledgers, j.rejects = &fileSet{force: j.Force, input: j.isInput}, &fileSet{force: j.Force, input: j.isInput}, &fileSet{force: j.Force, input: j.isInput}
	defer func() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			j.files.discard()
			j.ledgers.discard()
			j.rejects.discard()
		}
	}()
	if j.dir {
		safefile.Sweep(j.Out)
	}
	j.Options = j.Options.of(j.To)
	j.Options.TempDir, j.Options.ended = j.tempDir(), ctx.Err
	if j.Rejects != "" {
		safefile.Sweep(j.Rejects)
	}
	var ledger *LedgerWriter
	if j.Ledger != "" {
		f, err := j.ledgers.create(j.Ledger)
		if err != nil {
			return sum, err
		}
		ledger = NewLedgerWriter(f, j.Many, strings.HasSuffix(j.Ledger, ".ndjson"))
	}
	var out io.Writer
	var stdout *bufio.Writer
	switch {
	case j.Out == "":
		stdout = bufio.NewWriterSize(j.Stdout, 64<<10)
		out = stdout
	case !j.dir:
		if out, err = j.files.create(j.Out); err != nil {
			return sum, err
		}
	}
	w := &jobWriter{job: j, out: out, ledger: ledger, sum: sum}
	if j.To.Tables != nil {
		if w.tables, err = j.gather(out); err != nil {
			return sum, err
		}
	}
	if err := pipe(ctx, j.To, j.Options, j.read(ctx), w.step); err != nil {
		return sum, err
	}
	if w.tables != nil {
		if err := w.tables.Close(); err != nil {
			return sum, err
		}
		if x, ok := w.tables.(Reporter); ok {
			for _, f := range x.Findings() {
				j.report(f)
				if f.Severity() == diag.Reject {
					sum.LeftOut++
				}
			}
		}
	}
	if stdout != nil {
		if err := stdout.Flush(); err != nil {
			return sum, err
		}
	}
	if ledger != nil {
		if err := ledger.Close(); err != nil {
			return sum, err
		}
	}
	if err := ctx.Err(); err != nil {
		return sum, err
	}
	if sum.Totals.Records == 0 && j.Out != "" && !j.dir {
		j.files.drop(j.Out) // nothing was written: no empty file either
	} else if sum.Totals.Records == 0 && j.To.Tables != nil {
		j.files.discard() // nor headers alone
	}
	for _, set := range []*fileSet{j.ledgers, j.rejects, j.files} {
		if err := set.flush(); err != nil {
			return sum, err
		}
	}
	if err := j.files.commit(); err != nil {
		return sum, err
	}
	sum.Outputs = j.files.done
	if j.Options.Codes != nil {
		sum.CodesAdded = j.Options.Codes.Added()
	}
	return sum, errors.Join(j.rejects.commit(), j.ledgers.commit())
}

// input is a source on its way through the pipeline. The reader fills it in, the writer reads it: the first part once the step
// that begins it has come, the second once that comes which ends it.
type input struct {
	index int
	src   Source
	name  string // in the places of findings
	from  *Format
	parts *joined // of a source that is several

	unread diag.ID // why nothing, or not all of it, was read
	what   string  // of that, in words of its own
	why    error
	info   SourceInfo
}

// read gives the steps of all sources. What is wrong with a source ends it, and the others are read.
func (j *Job) read(ctx context.Context) iter.Seq[*step] {
	return func(yield func(*step) bool) {
		buf := bufio.NewReaderSize(nil, SniffLen)
		for i, src := range j.Sources {
			in := &input{index: i, src: src, name: src.Path, info: SourceInfo{Path: src.Name}}
			if src.Path == "-" {
				in.name = src.Name
			}
			if !j.readSource(ctx, in, buf, yield) {
				return
			}
		}
	}
}

// readSource gives the steps of one source; false ends the job.
func (j *Job) readSource(ctx context.Context, in *input, buf *bufio.Reader, yield func(*step) bool) bool {
	unread := func(id diag.ID, why error) bool {
		in.unread, in.why = id, why
		return yield(&step{in: in, end: true})
	}
	r, err := in.src.Open()
	if err != nil {
		return unread(Unreadable, err)
	}
	defer r.Close()
	digest := sha256.New()
	counted := &counter{r: Interruptible(ctx, in.src, r), add: j.Progress}
	if buf.Reset(counted); j.Ledger != "" {
		buf.Reset(io.TeeReader(counted, digest))
	}
	head, err := buf.Peek(SniffLen)
	if ctx.Err() != nil {
		return false
	}
	if err != nil && err != io.EOF && len(head) == 0 {
		return unread(Unreadable, err)
	}
	from := in.src.from
	if err = nil; from == nil {
		from, err = j.format(in.src.Name, head)
	}
	if from != nil && err == nil {
		err = fit(from, j.To)
	}
	switch {
	case err != nil:
		yield(&step{in: in, err: err})
		return false
	case len(head) == 0:
		in.info.SHA256 = hex.EncodeToString(digest.Sum(nil))
		return unread(Empty, nil)
	case from == nil:
		f := Unknown(diag.Place{}, head)
		in.what = f.What
		return unread(f.ID, nil)
	}
	in.from, in.info.Format = from, from.Name
	in.parts, _ = r.(*joined)
	if from.ReadFiles != nil {
		in.parts = nil // it says itself where its records stand
	}
	if !yield(&step{in: in, begin: true}) {
		return false
	}
	if from.ReadFiles != nil {
		return j.readWhole(ctx, in, buf, counted.failure, yield)
	}
	for raw, err := range from.Read(Rereadable(buf, in.src), in.name, j.Options) {
		if err != nil {
			if ctx.Err() != nil {
				return false
			}
			if counted.failure() == nil { // it is not the source that failed
				yield(&step{in: in, err: err})
				return false
			}
			break
		}
		if !yield(&step{in: in, raw: raw}) {
			return false
		}
	}
	if counted.failure() == nil && j.Ledger != "" {
		// What a reader leaves counts for the digest.
		if _, err := io.Copy(io.Discard, buf); err != nil && counted.failure() == nil {
			yield(&step{in: in, err: err})
			return false
		}
		in.info.SHA256 = hex.EncodeToString(digest.Sum(nil))
	}
	if ctx.Err() != nil {
		return false
	}
	if in.parts != nil {
		in.info.Parts = in.parts.read
	}
	if why := counted.failure(); why != nil {
		in.info.SHA256 = ""
		return unread(BrokeOff, why)
	}
	return yield(&step{in: in, end: true})
}

// jobWriter puts down what comes out of the pipeline: outputs, rejects, ledgers and findings, source by source.
type jobWriter struct {
	job    *Job
	out    io.Writer
	tables Gatherer
	ledger *LedgerWriter
	sum    *Summary

	// Of the source at hand.
	begun bool
	sink  *sink
	last  int
	told  told
	entry *Entry // of a record of which there is more to come
}

// step takes the next step. An error ends the job.
func (w *jobWriter) step(s *step, res *Result) error {
	switch {
	case s.err != nil:
		return s.err
	case s.begin:
		return w.begin(s.in)
	case s.end:
		return w.end(s.in)
	}
	report := func(f *diag.Finding) {
		if s.in.parts != nil {
			f.Place = s.in.parts.place(f.Place)
		}
		w.job.report(f)
	}
	for _, f := range res.Findings {
		report(f)
	}
	if res.Rejected != nil {
		report(res.Rejected)
	}
	if res.Index == 0 {
		return nil
	}
	w.last = res.Index
	w.sum.LeftOut += res.LeftOut
	e := res.Entry
	if w.entry != nil {
		w.entry.join(e)
		e = w.entry
	}
	if w.entry = nil; res.More {
		w.entry = e
	} else if err := w.add(e); err != nil {
		return err
	}
	return w.sink.put(res)
}

func (w *jobWriter) begin(in *input) error {
	w.begun, w.last, w.told, w.sink = true, 0, told{}, &sink{job: w.job, index: in.index, out: w.out, tables: w.tables}
	if w.ledger != nil {
		return w.ledger.Begin(w.job.To.Name)
	}
	return nil
}

func (w *jobWriter) add(e *Entry) error {
	w.told.once(e)
	w.sum.Totals.Add(e)
	if w.ledger != nil {
		return w.ledger.Add(e)
	}
	return nil
}

// end ends a source, which may not have begun.
func (w *jobWriter) end(in *input) error {
	if !w.begun {
		if err := w.begin(in); err != nil {
			return err
		}
	}
	w.begun = false
	if err := w.sink.close(); err != nil {
		return err
	}
	if in.unread == BrokeOff {
		if err := w.add(&Entry{Index: w.last + 1, Rejected: &Line{Why: BrokeOff.Entry().What}}); err != nil {
			return err
		}
	}
	if in.unread != "" {
		w.sum.Unreadable++
		f := diag.New(in.unread, diag.Place{Source: in.src.Path}, "%s", in.what)
		if in.why != nil {
			f.What = fmt.Sprintf("%s: %s", in.unread.Entry().What, Plain(in.why))
		}
		w.job.report(f)
		in.info.Unread = f.Message()
	}
	if w.ledger == nil {
		return nil
	}
	return w.ledger.End(in.info)
}

// Plain is an error without the path that the finding names already.
func Plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// sink puts the records of one source where they belong.
type sink struct {
	job    *Job
	index  int
	out    io.Writer
	tables Gatherer

	n     int
	first *Result // held back: a source of one record has no number in its name
}

func (s *sink) put(res *Result) error {
	if s.n++; s.n == 1 {
		s.first = res
		return nil
	}
	if s.first != nil {
		if err := s.write(s.first, true); err != nil {
			return err
		}
		s.first = nil
	}
	return s.write(res, true)
}

func (s *sink) close() error {
	if s.first == nil {
		return nil
	}
	return s.write(s.first, s.job.Sources[s.index].Joined != nil)
}

func (s *sink) write(res *Result, several bool) error {
	j := s.job
	name := func(n string) string {
		if several {
			n = Numbered(n, res.Index)
		}
		return filepath.FromSlash(n)
	}
	switch {
	case res.Rejected != nil:
		if j.Rejects == "" {
			return nil
		}
		return j.reject(name(j.rejectNames[s.index]), j.Sources[s.index], res)
	case s.tables != nil:
		for _, p := range res.Parts {
			if err := s.tables.Put(p); err != nil {
				return err
			}
		}
		return nil
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
	var data [][]byte
	for _, p := range res.Parts {
		data = append(data, p.Data)
	}
	return j.files.write(filepath.Join(j.Out, name(j.names[s.index])), data...)
}

// reject keeps a rejected record and its reason.
func (j *Job) reject(name string, src Source, res *Result) error {
	for n, base := 2, name; j.rejected[strings.ToLower(name)]; n++ { // another source is called like the number of this
		name = fmt.Sprintf("%s-%d", base, n)
	}
	j.rejected[strings.ToLower(name)] = true
	p := filepath.Join(j.Rejects, name)
	if err := j.rejects.copy(p, res.Raw()); err != nil {
		return err
	}
	f := res.Rejected
	source := src.Name
	if src.Joined != nil {
		source = f.Place.Source
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
	}{f.ID, source, res.Index, f.Place.Line, f.Place.Column, f.Place.Path, f.Message(), f.ID.Entry().Why, f.ID.Entry().Fix}, "", "  ")
	if err != nil {
		return err
	}
	return j.rejects.write(p+reasonSuffix, b, []byte("\n"))
}

// counter counts what was read, and keeps the error that ended it too early.
type counter struct {
	r   io.Reader
	add func(int64)
	err atomic.Pointer[error] // a reader may still be at work when the job is over
}

func (c *counter) failure() error {
	if e := c.err.Load(); e != nil {
		return *e
	}
	return nil
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.add != nil && n > 0 {
		c.add(int64(n))
	}
	if err != nil && err != io.EOF {
		c.err.Store(&err)
	}
	return n, err
}
