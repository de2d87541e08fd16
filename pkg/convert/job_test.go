package convert

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// The format of these tests: a source begins with "test:", each line is a record, a line with ! is rejected, one with * brings the
// program down.
func testFormat() *Format {
	return &Format{Name: "test", Extension: ".out", Sniff: func(head []byte) bool { return bytes.HasPrefix(head, []byte("test:")) },
		Read: func(r io.Reader, source string, o *Options) iter.Seq2[*Raw, error] {
			return func(yield func(*Raw, error) bool) {
				b, err := io.ReadAll(r)
				n := 0
				for line := range strings.Lines(string(b)) {
					line = strings.TrimSuffix(line, "\n")
					if n++; n == 1 {
						continue
					}
					raw := &Raw{Index: n - 1, Data: line, Bytes: func() []byte { return []byte(line) }}
					if strings.Contains(line, "!") {
						raw.Reject = diag.New("CP-CNV-004", diag.Place{Line: n}, "")
					}
					if !yield(raw, nil) {
						return
					}
				}
				if err != nil {
					yield(nil, err)
				}
			}
		},
		NewWorker: func(*Options) Worker { return testWorker{} },
		NewWriter: func(*Options) Writer { return testWorker{} },
	}
}

type testWorker struct{}

func (testWorker) ToHub(raw *Raw) (*Record, error) {
	text := raw.Data.(string)
	if strings.Contains(text, "*") {
		panic("SECRET " + text)
	}
	return &Record{Record: mapping.NewRecord(nil), ID: text, Leaves: func(f func(func() string, tree.State, string)) {
		f(func() string { return "text" }, tree.Carried, "")
		f(func() string { return "rest" }, tree.Unmapped, "")
	}}, nil
}

func (testWorker) FromHub(rec *Record) ([]Part, []*diag.Finding, error) {
	return []Part{{Data: []byte(rec.ID + "\n")}}, nil, nil
}

type ran struct {
	dir   string
	finds []string
	sum   *Summary
}

// runJob makes a folder of files and converts args, which are relative to it.
func runJob(t *testing.T, files map[string]string, change func(*Job), args ...string) (*ran, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return runJobIn(t, dir, change, args...)
}

func runJobIn(t *testing.T, dir string, change func(*Job), args ...string) (*ran, error) {
	t.Helper()
	t.Chdir(dir)
	r := &ran{dir: dir}
	sources, many, err := Sources(args, strings.NewReader("test:\nfrom stdin\n"))
	if err != nil {
		return r, err
	}
	format := testFormat()
	j := &Job{Formats: &Formats{List: []*Format{format, FHIR(), NDJSON()}}, To: format, Options: &Options{To: "test", LedgerFull: true, Jobs: 3},
		Sources: sources, Many: many, Out: "out/", Stdout: io.Discard, Report: func(f *diag.Finding) { r.finds = append(r.finds, f.Error()) }}
	if change != nil {
		change(j)
	}
	j.Options.To = j.To.Name
	if err := j.Prepare(); err != nil {
		return r, err
	}
	r.sum, err = j.Run(context.Background())
	return r, err
}

// files gives what stands below a folder.
func (r *ran) files(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(filepath.Join(r.dir, dir), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(filepath.Join(r.dir, dir), p)
		got[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return got
}

func names(m map[string]string) string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestJob: names, rejects with their reasons, a ledger that adds up, and one bad record that does not sink the rest.
func TestJob(t *testing.T) {
	files := map[string]string{"in/one.t": "test:\na\n", "in/deep/many.t": "test:\na\nb!\nc*\nd\n", "in/bad.t": "test:\nx!\n", "in/what.bin": "\x00\x01",
		"in/empty.t": "", "in/.hidden": "test:\nh\n", "in/left" + safefile.Ours: "test:\nleft\n"}
	r, err := runJob(t, files, func(j *Job) { j.Ledger, j.Rejects = "l.json", "rej" }, "in")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(r.files(t, "out")), "deep/many-000001.out deep/many-000004.out one.out"; got != want {
		t.Errorf("out: %s, want %s", got, want)
	}
	rejects := r.files(t, "rej")
	if got, want := names(rejects), "bad.t bad.t.reason.json deep/many-000002.t deep/many-000002.t.reason.json deep/many-000003.t deep/many-000003.t.reason.json"; got != want {
		t.Errorf("rejects: %s, want %s", got, want)
	}
	if rejects["deep/many-000003.t"] != "c*" {
		t.Errorf("the bytes of the rejected record are %q", rejects["deep/many-000003.t"])
	}
	var reason struct {
		ID, Source, What string
		Record, Line     int
	}
	if err := json.Unmarshal([]byte(rejects["deep/many-000002.t.reason.json"]), &reason); err != nil || reason.ID != "CP-CNV-004" ||
		reason.Source != "deep/many.t" || reason.Record != 2 || reason.Line != 3 || reason.What == "" {
		t.Errorf("%+v %v", reason, err)
	}
	for name, text := range rejects {
		if strings.HasSuffix(name, ".json") && strings.Contains(text, "SECRET") {
			t.Errorf("%s tells what a panic said", name)
		}
	}
	if got := strings.Join(r.finds, "\n"); strings.Contains(got, "SECRET") || !strings.Contains(got, "CP-CNV-005") || !strings.Contains(got, "CP-CNV-001") || !strings.Contains(got, "CP-CNV-003") {
		t.Error(got)
	}
	if want := (Totals{Records: 3, Values: 6, Carried: 3, Unmapped: 3, Rejected: 3}); r.sum.Totals != want || r.sum.Unreadable != 2 || r.sum.Outputs != 3 || r.sum.Sources != 5 {
		t.Errorf("%+v", r.sum)
	}
	checkLedger(t, filepath.Join(r.dir, "l.json"), 5, r.sum.Totals)
}

type ledgerFile struct {
	Chartpost string
	Source    SourceInfo
	Target    struct{ Format string }
	Records   []struct {
		Index, Values, Carried              int
		ID                                  string
		Folded, Declined, Unmapped, Invalid []Line
		Rejected                            *Line
	}
	Totals  Totals
	Sources []*ledgerFile
}

// checkLedger reads a ledger and adds it up.
func checkLedger(t *testing.T, file string, sources int, want Totals) *ledgerFile {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var l ledgerFile
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	all := l.Sources
	if sources == 1 {
		all = []*ledgerFile{&l}
	}
	if len(all) != sources || l.Totals != want || l.Chartpost != "ledger/1" {
		t.Errorf("%d sources, totals %+v, want %+v", len(all), l.Totals, want)
	}
	var sum Totals
	for _, s := range all {
		var own Totals
		for _, rec := range s.Records {
			if rec.Rejected != nil {
				own.Rejected++
				continue
			}
			if n := rec.Carried + len(rec.Folded) + len(rec.Declined) + len(rec.Unmapped) + len(rec.Invalid); n != rec.Values {
				t.Errorf("%s, record %d: %d values, %d in the lists", s.Source.Path, rec.Index, rec.Values, n)
			}
			own = own.Plus(Totals{1, rec.Values, rec.Carried, len(rec.Folded), len(rec.Declined), len(rec.Unmapped), len(rec.Invalid), 0})
		}
		if own != s.Totals {
			t.Errorf("%s: totals %+v, records %+v", s.Source.Path, s.Totals, own)
		}
		sum = sum.Plus(own)
	}
	if sum != want {
		t.Errorf("the sources add up to %+v, want %+v", sum, want)
	}
	return &l
}

// TestOrderMakesNoDifference: the same inputs in another order, the same bytes.
func TestOrderMakesNoDifference(t *testing.T) {
	files := map[string]string{"a/x.t": "test:\n1\n", "b/x.t": "test:\n2\n3\n", "c.t": "test:\n4!\n5\n", "d.json": `{"resourceType":"Patient","id":"p"}`,
		"e.json": `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}`}
	var first map[string]string
	for _, args := range [][]string{{"a", "b", "c.t", "d.json", "e.json"}, {"e.json", "c.t", "b", "d.json", "a"}, {"b", "a", "a", "e.json", "d.json", "c.t", "b"}} {
		r, err := runJob(t, files, func(j *Job) { j.Ledger, j.Rejects, j.To = "out/l.ndjson", "out/rej", FHIR() }, args...)
		if err != nil {
			t.Fatal(err)
		}
		got := r.files(t, "out")
		if first == nil {
			first = got
			if names(got) == "" || !strings.Contains(names(got), "records-000001.json") {
				t.Errorf("out: %s", names(got))
			}
			continue
		}
		if names(got) != names(first) {
			t.Fatalf("%s, and in another order %s", names(first), names(got))
		}
		for name := range got {
			if got[name] != first[name] {
				t.Errorf("%s differs:\n%s\n%s", name, first[name], got[name])
			}
		}
	}
}

// TestJoined: bulk data in several files is one input, whose findings name the file and its line.
func TestJoined(t *testing.T) {
	files := map[string]string{"in/Patient.ndjson": `{"resourceType":"Patient","id":"p"}` + "\n" + `{"resourceType":"Patient","id":"q"}`,
		"in/Observation.ndjson": "\n" + `{"resourceType":"Observation","id":"o","status":"nonsense","code":{"text":"x"}}` + "\n" +
			`{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/q"}}` + "\n",
		"in/bundle.json": `{"resourceType":"Bundle","type":"collection"}`}
	r, err := runJob(t, files, func(j *Job) { j.To, j.Ledger, j.Rejects = FHIR(), "l.json", "rej" }, "in")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(r.files(t, "out")), "bundle.json records-000002.json records-000003.json"; got != want {
		t.Errorf("out: %s, want %s", got, want)
	}
	if got := strings.Join(r.finds, "\n"); !strings.Contains(got, filepath.Join("in", "Observation.ndjson")+":2:") {
		t.Error(got)
	}
	l := checkLedger(t, filepath.Join(r.dir, "l.json"), 2, r.sum.Totals)
	if p := l.Sources[1].Source.Parts; len(p) != 2 || p[0].Path != "Observation.ndjson" || len(p[0].SHA256) != 64 {
		t.Errorf("%+v", p)
	}
	if why := r.files(t, "rej")["records-000001.reason.json"]; !strings.Contains(why, "Observation.ndjson") {
		t.Errorf("the reason does not name the file: %s", why)
	}
	// The layout of bulk data, out and in again.
	r, err = runJobIn(t, r.dir, func(j *Job) { j.To, j.Out = NDJSON(), "bulk/" }, "out")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(r.files(t, "bulk")), "Observation.ndjson Patient.ndjson"; got != want {
		t.Errorf("bulk: %s, want %s", got, want)
	}
}

// TestJoinedMarks: each file may begin with a byte order mark; JSON and XML beside one another are not read as one.
func TestJoinedMarks(t *testing.T) {
	const mark = "\xef\xbb\xbf"
	files := map[string]string{"in/a.json": mark + `{"resourceType":"Patient","id":"p"}`, "in/x.xml": mark + `<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"><id value="x"/></Patient>`,
		"in/b.json": mark + `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}`,
		"in/y.xml":  mark + `<?xml version="1.0"?><Group xmlns="http://hl7.org/fhir"><id value="y"/><type value="person"/><actual value="true"/></Group>`}
	r, err := runJob(t, files, func(j *Job) { j.To, j.Ledger = FHIR(), "l.json" }, "in")
	if err != nil {
		t.Fatal(err)
	}
	if r.sum.Totals.Rejected != 0 || r.sum.Totals.Records != 2 {
		t.Errorf("%+v\n%s", r.sum.Totals, strings.Join(r.finds, "\n"))
	}
	got := r.files(t, "out")
	if json := got["records-000001.json"]; !strings.Contains(json, `"subject"`) || strings.Contains(json, mark) {
		t.Errorf("%s: %s", names(got), json)
	}
	if want := "records-000001.json records-2-000001.json"; names(got) != want {
		t.Errorf("out: %s, want %s", names(got), want)
	}
	checkLedger(t, filepath.Join(r.dir, "l.json"), 2, r.sum.Totals)
}

// TestRefused: what is refused before anything is written.
func TestRefused(t *testing.T) {
	in := map[string]string{"in/a.t": "test:\n1\n2\n", "b.t": "test:\n1\n", "file": "x", "full/a-000002.out": "old", "full/b.out": "old", "bulk/Patient.ndjson": "old",
		"rej/b-000001.t": "old"}
	for _, tt := range []struct {
		name, want string
		change     func(*Job)
		args       []string
	}{
		{"a folder without -o", "need a folder", func(j *Job) { j.Out = "" }, []string{"in"}},
		{"several without -o", "need a folder", func(j *Job) { j.Out = "" }, []string{"b.t", "in/a.t"}},
		{"a file for a folder", "file is a file", func(j *Job) { j.Out = "file" }, []string{"in"}},
		{"a file there", "file is there already", func(j *Job) { j.Out = "file" }, []string{"b.t"}},
		{"an output there", "b.out is there already", func(j *Job) { j.Out = "full" }, []string{"b.t"}},
		{"a numbered output there", "a-….out is there already", func(j *Job) { j.Out = "full" }, []string{"in"}},
		{"bulk data there", "Patient.ndjson is there already", func(j *Job) { j.Out, j.To = "bulk", NDJSON() }, []string{"in"}},
		{"rejects there", "is there already", func(j *Job) { j.Rejects = "rej" }, []string{"b.t"}},
		{"input is output", "input and output at once", func(j *Job) { j.Out, j.Force = "b.t", true }, []string{"b.t"}},
		{"input is output, by another name", "input and output at once", func(j *Job) { j.Out, j.Force = "in/../b.t", true }, []string{"b.t"}},
		{"input is ledger", "input and output at once", func(j *Job) { j.Ledger, j.Force = "b.t", true }, []string{"b.t"}},
		{"input is reject", "input and output at once", func(j *Job) { j.Rejects, j.Force = ".", true }, []string{"b.t"}},
		{"ledger is output", "is named twice", func(j *Job) { j.Out, j.Ledger = "x", "x" }, []string{"b.t"}},
		{"a ledger there", "is there already", func(j *Job) { j.Ledger = "file" }, []string{"b.t"}},
		{"a ledger on standard output", "ledger needs a file", func(j *Job) { j.Ledger = "-" }, []string{"b.t"}},
		{"stdin twice", "named twice", nil, []string{"-", "-"}},
	} {
		r, err := runJob(t, in, tt.change, tt.args...)
		var u *UsageError
		if !errors.As(err, &u) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if got := r.files(t, "."); len(got) != len(in) {
			t.Errorf("%s: something was written: %s", tt.name, names(got))
		}
	}
}

// TestStdin: - is called stdin.
func TestStdin(t *testing.T) {
	r, err := runJob(t, map[string]string{"b.t": "test:\n1\n"}, nil, "-", "b.t")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.files(t, "out"); names(got) != "b.out stdin.out" || got["stdin.out"] != "from stdin\n" {
		t.Errorf("%q", got)
	}
}

// TestSingle: standard output, a file, and no file where there is nothing.
func TestSingle(t *testing.T) {
	var out bytes.Buffer
	if _, err := runJob(t, map[string]string{"b.t": "test:\n1\n2\n"}, func(j *Job) { j.Out, j.Stdout = "-", &out }, "b.t"); err != nil || out.String() != "1\n2\n" {
		t.Errorf("%q %v", out.String(), err)
	}
	r, err := runJob(t, map[string]string{"b.t": "test:\n1!\n"}, func(j *Job) { j.Out, j.Ledger = "x", "l" }, "b.t")
	if err != nil || names(r.files(t, ".")) != "b.t l" {
		t.Errorf("%s %v", names(r.files(t, ".")), err)
	}
	checkLedger(t, filepath.Join(r.dir, "l"), 1, Totals{Rejected: 1})
	r, err = runJob(t, map[string]string{"b.t": "test:\n1\n"}, func(j *Job) { j.Ledger = "l" }, "b.t")
	if err != nil {
		t.Fatal(err)
	}
	l := checkLedger(t, filepath.Join(r.dir, "l"), 1, Totals{Records: 1, Values: 2, Carried: 1, Unmapped: 1})
	if l.Source.Path != "b.t" || l.Source.Format != "test" || l.Target.Format != "test" ||
		l.Source.SHA256 != "5e53e3a08e5d6cbf1a93de3dd22d9e9ef2bb5ccf97bd6c19ad6b4f4ebbb9ec2a" && len(l.Source.SHA256) != 64 || l.Records[0].ID != "1" {
		t.Errorf("%+v", l)
	}
}

func zipOf(t *testing.T, files map[string]string, damage bool) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for k := range files {
			if !yield(k) {
				return
			}
		}
	}) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[name])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if damage { // of the first member, near its end
		i := bytes.Index(b.Bytes()[4:], []byte("PK\x07\x08"))
		b.Bytes()[i] ^= 0x55
	}
	return b.Bytes()
}

func TestArchive(t *testing.T) {
	files := map[string]string{"a/b.t": "test:\n1\n", "c.t": "test:\n2\n3\n", "__MACOSX/x": "test:\n4\n", "d/.DS_Store": "x"}
	r, err := runJob(t, map[string]string{"in.zip": string(zipOf(t, files, false)), "not.zip": "test:\n"}, nil, "in.zip", "not.zip")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(r.files(t, "out")), "a/b.out c-000001.out c-000002.out"; got != want {
		t.Errorf("out: %s, want %s", got, want)
	}
	if r.sum.Unreadable != 1 || !strings.Contains(strings.Join(r.finds, ""), "not.zip") {
		t.Errorf("%+v %s", r.sum, r.finds)
	}
	// Names that lead out of the archive.
	r, err = runJob(t, map[string]string{"in.zip": string(zipOf(t, map[string]string{"../evil.t": "test:\n1\n", "good.t": "test:\n2\n"}, false))}, nil, "in.zip")
	if err != nil || names(r.files(t, "out")) != "good.out" || r.sum.Unreadable != 1 {
		t.Errorf("%s %+v %v", names(r.files(t, ".")), r.sum, err)
	}
}

// TestBrokeOff: what was read before a source broke off is converted at every number of jobs, and its ledger is whole.
func TestBrokeOff(t *testing.T) {
	var text strings.Builder
	text.WriteString("test:\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "record %d\n", i*i)
	}
	archive := string(zipOf(t, map[string]string{"a.t": text.String()}, true))
	var first string
	for _, jobs := range []int{1, 8} {
		r, err := runJob(t, map[string]string{"in.zip": archive, "ok.t": "test:\n1\n"}, func(j *Job) { j.Ledger, j.Options.Jobs = "l.json", jobs }, "in.zip", "ok.t")
		if err != nil {
			t.Fatal(err)
		}
		if r.sum.Unreadable != 1 || r.sum.Totals.Rejected != 1 || !strings.Contains(strings.Join(r.finds, ""), "CP-CNV-006") {
			t.Errorf("%+v %s", r.sum, r.finds)
		}
		l := checkLedger(t, filepath.Join(r.dir, "l.json"), 2, r.sum.Totals)
		if s := l.Sources[0].Source; s.Unread == "" || s.SHA256 != "" {
			t.Errorf("%+v", s)
		}
		got := names(r.files(t, "out"))
		if first == "" {
			first = got
		}
		if got != first || !strings.HasPrefix(got, "a-000001.out") {
			t.Errorf("%d outputs at %d jobs, %d at one", strings.Count(got, " "), jobs, strings.Count(first, " "))
		}
	}
}

// TestInterruptedJob: an interruption leaves whole files only, and no ledger.
func TestInterruptedJob(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, "test:\n1\n2\n") // and nothing more, for ever
	format := testFormat()
	format.Read = func(in io.Reader, source string, o *Options) iter.Seq2[*Raw, error] {
		return func(yield func(*Raw, error) bool) {
			yield(&Raw{Index: 1, Data: "x", Bytes: func() []byte { return nil }}, nil)
			cancel()
			_, err := io.ReadAll(in)
			yield(nil, err)
		}
	}
	format.Sniff = func([]byte) bool { return true }
	sources, _, err := Sources([]string{"-"}, io.MultiReader(strings.NewReader(strings.Repeat("test:\n", SniffLen)), r))
	if err != nil {
		t.Fatal(err)
	}
	j := &Job{Formats: &Formats{List: []*Format{format}}, To: format, Options: &Options{To: "test"}, Sources: sources, Out: "x.out", Ledger: "l.json"}
	if err := j.Prepare(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// TestSweep: what a killed run left is gone after the next.
func TestSweep(t *testing.T) {
	r, err := runJob(t, map[string]string{"b.t": "test:\n1\n", "out/old.out" + safefile.Ours: "half", "out/others.partial": "x", "out/b.out" + safefile.Ours: "half"}, nil, "b.t")
	if err != nil || names(r.files(t, "out")) != "b.out others.partial" {
		t.Errorf("%s %v", names(r.files(t, "out")), err)
	}
}

// TestDevice: what cannot be written is an error, with no half file.
func TestDevice(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	for _, change := range []func(*Job){func(j *Job) { j.Out = "/dev/full" }, func(j *Job) { j.Ledger = "/dev/full" }} {
		if _, err := runJob(t, map[string]string{"b.t": "test:\n1\n"}, change, "b.t"); err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("%v", err)
		}
	}
}
